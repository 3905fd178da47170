#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# New, replaced and removed archives are found by themselves within five seconds, and never half: sampled all the while.
. "$PXEFS_TESTLIB"
need python3
mkbuild 20240101T000000Z -s 8
mkdir "$DIR/upload"
mount_pxefs -o wait
make()          # STAMP
{
        "$PXEFS_SRC/tests/lib/mkplatform" -s 24 "$1" "$DIR/upload"
        from=$DIR/upload/platform-$1.tgz
        want=$(tar -xOf "$from" "platform-$1/i86pc/amd64/boot_archive" | digest)
}

# watch STAMP: samples the build every 10 ms in the background; what it saw is in $DIR/seen when it has seen it for good.
watch()
{
        python3 - "$MNT/smartos/$1" "$DIR/seen" "$DIR/stop" <<'END' &
import hashlib, os, sys, time
top, out, stop = sys.argv[1:4]
path = top + "/platform/i86pc/amd64/boot_archive"
states, samples = [], 0
while not os.path.exists(stop):
    try:
        names = os.listdir(top + "/platform/i86pc/amd64")
        state = "%d names, %s" % (len(names), hashlib.sha256(open(path, "rb").read()).hexdigest())
    except FileNotFoundError:
        state = "absent"
    if not states or states[-1] != state:
        states.append(state)
    samples += 1
    if samples == 1:
        open(out + ".started", "w").close()
    time.sleep(0.01)
open(out, "w").write("\n".join(states) + "\n")
print("%s: %d samples" % (os.path.basename(top), samples))
END
        watcher=$!
        wait_for 10 test -e "$DIR/seen.started" || fail "the sampler did not start"
        rm "$DIR/seen.started"
}
there()
{
        [ -e "$MNT/smartos/$1/platform/i86pc/kernel/amd64/unix" ]
}
gone()
{
        ! there "$1" && ! ls "$MNT/smartos" | grep -qx "$1"
}
latest_is()
{
        [ "$(readlink "$MNT/smartos/latest")" = "$1" ]
}
expect_absent_then_whole()
{
        wait_for 5 there "$1" || fail "$1 did not appear within 5 seconds ($2)"
        wait_for 1 test -n "$(ls "$MNT/smartos/$1")"
        : >"$DIR/stop"
        wait "$watcher"
        rm "$DIR/stop"
        printf 'absent\n4 names, %s\n' "$want" | diff - "$DIR/seen" || fail "$2: not absent, then complete"
        wait_for 3 latest_is "$1" || fail "$2: latest is $(readlink "$MNT/smartos/latest")"
}

# 1. A slow upload that writes for 20 s under its final name.
make 20240201T000000Z
watch 20240201T000000Z
size=$(stat -c %s "$from")
python3 - "$from" "$BUILDS/platform-20240201T000000Z.tgz" <<'END'
import sys, time
data = open(sys.argv[1], "rb").read()
with open(sys.argv[2], "ab", buffering=0) as out:
    for i in range(100):
        out.write(data[len(data) * i // 100:len(data) * (i + 1) // 100])
        time.sleep(0.2)
END
expect_absent_then_whole 20240201T000000Z 'slow cat >>'

# 2. As rsync does it: a temporary name with a dot, then a rename.
make 20240202T000000Z
watch 20240202T000000Z
cp "$from" "$BUILDS/.platform-20240202T000000Z.tgz.Xy12Zz"
mv "$BUILDS/.platform-20240202T000000Z.tgz.Xy12Zz" "$BUILDS/platform-20240202T000000Z.tgz"
expect_absent_then_whole 20240202T000000Z 'rsync-like rename'

# 3. mv from elsewhere.
make 20240203T000000Z
watch 20240203T000000Z
mv "$from" "$BUILDS/"
expect_absent_then_whole 20240203T000000Z mv

# 4. Removed while a reader has it open: the reader goes on, the name is gone.
exec 3<"$MNT/smartos/20240203T000000Z/platform/i86pc/amd64/boot_archive"
rm "$BUILDS/platform-20240203T000000Z.tgz"
wait_for 5 gone 20240203T000000Z || fail "a removed archive is still listed"
[ "$(digest /dev/fd/3)" = "$want" ] || fail "the open file of a removed archive changed"
exec 3<&-
wait_for 3 latest_is 20240202T000000Z || fail "latest after a removal" # names in /smartos are believed for a second

# 5. Replaced by another archive of the same stamp: another node, other bytes, no mixture.
before=$(stat -c %i "$MNT/smartos/20240202T000000Z/platform/i86pc/amd64/boot_archive")
"$PXEFS_SRC/tests/lib/mkplatform" -s 12 20240202T000000Z "$DIR/upload"
want=$(tar -xOf "$DIR/upload/platform-20240202T000000Z.tgz" platform-20240202T000000Z/i86pc/amd64/boot_archive | digest)
mv "$DIR/upload/platform-20240202T000000Z.tgz" "$BUILDS/"
replaced()
{
        [ "$(stat -c %i "$MNT/smartos/20240202T000000Z/platform/i86pc/amd64/boot_archive")" != "$before" ]
}
wait_for 5 replaced || fail "a replaced archive was not noticed"
[ "$(digest "$MNT/smartos/20240202T000000Z/platform/i86pc/amd64/boot_archive")" = "$want" ] || fail "replaced: other bytes"

# 6. The directory itself is replaced: another worker takes the new one.
mv "$BUILDS" "$DIR/old-builds"
mkdir "$BUILDS"
"$PXEFS_SRC/tests/lib/mkplatform" -s 24 20240301T000000Z "$BUILDS"
wait_for 8 there 20240301T000000Z || fail "a replaced builds directory was not noticed"
wait_for 5 gone 20240101T000000Z || fail "a build of the old directory is still listed"
