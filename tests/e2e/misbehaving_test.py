"""Plugins that lie, register twice, hang, flood, leak or answer nonsense: each is named, and nobody else notices."""
import hashlib
import json
import pathlib
import shutil
import tempfile
import time
import unittest

import grid

SOURCE = grid.BUILD / "test-plugins"


class Misbehaving(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.plugins = pathlib.Path(tempfile.mkdtemp(prefix="te-plugins-", dir="/tmp"))
        cls.addClassCleanup(shutil.rmtree, cls.plugins)
        cls.grid = grid.Grid(plugins=cls.plugins, edit=lambda text: text.split("[plugin.flist.config]")[0])
        cls.addClassCleanup(cls.grid.close)
        cls.add("bare")
        manifest = json.loads((cls.plugins / "bare.manifest.json").read_text())
        cls.forge(manifest, "stranger", types=["stranger", "ghost"])
        cls.forge(manifest, "twice-itself")
        cls.forge(manifest, "blocks")
        for name in ("twice-a", "twice-b"):
            cls.add(name)
        cls.grid.cli("down")
        cls.grid.cli("up")
        cls.pid = cls.grid.daemon_pid
        cls.first = {plugin["name"]: plugin["state"] for plugin in cls.grid.cli("plugin", "list")}

    @classmethod
    def sign(cls, name):
        cls.grid.cli("plugin", "sign", grid.BUILD / "signing.key", cls.plugins / f"{name}.trellis.so")

    @classmethod
    def add(cls, name):
        """A plugin as its author would pack it."""
        shutil.copy(SOURCE / f"{name}.trellis.so", cls.plugins)
        cls.grid.cli("plugin", "pack", cls.plugins / f"{name}.trellis.so")
        cls.sign(name)

    @classmethod
    def forge(cls, manifest, name, types=None):
        """One with a signed manifest that was written by hand."""
        code = (SOURCE / f"{name}.trellis.so").read_bytes()
        (cls.plugins / f"{name}.trellis.so").write_bytes(code)
        file = {"name": f"{name}.trellis.so", "size": len(code), "blake2b_256": hashlib.blake2b(code, digest_size=32).hexdigest()}
        types = [{**manifest["types"][0], "name": one} for one in types or [name]]
        (cls.plugins / f"{name}.manifest.json").write_text(json.dumps({**manifest, "name": name, "file": file, "types": types}))
        cls.sign(name)

    def tearDown(self):
        self.assertEqual(self.grid.daemon_pid, self.pid, "the daemon did not notice")
        self.assertEqual(self.info("bare")["state"], "running")

    def info(self, name):
        return self.grid.cli("plugin", "info", name)

    def bare(self, what):
        """A workload of the type `bare` that is told to do `what`."""
        self.grid.deploy({"workloads": [{"name": "w", "type": "bare", "data": {"do": what}}]})

    def logged(self, text):
        return (self.grid.dir / "state/trellisd.log").read_text().count(text)

    def test_a_manifest_that_lists_what_the_code_does_not_register(self):
        info = self.info("stranger")
        self.assertEqual((info["state"], info["pid"]), ("refused", 0))
        self.assertEqual(info["reason"], "the manifest of plugin 'stranger' lists type 'ghost', which it does not register")
        with self.assertRaises(grid.Refused) as caught:
            self.grid.deploy({"workloads": [{"name": "w", "type": "stranger", "data": {"do": "x"}}]})
        self.assertIn("stranger", caught.exception.message)

    def test_a_type_registered_twice(self):
        info = self.info("twice-itself")
        self.assertEqual(info["state"], "failed")
        self.assertIn("'twice-itself'", info["reason"])
        other = self.info("twice-b")
        self.assertEqual((self.info("twice-a")["state"], other["state"]), ("running", "failed"))
        for word in ("'disk'", "'twice-a'", "'twice-b'"):
            self.assertIn(word, other["reason"])

    def test_a_create_that_never_returns(self):
        # The node and the others have been up all the while: setUpClass did not wait for it.
        self.assertEqual(self.first["blocks"], "starting")
        self.assertEqual(self.first["bare"], "running")
        with self.assertRaises(grid.Refused) as caught:
            self.grid.deploy({"workloads": [{"name": "w", "type": "blocks", "data": {"do": "x"}}]})
        self.assertIn("workload type 'blocks' is not available", caught.exception.message)
        self.bare("x")
        until = time.monotonic() + 90
        while (info := self.info("blocks"))["state"] == "starting" and time.monotonic() < until:
            time.sleep(0.2)
        self.assertEqual(info["state"], "failed")
        self.assertEqual(info["pid"], 0)
        self.assertIn("plugin 'blocks' did not return from create in time and was killed", info["reason"])

    def test_a_log_that_is_flooded(self):
        for way in ("log 100000", "write 30000"):
            before = self.logged("again and again")
            self.bare(way)
            self.assertLess(self.logged("again and again") - before, 29000, way)
            self.bare("log 1")
        self.assertGreater(self.logged("log records were dropped"), 0)
        self.assertLessEqual(len(self.grid.cli("plugin", "logs", "bare")["lines"]), 50)

    def test_descriptors_that_are_leaked(self):
        self.bare("leak 940")
        self.assertTrue(any("descriptors are open" in text for text in self.info("bare")["warnings"]))
        self.grid.cli("plugin", "restart", "bare")
        self.assertEqual(self.info("bare")["warnings"], [])

    def test_answers_that_are_garbage(self):
        for what in ("not-json", "big-handle", "status -99"):
            with self.assertRaises(grid.Refused) as caught:
                self.bare(what)
            self.assertIn("'w'", caught.exception.message, what)
            if what != "status -99":
                self.assertIn("plugin 'bare' broke the contract", caught.exception.message)


if __name__ == "__main__":
    unittest.main(verbosity=2)
