# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the collection of system containers of the atomic command stood for, made anew: see README.md."""

import os
import sysconfig

from debian import ARCHITECTURE, BASE, DATA, FIRST, PATH, UNWANTED, base_layers, download, labels, unpack
from ocilayout import Layer

HERE = os.path.dirname(os.path.realpath(__file__))
OVERLAY = ["etcd-client", "iproute2", "libbpf1", "libbsd0", "libcap2", "libelf1", "libmd0", "libmnl0"]
DOCKER = ["containerd", "docker.io", "libcap2", "libdevmapper1.02.1", "libgcrypt20", "libgpg-error0", "liblz4-1", "liblzma5", "libseccomp2",
          "libsystemd0", "libudev1", "libzstd1", "runc", "tini"]
# What an engine without swarm and without the old shims does not call.
DOCKER_UNWANTED = ("usr/bin/containerd-shim/", "usr/bin/containerd-shim-runc-v1/", "usr/bin/containerd-stress/", "usr/bin/ctr/", "usr/bin/dnet/",
                   "usr/sbin/ovrouter/", "usr/share/docker.io/")
SNMP = ["libcom-err2", "libgssapi-krb5-2", "libk5crypto3", "libkeyutils1", "libkrb5-3", "libkrb5support0", "libnsl2", "libpci3", "libperl5.36",
        "libsensors5", "libsnmp-base", "libsnmp40", "libssl3", "libtirpc3", "libudev1", "libwrap0", "snmp", "snmpd"]
SNMP_UNWANTED = (f"usr/lib/{sysconfig.get_config_var('MULTIARCH')}/perl/", "usr/share/snmp/", "etc/snmp/snmpd.conf/")


def exports(name):
    layer = Layer(name + " exports")
    layer.tree(os.path.join(HERE, name))
    return layer


def images(layout, folder):
    debs = download(folder, [*BASE, *DATA, *OVERLAY, *DOCKER, *SNMP])
    base = base_layers(debs)

    def image(name, summary, layer, command):
        config = {"Labels": labels(name, "1", summary), "Env": [PATH], "Cmd": command}
        layout.name(name + ":1", layout.manifest([*base, layer, exports(name)], config, FIRST, ARCHITECTURE))

    overlay = Layer("etcd-client iproute2")
    unpack(overlay, debs, OVERLAY)
    overlay.folder("run/overlay")
    image("overlay", "A subnet for the host, from etcd", overlay, ["/usr/local/bin/overlay-agent"])

    docker = Layer("docker.io containerd runc", effort=1)
    unpack(docker, debs, DOCKER, UNWANTED + DOCKER_UNWANTED)
    docker.folder("etc/docker")
    image("docker", "The Docker engine", docker, ["/usr/sbin/dockerd"])

    snmp = Layer("snmpd")
    unpack(snmp, debs, SNMP, UNWANTED + SNMP_UNWANTED)
    snmp.folder("var/lib/snmp")
    image("snmp", "An SNMP agent", snmp, ["/usr/sbin/snmpd", "-f"])
