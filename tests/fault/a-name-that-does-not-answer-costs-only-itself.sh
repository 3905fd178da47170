#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# A link among the builds or in static= that leads to a file server which is away, and a whole static= directory there, cost
# themselves: the directory they stand in is listed, other names in it are found, new builds come, a pxefs that starts meanwhile
# starts. Once the server is back, so are they. stallfs.c plays the server.
. "$PXEFS_TESTLIB"
need python3
_need_isolation "a mount"
[ -w /dev/fuse ] || skip "no /dev/fuse"
stallfs=$PXEFS_BUILD/tests/fault/stallfs
[ -x "$stallfs" ] || fail "$stallfs is not built"
far=$DIR/far control=$DIR/stall near=$BUILDS

mkdir "$DIR/real" "$far" "$DIR/real/layer"
BUILDS=$DIR/real
mkbuild 20240101T000000Z -s 1
BUILDS=$near
mkbuild 20240102T000000Z -s 1
echo far >"$DIR/real/file"
echo layer >"$DIR/real/layer/in-layer"
echo near >"$STATIC/near"
ln -s "$far/file" "$STATIC/linked"
ln -s "$far/platform-20240101T000000Z.tgz" "$BUILDS/"
ln -s near "$STATIC/good"
sql "INSERT INTO host (hostname) VALUES ('one'); INSERT INTO nic (mac, host) VALUES ('02-00-00-00-00-01', 1)"
setsid "$stallfs" "$DIR/real" "$control" "$far" &
storage=$!
wait_for 10 mountpoint -q "$far" || fail "stallfs does not mount"
at_exit 'umount -l "$far" 2>/dev/null'

start()         # MNT CACHE LOG STATIC-OPTIONS
{
        chown "$PXEFS_USER:" "$2"
        : >"$3"
        "$PXEFS" -f -o "inventory=$INVENTORY,cache=$2,$4,user=$PXEFS_USER,poll=1" "$BUILDS" "$1" 2>"$3" &
        wait_for 30 grep -q 'pxefs: ready$' "$3" || fail "it does not start: $(cat "$3")"
}
both_builds()   # MNT
{
        [ -e "$1/smartos/20240101T000000Z" ] && [ -e "$1/smartos/20240102T000000Z" ]
}
forget()
{
        echo 2 >/proc/sys/vm/drop_caches
}
quick()         # SECONDS COMMAND...
{
        _limit=$1 _begun=$(date +%s)
        shift
        timeout 60 "$@" || fail "$*: status $?: $(cat "$DIR/log")"
        _took=$(($(date +%s) - _begun))
        [ "$_took" -le "$_limit" ] || fail "$* took $_took s: $(cat "$DIR/log")"
}
near_is_right() # SECONDS
{
        forget
        quick "$1" ls "$MNT" >"$DIR/list"
        grep -qx near "$DIR/list" && grep -qx good "$DIR/list" || fail "the listing lacks what is near: $(cat "$DIR/list")"
        ! grep -qx linked "$DIR/list" || fail "a name that does not answer is listed"
        quick "$1" cat "$MNT/near" "$MNT/good" "$MNT/hosts/02-00-00-00-00-01/menu.ipxe" >/dev/null
        quick "$1" cat "$MNT/.pxefs/status.json" >"$DIR/status"
}
fails()         # NAME ERROR
{
        ! timeout 30 cat "$MNT/$1" 2>"$DIR/err" || fail "$1 is there"
        grep -q "$2" "$DIR/err" || fail "$1: $(cat "$DIR/err")"
}
at_exit _end_pxefs
at_exit 'rm -f "$control"' # first of all: nothing ends before

start "$MNT" "$CACHE" "$DIR/log" "static=$STATIC,static=$far/layer"
wait_for 20 both_builds "$MNT" || fail "the builds do not come: $(cat "$DIR/log")"
[ "$(cat "$MNT/linked" "$MNT/in-layer")" = "$(printf 'far\nlayer')" ] || fail "what is far is not there before anything happens"
worker=$(worker_pid)

: >"$control"
begun=$(date +%s)
near_is_right 8 # the first to ask wait until it is given up
near_is_right 2
fails linked 'Input/output error'
fails in-layer 'Input/output error\|Stale file handle'
told() { grep -q '"static_absent": 2,' "$MNT/.pxefs/status.json" && grep -q "$STATIC/linked: what it leads to does not answer" "$MNT/.pxefs/status.json"; }
wait_for 15 told || fail "not told: $(cat "$MNT/.pxefs/status.json")"
grep -q "$STATIC/linked is not shown: what it leads to does not answer" "$DIR/log" || fail "the log does not tell: $(cat "$DIR/log")"
[ -e "$MNT/smartos/20240101T000000Z" ] || fail "a build that is known goes because its link does not answer: $(cat "$DIR/log")"
mkbuild 20240103T000000Z -s 1
newer() { [ "$(readlink "$MNT/smartos/latest")" = 20240103T000000Z ]; }
wait_for 15 newer || fail "a new build does not come during the stall: $(cat "$DIR/log")"

# One that starts meanwhile; of what it never read it says that it waits.
mkdir "$DIR/second" "$DIR/cache2"
at_exit 'umount -l "$DIR/second" 2>/dev/null'
start "$DIR/second" "$DIR/cache2" "$DIR/log2" "static=$STATIC"
wait_for 15 test -e "$DIR/second/smartos/20240103T000000Z" || fail "a start during the stall: $(cat "$DIR/log2")"
quick 8 ls "$DIR/second" >"$DIR/list"
grep -qx near "$DIR/list" || fail "a start during the stall lists $(cat "$DIR/list")"
waits() { grep -q '"platform-20240101T000000Z.tgz".*"state": "waiting".*does not answer' "$DIR/second/.pxefs/status.json"; }
wait_for 10 waits || fail "not told that it waits: $(cat "$DIR/second/.pxefs/status.json")"

# Longer than anything that would end a worker for it.
while [ $(($(date +%s) - begun)) -lt 27 ]; do
        near_is_right 2
done
[ "$(worker_pid)" = "$worker" ] || fail "another worker serves: $(cat "$DIR/log")"

rm "$control"
back() { [ "$(cat "$MNT/linked" "$MNT/in-layer")" = "$(printf 'far\nlayer')" ] && grep -q '"healthy": true' "$MNT/.pxefs/status.json"; }
wait_for 20 back || fail "what answers again is not there: $(cat "$MNT/.pxefs/status.json")"
grep -q "$STATIC/linked is shown again, or gone" "$DIR/log" || fail "its end is not told: $(cat "$DIR/log")"
# Where its links lead to could not be found out when that one made its sandbox.
outside() { both_builds "$DIR/second" || grep -q '"platform-20240101T000000Z.tgz".*links_to=' "$DIR/second/.pxefs/status.json"; }
wait_for 20 outside || fail "what answers now is neither there nor told: $(cat "$DIR/log2")"
[ "$(worker_pid)" = "$worker" ] || fail "another worker serves afterwards: $(cat "$DIR/log")"
umount "$DIR/second"
umount_pxefs
umount "$far"
wait "$storage" || :
