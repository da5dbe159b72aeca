# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fixtures of the integration tests. They need root, and SYSCONSD_STAGE: where `make install DESTDIR=$SYSCONSD_STAGE` put the product;
SYSCONSD_PLAIN_STAGE, if it is set, is a build without sanitizers, for virtual machines."""

import os
import signal
import time

import pytest
from bed import Bed

_bed_key = pytest.StashKey()


def pytest_configure(config):
    # A test run that is told to end takes its test bed with it, even if it is told again.
    def end(*_):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        pytest.exit("terminated", 143)
    signal.signal(signal.SIGTERM, end)
    # A shell starts what runs in the background with these ignored, and so would be all that is started here; clients honour that.
    for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGQUIT, signal.SIG_DFL), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, usual)


# Several test beds share the files, one after the other: what takes long must not be what all wait for at the end.
LONGEST = ("test_vm.py", "test_package.py", "test_images.py", "test_takeover.py", "test_features.py", "test_recovery.py", "test_hostile_image.py",
           "test_user.py", "test_trust.py", "test_change.py")


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


@pytest.fixture(scope="session")
def stage():
    place = os.environ.get("SYSCONSD_STAGE", "")
    if not os.path.isdir(place):
        pytest.exit(f"SYSCONSD_STAGE='{place}' is no folder: make install DESTDIR=FOLDER, and say SYSCONSD_STAGE=FOLDER", 2)
    return place


@pytest.fixture(scope="session")
def plain_stage(stage):
    """The product as hosts have it, if there is one: on an emulated processor sanitizers take minutes for what takes seconds."""
    return os.environ.get("SYSCONSD_PLAIN_STAGE", stage)


@pytest.fixture(scope="session")
def session_bed(stage, pytestconfig):
    with Bed(f"tests-{os.getpid()}", "--stage", stage) as bed:
        pytestconfig.stash[_bed_key] = bed
        # Updates are many here, and each waits so long for its verdict.
        bed.write("/etc/sysconsd.conf.d/10-tests.conf", "[Container]\nSettlingTime=1\nStartTimeout=20\n")
        bed.start_registry()
        bed.push()
        yield bed
        del pytestconfig.stash[_bed_key]


@pytest.fixture
def bed(session_bed):
    """A running system with the product, a registry with all images (hello:latest is version 1, etcd:latest too), and the users alice,
    carol and bob, who is in the group sudo; each one's password is the name. What a test installs is uninstalled after it."""
    session_bed.push("hello:latest=hello:1", "etcd:latest=etcd:1")
    yield session_bed
    session_bed.polkit_rules("")
    outputs = [session_bed.sysconsctl("uninstall", name, check=False) for name in session_bed.containers()]
    left = session_bed.containers()
    for name in left:
        session_bed.remove_by_hand(name)
    session_bed.run("systemctl reset-failed")
    assert not left, f"these could not be uninstalled: {left}\n" + "\n".join(o.stdout + o.stderr for o in outputs)


@pytest.fixture
def ssh(session_bed):
    """What root says behind -H to be alice on another host, which is this one."""
    session_bed.run(
        "mkdir -p -m 700 /root/.ssh /home/alice/.ssh && rm -f /root/.ssh/id && ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id && "
        "cp /root/.ssh/id.pub /home/alice/.ssh/authorized_keys && chown -R alice: /home/alice/.ssh && "
        "printf 'Host localhost\\n  IdentityFile /root/.ssh/id\\n  StrictHostKeyChecking no\\n  LogLevel ERROR\\n' >/root/.ssh/config && "
        "systemctl start ssh")
    yield "alice@localhost"
    session_bed.run("systemctl stop ssh; rm -rf /root/.ssh /home/alice/.ssh")


@pytest.fixture(autouse=True)
def _journal_mark(request):
    request.node.journal_mark = time.time()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    report = (yield).get_result()
    bed = item.config.stash.get(_bed_key, None)
    if report.failed and bed:
        try:
            text = bed.journal(f"--since=@{getattr(item, 'journal_mark', 0):.6f}")
        except AssertionError as error:  # a test bed that does not run any more has no journal to ask for
            text = str(error)
        report.sections.append((f"journal of the test bed during {report.when}", text))
