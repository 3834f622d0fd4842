"""I1: reading a file of an rfs image through its mount, against a pass-through FUSE file system."""
import contextlib
import os
import select
import subprocess
import time

from scenarios import Figure, scenario

MIB = 1 << 20
CHUNK = MIB
ROUNDS = 3


@contextlib.contextmanager
def mounted(argv, target):
    """Something that mounts on `target` and serves in the foreground until it is told to end."""
    target.mkdir()
    table = os.open("/proc/self/mountinfo", os.O_RDONLY)
    changes = select.poll()
    changes.register(table, select.POLLPRI)
    server = subprocess.Popen([str(word) for word in argv], stdout=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 30
        while not os.path.ismount(target):
            assert server.poll() is None and time.monotonic() < until, f"'{argv[0]}' does not mount"
            changes.poll(100)
        yield
    finally:
        os.close(table)
        server.terminate()
        server.wait()
        subprocess.run(["umount", "-l", target], stderr=subprocess.DEVNULL)
        target.rmdir()


def rate(path):
    """Bytes a second of one sequential read that the kernel's own pages of the mount do not answer."""
    buffer = bytearray(CHUNK)
    fd = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        size, begin = 0, time.monotonic()
        while got := os.readv(fd, [buffer]):
            size += got
        return size / (time.monotonic() - begin)
    finally:
        os.close(fd)


def best(path):
    rate(path)  # fills the caches below
    return max(rate(path) for _ in range(ROUNDS))


@scenario("I1", "sequential read of a file of an rfs image, blocks cached", {
    "ratio": Figure("bytes a second / through bindfs", 0.5, 1.0, "high"),
    "mib": Figure("image", unit="MiB/s", best="high"),
    "bindfs_mib": Figure("bindfs", unit="MiB/s", best="high"),
})
def i1(lab):
    root, image = lab.dir / "root", lab.dir / "image.fl"
    if not image.exists():
        root.mkdir()
        with open(root / "file", "wb") as file:
            for _ in range(32 if lab.quick else 256):
                file.write(os.urandom(MIB))
        subprocess.run([lab.build / "bin/trellis", "flist", "pack", root, "-o", image, "--store", lab.dir / "store"], check=True,
                       stdout=subprocess.DEVNULL)
    target = lab.dir / "mnt"
    with mounted(["bindfs", "-f", root, target], target):
        theirs = best(target / "file")
    with mounted([lab.build / "bin/trellis-flistfs", "--image", image, "--target", target, "--cache", lab.dir / "cache", "--allow", lab.dir], target):
        ours = best(target / "file")
    return {"ratio": ours / theirs, "mib": ours / MIB, "bindfs_mib": theirs / MIB}
