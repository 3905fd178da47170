#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# A worker that crashes or is killed is counted, and pxectl status says so; one that is replaced on request is an upgrade and
# one that ends in order is neither.
. "$PXEFS_TESTLIB"
mkbuild 20240101T000000Z -s 1
mount_pxefs
keeper=$(keeper_pid)
status=$MNT/.pxefs/status.json

other_worker()
{
        [ -n "$(worker_pid)" ] && [ "$(worker_pid)" != "$1" ] && pgrep -P "$keeper" -x pxefs-standby
}

# counts RESTARTS LAST_HOUR UPGRADES: what status.json and metrics say.
counts()
{
        grep -q "\"restarts\": $1, \"restarts_last_hour\": $2, \"upgrades\": $3, \"upgrades_refused\": 0, \"upgrade_refused\": null" "$status" &&
                grep -qx "pxefs_worker_restarts_total $1" "$MNT/.pxefs/metrics" &&
                grep -qx "pxefs_worker_upgrades_total $3" "$MNT/.pxefs/metrics" && return
        fail "not $*: $(grep restarts "$status")"
}

send()
{
        _was=$(worker_pid)
        kill "-$1" "$2"
        wait_for 10 other_worker "$_was" || fail "$1: no successor"
}

wait_for 10 pgrep -P "$keeper" -x pxefs-standby
counts 0 0 0
grep -q '"last_death": null, "last_death_reason": null' "$status" || fail "a death before there was one"
mounted=$(sed -n 's/.*"mounted": "\([^"]*\)".*/\1/p' "$status")
age=$(($(date +%s) - $(date -d "${mounted:?no time of the mount}" +%s)))
[ "$age" -ge 0 ] && [ "$age" -lt 60 ] || fail "mounted $age s ago?"
"$PXECTL" status "$MNT" >"$DIR/out" || fail "status of a new mount: $(cat "$DIR/out")"

send HUP "$keeper"
counts 0 0 1
send TERM "$(worker_pid)"
counts 0 0 1
"$PXECTL" status "$MNT" >"$DIR/out" || fail "status after an upgrade and an end in order: $(cat "$DIR/out")"

send SEGV "$(worker_pid)"
counts 1 1 1
grep -q '"last_death_reason": "it died by signal 11 (Segmentation fault)"' "$status" || fail "$(grep last_death "$status")"
send KILL "$(worker_pid)"
counts 2 2 1
got=0
"$PXECTL" status "$MNT" >"$DIR/out" || got=$?
[ "$got" -eq 1 ] || fail "status exits with $got"
head -n 1 "$DIR/out" | grep -q '^the worker was restarted 2 times in the last hour: it died by signal 9 (Killed)' ||
        fail "status says: $(head -n 1 "$DIR/out")"
grep -q 'restarted 2 times' "$MNT/.pxefs/index.html" || fail "index.html does not say it"
[ "$(sed -n 's/.*"mounted": "\([^"]*\)".*/\1/p' "$status")" = "$mounted" ] || fail "the mount's time changed"

send HUP "$keeper"
counts 2 2 2
