# SPDX-License-Identifier: LGPL-2.1-or-later
"""Attacks: alice may pull, and update one container. She must not get content of her own into it, by whatever way."""

import pytest
from bed import wait_until
from sysconsbus import ROOT, Refused, call, container, get, image, objects, options, pull, state, verb, wait_done, wait_over

HELLO = "localhost:5000/hello:latest"
RULES = """polkit.addRule(function(action, subject) {
        if (subject.user == "alice" && (%s)) return polkit.Result.YES;
});
"""
MAY_PULL = 'action.id == "org.sysconsd1.pull" || (action.id == "org.sysconsd1.update" && action.lookup("container") == "hello")'
MAY_IMPORT = f'{MAY_PULL} || action.id == "org.sysconsd1.import"'

# A registry of files: ROOT/REPOSITORY/manifests/TAG and .../blobs/DIGEST. Where ROOT/elsewhere says so,
# port 5001 sends who asks for a manifest to another one.
REGISTRY = r"""
import http.server, json, os, socket, sys
address, port, root = sys.argv[1], int(sys.argv[2]), sys.argv[3]

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        what = self.path.removeprefix("/v2/").strip("/")
        if "/manifests/" in what and port == 5001 and os.path.exists(f"{root}/elsewhere"):
            self.send_response(307)
            self.send_header("Location", open(f"{root}/elsewhere").read().strip() + self.path)
            self.send_header("Content-Length", "0")
            return self.end_headers()
        try:
            data = open(f"{root}/{what}", "rb").read() if what else b"{}"
        except OSError:
            return self.send_error(404)
        kind = json.loads(data)["mediaType"] if "/manifests/" in what else "application/octet-stream"
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6 if ":" in address else socket.AF_INET

Server((address, port), Handler).serve_forever()
"""


def find(bed, name):
    images = [interfaces["Image"] for interfaces in objects(bed).values() if "Image" in interfaces]
    return next((image for image in images if name in image["Names"]), None)


def identity(bed, name=HELLO):
    """The image that the name means."""
    found = find(bed, name)
    return found["Id"] if found else None


@pytest.fixture(scope="module")
def fakes(session_bed):
    """The folder of a registry in which hello:latest is version 2, and what starts and ends registries."""
    bed = session_bed
    bed.start_registry()
    bed.write("/srv/registry.py", REGISTRY)
    bed.run(r"""set -e; cd /srv; mkdir -p fake/hello/manifests fake/hello/blobs
        accept='Accept: application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json'
        for version in 1 2; do
                curl -sSf -H "$accept" http://127.0.0.1:5000/v2/hello/manifests/$version >fake/hello/manifests/$version
        done
        cp fake/hello/manifests/2 fake/hello/manifests/latest
        for blob in $(jq -r '.config.digest, .layers[].digest' fake/hello/manifests/*); do
                curl -sSf http://127.0.0.1:5000/v2/hello/blobs/$blob >fake/hello/blobs/$blob
        done
        grep -q mediaType fake/hello/manifests/latest""")
    yield bed
    bed.run("rm -rf /srv/fake /srv/registry.py")


