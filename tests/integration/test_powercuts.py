# SPDX-License-Identifier: LGPL-2.1-or-later
"""tests/powercuts can only find something if its disks lose what a real one may lose, and nothing else."""

import random
import sys

import pytest
from bed import TESTS

sys.path.insert(0, str(TESTS / "powercuts"))
from disk import ENTRY, FLUSH, HEADER, MAGIC, PIECE, SECTOR, Disk, Log  # noqa: E402

SIZE = 16 * PIECE


def sector(data):
    return data.ljust(SECTOR, b"\0")


def write(place, letter, length=PIECE):
    return sector(ENTRY.pack(place // SECTOR, length // SECTOR, 0, 0)) + letter * length


def flush():
    return sector(ENTRY.pack(0, 0, FLUSH, 0))


REQUESTS = (write(0, b"a"), write(PIECE, b"b"), flush(), write(0, b"c"), write(4 * PIECE, b"d", 8 * PIECE), flush(), write(PIECE, b"e"))


@pytest.fixture
def log(tmp_path):
    with open(tmp_path / "log", "wb") as file:
        file.write(sector(HEADER.pack(MAGIC, 1, len(REQUESTS), SECTOR)) + b"".join(REQUESTS))
        file.truncate(1 << 20)
    log = Log(tmp_path / "log")
    assert log.read_on() == len(REQUESTS)
    yield log
    log.close()


def outcomes(log, path, cut):
    """What may be on the disk after a cut: a letter for each piece, as often as it takes to see all that is possible."""
    found = set()
    for seed in range(300):
        path.write_bytes(b"-" * SIZE)
        disk = Disk(log, path)
        disk.advance(log.flushed(cut))
        disk.lose(cut, random.Random(seed))
        data = path.read_bytes()
        assert len(data) == SIZE and all(data[i:i + PIECE] == data[i:i + 1] * PIECE for i in range(0, SIZE, PIECE))
        found.add(data[::PIECE].decode())
    return found


def test_nothing_is_flushed_yet(log, tmp_path):
    assert {text[:2] for text in outcomes(log, tmp_path / "disk", 2)} == {"--", "a-", "-b", "ab"}


def test_what_was_flushed_stays(log, tmp_path):
    assert outcomes(log, tmp_path / "disk", 3) == {"ab" + 14 * "-"}
    assert {text[:2] for text in outcomes(log, tmp_path / "disk", 5)} == {"ab", "cb"}
    assert outcomes(log, tmp_path / "disk", 6) == {"cb--" + 8 * "d" + 4 * "-"}
    assert {text[:2] for text in outcomes(log, tmp_path / "disk", 7)} == {"cb", "ce"}


def test_a_request_may_be_torn(log, tmp_path):
    large = {text[4:12] for text in outcomes(log, tmp_path / "disk", 5)}
    assert {8 * "-", 8 * "d"} < large and len(large) > 20
