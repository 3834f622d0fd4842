#!/usr/bin/env python3
"""Times of a machine against the floor, in one run:

  V1  job start -> state ok             against `virsh create` of the same XML
  V2  job start -> init line on console against raw QEMU with the same flags
  M1  resident memory of the idle daemon with all plugins

    tests/bench/machine.py BUILD_DIR [ROUNDS]

Root; makes a grid of its own in a temporary folder and a namespace, and removes it.
"""
import json
import os
import pathlib
import re
import select
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
os.environ["TRELLIS_BUILD_DIR"] = str(pathlib.Path(sys.argv[1]).resolve())
os.environ["TRELLIS_SOURCE_DIR"] = str(ROOT)
sys.path.insert(0, str(ROOT / "tests/e2e"))
import grid  # noqa: E402

ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 5
INIT_LINE = b"trellis-init "


def wait_for_line(path, since, limit=120):
    """Seconds from `since` until the console shows the init line."""
    while time.monotonic() - since < limit:
        if path.exists() and INIT_LINE in path.read_bytes():
            return time.monotonic() - since
        select.select([], [], [], 0.005)  # a file has no readiness; 5 ms is the resolution of this figure
    raise AssertionError(f"no init line in {path}")


def base_and_machine():
    full = grid.machine()
    base = dict(full, workloads=[w for w in full["workloads"] if w["type"] != "zmachine"])
    return base, full


