#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Operations on a disk that is full, with a little more room each time: pull, install, update and the others end with the new state or say
that there is no space, and leave the old one. Runs in the test bed; `run` beside this mounts a small disk where containers lie.

    full.py space|inodes [OPERATION,...]
"""

import errno
import os
import re
import shutil
import sys
import time

import operations
from invariants import CHECKOUT, Broken
from operations import OPERATIONS
from sweep import LEFT, Rounds, Worker, is_interrupted, recover

FILLER = CHECKOUT + "/.storage/filler"
BLOCK = 4096
USUAL = "pull,first-pull,import,install,first-update,update,rollback,uninstall,delete-image,prune,tag,repair"


class Space:
    unit, first, factor, most = "bytes", 0, 2, 2 << 20

    def leave(self, free):
        os.makedirs(FILLER, exist_ok=True)
        with open(FILLER + "/space", "wb") as file:
            room = os.statvfs(CHECKOUT)
            for size in range(max(0, room.f_bavail * room.f_frsize - free) // BLOCK * BLOCK, 0, -BLOCK):
                try:
                    os.posix_fallocate(file.fileno(), 0, size)
                    break
                except OSError as error:  # its own map needs blocks, too
                    if error.errno != errno.ENOSPC:
                        raise
                    file.truncate(0)

    def next(self, free):
        return BLOCK if free == 0 else free + max(BLOCK, free // 3 // BLOCK * BLOCK)


class Inodes:
    unit, most = "inodes", 120

    def leave(self, free):
        os.makedirs(FILLER, exist_ok=True)
        for number in range(os.statvfs(CHECKOUT).f_favail - free):
            open(f"{FILLER}/{number}", "w").close()

    def next(self, free):
        return free + 1 + free // 8


class Full(Rounds):
    def play(self, disk, free):
        """True: there was room enough."""
        self.go_to_start()
        self.keep_nothing_free()
        start = self.state
        disk.leave(free)
        try:
            worker = Worker(self.arguments(), self.stdin())
            self.said = worker.err.strip()
            if worker.hung or worker.status not in (0, 1):
                raise Broken(f"exit status {worker.status}: {worker.err}")
            if worker.status == 1 and not re.search("No space left|NoSpace|no room", worker.err):
                raise Broken(f"the error does not say why: {worker.err}")
            if is_interrupted() or re.search(LEFT, worker.out):
                # As the daemon does at once, while there is no more room than before.
                recover()
            self.state = self.which(start)
            self.check(self.state)
            if self.states[0] != self.states[1] and (self.state == start) != (worker.status == 1):
                raise Broken(f"exit status {worker.status}, and the {'old' if self.state == start else 'new'} state: {worker.err}")
        finally:
            shutil.rmtree(FILLER)
        if worker.status == 0:
            return True
        recover()
        self.work()
        self.state = self.which(start)
        if self.state == start and self.states[0] != self.states[1]:
            raise Broken("done again with room, it does not come to the new state")
        self.check(self.state)
        return False

    @staticmethod
    def keep_nothing_free():
        """Or libostree and a pull would say that there is no space long before the disk does."""
        config = CHECKOUT + "/.storage/ostree/config"
        if not os.path.exists(config):
            os.makedirs(os.path.dirname(config), exist_ok=True)
            operations.run("ostree", f"--repo={os.path.dirname(config)}", "init", "--mode=bare")
        operations.run("ostree", f"--repo={os.path.dirname(config)}", "config", "set", "core.min-free-space-percent", "0")


def main(kind, names=USUAL, *more):
    disk, failures, rounds_played, begin = {"space": Space, "inodes": Inodes}[kind](), 0, 0, time.monotonic()
    names = USUAL if names == "-v" else names
    details = "-v" in more
    operations.clean_repository()
    operations.prepare()
    for operation in OPERATIONS:
        if operation.name not in names.split(","):
            continue
        rounds, free, refused, said = Full(operation), 0, 0, set()
        while free <= disk.most:
            rounds_played += 1
            try:
                if rounds.play(disk, free):
                    break
                refused += 1
                said.add(re.sub(r"[0-9a-f]{2}/[0-9a-f]{62}|[0-9a-f]{64}", "HEX", rounds.said))
            except (Broken, RuntimeError, OSError) as error:
                failures += 1
                print(f"FAILED {operation.name} with {free} {disk.unit} left: {error}", flush=True)
                shutil.rmtree(FILLER, ignore_errors=True)
                operations.clean()
                operation.begin()
                rounds.state = 0
            free = disk.next(free)
        print(f"{operation.name:14} {kind}: refused {refused} times, done with {free} {disk.unit} left", flush=True)
        for line in sorted(said) if details else ():
            print("    " + line)
    operations.clean()
    print(f"{rounds_played} rounds in {time.monotonic() - begin:.0f} s, {failures} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
