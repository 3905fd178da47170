# SPDX-License-Identifier: MPL-2.0
# testlib.sh -- what every shell test of pxefs starts from:  . "$PXEFS_TESTLIB"
#
# A test is a plain POSIX sh script. It ends with 0 (true), 77 (cannot be tried here: skip), or anything else (false).
#
# As root the test runs in mount, process and network namespaces of its own: sourcing this file starts the script once
# more inside them. Whatever a test leaves behind, also when it is killed with SIGKILL, ends with them: no mount, no
# process, no port. The loopback interface is the test's own, so every server stands on its well-known port and tests
# run side by side. The parts that need this (mounts, servers) skip where there is no right to do it.
#
# Environment, set by tests/meson.build:
#   PXEFS, PXECTL       the two programs          PXEFS_SRC, PXEFS_BUILD   the source and the build root
#   PXEFS_FAULTINJECT   the pxefs of tests/faultinject, with its own worker: what mount_pxefs starts if there is an option
#                       test_...  Without one it starts PXEFS: what is installed is what is tested.
#   PXEFS_KEEP=1        leave the private directory for looking at
#   PXEFS_OPTIONS       mount options for every mount_pxefs, by hand: test_nosandbox for a sanitizer's log
#
# Variables for the test:
#   DIR        private directory, 0755: servers and the daemon run as other users
#   BUILDS     the builds directory               MNT        the mount point
#   CACHE      cache directory                    STATIC     overlay of plain files (undionly.kpxe, ...)
#   INVENTORY  inventory.db, alone in a directory that belongs to PXEFS_USER, as WAL wants it
#   PXEFS_USER the user the daemon becomes (nobody)
# Set by functions:
#   TGZ, TOP   mkbuild: the tarball just made, and its top directory
#   TFTP       start_tftpd: tftp://address         HTTP       start_nginx: http://address[/prefix]
#   NGINX_LOG  start_nginx: its access log
set -eu

# ---- ending ------------------------------------------------------------------------------------------------------

skip()
{
        echo "SKIP: $*" >&2
        exit 77
}

fail()
{
        echo "FAIL: $*" >&2
        exit 1
}

# need TOOL...: skips unless all are installed.
need()
{
        for _tool; do
                command -v "$_tool" >/dev/null || skip "$_tool is not installed"
        done
}

# at_exit CMD: one line of shell, run when the test ends, however it ends; the last one given runs first. Each runs
# whatever the others did, and none changes the test's result.
_at_exit=''
at_exit()
{
        _at_exit="$1
$_at_exit"
}

_run_at_exit()
{
        _status=$?
        set +e
        trap '' HUP INT TERM
        trap - EXIT
        while IFS= read -r _cmd; do
                [ -z "$_cmd" ] || eval "$_cmd" </dev/null
        done <<END
$_at_exit
END
        exit "$_status"
}

# wait_for SECONDS CMD...: polls until CMD succeeds; its output is dropped. Fails, and says so, when it never does.
wait_for()
{
        _deadline=$(($(date +%s) + $1))
        shift
        until "$@" >/dev/null 2>&1; do
                if [ "$(date +%s)" -gt "$_deadline" ]; then
                        echo "waited in vain for: $*" >&2
                        return 1
                fi
                sleep 0.1
        done
}

# ---- a world of its own -------------------------------------------------------------------------------------------

# The middle shell is process 1 in there: it reaps what daemons orphan, while the test is an ordinary process that
# signals reach. A process group that is sent SIGTERM (meson's time limit) reaches the test all the same.
if [ "$(id -u)" -eq 0 ] && [ -z "${PXEFS_TEST_INSIDE-}" ]; then
        if command -v unshare >/dev/null && unshare --mount --pid --net --fork --mount-proc true 2>/dev/null; then
                export PXEFS_TEST_INSIDE=1
                # shellcheck disable=SC2016 # for the inner shell
                exec unshare --mount --pid --net --fork --kill-child --mount-proc \
                        sh -c 'sh "$0" "$@"; exit $?' "$0" "$@"
        fi
