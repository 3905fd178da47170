#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# GRUB 0.97 reads a host's menu.lst and starts the kernel with the same words and modules as iPXE would. No pxegrub is
# packaged, so this is the same program from a CD: what reads the menu is the same, what fetches the files is not.
. "$PXEFS_TESTLIB"
. "$PXEFS_SRC/tests/boot/lab.sh"
: "${PXEFS_STAGE2:=/usr/lib/grub/x86_64-pc/stage2_eltorito}"
lab_start
need xorriso
[ -r "$PXEFS_STAGE2" ] || skip "no $PXEFS_STAGE2 (package grub-legacy)"
lab_build 20240101T000000Z
# shellcheck disable=SC2016 # a hash
lab_host alpha 52:54:00:00:00:0a 20240101T000000Z -v '' odd 'a,b c' root_shadow '$5$2HOHRnK3$NvLlm.1KQBbB0WjoP7xcIwGnllhzp2HnT.mDO7DpxYA'
serve_tree
mkdir -p "$DIR/cd/boot/grub" "$DIR/cd/smartos"
cp "$PXEFS_STAGE2" "$DIR/cd/boot/grub/stage2_eltorito"
cp "$MNT/menu.lst.0152540000000A" "$DIR/cd/boot/grub/menu.lst"
cp -r "$MNT/smartos/20240101T000000Z" "$DIR/cd/smartos/"
xorriso -as mkisofs -R -b boot/grub/stage2_eltorito -no-emul-boot -boot-load-size 4 -boot-info-table \
        -o "$DIR/grub.iso" "$DIR/cd" >"$DIR/xorriso.log" 2>&1 || fail "$(cat "$DIR/xorriso.log")"

boot alpha 52:54:00:00:00:0a -cdrom "$DIR/grub.iso" -boot d
# shellcheck disable=SC2016
expect_boot alpha / 20240101T000000Z \
        '-v -B console=text,hostname=alpha,odd="a,b c",root_shadow=$5$2HOHRnK3$NvLlm.1KQBbB0WjoP7xcIwGnllhzp2HnT.mDO7DpxYA,smartos=true'
