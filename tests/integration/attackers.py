# SPDX-License-Identifier: LGPL-2.1-or-later
"""What tests of attacks have in common: the programs of tests/attackers in a test bed, and what must be as it was after them."""

import json
import os
import re

from bed import CHECKOUT, TESTS, wait_until
from sysconsbus import objects

PLACE = "/srv/attackers"
# How long the fuzzers and the load go on; for much longer runs than CI's.
SECONDS = float(os.environ.get("SYSCONSD_ATTACK_SECONDS", "0"))
SEED = os.environ.get("SYSCONSD_ATTACK_SEED")


def bring_in(bed):
    for program in sorted((TESTS / "attackers").glob("*.py")):
        bed.write(f"{PLACE}/{program.name}", program.read_text())


def calls(bed, cases, timeout=300):
    """The outcomes of call.py; a case is a dict."""
    result = bed.run(["python3", f"{PLACE}/call.py"], stdin=json.dumps(cases), timeout=timeout)
    return json.loads(result.stdout)


def case(path, interface, member, signature="", body=(), **more):
    return {"path": path, "interface": f"org.sysconsd1.{interface}", "member": member, "signature": signature, "body": list(body), **more}


def traces(bed):
    """All that could be changed by somebody who may not: files with what is in them, refs, units, jobs."""
    files = bed.output(f"find /etc /usr/local /opt /mnt /media /run/systemd/system {CHECKOUT} -xdev ! -path '*/.storage/ostree/*' ! -path /etc/polkit-1/rules.d ! -path '*/.sysconsd/lock*' "
                       "-printf '%p %y %m %U %G %l %s %T@\\n' | sort; "
                       "find /etc /usr/local /run/systemd/system -xdev -type f -exec sha256sum {} + | sort", timeout=120)
    refs = bed.output(f"cd {CHECKOUT}/.storage/ostree && find refs -type f -exec sh -c 'echo $1 $(cat $1)' sh {{}} \\; | sort; find objects | wc -l")
    units = bed.output("systemctl list-units --all --no-legend --plain --type=service,mount | awk '/sysconsd-job|sysconsd-run|hello|other/ {print $1, $3}'")
    return files.splitlines() + refs.splitlines() + units.splitlines()


def alive(bed):
    """Paths of the jobs that have not ended."""
    return [path for path, interfaces in objects(bed).items() if interfaces.get("Job", {}).get("State") in ("queued", "running", "cancelling")]


class Health:
    """The daemon's at one time, and what has come of it since. `sanitized`: memory says nothing then."""

    def __init__(self, bed):
        self.bed, self.cursor = bed, bed.cursor()
        self.pid = self._pid()
        self.fds = self._fds()

    def _pid(self):
        return self.bed.output("systemctl show -P MainPID sysconsd")

    def _fds(self):
        return int(self.bed.output(f"ls /proc/{self.pid}/fd | wc -l"))

    def memory(self):
        """KiB: resident, and private and dirty."""
        text = self.bed.read(f"/proc/{self.pid}/smaps_rollup")
        return {name: int(re.search(f"^{name}: +([0-9]+)", text, re.M)[1]) for name in ("Rss", "Private_Dirty")}

    def check(self, spare_fds=2):
        """The same process, nothing crashed, no descriptor too many once all is quiet."""
        wait_until(lambda: not alive(self.bed), 120)
        assert self._pid() == self.pid
        wait_until(lambda: self._fds() <= self.fds + spare_fds, 60)
        journal = self.bed.journal(after=self.cursor)
        bad = [line for line in journal.splitlines() if re.search(
            r"Sanitizer|runtime error|CRITICAL|assertion.*failed|status=6/ABRT|status=11/SEGV|code=dumped|core-dump|broke the protocol", line)]
        assert not bad, "\n".join(bad[:20])
