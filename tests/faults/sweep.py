#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""One system call of a worker fails, or is its last; then the invariants are checked. Runs in the test bed; `run` beside this starts it.

    sweep.py every   OPERATION,... MODE,... STEP [FIRST]   at each STEPth call of each, until none is left
    sweep.py random  OPERATION,... MODE,... ROUNDS SEED    anywhere
"""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time

import operations
from invariants import CHECKOUT, Broken, Observer, difference, without_progress
from operations import HERE, OPERATIONS, WORKER

LOG = "/run/inject.log"
MODES = ["kill", "torn", "ENOSPC", "EIO", "EROFS", "EMFILE", "ENOMEM", "ENOSPC+"]
# What cannot be read is damaged, for a verification.
REASONS = {"ENOSPC": "No space left|NoSpace", "EIO": "Input/output error|VerifyFailed: Image .* is damaged", "EROFS": "Read-only file system", "EMFILE": "Too many open files",
           "ENOMEM": "Cannot allocate memory|not enough memory|out of memory"}
PATIENCE = 60
# What gcc 12's leak sanitizer says when it crashes itself because threads end while it looks. It says nothing about the program.
BLIND = "LeakSanitizer has encountered a fatal error"


class Worker:
    """One run of it, with a fault or without."""

    def __init__(self, arguments, stdin=None, mode=None, at=0):
        environment = dict(os.environ)
        if os.path.exists(LOG):
            os.unlink(LOG)
        if mode:
            environment.update(LD_PRELOAD=PRELOAD, INJECT=f"{mode}:{at}:{LOG}")
        begin = time.monotonic()
        with open(stdin or "/dev/null", "rb") as source:
            process = subprocess.Popen([WORKER, *arguments], stdin=source, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
                                       env=environment, start_new_session=True)
            try:
                self.out, self.err = process.communicate(timeout=PATIENCE)
                self.hung = False
            except subprocess.TimeoutExpired:
                self.hung = True
                os.killpg(process.pid, signal.SIGABRT)
                self.out, self.err = process.communicate()
        try:
            os.killpg(process.pid, signal.SIGKILL)  # as systemd does with what is left of a unit
        except ProcessLookupError:
            pass
        self.status = process.returncode
        if BLIND in self.err and self.status not in (0, 1):
            self.status = 1 if re.search(r"^[A-Z][A-Za-z]+: ", self.err, re.M) else 0
        self.seconds = time.monotonic() - begin
        lines = open(LOG).read().splitlines() if os.path.exists(LOG) else []
        self.hit = next((line for line in lines if not line.startswith("total ")), None)
        self.total = next((int(line.split()[1]) for line in lines if line.startswith("total ")), None)


def preload():
    """A build with sanitizers wants its own library to come first."""
    libraries = subprocess.run(["ldd", WORKER], capture_output=True, text=True).stdout
    asan = re.search(r"=> (\S*libasan\S*)", libraries)
    return (asan.group(1) + " " if asan else "") + HERE + "/inject.so"


PRELOAD = preload()
OBSERVER = Observer(operations.NAME, json.load(open(HERE + "/expected.json")))


def recover():
    worker = Worker(["--recover", "now"])
    # that a new version did not stay is told as an error, and is no failure of the recovery
    return worker.err.strip() if worker.status else ""


def is_interrupted():
    """What makes the daemon queue a recovery: an intent, or a deployment under a hidden name."""
    folder = CHECKOUT + "/.sysconsd/intent"
    hidden = [name for name in os.listdir(CHECKOUT) if re.fullmatch(r"\..+\.[01]\.[A-Za-z0-9]{6}", name)] if os.path.isdir(CHECKOUT) else []
    return hidden or (os.path.isdir(folder) and os.listdir(folder))


def settle():
    """systemd goes on with what a worker asked for before it was killed."""
    for _ in range(200):
        state = OBSERVER.service()
        if state.get("ActiveState") not in ("activating", "deactivating", "reloading"):
            return
        time.sleep(0.02)


# It forgets why, where the repository was opened by a descriptor (ostree-repo.c, push_repo_lock: it asks for the path first).
LOCK_OF_LIBOSTREE = "Opening lock file (null)/.lock failed"

# What an operation says that has done its work, and leaves its cleaning up to a recovery.
LEFT = "Something of|is left, to be|not cleaned up after yet"


class Rounds:
    """All rounds of one operation."""

    def __init__(self, operation):
        self.operation, self.state = operation, 0
        self.totals = {}
        operations.clean()
        operation.begin()
        self.states = [self.observe(), None]
        self.work()
        self.states[1] = self.observe()
        self.check(1)
        self.state = 1

    def observe(self):
        settle()
        return OBSERVER.observe(self.operation.of_repository)

    def check(self, state):
        if not (self.operation.is_damaged and state == 0):
            OBSERVER.check(self.operation.of_repository)

    def arguments(self):
        return ["--request", json.dumps(self.operation.what(self.state))]

    def stdin(self):
        return self.operation.stdin(self.state)

    def work(self):
        worker = Worker(self.arguments(), self.stdin())
        if self.operation.refuses:
            if worker.status != 1 or self.operation.refuses not in worker.err:
                raise Broken(f"it does not refuse: exit status {worker.status}: {worker.out}{worker.err}")
        elif worker.status:
            raise Broken(f"without a fault it fails: exit status {worker.status}: {worker.err}")

    def go_to_start(self):
        if self.state == 1 and self.operation.back:
            self.operation.back()
            self.state = 0

    def total(self, mode):
        """How many calls there are to choose from."""
        if mode not in self.totals:
            self.go_to_start()
            self.totals[mode] = Worker(self.arguments(), self.stdin(), mode, 0).total
            self.state = 1 - self.state
        return self.totals[mode]

    def which(self, before):
        """The state that the system is in."""
        now = self.observe()
        if self.operation.is_damaged and without_progress(now) == without_progress(self.states[1]):
            return 0 if OBSERVER.trees() else 1
        for state in (1 - before, before):
            if now == self.states[state]:
                return state
        # its record is the last thing of a pull
        if self.operation.has_progress and dict(now, store=without_progress(now)["store"]) == self.states[1 - before]:
            return 1 - before
        if self.operation.has_progress and without_progress(now) == without_progress(self.states[before]):
            return before
        raise Broken("neither the old state nor the new one; differs from the old: " + "\n".join(difference(self.states[before], now)[:12]) +
                     "\nfrom the new: " + "\n".join(difference(self.states[1 - before], now)[:12]))

    def judge(self, worker, mode):
        """The operation has ended by itself: with the new state, or with an error that says why."""
        if worker.hung:
            raise Broken(f"it hung:\n{worker.out}{worker.err}")
        if worker.status not in (0, 1) or "Sanitizer" in worker.err.replace(BLIND, "") or "runtime error" in worker.err:
            raise Broken(f"exit status {worker.status}:\n{worker.err}")
        if self.operation.refuses and worker.status == 0:
            raise Broken(f"it does not refuse: {worker.out}")
        if worker.status == 1 and LOCK_OF_LIBOSTREE in worker.err:
            return
        if "-CRITICAL **" in worker.err:
            raise Broken(f"a library was not asked as it wants to be:\n{worker.err}")
        if worker.status == 1 and not re.search(REASONS[mode.rstrip("+")] + (f"|{self.operation.refuses}" if self.operation.refuses else ""), worker.err):
            raise Broken(f"the error does not say why:\n{worker.err}")

    def play(self, mode, at):
        """None: the operation has no such call any more. Else (state: old or new, what was hit, the error)."""
        self.go_to_start()
        before = self.state
        worker = Worker(self.arguments(), self.stdin(), mode, at)
        if worker.hit is None:
            if worker.status and not self.operation.refuses:
                raise Broken(f"no fault, and exit status {worker.status}: {worker.err}")
            self.state = 1 - before
            return None
        killed = mode in ("kill", "torn")
        self.hit = worker.hit
        if killed and worker.status != -signal.SIGKILL:
            raise Broken(f"not killed: exit status {worker.status}")
        if not killed:
            self.judge(worker, mode)
        # As the daemon does it; what an operation has told that it left goes with the next one.
        failed = worker.status == 1 and self.operation.is_swept
        if killed or mode.endswith("+") or failed or is_interrupted() or re.search(LEFT, worker.out):
            recover()
        self.state = self.which(before)
        self.check(self.state)
        # What was renamed, and then could not be synced, may be durable or not: the error says so, and the new state can be seen.
        goes_on = self.operation.goes_on or re.match("fsync|syncfs", worker.hit)
        if not killed and not mode.endswith("+") and self.states[0] != self.states[1] and (self.state == before) != (worker.status == 1) and \
           not (goes_on and worker.status == 1):
            raise Broken(f"exit status {worker.status}, and the {'old' if self.state == before else 'new'} state:\n{worker.out}{worker.err}")
        if self.state == before:
            self.work()
            now = self.observe()
            # What a broken off repair had fetched and not yet used lies there until the next import, or prune.
            if now != self.states[1 - before] and not (self.operation.is_damaged and without_progress(now) == without_progress(self.states[1])):
                raise Broken("done again, it does not come to the new state: " + "\n".join(difference(self.states[1 - before], now)[:12]))
            self.state = 1 - before
            self.check(self.state)
            return "old", worker.hit, worker.err.strip(), worker.status
        return "new", worker.hit, worker.err.strip(), worker.status


def general(text):
    """Without names that are different each time."""
    text = re.sub(r"\.([0-9])\.[A-Za-z0-9]{6}\b", r".\1.RANDOM", text)
    text = re.sub(r"(?<=\.)[A-Za-z0-9]{8}(?=$|[^A-Za-z0-9./])", "RANDOM", text)
    text = re.sub(r"[0-9a-f]{30,64}", "HEX", text)
    text = re.sub(r"staging-[\w.-]+", "staging", text)
    text = re.sub(r"/proc/\d+|pid \d+", "/proc/N", text)
    return re.sub(r"\b[0-9a-f]{2}/(?=HEX)|/objects/[0-9a-f]{2}", "XX/", text)


class Record:
    """What came of all of them."""

    def __init__(self):
        self.rounds, self.failures, self.tables = 0, [], {}
        self.begin = time.monotonic()

    def add(self, operation, mode, at, outcome):
        self.rounds += 1
        state, hit, error, status = outcome
        table = self.tables.setdefault((operation.name, mode), {"old": 0, "new": 0, "ignored": {}, "errors": {}})
        table[state] += 1
        if status == 0 and state == "new":
            table["ignored"].setdefault(general(hit), at)
        elif status == 1:
            table["errors"].setdefault(general(error.splitlines()[-1] if error else ""), f"{at} {general(hit)}")

    def fail(self, rounds, mode, at, error):
        self.rounds += 1
        hit = getattr(rounds, "hit", None)
        self.failures.append([rounds.operation.name, mode, at, hit, str(error)])
        print(f"FAILED {rounds.operation.name} {mode}:{at} ({hit}): {error}", flush=True)

    def show_one(self, name, mode, details):
        table = self.tables[name, mode]
        print(f"{name:14} {mode:8} {table['old'] + table['new']:5} rounds: {table['old']:5} old, {table['new']:5} new", flush=True)
        for what in ("errors", "ignored") if details else ():
            for key, at in sorted(table[what].items()):
                print(f"    {what} {at}: {key}")

    def show(self, details):
        for name, mode in sorted(self.tables):
            self.show_one(name, mode, details)
        seconds = time.monotonic() - self.begin
        print(f"{self.rounds} rounds in {seconds:.0f} s, {len(self.failures)} failed", flush=True)


def guarded(record, rounds, mode, at):
    """Plays one round; false: there is no such call any more."""
    rounds.hit = None
    try:
        outcome = rounds.play(mode, at)
        if outcome is None:
            return False
        record.add(rounds.operation, mode, at, outcome)
    except (Broken, RuntimeError, OSError, KeyError, ValueError) as error:
        record.fail(rounds, mode, at, f"{type(error).__name__ if not isinstance(error, Broken) else ''}{error}")
        operations.clean()
        rounds.operation.begin()
        rounds.state = 0
    return True


def choose(names, modes):
    chosen = [operation for operation in OPERATIONS if names == "all" or operation.name in names.split(",")]
    return chosen, MODES if modes == "all" else modes.split(",")


def every(record, names, modes, step, first=1):
    for operation in choose(names, modes)[0]:
        rounds = Rounds(operation)
        for mode in choose(names, modes)[1]:
            at = int(first)
            while guarded(record, rounds, mode, at) and at < 5000:
                at += int(step)
            # Hours may lie between the first mode and the last: what has been done is known even if the rest is not waited for.
            if (operation.name, mode) in record.tables:
                print("done: ", end="")
                record.show_one(operation.name, mode, False)


def at_random(record, names, modes, number, seed):
    dice = random.Random(int(seed))
    chosen, modes = choose(names, modes)
    left = int(number)
    while left > 0:
        rounds = Rounds(dice.choice(chosen))
        for _ in range(min(left, 40)):
            mode = dice.choice(modes)
            at = dice.randint(1, max(1, rounds.total(mode) or 1))
            guarded(record, rounds, mode, at)
            left -= 1


def main(how, *arguments):
    details = "-v" in arguments
    arguments = [argument for argument in arguments if argument != "-v"]
    record = Record()
    operations.clean_repository()
    operations.prepare()
    try:
        {"every": every, "random": at_random}[how](record, *arguments)
    finally:
        operations.clean()
        record.show(details)
    return 1 if record.failures or record.rounds == 0 else 0


if __name__ == "__main__":
    if not os.path.isdir(CHECKOUT):
        os.makedirs(CHECKOUT)
    sys.exit(main(*sys.argv[1:]))
