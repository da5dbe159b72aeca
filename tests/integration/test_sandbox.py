# SPDX-License-Identifier: LGPL-2.1-or-later
"""What daemon and workers may do. A script in the worker's place tries what its operation must not be able to, inside the worker's unit."""

import json
import os
import re

import pytest
from bed import CHECKOUT, wait_until
from derived import Derived, Layer
from fakeworker import worker  # noqa: F401
from sysconsbus import container, pull, verb
from test_recovery import settled_jobs
from test_swaps import FAILPOINT, go_on, pause

HELLO = "localhost:5000/hello"
FILES_IMAGE = f"{HELLO}:files-1"
GO = "/run/sysconsd-probe.go"
PASS = "/run/sysconsd-probe.pass"
SECRET = "/home/alice/secret"
STATE = "/home/alice/state"
SETTING = "/etc/sysconsd.conf.d/60-homes.conf"
# What root may write of the kernel's own, without any capability, and of that what a line of tmpfiles.d may be about.
IRQ, NET, CGROUP = "/proc/irq/default_smp_affinity", "/proc/sys/net/ipv4/ip_forward", "/sys/fs/cgroup/init.scope/cgroup.procs"
PROBE = f"""
import errno, subprocess
tried = {{}}
def attempt(name, function):
    try:
        answer = function()
        tried[name] = answer if isinstance(answer, (str, list)) else "done"
    except OSError as error:
        tried[name] = errno.errorcode[error.errno]
def make(folder):
    path = folder + "/.probe"
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    os.unlink(path)
def run(*words):
    return "done" if subprocess.run(words, stderr=subprocess.DEVNULL).returncode == 0 else "refused"
for folder in ("/etc", "/etc/systemd/system", "/usr/local/bin", "/var", "/srv", "/home", "/home/alice", "/root", "/sys", "/proc/sys",
               "/etc/containers", "{CHECKOUT}"):
    attempt("write " + folder, lambda: make(folder))
for file in {(IRQ, NET, CGROUP)}:
    attempt("set " + file, lambda: os.close(os.open(file, os.O_WRONLY)))
attempt("kernel's addresses", lambda: open("/proc/kallsyms").readline())
attempt("read home", lambda: open("{SECRET}").read())
attempt("look into /tmp", lambda: os.listdir("/tmp"))
for family in ("INET", "INET6", "NETLINK", "PACKET", "UNIX", "VSOCK"):
    attempt("socket " + family, lambda: socket.socket(getattr(socket, "AF_" + family),
                                                      socket.SOCK_DGRAM if family != "VSOCK" else socket.SOCK_STREAM).close())
attempt("network", lambda: os.readlink("/proc/self/ns/net"))
def make_device():
    os.mknod("/var/.probe-device", 0o60600, os.makedev(8, 0))
    os.unlink("/var/.probe-device")
attempt("device", make_device)
attempt("chroot", lambda: os.chroot("/"))
attempt("other user", lambda: os.setresuid(1000, 1000, 1000))
attempt("kernel's log", lambda: os.close(os.open("/dev/kmsg", os.O_RDWR)))
attempt("mount", lambda: run("mount", "-t", "tmpfs", "none", "/mnt"))
attempt("user namespace", lambda: run("unshare", "--user", "true"))
attempt("mount namespace", lambda: run("unshare", "--mount", "true"))
attempt("hostname", lambda: socket.sethostname("probe"))
tried["priority"] = f"nice {{os.getpriority(os.PRIO_PROCESS, 0)}}"
tried["status"] = dict(line.split(":\t") for line in open("/proc/self/status").read().splitlines() if ":\t" in line)
print("PROBE " + json.dumps({{"operation": request["operation"], "tried": tried}}), flush=True)
while not os.path.exists("{GO}") and not (os.path.exists("{PASS}") and request["operation"] in open("{PASS}").read().split()):
    time.sleep(0.05)
say(type="error", code="Failed", message="only a probe")
"""

# From linux/capability.h.
CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, FSETID, MKNOD, SETFCAP, MAC_ADMIN = 0, 1, 2, 3, 4, 27, 31, 33
FILES = {CHOWN, DAC_OVERRIDE, FOWNER, FSETID, SETFCAP}
HOST = FILES | {DAC_READ_SEARCH, MKNOD, MAC_ADMIN}
GIVE_WAY = ("pull", "prune", "verify")
UNSET = "[not set]"
ESCAPES = ("chroot", "other user", "kernel's log", "mount", "user namespace", "mount namespace", "hostname")


def ours(words, kind, capabilities, exposure, network=False, operation=None):
    return words, operation or words.split()[0], kind, capabilities, exposure, network


