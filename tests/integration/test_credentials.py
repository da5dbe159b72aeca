# SPDX-License-Identifier: LGPL-2.1-or-later
"""Logins for registries: whose are used for what, and that no password is ever where it can be seen."""

import base64
import crypt
import json
import subprocess

import pytest
from bed import CHECKOUT, TESTBED, TESTS, wait_until
from sysconsbus import ROOT, Refused, call, container, get, objects, options, pull, state, verb, wait_done, wait_over

PRIVATE = "localhost:5002"  # docker-registry, which wants a password
TOKENS = "localhost:5003/login"  # registry-server.py, whose token server wants one
HELLO = f"{PRIVATE}/hello"
USER, PASSWORD = "tester", "pass:word"
SECRETS = (PASSWORD, base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode(), "refresh-me")
HOST_FILE = "/run/containers/0/auth.json"


def entry(text):
    return {"auth": base64.b64encode(text.encode()).decode()}


LOGIN = json.dumps({"auths": {PRIVATE: entry(f"{USER}:{PASSWORD}"), "localhost:5003": entry(f"{USER}:{PASSWORD}")}})


@pytest.fixture(scope="module")
def private(session_bed):
    """Two registries that let nobody in who does not say who he is; the first one has the same images as that on port 5000."""
    bed = session_bed
    bed.write("/etc/docker/registry/htpasswd", f"{USER}:{crypt.crypt(PASSWORD, crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16))}\n")
    bed.write("/etc/docker/registry/private.yml", "version: 0.1\nstorage: {filesystem: {rootdirectory: /var/lib/docker-registry}}\n"
              "http: {addr: '127.0.0.1:5002'}\nauth: {htpasswd: {realm: here, path: /etc/docker/registry/htpasswd}}\n")
    bed.run(["systemd-run", "-q", "--unit=private-registry", "docker-registry", "serve", "/etc/docker/registry/private.yml"])
    command = [TESTBED, "net", bed.name, str(TESTS / "unit" / "registry-server.py"), "--port", "5003", "--until-eof"]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdout.readline().strip() == "5003"
    wait_until(lambda: "401" in bed.run(["curl", "-si", "http://127.0.0.1:5002/v2/"], check=False).stdout)
    yield bed
    server.stdin.close()
    server.wait(20)
    bed.run("systemctl stop private-registry; rm /etc/docker/registry/private.yml /etc/docker/registry/htpasswd")


@pytest.fixture
def bed(bed, private):
    """Nobody is logged in, and nothing of the private registries is here."""
    bed.began = bed.cursor()
    yield bed
    bed.polkit_rules("")
    bed.run(f"rm -rf /run/containers /root/.docker /root/.config/containers /home/alice/.docker /home/alice/.config/containers "
            f"/run/user/1000/containers /usr/local/bin/docker-credential-* {CHECKOUT}/.storage")


def allow(bed, *actions):
    bed.polkit_rules("\n".join(f'polkit.addRule(function(action, subject) {{ if (action.id == "org.sysconsd1.{action}" && '
                               f'subject.user == "alice") return polkit.Result.YES; }});' for action in actions))


def fails(bed, job):
    assert wait_over(bed, job) == "failed"
    name, message = get(bed, job, "Job", "Error")
    assert name == "org.sysconsd1.Error.AccessDenied", message
    return message


def login(bed, *arguments, password=PASSWORD, user=None, **more):
    return bed.run(["sysconsctl", "login", f"--username={USER}", "--password-stdin", *arguments, PRIVATE], stdin=password, user=user, **more)


def pull_with_file(bed, name):
    """Alice calls Pull with a descriptor of her file."""
    code = f"""
from ctypes import *
bus, call, reply, job, bd = c_void_p(), c_void_p(), c_void_p(), c_char_p(), CDLL("libsystemd.so.0")
bd.sd_bus_open_system(byref(bus))
bd.sd_bus_message_new_method_call(bus, byref(call), b"org.sysconsd1", b"/org/sysconsd1", b"org.sysconsd1.Manager", b"Pull")
file = open("/home/alice/.docker/config.json")
bd.sd_bus_message_append(call, b"sa{{sv}}", b"{name}", 1, b"authfile", b"h", file.fileno())
assert bd.sd_bus_call(bus, call, c_uint64(0), None, byref(reply)) >= 0
bd.sd_bus_message_read_basic(reply, ord("o"), byref(job))
print(job.value.decode())"""
    return bed.output(["python3", "-c", code], user="alice")


