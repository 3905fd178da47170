#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# An archive that is made to take time, memory, or the process that reads it is refused by name, with the reason, within a
# minute, and is not read again after a restart. No worker dies of it, a good build that comes beside it is served within
# seconds, and all processes together stay below 256 MiB. Whoever reads an archive ends with it, with its worker, and with the
# mount.
. "$PXEFS_TESTLIB"
need python3
status=$MNT/.pxefs/status.json
known=20240101T000000Z new=20240102T000000Z
mkbuild $new -s 8
mv "$TGZ" "$DIR/new.tgz"
new_want=$(tar -xzOf "$DIR/new.tgz" "$TOP/i86pc/amd64/boot_archive" | digest)
mkbuild $known -s 8
known_want=$(member i86pc/amd64/boot_archive | digest)

# says FILE STATE [TEXT]: what status.json says of it.
says()
{
        python3 - "$status" "$@" <<'END'
import json, sys
a = {a["file"]: a for a in json.load(open(sys.argv[1]))["archives"]}.get(sys.argv[2], {})
ok = a.get("state") == sys.argv[3] and (len(sys.argv) < 5 or sys.argv[4] in (a["reason"] or ""))
sys.exit(0 if ok else "%s, not %s" % (a, sys.argv[3:]))
END
}

restarts_are() { [ "$(sed -n 's/.*"restarts": \([0-9]*\),.*/\1/p' "$status")" = "$1" ]; }
reader() { pgrep -x pxefs-reader; }
no_reader() { ! reader; }
hostile() { python3 "$PXEFS_SRC/tests/lib/hostile_archive.py" "$@"; }

is_right() # BUILD DIGEST
{
        [ "$(digest "$MNT/smartos/$1/platform/i86pc/amd64/boot_archive")" = "$2" ]
}

# Never a file that is still being written.
put() # FROM NAME [sticky]
{
        cp --sparse=always "$1" "$BUILDS/.new"
        touch -d '1 hour ago' "$BUILDS/.new"
        [ -z "${3-}" ] || chmod +t "$BUILDS/.new"
        mv "$BUILDS/.new" "$BUILDS/$2"
}

