# SPDX-License-Identifier: LGPL-2.1-or-later
"""A worker is not believed: whatever it says or does, its job ends, and the daemon stays at everybody's service."""

import time

import pytest
from bed import CHECKOUT, wait_until
from fakeworker import WORKER, worker  # noqa: F401
from sysconsbus import ROOT, Monitor, Refused, call, get, objects, options, pull, state, verb, wait_over

HELLO = "localhost:5000/hello"
# Lies about the pull; what comes after is done by the real one.
LIAR = """#!/usr/bin/python3
import json, os, socket, sys
end = socket.socket(fileno=os.dup(0))
if json.loads(end.recv(1 << 20, socket.MSG_PEEK))["operation"] != "pull":
    os.execv("/usr/libexec/sysconsd-worker.real", sys.argv)
end.send(json.dumps({"type": "result", "details": {"commit": %s, "container": "../x"}}).encode())
"""


def failure(bed, job, timeout=60):
    assert wait_over(bed, job, timeout) == "failed"
    return get(bed, job, "Job", "Error")


def test_well_behaved(bed, worker):  # noqa: F811
    """The stand-in itself works."""
    worker('say(type="message", line="hello"); say(type="result", details={"subject": request["subject"]})')
    assert wait_over(bed, pull(bed, HELLO)) == "done"


@pytest.mark.parametrize("script,text", [
    ('end.send(b"{"); signal.pause()', "broke the protocol"),
    ('end.send(b"x" * 200000); signal.pause()', "broke the protocol"),
    ('say(type="progress", phase="x", done=-1, total=1); signal.pause()', "broke the protocol"),
    ('say(type="request", job=1, operation="pull", subject=""); signal.pause()', "out of order"),
    ('say(type="result", details={}); say(type="message", line="more"); signal.pause()', "out of order"),
    ('say(type="result", details={}); say(type="result", details={}); signal.pause()', "out of order"),
    ('socket.send_fds(end, [b\'{"type":"message","line":"x"}\'], [1]); signal.pause()', "file descriptors"),
    ('end.send(b""); signal.pause()', "without a result"),
    ('end.send(b"\\xff\\xfe"); signal.pause()', "broke the protocol"),
    ('end.send(b"[" * 60000); signal.pause()', "broke the protocol"),
    ('say(type="message", line=["x"]); signal.pause()', "broke the protocol"),
    ('say(type="progress", phase="x", done=1, total=2 ** 70); signal.pause()', "broke the protocol"),
    ('say(type="result", details={"image": ["x"]}); signal.pause()', "broke the protocol"),
    ('say(type="error", code="Brilliant", message="x"); signal.pause()', "broke the protocol"),
    ('say(type="surprise"); signal.pause()', "broke the protocol"),
    ('socket.send_fds(end, [b\'{"type":"message","line":"x"}\'], [1] * 250); signal.pause()', "file descriptors"),
    ('sys.exit(0)', "without a result (success)"),
    ('sys.exit(3)', "without a result (exit-code)"),
    ('os.kill(os.getpid(), signal.SIGKILL)', "without a result (signal)"),
])
def test_breach_of_the_protocol(bed, worker, script, text):  # noqa: F811
    worker(script)
    job = pull(bed, HELLO)
    name, message = failure(bed, job)
    assert name == "org.sysconsd1.Error.Failed" and text in message
    wait_until(lambda: bed.output("systemctl list-units --no-legend --plain 'sysconsd-job-*'") == "")


def test_flood(bed, worker):  # noqa: F811
    worker('while True: say(type="message", line="x" * 4000); say(type="progress", phase="Talking", done=1, total=2)')
    job = pull(bed, HELLO)
    wait_until(lambda: get(bed, job, "Job", "Phase") == "Talking")
    took = []
    for _ in range(5):
        before = time.monotonic()
        get(bed, ROOT, "Manager", "Version", user="alice")
        took.append(time.monotonic() - before)
    assert min(took) < 2  # any of them may have waited for a processor
    # what is measured: the share of a processor that the daemon spends on it
    before, used = time.monotonic(), int(bed.output("systemctl show -P CPUUsageNSec sysconsd"))
    time.sleep(2)
    used = int(bed.output("systemctl show -P CPUUsageNSec sysconsd")) - used
    assert used < (time.monotonic() - before) * 1e9 / 2
    verb(bed, job, "Job", "Cancel")
    assert wait_over(bed, job) in ("cancelled", "failed")


def test_terminal_is_not_steered(bed, worker):  # noqa: F811
    worker(r'say(type="error", code="Failed", message="\x1b[2Jgone\nRoot password: ")')
    assert failure(bed, pull(bed, HELLO))[1] == " [2Jgone Root password: "


@pytest.mark.parametrize("script,last", [
    (r'say(type="message", line="a\ufffeb"); say(type="error", code="Failed", message="x\uffff\ufdd0")', "failed"),
    (r'say(type="result", details={"plan": "{\"a\": \"\ufffe\"}"})', "done"),
])
def test_text_that_no_bus_takes(bed, worker, script, last):  # noqa: F811
    """Nothing that stands beside it goes missing: neither the end of the job, nor the list of all."""
    worker(script)
    monitor = Monitor(bed)
    try:
        job = pull(bed, HELLO)
        assert wait_over(bed, job) == last
        monitor.wait(job, "Job.Finished")
    finally:
        monitor.stop()
    assert get(bed, job, "Job", "Error")[1] == ("x\ufffd\ufffd" if last == "failed" else "")
    assert job in objects(bed)
    if last == "done":
        assert "\ufffd" in call(bed, ROOT, "Manager", "Plan", "ssa{sv}", "pull", HELLO, *options({}))[0]["plan"]["data"]


