#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# 300 000 rows on one host, or a cell of 64 MiB whose key lies where others' are searched: twelve clients ask for that host
# without a pause, and every other one is answered, right and soon; no worker dies, and its memory stays within bounds.
. "$PXEFS_TESTLIB"
need python3
mkbuild 20240101T000000Z -s 1
sql "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
       INSERT INTO host (hostname) SELECT 'h' || i FROM n;
     INSERT INTO nic (host, mac, ip) SELECT id, printf('02000000%04x', id), '10.0.' || (id / 250) || '.' || (id % 250 + 1) FROM host;" >/dev/null
mount_pxefs
worker=$(worker_pid)

# ask right|fail: the slowest of 200 other menus, while twelve ask for host 500's: these may get EIO, since of questions that take long
# two are asked at once, and few wait (pool.h). One that asks alone is answered, and right, unless it is a host that must fail.
ask()
{
        python3 - "$MNT" "$1" <<'END'
import errno, sys, threading, time
mnt, may_fail = sys.argv[1], sys.argv[2] == 'fail'
menu = lambda i: '%s/hosts/02-00-00-00-%02x-%02x/menu.ipxe' % (mnt, i >> 8, i & 255)
stop, wrong = threading.Event(), []
def bad():
    while not stop.is_set():
        try: text = open(menu(500)).read()
        except OSError as e:
            if e.errno != errno.EIO: wrong.append(e)
        else:
            if 'h500' not in text and not may_fail: wrong.append(text)
threads = [threading.Thread(target=bad) for _ in range(12)]
for t in threads: t.start()
slowest = 0
for i in list(range(400, 500)) + list(range(501, 601)):
    t = time.monotonic()
    text = open(menu(i)).read()
    slowest = max(slowest, time.monotonic() - t)
    if 'h%d' % i not in text: wrong.append(text)
stop.set()
for t in threads: t.join()
try: text = open(menu(500)).read()
except OSError as e: text = str(e)
if 'h500' not in text and not may_fail: wrong.append('alone: ' + text)
print('the slowest of 200 others: %.0f ms' % (slowest * 1000))
if wrong: print('%d wrong answers, the first:' % len(wrong), wrong[0])
sys.exit(1 if wrong or slowest > 2 else 0) # by itself it takes some 10 ms; the machine may have other things to do
END
}

unhurt()
{
        [ "$(worker_pid)" = "$worker" ] || fail "$1: the worker is another"
        peak=$(awk '/^VmHWM/ { print $2 }' "/proc/$worker/status")
        [ "$peak" -lt 131072 ] || fail "$1: the worker took $peak KiB"
}

# hang SQL: without triggers and checks, as somebody's script may write rows.
hang()
{
        sqlite3 "$INVENTORY" "PRAGMA ignore_check_constraints = 1; PRAGMA writable_schema = 1;
                DELETE FROM sqlite_schema WHERE type = 'trigger'; PRAGMA writable_schema = RESET; BEGIN; $1; COMMIT;" ||
                fail "$1"
}
# From before, with which the copy answers where a key is in the way.
copied() { [ "$(sqlite3 -readonly "file:$(ls "$CACHE"/inventory-*.db)?immutable=1" 'SELECT count(*) FROM nic' 2>&1)" = 1000 ]; }
wait_for 20 copied || fail "no copy of the inventory was made"
hang "INSERT INTO nic (host, mac) VALUES (500, '02-00-00-00-01-f4' || printf('%.*c', 67108864, 'x'))"
ask right || fail "a cell of 64 MiB"
unhurt "a cell of 64 MiB"
hang "DELETE FROM nic WHERE length(mac) > 17"
many='WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) INSERT INTO'
hang "$many property (host, name, value) SELECT 500, 'p' || i, 'v' FROM n"
ask right || fail "300 000 properties"
unhurt "300 000 properties"
hang "DELETE FROM property; $many nic (host, mac, ip) SELECT 500, printf('02-01-%02x-%02x-%02x-%02x', i >> 24, i >> 16 & 255, i >> 8 & 255, i & 255), '10.9.9.9' FROM n"
ask fail || fail "300 000 NICs of one address"
unhurt "300 000 NICs of one address"
