# SPDX-License-Identifier: LGPL-2.1-or-later
"""The test bed (tests/testbed) as an object, for tests in Python."""

import functools
import os
import shlex
import subprocess
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
TESTBED = str(TESTS / "testbed" / "testbed")
STATE = Path(os.environ.get("SYSCONSD_TESTBED_STATE", "/var/lib/sysconsd-testbed"))
CHECKOUT = "/var/lib/containers/atomic"
REGISTRY = "127.0.0.1:5000"


class CommandFailed(AssertionError):
    def __init__(self, command, user, result):
        who = f" as {user}" if user else ""
        super().__init__(f"exit status {result.returncode}{who}: {shlex.join(command)}\n"
                         f"--- stdout\n{result.stdout}--- stderr\n{result.stderr}---")


def wait_until(condition, timeout=30, interval=0.05):
    """Calls condition until it answers something true, and returns that."""
    end = time.monotonic() + timeout
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < end, f"not within {timeout} s: {getattr(condition, '__doc__', None) or condition}"
        time.sleep(interval)


@functools.cache
def built(layout):
    """Where a layout of tests/images lies."""
    return subprocess.check_output([TESTS / "images" / "build", layout], text=True).strip()


def hold(bed, name):
    """Keeps the container's lock, so that jobs on it last until release()."""
    lock = f"{CHECKOUT}/.sysconsd/lock/{name}"
    bed.run(f"mkdir -p {CHECKOUT}/.sysconsd/lock; setsid flock {lock} sleep 600 >/dev/null 2>&1 & echo $! >/run/holder.pid", timeout=10)
    wait_until(lambda: bed.run(["flock", "-n", lock, "true"], check=False).returncode != 0)


def release(bed):
    bed.run("pkill -P $(cat /run/holder.pid); rm /run/holder.pid")


class Bed:
    """One test bed, from `up` to `down`; also a context. Commands are a list, or a string for the shell."""

    program = TESTBED
    start_timeout = 600  # the first one builds the root

    def __init__(self, name, *options):
        self.name = name
        self._has_rules = False
        if self.program == TESTBED and "SYSCONSD_COVERAGE" in os.environ:  # tests/coverage: where programs write down what was run
            options = ("--bind", "{0}:{0}".format(os.environ["SYSCONSD_COVERAGE"]), *options)
        self._testbed("up", *options, name, timeout=self.start_timeout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.down()

    def _testbed(self, *arguments, timeout=200):
        result = subprocess.run([self.program, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)
        if result.returncode:
            raise CommandFailed([self.program, *arguments], None, result)
        return result.stdout.strip()

    # ---- life

    def down(self):
        self._testbed("down", self.name)

    def reboot(self):
        """In order: services are stopped."""
        self._testbed("reboot", self.name)

    def crash(self):
        """As when the power fails, and comes back."""
        self._testbed("crash", self.name)
        self._testbed("start", self.name)

    def pid(self):
        """PID 1 of the test bed, as seen from outside."""
        return int(self._testbed("pid", self.name))

    # ---- commands inside

    def run(self, command, user=None, check=True, timeout=60, stdin=None):
        """With a user: in a login session of that user. The result has returncode, stdout and stderr; 124 means timed out."""
        if isinstance(command, str):
            command = ["sh", "-c", command]
        who = ["-u", user] if user else []
        result = subprocess.run([self.program, "exec", *who, self.name, "timeout", "-k", "5", str(timeout), *command], input=stdin or "",
                                capture_output=True, text=True, errors="replace", timeout=timeout + 20)
        if check and result.returncode:
            raise CommandFailed(command, user, result)
        return result

    def output(self, command, **options):
        return self.run(command, **options).stdout.strip()

    def sysconsctl(self, *arguments, **options):
        return self.run(["sysconsctl", *arguments], **options)

    def systemctl(self, *arguments, **options):
        return self.run(["systemctl", *arguments], **options)

    def is_active(self, unit):
        return self.systemctl("is-active", unit, check=False).stdout.strip() == "active"

    def kill_daemon(self):
        """Ends when another one is there: who asks sooner may be connected to the one that dies."""
        before = self.output("systemctl show -P MainPID sysconsd")
        self.systemctl("kill", "--signal=KILL", "sysconsd")
        wait_until(lambda: self.output("systemctl show -P MainPID sysconsd") not in ("0", before))

    def boot_id(self):
        return self.output(["cat", "/proc/sys/kernel/random/boot_id"])

    def containers(self):
        """Names that are installed, by the disk."""
        return self.output(f"find {CHECKOUT} -maxdepth 1 -type l -printf '%f\\n' 2>/dev/null || test ! -e {CHECKOUT}").split()

    def remove_by_hand(self, name):
        """So that a container that cannot be uninstalled spoils no other test."""
        self.run(["sh", "-c", 'systemctl disable --now "$1"; cd "$2" && rm -rf "$1" "$1".[01] ".sysconsd/intent/$1.json"; '
                  'rm -f "/etc/systemd/system/$1.service" "/etc/tmpfiles.d/$1.conf"; systemctl daemon-reload', "sh", name, CHECKOUT])

    # ---- files inside

    def write(self, path, text, mode="644"):
        self.run(["sh", "-c", 'mkdir -p "$(dirname "$1")" && cat >"$1.new" && chmod "$2" "$1.new" && mv "$1.new" "$1"', "sh", path, mode], stdin=text)

    def read(self, path):
        return self.run(["cat", path]).stdout

    def exists(self, path):
        return self.run(["test", "-e", path], check=False).returncode == 0

    # ---- journal

    def cursor(self):
        """Where the journal ends now."""
        return self.output("journalctl -n 0 --show-cursor -q").removeprefix("-- cursor: ")

    def journal(self, *arguments, after=None):
        assert not (arguments and after), "journalctl leaves out the first entry that matches behind a cursor"
        return self.run(["journalctl", "-q", "--no-pager", *([f"--after-cursor={after}"] if after else []), *arguments]).stdout

    # ---- the world around

    def start_registry(self):
        """On 127.0.0.1:5000, also after a reboot."""
        self.systemctl("enable", "--quiet", "--now", "docker-registry")
        self.wait_http(5000, "/v2/")

    def push(self, *targets, layout="images", timeout=200):
        """Images into the registry: "hello:2", or under another name "hello:latest=hello:2"; nothing: all. The layout is one that tests/images
        builds, or a Path."""
        layout = layout if isinstance(layout, Path) else built(layout)
        targets = ["=".join(reversed(target.split("="))) for target in targets]
        self._testbed("net", self.name, str(TESTS / "images" / "push"), str(layout), REGISTRY, *targets, timeout=timeout)

    def http(self, port, path="/"):
        """The answer, or None if there is none."""
        result = self.run(["curl", "-sSf", "--max-time", "10", f"http://127.0.0.1:{port}{path}"], check=False)
        return result.stdout if result.returncode == 0 else None

    def wait_http(self, port, path="/", timeout=20):
        return wait_until(lambda: self.http(port, path), timeout)

    def polkit_rules(self, text):
        """Makes this all the rules of the tests, and waits until polkitd goes by them. An empty text: none."""
        if not text and not self._has_rules:
            return
        path = "/etc/polkit-1/rules.d/50-test.rules"
        self._has_rules = True
        self.systemctl("start", "polkit")
        before = self.cursor()
        if text:
            self.write("/etc/polkit-1/test.rules", text)
            self.run(["mv", "/etc/polkit-1/test.rules", path])
        else:
            self.run(["rm", path])
        wait_until(lambda: "Finished loading" in self.journal(after=before))
        self._has_rules = bool(text)
