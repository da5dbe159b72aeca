# SPDX-License-Identifier: LGPL-2.1-or-later
"""Containers of a user who is nobody in particular: his own daemon on the bus of his sessions, and nothing of root."""

import json

import pytest
from bed import wait_until

HELLO = "127.0.0.1:5000/hello"
HOME = "/home/alice"
DATA = f"{HOME}/.local/share/containers/atomic"
UNITS = f"{HOME}/.config/systemd/user"
FAILPOINT = "/run/user/1000/sysconsd/failpoint"


class User:
    """sysconsctl --user and the like, in a login session of somebody."""

    def __init__(self, bed, name):
        self.bed, self.name = bed, name

    def run(self, command, **options):
        return self.bed.run(command, user=self.name, **options)

    def output(self, command, **options):
        return self.run(command, **options).stdout.strip()

    def sysconsctl(self, *arguments, **options):
        return self.run(["sysconsctl", "--user", *arguments], **options)

    def containers(self):
        return {entry["name"]: entry for entry in json.loads(self.sysconsctl("list", "--all", "--json").stdout)}

    def settled(self):
        """every job has ended"""
        jobs = json.loads(self.sysconsctl("jobs", "--json").stdout)
        return not [job for job in jobs if job["state"] in ("queued", "running", "cancelling")]

    def linger(self):
        self.bed.run(["loginctl", "enable-linger", self.name])
        wait_until(lambda: self.run("systemctl --user is-system-running", check=False).stdout.strip() == "running")

    def leave(self):
        """As if he had never been here."""
        for name in self.containers():
            self.sysconsctl("uninstall", name, check=False)
        self.bed.run(["loginctl", "disable-linger", self.name])
        uid = self.bed.output(["id", "-u", self.name])
        self.bed.run(["systemctl", "stop", f"user@{uid}.service"])
        self.bed.run(["sh", "-c", 'cd "/home/$1" && rm -rf .local .config .data', "sh", self.name])


def settings(bed, name):
    bed.run(["runuser", "-u", name, "--", "sh", "-c", 'mkdir -p "/home/$1/.config" && printf "[Container]\\nSettlingTime=1\\nStartTimeout=10\\n" '
             '>"/home/$1/.config/sysconsd.conf"', "sh", name])


@pytest.fixture(scope="module")
def lingering(session_bed):
    settings(session_bed, "alice")
    alice = User(session_bed, "alice")
    alice.linger()
    yield alice
    alice.leave()


@pytest.fixture
def alice(bed, lingering):
    yield lingering
    bed.run(["rm", "-f", FAILPOINT])
    for name in lingering.containers():
        lingering.sysconsctl("uninstall", name)
    assert lingering.containers() == {}


def files_of_others(bed):
    return bed.output(f"find {HOME} ! -user alice ! -path {HOME} -printf '%p %u\\n'")


def processes(bed):
    """The ids of all that runs below alice's manager."""
    text = bed.output("cat $(find /sys/fs/cgroup -path '*/user@1000.service/*' -name cgroup.procs) | sort -u | "
                      "xargs -I{} sh -c 'ps -o uid= -p {} || true'")
    return {int(uid) for uid in text.split()}


def test_life_of_a_container(bed, alice):
    before = bed.cursor()
    units, tmpfiles = bed.output("ls /etc/systemd/system"), bed.output("ls /etc/tmpfiles.d")
    alice.sysconsctl("pull", HELLO)
    assert alice.sysconsctl("install", "--set", "RECEIVER=Alice", "--set=PORT=8090", HELLO).stdout.splitlines() == [
        f"Extracting to {DATA}/hello.0",
        "systemctl --user daemon-reload",
        f"systemd-tmpfiles --user --create {HOME}/.config/user-tmpfiles.d/hello.conf",
        "systemctl --user enable hello",
    ]
    assert bed.read(f"{DATA}/repo/config").count("mode=bare-user\n") == 1
    assert "no errors found" in alice.output(["ostree", f"--repo={DATA}/repo", "fsck"])
    # hardlinks, no copies
    assert int(bed.output(f"stat -c %h {DATA}/hello.0/rootfs/usr/local/bin/hello")) >= 2
    assert alice.output("systemctl --user is-enabled hello") == "enabled"
    assert bed.exists(f"{UNITS}/default.target.wants/hello.service")

    alice.sysconsctl("start", "hello")
    assert bed.wait_http(8090) == "Hello Alice, this is version 1, visit 1\n"
    entry = alice.containers()["hello"]
    assert (entry["state"], entry["path"]) == ("running", f"{DATA}/hello.0")
    # inside of its unit, and its root is alice
    group = alice.output("systemctl --user show -P ControlGroup hello")
    inside = bed.output(f"cat /sys/fs/cgroup{group}/container-hello/cgroup.procs").split()
    assert inside and processes(bed) == {1000}
    # one enters it as systemd does, from below the manager
    assert alice.output("systemd-run --user --quiet --pipe --wait runc exec hello cat /proc/self/uid_map").split() == [
        "0", "1000", "1", "1", "100000", "65536"]

    bed.push("hello:latest=hello:2")
    alice.sysconsctl("update", "hello")
    assert bed.wait_http(8090) == "Hello Alice, this is version 2, visit 2\n"
    assert "Latest version already installed." in alice.sysconsctl("update", "hello").stdout
    alice.sysconsctl("rollback", "hello")
    assert bed.wait_http(8090) == "Hello Alice, this is version 1, visit 3\n"
    assert "no errors found" in alice.output(["ostree", f"--repo={DATA}/repo", "fsck"])
    assert files_of_others(bed) == ""

    uninstalled = alice.sysconsctl("uninstall", "hello").stdout
    assert "systemctl --user stop hello\n" in uninstalled
    assert alice.containers() == {} and bed.http(8090) is None
    assert alice.output(f"ls {DATA}") == "repo"
    assert alice.output(f"find {UNITS} {HOME}/.config/user-tmpfiles.d ! -type d") == ""
    assert alice.output(["ls", f"{HOME}/.data/hello"]) == "visits"  # data stays

    # nothing of root had a part in it
    assert (bed.output("ls /etc/systemd/system"), bed.output("ls /etc/tmpfiles.d")) == (units, tmpfiles)
    mine = [json.loads(line) for line in bed.output(["journalctl", "-q", "-o", "json", f"--after-cursor={before}"]).splitlines()]
    daemons = [entry for entry in mine if entry.get("_COMM", "").startswith("sysconsd")]
    assert daemons and {entry["_UID"] for entry in daemons} == {"1000"}
    assert not [entry for entry in mine if entry.get("_COMM") == "polkitd" and "sysconsd" in entry["MESSAGE"]]


