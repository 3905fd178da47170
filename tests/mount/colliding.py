#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""colliding.py MENU INVENTORY: with narrowed hashes, an open text stays what it was or gives EIO; never other bytes."""
import errno, os, sqlite3, sys

menu, inventory = sys.argv[1:3]
db = sqlite3.connect(inventory, timeout=30, isolation_level=None)


def commit(n):
    db.execute("UPDATE property SET value = ? WHERE name = 'counter'", ("v%06d" % n,))


def read(fd):
    return os.pread(fd, 1 << 20, 0)


kept, errors, equal = [], 0, 0
for n in range(400):
    commit(n)
    fd = os.open(menu, os.O_RDONLY)
    size = os.fstat(fd).st_size
    if n % 2:                           # the others are read only when many texts have come after them
        data = read(fd)
        assert len(data) == size and (b"counter=v%06d" % n) in data, "text %d: not what was committed" % n
    kept.append((fd, n, size))
    if len(kept) > 40:
        fd, was, size = kept.pop(0)
        try:
            data = read(fd)
            assert len(data) == size and (b"counter=v%06d" % was) in data, "an open text changed under its reader"
            equal += 1
        except OSError as e:
            assert e.errno in (errno.EIO, errno.ESTALE), e
            errors += 1
        try:
            os.close(fd)
        except OSError as e:            # FLUSH of an inode the kernel turned bad
            assert e.errno == errno.EIO, e
print("old texts: %d read again as they were, %d refused" % (equal, errors))
assert errors > 0, "no collision happened: this test shows nothing"
