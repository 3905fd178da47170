#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# Whoever reads the log may hang, go away and come back: no client notices, not even while the worker is killed every 100 ms; a
# new build appears all the same; the lines that nobody took are counted, and those that follow arrive, the worker's too.
#
# With -f stderr is a pipe: full, closed, read again.  As a daemon /dev/log hangs, and is bound by another.
. "$PXEFS_TESTLIB"
need python3
_need_isolation "a mount"
unset MALLOC_PERTURB_ # meson's: what is measured here is not how long it takes to fill each chunk
mkbuild 20240101T000000Z -s 4
file=smartos/20240101T000000Z/platform/i86pc/amd64/boot_archive
want=$(member i86pc/amd64/boot_archive | digest)
menu=$MNT/hosts/02-08-20-00-00-01/menu.ipxe
sql "INSERT INTO host (hostname) VALUES ('db1'); INSERT INTO nic (mac, host) SELECT '02:08:20:00:00:01', id FROM host"
chown "$PXEFS_USER:" "$CACHE"
at_exit _end_pxefs

# killing KILLS: a reader reads and the worker is killed each 100 ms of its service, so many times; nothing is noticed.
enough() { [ "$(restarts)" -ge "$1" ]; }
restarts() { sed -n 's/.*"restarts": \([0-9]*\),.*/\1/p' "$MNT/.pxefs/status.json"; }
more_lost() { [ "$(lost)" -gt "$1" ]; }
lost() { sed -n 's/.*"log_lines_lost": \([0-9]*\),.*/\1/p' "$MNT/.pxefs/status.json"; }
killing()
{
        rm -f "$DIR"/stop*
        keeper=$(keeper_pid)
        python3 "$PXEFS_SRC/tests/lib/prober.py" "$DIR/stop" "$MNT/$file" "$menu" >"$DIR/prober" 2>"$DIR/prober.err" &
        prober=$!
        python3 "$PXEFS_SRC/tests/lib/chaos.py" "$keeper" SIGKILL 100 "$DIR/stop" >"$DIR/chaos" &
        chaos=$!
        wait_for 60 enough $(($(restarts) + $1)) || fail "$state: not $1 kills in 60 s; $(cat "$DIR/prober.err")"
        touch "$DIR/stop"
        wait $chaos
        wait $prober || fail "$state: a reader noticed: $(cat "$DIR/prober.err")"
        read -r _reads slowest _median <"$DIR/prober"
        echo "$state: $(cat "$DIR/chaos") kills, slowest read $slowest ms"
        [ "${slowest%.*}" -lt 20000 ] || fail "$state: a read took $slowest ms"
        [ "$(keeper_pid)" = "$keeper" ] || fail "$state: the keeper is another one"
        [ "$(digest "$MNT/$file")" = "$want" ] || fail "$state: other bytes"
}
worker_is_back() { [ "$(worker_pid)" != "$1" ] && worker_pid; }
kill_worker()
{
        _old=$(worker_pid)
        kill -KILL "$_old"
        wait_for 20 worker_is_back "$_old"
}
says() { grep -q "$1" "$DIR/log"; }

# fill_pipe: all that fits into descriptor 8.
fill_pipe()
{
        python3 -c '
import os
fd = os.open("/dev/fd/8", os.O_WRONLY | os.O_NONBLOCK)
try:
    while True: os.write(fd, b"x" * 4096)
except BlockingIOError: pass'
}

# Each costs a line of the worker.  More than the keeper keeps.
n=0
while [ $n -lt 400 ]; do
        n=$((n + 1))
        echo nonsense >"$BUILDS/junk-$n.tgz"
        touch -d '1 hour ago' "$BUILDS/junk-$n.tgz"
done

