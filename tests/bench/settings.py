#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""settings.py STAMP: what the settings of FUSE are worth: each against the one that pxefs has, in turns.  Decision 010."""
import os, sys

from bench import *

stamp = sys.argv[1]
ARCHIVE = "smartos/%s/platform/i86pc/amd64/boot_archive" % stamp
A, B = os.path.join(MNT, ARCHIVE), os.path.join(PLAIN, ARCHIVE)
SIZE = os.path.getsize(B)


def read_ahead(kib):
    """Of the mount: the device number is mountinfo's."""
    with open("/proc/self/mountinfo") as f:
        dev = next(fields[2] for fields in map(str.split, f) if fields[4] == MNT)
    with open("/sys/class/bdi/%s/read_ahead_kb" % dev, "w") as f:
        f.write(str(kib))


def fresh(options, kib):
    cold(*(["-o", options] if options else []))
    if kib:
        read_ahead(kib)


def one(options, kib):
    fresh(options, kib)
    cold_mb_s = SIZE / read(A) / 1e6
    check(A, B)
    warm_mb_s = SIZE / read(A) / 1e6
    fresh(options, kib)
    return cold_mb_s, warm_mb_s, read_all([A] * 16)


for what, options, kib in [
        ("read_ahead_kb 128", "", 128), ("read_ahead_kb 256", "", 256), ("read_ahead_kb 1024", "", 1024),
        ("read_ahead_kb 4096", "", 4096), ("max_pages 32", "test_pages=32", 0), ("max_pages 64", "test_pages=64", 0),
        ("max_pages 128", "test_pages=128", 0), ("threads 2", "test_threads=2", 0), ("threads 4", "test_threads=4", 0),
        ("threads 20", "test_threads=20", 0), ("nothing else", "", 0)]:
    runs = [(one(options, kib), one("", 0)) for _ in range(ROUNDS)]
    for i, (figure, unit) in enumerate([("cold", "MB/s"), ("warm", "MB/s"), ("16 readers", "s")]):
        report("", "%s, %s" % (what, figure), unit, [a[i] for a, _ in runs], [b[i] for _, b in runs], "as it is")
umount()
