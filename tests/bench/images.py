# SPDX-License-Identifier: LGPL-2.1-or-later
"""The images that `compare` pulls, as an OCI image layout in the cache of the tests, and what is in them.

small      busybox, one layer
base       a Debian base, one layer: what many images of a host share
svc:1      the same base, data of Debian, etcd: three layers
svc:2      svc:1 built again: every date is another, and of twenty files one has other contents
many       one layer of 50,000 small files
big        one layer of 1 GiB in eight files
NAME-zstd  the same, packed with zstd
"""

import copy
import fcntl
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "images"))
import ocilayout  # noqa: E402
from debian import ARCHITECTURE, BASE, DATA, FIRST, MERGED, PATH, SECOND, download, labels, mountpoints, unpack  # noqa: E402
from ocilayout import Form, Layer, Layout  # noqa: E402

CACHE = Path(os.environ.get("SYSCONSD_TEST_CACHE") or HERE.parent.parent / ".cache")
# With BASE about what debootstrap calls minbase, documentation and translations included.
MORE = ["adduser", "apt", "base-passwd", "bsdutils", "debconf", "debianutils", "diffutils", "dpkg", "e2fsprogs", "gpgv", "init-system-helpers",
        "libapt-pkg6.0", "libaudit1", "libbz2-1.0", "libcap-ng0", "libcap2", "libcom-err2", "libdb5.3", "libext2fs2", "libffi8", "libgcrypt20",
        "libgnutls30", "libgpg-error0", "libhogweed6", "libidn2-0", "liblz4-1", "liblzma5", "libmd0", "libnettle8", "libp11-kit0", "libpam-modules",
        "libpam0g", "libseccomp2", "libsepol2", "libss2", "libssl3", "libstdc++6", "libsystemd0", "libtasn1-6", "libudev1", "libunistring2",
        "libuuid1", "libzstd1", "login", "mawk", "ncurses-base", "ncurses-bin", "passwd"]
ETCD = ["etcd-server", "etcd-client"]
MANY, MANY_SIZE = 50_000, 5_600
BIG, BIG_FILES = 1 << 30, 8


def zstd(data, _effort):
    return subprocess.run(["zstd", "-q", "-c", "-3"], input=data, stdout=subprocess.PIPE, check=True).stdout


ZSTD = Form(ocilayout.OCI_ZSTD.manifest, ocilayout.OCI_ZSTD.config, ocilayout.OCI_ZSTD.layer, zstd)


def base_layer(debs):
    layer = Layer("Debian base")
    layer.folder("usr")
    for name in MERGED:
        layer.folder("usr/" + name)
        layer.link(name, "usr/" + name)
    mountpoints(layer)
    unpack(layer, debs, BASE + MORE, unwanted=("etc/init.d/", "usr/lib/systemd/"))
    layer.file("etc/passwd", "root:x:0:0:root:/root:/bin/bash\n")
    layer.file("etc/group", "root:x:0:\n")
    return layer


def data_layer(debs):
    layer = Layer("Debian data")
    unpack(layer, debs, DATA, unwanted=("etc/init.d/",))
    return layer


def etcd_layer(debs):
    layer = Layer("etcd")
    layer.folder("var/lib/etcd", 0o700)
    unpack(layer, debs, ETCD, unwanted=("etc/init.d/", "usr/lib/systemd/"))
    return layer


def built_again(layer):
    again = Layer(layer.comment + ", built again")
    for number, (member, data) in enumerate(layer.members):
        newer = copy.copy(member)
        newer.mtime += 86400
        if data and number % 20 == 0:
            data = data[:-1] + bytes([data[-1] ^ 1])
        again.members.append((newer, data))
    return again


def many_layer():
    layer, generator = Layer("many small files", effort=1), random.Random(1)
    words = [bytes(generator.choices(b"abcdefghijklmnopqrstuvwxyz", k=8)) for _ in range(4096)]
    mountpoints(layer)
    layer.folders("usr", "usr/share", "usr/share/many")
    for folder in range(MANY // 250):
        layer.folder(f"usr/share/many/{folder:03}")
        for file in range(250):
            text = b" ".join(generator.choices(words, k=generator.randrange(1, 2 * MANY_SIZE // 9)))
            layer.file(f"usr/share/many/{folder:03}/{file:03}", text)
    return layer


def big_layer(material):
    """As compressible as programs are: the material again and again."""
    layer, size = Layer("few large files", effort=1), BIG // BIG_FILES
    mountpoints(layer)
    layer.folders("usr", "usr/share", "usr/share/big")
    for number in range(BIG_FILES):
        start = number * 9_999_991 % len(material)
        text = f"{number}\n".encode() + material[start:] + material * (size // len(material) + 1)
        layer.file(f"usr/share/big/{number}", text[:size])
    return layer


def make(layout, folder):
    debs = download(folder, [*BASE, *MORE, *DATA, *ETCD, "busybox-static"])
    base, data, etcd = base_layer(debs), data_layer(debs), etcd_layer(debs)
    small = Layer("busybox")
    mountpoints(small)
    unpack(small, debs, ["busybox-static"])
    second = [built_again(layer) for layer in (base, data, etcd)]
    big = big_layer(b"".join(contents for _, contents in base.members))
    config = {"Env": [PATH], "Cmd": ["/bin/true"]}

    def image(name, layers, created=FIRST):
        forms = [("", ocilayout.OCI)] + ([("-zstd", ZSTD)] if name != "base" else [])
        for suffix, form in forms:
            stem, _, tag = name.partition(":")
            described = dict(config, Labels=labels(stem + suffix, tag or "1", "For a benchmark"))
            layout.name(f"{stem}{suffix}:{tag or 'latest'}", layout.manifest(layers, described, created, ARCHITECTURE, form))

    image("small", [small])
    image("base", [base])
    image("svc:1", [base, data, etcd])
    image("svc:2", second, SECOND)
    image("many", [many_layer()])
    image("big", [big])


def build():
    """The layout's folder; making it takes two minutes and 4 GiB of memory."""
    total = hashlib.sha256(ARCHITECTURE.encode())
    for path in (HERE / "images.py", HERE.parent / "images/debian.py", HERE.parent / "images/ocilayout.py"):
        total.update(path.read_bytes())
    top = CACHE / ("bench-images-" + total.hexdigest()[:12])
    CACHE.mkdir(exist_ok=True)
    with open(CACHE / "bench-images.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not top.exists():
            with tempfile.TemporaryDirectory(dir=CACHE) as work, tempfile.TemporaryDirectory() as packages:
                layout = Layout(os.path.join(work, "layout"))
                make(layout, packages)
                layout.finish()
                os.rename(layout.top, top)
    return top


def layers(top, name):
    """Paths of the packed layers of an image."""
    def blob(digest):
        return top / "blobs" / digest.replace(":", "/")
    index = json.loads((top / "index.json").read_text())
    manifest = next(m["digest"] for m in index["manifests"] if m["annotations"]["org.opencontainers.image.ref.name"] == name)
    return [blob(layer["digest"]) for layer in json.loads(blob(manifest).read_text())["layers"]]


if __name__ == "__main__":
    print(build())
