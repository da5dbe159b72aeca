# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whoever manages the unit manages the container."""

import json
import os
import time

import pytest
from bed import CHECKOUT, Bed, wait_until
from derived import Derived, Layer
from test_testbed import limiting_cgroups

HELLO = "localhost:5000/hello"
GENERATOR = "/etc/systemd/system-generators/slow"


@pytest.fixture
def hello(bed):
    bed.sysconsctl("pull", HELLO)
    bed.sysconsctl("install", "--start", "--set", "PORT=8082", HELLO)
    bed.wait_http(8082)
    return bed


def cgroup_of(bed, pid):
    return bed.output(f"sed -n 's/^0:://p' /proc/{pid}/cgroup")


def test_processes_show_under_the_unit(hello):
    bed = hello
    # for each request it has one more, for a moment
    pid, = wait_until(lambda: len(pids := bed.output("pgrep -x httpd || pgrep busybox").split()) == 1 and pids)
    assert cgroup_of(bed, pid) == "/system.slice/hello.service/container-hello"
    main = bed.output("systemctl show -P MainPID hello")
    assert cgroup_of(bed, main) == "/system.slice/hello.service/runtime"
    assert "httpd" in bed.run(["systemctl", "status", "--no-pager", "hello"]).stdout


def test_exec(hello):
    bed = hello
    assert bed.output(["runc", "exec", "hello", "cat", "/etc/hello-version"]) == "1"
    terminal = bed.output(["script", "-qec", "runc exec -t hello busybox tty", "/dev/null"])
    assert "/dev/pts/" in terminal
    pid = bed.output("runc exec -d --pid-file /run/p hello sleep 1000 >/dev/null 2>&1; cat /run/p")
    assert cgroup_of(bed, pid).startswith("/system.slice/hello.service/container-hello")
    bed.systemctl("stop", "hello")
    assert not bed.exists(f"/proc/{pid}")  # it dies with the unit
    bed.systemctl("start", "hello")
    bed.wait_http(8082)


def test_stop_is_clean(hello):
    bed = hello
    bed.systemctl("stop", "hello")
    assert bed.output("systemctl show -P Result hello") == "success"
    assert bed.output("runc list -q") == ""
    assert not bed.exists("/sys/fs/cgroup/system.slice/hello.service")


@pytest.mark.parametrize("name", ["hello", "people"])  # with a unit of its own, and with the default one
def test_stop_before_there_is_a_container(bed, name):
    """Also then a stop is a stop, and no failure."""
    bed.sysconsctl("install", f"localhost:5000/{name}")
    # a runtime that takes its time
    runtime, unit = bed.output("command -v runc"), f"/etc/systemd/system/{name}.service"
    bed.write("/usr/local/bin/slow-runc", f'#!/bin/sh\ncase "$1" in run) touch /run/slow-runs; sleep 600;; esac\nexec {runtime} "$@"\n', "755")
    bed.run(["sed", "-i", f"s#sysconsd-exec {runtime}#sysconsd-exec /usr/local/bin/slow-runc#", unit])
    bed.systemctl("daemon-reload")
    try:
        bed.systemctl("start", "--no-block", name)
        wait_until(lambda: bed.exists("/run/slow-runs"))
        bed.systemctl("stop", name)
        assert sorted(bed.output(f"systemctl show -P ActiveState -P Result {name}").split()) == ["inactive", "success"]
    finally:
        bed.run("rm -f /usr/local/bin/slow-runc /run/slow-runs")


def test_ends_well_by_itself(hello):
    """The command that stops it finds nothing to stop then."""
    bed = hello
    bed.run("sed -i 's/^Restart=.*/SuccessExitStatus=137 143/' /etc/systemd/system/hello.service; systemctl daemon-reload")
    bed.run(["runc", "kill", "hello", "KILL"])
    wait_until(lambda: bed.output("systemctl show -P ActiveState hello") not in ("active", "deactivating"))
    assert sorted(bed.output("systemctl show -P ActiveState -P Result hello").split()) == ["inactive", "success"]


@pytest.mark.parametrize("victim", ["runtime", "container"])
def test_killed_comes_back(hello, victim):
    bed = hello
    main = bed.output("systemctl show -P MainPID hello")
    pid = main if victim == "runtime" else bed.output(f"pgrep -P {main} | head -n 1")
    bed.run(["kill", "-9", pid])
    wait_until(lambda: bed.output("systemctl show -P NRestarts hello") == "1")
    assert "version 1" in bed.wait_http(8082)
    assert bed.output("systemctl show -P MainPID hello") != main


def test_everything_killed_leaves_no_id_in_the_way(hello):
    """As a runtime that lost its machine: the state of a container that is no more."""
    bed = hello
    bed.run("systemctl kill --signal=KILL hello; systemctl stop hello; true")
    bed.systemctl("reset-failed", "hello", check=False)
    bed.systemctl("start", "hello")
    assert "version 1" in bed.wait_http(8082)


