#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# The builds directory is on a filesystem that stops to answer: what is cached is served, menus and listings answer, who wants
# what is not cached gets an error soon, the worker is the same afterwards, and then all is right; so too where it answers with
# errors. Without this, one file server that is away takes every menu with it.
#
# stallfs.c plays the server. Twice: with reads through the kernel's page cache, where who waits is in state D, as on NFS; and
# without, where it is in S and looks like one that hangs.
. "$PXEFS_TESTLIB"
need python3
_need_isolation "a mount"
[ -w /dev/fuse ] || skip "no /dev/fuse"
stallfs=$PXEFS_BUILD/tests/fault/stallfs
[ -x "$stallfs" ] || fail "$stallfs is not built"
file=platform/i86pc/amd64/boot_archive
served=$BUILDS control=$DIR/stall

mkdir "$DIR/real"
BUILDS=$DIR/real
mkbuild 20240101T000000Z -s 4
mkbuild 20240102T000000Z -s 16
mkbuild 20240103T000000Z -s 16
mkbuild 20240104T000000Z -s 16 -F tar
mkdir "$DIR/want"
for day in 1 2 3 4; do
        for TGZ in "$BUILDS/platform-2024010${day}T000000Z".t*; do
                tar -xOf "$TGZ" "platform-2024010${day}T000000Z/i86pc/amd64/boot_archive" >"$DIR/want/2024010${day}T000000Z"
        done
done
BUILDS=$served
sql "INSERT INTO host (hostname) VALUES ('one'); INSERT INTO nic (mac, host) VALUES ('02-00-00-00-00-01', 1)"

cat >"$DIR/client.py" <<'END'
# client.py cold MNT WANT: thirty readers at once of what nobody read; prints how many got bytes, how many an error, and the
#                          longest wait; fails if bytes are wrong.
# client.py menus MNT N:   looks at menus, listings and the status N times, a second apart; prints the longest wait.
import concurrent.futures, os, sys, time
mode, mnt = sys.argv[1:3]
FILE = "/smartos/%s/platform/i86pc/amd64/boot_archive"

def timed(f):
    begin = time.monotonic()
    return f(), time.monotonic() - begin

