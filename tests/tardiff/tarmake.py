# SPDX-License-Identifier: MPL-2.0
"""tarmake -- tar archives made at random, byte by byte: every dialect, whole or wrong in one place with checksums that hold.

make(seed) gives the archive's bytes and whether it is sound: then GNU tar must read it, and pxefs must serve it.
"""
import random

BLOCK = 512
NAMES = ["a", "b", "dir/c", "dir/sub/d", "./e", "dir//f", "x" * 90 + "/y" * 30, "n\u00e4me", "with space", "dir/" + "l" * 120,
         "p/q/r", "z" * 101]
SIZES = [0, 1, 14, 511, 512, 513, 1500, 4096]


def octal(value, width):
    return b"%0*o\0" % (width - 1, value)


def base256(value, width):
    return bytes([0xff if value < 0 else 0x80]) + (value & (1 << 8 * (width - 1)) - 1).to_bytes(width - 1, "big")


def seal(block):
    """The block with a checksum that holds."""
    b = bytearray(block)
    b[148:156] = b" " * 8
    b[148:156] = b"%06o\0 " % sum(b)
    return bytes(b)


def pad(data):
    return data + bytes(-len(data) % BLOCK)


def records(pairs):
    out = b""
    for key, value in pairs:
        body = b" " + key.encode() + b"=" + (value if isinstance(value, bytes) else str(value).encode()) + b"\n"
        n = len(body)
        while len(str(n)) + len(body) != n:
            n = len(str(n)) + len(body)
        out += str(n).encode() + body
    return out


