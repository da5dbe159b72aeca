# SPDX-License-Identifier: LGPL-2.1-or-later
"""What an image may ask for, and what a container may be told: files for the host, variables and values, no service, no runtime, another
one's root, containers that came with the system."""

import contextlib
import json
import re
import uuid

import pytest
from bed import CHECKOUT, wait_until
from test_recovery import FAILPOINT, fail_at, intents, leftovers, settled_jobs

SETTINGS, STRAIGHT, HELLO = "localhost:5000/settings", "localhost:5000/straight", "localhost:5000/hello"
PREINSTALLED = "/usr/lib/containers/atomic"


def info(bed, name):
    return json.loads(bed.read(f"{CHECKOUT}/{name}/info"))


def listed(bed, name):
    return {entry["name"]: entry for entry in json.loads(bed.sysconsctl("list", "-a", "--json").stdout)}.get(name)


def refused(bed, message, *arguments):
    result = bed.sysconsctl(*arguments, check=False)
    assert result.returncode not in (0, 2) and message in result.stderr, (arguments, result.stderr)


@contextlib.contextmanager
def no_runc(bed):
    bed.run(["mv", "/usr/sbin/runc", "/usr/sbin/runc.away"])
    try:
        yield
    finally:
        bed.run(["mv", "/usr/sbin/runc.away", "/usr/sbin/runc"])


@pytest.fixture
def settings(bed):
    """settings, version 1: files on the host, and no service."""
    bed.push("settings:latest=settings:1")
    bed.sysconsctl("pull", SETTINGS)
    bed.sysconsctl("install", "--set=UNUSED=kept", SETTINGS)
    yield bed
    bed.run(["rm", "-rf", "/etc/settings", "/usr/local/share/settings.sh"])


def variables(bed):
    return dict(re.findall("^([A-Z_]+)=<([^>]*)>$", bed.read("/etc/settings/variables"), re.MULTILINE))


# ---- no service


def test_no_service(settings):
    bed = settings
    assert listed(bed, "settings")["state"] == "no service" and info(bed, "settings")["has-container-service"] is False
    assert not bed.exists("/etc/systemd/system/settings.service") and not bed.exists(f"{CHECKOUT}/settings/config.json")
    assert bed.output("stat -c %a /run/settings") == "711"  # its tmpfiles count all the same
    refused(bed, "The container settings has no service", "start", "settings")
    # A unit of that name, which came later, is somebody else's.
    bed.write("/etc/systemd/system/settings.service", "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n")
    bed.run("systemctl daemon-reload; systemctl enable --quiet --now settings")
    bed.push("settings:latest=settings:2")
    bed.sysconsctl("pull", SETTINGS)
    plan = json.loads(bed.sysconsctl("plan", "update", "--json", "settings").stdout)
    assert not plan["service"]["stops"] and not plan["service"]["starts"]
    bed.sysconsctl("update", "settings")
    bed.sysconsctl("rollback", "settings")
    assert "version 1" in bed.read("/etc/settings/plain")
    refused(bed, "The file /etc/systemd/system/settings.service already exists.", "update", f"--rebase={STRAIGHT}:1", "settings")
    assert "systemctl" not in bed.sysconsctl("uninstall", "settings").stdout
    assert bed.is_active("settings") and bed.output("systemctl is-enabled settings") == "enabled"
    bed.run("systemctl disable --quiet --now settings; rm /etc/systemd/system/settings.service; systemctl daemon-reload")


def test_no_service_killed_when_all_is_removed(settings):
    """Its deployments are gone, and cannot say any more that the unit is somebody else's."""
    bed = settings
    bed.write("/etc/systemd/system/settings.service", "[Service]\nExecStart=/bin/sleep infinity\n")
    bed.run("systemctl daemon-reload; systemctl start settings")
    try:
        fail_at(bed, "remove-intent kill")
        assert bed.sysconsctl("uninstall", "settings", check=False).returncode == 1
        bed.run(["rm", "-f", FAILPOINT])
        wait_until(lambda: settled_jobs(bed), 60)
        assert intents(bed) == [] and bed.containers() == []
        assert bed.is_active("settings") and bed.exists("/etc/systemd/system/settings.service")
    finally:
        bed.run("systemctl stop settings; rm -f /etc/systemd/system/settings.service; systemctl daemon-reload")