def install(alice, *options):
    alice.sysconsctl("install", "--pull=always", "--set=PORT=8090", "--start", *options, HELLO)
    alice.bed.wait_http(8090)


def whole(alice, version):
    bed = alice.bed
    wait_until(alice.settled, 60)
    assert bed.output(f"ls {DATA}/.sysconsd/intent") == ""
    assert bed.output(f"find {DATA} -maxdepth 1 -name '.?*' ! -name .sysconsd") == ""
    assert f"this is version {version}" in bed.wait_http(8090)
    live = bed.output(["readlink", f"{DATA}/hello"])
    assert bed.read(f"{DATA}/{live}/hello.service") == bed.read(f"{UNITS}/hello.service")
    assert alice.output("systemctl --user is-enabled hello") == "enabled"


@pytest.mark.parametrize("step, version", [("place", "1"), ("make-live", "1"), ("trial", "2")])
def test_update_killed(bed, alice, step, version):
    install(alice)
    bed.push("hello:latest=hello:2")
    alice.run(["sh", "-c", 'echo "$1 kill" >"$2"', "sh", step, FAILPOINT])
    assert alice.sysconsctl("update", "hello", check=False).returncode == 1
    whole(alice, version)
    assert files_of_others(bed) == ""


def test_sessions_end_in_an_update(bed, alice):
    """What is half done is recovered before the container starts again with the user's manager."""
    install(alice)
    bed.push("hello:latest=hello:2")
    alice.run(["sh", "-c", 'echo "make-live sleep" >"$1"', "sh", FAILPOINT])
    alice.run(["sysconsctl", "--user", "--no-wait", "update", "hello"])
    wait_until(lambda: "failpoint make-live: sleep" in bed.journal("_UID=1000", "-n", "50"))
    bed.run("systemctl kill --signal=KILL user@1000.service")
    wait_until(lambda: alice.run("systemctl --user is-active default.target", check=False).stdout.strip() == "active")
    whole(alice, "1")
    assert "success" in alice.output("systemctl --user show -P Result sysconsd-recover")


def test_with_crun(bed, alice):
    install(alice, "--runtime=crun")
    group = alice.output("systemctl --user show -P ControlGroup hello")
    assert bed.output(f"cat /sys/fs/cgroup{group}/container-hello/cgroup.procs").split()
    alice.sysconsctl("stop", "hello")
    assert alice.containers()["hello"]["state"] == "inactive"


def test_somebody_inside(bed, alice):
    """A process that the image wants to be somebody else is one of the ids behind alice's own. Its further groups runc cannot give it."""
    for runtime, groups in (("runc", "34 0"), ("crun", "34 4")):
        before = bed.cursor()
        alice.sysconsctl("install", f"--runtime={runtime}", "--start", "127.0.0.1:5000/people")
        wait_until(lambda: f"I am 33:34:{groups} in /srv/data: hi there" in bed.journal(after=before))
        assert 100032 in processes(bed)
        alice.sysconsctl("uninstall", "people")


def test_health_check(bed, alice):
    install(alice)
    sick = alice.sysconsctl("update", "--rebase=127.0.0.1:5000/hello:sick", "hello", check=False)
    assert sick.returncode == 1 and "not healthy" in sick.stderr and "journalctl --user -u sysconsd-health-hello" in sick.stderr
    whole(alice, "1")


