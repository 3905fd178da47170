#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# Bits of a tarball flip under a live mount: each read is right, or an error, or the build is absent; others are served on.
#
# The flips come from below the filesystem the tarball lies on, a loop device, so that nothing about the file changes
# but its bytes: no identity tells, only the check sums do. Where there are no loop devices the file itself is written.
. "$PXEFS_TESTLIB"
need python3
mkbuild 20240101T000000Z -s 2
other=$TGZ
mkbuild 20240202T000000Z -s 24
member i86pc/amd64/boot_archive >"$DIR/archive"
member i86pc/kernel/amd64/unix >"$DIR/unix"
below=''
if command -v mkfs.ext4 >/dev/null && command -v losetup >/dev/null; then
        truncate -s 96M "$DIR/disk"
        mkfs.ext4 -q -b 4096 "$DIR/disk" && loop=$(losetup -f --show "$DIR/disk" 2>/dev/null) || loop=''
        if [ -n "$loop" ]; then
                at_exit "losetup -d $loop"
                mkdir "$DIR/fs"
                if mount "$loop" "$DIR/fs"; then
                        at_exit "umount $DIR/fs"
                        mv "$TGZ" "$other" "$DIR/fs/"
                        BUILDS=$DIR/fs TGZ=$DIR/fs/${TGZ##*/} other=$DIR/fs/${other##*/} below=$loop
                        sync
                fi
        fi
fi
rounds=100
[ -n "$below" ] || rounds=100
mount_pxefs -o poll=1,memory=16M     # less than is decoded, or all would be read from memory
python3 - "$TGZ" "$below" "$MNT" "$DIR" "$rounds" <<'END'
import errno, os, random, subprocess, sys, time
tgz, below, mnt, tmp, rounds = sys.argv[1:5] + [int(sys.argv[5])]
draw = random.Random(20261123)
data = open(tgz, "rb").read()
good = {"amd64/boot_archive": open(tmp + "/archive", "rb").read(), "kernel/amd64/unix": open(tmp + "/unix", "rb").read()}
top = mnt + "/smartos/20240202T000000Z/platform/i86pc/"
before = os.stat(tgz)
fd = os.open(below or tgz, os.O_RDWR)
counts = {"right": 0, "error": 0, "absent": 0}


def place(off):     # where a byte of the file is on the device
    if not below:
        return off
    for line in extents:
        first, last, start = line
        if first <= off // 4096 <= last:
            return (start + off // 4096 - first) * 4096 + off % 4096
    raise SystemExit("no extent holds byte %d" % off)


extents = []
if below:
    for line in subprocess.run(["filefrag", "-v", "-b4096", tgz], check=True, capture_output=True, text=True).stdout.splitlines():
        f = line.replace("..", " ").replace(":", " ").split()
        if f and f[0].isdigit() and len(f) >= 5 and f[1].isdigit():
            extents.append((int(f[1]), int(f[2]), int(f[3])))
    assert os.pread(fd, 16, place(0)) == data[:16], "extents not understood"


def drop():
    os.sync()
    open("/proc/sys/vm/drop_caches", "w").write("3")


def read_once(name):
    want, whole = good[name], draw.random() < 0.1
    off, size = (0, len(want)) if whole else (draw.randrange(len(want)), draw.choice((1, 4096, 200000)))
    try:
        with open(top + name, "rb", buffering=0) as f:
            f.seek(off)
            got = b""
            while len(got) < size:
                part = f.read(size - len(got))
                if not part:
                    break
                got += part
    except OSError as e:
        assert e.errno in (errno.EIO, errno.ESTALE, errno.ENOENT), e
        counts["absent" if e.errno == errno.ENOENT else "error"] += 1
        return
    assert got == want[off:off + size], "WRONG BYTES: %s, %d at %d" % (name, size, off)
    counts["right"] += 1


for i in range(rounds):
    spots = draw.sample(range(len(data)), 3)      # three flips a round
    for off in spots:
        os.pwrite(fd, bytes([data[off] ^ 1 << draw.randrange(8)]), place(off))
    if below:
        os.fsync(fd)
    drop()
    for name in draw.sample(sorted(good), 2) + ["amd64/boot_archive"]:
        read_once(name)
    for off in spots:
        os.pwrite(fd, data[off:off + 1], place(off))
    if below:
        os.fsync(fd)
        after = os.stat(tgz)
        assert (after.st_mtime_ns, after.st_ctime_ns) == (before.st_mtime_ns, before.st_ctime_ns)
    if below and not os.path.exists(top) and i % 5 == 4:      # quarantined: a touched, sound file brings it back
        assert "is damaged now" in open(mnt + "/.pxefs/status.json").read()
        drop()
        os.utime(tgz, ns=(before.st_atime_ns, before.st_mtime_ns - (i + 1) * 10**9))
        os.sync()
        before = os.stat(tgz)
        end = time.monotonic() + 20
        while not os.path.exists(top):
            assert time.monotonic() < end, "it did not come back: " + open(mnt + "/.pxefs/status.json").read()
            time.sleep(0.05)
print(counts)
assert counts["right"] > 20 and counts["error"] + counts["absent"] > 5, counts
END
TGZ=$other TOP=platform-20240101T000000Z
member i86pc/amd64/boot_archive | cmp - "$MNT/smartos/20240101T000000Z/platform/i86pc/amd64/boot_archive" || fail "the other build"
