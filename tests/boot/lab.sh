# SPDX-License-Identifier: MPL-2.0
# lab.sh -- a rack in a box: DHCP, TFTP and HTTP servers and machines that boot from them, in the test's own network.
#
#   . "$PXEFS_TESTLIB"; . "$PXEFS_SRC/tests/boot/lab.sh"
#
# The servers are the stock ones, configured as the SmartOS documentation ("PXE Booting SmartOS") gives it, at
# 10.99.99.250. The machines are QEMU without KVM; every QEMU network card carries Debian's iPXE in its ROM. Their kernel
# is the stub (stub/stub.c), which says on COM1 what it was given; what it must say is taken from the tarball by tar.
# A boot takes some six seconds of one idle core.
#
# PXEFS_STUB              the stub kernel (tests/boot/meson.build)
# PXEFS_DISK, PXEFS_CD    boot sectors of a disk and of a CD, which say so (stub/disk.S)
# BOOT_SECONDS            how long a machine may take (120: a busy machine without KVM)
SERVER=10.99.99.250
: "${BOOT_SECONDS:=120}"

# lab_start: the network, and all that can be missing is asked for. The bridge answers IPv6 router solicitations: iPXE
# waits some 13 s for a router otherwise (ifconf asks every configurator, IPv6's among them).
lab_start()
{
        _need_isolation "a boot lab"
        need qemu-system-x86_64 dnsmasq curl sqlite3
        [ -w /dev/net/tun ] || skip "no /dev/net/tun"
        [ -r "${PXEFS_STUB-}" ] || skip "no stub kernel: this compiler makes no 32-bit code"
        [ -r /usr/lib/ipxe/undionly.kpxe ] || skip "no /usr/lib/ipxe/undionly.kpxe (package ipxe)"
        ip link add pxe0 type bridge 2>/dev/null || skip "no bridges in this kernel"
        ip addr add "$SERVER/24" dev pxe0
        ip -6 addr add fd00:99::1/64 dev pxe0 nodad 2>/dev/null || :
        ip link set pxe0 up
        _daemon router dnsmasq --keep-in-foreground --conf-file=/dev/null --pid-file= --port=0 --interface=pxe0 \
                --bind-interfaces --enable-ra --dhcp-range=fd00:99::,ra-only --leasefile-ro
}

# _daemon NAME CMD...: starts CMD, which stays in the foreground; its words go to $DIR/NAME.log, its pid to DAEMON_PID.
_daemon()
{
        _log=$DIR/$1.log
        shift
        setsid "$@" >"$_log" 2>&1 </dev/null &
        DAEMON_PID=$!
        at_exit "stop_group $DAEMON_PID"
}

# lab_build STAMP: a build with the stub as its kernel; 4 MiB of archive are enough to be many packets.
lab_build()
{
        mkbuild "$1" -k "$PXEFS_STUB" -s 4
}