def test_restart_between_the_last_word_and_the_end(bed, worker):  # noqa: F811
    worker('say(type="progress", phase="Ending", done=1, total=1); say(type="result", details={}); time.sleep(8)')
    job = pull(bed, HELLO)
    wait_until(lambda: get(bed, job, "Job", "Phase") == "Ending")
    bed.kill_daemon()
    assert wait_over(bed, job) == "done"


def test_bus_without_room_for_matches(bed, worker):  # noqa: F811
    """Two for all time, two a worker, and one a caller: what the bus refuses is gone without."""
    worker(f'while not os.path.exists("{CHECKOUT}/go"): time.sleep(0.05)\nsay(type="result", details={{}})')
    bus, before = "/usr/share/dbus-1/system.conf", bed.cursor()
    bed.run(f"rm -f {CHECKOUT}/go")
    bed.run(["cp", bus, f"{bus}.usual"])
    bed.run(["sed", "-i", 's,</busconfig>,<limit name="max_match_rules_per_connection">7</limit>&,', bus])
    bed.systemctl("reload", "dbus")
    try:
        get(bed, ROOT, "Manager", "Version")
        pid = bed.output("systemctl show -P MainPID sysconsd")
        jobs = []
        for i in range(8):
            try:
                jobs.append(pull(bed, f"localhost:5000/hello:none-{i}"))
            except Refused as refusal:  # who cannot be watched himself is told
                assert refusal.error == "Busy"
        assert len(jobs) >= 2
        wait_until(lambda: "Cannot watch sysconsd-job-" in bed.journal(after=before))
    finally:
        bed.run(f"mv {bus}.usual {bus}; touch {CHECKOUT}/go")
        bed.systemctl("reload", "dbus")
    assert wait_over(bed, jobs[0]) == "done"
    for job in jobs[1:]:  # who has left a job that waits has it cancelled
        assert wait_over(bed, job) in ("done", "cancelled")
    assert bed.output("systemctl show -P MainPID sysconsd") == pid
    bed.run(f"rm {CHECKOUT}/go")


SLOW_TO_END = """
def undo(*_):
    open("/run/undoing", "w").close()
    while not os.path.exists("/run/undone"):
        time.sleep(0.05)
    say({word})
    os._exit(0)
signal.signal(signal.SIGTERM, undo)
say(type="progress", phase="Working", done=1, total=2)
time.sleep(600)
"""


@pytest.mark.parametrize("word", ['type="error", code="Cancelled", message="Cancelled"', 'type="result", details={"commit": "0" * 64}'])
def test_restart_after_a_cancellation(bed, worker, word):  # noqa: F811
    """It is not forgotten that somebody has cancelled it: nothing follows a pull, whatever the worker makes of it."""
    worker(SLOW_TO_END.format(word=word).replace("/run/", f"{CHECKOUT}/"))
    bed.run(f"rm -f {CHECKOUT}/undoing {CHECKOUT}/undone")
    job = call(bed, ROOT, "Manager", "Install", "sa{sv}", HELLO, *options({"name": "undone", "pull": "always"}))[0]
    try:
        wait_until(lambda: get(bed, job, "Job", "Phase") == "Working")
        verb(bed, job, "Job", "Cancel")
        wait_until(lambda: bed.exists(f"{CHECKOUT}/undoing"))
        bed.kill_daemon()
        assert state(bed, job) == "cancelling"
        bed.run(f"touch {CHECKOUT}/undone")
        assert wait_over(bed, job) == "cancelled"
        assert "undone" not in bed.containers()
    finally:
        bed.run(f"rm -f {CHECKOUT}/undoing {CHECKOUT}/undone")


def test_worker_that_hangs_up_and_goes_on(bed, worker):  # noqa: F811
    """systemd holds the other end as long as it runs: it is seen to run, and can be stopped."""
    worker('say(type="progress", phase="Leaving", done=1, total=1); end.close(); time.sleep(600)')
    job = pull(bed, HELLO)
    wait_until(lambda: get(bed, job, "Job", "Phase") == "Leaving")
    assert state(bed, job) == "running"
    verb(bed, job, "Job", "Cancel")
    assert wait_over(bed, job) == "cancelled"
    wait_until(lambda: bed.output("systemctl list-units --no-legend --plain 'sysconsd-job-*'") == "")


def test_details_are_not_believed(bed, worker):  # noqa: F811
    """Of a pull the daemon hands a detail on: the commit that is to be installed."""
    for commit in ("0" * 64, "../../x", "x" * 5000, "-"):
        bed.write(WORKER, LIAR % repr(commit), mode="755")
        job = call(bed, ROOT, "Manager", "Install", "sa{sv}", HELLO, *options({"name": "lied", "pull": "always"}))[0]
        assert wait_over(bed, job) == "failed"
        assert "lied" not in bed.containers()


def test_worker_that_does_not_end(bed, worker):  # noqa: F811
    worker('say(type="result", details={}); signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); time.sleep(600)')
    job = pull(bed, HELLO)
    assert wait_over(bed, job, 40) == "done"  # stopped after its last word
    wait_until(lambda: bed.output("systemctl list-units --no-legend --plain 'sysconsd-job-*'") == "")


def test_worker_that_is_not_there(bed):
    bed.run(["mv", WORKER, f"{WORKER}.real"])
    try:
        name, message = failure(bed, pull(bed, HELLO))
        assert "without a result" in message
    finally:
        bed.run(["mv", f"{WORKER}.real", WORKER])
    assert state(bed, wait_again(bed)) == "done"


def wait_again(bed):
    job = pull(bed, HELLO)
    wait_over(bed, job)
    return job
