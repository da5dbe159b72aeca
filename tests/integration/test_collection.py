# SPDX-License-Identifier: LGPL-2.1-or-later
"""Images like those of the atomic command's collection: each starts, and answers."""

import json

import pytest
from bed import CHECKOUT, wait_until

DATA_ROOT = "/var/lib/containers/docker"  # on a disk: an overlay on the test bed's own root would not do
CONFIG = "/atomic.io/network/config"
DROP_IN = "/etc/systemd/system/docker.service.d/overlay.conf"


@pytest.fixture
def collection(bed):
    bed.push(layout="collection")
    yield bed
    bed.run(["rm", "-rf", DATA_ROOT, "/var/lib/etcd", "/var/lib/snmp"])


def install(bed, name, *options):
    bed.sysconsctl("pull", f"localhost:5000/{name}")
    return bed.sysconsctl("install", f"--name={name.split(':')[0]}", *options, f"localhost:5000/{name}").stdout


def monotonic(bed, unit, when):
    return int(bed.output(["systemctl", "show", "-P", f"{when}TimestampMonotonic", unit]))


def test_overlay_network(collection):
    """Its unit asks for etcd's and waits for it, and it waits for its configuration in etcd before it says that it is ready."""
    bed = collection
    install(bed, "etcd", "--set=STATE_DIRECTORY=/var/lib/containers")
    assert "enable overlay" in install(bed, "overlay:1")
    # what its tmpfiles put beside another unit counts at once, without a reload by hand
    bed.write("/etc/systemd/system/docker.service", "[Service]\nExecStart=/bin/sleep infinity\n")
    bed.systemctl("daemon-reload")
    assert bed.output("systemctl show -P DropInPaths docker") == DROP_IN
    bed.run(["rm", "/etc/systemd/system/docker.service"])

    bed.systemctl("start", "--no-block", "overlay")
    wait_until(lambda: f"waiting for {CONFIG}" in bed.journal("-u", "overlay"))
    assert bed.is_active("etcd")
    assert bed.output("systemctl show -P ActiveState overlay") == "activating"
    assert monotonic(bed, "etcd", "ActiveEnter") < monotonic(bed, "overlay", "InactiveExit")
    bed.run(["etcdctl", "put", CONFIG, '{"Network": "10.40.0.0/16", "Backend": {"Type": "vxlan", "VNI": 7}}'])
    wait_until(lambda: bed.is_active("overlay"))
    assert "OVERLAY_SUBNET=10.40.1.0/24\n" in bed.read("/run/overlay/subnet.env")
    lease = bed.run(["etcdctl", "get", "--prefix", "/atomic.io/network/subnets/"]).stdout.splitlines()
    assert lease == ["/atomic.io/network/subnets/10.40.1.0-24", bed.output("hostname")]
    (link,) = json.loads(bed.output("ip --json --details address show overlay.7"))
    assert link["linkinfo"]["info_data"]["id"] == 7 and link["addr_info"][0]["local"] == "10.40.1.0"

    before = int(bed.output("systemctl show -P NRestarts overlay"))
    bed.systemctl("kill", "--signal=KILL", "overlay")  # it comes back to the subnet it had
    wait_until(lambda: int(bed.output("systemctl show -P NRestarts overlay")) > before and bed.is_active("overlay"))
    assert "OVERLAY_SUBNET=10.40.1.0/24\n" in bed.read("/run/overlay/subnet.env")
    bed.systemctl("stop", "etcd")  # Requires= in its unit: both stop, the dependent one first, while etcd still answers
    assert bed.output("systemctl show -P Result overlay") == "success" and not bed.exists("/run/overlay/subnet.env")
    assert "overlay.7" not in bed.output("ip link")
    bed.sysconsctl("uninstall", "overlay")
    assert not bed.exists(DROP_IN)


def test_drop_ins_of_tmpfiles_are_read(collection):
    """systemd knows the other unit already when its drop-in comes."""
    bed = collection
    bed.write("/etc/systemd/system/docker.service", "[Service]\nExecStart=/bin/sleep infinity\n")
    bed.systemctl("daemon-reload")
    bed.systemctl("start", "docker")
    install(bed, "overlay:1")
    assert bed.output("systemctl show -P DropInPaths docker") == DROP_IN
    assert "overlay.service" in bed.output("systemctl show -P After docker").split()
    bed.sysconsctl("uninstall", "overlay")
    assert bed.output("systemctl show -P DropInPaths docker") == ""
    bed.run("systemctl stop docker; rm /etc/systemd/system/docker.service; systemctl daemon-reload")


