# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a person, and a script, sees of sysconsctl."""

import json
import re
import subprocess

import pytest
from bed import CHECKOUT, TESTS, wait_until
from test_pull import registry  # noqa: F401 (a fixture)

HELLO = "localhost:5000/hello"
VERBS = ["pull", "images", "info", "delete-image", "prune", "install", "list", "show", "values", "update", "rollback", "uninstall", "start", "stop",
         "restart", "jobs", "cancel", "wait"]


@pytest.fixture
def hello(bed):
    bed.sysconsctl("pull", HELLO)
    bed.sysconsctl("install", "--start", "--set", "PORT=8082", HELLO)
    bed.wait_http(8082)
    return bed


def test_every_verb_has_help_manual_and_completion(bed):
    manual = (TESTS.parent / "data" / "man" / "sysconsctl.1").read_text()
    completion = (TESTS.parent / "data" / "completions" / "sysconsctl").read_text()
    overview = bed.sysconsctl("--help").stdout
    for verb in VERBS:
        assert verb in bed.sysconsctl(verb, "--help").stdout
        assert re.search(rf"^\s+{verb}\b", overview, re.M), verb
        assert verb.replace("-", "\\-") in manual or verb in manual, verb
        assert verb in completion, verb
    assert re.fullmatch(r"sysconsctl \d+\.\d+.*\n", bed.sysconsctl("--version").stdout)


def complete(*words):
    """What completion offers for the last word; with what it needs of bash-completion, and no sysconsctl to ask."""
    script = f"""_init_completion() {{ words=("${{given[@]}}"); cword=$((${{#words[@]}} - 1)); cur=${{words[cword]}}; prev=${{words[cword - 1]}}; }}
                 _filedir() {{ COMPREPLY=(files); }}
                 __ltrim_colon_completions() {{ :; }}
                 compopt() {{ :; }}
                 sysconsctl() {{ :; }}
                 given=(sysconsctl "$@")
                 source {TESTS.parent}/data/completions/sysconsctl && _sysconsctl
                 echo "${{COMPREPLY[@]}}"
                 """
    result = subprocess.run(["bash", "-c", script, "complete", *words], capture_output=True, text=True)
    assert result.stderr == "", words
    return result.stdout.split()


def test_completion():
    assert "--json" in complete("--") and "--filter=" not in complete("--")
    assert {"--filter=", "--json"} <= set(complete("list", "--"))
    assert complete("pull", "docker-") == ["docker-archive:"] and complete("pull", "docker-archive:/") == ["docker-archive:files"]
    assert complete("trust", "add", "--transport=oci-") == ["oci-archive"]
    assert complete("install", "--name=") == []


def test_manual_pages_are_well_formed():
    for page in (TESTS.parent / "data" / "man").iterdir():
        result = subprocess.run(["groff", "-man", "-ww", "-z", "-K", "utf8", str(page)], capture_output=True, text=True)
        assert result.returncode == 0 and result.stderr == "", page


def test_exit_codes(hello):
    for arguments, code in ((["list"], 0), (["nonsense"], 2), (["install"], 2), (["list", "--nonsense"], 2), (["show", "nothing"], 3),
                            (["start", "nothing"], 3), (["rollback", "hello"], 3)):
        assert hello.sysconsctl(*arguments, check=False).returncode == code, arguments
    assert hello.sysconsctl("stop", "hello", user="alice", check=False).returncode == 4
    nobody = hello.run("DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nowhere sysconsctl list", check=False)
    assert nobody.returncode == 5 and nobody.stderr.startswith("sysconsctl: ")


