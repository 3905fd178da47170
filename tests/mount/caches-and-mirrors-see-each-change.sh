#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# Times of generated files are times: of the change, never backwards, another second for other bytes, over takeovers and
# restarts; so If-Modified-Since, wget -N and rsync -u see each change. Two builds packed by tar --mtime=@0 are two files for
# nginx' proxy cache. And behind the recipes of docs/operating.md no cache gives an old script: nginx, Squid, mod_cache.
. "$PXEFS_TESTLIB"
need python3 curl wget rsync
apache_modules=/usr/lib/apache2/modules

# Two builds that differ in their bytes only: equal sizes, equal times.
repack() # STAMP
{
        mkbuild "$1" -s 4
        tar -xf "$TGZ" -C "$DIR" && rm "$TGZ"
        tar --sort=name --owner=0 --group=0 --mtime=@0 -C "$DIR" -czf "$DIR/$TOP.tgz" "$TOP"
        rm -r "${DIR:?}/$TOP"
}
repack 20250101T000000Z
repack 20250201T000000Z
mv "$DIR/platform-20250101T000000Z.tgz" "$BUILDS"
sql "INSERT INTO host (id, hostname) VALUES (1, 'db1'); INSERT INTO nic (mac, host) VALUES ('02:08:20:00:00:01', 1);
     INSERT INTO property (host, name, value) VALUES (1, 'counter', '0')"
mount_pxefs
name=hosts/02-08-20-00-00-01/menu.ipxe
menu=$MNT/$name
change() # N
{
        sql "UPDATE property SET value = '$1' WHERE name = 'counter'"
}
mtime() # FILE: in nanoseconds
{
        stat -L -c %.9Y "$1" | tr -d .
}

# 1. Whole seconds, each later than the one before, none old and none far ahead; the text that comes back is of another time.
last=$(mtime "$menu")
began=$(date +%s)
for n in 1 2 1 2 1; do
        sec=$((last / 1000000000))
        change $n
        now=$(mtime "$menu")
        [ $((now / 1000000000)) -gt "$sec" ] || fail "change $n: $now is no second after $last"
        [ $((now / 1000000000)) -ge "$began" ] || fail "change $n has the time $now, before it was made"
        [ $((now / 1000000000)) -le $(($(date +%s) + 10)) ] || fail "change $n has the time $now, $(date +%s) is now"
        last=$now
done
for n in $(seq 10 40); do # more than there are seconds: nanoseconds differ, and the bound holds
        change "$n"
        now=$(mtime "$menu")
        [ "$now" -gt "$last" ] || fail "burst: $now is not after $last"
        [ $((now / 1000000000)) -le $(($(date +%s) + 10)) ] || fail "burst: $now, $(date +%s) is now"
        last=$now
done

# 2. Another worker, and another daemon: the same text keeps its time, a changed one gets a later one.
kill -9 "$(worker_pid)"
[ "$(mtime "$menu")" = "$last" ] || fail "another worker: $(mtime "$menu"), and it was $last"
kept() # the floor was written down
{
        [ "$(sqlite3 "$CACHE/catalog.db" 'SELECT shown_sec FROM times')" -ge $((last / 1000000000)) ]
}
wait_for 5 kept || fail "the time is not kept: $(sqlite3 "$CACHE/catalog.db" 'SELECT * FROM times')"
dir_time=$(mtime "$MNT/smartos")
umount_pxefs
mount_pxefs
now=$(mtime "$menu")
[ $((now / 1000000000)) -ge $((last / 1000000000)) ] || fail "after a restart $now is before $last"
[ $((now / 1000000000)) -le $(($(date +%s) + 10)) ] || fail "after a restart $now lies in the future"
[ "$(mtime "$MNT/smartos")" = "$dir_time" ] || fail "after a restart /smartos is of another time"
last=$now
change restarted
now=$(mtime "$menu")
[ "$now" -gt "$last" ] || fail "a change after a restart is not later: $now, and it was $last"
last=$now

# From here on changes come as people make them: the burst above ran ahead of the clock, where a second is shared.
behind() { [ "$(mtime "$menu")" -lt "$(date +%s)000000000" ]; }
change() # N
{
        wait_for 15 behind || fail "the time of the last change is not reached"
        sql "UPDATE property SET value = '$1' WHERE name = 'counter'"
}
change later
[ $(($(mtime "$menu") / 1000000000)) -gt $((last / 1000000000)) ] || fail "a change after the burst is no second after it"

