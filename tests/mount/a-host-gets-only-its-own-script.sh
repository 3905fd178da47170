#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# The recipes of SECURITY.md, taken from the document as they stand there: with each of the three servers a machine gets its own
# script, under whatever name it asks, and never another's; a machine that nobody entered gets none. Each client is a network
# namespace with an address and a MAC of its own.
. "$PXEFS_TESTLIB"
_need_isolation "clients with addresses"
need curl dnsmasq sqlite3
mount -t tmpfs none /run && ip netns add probe 2>/dev/null || skip "no network namespaces"
ip netns del probe

# client NAME LAST_BYTE: 192.0.2.<LAST_BYTE>, MAC 02:00:00:00:00:<LAST_BYTE>
client()
{
        ip netns add "$1"
        ip link add "v$1" type veth peer name eth0 netns "$1"
        ip link set "v$1" master br0 up
        ip -n "$1" link set eth0 address "02:00:00:00:00:$2"
        ip -n "$1" address add "192.0.2.$2/24" dev eth0
        ip -n "$1" link set eth0 up
        ip -n "$1" link set lo up
}
ip link add br0 type bridge 2>/dev/null || skip "no bridges"
ip link set br0 up
ip address add 192.0.2.1/24 dev br0
client a 11
client b 12
client stranger 13
mkbuild 20240101T000000Z -s 1
echo loader >"$STATIC/undionly.kpxe"
for n in 11:hash-of-A 12:hash-of-B; do
        sql "INSERT INTO host (hostname) VALUES ('host${n%%:*}');
             INSERT INTO nic (host, mac, ip) VALUES (last_insert_rowid(), '02:00:00:00:00:${n%%:*}', '192.0.2.${n%%:*}');
             INSERT INTO property (host, name, value) SELECT id, 'note', '${n#*:}' FROM host WHERE hostname = 'host${n%%:*}'"
done
mount_pxefs
grep -q hash-of-A "$MNT/by-ip/192.0.2.11/menu.ipxe" || fail "the inventory is not what this test needs"
grep -q hash-of-B "$MNT/hosts/02-00-00-00-00-12/menu.ipxe" || fail "the inventory is not what this test needs"

# server_recipe NAME: into $DIR/NAME, with the mount point of this test.
server_recipe()
{
        recipe SECURITY.md "$1" | sed "s|/tftpboot|$MNT|g" >"$DIR/$1"
        [ "$(wc -l <"$DIR/$1")" -ge 4 ] || fail "SECURITY.md has no recipe $1"
}
get()           # CLIENT URL
{
        ip netns exec "$1" curl -s --fail --max-time 20 --path-as-is "$2"
}

# Other ways to ask for host B's files: names, spellings, climbing.
names='hosts/02-00-00-00-00-12/menu.ipxe
/hosts/02-00-00-00-00-12/menu.ipxe
//hosts//02-00-00-00-00-12//menu.ipxe
hosts/02:00:00:00:00:12/menu.ipxe
hosts/020000000012/menu.ipxe
hosts/01-02-00-00-00-00-12/menu.ipxe
hosts/02-00-00-00-00-11/../02-00-00-00-00-12/menu.ipxe
hosts/x/../../hosts/02-00-00-00-00-12/menu.ipxe
smartos/../hosts/02-00-00-00-00-12/menu.ipxe
smartos/latest/../../hosts/02-00-00-00-00-12/menu.ipxe
platform/../../../hosts/02-00-00-00-00-12/menu.ipxe
./hosts/02-00-00-00-00-12/menu.ipxe
../02-00-00-00-00-12/menu.ipxe
..//02-00-00-00-00-12/menu.ipxe
../hosts/02-00-00-00-00-12/menu.ipxe
menu.ipxe/../hosts/02-00-00-00-00-12/menu.ipxe
by-ip/192.0.2.12/menu.ipxe
/by-ip/192.0.2.12/menu.ipxe
by-name/host12/menu.ipxe
by-uuid/../hosts/02-00-00-00-00-12/menu.ipxe
hosts/02-00-00-00-00-12/why
192.0.2.12/menu.ipxe
02-00-00-00-00-12/menu.ipxe
.pxefs/../hosts/02-00-00-00-00-12/menu.ipxe
'"$MNT"'/hosts/02-00-00-00-00-12/menu.ipxe
'"$MNT"'/by-ip/192.0.2.12/menu.ipxe
hosts%2f02-00-00-00-00-12%2fmenu.ipxe
hosts/x/..%2f02-00-00-00-00-12%2fmenu.ipxe
hosts/%2e%2e/hosts/02-00-00-00-00-12/menu.ipxe
hosts\02-00-00-00-00-12\menu.ipxe
..\02-00-00-00-00-12\menu.ipxe
HOSTS/02-00-00-00-00-12/menu.ipxe'

