# SPDX-License-Identifier: LGPL-2.1-or-later
"""The main job, end to end, by the client: what README.md promises."""

import json
import re

import pytest
from bed import CHECKOUT, REGISTRY, wait_until

HELLO = "localhost:5000/hello"
ETCD = "localhost:5000/etcd"


def deployment(bed, name):
    return bed.output(["readlink", f"{CHECKOUT}/{name}"])


def info(bed, name):
    return json.loads(bed.read(f"{CHECKOUT}/{name}/info"))


def listed(bed, *options):
    return {entry["name"]: entry for entry in json.loads(bed.sysconsctl("list", "-a", "--json", *options).stdout)}


@pytest.fixture
def hello(bed):
    """hello, version 1, installed and running on port 8082."""
    bed.sysconsctl("pull", HELLO)
    bed.sysconsctl("install", "--set", "PORT=8082", "--set", "RECEIVER=Moon", HELLO)
    bed.systemctl("start", "hello")
    assert "Hello Moon, this is version 1" in bed.wait_http(8082)
    return bed


def test_etcd(bed):
    pulled = bed.sysconsctl("pull", ETCD).stdout
    assert f"Image {ETCD}:latest is being pulled to ostree ..." in pulled
    installed = bed.sysconsctl("install", "--name=etcd", ETCD).stdout
    for line in (f"Extracting to {CHECKOUT}/etcd.0", "systemctl daemon-reload", "systemd-tmpfiles --create /etc/tmpfiles.d/etcd.conf",
                 "systemctl enable etcd"):
        assert line in installed.splitlines()
    assert not bed.is_active("etcd")  # an install enables, and does not start
    assert bed.output("systemctl is-enabled etcd") == "enabled"
    bed.systemctl("start", "etcd")
    bed.run(["runc", "exec", "etcd", "etcdctl", "put", "/atomic.io/network/config", '{"Network":"10.40.0.0/16"}'])
    # the wrapper that hostfs brought to the host, renamed and rendered
    assert '{"Network":"10.40.0.0/16"}' in bed.run(["etcdctl", "get", "/atomic.io/network/config"]).stdout
    assert "ETCD_NAME=default" in bed.read("/etc/etcd/etcd.conf")

    bed.push("etcd:latest=etcd:2")
    bed.sysconsctl("update", "etcd", timeout=120)
    assert deployment(bed, "etcd") == "etcd.1"
    assert "version 2" in bed.read("/etc/etcd/etcd.conf")
    assert '{"Network":"10.40.0.0/16"}' in bed.run(["etcdctl", "get", "/atomic.io/network/config"]).stdout
    bed.sysconsctl("uninstall", "etcd")
    assert not bed.exists("/usr/local/bin/etcdctl")
    assert not bed.exists("/etc/etcd/etcd.conf")


def test_second_pull_fetches_nothing(bed):
    bed.sysconsctl("pull", HELLO)
    assert "Pulling layer" not in bed.sysconsctl("pull", HELLO).stdout
    # version 2 shares the lower layer: one layer of two is fetched
    assert bed.sysconsctl("pull", f"{HELLO}:2").stdout.count("Pulling layer") <= 1


def test_update_rollback_uninstall(hello):
    bed = hello
    old_pid = bed.output("systemctl show -P MainPID hello")
    uuid = info(bed, "hello")["values"]["UUID"]
    assert "Latest version already installed." in bed.sysconsctl("update", "hello").stdout
    assert bed.output("systemctl show -P MainPID hello") == old_pid

    bed.push("hello:latest=hello:2")
    bed.sysconsctl("update", "hello")
    assert "Hello Moon, this is version 2" in bed.wait_http(8082)
    assert deployment(bed, "hello") == "hello.1"
    assert info(bed, "hello")["values"]["UUID"] == uuid
    assert listed(bed)["hello"]["state"] == "running"

    bed.sysconsctl("rollback", "hello")
    assert "this is version 1" in bed.wait_http(8082)
    assert deployment(bed, "hello") == "hello.0"
    bed.sysconsctl("rollback", "hello")  # a second one goes forward again
    assert "this is version 2" in bed.wait_http(8082)

    bed.sysconsctl("uninstall", "hello")
    assert bed.http(8082) is None
    for path in ("/etc/systemd/system/hello.service", "/etc/tmpfiles.d/hello.conf", f"{CHECKOUT}/hello.0", f"{CHECKOUT}/hello.1",
                 "/etc/systemd/system/multi-user.target.wants/hello.service", f"{CHECKOUT}/.sysconsd/intent/hello.json"):
        assert not bed.exists(path), path
    assert bed.output(f"find {CHECKOUT} -mindepth 1 -maxdepth 1 ! -name .storage ! -name .sysconsd") == ""
    assert bed.output("systemctl show -P LoadState hello") == "not-found"


