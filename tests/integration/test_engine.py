# SPDX-License-Identifier: LGPL-2.1-or-later
"""Images of an engine on this host, over its socket, and of podman's storage, through skopeo."""

import pytest
import standin
from bed import wait_until
from sysconsbus import Refused, container, get, install, objects, pull, state, verb, wait_done, wait_over

NAME = "engine.test/hello:1"  # of no registry that there is


def error_of(bed, job):
    assert wait_over(bed, job) == "failed"
    return " ".join(get(bed, job, "Job", "Error"))


def find(bed, name=NAME):
    images = [interfaces["Image"] for interfaces in objects(bed).values() if "Image" in interfaces]
    return next((image for image in images if name in image["Names"]), None)


def give_name(bed, version, name=NAME):
    bed.run(["podman", "tag", f"localhost:5000/hello:{version}", name])


@pytest.fixture(scope="module")
def storage(session_bed):
    bed = session_bed
    bed.start_registry()
    bed.run("for v in 1 2; do podman pull -q --tls-verify=false localhost:5000/hello:$v; done", timeout=100)
    yield bed
    bed.run("podman rmi --all --force; rm -rf /var/lib/containers/storage 2>/dev/null; true")


@pytest.fixture
def engine(bed, storage):
    bed.run(["systemd-run", "-q", "--unit=engine", "--collect", "podman", "system", "service", "--time=0", "unix:///run/docker.sock"])
    wait_until(lambda: bed.exists("/run/docker.sock"))
    give_name(bed, 1)
    yield bed
    bed.run("systemctl stop engine; rm -f /run/docker.sock")
    bed.sysconsctl("delete-image", "--force", NAME, check=False)


def test_from_an_engine(engine):
    bed = engine
    cursor = bed.cursor()
    bed.sysconsctl("pull", f"docker:{NAME}")
    first = find(bed)
    assert first["Sources"][NAME] == "engine" and first["Id"] in bed.output("podman images -q --no-trunc")
    assert "sysconsd-skopeo" not in bed.journal(after=cursor)
    again = bed.sysconsctl("pull", f"docker-daemon:{NAME}")
    assert "Pulling layer" not in again.stdout
    assert find(bed)["Digests"][NAME] == first["Digests"][NAME]  # made here, and the same each time
    # it is an image as any other
    bed.sysconsctl("install", "--start", "--set", "PORT=8082", "--name", "hello", NAME)
    bed.wait_http(8082)
    # and its updates come from there
    give_name(bed, 2)
    bed.polkit_rules('polkit.addRule(function(action, subject) { if (subject.user == "alice" && '
                     '(action.id == "org.sysconsd1.update" || action.id == "org.sysconsd1.pull")) return polkit.Result.YES; });\n')
    with pytest.raises(Refused, match="org.sysconsd1.import"):
        verb(bed, container("hello"), "Container", "Update", user="alice")
    wait_done(bed, verb(bed, container("hello"), "Container", "Update"))
    assert get(bed, container("hello"), "Container", "ImageId") == find(bed)["Id"] != first["Id"]
    bed.sysconsctl("verify", NAME)


def test_what_an_engine_does_not_have(engine):
    bed = engine
    assert "not found" in error_of(bed, pull(bed, "docker:engine.test/none"))
    bed.systemctl("stop", "engine")
    bed.run("rm -f /run/docker.sock")
    assert "EngineSocket=" in error_of(bed, pull(bed, f"docker:{NAME}"))


HANGS_OR_LIES = """
def answer(handler):
    if "hang" in handler.path and handler.path.endswith("/get"):
        threading.Event().wait()
    handler.wfile.write(b"{}" if handler.path.endswith("/json") else os.urandom(100000))
"""


def test_engine_that_hangs_or_lies(bed):
    """What answers at the socket is not an engine: it ends, and can be cancelled."""
    with standin.engine(bed, HANGS_OR_LIES):
        assert "tar" in error_of(bed, pull(bed, "docker:engine.test/lies"))
        job = pull(bed, "docker:engine.test/hang")
        wait_until(lambda: state(bed, job) == "running" and get(bed, job, "Job", "Phase") == "Resolving")
        verb(bed, job, "Job", "Cancel")
        assert wait_over(bed, job) == "cancelled"


