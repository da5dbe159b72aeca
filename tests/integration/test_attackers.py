# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fuzzers on the bus, and a load of many clients, in a test bed of their own: in CI for some seconds; for longer

    SYSCONSD_ATTACK_SECONDS=600 pytest test_attackers.py

SYSCONSD_ATTACK_SEED repeats a run, as far as the machine allows. What memory is used is told only of a build without sanitizers."""

import json
import os
import random

import pytest
from attackers import PLACE, SECONDS, SEED, Health, alive, bring_in, traces
from bed import Bed, wait_until
from sysconsbus import ROOT, call, get, objects, run, wait_over

HELLO = "localhost:5000/hello"
ALL = """polkit.addRule(function(action, subject) {
        if (subject.user == "alice" && action.id.indexOf("org.sysconsd1.") == 0) return polkit.Result.YES;
});
"""
FORGOTTEN = 65  # seconds after which a job that has ended is forgotten


@pytest.fixture(scope="module")
def arena(stage):
    """Not the others' test bed: who knows what root's fuzzer leaves in it."""
    with Bed(f"arena-{os.getpid()}", "--stage", stage) as bed:
        bed.write("/etc/sysconsd.conf.d/10-tests.conf", "[Container]\nSettlingTime=1\nStartTimeout=10\n[Pull]\nAttempts=1\nStallTimeout=2\n[Daemon]\nMaxJobsPerUser=12\n")
        # A quick machine starts it more often than systemd likes.
        bed.write("/etc/systemd/system/other.service.d/10-tests.conf", "[Unit]\nStartLimitIntervalSec=0\n")
        bed.start_registry()
        bed.push("hello:1", "hello:latest=hello:1", "hello:2")
        bring_in(bed)
        yield bed


@pytest.fixture
def containers(arena):
    for name in arena.containers():
        arena.sysconsctl("uninstall", name, check=False)
    arena.sysconsctl("pull", HELLO)
    for name, port in (("hello", "8082"), ("other", "8083")):
        arena.sysconsctl("install", f"--name={name}", f"--set=PORT={port}", HELLO)
    return arena


def seed():
    return SEED or str(random.SystemRandom().randrange(2 ** 32))


def attack(bed, program, seconds, *words, user=None):
    """Prints the seed, in case it fails, and what came of it."""
    number = seed()
    print(f"{program} of {user or 'root'}, SYSCONSD_ATTACK_SEED={number}")
    result = bed.run(["python3", f"{PLACE}/{program}", str(seconds), *words, number], user=user, timeout=int(seconds) + 900)
    print(result.stdout)
    return json.loads(result.stdout)


def test_fuzzer_of_a_user(containers, is_sanitized):
    bed = containers
    before, health = traces(bed), Health(bed)
    known, warm = set(objects(bed)), health.memory()
    counts = attack(bed, "fuzz.py", SECONDS or 7, user="alice")
    health.check()
    after = health.memory()
    print(f"memory in KiB: {warm} before, {after} after")
    # 20 MB in one message, say: what it took is given back
    assert is_sanitized or after["Private_Dirty"] < warm["Private_Dirty"] + 4096, (warm, after)
    assert traces(bed) == before
    assert set(objects(bed)) <= known
    # whatever was not refused is one of those that read
    assert {key.removeprefix("answered ") for key in counts if key.startswith("answered ")} <= {
        "GetContainer", "GetImage", "GetLookaside", "GetPolicy", "ListJobs", "ListLayers", "DescribeVariables"}
    assert counts["actions"] > 100 and counts["org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"] > 10


def memory_when_quiet(bed, health, is_sanitized):
    """Once ended jobs are forgotten; in CI that would take too long."""
    if SECONDS and not is_sanitized:
        wait_until(lambda: not call(bed, ROOT, "Manager", "ListJobs")[0], FORGOTTEN + 60)
    return health.memory()


@pytest.fixture(scope="module")
def is_sanitized(arena):
    return arena.run("ldd /usr/libexec/sysconsd | grep -q libasan", check=False).returncode == 0


def test_load(containers, is_sanitized):
    """200 clients where there is time for them."""
    bed = containers
    bed.polkit_rules(ALL)
    if SECONDS:  # what it needs once: caches, and room for so many jobs
        attack(bed, "load.py", min(SECONDS / 4, 60), "200")
    health = Health(bed)
    warm = memory_when_quiet(bed, health, is_sanitized)
    counts = attack(bed, "load.py", SECONDS or 6, "200" if SECONDS else "60")
    health.check()
    end = memory_when_quiet(bed, health, is_sanitized)
    print(f"memory in KiB: {warm} warm, {end} in the end; {health.fds} descriptors")
    assert counts["jobs"] >= 100 and counts["vanished"] and counts["killed"]
    if SECONDS and not is_sanitized:
        assert end["Private_Dirty"] < warm["Private_Dirty"] * 1.25 + 1024, (warm, end)
    assert get(bed, ROOT, "Manager", "Version", user="carol")
    bed.polkit_rules("")


LIMITS = r"""
import collections, json, sys
sys.path.insert(0, "/srv/attackers")
from dbuswire import Bus, Gone, Refused
ROOT, MANAGER = "/org/sysconsd1", "org.sysconsd1.Manager"
bus, ends = Bus(), collections.Counter()
# questions that take their time, and more of them than the bus lets wait for an answer
serials = [bus.send(ROOT, MANAGER, "Plan", "ssa{sv}", ["update", "hello", []]) for _ in range(600)]
print("sent", flush=True)
for serial in serials:
    try:
        bus.answer(serial, 120)
        ends["answered"] += 1
    except Refused as refusal:
        ends[refusal.error] += 1
