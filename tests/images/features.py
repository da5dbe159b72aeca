# SPDX-License-Identifier: LGPL-2.1-or-later
"""Small images, each for features that the others leave out: no service, a service without a runtime, the defaults of an image without exports."""

import json
import os

from debian import ARCHITECTURE, FIRST, PATH, SECOND, labels
from ocilayout import Layer

HERE = os.path.dirname(os.path.realpath(__file__))
DATES = {"1": FIRST, "2": SECOND}
VARIABLES = ("DESTDIR", "NAME", "EXEC_START", "EXEC_STOP", "EXEC_STARTPRE", "EXEC_STOPPOST", "HOST_UID", "HOST_GID", "IMAGE_ID", "IMAGE_NAME",
             "RUN_DIRECTORY", "STATE_DIRECTORY", "CONF_DIRECTORY", "UUID", "PIDFILE", "ALL_PROCESS_CAPABILITIES", "RUNTIME", "ATOMIC", "OWN")


def tree(name, version):
    """A folder here, with `version 1` as `version 2` where that is wanted."""
    original, layer = Layer(""), Layer(f"{name} {version}")
    original.tree(os.path.join(HERE, name))
    for member, data in original.members:
        data = data.replace(b"version 1", b"version " + version.encode())
        member.size = len(data)
        layer.members.append((member, data))
    return layer


def settings(version):
    """No service: files for the host, of every kind. Version 2 leaves one out, adds one, and changes a default and what the others are."""
    layer, first = Layer("settings " + version), version == "1"
    top = "exports/hostfs/"
    layer.folders("exports", "exports/hostfs", *(top + name for name in ("etc", "etc/settings", "usr", "usr/local", "usr/local/share")))
    layer.file(top + "etc/settings/plain", f"plain, version {version}: $NAME stays\n", 0o640, uid=7, gid=8)
    layer.file(top + "etc/settings/renamed", f"renamed, version {version}\n")
    layer.file(top + "etc/settings/" + ("gone" if first else "new"), f"version {version}\n")
    layer.file(top + "usr/local/share/settings.sh", f"#!/bin/sh\necho version {version}\n", 0o755)
    layer.link(top + "etc/settings/dangling", f"/run/nowhere/{version}")
    layer.folder(top + "etc/settings/empty.d", 0o750)
    layer.file(top + "etc/settings/variables", "".join(f"{name}=<${name}>\n" for name in VARIABLES) + "DOLLAR=<$$NAME>\nBRACES=<${NAME}d>\n")
    layer.file("exports/tmpfiles.template", "d $RUN_DIRECTORY/$NAME 0711 root root - -\n")
    layer.file("exports/manifest.json", json.dumps({
        "version": "1.0", "noContainerService": True,
        "defaultValues": {"OWN": f"default of version {version}", "RUN_DIRECTORY": "/a/default/yields", "UUID_NOTE": ""},
        "renameFiles": {"/etc/settings/renamed": "/etc/settings/for-$NAME"},
        "installedFilesTemplate": ["/etc/settings/variables"]}))
    return layer


def images(layout, busybox):
    for version, created in DATES.items():
        for name, layer, summary in (("straight", tree("straight", version), "A service that runs without a runtime"),
                                     ("settings", settings(version), "Files for the host")):
            config = {"Labels": labels(name, version, summary), "Env": [PATH]}
            layout.name(f"{name}:{version}", layout.manifest([busybox, layer], config, created, ARCHITECTURE))

    # A variable that somebody has to set.
    needy = Layer("needy")
    needy.folder("exports")
    needy.file("exports/service.template", "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/echo $NEEDED is ${NEEDED}, $$HOME is not\n")
    layout.name("needy:latest", layout.manifest([busybox, needy], {"Labels": {"name": "needy"}}, FIRST, ARCHITECTURE))

    # No /exports: all that is known is what the image's configuration says.
    people = Layer("people")
    people.file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nweb:x:33:34::/srv:/bin/false\n")
    people.file("etc/group", "root:x:0:\nwww:x:34:\nlogs:x:4:root,web\n")
    people.folders("srv", "srv/data")
    config = {"User": "web", "WorkingDir": "/srv/data", "Env": [PATH, "GREETING=hi there"], "Entrypoint": ["/bin/sh", "-c"],
              "Cmd": ["trap 'exit 0' TERM; echo \"I am $(id -u):$(id -g):$(id -G) in $(pwd): $GREETING\"; while :; do sleep 1 & wait $!; done"],
              "Labels": {"name": "people"}}
    layout.name("people:latest", layout.manifest([busybox, people], config, FIRST, ARCHITECTURE))
