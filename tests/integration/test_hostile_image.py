# SPDX-License-Identifier: LGPL-2.1-or-later
"""Images that were made to do harm: refused with a reason and without a trace, or taken with their sting drawn. docs/reliability.md has the table."""

import json
import subprocess

import hostile
import pytest
from bed import CHECKOUT, TESTBED, TESTS, wait_until
from derived import Derived
from hostile import entry, folder, gzipped, hardlink, pax, plain, symlink
from ocilayout import Layout

PORT = 5003
IMAGES = f"localhost:{PORT}/images"
REPO = f"{CHECKOUT}/.storage/ostree"
CONF = "/etc/sysconsd.conf.d/60-hostile.conf"
WICKED = "wicked"
GOOD = entry("good", "good")


def good(word):
    """A layer that no other image has, lest it be here already."""
    return plain(GOOD, entry(word, word))


def raw_size(text):
    """The first layer's size in the manifest, whatever that is."""
    def spoil(manifest):
        manifest["layers"][0]["size"] = "@"
        return json.dumps(manifest).replace('"@"', text).encode()
    return spoil


def with_layers(count):
    def spoil(manifest):
        manifest["layers"] *= count
    return spoil


def deep(manifest):
    return b'{"schemaVersion": 2, "config": ' + b"[" * 10_000 + b"]" * 10_000 + b"}"


def index_and_image(manifest):
    return {**manifest, "manifests": []}


