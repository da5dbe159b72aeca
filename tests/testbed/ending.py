# SPDX-License-Identifier: LGPL-2.1-or-later
"""How a program ends that has a test bed, or a machine, to take down first."""

import os
import signal
import sys
from contextlib import contextmanager

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def end_when_told():
    """Exits as the shell tells of a signal, with all that is cleaned up on the way. Being told again does not interrupt that: who ends a
    group of processes, by `timeout` for one, tells some of them twice."""
    def end(number, _):
        for ended in ENDING:
            signal.signal(ended, signal.SIG_IGN)
        sys.exit(128 + number)
    for ended in ENDING:
        signal.signal(ended, end)


@contextmanager
def not_now():
    """What begins in here is not interrupted half-way: who is told to end meanwhile does so afterwards. For what has to be noted before it
    can be cleaned up, as a process that was just started."""
    told = []
    handlers = {number: signal.signal(number, lambda number, _: told.append(number)) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if told:
            os.kill(os.getpid(), told[0])
