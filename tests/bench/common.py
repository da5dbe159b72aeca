# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the benchmarks share: figures and their table, a disk of their own, the machine that they ran on."""

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent / folder) for folder in ("integration", "testbed")]
from bed import TESTS  # noqa: E402
from ending import end_when_told  # noqa: E402

VERSION_CALL = ["busctl", "get-property", "org.sysconsd1", "/org/sysconsd1", "org.sysconsd1.Manager", "Version"]
# As on a host on which nothing was pulled yet, and the daemon runs.
FRESH = ["shell", "systemctl stop sysconsd; find /var/lib/containers -mindepth 1 -delete; systemd-tmpfiles --create sysconsd.conf; "
         f"sync -f /var/lib/containers; {' '.join(VERSION_CALL)}"]


class Figures:
    """What was measured: rounds of each figure under its name, in sections."""

    def __init__(self):
        self.sections = {}

    def add(self, section, name, unit, values):
        self.sections.setdefault(section, {}).setdefault(name, {"unit": unit, "rounds": []})["rounds"].extend(values)

    def table(self):
        yield f"{'':80} {'median':>8} {'least':>8} {'most':>8}        rounds"
        for section, figures in self.sections.items():
            yield f"{section}"
            for name, figure in figures.items():
                rounds = figure["rounds"]
                cells = " ".join(f"{value:8.{digits(value)}f}" for value in (statistics.median(rounds), min(rounds), max(rounds)))
                yield f"  {name:78} {cells} {figure['unit']:7}{len(rounds):6}"


class Inside:
    """Has inside.py carry out actions in a test bed: their results."""

    def __init__(self, bed):
        self.bed = bed
        self.program = (Path(__file__).resolve().parent / "inside.py").read_text(encoding="utf-8")

    def __call__(self, *actions, timeout=120):
        result = self.bed.run(["python3", "-", json.dumps(actions)], stdin=self.program, timeout=timeout)
        return json.loads(result.stdout)


def digits(value):
    return 3 if value < 1 else 2 if value < 10 else 1 if value < 100 else 0


def make_disk(folder, size):
    """A journalled ext4 with nothing else on it; it goes with our mount namespace."""
    image = folder / "disk.img"
    with open(image, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, size)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", image], check=True)
    device = subprocess.check_output(["losetup", "--find", "--show", "--direct-io=on", image], text=True).strip()
    try:
        disk = folder / "disk"
        disk.mkdir()
        subprocess.run(["mount", device, disk], check=True)
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)  # as soon as nothing uses it
        image.unlink()
    (disk / "containers").mkdir()
    return disk


def describe_machine():
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    with open("/proc/meminfo", encoding="ascii") as lines:
        memory = int(next(lines).split()[1]) / (1 << 20)
    return {"cpus": os.cpu_count(), "cpu": model, "memory_gib": round(memory, 1), "kernel": platform.release(), "load_before": os.getloadavg()[0]}


def arguments(name, description, *more):
    """Of the command line; more: of argparse's add_argument. The program goes on in a mount namespace of its own: mounts in there leave nothing
    behind, however it ends."""
    parser = argparse.ArgumentParser(prog=name, description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON, with each round")
    parser.add_argument("--rounds", type=int, default=5, help="of each figure (%(default)s)")
    parser.add_argument("--scratch", default="/var/tmp", help="folder on a disk, for a file system of its own (%(default)s)")
    parser.add_argument("--in-namespace", action="store_true", help=argparse.SUPPRESS)
    for words, options in more:
        parser.add_argument(*words, **options)
    result = parser.parse_args()
    if os.geteuid() != 0:
        raise SystemExit(f"{name}: run it as root: it boots a system of its own")
    if not result.in_namespace:
        os.execvp("unshare", ["unshare", "--mount", "--propagation=private", sys.executable, *sys.argv, "--in-namespace"])
    end_when_told()
    return result


def stage():
    """Where the product is, built without sanitizers."""
    return os.environ.get("SYSCONSD_STAGE") or subprocess.check_output([TESTS / "stage", TESTS.parent / "build-bench"], text=True).strip()


@contextmanager
def scratch_disk(scratch, size):
    with tempfile.TemporaryDirectory(prefix="sysconsd-bench.", dir=scratch) as folder:
        disk = make_disk(Path(folder), size)
        try:
            yield disk
        finally:
            subprocess.run(["umount", disk], check=True)


@contextmanager
def step(name, what):
    begin = time.monotonic()
    print(f"{name}: {what} ...", end="", file=sys.stderr, flush=True)
    yield
    print(f" {time.monotonic() - begin:.0f} s", file=sys.stderr)


class Report:
    """Around a whole run: when, where, how loaded, how long."""

    def __init__(self):
        self.machine, self.begin = describe_machine(), time.monotonic()
        self.date = datetime.datetime.now(datetime.timezone.utc).date().isoformat()

    def print(self, as_json, figures, **more):
        machine, seconds = self.machine, time.monotonic() - self.begin
        machine["load_after"] = os.getloadavg()[0]
        if as_json:
            print(json.dumps({"date": self.date, "machine": machine, "seconds": round(seconds), **more, "sections": figures.sections}, indent=2))
            return
        print(f"{self.date}, {machine['cpus']} CPUs ({machine['cpu']}), {machine['memory_gib']} GiB, Linux {machine['kernel']}; load "
              f"{machine['load_before']:.1f} before, {machine['load_after']:.1f} after {seconds:.0f} s\n")
        print("\n".join(figures.table()))
