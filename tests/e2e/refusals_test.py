"""Bad input: one clear sentence that names the thing, soon, and nothing left behind."""
import copy
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import grid

SOON = 60  # seconds: much less than a client waits for a deployment


def workload(document, kind):
    return next(w for w in document["workloads"] if w["type"] == kind)


class Refusals(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.plugins = pathlib.Path(tempfile.mkdtemp(prefix="te-plugins-", dir="/tmp"))
        for kind in ("trellis.so", "manifest.json", "manifest.json.sig"):
            for file in (grid.BUILD / "plugins").glob(f"*.{kind}"):
                shutil.copy(file, cls.plugins)
        (cls.plugins / "junk.trellis.so").write_text("this is no shared library")
        cls.grid = grid.Grid(plugins=cls.plugins)
        cls.addClassCleanup(shutil.rmtree, cls.plugins)
        cls.addClassCleanup(cls.grid.close)

    def refused(self, document, *parts, state=None):
        """Deploys and expects a refusal whose sentence holds all `parts`."""
        known = set(self.grid.contracts())
        with self.assertRaises(grid.Refused) as caught:
            self.grid.deploy(document)
        for part in parts:
            self.assertIn(part, caught.exception.message)
        self.assertNotIn("\n", caught.exception.message)
        self.assertLess(caught.exception.seconds, SOON)
        new = set(self.grid.contracts()) - known
        if state is None:
            self.assertEqual(new, set(), "the contract of a refused deployment is cancelled again")
        for contract in new:
            states = {w["name"]: w["result"]["state"] for w in self.grid.cli("get", contract)["workloads"]}
            self.assertEqual(states[state], "error")
            self.grid.cli("cancel", contract)
        self.assertEqual(self.grid.leftovers(), [])

    def test_unknown_type(self):
        document = grid.machine()
        workload(document, "zmount")["type"] = "floppy"
        self.refused(document, "'data'", "floppy")

    def test_invalid_data(self):
        document = grid.machine()
        workload(document, "zmount")["data"] = {"size": 0}
        self.refused(document, "'data'", "size")

    def test_data_of_the_wrong_kind(self):
        document = grid.machine()
        workload(document, "zmachine")["data"]["compute_capacity"]["cpu"] = "two"
        self.refused(document, "'hello'", "cpu")

    def test_too_little_memory(self):
        document = grid.machine()
        workload(document, "zmachine")["data"]["compute_capacity"]["memory"] = 1048576
        self.refused(document, "'hello'", "memory")

    def test_missing_network(self):
        document = grid.machine()
        document["workloads"].remove(workload(document, "network"))
        self.refused(document, "'hello'", "network 'net' not found", state="hello")

    def test_missing_disk(self):
        document = grid.machine()
        document["workloads"].remove(workload(document, "zmount"))
        self.refused(document, "'hello'", "data", state="hello")

    def test_disk_larger_than_the_pool(self):
        document = {"workloads": [{"name": "huge", "type": "zmount", "data": {"size": 1 << 50}}]}
        self.refused(document, "'huge'", "bigger", state="huge")

    def test_gateway_on_a_node_without_public_configuration(self):
        document = {"workloads": [{"name": "site", "type": "gateway-fqdn-proxy",
                                   "data": {"fqdn": "shop.example.com", "backends": ["http://10.20.2.2:80"]}}]}
        self.refused(document, "'site'", "gateway is not supported on this node: no public configuration", state="site")

    def test_flist_that_does_not_exist(self):
        document = grid.machine()
        workload(document, "zmachine")["data"]["flist"] = "http://images.trellis.local/nothing-here"
        self.refused(document, "'hello'", "failed to mount flist", state="hello")

    def test_contract_of_another_hash(self):
        contract = self.grid.cli("contract", "create", "--hash", "0" * 32)["contract_id"]
        document = {"contract_id": contract, "workloads": [{"name": "d", "type": "zmount", "data": {"size": 67108864}}]}
        with self.assertRaises(grid.Refused) as caught:
            self.grid.deploy(document)
        self.assertEqual(caught.exception.message, "contract hash does not match deployment hash")
        self.grid.cli("contract", "cancel", contract)

    def test_a_contract_left_by_an_interrupted_deploy_is_taken(self):
        document = {"twin_id": 3, "workloads": [{"name": "d", "type": "zmount", "data": {"size": 67108864}}]}
        file = self.grid.dir / "left.json"
        file.write_text(json.dumps(document))
        left = self.grid.cli("contract", "create", "--hash", self.grid.cli("deployment", "hash", file)["hash"])["contract_id"]

        deployed = self.grid.cli("deploy", file)
        again = self.grid.cli("deploy", file)

        self.assertEqual(deployed["contract_id"], left)
        self.assertEqual(again["contract_id"], left)
        self.assertEqual(again["workloads"][0]["result"]["state"], "ok")
        self.grid.cli("cancel", left)
        self.assertEqual(self.grid.leftovers(), [])

    def test_a_change_that_the_node_refuses_is_a_failure(self):
        document = {"workloads": [{"name": "d", "type": "zmount", "data": {"size": 134217728}}]}
        contract = self.grid.deploy(document)["contract_id"]
        document["workloads"][0]["data"]["size"] = 67108864
        with self.assertRaises(grid.Refused) as caught:
            self.grid.cli("update", "-", "--contract", contract, stdin=json.dumps(document))
        self.assertEqual(caught.exception.message, "workload 'd' (zmount) stays as it was: not safe to shrink a disk")
        document["workloads"][0]["data"]["size"] = 268435456
        self.grid.cli("update", "-", "--contract", contract, stdin=json.dumps(document))
        self.grid.cli("cancel", contract)

    def test_a_daemon_that_dies_meanwhile_costs_no_contract(self):
        """The node has the deployment, but nobody is there to say so."""
        silent = subprocess.Popen(["nsenter", f"--net=/run/netns/{self.grid.netns}", sys.executable, "-c",
                                   "import socket, sys; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True)\n"
                                   "c = s.accept(); print('asked', flush=True); sys.stdin.read()"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(silent.kill)
        document = grid.machine()
        workload(document, "zmachine")["data"]["flist"] = f"http://127.0.0.1:{int(silent.stdout.readline())}/image.flist"
        file = self.grid.dir / "silent.json"
        file.write_text(json.dumps(document))
        before = set(self.grid.contracts())

        client = self.grid.start("deploy", file)
        self.assertEqual(silent.stdout.readline(), "asked\n")
        self.grid.kill_daemon()
        self.assertNotEqual(client.wait(timeout=grid.PATIENCE), 0)
        client.communicate()
        silent.communicate()

        contract, = set(self.grid.contracts()) - before
        self.grid.cli("up")
        self.assertEqual([w["name"] for w in self.grid.cli("get", contract)["workloads"]], [w["name"] for w in document["workloads"]])
        self.grid.cli("cancel", contract)
        self.assertEqual(self.grid.leftovers(), [])

    def test_contract_of_another_twin(self):
        self.grid.cli("twin", "create", "mallory", "--type", "ed25519")
        document = {"workloads": [{"name": "d", "type": "zmount", "data": {"size": 67108864}}]}
        mine = copy.deepcopy(document)
        deployed = self.grid.deploy(mine)
        document["contract_id"] = deployed["contract_id"]
        with self.assertRaises(grid.Refused) as caught:
            self.grid.deploy(document, "--user", "mallory")
        self.assertIn("does not", caught.exception.message)
        document["twin_id"] = deployed["twin_id"]
        with self.assertRaises(grid.Refused) as caught:
            self.grid.deploy(document, "--user", "mallory")
        self.assertIn("twin id mismatch", caught.exception.message)
        self.grid.cli("cancel", deployed["contract_id"])

    def test_wrong_signature(self):
        document = {"workloads": [{"name": "d", "type": "zmount", "data": {"size": 67108864}}]}
        document["signature_requirement"] = {"requests": [{"twin_id": 1, "required": True, "weight": 1}, {"twin_id": 3, "weight": 1}], "weight_required": 1,
                                             "signatures": [{"twin_id": 1, "signature": "00" * 64, "signature_type": "ed25519"}]}
        self.refused(document, "signature of twin 1")

    def test_a_plugin_that_is_none_is_refused_by_name(self):
        plugins = {p["name"]: p for p in self.grid.cli("plugin", "list")}
        self.assertEqual(plugins["junk"]["state"], "refused")
        self.assertNotEqual(plugins["junk"]["reason"], "")
        self.assertEqual(plugins["zmount"]["state"], "running")

    def test_a_command_that_there_is_not(self):
        for words, said in ((["foo"], "there is no command 'foo': 'trellis --help' lists them"),
                            (["plugin", "foo"], "there is no command 'plugin foo': 'trellis plugin --help' lists them")):
            done = subprocess.run([grid.BUILD / "bin/trellis", *words], capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stderr.strip()), (2, f"trellis: {said}"))

    def test_no_grid(self):
        with self.assertRaises(grid.Refused) as caught:
            broken = copy.copy(self.grid)
            broken.dir = pathlib.Path("/tmp/there-is-no-grid-here")
            broken.cli("status")
        self.assertIn("trellis grid init", caught.exception.message)


if __name__ == "__main__":
    unittest.main(verbosity=2)
