# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whoever manages the unit manages the container: on a kernel of its own, with all controllers in control groups v2."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from bed import CHECKOUT, wait_until
from machine import STATE, Machine

HELLO = "localhost:5000/hello"
RUNTIMES = {"runc": "/usr/sbin/runc", "crun": "/usr/bin/crun"}
MIB = 1 << 20


class Container:
    """hello, version 1, installed in the machine."""

    def __init__(self, machine, name, runtime, port):
        self.machine, self.name, self.runtime, self.port = machine, name, RUNTIMES[runtime], port
        self.group = f"/system.slice/{self.name}.service"
        self.drop_in = f"/etc/systemd/system/{self.name}.service.d/limits.conf"
        machine.sysconsctl("install", "--name", self.name, "--runtime", self.runtime, "--set", f"PORT={port}", HELLO)

    def systemctl(self, verb, *arguments, **options):
        return self.machine.systemctl(verb, *arguments, self.name, **options)

    def property(self, name):
        return self.machine.output(["systemctl", "show", "-P", name, self.name])

    def says(self):
        return self.machine.wait_http(self.port)

    def exec(self, *command, **options):
        return self.machine.run([self.runtime, "exec", self.name, *command], **options)

    def processes(self):
        """Those of the unit, as the kernel knows them: {pid: its group}; none if the group is not there."""
        found = {}
        lines = self.machine.output(f"cd /sys/fs/cgroup{self.group} 2>/dev/null || exit 0; grep -r . --include=cgroup.procs || true")
        for line in lines.splitlines():
            folder, pid = line.split("/cgroup.procs:") if "/cgroup.procs:" in line else ("", line.split(":")[1])
            found[int(pid)] = f"{self.group}/{folder}".rstrip("/")
        return found

    def usual_processes(self):
        """The runtime, the shell and httpd: for each request it has one more, for a moment."""
        return wait_until(lambda: len(found := self.processes()) == 3 and found)

    def group_file(self, name):
        return self.machine.read(f"/sys/fs/cgroup{self.group}/{name}").strip()

    def events(self, name, group=""):
        """memory.events, pids.events"""
        return {key: int(value) for key, value in (line.split() for line in self.group_file(f"{group}{name}").splitlines())}

    def limit(self, text):
        self.machine.write(self.drop_in, f"[Service]\n{text}\n")
        self.machine.systemctl("daemon-reload")
        self.systemctl("restart")
        self.says()


@pytest.fixture(scope="module")
def machine(plain_stage, tmp_path_factory):
    with Machine(f"tests-{os.getpid()}", plain_stage, tmp_path_factory.mktemp("machine")) as machine:
        machine.start_registry()
        yield machine


@pytest.fixture(scope="module")
def installed(machine):
    """hello under runc and under crun, {runtime: Container}."""
    machine.push("hello:latest=hello:1")
    machine.sysconsctl("pull", HELLO)
    return {runtime: Container(machine, f"hello-{runtime}", runtime, port) for port, runtime in enumerate(RUNTIMES, 8082)}


@pytest.fixture(params=RUNTIMES)
def hello(installed, request):
    """hello under one of them: version 1, running."""
    container = installed[request.param]
    # Restarts of earlier tests do not count; a unit that was never loaded cannot be reset.
    container.machine.run(f"systemctl reset-failed {container.name}; systemctl start {container.name}")
    container.says()
    return container


@pytest.fixture
def limited(hello):
    yield hello
    hello.machine.run(["rm", hello.drop_in])
    hello.machine.systemctl("daemon-reload")


@pytest.fixture(autouse=True)
def _journal_of_a_failure(machine, request):
    mark, failed = machine.cursor(), request.session.testsfailed
    yield
    if request.session.testsfailed > failed:
        print(machine.journal(after=mark))


# ---- the machine itself


