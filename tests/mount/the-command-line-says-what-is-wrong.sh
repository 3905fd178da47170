#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# Clumsy calls are refused with one line that names the object and the way out; nothing is left mounted.
. "$PXEFS_TESTLIB"
_need_isolation "a mount"
[ -w /dev/fuse ] || skip "no /dev/fuse"
mkbuild 20240101T000000Z -s 1
chown nobody: "$CACHE"
make_inventory
ok="inventory=$INVENTORY,cache=$CACHE,user=nobody"

refused()       # STATUS WORDS ARGUMENT...
{
        want=$1 words=$2 got=0
        shift 2
        timeout 20 "$PXEFS" "$@" >"$DIR/out" 2>"$DIR/err" || got=$?
        [ "$got" -eq "$want" ] || fail "pxefs $*: status $got, not $want: $(cat "$DIR/err")"
        [ "$(wc -l <"$DIR/err")" -eq 1 ] || fail "pxefs $*: not one line: $(cat "$DIR/err")"
        grep -q -- "$words" "$DIR/err" || fail "pxefs $*: '$words' is not in: $(cat "$DIR/err")"
        ! grep -q "$DIR.*fuse.pxefs" /proc/self/mountinfo || fail "pxefs $*: left a mount"
        [ -z "$(pxefs_pids)" ] || fail "pxefs $*: left a process"
}
refused 2 'BUILDS_DIR and MOUNTPOINT are wanted'
refused 2 'BUILDS_DIR and MOUNTPOINT are wanted' "$BUILDS"
refused 2 'too many arguments' "$BUILDS" "$MNT" more
refused 2 'no such option' -o nosuchthing "$BUILDS" "$MNT"
refused 2 '^pxefs: -x: there is no such option' -xf "$BUILDS" "$MNT"
refused 2 'no such option' -o subtypefoo "$BUILDS" "$MNT"
refused 2 'spool_max=K: a number of bytes' -o spool_max=K "$BUILDS" "$MNT"
refused 2 'read-only' -o rw "$BUILDS" "$MNT"
refused 2 'inventory wants a value' -o inventory= "$BUILDS" "$MNT"
refused 2 'number' -o uid=root "$BUILDS" "$MNT"
refused 2 'bytes' -o spool_max=many "$BUILDS" "$MNT"
refused 1 "builds directory $DIR/nowhere does not exist" -o "$ok" "$DIR/nowhere" "$MNT"
refused 1 "builds directory .*: mkdir -p $DIR/nowhere, if that is the name" -o "$ok" "$DIR/nowhere" "$MNT"
refused 1 "mkdir -p $DIR/nowhere" -o "$ok" "$BUILDS" "$DIR/nowhere"
refused 1 "mkdir -p $DIR/no/such, then chown nobody" -o "inventory=$INVENTORY,cache=$DIR/no/such,user=nobody" "$BUILDS" "$MNT"
refused 1 'not a directory' -o "$ok" "$BUILDS" "$TGZ"
refused 1 'inside the builds directory' -o "$ok" "$BUILDS" "$BUILDS"
mkdir "$BUILDS/mnt"
refused 1 'inside the builds directory' -o "$ok" "$BUILDS" "$BUILDS/mnt"
rmdir "$BUILDS/mnt"
refused 1 'would be hidden' -o "inventory=$INVENTORY,cache=$CACHE" "$BUILDS" "$DIR"
refused 1 'no-such-user' -o "inventory=$INVENTORY,cache=$CACHE,user=no-such-user" "$BUILDS" "$MNT"
refused 1 'must not be root' -o "inventory=$INVENTORY,cache=$CACHE,user=root" "$BUILDS" "$MNT"
refused 1 'inside the static directory' -o "$ok,static=$DIR" "$BUILDS" "$MNT"
refused 1 "pxectl -i $DIR/no.db init" -o "inventory=$DIR/no.db,cache=$CACHE" "$BUILDS" "$MNT"
refused 1 "static directory $DIR/nostatic does not exist" -o "$ok,static=$DIR/nostatic" "$BUILDS" "$MNT"
echo 'not a database, and long enough to be looked at as one ...........................................' >"$DIR/bad.db"
refused 1 "$DIR/bad.db" -o "inventory=$DIR/bad.db,cache=$CACHE,user=nobody" "$BUILDS" "$MNT"
mkdir -m 700 "$DIR/private"
refused 1 'may not read' -o "$ok" "$DIR/private" "$MNT"

