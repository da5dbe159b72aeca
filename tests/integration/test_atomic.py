# SPDX-License-Identifier: LGPL-2.1-or-later
"""The client as `atomic`: transcripts of that command's lines, with what scripts read of its output, and exit codes."""

import json
import re

import pytest
from bed import CHECKOUT, wait_until
from test_user import User, settings

HELLO = "localhost:5000/hello"
SETTLING = "/etc/sysconsd.conf.d/60-settling.conf"
# What differs from run to run.
MARKS = {"<HEX>": "[0-9a-f]{64}", "<HEX32>": "[0-9a-f]{32}", "<ID>": "[0-9a-f]{12}", "<DATE>": r"\d{4}-\d\d-\d\d \d\d:\d\d",
         "<RUNC>": "/usr/s?bin/runc", "<LAYERS>\n": "(?:Pulling layer [0-9a-f]{64}\n)+", "<DELETED>\n": "(?:Deleting ociimage/[0-9a-f]{64}\n)+",
         "<LINES>\n": "(?:.+\n)*", "<ANY>": ".*"}
MARK = re.compile("|".join(map(re.escape, MARKS)))


def pattern(expected):
    end = 0
    parts = []
    for mark in MARK.finditer(expected):
        parts += [re.escape(expected[end:mark.start()]), MARKS[mark.group()]]
        end = mark.end()
    return "".join(parts) + re.escape(expected[end:])


def transcript(bed, text, user=None):
    """Lines with a $ are run by the shell; behind each stands what it prints on both streams, and its exit code if that is not 0: [1]."""
    for block in re.split(r"^\$ ", text, flags=re.M)[1:]:
        command, _, expected = block.partition("\n")
        code = re.search(r"^\[(\d+)\]\n\Z", expected, re.M)
        expected = expected[:code.start()] if code else expected
        result = bed.run(f"exec 2>&1; {command}", user=user, check=False, timeout=120)
        output = result.stdout if result.stdout.endswith("\n") or not result.stdout else result.stdout + "\n"
        assert re.fullmatch(pattern(expected), output), f"$ {command}\n{result.stdout}--- expected\n{expected}"
        assert result.returncode == int(code.group(1) if code else 0), command


@pytest.fixture
def clean(bed):
    """Nothing is here but what a test brings."""
    bed.run(f"rm -rf {CHECKOUT}/.storage")
    yield bed
    bed.run(f"rm -rf {CHECKOUT}/.storage")


