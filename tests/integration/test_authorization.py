# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who may do what: the real polkitd decides, unprivileged users ask."""

import json
import xml.etree.ElementTree as ET

import pytest
from bed import CHECKOUT, hold, release, wait_until
from sysconsbus import NAME, ROOT, Refused, call, container, get, install, objects, options, pull, run, state, verb, wait_done, wait_over

HELLO = "localhost:5000/hello"
FREE = {"GetContainer", "GetImage", "GetLookaside", "GetPolicy", "ListJobs", "ListLayers", "DescribeVariables"}  # they read


@pytest.fixture
def hello(bed):
    wait_done(bed, pull(bed, HELLO))
    wait_done(bed, install(bed, HELLO, {"values": {"PORT": "8082", "RECEIVER": "secret"}}))
    wait_done(bed, install(bed, HELLO, {"name": "other", "values": {"PORT": "8083"}}))
    return bed


@pytest.fixture
def configured(bed):
    def configure(text):
        bed.write("/etc/sysconsd.conf.d/60-test.conf", text)
        bed.systemctl("restart", "sysconsd")
    yield configure
    bed.run(["rm", "-f", "/etc/sysconsd.conf.d/60-test.conf"])
    bed.systemctl("restart", "sysconsd")


def refused(bed, error, *arguments, **more):
    with pytest.raises(Refused) as refusal:
        verb(bed, *arguments, **more)
    assert refusal.value.error == error, refusal.value
    return refusal.value.message


def rule(condition, user="alice", result="YES"):
    return ('polkit.addRule(function(action, subject) { if (action.id.indexOf("org.sysconsd1.") == 0 && '
            f'subject.user == "{user}" && ({condition})) return polkit.Result.{result}; }});\n')


def words_for(method, signature):
    # an image in use is refused to everybody without this
    values = options({"force": "yes"}) if method == "Delete" else options()
    name = {"Tag": "alices:1", "Unmount": "/mnt"}.get(method, HELLO)
    return {"": [], "a{sv}": values, "sa{sv}": [name, *values], "sasa{sv}": [name, "1", "id", *values], "ssa{sv}": ["install" if method == "Plan" else HELLO, HELLO if method == "Plan" else "/mnt", *values]}[signature]


def test_every_mutating_method_is_guarded(hello):
    """Through the introspection of every object: what is not known to read is refused to somebody without an authorization."""
    bed = hello
    job = pull(bed, "localhost:5000/etcd")
    wait_done(bed, job)
    seen = set()
    before = sorted(objects(bed))
    # one of each kind, the job first: it is there for a minute
    for path in [job, ROOT, container("hello"), next(path for path in before if path.startswith(f"{ROOT}/image/"))]:
        live = ET.fromstring(run(bed, "call", NAME, path, "org.freedesktop.DBus.Introspectable", "Introspect")[0])
        for interface in live.findall("interface"):
            if not interface.get("name").startswith("org.sysconsd1."):
                continue
            for method in interface.findall("method"):
                name = method.get("name")
                if name in FREE or (interface.get("name"), name) in seen:
                    continue
                seen.add((interface.get("name"), name))
                signature = "".join(a.get("type") for a in method.findall("arg") if a.get("direction") == "in")
                with pytest.raises(Refused) as refusal:
                    run(bed, "call", NAME, path, interface.get("name"), name, *([signature] if signature else []),
                        *words_for(name, signature), user="alice")
                assert refusal.value.error == "InteractiveAuthorizationRequired", f"{name}: {refusal.value}"
    assert {name for _, name in seen} >= {"Pull", "Install", "Plan", "Run", "Prune", "Delete", "Update", "Rollback", "Uninstall", "Start", "Stop",
                                          "Restart", "GetValues", "Cancel"}
    assert set(objects(bed)) <= set(before)


def test_root_needs_no_polkit(hello):
    bed = hello
    bed.run("systemctl mask --runtime polkit; systemctl stop polkit")
    try:
        wait_done(bed, verb(bed, container("hello"), "Container", "Start"))
        refused(bed, "AccessDenied", container("hello"), "Container", "Stop", user="alice")
        assert get(bed, container("hello"), "Container", "State", user="alice") == "running"
    finally:
        bed.run("systemctl unmask --runtime polkit; systemctl start polkit")


