# SPDX-License-Identifier: LGPL-2.1-or-later
"""Images: pulls that break off, names, damage and its repair, lists."""

import json
import re
import time

import pytest
from bed import CHECKOUT, wait_until

HELLO = "localhost:5000/hello"
ETCD = "localhost:5000/etcd"
REPO = f"{CHECKOUT}/.storage/ostree"
REFS = f"{REPO}/refs/heads/ociimage"
INTENTS = f"{REPO}/extensions/sysconsd/pull"
FAILPOINT = "/run/sysconsd/failpoint"


def images(bed):
    return json.loads(bed.sysconsctl("images", "--json").stdout)


def image(bed, name):
    return next(i for i in images(bed) if name in i["names"])


def names(bed):
    return sorted(name for i in images(bed) for name in i["names"])


def drop_images(bed):
    for each in names(bed):
        bed.sysconsctl("delete-image", "--force", each)
    bed.sysconsctl("prune")


def layer_refs(bed):
    """The refs of layers and configurations, by the disk."""
    return set(bed.output(f"ls {REFS} | grep -xE '[0-9a-f]{{64}}' || true").split())


def pulled_layers(output):
    return re.findall(r"^Pulling layer ([0-9a-f]{64})$", output, re.M)


@pytest.fixture
def clean(bed):
    """No image at all, before and after."""
    bed.sysconsctl("pull", HELLO)  # so that there is a repository
    drop_images(bed)
    assert layer_refs(bed) == set()
    yield bed
    bed.run(["rm", "-f", FAILPOINT])
    drop_images(bed)


# ---- pulls that break off


def test_prune_keeps_what_a_killed_pull_has_imported(clean):
    bed = clean
    bed.write(FAILPOINT, "pull-layer#2 kill\n")
    first = bed.sysconsctl("pull", ETCD, check=False)
    assert first.returncode == 1 and names(bed) == []
    there = layer_refs(bed)
    assert len(there) >= 2
    assert len(bed.output(["ls", INTENTS]).split()) == 1
    bed.sysconsctl("prune")
    assert layer_refs(bed) == there

    second = pulled_layers(bed.sysconsctl("pull", ETCD).stdout)
    assert second and there.isdisjoint(second)
    assert bed.output(["ls", INTENTS]) == ""
    assert set(layer_refs(bed)) == there | set(second) | {image(bed, ETCD + ":latest")["id"]}


def test_a_week_later_nobody_will_try_again(clean):
    bed = clean
    bed.write(FAILPOINT, "pull-layer#1 kill\n")
    bed.sysconsctl("pull", ETCD, check=False)
    assert layer_refs(bed)
    name = bed.output(["ls", INTENTS])
    record = json.loads(bed.read(f"{INTENTS}/{name}"))
    record["time"] -= 8 * 24 * 3600
    bed.write(f"{INTENTS}/{name}", json.dumps(record))
    bed.sysconsctl("prune")
    assert layer_refs(bed) == set() and bed.output(["ls", INTENTS]) == ""


@pytest.mark.parametrize("step", ["pull-config", "pull-publish", "pull-intent-gone"])
def test_pull_killed_at_its_end(clean, step):
    bed = clean
    bed.write(FAILPOINT, f"{step} kill\n")
    assert bed.sysconsctl("pull", HELLO, check=False).returncode == 1
    assert names(bed) == ([HELLO + ":latest"] if step == "pull-intent-gone" else [])
    bed.sysconsctl("prune")
    assert pulled_layers(bed.sysconsctl("pull", HELLO).stdout) == []
    assert names(bed) == [HELLO + ":latest"]
    bed.run(["ostree", "fsck", f"--repo={REPO}", "-q"])


def test_layers_that_filled_the_disk_are_in_nobodys_way(clean):
    bed = clean
    bed.write(FAILPOINT, "pull-layer#2 enospc\n")
    assert "No space" in bed.sysconsctl("pull", ETCD, check=False).stderr
    bed.run(["rm", "-f", FAILPOINT])
    bed.sysconsctl("prune")
    assert layer_refs(bed) == set()


def test_update_takes_what_its_own_pull_has_found(clean):
    """Somebody pulls a newer one before the second half of the update has begun."""
    bed = clean
    bed.sysconsctl("pull", HELLO)
    bed.sysconsctl("install", "--set=PORT=8082", "--start", HELLO)
    bed.push("hello:latest=hello:2")
    bed.run(["systemd-run", "-q", "--unit=holder", "flock", f"{CHECKOUT}/.sysconsd/lock/hello", "sleep", "infinity"])
    try:
        wait_until(lambda: bed.run(["flock", "-n", f"{CHECKOUT}/.sysconsd/lock/hello", "true"], check=False).returncode)
        job = json.loads(bed.sysconsctl("update", "--no-wait", "--json", "hello").stdout)
        wait_until(lambda: bed.is_active(f"sysconsd-job-{job['job']}.service"))
        found = image(bed, HELLO + ":latest")["id"]
        bed.push("hello:latest=hello:1")
        bed.sysconsctl("pull", HELLO)
        assert image(bed, HELLO + ":latest")["id"] != found
    finally:
        bed.systemctl("stop", "holder")
    bed.sysconsctl("wait", str(job["job"]))
    assert json.loads(bed.sysconsctl("show", "--json", "hello").stdout)["image_id"] == found
    assert "this is version 2" in bed.wait_http(8082)