# What a command has done, the kind of sandbox, the capabilities, and what `systemd-analyze security` may say at most.
OPERATIONS = [
    ours(f"pull {HELLO}", "repository", FILES, 2.4, network=True),
    ours("trust default reject", "settings", {DAC_OVERRIDE}, 1.5, operation="set-policy"),
    ours(f"tag {HELLO} other", "repository", FILES, 1.7, operation="tag-image"),
    ours(f"delete-image --force {HELLO}", "repository", FILES, 1.7, operation="delete-image"),
    ours(f"verify {HELLO}", "repository", FILES, 1.7),
    ours("prune", "repository", FILES, 1.7),
    ours(f"plan pull {HELLO}", "look", {DAC_READ_SEARCH}, 2.2, network=True, operation="plan"),
    ours(f"plan install --name=other {HELLO}", "look", {DAC_READ_SEARCH}, 1.5, operation="plan"),
    ours(f"install --name=other {HELLO}", "homeless", HOST, 3.1),
    ours("update --pull=never --rebase=never hello", "homeless", HOST, 3.1),
    ours("rollback hello", "homeless", HOST, 3.1),
    ours("uninstall hello", "homeless", HOST, 3.1),
    ours("start hello", "repository", set(), 1.1),
    ours("stop hello", "repository", set(), 1.1),
    ours("restart hello", "repository", set(), 1.1),
    ours("run hello true", "repository", FILES, 1.7),
    ours(f"mount {HELLO} /srv/mounted", "host", FILES, 3.2),
    # what comes after a mount that failed
    ours(f"mount {HELLO} /srv/mounted", "host", HOST, 3.3, operation="recover"),
]


def exposure(bed, unit):
    text = bed.output(["systemd-analyze", "security", "--no-pager", unit])
    return float(re.search(r"Overall exposure level for \S+: ([0-9.]+)", text)[1])


def capabilities(mask):
    return {number for number in range(64) if int(mask, 16) >> number & 1}


@pytest.fixture
def hello(bed):
    bed.sysconsctl("pull", HELLO)
    bed.sysconsctl("install", "--set=PORT=8082", HELLO)
    bed.sysconsctl("update", "--pull=never", "--set=PORT=8083", "hello")  # now there is something to go back to
    bed.run(f"mkdir -p /srv/mounted /etc/containers; echo secret >{SECRET}; chmod 600 {SECRET}; touch /tmp/of-the-host")
    yield bed
    bed.run(f"rm -rf {SECRET} /srv/mounted /tmp/of-the-host {GO} {PASS}")


def said(bed, operation):
    """{unit: what the script in it has tried} for all units of the operation"""
    found = {}
    for line in bed.journal("-t", "sysconsd-worker", "-o", "json").splitlines():
        entry = json.loads(line)
        if str(entry["MESSAGE"]).startswith("PROBE "):
            answer = json.loads(entry["MESSAGE"].removeprefix("PROBE "))
            if answer["operation"] == operation:
                found[entry["_SYSTEMD_UNIT"]] = answer["tried"]
    return found


def probe(bed, words, operation):
    """(what the script tried, the exposure of its unit, the unit's share of the processors)"""
    before = said(bed, operation)
    bed.write(PASS, " ".join({words.split()[0], "recover"} - {operation}))  # what comes before or after it ends at once
    bed.run(["systemd-run", "--quiet", "--no-block", "--collect", "sysconsctl", *words.split()])
    try:
        (unit, tried), = wait_until(lambda: [item for item in said(bed, operation).items() if item[0] not in before], 60)
        return tried, exposure(bed, unit), bed.output(["systemctl", "show", "--property=CPUWeight", "--value", unit])
    finally:
        bed.run(["touch", GO])
        wait_until(lambda: bed.output("systemctl list-units --no-legend --plain 'sysconsd-job-*'") == "")
        bed.run(["rm", "-f", GO, PASS])


def done(tried, prefix):
    return {name.removeprefix(prefix) for name, outcome in tried.items() if name.startswith(prefix) and outcome == "done"}