def test_tmpfiles_are_made(hello):
    assert hello.output("stat -c %a /run/hello /var/lib/hello").split() == ["700", "700"]


def test_limits_of_the_unit_bind_the_container():
    """In a test bed of its own, with the controllers that this machine has."""
    with Bed(f"unit-limits-{os.getpid()}", "--stage", os.environ["SYSCONSD_STAGE"], "--cgroups", limiting_cgroups()) as bed:
        bed.start_registry()
        bed.push("hello:latest=hello:1")
        bed.sysconsctl("pull", HELLO)
        bed.sysconsctl("install", "--set", "PORT=8082", HELLO)
        bed.write("/etc/systemd/system/hello.service.d/limits.conf", "[Service]\nMemoryMax=60M\nTasksMax=40\n")
        bed.systemctl("daemon-reload")
        bed.systemctl("start", "hello")
        bed.wait_http(8082)
        forks = bed.run(["runc", "exec", "hello", "sh", "-c", "for i in $(seq 60); do sleep 5 & done"], check=False)
        assert "fork" in forks.stderr or forks.returncode != 0
        eaten = bed.run(["runc", "exec", "hello", "sh", "-c", "head -c 200000000 /dev/zero | tail -c 190000000 | wc -c"], check=False)
        assert "190000000" not in eaten.stdout
        assert bed.exists(f"{CHECKOUT}/hello")


@pytest.fixture
def friend(bed):
    """A service that runs, wants hello and comes before it: systemd remembers that there is no hello."""
    bed.write("/etc/systemd/system/friend.service", "[Unit]\nBefore=hello.service\nWants=hello.service\n[Service]\nExecStart=/bin/sleep infinity\n")
    bed.systemctl("daemon-reload")
    bed.systemctl("start", "friend")
    assert bed.output("systemctl show -P LoadState hello") == "not-found"
    yield bed
    bed.run("systemctl stop friend; rm -r /etc/systemd/system/friend.service*; systemctl daemon-reload")


@pytest.fixture
def slow_reload(friend):
    """From now on systemd reads its units again for as long as there is no /run/go."""
    friend.write(GENERATOR, "#!/bin/sh\ntouch /run/generates; while [ ! -e /run/go ]; do sleep 0.1; done\n", "755")
    yield friend
    friend.run(f"touch /run/go; rm {GENERATOR}; systemctl daemon-reload; rm /run/go /run/generates")


def test_install_does_not_wait_for_a_reload(slow_reload):
    """systemd reads the new unit when it is asked for it, and all others when the install is over."""
    bed = slow_reload
    bed.sysconsctl("pull", HELLO)
    bed.sysconsctl("install", "--set", "PORT=8082", HELLO)
    wait_until(lambda: bed.exists("/run/generates"))
    bed.run("touch /run/go")
    assert "hello.service" in bed.output("systemctl show -P Wants multi-user.target").split()
    assert bed.output("systemctl show -P NeedDaemonReload hello") == "no"
    bed.systemctl("start", "hello")
    bed.wait_http(8082)


def push_with_drop_in(bed, scratch):
    """hello, with a host file that changes what friend is called."""
    images, layer = Derived(scratch), Layer("a drop-in")
    folder = "exports/hostfs/etc/systemd/system/friend.service.d"
    layer.folders("exports/hostfs", "exports/hostfs/etc", "exports/hostfs/etc/systemd", "exports/hostfs/etc/systemd/system", folder)
    layer.file(f"{folder}/name.conf", "[Unit]\nDescription=The friend of hello\n")
    images.add("hello:latest", "hello:1", layer)
    images.finish()
    images.push(bed, "hello:latest")


@pytest.mark.parametrize("case", ["starts", "brings a drop-in", "by hand"])
def test_install_waits_for_a_reload(slow_reload, tmp_path, case):
    """Where what it brings is needed at once, and where no daemon sees to it."""
    bed = slow_reload
    if case == "brings a drop-in":
        push_with_drop_in(bed, tmp_path)
    bed.sysconsctl("pull", HELLO)
    request = json.dumps({"operation": "install", "subject": HELLO, "options": {"values": {"PORT": "8082"}}})
    command = {"starts": ["sysconsctl", "install", "--start", "--set", "PORT=8082", HELLO],
               "brings a drop-in": ["sysconsctl", "install", "--set", "PORT=8082", HELLO],
               "by hand": ["/usr/libexec/sysconsd-worker", "--request", request]}[case]
    bed.run(["sh", "-c", '("$@" && touch /run/installed) >/dev/null 2>&1 &', "sh", *command])
    wait_until(lambda: bed.exists("/run/generates"))
    time.sleep(1)  # it takes less where it does not wait
    assert not bed.exists("/run/installed")
    bed.run("touch /run/go")
    wait_until(lambda: bed.exists("/run/installed"))
    bed.run("rm /run/installed")
    if case == "brings a drop-in":
        assert bed.output("systemctl show -P Description friend") == "The friend of hello"
