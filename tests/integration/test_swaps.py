# SPDX-License-Identifier: LGPL-2.1-or-later
"""Files and folders that become symbolic links while a worker is between two steps: it goes on with what it had opened, replaces the link, or
fails. What the link leads to stays as it was, and is not taken for what was there."""

import json

import pytest
from bed import CHECKOUT, wait_until
from derived import Derived
from hostile import entry, folder, plain
from sysconsbus import container, install, pull, verb, wait_done, wait_over

HELLO = "localhost:5000/hello"
ETCD = "localhost:5000/etcd"
DECOY, FAILPOINT, REPOSITORY = "/srv/decoy", "/run/sysconsd/failpoint", f"{CHECKOUT}/.storage/ostree"
SLOT, UNIT, TMPFILES, LIVE = f"{CHECKOUT}/victim.0", "/etc/systemd/system/victim.service", "/etc/tmpfiles.d/victim.conf", f"{CHECKOUT}/victim"
HOST_FILE = "/etc/etcd/etcd.conf"


@pytest.fixture
def decoy(bed):
    """A deployment of somebody else's making, with a unit, tmpfiles and host files in it, and a file."""
    wait_done(bed, pull(bed, ETCD))
    wait_done(bed, install(bed, ETCD, {"name": "model"}))
    # not the whole root file system, which takes its time
    bed.run(f"mkdir -p {DECOY}/rootfs && cd {CHECKOUT}/model.0 && cp -a info config.json model.service tmpfiles-model.conf {DECOY}/ && "
            f"cp -a rootfs/exports {DECOY}/rootfs/ && cd {DECOY} && echo secret >file && mv model.service victim.service && "
            "sed -i 's/^Description=.*/Description=evil/' victim.service && mv tmpfiles-model.conf tmpfiles-victim.conf && "
            f"echo evil >>rootfs/exports/hostfs{HOST_FILE} && mkdir ociimage objects")
    bed.sysconsctl("uninstall", "model")
    yield bed
    bed.run(f"rm -rf {DECOY} {FAILPOINT} {FAILPOINT}.go")


def look(bed):
    return bed.output(f"cd {DECOY} && find . -printf '%p %y %m %U %G %l %s %T@\\n' | sort && find . -type f -exec sha256sum {{}} + | sort")


def pause(bed, name, start):
    """The job that start() gives, and waits at the failpoint."""
    cursor = bed.cursor()
    bed.run(f"rm -f {FAILPOINT}.go")
    bed.write(FAILPOINT, f"{name} wait\n")
    job = start()
    wait_until(lambda: f"failpoint {name}: wait" in bed.journal(after=cursor))
    return job


def go_on(bed, job):
    bed.run(f"rm -f {FAILPOINT}; : >{FAILPOINT}.go")
    state = wait_over(bed, job, 90)
    # the recovery of what it left, too: it works on what is put back then
    wait_until(lambda: not [job for job in json.loads(bed.sysconsctl("jobs", "--json").stdout) if job["state"] in ("queued", "running", "cancelling")], 90)
    return state


def swap(bed, path, target):
    bed.run(f"if [ -e {path} ] || [ -L {path} ]; then mv -T {path} /srv/away; fi; ln -sT {target} {path}")


def swap_back(bed, path):
    """What the worker has put there stays."""
    bed.run(f"if [ -L {path} ] && [ $(readlink {path} | cut -c1-10) = {DECOY} ]; then rm {path}; fi; "
            f"if [ -e /srv/away ] || [ -L /srv/away ]; then if [ -e {path} ] || [ -L {path} ]; then rm -rf /srv/away; else mv -T /srv/away {path}; fi; fi")


@pytest.mark.parametrize("step,path,target", [
    ("place", "hidden", DECOY),
    ("host-files", SLOT, DECOY),
    ("unit-file", SLOT, DECOY),
    ("unit-file", UNIT, f"{DECOY}/file"),
    ("tmpfiles-file", TMPFILES, f"{DECOY}/file"),
    ("make-live", LIVE, DECOY),
    ("tmpfiles", SLOT, DECOY),
])
def test_install(decoy, step, path, target):
    bed = decoy
    before = look(bed)
    job = pause(bed, step, lambda: install(bed, ETCD, {"name": "victim"}))
    if path == "hidden":
        path = bed.output(f"echo {CHECKOUT}/.victim.0.*")
    swap(bed, path, target)
    state = go_on(bed, job)
    assert look(bed) == before, state
    unit = bed.run(["cat", UNIT], check=False).stdout
    assert "evil" not in unit and "secret" not in unit
    assert "evil" not in bed.run(["cat", HOST_FILE], check=False).stdout
    swap_back(bed, path)
    bed.sysconsctl("uninstall", "victim", check=False)
    bed.remove_by_hand("victim")
    bed.run(f"rm -rf {CHECKOUT}/.victim.* {HOST_FILE} /usr/local/bin/etcdctl")
    assert look(bed) == before


