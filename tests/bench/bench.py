# SPDX-License-Identifier: MPL-2.0
"""bench.py -- what the parts of tests/bench share: the daemon, the page cache, reading, checking, and one line a figure.

A is pxefs, B what it is compared with; they take turns, A B A B ..., in one run.  Bytes are checked outside the measured
time, while the page cache still holds what was served.  Each figure goes to the file $BENCH_RESULTS, for table.py.
"""
import json, os, subprocess, threading, time

E = os.environ
ROUNDS, MNT, PLAIN, BUILDS, CACHE = int(E["BENCH_ROUNDS"]), E["MNT"], E["BENCH_PLAIN"], E["BUILDS"], E["CACHE"]
PXEFS, OPTIONS, RESULTS = E["PXEFS"], E["BENCH_OPTIONS"], E["BENCH_RESULTS"]
FEW = min(ROUNDS, 3)        # for what takes long
CORES = len(os.sched_getaffinity(0))


def drop():
    """The page cache, and names and attributes."""
    os.sync()
    with open("/proc/sys/vm/drop_caches", "w") as f:
        f.write("3")


def daemons():
    """The keeper, the worker that serves and the one that stands by."""
    programs = [os.path.realpath(PXEFS), os.path.join(os.path.dirname(os.path.realpath(PXEFS)), "pxefs-worker")]
    for p in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink("/proc/%s/exe" % p) in programs:
                yield p
        except OSError:
            pass


def umount():
    if os.path.ismount(MNT):
        subprocess.run(["umount", MNT], check=True)
    while list(daemons()):
        time.sleep(0.01)


def mount(*more):
    subprocess.run([PXEFS, "-o", OPTIONS, *more, BUILDS, MNT], check=True, stderr=subprocess.DEVNULL)


def state(pid):
    """(name, state) of its first thread."""
    with open("/proc/%s/stat" % pid) as f:
        name, rest = f.read().split("(", 1)[1].rsplit(") ", 1)
    return name, rest[0]


def settle():
    """Until a successor stands by and sleeps: it gets ready after the mount, beside whoever reads then."""
    deadline = time.monotonic() + 20
    while ("pxefs-standby", "S") not in (calm := [state(p) for p in daemons()]) or "R" in dict(calm).values():
        assert time.monotonic() < deadline, calm
        time.sleep(0.02)
    time.sleep(0.1)


def cold(*more):
    """A new daemon that has settled, and an empty page cache."""
    umount()
    mount(*more)
    settle()
    drop()


def read(path, size=256 << 10):
    """Seconds for the whole file; its length must be what stat says."""
    start, n = time.perf_counter(), 0
    fd = os.open(path, os.O_RDONLY)
    buf = bytearray(size)
    while k := os.readv(fd, [buf]):
        n += k
    took = time.perf_counter() - start
    assert n == os.fstat(fd).st_size, (path, n)
    os.close(fd)
    return took


def read_all(paths):
    """Seconds until each path was read by a thread of its own."""
    failed = []

    def one(path):
        try:
            read(path)
        except BaseException as e:
            failed.append(e)
    threads = [threading.Thread(target=one, args=(p,)) for p in paths]
    start = time.perf_counter()
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failed, failed
    return time.perf_counter() - start


def check(a, b):
    """What the page cache holds of a is what is in b."""
    with open(a, "rb", 0) as f, open(b, "rb", 0) as g:
        while True:
            x, y = f.read(1 << 20), g.read(1 << 20)
            assert x == y, "WRONG BYTES: %s" % a
            if not x:
                return


def timed(*argv, **more):
    start = time.perf_counter()
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, **more)
    return time.perf_counter() - start


def first_piece(path, off):
    start = time.perf_counter()
    fd = os.open(path, os.O_RDONLY)
    data = os.pread(fd, 4096, off)
    took = time.perf_counter() - start
    os.close(fd)
    return took, data


def scattered(path, offsets):
    fd = os.open(path, os.O_RDONLY)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_RANDOM)
    start = time.perf_counter()
    data = [os.pread(fd, 4096, o) for o in offsets]
    took = time.perf_counter() - start
    os.close(fd)
    return took, data


def spread(v):
    v = sorted(v)
    return "%.3g [%.3g - %.3g]" % (v[len(v) // 2], v[0], v[-1])


def report(key, what, unit, a, b=None, against=""):
    """One figure: a and b are measured in turns; the ratio is a/b, pair by pair."""
    a, b = list(a), list(b) if b else []
    line = {"key": key, "build": E.get("BENCH_BUILD", ""), "what": what, "unit": unit, "a": a, "b": b, "against": against}
    with open(RESULTS, "a") as f:
        f.write(json.dumps(line) + "\n")
    ratio = "   A/B %s" % spread([x / y for x, y in zip(a, b)]) if b else ""
    print("%-34s A %s %s%s%s" % (what, spread(a), unit, "   B %s %s (%s)" % (spread(b), unit, against) if b else "", ratio),
          flush=True)


def left_out(what, why):
    with open(RESULTS, "a") as f:
        f.write(json.dumps({"key": "", "what": what, "why": why}) + "\n")
    print("%-34s left out: %s" % (what, why), flush=True)
