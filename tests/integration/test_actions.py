# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every method with every action that it needs, and with all others but that: real users, the real polkitd."""

import json
import xml.etree.ElementTree as ET

import pytest
from attackers import bring_in, calls, case
from bed import hold, release, wait_until
from sysconsbus import NAME, ROOT, call, container, image, install, pull, run, wait_done

HELLO = "localhost:5000/hello"
FREE = {("Manager", "GetContainer"), ("Manager", "GetImage"), ("Manager", "GetLookaside"), ("Manager", "GetPolicy"), ("Manager", "ListJobs"), ("Manager", "ListLayers"),
        ("Image", "DescribeVariables")}
ACTIONS = {"pull", "import", "install", "update", "configure", "rollback", "uninstall", "manage-images", "control", "mount", "run", "inspect", "trust",
           "cancel"}
RULE = """polkit.addRule(function(action, subject) {
        if (subject.user == "alice" && action.id.indexOf("org.sysconsd1.") == 0 &&
            polkit.spawn(["cat", "/run/grants"]).split("\\n").indexOf(action.id) >= 0)
                return polkit.Result.YES;
});
"""
ANYTHING_GOES = '{"default":[{"type":"insecureAcceptAnything"}]}'


def rows(paths):
    """(interface, method, body, actions, how the job ends; None: it is not waited for). In an order in which each finds what it needs."""
    hello, other, first, second, job = paths
    login = ["credentials", ["s", "user:password"]]
    never = ["pull", ["s", "never"]]
    values = ["values", ["a{ss}", [["RECEIVER", "x"]]]]
    return [
        (job, "Job", "Cancel", "a{sv}", [[]], {"cancel"}, None),
        (ROOT, "Manager", "Pull", "sa{sv}", [HELLO, []], {"pull"}, "done"),
        (ROOT, "Manager", "Pull", "sa{sv}", [HELLO, [["replace", ["s", "yes"]]]], {"import"}, "done"),
        (ROOT, "Manager", "Pull", "sa{sv}", ["http:localhost.invalid:1/hello", []], {"import"}, None),
        (ROOT, "Manager", "Pull", "sa{sv}", ["docker:hello:1", []], {"import"}, "failed"),
        (ROOT, "Manager", "Pull", "sa{sv}", ["docker-archive:", [["file", ["h", "FD:memory"]]]], {"import"}, "failed"),
        (ROOT, "Manager", "Pull", "sa{sv}", ["ostree:x@/srv/none", []], {"import", "configure"}, "failed"),
        (ROOT, "Manager", "CheckLogin", "sa{sv}", ["localhost:5000", [login]], {"pull"}, None),
        (ROOT, "Manager", "Install", "sa{sv}", [HELLO, []], {"install"}, "done"),
        (ROOT, "Manager", "Install", "sa{sv}", [HELLO, [values]], {"install", "configure"}, "done"),
        (ROOT, "Manager", "Install", "sa{sv}", [HELLO, [["runtime", ["s", "runc"]]]], {"install", "configure"}, "done"),
        (ROOT, "Manager", "Install", "sa{sv}", [HELLO, [["rootfs", ["s", "/srv/none"]]]], {"install", "configure"}, "done"),
        (ROOT, "Manager", "Install", "sa{sv}", ["http:localhost.invalid:1/hello", [["name", ["s", "new"]]]], {"install", "import"}, "failed"),
        (ROOT, "Manager", "Plan", "ssa{sv}", ["install", HELLO, [["name", ["s", "new"]]]], {"install"}, None),
        (ROOT, "Manager", "Plan", "ssa{sv}", ["update", "hello", [never]], {"update"}, None),
        (ROOT, "Manager", "Plan", "ssa{sv}", ["update", "hello", [never, values]], {"update", "configure"}, None),
        (ROOT, "Manager", "Plan", "ssa{sv}", ["update", "hello", [never, ["show-values", ["s", "yes"]]]], {"update", "inspect"}, None),
        (ROOT, "Manager", "Plan", "ssa{sv}", ["rollback", "hello", []], {"rollback"}, None),
        (ROOT, "Manager", "Plan", "ssa{sv}", ["uninstall", "hello", []], {"uninstall"}, None),
        (ROOT, "Manager", "Plan", "ssa{sv}", ["pull", HELLO, []], {"pull"}, None),
        (ROOT, "Manager", "Plan", "ssa{sv}", ["prune", "", []], {"manage-images"}, None),
        (ROOT, "Manager", "Run", "sasa{sv}", [HELLO, ["/bin/true"], []], {"run"}, "any"),
        (ROOT, "Manager", "Run", "sasa{sv}", ["hello", ["/bin/true"], []], {"run"}, "any"),
        (ROOT, "Manager", "Run", "sasa{sv}", [HELLO, ["/bin/true"], [values]], {"run", "configure"}, "any"),
        (ROOT, "Manager", "Run", "sasa{sv}", ["hello", [], []], {"control"}, "done"),
        (ROOT, "Manager", "Mount", "ssa{sv}", ["hello", "/mnt", []], {"mount"}, "done"),
        (ROOT, "Manager", "Unmount", "sa{sv}", ["/mnt", []], {"mount"}, "done"),
        (ROOT, "Manager", "Mount", "ssa{sv}", ["hello", "/srv/none", []], {"mount", "configure"}, "failed"),
        (ROOT, "Manager", "SetPolicy", "sa{sv}", [ANYTHING_GOES, []], {"trust"}, "done"),
        (hello, "Container", "Start", "a{sv}", [[]], {"control"}, "done"),
        (hello, "Container", "Restart", "a{sv}", [[]], {"control"}, "done"),
        (hello, "Container", "Stop", "a{sv}", [[]], {"control"}, "done"),
        (hello, "Container", "GetValues", "", [], {"inspect"}, None),
        (hello, "Container", "Update", "a{sv}", [[never]], {"update"}, "done"),
        (hello, "Container", "Update", "a{sv}", [[never, ["unset-values", ["as", ["PORT"]]]]], {"update", "configure"}, "done"),
        (hello, "Container", "Update", "a{sv}", [[never, ["image", ["s", HELLO]]]], {"update", "configure"}, "done"),
        (hello, "Container", "Rollback", "a{sv}", [[]], {"rollback"}, "done"),
        (other, "Container", "Uninstall", "a{sv}", [[]], {"uninstall"}, "done"),
        (first, "Image", "Verify", "a{sv}", [[]], {"manage-images"}, "done"),
        (first, "Image", "Verify", "a{sv}", [[["newer", ["s", "ask"]]]], {"manage-images", "pull"}, "done"),
        (first, "Image", "Tag", "sa{sv}", ["actions:1", []], {"manage-images"}, "done"),
        (first, "Image", "Tag", "sa{sv}", ["localhost:5000/actions:1", []], {"manage-images", "import"}, "done"),
        (first, "Image", "Delete", "a{sv}", [[["name", ["s", "actions:1"]]]], {"manage-images"}, "done"),
        (second, "Image", "Tag", "sa{sv}", [HELLO, [["name", ["s", f"{HELLO}:2"]], ["replace", ["s", "yes"]]]], {"manage-images", "configure"}, "done"),
        (ROOT, "Manager", "Prune", "a{sv}", [[]], {"manage-images"}, "done"),
    ]


