#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""parent.py WHAT... -- PROGRAM ARGUMENTS: executes PROGRAM as careless or strange parents do.  WHAT is any of

  closed         descriptors 0, 1 and 2 are closed
  leaking        forty descriptors are open that are none of the program's business
  ignored        every signal that can be ignored is, SIGCHLD among them
  blocked        every signal that can be blocked is
  umask          of 0777: nobody may do anything with what is made
  env            there is no environment
  tty            it is a session of its own, without a terminal, below /
  soft:NAME=N    the soft limit RLIMIT_NAME is N, the hard one stays
  hard:NAME=N    both are N"""
import os
import resource
import signal
import sys

at = sys.argv.index("--")
program, env = sys.argv[at + 1:], dict(os.environ)
for what in sys.argv[1:at]:
    if what == "closed":
        os.closerange(0, 3)
    elif what == "leaking":
        for _ in range(40):
            os.set_inheritable(os.dup(os.open("/etc/passwd", os.O_RDONLY)), True)
    elif what == "ignored":
        for sig in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(sig, signal.SIG_IGN)
    elif what == "blocked":
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    elif what == "umask":
        os.umask(0o777)
    elif what == "env":
        env = {}
    elif what == "tty":
        os.setsid()
        os.chdir("/")
    else:
        kind, _, rest = what.partition(":")
        name, _, value = rest.partition("=")
        limit = getattr(resource, "RLIMIT_" + name)
        hard = resource.getrlimit(limit)[1]
        resource.setrlimit(limit, (int(value), int(value) if kind == "hard" else hard))
os.execve(program[0], program, env)
