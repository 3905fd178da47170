# SPDX-License-Identifier: MPL-2.0
"""truth -- what a client may get, decided by what was done to archives and rows, and when; not by asking pxefs.

Times are time.monotonic().  Each object is changed by one thread and asked by many."""
import hashlib
import re
import subprocess
import threading
import time

UNIX = "platform/i86pc/kernel/amd64/unix"
ARCHIVE = "platform/i86pc/amd64/boot_archive"
FILES = [UNIX, ARCHIVE, ARCHIVE + ".hash", ARCHIVE + ".manifest"]


class Version:
    """What one archive file holds, by tar."""

    def __init__(self, path, stamp):
        self.path = path
        self.files = {}
        for name in FILES:
            member = f"platform-{stamp}/" + name.removeprefix("platform/")
            self.files[name] = subprocess.run(["tar", "-xOf", path, member], check=True, stdout=subprocess.PIPE).stdout
        self.digests = {name: hashlib.sha256(data).hexdigest() for name, data in self.files.items()}

    def digest(self, name, part=None):
        """Of the file, or of the bytes @part = (first, last) of it."""
        if not part:
            return self.digests[name]
        return hashlib.sha256(self.files[name][part[0]:part[1] + 1]).hexdigest()


class Build:
    """The builds directory's file of one stamp, in the course of time."""

    def __init__(self, stamp, versions):
        self.stamp, self.versions = stamp, versions
        self.lock = threading.Lock()
        self.spans = []   # [version, since, until]: it may be served
        self.steady = []  # [since, until]: it must be served

    def _end(self, spans, version=None):
        for s in spans:
            if s[-1] is None and s[0] is not version:
                s[-1] = time.monotonic()

    def unsteady(self):
        """From now on it is being changed."""
        with self.lock:
            self._end(self.steady)

    def offer(self, version):
        """Its bytes will all be there at some moment from now on."""
        with self.lock:
            self.spans.append([version, time.monotonic(), None])

    def seen(self, version):
        """The tree shows @version, and nothing is done to it now; None: the tree shows none."""
        with self.lock:
            self._end(self.spans, version)
            if version:
                self.steady.append([time.monotonic(), None])

    def wrong(self, name, begin, end, data, part=None):
        """Why a download between @begin and @end may not have given @data (None: it failed); None if it may."""
        with self.lock:
            may = [v for v, since, until in self.spans if since <= end and (until is None or until >= begin)]
            must = any(since <= begin and (until is None or until >= end) for since, until in self.steady)
        if data is None:
            return "it failed, and stood there all the while" if must else None
        digest = hashlib.sha256(data).hexdigest()
        if digest in (v.digest(name, part) for v in may):
            return None
        return self._resembles(name, data, part) + ("" if may else ", of what should not be there")

    def _resembles(self, name, data, part):
        for n, v in enumerate(self.versions, 1):
            whole = v.files[name][part[0]:part[1] + 1] if part else v.files[name]
            if data == whole:
                return f"version {n}"
            if whole.startswith(data):
                return f"the first {len(data)} bytes of {len(whole)} of version {n}"
        return f"other bytes, {len(data)} of them"


class Menus:
    """The scripts of hosts whose properties counter and twin have the same number, ever rising."""
    MARK = re.compile(rb"(?:counter|twin)=v(\d+)")
    NEVER = 900000  # from here on: of transactions that are rolled back

    def __init__(self, hosts):
        self.lock = threading.Lock()
        self.commits = {h: [(0, 0.0, 0.0)] for h in range(1, hosts + 1)}  # (number, begun, committed)

    def begin(self, host):
        """The number to write; it may be seen from now on."""
        with self.lock:
            n = self.commits[host][-1][0] + 1
            self.commits[host].append((n, time.monotonic(), float("inf")))
        return n

    def committed(self, host):
        with self.lock:
            n, begun, _ = self.commits[host][-1]
            self.commits[host][-1] = (n, begun, time.monotonic())

    def wrong(self, host, begin, end, text):
        if text is None:
            return "it failed"
        marks = {int(m) for m in self.MARK.findall(text)}
        if len(marks) != 1 or not text.startswith(b"#!ipxe\n") or not text.endswith(b"\n"):
            return f"no whole rendering: marks {sorted(marks)}, {len(text)} bytes, ends {text[-40:]!r}"
        with self.lock:
            commits = list(self.commits[host])
        oldest = max(n for n, _, done in commits if done < begin)
        newest = max(n for n, begun, _ in commits if begun <= end)
        mark = marks.pop()
        return None if oldest <= mark <= newest else f"number {mark}, and between {oldest} and {newest} were current"
