"""M1, M3: memory at rest and over a long time; P2, P3: starting, and many plugins."""
import pathlib
import shutil
import subprocess
import time

from scenarios import Figure, scenario
from scenarios.restart import quiet

IDLE_SECONDS = 10


def switches(pid):
    """Voluntary context switches of each thread: every one is a wake-up."""
    found = {}
    for status in pathlib.Path(f"/proc/{pid}/task").glob("*/status"):
        found[status.parent.name] = next(int(line.split()[1]) for line in status.read_text().splitlines()
                                         if line.startswith("voluntary_ctxt_switches"))
    return found


def bare(lab):
    """A process with the daemon's and its plugins' libraries and nothing else: seconds, and KiB resident."""
    begin = time.monotonic()
    done = subprocess.run([lab.build / "bench/limit_libraries"], capture_output=True, text=True, check=True)
    return time.monotonic() - begin, int(done.stdout)


@scenario("M1", "idle, all plugins loaded, empty store", {
    "rss_mib": Figure("resident memory", 32, unit="MiB"),
    "libraries": Figure("resident memory / that of a process with the same libraries", None, 1.2),
    "threads": Figure("threads", 16, 6, unit=""),
    "wakeups": Figure("wake-ups a second", 20, 1, unit="/s"),
    "no_zmachine_mib": Figure("resident memory without the zmachine plugin", None, 10, unit="MiB"),
    "start": Figure("P2: start to ready / bare process with the same libraries", 4, 1.5),
    "start_ms": Figure("start to ready", unit="ms"),
}, pairs=3)
def m1(lab):
    _, libraries = bare(lab)
    bare_seconds, _ = bare(lab)
    with lab.daemon(plugins=lab.build / "plugins") as daemon:
        quiet(daemon)
        daemon.stop()
        started = daemon.start()
        quiet(daemon)
        before = switches(daemon.pid)
        time.sleep(2 if lab.quick else IDLE_SECONDS)  # what a rate is taken over
        after = switches(daemon.pid)  # without the threads that ended meanwhile
        wakeups = sum(count - before.get(thread, 0) for thread, count in after.items()) / (2 if lab.quick else IDLE_SECONDS)
        rss, threads = daemon.status_kib("VmRSS"), daemon.status_kib("Threads")
    few = lab.dir / "few"
    few.mkdir(exist_ok=True)
    for kind in ("trellis.so", "manifest.json", "manifest.json.sig"):
        for file in (lab.build / "plugins").glob(f"*.{kind}"):
            if not file.name.startswith("zmachine.") and not (few / file.name).exists():
                shutil.copy(file, few)
    with lab.daemon(plugins=few) as daemon:
        quiet(daemon)
        without = daemon.status_kib("VmRSS")
    return {"rss_mib": rss / 1024, "libraries": rss / libraries, "threads": threads, "wakeups": wakeups, "no_zmachine_mib": without / 1024,
            "start": started / bare_seconds, "start_ms": started * 1000}


@scenario("M3", "deploy and delete at a tenth of A1's rate", {
    "rss_kib_per_min": Figure("growth of resident memory in the second half", 0, 0, unit="KiB/min"),
    "log": Figure("size of the store / its live bytes", 3, 1.5),
}, pairs=1)
def m3(lab):
    seconds = 20 if lab.quick else 600
    with lab.daemon() as daemon:
        capacity = lab.deploys(daemon, "--preload", 10)["settled_per_s"]
        rate = capacity / 10
        samples = []
        load = subprocess.Popen([lab.build / "bin/trellis-load", "--control", daemon.control, "--ledger", daemon.ledger, "--mode", "open", "--rate", str(rate),
                                 "--seconds", str(seconds), "--warmup", "1", "--mix", "deploy:1,delete:1", "--preload", str(int(rate * seconds * 0.6) + 500)],
                                stdout=subprocess.PIPE, text=True)
        while load.poll() is None:
            samples.append((time.monotonic(), daemon.status_kib("VmRSS")))
            time.sleep(0.5)
        load.communicate()
        daemon.stop()
        size = sum(file.stat().st_size for file in daemon.store.parent.glob("trellis.db*"))
        done = subprocess.run(["python3", "-c", "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); "
                               "print((c.execute('PRAGMA page_count').fetchone()[0]-c.execute('PRAGMA freelist_count').fetchone()[0])"
                               "*c.execute('PRAGMA page_size').fetchone()[0])", daemon.store], capture_output=True, text=True, check=True)
    half = [s for s in samples if s[0] > samples[-1][0] - seconds / 2]
    slope = (half[-1][1] - half[0][1]) / max((half[-1][0] - half[0][0]) / 60, 0.01)
    return {"rss_kib_per_min": slope, "log": size / int(done.stdout)}


@scenario("P3", "100 plugins instead of 9", {
    "cpu": Figure("A1's CPU / with 9", 1.1, 1.01),
}, pairs=3)
def p3(lab):
    cost = {}
    for count in (9, 100):
        folder = lab.dir / f"plugins-{count}"
        if not folder.exists():
            folder.mkdir()
            original = (lab.build / "noop-plugins/noop.trellis.so").read_bytes()
            (folder / "noop.trellis.so").write_bytes(original)
            for i in range(count - 1):  # the same plugin under another name of the same length
                (folder / f"np{i:02}.trellis.so").write_bytes(original.replace(b"noop", f"np{i:02}".encode()))
            plugins = sorted(folder.glob("*.trellis.so"))
            for words in (["pack"], ["sign", lab.build / "signing.key"]):
                subprocess.run([lab.build / "bin/trellis", "plugin", *words, *plugins], check=True, stdout=subprocess.DEVNULL)
        with lab.daemon(plugins=folder) as daemon:
            running = sum(p["state"] == "running" for p in daemon.call("local.plugin.list"))
            assert running == count, f"{running} of {count} plugins run"
            cost[count] = lab.deploys(daemon, "--preload", 10)["cpu_us_per_settled"]
    return {"cpu": cost[100] / cost[9]}
