# SPDX-License-Identifier: LGPL-2.1-or-later
"""Images: pulls that break off, names, damage and its repair, lists."""

import json
import re
import subprocess
import tempfile
import time

import pytest
from bed import CHECKOUT, REGISTRY, wait_until
from sysconsbus import ROOT, Refused, call, options, wait_done
from sysconsbus import image as image_path

HELLO = "localhost:5000/hello"
ETCD = "localhost:5000/etcd"
REPO = f"{CHECKOUT}/.storage/ostree"
REFS = f"{REPO}/refs/heads/ociimage"
INTENTS = f"{REPO}/extensions/sysconsd/pull"
FAILPOINT = "/run/sysconsd/failpoint"
CONF = "/etc/sysconsd.conf.d/60-images.conf"


def rule(condition, user="alice"):
    return f'polkit.addRule(function(action, subject) {{ if (subject.user == "{user}" && {condition}) return polkit.Result.YES; }});\n'


def images(bed):
    return json.loads(bed.sysconsctl("images", "--json").stdout)


def image(bed, name):
    return next(i for i in images(bed) if name in i["names"])


def names(bed):
    return sorted(name for i in images(bed) for name in i["names"])


def drop_images(bed):
    for each in names(bed):
        bed.sysconsctl("delete-image", "--force", each)
    bed.sysconsctl("prune")


def layer_refs(bed):
    """The refs of layers and configurations, by the disk."""
    return {ref for ref in bed.output(["ls", REFS]).split() if re.fullmatch("[0-9a-f]{64}", ref)}


def pulled_layers(output):
    return re.findall(r"^Pulling layer ([0-9a-f]{64})$", output, re.M)


@pytest.fixture
def clean(bed):
    """No image at all, before and after."""
    bed.sysconsctl("pull", HELLO)  # so that there is a repository
    drop_images(bed)
    assert layer_refs(bed) == set()
    yield bed
    bed.run(["rm", "-f", FAILPOINT, CONF])
    drop_images(bed)


# ---- pulls that break off


def test_prune_keeps_what_a_killed_pull_has_imported(clean):
    bed = clean
    bed.write(CONF, "[Pull]\nParallelLayers=1\n")  # one after the other
    bed.write(FAILPOINT, "pull-layer#2 kill\n")
    first = bed.sysconsctl("pull", ETCD, check=False)
    assert first.returncode == 1 and names(bed) == []
    there = layer_refs(bed)
    assert len(there) >= 2
    assert len(bed.output(["ls", INTENTS]).split()) == 1
    bed.sysconsctl("prune")
    assert layer_refs(bed) == there

    second = pulled_layers(bed.sysconsctl("pull", ETCD).stdout)
    assert second and there.isdisjoint(second)
    assert bed.output(["ls", INTENTS]) == ""
    assert set(layer_refs(bed)) == there | set(second) | {image(bed, ETCD + ":latest")["id"]}


def test_a_week_later_nobody_will_try_again(clean):
    bed = clean
    bed.write(FAILPOINT, "pull-layer#1 kill\n")
    bed.sysconsctl("pull", ETCD, check=False)
    assert layer_refs(bed)
    name = bed.output(["ls", INTENTS])
    record = json.loads(bed.read(f"{INTENTS}/{name}"))
    record["time"] -= 8 * 24 * 3600
    bed.write(f"{INTENTS}/{name}", json.dumps(record))
    bed.sysconsctl("prune")
    assert layer_refs(bed) == set() and bed.output(["ls", INTENTS]) == ""


@pytest.mark.parametrize("step", ["pull-publish", "pull-intent-gone"])
def test_pull_killed_at_its_end(clean, step):
    bed = clean
    bed.write(FAILPOINT, f"{step} kill\n")
    assert bed.sysconsctl("pull", HELLO, check=False).returncode == 1
    assert names(bed) == ([HELLO + ":latest"] if step == "pull-intent-gone" else [])
    bed.sysconsctl("prune")
    assert pulled_layers(bed.sysconsctl("pull", HELLO).stdout) == []
    assert names(bed) == [HELLO + ":latest"]
    assert bed.output(["ls", INTENTS]) == ""
    bed.run(["ostree", "fsck", f"--repo={REPO}", "-q"])