def test_no_service_becomes_one_and_back(settings):
    bed = settings
    bed.sysconsctl("update", f"--rebase={STRAIGHT}:1", "settings")
    assert bed.output("systemctl is-enabled settings") == "enabled" and listed(bed, "settings")["state"] == "inactive"
    bed.sysconsctl("start", "settings")
    assert bed.wait_http(8086) == "straight, version 1\n"
    assert not bed.exists("/etc/settings/plain")
    bed.sysconsctl("rollback", "settings")  # away from a service that runs, to none
    assert bed.http(8086) is None and not bed.exists("/etc/systemd/system/settings.service")
    assert listed(bed, "settings")["state"] == "no service" and "version 1" in bed.read("/etc/settings/plain")
    bed.sysconsctl("rollback", "settings")
    bed.systemctl("disable", "settings")
    bed.sysconsctl("rollback", "settings")
    bed.sysconsctl("rollback", "settings")  # what was disabled stays so, even where nothing was in between
    assert bed.systemctl("is-enabled", "settings", check=False).stdout == "disabled\n"


@pytest.mark.parametrize("step", ["restore-check-out", "restore-place", "restored"])
def test_killed_while_the_root_file_system_is_made_again(settings, step):
    """A container without a service that lost it, as those of the atomic command have none: half of one is nowhere."""
    bed = settings
    bed.run(["rm", "-rf", f"{CHECKOUT}/settings.0/rootfs"])
    fail_at(bed, f"{step} kill")
    assert bed.sysconsctl("update", "--pull=never", "--set=OWN=mine", "settings", check=False).returncode == 1
    wait_until(lambda: settled_jobs(bed), 60)
    assert intents(bed) == [] and leftovers(bed) == []
    assert bed.exists(f"{CHECKOUT}/settings.0/rootfs") == (step == "restored")
    bed.sysconsctl("update", "--pull=never", "--set=OWN=mine", "settings")
    assert variables(bed)["OWN"] == "mine" and bed.exists(f"{CHECKOUT}/settings.1/rootfs/exports/manifest.json")
    assert bed.exists(f"{CHECKOUT}/settings.0/rootfs/exports/manifest.json")
    bed.run(["rm", "-rf", f"{CHECKOUT}/settings.0/rootfs"])
    plan = json.loads(bed.sysconsctl("plan", "rollback", "--json", "settings").stdout)
    assert "The root file system of the previous deployment is made again first" in plan["notes"]
    bed.sysconsctl("rollback", "settings")
    assert bed.exists(f"{CHECKOUT}/settings.0/rootfs/exports/manifest.json")


def files_are_of(bed, version):
    """All of one version, nothing of the other, and nothing in between."""
    wait_until(lambda: settled_jobs(bed), 60)
    assert intents(bed) == [] and leftovers(bed) == []
    assert f"version {version}" in bed.read("/etc/settings/plain") and f"version {version}" in variables(bed)["OWN"]
    assert bed.output("ls -A /etc/settings | grep -x -e gone -e new") == ("gone" if version == "1" else "new")
    live = bed.output(["readlink", f"{CHECKOUT}/settings"])
    assert variables(bed)["DESTDIR"] == f"{CHECKOUT}/{live}" and bed.read(f"{CHECKOUT}/{live}/tmpfiles-settings.conf") == bed.read("/etc/tmpfiles.d/settings.conf")


def test_no_service_killed_on_the_way(settings):
    bed = settings
    bed.push("settings:latest=settings:2")
    bed.sysconsctl("pull", SETTINGS)
    for step in ("place", "host-files", "make-live", "trial", "keep"):
        fail_at(bed, f"{step} kill")
        assert bed.sysconsctl("update", "--pull=never", "settings", check=False).returncode == 1
        bed.run(["rm", "-f", FAILPOINT])
        files_are_of(bed, "1")
    bed.sysconsctl("update", "--pull=never", "settings")
    files_are_of(bed, "2")
    for step in ("remove-host-files", "remove-slots"):
        fail_at(bed, f"{step} kill")
        assert bed.sysconsctl("uninstall", "settings", check=False).returncode == 1
        bed.run(["rm", "-f", FAILPOINT])
        wait_until(lambda: settled_jobs(bed), 60)
        assert bed.containers() == [] and leftovers(bed) == [] and bed.output("find /etc/settings -type f") == ""
        bed.sysconsctl("install", "--pull=never", SETTINGS)