def cold(i):
    build, off = f"2024010{2 + i % 3}T000000Z", (i // 3) * 1536 * 1024 + 4096
    want = open(f"{sys.argv[3]}/{build}", "rb").read()[off:off + 65536]
    def read():
        try:
            with open(mnt + FILE % build, "rb", buffering=0) as f:
                os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
                return os.pread(f.fileno(), 65536, off)
        except OSError:
            return None
    got, took = timed(read)
    if got is not None and not (got and want.startswith(got)):  # fewer: the next page was an error
        sys.exit(f"wrong bytes at {off} of {build}: {len(got)}")
    return got is not None, took

def menus():
    for name in ("hosts/02-00-00-00-00-01/menu.ipxe", "menu.ipxe", ".pxefs/status.json"):
        with open(f"{mnt}/{name}") as f:
            if ("hosts/" if name == "menu.ipxe" else "20240103T000000Z") not in f.read():
                sys.exit(f"{name} is not what it was")
    for name in ("", "smartos", "hosts", "smartos/20240103T000000Z/platform/i86pc"):
        if not os.listdir(f"{mnt}/{name}"):
            sys.exit(f"{name} is empty")
    os.stat(mnt + FILE % "20240102T000000Z")

if mode == "cold":
    with concurrent.futures.ThreadPoolExecutor(30) as pool:
        results = list(pool.map(cold, range(30)))
    print(sum(ok for ok, _ in results), sum(not ok for ok, _ in results), int(max(took for _, took in results)))
else:
    worst = 0
    for _ in range(int(sys.argv[3])):
        worst = max(worst, timed(menus)[1])
        time.sleep(1)
    print(int(worst))
END

uncached()      # FILE...: the kernel forgets their pages
{
        for _f; do
                dd if="$_f" iflag=nocache count=0 of=/dev/null 2>/dev/null || fail "$_f cannot be opened"
        done
}
right()         # STAMP
{
        uncached "$MNT/smartos/$1/$file"
        cmp "$MNT/smartos/$1/$file" "$DIR/want/$1"
}
all_right()
{
        for day in 1 2 3 4; do
                right "2024010${day}T000000Z" || return 1
        done
}
said()          # how often the log has it
{
        grep -c -- "$1" "$DIR/log" || :
}
stuck()
{
        [ -s "$control.waiting" ]
}
start()         # [-D]
{
        setsid "$stallfs" "$@" "$DIR/real" "$control" "$BUILDS" &
        storage=$!
        wait_for 10 mountpoint -q "$BUILDS" || fail "stallfs does not mount"
        chown "$PXEFS_USER:" "$CACHE"
        : >"$DIR/log"
        "$PXEFS" -f -o "inventory=$INVENTORY,cache=$CACHE,user=$PXEFS_USER,wait,poll=1,memory=40M" "$BUILDS" "$MNT" 2>"$DIR/log" &
        wait_for 40 grep -q 'pxefs: ready$' "$DIR/log" || fail "it does not start: $(cat "$DIR/log")"
        worker=$(worker_pid)
}
stop()
{
        umount_pxefs
        umount "$BUILDS"
        wait "$storage" || :
        rm -f "$control.waiting"
}
same_worker()
{
        [ "$(worker_pid)" = "$worker" ] || fail "$1: another worker serves: $(cat "$DIR/log")"
}
at_exit 'umount -l "$BUILDS" 2>/dev/null'
at_exit _end_pxefs
at_exit 'rm -f "$control"' # first of all: nothing ends before

for how in '' -D; do
        # shellcheck disable=SC2086 # no argument, or one
        start $how
        echo "# reads ${how:+do not }go through the page cache"
        right 20240101T000000Z || fail "the first build is not right before anything happens"
        uncached "$BUILDS"/*.t* "$MNT/smartos/20240101T000000Z/$file"

        # The stall. Thirty readers want what nobody read.
        begun=$(date +%s)
        : >"$control"
        python3 "$DIR/client.py" cold "$MNT" "$DIR/want" >"$DIR/cold" &
        readers=$!
        wait_for 10 stuck || fail "nobody waits for the storage"
        worst=$(timeout 60 python3 "$DIR/client.py" menus "$MNT" 20) || fail "menus and listings during the stall"
        echo "# menus: $worst s at worst"
        [ "$worst" -le 5 ] || fail "a menu took $worst s"
        timeout 10 cmp "$MNT/smartos/20240101T000000Z/$file" "$DIR/want/20240101T000000Z" || fail "what is cached is not served"
        wait "$readers" || fail "a reader got wrong bytes during the stall"
        read -r got failed took <"$DIR/cold"
        echo "# readers: $got got bytes, $failed an error, after $took s at most"
        [ "$took" -le 30 ] || fail "a reader waited $took s"
        [ "$failed" -gt 0 ] || fail "nothing stalled: no reader got an error"
        grep -q 'does not answer' "$MNT/.pxefs/status.json" || fail "status.json does not tell: $(cat "$MNT/.pxefs/status.json")"
        # Who comes later has the error at once.
        set -- "$(date +%s)"
        ! timeout 20 cat "$MNT/smartos/20240103T000000Z/$file" >/dev/null 2>&1 || fail "nothing stalled: a cold file was read"
        [ $(($(date +%s) - $1)) -le 5 ] || fail "an error late in the stall took $(($(date +%s) - $1)) s"
        # Longer than all that would end it: a hang, patience, a heart that stopped. Who asks is answered all the while.
        while [ $(($(date +%s) - begun)) -lt 26 ]; do
                timeout 10 cmp "$MNT/smartos/20240101T000000Z/$file" "$DIR/want/20240101T000000Z" || fail "what is cached, late in the stall"
                timeout 10 cat "$MNT/hosts/02-00-00-00-00-01/menu.ipxe" >"$DIR/menu" || fail "a menu late in the stall"
        done
        same_worker "during the stall"
        [ "$(said 'does not answer')" -eq 1 ] || fail "the stall is not told once: $(cat "$DIR/log")"

        # Its end.
        rm "$control"
        wait_for 20 all_right || fail "not right after the stall: $(cat "$DIR/log")"
        same_worker "after the stall"
        [ "$(said 'answers again')" -eq 1 ] || fail "the end of the stall is not told once: $(cat "$DIR/log")"
        well() { ! grep -q 'does not answer\|"refused"' "$MNT/.pxefs/status.json"; }
        wait_for 10 well || fail "after the stall: $(cat "$MNT/.pxefs/status.json")"

        # A storage that answers with errors.
        for error in EIO ESTALE; do
                uncached "$BUILDS"/*.t* "$MNT/smartos/2024010"?"T000000Z/$file"
                echo $error >"$control"
                ! timeout 20 cat "$MNT/smartos/20240102T000000Z/$file" >/dev/null 2>&1 || fail "$error: a cold file was read"
                worst=$(timeout 60 python3 "$DIR/client.py" menus "$MNT" 3) || fail "$error: menus and listings"
                [ "$worst" -le 5 ] || fail "$error: a menu took $worst s"
                rm "$control"
                wait_for 20 all_right || fail "$error: not right afterwards: $(cat "$DIR/log")"
                wait_for 10 well || fail "$error: afterwards $(cat "$MNT/.pxefs/status.json")"
        done
        same_worker "after errors"
        ! grep -q 'quarantin\|refused' "$DIR/log" || fail "something was refused: $(cat "$DIR/log")"
        [ -n "$how" ] || stop
done

# A worker that is killed while it waits may not even end, and no other could open an archive: the mount ends, nobody hangs.
uncached "$BUILDS"/*.t*
rm -f "$control.waiting"
: >"$control"
timeout 60 cat "$MNT/smartos/20240102T000000Z/$file" >/dev/null 2>&1 &
wait_for 10 stuck || fail "nobody waits for the storage"
kill -KILL "$worker"
got=0
timeout 60 cat "$MNT/hosts/02-00-00-00-00-01/menu.ipxe" >/dev/null 2>&1 || got=$?
[ $got -ne 124 ] || fail "a menu hangs after the worker was killed in a stall: $(cat "$DIR/log")"
rm "$control"
wait_for 30 _no_pxefs || fail "the daemon does not end: $(cat "$DIR/log")"
