#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# Who stands by is a fork of the worker, so that it is there at once; after a crash it is executed anew, at other addresses. Either
# is the keeper's child, ends with it, and has a sandbox that is narrowed when it serves. One that is lost is replaced.
. "$PXEFS_TESTLIB"
mkbuild 20240101T000000Z -s 1
mount_pxefs
keeper=$(keeper_pid)

standby_pid()
{
        pgrep -P "$keeper" -x pxefs-standby
}

# succeeded WORKER: another one serves, and another one stands by.
succeeded()
{
        [ -n "$(worker_pid)" ] && [ "$(worker_pid)" != "$1" ] && [ -n "$(standby_pid)" ]
}

# send SIGNAL: to the worker; returns when it has a successor and that one has one.
send()
{
        _was=$(worker_pid)
        kill "-$1" "$_was"
        wait_for 20 succeeded "$_was" || fail "$1: no successor, or nobody stands by: $(pxefs_pids | tr '\n' ' ')"
        [ "$(cat "$MNT/smartos/20240101T000000Z/platform/i86pc/amd64/boot_archive" | digest)" = "$want" ] || fail "$1: other bytes"
        set -- $(pgrep -P "$keeper")
        [ $# -eq 2 ] || fail "the keeper has $# children: $*"
}

# where PID: the addresses that the kernel chose at exec, and fork keeps.
where()
{
        sed -n 's/^\([0-9a-f]*\)-.* \(\[stack\]\|\/.*pxefs-worker\|\/.*libc\.so.*\)$/\1/p' "/proc/$1/maps"
}

is_forked()
{
        [ -n "$(where "$(worker_pid)")" ] || fail "no addresses"
        [ "$(where "$(worker_pid)")" = "$(where "$(standby_pid)")" ]
}

want=$(member i86pc/amd64/boot_archive | digest)
wait_for 20 standby_pid >/dev/null || fail "nobody stands by"
[ "$(cat /proc/sys/kernel/randomize_va_space)" = 0 ] || ! is_forked || fail "the first one that stands by cannot be a fork"

for signal in KILL TERM KILL; do
        send $signal
        is_forked || fail "$signal: who stands by is no fork of the worker"
        if grep -q '^Seccomp_filters:' "/proc/$(worker_pid)/status"; then
                filters=$(awk '/^Seccomp_filters:/ { print $2 }' "/proc/$(worker_pid)/status" "/proc/$(standby_pid)/status" | tr '\n' ' ')
                [ "$filters" = "3 2 " ] || [ "$filters" = "0 0 " ] || fail "$signal: filters of the worker and of who stands by: $filters"
        fi
done
# It says how much memory the worker has, not its predecessor.
rss=$(sed -n 's/^pxefs_resident_memory_bytes \(.*\)/\1/p' "$MNT/.pxefs/metrics")
[ "${rss:-0}" -gt 1000000 ] || fail "resident memory: ${rss:-not said}"

if [ "$(cat /proc/sys/kernel/randomize_va_space)" != 0 ]; then
        send SEGV
        ! is_forked || fail "after a crash another one has the same addresses"
        send KILL
        is_forked || fail "and the next one is no fork"
fi

# One that is killed while it stands by.
was=$(standby_pid)
kill -KILL "$was"
another() { [ -n "$(standby_pid)" ] && [ "$(standby_pid)" != "$was" ]; }
wait_for 20 another || fail "nobody stands by any more"
send KILL
# One that was stopped when its turn came goes on when it can, and leaves another.
stopped=$(standby_pid)
kill -STOP "$stopped"
kill -KILL "$(worker_pid)"
kill -CONT "$stopped"
took_over() { [ "$(worker_pid)" = "$stopped" ] && [ -n "$(standby_pid)" ]; }
wait_for 20 took_over || fail "who stood by does not serve"
send KILL

# All of them end with the keeper.
all=$(pxefs_pids)
kill -KILL "$keeper"
none_left() { for _pid in $all; do ! kill -0 "$_pid" 2>/dev/null || return 1; done; }
wait_for 10 none_left || fail "what is left of the keeper's children: $(pxefs_pids | tr '\n' ' ')"
umount -l "$MNT"