fi
trap _run_at_exit EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

_need_isolation()
{
        [ "$(id -u)" -eq 0 ] || skip "$1 needs root"
        [ -n "${PXEFS_TEST_INSIDE-}" ] || skip "$1 needs the right to make namespaces"
        need ip
        ip link set lo up
}

DIR=$(mktemp -d "${TMPDIR:-/tmp}/pxefs-test.XXXXXX")
# shellcheck disable=SC2016 # expanded when it runs
if [ -n "${PXEFS_KEEP-}" ]; then
        at_exit 'echo "kept: $DIR" >&2'
else
        at_exit 'rm -rf --one-file-system "$DIR"'
fi
chmod 0755 "$DIR"
umask 022
: "${PXEFS_USER:=nobody}"
BUILDS=$DIR/builds MNT=$DIR/tftpboot CACHE=$DIR/cache STATIC=$DIR/static INVENTORY=$DIR/inventory/inventory.db
mkdir "$BUILDS" "$MNT" "$CACHE" "$STATIC" "$DIR/inventory"

# ---- builds, inventory -----------------------------------------------------------------------------------------------

# mkbuild STAMP [mkplatform options]: a synthetic platform tarball in $BUILDS. Sets TGZ and TOP.
mkbuild()
{
        _stamp=$1 TOP=platform-$1 _suffix=tgz
        shift
        OPTIND=1
        while getopts k:s:t:F: _opt; do
                case $_opt in
                t) TOP=$OPTARG ;;
                F) [ "$OPTARG" != tar ] || _suffix=tar ;;
                *) ;;
                esac
        done
        "$PXEFS_SRC/tests/lib/mkplatform" "$@" "$_stamp" "$BUILDS"
        TGZ=$BUILDS/platform-$_stamp.$_suffix
}

# member NAME: that file of the last mkbuild (i86pc/amd64/boot_archive, ...) on stdout, by tar: the oracle.
member()
{
        tar -xOf "$TGZ" "$TOP/$1"
}

