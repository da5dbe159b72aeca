# SPDX-License-Identifier: LGPL-2.1-or-later
"""A worker killed at any step, a daemon killed, a machine that went down: the old state or the new one, and the service runs if it ran."""

import json

import pytest
from bed import CHECKOUT, wait_until

HELLO = "localhost:5000/hello"
FAILPOINT = "/run/sysconsd/failpoint"

FORWARD = ["check-out", "sync-deployment", "intent", "stop", "place", "host-files", "disable", "unit-file", "tmpfiles-file", "make-live", "reload",
           "tmpfiles", "enable", "start"]
TRIAL = ["trial", "keep", "clean-up", "intent-gone"]
BACK = ["back-stop", "back-host-files", "back-disable", "back-unit-file", "back-tmpfiles-file", "back-make-live", "back-take-away", "back-reload",
        "back-tmpfiles", "back-enable", "back-start", "clean-up", "intent-gone"]
REMOVE = ["intent", "remove-disable", "remove-unit-file", "remove-tmpfiles", "remove-host-files", "remove-link", "remove-slots", "remove-intent"]


def intents(bed):
    return bed.output(f"ls {CHECKOUT}/.sysconsd/intent 2>/dev/null || true").split()


def leftovers(bed):
    return bed.output(f"find {CHECKOUT} -maxdepth 1 -name '.?*' ! -name .storage ! -name .sysconsd -printf '%f\\n'").split()


def whole(bed, version, port=8082):
    """The container is this version, complete and running, and nothing lies about."""
    wait_until(lambda: settled_jobs(bed), 60)
    assert intents(bed) == [] and leftovers(bed) == []
    assert f"this is version {version}" in bed.wait_http(port)
    live = bed.output(["readlink", f"{CHECKOUT}/hello"])
    assert bed.read(f"{CHECKOUT}/{live}/hello.service") == bed.read("/etc/systemd/system/hello.service")
    assert f"/{live}" in bed.output("systemctl show -P WorkingDirectory hello")
    assert bed.output("systemctl is-enabled hello") == "enabled"
    assert bed.output("systemctl show -P NeedDaemonReload hello") == "no"
    assert bed.read(f"{CHECKOUT}/{live}/rootfs/etc/hello-version").strip() == version


def settled_jobs(bed):
    """every job has ended"""
    jobs = json.loads(bed.sysconsctl("jobs", "--json").stdout)
    return not intents(bed) and not [job for job in jobs if job["state"] in ("queued", "running", "cancelling")]


def fail_at(bed, *lines):
    bed.write(FAILPOINT, "".join(line + "\n" for line in lines))


@pytest.fixture
def hello(bed):
    bed.sysconsctl("pull", HELLO)
    bed.sysconsctl("install", "--set", "PORT=8082", HELLO)
    bed.systemctl("start", "hello")
    bed.wait_http(8082)
    bed.push("hello:latest=hello:2")
    bed.sysconsctl("pull", HELLO)
    yield bed
    bed.run(["rm", "-f", FAILPOINT])


def update(bed, health_timeout=1, **options):
    """A version that does not come up may take more than a second for that: it wants a longer trial, which does not last so long."""
    return bed.sysconsctl("update", "--pull=never", f"--health-timeout={health_timeout}", "hello", check=False, timeout=120, **options)


@pytest.mark.parametrize("step", FORWARD)
def test_update_killed_on_the_way(hello, step):
    fail_at(hello, f"{step} kill")
    assert update(hello).returncode == 1
    hello.run(["rm", "-f", FAILPOINT])
    whole(hello, "1")
    assert update(hello).returncode == 0
    whole(hello, "2")


@pytest.mark.parametrize("step", TRIAL)
def test_update_killed_on_trial(hello, step):
    fail_at(hello, f"{step} kill")
    assert update(hello).returncode == 1
    hello.run(["rm", "-f", FAILPOINT])
    whole(hello, "2")


@pytest.mark.parametrize("step", BACK)
def test_update_killed_on_its_way_back(hello, step):
    fail_at(hello, "start error", f"{step} kill")
    assert update(hello).returncode == 1
    hello.run(["rm", "-f", FAILPOINT])
    whole(hello, "1")


