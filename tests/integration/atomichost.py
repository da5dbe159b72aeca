#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes a host look as the atomic command left it: images in an OSTree repository, containers, units, tmpfiles, host files.

Runs inside the test bed, with nothing of sysconsd: `ostree`, `tar`, `systemctl`, and the registry's plain HTTP. What the atomic command (and the
copy program below it) wrote is described in docs/from-atomic.md and the functions here. Takes one JSON document as its argument: a list of
[FUNCTION, {ARGUMENTS}].
"""

import base64
import hashlib
import json
import os
import shutil
import string
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid

CHECKOUT = "/var/lib/containers/atomic"
PREINSTALLED = "/usr/lib/containers/atomic"
REPOSITORY = CHECKOUT + "/.storage/ostree"
REGISTRY = "http://127.0.0.1:5000"
ACCEPT = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")
RUNTIME = "/bin/runc"
KEPT = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-")


def run(*command, **options):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **options).stdout.strip()


def ostree(*arguments):
    return run("ostree", "--repo=" + REPOSITORY, *arguments)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def make_repository(path=REPOSITORY):
    global REPOSITORY
    REPOSITORY = path
    if not os.path.exists(path + "/config"):
        os.makedirs(path, exist_ok=True)
        ostree("init", "--mode=bare")


# ---- images

def ref_of(name):
    """The tag is part of it; what a ref cannot hold is written as _XX."""
    return "ociimage/" + "".join(c if c in KEPT else "_%02X" % ord(c) for c in name.removeprefix("oci:"))


def fetch(path, *accept):
    request = urllib.request.Request(REGISTRY + path, headers={"Accept": ", ".join(accept)} if accept else {})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read()


def commit(ref, tree, **metadata):
    """metadata: docker_manifest=... stands for docker.manifest."""
    return ostree("commit", "--branch=" + ref, "--tree=dir=" + tree, "--subject=", *(f"--add-metadata-string={key.replace('_', '.', 1)}={value}"
                                                                                   for key, value in metadata.items()))


def store_layer(digest, blob, old=False):
    """A layer was unpacked, rid of what is no file, and committed; whiteouts stay files there."""
    with tempfile.TemporaryDirectory(dir=CHECKOUT, prefix=".") as folder:
        tree = folder + "/tree"
        os.mkdir(tree, 0o755)
        subprocess.run(["tar", "-xz", "--numeric-owner", "--same-owner", "--same-permissions", "-C", tree], input=blob, check=True)
        run("find", tree, "(", "-type", "b", "-o", "-type", "c", "-o", "-type", "p", "-o", "-type", "s", ")", "-delete")
        if old:
            return commit("ociimage/" + digest, tree, docker_layer=digest)
        tar = subprocess.run(["gzip", "-dc"], input=blob, stdout=subprocess.PIPE, check=True).stdout
        return commit("ociimage/" + digest, tree, docker_size=len(blob), docker_uncompressed_size=len(tar),
                      docker_uncompressed_digest="sha256:" + sha256(tar), tarsplit_output="H4sIAAAAAAAA")


def store_files(ref, files, **metadata):
    with tempfile.TemporaryDirectory(dir=CHECKOUT, prefix=".") as folder:
        tree = folder + "/tree"
        os.mkdir(tree, 0o755)
        for name, data in files.items():
            with open(os.path.join(tree, name), "wb") as out:
                out.write(data)
        return commit(ref, tree, **metadata)


def store_file(ref, name, data, **metadata):
    return store_files(ref, {name: data} if name else {}, **metadata)


def pull(image, name=None, form="last", signatures=()):
    """image: REPOSITORY:TAG in the registry; name: as the user said it; signatures: those that came with it, in base64. form: "last" (what the last versions stored), "no-digest" (a bit earlier),
    "schema1" (a manifest of that kind), "inspect" (the first versions), "archive" (those, from an archive)."""
    os.makedirs(CHECKOUT, exist_ok=True)
    repository, tag = image.rsplit(":", 1)
    manifest = fetch(f"/v2/{repository}/manifests/{tag}", *ACCEPT)
    parsed = json.loads(manifest)
    layers = [layer["digest"].removeprefix("sha256:") for layer in parsed["layers"]]
    refs = set(ostree("refs").split())
    for layer in layers:
        if "ociimage/" + layer not in refs:
            store_layer(layer, fetch(f"/v2/{repository}/blobs/sha256:{layer}"), form in ("inspect", "archive"))
    config_digest = parsed["config"]["digest"].removeprefix("sha256:")
    config = fetch(f"/v2/{repository}/blobs/sha256:{config_digest}")
    digest = "sha256:" + sha256(manifest)
    labels = json.loads(config)["config"].get("Labels")
    ref = ref_of(name or "127.0.0.1:5000/" + image)
    if form in ("last", "no-digest"):
        store_file("ociimage/" + config_digest, "content", config, docker_size=len(config))
        more = {"docker_digest": digest} if form == "last" else {}
        files = {f"signature-{number}": base64.b64decode(text) for number, text in enumerate(signatures, 1)}
        return store_files(ref, {"manifest.json": manifest, **files}, docker_manifest=manifest.decode(), signatures=str(len(signatures)), **more)
    if form == "schema1":
        old = dict(json.loads(config), id="1" * 64)
        text = json.dumps({"schemaVersion": 1, "name": repository, "tag": tag, "architecture": old["architecture"],
                           "fsLayers": [{"blobSum": "sha256:" + layer} for layer in reversed(layers)],
                           "history": [{"v1Compatibility": json.dumps(old)}] + [{"v1Compatibility": "{}"}] * (len(layers) - 1)}, indent=3)
        return store_file(ref, "manifest.json", text.encode(), docker_manifest=text, signatures="0", docker_digest="sha256:" + sha256(text.encode()))
    if form == "inspect":
        text = json.dumps({"Name": repository, "Tag": tag, "Digest": digest, "RepoTags": [tag], "Labels": labels, "Architecture": "amd64", "Os": "linux",
                           "Layers": ["sha256:" + layer for layer in layers]})
    else:
        text = json.dumps({"Layers": layers, "Labels": labels})
    return store_file(ref, None, b"", docker_manifest=text)


def metadata(commit, key):
    """A string in a commit's metadata, or None."""
    result = subprocess.run(["ostree", "--repo=" + REPOSITORY, "show", "--print-metadata-key=" + key, commit], stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, text=True, check=False)
    if result.returncode:
        return None
    from_variant = result.stdout.strip()  # GVariant's text form: quoted as Python quotes
    import ast
    return ast.literal_eval(from_variant)


