#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# With room for fewer files than there are archives: what fits is served byte for byte, what does not says why, the daemon stays.
# With room for next to nothing it either serves or refuses to start with a line that says so; it never crashes.
# (Too few for the worker even to say why: then the line is only that the worker ended, with which status.)
. "$PXEFS_TESTLIB"
need python3
_need_isolation "a mount"
[ -w /dev/fuse ] || skip "no /dev/fuse"
mkbuild 20240101T000000Z -s 1
# Sixty archives, all different builds.
python3 - "$TGZ" "$BUILDS" <<'END'
import io, sys, tarfile
for n in range(60):
    stamp = "202402%02dT%02d0000Z" % (n % 28 + 1, n // 28)
    with tarfile.open("%s/platform-%s.tgz" % (sys.argv[2], stamp), "w:gz", compresslevel=1) as t:
        for name in "i86pc/kernel/amd64/unix", "i86pc/amd64/boot_archive", "etc/version/platform":
            i = tarfile.TarInfo("platform-%s/%s" % (stamp, name))
            body = (stamp + " " + name).encode() if "version" not in name else stamp.encode()
            i.size = len(body)
            t.addfile(i, io.BytesIO(body))
END
sql "INSERT INTO host (hostname) VALUES ('db1'); INSERT INTO nic (mac, host) VALUES ('020820000001', 1);"
chown "$PXEFS_USER:" "$CACHE"
at_exit _end_pxefs
started=0 refused=0
for n in 8 16 32 48 80 256; do
        rm -rf "$CACHE"/* "$CACHE"/.[!.]*
        status=0
        # Hard as well: the worker raises its own.
        ( ulimit -n $n && exec timeout 60 "$PXEFS" -o "inventory=$INVENTORY,cache=$CACHE,user=$PXEFS_USER,wait" "$BUILDS" "$MNT" ) \
                2>"$DIR/log" || status=$?
        if [ $status -ne 0 ]; then
                [ $status -eq 1 ] || fail "$n files: exit status $status: $(cat "$DIR/log")"
                grep -qi 'open files\|shared librar\|worker process ended' "$DIR/log" || fail "$n files: refused, but it does not say why: $(cat "$DIR/log")"
                ! grep -q 'chmod\|chown\|may not\|wal_checkpoint' "$DIR/log" ||
                        fail "$n files: refused with a command that would not help: $(cat "$DIR/log")"
                ! mountpoint -q "$MNT" || fail "$n files: refused, and something is left mounted"
                wait_for 10 _no_pxefs || fail "$n files: refused, and something still runs"
                refused=$((refused + 1))
                continue
        fi
        started=$((started + 1))
        pids="$(keeper_pid) $(worker_pid)"
        python3 - "$MNT" $n <<'END' || fail "with $n files: $(tail -n 3 "$DIR/log")"
import json, os, sys
mnt = sys.argv[1]
def get(path):
    try:
        return open(mnt + path).read()
    except OSError as e: # an answer too, as long as it is one
        assert e.errno in (5, 12, 23, 24, 116), (path, e)
        return None
served = [b for b in os.listdir(mnt + "/smartos") if b.startswith("202402")]
for b in served:
    for name in "kernel/amd64/unix", "amd64/boot_archive":
        text = get("/smartos/%s/platform/i86pc/%s" % (b, name))
        assert text in (None, "%s i86pc/%s" % (b, name)), (b, text)
status = get("/.pxefs/status.json")
script = get("/hosts/02-08-20-00-00-01/menu.ipxe")
assert script is None or script.startswith("#!ipxe"), script
if status:
    for a in json.loads(status)["archives"]:
        assert a["state"] != "refused" or "files" in a["reason"], a
print("%s files: %d builds of 60 served%s%s" % (sys.argv[2], len(served), "" if script else ", no script", "" if status else ", no status"))
assert int(sys.argv[2]) < 256 or (len(served) == 60 and script and status)
END
        [ "$(keeper_pid) $(worker_pid)" = "$pids" ] || fail "with $n files a process fell"
        umount "$MNT"
        wait_for 10 _no_pxefs || fail "$n files: it does not end"
done
echo "$started limits served, $refused refused to start"
[ $started -gt 2 ] || fail "hardly any limit lets it start"
