#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# pxectl: each command does what its SQL does, in one transaction, with one line an error and the promised exit codes.
set -eu
dir=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d) # no disk to wait for
trap 'rm -rf "$dir"' EXIT
PXEFS_INVENTORY=$dir/new/inventory.db PXEFS_CACHE=$dir
export PXEFS_INVENTORY PXEFS_CACHE
unset SUDO_USER
USER=tester
export USER
user=$(id -un)

# exits CODE COMMAND...: and says one line on stderr if CODE is not 0, nothing otherwise.
exits()
{
        want=$1
        shift
        code=0
        "$PXECTL" "$@" >"$dir/out" 2>"$dir/err" || code=$?
        if [ "$code" -ne "$want" ]; then
                echo "pxectl $*: exit $code, not $want"
                cat "$dir/out" "$dir/err"
                exit 1
        fi
        if [ "$want" -ne 0 ]; then
                { read -r _ && ! read -r _; } <"$dir/err" || { echo "pxectl $*: not one line"; exit 1; }
                [ ! -s "$dir/out" ] || { echo "pxectl $*: output beside an error"; exit 1; }
        fi
}
# By the shell itself: a process for each look would be half of the test's time.
holds() # FILE TEXT
{
        while IFS= read -r line || [ -n "$line" ]; do
                case $line in *"$2"*) return 0 ;; esac
        done <"$1"
        return 1
}
wants() { holds "$1" "$2" || { echo "wants: $2"; cat "$1"; exit 1; }; }
says() { wants "$dir/err" "$1"; }
shows() { wants "$dir/out" "$1"; }
hides() { ! holds "$dir/out" "$1" || { echo "shows $1"; exit 1; }; } # "! command" alone never ends a script (set -e)
sql() { sqlite3 "$PXEFS_INVENTORY" "$1"; }

exits 1 host list
says 'pxectl init'
exits 0 init --user "$user"
[ "$(stat -c %U:%a "$PXEFS_INVENTORY")" = "$user:640" ]
[ "$(stat -c %U:%a "$dir/new")" = "$user:750" ]
[ "$(sql 'PRAGMA journal_mode')" = wal ]
exits 1 init --user "$user"
says 'is there already'
exits 4 -i "$dir/x.db" init --user no-such-user
[ ! -e "$dir/x.db" ]

exits 0 profile add rack7
exits 1 profile add rack7
says 'name: another profile has this name'
exits 4 profile add rack8 --parent nowhere
exits 0 channel set stable 20241010T000000Z
exits 1 channel set stable yesterday
says 'YYYYMMDDThhmmssZ'
exits 0 host add db1 --mac 02:08:20:ab:cd:01 --mac 020820ABCD02 --ip 10.0.0.1 --profile rack7 --channel stable \
        --uuid 4C4C4544-0042-3010-8054-B4C04F4E5331 --set console=ttyb --set=-kd=
[ "$(sql "SELECT boots || macs || ips || properties FROM host_boot")" = \
        "20241010T000000Z02-08-20-ab-cd-01 02-08-20-ab-cd-0210.0.0.1-kd console=ttyb hostname=db1 smartos=true ttyb-mode=115200,8,n,1,-" ]
[ "$(sql "SELECT DISTINCT actor FROM change")" = tester ]
[ "$(sql "SELECT count(*) FROM actor WHERE name IS NULL")" = 1 ]

# A command is one transaction: the second MAC is taken, so there is no db2 either.
exits 1 host add db2 --mac 020820abcd09 --mac 01-02-08-20-AB-CD-01
says 'pxectl: host db2: mac: another NIC has this address'
[ "$(sql 'SELECT count(*) FROM host')" = 1 ]
[ "$(sql "SELECT count(*) FROM change WHERE tab = 'host'")" = 1 ]
exits 4 host add db2 --mac 020820abcd09 --profile nowhere
exits 4 host add db2 --mac 020820abcd09 --channel nowhere
exits 1 host add 'db 2' --mac 020820abcd09
says 'hostname: letters'
exits 2 host add db2
exits 2 host add db2 --mac
exits 2 host add db2 --mac 020820abcd09 --build 20241010T000000Z --channel stable
exits 2 host add db2 --mac 020820abcd09 --set console
exits 2 host
exits 2 host remove
exits 2 frobnicate
exits 2 --frobnicate
exits 2

exits 0 set host db1 noimport=true --unset smartos
[ "$(sql "SELECT group_concat(name || '=' || ifnull(value, '?')) FROM (SELECT * FROM host_row_property WHERE host = 1 ORDER BY name)")" = \
        '-kd=,console=ttyb,noimport=true,smartos=?' ]
