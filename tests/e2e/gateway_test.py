"""A public name on a node with a real daemon, its confined plugins, and a real proxy."""
import json
import subprocess
import time
import unittest

import grid

NODE, BACKEND = "10.60.0.1", "10.50.0.1"
SERVER = """
import http.server, sys
class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(sys.argv[2].encode())
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer((sys.argv[1], 8080), Hello).serve_forever()
"""


class Gateway(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.grid = grid.Grid()
        cls.addClassCleanup(cls.grid.close)
        for address in (NODE, BACKEND):
            cls.grid.inside("ip", "address", "add", f"{address}/32", "dev", "lo")
        cls.serve(f"/run/netns/{cls.grid.netns}", BACKEND, "hello")
        cls.grid.cli("node", "public-config", "--ip4", f"{NODE}/24", "--gw4", "10.60.0.254", "--domain", "gw.example.com")
        (cls.grid.dir / "authority.pem").write_text(cls.grid.cli("gateway", "authority"))

    @classmethod
    def serve(cls, namespace, address, text):
        backend = subprocess.Popen(["nsenter", f"--net={namespace}", "python3", "-c", SERVER, address, text])
        cls.addClassCleanup(backend.wait)
        cls.addClassCleanup(backend.kill)

    def get(self, domain):
        """Body and status of a request that trusts the node's own authority only."""
        done = subprocess.run(["nsenter", f"--net=/run/netns/{self.grid.netns}", "curl", "-s", "-m", "60", "--cacert", str(self.grid.dir / "authority.pem"),
                               "-w", "|%{http_code}", "--connect-to", f"::{NODE}:", f"https://{domain}/"], capture_output=True, text=True)
        return done.stdout

    def until(self, what, expected, limit=grid.PATIENCE):
        end = time.monotonic() + limit
        while (seen := what()) != expected:
            self.assertLess(time.monotonic(), end, f"{seen} instead of {expected}")
            time.sleep(0.1)

    def deploy(self, name, address=BACKEND, network=None):
        """Waits for the public configuration's way from the ledger to the plugin."""
        data = {"name": name, "backends": [f"http://{address}:8080"]} | ({"network": network["name"]} if network else {})
        document = {"workloads": ([network] if network else []) + [{"name": "web", "type": "gateway-name-proxy", "data": data}]}
        end = time.monotonic() + grid.PATIENCE
        while True:
            try:
                return self.grid.deploy(document)["contract_id"]
            except grid.Refused as refused:
                self.assertIn("no public configuration", refused.message)
                self.assertLess(time.monotonic(), end, refused.message)

    def state(self, contract):
        result = self.grid.cli("get", contract)["workloads"][0]["result"]
        return result["state"], result["message"]

    def test_life_of_a_name(self):
        reserved = self.grid.cli("contract", "create", "--name", "shop")["contract_id"]
        contract = self.deploy("shop")
        self.assertEqual(self.grid.cli("get", contract)["workloads"][0]["result"]["data"], {"fqdn": "shop.gw.example.com"})
        self.assertEqual(self.get("shop.gw.example.com"), "hello|200")
        route = self.grid.cli("gateway", "list")[0]
        self.assertEqual((route["fqdn"], route["requests"]), ("shop.gw.example.com", 1))

        with self.subTest("the daemon dies"):
            self.grid.kill_daemon()
            self.assertEqual(self.get("shop.gw.example.com"), "hello|200")
            self.grid.cli("up")
            self.assertEqual(self.state(contract)[0], "ok")
            self.assertEqual(self.get("shop.gw.example.com"), "hello|200")

        with self.subTest("the name is given up"):
            self.grid.cli("contract", "cancel", reserved)
            self.until(lambda: self.state(contract)[0], "error")
            self.assertEqual(self.state(contract)[1],
                             "failed to verify name contract: a name contract with the given name must be reserved first")
            self.until(lambda: self.get("shop.gw.example.com"), "|000")

        self.grid.cli("cancel", contract)
        self.assertEqual(self.grid.cli("gateway", "list"), [])

    def test_private_backend(self):
        self.grid.cli("contract", "create", "--name", "private")
        network = grid.machine()["workloads"][0]
        contract = self.deploy("private", "10.20.2.1", network)
        inside = self.grid.cli("network", "show", self.grid.user_twin, network["name"])["netns"]
        self.serve(inside, "10.20.2.1", "private")
        self.until(lambda: self.get("private.gw.example.com"), "private|200")

        with self.subTest("every plugin dies"):
            self.grid.wait_for_helpers(self.grid.kill_helpers())
            self.assertEqual(self.get("private.gw.example.com"), "private|200")

        self.grid.cli("cancel", contract)
        self.assertEqual(self.grid.leftovers(), [])

    def test_name_of_nobody(self):
        with self.assertRaises(AssertionError) as caught:
            self.deploy("unclaimed")
        self.assertIn("a name contract with the given name must be reserved first", str(caught.exception))


if __name__ == "__main__":
    unittest.main()
