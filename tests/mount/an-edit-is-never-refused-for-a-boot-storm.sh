#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# A hundred `sqlite3 ... UPDATE` commands beside readers that ask as fast as they can: none is refused, and none is lost.
. "$PXEFS_TESTLIB"
need python3
sql "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50)
       INSERT INTO host (id, hostname) SELECT i, 'h' || i FROM n;
     INSERT INTO nic (mac, host) SELECT printf('02082000%04x', id), id FROM host;" >/dev/null
mount_pxefs
cat >"$DIR/storm.py" <<'END'
import os, sys
n, stop, macs = 0, sys.argv[2], [f"02-08-20-00-00-{i:02x}" for i in range(1, 51)]
while not os.path.exists(stop):
    for m in macs:
        os.stat(f"{sys.argv[1]}/hosts/{m}/menu.ipxe")
        n += 1
print(n)
END
for i in 1 2; do
        python3 "$DIR/storm.py" "$MNT" "$DIR/stop" >"$DIR/n$i" 2>"$DIR/e$i" &
        eval "p$i=$!"
done
start=$(date +%s%N)
i=0
while [ $i -lt 100 ]; do
        i=$((i + 1))
        sqlite3 "$INVENTORY" "UPDATE host SET comment = comment || 'x', serial = '$i' WHERE id = 1 + $i % 50" 2>>"$DIR/refused" ||
                echo "command $i" >>"$DIR/refused"
        grep -q . "$MNT/hosts/02-08-20-00-00-01/why"
done
took=$((($(date +%s%N) - start) / 1000000))
: >"$DIR/stop"
# shellcheck disable=SC2154
wait "$p1" "$p2"
[ ! -s "$DIR/refused" ] || fail "refused: $(head -n 3 "$DIR/refused")"
[ ! -s "$DIR/e1" ] && [ ! -s "$DIR/e2" ] || fail "a look-up failed: $(cat "$DIR/e1" "$DIR/e2")"
[ "$(sql "SELECT count(*) FROM change WHERE tab = 'host' AND op = 'update'")" -ge 100 ] || fail "edits are lost"
echo "$((($(cat "$DIR/n1") + $(cat "$DIR/n2")) * 1000 / took)) look-ups a second, $took ms for 100 edits"
