#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# The worker's sandbox is made of directories. Links that are there at the start are followed out of them, later ones only where
# links_to= says, and those of others than root never; a directory put in the place of the builds directory waits for the next start. What is kept out says why and
# what to do. An inventory behind a link, and a cache on another filesystem, are nothing special.
. "$PXEFS_TESTLIB"
_need_isolation "a mount"
archive()       # STAMP DIRECTORY
{
        mkdir -p "$2"
        "$PXEFS_SRC/tests/lib/mkplatform" -s 1 "$1" "$2"
}
archive 20240101T000000Z "$BUILDS"
archive 20240102T000000Z "$DIR/store"
archive 20240103T000000Z "$DIR/later"
mkdir "$DIR/boot" "$DIR/boot2"
echo efi >"$DIR/boot/ipxe.efi"
echo other >"$DIR/boot2/other.efi"
ln -s "$DIR/store/platform-20240102T000000Z.tgz" "$BUILDS/"
mkdir "$STATIC/sub"
ln -s ../boot/ipxe.efi "$STATIC/ipxe.efi"
ln -s "$DIR/boot/ipxe.efi" "$STATIC/sub/deep.efi"
make_inventory
mount -t tmpfs -o size=64m none "$CACHE"
at_exit 'umount -l "$CACHE"'
sqlite3 "$INVENTORY" "INSERT INTO host (hostname) VALUES ('db1')"

# Not the inventory: who follows its link once and who follows it each time would have different files in mind.
ln -s inventory.db "$DIR/inventory/link.db"
code=0
"$PXEFS" -f -o "inventory=$DIR/inventory/link.db,cache=$CACHE,user=$PXEFS_USER" "$BUILDS" "$MNT" 2>"$DIR/log" || code=$?
[ "$code" -ne 0 ] || fail "an inventory behind a link is served"
grep -q 'link.db is a symbolic link' "$DIR/log" || fail "$(cat "$DIR/log")"
! "$PXECTL" -i "$DIR/inventory/link.db" host list >"$DIR/out" 2>&1 || fail "pxectl follows it"
grep -q 'link.db is a symbolic link to inventory.db' "$DIR/out" || fail "$(cat "$DIR/out")"

# In the foreground, so that the log can be read.
foreground()    # OPTIONS
{
        chown "$PXEFS_USER:" "$CACHE"
        "$PXEFS" -f -o "inventory=$INVENTORY,cache=$CACHE,static=$STATIC,user=$PXEFS_USER,wait,poll=1,$1" "$BUILDS" "$MNT" \
                2>"$DIR/log" &
        wait_for 20 grep -q 'pxefs: ready$' "$DIR/log" || fail "it does not start: $(cat "$DIR/log")"
}
ended()
{
        umount "$MNT"
        wait_for 10 _no_pxefs || fail "it does not end"
}
[ -w /dev/fuse ] || skip "no /dev/fuse"
at_exit _end_pxefs
logged()
{
        grep -qF -- "$1" "$DIR/log" || fail "the log does not say '$1': $(cat "$DIR/log")"
}
served()
{
        [ -e "$MNT/smartos/$1/platform/i86pc/kernel/amd64/unix" ]
}
reason()        # ARCHIVE WORDS
{
        grep -F "\"$1\"" "$MNT/.pxefs/status.json" | grep -qF -- "$2"
}

foreground ro
grep -q '"landlock_abi": 0' "$MNT/.pxefs/status.json" && skip "this kernel has no Landlock: nothing is kept out"
logged "$BUILDS/platform-20240102T000000Z.tgz is a link out of its directory: what is in $DIR/store may be read too"
logged "what is in $DIR/boot may be read too"
[ "$(grep -c "what is in $DIR/boot may" "$DIR/log")" -eq 1 ] || fail "one place is told twice"
served 20240101T000000Z || fail "a build"
served 20240102T000000Z || fail "a build behind a link"
[ "$(cat "$MNT/ipxe.efi" "$MNT/sub/deep.efi")" = "$(printf 'efi\nefi')" ] || fail "a plain file behind a link"
grep -q '"state": "live".*"schema": 2, "hosts": 1' "$MNT/.pxefs/status.json" || fail "$(grep inventory "$MNT/.pxefs/status.json")"

# The linked file is replaced, as an upgrade does: the directory is open, not the file.
echo 'new efi' >"$DIR/boot/.new" && mv "$DIR/boot/.new" "$DIR/boot/ipxe.efi"
is_new() { [ "$(cat "$MNT/ipxe.efi")" = 'new efi' ]; }
wait_for 5 is_new || fail "a linked file that was replaced is not there"

# Links made later, elsewhere.
ln -s "$DIR/later/platform-20240103T000000Z.tgz" "$BUILDS/"
ln -s "$DIR/boot2/other.efi" "$STATIC/other.efi"
wait_for 8 reason platform-20240103T000000Z.tgz 'links_to=' || fail "not said: $(cat "$MNT/.pxefs/status.json")"
! reason platform-20240103T000000Z.tgz chmod || fail "chmod would not help"
! served 20240103T000000Z || fail "the sandbox lets it read $DIR/later"
! cat "$MNT/other.efi" 2>/dev/null || fail "the sandbox lets it read $DIR/boot2"
! ls "$MNT" | grep -qx other.efi || fail "a name is listed that cannot be opened"
# The file itself, and a bind mount, are ways out that need no restart.
ln "$DIR/later/platform-20240103T000000Z.tgz" "$BUILDS/platform-linked.tgz" 2>/dev/null ||
        cp "$DIR/later/platform-20240103T000000Z.tgz" "$BUILDS/platform-linked.tgz"
