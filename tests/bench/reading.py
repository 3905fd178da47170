#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""reading.py ROUNDS STAMP PXEFS OPTIONS BUILDS MNT PLAIN TGZ CACHE: how a build of a .tgz is read, cold and warm, against the same
tree unpacked (B), `tar xzO` and `igzip -dc`.  Everything read is compared with the unpacked file."""
import hashlib, os, random, shutil, subprocess, sys, threading, time

rounds, stamp, pxefs, options, builds, mnt, plain, tgz, cache = sys.argv[1:10]
rounds = int(rounds)
ARCHIVE = "smartos/%s/platform/i86pc/amd64/boot_archive" % stamp
A, B = os.path.join(mnt, ARCHIVE), os.path.join(plain, ARCHIVE)
SIZE = os.path.getsize(B)
MEMBER = "platform-%s/i86pc/amd64/boot_archive" % stamp


def spread(v):
    v = sorted(v)
    return "%9.1f [%.1f - %.1f]" % (v[len(v) // 2], v[0], v[-1])


def report(what, unit, a, b, against="unpacked"):
    r = sorted(x / y for x, y in zip(a, b))
    print("%-22s A %s %s   B %s %s   A/B %.2f [%.2f - %.2f]  B = %s" %
          (what, spread(a), unit, spread(b), unit, r[len(r) // 2], r[0], r[-1], against), flush=True)


def drop():
    os.sync()
    with open("/proc/sys/vm/drop_caches", "w") as f:
        f.write("3")


def umount():
    subprocess.run(["umount", mnt], check=True)
    while subprocess.run(["pgrep", "-f", "%s.*%s$" % (pxefs, mnt)], capture_output=True).returncode == 0:
        time.sleep(0.02)


def mount(*more):
    subprocess.run([pxefs, "-o", options] + list(more) + [builds, mnt], check=True, stderr=subprocess.DEVNULL)


def cold():
    """A new daemon and an empty page cache."""
    umount()
    drop()
    mount()


def read(path, size=256 << 10, check=None):
    start, h, n = time.perf_counter(), check and check(), 0
    fd = os.open(path, os.O_RDONLY)
    buf = bytearray(size)
    while True:
        k = os.readv(fd, [buf])
        if not k:
            break
        n += k
        if h:
            h.update(memoryview(buf)[:k])
    os.close(fd)
    assert n == SIZE, (path, n)
    took = time.perf_counter() - start
    return h.hexdigest() if h else SIZE / took / 1e6


def command(*argv):
    drop()
    start = time.perf_counter()
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
    return SIZE / (time.perf_counter() - start) / 1e6


def sequential():
    want = read(B, check=hashlib.sha256)
    cold()
    assert read(A, check=hashlib.sha256) == want, "wrong bytes"
    a, tar, igzip = [], [], []
    for _ in range(rounds):
        cold()
        a.append(read(A))
        tar.append(command("tar", "-xzOf", tgz, MEMBER))
        if shutil.which("igzip"):
            igzip.append(command("igzip", "-dc", tgz))
    report("cold sequential", "MB/s", a, tar, "tar xzO")
    if igzip:
        report("cold sequential", "MB/s", a, igzip, "igzip -dc")
    read(A), read(B)
    report("warm, 256 KiB reads", "MB/s", *zip(*[(read(A), read(B)) for _ in range(rounds)]))


def first(path):
    start = time.perf_counter()
    fd = os.open(path, os.O_RDONLY)
    data = os.pread(fd, 4096, SIZE // 2)
    os.close(fd)
    return (time.perf_counter() - start) * 1000, data


def scattered(path, offsets):
    fd = os.open(path, os.O_RDONLY)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_RANDOM)
    start = time.perf_counter()
    data = [os.pread(fd, 4096, o) for o in offsets]
    took = (time.perf_counter() - start) * 1000
    os.close(fd)
    return took, data


def at_random():
    draw = random.Random(20261123)
    firsts, many = [], []
    for _ in range(rounds):
        cold()
        (a, x), (b, y) = first(A), first(B)
        assert x == y, "wrong bytes"
        firsts.append((a, b))
    report("first 4 KiB, cold", "ms", *zip(*firsts))
    for _ in range(min(rounds, 5)):
        offsets = [draw.randrange(0, SIZE - 4096) for _ in range(1000)]
        cold()
        (a, x), (b, y) = scattered(A, offsets), scattered(B, offsets)
        assert x == y, "wrong bytes"
        many.append((a, b))
    report("1000 x 4 KiB, cold", "ms", *zip(*many))


def sixteen():
    out = []
    for _ in range(min(rounds, 5)):
        cold()
        one = SIZE / read(A) / 1e6
        cold()
        threads = [threading.Thread(target=read, args=(A,)) for _ in range(16)]
        start = time.perf_counter()
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        out.append((time.perf_counter() - start, one))
    report("16 readers, cold", "s", *zip(*out), against="one reader, cold")


def rates():
    def opens(path):
        start = time.perf_counter()
        for _ in range(20000):
            fd = os.open(path, os.O_RDONLY)
            os.fstat(fd)
            os.close(fd)
        return 20000 / (time.perf_counter() - start)

    def stats(path):
        start = time.perf_counter()
        for _ in range(50000):
            os.stat(path)
        return 50000 / (time.perf_counter() - start)
    report("open+fstat+close", "/s", *zip(*[(opens(A), opens(B)) for _ in range(rounds)]))
    report("stat", "/s", *zip(*[(stats(A), stats(B)) for _ in range(rounds)]))


def new_build():
    """From a tarball nobody has seen to a mount that serves it, without the second a new file is left alone."""
    out = []
    for _ in range(min(rounds, 5)):
        umount()
        for name in os.listdir(cache):
            path = os.path.join(cache, name)
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
        drop()
        start = time.perf_counter()
        mount("-o", "wait")
        a = time.perf_counter() - start
        target = os.path.join(plain, "by-hand")
        os.mkdir(target)
        drop()
        start = time.perf_counter()
        subprocess.run("igzip -dc '%s' | tar -xf - -C '%s'" % (tgz, target), shell=True, check=True)
        out.append((a, time.perf_counter() - start))
        shutil.rmtree(target)
    report("new tarball to served", "s", *zip(*out), against="igzip -dc | tar xf -")


def size_of_daemon():
    peak = 0
    for p in os.listdir("/proc"):
        try:
            if os.readlink("/proc/%s/exe" % p) == os.path.realpath(pxefs):
                for line in open("/proc/%s/status" % p):
                    if line.startswith("VmHWM"):
                        peak = max(peak, int(line.split()[1]))
        except OSError:
            pass
    disk = sum(os.lstat(os.path.join(d, f)).st_blocks * 512 for d, _, fs in os.walk(cache) for f in fs)
    print("daemon                 peak RSS %.1f MiB   cache on disk %.1f MiB, %.2f %% of the uncompressed build" %
          (peak / 1024, disk / 2**20, 100 * disk / SIZE), flush=True)


sequential()
at_random()
sixteen()
rates()
size_of_daemon()
if shutil.which("igzip"):
    new_build()
