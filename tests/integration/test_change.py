# SPDX-License-Identifier: LGPL-2.1-or-later
"""Changes of containers on hosts where something is not as it should be: broken deployments, recoveries that fail, a machine that is shut
down, deployments of the atomic command."""

import json

import pytest
from bed import CHECKOUT, wait_until
from test_recovery import FAILPOINT, HELLO, fail_at, hello, intents, leftovers, settled_jobs, update, whole  # noqa: F401


def phase(bed):
    text = bed.run(["cat", f"{CHECKOUT}/.sysconsd/intent/hello.json"], check=False).stdout  # it comes and goes meanwhile
    return json.loads(text)["phase"] if text else None


def change_info(bed, slot, change):
    """Rewrites the info file as `change` leaves it."""
    info = json.loads(bed.read(f"{CHECKOUT}/hello.{slot}/info"))
    change(info)
    bed.write(f"{CHECKOUT}/hello.{slot}/info", json.dumps(info), "600")


def of_atomic(info):
    del info["sysconsd"]


def gone(bed):
    return (bed.containers() == [] and leftovers(bed) == [] and intents(bed) == [] and not bed.exists(f"{CHECKOUT}/hello.0")
            and not bed.exists("/etc/systemd/system/hello.service") and bed.http(8082) is None)


@pytest.fixture
def files(bed):
    """hello with a host file that is a template, and without a tmpfiles.template"""
    bed.push("hello:latest=hello:files-1")
    bed.run(["rm", "-rf", "/run/hello", "/var/lib/hello"])  # of other tests
    bed.sysconsctl("pull", HELLO)
    bed.sysconsctl("install", "--start", "--set=PORT=8082", HELLO)
    bed.wait_http(8082)
    yield bed
    bed.run(["rm", "-f", FAILPOINT])


# ---- what a deployment holds


def test_a_host_file_knows_its_place(files):
    bed = files
    assert bed.read("/etc/hello/place") == f"version 1 of hello in {CHECKOUT}/hello.0\none line,\nand another\n"
    bed.push("hello:latest=hello:files-2")
    bed.sysconsctl("update", "--health-timeout=1", "hello")
    assert bed.read("/etc/hello/place") == f"version 2 of hello in {CHECKOUT}/hello.1\none line,\nand another\n"
    bed.sysconsctl("rollback", "--health-timeout=1", "hello")
    assert bed.read("/etc/hello/place") == f"version 1 of hello in {CHECKOUT}/hello.0\none line,\nand another\n"
    assert bed.sysconsctl("uninstall", "hello").stdout.count("manually modified") == 0
    assert not bed.exists("/etc/hello/place")


def test_a_file_in_the_place_of_a_folder_keeps_nobody_from_going_back(files):
    bed = files
    bed.push("hello:latest=hello:files-2")
    bed.sysconsctl("pull", HELLO)
    bed.run("rm -r /etc/hello; echo mine >/etc/hello")
    result = update(bed)
    assert result.returncode == 1 and "'hello' on the way is no folder" in result.stderr and "The previous deployment runs again" in result.stderr
    assert "Cannot put /etc/hello/place on the host" in result.stdout
    assert intents(bed) == [] and leftovers(bed) == []
    assert "this is version 1" in bed.wait_http(8082) and bed.read("/etc/hello") == "mine\n"
    bed.run("rm /etc/hello")
    assert update(bed).returncode == 0
    bed.sysconsctl("uninstall", "hello")


def test_folders_are_made_again_after_an_update(files):
    """The new deployment finds them there, because the old one had them made; that is no reason not to make them at the next boot."""
    bed = files
    made = bed.read("/etc/tmpfiles.d/hello.conf")
    assert '"/run/hello"' in made and '"/var/lib/hello"' in made
    bed.push("hello:latest=hello:files-2")
    bed.sysconsctl("update", "--health-timeout=1", "hello")
    assert bed.read("/etc/tmpfiles.d/hello.conf") == made


def test_a_name_that_would_hide_a_tmpfiles_configuration_of_the_system(bed):
    bed.sysconsctl("pull", HELLO)
    result = bed.sysconsctl("install", "--name=var", HELLO, check=False)
    assert result.returncode == 1 and "The file /usr/lib/tmpfiles.d/var.conf already exists." in result.stderr


# ---- broken deployments


def test_update_of_a_container_that_lost_its_root(hello):
    bed = hello
    bed.run(["mv", f"{CHECKOUT}/hello.0/rootfs", f"{CHECKOUT}/hello.0/lost"])
    result = update(bed)
    assert result.returncode == 1 and "The deployment hello.0 is broken: Cannot open rootfs" in result.stderr
    assert intents(bed) == [] and leftovers(bed) == []
    bed.run(["mv", f"{CHECKOUT}/hello.0/lost", f"{CHECKOUT}/hello.0/rootfs"])
    assert update(bed).returncode == 0
    whole(bed, "2")


