# SPDX-License-Identifier: LGPL-2.1-or-later
"""Commands in containers, and in containers made for them alone: with input and output, a terminal, signals, and nothing left behind."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import pytest
from bed import CHECKOUT, TESTBED, wait_until
from sysconsbus import ROOT, Refused, call, get, options, wait_done, wait_over
from test_recovery import FAILPOINT, fail_at, settled_jobs

HELLO = "localhost:5000/hello"
BUSYBOX = "localhost:5000/busybox"
ONCE = "localhost:5000/once"


def units(bed):
    return bed.output("systemctl list-units --all --plain --no-legend 'sysconsd-run-*' | awk '{print $1}'").split()


def containers(bed, runtime="runc"):
    return [c["id"] for c in json.loads(bed.output([runtime, "list", "-f", "json"]) or "null") or []]


def folders(bed):
    return bed.output(f"ls -A {CHECKOUT}/.sysconsd/run 2>/dev/null || true").split()


def nothing_left(bed):
    """no unit, no folder, no container, no control group of a command"""
    if not settled_jobs(bed) or units(bed) or folders(bed):
        return False
    # Control groups of others go while they are looked for.
    return not [c for c in containers(bed) if c.startswith("sysconsd-run")] and \
        bed.output("find /sys/fs/cgroup -type d -path '*sysconsd-run*' 2>/dev/null || true") == ""


@pytest.fixture
def hello(bed):
    """Version 1 of the greeter, which does not run."""
    bed.sysconsctl("install", "--pull=always", "--set", "PORT=8082", HELLO)  # whatever version others have left of it
    yield bed
    bed.run(["rm", "-f", FAILPOINT])
    wait_until(lambda: nothing_left(bed))


@pytest.fixture
def running(hello):
    hello.systemctl("start", "hello")
    hello.wait_http(8082)
    return hello


class Client:
    """A sysconsctl that goes on while the test does other things. Its process inside is `pid`."""

    def __init__(self, bed, *words, user=None, **streams):
        self.bed = bed
        self.pid_file = f"/tmp/client-{time.monotonic_ns()}.pid"
        who = ["-u", user] if user else []
        command = [TESTBED, "exec", *who, bed.name, "sh", "-c", f'echo $$ >{self.pid_file}.new; mv {self.pid_file}.new {self.pid_file}; exec "$@"', "sh",
                   "sysconsctl", *words]
        self.process = subprocess.Popen(command, **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams})

    @property
    def pid(self):
        wait_until(lambda: self.bed.exists(self.pid_file))
        return self.bed.read(self.pid_file).strip()

    def send(self, name):
        self.bed.run(["kill", f"-{name}", self.pid])

    def end(self, timeout=60):
        """Exit status, output, errors."""
        out, err = self.process.communicate(timeout=timeout)
        return self.process.returncode, (out or b"").decode(), (err or b"").decode()


class Terminal:
    """A client on a terminal of the machine that the tests run on."""

    def __init__(self, bed, *words, size=(33, 99), user=None):
        self.master, self.slave = pty.openpty()
        self.resize(*size)
        self.before = termios.tcgetattr(self.slave)
        self.client = Client(bed, *words, user=user, stdin=self.slave, stdout=self.slave, stderr=self.slave, start_new_session=True,
                             preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        self.heard = ""
        self.is_ours = user is None  # systemd, which starts a session for a user, sets a terminal as it likes

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def expect(self, text, timeout=30):
        end = time.monotonic() + timeout
        while text not in self.heard:
            left = end - time.monotonic()
            assert left > 0, f"not heard: {text!r}, but {self.heard!r}"
            if select.select([self.master], [], [], left)[0]:
                self.heard += os.read(self.master, 4096).decode(errors="replace")
        before, self.heard = self.heard.split(text, 1)
        return before

    def expect_line(self, text):
        """Up to its "\\r". runc tells the inner terminal only after the start that it is not to make "\\r\\n" of "\\n", as the outer one does; a
        shell that was quicker brings that back for each command, and the line ends in "\\r\\r\\n"."""
        return self.expect(text + "\r")

    def type(self, text):
        os.write(self.master, text.encode())

    def is_raw(self):
        return not termios.tcgetattr(self.slave)[3] & (termios.ICANON | termios.ECHO)

    def end(self, timeout=60):
        status = self.client.process.wait(timeout)
        assert termios.tcgetattr(self.slave) == self.before if self.is_ours else not self.is_raw()  # as it was
        os.close(self.slave)
        os.close(self.master)
        return status


def run(bed, *words, stdin=None, user=None):
    return bed.sysconsctl("run", *words, check=False, stdin=stdin, user=user)


def outcome(result):
    return result.returncode, result.stdout, result.stderr


# ---- where a command runs


def test_in_a_running_container(running):
    bed = running
    result = run(bed, "hello", "sh", "-c", "hostname; ps; cat; echo oops >&2; exit 7", stdin="input\n")
    assert result.returncode == 7 and result.stderr == "oops\n"
    assert result.stdout.startswith("hello\n") and "{hello} /bin/sh" in result.stdout and result.stdout.endswith("input\n")
    assert "container-hello" in run(bed, "hello", "cat", "/proc/self/cgroup").stdout
    # words arrive as they are
    words = ["$HOME", "${PATH} $$", "100%n", "a b", "'\"\\", "", "line\nline", "-x", "é"]
    assert run(bed, "hello", "printf", "<%s>", *words).stdout == "".join(f"<{w}>" for w in words)
    assert outcome(run(bed, "hello", "--", "sh", "-c", "kill -KILL $$")) == (137, "", "")
    assert "nosuch" in run(bed, "hello", "nosuch").stderr
    assert bed.is_active("hello")


def test_beside_a_container_that_does_not_run(hello):
    bed = hello
    client = Client(bed, "run", "hello", "sh", "-c", "hostname; cat /proc/self/cgroup; echo $PORT; cat; exit 9", stdin=subprocess.PIPE)
    unit = wait_until(lambda: units(bed))[0]
    assert unit.startswith("sysconsd-run-") and wait_until(lambda: bed.is_active(unit))
    assert not bed.is_active("hello") and folders(bed) == [unit.removesuffix(".service")]
    wait_until(lambda: containers(bed) == [unit.removesuffix(".service")])
    assert "container-" in bed.output(f"systemctl status {unit} | grep -A9 CGroup")
    client.process.stdin.write(b"to the end")
    status, out, _ = client.end()
    assert status == 9 and out.startswith("hello\n") and f"/{unit}/" in out and out.endswith("8082\nto the end")
    wait_until(lambda: nothing_left(bed))
    # its files are those of the container, not copies
    inode = bed.output(f"stat -c %i {CHECKOUT}/hello/rootfs/bin/busybox")
    assert run(bed, "hello", "ls", "-i", "/bin/busybox").stdout.split()[0] == inode
    for key in ("--set=PORT=1", "--name=other"):
        refused = run(bed, key, "hello", "true")
        assert refused.returncode == 1 and "is for images" in refused.stderr


def test_of_an_image(bed):
    bed.run(["rm", "-rf", "/run/guest", "/var/lib/guest"])
    result = run(bed, "--name", "guest", "--set", "RECEIVER=Mars", HELLO, "sh", "-c", "echo $RECEIVER on $(hostname); ls /run/hello; exit 4")
    assert (result.returncode, result.stdout) == (4, "Mars on guest\n")
    assert bed.output("stat -c '%F %a' /run/guest /var/lib/guest") == "directory 700\ndirectory 700"  # a bind mount needs its source
    # its own command, which ends when it is told to
    client = Client(bed, "run", BUSYBOX)
    line = client.process.stdout.readline()
    assert line == b"hello from the default\n"
    client.send("TERM")
    assert client.end()[0] == 0
    wait_until(lambda: nothing_left(bed))
    assert bed.containers() == [] and not bed.exists("/etc/systemd/system/guest.service")
    unknown = run(bed, "localhost:5000/nosuch", "true")
    assert unknown.returncode != 0 and "nosuch" in unknown.stderr
    bed.run(["rm", "-rf", "/run/guest", "/var/lib/guest"])


def test_image_that_runs_once(bed):
    """Label atomic.run=once: nothing is installed."""
    for verb in ("install", "run"):
        result = bed.sysconsctl(verb, ONCE, stdin="input\n", check=False)
        assert result.returncode == 3 and result.stdout.endswith("once\ninput\n")
        wait_until(lambda: nothing_left(bed))
        assert bed.containers() == [] and not bed.exists("/etc/systemd/system/once.service")
    with_terminal = Terminal(bed, "install", ONCE)
    with_terminal.expect_line("once")
    with_terminal.type("\4")
    with_terminal.expect("terminal\r\n")
    assert with_terminal.end() == 3


def test_with_another_runtime(hello):
    bed = hello
    crun = ["--runtime", "/usr/local/sbin/crun"]
    result = run(bed, *crun, "hello", "sh", "-c", "cat; cat /proc/self/cgroup; exit 6", stdin="input\n")
    assert result.returncode == 6 and result.stdout.startswith("input\n") and "sysconsd-run-" in result.stdout
    bed.sysconsctl("install", "--name=other", "--set=PORT=8083", *crun, HELLO)
    bed.systemctl("start", "other")
    bed.wait_http(8083)
    assert outcome(run(bed, "other", "sh", "-c", "hostname; exit 5")) == (5, "other\n", "")
    terminal = Terminal(bed, "run", "other", "sh")
    terminal.expect("# ")
    terminal.type("stty size; exit 8\n")
    terminal.expect_line("33 99")
    assert terminal.end() == 8
    wait_until(lambda: nothing_left(bed))


def test_start(hello):
    """A container without a command is started."""
    bed = hello
    for _ in range(2):  # one that runs already is no error
        assert run(bed, "hello").returncode == 0
        assert bed.is_active("hello")
    bed.polkit_rules('polkit.addRule(function(action, subject) { if (action.id == "org.sysconsd1.control" && subject.user == "alice") '
                     'return polkit.Result.YES; });')
    assert run(bed, "hello", user="alice").returncode == 0
    assert run(bed, "hello", "true", user="alice").returncode == 4


# ---- input and output


def test_a_megabyte_through_pipes(running):
    bed = running
    data = os.urandom(1 << 20)
    client = Client(bed, "run", "hello", "cat", stdin=subprocess.PIPE)
    out, _ = client.process.communicate(data, timeout=60)
    assert client.process.returncode == 0 and out == data
    # files are files, and a device is read for the command
    bed.run("head -c 100000 /dev/zero >/tmp/in; sysconsctl run hello sh -c 'wc -c; echo done >&2' </tmp/in >/tmp/out 2>/tmp/err")
    assert bed.read("/tmp/out") == "100000\n" and bed.read("/tmp/err") == "done\n"
    assert bed.output("sysconsctl run hello wc -c </dev/null") == "0"
    # a reader who goes ends it
    assert bed.output("sysconsctl run hello sh -c 'yes' | head -n 1", timeout=30) == "y"


def test_terminal(running):
    bed = running
    terminal = Terminal(bed, "run", "hello", "sh")
    terminal.expect("# ")
    assert terminal.is_raw()
    terminal.type("stty size\n")
    terminal.expect_line("33 99")
    terminal.resize(44, 111)
    terminal.client.send("WINCH")  # the kernel sends it to the foreground of this session, which is outside
    wait_until(lambda: not terminal.type("stty size\n") and "44 111" in terminal.expect("# "))
    terminal.type("sleep 600\n")
    terminal.expect_line("sleep 600")
    wait_until(lambda: "sleep 600" in bed.output("ps -eo args"))
    terminal.type("\3")  # goes to the command, not to the client
    terminal.expect("# ")
    terminal.type("exit 12\n")
    assert terminal.end() == 12
    # without one: output that is a terminal stays the session's own
    terminal = Terminal(bed, "run", "-T", "hello", "sh", "-c", "[ -t 1 ] || echo none; exit 2")
    terminal.expect("none\r\n")
    assert terminal.end() == 2
    assert "tty" in run(bed, "--tty", "hello", "sh", "-c", "[ -t 0 ] && echo tty").stdout


def test_signals(running):
    bed = running
    for name, number in (("TERM", 15), ("INT", 2), ("HUP", 1), ("USR1", 10)):
        client = Client(bed, "run", "hello", "sh", "-c", f"trap 'echo {name}; exit 2{number}' {name}; echo ready; while :; do sleep 0.1; done")
        assert client.process.stdout.readline() == b"ready\n"
        client.send(name)
        assert client.end()[:2] == (int(f"2{number}"), f"{name}\n")
    # one that does not want to hear is ended in the end
    client = Client(bed, "run", "hello", "sh", "-c", "trap '' TERM INT; echo ready; while :; do sleep 0.1; done")
    assert client.process.stdout.readline() == b"ready\n"
    # of signals that come while one is pending the kernel keeps one
    wait_until(lambda: bed.run(["kill", "-INT", client.pid], check=False).returncode != 0 or client.process.poll() is not None)
    assert client.end()[0] == 130
    wait_until(lambda: nothing_left(bed) and "trap '' TERM" not in bed.output("ps -eo args"))


def test_signal_before_the_daemon_has_heard_that_it_runs(hello):
    """It is the command's all the same, and does not cancel the job."""
    bed = hello
    bed.write(FAILPOINT, "run-folder wait\n")
    daemon = bed.output("systemctl show -P MainPID sysconsd")
    client = Client(bed, "run", "hello", "sh", "-c", "trap 'echo heard; exit 7' INT; echo ready; while :; do sleep 0.1; done")
    try:
        wait_until(lambda: any(unit.startswith("sysconsd-job") for unit in bed.output(
            "systemctl list-units --plain --no-legend 'sysconsd-job-*' | awk '{print $1}'").split()) and folders(bed))
        bed.run(["kill", "-STOP", daemon])
        bed.write(f"{FAILPOINT}.go", "")
        assert client.process.stdout.readline() == b"ready\n"
        client.send("INT")
        # the client has taken it and asked, and sleeps; what the worker has said waits beside the question
        wait_until(lambda: re.search(r"State:\tS.*^ShdPnd:\t0+$", bed.read(f"/proc/{client.pid}/status"), re.S | re.M))
    finally:
        bed.run(["kill", "-CONT", daemon])
        bed.run(["rm", "-f", FAILPOINT, f"{FAILPOINT}.go"])
    assert client.end() == (7, "heard\n", "")


