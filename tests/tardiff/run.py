#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""run.py -- archives made at random: what pxefs shows of each is what GNU tar unpacks, in names, bytes, sizes and times, or
it is refused with a reason.  What is sound, or was made by tar, bsdtar, Python or busybox, must not be refused; and nothing
that all of these read alike may be refused for a reason that is not in REFUSED_KNOWINGLY.

    run.py --show-tree build/tests/tardiff/show_tree                  20 seconds, from a seed of its own
    run.py --show-tree ... --seed 1 --count 900 --seconds 150         these seeds, as the suite does: it must not depend on luck
    run.py --show-tree ... --seconds 600 --seed 1                     longer, from there
    run.py --show-tree ... --one 4711 --keep /tmp/x                   that archive again, left in /tmp/x; -v: what is refused

A mismatch prints its seed.  Put the archive's form into tests/unit/archive/test_tar_headers.c then.
"""
import argparse
import collections
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import warnings

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tarmake  # noqa: E402

BIG = 64 << 20
LAST_TIME = (1 << 34) - (1 << 31) - 1  # of ext4: 34 bits from 1901 on
# Refused though GNU tar, bsdtar, Python and busybox unpack the same.  Each has a row in docs/layout.md.
REFUSED_KNOWINGLY = [
    "tries to leave its directory", "holds nothing", "directory and something else", "goes through a name that is no directory",
    "leads through a symbolic link", "no multiple of 512", "ends elsewhere than the file", "gives all members one",
    "SUN.holesdata", "is no file, and has a file's content", "has fields of a sparse file in its header", "to nothing at all",
]


def content(path, size):
    if size > BIG:
        return "-"
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def is_shown(name):
    return not any(c < 0x20 or c == 0x7f for c in name) and name.count(b"/") < 64


def unpacked(root):
    """What stands below @root, links followed, as show_tree would print it: name -> (kind, mtime, size, content).  A directory
    that holds nothing but names that are not shown is "d?": it may be there because of one of them alone."""
    tree, root = {}, os.path.realpath(root).encode()
    for where, dirs, files in os.walk(root):
        for name in dirs + files:
            path = os.path.join(where, name)
            shown = path[len(root) + 1:]
            target = os.path.realpath(path)
            if not is_shown(shown) or not (target + b"/").startswith(root + b"/") or not os.path.exists(target):
                continue
            st = os.stat(target)
            if os.path.isdir(target) and not os.path.islink(path):
                below = [os.path.join(w, n)[len(root) + 1:] for w, d, f in os.walk(path) for n in f or [b"."] * (not d)]
                tree[shown] = ("d",) if any(map(is_shown, below)) else ("d?",)
            elif os.path.isfile(target):
                tree[shown] = ("f", min(st.st_mtime_ns // 10**9, LAST_TIME), st.st_size, content(target, st.st_size))
    return tree


def fresh(path):
    shutil.rmtree(path, ignore_errors=True)
    os.mkdir(path)
    return path


def unpack(command, archive, to):
    """Exit status and tree."""
    run = subprocess.run(command + [archive], cwd=fresh(to), stdin=subprocess.DEVNULL, capture_output=True,
                         env=dict(os.environ, LC_ALL="C", TZ="UTC"))
    return run.returncode, unpacked(to)


def gnu(archive, to):
    return unpack(["tar", "--no-same-owner", "-xf"], archive, to)


def by_python(archive, to):
    fresh(to)
    try:
        with warnings.catch_warnings(), tarfile.open(archive, "r:") as t:
            warnings.simplefilter("ignore")
            for m in t:
                m.uid = m.gid = os.getuid()
                t.extract(m, to)
    except (tarfile.TarError, OSError, ValueError, KeyError, EOFError, RecursionError):
        return None
    return unpacked(to)


def others_agree(archive, to, tree):
    """Whether bsdtar, busybox and Python unpack @tree as well; times are left out, they round them as they like."""
    def plain(t):
        return {n: v[:1] + v[2:] for n, v in t.items()}
    for command in (["bsdtar", "--no-same-owner", "-xf"], ["busybox", "tar", "-xf"]):
        if shutil.which(command[0]):
            status, theirs = unpack(command, archive, to)
            if status != 0 or plain(theirs) != plain(tree):
                return False
    return plain(by_python(archive, to) or {}) == plain(tree)


class Shower:
    """show_tree, kept running."""
    def __init__(self, program):
        self.proc = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def show(self, archive):
        """The tree, or None and the reason of the refusal."""
        self.proc.stdin.write(archive.encode() + b"\n")
        self.proc.stdin.flush()
        lines = []
        while True:
            line = self.proc.stdout.readline()
            if not line:
                raise SystemExit("show_tree ended at %s" % archive)
            if line == b".\n":
                break
            lines.append(line.rstrip(b"\n"))
        if not lines[0].startswith(b"served"):
            return None, lines[0][8:].decode(errors="replace")
        tree = {}
        for line in lines[1:]:
            kind, mtime, size, name, digest = line.decode().split(" ")
            time_held = max(-1 << 31, min(int(mtime), LAST_TIME))
            tree[bytes.fromhex(name)] = ("d",) if kind == "d" else ("f", time_held, int(size), digest)
        return tree, None


def differences(want, got):
    for name in sorted(set(want) | set(got)):
        if want.get(name) != got.get(name) and not (want.get(name) == ("d?",) and got.get(name) in (None, ("d",))):
            yield "  %s: GNU tar %s, pxefs %s" % (name.decode(errors="backslashreplace"), want.get(name), got.get(name))


class Run:
    def __init__(self, options, work):
        self.o, self.work, self.bad = options, work, 0
        self.shower = Shower(options.show_tree)
        self.count = collections.Counter()
        self.reasons = collections.Counter()
        self.t, self.u = os.path.join(work, "gnu"), os.path.join(work, "other")

    def wrong(self, name, what, lines=()):
        print("%s: %s" % (name, what), *list(lines)[:20], sep="\n")
        self.bad += 1

    def judge(self, name, archive, sound):
        tree, reason = self.shower.show(archive)
        status, want = gnu(archive, self.t)
        self.count["served" if tree is not None else "refused"] += 1
        if tree is not None:
            self.count["served, GNU tar complains" if status else "served, GNU tar content"] += 1
            if status:  # then it leaves times as they come, and directories for what it could not make
                want, tree = ({n: v[2:] for n, v in t.items() if v[0] == "f"} for t in (want, tree))
            found = list(differences(want, tree))
            if found:
                self.wrong(name, "GNU tar (exit status %d) unpacks something else" % status, found)
            return
        self.reasons[re.sub(r"[0-9]+", "N", reason.split(": ", 1)[-1])] += 1
        if self.o.verbose:
            print("%s: refused: %s" % (name, reason))
        if status:
            return
        if sound and want:
            self.wrong(name, "it is sound, and refused: %s" % reason)
        elif not any(known in reason for known in REFUSED_KNOWINGLY) and others_agree(archive, self.u, want):
            self.wrong(name, "all unpack the same, and it is refused: %s" % reason)

    def made(self, seed):
        data, sound = tarmake.make(seed)
        path = os.path.join(self.work, "%d.tar" % seed)
        with open(path, "wb") as f:
            f.write(data)
        self.judge("seed %d" % seed, path, sound)
        if not self.o.keep:
            os.unlink(path)

    def by_tools(self):
        """A directory of all kinds of files, packed by each archiver in each of its forms."""
        d = os.path.join(self.work, "tree")
        os.makedirs(d + "/t/sub/" + "l" * 120)
        for name, size in [("t/a", 5), ("t/sub/b", 0), ("t/sub/" + "l" * 120 + "/" + "m" * 90, 700), ("t/\u00fc", 9000)]:
            with open(os.path.join(d, name), "wb") as f:
                f.write(os.urandom(size))
        with open(d + "/t/sparse", "wb") as f:
            for at in range(65536, 3000000, 131072):
                f.seek(at)
                f.write(b"x" * 4096)
            f.truncate(3210000)
        os.link(d + "/t/a", d + "/t/sub/hard")
        os.symlink("sub/b", d + "/t/soft")
        os.mkfifo(d + "/t/fifo")
        pax = ["tar", "--format=pax"]
        for i, command in enumerate(
                [["tar", "--format=" + f] for f in ("gnu", "oldgnu", "pax")] +
                [["tar", "-S", "--format=" + f] for f in ("gnu", "oldgnu", "pax")] +
                [pax + ["-S", "--sparse-version=" + v] for v in ("0.0", "0.1", "1.0")] +
                [pax + ["--pax-option=globexthdr.name=g,comment=c"], pax + ["--pax-option=mtime=7"], ["tar", "-V", "label"],
                 pax + ["-V", "label"], ["tar", "--xattrs"], ["tar", "--format=ustar", "--exclude=l*"],
                 ["tar", "--format=v7", "--exclude=l*"]] +
                [["bsdtar", "--format=" + f] for f in ("gnutar", "pax", "ustar")] + [["busybox", "tar"]]):
            for names in (["t"], ["t", "t/a", "t/soft"]):
                if not shutil.which(command[0]):
                    continue
                path = os.path.join(self.work, "tool.tar")
                if os.path.exists(path):
                    os.unlink(path)
                subprocess.run(command + ["-cf", path] + names, cwd=d, stderr=subprocess.DEVNULL)
                self.judge(" ".join(command + names), path, True)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--show-tree", required=True)
    p.add_argument("--seconds", type=float, default=20)
    p.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "little"))
    p.add_argument("--count", type=int, default=1 << 62)
    p.add_argument("--one", type=int)
    p.add_argument("--keep")
    p.add_argument("-v", "--verbose", action="store_true")
    o = p.parse_args()
    end = time.monotonic() + o.seconds
    with tempfile.TemporaryDirectory() as d:
        run = Run(o, o.keep or d)
        if o.one is not None:
            run.made(o.one)
        else:
            run.by_tools()
            n = 0
            while time.monotonic() < end and run.bad < 10 and n < o.count:
                run.made(o.seed + n)
                n += 1
            print("seeds %d to %d" % (o.seed, o.seed + n - 1), dict(run.count))
    if o.verbose:
        for reason, n in run.reasons.most_common():
            print("%6d %s" % (n, reason))
    if run.count["served"] < 1 + (o.one is None) * 20 and not o.one:
        raise SystemExit("too little was served to say anything")
    raise SystemExit(1 if run.bad else 0)


if __name__ == "__main__":
    main()
