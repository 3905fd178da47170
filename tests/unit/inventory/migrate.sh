#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# pxectl migrate: an inventory of schema 1 becomes one of this schema with all its rows, or stays as it is and says why.
set -eu
dir=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d) # no disk to wait for
trap 'rm -rf "$dir"' EXIT
unset PXEFS_INVENTORY
db=$dir/inventory.db
fail() { echo "$*"; exit 1; }
ask() { sqlite3 -bail "$@"; }
same() { [ "$1" = "$2" ] || fail "got:
$1
wants:
$2"; }

sqlite3 -bail "$dir/fresh.db" <"$PXEFS_SRC/schema/inventory.sql" >/dev/null
sqlite3 -bail "$db" <"$PXEFS_SRC/schema/migrations/0001-version-1.sql" >/dev/null
ask "$db" "
INSERT INTO channel (name, build, canary, canary_percent) VALUES ('stable', '20241010T000000Z', '20241024T000000Z', 10), ('edge', NULL, NULL, 0);
INSERT INTO profile (name, build, comment) VALUES ('low', NULL, 'x'), ('high', '20240926T000000Z', NULL);
UPDATE profile SET parent = 3 WHERE name = 'low';
UPDATE profile SET channel = 2 WHERE id = 1;
INSERT INTO host (hostname, uuid, serial, profile, channel) VALUES ('DB1', '4C4C4544-0042-3010-8054-B4C04F4E5331', 'A''1', 2, 1);
INSERT INTO host (id, hostname, build, enabled) VALUES (70, 'db2', '20240926T000000Z', 0);
INSERT INTO nic (id, host, mac, ip) VALUES (9, 1, '02:08:20:ab:cd:01', '2001:DB8:0:0:0::7'), (4, 70, '020820ABCD02', '192.0.2.7');
UPDATE nic SET netmask = '255.255.255.0', gateway = '192.0.2.1', vlan = 5, mtu = 9000, nic_tag = 'admin', nic_tags_provided = 'admin,x', aggr = 'aggr0' WHERE id = 4;
INSERT INTO setting (key, value) VALUES ('allow_destructive', '1'), ('menu_timeout', NULL);
INSERT INTO property (host, name, value) VALUES (1, 'console', 'ttyb'), (1, 'destroy_zpools', 'true'), (70, 'root_shadow', '\$5\$a\$b'), (70, '-kd', '');
INSERT INTO property (profile, name, value) VALUES (2, 'smartos', NULL);
DELETE FROM property WHERE profile = 1 AND name = 'console';
INSERT INTO module (host, name, content, secret) VALUES (1, 'etc/system', x'00ff', 1);
INSERT INTO module (profile, name, content) VALUES (2, 'b', NULL), (3, 'b', 'text');
INSERT INTO network (host, dns_domain) VALUES (1, 'example.com');
INSERT INTO route (profile, destination, gateway) VALUES (1, '10.0.0.0/8', NULL);
INSERT INTO menu_item (key, label, body, position) VALUES ('memtest', 'Memory test', 'chain m' || char(10) || 'chain n', 7);
INSERT INTO answer (profile, config_console, admin_ip, skip_instructions, ntp_host) VALUES (1, 1, 'dhcp', 0, '');
INSERT INTO answer (host, admin_mac, root_password) VALUES (1, '52:54:00:2F:61:34', 'say \"hi\"');
INSERT INTO known_property (name, type, secret) VALUES ('site', 'text', 1);
UPDATE known_property SET meaning = 'mine' WHERE name = 'zpool';
CREATE TABLE mine (x); INSERT INTO mine VALUES (1);
CREATE VIEW my_view AS SELECT hostname FROM host; CREATE INDEX my_index ON host (serial);
CREATE TRIGGER my_trigger AFTER INSERT ON host BEGIN INSERT INTO mine VALUES (new.id); END;"

tables='channel profile host nic setting property module network route menu_item'
columns()       # TABLE: those of schema 1
{
        ask "$dir/v1.db" "SELECT group_concat(name, ', ') FROM pragma_table_info('$1')"
}
rows()          # DATABASE
{
        for t in $tables; do
                ask "$1" "SELECT '$t', $(columns "$t") FROM $t ORDER BY id"
        done
}
cp "$db" "$dir/v1.db"
rows "$db" >"$dir/before"
log=$(ask "$db" "SELECT count(*), max(id), min(at) FROM change")
sum=$(sha256sum <"$db")

# Nothing is changed by looking.
"$PXECTL" -i "$db" migrate -n >"$dir/out"
same "$(cat "$dir/out")" "inventory $db can be migrated from schema 1 to 2"
same "$(sha256sum <"$db")" "$sum"

"$PXECTL" -i "$db" migrate >"$dir/out"
copy=$(sed -n 's/.* is of schema 2; what it was is //p' "$dir/out")
rows "$db" >"$dir/after"
# Two cells are spelled anew: the log in a's uuid is kept, IPv6 has one form.
sed -i 's/2001:db8:0:0:0::7/2001:db8::7/' "$dir/before"
cmp "$dir/before" "$dir/after" || fail "$(diff "$dir/before" "$dir/after")"
same "$(ask "$db" "SELECT count(*), max(id), min(at) FROM change")" "$log"
same "$(ask "$db" "SELECT count(*) FROM change WHERE old || new GLOB '*''(secret)''*'")" 0
same "$(ask "$db" "SELECT ifnull('h' || host, 'p' || profile), key, value FROM answer ORDER BY 1, 2")" \
        'h1|admin_nic|52:54:00:2F:61:34
h1|root_password|say "hi"
p1|admin_ip|dhcp
p1|config_console|true
p1|ntp_host|
p1|skip_instructions|'
same "$(ask "$db" "SELECT name, meaning, secret FROM known_property WHERE name IN ('site', 'zpool', 'whoami') ORDER BY 1")" \
        'site||1
whoami|Made by the kernel from its own line|0
zpool|mine|0'
same "$(ask "$db" 'SELECT * FROM mine; SELECT * FROM my_view ORDER BY 1')" '1
DB1
db2'
same "$(ask "$db" 'PRAGMA user_version; PRAGMA journal_mode; PRAGMA integrity_check; PRAGMA foreign_key_check')" '2
wal
ok'
# A fresh inventory and a migrated one are of the same schema, to the last comment.
schema() { ask "$1" "SELECT type, name, sql FROM sqlite_schema WHERE name NOT GLOB 'my_*' AND name <> 'mine' ORDER BY 1, 2"; }
schema "$dir/fresh.db" >"$dir/a"
schema "$db" >"$dir/b"
cmp "$dir/a" "$dir/b" || fail "$(diff "$dir/a" "$dir/b" | head -20)"
same "$(ask "$db" "SELECT name FROM sqlite_schema WHERE name GLOB 'my_*' ORDER BY 1")" 'my_index
my_trigger
my_view'
# Ids go on where they were, and own triggers work.
ask "$db" "INSERT INTO host (hostname) VALUES ('db3')"
same "$(ask "$db" "SELECT max(id) FROM host; SELECT max(x) FROM mine")" '71
71'
# What it was comes back.
same "$(ask "$copy" "SELECT count(*) FROM host; PRAGMA user_version")" '2
1'
[ "$(stat -c %a "$copy")" = "$(stat -c %a "$db" | sed 's/.$/0/')" ] || [ "$(stat -c %a "$copy")" = 640 ] || fail "the copy has mode $(stat -c %a "$copy")"
same "$("$PXECTL" -i "$db" migrate)" "inventory $db is of schema 2 already"

# What schema 2 refuses is named, all of it, and nothing is lost.
bad=$dir/bad.db
cp "$dir/v1.db" "$bad"
ask "$bad" "UPDATE host SET uuid = '03000200-0400-0500-0006-000700080009' WHERE id = 1;
UPDATE host SET hostname = 'multiboot1' WHERE id = 70;
UPDATE property SET value = '\$6\$rounds=5000\$a\$b' WHERE name = 'root_shadow';
INSERT INTO property (host, name, value) VALUES (1, 'whoami', 'me'), (1, printf('%.*c', 55, 'n'), 'v');
CREATE VIEW old_view AS SELECT admin_mac FROM answer;
ALTER TABLE host ADD COLUMN rack TEXT;"
sum=$(ask "$bad" .dump | sha256sum)
if "$PXECTL" -i "$bad" migrate >"$dir/out" 2>"$dir/err"; then
        fail "it was migrated"
fi
for line in 'host 1 (DB1): uuid: boards whose maker set none have this one.*UPDATE host SET uuid = ... WHERE id = 1' \
        'host 70 (multiboot1): hostname: not with the word multiboot' 'property [0-9]* (root_shadow): root_shadow: .*rounds=' \
        'property [0-9]* (whoami): name: the kernel makes this property itself' 'property [0-9]* (nnn.*49 at most' \
        'table host: the column rack is your own' 'stays as it is: mend what is named above'; do
        grep -q "$line" "$dir/err" || fail "it does not say '$line': $(cat "$dir/err")"
done
same "$(ask "$bad" .dump | sha256sum)" "$sum"
for left in "$bad".v1-*; do
        [ ! -e "$left" ] || fail "$left is left behind"
done

# From a .dump, with any schema: the two PRAGMAs and WAL are put back.
for from in "$dir/v1.db" "$dir/fresh.db"; do
        ask "$from" .dump | sqlite3 -bail "$dir/dumped.db"
        same "$(ask "$dir/dumped.db" 'PRAGMA user_version; PRAGMA application_id')" '0
0'
        if "$PXECTL" -i "$dir/dumped.db" host list >/dev/null 2>"$dir/err"; then
                fail "it is taken for an inventory"
        fi
        grep -q 'pxectl -i FILE migrate puts back' "$dir/err" || fail "$(cat "$dir/err")"
        "$PXECTL" -i "$dir/dumped.db" migrate >/dev/null
        same "$(ask "$dir/dumped.db" 'PRAGMA user_version; PRAGMA application_id; PRAGMA journal_mode')" '2
1886938739
wal'
        "$PXECTL" -i "$dir/dumped.db" host list >/dev/null
        rm -f "$dir"/dumped.db*
done

# A newer schema is nobody's to write into.
ask "$db" 'PRAGMA user_version = 9'
for command in 'migrate' 'host add newer --mac 02:08:20:ab:cd:77' 'host list' 'render db1'; do
        code=0
        # shellcheck disable=SC2086
        "$PXECTL" -i "$db" $command >"$dir/out" 2>&1 || code=$?
        [ "$code" -eq 1 ] || fail "pxectl $command: exit $code"
        grep -q 'install the newer pxefs' "$dir/out" || fail "$(cat "$dir/out")"
done
sqlite3 "$dir/other.db" 'CREATE TABLE t (x)'
for command in migrate 'host list'; do
        # shellcheck disable=SC2086
        ! "$PXECTL" -i "$dir/other.db" $command >"$dir/out" 2>&1 || fail "pxectl $command takes any database"
done
