# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the administrator says about registries: short names, mirrors, blocked and insecure ones, certificates of hosts, proxies."""

import json
import re
import subprocess

import pytest
from bed import CHECKOUT, TESTS, wait_until

CONF = "/etc/containers/registries.conf"
DROP_INS = f"{CONF}.d"
REGISTRY = "localhost:5000"
RULES = """
polkit.addRule(function(action, subject) {
    if (action.id == "org.sysconsd1.pull" && subject.user == "alice")
        return polkit.Result.YES;
});
"""


@pytest.fixture
def settings(session_bed):
    """A file of registries.conf.d, by its name; all are gone after the test."""
    session_bed.push("hello:latest=hello:1")
    session_bed.write("/etc/sysconsd.conf.d/50-test.conf", "[Pull]\nAttempts=1\n")

    def write(name, text):
        session_bed.write(f"{DROP_INS}/{name}.conf" if name else CONF, text)
    yield write
    session_bed.polkit_rules("")
    session_bed.run(["rm", "-rf", CONF, DROP_INS, "/etc/containers/certs.d", "/etc/sysconsd.conf.d/50-test.conf"])


def images(bed):
    return [name for image in json.loads(bed.sysconsctl("images", "--json").stdout) for name in image["names"]]


def image_of(bed, container):
    return [entry for entry in json.loads(bed.sysconsctl("list", "--all", "--json").stdout) if entry["name"] == container][0]["image"]


def serve(bed, unit, program, *arguments):
    """A server of tests/unit in the test bed."""
    path = f"/run/{program}"
    bed.write(path, (TESTS / "unit" / program).read_text())
    port = arguments[arguments.index("--port") + 1]
    bed.run(["systemd-run", "-q", f"--unit={unit}", f"--description={unit}", "python3", path, *arguments])
    wait_until(lambda: bed.run(["sh", "-c", f"ss -Hltn 'sport = :{port}' | grep -q ."], check=False).returncode == 0)


def refused(bed, *arguments, **options):
    result = bed.sysconsctl(*arguments, check=False, **options)
    assert result.returncode != 0, result.stdout
    return result.stderr


# ---- short names and the files

def test_short_names(bed, settings):
    assert "names no registry" in refused(bed, "pull", "hello")
    settings("10-a", f'unqualified-search-registries = ["one.example", "{REGISTRY}"]\n[aliases]\nours = "{REGISTRY}/nothing"\n')
    settings("20-b", f'[aliases]\nours = "{REGISTRY}/hello"\n')
    # The later file counts.
    said = bed.sysconsctl("pull", "ours").stdout
    assert f"Resolved ours:latest as {REGISTRY}/hello:latest (alias in {DROP_INS}/20-b.conf)" in said
    assert f"{REGISTRY}/hello:latest" in images(bed) and "ours:latest" not in images(bed)
    # Several registries: nobody can be asked.
    error = refused(bed, "install", "hello")
    assert f"one.example/hello:latest, {REGISTRY}/hello:latest" in error and f"{DROP_INS}/10-a.conf" in error
    settings("30-c", f'unqualified-search-registries = ["{REGISTRY}"]\n')
    bed.sysconsctl("install", "--name=short", "hello")
    assert image_of(bed, "short") == f"{REGISTRY}/hello:latest"
    assert bed.sysconsctl("pull", "hello").stdout.count("Resolved") == 1


def test_update_of_a_short_name(bed, settings):
    """As the atomic command recorded it: the update finds the image, and records the full name."""
    bed.sysconsctl("install", "--name=short", f"{REGISTRY}/hello")
    info = "/var/lib/containers/atomic/short.0/info"
    bed.run(["sed", "-i", f's|"{REGISTRY}/hello:latest"|"hello:latest"|', info])
    bed.systemctl("restart", "sysconsd")
    assert image_of(bed, "short") == "hello:latest"
    bed.push("hello:latest=hello:2")
    assert "names no registry" in refused(bed, "update", "short")
    settings("10-a", f'unqualified-search-registries = ["{REGISTRY}"]\n')
    bed.sysconsctl("update", "short")
    assert image_of(bed, "short") == f"{REGISTRY}/hello:latest"


