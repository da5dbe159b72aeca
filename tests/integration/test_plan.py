# SPDX-License-Identifier: LGPL-2.1-or-later
"""What an operation would do: right, complete, and without a trace."""

import json
import re

import pytest
from bed import CHECKOUT, wait_until
from derived import Derived, Layer
from sysconsbus import ROOT, Refused, call, container, options
from test_authorization import rule

HELLO = "localhost:5000/hello"
ETCD = "localhost:5000/etcd"


def state(bed):
    """Everything that an operation could change: names, kinds, modes, owners, sizes, times of content and inode. systemd makes and
    removes folders for the workers' private /tmp and /var/tmp, that also when they have ended."""
    return bed.output(f"find {CHECKOUT} /etc /usr /tmp /var/tmp /root ! -path /tmp ! -path /var/tmp ! -path '*/systemd-private-*' -printf '%p %y %m %U %G %s %i %T@ %C@ %l\\n' | sort")


def plan(bed, *words, check=True, user=None):
    return json.loads(bed.sysconsctl("plan", words[0], "--json", *words[1:], check=check, user=user).stdout)


def by(entries, key):
    return {entry[key]: entry for entry in entries}


class Untouched:
    """Whatever is asked for between watch and check: nothing is other than before."""

    def __init__(self, bed):
        self.bed, self.before = bed, None

    def watch(self):
        self.bed.sysconsctl("list")  # the daemon runs
        self.before = state(self.bed)

    def check(self):
        assert set(self.before.splitlines()) ^ set(state(self.bed).splitlines()) == set()
        assert self.bed.output("systemctl list-units --all --plain --no-legend 'sysconsd-job-*'") == ""


@pytest.fixture
def untouched(bed):
    return Untouched(bed)


@pytest.fixture
def installed(bed):
    bed.push("hello:latest=hello:files-1")
    bed.sysconsctl("pull", HELLO)
    bed.sysconsctl("install", "--start", "--set=PORT=8082", "--set=RECEIVER=secret", HELLO)
    bed.wait_http(8082)
    return bed


