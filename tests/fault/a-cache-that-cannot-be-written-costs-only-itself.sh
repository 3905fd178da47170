#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# The cache directory is full, fills up while a build is being decoded, or is read-only: builds that need no room in it are served
# byte for byte, hosts get their scripts, the rest waits and says why, and with room again it is served without anybody's doing. A part of
# the disk is always left.
. "$PXEFS_TESTLIB"
need python3 xz
_need_isolation "a filesystem of its own"
mkbuild 20240101T000000Z -s 2
file=i86pc/amd64/boot_archive
want=$(member $file | digest)
# A second one that has to be decoded into the cache.
"$PXEFS_SRC/tests/lib/mkplatform" -s 6 -F tar 20240102T000000Z "$DIR"
want_xz=$(tar -xOf "$DIR/platform-20240102T000000Z.tar" platform-20240102T000000Z/$file | digest)
xz -0 -c "$DIR/platform-20240102T000000Z.tar" >"$BUILDS/platform-20240102T000000Z.tar.xz"
sql "INSERT INTO host (hostname, build) VALUES ('db1', '20240101T000000Z');
     INSERT INTO nic (mac, host) SELECT '02:08:20:00:00:01', id FROM host;"
status() # FILE: its state and reason
{
        python3 -c 'import json, sys
for a in json.load(open(sys.argv[1]))["archives"]:
    if a["file"] == sys.argv[2]: print(a["state"], a["reason"])' "$MNT/.pxefs/status.json" "$1"
}
good()
{
        [ "$(digest "$MNT/smartos/20240101T000000Z/platform/$file")" = "$want" ] || fail "$1: the build that needs no room"
        grep -q 20240101T000000Z "$MNT/hosts/02-08-20-00-00-01/menu.ipxe" || fail "$1: the host's script"
        grep -q 'state": "live"' "$MNT/.pxefs/status.json" || fail "$1: the inventory"
}
decoded()
{
        [ "$(digest "$MNT/smartos/20240102T000000Z/platform/$file" 2>/dev/null)" = "$want_xz" ]
}
said() # WORDS
{
        status platform-20240102T000000Z.tar.xz | grep -q "$1"
}

# 1. Fills up while it decodes: nothing half is left or served, and it says so.
mount -t tmpfs -o size=3m,mode=755 none "$CACHE"
at_exit 'umount -l "$CACHE"'
mount_pxefs 2>"$DIR/log"
wait_for 10 said '^waiting decoded it needs more' || fail "no verdict: $(cat "$MNT/.pxefs/status.json")"
good "too small a cache"
echo "too small: $(status platform-20240102T000000Z.tar.xz)"
"$PXECTL" status "$MNT" >"$DIR/status" && fail "pxectl status finds that all is well: $(cat "$DIR/status")"
grep -q '1 archive waits for room: platform-20240102T000000Z.tar.xz' "$DIR/status" || fail "pxectl status: $(cat "$DIR/status")"
grep -q 'platform-20240102T000000Z.tar.xz: waiting: decoded it needs more' "$DIR/log" || fail "the log: $(cat "$DIR/log")"
[ ! -e "$MNT/smartos/20240102T000000Z" ] || fail "a build that was not decoded is shown"
[ -z "$(ls -A "$CACHE/spool")" ] || fail "the half is left there: $(ls -A "$CACHE/spool")"
mount -o remount,size=64m "$CACHE"
wait_for 60 decoded || fail "not decoded though there is room now: $(status platform-20240102T000000Z.tar.xz)"
umount_pxefs

# 2. It would fit, into what is left to others.
rm -rf "$CACHE"/* "$CACHE"/.[!.]*
mount -o remount,size=200m "$CACHE"
head -c 191m /dev/zero >"$CACHE/ballast"
mount_pxefs 2>"$DIR/log"
wait_for 10 said '^waiting decoded it needs more than the 0 MiB' || fail "no reserve: $(status platform-20240102T000000Z.tar.xz)"
good "little room"
rm "$CACHE/ballast"
wait_for 60 decoded || fail "room was made, and it is not read: $(status platform-20240102T000000Z.tar.xz)"
umount_pxefs

# 3. Full to the last byte, before the start: nothing can be kept, all that fits in memory works.
rm -rf "$CACHE"/* "$CACHE"/.[!.]*
mount -o remount,size=2m "$CACHE"
head -c 4m /dev/zero >"$CACHE/ballast" 2>/dev/null || :
mount_pxefs 2>"$DIR/log"
good "a full cache"
grep -qi 'full\|space' "$DIR/log" || fail "a full cache is not told: $(cat "$DIR/log")"
sql "UPDATE host SET hostname = 'renamed'"
grep -q renamed "$MNT/hosts/02-08-20-00-00-01/menu.ipxe" || fail "a full cache: an edit is not seen"
rm "$CACHE/ballast"
mount -o remount,size=64m "$CACHE"
wait_for 60 decoded || fail "a cache that was full is not used: $(status platform-20240102T000000Z.tar.xz)"
umount_pxefs
mount_pxefs 2>"$DIR/log" # what was found out while the cache was full was not kept: once more
decoded || fail "with room from the start: $(status platform-20240102T000000Z.tar.xz)"
umount_pxefs

# 4. Read-only, and known builds are in it: served from what is known. Then empty and read-only.
mount -o remount,ro "$CACHE"
chown() { :; } # of the library: it cannot, here
mount_pxefs 2>"$DIR/log"
good "a read-only cache"
decoded || fail "what was decoded before is not read: $(status platform-20240102T000000Z.tar.xz)"
grep -qi 'read-only\|cannot be written' "$DIR/log" || fail "a read-only cache is not told: $(cat "$DIR/log")"
umount_pxefs
mount -o remount,rw "$CACHE"
rm -rf "$CACHE"/* "$CACHE"/.[!.]*
mount -o remount,ro "$CACHE"
mount_pxefs 2>"$DIR/log"
good "an empty read-only cache"
! decoded || fail "decoded into what?"
said 'cannot be written' || fail "not said: $(status platform-20240102T000000Z.tar.xz)"
