#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# With base_url in a profile the scripts come by TFTP as ever, and kernel, archive and hash by HTTP from below a location
# prefix. One of the two places here holds another last byte of the archive, and the kernel, which computes the digest as
# SmartOS does, does not go on: that is what the hash is loaded for.
. "$PXEFS_TESTLIB"
. "$PXEFS_SRC/tests/boot/lab.sh"
lab_start
lab_build 20240101T000000Z
lab_host alpha 52:54:00:00:00:0a 20240101T000000Z
lab_host beta 52:54:00:00:00:0b 20240101T000000Z
sql "INSERT INTO profile (name) VALUES ('web'), ('bad-cable');
     INSERT INTO setting (profile, key, value)
             SELECT id, 'base_url', iif(name = 'web', 'http://$SERVER/net/boot/', 'http://$SERVER/bad') FROM profile WHERE id > 1;
     UPDATE host SET profile = (SELECT id FROM profile WHERE name = iif(hostname = 'alpha', 'web', 'bad-cable'))"
serve_tree
mkdir "$DIR/bad"
cp -r "$MNT/smartos" "$DIR/bad/"
archive=$DIR/bad/smartos/20240101T000000Z/platform/i86pc/amd64/boot_archive
chmod u+w "$archive"
[ "$(tail -c 1 "$archive" | od -An -tx1)" != " 01" ] || fail "the archive ends in 01 already"
printf '\001' | dd of="$archive" bs=1 seek=$(($(wc -c <"$archive") - 1)) conv=notrunc status=none
NGINX_SERVER="location /bad/ { alias $DIR/bad/; }"
start_nginx "$MNT" /net/boot "$SERVER"
dhcp_isc
start_tftpd "$MNT" "$SERVER"

machine_start alpha 52:54:00:00:00:0a
machine_start beta 52:54:00:00:00:0b
machine_wait alpha
expect_boot alpha "http://$SERVER/net/boot" 20240101T000000Z '-B console=text,hostname=alpha,smartos=true'
! grep menu.ipxe "$NGINX_LOG" || fail "a script came by HTTP"

machine_wait beta
{
        said_kernel "http://$SERVER/bad" 20240101T000000Z '-B console=text,hostname=beta,smartos=true'
        said_module 0 boot_archive 'type=rootfs name=ramdisk' "$archive"
        said_module 1 boot_archive.hash 'type=hash name=ramdisk'
        echo 'hash[ramdisk]=BAD'
        echo 'BOOT-BAD hash mismatch'
} >"$DIR/expected"
expect_said beta 35
