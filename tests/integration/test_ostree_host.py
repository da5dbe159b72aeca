# SPDX-License-Identifier: LGPL-2.1-or-later
"""Beside an operating system that OSTree has booted: one repository for both, /sysroot read-only, /var a mount of its own."""

import json
import os

import pytest
from bed import CHECKOUT, Bed, wait_until

HELLO = "127.0.0.1:5000/hello"
REPOSITORY = "/ostree/repo"

# What the boot of such a host makes. The disk is that of the machine's folder: hardlinks want one file system, and no overlay.
SIMULATE = r"""
set -e
disk=/var/lib/containers/disk
mkdir -p $disk/ostree/deploy/os /sysroot
cp -a --one-file-system /var $disk/ostree/deploy/os/var
mkdir -p $disk/ostree/deploy/another/var/lib/containers/atomic
ostree --repo=$disk/ostree/repo init --mode=bare
mkdir -p /root/tree && cp -a /usr/share/zoneinfo/Europe /root/tree/first
ostree --repo=$disk/ostree/repo commit --branch=os/debian/12 --tree=dir=/root/tree -s first
cp -a /usr/share/zoneinfo/Asia /root/tree/second && rm -r /root/tree/first
ostree --repo=$disk/ostree/repo commit --branch=os/debian/12 --tree=dir=/root/tree -s second
echo staged >/root/tree/staged && ostree --repo=$disk/ostree/repo commit --orphan --tree=dir=/root/tree -s 'of a transaction under way'
echo loose >/root/loose && object=$disk/ostree/repo/objects/00/$(printf '%062d' 1).file && mkdir -p "$(dirname "$object")" && cp /root/loose "$object"
mount --bind $disk /sysroot
ln -s sysroot/ostree /ostree
mount --bind /sysroot/ostree/deploy/os/var /var
mount -o remount,bind,ro /sysroot
touch /run/ostree-booted
systemctl restart systemd-journald
"""


def snapshot(bed):
    """Every file of the repository but what is sysconsd's own: content, mode, owner."""
    return set(bed.output(f"cd {REPOSITORY} && find objects refs config -type f -printf '%m %U %G %p ' -exec sha256sum {{}} ';' -o "
                          "-type l -printf '%m %U %G %p %l\\n'").splitlines())


@pytest.fixture(scope="module")
def host(stage):
    with Bed(f"ostree-{os.getpid()}", "--stage", stage) as bed:
        bed.write("/etc/sysconsd.conf.d/10-tests.conf", "[Container]\nSettlingTime=1\nStartTimeout=20\n")
        bed.run(SIMULATE)
        bed.start_registry()
        bed.push("hello:latest=hello:1", "hello:2")
        bed.before = snapshot(bed)
        yield bed


def is_read_only(bed):
    return "Read-only file system" in bed.run("touch /sysroot/x", check=False).stderr


def test_the_host_is_as_it_should(host):
    host.run(["mkdir", "-p", CHECKOUT])
    assert "Invalid cross-device link" in host.run(f"ln {REPOSITORY}/config {CHECKOUT}/link", check=False).stderr
    assert host.output(f"stat -c %d {REPOSITORY}/config") == host.output(f"stat -c %d {CHECKOUT}")  # and yet one file system
    assert is_read_only(host)


def test_install_by_hardlinks(host):
    bed = host
    bed.sysconsctl("pull", HELLO)
    assert bed.output("busctl get-property org.sysconsd1 /org/sysconsd1 org.sysconsd1.Manager Repository") == f's "{REPOSITORY}"'
    assert not bed.exists(f"{CHECKOUT}/.storage")
    assert "ociimage/127.0.0.1_3A5000_2Fhello_3Alatest" in bed.output(f"ostree --repo={REPOSITORY} refs").split()
    bed.sysconsctl("install", "--set=PORT=8082", "--start", HELLO, timeout=120)
    assert "this is version 1" in bed.wait_http(8082)
    assert f"{CHECKOUT}/hello.0" in bed.output("systemctl show -P WorkingDirectory hello")
    # The program is the repository's object, not a copy.
    layer = json.loads(bed.sysconsctl("images", "--json").stdout)[0]["layers"][0].removeprefix("sha256:")
    checksum = bed.output(f"ostree --repo={REPOSITORY} ls -C ociimage/{layer} /bin/busybox").split()[4]
    inode = bed.output(f"stat -c '%i %h' {REPOSITORY}/objects/{checksum[:2]}/{checksum[2:]}.file").split()
    assert bed.output(f"stat -c '%i %h' {CHECKOUT}/hello.0/rootfs/bin/busybox").split() == inode and int(inode[1]) == 2
    assert is_read_only(bed)


def test_update_and_back(host):
    bed = host
    bed.push("hello:latest=hello:2")
    bed.sysconsctl("update", "hello", timeout=120)
    assert "this is version 2" in bed.wait_http(8082)
    bed.sysconsctl("rollback", "hello", timeout=120)
    assert "this is version 1" in bed.wait_http(8082)
    bed.sysconsctl("stop", "hello")
    bed.sysconsctl("start", "hello")
    assert is_read_only(bed)


def test_the_privilege_is_given_up(host):
    """A worker may mount for a moment, and reads nothing from an image before that is over."""
    bed = host
    bed.write("/run/sysconsd/failpoint", "check-out sleep\n")
    bed.run("sysconsctl install --name=slow --set=PORT=8083 127.0.0.1:5000/hello >/dev/null 2>&1 &")
    job = wait_until(lambda: [job for job in json.loads(bed.sysconsctl("jobs", "--json").stdout)
                              if job["operation"] == "install" and job["state"] == "running"])[0]["job"]
    wait_until(lambda: bed.output(f"find {CHECKOUT} -maxdepth 1 -name '.slow.0.*'"))
    pid = bed.output(f"systemctl show -P MainPID sysconsd-job-{job}")
    status = dict(line.split(":\t", 1) for line in bed.read(f"/proc/{pid}/status").splitlines() if line.startswith("Cap"))
    for kind in ("CapBnd", "CapPrm", "CapEff", "CapInh"):
        assert int(status[kind], 16) & (1 << 21 | 1 << 8) == 0  # CAP_SYS_ADMIN, CAP_SETPCAP
    assert bed.run(["nsenter", "-m", "-t", pid, "test", "-w", "/sysroot/ostree"], check=False).returncode == 0
    assert is_read_only(bed)
    bed.run("rm -f /run/sysconsd/failpoint")
    bed.sysconsctl("cancel", str(job))
    wait_until(lambda: not bed.is_active(f"sysconsd-job-{job}"))
    wait_until(lambda: bed.output(f"find {CHECKOUT} -maxdepth 1 -name '.slow.0.*'") == "")


def test_the_hosts_objects_survive(host):
    bed = host
    assert bed.before <= snapshot(bed)
    bed.sysconsctl("prune", timeout=120)
    assert bed.before <= snapshot(bed)
    assert "this is version 1" in bed.wait_http(8082)
    bed.sysconsctl("uninstall", "hello")
    for image in json.loads(bed.sysconsctl("images", "--json").stdout):
        bed.sysconsctl("delete-image", image["names"][0])
    bed.sysconsctl("prune", timeout=120)
    left = snapshot(bed)
    assert bed.before - left == set() and left - bed.before == set()
    # The loose file is no object that fsck would like: the rest is whole.
    assert bed.output(f"ostree --repo={REPOSITORY} log os/debian/12 | grep -c ^commit") == "2"
    bed.run(f"ostree --repo={REPOSITORY} checkout os/debian/12^ /root/checked && test -d /root/checked/first")
    assert is_read_only(bed)
