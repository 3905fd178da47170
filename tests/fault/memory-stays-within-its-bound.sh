#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# Six cold builds at once, find, du, grep -r and ten thousand open files: a daemon that may have 256 MiB lives, its worker
# never holds more than 128 MiB, and every byte is right.
#
# The daemon alone is in a memory cgroup of its own, below the one the test is in; its clients are not.
. "$PXEFS_TESTLIB"
need python3 sqlite3
_need_isolation "a memory cgroup"
unset MALLOC_PERTURB_ # meson's: it touches memory that is otherwise not there
LIMIT=$((256 << 20))

# group: a cgroup for the daemon, of either version.
group()
{
        _path=$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup)
        for _at in "/sys/fs/cgroup/memory$_path" /sys/fs/cgroup/memory; do
                [ -n "$_path" ] && [ -e "$_at/memory.limit_in_bytes" ] || continue
                GROUP=$_at/pxefs-test.$(basename "$DIR") limit=memory.limit_in_bytes
                mkdir "$GROUP" 2>/dev/null && return
        done
        _path=$(sed -n 's/^0:://p' /proc/self/cgroup)
        for _at in "/sys/fs/cgroup$_path" /sys/fs/cgroup; do
                grep -qw memory "$_at/cgroup.subtree_control" 2>/dev/null || continue
                GROUP=$_at/pxefs-test.$(basename "$DIR") limit=memory.max
                mkdir "$GROUP" 2>/dev/null && return
        done
        skip "no memory cgroup can be made here"
}
group
# shellcheck disable=SC2016 # expanded when it runs, after the daemon's end
at_exit 'wait_for 5 rmdir "$GROUP"'
echo $LIMIT >"$GROUP/$limit" || skip "the memory of a cgroup cannot be bounded here"
kills()
{
        cat "$GROUP/memory.oom_control" "$GROUP/memory.events" 2>/dev/null | sed -n 's/^oom_kill //p'
}
[ "$(kills)" = 0 ] || skip "this kernel does not count kills for want of memory"

for day in 1 2 3 4 5 6; do
        mkbuild 2024010${day}T000000Z -s 16
        member i86pc/amd64/boot_archive | digest
done >"$DIR/want"
# Six hundred hosts, so that find and grep -r have scripts to ask for.
sql "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600)
     INSERT INTO host (hostname) SELECT 'host' || i FROM n;
     INSERT INTO nic (mac, host) SELECT printf('02-08-20-00-%02x-%02x', id / 256, id % 256), id FROM host;"

# Every process of the daemon is born in the group.
pxefs=$PXEFS
cat >"$DIR/in-group" <<END
#!/bin/sh
echo \$\$ >"$GROUP/cgroup.procs" && exec "$pxefs" "\$@"
END
chmod +x "$DIR/in-group"
PXEFS=$DIR/in-group
mount_pxefs
PXEFS=$pxefs # pxefs_pids tells the daemon by it
[ "$(wc -l <"$GROUP/cgroup.procs")" -ge 2 ] || fail "the daemon is not in its group"
workers=$(for pid in $(pxefs_pids); do
        grep -q "^Uid:[[:space:]]*$(id -u "$PXEFS_USER")[[:space:]]" "/proc/$pid/status" && echo "$pid"
done)
[ -n "$workers" ] || fail "no process of $PXEFS_USER"

# All at once, each with its own judge.
for day in 1 2 3 4 5 6; do
        digest "$MNT/smartos/2024010${day}T000000Z/platform/i86pc/amd64/boot_archive" >"$DIR/got.$day" &
        pids="${pids-} $!"
done
find "$MNT" -ls >"$DIR/find" &
pids="$pids $!"
du -s --apparent-size "$MNT/hosts" "$MNT/smartos" >"$DIR/du" &
pids="$pids $!"
{ grep -rl root_shadow_that_is_not_there "$MNT" >"$DIR/grep" || [ $? -eq 1 ]; } &
pids="$pids $!"
python3 - "$MNT" <<'END' &
import os, resource, sys
files = [os.path.join(d, f) for d, _, fs in os.walk(sys.argv[1] + "/smartos/20240101T000000Z") for f in fs]
files += ["%s/hosts/02-08-20-00-%02x-%02x/menu.ipxe" % (sys.argv[1], i // 256, i % 256) for i in range(1, 601)]
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
n = 10000 if hard == resource.RLIM_INFINITY else min(10000, hard - 50)
resource.setrlimit(resource.RLIMIT_NOFILE, (n + 50 if hard == resource.RLIM_INFINITY else hard, hard))
opened = []
while len(opened) < n: # all are open at the same time
    for f in files[:n - len(opened)]:
        opened.append(os.open(f, os.O_RDONLY))
for i, fd in enumerate(opened):
    size = os.fstat(fd).st_size
    assert len(os.pread(fd, 4096, 0)) == min(size, 4096), files[i % len(files)]
print("%d files open at once" % len(opened))
END
pids="$pids $!"
for pid in $pids; do
        wait "$pid" || fail "a reader failed: $(cat "$DIR/find" "$DIR/grep" | tail -n 3)"
done

cat "$DIR"/got.? | diff - "$DIR/want" || fail "a digest is wrong"
[ "$(grep -c 'menu\.ipxe$' "$DIR/find")" -ge 600 ] || fail "find did not see all hosts"
[ ! -s "$DIR/grep" ] || fail "grep found what is nowhere: $(cat "$DIR/grep")"
[ "$(kills)" = 0 ] || fail "killed for want of memory: $(cat "$GROUP"/memory.oom_control "$GROUP"/memory.events 2>/dev/null)"
for pid in $workers; do
        peak=$(sed -n 's/^VmHWM:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$pid/status")
        sed -n '/^Rss/p' "/proc/$pid/status"
        echo "worker: $peak KiB at most; its group: $(cat "$GROUP/memory.max_usage_in_bytes" "$GROUP/memory.peak" 2>/dev/null) bytes"
        [ "$peak" -le $((128 << 10)) ] || fail "the worker held $peak KiB"
done
