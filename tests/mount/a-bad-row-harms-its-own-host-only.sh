#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# Rows that were written with every check off: their host gets a script that says so on screen and a `why` that names the row;
# every other host's script, every listing and every build stays as it was. (test_rows.c has many more rows.)
. "$PXEFS_TESTLIB"
mkbuild 20240101T000000Z -s 1
sql "INSERT INTO profile (name) VALUES ('rack7');
     INSERT INTO host (hostname, profile) VALUES ('db1', 2), ('db2', 1);
     INSERT INTO nic (mac, host) VALUES ('02:08:20:00:00:01', 1), ('02:08:20:00:00:02', 2);" >/dev/null
cp "$INVENTORY" "$DIR/good.db"
mount_pxefs
other=$MNT/hosts/02-08-20-00-00-02 own=$MNT/hosts/02-08-20-00-00-01
want=$(cat "$other/menu.ipxe" "$other/why" | digest)
while IFS='|' read -r words row; do
        sqlite3 "$INVENTORY" "PRAGMA ignore_check_constraints = 1; PRAGMA legacy_alter_table = 1; PRAGMA writable_schema = 1;
                DELETE FROM sqlite_schema WHERE type = 'trigger'; PRAGMA writable_schema = RESET;
                BEGIN; $row; COMMIT;" || fail "$row"
        grep -q "$words" "$own/why" || fail "$row: why says: $(cat "$own/why")"
        grep -q 'refused: hosts/\|not on the boot server' "$own/menu.ipxe" || fail "$row: the screen says nothing"
        ! LC_ALL=C grep -q '[^ -~]' "$own/menu.ipxe" || fail "$row: a control character in the script"
        [ "$(cat "$other/menu.ipxe" "$other/why" | digest)" = "$want" ] || fail "$row: harms another host"
        ls "$MNT/hosts" "$MNT/by-name" "$MNT/smartos" >/dev/null || fail "$row: a listing fails"
        ls "$MNT/hosts" | grep -qx 02-08-20-00-00-02 || fail "$row: the other host is not listed"
        grep -q '"state": "live"' "$MNT/.pxefs/status.json" || fail "$row: $(grep '"inventory"' "$MNT/.pxefs/status.json")"
        sqlite3 "$INVENTORY" ".restore '$DIR/good.db'"
        ! grep -q "$words" "$own/why" || fail "$row: not gone after .restore"
done <<'END'
property x (host db1|INSERT INTO property (host, name, value) VALUES (1, 'x', 'a' || char(10) || 'shell')
property x (host db1|INSERT INTO property (host, name, value) VALUES (1, 'x', printf('%.*c', 1000000, 'v'))
inherits from itself|UPDATE profile SET parent = 2 WHERE id = 2
profile_closure|DELETE FROM profile_closure WHERE descendant = 2
channel 99 does not exist|UPDATE host SET channel = 99 WHERE id = 1
host 1: build is no plain line|UPDATE host SET build = CAST(x'ff' AS TEXT) WHERE id = 1
is of two hosts|CREATE TABLE n (id INTEGER PRIMARY KEY, mac, host, ip, netmask, gateway, vlan, mtu, nic_tag, nic_tags_provided, aggr); INSERT INTO n SELECT * FROM nic; DROP TABLE nic; ALTER TABLE n RENAME TO nic; INSERT INTO host (id, hostname) VALUES (3, 'db3'); INSERT INTO nic (mac, host) VALUES ('02-08-20-00-00-01', 3)
END
