#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# The size stat tells, the bytes that can be read, HTTP's Content-Length and TFTP's tsize are one number, for every file of the
# tree, also while the inventory is edited; and a read at any offset gives what the same read of a plain file gives.
#
# A size that is not true is a download cut short, or one that nginx calls an error and a loader waits for.
. "$PXEFS_TESTLIB"
need python3 curl
mkbuild 20240101T000000Z -s 6
mkdir -p "$DIR/plain/tgz" "$DIR/plain/tar" "$STATIC/sub"
member i86pc/amd64/boot_archive >"$DIR/plain/tgz/boot_archive"
member i86pc/kernel/amd64/unix >"$DIR/plain/tgz/unix"
# Files around every boundary, one of them sparse and larger than 4 GiB, in a tarball and in a plain tar.
python3 - "$DIR/plain/tar" "$STATIC" <<'END'
import os, sys
for size in 0, 1, 4095, 4096, 4097, 65535, 65536, 131071, 131072, 131073:
    for to in sys.argv[1:]:
        open("%s/size-%d" % (to, size), "wb").write(bytes((i * 7 + i // 251) % 256 for i in range(size)))
with open(sys.argv[1] + "/huge", "wb") as f:
    for at in 0, 2**31 - 5000, 2**32 - 5000:
        f.seek(at)
        f.write(bytes(range(256)) * 40)
    f.truncate(2**32 + 12345)
END
tar -C "$DIR/plain/tar" -Scf "$BUILDS/plain.tar" .
tar -C "$DIR/plain/tar" --exclude huge -czf "$BUILDS/packed.tgz" .
sql "INSERT INTO host (hostname) VALUES ('db1'), ('db2');
     INSERT INTO nic (mac, host) SELECT '02:08:20:00:00:0' || id, id FROM host;"
mount_pxefs 2>"$DIR/log"
start_nginx "$MNT"
start_tftpd "$MNT"

# The same call on the mount and on the plain file: the same bytes, or the same error.
python3 - "$DIR/plain" "$MNT" <<'END'
import mmap, os, random, sys
plain, mnt = sys.argv[1:]
pairs = [("tgz/" + n, "smartos/20240101T000000Z/platform/i86pc/" + p)
         for n, p in (("boot_archive", "amd64/boot_archive"), ("unix", "kernel/amd64/unix"))]
pairs += [("tar/" + n, "images/%s/%s" % (at, n)) for at in ("plain", "packed") for n in sorted(os.listdir(plain + "/tar"))
          if n != "huge" or at == "plain"]
random.seed(20261123)
calls = 0
def read(fd, n, at):
    try:
        return os.pread(fd, n, at)
    except OSError as e:
        return e.errno
for a, b in pairs:
    f, g = os.open(plain + "/" + a, os.O_RDONLY), os.open(mnt + "/" + b, os.O_RDONLY)
    size = os.fstat(f).st_size
    assert os.fstat(g).st_size == size, (b, os.fstat(g).st_size, size)
    offsets = {0, 1, 4095, 4096, size // 2, 2**31, 2**32, 2**63 - 1, size} | {random.randrange(size + 1) for _ in range(12)}
    offsets |= {o + d for o in offsets for d in (-1, 1) if 0 <= o + d < 2**63}
    offsets = sorted(offsets)
    random.shuffle(offsets)
    for at in offsets:
        for n in 0, 1, 4096, random.randrange(1, 300000):
            want, got = read(f, n, at), read(g, n, at)
            assert want == got, "%s: %d bytes at %d: %s instead of %s" % (b, n, at, len(got) if isinstance(got, bytes) else got,
                                                                          len(want) if isinstance(want, bytes) else want)
            calls += 1
    if 0 < size < 2**26:
        with mmap.mmap(g, size, prot=mmap.PROT_READ) as m:
            assert m[:] == os.pread(f, size, 0), b
    os.close(f)
    os.close(g)
print("%d files, %d reads as of plain files" % (len(pairs), calls))
END

# Every file of the tree by each way, while names of other lengths are committed all the time. What is small enough is
# fetched whole.
python3 - "$INVENTORY" "$DIR/stop" <<'END' &
import os, sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=20)
n = 0
while not os.path.exists(sys.argv[2]):
    n += 1
    db.execute("UPDATE host SET hostname = 'h' || id || ?", ("x" * (n * 7 % 50),))
    time.sleep(0.01)
print("%d commits" % n)
END
editor=$!
at_exit "kill $editor 2>/dev/null"
python3 - "$MNT" <<'END'
import http.client, os, socket, struct, sys, urllib.parse
mnt = sys.argv[1]
web = http.client.HTTPConnection("127.0.0.1", 80, timeout=30)
def http_get(path, method="GET"):
    web.request(method, "/" + urllib.parse.quote(path))
    r = web.getresponse()
    n = int(r.getheader("Content-Length"))
    return n, r.read() # raises IncompleteRead if the server stops early
def tftp_get(path, whole):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(20)
    s.sendto(b"\0\1" + path.encode() + b"\0octet\0tsize\0" + b"0\0blksize\0" + b"8192\0", ("127.0.0.1", 69))
    data, peer = s.recvfrom(9000)
    assert data[:2] == b"\0\6", (path, data)
    words = data[2:].split(b"\0")
    size, got, block = int(dict(zip(words[0::2], words[1::2]))[b"tsize"]), b"", 0
    while whole:
        s.sendto(struct.pack("!HH", 4, block & 0xffff), peer)
        data, peer = s.recvfrom(9000)
        assert data[:2] == b"\0\3", (path, data)
        if struct.unpack("!H", data[2:4])[0] != (block + 1) & 0xffff:
            continue # sent again, because our ACK was late (RFC 1350, 2): on a loaded machine
        got, block = got + data[4:], block + 1
        if len(data) < 8196:
            s.sendto(struct.pack("!HH", 4, block & 0xffff), peer)
            break
    else:
        s.sendto(b"\0\5\0\0stop\0", peer)
    return size, got
def check(path, changing):
    with open(mnt + "/" + path, "rb", buffering=0) as f:
        size = os.fstat(f.fileno()).st_size
        whole = size < 10 << 20
        if whole:
            data = f.readall()
            assert len(data) == size, "%s: stat says %d, %d are there" % (path, size, len(data))
    length, body = http_get(path, "GET" if whole else "HEAD")
    assert not whole or len(body) == length, "%s: Content-Length %d, %d came" % (path, length, len(body))
    tsize, got = tftp_get(path, whole)
    assert not whole or len(got) == tsize, "%s: tsize %d, %d came" % (path, tsize, len(got))
    if not changing:
        assert size == length == tsize, "%s: stat %d, http %d, tftp %d" % (path, size, length, tsize)
        assert not whole or data == body == got, path
    return data if changing else b""
files = [os.path.join(d, f)[len(mnt) + 1:] for d, _, fs in os.walk(mnt) for f in fs
         if not d.startswith(mnt + "/by-")] # links, whose names come and go
moving = [f for f in files if not f.startswith(("smartos/2", "images/", "iso/")) and not os.path.basename(f).startswith("size-")]
moving += [link + "/" + f for link in ("hosts/02-08-20-00-00-01", "hosts/AA:BB:CC:DD:EE:FF") for f in ("menu.ipxe", "why")]
for f in files:
    check(f, f in moving)
texts = {check(f, True) for _ in range(4) for f in moving}
print("%d files by three ways; %d that may change, %d texts of them" % (len(files), len(moving), len(texts)))
assert len(texts) > len(moving) + 10, "nothing changed meanwhile"
END
: >"$DIR/stop"
wait "$editor"
