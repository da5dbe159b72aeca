# SPDX-License-Identifier: LGPL-2.1-or-later
"""A host of the atomic command is taken over as it stands; and what sysconsd writes can be read by others.

atomichost.py makes the host, with nothing of sysconsd. The tests go through it in their order."""

import json
import os

import pytest
from bed import CHECKOUT, TESTS, Bed, wait_until
from derived import Derived, Layer

REPOSITORY = CHECKOUT + "/.storage/ostree"
HELLO = "127.0.0.1:5000/hello"
BUILDER = "/root/atomichost.py"


def tool(version):
    """An image that only brings files to the host."""
    layer = Layer("tool " + version)
    layer.folders("exports", "exports/hostfs", "exports/hostfs/etc", "exports/hostfs/usr", "exports/hostfs/usr/local", "exports/hostfs/usr/local/bin",
                  "exports/hostfs/var", "exports/hostfs/var/lib", "exports/hostfs/var/lib/tool")
    layer.file("exports/hostfs/usr/local/bin/tool", f"#!/bin/sh\necho tool {version}\n", 0o755)
    layer.link("exports/hostfs/usr/local/bin/tool-link", "tool")
    layer.link("exports/hostfs/usr/local/bin/tool-dangling", "nothing-here")
    layer.file("exports/hostfs/etc/tool.in", f"version {version} level $LEVEL\n")
    if version == "2":
        layer.file("exports/hostfs/etc/tool-new", "new\n")
    layer.file("exports/manifest.json", json.dumps({
        "version": "1.0", "noContainerService": True, "defaultValues": {"LEVEL": "low" if version == "1" else "high", "PLACE": "conf"},
        "renameFiles": {"/etc/tool.in": "/etc/tool.$PLACE"}, "installedFilesTemplate": ["/etc/tool.in"]}))
    layer.file("exports/config.json", json.dumps({"root": {"path": "rootfs", "readonly": True}, "process": {"args": ["none"]}}))
    return layer


def without_install():
    layer = Layer("a unit without [Install]")
    layer.file("exports/service.template", "[Service]\nExecStart=$EXEC_START\nExecStop=$EXEC_STOP\nWorkingDirectory=$DESTDIR\n")
    return layer


def linked_exports():
    """The templates lie elsewhere in the image."""
    layer = Layer("links in exports")
    for name in ("service.template", "tmpfiles.template"):
        text = (TESTS / "images" / "hello" / "exports" / name).read_text()
        layer.file("usr/share/hello/" + name, text.replace("Greeter", "Linked greeter"))
        layer.link("exports/" + name, ("../" if name.startswith("s") else "/") + "usr/share/hello/" + name)
    return layer


def build(bed, *calls):
    """Calls functions of atomichost.py inside."""
    bed.run(["python3", BUILDER, json.dumps(calls)], timeout=600)


def ostree(bed, *arguments, check=True):
    return bed.run(["ostree", "--repo=" + REPOSITORY, *arguments], check=check, timeout=120).stdout.strip()


def info(bed, name):
    return json.loads(bed.read(f"{CHECKOUT}/{name}/info"))


def containers(bed):
    return {entry["name"]: entry for entry in json.loads(bed.sysconsctl("list", "-a", "--json").stdout)}


def jobs_of(bed, operation):
    return [job for job in json.loads(bed.sysconsctl("jobs", "--json").stdout) if job["operation"] == operation]


def images(bed):
    return {name: entry for entry in json.loads(bed.sysconsctl("images", "--json").stdout) for name in entry["names"]}


def greeting(bed, port, version):
    wait_until(lambda: f"this is version {version}" in (bed.http(port) or ""))


def main_pid(bed, name):
    return bed.output(f"systemctl show -P MainPID {name}")


def live(bed, name):
    return bed.output(["readlink", "-f", f"{CHECKOUT}/{name}"]).removeprefix(CHECKOUT + "/")


@pytest.fixture(scope="module")
def derived(tmp_path_factory):
    images = Derived(tmp_path_factory.mktemp("images"))
    images.add("tool:1", None, tool("1"))
    images.add("tool:2", None, tool("2"))
    images.add("hello:static", "hello:2", without_install())
    images.add("hello:linked", "hello:1", linked_exports())
    images.finish()
    return images


