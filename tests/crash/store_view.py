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


def workloads(lab):
    """Rows by workload id; `token` is the one in effect."""
    found = {}
    for row in rows(lab, "SELECT * FROM workload"):
        effective = row["eff_data"] or row["data"]
        row["token"] = json.loads(effective)["token"]
        row["memory"] = json.loads(effective)["memory"]
        found[identity(row)] = row
    return found


def has_table(lab, name):
    return bool(rows(lab, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", name))