def test_layers_that_filled_the_disk_are_in_nobodys_way(clean):
    bed = clean
    bed.write(FAILPOINT, "pull-layer#2 enospc\n")
    assert "No space" in bed.sysconsctl("pull", ETCD, check=False).stderr
    bed.run(["rm", "-f", FAILPOINT])
    bed.sysconsctl("prune")
    assert layer_refs(bed) == set()


def test_update_takes_what_its_own_pull_has_found(clean):
    """Somebody pulls a newer one before the second half of the update has begun."""
    bed = clean
    bed.sysconsctl("pull", HELLO)
    bed.sysconsctl("install", "--set=PORT=8082", "--start", HELLO)
    bed.push("hello:latest=hello:2")
    bed.run(["systemd-run", "-q", "--unit=holder", "flock", f"{CHECKOUT}/.sysconsd/lock/hello", "sleep", "infinity"])
    try:
        wait_until(lambda: bed.run(["flock", "-n", f"{CHECKOUT}/.sysconsd/lock/hello", "true"], check=False).returncode)
        job = json.loads(bed.sysconsctl("update", "--no-wait", "--json", "hello").stdout)
        # It is there, and waits, while the pull still goes on.
        wait_until(lambda: bed.is_active(f"sysconsd-job-{job['job']}.service") and not bed.is_active(f"sysconsd-job-{job['job']}-pull.service"))
        found = image(bed, HELLO + ":latest")["id"]
        bed.push("hello:latest=hello:1")
        bed.sysconsctl("pull", HELLO)
        assert image(bed, HELLO + ":latest")["id"] != found
    finally:
        bed.systemctl("stop", "holder")
    bed.sysconsctl("wait", str(job["job"]))
    assert json.loads(bed.sysconsctl("show", "--json", "hello").stdout)["image_id"] == found
    assert "this is version 2" in bed.wait_http(8082)


# ---- names


@pytest.fixture
def two(clean):
    """hello:1 and hello:2, one name each."""
    clean.push("hello:1", "hello:2")
    clean.sysconsctl("pull", HELLO + ":1", HELLO + ":2")
    return clean


def commit(bed, name):
    ref = "".join(c if re.match(r"[A-Za-z0-9.-]", c) else f"_{ord(c):02X}" for c in name)
    return bed.read(f"{REFS}/{ref}").strip()


def test_a_tag_is_only_a_ref(two):
    bed = two
    bed.sysconsctl("tag", HELLO + ":1", "mine")
    assert commit(bed, "mine:latest") == commit(bed, HELLO + ":1")
    one = image(bed, "mine:latest")
    assert one["names"] == [HELLO + ":1", "mine:latest"]
    assert one["sources"] == {HELLO + ":1": "registry", "mine:latest": f"tag:{HELLO}:1"}
    # again is no harm, another image is
    bed.sysconsctl("tag", HELLO + ":1", "mine")
    refusal = bed.sysconsctl("tag", HELLO + ":2", "mine", check=False)
    assert refusal.returncode == 1 and "mine:latest means another image" in refusal.stderr
    bed.write(FAILPOINT, "tag kill\n")
    assert bed.sysconsctl("tag", "--replace", HELLO + ":2", "mine", check=False).returncode == 1
    assert commit(bed, "mine:latest") == commit(bed, HELLO + ":1")
    bed.sysconsctl("tag", "--replace", HELLO + ":2", "mine")
    assert commit(bed, "mine:latest") == commit(bed, HELLO + ":2")
    # a tag of a tag came from where the first did
    bed.sysconsctl("tag", "mine", "ours:1")
    assert image(bed, "ours:1")["sources"]["ours:1"] == f"tag:{HELLO}:2"
    for wrong in "mine@sha256:" + "0" * 64, "http:mine", "", "UPPER":
        assert bed.sysconsctl("tag", HELLO + ":1", wrong, check=False).returncode != 0
    bed.sysconsctl("delete-image", HELLO + ":2")
    assert image(bed, "ours:1")["names"] == ["mine:latest", "ours:1"]


