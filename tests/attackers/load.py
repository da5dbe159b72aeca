# SPDX-License-Identifier: LGPL-2.1-or-later
"""Many clients at once, of root, of alice, who may do everything, and of carol, who may do nothing: they call what reads, start jobs, cancel
their own, and vanish in the middle. Then, when all is quiet: has every job ended, once?

    load.py SECONDS CLIENTS [SEED]

Prints what came of it, as JSON. Needs the containers hello and other.
"""

import collections
import json
import os
import pwd
import random
import select
import signal
import sys
import threading
import time

from dbuswire import INTERACTIVE, Bus, Gone, Refused

NAME, ROOT, PROPERTIES = "org.sysconsd1", "/org/sysconsd1", "org.freedesktop.DBus.Properties"
MANAGER, CONTAINER, IMAGE, JOB = (f"{NAME}.{kind}" for kind in ("Manager", "Container", "Image", "Job"))
HELLO = "localhost:5000/hello"
PATIENCE = 300  # seconds after which an answer counts as none
LEAST_JOBS, ATTEMPTS = 100, 4


class Observer(threading.Thread):
    """Hears of every job: how often it began and ended."""

    def __init__(self):
        super().__init__(daemon=True)
        self.bus, self.ends = Bus(), collections.defaultdict(list)
        self.new, self.finished, self.stopping = [], collections.Counter(), False
        for interface in (MANAGER, JOB):
            self.bus.call("/org/freedesktop/DBus", "org.freedesktop.DBus", "AddMatch", "s", [f"type='signal',sender='{NAME}',interface='{interface}'"],
                          destination="org.freedesktop.DBus")
        self.start()

    def run(self):
        while not self.stopping:
            message = self.bus.receive(0.5)
            if message is None:
                continue
            if message.member == "JobNew":
                self.new.append(message.body[0])
            elif message.member == "JobRemoved":
                self.ends[message.body[0]].append(message.body[1])
            elif message.member == "Finished":
                self.finished[message.path] += 1

    def unfinished(self):
        return sorted(set(self.new) - set(self.ends))


class Client:
    def __init__(self, chance, images, counts):
        self.random, self.images, self.counts = chance, images, counts
        self.job = None
        self.connect()

    def connect(self):
        self.bus, self.waiting = Bus(), None

    def send(self, kind, path, interface, member, signature="", body=(), **more):
        self.waiting = (self.bus.send(path, interface, member, signature, body, **more), kind, time.monotonic())

    def next(self):
        """The next thing to do; now and then it is not waited for."""
        pick = self.random.random()
        if self.job is not None and pick < 0.6:
            if pick < 0.1:
                self.send("cancel", self.job, JOB, "Cancel", "a{sv}", [[]])
            else:
                self.send("state", self.job, PROPERTIES, "Get", "ss", [JOB, "State"])
        elif pick < 0.4:
            self.send("read", *self.random.choice((
                (ROOT, MANAGER, "ListJobs"), (ROOT, MANAGER, "ListLayers"), (ROOT, MANAGER, "GetPolicy"), (ROOT, MANAGER, "GetContainer", "s", ["hello"]),
                (ROOT, MANAGER, "GetImage", "s", [HELLO]), (ROOT, PROPERTIES, "GetAll", "s", [MANAGER]),
                (f"{ROOT}/container/hello", PROPERTIES, "GetAll", "s", [CONTAINER]), (f"{ROOT}/container/hello", CONTAINER, "GetValues"),
                (self.random.choice(self.images), IMAGE, "DescribeVariables"), (ROOT, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects"),
                (ROOT, "org.freedesktop.DBus.Introspectable", "Introspect"))))
        elif self.job is None:
            self.start_job()
        else:
            self.send("read", ROOT, MANAGER, "ListJobs")
        if self.random.random() < 0.02:
            self.counts["vanished"] += 1
            self.bus.close()
            self.job = None
            self.connect()

    def start_job(self):
        container, picture = f"{ROOT}/container/{self.random.choice(('hello', 'other'))}", self.random.choice(self.images)
        disconnect = [("cancel-on-disconnect", ("s", "yes"))] if self.random.random() < 0.3 else []
        verbs = [(container, CONTAINER, verb, "a{sv}", [disconnect]) for verb in ("Start", "Stop", "Restart", "Rollback")]
        self.send("job", *self.random.choice((
            *verbs, (container, CONTAINER, "Update", "a{sv}", [[("pull", ("s", "never")), *disconnect]]),
            (ROOT, MANAGER, "Pull", "sa{sv}", [HELLO, disconnect]), (ROOT, MANAGER, "Pull", "sa{sv}", ["localhost:5000/nothing", disconnect]),
            (ROOT, MANAGER, "Install", "sa{sv}", [HELLO, disconnect]), (ROOT, MANAGER, "Prune", "a{sv}", [disconnect]),
            (picture, IMAGE, "Verify", "a{sv}", [disconnect]), (picture, IMAGE, "Tag", "sa{sv}", [f"tag-{self.random.randrange(5)}", [("replace", ("s", "yes"))]]),
            (ROOT, MANAGER, "Plan", "ssa{sv}", ["update", "hello", [("pull", ("s", "never"))]]),
            (ROOT, MANAGER, "Run", "sasa{sv}", [HELLO, ["true"], disconnect]))), flags=INTERACTIVE if self.random.random() < 0.2 else 0)

    def hear(self):
        """What has come; True: the answer is here."""
        while (message := self.bus.receive(0)) is not None:
            self.bus.sort(message)
        self.bus.signals.clear()
        serial, kind, since = self.waiting
        if serial not in self.bus.replies:
            if time.monotonic() - since > PATIENCE:
                raise TimeoutError(f"no answer to a call ({kind})")
            return False
        self.counts["slowest"] = max(self.counts["slowest"], time.monotonic() - since)
        self.waiting = None
        try:
            answer = self.bus.answer(serial)
            self.counts[kind] += 1
        except Refused as refusal:
            self.counts[refusal.error] += 1
            if kind in ("state", "cancel"):
                self.job = None
            return True
        if kind == "job" and answer and isinstance(answer[0], str):
            self.job = answer[0]
        elif kind == "state" and answer[0] in ("done", "failed", "cancelled"):
            self.job = None
        return True


def clients(user, count, until, seed, images):
    """In a process of its own; returns what was counted."""
    account = pwd.getpwnam(user)
    if account.pw_uid != 0:
        os.setgroups([])
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)
    counts = collections.Counter(slowest=0)
    chance = random.Random(seed)
    all_clients = [Client(chance, images, counts) for _ in range(count)]
    while time.monotonic() < until:
        for client in all_clients:
            if client.waiting is None:
                client.next()
        by_socket = {client.bus.socket: client for client in all_clients}
        ready = select.select(list(by_socket), [], [], 1)[0]
        for end in ready:
            if by_socket[end].waiting is not None:
                by_socket[end].hear()
    return counts


