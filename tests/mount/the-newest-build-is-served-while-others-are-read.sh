#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# Of several archives the newest is served while the oldest is still being read; status.json tells how far that is.
#
# bzip2 decodes some 20 MB a second, so a bzip2 archive is a slow one in an honest way.
. "$PXEFS_TESTLIB"
need bzip2 python3
mkbuild 20230303T000000Z -F tar -s 96
bzip2 -1 <"$TGZ" >"$BUILDS/platform-20230303T000000Z.tar.bz2"
rm "$TGZ"
slow=$(stat -c %s "$BUILDS/platform-20230303T000000Z.tar.bz2")
mkbuild 20240101T000000Z -s 1
mkbuild 20240202T000000Z -s 1
touch -d '1 hour ago' "$BUILDS"/*
MOUNT_WAIT='' mount_pxefs -o poll=1
python3 - "$MNT" "$slow" <<'END'
import json, os, sys, time
mnt, slow = sys.argv[1], int(sys.argv[2])
new, old = "20240202T000000Z", "20230303T000000Z"
seen, served_between, last = [], False, None
end = time.monotonic() + 60
while not os.path.exists(mnt + "/smartos/" + old):
    assert time.monotonic() < end, "never served: " + open(mnt + "/.pxefs/status.json").read()
    status = json.load(open(mnt + "/.pxefs/status.json"))
    for r in status["reading"]:
        if old in r["file"]:
            assert r["total_bytes"] == 2 * slow, r
            assert r["since"].endswith("Z") and r["since"] > "2024", r
            seen.append(r["read_bytes"])
            if new in status["builds"]:
                unix = mnt + "/smartos/" + new + "/platform/i86pc/kernel/amd64/unix"
                served_between |= len(open(unix, "rb").read()) == os.stat(unix).st_size > 0
    time.sleep(0.02)
assert served_between, "the newest was not served while the oldest was read: %s" % seen
assert seen == sorted(seen) and seen[-1] <= 2 * slow, seen
assert len([s for s in set(seen) if 0 < s < 2 * slow]) >= 2, "no progress was seen: %s" % seen
while True:
    status = json.load(open(mnt + "/.pxefs/status.json"))
    if not status["reading"]:
        break
    assert time.monotonic() < end, status
    time.sleep(0.02)
assert status["queued"] == 0 and len(status["builds"]) == 3, status
END