class Maker:
    def __init__(self, seed):
        self.draw = random.Random(seed)
        self.out = b""
        self.form = self.draw.choice(["v7", "ustar", "gnu", "pax", "gnu", "pax"])
        self.files = []
        self.dirs = set()

    def header(self, name, kind, size, link=b"", form=None, prefix=b"", mtime=None, more=()):
        form = form or self.form
        h = bytearray(BLOCK)
        h[0:100] = name[:100].ljust(100, b"\0")
        h[100:108] = octal(self.draw.choice([0o755, 0o4755]), 8)
        h[108:116] = h[116:124] = octal(0, 8)
        h[124:136] = octal(size, 12) if self.draw.random() < 0.9 or form == "v7" else base256(size, 12)
        h[136:148] = octal(self.draw.randrange(1 << 31) if mtime is None else mtime, 12)
        h[156:157] = kind
        h[157:257] = link[:100].ljust(100, b"\0")
        if form in ("ustar", "pax"):
            h[257:265] = b"ustar\00000"
            h[345:500] = prefix.ljust(155, b"\0")
        elif form == "gnu":
            h[257:265] = b"ustar  \0"
        for off, data in more:
            h[off:off + len(data)] = data
        return seal(h)

    def extended(self, kind, data, form=None):
        name = {b"L": b"././@LongLink", b"K": b"././@LongLink"}.get(kind, b"PaxHeaders/x")
        self.out += self.header(name, kind, len(data), form=form) + pad(data)

    def member(self, name, kind=b"0", data=b"", link="", pairs=(), size=None, more=()):
        name, link = name.encode(), link.encode()
        pairs, prefix = list(pairs), b""
        if len(name) > 100 and self.form == "ustar" and b"/" in name[-101:-1]:
            at = name.index(b"/", len(name) - 101)
            if at <= 155:
                prefix, name = name[:at], name[at + 1:]
        if self.form == "gnu":
            if len(name) > 100:
                self.extended(b"L", name + b"\0")
            if len(link) > 100:
                self.extended(b"K", link + b"\0")
        elif self.form == "pax":
            if len(name) > 100 or (not name.isascii() and self.draw.random() < 0.5):
                pairs.append(("path", name))
            if len(link) > 100:
                pairs.append(("linkpath", link))
            if self.draw.random() < 0.4:
                pairs.append(("mtime", self.draw.choice(["1700000000.5", "1", "-1.25", "1234567890", "0.999"])))
            if self.draw.random() < 0.3:
                pairs.append((self.draw.choice(["comment", "atime", "uname", "SCHILY.ino", "LIBARCHIVE.creationtime"]), 12))
            if kind == b"0" and size is None and data and self.draw.random() < 0.2:
                pairs.append(("size", len(data)))
        if pairs:
            self.extended(self.draw.choice([b"x", b"x", b"x", b"X"]), records(pairs))
        if self.draw.random() < 0.5 and kind == b"0" and self.form == "v7":
            kind = b"\0"
        self.out += self.header(name, kind, len(data) if size is None else size, link, prefix=prefix, more=more) + pad(data)

    def content(self):
        return self.draw.randbytes(self.draw.choice(SIZES))

    def fresh_name(self):
        name = self.draw.choice(NAMES) + self.draw.choice(["", "", "1", "2"])
        if self.form in ("v7", "ustar") and len(name) > 90:
            name = name[:40]
        return name

    def file(self):
        name = self.fresh_name()
        self.member(name, data=self.content())
        self.files.append(name)

    def again(self):
        """tar c with a file named twice; tar r; a second name."""
        if not self.files:
            return self.file()
        old = self.draw.choice(self.files)
        what = self.draw.randrange(4)
        if what == 0:
            self.member(old, data=self.content())
        elif what == 1:
            self.member(old, b"1", link=old)
        elif what == 2:
            self.member(old + "-link", b"1", link=old)
            self.files.append(old + "-link")
        else:
            self.member(self.draw.choice(self.files), b"1", link=old)

    def symlink(self):
        name = "s%d" % self.draw.randrange(4)
        self.member(name, b"2", link=self.draw.choice(self.files or ["nothing"]))
        self.files.append(name)

    def directory(self):
        self.member(self.draw.choice(["newdir/", "dir/", "dir", "p/", "d" * 60 + "/"]), b"5")

    def special(self):
        self.member("fifo%d" % self.draw.randrange(3), b"6")

    def regions(self):
        """A sparse file's map, its content, its size; as GNU tar writes them."""
        at, out, data = 0, [], b""
        for i in range(self.draw.choice([1, 2, 5, 30])):
            at += 512 * self.draw.randrange(1, 9)
            n = 512 * self.draw.randrange(1, 4)
            out.append((at, n))
            data += self.draw.randbytes(n)
            at += n
        if self.draw.random() < 0.5:
            out[-1] = (out[-1][0], out[-1][1] - 100)
            data = data[:-100]
            at -= 100
        else:
            at += 700
            out.append((at, 0))
        return out, data, at

    def sparse_gnu(self):
        regions, data, size = self.regions()
        cells = [octal(o, 12) + octal(n, 12) for o, n in regions]
        first, rest = b"".join(cells[:4]), cells[4:]
        name = self.fresh_name()[:90]
        keep, self.form = self.form, "gnu"
        h = self.header(name.encode(), b"S", len(data),
                        more=[(386, first), (482, b"\1" if rest else b"\0"), (483, octal(size, 12))])
        self.out += h
        while rest:
            block, rest = rest[:21], rest[21:]
            self.out += b"".join(block).ljust(504, b"\0") + (b"\1" if rest else b"\0") + bytes(7)
        self.out += pad(data)
        self.form = keep
        self.files.append(name)

    def sparse_pax(self):
        regions, data, size = self.regions()
        name = self.fresh_name()
        version = self.draw.choice(["0.0", "0.1", "1.0", "1.0"])
        if version == "1.0":
            pairs = [("GNU.sparse.major", 1), ("GNU.sparse.minor", 0), ("GNU.sparse.name", name.encode()),
                     ("GNU.sparse.realsize", size)]
            text = "\n".join(str(n) for n in [len(regions)] + [n for r in regions for n in r]) + "\n"
            data = pad(text.encode()) + data
        else:
            pairs = [("GNU.sparse.size", size), ("GNU.sparse.numblocks", len(regions))]
            if version == "0.0":
                for o, n in regions:
                    pairs += [("GNU.sparse.offset", o), ("GNU.sparse.numbytes", n)]
            else:
                pairs += [("GNU.sparse.name", name.encode()), ("GNU.sparse.map", ",".join("%d,%d" % r for r in regions))]
        keep, self.form = self.form, "pax"
        self.extended(b"x", records(pairs))
        self.out += self.header(b"GNUSparseFile.0/x" if version != "0.0" else name.encode()[:100], b"0", len(data)) + pad(data)
        self.form = keep
        self.files.append(name if version != "0.0" else name[:100])

    def global_header(self):
        keep, self.form = self.form, "pax"
        self.extended(b"g", records([self.draw.choice([("comment", "0" * 40), ("mtime", 5), ("atime", 3), ("uid", 7)])]))
        self.form = keep

    def sound(self):
        kinds = [self.file] * 6 + [self.again] * 3 + [self.symlink, self.directory, self.special]
        if self.form == "gnu":
            kinds += [self.sparse_gnu] * 2
        if self.form == "pax":
            kinds += [self.sparse_pax] * 2 + [self.global_header]
        for i in range(self.draw.randrange(1, 9)):
            self.draw.choice(kinds)()
        self.file()
        return self.out

    # ---- what is wrong ---------------------------------------------------------------------------

    FIELDS = {"name": (0, 100), "size": (124, 136), "mtime": (136, 148), "type": (156, 157),
              "link": (157, 257), "magic": (257, 265), "prefix": (345, 500), "sparse": (386, 482), "extended": (482, 483),
              "realsize": (483, 495), "times": (475, 500)}
    RECORDS = [("path", b"other"), ("linkpath", b"b"), ("size", 5), ("size", 600), ("mtime", b""), ("path", b""),
               ("GNU.sparse.realsize", 900), ("GNU.sparse.size", 3), ("SCHILY.realsize", 900), ("SCHILY.realsize", 3),
               ("GNU.sparse.map", b"0,5"), ("GNU.sparse.numblocks", 1), ("GNU.sparse.major", 1), ("GNU.sparse.minor", 0),
               ("GNU.sparse.name", b"sparse"), ("SUN.holesdata", b" 0 1 2"), ("hdrcharset", b"BINARY"), ("a\0b", b"c"),
               ("path", b"n\0ul"), ("GNU.dumpdir", b"Ya\0\0"), ("GNU.volume.filename", b"v")]

    def odd_record(self):
        keep, self.form = self.form, "pax"
        self.extended(self.draw.choice([b"x", b"g", b"X"]), records(self.draw.sample(self.RECORDS, self.draw.randrange(1, 4))))
        self.form = keep

    def odd_header(self):
        """A special header where none is expected."""
        kind = self.draw.choice([b"L", b"K", b"V", b"A", b"M", b"N", b"D", b"Z", b"7", b"S", b"1", b"2", b"5"])
        data = self.draw.choice([b"other\0", b"", b"0", self.content()])
        self.extended(kind, data)

    def wrong(self):
        kinds = [self.file, self.again, self.symlink, self.directory, self.sparse_gnu, self.sparse_pax, self.odd_record,
                 self.odd_header]
        for i in range(self.draw.randrange(1, 7)):
            self.draw.choice(kinds)()
        self.file()
        return self.out

    def headers(self, data):
        """Where blocks look like headers."""
        for off in range(0, len(data) - 511, BLOCK):
            h = data[off:off + BLOCK]
            if any(h) and seal(h)[148:154] == h[148:154]:
                yield off

    def damage(self, data):
        at = list(self.headers(data))
        if not at:
            return data
        b = bytearray(data)
        for i in range(self.draw.choice([1, 1, 2])):
            off = self.draw.choice(at)
            lo, hi = self.FIELDS[self.draw.choice(list(self.FIELDS))]
            how = self.draw.randrange(6)
            if how == 0:
                b[off + lo + self.draw.randrange(hi - lo)] = self.draw.randrange(256)
            elif how == 1:
                b[off + lo:off + hi] = octal(self.draw.choice([0, 1, 5, 511, 512, 513, 1024, 1 << 20]), 12)[-(hi - lo):].ljust(hi - lo, b"\0")
            elif how == 2:
                b[off + lo:off + hi] = bytes(hi - lo)
            elif how == 3:
                b[off + lo:off + hi] = b" " * (hi - lo)
            elif how == 4:
                b[off + 156] = self.draw.choice(b"0123456789SxgLKVDMXA\0")
            else:
                b[off + lo:off + hi] = base256(self.draw.choice([-1, 5, 512, 1 << 40]), hi - lo) if hi - lo > 1 else b"9"
            b[off:off + BLOCK] = seal(b[off:off + BLOCK])
        if self.draw.random() < 0.15:
            return bytes(b[:self.draw.randrange(len(b))])
        if self.draw.random() < 0.2:
            i = self.draw.randrange(len(b))
            b[i] = self.draw.randrange(256)
        return bytes(b)


def make(seed):
    m = Maker(seed)
    what = m.draw.random()
    if what < 0.35:
        return m.sound() + bytes(1024), True
    data = m.sound() if what < 0.7 else m.wrong()
    if what < 0.9:
        data = m.damage(data)
    return data + bytes(1024), False