# lab_host NAME MAC BUILD [PROPERTY VALUE]...: a machine in the inventory, with these properties beside those that every
# host inherits (schema/inventory.sql: smartos=true, console=text).
lab_host()
{
        _name=$1
        sql "INSERT INTO host (hostname, build) VALUES ('$1', '$3');
             INSERT INTO nic (mac, host) SELECT '$2', id FROM host WHERE hostname = '$1';"
        shift 3
        while [ $# -gt 0 ]; do
                sql "INSERT INTO property (host, name, value) SELECT id, '$1', '$2' FROM host WHERE hostname = '$_name';"
                shift 2
        done
}

# serve_tree: the mount, with undionly.kpxe beside it as the documentation wants. The menus wait one second.
serve_tree()
{
        cp /usr/lib/ipxe/undionly.kpxe "$STATIC/"
        sql "INSERT OR REPLACE INTO setting (key, value) VALUES ('menu_timeout', '1');"
        mount_pxefs "$@"
}

# dhcp_isc [MENU [LOADER]]: ISC dhcpd with the documentation's pool. MENU is what iPXE is told to load (menu.ipxe), LOADER
# what any other client is (undionly.kpxe).
dhcp_isc()
{
        cat >"$DIR/dhcpd.conf" <<END
subnet 10.99.99.0 netmask 255.255.255.0 {
 pool {
  range 10.99.99.210 10.99.99.219;
  next-server $SERVER;
  if exists user-class and option user-class = "iPXE" {
        filename "${1-menu.ipxe}";
  } else {
        filename "${2-undionly.kpxe}";
  }
 }
}
END
        run_dhcpd
}

# run_dhcpd: ISC dhcpd by $DIR/dhcpd.conf.
run_dhcpd()
{
        _dhcpd=$(command -v dhcpd || echo /usr/sbin/dhcpd)
        [ -x "$_dhcpd" ] || skip "dhcpd (isc-dhcp-server) is not installed"
        : >"$DIR/dhcpd.leases"
        _daemon dhcpd "$_dhcpd" -4 -f -d -cf "$DIR/dhcpd.conf" -lf "$DIR/dhcpd.leases" -pf "$DIR/dhcpd.pid" pxe0
        wait_for 10 grep -q 'Server starting service' "$DIR/dhcpd.log" || fail "dhcpd: $(cat "$DIR/dhcpd.log")"
}

# serve_pxelinux: what PXELINUX needs beside the tree, as Debian's packages pxelinux and syslinux-common have it. Call it
# before serve_tree.
serve_pxelinux()
{
        for _f in /usr/lib/PXELINUX/pxelinux.0 /usr/lib/syslinux/modules/bios/ldlinux.c32 \
                /usr/lib/syslinux/modules/bios/mboot.c32 /usr/lib/syslinux/modules/bios/libcom32.c32; do
                [ -r "$_f" ] || skip "no $_f (packages pxelinux, syslinux-common)"
                cp "$_f" "$STATIC/"
        done
}

# dhcp_dnsmasq ROOT: dnsmasq as DHCP and TFTP server, the same two steps by its own means.
dhcp_dnsmasq()
{
        cat >"$DIR/dnsmasq.conf" <<END
port=0
dhcp-range=10.99.99.210,10.99.99.219,2h
dhcp-userclass=set:ipxe,iPXE
dhcp-boot=tag:!ipxe,undionly.kpxe,,$SERVER
dhcp-boot=tag:ipxe,menu.ipxe,,$SERVER
enable-tftp
tftp-root=$1
END
        run_dnsmasq
}

# run_dnsmasq: dnsmasq by $DIR/dnsmasq.conf, on the lab's network only.
run_dnsmasq()
{
        : >"$DIR/dnsmasq.leases"
        chmod 0666 "$DIR/dnsmasq.leases"
        _daemon dnsmasq dnsmasq --keep-in-foreground --pid-file= --log-facility=- --log-dhcp --interface=pxe0 --bind-interfaces \
                --dhcp-leasefile="$DIR/dnsmasq.leases" --conf-file="$DIR/dnsmasq.conf"
        wait_for 10 listening udp 67 || fail "dnsmasq: $(cat "$DIR/dnsmasq.log")"
}

# find_kea: is there Kea's DHCPv4 server, installed, or unpacked below PXEFS_KEA (tests/run)? run_kea starts it by
# $DIR/kea-dhcp4.conf.
find_kea()
{
        mkdir -p "$DIR/kea"
        cat >"$DIR/kea-dhcp4" <<END
#!/bin/sh
export LD_LIBRARY_PATH=${PXEFS_KEA-}/usr/lib/x86_64-linux-gnu KEA_PIDFILE_DIR=$DIR/kea KEA_LOCKFILE_DIR=$DIR/kea \\
        KEA_LFC_EXECUTABLE=${PXEFS_KEA-}/usr/sbin/kea-lfc
exec ${PXEFS_KEA-}/usr/sbin/kea-dhcp4 "\$@"
END
        chmod +x "$DIR/kea-dhcp4"
        "$DIR/kea-dhcp4" -V >"$DIR/kea.version" 2>&1
}

run_kea()
{
        _daemon kea "$DIR/kea-dhcp4" -c "$DIR/kea-dhcp4.conf"
        wait_for 10 grep -q DHCP4_STARTED "$DIR/kea.log" || fail "kea-dhcp4: $(cat "$DIR/kea.log")"
}

# ---- machines ----------------------------------------------------------------------------------------------------------

# machine_start NAME MAC [qemu options]: switches a machine on. Its console is $DIR/NAME.console, COM1 as it came: with
# graphics=off SeaBIOS draws its screen there (sercon), so the loader's words and the stub's stand in one file. The disk
# is second in the boot order and says so if it is ever started. Without -device in the options, the card's own iPXE boots.
_machines=0
machine_start()
{
        _name=$1 _mac=$2
        shift 2
        _machines=$((_machines + 1))
        _tap=tap$_machines
        ip tuntap add dev "$_tap" mode tap
        ip link set "$_tap" master pxe0 up
        case " $* " in
        *' -device '*) ;;
        *) set -- -device "virtio-net-pci,netdev=net,mac=$_mac" "$@" ;;
        esac
        # Each start of one machine has a fresh console.
        : >"$DIR/$_name.console"
        cp "$PXEFS_DISK" "$DIR/$_name.disk"
        rm -f "$DIR/$_name.monitor.in" "$DIR/$_name.monitor.out"
        mkfifo "$DIR/$_name.monitor.in" "$DIR/$_name.monitor.out"
        _daemon "$_name.qemu" timeout --kill-after=5 "$BOOT_SECONDS" \
                qemu-system-x86_64 -machine pc,graphics=off -accel tcg -m 96 -nodefaults -display none -vga std \
                -serial "file:$DIR/$_name.console" -device isa-debug-exit,iobase=0xf4,iosize=4 -boot order=nc \
                -chardev "pipe,id=monitor,path=$DIR/$_name.monitor" -mon monitor \
                -drive "file=$DIR/$_name.disk,format=raw,if=ide" \
                -netdev "tap,id=net,ifname=$_tap,script=no,downscript=no" "$@"
        eval "_pid_$_name=$DAEMON_PID"
}

