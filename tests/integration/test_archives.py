# SPDX-License-Identifier: LGPL-2.1-or-later
"""Images from files: archives and layouts that skopeo and podman made, pulled, installed and started; hostile ones."""

import hashlib
import io
import json
import subprocess
import tarfile
import tempfile
from pathlib import Path

import pytest
from bed import TESTS, wait_until
from sysconsbus import ROOT, Refused, call, options, pull, wait_done

PLACE = "/var/tmp/archives"
SKOPEO = ["skopeo", "--insecure-policy", "copy", "-q"]
IMPORT_RULE = """polkit.addRule(function(action, subject) {
    polkit.log("asked: " + action.id + " " + action.lookup("image") + " " + action.lookup("source"));
    if (action.id == "org.sysconsd1.import" && subject.user == "alice" && action.lookup("source") == "archive") return polkit.Result.YES;
});
"""


@pytest.fixture(scope="module")
def files(session_bed, tmp_path_factory):
    """The folder in the test bed, seen from outside."""
    layout = subprocess.check_output([TESTS / "images" / "build"], text=True).strip()
    made = tmp_path_factory.mktemp("archives")
    out = made / "out"
    out.mkdir(mode=0o755)
    for version in "12":
        subprocess.run([*SKOPEO, f"oci:{layout}:hello:{version}", f"docker-archive:{out}/hello-{version}.tar:localhost/hello:v"], check=True)
    subprocess.run([*SKOPEO, f"oci:{layout}:hello:1", f"oci-archive:{out}/Web.tar:one"], check=True)
    subprocess.run([*SKOPEO, f"oci:{layout}:hello:2", f"oci:{out}/layout:localhost/layouts/hello:2"], check=True)
    with tempfile.TemporaryDirectory(prefix="podman.") as state:  # podman takes no long path for it
        podman = ["podman", "--root", made / "podman", "--runroot", state, "--storage-driver", "vfs"]
        subprocess.run([*podman, "load", "-q", "-i", out / "hello-2.tar"], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([*podman, "save", "-q", "-o", out / "podman.tar", "localhost/hello:v"], check=True)
    place = Path(f"/proc/{session_bed.pid()}/root{PLACE}")
    subprocess.run(["cp", "-r", out, place], check=True)
    subprocess.run(["chmod", "-R", "a+rX", place], check=True)
    yield place
    session_bed.run(["rm", "-rf", PLACE])


@pytest.fixture
def bed(bed, files):
    yield bed
    for image in images(bed):
        if not image.startswith("localhost:5000/"):
            bed.sysconsctl("delete-image", "--force", image)
    bed.sysconsctl("prune")


def images(bed):
    return {name: image for image in json.loads(bed.sysconsctl("images", "--json").stdout) for name in image["names"]}


def sources(bed, name):
    return json.loads(bed.sysconsctl("show", "--type=image", "--json", name).stdout)["sources"]


def fails(bed, *arguments, code=1, user=None, stdin=None):
    result = bed.sysconsctl(*arguments, check=False, user=user, stdin=stdin)
    assert result.returncode == code, result.stdout + result.stderr
    return result.stderr


def test_docker_archive_to_a_running_service(bed):
    """pull, install, start; a newer archive of the same name, update."""
    first = bed.sysconsctl("pull", f"docker-archive:{PLACE}/hello-1.tar").stdout
    assert first.startswith("Image localhost/hello:v is being pulled to ostree ...\nPulling layer ")
    assert bed.sysconsctl("pull", f"dockertar:{PLACE}/hello-1.tar:localhost/hello:v").stdout.count("\n") == 1
    assert sources(bed, "localhost/hello:v")["localhost/hello:v"] == "archive"
    bed.sysconsctl("install", "--start", "--name", "hello", "--set", "PORT=8090", "localhost/hello:v")
    old = bed.wait_http(8090)
    again = bed.sysconsctl("update", "hello").stdout
    assert "Latest version already installed." in again and "Image localhost/hello:v came from a file: there is no registry to ask" in again
    assert "came from a file" in fails(bed, "update", "--pull=always", "hello")
    assert "came from a file" in fails(bed, "verify", "--newer", "localhost/hello:v")
    assert "is whole" in bed.sysconsctl("verify", "localhost/hello:v").stdout

    # podman's archive of the same image is the same image
    bed.run(f"atomic pull --storage=ostree dockertar:{PLACE}/podman.tar")
    newer = images(bed)["localhost/hello:v"]["digest"]
    assert "Pulling layer" not in bed.sysconsctl("pull", f"docker-archive:{PLACE}/hello-2.tar").stdout
    assert images(bed)["localhost/hello:v"]["digest"] == newer
    bed.sysconsctl("update", "hello")
    assert bed.wait_http(8090) != old
    assert "has to be pulled first" in fails(bed, "install", f"docker-archive:{PLACE}/hello-1.tar")
    assert "has to be pulled first" in fails(bed, "update", "--rebase", f"docker-archive:{PLACE}/hello-1.tar", "hello")


def test_layouts_and_names(bed):
    bed.sysconsctl("pull", f"oci-archive:{PLACE}/Web.tar")
    bed.sysconsctl("pull", f"oci-layout:{PLACE}/layout:localhost/layouts/hello:2")
    bed.sysconsctl("pull", "--name", "mine.example/x", f"oci-layout:{PLACE}/layout")
    names = images(bed)
    assert names["web:one"]["layers"] and names["localhost/layouts/hello:2"]["id"] == names["mine.example/x:latest"]["id"]
    before = sorted(images(bed))
    plan = json.loads(bed.sysconsctl("plan", "--json", "pull", f"docker-archive:{PLACE}/hello-1.tar").stdout)
    assert plan["image"]["name"] == "localhost/hello:v" and plan["image"]["bytes_to_fetch"] > 0
    plan = json.loads(bed.sysconsctl("plan", "--json", "pull", f"oci-layout:{PLACE}/layout").stdout)
    assert plan["image"]["name"] == "localhost/layouts/hello:2" and plan["image"]["bytes_to_fetch"] == 0
    assert sorted(images(bed)) == before
    assert "there is: one" in fails(bed, "pull", f"oci-archive:{PLACE}/Web.tar:two", code=3)
    assert "there is: localhost/hello:v" in fails(bed, "pull", f"docker-archive:{PLACE}/hello-1.tar:none", code=3)
    assert "is a folder" in fails(bed, "pull", f"docker-archive:{PLACE}/layout", code=2)
    assert "No such file" in fails(bed, "pull", f"docker-archive:{PLACE}/none.tar", code=3)
    assert "--name is for" in fails(bed, "pull", "--name", "x", "localhost:5000/hello", code=2)


def test_through_a_pipe(bed):
    """It is written down where nobody sees it, and nothing of it stays."""
    bed.run(f"cat {PLACE}/hello-1.tar | sysconsctl pull --name piped docker-archive:-")
    bed.run(f"sysconsctl pull --name redirected docker-archive:- <{PLACE}/hello-1.tar")
    assert images(bed)["piped:latest"]["digest"] == images(bed)["redirected:latest"]["digest"]
    result = bed.run(f"head -c 1000000 {PLACE}/hello-1.tar | sysconsctl pull docker-archive:-", check=False)
    assert result.returncode == 1 and "truncated" in result.stderr
    assert "plan" in bed.run(f"cat {PLACE}/hello-1.tar | sysconsctl plan pull docker-archive:-", check=False).stderr
    bed.write("/etc/sysconsd.conf.d/50-archives.conf", "[Pull]\nMaxArchiveSize=1M\n")
    result = bed.run(f"cat {PLACE}/hello-1.tar | sysconsctl pull docker-archive:-", check=False)
    bed.run(["rm", "/etc/sysconsd.conf.d/50-archives.conf"])
    assert result.returncode == 1 and "MaxArchiveSize=" in result.stderr


def test_needs_no_network(bed):
    """The worker has none, while it waits for an archive that nobody writes."""
    command = [bed.program, "exec", bed.name, "sysconsctl", "pull", "--name", "never", "docker-archive:-"]
    client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        unit = wait_until(lambda: bed.output("systemctl list-units --plain --no-legend --state=active 'sysconsd-job-*' | cut -d' ' -f1"))
        shown = bed.output(["systemctl", "show", "--property=PrivateNetwork", "--property=RestrictAddressFamilies", unit]).splitlines()
        pid = bed.output(["systemctl", "show", "--property=MainPID", "--value", unit])
        networks = bed.output(["readlink", f"/proc/{pid}/ns/net", "/proc/1/ns/net"]).splitlines()
    finally:
        client.stdin.close()
        assert client.wait(60) == 1, client.stderr.read()
    assert sorted(shown) == ["PrivateNetwork=yes", "RestrictAddressFamilies=AF_UNIX"]
    assert networks[0] != networks[1]


def test_what_skopeo_reads(bed):
    """as who calls: it hands over what it reads"""
    bed.run([*SKOPEO, f"docker-archive:{PLACE}/hello-1.tar:localhost/hello:v", f"dir:{PLACE}/folder"])
    bed.run(["chmod", "700", f"{PLACE}/folder"])
    bed.sysconsctl("pull", f"dir:{PLACE}/folder")
    bed.sysconsctl("pull", "--name", "any", f"skopeo:oci-archive:{PLACE}/Web.tar:one")
    bed.sysconsctl("pull", f"docker-archive:{PLACE}/hello-1.tar")
    names = images(bed)
    assert names["folder:latest"]["layers"] == names["any:latest"]["layers"] == names["localhost/hello:v"]["layers"]
    assert sources(bed, "folder:latest")["folder:latest"] == "archive"
    # its own words, and no riddle of an archive that was none
    assert fails(bed, "pull", f"dir:{PLACE}/none", code=3) == f"sysconsctl: Cannot open {PLACE}/none: No such file or directory\n"
    bed.run(["mkdir", f"{PLACE}/empty"])
    for image in (f"dir:{PLACE}/empty", f"skopeo:oci-archive:{PLACE}/none.tar", f"tarball:{PLACE}/none.tar"):
        error = fails(bed, "pull", image)
        assert f"skopeo does not read {image.removeprefix('skopeo:')}; nothing was pulled" in error and "no such file" in error
        assert "The archive" not in error
    assert "TRANSPORT:DETAILS" in fails(bed, "pull", "skopeo:--help", code=2)
    bed.polkit_rules(IMPORT_RULE)
    assert "permission denied" in fails(bed, "pull", f"dir:{PLACE}/folder", user="alice")
    assert "skopeo" not in bed.output("ps -eo comm").split()
    with pytest.raises(Refused, match="sysconsctl pull"):
        pull(bed, f"dir:{PLACE}/folder")


def test_somebody_without_rights(bed):
    """Who may import hands his own files over, and nobody else's."""
    bed.run(f"install -o alice -m 600 {PLACE}/hello-1.tar /home/alice/own.tar; cp -r {PLACE}/layout /home/alice/own; chown -R alice /home/alice/own; "
            f"install -m 600 {PLACE}/hello-1.tar {PLACE}/secret.tar")
    assert "org.sysconsd1.import" in fails(bed, "--no-ask-password", "pull", "docker-archive:/home/alice/own.tar", user="alice", code=4)
    bed.polkit_rules(IMPORT_RULE)
    before = bed.cursor()
    bed.sysconsctl("pull", "docker-archive:/home/alice/own.tar", user="alice")
    bed.sysconsctl("pull", "--name", "alices", "docker-archive:/home/alice/own.tar", user="alice")
    assert {"localhost/hello:v", "alices:latest"} <= set(images(bed))
    bed.sysconsctl("pull", "oci-layout:/home/alice/own", user="alice")
    wait_until(lambda: "asked: org.sysconsd1.import undefined archive" in bed.journal(after=before))
    wait_until(lambda: "asked: org.sysconsd1.import alices:latest archive" in bed.journal(after=before))
    assert "Permission denied" in fails(bed, "pull", f"docker-archive:{PLACE}/secret.tar", user="alice")
    # a file of the layout that she may not read, or that is a link, does not become readable because root asks for it
    blob = bed.output("cd /home/alice/own/blobs/sha256 && ls -S | head -1")
    for image in images(bed):  # others may have left one with the same layers
        bed.sysconsctl("delete-image", "--force", image)
    bed.sysconsctl("prune")
    bed.run(f"chown root /home/alice/own/blobs/sha256/{blob}; chmod 600 /home/alice/own/blobs/sha256/{blob}")
    assert f"Cannot open blobs/sha256/{blob} of the layout: Permission denied" in fails(bed, "pull", "oci-layout:/home/alice/own", user="alice")
    bed.run(f"mv /home/alice/own/blobs/sha256/{blob} /home/alice/; ln -s {PLACE}/layout/blobs/sha256/{blob} /home/alice/own/blobs/sha256/")
    assert f"Cannot open blobs/sha256/{blob} of the layout" in fails(bed, "pull", "oci-layout:/home/alice/own", user="alice")
    # her own daemon asks nobody, and has her own repository
    bed.sysconsctl("--user", "pull", "docker-archive:/home/alice/own.tar", user="alice")
    assert "localhost/hello" in bed.sysconsctl("--user", "images", user="alice").stdout
    bed.run("rm -rf ~/own* ~/.local/share/containers", user="alice")


def test_paths_are_no_names_on_the_bus(bed):
    for name, error in [("docker-archive:", "InvalidArgument"), (f"docker-archive:{PLACE}/hello-1.tar", "InvalidReference"),
                        ("oci-layout:x", "InvalidArgument")]:
        with pytest.raises(Refused) as refusal:
            pull(bed, name)
        assert refusal.value.error == error
    with pytest.raises(Refused) as refusal:
        call(bed, ROOT, "Manager", "Pull", "sa{sv}", "localhost:5000/hello", *options({"name": "x"}))
    assert refusal.value.error == "InvalidArgument" and "file" in refusal.value.message


def tar_of(path, entries):
    with tarfile.open(path, "w") as tar:
        for name, content in entries:
            entry = tarfile.TarInfo(name)
            if isinstance(content, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, content
                tar.addfile(entry)
            else:
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))


