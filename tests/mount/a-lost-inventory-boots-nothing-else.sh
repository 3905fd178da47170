#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# While neither the inventory nor a copy of it can be read, the dispatcher and the builds are there and a host's script is an
# error, never another script; when it is back, all is as before, without a restart.
. "$PXEFS_TESTLIB"
mkbuild 20240101T000000Z -s 1
sql "INSERT INTO host (hostname, build) VALUES ('db1', '20240101T000000Z');
     INSERT INTO nic (mac, host) SELECT '02:08:20:00:00:01', id FROM host WHERE hostname = 'db1';
     PRAGMA wal_checkpoint(TRUNCATE);"
# No copy can be made: a directory stands in its place.
no_copy()
{
        wait_for 20 sh -c 'ls "$0"/inventory-*.db' "$CACHE" || fail "no copy is made"
        copy=$(ls "$CACHE"/inventory-*.db)
        until mkdir "$copy" 2>/dev/null; do rm "$copy"; done
}
mount_pxefs -o wait
no_copy
menu=$MNT/hosts/02-08-20-00-00-01/menu.ipxe
want=$(digest "$menu")
same() { [ "$(digest "$menu")" = "$want" ]; }
dispatcher=$(digest "$MNT/menu.ipxe")
autoexec=$(digest "$MNT/autoexec.ipxe")
for trouble in gone empty garbage directory; do
        mv "$DIR/inventory" "$DIR/aside"
        mkdir "$DIR/inventory"
        case $trouble in
        gone) ;;
        empty) : >"$INVENTORY" ;;
        garbage) head -c 8192 /dev/urandom >"$INVENTORY" ;;
        directory) mkdir "$INVENTORY" ;;
        esac
        chown -R "$PXEFS_USER:" "$DIR/inventory"
        got=$(cat "$menu" 2>&1) && fail "$trouble: a script is served: $got"
        [ "$(digest "$MNT/menu.ipxe")" = "$dispatcher" ] || fail "$trouble: the dispatcher is gone"
        [ "$(digest "$MNT/autoexec.ipxe")" = "$autoexec" ] || fail "$trouble: autoexec.ipxe is gone"
        [ -s "$MNT/smartos/latest/platform/i86pc/kernel/amd64/unix" ] || fail "$trouble: the build is gone"
        grep -q '"state": "none", "reason": "[^"]' "$MNT/.pxefs/status.json" || fail "$trouble: status says nothing"
        ls "$MNT" "$MNT/smartos" >/dev/null || fail "$trouble: listings fail"
        ! ls "$MNT/hosts" >/dev/null 2>&1 || fail "$trouble: hosts/ looks empty instead of unreadable"
        rm -rf "$DIR/inventory"
        mv "$DIR/aside" "$DIR/inventory"
        # On a slow machine another worker has taken the other directory meanwhile; the next one takes this (fs/daemon/renew.c).
        wait_for 10 same || fail "$trouble: not as before when the inventory is back"
done
# Another database takes the name, with a look-up between the two renames: its rows answer or nothing does, never the old ones.
sqlite3 -bail "$DIR/new.db" <"$PXEFS_SRC/schema/inventory.sql"
sqlite3 -bail "$DIR/new.db" "INSERT INTO host (hostname) VALUES ('new');
        INSERT INTO nic (mac, host) SELECT '02:08:20:00:00:01', id FROM host WHERE hostname = 'new';"
chown "$PXEFS_USER:" "$DIR/new.db"
sql "UPDATE host SET comment = 'in the -wal'"
cat "$menu" >/dev/null
mv "$INVENTORY" "$DIR/inventory/old.db"
cat "$menu" >/dev/null 2>&1 && fail "a script is served without an inventory"
mv "$DIR/new.db" "$INVENTORY"
if cat "$menu" >"$DIR/got" 2>/dev/null; then
        grep -q 'host new' "$DIR/got" || fail "rows of the old database answer: $(head -n 2 "$DIR/got")"
fi
mv "$INVENTORY" "$DIR/new.db"
mv "$DIR/inventory/old.db" "$INVENTORY"
[ "$(digest "$menu")" = "$want" ] || fail "the old database, put back, is refused"

# A writer that holds the whole database does not stop a read: WAL.
sqlite3 "$INVENTORY" >/dev/null <<END
BEGIN EXCLUSIVE;
UPDATE host SET comment = 'held';
.system sh -c '[ "\$(sha256sum <"$menu" | cut -c 1-64)" = $want ] || touch "$DIR/blocked"'
ROLLBACK;
END
[ ! -e "$DIR/blocked" ] || fail "an exclusive transaction stops look-ups"
