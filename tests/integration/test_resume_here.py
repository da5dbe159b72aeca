# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pulls of what is on this host, whose worker is killed: nothing half is left, and the next one imports no layer again. test_resume.py has the registries."""

import subprocess
from pathlib import Path

import hostile
import pytest
import standin
from bed import CHECKOUT
from ocilayout import Layout
from test_resume import REPO, STAGING, kill_in_mid_layer, layers_here, names, noise, not_written_again, start, whole

NAME = "killed.test/image:1"
OTHER = "/var/lib/containers/killed-other"
PLACE = "/var/tmp/killed"
FAILPOINT = "/run/sysconsd/failpoint"
LAYERS = 4
LARGE = 9_000_000  # a layer of less than 8 MiB would be kept from the first time
SOURCES = {
    "docker-archive": ["--name", NAME, f"docker-archive:{PLACE}/docker.tar"],
    "oci-archive": ["--name", NAME, f"oci-archive:{PLACE}/oci.tar"],
    "oci-layout": ["--name", NAME, f"oci-layout:{PLACE}/images"],
    "engine": [f"docker:{NAME}"],
    "ostree": [f"ostree:{NAME}@{OTHER}"],
}
# Of one image. With a file PLACE/stall it falls silent behind so many bytes, from the second time on: the first time it is only asked what there is.
ENGINE = f"""
sent = []
def answer(handler):
    if handler.path.endswith("/json"):
        return handler.wfile.write(b"{{}}")
    data = open("{PLACE}/docker.tar", "rb").read()
    sent.append(1)
    stalls = len(sent) > 1 and os.path.exists("{PLACE}/stall")
    handler.wfile.write(data[:int(open("{PLACE}/stall").read())] if stalls else data)
    handler.wfile.flush()
    if stalls:
        threading.Event().wait()
"""


@pytest.fixture(scope="module")
def files(session_bed, tmp_path_factory):
    bed, top = session_bed, tmp_path_factory.mktemp("killed")
    layout = Layout(str(top / "images"))
    small = [[hostile.entry(f"d{i}/s{j}", noise(1000 * i + j, 700)) for j in range(600)] for i in range(LAYERS)]
    hostile.add(layout, "killed", *(hostile.plain(hostile.entry(f"f{i}", noise(i, LARGE)), *small[i]) for i in range(LAYERS)))
    layout.finish()
    skopeo = ["skopeo", "--insecure-policy", "copy", "-q", f"oci:{top}/images:killed"]
    subprocess.run([*skopeo, f"docker-archive:{top}/docker.tar:{NAME}"], check=True)
    subprocess.run([*skopeo, f"oci-archive:{top}/oci.tar:killed"], check=True)
    place = Path(f"/proc/{bed.pid()}/root{PLACE}")
    subprocess.run(["cp", "-r", top, place], check=True)
    bed.run(["chmod", "-R", "a+rX", PLACE])
    bed.sysconsctl("pull", *SOURCES["docker-archive"])
    bed.run(f"""set -e; rm -rf {OTHER}; ostree init --repo={OTHER} --mode=bare
        ostree pull-local --repo={OTHER} {REPO} $(ostree refs --repo={REPO} | grep -E '^ociimage/([0-9a-f]{{64}}|killed.test.*)$')""", timeout=100)
    yield bed
    bed.run(f"rm -rf {PLACE} {OTHER} {CHECKOUT}/.storage")


@pytest.fixture
def clean(files):
    files.run(f"rm -rf {CHECKOUT}/.storage")
    files.write("/etc/sysconsd.conf.d/60-killed.conf", "[Pull]\nParallelLayers=1\n")
    yield files
    files.run(f"rm -rf {FAILPOINT} /etc/sysconsd.conf.d/60-killed.conf {CHECKOUT}/.storage")


@pytest.fixture
def engine(clean):
    with standin.engine(clean, ENGINE):
        yield clean


def pulled_layers(result):
    return [line.split()[-1] for line in result.stdout.splitlines() if line.startswith("Pulling layer ")]


def kill_and_go_on(bed, source, point):
    """Returns the layers that were here before the second pull, and those that it fetched."""
    bed.run(f"rm -rf {CHECKOUT}/.storage")
    bed.write(FAILPOINT, f"{point} kill\n")
    result = bed.sysconsctl("pull", *SOURCES[source], check=False)
    assert result.returncode == 1, f"{point}: {result.stdout}{result.stderr}"
    assert not bed.exists(FAILPOINT), f"{source} does not come to {point}"
    assert (NAME in names(bed)) == (point == "pull-intent-gone")
    # until somebody pulls again prune leaves alone what was fetched
    bed.sysconsctl("prune")
    here = layers_here(bed)
    again = pulled_layers(bed.sysconsctl("pull", *SOURCES[source]))
    whole(bed, NAME)
    return here, again


@pytest.mark.parametrize("source", SOURCES)
def test_killed_worker(clean, source, request):
    if source == "engine":
        request.getfixturevalue("engine")
    # the point is passed once a layer, after its import
    here, again = kill_and_go_on(clean, source, "pull-layer#2")
    assert len(here) == 2 and len(again) == LAYERS - 2 and here.isdisjoint(again)
    for point in ("pull-publish", "pull-intent-gone"):
        here, again = kill_and_go_on(clean, source, point)
        assert len(here) >= LAYERS and again == []
    assert clean.output(f"ls -d {STAGING} 2>/dev/null || true") == ""


def test_killed_in_the_middle_of_a_layer(engine):
    """The engine falls silent; what had come of the layer is not written again."""
    bed = engine
    bed.write(f"{PLACE}/stall", str(LARGE + 700_000))
    left = kill_in_mid_layer(bed, start(bed, *SOURCES["engine"]))
    assert NAME not in names(bed)
    bed.run(["rm", f"{PLACE}/stall"])
    bed.sysconsctl("pull", *SOURCES["engine"])
    assert not_written_again(bed, left)
    whole(bed, NAME)
