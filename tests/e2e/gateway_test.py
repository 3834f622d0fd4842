"""A public name on a node with a real daemon, its confined plugins, and a real proxy."""
import json
import subprocess
import time
import unittest

import grid

NODE, BACKEND, BACKEND6 = "10.60.0.1", "10.50.0.1", "2001:db8:50::1"
# Answers with a text; a WebSocket gets back what it sends, whole frames or not.
SERVER = """
import base64, hashlib, http.server, socket, sys
class Hello(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        if "upgrade" in self.headers:
            return self.echo()
        self.send_response(200); self.send_header("Content-Length", str(len(sys.argv[2]))); self.end_headers(); self.wfile.write(sys.argv[2].encode())
    def echo(self):
        key = self.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response(101); self.send_header("Upgrade", "websocket"); self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()); self.end_headers()
        while data := self.connection.recv(65536):
            self.connection.sendall(data)
        self.close_connection = True
    def log_message(self, *_): pass
class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
Server((sys.argv[1], 8080), Hello).serve_forever()
"""
# Opens a WebSocket to a domain at an address. Prints the status line, then for each line of its input what comes back.
WEBSOCKET = """
import socket, ssl, sys
node, domain, authority = sys.argv[1:]
s = ssl.create_default_context(cafile=authority).wrap_socket(socket.create_connection((node, 443), timeout=30), server_hostname=domain)
s.sendall(f"GET / HTTP/1.1\\r\\nHost: {domain}\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n"
          "Sec-WebSocket-Version: 13\\r\\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\n\\r\\n".encode())
head = b""
while b"\\r\\n\\r\\n" not in head:
    head += s.recv(1)
print(head.split(b"\\r\\n")[0].decode(), flush=True)
for line in sys.stdin:
    try:
        s.sendall(line.encode())
        print(s.recv(4096).decode().strip() or "closed", flush=True)
    except OSError:
        print("closed", flush=True)
"""


class Gateway(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.grid = grid.Grid()
        cls.addClassCleanup(cls.grid.close)
        for address in (NODE, BACKEND):
            cls.grid.inside("ip", "address", "add", f"{address}/32", "dev", "lo")
        cls.grid.inside("ip", "address", "add", f"{BACKEND6}/128", "dev", "lo", "nodad")
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
        data = {"name": name, "backends": [f"http://[{address}]:8080" if ":" in address else f"http://{address}:8080"]} | ({"network": network["name"]} if network else {})
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

    def websocket(self, domain):
        client = subprocess.Popen(["nsenter", f"--net=/run/netns/{self.grid.netns}", "python3", "-c", WEBSOCKET, NODE, domain, str(self.grid.dir / "authority.pem")],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.addCleanup(client.communicate)
        self.assertEqual(client.stdout.readline().strip(), "HTTP/1.1 101 Switching Protocols")

        def say(text):
            client.stdin.write(text + "\n")
            return client.stdout.readline().strip()
        return say

    def test_websocket_lives_as_long_as_its_route(self):
        for name in ("chat", "other"):
            self.grid.cli("contract", "create", "--name", name)
        chat = self.deploy("chat")
        say = self.websocket("chat.gw.example.com")
        self.assertEqual(say("hello"), "hello")

        other = self.deploy("other")
        self.assertEqual(self.get("other.gw.example.com"), "hello|200")
        self.assertEqual(say("beside another one"), "beside another one")
        self.grid.cli("cancel", other)
        self.assertEqual(say("without it"), "without it")

        self.grid.cli("cancel", chat)
        self.assertEqual(say("after its end"), "closed")

    def test_backend_with_an_ipv6_address(self):
        self.serve(f"/run/netns/{self.grid.netns}", BACKEND6, "six")
        self.grid.cli("contract", "create", "--name", "six")
        contract = self.deploy("six", BACKEND6)

        self.until(lambda: self.get("six.gw.example.com"), "six|200")

        self.assertEqual(self.grid.cli("gateway", "list")[0]["backends"], [f"[{BACKEND6}]:8080"])
        self.grid.cli("cancel", contract)

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
