# SPDX-License-Identifier: LGPL-2.1-or-later
"""The contract of dbus/*.xml on the real bus: what is published, what is refused, how jobs go."""

import json
import time
import xml.etree.ElementTree as ET

import pytest
from bed import CHECKOUT, hold, release, wait_until
from derived import Derived
from sysconsbus import (INTERFACES, NAME, ROOT, Monitor, Refused, call, container, get, image, install, objects, options, pull, run, state,
                        verb, wait_done, wait_over)

HELLO = "localhost:5000/hello"


def number_of(job):
    return int(job.rsplit("/", 1)[1])


@pytest.fixture
def hello(bed):
    wait_done(bed, pull(bed, HELLO))
    wait_done(bed, install(bed, HELLO, {"values": {"PORT": "8082"}}))
    return bed


@pytest.fixture
def configured(bed):
    """A daemon with other settings; the usual ones afterwards."""
    def configure(text):
        bed.write("/etc/sysconsd.conf.d/60-test.conf", text)
        bed.systemctl("restart", "sysconsd")
    yield configure
    bed.run(["rm", "-f", "/etc/sysconsd.conf.d/60-test.conf"])
    bed.systemctl("restart", "sysconsd")


@pytest.fixture
def monitor(hello):
    monitor = Monitor(hello)
    yield monitor
    monitor.stop()


# ---- the contract


def shape(interface):
    """Methods, properties and signals of an interface's XML, comparable."""
    def arguments(member):
        return [(a.get("name"), a.get("type"), a.get("direction", "out")) for a in member.findall("arg")]
    return ({m.get("name"): arguments(m) for m in interface.findall("method")},
            {p.get("name"): (p.get("type"), p.get("access")) for p in interface.findall("property")},
            {s.get("name"): arguments(s) for s in interface.findall("signal")})


def test_introspection_is_the_contract(hello):
    bed = hello
    job = verb(bed, container("hello"), "Container", "Stop")
    published = objects(bed)
    examples = {"Manager": ROOT, "Container": container("hello"), "Job": job,
                "Image": next(path for path, interfaces in published.items() if "Image" in interfaces)}
    for name, path in examples.items():
        contract = ET.parse(INTERFACES / f"org.sysconsd1.{name}.xml").find("interface")
        live = ET.fromstring(run(bed, "call", NAME, path, "org.freedesktop.DBus.Introspectable", "Introspect")[0])
        found = [i for i in live.findall("interface") if i.get("name") == f"org.sysconsd1.{name}"]
        assert len(found) == 1 and shape(found[0]) == shape(contract)
        ours = [i.get("name") for i in live.findall("interface") if i.get("name").startswith("org.sysconsd1.")]
        assert ours == [f"org.sysconsd1.{name}"]
        assert path == ROOT or path in published  # the object manager knows what is below it


def test_objects_and_their_properties(hello):
    bed = hello
    published = objects(bed, user="alice")  # reading is free
    properties = published[container("hello")]["Container"]
    assert properties["Name"] == "hello" and properties["Image"] == f"{HELLO}:latest" and properties["Unit"] == "hello.service"
    assert properties["State"] == "inactive" and properties["Deployment"] == 0 and properties["Previous"] == ""
    assert properties["Path"] == f"{CHECKOUT}/hello.0" and properties["Preinstalled"] is False and properties["Created"] > 0
    picture = published[image(properties["ImageId"])]["Image"]
    assert picture["Names"] == [f"{HELLO}:latest"] and picture["Id"] == properties["ImageId"] and picture["UsedBy"] == ["hello"]
    assert picture["Size"] > 0 and len(picture["Layers"]) == 2 and picture["Dangling"] is False
    assert get(bed, ROOT, "Manager", "CheckoutPath", user="alice") == CHECKOUT
    assert get(bed, ROOT, "Manager", "Repository", user="alice") == f"{CHECKOUT}/.storage/ostree"
    defaults, required = call(bed, image(properties["ImageId"]), "Image", "DescribeVariables", user="alice")
    assert defaults["RECEIVER"] == "World" and required == []
    assert call(bed, ROOT, "Manager", "GetContainer", "s", "hello", user="alice") == [container("hello")]
    for name in (HELLO, f"{HELLO}:latest", properties["ImageId"], properties["ImageId"][:8]):
        assert call(bed, ROOT, "Manager", "GetImage", "s", name, user="alice") == [image(properties["ImageId"])]