@pytest.fixture(scope="module")
def host(stage, derived):
    with Bed(f"takeover-{os.getpid()}", "--stage", stage) as bed:
        bed.write("/etc/sysconsd.conf.d/10-tests.conf", "[Container]\nSettlingTime=1\nStartTimeout=20\n")
        bed.write(BUILDER, (TESTS / "integration" / "atomichost.py").read_text(), "755")
        bed.start_registry()
        bed.push("hello:1", "hello:2", "hello:latest=hello:1", "hello:files-1", "hello:schema1=hello:1", "etcd:latest=etcd:1")
        derived.push(bed, "tool:latest=tool:1", "hello:linked", "hello:static")
        build(bed,
              ["pull", {"image": "hello:latest"}],
              ["install", {"name": "web", "image": HELLO, "given": {"PORT": "8082"}, "start": True}],
              ["install", {"name": "vendor", "image": HELLO, "preinstalled": True}],
              ["pull", {"image": "etcd:latest", "form": "no-digest"}],
              ["install", {"name": "etcd", "image": "oci:127.0.0.1:5000/etcd:latest", "given": {"ETCD_NAME": "one"}}],
              ["pull", {"image": "hello:files-1"}],
              ["install", {"name": "bare", "image": HELLO + ":files-1", "given": {"PORT": "8083"}, "drop": ["installed-files-checksum", "use-links"]}],
              ["pull", {"image": "tool:latest"}],
              ["install", {"name": "tool", "image": "127.0.0.1:5000/tool"}],
              ["pull", {"image": "hello:1", "form": "inspect"}],
              ["install", {"name": "first", "image": HELLO + ":1", "given": {"PORT": "8084"}, "keys": "first"}],
              ["pull", {"image": "hello:schema1", "form": "schema1"}],
              ["pull", {"image": "hello:1", "form": "archive", "name": "from-an-archive:1"}])
        bed.push("hello:latest=hello:2")
        # what the atomic command's own update did: the other slot, and the service ran on
        build(bed, ["pull", {"image": "hello:latest"}], ["install", {"name": "web", "image": HELLO, "slot": 1}])
        bed.write(f"{CHECKOUT}/broken.0/info", "{")
        bed.run(["ln", "-s", f"{CHECKOUT}/broken.0", f"{CHECKOUT}/broken"])
        greeting(bed, 8082, "2")
        assert not bed.is_active("sysconsd")
        yield bed


def metadata_of(bed):
    """What the other program wrote, by ref: its keys, its tree and its time."""
    keys = ("docker.manifest", "docker.digest", "signatures")
    refs = [ref for ref in ostree(bed, "refs").splitlines() if "_3A" in ref]
    return {ref: [ostree(bed, "show", "--print-metadata-key=" + key, ref, check=False) for key in keys]
            + [ostree(bed, "ls", "-RC", ref), ostree(bed, "log", ref).split("Date:")[1]] for ref in refs}


def test_listed(host):
    before, pid = metadata_of(host), main_pid(host, "web")
    listed = containers(host)
    expected = {"bare": "inactive", "broken": "broken", "etcd": "inactive", "first": "inactive", "tool": "no service", "vendor": "inactive",
                "web": "running"}
    assert {name: entry["state"] for name, entry in listed.items()} == expected
    web = listed["web"]
    assert (web["image"], web["runtime"], web["command"]) == (HELLO + ":latest", "/bin/runc", "/usr/local/bin/hello")
    assert listed["etcd"]["image"] == "127.0.0.1:5000/etcd:latest"  # atomic recorded what was typed, "oci:" and all
    assert listed["vendor"]["preinstalled"]
    assert main_pid(host, "web") == pid != "0"

    # The daemon has them described at first sight, nobody asks for it.
    wait_until(lambda: all(entry["digest"] for entry in images(host).values()), 60)
    described = wait_until(lambda: [job for job in jobs_of(host, "describe") if job["state"] == "done"])
    listed = images(host)
    assert set(listed) == {HELLO + ":latest", HELLO + ":1", HELLO + ":files-1", HELLO + ":schema1", "127.0.0.1:5000/etcd:latest",
                           "127.0.0.1:5000/tool:latest", "from-an-archive:1"}
    assert listed[HELLO + ":latest"]["used_by"] == ["web"]
    assert listed["127.0.0.1:5000/etcd:latest"]["used_by"] == ["etcd"]
    # the same image under two names, one of which the first versions stored: what web was made of before, and vendor is
    assert listed[HELLO + ":1"]["used_by"] == ["first", "vendor", "web"]
    assert all(entry["size"] > 0 and entry["created"] for entry in listed.values())
    shown = host.sysconsctl("info", HELLO).stdout
    assert "org.opencontainers.image.version: 2" in shown and "PORT: 8081" in shown
    assert "NOTE: one line" in host.sysconsctl("info", HELLO + ":files-1").stdout
    assert "summary: A greeter over HTTP" in host.sysconsctl("info", HELLO + ":schema1").stdout

    # What it wrote is there byte for byte, and ostree finds nothing wrong.
    assert metadata_of(host) == before
    ostree(host, "fsck", "--quiet")
    # once, and not again: it may be forgotten by now
    assert len(described) == 1 and [job["state"] for job in jobs_of(host, "describe") if job["job"] != described[0]["job"]] == []


