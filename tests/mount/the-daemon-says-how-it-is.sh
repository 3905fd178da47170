#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# /.pxefs says how the daemon is: whole texts through a stock server while everything changes, no secret and no host's data,
# and pxectl status gives the verdict without ever hanging.
. "$PXEFS_TESTLIB"
need python3 sqlite3 curl
mkbuild 20240101T000000Z -s 1
face=$MNT/.pxefs

# 1. What must never be told.
hash='$5$saltsaltsalt$NotARealHashButItLooksLikeOne0000000000000'
sql "INSERT INTO host (hostname, uuid, comment) VALUES ('db1-hidden', '4c4c4544-0042-3010-8054-b4c04f4e5331', 'hidden-comment');
     INSERT INTO nic (mac, host, ip) SELECT '02:08:20:0a:0b:0c', id, '10.9.8.7' FROM host;
     INSERT INTO property (profile, name, value) VALUES (1, 'root_shadow', '$hash');
     INSERT INTO property (host, name, value) SELECT id, 'hidden_property', 'hidden-value' FROM host;
     INSERT INTO module (host, name, content, secret) SELECT id, 'hidden-module', 'hidden-content', 1 FROM host;"
mount_pxefs -o wait
status() { "$PXECTL" -c "$CACHE" status "$@"; }
exits()
{
        want=$1
        shift
        code=0
        status "$@" >"$DIR/out" 2>"$DIR/err" || code=$?
        [ "$code" -eq "$want" ] || fail "pxectl status $*: exit $code, not $want: $(cat "$DIR/out" "$DIR/err")"
}
says() { grep -qF -- "$1" "$DIR/out" "$DIR/err" || fail "wants '$1': $(cat "$DIR/out" "$DIR/err")"; }
tells_no_secret()
{
        for file in status.json metrics index.html; do
                [ -s "$face/$file" ] || fail "$file is empty"
                if grep -qiF -e "$hash" -e hidden -e 02-08-20 -e 02:08:20 -e 0208200a0b0c -e 10.9.8.7 -e 4c4c4544 "$face/$file"; then
                        fail "$1: $file tells too much: $(cat "$face/$file")"
                fi
        done
}
cat "$MNT/hosts/02-08-20-0a-0b-0c/menu.ipxe" | grep -qF "$hash" || fail "the test is blind: the script has no hash"
cat "$MNT/hosts/02-08-20-0a-0b-0c/why" "$MNT/by-name/db1-hidden/why" >/dev/null
tells_no_secret "all is well"
[ "$(ls -A "$face" | tr '\n' ' ')" = 'index.html metrics status.json ' ] || fail ".pxefs lists: $(ls -A "$face")"
exits 0
says 'the only build is served'
says "mount      $MNT"
says 'inventory  live, hosts: 1, NICs: 1'
exits 0 -x "$MNT/"
[ "$(cat "$DIR/out")" = 'the only build is served' ] || fail "-x: $(cat "$DIR/out")"
exits 0 --json
cmp "$DIR/out" "$face/status.json" || fail "--json is not status.json"
! command -v promtool >/dev/null || promtool check metrics <"$face/metrics" || fail "promtool complains"

sed -n 's/^# TYPE \([^ ]*\) .*/\1/p' "$face/metrics" "$PXEFS_SRC/tests/golden/status-full.metrics" | sort -u >"$DIR/metrics"
[ "$(wc -l <"$DIR/metrics")" -gt 30 ] || fail "hardly a metric"
while read -r metric; do
        grep -qF -- "\`$metric" "$PXEFS_SRC/docs/operating.md" || fail "docs/operating.md does not name $metric"
done <"$DIR/metrics"
# The other way round: what the page names is there, once something was read. Only while an archive is read:
# pxefs_archive_*; only with a copy of the inventory, for which the next part waits: pxefs_inventory_copy_*.
sed -n 's/^| \(`pxefs_.*\)/\1/p' "$PXEFS_SRC/docs/operating.md" | sed 's/ | .*//' | grep -o 'pxefs_[a-z_]*' |
        grep -v -e '^pxefs_archive_' -e '^pxefs_inventory_copy_' >"$DIR/named"
