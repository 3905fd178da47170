#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# pxectl upgrade: a worker that reads the journal in another way is refused with the reason, and one that is good takes over;
# readers notice neither. It signals nobody but the keeper of that mount.
. "$PXEFS_TESTLIB"
need curl python3
mkbuild 20240101T000000Z -s 12
mkdir "$DIR/bin"
cp "$PXEFS" "$(dirname "$PXEFS")/pxefs-worker" "$DIR/bin"
PXEFS=$DIR/bin/pxefs worker=$DIR/bin/pxefs-worker
file=smartos/20240101T000000Z/platform/i86pc/amd64/boot_archive
want=$(member i86pc/amd64/boot_archive | digest)
sql "INSERT INTO host (hostname) VALUES ('db1'); INSERT INTO nic (mac, host) SELECT '02:08:20:00:00:01', id FROM host"

# refused WANTED_STATUS WORDS ARGUMENT...
refused()
{
        _want=$1 _words=$2 _got=0
        shift 2
        timeout 30 "$PXECTL" upgrade "$@" >"$DIR/out" 2>&1 || _got=$?
        [ "$_got" -eq "$_want" ] || fail "upgrade $*: exit status $_got: $(cat "$DIR/out")"
        grep -q "$_words" "$DIR/out" || fail "upgrade $*: $(cat "$DIR/out")"
}

# put PROGRAM: it stands at the worker's path now.
put()
{
        cp "$1" "$worker.new"
        mv "$worker.new" "$worker"
}

refused 2 'wants one mount point'
refused 2 'wants one mount point' "$MNT" "$MNT"
refused 2 'wants one mount point' --now
refused 1 'no pxefs is mounted' "$MNT"
refused 1 'no pxefs is mounted' "$DIR/not/there"

mount_pxefs
keeper=$(keeper_pid) first=$(worker_pid)
start_nginx "$MNT"
python3 "$PXEFS_SRC/tests/lib/prober.py" "$DIR/stop" "$MNT/$file" "$MNT/hosts/02-08-20-00-00-01/menu.ipxe" \
        >"$DIR/prober" 2>"$DIR/prober.err" &
prober=$!
curl -sS --fail --limit-rate 500k -o "$DIR/slow" "$HTTP/$file" &
slow=$!

cp "$worker" "$DIR/good"
put "$PXEFS_BUILD/tests/mount/pxefs-worker-other"
refused 1 'upgrade refused, the old worker goes on: its journal has version 999' "$MNT"
grep -q '"upgrades": 0, "upgrades_refused": 1, "upgrade_refused": "its journal has version 999' "$MNT/.pxefs/status.json" ||
        fail "status.json: $(grep upgrade "$MNT/.pxefs/status.json")"
"$PXECTL" status "$MNT" >/dev/null || fail "a refused upgrade is no trouble of the mount"
printf 'no program' >"$DIR/none"
chmod 755 "$DIR/none"
put "$DIR/none"
refused 1 'upgrade refused' "$MNT"
rm "$worker"
refused 1 'No such file' "$MNT"
[ "$(worker_pid)" = "$first" ] || fail "a refusal cost the worker"
kill -0 "$slow" || fail "the slow download ended too early to tell anything"
put "$DIR/good"
(cd "$DIR" && "$PXECTL" upgrade tftpboot/) >"$DIR/out" 2>&1 || fail "the good one: $(cat "$DIR/out")"
grep -qx "upgraded: worker $(worker_pid) serves" "$DIR/out" || fail "it says: $(cat "$DIR/out")"
[ "$(worker_pid)" != "$first" ] || fail "the same worker serves"
[ "$(keeper_pid)" = "$keeper" ] || fail "another keeper"
grep -q '"restarts": 0, "restarts_last_hour": 0, "upgrades": 1, "upgrades_refused": 3, "upgrade_refused": null' \
        "$MNT/.pxefs/status.json" || fail "status.json: $(grep upgrade "$MNT/.pxefs/status.json")"
for n in 1 2 3; do
        put "$DIR/good"
        "$PXECTL" upgrade "$MNT" >"$DIR/out" 2>&1 || fail "upgrade $n under load: $(cat "$DIR/out")"
done
wait "$slow" || fail "the slow download failed"
[ "$(digest "$DIR/slow")" = "$want" ] || fail "the slow download is not the file"
touch "$DIR/stop"
wait "$prober" || fail "$(cat "$DIR/prober.err")"

# Without rights, and from another process namespace, where the number is nobody's or somebody else's.
got=0
setpriv --reuid nobody --clear-groups "$PXECTL" upgrade "$MNT" >"$DIR/out" 2>&1 || got=$?
[ "$got" -eq 1 ] && grep -q 'become root' "$DIR/out" || fail "as nobody: $got: $(cat "$DIR/out")"
got=0
unshare --pid --fork --mount --mount-proc "$PXECTL" upgrade "$MNT" >"$DIR/out" 2>&1 || got=$?
[ "$got" -eq 1 ] && grep -q 'another process namespace' "$DIR/out" || fail "from another namespace: $got: $(cat "$DIR/out")"

# A mount that hangs costs seconds, and one that is dead says so.
kill -STOP "$keeper" "$(worker_pid)"
refused 1 'does not answer within' "$MNT"
kill -CONT "$keeper" $(pgrep -P "$keeper") || : # one that stood by may just have been replaced
wait_for 30 cat "$MNT/.pxefs/status.json"
kill -KILL "$keeper" $(pgrep -P "$keeper") || : # children go with the keeper by themselves
refused 1 'the mount is dead' "$MNT"
umount -l "$MNT"