def test_all_objects_at_once(hello):
    """One answer has what each object says for itself: but for the job's message, which is for whoever asks."""
    bed = hello
    bed.sysconsctl("tag", HELLO, "another")
    wait_done(bed, pull(bed, HELLO))
    published = objects(bed, user="alice")
    kinds = {"container": "Container", "image": "Image", "job": "Job"}
    assert {path.removeprefix(f"{ROOT}/").split("/")[0] for path in published} == set(kinds)
    for path, interfaces in published.items():
        (interface, properties), = interfaces.items()
        assert interface == kinds[path.removeprefix(f"{ROOT}/").split("/")[0]]
        try:
            own = run(bed, "call", NAME, path, "org.freedesktop.DBus.Properties", "GetAll", "s", f"org.sysconsd1.{interface}", user="alice")[0]
        except Refused:  # a job that is over goes after a while
            assert interface == "Job" and path not in objects(bed, user="alice")
            continue
        assert properties == {name: value["data"] for name, value in own.items()}, path
    with pytest.raises(Refused):
        run(bed, "call", NAME, ROOT, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", "s", "too much")


def test_one_label_does_not_spoil_the_list_of_all(bed, tmp_path):
    """JSON may hold characters that the bus lets nobody send."""
    images = Derived(tmp_path)
    images.add_packed("odd:latest", "hello:1", [], labels={"odd": "\ufffe-\ufdd0-\u00fc", "good": "\u00fc"})
    images.finish()
    images.push(bed, "odd:latest")
    bed.sysconsctl("pull", "localhost:5000/odd")
    try:
        labels, = (interfaces["Image"]["Labels"] for interfaces in objects(bed, user="alice").values()
                   if "localhost:5000/odd:latest" in interfaces.get("Image", {}).get("Names", []))
        assert labels["odd"] == "???-???-??" and labels["good"] == "\u00fc"
        assert "odd" in bed.sysconsctl("images").stdout
    finally:
        bed.sysconsctl("delete-image", "localhost:5000/odd")


@pytest.mark.parametrize("method,signature,words,error,text", [
    ("GetContainer", "s", ["nobody"], "NotFound", "There is no container nobody"),
    ("GetContainer", "s", ["../etc"], "InvalidArgument", "../etc"),
    ("GetImage", "s", ["nothing"], "NotFound", "Image nothing:latest not found"),
    ("GetImage", "s", ["012"], "NotFound", "not found"),
    ("Pull", "sa{sv}", ["Not An Image", "0"], "InvalidReference", "Not An Image"),
    ("Pull", "sa{sv}", [HELLO, "1", "speed", "s", "high"], "InvalidArgument", "`speed`"),
    ("Pull", "sa{sv}", [HELLO, "1", "cancel-on-disconnect", "b", "true"], "InvalidArgument", "`cancel-on-disconnect` has type s, not b"),
    ("Install", "sa{sv}", [HELLO, "1", "name", "s", ""], "InvalidArgument", "name"),
    ("Install", "sa{sv}", [HELLO, "1", "values", "a{ss}", "1", "A", "x\ny"], "InvalidArgument", "control characters"),
    ("Install", "sa{sv}", [HELLO, "1", "start", "s", "soon"], "InvalidArgument", "one of: no, now"),
    ("Prune", "a{sv}", ["1", "force", "s", "yes"], "InvalidArgument", "`force`"),
])
def test_bad_calls_are_refused_by_name(bed, method, signature, words, error, text):
    for user in (None, "alice"):  # a call that makes no sense is no matter for polkit
        with pytest.raises(Refused, match=text.replace("(", "\\(")) as refusal:
            call(bed, ROOT, "Manager", method, signature, *words, user=user)
        assert refusal.value.error == error


def test_no_such_objects(hello):
    for path, interface, method in ((container("nobody"), "Container", "Stop"), (image("0" * 64), "Image", "Delete"),
                                    (f"{ROOT}/job/999999", "Job", "Cancel"), (f"{ROOT}/job/_31", "Job", "Cancel")):
        with pytest.raises(Refused) as refusal:
            verb(hello, path, interface, method)
        assert refusal.value.error in ("UnknownObject", "UnknownMethod")


# ---- jobs


def test_signals_of_a_job(monitor):
    bed = monitor.bed
    job = verb(bed, container("hello"), "Container", "Start")
    finished = monitor.wait(job, "Job.Finished")
    assert finished[0][0] == "done"
    names = [(path, member) for path, member, _ in monitor.signals()]
    assert names.index((ROOT, "ObjectManager.InterfacesAdded")) < names.index((ROOT, "Manager.JobNew")) < names.index((job, "Job.Finished"))
    monitor.wait(ROOT, "Manager.JobRemoved")
    # whoever hears the end finds the effect
    states = [index for index, (path, member, data) in enumerate(monitor.signals())
              if path == container("hello") and member == "Properties.PropertiesChanged" and "State" in data[1]]
    assert states and states[0] < names.index((job, "Job.Finished"))
    assert get(bed, container("hello"), "Container", "State") == "running"
    assert get(bed, job, "Job", "Operation") == "start" and get(bed, job, "Job", "StartedBy") == 0
    assert state(bed, job) == "done"  # readable for a while
    assert job in call(bed, ROOT, "Manager", "ListJobs", user="alice")[0]


@pytest.mark.parametrize("point,result", [("", "done"), ("enable error\n", "failed")])
def test_what_is_for_the_daemon_alone(monitor, point, result):
    """That it is to have systemd read its units again."""
    bed = monitor.bed
    bed.write("/run/sysconsd/failpoint", point)
    try:
        job = install(bed, HELLO, {"name": "second", "values": {"PORT": "8083"}})
        data = monitor.wait(job, "Job.Finished")[0]
        assert data[0] == result and data[1]["container"]["data"] == "second" and "reload" not in data[1]
    finally:
        bed.run("rm /run/sysconsd/failpoint")


def test_state_follows_the_unit(monitor):
    bed = monitor.bed
    for command, word in (("start", "running"), ("stop", "inactive")):
        bed.systemctl(command, "hello")
        wait_until(lambda: get(bed, container("hello"), "Container", "State") == word)
        # a service that is stopped before its container is there has failed, and says so
        wait_until(lambda: word != "running" or bed.run("runc state hello", check=False).returncode == 0)
    monitor.catch_up()
    told = [data[1]["State"]["data"] for path, _, data in monitor.signals() if path == container("hello") and len(data) > 1 and "State" in data[1]]
    assert told == ["running", "inactive"]


def test_lines_are_for_who_asked(monitor):
    bed = monitor.bed
    assert "systemctl disable hello" in bed.sysconsctl("uninstall", "hello").stdout
    job = call(bed, ROOT, "Manager", "ListJobs")[0][-1]
    monitor.wait(job, "Job.Finished")
    lines = [m for m in monitor.messages() if m["member"] == "Log"]
    assert lines and all(m.get("destination", "").startswith(":") for m in lines)
    for user in (None, "alice"):  # other connections, root's among them, are told nothing
        assert get(bed, job, "Job", "Message", user=user) == ""
    assert "Message" not in objects(bed)[job]["Job"]


def two_alive(bed):
    # in one call: a job that is forgotten between two would be an error
    alive = [path for path, interfaces in objects(bed).items() if interfaces.get("Job", {}).get("State") in ("running", "queued")]
    alive.sort(key=lambda path: int(path.rsplit("/", 1)[1]))
    return alive if len(alive) == 2 else None


def test_jobs_of_a_container_queue(hello):
    bed = hello
    hold(bed, "hello")
    try:
        # sysconsctl stays connected: whoever goes while his job waits takes it with him
        bed.run("setsid sysconsctl start hello >/run/start.log 2>&1 & setsid sysconsctl stop hello >/run/stop.log 2>&1 &", timeout=10)
        jobs = wait_until(lambda: two_alive(bed))
        assert sorted(state(bed, job) for job in jobs) == ["queued", "running"]
        assert state(bed, jobs[0]) == "running"
    finally:
        release(bed)
    for job in jobs:
        wait_done(bed, job)


def test_caller_who_goes_takes_his_waiting_job_along(hello):
    bed = hello
    hold(bed, "hello")
    try:
        running = verb(bed, container("hello"), "Container", "Start")
        waiting = verb(bed, container("hello"), "Container", "Stop")
        assert wait_over(bed, waiting) == "cancelled"
        assert state(bed, running) == "running"
    finally:
        release(bed)
    wait_done(bed, running)


def test_cancel_on_disconnect(hello):
    bed = hello
    hold(bed, "hello")
    try:
        job = verb(bed, container("hello"), "Container", "Start", {"cancel-on-disconnect": "yes"})
        assert wait_over(bed, job) == "cancelled"
        assert get(bed, job, "Job", "Error") == ["", ""]
        wait_until(lambda: bed.output("systemctl list-units --no-legend --plain 'sysconsd-job-*'") == "")
    finally:
        release(bed)


def test_cancel(hello):
    bed = hello
    hold(bed, "hello")
    try:
        job = verb(bed, container("hello"), "Container", "Start")
        wait_until(lambda: state(bed, job) == "running")
        verb(bed, job, "Job", "Cancel")
        assert wait_over(bed, job) == "cancelled"
        verb(bed, job, "Job", "Cancel")  # one that is over stays as it is
        assert state(bed, job) == "cancelled"
    finally:
        release(bed)


def test_failed_job_says_why(bed):
    job = pull(bed, "localhost:5000/no-such-image")
    assert wait_over(bed, job) == "failed"
    name, message = get(bed, job, "Job", "Error")
    assert name == "org.sysconsd1.Error.NotFound" and "localhost:5000/no-such-image" in message


def test_jobs_outlive_the_daemon(hello):
    bed = hello
    hold(bed, "hello")
    try:
        job = verb(bed, container("hello"), "Container", "Start")
        wait_until(lambda: state(bed, job) == "running")
        bed.systemctl("restart", "sysconsd")
        assert state(bed, job) == "running"
        assert get(bed, job, "Job", "Operation") == "start" and get(bed, job, "Job", "Subject") == "hello"
        # stopped, not restarted: socket and record are gone, the unit's name is all there is
        bed.systemctl("stop", "sysconsd")
        bed.systemctl("start", "sysconsd")
        assert state(bed, job) == "running"
        assert get(bed, job, "Job", "Operation") == "start" and get(bed, job, "Job", "Subject") == "hello"
        other = verb(bed, container("hello"), "Container", "Stop", {"cancel-on-disconnect": "yes"})
        assert number_of(other) > number_of(job)
    finally:
        release(bed)
    wait_done(bed, job)


def test_numbers_are_given_once(bed):
    first = pull(bed, HELLO)
    wait_done(bed, first)
    bed.run("systemctl stop sysconsd; systemctl start sysconsd")
    second = pull(bed, HELLO)
    assert number_of(second) == number_of(first) + 1
    wait_done(bed, second)


def test_numbers_are_given_once_beside_a_job_that_lasts(hello):
    bed = hello
    hold(bed, "hello")
    try:
        lasting = verb(bed, container("hello"), "Container", "Start")
        last = pull(bed, HELLO)
        wait_done(bed, last)
        bed.systemctl("restart", "sysconsd")  # takes the older one over
        assert state(bed, lasting) == "running"
    finally:
        release(bed)
    wait_done(bed, lasting)
    bed.run("systemctl stop sysconsd; systemctl start sysconsd")
    assert number_of(pull(bed, HELLO)) == number_of(last) + 1


DEAF = """<busconfig><policy user="root"><deny send_destination="org.freedesktop.systemd1" send_member="GetUnit"/></policy></busconfig>
"""


def test_systemd_executed_anew(hello):
    """It tells that all units are removed. Who cannot ask it then, because it is not there, does not take that for an answer."""
    bed = hello
    policy = "/etc/dbus-1/system.d/zz-deaf.conf"
    hold(bed, "hello")
    try:
        job = verb(bed, container("hello"), "Container", "Start")
        wait_until(lambda: state(bed, job) == "running")
        bed.write(policy, DEAF)
        bed.systemctl("reload", "dbus")
        bed.systemctl("daemon-reexec")
        time.sleep(8)  # longer than the daemon waits for the reason of an end
        assert state(bed, job) == "running"
    finally:
        bed.run(["rm", policy])
        bed.systemctl("reload", "dbus")
        release(bed)
    wait_done(bed, job)


def test_jobs_start_while_systemd_is_executed_anew(hello):
    """It may not be there when it is asked to start a worker, or its answer may be lost."""
    bed = hello
    bed.run("setsid sh -c 'while sleep 0.1; do systemctl daemon-reexec; done' >/dev/null 2>&1 & echo $! >/run/reexec.pid", timeout=10)
    try:
        jobs = [pull(bed, HELLO) for _ in range(12) for _ in [time.sleep(0.2)]]
    finally:
        bed.run("kill $(cat /run/reexec.pid); rm /run/reexec.pid")
    for job in set(jobs):
        wait_done(bed, job)


def test_result_is_there_after_a_restart(hello):
    """A worker that ends while there is no daemon has its result kept."""
    bed = hello
    hold(bed, "hello")
    job = verb(bed, container("hello"), "Container", "Start")
    wait_until(lambda: state(bed, job) == "running")
    bed.run("systemctl kill --signal=STOP sysconsd")
    release(bed)
    wait_until(lambda: bed.output("systemctl list-units --no-legend --plain 'sysconsd-job-*'") == "")
    bed.kill_daemon()
    wait_done(bed, job)


def test_worker_that_dies_is_told(hello):
    bed = hello
    hold(bed, "hello")
    try:
        job = verb(bed, container("hello"), "Container", "Start")
        unit = f"sysconsd-job-{job.rsplit('/', 1)[1]}.service"
        wait_until(lambda: bed.is_active(unit))
        bed.systemctl("kill", "--signal=ABRT", unit)
        assert wait_over(bed, job) == "failed"
        name, message = get(bed, job, "Job", "Error")
        assert name == "org.sysconsd1.Error.Failed" and unit in message and ("core-dump" in message or "signal" in message)
    finally:
        release(bed)


# ---- the daemon


def test_changes_by_others_are_noticed(monitor):
    bed = monitor.bed
    # without its link alone it would be a broken one
    bed.run(f"cd {CHECKOUT} && mkdir /var/lib/containers/away && mv hello hello.[01] /var/lib/containers/away/")
    wait_until(lambda: container("hello") not in objects(bed))
    bed.run(f"cd /var/lib/containers/away && mv hello.[01] {CHECKOUT}/ && mv hello {CHECKOUT}/ && rmdir /var/lib/containers/away")
    wait_until(lambda: container("hello") in objects(bed))
    monitor.catch_up()
    removed = [data[0] for path, member, data in monitor.signals() if member == "ObjectManager.InterfacesRemoved"]
    assert [path for path in removed if "/job/" not in path][-1] == container("hello")
    assert container("hello") in [data[0] for path, member, data in monitor.signals() if member == "ObjectManager.InterfacesAdded"]


def test_broken_container_is_shown(hello):
    bed = hello
    info = f"{CHECKOUT}/hello/info"
    bed.run(["mv", info, f"{info}.away"])
    wait_until(lambda: get(bed, container("hello"), "Container", "State") == "broken")
    assert get(bed, container("hello"), "Container", "Deployment") == -1
    with pytest.raises(Refused) as refusal:
        verb(bed, container("hello"), "Container", "Update")
    assert refusal.value.error == "Corrupt"
    bed.run(["mv", f"{info}.away", info])
    wait_until(lambda: get(bed, container("hello"), "Container", "State") == "inactive")


def test_image_in_use_is_not_deleted(hello):
    bed = hello
    path = call(bed, ROOT, "Manager", "GetImage", "s", HELLO)[0]
    with pytest.raises(Refused, match="used by the container hello") as refusal:
        verb(bed, path, "Image", "Delete")
    assert refusal.value.error == "Busy"
    with pytest.raises(Refused, match="no name of the image") as refusal:
        verb(bed, path, "Image", "Delete", {"name": "localhost:5000/other"})
    assert refusal.value.error == "NotFound"
    wait_done(bed, verb(bed, path, "Image", "Delete", {"force": "yes"}))
    assert path not in objects(bed)


def test_idle_daemon_exits_and_comes_back(bed, configured):
    configured("[Daemon]\nIdleTimeout=1\n")
    get(bed, ROOT, "Manager", "Version")
    wait_until(lambda: not bed.is_active("sysconsd"))
    assert bed.output("systemctl show -P Result sysconsd") == "success"
    before = bed.output("systemctl show -P InvocationID sysconsd")
    assert get(bed, ROOT, "Manager", "Version")
    assert bed.output("systemctl show -P InvocationID sysconsd") != before  # also when it has gone again since


def test_libraries(hello):
    """What the daemon maps when it has done its work: only the worker needs what reads images and speaks to registries."""
    bed = hello
    sysconsd = bed.output("systemctl show -P MainPID sysconsd")
    maps = bed.read(f"/proc/{sysconsd}/maps")
    libraries = {line.rsplit("/", 1)[1].split(".so")[0] for line in maps.splitlines() if ".so" in line}
    assert {"libglib-2.0", "libjson-glib-1.0", "libsystemd"} <= libraries
    assert not libraries & {"libostree-1", "libarchive", "libcurl", "libcurl-gnutls", "libgnutls", "libsoup-3.0", "libgpgme", "libcrypto", "libxml2",
                            "libicudata", "libisal"}
    assert len(libraries) <= 30, sorted(libraries)


def test_bad_configuration_is_said(bed, configured):
    bed.write("/etc/sysconsd.conf.d/60-test.conf", "[Daemon]\nMaxJobs=many\n")
    cursor = bed.cursor()
    assert bed.systemctl("restart", "sysconsd", check=False).returncode != 0
    wait_until(lambda: "MaxJobs" in bed.journal(after=cursor))
    bed.run("systemctl reset-failed sysconsd")


def sandbox(bed, unit):
    names = ["PrivateNetwork", "ProtectSystem", "NoNewPrivileges", "CapabilityBoundingSet"]
    shown = bed.output(["systemctl", "show", *[f"--property={name}" for name in names], unit])
    return dict(line.split("=", 1) for line in shown.splitlines())


def test_sandboxes(hello):
    bed = hello
    hold(bed, "hello")
    try:
        job = verb(bed, container("hello"), "Container", "Rollback")
        unit = f"sysconsd-job-{job.rsplit('/', 1)[1]}.service"
        wait_until(lambda: bed.is_active(unit))
        worker = sandbox(bed, unit)
        assert (worker["PrivateNetwork"], worker["ProtectSystem"], worker["NoNewPrivileges"]) == ("yes", "no", "yes")
        assert "cap_chown" in worker["CapabilityBoundingSet"]
        assert "cap_sys_admin" not in worker["CapabilityBoundingSet"] and "cap_net" not in worker["CapabilityBoundingSet"]
        verb(bed, job, "Job", "Cancel")
        wait_over(bed, job)
    finally:
        release(bed)
    assert sandbox(bed, "sysconsd") == {"PrivateNetwork": "yes", "ProtectSystem": "strict", "NoNewPrivileges": "yes",
                                        "CapabilityBoundingSet": ""}
