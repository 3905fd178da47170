#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# Every file of a build has the bytes, the size, the mode and the time that tar gives it, below platform/.
. "$PXEFS_TESTLIB"
mkbuild 20240101T000000Z
mkbuild 20240202T000000Z -F tar
mkbuild 20240303T000000Z -t platform-debug-20240303T000000Z
mount_pxefs -o wait

same_tree()     # BUILD TARBALL TOP
{
        rm -rf "$DIR/oracle"
        mkdir "$DIR/oracle"
        tar -xf "$2" -C "$DIR/oracle"
        (cd "$DIR/oracle/$3" && find . -type f ! -name root.password | LC_ALL=C sort) >"$DIR/names"
        (cd "$MNT/smartos/$1/platform" && find . -type f | LC_ALL=C sort) | diff "$DIR/names" - || fail "$1: other files"
        while read -r name; do
                cmp "$DIR/oracle/$3/$name" "$MNT/smartos/$1/platform/$name" || fail "$1: $name differs"
                [ "$(stat -c '%s' "$DIR/oracle/$3/$name")" = "$(stat -c '%s' "$MNT/smartos/$1/platform/$name")" ] ||
                        fail "$1: size of $name"
                [ "$(stat -c '%a %h' "$MNT/smartos/$1/platform/$name")" = '444 1' ] || fail "$1: mode of $name"
        done <"$DIR/names"
        [ "$(wc -l <"$DIR/names")" -eq 6 ] || fail "$1: not six files"
}
same_tree 20240101T000000Z "$BUILDS/platform-20240101T000000Z.tgz" platform-20240101T000000Z
same_tree 20240202T000000Z "$BUILDS/platform-20240202T000000Z.tar" platform-20240202T000000Z
same_tree debug-20240303T000000Z "$BUILDS/platform-20240303T000000Z.tgz" platform-debug-20240303T000000Z

# The newest release is `latest`; a debug build never is.
[ "$(readlink "$MNT/smartos/latest")" = 20240202T000000Z ] || fail "latest is $(readlink "$MNT/smartos/latest")"
for alias in platform smartos/platform os/latest/platform; do
        cmp "$MNT/smartos/20240202T000000Z/platform/i86pc/kernel/amd64/unix" "$MNT/$alias/i86pc/kernel/amd64/unix"
done
# The image's clear-text password is there only for who asked for it.
[ ! -e "$MNT/smartos/latest/platform/root.password" ] || fail "root.password is shown"
! ls -R "$MNT" | grep -q root.password || fail "root.password is listed"
umount_pxefs
mount_pxefs -o wait,show_root_password,uid=65534,gid=4
tar -xOf "$BUILDS/platform-20240101T000000Z.tgz" platform-20240101T000000Z/root.password |
        cmp - "$MNT/smartos/20240101T000000Z/platform/root.password"
[ "$(stat -c '%u %g' "$MNT/smartos/20240101T000000Z/platform/root.password")" = '65534 4' ] || fail "owner"

# Reads at odd offsets and across the end.
TGZ=$BUILDS/platform-20240101T000000Z.tgz TOP=platform-20240101T000000Z
member i86pc/amd64/boot_archive >"$DIR/archive"
size=$(stat -c %s "$DIR/archive")
for off in 0 1 511 4095 4096 131071 131073 $((size - 1)) "$size" $((size + 1)); do
        for len in 1 4096 300000; do
                dd if="$MNT/smartos/20240101T000000Z/platform/i86pc/amd64/boot_archive" bs="$len" iflag=skip_bytes \
                        skip="$off" count=1 status=none >"$DIR/a"
                dd if="$DIR/archive" bs="$len" iflag=skip_bytes skip="$off" count=1 status=none >"$DIR/b"
                cmp "$DIR/a" "$DIR/b" || fail "$len bytes at $off"
        done
done
