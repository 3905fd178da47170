#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# Every URL a script names, resolved against the script's own as RFC 3986 says, is there: at the root and behind a prefix.
. "$PXEFS_TESTLIB"
mkbuild 20240101T000000Z -s 1
mkbuild 20240202T000000Z -s 1
sql "INSERT INTO host (hostname, build) VALUES ('db1', '20240101T000000Z');
     INSERT INTO nic (mac, host) SELECT '02:08:20:00:00:01', id FROM host WHERE hostname = 'db1';
     INSERT INTO module (profile, name, content) VALUES (1, 'etc/system', 'x');"
echo "Triton's iPXE, which the menu offers under UEFI" >"$STATIC/snponly.efi"
mount_pxefs -o wait

check()         # BASE SCRIPT
{
        python3 - "$1" "$2" <<'END'
import re, sys, urllib.parse, urllib.request
base, script = sys.argv[1] + "/", sys.argv[2]
url = urllib.parse.urljoin(base, script)
text = urllib.request.urlopen(url).read().decode()
found = 0
values = {"mac:hexhyp": ["02-08-20-00-00-01", "02-08-20-00-00-99"]}
for line in text.splitlines():          # what `set` gives a name, in any branch
    m = re.match(r"\s*set (\S+) (\S+)", line)
    if m:
        values.setdefault(m[1], []).append(m[2])
def expand(word):
    m = re.search(r"\$\{([^{}]+)\}", word)
    if not m:
        return [word]
    assert m[1] in values, "%s: ${%s} is set nowhere" % (script, m[1])
    return [w for v in values[m[1]] for w in expand(word[:m.start()] + v + word[m.end():])]
for line in text.splitlines():
    words = line.split()
    while words and words[0] in ("||", "&&"):
        words = words[1:]
    if not words or words[0] not in ("kernel", "module", "initrd", "chain", "imgfetch"):
        continue
    target = next(w for w in words[1:] if not w.startswith("--"))
    for u in expand(target):
        u = urllib.parse.urljoin(url, u)
        urllib.request.urlopen(urllib.request.Request(u, method="HEAD"))
        found += 1
print("%s: %d references" % (url, found))
assert found >= (2 if "hosts/" in script else 1), text
END
}
start_nginx "$MNT"
check "$HTTP" menu.ipxe
check "$HTTP" hosts/02-08-20-00-00-01/menu.ipxe
check "$HTTP" hosts/02-08-20-00-00-99/menu.ipxe
sql "INSERT OR REPLACE INTO setting (key, value) VALUES ('menu_style', 'minimal')"
check "$HTTP" hosts/02-08-20-00-00-01/menu.ipxe
sql "INSERT OR REPLACE INTO setting (key, value) VALUES ('boot_form', 'initrd')"
check "$HTTP" hosts/02-08-20-00-00-01/menu.ipxe
sql "INSERT OR REPLACE INTO setting (key, value) VALUES ('menu_style', 'full')"
stop_group "$NGINX_PID"
start_nginx "$MNT" /a/b/netboot
check "$HTTP" menu.ipxe
check "$HTTP" hosts/02-08-20-00-00-01/menu.ipxe
sql "INSERT OR REPLACE INTO setting (key, value) VALUES ('base_url', '$HTTP')"
check "$HTTP" menu.ipxe
check "$HTTP" hosts/02-08-20-00-00-01/menu.ipxe
