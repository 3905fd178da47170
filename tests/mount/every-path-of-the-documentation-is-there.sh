#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# The configurations of the SmartOS documentation work as they are, with the stamp changed: each path they name is there,
# for stock TFTP and HTTP servers, with the archive's very bytes.  The paths are extracted from copies of those
# configurations in documentation/, not listed here.
. "$PXEFS_TESTLIB"
need python3 curl
stamp=20240101T000000Z
mkbuild "$stamp" -s 1
for file in undionly.kpxe pxegrub pxelinux.0 mboot.c32 libcom32.c32 ldlinux.c32; do
        echo "plain file $file" >"$STATIC/$file"
done
mount_pxefs -o wait
start_tftpd "$MNT"
start_nginx "$MNT"

# Words that name a file, by the grammar of each kind of configuration.
extract()
{
        python3 - "$1" "$stamp" <<'END'
import os, re, sys
name, stamp = os.path.basename(sys.argv[1]), sys.argv[2]
text = re.sub(r"(?m)^#(?!!).*$", "", open(sys.argv[1]).read()).replace("@STAMP@", stamp)
if name == "dhcpd.conf":
    paths = re.findall(r'filename "([^"]+)"', text)
elif name == "dnsmasq.conf":
    paths = re.findall(r"(?m)^dhcp-boot=([^,\s]+)", text)
elif name.endswith(".ipxe"):
    values = dict(re.findall(r"(?m)^set (\S+) (\S+)", text))
    text = re.sub(r"\$\{([^}]+)\}", lambda m: values[m[1]], text)
    paths = re.findall(r"(?m)^(?:kernel|initrd|module|chain) (\S+)", text)
elif name == "pxelinux.default":
    paths = re.findall(r"(?m)^kernel (\S+)", text)
    for line in re.findall(r"(?m)^append (.+)$", text):
        paths += [part.split()[0] for part in line.split(" --- ")]
else:
    paths = text.split()
assert paths, name
print("\n".join(dict.fromkeys(paths)))
END
}

found=0
for config in "$PXEFS_SRC"/tests/mount/documentation/*; do
        for path in $(extract "$config"); do
                tftp_get "$path" "$DIR/by-tftp" || fail "${config##*/}: $path is not there by TFTP"
                http_get "$path" "$DIR/by-http" || fail "${config##*/}: $path is not there by HTTP"
                cmp "$DIR/by-tftp" "$DIR/by-http"
                case $path in
                *platform/*) member "${path##*platform/}" >"$DIR/want" ;;
                *menu.lst | */default | menu.ipxe) cp "$MNT/$path" "$DIR/want" ;;
                *) echo "plain file ${path##*/}" >"$DIR/want" ;;
                esac
                cmp "$DIR/want" "$DIR/by-tftp" || fail "${config##*/}: $path has other bytes"
                found=$((found + 1))
        done
done
[ "$found" -ge 24 ] || fail "only $found paths were extracted"