def ours(g):
    """(state ok, init line) of a machine that joins a network and a disk that are there."""
    base, full = base_and_machine()
    deployed = g.deploy(base)
    contract, twin = deployed["contract_id"], deployed["twin_id"]
    console = g.dir / f"state/plugins/zmachine/{twin}-{contract}-hello/console.log"
    start = time.monotonic()
    update = subprocess.Popen(g._argv(("update", "-", "--contract", contract)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    update.stdin.write(json.dumps(full))
    update.stdin.close()
    init = wait_for_line(console, start)
    update.stdout.read()
    assert update.wait() == 0
    return contract, twin, init


def state_ok_seconds(g):
    """Job start to state ok, by the daemon's own event stream."""
    base, full = base_and_machine()
    contract = g.deploy(base)["contract_id"]
    socket_path = str(g.dir / "run/control.sock")
    watcher = subprocess.Popen(["nsenter", f"--net=/run/netns/{g.netns}", sys.executable, "-c", f'''
import json, socket, sys, time
s = socket.socket(socket.AF_UNIX); s.connect({socket_path!r})
s.sendall(b'{{"id":1,"cmd":"local.events","payload":{{"contract":{contract}}}}}\\n')
buffer = b""
while True:
    buffer += s.recv(65536)
    while b"\\n" in buffer:
        line, buffer = buffer.split(b"\\n", 1)
        event = json.loads(line).get("event")
        if event is None:
            print("watching", flush=True)
        elif event["state"] == "started":
            start = time.monotonic()
        elif event["name"] == "hello" and event["state"] == "ok":
            print(time.monotonic() - start, flush=True)
            sys.exit()
'''], stdout=subprocess.PIPE, text=True)
    assert watcher.stdout.readline().strip() == "watching"
    update = subprocess.Popen(g._argv(("update", "-", "--contract", contract)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    update.stdin.write(json.dumps(full))
    update.stdin.close()
    seconds = float(watcher.stdout.readline())
    update.stdout.read()
    assert update.wait() == 0
    watcher.wait()
    return contract, seconds


def domain_xml(g):
    """The XML of the running machine, as libvirt notes it."""
    status = next((g.dir / "run/plugins/zmachine").glob("lv/run/qemu/*-hello.xml")).read_text()
    xml = re.search(r"<domain .*</domain>", status, re.S).group(0)
    return re.sub(r"<seclabel.*?(/>|</seclabel>)", "", re.sub(r"<alias [^>]*/>", "", xml), flags=re.S)


def virsh_create(xml, name, rounds):
    """Seconds of `virsh create`, the driver warmed by a first one."""
    root = tempfile.mkdtemp(prefix="tv", dir="/tmp")
    os.makedirs(f"{root}/etc")
    pathlib.Path(f"{root}/etc/qemu.conf").write_text('user = "root"\ngroup = "root"\ndynamic_ownership = 0\nremember_owner = 0\nnamespaces = [ ]\n'
                                                     'cgroup_controllers = [ ]\nsecurity_driver = "none"\nstdio_handler = "file"\n')
    file = f"{root}/domain.xml"
    pathlib.Path(file).write_text(xml)
    script = "; ".join([f"create {file}; destroy {name}"] * (rounds + 1))
    out = subprocess.run(["virsh", "-t", "-q", "-c", f"qemu:///embed?root={root}", script], capture_output=True, text=True, check=True).stdout
    times = [float(t) / 1000 for t in re.findall(r"\(Time: ([\d.]+) ms\)", out)]
    subprocess.run(["rm", "-rf", root], check=True)
    return times[0::2][1:]


def raw_command(argv, g, tap, work):
    """The machine's own command line, without what only libvirt can pass."""
    out, skip = [], False
    for i, word in enumerate(argv):
        if skip:
            skip = False
            continue
        following = argv[i + 1] if i + 1 < len(argv) else ""
        if word == "-S":
            continue
        if word == "-add-fd" or (word == "-object" and "secret" in following) or (word == "-mon"):
            skip = True
            continue
        if word == "-chardev" and "charmonitor" in following:
            skip = True
            continue
        if word.startswith("socket,id=charserial0"):
            word = f"file,id=charserial0,path={work}/console.log"
        if word.startswith("socket,id=chr-vu-fs0"):
            word = f"socket,id=chr-vu-fs0,path={work}/fs.sock"
        if word.startswith('{"type":"tap"'):
            word = json.dumps({"type": "tap", "ifname": tap, "script": "no", "downscript": "no", "id": "hostnet0"})
        out.append(word)
    return out


def raw_qemu(argv, g, tap, root, rounds):
    times = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="tq", dir="/tmp") as work:
            inside = ["nsenter", f"--net=/run/netns/{g.netns}"]
            start = time.monotonic()
            fs = subprocess.Popen([*inside, "/usr/lib/qemu/virtiofsd", f"--socket-path={work}/fs.sock", "-o", f"source={root},xattr"],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while not pathlib.Path(work, "fs.sock").exists():
                select.select([], [], [], 0.002)
            vm = subprocess.Popen([*inside, *raw_command(argv, g, tap, work)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            try:
                times.append(wait_for_line(pathlib.Path(work, "console.log"), start))
            finally:
                vm.kill()
                vm.wait()
                fs.kill()
                fs.wait()
    return times


def report(name, mine, floor, bar):
    ratio = statistics.median(mine) / statistics.median(floor)
    print(f"{name}: ours {statistics.median(mine):.3f} s (min {min(mine):.3f}, max {max(mine):.3f}), "
          f"floor {statistics.median(floor):.3f} s (min {min(floor):.3f}, max {max(floor):.3f}), ratio {ratio:.2f} (bar {bar})")


def main():
    g = grid.Grid()
    try:
        rss = int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{g.daemon_pid}/status").read_text()).group(1))
        print(f"M1: idle daemon {rss / 1024:.1f} MiB resident with {len(g.cli('plugin', 'list'))} plugins (bar 32)")
        g.cli("cancel", g.deploy(grid.machine())["contract_id"])  # the driver looks at the emulator once
        ok, init = [], []
        for _ in range(ROUNDS):
            contract, seconds = state_ok_seconds(g)
            ok.append(seconds)
            g.cli("cancel", contract)
        for i in range(ROUNDS):
            contract, twin, seconds = ours(g)
            init.append(seconds)
            if i + 1 < ROUNDS:
                g.cli("cancel", contract)
        xml, name = domain_xml(g), f"{twin}-{contract}-hello"
        pid = g.machine_pids()[name]
        argv = [a.decode() for a in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]]
        tap = re.search(r"<target dev='(t-[^']+)'", xml).group(1)
        root = re.search(r"<filesystem.*?<source dir='([^']+)'", xml, re.S).group(1)
        g.cli("down")
        os.kill(pid, 9)
        floor_ok = in_namespace(g, xml, name)
        floor_init = raw_qemu(argv, g, tap, root, ROUNDS)
        report("V1 job start -> ok / virsh create", ok, floor_ok, 1.3)
        report("V2 job start -> init line / raw QEMU", init, floor_init, 1.3)
    finally:
        g.close()


def in_namespace(g, xml, name):
    """virsh_create inside the grid's network namespace, where the tap is."""
    code = f"import sys; sys.argv=['machine.py', {sys.argv[1]!r}]; sys.path.insert(0, {str(ROOT / 'tests/bench')!r}); import machine, json; print(json.dumps(machine.virsh_create({xml!r}, {name!r}, {ROUNDS})))"
    done = subprocess.run(["nsenter", f"--net=/run/netns/{g.netns}", sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
