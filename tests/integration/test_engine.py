# SPDX-License-Identifier: LGPL-2.1-or-later
"""Images of an engine on this host, over its socket, and of podman's storage, through skopeo."""

import pytest
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
    result = bed.sysconsctl("pull", f"docker:{NAME}")
    assert result.stdout.count("Pulling layer ") in (0, 2)  # layers are shared with what came from the registry uncompressed
    first = find(bed)
    assert first["Sources"] == {NAME: "engine"} and first["Id"] in bed.output("podman images -q --no-trunc")
    assert "sysconsd-skopeo" not in bed.journal(after=cursor)
    again = bed.sysconsctl("pull", f"docker-daemon:{NAME}")
    assert "Pulling layer" not in again.stdout
    assert find(bed)["Digest"] == first["Digest"]  # made here, and the same each time
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


def test_engine_that_hangs_or_lies(bed):
    """What answers at the socket is not an engine: it ends, and can be cancelled."""
    bed.write("/srv/engine.py", r"""
import http.server, os, socketserver, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    def address_string(self):
        return "local"
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        if "hang" in self.path and self.path.endswith("/get"):
            time.sleep(600)
        self.wfile.write(b"{}" if self.path.endswith("/json") else os.urandom(100000))
class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
Server("/run/docker.sock", Handler).serve_forever()
""")
    bed.run(["systemd-run", "-q", "--unit=engine", "--collect", "python3", "/srv/engine.py"])
    try:
        wait_until(lambda: bed.exists("/run/docker.sock"))
        assert "tar" in error_of(bed, pull(bed, "docker:engine.test/lies"))
        job = pull(bed, "docker:engine.test/hang")
        wait_until(lambda: state(bed, job) == "running" and get(bed, job, "Job", "Phase") == "Resolving")
        verb(bed, job, "Job", "Cancel")
        assert wait_over(bed, job) == "cancelled"
    finally:
        bed.run("systemctl stop engine; rm -f /run/docker.sock /srv/engine.py")


def test_from_the_storage_of_podman(bed, storage):
    give_name(bed, 2)
    try:
        bed.sysconsctl("pull", f"containers-storage:{NAME}")
        image = find(bed)
        assert image["Sources"] == {NAME: "storage"} and image["Id"] in bed.output("podman images -q --no-trunc")
        wait_done(bed, install(bed, NAME, {"name": "stored", "values": {"PORT": "8083"}}))
        message = error_of(bed, pull(bed, "containers-storage:engine.test/none"))
        assert "skopeo" in message and "engine.test/none" in message
        assert bed.output("systemctl list-units --all --plain --no-legend 'sysconsd-skopeo-*'") == ""
        bed.run(["mv", "/usr/bin/skopeo", "/usr/bin/skopeo.away"])
        assert "not installed" in error_of(bed, pull(bed, f"containers-storage:{NAME}"))
    finally:
        bed.run("test ! -e /usr/bin/skopeo.away || mv /usr/bin/skopeo.away /usr/bin/skopeo")
        bed.sysconsctl("uninstall", "stored", check=False)
        bed.sysconsctl("delete-image", "--force", NAME, check=False)
