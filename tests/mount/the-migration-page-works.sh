#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# Whoever follows docs/migration.md and migration-triton.md comes from a hand-made /tftpboot to pxefs and back: its commands are run as they stand there,
# with this test's paths, and show what the page says. The hand-made tree is what the SmartOS documentation has an operator
# make. Each command of its tables works, and does what its row says.
. "$PXEFS_TESTLIB"
_need_isolation "a TFTP server"
need curl sqlite3 python3
stamp=20240101T000000Z
[ -w /dev/fuse ] || skip "no /dev/fuse"

# The page's paths and programs: below $DIR. root_shadow and the menu are the documentation's.
old=$DIR/hand-made
mkdir -p "$DIR/bin" "$DIR/srv" "$DIR/cwd" "$DIR/tmp" "$old/smartos"
ln -s "$PXECTL" "$DIR/bin/pxectl"
cat >"$DIR/bin/pxefs" <<END
#!/bin/sh
[ "\$1" = -o ] || exit 2
options=\$2
shift 2
exec "$PXEFS" -o "\$options,inventory=$INVENTORY,cache=$CACHE,user=$PXEFS_USER" "\$@"
END
# stop, start or restart, tftpd-hpa: the server with Debian's options.
cat >"$DIR/bin/systemctl" <<END
#!/bin/sh
echo "\$*" >>"$DIR/systemctl.log"
case \$1 in
stop | restart)
        pid=\$(cat "$DIR/tftpd.pid")
        kill "\$pid"
        while [ -e "/proc/\$pid" ]; do sleep 0.1; done
        ;;
esac
case \$1 in
start | restart)
        setsid /usr/sbin/in.tftpd -L --user tftp --address :69 --secure "$old" </dev/null >"$DIR/tftpd.log" 2>&1 &
        echo \$! >"$DIR/tftpd.pid"
        until ss -Hlun 'sport = :69' | grep -q .; do sleep 0.1; done
        ;;
esac
END
chmod +x "$DIR/bin/pxefs" "$DIR/bin/systemctl"
[ -x /usr/sbin/in.tftpd ] || skip "in.tftpd (tftpd-hpa) is not installed"
chown "$PXEFS_USER:" "$CACHE" "$DIR/inventory"
export PATH="$DIR/bin:$PATH" PXEFS_INVENTORY="$INVENTORY" PXEFS_CACHE="$CACHE"
at_exit "umount -l '$old' '$DIR/srv/tree' 2>/dev/null; kill \$(cat '$DIR/tftpd.pid') 2>/dev/null"

# The hand-made tree: unpacked, renamed, i86pc moved below platform/.
mkbuild $stamp -s 1
mv "$TGZ" "$DIR/published.tgz"
TGZ=$DIR/published.tgz
tar -xzf "$TGZ" -C "$old/smartos"
mv "$old/smartos/platform-$stamp" "$old/smartos/$stamp"
mkdir "$old/smartos/$stamp/platform"
mv "$old/smartos/$stamp/i86pc" "$old/smartos/$stamp/platform/"
echo loader >"$old/undionly.kpxe"
cp "$old/undionly.kpxe" "$old/smartos/mboot.c32"
cat >"$old/menu.ipxe" <<END
#!ipxe

set smartos-build $stamp

:start
menu Welcome to iPXE's Boot Menu
item smartos    Boot SmartOS (\${smartos-build})
choose --default smartos --timeout 30000 target && goto \${target}

:smartos
kernel /smartos/\${smartos-build}/platform/i86pc/kernel/amd64/unix -B smartos=true,root_shadow='\$5\$2HOHRnK3\$NvLlm.1KQBbB0WjoP7xcIwGnllhzp2HnT.mDO7DpxYA'
initrd /smartos/\${smartos-build}/platform/i86pc/amd64/boot_archive
boot
goto start
END

