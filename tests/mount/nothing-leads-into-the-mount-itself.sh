#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# A link among the builds or in static= that leads into the mount itself is one name that is absent: whoever follows it would
# wait for himself, and with him the directory, other machines, a takeover. Made at run time or before the start, relative,
# absolute, through another link, a bind mount, a directory above; with an empty dentry cache, in which nothing is found by luck.
. "$PXEFS_TESTLIB"
need python3 curl
_need_isolation "a mount"
mkbuild 20240101T000000Z -s 2
mkdir "$STATIC/sub" "$DIR/bound"
echo plain >"$STATIC/plain"
echo deep >"$STATIC/sub/plain"
ln -s plain "$STATIC/good"
sql "INSERT INTO host (hostname) VALUES ('one'); INSERT INTO nic (mac, host) VALUES ('02-00-00-00-00-01', 1)"
host=hosts/02-00-00-00-00-01/menu.ipxe

start()
{
        chown "$PXEFS_USER:" "$CACHE"
        "$PXEFS" -f -o "inventory=$INVENTORY,cache=$CACHE,static=$STATIC,user=$PXEFS_USER,wait" "$BUILDS" "$MNT" 2>"$DIR/log" &
        wait_for 30 grep -q 'pxefs: ready$' "$DIR/log" || fail "it does not start: $(cat "$DIR/log")"
}
at_exit _end_pxefs
at_exit 'umount -l "$DIR/bound" "$STATIC/sub/bound" "$STATIC/sub/file" 2>/dev/null'

names='absolute relative linked above bound-link deep sub/again sub/bound sub/file'
make_links()
{
        ln -s "$MNT/autoexec.ipxe" "$STATIC/absolute"
        ln -s ../tftpboot/menu.ipxe "$STATIC/relative"
        ln -s absolute "$STATIC/linked"
        ln -s "$MNT/../tftpboot/../tftpboot/menu.ipxe" "$STATIC/above"
        ln -s "$DIR/bound/menu.ipxe" "$STATIC/bound-link"
        ln -s "$MNT/smartos/20240101T000000Z/platform/etc/version/platform" "$STATIC/deep"
        ln -s ../relative "$STATIC/sub/again"
        ln -s "$MNT/smartos/20240101T000000Z/platform/i86pc/amd64/boot_archive" "$BUILDS/platform-linked.tgz"
        ln -s platform-linked.tgz "$BUILDS/platform-again.tgz"
        ln -s "$MNT/.pxefs/status.json" "$BUILDS/sha256sums.txt"
}
bind()
{
        mount --bind "$MNT" "$DIR/bound"
        mkdir -p "$STATIC/sub/bound"
        : >"$STATIC/sub/file"
        mount --bind "$MNT/hosts" "$STATIC/sub/bound"
        mount --bind "$MNT/menu.ipxe" "$STATIC/sub/file"
}

# How long it takes in the worst of some rounds, each with an empty cache, what a machine and its neighbours ask for.
cat >"$DIR/ask.py" <<'PY'
import os, subprocess, sys, threading, time
mnt, host, names, rounds, limit = sys.argv[1], sys.argv[2], sys.argv[3].split(), int(sys.argv[4]), float(sys.argv[5])
worst, errors = 0.0, []
def timed(what, f):
    global worst
    begun = time.monotonic()
    try:
        f()
    except Exception as e:
        errors.append(f"{what}: {e}")
    took = time.monotonic() - begun
    worst = max(worst, took)
    if took > limit:
        errors.append(f"{what} took {took:.1f} s")
def absent(name):
    try:
        os.stat(f"{mnt}/{name}")
    except FileNotFoundError:
        return
    raise Exception("it is there")
def listed(d):
    got = os.listdir(f"{mnt}/{d}")
    bad = [n for n in names if os.path.dirname(n) == d.lstrip("/") and os.path.basename(n) in got]
    assert not bad and "plain" in got, f"listed: {got}"
def holds(path, text):
    with open(f"{mnt}/{path}") as f:
        assert text in f.read()
def fetch(url, text):
    assert text in subprocess.run(["curl", "-sS", "--fail", "--max-time", "20", url], check=True, capture_output=True, text=True).stdout
for _ in range(rounds):
    with open("/proc/sys/vm/drop_caches", "w") as f:
        f.write("2")
    jobs = [("ls /", lambda: listed("")), ("ls /sub", lambda: listed("sub")), ("plain", lambda: holds("plain", "plain")),
            ("good", lambda: holds("good", "plain")), ("menu", lambda: holds(host, "#!ipxe")),
            ("tftp", lambda: fetch(f"tftp://127.0.0.1/{host}", "#!ipxe")), ("http", lambda: fetch(f"http://127.0.0.1/{host}", "#!ipxe"))]
    jobs += [(n, lambda n=n: absent(n)) for n in names]
    threads = [threading.Thread(target=timed, args=j) for j in jobs]
    for t in threads: t.start()
    for t in threads: t.join()
