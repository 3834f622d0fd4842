"""Disks of the plugins `zmount` and `storage`, killed before every system call that changes something: the row of a
real type in the matrix, with every sub-point that there is. Needs root: pools are mounted."""
import itertools
import shutil
import subprocess

import lab
import oracles
import store_view
from case import TWIN, Case, main
from documents import document

MIB = 1 << 20
MOST = 64  # system calls of one operation
CONFIG = """[plugin.storage.config]
[[plugin.storage.config.pools]]
name = "ssd0"
path = "{dir}/pool"
size = 536870912
"""


def disk(name, mib, version=0):
    return {"version": version, "name": name, "type": "zmount", "metadata": "", "description": "", "data": {"size": mib * MIB}}


class Disks(Case):
    def setUp(self):
        made = self.make_lab(power=True, plugins=self.plugins(), more=CONFIG, scratch=lab.ON_DISK)
        (made.dir / "pool").mkdir()
        self.trigger = made.dir / "kill"
        self.start()

    def plugins(self):
        """A folder with just these: a build may hold more."""
        folder = lab.make_folder("plugins-")
        self.addCleanup(shutil.rmtree, folder)
        for name in ("storage", "zmount"):
            for kind in ("trellis.so", "manifest.json", "manifest.json.sig"):
                shutil.copy(lab.BUILD / "plugins" / f"{name}.{kind}", folder)
        return folder

    # ---- dying ----
    def start(self):
        self.lab.start(env={"LD_PRELOAD": str(lab.BUILD / "tests/libkill_at.so"), "TRELLIS_TEST_KILL_AT": str(self.trigger),
                            "TRELLIS_TEST_KILL_UNDER": str(self.lab.dir / "pool")})

    def dies_at(self, n, act, over):
        """Does `act`, to be killed before its n-th system call. False when it was over before."""
        self.trigger.write_text(str(n))
        died = True
        try:
            act()
            died = lab.wait_for(lambda: "dead" if self.lab.daemon.dead() else "done" if over() else None, "neither dead nor done") == "dead"
        except lab.Gone:
            pass
        if died:
            self.assertEqual(self.lab.daemon.wait_dead(), -9)
        self.trigger.unlink()
        return died

    def at_every_call(self, least, act, over, after):
        """Until an operation comes to its end without dying; it must have come by `least` system calls."""
        self.lab.kill()  # a process counts from its start
        self.start()
        for n in itertools.count(1):
            self.assertLess(n, MOST)
            died = self.dies_at(n, lambda: act(n), over)
            if died:
                self.start()
            after(n)
            if not died:
                self.assertGreaterEqual(n - 1, least)
                return

    # ---- looking ----
    def disks(self):
        """What really exists: size by workload id."""
        return {path.name: path.stat().st_size for path in (self.lab.dir / "pool/mnt/vdisks").iterdir()}

    def wanted(self):
        return {model.identity(w["name"]): w["data"]["size"] for model in self.models if model.stored is not None and not model.cancelled
                for w in model.stored["workloads"]}

    def quiet(self):
        return not self.differences() and not self.lab.daemon.call("local.status")["queue"]["all"]

    def assert_all_holds(self):
        lab.wait_for(self.quiet, lambda: str(self.differences()))
        stored = store_view.stored_workloads(self.lab)
        self.assertEqual(self.disks(), self.wanted())
        self.assertEqual({store_view.identity(row) for row in stored if row["owned"]}, self.wanted().keys())
        reserved = {store_view.identity(row): row["sru"] for row in store_view.rows(self.lab, "SELECT * FROM reservation")}
        self.assertEqual(reserved, self.wanted())
        self.assertEqual([text for m in self.models for text in (oracles.history(m.changes(self.lab)) if not m.cancelled else [])], [])
        self.assertEqual(lab.mounts_below(self.lab.dir), [str(self.lab.dir / "pool/mnt")])

    def finish(self):
        """What the client does after a death: look, and ask again."""
        for model in self.models:
            if model.contract and not model.cancelled:
                model.learn(self.lab)
                if model.sent is not None:
                    model.resend(self.lab)
        self.assert_all_holds()

    # ---- the rows ----
    def test_deploy_update_and_cancel_survive_a_kill_before_every_call(self):
        def deploy(n):
            self.model().deploy(self.lab, document(TWIN, [disk("a", 2), disk(f"b{n}", 1)]))

        self.at_every_call(10, deploy, lambda: self.quiet(), lambda n: self.finish())
        model = self.models[0]

        def grow(n):
            model.update(self.lab, model.next_document(lambda w, v: [disk("a", 2 + v, v), w[1]]))

        self.at_every_call(1, grow, lambda: self.quiet(), lambda n: self.finish())

        def exchange(n):
            model.update(self.lab, model.next_document(lambda w, v: [w[0], disk(f"c{v}", 1, v)]))

        self.at_every_call(5, exchange, lambda: self.quiet(), lambda n: self.finish())
        alive = iter(list(self.models))

        def cancel(n):
            next(alive).cancel(self.lab)

        self.at_every_call(2, cancel, lambda: self.quiet(), lambda n: self.finish())

    def test_everything_is_back_after_a_power_loss_that_strikes_twice(self):
        model = self.deployed_disks()
        before = self.disks()

        for n in itertools.count(1):
            self.lose_power()
            if not self.dies_at(n, self.start, self.quiet):
                break
            self.lose_power()
            self.start()
            self.assert_all_holds()
            self.assertEqual(self.disks(), before)
            self.lab.kill()
        self.assertGreater(n, 1, "a start after a power loss mounts")
        self.assertEqual([e["result"]["state"] for e in model.changes(self.lab)], ["init", "init", "ok", "ok"])

    def deployed_disks(self):
        model = self.model()
        model.deploy(self.lab, document(TWIN, [disk("a", 2), disk("b", 1)]))
        self.assert_all_holds()
        return model

    def lose_power(self):
        if not self.lab.daemon.dead():
            self.lab.kill()
        for point in lab.mounts_below(self.lab.dir):
            subprocess.run(["umount", point], check=True)
        self.lab.lose_power(torn=True)


if __name__ == "__main__":
    main()
