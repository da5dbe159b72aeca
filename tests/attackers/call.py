# SPDX-License-Identifier: LGPL-2.1-or-later
"""Many calls in one go, each as one user with some grants. Reads JSON: an array of objects

    {"user": "alice", "grants": ["update"], "path": PATH, "interface": I, "member": M, "signature": S, "body": [...], "wait": true}

and prints an array of outcomes: [null, ANSWER] or [ERROR, MESSAGE]; with wait the state of the job that was started, and its error, follow. A
variant is [SIGNATURE, VALUE]. The string "FD:NAME" where an h belongs is the descriptor of what NAME means in DESCRIPTORS.

Grants hold by the rule in test_actions.py, which reads the file GRANTS.
"""

import json
import os
import pwd
import socket
import sys
import time

from dbuswire import Bus, Refused

GRANTS = "/run/grants"
PROPERTIES = "org.freedesktop.DBus.Properties"
DESCRIPTORS = {
    "null": lambda: os.open("/dev/null", os.O_RDWR),
    "zero": lambda: os.open("/dev/zero", os.O_RDWR),
    "folder": lambda: os.open("/", os.O_RDONLY | os.O_DIRECTORY),
    "path": lambda: os.open("/etc/passwd", os.O_PATH),
    "memory": lambda: os.memfd_create("call"),
    "event": lambda: os.eventfd(0),
    "listening": lambda: listening(),
    "process": lambda: os.pidfd_open(os.getpid()),
}


def listening():
    end = socket.socket(socket.AF_UNIX)
    end.listen()
    return end.detach()


def connect(user):
    """The bus goes by who connects."""
    account = pwd.getpwnam(user)
    os.seteuid(account.pw_uid)
    try:
        return Bus()
    finally:
        os.seteuid(0)


def with_descriptors(value, fds):
    if isinstance(value, str) and value.startswith("FD:"):
        fds.append(DESCRIPTORS[value[3:]]())
        return len(fds) - 1
    if isinstance(value, list):
        return [with_descriptors(item, fds) for item in value]
    return value


def wait_for(bus, job):
    while True:
        state = bus.call(job, PROPERTIES, "Get", "ss", ["org.sysconsd1.Job", "State"])[0]
        if state in ("done", "failed", "cancelled"):
            return [state, bus.call(job, PROPERTIES, "Get", "ss", ["org.sysconsd1.Job", "Error"])[0]]
        time.sleep(0.02)


def outcome(bus, case):
    fds = []
    body = with_descriptors(case.get("body", []), fds)
    try:
        answer = bus.call(case["path"], case["interface"], case["member"], case.get("signature", ""), body, timeout=90, fds=fds)
        return [None, answer, *(wait_for(bus, answer[0]) if case.get("wait") else [])]
    except Refused as refusal:
        return [refusal.error, refusal.message]
    finally:
        for fd in fds:
            os.close(fd)


def main(cases):
    buses, outcomes = {}, []
    for case in cases:
        with open(GRANTS, "w") as file:
            file.write("".join(f"org.sysconsd1.{action}\n" for action in case.get("grants", [])))
        user = case.get("user", "root")
        if user not in buses:
            buses[user] = connect(user)
        outcomes.append(outcome(buses[user], case))
    return outcomes


if __name__ == "__main__":
    print(json.dumps(main(json.load(sys.stdin))))