print(f"{worst:.2f} s at worst")
if errors:
    sys.exit("\n".join(errors[:10]))
PY
ask()           # ROUNDS SECONDS
{
        timeout 120 python3 "$DIR/ask.py" "$MNT" "$host" "$names" "$1" "$2" || fail "$3: $(cat "$DIR/log")"
}
told()
{
        grep -q '"static_absent": 9,' "$MNT/.pxefs/status.json"
}
builds_told()
{
        [ "$(grep -c '"file": "platform-\(linked\|again\).tgz".*"state": "refused".*it leads into the mount' "$MNT/.pxefs/status.json")" -eq 2 ] &&
                grep -q '"note": "sha256sums.txt: .*it leads into the mount' "$MNT/.pxefs/status.json"
}
well()
{
        grep -q '"healthy": true' "$MNT/.pxefs/status.json"
}

# Made at run time.
start
start_tftpd "$MNT"
start_nginx "$MNT"
wait_for 10 well || fail "not well at first: $(cat "$MNT/.pxefs/status.json")"
make_links
bind
ask 5 3 "made at run time"
wait_for 10 told || fail "not told: $(cat "$MNT/.pxefs/status.json")"
wait_for 10 builds_told || fail "not told of the builds: $(cat "$MNT/.pxefs/status.json")"
for name in $names; do
        grep -q "$STATIC/$name is not shown: it leads into the mount" "$DIR/log" || fail "the log does not tell of $name: $(cat "$DIR/log")"
done
[ "$(grep -c "$STATIC/absolute is not shown" "$DIR/log")" -eq 1 ] || fail "told more than once: $(cat "$DIR/log")"
code=0
"$PXECTL" doctor "$MNT" >"$DIR/out" || code=$?
[ $code -eq 3 ] && grep -q 'FAIL.*9 names in static= are not shown: first .*it leads into the mount' "$DIR/out" || fail "doctor, $code: $(cat "$DIR/out")"
code=0
"$PXECTL" -c "$CACHE" status "$MNT" >"$DIR/out" || code=$?
[ $code -eq 1 ] && grep -q 'it leads into the mount' "$DIR/out" || fail "pxectl status, $code: $(cat "$DIR/out")"
[ "$(readlink "$MNT/smartos/latest")" = 20240101T000000Z ] || fail "the good build is not served"
mkbuild 20240102T000000Z -s 1
newer() { [ "$(readlink "$MNT/smartos/latest")" = 20240102T000000Z ]; }
wait_for 10 newer || fail "a good build beside such links does not come: $(cat "$DIR/log")"

# Workers die all the time, each successor looks for the first time.
python3 "$PXEFS_SRC/tests/lib/chaos.py" "$(keeper_pid)" SIGKILL 100 "$DIR/stop" >"$DIR/killed" &
chaos=$!
wait_for 10 test -e "$DIR/stop.begun"
ask 5 15 "with takeovers"
: >"$DIR/stop"
wait "$chaos"
[ "$(cat "$DIR/killed")" -ge 5 ] || fail "only $(cat "$DIR/killed") workers were killed"
echo "# workers killed: $(cat "$DIR/killed")"
ask 1 3 "after takeovers"
wait_for 15 told || fail "not told after takeovers: $(cat "$MNT/.pxefs/status.json")"

# The next start finds them all.
stop_group "$TFTPD_PID"
stop_group "$NGINX_PID"
umount "$STATIC/sub/file" "$STATIC/sub/bound" "$DIR/bound"
umount_pxefs
start
start_tftpd "$MNT"
start_nginx "$MNT"
bind
ask 2 3 "after a start"
wait_for 10 told || fail "not told after a start: $(cat "$MNT/.pxefs/status.json")"
grep -q "$STATIC/absolute is not shown: it leads into the mount" "$DIR/log" || fail "not logged after a start: $(cat "$DIR/log")"

# Mended.
umount "$STATIC/sub/file" "$STATIC/sub/bound" "$DIR/bound"
rmdir "$STATIC/sub/bound"
rm "$BUILDS/platform-linked.tgz" "$BUILDS/platform-again.tgz" "$BUILDS/sha256sums.txt"
for name in absolute relative linked above bound-link deep sub/again; do
        rm "$STATIC/$name"
done
wait_for 15 well || fail "not well once they are gone: $(cat "$MNT/.pxefs/status.json")"
stop_group "$TFTPD_PID"
stop_group "$NGINX_PID"
