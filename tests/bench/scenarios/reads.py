"""S, T, U, D, G, L, X: flatness, changes of what is stored, and questions about it."""
from scenarios import Figure, scenario

SERIALIZED_BYTES = 3666  # of the reference document, which the serialize limit is measured with


def limits(lab):
    """Microseconds of one verify, one sign, and of serializing one byte."""
    cost = lab.limits.cpu("BM_ed25519_verify_sodium", "BM_ed25519_sign_sodium", "BM_json_serialize")
    return cost["BM_ed25519_verify_sodium"], cost["BM_ed25519_sign_sodium"], cost["BM_json_serialize"] / SERIALIZED_BYTES


def ask(lab, daemon, kind, count=20000, conns=8):
    """A closed loop of one kind of question about what is stored."""
    count = count // 4 if lab.quick else count
    return lab.checked(daemon.load("--mix", kind, "--count", count, "--seconds", 5, "--warmup", 0.1, "--conns", conns))


def preload(lab, daemon, count, workloads=1):
    """Stores `count` more deployments; the report of the few that are measured with it is dropped."""
    daemon.load("--preload", count, "--workloads", workloads, "--mix", "version", "--count", 4000, "--seconds", 1, "--warmup", 0.01)


@scenario("U", "update of one of 10 workloads, of one more, of one less", {
    "one": Figure("CPU of changing one / A1", 1.5, 1.1),
    "add": Figure("CPU of adding one / A1", 1.5, 1.1),
    "remove": Figure("CPU of removing one / A1", 1.5, 1.1),
}, pairs=3)
def u(lab):
    count = 500 if lab.quick else 2500
    with lab.daemon() as daemon:
        base = lab.deploys(daemon, "--preload", 10)["cpu_us_per_settled"]
    result = {}
    for change in ("one", "add", "remove"):
        with lab.daemon() as daemon:
            ours = lab.checked(daemon.load("--preload", count, "--workloads", 10, "--mix", "update", "--change", change, "--count", count,
                                           "--seconds", 10, "--warmup", 0.1))
        result[change] = ours["cpu_us_per_settled"] / base
    return result


@scenario("D", "delete of 10 workloads", {
    "cpu": Figure("CPU / A10", 1.0, 0.5),
}, pairs=3)
def d(lab):
    count = 500 if lab.quick else 2500
    with lab.daemon() as daemon:
        base = lab.deploys(daemon, "--preload", 10, workloads=10)["cpu_us_per_settled"]
    with lab.daemon() as daemon:
        ours = lab.checked(daemon.load("--preload", count, "--workloads", 10, "--mix", "delete", "--count", count, "--seconds", 20, "--warmup", 0.05))
    return {"cpu": ours["cpu_us_per_settled"] / base}


@scenario("G", "get by contract, 10 workloads", {
    "cpu": Figure("CPU / (verify + sign + serialize)", 1.6, 1.15),
    "cpu_us": Figure("CPU of one get", unit="us"),
    "bytes": Figure("size of an answer", unit="B"),
})
def g(lab):
    verify, sign, serialize = limits(lab)
    with lab.daemon() as daemon:
        preload(lab, daemon, 100, workloads=10)
        ours = ask(lab, daemon, "get")
    size = ours["answer_bytes"] / ours["accepted"]
    return {"cpu": ours["cpu_us_per_answer"] / (verify + sign + size * serialize), "cpu_us": ours["cpu_us_per_answer"], "bytes": size}


@scenario("L", "list of a twin with 100 deployments; changes of 100 entries", {
    "list": Figure("bytes served per CPU second / serialize limit", 0.3, 0.7, "high"),
    "changes": Figure("the same for changes of 100 entries", 0.3, 0.7, "high"),
    "list_bytes": Figure("size of a list", unit="B"),
})
def l(lab):
    _, _, serialize = limits(lab)
    with lab.daemon() as daemon:
        preload(lab, daemon, 800)
        listed = ask(lab, daemon, "list", count=800)
    with lab.daemon() as daemon:
        preload(lab, daemon, 80, workloads=50)  # init and ok of each make 100 entries
        changes = ask(lab, daemon, "changes", count=800)
    rate = {}
    for name, report in (("list", listed), ("changes", changes)):
        rate[name] = report["answer_bytes"] / report["cpu_us"] * serialize
    return {**rate, "list_bytes": listed["answer_bytes"] / listed["accepted"]}


@scenario("S", "with 10, 10,000 and 100,000 deployments stored", {
    **{f"{what}_{count}": Figure(f"{what} with {count} stored / with 10", bar, moonshot)
       for what in ("deploy", "get", "list", "statistics")
       for count, bar, moonshot in ((10000, None, None), (100000, 1.3, 1.05))},
    "statistics_version": Figure("X: statistics with 100,000 stored / version request", 1.3, 1.05),
    "preload_per_s": Figure("deployments stored per second on the way", unit="/s"),
}, pairs=1)
def s(lab):
    # Some twins hold the many, another one the hundred that are listed, so that the list itself stays as long.
    def look(daemon):
        return {
            "get": lab.checked(daemon.load("--mix", "get", "--count", 20000, "--preload", 100, "--seconds", 5, "--warmup", 0.1))["cpu_us_per_answer"],
            "list": lab.checked(daemon.load("--key", "sr25519", "--mix", "list", "--count", 3000, "--seconds", 5, "--warmup", 0.05, "--conns", 1))["cpu_us_per_answer"],
            "statistics": ask(lab, daemon, "statistics")["cpu_us_per_answer"],
            "version": ask(lab, daemon, "version")["cpu_us_per_answer"],
            "deploy": lab.deploys(daemon, count=4000, seconds=5)["cpu_us_per_settled"],
        }

    steps = (10, 1000, 3000) if lab.quick else (10, 10000, 100000)
    seen = []
    with lab.daemon() as daemon:
        daemon.load("--key", "sr25519", "--preload", 10, "--mix", "version", "--count", 2000, "--seconds", 1, "--warmup", 0.01, "--conns", 1)
        stored = 10
        for step in steps:
            if step > stored:
                preload(lab, daemon, step - stored)
            seen.append(look(daemon))
            stored = daemon.call("local.status")["deployments"]
    result = {f"{what}_{count}": at[what] / seen[0][what]
              for count, at in ((10000, seen[1]), (100000, seen[2])) for what in ("deploy", "get", "list", "statistics")}
    return {**result, "statistics_version": seen[2]["statistics"] / seen[2]["version"]}


@scenario("T", "one deployment with 10, 1,000 and 10,000 updates behind it", {
    "get": Figure("get after 10,000 / after 10", 1.3, 1.05),
    "update": Figure("update after 10,000 / after 10", 1.3, 1.05),
    "get_1000": Figure("get after 1,000 / after 10"),
    "update_1000": Figure("update after 1,000 / after 10"),
    "changes": Figure("changes after 10,000 / after 1,000 (its length is bounded)", 1.3, 1.05),
}, pairs=1)
def t(lab):
    probes = (10, 200, 600) if lab.quick else (10, 1000, 10000)
    with lab.daemon() as daemon:
        first, middle, last = daemon.load("--mode", "chain", "--probes", ",".join(map(str, probes)), "--workloads", 2)
    return {
        "get": last["get_cpu_us"] / first["get_cpu_us"],
        "update": last["update_cpu_us"] / first["update_cpu_us"],
        "get_1000": middle["get_cpu_us"] / first["get_cpu_us"],
        "update_1000": middle["update_cpu_us"] / first["update_cpu_us"],
        "changes": last["changes_cpu_us"] / middle["changes_cpu_us"],
    }
