# SPDX-License-Identifier: LGPL-2.1-or-later
"""The operations that write, each with how to get to the state that it starts from. Runs in the test bed."""

import json
import os
import shutil
import subprocess

from invariants import CHECKOUT, REPO

WORKER = "/usr/libexec/sysconsd-worker"
HERE = os.path.dirname(os.path.realpath(__file__))
NAME = "faults"
IMAGE = "localhost:5000/faults"
COMMAND = "localhost:5000/busybox:latest"
WHERE = "/srv/mounted"
SNAPSHOTS = "/var/lib/containers/snapshots"
POLICIES = ['{"default": [{"type": "insecureAcceptAnything"}]}\n',
            '{"default": [{"type": "insecureAcceptAnything"}], "transports": {"docker": {"example.org": [{"type": "reject"}]}}}\n']
FAST = {"health-timeout": 0}


def run(*command, check=True):
    result = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if check and result.returncode:
        raise RuntimeError(f"{command}: exit status {result.returncode}\n{result.stdout}{result.stderr}")
    return result


def request(operation, subject="", **options):
    return {"operation": operation, "subject": subject, "options": {key.replace("_", "-"): value for key, value in options.items()}}


def work(what, stdin=None):
    """Without a fault: it has to succeed."""
    with open(stdin or "/dev/null", "rb") as source:
        result = subprocess.run([WORKER, "--request", json.dumps(what)], stdin=source, capture_output=True, text=True, errors="replace")
    if result.returncode:
        raise RuntimeError(f"{what}: exit status {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout


# ---- states to start from


def take_snapshot(name):
    os.makedirs(SNAPSHOTS, exist_ok=True)
    run("cp", "-a", REPO, f"{SNAPSHOTS}/{name}")


def restore_snapshot(name):
    shutil.rmtree(REPO, ignore_errors=True)
    run("cp", "-a", f"{SNAPSHOTS}/{name}", REPO)


def prepare():
    """What the operations start from: repositories with one image, with both, with one deleted, with one from an archive, with one of large files."""
    os.makedirs(WHERE, exist_ok=True)
    os.makedirs("/etc/containers", exist_ok=True)
    work(request("pull", IMAGE + ":1"))
    take_snapshot("one")
    work(request("pull", IMAGE + ":2"))
    work(request("pull", COMMAND))
    take_snapshot("both")
    work(request("delete-image", IMAGE + ":2", force="yes"))
    take_snapshot("deleted")
    restore_snapshot("one")
    import_archive(0)
    take_snapshot("imported")
    restore_snapshot("one")
    work(request("pull", IMAGE + "-large:1"))
    take_snapshot("large")


def clean_repository():
    for path in (REPO, SNAPSHOTS):
        shutil.rmtree(path, ignore_errors=True)


def clean():
    """No container, nothing mounted, both images; by hand, whatever has happened before."""
    run("systemctl", "stop", NAME, check=False)
    run("systemctl", "disable", NAME, check=False)
    run("umount", WHERE, check=False)
    for path in (f"/etc/systemd/system/{NAME}.service", f"/etc/tmpfiles.d/{NAME}.conf"):
        if os.path.lexists(path):
            os.unlink(path)
    for entry in os.listdir(CHECKOUT):
        if entry not in (".storage",):
            path = os.path.join(CHECKOUT, entry)
            os.unlink(path) if os.path.islink(path) or os.path.isfile(path) else shutil.rmtree(path)
    for top in ("/etc/systemd/system", "/etc/tmpfiles.d", "/etc/containers", "/etc/faults"):
        for entry in os.listdir(top) if os.path.isdir(top) else ():
            if entry.startswith(".") or top == "/etc/faults":
                os.unlink(os.path.join(top, entry))
    run("systemctl", "daemon-reload")
    run("systemctl", "reset-failed", NAME, check=False)
    write_policy()
    restore_snapshot("both")


INSTALL = request("install", IMAGE + ":1", name=NAME, start="now")
UNINSTALL = request("uninstall", NAME)


def update_to(version):
    return request("update", NAME, image=f"{IMAGE}:{version}", **FAST)


def import_archive(number):
    work(request("pull", "oci-archive:", file={"fd": 0}, name="localhost/faults", replace="yes"), f"{HERE}/{number + 1}.tar")


def installed_twice():
    """Version 1 runs, and version 2 is what was before."""
    for step in (INSTALL, update_to("2"), update_to("1")):
        work(step)


def damage():
    """One file of the image that the container shares."""
    with open(f"{CHECKOUT}/{NAME}.0/rootfs/usr/share/faults/large", "r+b") as file:
        file.write(b"damaged")


class Operation:
    """There are two states, 0 and 1; the operation leads from 0 to 1, and from 1 to 0 if it is its own reverse.

    begin   from a clean system to state 0
    back    from 1 to 0; None: the operation does it itself
    """

    def __init__(self, name, begin, what, back=None, stdin=None, command=None, **more):
        self.name, self.begin, self.back = name, begin, back
        self._what, self._stdin, self._command = what, stdin, command
        self.of_repository = more.get("of_repository", False)  # what refs mean is to be looked at
        self.has_progress = more.get("has_progress", False)  # what it has done of its way may stay
        self.is_damaged = more.get("is_damaged", False)  # state 0 is one that no check is content with
        # An error may come behind the new state: from there on a recovery goes on, or the operation only looks at what it has done.
        self.goes_on = more.get("goes_on", False)
        self.is_swept = more.get("is_swept", False)  # when it has failed, the daemon has a recovery look for what it left
        self.refuses = more.get("refuses")  # it fails, and says this; nothing changes

    def what(self, state):
        """The request that leads away from the state."""
        return self._what(state) if callable(self._what) else self._what

    def stdin(self, state):
        return self._stdin(state) if self._stdin else None

    def command(self, state):
        """The same for the client."""
        return self._command(state) if callable(self._command) else self._command


def nothing():
    pass


def both(*steps):
    def all_of_them():
        for step in steps:
            work(step) if isinstance(step, dict) else step()
    return all_of_them


def restoring(name):
    return lambda: restore_snapshot(name)


def other(state):
    return "2" if state == 0 else "1"


def policy_file():
    path = "/run/policy"
    with open(path, "w") as file:
        file.write(POLICIES[1])
    return path


def write_policy():
    with open("/etc/containers/policy.json", "w") as file:
        file.write(POLICIES[0])


PULL_2 = request("pull", IMAGE + ":2")
MOUNT = request("mount", IMAGE + ":1", where=WHERE)
UNMOUNT = request("unmount", WHERE)
IMPORT_2 = request("pull", "oci-archive:", file={"fd": 0}, name="localhost/faults", replace="yes")

OPERATIONS = [
    Operation("install", nothing, INSTALL, both(UNINSTALL), command=["install", "--start", "--name=" + NAME, IMAGE + ":1"]),
    Operation("first-update", both(INSTALL), update_to("2"), both(UNINSTALL, INSTALL),
              command=["update", "--pull=never", f"--rebase={IMAGE}:2", NAME]),
    Operation("update", installed_twice, lambda state: update_to(other(state)),
              command=lambda state: ["update", "--pull=never", f"--rebase={IMAGE}:{other(state)}", NAME]),
    Operation("rollback", installed_twice, request("rollback", NAME, **FAST), command=["rollback", NAME]),
    Operation("uninstall", both(INSTALL, update_to("2")), UNINSTALL, both(INSTALL, update_to("2")), command=["uninstall", NAME], goes_on=True),
    Operation("pull", restoring("one"), PULL_2, restoring("one"), goes_on=True, of_repository=True, has_progress=True, command=["pull", IMAGE + ":2"]),
    Operation("pull-large", restoring("large"), request("pull", IMAGE + "-large:2"), restoring("large"), goes_on=True, of_repository=True,
              has_progress=True, command=["pull", IMAGE + "-large:2"]),
    Operation("first-pull", lambda: shutil.rmtree(REPO), PULL_2, lambda: shutil.rmtree(REPO), goes_on=True, of_repository=True,
              has_progress=True, command=["pull", IMAGE + ":2"]),
    Operation("import", restoring("imported"), IMPORT_2, restoring("imported"), lambda _: HERE + "/2.tar", goes_on=True, of_repository=True, has_progress=True,
              command=["pull", "--name=localhost/faults", "--replace", f"oci-archive:{HERE}/2.tar"]),
    Operation("tag", restoring("one"), request("tag-image", IMAGE + ":1", **{"as": "localhost/tagged:latest"}), restoring("one"), goes_on=True, of_repository=True,
              command=["tag", IMAGE + ":1", "localhost/tagged:latest"]),
    Operation("refused", both(INSTALL), request("delete-image", IMAGE + ":1"), refuses="is used by the container"),
    Operation("delete-image", restoring("both"), request("delete-image", IMAGE + ":2"), restoring("both"), of_repository=True,
              command=["delete-image", IMAGE + ":2"]),
    Operation("prune", both(installed_twice, restoring("deleted")), request("prune"), restoring("deleted"), of_repository=True, has_progress=True,
              goes_on=True, command=["prune"]),  # what it has removed by then nobody misses
    Operation("repair", both(INSTALL, damage), request("verify-online", IMAGE + ":1", repair="yes"), damage, of_repository=True, has_progress=True,
              is_damaged=True, command=["verify", "--repair", IMAGE + ":1"]),
    Operation("mount", nothing, MOUNT, both(UNMOUNT), is_swept=True, command=["mount", IMAGE + ":1", WHERE]),
    Operation("unmount", both(MOUNT), UNMOUNT, both(MOUNT), goes_on=True, is_swept=True, command=["umount", WHERE]),
    Operation("run", nothing, request("run", COMMAND, argv=["/bin/true"]), is_swept=True, command=["run", COMMAND, "/bin/true"]),
    Operation("run-beside", both(request("install", COMMAND, name=NAME)), request("run", NAME, argv=["/bin/true"]), is_swept=True, command=["run", NAME, "/bin/true"]),
    Operation("set-policy", nothing, request("set-policy", policy={"fd": 0}), write_policy, lambda _: policy_file(),
              command=["trust", "add", "--type=reject", "example.org"]),
]
