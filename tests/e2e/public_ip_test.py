"""Public addresses with a real daemon, its confined plugins and a real machine; the internet is a link of the grid's namespace."""
import json
import subprocess
import time
import unittest

import grid

ROUTER, FAR, FIRST, SECOND = "185.69.166.1", "198.51.100.7", "185.69.166.10", "185.69.166.11"
SEGMENT = """
[plugin.network.config.public]
parent = "segment"
prefix6 = "2001:db8:10:20::/64"
router6 = "2001:db8:10:20::1"
"""


def connect(netns):
    """The router's end of the segment, with an address that a machine reaches by its default route only."""
    for argv in (("link", "add", "router", "type", "veth", "peer", "name", "segment"), ("address", "add", f"{ROUTER}/24", "dev", "router"),
                 ("address", "add", f"{FAR}/32", "dev", "router"), ("address", "add", "2001:db8:10:20::1/64", "dev", "router", "nodad"),
                 ("link", "set", "router", "up")):
        subprocess.run(["ip", "-n", netns, *argv], check=True)


class PublicIp(unittest.TestCase):
    def setUp(self):
        self.grid = grid.Grid(connect=connect, edit=lambda text: text + SEGMENT)
        self.addCleanup(self.grid.close)
        for address in (FIRST, SECOND):
            self.grid.cli("farm", "ip", "add", f"{address}/24", ROUTER)

    def filters(self):
        """The chains of public addresses, and the map that leads there."""
        return self.grid.inside("nft", "list", "table", "bridge", "trellis").stdout

    def get(self, url, *options):
        done = subprocess.run(["nsenter", f"--net=/run/netns/{self.grid.netns}", "curl", "-sS", "-g", "-m", "3", *options, url], capture_output=True, text=True)
        return done.stdout

    def until(self, what, expected, limit=60):
        end = time.monotonic() + limit
        while (seen := what()) != expected:
            self.assertLess(time.monotonic(), end, f"{seen!r} instead of {expected!r}")
            time.sleep(0.1)

    def test_life_of_an_address(self):
        g = self.grid
        document = grid.machine()
        document["workloads"] += [{"name": "address", "type": "ip", "data": {"v4": True, "v6": True}},
                                  {"name": "spare", "type": "ip", "data": {"v4": True, "v6": False}}]
        document["workloads"][2]["data"]["network"]["public_ip"] = "address"
        deployed = g.deploy(document)
        contract, twin = deployed["contract_id"], deployed["twin_id"]
        results = {w["name"]: w["result"] for w in deployed["workloads"]}
        self.assertEqual({r["state"] for r in results.values()}, {"ok"}, results)
        address = results["address"]["data"]
        self.assertEqual((address["ip"], address["gateway"]), (f"{FIRST}/24", ROUTER))
        self.assertEqual(results["spare"]["data"], {"ip": f"{SECOND}/24", "ip6": "", "gateway": ROUTER})
        self.assertEqual([ip["contract_id"] for ip in g.cli("farm", "ip", "list")], [contract, contract])

        g.http(twin, "net", "http://10.20.2.2/")
        public4, public6 = f"http://{FIRST}/", f"http://[{address['ip6'].split('/')[0]}]/"
        self.assertIn("hello", self.get(public4))
        self.assertIn("hello", self.get(public6))
        self.assertIn("hello", self.get(public4, "--interface", FAR), "answers take the public default route")

        with self.subTest("helpers and daemon die"):
            g.kill_helpers()
            g.kill_daemon()
            self.assertIn("hello", self.get(public4))
            g.cli("up")
            self.assertEqual({w["name"]: w["result"] for w in g.cli("get", contract)["workloads"]}, results)
            self.assertIn("hello", self.get(public4))

        with self.subTest("the contract is in its grace period"):
            g.cli("contract", "grace", "start", contract)
            self.until(lambda: {w["result"]["state"] for w in g.cli("get", contract)["workloads"] if w["type"] == "ip"}, {"paused"})
            self.assertEqual(self.filters().count(": drop"), 4, "both taps, both ways")
            g.cli("contract", "grace", "end", contract)
            self.until(lambda: {w["result"]["state"] for w in g.cli("get", contract)["workloads"]}, {"ok"})
            self.until(lambda: "hello" in self.get(public4), True)

        g.cli("cancel", contract)

        self.assertEqual(g.leftovers(), [])
        self.assertNotIn("elements", self.filters())
        self.assertNotIn("chain r-", self.filters())

    def test_more_than_reserved(self):
        g = self.grid
        reserved = g.cli("contract", "list")
        document = {"workloads": [{"name": f"ip{i}", "type": "ip", "data": {"v4": True}} for i in range(3)]}
        with self.assertRaises(grid.Refused) as caught:
            g.deploy(document)
        self.assertIn("farm 1 has 2 addresses, 3 asked", caught.exception.message)
        self.assertEqual(g.cli("contract", "list"), reserved)


if __name__ == "__main__":
    unittest.main()
