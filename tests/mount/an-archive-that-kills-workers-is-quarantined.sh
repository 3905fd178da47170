#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# An archive that crashes two workers, whatever they do with it, is quarantined: its reader gets an error soon, it is not in
# the tree, and is not read again after a restart, until it is replaced. Whoever reads another one notices nothing. A worker
# that is killed from outside blames no archive.
#
# The archive is poisonous by -o test_crash and its sticky bit (tests/faultinject/poison.h); the control mounts it without the option.
. "$PXEFS_TESTLIB"
need python3
good=20240101T000000Z bad=20240102T000000Z
mkbuild $good -s 4
good_want=$(member i86pc/amd64/boot_archive | digest)
mkdir "$DIR/kept"
mkbuild $bad -s 8 # more than one chunk
bad_want=$(member i86pc/amd64/boot_archive | digest) bad_tgz=$TGZ
mv "$bad_tgz" "$DIR/kept"
path=platform/i86pc/amd64/boot_archive status=$MNT/.pxefs/status.json

# Never the file of before: another inode, and no bit.
put_bad()
{
        cp "$DIR/kept/$(basename "$bad_tgz")" "$BUILDS/.new"
        touch -d '1 hour ago' "$BUILDS/.new"
        [ "${1-}" != poisonous ] || chmod +t "$BUILDS/.new"
        mv "$BUILDS/.new" "$bad_tgz"
}

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

restarts() { sed -n 's/.*"restarts": \([0-9]*\),.*/\1/p' "$status"; }
deaths_are() { [ "$(restarts)" = "$1" ]; }

# In the background, cold again and again: $DIR/reader has a line for each failure, until $DIR/stop.
read_good()
{
        rm -f "$DIR/stop"
        : >"$DIR/reader"
        while [ ! -e "$DIR/stop" ]; do
                dd if="$MNT/smartos/$good/$path" iflag=nocache count=0 of=/dev/null 2>/dev/null || :
                [ "$(digest "$MNT/smartos/$good/$path")" = "$good_want" ] || echo failed >>"$DIR/reader"
                echo x >>"$DIR/rounds"
        done
}

is_quarantined() # REASON
{
        wait_for 10 says "$(basename "$bad_tgz")" refused "$1" || fail "$mode: not refused: $(cat "$status")"
        wait_for 5 [ ! -e "$MNT/smartos/$bad" ] || fail "$mode: the archive is still in the tree" # a name is believed for 1 s
        ! grep -q $bad "$MNT/hosts/02-00-00-00-00-01/menu.ipxe" || fail "$mode: it is still in a menu"
        says "platform-$good.tgz" ready || fail "$mode: the other one"
        "$PXECTL" status "$MNT" >"$DIR/out" || :
        grep -q "$1" "$DIR/out" || fail "$mode: pxectl status does not say why: $(cat "$DIR/out")"
}

stays_quarantined() # REASON: a worker, then the daemon is started anew; none dies
{
        _was=$(worker_pid)
        kill -KILL "$_was"
        is_quarantined "$1"
        umount_pxefs
        mount_pxefs -o "poll=1,test_crash=$mode:$(basename "$bad_tgz")"
        is_quarantined "$1"
        deaths_are 0 || fail "$mode: $(restarts) workers died of an archive that is quarantined"
}

is_served_once_replaced()
{
        put_bad
        wait_for 20 says "$(basename "$bad_tgz")" ready || fail "$mode: the new file is not served: $(cat "$status")"
        [ "$(digest "$MNT/smartos/$bad/$path")" = "$bad_want" ] || fail "$mode: the new file is read wrong"
        deaths_are 0 || fail "$mode: a worker died of the new file"
}

# ---- the control, and a known archive for what follows --------------------------------------------------------------

