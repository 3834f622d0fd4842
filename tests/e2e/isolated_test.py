"""Machines whose plugin is confined too: they belong to a libvirtd of the system. Runs in a mount namespace of its own,
where the folders of that libvirtd are its own."""
import json
import os
import pathlib
import signal
import subprocess
import time
import unittest

import grid

FOLDERS = ("/run/libvirt", "/etc/libvirt", "/var/lib/libvirt", "/var/cache/libvirt", "/var/log/libvirt")


def setUpModule():
    for folder in FOLDERS:
        pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "none", folder], check=True)


PORT = 16379


def configure(text):
    return text.replace('hosting = "inline"', 'hosting = "process"') + '\n[plugin.zlogs.config]\ncompression = "none"\nbackoff_max_s = 1\n'


def streamed_machine():
    """A machine with two streams: to a Redis in its network, and to the node's own loopback."""
    document = grid.machine()
    for name, host in (("log", "10.20.2.1"), ("wrong", "127.0.0.1")):
        document["workloads"].append({"name": name, "type": "zlogs", "data": {"zmachine": "hello", "output": f"redis://u:hush@{host}:{PORT}/{name}"}})
    return document


def wait_for(what, limit=grid.PATIENCE):
    end = time.monotonic() + limit
    while not (found := what()):
        if time.monotonic() > end:
            raise AssertionError("it does not happen")
        time.sleep(0.1)  # nothing tells
    return found


class Redis:
    """A Redis in a namespace, and what its channel `log` gets."""

    def __init__(self, namespace, address, folder):
        enter = ["nsenter", f"--net={namespace}"]
        self.server = subprocess.Popen([*enter, "redis-server", "--bind", address, "--port", str(PORT), "--protected-mode", "no", "--save", "", "--user", "u", "on", ">hush", "&*", "+@all",
                                        "--dir", str(folder), "--logfile", str(folder / "redis.log")])
        client = [*enter, "redis-cli", "-h", address, "-p", str(PORT)]
        wait_for(lambda: subprocess.run([*client, "ping"], capture_output=True).stdout == b"PONG\n")
        self.output = folder / "channel"
        with self.output.open("wb") as file:
            self.client = subprocess.Popen([*client, "subscribe", "log", "wrong"], stdout=file)
        wait_for(lambda: b"wrong" in self.output.read_bytes())

    def received(self):
        return self.output.read_text(errors="replace")

    def close(self):
        for process in (self.client, self.server):
            process.kill()
            process.wait()


class IsolatedMachine(unittest.TestCase):
    def stream(self, name):
        """What a streamer says of itself."""
        try:
            return json.loads(next(self.grid.dir.glob(f"state/plugins/zlogs/*-{name}.json")).read_text())
        except (StopIteration, ValueError):
            return {"state": "", "error": ""}

    def streamers(self):
        """Process ids by workload id."""
        found = {}
        for proc in pathlib.Path("/proc").iterdir():
            try:
                argv = (proc / "cmdline").read_bytes().decode().split("\0") if proc.name.isdigit() else [""]
                if not argv[0].endswith("/trellis-logstream"):
                    continue
                files = [os.readlink(file) for file in (proc / "fd").iterdir()]
            except OSError:
                continue
            if any(file.startswith(f"{self.grid.dir}/") for file in files):  # others' grids have some too
                found[argv[2]] = int(proc.name)
        return found

    def test_does_not_notice_the_death_of_every_plugin(self):
        g = self.grid = grid.Grid(edit=configure)
        self.addCleanup(g.close)
        deployed = g.deploy(streamed_machine())
        contract, twin = deployed["contract_id"], deployed["twin_id"]
        self.assertEqual([w["result"]["state"] for w in deployed["workloads"]], ["ok"] * 5)
        inside = Redis(g.cli("network", "show", twin, "net")["netns"], "10.20.2.1", g.dir)
        self.addCleanup(inside.close)
        outside_folder = g.dir / "outside"
        outside_folder.mkdir()
        outside = Redis(f"/run/netns/{g.netns}", "127.0.0.1", outside_folder)
        self.addCleanup(outside.close)
        streamers = self.streamers()
        self.assertEqual(len(streamers), 2)
        for pid in streamers.values():
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            self.assertNotIn("Uid:\t0", status)
            self.assertIn("CapEff:\t0000000000000000", status)
        self.assertTrue(json.loads(g.http(twin, "net", "http://10.20.2.2/"))["data"]["mounted"])
        before = g.machine_pids()

        helpers = g.kill_helpers()

        self.assertLessEqual({"flist", "network", "storage", "zmachine", "zmount"}, set(helpers))
        self.assertEqual(g.machine_pids(), before, "the machine must not notice")
        g.wait_for_helpers(helpers)
        self.assertEqual(json.loads(g.http(twin, "net", "http://10.20.2.2/"))["hostname"], "hello")
        self.assertEqual(self.streamers(), streamers, "the streams must not notice")

        g.http(twin, "net", "http://10.20.2.2/first")
        wait_for(lambda: '"/first"' in inside.received())
        for pid in streamers.values():
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: set(self.streamers()) == set(streamers) and not set(self.streamers().values()) & set(streamers.values()))
        g.http(twin, "net", "http://10.20.2.2/second")
        wait_for(lambda: '"/second"' in inside.received())
        wait_for(lambda: self.stream("log")["state"] == "connected")
        self.assertIn("refused", wait_for(lambda: self.stream("wrong")["error"]), "the node's loopback is another one")
        self.assertNotIn('"/', outside.received())

        g.cli("cancel", contract)

        self.assertEqual(g.leftovers(), [])
        self.assertEqual(self.streamers(), {})


if __name__ == "__main__":
    unittest.main(verbosity=2)
