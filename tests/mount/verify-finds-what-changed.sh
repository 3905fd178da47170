#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# pxectl verify agrees with what a daemon recorded, beside it and after it; and names what is not as it was.
. "$PXEFS_TESTLIB"
need python3
need bzip2
mkbuild 20240101T000000Z -s 2
mkbuild 20240102T000000Z -s 2 -F tar
mkbuild 20240103T000000Z -s 1 -F tar
bzip2 "$TGZ"
mkdir "$DIR/t"
echo x >"$DIR/t/linux"
tar -czf "$BUILDS/netboot.tar.gz" -C "$DIR/t" linux
mount_pxefs -o wait
export TMPDIR="$DIR"
verify()        # CODE [ARGUMENT...]
{
        want=$1 code=0
        shift
        "$PXECTL" -c "$CACHE" --json verify --builds "$BUILDS" "$@" >"$DIR/out" 2>"$DIR/err" || code=$?
        [ "$code" -eq "$want" ] || fail "verify $*: exit $code: $(cat "$DIR/out" "$DIR/err")"
}
bad()           # prints the archives that are not good, and why
{
        python3 -c '
import json, sys
for a in json.load(open(sys.argv[1]))["archives"]:
    if not a["good"]:
        print(a["archive"], a["reason"])' "$DIR/out"
}
verify 0
[ "$(grep -c '"good": true' "$DIR/out")" -eq 4 ] || fail "not four: $(cat "$DIR/out")"
verify 0 20240103T000000Z
[ "$(grep -c '"good": true' "$DIR/out")" -eq 1 ] || fail "not one: $(cat "$DIR/out")"
verify 4 20250101T000000Z
umount_pxefs
verify 0

# The spool file of the bzip2 one, the tar in place, the .tgz by another: three reasons.
for spool in "$CACHE"/spool/*; do
        [ "$(stat -c %s "$spool")" -lt 3000000 ] && [ "$(stat -c %s "$spool")" -gt 1000000 ] || continue
        printf X | dd of="$spool" bs=1 seek=5000 conv=notrunc status=none
done
printf X | dd of="$BUILDS/platform-20240102T000000Z.tar" bs=1 seek=5000 conv=notrunc status=none
rm "$BUILDS/netboot.tar.gz"
echo "$(printf '%064d' 0)  platform-20240101T000000Z.tgz" >"$BUILDS/sha256sums.txt"
verify 3
bad >"$DIR/bad"
cat "$DIR/bad"
grep -q '^platform-20240103T000000Z.tar.bz2 its decoded copy in the cache' "$DIR/bad" || fail "the spool file"
grep -q '^platform-20240102T000000Z.tar it is another file' "$DIR/bad" || fail "the tar"
grep -q '^netboot.tar.gz open: No such file' "$DIR/bad" || fail "the image"
grep -q '^platform-20240101T000000Z.tgz its SHA-256 is .* line 1 of sha256sums.txt says' "$DIR/bad" || fail "the sums file"