def test_pins_the_files_that_it_runs_on(hello):
    bed = hello
    client = Client(bed, "run", "hello", "sh", "-c", "echo ready; read word; cat /etc/hello-version", stdin=subprocess.PIPE)
    assert client.process.stdout.readline() == b"ready\n"
    bed.sysconsctl("update", "--pull=never", "--set=PORT=8083", "hello")  # into the other slot
    for words in (["update", "--pull=never", "--set=PORT=8084", "hello"], ["uninstall", "hello"]):
        refused = bed.sysconsctl(*words, check=False)
        assert refused.returncode == 1 and "A command runs on the files of the deployment hello.0 (sysconsd-run-" in refused.stderr
    assert "A command runs on" in json.loads(bed.sysconsctl("plan", "uninstall", "--json", "hello", check=False).stdout)["conflicts"][0]
    client.process.stdin.write(b"go on\n")
    client.process.stdin.flush()
    assert client.end()[:2] == (0, "1\n")
    bed.sysconsctl("update", "--pull=never", "--set=PORT=8084", "hello")
    # one that was killed pins nothing
    client = Client(bed, "run", "hello", "sh", "-c", "echo ready; sleep 600")
    assert client.process.stdout.readline() == b"ready\n"
    job = json.loads(bed.sysconsctl("jobs", "--json").stdout)[-1]["job"]
    bed.systemctl("kill", "--signal=KILL", f"sysconsd-job-{job}.service")
    assert client.end()[0] != 0
    bed.sysconsctl("uninstall", "hello")


