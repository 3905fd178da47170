#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""flips.py make BUILDS SEED FLIPS FIRST BATCH    archives with one bit flipped or cut short, before anybody read them
flips.py check BUILDS MNT TALLY                what the mount makes of them
flips.py live BUILDS MNT CACHE DEVICE SEED FLIPS TALLY
                                               sound archives whose bits flip while they are served
flips.py tally TALLY                           prints it; exit 1 if a byte was wrong or nothing was right

Whatever happens, a read is right, or an error, or the archive is absent.  One payload, packed in every way there is, as
images: many of them stand side by side under their files' names.  All draws come from SEED.  DEVICE holds the filesystem
of BUILDS and CACHE: bits flip below it, so that nothing about a file changes but its bytes; '' where that cannot be done.
What is decoded into the spool flips there, as that is what is served.  A plain tar and an ISO carry no check sums of their
own: before indexing sha256sums.txt speaks for them.
"""
import bz2, errno, hashlib, io, json, lzma, os, random, shutil, sqlite3, struct, subprocess, sys, tarfile, tempfile, time, zlib

GZIP = ["stored", "fixed", "fast", "usual", "best", "members", "fields"]
SPOOLED = ["xz", "zst", "bz2"]
OTHER = {"xz": "tar.xz", "zst": "tar.zst", "bz2": "tar.bz2", "tar": "tar", "iso": "iso"}


# ---- what is packed ---------------------------------------------------------------------------------------------

def payload(big=0):
    draw = random.Random(20261123)
    text = bytes(draw.choices(b"abcdefghijklmnop", k=150000))
    some = text + draw.randbytes(120000) + bytes(200000) + text[:90000]
    return {"d/content": some + b"".join(some[i:] + some[:i] for i in range(1, 1 + big)), "d/small": draw.randbytes(5000),
            "d/line": b"one line\n"}


def tar_of(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as t:
        for name, data in files.items():
            i = tarfile.TarInfo(name)
            i.size, i.mtime = len(data), 1704067200
            t.addfile(i, io.BytesIO(data))
    return out.getvalue()


def member(data, level, strategy=zlib.Z_DEFAULT_STRATEGY, fields=b"", flags=0):
    c = zlib.compressobj(level, zlib.DEFLATED, -15, 8, strategy)
    head = b"\x1f\x8b\x08" + bytes([flags]) + struct.pack("<I", 1704067200) + b"\0\3" + fields
    if flags & 2:
        head += struct.pack("<H", zlib.crc32(head) & 0xffff)
    return head, c.compress(data) + c.flush() + struct.pack("<II", zlib.crc32(data), len(data) & 0xffffffff)


def gzip_of(kind, tar):
    """The bytes, and where each member's header and trailer stand."""
    sizes, level, strategy, fields, flags = [len(tar)], 6, zlib.Z_DEFAULT_STRATEGY, b"", 0
    if kind == "members":
        draw = random.Random(5)
        sizes = [draw.randrange(1, 60000) for _ in range(len(tar) // 30000 + 40)]
    elif kind == "fields":
        fields, flags = struct.pack("<H", 4) + b"extr" + b"name\0" + b"comment\0", 2 | 4 | 8 | 16
    elif kind == "fixed":
        strategy = zlib.Z_FIXED
    else:
        level = {"stored": 0, "fast": 1, "usual": 6, "best": 9}[kind]
    out, heads, trailers, off = b"", [], [], 0
    for n, size in enumerate(sizes):
        if off == len(tar) and off:
            break
        if n == len(sizes) - 1:
            size = len(tar) - off
        head, rest = member(tar[off:off + size], n % 10 if kind == "members" else level, strategy, fields, flags)
        heads.append((len(out), len(head)))
        out += head + rest
        trailers.append((len(out) - 8, 8))
        off += size
    return out, heads, trailers


def iso_of(files):
    with tempfile.TemporaryDirectory() as d:
        for name, data in files.items():
            os.makedirs(os.path.dirname(os.path.join(d, name)), exist_ok=True)
            with open(os.path.join(d, name), "wb") as f:
                f.write(data)
        return subprocess.run(["genisoimage", "-quiet", "-R", d], stdout=subprocess.PIPE, check=True).stdout


def pack(kind, files):
    if kind in GZIP:
        return gzip_of(kind, tar_of(files))
    if kind == "iso":
        data = iso_of(files)
    else:
        data = {"xz": lambda t: lzma.compress(t, preset=0), "bz2": lambda t: bz2.compress(t, 1), "tar": lambda t: t,
                "zst": lambda t: subprocess.run(["zstd", "-q", "-c", "--check"], input=t, stdout=subprocess.PIPE,
                                                check=True).stdout}[kind](tar_of(files))
    return data, [(0, 32)], [(len(data) - 32, 32)]


def kinds_here():
    missing = {"zst": "zstd", "iso": "genisoimage"}
    return [k for k in OTHER if k not in missing or shutil.which(missing[k])]


def spot(draw, data, heads, trailers):
    """A byte and a bit: a quarter each in headers and trailers, some at the start of the data, the rest anywhere."""
    where = draw.random()
    if where < 0.25:
        off, size = draw.choice(heads)
    elif where < 0.5:
        off, size = draw.choice(trailers)
    elif where < 0.65:
        off, size = draw.choice(heads)
        off, size = off + size, 40
    else:
        off, size = 0, len(data)
    return min(off + draw.randrange(size), len(data) - 1), draw.randrange(8)


def name_of(kind, n):
    return "%s-%04d" % (kind, n), "%s-%04d.%s" % (kind, n, OTHER.get(kind, "tgz"))


def put(builds, name, data, sums=None):
    path = os.path.join(builds, name)
    with open(path + ".tmp", "wb") as f:
        f.write(data)
    os.utime(path + ".tmp", (1704067200, 1704067200))
    os.rename(path + ".tmp", path)
    if sums is not None:
        sums.append("%s  %s\n" % (sums_of(data), name))


def sums_of(data):
    return hashlib.sha256(data).hexdigest()


def jobs(flips):
    """All that is made before indexing: (kind, number, how)."""
    for n in range(flips):
        yield GZIP[n % len(GZIP)], n, "flip"
    for kind in kinds_here():
        for n in range((flips + 9) // 10):
            yield kind, n, "flip"
    for kind in ("usual", "members", "xz", "tar"):      # every 1/64, and each byte of the trailer
        for n in range(64 + 9):
            yield kind, 5000 + n, "cut"


def make(builds, seed, flips, first, batch):
    files, packed, sums, plan = payload(), {}, [], {}
    for i, (kind, n, how) in enumerate(jobs(flips)):
        if not first <= i < first + batch:
            continue
        if kind not in packed:
            packed[kind] = pack(kind, files)
        data, heads, trailers = packed[kind]
        stem, name = name_of(kind, n)
        if kind in ("tar", "iso"):
            sums.append("%s  %s\n" % (sums_of(data), name))
        if how == "flip":
            off, bit = spot(random.Random("%d %s %d" % (seed, kind, n)), data, heads, trailers)
            data = data[:off] + bytes([data[off] ^ 1 << bit]) + data[off + 1:]
            plan[stem] = [kind, "bit %d of byte %d" % (bit, off)]
        else:
            cut = len(data) * (n - 5000) // 64 if n < 5064 else len(data) - (n - 5063)
            data = data[:cut]
            plan[stem] = [kind + " cut", "%d bytes" % cut]
        put(builds, name, data)
    put(builds, "sha256sums.txt", "".join(sums).encode())
    with open(os.path.join(builds, ".plan"), "w") as f:
        json.dump(plan, f)
    print(len(plan))


# ---- what is read -----------------------------------------------------------------------------------------------

class Tally:
    def __init__(self, path):
        self.path, self.v = path, json.load(open(path)) if os.path.exists(path) else {}

    def add(self, when, kind, verdict, what):
        row = self.v.setdefault("%s, %s" % (when, kind), {})
        row[verdict] = row.get(verdict, 0) + 1
        if verdict == "WRONG":
            print("WRONG: %s, %s: %s" % (when, kind, what), file=sys.stderr)

    def save(self):
        with open(self.path, "w") as f:
            json.dump(self.v, f)


def read_file(path, want, pieces):
    """right, error, absent or WRONG; what the page cache holds of it is let go first."""
    try:
        fd = os.open(path, os.O_RDONLY)
    except OSError as e:
        return verdict_of(e)
    try:
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        if os.fstat(fd).st_size != len(want):
            return "WRONG"
        for off, size in pieces + [(0, len(want))]:
            end = min(off + size, len(want))
            while off < end:        # a page that cannot be had ends a read before it; the next read says why
                part = os.pread(fd, end - off, off)
                if not part or part != want[off:off + len(part)]:
                    return "WRONG"
                off += len(part)
        return "right" if os.pread(fd, 1, len(want)) == b"" else "WRONG"
    except OSError as e:
        return verdict_of(e)
    finally:
        os.close(fd)


def verdict_of(e):
    assert e.errno in (errno.EIO, errno.ESTALE, errno.ENOENT), e
    return "absent" if e.errno == errno.ENOENT else "error"


def read_image(mnt, stem, files, draw):
    """The worst that was met."""
    top = os.path.join(mnt, "images", stem)
    try:
        names = [os.path.join("d", n) for n in os.listdir(os.path.join(top, "d"))]
    except OSError as e:
        return verdict_of(e)
    if sorted(names) != sorted(files):
        return "WRONG"
    seen = []
    for name, want in files.items():
        off = draw.randrange(len(want))
        seen.append(read_file(os.path.join(top, name), want, [(off, draw.choice((1, 4096, 200000)))]))
    return next(v for v in ("WRONG", "error", "absent", "right") if v in seen)


def check(builds, mnt, tally):
    files, t, draw = payload(), Tally(tally), random.Random(1)
    with open(os.path.join(builds, ".plan")) as f:
        plan = json.load(f)
    status = open(os.path.join(mnt, ".pxefs/status.json")).read()
    for stem, (kind, what) in plan.items():
        t.add("before indexing", kind, read_image(mnt, stem, files, draw), stem + ": " + what)
    assert '"waiting"' not in status and '"indexing"' not in status, status
    t.save()


# ---- under a live mount -----------------------------------------------------------------------------------------

class Archive:
    """One file in BUILDS, and how a bit of it is flipped and put back."""

    def __init__(self, builds, kind, stem, name, packed, files, cache, device):
        self.kind, self.stem, self.files, self.path = kind, stem, files, os.path.join(builds, name)
        self.name, self.cache, self.device, self.back, self.fd = name, cache, device, 0, -1
        self.data, self.heads, self.trailers = packed
        self.spooled = kind in SPOOLED and device is not None
        if self.spooled:
            self.data = tar_of(files)
            self.heads, self.trailers = [(0, 32)], [(len(self.data) - 32, 32)]

    def served_from(self):
        if not self.spooled:
            return self.path
        db = sqlite3.connect("file:%s/catalog.db?mode=ro" % self.cache, uri=True)
        try:
            row = db.execute("SELECT object FROM archive WHERE verdict = 'ready' AND file = ? AND mtime_ns = ?",
                             (self.name, os.stat(self.path).st_mtime_ns)).fetchone()
        finally:
            db.close()
        assert row, self.name + ": not in catalog.db"
        return "%s/spool/%010x.raw" % (self.cache, row[0])

    def find(self):
        """The file whose bytes are served; held open, so that nobody else gets its blocks while they are written to."""
        path = self.served_from()
        if self.fd >= 0 and os.path.sameopenfile(self.fd, fd := os.open(path, os.O_RDWR)):
            os.close(fd)
            return
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = os.open(path, os.O_RDWR)
        self.extents = []
        if self.device is not None:
            out = subprocess.run(["filefrag", "-v", "-b4096", path], check=True, capture_output=True, text=True).stdout
            for line in out.splitlines():
                f = line.replace("..", " ").replace(":", " ").split()
                if len(f) >= 5 and f[0].isdigit() and f[1].isdigit():
                    self.extents.append((int(f[1]), int(f[2]), int(f[3])))
            assert os.pread(self.device, 16, self.place(0)) == os.pread(self.fd, 16, 0) == self.data[:16], \
                "extents not understood: " + out

    def spot(self, draw):
        """A byte that the disk holds: none of a hole of a spool file, which has zeros in it and is no block."""
        while True:
            off, bit = spot(draw, self.data, self.heads, self.trailers)
            if self.device is None or self.extent(off) or self.data[off // 4096 * 4096:][:4096].strip(b"\0"):
                return off, bit

    def extent(self, off):
        return next((e for e in self.extents if e[0] <= off // 4096 <= e[1]), None)

    def place(self, off):
        e = self.extent(off)
        if e:
            return (e[2] + off // 4096 - e[0]) * 4096 + off % 4096
        raise SystemExit("no extent holds byte %d of %s" % (off, self.path))

    def write(self, off, byte):
        if self.device is None:
            os.pwrite(self.fd, bytes([byte]), off)
        else:
            os.pwrite(self.device, bytes([byte]), self.place(off))

    def forget(self):
        os.posix_fadvise(self.fd, 0, 0, os.POSIX_FADV_DONTNEED)

    def touch(self):        # into the past: a file that was written to just now is left alone for a second
        self.back += 1
        os.utime(self.path, (1704067200 - self.back, 1704067200 - self.back))


def number_of(mnt, a):
    """Of the image's directory: another one when the file is another."""
    try:
        return os.stat(os.path.join(mnt, "images", a.stem)).st_ino
    except OSError as e:
        return verdict_of(e)


def wait_until_all(mnt, archives, was={}):
    """Each is there, and not as what it was."""
    end, again = time.monotonic() + 90, time.monotonic() + 3
    while missing := [a for a in archives if number_of(mnt, a) in ("error", "absent", was.get(a))]:
        assert time.monotonic() < end, "did not come back: %s\n%s" % (
            [a.stem for a in missing], open(mnt + "/.pxefs/status.json").read())
        if time.monotonic() > again:       # quarantined after it was put right: a reader ahead of us had met the bit
            again = time.monotonic() + 3
            for a in missing:
                a.touch()
        time.sleep(0.05)


def live(builds, mnt, cache, device, seed, flips, tally):
    draw, t = random.Random("live %d" % seed), Tally(tally)
    small, big = payload(), payload(big=16)             # nine MiB: three checkpoints
    dev = os.open(device, os.O_RDWR) if device else None
    archives, sums = [], []
    count = min(flips, 119)
    plan = ["big" if n % 17 == 16 else GZIP[n % len(GZIP)] for n in range(count)]
    others = kinds_here()
    plan += [others[n % len(others)] for n in range(min(4, (flips + 39) // 40) * len(others))]
    packed = {kind: pack("fast", big) if kind == "big" else pack(kind, small) for kind in set(plan)}
    for n, kind in enumerate(plan):
        put(builds, name_of(kind, n)[1], packed[kind][0], sums if kind in ("tar", "iso") else None)
    put(builds, "sha256sums.txt", "".join(sums).encode())
    os.sync()
    for n, kind in enumerate(plan):
        archives.append(Archive(builds, kind, *name_of(kind, n), packed[kind], big if kind == "big" else small, cache, dev))
    wait_until_all(mnt, archives)
    done, damaged = 0, False
    while done < flips:
        now = archives[:min(count, flips - done)] + archives[count:]
        for a in now:
            a.find()
        was = {a: os.fstat(a.fd) for a in now}
        numbers = {a: number_of(mnt, a) for a in now}
        flipped = {a: a.spot(draw) for a in now}
        for a, (off, bit) in flipped.items():
            a.write(off, a.data[off] ^ 1 << bit)
        if dev is not None:
            os.fsync(dev)
        for a, (off, bit) in flipped.items():
            a.forget()
            assert os.pread(a.fd, 1, off)[0] == a.data[off] ^ 1 << bit, "the flip is not in the file"
            st = os.fstat(a.fd)
            assert a.device is None or (st.st_mtime_ns, st.st_ctime_ns) == (was[a].st_mtime_ns, was[a].st_ctime_ns)
        bad = []
        for a, (off, bit) in flipped.items():
            verdict = read_image(mnt, a.stem, a.files, draw)
            t.add("while served" if a.device is not None else "while served, written through", a.kind, verdict,
                  "%s: bit %d of byte %d" % (a.stem, bit, off))
            if verdict != "right":
                bad.append(a)
        done += len([a for a in now if a.kind in GZIP or a.kind == "big"])
        end = time.monotonic() + 20     # quarantined, and said so
        while dev is not None and not damaged and any(a.device is not None for a in bad):
            damaged = "is damaged now" in open(mnt + "/.pxefs/status.json").read()
            assert damaged or time.monotonic() < end, "no archive is reported as damaged"
        for a, (off, bit) in flipped.items():
            a.write(off, a.data[off])
        if dev is not None:
            os.fsync(dev)
        for a in now:
            a.forget()
            if a in bad or a.device is None:
                a.touch()
            else:
                del numbers[a]
        wait_until_all(mnt, archives, numbers)
    for a in archives:                  # and whole again
        a.forget()
        verdict = read_image(mnt, a.stem, a.files, draw)
        if verdict != "right":          # quarantined meanwhile
            number = number_of(mnt, a)
            a.touch()
            wait_until_all(mnt, [a], {a: number})
            verdict = read_image(mnt, a.stem, a.files, draw)
        assert verdict == "right", "%s put right: %s" % (a.stem, verdict)
    t.save()


def tally(path):
    v, total = Tally(path).v, {}
    for what in sorted(v):
        for verdict, n in v[what].items():
            total[verdict] = total.get(verdict, 0) + n
        print("%-44s %s" % (what, "  ".join("%s %d" % (k, v[what].get(k, 0)) for k in ("right", "error", "absent", "WRONG"))))
    print("%-44s %s" % ("all", "  ".join("%s %d" % (k, total.get(k, 0)) for k in ("right", "error", "absent", "WRONG"))))
    if total.get("WRONG") or not all(total.get(k) for k in ("right", "absent")):
        raise SystemExit("a wrong byte was served, or the flips hit nothing")


if __name__ == "__main__":
    what, args = sys.argv[1], sys.argv[2:]
    if what == "make":
        make(args[0], *map(int, args[1:]))
    elif what == "check":
        check(*args)
    elif what == "live":
        live(*args[:4], int(args[4]), int(args[5]), args[6])
    else:
        tally(args[0])
