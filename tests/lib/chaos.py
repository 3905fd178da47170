#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""chaos.py KEEPER_PID SIGNAL INTERVAL_MS STOP_FILE -- sends SIGNAL to the keeper's worker again and again, until STOP_FILE
is there; to one that has served for INTERVAL_MS, so that some work is done between two deaths on however slow a machine, or,
with PXEFS_KILL_CLOCK=1 in the environment, to the one that serves each INTERVAL_MS of the clock.  With SIGNAL "UPGRADE" it
makes a new copy of the program at WORKER (environment) and sends the keeper SIGHUP.
STOP_FILE.begun appears with the first.  Prints how many it sent."""
import os
import signal
import sys
import time

import workers

keeper, what, interval, stop = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]) / 1000, sys.argv[4]
by_clock = os.environ.get("PXEFS_KILL_CLOCK") == "1"
sent = 0
seen = {}  # when each worker was first seen to serve
following = time.monotonic()
while not os.path.exists(stop):
    if what == "UPGRADE":
        workers.upgrade(keeper, os.environ["WORKER"])
        sent += 1
    else:
        for pid in workers.serving(keeper):
            if not by_clock and time.monotonic() - seen.setdefault(pid, time.monotonic()) < interval:
                continue
            try:
                os.kill(pid, getattr(signal, what))
                sent += 1
                seen.pop(pid, None)
            except ProcessLookupError:
                pass
    if sent == 1:
        open(stop + ".begun", "w").close()
    following = max(following + (interval if by_clock or what == "UPGRADE" else 0.01), time.monotonic())
    time.sleep(max(0, following - time.monotonic()))
print(sent)
