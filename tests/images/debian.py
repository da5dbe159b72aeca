# SPDX-License-Identifier: LGPL-2.1-or-later
"""Layers made of Debian's packages, without installing anything: no root, no maintainer scripts, the same bytes each time."""

import glob
import io
import os
import subprocess
import sys
import tarfile

from ocilayout import Layer

ARCHITECTURE = subprocess.check_output(["dpkg", "--print-architecture"], text=True).strip()  # Debian and OCI agree on the usual ones
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
FIRST, SECOND = "2025-06-01T12:00:00Z", "2025-07-01T12:00:00Z"

# A base like that of a distribution: a libc, a shell, hardlinks (perl), set-user-ID programs (mount), many small files (tzdata).
BASE = ["base-files", "bash", "coreutils", "dash", "findutils", "grep", "gzip", "hostname", "libacl1", "libattr1", "libblkid1", "libc-bin", "libc6",
        "libcrypt1", "libgcc-s1", "libgmp10", "libmount1", "libpcre2-8-0", "libselinux1", "libsmartcols1", "libtinfo6", "mount", "perl-base",
        "sed", "tar", "util-linux", "zlib1g"]
DATA = ["netbase", "tzdata", "ca-certificates"]
UNWANTED = ("usr/share/doc/", "usr/share/man/", "usr/share/info/", "usr/share/locale/", "usr/share/lintian/", "etc/init.d/", "usr/lib/systemd/")
MERGED = ("bin", "sbin", "lib", "lib64")  # symlinks into usr


def download(folder, packages):
    """Packages, as Debian's mirror has them now, into a folder; a table of their files."""
    subprocess.run(["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", *sorted(set(packages))], cwd=folder, stdout=sys.stderr,
                   check=True)
    return {os.path.basename(path).split("_")[0]: path for path in glob.glob(os.path.join(folder, "*.deb"))}


def merged(name):
    return "usr/" + name if name.split("/")[0] in MERGED else name


def unpack(layer, debs, packages, unwanted=UNWANTED):
    """Adds what the packages hold, with /bin, /sbin and /lib merged into /usr as Debian does when it installs them."""
    seen = {member.name for member, _ in layer.members}
    for package in packages:
        archive = subprocess.run(["dpkg-deb", "--fsys-tarfile", debs[package]], stdout=subprocess.PIPE, check=True).stdout
        with tarfile.open(fileobj=io.BytesIO(archive)) as source:
            for member in source:
                member.name = merged(member.name.removeprefix("./").rstrip("/"))
                if member.name in ("", ".") or member.name in seen or (member.name + "/").startswith(unwanted):
                    continue
                seen.add(member.name)
                if member.islnk():
                    member.linkname = merged(member.linkname.removeprefix("./"))
                member.uname = member.gname = ""
                member.mtime = int(member.mtime)
                member.pax_headers = {}
                layer.members.append((member, source.extractfile(member).read() if member.isreg() else b""))


def labels(name, version, summary):
    return {"name": name, "version": version, "summary": summary, "atomic.type": "system", "org.opencontainers.image.title": name,
            "org.opencontainers.image.version": version}


def mountpoints(layer):
    """A read-only root cannot make them when it is mounted."""
    layer.folders("dev", "proc", "run", "sys", "etc", "var", "var/lib")
    layer.folder("tmp", 0o1777)


def base_layers(debs):
    base, data = Layer("Debian base"), Layer("Debian data")
    base.folder("usr")
    for name in MERGED:
        base.folder("usr/" + name)
        base.link(name, "usr/" + name)
    mountpoints(base)
    unpack(base, debs, BASE)
    base.file("etc/passwd", "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n")
    base.file("etc/group", "root:x:0:\nnogroup:x:65534:\n")
    base.file("etc/hosts", "127.0.0.1 localhost\n")
    unpack(data, debs, DATA)
    return [base, data]
