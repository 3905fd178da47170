#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# PXELINUX, pxegrub and Triton's DHCP ask by UUID, MAC or address, each in its own spelling: a known machine gets its own
# file, an unknown one its policy's; what fits two hosts leads to neither; names nobody answers are simply absent.
. "$PXEFS_TESTLIB"
mkbuild 20240101T000000Z -s 1
mkbuild 20240202T000000Z -s 1
sql "INSERT INTO host (hostname, build, uuid) VALUES ('db1', '20240101T000000Z', '564d4f3e-6c3b-4f4c-8f0a-0123456789ab'),
       ('db2', NULL, 'aaaaaaaa-6c3b-4f4c-8f0a-0123456789ab'), ('db3', NULL, 'aaaaaaaa-6c3b-4f4c-8f0a-0123456789ab');
     INSERT INTO nic (mac, host, ip) SELECT '02:08:20:AB:CD:EF', id, '192.0.2.7' FROM host WHERE hostname = 'db1';
     INSERT INTO nic (mac, host, ip) SELECT '02:08:20:AB:CD:02', id, '192.0.2.8' FROM host WHERE hostname = 'db2';
     INSERT INTO nic (mac, host, ip) SELECT '02:08:20:AB:CD:03', id, '192.0.2.8' FROM host WHERE hostname = 'db3';"
mkdir "$STATIC/boot" "$STATIC/pxelinux.cfg"
echo mine >"$STATIC/boot/loader.rc"
echo mine >"$STATIC/pxelinux.cfg/graphics.conf"
echo other >"$STATIC/pxelinux.cfg/default"
mount_pxefs -o wait

pxelinux=$(digest "$MNT/pxelinux.cfg/01-02-08-20-ab-cd-ef")
grub=$(digest "$MNT/menu.lst.01020820ABCDEF")
grep -q 'smartos/20240101T000000Z/platform' "$MNT/pxelinux.cfg/01-02-08-20-ab-cd-ef"
grep -q '^default smartos$' "$MNT/pxelinux.cfg/01-02-08-20-ab-cd-ef"
for name in 01-02-08-20-AB-CD-EF 01:02:08:20:ab:cd:ef 01020820abcdef 564d4f3e-6c3b-4f4c-8f0a-0123456789ab \
        564D4F3E-6C3B-4F4C-8F0A-0123456789AB 3e4f4d56-3b6c-4c4f-8f0a-0123456789ab C0000207 c0000207; do
        [ "$(digest "$MNT/pxelinux.cfg/$name")" = "$pxelinux" ] || fail "pxelinux.cfg/$name"
done
for name in menu.lst.01020820abcdef menu.lst.01-02-08-20-ab-cd-ef boot/grub/menu.lst.01020820ABCDEF; do
        [ "$(digest "$MNT/$name")" = "$grub" ] || fail "$name"
done
grep -q '^chain .*hosts/02-08-20-ab-cd-ef/menu.ipxe ||$' "$MNT/boot.ipxe.01020820ABCDEF" || fail "boot.ipxe.01.."
cmp "$MNT/menu.lst" "$MNT/boot/grub/menu.lst"

# Absent: shortened addresses, what fits two hosts or none, other types, multicast, names of no machine.
for name in C000020 C00002 C C0000208 C0000209 aaaaaaaa-6c3b-4f4c-8f0a-0123456789ab 00000000-0000-0000-0000-000000000000 \
        02-08-20-ab-cd-ef 20-02-08-20-ab-cd-ef 01-ff-ff-ff-ff-ff-ff 01-02-08-20-ab-cd default.c32; do
        [ ! -e "$MNT/pxelinux.cfg/$name" ] || fail "pxelinux.cfg/$name is there"
done
for name in menu.lst.pxegrub menu.lst.02-08-20-ab-cd-ef menu.lst. boot.ipxe boot.ipxe.01 default boot/grub/default; do
        [ ! -e "$MNT/$name" ] || fail "$name is there"
done
grep -q 'uuid aaaaaaaa-6c3b-4f4c-8f0a-0123456789ab is also that of host db3' "$MNT/by-name/db2/why" || fail "db2's why: uuid"
grep -q 'ip 192.0.2.8 is also that of host db2' "$MNT/by-name/db3/why" || fail "db3's why: ip"

# Listings: one name of each host that is known, and the plain files that stand there.
[ "$(LC_ALL=C ls "$MNT/pxelinux.cfg" | tr '\n' ' ')" = \
        "01-02-08-20-ab-cd-02 01-02-08-20-ab-cd-03 01-02-08-20-ab-cd-ef default graphics.conf " ] || fail "ls pxelinux.cfg: $(ls "$MNT/pxelinux.cfg")"
[ "$(LC_ALL=C ls "$MNT/boot" "$MNT/boot/grub" | grep -c 'loader.rc\|^menu.lst$\|^menu.lst.01020820ABCD0[23]$\|^menu.lst.01020820ABCDEF$')" -eq 5 ]
[ "$(cat "$MNT/boot/loader.rc" "$MNT/pxelinux.cfg/graphics.conf" | sort -u)" = mine ]
grep -q 'mine\|other' "$MNT/pxelinux.cfg/default" && fail "a plain file takes the place of ours"

# A change is seen by the next lookup, and a reader of the old text reads on.
exec 3<"$MNT/pxelinux.cfg/01-02-08-20-ab-cd-ef"
sql "UPDATE host SET build = '20240202T000000Z' WHERE hostname = 'db1'"
grep -q 'label smartos' "$MNT/pxelinux.cfg/01-02-08-20-ab-cd-ef"
[ "$(digest "$MNT/pxelinux.cfg/01-02-08-20-ab-cd-ef")" != "$pxelinux" ] || fail "the change is not seen"
[ "$(digest <&3)" = "$pxelinux" ] || fail "the old text changed under its reader"
exec 3<&-

# A stranger gets the policy's text by its MAC; default and menu.lst boot nothing by themselves.
stranger=01-02-00-00-00-00-01
grep -q '^default smartos$' "$MNT/pxelinux.cfg/$stranger" || fail "a stranger, menu"
for policy in menu local deny; do
        sql "INSERT OR REPLACE INTO setting (key, value) VALUES ('unknown_host', '$policy')"
        digest "$MNT/pxelinux.cfg/$stranger" >>"$DIR/pxelinux"
        digest "$MNT/menu.lst.01020000000001" >>"$DIR/grub"
        grep -q '^default smartos$' "$MNT/pxelinux.cfg/default" && fail "default boots by itself, $policy"
done
[ "$(sort -u "$DIR/pxelinux" | wc -l) $(sort -u "$DIR/grub" | wc -l)" = '3 3' ] || fail "two policies give one text"
grep -q 20240101T000000Z "$MNT/pxelinux.cfg/$stranger" && fail "a denied machine is offered a build"

umount_pxefs
mount_pxefs -o wait,nolist
[ "$(ls "$MNT/pxelinux.cfg")" = "$(printf 'default\ngraphics.conf')" ] || fail "nolist lists"
[ -e "$MNT/pxelinux.cfg/01-02-08-20-ab-cd-ef" ] || fail "nolist hides from look-ups"
