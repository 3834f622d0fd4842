"""Two complete nodes on two machines (namespaces) that share one ledger: in three etcd members, or over the chain endpoint of the first."""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import grid

MEMBERS = 3


def ip(*argv):
    subprocess.run(["ip", *argv], check=True, capture_output=True, text=True)


class Cluster:
    """Three members in a namespace of their own, with a bridge to which machines are connected."""

    def __init__(self):
        self.netns = f"te-hub-{os.getpid()}"
        self.machines = 0
        ip("netns", "add", self.netns)
        ip("-n", self.netns, "link", "set", "lo", "up")
        ip("-n", self.netns, "link", "add", "mid", "address", "02:00:00:00:00:01", "type", "bridge")  # else it changes with the ports
        ip("-n", self.netns, "addr", "add", "10.78.0.1/24", "dev", "mid")
        ip("-n", self.netns, "link", "set", "mid", "up")
        memory = "/dev/shm" if os.path.isdir("/dev/shm") else "/tmp"
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="te-etcd-", dir=memory))
        self.members = [self.start(i) for i in range(MEMBERS)]
        for _, ready in self.members:
            ready.settimeout(grid.PATIENCE)
            ready.recv(64)
        self.endpoints = [f"http://10.78.0.1:{self.port(i)}" for i in range(MEMBERS)]

    @staticmethod
    def port(member):
        return 2379 + 10 * member

    def start(self, i):
        ready = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify = self.dir / f"m{i}.ready"
        ready.bind(str(notify))
        client, peer = f"http://10.78.0.1:{self.port(i)}", f"http://10.78.0.1:{self.port(i) + 1}"
        everyone = ",".join(f"m{k}=http://10.78.0.1:{self.port(k) + 1}" for k in range(MEMBERS))
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "ip", "netns", "exec", self.netns, "etcd", "--name", f"m{i}", "--data-dir", self.dir / f"m{i}",
             "--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
             "--initial-cluster", everyone, "--max-txn-ops", "4096", "--logger", "zap", "--log-outputs", self.dir / f"m{i}.log"],
            env={"PATH": os.environ["PATH"], "NOTIFY_SOCKET": str(notify)})
        return process, ready

    def connect(self, netns):
        """Gives a machine an address beside the members."""
        self.machines += 1
        link = f"to{self.machines}"
        ip("-n", self.netns, "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", netns)
        ip("-n", self.netns, "link", "set", link, "master", "mid", "up")
        ip("-n", netns, "addr", "add", f"10.78.0.{10 + self.machines}/24", "dev", "eth0")
        ip("-n", netns, "link", "set", "eth0", "up")

    def kill(self, member):
        process, _ = self.members[member]
        process.send_signal(signal.SIGKILL)
        process.wait()

    def close(self):
        for process, ready in self.members:
            process.kill()
            process.wait()
            ready.close()
        subprocess.run(["ip", "netns", "del", self.netns], check=False)
        shutil.rmtree(self.dir, ignore_errors=True)


def disk(name):
    return {"workloads": [{"name": name, "type": "zmount", "data": {"size": 1 << 28}}]}


def eventually(look, limit=grid.PATIENCE):
    """Asks until it is so; the last answer."""
    end = time.monotonic() + limit
    while not (seen := look()) and time.monotonic() < end:
        time.sleep(0.05)
    return seen


