"""The daemon's store as it is on the disk, read with SQLite itself."""
import contextlib
import json
import sqlite3


@contextlib.contextmanager
def reading(lab):
    database = sqlite3.connect(f"file:{lab.store}?mode=ro", uri=True, timeout=60)
    database.row_factory = sqlite3.Row
    try:
        yield database
    finally:
        database.close()


def rows(lab, sql, *arguments):
    with reading(lab) as database:
        return [dict(row) for row in database.execute(sql, arguments)]


def one(lab, sql, *arguments):
    found = rows(lab, sql, *arguments)
    return next(iter(found[0].values())) if found else None


def identity(row):
    return f"{row['twin']}-{row['contract']}-{row['name']}"


def steps(lab):
    """The steps of all jobs that are not done."""
    names = ("name", "op", "idx", "state", "tries", "crashes", "generation", "holds")
    return [dict(zip(names, step)) for row in rows(lab, "SELECT steps FROM job ORDER BY id") for step in json.loads(row["steps"])]


class Body:
    """The workloads of a deployment as they lie in its row, see kernel/store/workload_body.cpp."""

    def __init__(self, data):
        self.data, self.at = data, 1
        assert data[0] == 1, f"format {data[0]}"

    def number(self):
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def signed(self):
        value = self.number()
        return -(value >> 1) - 1 if value & 1 else value >> 1

    def blob(self):
        size = self.number()
        self.at += size
        return bytes(self.data[self.at - size:self.at])

    def text(self):
        return self.blob().decode()

    def workload(self):
        flags = self.number()
        row = {"owned": flags & 1, "name": self.text(), "type": self.text(), "pos": self.number(), "weight": self.signed(),
               "version": self.number(), "state": self.text(), "created": self.signed(), "fails": self.number(), "next_try": self.signed(),
               "eff_version": self.number() if flags & 2 else None}
        for name in ("message", "description", "metadata", "data", "result"):
            row[name] = self.text()
        row["eff_data"] = self.text() if flags & 4 else row["data"]
        row["handle"], row["handle_schema"] = self.blob(), self.number()
        row["entries"] = [self.entry(row["result"]) for _ in range(self.number())]
        return row

    def entry(self, result):
        own = self.number()
        entry = {"seq": self.signed(), "created": self.signed(), "state": self.text(), "message": self.text()}
        return {**entry, "result": self.text() if own else result}


def stored_workloads(lab):
    """All of them, a dict each."""
    found = []
    for row in rows(lab, "SELECT twin, contract, body FROM deployment JOIN workloads USING (id) ORDER BY contract"):
        body = Body(row["body"])
        body.signed(), body.number()
        found += [{"twin": row["twin"], "contract": row["contract"], **body.workload()} for _ in range(body.number())]
        assert body.at == len(row["body"])
    return found


def workloads(lab):
    """Rows by workload id; `token` is the one in effect."""
    found = {}
    for row in stored_workloads(lab):
        effective = row["eff_data"] or row["data"]
        row["token"] = json.loads(effective)["token"]
        row["memory"] = json.loads(effective)["memory"]
        found[identity(row)] = row
    return found


def has_table(lab, name):
    return bool(rows(lab, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", name))
