#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# After mount -o remount,rw nobody, root included, opens a file for writing, changes what readers see, or makes a name; also
# after the worker was replaced.
. "$PXEFS_TESTLIB"
need python3
mkbuild 20240101T000000Z -s 1
sql "INSERT INTO host (hostname) VALUES ('db1'); INSERT INTO nic (mac, host) SELECT '02:08:20:00:00:01', id FROM host"
echo loader >"$STATIC/undionly.kpxe"
mount_pxefs
archive=$MNT/smartos/20240101T000000Z/platform/i86pc/amd64/boot_archive
want=$(member i86pc/amd64/boot_archive | digest)
menu=$MNT/hosts/02-08-20-00-00-01/menu.ipxe
cat >"$DIR/write.py" <<'END'
import errno, mmap, os, sys
os.setgroups([])
os.setresuid(*[int(sys.argv[1])] * 3)
for path in sys.argv[2:]:
    for flags in os.O_RDWR, os.O_WRONLY | os.O_TRUNC, os.O_WRONLY | os.O_CREAT | os.O_APPEND:
        try:
            fd = os.open(path, flags)
        except OSError as e:
            assert e.errno == errno.EACCES, (path, e)
            continue
        try:
            mmap.mmap(fd, 4096)[0:4] = b"EVIL"
        except Exception:
            pass
        sys.exit("%s was opened with %#o by user %d" % (path, flags, os.getuid()))
    for call in lambda: os.truncate(path, 0), lambda: os.open(path + ".new", os.O_WRONLY | os.O_CREAT), lambda: os.chmod(path, 0o777), \
            lambda: os.unlink(path), lambda: os.utime(path), lambda: os.rename(path, path + ".old"), lambda: os.mkdir(path + ".dir"):
        try:
            call()
        except OSError as e:
            assert e.errno in (errno.EACCES, errno.EPERM, errno.EOVERFLOW, errno.ENOSYS), (path, e)
        else:
            sys.exit("%s could be changed by user %d" % (path, os.getuid()))
END
mount -i -o remount,rw "$MNT"
awk -v m="$MNT" '$5 == m { print $6 }' /proc/self/mountinfo | grep -q '^rw' || fail "the mount was not made writable: nothing is tested"
tries()
{
        for user in 0 65534 12345; do
                python3 "$DIR/write.py" $user "$archive" "$menu" "$MNT/undionly.kpxe" "$MNT/menu.ipxe" \
                        "$MNT/.pxefs/status.json" || fail "after $1"
        done
        [ "$(digest "$archive")" = "$want" ] || fail "other bytes after $1"
}
tries 'the remount'
kill -KILL "$(worker_pid)"
tries 'the worker was replaced'
