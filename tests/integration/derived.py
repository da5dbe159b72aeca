# SPDX-License-Identifier: LGPL-2.1-or-later
"""Images that one test wants: those of tests/images with a layer more, pushed into a test bed's registry."""

import json
import subprocess
import sys
from pathlib import Path

from bed import REGISTRY, TESTS

sys.path.insert(0, str(TESTS / "images"))
from ocilayout import OCI, Layer, Layout, encode, sha256  # noqa: E402

ARCHITECTURE = subprocess.check_output(["dpkg", "--print-architecture"], text=True).strip()


class Packed:
    """A layer's blob, its media type, and the tar that is (or should be) in it."""

    def __init__(self, blob, media_type, tar, comment="by hand"):
        self.blob, self.media_type, self.tar, self.comment = blob, media_type, tar, comment


class Derived:
    """Collects images; push() sends all of them."""

    def __init__(self, folder):
        self.layout = Layout(str(Path(folder) / "layout"))
        self.base = Path(subprocess.check_output([TESTS / "images" / "build"], text=True).strip())
        index = json.loads((self.base / "index.json").read_text())
        self.known = {entry["annotations"]["org.opencontainers.image.ref.name"]: entry for entry in index["manifests"]}

    def _blob(self, digest):
        return (self.base / "blobs" / digest.replace(":", "/")).read_bytes()

    def add(self, name, base, layer):
        """base: of tests/images; None: the layer is all of it."""
        if base is None:
            self.layout.name(name, self.layout.manifest([layer], {}, "2025-06-01T12:00:00Z", ARCHITECTURE))
            return
        data = layer.tar()
        self.add_packed(name, base, [Packed(OCI.pack(data, layer.effort), OCI.layer, data, layer.comment)])

    def add_packed(self, name, base, layers, labels=None):
        """The same with layers that are packed already."""
        manifest = json.loads(self._blob(self.known[base]["digest"]))
        config = json.loads(self._blob(manifest["config"]["digest"]))
        for old in manifest["layers"]:
            self.layout.blob(self._blob(old["digest"]), old["mediaType"])
        for layer in layers:
            manifest["layers"].append(self.layout.blob(layer.blob, layer.media_type))
            config["rootfs"]["diff_ids"].append(sha256(layer.tar))
            config["history"].append({"created_by": layer.comment})
        config["config"]["Labels"] = {**config["config"].get("Labels", {}), **(labels or {})}
        manifest["config"] = self.layout.blob(encode(config), manifest["config"]["mediaType"])
        self.layout.name(name, self.layout.blob(encode(manifest), manifest["mediaType"]))

    def finish(self):
        self.layout.finish()

    def push(self, bed, *targets):
        """As Bed.push: "tool:1", or under another name "tool:latest=tool:2"."""
        targets = ["=".join(reversed(target.split("="))) for target in targets]
        bed._testbed("net", bed.name, str(TESTS / "images" / "push"), self.layout.top, REGISTRY, *targets)