exits 0 set host db1 --drop smartos --drop noimport
exits 4 set host db1 --drop noimport
exits 0 set profile default 'root_shadow=$5$salt$hash'
exits 1 set profile default root_shadow=secret
says 'never the password'
exits 1 set host db1 'x=a  b'
says 'pxectl: host db1: value: no blank'
exits 4 set host db9 a=b
exits 2 set host db1 noequals
exits 2 set nothing db1 a=b

exits 0 setting menu_timeout=5 loader=triton
exits 0 setting --profile rack7 menu_timeout=9
exits 0 setting --profile rack7
shows 'profile rack7'
exits 0 setting --drop loader
exits 0 --json setting
shows '"key": "menu_timeout", "layer": "global"'
exits 1 setting menu_colour=red
says 'known_setting'
exits 2 setting menu_timeout
exits 4 setting --profile nowhere menu_timeout=5

exits 0 host list
shows 'db1'
hides '$5$'
exits 0 profile list
exits 0 channel list
exits 0 channel set edge latest
exits 0 channel set stable 20241010T000000Z --canary 20241024T000000Z --percent 100
[ "$(sql "SELECT build FROM host_build")" = 20241024T000000Z ]
for command in 'host list' 'profile list' 'channel list' 'setting' 'render db1'; do
        # shellcheck disable=SC2086 # words
        exits 0 --json $command
        cp "$dir/out" "$dir/json-${command%% *}"
done
for doc in "$dir"/json-*; do
        [ "$(sqlite3 :memory: "SELECT json_valid(readfile('$doc')) || ' ' || (SELECT count(*) FROM
                (SELECT key, lag(key) OVER (PARTITION BY parent ORDER BY id) AS before FROM json_tree(readfile('$doc'))
                 WHERE typeof(key) = 'text') WHERE before > key)")" = '1 0' ]
done

exits 0 host build db1 20240926T000000Z
[ "$(sql "SELECT build FROM host_build")" = 20240926T000000Z ]
exits 0 host build db1 stable
[ "$(sql "SELECT why FROM host_build")" != host.build ]
[ "$(sql "SELECT build IS NULL AND channel IS NOT NULL FROM host")" = 1 ]
exits 0 host build db1 latest
[ "$(sql "SELECT build IS NULL AND channel IS NULL FROM host")" = 1 ]
exits 1 host build db1 xZ
says 'YYYYMMDDThhmmssZ'
exits 4 host build db1 nowhere
exits 4 host build db9 latest
exits 2 host build db1
exits 0 host disable db1
[ "$(sql "SELECT enabled FROM host")" = 0 ]
exits 0 host enable DB1
[ "$(sql "SELECT enabled FROM host")" = 1 ]
exits 4 host disable db9
exits 2 host enable
exits 0 host build db1 stable

# Who was seen: read from the cache directory, without those that have a row.
exits 0 seen
printf '02-08-20-ab-cd-01 1 2 3\n02-08-20-ab-cd-77 1700000000 1700000001 4\nno line\n' >"$dir/seen"
exits 0 seen
shows '02-08-20-ab-cd-77  2023-11-14T22:13:21Z  2023-11-14T22:13:20Z  4'
! grep -q cd-01 "$dir/out"
exits 0 --json seen
shows '{"seen": [{"count": 4, "first": "2023-11-14T22:13:20Z", "last": "2023-11-14T22:13:21Z", "mac": "02-08-20-ab-cd-77"}]}'
exits 1 -c "$dir/none" seen
exits 2 seen all
exits 4 host adopt 02:08:20:ab:cd:78
says '--force'
exits 1 host adopt 02:08:20:ab:cd:01
says 'in the inventory already'
exits 2 host adopt
exits 2 host adopt nomac
exits 2 host adopt 02:08:20:ab:cd:77 a b
exits 4 host adopt 02:08:20:ab:cd:77 web1 --profile nowhere
[ "$(sql "SELECT count(*) FROM host")" = 1 ]
exits 0 host adopt 01-02-08-20-AB-CD-77 web1 --profile rack7
exits 0 host adopt 02:08:20:ab:cd:78 --force
[ "$(sql "SELECT group_concat(hostname || ' ' || profile, ',') FROM (SELECT * FROM host WHERE id > 1 ORDER BY id)")" = \
        'web1 2,pxe-020820abcd78 1' ]
exits 0 seen
! grep -q cd-77 "$dir/out"
exits 0 host delete web1
exits 0 host delete pxe-020820abcd78
exits 4 host delete web1
exits 2 host delete
[ "$(sql "SELECT count(*) FROM nic WHERE mac LIKE '%-7_'")" = 0 ]
rm "$dir/seen"

exits 0 render db1
shows '#!ipxe'
exits 0 render 02:08:20:AB:CD:02
shows '#!ipxe'
exits 0 render db1 --why
shows 'from profile default'
hides '$5$'
exits 4 render nowhere
exits 2 render
exits 1 builds
says 'no pxefs has run with it yet'
exits 1 -c "$dir/none" builds

