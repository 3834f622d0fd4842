"""A complete grid of one machine in a temporary folder and a network namespace of its own."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

BUILD = pathlib.Path(os.environ["TRELLIS_BUILD_DIR"])
SOURCE = pathlib.Path(os.environ["TRELLIS_SOURCE_DIR"])
PATIENCE = 240  # seconds to wait for what has to come: a machine that is emulated boots slowly


class Refused(Exception):
    """What the command line tool answered instead of success."""

    def __init__(self, message, reason, seconds):
        super().__init__(message)
        self.message, self.reason, self.seconds = message, reason, seconds


class Grid:
    def __init__(self, plugins=None, init=(), connect=None, edit=lambda text: text):
        """`init`: more options of `grid init`; `connect`: called with the namespace before it; `edit`: changes the configuration."""
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="te-", dir="/tmp"))
        self.dir.chmod(0o711)
        self.netns = f"te-{os.getpid()}-{self.dir.name[-6:]}"
        subprocess.run(["ip", "netns", "add", self.netns], check=True)
        self.inside("ip", "link", "set", "lo", "up")
        try:
            self._begin(plugins, init, connect, edit)
        except BaseException:
            self._sweep()
            raise

    def _begin(self, plugins, init, connect, edit):
        if connect:
            connect(self.netns)
        self.user_twin = self.cli("grid", "init", *init)["user_twin"]
        config = self.dir / "trellis.toml"
        text = edit(config.read_text())
        if plugins:
            text = text.replace(str(BUILD / "plugins"), str(plugins))
        config.write_text(text + f'\n[plugin.network.config]\nnetns_dir = "{self.dir}/netns"\n')
        self.cli("up")

    # ---- running things ----
    def inside(self, *argv, **options):
        """A command in the grid's network namespace."""
        return subprocess.run(["nsenter", f"--net=/run/netns/{self.netns}", *argv], check=True, capture_output=True, text=True, **options)

    def start(self, *argv):
        """The tool in the background."""
        return subprocess.Popen(self._argv(argv), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def _argv(self, argv):
        return ["nsenter", f"--net=/run/netns/{self.netns}", str(BUILD / "bin/trellis"), "--dir", str(self.dir), "--json", *map(str, argv)]

    def cli(self, *argv, stdin=None):
        """The tool's JSON answer; Refused when it fails."""
        begin = time.monotonic()
        done = subprocess.run(self._argv(argv), input=stdin, capture_output=True, text=True, timeout=2 * PATIENCE)
        seconds = time.monotonic() - begin
        if done.returncode != 0:
            try:
                error = json.loads(done.stdout)["error"]
            except (ValueError, KeyError):
                raise Refused(done.stdout + done.stderr, "", seconds) from None
            raise Refused(error["message"], error["reason"], seconds)
        return json.loads(done.stdout) if done.stdout.strip() else None

    def deploy(self, document, *options):
        return self.cli("deploy", "-", *options, stdin=json.dumps(document))

    # ---- looking ----
    @property
    def daemon_pid(self):
        return self.cli("status")["pid"]

    def contracts(self):
        return [c["contract_id"] for c in self.cli("contract", "list")]

    def machine_pids(self):
        """QEMU processes of this grid, by machine id."""
        found = {}
        for proc in pathlib.Path("/proc").iterdir():
            if not proc.name.isdigit():
                continue
            try:
                argv = (proc / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"qemu-system" not in argv[0] or str(self.dir).encode() not in b" ".join(argv):
                continue
            name = next((a for a in argv if a.startswith(b"guest=")), b"guest=?").split(b",")[0][6:]
            found[name.decode()] = int(proc.name)
        return found

    def http(self, twin, network, url, *curl, limit=PATIENCE):
        """An HTTP request from inside a private network; asked again until the machine answers."""
        return self.http_in(self.cli("network", "show", twin, network)["netns"], url, *curl, limit=limit)

    def http_in(self, netns, url, *curl, limit=PATIENCE):
        """The same without the daemon's help."""
        end = time.monotonic() + limit
        while True:
            # curl's own retries wait for the server to come up; the loop only bounds them.
            done = subprocess.run(["nsenter", f"--net={netns}", "curl", "-sS", "-m", "3", "--retry", "20", "--retry-connrefused", "--retry-delay", "1",
                                   "--retry-max-time", "20", *curl, url], capture_output=True, text=True)
            if done.returncode == 0:
                return done.stdout
            if time.monotonic() > end:
                raise AssertionError(f"{url} does not answer: {done.stderr}")

    def leftovers(self):
        """What workloads left on this machine: links, namespaces, rules, mounts, disks, processes."""
        left = []
        links = json.loads(self.inside("ip", "-j", "link").stdout)
        left += [f"link {l['ifname']}" for l in links if l["ifname"][:2] in ("b-", "t-", "n-", "p-", "w-")]
        netns = self.dir / "netns"
        left += [f"namespace {p.name}" for p in netns.glob("n-*")] if netns.exists() else []
        left += [f"machine {name}" for name in self.machine_pids()]
        mounts = [line.split()[1] for line in pathlib.Path("/proc/mounts").read_text().splitlines()]
        left += [f"mount {m}" for m in mounts if m.startswith(f"{self.dir}/run/plugins/flist")]
        left += [f"disk {p.name}" for p in self.dir.glob("state/plugins/storage/pools/*/mnt/vdisks/*")]
        left += [f"volume {p.name}" for p in self.dir.glob("state/plugins/storage/pools/*/mnt/*:*")]
        left += [f"machine files {p.name}" for p in self.dir.glob("run/plugins/zmachine/*-*-*")]
        left += [f"log stream {p.name}" for p in self.dir.glob("state/plugins/zlogs/*-*-*")]
        left += [f"machine state {p.name}" for p in self.dir.glob("state/plugins/zmachine/*-*-*")]
        return left

    def kill_daemon(self):
        """kill -9, and wait until it is gone."""
        pid = self.daemon_pid
        fd = os.pidfd_open(pid)
        os.kill(pid, signal.SIGKILL)
        _wait_gone(fd)
        os.close(fd)

    def helpers(self):
        """Process ids of the plugins that have one and run, by name."""
        return {p["name"]: p["pid"] for p in self.cli("status")["plugins"] if p["pid"] and p["state"] == "running"}

    def kill_helpers(self):
        """kill -9 to the process of every plugin. Which they were."""
        killed = self.helpers()
        for pid in killed.values():
            os.kill(pid, signal.SIGKILL)
        return killed

    def wait_for_helpers(self, killed, limit=PATIENCE):
        """Until each of them runs again, in another process."""
        end = time.monotonic() + limit
        while True:
            now = self.helpers()
            if all(now.get(name, pid) != pid for name, pid in killed.items()):
                return
            if time.monotonic() > end:
                raise AssertionError(f"not started again: {sorted(set(killed) - set(now))}")
            time.sleep(0.1)  # nothing tells when a plugin is back

    def close(self):
        try:
            self.cli("up")
            for contract in self.contracts():
                self.cli("cancel", contract)
            self.cli("down", "--all")
        finally:
            self._sweep()

    def _sweep(self):
        """Whatever went wrong, nothing stays."""
        for pid in self.machine_pids().values():
            os.kill(pid, signal.SIGKILL)
        # The keeper starts what ends, until it is gone itself.
        while pids := subprocess.run(["ip", "netns", "pids", self.netns], capture_output=True, text=True).stdout.split():
            for pid in pids:
                subprocess.run(["kill", "-9", pid], stderr=subprocess.DEVNULL)
        mounts = [line.split()[1] for line in pathlib.Path("/proc/mounts").read_text().splitlines()]
        for mount in sorted((m for m in mounts if m.startswith(f"{self.dir}/")), reverse=True):
            subprocess.run(["umount", mount], check=False)
        subprocess.run(["ip", "netns", "del", self.netns], check=False)
        shutil.rmtree(self.dir, ignore_errors=True)


def _wait_gone(pidfd, limit=PATIENCE):
    import select

    poller = select.poll()
    poller.register(pidfd, select.POLLIN)
    if not poller.poll(limit * 1000):
        raise AssertionError("the process does not end")


def machine(ip="10.20.2.2", network="net", name="hello", port=3011, subnet="10.20.2.0/24"):
    """The example deployment with other names."""
    document = json.loads((SOURCE / "config/examples/machine.json").read_text())
    net, disk, vm = document["workloads"]
    net["name"], net["data"]["wireguard_listen_port"], net["data"]["subnet"] = network, port, subnet
    net["data"]["ip_range"] = subnet.rsplit(".", 2)[0] + ".0.0/16"
    disk["data"]["size"] = 268435456
    vm["name"] = name
    vm["data"]["network"]["interfaces"] = [{"network": network, "ip": ip}]
    return document