def test_a_pull_makes_a_tag_a_name_of_its_own(two):
    bed = two
    bed.sysconsctl("tag", HELLO + ":1", HELLO)
    assert image(bed, HELLO + ":1")["sources"][HELLO + ":latest"] == f"tag:{HELLO}:1"
    bed.sysconsctl("pull", HELLO)
    assert image(bed, HELLO + ":1")["sources"][HELLO + ":latest"] == "registry"
    # which it stays, where the same name is given again
    bed.sysconsctl("tag", HELLO + ":1", HELLO)
    assert image(bed, HELLO + ":1")["sources"][HELLO + ":latest"] == "registry"


def test_update_by_a_name_of_this_host(two):
    bed = two
    bed.sysconsctl("tag", HELLO + ":1", "mine")
    bed.sysconsctl("install", "--set=PORT=8082", "--start", "mine")
    bed.wait_http(8082)
    assert "Latest version already installed." in bed.sysconsctl("update", "mine").stdout
    bed.sysconsctl("tag", "--replace", HELLO + ":2", "mine")
    bed.sysconsctl("update", "mine")
    assert "this is version 2" in bed.wait_http(8082)


def test_who_may_tag(two):
    bed = two
    one, other = image(bed, HELLO + ":1"), image(bed, HELLO + ":2")
    bed.sysconsctl("install", "--set=PORT=8082", HELLO + ":1")

    def tag(identity, name, **values):
        return call(bed, image_path(identity), "Image", "Tag", "sa{sv}", name, *options(values), user="alice")

    def refused(identity, name, action, **values):
        with pytest.raises(Refused) as refusal:
            tag(identity, name, **values)
        assert refusal.value.error == "InteractiveAuthorizationRequired" and f"org.sysconsd1.{action})" in refusal.value.message

    refused(one["id"], "alices", "manage-images")
    bed.polkit_rules(rule('action.id == "org.sysconsd1.manage-images" && action.lookup("image") != "bobs:latest"'))
    wait_done(bed, tag(one["id"], "alices")[0])
    refused(one["id"], "bobs", "manage-images")
    # of the same repository it came from
    wait_done(bed, tag(other["id"], HELLO + ":newest")[0])
    # what says that it came from elsewhere
    refused(one["id"], "docker.io/library/etcd", "import")
    refused(one["id"], "localhost:5000/etcd", "import")
    # what root runs at the next update
    refused(other["id"], HELLO + ":1", "configure", replace="yes")
    assert image(bed, HELLO + ":1")["id"] == one["id"]


def test_install_by_digest_is_of_the_container_that_was_authorized(two):
    """The repository knows the image by another name than the caller: polkit, the queue and the worker have the same idea of it."""
    bed = two
    digest = image(bed, HELLO + ":1")["digest"]
    bed.polkit_rules(rule('action.id == "org.sysconsd1.install" && /^hello(-1)?$/.test(action.lookup("container"))'))
    bed.sysconsctl("install", "--pull=never", f"{HELLO}@{digest}", user="alice")
    assert bed.containers() == ["hello"]
    bed.sysconsctl("uninstall", "hello")
    bed.sysconsctl("install", "--pull=never", image(bed, HELLO + ":1")["id"][:20], user="alice")
    assert bed.containers() == ["hello-1"]
    bed.sysconsctl("uninstall", "hello-1")


def test_delete_by_digest_and_id(two):
    bed = two
    bed.sysconsctl("tag", HELLO + ":1", "mine")
    bed.sysconsctl("tag", HELLO + ":1", HELLO + ":same")
    one = image(bed, HELLO + ":1")
    for wrong in f"{HELLO}@sha256:{'0' * 64}", f"sha256:{'0' * 64}", f"other@{one['digest']}", f"{HELLO}:2@{one['digest']}":
        assert bed.sysconsctl("delete-image", wrong, check=False).returncode == 3, wrong
    assert json.loads(bed.sysconsctl("show", "--type=image", "--json", f"{HELLO}@{one['digest']}").stdout)["id"] == one["id"]
    # all names of that repository
    bed.sysconsctl("delete-image", f"{HELLO}@{one['digest']}")
    assert names(bed) == [HELLO + ":2", "mine:latest"]
    bed.sysconsctl("pull", HELLO + ":1")
    bed.sysconsctl("delete-image", one["digest"])
    assert names(bed) == [HELLO + ":2"]
    bed.sysconsctl("pull", HELLO + ":1")
    bed.sysconsctl("tag", HELLO + ":1", "mine")
    bed.sysconsctl("delete-image", one["id"][:12])
    assert names(bed) == [HELLO + ":2"]


