# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pulls from a registry that is broken on purpose: a clear error, no image, nothing lost that the next pull can use."""

import json
import subprocess
import time

import pytest
from bed import CHECKOUT, TESTBED, TESTS, wait_until
from sysconsbus import Monitor

PORT = 5001
PATIENCE = "/etc/sysconsd.conf.d/50-test.conf"
REPO = f"--repo={CHECKOUT}/.storage/ostree"


@pytest.fixture(scope="module")
def registry(session_bed):
    """tests/unit/registry-server.py in the network of the test bed."""
    command = [TESTBED, "net", session_bed.name, str(TESTS / "unit" / "registry-server.py"), "--port", str(PORT), "--until-eof"]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdout.readline().strip() == str(PORT)
    yield f"localhost:{PORT}"
    server.stdin.close()
    server.wait(20)
    session_bed.run(["rm", "-f", PATIENCE])


def be_patient(bed, stall_timeout=10, attempts=4):
    """A busy machine may be silent for seconds; what stalls on purpose is waited out sooner."""
    bed.write(PATIENCE, f"[Pull]\nStallTimeout={stall_timeout}\nAttempts={attempts}\n")


def images(bed):
    return [name for image in json.loads(bed.sysconsctl("images", "--json").stdout) for name in image["names"]]


@pytest.mark.parametrize("fault,text", [
    ("wrong-digest", "digest"),
    ("wrong-manifest", ""),
    ("truncated", ""),
    ("stall", ""),
    ("stall-headers", ""),
    ("lying-length", "bytes"),
    ("extra-bytes", ""),
    ("html-for-json", ""),
    ("huge-manifest", ""),
    ("403", "403"),
    ("404", "not found"),
    ("missing-blob", ""),
    ("500", "500"),
    ("401-basic", ""),
    ("401-always", ""),
    ("401-huge-token", ""),
    ("401-bad-token", ""),
    ("redirect-loop", "redirect"),
    ("reset", "tried 2 times"),
    ("trickle", "bytes a second"),
    ("endless-continue", "without an end"),
    ("html-token", "json"),
    ("429-in-an-hour", "3600 s"),
])
def test_broken_registry(bed, registry, fault, text):
    bed.run(f"rm -rf {CHECKOUT}/.storage")
    # too few bytes in twice the time of a stall, and never none in all of it
    be_patient(bed, *((5, 1) if fault == "trickle" else (1, 2) if "stall" in fault else (10, 2)))
    start = time.monotonic()
    result = bed.sysconsctl("pull", f"{registry}/{fault}/x", check=False, timeout=150)
    assert result.returncode in (1, 3)
    assert f"{registry}/{fault}/x" in result.stderr and text in result.stderr.lower() and "Traceback" not in result.stderr
    assert time.monotonic() - start < 120
    assert not [name for name in images(bed) if fault in name]
    bed.run(f"test ! -e {CHECKOUT}/.storage || ostree fsck {REPO} -q")
    be_patient(bed)
    # the honest registry has the same blobs: nothing is in the way
    assert bed.sysconsctl("pull", f"{registry}/honest").returncode == 0


@pytest.mark.parametrize("fault", ["cut-once", "stall-once", "refuse-range", "500-then-ok", "429-retry-after", "401-token",
                                   "said-gzip", "reset-once", "500-every-third", "unsatisfiable-range", "429-token"])
def test_trouble_that_passes(bed, registry, fault):
    bed.run(f"rm -rf {CHECKOUT}/.storage")
    be_patient(bed, stall_timeout=1 if fault == "stall-once" else 10)
    bed.sysconsctl("pull", f"{registry}/{fault}/x", timeout=120)
    assert f"{registry}/{fault}/x:latest" in images(bed)
    bed.run(["ostree", "fsck", REPO, "-q"])


def test_prune_takes_what_a_broken_pull_left(bed, registry):
    bed.run(f"rm -rf {CHECKOUT}/.storage")
    be_patient(bed, attempts=2)
    assert bed.sysconsctl("pull", f"{registry}/truncated/x", check=False, timeout=100).returncode == 1
    left = f"find {CHECKOUT}/.storage/ostree/extensions/sysconsd -name 'staging-*'"
    assert bed.output(left)  # the next pull would use it
    bed.sysconsctl("prune")
    assert bed.output(left) == ""


def test_credentials_stay_at_home(bed, registry):
    """The registry sends for blobs to another host, which refuses who brings a token along."""
    place = registry.replace("localhost", "127.0.0.1") + "/redirect-other-host/x"
    bed.sysconsctl("pull", place)
    assert f"{place}:latest" in images(bed)


@pytest.mark.parametrize("then", ["stall", "close"])
def test_half_a_handshake(bed, registry, then):
    command = [TESTBED, "net", bed.name, str(TESTS / "unit" / "registry-server.py"), "--half-handshake", then, "--until-eof"]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    place = f"localhost:{server.stdout.readline().strip()}"
    be_patient(bed, stall_timeout=1, attempts=2)
    start = time.monotonic()
    result = bed.sysconsctl("pull", f"{place}/x", check=False, timeout=100)
    server.stdin.close()
    server.wait(20)
    assert result.returncode == 1 and place in result.stderr and time.monotonic() - start < 60


