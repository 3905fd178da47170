#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""many.py small N             N small builds into BUILDS
many.py hosts INVENTORY N    N hosts with a profile and a property or two
many.py start HOSTS          a mount with all builds known from before: from exec to the first listing, and first script
many.py menus HOSTS          lookup and read of hosts' scripts, against the same texts as files
many.py eight                8 readers of the 8 builds there are
many.py index                the same indexed, on all processors and on one"""
import glob, hashlib, io, os, random, re, shutil, sqlite3, subprocess, sys, tarfile, time

from bench import *


def mac(i):
    return "02-00-00-%02x-%02x-%02x" % (i >> 16, i >> 8 & 255, i & 255)


def small(n):
    draw = random.Random(n)
    for i in range(n):
        stamp = "2023%02d%02dT000000Z" % (i // 28 + 1, i % 28 + 1)
        archive = draw.randbytes(100000) + bytes(100000)
        with tarfile.open("%s/platform-%s.tgz" % (BUILDS, stamp), "w:gz", compresslevel=1) as t:
            for name, data in (("i86pc/kernel/amd64/unix", draw.randbytes(20000)), ("i86pc/amd64/boot_archive", archive),
                               ("i86pc/amd64/boot_archive.hash", hashlib.sha1(archive).hexdigest().encode() + b"\n"),
                               ("etc/version/platform", stamp.encode() + b"\n")):
                i = tarfile.TarInfo("platform-%s/%s" % (stamp, name))
                i.size, i.mtime = len(data), 1672531200
                t.addfile(i, io.BytesIO(data))


def hosts(inventory, n):
    db = sqlite3.connect(inventory)
    db.execute("INSERT INTO profile (name, parent) SELECT 'rack', id FROM profile WHERE name = 'default'")
    rack = db.execute("SELECT id FROM profile WHERE name = 'rack'").fetchone()[0]
    db.executemany("INSERT INTO host (id, hostname, profile) VALUES (?, ?, ?)", ((i, "h%06d" % i, rack) for i in range(1, n + 1)))
    db.executemany("INSERT INTO nic (host, mac) VALUES (?, ?)", ((i, mac(i)) for i in range(1, n + 1)))
    db.executemany("INSERT INTO property (host, name, value) VALUES (?, 'rack', ?)",
                   ((i, "r%d" % (i % 500)) for i in range(1, n + 1, 3)))
    db.commit()
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def start(n):
    known = len(glob.glob(BUILDS + "/*.tgz"))
    mount("-o", "wait")
    umount()
    draw, ls, script = random.Random(7), [], []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        mount()
        names = os.listdir(MNT + "/smartos")
        ls.append((time.perf_counter() - begin) * 1000)
        with open("%s/hosts/%s/menu.ipxe" % (MNT, mac(draw.randint(1, n)))) as f:
            assert f.read().startswith("#!ipxe\n")
        script.append((time.perf_counter() - begin) * 1000)
        stamps = [s for s in names if re.fullmatch(r"\d{8}T\d{6}Z", s)]
        assert len(stamps) == known, "%d of %d builds listed" % (len(stamps), known)
        umount()
    report("start-%d" % (known > 1), "exec to first ls, %d known" % known, "ms", ls)
    report("script-%d" % (known > 1), "exec to first script, %d known" % known, "ms", script)


def texts(root, names):
    begin, n = time.perf_counter(), 0
    for name in names:
        fd = os.open("%s/hosts/%s/menu.ipxe" % (root, name), os.O_RDONLY)
        n += len(os.read(fd, 65536))
        os.close(fd)
    assert n > 100 * len(names)
    return len(names) / (time.perf_counter() - begin)


def menus(n):
    mount("-o", "wait")
    draw, size = random.Random(20261123), min(2000, n)
    names = [mac(draw.randint(1, n)) for _ in range(size)]
    for name in set(names):
        os.makedirs("%s/hosts/%s" % (PLAIN, name))
        shutil.copyfile("%s/hosts/%s/menu.ipxe" % (MNT, name), "%s/hosts/%s/menu.ipxe" % (PLAIN, name))
    report("menus", "menus: lookup and read", "/s", *zip(*[(texts(MNT, names), texts(PLAIN, names)) for _ in range(ROUNDS)]),
           "the same as files")
    for name in set(names):
        check("%s/hosts/%s/menu.ipxe" % (MNT, name), "%s/hosts/%s/menu.ipxe" % (PLAIN, name))
    # Hosts nobody asked for before: the inventory's pages and the ring are cold for them.
    fresh = [mac(i) for i in draw.sample(range(1, n + 1), min(n, size * ROUNDS))]
    report("menus-fresh", "menus: each host the first time", "/s",
           [texts(MNT, fresh[k:k + size]) for k in range(0, len(fresh), size)])
    umount()


def eight():
    archives = sorted(glob.glob(BUILDS + "/*.tgz"))
    stamps = [re.search(r"platform-(\w+)", a).group(1) for a in archives]
    inside = ["smartos/%s/platform/i86pc/amd64/boot_archive" % s for s in stamps]
    a, b = [os.path.join(MNT, p) for p in inside], [os.path.join(PLAIN, p) for p in inside]
    mount("-o", "wait")
    took, plain, limit = [], [], []
    for _ in range(FEW):
        cold()
        took.append(read_all(a))
        for x, y in zip(a, b):
            check(x, y)
        drop()
        plain.append(read_all(b))
        if shutil.which("igzip"):
            drop()
            limit.append(timed("xargs", "-n1", "-P%d" % CORES, "igzip", "-dc", input="\n".join(archives).encode()))
    report("eight-plain", "8 readers of 8 builds, cold", "s", took, plain, "unpacked, cold")
    if limit:
        report("eight-max", "8 readers of 8 builds, cold", "s", took, [max(x, y) for x, y in zip(plain, limit)],
               "max(unpacked, igzip -dc of all, %d at a time)" % CORES)
        report("eight-decode", "8 readers of 8 builds, cold", "s", took, limit, "igzip -dc of all, %d at a time" % CORES)
    umount()


def index():
    """New tarballs, all at once, on all processors and on one."""
    def served_after():
        umount()
        clear_cache()
        drop()
        start = time.perf_counter()
        mount("-o", "wait")
        took = time.perf_counter() - start
        umount()
        return took
    allowed = os.sched_getaffinity(0)
    every, one = [], []
    for _ in range(FEW):
        every.append(served_after())
        os.sched_setaffinity(0, {min(allowed)})
        one.append(served_after())
        os.sched_setaffinity(0, allowed)
    report("index", "8 new tarballs to served", "s", every, one, "on one of %d processors" % CORES)


what, args = sys.argv[1], sys.argv[2:]
if what == "small":
    small(int(args[0]))
elif what == "hosts":
    hosts(args[0], int(args[1]))
elif what == "start":
    start(int(args[0]))
elif what == "menus":
    menus(int(args[0]))
elif what == "index":
    index()
else:
    eight()
