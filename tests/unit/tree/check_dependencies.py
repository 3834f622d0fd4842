#!/usr/bin/env python3
"""Fails on an #include that goes against the direction of the tree (docs/architecture.md, "Who may use whom")."""
import pathlib
import re
import sys

# folder -> folders whose headers it may include. The SDK is below everything.
KERNEL = {
    "base": set(),
    "json": {"base"},
    "crypto": {"base"},
    "sys": {"base"},
    "store": {"base", "sys"},
    "grid": {"base", "json", "crypto", "sys"},
    "ledger": {"base", "json", "crypto", "sys", "store", "grid"},
    "rmb": {"base", "json", "crypto", "sys", "grid"},
    "plugin": {"base", "json", "crypto", "sys", "grid"},
    "engine": {"base", "json", "crypto", "sys", "grid", "store", "ledger", "plugin"},
    "api": {"base", "json", "crypto", "sys", "grid", "store", "ledger", "plugin", "engine", "rmb"},
    "node": {"base", "json", "crypto", "sys", "grid", "store", "ledger", "plugin", "engine", "rmb", "api"},
}
# Tools see the SDK; the CLI also what a grid client needs, and the inline loader (hashes live in the plugins).
TOOLS = {
    "cli": {"base", "sys", "grid", "crypto", "rmb", "ledger", "plugin", "store", "json"},
    "load": {"base", "sys", "grid", "crypto", "rmb", "ledger", "store", "json"},
    "keeper": {"base", "sys", "plugin"},  # of plugin only the keeper's wire
    "plugin-host": {"base", "sys", "plugin"},
    "conformance": {"base", "sys", "plugin"},  # of plugin the channel to a helper process
}
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.M)


def wrong_edge(path: pathlib.PurePosixPath, target: str) -> str | None:
    parts, to = path.parts, target.split("/")
    if parts[0] == "kernel":
        if to[0] != "kernel":
            return "kernel code may include kernel and SDK headers only"
        allowed = KERNEL.get(parts[1], set()) | {parts[1]}
        return None if to[1] in allowed else f"kernel/{parts[1]} must not use kernel/{to[1]}"
    if parts[0] == "plugins":
        own = to[:2] == list(parts[:2]) or to[:2] == ["plugins", "common"] or to[0] not in ("kernel", "plugins", "tools", "tests")
        return None if own else "a plugin may include the SDK, its own folder and plugins/common only"
    if parts[0] == "tools":
        if to[0] == "tools":
            return None if to[1] == parts[1] else "tools do not share code with each other"
        if to[0] == "kernel":
            return None if to[1] in TOOLS.get(parts[1], set()) else f"tools/{parts[1]} must not use kernel/{to[1]}"
        return None
    if parts[0] == "sdk":
        return "SDK headers include SDK headers with <trellis/...> only" if to[0] in ("kernel", "plugins", "tools") else None
    return None


def main(root: pathlib.Path) -> int:
    failures, files = [], 0
    for top in ("kernel", "plugins", "tools", "sdk"):
        for file in sorted((root / top).rglob("*")):
            if file.suffix not in (".cpp", ".hpp", ".h", ".c"):
                continue
            files += 1
            relative = pathlib.PurePosixPath(file.relative_to(root).as_posix())
            for target in INCLUDE.findall(file.read_text(encoding="utf-8", errors="replace")):
                if reason := wrong_edge(relative, target):
                    failures.append(f'{relative}: #include "{target}": {reason}')
    if files == 0:
        failures.append(f"no source files below {root}")
    print("\n".join(failures) or f"{files} files, every include goes the right way")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
