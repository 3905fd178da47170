#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# The control of no-client-notices-that-the-worker-dies: a successor that does not execute what its predecessor left
# unanswered leaves readers waiting for ever. Ending the mount frees them, with an error.
. "$PXEFS_TESTLIB"
need python3
n=0
while [ $n -lt 4 ]; do
        n=$((n + 1))
        mkbuild 2024010${n}T000000Z -s 16
done
mount_pxefs -o test_no_replay
keeper=$(keeper_pid)
python3 "$PXEFS_SRC/tests/lib/chaos.py" "$keeper" SIGKILL 50 "$DIR/stop" >"$DIR/chaos" &
chaos=$!
# Cold reads, again and again, until one hangs.
{
        while dd if="$MNT/smartos/20240101T000000Z/platform/i86pc/amd64/boot_archive" bs=128k iflag=nocache of=/dev/null 2>/dev/null &&
                dd if="$MNT/smartos/20240101T000000Z/platform/i86pc/amd64/boot_archive" iflag=nocache count=0 of=/dev/null 2>/dev/null; do
                date +%s >"$DIR/alive"
        done
} &
reader=$!
hangs() { pgrep -P "$reader" -r D && [ $(($(date +%s) - $(stat -c %Y "$DIR/alive"))) -gt 4 ]; }
date >"$DIR/alive"
wait_for 60 hangs || fail "no reader hung although nothing was executed again: is the test worth anything?"
touch "$DIR/stop"
wait "$chaos"
kill -TERM "$keeper"
wait "$reader" || : # with an error, and it ends
! mountpoint -q "$MNT" || fail "SIGTERM left the mount"
wait_for 10 _no_pxefs || fail "SIGTERM left a process"
