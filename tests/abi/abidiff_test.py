#!/usr/bin/env python3
"""abidiff_test.py ABIDIFF OLD NEW CC FOLDER: the plugin built with the frozen header against the one built with today's.
Appended members are allowed, anything else is not; that the tool sees a change is proven with a changed header."""
import pathlib
import subprocess
import sys
import tempfile

INCOMPATIBLE = 8  # bit of abidiff's exit code
CHANGE = 4


def differences(abidiff, old, new):
    done = subprocess.run([abidiff, "--no-show-locs", old, new], text=True, capture_output=True)
    assert not done.returncode & 3, f"abidiff failed: {done.stdout}{done.stderr}"
    return done.returncode, done.stdout


def main(abidiff, old, new, compiler, folder):
    code, text = differences(abidiff, old, new)
    assert not code & INCOMPATIBLE and "removed" not in text.replace("0 Removed", ""), text
    for line in text.split("\n"):
        assert "offset changed" not in line and "type of" not in line, f"{line}\n{text}"
    folder = pathlib.Path(folder)
    with tempfile.TemporaryDirectory() as work:
        header = (folder / "abi-1.0/trellis/abi.h").read_text()
        changed = header.replace("uint32_t rank; ", "uint64_t rank; ")
        assert changed != header
        (pathlib.Path(work) / "trellis").mkdir()
        (pathlib.Path(work) / "trellis/abi.h").write_text(changed)
        other = pathlib.Path(work) / "other.so"
        subprocess.run([compiler, "-g", "-shared", "-fPIC", "-DBAD=0", "-D_GNU_SOURCE", f"-I{work}",
                        f"-I{folder}/../../sdk/include", folder / "bad/bad.c", "-o", other], check=True, capture_output=True)
        code, text = differences(abidiff, old, other)
        assert code & CHANGE and "rank" in text, f"a changed member goes unseen: {code} {text}"


if __name__ == "__main__":
    main(*sys.argv[1:])