def test_workers(hello, worker):  # noqa: F811
    """Nothing comes of a probe, so that one container is enough for all."""
    bed = hello
    worker(PROBE)
    home = {"/home", "/home/alice", "/root"}
    host = {"/etc", "/etc/systemd/system", "/usr/local/bin", "/var", "/srv", "/etc/containers", CHECKOUT}
    writable = {"repository": {CHECKOUT}, "settings": {"/etc/containers"}, "look": set(), "homeless": host, "host": host | home}
    network_of_host = bed.output("readlink /proc/1/ns/net")
    for words, operation, kind, allowed, limit, network in OPERATIONS:
        tried, exposed, share = probe(bed, words, operation)
        print(f"{words}: {exposed}")
        status = tried["status"]
        found = {
            "bounds": (status["NoNewPrivs"], status["Seccomp"]),
            "capabilities": [capabilities(status[name]) for name in ("CapEff", "CapPrm", "CapBnd")],
            "writable": done(tried, "write "),
            "sets the kernel's": done(tried, "set "),
            "knows the kernel's addresses": tried["kernel's addresses"] not in ("", "EACCES") and kind not in ("host", "homeless"),
            "reads homes": tried["read home"] == "secret\n",
            "sees /tmp": "of-the-host" in tried["look into /tmp"],
            "sockets": done(tried, "socket "),
            "network": tried["network"] == network_of_host,
            "makes devices": tried["device"] == "done",
            "priority": (tried["priority"], share),
            "escapes": [name for name in ESCAPES if tried[name] in ("done", [])],
        }
        assert (words, found) == (words, {
            "bounds": ("1", "2"),
            "capabilities": [allowed] * 3,
            "writable": writable[kind],
            "sets the kernel's": {IRQ, NET} if kind in ("host", "homeless") else set(),
            "knows the kernel's addresses": False,
            "reads homes": kind == "host",
            "sees /tmp": kind in ("host", "homeless"),
            "sockets": {"UNIX", "INET", "INET6"} if network else {"UNIX"},
            "network": network,
            "makes devices": MKNOD in allowed,
            "priority": ("nice 10", "20") if operation in GIVE_WAY else ("nice 0", UNSET),
            "escapes": [],
        })
        assert exposed <= limit, words


def slice_of(bed, pid):
    """How long a process would like to run at a time, in nanoseconds, as sched_getattr(2) has it; 0: as the kernel decides."""
    script = ("import ctypes, platform, struct, sys; answer = ctypes.create_string_buffer(48);"
              "number = {'x86_64': 315, 'aarch64': 275}[platform.machine()];"
              "assert ctypes.CDLL(None).syscall(number, int(sys.argv[1]), answer, 48, 0) == 0; print(struct.unpack('IIQiIQQQ', answer.raw)[5])")
    return int(bed.output(["python3", "-c", script, pid]))


def test_long_slices_of_who_gives_way(bed):
    """Where the kernel knows slices: Linux from 6.12 on."""
    is_known = tuple(int(number) for number in os.uname().release.split("-")[0].split(".")[:2]) >= (6, 12)
    bed.push("hello:2")
    bed.sysconsctl("delete-image", "--force", f"{HELLO}:2", check=False)
    job = pause(bed, "pull-publish", lambda: pull(bed, f"{HELLO}:2"))
    try:
        assert slice_of(bed, bed.output("systemctl show -P MainPID 'sysconsd-job-*.service'")) == (20_000_000 if is_known else 0)
    finally:
        go_on(bed, job)


@pytest.mark.parametrize("unit,limit", [("sysconsd", 1.1), ("sysconsd-recover", 2.9), ("sysconsd-settle", 3.3)])
def test_units(bed, unit, limit):
    exposed = exposure(bed, f"{unit}.service")
    print(f"{unit}: {exposed}")
    assert exposed <= limit


# ---- what is hidden is not taken for missing


@pytest.fixture
def allow(bed):
    """Opens homes, or shuts them again."""
    def say(open_them):
        if open_them:
            bed.write(SETTING, "[Container]\nHostFilesInHomes=yes\n")
        else:
            bed.run(["rm", "-f", SETTING])
        bed.systemctl("restart", "sysconsd")
    yield say
    say(True)
    for name in bed.containers():
        bed.sysconsctl("uninstall", name)
    say(False)


def derived(bed, folder, name, layer, base="hello:1"):
    images = Derived(folder)
    images.add(f"{name}:latest", base, layer)
    images.finish()
    images.push(bed, f"{name}:latest")
    bed.sysconsctl("pull", f"localhost:5000/{name}")
    return f"localhost:5000/{name}"


def refusal(path):
    return f"Will not touch {path}: it lies in a home; HostFilesInHomes=yes in sysconsd.conf allows that"


def refused(bed, path, *words):
    result = bed.sysconsctl(*words, check=False)
    assert result.returncode != 0 and refusal(path) in result.stderr, result.stdout + result.stderr


