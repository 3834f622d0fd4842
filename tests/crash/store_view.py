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


class Packed:
    """Numbers and texts, see kernel/store/packed.hpp."""

    def __init__(self, data):
        self.data, self.at = data, 1
        assert data[0] == 2, f"format {data[0]}"

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


def read_wanted(body):
    return {"name": body.text(), "type": body.text(), "pos": body.number(), "weight": body.signed(), "version": body.number(),
            "description": body.text(), "metadata": body.text(), "data": body.text()}


def read_entry(body, result):
    own = body.number()
    entry = {"seq": body.signed(), "created": body.signed(), "state": body.text(), "message": body.text()}
    return {**entry, "result": body.text() if own else result}


def read_status(body, data):
    flags = body.number()
    row = {"owned": flags & 1, "state": body.text(), "created": body.signed(), "fails": body.number(), "next_try": body.signed(),
           "eff_version": body.number() if flags & 2 else None, "message": body.text(), "result": body.text()}
    row["eff_data"] = body.text() if flags & 4 else data
    row["handle"], row["handle_schema"] = body.blob(), body.number()
    row["entries"] = [read_entry(body, row["result"]) for _ in range(body.number())]
    return row


def fresh_status(created, index):
    """Nothing became of the workload yet."""
    entry = {"seq": index + 1, "created": created, "state": "init", "message": "", "result": ""}
    return {"owned": 0, "state": "init", "created": created, "fails": 0, "next_try": 0, "eff_version": None, "message": "", "result": "",
            "eff_data": "", "handle": b"", "handle_schema": 0, "entries": [entry]}


def read_workloads(wanted, status):
    """Of one deployment, see kernel/store/workload_body.cpp."""
    wanted = Packed(wanted)
    created = wanted.signed()
    found = [None] * wanted.number()
    if status is not None:
        status = Packed(status)
        status.signed(), status.number()
        assert status.number() == len(found)
    for index in range(len(found)):
        row = read_wanted(wanted)
        found[index] = {**row, **(fresh_status(created, index) if status is None else read_status(status, row["data"]))}
    assert all(part is None or part.at == len(part.data) for part in (wanted, status))
    return found


def stored_workloads(lab):
    """All of them, a dict each."""
    found = []
    for row in rows(lab, "SELECT twin, contract, w.body AS wanted, s.body AS status FROM deployment d JOIN workloads w USING (id) "
                         "LEFT JOIN status s USING (id) ORDER BY contract"):
        found += [{"twin": row["twin"], "contract": row["contract"], **workload} for workload in read_workloads(row["wanted"], row["status"])]
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
