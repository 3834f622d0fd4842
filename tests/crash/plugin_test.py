"""Plugins in trouble: crashes, hangs, absence, another version of themselves."""
import signal
import time

import documents
import inventory
import lab
import store_view
from case import Case, main
from documents import document, net, workload

CRASHED = "operation crashed the node 3 times"


class Crashing(Case):
    def test_an_operation_that_crashes_the_node_is_given_up(self):
        """It takes the daemon down each time, until it was blamed three times; the others go on."""
        self.make_lab()
        self.lab.start()
        other = self.deployed(workload("other", "o0"))
        model = self.model()
        inventory.script(self.lab, "3-2-bad", "provision partial segv 9")
        doc = document(3, [workload("good", "g0"), workload("bad", "b0"), workload("after", "a0")])
        try:
            model.deploy(self.lab, doc)
        except lab.Gone:
            model.take(doc)

        deaths = self.deaths_until(lambda: model.get(self.lab)["workloads"][1]["result"]["state"] == "error")
        # The first death may be blamed on the step before, whose result was on its way to the disk.
        self.assertIn(deaths, (3, 4))

        model.failed = {"bad": CRASHED}
        lab.wait_for(lambda: not self.differences(), lambda: str(self.differences()))
        self.assertEqual(model.get(self.lab)["workloads"][1]["result"]["message"], CRASHED)
        self.assertEqual(other.differences(self.lab), [])

    def deaths_until(self, condition):
        deaths = 0
        while True:
            try:
                if lab.wait_for(lambda: self.lab.daemon.dead() or condition(), "the operation is not given up") and not self.lab.daemon.dead():
                    return deaths
            except lab.Gone:
                pass
            self.assertEqual(self.lab.daemon.wait_dead(), -signal.SIGSEGV)
            deaths += 1
            try:
                self.lab.start()
            except lab.Gone:
                pass  # it runs the operation before it answers anybody

    def test_a_helper_that_crashes_does_not_touch_the_daemon(self):
        self.make_lab(hosting="process")
        daemon = self.lab.start()
        other = self.deployed(workload("other", "o0"))
        model = self.model()
        inventory.script(self.lab, "3-2-bad", "provision partial segv 3")

        model.deploy(self.lab, document(3, [workload("bad", "b0")]))
        lab.wait_for(lambda: model.get(self.lab)["workloads"][0]["result"]["state"] == "error", "the operation is not given up")

        self.assertIn("crashed 3 times", model.get(self.lab)["workloads"][0]["result"]["message"])
        self.assertFalse(daemon.dead())
        self.assertEqual(other.differences(self.lab), [])


class Hanging(Case):
    def test_a_hung_call_holds_up_nobody_else(self):
        self.make_lab()
        self.lab.start()
        stuck = self.model()
        inventory.script(self.lab, "3-1-a", "provision partial hang")
        begin = time.monotonic()
        stuck.deploy(self.lab, document(3, [workload("a", "a0")]))
        lab.wait_for(lambda: inventory.reached(self.lab, "3-1-a", "hang"), "the plugin is not called")

        for twin in (3, 4):  # the same twin's other deployments, and others'
            other = self.model(twin)
            other.deploy(self.lab, document(twin, [workload("b", f"b{twin}")]))
            lab.wait_for(lambda: not other.differences(self.lab), lambda: str(other.differences(self.lab)), 8)  # the call is given up after twelve
        lab.wait_for(lambda: not self.diagnostics()["healthy"], "a hung call does not show")
        self.assertGreater(time.monotonic() - begin, 10)

        self.lab.kill()
        self.lab.start()
        self.settle()
        self.assert_all_holds()


class Absent(Case):
    def test_workloads_of_a_missing_plugin_stay_as_they_are(self):
        self.make_lab(inspect=1)
        self.lab.start()
        model = self.deployed(net("net", "n0"), workload("a", "a0", needs=["net"]))
        before = self.existing()
        self.lab.kill()
        self.lab.plugins = self.lab.dir / "no-plugins"
        self.lab.plugins.mkdir()
        self.lab.write_config()

        self.lab.start()

        stored = store_view.workloads(self.lab)
        self.assertEqual({row["state"] for row in stored.values()}, {"ok"})
        self.assertEqual({row["owned"] for row in stored.values()}, {1})
        shown = model.get(self.lab)
        self.assertEqual(documents.names(shown), ["net", "a"])
        self.assertEqual([w["result"]["message"] for w in shown["workloads"]],
                         ["plugin for type 'crashynet' is not loaded", "plugin for type 'crashy' is not loaded"])
        lab.wait_for(lambda: not self.diagnostics()["healthy"], "nobody is told")
        self.lab.kill()
        self.lab.plugins = None
        self.lab.write_config()
        self.lab.start()
        self.settle()
        self.assertEqual(self.existing(), before)
        self.assert_all_holds()
        self.assertEqual({w["result"]["message"] for w in model.get(self.lab)["workloads"]}, {""})
        self.assertTrue(self.diagnostics()["healthy"])


class Upgraded(Case):
    def test_old_handles_are_handed_to_the_new_plugin(self):
        self.make_lab()
        self.lab.start()
        model = self.deployed(workload("a", "a0"), workload("b", "b0"))
        self.lab.kill()
        self.lab.schema = 2
        self.lab.write_config()

        self.lab.start()
        self.update(model, lambda w, v: [workload("a", "a1", v), w[1]])
        self.settle()

        self.assert_all_holds()
        handed = [event for event in inventory.everything(self.lab)[model.identity("a")].events if event[0] == "handed"]
        self.assertEqual(handed[0][2], "a0")
        stored = store_view.workloads(self.lab)
        self.assertEqual(stored[model.identity("a")]["handle_schema"], 2)
        self.assertEqual(stored[model.identity("b")]["handle_schema"], 1)


if __name__ == "__main__":
    main()
