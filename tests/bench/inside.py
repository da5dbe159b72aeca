# SPDX-License-Identifier: LGPL-2.1-or-later
"""The half of `figures` that runs inside of the test bed, so that no figure holds the way in.

Reads a list of actions, [name, argument...] each, as JSON from the first argument; prints a list of what they returned.
"""

import ctypes
import json
import os
import subprocess
import sys
import threading
import time
import urllib.request

LOOK_INTERVAL = 0.02
# systemd's messages about units, see sd-messages.h
MOMENTS = {"de5b426a63be47a7b6ac3eaac82e2f6f": "stopping", "9d1aaa27d60140bd96365438aad20286": "stopped",
           "7d4958e842da4a758f6c1cdc7b36dcc5": "starting", "39f53479d3a045ac8e11786248231fbf": "started"}


def processor_time():
    """Seconds that the whole test bed has used, systemd and the bus too, but for the registry."""
    def used(group):
        with open(f"/sys/fs/cgroup/{group}/cpu.stat", encoding="ascii") as lines:
            return int(next(line for line in lines if line.startswith("usage_usec")).split()[1]) / 1e6
    return used(".") - used("system.slice/docker-registry.service")


def timed(*command):
    """wall and cpu: of all that it set in motion; process_cpu and peak: of its own process."""
    cpu, begin = processor_time(), time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall, cpu = time.monotonic() - begin, processor_time() - cpu
    if status:
        raise SystemExit(f"{command}: status {status}")
    return {"wall": wall, "cpu": cpu, "process_cpu": usage.ru_utime + usage.ru_stime, "peak": usage.ru_maxrss / 1024}


def shell(command):
    """Preparations."""
    subprocess.run(["sh", "-e", "-c", command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)


def journal(where):
    subprocess.run(["journalctl", "--sync"], check=True)
    return subprocess.check_output(["journalctl", "--quiet", "--output=json", where], text=True)


def memory(unit):
    """Of the unit's main process, in MiB."""
    pid = subprocess.check_output(["systemctl", "show", unit, "--property=MainPID", "--value"], text=True).strip()
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as lines:
        sizes = {words[0]: int(words[1]) / 1024 for words in map(str.split, lines) if words[-1] == "kB"}
    return {"resident": sizes["Rss:"], "proportional": sizes["Pss:"], "dirty": sizes["Private_Dirty:"]}


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.read())
    except OSError:
        return False


def longest_silence(url, ended, result):
    """The longest time from an answer to the next, with a question between that got none."""
    last, failed, longest = time.monotonic(), False, 0.0
    while failed or not ended.is_set():
        if answers(url):
            now = time.monotonic()
            if failed:
                longest = max(longest, now - last)
            last, failed = now, False
        else:
            failed = True
            if time.monotonic() - last > 60:
                raise SystemExit(f"{url} stays silent")
        time.sleep(LOOK_INTERVAL)
    result.append(longest)


def away(unit, url, *command):
    """How long a service is away while the command replaces or restarts it: as systemd tells, and for somebody who asks it."""
    cursor = json.loads(journal("--lines=1"))["__CURSOR"]
    ended, silence = threading.Event(), []
    watcher = threading.Thread(target=longest_silence, args=(url, ended, silence))
    watcher.start()
    try:
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    finally:
        ended.set()
        watcher.join()
    at = {}
    for line in journal(f"--after-cursor={cursor}").splitlines():
        entry = json.loads(line)
        if entry.get("UNIT") == unit and entry.get("MESSAGE_ID") in MOMENTS:
            at[MOMENTS[entry["MESSAGE_ID"]]] = int(entry["__MONOTONIC_TIMESTAMP"]) / 1e6
    if not at.keys() >= {"stopping", "stopped", "started"} or not at["stopping"] < at["stopped"] < at["started"]:
        raise SystemExit(f"{unit} was not restarted: {at}")
    starting = at.get("starting", at["started"])  # a service that is active at once has no such moment
    return {"all": at["started"] - at["stopping"], "stopping": at["stopped"] - at["stopping"], "between": starting - at["stopped"],
            "starting": at["started"] - starting, "silent": silence[0]}


class Bus:
    """The system bus by sd-bus itself, so that a call costs next to nothing on this side."""

    def __init__(self):
        self.library = ctypes.CDLL("libsystemd.so.0")
        self.bus = ctypes.c_void_p()
        self.check("connect", self.library.sd_bus_open_system(ctypes.byref(self.bus)))

    @staticmethod
    def check(what, r):
        if r < 0:
            raise SystemExit(f"{what}: {os.strerror(-r)}")

    def call(self, service, path, interface, member, *strings):
        """Waits for the answer, and throws it away unread."""
        reply, words = ctypes.c_void_p(), [word.encode() for word in (service, path, interface, member)]
        self.check(member, self.library.sd_bus_call_method(self.bus, *words, None, ctypes.byref(reply), b"s" * len(strings),
                                                           *(string.encode() for string in strings)))
        self.library.sd_bus_message_unref(reply)


def used(unit, command):
    """Seconds of CPU that a unit uses while a command of the shell runs."""
    def now():
        with open(f"/sys/fs/cgroup/system.slice/{unit}.service/cpu.stat", encoding="ascii") as lines:
            return int(next(line for line in lines if line.startswith("usage_usec")).split()[1]) / 1e6
    before = now()
    shell(command)
    return now() - before


OURS = ("org.sysconsd1", "/org/sysconsd1")


def listed(rounds):
    """GetManagedObjects: seconds each."""
    bus, result = Bus(), []
    for _ in range(rounds):
        begin = time.monotonic()
        bus.call(*OURS, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")
        result.append(time.monotonic() - begin)
    return result


def asked(interval, least, counting, *pulls):
    """Asks the daemon for a property, and the bus for its id, in turns, an interval apart, while all of the images are pulled, and `least` times at
    least: milliseconds of each answer. counting: so many processes that only count run beside it, with the priority that pulls have."""
    bus, result = Bus(), {"daemon": [], "bus": []}
    counters = [subprocess.Popen(["nice", "-n", "10", "sh", "-c", "while :; do :; done"]) for _ in range(counting)]
    processes = [subprocess.Popen(["sysconsctl", "pull", "--quiet", image], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) for image in pulls]
    due = time.monotonic()
    while len(result["daemon"]) < least or (pulls and all(process.poll() is None for process in processes)):
        time.sleep(max(0, due - time.monotonic()))
        due = max(due + interval, time.monotonic())
        begin = time.monotonic()
        bus.call(*OURS, "org.freedesktop.DBus.Properties", "Get", "org.sysconsd1.Manager", "CheckoutPath")
        middle = time.monotonic()
        bus.call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "GetId")
        result["daemon"].append((middle - begin) * 1000)
        result["bus"].append((time.monotonic() - middle) * 1000)
    for counter in counters:
        counter.kill()
        counter.wait()
    if any(process.wait() for process in processes):
        raise SystemExit("a pull failed")
    return result


ACTIONS = {action.__name__: action for action in (timed, shell, memory, away, used, listed, asked)}

print(json.dumps([ACTIONS[name](*arguments) for name, *arguments in json.loads(sys.argv[1])]))
