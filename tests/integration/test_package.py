# SPDX-License-Identifier: LGPL-2.1-or-later
"""Host files in a system package, by dpkg and by rpm: installed, updated, rolled back, removed, refused, interrupted; and a package of a whole container."""

import json
import re

import pytest
from bed import CHECKOUT, wait_until

HELLO = "localhost:5000/hello"
PACKAGE = "atomic-container-hello"
FAILPOINT = "/run/sysconsd/failpoint"
CONFIG = "/etc/sysconsd.conf.d/20-package.conf"


class Deb:
    name = "deb"

    def __init__(self, bed):
        self.bed = bed

    def ask(self, *command):
        return self.bed.run(list(command), check=False).stdout.strip()

    def owner(self, path):
        return self.ask("dpkg", "-S", path).removesuffix(": " + path)

    def version(self, package=PACKAGE):
        """Of the package that is installed, whole; empty: there is none."""
        answer = self.ask("dpkg-query", "-W", "-f", "${db:Status-Status} ${Version}", package)
        return answer.removeprefix("installed ") if answer.startswith("installed ") else ""

    def is_clean(self):
        return self.ask("dpkg", "-V", PACKAGE) == ""

    def about(self, field):
        return self.ask("dpkg-query", "-W", "-f", "${%s}" % {"requires": "Depends", "summary": "binary:Summary"}.get(field, field.title()), PACKAGE)

    def install(self, path):
        self.bed.run(["dpkg", "-i", path])

    def remove(self):
        self.bed.run(["dpkg", "-r", PACKAGE])


class Rpm(Deb):
    name = "rpm"

    def owner(self, path):
        return self.ask("rpm", "-qf", "--qf", "%{NAME}", path)

    def version(self, package=PACKAGE):
        answer = self.ask("rpm", "-q", "--qf", "%{VERSION}-%{RELEASE}", package)
        return "" if "not installed" in answer else answer

    def is_clean(self):
        return self.ask("rpm", "-V", PACKAGE) == ""

    def about(self, field):
        tag = {"conflicts": "[%{CONFLICTNAME} %{CONFLICTFLAGS:depflags} %{CONFLICTVERSION}, ]"}.get(field, "%{" + field.upper() + "}")
        return self.ask("rpm", "-q", "--qf", tag, PACKAGE)

    def install(self, path):
        self.bed.run(["rpm", "-U", path])

    def remove(self):
        self.bed.run(["rpm", "-e", PACKAGE])


@pytest.fixture(params=[Deb, Rpm], ids=["deb", "rpm"])
def system(bed, request):
    bed.write("/etc/rpm/macros", "%_dbpath /var/lib/rpm\n")  # Debian's rpm has a database for each user
    bed.write(CONFIG, f"[Container]\nPackageSystem={request.param.name}\n")
    bed.run("rpm --initdb; rm -rf /etc/hello /usr/local/bin/hello-say")
    yield request.param(bed)
    bed.run(["rm", "-f", FAILPOINT])
    for name in bed.containers():
        bed.sysconsctl("uninstall", name)
    bed.run(f"rm -rf {CONFIG} /etc/hello /run/hello-post; dpkg -P {PACKAGE}; rpm -e {PACKAGE}; :")


@pytest.fixture
def deb(bed):
    bed.run("rm -rf /etc/hello /usr/local/bin/hello-say")
    yield Deb(bed)
    bed.run(["rm", "-f", FAILPOINT])
    for name in bed.containers():
        bed.sysconsctl("uninstall", name)
    bed.run(f"dpkg -P {PACKAGE}; rm -rf /etc/hello")


def take(bed, version):
    bed.push(f"hello:latest=hello:{version}")
    bed.sysconsctl("pull", HELLO)


def install(bed, version="package-1", *more, how="yes", check=True):
    take(bed, version)
    return bed.sysconsctl("install", "--set=PORT=8082", f"--system-package={how}", "--pull=never", *more, HELLO, check=check)


def update(bed, check=True, health_timeout=1):
    return bed.sysconsctl("update", "--pull=never", f"--health-timeout={health_timeout}", "hello", check=check, timeout=120)


def info(bed):
    return json.loads(bed.read(f"{CHECKOUT}/hello/info"))


