"""The store in trouble: full disk, lost, damaged, torn, of another version."""
import re
import shutil
import sqlite3
import subprocess

import lab
import oracles
import store_view
from case import Case, main
from documents import document, net, workload


class FullDisk(Case):
    def setUp(self):
        self.make_lab(power=True)
        self.lab.start()
        self.full = self.lab.dir / "durable/trellis.db.full"

    def test_nothing_is_accepted_that_cannot_be_stored(self):
        model = self.model()

        self.full.touch()
        self.assert_refused(503, model.deploy, self.lab, document(3, [workload("a", "a0")]))
        self.full.unlink()

        self.assertIsNone(model.get(self.lab))
        self.assertEqual(self.existing(), [])
        model.resend(self.lab)
        self.settle()
        self.assert_all_holds()

    def test_no_effect_without_its_intent(self):
        model = self.model()
        self.lab.daemon.arm("step.before_intent=pause@1")
        model.deploy(self.lab, document(3, [workload("a", "a0")]))
        self.lab.daemon.wait_paused("step.before_intent")

        self.full.touch()
        self.lab.daemon.arm("step.before_intent=pause@2")
        self.lab.daemon.wait_paused("step.before_intent")  # the job came again
        before = self.existing()
        self.full.unlink()
        self.lab.daemon.arm("")

        self.assertEqual(before, [])
        self.settle()
        self.assert_all_holds()

    def test_a_result_is_stored_when_there_is_space_again(self):
        model = self.model()
        self.lab.daemon.arm("step.before_result=pause@1")
        model.deploy(self.lab, document(3, [workload("a", "a0")]))
        self.lab.daemon.wait_paused("step.before_result")

        self.full.touch()
        self.lab.daemon.arm("job.picked=pause@1")
        self.lab.daemon.wait_paused("job.picked")
        steps = [step["state"] for step in store_view.steps(self.lab)]
        self.full.unlink()
        self.lab.daemon.arm("")

        self.assertEqual(steps, [1], "the intent is kept")
        self.settle()
        self.assert_all_holds()


class LostStore(Case):
    def test_orphans_are_reported_and_kept_until_someone_confirms(self):
        self.make_lab(inspect=1)
        self.lab.start()
        self.deployed(workload("a", "a0"))
        before = self.existing()

        self.lab.kill()
        for file in self.lab.state.glob("trellis.db*"):
            file.unlink()
        self.lab.start()

        self.models.clear()
        lab.wait_for(lambda: not self.diagnostics()["healthy"], "orphans are not reported")
        self.assertIn("orphan", str(self.diagnostics()))
        self.assertEqual(self.existing(), before)


class DamagedStore(Case):
    def setUp(self):
        self.make_lab()
        self.lab.start()
        self.model_ = self.deployed(net("net", "n0"), *(workload(f"w{i}", f"t{i}" + "x" * 3000, needs=["net"]) for i in range(8)))
        self.resources = self.existing()

    def damage(self):
        with sqlite3.connect(self.lab.store) as database:  # all of it into the main file
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            page = database.execute("PRAGMA page_size").fetchone()[0]
            root = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'workloads'").fetchone()[0]
        database.close()
        with self.lab.store.open("r+b") as file:
            file.seek((root - 1) * page)
            file.write(b"\xa5" * 64)

    def assert_degraded(self):
        text = self.assert_refused(503, self.model_.get, self.lab)
        self.assertIn("docs/operators.md", text)
        self.assert_refused(503, self.model().deploy, self.lab, document(3, [workload("z", "z0")]), self.deploy_only)
        self.assertFalse(self.diagnostics()["healthy"])
        self.assertIn("cannot be used", self.lab.log_tail(200))
        self.assertEqual(self.existing(), self.resources)

    def deploy_only(self, cmd, payload=None, twin=None):
        """A call that needs no `local.examine`, which needs plugins."""
        if cmd == "local.examine":
            return {"hash": "0" * 32}
        return self.lab.daemon.call(cmd, payload, twin)

    def test_the_daemon_starts_degraded_and_touches_nothing(self):
        self.lab.kill()
        self.damage()
        bytes_before = self.lab.store.read_bytes()

        self.lab.start()

        self.assertIn("degraded", self.lab.daemon.call("local.status"))
        self.assert_degraded()
        self.lab.kill()
        self.assertEqual(self.lab.store.read_bytes(), bytes_before)

    def test_damage_that_shows_later_degrades_too(self):
        self.damage()

        for _ in range(3):  # what is in a cache does not show it
            try:
                self.model_.get(self.lab)
            except lab.Refused:
                pass

        self.assert_degraded()

    def test_the_documented_way_out_works(self):
        self.lab.kill()
        self.damage()

        rescue = re.search(r"```sh\n( *sqlite3 state/trellis.db .dump.*?)```", (lab.SOURCE / "docs/operators.md").read_text(), re.S).group(1)
        subprocess.run(rescue, shell=True, cwd=self.lab.dir, capture_output=True)
        for file in self.lab.state.glob("trellis.db*"):
            file.unlink()
        shutil.move(self.lab.dir / "new.db", self.lab.store)
        self.lab.store.chmod(0o600)
        with sqlite3.connect(self.lab.store) as database:
            database.execute("DELETE FROM meta WHERE key = 'orphans_confirmed'")
        database.close()
        self.lab.start()

        self.assertNotIn("degraded", self.lab.daemon.call("local.status"))
        self.assertEqual(self.existing(), self.resources)


