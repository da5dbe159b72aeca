# SPDX-License-Identifier: LGPL-2.1-or-later
"""The virtual machine (tests/testbed/vm) as an object, for tests in Python."""

import os
import shutil
import subprocess
from pathlib import Path

from bed import REGISTRY, TESTS, Bed

STATE = Path(os.environ.get("SYSCONSD_VM_STATE", "/var/lib/sysconsd-vm"))
IMAGES = "/var/lib/test-images"


class Machine(Bed):
    """A test bed with a kernel of its own. It has no users but root, and is some ten times slower."""

    program = str(TESTS / "testbed" / "vm")

    def __init__(self, name, stage, scratch, *options):
        """scratch: an empty folder, for what is to be copied into the machine."""
        layout = subprocess.check_output([TESTS / "images" / "build"], text=True).strip()
        shutil.copytree(layout, scratch / "layout")
        shutil.copy(TESTS / "images" / "push", scratch)
        super().__init__(name, "--stage", stage, "--copy", f"{scratch}:{IMAGES}", *options)

    def push(self, *targets):
        targets = ["=".join(reversed(target.split("="))) for target in targets]
        self.run([f"{IMAGES}/push", f"{IMAGES}/layout", REGISTRY, *targets])

    def run(self, command, timeout=300, **options):
        return super().run(command, timeout=timeout, **options)

    def wait_http(self, port, path="/", timeout=60):
        return super().wait_http(port, path, timeout)