# 3. If-Modified-Since against each server, wget -N, rsync -u.
start_nginx "$MNT"
(cd "$MNT" && exec python3 -m http.server --bind 127.0.0.1 8001 2>/dev/null) &
at_exit "kill $!"
servers='80 8001'
wait_for 10 listening tcp 8001 || fail "http.server does not listen"
if [ -x /usr/sbin/lighttpd ]; then
        {
                echo "server.document-root = \"$MNT\"
                        server.port = 8002
                        server.bind = \"127.0.0.1\"
                        mimetype.assign = ( \"\" => \"application/octet-stream\" )" # without, it says no Last-Modified
                recipe docs/operating.md lighttpd.conf
        } >"$DIR/lighttpd.conf"
        /usr/sbin/lighttpd -D -f "$DIR/lighttpd.conf" &
        at_exit "kill $!"
        servers="$servers 8002"
        wait_for 10 listening tcp 8002 || fail "lighttpd does not listen"
else
        echo "SKIPPED: lighttpd is not installed" >&2
fi
mkdir "$DIR/mirror"
for port in $servers; do
        url=http://127.0.0.1:$port/$name
        change "before-$port"
        since=$(curl -sSI "$url" | sed -n 's/^[Ll]ast-[Mm]odified: //p' | tr -d '\r')
        [ -n "$since" ] || fail "port $port says no Last-Modified"
        curl -sS -o "$DIR/copy" -R "$url"
        wget -q -N -P "$DIR/mirror" "$url"
        rsync -aL "$menu" "$DIR/rsynced"
        change "after-$port"
        code=$(curl -sS -o "$DIR/new" -w '%{http_code}' -H "If-Modified-Since: $since" "$url")
        [ "$code" = 200 ] || fail "port $port: a change gets $code"
        grep -q "counter=after-$port" "$DIR/new" || fail "port $port gives an old script"
        code=$(curl -sS -o /dev/null -w '%{http_code}' -z "$DIR/copy" "$url")
        [ "$code" = 200 ] || fail "port $port: curl -z gets $code"
        wget -q -N -P "$DIR/mirror" "$url"
        grep -q "counter=after-$port" "$DIR/mirror/menu.ipxe" || fail "port $port: wget -N kept the old script"
        rsync -aLu "$menu" "$DIR/rsynced"
        grep -q "counter=after-$port" "$DIR/rsynced" || fail "rsync -u kept the old script"
done
stop_group "$NGINX_PID"

# 4. A validating cache before nginx, which has the build that `latest` leads to, when a newer one comes.
{
        cat <<END
daemon off;
user www-data;
pid $DIR/nginx.pid;
events { worker_connections 64; }
http {
        access_log off;
        client_body_temp_path $DIR/nginx/body;
        proxy_temp_path $DIR/nginx/proxy;
        fastcgi_temp_path $DIR/nginx/fastcgi;
        uwsgi_temp_path $DIR/nginx/uwsgi;
        scgi_temp_path $DIR/nginx/scgi;
        proxy_cache_path $DIR/nginx/cache keys_zone=c:1m;
        server {
                listen 8003;
                location / {
                        proxy_pass http://127.0.0.1:80;
                        proxy_cache c;
                        proxy_cache_valid 200 1s;
                        proxy_cache_revalidate on;
                        proxy_ignore_headers Cache-Control;
                        add_header X-Cache \$upstream_cache_status;
                }
        }
        server {
                listen 80;
END
        recipe README.md nginx-server.conf | sed "s,/tftpboot,$MNT,"
        printf '}\n}\n'
} >"$DIR/nginx2.conf"
setsid nginx -e "$DIR/nginx-error.log" -p "$DIR/nginx" -c "$DIR/nginx2.conf" &
at_exit "stop_group $!"
wait_for 10 listening tcp 8003 || fail "nginx with the recipe does not listen: $(cat "$DIR/nginx-error.log")"
file=platform/i86pc/amd64/boot_archive
for f in $file $file.hash; do
        curl -sS -o "$DIR/proxied" "http://127.0.0.1:8003/smartos/latest/$f"
        cmp "$DIR/proxied" "$MNT/smartos/20250101T000000Z/$f" || fail "through the proxy: $f"
done
cp "$DIR/platform-20250201T000000Z.tgz" "$BUILDS/.new"
mv "$BUILDS/.new" "$BUILDS/platform-20250201T000000Z.tgz"
newer() { [ "$(readlink "$MNT/smartos/latest")" = 20250201T000000Z ]; }
wait_for 15 newer || fail "the second build does not come"
for f in $file $file.hash; do
        [ "$(stat -c %s "$MNT/smartos/20250101T000000Z/$f")" = "$(stat -c %s "$MNT/smartos/20250201T000000Z/$f")" ] ||
                fail "the two builds were to be of one size"
        is_new()
        {
                curl -sS -o "$DIR/proxied" "http://127.0.0.1:8003/smartos/latest/$f" && cmp -s "$DIR/proxied" "$MNT/smartos/latest/$f"
        }
        wait_for 6 is_new || fail "a cache that asks whether it is still the same is told so: $f"
done
for f in $file $file.hash platform/i86pc/kernel/amd64/unix; do # of a build all are of one time, at most 18 hours before its stamp
        t=$(stat -c %Y "$MNT/smartos/20250201T000000Z/$f")
        [ "$t" = "$(stat -c %Y "$MNT/smartos/20250201T000000Z/$file")" ] || fail "the files of a build are of several times"
        stamp=$(date -u -d '2025-02-01 00:00:00' +%s)
        [ "$t" -le "$stamp" ] && [ "$t" -gt $((stamp - 65536)) ] || fail "a build of the time $t"
done

# 5. The recipe's headers: only what lies below a build may be believed.
said() { curl -sSI "http://127.0.0.1:$1/$2" | grep -qi '^cache-control: no-cache'; }
has_headers() # PORT
{
        for n in menu.ipxe autoexec.ipxe "$name" "smartos/latest/$file" .pxefs/status.json pxelinux.cfg/default; do
                said "$1" "$n" || fail "port $1: $n may be believed"
        done
        for n in "smartos/20250201T000000Z/$file" "os/20250101T000000Z/$file"; do
                ! said "$1" "$n" || fail "port $1: $n is to be asked for each time"
        done
}
has_headers 80
[ ! -x /usr/sbin/lighttpd ] || has_headers 8002

# 6. Squid before nginx, with Debian's own rules; and mod_cache.
through() # PROXY WHAT: sees each of three changes at once
{
        for n in 1 2 3; do
                change "$2-$n"
                curl -sS -x "$1" "http://127.0.0.1:${3-80}/$name" >"$DIR/new" || fail "$2 does not answer"
                grep -q "counter=$2-$n" "$DIR/new" || fail "$2 gives an old script: $(grep -o 'counter=[^ ,]*' "$DIR/new" | head -1)"
        done
}
if [ -x /usr/sbin/squid ]; then
        mkdir -m 0777 "$DIR/squid"
        cat >"$DIR/squid.conf" <<END
http_port 127.0.0.1:3128
http_access allow all
cache_mem 16 MB
coredump_dir $DIR/squid
pid_filename $DIR/squid/pid
cache_log $DIR/squid/cache.log
access_log none
visible_hostname test
shutdown_lifetime 0 seconds
refresh_pattern ^ftp: 1440 20% 10080
refresh_pattern -i (/cgi-bin/|\?) 0 0% 0
refresh_pattern . 0 20% 4320
END
        /usr/sbin/squid -N -f "$DIR/squid.conf" 2>"$DIR/squid.err" &
        at_exit "kill -9 $!"
        wait_for 20 listening tcp 3128 || fail "Squid does not listen: $(cat "$DIR/squid.err")"
        through http://127.0.0.1:3128 squid
else
        echo "SKIPPED: Squid is not installed" >&2
fi
if [ -x /usr/sbin/apache2 ] && [ -e "$apache_modules/mod_cache_disk.so" ]; then
        mkdir -p "$DIR/apache/cache"
        chown www-data "$DIR/apache/cache"
        {
                for m in mpm_event authz_core headers cache cache_disk; do
                        echo "LoadModule ${m}_module $apache_modules/mod_$m.so"
                done
                cat <<END
ServerRoot $DIR/apache
ServerName localhost
Listen 127.0.0.1:8004
PidFile $DIR/apache/pid
ErrorLog $DIR/apache/error.log
User www-data
Group www-data
CacheRoot $DIR/apache/cache
CacheEnable disk /
END
                recipe docs/operating.md apache.conf | sed "s,/tftpboot,$MNT,"
        } >"$DIR/apache.conf"
        /usr/sbin/apache2 -f "$DIR/apache.conf" -DFOREGROUND &
        at_exit "kill $!"
        wait_for 20 listening tcp 8004 || fail "Apache does not listen: $(cat "$DIR/apache/error.log")"
        has_headers 8004
        through '' mod_cache 8004
else
        echo "SKIPPED: Apache is not installed" >&2
fi
