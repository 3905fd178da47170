#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""manybuilds.py DIRECTORY N -- N builds of a few bytes each, with stamps an hour apart, none younger than a minute."""
import datetime
import io
import os
import sys
import tarfile
import time

directory, n = sys.argv[1], int(sys.argv[2])
first = datetime.datetime(2010, 1, 1)
for i in range(n):
    stamp = (first + datetime.timedelta(hours=i)).strftime("%Y%m%dT%H%M%SZ")
    top = "platform-" + stamp
    path = os.path.join(directory, top + ".tgz")
    with tarfile.open(path, mode="w:gz", compresslevel=1) as tar:
        for name in ("i86pc/kernel/amd64/unix", "i86pc/amd64/boot_archive"):
            data = (name + " of " + stamp).encode()
            info = tarfile.TarInfo(top + "/" + name)
            info.size, info.mode = len(data), 0o644
            tar.addfile(info, io.BytesIO(data))
    os.utime(path, (time.time() - 60, time.time() - 60))
