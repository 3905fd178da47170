#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# Whatever an archive holds, nginx and tftpd cannot be led by it to a byte outside the mount: names with .., absolute names, links
# out, chains and loops of links, links to devices, hard links out, devices, names of any bytes.
#
# The same archives unpacked beside it show that the attack is one: there nginx gives the secret away. tftpd's root is the
# test's own directory, in which the secret lies, so that its chroot is no help.
. "$PXEFS_TESTLIB"
need python3 curl
mkbuild 20240101T000000Z -s 1
SECRET=secret-$(head -c 12 /dev/urandom | od -An -tx1 | tr -d ' \n')
mkdir "$DIR/outside"
echo "$SECRET" >"$DIR/outside/shadow"
echo "$SECRET" >"$DIR/shadow"
chmod 0644 "$DIR/outside/shadow" "$DIR/shadow"
cat >"$DIR/hostile.py" <<'END'
# One archive for each trick, as an image and as a platform; the paths to ask for go to standard output.
import io, sys, tarfile
builds, outside, up = sys.argv[1], sys.argv[2], "../" * 12
far = up + outside.lstrip("/")
L, H, D = tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE
tricks = {
    "dotdot": [("../../shadow", None, b"planted"), (far + "/planted", None, b"planted")],
    "absolute": [(outside + "/shadow", None, b"planted")],
    "inside-dotdot": [("a", D, ""), ("a/../../b", None, b"planted")],
    "dot": [("./x", None, b"x"), ("y//z", None, b"z"), ("w/", D, "")],
    "link-absolute": [("l", L, outside + "/shadow"), ("chrooted", L, "/shadow"), ("passwd", L, "/etc/passwd")],
    "link-relative": [("l", L, far + "/shadow"), ("m/n", L, "../" * 5 + "shadow")],
    "link-directory": [("d", L, outside), ("e", L, ".."), ("f", L, "../../..")],
    "link-chain": [("d", L, ".."), ("e", L, "d/.."), ("f", L, "e/../.."), ("g", L, "f/shadow"), ("h", L, "f/../shadow")],
    "link-into-chain": [("d", L, outside), ("d/shadow", None, b"planted")],
    "link-loop": [("a", L, "b"), ("b", L, "a"), ("c", L, "c/c")],
    "link-device": [("zero", L, "/dev/zero"), ("self", L, "/proc/self/environ"), ("root", L, "/proc/1/root" + outside)],
    "hard-link": [("l", H, outside + "/shadow"), ("m", H, far + "/shadow")],
    "hard-link-dotdot": [("l", H, "../shadow")],
    "device": [("null", tarfile.CHRTYPE, ""), ("sda", tarfile.BLKTYPE, ""), ("fifo", tarfile.FIFOTYPE, "")],
    "setuid": [("su", None, b"#!/bin/sh\n")],
    "bytes": [("a\nb", None, b"1"), ("caf\udce9", None, b"2"), ("A", None, b"3"), ("a", None, b"4"), ("n" * 255, None, b"5"),
              ("%2e%2e", None, b"6"), ("..\\..\\shadow", L, outside + "/shadow"), ("é", None, b"7"), ("e\u0301", None, b"8"),
              ("n" * 256, None, b"9"), ("/".join(["p" * 99] * 41), None, b"10")],
}
def add(t, name, kind=None, what=b""):
    i = tarfile.TarInfo(name)
    i.mode = 0o6777 # setuid, setgid, writable by all
    if kind is None:
        i.size = len(what)
        t.addfile(i, io.BytesIO(what))
    else:
        i.type, i.linkname, i.devmajor, i.devminor = kind, what, 1, 3
        t.addfile(i)
for n, (trick, entries) in enumerate(tricks.items()):
    stamp = "202402%02dT000000Z" % (n + 1)
    top = "platform-%s/" % stamp
    with tarfile.open("%s/%s.tar" % (builds, trick), "w", errors="surrogateescape") as t:
        add(t, "good", what=b"good")
        for e in entries:
            add(t, *e)
    with tarfile.open("%s/platform-%s.tgz" % (builds, stamp), "w:gz", errors="surrogateescape", compresslevel=1) as t:
        add(t, top + "i86pc/kernel/amd64/unix", what=b"kernel")
        add(t, top + "i86pc/amd64/boot_archive", what=b"ramdisk")
        add(t, top + "etc/version/platform", what=stamp.encode())
        for e in entries:
            add(t, e[0] if e[0].startswith("/") else top + e[0], *e[1:])
    for name, kind, _ in entries:
        for tail in ["", "/shadow", "/../shadow", "/passwd"] if kind == L else [""]:
            for at in "images/%s/" % trick, "smartos/%s/platform/" % stamp, "smartos/%s/" % stamp:
                print(repr((at + name.lstrip("/") + tail).encode("utf-8", "surrogateescape"))) if len(name) < 4000 else None
END
python3 "$DIR/hostile.py" "$BUILDS" "$DIR/outside" >"$DIR/ask"
# Without Landlock: it would hide that a link was followed.
mount_pxefs -o test_nolandlock 2>"$DIR/log"
settled()
{
        ! grep -q -e '"waiting"' -e '"indexing"' "$MNT/.pxefs/status.json"
}
wait_for 20 settled || fail "archives without a verdict"
start_nginx "$MNT"
start_tftpd "$DIR"

