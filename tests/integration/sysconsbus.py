# SPDX-License-Identifier: LGPL-2.1-or-later
"""org.sysconsd1 by busctl, for the tests of the bus: plain calls, without the client and what it does on its own."""

import contextlib
import json
import re
import time
from pathlib import Path

from bed import wait_until

NAME = "org.sysconsd1"
ROOT = "/org/sysconsd1"
INTERFACES = Path(__file__).resolve().parent.parent.parent / "dbus"


class Refused(Exception):
    def __init__(self, error, message):
        super().__init__(f"{error}: {message}")
        self.error = error.removeprefix("org.sysconsd1.Error.").removeprefix("org.freedesktop.DBus.Error.")
        self.message = message


def encode(name):
    """As sd_bus_path_encode does with the last part of a path."""
    return "".join(c if c.isalnum() and c.isascii() and (i > 0 or not c.isdigit()) else f"_{ord(c):02x}" for i, c in enumerate(name)) or "_"


def container(name):
    return f"{ROOT}/container/{encode(name)}"


def image(identity):
    return f"{ROOT}/image/{encode(identity)}"


def options(values=None):
    """{"name": "web", "values": {"A": "b"}} as busctl takes an a{sv}."""
    words = [str(len(values or {}))]
    for key, value in (values or {}).items():
        if isinstance(value, str):
            words += [key, "s", value]
        elif isinstance(value, bool):
            words += [key, "b", str(value).lower()]
        elif isinstance(value, int):
            words += [key, "u", str(value)]
        elif isinstance(value, dict):
            words += [key, "a{ss}", str(len(value)), *[word for pair in value.items() for word in pair]]
        else:
            words += [key, "as", str(len(value)), *value]
    return words


def run(bed, *words, user=None, interactive=False):
    # sd-bus tells the name of the error in its debug output only
    command = ["env", "SYSTEMD_LOG_LEVEL=debug", "SYSTEMD_LOG_TARGET=console", "busctl", "--json=short", "--timeout=30",
               f"--allow-interactive-authorization={'yes' if interactive else 'no'}", "--", *words]
    result = bed.run(command, user=user, check=False)
    if result.returncode == 0:
        return json.loads(result.stdout)["data"] if result.stdout.strip() else None
    errors = re.findall(r"error-name=(\S+) error-message=(.*)$", result.stderr, re.M)
    assert errors, result.stderr
    raise Refused(errors[-1][0], errors[-1][1])


def call(bed, path, interface, method, *words, user=None, interactive=False):
    """The arguments of the answer; Refused for an error."""
    return run(bed, "call", NAME, path, f"org.sysconsd1.{interface}", method, *words, user=user, interactive=interactive)


def get(bed, path, interface, name, user=None):
    return run(bed, "get-property", NAME, path, f"org.sysconsd1.{interface}", name, user=user)


def objects(bed, user=None):
    """All that is published: {path: {interface without its prefix: {property: value}}}."""
    answer = run(bed, "call", NAME, ROOT, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", user=user)[0]
    return {path: {interface.removeprefix("org.sysconsd1."): {name: value["data"] for name, value in properties.items()}
                   for interface, properties in interfaces.items() if interface.startswith("org.sysconsd1.")}
            for path, interfaces in answer.items()}


def pull(bed, name, user=None, **more):
    return call(bed, ROOT, "Manager", "Pull", "sa{sv}", name, *options(more), user=user)[0]


def install(bed, name, values=None, user=None):
    return call(bed, ROOT, "Manager", "Install", "sa{sv}", name, *options(values), user=user)[0]


def verb(bed, path, interface, method, values=None, user=None, interactive=False):
    """A method that takes options only."""
    answer = call(bed, path, interface, method, "a{sv}", *options(values), user=user, interactive=interactive)
    return answer[0] if answer else None


def state(bed, job):
    return get(bed, job, "Job", "State")


def wait_over(bed, job, timeout=60):
    """The job's last state."""
    return wait_until(lambda: (word := state(bed, job)) in ("done", "failed", "cancelled") and word, timeout)


def wait_done(bed, job):
    assert wait_over(bed, job) == "done", get(bed, job, "Job", "Error")


class Monitor:
    """What goes over the bus from the daemon: signals as (path, interface.member, arguments), and where they go."""

    def __init__(self, bed):
        self.bed = bed
        self.bed.run("rm -f /run/monitor.log; setsid busctl --json=short monitor org.sysconsd1 >/run/monitor.log 2>&1 & echo $! >/run/monitor.pid")
        self.catch_up()

    def heard(self):
        return [json.loads(line) for line in self.bed.read("/run/monitor.log").splitlines(True) if line.startswith("{") and line.endswith("\n")]

    def catch_up(self):
        """What was sent until now was heard: it stands before a question that is asked now. It hears only some time after it was started."""
        asked = []

        def is_heard():
            asked.append(f"Mark{len(asked)}x{time.monotonic_ns()}")
            with contextlib.suppress(Refused):  # there is no such property
                get(self.bed, ROOT, "Manager", asked[-1])
            text = self.bed.read("/run/monitor.log")
            return any(mark in text for mark in asked)
        wait_until(is_heard)

    def messages(self):
        return [line for line in self.heard() if line["type"] == "signal"]

    def signals(self):
        return [(m["path"], f"{m['interface'].split('.')[-1]}.{m['member']}", m["payload"]["data"]) for m in self.messages()]

    def wait(self, path, member):
        """The arguments of all such signals, once there is one."""
        return wait_until(lambda: [data for where, what, data in self.signals() if (where, what) == (path, member)])

    def stop(self):
        self.bed.run("kill $(cat /run/monitor.pid); rm /run/monitor.pid")
