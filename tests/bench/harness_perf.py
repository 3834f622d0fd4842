#!/usr/bin/env python3
"""Is the measuring itself right? Needs a machine that is not too busy; not part of the default tests.

    tests/bench/harness_perf.py BUILD
"""
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import json  # noqa: E402

import ratio  # noqa: E402
from limits import Limits  # noqa: E402

BUILD = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 else "build-bench").resolve()


def burn(rounds):
    """CPU seconds of a program that hashes so many times."""
    before = os.times()
    subprocess.run([sys.executable, "-c", "import hashlib,sys\nx=b'x'*65536\nfor _ in range(int(sys.argv[1])): hashlib.md5(x).digest()", str(rounds)], check=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


class Ratios(unittest.TestCase):
    def setUp(self):
        self.limits = Limits(BUILD, tempfile.gettempdir())

    def median(self, rounds_a, rounds_b):
        pairs, _ = ratio.collect(lambda: (burn(rounds_a), burn(rounds_b)), self.limits.verify_us, 7)
        return ratio.ratios(pairs)["median"]

    def test_two_equal_programs_are_equal(self):
        self.assertAlmostEqual(self.median(4000, 4000), 1.0, delta=0.05)

    def test_a_slowdown_by_half_is_seen(self):
        # Starting Python costs a little in both, so the programs are long.
        self.assertAlmostEqual(self.median(4000, 6000), 1.5, delta=0.1)


class Echo:
    """The echo server that a generator is measured against."""

    def __enter__(self):
        self.process = subprocess.Popen([BUILD / "bench/limit_accept", "--echo"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        return self

    def __exit__(self, *_):
        os.kill(self.process.pid, signal.SIGCONT)
        self.process.stdin.close()
        self.process.wait(10)

    def load(self, *options):
        return subprocess.Popen([BUILD / "bin/trellis-load", "--null", self.url, "--disk", tempfile.gettempdir(), *options], stdout=subprocess.PIPE, text=True)

    def bytes_read(self):
        return int(next(line.split()[1] for line in pathlib.Path(f"/proc/{self.process.pid}/io").read_text().splitlines() if line.startswith("rchar")))


class Generator(unittest.TestCase):
    def test_is_at_least_three_times_as_fast_as_the_floor(self):
        floor = Limits(BUILD, tempfile.gettempdir()).accept(seconds=2)
        with Echo() as echo:
            report = json.loads(echo.load("--count", "100000", "--seconds", "2", "--warmup", "0.3").communicate()[0])
        self.assertGreaterEqual(report["answers_per_s"], 3 * floor["per_s"])

    def test_a_stalled_server_costs_every_request_that_was_due_meanwhile(self):
        with Echo() as echo:
            load = echo.load("--mode", "open", "--rate", "1000", "--seconds", "5", "--warmup", "0.2")
            quiet = echo.bytes_read()
            while echo.bytes_read() < quiet + 4_000_000:  # about a second of requests
                time.sleep(0.01)
            os.kill(echo.process.pid, signal.SIGSTOP)
            resume = threading.Timer(1.0, os.kill, (echo.process.pid, signal.SIGCONT))
            resume.start()
            report = json.loads(load.communicate()[0])
            resume.join()
        latency = report["accept"]["deploy"]
        self.assertGreater(latency["p99_us"], 0.85e6)
        self.assertLess(latency["max_us"], 1.3e6)
        self.assertGreater(report["late"], 800)  # of the thousand that were due, those over a tenth of a second
        self.assertLess(report["late"], 1100)


if __name__ == "__main__":
    unittest.main()
