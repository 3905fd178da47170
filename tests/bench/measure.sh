#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# measure.sh ROUNDS ARCHIVE_MIB HOSTS BUILDS -- the work of run, in the namespaces the test library makes.
. "$PXEFS_TESTLIB"
. "$PXEFS_SRC/tests/bench/corpus.sh"
need python3 curl nginx sqlite3
rounds=$1 mib=$2 hosts=$3 builds=$4

echo "making $builds builds (one with $mib MiB of boot_archive) and $hosts hosts ..." >&2
mkbuild 20240101T000000Z -s "$mib"
big=$TGZ
i=1
while [ "$i" -lt "$builds" ]; do
        mkbuild "$(printf '2023%02d%02dT000000Z' $((i / 28 + 1)) $((i % 28 + 1)))" -s 4
        i=$((i + 1))
done
make_inventory
python3 - "$INVENTORY" "$hosts" <<'END'
import sqlite3, sys
db, n = sqlite3.connect(sys.argv[1]), int(sys.argv[2])
db.execute("INSERT INTO profile (name, parent) SELECT 'rack', id FROM profile WHERE name = 'default'")
rack = db.execute("SELECT id FROM profile WHERE name = 'rack'").fetchone()[0]
db.executemany("INSERT INTO host (id, hostname, profile) VALUES (?, ?, ?)", ((i, "h%06d" % i, rack) for i in range(1, n + 1)))
db.executemany("INSERT INTO nic (host, mac) VALUES (?, ?)", ((i, "02-00-00-%02x-%02x-%02x" % (i >> 16, i >> 8 & 255, i & 255)) for i in range(1, n + 1)))
db.executemany("INSERT INTO property (host, name, value) VALUES (?, 'rack', ?)", ((i, "r%d" % (i % 500)) for i in range(1, n + 1, 3)))
db.commit()
db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
END
chown -R "$PXEFS_USER:" "$DIR/inventory"
mkdir -p "$DIR/plain/smartos/20240101T000000Z"
tar -xzf "$big" -C "$DIR/plain/smartos/20240101T000000Z"
mv "$DIR/plain/smartos/20240101T000000Z/platform-20240101T000000Z" "$DIR/plain/smartos/20240101T000000Z/platform"
mount_pxefs -o wait
cat >"$DIR/nginx.conf" <<END
daemon off; user www-data; worker_processes 2; pid $DIR/nginx.pid; error_log $DIR/nginx-error.log;
events { worker_connections 256; }
http {
        sendfile on; tcp_nopush on; access_log off; default_type application/octet-stream;
        client_body_temp_path $DIR/body; proxy_temp_path $DIR/proxy; fastcgi_temp_path $DIR/fastcgi;
        uwsgi_temp_path $DIR/uwsgi; scgi_temp_path $DIR/scgi;
        server { listen 80; location /a/ { alias $MNT/; } location /b/ { alias $DIR/plain/; } }
}
END
setsid nginx -e "$DIR/nginx-error.log" -p "$DIR" -c "$DIR/nginx.conf" &
at_exit "stop_group $!"
wait_for 10 listening tcp 80 || fail "nginx: $(cat "$DIR/nginx-error.log")"

python3 "$PXEFS_SRC/tests/bench/pairs.py" "$rounds" "$MNT" "$DIR/plain" "$hosts"

# From the call to the first listing: a new process each time, everything known from before.
umount_pxefs
python3 - "$rounds" "$MNT" "$PXEFS" -o "inventory=$INVENTORY,cache=$CACHE,user=$PXEFS_USER" "$BUILDS" "$MNT" <<'END'
import os, subprocess, sys, time
rounds, mnt, command = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
took, n = [], 0
for _ in range(rounds):
    start = time.perf_counter()
    subprocess.run(command, check=True)
    n = len(os.listdir(mnt + "/smartos"))
    took.append((time.perf_counter() - start) * 1000)
    subprocess.run(["umount", mnt], check=True)
    while os.path.ismount(mnt):
        time.sleep(0.05)
    time.sleep(0.3)     # the old daemon lets go of its cache
took.sort()
print("first ls      %d names known: median %.1f ms  [%.1f - %.1f]" % (n, took[len(took) // 2], took[0], took[-1]))
END

# One build at a time from here on: how it is read.
for kind in plain mixed; do
        rm -rf "$BUILDS" "$DIR/plain" "$DIR/real"
        mkdir "$BUILDS" "$DIR/plain"
        mkreal 20240505T000000Z "$kind" "$mib"
        tgz=$BUILDS/platform-20240505T000000Z.tgz
        mkdir -p "$DIR/plain/smartos/20240505T000000Z"
        mv "$DIR/real/platform-20240505T000000Z" "$DIR/plain/smartos/20240505T000000Z/platform"
        echo "-- one build, $kind: $(stat -c %s "$tgz") bytes as .tgz, $((mib * 1048576)) of boot_archive"
        "$PXEFS" -o "wait,inventory=$INVENTORY,cache=$CACHE,user=$PXEFS_USER" "$BUILDS" "$MNT" 2>/dev/null
        python3 "$PXEFS_SRC/tests/bench/reading.py" "$rounds" 20240505T000000Z "$PXEFS" \
                "inventory=$INVENTORY,cache=$CACHE,user=$PXEFS_USER" "$BUILDS" "$MNT" "$DIR/plain" "$tgz" "$CACHE"
        umount_pxefs
done
