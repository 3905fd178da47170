#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# A MAC is found in each spelling loaders and people use; other names in hosts/ are not there; listings show one spelling.
. "$PXEFS_TESTLIB"
need python3
mkbuild 20240101T000000Z -s 1
sql "INSERT INTO host (hostname, uuid) VALUES ('db1', '564d4f3e-6c3b-4f4c-8f0a-0123456789ab');
     INSERT INTO nic (mac, host, ip) SELECT '02:08:20:AB:CD:EF', id, '192.0.2.7' FROM host WHERE hostname = 'db1';"
mount_pxefs -o wait
want=$(digest "$MNT/hosts/02-08-20-ab-cd-ef/menu.ipxe")
for name in 02-08-20-ab-cd-ef 02-08-20-AB-CD-EF 02:08:20:ab:cd:ef 02:08:20:AB:CD:EF 020820abcdef 020820ABCDEF \
        01-02-08-20-ab-cd-ef 01-02-08-20-AB-CD-EF 01:02:08:20:ab:cd:ef 01020820ABCDEF; do
        [ "$(digest "$MNT/hosts/$name/menu.ipxe")" = "$want" ] || fail "hosts/$name"
done
[ "$(readlink "$MNT/hosts/02:08:20:AB:CD:EF")" = 02-08-20-ab-cd-ef ] || fail "another spelling is a link to the canonical one"
for name in 02-08-20-ab-cd 02-08-20-ab-cd-ef-00 02-08-20-ab-cd-eg 02:08-20:ab-cd:ef 00-00-00-00-00-00 \
        ff-ff-ff-ff-ff-ff 01-00-5e-00-00-01 020820abcde 02-08-20-ab-cd-ef. ' 02-08-20-ab-cd-ef' menu.ipxe; do
        [ ! -e "$MNT/hosts/$name" ] && [ ! -L "$MNT/hosts/$name" ] || fail "hosts/'$name' is there"
done
[ "$(ls "$MNT/hosts")" = 02-08-20-ab-cd-ef ] || fail "hosts/ lists $(ls "$MNT/hosts")"
# A name of 255 bytes is absent, a longer one is too long, as statfs says.
python3 - "$MNT/hosts" <<'END' || fail "a name that is too long"
import errno, os, sys
def asked(n):
    try: os.stat(os.path.join(sys.argv[1], 'n' * n))
    except OSError as e: return e.errno
assert os.statvfs(sys.argv[1]).f_namemax == 255
for n, want in ((1, errno.ENOENT), (255, errno.ENOENT), (256, errno.ENAMETOOLONG), (2000, errno.ENAMETOOLONG)):
    assert asked(n) == want, (n, asked(n))
END
for link in by-name/db1 by-name/DB1 by-ip/192.0.2.7 by-uuid/564d4f3e-6c3b-4f4c-8f0a-0123456789ab; do
        [ "$(digest "$MNT/$link/menu.ipxe")" = "$want" ] || fail "$link"
done

# A stranger gets the unknown-host policy's script, is not listed, and the dispatcher names nobody.
for policy in menu local deny; do
        sql "INSERT OR REPLACE INTO setting (key, value) VALUES ('unknown_host', '$policy')"
        head -n 1 "$MNT/hosts/02-00-00-00-00-01/menu.ipxe" | grep -qx '#!ipxe' || fail "unknown host, $policy"
        digest "$MNT/hosts/02-00-00-00-00-01/menu.ipxe" >>"$DIR/policies"
done
[ "$(sort -u "$DIR/policies" | wc -l)" -eq 3 ] || fail "two policies give one script"
grep -q 'smartos/20240101T000000Z' "$MNT/hosts/02-00-00-00-00-01/menu.ipxe" && fail "a denied host is offered a build"
grep -q 'chain' "$MNT/menu.ipxe" || fail "the dispatcher chains nothing"
# autoexec.ipxe is the same behind the lines that open a card, which menu.ipxe must not have: decision 008.
sed '/^# While no card/,/^:chain$/d' "$MNT/autoexec.ipxe" | cmp - "$MNT/menu.ipxe"
grep -qx 'dhcp || goto failed' "$MNT/autoexec.ipxe" || fail "autoexec.ipxe opens no card"
[ "$(ls "$MNT/hosts")" = 02-08-20-ab-cd-ef ] || fail "a stranger is listed"

# nolist hides the names, not what they lead to.
umount_pxefs
mount_pxefs -o wait,nolist
[ -z "$(ls "$MNT/hosts" "$MNT/by-name" "$MNT/by-ip" "$MNT/by-uuid" | grep -v ':$')" ] || fail "nolist lists"
[ "$(digest "$MNT/by-name/db1/menu.ipxe")" = "$want" ] || fail "nolist hides by-name/db1 from look-ups"
