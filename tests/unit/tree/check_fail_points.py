#!/usr/bin/env python3
"""Fail points are in builds that ask for them, all of them, and in no other build any of them.

  check_fail_points.py <tree> present|absent <binary>...
"""
import pathlib
import re
import sys

PLACE = re.compile(rb'TRELLIS_(?:KILL|FAIL)_POINT\("([^"]+)"\)')
SWITCHES = {b"TRELLIS_FAIL_POINT", b"TRELLIS_FAULT_VFS", b"local.fail_point"}


def places(tree):
    """The names in the kernel's sources."""
    found = set()
    for source in sorted((tree / "kernel").rglob("*.cpp")):
        found |= set(PLACE.findall(source.read_bytes()))
    return found


def main():
    tree, wanted = pathlib.Path(sys.argv[1]), sys.argv[2]
    words = places(tree) | SWITCHES
    if len(words) < 15:
        print(f"only {len(words)} names in the sources: does the pattern still fit?")
        return 1
    bad = 0
    for binary in map(pathlib.Path, sys.argv[3:]):
        data = binary.read_bytes()
        for word in sorted(words):
            if (word in data) != (wanted == "present"):
                print(f"'{word.decode()}' is {'not ' if wanted == 'present' else ''}in {binary}")
                bad += 1
    print(f"{len(words)} names, {len(sys.argv) - 3} binaries, {bad} wrong")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
