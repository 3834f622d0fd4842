"""P1 and what else the micro benchmarks say about the accept path."""
import json
import subprocess

from scenarios import Figure, scenario


def micro(lab, area, *names):
    """CPU and real time in microseconds of benchmarks of one area."""
    done = subprocess.run([lab.build / f"bench/bm_{area}", f"--benchmark_filter={'|'.join(names)}", "--benchmark_min_time=0.1",
                           "--benchmark_repetitions=3", "--benchmark_format=json"], capture_output=True, text=True, check=True)
    scale = {"ns": 1e-3, "us": 1.0, "ms": 1e3}
    rows = [r for r in json.loads(done.stdout)["benchmarks"] if r.get("aggregate_name") == "median"]
    return {row["run_name"]: row["cpu_time"] * scale[row["time_unit"]] for row in rows}


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