@pytest.fixture
def paths(bed):
    """Of two containers, two images, and a job of root's."""
    bring_in(bed)
    bed.polkit_rules(RULE)
    bed.run(": >/run/grants")
    for name in (HELLO, f"{HELLO}:2"):
        wait_done(bed, job := pull(bed, name))
    for name, port in (("hello", "8082"), ("other", "8083")):
        wait_done(bed, install(bed, HELLO, {"name": name, "values": {"PORT": port}}))
    had_policy = bed.run("mv /etc/containers/policy.json /run/policy.json", check=False).returncode == 0
    pictures = [call(bed, ROOT, "Manager", "GetImage", "s", name)[0] for name in (HELLO, f"{HELLO}:2")]
    yield (container("hello"), container("other"), *pictures, job)
    bed.run("mv /run/policy.json /etc/containers/policy.json" if had_policy else "rm -f /etc/containers/policy.json")
    for name in ("localhost:5000/actions:1", f"{HELLO}:2"):
        bed.sysconsctl("delete-image", "--force", name, check=False)
    bed.run("rm -f /run/grants; rm -rf /srv/attackers")


def test_every_action_of_every_method(bed, paths):
    table = rows(paths)
    tried = [case(path, interface, member, signature, body, user=user, grants=sorted(grants), wait=end is not None and user == "alice" and grants == needed)
             for path, interface, member, signature, body, needed, end in table
             for user, grants in (("alice", set()), ("carol", ACTIONS), *(("alice", ACTIONS - {action}) for action in needed), ("alice", needed))]
    outcomes = iter(calls(bed, tried))
    for _, interface, member, _, body, needed, end in table:
        what = f"{interface}.{member} {body}"
        for _ in ("nothing", "somebody else"):
            error, message = next(outcomes)[:2]
            assert error == "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", f"{what}: {error}: {message}"
            assert any(f"org.sysconsd1.{action})" in message for action in needed), f"{what}: {message}"
        for action in needed:
            error, message = next(outcomes)[:2]
            assert error and f"(action org.sysconsd1.{action})" in str(message), f"{what} without {action}: {error}: {message}"
        error, *rest = next(outcomes)
        refused = error and ("Authorization" in error or "AccessDenied" in error)
        assert not refused and (end is None or (not error and end in (rest[1], "any"))), f"{what} with {needed}: {error}: {rest}"
    assert {action for *_, needed, _ in table for action in needed} == ACTIONS