# recipe DOCUMENT NAME: the block that stands behind the mark <!-- recipe: NAME --> in DOCUMENT (README.md, docs/...), on
# stdout, word for word: what a reader copies.
recipe()
{
        awk -v mark="<!-- recipe: $2 -->" '
                $0 == mark { found = 1; next }
                found && /^```/ { if (inside) exit; inside = 1; next }
                inside { print; n++ }
                END { exit n == 0 }' "$PXEFS_SRC/$1" || fail "$1 has no recipe $2"
}

# digest [FILE]: SHA-256 in hex.        sha1 [FILE]: SHA-1 in hex, as boot_archive.hash has it.
digest()
{
        sha256sum <"${1:-/dev/stdin}" | cut -d' ' -f1
}

sha1()
{
        sha1sum <"${1:-/dev/stdin}" | cut -d' ' -f1
}

# make_inventory: an empty inventory as an operator makes it with sqlite3 and the schema. Done by sql and mount_pxefs
# when there is none yet.
make_inventory()
{
        need sqlite3
        sqlite3 -bail "$INVENTORY" 'PRAGMA journal_mode=WAL' >/dev/null
        sqlite3 -bail "$INVENTORY" <"$PXEFS_SRC/schema/inventory.sql" >/dev/null
        [ "$(id -u)" -ne 0 ] || chown -R "$PXEFS_USER:" "$DIR/inventory"
}

# sql STATEMENT: what the operator types; prints what the shell prints.
sql()
{
        [ -e "$INVENTORY" ] || make_inventory
        sqlite3 -bail "$INVENTORY" "$1"
}

# ---- the mount -------------------------------------------------------------------------------------------------------

# pxefs_pids: the daemon's processes on $MNT, one a line. Told by program and argument, as it writes no pid file; /proc is
# the test's own.
pxefs_pids()
{
        for _p in /proc/[0-9]*; do
                _exe=$(readlink "$_p/exe") || continue # it ended just now: no reason to end with it (set -e)
                case ${_exe% (deleted)} in
                "$(readlink -f "$PXEFS")" | "$(readlink -f "${PXEFS_FAULTINJECT-$PXEFS}")" | */pxefs-worker*) ;;
                *) continue ;;
                esac
                printf '%s' "$MNT" | grep -qaF -f - "$_p/cmdline" && echo "${_p#/proc/}"
        done 2>/dev/null
        :
}

# keeper_pid, worker_pid: the one that mounted, and the one that serves (not the one that stands by).
keeper_pid()
{
        for _p in $(pxefs_pids); do
                case $(readlink "/proc/$_p/exe") in
                */pxefs-worker*) ;;
                *) echo "$_p" && return ;;
                esac
        done
        false
}

worker_pid()
{
        pgrep -P "$(keeper_pid)" -x pxefs-serving
}

# keeper_goes_round: until the keeper has been through its loop, which it is each second though nothing happens.
_keeper_switches()
{
        awk '/^voluntary_ctxt_switches/ { print $2 }' "/proc/$1/status"
}
_keeper_has_gone_round()
{
        [ "$(_keeper_switches "$1")" -ge "$2" ]
}
keeper_goes_round()
{
        _keeper=$(keeper_pid) || fail "there is no keeper"
        wait_for 30 _keeper_has_gone_round "$_keeper" $(($(_keeper_switches "$_keeper") + 3)) || fail "the keeper stands still"
}

_no_pxefs()
{
        [ -z "$(pxefs_pids)" ]
}

# mount_pxefs [options]: the daemon on $MNT, ready when this returns; with the option wait, so that the builds that stand
# there are in the tree. The options given come last, so "-o user=x" or "-o cache=x" wins; MOUNT_WAIT='' takes wait away.
# Fails with the daemon's own words.
mount_pxefs()
{
        _need_isolation "a mount"
        [ -w /dev/fuse ] || skip "no /dev/fuse"
        id "$PXEFS_USER" >/dev/null 2>&1 || skip "no user $PXEFS_USER"
        [ -e "$INVENTORY" ] || make_inventory
        chown "$PXEFS_USER:" "$CACHE"
        if [ -z "${_mounted_once-}" ]; then
                _mounted_once=1
                at_exit '_end_pxefs'
        fi
        _options=inventory=$INVENTORY,cache=$CACHE,static=$STATIC,user=$PXEFS_USER${MOUNT_WAIT-,wait}${PXEFS_OPTIONS:+,$PXEFS_OPTIONS}
        case ,$_options,$*, in
        *,test_* | *" test_"* | *-otest_*) _program=${PXEFS_FAULTINJECT-$PXEFS} ;;
        *) _program=$PXEFS ;;
        esac
        "$_program" -o "$_options" "$@" "$BUILDS" "$MNT" || fail "pxefs: exit status $?"
        mountpoint -q "$MNT" || fail "pxefs reported success, but $MNT is no mount point"
}

# umount_pxefs: unmounts as an operator does, and waits until the daemon is gone.
umount_pxefs()
{
        umount "$MNT"
        wait_for 10 _no_pxefs || fail "pxefs still runs after its unmount: $(pxefs_pids | tr '\n' ' ')"
}

# At the end nothing is asked politely twice: a test that failed may have left the mount busy or the daemon stopped. A dead
# mount is no mount point for mountpoint(1), which looks into it.
_end_pxefs()
{
        while grep -q " $MNT " /proc/self/mountinfo; do
                umount "$MNT" 2>/dev/null || umount -l "$MNT" || break
        done
        wait_for 3 _no_pxefs 2>/dev/null || pxefs_pids | while read -r _pid; do
                echo "pxefs process $_pid outlived its mount" >&2
                kill -KILL "$_pid"
        done
}

# ---- servers -----------------------------------------------------------------------------------------------------------

# stop_group PID: ends a server started here with all its children, and waits for it. in.tftpd leaves a child for each
# transfer, whose chroot would keep the mount busy.
stop_group()
{
        kill -TERM "-$1" 2>/dev/null || return 0
        wait_for 3 _group_gone "$1" 2>/dev/null || kill -KILL "-$1" 2>/dev/null || :
        wait "$1" 2>/dev/null || :
}

_group_gone()
{
        ! pgrep -g "$1" -r D,R,S,T
}

# listening tcp|udp PORT
listening()
{
        case $1 in
        tcp) ss -Hltn "sport = :$2" ;;
        udp) ss -Hlun "sport = :$2" ;;
        *) false ;;
        esac | grep -q .
}

# start_tftpd ROOT [HOST]: tftpd-hpa with Debian's defaults (/etc/default/tftpd-hpa: user tftp, address :69, --secure).
# HOST is how its clients call this machine. Sets TFTP, TFTPD_PID.
start_tftpd()
{
        _need_isolation "a TFTP server"
        _tftpd=$(command -v in.tftpd || echo /usr/sbin/in.tftpd)
        [ -x "$_tftpd" ] || skip "in.tftpd (tftpd-hpa) is not installed"
        id tftp >/dev/null 2>&1 || skip "no user tftp"
        # Not an address: tftpd resolves it with AI_ADDRCONFIG, which finds none where there is only a loopback.
        setsid "$_tftpd" -L --user tftp --address :69 --secure "$1" &
        TFTPD_PID=$!
        at_exit "stop_group $TFTPD_PID"
        wait_for 10 listening udp 69 || fail "in.tftpd does not listen"
        # shellcheck disable=SC2034 # for the test
        TFTP=tftp://${2:-127.0.0.1}
}

# start_nginx ROOT [PREFIX [HOST]]: nginx as Debian sets it up (worker www-data, sendfile on), on port 80, with ROOT at
# PREFIX ("" or "/netboot"). NGINX_SERVER, if set, is put into the server block. Sets HTTP, NGINX_LOG, NGINX_PID.
start_nginx()
{
        _need_isolation "a web server"
        _nginx=$(command -v nginx || echo /usr/sbin/nginx)
        [ -x "$_nginx" ] || skip "nginx is not installed"
        id www-data >/dev/null 2>&1 || skip "no user www-data"
        _prefix=${2-}
        NGINX_LOG=$DIR/nginx-access.log
        mkdir -p "$DIR/nginx"
        cat >"$DIR/nginx.conf" <<END
daemon off;
user www-data;
worker_processes 2;
pid $DIR/nginx.pid;
error_log $DIR/nginx-error.log;
events { worker_connections 256; }
http {
        sendfile on;
        tcp_nopush on;
        default_type application/octet-stream;
        access_log $NGINX_LOG;
        client_body_temp_path $DIR/nginx/body;
        proxy_temp_path $DIR/nginx/proxy;
        fastcgi_temp_path $DIR/nginx/fastcgi;
        uwsgi_temp_path $DIR/nginx/uwsgi;
        scgi_temp_path $DIR/nginx/scgi;
        server {
                listen 80;
                location $_prefix/ { alias $1/; }
                ${NGINX_SERVER-}
        }
}
END
        setsid "$_nginx" -e "$DIR/nginx-error.log" -p "$DIR/nginx" -c "$DIR/nginx.conf" &
        NGINX_PID=$!
        at_exit "stop_group $NGINX_PID"
        wait_for 10 listening tcp 80 || fail "nginx does not listen: $(cat "$DIR/nginx-error.log")"
        # shellcheck disable=SC2034 # for the test
        HTTP=http://${3:-127.0.0.1}$_prefix
}

# tftp_get NAME [FILE]: NAME from the server of start_tftpd, into FILE or to stdout.
tftp_get()
{
        need curl
        curl -sS --fail --max-time 60 --tftp-blksize 1428 -o "${2:--}" "$TFTP/${1#/}"
}

# http_get NAME [FILE]
http_get()
{
        need curl
        curl -sS --fail --max-time 60 -o "${2:--}" "$HTTP/${1#/}"
}