def test_an_image_in_use_stays(two):
    bed = two
    bed.sysconsctl("tag", HELLO + ":1", "mine")
    bed.sysconsctl("install", "--set=PORT=8082", HELLO + ":1")
    one = image(bed, HELLO + ":1")
    for name in HELLO + ":1", one["id"][:12], one["digest"], f"{HELLO}@{one['digest']}":
        refusal = bed.sysconsctl("delete-image", name, check=False)
        assert refusal.returncode == 1 and "is used by" in refusal.stderr
    bed.sysconsctl("delete-image", "mine")
    assert image(bed, HELLO + ":1")["names"] == [HELLO + ":1"]
    bed.sysconsctl("delete-image", "--force", one["id"][:12])
    assert names(bed) == [HELLO + ":2"]


def test_a_prefix_of_several_is_no_id(two):
    bed = two
    bed.sysconsctl("pull", ETCD)
    ids = [i["id"] for i in images(bed)]
    short = bed.sysconsctl("delete-image", ids[0][:3], check=False)
    assert short.returncode == 3
    without_registry = bed.sysconsctl("delete-image", "hello:2", check=False)
    assert without_registry.returncode == 3 and f"did you mean {HELLO}:2?" in without_registry.stderr
    assert len(names(bed)) == 3


@pytest.mark.parametrize("step", ["prune-ref#2", "prune-objects"])
def test_prune_killed(two, step):
    """What images hold is whole, and the next one takes what is left."""
    bed = two
    kept = image(bed, HELLO + ":2")
    bed.sysconsctl("delete-image", HELLO + ":1")
    bed.write(FAILPOINT, f"{step} kill\n")
    assert bed.sysconsctl("prune", check=False).returncode == 1
    assert "is whole" in bed.sysconsctl("verify", HELLO + ":2").stdout
    bed.sysconsctl("prune")
    assert layer_refs(bed) == {layer.removeprefix("sha256:") for layer in kept["layers"]} | {kept["id"]}
    assert "is whole" in bed.sysconsctl("verify", HELLO + ":2").stdout
    bed.run(["ostree", "fsck", "--quiet", f"--repo={REPO}"], timeout=120)


# ---- lists


def test_layers_are_listed_whoever_holds_them(two):
    bed = two
    one, other = image(bed, HELLO + ":1"), image(bed, HELLO + ":2")
    listed = call(bed, ROOT, "Manager", "ListLayers", user="alice")[0]
    assert {digest.removeprefix("sha256:") for digest, *_ in listed} == layer_refs(bed)
    holders = {digest: ids for digest, _, _, ids in listed}
    shared, own = set(one["layers"]) & set(other["layers"]), set(one["layers"]) - set(other["layers"])
    assert shared and own
    assert all(holders[layer] == sorted([one["id"], other["id"]]) for layer in shared)
    assert all(holders[layer] == [one["id"]] for layer in own) and holders[f"sha256:{one['id']}"] == [one["id"]]
    assert all(imported > 1_700_000_000 and size > 0 for _, imported, size, _ in listed)

    def layers(*arguments):
        return {i["digest"] for i in json.loads(bed.sysconsctl("images", "--json", "--all", *arguments).stdout) if "images" in i}
    assert layers() == set(one["layers"]) | set(other["layers"])
    assert layers("--filter=is_dangling=true") == set()
    # the last name goes, and with it who held them
    bed.sysconsctl("delete-image", HELLO + ":1")
    wait_until(lambda: layers("--filter=is_dangling=true") == own | {f"sha256:{one['id']}"})
    table = bed.sysconsctl("images", "--all", "--no-heading").stdout
    digits = next(iter(own)).removeprefix("sha256:")[:12]
    assert re.search(rf"^\* +<none> +<none> +{digits} ", table, re.M) and len(table.splitlines()) == 1 + len(listed) - 1
    atomic = bed.run(["atomic", "images", "list", "-a", "-n", "-f", "dangling=true"]).stdout
    assert digits in atomic and len(atomic.splitlines()) == len(own) + 1
    bed.sysconsctl("prune")
    assert layers() == set(other["layers"])