# here: the page's paths, as this test has them. marked KIND NAME: the block behind <!-- KIND: NAME -->.
here()
{
        sed "s|/tmp/|@DIR@/tmp/|g; s|/srv/|@DIR@/srv/|g; s|/tftpboot|@DIR@/hand-made|g; s|/var/lib/pxefs/|@DIR@/inventory/|g
                s|@DIR@|$DIR|g"
}
marked()
{
        awk -v mark="<!-- $1: $2 -->" '
                $0 == mark { found = 1; next }
                found && /^```/ { if (inside) exit; inside = 1; next }
                inside' "$DIR/pages"
}
cat "$PXEFS_SRC/docs/migration.md" "$PXEFS_SRC/docs/migration-triton.md" >"$DIR/pages"

cat >"$DIR/cwd/cn1.json" <<'END'
{ "platform": "20240101T000000Z", "ip": "192.0.2.11", "netmask": "255.255.255.0", "resolvers": [ "192.0.2.1" ],
  "kernel_args": { "hostname": "cn1", "smt_enabled": true, "admin_nic": "02:08:20:00:00:11",
    "aggr0_aggr": "\"02:08:20:00:00:12,02:08:20:00:00:13\"" },
  "kernel_flags": { "-k": true, "-d": false, "-m": "milestone=none" }, "boot_modules": [],
  "default_console": "serial", "serial": "ttyb" }
END
cp "$DIR/cwd/cn1.json" "$DIR/cwd/answers.json"
cd "$DIR/cwd"
systemctl start tftpd-hpa # before the mount, in the hand-made tree

# All blocks in one shell, in the page's order, as a reader would type them.
names=$(sed -n 's/^<!-- run: \(.*\) -->$/\1/p' "$DIR/pages")
[ "$(echo "$names" | wc -l)" -eq 10 ] || fail "the pages have other blocks than this test was written for: $names"
{
        echo 'set -eu'
        for name in $names; do
                [ "$name" != pack ] || echo "mkdir -p '$DIR/tmp'"
                echo "exec >'$DIR/tmp/out.$name'"
                echo "echo 'running: $name' >&2"
                marked run "$name" | here
                # The state in which the page's reader is then.
                case $name in
                mount) echo "find '$DIR/srv/tree/smartos' -maxdepth 1 -name '[0-9]*' -printf '%f\n' >'$DIR/tmp/builds'" ;;
                same) echo "'$PXECTL' set profile default console=text; '$PXECTL' set host db1 --drop hostname" ;;
                switch) echo "cat '$old/menu.ipxe' '$old/undionly.kpxe' '$old/smartos/mboot.c32' >'$DIR/tmp/switched'" ;;
                back) echo "'$DIR/bin/pxefs' -o static='$DIR/srv/loaders',wait '$DIR/srv/builds' '$DIR/srv/tree'" ;;
                esac
        done
} >"$DIR/page.sh"
sh "$DIR/page.sh" || fail "the page's commands end with $?: $(cat "$DIR"/tmp/out.* 2>/dev/null | tail -n 20)"
for name in $names; do
        marked shows "$name" >"$DIR/tmp/want"
        [ ! -s "$DIR/tmp/want" ] || diff -u "$DIR/tmp/want" "$DIR/tmp/out.$name" >&2 || fail "'$name' shows something else"
done
[ "$(cat "$DIR/tmp/builds")" = $stamp ] || fail "served were: $(cat "$DIR/tmp/builds")"
grep -q '^chain --replace' "$DIR/tmp/switched" || fail "the menu was not replaced"
[ "$(grep -c '^loader$' "$DIR/tmp/switched")" -eq 2 ] || fail "plain files were lost"
[ ! -s "$DIR/tmp/out.bytes" ] || fail "other bytes: $(cat "$DIR/tmp/out.bytes")"
[ ! -s "$DIR/tmp/out.same" ] || fail "not the same words: $(cat "$DIR/tmp/out.same")"
for f in i86pc/kernel/amd64/unix i86pc/amd64/boot_archive i86pc/amd64/boot_archive.hash; do
        member "$f" | cmp - "$DIR/srv/tree/smartos/$stamp/platform/$f" || fail "$f is not the published one"
done

# The comparison finds a difference: a control.
printf x >>"$old/smartos/$stamp/platform/i86pc/kernel/amd64/unix"
sh -c "$(marked run bytes | here)" >"$DIR/tmp/differs" 2>/dev/null
grep -q 'unix differs' "$DIR/tmp/differs" || fail "a changed kernel is not seen by the page's comparison"

# The tables: every command in the second column, in order; then what the machines get.
python3 - "$DIR/pages" >"$DIR/commands" <<'END'
import re, sys
for line in open(sys.argv[1]):
    if line.startswith("|"):
        for code in re.findall(r"`([^`]+)`", line.rstrip("\n").split(" | ", 1)[-1]):
            if re.match(r"(pxectl|INSERT|UPDATE) ", code) and "PATH" not in code:
                print(code)
END
[ "$(wc -l <"$DIR/commands")" -ge 22 ] || fail "only these commands are in the tables: $(cat "$DIR/commands")"
while IFS= read -r command; do
        case $command in
        pxectl*) sh -c "$command" >"$DIR/tmp/out" 2>&1 ;;
        *) sqlite3 -bail "$INVENTORY" "$command" >"$DIR/tmp/out" 2>&1 ;;
        esac || fail "$command: $(cat "$DIR/tmp/out")"
done <"$DIR/commands"
[ "$(sql "SELECT count(*) FROM host WHERE hostname = 'db2' AND enabled = 0 AND build = '$stamp'")" = 1 ] || fail "db2's build, disable"
pxectl host enable db2
pxectl render db2 >"$DIR/tmp/db2"
# shellcheck disable=SC2016 # a script's words
for words in 'set smartos-args -kd -m milestone=none -v -B ' console=ttyb noimport=true 'ttyb-mode="9600,8,n,1,-"' \
        'root_shadow=$5$2HOHRnK3' 'set smartos-base http://10.99.99.250' 'initrd ${smartos-base}/smartos/'; do
        grep -qF -- "$words" "$DIR/tmp/db2" ||
                fail "db2's script has no '$words': $(cat "$DIR/tmp/db2")"
done
cmp "$DIR/cwd/answers.json" "$DIR/srv/tree/by-name/db2/modules/answers.json" || fail "db2's module"
[ -e "$DIR/srv/tree/by-ip/192.0.2.10" ] && [ -e "$DIR/srv/tree/pxelinux.cfg/C000020A" ] || fail "db3's address"
[ -e "$DIR/srv/tree/by-uuid/4c4c4544-0042-3010-8054-b4c04f4e5331" ] || fail "db3's UUID"
pxectl setting menu_style=full
pxectl set host db3 console=ttya
grep -q '^timeout 5$' "$DIR/srv/tree/menu.lst.01020820000003" || fail "GRUB's timeout"
grep -q '^variable os_console ttya$' "$DIR/srv/tree/menu.lst.01020820000003" || fail "GRUB's form"
grep -q 'smartos=true,standalone=true' "$DIR/srv/tree/pxelinux.cfg/01-02-08-20-00-00-03" || fail "the literal rescue entry"
grep -q 'Memory test' "$DIR/srv/tree/by-name/db3/menu.ipxe" || fail "the item of one's own"
grep -q '^menu -- Rack 7$' "$DIR/srv/tree/by-name/db3/menu.ipxe" || fail "the title"

# docs/smartos-zone.md: what vmadm is given is JSON; docs/loaders/uefi.md: its SQL is taken.
recipe docs/smartos-zone.md pxefs.json >"$DIR/tmp/pxefs.json"
python3 -m json.tool "$DIR/tmp/pxefs.json" >/dev/null || fail "docs/smartos-zone.md: no JSON"
awk '/^```/ { inside = $0 == "```sql"; next } inside' "$PXEFS_SRC/docs/loaders/uefi.md" >"$DIR/tmp/uefi.sql"
[ -s "$DIR/tmp/uefi.sql" ] || fail "docs/loaders/uefi.md has no SQL"
sqlite3 -bail "$INVENTORY" <"$DIR/tmp/uefi.sql" || fail "docs/loaders/uefi.md: its SQL"
