#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# A Rock Ridge ISO is served byte for byte, with its loader tree; beside a tarball of the same stamp one of the two wins, whatever
# the order in which they came, and the other is reported; an ISO without Rock Ridge is refused with the reason.
. "$PXEFS_TESTLIB"
need xorriso python3
mkbuild 20240101T000000Z -s 4
mkdir -p "$DIR/iso/boot" "$DIR/iso/etc/version"
tar -xf "$TGZ" -C "$DIR/iso"
mv "$DIR/iso/$TOP" "$DIR/iso/platform"
echo 'console="text"' >"$DIR/iso/boot/loader.conf"
cp "$DIR/iso/platform/etc/version/platform" "$DIR/iso/etc/version/boot"
tgz=$DIR/platform-20240101T000000Z.tgz
mv "$TGZ" "$tgz"
xorriso -as mkisofs -quiet -R -o "$BUILDS/smartos-20240101T000000Z.iso" "$DIR/iso" 2>/dev/null
mount_pxefs -o wait
build=$MNT/smartos/20240101T000000Z
for name in platform/i86pc/kernel/amd64/unix platform/i86pc/amd64/boot_archive platform/i86pc/amd64/boot_archive.hash \
        platform/etc/version/platform boot/loader.conf; do
        cmp "$DIR/iso/$name" "$build/$name" || fail "$name"
done
[ ! -e "$build/platform/root.password" ] || fail "root.password is shown"
[ "$(readlink "$MNT/smartos/latest")" = 20240101T000000Z ]

state() # FILE: its state and whether there is a reason
{
        python3 -c 'import json, sys
for a in json.load(open(sys.argv[1]))["archives"]:
    if a["file"] == sys.argv[2]:
        print(a["state"], a["reason"])' "$MNT/.pxefs/status.json" "$1"
}
decided()
{
        state platform-20240101T000000Z.tgz | grep -qE '^(ready|shadowed)' && ! state smartos-20240101T000000Z.iso | grep -q waiting
}
cp "$tgz" "$BUILDS/.new"
mv "$BUILDS/.new" "$BUILDS/platform-20240101T000000Z.tgz"
wait_for 10 decided || fail "two of one stamp: $(cat "$MNT/.pxefs/status.json")"
state smartos-20240101T000000Z.iso >"$DIR/both"
state platform-20240101T000000Z.tgz >>"$DIR/both"
[ "$(cut -d' ' -f1 "$DIR/both" | sort | tr '\n' ' ')" = 'ready shadowed ' ] || fail "$(cat "$DIR/both")"
grep '^shadowed' "$DIR/both" | grep -q 20240101T000000Z || fail "the reason names no other archive: $(cat "$DIR/both")"
cmp "$DIR/iso/platform/i86pc/amd64/boot_archive" "$build/platform/i86pc/amd64/boot_archive"
winner=$(cut -d' ' -f1 "$DIR/both" | tr '\n' ' ')
umount_pxefs
rm -f "$CACHE"/catalog.db*
mount_pxefs -o wait
state smartos-20240101T000000Z.iso >"$DIR/both"
state platform-20240101T000000Z.tgz >>"$DIR/both"
[ "$(cut -d' ' -f1 "$DIR/both" | tr '\n' ' ')" = "$winner" ] || fail "another winner in another order"

# Without Rock Ridge the names are not the real ones.
rm "$BUILDS"/*
xorriso -as mkisofs -quiet --norock -o "$BUILDS/plain.iso" "$DIR/iso" 2>/dev/null || skip "this xorriso makes no plain ISO"
refused()
{
        state plain.iso | grep -q '^refused'
}
wait_for 15 refused || fail "an ISO without Rock Ridge: $(state plain.iso)"
state plain.iso | grep -qi 'rock ridge' || fail "the reason: $(state plain.iso)"
[ ! -e "$MNT/smartos/latest" ] || fail "latest without a build"