@pytest.mark.parametrize("filters,tags", [
    (["repo=localhost:5000/*"], {"1", "2"}), (["repo=localhost:5000/other"], set()), (["tag=2"], {"2"}), (["TAG=1", "type=ostree"], {"1"}),
    (["type=docker"], set()), (["is_dangling=yes"], set()), (["is_dangling=false", "tag=1"], {"1"}),
])
def test_filters_of_the_atomic_command(two, filters, tags):
    found = json.loads(two.sysconsctl("images", "--json", *[f"--filter={each}" for each in filters]).stdout)
    assert {name.rsplit(":", 1)[1] for i in found for name in i["names"]} == tags
    assert all("repo" not in i for i in found)


def test_filter_by_short_id(two):
    one = image(two, HELLO + ":1")
    for pattern in (one["id"], one["id"][:12], one["id"][:6] + "*"):
        assert two.sysconsctl("images", "--quiet", f"--filter=image={pattern}").stdout.split() == [one["id"][:12]]


# ---- damage


VERSION = "rootfs/etc/hello-version"


@pytest.fixture
def hello(clean):
    """hello:1, and two containers of it, which share its files."""
    clean.sysconsctl("pull", HELLO)
    clean.sysconsctl("install", "--set=PORT=8082", HELLO)
    clean.sysconsctl("install", "--name=other", "--set=PORT=8083", HELLO)
    yield clean
    clean.run(["rm", "-f", FAILPOINT])


def verify(bed, *arguments):
    """The job's outcome; what was said in between is in "said"."""
    result = bed.sysconsctl("verify", "--json", *arguments, check=False)
    outcome = json.loads(result.stdout)
    return {**outcome, "said": result.stderr, "returncode": result.returncode}


def damage(bed, path):
    """Writes through a link, as an editor in a container would."""
    bed.run(["sh", "-c", 'printf "%s" "tampered" | dd of="$1" conv=notrunc status=none', "sh", path])


def tampered(bed, path):
    return "tampered" in bed.read(path)


def object_of(bed, layer, path):
    """The place of a file of a layer in objects/, by ostree."""
    line = bed.output(["ostree", "ls", f"--repo={REPO}", "-C", f"ociimage/{layer}", "/" + path])
    checksum = re.search(r"\b([0-9a-f]{64})\b", line)[1]
    return f"{REPO}/objects/{checksum[:2]}/{checksum[2:]}.file"


def layers_of(bed, name):
    return [layer.removeprefix("sha256:") for layer in image(bed, name)["layers"]]


def blob_requests(bed, after):
    return set(re.findall(r'"GET /v2/\S+/blobs/sha256:([0-9a-f]{64})', bed.journal(after=after)))


def test_a_whole_image(hello):
    outcome = verify(hello, HELLO)
    assert outcome["returncode"] == 0 and outcome["details"]["damaged"] == "0" and int(outcome["details"]["files"]) > 5
    assert int(outcome["details"]["bytes"]) > 500_000


def test_a_changed_file_is_named_and_repaired(hello):
    bed = hello
    damage(bed, f"{CHECKOUT}/hello.0/{VERSION}")
    assert tampered(bed, f"{CHECKOUT}/other.0/{VERSION}")
    outcome = verify(bed, HELLO)
    details = outcome["details"]
    assert outcome["returncode"] == 1 and details["error-name"] == "org.sysconsd1.Error.VerifyFailed"
    assert re.fullmatch(r"sha256:[0-9a-f]{64}: /etc/hello-version is changed", details["damaged-files"])
    assert details["containers"] == "hello\nother" and details["damaged"] == "1"
    layer = details["damaged-layers"].removeprefix("sha256:")

    before = bed.cursor()
    outcome = verify(bed, "--repair", HELLO)
    assert outcome["returncode"] == 0 and outcome["details"]["repaired"] == "yes"
    wait_until(lambda: blob_requests(bed, before))
    assert blob_requests(bed, before) == {layer}  # and nothing else was fetched
    for container in "hello", "other":
        assert not tampered(bed, f"{CHECKOUT}/{container}.0/{VERSION}")
    assert bed.output(f"stat -c %h {object_of(bed, layer, 'etc/hello-version')}") == "3"
    assert verify(bed, HELLO)["returncode"] == 0
    bed.run(["ostree", "fsck", f"--repo={REPO}", "-q"])


