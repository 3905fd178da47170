#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# Many machines at once: the page's recipe works as it stands there, and a thousand times a thousand rows stay linear, whatever
# statistics the inventory holds.
set -eu
dir=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d) # no disk to wait for
trap 'rm -rf "$dir"' EXIT
db=$dir/inventory.db
fail() { echo "$*"; exit 1; }
sqlite3 -bail "$db" <"$PXEFS_SRC/schema/inventory.sql" >/dev/null

# The recipe, with its files in a directory of ours.
awk '/^## Many machines at once/ { on = 1; next } on && /^## / { exit }
        on && /^```/ { inside = !inside; next } on && inside' "$PXEFS_SRC/docs/operating.md" |
        sed "s|/var/lib/pxefs/inventory.db|$db|g; s|machines.csv|$dir/machines.csv|g" >"$dir/recipe"
grep -q '\.import' "$dir/recipe" || fail "there is no recipe"
printf 'hostname,mac,ip,profile,build\r\ndb1,2:8:20:ab:cd:1,192.0.2.7,,\r\ndb2,02:08:20:AB:CD:02,,default,20241010T000000Z\r\n' >"$dir/machines.csv"
sh -eu "$dir/recipe" >"$dir/out" 2>&1 || fail "$(cat "$dir/out")"
[ "$(sqlite3 "$db" "SELECT group_concat(hostname || mac || ifnull(ip, '-') || profile || ifnull(build, '-')) FROM host JOIN nic ON nic.host = host.id")" = \
        'db102-08-20-ab-cd-01192.0.2.71-,db202-08-20-ab-cd-02-120241010T000000Z' ] || fail "$(sqlite3 "$db" 'SELECT * FROM host; SELECT * FROM nic')"
# A bad line is a sentence, and nothing of the file is entered.
printf 'hostname,mac,ip,profile,build\ndb3,02:08:20:ab:cd:03,,,\ndb_4,02:08:20:ab:cd:04,,,\n' >"$dir/machines.csv"
! sh -eu "$dir/recipe" >"$dir/out" 2>&1 || fail "it was taken"
grep -q 'hostname: letters, digits' "$dir/out" || fail "$(cat "$dir/out")"
[ "$(sqlite3 "$db" 'SELECT count(*) FROM host')" = 2 ] || fail "half of it was entered"

# Statistics of a time when each table had one row: the planner then believes that reading all rows is as good as an index.
sqlite3 "$db" "DELETE FROM host; INSERT INTO host (hostname) VALUES ('one'); INSERT INTO nic (host, mac) SELECT id, '02:08:20:ff:ff:ff' FROM host;
        INSERT INTO property (host, name, value) SELECT id, 'a', 'b' FROM host; ANALYZE"
# The work that SQLite does, in steps of its virtual machine: no clock, no noise.
steps()         # FROM TO: of the inserts of that many hosts, with a NIC and a property each
{
        printf '.stats vmstep\nBEGIN;\n'
        for t in "INSERT INTO host (hostname) SELECT 'n' || value FROM generate_series($1, $2)" \
                "INSERT INTO nic (host, mac) SELECT id, printf('0200%08x', id) FROM host WHERE id > (SELECT max(host) FROM nic)" \
                "INSERT INTO property (host, name, value) SELECT id, 'a', 'b' FROM host WHERE id > (SELECT max(host) FROM property)"; do
                printf '%s;\n' "$t"
        done
        printf 'COMMIT;\n'
}
count() { steps "$1" "$2" | sqlite3 "$db" | sed -n 's/^VM-steps: *//p' | awk '{ n += $1 } END { print n }'; }
first=$(count 1 1000)
count 1001 8000 >/dev/null
last=$(count 8001 9000)
[ "$first" -gt 100000 ] || fail "no steps are counted: $first"
[ "$last" -lt $((first * 3 / 2)) ] || fail "the first 1000 hosts cost $first steps, those after 8000 $last"
