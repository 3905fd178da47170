#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# tests/bench/builds.sh N... -- what N archives in one directory cost, for each N: reading them all, a restart, a takeover, memory.
# Growth with N is what is to be looked at: reading is linear, the rest is some part of a second.
set -eu
[ $# -gt 0 ] || { echo "usage: tests/bench/builds.sh N..." >&2; exit 2; }
src=$(cd "$(dirname "$0")/../.." && pwd)
export PXEFS_SRC="$src" PXEFS_TESTLIB="$src/tests/lib/testlib.sh" PXEFS_BUILD="${PXEFS_BUILD-$src/build}"
export PXEFS="${PXEFS-$PXEFS_BUILD/fs/pxefs}" PXECTL="${PXECTL-$PXEFS_BUILD/tools/pxectl}"
. "$PXEFS_TESTLIB"
now() { date +%s%3N; }
for n; do
        rm -rf "${BUILDS:?}"/* "${CACHE:?}"/*
        python3 "$src/tests/lib/manybuilds.py" "$BUILDS" "$n"
        began=$(now)
        mount_pxefs 2>/dev/null
        read=$(($(now) - began))
        peak=$(awk '/^VmHWM/ { print $2 }' "/proc/$(worker_pid)/status")
        kill -9 "$(worker_pid)"
        began=$(now)
        cat "$MNT/menu.ipxe" >/dev/null
        takeover=$(($(now) - began))
        umount_pxefs
        began=$(now)
        mount_pxefs 2>/dev/null
        echo "$n archives: read in $read ms, $((read * 1000 / n)) us each; worker $peak KiB; takeover $takeover ms; restart $(($(now) - began)) ms"
        umount_pxefs
done
