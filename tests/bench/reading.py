#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""reading.py STAMP TGZ: how one build of a .tgz is read, cold and warm, against the same tree unpacked, `tar xzO` and
`igzip -dc`; and how long it takes until a new one is served."""
import os, random, shutil, sys

from bench import *

stamp, tgz = sys.argv[1:3]
ARCHIVE = "smartos/%s/platform/i86pc/amd64/boot_archive" % stamp
A, B = os.path.join(MNT, ARCHIVE), os.path.join(PLAIN, ARCHIVE)
SIZE = os.path.getsize(B)
IGZIP = shutil.which("igzip")


def mb_s(seconds):
    return SIZE / seconds / 1e6


def sequential():
    a, tar, igzip = [], [], []
    for _ in range(ROUNDS):
        cold()
        a.append(mb_s(read(A)))
        check(A, B)
        drop()
        tar.append(mb_s(timed("tar", "-xzOf", tgz, "platform-%s/i86pc/amd64/boot_archive" % stamp)))
        if IGZIP:
            drop()
            igzip.append(mb_s(timed("igzip", "-dc", tgz)))
    report("cold-tar", "cold sequential", "MB/s", a, tar, "tar xzO")
    if IGZIP:
        report("cold-igzip", "cold sequential", "MB/s", a, igzip, "igzip -dc")
    else:
        left_out("cold sequential against igzip", "igzip (package isal) is not installed")
    read(A), read(B)
    report("warm", "warm, 256 KiB reads", "MB/s", *zip(*[(mb_s(read(A)), mb_s(read(B))) for _ in range(ROUNDS)]), "unpacked")
    check(A, B)


def at_random():
    draw = random.Random(20261123)
    firsts, many = [], []
    for _ in range(ROUNDS):
        cold()
        off = draw.randrange(SIZE - 4096)
        (a, x), (b, y) = first_piece(A, off), first_piece(B, off)
        assert x == y, "WRONG BYTES"
        firsts.append((a * 1000, b * 1000))
    report("first", "first 4 KiB, cold", "ms", *zip(*firsts), "unpacked")
    for _ in range(FEW):
        offsets = [draw.randrange(SIZE - 4096) for _ in range(1000)]
        cold()
        (a, x), (b, y) = scattered(A, offsets), scattered(B, offsets)
        assert x == y, "WRONG BYTES"
        many.append((a, b))
    report("random", "1000 random 4 KiB, cold", "s", *zip(*many), "unpacked")


def sixteen():
    """The limit is what cannot be saved: decoding it once on all cores, or handing sixteen copies to sixteen readers."""
    took, one, plain, decode = [], [], [], []
    for _ in range(FEW):
        cold()
        one.append(read(A))
        cold()
        took.append(read_all([A] * 16))
        check(A, B)
        drop()
        plain.append(read_all([B] * 16))
        if IGZIP:
            drop()
            decode.append(timed("igzip", "-dc", tgz) / CORES)
    report("sixteen-one", "16 readers, cold", "s", took, one, "one reader, cold")
    report("sixteen-plain", "16 readers, cold", "s", took, plain, "16 readers unpacked, cold")
    if decode:
        report("sixteen-max", "16 readers, cold", "s", took, [max(x, y) for x, y in zip(plain, decode)],
               "max(16 unpacked, igzip -dc / cores)")
        report("sixteen-sum", "16 readers, cold", "s", took, [x + y for x, y in zip(plain, decode)],
               "16 unpacked + igzip -dc / cores")


def rates():
    import time

    def opens(path, n=20000):
        start = time.perf_counter()
        for _ in range(n):
            fd = os.open(path, os.O_RDONLY)
            os.fstat(fd)
            os.close(fd)
        return n / (time.perf_counter() - start)

    def stats(path, n=50000):
        start = time.perf_counter()
        for _ in range(n):
            os.stat(path)
        return n / (time.perf_counter() - start)
    assert os.stat(A).st_size == os.stat(B).st_size
    report("open", "open+fstat+close", "/s", *zip(*[(opens(A), opens(B)) for _ in range(ROUNDS)]), "unpacked")
    report("stat", "stat", "/s", *zip(*[(stats(A), stats(B)) for _ in range(ROUNDS)]), "unpacked")


def clear_cache():
    for name in os.listdir(CACHE):
        path = os.path.join(CACHE, name)
        shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)


def new_build():
    """From a tarball nobody has seen to a mount that serves it, without the second that a new file is left alone."""
    import time
    pairs = []
    for _ in range(FEW):
        umount()
        clear_cache()
        drop()
        start = time.perf_counter()
        mount("-o", "wait")
        os.stat(A)
        a = time.perf_counter() - start
        target = os.path.join(PLAIN, "by-hand")
        os.mkdir(target)
        drop()
        pairs.append((a, timed("sh", "-c", 'igzip -dc "$0" | tar -xf - -C "$1"', tgz, target)))
        check(A, os.path.join(target, "platform-%s/i86pc/amd64/boot_archive" % stamp))
        shutil.rmtree(target)
    report("new", "new tarball to served", "s", *zip(*pairs), "igzip -dc | tar xf -")


def size_of_it():
    """After all that was done to the daemon that runs now: sixteen readers, and one of everything."""
    cold()
    read_all([A] * 16)
    peaks = []
    for p in daemons():
        with open("/proc/%s/status" % p) as f:
            peaks += [int(line.split()[1]) for line in f if line.startswith("VmHWM")]
    # Without the inventory's good copy, which is as large as the inventory.
    disk = sum(os.lstat(os.path.join(d, f)).st_blocks * 512 for d, _, fs in os.walk(CACHE) for f in fs
               if not f.startswith("inventory-"))
    report("rss", "peak memory of all processes", "MiB", [sum(peaks) / 1024])
    report("disk", "cache on disk, of the raw size", "%", [100 * disk / SIZE])


mount()
sequential()
at_random()
sixteen()
rates()
if IGZIP:
    new_build()
else:
    left_out("new tarball to served", "igzip (package isal) is not installed")
size_of_it()