def settled(bed):
    def over():
        jobs = json.loads(bed.sysconsctl("jobs", "--json").stdout)
        return not bed.output(f"ls {CHECKOUT}/.sysconsd/intent") and not [j for j in jobs if j["state"] in ("queued", "running", "cancelling")]
    wait_until(over, 60)


def is_version(system, version, port=8082):
    """Package and container are of this version, whole, and nothing lies about."""
    bed = system.bed
    other = "2" if version == "1" else "1"
    assert f"this is version {version}" in bed.wait_http(port)
    assert system.version().startswith(version + ".0-5") and system.is_clean()
    assert system.owner("/usr/local/bin/hello-say") == PACKAGE and system.owner(f"/etc/hello/of-{version}") == PACKAGE
    assert bed.output("hello-say") == f"version {version}" and bed.read("/etc/hello/place") == f"version {version} of hello\n"
    assert not bed.exists(f"/etc/hello/of-{other}")
    assert bed.output(f"find {CHECKOUT} -maxdepth 2 -name '.hello*' -o -maxdepth 2 -name package-build") == ""


def is_gone(system):
    bed = system.bed
    assert system.version() == "" and bed.containers() == []
    assert bed.output("ls -d /etc/hello /usr/local/bin/hello-say /usr/local/share/hello 2>/dev/null || :") == ""
    assert bed.exists("/usr/local/bin") and bed.exists("/usr/local/share")


# ---- life


def test_life(system):
    bed = system.bed
    install(bed, "package-1", "--start")
    is_version(system, "1")
    assert bed.output("stat -c %a /etc/hello/tuning") == "640"
    assert "A greeter in a package" in system.about("summary") and "greeter-of-others" in system.about("conflicts")
    record = info(bed)
    assert (record["rpm-installed"], record["system-package"]) == (f"{PACKAGE}.{system.name}", "yes")
    assert record["installed-files"] == [] and record["installed-files-checksum"] == {}

    take(bed, "package-2")
    update(bed)
    is_version(system, "2")
    bed.sysconsctl("rollback", "--health-timeout=1", "hello")
    is_version(system, "1")
    bed.sysconsctl("rollback", "--health-timeout=1", "hello")
    is_version(system, "2")

    # the same version with another content
    bed.sysconsctl("update", "--pull=never", "--health-timeout=1", "--set=PORT=8083", "hello")
    is_version(system, "2", 8083)

    # a service that does not come up: it and its package go back
    take(bed, "broken")
    assert update(bed, check=False, health_timeout=30).returncode == 1
    is_version(system, "2", 8083)

    # what an administrator changed in /etc stays when a package is replaced
    bed.write("/etc/hello/tuning", "as the administrator wants it\n")
    take(bed, "package-1")
    update(bed)
    assert bed.read("/etc/hello/tuning") == "as the administrator wants it\n" and system.version().startswith("1.0")
    bed.write("/etc/hello/tuning", "as shipped\n")

    # a container that the atomic command installed has none of our keys
    record = info(bed)
    del record["sysconsd"], record["system-package"]
    bed.write(f"{CHECKOUT}/{bed.output(['readlink', f'{CHECKOUT}/hello'])}/info", json.dumps(record), "600")
    take(bed, "package-2")
    update(bed)
    assert system.version().startswith("2.0") and info(bed)["system-package"] == "yes"

    bed.sysconsctl("uninstall", "hello")
    is_gone(system)


def test_refused_before_anything_changed(system):
    bed = system.bed
    bed.write("/usr/local/bin/hello-say", "mine\n")
    result = install(bed, check=False)
    assert result.returncode == 1 and "The file /usr/local/bin/hello-say already exists" in result.stderr
    assert bed.read("/usr/local/bin/hello-say") == "mine\n" and system.version() == "" and bed.containers() == []
    assert not bed.exists("/etc/hello") and not bed.exists(f"{CHECKOUT}/hello.0")
    bed.run("rm /usr/local/bin/hello-say")

    result = install(bed, "package-needs", check=False)
    assert result.returncode == 1 and "nonsuch-thing" in result.stderr
    assert "Installing the package" not in result.stdout and "systemctl" not in result.stdout
    is_gone(system)
    result = install(bed, "package-odd", check=False)
    assert result.returncode == 1 and "atomic.requires names no package" in result.stderr
    is_gone(system)