def test_a_parser_that_cannot_be_started(bed, settings):
    """That says nothing of the files, which are the same when it can."""
    parser = "/usr/libexec/sysconsd-toml"
    settings("10-a", f'unqualified-search-registries = ["{REGISTRY}"]\n')
    bed.run(["mv", parser, f"{parser}.away"])
    try:
        assert parser in refused(bed, "pull", "hello")
    finally:
        bed.run(["mv", f"{parser}.away", parser])
    assert "Resolved" in bed.sysconsctl("pull", "hello").stdout


def test_files_that_cannot_be_used(bed, settings):
    for name, text, part in (
            ("", "[registries.search]\nregistries = ['a.example']\n", f"{CONF}:1: [registries.*] is version 1"),
            ("10-a", "\nunqualified-search-registries = [\n", f"{DROP_INS}/10-a.conf:"),
            ("10-a", "[[registry]]\nlocation = 'a.example'\ninsecure = 1\n", f"{DROP_INS}/10-a.conf:3: insecure is no boolean")):
        settings(name, text)
        for image in ("short", f"{REGISTRY}/hello"):
            assert part in refused(bed, "pull", image)
        bed.sysconsctl("images")
        bed.run(["rm", "-f", CONF, f"{DROP_INS}/10-a.conf"])
    bed.sysconsctl("pull", f"{REGISTRY}/hello")


# ---- rules

def test_blocked_and_insecure(bed, settings):
    bed.polkit_rules(RULES)
    name = "reg.example.org:5000/x"
    assert "org.sysconsd1.import" in refused(bed, "pull", f"http:{name}", user="alice")
    settings("10-a", '[[registry]]\nprefix = "*.example.org"\ninsecure = true\n')
    # Root trusts it, so there it is looked for.
    assert "resolving" in refused(bed, "pull", f"http:{name}", user="alice")
    settings("20-b", '[[registry]]\nprefix = "*.example.org"\nblocked = true\n')
    assert f"Image {name}:latest may not be pulled: {DROP_INS}/20-b.conf:1 blocks *.example.org" in refused(bed, "pull", name)


def test_verify_goes_by_the_settings_of_now(bed, settings):
    """What came by http: is asked for again under the action of a pull alone, as long as root calls the registry insecure."""
    name = "reg.example.org:5000/hello"
    bed.polkit_rules(RULES.replace('action.id == "org.sysconsd1.pull"', '/^org.sysconsd1.(pull|manage-images)$/.test(action.id)'))
    settings("10-a", '[[registry]]\nprefix = "*.example.org"\ninsecure = true\n')
    bed.run("cp /etc/hosts /run/hosts; echo 127.0.0.1 reg.example.org >>/etc/hosts")
    try:
        bed.sysconsctl("pull", f"http:{name}")
        bed.systemctl("restart", "sysconsd")
        bed.sysconsctl("verify", "--repair", name, user="alice")
        settings("10-a", "")
        assert "Not authorized" in refused(bed, "verify", "--repair", name, user="alice")
    finally:
        bed.run("cat /run/hosts >/etc/hosts; rm /run/hosts")


def test_remapped(bed, settings):
    settings("10-a", f'[[registry]]\nprefix = "far.example/team"\nlocation = "{REGISTRY}"\ninsecure = true\n')
    bed.sysconsctl("pull", "far.example/team/hello")
    assert "far.example/team/hello:latest" in images(bed)


