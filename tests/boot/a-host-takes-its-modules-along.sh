#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# A host's boot modules reach its kernel over iPXE, each checked by its own hash, which is a module of its own or stands
# behind the module; a row that is changed between two boots changes module and hash together.
. "$PXEFS_TESTLIB"
. "$PXEFS_SRC/tests/boot/lab.sh"
lab_start
lab_build 20240101T000000Z
lab_host alpha 52:54:00:00:00:0a 20240101T000000Z
sql "INSERT INTO module (host, name, content) SELECT id, 'etc/system', 'set a=1' || char(10) FROM host;
     INSERT INTO setting (key, value) VALUES ('boot_form', 'initrd');"
serve_tree
dhcp_isc
start_tftpd "$MNT" "$SERVER"

# expect_modules CONTENT: what the stub said of the last boot.
expect_modules()
{
        printf '%s\n' "$1" >"$DIR/system"
        _sha=$(sha1 "$DIR/system")
        _id=$(printf '%.16s' "$_sha") _size=$(($(wc -c <"$DIR/system")))
        _m=tftp://$SERVER/hosts/52-54-00-00-00-0a/m/$_id
        [ "$STATUS" -eq 33 ] || lab_fail alpha "left with status $STATUS, not 33 (BOOT-OK)"
        console_says alpha "size=$_size sha1=$_sha string=<$_m type=file name=etc/system>" ||
                lab_fail alpha "was not given its module"
        console_says alpha "string=<$_m.hash type=hash name=etc/system>" || lab_fail alpha "was not given the hash"
        console_says alpha 'hash[etc/system]=ok' || lab_fail alpha "did not check its module"
        console_says alpha 'boot_archive type=rootfs name=ramdisk>' || lab_fail alpha "was not told which one is the ramdisk"
}
boot alpha 52:54:00:00:00:0a
expect_modules 'set a=1'
sql "UPDATE module SET content = 'set b=2222' || char(10)"
boot alpha 52:54:00:00:00:0a
expect_modules 'set b=2222'

# In the modern form boot_archive.hash comes too, and not all fits into 512 bytes: the module's hash stands behind it.
sql "DELETE FROM setting WHERE key = 'boot_form'"
grep -q 'the hashes of boot modules stand behind the modules (hash=)' "$MNT/hosts/52-54-00-00-00-0a/why" ||
        fail "why: $(cat "$MNT/hosts/52-54-00-00-00-0a/why")"
boot alpha 52:54:00:00:00:0a
[ "$STATUS" -eq 33 ] || lab_fail alpha "left with status $STATUS, not 33 (BOOT-OK)"
console_says alpha " type=file name=etc/system hash=$(sha1 "$DIR/system")>" || lab_fail alpha "was not given its module"
! console_says alpha ' type=hash name=etc/system>' || lab_fail alpha "was given the hash twice"
console_says alpha 'hash[etc/system]=ok' || lab_fail alpha "did not check its module"
console_says alpha 'hash[ramdisk]=ok' || lab_fail alpha "did not check boot_archive"

# networking.json, made of the NIC's columns, is one module more: no hash has room, both modules arrive.
sql "UPDATE nic SET ip = '192.0.2.7', netmask = '255.255.255.0', nic_tag = 'admin', nic_tags_provided = 'admin'"
grep -q 'the hashes of boot modules are left out' "$MNT/hosts/52-54-00-00-00-0a/why" ||
        fail "why: $(cat "$MNT/hosts/52-54-00-00-00-0a/why")"
boot alpha 52:54:00:00:00:0a
[ "$STATUS" -eq 33 ] || lab_fail alpha "left with status $STATUS, not 33 (BOOT-OK)"
_json=$MNT/hosts/52-54-00-00-00-0a/modules/networking.json
console_says alpha "size=$(stat -c %s "$_json") sha1=$(sha1 "$_json") " || lab_fail alpha "was not given networking.json"
console_says alpha ' type=file name=networking.json>' || lab_fail alpha "was not told its name"
console_says alpha ' type=file name=etc/system>' || lab_fail alpha "was not given its module"
! console_says alpha 'hash[' || lab_fail alpha "was given more than fits"