# machine_wait NAME: until it leaves. Sets STATUS: 33 the stub was content, 35 it was not, 69 the local disk was started,
# 71 a CD.
# shellcheck disable=SC2034,SC2154 # STATUS is for the test; _pid is set by eval
machine_wait()
{
        eval "_pid=\$_pid_$1"
        STATUS=0
        wait "$_pid" || STATUS=$?
        [ "$STATUS" -ne 124 ] || lab_fail "$1" "did not come to an end in $BOOT_SECONDS s"
}

# machine_stop NAME: pulls its plug.
machine_stop()
{
        eval "stop_group \$_pid_$1"
}

# vendor_rom MAC: sets VENDOR, the options of a machine whose card's ROM is not iPXE, so that it loads undionly.kpxe. QEMU
# has no other ROM than iPXE's: ipxe.lkrn plays the vendor's. It asks with another user class and offers PXE to what it
# loads. The override is cleared before that: undionly.kpxe inherits the settings of the one below it (it reads the
# cached DHCP packet) and would be handed undionly.kpxe for ever.
vendor_rom()
{
        [ -r /usr/lib/ipxe/ipxe.lkrn ] || skip "no /usr/lib/ipxe/ipxe.lkrn (package ipxe)"
        [ -e "$DIR/vendor.ipxe" ] || cat >"$DIR/vendor.ipxe" <<END
#!ipxe
set user-class Vendor
dhcp
clear user-class
chain tftp://\${next-server}/\${filename}
END
        # shellcheck disable=SC2034 # for the test
        VENDOR="-device e1000,netdev=net,mac=$1,romfile= -kernel /usr/lib/ipxe/ipxe.lkrn -initrd $DIR/vendor.ipxe"
}

# uefi MAC: sets UEFI, the options of a machine with UEFI firmware (OVMF). It shows its console on COM1 and has a driver for
# the card: without the card's ROM nothing there is iPXE but the file.
uefi()
{
        [ -r /usr/share/ovmf/OVMF.fd ] || skip "no /usr/share/ovmf/OVMF.fd (package ovmf)"
        # shellcheck disable=SC2034 # for the test
        UEFI="-m 256 -bios /usr/share/ovmf/OVMF.fd -device virtio-net-pci,netdev=net,mac=$1,romfile="
}

# uefi_lab FILE: the lab, and such a machine switched on: alpha, to which DHCP names snponly.efi and then FILE.
uefi_lab()
{
        lab_start
        uefi 52:54:00:00:00:0a
        lab_build 20240101T000000Z
        lab_host alpha 52:54:00:00:00:0a 20240101T000000Z
        serve_tree
        cp /usr/lib/ipxe/snponly.efi "$STATIC/"
        dhcp_isc "$1" snponly.efi
        start_tftpd "$MNT" "$SERVER"
        # shellcheck disable=SC2086 # a list of options
        machine_start alpha 52:54:00:00:00:0a $UEFI
}