def of_machine(name):
    """Processes of this machine that work for the virtual one."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(folder / "cwd").startswith(str(STATE / name)):
                found.append((folder / "cmdline").read_bytes())
        except OSError:  # it ended meanwhile
            continue
    return found


def test_machine_is_what_the_tests_are_about(machine):
    assert machine.output("stat -f -c %T /sys/fs/cgroup") == "cgroup2fs"
    assert {"cpu", "memory", "pids"} <= set(machine.read("/sys/fs/cgroup/cgroup.controllers").split())
    assert machine.output("systemctl is-system-running") == "running"
    assert "SwapTotal:             0 kB" in machine.read("/proc/meminfo")  # else limits of memory mean something else


def test_result_of_a_command(machine):
    result = machine.run("cat; echo error >&2; exit 3", check=False, stdin="input")
    assert (result.returncode, result.stdout, result.stderr) == (3, "input", "error\n")
    assert machine.run("sleep 60", timeout=1, check=False).returncode == 124
    assert machine.run("kill -9 $$", check=False).returncode == 137


@pytest.mark.parametrize("moment", ["root", "process"])
def test_interrupted_boot_leaves_nothing(moment):
    subprocess.run([Path(Machine.program).parent / "mkvm"], stdout=subprocess.DEVNULL, check=True)  # the first time it takes longer than what is waited for here
    name = f"interrupted-{os.getpid()}"
    boot = subprocess.Popen([Machine.program, "up", name], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    wait_until((STATE / name / moment).exists, interval=0.001)
    wait_until(lambda: of_machine(name), interval=0.001)
    boot.send_signal(signal.SIGTERM)
    boot.communicate(timeout=60)
    assert boot.returncode == 128 + signal.SIGTERM
    assert not (STATE / name).exists() and of_machine(name) == []


# ---- where its processes are


def test_processes_show_under_the_unit(hello):
    processes = hello.usual_processes()
    runtime = int(hello.property("MainPID"))
    assert processes.pop(runtime) == f"{hello.group}/runtime"
    assert set(processes.values()) == {f"{hello.group}/container-{hello.name}"}
    status = hello.systemctl("status", "--no-pager").stdout
    shown = status[status.index("CGroup: "):].split("\n\n")[0]
    assert hello.group in shown and "httpd" in shown
    for pid in (runtime, *processes):
        assert f"─{pid} " in shown
        assert hello.machine.read(f"/proc/{pid}/cgroup").startswith(f"0::{hello.group}/")


@pytest.mark.parametrize("controllers", ["+memory +pids", "+pids"])
def test_late_attachment_cannot_take_the_runtime_out(machine, controllers):
    """PID 1 puts a process that it started into the unit's group, too: after the process itself, and however late."""
    top = "/sys/fs/cgroup/late.slice"
    group = f"{top}/late.service"
    machine.write("/root/late", "#!/bin/sh\n[ $1 = run ] || exit 1\nexec sleep 1000\n", "700")
    # Put there again and again until it has become the runtime, and once more.
    machine.write("/root/start-late", f"""#!/bin/sh
set -e
sh -c 'echo 0 >{group}/cgroup.procs; exec /usr/libexec/sysconsd-exec /root/late run late' &
while read -r name </proc/$!/comm && [ $name != sleep ]; do
    if grep -q '^State:.Z' /proc/$!/status; then exit 3; fi
    echo $! >{group}/cgroup.procs || true
done
if echo $! >{group}/cgroup.procs; then echo "it can be taken out"; fi
cat /proc/$!/cgroup
kill $!
wait $! || true
""", "700")
    for _ in range(10):
        machine.run(f"mkdir -p {group} && echo '{controllers}' >{top}/cgroup.subtree_control && python3 -c 'import os; os.setxattr(\"{group}\", \"user.delegate\", b\"1\")'")
        result = machine.run("/root/start-late", check=False)
        machine.run(f"rmdir {group}/runtime {group} {top}")
        assert (result.returncode, result.stdout) == (0, "0::/late.slice/late.service/runtime\n"), result.stderr


def test_only_a_delegated_group_is_closed(machine):
    """In another systemd starts more than the main process."""
    def controllers(delegate):
        unit = f"systemd-run -q --wait --pipe -p Type=oneshot -p Delegate={delegate} -p ExecStartPost=/bin/true"
        return machine.output(f"{unit} /usr/libexec/sysconsd-exec /bin/sh -c 'cd /sys/fs/cgroup$(sed s/0::// /proc/self/cgroup) && basename $PWD && cat ../cgroup.subtree_control'")

    assert controllers("yes") == "runtime\nmemory"
    assert controllers("no") == "runtime"


@pytest.mark.parametrize("verb, group", [("run", "runtime"), ("create", "runtime"), ("--debug", "runtime"), ("state", "service"), ("delete", "service"), ("exec", "service")])
def test_only_who_makes_a_container_moves(machine, verb, group):
    machine.write("/root/where", "#!/bin/sh\ncat /proc/self/cgroup\n", "700")
    assert machine.output(f"systemd-run -q --wait --pipe -p Delegate=yes /usr/libexec/sysconsd-exec /root/where {verb}").endswith(group)


def test_exec(hello):
    machine = hello.machine
    assert hello.exec("cat", "/etc/hello-version").stdout.strip() == "1"
    terminal = machine.output(["script", "-qec", f"{hello.runtime} exec -t {hello.name} busybox tty", "/dev/null"])
    assert "/dev/pts/" in terminal
    pid = int(machine.output(f"{hello.runtime} exec -d --pid-file /run/pid {hello.name} sleep 1000 >/dev/null 2>&1; cat /run/pid"))
    assert hello.processes()[pid].startswith(f"{hello.group}/container-{hello.name}")
    hello.systemctl("stop")
    assert not machine.exists(f"/proc/{pid}")  # it ends with the unit


# ---- limits


def eat(hello, mebibytes):
    return hello.exec("busybox", "dd", "if=/dev/zero", "of=/dev/null", f"bs={mebibytes}M", "count=1", check=False)


