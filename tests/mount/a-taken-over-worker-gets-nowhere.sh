#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# What reads hostile archives can open builds and plain files to read, its cache and the inventory's directory to write, and
# do nothing else: no other file, no socket, no program, no other process, no descriptor handed to anybody. Each attempt is made by the real worker
# (-o test_probe) and fails; without the sandbox the same attempts succeed, so each of them can.
. "$PXEFS_TESTLIB"
mkbuild 20240101T000000Z -s 1
echo loader >"$STATIC/undionly.kpxe"
chmod 0777 "$BUILDS" "$STATIC" "$DIR/inventory"       # what refuses is the sandbox, not a mode
mkdir -m 0777 "$DIR/outside"
echo secret >"$DIR/outside/file"
chmod 0666 "$DIR/outside/file"
probe=test_probe=$DIR/outside

# attempt OPTIONS: a daemon with the probe, and its answers in $DIR/probe.txt; it serves all the while.
attempt()
{
        mount_pxefs -o "$probe,$1"
        mv "$CACHE/probe.txt" "$DIR/probe.txt"
        [ "$(wc -l <"$DIR/probe.txt")" -gt 30 ] || fail "$1: the probe ended early: $(cat "$DIR/probe.txt")"
        [ "$(digest "$MNT/smartos/latest/platform/i86pc/amd64/boot_archive")" = "$want" ] || fail "$1: other bytes"
        [ "$(cat "$MNT/undionly.kpxe")" = loader ] || fail "$1: no plain file"
        python3 -m json.tool <"$MNT/.pxefs/status.json" >/dev/null || fail "$1: status.json is no JSON"
        grep '"sandbox"' "$MNT/.pxefs/status.json" >"$DIR/sandbox.txt"
        umount_pxefs
}
answer()        # NAME
{
        awk -v n="$1" '$1 == n { print $2 }' "$DIR/probe.txt"
}
says()          # WORDS
{
        grep -qF -- "$1" "$DIR/sandbox.txt" || fail "status.json does not say $1: $(cat "$DIR/sandbox.txt")"
}
want=$(member i86pc/amd64/boot_archive | digest)

# 1. Without any of it, as root: every attempt succeeds, but for what this kernel was built without.
attempt test_nosandbox 2>/dev/null
says '"landlock_missing": "left out, for a test"'
while read -r name result; do
        case $result in
        done) ;;
        ENOSYS) echo "this kernel has no $name: not tried" ;;
        *) fail "outside of the sandbox $name is possible, and the probe got $result" ;;
        esac
done <"$DIR/probe.txt"
cp "$DIR/probe.txt" "$DIR/outside.txt"
echo secret >"$DIR/outside/file"

rm -rf "$CACHE" # root's now
mkdir "$CACHE"

# 2. Rights dropped, nothing else: what any user may.
attempt test_nolandlock,test_noseccomp 2>/dev/null
says '"no_capabilities": true'
for name in read:/etc/passwd read:outside list:outside write:outside write:builds write:static socket:inet fork exec ptrace; do
        [ "$(answer $name)" = done ] || fail "an ordinary user cannot $name: $(answer $name)"
done
for name in read:/etc/shadow read:/proc/1/mem setuid:0 kill:keeper mount socket:packet chroot; do
        case $(answer $name) in
        EPERM | EACCES) ;;
        *) fail "an ordinary user can $name: $(answer $name)" ;;
        esac
done
echo secret >"$DIR/outside/file"

# refused_all: each line but what the worker needs.
refused_all()
{
        while read -r name result; do
                case $name:$result in
                may:*:done) ;;
                may:*) fail "the worker needs $name: $result" ;;
                *:EPERM | *:EACCES | *:EXDEV) ;;
                *)
                        grep -qx "$name ENOSYS" "$DIR/outside.txt" || fail "$1: $name: $result"
                        ;;
                esac
        done <"$DIR/probe.txt"
        [ "$(cat "$DIR/outside/file")" = secret ] || fail "$1: a file outside was changed"
}

# 3. The filter of calls alone: opening by name is not its part, all else is.
mount_pxefs -o "test_nolandlock" 2>"$DIR/err"
filter=$(sed -n 's/.*"system_calls": \([0-9]*\).*/\1/p' "$MNT/.pxefs/status.json")
umount_pxefs
if [ "$filter" -gt 0 ]; then
        attempt test_nolandlock 2>/dev/null
        for name in socket:inet socket:unix socket:netlink fork exec ptrace kill:keeper mount setuid:0 bpf keyctl \
                mmap:executable unshare:user sendmsg:descriptor fcntl:flags-of-fuse io_uring open_by_handle_at process_vm_readv:keeper; do
                [ "$(answer $name)" = EPERM ] || fail "seccomp: $name: $(answer $name)"
        done
else
        grep -q 'no filter of system calls (this pxefs was built without libseccomp)' "$DIR/err" ||
                fail "why there is no filter is not said: $(cat "$DIR/err")"
fi

# 4. Landlock alone.
attempt test_noseccomp 2>/dev/null
landlock=$(sed -n 's/.*"landlock_abi": \([0-9]*\).*/\1/p' "$DIR/sandbox.txt")
if [ "$landlock" -gt 0 ]; then
        for name in read:/etc/passwd read:outside list:outside write:outside write:builds write:static exec symlink:in-cache; do
                [ "$(answer $name)" = EACCES ] || fail "Landlock: $name: $(answer $name)"
        done
        echo secret >"$DIR/outside/file" # truncate() is Landlock's from ABI 3 on
fi

# 5. As it runs.
attempt ro
[ "$landlock" -gt 0 ] && [ "$filter" -gt 0 ] ||
        skip "this kernel or build has not all of it: Landlock ABI $landlock, $filter system calls"
refused_all "in the sandbox"
says '"landlock_missing": null'
says '"seccomp_missing": null'
says '"no_new_privs": true, "no_capabilities": true, "relaxed": false'

# And as the kernel sees it.
mount_pxefs
worker=$(worker_pid)
for line in 'CapInh:\t0000000000000000' 'CapPrm:\t0000000000000000' 'CapEff:\t0000000000000000' 'CapBnd:\t0000000000000000' \
        'CapAmb:\t0000000000000000' 'NoNewPrivs:\t1' 'Seccomp:\t2'; do
        for task in "/proc/$worker/task"/*; do
                grep -qx "$(printf '%b' "$line")" "$task/status" || fail "$task: $(grep "^${line%%:*}:" "$task/status"), not $line"
        done
done
[ "$(ls "/proc/$worker/task" | wc -l)" -gt 1 ] || fail "the worker has no threads: is it the worker?"