# ---- who may


def test_unprivileged_caller(running):
    bed = running
    refused = run(bed, "hello", "id", user="alice")
    assert refused.returncode == 4 and "org.sysconsd1.run" in refused.stderr
    bed.polkit_rules('polkit.addRule(function(action, subject) { if (action.id == "org.sysconsd1.run" && subject.user == "alice" && '
                     'action.lookup("container") == "hello") return polkit.Result.YES; });')
    assert outcome(run(bed, "hello", "sh", "-c", "cat; exit 3", user="alice", stdin="mine")) == (3, "mine", "")
    terminal = Terminal(bed, "run", "hello", "sh", "-c", "[ -t 0 ] && stty size", user="alice")
    # how the line ends depends on what her session, which systemd starts on the same terminal, has set it to by then; it is not ours
    terminal.expect("33 99\r")
    assert terminal.end() == 0
    assert run(bed, "--runtime", "crun", "hello", "id", user="alice").returncode == 4  # configure
    assert run(bed, HELLO, "id", user="alice").returncode == 4  # no container
    # an image that he may run, but not by the name of somebody's container: its templates mount that one's data
    bed.polkit_rules('polkit.addRule(function(action, subject) { if (action.id == "org.sysconsd1.run" && subject.user == "alice") '
                     'return polkit.Result.YES; });')
    named = run(bed, "--name", "hello", HELLO, "id", user="alice")
    assert named.returncode == 4 and "org.sysconsd1.configure" in named.stderr
    # the job of another
    client = Client(bed, "run", "hello", "sh", "-c", "echo ready; sleep 600")
    assert client.process.stdout.readline() == b"ready\n"
    job = json.loads(bed.sysconsctl("jobs", "--json").stdout)[-1]
    assert bed.sysconsctl("cancel", "--no-ask-password", str(job["job"]), user="alice", check=False).returncode == 4
    bed.sysconsctl("cancel", str(job["job"]), check=False)
    assert client.end()[0] == 130


