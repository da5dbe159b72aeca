# SPDX-License-Identifier: LGPL-2.1-or-later
"""Calls everything that sysconsd has on the bus with arguments at random, as whoever runs it, for so many seconds. Prints what came of it, as JSON.

    fuzz.py SECONDS [SEED]

Ends with 1 as soon as the daemon does not answer a plain question any more.
"""

import collections
import itertools
import json
import os
import pty
import random
import re
import socket
import sys
import threading
import time
import xml.etree.ElementTree as ET

from dbuswire import CALL, ERROR, INTERACTIVE, REPLY, SIGNAL, Bus, Gone, Refused, encode, types

NAME, ROOT = "org.sysconsd1", "/org/sysconsd1"
PROPERTIES, MANAGER_OF_OBJECTS = "org.freedesktop.DBus.Properties", "org.freedesktop.DBus.ObjectManager"
PLAIN = ["hello", "other", "web", "nobody", "localhost:5000/hello", "localhost:5000/hello:2", "localhost:5000/etcd", "http:localhost:5000/hello",
         "hello:latest", "localhost:5000/none", "sha256:" + "0" * 64, "0" * 64, "docker-archive:", "docker-archive:x:1", "oci-archive:", "oci-layout:",
         "oci-layout:x", "ostree:x@/srv/repo", "docker:x:1", "podman:x", "localhost:1/x", "/mnt", "/mnt/a", "/media/a", "/srv/a", "/etc", "/usr/bin/runc", "runc",
         "crun", "install", "update", "rollback", "uninstall", "pull", "prune", "start", "PORT", "RECEIVER", "8082", "true", "sleep 1", "user:password",
         '{"default":[{"type":"insecureAcceptAnything"}]}', '{"default":[{"type":"reject"}]}', "{}", ""]
CHOICES = ["no", "yes", "now", "ask", "ignore", "missing", "always", "never", "build", "auto"]
HOSTILE = ["a\nb", "%n%i%%", "../../etc/passwd", "/mnt/../etc", "-rf", "--help", "x" * 300, "x" * 5000, "x" * 100_000, "\x01\x1b[2J", "\x7f", "\u202e", "\u0085",
           "$(id)", "`id`", "'; id; '", '"', "\\", "a b", "é", "${PORT}", "$$", "..", ".", "/", "//", "a/../b", "hello.0", "hello.1", "sshd", "dbus", "-", ".hidden",
           "🙂", "[Service]\nExecStart=/bin/sh", "\t", "A=B", "0", "-1", "18446744073709551616"]
OPTION_TYPES = {"values": "a{ss}", "unset-values": "as", "health-timeout": "u", **dict.fromkeys(
    ("file", "authfile", "output", "terminal", "stdin", "stdout", "stderr", "signals"), "h")}
MOST_JOBS = 40


