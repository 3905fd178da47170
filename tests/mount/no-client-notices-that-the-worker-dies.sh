#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# Eight cold downloads by TFTP and HTTP go on while the worker is killed every 100 ms, asked to end every 100 ms, or replaced
# by a new program: every digest is right, no single read of a ninth reader takes long. Without replay the same fails.
#
# PXEFS_SLOW_MS is what one read may take beside what this machine makes of it anyway: 250 is what it should be where nothing
# else runs. By default only what a client would notice fails: cold readers on two busy processors have to share them.
# PXEFS_KILL_CLOCK=1 kills each 100 ms of the clock, not of a worker's service. PXEFS_KILL_MIB=48 makes it last. PXEFS_KILL_MS=1500
# is for a worker that a sanitizer slows down.
. "$PXEFS_TESTLIB"
need curl python3
unset MALLOC_PERTURB_ # meson's: it fills each chunk, and what is measured here is how long that takes
slow_ms=${PXEFS_SLOW_MS:-5000}
mkdir "$DIR/bin"
cp "$PXEFS" "$(dirname "$PXEFS")/pxefs-worker" "$DIR/bin"
PXEFS=$DIR/bin/pxefs
export WORKER="$DIR/bin/pxefs-worker"
sql "INSERT INTO host (hostname) VALUES ('db1'); INSERT INTO nic (mac, host) SELECT '02:08:20:00:00:01', id FROM host"
file=platform/i86pc/amd64/boot_archive
n=0
while [ $n -lt 9 ]; do
        n=$((n + 1))
        mkbuild 2024010${n}T000000Z -s "${PXEFS_KILL_MIB:-6}"
        member i86pc/amd64/boot_archive | digest >"$DIR/want.$n"
done

# client N tftp|http: fetches build N. TFTP not by curl: it takes a second child of in.tftpd for the first (tests/lib/tftp.py).
client()
{
        : >"$DIR/file.$1"
        path=smartos/2024010${1}T000000Z/$file
        case $2 in
        tftp) timeout 150 python3 "$PXEFS_SRC/tests/lib/tftp.py" 127.0.0.1 "$path" "$DIR/file.$1" ;;
        http) timeout 150 curl -sS --fail -o "$DIR/file.$1" "$HTTP/$path" ;;
        esac || echo "client $1: exit status $? after $(stat -c %s "$DIR/file.$1") bytes" >&2
        digest "$DIR/file.$1" >"$DIR/got.$1"
}

# round SIGNAL: everything once, from a cold mount. Fails if a client got anything else than the file.
round()
{
        rm -f "$DIR"/got.* "$DIR"/stop*
        keeper=$(keeper_pid)
        python3 "$PXEFS_SRC/tests/lib/prober.py" "$DIR/stop" "$MNT/smartos/20240109T000000Z/$file" \
                "$MNT/hosts/02-08-20-00-00-01/menu.ipxe" >"$DIR/prober" 2>"$DIR/prober.err" &
        prober=$!
        python3 "$PXEFS_SRC/tests/lib/chaos.py" "$keeper" "$1" "${PXEFS_KILL_MS:-100}" "$DIR/stop" >"$DIR/chaos" &
        chaos=$!
        wait_for 20 test -e "$DIR/stop.begun" || fail "nothing was sent"
        clients=
        for i in 1 2 3 4; do
                client "$i" tftp &
                clients="$clients $!"
        done
        for i in 5 6 7 8; do
                client "$i" http &
                clients="$clients $!"
        done
        wait $clients
        touch "$DIR/stop"
        wait "$chaos"
        wait "$prober" || { cat "$DIR/prober.err" >&2; return 1; }
        for i in 1 2 3 4 5 6 7 8; do
                cmp -s "$DIR/want.$i" "$DIR/got.$i" || { echo "download $i is not the file" >&2; return 1; }
        done
        [ "$(keeper_pid)" = "$keeper" ] || { echo "another keeper" >&2; return 1; }
        read -r reads slowest median <"$DIR/prober"
        echo "$1: $(cat "$DIR/chaos") times; $reads reads, slowest $slowest ms, median $median ms"
}

fresh()
{
        mount_pxefs
        start_tftpd "$MNT"
        start_nginx "$MNT"
}

ended()
{
        stop_group "$TFTPD_PID"
        stop_group "$NGINX_PID"
        umount_pxefs
}

# What this machine makes of a read without any of it (SIGCONT does nothing), so that a busy one does not fail.
fresh
round SIGCONT || fail "nothing was killed, and it failed"
slow_ms=$(awk -v max="$slow_ms" '{ print max + 2 * $2 }' "$DIR/prober")
ended

for signal in SIGKILL SIGTERM UPGRADE; do
        fresh
        round $signal || fail "$signal"
        [ "$(cat "$DIR/chaos")" -ge 5 ] || fail "$signal was sent $(cat "$DIR/chaos") times only"
        awk -v max="$slow_ms" '{ exit !($2 < max) }' "$DIR/prober" || fail "$signal: the slowest read took longer than $slow_ms ms"
        ended
done
