#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# Two machines boot two builds with their own properties, and an UPDATE between two boots of one changes its build:
# ISC dhcpd and tftpd-hpa as the documentation sets them up, pxefs as /tftpboot.
. "$PXEFS_TESTLIB"
. "$PXEFS_SRC/tests/boot/lab.sh"
lab_start
lab_build 20240101T000000Z
lab_build 20240202T000000Z
lab_host alpha 52:54:00:00:00:0a 20240101T000000Z console ttya -v ''
lab_host beta 52-54-00-00-00-0B 20240202T000000Z
alpha='-v -B console=ttya,hostname=alpha,smartos=true,ttya-mode="115200,8,n,1,-"'
serve_tree
dhcp_isc
start_tftpd "$MNT" "$SERVER"

# Both at once, as after a power cut.
machine_start alpha 52:54:00:00:00:0a
machine_start beta 52:54:00:00:00:0b
machine_wait alpha
expect_boot alpha "tftp://$SERVER" 20240101T000000Z "$alpha"
machine_wait beta
expect_boot beta "tftp://$SERVER" 20240202T000000Z '-B console=text,hostname=beta,smartos=true'

sql "UPDATE host SET build = '20240202T000000Z' WHERE hostname = 'alpha'"
boot alpha 52:54:00:00:00:0a
expect_boot alpha "tftp://$SERVER" 20240202T000000Z "$alpha"