def test_install_of_an_image_that_is_not_here(bed, untouched):
    bed.run(f"rm -rf {CHECKOUT}/.storage")
    bed.systemctl("restart", "sysconsd")
    untouched.watch()
    told = plan(bed, "install", f"{HELLO}:files-1")
    assert (told["operation"], told["container"], told["changed"], told["conflicts"]) == ("install", "hello-files-1", True, [])
    image = told["image"]
    assert image["name"] == f"{HELLO}:files-1" and image["of_registry"] and not image["here"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", image["created"])
    assert image["bytes_to_fetch"] == sum(layer["size"] for layer in told["layers"]) > 100_000
    assert set(told["unknown"]) == {"files", "unit", "tmpfiles", "values", "privileged_files"}
    assert told["disk"]["needed"] >= image["bytes_to_fetch"] and not told["disk"]["exact"]
    text = bed.sysconsctl("install", "--display", f"{HELLO}:files-1").stdout
    assert "install hello-files-1: this would be done" in text and "3 of 3 layers" in text
    assert plan(bed, "pull", ETCD)["image"]["bytes_to_fetch"] > 1_000_000
    untouched.check()


def test_install_tells_all(bed, untouched):
    bed.sysconsctl("pull", f"{ETCD}:1")
    bed.run("mkdir -p /etc/etcd; echo mine >/etc/etcd/etcd.conf")
    try:
        untouched.watch()
        told = plan(bed, "install", "--name=e1", "--set=ETCD_NAME=first", f"{ETCD}:1")
        assert told["image"]["bytes_to_fetch"] == 0 and told["image"]["here"] and told["disk"]["exact"] and "unknown" not in told
        files = by(told["files"], "path")
        assert files["/etc/etcd/etcd.conf"]["action"] == "left alone" and "already exists" in files["/etc/etcd/etcd.conf"]["why"]
        assert files["/usr/local/bin/e1ctl"]["action"] == "made"
        assert told["unit"]["action"] == "made" and "Type=notify" in told["unit"]["new"] and told["unit"]["old"] is None
        assert "/var/lib/e1" in told["tmpfiles"]["new"]
        values = by(told["values"], "name")
        assert (values["ETCD_NAME"]["new"], values["ETCD_NAME"]["new_from"]) == ("first", "set")
        assert (values["ETCD_MAX_WALS"]["new"], values["ETCD_MAX_WALS"]["new_from"]) == ("5", "default")
        assert values["DESTDIR"]["new_from"] == "system"
        assert by(told["privileged_files"], "path")["/usr/bin/su"]["mode"] == "4755"
        untouched.check()
        # and that is what comes
        assert "Nothing in the image uses" not in "".join(told.get("notes", []))
        (note,) = [note for note in plan(bed, "install", "--set=ECTD_NAME=x", f"{ETCD}:1")["notes"] if "Nothing in the image uses" in note]
        assert "the value of ECTD_NAME:" in note and f"sysconsctl info {ETCD}:1" in note
        said = bed.sysconsctl("install", "--name=e1", "--set=ETCD_NAME=first", "--set=ECTD_DATA=x", f"{ETCD}:1").stdout
        assert "Warning: Nothing in the image uses the value of ECTD_DATA:" in said and "ETCD_NAME" not in said
        assert bed.read("/etc/systemd/system/e1.service") == told["unit"]["new"] and bed.read("/etc/tmpfiles.d/e1.conf") == told["tmpfiles"]["new"]
        assert bed.read("/etc/etcd/etcd.conf") == "mine\n" and bed.exists("/usr/local/bin/e1ctl")
    finally:
        bed.run("rm -r /etc/etcd")


def test_a_plan_is_bounded(bed, untouched, tmp_path):
    """Of a list that is too long the beginning is told, of a plan that is too long all the same whole parts are left out; both are named."""
    layer = Layer("many files")
    for number in range(500):
        layer.file(f"exports/hostfs/srv/{number:03}-{'x' * 200}/{'y' * 200}", "")
    images = Derived(tmp_path)
    images.add("many:latest", "hello:1", layer)
    images.finish()
    images.push(bed, "many:latest")
    bed.sysconsctl("pull", "localhost:5000/many")
    untouched.watch()
    told = plan(bed, "install", "localhost:5000/many")
    assert told["not_listed"] == {"files": 100} and "files" in told["left_out"] and "files" not in told and told["unit"]["action"] == "made"
    untouched.check()


def test_what_would_be_refused(installed, untouched):
    bed = installed
    bed.run(f"mkdir {CHECKOUT}/way.0")
    try:
        untouched.watch()
        for words, message in ((["install", "--name=ssh", HELLO], "systemd already has a unit ssh.service"),
                               (["install", "--name=var", HELLO], "/usr/lib/tmpfiles.d/var.conf already exists."),
                               (["install", "--name=way", HELLO], "way.0 is in the way"),
                               (["install", "--name=x", "--pull=never", "localhost:5000/none"], "Image localhost:5000/none:latest not found"),
                               (["install", "--name=x", "--runtime=nonesuch", HELLO], "the runtime nonesuch is not installed"),
                               (["install", "--name=x", "--rootfs=/srv", HELLO], "remote rootfs does not exist")):
            result = bed.sysconsctl("plan", *words, check=False)
            assert result.returncode == 1 and "install would be refused: " in result.stderr, result
            assert message in result.stderr and message in result.stdout
            assert message in plan(bed, *words, check=False)["conflicts"][0]
        assert plan(bed, "install", HELLO)["notes"] == ["hello already present"]
        for words, code in ((["rollback", "hello"], 3), (["update", "nothing"], 3), (["install", "--set=A=b", "--name=.x", HELLO], 1),
                            (["restart", "hello"], 2), (["pull", "localhost:5000/nothing"], 3)):
            assert bed.sysconsctl("plan", *words, check=False).returncode == code, words
        untouched.check()
    finally:
        bed.run(f"rmdir {CHECKOUT}/way.0")


def test_update_and_uninstall(installed, untouched):
    bed = installed
    bed.push("hello:latest=hello:files-2")
    untouched.watch()
    told = plan(bed, "update", "hello")
    assert told["image"]["of_registry"] and [layer["here"] for layer in told["layers"]] == [True, False, False]
    assert 0 < told["image"]["bytes_to_fetch"] < 10_000 and "values" in told["unknown"]
    told = plan(bed, "update", "--pull=never", "hello")
    assert not told["changed"] and told["notes"] == ["Latest version already installed."]
    told = plan(bed, "update", "--pull=never", "--set=PORT=8083", "--unset=RECEIVER", "hello")
    values = by(told["values"], "name")
    assert (values["PORT"]["old"], values["PORT"]["new"], values["PORT"]["new_from"]) == ("8082", "8083", "set")
    assert (values["RECEIVER"]["old"], values["RECEIVER"]["new"], values["RECEIVER"]["new_from"]) == ("secret", "World", "default")
    assert told["service"] == {"unit": "hello.service", "active": True, "enabled": True, "stops": True, "starts": True}
    assert told["unit"]["action"] == "replaced" and f"{CHECKOUT}/hello.0" in told["unit"]["old"] and f"{CHECKOUT}/hello.1" in told["unit"]["new"]
    assert by(told["files"], "path")["/etc/hello/place"]["action"] == "replaced"
    text = bed.sysconsctl("update", "--display", "--pull=never", "--set=PORT=8083", "hello").stdout
    assert f"  -WorkingDirectory={CHECKOUT}/hello.0\n  +WorkingDirectory={CHECKOUT}/hello.1\n" in text and "PORT=8083, now 8082 (set)" in text
    told = plan(bed, "uninstall", "hello")
    assert told["removed_deployments"] == [f"{CHECKOUT}/hello.0"] and told["service"]["stops"] and not told["service"]["starts"]
    assert by(told["files"], "path")["/etc/hello/place"]["action"] == "removed" and told["unit"]["action"] == "removed"
    untouched.check()


def test_rollback_and_prune(installed):
    bed = installed
    bed.push("hello:latest=hello:files-2")
    bed.sysconsctl("update", "--health-timeout=1", "--set=PORT=8083", "hello")
    bed.run("echo mine >>/etc/hello/place")
    bed.run(f"mkdir {CHECKOUT}/lost.1")
    bed.sysconsctl("delete-image", "--force", f"{HELLO}")
    before = state(bed)
    told = plan(bed, "rollback", "hello")
    assert by(told["values"], "name")["PORT"]["new"] == "8082" and told["deployment"]["path"] == f"{CHECKOUT}/hello.0"
    place = by(told["files"], "path")["/etc/hello/place"]
    assert place["action"] == "left alone" and "manually modified" in place["why"]
    told = plan(bed, "prune")
    assert told["deployments"] == ["lost.1"] and told["changed"] and told["refs"]
    assert state(bed) == before
    assert bed.sysconsctl("prune").stdout.splitlines() == ["Deleting lost.1", *[f"Deleting {ref}" for ref in told["refs"]]]
    told = plan(bed, "prune")
    assert not told["changed"]
    bed.sysconsctl("rollback", "--health-timeout=1", "hello")


def test_the_daemon_answers_others_meanwhile(installed):
    bed = installed
    with pytest.raises(Refused, match="There is no plan of this operation"):
        call(bed, ROOT, "Manager", "Plan", "ssa{sv}", "start", "hello", "0")
    with pytest.raises(Refused, match="Unknown option `cpus`"):
        call(bed, ROOT, "Manager", "Plan", "ssa{sv}", "install", HELLO, "1", "cpus", "u", "2")
    # a registry that says nothing, so that the plan takes as long as its caller stays
    bed.run("systemd-run -q --unit=silent python3 -c 'import socket, time; s = socket.create_server((\"127.0.0.1\", 5555)); time.sleep(600)'")
    try:
        bed.run(["systemd-run", "-q", "--unit=asking", "sysconsctl", "plan", "pull", "http:127.0.0.1:5555/slow"])
        wait_until(lambda: '"plan"' in bed.sysconsctl("jobs", "--json").stdout and "running" in bed.sysconsctl("jobs", "--json").stdout)
        assert bed.sysconsctl("list").returncode == 0
        bed.systemctl("stop", "asking")
        wait_until(lambda: '"running"' not in bed.sysconsctl("jobs", "--json").stdout)  # nobody waits for it any more
    finally:
        bed.run("systemctl stop asking silent; systemctl reset-failed", check=False)


def test_who_may_ask(installed):
    bed = installed
    ask = lambda *words, **more: call(bed, ROOT, "Manager", "Plan", "ssa{sv}", *words, **more)  # noqa: E731
    for words, action in ((["install", HELLO], "install"), (["update", "hello"], "update"), (["uninstall", "hello"], "uninstall"),
                          (["rollback", "hello"], "rollback"), (["pull", HELLO], "pull"), (["prune", ""], "manage-images")):
        with pytest.raises(Refused, match=f"org.sysconsd1.{action}"):
            ask(*words, "0", user="alice")
    bed.polkit_rules(rule('action.id == "org.sysconsd1.update" && action.lookup("operation") == "plan"'))
    more = options({"pull": "never"})
    told = json.loads(ask("update", "hello", *more, user="alice")[0]["plan"]["data"])
    assert not told["changed"]
    with pytest.raises(Refused, match="org.sysconsd1.update"):
        call(bed, container("hello"), "Container", "Update", "a{sv}", *more, user="alice")
    with pytest.raises(Refused, match="org.sysconsd1.configure"):
        ask("update", "hello", *options({"pull": "never", "values": {"PORT": "8083"}}), user="alice")
    with pytest.raises(Refused, match="org.sysconsd1.inspect"):
        ask("update", "hello", *options({"pull": "never", "show-values": "yes"}), user="alice")
    # values are for those who may see them
    bed.push("hello:latest=hello:files-2")
    bed.sysconsctl("pull", HELLO)
    reply = str(ask("update", "hello", *more, user="alice"))
    assert "RECEIVER" in reply and "secret" not in reply
    bed.polkit_rules(rule('["update", "inspect"].indexOf(action.id.split(".")[2]) >= 0'))
    assert "secret" in str(ask("update", "hello", *options({"pull": "never", "show-values": "yes"}), user="alice"))
    bed.polkit_rules(rule('["update", "configure"].indexOf(action.id.split(".")[2]) >= 0'))
    assert "secret" in str(ask("update", "hello", *options({"pull": "never", "values": {"PORT": "8083"}}), user="alice"))
