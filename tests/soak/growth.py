# SPDX-License-Identifier: MPL-2.0
"""growth -- what keeper, worker and cache directory hold, once a second, and whether that grows.

A leak raises the least that is ever held, whatever load comes and goes; so the least of a quarter is compared with the least
of a later one.  Bounds, each with its reason:"""
import csv
import os
import threading
import time

import workers

# The keeper has a fixed set of descriptors, and one or two for a successor: fewer while one dies after the other, hence 2. One
# lost with each death, or each upgrade, would be dozens. Its memory is its tables.
KEEPER = {"fds": 2, "threads": 0, "kib": 512}
# One worker, with nobody killed: libfuse's ten threads and a few jobs come and go; what it has decoded is bounded by memory=
# (64 MiB) and need not be full at first, hence CEILING_KIB; each archive that was removed or replaced keeps its file open for an
# hour, 64 of them at most (catalog/publish.c).
WORKER = {"threads": 10}
RETIRED_MAX = 64
CEILING_KIB = 128 << 10   # what the project promises of any load
# A successor of all that, against the first worker, both after one reading of everything.  Threads are libfuse's, made as
# they are needed; memory varies by what is just decoded.
WORKER_AGAIN = {"fds": 12, "threads": 10, "kib": 24 << 10}
# catalog.db, its WAL, the copy of the inventory and a spool file are some 30 MB here; nothing of an archive that is gone stays.
CACHE_KIB = 96 << 10


def disk_kib(top):
    total = 0
    for folder, _, names in os.walk(top):
        for name in names:
            try:
                total += os.lstat(os.path.join(folder, name)).st_blocks // 2
            except FileNotFoundError:
                pass
    return total


class Sampler(threading.Thread):
    def __init__(self, keeper, cache, path, world):
        super().__init__(name="sampler")
        self.keeper, self.cache, self.path, self.world = keeper, cache, path, world
        self.rows, self.calm_at, self.calm_retired = [], None, 0

    def calm(self):
        """From now on nobody is killed: the worker that serves is the last."""
        self.calm_at = time.monotonic()
        self.calm_retired = self.world.figures["removals"] + self.world.figures["replaced"]

    def run(self):
        with open(self.path, "w", newline="", buffering=1) as f:
            out = csv.writer(f)
            out.writerow(["second", "keeper_fds", "keeper_threads", "keeper_kib", "worker", "fds", "threads", "kib", "cache_kib"])
            while not self.world.over.is_set():
                pid = next(workers.serving(self.keeper), None)
                keeper, worker = workers.holds(self.keeper), pid and workers.holds(pid)
                if keeper and worker:
                    self.rows.append((time.monotonic(), keeper, pid, worker, disk_kib(self.cache)))
                    out.writerow([round(time.monotonic() - self.world.began), *keeper.values(), pid, *worker.values(), self.rows[-1][4]])
                self.world.over.wait(1)

    def _least(self, which, what, since, until):
        values = [row[which][what] for row in self.rows if since <= row[0] < until]
        return min(values) if values else None

    def _grew(self, name, which, bounds, begin, end):
        """Of the time between, the second quarter (the first is for warming up) and the last."""
        quarter = (end - begin) / 4
        for what, more in bounds.items():
            before = self._least(which, what, begin + quarter, begin + 2 * quarter)
            after = self._least(which, what, end - quarter, end)
            if before is None or after is None:
                yield f"{name}: too few samples"
            elif after > before + more:
                yield f"the {name}'s {what} grew from {before} to {after}"

    def judge(self, figures):
        end = self.rows[-1][0] + 1
        yield from self._grew("keeper", 1, KEEPER, self.rows[0][0], end)
        last = [row for row in self.rows if row[0] > self.calm_at + 1]
        if len({row[2] for row in last}) != 1:
            yield "the last worker died by itself"
        retired = figures["removals"] + figures["replaced"] - self.calm_retired
        yield from self._grew("worker", 3, WORKER | {"fds": min(RETIRED_MAX, retired) + 6}, self.calm_at, end)
        if (most := max(row[3]["kib"] for row in self.rows)) > CEILING_KIB:
            yield f"a worker held {most} KiB"
        if (most := max(row[4] for row in self.rows)) > CACHE_KIB:
            yield f"the cache directory held {most} KiB"

    def summary(self):
        if not self.rows:
            return "nothing was sampled"
        parts = []
        for name, which in ("keeper", 1), ("worker", 3):
            for what in "fds", "threads", "kib":
                values = [row[which][what] for row in self.rows]
                parts.append(f"{name} {what} {min(values)} to {max(values)}")
        return ", ".join(parts) + f", cache {max(row[4] for row in self.rows)} KiB at most"
