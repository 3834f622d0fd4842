"""A daemon to be measured: a grid of its own in a temporary folder on the real disk, the noop plugin, log level warn."""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

CONFIG = """
[log]
level = "warn"

[engine]
workers = {workers}

[engine.limits]
twin = 1000000
node = 10000000

[plugin.noop.config]
result_bytes = {result_bytes}
delay_ms = {delay_ms}
fail_every = {fail_every}
"""


def unmount(folder):
    """Plugins leave mounted what workloads may still use, the pool of the storage plugin for one."""
    mounts = [line.split()[1] for line in pathlib.Path("/proc/mounts").read_text().splitlines()]
    for mount in sorted((m for m in mounts if m.startswith(f"{folder}/")), reverse=True):
        subprocess.run(["umount", mount], check=False)


class Daemon:
    """Started by the constructor; use it as a context manager, so that nothing is left behind."""

    def __init__(self, build, plugins=None, dir=None, prefix=(), workers=4, result_bytes=2048, delay_ms=0, fail_every=0, start=True,
                 hosting="inline"):
        self.build = pathlib.Path(build).resolve()
        self.prefix = list(prefix)  # of the daemon's command line, such as a profiler
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="tb-", dir=dir or "/tmp"))
        self.process = None
        subprocess.run([self.build / "bin/trellis", "--dir", self.dir, "grid", "init"], check=True, capture_output=True)
        config = self.dir / "trellis.toml"
        plugins = plugins or self.build / "noop-plugins"
        text = config.read_text().replace(json.dumps(str(self.build / "plugins")), json.dumps(str(plugins)))
        text = text.replace('hosting = "process"', f'hosting = "{hosting}"')
        if plugins == self.build / "noop-plugins":
            text = text.split("[plugin.flist.config]")[0]
        text += CONFIG.format(workers=workers, result_bytes=result_bytes, delay_ms=delay_ms, fail_every=fail_every)
        # Of its own: those of the machine are left alone, and nothing is left there.
        config.write_text(text + f'\n[plugin.network.config]\nnetns_dir = "{self.dir}/netns"\n')
        if start:
            self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove()

    # ---- life ----
    def start(self):
        """Starts the daemon and waits until it answers. Seconds until the control socket did."""
        begin = time.monotonic()
        log = open(self.dir / "daemon.log", "ab")
        self.process = subprocess.Popen([*self.prefix, self.build / "bin/trellisd", "--config", self.dir / "trellis.toml"], stdout=log, stderr=log)
        log.close()
        while True:
            try:
                self.call("local.status")
                return time.monotonic() - begin
            except OSError:
                if self.process.poll() is not None:
                    raise RuntimeError(f"the daemon ended: {(self.dir / 'daemon.log').read_text()[-2000:]}") from None
                time.sleep(0.001)  # nothing tells when a socket appears

    def stop(self):
        """Asks it to end and waits."""
        if self.process and self.process.poll() is None:
            os.kill(self.pid, signal.SIGTERM)
            self.process.wait(60)
        self.process = None

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def remove(self):
        try:
            if self.process and self.process.poll() is None:
                try:
                    self.call("local.keeper.quit")
                except OSError:
                    pass
            self.stop()
        finally:
            if self.process and self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            unmount(self.dir)
            shutil.rmtree(self.dir, ignore_errors=True)

    # ---- looking ----
    @property
    def control(self):
        inside = self.dir / "run/control.sock"
        if inside.parent.exists():
            return inside
        for line in (self.dir / "trellis.toml").read_text().splitlines():
            if line.startswith("run_dir"):
                return pathlib.Path(json.loads(line.split("=", 1)[1])) / "control.sock"
        return inside

    @property
    def ledger(self):
        return self.dir / "state/ledger.db"

    @property
    def store(self):
        return self.dir / "state/trellis.db"

    @property
    def pid(self):
        if not self.prefix:
            return self.process.pid
        return self.call("local.status")["pid"]

    def call(self, command, payload=None, twin=None):
        """One request over the control socket; OSError when nobody answers."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(120)
            connection.connect(str(self.control))
            request = {"id": 1, "cmd": command, "payload": payload}
            if twin is not None:
                request["twin"] = twin
            connection.sendall(json.dumps(request).encode() + b"\n")
            line = b""
            while not line.endswith(b"\n"):
                chunk = connection.recv(1 << 20)
                if not chunk:
                    raise OSError("the daemon left")
                line += chunk
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(f"{command}: {answer['error']['message']}")
        return answer["result"]

    def load(self, *options):
        """The report of a run of the generator."""
        done = subprocess.run([self.build / "bin/trellis-load", "--control", self.control, "--ledger", self.ledger, *map(str, options)],
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        return json.loads(done.stdout)

    def cpu_seconds(self):
        """User and system time of all threads, at the resolution of the kernel's clock tick."""
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def status_kib(self, key):
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(key + ":"):
                return int(line.split()[1])
        raise KeyError(key)
