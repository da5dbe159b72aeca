#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Worker, daemon or both killed at named points (daemon/base/failpoint.h), through the daemon; then the invariants are checked. Runs in the
test bed; `run` beside this starts it.

    failpoints.py OPERATION,... VICTIM,... [STEP]      with a STEP only each STEPth case, by turns for operations, points and victims
"""

import json
import os
import signal
import subprocess
import sys
import time

import operations
from invariants import CHECKOUT, Broken, difference
from operations import OPERATIONS
from sweep import Rounds

FAILPOINT = "/run/sysconsd/failpoint"
VICTIMS = ["worker", "daemon", "both"]
PATIENCE = 30
STEPS = ["stop", "place", "package-away", "host-files", "package", "disable", "unit-file", "tmpfiles-file", "make-live", "reload", "tmpfiles", "enable",
         "start"]
END = ["trial", "keep", "clean-up", "intent-gone"]
BUILD = ["check-out", "sync-deployment"]
BACK = ["back-stop", "back-package-away", "back-host-files", "back-package", "back-disable", "back-unit-file", "back-tmpfiles-file", "back-make-live",
        "back-take-away", "back-reload", "back-tmpfiles", "back-enable", "back-start", "clean-up", "intent-gone"]
REMOVE = ["intent", "remove-disable", "remove-unit-file", "remove-tmpfiles", "remove-host-files", "remove-package", "remove-link", "remove-slots",
          "remove-intent"]
PULL = ["pull-layer", "pull-publish", "pull-intent-gone"]
POINTS = {
    "install": [*BUILD, "intent", *STEPS, *END],
    "first-update": [*BUILD, "intent", *STEPS, *END],
    "update": [*BUILD, "intent", *STEPS, *END],
    "rollback": ["intent", *STEPS, *END],
    "uninstall": REMOVE,
    "pull": PULL,
    "first-pull": PULL,
    "import": PULL,
    "tag": ["tag"],
    "prune": ["prune-ref", "prune-objects"],
    "repair": ["repair-keep", "repair-fetch", "repair-containers", "repair-forget"],
    "mount": ["mount-check-out", "mount", "mounted"],
    "unmount": ["unmount", "unmounted"],
    "run": ["run-folder", "run-start", "run-ended"],
    "run-beside": ["run-pinned"],
    "set-policy": ["set-policy"],
}
# On the way back from an operation whose last step fails.
POINTS_BACK = {"install": BACK, "first-update": BACK, "update": BACK, "rollback": BACK}


def cases(names, victims, step):
    found = []
    for operation in OPERATIONS:
        if names != "all" and operation.name not in names.split(","):
            continue
        points = [(point, "") for point in POINTS.get(operation.name, [])] + [(point, "start error\n") for point in POINTS_BACK.get(operation.name, [])]
        found += [(operation, before, point, victim) for victim in VICTIMS if victims == "all" or victim in victims.split(",")
                  for before, point in [(before, point) for point, before in points]]
    # Each victim begins elsewhere, so that a part of the cases has all points.
    return found[::step] if step == 1 else [case for i, case in enumerate(found) if (i + VICTIMS.index(case[3])) % step == 0]


def stopped_worker():
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            name, _, rest = open(f"/proc/{pid}/stat").read().partition(") ")
        except OSError:
            continue
        if name.endswith("(sysconsd-worker") and rest.startswith("T"):
            return int(pid)
    return None


def wait_for(condition, what):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        answer = condition()
        if answer:
            return answer
        time.sleep(0.005)
    raise Broken(f"not within {PATIENCE} s: {what}")


def client(*arguments):
    # a daemon that is killed so often would not be started again
    subprocess.run(["systemctl", "reset-failed", "sysconsd"], capture_output=True)
    return subprocess.run(["sysconsctl", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")


def is_idle():
    worker = stopped_worker()  # by another thread, which had come to the point, too, before it was taken away
    if worker:
        os.kill(worker, signal.SIGCONT)
    jobs = client("jobs", "--json")
    active = jobs.returncode or [job for job in json.loads(jobs.stdout) if job["state"] in ("queued", "running", "cancelling")]
    intents = CHECKOUT + "/.sysconsd/intent"
    return not active and not (os.path.isdir(intents) and [name for name in os.listdir(intents) if not name.startswith(".")])


class Cases(Rounds):
    """By the client instead of by hand."""

    def go_to_start(self):
        super().go_to_start()
        self.forget()

    def forget(self):
        """The repository has been replaced behind its back."""
        if self.operation.of_repository:
            subprocess.run(["systemctl", "stop", "sysconsd"])

    def work(self):
        self.forget()
        result = client(*self.operation.command(self.state))
        if result.returncode:
            raise Broken(f"without a fault it fails: exit status {result.returncode}: {result.stderr}")

    def play(self, before, point, victim):
        self.go_to_start()
        start = self.state
        os.makedirs(os.path.dirname(FAILPOINT), exist_ok=True)
        with open(FAILPOINT, "w") as file:
            file.write(f"{before}{point} stop\n")
        client("jobs")  # the daemon is there
        caller = subprocess.Popen(["sysconsctl", *self.operation.command(start)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, errors="replace")
        try:
            wait_for(lambda: stopped_worker() or caller.poll() is not None, "the worker at its point")
            worker = stopped_worker()
            if worker is None:
                raise Broken(f"it never came to this point: {caller.communicate()[0]}")
            os.unlink(FAILPOINT)
            if victim != "worker":
                os.kill(int(operations.run("systemctl", "show", "-P", "MainPID", "sysconsd").stdout), signal.SIGKILL)
            os.kill(worker, signal.SIGCONT if victim == "daemon" else signal.SIGKILL)
            caller.communicate(timeout=PATIENCE)
        finally:
            caller.kill()
            caller.wait()
            if os.path.exists(FAILPOINT):
                os.unlink(FAILPOINT)
        wait_for(is_idle, "recovered, and no job left")
        self.state = self.which(start)
        self.check(self.state)
        if self.state == start:
            self.work()
            now = self.observe()
            if now != self.states[1 - start]:
                raise Broken("done again, it does not come to the new state: " + "\n".join(difference(self.states[1 - start], now)[:12]))
            self.state = 1 - start
            self.check(self.state)
            return "old"
        return "new"


def main(names, victims, step="1", *more):
    step = "1" if step == "-v" else step
    table, failures, begin = {}, 0, time.monotonic()
    operations.clean_repository()
    operations.prepare()
    rounds = None
    for operation, before, point, victim in cases(names, victims, int(step)):
        if rounds is None or rounds.operation is not operation:
            rounds = Cases(operation)
        counts = table.setdefault((operation.name, victim), {"old": 0, "new": 0})
        try:
            counts[rounds.play(before, point, victim)] += 1
        except (Broken, RuntimeError, OSError, KeyError, ValueError, subprocess.TimeoutExpired) as error:
            failures += 1
            print(f"FAILED {operation.name}, {victim} killed at {point}{' on the way back' if before else ''}: {error}", flush=True)
            subprocess.run(["pkill", "-9", "-x", "sysconsd-worker"])
            operations.clean()
            operation.begin()
            rounds.state = 0
    operations.clean()
    for (name, victim), counts in sorted(table.items()):
        print(f"{name:14} {victim:8} {counts['old']:5} old, {counts['new']:5} new")
    cases_played = sum(counts["old"] + counts["new"] for counts in table.values()) + failures
    print(f"{cases_played} cases in {time.monotonic() - begin:.0f} s, {failures} failed")
    return 1 if failures or not cases_played else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