# ---- stderr
mkfifo "$DIR/pipe"
exec 8<>"$DIR/pipe"
fill_pipe
"$PXEFS" -f -o "inventory=$INVENTORY,cache=$CACHE,static=$STATIC,user=$PXEFS_USER,wait" "$BUILDS" "$MNT" 2>"$DIR/pipe" &
daemon=$!
wait_for 30 worker_pid || fail "it does not serve"
wait_for 10 grep -q "$MNT " /proc/self/mountinfo
wait_for 60 test -e "$MNT/$file"
state='a pipe that is full'
wait_for 60 more_lost 0 || fail "$state: no line was lost"
rm "$BUILDS"/junk-*
killing 15
cat <&8 >"$DIR/log" &
reader=$!
kill_worker
wait_for 10 says '^pxefs: [0-9]* lines of this log were lost' || fail "$state: nothing says that lines were lost: $(tail -c 2000 "$DIR/log")"
wait_for 10 says '^pxefs: worker [0-9]* serves' || fail "$state: no line when it is read again: $(tail -c 2000 "$DIR/log")"
state='a pipe without a reader'
kill $reader
exec 8>&-
before=$(lost)
killing 15
wait_for 10 more_lost "$before" || fail "$state: no line was lost"
: >"$DIR/log"
cat <"$DIR/pipe" >"$DIR/log" &
wait_for 10 test -s "$DIR/log" || kill_worker
wait_for 10 says 'lost' || fail "$state: no line when there is a reader again"
# A worker's line goes the same way.
echo nonsense >"$BUILDS/platform-20240102T000000Z.tgz"
wait_for 20 says 'platform-20240102T000000Z.tgz' || fail "$state: the worker's lines do not arrive"
rm "$BUILDS/platform-20240102T000000Z.tgz"
# It is ended although its pipe is full once more, and nobody reads.
exec 8<>"$DIR/pipe"
kill -STOP $!
fill_pipe
kill -TERM $daemon
wait_for 15 _no_pxefs || fail "SIGTERM does not end it while nobody reads its log"
wait $daemon || fail "SIGTERM: exit status $?"
kill -KILL $!
exec 8>&-

# ---- syslog
mkdir "$DIR/dev"
mount -t tmpfs -o mode=0755 none "$DIR/dev"
for name in null zero random urandom fuse tty; do
        touch "$DIR/dev/$name"
        mount --bind "/dev/$name" "$DIR/dev/$name"
done
ln -s /proc/self/fd "$DIR/dev/fd"
mount --rbind "$DIR/dev" /dev
at_exit 'umount -R -l /dev; umount -R -l "$DIR/dev"'
at_exit 'kill $syslogd $syslogd2 2>/dev/null'
syslogd2=
python3 "$PXEFS_SRC/tests/lib/syslogd.py" "$DIR/syslog.1" hang &
syslogd=$!
wait_for 10 test -e "$DIR/syslog.1.ready"
mount_pxefs
state='a syslog that hangs'
for n in 1 2 3 4 5 6 7 8 9; do
        echo nonsense >"$BUILDS/junk-$n.tgz"
done
mkbuild 20240202T000000Z -s 1
wait_for 30 test -e "$MNT/smartos/20240202T000000Z/platform" || fail "$state: a new build does not appear"
killing 15
wait_for 20 more_lost 0 || fail "$state: no line was lost"
# Another takes the path, while the one that hangs still lives.
python3 "$PXEFS_SRC/tests/lib/syslogd.py" "$DIR/log" read &
syslogd2=$!
wait_for 10 test -e "$DIR/log.ready"
state='a syslog that was restarted'
kill_worker
wait_for 20 says '^<28>.* pxefs\[[0-9]*\]: the worker died by signal 9' || fail "$state: the keeper's lines do not arrive: $(cat "$DIR/log")"
wait_for 10 says 'lines of this log were lost' || fail "$state: nothing says that lines were lost"
echo more >"$BUILDS/junk-x.tgz"
wait_for 20 says '^<2[0-9]>.* pxefs\[[0-9]*\]: junk-x.tgz' || fail "$state: the worker's lines do not arrive: $(cat "$DIR/log")"
umount_pxefs
