#!/usr/bin/env python3
"""Writes seed corpora for the fuzzers, made from the golden vectors: seeds.py <source tree> <folder>

One folder per target below <folder>, one file per input, named after its content; <target>.dict holds the words that
the target's inputs are made of.
"""
import hashlib
import json
import pathlib
import re
import shutil
import sqlite3
import sys
import tempfile

TYPES = {"gateway-fqdn-proxy": "gateway_fqdn", "gateway-name-proxy": "gateway_name", "ip": "ip", "network": "network",
         "qsfs": "qsfs", "zdb": "zdb", "zlogs": "zlogs", "zmachine": "zmachine", "zmount": "zmount"}


class Seeds:
    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.texts: dict[str, list[bytes]] = {}

    def add(self, target: str, content: str | bytes) -> None:
        data = content.encode() if isinstance(content, str) else content
        self.texts.setdefault(target, []).append(data)
        path = self.folder / target / hashlib.sha256(data).hexdigest()[:16]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def write_dictionaries(self) -> None:
        for target, texts in self.texts.items():
            words = {word for text in texts for word in re.findall(rb'"[A-Za-z_0-9.:/-]{1,24}"\s*:?', text)}
            words |= {word for text in texts for word in re.findall(rb"[A-Za-z_]{2,16}", text) if len(text) < 4096}
            lines = [f'"{escape(word)}"' for word in sorted(words)[:400]]
            (self.folder / f"{target}.dict").write_text("\n".join(lines) + "\n")


def escape(word: bytes) -> str:
    return "".join(f"\\x{b:02x}" if b < 0x20 or b > 0x7E or b in b'"\\' else chr(b) for b in word)


def load(tree: pathlib.Path, name: str) -> dict:
    return json.loads((tree / "tests" / "golden" / "vectors" / name).read_text())


def add_deployment(seeds: Seeds, text: str) -> None:
    seeds.add("deployment", text)
    seeds.add("json_text", text)
    try:
        document = json.loads(text)
    except ValueError:
        return
    if not isinstance(document, dict):
        return
    seeds.add("signature", json.dumps(document.get("signature_requirement")))
    for workload in document.get("workloads") or []:
        if isinstance(workload, dict) and workload.get("type") in TYPES:
            seeds.add(TYPES[workload["type"]], json.dumps(workload.get("data")))


def add_deployments(seeds: Seeds, tree: pathlib.Path) -> None:
    vectors = load(tree, "deployments.json")
    for row in vectors["vectors"]:
        add_deployment(seeds, row["deployment"])
    for row in vectors["workload_cases"]:
        if row["type"] in TYPES:
            seeds.add(TYPES[row["type"]], row["data"])
    for row in vectors["timestamps"]:
        seeds.add("timestamp", row["json"])
        seeds.add("timestamp", row["json"].strip('"'))
    for row in vectors["ips"] + vectors["ipnets"]:
        seeds.add("address", row["json"].strip('"'))
    for row in vectors["names"]:
        seeds.add("id", row["name"])
    for row in vectors["workload_ids"]:
        seeds.add("id", row["text"])
    for row in vectors["backends"]:
        seeds.add("backend", row["backend"])
    for row in vectors["signatures"]:
        kind = b"\x01" if row["type"] == "sr25519" else b"\x00"
        seeds.add("signature", kind + bytes.fromhex(row["public"] + row["signature"] + row["message"]))
        seeds.add("signature", row["signature"])


def add_keys(seeds: Seeds, tree: pathlib.Path) -> None:
    vectors = load(tree, "sr25519.json")
    for row in vectors["keys"]:
        for column in ("mnemonic", "ss58_42_sr25519", "ss58_42_ed25519"):
            if row[column]:
                seeds.add("key_text", row[column])
        seeds.add("key_text", "0x" + row["mini_secret"])
    for row in vectors["derivation"]:
        seeds.add("key_text", row["path"])


def add_bus(seeds: Seeds, tree: pathlib.Path) -> None:
    vectors = load(tree, "rmb.json")
    for row in vectors["envelopes"] + vectors["mutations"]:
        seeds.add("envelope", bytes.fromhex(row["envelope"]))
        seeds.add("inbox", bytes.fromhex(row["envelope"]))
    for row in vectors["pings"]:
        seeds.add("envelope", bytes.fromhex(row["ping"]))
        seeds.add("envelope", bytes.fromhex(row["pong_example"]))
    for row in vectors["jwt"]:
        seeds.add("token", row["token"])
        seeds.add("key_text", row["token"].split(".")[-1])


def add_images(seeds: Seeds) -> None:
    """Databases of rfs images: a good one, and one of each kind of nonsense."""
    schema = """
        CREATE TABLE inode (ino INTEGER PRIMARY KEY AUTOINCREMENT, parent INTEGER, name VARCHAR(255), size INTEGER,
          uid INTEGER, gid INTEGER, mode INTEGER, rdev INTEGER, ctime INTEGER, mtime INTEGER);
        CREATE INDEX parents ON inode (parent); CREATE INDEX names ON inode (name);
        CREATE TABLE extra (ino INTEGER PRIMARY KEY, data VARCHAR(4096));
        CREATE TABLE block (ino INTEGER, id VARCHAR(32), key VARCHAR(32)); CREATE INDEX block_ino ON block (ino);
        CREATE TABLE tag (key VARCHAR(10) PRIMARY KEY, value VARCHAR(255));
        CREATE TABLE route (start INTEGER, end INTEGER, url VARCHAR(2048));
        INSERT INTO inode VALUES (1,0,'/',0,0,0,16877,0,0,0),(2,1,'etc',0,0,0,16877,0,0,0),(3,2,'hostname',5,0,0,33188,0,0,0),
          (4,1,'link',0,0,0,41471,0,0,0),(5,1,'null',0,0,0,8630,259,0,0);
        INSERT INTO extra VALUES (4,'etc/hostname');
        INSERT INTO block VALUES (3,zeroblob(32),zeroblob(32));
        INSERT INTO tag VALUES ('version','1');
        INSERT INTO route VALUES (0,255,'dir:///var/blocks');"""
    spoils = ["", "UPDATE inode SET parent=2 WHERE ino=2", "UPDATE inode SET size=-1 WHERE ino=3",
              "UPDATE inode SET size=1<<60 WHERE ino=3", "UPDATE inode SET name=hex(zeroblob(500)) WHERE ino=3",
              "UPDATE inode SET parent=2 WHERE ino=1", "DELETE FROM block", "UPDATE block SET id='x'", "DROP TABLE extra",
              "DROP INDEX names", "UPDATE route SET end=999"]
    for spoil in spoils:
        database = sqlite3.connect(":memory:", isolation_level=None)
        database.executescript("PRAGMA page_size=512;" + schema + spoil)
        with tempfile.TemporaryDirectory() as folder:
            database.execute("VACUUM INTO ?", (f"{folder}/fl",))
            seeds.add("fl", pathlib.Path(folder, "fl").read_bytes())


def main(tree: pathlib.Path, folder: pathlib.Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    seeds = Seeds(folder)
    add_deployments(seeds, tree)
    for row in load(tree, "upgrades.json")["vectors"]:
        seeds.add("upgrade", row["old"] + "\0" + row["new"])
    add_keys(seeds, tree)
    add_bus(seeds, tree)
    add_images(seeds)
    for file in [tree / "config" / "trellis.toml", *sorted((tree / "config").glob("examples/*.toml"))]:
        seeds.add("config", file.read_text())
    seeds.write_dictionaries()


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
