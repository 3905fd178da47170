#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# Of more archives than status.json lists each is in the tree and in pxectl builds; status.json says how many there are, and those that
# need attention stand first in it.
. "$PXEFS_TESTLIB"
need python3
python3 "$PXEFS_SRC/tests/lib/manybuilds.py" "$BUILDS" 600
for n in 1 2 3; do
        echo "no archive" >"$BUILDS/zz-broken$n.tgz"
        touch -d '1 minute ago' "$BUILDS/zz-broken$n.tgz"
done
mount_pxefs 2>"$DIR/log"
there=$(find "$MNT/smartos" -mindepth 1 -maxdepth 1 -type d | wc -l)
[ "$there" = 600 ] || fail "$there builds are in the tree"
[ "$(cat "$MNT/smartos/20100101T000000Z/platform/i86pc/amd64/boot_archive")" = "i86pc/amd64/boot_archive of 20100101T000000Z" ] ||
        fail "other bytes"
python3 - "$MNT/.pxefs/status.json" <<'END' || fail "status.json"
import json, sys
s = json.load(open(sys.argv[1]))
assert s["archives_total"] == 603 and s["builds_total"] == 600, (s["archives_total"], s["builds_total"])
assert len(s["archives"]) == 500 and len(s["builds"]) == 500, (len(s["archives"]), len(s["builds"]))
assert [a["state"] for a in s["archives"][:4]] == ["refused"] * 3 + ["ready"], s["archives"][:4]
assert s["latest"] == s["builds"][0]
END
"$PXECTL" -c "$CACHE" builds >"$DIR/list"
[ "$(grep -c '^20' "$DIR/list")" = 600 ] || fail "pxectl builds: $(grep -c '^20' "$DIR/list"); $(head -3 "$DIR/list")"
"$PXECTL" status "$MNT" | grep -q 'builds *600 served' || fail "pxectl status: $("$PXECTL" status "$MNT")"
