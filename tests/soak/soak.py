#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""soak.py SECONDS SEED [-x] -- see run.  Started by soak.sh, which names the mount and the servers in the environment.

Each actor is a thread with dice of its own, so that a seed repeats what each does.  Three parts of time: all of it with the
worker killed; then, for the last fifth, one worker that lives, so that its growth can be seen; then silence, and a look at
what is left.  Locks: world.lock for figures; world.still by who changes something, all of it by who compares in silence."""
import collections
import contextlib
import glob
import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
import time

import growth
import tftp
import workers
from truth import ARCHIVE, FILES, UNIX, Build, Menus, Version

E = os.environ
MNT, BUILDS, DIR, KEEPER = E["MNT"], E["BUILDS"], E["DIR"], int(E["KEEPER"])
SECONDS, SEED, FALSE = int(sys.argv[1]), sys.argv[2], "-x" in sys.argv[3:]
HOSTS = 8
HANG_SEC = 60        # nothing comes for so long: twice what the keeper lets anybody wait (takeover/policy.h)
APPEAR_SEC = 60      # an upload is in the tree, or a removed one gone; 5 s if nothing else happens
WRONG_MAX = 5        # then it ends


class World:
    def __init__(self):
        self.lock, self.still = threading.Lock(), threading.Semaphore(64)
        self.figures, self.slowest = collections.Counter(), collections.Counter()
        self.wrongs = []
        self.calm, self.over = threading.Event(), threading.Event()  # nobody is killed any more; all stop
        self.began = time.monotonic()
        self.log = open(DIR + "/events", "w", buffering=1)

    def event(self, text):
        self.log.write(f"{time.monotonic() - self.began:9.3f} {text}\n")

    def count(self, **figures):
        with self.lock:
            self.figures.update(figures)

    def took(self, what, seconds):
        with self.lock:
            self.slowest[what] = max(self.slowest[what], seconds)

    def wrong(self, text):
        self.event("WRONG " + text)
        with self.lock:
            self.wrongs.append(text)
            print(f"WRONG after {time.monotonic() - self.began:.1f} s: {text}", flush=True)
            if len(self.wrongs) >= WRONG_MAX:
                self.over.set()

    @contextlib.contextmanager
    def changing(self):
        with self.still:
            yield

    @contextlib.contextmanager
    def silence(self):
        """Nothing is edited or uploaded in here."""
        for _ in range(64):
            self.still.acquire()
        try:
            yield
        finally:
            self.still.release(64)


world = World()


def actor(name, until=world.over):
    """A thread that calls the function again and again, with its dice."""
    def make(do):
        def run(*args):
            dice = random.Random(f"{SEED}/{name}/{args}")
            while not until.is_set() and not world.over.is_set():
                try:
                    do(dice, *args)
                except Exception as e:  # an actor that fell silent would be a test that tries nothing
                    world.wrong(f"{name}: {type(e).__name__}: {e}")
                    world.over.wait(1)
        return lambda *args: threading.Thread(target=run, args=args, name=name)
    return make


def wait_until(what, seconds):
    """True once it is so; False after @seconds or at the end of all."""
    end = time.monotonic() + seconds
    while not world.over.is_set():
        if what():
            return True
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return False


# ---- clients -------------------------------------------------------------------------------------------------------

def waiting():
    """How many processes sleep where no signal reaches them, and on what: those that the mount lets hang."""
    found = collections.Counter()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/stat") as stat, open(f"/proc/{pid}/wchan") as wchan:
                comm, rest = stat.read().split("(", 1)[1].rsplit(")", 1)
                if rest.split()[0] == "D":
                    found[f"{comm} in {wchan.read()}"] += 1
    return ", ".join(f"{n} {what}" for what, n in sorted(found.items()))


def by_http(name, part, leave_sec):
    curl = subprocess.Popen(["curl", "-sS", "--fail", "--speed-limit", "1", "--speed-time", str(HANG_SEC), "-o", "-"] +
                            (["-r", "%d-%d" % part] if part else []) + [f"{E['HTTP']}/{name}"],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    killer = threading.Timer(leave_sec, curl.kill) if leave_sec is not None else None
    if killer:
        killer.start()
    data, words = curl.communicate()
    if killer:
        killer.cancel()
    if curl.returncode == 28:  # CURLE_OPERATION_TIMEDOUT
        return None, "hangs"
    return (data if curl.returncode == 0 else None), words.decode().strip()


def download(server, name, part=None, leave_sec=None):
    """(bytes or None, the client's words).  After @leave_sec the client is killed."""
    begin = time.monotonic()
    if server == "HTTP":
        data, words = by_http(name, part, leave_sec)
    else:
        data, words = tftp.get(E["TFTP"].removeprefix("tftp://"), name, HANG_SEC, leave_sec)
    if words == "hangs":
        world.wrong(f"{server} {name} hangs, asked for {time.monotonic() - begin:.1f} s ago; "
                    f"waiting for the mount: {waiting() or 'nobody'}")
    return data, words


def fetch_file(dice, server, builds):
    build = dice.choice(builds)
    name = dice.choice([ARCHIVE, ARCHIVE] + FILES)
    path = f"smartos/{build.stamp}/{name}"
    part = None
    if server == "HTTP" and name == ARCHIVE and dice.random() < 0.3:  # some ask for a piece; all versions hold 5 MiB
        first = dice.randrange(4 << 20)
        part = (first, first + dice.randrange(1, 1 << 20))
    if dice.random() < 0.15:
        download(server, path, part, dice.random() * 0.5)
        world.count(clients_killed=1)
        return
    begin = time.monotonic()
    data, words = download(server, path, part)
    end = time.monotonic()
    wrong = build.wrong(name, begin, end, data, part)
    what = f"{server} {path}{' %d-%d' % part if part else ''}"
    world.event(f"{what}: {end - begin:.3f} s {'failed: ' + words if data is None else len(data)}")
    if wrong:
        world.wrong(f"{what}: {wrong} {words}")
    elif data is None:
        world.count(absent=1)
    else:
        world.count(downloads=1, bytes=len(data))
        world.took("download", end - begin)


def fetch_menu(dice, server):
    host = dice.randrange(1, HOSTS + 1)
    begin = time.monotonic()
    text, words = download(server, f"hosts/02-08-20-00-00-{host:02x}/menu.ipxe")
    end = time.monotonic()
    wrong = menus.wrong(host, begin, end, text)
    if wrong:
        world.wrong(f"{server} menu of host {host}: {wrong} {words}")
    world.count(menus=1)
    world.took("menu", end - begin)


@actor("client")
def client(dice, number, server):
    if dice.random() < 0.3:
        fetch_menu(dice, server)
    else:
        fetch_file(dice, server, stable if dice.random() < 0.5 else churned)


WALKS = [["find", MNT, "-ls"], ["du", "-s", MNT], ["grep", "-rl", "nowhere-to-be-found", MNT + "/hosts", MNT + "/.pxefs"],
         ["grep", "-rlF", "nowhere-to-be-found", MNT + "/smartos"]]


@actor("walker")
def walker(dice):
    """What is removed under a walker may be missed by it; any other word of complaint is wrong."""
    walk = subprocess.Popen(dice.choice(WALKS), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    killer = threading.Timer(dice.random() * 2 if dice.random() < 0.3 else HANG_SEC, walk.kill)
    killer.start()
    begin = time.monotonic()
    words = walk.communicate()[1].decode(errors="replace")
    killer.cancel()
    if time.monotonic() - begin > HANG_SEC:
        world.wrong(f"{walk.args} hangs")
    for line in words.splitlines():
        if not any(fair in line for fair in ("No such file or directory", "Stale file handle", "Killed")):
            world.wrong(f"{walk.args[0]}: {line}")
    world.count(walks=1)
    world.over.wait(dice.random() * 2)


@actor("dropper")
def dropper(dice):
    """The kernel forgets pages of a file, or all there is: then names are asked for anew, and FORGETs are sent."""
    if dice.random() < 0.1 and os.access("/proc/sys/vm/drop_caches", os.W_OK):
        with open("/proc/sys/vm/drop_caches", "w") as f:
            f.write("3")
    else:
        fd = os.open(f"{MNT}/smartos/{dice.choice(stable).stamp}/{dice.choice([ARCHIVE, UNIX])}", os.O_RDONLY)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(fd)
    world.count(drops=1)
    world.over.wait(dice.random())


# ---- what happens to the worker ------------------------------------------------------------------------------------

def send(sig):
    pid = next(workers.serving(KEEPER), None)
    if pid is None:
        return None
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, sig)
        world.event(f"{signal.Signals(sig).name} {pid}")
        return pid
    return None


def another_serves(than):
    return lambda: next(workers.serving(KEEPER), than) != than


def burst(dice):
    """Ten in a row, each after it served for a tenth of a second."""
    for _ in range(10):
        pid = send(signal.SIGKILL)
        world.count(kills=1)
        wait_until(another_serves(pid), 10)
        time.sleep(0.1)


def stand_still(dice):
    """Mostly it may go on; now and then the keeper must see that it does not, and replace it."""
    pid = send(signal.SIGSTOP)
    if not pid:
        return
    world.count(stops=1)
    if dice.random() < 0.1:
        if not wait_until(another_serves(pid), 20):
            world.wrong("a worker that stands still was not replaced")
    else:
        time.sleep(dice.random() * 3)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)
    time.sleep(2)  # whoever waited is served: nobody waits for two such workers