# Name of the image: its layers, what else is wrong with it, and the error's text.
REFUSED = {
    "dotdot": ([plain(entry("a/../../wicked", WICKED))], {}, "has '..' in its name"),
    "dotdot-link": ([plain(GOOD, hardlink("wicked", "../../etc/passwd"))], {}, "has '..' in its name"),
    "dotdot-pax": ([plain(pax(("path", "../wicked")), entry("x", WICKED))], {}, "has '..' in its name"),
    "through-symlink": ([plain(symlink("out", "/etc"), entry("out/wicked", WICKED))], {}, "lies below the symlink"),
    "through-symlinks": ([plain(symlink("a", "b"), symlink("b", "/etc"), folder("a/wicked"))], {}, "lies below the symlink"),
    "through-relative": ([plain(folder("d"), symlink("d/up", "../../../.."), entry("d/up/wicked", WICKED))], {}, "lies below the symlink"),
    "through-hardlink": ([plain(symlink("out", "/etc"), hardlink("same", "out"), entry("same/wicked", WICKED))], {}, "lies below the symlink"),
    "link-through-symlink": ([plain(symlink("out", "/etc"), hardlink("wicked", "out/shadow"))], {}, "does not hold"),
    "link-out": ([plain(hardlink("wicked", "/etc/shadow"))], {}, "does not hold"),
    "link-to-lower-layer": ([plain(GOOD), plain(hardlink("wicked", "good"))], {}, "does not hold"),
    "link-to-folder": ([plain(folder("d"), hardlink("wicked", "d"))], {}, "is a hardlink to the folder"),
    "below-file": ([plain(GOOD, entry("good/wicked", WICKED))], {}, "lies below the file"),
    "below-device": ([plain(entry("dev", kind=b"3"), entry("dev/wicked", WICKED))], {}, "lies below"),
    "root-symlink": ([plain(symlink("./", "/etc"), entry("wicked", WICKED))], {}, "root is not a folder"),
    "long-path": ([plain(pax(("path", "/".join(["wicked"] * 1000))), entry("x", WICKED))], {}, "more than 4095 bytes"),
    "long-name": ([plain(pax(("path", "e" * 4096)), entry("x", WICKED))], {}, "more than 255 bytes"),
    "long-target": ([plain(pax(("linkpath", "e/" * 2050)), symlink("wicked", "x"))], {}, "too long"),
    "not-utf8": ([plain(entry(b"wicked-\xe4", WICKED))], {}, "not UTF-8"),
    "negative-owner": ([plain(entry("wicked", WICKED, uid=-1))], {}, ""),
    "enormous-owner": ([plain(pax(("uid", 2**40)), entry("wicked", WICKED))], {}, "no 32 bit number"),
    "negative-size": ([plain(entry("wicked", size=-1))], {}, ""),
    "negative-pax-size": ([plain(pax(("size", -5)), entry("wicked", WICKED))], {}, ""),
    "enormous-size": ([plain(entry("wicked", size=2**62))], {}, "MaxLayerSize="),
    "enormous-pax-size": ([plain(pax(("size", 10**30)), entry("wicked", WICKED))], {}, ""),
    "size-beyond-the-tar": ([plain(entry("wicked", WICKED, size=100_000))], {}, "damaged"),
    "enormous-sparse": ([plain(hostile.sparse_10("wicked", 2**50, [(0, b"x" * 512)]))], {}, "MaxLayerSize="),
    "sparse-outside": ([plain(hostile.sparse_01("wicked", 10, [(1000, b"x" * 512)]))], {}, "outside its size"),
    "sparse-map": ([gzipped(hostile.sparse_10("wicked", 1000, [], "5000000\n" + "0\n0\n" * 5_000_000))], {}, "headers of more than"),
    "huge-pax": ([gzipped(pax(("comment", "x" * 3_000_000)), entry("wicked", WICKED))], {}, "damaged"),
    "pax-chain": ([gzipped(pax(("mtime", 1)) * 20_000, entry("wicked", WICKED))], {}, "damaged"),
    "huge-xattr": ([plain(pax(("SCHILY.xattr.user.wicked", "x" * 70_000)), entry("wicked", WICKED))], {}, "extended attributes"),
    "cut-tar": ([hostile.Packed((GOOD + entry("wicked", WICKED))[:1500], hostile.TAR, (GOOD + entry("wicked", WICKED))[:1500])], {}, "damaged"),
    "no-tar": ([hostile.Packed(b"wicked " * 1000, hostile.TAR, b"wicked " * 1000)], {}, "no tar"),
    "not-gzip": ([hostile.Packed(good("not-gzip").blob, hostile.GZIP, good("not-gzip").tar)], {}, "said to be gzip"),
    "gzip-garbage": ([hostile.Packed(gzipped(GOOD).blob + b"wicked" * 100, hostile.GZIP, gzipped(GOOD).tar)], {}, "gzip data are damaged"),
    "gzip-cut": ([hostile.Packed(gzipped(GOOD).blob[:-9], hostile.GZIP, gzipped(GOOD).tar)], {}, "end too early"),
    "zstd-window": ([hostile.zstd_window(21)], {}, "zstd data are damaged"),
    "other-tar": ([hostile.Packed(plain(entry("wicked", WICKED)).blob, hostile.TAR, plain(GOOD).tar)], {}, "configuration says"),
    "size-too-small": ([good("size-too-small")], {"spoil": raw_size("100")}, "bytes"),
    "size-too-large": ([good("size-too-large")], {"spoil": raw_size("100000")}, "bytes"),
    "size-negative": ([good("size-negative")], {"spoil": raw_size("-1")}, "positive integer"),
    "size-float": ([good("size-float")], {"spoil": raw_size("1e30")}, "integer"),
    "size-of-the-world": ([good("size-of-the-world")], {"spoil": raw_size("9000000000000000000")}, "MaxLayerSize="),
    "too-many-layers": ([plain(GOOD)], {"spoil": with_layers(300)}, "MaxLayers="),
    "deep-manifest": ([plain(GOOD)], {"spoil": deep}, "nested deeper than"),
    "deep-config": ([plain(GOOD)], {"config": b'{"a": ' + b"[" * 10_000 + b"]" * 10_000 + b"}"}, "nested deeper than"),
    "index-and-image": ([plain(GOOD)], {"spoil": index_and_image}, "an image and an index at once"),
}

SPARSE = [(512, b"a" * 512), (4096, b"b" * 1024)]
SPARSE_CONTENT = bytes(512) + b"a" * 512 + bytes(3072) + b"b" * 1024 + bytes(5072)
# A capability as setcap writes it: version 2, effective, cap_net_bind_service.
CAPABILITY = bytes.fromhex("0100000200040000" + "00" * 12)

