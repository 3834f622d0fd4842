#!/usr/bin/env python3
"""The random soak: four clients work on forty contracts of one node, which is killed again and again; after every
restart all oracles must hold. Ends at the first finding.

  soak.py --kills 1500 [--seed S] [--minutes M] [--keep]
"""
import argparse
import random
import shutil
import signal
import subprocess
import sys
import threading
import time

import lab
import oracles
from client import Client
from operations import POINTS

SLOTS = 10  # contracts of each client
REPORT = 50  # kills between two lines
LIMIT = 180  # seconds to quiescence with forty contracts on a busy machine
IN_A_ROW = 2  # deaths before the node may finish what it was at: the third in one operation gives the operation up
KILLS = ("9",) * 14 + ("P",) * 4 + ("T",) * 2
FINDINGS = ("lost", "half-done", "leaked", "other")


class Soak:
    def __init__(self, seed, keep=False):
        self.random, self.keep = random.Random(seed), keep
        self.lab = lab.Lab(power=True, seed=seed)
        self.clients = [Client(self.lab, twin, SLOTS, self.random.randrange(1 << 31)) for twin in lab.TWINS]
        self.counts = {"SIGKILL": 0, "power loss": 0, "SIGTERM": 0, "fail point": 0}
        self.in_a_row = 0
        self.findings = {kind: [] for kind in FINDINGS}

    @property
    def kills(self):
        return sum(self.counts.values())

    @property
    def good(self):
        return not any(self.findings.values())

    def run(self, kills, minutes):
        begin, told = time.monotonic(), 0
        self.start()
        while self.kills < kills and self.good and time.monotonic() - begin < minutes * 60:
            self.round()
            if self.kills - told >= REPORT:
                told = self.kills
                print(f"soak: {self.summary()}, {time.monotonic() - begin:.0f} s", flush=True)

    def start(self):
        """Sometimes with a place to die at."""
        points = ""
        if self.in_a_row < IN_A_ROW and self.random.random() < 0.25:
            points = f"{self.random.choice(POINTS)}=kill@{self.random.randint(1, 12)}"
        while True:
            try:
                self.lab.start(points)
                return
            except lab.Gone:
                self.die_at_point()
                points = ""

    def round(self):
        """Work, death, restart, and a look at everything."""
        threads = [threading.Thread(target=client.work) for client in self.clients]
        for client in self.clients:
            client.stop = False
        for thread in threads:
            thread.start()
        try:
            self.lab.daemon.process.wait(self.random.choice((0.02, 0.1, 0.3, 0.6)) * self.random.random())
        except subprocess.TimeoutExpired:  # it lives: as it should
            pass
        for client in self.clients:  # some rounds end with idle clients
            client.stop = self.random.random() < 0.3
        self.die(threads)
        self.findings["other"] += [text for client in self.clients for text in client.complaints]
        self.recover()

    def die(self, threads=()):
        """Nobody is at work any more when the power is lost: the clients' ledger goes with it."""
        kind = self.random.choice(KILLS)
        met = self.lab.daemon.dead()
        self.counts["fail point" if met else {"9": "SIGKILL", "P": "power loss", "T": "SIGTERM"}[kind]] += 1
        self.in_a_row += 1
        if not met:
            self.lab.daemon.signal(signal.SIGTERM if kind == "T" else signal.SIGKILL)
        status = self.lab.daemon.wait_dead()
        if kind == "T" and status not in (0, -signal.SIGKILL):
            self.findings["other"].append(f"SIGTERM ended with status {status}")
        for client in self.clients:
            client.stop = True
        for thread in threads:
            thread.join()
        if kind == "P":
            self.lab.lose_power(torn=self.random.random() < 0.5)

    def recover(self):
        self.start()
        while self.in_a_row < IN_A_ROW and self.random.random() < 0.15:  # killed again while it recovers
            try:
                self.lab.daemon.process.wait(self.random.random() * 0.1)
            except subprocess.TimeoutExpired:
                pass
            self.die()
            self.start()
        try:
            self.look()
        except lab.Gone:  # a fail point that was armed at the start
            self.die_at_point()
            self.lab.start()
            self.look()
        self.in_a_row = 0

    def die_at_point(self):
        self.lab.daemon.wait_dead()
        self.counts["fail point"] += 1
        self.in_a_row += 1

    def look(self):
        for client in self.clients:
            self.findings["lost"] += client.learn()
        if self.findings["lost"]:
            return
        try:
            lab.wait_for(self.quiet, "not quiet", LIMIT, pause=0.02)
        except AssertionError:
            self.findings["half-done"] += self.differences() + oracles.restless(self.lab)
        contracts = [(m.twin, m.contract) for client in self.clients for m in client.models if m.get(self.lab) is not None]
        for kind, complaints in oracles.check_by_kind(self.lab, contracts).items():
            self.findings[kind] += complaints
        self.findings["half-done"] += [text for client in self.clients for text in client.check()]

    def differences(self):
        return [text for client in self.clients for text in client.differences()]

    def quiet(self):
        return not self.lab.daemon.call("local.status")["queue"]["all"] and not oracles.restless(self.lab) and not self.differences()

    def summary(self):
        deaths = ", ".join(f"{count} by {kind}" for kind, count in self.counts.items())
        found = ", ".join(f"{len(self.findings[kind])} {kind}" for kind in FINDINGS if self.findings[kind] or kind != "other")
        return (f"{self.kills} kills ({deaths}), {sum(c.deployed for c in self.clients)} deployments and "
                f"{sum(c.updated for c in self.clients)} updates accepted, {sum(c.live() for c in self.clients)} live now, {found}")

    def close(self):
        for kind, complaints in self.findings.items():
            for text in complaints:
                print(f"  {kind}: {text}")
        if not self.good:
            print("".join(f"    | {line}\n" for line in self.lab.log_tail(60).splitlines()))
        if not self.good and self.keep:
            kept = f"/tmp/soak-{self.lab.dir.name}"
            self.lab.kill()
            shutil.copytree(self.lab.dir, kept, ignore=shutil.ignore_patterns("*.sock", "plugins"))
            print(f"soak: everything is kept in {kept}")
        self.lab.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=1500)
    parser.add_argument("--minutes", type=float, default=24 * 60)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--keep", action="store_true", help="keep the node's folder when something is wrong")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 31)
    print(f"soak: {options.kills} kills, seed {seed}", flush=True)
    begin, soak = time.monotonic(), Soak(seed, options.keep)
    try:
        soak.run(options.kills, options.minutes)
    finally:
        soak.close()
        lab.remove_template()
    print(f"soak: {'good' if soak.good else 'FAILED'}: {soak.summary()}, {time.monotonic() - begin:.0f} s, seed {seed}")
    return 0 if soak.good else 1


if __name__ == "__main__":
    sys.exit(main())
