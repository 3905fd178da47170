#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# The builds directory becomes unreadable, is moved away, is covered by another mount, has no inotify, or more happens in it than
# the kernel tells: what is known is served on, status.json and the log say what is wrong, and what comes is found all the same.
#
# No inotify: inotify's instances are counted by user, so the test uses up those of a user nobody else uses.
. "$PXEFS_TESTLIB"
need python3
PXEFS_USER=games
id "$PXEFS_USER" >/dev/null 2>&1 || skip "no user $PXEFS_USER"
mkbuild 20240101T000000Z -s 1
file=platform/i86pc/amd64/boot_archive
want=$(member i86pc/amd64/boot_archive | digest)
start()         # OPTIONS: in the foreground, so that the log can be read
{
        [ -e "$INVENTORY" ] || make_inventory
        chown "$PXEFS_USER:" "$CACHE"
        : >"$DIR/log"
        "$PXEFS" -f -o "inventory=$INVENTORY,cache=$CACHE,user=$PXEFS_USER,wait,$1" "$BUILDS" "$MNT" 2>"$DIR/log" &
        wait_for 20 grep -q 'pxefs: ready$' "$DIR/log" || fail "it does not start: $(cat "$DIR/log")"
}
_need_isolation "a mount"
[ -w /dev/fuse ] || skip "no /dev/fuse"
at_exit _end_pxefs
is_read() { [ "$(digest "$MNT/smartos/20240101T000000Z/$file")" = "$want" ]; }
is_in_menu() { grep -q 20240101T000000Z "$MNT/hosts/02-00-00-00-00-01/menu.ipxe"; }
good()
{
        is_read || fail "$1: the build that is known"
        is_in_menu || fail "$1: the build is in no menu"
}
status_says()
{
        python3 -c 'import json, sys; print(json.load(open(sys.argv[1])))' "$MNT/.pxefs/status.json" | grep -q -- "$1"
}
there()
{
        [ "$(digest "$MNT/smartos/$1/$file" 2>/dev/null)" = "$(tar -xOf "$2" "platform-$1/i86pc/amd64/boot_archive" | digest)" ]
}

# 1. Not readable for a while.
start poll=1
chmod 0 "$BUILDS"
wait_for 8 grep -q 'builds directory .*Permission denied' "$DIR/log" || fail "unreadable: the log says $(cat "$DIR/log")"
good unreadable
wait_for 5 status_says 'Permission denied' || fail "unreadable: status.json does not say so: $(cat "$MNT/.pxefs/status.json")"
chmod 0755 "$BUILDS"
wait_for 8 grep -q 'can be read again' "$DIR/log" || fail "readable again: the log says $(cat "$DIR/log")"
unsaid() { ! status_says 'Permission denied'; }
wait_for 5 unsaid || fail "status.json says it for ever"

# 2. Moved away, and back.
mv "$BUILDS" "$DIR/away"
good "moved away"
mkdir "$DIR/elsewhere"
"$PXEFS_SRC/tests/lib/mkplatform" -s 1 20240102T000000Z "$DIR/away"
wait_for 10 there 20240102T000000Z "$DIR/away/platform-20240102T000000Z.tgz" || fail "moved away: a new build is not found"
mv "$DIR/away" "$BUILDS"
good "back again"

# 3. Another filesystem is mounted over it, and taken away: told, what is there now is what counts, and no restart is needed.
mount -t tmpfs none "$BUILDS"
at_exit 'umount "$BUILDS" 2>/dev/null'
wait_for 10 grep -q "$BUILDS: it was replaced" "$DIR/log" || fail "covered: the log says $(cat "$DIR/log")"
umount -l "$BUILDS" # the next worker may have it open already
wait_for 20 there 20240101T000000Z "$TGZ" || fail "uncovered: the build does not come back: $(cat "$DIR/log")"
wait_for 5 is_read || fail "uncovered: the build is not read"
wait_for 5 is_in_menu || fail "uncovered: the build is in no menu"
"$PXEFS_SRC/tests/lib/mkplatform" -s 1 20240103T000000Z "$BUILDS"
wait_for 10 there 20240103T000000Z "$BUILDS/platform-20240103T000000Z.tgz" || fail "uncovered: a new build is not found"

# 4. More events than the kernel keeps (max_queued_events), beside a build that comes.
python3 - "$BUILDS" <<'END'
import os, sys
n = int(open("/proc/sys/fs/inotify/max_queued_events").read())
a, b = (sys.argv[1] + "/" + x for x in ("flood-a", "flood-b"))
open(a, "w").close()
for i in range(min(n, 40000)): # two events each
    os.rename(a, b)
    a, b = b, a
os.unlink(a)
END
"$PXEFS_SRC/tests/lib/mkplatform" -s 1 20240104T000000Z "$BUILDS"
wait_for 15 there 20240104T000000Z "$BUILDS/platform-20240104T000000Z.tgz" || fail "after a flood of events a new build is not found"
umount "$MNT"
wait_for 10 _no_pxefs || fail "it does not end"

# 5. No inotify at all.
cat >"$DIR/hog.py" <<'END'
import ctypes, os, pwd, sys, time
os.setuid(pwd.getpwnam(sys.argv[1]).pw_uid)
libc, n = ctypes.CDLL(None, use_errno=True), 0
while libc.inotify_init1(0) >= 0:
    n += 1
print(n, "taken, errno", ctypes.get_errno(), flush=True)
time.sleep(600)
END
python3 "$DIR/hog.py" "$PXEFS_USER" >"$DIR/hog" &
hog=$!
at_exit "kill $hog 2>/dev/null"
wait_for 10 grep -q taken "$DIR/hog" || fail "inotify's instances cannot be used up"
start poll=1
grep -q 'no inotify.*fs.inotify' "$DIR/log" || fail "no inotify: the log says $(cat "$DIR/log") ($(cat "$DIR/hog"))"
"$PXEFS_SRC/tests/lib/mkplatform" -s 1 20240105T000000Z "$BUILDS"
wait_for 10 there 20240105T000000Z "$BUILDS/platform-20240105T000000Z.tgz" || fail "without inotify a new build is not found"
good "without inotify"
