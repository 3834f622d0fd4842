"""A machine whose root is an rfs image."""
import json
import pathlib
import unittest

import grid


def servers(g):
    """Processes that serve the grid's images."""
    found = []
    for proc in pathlib.Path("/proc").iterdir():
        try:
            argv = (proc / "cmdline").read_bytes().split(b"\0") if proc.name.isdigit() else [b""]
        except OSError:
            continue
        if argv[0].endswith(b"/trellis-flistfs") and str(g.dir).encode() in b" ".join(argv):
            found.append(int(proc.name))
    return found


class Images(unittest.TestCase):
    def setUp(self):
        self.grid = grid.Grid(edit=lambda text: text.replace("[plugin.flist.config]", "[plugin.flist.config]\nro_linger_s = 0"))
        self.addCleanup(self.grid.close)

    def test_machine_boots_from_an_rfs_image(self):
        g = self.grid
        image = g.dir / "images/hello.fl"
        packed = g.cli("flist", "pack", grid.BUILD / "guest/hello-root", "-o", image, "--store", g.dir / "images/blocks")
        self.assertGreater(packed["entries"], 1)
        listed = {entry["path"] for entry in g.cli("flist", "ls", image)}
        self.assertIn("/bin/hello", listed)
        document = grid.machine()
        document["workloads"][2]["data"]["flist"] = f"file://{image}"

        deployed = g.deploy(document)

        contract, twin = deployed["contract_id"], deployed["twin_id"]
        self.assertEqual([w["result"]["state"] for w in deployed["workloads"]], ["ok"] * 3)
        self.assertEqual(json.loads(g.http(twin, "net", "http://10.20.2.2/"))["hostname"], "hello")
        server, = servers(g)
        netns = g.cli("network", "show", twin, "net")["netns"]

        g.kill_daemon()
        self.assertEqual(json.loads(g.http_in(netns, "http://10.20.2.2/"))["hostname"], "hello")
        self.assertEqual(servers(g), [server], "images are served without the daemon")
        g.cli("up")

        g.cli("cancel", contract)
        self.assertEqual(g.leftovers(), [])
        self.assertEqual(servers(g), [])


if __name__ == "__main__":
    unittest.main()
