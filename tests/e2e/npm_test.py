"""The published npm clients, not a byte of them changed, drive the node."""
import time
import unittest

import grid
import npm_clients

OWNER, FARMER, ADMIN = "user", "farmer", "admin"
SOON = 20  # seconds until a cancelled deployment is gone; how long it really takes is measured elsewhere

# Every command of the node: payload, who may call it, and what a good answer is (a type, or the error's text).
COMMANDS = [
    ("rmb.version", None, OWNER, str),
    ("zos.system.version", None, OWNER, dict),
    ("zos.system.node_features_get", None, OWNER, list),
    ("zos.system.dmi", None, OWNER, dict),
    ("zos.system.hypervisor", None, OWNER, str),
    ("zos.system.diagnostics", None, OWNER, dict),
    ("zos.statistics.get", None, OWNER, dict),
    ("zos.perf.get_all", None, OWNER, list),
    ("zos.perf.get", {"name": "nothing"}, OWNER, "404 result not found"),
    ("zos.gpu.list", None, OWNER, list),
    ("zos.location.get", None, OWNER, "404 the node's location is not configured"),
    ("zos.storage.pools", None, OWNER, list),
    ("zos.network.list_wg_ports", None, OWNER, list),
    ("zos.network.list_private_ips", {"network_name": "net"}, OWNER, list),
    ("zos.network.list_public_ips", None, OWNER, list),
    ("zos.network.interfaces", None, OWNER, dict),
    ("zos.network.has_ipv6", None, OWNER, bool),
    ("zos.network.public_config_get", None, OWNER, "no public configuration"),
    ("zos.deployment.list", None, OWNER, list),
    ("zos.deployment.get", {"contract_id": 99}, OWNER, "404 deployment not found"),
    ("zos.deployment.changes", {"contract_id": 99}, OWNER, "404 deployment not found"),
    ("zos.deployment.delete", {"contract_id": 99}, OWNER, "deletion over the api is disabled"),
    ("zos.deployment.deploy", {}, OWNER, "401 twin id mismatch"),
    ("zos.deployment.update", {}, OWNER, "401 twin id mismatch"),
    ("zos.nothing", None, OWNER, "404 function is not found"),
    ("zos.admin.interfaces", None, FARMER, dict),
    ("zos.network.admin.interfaces", None, FARMER, dict),
    ("zos.admin.get_public_nic", None, FARMER, dict),
    ("zos.network.admin.get_public_nic", None, FARMER, dict),
    ("zos.admin.set_public_nic", 7, FARMER, "failed to decode input, expecting string"),
    ("zos.debug.deployment.list", None, ADMIN, dict),
    ("zos.debug.deployment.get", {"deployment": "x"}, ADMIN, "invalid deployment format"),
    ("zos.debug.deployment.history", {}, ADMIN, "deployment identifier is required"),
    ("zos.debug.deployment.info", {}, ADMIN, "deployment identifier is required"),
    ("zos.debug.deployment.health", {}, ADMIN, "deployment identifier is required"),
]


