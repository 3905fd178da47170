#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# PXELINUX finds each machine's configuration by its own names, and mboot.c32 starts the kernel with the same words and
# modules as iPXE would: a known host its own build, a machine nobody entered the default menu.
. "$PXEFS_TESTLIB"
. "$PXEFS_SRC/tests/boot/lab.sh"
lab_start
lab_build 20240101T000000Z
lab_build 20240202T000000Z
lab_host alpha 52:54:00:00:00:0a 20240101T000000Z console ttya -v '' odd 'a,b c'
serve_pxelinux
serve_tree
dhcp_isc pxelinux.0
start_tftpd "$MNT" "$SERVER"

boot alpha 52:54:00:00:00:0a
expect_boot alpha '' 20240101T000000Z '-v -B console=ttya,hostname=alpha,odd="a,b c",smartos=true,ttya-mode="115200,8,n,1,-"'
console_says alpha "This is host alpha" || lab_fail alpha "did not show its menu"

boot stranger 52:54:00:00:00:0b
expect_boot stranger '' 20240202T000000Z '-B console=text,smartos=true'

# By its UUID, whatever the card: QEMU's SMBIOS holds it as iPXE and dmidecode print it, PXELINUX asks for the bytes as
# they stand there.
sql "UPDATE host SET uuid = '564d4f3e-6c3b-4f4c-8f0a-0123456789ab' WHERE hostname = 'alpha'"
boot alpha 52:54:00:00:00:0c -uuid 564d4f3e-6c3b-4f4c-8f0a-0123456789ab
expect_boot alpha '' 20240101T000000Z '-v -B console=ttya,hostname=alpha,odd="a,b c",smartos=true,ttya-mode="115200,8,n,1,-"'