def test_no_method_is_missing_in_the_table(bed, paths):
    live = set()
    for path in (ROOT, *paths):
        document = ET.fromstring(run(bed, "call", NAME, path, "org.freedesktop.DBus.Introspectable", "Introspect")[0])
        live |= {(interface.get("name").removeprefix("org.sysconsd1."), method.get("name")) for interface in document.findall("interface")
                 if interface.get("name").startswith("org.sysconsd1.") for method in interface.findall("method")}
    assert live == FREE | {(interface, member) for _, interface, member, *_ in rows(paths)}
    policy = ET.fromstring(bed.read("/usr/share/polkit-1/actions/org.sysconsd1.policy"))
    assert {action.get("id").removeprefix("org.sysconsd1.") for action in policy.findall("action")} == ACTIONS


FORGED = r"""
import json, sys
sys.path.insert(0, "/srv/attackers")
from dbuswire import SIGNAL, Bus
bus = Bus()
for path, interface, member, signature, body in json.load(sys.stdin):
    bus.send(path, interface, member, signature, body, kind=SIGNAL)
bus.call("/org/sysconsd1", "org.freedesktop.DBus.Properties", "Get", "ss", ["org.sysconsd1.Manager", "Version"])
"""
SLOW = r"""
import sys
sys.path.insert(0, "/srv/attackers")
from dbuswire import Bus
bus = Bus()
job = bus.call("/org/sysconsd1/container/hello", "org.sysconsd1.Container", "Start", "a{sv}", [[["cancel-on-disconnect", ["s", "yes"]]]])[0]
print(bus.name, job, flush=True)
sys.stdin.read()
bus.receive(600)
"""


def test_signals_of_nobody(bed, paths):
    """Anybody may send a signal to the daemon that looks like the bus's, or systemd's."""
    bed.write("/srv/attackers/forged.py", FORGED)
    bed.write("/srv/attackers/slow.py", SLOW)
    hold(bed, "hello")
    bed.run("mkfifo /run/slow.in; setsid sh -c 'exec python3 /srv/attackers/slow.py <>/run/slow.in >/run/slow.out 2>&1' & echo $! >/run/slow.pid", timeout=10)
    try:
        name, job = wait_until(lambda: bed.read("/run/slow.out").split())
        wait_until(lambda: state_of(bed, job) == "running")
        unit = f"/org/freedesktop/systemd1/unit/sysconsd_2djob_2d{job.rsplit('/', 1)[1]}_2eservice"
        properties = "org.freedesktop.DBus.Properties"
        signals = [("/org/freedesktop/DBus", "org.freedesktop.DBus", "NameOwnerChanged", "sss", [name, name, ""]),
                   ("/org/freedesktop/systemd1/unit/hello_2eservice", properties, "PropertiesChanged", "sa{sv}as",
                    ["org.freedesktop.systemd1.Unit", [["ActiveState", ["s", "failed"]], ["SubState", ["s", "failed"]]], []]),
                   (unit, properties, "PropertiesChanged", "sa{sv}as", ["org.freedesktop.systemd1.Service", [["Result", ["s", "success"]]], []])]
        bed.run(["python3", "/srv/attackers/forged.py"], user="alice", stdin=json.dumps(signals))
        # what alice has sent was read before her question was answered
        assert state_of(bed, job) == "running"
        assert run(bed, "get-property", NAME, container("hello"), "org.sysconsd1.Container", "State") == "inactive"
    finally:
        release(bed)
        bed.run("kill $(cat /run/slow.pid); rm -f /run/slow.*", check=False)


def state_of(bed, job):
    return run(bed, "get-property", NAME, job, "org.sysconsd1.Job", "State")
