# SPDX-License-Identifier: LGPL-2.1-or-later
"""The disk of a virtual machine as the power could have left it at any moment, from the disk before and a log of what was written.

The log is qemu's (driver blklogwrites), in the format of Linux's dm-log-writes:
https://docs.kernel.org/admin-guide/device-mapper/log-writes.html. In units of sectors: a header, then for each request a sector that describes it and
the data that it wrote. Numbers are little-endian.
"""

import os
import struct

SECTOR = 512
PIECE = 4096  # what a disk writes as a whole
HEADER, MAGIC = struct.Struct("<QQQI"), 0x6A736677736872
ENTRY = struct.Struct("<QQQQ")  # first sector, sectors, flags, length of a mark
FLUSH, FUA, DISCARD, MARK = 1, 2, 4, 8


class Log:
    def __init__(self, path):
        self.file = os.open(path, os.O_RDONLY)
        self.requests = []  # (first byte on the disk, length, flags, where the data lie in the log)
        self._end = SECTOR

    def close(self):
        os.close(self.file)

    def read_on(self):
        """How many requests there are by now; the file is a sparse one, and has zeros behind them."""
        magic, version, _, size = HEADER.unpack(os.pread(self.file, HEADER.size, 0))
        if (magic, version, size) not in ((MAGIC, 1, SECTOR), (0, 0, 0)):
            raise ValueError("this is no log of writes in sectors of 512 bytes")
        while True:
            header = os.pread(self.file, ENTRY.size, self._end)
            first, count, flags, mark = ENTRY.unpack(header) if len(header) == ENTRY.size else (0, 0, 0, 0)
            if not count and not flags:
                return len(self.requests)
            if mark or flags & MARK:
                raise ValueError("this log has marks")
            self.requests.append((first * SECTOR, count * SECTOR, flags, self._end + SECTOR))
            self._end += SECTOR + (0 if flags & DISCARD else count * SECTOR)

    def writes(self, begin, end):
        """Of these requests: (number, place on the disk, place in the log, length)"""
        for number in range(begin, end):
            place, length, flags, data = self.requests[number]
            if length and not flags & DISCARD:
                yield number, place, data, length

    def flushed(self, cut):
        """All requests before this one were flushed before the power failed at `cut`."""
        while cut and not self.requests[cut - 1][2] & FLUSH:
            cut -= 1
        return cut


def pieces(writes):
    """The same writes, as a disk may carry them out: one piece at a time, each of them or not."""
    for number, place, data, length in writes:
        done = 0
        while done < length:
            step = min(length - done, PIECE - (place + done) % PIECE)
            yield number, place + done, data + done, step
            done += step


class Disk:
    """Grows request by request."""

    def __init__(self, log, path):
        self.log, self.path, self.at = log, path, 0

    def _write(self, writes):
        with open(self.path, "r+b", buffering=0) as disk:
            for _, place, data, length in writes:
                os.pwrite(disk.fileno(), os.pread(self.log.file, length, data), place)

    def advance(self, request):
        assert request >= self.at
        self._write(self.log.writes(self.at, request))
        self.at = request

    def lose(self, cut, chance):
        """The power fails at `cut`. What was flushed is there; of the rest what chance decides, in this manner: nothing; all of it; whole
        requests; pieces of requests. Says what it did."""
        waiting = list(self.log.writes(self.at, cut))
        manner = chance.choice(("nothing", "everything", "requests", "pieces"))
        share = {"nothing": 0, "everything": 1}.get(manner, chance.random())
        if manner == "pieces":
            waiting = list(pieces(waiting))
        kept = [write for write in waiting if chance.random() < share]
        self._write(kept)
        return f"{len(kept)} of {len(waiting)} unflushed {'pieces' if manner == 'pieces' else 'writes'} kept"
