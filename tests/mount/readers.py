#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""readers.py MENU INVENTORY READERS READS UPDATES_A_SECOND
Readers take whole texts while one connection commits: each text must be one rendering, of the size that fstat said."""
import multiprocessing, os, re, sqlite3, sys, time

menu, inventory = sys.argv[1:3]
readers, reads, rate = (int(a) for a in sys.argv[3:6])
MARK = re.compile(rb"counter=v(\d+)")


def whole():
    fd = os.open(menu, os.O_RDONLY)
    try:
        size = os.fstat(fd).st_size
        data = b""
        while True:
            part = os.read(fd, 1000)        # several reads a text, so that a change may come between
            if not part:
                break
            data += part
    finally:
        os.close(fd)
    return size, data


def frame(data):
    """The text with its counter taken out, and the counter."""
    seen = set(MARK.findall(data))
    assert len(seen) == 1, "a text with the counters %s" % sorted(seen)
    return MARK.sub(b"counter=v", data), seen.pop()


def reader(want, versions):
    seen = set()
    for _ in range(reads):
        size, data = whole()
        assert size == len(data), "fstat said %d bytes, %d were read" % (size, len(data))
        rest, version = frame(data)
        assert rest == want, "neither rendering:\n" + data.decode("ascii", "replace")
        seen.add(version)
    versions.put(len(seen))


def writer(stop, commits):
    db = sqlite3.connect(inventory, timeout=30, isolation_level=None)
    db.execute("PRAGMA synchronous=OFF")
    start, n = time.monotonic(), 0
    while not stop.is_set():
        n += 1
        db.execute("UPDATE property SET value = ? WHERE name = 'counter'", ("v%06d" % n,))
        ahead = start + n / rate - time.monotonic()
        if ahead > 0:
            stop.wait(ahead)
    commits.value = n


def main():
    want, _ = frame(whole()[1])
    stop, commits, versions = multiprocessing.Event(), multiprocessing.Value("i", 0), multiprocessing.Queue()
    w = multiprocessing.Process(target=writer, args=(stop, commits))
    rs = [multiprocessing.Process(target=reader, args=(want, versions)) for _ in range(readers)]
    for p in [w] + rs:
        p.start()
    for p in rs:
        p.join()
    stop.set()
    w.join()
    assert all(p.exitcode == 0 for p in rs + [w]), "a reader or the writer failed"
    seen = [versions.get() for _ in rs]
    print("%d readers, %d whole reads each, %d commits, versions seen: %s" % (readers, reads, commits.value, seen))
    assert commits.value > 50 and min(seen) > 10, "too little happened to say anything"


main()
