#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# A host's boot modules through in.tftpd and nginx: content and SHA-1, by name and by what a script names; an UPDATE between
# script and module gives the script's bytes or nothing; secrets are found, not listed, and a stranger has none.
. "$PXEFS_TESTLIB"
need curl sqlite3
mkbuild 20240101T000000Z -s 1
HOST=hosts/02-08-20-00-00-01
sql "INSERT INTO profile (id, name) VALUES (2, 'rack7');
     INSERT INTO host (id, hostname, profile) VALUES (1, 'db1', 2), (2, 'db2', 1);
     INSERT INTO nic (mac, host) VALUES ('02:08:20:00:00:01', 1), ('02:08:20:00:00:02', 2), ('02:08:20:00:00:03', 1);
     INSERT INTO module (profile, name, content) VALUES (2, 'etc/system', 'set a=1' || char(10));
     INSERT INTO answer (profile, key, value) VALUES (1, 'config_console', 'true'), (1, 'root_password', 'hunter2');
     INSERT INTO module (host, name, content, secret) VALUES (1, 'key', x'00ff0a', 1);
     UPDATE nic SET ip = '192.0.2.7', netmask = '255.255.255.0', gateway = '192.0.2.1', nic_tag = 'admin',
       nic_tags_provided = 'admin,external' WHERE id = 1;
     INSERT INTO network (profile, dns_domain, dns_resolver1) VALUES (1, 'example.com', '192.0.2.53');
     INSERT INTO route (profile, destination, gateway) VALUES (2, '10.0.0.0/8', '192.0.2.254');"
mount_pxefs -o wait
start_tftpd "$MNT"
start_nginx "$MNT"

# Names for people: the content, and the hash that sha1sum computes.
printf 'set a=1\n' >"$DIR/system"
printf '\000\377\n' >"$DIR/key"
sql "SELECT json FROM host_answers WHERE host = 1" | sed '$d' >"$DIR/answers"       # the shell adds a line break
sql "SELECT json FROM host_networking WHERE host = 1" | sed '$d' >"$DIR/networking"
for get in tftp_get http_get; do
        $get "$HOST/modules/etc+system" | cmp - "$DIR/system"
        $get "$HOST/modules/key" | cmp - "$DIR/key"
        $get "$HOST/modules/answers.json" | cmp - "$DIR/answers"
        $get "$HOST/modules/networking.json" | cmp - "$DIR/networking"
        for f in etc+system key answers.json networking.json; do
                [ "$($get "$HOST/modules/$f.hash")" = "$($get "$HOST/modules/$f" | sha1sum | cut -d' ' -f1)" ] ||
                        fail "$get: the hash of $f"
        done
done
[ "$(stat -c %s "$MNT/$HOST/modules/key.hash")" = 41 ] || fail "a hash is 40 digits and a line break"
grep -q '"root_password": "hunter2"' "$DIR/answers" || fail "the view lost the password"
python3 - "$DIR/networking" <<'END' || fail "networking.json: $(cat "$DIR/networking")"
import json, sys
n = json.load(open(sys.argv[1]))
mac = "02:08:20:00:00:01"
assert n == {"admin_tag": "admin", "dns_domain": "example.com", "hostname": "db1", "resolvers": ["192.0.2.53"],
             "nictags": [{"name": "admin", "mac": mac}, {"name": "external", "mac": mac}],
             "routes": {"10.0.0.0/8": "192.0.2.254"},
             "vnics": [{"nic_tag": "admin", "ip": "192.0.2.7", "netmask": "255.255.255.0", "gateway": "192.0.2.1",
                        "mac": mac}]}, n
END

# Secrets are in no listing and in no text; strangers and other hosts have none of db1's.
[ "$(ls "$MNT/$HOST" | tr '\n' ' ')" = "menu.ipxe modules why " ] || fail "listing: $(ls "$MNT/$HOST")"
[ "$(ls "$MNT/$HOST/modules" | tr '\n' ' ')" = \
        "etc+system etc+system.hash networking.json networking.json.hash " ] || fail "$(ls "$MNT/$HOST/modules")"
[ -z "$(ls -A "$MNT/$HOST/m")" ] || fail "m/ lists: $(ls -A "$MNT/$HOST/m")"
grep -q 'answers.json *set, secret *from profile default' "$MNT/$HOST/why" || fail "why: $(cat "$MNT/$HOST/why")"
! grep -rq hunter2 "$MNT/$HOST/why" "$MNT/$HOST/menu.ipxe" "$MNT/.pxefs" || fail "the password is in a text"
for mac in 02-08-20-00-00-99 02-08-20-00-00-02; do
        for f in etc+system key key.hash networking.json no ..hash .hash; do
                ! [ -e "$MNT/hosts/$mac/modules/$f" ] || fail "$mac has $f"
        done
done
[ ! -e "$MNT/hosts/02-08-20-00-00-99/modules/answers.json" ] || fail "a stranger has the password"
[ -e "$MNT/hosts/02-08-20-00-00-02/modules/answers.json" ] || fail "db2 inherits from default"
cmp "$MNT/hosts/02-08-20-00-00-03/menu.ipxe" "$MNT/$HOST/menu.ipxe" || fail "two NICs, two scripts"

# What the script names: every module with its hash, relative to the script.
refs()          # SCRIPT WORDS: the paths behind smartos-base
{
        sed -n "s,^module \${smartos-base}/\(hosts/[^ ]*\) $2 ||.*,\1,p" "$1"
}
cp "$MNT/$HOST/menu.ipxe" "$DIR/before"
path=$(refs "$DIR/before" 'type=file name=etc/system')
hash=$(refs "$DIR/before" 'type=hash name=etc/system')
[ "$hash" = "$path.hash" ] || fail "script: $path, $hash"
tftp_get "$path" | cmp - "$DIR/system"
http_get "$path.hash" | grep -qx "$(sha1sum <"$DIR/system" | cut -d' ' -f1)" || fail "hash by content"