[ "$(wc -l <"$DIR/named")" -gt 25 ] || fail "the page names hardly a metric"
kernel=$MNT/smartos/20240101T000000Z/platform/i86pc/amd64/boot_archive
cat "$kernel" >/dev/null
echo 3 >/proc/sys/vm/drop_caches # the kernel's copy: the next read finds it in the chunk cache
head -c 4096 "$kernel" >/dev/null
named_are_there()
{
        while read -r metric; do
                grep -q "^# TYPE $metric " "$face/metrics" || { missing=$metric; return 1; }
        done <"$DIR/named"
        for metric in pxefs_chunk_hits_total pxefs_decoded_bytes_total; do
                missing="$metric above 0"
                grep -q "^$metric [1-9]" "$face/metrics" || return 1
        done
}
wait_for 5 named_are_there || fail "docs/operating.md names a metric that is not there: $missing"

# 2. A lasting state is one text, whatever is counted meanwhile; what is counted is seen in a second.
count() { sed -n 's/^pxefs_request_errors_total{error="absent"} //p' "$face/metrics"; }
grew() { [ "$(count)" -gt "$before" ]; }
before=$(count)
wait_for 20 grep -q '"copy_of": "' "$face/status.json" || fail "no copy of the inventory is made" # an event
was=$(stat -c '%i %s %Y' "$face/status.json" "$face/index.html")
[ ! -e "$MNT/no-such-name" ]
wait_for 5 grew || fail "an absent name is not counted: $before, $(count)"
[ "$(stat -c '%i %s %Y' "$face/status.json" "$face/index.html")" = "$was" ] || fail "status.json changed without an event"

