#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# A sums file that was read and cannot be read any more goes on refusing, over the worker's death and a restart; archives of which
# nobody knows whether it named them are "not checked" and served, or with sums=require refused; a new archive waits for a sums file
# that is being written, and the mount is not ready before; one that is written to for ever holds nothing up for ever.
. "$PXEFS_TESTLIB"
need python3
mkbuild 20240101T000000Z -s 1
mkbuild 20240202T000000Z -s 1
mkbuild 20240303T000000Z -s 1
good=platform-20240101T000000Z.tgz other=platform-20240202T000000Z.tgz bad=platform-20240303T000000Z.tgz
sum() # ARCHIVE right|wrong
{
        case $2 in
        right) digest "$BUILDS/$1" ;;
        wrong) echo 0000000000000000000000000000000000000000000000000000000000000000 ;;
        esac
}
write_sums()
{
        {
                echo "$(sum "$good" right)  $good"
                echo "$(sum "$bad" wrong)  $bad"
        } >"$BUILDS/sha256sums.txt"
        touch -d '1 minute ago' "$BUILDS/sha256sums.txt"
}
field() # ARCHIVE FIELD: of status.json
{
        python3 - "$MNT/.pxefs/status.json" "$1" "$2" <<'END'
import json, sys
print([a[sys.argv[3]] for a in json.load(open(sys.argv[1]))["archives"] if a["file"] == sys.argv[2]][0])
END
}
is_shown() { [ -e "$MNT/smartos/$1" ]; }
not_shown() { ! is_shown "$1"; }
verdict() # WHEN GOOD OTHER BAD: what is shown of each
{
        for pair in "20240101T000000Z $2" "20240202T000000Z $3" "20240303T000000Z $4"; do
                # shellcheck disable=SC2086 # two words
                set -- "$1" $pair
                case $3 in
                yes) is_shown "$2" || fail "$1: $2 is not served" ;;
                no) not_shown "$2" || fail "$1: $2 is served" ;;
                esac
        done
}

# 1. sums=check: what no line names is served, and named "not checked" while the file cannot be read.
write_sums
mount_pxefs
verdict "a sums file" yes yes no
[ "$(field $good verified)" = hash,sha256 ] || fail "$good: $(field $good verified)"
[ "$(field $other verified)" = hash ] || fail "$other: $(field $other verified)"
chmod 0 "$BUILDS/sha256sums.txt"
is_doubted() { [ "$(field $other verified)" = "hash,not checked" ]; }
wait_for 20 is_doubted || fail "unreadable: $other: $(field $other verified)"
verdict "it cannot be read" yes yes no
[ "$(field $good verified)" = hash,sha256 ] || fail "unreadable: what was read of it does not count: $(field $good verified)"
grep -q '"healthy": false' "$MNT/.pxefs/status.json" || fail "unreadable: healthy"
"$PXECTL" -c "$CACHE" builds | grep "$other" | grep -q 'not checked' || fail "pxectl builds: $("$PXECTL" -c "$CACHE" builds)"
old=$(worker_pid)
kill -9 "$old"
another() { [ -n "$(worker_pid)" ] && [ "$(worker_pid)" != "$old" ]; }
wait_for 20 another || fail "no other worker"
for _ in 1 2 3 4 5 6 7 8 9 10; do
        verdict "another worker" yes yes no
        sleep 0.3
done
umount_pxefs
mount_pxefs
verdict "a restart" yes yes no
grep -q "$bad" "$MNT/.pxefs/status.json" || fail "a restart: $bad is not spoken of"
umount_pxefs

# 2. sums=require: only what a line names.
mount_pxefs -o sums=require
verdict "sums=require, not readable" yes no no
chmod 644 "$BUILDS/sha256sums.txt"
umount_pxefs
mount_pxefs -o sums=require
verdict "sums=require" yes no no
[ "$(field $other state)" = refused ] || fail "sums=require: $other is $(field $other state)"
field $other reason | grep -q "sha256sum $other >>sha256sums.txt" || fail "sums=require says: $(field $other reason)"
(cd "$BUILDS" && sha256sum "$other" | cut -d' ' -f1 >"$other.sha256")
wait_for 20 is_shown 20240202T000000Z || fail "sums=require: a file beside it is not believed: $(field $other reason)"
[ "$(field $other verified)" = hash,sha256 ] || fail "a file beside it: $(field $other verified)"
umount_pxefs
rm "$BUILDS/$other.sha256"

# 3. The sums file is younger than two seconds, and refuses; ready means that it was heard.
rm "$CACHE"/* -rf
write_sums
touch "$BUILDS/sha256sums.txt"
mount_pxefs
verdict "a sums file that was written just now" yes yes no

# 4. It is written to for ever: a new archive waits for half a minute, and is not checked then; what is served goes on.
(while sleep 0.5; do echo '#' >>"$BUILDS/sha256sums.txt"; done) &
writer=$!
at_exit "kill $writer"
wait_for 10 grep -q '^#' "$BUILDS/sha256sums.txt" || fail "the writer does not write"
mkbuild 20240404T000000Z -s 1
new=platform-20240404T000000Z.tgz
waits() { [ "$(field $new state)" = waiting ] && field $new reason | grep -q 'being written'; }
wait_for 20 waits || fail "$new is $(field $new state): $(field $new reason)"
verdict "written to for ever" yes yes no
wait_for 60 is_shown 20240404T000000Z || fail "$new waits for ever: $(field $new reason)"
[ "$(field $new verified)" = "hash,not checked" ] || fail "$new: $(field $new verified)"
verdict "written to for ever, a minute later" yes yes no
! "$PXEFS" -o "inventory=$INVENTORY,cache=$CACHE,sums=maybe" "$BUILDS" "$MNT" 2>"$DIR/said" || fail "sums=maybe starts"
grep -q 'sums=maybe: require or check is wanted' "$DIR/said" || fail "sums=maybe: $(cat "$DIR/said")"