VERSION = "rootfs/etc/hello-version"


def verified(bed, *arguments):
    """The exit code, and the details of the job."""
    result = bed.sysconsctl("verify", "--json", *arguments, check=False, timeout=120)
    return result.returncode, json.loads(result.stdout)["details"] | {"said": result.stderr}


def test_verify(host, derived):
    """Of whatever form the atomic command stored: what is damaged is named, and comes anew from where its name says."""
    bed = host

    def spoil(ref, path):
        checksum = ostree(bed, "ls", "-C", ref, path).split()[4]
        bed.run(f"printf x >>{REPOSITORY}/objects/{checksum[:2]}/{checksum[2:]}.file")

    for name in images(bed):
        assert "is whole" in bed.sysconsctl("verify", name).stdout
    for name, slot in ((HELLO + ":latest", "web.1"), (HELLO + ":1", "first.0")):
        bed.run(f"printf tampered | dd of={CHECKOUT}/{slot}/{VERSION} conv=notrunc status=none")
        code, details = verified(bed, name)
        assert code == 1 and details["error-name"] == "org.sysconsd1.Error.VerifyFailed"
        assert details["damaged-files"].endswith(": /etc/hello-version is changed") and details["damaged-layers"] in images(bed)[name]["layers"]
        assert slot[:-2] in details["containers"].split("\n") and details["damaged"] == "1"
        code, details = verified(bed, "--repair", name)
        assert code == 0 and details["repaired"] == "yes", details["said"]
        assert "tampered" not in bed.read(f"{CHECKOUT}/{slot}/{VERSION}")
    config = "ociimage/" + images(bed)[HELLO + ":latest"]["id"]
    spoil(config, "/content")
    assert verified(bed, HELLO)[0] == 1 and verified(bed, "--repair", HELLO)[0] == 0
    # a layer of which only the registry knows the size
    derived.push(bed, "tool:2")
    build(bed, ["pull", {"image": "tool:2", "form": "inspect"}])
    old = "127.0.0.1:5000/tool:2"
    wait_until(lambda: images(bed).get(old, {}).get("digest"))
    layer = "ociimage/" + images(bed)[old]["layers"][0].removeprefix("sha256:")
    assert ostree(bed, "show", "--print-metadata-key=docker.size", layer, check=False) == ""
    spoil(layer, "/exports/hostfs/usr/local/bin/tool")
    assert verified(bed, old)[0] == 1
    derived.push(bed, "tool:2=tool:1")
    refused = bed.sysconsctl("verify", "--repair", old, check=False)
    assert refused.returncode == 3 and "has other layers than the one that is damaged" in refused.stderr, refused.stderr
    derived.push(bed, "tool:2")
    for name in images(bed):
        assert verified(bed, "--repair", name)[0] == verified(bed, name)[0] == 0
    bed.sysconsctl("delete-image", old)
    ostree(bed, "fsck", "--quiet")


