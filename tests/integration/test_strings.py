# SPDX-License-Identifier: LGPL-2.1-or-later
"""Strings that try to be more than they are, in every place where a method takes one: refused, or said as they are."""

import json

import pytest
from attackers import bring_in, calls, case, traces
from derived import Derived
from hostile import entry, folder, plain
from sysconsbus import ROOT, call, container, install, pull, run, wait_done

HELLO = "localhost:5000/hello"
CONTROL = ["a\nb", "a\rb", "\x01", "\x1b[2Jx", "\x7f", "a\u0085b", "a\tb", "a\n[Service]\nExecStart=/bin/sh"]
HOSTILE = [*CONTROL, "%n", "x%%i", "../x", "..", "/../x", "a/../b", "./x", "-x", "--help", "x" * 300, "x" * 9000, "$(id)", "`id`", "'; id; '", '"x"', "\\", "x\\",
           "a b", "${PORT}", "$$", "\u00e9", "\u202ex", "\u2028x", ".hidden", "hello.0", "hello.service", "a:b:c@d", "@", "/", "//x", "x/", "\U0001f642"]


@pytest.fixture
def hello(bed):
    bring_in(bed)
    for name in (HELLO, f"{HELLO}:2"):
        wait_done(bed, pull(bed, name))
    wait_done(bed, install(bed, HELLO, {"values": {"PORT": "8082"}}))
    yield bed
    bed.run("rm -rf /srv/attackers")


def places(picture):
    """(what, path, interface, member, signature, the body with this text in it)."""
    here = container("hello")

    def option(path, interface, member, before, key):
        signature = {0: "a{sv}", 1: "sa{sv}", 2: "ssa{sv}"}[len(before)]
        return (f"{member} {key}", path, interface, member, signature, lambda text: [*before, [[key, ["s", text]]]])

    yield ("GetContainer", ROOT, "Manager", "GetContainer", "s", lambda text: [text])
    yield ("GetImage", ROOT, "Manager", "GetImage", "s", lambda text: [text])
    for member in ("Pull", "Install"):
        yield (member, ROOT, "Manager", member, "sa{sv}", lambda text: [text, []])
        yield (f"{member} host", ROOT, "Manager", member, "sa{sv}", lambda text: [f"{text}/hello", []])
        yield (f"{member} tag", ROOT, "Manager", member, "sa{sv}", lambda text: [f"localhost:5000/hello:{text}", []])
    for source in ("http:", "docker:", "docker-archive:", "oci-archive:", "oci-layout:", "ostree:", "containers-storage:"):
        yield (f"Pull {source}", ROOT, "Manager", "Pull", "sa{sv}", lambda text, source=source: [source + text, []])
    yield ("Pull ostree: path", ROOT, "Manager", "Pull", "sa{sv}", lambda text: [f"ostree:x@/{text}", []])
    yield ("Run", ROOT, "Manager", "Run", "sasa{sv}", lambda text: [text, ["true"], []])
    yield ("Plan operation", ROOT, "Manager", "Plan", "ssa{sv}", lambda text: [text, "hello", []])
    yield ("Plan subject", ROOT, "Manager", "Plan", "ssa{sv}", lambda text: ["update", text, []])
    yield ("Mount subject", ROOT, "Manager", "Mount", "ssa{sv}", lambda text: [text, "/mnt", []])
    yield ("Mount where", ROOT, "Manager", "Mount", "ssa{sv}", lambda text: ["hello", text, []])
    yield ("Mount below", ROOT, "Manager", "Mount", "ssa{sv}", lambda text: ["hello", f"/mnt/{text}", []])
    yield ("Unmount", ROOT, "Manager", "Unmount", "sa{sv}", lambda text: [f"/mnt/{text}", []])
    yield ("SetPolicy", ROOT, "Manager", "SetPolicy", "sa{sv}", lambda text: [text, []])
    yield ("CheckLogin", ROOT, "Manager", "CheckLogin", "sa{sv}", lambda text: [text, [["credentials", ["s", "a:b"]]]])
    yield ("Tag", picture, "Image", "Tag", "sa{sv}", lambda text: [f"localhost:5000/{text}", []])
    yield ("variable", here, "Container", "Update", "a{sv}", lambda text: [[["values", ["a{ss}", [[text, "x"]]]]]])
    yield ("unset", here, "Container", "Update", "a{sv}", lambda text: [[["unset-values", ["as", [text]]]]])
    yield option(ROOT, "Manager", "SetPolicy", ["{}"], "expected-digest")
    yield option(picture, "Image", "Delete", [], "name")
    yield option(picture, "Image", "Verify", [], "newer")
    yield option(here, "Container", "Update", [], "image")
    yield option(here, "Container", "Update", [], "pull")
    for key in ("name", "rootfs", "start", "pull", "system-package"):
        yield option(ROOT, "Manager", "Install", [f"{HELLO}:2"], key)
    yield option(ROOT, "Manager", "Install", [f"{HELLO}:2"], "cancel-on-disconnect")
    yield option(here, "Container", "Update", [], "option that is none")


