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
import subprocess
import tarfile
import tempfile

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


def archives():
    F, D, S, H = tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE
    plain = [("t/", D, ""), ("t/a", F, b"content"), ("t/l", S, "a"), ("t/h", H, "t/a")]
    put("members", "ustar", tar(tarfile.USTAR_FORMAT, plain))
    put("members", "gnu-long", tar(tarfile.GNU_FORMAT, [("x" * 120, F, b"1"), ("y", S, "z" * 120)]))
    put("members", "pax", tar(tarfile.PAX_FORMAT, [("n\u00e4me/" + "x" * 110, F, b"1")]))
    put("members", "only-empty", tar(tarfile.USTAR_FORMAT, [("e", F, b""), ("t/f", F, b"")]))
    put("members", "no-end", tar(tarfile.USTAR_FORMAT, plain)[:-1024])
    put("members", "page", b"<!DOCTYPE html><html>404")
    with tempfile.TemporaryDirectory() as d:
        os.mkdir(d + "/t")
        with open(d + "/t/sparse", "wb") as f:
            f.truncate(200000)
            f.seek(100000)
            f.write(b"middle")
        for name, form in (("gnu", "gnu"), ("pax", "posix")):
            put("members", "sparse-" + name,
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


filters()
archives()
layouts()
sums()