def test_host_files(bed, allow, tmp_path):
    layer = Layer("a file for a home")
    layer.file("exports/hostfs/root/.probe", "at home\n")
    image = derived(bed, tmp_path, "homely", layer)
    refused(bed, "/root/.probe", "install", image)
    assert bed.containers() == [] and not bed.exists("/root/.probe")
    plan = json.loads(bed.sysconsctl("plan", "install", "--json", image, check=False).stdout)
    assert refusal("/root/.probe") in plan["conflicts"] and "files" not in plan
    allow(True)
    bed.sysconsctl("install", image)
    assert bed.read("/root/.probe") == "at home\n"
    bed.sysconsctl("update", "--pull=never", "--set=PORT=8083", "homely")
    # The administrator thinks better of it: nothing happens, and nothing is lost sight of.
    allow(False)
    before = bed.output(f"ls -A {CHECKOUT}; cat {CHECKOUT}/homely/info; systemctl show -P ActiveState homely")
    for words in (["update", "--pull=never", "--set=PORT=8084", "homely"], ["rollback", "homely"], ["uninstall", "homely"]):
        refused(bed, "/root/.probe", *words)
        assert bed.output(f"ls -A {CHECKOUT}; cat {CHECKOUT}/homely/info; systemctl show -P ActiveState homely") == before
        assert bed.read("/root/.probe") == "at home\n"
    assert refusal("/root/.probe") in json.loads(bed.sysconsctl("plan", "uninstall", "--json", "homely", check=False).stdout)["conflicts"]
    allow(True)
    bed.sysconsctl("rollback", "homely")
    bed.sysconsctl("uninstall", "homely")
    assert not bed.exists("/root/.probe")


def test_lines_of_tmpfiles(bed, allow, tmp_path):
    """systemd-tmpfiles runs in the worker; %h is root's home."""
    layer = Layer("lines for a home")
    layer.file("exports/tmpfiles.template", "d /run/homely-lines - - - - -\nf %h/.made - - - - made\n")
    image = derived(bed, tmp_path, "homely", layer)
    refused(bed, "/root/.made", "install", image)
    assert bed.containers() == [] and not bed.exists("/run/homely-lines")
    allow(True)
    bed.sysconsctl("install", image)
    assert bed.read("/root/.made") == "made"
    bed.run("rm /root/.made")


def test_sources_of_bind_mounts(bed, allow):
    """Nobody gives alice's folder to root, and takes it away from her."""
    bed.push("hello:files-1=hello:files-1")
    bed.run(f"install -d -o alice -g alice -m 755 {STATE} {STATE}/hello")
    look = f"stat -c '%U %a' {STATE}/hello"
    before = bed.output(look)
    values = ["--name=hello", f"--set=STATE_DIRECTORY={STATE}"]
    bed.sysconsctl("pull", FILES_IMAGE)
    try:
        refused(bed, f"{STATE}/hello", "install", *values, FILES_IMAGE)
        refused(bed, f"{STATE}/hello", "run", *values, FILES_IMAGE, "true")
        plan = bed.sysconsctl("plan", "install", "--json", *values, FILES_IMAGE, check=False)
        assert refusal(f"{STATE}/hello") in json.loads(plan.stdout)["conflicts"]
        assert bed.output(look) == before and bed.containers() == []
        allow(True)
        bed.sysconsctl("install", *values, FILES_IMAGE)
        assert bed.output(look) == before and "home" not in bed.read("/etc/tmpfiles.d/hello.conf")
    finally:
        bed.run(["rm", "-rf", STATE])


def test_recovery_sees_homes(bed, allow, tmp_path):
    """An update that was begun with homes in sight is taken back when they are not."""
    layer = Layer("a file for a home")
    layer.file("exports/hostfs/root/.probe.in", "at home with $PORT\n")
    layer.file("exports/manifest.json", json.dumps({"version": "1.0", "renameFiles": {"/root/.probe.in": "/root/.probe"},
                                                    "installedFilesTemplate": ["/root/.probe.in"], "defaultValues": {"PORT": "8081", "RECEIVER": "World"}}))
    image = derived(bed, tmp_path, "homely", layer)
    allow(True)
    bed.sysconsctl("install", image)
    try:
        pause(bed, "make-live", lambda: verb(bed, container("homely"), "Container", "Update", {"pull": "never", "values": {"PORT": "8083"}}))
        assert bed.read("/root/.probe") == "at home with 8083\n"
        allow(False)
        bed.run(["systemctl", "kill", "--signal=KILL", "sysconsd-job-*.service"])
    finally:
        bed.run(["rm", "-f", FAILPOINT])
    wait_until(lambda: settled_jobs(bed), 60)
    assert bed.read("/root/.probe") == "at home with 8081\n"