def test_uninstall_of_a_container_that_lost_its_root(files):
    bed = files
    bed.run(["rm", "-r", f"{CHECKOUT}/hello.0/rootfs"])
    bed.sysconsctl("uninstall", "hello")
    assert gone(bed) and not bed.exists("/etc/hello/place")


@pytest.mark.parametrize("step", ["place", "make-live"])
def test_uninstall_when_recovery_fails(files, step):
    bed = files
    bed.push("hello:latest=hello:files-2")
    bed.sysconsctl("pull", HELLO)
    fail_at(bed, f"{step} sleep")
    before = bed.cursor()
    bed.run(["sysconsctl", "update", "--no-wait", "--pull=never", "hello"])
    wait_until(lambda: f"failpoint {step}: sleep" in bed.journal(after=before))
    bed.run(["rm", "-r", f"{CHECKOUT}/hello.0/rootfs", FAILPOINT])
    bed.run("systemctl kill --signal=KILL 'sysconsd-job-*'")
    wait_until(lambda: "Cannot open rootfs" in bed.journal(after=before) and not running_jobs(bed))
    assert bed.sysconsctl("start", "hello", check=False).returncode == 1
    bed.sysconsctl("uninstall", "hello")
    assert gone(bed) and not bed.exists("/etc/hello/place")


def running_jobs(bed):
    return [job for job in json.loads(bed.sysconsctl("jobs", "--json").stdout) if job["state"] in ("queued", "running", "cancelling")]


def test_info_without_an_image(hello):
    bed = hello
    assert update(bed).returncode == 0
    change_info(bed, 0, lambda info: (info.pop("image"), info.pop("revision")))
    bed.sysconsctl("rollback", "--health-timeout=1", "hello")
    whole(bed, "1")
    result = bed.run(["/usr/libexec/sysconsd-worker", "--request", '{"operation": "update", "subject": "hello"}'], check=False)
    assert result.returncode == 1 and "does not say of which image" in result.stderr


def test_what_cannot_be_removed_is_no_hindrance(hello):
    bed = hello
    assert update(bed).returncode == 0
    bed.run(["mount", "-t", "tmpfs", "tmpfs", f"{CHECKOUT}/hello.0/rootfs/tmp"])
    bed.run(["touch", f"{CHECKOUT}/hello.0/rootfs/tmp/precious"])
    result = bed.sysconsctl("update", "--pull=never", "--health-timeout=1", "--set=RECEIVER=Moon", "hello")
    assert "Something of hello is left" in result.stdout
    (left,) = leftovers(bed)
    assert bed.exists(f"{CHECKOUT}/{left}/rootfs/tmp/precious")
    bed.run(["umount", f"{CHECKOUT}/{left}/rootfs/tmp"])
    bed.sysconsctl("restart", "hello")
    bed.sysconsctl("rollback", "--health-timeout=1", "hello")
    whole(bed, "2")


# ---- machines that go down


def test_power_lost_with_the_folders_of_the_new_version(hello):
    """systemd-tmpfiles has made those of the new one by then."""
    bed = hello
    for name in ("/etc/tmpfiles.d/hello.conf", f"{CHECKOUT}/hello.0/tmpfiles-hello.conf"):
        bed.run(["sh", "-c", "echo 'd /run/hello-of-old 0700 root root - -' >>$1", "sh", name])
    fail_at(bed, "make-live sleep")
    before = bed.cursor()
    bed.run(["sysconsctl", "update", "--no-wait", "--pull=never", "hello"])
    wait_until(lambda: "failpoint make-live: sleep" in bed.journal(after=before))
    bed.crash()
    assert "this is version 1" in bed.wait_http(8082)
    assert bed.exists("/run/hello-of-old")
    whole(bed, "1")


def test_shutdown_during_a_trial(hello):
    """No verdict on the new version: it gets its trial after the boot."""
    bed = hello
    bed.run(["sysconsctl", "update", "--no-wait", "--pull=never", "--health-timeout=10", "hello"])
    wait_until(lambda: phase(bed) == "trial")
    bed.reboot()
    assert "this is version 2" in bed.wait_http(8082)
    wait_until(lambda: intents(bed) == [], 60)
    whole(bed, "2")


def test_systemd_executed_anew_during_a_trial(hello):
    bed = hello
    bed.run(["sysconsctl", "update", "--no-wait", "--pull=never", "--health-timeout=10", "hello"])
    wait_until(lambda: phase(bed) == "trial")
    job = str(running_jobs(bed)[0]["job"])
    while phase(bed) == "trial":
        bed.systemctl("daemon-reexec")
    assert bed.sysconsctl("wait", job).returncode == 0
    whole(bed, "2")


def test_a_cancelled_trial_judges_nobody(hello):
    bed = hello
    bed.run(["sysconsctl", "update", "--no-wait", "--pull=never", "--health-timeout=30", "hello"])
    wait_until(lambda: phase(bed) == "trial")
    bed.sysconsctl("cancel", str(running_jobs(bed)[0]["job"]))
    whole(bed, "1")
    assert json.loads(bed.read(f"{CHECKOUT}/hello/info"))["sysconsd"]["bad-image"] is None


