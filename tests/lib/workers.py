# SPDX-License-Identifier: MPL-2.0
"""workers -- the processes of a pxefs as the kernel shows them: which one serves, what each holds, what stands in the journal.

No pgrep(1) and no ps(1): ten a second of them would be load of their own."""
import os
import shutil
import signal
import struct


def serving(keeper):
    """Process ids of the keeper's workers that serve; not the one that stands by.  pid (comm) state ppid ...: proc(5)."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as f:
                comm, rest = f.read().split("(", 1)[1].rsplit(")", 1)
        except (FileNotFoundError, ProcessLookupError):
            continue
        if comm == "pxefs-serving" and int(rest.split()[1]) == keeper:
            yield int(pid)


def upgrade(keeper, worker_path):
    """Puts a new copy of the worker's program at its path, and has the keeper take it."""
    shutil.copy(worker_path, worker_path + ".new")
    os.rename(worker_path + ".new", worker_path)
    os.kill(keeper, signal.SIGHUP)


def holds(pid):
    """What a process holds: descriptors, threads, and memory of its own in KiB (not what it maps of files and of the
    journal).  None if it is gone."""
    try:
        fds = len(os.listdir(f"/proc/{pid}/fd"))
        with open(f"/proc/{pid}/status") as f:
            lines = dict(line.split(":", 1) for line in f)
        return {"fds": fds, "threads": int(lines["Threads"]), "kib": int(lines["RssAnon"].split()[0])}
    except (FileNotFoundError, ProcessLookupError, KeyError):  # KeyError: a zombie has no memory
        return None


class Journal:
    """The slots of a mount's journal, read as fs/takeover/journal.c writes them, through the keeper's descriptor."""
    MAGIC, VERSION = 0x31306c6e6a787070, 4
    HEAD = struct.Struct("<QIII4xQ")      # magic, version, slots, slot_bytes, slots_off
    SLOT = struct.Struct("<IIIIqqQQ")     # owner, deaths, crashes, hangs, taken_ms, started_ms, done, refused; archive follows
    REQUEST_AT, REQUEST = 64, struct.Struct("<IIQQ")  # len, opcode, unique, node

    def __init__(self, keeper):
        for fd in os.listdir(f"/proc/{keeper}/fd"):
            path = f"/proc/{keeper}/fd/{fd}"
            if os.readlink(path).startswith("/memfd:pxefs-journal"):
                self.fd = os.open(path, os.O_RDONLY)
                break
        else:
            raise LookupError("the keeper holds no journal")
        magic, version, self.slots, self.slot_bytes, self.slots_off = self.HEAD.unpack(os.pread(self.fd, self.HEAD.size, 0))
        if (magic, version) != (self.MAGIC, self.VERSION):
            raise LookupError(f"the journal is of version {version}, and tests/lib/workers.py knows {self.VERSION}")

    def state(self):
        """(threads that own a slot, requests without an answer)"""
        owners, unanswered = [], []
        for i in range(self.slots):
            at = self.slots_off + i * self.slot_bytes
            slot = os.pread(self.fd, self.REQUEST_AT + self.REQUEST.size, at)
            owner, _, _, _, _, _, done, _ = self.SLOT.unpack_from(slot)
            length, opcode, unique, _ = self.REQUEST.unpack_from(slot, self.REQUEST_AT)
            if owner:
                owners.append(owner)
            if length and unique and unique != done:
                unanswered.append((opcode, unique))
        return owners, unanswered
