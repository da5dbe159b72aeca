# SPDX-License-Identifier: LGPL-2.1-or-later
"""tests/faults knows every failpoint; its runs are commands of their own (tests/faults/README.md)."""

import re

from bed import TESTS


def test_every_failpoint_has_its_case():
    """A new one has to be named in failpoints.py, or here with the test that has it."""
    elsewhere = {
        "restore-check-out", "restore-place", "restored",  # test_features.py
        "describe",  # test_takeover.py
        "build-package",  # test_package.py
        "login-helper",  # test_credentials.py
    }
    text = "".join(path.read_text() for path in (TESTS.parent / "daemon").rglob("*.c"))
    used = set(re.findall(r'sc_failpoint\("([a-z-]+)"', text)) | set(re.findall(r'remove_step\(change, "([a-z-]+)"', text))
    move = (TESTS.parent / "daemon/op/move.c").read_text()
    used |= set(re.findall(r'^        \{"([a-z-]+)", ', move, re.M)) | {"start", "back-start"}
    cases = (TESTS / "faults" / "failpoints.py").read_text()
    assert {name for name in used if f'"{name}"' not in cases} == elsewhere
