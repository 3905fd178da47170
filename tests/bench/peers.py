#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""peers.py STAMP TGZ: what Debian packages for the same purpose.  archivemount mounts the .tgz itself; squashfuse mounts a
squashfs into which it was converted first, which takes the time and the disk that are printed.

Ours is mounted with the build known from before; so is a squashfs.  archivemount knows nothing between two mounts."""
import os, random, shutil, subprocess, sys, time

from bench import *

stamp, tgz = sys.argv[1:3]
TOP = os.path.join(PLAIN, "smartos", stamp, "platform")
INSIDE = "i86pc/amd64/boot_archive"
B = os.path.join(TOP, INSIDE)
SIZE = os.path.getsize(B)
AT = os.path.join(PLAIN, "peer")
SQUASHFS = os.path.join(PLAIN, "build.sqsh")
SEEKS = 3       # archivemount decodes from the beginning at each seek back


def let_go(where):
    subprocess.run(["umount", where], check=True)
    while os.path.ismount(where):
        time.sleep(0.01)


class Ours:
    name, top, reads, limit_sec = "pxefs", os.path.join(MNT, "smartos", stamp, "platform"), 1000, 1e9

    def up(self):
        mount()

    def down(self):
        umount()


class Archivemount:
    name, top, reads, limit_sec = "archivemount", os.path.join(AT, "platform-" + stamp), SEEKS, 10

    def up(self):
        subprocess.run(["archivemount", "-o", "ro,nobackup", tgz, AT], check=True)

    def down(self):
        let_go(AT)


class Squashfuse:
    name, top, reads, limit_sec = "squashfuse", AT, 1000, 1e9

    def up(self):
        subprocess.run([shutil.which("squashfuse_ll") or "squashfuse", SQUASHFS, AT], check=True, stdout=subprocess.DEVNULL)

    def down(self):
        let_go(AT)


def rate(path, limit_sec):
    """MB/s of reading it all, or as far as it comes in that time; what came is right."""
    n, took = 0, 0
    with open(path, "rb", 0) as f, open(B, "rb", 0) as want:
        while took < limit_sec:
            start = time.perf_counter()
            part = f.read(1 << 20)
            took += time.perf_counter() - start
            assert part == want.read(len(part)) if part else n == SIZE, "WRONG BYTES: %s" % path
            if not part:
                break
            n += len(part)
    return n / took / 1e6


def measure(who, offsets):
    """First ls in ms, first 4 KiB in ms, cold and warm in MB/s, one of many random reads in ms."""
    path = os.path.join(who.top, INSIDE)
    drop()
    start = time.perf_counter()
    who.up()
    assert "i86pc" in os.listdir(who.top)
    ls = (time.perf_counter() - start) * 1000
    took, data = first_piece(path, offsets[0])
    with open(B, "rb") as f:
        f.seek(offsets[0])
        assert f.read(4096) == data, "WRONG BYTES: %s" % who.name
    who.down()
    drop()
    who.up()
    cold_read = rate(path, who.limit_sec)
    warm_read = rate(path, who.limit_sec)
    who.down()
    drop()
    who.up()
    many, data = scattered(path, offsets[:who.reads])
    who.down()
    assert data == scattered(B, offsets[:who.reads])[1], "WRONG BYTES: %s" % who.name
    return ls, took * 1000, cold_read, warm_read, many / who.reads * 1000


def against(peer, key, rounds):
    draw = random.Random(20261123)
    rows = []
    for _ in range(rounds):
        offsets = [draw.randrange(SIZE - 4096) for _ in range(1000)]
        rows.append((measure(Ours(), offsets), measure(peer, offsets)))
    for n, (what, unit) in enumerate((("exec to first ls", "ms"), ("first 4 KiB", "ms"), ("cold sequential", "MB/s"),
                                      ("warm sequential", "MB/s"), ("a random 4 KiB of 1000, cold", "ms"))):
        note = " (of %d)" % SEEKS if n == 4 and peer.reads == SEEKS else ""
        report("%s-%d" % (key, n), what, unit, [a[n] for a, _ in rows], [b[n] for _, b in rows], peer.name + note)


umount()
os.makedirs(AT, exist_ok=True)
if shutil.which("archivemount"):
    against(Archivemount(), "archivemount", 1)
else:
    left_out("archivemount", "package archivemount is not installed")
if shutil.which("mksquashfs") and shutil.which("squashfuse"):
    drop()
    took = timed("mksquashfs", TOP, SQUASHFS, "-noappend", "-no-progress", "-quiet")
    report("convert", "time to convert to squashfs", "s", [took])
    report("convert-disk", "squashfs on disk, of the raw size", "%", [100 * os.path.getsize(SQUASHFS) / SIZE])
    against(Squashfuse(), "squashfuse", FEW)
    os.unlink(SQUASHFS)
else:
    left_out("squashfuse", "packages squashfs-tools and squashfuse are not installed")