LIFE = """\
$ atomic pull --storage=ostree localhost:5000/hello
Image localhost:5000/hello:latest is being pulled to ostree ...
<LAYERS>
$ atomic pull --storage ostree localhost:5000/hello:latest
Image localhost:5000/hello:latest is being pulled to ostree ...
$ atomic install --system --name=hello --set=PORT=8082 --set RECEIVER=Moon localhost:5000/hello
Extracting to /var/lib/containers/atomic/hello.0
systemctl daemon-reload
systemd-tmpfiles --create /etc/tmpfiles.d/hello.conf
systemctl enable hello
$ atomic install --system --name=hello localhost:5000/hello
hello already present
$ atomic containers list
$ atomic run hello
$ atomic containers list
   CONTAINER ID  IMAGE                        COMMAND               CREATED           STATUS   RUNTIME         BACKEND
   hello         localhost:5000/hello:latest  /usr/local/bin/hello  <DATE>  running  <RUNC>  ostree
$ atomic ps -n -f image=HELLO -f backend=ostree
   hello  localhost:5000/hello:latest  /usr/local/bin/hello  <DATE>  running  <RUNC>  ostree
$ atomic containers list --all --filter container=other
$ atomic containers list --filter size=other
The filter size is not valid.  Please choose from [<ANY>]
[1]
$ atomic images list
   REPOSITORY            TAG     IMAGE ID      CREATED           VIRTUAL SIZE  TYPE
>  localhost:5000/hello  latest  <ID>  2025-06-01 12:00  2.03 MB       ostree
$ atomic images info localhost:5000/hello
Image Name: localhost:5000/hello:latest
atomic.type: system
name: hello
org.opencontainers.image.title: hello
org.opencontainers.image.version: 1
summary: A greeter over HTTP
version: 1


Template variables with default value, but overridable with --set:
CONF_DIRECTORY: {SET_BY_OS}
PIDFILE: {SET_BY_OS}
PORT: 8081
RECEIVER: World
RUN_DIRECTORY: {SET_BY_OS}
STATE_DIRECTORY: {SET_BY_OS}
UUID: {SET_BY_OS}
$ atomic containers update hello
Image localhost:5000/hello:latest is being pulled to ostree ...
Latest version already installed.
$ atomic containers update --set PORT=8083 hello
Image localhost:5000/hello:latest is being pulled to ostree ...
Extracting to /var/lib/containers/atomic/hello.1
systemctl daemon-reload
systemd-tmpfiles --create /etc/tmpfiles.d/hello.conf
$ atomic containers rollback hello
Attempting to roll back system container: hello
systemctl daemon-reload
systemd-tmpfiles --create /etc/tmpfiles.d/hello.conf
$ atomic stop hello
$ atomic containers list -aq
hello
$ echo | atomic containers delete hello
Do you wish to delete the following containers?

   ID     NAME   IMAGE_NAME                   STORAGE
   hello  hello  localhost:5000/hello:latest  ostree

Confirm (y/N) User aborted delete operation for ['hello']
[2]
$ atomic uninstall hello
systemctl disable hello
systemctl stop hello
systemd-tmpfiles --remove /etc/tmpfiles.d/hello.conf
$ atomic images tag localhost:5000/hello greeter:old
$ atomic images tag localhost:5000/hello greeter:old
$ atomic images list -n -f tag=old
   greeter  old  <ID>  2025-06-01 12:00  2.03 MB  ostree
$ atomic images version greeter:old
IMAGE NAME                          VERSION  IMAGE ID
greeter:old                         1        <ID>
  Tag: localhost:5000/hello:latest
$ atomic images update localhost:5000/hello
Image localhost:5000/hello:latest is being pulled to ostree ...
$ atomic images update --all
Image greeter:old not fully qualified: skipping
Checking image localhost:5000/hello:latest...
Image localhost:5000/hello:latest is being pulled to ostree ...

SUMMARY

Image                        Image ID before update            Image ID after update             Status
localhost:5000/hello:latest  <HEX32>  <HEX32>  Updated
$ atomic images verify localhost:5000/hello
localhost:5000/hello:latest is the newest there is
Image localhost:5000/hello:latest is whole
$ atomic verify --all
Image greeter:old not fully qualified: skipping
localhost:5000/hello:latest is the newest there is
Image localhost:5000/hello:latest is whole
$ atomic --assumeyes images delete greeter:old
The following images will be deleted.

   IMAGE        STORAGE
   greeter:old  ostree
$ echo y | atomic images delete localhost:5000/hello
Do you wish to delete the following images?

   IMAGE                 STORAGE
   localhost:5000/hello  ostree

Confirm (y/N)<ANY>
$ atomic images prune
<DELETED>
$ atomic images list -n
"""


def test_a_container_s_life(clean):
    transcript(clean, LIFE)


def test_a_container_s_life_without_root(clean):
    """A client like any other: polkit decides, by the same actions."""
    transcript(clean, """\
$ atomic pull localhost:5000/hello
Not authorized: polkit wants to ask first (org.sysconsd1.pull<ANY>
[1]
""", user="alice")
    clean.polkit_rules('polkit.addRule(function(action, subject) { if (action.id.indexOf("org.sysconsd1.") == 0 && subject.user == "alice") '
                       'return polkit.Result.YES; });\n')
    transcript(clean, LIFE, user="alice")


def test_containers_of_ones_own(clean):
    """--user says whose, on each line; the system's are not touched."""
    settings(clean, "alice")
    alice = User(clean, "alice")
    try:
        alice.linger()
        transcript(clean, """\
$ atomic pull --user 127.0.0.1:5000/hello
Image 127.0.0.1:5000/hello:latest is being pulled to ostree ...
<LAYERS>
$ atomic install --user --set PORT=8085 127.0.0.1:5000/hello
Extracting to <ANY>/hello.0
<LINES>
$ atomic run --user hello
$ atomic containers list --user -n
   hello  127.0.0.1:5000/hello:latest  /usr/local/bin/hello  <DATE>  running  <ANY>  ostree
$ atomic containers list -a
$ atomic containers update --user hello
Image 127.0.0.1:5000/hello:latest is being pulled to ostree ...
Latest version already installed.
$ atomic containers update hello
System container 'hello' is not installed
[1]
$ atomic -y containers delete --user --all
The following containers will be deleted.

   ID     NAME   IMAGE_NAME                   STORAGE
   hello  hello  127.0.0.1:5000/hello:latest  ostree
<LINES>
$ atomic containers list --user -a
""", user="alice")
    finally:
        alice.leave()


