"""C1: how fast the embedded ledger takes signed writes."""
import json
import os
import subprocess

from scenarios import Figure, scenario

WRITERS = 16


@scenario("C1", "ledger: create twin + contract, signed, 16 writers, each durable", {
    "rate": Figure("writes / group commit with equal writers, or all cores' verification, the lower", 0.5, 0.8, "high"),
    "writes_per_s": Figure("our writes", best="high", unit="/s"),
    "commit_per_s": Figure("group commit", best="high", unit="/s"),
    "verify_per_s": Figure("verification on all cores", best="high", unit="/s"),
})
def c1(lab):
    commit = lab.limits.group_commit()["per_s"]
    verify = os.cpu_count() * 1e6 / lab.limits.verify_us()
    done = subprocess.run([lab.build / "bench/bm_ledger", f"--benchmark_filter=BM_twin_and_contract/real_time/threads:{WRITERS}$",
                           "--benchmark_min_time=2", "--benchmark_format=json"], capture_output=True, text=True, check=True,
                          env={**os.environ, "TMPDIR": str(lab.dir)})
    writes = json.loads(done.stdout)["benchmarks"][0]["items_per_second"]
    return {"rate": writes / min(commit, verify), "writes_per_s": writes, "commit_per_s": commit, "verify_per_s": verify}