def test_update_and_back(host):
    bed = host
    atomic_unit = bed.read("/etc/systemd/system/web.service")
    assert "/bin/runc --systemd-cgroup run 'web'" in atomic_unit
    uuid = info(bed, "web")["values"]["UUID"]
    assert "Latest version already installed." in bed.sysconsctl("update", "web").stdout
    bed.push("hello:latest=hello:healthy")
    bed.sysconsctl("update", "web", timeout=120)
    greeting(bed, 8082, "healthy")
    assert live(bed, "web") == "web.0"
    new = info(bed, "web")
    assert new["sysconsd"]["set-values"] == {"PORT": "8082"}  # and nothing of what atomic had filled in
    assert new["values"]["UUID"] == uuid and "CAP_AUDIT_CONTROL" in new["values"]["ALL_PROCESS_CAPABILITIES"]
    assert "systemd-cgroup" not in bed.read("/etc/systemd/system/web.service")

    bed.sysconsctl("rollback", "web", timeout=120)  # to what the atomic command has deployed
    greeting(bed, 8082, "2")
    assert live(bed, "web") == "web.1" and bed.read("/etc/systemd/system/web.service") == atomic_unit
    bed.sysconsctl("rollback", "web", timeout=120)
    greeting(bed, 8082, "healthy")
    assert bed.output("systemctl is-enabled web") == "enabled"
    bed.sysconsctl("uninstall", "web")
    assert not bed.exists(f"{CHECKOUT}/web.0") and not bed.exists(f"{CHECKOUT}/web.1") and not bed.exists("/etc/systemd/system/web.service")
    assert bed.http(8082) is None


def test_values_and_host_files(host):
    bed = host
    before = info(bed, "etcd")
    assert "ETCD_NAME=one" in bed.read("/etc/etcd/etcd.conf")
    bed.push("etcd:latest=etcd:2")
    bed.sysconsctl("update", "etcd", timeout=120)
    new = info(bed, "etcd")
    assert new["sysconsd"]["set-values"] == {"ETCD_NAME": "one"}
    assert before["values"]["ETCD_SNAPSHOT_COUNT"] != new["values"]["ETCD_SNAPSHOT_COUNT"] == "50000"  # the new default has arrived
    conf = bed.read("/etc/etcd/etcd.conf")
    assert "version 2" in conf and "ETCD_NAME=one" in conf
    bed.sysconsctl("rollback", "etcd")
    assert "version 2" not in bed.read("/etc/etcd/etcd.conf")
    bed.run("echo '# mine' >>/etc/etcd/etcd.conf")
    said = bed.sysconsctl("uninstall", "etcd").stdout
    assert "Will not delete /etc/etcd/etcd.conf as it was manually modified." in said
    assert bed.exists("/etc/etcd/etcd.conf") and not bed.exists("/usr/local/bin/etcdctl")
    bed.run("rm -r /etc/etcd")


def test_without_tmpfiles_template(host):
    bed = host
    lines = bed.read("/etc/tmpfiles.d/bare.conf")
    assert "d    /run/bare   0700 0 0 - -" in lines and "/var/lib/bare" in lines
    assert bed.read("/etc/hello/place").startswith("version 1 of bare in")
    bed.systemctl("start", "bare")
    bed.push("hello:files-1=hello:files-2")
    bed.sysconsctl("update", "bare", timeout=120)
    greeting(bed, 8083, "2")
    assert "version 2 of bare" in bed.read("/etc/hello/place")  # a record without checksums, but it was as the image has it
    assert {line.split()[1].strip('"') for line in bed.read("/etc/tmpfiles.d/bare.conf").splitlines()} == {"/run/bare", "/var/lib/bare"}
    bed.sysconsctl("uninstall", "bare")
    assert not bed.exists("/etc/hello/place") and bed.exists("/run/bare")
    # Installed again within this boot: /run/bare is there, and will not be after the next one.
    bed.sysconsctl("install", "--name=bare", "--set=PORT=8083", HELLO + ":files-1")
    assert "/run/bare" in bed.read("/etc/tmpfiles.d/bare.conf")
    bed.sysconsctl("uninstall", "bare")


def test_no_service(host, derived):
    bed = host
    assert not bed.exists(f"{CHECKOUT}/tool.0/rootfs")  # atomic removed it
    assert info(bed, "tool")["installed-files-checksum"]["/var/lib/tool"] == "0"
    derived.push(bed, "tool:latest=tool:2")
    said = bed.sysconsctl("update", "tool").stdout
    assert "manually modified" not in said
    assert bed.output("tool") == bed.output("tool-link") == "tool 2"
    assert bed.read("/etc/tool.conf") == "version 2 level high\n" and bed.exists("/etc/tool-new")
    assert info(bed, "tool")["rename-installed-files"] == {"/etc/tool.in": "/etc/tool.conf"}
    bed.sysconsctl("rollback", "tool")
    assert bed.output("tool") == "tool 1" and bed.read("/etc/tool.conf") == "version 1 level low\n" and not bed.exists("/etc/tool-new")
    assert live(bed, "tool") == "tool.0"
    bed.sysconsctl("rollback", "tool")
    assert bed.output("tool-link") == "tool 2"
    bed.sysconsctl("rollback", "tool")
    said = bed.sysconsctl("uninstall", "tool").stdout
    assert "manually modified" not in said
    left = bed.output("ls -d /usr/local/bin/tool* /etc/tool* /var/lib/tool 2>/dev/null || true")
    assert left == ""