put_bad poisonous
mode=control
mount_pxefs -o poll=1
worker=$(worker_pid)
[ "$(digest "$MNT/smartos/$bad/$path")" = "$bad_want" ] || fail "without the option it is no ordinary archive"
[ "$(digest "$MNT/smartos/$good/$path")" = "$good_want" ] || fail "the other one"
# Killed, and sent the signals of a crash, in the middle of reading it: that is not the archive's fault.
n=0
for sig in KILL SEGV ABRT SEGV KILL BUS; do
        wait_for 10 deaths_are $n # by its successor: the one that was sent the signal is gone
        wait_for 10 worker_pid
        wait_for 10 pgrep -P "$(keeper_pid)" -x pxefs-standby
        dd if="$MNT/smartos/$bad/$path" iflag=nocache count=0 of=/dev/null 2>/dev/null || :
        digest "$MNT/smartos/$bad/$path" >"$DIR/digest" &
        reader=$!
        worker=$(worker_pid)
        kill "-$sig" "$worker"
        n=$((n + 1))
        wait "$reader"
        [ "$(cat "$DIR/digest")" = "$bad_want" ] || fail "SIG$sig: a reader got something else"
done
wait_for 10 deaths_are 6 || fail "$(restarts) deaths, not 6"
says "$(basename "$bad_tgz")" ready || fail "killed from outside, the worker blamed an archive"
umount_pxefs

# ---- bytes of it are asked for ---------------------------------------------------------------------------------------

# ahead: by a thread of the chunk cache, which executes no request at all.
for mode in read ahead; do
        rm -rf "$CACHE"
        mkdir "$CACHE"
        put_bad poisonous
        mount_pxefs # reads it in peace
        umount_pxefs
        mount_pxefs -o "poll=1,test_crash=$mode:$(basename "$bad_tgz")"
        keeper=$(keeper_pid)
        read_good &
        good_reader=$!
        wait_for 10 test -s "$DIR/rounds"
        begun=$(date +%s)
        got=0
        timeout 30 cat "$MNT/smartos/$bad/$path" >/dev/null 2>"$DIR/out" || got=$?
        took=$(($(date +%s) - begun))
        [ $got -eq 1 ] && grep -q 'Input/output error' "$DIR/out" || fail "$mode: its reader: status $got, $(cat "$DIR/out")"
        [ $took -lt 10 ] || fail "$mode: its reader waited $took s"
        wait_for 10 deaths_are 2 || fail "$mode: $(restarts) workers died, not 2"
        is_quarantined 'reading it crashed two workers'
        : >"$DIR/rounds"
        wait_for 20 test -s "$DIR/rounds"
        touch "$DIR/stop"
        wait $good_reader
        [ ! -s "$DIR/reader" ] || fail "$mode: the reader of the other archive noticed it"
        [ "$(keeper_pid)" = "$keeper" ] || fail "$mode: another keeper"
        deaths_are 2 || fail "$mode: $(restarts) workers died, not 2"
        if [ $mode = read ]; then
                stays_quarantined 'reading it crashed two workers'
                is_served_once_replaced
        fi
        umount_pxefs
done

# ---- a reader stands still -------------------------------------------------------------------------------------------

mode=hang
rm -rf "$CACHE"
mkdir "$CACHE"
put_bad poisonous
mount_pxefs
umount_pxefs
mount_pxefs -o "poll=1,test_crash=$mode:$(basename "$bad_tgz")"
begun=$(date +%s)
got=0
timeout 60 cat "$MNT/smartos/$bad/$path" >/dev/null 2>&1 || got=$?
took=$(($(date +%s) - begun))
[ $got -eq 1 ] && [ $took -lt 31 ] || fail "$mode: its reader: status $got after $took s"
wait_for 20 says "$(basename "$bad_tgz")" refused 'reading it hung two workers' || fail "$mode: $(cat "$status")"
is_quarantined 'reading it hung two workers'
[ "$(digest "$MNT/smartos/$good/$path")" = "$good_want" ] || fail "$mode: the other one"
