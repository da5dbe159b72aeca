# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who of all threads of this machine used the processors when, as a picture (SVG): stacked, from the first bottleneck to the last wait.

Looks at what the scheduler has counted of each thread (proc(5), /proc/PID/task/TID/schedstat: nanoseconds) some fifty times a second. Each look
costs a millisecond or two; that is shown too, as the measurement.
"""

import os
import re
import threading
import time
from html import escape

INTERVAL = 0.02
WIDTH, LEFT, TOP, HEIGHT, LINE = 1000, 60, 40, 240, 18
# Groups in the order in which they are stacked: a name, a colour, and which threads: by process and thread. The first that matches.
GROUPS = [
    ("layer: inflate, parse, build trees, rename", "#4e79a7", r"sysconsd-worker/layer"),
    ("writer: hash and write objects", "#f28e2b", r"sysconsd-worker/writer"),
    ("tar-hash: diff_id", "#76b7b2", r"sysconsd-worker/tar-hash"),
    ("blob: receive, hash of the blob", "#59a14f", r"sysconsd-worker/blob"),
    ("checkout", "#b07aa1", r"sysconsd-worker/checkout"),
    ("worker: the rest", "#9c755f", r"(sysconsd-worker|sysconsd-toml|runc)/|/\(d-worker\)"),
    ("daemon, client, bus, systemd", "#e15759", r"(sysconsd|sysconsctl|dbus-daemon|systemd[^/]*|\([^/]*\))/"),
    ("the disk: kernel threads", "#bab0ac", r"(kworker|jbd2|loop)[^/]*/"),
    ("the registry", "#edc948", r"docker-registr[^/]*/"),
]
REST = ("others, and this measurement", "#e8e8e8")


def group_of(name):
    return next((label for label, _, pattern in GROUPS if re.search(pattern, name)), REST[0])


def read(path):
    with open(path, encoding="ascii", errors="replace") as file:
        return file.read()


class Timeline:
    """A context; afterwards `samples` is a list of (seconds since the beginning, {group: processors used})."""

    def __init__(self):
        self.samples, self.groups = [], {}
        self.ended = threading.Event()

    def __enter__(self):
        self.used, self.last = self.look(), time.monotonic()
        self.begin = self.last
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()

    def group(self, pid, tid):
        if (pid, tid) not in self.groups:
            self.groups[pid, tid] = group_of(read(f"/proc/{pid}/comm").strip() + "/" + read(f"/proc/{pid}/task/{tid}/comm").strip())
        return self.groups[pid, tid]

    def look(self):
        used = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                for tid in os.listdir(f"/proc/{pid}/task"):
                    used[pid, tid] = int(read(f"/proc/{pid}/task/{tid}/schedstat").split()[0])
            except OSError:
                continue  # it has just ended
        return used

    def watch(self):
        while not self.ended.wait(INTERVAL):
            used, now = self.look(), time.monotonic()
            sample = {}
            for thread, nanoseconds in used.items():
                spent = nanoseconds - self.used.get(thread, 0)
                if spent <= 0:
                    continue
                try:
                    # A thread gets its name some time after its first instruction.
                    if thread not in self.used:
                        self.groups.pop(thread, None)
                    label = self.group(*thread)
                except OSError:
                    continue
                sample[label] = sample.get(label, 0) + spent / 1e9 / (now - self.last)
            self.samples.append((self.last - self.begin, now - self.begin, sample))
            self.used, self.last = used, now

    # ---- the picture

    def svg(self, title):
        end = self.samples[-1][1]
        scale, processors = (WIDTH - LEFT - 10) / end, os.cpu_count()
        labels = [(label, colour) for label, colour, _ in GROUPS] + [REST]
        total = {label: sum((until - since) * sample.get(label, 0) for since, until, sample in self.samples) for label, _ in labels}
        bottom = TOP + HEIGHT
        out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{bottom + 50 + LINE * len(labels)}" font-family="sans-serif" font-size="12">',
               '<rect width="100%" height="100%" fill="white"/>', f'<text x="{LEFT}" y="20" font-size="14">{escape(title)}</text>']
        for since, until, sample in self.samples:
            level = bottom
            for label, colour in labels:
                tall = min(sample.get(label, 0) * HEIGHT / processors, level - TOP)
                if tall >= 0.1:
                    level -= tall
                    out.append(f'<rect x="{LEFT + since * scale:.1f}" y="{level:.1f}" width="{(until - since) * scale:.1f}" height="{tall:.1f}" fill="{colour}"/>')
        for processor in range(processors + 1):
            y = bottom - processor * HEIGHT / processors
            out.append(f'<path d="M{LEFT} {y}H{WIDTH - 10}" stroke="#888" stroke-width="0.5"/><text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{processor} CPU</text>')
        for tenth in range(0, int(end * 10) + 1, 2):
            out.append(f'<text x="{LEFT + tenth / 10 * scale:.1f}" y="{bottom + 16}" text-anchor="middle">{tenth / 10:.1f} s</text>')
        for i, (label, colour) in enumerate(labels):
            y = bottom + 36 + i * LINE
            out.append(f'<rect x="{LEFT}" y="{y - 10}" width="12" height="12" fill="{colour}"/><text x="{LEFT + 20}" y="{y}">{escape(label)}: {total[label]:.2f} s</text>')
        return "\n".join(out + ["</svg>", ""])