def test_root_of_another(host):
    """What was installed with --rootfs."""
    bed = host
    elsewhere = "/srv/elsewhere"
    build(bed, ["install", {"name": "base", "image": HELLO, "given": {"PORT": "8091"}}],
          ["install", {"name": "tenant", "image": HELLO, "given": {"PORT": "8092"}, "remote": f"{CHECKOUT}/base.0", "start": True}])
    bed.run(f"mkdir {elsewhere} && cp -a {CHECKOUT}/base.0/rootfs {elsewhere}/rootfs")
    build(bed, ["install", {"name": "stranger", "image": HELLO, "given": {"PORT": "8093"}, "remote": elsewhere}])
    root = f"find {CHECKOUT}/base.0/rootfs | LC_ALL=C sort | sha256sum"
    before = bed.output(root)
    wait_until(lambda: {"base", "tenant", "stranger"} <= set(containers(bed)))
    listed = containers(bed)
    assert {name: listed[name]["state"] for name in ("base", "tenant", "stranger")} == {"base": "inactive", "tenant": "running", "stranger": "inactive"}
    assert listed["tenant"]["image"] == HELLO + ":latest" and listed["tenant"]["command"] == "/usr/local/bin/hello"

    assert "Latest version already installed." in bed.sysconsctl("update", "tenant").stdout
    bed.sysconsctl("update", "--set=RECEIVER=Moon", "tenant", timeout=120)
    wait_until(lambda: "Hello Moon" in (bed.http(8092) or ""))
    assert bed.output(f"readlink {CHECKOUT}/tenant.1/rootfs") == f"{CHECKOUT}/base.0/rootfs"
    assert info(bed, "tenant")["remote"] == f"{CHECKOUT}/base.0" and info(bed, "tenant")["sysconsd"]["set-values"] == {"PORT": "8092", "RECEIVER": "Moon"}
    bed.sysconsctl("rollback", "tenant", timeout=120)
    wait_until(lambda: "Hello World" in (bed.http(8092) or ""))
    refused = bed.sysconsctl("uninstall", "base", check=False)
    assert refused.returncode == 1 and "The container tenant uses the root file system" in refused.stderr
    bed.sysconsctl("uninstall", "tenant")
    assert bed.http(8092) is None and bed.output(root) == before
    bed.sysconsctl("uninstall", "base")

    bed.run(f"mv {elsewhere} {elsewhere}.away")
    refused = bed.sysconsctl("update", "--set=RECEIVER=Moon", "stranger", check=False)
    assert refused.returncode == 1 and elsewhere in refused.stderr, refused.stderr
    assert containers(bed)["stranger"]["state"] == "inactive" and live(bed, "stranger") == "stranger.0"
    bed.run(f"mv {elsewhere}.away {elsewhere}")
    bed.sysconsctl("uninstall", "stranger")
    assert bed.exists(f"{elsewhere}/{VERSION}") and not bed.exists(f"{CHECKOUT}/stranger.0")
    bed.run(f"rm -r {elsewhere}")


