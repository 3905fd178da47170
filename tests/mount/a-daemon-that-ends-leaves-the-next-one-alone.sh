#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# After umount the next pxefs may start at once: it waits for the cache directory, and the one that is on its way out does not
# take the new mount for its own (the kernel gives the device number again). A connection that was aborted leaves no dead mount.
. "$PXEFS_TESTLIB"
mkbuild 20240101T000000Z -s 2
want=$(member i86pc/amd64/boot_archive | digest)
file=$MNT/smartos/20240101T000000Z/platform/i86pc/amd64/boot_archive
mounts() { grep " $MNT " /proc/self/mountinfo || :; }
no_mount() { [ -z "$(mounts)" ]; }

mount_pxefs
old='' n=0
while [ $n -lt 12 ]; do
        n=$((n + 1))
        [ "$(digest "$file")" = "$want" ] || fail "round $n: other bytes"
        old="$old $(pxefs_pids)"
        umount "$MNT"
        mount_pxefs
done
# The worker closes what it holds in order, however often it is told to end meanwhile: a catalog that was not closed cannot be read
# from a cache directory that is read-only at the next start.
n=0
while [ $n -lt 12 ]; do
        n=$((n + 1))
        worker=$(worker_pid) before=$(pxefs_pids)
        old="$old $before"
        [ -e "$CACHE/catalog.db-wal" ] || fail "round $n: the catalog has no log that could stay behind"
        umount "$MNT"
        while kill -TERM "$worker" 2>/dev/null; do :; done
        [ ! -e "$CACHE/catalog.db-wal" ] || fail "round $n: a worker that was told to end twice left its catalog open"
        mount_pxefs
done
# When all of those before are gone, the last one is still there.
all_gone()
{
        for _pid in $old; do
                ! kill -0 "$_pid" 2>/dev/null || return 1
        done
}
wait_for 20 all_gone || fail "of those before some stay: $old"
[ "$(mounts | wc -l)" -eq 1 ] || fail "not one mount: $(mounts)"
[ "$(digest "$file")" = "$want" ] || fail "other bytes at the end"

# The next one hangs, at the same path with the same device number: nothing is asked of its mount by the one that ends.
old=$(keeper_pid)
kill -STOP "$old"
umount "$MNT"
gone() { [ ! -e "/proc/$1" ]; }
newer() { pxefs_pids | grep -vx "$old"; }
mkdir "$DIR/cache2"
chown "$PXEFS_USER:" "$DIR/cache2"
mount_pxefs -o "cache=$DIR/cache2"
for pid in $(newer); do
        kill -STOP "$pid"
done
kill -CONT "$old"
wait_for 20 gone "$old" || fail "one that ends waits for the next one, which hangs"
for pid in $(newer); do
        kill -CONT "$pid"
done
[ "$(digest "$file")" = "$want" ] || fail "other bytes after the next one hung"

# Aborted from outside: readers get errors, the daemon ends, and its mount with it.
mkdir "$DIR/fusectl"
if mount -t fusectl none "$DIR/fusectl" 2>/dev/null; then
        at_exit 'umount "$DIR/fusectl"'
        echo 1 >"$DIR/fusectl/$(mountpoint -d "$MNT" | cut -d: -f2)/abort"
        wait_for 20 _no_pxefs || fail "it goes on without a connection: $(pxefs_pids)"
        wait_for 5 no_mount || fail "an aborted mount stays: $(mounts)"
        mount_pxefs
        [ "$(digest "$file")" = "$want" ] || fail "other bytes after an abort"
fi
umount_pxefs
