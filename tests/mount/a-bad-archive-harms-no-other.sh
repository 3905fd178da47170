#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# A truncated, flipped, hostile or foreign file in the builds directory is not served, its reason is told, the good ones are there.
. "$PXEFS_TESTLIB"
need python3
mkbuild 20240101T000000Z -s 2
good=$TGZ
head -c 100000 "$good" >"$BUILDS/platform-20240102T000000Z.tgz"
head -c $(($(stat -c %s "$good") - 4)) "$good" >"$BUILDS/platform-20240103T000000Z.tgz"
: >"$BUILDS/platform-20240104T000000Z.tgz"
echo '<!DOCTYPE html><html><body>404 Not Found</body></html>' >"$BUILDS/platform-20240105T000000Z.tgz"
python3 - "$good" "$BUILDS/platform-20240106T000000Z.tgz" <<'END'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[len(data) // 2] ^= 0x10
open(sys.argv[2], "wb").write(data)
END
# A hash that does not match, and a name that leaves the archive.
mkdir "$DIR/t"
tar -xf "$good" -C "$DIR/t"
mv "$DIR/t/platform-20240101T000000Z" "$DIR/t/platform-20240107T000000Z"
echo 20240107T000000Z >"$DIR/t/platform-20240107T000000Z/etc/version/platform"
printf '%040d\n' 0 >"$DIR/t/platform-20240107T000000Z/i86pc/amd64/boot_archive.hash"
tar -czf "$BUILDS/platform-20240107T000000Z.tgz" -C "$DIR/t" platform-20240107T000000Z
mv "$DIR/t/platform-20240107T000000Z" "$DIR/t/platform-20240108T000000Z"
echo 20240108T000000Z >"$DIR/t/platform-20240108T000000Z/etc/version/platform"
rm "$DIR/t/platform-20240108T000000Z/i86pc/amd64/boot_archive.hash"
tar -czPf "$BUILDS/platform-20240108T000000Z.tgz" -C "$DIR/t" --transform 's,root.password,../../../../etc/passwd,' \
        platform-20240108T000000Z
chmod 000 "$BUILDS/platform-20240104T000000Z.tgz"
printf 'x' >"$BUILDS/notes.txt"
# Good ones under names that nobody reads, and what is no archive at all: told, and no problem.
cp "$good" "$BUILDS/platform-20240101T000000Z.tgz.1"
cp "$good" "$BUILDS/file"
echo x >"$BUILDS/smartos-20240101T000000Z-USB.img.gz"
# Names that cannot even be looked at, and one that would write a second log line.
ln -s /etc/passwd/foo "$BUILDS/platform-20240109T000000Z.tgz"
ln -s "$(head -c 300 /dev/zero | tr '\0' x)" "$BUILDS/platform-20240110T000000Z.tgz"
ln -s nowhere "$BUILDS/platform-20240111T000000Z.tgz"
echo x >"$BUILDS/$(printf 'platform-a\nb\033[31m.tgz')"
# A small archive whose links take for ever to follow.
python3 - "$BUILDS/platform-20240112T000000Z.tgz" <<'END'
import io, sys, tarfile
with tarfile.open(sys.argv[1], "w:gz") as t:
    def add(name, **kw):
        i = tarfile.TarInfo("platform-20240112T000000Z/" + name)
        for k, v in kw.items():
            setattr(i, k, v)
        t.addfile(i, io.BytesIO(b"x" * i.size) if i.isreg() else None)
    add("d", type=tarfile.DIRTYPE)
    add("i86pc/kernel/amd64/unix", size=1)
    add("i86pc/amd64/boot_archive", size=1)
    for n in range(39):
        add("l%d" % n, type=tarfile.SYMTYPE, linkname="d/../" * 12000 + ("l%d" % (n + 1) if n < 38 else "i86pc"))
    for n in range(3000):
        add("m%d" % n, type=tarfile.SYMTYPE, linkname="l0")
END
mount_pxefs -o wait 2>"$DIR/log" || { cat "$DIR/log"; exit 1; }
cat "$DIR/log"
! grep -v '^pxefs: ' "$DIR/log" || fail "one event is not one line"
# A refusal of a file that was touched a moment ago is kept back: it may only mean "not complete yet".
settled()
{
        ! grep -q -e '"waiting"' -e '"indexing"' "$MNT/.pxefs/status.json"
}
wait_for 15 settled || fail "archives without a verdict: $(cat "$MNT/.pxefs/status.json")"

[ "$(ls "$MNT/smartos" | tr '\n' ' ')" = '20240101T000000Z 20240112T000000Z latest platform ' ] ||
        fail "smartos/ lists: $(ls "$MNT/smartos")"
[ "$(digest "$MNT/smartos/20240101T000000Z/platform/i86pc/amd64/boot_archive")" = "$(member i86pc/amd64/boot_archive | digest)" ]
python3 - "$MNT/.pxefs/status.json" <<'END'
import json, sys
status = json.load(open(sys.argv[1]))
states = {a["file"]: a for a in status["archives"]}
for day in (2, 3, 4, 5, 6, 7, 8, 9, 10, 11):
    a = states["platform-202401%02dT000000Z.tgz" % day]
    print(a["file"], a["state"], a["reason"])
    assert a["state"] == "refused" and a["reason"], a
assert states["platform-20240101T000000Z.tgz"]["state"] == "ready"
for name in "platform-20240101T000000Z.tgz.1", "file", "smartos-20240101T000000Z-USB.img.gz":
    assert states[name]["state"] == "passed over" and states[name]["reason"], states[name]
assert "notes.txt" not in states
assert status["verdict"].startswith("11 of 13 archives are refused"), status["verdict"]
assert "20240101T000000Z" in status["builds"], status["builds"]
END
grep -q 20240102T000000Z "$MNT/hosts/02-00-00-00-00-01/menu.ipxe" && fail "a refused build is in a menu"
[ "$(ls -A "$CACHE/spool" | wc -l)" -eq 0 ] || fail "a refused archive left something in the cache: $(ls -A "$CACHE/spool")"
"$PXECTL" -c "$CACHE" builds >"$DIR/out" || fail "pxectl builds"
grep -q '^-  *passed over  platform-20240101T000000Z.tgz.1  .*second download' "$DIR/out" || fail "pxectl builds: $(cat "$DIR/out")"
[ "$(grep -c ': passed over: ' "$DIR/log")" -eq 3 ] || fail "the log: $(cat "$DIR/log")"