def test_lost_link(host):
    """While the service runs on, of which the other slot is the one before."""
    bed = host
    link = f"{CHECKOUT}/astray"
    build(bed, ["install", {"name": "astray", "image": HELLO, "given": {"PORT": "8094"}, "start": True}],
          ["install", {"name": "astray", "image": HELLO, "slot": 1}])
    greeting(bed, 8094, "healthy")
    wait_until(lambda: containers(bed).get("astray", {}).get("state") == "running")
    pid = main_pid(bed, "astray")
    bed.run(["rm", link])
    wait_until(lambda: containers(bed)["astray"]["state"] == "broken")
    # prune may be the first that has to lock containers here, and what has no record is nobody's container
    bed.run(f"rm -r {CHECKOUT}/.sysconsd && mkdir {CHECKOUT}/left.1")
    said = bed.sysconsctl("prune", timeout=120).stdout
    assert "Deleting left.1" in said and not bed.exists(f"{CHECKOUT}/left.1")
    assert all(f"Keeping astray.{slot}: astray.service is active" in said for slot in (0, 1))
    for verb in ("update", "rollback"):
        refused = bed.sysconsctl(verb, "astray", check=False)
        assert refused.returncode == 1 and f"{link} does not point to astray.0 or astray.1: set the link again" in refused.stderr, refused.stderr
    refused = bed.sysconsctl("install", "--name=astray", HELLO, check=False)
    assert refused.returncode == 1 and "sysconsctl uninstall astray" in refused.stderr
    assert main_pid(bed, "astray") == pid
    bed.systemctl("stop", "astray")
    said = bed.sysconsctl("prune", timeout=120).stdout
    assert all(f"Keeping astray.{slot}: there is /etc/systemd/system/astray.service" in said for slot in (0, 1)), said
    assert json.loads(bed.sysconsctl("plan", "prune", "--json").stdout)["deployments"] == []
    bed.systemctl("start", "astray")

    place = bed.output("systemctl show -P WorkingDirectory astray")
    assert place == f"{CHECKOUT}/astray.1"
    bed.run(["ln", "-s", place, link])
    wait_until(lambda: containers(bed)["astray"]["state"] == "running")
    bed.sysconsctl("rollback", "astray", timeout=120)
    greeting(bed, 8094, "healthy")
    assert live(bed, "astray") == "astray.0"

    bed.run(["rm", link])
    wait_until(lambda: containers(bed)["astray"]["state"] == "broken")
    bed.sysconsctl("uninstall", "astray")
    assert bed.http(8094) is None and "astray" not in containers(bed)
    assert bed.output(f"ls -d {CHECKOUT}/*astray* /etc/systemd/system/*astray* /etc/systemd/system/*/*astray* /etc/tmpfiles.d/*astray* 2>/dev/null || true") == ""


def test_first_versions(host):
    bed = host
    assert "installed-files" not in info(bed, "first")
    bed.systemctl("start", "first")
    greeting(bed, 8084, "1")
    bed.push("hello:1=hello:2")
    bed.sysconsctl("update", "first", timeout=120)
    greeting(bed, 8084, "2")
    bed.sysconsctl("rollback", "first", timeout=120)
    greeting(bed, 8084, "1")
    bed.sysconsctl("uninstall", "first")
    bed.push("hello:1")


def test_images_of_others_are_installed(host):
    """Without a pull: what is there is enough."""
    bed = host
    for name, image, port in (("schema1", HELLO + ":schema1", 8085), ("archive", "from-an-archive:1", 8086)):
        bed.sysconsctl("install", "--name=" + name, "--pull=never", f"--set=PORT={port}", "--start", image, timeout=120)
        greeting(bed, port, "1")
        bed.sysconsctl("uninstall", name)


def test_described_when_it_is_needed(host):
    """The daemon's worker fails, as if it had been killed: an install looks for itself."""
    bed = host
    bed.write("/run/sysconsd/failpoint", "describe kill\n")
    build(bed, ["pull", {"image": "hello:2"}])
    wait_until(lambda: [job for job in json.loads(bed.sysconsctl("jobs", "--json").stdout)
                        if job["operation"] == "describe" and job["state"] == "failed"])
    bed.run("rm -f /run/sysconsd/failpoint")
    ref = "ociimage/127.0.0.1_3A5000_2Fhello_3A2"
    assert ostree(bed, "show", "--print-metadata-key=sysconsd.image", ref, check=False) == ""
    bed.sysconsctl("install", "--name=late", "--pull=never", "--set=PORT=8087", "--start", HELLO + ":2", timeout=120)
    greeting(bed, 8087, "2")
    assert ostree(bed, "show", "--print-metadata-key=sysconsd.image", ref) != ""
    bed.sysconsctl("uninstall", "late")
    ostree(bed, "fsck", "--quiet")


