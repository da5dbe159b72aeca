# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is recorded: operations, one after the other, in a virtual machine whose disk notes each write."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

from disk import Log
from machine import STATE, Machine
from systems import MASKED, TestBed, logged_disk

HERE = Path(__file__).resolve().parent
HELLO, ETCD, ODD = (f"localhost:5000/{name}:latest" for name in ("hello", "etcd", "odd"))
SETTINGS = "[Container]\nSettlingTime=1\nStartTimeout=120\n"
PATIENCE = 900  # seconds: other work of the machine must not make a problem
os.environ.setdefault("SYSCONSD_VM_PATIENCE", str(PATIENCE))


class Patient(Machine):
    """Its processor is emulated by a machine that may have much else to do."""

    start_timeout = 2 * PATIENCE

    def run(self, command, **options):
        return super().run(command, **{"timeout": PATIENCE, **options})

    def wait_http(self, port, path="/", timeout=PATIENCE):
        return super().wait_http(port, path, timeout)


class Operation:
    """command: of sysconsctl. Before it these images are pushed, and these commands given. undo: what must be said before it can be repeated
    where it has happened."""

    def __init__(self, name, command, pushes=(), before=(), undo=()):
        self.name, self.command, self.pushes, self.before, self.undo = name, command, pushes, before, undo


OPERATIONS = (
    Operation("pull", ["pull", ETCD], pushes=["etcd:latest=etcd:1"]),
    Operation("install", ["install", "--name=etcd", "--start", ETCD], undo=[["uninstall", "etcd"]]),
    Operation("update", ["update", "etcd"], pushes=["etcd:latest=etcd:2"]),
    Operation("rollback", ["rollback", "etcd"], undo=[["rollback", "etcd"]]),
    Operation("prune", ["prune"], pushes=["odd:latest=hello:odd"], before=[["pull", ODD], ["delete-image", ODD]]),
    Operation("uninstall", ["uninstall", "etcd"], undo=[["install", "--name=etcd", "--start", ETCD]]),
)


def look(system, how="state"):
    """What inside.py sees."""
    result = system.run(["python3", "-", how], stdin=(HERE / "inside.py").read_text(), timeout=PATIENCE)
    found = json.loads(result.stdout)
    for path in MASKED:
        found["host"].pop(path, None)
    return found


def sparse_copy(source, target):
    subprocess.run(["cp", "--sparse=always", source, target], check=True)


class Recording:
    """In a folder: the disk before, the log of all that was written then, and when which operation ran."""

    def __init__(self, folder, file_system):
        self.folder, self.file_system = folder, file_system
        self.pristine, self.log, self._table = folder / "pristine", folder / "log", folder / "operations.json"

    def exists(self):
        return self._table.exists()

    def operations(self):
        return json.loads(self._table.read_text())

    def make(self, stage, where, without_sync, scratch):
        """where: vm or bed"""
        options = ["--stage", stage, "--fs", self.file_system]
        more = []
        if without_sync:
            library = scratch / "preload"
            library.mkdir()
            subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-D_GNU_SOURCE", "-o", library / "nosync.so", HERE / "nosync.c"], check=True)
            more = ["--copy", f"{library}:/usr/local/lib"]
        name = f"cuts-{os.getpid()}"
        files = STATE / name
        try:
            if where == "vm":
                with Patient(name, stage, scratch / "images", "--fs", self.file_system, "--log", *more) as machine:
                    self._record(machine, files / "log", without_sync)
                    machine._testbed("crash", name)
                    for made in ("pristine", "log"):
                        shutil.move(files / made, self.folder / made)
            else:
                subprocess.run([Machine.program, "make", *options, *more, name], check=True)
                shutil.move(files / "disk", self.pristine)
                sparse_copy(self.pristine, scratch / "written")
                with logged_disk(scratch / "written", self.log, scratch / "logged"), TestBed(scratch, self.file_system).booted(scratch / "logged") as bed:
                    self._record(bed, self.log, without_sync)
        finally:
            if files.exists():
                subprocess.run([Machine.program, "down", name], check=True)
            for used in ("written", "images", "preload"):
                subprocess.run(["rm", "-rf", scratch / used], check=True)

    def _record(self, system, path, without_sync):
        log = Log(path)
        if without_sync:
            system.write("/etc/ld.so.preload", "/usr/local/lib/nosync.so\n")
        system.write("/etc/sysconsd.conf.d/10-tests.conf", SETTINGS)
        # What etcd makes of power cuts is not the question: the first start of this version of it does not survive one.
        system.write("/etc/fstab", "tmpfs /var/lib/etcd tmpfs mode=700 0 0\n")
        system.run("mkdir -p /var/lib/etcd && mount /var/lib/etcd")
        system.start_registry()
        system.push("hello:latest=hello:1")
        system.sysconsctl("pull", HELLO, timeout=PATIENCE)
        system.sysconsctl("install", "--set=PORT=8082", "--start", HELLO, timeout=PATIENCE)
        table = []
        for operation in OPERATIONS:
            if operation.pushes:
                system.push(*operation.pushes)
            for command in operation.before:
                system.sysconsctl(*command, timeout=PATIENCE)
            system.run(["busybox", "sync"])  # busybox is linked statically: no preload, if there is one, keeps it from that
            entry = {"name": operation.name, "before": look(system), "begin": log.read_on()}
            start = time.monotonic()
            system.sysconsctl(*operation.command, timeout=PATIENCE)
            entry["acknowledged"] = log.read_on()
            took = time.monotonic() - start
            entry["after"] = look(system)
            system.run(["sleep", "6"])  # a file system writes down by itself what nobody waits for
            entry["end"] = log.read_on()
            table.append(entry)
            print(f"{self.file_system}: recorded {operation.name}: {took:.0f} s, {entry['end'] - entry['begin']} requests", flush=True)
        log.close()
        self._table.write_text(json.dumps(table))
