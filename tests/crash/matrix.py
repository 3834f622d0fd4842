#!/usr/bin/env python3
"""The crash matrix: every operation x every place to die x SIGKILL and power loss.

  matrix.py --all              all cases
  matrix.py --short [--seed S] a covering part: every place and every operation with both kills
  matrix.py --only 'add step.after_intent 9'
"""
import argparse
import concurrent.futures
import itertools
import random
import sys
import time

import bench
import lab
from operations import KILLS, OPERATIONS, POINTS


def all_cases():
    return list(itertools.product(OPERATIONS, POINTS, KILLS))


def short_cases(seed):
    """Every (place, kill) once and every (operation, kill) at least once, the partners by chance."""
    chance = random.Random(seed)
    cases = set()
    for kill in KILLS:
        operations = list(OPERATIONS)
        chance.shuffle(operations)
        for place, operation in itertools.zip_longest(POINTS, operations, fillvalue=None):
            operation = operation or chance.choice(list(OPERATIONS))
            cases.add((operation, place or chance.choice(POINTS), kill))
        for place in POINTS:  # and where the operation really comes by
            willing = [name for name, kind in OPERATIONS.items() if place not in kind.unreached]
            cases.add((chance.choice(willing), place, kill))
    return sorted(cases)


def run(cases, seed, jobs, hosting):
    failed, slowest = [], (0, "")
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        running = {pool.submit(run_one, case, seed, hosting): case for case in cases}
        for future in concurrent.futures.as_completed(running):
            complaints, log, seconds = future.result()
            name = " ".join(running[future])
            slowest = max(slowest, (seconds, name))
            if complaints:
                failed.append(name)
                print(f"FAILED {name} ({seconds:.1f} s)")
                print("".join(f"  {text}\n" for text in complaints) + "".join(f"    | {line}\n" for line in log.splitlines()), flush=True)
    return failed, slowest


def run_one(case, seed, hosting):
    return bench.Bench(*case, seed=seed, hosting=hosting).run()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--jobs", type=int, default=4, help="cases at once; most of their time is waiting")
    parser.add_argument("--hosting", default="inline", choices=("inline", "process"), help="where the plugin runs")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 31)
    cases = short_cases(seed) if options.short else all_cases()
    cases = [case for case in cases if options.only in " ".join(case)]
    begin = time.monotonic()
    print(f"crash matrix: {len(cases)} cases, seed {seed}", flush=True)
    try:
        failed, slowest = run(cases, seed, options.jobs, options.hosting)
    finally:
        lab.remove_template()
    print(f"crash matrix: {len(cases) - len(failed)} of {len(cases)} cases hold, {time.monotonic() - begin:.0f} s, "
          f"slowest {slowest[0]:.1f} s ({slowest[1]}), seed {seed}")
    return 1 if failed or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
