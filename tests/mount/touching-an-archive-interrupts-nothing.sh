#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# chmod, touch, chown, ln and a rename there and back of an archive of any kind end no transfer and move no name; and on a
# filesystem that comes back as another device all builds are there at once, under the numbers they had.
. "$PXEFS_TESTLIB"
need python3 curl xz xorriso losetup mkfs.ext4
mkfs_at=$DIR/disk
truncate -s 300M "$mkfs_at"
mkfs.ext4 -q "$mkfs_at"
disk=$(losetup -f --show "$mkfs_at" 2>/dev/null) || skip "no loop device can be had"
at_exit "losetup -d $disk"
mount "$disk" "$BUILDS"
at_exit 'umount -l "$BUILDS"'

mkbuild 20240101T000000Z -s 8
tgz=$(basename "$TGZ")
mkbuild 20240201T000000Z -s 8 -F tar
mkbuild 20240301T000000Z -s 8 -F tar
xz -1 "$TGZ"
mkbuild 20240401T000000Z -s 8
mkdir -p "$DIR/iso/etc/version"
tar -xf "$TGZ" -C "$DIR/iso"
rm "$TGZ"
mv "$DIR/iso/$TOP" "$DIR/iso/platform"
cp "$DIR/iso/platform/etc/version/platform" "$DIR/iso/etc/version/boot"
xorriso -as mkisofs -quiet -R -o "$BUILDS/smartos-20240401T000000Z.iso" "$DIR/iso" 2>/dev/null
rm -r "$DIR/iso"
archives="$tgz platform-20240201T000000Z.tar platform-20240301T000000Z.tar.xz smartos-20240401T000000Z.iso"
stamps='20240101T000000Z 20240201T000000Z 20240301T000000Z 20240401T000000Z'
file=platform/i86pc/amd64/boot_archive

mount_pxefs
numbers()
{
        for s in $stamps; do
                stat -c "%n %i" "$MNT/smartos/$s/$file"
        done
}
numbers >"$DIR/numbers"
for s in $stamps; do
        digest "$MNT/smartos/$s/$file" >"$DIR/$s.sum"
done

# Sampled all the while: a name that is away, another `latest`, another number.
python3 - "$MNT" "$DIR/numbers" "$DIR/stop" "$DIR/seen" <<'END' &
import os, sys, time
mnt, numbers, stop, out = sys.argv[1:5]
want = dict(line.rsplit(" ", 1) for line in open(numbers).read().splitlines())
wrong, samples = set(), 0
while not os.path.exists(stop):
    for path, number in want.items():
        try:
            if str(os.stat(path).st_ino) != number:
                wrong.add(path + ": another number")
        except OSError as e:
            wrong.add("%s: %s" % (path, e.strerror))
    if os.readlink(mnt + "/smartos/latest") != "20240401T000000Z":
        wrong.add("latest: " + os.readlink(mnt + "/smartos/latest"))
    samples += 1
    time.sleep(0.01)
open(out, "w").write("".join(w + "\n" for w in sorted(wrong)))
print("%d samples" % samples)
END
sampler=$!

all_ready()
{
        python3 -c 'import json, sys
sys.exit(any(a["state"] != "ready" for a in json.load(open(sys.argv[1]))["archives"]))' "$MNT/.pxefs/status.json"
}
all_verified() # catalog.db has the identities that the files have now
{
        for a in $archives; do
                stat -c '%i|%.9Y|%.9Z' "$BUILDS/$a" | tr -d .
        done | sort >"$DIR/as-they-are"
        sqlite3 "$CACHE/catalog.db" 'SELECT ino, mtime_ns, ctime_ns FROM archive' | sort | cmp - "$DIR/as-they-are" && all_ready
}
there_and_back()
{
        mv "$1" "$(dirname "$1")/renamed-$(basename "$1")" && mv "$(dirname "$1")/renamed-$(basename "$1")" "$1"
}
linked()
{
        chown 0:nogroup "$1" && ln "$1" "$(dirname "$1")/.$(basename "$1")"
}
# 1. Each change of each archive, while a client of nginx and one of tftpd have half of its file.
start_nginx "$MNT"
start_tftpd "$MNT"
for change in 'chmod 0640' touch there_and_back linked; do
        pids=''
        for s in $stamps; do
                echo 2 >/proc/sys/vm/drop_caches # each READ asks the daemon
                curl -sS --fail --limit-rate 6M -o "$DIR/$s.http" "$HTTP/smartos/$s/$file" &
                pids="$pids $!"
                curl -sS --fail --tftp-blksize 1428 -o "$DIR/$s.tftp" "$TFTP/smartos/$s/$file" &
                pids="$pids $!"
        done
        for s in $stamps; do
                wait_for 10 test -s "$DIR/$s.http" || fail "no transfer began"
        done
        for a in $archives; do
                $change "$BUILDS/$a"
        done
        [ "$change" != 'chmod 0640' ] || for a in $archives; do # what our own message recommends
                chmod a+r "$BUILDS/$a"
        done
        for p in $pids; do
                wait "$p" || fail "$change: a transfer failed (curl: $?)"
        done
        for s in $stamps; do
                for how in http tftp; do
                        [ "$(digest "$DIR/$s.$how")" = "$(cat "$DIR/$s.sum")" ] || fail "$change: other bytes by $how"
                        rm "$DIR/$s.$how"
                done
        done
        wait_for 20 all_verified || fail "$change: not verified again: $(cat "$MNT/.pxefs/status.json")"
done
: >"$DIR/stop"
wait "$sampler"
[ ! -s "$DIR/seen" ] || fail "$(cat "$DIR/seen")"

# 2. The filesystem comes back as another device.
stop_group "$NGINX_PID"
stop_group "$TFTPD_PID"
umount_pxefs
umount "$BUILDS"
other=$(losetup -f --show "$mkfs_at") || fail "no second loop device"
at_exit "losetup -d $other"
mount "$other" "$BUILDS"
[ "$other" != "$disk" ] || fail "the same device"
MOUNT_WAIT='' mount_pxefs -f >"$DIR/log" 2>&1 &
there()
{
        [ -e "$MNT/smartos/latest/$file" ]
}
wait_for 10 there || fail "no build after the start: $(cat "$DIR/log")"
all_ready || fail "on another device archives are read again: $(cat "$MNT/.pxefs/status.json")"
grep -q '4 builds are known from before' "$DIR/log" || fail "$(cat "$DIR/log")"
numbers | cmp - "$DIR/numbers" || fail "on another device the builds have other numbers"
for s in $stamps; do
        [ "$(digest "$MNT/smartos/$s/$file")" = "$(cat "$DIR/$s.sum")" ] || fail "other bytes of $s on another device"
done
