#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# Debian's undionly.kpxe hands on every word of a boot line of 511 and of 512 bytes. What takes 513 is not left to it: the
# hash is left out, or, where that is not enough, the entry says so and boots nothing. That the limit is the loader's is
# shown by a script written by hand: at 513 bytes the last module loses a letter of its name, so that its archive is not
# checked, and the boot goes on.
#
# What is counted (multiboot_add_cmdline in iPXE's src/arch/x86/image/multiboot.c): URL, blank, arguments and NUL of the
# kernel and of each module. It is counted here once more, with base_url, so that no address has to be guessed.
. "$PXEFS_TESTLIB"
. "$PXEFS_SRC/tests/boot/lab.sh"
lab_start
build=20240101T000000Z
lab_build $build
http=http://$SERVER files=http://$SERVER/smartos/$build/platform/i86pc
archive="$files/amd64/boot_archive type=rootfs name=ramdisk"
hash="$files/amd64/boot_archive.hash type=hash name=ramdisk"

# padded NAME BYTES LINES MAC: enters a host whose property pad makes a boot line of BYTES of the kernel's line and the
# others, which take LINES. Sets ARGS, the kernel's arguments.
padded()
{
        _kernel="$files/kernel/amd64/unix -B console=text,hostname=$1,pad=,smartos=true"
        _pad=$(head -c $(($2 - $3 - ${#_kernel} - 1)) /dev/zero | tr '\0' p)
        ARGS="-B console=text,hostname=$1,pad=$_pad,smartos=true"
        lab_host "$1" "52:54:00:00:$4" $build pad "$_pad"
}
one=$((${#archive} + 1)) both=$((${#archive} + 1 + ${#hash} + 1))
padded b511 511 $both 05:11 && b511=$ARGS
padded b512 512 $both 05:12 && b512=$ARGS
padded b513 513 $both 05:13 && b513=$ARGS
padded a513 513 $one 0a:13
sql "INSERT INTO setting (key, value) VALUES ('base_url', '$http')"
serve_tree
cat >"$STATIC/first.ipxe" <<END
#!ipxe
iseq \${mac:hexhyp} 52-54-00-00-0b-13 && chain --replace by-hand.ipxe || chain --replace menu.ipxe
END
cat >"$STATIC/by-hand.ipxe" <<END
#!ipxe
imgfree
kernel $files/kernel/amd64/unix $b513
module $archive
module $hash
boot
END
start_nginx "$MNT" "" "$SERVER"
start_tftpd "$MNT" "$SERVER"
dhcp_isc "$HTTP/first.ipxe"

# start NAME MAC: with undionly.kpxe, by TFTP; all else comes by HTTP.
start()
{
        vendor_rom "52:54:00:00:$2"
        # shellcheck disable=SC2086 # a list of options
        machine_start "$1" "52:54:00:00:$2" $VENDOR
}

# Two that fit, and one that does not though it has no hash; b is with both modules, a with the archive alone.
start a513 0a:13
start b511 05:11
machine_wait b511
expect_boot b511 "$http" $build "$b511"
console_says b511 "/undionly.kpxe... ok" || lab_fail b511 "never loaded undionly.kpxe"
start b512 05:12
machine_wait b512
expect_boot b512 "$http" $build "$b512"

wait_for "$BOOT_SECONDS" console_says a513 "The menu comes in 10 seconds" || lab_fail a513 "did not say why it cannot boot"
console_says a513 "This entry needs 513 bytes of boot line, stock iPXE holds 512." || lab_fail a513 "named other figures"
! console_says a513 BOOT-STUB || lab_fail a513 "started a kernel"
machine_stop a513

# One and the same boot line: as the menu gives it, and as it was written by hand.
start b513 05:13
start byhand 0b:13
machine_wait b513
{
        said_kernel "$http" $build "$b513"
        said_module 0 boot_archive 'type=rootfs name=ramdisk'
        echo BOOT-OK
} >"$DIR/expected"
expect_said b513 33
grep -q "boot_archive.hash is left out: with it 513 bytes, stock iPXE holds 512" "$MNT/hosts/52-54-00-00-05-13/why" ||
        fail "why does not say what became of the hash"

machine_wait byhand
{
        said_kernel "$http" $build "$b513"
        said_module 0 boot_archive 'type=rootfs name=ramdisk'
        said_module 1 boot_archive.hash 'type=hash name=ramdis'
        echo BOOT-OK
} >"$DIR/expected"
expect_said byhand 33