def test_usage(hello):
    bed = hello
    remote = bed.sysconsctl("-H", "root@elsewhere", "run", "hello", "id", check=False)
    assert remote.returncode == 2 and "ssh -t root@elsewhere sysconsctl run hello" in remote.stderr
    for words in (["--json", "run", "hello", "id"], ["--no-wait", "run", "hello", "id"], ["run"], ["run", "-t", "-T", "hello", "id"]):
        assert bed.sysconsctl(*words, check=False).returncode == 2
    assert "COMMAND" in bed.sysconsctl("run", "--help").stdout


def test_on_the_bus(hello):
    """Without the client, and without descriptors: the unit's journal has the output."""
    bed = hello

    def start(*words, subject="hello", values=None):
        return call(bed, ROOT, "Manager", "Run", "sasa{sv}", subject, str(len(words)), *words, *options(values))[0]

    job = start("sh", "-c", "echo said so; exit 3")
    wait_done(bed, job)
    assert get(bed, job, "Job", "Operation") == "run"
    wait_until(lambda: "said so" in bed.journal("-u", f"sysconsd-run-{job.split('/')[-1]}"))
    with pytest.raises(Refused) as refused:
        start("id", values={"stdout": "/etc/motd"})
    assert refused.value.error == "InvalidArgument" and "has type h" in refused.value.message
    empty = start("")
    assert wait_over(bed, empty) == "failed"
    # Commands do not keep others from their turn, but their files stay as long as they run.
    jobs = [start("sh", "-c", "trap 'exit 0' TERM; sleep 600 & wait") for _ in range(6)]
    wait_until(lambda: len(units(bed)) == 6)
    refused = bed.sysconsctl("uninstall", "hello", check=False)
    assert refused.returncode == 1 and "let it end first" in refused.stderr
    for job in jobs:
        call(bed, job, "Job", "Cancel", "a{sv}", "0")
    for job in jobs:
        assert wait_over(bed, job) == "cancelled"
    bed.sysconsctl("uninstall", "hello")


