#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""prober.py STOP_FILE FILE MENU -- a reader that measures: reads FILE from front to back with the page cache dropped before
each read, and opens MENU and reads it between, until STOP_FILE is there.  Every byte is compared with the first time.
STOP_FILE.reading appears after the first.
Prints "READS SLOWEST_MS MEDIAN_MS"; fails at the first error."""
import os
import statistics
import sys
import time

stop, path, menu = sys.argv[1:4]
fd = os.open(path, os.O_RDONLY)
size = os.fstat(fd).st_size
first, text = {}, None
took = []


def timed(what):
    begin = time.monotonic()
    result = what()
    took.append((time.monotonic() - begin) * 1000)
    return result


def read_menu():
    with open(menu, "rb") as f:
        return f.read()


off = 0
while len(took) < 100 or not os.path.exists(stop):
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    data = timed(lambda: os.pread(fd, 131072, off))
    assert len(data) == min(131072, size - off), f"short read at {off}: {len(data)}"
    assert first.setdefault(off, hash(data)) == hash(data), f"other bytes at {off}"
    off = off + 131072 if off + 131072 < size else 0
    now = timed(read_menu)
    if text is None:
        text = now
        open(stop + ".reading", "w").close()
    assert now == text, "the menu changed"
print(len(took), round(max(took), 1), round(statistics.median(took), 2))