def test_rule_for_one_container(hello):
    bed = hello
    bed.polkit_rules(rule('action.lookup("container") == "hello" && (action.id == "org.sysconsd1.update" || action.id == "org.sysconsd1.control")'))
    wait_done(bed, verb(bed, container("hello"), "Container", "Start", user="alice"))
    wait_done(bed, verb(bed, container("hello"), "Container", "Update", user="alice"))
    for path, method, user in ((container("other"), "Start", "alice"), (container("other"), "Update", "alice"),
                               (container("hello"), "Uninstall", "alice"), (container("hello"), "Rollback", "alice"),
                               (container("hello"), "Start", "carol")):
        refused(bed, "InteractiveAuthorizationRequired", path, "Container", method, user=user)


@pytest.mark.parametrize("values", [{"values": {"PORT": "1"}}, {"unset-values": ["PORT"]}, {"image": "localhost:5000/etcd"}])
def test_values_and_image_are_configuration(hello, values):
    bed = hello
    bed.polkit_rules(rule('action.id == "org.sysconsd1.update"'))
    message = refused(bed, "InteractiveAuthorizationRequired", container("hello"), "Container", "Update", values, user="alice")
    assert "org.sysconsd1.configure" in message


@pytest.mark.parametrize("values", [{"values": {"PORT": "1"}}, {"runtime": "crun"}, {"rootfs": "/srv"}])
def test_install_with_configuration(bed, values):
    bed.polkit_rules(rule('action.id == "org.sysconsd1.install"'))
    with pytest.raises(Refused, match="org.sysconsd1.configure"):
        install(bed, HELLO, {"name": "mine", **values}, user="alice")
    wait_done(bed, install(bed, HELLO, {"name": "mine"}, user="alice"))


def test_details_for_rules(bed):
    bed.polkit_rules('polkit.addRule(function(action, subject) { if (action.id.indexOf("org.sysconsd1.") == 0) '
                     'polkit.log("seen " + ["container", "image", "operation", "source"].map(function(k) { return action.lookup(k); }).join(" ")); });')
    bed.run("mkdir -p /run/systemd/system/polkit.service.d; printf '[Service]\\nExecStart=\\nExecStart=/usr/lib/polkit-1/polkitd\\n' "
            ">/run/systemd/system/polkit.service.d/log.conf; systemctl daemon-reload; systemctl restart polkit")
    try:
        cursor = bed.cursor()
        for image, values, seen in ((HELLO, {"name": "web"}, f"seen web {HELLO}:latest install registry"),
                                    (f"http:{HELLO}:2", {}, f"seen hello-2 {HELLO}:2 install registry-insecure")):
            with pytest.raises(Refused):
                install(bed, image, {**values, "pull": "always"}, user="alice")
            wait_until(lambda: seen in bed.journal(after=cursor))
    finally:
        bed.run("rm -r /run/systemd/system/polkit.service.d; systemctl daemon-reload; systemctl restart polkit")


def test_http_from_elsewhere_is_import(bed):
    bed.polkit_rules(rule('action.id == "org.sysconsd1.pull" || action.id == "org.sysconsd1.install"'))
    for image in ("http:192.0.2.1:5000/hello", "http:registry.example.com/hello"):
        with pytest.raises(Refused, match="org.sysconsd1.import"):
            pull(bed, image, user="alice")
        with pytest.raises(Refused, match="org.sysconsd1.import"):
            install(bed, image, user="alice")
    bed.push("plain:1=hello:1")
    wait_done(bed, pull(bed, "http:localhost:5000/plain:1", user="alice"))  # this host itself
    bed.sysconsctl("delete-image", "localhost:5000/plain:1")  # a name of an image that others look at
    bed.polkit_rules(rule('action.id == "org.sysconsd1.import"'))
    assert wait_over(bed, pull(bed, "http:localhost.invalid:1/hello", user="alice")) == "failed"
    with pytest.raises(Refused, match="org.sysconsd1.pull"):
        pull(bed, HELLO, user="alice")


