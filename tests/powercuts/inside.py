# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs in the system that is looked at: says as JSON what is there. With the argument "trees" it reads every file of every
deployment, too, with "all" also every object of the repository."""

import hashlib
import json
import os
import stat
import subprocess
import sys

CHECKOUT = "/var/lib/containers/atomic"
OWN = CHECKOUT + "/.sysconsd"
REPOSITORY = CHECKOUT + "/.storage/ostree"
HOST = ("/etc", "/usr/local")
# What the system writes for itself, and units that the test bed cannot have (run has the list).
OTHERS = ("/etc/.updated", "/etc/.pwd.lock", "/etc/ld.so.cache", "/etc/machine-id", "/etc/mtab", "/etc/resolv.conf", "/etc/adjtime")


def digest(path):
    total = hashlib.sha256()
    with open(path, "rb") as source:
        while data := source.read(1 << 20):
            total.update(data)
    return total.hexdigest()


def describe(path):
    """As images.py describes the entry of a layer."""
    status = os.lstat(path)
    mode, owner = stat.S_IMODE(status.st_mode), f"{status.st_uid}:{status.st_gid}"
    if stat.S_ISDIR(status.st_mode):
        return f"folder {mode:o} {owner}"
    if stat.S_ISLNK(status.st_mode):
        return f"link {owner} {os.readlink(path)}"
    if stat.S_ISREG(status.st_mode):
        return f"file {mode:o} {owner} {digest(path)}"
    return f"odd {status.st_mode:o}"


def tree(top, but=()):
    """What lies below, by its path from there, without what lies below these."""
    found = {}
    for at, folders, files in os.walk(top):
        folders[:] = [name for name in folders if os.path.join(at, name) not in but]
        for name in folders + files:
            path = os.path.join(at, name)
            found[os.path.relpath(path, top)] = describe(path)
    return found


def names(folder):
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []


def output(*command):
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, check=False)
    if result.returncode:
        raise SystemExit(f"{' '.join(command)}: exit status {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout


def listing(*words):
    return json.loads(output("sysconsctl", *words, "--json"))


def host():
    """Without empty folders: one that was made for a file of an image stays on the host when the file goes."""
    found = {}
    for top in HOST:
        for path, text in tree(top).items():
            path = os.path.join(top, path)
            if path not in OTHERS and (not text.startswith("folder ") or os.listdir(path)):
                found[path] = text
    return found


def deployments(everything):
    found = {}
    for name in names(CHECKOUT):
        top = os.path.join(CHECKOUT, name)
        if name.startswith(".") or os.path.islink(top):
            continue
        rootfs = os.path.join(top, "rootfs")
        own = tree(top, but=(rootfs,))
        with open(os.path.join(top, "info"), encoding="utf-8") as info:
            image = json.load(info)["sysconsd"]["image-id"]
        own["info"] = own["info"].rsplit(" ", 1)[0]  # it has a random id and a date
        found[name] = {"own": own, "image": image, "rootfs": tree(rootfs) if everything else None}
    return found


def unfinished():
    """What an interrupted pull, repair or transaction of libostree has left."""
    own = REPOSITORY + "/extensions/sysconsd"
    found = [name for name in names(own) if name.startswith("staging-")]
    found += [f"{kind}/{name}" for kind in ("pull", "damaged") for name in names(f"{own}/{kind}")]
    return found + [f"tmp/{name}" for name in names(REPOSITORY + "/tmp") if name != "cache" and not name.endswith("-lock")]


def damage(images):
    """What ostree says, and what the product says."""
    commands = [["ostree", "fsck", "-q", f"--repo={REPOSITORY}"], *(["sysconsctl", "verify", name] for name in images)]
    results = [subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True,
                              check=False) for command in commands]
    return [f"{' '.join(result.args)}: {result.stdout}" for result in results if result.returncode]


def main(how="state"):
    everything = how in ("trees", "all")
    found = {
        "containers": {entry["name"]: {key: entry[key] for key in ("image", "image_id", "state", "previous")} for entry in listing("list", "-a")},
        "images": {name: image["id"] for image in listing("images") for name in image["names"]},
        "deployments": deployments(everything),
        "checkout": [name for name in names(CHECKOUT) if name not in (".storage", ".sysconsd")],
        "links": {name: os.readlink(os.path.join(CHECKOUT, name)) for name in names(CHECKOUT) if os.path.islink(os.path.join(CHECKOUT, name))},
        "host": host(),
        "pending": [f"{kind}/{name}" for kind in ("intent", "mount", "run") for name in names(os.path.join(OWN, kind))],
        "unfinished": unfinished(),
    }
    if how == "all":
        found["damaged"] = damage(found["images"])
    json.dump(found, sys.stdout)


main(*sys.argv[1:])
