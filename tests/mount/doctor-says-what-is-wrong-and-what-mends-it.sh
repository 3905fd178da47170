#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# pxectl doctor finds nothing to mend where all is well, and finds each fault that is made: with one line, the way out, and exit
# status 3. A mount that does not answer does not make it hang.
. "$PXEFS_TESTLIB"
need python3
mkbuild 20240101T000000Z -s 1
doctor()        # STATUS ARGUMENT...
{
        want=$1 got=0
        shift
        timeout 60 "$PXECTL" "$@" >"$DIR/out" 2>"$DIR/err" || got=$?
        [ "$got" -eq "$want" ] || fail "pxectl $*: status $got, not $want: $(cat "$DIR/out" "$DIR/err")"
        [ ! -s "$DIR/err" ] || fail "pxectl $*: $(cat "$DIR/err")"
}
finds()         # LEVEL WORDS
{
        grep -q "^$1  *.*$2" "$DIR/out" || fail "no '$1 ... $2' in: $(cat "$DIR/out")"
        [ "$1" = ok ] || grep -A1 "^$1  *.*$2" "$DIR/out" | grep -q '^      -> ' || fail "nothing mends: $2"
}

# Not mounted: said, and the rest is looked at all the same.
doctor 3 -i "$INVENTORY" -c "$CACHE" doctor "$MNT"
finds FAIL "no pxefs is mounted on $MNT"
finds FAIL "inventory $INVENTORY is not there"

# All well, but for a link to it, which the daemon and pxectl refuse.
make_inventory
ln -s "$INVENTORY" "$DIR/cur.db"
doctor 3 -i "$DIR/cur.db" -c "$CACHE" doctor "$MNT"
finds FAIL "inventory $DIR/cur.db is a symbolic link"
chmod 0750 "$DIR/inventory"
mount_pxefs
start_tftpd "$MNT"
start_nginx "$MNT"
doctor 0 doctor "$MNT"
cat "$DIR/out"
for words in 'mounted on .*, and it answers' 'every user may read it' 'parses archives as user nobody, without capabilities' \
        'in.tftpd (process [0-9]*, user tftp) sees and can read the mount' \
        'nginx (process [0-9]*, user www-data) sees and can read the mount' \
        "inventory $INVENTORY is whole: schema 2" "cache directory $CACHE: " "builds directory $BUILDS can be read by nobody"; do
        finds ok "$words"
done
! grep -q '^FAIL' "$DIR/out" || fail "$(cat "$DIR/out")"
doctor 0 doctor "$MNT/"
(cd "$DIR" && doctor 0 doctor tftpboot) || fail "a relative path"
doctor 0 --json doctor "$MNT"
python3 - "$DIR/out" <<'END' || fail "--json: $(cat "$DIR/out")"
import json, sys
d = json.load(open(sys.argv[1]))
assert d["failed"] == 0 and len(d["findings"]) > 12, d
assert all(f["level"] in ("ok", "warn") and (f["mend"] or f["level"] == "ok") for f in d["findings"])
assert {f["check"]: f["level"] for f in d["findings"]}["rights"] == "ok"
END

# Faults, one at a time.
chmod 0755 "$DIR/inventory"
doctor 0 doctor "$MNT"
finds warn 'every local user may read the password hashes'
doctor 3 doctor --strict "$MNT"
chmod 0750 "$DIR/inventory"
chown root "$INVENTORY"
doctor 0 doctor "$MNT"
finds warn 'it does not belong to nobody'
grep -q "chown nobody: $DIR/inventory $INVENTORY\*" "$DIR/out" || fail "$(cat "$DIR/out")"
chown nobody "$INVENTORY"
chown root "$CACHE"
doctor 3 doctor "$MNT"
finds FAIL "cache directory $CACHE does not belong to nobody"
chown nobody "$CACHE"
chmod 0700 "$BUILDS"
chown root "$BUILDS"
doctor 3 doctor "$MNT"
finds FAIL "builds directory $BUILDS: user nobody: Permission denied"
chmod 0755 "$BUILDS"
chmod 0700 "$DIR"
doctor 3 doctor "$MNT"
finds FAIL 'nginx (process [0-9]*, user www-data) cannot read the mount: Permission denied'
chmod 0755 "$DIR"
sqlite3 "$INVENTORY" 'PRAGMA user_version = 99'
doctor 3 doctor "$MNT"
finds FAIL "has schema 99, and this pxefs knows 2"
sqlite3 "$INVENTORY" 'PRAGMA user_version = 2'

# A server that was started in a mount namespace of its own before the mount.
stop_group "$NGINX_PID"
stop_group "$TFTPD_PID"
umount_pxefs
unshare --mount --propagation private setsid /usr/sbin/nginx -e "$DIR/nginx-error.log" -p "$DIR/nginx" -c "$DIR/nginx.conf" &
early=$!
at_exit "stop_group $early"
wait_for 10 listening tcp 80
mount_pxefs
doctor 3 doctor "$MNT"
finds FAIL 'nginx (process [0-9]*) does not see the mount: its unit has a mount namespace from before'
grep -q 'RequiresMountsFor=' "$DIR/out" || fail "no drop-in is named"
kill "$early" 2>/dev/null || :
wait_for 10 sh -c '! pgrep -x nginx' || fail "nginx does not end"

# A daemon that does not answer: stopped, not dead.
pids="$(keeper_pid) $(worker_pid)" # in this order: the keeper would replace a worker that stands still
# shellcheck disable=SC2064,SC2086
at_exit "kill -CONT $(echo $pids) 2>/dev/null"
# shellcheck disable=SC2086
kill -STOP $pids
doctor 3 doctor "$MNT"
finds FAIL "the mount on $MNT does not answer"
# shellcheck disable=SC2086
kill -CONT $pids
doctor 0 doctor "$MNT"
# And one that is dead.
# shellcheck disable=SC2086
kill -KILL "$(keeper_pid)"
wait_for 5 _no_pxefs
doctor 3 -i "$INVENTORY" -c "$CACHE" doctor "$MNT"
finds FAIL 'is dead: its pxefs is gone'
umount -l "$MNT"

code=0
"$PXECTL" doctor --nonsense 2>/dev/null || code=$?
[ "$code" -eq 2 ] || fail "usage: $code"
"$PXECTL" doctor --help | awk 'length($0) > 80 { exit 1 }' || fail "--help is wider than 80 columns"