class TornLog(Case):
    def test_a_cut_in_what_was_not_synced_loses_nothing_acknowledged(self):
        for seed in range(12):
            with self.subTest(seed=seed):
                self.make_lab(power=True, seed=seed)
                self.lab.start()
                model = self.deployed(workload("a", "a0"))
                self.lab.daemon.arm("step.before_result=kill")
                try:
                    self.update(model, lambda w, v: w + [workload("b", f"b{seed}", v)])
                except lab.Gone:
                    pass
                self.lab.daemon.wait_dead()
                log = self.lab.state / "trellis.db-wal"
                live, durable = log.read_bytes(), (self.lab.dir / "durable/trellis.db-wal").read_bytes()
                same = next((i for i, (a, b) in enumerate(zip(live, durable)) if a != b), min(len(live), len(durable)))
                cut = self.lab.random.randint(same, len(live))
                log.write_bytes(live[:cut])

                self.lab.start()

                model.learn(self.lab)
                self.settle()
                self.assert_all_holds()

    def test_any_cut_leaves_a_daemon_that_starts(self):
        for seed in range(6):
            with self.subTest(seed=seed):
                self.make_lab(seed=seed)
                self.lab.start()
                self.deployed(workload("a", "a0"))
                self.lab.kill()
                log = self.lab.state / "trellis.db-wal"
                log.write_bytes(log.read_bytes()[:self.lab.random.randrange(log.stat().st_size)])

                self.lab.start()

                self.assertEqual(oracles.queue(self.lab, self.lab.daemon.call("local.status")), [])


class Versions(Case):
    def test_a_newer_store_is_refused_and_not_touched(self):
        self.make_lab()
        self.lab.start()
        self.lab.daemon.signal(15)
        self.assertEqual(self.lab.daemon.wait_dead(), 0)
        with sqlite3.connect(self.lab.store) as database:
            database.execute("PRAGMA user_version = 99")
        database.close()
        before = self.lab.store.read_bytes()

        daemon = self.lab.start(wait=False)

        self.assertEqual(daemon.wait_dead(), 1)
        self.assertIn("the store has schema 99", (self.lab.dir / "stderr").read_text())
        self.assertEqual(self.lab.store.read_bytes(), before)

    def test_a_migration_that_is_cut_short_runs_again(self):
        for kill in ("9", "P"):
            with self.subTest(kill=kill):
                self.make_lab(power=kill == "P")
                daemon = self.lab.start("migrate.step=kill", wait=False)
                self.assertEqual(daemon.wait_dead(), -9)
                if kill == "P":
                    self.lab.lose_power(torn=True)

                self.lab.start()

                self.deployed(workload("a", "a0"))
                self.assert_all_holds()


if __name__ == "__main__":
    main()