def test_run(clean):
    transcript(clean, """\
$ atomic run --name=greeter --set PORT=8084 localhost:5000/hello
Image localhost:5000/hello:latest is being pulled to ostree ...
<LAYERS>
Extracting to /var/lib/containers/atomic/greeter.0
systemctl daemon-reload
systemd-tmpfiles --create /etc/tmpfiles.d/greeter.conf
systemctl enable greeter
$ atomic containers list -q
greeter
$ atomic run --storage ostree greeter echo hello world </dev/null
hello world
$ atomic run --name=greeter localhost:5000/hello sh -c 'exit 7' </dev/null
[7]
$ atomic stop greeter
$ atomic run --runtime /usr/sbin/runc greeter echo hello again </dev/null
hello again
$ atomic containers list -q
$ atomic run --name=greeter localhost:5000/hello
$ atomic containers list -q
greeter
$ atomic run localhost:5000/hello sh -c 'echo $0; exit 2' </dev/null
sh
[2]
$ atomic run localhost:5000/once </dev/null
Image localhost:5000/once:latest is being pulled to ostree ...
<LINES>
once
[3]
$ atomic containers list -aq
greeter
$ atomic run --spc greeter
--spc is not supported: <ANY>
[1]
$ atomic run nothing:here
<ANY>nothing:here<ANY>
[1]
""")


def test_errors(clean):
    transcript(clean, """\
$ atomic
a command is missing; see `atomic --help`
[2]
$ atomic images purge
there is no command 'images purge'; see `atomic --help`
[2]
$ atomic install --bogus x
Unknown option --bogus; see `atomic install --help`
[2]
$ atomic pull --storage=docker localhost:5000/hello
The storage 'docker' is not supported: <ANY>
[1]
$ atomic scan --all
`atomic scan` is not supported: <ANY>
[1]
$ atomic pull localhost:5000/nothing
Image localhost:5000/nothing:latest is being pulled to ostree ...
Cannot pull localhost:5000/nothing:latest: Image localhost:5000/nothing:latest not found<ANY>
[1]
$ atomic images delete -f localhost:5000/nothing
Image localhost:5000/nothing:latest not found
[1]
$ atomic images delete
You must select --all or provide a list of images to delete.
[1]
$ atomic containers delete --all x
You must select --all or provide a list of containers to delete.
[1]
$ atomic containers update x
System container 'x' is not installed
[1]
$ atomic containers update
Too few arguments.  Please specify the container
[1]
$ atomic containers update --all x
Incompatible options specified.  --all doesn't support a container name
[1]
$ atomic containers update --all --set A=B
Incompatible options specified.  --all doesn't support --set or --rebase
[1]
$ atomic images update localhost:5000/nothing
localhost:5000/nothing not found locally.  Unable to update
[1]
$ atomic images update --all x
Cannot specify both --all and an image name
[1]
$ atomic verify
Please specify the image name
[1]
$ atomic images verify --all x
Incompatible options specified.  --all doesn't support an image name
[1]
$ atomic images version localhost:5000/nothing
Image localhost:5000/nothing:latest not found
[1]
$ atomic mount --live x /mnt
<ANY>do not support --live<ANY>
[1]
$ atomic stop x
There is no container x
[1]
$ atomic install --name= localhost:5000/hello
<ANY>name<ANY>
[1]
$ atomic install --runtime=/nowhere/runc localhost:5000/hello
Image localhost:5000/hello:latest is being pulled to ostree ...
<LAYERS>
<ANY>the runtime /nowhere/runc is not installed<ANY>
[1]
$ atomic install localhost:5000/hello >/dev/null; atomic containers rollback hello
Attempting to roll back system container: hello
Cannot find a previous deployment to rollback located at /var/lib/containers/atomic/hello.1
[1]
$ touch /etc/tmpfiles.d/other.conf; atomic install --name=other localhost:5000/hello; e=$?; rm /etc/tmpfiles.d/other.conf; exit $e
The file /etc/tmpfiles.d/other.conf already exists.
[1]
$ atomic images delete localhost:5000/hello </dev/null
Do you wish to delete the following images?

   IMAGE                 STORAGE
   localhost:5000/hello  ostree

Confirm (y/N) User aborted delete operation for ['localhost:5000/hello']
[2]
$ atomic -y images delete localhost:5000/hello
The following images will be deleted.

   IMAGE                 STORAGE
   localhost:5000/hello  ostree
Image localhost:5000/hello:latest is used by the container hello: uninstall it first, or force the deletion
[1]
""")