def test_a_third_update_leaves_no_stale_files(hello):
    bed = hello
    bed.push("hello:latest=hello:odd")
    bed.sysconsctl("update", "hello")
    assert bed.exists(f"{CHECKOUT}/hello.1/rootfs/usr/share/odd/expected")
    bed.push("hello:latest=hello:2")
    bed.sysconsctl("update", "hello")
    bed.push("hello:latest=hello:1")
    bed.sysconsctl("update", "hello")
    assert deployment(bed, "hello") == "hello.1"
    assert not bed.exists(f"{CHECKOUT}/hello.1/rootfs/usr/share/odd")


def test_layers_are_merged_as_oci_says(bed):
    bed.sysconsctl("pull", f"{HELLO}:odd")
    bed.sysconsctl("install", "--name=odd", f"{HELLO}:odd")
    top = f"{CHECKOUT}/odd/rootfs/usr/share/odd"
    expected = bed.read(f"{top}/expected").splitlines()
    assert bed.output(f"cd {top} && find . -mindepth 1 -printf '%P\\n' | LC_ALL=C sort").splitlines() == sorted(expected, key=str.encode)
    assert bed.output(f"stat -c '%u %g %a' {top}/owned {top}/set-user-id {top}/mode").splitlines() == ["7 8 640", "0 0 4755", "0 0 2750"]
    assert bed.output(f"stat -c %i {top}/hard-1") == bed.output(f"stat -c %i {top}/hard-2")
    assert "value" in bed.output(f"getfattr --absolute-names --only-values -n user.test {top}/attribute")


@pytest.mark.parametrize("tag", ["docker", "zstd", "plain", "multi"])
def test_every_format(bed, tag):
    bed.sysconsctl("pull", f"{HELLO}:{tag}")
    bed.sysconsctl("install", "--name=hello", "--set=PORT=8083", f"{HELLO}:{tag}")
    bed.systemctl("start", "hello")
    assert "Hello World, this is version 1" in bed.wait_http(8083)


def test_image_of_another_platform_is_refused(bed):
    result = bed.sysconsctl("pull", f"{HELLO}:foreign", check=False)
    assert result.returncode == 3 and "s390x" in result.stderr
    assert "foreign" not in bed.sysconsctl("images", "--json").stdout


def test_image_without_exports(bed):
    bed.sysconsctl("pull", "localhost:5000/busybox")
    out = bed.sysconsctl("install", "localhost:5000/busybox").stdout
    assert "Warning: /exports directory not found.  Default config files will be generated." in out
    bed.systemctl("start", "busybox")
    wait_until(lambda: "hello from the default" in bed.journal("-u", "busybox"))
    assert bed.is_active("busybox")
    bed.systemctl("stop", "busybox")
    assert bed.output("systemctl show -P Result busybox") == "success"


def test_install_refuses_and_changes_nothing(bed):
    bed.sysconsctl("pull", HELLO)
    before = bed.output(f"ls -A {CHECKOUT} /etc/systemd/system /etc/tmpfiles.d")
    for arguments, text in (
            (["--name=ssh", HELLO], "already has a unit ssh.service"),
            (["--name=", HELLO], "container name"),
            (["--name=../x", HELLO], "container name"),
            (["--name=x.service", HELLO], "must not end in .service"),
            (["--set=NAME=x", HELLO], "NAME"),
            (["--set=PORT=1\n2", HELLO], "PORT"),
            (["--runtime=/no/such", HELLO], "/no/such"),
            (["--pull=never", "localhost:5000/nothing"], "not found"),
            (["localhost:5000/nothing"], "not found"),
    ):
        result = bed.sysconsctl("install", *arguments, check=False)
        assert result.returncode not in (0, 2) and text in result.stderr, (arguments, result.stderr)
    assert bed.output(f"ls -A {CHECKOUT} /etc/systemd/system /etc/tmpfiles.d") == before

    bed.write("/etc/systemd/system/mine.service", "[Service]\nExecStart=/bin/true\n")
    result = bed.sysconsctl("install", "--name=mine", HELLO, check=False)
    assert "The file /etc/systemd/system/mine.service already exists." in result.stderr
    assert "ExecStart=/bin/true" in bed.read("/etc/systemd/system/mine.service")
    bed.run(["rm", "/etc/systemd/system/mine.service"])
    bed.systemctl("daemon-reload")