def test_a_bad_image_of_others(host):
    """Listed as it was, told of, and no reason to try again and again."""
    bed = host
    manifest = json.dumps({"schemaVersion": 2, "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "size": 2,
                                                          "digest": "sha256:" + "0" * 64}, "layers": []})
    bed.run(["ostree", "--repo=" + REPOSITORY, "commit", "--branch=ociimage/bad_3A1", "--tree=ref=ociimage/from-an-archive_3A1", "-s", "",
             "--add-metadata-string=docker.manifest=" + manifest])
    wait_until(lambda: "bad:1" in images(bed))
    failed = wait_until(lambda: [job for job in json.loads(bed.sysconsctl("jobs", "--json").stdout)
                                 if job["operation"] == "describe" and job["state"] == "failed" and "bad:1" in job["error"]["message"]])
    assert len(failed) == 1
    result = bed.sysconsctl("install", "--pull=never", "bad:1", check=False)
    assert result.returncode == 1 and "Image bad:1 cannot be used as another program stored it" in result.stderr
    bed.sysconsctl("delete-image", "bad:1")


def test_preinstalled_and_broken(host):
    bed = host
    refused = bed.sysconsctl("update", "vendor", check=False)
    assert refused.returncode == 1 and "Cannot update a preinstalled container" in refused.stderr
    assert bed.sysconsctl("update", "broken", check=False).returncode == 1
    bed.sysconsctl("uninstall", "broken")
    assert not bed.exists(f"{CHECKOUT}/broken.0")


def test_enabled_over_a_unit_without_install(host):
    bed = host
    bed.sysconsctl("install", "--name=wanted", "--set=PORT=8088", HELLO + ":2")
    bed.sysconsctl("update", "--rebase", HELLO + ":static", "wanted")
    assert bed.output("systemctl is-enabled wanted", check=False) == "static"
    bed.sysconsctl("rollback", "wanted")
    assert bed.output("systemctl is-enabled wanted") == "enabled"
    bed.systemctl("disable", "wanted")
    for state in ("static", "disabled"):
        bed.sysconsctl("rollback", "wanted")
        assert bed.output("systemctl is-enabled wanted", check=False) == state
    # a write that was killed has left this
    bed.run("touch /etc/systemd/system/.wanted.service.Ab0Cd1Ef /etc/tmpfiles.d/.wanted.conf.Ab0Cd1Ef /etc/systemd/system/.wanted.service.other")
    bed.sysconsctl("uninstall", "wanted")
    assert bed.output("cd /etc && ls -A systemd/system tmpfiles.d | grep wanted") == ".wanted.service.other"
    bed.run("rm /etc/systemd/system/.wanted.service.other")


def test_links_in_exports(host):
    bed = host
    bed.sysconsctl("install", "--name=linked", "--set=PORT=8089", "--start", HELLO + ":linked", timeout=120)
    greeting(bed, 8089, "1")
    assert bed.output("systemctl show -P Description linked") == "Linked greeter linked"
    bed.sysconsctl("update", "--set=RECEIVER=Moon", "linked", timeout=120)
    wait_until(lambda: "Hello Moon" in (bed.http(8089) or ""))
    bed.sysconsctl("uninstall", "linked")


