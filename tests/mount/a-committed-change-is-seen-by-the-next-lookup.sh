#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# Names are mutable, what they name is not: whoever opened a text reads it to its end, whoever opens it next gets the new one.
. "$PXEFS_TESTLIB"
mkbuild 20240101T000000Z -s 1
mkbuild 20240202T000000Z -s 1
sql "INSERT INTO host (hostname, build) VALUES ('db1', '20240101T000000Z');
     INSERT INTO nic (mac, host) SELECT '02:08:20:00:00:01', id FROM host WHERE hostname = 'db1';"
mount_pxefs -o wait
menu=$MNT/hosts/02-08-20-00-00-01/menu.ipxe
set_build()
{
        sql "UPDATE host SET build = '$1' WHERE hostname = 'db1'"
}

# 1. An UPDATE between LOOKUP and READ.
cp "$menu" "$DIR/first"
set_build 20240202T000000Z
exec 3<"$menu"                          # the second text, looked up and not yet read
set_build 20240101T000000Z
sql "UPDATE host SET hostname = 'db1-renamed' WHERE hostname = 'db1'"
cat "$menu" >"$DIR/third"
cat <&3 >"$DIR/second"
exec 3<&-
sql "UPDATE host SET hostname = 'db1' WHERE hostname = 'db1-renamed'"
grep -q 'smartos/20240202T000000Z/\|smartos-build 20240202T000000Z' "$DIR/second" || fail "the opened text is not the one looked up"
grep -q db1-renamed "$DIR/third" || fail "the next lookup did not see the commit"
cmp "$menu" "$DIR/first" || fail "back to the first rows, and not to the first text"

# 2. A same-size change: sizes are equal, times and bytes are not, and no conditional request is fooled.
start_nginx "$MNT"
url=$HTTP/hosts/02-08-20-00-00-01/menu.ipxe
sql "UPDATE host SET build = NULL, channel = NULL WHERE hostname = 'db1';
     INSERT OR REPLACE INTO property (host, name, value) SELECT id, 'rack', 'aaaa' FROM host WHERE hostname = 'db1'"
curl -sS -D "$DIR/head" -o "$DIR/old" "$url"
cp -p "$menu" "$DIR/copy"
old_stat=$(stat -c '%s' "$menu") old_time=$(stat -c '%Y' "$menu")
sql "UPDATE property SET value = 'bbbb' WHERE name = 'rack'"
[ "$(stat -c '%s' "$menu")" = "$old_stat" ] || fail "the change was meant to keep the size"
[ "$(stat -c '%Y' "$menu")" != "$old_time" ] || fail "same size and same time, other bytes"
since=$(sed -n 's/^[Ll]ast-[Mm]odified: //p' "$DIR/head" | tr -d '\r')
etag=$(sed -n 's/^[Ee][Tt]ag: //p' "$DIR/head" | tr -d '\r')
curl -sS -o "$DIR/new" -w '%{http_code}' -H "If-None-Match: $etag" "$url" | grep -q 200 || fail "304 for other bytes (ETag)"
grep -q 'rack=bbbb' "$DIR/new" || fail "not the new text"
curl -sS -o /dev/null -w '%{http_code}' -H "If-Modified-Since: $since" "$url" | grep -q 200 || fail "304 for other bytes (date)"
if command -v rsync >/dev/null; then
        rsync -t "$menu" "$DIR/copy"
        cmp "$menu" "$DIR/copy" || fail "rsync skipped the new text"
fi

# 3. Listings see new hosts, new builds and new overlay files at once; a lookup that failed before does not hide them.
ls "$MNT/hosts" "$MNT/by-name" "$MNT/smartos" "$MNT" >/dev/null
[ ! -e "$MNT/by-name/web1" ] && [ ! -e "$MNT/loader.efi" ] && [ ! -e "$MNT/smartos/stable" ]
sql "INSERT INTO host (hostname) VALUES ('web1');
     INSERT INTO nic (mac, host, ip) SELECT '02:08:20:00:00:02', id, '10.0.0.2' FROM host WHERE hostname = 'web1';
     INSERT INTO channel (name, build) VALUES ('stable', '20240101T000000Z');"
echo x >"$STATIC/loader.efi"
ls "$MNT/hosts" | grep -qx 02-08-20-00-00-02 || fail "hosts/ does not list the new NIC"
ls "$MNT/by-name" | grep -qx web1 || fail "by-name/ does not list the new host"
[ "$(readlink "$MNT/by-name/web1")" = ../hosts/02-08-20-00-00-02 ] || fail "by-name/web1"
[ "$(readlink "$MNT/by-ip/10.0.0.2")" = ../hosts/02-08-20-00-00-02 ] || fail "by-ip/10.0.0.2"
[ "$(readlink "$MNT/smartos/stable")" = 20240101T000000Z ] || fail "smartos/stable"
ls "$MNT/smartos" | grep -qx stable || fail "smartos/ does not list the channel"
ls "$MNT" | grep -qx loader.efi || fail "/ does not list the new file"
sql "UPDATE channel SET build = '20240202T000000Z' WHERE name = 'stable'"
[ "$(readlink "$MNT/smartos/stable")" = 20240202T000000Z ] || fail "the channel did not move"
sql "DELETE FROM host WHERE hostname = 'web1'"
[ ! -e "$MNT/by-name/web1" ] || fail "by-name/web1 outlived its row"

# 4. Numbers are the same in another process that knows nothing, also when catalog.db is lost.
find "$MNT/smartos/20240101T000000Z" "$MNT/hosts" -printf '%i %p\n' | sort >"$DIR/ids"
umount_pxefs
rm -f "$CACHE"/catalog.db*
mount_pxefs -o wait
find "$MNT/smartos/20240101T000000Z" "$MNT/hosts" -printf '%i %p\n' | sort | diff "$DIR/ids" - || fail "other node ids"
