# SPDX-License-Identifier: MPL-2.0
# packages.sh -- installs the Debian packages a script needs; sourced.
#
# Debian starts a server as soon as it is installed. Nobody who tries pxefs wants a TFTP or DHCP server on the wire, so
# services are held back while we install (policy-rc.d, invoke-rc.d(8)); an installed one is started at the next boot.

PACKAGES_BUILD='gcc meson ninja-build pkg-config python3 libfuse3-dev libarchive-dev libsqlite3-dev libssl-dev zlib1g-dev
        libisal-dev liblzma-dev libzstd-dev libbz2-dev libseccomp-dev libcmocka-dev'
PACKAGES_SERVE='sqlite3 tftpd-hpa nginx-light curl openssl iproute2 procps mount util-linux'
PACKAGES_LOADER='sqlite3 ipxe mount util-linux'
PACKAGES_TEST='clang libclang-rt-14-dev qemu-system-x86 ovmf ipxe isc-dhcp-server dnsmasq-base xorriso pxelinux syslinux-common pigz rsync wget xz-utils zstd bzip2
        libarchive-tools genisoimage busybox apache2-bin lighttpd squid'
PACKAGES_BENCH='isal archivemount squashfs-tools squashfuse'

# packages_missing NAME...: those that are not installed.
packages_missing()
{
        for _package; do
                dpkg-query -W -f '${Status}\n' "$_package" 2>/dev/null | grep -q 'ok installed' || echo "$_package"
        done
}

# packages_need NAME...: installs what is missing, or says what to install.
packages_need()
{
        _missing=$(packages_missing "$@" | tr '\n' ' ')
        [ -n "$_missing" ] || return 0
        if ! command -v apt-get >/dev/null; then
                echo "this script installs with apt-get (Debian 12); install these by hand: $_missing" >&2
                return 1
        fi
        if [ "$(id -u)" -ne 0 ]; then
                echo "run this as root, or: sudo apt-get install $_missing" >&2
                return 1
        fi
        echo "==> installing: $_missing" >&2
        _held=
        if [ ! -e /usr/sbin/policy-rc.d ]; then
                printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
                chmod 0755 /usr/sbin/policy-rc.d
                _held=1
        fi
        _status=0
        # shellcheck disable=SC2086 # a list of names
        { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y install --no-install-recommends $_missing; } \
                >/dev/null || _status=$?
        [ -z "$_held" ] || rm -f /usr/sbin/policy-rc.d
        [ "$_status" -eq 0 ] || echo "apt-get failed; its own words stand above" >&2
        return "$_status"
}

# packages_unpack DIR NAME...: the files of these packages below DIR, without installing them: for what cannot stand beside
# something that people have (grub-legacy conflicts with grub-pc). Nothing of a package is run. What is there already is
# not fetched again; without apt-get or a network it stays absent, and what needs it skips.
packages_unpack()
{
        _into=$1
        shift
        for _package; do
                [ ! -e "$_into/$_package.unpacked" ] || continue
                _fetch=$(mktemp -d) || return 1
                # apt fetches as the user _apt where it can.
                chmod 0755 "$_fetch"
                [ "$(id -u)" -ne 0 ] || chown _apt "$_fetch" 2>/dev/null || :
                echo "==> unpacking: $_package" >&2
                if (cd "$_fetch" && apt-get -qq download "$_package" >/dev/null) && mkdir -p "$_into" &&
                        dpkg -x "$_fetch"/*.deb "$_into"; then
                        : >"$_into/$_package.unpacked"
                else
                        echo "$_package cannot be had; what needs it is skipped" >&2
                fi
                rm -rf "$_fetch"
        done
}
