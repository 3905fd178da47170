#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# The worker is killed while the inventory is gone without a copy, the builds directory cannot be read, or the cache directory
# cannot be used: another one serves what can be had, and all is as before when the trouble is mended.
. "$PXEFS_TESTLIB"
mkbuild 20240101T000000Z -s 1
sql "INSERT INTO host (hostname, build) VALUES ('db1', '20240101T000000Z');
     INSERT INTO nic (mac, host) SELECT '02:08:20:00:00:01', id FROM host WHERE hostname = 'db1';
     PRAGMA wal_checkpoint(TRUNCATE);"
mount -t tmpfs -o size=24m,mode=755 tmpfs "$CACHE"
at_exit 'umount -l "$CACHE"'
mount_pxefs
boot=$MNT/smartos/20240101T000000Z/platform/i86pc/amd64/boot_archive
unix=$MNT/smartos/20240101T000000Z/platform/i86pc/kernel/amd64/unix
menu=$MNT/hosts/02-08-20-00-00-01/menu.ipxe
want=$(member i86pc/amd64/boot_archive | digest)
want_menu=$(digest "$menu")
dispatcher=$(digest "$MNT/menu.ipxe")
keeper=$(keeper_pid)

other_worker()
{
        [ "$(worker_pid)" != "$1" ] && [ -n "$(worker_pid)" ]
}

# A worker whose inventory directory is another one makes room for its successor by itself, so there may be none for a moment.
kill_one()
{
        before=$(worker_pid) && kill -KILL "$before"
}
find_one()
{
        after=$(worker_pid)
}

# kill_it: another worker serves, within seconds and for good (the keeper would despair after a while).
kill_it()
{
        wait_for 5 kill_one || fail "$1: no worker serves"
        wait_for 5 other_worker "$before" || fail "$1: no successor serves"
        wait_for 5 find_one || fail "$1: no worker serves"
        mountpoint -q "$MNT" || fail "$1: the mount is gone"
}

still_there()
{
        [ "$(keeper_pid)" = "$keeper" ] || fail "$1: another keeper"
        [ "$(worker_pid)" = "$after" ] || fail "$1: the successor did not stay"
}

same()
{
        [ "$(digest "$1")" = "$2" ]
}

mended()
{
        wait_for 20 same "$boot" "$want" || fail "$1: the build does not come back"
        wait_for 20 same "$menu" "$want_menu" ||
                fail "$1: the host's script does not come back"
}

# The inventory is gone, or is none, and no copy of it can be made or read.
wait_for 20 sh -c 'ls "$0"/inventory-*.db' "$CACHE" || fail "no copy is made"
copy=$(ls "$CACHE"/inventory-*.db)
until mkdir "$copy" 2>/dev/null; do rm "$copy"; done
for trouble in gone garbage; do
        mv "$DIR/inventory" "$DIR/aside"
        mkdir "$DIR/inventory"
        [ $trouble = gone ] || head -c 8192 /dev/urandom >"$INVENTORY"
        chown -R "$PXEFS_USER:" "$DIR/inventory"
        kill_it "$trouble"
        [ "$(digest "$boot")" = "$want" ] || fail "$trouble: the build is not served"
        [ "$(digest "$MNT/menu.ipxe")" = "$dispatcher" ] || fail "$trouble: the dispatcher is gone"
        got=$(cat "$menu" 2>&1) && fail "$trouble: a script is served: $got"
        grep -q '"state": "none", "reason": "[^"]' "$MNT/.pxefs/status.json" || fail "$trouble: status says nothing"
        rm -rf "$DIR/inventory"
        mv "$DIR/aside" "$DIR/inventory"
        mended "$trouble"
done
# Even its directory is gone.
mv "$DIR/inventory" "$DIR/aside"
kill_it "no directory"
[ "$(digest "$boot")" = "$want" ] || fail "no directory: the build is not served"
cat "$menu" >/dev/null 2>&1 && fail "no directory: a script is served"
mv "$DIR/aside" "$DIR/inventory"
mended "no directory"
rmdir "$copy"

# The builds directory: names in it can be opened, but not listed; then nothing of it; then it is not there.
chmod 711 "$BUILDS"
kill_it "unlistable builds"
[ "$(digest "$boot")" = "$want" ] || fail "unlistable builds: what is known is not served"
[ "$(digest "$menu")" = "$want_menu" ] || fail "unlistable builds: another script"
still_there "unlistable builds"
chmod 0 "$BUILDS"
kill_it "closed builds"
[ "$(digest "$MNT/menu.ipxe")" = "$dispatcher" ] || fail "closed builds: the dispatcher is gone"
cat "$unix" >/dev/null 2>&1 && fail "closed builds: something is served that cannot be opened"
wait_for 20 grep -q 'builds directory cannot be read' "$MNT/.pxefs/status.json" || fail "closed builds: status says nothing"
still_there "closed builds"
chmod 755 "$BUILDS"
mended "closed builds"
mv "$BUILDS" "$DIR/moved"
kill_it "no builds directory"
[ "$(digest "$MNT/menu.ipxe")" = "$dispatcher" ] || fail "no builds directory: the dispatcher is gone"
still_there "no builds directory"
mv "$DIR/moved" "$BUILDS"
mended "no builds directory"

# The cache directory is full, and then cannot be entered.
dd if=/dev/zero of="$CACHE/filler" bs=64k 2>/dev/null || :
kill_it "full cache"
[ "$(digest "$boot")" = "$want" ] || fail "full cache: the build is not served"
[ "$(digest "$menu")" = "$want_menu" ] || fail "full cache: another script"
still_there "full cache"
rm "$CACHE/filler"
chmod 0 "$CACHE"
chown root: "$CACHE"
kill_it "closed cache"
[ "$(digest "$MNT/menu.ipxe")" = "$dispatcher" ] || fail "closed cache: the dispatcher is gone"
[ "$(digest "$menu")" = "$want_menu" ] || wait_for 20 digest "$menu" || fail "closed cache: no script"
still_there "closed cache"
chmod 755 "$CACHE"
chown "$PXEFS_USER:" "$CACHE"
mended "closed cache"