# 3. These texts do not push out what machines were promised.
written() { sed -n 's/^pxefs_text_ring_written_bytes_total //p' "$face/metrics"; }
before=$(written)
for _ in 1 2 3 4 5 6 7 8 9 10; do
        cat "$face"/* >/dev/null
done
before_count=$(count)
[ ! -e "$MNT/no-such-name" ]
more() { [ "$(count)" -gt "$before_count" ]; }
wait_for 5 more || fail "no newer metrics"
[ "$(written)" = "$before" ] || fail "the texts of .pxefs went into the ring of menus: $before, $(written)"

# 4. Through nginx, while archives come and go and the counters run: whole, with the size that was announced, and no two
#    texts under one tag. Which is promised for ten changes more than there are seconds (docs/operating.md): here the clock has
#    passed all earlier ones, and two archives make eight at most (waiting, read, ready, gone).
NGINX_SERVER="location = /.pxefs/metrics { alias $MNT/.pxefs/metrics; types { } default_type \"text/plain; version=0.0.4\"; }"
start_nginx "$MNT"
curl -sS -D - -o /dev/null "$HTTP/.pxefs/metrics" | grep -qi '^content-type: text/plain; version=0.0.4' ||
        fail "not the content type that operating.md promises"
mkdir "$DIR/later"
for day in 2 3; do
        mkbuild "2024020${day}T000000Z" -s 1
        mv "$TGZ" "$DIR/later"
done
ahead=$(stat -c %Y "$face/metrics")
passed() { [ "$(date +%s)" -gt "$ahead" ]; } # which does not look at the file: that would make another
wait_for 15 passed || fail "metrics are of the time $ahead, $(date +%s) is now"
python3 - "$HTTP/.pxefs/" "$BUILDS" "$DIR/later" "$MNT" <<'END' || fail "scraping while things change"
import hashlib, http.client, json, os, shutil, sys, threading, time, urllib.parse
url, builds, later, mnt = urllib.parse.urlparse(sys.argv[1]), *sys.argv[2:]
wrong, seen, gets = [], {}, {}
lock = threading.Lock()
stop = threading.Event()

def whole(name, body):
    if name == "status.json":
        return json.loads(body)["version"]
    if name == "metrics":
        return body.startswith(b"# HELP pxefs_healthy") and body.endswith(b"\n") and b"request_errors_total{error=\"other\"}" in body
    return body.startswith(b"<!DOCTYPE html>") and body.endswith(b"</html>\n")

def scrape(name):
    c = http.client.HTTPConnection(url.hostname, 80, timeout=20)
    while not stop.is_set():
        try:
            c.request("GET", url.path + name)
            r = c.getresponse()
            body = r.read()
            assert r.status == 200, r.status
            assert len(body) == int(r.headers["Content-Length"]), "cut: %d of %s" % (len(body), r.headers["Content-Length"])
            assert whole(name, body), body
            tag = (name, r.headers["ETag"])
            with lock:
                assert seen.setdefault(tag, hashlib.sha256(body).digest()) == hashlib.sha256(body).digest(), "two texts, one tag"
                gets[name] = gets.get(name, 0) + 1
        except Exception as e:
            wrong.append("%s: %r" % (name, e))
            return

threads = [threading.Thread(target=scrape, args=(n,)) for n in ("status.json", "metrics", "index.html") for _ in range(2)]
for t in threads: t.start()
end = time.monotonic() + 60
for name in sorted(os.listdir(later)):
    n = len(os.listdir(os.path.join(mnt, "smartos")))
    shutil.copy(os.path.join(later, name), os.path.join(builds, name))
    while len(os.listdir(os.path.join(mnt, "smartos"))) == n and time.monotonic() < end and not wrong:
        time.sleep(0.05)
for name in os.listdir(later):
    os.unlink(os.path.join(builds, name))
while len([t for t in seen if t[0] == "metrics"]) < 4 and time.monotonic() < end and not wrong:
    time.sleep(0.05)
stop.set()
for t in threads: t.join()
texts = {n: len([t for t in seen if t[0] == n]) for n in gets}
print(gets, "texts:", texts, file=sys.stderr)
assert not wrong, wrong
assert texts["status.json"] >= 4 and texts["metrics"] >= 4, texts
END

# 5. A conditional GET: 304 while the state lasts, 200 when an archive is refused.
curl -sS -D "$DIR/head" -o /dev/null "$HTTP/.pxefs/status.json"
etag=$(sed -n 's/^[Ee][Tt]ag: //p' "$DIR/head" | tr -d '\r')
code() { curl -sS -o /dev/null -w '%{http_code}' -H "If-None-Match: $etag" "$HTTP/.pxefs/status.json"; }
[ "$(code)" = 304 ] || fail "not 304 for a lasting state: $(code)"
head -c 50000 "$DIR/later/platform-20240202T000000Z.tgz" >"$BUILDS/platform-20240202T000000Z.tgz"
refused() { grep -q '"state": "refused"' "$face/status.json"; }
wait_for 15 refused || fail "not refused: $(cat "$face/status.json")"
[ "$(code)" = 200 ] || fail "304 for other bytes"
exits 1 -x
says '1 of 2 archives is refused: platform-20240202T000000Z.tgz: '
says '; action: wait if it is still being copied; otherwise copy it again, or remove it'
[ "$(wc -l <"$DIR/out")" -eq 1 ] || fail "-x is not one line"
grep -qx 'pxefs_healthy 0' "$face/metrics" || fail "metrics say it is healthy"
grep -qx 'pxefs_archives{state="refused"} 1' "$face/metrics" || fail "metrics do not count it"
grep -q 'is refused: platform-20240202T000000Z.tgz' "$face/index.html" || fail "the page does not say it"
tells_no_secret "an archive is refused"

# 6. An inventory that is lost is told at once, without what was in it.
mv "$DIR/inventory" "$DIR/aside"
mkdir "$DIR/inventory"
chown "$PXEFS_USER:" "$DIR/inventory"
cat "$MNT/hosts/02-08-20-0a-0b-0c/menu.ipxe" >/dev/null 2>&1 || :
inventory_told() { status -x | grep -q '^the inventory '; }
wait_for 5 inventory_told || fail "a lost inventory is not told: $(status -x)"
tells_no_secret "the inventory is lost"
rmdir "$DIR/inventory"
mv "$DIR/aside" "$DIR/inventory"

# 7. A daemon that hangs or is dead does not hang who asks.
_pids=$(pxefs_pids)
for _pid in $_pids; do kill -STOP "$_pid"; done
begun=$(date +%s)
exits 2 "$MNT"
[ $(($(date +%s) - begun)) -lt 10 ] || fail "pxectl status hung"
says 'does not answer within 5 s; action: '
for _pid in $_pids; do kill -KILL "$_pid" 2>/dev/null || :; done # the keeper takes the others along
wait_for 10 _no_pxefs
# A mount that nobody serves, if the kernel kept one; else none.
exits 2
exits 2 -x "$MNT"
! mountpoint -q "$MNT" && ! [ -e "/proc/self/mountinfo" ] || says 'action: '
while grep -qF " $MNT " /proc/self/mountinfo; do umount -l "$MNT" || break; done
exits 2
says 'pxefs is not running (and 1 more problem); action: start it: pxefs BUILDS_DIR MOUNTPOINT'
says 'refused    platform-20240202T000000Z.tgz'
exits 2 --json --cache "$CACHE"
python3 -m json.tool <"$DIR/out" >/dev/null || fail "no JSON: $(cat "$DIR/out")"
exits 2 --cache "$DIR/nowhere"
exits 2 "$DIR"
exits 2 --frobnicate
exits 2 --cache
exits 2 "$MNT" --cache "$CACHE"
