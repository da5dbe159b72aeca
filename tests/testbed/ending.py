# SPDX-License-Identifier: LGPL-2.1-or-later
"""How a program ends that has a test bed, or a machine, to take down first."""

import signal
import sys

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
