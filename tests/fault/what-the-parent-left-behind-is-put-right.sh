#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# Started by a parent that closed descriptors, leaks others, ignores and blocks signals, and has an umask, an environment and limits
# of its own, pxefs serves as ever, survives the deaths of its workers, and passes nothing of it on.  Hard limits with which it could
# not live, and a missing /proc, are refused at the start with the way out.  Signals that are no orders change nothing.
. "$PXEFS_TESTLIB"
need python3
_need_isolation "a mount"
mkbuild 20240101T000000Z -s 4
file=smartos/20240101T000000Z/platform/i86pc/amd64/boot_archive
want=$(member i86pc/amd64/boot_archive | digest)
menu=$MNT/hosts/02-08-20-00-00-01/menu.ipxe
sql "INSERT INTO host (hostname) VALUES ('db1'); INSERT INTO nic (mac, host) SELECT '02:08:20:00:00:01', id FROM host"
chown "$PXEFS_USER:" "$CACHE"
at_exit _end_pxefs
options=inventory=$INVENTORY,cache=$CACHE,static=$STATIC,user=$PXEFS_USER,wait

restarts() { sed -n 's/.*"restarts": \([0-9]*\),.*/\1/p' "$MNT/.pxefs/status.json"; }
killed() { [ "$(restarts)" -ge "$1" ]; }
start() # WHAT...: pxefs, by such a parent
{
        python3 "$PXEFS_SRC/tests/fault/parent.py" "$@" -- "$PXEFS" -o "$options" "$BUILDS" "$MNT"
}
serves()
{
        mountpoint -q "$MNT" || fail "$state: there is no mount"
        for n in 1 2 3; do
                kill -KILL "$(worker_pid)"
                wait_for 30 killed $n || fail "$state: worker $n has no successor"
                [ "$(digest "$MNT/$file")" = "$want" ] || fail "$state: other bytes"
                grep -q hostname=db1 "$menu" || fail "$state: not the menu of db1"
        done
        for pid in $(pxefs_pids); do
                for fd in "/proc/$pid/fd"/*; do
                        case $(readlink "$fd") in
                        /etc/passwd) fail "$state: process $pid has a descriptor of its parent's" ;;
                        *) ;;
                        esac
                done
        done
        mode=$(stat -c %a "$CACHE/catalog.db")
        [ "$mode" = 640 ] || fail "$state: catalog.db has the mode $mode"
        umount_pxefs
        rm -rf "${CACHE:?}"/*
}

# 1. Each alone, and all at once.
for state in closed leaking ignored blocked umask env tty \
        soft:NOFILE=40 soft:FSIZE=4096 soft:AS=100000000 soft:NPROC=10 soft:CPU=100 soft:CORE=0 soft:STACK=1000000 \
        "closed leaking ignored blocked umask env tty soft:NOFILE=64 soft:FSIZE=4096"; do
        # shellcheck disable=SC2086 # a list of words
        start $state || fail "$state: exit status $?"
        serves
done

# 2. What it could not live with is refused, with the way out, and nothing is mounted.
refused() # WORDS WHAT...
{
        words=$1
        shift
        ! start "$@" 2>"$DIR/said" || fail "$*: it starts"
        grep -qF "$words" "$DIR/said" || fail "$*: it says: $(cat "$DIR/said")"
        ! mountpoint -q "$MNT" || fail "$*: something is mounted"
        _no_pxefs || fail "$*: a process is left"
}
refused "ulimit -f unlimited" hard:FSIZE=1048576
refused "ulimit -v unlimited" hard:AS=1000000000
refused "ulimit -d unlimited" hard:DATA=100000000
refused "ulimit -u unlimited" hard:NPROC=20
refused "ulimit -t unlimited" hard:CPU=3600
refused "ulimit -n 65536" hard:NOFILE=20
# shellcheck disable=SC2016 # of the inner shell
! unshare --mount sh -c 'mount -t tmpfs nothing /proc && exec "$@"' sh "$PXEFS" -o "$options" "$BUILDS" "$MNT" 2>"$DIR/said" ||
        fail "without /proc it starts"
grep -qF 'mount -t proc proc /proc' "$DIR/said" || fail "without /proc it says: $(cat "$DIR/said")"

# 3. Signals that are no orders (16 is SIGSTKFLT, 34 and 64 are real-time ones), to every process, change nothing; SIGQUIT ends it in order, as SIGTERM does.
state="stray signals"
start closed || fail "$state: exit status $?"
keeper=$(keeper_pid) worker=$(worker_pid)
for sig in PIPE USR1 USR2 ALRM VTALRM PROF IO PWR WINCH URG TTIN TTOU XCPU XFSZ CHLD CONT 16 34 64; do
        for pid in $(pxefs_pids); do
                kill "-$sig" "$pid"
        done
        [ "$(digest "$MNT/$file")" = "$want" ] || fail "SIG$sig: other bytes"
done
keeper_goes_round
[ "$(keeper_pid) $(worker_pid)" = "$keeper $worker" ] || fail "a stray signal has ended a process"
[ "$(restarts)" = 0 ] || fail "a stray signal has ended $(restarts) workers"
kill -QUIT "$keeper"
wait_for 30 _no_pxefs || fail "SIGQUIT does not end it"
! mountpoint -q "$MNT" || fail "SIGQUIT left the mount behind"
