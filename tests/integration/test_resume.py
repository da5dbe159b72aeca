# SPDX-License-Identifier: LGPL-2.1-or-later
"""A pull that is killed goes on where it was: what was imported is never fetched again, and within one boot nothing is written twice."""

import json
import random
import subprocess
from contextlib import contextmanager

import hostile
import pytest
from bed import CHECKOUT, TESTBED, TESTS, wait_until
from ocilayout import Layout

PORT = 5004
NAME = f"localhost:{PORT}/images:layers"
HALF = f"localhost:{PORT}/stall-once/images:half"
REPO = f"{CHECKOUT}/.storage/ostree"
STAGING = f"{REPO}/extensions/sysconsd/staging-*"
FAILPOINT = "/run/sysconsd/failpoint"
CONF = "/etc/sysconsd.conf.d/60-resume.conf"
LAYERS = 6


def noise(seed, size):
    return random.Random(seed).randbytes(size)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    top = tmp_path_factory.mktemp("resume")
    layout = Layout(str(top / "images"))
    hostile.add(layout, "layers", *(hostile.plain(hostile.entry(f"f{i}", noise(i, 500_000))) for i in range(LAYERS)))
    # The first half is in the 700,000 bytes that a stalling registry sends: a file that is too large for memory, symlinks, many small files.
    links = [hostile.symlink(f"l{i}", f"target-{i}") for i in range(20)]
    small = [hostile.entry(f"s{i}", noise(100 + i, 800)) for i in range(400)]
    hostile.add(layout, "half", hostile.gzipped(hostile.entry("large", b"large" * 2_000_000), *links, *small, hostile.entry("rest", noise(1, 900_000))))
    layout.finish()
    return top


@contextmanager
def registry(bed, top):
    """Where it is, and what it has served."""
    command = [TESTBED, "net", bed.name, str(TESTS / "unit" / "registry-server.py"), "--port", str(PORT), "--root", str(top), "--until-eof"]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdout.readline().strip() == str(PORT)
    try:
        yield lambda: {path.rsplit(":", 1)[1]: count for path, count in json.loads(bed.http(PORT, "/counters")).items() if "/blobs/" in path}
    finally:
        server.stdin.close()
        server.wait(20)


@pytest.fixture
def clean(session_bed):
    """No layer here, and pulls that take their time: one layer a second."""
    session_bed.run(f"rm -rf {CHECKOUT}/.storage")
    session_bed.write(CONF, "[Pull]\nParallelLayers=1\nBandwidthLimit=500K\n")
    yield session_bed
    session_bed.run(["rm", "-f", CONF])
    session_bed.run(f"rm -rf {CHECKOUT}/.storage")


def layers_here(bed):
    return set(bed.output(f"ls {REPO}/refs/heads/ociimage 2>/dev/null | grep -xE '[0-9a-f]{{64}}' || true").split())


def start(bed, *image):
    job = json.loads(bed.sysconsctl("pull", "--no-wait", "--json", *image).stdout)
    return str(job["job"]).rsplit("/", 1)[-1]


def kill_worker(bed, job):
    bed.systemctl("kill", "--signal=KILL", f"sysconsd-job-{job}.service")
    wait_until(lambda: json.loads(bed.sysconsctl("show", "--type=job", "--json", job).stdout)["state"] == "failed")


def has_layers(bed, count):
    wait_until(lambda: len(layers_here(bed)) >= count, 60)


@contextmanager
def held_at_third_layer(bed):
    """Whoever is slow to see two layers still finds the pull under way."""
    bed.write(FAILPOINT, "pull-layer#3 wait\n")
    try:
        yield
    finally:
        bed.run(["rm", "-f", FAILPOINT])


def names(bed):
    return [name for image in json.loads(bed.sysconsctl("images", "--json").stdout) for name in image["names"]]


def whole(bed, name):
    assert name in names(bed)
    bed.run(["ostree", "fsck", f"--repo={REPO}", "-q"])


def fast(bed):
    bed.write(CONF, "[Pull]\nParallelLayers=1\n")


def test_bandwidth(clean, images):
    """The whole takes as long as it has to."""
    with registry(clean, images):
        result = clean.run(f"start=$(date +%s%N); sysconsctl pull {NAME} >/dev/null && echo $((($(date +%s%N) - start) / 1000000))")
    assert int(result.stdout) > 0.9 * LAYERS * 500_000 / (500 * 1024) * 1000


def test_killed_worker(clean, images):
    bed = clean
    with registry(bed, images) as served:
        with held_at_third_layer(bed):
            job = start(bed, NAME)
            has_layers(bed, 2)
            kill_worker(bed, job)
        here = layers_here(bed)
        assert 2 <= len(here) < LAYERS
        before = served()
        fast(bed)
        bed.sysconsctl("pull", NAME)
        after = served()
    assert {layer: after[layer] for layer in here} == {layer: before[layer] for layer in here}
    assert all(after[layer][0] == 1 for layer in here)
    whole(bed, NAME)


def test_killed_daemon(clean, images):
    """The worker does not even notice; whoever asks again gets the same."""
    bed = clean
    with registry(bed, images) as served:
        start(bed, NAME)
        has_layers(bed, 1)
        bed.kill_daemon()
        bed.sysconsctl("pull", NAME, timeout=60)
        assert sorted(requests for requests, _ in served().values() if requests) == [1] * len(served())
    whole(bed, NAME)


def test_reboot(clean, images):
    bed = clean
    with registry(bed, images):
        with held_at_third_layer(bed):
            start(bed, NAME)
            has_layers(bed, 2)
            bed.crash()
    here = layers_here(bed)
    assert 2 <= len(here) < LAYERS
    fast(bed)
    with registry(bed, images) as served:
        bed.sysconsctl("pull", NAME)
        assert here.isdisjoint(served()) and len(served()) > 1
    whole(bed, NAME)
    assert bed.output(f"ls -d {STAGING} 2>/dev/null || true") == ""


def inodes(bed, folder):
    """Of objects: {name: inode}"""
    found = bed.output(f"cd {folder} && find . -mindepth 2 -name '*.file' -printf '%P %i\\n'")
    return dict(line.split() for line in found.splitlines())


def kill_in_mid_layer(bed, job):
    """When its source has fallen silent, and what had come is written. Returns the objects that are left."""
    seen = [0, 1]

    def settled():
        """what has come is written"""
        seen.append(int(bed.output(f"find {STAGING} -name '*.file' 2>/dev/null | wc -l")))
        return seen[-1] > 100 and seen[-1] == seen[-2] == seen[-3]
    wait_until(settled, interval=0.3)
    kill_worker(bed, job)
    left = inodes(bed, STAGING)
    assert len(left) > 100
    return left


def not_written_again(bed, left):
    now = inodes(bed, f"{REPO}/objects")
    return {name: now.get(name) for name in left} == left


def test_half_a_layer_is_not_written_twice(clean, images):
    """The registry falls silent in the middle of a layer; the worker is killed while it waits. The next one finds each file as it was left."""
    bed = clean
    fast(bed)
    with registry(bed, images) as served:
        left = kill_in_mid_layer(bed, start(bed, HALF))
        assert int(bed.output(f"find {STAGING} -name '*.file' -size +8M | wc -l")) == 1
        assert int(bed.output(f"find {STAGING} -name '*.file' -type l | wc -l")) > 0
        bed.sysconsctl("pull", HALF)
        assert max(requests for requests, _ in served().values()) == 2
    assert not_written_again(bed, left)
    whole(bed, HALF)
