"""The limit programs, as Python sees them."""
import json
import pathlib
import subprocess


class Limits:
    def __init__(self, build, dir):
        self.bench = pathlib.Path(build).resolve() / "bench"
        self.dir = dir  # on the disk that the daemon uses

    def _rows(self, program, *options):
        done = subprocess.run([self.bench / program, *map(str, options), "--json"], capture_output=True, text=True, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def accept(self, workloads=1, conns=8, window=8, seconds=2.0):
        """The end-to-end floor of one case."""
        return self._rows("limit_accept", self.dir, "--workloads", workloads, "--conns", conns, "--window", window, "--seconds", seconds)[0]

    def cpu(self, *names):
        """Microseconds of CPU operations, by name."""
        wanted = "|".join(f"{name}$" for name in names)
        done = subprocess.run([self.bench / "limit_cpu", f"--benchmark_filter={wanted}", "--benchmark_min_time=0.05", "--benchmark_repetitions=5",
                               "--benchmark_format=json"], capture_output=True, text=True, check=True)
        rows = json.loads(done.stdout)["benchmarks"]
        return {row["run_name"]: row["cpu_time"] / 1e3 for row in rows if row.get("aggregate_name") == "median"}

    def verify_us(self):
        """The CPU canary."""
        return self.cpu("BM_ed25519_verify_sodium")["BM_ed25519_verify_sodium"]

    def disk(self):
        """The disk canary: syncs a second."""
        return self._rows("limit_disk", self.dir, "--only", "canary", "--seconds", 1)[0]["per_s"]

    def group_commit(self):
        return self._rows("limit_disk", self.dir, "--only", "group16", "--seconds", 2)[0]

    def restore(self, count):
        """Seconds of the three restart floors for `count` deployments."""
        rows = self._rows("limit_restore", self.dir, count)
        return {row["name"].split("/")[1]: row["ms"] / 1e3 for row in rows}

    def round_trip(self):
        return next(row for row in self._rows("limit_ipc", "--seconds", 1) if row["name"] == "unix_round_trip_2k")

    def echo(self, conns=8, window=16):
        for row in self._rows("limit_ipc", "--seconds", 1):
            if row["name"] == f"websocket_echo/conns:{conns}/window:{window}":
                return row
        raise KeyError(conns)
