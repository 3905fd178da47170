#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# Who parses archives and the inventory is not root and cannot become it; the mount is read-only, nosuid, nodev, for all users.
. "$PXEFS_TESTLIB"
mkbuild 20240101T000000Z -s 1
echo loader >"$STATIC/undionly.kpxe"
mount_pxefs -o wait
nobody=$(id -u nobody) workers=0
readers=$(pgrep -P "$(worker_pid)" -x pxefs-readers) || fail "nobody starts readers of archives"
for pid in $(pxefs_pids); do
        uid=$(awk '/^Uid:/ { print $2, $3, $4 }' "/proc/$pid/status")
        opened=$(ls -l "/proc/$pid/fd" | grep -c -e "$BUILDS" -e "$CACHE" -e "$DIR/inventory" || :)
        # The lock on the cache directory is everybody's: whichever of these lives keeps another pxefs out.
        opened=$((opened - $(ls -l "/proc/$pid/fd" | grep -c "$CACHE/lock$" || :)))
        if [ "$uid" = "$nobody $nobody $nobody" ]; then
                workers=$((workers + 1))
                grep -q '^CapPrm:[[:space:]]*0000000000000000$' "/proc/$pid/status" || fail "the worker has capabilities"
                grep -q '^NoNewPrivs:[[:space:]]*1$' "/proc/$pid/status" || fail "the worker may gain privileges"
                # What stands by for the worker has opened nothing yet. What starts readers of archives has a name for the builds
                # directory, by which nothing can be read (O_PATH, 010000000 in fdinfo), and that alone.
                if [ "$pid" = "$(worker_pid)" ]; then
                        [ "$opened" -gt 0 ] || fail "the worker has nothing open: is it the worker?"
                elif [ "$pid" = "$readers" ]; then
                        for fd in $(find "/proc/$pid/fd" -lname "$DIR/*" -printf '%f\n'); do
                                [ "$(readlink "/proc/$pid/fd/$fd")" = "$BUILDS" ] || fail "who starts readers has more than the builds directory"
                                flags=$(awk '$1 == "flags:" { print $2 }' "/proc/$pid/fdinfo/$fd")
                                [ $((flags & 010000000)) -ne 0 ] || fail "who starts readers can read the builds directory: flags $flags"
                        done
                else
                        [ "$opened" -eq 0 ] || fail "two processes have builds, cache or inventory open"
                fi
        else
                [ "$opened" -eq 0 ] || fail "a process of user $uid has builds, cache or inventory open"
        fi
done
[ "$workers" -ge 1 ] && [ "$workers" -le 3 ] || fail "$workers workers"
! ls -l "/proc/$readers/fd" | grep -e /dev/fuse -e memfd: || fail "who starts readers has the mount in its hands"
! grep -q memfd: "/proc/$readers/maps" || fail "who starts readers has the journal mapped"
options=$(awk -v m="$MNT" '$5 == m { print $6, $NF }' /proc/self/mountinfo)
for word in ro nosuid nodev allow_other; do
        echo "$options" | tr ' ,' '\n\n' | grep -qx "$word" || fail "$word is not in: $options"
done
for name in menu.ipxe undionly.kpxe smartos/undionly.kpxe smartos/latest/platform/i86pc/amd64/boot_archive; do
        setpriv --reuid=65534 --regid=65534 --clear-groups cat "$MNT/$name" >/dev/null || fail "another user cannot read $name"
done
! touch "$MNT/x" 2>/dev/null || fail "a file was made"
! rm -f "$MNT/menu.ipxe" 2>/dev/null || fail "a file was removed"
! echo x 2>/dev/null >"$MNT/menu.ipxe" || fail "a file was written"
