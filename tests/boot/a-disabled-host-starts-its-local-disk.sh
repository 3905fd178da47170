#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# enabled = 0 sends a machine to its own disk, out of iPXE, and 1 brings it back.
#
# What makes a machine leave, tried with Debian's iPXE 1.0.0+git-20190125:
#   * `exit` in a chained script returns to the dispatcher with its argument as chain's result: "chain X || goto retry"
#     takes `exit 1` for a lost file and asks for ever. After "chain --replace --autofree X ||" the dispatcher is gone and
#     `exit` goes straight to the firmware (image_exec in src/core/image.c runs the replacement when the first has ended).
#   * BIOS: `exit` 0 and 1 alike lead to the next boot device. `sanboot --no-describe --drive 0x80` starts the first disk
#     without asking the BIOS, and fails at once, and returns, where there is none.
#   * UEFI (OVMF): `exit` (0) ends in the firmware's setup screen, `exit 1` in the next boot option: UEFI 2.x, 3.1.1, a boot
#     option that returns EFI_SUCCESS is not followed by another.
. "$PXEFS_TESTLIB"
. "$PXEFS_SRC/tests/boot/lab.sh"
lab_start
lab_build 20240101T000000Z
lab_host alpha 52:54:00:00:00:0a 20240101T000000Z
sql "UPDATE host SET enabled = 0 WHERE hostname = 'alpha'"
serve_tree
dhcp_isc
start_tftpd "$MNT" "$SERVER"
boot alpha 52:54:00:00:00:0a
expect_local_disk alpha

sql "UPDATE host SET enabled = 1 WHERE hostname = 'alpha'"
boot alpha 52:54:00:00:00:0a
expect_boot alpha "tftp://$SERVER" 20240101T000000Z '-B console=text,hostname=alpha,smartos=true'
