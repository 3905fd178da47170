#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# A stranger with only sqlite3 and .schema adds a host, mistypes, and each refusal says what to write instead.
set -eu
dir=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d) # no disk to wait for
trap 'rm -rf "$dir"' EXIT
db=$dir/inventory.db
sqlite3 -bail "$db" <"$PXEFS_SRC/schema/inventory.sql" >/dev/null

# The examples stand in what .schema prints, and work in the order they stand there.
sqlite3 "$db" '.schema host' | sed -n 's/^  --   \([A-Z].*;\)$/\1/p' >"$dir/examples.sql"
[ "$(wc -l <"$dir/examples.sql")" -ge 15 ]
sqlite3 -bail "$db" <"$dir/examples.sql" >"$dir/out"
grep -q '^1|db1|20240926T000000Z|host.build|rack7|02-08-20-ab-cd-01|' "$dir/out"

# Every table and every column is commented where .schema shows it.
sqlite3 "$db" .schema >"$dir/schema"
for word in 'RFC 1123' 'NULL takes away' 'Fibonacci' 'allow_destructive' 'UPDATE actor'; do
        grep -q -- "$word" "$dir/schema"
done

# refused SQL SENTENCE
refused()
{
        if sqlite3 -bail "$db" "$1" >"$dir/out" 2>&1; then
                echo "accepted: $1"
                exit 1
        fi
        if ! grep -qF -- "$2" "$dir/out"; then
                echo "$1"
                cat "$dir/out"
                exit 1
        fi
        [ "$(wc -l <"$dir/out")" -eq 1 ]
}

refused "INSERT INTO host (hostname) VALUES ('db_2')" \
        'hostname: letters, digits and inner hyphens'
refused "INSERT INTO nic (host, mac) VALUES ((SELECT id FROM host WHERE hostname = 'db1'), '02:08:20:ab:cd:0')" \
        'mac: twelve hex digits in pairs, separated by -, : or nothing, for example 02:08:20:ab:cd:01'
refused "INSERT INTO nic (host, mac) VALUES ((SELECT id FROM host WHERE hostname = 'db7'), '02:08:20:ab:cd:02')" \
        'host: no such host. Write (SELECT id FROM host WHERE hostname ='
refused "INSERT INTO property (host, name, value) VALUES (1, 'console', 'ttya')" \
        'INSERT ... ON CONFLICT (host, name) DO UPDATE SET value = excluded.value'
refused "UPDATE property SET value = 'ttyS0' WHERE host = 1" \
        'console is text, graphics, ttya'
refused "UPDATE host SET build = 'platform-20241010T000000Z.tgz' WHERE hostname = 'db1'" \
        "build: a build's name, YYYYMMDDThhmmssZ"
refused "INSERT INTO setting (key, value) VALUES ('timeout', '5')" \
        'SELECT key, type, choices, meaning FROM known_setting lists those there are'
refused "INSERT INTO property (profile, name, value) VALUES (1, 'root_shadow', 'secret')" \
        'never the password'
refused "DELETE FROM profile WHERE name = 'rack7'" \
        'profile: hosts use it (SELECT hostname FROM host WHERE profile = its id); write first: UPDATE host SET profile = 1'
refused "INSERT INTO nic (host, mac) VALUES (1, '020820ABCD01')" \
        'another NIC has this address'