# and more connections than one may have
held = []
try:
    while len(held) < 1000:
        held.append(Bus())
except (Gone, Refused, OSError) as error:
    ends["connections refused: " + getattr(error, "error", "closed")] += 1
for end in held:
    end.send(ROOT, MANAGER, "Plan", "ssa{sv}", ["update", "hello", []])
print(json.dumps([len(held), ends]), flush=True)
sys.stdin.readline()
for end in held:
    end.close()
"""


def test_limits_of_the_bus(containers):
    """Who goes beyond them is told so at once, and nobody else suffers."""
    bed = containers
    bed.polkit_rules(ALL)
    health = Health(bed)
    bed.write(f"{PLACE}/limits.py", LIMITS)
    # as if it were busy with others: it answers nothing meanwhile
    bed.run("systemctl kill --kill-whom=main --signal=STOP sysconsd")
    bed.run("mkfifo /run/limits.in; chmod 666 /run/limits.in; setsid setpriv --reuid=alice --regid=alice --init-groups sh -c "
            f"'exec python3 {PLACE}/limits.py <>/run/limits.in' >/run/limits.out 2>&1 & echo $! >/run/limits.pid", timeout=10)
    try:
        wait_until(lambda: "sent" in bed.read("/run/limits.out"))
        bed.run("systemctl kill --kill-whom=main --signal=CONT sysconsd")
        held, ends = json.loads(wait_until(lambda: [line for line in bed.read("/run/limits.out").splitlines() if line.startswith("[")], 200)[0])
        print(held, ends)
        assert sum(count for key, count in ends.items() if not key.startswith("connections")) == 600
        assert ends["org.freedesktop.DBus.Error.LimitsExceeded"] > 0 and ends["org.sysconsd1.Error.Busy"] > 0, ends
        assert any(key.startswith("connections refused") for key in ends) and held > 100
        for user in (None, "carol"):
            assert get(bed, ROOT, "Manager", "Version", user=user)
        # root's work goes on beside hers
        job = run(bed, "call", "org.sysconsd1", f"{ROOT}/container/hello", "org.sysconsd1.Container", "Stop", "a{sv}", "0")[0]
        assert wait_over(bed, job, 120) in ("done", "cancelled")
    finally:
        bed.run("systemctl kill --kill-whom=main --signal=CONT sysconsd; pkill -u alice -f limits.py; rm -f /run/limits.*", check=False)
        bed.polkit_rules("")
    health.check()


def test_fuzzer_of_root(containers, is_sanitized):
    bed = containers
    health = Health(bed)
    warm = health.memory()
    counts = attack(bed, "fuzz.py", SECONDS or 10)
    for job in alive(bed):
        bed.sysconsctl("cancel", job.rsplit("/", 1)[1], check=False)
    health.check()
    print(f"memory in KiB: {warm} before, {memory_when_quiet(bed, health, is_sanitized)} after")
    assert counts["answered"] > 20
    # and it still does what it is for
    bed.run("rm -f /etc/containers/policy.json")
    for name in bed.containers():
        bed.sysconsctl("uninstall", name)
    bed.sysconsctl("pull", HELLO)
    bed.sysconsctl("install", "--name=hello", "--set=PORT=8082", "--start", HELLO)
    assert bed.is_active("hello")
