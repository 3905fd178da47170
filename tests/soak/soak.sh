#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# soak.sh SECONDS SEED OPTIONS FALSE -- see run: makes archives, inventory, mount and servers; soak.py does the rest.
. "$PXEFS_TESTLIB"
need python3 curl sqlite3 xz
seconds=$1 seed=$2 options=$3 false=$4
mkdir "$DIR/bin" "$DIR/pool"
cp "$PXEFS" "$(dirname "$PXEFS")/pxefs-worker" "$DIR/bin"
PXEFS=$DIR/bin/pxefs

# Four that nobody touches: a large one, so that a download sees several workers; gzip, a plain tar, and one with a spool.
mkbuild 20240101T000000Z -s 48
mkbuild 20240102T000000Z -s 8
mkbuild 20240103T000000Z -s 8 -F tar
mkbuild 20240104T000000Z -s 8 -F tar
xz -0 <"$TGZ" >"${TGZ%.tar}.tar.xz"
rm "$TGZ"
# And six in two versions each, of different size, that come and go.
for version in 1 2; do
        mkdir "$DIR/pool/$version"
        for day in 1 2 3 4 5 6; do
                "$PXEFS_SRC/tests/lib/mkplatform" -s $((version * 4 + 1)) 2024020${day}T000000Z "$DIR/pool/$version"
        done
done
# counter and twin are always changed by one statement.
sql "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 8)
       INSERT INTO host (id, hostname, build) SELECT i, 'h' || i, '20240102T000000Z' FROM n;
     INSERT INTO nic (mac, host) SELECT printf('02-08-20-00-00-%02x', id), id FROM host;
     INSERT INTO property (host, name, value) SELECT id, 'counter', 'v000000' FROM host;
     INSERT INTO property (host, name, value) SELECT id, 'twin', 'v000000' FROM host;"
mount_pxefs -o "wait${options:+,$options}"
start_tftpd "$MNT"
start_nginx "$MNT"
KEEPER=$(keeper_pid)
# Should a reader hang, it goes with the mount: before the servers are stopped, which would wait for it.
at_exit 'kill -TERM "$KEEPER" 2>/dev/null && wait_for 10 _no_pxefs || :'

export MNT BUILDS CACHE INVENTORY PXECTL HTTP TFTP DIR KEEPER WORKER="$DIR/bin/pxefs-worker" PYTHONPATH="$PXEFS_SRC/tests/lib"
python3 -B "$PXEFS_SRC/tests/soak/soak.py" "$seconds" "$seed" ${false:+-x} || fail "see WRONG above"
[ "$(keeper_pid)" = "$KEEPER" ] || fail "another keeper"
stop_group "$TFTPD_PID"
stop_group "$NGINX_PID"
umount_pxefs
echo "the mount detaches"
