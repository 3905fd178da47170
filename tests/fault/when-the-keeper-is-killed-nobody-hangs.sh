#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# SIGKILL of the keeper ends the mount, and that is all: whoever downloads gets the file or an error, within 30 s; no process
# of pxefs stays; the same command, given at once, takes the dead mount's place, knows the builds from before, and serves the
# right bytes and the row that was committed last.
#
# Three states of the worker: it serves; it stands still, so that readers wait in the kernel; it was killed a moment before.
. "$PXEFS_TESTLIB"
need curl python3
for name in tftp http local; do # a build each: what one has read the others would have from the page cache
        case $name in
        tftp) stamp=20240101T000000Z ;;
        http) stamp=20240102T000000Z ;;
        local) stamp=20240103T000000Z ;;
        esac
        mkbuild $stamp -s 32
        member i86pc/amd64/boot_archive | digest >"$DIR/want.$name"
        eval "$name=smartos/$stamp/platform/i86pc/amd64/boot_archive"
done
menu=hosts/02-08-20-00-00-01/menu.ipxe
sql "INSERT INTO host (id, hostname) VALUES (1, 'db1'); INSERT INTO nic (mac, host) VALUES ('02:08:20:00:00:01', 1);
     INSERT INTO property (host, name, value) VALUES (1, 'counter', 'v0');"

# client NAME COMMAND...: in the background, $DIR/NAME.status and, whole or not, $DIR/NAME.file.
client()
{
        _name=$1
        shift
        rm -f "$DIR/$_name".*
        {
                _got=0
                timeout 30 "$@" >"$DIR/$_name.out" 2>&1 || _got=$?
                echo "$_got" >"$DIR/$_name.status"
        } &
        clients="$clients $!"
}

# It ended by itself, with an error.
client_failed()
{
        _got=$(cat "$DIR/$1.status")
        [ "$_got" -ne 124 ] || fail "$state: $1 hangs"
        [ "$_got" -ne 0 ] || fail "$state: $1 was served to its end, and it was for what happens to those who are not"
        echo "$state: $1 ended with $_got"
}

is_whole() # NAME
{
        [ "$(cat "$DIR/$1.status")" = 0 ] && [ "$(digest "$DIR/$1.file")" = "$(cat "$DIR/want.$1")" ]
}

mount_is_right()
{
        for name in tftp http local; do
                eval "_file=\$$name"
                [ "$(digest "$MNT/$_file")" = "$(cat "$DIR/want.$name")" ] || fail "$state: other bytes after the restart"
        done
}

# What was learned of the archives: who reads one again writes a row of another number.
cache_is()
{
        sqlite3 "$CACHE/catalog.db" 'SELECT rowid, object, file FROM archive ORDER BY rowid'
}

restarts() { sed -n 's/.*"restarts": \([0-9]*\),.*/\1/p' "$MNT/.pxefs/status.json"; }

editor=''
at_exit '[ -z "$editor" ] || { kill "$editor"; wait "$editor"; } 2>/dev/null'

# Rows change all the while; what was committed last is $DIR/last.
edit()
{
        _n=0
        while [ ! -e "$DIR/stop" ]; do
                _n=$((_n + 1))
                sqlite3 -cmd '.timeout 5000' "$INVENTORY" "UPDATE property SET value = 'v$_n' WHERE name = 'counter'" ||
                        fail "an edit was refused"
                echo "v$_n" >"$DIR/last"
        done
}

slow_reader='
import os, sys, time
out = open(sys.argv[2], "wb", buffering=0)
with open(sys.argv[1], "rb", buffering=0) as f:
    with open(sys.argv[3], "w") as me:
        print(os.getpid(), hex(f.fileno()), file=me)
    while data := f.read(65536):
        out.write(data)
        time.sleep(0.03)'
began() { [ -s "$DIR/http.file" ] && [ -s "$DIR/local.file" ]; }
# The slow reader is blocked in a call on the file of the mount, by its first argument (proc_pid_syscall(5)); not in its own sleep.
waits()
{
        read -r _reader _fd <"$DIR/local.pid"
        read -r _call _argument _others <"/proc/$_reader/syscall"
        [ "$_argument" = "$_fd" ]
}