# Behind a module stands the hash of that very module, for loaders with little room.
refs "$DIR/before" "type=file name=etc/system hash=$(sha1sum <"$DIR/system" | cut -d' ' -f1)" | grep -qxF "$path" ||
        fail "the hash behind the module: $(grep hash= "$DIR/before")"
net=$(refs "$DIR/before" 'type=file name=networking.json')
tftp_get "$net" | cmp - "$DIR/networking"
http_get "$net.hash" | grep -qx "$(sha1sum <"$DIR/networking" | cut -d' ' -f1)" || fail "hash of networking.json"
sql "UPDATE nic SET netmask = '255.255.254.0' WHERE id = 1"
! http_get "$net" >/dev/null 2>&1 || fail "networking.json is still there after the UPDATE"
http_get "$HOST/modules/networking.json" | grep -qF '"netmask": "255.255.254.0"' || fail "networking.json is the old one"
sql "UPDATE nic SET netmask = '255.255.255.0' WHERE id = 1"

# An UPDATE after the script was read: the old names lead to the old bytes or nowhere; the next script leads to the new.
exec 5<"$MNT/$path"             # opened before
sql "UPDATE module SET content = 'set b=2' || char(10) WHERE name = 'etc/system'"
cmp "$DIR/system" - <&5 || fail "a reader that had it open got other bytes"
exec 5<&-
for f in "$path" "$hash"; do
        ! http_get "$f" >/dev/null 2>&1 || fail "$f is still there after the UPDATE"
        ! tftp_get "$f" >/dev/null 2>&1 || fail "$f is still there after the UPDATE"
done
new=$(refs "$MNT/$HOST/menu.ipxe" 'type=file name=etc/system')
[ "$new" != "$path" ] || fail "the script names the same module"
[ "$(http_get "$new")" = 'set b=2' ] || fail "new content"
[ "$(http_get "$new.hash")" = "$(http_get "$new" | sha1sum | cut -d' ' -f1)" ] || fail "new hash"
[ "$(http_get "$HOST/modules/etc+system")" = 'set b=2' ] || fail "the name still leads to the old"
sql "UPDATE module SET content = 'set a=1' || char(10) WHERE name = 'etc/system'"
http_get "$path" | cmp - "$DIR/system" || fail "taken back, the first script is right again"

# Readers that take script, module and hash one after the other while the row changes: never a mismatch.
python3 - "$HTTP" "$HOST" "$INVENTORY" <<'END'
import hashlib, re, sqlite3, sys, threading, urllib.error, urllib.request
http, host, db = sys.argv[1:]
stop = threading.Event()
def write():
    c = sqlite3.connect(db, timeout=30)
    n = 0
    while not stop.is_set():
        n += 1
        c.execute("UPDATE module SET content = ? WHERE name = 'etc/system'", ("set n=%08d\n" % n,))
        c.commit()
        stop.wait(0.001)
def get(path):
    return urllib.request.urlopen(http + "/" + path).read()
writer = threading.Thread(target=write)
writer.start()
whole = gone = 0
try:
    for _ in range(300):
        script = get(host + "/menu.ipxe").decode()
        path = re.search(r"smartos-base}/(\S+) type=file name=etc/system", script)[1]
        try:
            content, digest = get(path), get(path + ".hash").decode()
        except urllib.error.HTTPError as e:
            assert e.code == 404, e
            gone += 1
            continue
        assert digest == hashlib.sha1(content).hexdigest() + "\n", (content, digest)
        assert path.endswith(digest[:16]), (path, digest)
        whole += 1
finally:
    stop.set()
    writer.join()
print("script, module and hash of one content %d times, gone %d times" % (whole, gone))
assert gone > 0, "the row never changed in between"
END

# The other loaders' texts name the same; -o nolist lists nothing.
sql "UPDATE module SET content = 'set a=1' || char(10) WHERE name = 'etc/system'"
grep -qF -- "--- $path type=file name=etc/system" "$MNT/pxelinux.cfg/01-02-08-20-00-00-03" || fail "PXELINUX"
grep -qF -- "module /$path.hash type=hash name=etc/system" "$MNT/boot/grub/menu.lst.01020820000001" || fail "pxegrub"
grep -qF -- "--- $net type=file name=networking.json" "$MNT/pxelinux.cfg/01-02-08-20-00-00-03" || fail "PXELINUX: networking.json"
grep -qF -- "module /$net.hash type=hash name=networking.json" "$MNT/boot/grub/menu.lst.01020820000001" ||
        fail "pxegrub: networking.json"
# A host without the admin tag gets none, and why says so.
sql "UPDATE nic SET nic_tags_provided = 'external' WHERE id = 1"
[ ! -e "$MNT/$HOST/modules/networking.json" ] || fail "networking.json without the admin tag"
grep -q 'networking.json was left out: no NIC of the host has admin' "$MNT/$HOST/why" || fail "why: $(cat "$MNT/$HOST/why")"
stop_group "$NGINX_PID"
stop_group "$TFTPD_PID"
umount_pxefs
mount_pxefs -o nolist
[ -z "$(ls -A "$MNT/$HOST/modules")" ] || fail "nolist: $(ls "$MNT/$HOST/modules")"
cmp "$MNT/$HOST/modules/etc+system" "$DIR/system"
