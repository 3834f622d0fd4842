"""B1, B2: the relay's rate and its memory for idle sessions; H1, H2: a node under bad input."""
import contextlib
import json
import subprocess

from scenarios import Figure, scenario


@contextlib.contextmanager
def alone(lab):
    """A relay in a process of its own: port and process."""
    ledger = lab.dir / "relay-ledger.db"
    subprocess.run([lab.build / "bench/relay_load", "twins", "--ledger", ledger], check=True)
    process = subprocess.Popen([lab.build / "bin/trellis", "relay", "--ledger", ledger, "--listen", "127.0.0.1:0", "--domain", "127.0.0.1"],
                               stdout=subprocess.PIPE, text=True)
    try:
        yield int(process.stdout.readline().rsplit(":", 1)[1]), process
    finally:
        process.terminate()
        process.wait(30)


@contextlib.contextmanager
def load(lab, mode, port, *options):
    """Load that goes on until the block ends."""
    process = subprocess.Popen([lab.build / "bench/relay_load", mode, "--port", str(port), *map(str, options)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert json.loads(process.stdout.readline())["connected"]
        yield process
    finally:
        process.stdin.close()
        process.wait(60)


def rss_kib(pid):
    return next(int(line.split()[1]) for line in open(f"/proc/{pid}/status") if line.startswith("VmRSS"))


def rate(lab, port, count):
    seconds = 1 if lab.quick else 2
    done = subprocess.run([lab.build / "bench/relay_load", "rate", "--port", str(port), "--count", str(count), "--seconds", str(seconds)],
                          capture_output=True, text=True, check=True)
    return json.loads(done.stdout)["per_s"]


@scenario("B1", "2 KB envelopes between two twins through the relay", {
    "one": Figure("one pair of sessions / websocket echo of 8 connections", 0.4, 0.8, best="high"),
    "four": Figure("four pairs of sessions / websocket echo of 8 connections", None, None, best="high"),
    "per_s": Figure("one pair of sessions", best="high", unit="/s"),
})
def b1(lab):
    with alone(lab) as (port, _):
        echo = lab.limits.echo(8, 16)["per_s"]
        one = rate(lab, port, 1)
        four = rate(lab, port, 4)
    return {"one": one / echo, "four": four / echo, "per_s": one}


@scenario("B2", "10,000 idle sessions", {
    "per_session_1k": Figure("resident memory for each of 1,000 sessions", 24, 8, unit="KiB"),
    "per_session_10k": Figure("resident memory for each of 10,000 sessions", 24, 8, unit="KiB"),
    "deploys": Figure("A1's rate with them / without", 0.9, 0.98, best="high"),
}, pairs=3)
def b2(lab):
    memory = {}
    for count in (1000, 10000):
        with alone(lab) as (port, process):
            before = rss_kib(process.pid)
            with load(lab, "idle", port, "--count", count):
                memory[count] = (rss_kib(process.pid) - before) / count
    with lab.daemon() as daemon:
        port = int(daemon.call("local.status")["relay"]["url"].rsplit(":", 1)[1])
        subprocess.run([lab.build / "bench/relay_load", "twins", "--ledger", daemon.ledger, "--relay", f"127.0.0.1:{port}"], check=True)
        without = lab.deploys(daemon, "--preload", 10)["settled_per_s"]
        with load(lab, "idle", port, "--count", 9000):
            beside = lab.deploys(daemon, "--preload", 10)["settled_per_s"]
    return {"per_session_1k": memory[1000], "per_session_10k": memory[10000], "deploys": beside / without}


def good_client(lab, daemon, per_s):
    """p99 of a good client that sends at a steady rate."""
    report = lab.checked(daemon.load("--mode", "open", "--rate", per_s, "--seconds", 2 if lab.quick else 5, "--warmup", 0.5, "--preload", 10))
    return report["accept"]["deploy"]["p99_us"]


@scenario("H1", "a flood of bad signatures at three times the capacity", {
    "p99": Figure("p99 of a good client / without the flood", 4, 1.5),
}, pairs=3)
def h1(lab):
    with lab.daemon() as daemon:
        status = daemon.call("local.status")
        port = int(status["relay"]["url"].rsplit(":", 1)[1])
        subprocess.run([lab.build / "bench/relay_load", "twins", "--ledger", daemon.ledger, "--relay", f"127.0.0.1:{port}"], check=True)
        capacity = lab.deploys(daemon, "--preload", 10)["settled_per_s"]
        quiet = good_client(lab, daemon, capacity / 5)
        with load(lab, "flood", port, "--node", status["twin_id"], "--count", 4, "--rate", 3 * capacity, "--seconds", 12):
            flooded = good_client(lab, daemon, capacity / 5)
    return {"p99": flooded / quiet}


@scenario("H2", "100 connections that sent half a frame", {
    "rss_mib": Figure("growth of resident memory", 64, 16, unit="MiB"),
    "p99": Figure("p99 of a good client / without them", 4, 1.5),
}, pairs=3)
def h2(lab):
    with lab.daemon() as daemon:
        port = int(daemon.call("local.status")["relay"]["url"].rsplit(":", 1)[1])
        subprocess.run([lab.build / "bench/relay_load", "twins", "--ledger", daemon.ledger, "--relay", f"127.0.0.1:{port}"], check=True)
        capacity = lab.deploys(daemon, "--preload", 10)["settled_per_s"]
        quiet = good_client(lab, daemon, capacity / 5)
        before = daemon.status_kib("VmRSS")
        with load(lab, "halves", port, "--count", 100):
            beside = good_client(lab, daemon, capacity / 5)
            grown = daemon.status_kib("VmRSS") - before
    return {"rss_mib": grown / 1024, "p99": beside / quiet}