def test_other_properties_count_too(hello):
    bed = hello
    path = f"{CHECKOUT}/hello.0/{VERSION}"
    for spoil, mend in ("chmod 4755", "chmod 644"), ("chown 7", "chown 0"), ("setfattr -n user.evil -v x", "setfattr -x user.evil"):
        bed.run(f"{spoil} {path}")
        assert "/etc/hello-version is changed" in verify(bed, HELLO)["details"]["damaged-files"], spoil
        bed.run(f"{mend} {path}")
        assert verify(bed, HELLO)["returncode"] == 0, mend


def test_whatever_is_damaged_is_named_and_repaired(hello):
    """Files, trees, commits, refs, configuration, manifest: changed and missing."""
    bed = hello
    one, *_ = layers_of(bed, HELLO + ":latest")
    identity = image(bed, HELLO + ":latest")["id"]

    def rev(ref):
        return bed.output(["ostree", "rev-parse", f"--repo={REPO}", ref])

    def place(checksum, kind):
        return f"{REPO}/objects/{checksum[:2]}/{checksum[2:]}.{kind}"

    def spoil(path):
        bed.run(["sh", "-c", 'cp "$1" "$1.new" && printf X >>"$1.new" && mv "$1.new" "$1"', "sh", path])

    def described(ref):
        return bed.output(["ostree", "show", f"--repo={REPO}", "--print-metadata-key=sysconsd.image", ref])

    def tree(ref):
        return re.search(r"\b([0-9a-f]{64}) ([0-9a-f]{64})", bed.output(["ostree", "ls", f"--repo={REPO}", "-C", "-d", ref, "/"]))

    def repaired(expected, cause):
        outcome = verify(bed, HELLO)
        assert outcome["returncode"] == 1 and re.search(expected, outcome["details"]["damaged-files"], re.M), (cause, outcome["details"])
        assert verify(bed, "--repair", HELLO)["returncode"] == 0, cause
        assert verify(bed, HELLO)["details"]["damaged"] == "0", cause
        bed.run(["ostree", "fsck", f"--repo={REPO}", "-q"])

    layer_ref = f"ociimage/{one}"
    first = bed.output(["ostree", "ls", f"--repo={REPO}", "-R", layer_ref, "/"]).splitlines()
    file = next(line.split()[-1] for line in first if line.startswith("-"))
    bed.run(["rm", object_of(bed, one, file.lstrip("/"))])
    repaired(f"^sha256:{one}: {file} is missing$", "missing file")
    contents, meta = tree(layer_ref).groups()
    bed.run(["rm", place(contents, "dirtree")])
    repaired(f"^sha256:{one} is missing$", "missing tree")
    spoil(place(contents, "dirtree"))
    repaired(f"^sha256:{one} is changed$", "changed tree")
    spoil(place(meta, "dirmeta"))
    repaired(r"^sha256:.* is changed$", "changed folder")
    time.sleep(1.1)  # a commit made anew has its own time
    spoil(place(rev(layer_ref), "commit"))
    repaired(f"^sha256:{one} is changed$", "changed commit")
    bed.run(["rm", f"{REFS}/{one}"])
    repaired(f"^sha256:{one} is missing$", "missing ref")
    bed.run(["cp", f"{REFS}/{layers_of(bed, HELLO + ':latest')[1]}", f"{REFS}/{one}"])
    repaired(f"^sha256:{one} is another one$", "another layer's ref")
    bed.run(["rm", f"{REFS}/{identity}"])
    repaired("^configuration is missing$", "missing configuration")
    damage(bed, object_of(bed, identity, "content"))
    repaired("^configuration: /content is changed$", "changed configuration")
    manifest = rev(f"ociimage/localhost_3A5000_2Fhello_3Alatest")
    checksum = re.search(r"\b([0-9a-f]{64})\b", bed.output(["ostree", "ls", f"--repo={REPO}", "-C", manifest, "/manifest.json"]))[1]
    before = described(manifest)
    damage(bed, place(checksum, "file"))
    repaired("^manifest: /manifest.json is changed$", "changed manifest")
    # by what is said there it is judged again
    assert described(rev("ociimage/localhost_3A5000_2Fhello_3Alatest")) == before
    bed.sysconsctl("prune")
    assert verify(bed, HELLO)["returncode"] == 0


