# SPDX-License-Identifier: LGPL-2.1-or-later
"""The daemon and its worker run by hand, outside of their sandboxes: there the leak sanitizer of a build with sanitizers can look at them."""

import json

import pytest
from bed import wait_until

HELLO = "localhost:5000/hello"


# What gcc 12's leak sanitizer says when it crashes itself because threads end while it looks. It says nothing about the program.
BLIND = "LeakSanitizer has encountered a fatal error"


def worker(bed, operation, subject, **options):
    request = json.dumps({"operation": operation, "subject": subject, "options": options})
    result = bed.run(["/usr/libexec/sysconsd-worker", "--request", request], check=False)
    if BLIND in result.stderr:
        result.returncode = 0 if "Failed:" not in result.stderr and "NotFound:" not in result.stderr else 1
    else:
        assert "Sanitizer" not in result.stderr, result.stderr
    return result


def test_worker(bed):
    steps = [("pull", HELLO, {}), ("install", HELLO, {"values": {"PORT": "8082"}, "start": "now"}), ("update", "hello", {"values": {"RECEIVER": "Mars"}}),
             ("rollback", "hello", {}), ("restart", "hello", {}), ("stop", "hello", {}), ("start", "hello", {}), ("recover", "hello", {}),
             ("uninstall", "hello", {}), ("delete-image", HELLO, {}), ("prune", "", {})]
    for operation, subject, options in steps:
        assert worker(bed, operation, subject, **options).returncode == 0, operation
    for operation, subject in (("pull", "localhost:5000/nothing"), ("install", "localhost:5000/nothing"), ("update", "nothing"), ("nonsense", "")):
        assert worker(bed, operation, subject).returncode == 1, operation


@pytest.fixture
def daemon_by_hand(bed):
    bed.systemctl("mask", "--runtime", "sysconsd")  # the bus must not start the other one meanwhile
    bed.systemctl("stop", "sysconsd")
    bed.run(["systemd-run", "-q", "--unit=by-hand", "-p", "Type=notify", "-p", "RuntimeDirectory=sysconsd", "-p", "RuntimeDirectoryPreserve=yes",
             "/usr/libexec/sysconsd"])
    yield bed
    bed.systemctl("stop", "by-hand", check=False)
    bed.systemctl("unmask", "--runtime", "sysconsd")


def test_daemon(daemon_by_hand):
    bed = daemon_by_hand
    bed.sysconsctl("pull", HELLO)
    bed.sysconsctl("install", "--start", "--set=PORT=8082", HELLO)
    for listing in ("list", "images", "jobs"):
        bed.sysconsctl(listing, "--json", user="alice")
    assert bed.sysconsctl("stop", "hello", user="alice", check=False).returncode == 4
    assert bed.sysconsctl("start", "nothing", check=False).returncode == 3
    bed.sysconsctl("uninstall", "hello")
    # she leaves while polkit is asked
    bed.systemctl("kill", "--signal=STOP", "polkit")
    bed.run(["busctl", "--timeout=5", "call", "org.sysconsd1", "/org/sysconsd1", "org.sysconsd1.Manager", "Prune", "a{sv}", "0"], user="alice", check=False)
    bed.systemctl("kill", "--signal=CONT", "polkit")
    cursor = bed.cursor()
    bed.run("systemctl kill --kill-whom=main by-hand")
    ends = ("by-hand.service: Deactivated successfully", "by-hand.service: Failed with result")
    wait_until(lambda: any(end in bed.journal(after=cursor) for end in ends), 60)  # the unit's state is told before the journal has the line
    journal = bed.journal(after=cursor)
    if BLIND not in journal:
        assert "Sanitizer" not in journal and ends[0] in journal
