"""The whole way with real parts: daemon, relay, libvirt, QEMU."""
import json
import unittest

import grid


class Machine(unittest.TestCase):
    def setUp(self):
        self.grid = grid.Grid()
        self.addCleanup(self.grid.close)

    def test_outlives_the_daemon_and_leaves_nothing_behind(self):
        g = self.grid
        deployed = g.deploy(grid.machine())
        contract, twin = deployed["contract_id"], deployed["twin_id"]
        self.assertEqual([w["result"]["state"] for w in deployed["workloads"]], ["ok"] * 3)
        answer = json.loads(g.http(twin, "net", "http://10.20.2.2/"))
        self.assertEqual(answer["hostname"], "hello")
        self.assertEqual(answer["env"]["GREETING"], "hello from Trellis")
        self.assertTrue(answer["data"]["mounted"])
        g.http(twin, "net", "http://10.20.2.2/data/note", "-X", "PUT", "--data-binary", "kept on disk")
        before = g.machine_pids()

        helpers = g.kill_helpers()

        self.assertLessEqual({"flist", "network", "storage", "zmount"}, set(helpers))
        self.assertEqual(g.machine_pids(), before, "the machine must not notice")
        g.wait_for_helpers(helpers)
        self.assertEqual(g.http(twin, "net", "http://10.20.2.2/data/note"), "kept on disk")
        self.assertEqual({w["result"]["state"] for w in g.cli("get", contract)["workloads"]}, {"ok"})

        g.kill_daemon()
        g.cli("up")

        self.assertEqual(g.machine_pids(), before, "the machine must not notice")
        self.assertEqual(g.http(twin, "net", "http://10.20.2.2/data/note"), "kept on disk")
        self.assertEqual({w["result"]["state"] for w in g.cli("get", contract)["workloads"]}, {"ok"})

        updated = grid.machine()
        updated["workloads"].append({"name": "more", "type": "zmount", "data": {"size": 134217728}})
        result = g.cli("update", "-", "--contract", contract, stdin=json.dumps(updated))
        self.assertEqual({w["name"]: w["version"] for w in result["workloads"]}, {"net": 0, "data": 0, "hello": 0, "more": 1})
        self.assertEqual(g.machine_pids(), before, "an untouched machine goes on")
        self.assertEqual([(c["name"], c["result"]["state"]) for c in g.cli("changes", contract) if c["name"] == "hello"], [("hello", "init"), ("hello", "ok")])

        g.cli("cancel", contract)

        self.assertEqual(g.leftovers(), [])
        with self.assertRaises(grid.Refused) as refused:
            g.cli("get", contract)
        self.assertEqual(refused.exception.message, "deployment not found")

    def test_three_at_once(self):
        g = self.grid
        documents = [grid.machine(f"10.{30 + i}.2.2", f"net{i}", f"vm{i}", 4000 + i, f"10.{30 + i}.2.0/24") for i in range(3)]
        files = []
        for i, document in enumerate(documents):
            files.append(g.dir / f"machine{i}.json")
            files[i].write_text(json.dumps(document))
        running = [g.start("deploy", file) for file in files]
        outputs = [process.communicate(timeout=2 * grid.PATIENCE) for process in running]
        self.assertEqual([process.returncode for process in running], [0, 0, 0], outputs)
        deployed = [json.loads(out) for out, _ in outputs]
        for i, deployment in enumerate(deployed):
            answer = json.loads(g.http(deployment["twin_id"], f"net{i}", f"http://10.{30 + i}.2.2/"))
            self.assertEqual(answer["hostname"], f"vm{i}")
        self.assertEqual(len(g.machine_pids()), 3)

        for deployment in deployed:
            g.cli("cancel", deployment["contract_id"])

        self.assertEqual(g.leftovers(), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