def layer_of(*entries):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name in entries:
            tar.addfile(tarfile.TarInfo(name))
    return data.getvalue()


def archive_of(config_layers, layers, **more):
    config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [
        f"sha256:{hashlib.sha256(data).hexdigest()}" for data in config_layers]}, **more}).encode()
    names = [f"{i}/layer.tar" for i in range(len(layers))]
    listed = json.dumps([{"Config": "c.json", "RepoTags": ["evil:1"], "Layers": names}]).encode()
    return [*zip(names, layers), ("c.json", config), ("manifest.json", listed)]


def test_hostile_archives(bed, files):
    good, other, climbs = layer_of("a"), layer_of("b"), layer_of("../../etc/evil")
    cases = [
        ("another layer than the configuration says", archive_of([good], [other]), "damaged"),
        ("a layer that climbs", archive_of([climbs], [climbs]), "evil"),
        ("a link to the host", archive_of([good], ["/etc/shadow"]), "leads out of the archive"),
        ("a link that climbs", archive_of([good], ["../../../../etc/shadow"]), "leads out of the archive"),
        ("links in a circle", [*archive_of([good], ["../1"]), ("1", "0/layer.tar")], "circles"),
        ("an entry twice", [*archive_of([good], [good]), ("c.json", b"{}")], "twice"),
        ("a path that climbs", [*archive_of([good], [good]), ("../x", b"")], "leads out of it"),
        ("a layer missing", archive_of([good, other], [good]), "1 layers"),
        ("a configuration of 9 MB", archive_of([good], [good], x="y" * 9_000_000), "is the limit"),
        ("a deep manifest", [("manifest.json", b"[" * 100000)], "nested deeper"),
        ("no archive", [], "no archive of `docker save`"),
    ]
    before = images(bed)
    for what, entries, text in cases:
        tar_of(files / "evil.tar", entries)
        problem = fails(bed, "pull", f"docker-archive:{PLACE}/evil.tar")
        assert text in problem, f"{what}: {problem}"
    whole = (files / "hello-1.tar").read_bytes()
    (files / "evil.tar").write_bytes(whole[:len(whole) // 2])
    assert "truncated" in fails(bed, "pull", f"docker-archive:{PLACE}/evil.tar")
    subprocess.run(["gzip", "-kf", files / "hello-1.tar"], check=True)
    assert "compressed (gzip)" in fails(bed, "pull", f"docker-archive:{PLACE}/hello-1.tar.gz")
    assert images(bed) == before and not bed.exists("/etc/evil")


def test_nobody_waits_for_ever(bed):
    """A pipe that nobody writes to: the job can be cancelled."""
    bed.run("systemd-run -q --unit=silent --collect sh -c 'sleep 600 | sysconsctl pull docker-archive:-'")
    job = wait_until(lambda: [job["job"] for job in json.loads(bed.sysconsctl("jobs", "--json").stdout)
                              if job["state"] == "running" and job["phase"] == "Receiving"])
    bed.sysconsctl("cancel", str(job[0]), check=False)
    wait_until(lambda: json.loads(bed.sysconsctl("show", "--type=job", "--json", str(job[0])).stdout)["state"] == "cancelled")
    bed.systemctl("stop", "silent", check=False)
    wait_done(bed, pull(bed, "localhost:5000/hello"))