def test_second_install_is_no_error(hello):
    out = hello.sysconsctl("install", HELLO)
    assert "hello already present" in out.stdout and "Warning" not in out.stdout
    # of another image, which need not be here, or with values: it stays as it is, and that is said
    for words in (["--name=hello", ETCD], ["--set=PORT=9999", HELLO], ["--start", HELLO]):
        told = json.loads(hello.sysconsctl("install", "--json", *words).stdout)
        details = told["details"]
        assert (told["result"], details["container"], details["image"], details["changed"]) == ("done", "hello", f"{HELLO}:latest", "no"), (words, told)
        assert "Warning: it is of " in hello.sysconsctl("install", *words).stdout
    result = hello.sysconsctl("install", "--name=hello.0", HELLO, check=False)
    assert result.returncode != 0 and "hello.0" in result.stderr


def test_values(hello):
    bed = hello
    bed.sysconsctl("update", "--set", "RECEIVER=Mars", "hello")
    assert "Hello Mars" in bed.wait_http(8082)
    assert info(bed, "hello")["sysconsd"]["set-values"] == {"PORT": "8082", "RECEIVER": "Mars"}
    bed.sysconsctl("update", "--unset", "RECEIVER", "hello")
    assert "Hello World" in bed.wait_http(8082)
    result = bed.sysconsctl("update", "--unset", "RECEIVER", "hello", check=False)
    assert result.returncode != 0 and "RECEIVER" in result.stderr
    assert json.loads(bed.sysconsctl("values", "--json", "hello").stdout)["PORT"] == "8082"
    # a value never becomes a directive: a percent sign stays one
    bed.sysconsctl("update", "--set", "RECEIVER=100%h", "hello")
    assert "Hello 100%h" in bed.wait_http(8082)


def test_update_of_a_stopped_container_does_not_start_it(hello):
    bed = hello
    bed.sysconsctl("stop", "hello")
    bed.push("hello:latest=hello:2")
    bed.sysconsctl("update", "hello")
    assert deployment(bed, "hello") == "hello.1" and not bed.is_active("hello")
    bed.sysconsctl("start", "hello")
    assert "version 2" in bed.wait_http(8082)
    bed.sysconsctl("restart", "hello")
    assert "version 2" in bed.wait_http(8082)


@pytest.mark.parametrize("tag,reason", [("broken", "did not"), ("dies", "did not stay up")])
def test_bad_update_goes_back_by_itself(hello, tag, reason):
    bed = hello
    old = bed.output(["sha256sum", "/etc/systemd/system/hello.service", "/etc/tmpfiles.d/hello.conf"])
    bed.push(f"hello:latest=hello:{tag}")
    result = bed.sysconsctl("update", "--health-timeout=30", "hello", check=False, timeout=120)
    assert result.returncode == 1
    assert "The previous deployment runs again" in result.stderr
    assert "Hello Moon, this is version 1" in bed.wait_http(8082)
    assert deployment(bed, "hello") == "hello.0"
    assert bed.output(["sha256sum", "/etc/systemd/system/hello.service", "/etc/tmpfiles.d/hello.conf"]) == old
    assert not bed.exists(f"{CHECKOUT}/hello.1")
    assert bed.output(f"ls -A {CHECKOUT}/.sysconsd/intent") == ""
    assert re.fullmatch("[0-9a-f]{64}", info(bed, "hello")["sysconsd"]["bad-image"])
    # the way on is still open
    bed.push("hello:latest=hello:2")
    bed.sysconsctl("update", "hello")
    assert "version 2" in bed.wait_http(8082)


def test_rollback_without_a_previous_deployment(hello):
    result = hello.sysconsctl("rollback", "hello", check=False)
    assert result.returncode == 3
    assert f"Cannot find a previous deployment to rollback located at {CHECKOUT}/hello.1" in result.stderr


