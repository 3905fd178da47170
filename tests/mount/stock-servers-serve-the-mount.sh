#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# tftpd-hpa with --secure and its own user, and nginx, serve the mount as it is: as their root, below it, behind a prefix.
. "$PXEFS_TESTLIB"
mkbuild 20240101T000000Z -s 40      # more than 65535 blocks of 512 bytes
sql "INSERT INTO host (hostname, build) VALUES ('db1', '20240101T000000Z');
     INSERT INTO nic (mac, host) SELECT '02:08:20:00:00:01', id FROM host WHERE hostname = 'db1';"
mount_pxefs -o wait
archive=smartos/20240101T000000Z/platform/i86pc/amd64/boot_archive
want=$(member i86pc/amd64/boot_archive | digest)

start_tftpd "$MNT"
start_nginx "$MNT"
[ "$(http_get "$archive" | digest)" = "$want" ] || fail "nginx: boot_archive"
[ "$(tftp_get "$archive" | digest)" = "$want" ] || fail "tftpd: boot_archive"
[ "$(curl -sS --fail --tftp-blksize 512 "$TFTP/$archive" | digest)" = "$want" ] || fail "tftpd: over 65535 blocks"
[ "$(tftp_get menu.ipxe | head -n 1)" = '#!ipxe' ] || fail "tftpd: menu.ipxe"
tftp_get hosts/02-08-20-00-00-01/menu.ipxe | cmp - "$MNT/hosts/02-08-20-00-00-01/menu.ipxe"
! tftp_get no/such/file 2>/dev/null || fail "tftpd: a file that is not there"

# tsize and blksize are answered (RFC 2348, 2349) with the true size.
python3 - "$archive" "$(stat -c %s "$MNT/$archive")" <<'END'
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(10)
s.sendto(b"\0\1" + sys.argv[1].encode() + b"\0octet\0tsize\0" + b"0\0blksize\0" + b"1432\0", ("127.0.0.1", 69))
data, peer = s.recvfrom(2048)
assert data[:2] == b"\0\6", data
words = data[2:].split(b"\0")
options = dict(zip(words[0::2], words[1::2]))
assert options == {b"tsize": sys.argv[2].encode(), b"blksize": b"1432"}, options
s.sendto(b"\0\5\0\0stop\0", peer)
END

# HEAD, ranges, conditional requests.
curl -sS --fail --head "$HTTP/$archive" >"$DIR/head"
grep -qi "^content-length: $(stat -c %s "$MNT/$archive")" "$DIR/head" || fail "HEAD: $(cat "$DIR/head")"
for range in 0-0 1-4096 1000000-3000000 -1 41943039-; do
        curl -sS --fail -r "$range" "$HTTP/$archive" >"$DIR/got"
        python3 -c 'import sys
data = open(sys.argv[1], "rb").read(); a, b = sys.argv[2].split("-")
want = data[-int(b):] if not a else data[int(a):int(b) + 1 if b else None]
assert open(sys.argv[3], "rb").read() == want, "range " + sys.argv[2]' "$MNT/$archive" "$range" "$DIR/got"
done
etag=$(sed -n 's/^[Ee][Tt]ag: //p' "$DIR/head" | tr -d '\r')
[ "$(curl -sS -o /dev/null -w '%{http_code}' -H "If-None-Match: $etag" "$HTTP/$archive")" = 304 ] || fail "no 304"

# The mount below a TFTP root that has other things too.
stop_group "$TFTPD_PID"
start_tftpd "$DIR"
[ "$(tftp_get "${MNT##*/}/$archive" | digest)" = "$want" ] || fail "tftpd: below its root"
tftp_get "${MNT##*/}/hosts/02-08-20-00-00-01/menu.ipxe" | cmp - "$MNT/hosts/02-08-20-00-00-01/menu.ipxe"

# Fifty clients at once, and edits of the inventory meanwhile.
i=0
while [ $i -lt 50 ]; do
        i=$((i + 1))
        { http_get "$archive" | digest >"$DIR/client.$i"; } &
        pids="${pids-} $!"
done
n=0
while [ $n -lt 100 ]; do
        n=$((n + 1))
        sql "UPDATE host SET comment = 'edit $n' WHERE hostname = 'db1'"
done
for pid in $pids; do wait "$pid"; done
[ "$(sort -u "$DIR"/client.*)" = "$want" ] || fail "fifty clients: not all digests are equal"
