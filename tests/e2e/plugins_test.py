"""A plugin of a third party on its way into a node: packed, signed, trusted, installed, revoked; and what is refused."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import grid

EXAMPLE = grid.BUILD / "examples/c-minimal.trellis.so"


class Plugins(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.plugins = pathlib.Path(tempfile.mkdtemp(prefix="te-plugins-", dir="/tmp"))
        cls.addClassCleanup(shutil.rmtree, cls.plugins)
        cls.author = pathlib.Path(tempfile.mkdtemp(prefix="te-author-", dir="/tmp"))
        cls.addClassCleanup(shutil.rmtree, cls.author)
        cls.file = cls.author / EXAMPLE.name
        shutil.copy(EXAMPLE, cls.file)
        cls.grid = grid.Grid(plugins=cls.plugins, edit=lambda text: text.split("[plugin.flist.config]")[0])
        cls.addClassCleanup(cls.grid.close)
        cls.trust = cls.grid.dir / "trust.d/author.pub"
        cls.key = cls.author / "author.key"
        cls.key_id = cls.grid.cli("plugin", "keygen", cls.key, "--names", "c-*", "--comment", "an author")["id"]

    def setUp(self):
        self.grid.cli("plugin", "pack", self.file)
        for file in (*self.plugins.iterdir(), self.trust, self.grid.dir / "revoked"):
            file.unlink(missing_ok=True)

    def refused(self, *argv):
        with self.assertRaises(grid.Refused) as caught:
            self.grid.cli("plugin", *argv)
        self.assertNotIn("\n", caught.exception.message)
        return caught.exception.message

    def sign_and_trust(self):
        self.grid.cli("plugin", "sign", self.key, self.file)
        shutil.copy(f"{self.key}.pub", self.trust)

    def restart(self, *options):
        self.grid.cli("down")
        self.grid.cli("up", *options)

    def test_installs_what_a_trusted_author_signed_until_it_is_revoked(self):
        self.restart()
        self.sign_and_trust()
        self.assertEqual([c["ok"] for c in self.grid.cli("plugin", "check", self.file)["checks"]], [True] * 9)
        installed = self.grid.cli("plugin", "install", self.file)
        self.assertEqual((installed["name"], installed["key"]), ("c-minimal", self.key_id))
        self.assertEqual(len(list(self.plugins.iterdir())), 3)
        daemon = self.grid.daemon_pid
        config = self.grid.dir / "trellis.toml"
        self.assertEqual(self.grid.cli("plugin", "reload", "c-minimal")["to"], installed["version"])
        self.assertEqual(self.grid.cli("plugin", "info", "c-minimal")["state"], "running")
        self.assertEqual(self.grid.daemon_pid, daemon)

        text = config.read_text()
        self.addCleanup(config.write_text, text)
        config.write_text(text + "\n[plugin.c-minimal.config]\ncolour = 1\n")
        with self.assertRaises(grid.Refused) as caught:
            self.grid.cli("config", "check")
        self.assertIn("'plugin.c-minimal.config.colour' is not known", caught.exception.message)
        self.restart()
        self.assertIn("'plugin.c-minimal.config.colour' is not known", self.grid.cli("plugin", "info", "c-minimal")["reason"])
        config.write_text(text)

        self.restart()
        info = self.grid.cli("plugin", "info", "c-minimal")
        self.assertEqual((info["state"], info["key"], info["dev"]), ("running", self.key_id, False))

        (self.grid.dir / "revoked").write_text(f"{self.key_id}  # stolen\n")
        self.restart()
        info = self.grid.cli("plugin", "info", "c-minimal")
        self.assertEqual(info["state"], "refused")
        self.assertIn(f"signed by key {self.key_id}, which is revoked", info["reason"])

    def test_refuses_to_install_what_nobody_trusted_signed(self):
        self.assertIn("it is not signed", self.refused("install", self.file))
        self.grid.cli("plugin", "sign", self.key, self.file)
        self.assertIn(f"key {self.key_id}, which '{self.trust.parent}' does not trust", self.refused("install", self.file))
        self.assertEqual(list(self.plugins.iterdir()), [])

    def test_runs_an_unsigned_plugin_only_in_dev_mode_and_says_so(self):
        self.assertIn("no 'dev_mode = true'", self.refused("install", "--dev", self.file))
        config = self.grid.dir / "trellis.toml"
        text = config.read_text()
        config.write_text(text.replace("[plugins]\n", "[plugins]\ndev_mode = true\n"))
        self.addCleanup(config.write_text, text)
        self.grid.cli("plugin", "install", "--dev", self.file)

        self.restart()
        self.assertEqual(self.grid.cli("plugin", "info", "c-minimal")["state"], "refused")
        self.assertFalse(self.grid.cli("status")["dev"])

        self.restart("--dev")
        info = self.grid.cli("plugin", "info", "c-minimal")
        self.assertEqual((info["state"], info["dev"], info["key"]), ("running", True, ""))
        for command in (["status"], ["plugin", "list"]):
            shown = subprocess.run([str(grid.BUILD / "bin/trellis"), "--dir", str(self.grid.dir), *command], capture_output=True, text=True, check=True)
            self.assertIn("DEV", shown.stdout)
        self.assertIn("DEV MODE", (self.grid.dir / "state/trellisd.log").read_text())

    def test_a_grid_of_an_earlier_version_runs_the_plugins_of_its_build(self):
        config = self.grid.dir / "trellis.toml"
        text = config.read_text()
        self.addCleanup(config.write_text, text)
        config.write_text("".join(line for line in text.splitlines(True) if not line.startswith("trust_dir")))
        self.assertNotIn("trust_dir", config.read_text())
        self.grid.cli("plugin", "sign", grid.BUILD / "signing.key", self.file)
        self.grid.cli("plugin", "install", self.file)
        self.restart()
        info = self.grid.cli("plugin", "info", "c-minimal")
        self.assertEqual((info["state"], info["dev"]), ("running", False), info)

    def test_drives_a_plugin_by_hand_without_a_node(self):
        state = self.author / "state"
        call = ["plugin", "call", self.file, "--state", state]
        done = self.grid.cli(*call, "provision", "c-note", '{"text":"hello"}')
        self.assertEqual(done["status"], "ok")
        self.assertEqual(self.grid.cli(*call, "challenge", "c-note", '{"text":"hello"}'), {"challenge": "hello"})
        for words, sentence in ((["valid", "c-note", '{"text":""}'], "empty"), (["dance"], "there is no operation 'dance'"),
                                (["list", "other"], "plugin 'c-minimal' has no type 'other': it has c-note")):
            self.assertIn(sentence, self.refused("call", self.file, *words))
        self.assertIn("the plugin is failed", self.refused("call", grid.BUILD / "test-plugins/fails.trellis.so", "list"))

    def test_tries_a_plugin_again_after_each_build(self):
        samples = self.author / "samples.json"
        samples.write_text(json.dumps({"types": {"c-note": {"data": {"text": "hello"}}}}))
        argv = [str(grid.BUILD / "bin/trellis"), "plugin", "dev", str(self.file), "--samples", str(samples)]
        done = subprocess.run([*argv, "--once"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertNotIn("FAILED", done.stdout)

        folder = self.author / "tmp"
        folder.mkdir()
        loop = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(folder)})
        self.addCleanup(loop.stdout.close)
        for _ in range(2):
            shown = list(iter(lambda: self.line_before_waiting(loop), None))
            self.assertTrue(shown[0].startswith("c-minimal 1.0.0: types c-note"), shown)
            self.assertIn("deprovision", " ".join(shown))
            self.file.write_bytes(EXAMPLE.read_bytes())
        loop.terminate()
        self.assertEqual(loop.wait(grid.PATIENCE), 0)
        self.assertEqual(list(folder.iterdir()), [])

    @staticmethod
    def line_before_waiting(process):
        line = process.stdout.readline().rstrip("\n")
        return None if line.startswith("waiting for a new") or not line else line

    def test_dev_needs_both_the_option_and_the_configuration(self):
        done = subprocess.run([str(grid.BUILD / "bin/trellisd"), "--config", str(self.grid.dir / "trellis.toml"), "--dev", "--check"],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("--dev is given, but key 'plugins.dev_mode' is not true", done.stderr)

    def test_names_what_is_wrong_with_files_and_keys(self):
        self.assertIn("is no plugin file", self.refused("pack", self.key))
        self.assertIn("no-such.trellis.so", self.refused("pack", self.author / "no-such.trellis.so"))
        self.assertIn("is no signing key", self.refused("sign", f"{self.key}.pub", self.file))
        self.assertIn("there is already a", self.refused("keygen", self.key))
        broken = self.author / "broken.trellis.so"
        broken.write_text("no library")
        self.assertIn("is not a shared library", self.refused("pack", broken))
        self.sign_and_trust()
        manifest = self.author / "c-minimal.manifest.json"
        text = json.loads(manifest.read_text())
        manifest.write_text(json.dumps({**text, "summary": "another"}))
        self.assertIn("is not one of its manifest", self.refused("check", self.file))


if __name__ == "__main__":
    unittest.main(verbosity=2)