# Upon hello:1, and installed.
TAME = [
    plain(folder("t"), entry("/t/absolute", "1"), entry("./t//./dotted", "2"), entry("t/twice", "first"), entry("t/twice", "second"),
          folder("t/becomes-file"), entry("t/becomes-file/inside", "lost"), entry("t/becomes-file", "a file"),
          symlink("t/out", "/etc"), symlink("t/shadow", "/etc/shadow"), hardlink("t/also-shadow", "t/shadow"), symlink("t/out-folder", "/etc"),
          entry("t/null", kind=b"3", device=(1, 3)), entry("t/disk", kind=b"4", device=(8, 0)), entry("t/fifo", kind=b"6"),
          hardlink("t/null-too", "t/null"), entry("t/gone", "1"), entry("t/stays", "1"), folder("t/opaque"), entry("t/opaque/old", "1"),
          hostile.sparse_00("t/sparse00", 10192, SPARSE), hostile.sparse_01("t/sparse01", 10192, SPARSE),
          hostile.sparse_10("t/sparse10", 10192, SPARSE),
          pax(("mtime", "99999999999999999999")), entry("t/late", "1"), pax(("mtime", "-99999999999")), entry("t/early", "1"),
          entry("t/octal", "1", mtime=-1), pax(("size", 5)), entry("t/pax-size", "12345", size=0)[:512] + hostile.block(b"12345"),
          entry("t/setuid", "1", mode=0o4755), pax(("SCHILY.xattr.security.capability", CAPABILITY)), entry("t/capable", "1", mode=0o755),
          pax(("SCHILY.xattr.user.note", "kept"), ("SCHILY.xattr.trusted.overlay.opaque", "y"), ("SCHILY.xattr.security.ima", "x"),
              ("SCHILY.xattr.security.selinux", "x")), entry("t/attributes", "1"),
          pax(("path", "t/deep/" + "/".join(["d" * 99] * 39) + "/f")), entry("x", "deep")),
    # Whiteouts that climb hit nothing; those of the same layer leave it alone.
    plain(entry("t/.wh...", ""), entry("t/.wh..", ""), entry("t/.wh.", ""), entry("t/.wh..wh.", ""), entry(".wh..wh.plnk", ""),
          folder("t/.wh.stays-not"), entry("t/.wh.stays-not/wicked", WICKED), entry("t/.wh.gone", ""), entry("t/.wh.%2e%2e", ""),
          entry("t/opaque/.wh..wh..opq", ""), entry("t/opaque/new", "1"),
          # Through what was a symlink one layer below.
          entry("t/out/wicked", WICKED), folder("t/out-folder"), entry("t/out-folder/wicked", WICKED)),
]


@pytest.fixture(scope="module")
def bed(session_bed, tmp_path_factory):
    top = tmp_path_factory.mktemp("hostile")
    layout = Layout(str(top / "images"))
    for name, (layers, more, _) in REFUSED.items():
        hostile.add(layout, name, *layers, **more)
    hostile.add(layout, "honest", gzipped(GOOD))
    hostile.add(layout, "bomb", hostile.gzip_bomb(250_000_000))
    hostile.add(layout, "members", hostile.members(GOOD[:700], b"", GOOD[700:]))
    hostile.add(layout, "million", gzipped(hostile.many(1_000_000, lambda i: f"{i // 1000:03}/{i % 1000:03}")))
    hostile.add(layout, "inodes", gzipped(*(entry(f"f{i}", str(i)) for i in range(6000))))
    layout.finish()
    derived = Derived(top)
    derived.add_packed("hello:tame", "hello:1", TAME)
    derived.finish()
    derived.push(session_bed, "hello:tame")
    command = [TESTBED, "net", session_bed.name, str(TESTS / "unit" / "registry-server.py"), "--port", str(PORT), "--root", str(top), "--until-eof"]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdout.readline().strip() == str(PORT)
    session_bed.sysconsctl("pull", f"{IMAGES}:honest")
    yield session_bed
    server.stdin.close()
    server.wait(20)
    session_bed.run(["rm", "-f", CONF])
    session_bed.sysconsctl("delete-image", "--force", f"{IMAGES}:honest", check=False)


