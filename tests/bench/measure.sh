#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# measure.sh ROUNDS ARCHIVE_MIB HOSTS BUILDS all|settings -- the work of run, in the namespaces the test library makes.
. "$PXEFS_TESTLIB"
need python3 nginx sqlite3 gzip
_need_isolation "a mount"
rounds=$1 mib=$2 hosts=$3 builds=$4
export MNT BUILDS CACHE BENCH_ROUNDS="$rounds" BENCH_PLAIN="$DIR/plain" BENCH_RESULTS="$DIR/results" BENCH_BUILD='' BENCH_TFTP=''
export BENCH_OPTIONS="inventory=$INVENTORY,cache=$CACHE,user=$PXEFS_USER" PYTHONDONTWRITEBYTECODE=1
. "$PXEFS_SRC/tests/bench/corpus.sh"
run()
{
        _what=$1
        shift
        python3 "$PXEFS_SRC/tests/bench/$_what.py" "$@"
}
said() { echo "== $* ($(($(date +%s) - began)) s)"; }
began=$(date +%s)
at_exit '_end_pxefs'

if [ "$5" = settings ]; then
        make_inventory
        clear_corpus
        mkreal 20240505T000000Z plain "$mib"
        "$PXEFS" -o "wait,$BENCH_OPTIONS" "$BUILDS" "$MNT" 2>/dev/null # known from now on
        run settings 20240505T000000Z
        exit
fi
said "$hosts hosts"
make_inventory
clear_corpus
run many hosts "$INVENTORY" "$hosts"
chown -R "$PXEFS_USER:" "$DIR/inventory"
run many small 1
run many start "$hosts"
clear_corpus
run many small "$builds"
run many start "$hosts"
run many menus "$hosts"

# What follows reads builds: an inventory of a rack, so that nothing is copied beside it.
INVENTORY=$DIR/inventory/small.db
make_inventory
BENCH_OPTIONS="inventory=$INVENTORY,cache=$CACHE,user=$PXEFS_USER"
said "eight builds of $((mib / 8)) MiB"
clear_corpus
for i in 1 2 3 4 5 6 7 8; do
        mkreal "2024010${i}T000000Z" plain $((mib / 8)) $(((i - 1) * (mib / 8)))
done
run many eight

cat >"$DIR/nginx.conf" <<END
daemon off; user www-data; worker_processes 2; pid $DIR/nginx.pid; error_log $DIR/nginx-error.log;
events { worker_connections 256; }
http {
        sendfile on; tcp_nopush on; access_log off; default_type application/octet-stream;
        client_body_temp_path $DIR/body; proxy_temp_path $DIR/proxy; fastcgi_temp_path $DIR/fastcgi;
        uwsgi_temp_path $DIR/uwsgi; scgi_temp_path $DIR/scgi;
        server { listen 80; location /a/ { alias $MNT/; } location /b/ { alias $BENCH_PLAIN/; } }
}
END
setsid nginx -e "$DIR/nginx-error.log" -p "$DIR" -c "$DIR/nginx.conf" &
at_exit "stop_group $!"
wait_for 10 listening tcp 80 || fail "nginx: $(cat "$DIR/nginx-error.log")"

# One build at a time from here on. The servers and the peers: only with the one that is more like a real one.
for BENCH_BUILD in plain mixed; do
        clear_corpus
        mkreal 20240505T000000Z "$BENCH_BUILD" "$mib"
        tgz=$BUILDS/platform-20240505T000000Z.tgz
        said "one build, $BENCH_BUILD: $(stat -c %s "$tgz") bytes as .tgz, $((mib * 1048576)) of boot_archive"
        "$PXEFS" -o "wait,$BENCH_OPTIONS" "$BUILDS" "$MNT" 2>/dev/null # known from now on
        umount_pxefs
        run reading 20240505T000000Z "$tgz"
        umount_pxefs
done
said "servers"
if [ -x "$(command -v in.tftpd || echo /usr/sbin/in.tftpd)" ] && id tftp >/dev/null 2>&1; then
        start_tftpd "$DIR"
        BENCH_TFTP=1
fi
run serving 20240505T000000Z
[ -z "$BENCH_TFTP" ] || stop_group "$TFTPD_PID"
said "peers"
run peers 20240505T000000Z "$tgz"
said "all"
echo
run table "$BENCH_RESULTS"
