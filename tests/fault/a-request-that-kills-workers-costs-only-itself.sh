#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# A request that names no archive and kills each worker that executes it: two, then it is answered EIO. Whoever reads something
# else notices nothing, no archive is blamed, and the mount stays, also when clients ask again and again, and many at once.
#
# The file is poisonous by a library that is preloaded (poisonread.c) and by its sticky bit.
. "$PXEFS_TESTLIB"
need python3 curl
shim=$PXEFS_BUILD/tests/fault/poisonread.so
[ -e "$shim" ] || skip "$shim is not built"
mkbuild 20240101T000000Z -s 4
file=smartos/20240101T000000Z/platform/i86pc/amd64/boot_archive
want=$(member i86pc/amd64/boot_archive | digest)
sql "INSERT INTO host (hostname) VALUES ('db1'); INSERT INTO nic (mac, host) SELECT '02:08:20:00:00:01', id FROM host"
echo poison >"$STATIC/poison.kpxe"
echo harmless >"$STATIC/undionly.kpxe"
status=$MNT/.pxefs/status.json
number() { sed -n "s/.*\"$1\": \\([0-9]*\\),.*/\\1/p" "$status"; }
deaths_are() { [ "$(number restarts)" = "$1" ]; }
poisoned_are() { [ "$(number poisoned_requests)" = "$1" ]; }

LD_PRELOAD=$shim
export LD_PRELOAD
mount_pxefs
unset LD_PRELOAD
keeper=$(keeper_pid)
start_tftpd "$MNT"
start_nginx "$MNT"
[ "$(cat "$MNT/poison.kpxe")" = poison ] || fail "without its bit it is no ordinary file"
deaths_are 0 || fail "$(number restarts) workers died of nothing"
was=$(stat -c %i "$MNT/poison.kpxe")
chmod +t "$STATIC/poison.kpxe"
touch -d '1 hour ago' "$STATIC/poison.kpxe" # another identity: another node, and nothing of it in the page cache
is_another() { [ "$(stat -c %i "$MNT/poison.kpxe")" != "$was" ]; }
wait_for 10 is_another || fail "a file that was changed keeps its node"

# Everything else, cold, all the while: $DIR/others has a line for each failure.
read_others()
{
        : >"$DIR/others"
        while [ ! -e "$DIR/stop" ]; do
                dd if="$MNT/$file" iflag=nocache count=0 of=/dev/null 2>/dev/null || echo open >>"$DIR/others"
                [ "$(digest "$MNT/$file")" = "$want" ] || echo build >>"$DIR/others"
                [ "$(cat "$MNT/undionly.kpxe")" = harmless ] || echo static >>"$DIR/others"
                grep -q 'set name db1\|db1' "$MNT/hosts/02-08-20-00-00-01/menu.ipxe" || echo menu >>"$DIR/others"
                echo x >>"$DIR/rounds"
        done
}
read_others 2>"$DIR/others.err" &
others=$!
at_exit 'touch "$DIR/stop"; wait $others'
wait_for 10 test -s "$DIR/rounds"

more_rounds()
{
        : >"$DIR/rounds"
        wait_for 30 test -s "$DIR/rounds" && [ ! -s "$DIR/others" ] || fail "$what: others: $(head -n 20 "$DIR/others" "$DIR/others.err")"
        [ "$(keeper_pid)" = "$keeper" ] || fail "$what: the mount did not stay"
}

# One read(2) is one request of the kernel, and one more when that failed (Linux mm/filemap.c: what was not read ahead is
# read by itself).
what="one reader"
got=0
begun=$(date +%s)
timeout 30 cat "$MNT/poison.kpxe" >/dev/null 2>"$DIR/out" || got=$?
[ $got -eq 1 ] && grep -q 'Input/output error' "$DIR/out" || fail "$what: status $got, $(cat "$DIR/out")"
[ $(($(date +%s) - begun)) -lt 15 ] || fail "$what: it waited $(($(date +%s) - begun)) s"
requests=$(number poisoned_requests)
[ "$requests" -ge 1 ] && [ "$requests" -le 2 ] || fail "$what: $requests requests were answered with an error"
wait_for 10 deaths_are $((2 * requests)) || fail "$what: $(number restarts) workers died of $requests requests"
more_rounds
grep -q '"state": "ready"' "$status" && ! grep -q '"state": "refused"' "$status" || fail "$what: an archive was blamed: $(cat "$status")"

# By the servers: their clients are told.
what="in.tftpd and nginx"
! tftp_get poison.kpxe "$DIR/got" 2>/dev/null || fail "$what: TFTP: $(cat "$DIR/got")"
! http_get poison.kpxe "$DIR/got" 2>/dev/null || fail "$what: HTTP: $(cat "$DIR/got")"
more_rounds

# A machine in a loop, and a rack of them.
what="many readers at once"
n=0 readers=''
while [ $n -lt 12 ]; do
        n=$((n + 1))
        { _got=0; timeout 60 cat "$MNT/poison.kpxe" >/dev/null 2>&1 || _got=$?; echo "$_got" >"$DIR/reader.$n"; } &
        readers="$readers $!"
done
wait $readers
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
        [ "$(cat "$DIR/reader.$i")" = 1 ] || fail "$what: reader $i ended with $(cat "$DIR/reader.$i")"
done
more_rounds

# Mended, it is a file as any other.
what="mended"
chmod -t "$STATIC/poison.kpxe"
touch "$STATIC/poison.kpxe"
wait_for 10 grep -q poison "$MNT/poison.kpxe" || fail "$what: not served"
before=$(number restarts)
touch "$DIR/stop"
wait $others
[ ! -s "$DIR/others" ] || fail "others: $(cat "$DIR/others" "$DIR/others.err")"
deaths_are "$before" || fail "$what: a worker died"
"$PXECTL" status "$MNT" >"$DIR/out" || :
grep -q 'poison\|request' "$DIR/out" || fail "pxectl status says nothing of it: $(cat "$DIR/out")"
echo "$before workers died of $(number poisoned_requests) requests"
