# SPDX-License-Identifier: LGPL-2.1-or-later
"""The files of images and containers in a folder of the host, and nothing left of it when it is over."""

import pytest
from bed import CHECKOUT, wait_until
from sysconsbus import ROOT, Refused, call, wait_done
from test_authorization import rule
from test_recovery import FAILPOINT, fail_at, settled_jobs, whole

HELLO = "localhost:5000/hello"
WHERE = "/srv/mounted"
RECORDS = f"{CHECKOUT}/.sysconsd/mount"


def mounts(bed):
    return [line for line in bed.output("findmnt -rno TARGET,OPTIONS").splitlines() if line.startswith(WHERE)]


def records(bed):
    # the first mount makes the folder
    return bed.output(f"ls -A {RECORDS} 2>/dev/null || true").split()


def nothing_left(bed):
    """neither mount nor record"""
    return mounts(bed) == [] and records(bed) == [] and bed.output("systemctl list-units --all --plain --no-legend 'srv-mounted*'") == ""


@pytest.fixture
def place(bed):
    bed.run(["mkdir", "-p", WHERE])
    yield bed
    bed.run(f"rm -f {FAILPOINT}; umount {WHERE} 2>/dev/null; sysconsctl prune >/dev/null; rmdir {WHERE} 2>/dev/null; rm -rf {WHERE}")
    assert nothing_left(bed)


def refused(bed, *words):
    result = bed.sysconsctl(*words, check=False)
    assert result.returncode != 0
    return result.stderr


def test_image(place):
    bed = place
    bed.sysconsctl("pull", f"{HELLO}:odd")
    bed.sysconsctl("mount", f"{HELLO}:odd", WHERE)
    (line,) = mounts(bed)
    assert {"ro", "nosuid", "nodev"} <= set(line.split()[1].split(","))
    assert bed.run(["touch", f"{WHERE}/x"], check=False).returncode != 0
    expected = bed.read(f"{WHERE}/usr/share/odd/expected")
    assert expected and bed.output("systemctl show -P Description srv-mounted.mount").startswith(f"{HELLO}:odd")
    assert "is mounted on /srv/mounted already" in refused(bed, "mount", f"{HELLO}:odd", WHERE)
    # prune and the end of the image take nothing away from it
    bed.sysconsctl("delete-image", f"{HELLO}:odd")
    bed.sysconsctl("prune")
    bed.systemctl("restart", "sysconsd")
    bed.sysconsctl("list")
    wait_until(lambda: settled_jobs(bed))
    assert bed.read(f"{WHERE}/usr/share/odd/expected") == expected
    bed.sysconsctl("umount", WHERE)
    assert nothing_left(bed)
    # by hand: what is left is swept
    bed.sysconsctl("pull", HELLO)
    bed.sysconsctl("mount", HELLO, WHERE)
    bed.run(["umount", WHERE])
    assert len(records(bed)) == 1
    assert "sysconsd has mounted nothing on" in refused(bed, "umount", WHERE)
    assert nothing_left(bed)


def test_places(place):
    bed = place
    bed.sysconsctl("pull", HELLO)
    bed.run(f"mkdir -p /srv/full/x /tmp/of-alice /tmp/of-root /home/alice/m; chown alice /tmp/of-alice; ln -sfn {WHERE} /srv/link")
    try:
        for where, message in (("/srv/none", "There is no folder /srv/none"), ("/srv/full", "is not empty"), ("/srv/link", "is a symbolic link"),
                               ("/srv/link/x", "is a symbolic link"), ("/home/alice/m", "Others than root"), ("/tmp/of-alice", "Others than root"),
                               (f"{CHECKOUT}/x", "lies in the checkout path"), ("/etc/passwd", "is no folder"), ("/run", "mounted on /run already"),
                               ("/", "an absolute path"), ("/srv/" + "x" * 254 + "/y", "")):
            assert message in refused(bed, "mount", HELLO, where), where
        assert "do not support --live" in refused(bed, "mount", "--live", HELLO, WHERE)
        assert "Image nonesuch:latest not found" in refused(bed, "mount", "nonesuch", WHERE)
        for where in ("/srv/a/../mounted", "mounted"):
            with pytest.raises(Refused, match="absolute path"):
                call(bed, ROOT, "Manager", "Mount", "ssa{sv}", HELLO, where, "0")
        bed.sysconsctl("mount", HELLO, "/tmp/of-root")
        bed.sysconsctl("umount", "/tmp/of-root")
        # what somebody else mounted is his
        bed.run(["mount", "-t", "tmpfs", "tmpfs", WHERE])
        assert "sysconsd has mounted nothing on" in refused(bed, "umount", WHERE)
        bed.run(["umount", WHERE])
        assert nothing_left(bed)
    finally:
        bed.run("rm -rf /srv/full /srv/link /tmp/of-alice /tmp/of-root /home/alice/m")


