"""P1 and what else the micro benchmarks say about the accept path."""
import contextlib
import json
import os
import subprocess
import sys

from scenarios import Figure, scenario


def rows(lab, area, *names):
    """The medians of benchmarks of one area, by name."""
    done = subprocess.run([lab.build / f"bench/bm_{area}", f"--benchmark_filter={'|'.join(names)}", "--benchmark_min_time=0.1",
                           "--benchmark_repetitions=3", "--benchmark_format=json"], capture_output=True, text=True, check=True)
    return {row["run_name"]: row for row in json.loads(done.stdout)["benchmarks"] if row.get("aggregate_name") == "median"}


def micro(lab, area, *names):
    """Their CPU time in microseconds."""
    scale = {"ns": 1e-3, "us": 1.0, "ms": 1e3}
    return {name: row["cpu_time"] * scale[row["time_unit"]] for name, row in rows(lab, area, *names).items()}


@contextlib.contextmanager
def busy():
    """Keeps every processor awake with work that gives way to any other: no call waits for one to wake up."""
    spinners = [subprocess.Popen(["chrt", "-i", "0", "taskset", "-c", str(cpu), sys.executable, "-c", "while True: pass"])
                for cpu in os.sched_getaffinity(0)]
    try:
        yield
    finally:
        for spinner in spinners:
            spinner.kill()
            spinner.wait()


@scenario("P1", "plugin calls through the ABI, with type look-up and context", {
    "pure_ns": Figure("one question of the pure half (five calls)", 300, 40, unit="ns"),
    "effect_ns": Figure("one effect: slot, deadline, thread, result", unit="ns"),
    "types": Figure("with 100 types registered / with 1", 1.1, 1.01),
})
def p1(lab):
    cost = micro(lab, "dispatch", "BM_examine", "BM_provision")
    return {
        "pure_ns": cost["BM_examine/types:1"] * 1e3 / 5,
        "effect_ns": cost["BM_provision/types:1/real_time"] * 1e3,
        "types": cost["BM_examine/types:100"] / cost["BM_examine/types:1"],
    }


@scenario("P4", "plugins in processes of their own", {
    "effect_us": Figure("one effect, busy processors, median", 25, unit="us"),
    "round_trip": Figure("the same / a round trip of 2 KB between two threads over a unix socket"),
    "start_ms": Figure("helper stopped in order and started again, median", 5, unit="ms"),
})
def p4(lab):
    with busy():
        effect = rows(lab, "dispatch", "BM_isolated_provision")["BM_isolated_provision/real_time"]["p50_us"]
        floor = lab.limits.round_trip()
    restart = rows(lab, "dispatch", "BM_restart_helper")["BM_restart_helper/real_time"]
    return {"effect_us": effect, "round_trip": effect / floor["p50_us"], "start_ms": restart["p50_us"] / 1e3}


@scenario("B-ACCEPT", "the accept path in memory", {
    "accept": Figure("bytes in to bytes out / BM_ideal_accept", 2.0, 1.25),
    "accept_us": Figure("bytes in to bytes out", unit="us"),
    "verify": Figure("envelope verify / libsodium's verify", 1.3, 1.1),
    "sr25519": Figure("sr25519 verify / ed25519 verify", None, 1.2),
})
def accept_path(lab):
    floor = lab.limits.cpu("BM_ideal_accept", "BM_ed25519_verify_sodium")
    ours = micro(lab, "accept", "BM_accept/workloads:1")["BM_accept/workloads:1"]
    verify = micro(lab, "verify", "BM_verify_envelope", "BM_verify_message")
    return {
        "accept": ours / floor["BM_ideal_accept"],
        "accept_us": ours,
        "verify": verify["BM_verify_envelope/sr25519:0"] / floor["BM_ed25519_verify_sodium"],
        "sr25519": verify["BM_verify_message/sr25519:1"] / verify["BM_verify_message/sr25519:0"],
    }


@scenario("N1", "one more user network on a node, without its tunnel", {
    "cost": Figure("with 10 there / links, namespace, addresses and rules alone", 3, 1.3),
    "flat": Figure("with 1,000 there / with 10 (N2)", 3, 1.2),
    "ms": Figure("with 10 there, median", unit="ms"),
    "inspect_us": Figure("looking whether all of one is right", unit="us"),
})
def n1(lab):
    took = rows(lab, "network", "BM_network", "BM_inspect")
    few, many, floor = (took[f"BM_network{name}/iterations:40/real_time"]["p50_us"] for name in ("/present:10", "/present:1000", "_floor"))
    return {"cost": few / floor, "flat": many / few, "ms": few / 1e3, "inspect_us": took["BM_inspect/real_time"]["real_time"] / 1e3}


@scenario("N3", "a user network with its tunnel is removed", {
    "blocked_ms": Figure("the longest that another caller waits for the plugin, of 40", 50, 1, unit="ms"),
    "ms": Figure("until everything of it is gone, median", unit="ms"),
})
def n3(lab):
    took = rows(lab, "removal", "BM_removal")["BM_removal/iterations:40/real_time"]
    return {"blocked_ms": took["blocked_ms"], "ms": took["p50_us"] / 1e3}


@scenario("N4", "TCP between machines on two nodes", {
    "tunnel": Figure("through their network / between namespaces behind wireguard-go set up by hand", 0.9, best="high"),
    "ends": Figure("through their network / between the ends of that themselves", best="high"),
    "mbit": Figure("through their network", unit="Mbit/s", best="high"),
})
def n4(lab):
    flow = rows(lab, "tunnel", "BM_tunnel")["BM_tunnel/iterations:5/real_time"]
    return {"tunnel": flow["behind"], "ends": flow["ends"], "mbit": flow["ours_mbit"]}
