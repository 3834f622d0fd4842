"""One case of the matrix: an operation, a place to die, a way to die."""
import signal
import time
import traceback

import inventory
import lab
import oracles
from models import Model
from operations import OPERATIONS, TWIN

PLUGIN_POINTS = {"plugin.partial": "partial", "plugin.done": "done"}
LIMIT = lab.PATIENCE  # seconds to quiescence


class Bench:
    """The node of a case, the contract it is about, and what went wrong."""

    def __init__(self, operation, point, kill, seed=0, hosting="inline"):
        self.name = f"{operation} {point} {kill}"
        self.operation, self.point, self.kill = OPERATIONS[operation](), point, kill
        self.complaints, self.reached = [], False
        self.scripted = point in PLUGIN_POINTS
        self.points = "" if self.scripted else f"{point}=kill"
        self.lab = lab.Lab(power=kill == "P" or self.operation.reboots, seed=seed, hosting=hosting, **self.operation.settings)
        self.models = []
        self.model = self.add_model(Model(TWIN))

    def add_model(self, model):
        self.models.append(model)
        return model

    def claim(self, holds, text):
        if not holds:
            self.complaints.append(f"not so: {text}")

    def settle(self, reports=False):
        """Waits until everything asked for is there and nothing is left to do."""
        lab.wait_for(lambda: not self._open(reports), lambda: "; ".join(self._open(reports)), LIMIT)

    def _open(self, reports):
        return self._differences() or oracles.restless(self.lab, reports)

    def _differences(self):
        return [text for model in self.models for text in model.differences(self.lab)]

    # ---- the case ----
    def run(self):
        """Complaints; empty when everything holds."""
        begin = time.monotonic()
        try:
            self._run()
        except Exception as error:  # whatever it is, it is the finding of this case
            self.complaints.append(f"{type(error).__name__}: {error}")
            if not isinstance(error, (AssertionError, lab.Gone)):
                self.complaints.append(traceback.format_exc())
        log = self.lab.log_tail() if self.complaints else ""
        self.lab.close()
        return self.complaints, log, time.monotonic() - begin

    def _run(self):
        self.lab.start()
        self.operation.prepare(self)
        self._arm()
        self._send()
        self._die()
        self.lab.start()
        self.operation.recovered(self, self.point)
        self.operation.again(self)
        self.settle(reports=True)
        self._check()

    def _arm(self):
        if self.scripted:
            identity = self.model.identity(self.operation.subject)
            if not self.model.contract:
                identity = f"{TWIN}-1-{self.operation.subject}"  # the first contract of this ledger
            inventory.script(self.lab, identity, f"{self.operation.call} {PLUGIN_POINTS[self.point]} kill")
        elif not self.operation.reboots:
            self.lab.daemon.arm(self.points)

    def _send(self):
        try:
            self.operation.send(self)
        except lab.Gone:
            pass

    def _die(self):
        """Waits for the death at the point, or kills when the operation is over without having come there."""
        # Looked at twice: the job may have begun after its queue and ended before its effect was looked at.
        lab.wait_for(lambda: self.lab.daemon.dead() or (self._over() and self._over()), "neither dead nor done", LIMIT)
        self.reached = self.lab.daemon.dead()
        if self.reached:
            self.claim(self.lab.daemon.wait_dead() == -signal.SIGKILL, "the daemon died of the fail point")
            self.claim(self.point not in self.operation.unreached, "this operation does not come to this point")
        else:
            self.claim(self.point in self.operation.unreached + self.operation.perhaps, "the operation comes to this point")
            self.lab.kill()
        if self.kill == "P":
            self.lab.lose_power(torn=self.lab.random.random() < 0.5)

    def _over(self):
        try:
            return not self._open(reports=self.point == "outbox.sent")
        except (lab.Gone, AssertionError, OSError):
            return False

    def _check(self):
        stored = [(m.twin, m.contract) for m in self.models if m.get(self.lab) is not None]
        self.complaints += oracles.check(self.lab, stored)
        for model in self.models:
            if (model.twin, model.contract) in stored:
                self.complaints += model.check_entries(model.changes(self.lab))
