"""Restarts of every kind: where the start itself is killed, SIGTERM, a wrong clock, a second daemon, a ledger that is away."""
import shutil
import signal
import sqlite3
import subprocess
import threading
import time

import lab
import store_view
from case import Case, main
from documents import workload
from operations import POINTS, base


class StartCutShort(Case):
    def deployed_and_paused(self):
        self.model_ = self.deployed(*base())
        self.paused = self.deployed(workload("p", "p0"), twin=4)
        self.paused.grace(self.lab, on=True)
        self.settle()
        self.entries = [m.changes(self.lab) for m in self.models]

    def assert_restored(self):
        self.settle()
        self.assert_all_holds()
        self.assertEqual([m.changes(self.lab) for m in self.models], self.entries, "a restart adds no entries")

    def test_killed_while_it_looks_around(self):
        for kill in ("9", "P"):
            with self.subTest(kill=kill):
                self.make_lab(power=kill == "P")
                self.lab.start()
                self.deployed_and_paused()
                self.lab.kill()
                daemon = self.lab.start("boot.inspect=kill@2", wait=False)
                self.assertEqual(daemon.wait_dead(), -signal.SIGKILL)
                if kill == "P":
                    self.lab.lose_power()
                self.lab.start()
                self.assert_restored()

    def test_killed_between_two_restored_workloads(self):
        for kill in ("9", "P"):
            with self.subTest(kill=kill):
                self.make_lab(power=True)
                self.lab.start()
                self.deployed_and_paused()
                self.lab.lose_power()
                daemon = self.lab.start("boot.restore=kill@2", wait=False)
                self.assertEqual(daemon.wait_dead(), -signal.SIGKILL)
                if kill == "P":
                    self.lab.lose_power(torn=True)
                self.lab.start()
                self.assert_restored()

    def test_killed_while_it_drains(self):
        for kill in ("9", "P"):
            with self.subTest(kill=kill):
                self.make_lab(power=kill == "P")
                self.lab.start()
                self.deployed_and_paused()
                self.lab.daemon.arm("shutdown.drain=kill")
                self.lab.daemon.signal(signal.SIGTERM)
                self.assertEqual(self.lab.daemon.wait_dead(), -signal.SIGKILL)
                if kill == "P":
                    self.lab.lose_power()
                self.lab.start()
                self.assert_restored()


class Compaction(Case):
    def test_history_is_as_before_or_after(self):
        for kill in ("9", "P"):
            with self.subTest(kill=kill):
                self.make_lab(power=kill == "P")
                self.lab.start()
                model = self.deployed(*base())
                model.failed = {"b": "given up"}  # init, ok, error: the entry in the middle goes with the next update
                self.lab.daemon.call("zos.x.crashy.fail", {"id": model.identity("b"), "reason": "given up"})
                self.settle()
                before = model.changes(self.lab)
                self.lab.daemon.arm("history.compact=kill")
                try:
                    self.update(model, lambda w, v: w + [workload("d", "d1", v)])
                except lab.Gone:
                    pass
                self.assertEqual(self.lab.daemon.wait_dead(), -signal.SIGKILL)
                if kill == "P":
                    self.lab.lose_power(torn=True)
                self.lab.start()
                model.learn(self.lab)
                self.assertIsNotNone(model.sent, "the update is in the commit that was cut short")
                if kill == "9":
                    self.assertEqual(model.changes(self.lab), before)
                else:
                    model.failed = {}  # a reboot brings back what once ran
                model.resend(self.lab)
                self.settle()
                self.assert_all_holds()
                states = [e["result"]["state"] for e in model.changes(self.lab) if e["name"] == "b"]
                self.assertEqual(states, ["init", "error" if kill == "9" else "ok"])


class Terminated(Case):
    def test_a_term_at_any_point_is_no_crash(self):
        for point in POINTS:
            if point.startswith("plugin."):
                continue
            with self.subTest(point=point):
                self.make_lab()
                self.lab.start()
                model = self.deployed(*base())
                self.lab.daemon.arm(f"{point}=pause@1")
                caller = self.lab.daemon.connect()
                doc = model.next_document(lambda w, v: w[:2] + [workload("d", "d1", v)])

                def send():
                    try:
                        model.update(self.lab, doc, caller.call)
                    except (lab.Gone, lab.Refused):
                        pass

                sender = threading.Thread(target=send)
                sender.start()
                self.lab.daemon.wait_paused(point)
                begin = time.monotonic()
                self.lab.daemon.signal(signal.SIGTERM)
                try:
                    self.lab.daemon.arm("")
                except lab.Gone:
                    pass
                self.assertEqual(self.lab.daemon.wait_dead(), 0)
                self.assertLess(time.monotonic() - begin, lab.PATIENCE)
                sender.join()
                caller.close()
                self.assertEqual([step for step in store_view.steps(self.lab) if step["crashes"]], [])
                self.lab.start()
                model.learn(self.lab)
                if model.sent is not None:
                    model.resend(self.lab)
                self.settle()
                self.assert_all_holds()