class ChainClient(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.grid = grid.Grid()
        cls.addClassCleanup(cls.grid.close)
        cls.clients = npm_clients.Clients(cls.grid)

    def live(self, key_type, secret):
        answer = self.clients.run("chain", keyType=key_type, secret=secret, farm=1)
        reads, contracts = answer["reads"], answer["contracts"]
        self.assertEqual(answer["made"]["id"], answer["id"])
        self.assertEqual(answer["twin"]["relay"], "relay.example.org")
        self.assertEqual(answer["again"], "TwinWithPubkeyExists")
        self.assertGreater(int(str(reads["balance"]["free"]), 0), 10_000)
        self.assertEqual(reads["node"]["twinId"], self.clients.node_twin)
        self.assertEqual(reads["farm"]["name"], "farm")
        self.assertIsNone(reads["missing"])
        self.assertEqual(contracts["made"]["contractType"]["nodeContract"]["deploymentData"], '{"type":"vm"}')
        self.assertEqual(contracts["made"]["state"], {"created": None})
        self.assertEqual(contracts["updated"]["contractType"]["nodeContract"]["deploymentData"], "new")
        self.assertEqual(contracts["byHash"], contracts["made"]["contractId"])
        self.assertIn(contracts["made"]["contractId"], contracts["active"])
        self.assertEqual(contracts["byName"], contracts["name"]["contractId"])
        self.assertEqual(len(contracts["batch"]), 2)
        self.assertEqual(contracts["rollback"], 0, "nothing of a failed batch stays")
        refused = {name: contracts[name] for name in ("twice", "taken", "broken", "foreign")}
        self.assertEqual(refused, {"twice": "ContractIsNotUnique", "taken": "NameExists", "broken": "ContractIsNotUnique", "foreign": "NodeNotExists"})
        self.assertEqual(sorted(contracts["cancelled"]), sorted(contracts["all"]))
        self.assertIsNone(contracts["after"])
        self.assertEqual(len(answer["events"]), 1)

    def test_an_sr25519_twin_lives_on_the_ledger(self):
        self.live("sr25519", "0x" + "11" * 32)

    def test_an_ed25519_twin_lives_on_the_ledger(self):
        self.live("ed25519", "0x" + "22" * 32)


class DirectClient(unittest.TestCase):
    """Every node command, with both key types, encrypted and plain."""

    def ask_everything(self, encrypted):
        def edit(text):
            text = text.replace("[node]", "admin_twins = [3]\n\n[node]", 1)
            return text if encrypted else text.replace("[rmb]\n", "[rmb]\nencrypt = false\n")

        g = grid.Grid(edit=edit)
        self.addCleanup(g.close)
        clients = npm_clients.Clients(g)
        g.cli("twin", "create", "other", "--type", "ed25519")
        for key in ("user", "farmer", "other"):
            with self.subTest(key=key):
                self.check(clients, key, encrypted)

    def check(self, clients, key, encrypted):
        secret = clients.secret(key)
        answer = clients.run("rmb", session=f"s-{key}", waves=[[[name, payload] for name, payload, _, _ in COMMANDS]], **secret)
        self.assertEqual(bool(answer["nodePk"]), encrypted)
        wrong = {}
        for name, _, who, good in COMMANDS:
            got = answer["answers"][name]
            allowed = who == OWNER or (who == FARMER and key == "farmer") or (who == ADMIN and secret["twin"] == 3)
            if not self.fits(got, good if allowed else "unauthorized"):
                wrong[name] = got
        self.assertEqual(wrong, {})

    def fits(self, got, good):
        """`good`: the answer's type, or what the error says."""
        return good in got.get("error", "") if isinstance(good, str) else isinstance(got.get("ok"), good)

    def test_encrypted(self):
        self.ask_everything(encrypted=True)

    def test_plain(self):
        self.ask_everything(encrypted=False)


class GridClient(unittest.TestCase):
    """Machines as the grid client's users make them."""

    FLIST = "http://images.trellis.local/hello-root"

    def setUp(self):
        self.grid = grid.Grid()
        self.addCleanup(self.grid.close)
        self.clients = npm_clients.Clients(self.grid)
        self.clients.serve_identity()
        self.addCleanup(self.clients.close)

    def steps(self, key, *steps, **job):
        return self.clients.run("grid", steps=steps, name="mine", network="net", flist=self.FLIST, **self.clients.secret(key), **job)

    def test_an_sr25519_user_deploys_updates_reads_and_cancels(self):
        answers = self.steps("user", "deploy", "get", "list", "contracts", "nodes", "ping", "statistics", "add", "drop")
        contracts = answers["contracts"]["result"]["nodeContracts"]
        machine = answers["get"]["result"][0]
        self.assertEqual(machine["status"], "ok")
        self.assertEqual(machine["mounts"][0]["mountPoint"], "/data")
        self.assertEqual(answers["list"]["result"], ["mine"])
        self.assertEqual(len(contracts), 2, "one for the network, one for the machine")
        self.assertEqual([n["nodeId"] for n in answers["nodes"]["result"]], [self.clients.node])
        self.assertIn("zos", answers["ping"]["result"])
        self.assertEqual(answers["statistics"]["result"]["users"]["workloads"], 3)
        machine_contract = answers["deploy"]["result"]["contracts"]["created"][0]["contractId"]
        stored = self.grid.cli("get", machine_contract)
        self.assertEqual(sorted(w["type"] for w in stored["workloads"]), ["zmachine", "zmount"])
        self.assertEqual({w["result"]["state"] for w in stored["workloads"]}, {"ok"})
        self.assertEqual(len(self.grid.machine_pids()), 1)

        self.cancelled_soon(machine_contract)

        # Without its machine the client does not find the network by the machine's name any more.
        self.steps("user", "cancelAll")
        self.assertEqual(self.grid.contracts(), [])

    def cancelled_soon(self, contract):
        applied = self.clients.run("cancel", contract=contract, **self.clients.secret("user"))["applied_ms"] / 1000
        while True:
            try:
                self.grid.cli("get", contract)
            except grid.Refused as refused:
                self.assertEqual(refused.message, "deployment not found")
                break
            self.assertLess(time.time(), applied + SOON, "the deployment is still there")
        seconds = time.time() - applied
        print(f"removed {seconds:.2f} s after the chain had the cancellation", flush=True)
        self.assertEqual(self.grid.machine_pids(), {})

    def test_an_ed25519_user_deploys_and_deletes(self):
        self.grid.cli("twin", "create", "other", "--type", "ed25519")
        answers = self.steps("other", "deploy", "get", "delete", "contracts")
        self.assertEqual(answers["get"]["result"][0]["status"], "ok")
        self.assertEqual(answers["contracts"]["result"]["nodeContracts"], [])

    def test_an_unverified_user_is_told(self):
        self.grid.cli("twin", "verify", "user", "--off")
        with self.assertRaises(npm_clients.Failed) as failed:
            self.steps("user", "deploy")
        self.assertIn("not verified", str(failed.exception))


if __name__ == "__main__":
    unittest.main()
