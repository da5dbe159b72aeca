# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the root file system of an image must look like, by its layers, as inside.py describes files: an opinion of its own about the product's work."""

import gzip
import hashlib
import json
import tarfile


class Images:
    def __init__(self, layout):
        self.layout, self._trees = layout, {}
        index = json.loads((layout / "index.json").read_bytes())
        self._digests = {m["annotations"]["org.opencontainers.image.ref.name"]: m["digest"] for m in index["manifests"]}

    def _blob(self, digest):
        return self.layout / "blobs" / digest.replace(":", "/")

    def _manifest(self, name):
        return json.loads(self._blob(self._digests[name]).read_bytes())

    def names_by_id(self, names):
        """Which of these images has this id, the digest of its configuration?"""
        return {self._manifest(name)["config"]["digest"].removeprefix("sha256:"): name for name in names}

    def tree(self, name):
        if name not in self._trees:
            found = {}
            for layer in self._manifest(name)["layers"]:
                with gzip.open(self._blob(layer["digest"])) as data, tarfile.open(fileobj=data) as tar:
                    self._add(found, tar)
            self._trees[name] = found
        return self._trees[name]

    @staticmethod
    def _add(found, tar):
        own = {}
        for entry in tar:
            path = entry.name.strip("/")
            assert "/.wh." not in f"/{path}", "these images hide nothing of lower layers"
            owner = f"{entry.uid}:{entry.gid}"
            if entry.isdir():
                own[path] = f"folder {entry.mode:o} {owner}"
            elif entry.issym():
                own[path] = f"link {owner} {entry.linkname}"
            elif entry.islnk():
                target = entry.linkname.strip("/")
                own[path] = own.get(target) or found[target]
            elif entry.isreg():
                own[path] = f"file {entry.mode:o} {owner} {hashlib.sha256(tar.extractfile(entry).read()).hexdigest()}"
        found.update(own)
