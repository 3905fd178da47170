# SPDX-License-Identifier: MPL-2.0
# corpus.sh -- platform tarballs of realistic content; sourced by measure.sh.
#
# A real boot_archive is 350000 KiB of UFS whose /usr is already compressed (smartos-live, tools/build_live), so its ratio
# under gzip is well below that of plain binaries.  Nobody here has a real one: two ratios bracket it.

# mkreal STAMP plain|mixed MIB: platform-STAMP.tgz in $BUILDS from the binaries of this machine; "mixed" has 45 % of it
# compressed already.
mkreal()
{
        _top=$DIR/real/platform-$1
        mkdir -p "$_top/i86pc/kernel/amd64" "$_top/i86pc/amd64" "$_top/etc/version"
        _bytes=$(($3 * 1048576))
        {
                [ "$2" = plain ] || tar -cf - /usr/lib 2>/dev/null | gzip -1 | head -c $((_bytes * 45 / 100))
                tar -cf - /usr/bin /usr/lib 2>/dev/null
        } 2>/dev/null | head -c "$_bytes" >"$_top/i86pc/amd64/boot_archive"
        head -c 3000000 /usr/bin/gdb >"$_top/i86pc/kernel/amd64/unix" 2>/dev/null ||
                head -c 3000000 "$_top/i86pc/amd64/boot_archive" >"$_top/i86pc/kernel/amd64/unix"
        sha1 "$_top/i86pc/amd64/boot_archive" >"$_top/i86pc/amd64/boot_archive.hash"
        echo "$1" >"$_top/etc/version/platform"
        echo secret >"$_top/root.password"
        tar -cf - -C "$DIR/real" "platform-$1/i86pc/kernel" "platform-$1/i86pc/amd64/boot_archive.hash" \
                "platform-$1/i86pc/amd64/boot_archive" "platform-$1/root.password" "platform-$1/etc" |
                gzip -6 >"$BUILDS/.new"
        mv "$BUILDS/.new" "$BUILDS/platform-$1.tgz"
}
