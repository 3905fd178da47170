#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""pairs.py ROUNDS MOUNT PLAIN HOSTS: the paired measurements of tests/bench/run."""
import hashlib, os, random, subprocess, sys, time

rounds, mount, plain, hosts = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
ARCHIVE = "smartos/20240101T000000Z/platform/i86pc/amd64/boot_archive"


def spread(values):
    v = sorted(values)
    return "%10.1f  [%.1f - %.1f]" % (v[len(v) // 2], v[0], v[-1])


def report(what, unit, a, b):
    ratios = sorted(x / y for x, y in zip(a, b))
    print("%-13s A %s %s   B %s %s   A/B median %.2f [%.2f - %.2f]" %
          (what, spread(a), unit, spread(b), unit, ratios[len(ratios) // 2], ratios[0], ratios[-1]))


def fetch(side):
    size = os.path.getsize(os.path.join(plain, ARCHIVE))
    start = time.perf_counter()
    out = subprocess.run(["curl", "-sS", "--fail", "-o", "/dev/null", "-w", "%{size_download}",
                          "http://127.0.0.1/%s/%s" % (side, ARCHIVE)], check=True, capture_output=True).stdout
    took = time.perf_counter() - start
    assert int(out) == size, "%s: %s bytes of %d" % (side, out, size)
    return size / took / 1e6


def digest(path):
    h = hashlib.sha256()
    with open(path, "rb") as f:
        while part := f.read(1 << 20):
            h.update(part)
    return h.hexdigest()


def menus(root, names):
    start = time.perf_counter()
    n = 0
    for name in names:
        fd = os.open("%s/hosts/%s/menu.ipxe" % (root, name), os.O_RDONLY)
        n += len(os.read(fd, 65536))
        os.close(fd)
    assert n > 100 * len(names)
    return len(names) / (time.perf_counter() - start)


def main():
    assert digest(os.path.join(mount, ARCHIVE)) == digest(os.path.join(plain, ARCHIVE)), "wrong bytes"
    fetch("a"), fetch("b")
    pairs = [(fetch("a"), fetch("b")) for _ in range(rounds)]
    report("nginx warm", "MB/s", *zip(*pairs))

    draw = random.Random(20261123)
    macs = ["02-00-00-%02x-%02x-%02x" % (i >> 16, i >> 8 & 255, i & 255) for i in
            (draw.randint(1, hosts) for _ in range(2000))]
    for mac in set(macs):
        os.makedirs("%s/hosts/%s" % (plain, mac))
        with open("%s/hosts/%s/menu.ipxe" % (mount, mac), "rb") as f, \
                open("%s/hosts/%s/menu.ipxe" % (plain, mac), "wb") as g:
            g.write(f.read())
    pairs = [(menus(mount, macs), menus(plain, macs)) for _ in range(rounds)]
    report("menus", "/s", *zip(*pairs))
    # Hosts nobody asked for before: the inventory's pages and the ring are cold for them.
    fresh = ["02-00-00-%02x-%02x-%02x" % (i >> 16, i >> 8 & 255, i & 255) for i in
             draw.sample(range(1, hosts + 1), min(hosts, 2000 * rounds))]
    rates = [menus(mount, fresh[k * 2000:k * 2000 + 2000]) for k in range(rounds) if fresh[k * 2000:k * 2000 + 2000]]
    print("%-13s A %s /s   each host asked for the first time" % ("menus, fresh", spread(rates)))


main()