def see(bed):
    """All that somebody else than root could look at since the test began, and what lies on the disk."""
    units = bed.output("systemctl list-units --all --no-legend --plain 'sysconsd-*' | cut -d' ' -f1")
    return "\n".join([
        bed.journal(after=bed.began), str(objects(bed, user="alice")), str(objects(bed)),
        bed.run("systemctl show " + units.replace("\n", " ")).stdout,
        bed.run("cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'", check=False).stdout,
        bed.run(f"grep -rlF -e '{SECRETS[0]}' -e '{SECRETS[1]}' {CHECKOUT} /etc/systemd /run/systemd/transient /run/sysconsd /var/tmp /tmp", check=False).stdout])


def assert_unseen(bed):
    seen = see(bed)
    for secret in SECRETS:
        assert secret not in seen, [line for line in seen.splitlines() if secret in line]
    assert CHECKOUT + "/" not in seen.splitlines()[-1]


def test_login(bed):
    refused = login(bed, password="wrong", check=False)
    assert refused.returncode != 0 and PRIVATE in refused.stderr and "wrong" not in refused.stderr
    assert not bed.exists(HOST_FILE)
    bed.write(HOST_FILE, json.dumps({"auths": {"quay.io": entry("a:b")}, "future": [1]}), mode="644")
    assert login(bed).stdout == "Login Succeeded!\n"
    kept = json.loads(bed.read(HOST_FILE))
    assert kept == {"auths": {"quay.io": entry("a:b"), PRIVATE: entry(f"{USER}:{PASSWORD}")}, "future": [1]}
    assert bed.output(["stat", "-c", "%a %U", HOST_FILE]) == "600 root"
    assert bed.sysconsctl("login", "--get-login", PRIVATE).stdout == f"{USER}\n"
    assert "not logged into localhost:5000" in bed.sysconsctl("login", "--get-login", "localhost:5000", check=False).stderr
    # root is logged in now: with the client, and without it
    bed.sysconsctl("pull", HELLO)
    wait_done(bed, pull(bed, f"{HELLO}:2"))
    wait_done(bed, pull(bed, f"{HELLO}:2"))
    assert bed.sysconsctl("logout", PRIVATE).stdout == f"Removed login credentials for {PRIVATE}\n"
    assert json.loads(bed.read(HOST_FILE))["auths"] == {"quay.io": entry("a:b")}
    assert bed.sysconsctl("logout", PRIVATE, check=False).returncode == 1
    bed.sysconsctl("logout", "--all")
    assert json.loads(bed.read(HOST_FILE)) == {"auths": {}, "future": [1]}
    result = bed.sysconsctl("pull", f"{HELLO}:1", check=False)
    assert result.returncode != 0 and f"sysconsctl login {PRIVATE}" in result.stderr
    assert_unseen(bed)


@pytest.mark.parametrize("path", [HOST_FILE, "/root/.config/containers/auth.json", "/root/.docker/config.json"])
def test_places_of_the_host(bed, path):
    bed.write(path, LOGIN, mode="600")
    wait_done(bed, pull(bed, HELLO))
    wait_done(bed, pull(bed, f"{TOKENS}/x"))
    bed.write(path, LOGIN.replace(entry(f"{USER}:{PASSWORD}")["auth"], entry("tester:wr0ng")["auth"]), mode="600")
    message = fails(bed, pull(bed, f"{HELLO}:2"))
    assert PRIVATE in message and path in message and "wr0ng" not in message
    # a broken file is a matter for those alone who need it
    bed.write(path, "{", mode="600")
    wait_done(bed, pull(bed, "localhost:5000/hello"))
    assert wait_over(bed, pull(bed, f"{HELLO}:2")) == "failed"