# press NAME KEY...: keys on its keyboard, one after the other, by QEMU's names for them.
press()
{
        _keyboard=$DIR/$1.monitor.in
        shift
        for _key; do
                echo "sendkey $_key" >"$_keyboard"
        done
}

# choose NAME WORDS KEY...: waits until it shows WORDS, as the last line of its menu, and presses the keys.
choose()
{
        wait_for "$BOOT_SECONDS" console_says "$1" "$2" || lab_fail "$1" "drew no menu with '$2'"
        _name=$1
        shift 2
        press "$_name" "$@"
}

# boot NAME MAC [qemu options]: a machine from power-on to its end.
boot()
{
        machine_start "$@"
        machine_wait "$1"
}

# console NAME: what it showed, as text: without the screen's escape sequences and carriage returns.
console()
{
        _esc=$(printf '\033')
        tr -d '\r' <"$DIR/$1.console" | sed "s/$_esc\[[0-9;?]*[A-Za-z]//g; s/${_esc}c//g"
}

# console_says NAME WORDS: usable with wait_for.
console_says()
{
        console "$1" | grep -qF -- "$2"
}

# lab_fail NAME MESSAGE: the machine's console and the servers' words say what a plain FAIL cannot.
lab_fail()
{
        {
                echo "---- console of $1 ----"
                console "$1" | tr -s ' ' | grep -v '^ *$' | tail -n 60
                for _f in "$DIR/$1.qemu.log" "$DIR/dhcpd.log" "$DIR/dnsmasq.log" "$DIR/nginx-error.log"; do
                        [ ! -s "$_f" ] || { echo "---- ${_f##*/} ----"; tail -n 12 "$_f"; }
                done
                echo "---- end ----"
        } >&2
        fail "$1 $2"
}

# said_kernel URL STAMP ARGUMENTS, said_module N MEMBER STRING [FILE]: the words with which the stub tells that it was given
# this; the module's content is that MEMBER of the tarball, read by tar, or FILE. URL is what stands before smartos/: ''
# for PXELINUX, / for GRUB, which hand paths on as they are written. said_kernel comes first: it says which tarball.
said_kernel()
{
        _url=${1:+${1%/}/}smartos/$2/platform/i86pc TGZ=$BUILDS/platform-$2.tgz TOP=platform-$2
        printf 'BOOT-STUB ehdr=ok\ncmdline=<%s>\n' "$_url/kernel/amd64/unix $3"
}

said_module()
{
        if [ $# -eq 4 ]; then cat "$4"; else member "i86pc/amd64/$2"; fi >"$DIR/module"
        echo "module[$1] size=$(wc -c <"$DIR/module") sha1=$(sha1 "$DIR/module") string=<$_url/amd64/$2 $3>"
}

# expect_said NAME STATUS: it left with this status, after saying what stands in $DIR/expected, every word of it.
expect_said()
{
        [ "$STATUS" -eq "$2" ] || lab_fail "$1" "left with status $STATUS, not $2"
        console "$1" | sed -n '/^BOOT-STUB/,$p' | sed '/^ *$/d' >"$DIR/said"
        diff -u "$DIR/expected" "$DIR/said" >&2 || lab_fail "$1" "was not given what its rows and its tarball say"
}

# expect_boot NAME URL STAMP ARGUMENTS: the last boot of NAME took the build STAMP from below URL with these kernel
# arguments, and its archive and the hash agreed.
expect_boot()
{
        {
                said_kernel "$2" "$3" "$4"
                said_module 0 boot_archive 'type=rootfs name=ramdisk'
                said_module 1 boot_archive.hash 'type=hash name=ramdisk'
                echo 'hash[ramdisk]=ok'
                echo BOOT-OK
        } >"$DIR/expected"
        expect_said "$1" 33
}

# expect_local_disk NAME: the last boot left the network and started the disk, and no kernel.
expect_local_disk()
{
        [ "$STATUS" -eq 69 ] || lab_fail "$1" "left with status $STATUS, not 69 (its disk)"
        ! console_says "$1" BOOT-STUB || lab_fail "$1" "started a kernel"
}