def test_what_we_write_others_can_read(host):
    """With ostree and python alone: what the atomic command would look for, of its types."""
    bed = host
    bed.push("hello:files-1")
    bed.sysconsctl("pull", HELLO + ":files-1")
    bed.sysconsctl("install", "--name=ours", "--set=PORT=8090", HELLO + ":files-1")
    bed.systemctl("start", "ours")
    ref = "ociimage/127.0.0.1_3A5000_2Fhello_3Afiles-1"
    ostree(bed, "fsck", "--quiet")
    checked = json.loads(bed.output(["python3", "-c", f"""
import sys, json, hashlib, subprocess
sys.path.insert(0, '/root')
import atomichost
atomichost.make_repository()
text = atomichost.metadata('{ref}', 'docker.manifest')
manifest = json.loads(text)
config = manifest['config']['digest'].removeprefix('sha256:')
layers = [layer.removeprefix('sha256:') for layer in atomichost.layers_of(manifest)]
print(json.dumps({{
    'refs': subprocess.check_output(['ostree', '--repo=' + atomichost.REPOSITORY, 'refs'], text=True).split(),
    'digest': atomichost.metadata('{ref}', 'docker.digest'), 'expected': 'sha256:' + hashlib.sha256(text.encode()).hexdigest(),
    'signatures': atomichost.metadata('{ref}', 'signatures'),
    'file': subprocess.check_output(['ostree', '--repo=' + atomichost.REPOSITORY, 'cat', '{ref}', '/manifest.json'], text=True) == text,
    'config': hashlib.sha256(subprocess.check_output(['ostree', '--repo=' + atomichost.REPOSITORY, 'cat', 'ociimage/' + config, '/content'])).hexdigest() == config,
    'config-size': atomichost.metadata('ociimage/' + config, 'docker.size') == str(manifest['config']['size']),
    'layers': layers,
    'sizes': [atomichost.metadata('ociimage/' + layer, 'docker.size') for layer in layers],
    'fetched': [str(layer['size']) for layer in manifest['layers']],
    'inflated': [int(atomichost.metadata('ociimage/' + layer, 'docker.uncompressed_size')) for layer in layers],
    'diff-ids': [atomichost.metadata('ociimage/' + layer, 'docker.uncompressed_digest') for layer in layers],
    'wanted-diff-ids': json.loads(subprocess.check_output(['ostree', '--repo=' + atomichost.REPOSITORY, 'cat', 'ociimage/' + config, '/content']))['rootfs']['diff_ids'],
}}))"""]))
    assert checked["digest"] == checked["expected"] and checked["signatures"] == "0" and checked["file"] and checked["config"] and checked["config-size"]
    assert all("ociimage/" + layer in checked["refs"] for layer in checked["layers"])
    assert checked["sizes"] == checked["fetched"] and min(checked["inflated"]) > 0 and checked["diff-ids"] == checked["wanted-diff-ids"]

    record = info(bed, "ours")
    types = {"image": str, "revision": str, "ostree-commit": str, "created": int, "values": dict, "has-container-service": bool, "installed-files": list,
             "installed-files-checksum": dict, "installed-files-template": list, "rename-installed-files": dict, "rpm-installed": type(None),
             "system-package": str, "remote": type(None), "use-links": bool, "runtime": str}
    assert {key: type(record[key]) for key in types} == types
    assert all(isinstance(value, str) for value in record["values"].values())
    assert sorted(record["installed-files"]) == sorted(record["installed-files-checksum"]) == ["/etc/hello/place"]
    assert record["installed-files-checksum"]["/etc/hello/place"] == bed.output("sha256sum /etc/hello/place").split()[0]
    # what the atomic command compares with docker.digest, to find that there is nothing newer
    assert "sha256:" + record["revision"] == checked["digest"]
    assert "ociimage/" + record["sysconsd"]["image-id"] in checked["refs"]
    assert record["ostree-commit"] == ostree(bed, "rev-parse", ref)
    for name in ("config.json", "ours.service", "tmpfiles-ours.conf", "rootfs/exports/manifest.json"):
        assert bed.exists(f"{CHECKOUT}/ours.0/{name}")
    assert live(bed, "ours") == "ours.0"

    # And goes on: another deployment by the atomic command's way, over ours, its service running on.
    bed.push("hello:files-1=hello:files-2")
    build(bed, ["pull", {"image": "hello:files-1"}], ["install", {"name": "ours", "image": HELLO + ":files-1", "slot": 1}])
    greeting(bed, 8090, "2")
    assert bed.read("/etc/hello/place").startswith("version 2 of ours")
    wait_until(lambda: containers(bed)["ours"]["image_id"] == images(bed)[HELLO + ":files-1"]["id"])
    bed.sysconsctl("rollback", "ours", timeout=120)
    greeting(bed, 8090, "1")
    assert bed.read("/etc/hello/place").startswith("version 1 of ours")


def test_prune_and_delete(host):
    bed = host
    before = set(ostree(bed, "refs").splitlines())
    bed.sysconsctl("prune", timeout=120)
    ostree(bed, "fsck", "--quiet")
    names = {ref for ref in before if "_3A" in ref}
    assert names <= set(ostree(bed, "refs").splitlines())
    greeting(bed, 8090, "1")
    refused = bed.sysconsctl("delete-image", HELLO + ":files-1", check=False)
    assert refused.returncode == 1 and "ours" in refused.stderr
    bed.sysconsctl("uninstall", "ours")
    for name in list(images(bed)):
        bed.sysconsctl("delete-image", name)
    bed.sysconsctl("prune", timeout=120)
    assert ostree(bed, "refs") == ""
    assert bed.output(f"find {REPOSITORY}/objects -type f -o -type l") == ""
    assert set(containers(bed)) == {"vendor"}