def names(bed):
    return [name for image in json.loads(bed.sysconsctl("images", "--json").stdout) for name in image["names"]]


def refs(bed):
    return set(bed.output(f"ls {REPO}/refs/heads/ociimage").split())


@pytest.mark.parametrize("name", REFUSED)
def test_refused(bed, name):
    before = refs(bed)
    result = bed.sysconsctl("pull", f"{IMAGES}:{name}", check=False)
    assert result.returncode in (1, 3) and REFUSED[name][2] in result.stderr, result.stderr
    assert len(result.stderr) < 2000 and all(line.isprintable() for line in result.stderr.splitlines())
    assert f"{IMAGES}:{name}" not in names(bed)
    # Of its layers those may have come that nothing is wrong with.
    assert len(refs(bed) - before) <= len(REFUSED[name][0]) - 1


def test_nothing_is_left_of_them(bed):
    """Nowhere on the host, and nothing in the way of others."""
    assert bed.output("find / -xdev -name '*wicked*' ! -path '/proc/*'; find /var/lib/containers -name '*wicked*'") == ""
    bed.run(["ostree", "fsck", f"--repo={REPO}", "-q"])
    bed.sysconsctl("pull", f"{IMAGES}:members")
    assert f"{IMAGES}:members" in names(bed)
    bed.sysconsctl("delete-image", f"{IMAGES}:members")


def test_manifest_of_100_mb(bed):
    result = bed.sysconsctl("pull", f"localhost:{PORT}/manifest-of-100-mb/images:honest", check=False)
    assert result.returncode == 1 and "larger than 4194304 bytes" in result.stderr


def test_bomb_and_the_configured_size(bed):
    bed.write(CONF, "[Pull]\nMaxLayerSize=100M\n")
    try:
        result = bed.sysconsctl("pull", f"{IMAGES}:bomb", check=False)
        assert result.returncode != 0 and "MaxLayerSize=" in result.stderr
    finally:
        bed.run(["rm", CONF])


@pytest.fixture
def small_disk(bed):
    """A file system of 150 MB and 4,000 inodes for everything."""
    place = "/var/lib/containers/small"
    bed.run(f"mkdir {place} && mount -t tmpfs -o size=150m,nr_inodes=4000 tmpfs {place}")
    bed.write(CONF, f"[Storage]\nCheckoutPath={place}\n")
    bed.systemctl("restart", "sysconsd")
    yield place
    bed.run(["rm", CONF])
    bed.systemctl("restart", "sysconsd")
    bed.run(f"umount {place} && rmdir {place}")


def test_bomb_and_the_disk(bed, small_disk):
    """What the repository wants kept free (3 %) stays free, and all else comes back."""
    least = []
    while not least or min(least) >= 50 * 2**20:
        assert len(least) < 5  # who watches may not come to see it at first: he needs a processor for that
        bed.run(["systemd-run", "-q", "--unit=watch-disk", "-p", "StandardOutput=truncate:/run/watch-disk", "sh", "-c",
                 f"while :; do stat -f -c %f {small_disk}; sleep 0.01; done"])
        try:
            result = bed.sysconsctl("pull", f"{IMAGES}:bomb", check=False)
        finally:
            bed.systemctl("stop", "watch-disk")
        assert result.returncode == 1 and "No space is left: the repository keeps 4 MB free" in result.stderr
        least.append(min(int(line) * 4096 for line in bed.read("/run/watch-disk").split()))
    # a batch may be under way while the space is looked at
    assert min(least) > 150 * 2**20 * 0.03 - 4 * 2**20
    assert int(bed.output(f"stat -f -c %f {small_disk}")) * 4096 > 140 * 2**20
    result = bed.sysconsctl("pull", f"{IMAGES}:inodes", check=False)
    assert result.returncode == 1 and "inodes" in result.stderr
    assert int(bed.output(f"stat -f -c %d {small_disk}")) > 3500


