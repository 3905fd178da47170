#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# static= directories are shown in / and /smartos, the first that has a name wins, no name of ours can be taken, a replaced file is
# new at once and never a mixture, and nothing leads out of them.
. "$PXEFS_TESTLIB"
mkbuild 20240101T000000Z -s 1
mkdir -p "$DIR/second/sub/deeper" "$STATIC/sub"
echo first >"$STATIC/undionly.kpxe"
echo second >"$DIR/second/undionly.kpxe"
echo only >"$DIR/second/ipxe.efi"
echo a >"$STATIC/sub/a"
echo b >"$DIR/second/sub/b"
echo c >"$DIR/second/sub/deeper/c"
echo mine >"$STATIC/menu.ipxe"
mkdir "$STATIC/hosts" "$STATIC/20240101T000000Z"
echo mine >"$STATIC/hosts/x"
ln -s undionly.kpxe "$STATIC/link"
ln -s /etc "$STATIC/etc"
echo secret >"$STATIC/unreadable"
chmod 0600 "$STATIC/unreadable"
mount_pxefs -o "wait,static=$DIR/second"
for at in "$MNT" "$MNT/smartos"; do
        [ "$(cat "$at/undionly.kpxe")" = first ] || fail "$at: not the first directory's"
        [ "$(cat "$at/ipxe.efi" "$at/sub/a" "$at/sub/b" "$at/sub/deeper/c" "$at/link")" = "$(printf 'only\na\nb\nc\nfirst')" ] || fail "$at"
        [ "$(ls "$at/sub" | tr '\n' ' ')" = 'a b deeper ' ] || fail "$at/sub lists $(ls "$at/sub")"
        [ ! -e "$at/etc" ] || fail "$at/etc leads out"
        [ ! -e "$at/unreadable" ] || fail "$at/unreadable: the daemon reads with rights it should not have"
        [ "$(stat -c %a "$at/ipxe.efi")" = 444 ]
done
[ "$(head -n 1 "$MNT/menu.ipxe")" = '#!ipxe' ] && [ ! -e "$MNT/hosts/x" ] || fail "a file took the place of ours"
[ -e "$MNT/smartos/20240101T000000Z/platform" ] || fail "a directory took the place of a build"
[ "$(ls "$MNT" | sort | uniq -d)" = '' ] && [ "$(ls "$MNT/smartos" | sort | uniq -d)" = '' ] || fail "listed twice"

# Replaced by rename, as it should be done, while a reader has it open.
exec 3<"$MNT/undionly.kpxe"
echo newer >"$DIR/new"
mv "$DIR/new" "$STATIC/undionly.kpxe"
same_as_now()
{
        [ "$(cat "$MNT/undionly.kpxe")" = newer ]
}
wait_for 3 same_as_now || fail "the new file did not come"
old=$(cat <&3 2>/dev/null) || old=error
exec 3<&-
case $old in first | error) ;; *) fail "the open file became '$old'" ;; esac
# Overwritten in place: the old or the new bytes, or an error; then the new ones.
head -c 300000 /dev/zero | tr '\0' a >"$STATIC/big"
cat "$MNT/big" >/dev/null
head -c 300000 /dev/zero | tr '\0' b >"$STATIC/big"
all_new()
{
        [ "$(tr -d b <"$MNT/big" | wc -c)" -eq 0 ]
}
wait_for 3 all_new || fail "overwritten in place: old bytes stay"
# Removed: gone at once, or within the second that the name may be believed.
rm "$STATIC/undionly.kpxe"
second_shows()
{
        [ "$(cat "$MNT/undionly.kpxe")" = second ]
}
wait_for 3 second_shows || fail "the second directory's file did not come to light"
