"""Machines whose plugin is confined too: they belong to a libvirtd of the system. Runs in a mount namespace of its own,
where the folders of that libvirtd are its own."""
import json
import pathlib
import subprocess
import unittest

import grid

FOLDERS = ("/run/libvirt", "/etc/libvirt", "/var/lib/libvirt", "/var/cache/libvirt", "/var/log/libvirt")


def setUpModule():
    for folder in FOLDERS:
        pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "none", folder], check=True)


class IsolatedMachine(unittest.TestCase):
    def test_does_not_notice_the_death_of_every_plugin(self):
        g = grid.Grid(edit=lambda text: text.replace('hosting = "inline"', 'hosting = "process"'))
        self.addCleanup(g.close)
        deployed = g.deploy(grid.machine())
        contract, twin = deployed["contract_id"], deployed["twin_id"]
        self.assertEqual([w["result"]["state"] for w in deployed["workloads"]], ["ok"] * 3)
        self.assertTrue(json.loads(g.http(twin, "net", "http://10.20.2.2/"))["data"]["mounted"])
        before = g.machine_pids()

        helpers = g.kill_helpers()

        self.assertLessEqual({"flist", "network", "storage", "zmachine", "zmount"}, set(helpers))
        self.assertEqual(g.machine_pids(), before, "the machine must not notice")
        g.wait_for_helpers(helpers)
        self.assertEqual(json.loads(g.http(twin, "net", "http://10.20.2.2/"))["hostname"], "hello")

        g.cli("cancel", contract)

        self.assertEqual(g.leftovers(), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
