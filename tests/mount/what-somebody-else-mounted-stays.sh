#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# A mount that is not ours on the mount point is refused by a line that names its type and the way out, and stays as it is,
# whether it lives, is dead, or answers nobody; an empty volume is mounted over. What dead pxefs left there is taken away.
. "$PXEFS_TESTLIB"
_need_isolation "a mount"
[ -w /dev/fuse ] || skip "no /dev/fuse"
need python3
mkbuild 20240101T000000Z -s 1
make_inventory
chown "$PXEFS_USER:" "$CACHE"
at_exit '_end_pxefs'

# A filesystem in user space: answers INIT and GETATTR of its root (Linux include/uapi/linux/fuse.h) until it is killed; with
# "mute", nobody.
cat >"$DIR/fuse.py" <<'PY'
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
target, kind, how = sys.argv[1:]
fd = os.open("/dev/fuse", os.O_RDWR)
data = b"fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other" % fd
if libc.mount(b"other", target.encode(), kind.encode(), 6, data) < 0:
    sys.exit(os.strerror(ctypes.get_errno()))
print("mounted", flush=True)
while True:
    request = os.read(fd, 1 << 17)
    length, op, unique, node = struct.unpack_from("<IIQQ", request)
    if op == 26:                                    # INIT
        reply = struct.pack("<IIIIHHIIHHI", 7, 31, 65536, 0, 0, 0, 65536, 0, 0, 0, 0) + bytes(24)
    elif op == 3 and how != "mute":                 # GETATTR, good for a moment only
        reply = struct.pack("<QII", 0, 0, 0) + struct.pack("<QQQQQQIIIIIIIIII", 1, 0, 0, 0, 0, 0, 0, 0, 0, 0o40755, 2, 0, 0, 0, 0, 0)
    elif how == "mute":
        continue
    else:
        os.write(fd, struct.pack("<IiQ", 16, -38, unique))
        continue
    os.write(fd, struct.pack("<IiQ", 16 + len(reply), 0, unique) + reply)
PY

other() # TYPE HOW: sets SERVER
{
        : >"$DIR/fuse.out"
        python3 "$DIR/fuse.py" "$MNT" "$@" >"$DIR/fuse.out" 2>&1 &
        SERVER=$!
        at_exit "kill -KILL $SERVER 2>/dev/null"
        wait_for 10 grep -q mounted "$DIR/fuse.out" || fail "no filesystem of type $1: $(cat "$DIR/fuse.out")"
}

mounts() { grep " $MNT " /proc/self/mountinfo || :; }

refused() # TYPE
{
        mounts >"$DIR/before"
        got=0
        timeout 20 "$PXEFS" -o "inventory=$INVENTORY,cache=$CACHE,user=$PXEFS_USER" "$BUILDS" "$MNT" 2>"$DIR/err" || got=$?
        [ $got -eq 1 ] || fail "$what: status $got: $(cat "$DIR/err")"
        [ "$(cat "$DIR/err")" = "pxefs: mount point $MNT: a filesystem of type $1 is mounted there, and stays: choose another directory, or umount $MNT first" ] ||
                fail "$what: $(cat "$DIR/err")"
        mounts | cmp - "$DIR/before" || fail "$what: it did not stay"
        _no_pxefs || fail "$what: a process stays"
}

what="a tmpfs"
mount -t tmpfs none "$MNT"
echo mine >"$MNT/file"
refused tmpfs
[ "$(cat "$MNT/file")" = mine ] || fail "$what: what was in it"
umount "$MNT"

what="a FUSE filesystem that lives"
other fuse.sshfs lives
stat "$MNT" >/dev/null || fail "$what: it does not live"
refused fuse.sshfs
stat "$MNT" >/dev/null || fail "$what: it does not live any more"
what="one that is dead"
kill -KILL "$SERVER"
wait "$SERVER" 2>/dev/null || :
! stat "$MNT" 2>/dev/null || fail "$what: it is not dead"
refused fuse.sshfs
umount "$MNT"

what="one that answers nobody"
other fuse.mute mute
refused fuse.mute
umount -l "$MNT"
kill -KILL "$SERVER"

what="one whose type begins as ours"
other fuse.pxefs2 lives
refused fuse.pxefs2
umount "$MNT"
wait "$SERVER" 2>/dev/null || :

# A crash: the mount table still has it. Twice, as a start that failed might leave two.
what="a dead pxefs"
other fuse.pxefs lives
first=$SERVER
other fuse.pxefs lives
kill -KILL "$SERVER" "$first"
wait "$SERVER" "$first" 2>/dev/null || :
[ "$(mounts | wc -l)" -eq 2 ] || fail "$what: not two mounts: $(mounts)"
mount_pxefs 2>"$DIR/err"
[ "$(mounts | wc -l)" -eq 1 ] || fail "$what: still below: $(mounts)"
[ "$(grep -c 'detached the mount that a dead pxefs left' "$DIR/err")" -eq 2 ] || fail "$what: $(cat "$DIR/err")"
member i86pc/amd64/boot_archive | cmp - "$MNT/smartos/20240101T000000Z/platform/i86pc/amd64/boot_archive" || fail "$what: other bytes"
umount_pxefs

what="an empty volume"
mount -t tmpfs none "$MNT"
mount_pxefs
[ "$(mounts | wc -l)" -eq 2 ] || fail "$what: $(mounts)"
umount_pxefs
[ "$(mounts | grep -c tmpfs)" -eq 1 ] || fail "$what: did not stay: $(mounts)"
umount "$MNT"

what="a dead pxefs over a tmpfs"
mount -t tmpfs none "$MNT"
echo mine >"$MNT/file"
other fuse.pxefs lives
kill -KILL "$SERVER"
wait "$SERVER" 2>/dev/null || :
got=0
"$PXEFS" -o "inventory=$INVENTORY,cache=$CACHE,user=$PXEFS_USER" "$BUILDS" "$MNT" 2>"$DIR/err" || got=$?
[ $got -eq 1 ] && tail -n 1 "$DIR/err" | grep -q 'type tmpfs is mounted there' || fail "$what: status $got, $(cat "$DIR/err")"
[ "$(mounts | wc -l)" -eq 1 ] || fail "$what: $(mounts)"
umount "$MNT"