def test_files_for_the_host(bed, alice):
    """They are root's: left out, and said so. What the image says of root is the user."""
    said = alice.sysconsctl("install", "127.0.0.1:5000/settings:1").stdout
    assert "files for the host (/exports/hostfs) are not installed" in said and not bed.exists("/etc/settings")
    assert bed.output("stat -c '%U %a' /run/user/1000/settings-1") == "alice 711"
    assert json.loads(bed.read(f"{DATA}/settings-1/info"))["installed-files"] == []
    alice.sysconsctl("uninstall", "settings-1")


def test_the_daemon_is_killed(bed, alice):
    """A job goes on, and the next daemon tells how it ended."""
    install(alice)
    bed.push("hello:latest=hello:2")
    number = alice.run(["sysconsctl", "--user", "--no-wait", "update", "hello"]).stdout.strip()
    # who asks sooner may be connected to the one that dies
    alice.run("pid=$(systemctl --user show -P MainPID sysconsd); systemctl --user kill --signal=KILL sysconsd; "
              "while [ \"$(systemctl --user show -P MainPID sysconsd)\" = \"$pid\" ]; do sleep 0.05; done")
    assert alice.sysconsctl("wait", number).returncode == 0
    whole(alice, "2")


def test_his_daemon_is_nobody_elses(bed, alice):
    call = ["busctl", "--address=unix:path=/run/user/1000/bus", "call", "org.sysconsd1", "/org/sysconsd1", "org.sysconsd1.Manager", "Prune", "a{sv}", "0"]
    assert alice.run(call).returncode == 0
    for user in ("bob", "carol"):
        refused = bed.run(call, user=user, check=False)
        assert refused.returncode and "Permission denied" in refused.stderr
    # root may come to the bus, where that lets him, but not further
    assert bed.run(call, check=False).returncode
    # and each user has his own
    assert User(bed, "carol").containers() == {} and not bed.exists("/home/carol/.local/share/containers")


def test_his_name_space(bed, alice):
    """The repository lies among the containers; a unit of the manager's own is not shadowed."""
    for name, message in (("repo", "repo"), ("dbus", "already has a unit dbus.service")):
        refused = alice.sysconsctl("install", f"--name={name}", HELLO, check=False)
        assert refused.returncode == 1 and message in refused.stderr
    assert alice.containers() == {}


def test_without_a_range_of_ids(bed):
    """Root is the only user of the container then."""
    ranges = bed.read("/etc/subuid")
    carol = User(bed, "carol")
    try:
        bed.write("/etc/subuid", ranges.replace("carol:", "nobody-else:"))
        carol.linger()
        said = carol.sysconsctl("install", "--set=PORT=8091", "--start", HELLO).stdout
        assert "carol has no ids in /etc/subuid" in said
        assert "this is version 1" in bed.wait_http(8091)
        config = json.loads(bed.read("/home/carol/.local/share/containers/atomic/hello/config.json"))
        assert config["linux"]["uidMappings"] == [{"containerID": 0, "hostID": 1002, "size": 1}]
    finally:
        bed.write("/etc/subuid", ranges)
        carol.leave()


def test_other_verbs(bed, alice):
    told = json.loads(alice.sysconsctl("plan", "install", "--json", "--set=PORT=8090", HELLO).stdout)
    assert told["conflicts"] == [] and told["container"] == "hello" and alice.containers() == {}
    install(alice)
    told = json.loads(alice.sysconsctl("plan", "uninstall", "--json", "hello").stdout)
    assert told["removed_deployments"] == [f"{DATA}/hello.0"] and told["unit"]["path"] == f"{UNITS}/hello.service"
    # commands: beside the service, beside one that does not run, and of an image
    assert alice.sysconsctl("run", "hello", "sh", "-c", "id -u; cat; exit 3", stdin="mine\n", check=False).stdout == "0\nmine\n"
    alice.sysconsctl("stop", "hello")
    assert alice.sysconsctl("run", "hello", "cat", "/etc/hello-version").stdout == "1\n"
    assert alice.sysconsctl("run", "127.0.0.1:5000/busybox", "sh", "-c", "id -u; exit 3", check=False).returncode == 3
    assert bed.output(f"ls {DATA}/.sysconsd/run") == "" and files_of_others(bed) == ""
    # images
    assert "PORT: 8081" in alice.sysconsctl("info", HELLO).stdout
    alice.sysconsctl("tag", HELLO, "mine")
    assert "is whole" in alice.sysconsctl("verify", "mine").stdout
    rows = json.loads(alice.sysconsctl("images", "--json", "--all").stdout)
    assert ["127.0.0.1:5000/hello:latest", "mine:latest"] in [row["names"] for row in rows if "names" in row]
    alice.sysconsctl("delete-image", "127.0.0.1:5000/busybox")
    assert "Deleting ociimage/" in alice.sysconsctl("prune").stdout
    alice.sysconsctl("delete-image", "mine")
    mount = alice.sysconsctl("mount", "hello", "/mnt", check=False)
    assert mount.returncode == 1 and "`sysconsctl --user show --property=Path NAME`" in mount.stderr
    path = alice.sysconsctl("show", "--property=Path", "--value", "hello").stdout.strip()
    assert alice.output(["cat", f"{path}/rootfs/etc/hello-version"]) == "1"
