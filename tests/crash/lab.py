"""One node of a crash test: its folder, its ledger, and the daemon that is killed and started again."""
import itertools
import json
import os
import pathlib
import random
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TRELLIS_BUILD_DIR", SOURCE / "build-crash"))
TWINS = (3, 4, 5, 6)  # 1 is the farmer, 2 the node
SECTOR = 512
PATIENCE = 120  # seconds to wait for what has to come, on a machine that is slow and busy
# In memory where there is room: what survives a kill is in the page cache either way.
SCRATCH = "/dev/shm" if os.access("/dev/shm", os.W_OK) else tempfile.gettempdir()
ON_DISK = "/var/tmp"
WITH_US = ("setpriv", "--pdeathsig", "KILL")  # a child that does not outlive this process, however that ends


class Gone(Exception):
    """The daemon ended before it answered."""


class Refused(Exception):
    """The daemon or the ledger answered with an error."""

    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message


class Control:
    """The control socket: one request at a time."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self.socket.connect(str(path))
        except OSError:
            self.socket.close()
            raise
        self.file = self.socket.makefile("r")
        self.ids = itertools.count(1)

    def call(self, cmd, payload=None, twin=None, limit=PATIENCE):
        request = {"id": next(self.ids), "cmd": cmd}
        if payload is not None:
            request["payload"] = payload
        if twin is not None:
            request["twin"] = twin
        try:
            self.socket.settimeout(limit)
            self.socket.sendall(json.dumps(request).encode() + b"\n")
            line = self.file.readline()
        except TimeoutError as error:
            raise AssertionError(f"'{cmd}' got no answer in {limit} s") from error
        except OSError as error:
            raise Gone(cmd) from error
        if not line.endswith("\n"):
            raise Gone(cmd)
        answer = json.loads(line)
        if "error" in answer:
            raise Refused(answer["error"]["code"], answer["error"]["message"])
        return answer["result"]

    def close(self):
        self.file.close()
        self.socket.close()


class Ledger:
    """The clients' side of the ledger, in a process of its own."""

    def __init__(self, file, env=None):
        self.lock = threading.Lock()
        self.process = subprocess.Popen([*WITH_US, str(BUILD / "tests/crash-ledger"), str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={**os.environ, **(env or {})})

    def __call__(self, cmd, **arguments):
        with self.lock:
            self.process.stdin.write(json.dumps({"cmd": cmd, **arguments}) + "\n")
            self.process.stdin.flush()
            answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise Refused(0, answer["error"])
        return answer["result"]

    def close(self, kill=False):
        if kill:
            self.process.kill()
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def make_folder(what="", scratch=SCRATCH):
    """Named after this process: the next run removes what one that was killed has left."""
    return pathlib.Path(tempfile.mkdtemp(prefix=f"tc-{os.getpid()}-{what}", dir=scratch))


def remove_stale():
    for folder in [f for scratch in {SCRATCH, ON_DISK} for f in pathlib.Path(scratch).glob("tc-*-*")]:
        owner = folder.name.split("-")[1]
        if owner.isdigit() and not pathlib.Path("/proc", owner).exists():
            remove_folder(folder)


def mounts_below(folder):
    points = [line.split()[1] for line in pathlib.Path("/proc/mounts").read_text().splitlines()]
    return sorted((point for point in points if point.startswith(f"{folder}/")), reverse=True)


def remove_folder(folder):
    for point in mounts_below(folder):
        subprocess.run(["umount", point], check=True)
    shutil.rmtree(folder, ignore_errors=True)


_template = None
_template_lock = threading.Lock()


def template():
    """A folder with a ledger of twins, farm and node, and the node's key; made once."""
    global _template
    with _template_lock:
        if _template is None:
            remove_stale()
            folder = make_folder("template-")
            ledger = Ledger(folder / "ledger.db")
            ids = ledger("init", key=str(folder / "node.json"), twins=len(TWINS))
            ledger.close()
            _template = (folder, ids["node"], ids["farm"])
    return _template


def remove_template():
    if _template is not None:
        shutil.rmtree(_template[0], ignore_errors=True)


CONFIG = """boot_id_path = "{dir}/boot"
[node]
node_id = {node}
farm_id = {farm}
state_dir = "{dir}/state"
run_dir = "{dir}/run"
[rmb]
seed_file = "{dir}/node.json"
[relay]
listen = "127.0.0.1:0"
[plugins]
dir = "{plugins}"
hosting = "inline"
trust_dir = "{trust}"
[plugin.crashy]
hosting = "{hosting}"
[plugin.crashy.config]
dir = "{dir}/plug"
[engine]
inspect_interval = {inspect}
sync_interval = {sync}
[engine.retry]
restore_max = 1
remove_max = 1
[system.reserve]
memory = 1
[log]
level = "debug"
file = "{dir}/log"
{more}
"""


class Lab:
    """A folder with everything of one node. `power`: a power loss may be played. `plugins`: instead of the test plugin."""

    def __init__(self, power=False, seed=0, schema=1, hosting="inline", plugins=None, more="", scratch=SCRATCH, **settings):
        folder, self.node, self.farm = template()
        self.dir, self.plugins, self.more = make_folder(scratch=scratch), plugins, more
        self.random = random.Random(seed)
        self.state, self.plug = self.dir / "state", self.dir / "plug"
        self.settings = {"hosting": hosting, "inspect": 3600, "sync": 3600, **settings}
        self.schema, self.env, self.daemon = schema, {}, None
        for name in ("state", "run", "durable", "plug/script"):
            (self.dir / name).mkdir(parents=True)
        shutil.copy(folder / "node.json", self.dir)
        shutil.copy(folder / "ledger.db", self.state)
        if power:
            shutil.copy(folder / "ledger.db", self.dir / "durable")
            self.env["TRELLIS_FAULT_VFS"] = str(self.dir / "durable")
        self.boots = itertools.count(1)
        self.new_boot()
        self.write_config()
        self.ledger = Ledger(self.state / "ledger.db", self.env)

    def write_config(self):
        plugins = self.plugins or BUILD / "crash-plugins" / str(self.schema)
        (self.dir / "trellis.toml").write_text(
            CONFIG.format(dir=self.dir, node=self.node, farm=self.farm, plugins=plugins, trust=BUILD / "trust.d", more=self.more.format(dir=self.dir), **self.settings))

    def new_boot(self):
        self.boot = f"boot{next(self.boots)}"
        (self.dir / "boot").write_text(self.boot + "\n")

    @property
    def store(self):
        return self.state / "trellis.db"

    # ---- the daemon ----
    def start(self, points="", wait=True, env=None):
        assert self.daemon is None or self.daemon.dead(), "the daemon still runs"
        self.daemon = Daemon(self, points, env or {})
        if wait:
            self.daemon.wait_ready()
        return self.daemon

    def kill(self):
        """SIGKILL, wherever the daemon is."""
        self.daemon.signal(signal.SIGKILL)
        self.daemon.wait_dead()

    def lose_power(self, torn=False):
        """Everything volatile is gone: processes, resources, what was not synced. `torn`: some unsynced sectors did reach the disk."""
        if not self.daemon.dead():
            self.kill()
        self.ledger.close(kill=True)
        for file in self.state.glob("*.db*"):
            self._keep_durable(file, torn)
        for file in (self.dir / "durable").glob("*.db*"):
            if not (self.state / file.name).exists():
                shutil.copy(file, self.state)  # a deletion that was not durable
        shutil.rmtree(self.dir / "run")
        (self.dir / "run").mkdir()
        for journal in self.plug.glob("crashy*/*"):
            with journal.open("a") as out:
                out.write(f"lost {self.boot} -\n")
        self.new_boot()
        self.ledger = Ledger(self.state / "ledger.db", self.env)

    def _keep_durable(self, file, torn):
        image = self.dir / "durable" / file.name
        if file.name.endswith("-shm") or not file.name.split("-")[0].endswith(".db"):
            if file.name.endswith("-shm"):
                file.unlink()
            return
        if not image.exists():
            file.unlink()
            return
        live, kept = file.read_bytes(), bytearray(image.read_bytes())
        for at in range(0, len(live) if torn else 0, SECTOR):
            sector = live[at:at + SECTOR]
            if kept[at:at + SECTOR] != sector and self.random.random() < 0.5:
                kept.extend(b"\0" * (at + len(sector) - len(kept)))
                kept[at:at + len(sector)] = sector
        file.write_bytes(kept)
        image.write_bytes(kept)  # what is on the disk now is durable

    def close(self):
        if self.daemon is not None and not self.daemon.dead():
            self.kill()
        self.ledger.close()
        if self.daemon is not None:
            self.daemon.close()
        remove_folder(self.dir)

    def log_tail(self, lines=40):
        file = self.dir / "log"
        return "\n".join(file.read_text(errors="replace").splitlines()[-lines:]) if file.exists() else ""


class Daemon:
    """One life of trellisd."""

    def __init__(self, lab, points, env):
        self.lab, self.control = lab, None
        self.errors = (lab.dir / "stderr").open("a")
        environment = {**os.environ, **lab.env, **env}
        if points:
            environment["TRELLIS_FAIL_POINT"] = points
        socket_file = lab.dir / "run/control.sock"
        socket_file.unlink(missing_ok=True)
        self.process = subprocess.Popen([*WITH_US, str(BUILD / "bin/trellisd"), "--config", str(lab.dir / "trellis.toml")], env=environment,
                                        stdin=subprocess.DEVNULL, stdout=self.errors, stderr=self.errors)
        (lab.plug / "daemon.pid").write_text(f"{self.process.pid}\n")

    def dead(self):
        return self.process.poll() is not None

    def signal(self, number):
        self.process.send_signal(number)

    def wait_dead(self, limit=PATIENCE):
        """The exit status."""
        try:
            status = self.process.wait(limit)
        except subprocess.TimeoutExpired as error:
            raise AssertionError(f"the daemon did not end in {limit} s") from error
        self.close()
        return status

    def wait_ready(self, limit=PATIENCE):
        """Connects as soon as the daemon listens; Gone when it ends before."""
        end = time.monotonic() + limit
        while time.monotonic() < end:
            try:
                self.control = Control(self.lab.dir / "run/control.sock")
                self.call("local.status")
                return
            except (FileNotFoundError, ConnectionRefusedError):
                if self.dead():
                    raise Gone("start") from None
                self._wait_exit(0.005)  # the socket says nothing before it is there
        raise AssertionError("the daemon does not come up")

    def _wait_exit(self, seconds):
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            pass

    def call(self, cmd, payload=None, twin=None, limit=PATIENCE):
        return self.control.call(cmd, payload, twin, limit)

    def connect(self):
        """A further connection, for another thread."""
        return Control(self.lab.dir / "run/control.sock")

    # ---- fail points ----
    def arm(self, spec):
        self.call("local.fail_point", {"arm": spec})

    def wait_paused(self, name, ms=PATIENCE * 1000):
        assert self.call("local.fail_point", {"wait": name, "ms": ms}), f"'{name}' was not reached"

    def points(self):
        return self.call("local.fail_point", {})

    def close(self):
        if self.control is not None:
            self.control.close()
            self.control = None
        self.errors.close()


def wait_for(condition, what, limit=PATIENCE, pause=0.005):
    """Asks until `condition` gives something true; `what` says what is missing."""
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(what() if callable(what) else what)
        select.select([], [], [], pause)
        pause = min(pause * 1.3, 0.1)