# The attack succeeds where somebody unpacked the archives.
mkdir -p "$DIR/unpacked/images"
for archive in "$BUILDS"/link-*.tar; do
        name=$(basename "$archive" .tar)
        mkdir "$DIR/unpacked/images/$name"
        tar -xf "$archive" -C "$DIR/unpacked/images/$name" 2>/dev/null || :
done
stop_group "$NGINX_PID"
start_nginx "$DIR/unpacked"
http_get images/link-absolute/l | grep -q "$SECRET" || fail "the test is blind: nginx follows no link out of a plain directory"
stop_group "$NGINX_PID"
start_nginx "$MNT"

cat >"$DIR/attack.py" <<'END'
import http.client, os, socket, stat, sys, urllib.parse
mnt, ask, secret = sys.argv[1].encode(), sys.argv[2], sys.argv[3].encode()
below, answers = os.path.basename(mnt), {}
paths = [eval(line) for line in open(ask)]

# What the tree itself shows: only files and directories and the few links of our own, none of which leads out.
for top, dirs, files, at in os.fwalk(mnt):
    for name in dirs + files:
        path = os.path.join(top, name) # may be longer than a path may be
        s = os.lstat(name, dir_fd=at)
        assert stat.S_ISDIR(s.st_mode) or stat.S_ISREG(s.st_mode) or stat.S_ISLNK(s.st_mode), path
        if stat.S_ISLNK(s.st_mode):
            to = os.path.realpath(path)
            assert to.startswith(mnt + b"/"), (path, to)
            assert path.count(b"/") <= mnt.count(b"/") + 2, "a link of an archive is shown: %r" % path
        else:
            assert not s.st_mode & 0o7222, (path, oct(s.st_mode))
        if stat.S_ISREG(s.st_mode):
            paths.append(path[len(mnt) + 1:])
            with open(os.open(name, os.O_RDONLY, dir_fd=at), "rb") as f:
                assert secret not in f.read(), path
# Ways out that need no archive.
for n in range(1, 14):
    paths += [b"../" * n + b"shadow", b"images/" + b"../" * n + b"shadow", b"smartos/latest/" + b"../" * n + b"shadow"]
paths += [b"/shadow", b"shadow", b"..\\shadow", b"smartos/../../shadow", b"platform/../../shadow", b"os/../../shadow"]

web = http.client.HTTPConnection("127.0.0.1", 80)
def http_get(path):
    # As bytes on the wire, without anything being tidied: http.client would refuse nothing of this.
    web.putrequest("GET", path, skip_accept_encoding=True)
    web.endheaders()
    r = web.getresponse()
    return r.status, r.read()
def tftp_get(path):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(10)
    s.sendto(b"\0\1" + path + b"\0octet\0", ("127.0.0.1", 69))
    data, peer = s.recvfrom(2048)
    s.sendto(b"\0\5\0\0stop\0", peer) # the first block tells
    s.close()
    return data[:2] == b"\0\3", data[4:]
for path in dict.fromkeys(paths):
    quoted = urllib.parse.quote(path)
    for form in quoted, quoted.replace("..", "%2e%2e"), quoted.replace("/../", "/..%2f"):
        status, body = http_get("/" + form)
        assert secret not in body and b"root:x:" not in body, "nginx gives away %r" % path
        answers[status] = answers.get(status, 0) + 1
    if b"\0" in path or len(path) > 500:
        continue
    # Below its root, and what the mount's own links could do to it.
    given, body = tftp_get(below + b"/" + path)
    asked_outside = not os.path.normpath(below + b"/" + path).startswith(below + b"/") # its root is larger than the mount
    assert asked_outside or (secret not in body and b"root:x:" not in body), "tftpd gives away %r" % path
    answers["tftp %s" % given] = answers.get("tftp %s" % given, 0) + 1
assert answers.get(200, 0) > 30 and answers["tftp True"] > 30, answers
print(len(paths), "paths", answers)
assert tftp_get(b"shadow") == (True, secret + b"\n"), "the test is blind: tftpd does not give what it may"
END
python3 "$DIR/attack.py" "$MNT" "$DIR/ask" "$SECRET"
! grep -q "$SECRET" "$MNT/.pxefs/status.json" || fail "status.json gives it away"
python3 - "$MNT/.pxefs/status.json" <<'END'
import json, sys
archives = {a["file"]: a for a in json.load(open(sys.argv[1]))["archives"]}
for name, a in sorted(archives.items()):
    print(name, a["state"], a["reason"] or "")
for refused in "dotdot", "absolute", "inside-dotdot", "link-into-chain", "hard-link-dotdot":
    a = archives[refused + ".tar"]
    assert a["state"] == "refused" and a["reason"], a
for served in "dot", "link-absolute", "link-chain", "link-loop", "device", "setuid":
    assert archives[served + ".tar"]["state"] == "ready", archives[served + ".tar"]
END
[ "$(cat "$MNT/images/dot/x" "$MNT/images/dot/y/z")" = xz ] || fail "harmless names are not normalised"
