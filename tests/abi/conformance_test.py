#!/usr/bin/env python3
"""trellis-conformance over plugins that break one rule each, and over all that keep them.

  conformance_test.py proves TOOL BAD_PLUGINS SAMPLES   every check is failed by the plugin made for it, and by it alone
  conformance_test.py keeps TOOL [--samples F|--pure] PLUGIN…   no check is failed
  conformance_test.py refuses TOOL                      what the tool does not take
"""
import pathlib
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

# What the plugin of a check is told, in part.
SAYS = {
    1: "the library exports 2 symbols: ",
    2: "the plugin 'somebody' is in the file 'bad-2.trellis.so'",
    3: "a mandatory operation of 'text' is NULL",
    4: "create with {} answered INVALID without a text",
    5: "the process died of SIGABRT during create with []",
    6: "'config.size' is not known",
    7: "the process died of SIGABRT during valid of 'text' with []",
    8: "challenge of 'text' wrote other bytes for the same data",
    9: "capacity of 'text' answered INVALID for",
    10: "the process died of SIGSEGV during create",
    11: "the process died of SIGSEGV during create",
    12: "challenge of 'text' went on writing after the sink had refused",
    13: "the process died of SIGSEGV during provision of 'text'",
    14: "the process died of SIGABRT during ",
    15: "descriptors instead of",
    16: "1 threads of the plugin went on after stop",
    17: "the plugin called trl_host.log after stop had returned",
    18: "the second provision of 'text' answered EXISTS: it is there already",
    19: "deprovision of 'text' with an unknown id answered NOT_FOUND: there is no such thing",
    20: "the second deprovision of 'text' answered NOT_FOUND",
    21: "inspect of 'text' of an unknown id answered NOT_FOUND with state 3",
    22: "list_owned of 'text' still names '7-9-sample' after deprovision",
    23: "deprovision of 'text' with a handle of an older schema answered INVALID",
    24: "update of 'text' to the same data answered CONFLICT",
    25: "pause of 'text' of an unknown id answered OK",
    26: "provision of 'text' ran on for 1 s after it was cancelled",
    27: "while 'text' was provisioned its challenge was another one",
    28: "create in a helper process failed: ",
    29: "challenge 'apart'",
    30: "what 'text' made before its process was killed is still there after deprovision",
}
CHECKS = len(SAYS)


def tool(*command):
    done = subprocess.run([str(part) for part in command], text=True, capture_output=True, timeout=500)
    return done.returncode, done.stdout, done.stderr


def failures(output):
    """{check: (did, wants)} of TAP output."""
    found = re.findall(r"^not ok \d+ - C(\d+) .*\n  ---\n  did: (.*)\n  wants: (.*)\n  \.\.\.", output, re.M)
    return {int(number): (did, wants) for number, did, wants in found}


def prove(tool_path, folder, samples, number):
    plugin = pathlib.Path(folder) / f"bad-{number}.trellis.so"
    only = ["--only", f"C{number:02}"] if number else []
    hurry = ["--patience", 1] if number == 26 else []  # that plugin is waited for in vain
    code, out, err = tool(tool_path, *hurry, "--samples", samples, *only, plugin)
    bad = failures(out)
    if number == 0:
        return [] if code == 0 and not bad else [f"bad-0: {code} {out}{err}"]
    if code != 1 or list(bad) != [number]:
        return [f"bad-{number} ends with {code}: {out}{err}"]
    did, wants = bad[number]
    return [] if SAYS[number] in did and wants else [f"bad-{number}: '{did}' lacks '{SAYS[number]}'"]


def proves(tool_path, folder, samples):
    code, out, _ = tool(tool_path, "--pure", pathlib.Path(folder) / "bad-0.trellis.so")
    assert out.startswith(f"TAP version 13\n1..{CHECKS}\n"), f"this test knows {CHECKS} checks: {out}"
    assert code == 1 and list(failures(out)) == [8, 12], f"without samples: {out}"  # which ask for them
    with ThreadPoolExecutor(2) as pool:
        wrong = sum(pool.map(lambda number: prove(tool_path, folder, samples, number), range(CHECKS + 1)), [])
    assert not wrong, "\n".join(wrong)


def keeps(tool_path, *arguments):
    options, plugins = list(arguments[:2]), arguments[2:]
    if options[0] == "--pure":
        options, plugins = ["--pure", *arguments[1:2]], arguments[2:]
    wrong = []
    for plugin in plugins:
        code, out, err = tool(tool_path, *options, plugin)
        if code != 0:
            wrong.append(f"{plugin}: {code}\n{out}{err}")
    assert plugins and not wrong, "\n".join(wrong)


def refuses(tool_path):
    code, _, err = tool(tool_path, "/nowhere/lamp.trellis.so")
    assert code == 2 and "'/nowhere/lamp.trellis.so': No such file or directory" in err, err
    code, _, err = tool(tool_path, "--samples", "/nowhere.json", tool_path)
    assert code == 2 and "'/nowhere.json' cannot be read" in err, err
    code, _, err = tool(tool_path, "--plugin-host", "/nowhere/host", tool_path)
    assert code == 2 and "'/nowhere/host' is not there: name it with --plugin-host" in err, err
    code, out, _ = tool(tool_path, "--pure", "--only", "C01", __file__)
    assert code == 1 and "the file is no 64-bit ELF library" in out, out


if __name__ == "__main__":
    {"proves": proves, "keeps": keeps, "refuses": refuses}[sys.argv[1]](*sys.argv[2:])
