"""The node's real proxy for scenario Y, and the static HAProxy configurations that it is compared with."""
import contextlib
import os
import pathlib
import re
import socket
import subprocess
import sys
import time

NODE, BACKEND, DOMAIN = "10.60.0.1", "10.50.0.1", "gw.example.com"
CONNECTIONS, SIZE = 32, 1024
DEFAULTS = """
defaults
  option dontlognull
  option splice-auto
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  timeout http-request 30s
  timeout http-keep-alive 75s
"""
# In a namespace of the run's own, so ports are free.
BACKEND_CONFIG = """
global
  nbthread 1
  maxconn 2000
{defaults}
frontend answer
  mode http
  bind {backend}:8080
  http-request return status 200 content-type text/plain string "{body}"
"""
STATIC_CONFIG = """
global
  nbthread {threads}
  maxconn 2000
  ssl-default-bind-options ssl-min-ver TLSv1.2
{defaults}
frontend two
  mode tcp
  bind {node}:8443
  tcp-request inspect-delay 5s
  tcp-request content accept if {{ req.ssl_hello_type 1 }}
  tcp-request content reject if WAIT_END
  default_backend terminate
backend terminate
  mode tcp
  server local unix@{dir}/term.sock send-proxy-v2
frontend second
  mode http
  bind unix@{dir}/term.sock mode 600 accept-proxy ssl crt {pem} alpn h2,http/1.1
  option forwardfor
  default_backend backend
frontend one
  mode http
  bind {node}:9443 ssl crt {pem} alpn h2,http/1.1
  option forwardfor
  default_backend backend
backend backend
  mode http
  server only {backend}:8080
"""


class Gateway:
    """A grid whose proxy runs. The daemon is gone by then, so nobody puts right what the scenario adds."""

    def __init__(self, lab):
        os.environ.update(TRELLIS_BUILD_DIR=str(lab.build), TRELLIS_SOURCE_DIR=str(pathlib.Path(__file__).resolve().parents[2]))
        sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
        import grid

        self.cleanup = contextlib.ExitStack()
        with contextlib.ExitStack() as undo:
            self.grid = grid.Grid()
            undo.callback(self.grid.close)
            for address in (NODE, BACKEND):
                self.grid.inside("ip", "address", "add", f"{address}/32", "dev", "lo")
            self.grid.cli("node", "public-config", "--ip4", f"{NODE}/24", "--gw4", "10.60.0.254", "--domain", DOMAIN)
            self.grid.cli("contract", "create", "--name", "first")
            self._deploy(grid.Refused)
            self.dir = next(self.grid.dir.glob("run/**/proxy/admin.sock")).parent
            self.grid.kill_daemon()
            self._haproxy(undo, "backend", BACKEND_CONFIG)
            self._haproxy(undo, "static", STATIC_CONFIG)
            self.cleanup = undo.pop_all()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.cleanup.close()

    def _deploy(self, refused, limit=30):
        document = {"workloads": [{"name": "web", "type": "gateway-name-proxy", "data": {"name": "first", "backends": [f"http://{BACKEND}:8080"]}}]}
        end = time.monotonic() + limit
        while True:  # the public configuration is on its way to the plugin
            try:
                return self.grid.deploy(document)
            except refused:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)

    def _haproxy(self, undo, name, text):
        file = self.grid.dir / f"{name}.cfg"
        threads = re.search(r"nbthread (\d+)", (self.dir / "haproxy.cfg").read_text())[1]
        pem = (self.dir / "crt-list.txt").read_text().split()[0]
        file.write_text(text.format(defaults=DEFAULTS, node=NODE, backend=BACKEND, body="x" * SIZE, threads=threads, dir=self.grid.dir, pem=pem))
        process = subprocess.Popen(["nsenter", f"--net=/run/netns/{self.grid.netns}", "haproxy", "-db", "-f", str(file)])
        undo.callback(process.wait)
        undo.callback(process.kill)

    def admin(self, commands):
        """What the proxy's admin socket prints."""
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(self.dir / "admin.sock"))
            s.sendall(commands.encode() + b"\n")
            reply = b""
            while chunk := s.recv(65536):
                reply += chunk
            return reply.decode()

    def add_route(self, number):
        """The command of the plugin for a new name."""
        reply = self.admin(f"add map {self.dir}/routes.map n{number}.{DOMAIN} t|7-{number}-web|{BACKEND}|8080")
        assert not reply.strip(), reply

    def set_hops(self, hops):
        """What a route that passes through, or the end of the last one, makes the plugin do."""
        on, off = ("direct", "tls443") if hops == 1 else ("tls443", "direct")
        self.admin(f"enable frontend {on}")
        self.admin(f"disable frontend {off}")

    def memory(self):
        """Resident bytes of the proxy."""
        info = self.admin("show info")
        pid = re.search(r"^Pid: (\d+)", info, re.M)[1]
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024

    def start_load(self, seconds, port=443, name="first"):
        return subprocess.Popen(["nsenter", f"--net=/run/netns/{self.grid.netns}", "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s",
                                 "-H", f"Host: {name}.{DOMAIN}", f"https://{NODE}:{port}/"], stdout=subprocess.PIPE, text=True)

    @staticmethod
    def end_load(load):
        """Requests per second, and how many failed."""
        text = load.communicate()[0]
        errors = sum(map(int, re.findall(r"(?:connect|read|write|timeout) (\d+)", text)))
        errors += sum(map(int, re.findall(r"Non-2xx or 3xx responses: (\d+)", text)))
        return float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]), errors

    def load(self, seconds, **options):
        return self.end_load(self.start_load(seconds, **options))