# ---- planned


def test_plan(system):
    """What is told is what comes, by the rules of packages and not those of copies."""
    bed = system.bed

    def plan(*words, check=True):
        told = json.loads(bed.sysconsctl("plan", words[0], "--json", *words[1:], check=check).stdout)
        return told, {entry["path"]: entry["action"] for entry in told.get("files", []) if entry["package"] == PACKAGE}

    take(bed, "package-1")
    words = ["install", "--set=PORT=8082", "--system-package=yes", "--pull=never", HELLO]
    told, files = plan(*words)
    assert told["conflicts"] == [] and set(files.values()) == {"made"} and len(files) == len(told["files"])
    assert told["package"] | {"version": ""} == {"system": system.name, "name": PACKAGE, "action": "installed", "version": ""}
    assert re.search(rf"^Package: {PACKAGE} {re.escape(told['package']['version'])} \({system.name}\), installed$",
                     bed.sysconsctl(*words, "--display").stdout, re.M)
    is_gone(system)
    bed.write("/usr/local/bin/hello-say", "mine\n")
    told, _ = plan(*words, check=False)
    assert "The file /usr/local/bin/hello-say already exists" in told["conflicts"][0]
    bed.run("rm /usr/local/bin/hello-say")

    install(bed)
    assert system.version() == plan("uninstall", "hello")[0]["package"]["replaces"]
    assert all(system.owner(path) == PACKAGE for path in files)
    take(bed, "package-2")
    told, changed = plan("update", "--pull=never", "hello")
    assert told["conflicts"] == [] and told["package"]["action"] == "replaced" and told["package"]["replaces"] == system.version()
    assert (changed["/etc/hello/place"], changed["/etc/hello/of-1"], changed["/etc/hello/of-2"]) == ("replaced", "removed", "made")
    version = told["package"]["version"]
    update(bed)
    assert system.version() == version
    told, back = plan("rollback", "hello")
    assert told["conflicts"] == [] and (back["/etc/hello/of-1"], back["/etc/hello/of-2"]) == ("made", "removed")
    told, gone = plan("uninstall", "hello")
    assert told["package"]["action"] == "removed" and set(gone.values()) == {"removed"} and "/etc/hello/of-2" in gone
    bed.sysconsctl("uninstall", "hello")
    is_gone(system)

    take(bed, "package-needs")
    told, _ = plan(*words, check=system.name == "rpm")
    assert system.name == "rpm" or "depends on nonsuch-thing" in told["conflicts"][0]


# ---- interrupted


@pytest.mark.parametrize("system,step,version", [(Deb, "build-package", "1"), (Deb, "package", "1"), (Deb, "disable", "1"), (Rpm, "package", "1"),
                                                 (Rpm, "keep", "2")], indirect=["system"])
def test_update_killed(system, step, version):
    bed = system.bed
    install(bed, "package-1", "--start")
    take(bed, "package-2")
    bed.write(FAILPOINT, f"{step} kill\n")
    assert update(bed, check=False).returncode == 1
    settled(bed)
    is_version(system, version)
    if step == "package":
        bed.write(FAILPOINT, "start error\nback-package kill\n")
        assert update(bed, check=False).returncode == 1
        bed.run(["rm", "-f", FAILPOINT])
        settled(bed)
        is_version(system, "1")
    if step == "disable":
        bed.write(FAILPOINT, "remove-package kill\n")
        bed.sysconsctl("uninstall", "hello", check=False)
        settled(bed)
        is_gone(system)


@pytest.mark.parametrize("step", ["package", "disable"])
def test_install_killed(deb, step):
    bed = deb.bed
    bed.write(FAILPOINT, f"{step} kill\n")
    assert install(bed, check=False).returncode == 1
    settled(bed)
    is_gone(deb)