# ---- nothing is left


def sleeping(bed, *words):
    """A client whose command sleeps, and the number of its job."""
    end = "exec sleep 4321" if bed.is_active("hello") else "trap 'exit 0' TERM; sleep 4321 & wait"  # PID 1 needs to be told what to do
    client = Client(bed, "run", *words, "sh", "-c", f"echo ready; {end}")
    assert client.process.stdout.readline() == b"ready\n"
    return client, json.loads(bed.sysconsctl("jobs", "--json").stdout)[-1]["job"]


def gone(bed):
    """nothing left, not even a process"""
    return nothing_left(bed) and "sleep 4321" not in bed.output("ps -eo args")


@pytest.mark.parametrize("where", ["running", "stopped", "image"])
def test_whoever_is_killed_leaves_nothing(hello, where):
    bed = hello
    subject = HELLO if where == "image" else "hello"
    if where == "running":
        bed.systemctl("start", "hello")
        bed.wait_http(8082)
    client, number = sleeping(bed, subject)
    bed.sysconsctl("cancel", str(number), check=False)
    assert client.end()[0] == 130
    wait_until(lambda: gone(bed))
    client, _ = sleeping(bed, subject)
    client.send("KILL")
    client.end()
    wait_until(lambda: gone(bed))
    client, number = sleeping(bed, subject)
    bed.systemctl("kill", "-s", "KILL", f"sysconsd-job-{number}")
    assert client.end()[0] == 1
    wait_until(lambda: gone(bed))
    client, _ = sleeping(bed, subject)
    bed.systemctl("kill", "-s", "KILL", "--kill-whom=main", "sysconsd")
    assert client.end()[0] == 5
    wait_until(lambda: bed.is_active("sysconsd"))
    wait_until(lambda: gone(bed))
    assert bed.is_active("hello") == (where == "running")


@pytest.mark.parametrize("step", ["run-folder", "run-start", "run-ended"])
@pytest.mark.parametrize("action", ["kill", "error"])
def test_worker_that_ends_at_any_point(hello, step, action):
    bed = hello
    fail_at(bed, f"{step} {action}")
    assert run(bed, HELLO, "true").returncode == 1
    bed.run(["rm", "-f", FAILPOINT])
    wait_until(lambda: nothing_left(bed))
    assert run(bed, "hello", "true").returncode == 0


def test_machine_that_goes_down(hello):
    bed = hello
    client, _ = sleeping(bed, HELLO)
    assert folders(bed)
    bed.crash()
    client.end()
    wait_until(lambda: nothing_left(bed))
