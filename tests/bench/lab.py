"""What a scenario works with: the programs under test, a folder on the real disk, daemons, floors."""
import pathlib
import shutil
import tempfile

from daemon import Daemon, unmount
from limits import Limits


class Lab:
    def __init__(self, build, dir, quick=False):
        self.build = pathlib.Path(build).resolve()
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="trellis-bench-", dir=dir))
        self.limits = Limits(self.build, self.dir)
        self.quick = quick  # shorter, for trying things out
        self.notes = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        unmount(self.dir)
        shutil.rmtree(self.dir, ignore_errors=True)

    def daemon(self, **options):
        return Daemon(self.build, dir=self.dir, **options)

    def checked(self, report):
        """The report of a run that may be used; notes it when it may not."""
        if report["void"]:
            self.notes.append(f"void: {report['void']}")
        return report

    def deploys(self, daemon, *options, workloads=1, count=None, seconds=4):
        """A closed loop of deploys, eight connections with eight in flight unless told otherwise."""
        count = count or (2000 if self.quick else 8000)
        return self.checked(daemon.load("--workloads", workloads, "--count", count, "--seconds", seconds, "--warmup", 0.3, *options))
