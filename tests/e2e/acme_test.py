"""Certificates of a public authority on a node whose plugins are confined, each in a process of its own. Runs in a mount
namespace of its own, where the folder that the operator's certificates are read from is its own."""
import pathlib
import subprocess
import time
import unittest

import grid

NODE, BACKEND, DOMAIN, FOREIGN = "10.60.0.1", "10.50.0.1", "gw.example.com", "shop.example.org"
FOLDER = pathlib.Path("/etc/trellis/certs")
# A resolver: follows what the node's domain delegates to the node, and knows the node's address for all else.
RESOLVER = """
import socket, sys
names = socket.socket(type=socket.SOCK_DGRAM)
names.bind(("127.0.0.1", 8054))
while True:
    question, client = names.recvfrom(4096)
    other = socket.socket(type=socket.SOCK_DGRAM)
    other.settimeout(5)
    try:
        other.connect((sys.argv[1], 53) if b"_acme-challenge" in question else ("127.0.0.1", 8053))
        other.send(question)
        names.sendto(other.recv(4096), client)
    except OSError:
        pass
"""
PEBBLE = """{"pebble":{"listenAddress":"127.0.0.1:14000","managementListenAddress":"127.0.0.1:15000",
"certificate":"%(pem)s","privateKey":"%(pem)s","httpPort":80,"tlsPort":443}}"""


def setUpModule():
    FOLDER.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "none", str(FOLDER)], check=True)


def configure(text):
    return text.replace('hosting = "inline"', 'hosting = "process"') + f"""
[plugin.gateway.config]
tls = "acme"
resolver = "127.0.0.1:8053"
acme = {{ directory = "https://127.0.0.1:14000/dir", ca = "{FOLDER}/authority.pem" }}
"""


class Acme(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.grid = grid.Grid(edit=configure)
        cls.addClassCleanup(cls.grid.close)
        for address in (NODE, BACKEND):
            cls.grid.inside("ip", "address", "add", f"{address}/32", "dev", "lo")
        key, pem = cls.grid.dir / "authority.key", cls.grid.dir / "authority.crt"
        cls.grid.inside("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(pem))
        (FOLDER / "authority.pem").write_text(pem.read_text())
        both = cls.grid.dir / "authority.both"
        both.write_text(pem.read_text() + key.read_text())
        settings = cls.grid.dir / "pebble.json"
        settings.write_text(PEBBLE % {"pem": both})
        (cls.grid.dir / "index.html").write_text("hello")
        cls.run_beside("python3", "-m", "http.server", "8080", "--bind", BACKEND, "--directory", str(cls.grid.dir))
        cls.run_beside("pebble-challtestsrv", "-defaultIPv4", NODE, "-defaultIPv6", "", "-http01", "", "-https01", "", "-tlsalpn01", "")
        cls.run_beside("python3", "-c", RESOLVER, NODE)
        cls.run_beside("pebble", "-config", str(settings), "-dnsserver", "127.0.0.1:8054", env={"PEBBLE_VA_NOSLEEP": "1", "PATH": "/usr/bin:/bin"})
        cls.wait_until_listening("127.0.0.1", 14000)  # an order that finds no authority is tried again minutes later
        cls.grid.cli("node", "public-config", "--ip4", f"{NODE}/24", "--gw4", "10.60.0.254", "--domain", DOMAIN)

    @classmethod
    def run_beside(cls, *argv, **options):
        process = subprocess.Popen(["nsenter", f"--net=/run/netns/{cls.grid.netns}", *argv], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
        cls.addClassCleanup(process.wait)
        cls.addClassCleanup(process.kill)

    @classmethod
    def wait_until_listening(cls, address, port):
        end = time.monotonic() + grid.PATIENCE
        while subprocess.run(["nsenter", f"--net=/run/netns/{cls.grid.netns}", "curl", "-sk", "-o", "/dev/null", f"https://{address}:{port}/"]).returncode:
            assert time.monotonic() < end, f"nobody listens at {address}:{port}"
            time.sleep(0.05)  # nothing tells a client

    def issuer(self, domain):
        """Who signed what the node shows for the domain."""
        done = subprocess.run(["nsenter", f"--net=/run/netns/{self.grid.netns}", "curl", "-sk", "-m", "60", "-w", "%{certs}", "-o", "/dev/null",
                               "--connect-to", f"::{NODE}:", f"https://{domain}/"], capture_output=True, text=True)
        return done.stdout

    def deploy(self, kind, data):
        """Waits for the public configuration's way from the ledger to the plugin."""
        document = {"workloads": [{"name": "web", "type": kind, "data": data | {"backends": [f"http://{BACKEND}:8080"]}}]}
        end = time.monotonic() + grid.PATIENCE
        while True:
            try:
                return self.grid.deploy(document)["contract_id"]
            except grid.Refused as refused:
                self.assertRegex(refused.message, "no public configuration|name server")
                self.assertLess(time.monotonic(), end, refused.message)
                time.sleep(0.1)  # nothing tells when it has come

    def wait_until_issued(self, domain, name):
        """For exactly that name: what the node has for another one answers until then."""
        end = time.monotonic() + grid.PATIENCE
        while not all(part in self.issuer(domain) for part in ("Pebble Intermediate", f"DNS:{name}")):
            self.assertLess(time.monotonic(), end, self.grid.cli("gateway", "list"))
            time.sleep(0.1)  # nothing tells a client

    def test_names_share_one_and_foreign_domains_have_their_own(self):
        self.assertIn("gateway", self.grid.helpers())
        self.grid.cli("contract", "create", "--name", "app")
        named = self.deploy("gateway-name-proxy", {"name": "app"})
        foreign = self.deploy("gateway-fqdn-proxy", {"fqdn": FOREIGN})

        self.wait_until_issued(f"app.{DOMAIN}", f"*.{DOMAIN}")
        self.wait_until_issued(FOREIGN, FOREIGN)

        self.assertEqual({route["certificate"] for route in self.grid.cli("gateway", "list")}, {"acme"})
        with self.subTest("every plugin dies"):
            self.grid.wait_for_helpers(self.grid.kill_helpers())
            self.assertIn("Pebble Intermediate", self.issuer(FOREIGN))
        for contract in (named, foreign):
            self.grid.cli("cancel", contract)


if __name__ == "__main__":
    unittest.main()
