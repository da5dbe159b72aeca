# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes containers and images beside a real one of each, in a test bed: what a list sees of them, and nothing more.

many-objects.py CONTAINER IMAGE COUNT: CONTAINER is installed, and of IMAGE (its canonical name). There are COUNT of each when it ends, besides.
"""

import ast
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path("/var/lib/containers/atomic")
REPOSITORY = CHECKOUT / ".storage/ostree"
UNITS = Path("/etc/systemd/system")


def ostree(*arguments):
    return subprocess.check_output(["ostree", f"--repo={REPOSITORY}", *arguments], text=True).strip()


def ref_of(name):
    return "ociimage/" + "".join(c if c.isalnum() or c in ".-" else f"_{ord(c):02X}" for c in name)


def metadata(commit, key):
    """A string, as `ostree show` prints it: a GVariant's text, which is a string of Python's, too."""
    return ast.literal_eval(ostree("show", f"--print-metadata-key={key}", commit))


def make_images(model, count):
    commit = ostree("rev-parse", ref_of(model))
    info, manifest = json.loads(metadata(commit, "sysconsd.image")), json.loads(metadata(commit, "docker.manifest"))
    tree = f"--tree=ref={commit}"
    for number in range(count):
        name = f"localhost:5000/made-up-{number:04}:latest"
        if (REPOSITORY / "refs/heads" / ref_of(name)).exists():
            continue
        config = "sha256:" + hashlib.sha256(name.encode()).hexdigest()
        manifest["config"]["digest"] = config
        text = json.dumps(manifest)
        digest = "sha256:" + hashlib.sha256(text.encode()).hexdigest()
        own = json.dumps(dict(info, config=config, digest=digest, name=name))
        ostree("commit", "--fsync=0", f"--branch={ref_of(name)}", tree, f"--add-metadata-string=docker.manifest={text}",
               f"--add-metadata-string=docker.digest={digest}", f"--add-metadata-string=sysconsd.image={own}")


def make_containers(model, count):
    live = os.readlink(CHECKOUT / model)
    info = json.loads((CHECKOUT / live / "info").read_text())
    for number in range(count):
        name = f"made-up-{number:04}"
        folder = CHECKOUT / f"{name}.0"
        if folder.exists():
            continue
        folder.mkdir()
        shutil.copy(CHECKOUT / live / "config.json", folder)
        (folder / "info").write_text(json.dumps(dict(info, image=f"localhost:5000/{name}:latest")))
        (UNITS / f"{name}.service").write_text("[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n")
        os.symlink(f"{name}.0", CHECKOUT / name)
    subprocess.run(["systemctl", "daemon-reload"], check=True)
    subprocess.run(["systemctl", "start", *(f"made-up-{number:04}.service" for number in range(count))], check=True)


make_images(sys.argv[2], int(sys.argv[3]))
make_containers(sys.argv[1], int(sys.argv[3]))
