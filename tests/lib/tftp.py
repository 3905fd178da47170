# SPDX-License-Identifier: MPL-2.0
"""tftp.py HOST NAME FILE -- fetches NAME into FILE, or says why not, and exits with 1; as a module: get().

tftp -- a TFTP client that behaves as a boot loader's: one block at a time, of blksize 1428 (RFC 2348), and it asks for tsize
(RFC 2349).

Not curl 7.88, Debian 12's: while a server is slow with its first answer, a client asks again, and in.tftpd then has a child for
each request.  RFC 1350, section 4: what comes from another port than the first answer did is refused.  curl takes the second
child's OACK as its own, begins to count anew, and waits for a block that the first child sent long ago."""
import socket
import struct
import sys
import time

BLOCK_BYTES = 1428
AGAIN_SEC = 2        # nothing came: the last packet is sent once more
RRQ, DATA, ACK, ERROR, OACK = 1, 3, 4, 5, 6


def get(host, name, hang_sec, leave_sec=None):
    """(bytes, ""), or (None, why): the server's error, "hangs" if no block came for @hang_sec, fewer or more bytes than tsize
    said.  After @leave_sec it is gone, without a word, as a machine that was switched off."""
    begin = progress = time.monotonic()
    last, peer, blksize, tsize, got = struct.pack("!H", RRQ), None, 512, None, []
    last += b"".join(w.encode() + b"\0" for w in (name, "octet", "blksize", str(BLOCK_BYTES), "tsize", "0"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(AGAIN_SEC if leave_sec is None else min(AGAIN_SEC, leave_sec + 0.01))
        s.sendto(last, (host, 69))
        while True:
            if leave_sec is not None and time.monotonic() - begin > leave_sec:
                return None, "left"
            try:
                packet, sender = s.recvfrom(65536)
            except TimeoutError:
                if time.monotonic() - progress > hang_sec:
                    return None, "hangs"
                s.sendto(last, peer or (host, 69))
                continue
            peer = peer or sender
            if sender != peer:
                s.sendto(struct.pack("!HH", ERROR, 5) + b"unknown transfer\0", sender)
                continue
            op, number = struct.unpack_from("!HH", packet)
            if op == ERROR:
                return None, packet[4:].rstrip(b"\0").decode(errors="replace")
            if op == OACK and not got:
                words = packet[2:].split(b"\0")
                options = dict(zip(words[0::2], words[1::2]))
                blksize, tsize = int(options.get(b"blksize", 512)), options.get(b"tsize")
                number = 0
            elif op == DATA and number == (len(got) + 1) & 0xffff:
                got.append(packet[4:])
            else:
                continue  # sent twice
            progress = time.monotonic()
            last = struct.pack("!HH", ACK, number)
            s.sendto(last, peer)
            if op == DATA and len(packet) < 4 + blksize:
                break
    data = b"".join(got)
    if tsize is not None and int(tsize) != len(data):
        return None, f"{len(data)} bytes came, and {int(tsize)} were announced"
    return data, ""


if __name__ == "__main__":
    whole, why = get(sys.argv[1], sys.argv[2], hang_sec=60)
    if whole is None:
        sys.exit(f"{sys.argv[2]}: {why}")
    with open(sys.argv[3], "wb") as f:
        f.write(whole)
