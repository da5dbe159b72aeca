# SPDX-License-Identifier: LGPL-2.1-or-later
"""The test bed keeps its own promises: otherwise no other result here means anything."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from bed import CHECKOUT, STATE, TESTBED, TESTS, Bed, wait_until


def processes(pid_namespace):
    """All processes of a pid namespace, as seen from outside."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(folder / "ns" / "pid") == pid_namespace:
                found.append(int(folder.name))
        except OSError:  # it ended meanwhile, or is about to
            continue
    return found


def launchers(name):
    """Processes outside that belong to a test bed."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if TESTBED.encode() in words and name.encode() in words:
            found.append(words)
    return found


def traces(name):
    """What a test bed that was taken down may not have left behind."""
    # Those of others come and go meanwhile: os.walk() overlooks that.
    cgroups = [os.path.join(at, folder) for at, folders, _ in os.walk("/sys/fs/cgroup") for folder in folders if folder == f"sysconsd-testbed-{name}"]
    mounts = [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if f"/{name}/" in line]
    files = [str(STATE / name)] if (STATE / name).exists() else []
    return cgroups + mounts + files + launchers(name)


def limiting_cgroups():
    """Which kind of cgroups can limit memory and tasks on this machine."""
    unified = subprocess.check_output(["findmnt", "-rn", "-t", "cgroup2", "-o", "TARGET"], text=True).split()[0]
    return "v2" if "memory" in Path(unified, "cgroup.controllers").read_text().split() else "hybrid"


def test_runs(bed):
    assert bed.output("systemctl is-system-running") == "running"
    assert bed.output("cat /proc/1/comm") == "systemd"


def test_polkit_decides(bed):
    restart = ["systemctl", "--no-ask-password", "restart", "ssh"]
    for user in ("alice", "bob", "carol"):
        refused = bed.run(restart, user=user, check=False)
        assert refused.returncode != 0 and "authentication required" in refused.stderr.lower()
    bed.polkit_rules('polkit.addRule(function(action, subject) {'
                     ' if (action.id == "org.freedesktop.systemd1.manage-units" && subject.user == "alice") return polkit.Result.YES; });')
    bed.run(restart, user="alice")
    assert bed.run(restart, user="carol", check=False).returncode != 0
    bed.systemctl("stop", "ssh")


def test_login_session(bed):
    session = bed.output('loginctl show-session "$XDG_SESSION_ID" -p Name -p State --value; id -un; echo "$XDG_RUNTIME_DIR"', user="alice")
    assert session.splitlines() == ["alice", "active", "alice", "/run/user/1000"]
    assert "sudo" in bed.output("id -nG", user="bob").split()
    assert "sudo" not in bed.output("id -nG", user="carol").split()


def test_result_of_a_command(bed):
    for user in (None, "alice"):
        assert bed.run("cat; echo error >&2; exit 3", user=user, check=False, stdin="input").__dict__.items() >= {
            "returncode": 3, "stdout": "input", "stderr": "error\n"}.items()
    assert bed.run("sleep 60", timeout=1, check=False).returncode == 124
    with pytest.raises(AssertionError, match="exit status 1"):
        bed.run("false")


def test_registry_has_the_images(bed):
    tags = set(json.loads(bed.http(5000, "/v2/hello/tags/list"))["tags"])
    assert tags >= {"1", "2", "latest", "broken", "dies", "docker", "zstd", "plain", "multi", "foreign", "odd"}
    accept = "Accept: application/vnd.oci.image.manifest.v1+json"
    digest = f"curl -sfI -H '{accept}' http://127.0.0.1:5000/v2/hello/manifests/%s | grep -i docker-content-digest"
    assert bed.output(digest % "latest") == bed.output(digest % "1") != bed.output(digest % "2")
    bed.push("hello:latest=hello:2")
    assert bed.output(digest % "latest") == bed.output(digest % "2")


def test_repository_and_checkout_share_a_disk(bed):
    bed.run(f"mkdir -p {CHECKOUT}/.storage && echo 1 >{CHECKOUT}/.storage/a && ln {CHECKOUT}/.storage/a {CHECKOUT}/b")
    assert bed.output(f"stat -c %h {CHECKOUT}/b") == "2"
    bed.run(f"rm {CHECKOUT}/.storage/a {CHECKOUT}/b")


@pytest.mark.parametrize("way", ["crash", "reboot"])
def test_files_outlive(bed, way):
    places = ["/var/kept", f"{CHECKOUT}/kept", "/etc/kept"]
    for place in places:
        bed.write(place, way)
    bed.write("/run/gone", way)
    before = bed.boot_id()
    getattr(bed, way)()
    assert bed.boot_id() != before
    assert [bed.read(place) for place in places] == [way] * 3
    assert not bed.exists("/run/gone")
    bed.run(["rm", *places])
    bed.wait_http(5000, "/v2/")  # an enabled service is back
    assert bed.output("systemctl is-system-running") == "running"
    assert len(bed.output("journalctl --list-boots -q").splitlines()) >= 2


def test_limits_bind_and_nothing_is_left():
    name = f"limits-{os.getpid()}"
    with Bed(name, "--cgroups", limiting_cgroups()) as bed:
        namespace = os.readlink(f"/proc/{bed.pid()}/ns/pid")
        limited = "systemd-run -q --wait --pipe -p MemoryMax=30M -p MemorySwapMax=0 -p TasksMax=10 "
        assert bed.run(limited + "head -c 5M /dev/zero | tail -c 1 | wc -c").stdout.strip() == "1"
        assert bed.run(limited + "python3 -c 'print(len(bytearray(100 << 20)))'", check=False).returncode != 0
        assert bed.run(limited + "sh -c 'for i in $(seq 20); do sleep 1 & done; wait'", check=False).returncode != 0
        bed.run("setsid sleep 1000 >/dev/null 2>&1 & systemd-run -q sleep 1000; mkdir /mnt/x; mount -t tmpfs x /mnt/x")
        assert len(processes(namespace)) > 5
        assert traces(name)
    assert processes(namespace) == []
    assert traces(name) == []


@pytest.mark.parametrize("moment", ["settings", "boot.log", "init", "upper/etc/machine-id"])
def test_interrupted_boot_leaves_nothing(moment):
    subprocess.run([TESTS / "testbed/mkroot"], stdout=subprocess.DEVNULL, check=True)  # the first time it takes longer than what is waited for here
    name = f"interrupted-{os.getpid()}"
    for _ in range(5):
        boot = subprocess.Popen([TESTBED, "up", name], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        wait_until((STATE / name / moment).exists, interval=0.001)
        boot.send_signal(signal.SIGTERM)
        boot.communicate(timeout=100)
        if boot.returncode != 0:
            break
        subprocess.run([TESTBED, "down", name], check=True)  # it was told too late: this process had to wait
    assert boot.returncode != 0
    assert traces(name) == []


def test_a_program_that_is_told_twice_cleans_up(tmp_path):
    source = """if True:
        import sys, time
        sys.path.insert(0, sys.argv[1])
        from ending import end_when_told
        end_when_told()
        try:
            print("begun", flush=True)
            time.sleep(60)
        finally:
            print("cleaning up", flush=True)
            time.sleep(0.5)
            print("clean", flush=True)
    """
    program = subprocess.Popen(["/usr/bin/python3", "-c", source, TESTS / "testbed"], stdout=subprocess.PIPE, text=True)
    for said in ("begun", "cleaning up"):
        assert program.stdout.readline() == said + "\n"
        program.send_signal(signal.SIGTERM)
    assert program.communicate(timeout=30)[0] == "clean\n" and program.returncode == 128 + signal.SIGTERM


def test_what_is_not_to_be_interrupted_ends_first():
    source = """if True:
        import os, signal, sys
        sys.path.insert(0, sys.argv[1])
        from ending import end_when_told, not_now
        end_when_told()
        try:
            with not_now():
                os.kill(os.getpid(), signal.SIGTERM)
                os.kill(os.getpid(), signal.SIGHUP)
                print("noted")
            print("told, but going on")
        finally:
            print("cleaned up")
    """
    program = subprocess.run(["/usr/bin/python3", "-c", source, TESTS / "testbed"], stdout=subprocess.PIPE, text=True, timeout=30, check=False)
    assert program.stdout == "noted\ncleaned up\n" and program.returncode == 128 + signal.SIGTERM


def test_stage_is_put_over_the_root(tmp_path):
    stage = tmp_path / "stage"
    unit = stage / "lib" / "systemd" / "system" / "staged.service"  # /lib is a symlink in the root
    unit.parent.mkdir(parents=True)
    unit.write_text("[Service]\nType=oneshot\nExecStart=staged\n")
    program = stage / "usr" / "bin" / "staged"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho ran >/run/staged\n")
    program.chmod(0o755)
    stage.chmod(0o700)
    os.chown(program, 1234, 1234)
    with Bed(f"staged-{os.getpid()}", "--stage", stage) as bed:
        bed.systemctl("start", "staged")
        assert bed.read("/run/staged") == "ran\n"
        assert bed.output("stat -c '%F %a' / /lib; stat -c %u /usr/bin/staged").splitlines() == ["directory 755", "symbolic link 777", "0"]


def test_folder_of_the_machine_can_be_shown(tmp_path):
    (tmp_path / "given").write_text("outside")
    with Bed(f"bound-{os.getpid()}", "--bind", f"{tmp_path}:/srv/shown") as bed:
        assert bed.read("/srv/shown/given") == "outside"


def test_power_off_ends_commands():
    with Bed(f"ended-{os.getpid()}") as bed:
        command = subprocess.Popen([TESTBED, "exec", bed.name, "sleep", "1000"])
        wait_until(lambda: "sleep" in bed.output("ps -e -o comm=").split())
    assert command.wait(timeout=10) != 0
    assert traces(bed.name) == []


def test_failed_boot_leaves_nothing(tmp_path):
    name = f"failed-{os.getpid()}"
    boot = subprocess.run([TESTBED, "up", "--root", tmp_path, name], capture_output=True, text=True, timeout=100)
    assert boot.returncode != 0 and f"{name} does not start" in boot.stderr
    assert traces(name) == []


def test_several_at_a_time(bed):
    with Bed(f"second-{os.getpid()}") as second:
        assert second.http(5000, "/v2/") is None  # a network of its own
        second.write("/var/second", "")
        assert not bed.exists("/var/second")
        assert second.boot_id() != bed.boot_id()
        with pytest.raises(AssertionError, match="there is a test bed"):
            Bed(second.name)
        assert second.output("systemctl is-system-running") == "running"
