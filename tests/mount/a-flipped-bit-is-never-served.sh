#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# Bits of archives flip, before they are read for the first time and under a live mount: each read is right, or an error,
# or the archive is absent; others are served on.
#
# The flips under the live mount come from below the filesystem the archives and the cache lie on, a loop device, so that
# nothing about a file changes but its bytes: no identity tells, only the check sums do. That of gzip archives, tars and
# ISOs, and of the spool, for what is decoded there. Where there are no loop devices the files themselves are written.
#
# FLIPS (200): half before, half after; a tenth more for each other format. FLIPS_SEED (20261123). tests/flips: 2000.
. "$PXEFS_TESTLIB"
need python3
flips=${FLIPS-200} seed=${FLIPS_SEED-20261123}
half=$((flips / 2)) batch=300
echo "FLIPS=$flips FLIPS_SEED=$seed"
flips_py() { python3 "$PXEFS_SRC/tests/mount/flips.py" "$@"; }

below='' # first, so that it ends last
if command -v mkfs.ext4 >/dev/null && command -v losetup >/dev/null && command -v filefrag >/dev/null; then
        truncate -s 192M "$DIR/disk"
        mkfs.ext4 -q -b 4096 "$DIR/disk" && below=$(losetup -f --show "$DIR/disk" 2>/dev/null) || below=''
        if [ -n "$below" ]; then
                at_exit "losetup -d $below"
                mkdir "$DIR/fs"
                if mount "$below" "$DIR/fs"; then
                        at_exit "umount $DIR/fs"
                        on=$DIR/fs
                else
                        below=''
                fi
        fi
fi
[ -n "$below" ] || echo "no loop device: the files are written through"

first=0
while :; do
        rm -rf "$BUILDS" "$CACHE"
        mkdir "$BUILDS" "$CACHE"
        made=$(flips_py make "$BUILDS" "$seed" "$half" "$first" "$batch")
        [ "$made" -gt 0 ] || break
        mount_pxefs 2>"$DIR/log"
        flips_py check "$BUILDS" "$MNT" "$DIR/tally"
        umount_pxefs
        first=$((first + batch))
done

rm -rf "$CACHE"
[ -z "$below" ] || BUILDS=$on/builds CACHE=$on/cache
mkdir -p "$BUILDS" "$CACHE"
mkbuild 20240101T000000Z -s 2
mount_pxefs -o poll=1,memory=16M 2>"$DIR/log" # less than is decoded, or all would be read from memory
flips_py live "$BUILDS" "$MNT" "$CACHE" "$below" "$seed" "$half" "$DIR/tally"
member i86pc/amd64/boot_archive | cmp - "$MNT/smartos/20240101T000000Z/platform/i86pc/amd64/boot_archive" || fail "the other build"
flips_py tally "$DIR/tally" || fail "see above"