@pytest.mark.parametrize("step", ["repair-keep", "repair-fetch", "repair-containers", "repair-forget"])
def test_repair_killed(hello, step):
    """Damage is known until it is mended, in containers, too."""
    bed = hello
    damage(bed, f"{CHECKOUT}/hello.0/{VERSION}")
    bed.write(FAILPOINT, f"{step} kill\n")
    assert verify(bed, "--repair", HELLO)["returncode"] == 1
    bed.sysconsctl("prune")
    outcome = verify(bed, HELLO)
    assert outcome["returncode"] == (0 if step == "repair-forget" else 1)
    if step == "repair-containers":
        assert outcome["details"]["damaged"] == "0" and outcome["details"]["containers"] == "hello\nother"
    assert verify(bed, "--repair", HELLO)["returncode"] == 0
    for container in "hello", "other":
        assert not tampered(bed, f"{CHECKOUT}/{container}.0/{VERSION}")
    assert bed.output(["ls", f"{REPO}/extensions/sysconsd/damaged"]) == ""


def test_no_repair_without_the_registry(hello):
    bed = hello
    damage(bed, f"{CHECKOUT}/hello.0/{VERSION}")
    bed.systemctl("stop", "docker-registry")
    try:
        outcome = verify(bed, "--repair", HELLO)
        assert outcome["returncode"] == 1 and outcome["details"]["error-name"] == "org.sysconsd1.Error.Network"
        assert outcome["details"]["damaged"] == "1"
        assert verify(bed, HELLO)["details"]["damaged"] == "1"
    finally:
        bed.start_registry()
    assert verify(bed, "--repair", HELLO)["returncode"] == 0


def test_is_a_newer_one_there(two):
    """Under the image's own tag: that another tag means another image says nothing."""
    bed = two
    assert verify(bed, "--newer", HELLO + ":1")["details"]["newer"] == "no"
    bed.sysconsctl("tag", HELLO + ":1", "mine")
    bed.push("hello:1=hello:2")
    newer = image(bed, HELLO + ":2")["digest"]
    for name in HELLO + ":1", "mine":
        outcome = verify(bed, "--newer", name)
        assert outcome["returncode"] == 0 and outcome["details"]["newer"] == newer and "A newer image is there" in outcome["said"]
    assert "newer" not in verify(bed, HELLO + ":1")["details"]
    bed.push("hello:1")


def test_who_may_verify(hello):
    bed = hello
    identity = image(bed, HELLO + ":latest")["id"]

    def ask(**values):
        return call(bed, image_path(identity), "Image", "Verify", "a{sv}", *options(values), user="alice")

    def refused(action, **values):
        with pytest.raises(Refused) as refusal:
            ask(**values)
        assert refusal.value.error == "InteractiveAuthorizationRequired" and f"org.sysconsd1.{action})" in refusal.value.message

    refused("manage-images")
    bed.polkit_rules(rule('action.id == "org.sysconsd1.manage-images"'))
    wait_done(bed, ask()[0])
    refused("pull", repair="yes")
    refused("pull", newer="ask")
    bed.polkit_rules(rule('(action.id == "org.sysconsd1.manage-images" || action.id == "org.sysconsd1.pull" && '
                          'action.lookup("operation") == "verify-online")'))
    damage(bed, f"{CHECKOUT}/hello.0/{VERSION}")
    wait_done(bed, ask(repair="yes", newer="ask")[0])
    assert not tampered(bed, f"{CHECKOUT}/other.0/{VERSION}")


# ---- what is told of them