def test_mirror_dies_in_mid_blob(bed, settings):
    """Its kill -9 costs nothing but a line: the rest of the blob comes from the registry itself, which alone says what a tag means."""
    serve(bed, "far", "registry-server.py", "--port", "5002", "--log", "/run/far.log")
    serve(bed, "near", "registry-server.py", "--port", "5003", "--log", "/run/near.log")
    settings("10-a", '[[registry]]\nlocation = "localhost:5002"\n[[registry.mirror]]\nlocation = "localhost:5004"\n'
             '[[registry.mirror]]\nlocation = "localhost:5003/stall"\n')
    pull = subprocess.Popen([bed.program, "exec", bed.name, "sysconsctl", "pull", "localhost:5002/x"], stdout=subprocess.PIPE, text=True)
    try:
        def has_sent():
            """a part of the layer is at the worker, and the rest does not come"""
            acknowledged = re.findall(r"bytes_acked:(\d+)", bed.output("ss -tinH 'sport = :5003'"))
            return any(int(count) >= 700_000 for count in acknowledged)
        wait_until(has_sent)
        bed.systemctl("kill", "-s", "KILL", "near")
        said = pull.communicate(timeout=60)[0]
    finally:
        pull.kill()
        bed.run("systemctl stop far near; systemctl reset-failed")
    assert pull.returncode == 0, said
    assert "localhost:5002/x:latest" in images(bed)
    far, near = bed.read("/run/far.log"), bed.read("/run/near.log")
    assert far.count("/manifests/") == 1 and near.count("/manifests/") == 0
    assert far.count("range=bytes=700000-") == 1
    # The mirror that nobody listens at was asked once.
    assert said.count("localhost:5004 refused the connection") == 1 and "going on with localhost:5002" in said


def test_mirror_damages_a_layer(bed, settings):
    """The layer is imported while it comes: what the damaged copy has brought is no part of the image, and nothing of it stays."""
    bed.run(f"rm -rf {CHECKOUT}/.storage")
    serve(bed, "far", "registry-server.py", "--port", "5002", "--log", "/run/far.log")
    serve(bed, "near", "registry-server.py", "--port", "5003", "--log", "/run/near.log")
    settings("10-a", '[[registry]]\nlocation = "localhost:5002"\n[[registry.mirror]]\nlocation = "localhost:5003/wrong-layer"\n')
    try:
        said = bed.sysconsctl("pull", "localhost:5002/damaged").stdout
        far, near = bed.read("/run/far.log"), bed.read("/run/near.log")
    finally:
        bed.run("systemctl stop far near; systemctl reset-failed")
    assert "at localhost:5003 has the digest" in said and "copy is damaged; asking for all of it elsewhere" in said
    # Configuration and both layers; the small one was asked for of either, as its thread came before or behind the damage.
    at_mirror = near.count("/v2/wrong-layer/damaged/blobs/")
    assert at_mirror in (2, 3) and far.count("/v2/damaged/blobs/") == 4 - at_mirror
    # The layer is the one that the digest names, and all of it: nothing is found wrong, and nothing is left.
    bed.sysconsctl("verify", "localhost:5002/damaged")
    assert not bed.output(f"find {CHECKOUT}/.storage -name 'staging-*'")
    # What the registry itself has damaged is an error.
    settings("10-a", "")
    serve(bed, "far", "registry-server.py", "--port", "5002")
    try:
        bed.run(f"rm -rf {CHECKOUT}/.storage")
        error = refused(bed, "pull", "localhost:5002/wrong-layer/x")
    finally:
        bed.run("systemctl stop far; systemctl reset-failed")
    assert "localhost:5002" in error and "elsewhere" not in error


# ---- TLS and proxies