mount_pxefs
[ "$(digest "$MNT/$menu")" ] && cache_is >"$DIR/cache.before"
[ -s "$DIR/cache.before" ] || fail "nothing in the cache directory"
for state in serves stopped died; do
        keeper=$(keeper_pid)
        start_tftpd "$MNT"
        start_nginx "$MNT"
        wait_for 10 pgrep -P "$keeper" -x pxefs-standby
        for f in "$tftp" "$http" "$local"; do
                dd if="$MNT/$f" iflag=nocache count=0 of=/dev/null 2>/dev/null
        done
        rm -f "$DIR/stop"
        edit &
        editor=$!
        clients=''
        client tftp python3 "$PXEFS_SRC/tests/lib/tftp.py" 127.0.0.1 "$tftp" "$DIR/tftp.file"
        client http curl -sS --fail --limit-rate 2M -o "$DIR/http.file" "$HTTP/$http"
        client local python3 -c "$slow_reader" "$MNT/$local" "$DIR/local.file" "$DIR/local.pid"
        wait_for 10 began || fail "$state: no download began"
        case $state in
        stopped)
                kill -STOP "$(worker_pid)"
                wait_for 10 waits || fail "$state: no reader waits"
                ;;
        died) kill -KILL "$(worker_pid)" ;;
        esac
        kill -KILL "$keeper"
        begun=$(date +%s)
        # The same command at once, while the workers may still be on their way out.
        mount_pxefs
        mount_is_right
        took=$(($(date +%s) - begun))
        [ "$took" -lt 30 ] || fail "$state: the restart took $took s"
        [ "$(grep -c " $MNT " /proc/self/mountinfo)" -eq 1 ] || fail "$state: the dead mount is still below"
        wait $clients
        for name in tftp http local; do
                client_failed $name
        done
        [ $(($(date +%s) - begun)) -lt 45 ] || fail "$state: the clients took $(($(date +%s) - begun)) s"

        # Of the one before nothing is left.
        new=$(keeper_pid)
        for pid in $(pxefs_pids); do
                parent=$(ps -o ppid= -p "$pid" | tr -d ' ') # the keeper, or the worker, which has who starts readers
                [ "$pid" = "$new" ] || [ "$parent" = "$new" ] || [ "$(ps -o ppid= -p "$parent" | tr -d ' ')" = "$new" ] || fail "$state: process $pid stayed"
        done

        # What is served is what it was, and what was written meanwhile.
        [ "$(http_get "$http" | digest)" = "$(cat "$DIR/want.http")" ] || fail "$state: nginx, after the restart"
        touch "$DIR/stop"
        wait $editor || fail "$state: the editor"
        editor=''
        grep -q "counter=$(cat "$DIR/last")\\b" "$MNT/$menu" || fail "$state: not the last row: $(cat "$MNT/$menu")"
        [ "$(sqlite3 "$INVENTORY" 'PRAGMA integrity_check')" = ok ] || fail "$state: the inventory is damaged"
        [ "$(sqlite3 "$CACHE/catalog.db" 'PRAGMA integrity_check')" = ok ] || fail "$state: the catalog is damaged"
        cache_is | cmp - "$DIR/cache.before" || fail "$state: the build was read as a whole once more"
        [ "$(restarts)" = 0 ] || fail "$state: $(restarts) workers died after the restart"
        stop_group "$TFTPD_PID"
        start_tftpd "$MNT"
        client tftp python3 "$PXEFS_SRC/tests/lib/tftp.py" 127.0.0.1 "$tftp" "$DIR/tftp.file"
        wait "${clients##* }"
        is_whole tftp || fail "$state: TFTP after the restart"
        stop_group "$TFTPD_PID"
        stop_group "$NGINX_PID"
done

# Killed and left alone: nobody serves, nobody waits, no process is there.
pids=$(pxefs_pids)
kill -KILL "$(keeper_pid)"
wait_for 10 _no_pxefs || fail "processes of pxefs stay: $pids, now $(pxefs_pids)"
answers_as_dead()
{
        ! timeout 30 ls "$MNT" >"$DIR/out" 2>&1 && grep -q 'Transport endpoint is not connected' "$DIR/out"
}
wait_for 10 answers_as_dead || fail "a dead mount: $(cat "$DIR/out")"
state=end
mount_pxefs
mount_is_right

# Ten times, with readers, and no moment between the end and the start: some processes of the one before still are there, and
# have the connection or the cache directory.
state=again n=0
while [ $n -lt 10 ]; do
        n=$((n + 1))
        dd if="$MNT/$local" iflag=nocache count=0 of=/dev/null 2>/dev/null
        cat "$MNT/$local" >/dev/null 2>&1 &
        kill -KILL "$(keeper_pid)"
        mount_pxefs
        [ "$(digest "$MNT/$local")" = "$(cat "$DIR/want.local")" ] || fail "$state: other bytes, round $n"
done
# And one that is ended as it should be.
umount "$MNT" || fail "$state: umount"
mount_pxefs
mount_is_right
umount_pxefs
! grep -q "$MNT" /proc/self/mountinfo || fail "a mount is left"