def test_container(place):
    bed = place
    bed.sysconsctl("pull", HELLO)
    bed.sysconsctl("install", "--start", "--set=PORT=8082", HELLO)
    bed.wait_http(8082)
    bed.sysconsctl("mount", "hello", WHERE)
    assert bed.read(f"{WHERE}/etc/hello-version") == "1\n"
    assert "The deployment hello.0 is mounted on /srv/mounted" in refused(bed, "uninstall", "hello")
    # the next version goes into the other slot, the one after that would need this one
    bed.push("hello:latest=hello:2")
    bed.sysconsctl("update", "--health-timeout=1", "hello")
    assert bed.read(f"{WHERE}/etc/hello-version") == "1\n"
    assert "The deployment hello.0 is mounted on" in refused(bed, "update", "--pull=never", "--set=RECEIVER=Moon", "hello")
    whole(bed, "2")
    bed.sysconsctl("rollback", "--health-timeout=1", "hello")
    busy = bed.run(["sh", "-c", f"cd {WHERE} && sysconsctl umount {WHERE}"], check=False)
    assert busy.returncode == 1 and "Cannot unmount" in busy.stderr and len(mounts(bed)) == 1 and len(records(bed)) == 1
    bed.sysconsctl("umount", WHERE)
    bed.sysconsctl("update", "--pull=never", "--set=RECEIVER=Moon", "--health-timeout=1", "hello")
    bed.sysconsctl("uninstall", "hello")
    assert nothing_left(bed)


@pytest.mark.parametrize("step,mounted", [("mount-check-out", 0), ("mount", 0), ("mounted", 1), ("unmount", 1), ("unmounted", 0)])
def test_killed(place, step, mounted):
    bed = place
    bed.sysconsctl("pull", HELLO)
    if step.startswith("un"):
        bed.sysconsctl("mount", HELLO, WHERE)
    fail_at(bed, f"{step} kill")
    verb = ["umount", WHERE] if step.startswith("un") else ["mount", HELLO, WHERE]
    assert bed.sysconsctl(*verb, check=False).returncode == 1
    bed.run(["rm", "-f", FAILPOINT])
    wait_until(lambda: settled_jobs(bed))
    wait_until(lambda: len(mounts(bed)) == len(records(bed)) == mounted)
    if mounted:
        bed.sysconsctl("umount", WHERE)
    assert nothing_left(bed)


def test_a_failed_mount_leaves_nothing(place):
    bed = place
    bed.sysconsctl("pull", HELLO)
    for step in ("mount-check-out", "mount"):
        fail_at(bed, f"{step} error")
        refused(bed, "mount", HELLO, WHERE)
        assert nothing_left(bed)


def test_reboot(place):
    bed = place
    bed.sysconsctl("pull", HELLO)
    bed.sysconsctl("mount", HELLO, WHERE)
    bed.crash()
    wait_until(lambda: records(bed) == [])  # before anybody called sysconsd
    assert nothing_left(bed)
    assert bed.output("systemctl show -P ActiveEnterTimestampMonotonic sysconsd") == "0"


def test_who_may(place):
    bed, where = place, "/mnt/mounted"
    bed.sysconsctl("pull", HELLO)
    bed.run(["mkdir", "-p", where])
    mount = lambda where=where: call(bed, ROOT, "Manager", "Mount", "ssa{sv}", HELLO, where, "0", user="alice")[0]  # noqa: E731
    unmount = lambda: call(bed, ROOT, "Manager", "Unmount", "sa{sv}", where, "0", user="alice")[0]  # noqa: E731
    for ask in (mount, unmount):
        with pytest.raises(Refused, match="org.sysconsd1.mount"):
            ask()
    bed.polkit_rules(rule(f'action.id == "org.sysconsd1.mount" && action.lookup("where") == "{where}"'))
    with pytest.raises(Refused, match="org.sysconsd1.mount"):
        mount("/mnt")
    wait_done(bed, mount())
    assert bed.run(["cat", f"{where}/etc/hello-version"], user="alice").stdout == "1\n"
    wait_done(bed, unmount())
    bed.run(["rmdir", where])
    assert nothing_left(bed)
    # where programs look for files, they are more than shown
    bed.polkit_rules(rule('action.id == "org.sysconsd1.mount"'))
    for where in ("/usr/local/games", "/etc/sudoers.d", WHERE, "/mnt-too", "/media"):
        with pytest.raises(Refused, match="org.sysconsd1.configure"):
            mount(where)