@pytest.fixture(scope="module")
def tls(session_bed):
    """A registry with the images of the first one, on port 5443 with TLS: its authority is known to nobody, and it wants to know who asks."""
    openssl = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    session_bed.write("/run/tls/config.yml", """version: 0.1
log: {level: warn, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: /var/lib/docker-registry}}
http: {addr: "127.0.0.1:5443", tls: {certificate: /run/tls/server.cert, key: /run/tls/server.key, clientcas: [/run/tls/ca.crt]}}
""")
    session_bed.run(f"""cd /run/tls &&
        {openssl} -subj /CN=authority -keyout ca.key -out ca.crt &&
        for who in server client; do
            openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=$who -keyout $who.key -out $who.csr &&
            printf 'subjectAltName=IP:127.0.0.1,DNS:far.example\\n' >$who.ext &&
            openssl x509 -req -in $who.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile $who.ext -out $who.cert || exit 1
        done
        systemd-run -q --unit=tls-registry docker-registry serve /run/tls/config.yml""", timeout=90)
    wait_until(lambda: session_bed.run("ss -Hltn 'sport = :5443' | grep -q .", check=False).returncode == 0)
    yield "/run/tls"
    session_bed.run("systemctl stop tls-registry; rm -rf /run/tls; systemctl reset-failed")


def test_certificates(bed, settings, tls):
    name, folder = "127.0.0.1:5443/hello", "/etc/containers/certs.d/127.0.0.1:5443"
    error = refused(bed, "pull", name)
    assert "not signed by an authority" in error and folder in error
    bed.run(["install", "-D", f"{tls}/ca.crt", f"{folder}/ca.crt"])
    assert "certificate of this machine" in refused(bed, "pull", name)
    bed.run(["cp", f"{tls}/client.cert", f"{folder}/me.cert"])
    assert f"{folder}/me.cert lacks its key {folder}/me.key" in refused(bed, "pull", name)
    bed.run(["cp", f"{tls}/client.key", f"{folder}/me.key"])
    bed.sysconsctl("pull", name)
    assert f"{name}:latest" in images(bed)


def test_authorities_of_the_host(bed, settings, tls):
    """Those that update-ca-certificates has put together count without a word in certs.d: then the server's turn to ask comes."""
    name, installed = "127.0.0.1:5443/hello", "/usr/local/share/ca-certificates/sysconsd-test.crt"
    assert "not signed by an authority" in refused(bed, "pull", name)
    try:
        bed.run(f"install -D -m 644 {tls}/ca.crt {installed} && update-ca-certificates")
        assert "certificate of this machine" in refused(bed, "pull", name)
    finally:
        bed.run(f"rm -f {installed} && update-ca-certificates --fresh")
    assert "not signed by an authority" in refused(bed, "pull", name)


def test_plain_http_needs_no_authorities(bed, settings):
    """Whether a registry on this host speaks TLS is found out without reading them: who opened this one would wait for ever."""
    authorities = "/etc/ssl/certs/ca-certificates.crt"
    bed.run(f"mv {authorities} {authorities}.away && mkfifo {authorities}")
    try:
        bed.run(["timeout", "20", "sysconsctl", "pull", "localhost:5000/hello"])
    finally:
        bed.run(f"rm {authorities} && mv {authorities}.away {authorities}")


def test_certificate_is_the_hosts(bed, settings, tls):
    """It opens what a login of root's opens, and for the same: what root asks for, and an update to the same image, whoever asks."""
    name, folder = "127.0.0.1:5443/hello", "/etc/containers/certs.d/127.0.0.1:5443"
    bed.run(f"mkdir -p {folder} && cp {tls}/ca.crt {tls}/client.cert {tls}/client.key {folder}")
    bed.polkit_rules("\n".join(f'polkit.addRule(function(action, subject) {{ if (action.id == "org.sysconsd1.{action}" && subject.user == "alice") '
                               'return polkit.Result.YES; });' for action in ("pull", "update", "configure", "manage-images")))
    bed.sysconsctl("install", "--name=web", "--set=PORT=8082", name)
    for arguments in (("pull", f"{name}:2"), ("plan", "pull", f"{name}:2"), ("update", f"--rebase={name}:2", "web"),
                      ("login", "--username=x", "--password-stdin", "127.0.0.1:5443")):
        error = refused(bed, *arguments, user="alice", stdin="x")
        assert "a credential of root's" in error and "Ask root" in error, arguments
        # the authority is for all, and no word of what is root's
        assert "not signed by" not in error and "client.key" not in error
    # not even where it is broken
    bed.run(f"mv {folder}/client.key {folder}/away.key")
    assert "client.key" not in refused(bed, "pull", f"{name}:2", user="alice")
    bed.run(f"mv {folder}/away.key {folder}/client.key")
    bed.push("hello:latest=hello:2")
    bed.sysconsctl("update", "web", user="alice")
    bed.sysconsctl("verify", name, user="alice")
    bed.sysconsctl("pull", f"{name}:2")


