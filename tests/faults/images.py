# SPDX-License-Identifier: LGPL-2.1-or-later
"""Small images for the tests of faults, and what must come out of them: the tree of each is reckoned here, from the members of its layers,
without any of the product's code."""

import hashlib
import json
import subprocess
import sys
import tarfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "images"))
import ocilayout  # noqa: E402
from ocilayout import Layer, Layout  # noqa: E402

ARCHITECTURE = subprocess.check_output(["dpkg", "--print-architecture"], text=True).strip()
VERSIONS = ("1", "2")
SC_STAGING_LARGE = 8 << 20  # daemon/store/staging.h

SERVICE = """[Unit]
Description=Container $NAME, version {version}

[Service]
ExecStart=$DESTDIR/rootfs/bin/serve $GREETING
WorkingDirectory=$DESTDIR
KillMode=mixed

[Install]
WantedBy=multi-user.target
"""
# The unit needs none; but without one the runtime would be asked for its own, each time.
CONFIG = json.dumps({"ociVersion": "1.0.0", "process": {"args": ["/bin/serve"], "cwd": "/", "user": {"uid": 0, "gid": 0}},
                     "root": {"path": "rootfs", "readonly": True}, "mounts": [], "linux": {"namespaces": [{"type": "pid"}, {"type": "mount"}]}})
TMPFILES = "d $RUN_DIRECTORY/$NAME 0700 root root - -\nd $STATE_DIRECTORY/$NAME 0700 root root - -\n"


def base():
    layer = Layer("base")
    layer.folders("bin", "etc", "usr", "usr/share", "usr/share/faults")
    layer.file("bin/serve", "#!/bin/sh\nexec sleep infinity\n", 0o755)
    layer.file("etc/removed", "in the lower layer only\n")
    layer.file("usr/share/faults/large", bytes(range(256)) * 300)
    layer.file("usr/share/faults/owned", "uid 7, gid 8\n", 0o640, uid=7, gid=8)
    layer.file("usr/share/faults/set-user-id", "#!/bin/sh\n", 0o4755)
    layer.file("usr/share/faults/attribute", "user.test is there\n", pax_headers={"SCHILY.xattr.user.test": "value"})
    layer.file("usr/share/faults/hard-1", "linked\n")
    layer.hardlink("usr/share/faults/hard-2", "usr/share/faults/hard-1")
    layer.link("usr/share/faults/link", "large")
    return layer


def exports(version):
    layer = Layer("exports " + version)
    layer.folders("exports", "exports/hostfs", "exports/hostfs/etc", "exports/hostfs/etc/faults")
    layer.file("exports/service.template", SERVICE.format(version=version))
    layer.file("exports/tmpfiles.template", TMPFILES)
    layer.file("exports/config.json", CONFIG)
    layer.file("exports/manifest.json", json.dumps({"defaultValues": {"GREETING": "hello-" + version},
                                                    "installedFilesTemplate": ["/etc/faults/greeting"]}))
    layer.file("exports/hostfs/etc/faults/greeting", "$NAME, version " + version + ": $GREETING\n")
    layer.file("exports/hostfs/etc/faults/same", "the same in all versions\n")
    layer.file("exports/hostfs/etc/faults/only-in-" + version, "of version " + version + "\n", 0o600)
    return layer


def top(version):
    layer = Layer("top " + version)
    layer.folder("etc")
    layer.file("etc/.wh.removed", "")
    layer.file("etc/version", version + "\n")
    layer.folders("usr/share", "usr/share/faults")
    for i in range(4):
        layer.file(f"usr/share/faults/of-{version}-{i}", f"{version} {i}\n" * 50)
    return layer


def large(version):
    """A file that is the same in both versions, and one that is it but for its end: a pull compares each with the one that is here."""
    layer = Layer("large " + version, effort=1)
    content = bytes(range(256)) * (SC_STAGING_LARGE // 256 + 1)
    layer.folder("srv")
    layer.file("srv/same", content)
    layer.file("srv/nearly", content + version.encode())
    return layer


def merge(layers):
    """{path: [type, mode, uid, gid, digest or target]} of the layers one over the other."""
    tree = {}
    for layer in layers:
        for member, _ in layer.members:
            folder, _, name = member.name.rpartition("/")
            if name.startswith(".wh."):
                gone = (folder + "/" if folder else "") + name.removeprefix(".wh.")
                for path in [path for path in tree if path == gone or path.startswith(gone + "/")]:
                    del tree[path]
        for member, data in layer.members:
            if member.name.rpartition("/")[2].startswith(".wh."):
                continue
            if member.type == tarfile.LNKTYPE:
                tree[member.name] = tree[member.linkname]
            elif member.type == tarfile.SYMTYPE:
                tree[member.name] = ["l", 0o777, member.uid, member.gid, member.linkname]
            elif member.type == tarfile.DIRTYPE:
                tree[member.name] = ["d", member.mode, member.uid, member.gid, ""]
            else:
                tree[member.name] = ["f", member.mode, member.uid, member.gid, hashlib.sha256(data).hexdigest()]
    return tree


def make(folder):
    """A layout in folder/layout, archives folder/VERSION.tar of it; {digest of the manifest in hex: its tree}."""
    layout, lower = Layout(str(Path(folder) / "layout")), base()
    expected = {}
    for version in VERSIONS:
        layers = [lower, exports(version), top(version)]
        config = {"Labels": {"name": "faults", "version": version}, "Cmd": ["/bin/serve"]}
        descriptor = layout.manifest(layers, config, f"2025-06-0{version}T12:00:00Z", ARCHITECTURE)
        layout.name("faults:" + version, descriptor)
        expected[descriptor["digest"].removeprefix("sha256:")] = merge(layers)
        alone = Layout(str(Path(folder) / ("archive-" + version)))
        alone.name("faults:" + version, alone.manifest(layers, config, f"2025-06-0{version}T12:00:00Z", ARCHITECTURE, ocilayout.OCI))
        alone.finish()
        subprocess.run(["tar", "-C", alone.top, "-cf", str(Path(folder) / (version + ".tar")), "oci-layout", "index.json", "blobs"], check=True)
        layout.name("faults-large:" + version, layout.manifest([large(version)], {}, f"2025-06-0{version}T12:00:00Z", ARCHITECTURE))
    layout.finish()
    return expected