def test_helper_of_the_host(bed):
    """It is asked outside of the worker's sandbox, and only where its login is wanted."""
    bed.write("/usr/local/bin/docker-credential-test", '#!/bin/sh\nread -r server; echo "$1 $server $(id -u) $HOME" >>/run/helper-was-asked\n'
              f'test "$server" = {PRIVATE} || {{ echo "credentials not found in native keychain"; exit 1; }}\n'
              f'echo \'{{"ServerURL":"{PRIVATE}","Username":"{USER}","Secret":"{PASSWORD}"}}\'\n', mode="755")
    bed.write("/root/.docker/config.json", json.dumps({"auths": {"localhost:5003": entry(f"{USER}:{PASSWORD}")}, "credsStore": "test"}))
    wait_done(bed, pull(bed, "localhost:5000/hello"))
    assert bed.run(["cat", "/run/helper-was-asked"], check=False).stdout == ""  # what it was asked, else
    wait_done(bed, pull(bed, HELLO))
    wait_done(bed, pull(bed, f"{TOKENS}/x"))
    assert bed.read("/run/helper-was-asked") == f"get {PRIVATE} 0 /root\n"
    bed.write("/usr/local/bin/docker-credential-test", "#!/bin/sh\necho no; exit 1\n", mode="755")
    assert "docker-credential-test" in fails(bed, pull(bed, f"{HELLO}:2"))
    assert_unseen(bed)


def test_unprivileged(bed):
    """Who may pull, pulls as himself: root's logins are root's."""
    bed.write("/root/.config/containers/auth.json", LOGIN, mode="600")
    allow(bed, "pull", "update", "manage-images")
    message = fails(bed, pull(bed, HELLO, user="alice"))
    assert "/root" not in message
    fails(bed, pull(bed, f"{TOKENS}/x", user="alice"))
    for path, user in (("/home/alice/.docker/config.json", "alice"), ("/run/user/1000/containers/auth.json", "alice")):
        bed.run(["install", "-d", "-o", user, path.rsplit("/", 1)[0]])
        bed.write(path, LOGIN, mode="644")
        bed.sysconsctl("pull", HELLO, user=user)
        bed.sysconsctl("pull", f"{TOKENS}/x", user=user)
        bed.run(["rm", path])
        # it was for that job only
        fails(bed, pull(bed, f"{HELLO}:2", user=user))
    # a login of another registry is not handed over at all
    result = bed.sysconsctl("pull", "--authfile=/dev/stdin", HELLO, user="alice", stdin="{}", check=False)
    assert result.returncode != 0
    assert_unseen(bed)


def test_updates_go_by_the_hosts_logins(bed):
    """Root has installed it, whoever updates it; another image is another matter."""
    bed.write(HOST_FILE, LOGIN, mode="600")
    bed.sysconsctl("install", "--name=web", "--set=PORT=8082", HELLO)
    allow(bed, "update", "configure", "pull")
    bed.push("hello:latest=hello:2")
    wait_done(bed, verb(bed, container("web"), "Container", "Update", user="alice"))
    plan = call(bed, ROOT, "Manager", "Plan", "ssa{sv}", "update", "web", *options(), user="alice")[0]
    assert "conflicts" in plan["plan"]["data"] if "plan" in plan else True
    fails(bed, verb(bed, container("web"), "Container", "Update", {"image": f"{HELLO}:1"}, user="alice"))
    with pytest.raises(Refused, match="login"):
        call(bed, ROOT, "Manager", "Plan", "ssa{sv}", "pull", f"{HELLO}:1", *options(), user="alice")
    # with her own it can be planned, and done
    own = {"credentials": f"{USER}:{PASSWORD}"}
    call(bed, ROOT, "Manager", "Plan", "ssa{sv}", "pull", f"{HELLO}:1", *options(own), user="alice")
    wait_done(bed, verb(bed, container("web"), "Container", "Update", {"image": f"{HELLO}:1", **own}, user="alice"))


def test_helper_of_the_caller(bed):
    bed.write("/usr/local/bin/docker-credential-mine", '#!/bin/sh\nid -un >/tmp/asked-by\n'
              f'echo \'{{"ServerURL":"{PRIVATE}","Username":"{USER}","Secret":"{PASSWORD}"}}\'\n', mode="755")
    bed.run("install -d -o alice /home/alice/.docker")
    bed.write("/home/alice/.docker/config.json", json.dumps({"credHelpers": {PRIVATE: "mine"}}))
    allow(bed, "pull")
    bed.sysconsctl("pull", HELLO, user="alice")
    assert bed.read("/tmp/asked-by") == "alice\n"
    # nobody has a program run as root by a file of his; but what is in the file itself is taken
    bed.run(["rm", "/tmp/asked-by"])
    job = pull_with_file(bed, f"{HELLO}:2")
    assert wait_over(bed, job) == "failed" and "docker-credential-mine" in get(bed, job, "Job", "Error")[1]
    assert not bed.exists("/tmp/asked-by")
    bed.write("/home/alice/.docker/config.json", LOGIN)
    wait_done(bed, pull_with_file(bed, f"{HELLO}:2"))