class Fuzzer:
    def __init__(self, seconds, seed):
        self.until, self.random = time.monotonic() + seconds, random.Random(seed)
        self.bus, self.plain = Bus(), Bus()
        self.counts, self.slowest = collections.Counter(), 0.0
        self.kept = collections.deque(maxlen=64)  # descriptors whose other end shall be there for a while
        self.waiting = collections.deque()
        self.options = {}
        self.look_around()

    # ---- what there is

    def managed(self):
        return self.plain.call(ROOT, MANAGER_OF_OBJECTS, "GetManagedObjects")[0]

    def look_around(self):
        self.objects = self.managed()
        self.paths = [ROOT, *self.objects]
        self.methods = {}  # interface -> [(member, signature)]
        for path in self.paths:
            if self.methods.keys() >= {f"{NAME}.{kind}" for kind in ("Manager", "Container", "Image", "Job")}:
                break
            try:
                document = ET.fromstring(self.plain.call(path, "org.freedesktop.DBus.Introspectable", "Introspect")[0])
            except Refused:  # a job that is forgotten by now
                continue
            for interface in document.findall("interface"):
                self.methods[interface.get("name")] = [
                    (method.get("name"), "".join(a.get("type") for a in method.findall("arg") if a.get("direction") == "in"))
                    for method in interface.findall("method")]

    def known_options(self, path, interface, member, signature):
        """The daemon names them when it is asked with one that it does not know."""
        if member not in self.options:
            body = [self.value(part) for part in types(signature)[:-1]]
            if member == "Plan":
                body = ["install", "localhost:5000/hello"]
            elif member == "Run":
                body = ["hello", []]
            try:
                self.plain.call(path, interface, member, signature, [*[b if t == "as" else "hello" if member != "Plan" else b
                                                                       for t, b in zip(types(signature), body)], [("?", ("s", ""))]])
            except (Refused, TimeoutError) as error:
                found = re.search("known here: (.*)", str(error))
                if not found:
                    return ["name"]
                self.options[member] = found[1].split(", ")
        return self.options.get(member, ["name"])

    # ---- arguments

    def text(self):
        pick = self.random.random()
        if pick < 0.55:
            return self.random.choice(PLAIN)
        if pick < 0.65:
            return self.random.choice(self.paths).rsplit("/", 1)[1].removeprefix("_3").replace("_", "")
        if pick < 0.9:
            return self.random.choice(HOSTILE)
        base = self.random.choice(PLAIN) + self.random.choice(HOSTILE) + self.random.choice(PLAIN)
        cut = self.random.randrange(len(base) + 1)
        return base[cut:] + base[:cut]

    def value(self, kind, depth=0):
        code = kind[0]
        limits = {"y": 8, "n": 15, "q": 16, "i": 31, "u": 32, "x": 63, "t": 64}
        if code in limits:
            return self.random.choice((0, 1, 30, 2 ** limits[code] - 1, self.random.randrange(2 ** limits[code])))
        if code == "b":
            return self.random.randrange(2)
        if code == "d":
            return self.random.choice((0.0, -1.5, float("inf"), float("nan")))
        if code == "s":
            return self.text()
        if code == "o":
            return self.random.choice([*self.paths, "/", f"{ROOT}/job/_31", f"{ROOT}/container/_2e_2e"])
        if code == "g":
            return self.random.choice(("", "s", "a{sv}", "(ii)"))
        if code == "h":
            return 0
        if code == "v":
            return self.variant(depth + 1)
        if code == "a":
            count = self.random.choice((0, 1, 1, 2, 3, 5, 300 if depth == 0 else 1))
            return [self.value(kind[1:], depth + 1) for _ in range(count)]
        return tuple(self.value(part, depth + 1) for part in types(kind[1:-1]))

    def variant(self, depth=0):
        if self.random.random() < 0.05:  # as deep as the bus lets through
            value = ("s", "deep")
            for _ in range(self.random.choice((10, 60))):
                value = ("v", value)
            return value
        kinds = ["s", "u", "b", "as", "a{ss}", "d", "t", "o", "g", "ay", "(si)"] + (["v", "a{sv}", "av"] if depth < 4 else [])
        kind = self.random.choice(kinds)
        return (kind, self.value(kind, depth + 1))

    def descriptor(self):
        """Of any kind. Its other end lives on for a while, or not."""
        kind = self.random.randrange(14)
        ends = ()
        if kind == 0:
            ends = os.pipe()
        elif kind == 1:
            ends = os.pipe()[::-1]
        elif kind == 2:
            ends = [end.detach() for end in socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)]
        elif kind in (3, 4):
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            threading.Thread(target=self.doorkeeper, args=(ours,), daemon=True).start()
            return theirs.detach()
        elif kind == 5:
            ends = pty.openpty()[::-1]
        elif kind == 6:
            memory = os.memfd_create("fuzz")  # not sealed
            os.write(memory, self.random.randbytes(self.random.choice((0, 10, 5000))))
            os.lseek(memory, 0, os.SEEK_SET)
            return memory
        elif kind == 7:
            return os.eventfd(0)
        elif kind == 8:
            return os.pidfd_open(os.getpid())
        else:
            path, flags = ((("/", os.O_RDONLY | os.O_DIRECTORY)), ("/etc/passwd", os.O_PATH), ("/dev/zero", os.O_RDWR), ("/etc/passwd", os.O_RDONLY),
                           ("/dev/null", os.O_WRONLY))[kind - 9]
            return os.open(path, flags)
        if self.random.random() < 0.5:
            if len(self.kept) == self.kept.maxlen:
                os.close(self.kept.popleft())
            self.kept.append(ends[1])
        else:
            os.close(ends[1])
        return ends[0]

    def doorkeeper(self, end):
        """Answers what is asked of a folder, with lies."""
        with end:
            end.settimeout(5)
            try:
                for _ in range(20):
                    if not end.recv(200):
                        return
                    with open("/etc/passwd") as file:
                        socket.send_fds(end, [bytes(random.choice((0, 1, 4, 4, 4, 9)))], [file.fileno()] * random.choice((0, 1, 2, 9)))
            except OSError:
                return

    def dictionary(self, keys, fds):
        """Options as they should be, nearly."""
        entries = []
        for _ in range(self.random.choice((0, 0, 1, 1, 2, 3, 4, 8))):
            key = self.random.choice(keys) if self.random.random() < 0.95 else self.text()
            kind = OPTION_TYPES.get(key, "s")
            if self.random.random() < 0.04:
                value = self.variant()
            elif kind == "h":
                fds.append(self.descriptor())
                value = ("h", len(fds) - 1)
            elif kind == "a{ss}":
                value = (kind, [(self.random.choice(("PORT", "RECEIVER", "RUN_DIRECTORY", self.text())), self.text()) for _ in range(self.random.choice((1, 1, 2, 300)))])
            elif kind == "u":
                value = (kind, self.random.choice((0, 1, 5, 3600, 2 ** 32 - 1)))
            elif kind == "s" and self.random.random() < 0.7:
                value = ("s", self.random.choice(CHOICES))
            else:
                value = (kind, self.value(kind, 1))
            entries.append((key, value))
        if self.random.random() < 0.01:
            entries += [(f"key-{i}", ("s", "")) for i in range(3000)]
        return entries

    # ---- what is done

    def target(self):
        path = self.random.choice(self.paths) if self.random.random() < 0.6 else ROOT
        interfaces = [name for name in self.objects.get(path, {}) if name.startswith(NAME)] or [f"{NAME}.Manager"]
        return path, interfaces[0]

    def call_something(self):
        path, interface = self.target()
        member, signature = self.random.choice(self.methods.get(interface) or self.methods[f"{NAME}.Manager"])
        fds = []
        body = []
        for part in types(signature):
            body.append(self.dictionary(self.known_options(path, interface, member, signature), fds) if part == "a{sv}" else self.value(part))
        if member == "Plan" and self.random.random() < 0.7:
            body[0] = self.random.choice(("install", "update", "pull", "rollback", "uninstall", "prune"))
        self.post(path, interface, member, signature, body, fds)

    def call_wrongly(self):
        path, interface = self.target()
        member, _ = self.random.choice(self.methods.get(interface) or self.methods[f"{NAME}.Manager"])
        signature = "".join(self.random.choice(("s", "u", "v", "as", "a{sv}", "o", "b", "av", "a{ss}", "(sv)")) for _ in range(self.random.randrange(4)))
        path = self.random.choice((path, path + "/x", "/", f"{ROOT}/container/_2e_2e", f"{ROOT}/image/__", f"{ROOT}/job/0"))
        self.post(path, self.random.choice((interface, None, "org.sysconsd1.None", PROPERTIES)), member, signature,
                  [self.value(part) for part in types(signature)], [], order=self.random.choice("<>"))

    def call_standard(self):
        path, interface = self.target()
        member, signature, body = self.random.choice((
            ("Get", "ss", [interface, self.text()]), ("GetAll", "s", [interface]), ("GetAll", "s", [self.text()]),
            ("Set", "ssv", [interface, self.random.choice(("State", "Names", "Version", "Message")), self.variant()])))
        if self.random.random() < 0.3:
            self.post(path, "org.freedesktop.DBus.Introspectable", "Introspect", "", [], [])
        elif self.random.random() < 0.1:
            self.post(ROOT, MANAGER_OF_OBJECTS, "GetManagedObjects", "", [], [])
        else:
            self.post(path, PROPERTIES, member, signature, body, [])

    def send_signal(self):
        """As if systemd, or the bus, had something to say; and answers to what nobody asked."""
        container, job = f"{ROOT}/container/hello", self.random.choice(self.paths)
        unit = "/org/freedesktop/systemd1/unit/" + self.random.choice(("hello_2eservice", "sysconsd_2djob_2d7_2eservice"))
        path, interface, member, signature, body = self.random.choice((
            ("/org/freedesktop/DBus", "org.freedesktop.DBus", "NameOwnerChanged", "sss", [self.random.choice((self.plain.name, ":1.1", NAME)), ":1.1", ""]),
            (unit, PROPERTIES, "PropertiesChanged", "sa{sv}as", ["org.freedesktop.systemd1.Unit", [("ActiveState", ("s", "failed"))], []]),
            (unit, PROPERTIES, "PropertiesChanged", "sa{sv}as", ["org.freedesktop.systemd1.Service", [("Result", ("s", "success"))], []]),
            (unit, PROPERTIES, "PropertiesChanged", "sv", [self.text(), self.variant()]),
            ("/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", "Reloading", "b", [0]),
            ("/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", "UnitRemoved", "so", ["sysconsd-job-7.service", unit]),
            (container, f"{NAME}.Job", "Finished", "sa{sv}", ["done", []]), (job, PROPERTIES, "PropertiesChanged", "sa{sv}as", [f"{NAME}.Job", [], []])))
        kind = self.random.choice((SIGNAL, SIGNAL, SIGNAL, REPLY, ERROR))
        more = {} if kind == SIGNAL else {"reply_to": self.random.randrange(1, 200), "error": "x.y" if kind == ERROR else None}
        try:
            self.bus.send(path, interface, member, signature, body, kind=kind, **more)
        except Gone:  # the bus closes when it sees an answer that nobody waits for, or what came before
            self.lost()
        self.counts["signal"] += 1

    def send_nonsense(self):
        """What the bus itself should not let through, on a connection of its own."""
        with_hello = Bus()
        try:
            data = bytearray(encode(CALL, 2, "sa{sv}", ["localhost:5000/hello", self.dictionary(["name"], [])], path=ROOT, interface=f"{NAME}.Manager",
                                    member="Pull", destination=NAME, flags=self.random.randrange(256)))
            for _ in range(self.random.choice((0, 1, 3))):
                data[self.random.randrange(len(data))] = self.random.randrange(256)
            if self.random.random() < 0.1:
                data = bytearray(encode(CALL, 2, "s", ["x" * self.random.choice((10 ** 6, 2 * 10 ** 7))], path=ROOT, interface=f"{NAME}.Manager",
                                        member=self.random.choice(("GetContainer", "GetImage")), destination=NAME))
            with_hello.send_raw(bytes(data))
            with_hello.receive(0.05)
            self.counts["nonsense"] += 1
        except Gone:
            self.counts["nonsense that the bus refused"] += 1
        finally:
            with_hello.close()

    def vanish(self):
        """In the middle of calls."""
        short = Bus()
        for _ in range(self.random.randrange(1, 6)):
            short.send(ROOT, f"{NAME}.Manager", self.random.choice(("Install", "Pull", "Run")), *self.random.choice((
                ("sa{sv}", ["localhost:5000/hello", []]), ("sasa{sv}", ["hello", ["true"], []]))), flags=INTERACTIVE)
        short.close()
        self.counts["vanished"] += 1

    # ---- going on

    def post(self, path, interface, member, signature, body, fds, **more):
        try:
            serial = self.bus.send(path, interface, member, signature, body, fds[:16] if len(fds) > 16 else fds, **more)
            self.waiting.append((serial, member, time.monotonic()))
        except Gone:
            self.lost()
        finally:
            for fd in fds:
                os.close(fd)
        while len(self.waiting) > 8:
            self.take_answer()

    def lost(self):
        """Something went too far for the bus, which is no matter of the daemon's."""
        self.counts["connection that the bus closed"] += 1
        self.bus.close()
        self.waiting.clear()
        self.bus = Bus()

    def take_answer(self):
        serial, member, since = self.waiting.popleft()
        try:
            # a plan is answered when it is made, which may be behind other jobs
            self.bus.answer(serial, 1 if member == "Plan" else 60)
            self.counts["answered"] += 1
            if os.getuid() != 0 and member not in ("Get", "GetAll", "Introspect", "GetManagedObjects"):
                self.counts[f"answered {member}"] += 1
        except Refused as refusal:
            self.counts[refusal.error] += 1
        except TimeoutError as error:
            if member != "Plan":
                raise TimeoutError(f"{member} has no answer") from error
            self.counts["plan that was not waited for"] += 1
        except Gone:
            self.lost()
        self.slowest = max(self.slowest, time.monotonic() - since if member != "Plan" else 0)

    def still_there(self):
        before = time.monotonic()
        self.plain.call(ROOT, PROPERTIES, "Get", "ss", [f"{NAME}.Manager", "Version"], timeout=30)
        self.slowest = max(self.slowest, time.monotonic() - before)
        self.plain.signals.clear()
        self.bus.signals.clear()

    def keep_jobs_few(self):
        alive = [path for path, interfaces in self.objects.items() if interfaces.get(f"{NAME}.Job", {}).get("State") in ("queued", "running")]
        if len(alive) > MOST_JOBS and os.getuid() == 0:
            for path in alive:
                try:
                    self.plain.call(path, f"{NAME}.Job", "Cancel", "a{sv}", [[]])
                except Refused:  # over by now
                    pass

    def run(self):
        actions = [(self.call_something, 70), (self.call_standard, 10), (self.call_wrongly, 8), (self.send_signal, 5), (self.send_nonsense, 4), (self.vanish, 1)]
        functions, weights = zip(*actions)
        for number in itertools.count():
            if time.monotonic() > self.until and number > 150:  # how busy the machine ever is
                break
            self.random.choices(functions, weights)[0]()
            if number % 100 == 0:
                self.still_there()
                self.look_around()
                self.keep_jobs_few()
        while self.waiting:
            self.take_answer()
        self.still_there()
        return {"actions": number, "slowest": round(self.slowest, 2), **dict(sorted(self.counts.items()))}


if __name__ == "__main__":
    seconds, seed = float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(2 ** 32)
    print(f"seed {seed}", file=sys.stderr, flush=True)
    print(json.dumps(Fuzzer(seconds, seed).run()))
