#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""debugger.py KEEPER_PID run|hold STOP_FILE -- attaches to all threads of each worker that serves, as gdb -p does, and lets
them run, or to those of the first worker and holds them where they are, until STOP_FILE is there.  As a debugger at its prompt
does, it waits for none that dies: they stay zombies, and the parent cannot wait for the worker.  Prints how many workers it
attached to."""
import ctypes
import os
import sys
import time

import workers

PTRACE_CONT, PTRACE_ATTACH, WALL = 7, 16, 0x40000000

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
keeper, what, stop = int(sys.argv[1]), sys.argv[2], sys.argv[3]
attached = set()


def attach(pid):
    """All its threads.  False if it died just now."""
    for tid in map(int, os.listdir(f"/proc/{pid}/task")):
        if libc.ptrace(PTRACE_ATTACH, tid, None, None) < 0:
            return False
        os.waitpid(tid, WALL)
        if what == "run":
            libc.ptrace(PTRACE_CONT, tid, None, None)
    return True


while not os.path.exists(stop):
    for pid in workers.serving(keeper):
        if pid in attached or (what == "hold" and attached):
            continue
        try:
            if attach(pid):
                attached.add(pid)
        except (FileNotFoundError, ChildProcessError):
            pass
    time.sleep(0.005)
print(len(attached))
