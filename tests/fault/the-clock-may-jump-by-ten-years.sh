#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# The wall clock jumps by ten years, ahead, back, and before what it was: no worker is killed for it, a reader reads on, a
# change of a row and of the builds directory is seen as quickly as ever, and a successor takes over.
. "$PXEFS_TESTLIB"
need python3 sqlite3
shim=$PXEFS_BUILD/tests/fault/clockshift.so
[ -e "$shim" ] || skip "$shim is not built"
ten_years=315360000
file=platform/i86pc/amd64/boot_archive
jump()
{
        python3 -c 'import struct, sys; open(sys.argv[1], "r+b").write(struct.pack("<q", int(sys.argv[2])))' "$CLOCKSHIFT" "$1"
}
export CLOCKSHIFT="$DIR/shift"
head -c 8 /dev/zero >"$CLOCKSHIFT"
chmod 644 "$CLOCKSHIFT"
mkbuild 20240101T000000Z -s 4
want=$(member i86pc/amd64/boot_archive | digest)
mkdir "$DIR/upload"
sql "INSERT INTO host (id, hostname) VALUES (1, 'db1'); INSERT INTO nic (mac, host) VALUES ('02:08:20:00:00:01', 1);
     INSERT INTO property (host, name, value) VALUES (1, 'counter', 'v0')"
export LD_PRELOAD="$shim"
mount_pxefs
unset LD_PRELOAD
keeper=$(keeper_pid)
there() { [ -e "$MNT/smartos/$1/$file" ]; }
gone() { ! there "$1"; }
standby() { pgrep -P "$keeper" -x pxefs-standby; }
other_worker() { [ -n "$(worker_pid)" ] && [ "$(worker_pid)" != "$1" ]; }
listed() { grep -q "\"$1\"" "$MNT/.pxefs/status.json"; }

# A reader through all of it, cold each time.
(
        while [ ! -e "$DIR/stop" ]; do
                dd if="$MNT/smartos/20240101T000000Z/$file" iflag=nocache count=0 of=/dev/null 2>/dev/null
                [ "$(digest "$MNT/smartos/20240101T000000Z/$file")" = "$want" ] || { touch "$DIR/reader-failed"; break; }
        done
) &
reader=$!

n=0
for shift in $ten_years 0 -$ten_years 0; do
        n=$((n + 1))
        stamp=2024020${n}T000000Z
        wait_for 20 standby || fail "nobody stands by"
        worker=$(worker_pid)
        jump "$shift"
        sql "UPDATE property SET value = 'v$n' WHERE name = 'counter'"
        grep -q "counter=v$n" "$MNT/hosts/02-08-20-00-00-01/menu.ipxe" || fail "$shift s: a change of a row is not seen"
        "$PXEFS_SRC/tests/lib/mkplatform" -s 1 "$stamp" "$DIR/upload"
        mv "$DIR/upload/platform-$stamp.tgz" "$BUILDS"
        wait_for 10 there "$stamp" || fail "$shift s: a new build does not come"
        wait_for 10 listed "$stamp" || fail "$shift s: status.json does not go on"
        rm "$BUILDS/platform-$stamp.tgz"
        wait_for 10 gone "$stamp" || fail "$shift s: a removed build stays"
        [ "$(worker_pid)" = "$worker" ] || fail "$shift s: another worker"
        for i in 1 2; do # the first successor stood by before the jump
                wait_for 20 standby || fail "$shift s: nobody stands by"
                worker=$(worker_pid)
                kill -KILL "$worker"
                wait_for 20 other_worker "$worker" || fail "$shift s: no successor"
        done
        # The clock did jump: the second began by it.
        python3 - "$MNT/.pxefs/status.json" "$shift" <<'PY' || fail "$shift s: the clock did not jump"
import datetime, json, sys, time
since = datetime.datetime.fromisoformat(json.load(open(sys.argv[1]))["worker"]["since"].replace("Z", "+00:00")).timestamp()
off = since - time.time()
sys.exit(not -60 < off - int(sys.argv[2]) < 60)
PY
done
touch "$DIR/stop"
wait "$reader"
[ ! -e "$DIR/reader-failed" ] || fail "a reader got something else"
[ "$(keeper_pid)" = "$keeper" ] || fail "another keeper"
umount_pxefs