@pytest.mark.parametrize("step", ["intent", "place", "unit-file", "make-live", "enable"])
def test_install_killed(bed, step):
    bed.sysconsctl("pull", HELLO)
    fail_at(bed, f"{step} kill")
    assert bed.sysconsctl("install", "--set=PORT=8082", HELLO, check=False).returncode == 1
    bed.run(["rm", "-f", FAILPOINT])
    wait_until(lambda: settled_jobs(bed), 60)
    assert leftovers(bed) == [] and not bed.exists(f"{CHECKOUT}/hello.0") and not bed.exists("/etc/systemd/system/hello.service")
    assert not bed.exists("/etc/systemd/system/multi-user.target.wants/hello.service")
    bed.sysconsctl("install", "--set=PORT=8082", "--start", HELLO)
    whole(bed, "1")


@pytest.mark.parametrize("step", ["clean-up", "intent-gone"])
def test_install_killed_when_it_was_done(bed, step):
    bed.sysconsctl("pull", HELLO)
    fail_at(bed, f"{step} kill")
    assert bed.sysconsctl("install", "--set=PORT=8082", HELLO, check=False).returncode == 1
    wait_until(lambda: settled_jobs(bed), 60)
    bed.systemctl("start", "hello")
    whole(bed, "1")


@pytest.mark.parametrize("step", REMOVE)
def test_uninstall_killed(hello, step):
    bed = hello
    fail_at(bed, f"{step} kill")
    assert bed.sysconsctl("uninstall", "hello", check=False).returncode == 1
    bed.run(["rm", "-f", FAILPOINT])
    wait_until(lambda: settled_jobs(bed), 60)
    if step == "intent":  # nothing was decided yet
        return whole(bed, "1")
    assert leftovers(bed) == [] and bed.containers() == [] and not bed.exists("/etc/systemd/system/hello.service")
    assert bed.http(8082) is None


@pytest.mark.parametrize("step", ["place", "host-files", "unit-file", "make-live", "enable", "start"])
@pytest.mark.parametrize("action", ["error", "enospc"])
def test_update_that_fails_undoes_itself(hello, step, action):
    fail_at(hello, f"{step} {action}")
    result = update(hello)
    assert result.returncode == 1 and "The previous deployment runs again" in result.stderr
    whole(hello, "1")


def test_pull_killed_goes_on_where_it_was(bed):
    bed.run(f"rm -rf {CHECKOUT}/.storage")
    fail_at(bed, "pull-publish kill")
    assert bed.sysconsctl("pull", HELLO, check=False).returncode == 1
    bed.run(["rm", "-f", FAILPOINT])
    assert json.loads(bed.sysconsctl("images", "--json").stdout) == []
    assert "Pulling layer" not in bed.sysconsctl("pull", HELLO).stdout  # both layers were durable
    bed.run(["ostree", "fsck", f"--repo={CHECKOUT}/.storage/ostree", "-q"])


def unit_state(bed, unit):
    return bed.output(f"systemctl show -P ActiveState {unit}")


@pytest.fixture
def waiting(bed):
    """An installation whose image has come, and has no name yet; the worker that is to install it waits: (test bed, job, how often
    its unit was started so far, as a function)."""
    bed.run(f"rm -rf {CHECKOUT}/.storage")
    wait_until(lambda: json.loads(bed.sysconsctl("images", "--json").stdout) == [])  # else the daemon may take the image for present
    fail_at(bed, "pull-publish wait")
    before = bed.cursor()
    job = bed.sysconsctl("install", "--no-wait", "--start", "--set=PORT=8082", HELLO).stdout.strip()
    wait_until(lambda: "failpoint pull-publish: wait" in bed.journal(after=before))
    wait_until(lambda: unit_state(bed, f"sysconsd-job-{job}") == "active")
    yield bed, job, lambda: bed.journal(after=before).count(f"Started sysconsd-job-{job}.service")
    bed.run(f"rm -f {FAILPOINT}*")


@pytest.mark.parametrize("victim", ["nobody", "daemon", "waiting worker", "waiting worker, in order", "both"])
def test_worker_waits_for_a_pull(waiting, victim):
    """It carries on where the pull ends; without it the installation goes on all the same."""
    bed, job, starts = waiting
    unit = f"sysconsd-job-{job}"
    if victim == "both":  # the worker cannot notice that the daemon is gone, and keeps the name of its unit
        bed.systemctl("kill", "--signal=STOP", unit)
    if victim in ("daemon", "both"):
        bed.kill_daemon()
    elif victim == "waiting worker":
        bed.systemctl("kill", "--signal=KILL", unit)
    elif victim == "waiting worker, in order":
        bed.systemctl("stop", unit, timeout=10)
    if victim not in ("nobody", "both"):
        wait_until(lambda: unit_state(bed, unit) == "inactive")
    bed.run(f"rm {FAILPOINT}; touch {FAILPOINT}.go")
    whole(bed, "1")
    assert starts() == (1 if victim == "nobody" else 2)
    state = json.loads(bed.sysconsctl("jobs", "--json").stdout)[-1]
    assert (state["operation"], state["state"]) == ("install", "done")


