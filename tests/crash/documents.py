"""Documents as a client writes, signs and sends them."""
import json

MEMORY = 1 << 20


def workload(name, token, version=0, kind="crashy", needs=(), **data):
    return {"version": version, "name": name, "type": kind, "metadata": "", "description": "",
            "data": {"token": token, "memory": MEMORY, "needs": list(needs), **data}}


def net(name, token, version=0):
    return workload(name, token, version, kind="crashynet")


def document(twin, workloads, version=0, contract=0):
    return {"version": version, "twin_id": twin, "contract_id": contract, "metadata": "", "description": "", "expiration": 0,
            "signature_requirement": {"requests": [{"twin_id": twin, "required": False, "weight": 1}], "weight_required": 1, "signatures": []},
            "workloads": workloads}


def names(doc):
    return [w["name"] for w in doc["workloads"]]


def find(doc, name):
    return next(w for w in doc["workloads"] if w["name"] == name)


def sign(doc, call, ledger):
    """Signs with the key of the document's twin; the hash."""
    found = call("local.examine", json.dumps(doc), twin=doc["twin_id"])["hash"]
    signature = ledger("sign", twin=doc["twin_id"], hash=found)
    doc["signature_requirement"]["signatures"] = [{"twin_id": doc["twin_id"], "signature": signature, "signature_type": "ed25519"}]
    return found


def send(doc, call, update):
    """Deploy or update; `null` or an exception."""
    return call("zos.deployment.update" if update else "zos.deployment.deploy", json.dumps(doc), twin=doc["twin_id"])
