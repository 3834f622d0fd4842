"""What one contract must look like: the documents that were asked for, and which of them were acknowledged."""
import copy
import json

import documents
import lab

BUSY = 429


class Lost(AssertionError):
    """Something that was acknowledged is not there."""


class Model:
    """One contract of one twin. `shown`: what `get` must show by name once everything is done, for the newest document known to be stored."""

    def __init__(self, twin, contract=0):
        self.twin, self.contract = twin, contract
        self.stored = None  # the newest document known to be stored
        self.sent = None  # a newer one that was sent and not answered: it may be stored or not
        self.shown = {}
        self.refused = {}  # name -> version, of updates in the newest document that the plugin refuses
        self.paused = False
        self.failed = {}  # name -> reason, of workloads that a monitor gave up
        self.cancelled = False

    def identity(self, name):
        return f"{self.twin}-{self.contract}-{name}"

    def take(self, doc):
        """`doc` is known to be stored."""
        self.shown, self.refused = self.after(doc)
        self.stored, self.sent = doc, None

    def after(self, doc):
        """What is shown after `doc`, and the versions of updates that the plugin refuses."""
        shown, refused = {}, {}
        for workload in doc["workloads"]:
            name, old = workload["name"], self.shown.get(workload["name"])
            changed = workload["version"] == doc["version"]
            if changed and old is not None and workload["data"].get("refuse_update"):
                shown[name], refused[name] = old, workload["version"]
            else:
                shown[name] = workload if changed or old is None else old
        return shown, refused

    def next_document(self, change):
        """A copy of the stored document with the next version, changed by `change(workloads, version)`."""
        doc = copy.deepcopy(self.stored)
        doc["version"] += 1
        doc["workloads"] = change(doc["workloads"], doc["version"])
        return doc

    # ---- asking ----
    def deploy(self, lab_, doc, call=None):
        """Contract, signature, deploy. Returns when the daemon has answered; Gone when it died."""
        call = call or lab_.daemon.call
        digest = documents.sign(doc, call, lab_.ledger)
        if not self.contract:
            self.contract = lab_.ledger("create", twin=self.twin, node=lab_.node, hash=digest)
        else:  # the daemon died before it was sent this contract's first document
            lab_.ledger("update", twin=self.twin, contract=self.contract, hash=digest)
        doc["contract_id"] = self.contract
        documents.sign(doc, call, lab_.ledger)
        self._send(doc, call, update=False)

    def update(self, lab_, doc, call=None):
        call = call or lab_.daemon.call
        digest = documents.sign(doc, call, lab_.ledger)
        lab_.ledger("update", twin=self.twin, contract=self.contract, hash=digest)
        self._send(doc, call, update=True)

    def resend(self, lab_, call=None):
        """The last request once more, byte by byte: always a success, unless too much is queued just after a restart."""
        doc = self.sent or self.stored

        def accepted():
            try:
                self._send(doc, call or lab_.daemon.call, update=doc["version"] > 0)
            except lab.Refused as refused:
                if refused.code != BUSY:
                    raise
                return False
            return True

        lab.wait_for(accepted, "the node stays busy")

    def _send(self, doc, call, update):
        self.sent = doc
        documents.send(doc, call, update)
        self.take(doc)

    def cancel(self, lab_):
        self.cancelled = True
        lab_.ledger("cancel", twin=self.twin, contract=self.contract)

    def grace(self, lab_, on):
        self.paused = on
        lab_.ledger("grace", contract=self.contract, on=on)

    # ---- looking ----
    def get(self, lab_):
        """The deployment as the node shows it, None when it is not stored."""
        try:
            return lab_.daemon.call("zos.deployment.get", {"contract_id": self.contract}, twin=self.twin)
        except lab.Refused as refused:
            if refused.code != 404:
                raise
            return None

    def changes(self, lab_):
        return lab_.daemon.call("zos.deployment.changes", {"contract_id": self.contract}, twin=self.twin)

    def learn(self, lab_):
        """After a restart: was the unanswered document stored? A lost acknowledgement is an error."""
        found = self.get(lab_)
        if self.stored is not None and not self.cancelled and found is None:
            raise Lost(f"contract {self.contract} was acknowledged and is not stored")
        if found is None:
            return None
        if self.sent is not None and found["version"] == self.sent["version"]:
            self.take(self.sent)
        assert self.stored is not None, f"contract {self.contract} is stored and was never sent"
        if found["version"] != self.stored["version"]:
            raise Lost(f"contract {self.contract} has version {found['version']}, acknowledged {self.stored['version']}")
        return found

    def differences(self, lab_):
        """What `get` shows and should not, or the other way round; empty when all is as asked for."""
        found = self.get(lab_)
        if self.cancelled:
            return [] if found is None else [f"contract {self.contract} is still there: {states(found)}"]
        if self.stored is None:
            return [] if found is None else [f"contract {self.contract} is there: {states(found)}"]
        if found is None:
            return [f"contract {self.contract} is not there"]
        return [f"contract {self.contract}: {text}" for text in self._compare(found)]

    def _compare(self, found):
        if documents.names(found) != documents.names(self.stored):
            return [f"shows {documents.names(found)}, asked for {documents.names(self.stored)}"]
        complaints = []
        for workload in found["workloads"]:
            name, wanted = workload["name"], self.shown[workload["name"]]
            state = "error" if name in self.failed else "paused" if self.paused else "ok"
            if workload["result"]["state"] != state:
                complaints.append(f"'{name}' is {workload['result']['state']} ({workload['result']['message']}), should be {state}")
            if workload["version"] != wanted["version"] or workload["data"] != wanted["data"]:
                complaints.append(f"'{name}' shows version {workload['version']} {json.dumps(workload['data'])}, should be {json.dumps(wanted)}")
        return complaints

    def check_entries(self, changes):
        """Entries that must be there exactly once."""
        complaints = []
        for name, version in self.refused.items():
            count = sum(1 for e in changes if (e["name"], e["version"], e["result"]["state"]) == (name, version, "unchanged"))
            if count != 1:
                complaints.append(f"{count} entries 'unchanged' for '{name}' version {version}")
        for name, reason in self.failed.items():
            if not any(e["name"] == name and e["result"]["state"] == "error" and e["result"]["message"] == reason for e in changes):
                complaints.append(f"no entry 'error' with '{reason}' for '{name}'")
        if self.stored is None:
            return complaints
        for name in {e["name"] for e in changes} - set(documents.names(self.stored)):
            entries = [e["result"]["state"] for e in changes if e["name"] == name]
            if entries[-1] != "deleted" or ("deleted", "deleted") in zip(entries, entries[1:]):
                complaints.append(f"'{name}' is removed, its history reads {entries}")
        return complaints


def states(found):
    return {w["name"]: w["result"]["state"] for w in found["workloads"]}
