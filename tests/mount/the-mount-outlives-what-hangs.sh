#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# A worker that stands still is killed and its readers are served by the next; one that cannot be had again ends the mount
# with an error for everybody; a thousand readers killed in mid read leave nothing behind.
. "$PXEFS_TESTLIB"
mkbuild 20240101T000000Z -s 8
file=smartos/20240101T000000Z/platform/i86pc/amd64/boot_archive
want=$(member i86pc/amd64/boot_archive | digest)
mkdir "$DIR/bin"
cp "$PXEFS" "$(dirname "$PXEFS")/pxefs-worker" "$DIR/bin"
PXEFS=$DIR/bin/pxefs
mount_pxefs
keeper=$(keeper_pid)

# Stopped: its heart does not beat, whether or not somebody asks for something.
worker=$(worker_pid)
kill -STOP "$worker"
begun=$(date +%s)
[ "$(digest "$MNT/$file")" = "$want" ] || fail "a reader got something else while the worker stood still"
took=$(($(date +%s) - begun))
[ "$took" -lt 30 ] || fail "a reader waited $took s"
[ "$(worker_pid)" != "$worker" ] || fail "the worker that stood still was not replaced"

# Readers killed in mid read: no descriptor and no process more than before.
fds() { ls "/proc/$1/fd" | wc -l; }
wait_for 10 pgrep -P "$keeper" -x pxefs-standby
worker=$(worker_pid) keeper_fds=$(fds "$keeper") n=0
dd if="$MNT/$file" iflag=nocache count=0 of=/dev/null 2>/dev/null
while [ $n -lt 200 ]; do
        n=$((n + 1))
        for i in 1 2 3 4 5; do
                cat "$MNT/$file" "$MNT/menu.ipxe" >/dev/null &
                kill -KILL $!
        done
        [ $((n % 20)) -ne 0 ] || dd if="$MNT/$file" iflag=nocache count=0 of=/dev/null 2>/dev/null
done
wait
[ "$(digest "$MNT/$file")" = "$want" ] || fail "not readable after a thousand killed readers"
[ "$(worker_pid)" = "$worker" ] || fail "the worker did not survive a thousand killed readers"
[ "$(fds "$keeper")" -eq "$keeper_fds" ] || fail "the keeper has $(fds "$keeper") descriptors, not $keeper_fds"
[ "$(ls "/proc/$worker/task" | wc -l)" -lt 40 ] || fail "the worker has $(ls "/proc/$worker/task" | wc -l) threads"

# A new program that is none is refused, and the old one goes on.
printf 'no program' >"$DIR/bin/new"
chmod 755 "$DIR/bin/new"
mv "$DIR/bin/pxefs-worker" "$DIR/bin/kept"
mv "$DIR/bin/new" "$DIR/bin/pxefs-worker"
kill -HUP "$keeper"
wait_for 20 pgrep -P "$keeper" -x pxefs-standby
[ "$(worker_pid)" = "$worker" ] || fail "the worker made way for something that is no program"
# Killed now, it is replaced by itself, not by what stands at its path.
kill -KILL "$worker"
[ "$(digest "$MNT/$file")" = "$want" ] || fail "no successor from the program that is open"

# No successor can be had: the program may not be executed any more. Readers get an error, and the mount ends.
chmod 0 "$DIR/bin/kept"
kill -KILL $(pgrep -P "$keeper")
dd if="$MNT/$file" iflag=nocache count=0 of=/dev/null 2>/dev/null &
got=0
timeout 60 cat "$MNT/$file" >/dev/null 2>&1 || got=$?
[ "$got" -ne 124 ] || fail "a reader hangs although no worker can be had"
wait_for 40 _no_pxefs || fail "the keeper does not give up"
! mountpoint -q "$MNT" || fail "the mount of a keeper that gave up is still there"