def test_info_in_the_words_of_the_atomic_command(two):
    bed = two
    told = bed.sysconsctl("info", HELLO + ":2").stdout
    head, set_by_default = told.split("\n\nTemplate variables with default value, but overridable with --set:\n")
    assert head.startswith(f"Image Name: {HELLO}:2\n") and "version: 2" in head.splitlines()
    assert {"RUN_DIRECTORY: {SET_BY_OS}", "STATE_DIRECTORY: {SET_BY_OS}", "UUID: {SET_BY_OS}", "PORT: 8081"} <= set(set_by_default.splitlines())
    bed.push("settings:1")
    bed.sysconsctl("pull", "localhost:5000/settings:1")
    required = json.loads(bed.sysconsctl("info", "--json", "localhost:5000/settings:1").stdout)["required"]
    told = bed.sysconsctl("info", "localhost:5000/settings:1").stdout
    title = "\n\nTemplate variables that has no default value, and must be set with --set:\n"
    assert (title in told) == bool(required)
    assert not required or told.split(title)[1].splitlines() == [f"{name}: {{DEF_VALUE}}" for name in sorted(required)]


def test_version(two):
    bed = two
    bed.sysconsctl("tag", HELLO + ":1", "mine")
    one = image(bed, HELLO + ":1")
    told = json.loads(bed.sysconsctl("version", "--json", "mine").stdout)
    assert told == [{"name": "mine:latest", "id": one["id"], "version": one["labels"].get("version", ""), "digest": one["digest"]}]
    assert {entry["name"] for entry in json.loads(bed.sysconsctl("version", "--json", one["id"][:12]).stdout)} == {HELLO + ":1", "mine:latest"}
    assert one["id"][:12] in bed.sysconsctl("version", HELLO + ":1").stdout
    assert one["digest"] in bed.sysconsctl("version", "--no-trunc", HELLO + ":1").stdout
    assert bed.sysconsctl("version", "nothing", check=False).returncode == 3


def test_update_image(two):
    """Those that are newer are pulled, the others are not, and names that no registry knows are left alone."""
    bed = two
    bed.sysconsctl("tag", HELLO + ":2", "mine")
    bed.sysconsctl("tag", HELLO + ":2", HELLO + ":mine")
    digest = image(bed, HELLO + ":2")["digest"]
    bed.sysconsctl("pull", f"{HELLO}@{digest}")
    bed.push("hello:1=hello:2")
    said = bed.sysconsctl("update-image", "--all")
    said = said.stdout + said.stderr
    assert "mine:latest not fully qualified: skipping" in said
    assert f"{HELLO}:mine is a name given here to {HELLO}:2: skipping" in said
    assert f"{HELLO}@{digest} is named by its digest" in said
    assert image(bed, HELLO + ":1")["digest"] == digest and "failed" not in said
    bed.push("hello:1")
    bed.sysconsctl("update-image", HELLO + ":1")
    assert image(bed, HELLO + ":1")["digest"] != digest
    assert bed.sysconsctl("update-image", check=False).returncode == 2
    assert bed.sysconsctl("update-image", "--all", HELLO, check=False).returncode == 2


@pytest.fixture
def podman():
    """The machine's, with a storage of its own, which is gone afterwards. (It wants a short path.)"""
    with tempfile.TemporaryDirectory(prefix="sizes-", dir="/var/tmp") as folder:
        command = ["podman", "--root", f"{folder}/root", "--runroot", f"{folder}/run", "--storage-driver", "vfs"]
        yield command
        subprocess.run([*command, "rmi", "--all", "--force"], stdout=subprocess.DEVNULL, check=True)


@pytest.mark.parametrize("target", ["hello:1", "busybox:latest", "etcd:1"])
def test_sizes_agree_with_podman(clean, podman, target):
    bed = clean
    bed.push(target)
    bed._testbed("net", bed.name, *podman, "pull", "-q", "--tls-verify=false", f"{REGISTRY}/{target}")
    theirs = json.loads(subprocess.check_output([*podman, "images", "--format", "json"], text=True))[0]["Size"]
    bed.sysconsctl("pull", f"localhost:5000/{target}")
    ours = image(bed, f"localhost:5000/{target}")["virtual_size"]
    assert abs(ours - theirs) <= 0.04 * theirs, (ours, theirs)
    print(f"{target}: {ours} here, {theirs} by podman")