def test_creds(bed):
    allow(bed, "pull")
    result = bed.run(["sysconsctl", "pull", "--creds=-", HELLO], user="alice", stdin=f"{USER}:{PASSWORD}\n")
    assert result.stderr == ""
    bed.run(["sysconsctl", "pull", "--creds=-", f"{TOKENS}/x"], user="alice", stdin="<token>:refresh-me")
    assert_unseen(bed)
    # nobody has answered for the next one: its login was another job's
    fails(bed, pull(bed, f"{HELLO}:2", user="alice"))
    result = bed.run(["atomic", "pull", f"--src-creds={USER}:{PASSWORD}", f"{HELLO}:2"], user="alice")
    assert "list of processes" in result.stderr
    result = bed.run(["sysconsctl", "pull", "--creds=tester", HELLO], user="alice", check=False)
    assert result.returncode == 2 and "--creds=-" in result.stderr
    with pytest.raises(Refused, match="USER:PASSWORD"):
        pull(bed, HELLO, credentials="nonsense", user="alice")


def test_creds_for_another_host(bed, ssh):
    """One login goes there, by ssh and no argument of it; what that host knows is not for who comes."""
    allow(bed, "pull")
    bed.write("/root/.config/containers/auth.json", LOGIN, mode="600")
    # the files of here are looked into here
    bed.sysconsctl("-H", ssh, "pull", HELLO)
    bed.run(["rm", "/root/.config/containers/auth.json"])
    result = bed.run(["sysconsctl", "-H", ssh, "pull", "--creds=-", f"{HELLO}:2"], stdin=f"{USER}:{PASSWORD}")
    assert f'"{HELLO}:2"' in bed.sysconsctl("images", "--json").stdout and PASSWORD not in result.stdout + result.stderr
    wrong = bed.run(["sysconsctl", "-H", ssh, "pull", "--creds=-", f"{HELLO}:3"], stdin=f"{USER}:wrong", check=False)
    assert wrong.returncode != 0 and PRIVATE in wrong.stderr and "wrong" not in wrong.stderr
    assert bed.sysconsctl("-H", ssh, "pull", f"{HELLO}:3", check=False).returncode != 0
    bed.write("/tmp/whole.json", LOGIN)
    whole = bed.sysconsctl("-H", ssh, "pull", "--authfile=/tmp/whole.json", "hello", check=False)
    assert whole.returncode == 2 and "not handed to another host" in whole.stderr
    bed.sysconsctl("-H", ssh, "pull", "--authfile=/tmp/whole.json", f"{HELLO}:1")
    bed.run(["rm", "/tmp/whole.json"])
    assert_unseen(bed)


KEEPER = """#!/usr/bin/python3
import json, os, sys
path = f"/run/kept/{os.getuid()}.json"
kept = json.load(open(path)) if os.path.exists(path) else {}
action, said = sys.argv[1], sys.stdin.read().strip()
print(action, "" if action == "store" else said, os.getuid(), file=open("/run/kept/log", "a"))
if action == "store":
    kept[json.loads(said)["ServerURL"]] = json.loads(said)
elif action == "get" and said not in kept:
    print("credentials not found in native keychain")
    sys.exit(1)
elif action == "get":
    print(json.dumps(kept[said]))
elif action == "erase":
    del kept[said]
elif action == "list":
    print(json.dumps({server: entry["Username"] for server, entry in kept.items()}))
os.umask(0o077)
json.dump(kept, open(path, "w"))
"""


@pytest.fixture
def helpers(bed):
    """Writes what the settings say of helpers; the program `keep` keeps logins for who runs it, and tells what it was asked."""
    bed.write("/usr/local/bin/docker-credential-keep", KEEPER, mode="755")
    bed.run("install -d -m 1777 /run/kept; install -m 666 /dev/null /run/kept/log")

    def write(*names):
        bed.write("/etc/containers/registries.conf.d/10-helpers.conf", f"credential-helpers = {json.dumps(names)}\n")

    def asked():
        lines = bed.read("/run/kept/log").splitlines()
        bed.run("truncate -s 0 /run/kept/log")
        return lines
    write.asked = asked
    yield write
    bed.run("rm -rf /run/kept /run/sysconsd/failpoint /etc/containers/registries.conf.d")


