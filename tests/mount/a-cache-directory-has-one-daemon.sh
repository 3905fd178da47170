#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# A second pxefs with the cache directory of one that runs is refused at once, also while that one's workers die one after the
# other, and is told which process has it and where its mount is, in another mount namespace too; the way out it names works.
. "$PXEFS_TESTLIB"
need python3
mkbuild 20240101T000000Z -s 1
file=smartos/20240101T000000Z/platform/i86pc/amd64/boot_archive
want=$(member i86pc/amd64/boot_archive | digest)
mount_pxefs
keeper=$(keeper_pid)
mkdir "$DIR/mnt2"

second()
{
        got=0
        begun=$(date +%s)
        timeout 30 "$PXEFS" -o "inventory=$INVENTORY,cache=$CACHE,user=$PXEFS_USER" "$BUILDS" "$1" 2>"$DIR/err" || got=$?
        took=$(($(date +%s) - begun))
        [ $got -eq 1 ] || fail "a second daemon: status $got, $(cat "$DIR/err")"
        [ "$(wc -l <"$DIR/err")" -eq 1 ] || fail "not one line: $(cat "$DIR/err")"
        [ $took -lt 5 ] || fail "it was refused after $took s"
}
# Two kinds of gaps: a worker that is killed, and both of them, so that the next one must be executed.
python3 "$PXEFS_SRC/tests/lib/chaos.py" "$keeper" SIGKILL 50 "$DIR/stop" >"$DIR/chaos" &
chaos=$!
wait_for 20 test -e "$DIR/stop.begun"
for n in 1 2 3 4 5; do
        kill -KILL $(pgrep -P "$keeper") 2>/dev/null || :
        second "$DIR/mnt2"
        grep -q "cache directory $CACHE: another pxefs (process $keeper) uses it, and is mounted on $MNT: umount" "$DIR/err" || fail "$(cat "$DIR/err")"
done
touch "$DIR/stop"
wait $chaos
[ "$(digest "$MNT/$file")" = "$want" ] && [ "$(keeper_pid)" = "$keeper" ] || fail "the first daemon is gone"

# A copy of the mount in another mount namespace keeps the daemon alive.
mkfifo "$DIR/held"
unshare --mount cat "$DIR/held" &
stranger=$!
at_exit "kill $stranger 2>/dev/null"
in_namespace() { [ "$(readlink "/proc/$stranger/ns/mnt")" != "$(readlink /proc/self/ns/mnt)" ] && grep -qx cat "/proc/$stranger/comm"; }
wait_for 10 in_namespace
umount "$MNT"
second "$MNT"
grep -q "(process $keeper) uses it; its mount is gone here, but process $stranger (cat) still has it.* on $MNT: kill $keeper" "$DIR/err" ||
        fail "another namespace: $(cat "$DIR/err")"
kill "$keeper"
wait_for 10 _no_pxefs || fail "kill $keeper is no way out"
mount_pxefs
[ "$(digest "$MNT/$file")" = "$want" ] || fail "other bytes after the way out"
umount_pxefs

# What stands there in place of the lock is not followed.
rm "$CACHE/lock"
ln -s "$DIR/elsewhere" "$CACHE/lock"
second "$MNT"
grep -q "lock is no plain file: rm $CACHE/lock" "$DIR/err" || fail "a link: $(cat "$DIR/err")"
[ ! -e "$DIR/elsewhere" ] || fail "the link was followed"
rm "$CACHE/lock"
mkfifo "$CACHE/lock"
second "$MNT"
grep -q "lock is no plain file" "$DIR/err" || fail "a pipe: $(cat "$DIR/err")"
