#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# An archive that is no SmartOS build stands in /images as it is, by its file's name, comes and goes, and is in no menu.
. "$PXEFS_TESTLIB"
need python3
mkbuild 20240101T000000Z -s 1
mkdir -p "$DIR/t/debian-installer/amd64/boot-screens" "$DIR/boot/boot"
head -c 300000 /dev/urandom >"$DIR/t/debian-installer/amd64/linux"
echo 'default install' >"$DIR/t/debian-installer/amd64/boot-screens/syslinux.cfg"
ln -s debian-installer/amd64/linux "$DIR/t/linux"
ln -s /etc/passwd "$DIR/t/passwd"
tar -czf "$BUILDS/netboot.tar.gz" -C "$DIR/t" ./debian-installer ./linux ./passwd
echo loader >"$DIR/boot/boot/loader64.efi"
tar -czf "$BUILDS/boot-20240101T000000Z.tgz" -C "$DIR/boot" boot
tar -cPf "$BUILDS/evil.tar" -C "$DIR/boot" --transform 's,boot/loader64.efi,../x,' boot
mount_pxefs -o wait
settled()
{
        ! grep -q -e '"waiting"' -e '"indexing"' "$MNT/.pxefs/status.json"
}
wait_for 15 settled || fail "archives without a verdict"

[ "$(ls "$MNT/images" | tr '\n' ' ')" = 'boot-20240101T000000Z netboot ' ] || fail "images/ lists: $(ls "$MNT/images")"
[ -z "$(ls "$MNT/iso")" ] || fail "iso/ lists: $(ls "$MNT/iso")"
for name in debian-installer/amd64/linux debian-installer/amd64/boot-screens/syslinux.cfg linux; do
        cmp "$DIR/t/$name" "$MNT/images/netboot/$name" || fail "$name differs"
        [ "$(stat -L -c '%s %Y' "$DIR/t/$name")" = "$(stat -c '%s %Y' "$MNT/images/netboot/$name")" ] || fail "attributes of $name"
        [ "$(stat -c '%a %F' "$MNT/images/netboot/$name")" = '444 regular file' ] || fail "mode of $name"
done
[ ! -e "$MNT/images/netboot/passwd" ] || fail "a link leaves the tree"
[ ! -e "$MNT/images/nothing" ] || fail "an image that is not there"
[ "$(ls "$MNT/smartos" | tr '\n' ' ')" = '20240101T000000Z latest platform ' ] || fail "smartos/ lists: $(ls "$MNT/smartos")"
[ "$(readlink "$MNT/smartos/latest")" = 20240101T000000Z ] || fail "latest"
! grep -q -e netboot -e boot-2024 "$MNT/hosts/02-00-00-00-00-01/menu.ipxe" || fail "an image is in a menu"

# Absent first, asked for again and again, then there; and gone.
[ ! -e "$MNT/images/memtest" ]
tar -cf "$DIR/memtest.tar" -C "$DIR/t/debian-installer" amd64
mv "$DIR/memtest.tar" "$BUILDS/"
wait_for 5 test -e "$MNT/images/memtest/amd64/linux" || fail "a new image did not appear"
exec 3<"$MNT/images/netboot/debian-installer/amd64/linux"
rm "$BUILDS/netboot.tar.gz"
gone()
{
        [ ! -e "$MNT/images/netboot" ] && ! ls "$MNT/images" | grep -qx netboot
}
wait_for 5 gone || fail "a removed image is still there"
[ "$(digest /dev/fd/3)" = "$(digest "$DIR/t/debian-installer/amd64/linux")" ] || fail "the open file of a removed image"
exec 3<&-