# Who is not root is told so, whatever stops him first.
if command -v setpriv >/dev/null; then
        mkdir -m 777 "$DIR/nobodys"
        for cache in "$DIR/nobodys/cache" "$DIR/roots-cache"; do
                got=0
                setpriv --reuid nobody --clear-groups "$PXEFS" -o "inventory=$INVENTORY,cache=$cache,user=nobody" "$BUILDS" "$MNT" 2>"$DIR/err" || got=$?
                [ $got -eq 1 ] && [ "$(wc -l <"$DIR/err")" -eq 1 ] && grep -q 'root' "$DIR/err" || fail "not root: status $got, $(cat "$DIR/err")"
        done
        got=0
        chmod 750 "$DIR/inventory"
        setpriv --reuid 65533 --clear-groups "$PXECTL" -i "$INVENTORY" host list >"$DIR/out" 2>"$DIR/err" || got=$?
        chmod 755 "$DIR/inventory"
        [ $got -eq 1 ] && grep -q "^pxectl: inventory $INVENTORY: Permission denied: ask as root" "$DIR/err" || fail "pxectl, not root: $(cat "$DIR/err")"
fi

# A cache that cannot be written is said aloud, and is no reason to serve nothing: what was known from before goes on.
mkdir -m 755 "$DIR/rootcache"
"$PXEFS" -o "wait,inventory=$INVENTORY,cache=$DIR/rootcache,user=nobody" "$BUILDS" "$MNT" 2>"$DIR/err" || fail "$(cat "$DIR/err")"
at_exit _end_pxefs
grep -q 'cannot be written by user id 65534 (chown it' "$DIR/err" || fail "unwritable cache: $(cat "$DIR/err")"
[ -e "$MNT/menu.ipxe" ] || fail "nothing is served with an unwritable cache"
! "$PXECTL" status "$MNT" >"$DIR/out" || fail "unwritable cache: pxectl status says that all is well: $(cat "$DIR/out")"
grep -q 'the cache directory cannot be written' "$DIR/out" || fail "unwritable cache: pxectl status: $(cat "$DIR/out")"
umount_pxefs

"$PXEFS" --help >"$DIR/help" 2>"$DIR/err"
[ ! -s "$DIR/err" ] && [ "$(awk '{ if (length($0) > m) m = length($0) } END { print m }' "$DIR/help")" -le 80 ] || fail "--help"
"$PXEFS" --version | grep -q '^pxefs [0-9]' || fail "--version"

# A row may name a build that is not there yet: it is taken, and said.
mount_pxefs
ctl() { "$PXECTL" -i "$INVENTORY" -c "$CACHE" "$@" 2>"$DIR/err" || fail "pxectl $*: $(cat "$DIR/err")"; }
ctl host add db1 --mac 020820000001 --build 20240101T000000Z
[ ! -s "$DIR/err" ] || fail "a build that is served: $(cat "$DIR/err")"
noted()
{
        ctl "$@"
        [ "$(wc -l <"$DIR/err")" -eq 1 ] && grep -q '^pxectl: note: build 20230101T000000Z is not served' "$DIR/err" || fail "pxectl $*: $(cat "$DIR/err")"
}
noted host build db1 20230101T000000Z
noted host add db2 --mac 020820000002 --build 20230101T000000Z
noted channel set stable 20230101T000000Z
noted channel set stable 20240101T000000Z --canary 20230101T000000Z --percent 10
ctl host build db1 latest
[ ! -s "$DIR/err" ] || fail "latest: $(cat "$DIR/err")"
umount_pxefs

# A second daemon on the same mount point, and one on the same cache, are refused; the first goes on.
mount_pxefs -o wait
mkdir "$DIR/mnt2"
second()
{
        got=0
        timeout 20 "$PXEFS" "$@" 2>"$DIR/err" || got=$?
        [ "$got" -eq 1 ] || fail "a second daemon: status $got"
        cat "$DIR/err"
        [ -e "$MNT/smartos/20240101T000000Z/platform" ] || fail "the first daemon is gone"
}
second -o "$ok" "$BUILDS" "$MNT"
grep -q 'mounted there already' "$DIR/err" || fail "$(cat "$DIR/err")"
second -o "$ok" "$BUILDS" "$DIR/mnt2"
grep -q "$CACHE" "$DIR/err" || fail "$(cat "$DIR/err")"

# Killed without warning, it leaves a dead mount; the next start takes its place.
pxefs_pids | while read -r pid; do kill -KILL "$pid"; done
wait_for 5 _no_pxefs
mount_pxefs -o wait
[ -e "$MNT/smartos/20240101T000000Z/platform" ] || fail "no build after a dead mount was replaced"
# SIGTERM ends it in order.
kill -TERM "$(pxefs_pids | sort -n | head -n 1)"
wait_for 10 _no_pxefs || fail "SIGTERM did not end it"
! grep -q "$DIR.*fuse.pxefs" /proc/self/mountinfo || fail "SIGTERM left the mount"
