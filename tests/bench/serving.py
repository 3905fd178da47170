#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""serving.py STAMP: the stock servers over the mount (A) and over the same tree unpacked (B): nginx on port 80 with both
as /a/ and /b/, in.tftpd on port 69 with both below its root, as tftpboot/ and plain/."""
import os, socket, struct, sys, threading, time

from bench import *

ARCHIVE = "smartos/%s/platform/i86pc/amd64/boot_archive" % sys.argv[1]
A, B = os.path.join(MNT, ARCHIVE), os.path.join(PLAIN, ARCHIVE)
SIZE = os.path.getsize(B)
TFTP_BYTES = min(SIZE, 24 << 20)    # a whole one takes half a minute


def get(side, into=None):
    """One GET. The body is let go of in the kernel (MSG_TRUNC, tcp(7)), so that the client costs the server little."""
    with socket.create_connection(("127.0.0.1", 80)) as s:
        s.sendall(("GET /%s/%s HTTP/1.0\r\n\r\n" % (side, ARCHIVE)).encode())
        head = b""
        while b"\r\n\r\n" not in head:
            part = s.recv(1)
            assert part, head
            head += part
        assert head.startswith(b"HTTP/1.1 200"), head
        n, buf = 0, bytearray(1 << 20)
        while k := s.recv_into(buf, len(buf), 0 if into else socket.MSG_TRUNC):
            if into:
                into(memoryview(buf)[:k])
            n += k
        assert n == SIZE, "%s: %d bytes of %d" % (side, n, SIZE)


def gets(side, count, stagger):
    """Seconds from the first GET to the end of the last."""
    failed = []

    def one():
        try:
            get(side)
        except BaseException as e:
            failed.append(e)
    threads = [threading.Thread(target=one) for _ in range(count)]
    start = time.perf_counter()
    for n, t in enumerate(threads):
        time.sleep(max(0, start + n * stagger - time.perf_counter()))
        t.start()
    for t in threads:
        t.join()
    assert not failed, failed
    return time.perf_counter() - start


def get_checked(side):
    with open(B, "rb") as want:
        def compare(part):
            assert part == want.read(len(part)), "WRONG BYTES through nginx /%s/" % side
        get(side, compare)


def tftp(side):
    """The first TFTP_BYTES by RFC 1350 with blksize 1432 and tsize (RFC 2347-2349), as iPXE asks; then an ERROR ends it."""
    name = ("tftpboot/" if side == "a" else "plain/") + ARCHIVE
    got, want = [], 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(10)
        start = time.perf_counter()
        s.sendto(b"\0\1" + b"\0".join(x.encode() for x in (name, "octet", "blksize", "1432", "tsize", "0")) + b"\0",
                 ("127.0.0.1", 69))
        data, peer = s.recvfrom(2048)
        options = data[2:].split(b"\0")
        assert data[:2] == b"\0\6" and options[:2] == [b"blksize", b"1432"], data
        assert options[options.index(b"tsize") + 1] == str(SIZE).encode(), data
        s.connect(peer)
        s.send(b"\0\4\0\0")
        while len(got) * 1432 < TFTP_BYTES:
            data = s.recv(2048)
            op, block = struct.unpack("!HH", data[:4])
            assert op == 3, data[:100]
            if block != (len(got) + 1) & 0xffff:
                continue                        # sent once more
            got.append(data[4:])
            s.send(b"\0\4" + data[2:4])
            if len(data) < 4 + 1432:
                break
        took = time.perf_counter() - start
        s.send(b"\0\5\0\0enough\0")
    body = b"".join(got)
    with open(B, "rb") as f:
        assert body == f.read(len(body)), "WRONG BYTES through in.tftpd"
    return len(body) / took / 1e6


def turns(count, stagger, rounds, fresh):
    """MB/s of both, in turns; fresh: a new daemon and an empty page cache each time."""
    out = []
    for _ in range(rounds):
        if fresh:
            cold()
        a = count * SIZE / gets("a", count, stagger) / 1e6
        check(A, B)
        if fresh:
            drop()
        out.append((a, count * SIZE / gets("b", count, stagger) / 1e6))
    return zip(*out)


mount()
get_checked("a"), get_checked("b")
report("nginx-warm", "nginx, warm", "MB/s", *turns(1, 0, ROUNDS, False), "unpacked")
report("nginx-16", "nginx, warm, 16 connections", "MB/s", *turns(16, 0, FEW, False), "unpacked")
report("nginx-cold", "nginx, cold", "MB/s", *turns(1, 0, ROUNDS, True), "unpacked")
report("nginx-24", "nginx, cold, 24 GETs 75 ms apart", "MB/s", *turns(24, 0.075, FEW, True), "unpacked")
get_checked("a")
if os.environ.get("BENCH_TFTP"):
    tftp("a"), tftp("b")
    report("tftp", "TFTP, blksize 1432, warm", "MB/s", *zip(*[(tftp("a"), tftp("b")) for _ in range(ROUNDS)]), "unpacked")
else:
    left_out("TFTP, blksize 1432", "in.tftpd (package tftpd-hpa) is not installed")
umount()