class WrongClock(Case):
    def test_time_that_goes_back_is_not_shown(self):
        self.make_lab()
        self.lab.start()
        model = self.deployed(workload("a", "a0"), workload("b", "b0"))
        before = max(e["result"]["created"] for e in model.changes(self.lab))
        self.lab.kill()

        self.lab.start(env={"LD_PRELOAD": str(lab.BUILD / "tests/libclock_shift.so"), "TRELLIS_TEST_CLOCK_SHIFT": "-3600"})
        self.update(model, lambda w, v: [workload("a", "a1", v), w[1], workload("c", "c1", v)])
        self.settle()

        self.assert_all_holds()
        told = time.mktime(time.strptime(self.lab.log_tail(1)[:19], "%Y-%m-%d %H:%M:%S"))
        self.assertLess(told, time.time() - 1800, "the daemon's clock is not wrong")
        changed = [e["result"]["created"] for e in model.changes(self.lab) if e["version"] == 1]
        self.assertTrue(all(created >= before for created in changed), (before, changed))


class TwoDaemons(Case):
    def test_the_second_says_so_and_ends(self):
        self.make_lab()
        self.lab.start()
        model = self.deployed(workload("a", "a0"))

        second = subprocess.run([str(lab.BUILD / "bin/trellisd"), "--config", str(self.lab.dir / "trellis.toml")], capture_output=True, text=True, timeout=lab.PATIENCE)

        self.assertEqual(second.returncode, 1)
        self.assertIn("another trellisd uses", second.stderr)
        self.assertEqual(model.differences(self.lab), [])


class LedgerAway(Case):
    def test_a_restore_needs_no_ledger(self):
        self.make_lab(power=True)
        self.lab.start()
        model = self.deployed(*base())
        self.lab.lose_power()

        self.lab.start("ledger.away=error")

        lab.wait_for(lambda: not model.differences(self.lab), lambda: str(model.differences(self.lab)))
        self.lab.daemon.arm("")
        self.settle()
        self.assert_all_holds()

    def test_an_update_waits_and_marks_nothing(self):
        self.make_lab()
        self.lab.start()
        model = self.deployed(*base())
        self.lab.daemon.arm("ledger.contract=error")

        self.update(model, lambda w, v: w + [workload("d", "d1", v)])
        lab.wait_for(lambda: store_view.one(self.lab, "SELECT error FROM job WHERE error <> ''"), "the job is not parked")
        states = {w["name"]: w["result"]["state"] for w in model.get(self.lab)["workloads"]}
        self.assertNotIn("error", states.values())
        self.assertEqual({states[name] for name in ("net", "a", "b")}, {"ok"})

        self.lab.daemon.arm("")
        self.settle()
        self.assert_all_holds()


class LedgerEmpty(Case):
    def test_an_empty_list_removes_nothing(self):
        self.make_lab()
        self.lab.start()
        for i in range(4):
            self.deployed(workload("w", f"t{i}"))
        before = self.existing()
        self.age()
        self.lab.ledger.close()
        for file in self.lab.state.glob("ledger.db*"):
            file.unlink()
        shutil.copy(lab.template()[0] / "ledger.db", self.lab.state)

        self.lab.ledger = lab.Ledger(self.lab.state / "ledger.db")
        self.lab.start()

        lab.wait_for(lambda: "lacks most contracts" in self.lab.log_tail(200), lambda: self.lab.log_tail(50))
        self.assertEqual(self.existing(), before)
        self.assertEqual(self.differences(), [])

    def test_one_missing_of_many_is_removed(self):
        self.make_lab()
        self.lab.start()
        models = [self.deployed(workload("w", f"t{i}")) for i in range(4)]
        self.age()
        models[1].cancel(self.lab)
        with sqlite3.connect(self.lab.store) as database:  # the event is never seen
            database.execute("UPDATE meta SET value = '1000000' WHERE key = 'ledger_cursor'")
        database.close()

        self.lab.start()

        self.settle()
        self.assert_all_holds()
        self.assertEqual(len(self.existing()), 3)

    def age(self):
        """Deployments younger than a minute are spared; these are older."""
        self.lab.daemon.signal(signal.SIGTERM)
        self.lab.daemon.wait_dead()
        with sqlite3.connect(self.lab.store) as database:
            database.execute("UPDATE deployment SET created = created - 3600")
        database.close()


if __name__ == "__main__":
    main()
