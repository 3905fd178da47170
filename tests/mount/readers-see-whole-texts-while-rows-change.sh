#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# Four readers, ten thousand whole reads each, while one connection commits 500 changes a second. Then the same with the hash in
# the node ids narrowed to five bits, so that texts collide all the time. Then with 100 000 hosts, some of whose rows change
# too, and as many commits a second as this machine makes, 1000 at most: it prints how many those were.
. "$PXEFS_TESTLIB"
need python3
mkbuild 20240101T000000Z -s 1
sql "INSERT INTO host (hostname, build) VALUES ('db1', '20240101T000000Z');
     INSERT INTO nic (mac, host) SELECT '02:08:20:00:00:01', id FROM host WHERE hostname = 'db1';
     INSERT INTO property (host, name, value) SELECT id, 'counter', 'v000000' FROM host WHERE hostname = 'db1';"
mount_pxefs -o wait
python3 "$PXEFS_SRC/tests/mount/readers.py" "$MNT/hosts/02-08-20-00-00-01/menu.ipxe" "$INVENTORY" 4 10000 500
umount_pxefs
mount_pxefs -o wait,test_hash_bits=5
python3 "$PXEFS_SRC/tests/mount/colliding.py" "$MNT/hosts/02-08-20-00-00-01/menu.ipxe" "$INVENTORY"
umount_pxefs
sqlite3 -bail "$INVENTORY" "
BEGIN;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) INSERT INTO host (hostname) SELECT 'h' || i FROM n;
INSERT INTO nic (host, mac) SELECT id, printf('020000%06x', substr(hostname, 2)) FROM host WHERE hostname GLOB 'h[0-9]*';
INSERT INTO property (host, name, value) SELECT id, 'counter', 'v000000' FROM host WHERE hostname GLOB 'h[0-9]*';
COMMIT;"
mount_pxefs -o wait
python3 "$PXEFS_SRC/tests/mount/readers.py" "$MNT/hosts/02-08-20-00-00-01/menu.ipxe" "$INVENTORY" 4 5000 1000 100000