def test_tame(bed):
    """What is odd, but does no harm, becomes what a reader of tars sees; on the host nothing is touched."""
    shadow = bed.output("stat -c '%h %i %Y' /etc/shadow /etc/passwd; ls /etc")
    name = "localhost:5000/hello:tame"
    bed.sysconsctl("pull", name)
    plan = json.loads(bed.sysconsctl("plan", "install", "--json", "--set=PORT=8082", name).stdout)
    privileged = {file["path"]: file for file in plan["privileged_files"]}
    assert privileged["/t/setuid"]["mode"] == "4755" and privileged["/t/capable"]["capabilities"]
    bed.sysconsctl("install", "--set=PORT=8082", "--start", name)
    try:
        bed.wait_http(8082)
        top = f"{CHECKOUT}/hello-tame.0/rootfs/t"
        assert bed.output(f"cd {top} && cat absolute dotted twice becomes-file pax-size") == "12seconda file12345"
        assert bed.output(f"cd {top} && readlink shadow also-shadow").split() == ["/etc/shadow", "/etc/shadow"]
        assert bed.output(f"find {top} -mindepth 1 ! -type f ! -type d ! -type l") == ""
        assert bed.output(f"find {top} -path '{top}/null*' -o -path {top}/disk -o -path {top}/fifo") == ""
        for file in "sparse00", "sparse01", "sparse10":
            assert bed.output(f"sha256sum {top}/{file}").split()[0] == hostile.sha256(SPARSE_CONTENT).removeprefix("sha256:")
        assert set(bed.output(f"cd {top} && stat -c %Y late early octal").split()) == {"0"}
        assert bed.output(f"stat -c %a {top}/setuid") == "4755"
        xattrs = bed.output(["python3", "-c", "import os, sys\nfor f in sys.argv[1:]: print({n: os.getxattr(f, n) for n in sorted(os.listxattr(f))})",
                             f"{top}/capable", f"{top}/attributes"]).splitlines()
        assert xattrs == [str({"security.capability": CAPABILITY}), str({"user.note": b"kept"})]
        assert bed.output(f"find {top} -name f -printf '%s'") == "4"
        # whiteouts
        assert bed.output(f"find {top} -mindepth 1 -maxdepth 1 -name '*wh*'") == ""
        assert bed.output(f"find {top} -path {top}/gone -o -path {top}/opaque/old") == ""
        assert bed.output(f"cd {top} && cat stays opaque/new ../etc/hello-version").split() == ["111"]
        # across layers
        assert bed.output(f"cd {top} && stat -c %F out out-folder").split("\n") == ["directory"] * 2
        assert bed.output(f"cat {top}/out/wicked {top}/out-folder/wicked") == WICKED * 2
        assert bed.output("stat -c '%h %i %Y' /etc/shadow /etc/passwd; ls /etc") == shadow
    finally:
        bed.sysconsctl("uninstall", "hello-tame")
        bed.sysconsctl("delete-image", "--force", name)
    wait_until(lambda: bed.output(f"find {CHECKOUT} -maxdepth 1 -name 'hello*'") == "")


PEAK = """
import json, resource, subprocess, sys
request = {"operation": "pull", "subject": sys.argv[1]}
done = subprocess.run(["/usr/libexec/sysconsd-worker", "--request", json.dumps(request)], stdout=subprocess.DEVNULL)
print(done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
"""


def test_a_million_entries(bed):
    """Files without content in a thousand folders: nothing but names. What they cost in memory is bounded."""
    status, peak = map(int, bed.output(["python3", "-c", PEAK, f"{IMAGES}:million"], timeout=120).split()[-2:])
    # MB; the sanitizers want some, too
    sanitized = bed.run("ldd /usr/libexec/sysconsd-worker | grep -q libasan", check=False).returncode == 0
    assert status == 0 and peak < (1600 if sanitized else 400), (status, peak)
    wait_until(lambda: f"{IMAGES}:million" in names(bed))
    bed.sysconsctl("delete-image", "--force", f"{IMAGES}:million")