def test_memory_limit_of_the_unit(limited):
    limited.limit("MemoryMax=48M")
    assert int(limited.group_file("memory.max")) == 48 * MIB
    main = limited.property("MainPID")
    assert eat(limited, 4).returncode == 0
    assert eat(limited, 96).returncode == 137
    assert limited.events("memory.events")["oom_kill"] >= 1
    assert limited.property("MainPID") == main and limited.says()  # what asked for too much was killed, and nothing else


def test_task_limit_of_the_unit(limited):
    many = ["sh", "-c", "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do sleep 0.1 & done; wait"]
    assert limited.exec(*many).returncode == 0
    limited.limit(f"TasksMax={int(limited.property('TasksCurrent')) + 12}")
    refused = limited.exec(*many, check=False)
    assert refused.returncode != 0 and "fork" in refused.stderr
    # Linux 6.1 counts where it was refused, not where the limit is.
    assert limited.events("pids.events", f"container-{limited.name}/")["max"] >= 1
    assert limited.says()


def test_limits_of_the_container(hello):
    machine, path = hello.machine, f"{CHECKOUT}/{hello.name}/config.json"
    original = machine.read(path)
    config = json.loads(original)
    config["linux"]["resources"].update(memory={"limit": 24 * MIB}, pids={"limit": 16})
    machine.write(path, json.dumps(config), "600")
    hello.systemctl("restart")
    hello.says()
    group = f"container-{hello.name}/"
    assert (int(hello.group_file(f"{group}memory.max")), hello.group_file(f"{group}pids.max")) == (24 * MIB, "16")
    assert hello.group_file("memory.max") == "max"
    assert eat(hello, 96).returncode == 137
    assert hello.events("memory.events", group)["oom_kill"] >= 1
    assert hello.exec("sh", "-c", "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do sleep 1 & done", check=False).returncode != 0
    assert hello.says()
    machine.write(path, original, "600")
    hello.systemctl("restart")


# ---- life and death


def test_stop_is_clean(hello):
    machine = hello.machine
    pids = hello.processes()
    hello.systemctl("stop")
    assert hello.property("Result") == "success"
    assert not machine.exists(f"/sys/fs/cgroup{hello.group}")
    assert [pid for pid in pids if machine.exists(f"/proc/{pid}")] == []
    assert hello.name not in machine.output([hello.runtime, "list", "-q"]).split()
    assert hello.name not in machine.output("mount")


@pytest.mark.parametrize("victim", ["runtime", "container", "everything"])
def test_killed_comes_back(hello, victim):
    machine, before = hello.machine, hello.usual_processes()
    main = int(hello.property("MainPID"))
    if victim == "everything":
        hello.systemctl("kill", "--signal=KILL")
    else:
        machine.run(["kill", "-9", str(main if victim == "runtime" else machine.output(["pgrep", "-P", str(main)]).split()[0])])
    wait_until(lambda: hello.property("NRestarts") == "1" and hello.property("SubState") == "running")
    assert "version 1" in hello.says()
    after = hello.usual_processes()
    assert not before.keys() & after.keys()
    assert machine.output([hello.runtime, "list", "-q"]).split().count(hello.name) == 1
    hello.systemctl("stop")
    assert hello.property("Result") == "success"


# ---- updates, and the machine's own end


def test_update_and_rollback(hello):
    machine = hello.machine
    machine.push("hello:latest=hello:2")
    machine.sysconsctl("update", "--health-timeout=1", hello.name)
    assert "version 2" in hello.says()
    machine.sysconsctl("rollback", "--health-timeout=1", hello.name)
    assert "version 1" in hello.says()
    assert set(hello.processes().values()) == {f"{hello.group}/runtime", f"{hello.group}/container-{hello.name}"}


@pytest.fixture
def both(installed):
    """Both of them, running."""
    for container in installed.values():
        container.systemctl("start")
        container.says()
    return list(installed.values())


def test_reboot(machine, both):
    before = machine.boot_id()
    machine.reboot()
    assert machine.boot_id() != before
    for container in both:
        assert "version 1" in container.says()
        assert container.property("NRestarts") == "0"
    assert all(machine.exists(f"/run/{container.name}") for container in both)  # made by systemd-tmpfiles
    assert machine.output("systemctl show -P ActiveEnterTimestampMonotonic sysconsd") == "0"  # nobody called it
    assert machine.output("systemctl --failed --no-legend --plain") == ""


def test_power_lost_right_after_an_update(machine, both):
    """What was acknowledged is on the disk."""
    machine.push("hello:latest=hello:2")
    machine.sysconsctl("update", "--health-timeout=1", both[0].name)
    machine.crash()
    assert "version 2" in both[0].says()
    assert "version 1" in both[1].says()
    assert machine.output(f"ls {CHECKOUT}/.sysconsd/intent") == ""
    machine.run(["ostree", "fsck", "-q", f"--repo={CHECKOUT}/.storage/ostree"])
    assert machine.output("systemctl --failed --no-legend --plain") == ""


def test_uninstall(both):
    for container in both:
        container.machine.sysconsctl("uninstall", container.name)
        assert container.processes() == {} and not container.machine.exists(f"/etc/systemd/system/{container.name}.service")
