#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# The table "Around the mount" of docs/operating.md, row by row, as far as this machine has what a row speaks of: overlayfs, a
# container with and without propagation, bind mounts, names in lower case, a CSV file with empty cells.
. "$PXEFS_TESTLIB"
need sqlite3
_need_isolation "mounts of its own"
mkbuild 20240101T000000Z -s 1
sql "INSERT INTO host (hostname) VALUES ('db1');
     INSERT INTO nic (mac, host) VALUES ('02:08:20:00:00:01', 1);"
menu=hosts/02-08-20-00-00-01/menu.ipxe
mount --make-rshared / # of our own namespace

# A container that was started before: its mount namespace with private propagation sees the empty directory, with rslave the tree.
in_container() # PROPAGATION: prints its process
{
        unshare --mount --propagation "$1" sleep 600 &
        _container=$!
        at_exit "kill $_container 2>/dev/null"
        own() { [ "$(readlink "/proc/$_container/ns/mnt" 2>/dev/null)" != "$(readlink /proc/self/ns/mnt)" ]; }
        wait_for 10 own || fail "no container"
}
in_container private
private=$_container
in_container slave
slave=$_container
mount_pxefs
[ -z "$(nsenter -m -t "$private" ls "$MNT")" ] || fail "a container without propagation sees the mount"
nsenter -m -t "$slave" grep -q db1 "$MNT/$menu" || fail "a container with rslave does not see the mount"

# A directory of the mount, bound elsewhere, is the mount; one file keeps the text of that moment.
mkdir "$DIR/hosts" "$DIR/merged"
: >"$DIR/menu.ipxe"
mount --bind "$MNT/hosts" "$DIR/hosts"
at_exit 'umount -l "$DIR/hosts"'
mount --bind "$MNT/$menu" "$DIR/menu.ipxe"
at_exit 'umount -l "$DIR/menu.ipxe"'
# An overlay: the first edit makes the host's script stale there.
overlay=
mkdir "$DIR/upper"
if mount -t overlay none -o "lowerdir=$MNT:$DIR/upper" "$DIR/merged" 2>"$DIR/log"; then
        overlay=1
        at_exit 'umount -l "$DIR/merged"'
        grep -q db1 "$DIR/merged/$menu" || fail "an overlay does not show the script before an edit"
else
        echo "SKIPPED: no overlay over this mount: $(cat "$DIR/log")" >&2
fi
sql "UPDATE host SET hostname = 'renamed'"
grep -q renamed "$MNT/$menu" || fail "the mount does not follow"
grep -q renamed "$DIR/hosts/02-08-20-00-00-01/menu.ipxe" || fail "a bound directory does not follow"
grep -q db1 "$DIR/menu.ipxe" || fail "a bound file is not the text of its moment: $(cat "$DIR/menu.ipxe")"
if [ -n "$overlay" ]; then
        ! cat "$DIR/merged/$menu" >"$DIR/out" 2>"$DIR/log" || fail "an overlay follows an edit: the documentation says that it does not"
        grep -q 'Stale file handle' "$DIR/log" || fail "an overlay after an edit: $(cat "$DIR/log")"
        ! grep -q db1 "$DIR/out" || fail "an overlay serves the text of before"
fi

# What dnsmasq asks for with tftp-lowercase.
[ -e "$MNT/smartos/20240101T000000Z" ] || fail "the build"
[ ! -e "$MNT/smartos/20240101t000000z" ] || fail "a stamp in lower case is there: the documentation says that it is not"

# An empty cell is '' and refused; NULLIF makes "not given" of it.
if sql "INSERT INTO host (hostname, uuid) VALUES ('csv', '')" 2>"$DIR/log"; then
        fail "an empty cell is taken for a UUID"
fi
sql "INSERT INTO host (hostname, uuid) VALUES ('csv', NULLIF('', ''))"
# A spreadsheet's number has lost the zero in front.
if sql "INSERT INTO nic (mac, host) VALUES ('20820000001', 2)" 2>"$DIR/log"; then
        fail "a MAC without its first digit is taken"
fi
grep -q '^Runtime error.*mac: ' "$DIR/log" || grep -q 'mac: ' "$DIR/log" || fail "the reason: $(cat "$DIR/log")"
