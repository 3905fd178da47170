#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Archives that are made to harm their reader.

    hostile_archive.py KIND OUT [N]

    ce-loop      an ISO: a continuation area (SUSP, CE) that continues in itself: time without end
    ce-names     the same, and each round makes a name longer (Rock Ridge, NM): memory without end
    circle       an ISO: a directory that holds itself
    claims       an ISO whose directory says it is N bytes long (default 3 GiB); the file is sparse
    sparse-map   a .tgz of a member whose map of holes has N entries (default 20 million)
    members      a .tgz of N empty files (default 1 million)
    empty-gzip   a .tgz, then N empty gzip members (default 20 million)
    ordinary     an ISO with nothing wrong, to show that the others are refused for what is wrong with them
"""
import gzip
import struct
import sys
import tarfile

SECTOR = 2048
ROOT, AREA, SUB, DATA, SECTORS = 20, 21, 22, 23, 28


def both(n, size):
    form = {2: "H", 4: "I"}[size]
    return struct.pack("<" + form, n) + struct.pack(">" + form, n)


def susp(sig, payload):
    return sig + bytes([4 + len(payload), 1]) + payload


def px(mode):
    return susp(b"PX", both(mode, 4) + both(1, 4) + both(0, 4) + both(0, 4))


def nm(name, more=False):
    return susp(b"NM", bytes([1 if more else 0]) + name)


def ce(sector, offset, length):
    return susp(b"CE", both(sector, 4) + both(offset, 4) + both(length, 4))


def record(name, sector, size, is_dir, use=b""):
    pad = b"" if len(name) % 2 else b"\0"
    body = (b"\0" + both(sector, 4) + both(size, 4) + bytes([124, 1, 1, 0, 0, 0, 0]) + bytes([2 if is_dir else 0, 0, 0]) +
            both(1, 2) + bytes([len(name)]) + name + pad + use)
    body += b"\0" * ((len(body) + 1) % 2)
    return bytes([len(body) + 1]) + body


def iso(root_extra=b"", area=b"", sub_size=SECTOR, sub_entries=b"", size=SECTORS * SECTOR):
    """The sectors of an image of @size bytes with a file `a` and a directory `d`."""
    out = bytearray(SECTORS * SECTOR)

    def put(sector, data):
        assert len(data) <= SECTOR
        out[sector * SECTOR:sector * SECTOR + len(data)] = data

    pvd = bytearray(SECTOR)
    pvd[0:7] = b"\x01CD001\x01"
    pvd[8:72] = b" " * 64
    pvd[80:88] = both((size + SECTOR - 1) // SECTOR, 4)
    pvd[120:124] = pvd[124:128] = both(1, 2)
    pvd[128:132] = both(SECTOR, 2)
    pvd[132:140] = both(10, 4)
    pvd[140:144] = struct.pack("<I", 18)
    pvd[148:152] = struct.pack(">I", 19)
    pvd[156:190] = record(b"\0", ROOT, SECTOR, True)
    pvd[881] = 1
    put(16, bytes(pvd))
    put(17, b"\xffCD001\x01")
    put(18, struct.pack("<BBIH", 1, 0, ROOT, 1) + b"\0\0")
    put(19, struct.pack(">BBIH", 1, 0, ROOT, 1) + b"\0\0")
    put(ROOT, record(b"\0", ROOT, SECTOR, True, susp(b"SP", b"\xbe\xef\0") + px(0o40755)) +
        record(b"\1", ROOT, SECTOR, True, px(0o40755)) +
        record(b"A.;1", DATA, 6, False, px(0o100644) + nm(b"a") + root_extra) +
        record(b"D", SUB, sub_size, True, px(0o40755) + nm(b"d")))
    put(AREA, area)
    put(SUB, record(b"\0", SUB, sub_size, True, px(0o40755)) + record(b"\1", ROOT, SECTOR, True, px(0o40755)) +
        (sub_entries or record(b"B.;1", DATA, 6, False, px(0o100644) + nm(b"b"))))
    put(DATA, b"hello\n")
    return bytes(out)


def write(path, data, size=0):
    with open(path, "wb") as f:
        f.write(data)
        if size > len(data):
            f.truncate(size)


def pax(records):
    out = b""
    for key, value in records:
        rest = f" {key}={value}\n".encode()
        n = len(rest) + 1
        while len(str(n)) + len(rest) != n:
            n = len(str(n)) + len(rest)
        out += str(n).encode() + rest
    return out


def header(name, size, kind=b"0"):
    t = tarfile.TarInfo(name)
    t.size, t.type, t.mode = size, kind, 0o644
    return t.tobuf(tarfile.USTAR_FORMAT)


def padding(n):
    return b"\0" * (-n % 512)


def sparse_map(path, n):
    records = pax([("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "sp"),
                   ("GNU.sparse.realsize", "0")])
    head = f"{n}\n".encode()
    size = len(head) + 4 * n
    with gzip.open(path, "wb", compresslevel=9) as out:
        out.write(header("PaxHeaders/sp", len(records), b"x") + records + padding(len(records)))
        out.write(header("GNUSparseFile.0/sp", size + len(padding(size))) + head)
        for left in range(n, 0, -65536):
            out.write(b"0\n0\n" * min(left, 65536))
        out.write(padding(size) + b"\0" * 1024)


def members(path, n):
    with gzip.open(path, "wb", compresslevel=1) as out:
        for i in range(n):
            out.write(header(f"d{i // 1000:04}/file-{i:07}", 0))
        out.write(b"\0" * 1024)


def empty_gzip(path, n):
    none = gzip.compress(b"", mtime=0)
    with open(path, "wb") as out:
        out.write(gzip.compress(header("a", 6) + b"hello\n" + padding(6) + b"\0" * 1024, mtime=0))
        for left in range(n, 0, -10000):
            out.write(none * min(left, 10000))


def main(kind, path, n=None):
    if kind == "ordinary":
        write(path, iso())
    elif kind == "ce-loop":
        write(path, iso(root_extra=ce(AREA, 0, 28), area=ce(AREA, 0, 28)))
    elif kind == "ce-names":
        area = nm(b"x" * 200, more=True)
        use = ce(AREA, 0, len(area) + 28)
        write(path, iso(root_extra=use, area=area + use))
    elif kind == "circle":
        write(path, iso(sub_entries=record(b"D", SUB, SECTOR, True, px(0o40755) + nm(b"d")) +
                        record(b"E", ROOT, SECTOR, True, px(0o40755) + nm(b"e"))))
    elif kind == "claims":
        n = n or 3 << 30
        write(path, iso(sub_size=n, size=n + SECTORS * SECTOR), n + SECTORS * SECTOR)
    elif kind == "sparse-map":
        sparse_map(path, n or 20_000_000)
    elif kind == "members":
        members(path, n or 1_000_000)
    elif kind == "empty-gzip":
        empty_gzip(path, n or 20_000_000)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) == 4 else None)