# ---- no lines for tmpfiles.d


def test_tmpfiles_configuration_of_somebody_else(bed):
    mine, precious = "/etc/tmpfiles.d/straight.conf", "/srv/precious"
    bed.push("straight:latest=straight:1")
    bed.sysconsctl("pull", STRAIGHT)
    bed.sysconsctl("install", STRAIGHT)
    assert not bed.exists(mine) and not bed.exists(f"{CHECKOUT}/straight.0/tmpfiles-straight.conf")
    bed.write(mine, f"R {precious}\n")
    bed.write(precious, "precious")
    try:
        bed.push("straight:latest=straight:2")
        bed.sysconsctl("update", "straight")
        bed.sysconsctl("rollback", "straight")
        assert bed.read(mine) == f"R {precious}\n"
        refused(bed, f"The file {mine} already exists.", "update", f"--rebase={SETTINGS}:1", "straight")
        assert "tmpfiles" not in bed.sysconsctl("uninstall", "straight").stdout
        assert bed.read(mine) == f"R {precious}\n" and bed.read(precious) == "precious"
    finally:
        bed.run(["rm", "-f", mine, precious])


# ---- no runtime


def test_straight_from_the_files(bed):
    bed.push("straight:latest=straight:1")
    bed.sysconsctl("pull", STRAIGHT)
    bed.sysconsctl("pull", HELLO)
    with no_runc(bed):
        plan = json.loads(bed.sysconsctl("plan", "install", "--json", STRAIGHT).stdout)
        assert not plan.get("conflicts") and "straight" in json.dumps(plan)
        refused(bed, "the runtime runc is not installed", "install", HELLO)
        bed.sysconsctl("install", "--start", STRAIGHT)
        assert bed.wait_http(8086) == "straight, version 1\n"
        assert "Delegate" not in bed.read("/etc/systemd/system/straight.service")
        bed.push("straight:latest=straight:2")
        bed.sysconsctl("update", "straight")
        assert bed.wait_http(8086) == "straight, version 2\n" and listed(bed, "straight")["state"] == "running"
        bed.sysconsctl("rollback", "straight")
        assert bed.wait_http(8086) == "straight, version 1\n"
        bed.sysconsctl("uninstall", "straight")
        assert bed.http(8086) is None
    # What scripts gave as a runtime for images that need none.
    bed.sysconsctl("install", "--runtime=/bin/true", STRAIGHT)
    assert info(bed, "straight")["runtime"] == "/bin/true"


def test_another_runtime(bed):
    bed.sysconsctl("pull", HELLO)
    bed.sysconsctl("install", "--runtime=crun", "--set=PORT=8082", "--start", HELLO)
    assert "version 1" in bed.wait_http(8082)
    assert "hello" in bed.output("crun list -q") and bed.output("runc list -q") == ""
    crun = bed.output("readlink -f $(command -v crun)")
    assert info(bed, "hello")["runtime"] == info(bed, "hello")["values"]["RUNTIME"] == crun == listed(bed, "hello")["runtime"]
    bed.push("hello:latest=hello:2")
    bed.sysconsctl("update", "hello")
    assert "version 2" in bed.wait_http(8082) and info(bed, "hello")["runtime"] == crun
    main = bed.output("systemctl show -P MainPID hello")
    assert f"sysconsd-exec {crun} run" in bed.read("/etc/systemd/system/hello.service") and main != "0"
    bed.sysconsctl("stop", "hello")
    assert bed.output("systemctl show -P Result hello") == "success" and bed.output("crun list -q") == ""


# ---- files on the host


