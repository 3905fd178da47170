#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# SIGKILL in the middle of a commit. WAL: nothing is noticed. Rollback mode: the half is taken back, by the worker if it may
# write; if not, the copy answers, status.json has the command, and after it the file itself does.
. "$PXEFS_TESTLIB"
need python3
sql "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
       INSERT INTO host (id, hostname, comment) SELECT i, 'h' || i, 'before ' || hex(zeroblob(40)) FROM n;
     INSERT INTO nic (mac, host) VALUES ('02:08:20:00:00:01', 1), ('02:08:20:00:0b:b8', 3000);" >/dev/null
reason() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["inventory"]["reason"] or "")' "$MNT/.pxefs/status.json"; }
has_copy() { ls "$CACHE"/inventory-*.db; }
# The database's pages are written before the commit, as the cache is too small to hold them.
killed_writer()
{
        python3 - "$INVENTORY" <<'END' || :
import os, signal, sqlite3, sys
c = sqlite3.connect(sys.argv[1], isolation_level=None)
c.execute("PRAGMA cache_size = 5")
c.execute("BEGIN IMMEDIATE")
c.execute("UPDATE host SET comment = 'half', hostname = 'x' || id")
os.kill(os.getpid(), signal.SIGKILL)
END
}
first=$MNT/hosts/02-08-20-00-00-01/menu.ipxe last=$MNT/hosts/02-08-20-00-0b-b8/menu.ipxe
whole()
{
        grep -q 'host h1\b' "$first" && grep -q 'host h3000\b' "$last" || fail "$1: $(head -n 3 "$first" "$last") $(reason)"
}
mount_pxefs
wait_for 20 has_copy || fail "no copy"
killed_writer
whole wal
[ "$(reason)" = '' ] || fail "wal: $(reason)"

umount_pxefs
sql 'PRAGMA journal_mode = DELETE' >/dev/null
killed_writer
[ -s "$INVENTORY-journal" ] || fail "the writer left no journal: this test tries nothing"
mount_pxefs
whole 'rollback mode'
[ "$(reason)" = '' ] || fail "rollback mode: $(reason)"
[ ! -s "$INVENTORY-journal" ] || fail "the journal is still there"

chown -R root: "$DIR/inventory"
chmod 0755 "$DIR/inventory"
chmod 0644 "$INVENTORY"
whole 'owned by root'
[ "$(reason)" = '' ] || fail "owned by root, rollback mode: $(reason)"
killed_writer
[ -s "$INVENTORY-journal" ] || fail "the writer left no journal: this test tries nothing"
whole 'and not writable'
grep -q '"inventory": {"state": "copy"' "$MNT/.pxefs/status.json" || fail "not writable: $(reason)"
command=$(reason | sed -n 's/.*as root, write //p')
[ -n "$command" ] || fail "no command in: $(reason)"
sh -c "$command" >/dev/null || fail "$command"
whole 'after the command'
[ "$(reason)" = '' ] || fail "after $command: $(reason)"