def test_killed_while_dpkg_is_at_work(deb):
    """Recovery waits for it, and then undoes what it did."""
    bed = deb.bed
    install(bed, "package-1", "--start")
    take(bed, "package-2")
    bed.write("/etc/dpkg/dpkg.cfg.d/test", "pre-invoke=touch /run/dpkg-began; while test ! -e /run/dpkg-may-go; do sleep 0.05; done\n")
    job = bed.sysconsctl("update", "--no-wait", "--pull=never", "--health-timeout=1", "hello").stdout.strip()
    wait_until(lambda: bed.exists("/run/dpkg-began"))
    bed.run(["rm", "/etc/dpkg/dpkg.cfg.d/test"])
    before = bed.cursor()
    bed.systemctl("kill", "--signal=KILL", f"sysconsd-job-{job}.service")
    wait_until(lambda: "Recovering hello" in bed.journal(after=before))
    bed.run("touch /run/dpkg-may-go")
    settled(bed)
    bed.run("rm /run/dpkg-began /run/dpkg-may-go")
    is_version(deb, "1")


def test_power_lost_when_the_package_is_new(deb):
    bed = deb.bed
    install(bed, "package-1", "--start")
    take(bed, "package-2")
    before = bed.cursor()
    bed.write(FAILPOINT, "disable sleep\n")
    bed.run(["sysconsctl", "update", "--no-wait", "--pull=never", "--health-timeout=1", "hello"])
    wait_until(lambda: "failpoint disable: sleep" in bed.journal(after=before))
    assert deb.version().startswith("2.0")
    bed.crash()
    is_version(deb, "1")


def test_waits_for_apt(deb):
    bed = deb.bed
    take(bed, "package-1")
    bed.run(["systemd-run", "-q", "--unit=apt-at-work", "python3", "-c", "import fcntl, time; f = open('/var/lib/dpkg/lock-frontend', 'w'); "
             "fcntl.lockf(f, fcntl.LOCK_EX); open('/run/locked', 'w'); time.sleep(600)"])
    wait_until(lambda: bed.exists("/run/locked"))
    bed.run(["systemd-run", "-q", "sh", "-c",
             f"sysconsctl install --set=PORT=8082 --system-package=yes --pull=never {HELLO} >/run/client.log 2>&1; echo $? >/run/client.rc"])
    wait_until(lambda: bed.exists("/run/client.log") and "Waiting for another program" in bed.read("/run/client.log"))
    assert bed.containers() == [] and deb.version() == ""
    bed.systemctl("stop", "apt-at-work")
    wait_until(lambda: bed.exists("/run/client.rc") and bed.read("/run/client.rc") == "0\n")
    assert deb.version().startswith("1.0") and bed.containers() == ["hello"]
    bed.run("rm /run/locked /run/client.log /run/client.rc")


# ---- how


def test_auto(deb):
    bed = deb.bed
    install(bed, "package-1", how="auto")
    assert deb.owner("/etc/hello/place") == PACKAGE and info(bed)["system-package"] == "yes"
    bed.sysconsctl("uninstall", "hello")
    install(bed, "1", how="auto")  # no host files: no package
    assert deb.version() == "" and info(bed)["system-package"] == "no" and info(bed)["rpm-installed"] is None
    bed.sysconsctl("uninstall", "hello")
    bed.sysconsctl("install", "--set=PORT=8082", f"{HELLO}:package-1", "--name=hello")  # a copy unless it is asked for
    assert deb.version() == "" and "/etc/hello/place" in info(bed)["installed-files"]
    bed.sysconsctl("uninstall", "hello")

    bed.write("/run/ostree-booted", "")
    install(bed, "package-1", how="auto")
    assert deb.version() == ""
    bed.sysconsctl("uninstall", "hello")
    result = install(bed, "package-1", check=False)
    assert result.returncode == 1 and "OSTree" in result.stderr
    bed.run("rm /run/ostree-booted")

    bed.write(CONFIG, "[Container]\nPackageSystem=none\n")
    result = install(bed, "package-1", check=False)
    assert result.returncode == 1 and "PackageSystem=none" in result.stderr
    bed.run(["rm", CONFIG])


def test_modified_configuration_outlives_uninstall(deb):
    bed = deb.bed
    install(bed)
    bed.write("/etc/hello/tuning", "mine\n")
    assert "Will not delete /etc/hello/tuning as it was manually modified." in bed.sysconsctl("uninstall", "hello").stdout
    assert bed.read("/etc/hello/tuning") == "mine\n" and not bed.exists("/usr/local/bin/hello-say")
    install(bed)  # it is still this package's
    assert bed.read("/etc/hello/tuning") == "mine\n"