def killed(dice):
    send(signal.SIGKILL)
    world.count(kills=1)


def ended(dice):
    send(signal.SIGTERM)
    world.count(terms=1)


def upgraded(dice):
    workers.upgrade(KEEPER, E["WORKER"])
    world.event("upgrade")
    world.count(upgrades=1)


@actor("fate", until=world.calm)
def fate(dice):
    dice.choices([killed, ended, stand_still, upgraded, burst], [8, 3, 3, 4, 1])[0](dice)
    world.calm.wait(dice.expovariate(1 / 1.5))


# ---- the inventory -------------------------------------------------------------------------------------------------

def sqlite3(statement):
    """As an operator types it.  The shell waits for nobody, so whoever else locked the database for a moment is waited for
    here: a second worker's recovery of a WAL that a killed one left."""
    for attempt in range(20):
        run = subprocess.run(["sqlite3", "-bail", E["INVENTORY"], statement], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        if run.returncode == 0:
            world.count(edits=1)
            return
        words = run.stderr.decode().strip()
        if "locked" not in words:
            break
        world.event(f"edit refused: {words}")
        world.count(edits_refused_once=1)
        time.sleep(0.05)
    world.wrong(f"edit refused: {words}: {statement}")


def set_counter(host, number):
    return f"UPDATE property SET value = 'v{number:06d}' WHERE host = {host} AND name IN ('counter', 'twin');"


def edit_counter(dice):
    host = dice.randrange(1, HOSTS + 1)
    number = menus.begin(host)
    sqlite3(set_counter(host, number))
    menus.committed(host)


def edit_undone(dice):
    sqlite3(f"BEGIN; {set_counter(dice.randrange(1, HOSTS + 1), Menus.NEVER)} ROLLBACK;")


def edit_build(dice):
    value = dice.choice([f"'{b.stamp}'" for b in stable] + ["NULL"])
    sqlite3(f"UPDATE host SET build = {value} WHERE id = {dice.randrange(1, HOSTS + 1)};")


def edit_hosts(dice):
    n = dice.randrange(100, 140)
    sqlite3(f"DELETE FROM nic WHERE host = {n}; DELETE FROM host WHERE id = {n};" +
            (f"INSERT INTO host (id, hostname) VALUES ({n}, 'h{n}');"
             f"INSERT INTO nic (mac, host) VALUES ('02:08:20:00:01:{n:02x}', {n});" if dice.random() < 0.6 else ""))


def edit_properties(dice):
    host = dice.randrange(1, HOSTS + 1)
    sqlite3(f"DELETE FROM property WHERE host = {host} AND name = 'note';" +
            (f"INSERT INTO property (host, name, value) VALUES ({host}, 'note', '{dice.randrange(10 ** 6)}');"
             if dice.random() < 0.6 else ""))


@actor("editor")
def editor(dice):
    with world.changing():
        dice.choices([edit_counter, edit_undone, edit_build, edit_hosts, edit_properties], [8, 1, 1, 1, 2])[0](dice)
    world.over.wait(dice.expovariate(1 / 0.15))


# ---- archives ------------------------------------------------------------------------------------------------------

class Upload:
    """One stamp's file in the builds directory, and who puts it there."""

    def __init__(self, build, dice):
        self.build, self.dice = build, dice
        self.path = f"{BUILDS}/platform-{build.stamp}.tgz"
        self.shown = f"{MNT}/smartos/{build.stamp}/{ARCHIVE}"

    def size(self):
        """What the tree shows of it; None: nothing."""
        try:
            return os.stat(self.shown).st_size
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as e:
            if e.strerror != "Stale file handle":
                raise
            return None

    def settle(self, version):
        """Waits until the tree shows @version (None: nothing)."""
        begin = time.monotonic()
        want = len(version.files[ARCHIVE]) if version else None
        if wait_until(lambda: self.size() == want, APPEAR_SEC):
            self.build.seen(version)
            world.took("upload until it is there" if version else "removal until it is gone", time.monotonic() - begin)
        elif not world.over.is_set():
            world.wrong(f"{self.build.stamp}: the tree shows {self.size()} after {APPEAR_SEC} s, not {want}")

    def write(self, data, mode="wb", pause=0.0):
        with open(self.path, mode, buffering=0) as f:
            for at in range(0, len(data), max(1, len(data) // 20)):
                f.write(data[at:at + max(1, len(data) // 20)])
                time.sleep(pause)

    # Each: the file becomes @version.  data: of that version.
    def copied(self, version, data):
        self.build.offer(version)
        self.write(data, pause=self.dice.choice([0, 0, 0.05, 0.2]))

    def renamed(self, version, data):
        with open(f"{BUILDS}/.upload-{self.build.stamp}", "wb") as f:
            f.write(data)
        self.build.offer(version)
        os.rename(f.name, self.path)

    def half_copied(self, version, data):
        half = self.dice.randrange(1, len(data))
        self.write(data[:half])
        time.sleep(self.dice.random() * 6)  # it may be refused meanwhile: it is not complete
        self.build.offer(version)
        self.write(data[half:], "ab")

    # Each: nothing is there then.
    def removed(self):
        os.unlink(self.path)

    def truncated(self, data):
        self.write(data[:self.dice.randrange(len(data))])
        time.sleep(self.dice.random() * 8)  # time to be taken for whole
        os.unlink(self.path)

    def flipped(self, data):
        at = self.dice.randrange(len(data) // 10, len(data) - 100)
        self.write(data[:at] + bytes([data[at] ^ (1 << self.dice.randrange(8))]) + data[at + 1:])
        time.sleep(self.dice.random() * 8)
        os.unlink(self.path)

    def change(self):
        now = self.build.spans[-1][0] if os.path.exists(self.path) else None
        version = self.dice.choice([v for v in self.build.versions if v is not now])
        with open(version.path, "rb") as f:
            data = f.read()
        self.build.unsteady()
        kind = self.dice.choice(["put", "put", "put", "spoilt", "removed"] if now is None else ["put", "put", "removed"])
        if kind == "put":
            how = self.dice.choice([self.copied, self.renamed, self.half_copied])
            world.event(f"{self.build.stamp}: {how.__name__}{' over another' if now else ''}")
            how(version, data)
            self.settle(version)
            world.count(uploads=1, replaced=now is not None)
        elif kind == "spoilt":
            how = self.dice.choice([self.truncated, self.flipped])
            world.event(f"{self.build.stamp}: {how.__name__}")
            how(data)
            self.settle(None)
            world.count(spoilt_uploads=1)
        elif now:
            world.event(f"{self.build.stamp}: removed")
            self.removed()
            self.settle(None)
            world.count(removals=1)


@actor("uploader")
def uploader(dice, first):
    upload = uploads.setdefault(first, [Upload(b, dice) for b in churned[first::3]])
    with world.changing():
        dice.choice(upload).change()
    world.over.wait(dice.expovariate(1 / 2))


# ---- in silence ----------------------------------------------------------------------------------------------------

def rendered(host):
    return subprocess.run([E["PXECTL"], "-i", E["INVENTORY"], "-c", E["CACHE"], "render", f"02-08-20-00-00-{host:02x}"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout


def compare_menus():
    """Every script, by both servers, is what pxectl makes of the rows."""
    for host in range(1, HOSTS + 1):
        for server in "HTTP", "TFTP":
            def same():
                texts[:] = rendered(host), download(server, f"hosts/02-08-20-00-00-{host:02x}/menu.ipxe")[0]
                return texts[0] == texts[1]
            texts = []
            if not wait_until(same, 10) and not world.over.is_set():
                with open(f"{DIR}/rendered", "wb") as f, open(f"{DIR}/served", "wb") as g:
                    f.write(texts[0] or b"")
                    g.write(texts[1] or b"")
                world.wrong(f"{server} menu of host {host} is not what pxectl render prints ({DIR}/rendered, served)")
            world.count(compared=1)


@actor("judge")
def judge(dice):
    world.over.wait(10 + dice.random() * 20)
    if world.over.is_set():
        return
    with world.silence():
        compare_menus()


def read_all():
    """Every file of every build once, from the mount: the last word, and the same work for each worker that is measured."""
    for build in stable + churned:
        begin = time.monotonic()
        for name in FILES:
            try:
                with open(f"{MNT}/smartos/{build.stamp}/{name}", "rb") as f:
                    data = f.read()
            except FileNotFoundError:
                data = None
            wrong = build.wrong(name, begin, time.monotonic(), data)
            if wrong:
                world.wrong(f"{build.stamp}/{name} at the end: {wrong}")


def look_at_journal():
    """Who asks nothing has no request in the journal, and each slot that is taken has a thread."""
    journal = workers.Journal(KEEPER)

    def idle():
        state[:] = journal.state()
        threads = {int(t) for w in workers.serving(KEEPER) for t in os.listdir(f"/proc/{w}/task")}
        return not state[1] and set(state[0]) <= threads and len(set(state[0])) == len(state[0])
    state = []
    if not wait_until(idle, 10):
        world.wrong(f"journal: owners {state[0]}, unanswered {state[1]}")
    return len(state[0])


def last_worker_is_as_the_first(first):
    """One more successor, which reads what the first one read, holds what that one held."""
    pid = send(signal.SIGKILL)
    wait_until(another_serves(pid), 20)
    read_all()
    time.sleep(2)
    last = workers.holds(next(workers.serving(KEEPER)))
    for what, more in growth.WORKER_AGAIN.items():
        if last[what] > first[what] + more:
            world.wrong(f"the last worker's {what}: {last[what]}, the first one's: {first[what]}")
    return last


# ---- all of it -----------------------------------------------------------------------------------------------------

def print_summary(sampler, first, last, slots):
    f = world.figures
    print(f"{time.monotonic() - world.began:.0f} s: {f['downloads']} downloads of {f['bytes'] / 1e6:.0f} MB, {f['menus']} menus "
          f"({f['compared']} compared with pxectl), {f['clients_killed']} clients killed, {f['absent']} asked for what was not "
          f"there, {f['walks']} walks, {f['drops']} drops of the page cache")
    print(f"the worker: {f['kills']} SIGKILL, {f['terms']} SIGTERM, {f['stops']} SIGSTOP, {f['upgrades']} upgrades")
    print(f"{f['edits']} edits ({f['edits_refused_once']} had to be tried again), {f['uploads']} uploads ({f['replaced']} over "
          f"another), {f['spoilt_uploads']} spoilt ones, {f['removals']} removals")
    print("slowest: " + ", ".join(f"{what} {seconds:.2f} s" for what, seconds in sorted(world.slowest.items())))
    print("growth: " + sampler.summary())
    print(f"the first and the last worker, idle: {first}, {last}; {slots} slots of the journal in use")
    print(f"wrong = {len(world.wrongs)}")


def enough():
    """Too little says nothing."""
    for what, least in {"downloads": SECONDS, "menus": SECONDS, "edits": SECONDS / 2, "kills": SECONDS / 20,
                        "uploads": SECONDS / 20}.items():
        if world.figures[what] < least:
            world.wrong(f"{world.figures[what]} {what} only: that says nothing")


def join(threads):
    """False: some had to be freed by ending the mount, as they hang in it themselves."""
    end = time.monotonic() + HANG_SEC + 5  # a client that hangs says so by then
    for t in threads:
        t.join(max(0, end - time.monotonic()))
    stuck = [t.name for t in threads if t.is_alive()]
    if not stuck:
        return True
    world.wrong(f"{', '.join(stuck)} still at work: {waiting() or 'nobody'} waits for the mount, which is ended")
    os.kill(KEEPER, signal.SIGTERM)
    for t in threads:
        t.join()
    return False


def told_to_end(signum, _frame):
    """Threads that hang in the mount would keep this process for ever."""
    os.kill(KEEPER, signal.SIGTERM)
    sys.exit(128 + signum)


def main():
    signal.signal(signal.SIGTERM, told_to_end)
    read_all()
    time.sleep(2)
    first = workers.holds(next(workers.serving(KEEPER)))
    sampler = growth.Sampler(KEEPER, E["CACHE"], DIR + "/growth.csv", world)
    threads = [client(n, "HTTP") for n in range(4)] + [client(n, "TFTP") for n in range(3)] + [uploader(n) for n in range(3)] + \
        [walker(), dropper(), editor(), judge()]
    killer = fate()
    for t in threads + [sampler, killer]:
        t.start()
    world.over.wait(SECONDS * 0.8)
    world.calm.set()
    killer.join()
    world.over.wait(3)  # an upgrade may be under way
    world.event("calm")
    sampler.calm()
    world.over.wait(SECONDS * 0.2)
    failed = world.over.is_set()
    world.over.set()
    if not join(threads + [sampler]) or failed:
        last, slots = None, None
    else:
        world.over.clear()  # for wait_until
        for build in churned:
            build.unsteady()  # what was in the middle of something
        compare_menus()
        slots = look_at_journal()
        last = last_worker_is_as_the_first(first)
        for complaint in sampler.judge(world.figures):
            world.wrong(complaint)
        enough()
    print_summary(sampler, first, last, slots)
    return 1 if world.wrongs else 0


uploads = {}
menus = Menus(HOSTS)
stable, churned = [], []
for path in sorted(glob.glob(BUILDS + "/*")):
    stamp = os.path.basename(path)[len("platform-"):][:16]
    stable.append(Build(stamp, [Version(path, stamp)]))
    stable[-1].offer(stable[-1].versions[0])
    stable[-1].seen(stable[-1].versions[0])
for path in sorted(glob.glob(DIR + "/pool/1/*")):
    stamp = os.path.basename(path)[len("platform-"):][:16]
    churned.append(Build(stamp, [Version(path, stamp), Version(path.replace("/pool/1/", "/pool/2/"), stamp)]))
if FALSE:
    stable[1].versions[0].digests[UNIX] = hashlib.sha256(b"something else").hexdigest()
sys.exit(main())
