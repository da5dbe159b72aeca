# SPDX-License-Identifier: LGPL-2.1-or-later
"""What must be true of a system after whatever happened to sysconsd. Runs on that system, as root, and looks at files and at systemd only.

observe() takes down all that an operation may change, in words that do not depend on slots, ids and times: two such states are equal when
they mean the same to an administrator. check() says what is wrong with a state whatever it is meant to be: files that are not as the image
has them, a service that runs from somewhere else, things left over.
"""

import hashlib
import json
import os
import re
import stat
import subprocess

CHECKOUT = "/var/lib/containers/atomic"
REPO = CHECKOUT + "/.storage/ostree"
UNITS = "/etc/systemd/system"
TMPFILES = "/etc/tmpfiles.d"
SETTINGS = "/etc/containers"
HOST_FILES = "/etc/faults"
WATCHED = (UNITS, TMPFILES, SETTINGS, HOST_FILES)
STORE = REPO + "/extensions/sysconsd"
# Locks, and the file that a ref is written to before it has its name: the next one writes over it.
FIXED = re.compile(r".*\.lock$|(.*/)?lock$|ref\.new$")
# Of an interrupted pull these stay for the next attempt, on purpose, and prune takes them away if none comes.
KEPT_FOR_THE_NEXT = ("pull/", "staging-", "damaged/")
LAYER = re.compile("ociimage/[0-9a-f]{64}$")
RANDOM = re.compile(r"\..+\.(sysconsd-)?[A-Za-z0-9]{6,8}$")


class Broken(Exception):
    """The invariants that do not hold, a line each."""


def output(*command):
    result = subprocess.run(command, capture_output=True, text=True, errors="replace")
    return result.stdout.strip()


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def kind(path):
    """[type, mode, uid, gid, digest or target], as a layer's member has it."""
    st = os.lstat(path)
    if stat.S_ISLNK(st.st_mode):
        return ["l", 0o777, st.st_uid, st.st_gid, os.readlink(path)]
    if stat.S_ISDIR(st.st_mode):
        return ["d", stat.S_IMODE(st.st_mode), st.st_uid, st.st_gid, ""]
    return ["f", stat.S_IMODE(st.st_mode), st.st_uid, st.st_gid, digest(path)]


def walk(top, skip=()):
    """{path below top: kind}"""
    found = {}
    for at, folders, files in os.walk(top):
        for name in folders + files:
            path = os.path.join(at, name)
            short = os.path.relpath(path, top)
            if short not in skip:
                found[short] = kind(path)
        folders[:] = [name for name in folders if os.path.relpath(os.path.join(at, name), top) not in skip and
                      not os.path.islink(os.path.join(at, name))]
    return found


