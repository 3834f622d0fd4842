"""A*: what accepting and settling costs against the end-to-end floor of the same run."""
from scenarios import Figure, scenario

ENGINE_RATE = {1: 0.125, 10: 0.031}  # the reference engine against the floor
ENGINE_CPU = {1: 4.6, 10: 18}


def against_floor(lab, workloads):
    floor = lab.limits.accept(workloads=workloads)
    with lab.daemon() as daemon:
        ours = lab.deploys(daemon, "--preload", 10, workloads=workloads)
    cpu = ours["cpu_us_per_settled"] / floor["cpu_us_per_settled"]
    rate = ours["settled_per_s"] / floor["settled_per_s"]
    return {
        "cpu": cpu,
        "rate": rate,
        "engine_rate": rate / ENGINE_RATE[workloads],
        "engine_cpu": ENGINE_CPU[workloads] / cpu,
        "floor_cpu_us": floor["cpu_us_per_settled"],
        "cpu_us": ours["cpu_us_per_settled"],
        "floor_per_s": floor["settled_per_s"],
        "settled_per_s": ours["settled_per_s"],
        "records_per_sync": ours["records_per_sync"],
        "logged_bytes": ours["logged_bytes"] / max(ours["settled"], 1),
    }


SHOWN = {
    "floor_cpu_us": Figure("the floor's CPU for one settled deployment", unit="us"),
    "cpu_us": Figure("our CPU for one settled deployment", unit="us"),
    "floor_per_s": Figure("the floor's settled deployments", unit="/s"),
    "settled_per_s": Figure("our settled deployments", unit="/s"),
    "records_per_sync": Figure("works in one commit", unit=""),
    "logged_bytes": Figure("bytes written to the log for one deployment", unit="B"),
}


@scenario("A1", "deploy, 1 no-op workload, 8 connections x 8 in flight, store holds 10", {
    "cpu": Figure("CPU per settled / floor's", 2.0, 1.25),
    "rate": Figure("settled rate / floor's", 0.5, 0.8, "high"),
    "engine_rate": Figure("settled rate / reference engine's", 5, 8, "high"),
    "engine_cpu": Figure("reference engine's CPU / ours", 2.5, 4, "high"),
    **SHOWN,
})
def a1(lab):
    return against_floor(lab, 1)


@scenario("A10", "the same with 10 workloads", {
    "cpu": Figure("CPU per settled / floor's"),
    "rate": Figure("settled rate / floor's", 0.5, 0.8, "high"),
    "engine_rate": Figure("settled rate / reference engine's", 15, 30, "high"),
    "engine_cpu": Figure("reference engine's CPU / ours", best="high"),
    **SHOWN,
})
def a10(lab):
    return against_floor(lab, 10)


@scenario("AW", "one more no-op workload in a deployment", {
    "extra": Figure("CPU of a further workload, (A10 - A1) / 9", 25, 8, unit="us"),
})
def aw(lab):
    cost = {}
    for workloads in (1, 10):
        with lab.daemon() as daemon:
            cost[workloads] = lab.deploys(daemon, "--preload", 10, workloads=workloads)["cpu_us_per_settled"]
    return {"extra": (cost[10] - cost[1]) / 9}


@scenario("AS", "A1 with sr25519 on both signatures", {
    "cpu": Figure("CPU / (floor + 2 x (sr - ed verify limits))", 2.0, 1.25),
})
def as_(lab):
    floor = lab.limits.accept()
    cost = lab.limits.cpu("BM_sr25519_group_math_sodium", "BM_ed25519_verify_sodium")
    extra = 2 * (cost["BM_sr25519_group_math_sodium"] - cost["BM_ed25519_verify_sodium"])
    with lab.daemon() as daemon:
        ours = lab.deploys(daemon, "--preload", 10, "--key", "sr25519")
    return {"cpu": ours["cpu_us_per_settled"] / (floor["cpu_us_per_settled"] + extra)}


@scenario("AL", "deploy, 1 connection, 1 in flight", {
    "p50": Figure("accept p50 / floor's", 1.6, 1.15),
    "p99": Figure("accept p99 / floor's", 2, 1.3),
    "p50_us": Figure("accept p50", unit="us"),
    "settle_p50_us": Figure("settle p50", unit="us"),
})
def al(lab):
    floor = lab.limits.accept(conns=1, window=1)
    with lab.daemon() as daemon:
        ours = lab.deploys(daemon, "--preload", 10, "--conns", 1, "--window", 1, count=4000, seconds=3)
    accept = ours["accept"]["deploy"]
    return {
        "p50": accept["p50_us"] / floor["p50_us"],
        "p99": accept["p99_us"] / floor["p99_us"],
        "p50_us": accept["p50_us"],
        "settle_p50_us": ours["settle"].get("p50_us"),
    }


@scenario("AO", "open loop at half of A1's rate", {
    "p99": Figure("accept p99 / p99 of a group commit of 16 writers", 6, 2.5),
    "p99_us": Figure("accept p99", unit="us"),
}, pairs=3)
def ao(lab):
    seconds = 5 if lab.quick else 30
    with lab.daemon() as daemon:
        capacity = lab.deploys(daemon, "--preload", 10)["settled_per_s"]
        ours = lab.checked(daemon.load("--mode", "open", "--rate", capacity / 2, "--seconds", seconds, "--warmup", 1))
    disk = lab.limits.group_commit()
    return {"p99": ours["accept"]["deploy"]["p99_us"] / disk["p99_us"], "p99_us": ours["accept"]["deploy"]["p99_us"]}


@scenario("AV", "2,000 deploys of 100 twins at once, then nothing", {
    "max": Figure("longest accept / (2,000 / A1's rate)", 1.5, 1.15),
    "twins": Figure("slowest twin / median twin", 2, 2),
}, pairs=3)
def av(lab):
    with lab.daemon() as daemon:
        capacity = lab.deploys(daemon, "--preload", 10)["settled_per_s"]
        ours = lab.checked(daemon.load("--mode", "burst", "--count", 2000, "--conns", 100))
    accept = ours["accept"]["deploy"]
    if ours["errors"]:
        lab.notes.append(f"AV: refused {ours['errors']}")
    return {"max": accept["max_us"] / 1e6 / (2000 / capacity), "twins": ours["twin_spread"]}
