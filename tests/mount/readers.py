#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""readers.py MENU INVENTORY READERS READS UPDATES_A_SECOND [OTHERS]
Readers take whole texts while one connection commits: each text must be one rendering, of the size that fstat said, and what
was committed last is read at the end.  OTHERS: of so many other hosts, named h1 and so on, with the MACs 02-00-00-.., some rows
change and some texts are read too."""
import multiprocessing, os, random, re, sqlite3, sys, time

menu, inventory = sys.argv[1:3]
readers, reads, rate = (int(a) for a in sys.argv[3:6])
others = int(sys.argv[6]) if len(sys.argv) > 6 else 0
MARK = re.compile(rb"counter=v(\d+)")


def menu_of(i):
    return "%s/02-00-00-%02x-%02x-%02x/menu.ipxe" % (os.path.dirname(os.path.dirname(menu)), i >> 16, i >> 8 & 255, i & 255)


def whole(path=menu):
    fd = os.open(path, os.O_RDONLY)
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
        if others:
            i = random.randint(1, others)
            size, data = whole(menu_of(i))
            assert size == len(data) and re.search(rb"hostname=h%d\b" % i, data), "host %d: %d of %d bytes:\n%s" % (i, len(data), size, data)
            frame(data)
    versions.put(len(seen))


def writer(stop, commits, last):
    db = sqlite3.connect(inventory, timeout=30, isolation_level=None)
    db.execute("PRAGMA synchronous=OFF")
    draw, start, n = random.Random(1), time.monotonic(), 0
    while not stop.is_set():
        n += 1
        host = "h%d" % draw.randint(1, others) if others and n % 2 else "db1"
        db.execute("UPDATE property SET value = ? WHERE name = 'counter' AND host = (SELECT id FROM host WHERE hostname = ?)",
                   ("v%06d" % n, host))
        if host == "db1":
            last.value = n
        ahead = start + n / rate - time.monotonic()
        if ahead > 0:
            stop.wait(ahead)
    commits.value = n
    print("%d commits a second" % (n / (time.monotonic() - start)))


def main():
    want, _ = frame(whole()[1])
    stop, versions = multiprocessing.Event(), multiprocessing.Queue()
    commits, last = multiprocessing.Value("i", 0), multiprocessing.Value("i", 0)
    w = multiprocessing.Process(target=writer, args=(stop, commits, last))
    rs = [multiprocessing.Process(target=reader, args=(want, versions)) for _ in range(readers)]
    for p in [w] + rs:
        p.start()
    for p in rs:
        p.join()
    stop.set()
    w.join()
    assert all(p.exitcode == 0 for p in rs + [w]), "a reader or the writer failed"
    assert frame(whole()[1])[1] == b"%06d" % last.value, "not what was committed last, %d: %s" % (last.value, whole()[1])
    seen = [versions.get() for _ in rs]
    print("%d readers, %d whole reads each, %d commits, versions seen: %s" % (readers, reads, commits.value, seen))
    assert commits.value > 50 and min(seen) > 10, "too little happened to say anything"


main()