class Observer:
    def __init__(self, name, expected):
        """name: the container of the tests; expected: {digest of a manifest in hex: {path: kind}}"""
        self.name, self.unit, self.expected = name, name + ".service", expected
        self.known = {path: set(walk(path)) if os.path.isdir(path) else set() for path in WATCHED}

    # ---- the container

    def live(self):
        try:
            return os.readlink(f"{CHECKOUT}/{self.name}")
        except FileNotFoundError:
            return None

    def service(self):
        text = output("systemctl", "show", "-p", "LoadState,ActiveState,UnitFileState,NeedDaemonReload,WorkingDirectory,FragmentPath,Result", self.unit)
        return dict(line.split("=", 1) for line in text.splitlines())

    def _plain(self, text):
        """Without what differs between two states that mean the same."""
        live = self.live()
        if live:
            other = live[:-1] + str(1 - int(live[-1]))
            text = text.replace(live, self.name + ".LIVE").replace(other, self.name + ".PREVIOUS")
        return re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}", "UUID", text)

    def _info(self, path):
        info = json.loads(open(path).read())
        info.pop("created", None)
        info.pop("ostree-commit", None)
        info.get("sysconsd", {}).pop("deployment", None)
        info.get("sysconsd", {}).pop("deployment-id", None)
        info.get("sysconsd", {}).pop("id", None)
        return self._plain(json.dumps(info, sort_keys=True))

    def deployment(self, folder):
        found = {}
        for path, what in walk(folder, ("rootfs",)).items():
            if what[0] == "f":
                full = os.path.join(folder, path)
                what[4] = self._info(full) if path == "info" else self._plain(open(full, errors="replace").read())
            found[self._plain(path)] = what
        if os.path.isdir(folder + "/rootfs"):
            found["rootfs"] = json.loads(open(folder + "/info").read())["revision"] if os.path.exists(folder + "/info") else "?"
        return found

    # ---- all of it

    def observe(self, repository=False):
        """repository: the content of refs, too, which takes a while"""
        state = {"checkout": {}, "host": {}, "sysconsd": [], "refs": {}, "store": [], "service": {}, "mounts": []}
        entries = os.listdir(CHECKOUT) if os.path.isdir(CHECKOUT) else []
        for entry in sorted(entries):
            path = os.path.join(CHECKOUT, entry)
            if entry in (".storage", ".sysconsd"):
                continue
            state["checkout"][self._plain(entry)] = self.deployment(path) if os.path.isdir(path) and not os.path.islink(path) else kind(path)[0]
        for top in WATCHED:
            for path, what in walk(top).items() if os.path.isdir(top) else ():
                full = os.path.join(top, path)
                if what[0] == "f":
                    what[4] = self._plain(open(full, errors="replace").read())
                state["host"][full] = what
        state["sysconsd"] = sorted(re.sub(r"^mount/\w+", "mount/ID", path) for path, what in walk(CHECKOUT + "/.sysconsd").items()
                                   if what[0] != "d" and not path.startswith("lock/"))
        state["refs"] = self.refs(repository)
        state["store"] = sorted(path for path, what in walk(STORE).items() if what[0] != "d" and not FIXED.match(path))
        service = self.service()
        state["service"] = {key: service.get(key) for key in ("LoadState", "ActiveState", "UnitFileState")}
        state["mounts"] = sorted(line.split()[4] for line in open("/proc/self/mountinfo") if "/mounted" in line)
        return state

    def refs(self, contents):
        top = REPO + "/refs/heads"
        found = {}
        for at, _, files in os.walk(top):
            for name in files:
                ref = os.path.relpath(os.path.join(at, name), top)
                found[ref] = output("ostree", f"--repo={REPO}", "ls", "-d", "-C", ref, "/").split(" ", 4)[-1] if contents else ""
        return found

    # ---- what is wrong

    def leftovers(self):
        """What nobody will come for."""
        found = []
        for top in (CHECKOUT, UNITS, TMPFILES, SETTINGS, HOST_FILES, CHECKOUT + "/.sysconsd/intent", "/usr/local/bin", "/etc"):
            for entry in os.listdir(top) if os.path.isdir(top) else ():
                if entry.startswith(".") and RANDOM.match(entry):
                    found.append(f"{top}/{entry} is left over")
        for folder in ("intent", "mount", "run"):
            top = f"{CHECKOUT}/.sysconsd/{folder}"
            if folder != "mount":
                found += [f"{top}/{entry} is left over" for entry in (os.listdir(top) if os.path.isdir(top) else ()) if not entry.startswith(".")]
        for slot in "01":
            folder = f"{CHECKOUT}/{self.name}.{slot}"
            if os.path.isdir(folder):
                found += [f"{folder}/{entry} is left over" for entry in os.listdir(folder) if entry.startswith(".")]
                if self.live() is None:
                    found.append(f"{folder} belongs to no container")
        return found

    def trees(self):
        """Each file of each deployment has the digest that the image says."""
        found = []
        for slot in "01":
            folder = f"{CHECKOUT}/{self.name}.{slot}"
            if not os.path.isdir(folder):
                continue
            revision = json.loads(open(folder + "/info").read())["revision"]
            if revision not in self.expected:  # not an image of these tests
                continue
            have, want = walk(folder + "/rootfs"), self.expected[revision]
            found += [f"{folder}/rootfs/{path} is {have.get(path)}, not {want.get(path)}"
                      for path in sorted(set(have) | set(want)) if have.get(path) != want.get(path)]
        return found

    def agreement(self):
        """The live deployment is the one that systemd and the host know."""
        live, found = self.live(), []
        service = self.service()
        if live is None:
            if service.get("LoadState") not in ("not-found", None):
                found.append(f"{self.unit} is known to systemd, and there is no container: {service}")
            for path in (f"{UNITS}/{self.unit}", f"{UNITS}/multi-user.target.wants/{self.unit}", f"{TMPFILES}/{self.name}.conf", HOST_FILES):
                if os.path.lexists(path) and (path != HOST_FILES or os.listdir(path)):
                    found.append(f"{path} is there, and the container is not")
            return found
        folder = f"{CHECKOUT}/{live}"
        for inside, outside in ((self.unit, f"{UNITS}/{self.unit}"), (f"tmpfiles-{self.name}.conf", f"{TMPFILES}/{self.name}.conf")):
            there = [os.path.exists(path) for path in (f"{folder}/{inside}", outside)]  # an image need not have lines for tmpfiles.d
            if there[0] != there[1] or (there[0] and digest(f"{folder}/{inside}") != digest(outside)):
                found.append(f"{outside} is not that of {live}")
        if service.get("NeedDaemonReload") != "no" or not service.get("WorkingDirectory", "").endswith("/" + live):
            found.append(f"systemd has not read the unit of {live}: {service}")
        if service.get("ActiveState") not in ("active", "inactive"):
            found.append(f"{self.unit}: {service}")
        info = json.loads(open(folder + "/info").read())
        for path, checksum in info["installed-files-checksum"].items():
            if not os.path.exists(path) or digest(path) != checksum:
                found.append(f"{path} is not as {live} has it")
        for path in walk(HOST_FILES):
            if f"{HOST_FILES}/{path}" not in info["installed-files-checksum"]:
                found.append(f"{HOST_FILES}/{path} belongs to no live deployment")
        return found

    def repository(self):
        """All that a ref reaches is there and has its digest. ostree fsck looks at every commit; one that no ref names may miss something."""
        if not os.path.isdir(REPO + "/refs"):
            return []
        result = subprocess.run(["ostree", f"--repo={REPO}", "fsck", "-q"], capture_output=True, text=True)
        return [f"ostree fsck: {result.stderr.strip()}"] if result.returncode else []

    def check(self, repository=False):
        found = self.leftovers() + self.trees() + self.agreement()
        if repository:
            found += self.repository()
        if found:
            raise Broken("\n".join(found))


def difference(first, second, at=""):
    """Where two states differ, a line each."""
    if isinstance(first, dict) and isinstance(second, dict):
        lines = []
        for key in sorted(set(first) | set(second)):
            if first.get(key) != second.get(key):
                lines += difference(first.get(key), second.get(key), f"{at}/{key}")
        return lines
    first, second = str(first), str(second)
    same = next((i for i, (one, other) in enumerate(zip(first, second)) if one != other), min(len(first), len(second)))
    begin = max(0, same - 40) if min(len(first), len(second)) > 100 else 0
    return [] if first == second else [f"{at}: {first[begin:begin + 160]} | {second[begin:begin + 160]}"]


def without_progress(state):
    """Of a pull that did not come to its end layers may be here."""
    return dict(state, refs={ref: what for ref, what in state["refs"].items() if not LAYER.match(ref)},
                store=[path for path in state["store"] if not path.startswith(KEPT_FOR_THE_NEXT)])