class SharedLedger(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster()
        cls.addClassCleanup(cls.cluster.close)
        members = [arg for url in cls.cluster.endpoints for arg in ("--etcd", url)]
        cls.first = grid.Grid(init=members, connect=cls.cluster.connect)
        cls.addClassCleanup(cls.first.close)
        cls.second = grid.Grid(init=[*members, "--farm", "1"], connect=cls.cluster.connect)
        cls.addClassCleanup(cls.second.close)

    def test_1_both_are_nodes_of_one_farm(self):
        first, second = self.first.cli("status"), self.second.cli("status")

        self.assertEqual((first["node_id"], second["node_id"]), (1, 2))
        self.first.cli("farm", "ip", "add", "185.69.166.10/24", "185.69.166.1")
        self.assertEqual(self.second.cli("farm", "ip", "list")[0]["ip"], "185.69.166.10/24")
        twins = {t["id"] for t in self.second.cli("twin", "list")}
        self.assertLessEqual({first["twin_id"], second["twin_id"]}, twins)

    def test_2_a_name_is_given_once(self):
        self.first.cli("contract", "create", "--name", "mysite")

        with self.assertRaises(grid.Refused) as caught:
            self.second.cli("contract", "create", "--name", "mysite")
        self.assertIn("NameExists", caught.exception.message)

    def test_3_contracts_go_to_their_node(self):
        here = self.first.deploy(disk("here"))["contract_id"]
        there = self.second.deploy(disk("there"))["contract_id"]

        self.assertNotEqual(here, there)
        self.assertEqual([w["name"] for w in self.first.cli("get", here)["workloads"]], ["here"])
        self.assertEqual([w["name"] for w in self.second.cli("get", there)["workloads"]], ["there"])
        with self.assertRaises(grid.Refused):
            self.second.cli("get", here)

    def test_4_cancelling_anywhere_removes_the_deployment(self):
        contract = self.first.deploy(disk("gone"))["contract_id"]
        shutil.copy(self.first.dir / "keys/user.json", self.second.dir / "keys/guest.json")

        self.second.cli("contract", "cancel", contract, "--user", str(self.first.user_twin))

        self.assertTrue(eventually(lambda: not list(self.first.dir.glob("state/plugins/storage/pools/*/mnt/vdisks/*gone*"))))

    def test_5_nodes_go_on_when_a_member_dies(self):
        self.cluster.kill(0)

        contract = self.second.deploy(disk("after"))["contract_id"]

        self.assertEqual(self.second.cli("get", contract)["workloads"][0]["result"]["state"], "ok")


class ChainLedger(unittest.TestCase):
    """The first grid keeps its ledger and shows it as a chain; the second one's ledger is that chain."""

    @classmethod
    def setUpClass(cls):
        cls.first = grid.Grid(connect=cls.make_bridge, edit=lambda text: text.replace('facade]\nlisten = "127.0.0.1:', 'facade]\nlisten = "10.79.0.1:'))
        cls.addClassCleanup(cls.first.close)
        cls.url = cls.first.cli("status")["facade"]["url"]
        cls.second = grid.Grid(init=["--chain", cls.url, "--farm", "1"], connect=cls.join_bridge)
        cls.addClassCleanup(cls.second.close)

    @staticmethod
    def make_bridge(netns):
        ip("-n", netns, "link", "add", "mid", "address", "02:00:00:00:00:01", "type", "bridge")  # else it changes with the ports
        ip("-n", netns, "addr", "add", "10.79.0.1/24", "dev", "mid")
        ip("-n", netns, "link", "set", "mid", "up")

    @classmethod
    def join_bridge(cls, netns):
        ip("-n", cls.first.netns, "link", "add", "to2", "type", "veth", "peer", "name", "eth0", "netns", netns)
        ip("-n", cls.first.netns, "link", "set", "to2", "master", "mid", "up")
        ip("-n", netns, "addr", "add", "10.79.0.2/24", "dev", "eth0")
        ip("-n", netns, "link", "set", "eth0", "up")

    def disks(self, name):
        return list(self.second.dir.glob(f"state/plugins/storage/pools/*/mnt/vdisks/*{name}*"))

    def test_1_the_node_is_on_the_chain(self):
        status = self.second.cli("status")

        self.assertEqual((status["node_id"], status["facade"]), (2, None))
        self.assertIn(status["twin_id"], [t["id"] for t in self.first.cli("twin", "list")])

    def test_2_deployments_have_their_contracts_on_the_chain(self):
        contract = self.second.deploy(disk("far"))["contract_id"]

        self.assertEqual(self.second.cli("get", contract)["workloads"][0]["result"]["state"], "ok")
        shutil.copy(self.second.dir / "keys/user.json", self.first.dir / "keys/far.json")
        self.assertEqual([c["contract_id"] for c in self.first.cli("contract", "list", "--user", str(self.second.user_twin))], [contract])

    def test_3_cancelling_on_the_chain_removes_the_deployment(self):
        contract = self.second.deploy(disk("gone"))["contract_id"]
        self.assertTrue(self.disks("gone"))

        self.first.cli("contract", "cancel", contract, "--user", str(self.second.user_twin))

        self.assertTrue(eventually(lambda: not self.disks("gone")))

    def test_4_the_node_goes_on_without_the_chain_and_with_it_again(self):
        self.second.deploy(disk("stays"))

        self.first.cli("down")
        self.assertTrue(self.second.cli("status")["ready"])
        with self.assertRaises(grid.Refused):
            self.second.deploy(disk("early"))
        self.first.cli("up")

        self.assertTrue(eventually(self.deploys_again))
        self.assertTrue(self.disks("stays"))

    def deploys_again(self):
        try:
            return self.second.deploy(disk("again"))["contract_id"]
        except grid.Refused:
            return None  # the connection is not back yet


if __name__ == "__main__":
    unittest.main()
