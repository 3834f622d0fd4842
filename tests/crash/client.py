"""A client of the soak: keeps its contracts busy and knows what it was promised."""
import random

import lab
from documents import document, net, workload
from models import Lost, Model


class Client:
    def __init__(self, lab_, twin, slots, seed):
        self.lab, self.twin, self.random = lab_, twin, random.Random(seed)
        self.models = [Model(twin) for _ in range(slots)]
        self.deployed, self.updated = 0, 0  # requests that were answered with success
        self.tokens, self.stop, self.complaints = 0, False, []

    def live(self):
        return sum(1 for model in self.models if model.stored is not None)

    # ---- working ----
    def work(self):
        """One request after the other, until told to stop or the daemon dies."""
        try:
            control = self.lab.daemon.connect()
        except OSError:
            return
        try:
            while not self.stop:
                self.act(self.random.choice(self.models), control.call)
        except lab.Gone:
            pass
        except Exception as error:  # told by the main thread
            self.complaints.append(f"twin {self.twin}: {type(error).__name__}: {error}")
        finally:
            control.close()

    def act(self, model, call):
        if model.sent is not None or model.cancelled:
            return  # unanswered since the last death, or on its way out
        try:
            if model.stored is None:
                model.deploy(self.lab, document(self.twin, self.first(model)), call)
                self.deployed += 1
            else:
                self.change(model, call)
        except lab.Refused as refused:
            if refused.code == 503:  # on its way down: as unanswered
                raise lab.Gone(refused.message) from None
            if "busy" not in refused.message and "at the same time" not in refused.message:
                raise
            model.sent = None

    def change(self, model, call):
        """The ledger takes no update of a contract in its grace period."""
        what = self.random.choices(("update", "grace", "cancel"), (0 if model.paused else 10, 2, 2))[0]
        if what == "update":
            model.update(self.lab, model.next_document(self.mutate), call)
            self.updated += 1
        elif what == "grace":
            model.grace(self.lab, not model.paused)
        else:
            model.cancel(self.lab)

    def token(self):
        self.tokens += 1
        return f"t{self.twin}-{self.tokens}"

    def slow(self):
        return self.random.choice((0, 0, 0, 5, 20, 60))

    def item(self, name, version=0, **data):
        return workload(name, self.token(), version, slow_ms=self.slow(), **data)

    def first(self, model):
        slot = self.models.index(model)
        shared = f"net{slot}"  # unique among the twin's sharables
        items = [self.item(f"w{i}", needs=self.random.choice(([], [shared]))) for i in range(self.random.randint(1, 3))]
        return [net(shared, self.token())] + items

    def mutate(self, workloads, version):
        """Any mixture of additions, changes and removals; the network stays."""
        kept = [workloads[0]]
        for old in workloads[1:]:
            dice = self.random.random()
            if dice < 0.2:
                continue
            if dice < 0.5:
                old = self.item(old["name"], version, needs=old["data"]["needs"], refuse_update=self.random.random() < 0.2)
            kept.append(old)
        if len(kept) < 5 and self.random.random() < 0.5 or len(kept) == 1:
            names = {w["name"] for w in workloads}
            kept.append(self.item(next(f"w{i}" for i in range(20) if f"w{i}" not in names), version))
        return kept

    # ---- looking ----
    def learn(self):
        """After a restart: what is stored? Unanswered requests are sent again, and must succeed. What was lost."""
        lost = []
        for index, model in enumerate(self.models):
            try:
                self._learn_one(index, model)
            except Lost as error:
                lost.append(str(error))
        return lost

    def _learn_one(self, index, model):
        if not model.contract:
            model.sent = None  # the ledger was never asked
            return
        found = model.learn(self.lab)
        if model.cancelled and found is None:
            self.models[index] = Model(self.twin)
        elif model.sent is not None and not model.cancelled:
            first = model.sent["version"] == 0
            model.resend(self.lab)
            self.deployed += first
            self.updated += not first

    def differences(self):
        complaints = []
        for index, model in enumerate(self.models):
            if not model.contract:
                continue
            found = model.differences(self.lab)
            if model.cancelled and not found:
                self.models[index] = Model(self.twin)
            complaints += found
        return complaints

    def check(self):
        return [text for model in self.models if model.stored is not None for text in model.check_entries(model.changes(self.lab))]