# only_its_own SERVER BASE: nobody but B sees B's script.
only_its_own()
{
        for who in a stranger; do # the stranger tries the first dozen: each attempt costs a process
                printf '%s\n' "$names" | head -n "$([ "$who" = a ] && echo 99 || echo 12)" | while IFS= read -r name; do
                        get "$who" "$2$name" >"$DIR/got" 2>/dev/null || :
                        ! grep -q -e hash-of-B -e 'host12' "$DIR/got" || fail "$1: $who gets B's script as $name: $(cat "$DIR/got")"
                        [ "$who" = a ] || ! grep -q hash-of "$DIR/got" || fail "$1: a stranger gets a script as $name"
                done
        done
}
builds()        # SERVER BASE
{
        get stranger "$2/smartos/latest/platform/i86pc/kernel/amd64/unix" >"$DIR/unix" || fail "$1: no builds"
        member i86pc/kernel/amd64/unix | cmp - "$DIR/unix" || fail "$1: other bytes"
        [ "$(get a "$2/undionly.kpxe")" = loader ] || fail "$1: no loader"
        get a "$2/menu.ipxe" | grep -q '^#!ipxe' || fail "$1: no dispatcher"
        ! get a "$2/.pxefs/status.json" >/dev/null || fail "$1: status.json is public"
}
own()           # SERVER CLIENT URL HASH
{
        get "$2" "$3" >"$DIR/got" || fail "$1: $2 gets no script as $3"
        grep -q "$4" "$DIR/got" || fail "$1: $2 gets another's script as $3: $(cat "$DIR/got")"
}

# ---- tftpd-hpa
server_recipe tftpd.map
[ -x /usr/sbin/in.tftpd ] || skip "in.tftpd (tftpd-hpa) is not installed"
id tftp >/dev/null 2>&1 || skip "no user tftp"
setsid /usr/sbin/in.tftpd -L --user tftp --address 192.0.2.1:69 --secure --map-file "$DIR/tftpd.map" "$MNT" &
tftpd=$!
at_exit "stop_group $tftpd"
wait_for 10 listening udp 69 || fail "in.tftpd does not listen"
own tftpd a tftp://192.0.2.1/hosts/02-00-00-00-00-11/menu.ipxe hash-of-A
own tftpd b tftp://192.0.2.1/hosts/02-00-00-00-00-12/menu.ipxe hash-of-B
own tftpd b tftp://192.0.2.1//hosts/02-00-00-00-00-11/menu.ipxe hash-of-B
builds tftpd tftp://192.0.2.1
only_its_own tftpd tftp://192.0.2.1/
stop_group "$tftpd"

# ---- dnsmasq
server_recipe dnsmasq.conf
printf '%s\n' port=0 interface=br0 bind-interfaces user=nobody log-facility=- log-dhcp \
        dhcp-range=192.0.2.100,192.0.2.110 dhcp-userclass=set:ipxe,iPXE "dhcp-leasefile=$DIR/leases" >>"$DIR/dnsmasq.conf"
: >"$DIR/leases"
chmod 0666 "$DIR/leases"
setsid dnsmasq --keep-in-foreground --pid-file= --conf-file="$DIR/dnsmasq.conf" 2>"$DIR/dnsmasq.log" &
dnsmasq=$!
at_exit "stop_group $dnsmasq"
wait_for 10 listening udp 69 || fail "dnsmasq: $(cat "$DIR/dnsmasq.log")"
own dnsmasq a tftp://192.0.2.1/menu.ipxe hash-of-A
own dnsmasq b tftp://192.0.2.1/menu.ipxe hash-of-B
get stranger tftp://192.0.2.1/menu.ipxe >"$DIR/got" || fail "dnsmasq: a stranger gets no script, and the policy for unknown machines is one"
only_its_own dnsmasq tftp://192.0.2.1/
stop_group "$dnsmasq"

# ---- nginx
server_recipe nginx.conf
# A server block of its own: the recipe must not share locations with testlib's.
mkdir -p "$DIR/nginx"
cat >"$DIR/server.conf" <<END
daemon off;
user www-data;
worker_processes 1;
pid $DIR/nginx.pid;
error_log $DIR/nginx-error.log;
events { worker_connections 64; }
http {
        access_log off;
        client_body_temp_path $DIR/nginx/body;
        proxy_temp_path $DIR/nginx/proxy;
        fastcgi_temp_path $DIR/nginx/fastcgi;
        uwsgi_temp_path $DIR/nginx/uwsgi;
        scgi_temp_path $DIR/nginx/scgi;
        server {
                listen 80;
                include $DIR/nginx.conf;
        }
}
END
[ -x /usr/sbin/nginx ] || skip "nginx is not installed"
setsid /usr/sbin/nginx -e "$DIR/nginx-error.log" -p "$DIR/nginx" -c "$DIR/server.conf" &
nginx=$!
at_exit "stop_group $nginx"
wait_for 10 listening tcp 80 || fail "nginx: $(cat "$DIR/nginx-error.log")"
own nginx a http://192.0.2.1/hosts/02-00-00-00-00-11/menu.ipxe hash-of-A
own nginx b http://192.0.2.1/hosts/02-00-00-00-00-12/menu.ipxe hash-of-B
own nginx b http://192.0.2.1/hosts/02-00-00-00-00-11/menu.ipxe hash-of-B
own nginx a http://192.0.2.1/hosts/02-00-00-00-00-12/menu.ipxe hash-of-A
builds nginx http://192.0.2.1
only_its_own nginx http://192.0.2.1/

# Without a recipe the same names do give it away: the attempts above are real.
stop_group "$nginx"
sed "s|include .*nginx.conf;|root $MNT;|" "$DIR/server.conf" >"$DIR/open.conf"
setsid /usr/sbin/nginx -e "$DIR/nginx-error.log" -p "$DIR/nginx" -c "$DIR/open.conf" &
nginx=$!
at_exit "stop_group $nginx"
wait_for 10 listening tcp 80 || fail "nginx: $(cat "$DIR/nginx-error.log")"
given=$(printf '%s\n' "$names" | while IFS= read -r name; do
        get a "http://192.0.2.1/$name" 2>/dev/null | grep -q hash-of-B && echo "$name"; done | wc -l)
[ "$given" -ge 8 ] || fail "without a recipe only $given names give B's script: this test tries too little"