def layers_of(manifest):
    if "fsLayers" in manifest:
        return [entry["blobSum"] for entry in reversed(manifest["fsLayers"])]
    return [layer["digest"] for layer in manifest["layers"]] if "layers" in manifest else manifest["Layers"]


def image_id(commit, manifest):
    digest = metadata(commit, "docker.digest")
    return (digest or manifest.get("Digest") or manifest.get("config", {}).get("digest") or commit).removeprefix("sha256:")


# ---- containers

def capabilities():
    names = ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_KILL", "CAP_SYS_ADMIN"]
    return ",\n".join(f'"{name}"' for name in names) + "\n"


def values_for(name, destination, image, revision, given, defaults, detached):
    values = dict(given)
    for key, value in {"RUN_DIRECTORY": "/run", "PIDFILE": f"/run/container-{name}.pid", "CONF_DIRECTORY": "/etc", "STATE_DIRECTORY": "/var/lib",
                       "ALL_PROCESS_CAPABILITIES": capabilities(), "RUNTIME": RUNTIME, "ATOMIC": "/usr/bin/atomic"}.items():
        values.setdefault(key, value)
    for key, value in defaults.items():
        values.setdefault(key, value)
    values.setdefault("UUID", str(uuid.uuid4()))
    start = f"{RUNTIME}  --systemd-cgroup run -d --pid-file {values['PIDFILE']} '{name}'" if detached else f"{RUNTIME} --systemd-cgroup run '{name}'"
    values.update({"DESTDIR": destination, "NAME": name, "EXEC_START": start, "EXEC_STOP": "" if detached else f"{RUNTIME} --systemd-cgroup kill '{name}'",
                   "EXEC_STARTPRE": "", "EXEC_STOPPOST": f"{RUNTIME} delete '{name}'" if detached else "", "HOST_UID": 0, "HOST_GID": 0,
                   "IMAGE_NAME": image, "IMAGE_ID": revision})
    return values


UNIT = """
[Unit]
Description=$NAME

[Service]
ExecStartPre=$EXEC_STARTPRE
ExecStart=$EXEC_START
ExecStop=$EXEC_STOP
ExecStopPost=$EXEC_STOPPOST
Restart=on-failure
WorkingDirectory=$DESTDIR
PIDFile=$PIDFILE

[Install]
WantedBy=multi-user.target
"""


def read(path, otherwise=None):
    if not os.path.exists(path):
        return otherwise
    with open(path) as source:
        return source.read()


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as out:
        out.write(text)


def render(text, values):
    return string.Template(text).substitute(values)


def checksum(path):
    """Of what a link leads to; of what is no file, "0"."""
    if not os.path.exists(path) or os.path.isdir(path):
        return "0"
    with open(path, "rb") as source:
        return sha256(source.read())


def add_host_files(exports, old, templates, renames, values):
    for path, before in old.items():
        if checksum(path) == before and not os.path.isdir(path):
            os.unlink(path)
    installed = {}
    top = exports + "/hostfs"
    for at, folders, files in os.walk(top):
        for name in folders + files:
            source = os.path.join(at, name)
            place = source[len(top):]
            destination = renames.get(place, place)
            if os.path.lexists(destination):
                continue
            os.makedirs(os.path.dirname(destination), exist_ok=True)
            if os.path.islink(source):
                os.symlink(os.readlink(source), destination)
            elif os.path.isdir(source):
                if os.listdir(source):
                    continue
                os.mkdir(destination)
            elif place in templates:
                write(destination, render(read(source), values))
                shutil.copystat(source, destination)
            else:
                shutil.copy2(source, destination)
            installed[destination] = checksum(destination)
    return installed