def test_files_of_every_kind(settings):
    bed = settings
    assert bed.output("stat -c '%u %g %a %h' /etc/settings/plain") == "7 8 640 1"  # a copy: an editor must not reach the repository
    assert bed.read("/etc/settings/plain") == "plain, version 1: $NAME stays\n"
    assert bed.output("stat -c %a /usr/local/share/settings.sh") == "755"
    assert bed.output("readlink /etc/settings/dangling") == "/run/nowhere/1"
    assert bed.output("stat -c '%F %a' /etc/settings/empty.d") == "directory 750"
    assert bed.read("/etc/settings/for-settings") == "renamed, version 1\n" and not bed.exists("/etc/settings/renamed")
    recorded = info(bed, "settings")
    assert recorded["installed-files-checksum"]["/etc/settings/plain"] == bed.output("sha256sum /etc/settings/plain").split()[0]
    assert sorted(recorded["installed-files-checksum"]) == recorded["installed-files"] and len(recorded["installed-files"]) == 7
    assert recorded["rename-installed-files"] == {"/etc/settings/renamed": "/etc/settings/for-settings"}

    bed.write("/etc/settings/gone", "edited\n")
    bed.write("/etc/settings/new", "the administrator's\n")
    bed.run(["touch", "/etc/settings/empty.d/of-the-administrator"])
    bed.push("settings:latest=settings:2")
    said = bed.sysconsctl("update", "settings").stdout
    assert "Will not delete /etc/settings/gone as it was manually modified." in said and "File /etc/settings/new already exists" in said
    assert bed.read("/etc/settings/gone") == "edited\n" and bed.read("/etc/settings/new") == "the administrator's\n"
    assert bed.read("/etc/settings/plain") == "plain, version 2: $NAME stays\n"
    assert bed.output("readlink /etc/settings/dangling") == "/run/nowhere/2"
    assert bed.read("/etc/settings/for-settings") == "renamed, version 2\n"

    said = bed.sysconsctl("rollback", "settings").stdout
    assert bed.output("readlink /etc/settings/dangling") == "/run/nowhere/1" and bed.read("/etc/settings/gone") == "edited\n"
    bed.sysconsctl("uninstall", "settings")
    assert bed.output("cd /etc/settings && find . -mindepth 1 | sort").split() == ["./empty.d", "./empty.d/of-the-administrator", "./gone", "./new"]
    assert not bed.exists("/usr/local/share/settings.sh")


# ---- variables and values


def test_variables(settings):
    bed = settings
    seen = variables(bed)
    record = info(bed, "settings")
    uuid.UUID(seen.pop("UUID"))
    capabilities = json.loads("[" + seen.pop("ALL_PROCESS_CAPABILITIES") + "]")
    assert capabilities[0] == "CAP_CHOWN" and len(capabilities) == int(bed.output("sed -n 's/^CapBnd:\\t//p' /proc/1/status"), 16).bit_count()
    assert seen.pop("ATOMIC") == "/usr/bin/atomic"  # images that call it speak its grammar
    runtime = seen.pop("RUNTIME")
    assert runtime == bed.output("command -v runc") == record["runtime"]
    assert seen == {
        "NAME": "settings", "DESTDIR": f"{CHECKOUT}/settings.0", "IMAGE_NAME": f"{SETTINGS}:latest", "IMAGE_ID": record["sysconsd"]["image-id"],
        "EXEC_START": f"/usr/libexec/sysconsd-exec {runtime} run -d --pid-file /run/container-settings.pid 'settings'", "EXEC_STOP": f"/usr/libexec/sysconsd-exec {runtime} kill 'settings'",
        "EXEC_STARTPRE": "", "EXEC_STOPPOST": f"{runtime} delete 'settings'",  # detached, as in the default unit
        "HOST_UID": "0", "HOST_GID": "0",
        "RUN_DIRECTORY": "/run",  # over the image's default
        "STATE_DIRECTORY": "/var/lib", "CONF_DIRECTORY": "/etc", "PIDFILE": "/run/container-settings.pid", "OWN": "default of version 1",
        "DOLLAR": "$NAME", "BRACES": "settingsd"}
    for name in ("NAME", "EXEC_STARTPRE"):
        refused(bed, f"{name} is set by the system", "update", f"--set={name}=x", "settings")
    for value in ("a\nb", "a\u0085b"):
        refused(bed, "control character", "update", f"--set=OWN={value}", "settings")

    chosen = {"RUN_DIRECTORY": "/run/other", "STATE_DIRECTORY": "/srv/100%h", "CONF_DIRECTORY": "/opt/etc", "PIDFILE": "/run/other.pid",
              "UUID": str(uuid.uuid4()), "ALL_PROCESS_CAPABILITIES": '"CAP_KILL"', "RUNTIME": "/opt/runtime", "ATOMIC": "/opt/atomic", "OWN": "own: $NAME"}
    bed.sysconsctl("update", *(f"--set={name}={value}" for name, value in chosen.items()), "settings")
    assert chosen.items() <= variables(bed).items()  # as they are: no variable, no percent sign in them means anything
    assert bed.output("stat -c %a /run/other/settings") == "711"
    assert info(bed, "settings")["sysconsd"]["set-values"] == dict(chosen, UNUSED="kept")


