#!/usr/bin/env python3
"""The SDK as a stranger has it: the Debian package unpacked into a folder of its own, and nothing of the source tree.

  sdk_test.py unpack BUILD ROOT       makes the package and unpacks it
  sdk_test.py project ROOT LANGUAGE   writes a project with `trellis plugin new`, builds it and runs its tests
  sdk_test.py refusals ROOT           what `trellis plugin new` does not take
  sdk_test.py remove ROOT
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile


def run(*command, cwd=None, env=None):
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=env, text=True, capture_output=True)
    if done.returncode != 0:
        sys.exit(f"'{' '.join(map(str, command))}' failed with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def unpack(build, root):
    remove(root)
    with tempfile.TemporaryDirectory() as work:
        run("cpack", "-G", "DEB", "--config", build / "CPackConfig.cmake", "-B", work)
        packages = list(pathlib.Path(work).glob("*.deb"))
        assert len(packages) == 1, f"expected one package, got {packages}"
        fields = run("dpkg-deb", "--field", packages[0])
        assert "Package: trellis-sdk\n" in fields, fields
        assert "libboost1.81-dev" in fields and "libexpected-dev" in fields, fields
        run("dpkg-deb", "--extract", packages[0], root)


def clean_environment(root):
    """No path of the tree, no settings of this build."""
    kept = {key: os.environ[key] for key in ("HOME", "TMPDIR", "CCACHE_DIR", "RUSTUP_HOME", "CARGO_HOME") if key in os.environ}
    return kept | {"PATH": f"{root}/usr/bin:{os.environ['PATH']}", "CMAKE_PREFIX_PATH": f"{root}/usr", "LC_ALL": "C.UTF-8"}


def exported(library):
    lines = run("nm", "--dynamic", "--defined-only", library).split("\n")
    return [line.split()[-1] for line in lines if line]


def project(root, language):
    env = clean_environment(root)
    with tempfile.TemporaryDirectory() as work:
        home = pathlib.Path(work) / "my-lamp"
        run("trellis", "plugin", "new", "my-lamp", "--lang", language, cwd=work, env=env)
        if language == "rust":
            run("make", "test", cwd=home, env=env)
            run("make", "pack", cwd=home, env=env)
        else:
            run("cmake", "-G", "Ninja", "-B", "build", "-DCMAKE_CXX_COMPILER_LAUNCHER=ccache", "-DCMAKE_COMPILE_WARNING_AS_ERROR=ON",
                cwd=home, env=env)
            run("cmake", "--build", "build", cwd=home, env=env)
            run("ctest", "--test-dir", "build", "--output-on-failure", "--no-tests=error", cwd=home, env=env)
            run("cmake", "--build", "build", "--target", "pack_my-lamp", cwd=home, env=env)
        plugin = home / "build/my-lamp.trellis.so"
        symbols = exported(plugin)
        assert symbols == ["trellis_plugin_v1"], f"the plugin exports {symbols}"
        sign(plugin, env)


def sign(plugin, env):
    """What an author does with the packed plugin, and the checks of a node that trusts the author."""
    trust = plugin.parent / "trust.d"
    trust.mkdir(mode=0o755)
    plugin.parent.chmod(0o755)
    plugin.chmod(0o755)
    run("trellis", "plugin", "keygen", plugin.parent / "author", "--names", "my-*", env=env)
    (plugin.parent / "author.pub").rename(trust / "author.pub")
    run("trellis", "plugin", "sign", plugin.parent / "author", plugin, env=env)
    checks = json.loads(run("trellis", "--json", "plugin", "check", "--trust", trust, plugin, env=env))["checks"]
    assert [check["ok"] for check in checks] == [True] * 9, checks
    assert "registers what its manifest lists: 1 types" in checks[8]["text"], checks


def refusals(root):
    env = clean_environment(root)
    with tempfile.TemporaryDirectory() as work:
        taken = pathlib.Path(work) / "taken"
        taken.mkdir()
        cases = [
            (["My_Lamp"], "'My_Lamp' is no plugin name: use 1 to 32 lower-case letters, digits and '-', and begin with a letter"),
            (["lamp-"], "'lamp-' is no plugin name: put a letter or digit after each '-'"),
            (["../lamp"], "'../lamp' is no plugin name"),
            (["x" * 33], "is no plugin name"),
            (["zmachine"], "'zmachine' belongs to Trellis itself: choose another name"),
            (["test"], "'test' is a word of the compilers: choose another name"),
            (["lamp", "--lang", "go"], "there is no template for 'go': use --lang c++, c or rust"),
            (["taken"], "'taken' exists already: remove it, or choose another one with --dir"),
            (["lamp", "--dir", str(taken)], f"'{taken}' exists already"),
            (["lamp", "--dir", "/proc/nowhere/lamp"], "cannot make '/proc/nowhere/lamp'"),
        ]
        for arguments, sentence in cases:
            done = subprocess.run(["trellis", "plugin", "new", *arguments], cwd=work, env=env, text=True, capture_output=True)
            assert done.returncode == 1 and sentence in done.stderr, f"{arguments}: {done.returncode} {done.stdout}{done.stderr}"
            assert list(pathlib.Path(work).rglob("*")) == [taken], f"{arguments} left files"


def remove(root):
    shutil.rmtree(root, ignore_errors=True)


def main():
    verb, paths = sys.argv[1], [pathlib.Path(text) for text in sys.argv[2:]]
    if verb == "unpack":
        unpack(*paths)
    elif verb == "project":
        project(paths[0], sys.argv[3])
    elif verb == "refusals":
        refusals(paths[0])
    elif verb == "remove":
        remove(paths[0])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