NEW_KEYS = ("has-container-service", "installed-files", "installed-files-checksum", "installed-files-template", "rename-installed-files", "rpm-installed",
            "system-package", "use-links", "runtime")


def install(name, image, slot=0, given=None, keys="all", start=False, remote=None, preinstalled=False, drop=()):
    """Slot 0 as an install, the other one as the update that followed. keys: "all", or "first" (what the first versions wrote); drop: keys that some
    version between them did not know yet."""
    given = given or {}
    top = f"{PREINSTALLED}/{name}" if preinstalled else f"{CHECKOUT}/{name}.{slot}"
    full = image if ":" in image.rsplit("/", 1)[-1] else image + ":latest"
    revision = ostree("rev-parse", ref_of(full))
    manifest = json.loads(metadata(revision, "docker.manifest"))
    before = json.loads(read(f"{CHECKOUT}/{name}/info", "{}"))
    if os.path.exists(top):
        shutil.rmtree(top)
    if remote:
        os.makedirs(top)
        rootfs = remote + "/rootfs"
        os.symlink(rootfs, top + "/rootfs")
    else:
        rootfs = top + "/rootfs"
        os.makedirs(rootfs)
        for layer in layers_of(manifest):
            linked = ["--force-copy"] if preinstalled else ["--require-hardlinks"]
            ostree("checkout", *linked, "--union", "--whiteouts", "ociimage/" + layer.removeprefix("sha256:"), rootfs)
    exports = rootfs + "/exports"
    own = json.loads(read(exports + "/manifest.json", "{}"))
    unit = read(exports + "/service.template", UNIT)
    detached = "$EXEC_STOPPOST" in unit and "$PIDFILE" in unit
    values = dict(before.get("values", {}), **given)
    values = values_for(name, top, image, image_id(revision, manifest), values, own.get("defaultValues", {}), detached)
    if os.path.exists(exports + "/config.json"):
        shutil.copy(exports + "/config.json", top + "/config.json")
    elif os.path.exists(exports + "/config.json.template"):
        write(top + "/config.json", render(read(exports + "/config.json.template"), values))
    else:
        run(RUNTIME, "spec", cwd=top)
        config = json.loads(read(top + "/config.json"))
        config["root"] = {"path": "rootfs", "readonly": True}
        config["process"].update(terminal=False, args=["run.sh"])
        write(top + "/config.json", json.dumps(config, indent=4))
    config = json.loads(read(top + "/config.json"))
    if remote:
        config["root"]["path"] = rootfs
        write(top + "/config.json", json.dumps(config, indent=4))
    tmpfiles_path = f"/etc/tmpfiles.d/{name}.conf"
    active = subprocess.run(["systemctl", "is-active", "-q", name], check=False).returncode == 0
    service = not own.get("noContainerService", False)
    if before and active:
        run("systemctl", "stop", name)
    missing = [mount["source"] for mount in config.get("mounts", []) if "bind" in mount.get("type", "") and not os.path.exists(mount["source"])]
    renames = {source: render(place, values) for source, place in own.get("renameFiles", {}).items()}
    templates = own.get("installedFilesTemplate", [])
    files = add_host_files(exports, before.get("installed-files-checksum", {}), templates, renames, values)
    info = {"image": image, "revision": image_id(revision, manifest), "ostree-commit": revision, "created": int(time.time()), "values": values,
            "has-container-service": service, "installed-files": list(files), "installed-files-checksum": files, "installed-files-template": templates,
            "rename-installed-files": renames, "rpm-installed": None, "system-package": "no", "remote": remote,
            "use-links": own.get("useLinks", True), "runtime": RUNTIME}
    for key in (NEW_KEYS if keys == "first" else drop):
        del info[key]
    write(top + "/info", json.dumps(info, indent=4) + "\n")
    tmpfiles = read(exports + "/tmpfiles.template", "".join(f"d    {source}   0700 0 0 - -\n" for source in missing))
    if preinstalled:
        write(f"/usr/lib/systemd/system/{name}.service", render(unit, values))
        return
    if service:
        write(f"/etc/systemd/system/{name}.service", render(unit, values))
        shutil.copyfile(f"/etc/systemd/system/{name}.service", f"{top}/{name}.service")
    if tmpfiles:
        write(tmpfiles_path, render(tmpfiles, values))
        shutil.copyfile(tmpfiles_path, f"{top}/tmpfiles-{name}.conf")
    link = f"{CHECKOUT}/{name}"
    if os.path.lexists(link):
        os.unlink(link)
    os.symlink(top, link)  # an absolute path
    if not service:
        shutil.rmtree(top + "/rootfs")  # the host files were all there was to it
        return
    run("systemctl", "daemon-reload")
    if tmpfiles:
        run("systemd-tmpfiles", "--create", tmpfiles_path)
    if not before:
        run("systemctl", "enable", "-q", name)
    if start or (before and active):
        run("systemctl", "start", name)


if __name__ == "__main__":
    make_repository()
    for function, arguments in json.loads(sys.argv[1]):
        globals()[function](**arguments)