def test_values_apart_from_defaults(settings):
    bed = settings
    first = variables(bed)
    bed.push("settings:latest=settings:2")
    bed.sysconsctl("update", "settings")
    assert variables(bed) == dict(first, OWN="default of version 2", DESTDIR=f"{CHECKOUT}/settings.1", IMAGE_ID=info(bed, "settings")["sysconsd"]["image-id"])
    assert "Latest version already installed." in bed.sysconsctl("update", "settings").stdout
    bed.sysconsctl("update", "--set=OWN=mine", "settings")
    bed.push("settings:latest=settings:1")
    bed.sysconsctl("update", "settings")
    assert variables(bed)["OWN"] == "mine" and info(bed, "settings")["values"]["UNUSED"] == "kept"
    # what the system says is said anew, whatever an old record has
    record = info(bed, "settings")
    record["values"].update(RUNTIME="/old/runtime", ATOMIC="/old/atomic", ALL_PROCESS_CAPABILITIES='"CAP_OLD"')
    bed.write(f"{CHECKOUT}/{bed.output(['readlink', f'{CHECKOUT}/settings'])}/info", json.dumps(record), "600")
    bed.sysconsctl("update", "--unset=OWN", "settings")
    assert variables(bed) == dict(first, DESTDIR=variables(bed)["DESTDIR"])
    bed.sysconsctl("rollback", "settings")
    assert variables(bed)["OWN"] == "mine" and variables(bed)["UUID"] == first["UUID"]
    bed.sysconsctl("update", f"--rebase={SETTINGS}:2", "settings")  # to another name; the one that is left is forgotten
    assert info(bed, "settings")["image"] == f"{SETTINGS}:2" and variables(bed)["UUID"] == first["UUID"]
    assert "Latest version already installed." in bed.sysconsctl("update", "settings").stdout


def test_a_value_that_is_missing(bed):
    bed.sysconsctl("pull", "localhost:5000/needy")
    before = bed.output(f"ls -A {CHECKOUT} /etc/systemd/system /etc/tmpfiles.d")
    refused(bed, "The template file 'service.template' still contains an unreplaced value for: ''NEEDED''", "install", "localhost:5000/needy")
    assert bed.output(f"ls -A {CHECKOUT} /etc/systemd/system /etc/tmpfiles.d") == before
    bed.sysconsctl("install", "--set=NEEDED=100%h", "localhost:5000/needy")
    assert "ExecStart=/bin/echo 100%%h is 100%%h, $HOME is not\n" in bed.read("/etc/systemd/system/needy.service")
    refused(bed, "''NEEDED''", "update", "--unset=NEEDED", "needy")
    bed.sysconsctl("start", "needy")
    wait_until(lambda: "100%h is 100%h" in bed.journal("-u", "needy"))


def test_a_percent_sign_in_every_file(bed):
    bed.sysconsctl("pull", HELLO)
    bed.sysconsctl("install", "--start", "--set=PORT=8082", "--set=STATE_DIRECTORY=/run/100%h", HELLO)
    assert "version 1" in bed.wait_http(8082)
    assert bed.exists("/run/100%h/hello")
    bed.run(["rm", "-r", "/run/100%h"])


# ---- no /exports


def test_a_user_with_a_name(bed):
    bed.sysconsctl("pull", "localhost:5000/people")
    bed.sysconsctl("install", "--start", "localhost:5000/people")
    wait_until(lambda: "I am 33:34:34 4 in /srv/data: hi there" in bed.journal("-u", "people"))
    assert listed(bed, "people")["command"].startswith("/bin/sh -c trap")
    process = json.loads(bed.read(f"{CHECKOUT}/people/config.json"))["process"]
    assert process["user"] == {"uid": 33, "gid": 34, "additionalGids": [4]} and "GREETING=hi there" in process["env"]


# ---- another one's root


