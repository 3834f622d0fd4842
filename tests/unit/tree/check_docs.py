#!/usr/bin/env python3
"""Fails on a C++ example of a document that is not, line by line, in the source that compiles it: check_docs.py DOC SOURCE."""
import pathlib
import re
import sys


def lines(text):
    """Without indentation and empty lines: documents show members without their class."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def holds(source, example):
    return any(source[at:at + len(example)] == example for at in range(len(source) - len(example) + 1))


def main():
    document, source = (pathlib.Path(path).read_text() for path in sys.argv[1:3])
    examples = re.findall(r"```cpp\n(.*?)```", document, re.S)
    if not examples:
        sys.exit(f"{sys.argv[1]}: there is no example")
    for example in examples:
        if not holds(lines(source), lines(example)):
            sys.exit(f"{sys.argv[1]}: this is not in {sys.argv[2]}:\n{example}")


if __name__ == "__main__":
    main()
