#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# Whatever becomes of the inventory, every host gets the script it last had, status.json says why, and the file itself answers
# again by the next look-up; also after a restart, and to TFTP and HTTP clients.
. "$PXEFS_TESTLIB"
need python3
mkbuild 20240101T000000Z -s 1
sql "INSERT INTO host (hostname, build) VALUES ('db1', '20240101T000000Z');
     INSERT INTO nic (mac, host) SELECT '02:08:20:00:00:01', id FROM host WHERE hostname = 'db1';" >/dev/null
status() { python3 -c 'import json, sys; i = json.load(open(sys.argv[1]))["inventory"]; print(i["state"], i["copy_of"], i["reason"] or "-")' \
        "$MNT/.pxefs/status.json"; }
is_live() { [ "$(state)" = live ]; }
state() { status | cut -d' ' -f1; }
has_copy() { [ "$(status | cut -d' ' -f2)" != None ]; }
menu=hosts/02-08-20-00-00-01/menu.ipxe
copied() { sqlite3 "file:$(ls "$CACHE"/inventory-*.db)?immutable=1" "SELECT comment FROM host WHERE hostname = 'db1'" | grep -qx "$1"; }

mount_pxefs
start_tftpd "$MNT"
start_nginx "$MNT"
want=$(digest "$MNT/$menu")
sql "UPDATE host SET comment = 'copied'"
wait_for 20 copied copied || fail "no copy is made"
[ "$(stat -c '%a %U' "$CACHE"/inventory-*.db)" = "600 $PXEFS_USER" ] || fail "the copy is not private"
[ "$(state)" = live ] || fail "$(status)"
sqlite3 -bail "$DIR/newer.db" <"$PXEFS_SRC/schema/inventory.sql"
sqlite3 -bail "$DIR/newer.db" 'PRAGMA user_version = 9'
for trouble in gone empty garbage directory newer; do
        mv "$DIR/inventory" "$DIR/aside"
        mkdir "$DIR/inventory"
        case $trouble in
        gone) words='No such file' ;;
        empty) words='empty file' && : >"$INVENTORY" ;;
        garbage) words='not a database' && head -c 8192 /dev/urandom >"$INVENTORY" ;;
        directory) words='is no file' && mkdir "$INVENTORY" ;;
        newer) words='has version 9' && cp "$DIR/newer.db" "$INVENTORY" ;;
        esac
        chown -R "$PXEFS_USER:" "$DIR/inventory"
        [ "$(digest "$MNT/$menu")" = "$want" ] || fail "$trouble: another script"
        [ "$(tftp_get $menu | digest)" = "$want" ] || fail "$trouble: another script by TFTP"
        [ "$(http_get $menu | digest)" = "$want" ] || fail "$trouble: another script by HTTP"
        ls "$MNT/hosts" | grep -qx 02-08-20-00-00-01 || fail "$trouble: hosts/ is not listed"
        [ "$(readlink "$MNT/by-name/db1")" = ../hosts/02-08-20-00-00-01 ] || fail "$trouble: by-name/"
        says() { status | grep -q "^copy [^ ]* .*$words"; }
        wait_for 8 says || fail "$trouble: $(status)"
        rm -rf "$DIR/inventory"
        mv "$DIR/aside" "$DIR/inventory"
        [ "$(digest "$MNT/$menu")" = "$want" ] || fail "$trouble: not as before when the inventory is back"
        wait_for 8 is_live || fail "$trouble, back: $(status)" # another worker, as the directory is another
done

# A new start, while it is gone: said loudly, and served.
stop_group "$TFTPD_PID"
stop_group "$NGINX_PID"
umount_pxefs
mv "$DIR/inventory" "$DIR/aside"
"$PXEFS" -f -o "inventory=$INVENTORY,cache=$CACHE,user=$PXEFS_USER,wait" "$BUILDS" "$MNT" >"$DIR/log" 2>&1 &
wait_for 20 grep -q ready "$DIR/log" || fail "$(cat "$DIR/log")"
grep -q 'answering from the copy of .*because' "$DIR/log" || fail "says nothing: $(cat "$DIR/log")"
[ "$(digest "$MNT/$menu")" = "$want" ] || fail "after a restart: another script"
[ "$(state)" = copy ] || fail "$(status)"
mv "$DIR/aside" "$DIR/inventory"
[ "$(digest "$MNT/$menu")" = "$want" ] || fail "not as before when it is back"
wait_for 8 is_live || fail "$(status)"

# In rollback mode a writer locks readers out. The copy answers meanwhile; the commit is seen by the next look-up.
umount_pxefs # the mode is changed only while nobody else has the file open
sql 'PRAGMA journal_mode = DELETE' >/dev/null
mount_pxefs
wait_for 5 test "$(sql 'PRAGMA journal_mode')" = delete
cat >"$DIR/ask" <<END
start=\$(date +%s%3N)
for i in 1 2 3 4 5 6 7 8; do
        [ "\$(sha256sum <"$MNT/$menu" | cut -c 1-64)" = $want ] || touch "$DIR/blocked"
done
[ \$((\$(date +%s%3N) - start)) -lt 3000 ] || touch "$DIR/slow"
END
sqlite3 "$INVENTORY" >/dev/null <<END
.timeout 10000
BEGIN EXCLUSIVE;
UPDATE host SET hostname = 'renamed';
.system sh $DIR/ask
COMMIT;
END
[ ! -e "$DIR/blocked" ] || fail "an exclusive transaction in rollback mode stops boots"
[ ! -e "$DIR/slow" ] || fail "each look-up waits for the lock"
grep -q renamed "$MNT/$menu" || fail "the commit is not seen"
