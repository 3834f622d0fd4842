"""Another version of a plugin takes over in a real node, under load, with a data process; or it does not, and nothing changes."""
import json
import os
import pathlib
import shutil
import tempfile
import threading
import time
import unittest

import grid

VERSIONS = grid.BUILD / "morph-plugins"
RELOADS = 20


def document(*names, **data):
    return {"metadata": "", "description": "", "workloads": [{"name": n, "type": "morph", "data": {"name": n, **data}} for n in names]}


class Reload(unittest.TestCase):
    def setUp(self):
        self.plugins = pathlib.Path(tempfile.mkdtemp(prefix="te-morph-", dir="/tmp"))
        self.addCleanup(shutil.rmtree, self.plugins)
        self.install(1)
        self.grid = grid.Grid(plugins=self.plugins, edit=self.edit)
        self.addCleanup(self.grid.close)
        self.state = self.grid.dir / "state/plugins/morph"

    def edit(self, text):
        text = text.split("[plugin.flist.config]")[0].replace('hosting = "inline"', 'hosting = "process"')
        return text + '\n[plugin.morph.config]\ncolor = "red"\n'

    def install(self, version):
        for file in (VERSIONS / str(version)).glob("morph.*"):
            if file.suffix != ".debug":
                shutil.copy(file, self.plugins / "next")
                (self.plugins / "next").rename(self.plugins / file.name)

    def script(self, version, text):
        (self.grid.dir / f"run/plugins/morph/script-{version}").write_text(text)

    def version(self):
        return self.grid.cli("plugin", "info", "morph")["version"]

    def things(self):
        return sorted((self.state / "things").read_text().split("\n")[:-1])

    def refused(self):
        with self.assertRaises(grid.Refused) as caught:
            self.grid.cli("plugin", "reload", "morph")
        return caught.exception.message

    def test_no_call_fails_while_versions_change_under_load(self):
        deployed = self.grid.deploy(document("steady", process=True))
        steady = deployed["workloads"][0]["result"]["data"]
        self.assertEqual(steady["version"], "1.0.0")
        daemon = self.grid.daemon_pid
        stop, failures, done = threading.Event(), [], []

        def load(number):
            while not stop.is_set():
                try:
                    made = self.grid.deploy(document(*(f"w{number}x{i}" for i in range(4))))
                    done.append(made)
                    failures.extend(w for w in made["workloads"] if w["result"]["state"] != "ok")
                    self.grid.cli("cancel", made["contract_id"])
                except grid.Refused as refused:
                    failures.append(refused.message)

        users = [threading.Thread(target=load, args=(number,)) for number in range(2)]
        for user in users:
            user.start()
        try:
            for number in range(RELOADS):
                # The first one migrates; from then on it is 2 that follows 2.
                self.install(2)
                self.assertEqual(self.grid.cli("plugin", "reload", "morph")["from"], "1.0.0" if number == 0 else "2.0.0")
        finally:
            stop.set()
            for user in users:
                user.join()

        self.assertEqual(failures, [])
        self.assertGreater(len(done), 1)
        self.assertEqual(self.grid.daemon_pid, daemon)
        os.kill(steady["pid"], 0)  # it still runs, and as the same process
        listed = self.grid.cli("get", deployed["contract_id"])
        self.assertEqual(listed["workloads"][0]["result"]["data"]["pid"], steady["pid"])
        self.assertEqual(self.version(), "2.0.0")

    def test_a_version_that_fails_changes_nothing(self):
        made = self.grid.deploy(document("one", process=True))
        pid = made["workloads"][0]["result"]["data"]["pid"]
        before = self.things()
        self.install(2)
        for step, named in (("create fail", "create"), ("migrate fail", "state"), ("start crash", "start"), ("health bad", "health")):
            self.script(2, step)
            message = self.refused()
            self.assertIn("plugin 'morph' stays at version 1.0.0: version 2.0.0 was not taken", message)
            self.assertIn(f"it failed at '{named}'", message)
            self.assertEqual((self.version(), self.things()), ("1.0.0", before))
        os.kill(pid, 0)

        # It takes over, and dies of the first thing that it has to do: the engine's next try is the old one's.
        self.script(2, "provision crash")
        self.grid.cli("plugin", "reload", "morph")
        again = self.grid.deploy(document("two"))
        self.assertEqual([(w["result"]["state"], w["result"]["data"]["version"]) for w in again["workloads"]], [("ok", "1.0.0")])
        self.assertIn("version 2.0.0 was taken back", str(self.grid.cli("plugin", "info", "morph")["warnings"]))
        os.kill(pid, 0)

    def test_state_is_old_or_new_when_the_daemon_is_killed_in_the_middle(self):
        self.grid.deploy(document("one"))
        before = self.things()
        for version in (1, 2):
            with self.subTest(next_start=version):
                self.install(2)
                self.script(2, "start hang")
                reload = self.grid.start("plugin", "reload", "morph")
                self.addCleanup(reload.communicate)
                self.addCleanup(reload.kill)
                end = time.monotonic() + grid.PATIENCE
                while not self.state.joinpath(".version").read_text().startswith("2"):
                    self.assertLess(time.monotonic(), end, "the state is not migrated")
                    time.sleep(0.01)  # nothing tells how far it is

                self.grid.kill_daemon()
                self.install(version)
                self.script(2, "")
                self.grid.cli("up")

                self.assertEqual(self.version(), f"{version}.0.0")
                self.assertEqual(self.things(), before if version == 1 else [f"thing {line}" for line in before])


if __name__ == "__main__":
    unittest.main(verbosity=2)
