#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# A worker that was taken over writes what it likes into the memory it shares: requests that nobody asked, numbers of all
# kinds, other scripts, rubbish where the INIT of the mount stands; it floods its keeper. Then it does not even answer. Its keeper stays able to
# act, no archive is blamed, its successors, forked and executed, serve the right bytes, and the mount ends when it is told to.
. "$PXEFS_TESTLIB"
need python3
n=0
while [ $n -lt 4 ]; do
        n=$((n + 1))
        mkbuild 2024010${n}T000000Z -s 2
done
file=smartos/20240104T000000Z/platform/i86pc/amd64/boot_archive menu=$MNT/hosts/02-08-20-00-00-01/menu.ipxe
want=$(member i86pc/amd64/boot_archive | digest)
sql "INSERT INTO host (id, hostname) VALUES (1, 'one'); INSERT INTO nic (mac, host) VALUES ('02:08:20:00:00:01', 1);
     INSERT INTO property (host, name, value) VALUES (1, 'counter', 'one')"
_need_isolation "a mount"
chown "$PXEFS_USER:" "$CACHE"
at_exit _end_pxefs
"$PXEFS_FAULTINJECT" -f -o "inventory=$INVENTORY,cache=$CACHE,user=$PXEFS_USER,wait,test_hostile" "$BUILDS" "$MNT" >"$DIR/log" 2>&1 &
wait_for 60 grep -q 'pxefs: ready' "$DIR/log" || fail "no mount: $(cat "$DIR/log")"
keeper=$(keeper_pid)
menu_want=$(cat "$menu")

attack()
{
        wait_for 20 worker_pid || fail "no worker serves"
        wait_for 20 pgrep -P "$keeper" -x pxefs-standby || fail "nobody stands by"
        kill -USR1 "$(worker_pid)"
        wait_for 10 pgrep -P "$keeper" -x pxefs-hostile || fail "the worker was not taken over: is the test worth anything?"
}
nothing_changed()       # WHEN
{
        wait_for 60 worker_pid || fail "$1: no successor: $(tail -5 "$DIR/log")"
        dd if="$MNT/$file" iflag=nocache count=0 of=/dev/null 2>/dev/null
        [ "$(digest "$MNT/$file")" = "$want" ] || fail "$1: other bytes"
        [ "$(cat "$menu")" = "$menu_want" ] || fail "$1: another script: $(cat "$menu")"
        python3 - "$MNT/.pxefs/status.json" <<'END' || fail "$1: an archive was blamed"
import json, sys
a = json.load(open(sys.argv[1]))["archives"]
sys.exit(len(a) != 4 or any(x["state"] != "ready" for x in a))
END
        ! grep -qE 'not read any more|runtime error|AddressSanitizer' "$DIR/log" || fail "$1: $(cat "$DIR/log")"
}

# 1. A reader has looked a script up and not read it; then it can no longer be made from the rows. Its successor was forked.
sql "UPDATE property SET value = 'two' WHERE host = 1" # another script, which nobody has read
exec 9<"$menu"
sql "UPDATE property SET value = 'one' WHERE host = 1"
attack
hostile=$(pgrep -P "$keeper" -x pxefs-hostile)
kill -KILL "$hostile"
nothing_changed "a fork took over"
got=$(cat <&9 2>/dev/null) || got=''
exec 9<&-
case $got in
'' | '#!ipxe'*counter=two*) ;;
*) fail "a script that was written over in the ring was served: $got" ;;
esac

# 2. Who stood by is gone, too: its successor is executed, and reads the head that was spoiled.
attack
kill -KILL "$(pgrep -P "$keeper" -x pxefs-standby)" "$(pgrep -P "$keeper" -x pxefs-hostile)"
nothing_changed "one that was executed took over"

# 3. The keeper ends it by itself, for a request that hangs: all the time that this takes, and twice, blame nobody.
for round in 1 2; do
        attack
        hostile=$(pgrep -P "$keeper" -x pxefs-hostile)
        kill -0 "$keeper" || fail "the keeper died"
        wait_for 40 eval '! kill -0 $hostile 2>/dev/null' || fail "a worker that hangs is not killed"
        nothing_changed "round $round"
done

# 4. It floods its keeper with lines and with words: it is ended for the words, and the log grows by what a worker may say.
lines=$(wc -l <"$DIR/log")
flooding=$(worker_pid)
kill -USR2 "$flooding"
wait_for 10 pgrep -P "$keeper" -x pxefs-flooding || fail "the worker does not flood: is the test worth anything?"
gone() { ! kill -0 "$flooding" 2>/dev/null; }
wait_for 20 gone || fail "a worker that floods its keeper is not ended"
grep -q 'said what no worker says: it is killed' "$DIR/log" || fail "it was not ended for its words: $(tail -3 "$DIR/log" | cut -c-200)"
nothing_changed "a flood"
more=$(($(wc -l <"$DIR/log") - lines))
[ "$more" -lt 4000 ] || fail "a worker wrote $more lines into the log"
[ "$more" -gt 1000 ] || fail "a worker that floods wrote $more lines: is the test worth anything?"

# 5. It is told to end while it is served by one that does not listen.
attack
begun=$(date +%s)
kill -TERM "$keeper"
wait_for 20 _no_pxefs || fail "SIGTERM left a process"
[ $(($(date +%s) - begun)) -lt 15 ] || fail "SIGTERM took $(($(date +%s) - begun)) s"
! grep -q " $MNT " /proc/self/mountinfo || fail "SIGTERM left the mount"
