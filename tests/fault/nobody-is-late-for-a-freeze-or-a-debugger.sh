#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# A debugger that is attached to the worker, lets it run or holds it, a worker that is stopped, and all of pxefs frozen for longer
# than the 25 s of despair (docker pause, a snapshot of the machine), also in a takeover: no reader gets an error or another byte,
# and who was frozen is not killed for it.
. "$PXEFS_TESTLIB"
need python3
_need_isolation "a mount"
mkbuild 20240101T000000Z -s 4
file=smartos/20240101T000000Z/platform/i86pc/amd64/boot_archive
menu=$MNT/hosts/02-08-20-00-00-01/menu.ipxe
sql "INSERT INTO host (hostname) VALUES ('db1'); INSERT INTO nic (mac, host) SELECT '02:08:20:00:00:01', id FROM host"
mount_pxefs
keeper=$(keeper_pid)
export PYTHONPATH="$PXEFS_SRC/tests/lib"

restarts() { sed -n 's/.*"restarts": \([0-9]*\),.*/\1/p' "$MNT/.pxefs/status.json"; }
killed_since() { [ "$(restarts)" -ge "$1" ]; }
# reading WHAT, read_on: a reader begins; it has noticed nothing, which is looked at when it is told to stop.
reading()
{
        state=$1
        rm -f "$DIR"/stop*
        python3 "$PXEFS_SRC/tests/lib/prober.py" "$DIR/stop" "$MNT/$file" "$menu" >"$DIR/prober" 2>"$DIR/prober.err" &
        prober=$!
        wait_for 60 test -e "$DIR/stop.reading" || fail "$state: the reader does not begin: $(cat "$DIR/prober.err")"
}
read_on()
{
        touch "$DIR/stop"
        wait $prober || fail "$state: a reader noticed: $(cat "$DIR/prober.err")"
        read -r _reads slowest _median <"$DIR/prober"
        echo "$state: slowest read $slowest ms"
        [ "$(keeper_pid)" = "$keeper" ] || fail "$state: the keeper is another one"
}

# 1. Attached, and running: killed each 100 ms, and the debugger keeps each zombie.
reading "a debugger that lets workers run"
python3 "$PXEFS_SRC/tests/fault/debugger.py" "$keeper" run "$DIR/stop" >"$DIR/attached" &
debugger=$!
python3 "$PXEFS_SRC/tests/lib/chaos.py" "$keeper" SIGKILL 100 "$DIR/stop" >/dev/null &
chaos=$!
wait_for 60 killed_since $(($(restarts) + 20)) || fail "$state: not 20 kills in 60 s"
read_on
wait $chaos
wait $debugger
[ "$(cat "$DIR/attached")" -ge 10 ] || fail "the debugger was attached to $(cat "$DIR/attached") workers"

# 2. Attached and held, and stopped by a signal: the worker does not get on, and is replaced.
before=$(restarts)
reading "a debugger that holds the worker"
python3 "$PXEFS_SRC/tests/fault/debugger.py" "$keeper" hold "$DIR/stop" >"$DIR/attached" &
debugger=$!
wait_for 60 killed_since $((before + 1)) || fail "$state: it is not replaced"
read_on
wait $debugger
[ "$(cat "$DIR/attached")" = 1 ] || fail "the debugger held $(cat "$DIR/attached") workers"
[ "${slowest%.*}" -lt 25000 ] || fail "$state: a read took $slowest ms"

before=$(restarts)
reading "a worker that is stopped"
kill -STOP "$(worker_pid)"
wait_for 60 killed_since $((before + 1)) || fail "$state: it is not replaced"
read_on
[ "${slowest%.*}" -lt 25000 ] || fail "$state: a read took $slowest ms"

# 3. All of it is frozen, while it serves and in a takeover; then it goes on, and nobody is killed because of it.
freeze() # for the 27 s themselves: nothing happens meanwhile that could be waited for
{
        # shellcheck disable=SC2046 # a list of numbers
        kill -STOP "$keeper" $(pgrep -P "$keeper")
        sleep 27
        # shellcheck disable=SC2046
        kill -CONT $(pgrep -P "$keeper") "$keeper"
}
before=$(restarts)
reading "all frozen for 27 s"
freeze
keeper_goes_round
read_on
[ "${slowest%.*}" -gt 20000 ] || fail "$state: no reader was there"
[ "$(restarts)" = "$before" ] || fail "$state: $(($(restarts) - before)) workers were killed"
reading "all frozen for 27 s in a takeover"
kill -STOP "$keeper"
kill -KILL "$(worker_pid)"
freeze
wait_for 20 killed_since $((before + 1)) || fail "$state: no other worker serves"
read_on
[ "${slowest%.*}" -gt 20000 ] || fail "$state: no reader was there"
[ "$(restarts)" = $((before + 1)) ] || fail "$state: $(($(restarts) - before)) workers died, one was killed"
