"""The operations of the crash matrix: how each is prepared, sent, and what it must end in. Tokens are unique, so that a second making shows."""
import inventory
import lab
from documents import document, net, workload
from models import Model

TWIN = 3


def base(contract_name=""):
    return [net(f"net{contract_name}", f"n0{contract_name}"), workload("a", f"a0{contract_name}", needs=[f"net{contract_name}"]),
            workload("b", f"b0{contract_name}")]


class Operation:
    """`subject`: the workload whose plugin call the points K6a and K6b are in; `call`: the kind of that call."""

    subject, call = "a", "provision"
    settings = {}  # of the node
    reboots = False  # the operation begins with a power loss
    unreached = ()  # points that this operation never comes to
    perhaps = ()  # points that it may miss

    def prepare(self, bench):
        """The state before the operation; everything settled."""

    def send(self, bench):
        """Asks for it. Gone when the daemon dies on the way."""
        raise NotImplementedError

    def again(self, bench):
        """What a client or monitor does after the restart when it got no answer."""
        bench.model.resend(bench.lab)

    def recovered(self, bench, point):
        """Right after the restart. `point`: where the daemon died."""
        found = bench.model.learn(bench.lab)
        if point == "accept.before_commit":
            bench.claim(bench.model.sent is not None, "what was never committed is not stored")
        elif bench.reached:
            bench.claim(found is not None and bench.model.sent is None, "what was committed is stored")


class Based(Operation):
    """Begins with a running deployment of three workloads."""

    def prepare(self, bench):
        bench.model.deploy(bench.lab, document(TWIN, base()))
        bench.settle(reports=True)  # they are not the operation's


class Deploy(Operation):
    def send(self, bench):
        bench.model.deploy(bench.lab, document(TWIN, base()))


class Clash(Operation):
    """The name of its network is taken by another deployment of the twin."""

    unreached = ("accept.after_commit", "job.picked", "step.before_intent", "step.after_intent", "plugin.partial", "plugin.done", "step.before_result",
                 "step.after_result", "job.before_done", "job.after_done", "outbox.sent")

    def prepare(self, bench):
        other = bench.add_model(Model(TWIN))
        other.deploy(bench.lab, document(TWIN, [net("net", "other")]))
        bench.settle(reports=True)

    def send(self, bench):
        try:
            bench.model.deploy(bench.lab, document(TWIN, base()))
        except lab.Refused as refused:
            bench.claim("conflict" in refused.message, f"the refusal names the conflict: {refused}")
            bench.model.sent = None
            return
        bench.claim(False, "a clash is refused")

    def again(self, bench):
        self.send(bench)

    def recovered(self, bench, point):
        bench.claim(bench.model.learn(bench.lab) is None, "a refused deployment is not stored")


class Update(Based):
    call = "update"

    def change(self, workloads, version):
        raise NotImplementedError

    def send(self, bench):
        bench.model.update(bench.lab, bench.model.next_document(self.change))


class Add(Update):
    subject, call = "d", "provision"

    def change(self, workloads, version):
        return workloads + [workload("d", "d1", version, needs=["net"])]


class Change(Update):
    def change(self, workloads, version):
        return [workload("a", "a1", version, needs=["net"]) if w["name"] == "a" else w for w in workloads]


class Refuse(Update):
    def change(self, workloads, version):
        return [workload("a", "a1", version, needs=["net"], refuse_update=True) if w["name"] == "a" else w for w in workloads]


class Remove(Update):
    subject, call = "b", "deprovision"

    def change(self, workloads, version):
        return [w for w in workloads if w["name"] != "b"]


class Mixed(Update):
    def change(self, workloads, version):
        kept = Change.change(self, Remove.change(self, workloads, version), version)
        return kept + [workload("d", "d1", version, needs=["net"])]


class Cancel(Based):
    subject, call = "a", "deprovision"
    perhaps = ("outbox.sent",)  # the ledger knows that the contract is gone

    def send(self, bench):
        bench.model.cancel(bench.lab)

    def again(self, bench):
        pass  # the event is still there, and the sync

    def recovered(self, bench, point):
        bench.model.learn(bench.lab)


class CancelFailing(Cancel):
    def send(self, bench):
        if not bench.scripted:
            inventory.script(bench.lab, bench.model.identity("b"), "deprovision begin fail 2")
        super().send(bench)


class CancelDuringApply(Cancel):
    """The removal comes while the plugin is in the middle of adding `d`."""

    def prepare(self, bench):
        super().prepare(bench)
        inventory.script(bench.lab, bench.model.identity("d"), "provision partial wait")
        bench.model.update(bench.lab, bench.model.next_document(lambda w, v: Add.change(self, w, v)))
        lab.wait_for(lambda: inventory.reached(bench.lab, bench.model.identity("d"), "wait"), "the plugin is not called for 'd'")


class Pause(Based):
    call = "pause"
    perhaps = ("outbox.sent",)  # what is paused is still used: there may be nothing to tell

    def send(self, bench):
        bench.model.grace(bench.lab, on=True)

    def again(self, bench):
        pass

    def recovered(self, bench, point):
        bench.model.learn(bench.lab)


class Resume(Pause):
    call = "resume"

    def prepare(self, bench):
        super().prepare(bench)
        bench.model.grace(bench.lab, on=True)
        bench.settle(reports=True)

    def send(self, bench):
        bench.model.grace(bench.lab, on=False)


class Fail(Based):
    """A monitor of the plugin gave `b` up."""

    subject, call = "b", "deprovision"

    def send(self, bench):
        bench.model.failed = {"b": "it crashes all the time"}
        bench.lab.daemon.call("zos.x.crashy.fail", {"id": bench.model.identity("b"), "reason": bench.model.failed["b"]})

    def again(self, bench):
        self.send(bench)

    def recovered(self, bench, point):
        bench.model.learn(bench.lab)


class Repair(Based):
    """Somebody destroyed what `b` is made of; a look around notices."""

    subject, call, settings = "b", "provision", {"inspect": 1}
    perhaps = ("outbox.sent",)

    def send(self, bench):
        inventory.lose(bench.lab, bench.model.identity("b"))

    def again(self, bench):
        pass

    def recovered(self, bench, point):
        bench.model.learn(bench.lab)


class Restore(Repair):
    """The machine was off: everything is brought back."""

    subject, settings, reboots = "a", {}, True
    unreached = ("accept.before_commit", "accept.after_commit")  # nobody asks for it

    def send(self, bench):
        bench.lab.lose_power()
        bench.lab.start(bench.points)


OPERATIONS = {"deploy": Deploy, "clash": Clash, "add": Add, "change": Change, "refuse": Refuse, "remove": Remove, "mixed": Mixed, "cancel": Cancel,
              "cancel-failing": CancelFailing, "cancel-during-apply": CancelDuringApply, "pause": Pause, "resume": Resume, "fail": Fail,
              "repair": Repair, "restore": Restore}
POINTS = ("accept.before_commit", "accept.after_commit", "job.picked", "step.before_intent", "step.after_intent", "plugin.partial", "plugin.done",
          "step.before_result", "step.after_result", "job.before_done", "job.after_done", "outbox.sent")
KILLS = ("9", "P")