class Server:
    def __init__(self, bed, user, address="127.0.0.1", port=5000):
        self.bed, self.unit = bed, f"fake-{user}-{port}"
        bed.run(["systemd-run", "-q", f"--unit={self.unit}", f"--uid={user}", "--collect", "python3", "/srv/registry.py", address, str(port), "/srv/fake"])
        host = f"[{address}]" if ":" in address else address
        wait_until(lambda: bed.run(["curl", "-gsf", f"http://{host}:{port}/v2/"], check=False).returncode == 0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.bed.run(["systemctl", "stop", self.unit])


@pytest.fixture
def victim(bed, fakes):
    """The container hello, of localhost:5000/hello:1; alice may update it."""
    bed.sysconsctl("pull", "localhost:5000/hello")
    bed.sysconsctl("install", "--set", "PORT=8082", "localhost:5000/hello")
    bed.polkit_rules(RULES % MAY_PULL)
    yield bed
    for name in ("alices:1", "[::1]:5000/hello"):
        bed.sysconsctl("delete-image", "--force", name, check=False)
    bed.systemctl("start", "docker-registry")
    bed.wait_http(5000, "/v2/")


def error_of(bed, job):
    assert wait_over(bed, job) == "failed"
    return get(bed, job, "Job", "Error")


def refusal(bed, name, user="alice", **options):
    """How Pull refuses at once."""
    with pytest.raises(Refused) as refused:
        pull(bed, name, user=user, **options)
    return f"{refused.value.error}: {refused.value.message}"


def test_listening_where_the_registry_was(victim):
    """The real registry is down, and anybody can listen on a port above 1023."""
    bed = victim
    before = identity(bed)
    bed.systemctl("stop", "docker-registry")
    with Server(bed, "alice"):
        for ask in (lambda: pull(bed, HELLO, user="alice"),
                    lambda: verb(bed, container("hello"), "Container", "Update", user="alice"),
                    lambda: verb(bed, container("hello"), "Container", "Update"),  # nor does root fall for it
                    lambda: pull(bed, "localhost:5000/hello@sha256:" + bed.output("sha256sum </srv/fake/hello/manifests/latest").split()[0], user="alice")):
            assert "user 1000" in " ".join(error_of(bed, ask())), ask
        assert "org.sysconsd1.import" in refusal(bed, HELLO, replace="yes")
    assert identity(bed) == before == get(bed, container("hello"), "Container", "ImageId")
    # a system service may have that port
    with Server(bed, "docker-registry"):
        wait_done(bed, pull(bed, HELLO, user="alice"))
    assert identity(bed) not in (before, None)


def test_listening_beside_the_registry(victim):
    """localhost is ::1, too, where the real registry does not listen."""
    bed = victim
    before = identity(bed)
    with Server(bed, "alice", "::1"):
        assert "user 1000" in " ".join(error_of(bed, pull(bed, "[::1]:5000/hello", user="alice")))
        job = pull(bed, HELLO, user="alice")
        assert wait_over(bed, job) == "done" or "user 1000" in " ".join(get(bed, job, "Job", "Error"))
        assert identity(bed) == before
        # who may import has to say so
        bed.polkit_rules(RULES % MAY_IMPORT)
        wait_done(bed, pull(bed, "[::1]:5000/hello", user="alice", replace="yes"))
        assert identity(bed, "[::1]:5000/hello:latest") not in (before, None)


def test_redirect_to_her_own(victim):
    bed = victim
    with Server(bed, "root", port=5001), Server(bed, "alice", port=5002):
        bed.write("/srv/fake/elsewhere", "http://127.0.0.1:5002")
        try:
            assert "user 1000" in " ".join(error_of(bed, pull(bed, "localhost:5001/hello", user="alice")))
        finally:
            bed.run("rm /srv/fake/elsewhere")
    assert identity(bed, "localhost:5001/hello:latest") is None


def test_http_takes_no_name_of_a_registry(victim):
    bed = victim
    before = identity(bed)
    assert refusal(bed, f"http:{HELLO}").startswith("Exists")
    assert refusal(bed, f"http:{HELLO}", user=None).startswith("Exists")
    assert "org.sysconsd1.import" in refusal(bed, f"http:{HELLO}", replace="yes")
    for method, words in (("Install", [f"http:{HELLO}", "2", "name", "s", "other", "pull", "s", "always"]),
                          ("Run", [f"http:{HELLO}", "1", "true", "1", "pull", "s", "always"]),
                          ("Plan", ["pull", f"http:{HELLO}", "0"])):
        signature = {"Install": "sa{sv}", "Run": "sasa{sv}", "Plan": "ssa{sv}"}[method]
        with pytest.raises(Refused, match="replace"):
            call(bed, ROOT, "Manager", method, signature, *words)
    with pytest.raises(Refused, match="replace"):
        verb(bed, container("hello"), "Container", "Update", {"image": f"http:{HELLO}"})
    # the image is gone, but a container was installed by its name
    bed.sysconsctl("delete-image", "--force", HELLO)
    assert refusal(bed, f"http:{HELLO}").startswith("Exists")
    bed.polkit_rules(RULES % MAY_IMPORT)
    assert refusal(bed, f"http:{HELLO}").startswith("Exists")
    wait_done(bed, pull(bed, f"http:{HELLO}", user="alice", replace="yes"))
    assert identity(bed) == before
    # and from there its updates come now
    job = verb(bed, container("hello"), "Container", "Update", user="alice")
    wait_done(bed, job)
    wait_done(bed, pull(bed, HELLO, user="alice"))  # a registry may always take its name
    assert refusal(bed, f"http:{HELLO}").startswith("Exists")


def test_between_the_look_and_the_publication(victim):
    """While a pull by http: is under way, the name comes to mean what a registry vouches for."""
    bed = victim
    name = "localhost:5001/hello:latest"
    with Server(bed, "root", port=5001):
        bed.sysconsctl("delete-image", name, check=False)
        bed.sysconsctl("prune")
        bed.write("/run/sysconsd/failpoint", "pull-publish wait\n")
        try:
            cursor = bed.cursor()
            slow = pull(bed, f"http:{name}", user="alice")
            wait_until(lambda: "failpoint pull-publish: wait" in bed.journal(after=cursor))
            bed.run("rm /run/sysconsd/failpoint; cp /srv/fake/hello/manifests/1 /srv/fake/hello/manifests/latest")
            quick = pull(bed, name, user="alice")
            assert quick != slow  # nobody joins what comes from elsewhere
            wait_done(bed, quick)
            bed.run("touch /run/sysconsd/failpoint.go")
            assert "at the same time" in " ".join(error_of(bed, slow))
        finally:
            bed.run("rm -f /run/sysconsd/failpoint*; cp /srv/fake/hello/manifests/2 /srv/fake/hello/manifests/latest")
    assert find(bed, name)["Sources"][name] == "registry"
    bed.sysconsctl("delete-image", name)


@pytest.fixture
def archive(victim):
    """What `docker save` would write of version 2, and call as the container's image is called."""
    bed = victim
    bed.run("skopeo copy -q --insecure-policy --src-tls-verify=false docker://localhost:5000/hello:2 docker-archive:/srv/own.tar:localhost:5000/hello:latest && "
            "chmod 644 /srv/own.tar", timeout=60)
    yield "/srv/own.tar"
    bed.run("rm -f /srv/own.tar")


def test_a_file_that_calls_itself_so(victim, archive):
    bed = victim
    before = identity(bed)

    def attack(*words):
        return bed.sysconsctl("pull", *words, user="alice", check=False)

    assert "org.sysconsd1.import" in attack(f"docker-archive:{archive}").stderr
    assert "org.sysconsd1.import" in attack("--replace", f"docker-archive:{archive}").stderr
    bed.polkit_rules(RULES % MAY_IMPORT)
    # its name is found out by the worker only
    for words in ([f"docker-archive:{archive}"], [f"docker-archive:{archive}:{HELLO}"], ["--name", HELLO, f"docker-archive:{archive}"]):
        refused = attack(*words)
        assert refused.returncode != 0 and "replace" in refused.stderr, refused
        assert "Pulling layer" not in refused.stdout  # before anything is fetched
    assert identity(bed) == before
    for name in ("sha256:" + "0" * 64, "docker.io/library/hello:1@sha256:" + "0" * 64):
        assert attack("--name", name, f"docker-archive:{archive}").returncode != 0
    # a name of her own is no harm, and does not become another one by a tag
    assert attack("--name", "alices:1", f"docker-archive:{archive}").returncode == 0
    assert find(bed, "alices:1")["Sources"]["alices:1"] == "archive"
    bed.polkit_rules(RULES % f'{MAY_PULL} || action.id == "org.sysconsd1.manage-images"')
    with pytest.raises(Refused, match="org.sysconsd1.(import|configure)"):
        call(bed, image(identity(bed, "alices:1")), "Image", "Tag", "sa{sv}", HELLO, "1", "replace", "s", "yes", user="alice")
    bed.polkit_rules(RULES % MAY_IMPORT)
    assert attack("--replace", f"docker-archive:{archive}").returncode == 0
    assert find(bed, HELLO)["Sources"][HELLO] == "archive"
    # nor does an update go elsewhere than where it came from
    job = verb(bed, container("hello"), "Container", "Update", user="alice")
    wait_done(bed, job)
    assert get(bed, container("hello"), "Container", "ImageId") == identity(bed) != before
    with pytest.raises(Refused, match="file"):
        verb(bed, container("hello"), "Container", "Update", {"pull": "always"})


def test_engine_and_storage_are_imports(victim):
    bed = victim
    for source in ("docker:", "docker-daemon:", "containers-storage:"):
        for name in (HELLO, "new.test/hello:1"):
            assert "org.sysconsd1.import" in refusal(bed, source + name, replace="yes")
            with pytest.raises(Refused, match="org.sysconsd1.import|replace"):
                pull(bed, source + name, user="alice")
    bed.polkit_rules(RULES % MAY_IMPORT)
    assert refusal(bed, f"docker:{HELLO}").startswith("Exists")
    with pytest.raises(Refused):  # not by another verb, either
        verb(bed, container("hello"), "Container", "Update", {"image": f"docker:{HELLO}"}, user="alice")


def test_where_a_mirror_was(victim):
    """Root has configured a mirror on this host, which is down; anybody can listen there."""
    bed = victim
    before = identity(bed)
    bed.write("/etc/containers/registries.conf.d/50-mirror.conf",
              '[[registry]]\nlocation = "localhost:5000"\n[[registry.mirror]]\nlocation = "localhost:5001"\ninsecure = true\n')
    try:
        with Server(bed, "alice", port=5001):
            job = pull(bed, HELLO, user="alice")
            wait_over(bed, job)
            assert identity(bed) == before
    finally:
        bed.run("rm /etc/containers/registries.conf.d/50-mirror.conf")


def test_short_names(victim):
    """What a short name means is root's to say; hers may say something else in her own files."""
    bed = victim
    bed.run("mkdir -p /home/alice/.config/containers/registries.conf.d; cd /home/alice/.config/containers; "
            "printf '[aliases]\n\"hello\" = \"localhost:5001/hello\"\n' | tee registries.conf.d/a.conf >registries.conf; chown -R alice: /home/alice/.config")
    try:
        with Server(bed, "alice", port=5001):
            with pytest.raises(Refused):
                pull(bed, "hello", user="alice")
            assert identity(bed, "hello:latest") is None and identity(bed, "localhost:5001/hello:latest") is None
    finally:
        bed.run("rm -rf /home/alice/.config/containers")


def test_names_that_are_digests(victim):
    """Whoever means an image by its digest must not get one that is called so."""
    bed = victim
    bed.polkit_rules(RULES % 'action.id == "org.sysconsd1.manage-images"')
    with pytest.raises(Refused, match="digest"):
        call(bed, image(identity(bed)), "Image", "Tag", "sa{sv}", f"sha256:{'0' * 64}", "0", user="alice")


def test_a_name_that_was_given_here(victim):
    """The container's image has a name without a registry, and is gone; where short names are looked for it is somebody else's."""
    bed = victim
    info, settings = "/var/lib/containers/atomic/hello.0/info", "/etc/containers/registries.conf.d/50-search.conf"
    bed.run(["sed", "-i", f's|"{HELLO}"|"hello:latest"|', info])
    bed.write(settings, 'unqualified-search-registries = ["localhost:5000"]\n')
    try:
        bed.systemctl("restart", "sysconsd")
        for values in ({}, {"pull": "always"}):
            with pytest.raises(Refused, match="org.sysconsd1.configure"):
                verb(bed, container("hello"), "Container", "Update", values, user="alice")
    finally:
        bed.run(["rm", settings])
        bed.run(["sed", "-i", f's|"hello:latest"|"{HELLO}"|', info])
        bed.systemctl("restart", "sysconsd")


def test_a_tag_that_waits(victim):
    """Nothing was installed by the name when she was allowed to give it to another image."""
    bed = victim
    failpoint = "/run/sysconsd/failpoint"
    bed.sysconsctl("tag", HELLO, "ours")
    bed.sysconsctl("pull", "localhost:5000/hello:2")
    bed.polkit_rules(RULES % 'action.id == "org.sysconsd1.manage-images"')
    other, before = identity(bed, "localhost:5000/hello:2"), identity(bed)
    assert other != before
    try:
        bed.write(failpoint, "tag wait\n")
        job = call(bed, image(other), "Image", "Tag", "sa{sv}", "ours", *options({"replace": "yes"}), user="alice")[0]
        bed.sysconsctl("install", "--name=second", "--set", "PORT=8083", "ours")
        bed.write(f"{failpoint}.go", "")
        assert "second" in str(error_of(bed, job))
        assert identity(bed, "ours:latest") == before
    finally:
        bed.run(["rm", "-f", failpoint, f"{failpoint}.go"])
        bed.sysconsctl("uninstall", "second", check=False)
        for name in ("ours", "localhost:5000/hello:2"):
            bed.sysconsctl("delete-image", "--force", name, check=False)
