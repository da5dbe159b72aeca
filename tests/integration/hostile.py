# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tars that no honest tool writes, byte by byte, and images of them.

Formats: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Header Block"; the sparse ones: GNU tar's manual, "Storing Sparse Files".
"""

import gzip
import io
import json
import struct
import subprocess
import tarfile

from derived import ARCHITECTURE, Packed
from ocilayout import EPOCH, OCI, encode, sha256

TAR, GZIP, ZSTD = OCI.layer.removesuffix("+gzip"), OCI.layer, OCI.layer.replace("gzip", "zstd")
END = bytes(1024)


def block(data):
    return data + bytes(-len(data) % 512)


def number(value, size):
    """Octal, or in the base 256 of GNU where that is too short or negative."""
    text = b"%0*o\0" % (size - 1, value) if value >= 0 else b""
    if 0 < len(text) <= size:
        return text
    return b"\x80" + value.to_bytes(size - 1, "big") if value >= 0 else b"\xff" + value.to_bytes(size - 1, "big", signed=True)


def entry(name, data=b"", kind=b"0", mode=0o644, size=None, link="", uid=0, mtime=EPOCH, device=(0, 0)):
    name, link = [text.encode() if isinstance(text, str) else text for text in (name, link)]
    data = data.encode() if isinstance(data, str) else data
    assert len(name) <= 100 and len(link) <= 100
    head = (name.ljust(100, b"\0") + number(mode, 8) + number(uid, 8) + number(0, 8) + number(len(data) if size is None else size, 12)
            + number(mtime, 12) + b" " * 8 + kind + link.ljust(100, b"\0") + b"ustar\00000" + bytes(64)
            + number(device[0], 8) + number(device[1], 8)).ljust(512, b"\0")
    return head[:148] + b"%06o\0 " % sum(head) + head[156:] + block(data)


def folder(name, mode=0o755):
    return entry(name, kind=b"5", mode=mode)


def symlink(name, target):
    return entry(name, kind=b"2", mode=0o777, link=target)


def hardlink(name, target):
    return entry(name, kind=b"1", link=target)


def records(values):
    out = b""
    for key, value in values:
        value = value if isinstance(value, bytes) else str(value).encode()
        rest = b" " + key.encode() + b"=" + value + b"\n"
        size = len(rest)
        while size != len(rest) + len(str(size)):
            size = len(rest) + len(str(size))
        out += str(size).encode() + rest
    return out


def pax(*values, kind=b"x"):
    """Attributes of the entry behind it; kind "g": of all."""
    return entry("pax", records(values), kind)


def sparse_00(name, size, blocks):
    """blocks: [(offset, data)]"""
    sizes = [item for offset, data in blocks for item in (("GNU.sparse.offset", offset), ("GNU.sparse.numbytes", len(data)))]
    return (pax(("GNU.sparse.size", size), ("GNU.sparse.numblocks", len(blocks)), *sizes)
            + entry(name, b"".join(data for _, data in blocks)))


def sparse_01(name, size, blocks):
    numbers = ",".join(f"{offset},{len(data)}" for offset, data in blocks)
    return (pax(("GNU.sparse.size", size), ("GNU.sparse.numblocks", len(blocks)), ("GNU.sparse.name", name), ("GNU.sparse.map", numbers))
            + entry("GNUSparseFile.0", b"".join(data for _, data in blocks)))


def sparse_10(name, size, blocks, numbers=None):
    numbers = numbers or f"{len(blocks)}\n" + "".join(f"{offset}\n{len(data)}\n" for offset, data in blocks)
    return (pax(("GNU.sparse.major", 1), ("GNU.sparse.minor", 0), ("GNU.sparse.name", name), ("GNU.sparse.realsize", size))
            + entry("GNUSparseFile.0", block(numbers.encode()) + b"".join(data for _, data in blocks)))


def many(count, names):
    """`count` empty files, whose names the function makes of their numbers (ASCII, always as long): quickly, by one header for all."""
    head = bytearray(entry(names(0)))
    head[148:156] = b" " * 8
    size = len(names(0))
    rest = sum(head) - sum(head[:size])
    out = io.BytesIO()
    for i in range(count):
        name = names(i).encode()
        head[:size] = name
        head[148:156] = b"%06o\0 " % (rest + sum(name))
        out.write(head)
    return out.getvalue()


def with_python(*members):
    """As tarfile writes them, whatever their length: (name, data)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in members:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


def plain(*parts):
    tar = b"".join(parts) + END
    return Packed(tar, TAR, tar)


def gzipped(*parts, level=1):
    tar = b"".join(parts) + END
    return Packed(gzip.compress(tar, level, mtime=0), GZIP, tar)


def members(*parts):
    """Of gzip, one for each part."""
    return Packed(b"".join(gzip.compress(part, mtime=0) for part in (*parts, END)), GZIP, b"".join(parts) + END)


def gzip_bomb(size, name="wicked"):
    """Zeros that take a thousandth of their size."""
    tar = entry(name, size=size)[:512] + bytes(size + -size % 512) + END
    return Packed(gzip.compress(tar, 6, mtime=0), GZIP, tar)


def zstd_window(exponent):
    """A frame (RFC 8878, 3.1.1) that wants a window of 2^(10 + exponent) bytes, with a raw block of nothing."""
    tar = END
    frame = struct.pack("<IBB", 0xFD2FB528, 0x00, exponent << 3) + (len(tar) << 3 | 1).to_bytes(3, "little") + tar
    return Packed(frame, ZSTD, tar)


def zstd(*parts):
    tar = b"".join(parts) + END
    return Packed(subprocess.run(["zstd", "-q", "-c"], input=tar, stdout=subprocess.PIPE, check=True).stdout, ZSTD, tar)


def config_of(layers, **more):
    return {"architecture": ARCHITECTURE, "os": "linux", "created": "2025-06-01T12:00:00Z", "config": {},
            "rootfs": {"type": "layers", "diff_ids": [sha256(layer.tar) for layer in layers]}, **more}


def add(layout, name, *layers, spoil=None, config=None):
    """An image into the layout; spoil(manifest) makes it a lie; config: the text of it."""
    descriptors = [layout.blob(layer.blob, layer.media_type) for layer in layers]
    manifest = {"schemaVersion": 2, "mediaType": OCI.manifest,
                "config": layout.blob(config or encode(config_of(layers)), OCI.config), "layers": descriptors}
    text = (spoil(manifest) if spoil else None) or manifest
    layout.name(name, layout.blob(text if isinstance(text, bytes) else json.dumps(text).encode(), OCI.manifest))