@pytest.mark.parametrize("moment", ["before", "behind"])
def test_cancelled_while_a_worker_waits_for_a_pull(waiting, moment):
    """Before the pull has ended, and when the worker has got its request, and has not seen it yet."""
    bed, job, starts = waiting
    unit = f"sysconsd-job-{job}"
    bed.systemctl("kill", "--signal=STOP", unit)
    if moment == "before":
        bed.sysconsctl("cancel", job)
        wait_until(lambda: unit_state(bed, unit) == "inactive")
    bed.run(f"rm {FAILPOINT}; touch {FAILPOINT}.go")
    wait_until(lambda: unit_state(bed, f"{unit}-pull") == "inactive", 60)
    if moment == "behind":
        bed.sysconsctl("cancel", job)
    wait_until(lambda: settled_jobs(bed), 60)
    assert json.loads(bed.sysconsctl("jobs", "--json").stdout)[-1]["state"] == "cancelled"
    wait_until(lambda: unit_state(bed, unit) == "inactive")
    assert bed.sysconsctl("list", "-a", "-q").stdout == "" and leftovers(bed) == [] and starts() == 1


def test_daemon_killed_while_a_job_runs(hello):
    bed = hello
    fail_at(bed, "make-live sleep")
    bed.run(["systemd-run", "-q", "sh", "-c", "sysconsctl update --pull=never --health-timeout=1 hello >/run/client.log 2>&1; echo $? >/run/client.rc"])
    wait_until(lambda: "hello.json" in intents(bed))
    bed.systemctl("kill", "--signal=KILL", "sysconsd")
    wait_until(lambda: bed.exists("/run/client.rc") and bed.read("/run/client.rc").strip())
    assert bed.read("/run/client.rc").strip() == "5"
    jobs = json.loads(bed.sysconsctl("jobs", "--json").stdout)  # the daemon is back, and knows the job
    assert [(job["operation"], job["subject"], job["state"]) for job in jobs] == [("update", "hello", "running")]
    bed.run(["rm", "-f", FAILPOINT, "/run/client.rc", "/run/client.log"])
    whole(bed, "2")


def test_what_cannot_be_recovered_hinders_no_other(hello):
    bed = hello
    broken = f"{CHECKOUT}/.sysconsd/intent/broken.json"
    bed.systemctl("stop", "sysconsd")
    bed.write(broken, "{")
    fail_at(bed, "make-live kill")
    request = json.dumps({"operation": "update", "subject": "hello", "options": {"pull": "never"}})
    bed.run(["/usr/libexec/sysconsd-worker", "--request", request], check=False)
    bed.run(["rm", "-f", FAILPOINT])
    assert intents(bed) == ["broken.json", "hello.json"]
    cursor = bed.cursor()
    result = bed.run(["/usr/libexec/sysconsd-worker", "--recover=now"], check=False)
    bed.run(["rm", broken])
    assert result.returncode == 1 and "broken" in result.stderr
    wait_until(lambda: "Cannot recover broken" in bed.journal(after=cursor))
    whole(bed, "1")


# ---- reboots


def test_reboot_runs_enabled_containers(hello):
    bed = hello
    bed.sysconsctl("install", "--name=off", "--set=PORT=8085", HELLO)
    bed.systemctl("disable", "off")
    bed.reboot()
    assert "this is version 1" in bed.wait_http(8082)
    assert bed.exists("/run/hello") and bed.http(8085) is None
    assert bed.output("systemctl show -P ActiveEnterTimestampMonotonic sysconsd") == "0"  # nobody called it
    assert bed.output("systemctl --failed --no-legend --plain") == ""


@pytest.mark.parametrize("step,version", [("place", "1"), ("make-live", "1"), ("reload", "1"), ("start", "1"), ("keep", "2"), ("clean-up", "2")])
def test_power_lost_during_an_update(hello, step, version):
    bed = hello
    fail_at(bed, f"{step} sleep")
    before = bed.cursor()
    bed.run(["sysconsctl", "update", "--no-wait", "--pull=never", "--health-timeout=1", "hello"])
    wait_until(lambda: f"failpoint {step}: sleep" in bed.journal(after=before), 30)
    bed.crash()
    # the service runs again before anybody called sysconsd
    assert f"this is version {version}" in bed.wait_http(8082)
    wait_until(lambda: intents(bed) == [], 60)
    whole(bed, version)
    assert bed.output("systemctl --failed --no-legend --plain") == ""
