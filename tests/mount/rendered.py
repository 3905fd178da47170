#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""rendered.py PXECTL INVENTORY CACHE MOUNTPOINT [SEED]: pxectl render and the mount give the same bytes, whatever the rows say."""
import random, sqlite3, subprocess, sys, time

pxectl, inventory, cache, mnt = sys.argv[1:5]
seed = int(sys.argv[5]) if len(sys.argv) > 5 else int(time.time())
rng = random.Random(seed)
db = sqlite3.connect(inventory, timeout=30, isolation_level=None)
db.execute("PRAGMA foreign_keys=ON")
BUILDS = ["20240101T000000Z", "20240201T000000Z", "joyent-20240301T000000Z", "20230101T000000Z", None]
MACS = ["02-08-20-00-00-%02x" % i for i in range(1, 5)]
UNKNOWN = "02-08-20-00-00-ff"
compared, texts, offered = 0, set(), 0


def served(mac, name):
    with open("%s/hosts/%s/%s" % (mnt, mac, name), "rb") as f:
        return f.read()


def rendered(mac, *options):
    return subprocess.run([pxectl, "-i", inventory, "-c", cache, "render", mac, *options], check=True,
                          stdout=subprocess.PIPE).stdout


def compare(what):
    global compared, offered
    for mac in MACS + [UNKNOWN]:
        for name, options in (("menu.ipxe", ()), ("why", ("--why",))):
            a, b = served(mac, name), rendered(mac, *options)
            if a != b:
                at = next((i for i in range(min(len(a), len(b))) if a[i] != b[i]), min(len(a), len(b)))
                sys.exit("FAIL: seed %d, %s, hosts/%s/%s: the mount says %r, pxectl %r" %
                         (seed, what, mac, name, a[max(0, at - 40):at + 60], b[max(0, at - 40):at + 60]))
            compared += 1
            texts.add(a)
            offered += name == "menu.ipxe" and b"item iso-installer-2.iso" in a


db.execute("INSERT INTO profile (name) VALUES ('rack')")
db.execute("INSERT INTO profile (name, parent) VALUES ('shelf', (SELECT id FROM profile WHERE name = 'rack'))")
db.execute("INSERT INTO channel (name, build) VALUES ('stable', '20240101T000000Z')")
for i, mac in enumerate(MACS):
    db.execute("INSERT INTO host (hostname, profile) VALUES (?, (SELECT id FROM profile WHERE name = ?))",
               ("db%d" % i, ["default", "rack", "shelf", "shelf"][i]))
    db.execute("INSERT INTO nic (mac, host) SELECT ?, max(id) FROM host", (mac,))
compare("no settings")

# Each value of each setting.  One that the schema does not describe by choices has values here; a new one wants some.
VALUES = {"base_url": ["http://192.0.2.1/tftpboot", "http://boot.example.com:8080"], "menu_title": ["Rack 7: night shift", "x"]}
for key, kind, choices, built_in in db.execute("SELECT key, type, choices, built_in FROM known_setting").fetchall():
    if kind == "choice":
        values = choices.split("|")
    elif kind == "number":
        values = choices.split("|") + [built_in]
    else:
        values = VALUES[key]
    for value in values:
        db.execute("INSERT INTO setting (key, value) VALUES (?, ?)", (key, value))
        compare("%s = %s" % (key, value))
        db.execute("DELETE FROM setting")
if not offered:
    sys.exit("FAIL: no menu offered the ISO: iso_menu was not among the settings, or it is not looked at")

# Rows at random: what a check refuses is left out.
FLAGS = ["-k", "-d", "-v", "-m", "-s"]
NAMES = ["console", "smartos", "ttyb-mode", "hostname", "admin_ip", "destroy_zpools", "zpool", "own", "physmem", "root_shadow"]
WORDS = ["true", "ttyb", "text", "115200,8,n,1,-", "dhcp", "192.0.2.9", "zones", "a b", "it's", "0x10", "milestone=none", None, ""]
refused = accepted = 0


def attempt(sql, values):
    global refused, accepted
    try:
        db.execute(sql, values)
        accepted += 1
    except sqlite3.IntegrityError:
        refused += 1


def owner():
    return rng.choice([(1, None), (2, None), (3, None)] + [(None, i) for i in (1, 2, 3, 4)])


def row():
    kind = rng.randrange(8)
    if kind == 0:
        attempt("INSERT INTO property (profile, host, name, value) VALUES (?, ?, ?, ?)",
                (*owner(), rng.choice(NAMES + FLAGS), rng.choice(WORDS)))
    elif kind == 1:
        attempt("UPDATE host SET build = ?, channel = NULL WHERE id = ?", (rng.choice(BUILDS), rng.randint(1, 4)))
    elif kind == 2:
        attempt("UPDATE host SET build = NULL, channel = 1 WHERE id = ?", (rng.randint(1, 4),))
    elif kind == 3:
        attempt("UPDATE channel SET build = ?, canary = ?, canary_percent = ?",
                (rng.choice(BUILDS), rng.choice(BUILDS), rng.choice([0, 50, 100])))
    elif kind == 4:
        attempt("INSERT INTO module (profile, host, name, content) VALUES (?, ?, ?, ?)",
                (*owner(), rng.choice(["etc/system", "answers.json", "a", "networking.json"]), rng.choice(["x", "y\n", None])))
    elif kind == 5:
        attempt("INSERT INTO menu_item (profile, key, label, body) VALUES (?, ?, ?, ?)",
                (rng.randint(1, 3), rng.choice("abc"), rng.choice(["Memory test", "It's"]), rng.choice(["chain x.efi", "shell", None])))
    elif kind == 6:
        attempt("INSERT INTO setting (profile, key, value) SELECT ?, key, ifnull(?, built_in) FROM known_setting ORDER BY random() LIMIT 1",
                (rng.randint(1, 3), rng.choice([None, "1", "minimal", "triton", "deny"])))
    else:
        attempt("UPDATE host SET enabled = ? WHERE id = ?", (rng.randint(0, 1), rng.randint(1, 4)))


for n in range(40):
    for _ in range(rng.randint(1, 6)):
        row()
    compare("rows at random, round %d" % n)
if accepted < 40 or len(texts) < 100:
    sys.exit("FAIL: seed %d: %d rows were accepted, %d texts differ: nothing was tried" % (seed, accepted, len(texts)))
print("%d texts compared, %d of them different; %d rows refused by the schema, seed %d" % (compared, len(texts), refused, seed))
