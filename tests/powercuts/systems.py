# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where a disk with a system on it boots."""

import contextlib
import json
import os
import subprocess
import time

from bed import Bed, wait_until
from machine import Machine

# The test bed has no such mounts of its own.
MASKED = [f"/etc/systemd/system/{unit}" for unit in (
    "sys-kernel-debug.mount", "sys-kernel-tracing.mount", "sys-kernel-config.mount", "sys-fs-fuse-connections.mount", "dev-hugepages.mount")]
LOG_SIZE = 16 << 30  # of a sparse file


class VirtualMachine:
    """A kernel of its own, on an emulated processor."""

    def __init__(self, _scratch, _file_system):
        pass

    @contextlib.contextmanager
    def booted(self, disk):
        class Rebooted(Bed):
            program = Machine.program
        with Rebooted(f"cut-{os.getpid()}", "--disk", str(disk)) as system:
            yield system


class TestBed:
    """The disk is mounted by this machine's kernel, and what lies on it boots in namespaces, which takes a second."""

    def __init__(self, scratch, file_system):
        self.point, self.options = scratch / "mounted", "loop,nouuid" if file_system == "xfs" else "loop"
        self.point.mkdir(exist_ok=True)

    @contextlib.contextmanager
    def booted(self, disk):
        subprocess.run(["mount", "-o", self.options, disk, self.point], check=True)
        try:
            for path in MASKED:
                if not os.path.lexists(f"{self.point}{path}"):
                    os.symlink("/dev/null", f"{self.point}{path}")
            with Bed(f"cut-{os.getpid()}", "--in-place", str(self.point)) as system:
                yield system
                system._testbed("crash", system.name)  # nothing of it is needed any more
        finally:
            # What was killed a moment ago may hold it still.
            wait_until(lambda: subprocess.run(["umount", self.point], stderr=subprocess.DEVNULL, check=False).returncode == 0)


@contextlib.contextmanager
def logged_disk(disk, log, shown):
    """Shows a disk as the file `shown`, for a loop mount; what is written to it goes to the log, too."""
    with open(log, "wb") as file:
        file.truncate(LOG_SIZE)
    shown.write_bytes(b"")
    files = [{"driver": "raw", "file": {"driver": "file", "filename": str(path)}, "cache": {"no-flush": True}} for path in (disk, log)]
    node = {"driver": "blklogwrites", "node-name": "logged", "file": files[0], "log": files[1], "log-sector-size": 512}
    daemon = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", "qemu-storage-daemon", "--blockdev", json.dumps(node),
                               "--export", f"type=fuse,id=export,node-name=logged,mountpoint={shown},writable=on"])
    try:
        while not shown.stat().st_size:
            if daemon.poll() is not None:
                raise RuntimeError("qemu-storage-daemon does not start")
            time.sleep(0.02)
        yield
    finally:
        daemon.terminate()
        daemon.wait()