def test_a_way_back_that_fails_is_told_to_who_cancelled(hello):
    bed = hello
    fail_at(bed, "back-make-live error")
    bed.run(["sysconsctl", "update", "--no-wait", "--pull=never", "--health-timeout=30", "hello"])
    wait_until(lambda: phase(bed) == "trial")
    job = str(running_jobs(bed)[0]["job"])
    for verb in ("cancel", "wait"):
        result = bed.sysconsctl(verb, job, check=False)
        assert result.returncode == 1 and "Going back failed, too" in result.stderr, result.stdout + result.stderr
    bed.run(["rm", "-f", FAILPOINT])
    bed.run(["/usr/libexec/sysconsd-worker", "--recover=now"])
    whole(bed, "1")


def test_only_a_bad_version_is_remembered_as_bad(hello):
    bed = hello
    bed.push("hello:latest=hello:broken")
    bed.sysconsctl("pull", HELLO)
    assert update(bed, health_timeout=30).returncode == 1
    whole(bed, "1")
    assert json.loads(bed.read(f"{CHECKOUT}/hello/info"))["sysconsd"]["bad-image"]


# ---- health checks


def test_a_healthy_version_stays(hello):
    bed = hello
    bed.push("hello:latest=hello:healthy")
    bed.sysconsctl("pull", HELLO)
    bed.run(["rm", "-f", "/run/hello/checked"])
    assert update(bed).returncode == 0
    assert bed.exists("/run/hello/checked")
    whole(bed, "healthy")


def test_a_sick_version_goes_back(hello):
    bed = hello
    bed.push("hello:latest=hello:sick")
    bed.sysconsctl("pull", HELLO)
    result = update(bed)
    assert result.returncode == 1 and "not healthy" in result.stderr
    whole(bed, "1")
    assert json.loads(bed.read(f"{CHECKOUT}/hello/info"))["sysconsd"]["bad-image"]
    check = result.stderr.split("journalctl -u ")[1].split(".service")[0]
    wait_until(lambda: "no heartbeat" in bed.journal("-u", check))


def test_a_resumed_trial_asks_for_the_health(hello):
    bed = hello
    bed.push("hello:latest=hello:sick")
    bed.sysconsctl("pull", HELLO)
    fail_at(bed, "trial kill")
    assert update(bed).returncode == 1
    whole(bed, "1")


# ---- a host of the atomic command


def test_update_keeps_what_was_set_under_atomic(hello):
    bed = hello
    bed.sysconsctl("update", "--pull=never", "--health-timeout=1", "--set=STATE_DIRECTORY=/srv", "--set=RECEIVER=Moon", "hello")
    bed.sysconsctl("rollback", "--health-timeout=1", "hello")
    bed.sysconsctl("rollback", "--health-timeout=1", "hello")
    change_info(bed, 1, of_atomic)
    bed.sysconsctl("update", "--pull=never", "--health-timeout=1", "--set=PORT=8083", "hello")
    assert "d /srv/hello 0700" in bed.read("/etc/tmpfiles.d/hello.conf")
    assert "Hello Moon" in bed.wait_http(8083)


# ---- a root file system that others use


def test_a_root_that_others_use_stays(hello):
    bed = hello
    bed.sysconsctl("install", "--name=tenant", "--set=PORT=8084", f"--rootfs={CHECKOUT}/hello.0", HELLO)
    assert update(bed).returncode == 0  # into the other slot
    result = bed.sysconsctl("update", "--pull=never", "--set=RECEIVER=Moon", "hello", check=False)
    assert result.returncode == 1 and "tenant" in result.stderr
    assert bed.read(f"{CHECKOUT}/tenant/rootfs/etc/hello-version").strip() == "1"
    result = bed.sysconsctl("uninstall", "hello", check=False)
    assert result.returncode == 1 and "tenant" in result.stderr
    # by the symlink's name it goes with it, but not while it runs
    bed.sysconsctl("install", "--name=lodger", "--runtime=crun", "--start", "--set=PORT=8086", f"--rootfs={CHECKOUT}/hello", HELLO)
    bed.sysconsctl("uninstall", "tenant")
    result = bed.sysconsctl("update", "--pull=never", "--set=RECEIVER=Moon", "hello", check=False)
    assert result.returncode == 1 and "The container lodger runs on the root file system" in result.stderr and "hello.0" in result.stderr
    assert "World" in bed.wait_http(8086)
    bed.systemctl("stop", "lodger")
    bed.sysconsctl("update", "--pull=never", "--health-timeout=1", "--set=RECEIVER=Moon", "hello")
    bed.sysconsctl("uninstall", "lodger")
    bed.sysconsctl("install", "--name=tenant", "--set=PORT=8084", f"--rootfs={CHECKOUT}/hello.0", HELLO)
    # a name that only begins like it
    bed.sysconsctl("install", "--name=hell", "--set=PORT=8085", HELLO)
    bed.sysconsctl("uninstall", "hell")
    bed.sysconsctl("uninstall", "tenant")
    bed.sysconsctl("uninstall", "hello")
