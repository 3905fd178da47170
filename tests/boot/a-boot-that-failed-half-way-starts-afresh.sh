#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# The kernel and the archive were loaded when the hash could not be had: the machine says so, tries again by itself, and
# then boots with its two modules and no leftover.
#
# What imgfree before `kernel` is for: without it iPXE hands every image that is registered to the kernel as a module
# (multiboot_add_modules in src/arch/x86/image/multiboot.c), so that the second attempt of this very test had four: the
# first attempt's unix and archive, then its own two.
. "$PXEFS_TESTLIB"
. "$PXEFS_SRC/tests/boot/lab.sh"
lab_start
lab_build 20240101T000000Z
lab_host alpha 52:54:00:00:00:0a 20240101T000000Z
serve_tree
NGINX_SERVER="location ~ ^/(.*/boot_archive[.]hash)\$ { alias $MNT/\$1; if (!-f $DIR/mended) { return 503; } }"
start_nginx "$MNT" "" "$SERVER"
dhcp_isc "$HTTP/menu.ipxe"
machine_start alpha 52:54:00:00:00:0a
wait_for "$BOOT_SECONDS" console_says alpha "nothing was started" || lab_fail alpha "did not say that its boot failed"
: >"$DIR/mended"
machine_wait alpha
expect_boot alpha "$HTTP" 20240101T000000Z '-B console=text,hostname=alpha,smartos=true'