def test_helpers_of_the_settings(bed, helpers):
    """credential-helpers of registries.conf: the host's for the host, and each user's own for himself."""
    helpers("absent", "keep", "containers-auth.json")
    said = login(bed)
    assert said.stdout == "Login Succeeded!\n" and "docker-credential-absent" in said.stderr
    assert helpers.asked() == ["store  0"] and not bed.exists(HOST_FILE)
    assert bed.sysconsctl("login", "--get-login", PRIVATE).stdout == f"{USER}\n"
    bed.sysconsctl("pull", HELLO)
    bed.run("truncate -s 0 /run/kept/log")
    # the host's own, asked by the worker, outside of its sandbox; only where a login is wanted, and not for somebody else
    wait_done(bed, pull(bed, "localhost:5000/hello"))
    assert helpers.asked() == []
    wait_done(bed, pull(bed, f"{HELLO}:2"))
    assert helpers.asked() == [f"get {PRIVATE} 0"]
    allow(bed, "pull")
    fails(bed, pull(bed, f"{HELLO}:3", user="alice"))
    assert helpers.asked() == []
    login(bed, "--no-verify", user="alice")
    bed.sysconsctl("pull", HELLO, user="alice")
    assert {line.split()[-1] for line in helpers.asked()} == {"1000"}
    # files come where they are named; what is in a registry only they know
    bed.write(HOST_FILE, json.dumps({"auths": {"localhost:5003": entry(f"{USER}:{PASSWORD}")}}), mode="600")
    wait_done(bed, pull(bed, f"{TOKENS}/x"))
    bed.run(["sysconsctl", "login", f"--username={USER}", "--password-stdin", "--no-verify", f"{PRIVATE}/team"], stdin=PASSWORD)
    assert f"{PRIVATE}/team" in json.loads(bed.read(HOST_FILE))["auths"]
    helpers("keep")
    assert wait_over(bed, pull(bed, f"{TOKENS}/x:index")) == "failed"
    refused = bed.run(["sysconsctl", "login", f"--username={USER}", "--password-stdin", "--no-verify", f"{PRIVATE}/team"], stdin=PASSWORD, check=False)
    assert refused.returncode != 0 and "docker-credential-keep" in refused.stderr and PASSWORD not in refused.stderr
    # a file that is named stands alone
    login(bed, "--authfile=/tmp/alone.json")
    assert list(json.loads(bed.read("/tmp/alone.json"))["auths"]) == [PRIVATE]
    bed.run(["rm", "/tmp/alone.json"])
    assert bed.sysconsctl("logout", PRIVATE).stdout == f"Removed login credentials for {PRIVATE}\n"
    assert bed.sysconsctl("logout", PRIVATE, check=False).returncode == 1
    login(bed, "--no-verify")
    helpers("absent", "keep", "containers-auth.json")
    # what is wrong with one place keeps no other from forgetting
    result = bed.sysconsctl("logout", "--all", check=False)
    assert result.returncode != 0 and "docker-credential-absent" in result.stderr
    assert json.loads(bed.read("/run/kept/0.json")) == {} and json.loads(bed.read(HOST_FILE)) == {"auths": {}}
    assert_unseen(bed)


def test_store_of_a_file(bed, helpers):
    """credsStore, as docker has it: login, logout, and all at once."""
    own = "/root/.docker/config.json"
    bed.write(own, json.dumps({"credsStore": "keep", "future": 1}), mode="600")
    login(bed, f"--authfile={own}")
    assert json.loads(bed.read(own)) == {"auths": {PRIVATE: {}}, "credsStore": "keep", "future": 1}
    assert PRIVATE in json.loads(bed.read("/run/kept/0.json"))
    wait_done(bed, pull(bed, HELLO))
    bed.sysconsctl("logout", f"--authfile={own}", PRIVATE)
    assert json.loads(bed.read("/run/kept/0.json")) == {} and json.loads(bed.read(own))["auths"] == {}
    assert bed.sysconsctl("logout", f"--authfile={own}", PRIVATE, check=False).returncode == 1
    login(bed, f"--authfile={own}")
    bed.sysconsctl("logout", f"--authfile={own}", "--all")
    assert json.loads(bed.read("/run/kept/0.json")) == {}
    fails(bed, pull(bed, f"{HELLO}:2"))
    # what the helper does not take is kept nowhere
    bed.write("/usr/local/bin/docker-credential-keep", "#!/bin/sh\ncat >/dev/null; echo it is locked; exit 1\n", mode="755")
    refused = login(bed, f"--authfile={own}", check=False)
    assert refused.returncode != 0 and "docker-credential-keep store failed" in refused.stderr and "it is locked" in refused.stderr
    assert json.loads(bed.read(own))["auths"] == {}