def fork(function, *arguments):
    """(pid, the end of a pipe with what the function returns)."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read_end)
        status = 1
        try:
            os.write(write_end, json.dumps(function(*arguments)).encode())
            status = 0
        except BaseException as error:  # noqa: BLE001: told to the parent
            os.write(write_end, json.dumps({"problem": repr(error)}).encode())
        os._exit(status)
    os.close(write_end)
    return pid, read_end


def killed_ones(until, seed, images):
    """Clients that get SIGKILL in the middle of what they do."""
    chance, count = random.Random(seed), 0
    while time.monotonic() < until:
        pid, end = fork(clients, chance.choice(("root", "alice")), 4, time.monotonic() + 600, chance.random(), images)
        time.sleep(chance.random())
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(end)
        count += 1
    return {"killed": count}


def storm(observer, left_alone, jobs=50, cancels=10):
    """So many jobs on one container, most of which wait, and each is cancelled so often; then some that nobody cancels."""
    starter, others = Bus(), [Bus() for _ in range(cancels)]
    path = f"{ROOT}/container/other"
    for cancelled in (True, False):
        serials = [starter.send(path, CONTAINER, ("Start", "Stop")[i % 2], "a{sv}", [[]]) for i in range(jobs if cancelled else left_alone)]
        started = [starter.answer(serial, PATIENCE)[0] for serial in serials]
        if cancelled:
            waiting = [(bus, bus.send(job, JOB, "Cancel", "a{sv}", [[]])) for bus in others for job in started]
            for bus, serial in waiting:
                bus.answer(serial, PATIENCE)
        until = time.monotonic() + PATIENCE
        while set(started) - set(observer.ends):
            assert time.monotonic() < until, f"jobs that do not end: {set(started) - set(observer.ends)}"
            while starter.receive(0.1) is not None:  # their lines come here
                pass
        results = collections.Counter(observer.ends[job][0] for job in started)
        assert set(results) <= ({"cancelled", "done"} if cancelled else {"done"}), results
        assert not cancelled or results["cancelled"] > jobs / 2, results
    for bus in (starter, *others):
        bus.close()
    return jobs * cancels


def main(seconds, count, seed):
    observer = Observer()
    plain = Bus()
    objects = plain.call(ROOT, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")[0]
    images = [path for path, interfaces in objects.items() if IMAGE in interfaces]
    result = {"cancels": storm(observer, 50 if count >= 200 else 10)}
    shares = (("root", count // 3), ("alice", count // 3), ("carol", count - 2 * (count // 3)))
    total, slowest = collections.Counter(), 0
    # again, where a busy machine has let too few of them come to anything
    for attempt in range(ATTEMPTS):
        until = time.monotonic() + seconds
        processes = [fork(clients, user, share, until, f"{seed} {attempt} {user}", images) for user, share in shares]
        processes.append(fork(killed_ones, until, f"{seed} {attempt} killed", images))
        for pid, end in processes:
            with os.fdopen(end) as pipe:
                counts = json.load(pipe)
            os.waitpid(pid, 0)
            assert "problem" not in counts, counts
            slowest = max(slowest, counts.pop("slowest", 0))
            total.update(counts)
        if len(observer.new) >= LEAST_JOBS:
            break
    deadline = time.monotonic() + PATIENCE
    while observer.unfinished():
        assert time.monotonic() < deadline, f"jobs that do not end: {observer.unfinished()}"
        time.sleep(0.1)
    while time.monotonic() < deadline and set(observer.new) - set(observer.finished):
        time.sleep(0.1)
    observer.stopping = True
    observer.join()
    wrong = [job for job in observer.new if len(observer.ends[job]) != 1 or observer.finished[job] != 1]
    assert not wrong and len(observer.new) == len(set(observer.new)), [(job, observer.ends[job], observer.finished[job]) for job in wrong]
    return {**result, "jobs": len(observer.new), "ends": dict(collections.Counter(ends[0] for ends in observer.ends.values())),
            "slowest": round(slowest, 2), **dict(sorted(total.items()))}


if __name__ == "__main__":
    print(f"seed {sys.argv[3] if len(sys.argv) > 3 else 0}", file=sys.stderr, flush=True)
    print(json.dumps(main(float(sys.argv[1]), int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else "0")))