def test_rootfs(bed):
    bed.sysconsctl("pull", HELLO)
    bed.sysconsctl("install", "--name=base", HELLO)
    refused(bed, "The container's rootfs is set to remote, but the remote rootfs does not exist", "install", "--name=tenant", "--rootfs=/no/such", HELLO)
    refused(bed, "`rootfs` must be an absolute path", "install", "--name=tenant", "--rootfs=base.0", HELLO)
    assert bed.containers() == ["base"]
    bed.sysconsctl("install", "--name=tenant", "--start", "--set=PORT=8082", f"--rootfs={CHECKOUT}/base.0", HELLO)
    assert "version 1" in bed.wait_http(8082)
    root = f"{CHECKOUT}/base.0/rootfs"
    assert bed.output(f"readlink {CHECKOUT}/tenant.0/rootfs") == root and info(bed, "tenant")["remote"] == f"{CHECKOUT}/base.0"
    assert json.loads(bed.read(f"{CHECKOUT}/tenant/config.json"))["root"] == {"path": root, "readonly": True}

    bed.push("hello:latest=hello:2")
    assert "Pulling" not in bed.sysconsctl("update", "--set=RECEIVER=Moon", "tenant").stdout
    assert "Hello Moon, this is version 1" in bed.wait_http(8082)
    assert bed.output(f"readlink {CHECKOUT}/tenant.1/rootfs") == root
    bed.sysconsctl("rollback", "tenant")
    assert "Hello World, this is version 1" in bed.wait_http(8082)
    refused(bed, "The container tenant uses the root file system", "uninstall", "base")
    bed.sysconsctl("uninstall", "tenant")
    bed.sysconsctl("uninstall", "base")
    assert bed.containers() == []


def test_a_name_that_is_a_slot(bed):
    bed.sysconsctl("pull", HELLO)
    bed.sysconsctl("install", "--name=hello.1", HELLO)
    refused(bed, "hello.1 is in the way", "install", HELLO)


# ---- containers that came with the system


@pytest.fixture
def preinstalled(bed):
    """A hello that a package of the system brought: a folder and a unit below /usr."""
    bed.sysconsctl("pull", HELLO)
    bed.sysconsctl("install", "--set=PORT=8082", "--name=pre", HELLO)
    bed.run(["sh", "-c", 'mkdir -p "$1" && cp -a "$2/pre.0" "$1/pre" && sed "s|$2/pre.0|$1/pre|" /etc/systemd/system/pre.service >/usr/lib/systemd/system/pre.service'
             ' && cp /etc/tmpfiles.d/pre.conf /usr/lib/tmpfiles.d/pre.conf', "sh", PREINSTALLED, CHECKOUT])
    bed.sysconsctl("uninstall", "pre")
    wait_until(lambda: listed(bed, "pre"))
    yield bed
    bed.run(f"systemctl stop pre; rm -rf {PREINSTALLED} /usr/lib/systemd/system/pre.service /usr/lib/tmpfiles.d/pre.conf; systemctl daemon-reload")
    wait_until(lambda: not listed(bed, "pre"))


def test_preinstalled(preinstalled):
    bed = preinstalled
    entry = listed(bed, "pre")
    assert entry["state"] == "inactive" and entry["image"] == f"{HELLO}:latest"
    bed.run("systemd-tmpfiles --create /usr/lib/tmpfiles.d/pre.conf; systemctl enable pre")
    bed.sysconsctl("start", "pre")
    assert "version 1" in bed.wait_http(8082)
    wait_until(lambda: listed(bed, "pre")["state"] == "running")
    refused(bed, "Cannot update a preinstalled container", "update", "pre")
    refused(bed, "Cannot roll back a preinstalled container", "rollback", "pre")
    refused(bed, "Cannot uninstall a preinstalled container", "uninstall", "pre")
    # One that is installed hides it, until it is uninstalled.
    refused(bed, "The preinstalled container pre runs: stop it first", "install", "--name=pre", "--set=PORT=8083", HELLO)
    bed.sysconsctl("stop", "pre")
    bed.sysconsctl("install", "--start", "--name=pre", "--set=PORT=8083", HELLO)
    assert "version 1" in bed.wait_http(8083) and bed.http(8082) is None
    assert bed.output("systemctl is-enabled pre; systemctl show -P FragmentPath pre").split() == ["enabled", "/etc/systemd/system/pre.service"]
    bed.push("hello:latest=hello:2")
    bed.sysconsctl("update", "pre")
    assert "version 2" in bed.wait_http(8083)
    bed.sysconsctl("uninstall", "pre")
    wait_until(lambda: listed(bed, "pre"))
    bed.sysconsctl("start", "pre")
    assert "version 1" in bed.wait_http(8082)