def test_from_the_storage_of_podman(bed, storage):
    give_name(bed, 2)
    try:
        bed.sysconsctl("pull", f"containers-storage:{NAME}")
        image = find(bed)
        assert image["Sources"][NAME] == "storage" and image["Id"] in bed.output("podman images -q --no-trunc")
        wait_done(bed, install(bed, NAME, {"name": "stored", "values": {"PORT": "8083"}}))
        message = error_of(bed, pull(bed, "containers-storage:engine.test/none"))
        assert message.startswith("org.sysconsd1.Error.NotFound")
        assert "Image containers-storage:engine.test/none:latest not found" in message
        assert bed.sysconsctl("pull", "containers-storage:engine.test/none", check=False).returncode == 3
        assert bed.output("systemctl list-units --all --plain --no-legend 'sysconsd-skopeo-*'") == ""
        bed.run(["mv", "/usr/bin/skopeo", "/usr/bin/skopeo.away"])
        assert "not installed" in error_of(bed, pull(bed, f"containers-storage:{NAME}"))
    finally:
        bed.run("test ! -e /usr/bin/skopeo.away || mv /usr/bin/skopeo.away /usr/bin/skopeo")
        bed.sysconsctl("uninstall", "stored", check=False)
        bed.sysconsctl("delete-image", "--force", NAME, check=False)


def test_from_another_repository(bed):
    """Without its tar a layer's digest proves nothing: the files come under digests of their own."""
    name, other = "ostree.test/hello:1", "/var/lib/containers/other"
    bed.push("other:1=hello:1")
    bed.sysconsctl("pull", "localhost:5000/other:1")
    theirs = find(bed, "localhost:5000/other:1")
    repository = get(bed, "/org/sysconsd1", "Manager", "Repository")
    # as another host of ours, or one of the atomic command, would have it
    bed.run(f"""set -e; rm -rf {other}; ostree init --repo={other} --mode=bare
        ostree pull-local --repo={other} {repository} $(ostree refs --repo={repository} | grep -E '^ociimage/([0-9a-f]{{64}}|localhost_3A5000_2Fother_3A1)$')
        ostree refs --repo={other} --create=ociimage/ostree.test_2Fhello_3A1 ociimage/localhost_3A5000_2Fother_3A1""", timeout=100)
    try:
        bed.polkit_rules('polkit.addRule(function(action, subject) { if (subject.user == "alice" && action.id == "org.sysconsd1.import") '
                         'return polkit.Result.YES; });\n')
        with pytest.raises(Refused, match="org.sysconsd1.configure"):  # a path is what root means by it
            pull(bed, f"ostree:{name}@{other}", user="alice")
        with pytest.raises(Refused, match="replace"):
            pull(bed, f"ostree:localhost:5000/other:1@{other}")
        wait_done(bed, pull(bed, f"ostree:{name}@{other}"))
        ours = find(bed, name)
        assert ours["Sources"][name] == "ostree" and ours["Labels"] == theirs["Labels"]
        assert ours["Id"] != theirs["Id"] and not set(ours["Layers"]) & set(theirs["Layers"])
        wait_done(bed, pull(bed, f"ostree:{name}@{other}"))
        assert find(bed, name)["Digest"] == ours["Digest"]
        wait_done(bed, install(bed, name, {"name": "elsewhere", "values": {"PORT": "8084"}, "start": "now"}))
        bed.wait_http(8084)
        for theirs_layer, ours_layer in zip(theirs["Layers"], ours["Layers"]):  # the same objects, with owners and modes
            files = [bed.output(["ostree", "ls", "-R", "-C", f"--repo={repository}", f"ociimage/{layer.removeprefix('sha256:')}"])
                     for layer in (theirs_layer, ours_layer)]
            assert files[0] == files[1]
        # what is not there, or damaged
        assert "not found" in error_of(bed, pull(bed, f"ostree:ostree.test/none@{other}"))
        assert "repository" in error_of(bed, pull(bed, f"ostree:{name}@/srv"))
        bed.run(f"mkdir /run/plain && ostree commit --repo={other} --branch=ociimage/ostree.test_2Fplain_3A1 /run/plain && rmdir /run/plain")
        assert "not that of an image" in error_of(bed, pull(bed, f"ostree:ostree.test/plain:1@{other}"))
        # its objects are hardlinks to ours: another file, not other contents
        layer = theirs["Layers"][0].removeprefix("sha256:")
        bed.run(f"""set -e; sum=$(ostree ls -C --repo={other} ociimage/{layer} /bin/busybox | awk '{{print $5}}')
            file={other}/objects/$(echo $sum | cut -c1-2)/$(echo $sum | cut -c3-).file
            cp -a $file {other}/damaged; printf x | dd of={other}/damaged conv=notrunc status=none; mv {other}/damaged $file""")
        assert "damaged" in error_of(bed, pull(bed, f"ostree:{name}@{other}"))
        bed.run(["ostree", "refs", f"--repo={other}", "--delete", f"ociimage/{layer}"])
        assert f"lacks ociimage/{layer}" in error_of(bed, pull(bed, f"ostree:{name}@{other}"))
        for bad in (f"ostree:{name}", f"ostree:{name}@other", f"ostree:{name}@/a/../b"):
            with pytest.raises(Refused, match="PATH"):
                pull(bed, bad)
    finally:
        bed.run(f"rm -rf {other}")
        bed.sysconsctl("uninstall", "elsewhere", check=False)
        bed.sysconsctl("delete-image", "--force", name, check=False)