# In the background: the largest sum of what our processes took so far, in KiB, is in $DIR/peak; until $DIR/stop.
watch_memory()
{
        echo 0 >"$DIR/peak"
        while [ ! -e "$DIR/stop" ]; do
                sum=0
                for _p in $(pxefs_pids); do
                        n=$(sed -n 's/^VmHWM:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$_p/status" 2>/dev/null) || n=
                        sum=$((sum + ${n:-0}))
                done
                [ "$sum" -le "$(cat "$DIR/peak")" ] || echo "$sum" >"$DIR/peak"
        done
}

# ---- made to harm -----------------------------------------------------------------------------------------------------

mkdir "$DIR/h"
hostile ce-loop "$DIR/h/loop.iso"
hostile ce-names "$DIR/h/names.iso"
hostile circle "$DIR/h/circle.iso"
hostile claims "$DIR/h/claims.iso"
hostile sparse-map "$DIR/h/map.tgz"
hostile ordinary "$DIR/h/ordinary.iso"
MOUNT_WAIT='' mount_pxefs -o poll=1
wait_for 20 is_right $known "$known_want" || fail "the good build is not there"
watch_memory &
watcher=$!
for f in "$DIR"/h/*; do
        put "$f" "$(basename "$f")"
done
wait_for 20 says loop.iso indexing || fail "$(cat "$status")"
begun=$(date +%s)
put "$DIR/new.tgz" "platform-$new.tgz"
wait_for 25 is_right $new "$new_want" || fail "the good build waits for the others: $(cat "$status")"
echo "the good build came after $(($(date +%s) - begun)) s"
left() { echo $((begun + 75 - $(date +%s))); } # a minute, and what the other tests on this machine take
wait_for "$(left)" says loop.iso refused 'processor time without getting any further' || fail "$(cat "$status")"
wait_for "$(left)" says names.iso refused 'reading it failed twice' || fail "$(cat "$status")"
wait_for "$(left)" says circle.iso refused 'loop' || fail "$(cat "$status")"
wait_for "$(left)" says claims.iso refused 'MiB of memory' || fail "$(cat "$status")"
wait_for "$(left)" says map.tgz refused 'regions together' || fail "$(cat "$status")"
wait_for 20 says ordinary.iso ready || fail "what the others are made of is refused as well: $(cat "$status")"
echo "all were refused after $(($(date +%s) - begun)) s"
touch "$DIR/stop"
wait $watcher
[ "$(cat "$DIR/peak")" -lt $((256 * 1024)) ] || fail "all processes together took $(cat "$DIR/peak") KiB"
echo "all processes together took $(cat "$DIR/peak") KiB"
restarts_are 0 || fail "a worker died: $(cat "$status")"
is_right $known "$known_want" || fail "the build that was known"
"$PXECTL" status "$MNT" >"$DIR/out" || :
grep -q 'loop.iso' "$DIR/out" || fail "pxectl status does not name it: $(cat "$DIR/out")"

# The same, said by hand.
for f in loop.iso map.tgz; do
        got=0
        timeout 90 "$PXECTL" check "$BUILDS/$f" >"$DIR/out" || got=$?
        [ $got -eq 3 ] && grep -q "$f: refused" "$DIR/out" || fail "check $f: status $got, $(cat "$DIR/out")"
done

# ---- it is remembered ---------------------------------------------------------------------------------------------------

umount_pxefs
begun=$(date +%s)
mount_pxefs -o poll=1
says loop.iso refused 'processor time' || fail "after a restart: $(cat "$status")"
says names.iso refused 'failed twice' || fail "after a restart: $(cat "$status")"
[ $(($(date +%s) - begun)) -lt 20 ] && no_reader || fail "they were read again"

# ---- a reader ends with its archive, its worker, and the mount ---------------------------------------------------------------

put "$DIR/h/loop.iso" again.iso
wait_for 20 reader || fail "it is not read"
rm "$BUILDS/again.iso"
wait_for 4 no_reader || fail "the reader of a file that is gone goes on"
put "$DIR/h/loop.iso" again.iso
wait_for 20 reader || fail "it is not read"
first=$(reader)
kill -KILL "$(worker_pid)"
wait_for 3 [ ! -e "/proc/$first" ] || fail "the reader of a worker that is gone goes on"
wait_for 20 reader || fail "the next worker does not begin again"
umount "$MNT"
wait_for 4 _no_pxefs || fail "after the end of the mount there are $(ps -eo comm | grep pxefs)"
rm "$BUILDS/again.iso"

# ---- a reader ends in other ways (tests/faultinject/poison.h) -----------------------------------------------------------------

poisoned() # MODE REASON
{
        rm -rf "$CACHE"
        mkdir "$CACHE"
        put "$DIR/new.tgz" "platform-$new.tgz" sticky
        mount_pxefs -o "poll=1,test_crash=$1:platform-$new.tgz"
        says "platform-$new.tgz" refused "$2" || fail "$1: $(cat "$status")"
        is_right $known "$known_want" || fail "$1: the other build"
        restarts_are 0 || fail "$1: a worker died"
}

rm "$BUILDS"/*.iso "$BUILDS/map.tgz"
for mode in index decode exit memory; do
        case $mode in
        index | decode) poisoned $mode 'failed twice: its reader crashed (signal 11' ;;
        exit) poisoned $mode 'failed twice: a library ended its reader (status 1)' ;;
        memory) poisoned $mode 'MiB of memory' ;;
        esac
        [ $mode = decode ] || umount_pxefs
        [ $mode != decode ] || {
                put "$DIR/new.tgz" "platform-$new.tgz"
                wait_for 20 is_right $new "$new_want" || fail "a new file is not read: $(cat "$status")"
                umount_pxefs
        }
done

# Killed by somebody who is not us: once may be the machine's fault.
rm -rf "$CACHE"
mkdir "$CACHE"
put "$DIR/new.tgz" "platform-$new.tgz" sticky
MOUNT_WAIT='' mount_pxefs -o "poll=1,test_crash=asleep:platform-$new.tgz"
wait_for 20 is_right $known "$known_want" || fail "the other build"
wait_for 20 reader || fail "it is not read"
first=$(reader)
kill -KILL "$first"
second() { [ -n "$(reader)" ] && [ "$(reader)" != "$first" ]; }
wait_for 20 second || fail "it is not read once more: $(cat "$status")"
kill -KILL "$(reader)"
wait_for 20 says "platform-$new.tgz" refused 'killed by the kernel' || fail "$(cat "$status")"
restarts_are 0 || fail "a worker died"

# And who starts them: the next worker has another.
worker=$(worker_pid)
kill -KILL "$(pgrep -P "$worker" -x pxefs-readers)"
another() { [ -n "$(worker_pid)" ] && [ "$(worker_pid)" != "$worker" ]; }
wait_for 25 another || fail "a worker that can have nothing read goes on"
put "$DIR/h/ordinary.iso" ordinary.iso
wait_for 20 says ordinary.iso ready || fail "it has no readers either: $(cat "$status")"
restarts_are 0 || fail "a worker died"
