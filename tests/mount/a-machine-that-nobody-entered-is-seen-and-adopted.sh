#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# A machine without a row asks for its script: pxectl seen shows it, pxectl host adopt enters it, and its next script is its own.
# Known machines, listings and `why` do not count; a restart keeps what was seen.
. "$PXEFS_TESTLIB"
sql "INSERT INTO host (hostname) VALUES ('db1');
     INSERT INTO nic (mac, host) SELECT '02:08:20:00:00:01', id FROM host;" >/dev/null
mount_pxefs
px() { "$PXECTL" -i "$INVENTORY" -c "$CACHE" "$@"; }
is_seen() { px seen | grep -q "^$1 .* $2\$"; }
ls "$MNT/hosts" >/dev/null
cat "$MNT/hosts/02-08-20-00-00-01/menu.ipxe" "$MNT/hosts/02-08-20-00-00-77/why" >/dev/null
start_tftpd "$MNT"
for i in 1 2 3; do
        tftp_get hosts/02-08-20-00-00-99/menu.ipxe >/dev/null
done
wait_for 20 is_seen 02-08-20-00-00-99 '[3-9]' || fail "$(px seen)"
[ "$(px seen | wc -l)" -eq 2 ] || fail "not that one alone: $(px seen)"
stop_group "$TFTPD_PID"
umount_pxefs
mount_pxefs
px --json seen | grep -q '"mac": "02-08-20-00-00-99"' || fail "forgotten: $(px --json seen)"
px host adopt 02:08:20:00:00:99 web1
grep -q 'host web1' "$MNT/hosts/02-08-20-00-00-99/menu.ipxe" || fail "not its own script"
[ "$(px seen | wc -l)" -eq 1 ] || fail "still there: $(px seen)"
