# SPDX-License-Identifier: LGPL-2.1-or-later
"""What must be true after a power cut, whenever it came: README.md has the list."""

import json

from bed import CHECKOUT, wait_until
from recording import OPERATIONS, PATIENCE, look

USED = ("hello:1", "etcd:1", "etcd:2")


def differences(kind, wanted, found):
    """Of two tables, a few."""
    keys = sorted(key for key in wanted.keys() | found.keys() if wanted.get(key) != found.get(key))
    return [f"{kind} {key}: {found.get(key, 'missing')}, not {wanted.get(key, 'there')}" for key in keys[:5]]


class Check:
    def __init__(self, images):
        self.images, self.names = images, images.names_by_id(USED)

    def whole(self, found):
        """What must hold at any time."""
        problems = [f"not removed: {name}" for name in found["pending"]] + found.get("damaged", [])
        for name, deployment in found["deployments"].items():
            wanted = self.images.tree(self.names[deployment["image"]])
            problems += differences(f"in {name}/rootfs", wanted, deployment["rootfs"])
        problems += [f"{name} is {entry['state']}" for name, entry in found["containers"].items() if entry["state"] != "running"]
        return problems

    @staticmethod
    def container_side(state, wanted, kind):
        """How the containers and all that belongs to them differ from a state that was recorded."""
        problems = differences(f"{kind}: container", wanted["containers"], state["containers"])
        problems += differences(f"{kind}: link", wanted["links"], state["links"])
        problems += differences(f"{kind}: file", wanted["host"], state["host"])
        for name in wanted["deployments"].keys() | state["deployments"].keys():
            one, other = (side["deployments"].get(name, {"own": {}})["own"] for side in (wanted, state))
            problems += differences(f"{kind}: in {name}", one, other)
        if wanted["checkout"] != state["checkout"]:
            problems.append(f"{kind}: {CHECKOUT} has {state['checkout']}, not {wanted['checkout']}")
        return problems

    @staticmethod
    def image_side(state, wanted, kind):
        return differences(f"{kind}: image", wanted["images"], state["images"])

    def side(self, compare, state, entry, acknowledged):
        """(old, new or neither, problems)"""
        new = compare(state, entry["after"], "against the new state")
        if not new:
            return "new", []
        old = compare(state, entry["before"], "against the old state")
        if old:
            return "neither", old + new
        return "old", [f"what was acknowledged is lost: {new}"] if acknowledged else []

    def settled(self, system):
        """Nobody has called the daemon yet: containers start by themselves, and interrupted changes end."""
        for name in system.output(f"find {CHECKOUT} -maxdepth 1 -type l -printf '%f\\n'").split():
            if system.systemctl("is-enabled", name, check=False).stdout.strip() == "enabled":
                wait_until(lambda name=name: system.is_active(name), PATIENCE)
        # What begins with a dot was cut off before it had its name, and said nothing yet: it goes when the daemon starts.
        wait_until(lambda: system.output(f"find {CHECKOUT}/.sysconsd/intent -mindepth 1 -name '[!.]*' 2>/dev/null || true") == "", PATIENCE)
        wait_until(lambda: not [job for job in json.loads(system.sysconsctl("jobs", "--json").stdout) if job["state"] in (
            "queued", "running", "cancelling")], PATIENCE)
        stale = [name for name in system.output(f"find {CHECKOUT} -maxdepth 1 -type l -printf '%f\\n'").split()
                 if system.output(["systemctl", "show", "-P", "NeedDaemonReload", name]) != "no"]
        failed = system.output("systemctl --failed --no-legend --plain")
        return [f"systemd has not read the unit of {name}" for name in stale] + ([f"failed unit: {failed}"] if failed else [])

    def __call__(self, system, entry, acknowledged):
        """(old or new, problems)"""
        problems = self.settled(system)
        found = look(system, "all")
        problems += self.whole(found)
        sides = {}
        for name, compare in (("containers", self.container_side), ("images", self.image_side)):
            sides[name], more = self.side(compare, found, entry, acknowledged)
            problems += more
        operation = next(operation for operation in OPERATIONS if operation.name == entry["name"])
        # Of pull and prune only images tell; a prune is told by neither.
        verdict = sides["images"] if operation.name in ("pull", "prune") else sides["containers"]
        if sides == {"containers": "new", "images": "old"} and entry["before"]["images"] != entry["after"]["images"] and verdict == "new":
            problems.append("the container is of an image that is not there")
        problems += self.again(system, operation, entry, verdict)
        return verdict, problems

    def again(self, system, operation, entry, verdict):
        if verdict == "new":
            for command in operation.undo:
                system.sysconsctl(*command, timeout=PATIENCE)
        system.sysconsctl(*operation.command, timeout=PATIENCE)
        system.sysconsctl("prune", timeout=PATIENCE)
        found = look(system, "trees")
        problems = self.whole(found) + self.container_side(found, entry["after"], "repeated") + self.image_side(found, entry["after"], "repeated")
        if "this is version 1" not in (system.http(8082) or ""):
            problems.append("hello does not answer")
        return problems + [f"repeated: left over: {name}" for name in found["unfinished"]]