# Most strings are allowed there, and each is a job that fails: some will do.
THIN = {"SetPolicy", "Mount where", "Mount below", "Unmount", "Pull ostree: path"}


def strings_for(what):
    some = HOSTILE[::6] if what in THIN else HOSTILE
    return [text for text in some if what != "Tag" or not text.startswith("hello.")]  # which are names of images as good as others


def test_strings_that_try_to_escape(hello):
    bed = hello
    picture = call(bed, ROOT, "Manager", "GetImage", "s", HELLO)[0]
    everywhere = list(places(picture))
    before = traces(bed)
    tried = [case(path, interface, member, signature, body(text), wait=member not in ("GetContainer", "GetImage", "Plan"))
             for what, path, interface, member, signature, body in everywhere for text in strings_for(what)]
    outcomes = iter(calls(bed, tried))
    for what, *_ in everywhere:
        for text in strings_for(what):
            error, *rest = next(outcomes)
            message = rest[0] if error else rest[2][1] if len(rest) > 2 else ""
            # a container of that name is there already, and stays as it is, whatever is asked for
            ended = ("failed", "done") if what == "Install host" else ("failed",)
            assert error or (len(rest) > 1 and rest[1] in ended), f"{what} with {text!r}: {rest}"
            # Whoever reads the answer on a terminal sees one line of text.
            assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in message), f"{what} with {text!r}: {message!r}"
            if text in CONTROL and what != "SetPolicy":  # a text of many lines
                assert error, f"{what} with {text!r} became a job"
    assert traces(bed) == before


SERVICE = """[Unit]
Description=$V
[Service]
ExecStart=$EXEC_START
Environment="V=$V"
SyslogIdentifier=$NAME
"""


def test_values_are_text(hello, tmp_path):
    """In a unit and in tmpfiles.d, where % begins something, and in config.json."""
    bed = hello
    images = Derived(tmp_path)
    images.add_packed("strings:1", "hello:1", [plain(folder("exports"), entry("exports/service.template", SERVICE),
                                                     entry("exports/tmpfiles.template", "d /run/strings-$V 0755 root root - -\n"))])
    images.finish()
    images.push(bed, "strings:1")
    bed.sysconsctl("pull", "localhost:5000/strings:1")

    def install_with(value, receiver=None):
        return calls(bed, [case(ROOT, "Manager", "Install", "sa{sv}", ["localhost:5000/strings:1", [
            ["name", ["s", "strings"]], ["values", ["a{ss}", [["V", value], ["RECEIVER", receiver or value], ["PORT", "8084"]]]]]], wait=True)])[0]

    for value in ("%n-%%i-%h", "$(id)-`id`-${HOME}-$$", "\u00e9\U0001f642", "-"):
        outcome = install_with(value)
        assert outcome[:1] == [None] and outcome[2] == "done", f"{value}: {outcome}"
        assert bed.output("systemctl show -P Description strings") == value
        assert run(bed, "get-property", "org.freedesktop.systemd1", "/org/freedesktop/systemd1/unit/strings_2eservice",
                   "org.freedesktop.systemd1.Service", "Environment") == [f"V={value}"]
        assert f"RECEIVER={value}" in json.loads(bed.read("/var/lib/containers/atomic/strings/config.json"))["process"]["env"]
        bed.sysconsctl("uninstall", "strings")
    # the last ones are what systemd-tmpfiles does not take
    for value in (*CONTROL, "x" * 70_000, "x\\", "it's", "../../x"):
        outcome = install_with(value)
        assert outcome[0] or outcome[2] == "failed", f"{value!r}: {outcome}"
    assert "would join the next line" in str(install_with("x\\", "x"))  # which no config.json refuses
    assert "strings" not in bed.containers() and not bed.exists("/etc/systemd/system/strings.service")
    bed.sysconsctl("delete-image", "localhost:5000/strings:1")


def test_folders_with_odd_names(hello):
    """A mount unit's name is made of the path."""
    bed = hello
    for name in ("%n", "a b", "\u00e9$(id)", "-x", "a\\x2db", "'q\""):
        bed.run(["mkdir", "-p", f"/mnt/{name}"])
        mounted = case(ROOT, "Manager", "Mount", "ssa{sv}", ["hello", f"/mnt/{name}", []], wait=True)
        away = case(ROOT, "Manager", "Unmount", "sa{sv}", [f"/mnt/{name}", []], wait=True)
        outcome = calls(bed, [mounted])[0]
        assert outcome[:1] == [None] and outcome[2] == "done", f"{name}: {outcome}"
        assert bed.exists(f"/mnt/{name}/usr/local/bin/hello")
        outcome = calls(bed, [away])[0]
        assert outcome[:1] == [None] and outcome[2] == "done", f"{name}: {outcome}"
        bed.run(["rmdir", f"/mnt/{name}"])