def test_host_files_of_the_administrator_stay(bed):
    bed.write("/etc/etcd/etcd.conf", "mine\n")
    bed.sysconsctl("pull", ETCD)
    out = bed.sysconsctl("install", ETCD).stdout
    assert "File /etc/etcd/etcd.conf already exists" in out
    bed.write("/usr/local/bin/etcdctl", "edited\n", "755")
    out = bed.sysconsctl("uninstall", "etcd").stdout
    assert "Will not delete /usr/local/bin/etcdctl as it was manually modified." in out
    assert bed.read("/etc/etcd/etcd.conf") == "mine\n"
    bed.run(["rm", "/etc/etcd/etcd.conf", "/usr/local/bin/etcdctl"])


def test_uninstall_of_a_broken_container(hello):
    bed = hello
    bed.run(f"echo '{{' >{CHECKOUT}/hello.0/info; rm /etc/systemd/system/hello.service")
    wait_until(lambda: listed(bed)["hello"]["state"] == "broken")
    assert "hello" not in bed.sysconsctl("uninstall", "hello").stderr
    assert "hello" not in listed(bed)
    assert bed.http(8082) is None


def test_files_are_linked_and_secrets_hidden(hello):
    bed = hello
    assert int(bed.output(f"stat -c %h {CHECKOUT}/hello/rootfs/bin/busybox")) >= 2
    assert bed.output(f"stat -c %a {CHECKOUT}/hello.0/info {CHECKOUT}/hello.0/config.json").split() == ["600", "600"]
    bed.run(["ostree", "fsck", f"--repo={CHECKOUT}/.storage/ostree", "-q"], timeout=120)


def test_prune_and_delete(hello):
    bed = hello
    result = bed.sysconsctl("delete-image", HELLO, check=False)
    assert result.returncode != 0 and "used by the container hello" in result.stderr
    bed.push("hello:latest=hello:2")
    bed.sysconsctl("update", "hello")
    refs = bed.output(f"ostree refs --repo={CHECKOUT}/.storage/ostree").splitlines()
    bed.sysconsctl("pull", ETCD)
    bed.sysconsctl("delete-image", ETCD)
    assert "Deleting ociimage/" in bed.sysconsctl("prune").stdout
    left = bed.output(f"ostree refs --repo={CHECKOUT}/.storage/ostree").splitlines()
    assert len(left) <= len(refs) and "ociimage/localhost_3A5000_2Fhello_3Alatest" in left
    assert not [ref for ref in left if "etcd" in ref]
    bed.sysconsctl("rollback", "hello")  # the previous deployment lives by its own links
    assert "version 1" in bed.wait_http(8082)
    bed.run(["ostree", "fsck", f"--repo={CHECKOUT}/.storage/ostree", "-q"], timeout=120)


def test_stored_as_the_atomic_command_did(hello):
    bed = hello
    repo = f"--repo={CHECKOUT}/.storage/ostree"
    manifest = json.loads(bed.output(["curl", "-sf", "-H", "Accept: application/vnd.oci.image.manifest.v1+json",
                                      f"http://{REGISTRY}/v2/hello/manifests/latest"]))
    refs = bed.output(["ostree", "refs", repo]).splitlines()
    for blob in [*manifest["layers"], manifest["config"]]:
        assert "ociimage/" + blob["digest"].removeprefix("sha256:") in refs
    image = "ociimage/localhost_3A5000_2Fhello_3Alatest"
    assert json.loads(bed.output(["ostree", "cat", repo, image, "/manifest.json"])) == manifest
    assert manifest["config"]["digest"] in bed.output(["ostree", "show", repo, "--print-metadata-key=docker.manifest", image])
    assert "sha256:" in bed.output(["ostree", "show", repo, "--print-metadata-key=docker.digest", image])
    keys = info(bed, "hello").keys()
    assert keys >= {"image", "revision", "ostree-commit", "created", "values", "has-container-service", "installed-files",
                    "installed-files-checksum", "installed-files-template", "rename-installed-files", "rpm-installed", "system-package",
                    "remote", "use-links", "runtime"}
    assert info(bed, "hello")["sysconsd"]["image-id"] == manifest["config"]["digest"].removeprefix("sha256:")
    digest = bed.output(["ostree", "show", repo, "--print-metadata-key=docker.digest", image]).strip("'")
    assert info(bed, "hello")["revision"] == digest.removeprefix("sha256:")