def test_json_and_ids(clean):
    bed = clean
    bed.run(["atomic", "install", f"{HELLO}:2"])
    (image,) = json.loads(bed.run("atomic images list --json").stdout)
    assert (image["repo"], image["tag"], image["type"], image["used_image"], image["is_dangling"]) == (HELLO, "2", "ostree", True, False)
    assert image["image_id"].startswith(image["id"]) and len(image["id"]) == 12
    listed = bed.run("atomic images list -a --no-trunc -n").stdout.splitlines()
    assert len(listed) == 1 + 2 and sum("<none>" in line for line in listed) == 2
    assert bed.run("atomic images list -q --no-trunc").stdout.split() == [image["image_id"]]
    assert bed.run("atomic images list -q -f tag=1").stdout == ""
    assert json.loads(bed.run("atomic containers list --json").stdout) == []
    (container,) = json.loads(bed.run("atomic containers list -a --json").stdout)
    assert (container["id"], container["image_name"], container["state"], container["running"]) == ("hello-2", f"{HELLO}:2", "inactive", False)
    # A digest and the start of an id name an image, too.
    bed.run(["atomic", "uninstall", "hello-2"])
    bed.run(["atomic", "-y", "images", "delete", image["id"]])
    assert bed.run("atomic images list -n").stdout == ""


def test_update_all(clean):
    bed = clean
    for port, name in ((8091, "one"), (8092, "two")):
        bed.run(["atomic", "install", f"--name={name}", f"--set=PORT={port}", HELLO])
    bed.run(["atomic", "install", "--name=three", "--set=PORT=8093", f"{HELLO}:2"])
    bed.run("atomic run one; atomic run three")
    bed.wait_http(8091)
    bed.push("hello:latest=hello:broken")
    # Beside them one that came with the host, in a place that nobody else uses.
    bed.run(f"mkdir -p /usr/lib/containers/atomic && cp -a {CHECKOUT}/two.0 /usr/lib/containers/atomic/fixed")
    try:
        wait_until(lambda: json.loads(bed.sysconsctl("list", "-a", "--json", "-f", "name=fixed", "-f", "preinstalled=yes").stdout))
        bed.write(SETTLING, "[Container]\nSettlingTime=30\n")  # long before that it is seen
        result = bed.run("atomic containers update --all 2>&1", check=False, timeout=200)
        bed.run(["rm", SETTLING])
        assert result.returncode == 1
        messages, _, table = result.stdout.partition("\nSUMMARY\n\n")
        assert "Skipping fixed: it came with the host" in messages.splitlines()
        for name in ("one", "two", "three"):
            assert f"Checking container {name}..." in messages.splitlines()
        rows = {line.split()[0]: line.split(maxsplit=4)[1:] for line in table.splitlines()[1:] if line.split()[0] in ("one", "two", "three", "fixed")}
        before, after, latest, status = rows["one"]
        assert before == after != latest and status == "Failed"  # back on its old version
        assert bed.is_active("one") and "this is version 1" in bed.wait_http(8091)
        before, after, latest, status = rows["two"]  # did not run: nothing was judged
        assert before != after == latest and status == "Updated now"
        assert rows["three"][0] == rows["three"][1] == rows["three"][2] and rows["three"][3] == "Updated"
        assert rows["fixed"][3] == "Skipped"

        bed.push("hello:latest=hello:1")
        result = bed.sysconsctl("update", "--all", "--json", check=False, timeout=200)
        assert result.returncode == 0, result.stderr
        outcomes = {entry["subject"]: entry for entry in json.loads(result.stdout)}
        assert {name: entry["status"] for name, entry in outcomes.items()} == {"one": "up to date", "two": "updated", "three": "up to date",
                                                                               "fixed": "skipped"}
        assert outcomes["two"]["before"] != outcomes["two"]["after"] == outcomes["one"]["after"]
        table = bed.sysconsctl("update", "--all", timeout=200).stdout
        assert re.search(r"^NAME +STATUS +IMAGE ID BEFORE +IMAGE ID AFTER +MESSAGE$", table, re.M)
        assert re.search(r"^one +up to date +[0-9a-f]{12} +[0-9a-f]{12}$", table, re.M)
    finally:
        bed.run("rm -rf /usr/lib/containers/atomic")
