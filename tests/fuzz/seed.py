#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""seed.py -- makes the seeds of tests/fuzz/corpus/<target>/: small, one idea each, called seed-<idea>.

What fuzzing found stands beside them as found-<what>, or here where it could be made smaller (only-empty: a null
pointer with an offset of zero).  Run it again after a change here.
"""
import bz2
import gzip
import hashlib
import io
import lzma
import os
import random
import struct
import subprocess
import tarfile
import tempfile
import zlib

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")
STAMP = b"20240101T000000Z"


def put(target, name, data):
    path = os.path.join(HERE, target)
    os.makedirs(path, exist_ok=True)
    with open(os.path.join(path, "seed-" + name), "wb") as f:
        f.write(data)


def tar(form, entries):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as t:
        for name, kind, arg in entries:
            i = tarfile.TarInfo(name)
            i.mtime = 1704067200
            i.type = kind
            if kind == tarfile.REGTYPE:
                i.size = len(arg)
                t.addfile(i, io.BytesIO(arg))
            else:
                i.linkname = arg
                t.addfile(i)
    return out.getvalue().rstrip(b"\0") + bytes(1024)


def run(*command, data=b""):
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout


def filters():
    text = b"the same again and again " * 8 + bytes(range(64))
    gz = gzip.compress(text, 6, mtime=0)
    put("gunzip", "one-member", gz)
    put("gunzip", "stored", gzip.compress(text, 0, mtime=0))
    put("gunzip", "two-members-padded", gz + gz + bytes(32))
    put("gunzip", "cut", gz[:-5])
    put("gunzip", "garbage", gz + b"garbage")
    put("gunzip", "empty", gzip.compress(b"", 6, mtime=0))
    put("gunzip", "name", b"\x1f\x8b\x08\x08" + gz[4:10] + b"name\0" + gz[10:])
    x = lzma.compress(text, check=lzma.CHECK_CRC64)
    put("gunzip", "xz", x)
    put("gunzip", "xz-two", x + bytes(4) + lzma.compress(text, check=lzma.CHECK_NONE))
    z = run("zstd", "-q", "-c", "--check", data=text)
    put("gunzip", "zstd", z)
    put("gunzip", "zstd-skippable", b"\x50\x2a\x4d\x18\x02\0\0\0ab" + z)
    put("gunzip", "bzip2", bz2.compress(text, 1))
    put("gunzip", "bzip2-two", bz2.compress(text, 1) + bz2.compress(b"", 1) + b"\0")


def put_tar(name, data):
    put("members", name, data)
    put("tar_headers", name, data)


def archives():
    F, D, S, H = tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE
    plain = [("t/", D, ""), ("t/a", F, b"content"), ("t/l", S, "a"), ("t/h", H, "t/a")]
    put_tar("ustar", tar(tarfile.USTAR_FORMAT, plain))
    put_tar("gnu-long", tar(tarfile.GNU_FORMAT, [("x" * 120, F, b"1"), ("y", S, "z" * 120)]))
    put_tar("pax", tar(tarfile.PAX_FORMAT, [("n\u00e4me/" + "x" * 110, F, b"1")]))
    put_tar("only-empty", tar(tarfile.USTAR_FORMAT, [("e", F, b""), ("t/f", F, b"")]))
    put_tar("no-end", tar(tarfile.USTAR_FORMAT, plain)[:-1024])
    put("members", "page", b"<!DOCTYPE html><html>404")
    with tempfile.TemporaryDirectory() as d:
        os.mkdir(d + "/t")
        with open(d + "/t/sparse", "wb") as f:
            f.truncate(200000)
            f.seek(100000)
            f.write(b"middle")
        for name, form in (("gnu", "gnu"), ("pax", "posix")):
            put_tar("sparse-" + name,
                run("tar", "-C", d, "-cSf", "-", "-b1", "--mtime=@0", "--format=" + form, "t/sparse"))
        with open(d + "/t/sparse", "wb") as f:
            f.write(b"small")
        put("members", "iso", run("genisoimage", "-quiet", "-R", "-no-pad", d + "/t"))


def layouts():
    def rec(kind, flags, name, link=None):
        return bytes([kind, flags]) + name + (b"\t" + link if link else b"") + b"\n"
    f, d, s, h, x = 65, 66, 67, 68, 69   # by kind % 5: file, directory, symlink, hardlink, special
    top = b"platform-" + STAMP
    build = rec(f, 99, top + b"/i86pc/kernel/amd64/unix") + rec(f, 99, top + b"/i86pc/amd64/boot_archive")
    put("layout", "build", build + rec(f, 99, top + b"/etc/version/platform") + rec(f, 99, top + b"/root.password"))
    put("layout", "iso", build.replace(top, b"platform") + rec(f, 99, b"platform/etc/version/platform") +
        rec(f, 99, b"boot/loader64.efi"))
    put("layout", "links", build + rec(s, 99, top + b"/l", b"i86pc/../l2") + rec(s, 99, top + b"/l2", b"l") +
        rec(h, 99, top + b"/h", top + b"/l") + rec(s, 99, top + b"/out", b"../../etc/passwd") + rec(x, 99, b"dev"))
    put("layout", "image", rec(d, 99, b"./d/") + rec(f, 99, b"d//linux") + rec(s, 99, b"d/l", b"/d/linux") +
        rec(f, 99, b"x/root.password") + rec(h, 99, b"also", b"x/root.password"))
    put("layout", "only-empty", rec(f, 98, b"e") + rec(f, 98, b"t/f"))
    put("layout", "hostile", rec(f, 99, b"../x") + rec(f, 99, b"a/../../b") + rec(f, 99, b"/etc/passwd"))


def sums():
    for name, algo in (("sha256", hashlib.sha256), ("md5", hashlib.md5)):
        digest = algo(b"").hexdigest().encode()
        put("sums", name, digest + b"  a.tgz\n" + digest + b" *b.iso\r\n" + digest.upper() + b" c d\n")
    put("sums", "bad", b"# comment\n\nnonsense\n" + b"a" * 64 + b"  ../x\n" + b"a" * 64 + b"  \n" + b"b" * 32 + b" x")


def deflate(data, level=6, strategy=zlib.Z_DEFAULT_STRATEGY, flush=None):
    c = zlib.compressobj(level, zlib.DEFLATED, -15, 8, strategy)
    half = len(data) // 2
    return c.compress(data[:half]) + (c.flush(flush) if flush else b"") + c.compress(data[half:]) + c.flush()


def indexes():
    draw = random.Random(1)
    noise, text = draw.randbytes(6000), bytes(draw.choice(b"abcdefgh ") for _ in range(12000))
    file, raw, pieces = b"\0", b"\1", b"\2"     # the first byte, modulo 3
    put("gzindex", "file", file + gzip.compress(text + noise[:300], 6, mtime=0))
    put("gzindex", "members", file + b"".join(gzip.compress(text[i:i + 3000], 6, mtime=0) for i in range(0, 9000, 3000)) + bytes(9))
    put("gzindex", "empty-members", file + gzip.compress(b"", 6, mtime=0) * 3 + gzip.compress(text[:4096], 9, mtime=0) +
        gzip.compress(b"", 6, mtime=0))
    put("gzindex", "stored", raw + deflate(noise, 0))
    put("gzindex", "fixed", raw + deflate(text[:5000], 6, zlib.Z_FIXED))
    put("gzindex", "flushed", raw + deflate(text, 6, flush=zlib.Z_SYNC_FLUSH))
    put("gzindex", "far", raw + deflate(noise[:4000] + bytes(28000) + noise[:4000], 9))
    put("gzindex", "cut", raw + deflate(text)[:-20])
    put("gzindex", "pieces", pieces + bytes([2, 0, 99, 18, 1, 80, 33, 2, 200, 130, 5, 255, 1, 0, 60, 144, 1, 9, 0, 0, 0]))
    index = struct.pack("=IIQIIQQII", 0x49475850, 1, 300, 4096, 1024, 0, 0, 0, 0) + struct.pack("=I", 0x64a997b4)
    put("blobs", "index", b"\0" + index)
    put("blobs", "index-two", b"\0" + struct.pack("=IIQII", 0x49475850, 1, 5000, 4096, 4096) +
        struct.pack("=QQII", 0, 0, 0, 0) + struct.pack("=QQII", 20, 4096, 7, 1) + bytes(8))
    small = run("zstd", "-q", "-c", "--no-check", "--single-thread", "--stream-size=40", data=b"state" * 8)
    put("blobs", "box-zstd", b"\1" + struct.pack("=II16x", 2, 40) + small)
    put("blobs", "box-zlib", b"\1" + struct.pack("=II16x", 1, 40) + zlib.compress(b"state" * 8, 1))
    put("blobs", "state", b"\2" + struct.pack("=QIBBxx", 5, 64, 3, 0xa0) + b"w" * 64)


def scripts():
    put("script", "plain", b"0000\ndb1\ntitle\n\n\na comment\nsmartos\ttrue\nconsole\tttyb\n-v\t\n-m\tmilestone=none\n")
    put("script", "url", b"0110\ndb1.example.com\nt\nhttp://10.0.0.1/a\n20240101T000000Z\nc\nroot_shadow\t$5$a$b,c\n")
    put("script", "hostile", b"0001\nx y\n${mac}\nhttp://a b/\n||\n\xffshell\na\t'\" ,\nb\t#x\nb\t\\\nc\t a && b\n-B\tx=y\n")
    put("script", "quotes", b"1000\nh\n\n\n\n\na\t'b'\nc\t\"d\ne\ta,'b'\nf\ta b\ng\t\n")
    put("script", "mac", b"01-02:08-20abcdef")
    put("script", "mac-bare", b"0208.20ab.cdef")
    put("script", "mac-canonical", b"02-08-20-ab-cd-ef")


filters()
indexes()
scripts()
archives()
layouts()
sums()