def test_listings_for_people_and_for_programs(hello):
    bed = hello
    table = bed.sysconsctl("list").stdout.splitlines()
    assert table[0].split()[:2] == ["NAME", "IMAGE"] and table[1].split()[0] == "hello"
    (entry,) = json.loads(bed.sysconsctl("list", "--json", user="alice").stdout)
    assert entry["name"] == "hello" and entry["image"] == f"{HELLO}:latest" and re.fullmatch("[0-9a-f]{64}", entry["image_id"])
    image = next(image for image in json.loads(bed.sysconsctl("images", "--json").stdout) if f"{HELLO}:latest" in image["names"])
    assert image["used_by"] == ["hello"] and image["labels"]["name"] == "hello" and image["virtual_size"] > image["size"] > 0
    assert bed.sysconsctl("list", "-q").stdout == "hello\n"
    bed.sysconsctl("stop", "hello")
    assert bed.sysconsctl("list", "-q").stdout == ""
    assert bed.sysconsctl("list", "-a", "-q").stdout == "hello\n"
    assert "PORT" in bed.sysconsctl("info", HELLO).stdout
    assert "Sources=" in bed.sysconsctl("show", "localhost:5000/hello:latest").stdout
    assert bed.sysconsctl("show", "localhost:5000/nothing:1", check=False).returncode == 3
    shown = json.loads(bed.sysconsctl("show", "--json", "hello").stdout)
    assert shown["state"] == "inactive" and shown["unit"] == "hello.service" and shown["path"] == f"{CHECKOUT}/hello.0"


def test_values_are_not_for_everybody(hello):
    assert json.loads(hello.sysconsctl("values", "--json", "hello").stdout)["PORT"] == "8082"
    refused = hello.sysconsctl("values", "hello", user="alice", check=False)
    assert refused.returncode == 4 and "8082" not in refused.stdout + refused.stderr


def test_result_as_json(bed):
    done = json.loads(bed.sysconsctl("pull", "--json", HELLO).stdout)
    assert done["operation"] == "pull" and done["result"] == "done" and done["details"]["image"] == f"{HELLO}:latest"


def test_update_all(bed):
    for port, name in ((8091, "one"), (8092, "two"), (8093, "three")):
        bed.sysconsctl("install", f"--name={name}", "--start", f"--set=PORT={port}", HELLO)
        bed.wait_http(port)
    bed.systemctl("stop", "three")
    bed.push("hello:latest=hello:broken")
    result = bed.sysconsctl("update", "--all", "--health-timeout=30", check=False, timeout=200)  # long before that it is seen
    assert result.returncode == 1
    for name in ("one", "two", "three"):
        assert re.search(rf"^{name}\b", result.stdout, re.M), result.stdout
    assert bed.is_active("one") and bed.is_active("two")  # they have gone back
    assert bed.output(["readlink", f"{CHECKOUT}/three"]) == "three.1"  # did not run: nothing was judged


def test_another_host(hello, ssh):
    (entry,) = json.loads(hello.sysconsctl("-H", ssh, "list", "--json").stdout)
    assert entry["name"] == "hello"
    # there she is nobody in particular
    assert hello.sysconsctl("-H", ssh, "stop", "hello", check=False).returncode == 4


INTERRUPT = r"""
set env(TERM) xterm
set timeout 30
spawn -noecho sysconsctl pull %s/stall/x
expect {
        -re {Pulling.*[0-9]%%} { }
        timeout { puts "no bar"; exit 71 }
}
after 300
send "\003"
expect {
        eof { }
        timeout { puts "no end"; exit 72 }
}
lassign [wait] pid spawn error status
exit $status
"""


def test_interrupt_cancels_the_job(bed, registry):  # noqa: F811
    bed.run(f"rm -rf {CHECKOUT}/.storage")
    bed.write("/etc/sysconsd.conf.d/50-test.conf", "[Pull]\nStallTimeout=60\nAttempts=2\n")
    bed.write("/run/interrupt.exp", INTERRUPT % registry)
    result = bed.run(["expect", "/run/interrupt.exp"], check=False, timeout=80)
    assert result.returncode == 130, result.stdout
    assert re.search(r"\d+%.*B", result.stdout), "a bar with bytes"
    wait_until(lambda: bed.output("systemctl list-units --no-legend --plain 'sysconsd-job-*'") == "")
    assert json.loads(bed.sysconsctl("jobs", "--json").stdout)[-1]["state"] == "cancelled"