def test_settings_are_asked_before_each_fetch(bed):
    """What registries.conf has just stopped to call insecure is fetched by nobody who may only pull: by no method."""
    settings, name = "/etc/containers/registries.conf.d/50-insecure.conf", "registry.example:5000/hello"
    bed.run("cp /etc/hosts /run/hosts; echo 127.0.0.1 registry.example >>/etc/hosts")
    insecure = '[[registry]]\nlocation = "registry.example:5000"\ninsecure = true\n'
    try:
        bed.write(settings, insecure)
        wait_done(bed, pull(bed, f"http:{name}"))
        picture = call(bed, ROOT, "Manager", "GetImage", "s", name)[0]
        bed.polkit_rules(rule('action.id == "org.sysconsd1.pull" || action.id == "org.sysconsd1.manage-images"'))
        ask = {
            "Verify": lambda: verb(bed, picture, "Image", "Verify", {"newer": "ask", "name": name}, user="alice"),
            "Pull": lambda: pull(bed, f"http:{name}", user="alice")}
        for method, question in ask.items():
            bed.write(settings, insecure)
            wait_over(bed, question())
            bed.write(settings, "")
            with pytest.raises(Refused, match="org.sysconsd1.import"):
                question()
                pytest.fail(f"{method} went by settings of before")
    finally:
        bed.run(f"rm -f {settings}; cp /run/hosts /etc/hosts")
        bed.sysconsctl("delete-image", "--force", f"http:{name}", check=False)
        bed.sysconsctl("delete-image", "--force", name, check=False)


def test_values_are_secret(hello):
    bed = hello
    with pytest.raises(Refused, match="org.sysconsd1.inspect"):
        call(bed, container("hello"), "Container", "GetValues", user="alice")
    assert "secret" not in str(objects(bed, user="alice"))
    assert call(bed, container("hello"), "Container", "GetValues")[0]["RECEIVER"] == "secret"
    bed.polkit_rules(rule('action.id == "org.sysconsd1.inspect" && action.lookup("container") == "hello"'))
    assert call(bed, container("hello"), "Container", "GetValues", user="alice")[0]["RECEIVER"] == "secret"
    with pytest.raises(Refused, match="org.sysconsd1.inspect"):
        call(bed, container("other"), "Container", "GetValues", user="alice")


def test_own_jobs_are_ones_own(hello):
    bed = hello
    bed.polkit_rules(rule('action.id == "org.sysconsd1.control"'))
    hold(bed, "hello")
    try:
        job = verb(bed, container("hello"), "Container", "Start", user="alice")
        assert get(bed, job, "Job", "StartedBy") == 1000
        wait_until(lambda: state(bed, job) == "running")
        message = refused(bed, "InteractiveAuthorizationRequired", job, "Job", "Cancel", user="carol")
        assert "org.sysconsd1.cancel" in message
        assert state(bed, job) == "running"
        verb(bed, job, "Job", "Cancel", user="alice")
        assert wait_over(bed, job) == "cancelled"
        job = verb(bed, container("hello"), "Container", "Start", user="alice")
        bed.polkit_rules(rule('action.id == "org.sysconsd1.cancel"', user="carol"))
        verb(bed, job, "Job", "Cancel", user="carol")
        assert wait_over(bed, job) == "cancelled"
    finally:
        release(bed)


def test_refusals_are_in_the_journal(hello):
    bed = hello
    cursor = bed.cursor()
    refused(bed, "InteractiveAuthorizationRequired", container("hello"), "Container", "Update", user="alice")
    expected = {"MESSAGE": "Refused update of hello to user 1000", "SYSCONSD_CONTAINER": "hello", "SYSCONSD_UID": "1000",
                "SYSCONSD_OPERATION": "update"}
    entries = ["journalctl", "-q", "-o", "json", f"--after-cursor={cursor}"]
    wait_until(lambda: any(expected.items() <= json.loads(line).items() for line in bed.output(entries).splitlines()))


# ---- dialogs

DIALOG = r"""
set timeout 20
log_user 0
spawn machinectl -q shell %(user)s@ /bin/bash --norc
expect -re {[$#] }
send "%(command)s; echo STATUS=\$?\r"
expect {
        "AUTHENTICATING FOR" { }
        -re {STATUS=\d+\r} { puts "no dialog"; exit 73 }
        timeout { puts "no dialog"; exit 73 }
}
%(rest)s
"""
# The agent throws away what was typed before it had turned the echo off: whoever types quicker than that types again.
ANSWER = r"""
set password %s
expect {
        -re {\(1-\d+\): *$} { send "1\r"; exp_continue }
        -re {Password: *$} { send "$password\r" }
        timeout { puts "no prompt"; exit 74 }
}
set timeout 4
set tries 0
expect {
        -re {STATUS=(\d+)\r} { exit $expect_out(1,string) }
        timeout {
                if {[incr tries] > 5} { puts "no end"; exit 75 }
                send "$password\r"
                exp_continue
        }
}
"""