@pytest.mark.parametrize("system", [Rpm], ids=["rpm"], indirect=True)
def test_spec_of_the_image(system):
    bed = system.bed
    # Debian's shell is not of an rpm
    bed.write("/root/shell.spec", "Name: shell\nVersion: 1\nRelease: 1\nSummary: The shell\nLicense: none\nBuildArch: noarch\nProvides: /bin/sh\n"
              "%description\nThe shell.\n%files\n")
    bed.run("cd /root && rpmbuild -bb --quiet --define '_topdir /root/shell' shell.spec && rpm -U /root/shell/RPMS/noarch/shell-1-1.noarch.rpm")
    install(bed, "package-spec", "--start")
    assert system.version() == "7-1" and system.owner("/etc/hello/spec") == PACKAGE
    assert bed.read("/etc/hello/spec") == "made by the spec for hello\n" and bed.read("/run/hello-post") == "hello\n"
    assert "hello answers on 8082." in system.about("description")
    assert not bed.exists("/usr/local/escaped")  # what the spec does while it is built stays in the build
    assert not bed.exists("/etc/hello/place")  # the spec does not list it
    bed.sysconsctl("uninstall", "hello")
    result = install(bed, "package-grabs", check=False)
    assert result.returncode == 1 and "makes a package openssh-server, not atomic-container-hello" in result.stderr
    assert bed.containers() == []


# ---- a package of a whole container


def test_build(system):
    bed = system.bed
    take(bed, "package-1")
    bed.run("rm -rf /root/out && mkdir /root/out")
    result = bed.run(f"cd /root/out && sysconsctl install --system-package=build --set=PORT=8082 {HELLO}")
    path = f"/root/out/{PACKAGE}.{system.name}"
    assert f"Generated {system.name} {path}" in result.stdout and bed.output("ls -A /root/out") == f"{PACKAGE}.{system.name}"
    assert bed.containers() == [] and system.version() == ""
    assert bed.output(f"find {CHECKOUT} -maxdepth 1 -name '.hello*'") == ""
    result = bed.sysconsctl("install", "--system-package=build", "--output=/nowhere/x", HELLO, check=False)
    assert result.returncode == 1 and "/nowhere" in result.stderr
    result = bed.sysconsctl("install", "--system-package=build", "--output=/root/out/named", f"{HELLO}:nonsuch", check=False)
    assert result.returncode != 0 and bed.output("ls -A /root/out") == f"{PACKAGE}.{system.name}"
    bed.run("mkdir /run/small && mount -t tmpfs -o size=64k tmpfs /run/small")
    result = bed.sysconsctl("install", "--system-package=build", "--output=/run/small/x", HELLO, check=False)
    assert result.returncode == 1 and "Cannot write the package" in result.stderr and bed.output("ls -A /run/small") == ""
    bed.run("umount /run/small && rmdir /run/small")

    system.install(path)
    bed.run("systemctl daemon-reload; systemd-tmpfiles --create /usr/lib/tmpfiles.d/hello.conf")
    wait_until(lambda: "hello" in bed.sysconsctl("list", "--all", "--quiet").stdout.split())
    assert bed.sysconsctl("show", "--property=Preinstalled", "--value", "hello").stdout.strip() == "yes"
    bed.sysconsctl("start", "hello")
    is_version(system, "1")
    for verb, said in (("update", "Cannot update a preinstalled container"), ("uninstall", "Cannot uninstall a preinstalled container")):
        result = bed.sysconsctl(verb, "hello", check=False)
        assert result.returncode == 1 and said in result.stderr
    bed.sysconsctl("stop", "hello")
    # the package of a container that hides it would take its place
    result = install(bed, check=False)
    assert result.returncode == 1 and f"A package {PACKAGE} is installed already" in result.stderr
    system.remove()
    wait_until(lambda: "hello" not in bed.sysconsctl("list", "--all", "--quiet").stdout.split())
    assert not re.search("hello", bed.output("ls /usr/lib/containers/atomic /usr/lib/systemd/system /usr/lib/tmpfiles.d 2>/dev/null || :"))
