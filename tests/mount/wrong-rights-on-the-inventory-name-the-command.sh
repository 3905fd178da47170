#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# Wrong owners and modes on the inventory, its sidecars or its directory: either it works, or the copy answers and status.json
# has the very command that mends it.
. "$PXEFS_TESTLIB"
need python3
mkdir "$DIR/inventory/deep"
INVENTORY=$DIR/inventory/deep/inventory.db
sql "INSERT INTO host (hostname) VALUES ('db1');
     INSERT INTO nic (mac, host) SELECT '02:08:20:00:00:01', id FROM host WHERE hostname = 'db1';" >/dev/null
reason() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["inventory"]["reason"] or "")' "$MNT/.pxefs/status.json"; }
has_copy() { ls "$CACHE"/inventory-*.db; }
menu=$MNT/hosts/02-08-20-00-00-01/menu.ipxe
P=$INVENTORY
D=$(dirname "$P")
chown -R "$PXEFS_USER:" "$D"
mount_pxefs
wait_for 20 has_copy || fail "no copy"
changed() { [ "$(reason)" != "$before" ]; }
works=0 mended=0
while read -r breaks; do
        # Broken while nobody has it open, and then under a running daemon.
        umount_pxefs
        chown -R "$PXEFS_USER:" "$D"
        chmod 755 "$DIR/inventory" "$D"
        chmod 644 "$P"
        sqlite3 "$P" 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
        rm -f "$P"-*
        eval "$breaks"
        mount_pxefs
        grep -q 'host db1' "$menu" || fail "$breaks: $(cat "$menu")"
        turn=0
        while [ -n "$(reason)" ]; do
                turn=$((turn + 1))
                command=$(reason | grep -o ': ch[a-z]* [^;]*$\|sqlite3 .*$' | sed 's/^: //') || fail "$breaks: no command in: $(reason)"
                [ $turn -le 2 ] || fail "$breaks: a third command is wanted: $(reason)"
                before=$(reason)
                sh -c "$command" || fail "$breaks: $command"
                wait_for 8 changed || : # at once; or, what could not be reached at the start, by the next worker
        done
        if [ $turn -eq 0 ]; then works=$((works + 1)); else mended=$((mended + 1)); fi
        sqlite3 "$P" "UPDATE host SET comment = hex(randomblob(4))" || fail "$breaks: root cannot edit"
        grep -q 'host db1' "$menu" || fail "$breaks: after an edit"
done <<'END'
chown root: "$P"; chmod 600 "$P"
chown root: "$P"; chmod 644 "$P"
chown root: "$D"
chown root: "$D" "$P"
chown root: "$D" "$P"; chmod 600 "$P"
chmod 700 "$DIR/inventory"; chown root: "$DIR/inventory"
chmod 000 "$D"; chown root: "$D"
: >"$P-wal"; chmod 600 "$P-wal"; chown root: "$P-wal"
: >"$P-shm"; chmod 600 "$P-shm"; chown root: "$P-shm"; : >"$P-wal"; chown root: "$P-wal"
chmod 444 "$P"
END
[ $works -gt 0 ] && [ $mended -gt 3 ] || fail "works $works, mended $mended: this test tries too little"