def dialog(bed, user, command, rest):
    bed.write("/run/dialog.exp", DIALOG % {"user": user, "command": command, "rest": rest})
    return bed.run(["expect", "/run/dialog.exp"], check=False)


def test_dialog_answered(hello):
    bed = hello
    assert dialog(bed, "alice", "sysconsctl start hello", ANSWER % "bob").returncode == 0
    wait_until(lambda: get(bed, container("hello"), "Container", "State") == "running")
    assert dialog(bed, "alice", "sysconsctl stop hello", ANSWER % "wrong").returncode == 4
    assert get(bed, container("hello"), "Container", "State") == "running"


def test_caller_vanishes_while_the_dialog_is_open(hello, configured):
    bed = hello
    configured("[Daemon]\nMaxJobsPerUser=1\n")
    jobs = call(bed, ROOT, "Manager", "ListJobs")
    waiting = r"""
exec touch /run/dialog.open
expect { eof { exit 0 } timeout { exit 0 } }
"""
    bed.write("/run/dialog.exp", DIALOG % {"user": "alice", "command": "sysconsctl start hello", "rest": waiting})
    bed.run("rm -f /run/dialog.open; setsid expect /run/dialog.exp >/dev/null 2>&1 &", timeout=10)
    wait_until(lambda: bed.exists("/run/dialog.open"))
    # one request waits, which is all that she may have
    refused(bed, "Busy", container("hello"), "Container", "Start", user="alice")
    refused(bed, "InteractiveAuthorizationRequired", container("hello"), "Container", "Start", user="carol")
    assert get(bed, container("hello"), "Container", "State", user="alice") == "inactive"  # nobody else is kept waiting
    bed.run("pkill -x sysconsctl")
    wait_until(lambda: not is_busy(bed))
    assert call(bed, ROOT, "Manager", "ListJobs") == jobs
    bed.run("pkill expect", check=False)
    assert get(bed, container("hello"), "Container", "State") == "inactive"


def is_busy(bed):
    with pytest.raises(Refused) as refusal:
        verb(bed, container("hello"), "Container", "Start", user="alice")
    return refusal.value.error == "Busy"


def test_object_that_goes_while_the_dialog_is_open(hello):
    bed = hello
    gone = r"""
exec sysconsctl uninstall hello
""" + ANSWER % "bob"
    result = dialog(bed, "alice", "sysconsctl start hello", gone)
    assert result.returncode == 3, result.stdout  # There is no container hello
    with pytest.raises(Refused) as refusal:
        call(bed, ROOT, "Manager", "GetContainer", "s", "hello")
    assert refusal.value.error == "NotFound"


def test_dialogs_are_limited(hello):
    """Those of all users together: the daemon waits for systemd's answers on the same connection."""
    bed = hello
    bed.systemctl("start", "polkit")
    bed.systemctl("kill", "--signal=STOP", "polkit")
    ask = "busctl --timeout=60 --allow-interactive-authorization=yes call org.sysconsd1 /org/sysconsd1 org.sysconsd1.Manager Prune a{sv} 0"
    try:
        bed.run(f"for user in alice carol bob; do for i in $(seq 30); do setpriv --reuid=$user --regid=$user --init-groups {ask} & done; done "
                ">/run/dialogs.log 2>&1", timeout=10)
        wait_until(lambda: bed.read("/run/dialogs.log").count("Too many users are asked for their passwords") == 90 - 64)
        wait_done(bed, verb(bed, container("hello"), "Container", "Stop"))  # root is not asked
    finally:
        bed.run("pkill -u alice,carol,bob busctl; rm -f /run/dialogs.log", check=False)
        bed.systemctl("kill", "--signal=CONT", "polkit")


def test_users_are_limited(hello, configured):
    bed = hello
    configured("[Daemon]\nMaxJobsPerUser=1\n")
    bed.polkit_rules(rule("true") + rule("true", user="carol"))
    hold(bed, "hello")
    try:
        first = verb(bed, container("hello"), "Container", "Start", user="alice")
        wait_until(lambda: state(bed, first) == "running")
        message = refused(bed, "Busy", container("other"), "Container", "Start", user="alice")
        assert "cancel one" in message
        wait_done(bed, verb(bed, container("other"), "Container", "Start", user="carol"))
        wait_done(bed, verb(bed, container("other"), "Container", "Stop"))
    finally:
        release(bed)
    wait_done(bed, first)
