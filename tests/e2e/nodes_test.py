"""Two complete nodes on one wire, made by tools/nodes: a network over both, a laptop in it, a node cut off and back, a daemon killed."""
import base64
import importlib.machinery
import importlib.util
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

SOURCE = pathlib.Path(os.environ["TRELLIS_SOURCE_DIR"])


def load(name):
    """A tool as a module."""
    loader = importlib.machinery.SourceFileLoader(name, str(SOURCE / "tools" / name))
    spec = importlib.util.spec_from_loader(name, loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


tool = load("nodes")


def eventually(look, limit=60):
    end = time.monotonic() + limit
    while not (seen := look()) and time.monotonic() < end:
        time.sleep(0.1)
    return seen


class Laptop:
    """A namespace on the wire with the file that `trellis network access` printed."""

    def __init__(self, nodes, config):
        self.netns = f"{nodes.name}-laptop"
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="te-lap-", dir="/tmp"))
        tool.run("ip", "netns", "add", self.netns)
        tool.run("ip", "-n", nodes.wire, "link", "add", "laptop", "type", "veth", "peer", "name", "eth0", "netns", self.netns)
        tool.run("ip", "-n", nodes.wire, "link", "set", "laptop", "master", "wire", "up")
        self.ip("addr", "add", "10.90.0.200/24", "dev", "eth0")
        self.ip("link", "set", "eth0", "up")
        script = 'mkdir -p /var/run/wireguard && mount --bind "$0" /var/run/wireguard && exec wireguard-go -f wg0'
        self.process = subprocess.Popen(["nsenter", f"--net=/run/netns/{self.netns}", "unshare", "-m", "--propagation", "private", "sh", "-c", script, str(self.dir)],
                                        env={"PATH": os.environ["PATH"], "WG_PROCESS_FOREGROUND": "1", "LOG_LEVEL": "error"}, stderr=subprocess.DEVNULL)
        assert eventually((self.dir / "wg0.sock").exists)
        self.configure({k.strip(): v.strip() for k, v in (line.split("=", 1) for line in config.splitlines() if "=" in line)})

    def ip(self, *argv):
        tool.run("ip", "-n", self.netns, *argv)

    def configure(self, values):
        def hexed(key):
            return base64.b64decode(values[key]).hex()

        text = (f"set=1\nprivate_key={hexed('PrivateKey')}\npublic_key={hexed('PublicKey')}\nendpoint={values['Endpoint']}\n"
                f"persistent_keepalive_interval={values['PersistentKeepalive']}\n")
        ranges = [r.strip() for r in values["AllowedIPs"].split(",")]
        text += "".join(f"allowed_ip={r}\n" for r in ranges)
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(str(self.dir / "wg0.sock"))
            control.sendall(text.encode() + b"\n")
            assert control.recv(100) == b"errno=0\n\n"
        self.ip("addr", "add", values["Address"], "dev", "wg0")
        self.ip("link", "set", "wg0", "up")
        for r in ranges:
            self.ip("route", "add", r, "dev", "wg0")

    def reaches(self, address):
        return subprocess.run(["nsenter", f"--net=/run/netns/{self.netns}", "ping", "-c", "1", "-W", "2", address], capture_output=True, check=False).returncode == 0

    def close(self):
        self.process.kill()
        self.process.wait()
        subprocess.run(["ip", "netns", "del", self.netns], check=False)
        shutil.rmtree(self.dir, ignore_errors=True)


class TwoNodes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="te-", dir="/tmp")
        cls.nodes = tool.Nodes(f"te{os.getpid()}", cls.dir)
        cls.addClassCleanup(cls.nodes.down)
        cls.nodes.up(2)
        cls.nodes.deploy()
        cls.first, cls.second = cls.nodes.known()

    def test_1_machines_on_both_nodes_reach_each_other(self):
        self.nodes.check()

    def test_2_a_laptop_reaches_the_machines_of_both_nodes(self):
        contract = dict(self.nodes.contracts())[1]
        file = self.first.cli("network", "access", contract, "net")["wg_quick"]
        laptop = Laptop(self.nodes, file)
        self.addCleanup(laptop.close)

        for node in (self.first, self.second):
            self.assertTrue(eventually(lambda node=node: laptop.reaches(node.machine)), f"node {node.number}")
        self.assertEqual(self.first.cli("network", "access", contract, "net", "--show")["wg_quick"], file)
        with self.assertRaisesRegex(tool.Failed, "has no network 'other'; its networks: net"):
            self.first.cli("network", "access", contract, "other")

    def test_3_a_node_that_was_cut_off_comes_back(self):
        self.nodes.fault(2, cut=True)
        self.assertFalse(self.pings(self.second.machine))
        self.nodes.fault(2)

        self.nodes.check()
        self.assertTrue(eventually(lambda: self.answers(2)))

    def pings(self, address):
        """From the network's namespace on node 1."""
        netns = f"{self.first.dir}/netns/{self.nodes.namespace(self.first)}"
        return subprocess.run(["nsenter", f"--net={netns}", "ping", "-c", "1", "-W", "1", address], capture_output=True, check=False).returncode == 0

    def answers(self, number):
        try:
            return self.first.cli("get", dict(self.nodes.contracts())[number], "--node", number)
        except tool.Failed:
            return None  # the relays find each other again

    def test_4_machines_and_tunnels_go_on_without_their_daemon(self):
        os.kill(self.second.cli("status")["pid"], signal.SIGKILL)

        self.nodes.check()
        self.second.cli("up")
        self.assertTrue(eventually(lambda: self.answers(2)))
        self.nodes.check()

    def test_5_cancelling_from_the_other_node_removes_the_machine(self):
        contract = dict(self.nodes.contracts())[2]

        self.first.cli("cancel", contract, "--node", 2)

        self.assertEqual(self.second.cli("status")["deployments"], 0)
        self.assertFalse([p for p in (self.second.dir / "netns").glob("n-*")])


class WrongInput(unittest.TestCase):
    def test_names_what_is_wrong_and_what_to_do(self):
        nodes = tool.Nodes("te-none", "/tmp/te-no-nodes")
        for wrong in (nodes.deploy, nodes.check, lambda: nodes.fault(1)):
            with self.assertRaisesRegex(tool.Failed, "there are no nodes in '/tmp/te-no-nodes': make some with"):
                wrong()
        with self.assertRaisesRegex(tool.Failed, "1 to 50 are possible"):
            nodes.up(0)


class NothingLeft(unittest.TestCase):
    def test_after_all_nodes_are_down(self):
        self.assertFalse(os.path.exists(TwoNodes.dir))
        self.assertFalse([n for n in tool.namespaces() if n.startswith(TwoNodes.nodes.name)])


if __name__ == "__main__":
    unittest.main(testLoader=unittest.TestLoader(), defaultTest=["TwoNodes", "NothingLeft", "WrongInput"])
