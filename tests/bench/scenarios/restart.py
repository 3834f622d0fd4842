"""R*, K: starting again, with nothing changed and after being killed."""
import os
import pathlib
import random
import subprocess
import time

from scenarios import Figure, scenario
from scenarios.reads import preload

ENGINE_RESTART = 300  # the reference engine's restart at 10,000, in index floors


def first_contract(daemon, twin=1000000):
    """Some stored deployment of the generator's first twin."""
    return daemon.call("zos.deployment.list", twin=twin)[0]["contract_id"]


def drop_caches(daemon):
    """The files of the store leave the page cache, as after a boot."""
    for file in daemon.store.parent.glob("*.db*"):
        fd = os.open(file, os.O_RDONLY)
        os.fsync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(fd)


def restart(daemon, contract, workloads):
    """Seconds to the first good answer and until every workload was looked at; bytes written until then."""
    daemon.stop()
    drop_caches(daemon)
    begin = time.monotonic()
    daemon.start()
    assert daemon.call("zos.deployment.get", {"contract_id": contract}, twin=1000000)["contract_id"] == contract
    first = time.monotonic() - begin
    while daemon.call("local.counters")["plugin_calls"] < workloads:
        time.sleep(0.002)  # the figure's resolution; nothing announces the end of the round
    reconciled = time.monotonic() - begin
    quiet(daemon)
    written = int(next(line.split()[1] for line in pathlib.Path(f"/proc/{daemon.pid}/io").read_text().splitlines() if line.startswith("write_bytes")))
    return first, reconciled, written


def quiet(daemon):
    """Waits until the daemon does nothing any more."""
    before = daemon.cpu_seconds()
    while True:
        time.sleep(0.3)
        now = daemon.cpu_seconds()
        if now - before < 0.01:
            return
        before = now


@scenario("R", "restart with 10, 10,000 and 100,000 deployments stored", {
    "r1_10": Figure("R1: first get / (index floor + 50 ms), 10 stored", 2, 1.1),
    "r1_10000": Figure("R1 with 10,000 stored", 2, 1.1),
    "r1_100000": Figure("R1 with 100,000 stored", 2, 1.1),
    "r2_10000": Figure("R2: all looked at / parse-everything floor, 10,000", 3, 1.2),
    "r2_100000": Figure("R2 with 100,000 stored", 3, 1.2),
    "r2_engine": Figure("R2: reference engine's restart at 10,000 / ours", 15, 50, "high"),
    "r3": Figure("R3: bytes written per deployment by a restart, 100,000", 64, 0, unit="B"),
    "m2": Figure("M2: resident memory per stored deployment, 10,000 to 100,000", 1024, 160, unit="B"),
    "first_ms_100000": Figure("first get with 100,000 stored", unit="ms"),
    "reconciled_ms_100000": Figure("all looked at with 100,000 stored", unit="ms"),
}, pairs=1)
def r(lab):
    steps = (10, 500, 2000) if lab.quick else (10, 10000, 100000)
    names = ("10", "10000", "100000")
    result, rss, stored, contract = {}, [], 0, None
    with lab.daemon() as daemon:
        for step, name in zip(steps, names):
            preload(lab, daemon, step - stored)
            stored = step
            contract = contract or first_contract(daemon)
            first, reconciled, written = restart(daemon, contract, stored)
            rss.append(daemon.status_kib("VmRSS") * 1024)
            floor = lab.limits.restore(stored)
            result[f"r1_{name}"] = first / (floor["read+crc+index"] + 0.05)
            result[f"r2_{name}"] = reconciled / (floor["+parse and keep all"] + 0.05)
            if name == "10000":
                result["r2_engine"] = ENGINE_RESTART * floor["read+crc+index"] / reconciled
            result["r3"] = written / stored
            result["first_ms_100000"] = first * 1000
            result["reconciled_ms_100000"] = reconciled * 1000
    result["m2"] = (rss[2] - rss[1]) / (steps[2] - steps[1])
    return result


@scenario("K", "kill -9 at a random moment of A1, restart, 50 times", {
    "lost": Figure("accepted deployments lost", 0, 0, unit=""),
    "results": Figure("results lost after they were visible", 0, 0, unit=""),
    "accepted": Figure("accepted in all", unit=""),
    "restart_ms": Figure("longest restart", unit="ms"),
}, pairs=1)
def k(lab):
    kills = 5 if lab.quick else 50
    chance = random.Random(1)
    lost = results = accepted = 0
    longest = 0.0
    journal = lab.dir / "journal"
    with lab.daemon() as daemon:
        for _ in range(kills):
            journal.unlink(missing_ok=True)
            load = subprocess.Popen([lab.build / "bin/trellis-load", "--control", daemon.control, "--ledger", daemon.ledger, "--count", "6000",
                                     "--seconds", "30", "--warmup", "0.05", "--journal", journal, "--disk", lab.dir],
                                    stdout=subprocess.DEVNULL)
            before = daemon.call("local.counters")["accepted"]
            while daemon.call("local.counters")["accepted"] == before and load.poll() is None:
                time.sleep(0.1)  # seldom: the generator waits for a quiet daemon first
            time.sleep(chance.uniform(0, 1.0))  # the moment of the kill is what is random here
            daemon.kill()
            load.wait()
            longest = max(longest, daemon.start())
            for line in journal.read_text().splitlines():
                what, twin, contract = line.split()
                accepted += what == "accepted"
                try:
                    found = daemon.call("zos.deployment.get", {"contract_id": int(contract)}, twin=int(twin))
                except RuntimeError:
                    lost += 1
                    continue
                if what == "settled":
                    results += any(w["result"]["state"] != "ok" for w in found["workloads"])
    return {"lost": lost, "results": results, "accepted": accepted, "restart_ms": longest * 1000}
