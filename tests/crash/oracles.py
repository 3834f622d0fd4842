"""What must hold after every restart, whatever happened before. Each function gives a list of complaints."""
import collections
import json
import os
import time

import inventory
import store_view

REPAIR, MINUTE = 6, 60
MAX_THREADS, MAX_DESCRIPTORS = 64, 96
STATE_FILES = {"trellis.db", "trellis.db-wal", "trellis.db-shm", "ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.db-wake", "trellisd.lock", "plugins"}


def leaks(lab, stored):
    """1: what exists is owned."""
    owned = {identity for identity, row in stored.items() if row["owned"]}
    return [f"'{identity}' exists and is not owned" for identity in inventory.existing(lab).keys() - owned]


def resources(lab, stored):
    """1: what is owned exists, and is as the store says."""
    found = inventory.existing(lab)
    owned = {identity for identity, row in stored.items() if row["owned"]}
    complaints = [f"'{identity}' is owned and does not exist (state {stored[identity]['state']})" for identity in owned - found.keys()]
    for identity in owned & found.keys():
        row, resource = stored[identity], found[identity]
        if row["state"] not in ("ok", "paused"):
            continue
        if not resource.made or resource.token != row["token"]:
            complaints.append(f"'{identity}' is made={resource.made} with token '{resource.token}', in effect is '{row['token']}'")
        if resource.paused != (row["state"] == "paused"):
            complaints.append(f"'{identity}' is stored as {row['state']}, really paused={resource.paused}")
    return complaints


def made_once(lab):
    """2: nothing was made twice with the same data in one boot, and what exists was made in this boot."""
    complaints = []
    for identity, resource in inventory.everything(lab).items():
        counts = inventory.made_count(resource)
        complaints += [f"'{identity}' was made {n} times with '{token}' in {boot}" for (boot, token), n in counts.items() if n > 1]
        if resource.made and counts[(lab.boot, resource.token)] == 0:
            complaints.append(f"'{identity}' was not made in this boot")
    return complaints


def history(changes):
    """5: `changes` of one deployment."""
    complaints, seen, last = [], collections.Counter(), 0
    by_name = collections.defaultdict(list)
    for entry in changes:
        result = entry["result"]
        by_name[entry["name"]].append(result["state"])
        if result["state"] == "ok":
            seen[(entry["name"], entry["version"])] += 1
        if result["created"] < last:
            complaints.append(f"time of '{entry['name']}' goes back from {last} to {result['created']}")
        last = result["created"]
    complaints += [f"{n} entries 'ok' for '{name}' version {version}" for (name, version), n in seen.items() if n > 1]
    complaints += [f"history of '{name}' starts with {states[0]}" for name, states in by_name.items() if states[0] != "init" and len(states) < 64]
    return complaints


def sharables(lab):
    """6: the index of shared names is what the stored workloads and documents say."""
    index = {(row["twin"], row["name"], row["contract"]) for row in store_view.rows(lab, "SELECT * FROM shared")}
    stored = {(row["twin"], row["name"], row["contract"]) for row in store_view.stored_workloads(lab) if row["type"] == "crashynet"}
    for row in store_view.rows(lab, "SELECT twin, contract, doc FROM deployment WHERE doc <> ''"):  # else it is what the workloads say
        stored |= {(row["twin"], w["name"], row["contract"]) for w in json.loads(row["doc"])["workloads"] if w["type"] == "crashynet"}
    return [f"shared index {sorted(index)}, workloads say {sorted(stored)}"] if index != stored else []


def reservations(lab, stored):
    """7: reserved is exactly what is owned."""
    reserved = {store_view.identity(row): row["mru"] for row in store_view.rows(lab, "SELECT * FROM reservation")}
    owned = {identity: row["memory"] for identity, row in stored.items() if row["owned"]}
    return [f"reserved {reserved}, owned {owned}"] if reserved != owned else []


def queue(lab, status):
    """8: nothing is left to do, but repairs that wait for hours."""
    jobs = store_view.rows(lab, "SELECT id, kind, error, not_before FROM job")
    later = [job for job in jobs if job["kind"] == REPAIR and job["not_before"] > time.time() + MINUTE]
    complaints = [f"the queue holds {status['queue']}"] if status["queue"]["all"] != len(later) else []
    return complaints + ([f"stored jobs {jobs}"] if len(jobs) != len(later) else [])


def reported(lab, stored):
    """9: the ledger knows what the okay workloads use."""
    used = collections.Counter()
    for row in stored.values():
        used[row["contract"]] += row["memory"] if row["state"] in ("ok", "paused") else 0
    complaints = []
    for contract, memory in used.items():
        known = lab.ledger("resources", contract=contract)
        if (known["mru"] if known else 0) != memory:
            complaints.append(f"contract {contract} uses {memory} bytes, the ledger was told {known}")
    return complaints


def leftovers(lab):
    """10: no thread, descriptor or file too many."""
    complaints, pid = [], lab.daemon.process.pid
    threads = len(os.listdir(f"/proc/{pid}/task"))
    links = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            links.append(os.readlink(f"/proc/{pid}/fd/{fd}"))
        except FileNotFoundError:
            pass  # closed while we looked
    if threads > MAX_THREADS or len(links) > MAX_DESCRIPTORS:
        complaints.append(f"{threads} threads and {len(links)} descriptors")
    complaints += [f"holds the deleted file '{link}'" for link in links if link.endswith("(deleted)")]
    unknown = {p.name for p in lab.state.iterdir()} - STATE_FILES
    unknown = {name for name in unknown if not name.startswith("trellis.db.bak-")}
    return complaints + [f"left files {sorted(unknown)} in the state folder" for _ in [0] if unknown]


def restless(lab, reports=True):
    """What the daemon still has to do. Reports to the ledger take their time."""
    stored = store_view.workloads(lab)
    complaints = queue(lab, lab.daemon.call("local.status")) or leaks(lab, stored) + resources(lab, stored)
    return complaints or (unsent(lab) or reported(lab, stored) if reports else [])


def unsent(lab):
    rows = store_view.rows(lab, "SELECT kind, contract FROM outbox")
    return [f"not yet told to the ledger: {rows}"] if rows else []


def check(lab, changes_of):
    """All oracles but 3 and 4, which need to know what was asked (models.py). `changes_of`: deployments to look at."""
    return [text for complaints in check_by_kind(lab, changes_of).values() for text in complaints]


def check_by_kind(lab, changes_of):
    """The same, sorted: `leaked`: something is left that nobody has any more; `half-done`: the rest."""
    stored = store_view.workloads(lab)
    half = queue(lab, lab.daemon.call("local.status")) + resources(lab, stored) + made_once(lab) + sharables(lab) + reported(lab, stored)
    for twin, contract in changes_of:
        changes = lab.daemon.call("zos.deployment.changes", {"contract_id": contract}, twin=twin)
        half += [f"contract {contract}: {text}" for text in history(changes)]
    return {"leaked": leaks(lab, stored) + reservations(lab, stored) + leftovers(lab), "half-done": half}