BAD_HELPERS = {
    "hangs": "exec sleep 1000",
    "says too much": "exec yes",
    "fails": "echo no; exit 1",
    "dies": "kill -9 $$",
    "says nothing": "exit 0",
    "says nonsense": "echo '{\"Username\": [], \"Secret\": {}}'",
    "says a login that cannot be": "echo '{\"Username\": \"a:b\", \"Secret\": \"x\"}'",
}


@pytest.mark.parametrize("what", BAD_HELPERS)
def test_helper_that_is_bad(bed, helpers, what):
    """It is waited for so long and no longer (a test has less patience), and ends with that; then the next one is asked."""
    bed.write("/run/sysconsd/failpoint", "login-helper error\n")
    bed.write("/usr/local/bin/docker-credential-bad", f"#!/bin/sh\n{BAD_HELPERS[what]}\n", mode="755")
    helpers("bad")
    job = pull(bed, HELLO)
    assert wait_over(bed, job) == "failed"
    assert "docker-credential-bad" in get(bed, job, "Job", "Error")[1]
    result = bed.sysconsctl("login", "--get-login", PRIVATE, check=False)
    assert result.returncode != 0 and "docker-credential-bad" in result.stderr
    assert login(bed, "--no-verify", check=False).returncode != 0 or what in ("says nothing", "says nonsense", "says a login that cannot be")
    helpers("bad", "containers-auth.json")
    bed.write(HOST_FILE, LOGIN, mode="600")
    wait_done(bed, pull(bed, HELLO))
    assert bed.sysconsctl("login", "--get-login", PRIVATE).stdout == f"{USER}\n"
    assert bed.run(["pgrep", "-xf", "sleep 1000|yes"], check=False).stdout == ""
    assert bed.output("systemctl list-units --no-legend --plain 'sysconsd-login-*'") == ""


def test_password_is_typed(bed):
    """On a terminal, without an echo."""
    script = (f'set timeout 60\nspawn sysconsctl login --authfile=/tmp/typed.json {PRIVATE}\nexpect "Username: "\nsend "{USER}\\r"\n'
              f'expect "Password: "\nsend "x\\x7f{PASSWORD}\\r"\nexpect "Login Succeeded!"\nexpect eof\nlassign [wait] a b c status\nexit $status\n')
    result = bed.run(["expect", "-c", script])
    assert PASSWORD not in result.stdout
    assert json.loads(bed.read("/tmp/typed.json"))["auths"] == {PRIVATE: entry(f"{USER}:{PASSWORD}")}
    bed.run(["rm", "/tmp/typed.json"])


def test_restart_while_a_private_image_is_pulled(bed):
    """The worker has the login; the daemon that comes back has not, and does not need it."""
    bed.write("/etc/sysconsd.conf.d/50-test.conf", "[Pull]\nStallTimeout=20\n")
    try:
        job = pull(bed, "localhost:5003/login-stall/x", credentials=f"{USER}:{PASSWORD}")
        wait_until(lambda: get(bed, job, "Job", "Phase") == "Pulling")
        assert_unseen(bed)
        bed.kill_daemon()
        wait_until(lambda: state(bed, job) == "running")
        assert_unseen(bed)
        verb(bed, job, "Job", "Cancel")
        assert wait_over(bed, job) == "cancelled"
    finally:
        bed.run(["rm", "/etc/sysconsd.conf.d/50-test.conf"])
        bed.systemctl("restart", "sysconsd")


def test_user_instance(bed):
    """A user's daemon looks into the user's own files."""
    bed.run("install -d -o alice /home/alice/.config /home/alice/.config/containers")
    bed.write("/home/alice/.config/containers/auth.json", LOGIN, mode="644")
    bed.run(["busctl", "--user", "call", "org.sysconsd1", "/org/sysconsd1", "org.sysconsd1.Manager", "Pull", "sa{sv}", HELLO, "0"], user="alice")
    wait_until(lambda: f"{HELLO}:latest" in bed.sysconsctl("--user", "images", "--json", user="alice").stdout)
