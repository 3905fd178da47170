#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# A platform compressed with xz, zstd or bzip2 is served byte for byte, decoded once, also after a restart; sums files decide.
. "$PXEFS_TESTLIB"
need xz
need zstd
need bzip2
pack()          # STAMP SUFFIX COMMAND...
{
        stamp=$1 suffix=$2
        shift 2
        mkbuild "$stamp" -F tar -s 3
        "$@" <"$TGZ" >"$BUILDS/platform-$stamp.tar.$suffix"
        mv "$TGZ" "$DIR/platform-$stamp.tar"
}
pack 20240101T000000Z xz xz -1 --block-size=1MiB
pack 20240102T000000Z zst zstd -q -1 -c
pack 20240103T000000Z bz2 bzip2 -1
pack 20240104T000000Z zst zstd -q --no-check -c
mkbuild 20240105T000000Z -s 1
(cd "$BUILDS" && sha256sum -- *.xz *.zst >sha256sums.txt && md5sum -- *.bz2 *.tgz >md5sums.txt)
mount_pxefs -o wait
same()
{
        for day in 1 2 3 4; do
                stamp=2024010${day}T000000Z
                tar -xOf "$DIR/platform-$stamp.tar" "platform-$stamp/i86pc/amd64/boot_archive" |
                        cmp - "$MNT/smartos/$stamp/platform/i86pc/amd64/boot_archive" || fail "$stamp differs"
        done
}
same
verified()      # FILE
{
        "$PXECTL" -c "$CACHE" --json builds | python3 -c '
import json, sys
print([b["verified"] for b in json.load(sys.stdin)["builds"] if b["archive"] == sys.argv[1]][0])' "$1"
}
verified_is()
{
        [ "$(verified "$1")" = "$2" ]
}
# A sums file counts when it has been left alone for two seconds.
wait_for 10 verified_is platform-20240101T000000Z.tar.xz hash,sha256 || fail "xz: $(verified platform-20240101T000000Z.tar.xz)"
wait_for 10 verified_is platform-20240103T000000Z.tar.bz2 hash,md5 || fail bzip2
grep -q 'no check sum' "$MNT/.pxefs/status.json" || fail "zstd without check sums: nothing is said"

spool=$(ls -i "$CACHE/spool")
umount_pxefs
mount_pxefs -o wait
same
[ "$(ls -i "$CACHE/spool")" = "$spool" ] || fail "decoded anew after a restart"

# A line that does not match quarantines; put right, it brings the build back. Nothing is decoded for it.
listed()
{
        ls "$MNT/smartos" | grep -qx "$1"
}
unlisted()
{
        ! listed "$1"
}
sed 's/^./x/; s/^x\([0-9a-f]\{30\}\)./0\10/' "$BUILDS/md5sums.txt" >"$DIR/wrong"
mv "$DIR/wrong" "$BUILDS/md5sums.txt"
wait_for 5 unlisted 20240103T000000Z || fail "a mismatch is served"
wait_for 5 unlisted 20240105T000000Z || fail "a mismatch is served"
grep -q 'its MD5 is [0-9a-f]\{32\}, line 1 of md5sums.txt says [0-9a-f]\{32\}' "$MNT/.pxefs/status.json" || fail "no digests"
rm "$BUILDS/md5sums.txt"
wait_for 5 listed 20240103T000000Z || fail "it did not come back"
[ "$(ls -i "$CACHE/spool")" = "$spool" ] || fail "decoded anew for a sums file"
