# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes container images as an OCI image layout: a folder of blobs named by their digest, and an index of names.

Layers are made member by member, not from files on disk, so that they need no root and come out the same each time. The formats:
https://github.com/opencontainers/image-spec and, for Docker's schema 2, https://distribution.github.io/distribution/spec/manifest-v2-2/
"""

import hashlib
import io
import json
import os
import subprocess
import tarfile
import zlib

EPOCH = 1748779200  # 2025-06-01 12:00 UTC: the date of what has none of its own


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def encode(value):
    return json.dumps(value, indent=1, sort_keys=True).encode()


class Layer:
    """The members of one layer, in the order they were added. A second member of a name is allowed, as in any tar. The effort is gzip's:
    of a layer of a hundred megabytes, 1 packs in a second what 6 packs in ten."""

    def __init__(self, comment, effort=6):
        self.comment, self.effort = comment, effort
        self.members = []

    def add(self, name, kind, mode, data=b"", mtime=EPOCH, **more):
        member = tarfile.TarInfo(name)
        member.type, member.mode, member.mtime, member.size = kind, mode, mtime, len(data)
        for key, value in more.items():
            setattr(member, key, value)
        self.members.append((member, data))

    def folder(self, name, mode=0o755):
        self.add(name, tarfile.DIRTYPE, mode)

    def folders(self, *names):
        for name in names:
            self.folder(name)

    def file(self, name, data, mode=0o644, **more):
        self.add(name, tarfile.REGTYPE, mode, data.encode() if isinstance(data, str) else data, **more)

    def link(self, name, target):
        self.add(name, tarfile.SYMTYPE, 0o777, linkname=target)

    def hardlink(self, name, target):
        self.add(name, tarfile.LNKTYPE, 0o644, linkname=target)

    def tree(self, top):
        """All below a folder of the source tree, whose modes may depend on a umask: only the executable bit is taken."""
        for at, folders, files in os.walk(top):
            folders.sort()
            for name in folders:
                self.folder(os.path.relpath(os.path.join(at, name), top))
            for name in sorted(files):
                path = os.path.join(at, name)
                with open(path, "rb") as source:
                    self.file(os.path.relpath(path, top), source.read(), 0o755 if os.access(path, os.X_OK) else 0o644)

    def tar(self):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for member, data in self.members:
                archive.addfile(member, io.BytesIO(data))
        return out.getvalue()


def gzip(data, effort):
    packer = zlib.compressobj(effort, zlib.DEFLATED, 31)  # 31: with the header of gzip, which holds no date then
    return packer.compress(data) + packer.flush()


def zstd(data, _effort):
    return subprocess.run(["zstd", "-q", "-c", "-10"], input=data, stdout=subprocess.PIPE, check=True).stdout


def plain(data, _effort):
    return data


class Form:
    """How an image is written down: media types, and how its layers are packed."""

    def __init__(self, manifest, config, layer, pack):
        self.manifest, self.config, self.layer, self.pack = manifest, config, layer, pack


_OCI = "application/vnd.oci.image."
_DOCKER = "application/vnd.docker."
OCI_INDEX = _OCI + "index.v1+json"
OCI = Form(_OCI + "manifest.v1+json", _OCI + "config.v1+json", _OCI + "layer.v1.tar+gzip", gzip)
OCI_ZSTD = Form(OCI.manifest, OCI.config, _OCI + "layer.v1.tar+zstd", zstd)
OCI_PLAIN = Form(OCI.manifest, OCI.config, _OCI + "layer.v1.tar", plain)
DOCKER = Form(_DOCKER + "distribution.manifest.v2+json", _DOCKER + "container.image.v1+json",
              _DOCKER + "image.rootfs.diff.tar.gzip", gzip)


class Layout:
    def __init__(self, top):
        self.top = top
        self.index = []
        self.packed = {}  # the same layer in the same form is packed once
        os.makedirs(os.path.join(top, "blobs", "sha256"))

    def blob(self, data, media_type):
        digest = sha256(data)
        with open(os.path.join(self.top, "blobs", *digest.split(":")), "wb") as out:
            out.write(data)
        return {"mediaType": media_type, "digest": digest, "size": len(data)}

    def _layer(self, layer, form):
        key = (id(layer), form.layer)
        if key not in self.packed:
            data = layer.tar()
            self.packed[key] = (layer, self.blob(form.pack(data, layer.effort), form.layer), sha256(data))
        return self.packed[key][1:]

    def manifest(self, layers, config, created, architecture, form=OCI):
        """Writes all of one image; its descriptor."""
        packed = [self._layer(layer, form) for layer in layers]
        config = self.blob(encode({
            "created": created, "architecture": architecture, "os": "linux", "config": config,
            "rootfs": {"type": "layers", "diff_ids": [diff_id for _, diff_id in packed]},
            "history": [{"created": created, "created_by": layer.comment} for layer in layers]}), form.config)
        return self.blob(encode({"schemaVersion": 2, "mediaType": form.manifest, "config": config,
                                 "layers": [descriptor for descriptor, _ in packed]}), form.manifest)

    def image_index(self, platforms):
        """Several images under one name: [(descriptor, architecture)]."""
        return self.blob(encode({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [
            dict(descriptor, platform={"architecture": architecture, "os": "linux"})
            for descriptor, architecture in platforms]}), OCI_INDEX)

    def name(self, name, descriptor):
        self.index.append(dict(descriptor, annotations={"org.opencontainers.image.ref.name": name}))

    def finish(self):
        for name, value in (("oci-layout", {"imageLayoutVersion": "1.0.0"}), ("index.json", {"schemaVersion": 2, "manifests": self.index})):
            with open(os.path.join(self.top, name), "wb") as out:
                out.write(encode(value))