wait_for 10 served 20240103T000000Z || fail "an archive put in place of a link is not served"
rm "$BUILDS/platform-linked.tgz"
archive 20240104T000000Z "$DIR/bound"
: >"$DIR/empty"
mv "$DIR/empty" "$BUILDS/platform-20240104T000000Z.tgz"
mount --bind "$DIR/bound/platform-20240104T000000Z.tgz" "$BUILDS/platform-20240104T000000Z.tgz"
wait_for 10 served 20240104T000000Z || fail "a bind mount among the builds is not read"
ended
umount "$BUILDS/platform-20240104T000000Z.tgz"
rm "$BUILDS/platform-20240104T000000Z.tgz" "$BUILDS/platform-20240103T000000Z.tgz" "$STATIC/other.efi"

# links_to=: places named beforehand.
foreground "links_to=$DIR/later,links_to=$DIR/boot2"
ln -s "$DIR/later/platform-20240103T000000Z.tgz" "$BUILDS/"
ln -s "$DIR/boot2/other.efi" "$STATIC/other.efi"
wait_for 10 served 20240103T000000Z || fail "links_to= does not reach $DIR/later"
[ "$(cat "$MNT/other.efi")" = other ] || fail "links_to= does not reach $DIR/boot2"

# Directories are replaced: the sandbox keeps the worker out of the new ones, so another worker takes over, once.
worker=$(worker_pid)
mv "$BUILDS" "$DIR/old"
archive 20240301T000000Z "$BUILDS"
wait_for 15 served 20240301T000000Z || fail "the new builds directory is not taken: $(cat "$DIR/log")"
! served 20240101T000000Z || fail "builds of the old directory are still there"
[ "$(worker_pid)" != "$worker" ] || fail "the same worker reads another directory: is it in a sandbox?"
worker=$(worker_pid)
cp -a "$DIR/inventory" "$DIR/new"
mv "$DIR/inventory" "$DIR/old-inventory"
mv "$DIR/new" "$DIR/inventory"
live() { grep -q '"inventory": {"state": "live"' "$MNT/.pxefs/status.json"; }
another() { [ "$(worker_pid)" != "$worker" ]; }
wait_for 15 another || fail "no other worker takes the new directory of the inventory: $(cat "$DIR/log")"
wait_for 5 live || fail "$(grep '"inventory"' "$MNT/.pxefs/status.json")"
ended

# Who may upload builds does not decide what the worker may read: not by a link of his own, nor by one that root's leads through.
chown nobody "$BUILDS"
rm -f "$BUILDS"/*
archive 20240105T000000Z "$DIR/private"
archive 20240106T000000Z "$DIR/trusted"
archive 20240107T000000Z "$DIR/roots"
mkdir "$DIR/uploads"
chown nobody "$DIR/uploads"
ln -s "$DIR/private/platform-20240105T000000Z.tgz" "$BUILDS/platform-20240105T000000Z.tgz"
chown -h nobody "$BUILDS/platform-20240105T000000Z.tgz"
ln -s "$DIR/private/platform-20240105T000000Z.tgz" "$DIR/uploads/x.tgz"
chown -h nobody "$DIR/uploads/x.tgz"
ln -s "$DIR/uploads/x.tgz" "$BUILDS/platform-through.tgz"
ln -s "$DIR/trusted/platform-20240106T000000Z.tgz" "$BUILDS/platform-20240106T000000Z.tgz"
ln -s "$DIR/roots/platform-20240107T000000Z.tgz" "$DIR/roots/by-nobody.tgz" # where only root writes, whoever it belongs to
chown -h nobody "$DIR/roots/by-nobody.tgz"
ln -s "$DIR/roots/by-nobody.tgz" "$BUILDS/platform-20240107T000000Z.tgz"
foreground ro
logged "what is in $DIR/trusted may be read too"
logged "what is in $DIR/roots may be read too"
logged "$BUILDS/platform-20240105T000000Z.tgz leads out of its directory, and others than root may have made it: what is in $DIR/private is not read; if it may be, -o links_to=$DIR/private"
logged "$BUILDS/platform-through.tgz leads out of its directory, and others than root"
wait_for 10 served 20240106T000000Z || fail "root's link is not followed: $(cat "$DIR/log")"
wait_for 10 served 20240107T000000Z || fail "a link where only root writes is not followed: $(cat "$DIR/log")"
wait_for 10 reason platform-through.tgz 'links_to=' || fail "not said: $(cat "$MNT/.pxefs/status.json")"
! served 20240105T000000Z || fail "an uploader's link widens the sandbox"
ended
foreground "links_to=$DIR/private"
wait_for 10 served 20240105T000000Z || fail "links_to= does not reach what an uploader's link leads to"
ended

refused=0
"$PXEFS" -o "inventory=$INVENTORY,cache=$CACHE,user=$PXEFS_USER,links_to=$DIR/nowhere" "$BUILDS" "$MNT" 2>"$DIR/err" || refused=$?
[ "$refused" -eq 1 ] && grep -q "links_to directory $DIR/nowhere does not exist" "$DIR/err" || fail "links_to=: $(cat "$DIR/err")"