@pytest.mark.parametrize("step,path,target", [
    ("remove-tmpfiles", TMPFILES, f"{DECOY}/file"),
    ("remove-unit-file", UNIT, f"{DECOY}/file"),
    ("remove-host-files", HOST_FILE, f"{DECOY}/file"),
    ("remove-link", LIVE, DECOY),
    ("remove-slots", SLOT, DECOY),
])
def test_uninstall(decoy, step, path, target):
    bed = decoy
    wait_done(bed, install(bed, ETCD, {"name": "victim"}))
    before = look(bed)
    job = pause(bed, step, lambda: verb(bed, container("victim"), "Container", "Uninstall"))
    swap(bed, path, target)
    state = go_on(bed, job)
    assert look(bed) == before, state
    bed.run(f"rm -rf /srv/away; if [ -L {path} ]; then rm {path}; fi")
    bed.remove_by_hand("victim")
    bed.run(f"rm -f {HOST_FILE} /usr/local/bin/etcdctl")


@pytest.mark.parametrize("path", [f"{REPOSITORY}/refs/heads/ociimage", f"{REPOSITORY}/objects"])
def test_pull(decoy, path):
    bed = decoy
    bed.sysconsctl("delete-image", "--force", f"{HELLO}:2", check=False)
    before = look(bed)
    job = pause(bed, "pull-publish", lambda: pull(bed, f"{HELLO}:2"))
    swap(bed, path, f"{DECOY}/{path.rsplit('/', 1)[1]}")
    try:
        state = go_on(bed, job)
        assert look(bed) == before, state
    finally:
        bed.run(f"rm {path} && mv -T /srv/away {path}")
    wait_done(bed, pull(bed, f"{HELLO}:2"))
    bed.sysconsctl("delete-image", f"{HELLO}:2")


RACER = """
import ctypes, sys
libc = ctypes.CDLL(None)
while True:
    libc.renameat2(-100, b"/srv/alice/shared/sub", -100, b"/srv/alice/shared/link", 2)
"""


def test_racer_in_a_folder_of_hers(bed, tmp_path):
    """An image puts a file into a folder of alice's, in which a folder is a link to another every second moment."""
    images = Derived(tmp_path)
    images.add_packed("racy:1", "hello:1", [plain(*(folder(f"exports/hostfs{path}") for path in ("", "/srv", "/srv/alice", "/srv/alice/shared",
                                                                                                 "/srv/alice/shared/sub")),
                                                  entry("exports/hostfs/srv/alice/shared/sub/10-racy.conf", "[Service]\n"))])
    images.finish()
    images.push(bed, "racy:1")
    wait_done(bed, pull(bed, "localhost:5000/racy:1"))
    bed.run("install -d -o alice -g alice /srv/alice /srv/alice/shared /srv/alice/shared/sub; mkdir /etc/target; "
            "ln -s /etc/target /srv/alice/shared/link; chown -h alice /srv/alice/shared/link")
    bed.write("/srv/racer.py", RACER)
    bed.run("systemd-run -q --unit=racer --uid=alice python3 /srv/racer.py")
    ends = set()
    try:
        for _ in range(6):
            ends.add(bed.sysconsctl("install", "--name=racy", "--set=PORT=8085", "localhost:5000/racy:1", check=False).returncode)
            bed.sysconsctl("uninstall", "racy", check=False)
            assert bed.output("ls -A /etc/target") == "" and bed.is_active("racer")
    finally:
        bed.run("systemctl stop racer; rm -rf /srv/alice /etc/target /srv/racer.py")
        bed.sysconsctl("delete-image", "--force", "localhost:5000/racy:1", check=False)
    assert ends <= {0, 1}
