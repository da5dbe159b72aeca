# SPDX-License-Identifier: LGPL-2.1-or-later
"""A script in the worker's place, for what a worker may do and say. Import the fixture `worker`."""

import pytest

WORKER = "/usr/libexec/sysconsd-worker"
PREAMBLE = """#!/usr/bin/python3
import json, os, signal, socket, sys, time
end = socket.socket(fileno=os.dup(0))
os.close(0)
os.open("/dev/null", os.O_RDWR)
request = json.loads(end.recv(1 << 20))
def say(**packet):
    end.send(json.dumps(packet).encode())
"""


@pytest.fixture
def worker(bed):
    """Puts a script in the worker's place."""
    bed.run(["mv", WORKER, f"{WORKER}.real"])
    yield lambda script: bed.write(WORKER, PREAMBLE + script, mode="755")
    bed.run(["mv", f"{WORKER}.real", WORKER])