# Boot modules: a file of a host or a profile, whole; what is wrong is said before anything is written.
printf 'set a=1\n\0\377' >"$dir/system"
exits 0 module set db1 etc/system "$dir/system"
[ "$(sqlite3 "$PXEFS_INVENTORY" "SELECT hex(content) FROM module WHERE name = 'etc/system'")" = 73657420613D310A00FF ]
exits 0 module set --profile default key "$dir/system" --secret
exits 0 module set db1 key --unset
exits 0 module list
shows 'host db1         etc/system  10             0'
shows 'profile default  key         10             1'
shows 'host db1         key         takes it away'
exits 0 render db1 --why
shows 'etc/system        10 bytes'
exits 1 module set db1 ../x "$dir/system"
says 'name: a relative path'
exits 1 module set db1 x.hash "$dir/system"
says 'what ends in .hash is computed'
exits 1 module set db1 x "$dir/none"
says 'No such file'
exits 1 module set db1 x "$dir"
head -c 65537 /dev/zero >"$dir/big"
exits 1 module set db1 x "$dir/big"
says '1 byte to 64 KiB'
exits 1 module set db1 x /dev/null
says '1 byte to 64 KiB'
exits 4 module set nowhere x "$dir/system"
exits 4 module set --profile nowhere x "$dir/system"
exits 2 module set db1 x
exits 2 module set db1 x "$dir/system" --unset
exits 2 module set --profile
exits 2 module set db1 x y z
exits 2 module list x
exits 2 module delete db1
exits 4 module delete db1 nothing
says 'no module nothing of its own'
exits 0 module delete db1 key
exits 0 module delete --profile default key
exits 0 module delete db1 etc/system

# NICs, and what networking.json says of them.
exits 0 nic set 020820abcd01 ip=192.0.2.7 netmask=255.255.255.0 nic_tag=admin nic_tags_provided=admin,external
exits 0 nic add db1 02:08:20:00:00:f1 ip=198.51.100.7 netmask=255.255.255.0 nic_tag=external vlan=100
exits 0 nic set 02-08-20-00-00-F1 mtu=9000 vlan=
sqlite3 "$PXEFS_INVENTORY" "SELECT json FROM host_networking WHERE hostname = 'db1'" >"$dir/networking"
grep -qF '{"name": "external", "mac": "02:08:20:ab:cd:01"}' "$dir/networking"
grep -qF '"netmask": "255.255.255.0", "mac": "02:08:20:00:00:f1", "mtu": 9000}' "$dir/networking"
exits 1 nic set 020820abcd01 netmask=255.0.255.0
says 'netmask: four numbers 0-255 joined by dots, ones before zeros'
exits 1 nic set 020820abcd01 nic_tag=
says 'netmask: it goes with'
exits 1 nic add db1 020820abcd01
says 'mac: another NIC has this address'
exits 1 nic set 020820abcd01 vlan=many
exits 2 nic set 020820abcd01
exits 2 nic set 020820abcd01 host=2
exits 2 nic set 020820abcd01 vlan
exits 2 nic set 0208 vlan=7
exits 2 nic add db1
exits 4 nic set 0208200000ee mtu=9000
exits 4 nic add nobody 0208200000ee
[ "$(sqlite3 "$PXEFS_INVENTORY" "SELECT count(*) FROM nic WHERE mac LIKE '%ee'")" = 0 ]

# Help is on stdout, fits 80 columns, and shows the SQL.
for command in '' init migrate 'host add' 'host list' 'host delete' 'host enable' 'host disable' 'host build' 'host adopt' 'nic add' 'nic set' seen 'profile add' 'profile list' 'channel set' 'channel list' set setting 'module set' 'module list' 'module delete' render builds status check verify host; do
        # shellcheck disable=SC2086 # words
        exits 0 $command --help
        [ ! -s "$dir/err" ]
        [ -s "$dir/out" ]
        if grep -q '.\{81\}' "$dir/out"; then
                echo "pxectl $command --help: wider than 80 columns"
                exit 1
        fi
done

# What is not there is 4, for settings as for properties and modules.
exits 4 setting --drop menu_title
exits 0 setting menu_title=x
exits 0 setting --drop menu_title

# A name that was written with checks off does not act on the terminal; columns are as wide as their characters.
sql "PRAGMA ignore_check_constraints = 1; INSERT INTO host (hostname, comment) VALUES ('red' || char(27) || '[31m' || char(155) || char(127), 'x')"
exits 0 host list
shows 'red?[31m??'
! LC_ALL=C grep -q "$(printf '\033')" "$dir/out" || { echo "ESC reaches the terminal"; exit 1; }
