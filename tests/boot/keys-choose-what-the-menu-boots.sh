#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# Each entry of the menu that has a key boots what it says when that key is pressed: the console on a serial line, the
# kernel debugger, rescue, an older build; and what the machine was going to boot by itself, it does not.
. "$PXEFS_TESTLIB"
. "$PXEFS_SRC/tests/boot/lab.sh"
lab_start
lab_build 20240101T000000Z
lab_build 20240202T000000Z
# shellcheck disable=SC2016 # a hash
shadow='$5$2HOHRnK3$NvLlm.1KQBbB0WjoP7xcIwGnllhzp2HnT.mDO7DpxYA'
lab_host alpha 52:54:00:00:00:0a 20240202T000000Z -v '' root_shadow "$shadow"
lab_host beta 52:54:00:00:00:0b 20240202T000000Z -k '' root_shadow "$shadow"
serve_tree
sql "UPDATE setting SET value = '0' WHERE key = 'menu_timeout'" # wait for a key
dhcp_isc
start_tftpd "$MNT" "$SERVER"
last="Exit (boot local disk)" # the menu's last line: all of it is there

machine_start alpha 52:54:00:00:00:0a
machine_start beta 52:54:00:00:00:0b
choose alpha "$last" b
choose beta "$last" k
machine_wait alpha
expect_boot alpha "tftp://$SERVER" 20240202T000000Z \
        "-v -B console=ttyb,hostname=alpha,root_shadow=$shadow,smartos=true,ttyb-mode=\"115200,8,n,1,-\""
machine_wait beta
expect_boot beta "tftp://$SERVER" 20240202T000000Z "-kd -B console=text,hostname=beta,root_shadow=$shadow,smartos=true"

# Rescue: no pool is imported, and without smartos the password of the boot line counts.
machine_start alpha 52:54:00:00:00:0a
machine_start beta 52:54:00:00:00:0b
choose alpha "$last" e
choose beta "$last" 1
machine_wait alpha
expect_boot alpha "tftp://$SERVER" 20240202T000000Z "-v -B console=text,hostname=alpha,noimport=true,root_shadow=$shadow"
machine_wait beta
expect_boot beta "tftp://$SERVER" 20240101T000000Z "-k -B console=text,hostname=beta,root_shadow=$shadow,smartos=true"
