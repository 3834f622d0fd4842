#!/usr/bin/env python3
"""reference.py HEADER DOCUMENT: is the reference the one that the header gives? TRELLIS_ACCEPT=1 writes it."""
import os
import pathlib
import re
import sys

INTRODUCTION = """# Reference of the plugin ABI

Made from the comments of `trellis/abi.h` by `tests/abi/reference.py`; change them there. The rules of each operation are in
[authors.md](authors.md).
"""


def words(comment):
    return re.sub(r"\s*\n \* ?", "\n", comment).strip()


def document(header):
    parts = [INTRODUCTION, words(re.match(r"/\*(.*?)\*/", header, re.S)[1]).split("\nHow to write")[0] + "\n"]
    body = header[header.index("typedef int32_t trl_status;"):header.index("#undef TRL_H")]
    for block in re.split(r"\n\n+", body):
        block = block.replace(" TRL_NOEXCEPT", "").strip()
        if block == "#define TRL_H void *ctx" or not block:
            continue
        name = re.search(r'"(trellis\.[a-z]+/\d+)"', block) or re.search(r"typedef struct (trl_\w+)|\(\*(trl_service_fn)|(trellis_plugin_v1)|(trl_service_fn)", block) or re.search(r"(trl\w+)", block)
        title = name and next(group for group in name.groups() if group)
        if block.startswith("/* ----"):
            parts.append("## Extensions\n")
        else:
            parts.append(f"## `{title}`\n\n```c\n{block}\n```\n")
    return "\n".join(parts)


def main(header, file):
    wanted = document(pathlib.Path(header).read_text(encoding="utf-8"))
    if os.environ.get("TRELLIS_ACCEPT") == "1":
        pathlib.Path(file).write_text(wanted, encoding="utf-8")
    if pathlib.Path(file).read_text(encoding="utf-8") != wanted:
        sys.exit(f"{file} is not what {header} gives: run with TRELLIS_ACCEPT=1")


if __name__ == "__main__":
    main(*sys.argv[1:])
