#!/usr/bin/env python3
"""Measures scenarios against the floors of the same run and records everything.

    tests/bench/run.py BUILD [--scenarios A1,A10] [--pairs 7] [--out FILE] [--dir DIR] [--quick] [--against RECORD]

BUILD is a build of the bench preset. --against compares the medians with an earlier record and fails below 0.7x of it.
"""
import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import ratio  # noqa: E402
from lab import Lab  # noqa: E402
from scenarios import REGISTRY  # noqa: E402
from scenarios import accept, gateway, images, ledger, memory, micro, reads, relay, restart  # noqa: E402,F401

WORST = 0.7  # of the recorded ratio; the machine is allowed the rest


def environment(build):
    def out(*argv):
        return subprocess.run(argv, capture_output=True, text=True, cwd=HERE).stdout.strip()

    return {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "load": os.getloadavg(),
        "cpus": os.cpu_count(),
        "cpu": next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), ""),
        "kernel": os.uname().release,
        "compiler": out("c++", "--version").splitlines()[0],
        "commit": out("git", "rev-parse", "HEAD"),
        "build": str(build),
    }


def measure(lab, chosen, pairs):
    """One scenario's record."""
    wanted = 1 if lab.quick else min(pairs, chosen.pairs)
    disks, loads = [], []

    def pair():
        disks.append(lab.limits.disk())
        loads.append(os.getloadavg()[0])
        return chosen.measure(lab)

    begin = time.monotonic()
    results, canaries = ratio.collect(pair, lab.limits.verify_us, wanted, note=lambda text: print(f"  {text}", file=sys.stderr))
    record = {"what": chosen.what, "seconds": round(time.monotonic() - begin, 1), "canaries_us": canaries, "disk_syncs_per_s": disks, "load": loads,
              "figures": {}}
    for name, figure in chosen.figures.items():
        summary = ratio.summarise([result.get(name) for result in results])
        if summary is None:
            continue
        value = summary["median"]
        record["figures"][name] = {**summary, "what": figure.what, "unit": figure.unit, "bar": figure.bar, "moonshot": figure.moonshot,
                                   "best": figure.best, "bar_holds": figure.holds(value, figure.bar),
                                   "moonshot_holds": figure.holds(value, figure.moonshot)}
    return record


def show(name, record):
    print(f"{name}: {record['what']}")
    for figure in record["figures"].values():
        goal = "" if figure["bar"] is None else f"  bar {figure['bar']:g} {'holds' if figure['bar_holds'] else 'MISSED'}"
        if figure["moonshot"] is not None:
            goal += f"  moonshot {figure['moonshot']:g} {'holds' if figure['moonshot_holds'] else 'missed'}"
        print(f"  {figure['what']:<52} {figure['median']:>10.3f} {figure['unit']:<5} ({figure['min']:.3f} … {figure['max']:.3f}){goal}", flush=True)


def regressions(record, old):
    """Figures that became worse than an earlier record allows."""
    worse = []
    for name, scenario in record["scenarios"].items():
        for key, figure in scenario["figures"].items():
            before = old.get("scenarios", {}).get(name, {}).get("figures", {}).get(key)
            if not before or figure["bar"] is None or not before["median"]:
                continue
            quotient = figure["median"] / before["median"]
            change = 1 / quotient if figure["best"] == "low" and quotient else quotient
            if change < WORST:
                worse.append(f"{name} {key}: {figure['median']:.3f}, recorded {before['median']:.3f}")
    return worse


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # so that everything is taken down again
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--scenarios", default="")
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--dir", default="/var/tmp", help="a folder on the real disk")
    parser.add_argument("--quick", action="store_true", help="one short pair each, for trying things out")
    parser.add_argument("--against", type=pathlib.Path, help="an earlier record")
    options = parser.parse_args()
    names = [n for n in options.scenarios.split(",") if n] or list(REGISTRY)
    unknown = [n for n in names if n not in REGISTRY]
    if unknown:
        parser.error(f"unknown scenarios {unknown}; there are {', '.join(REGISTRY)}")
    record = {"environment": environment(options.build), "scenarios": {}, "notes": []}
    for name in names:
        with Lab(options.build, options.dir, options.quick) as lab:
            record["scenarios"][name] = measure(lab, REGISTRY[name], options.pairs)
            record["notes"] += lab.notes
        show(name, record["scenarios"][name])
        if options.out:
            options.out.write_text(json.dumps(record, indent=1) + "\n")
    for note in record["notes"]:
        print(f"note: {note}")
    worse = regressions(record, json.loads(options.against.read_text())) if options.against else []
    print("\n".join(worse), end="\n" if worse else "")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
