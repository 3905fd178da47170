#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# pxectl check: says before an archive is copied in what the daemon would say after, with exit 0, 3 or 1, and leaves nothing.
set -eu
dir=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/b" "$dir/tmp"
TMPDIR=$dir/tmp
export TMPDIR
unset PXEFS_CACHE PXEFS_INVENTORY

exits()         # CODE COMMAND...
{
        want=$1
        shift
        code=0
        "$PXECTL" "$@" >"$dir/out" 2>"$dir/err" || code=$?
        if [ "$code" -ne "$want" ]; then
                echo "pxectl $*: exit $code, not $want"
                cat "$dir/out" "$dir/err"
                exit 1
        fi
        for left in "$TMPDIR"/* "$TMPDIR"/.[!.]*; do
                [ ! -e "$left" ] || { echo "pxectl $*: left $left behind"; exit 1; }
        done
}
# By the shell itself: a process for each look would be half of the test's time.
holds() # FILE TEXT
{
        while IFS= read -r line || [ -n "$line" ]; do
                case $line in *"$2"*) return 0 ;; esac
        done <"$1"
        return 1
}
wants() { holds "$1" "$2" || { echo "wants: $2"; cat "$1"; exit 1; }; }
says() { wants "$dir/err" "$1"; }
shows() { wants "$dir/out" "$1"; }

good=$dir/b/platform-20240101T000000Z.tgz
top=$dir/platform-20240101T000000Z # by hand: mkplatform takes half a second
mkdir -p "$top/i86pc/kernel/amd64" "$top/i86pc/amd64" "$top/etc/version"
head -c 150000 "$PXECTL" >"$top/i86pc/kernel/amd64/unix"
head -c 700000 "$PXECTL" >"$top/i86pc/amd64/boot_archive"
sha1sum <"$top/i86pc/amd64/boot_archive" | { read -r hash _; echo "$hash"; } >"$top/i86pc/amd64/boot_archive.hash"
echo 20240101T000000Z >"$top/etc/version/platform"
tar -czf "$good" -C "$dir" platform-20240101T000000Z
exits 0 check "$good"
shows "$good: build 20240101T000000Z, "
shows 'verified by hash'
(cd "$dir/b" && sha256sum -- *.tgz >sha256sums.txt)
exits 0 check "$good"
shows 'verified by hash,sha256'
(cd "$dir/b" && exits 0 check platform-20240101T000000Z.tgz)
shows 'verified by hash,sha256'
echo "$(printf '%064d' 0)  platform-20240101T000000Z.tgz" >"$dir/b/sha256sums.txt"
exits 3 check "$good"
shows 'refused: its SHA-256 is'
rm "$dir/b/sha256sums.txt"
(cd "$dir/b" && md5sum -- *.tgz >md5sums.txt)
exits 0 check "$good"
shows 'verified by hash,md5'

head -c 100000 "$good" >"$dir/b/short.tgz"
exits 3 check "$dir/b/short.tgz"
shows 'refused: byte'
exits 3 check "$good" "$dir/b/short.tgz"
shows 'build 20240101T000000Z'
exits 1 check "$dir/b/nothing.tgz"
shows 'cannot be read: No such file'
exits 1 check "$dir/b"
shows 'not a regular file'
exits 1 check "$dir/b/short.tgz" "$dir/b/nothing.tgz"

mkdir "$dir/t"
echo x >"$dir/t/linux"
ln -s /etc/passwd "$dir/t/out"
tar -czf "$dir/b/netboot.tar.gz" -C "$dir/t" .
exits 0 check "$dir/b/netboot.tar.gz"
shows 'no SmartOS build, will be in /images'
shows 'warning: 1 entry left out'
exits 3 --json check "$good" "$dir/b/short.tgz" "$dir/b/netboot.tar.gz"
python3 - "$dir/out" <<'END'
import json, sys
a, b, c = json.load(open(sys.argv[1]))["archives"]
assert a["accepted"] and a["stamp"] == "20240101T000000Z" and a["kind"] == "build" and a["entries"] > 6 and a["reason"] is None, a
assert not b["accepted"] and b["stamp"] is None and b["reason"], b
assert c["accepted"] and c["kind"] == "image" and "left out" in c["reason"], c
END
exits 2 check
says 'wants the archives'
exits 2 check --frobnicate
exits 2 verify a b
exits 2 verify --builds
exits 1 -c "$dir/none" verify
says 'name the daemon'
exits 1 -c "$dir/tmp" verify --builds "$dir/none"
says 'builds directory'
exits 1 -c "$dir/tmp" verify --builds "$dir/b"
says 'has a daemon run with it'
TMPDIR=$dir/none
code=0
"$PXECTL" check "$good" >"$dir/out" 2>"$dir/err" || code=$?
[ "$code" -eq 1 ]
says 'TMPDIR='
