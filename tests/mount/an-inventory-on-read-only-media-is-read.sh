#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# The daemon sees the inventory through a read-only mount, and root edits it through another: every commit is seen by the next
# look-up, in WAL and in rollback mode, while a writer is there and when none is.
. "$PXEFS_TESTLIB"
sql "INSERT INTO host (hostname) VALUES ('start');
     INSERT INTO nic (mac, host) SELECT '02:08:20:00:00:01', id FROM host;" >/dev/null
rw=$INVENTORY
mkdir "$DIR/ro"
mount --bind "$DIR/inventory" "$DIR/ro"
at_exit 'umount "$DIR/ro"'
mount -o remount,ro,bind "$DIR/ro"
for mode in WAL DELETE; do
        sqlite3 "$rw" "PRAGMA journal_mode = $mode" >/dev/null
        INVENTORY=$DIR/ro/inventory.db
        mount_pxefs
        menu=$MNT/hosts/02-08-20-00-00-01/menu.ipxe
        for i in 1 2 3 4 5; do
                sqlite3 "$rw" "UPDATE host SET hostname = 'closed-$mode-$i'"
                grep -q "host closed-$mode-$i\$\|host closed-$mode-$i " "$menu" || fail "$mode: commit $i by a sqlite3 that ended: $(head -n 2 "$menu")"
        done
        sqlite3 "$rw" >/dev/null <<END
UPDATE host SET hostname = 'open-$mode';
.system grep -q 'host open-$mode' "$menu" || touch "$DIR/missed"
END
        [ ! -e "$DIR/missed" ] || fail "$mode: the commit of a sqlite3 that stays is not seen"
        grep -q "host open-$mode" "$menu" || fail "$mode: after it ended"
        grep -q '"state": "live"' "$MNT/.pxefs/status.json" || fail "$mode: $(grep inventory "$MNT/.pxefs/status.json")"
        umount_pxefs
        INVENTORY=$rw
done