def test_nobody_there(bed):
    result = bed.sysconsctl("pull", "localhost:5999/x", check=False, timeout=60)
    assert result.returncode == 1 and "localhost:5999" in result.stderr and "refused" in result.stderr.lower()
    result = bed.sysconsctl("pull", "busybox", check=False)
    assert result.returncode != 0 and "registry" in result.stderr


def test_http_elsewhere_needs_saying_so(bed):
    """A registry that is not on loopback is spoken to by TLS only."""
    bed.run(["ip", "addr", "add", "192.0.2.1/32", "dev", "lo"])
    try:
        bed.run("sed -i 's/127.0.0.1:5000/:5000/' /etc/docker/registry/config.yml && systemctl restart docker-registry")
        bed.wait_http(5000, "/v2/")
        result = bed.sysconsctl("pull", "192.0.2.1:5000/hello", check=False, timeout=150)
        assert result.returncode == 1 and "TLS" in result.stderr
        assert "192.0.2.1:5000/hello:latest" not in images(bed)
        bed.sysconsctl("pull", "http:192.0.2.1:5000/hello")
        assert "192.0.2.1:5000/hello:latest" in images(bed)
    finally:
        bed.run("ip addr del 192.0.2.1/32 dev lo; sed -i 's/addr: \":5000\"/addr: \"127.0.0.1:5000\"/' /etc/docker/registry/config.yml; "
                "systemctl restart docker-registry")
        bed.wait_http(5000, "/v2/")


def test_cancel(bed, registry):
    bed.run(f"rm -rf {CHECKOUT}/.storage")
    be_patient(bed, stall_timeout=60)
    number = bed.sysconsctl("pull", "--no-wait", "--json", f"{registry}/stall/x")
    number = str(json.loads(number.stdout)["job"]).rsplit("/", 1)[-1]
    wait_until(lambda: [job for job in json.loads(bed.sysconsctl("jobs", "--json").stdout) if job["state"] == "running"])
    bed.sysconsctl("cancel", number)
    wait_until(lambda: json.loads(bed.sysconsctl("show", "--type=job", "--json", number).stdout)["state"] == "cancelled")
    wait_until(lambda: bed.output("systemctl list-units --no-legend --plain 'sysconsd-job-*'") == "")
    be_patient(bed)
    bed.sysconsctl("pull", f"{registry}/honest")


LISTENS_LATE = """
import json, socket, subprocess, sys, time
ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
its.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)  # full soon
request = {"type": "request", "job": 1, "operation": "pull", "subject": "localhost:5000/etcd", "options": {}}
ours.send(json.dumps(request).encode())
worker = subprocess.Popen(["/usr/libexec/sysconsd-worker"], stdin=its, stderr=subprocess.DEVNULL)
its.close()
command = ["journalctl", "--output=cat", f"--after-cursor={sys.argv[1]}"]
while "does not listen" not in subprocess.check_output(command, text=True):  # for 30 s
    assert worker.poll() is None
    time.sleep(1)
while (packet := ours.recv(1 << 20)):
    last = json.loads(packet)
print(last["type"])
"""


def test_daemon_that_does_not_listen_for_long(bed):
    """How it ended is said to it all the same."""
    bed.run(f"rm -rf {CHECKOUT}/.storage")
    size = sum(int(size) for size in bed.output(["sh", "-c", "curl -s -H 'Accept: application/vnd.oci.image.manifest.v1+json' "
                                                  f"localhost:5000/v2/etcd/manifests/latest | jq '.layers[].size'"]).split())
    bed.write(PATIENCE, f"[Pull]\nBandwidthLimit={size // 40}\n")
    try:
        assert bed.run(["python3", "-", bed.cursor()], stdin=LISTENS_LATE, timeout=200).stdout == "result\n"
    finally:
        bed.run(["rm", "-f", PATIENCE])


def test_progress_is_told(bed):
    """A listener on the bus sees bytes counted up to the total."""
    bed.run(f"rm -rf {CHECKOUT}/.storage")
    monitor = Monitor(bed)
    bed.sysconsctl("pull", "localhost:5000/etcd")
    monitor.catch_up()
    monitor.stop()
    seen = []
    for message in monitor.messages():
        if message.get("member") != "PropertiesChanged" or not message["path"].startswith("/org/sysconsd1/job/"):
            continue
        data = message["payload"]["data"][1]
        if "Done" in data and "Total" in data:
            seen.append((data.get("Phase", {}).get("data"), data["Done"]["data"], data["Total"]["data"]))
    totals = [total for _, _, total in seen if total > 1_000_000]
    assert totals, seen
    pulling = [done for _, done, total in seen if total == totals[0]]
    assert pulling == sorted(pulling) and pulling[-1] == totals[0]