def engine(bed, path, *options):
    return bed.run(["curl", "-sSf", "--unix-socket", "/run/docker.sock", *options, f"http://engine{path}"]).stdout


def test_docker_engine(collection):
    bed = collection
    install(bed, "docker:1", "--set=BRIDGE=none", "--set=IPTABLES=false", "--set=IP_FORWARD=false", f"--set=DATA_ROOT={DATA_ROOT}",
            "--set=CGROUP_PARENT=/system.slice/docker.service/docker")
    assert json.loads(bed.read("/etc/docker/daemon.json"))["data-root"] == DATA_ROOT  # a file of hostfs, with its values
    bed.sysconsctl("start", "docker")  # Type=notify: it answers when this ends
    assert engine(bed, "/_ping") == "OK"
    assert json.loads(engine(bed, "/version"))["Os"] == "linux"
    # every capability that this system has, and no more
    config = json.loads(bed.read(f"{CHECKOUT}/docker/config.json"))
    pid = bed.output("pgrep -x dockerd")
    bounding = bed.output("sed -n 's/^CapBnd:\\t//p' /proc/1/status")
    assert bed.output(f"sed -n 's/^CapBnd:\\t//p' /proc/{pid}/status") == bounding
    assert len(config["process"]["capabilities"]["bounding"]) == int(bounding, 16).bit_count()

    bed.run("mkdir -p /run/small/bin && cp /bin/busybox /run/small/bin/ && tar -C /run/small -cf /run/small.tar .")
    assert "sha256:" in engine(bed, "/images/create?fromSrc=-&repo=small", "--data-binary", "@/run/small.tar", "-HContent-Type: application/x-tar")
    assert bed.output("docker run --rm --network=none small /bin/busybox echo from inside the engine") == "from inside the engine"
    inner = bed.output("docker run --detach --network=none small /bin/busybox sleep 1000")
    # what the engine mounts on a shared mount, the host sees; and what it runs lies in the unit
    assert "/run/docker/netns/" in bed.output("findmnt -rn -t nsfs -o TARGET")
    wait_until(lambda: f"/docker.service/docker/{inner}" in bed.output("cat /proc/$(pgrep -fx '/bin/busybox sleep 1000')/cgroup || true"))
    bed.run(["docker", "rm", "--force", inner])  # it would let the engine wait for it: no first process heeds SIGTERM unasked
    bed.sysconsctl("stop", "docker", timeout=90)
    assert bed.output("systemctl show -P Result docker") == "success"
    assert "/run/docker/netns/" not in bed.output("findmnt -rn -o TARGET") and not bed.exists("/sys/fs/cgroup/system.slice/docker.service")
    bed.sysconsctl("uninstall", "docker")
    assert not bed.exists("/etc/docker/daemon.json") and not bed.exists("/usr/local/bin/docker")
    bed.run(["rm", "-r", "/run/small", "/run/small.tar"])


def test_snmp(collection):
    """A plain daemon, detached, with a configuration file on the host that the administrator edits."""
    bed = collection
    install(bed, "snmp:1", "--set=PORT=1161", "--set=LOCATION=attic")
    bed.sysconsctl("start", "snmp")
    system = "1.3.6.1.2.1.1"
    ask = ["snmpget", "-v2c", "-cpublic", "-Oqv", "127.0.0.1:1161", f"{system}.6.0", f"{system}.5.0"]
    assert wait_until(lambda: bed.run(ask, check=False).stdout).split() == ['"attic"', '"snmp"']
    main = bed.output("systemctl show -P MainPID snmp")
    assert bed.output(["cat", f"/proc/{main}/comm"]) == "snmpd"  # no runtime stays between systemd and it
    bed.run("sed -i s/attic/cellar/ /etc/snmp/snmpd.conf && systemctl restart snmp")
    assert wait_until(lambda: bed.run(ask, check=False).stdout).split() == ['"cellar"', '"snmp"']
    assert "Will not delete /etc/snmp/snmpd.conf as it was manually modified." in bed.sysconsctl("uninstall", "snmp").stdout
    bed.run(["rm", "-r", "/etc/snmp"])
