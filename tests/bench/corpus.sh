# SPDX-License-Identifier: MPL-2.0
# corpus.sh -- platform tarballs of realistic content; sourced by measure.sh.
#
# A real boot_archive is 350000 KiB of UFS whose /usr is already compressed (smartos-live, tools/build_live), so its ratio
# under gzip is well below that of plain binaries.  Nobody here has a real one: two ratios bracket it, about 2.5 and 1.65.

# mkreal STAMP plain|mixed MIB [SKIP_MIB]: platform-STAMP.tgz in $BUILDS from the binaries of this machine, from SKIP_MIB
# on; "mixed" has 45 % of it compressed already. The tree itself, as pxefs shows it, in $BENCH_PLAIN.
mkreal()
{
        _top=$DIR/real/platform-$1
        mkdir -p "$_top/i86pc/kernel/amd64" "$_top/i86pc/amd64" "$_top/etc/version" "$BENCH_PLAIN/smartos/$1"
        _bytes=$(($3 * 1048576)) _skip=$((${4-0} * 1048576))
        {
                [ "$2" = plain ] || tar -cf - /usr/lib 2>/dev/null | gzip -1 | head -c $((_bytes * 45 / 100))
                tar -cf - /usr/bin /usr/lib 2>/dev/null | tail -c +$((_skip + 1))
        } 2>/dev/null | head -c "$_bytes" >"$_top/i86pc/amd64/boot_archive"
        [ "$(stat -c %s "$_top/i86pc/amd64/boot_archive")" -eq "$_bytes" ] ||
                fail "this machine's /usr/bin and /usr/lib are too small for $3 MiB from $((_skip / 1048576)) MiB on: use -m"
        head -c 3000000 "$_top/i86pc/amd64/boot_archive" >"$_top/i86pc/kernel/amd64/unix"
        sha1 "$_top/i86pc/amd64/boot_archive" >"$_top/i86pc/amd64/boot_archive.hash"
        echo "$1" >"$_top/etc/version/platform"
        tar -cf - -C "$DIR/real" "platform-$1/i86pc/kernel" "platform-$1/i86pc/amd64/boot_archive.hash" \
                "platform-$1/i86pc/amd64/boot_archive" "platform-$1/etc" | gzip -6 >"$BUILDS/.new"
        touch -d '1 minute ago' "$BUILDS/.new"
        mv "$BUILDS/.new" "$BUILDS/platform-$1.tgz"
        mv "$_top" "$BENCH_PLAIN/smartos/$1/platform"
}

# Nothing of the last part is left.
clear_corpus()
{
        rm -rf "$BUILDS" "$BENCH_PLAIN" "$CACHE"
        mkdir "$BUILDS" "$BENCH_PLAIN" "$CACHE"
        chown "$PXEFS_USER:" "$CACHE"
}