def test_proxy(bed, settings, tls):
    """The service's environment names it, with a password that nobody else gets to see."""
    folder = "/etc/containers/certs.d/far.example:5443"
    bed.run(f"mkdir -p {folder} && cp {tls}/ca.crt {tls}/client.cert {tls}/client.key {folder}")
    serve(bed, "proxy", "proxy-server.py", "--port", "3128", "--to", "127.0.0.1:5443", "--user", "me:geheim", "--log", "/run/proxy.log")
    bed.write("/etc/sysconsd.env", "HTTPS_PROXY=http://me:geheim@127.0.0.1:3128\nNO_PROXY=near.example\n", "600")
    bed.write("/etc/systemd/system/sysconsd.service.d/50-test.conf", "[Service]\nEnvironmentFile=/etc/sysconsd.env\n")
    bed.run("systemctl daemon-reload && systemctl restart sysconsd")
    cursor = bed.cursor()
    try:
        bed.systemctl("kill", "-s", "STOP", "proxy")
        pull = subprocess.Popen([bed.program, "exec", bed.name, "sysconsctl", "pull", "far.example:5443/hello"], stdout=subprocess.PIPE, text=True)
        unit = wait_until(lambda: bed.output("systemctl list-units --plain --no-legend 'sysconsd-job-*' | cut -d' ' -f1"))
        shown = bed.output(["systemctl", "show", unit])
        bed.systemctl("kill", "-s", "CONT", "proxy")
        assert pull.wait(60) == 0, pull.stdout.read()
        assert f"Id={unit}" in shown and "geheim" not in shown
        assert "resolving" in refused(bed, "pull", "near.example/x")
        bed.run(["sed", "-i", "s/geheim/falsch/", "/etc/sysconsd.env"])
        bed.systemctl("restart", "sysconsd")
        error = refused(bed, "pull", "far.example:5443/hello")
        assert "wants a login" in error and "falsch" not in error
    finally:
        pull.kill()
        bed.run("rm -r /etc/systemd/system/sysconsd.service.d /etc/sysconsd.env; systemctl stop proxy; "
                "systemctl daemon-reload; systemctl restart sysconsd; systemctl reset-failed")
    log = bed.read("/run/proxy.log")
    assert "CONNECT far.example:5443" in log and "near.example" not in log
    journal = bed.journal(after=cursor)
    assert "far.example:5443/hello" in journal and "geheim" not in journal and "falsch" not in journal


def test_a_users_own(bed, settings):
    """He has settings of his own; the system's daemon does not know them."""
    own = "/home/alice/.config/containers/registries.conf.d/10-a.conf"
    settings("10-a", f'[aliases]\nours = "{REGISTRY}/nothing"\n')
    bed.run(["runuser", "-u", "alice", "--", "sh", "-c", f'mkdir -p "$(dirname {own})" && cat >{own}'], stdin=f'[aliases]\nours = "{REGISTRY}/hello"\n')
    bed.run(["loginctl", "enable-linger", "alice"])
    try:
        wait_until(lambda: bed.run("systemctl --user is-system-running", user="alice", check=False).stdout.strip() == "running")
        assert f"(alias in {own})" in bed.sysconsctl("--user", "pull", "ours", user="alice").stdout
        assert "not found" in refused(bed, "pull", "ours")
    finally:
        bed.run("loginctl disable-linger alice; systemctl stop user@1000.service; cd /home/alice && rm -rf .local .config .data .cache")
