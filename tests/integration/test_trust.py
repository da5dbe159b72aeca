# SPDX-License-Identifier: LGPL-2.1-or-later
"""policy.json and signatures: what it lets in, what it refuses and by which rule. Signatures are made by skopeo and gpg, and, as Debian's
skopeo makes none of sigstore's, by openssl; where skopeo can, it is asked for its decision, too."""

import base64
import hashlib
import json
import os
import shutil
import subprocess

import pytest
import sysconsbus as bus
from bed import CHECKOUT, REGISTRY, TESTBED, TESTS, wait_until

POLICY = "/etc/containers/policy.json"
PORT = 8077
REPO = f"--repo={CHECKOUT}/.storage/ostree"
GPG = ["gpg", "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""]
ACCEPT, REJECT = [{"type": "insecureAcceptAnything"}], [{"type": "reject"}]


class Signer:
    """Keys and signed images, made outside of the test bed; and the lookaside storage that is served inside."""

    def __init__(self, bed, folder):
        self.bed, self.folder = bed, folder
        self.environment = {**os.environ, "GNUPGHOME": str(folder / "gnupg")}
        (folder / "gnupg").mkdir(mode=0o700)
        (folder / "storage").mkdir()
        (folder / "registries.d").mkdir()
        (folder / "registries.d" / "test.yaml").write_text(
            f"docker:\n  localhost:5000/trust:\n    lookaside: http://127.0.0.1:{PORT}\n"
            f"    lookaside-staging: file://{folder}/storage\n    use-sigstore-attachments: true\n")
        (folder / "accept.json").write_text(json.dumps({"default": ACCEPT}))

    def run(self, *command, check=True):
        result = subprocess.run(command, env=self.environment, cwd=self.folder, capture_output=True, text=True, timeout=60)
        assert not check or result.returncode == 0, f"{command}: {result.stderr}"
        return result

    def inside(self, *command, **options):
        """In the network of the test bed."""
        return self.run(TESTBED, "net", self.bed.name, *command, **options)

    def gpg_key(self, name, *options, expire="never"):
        self.run(*GPG, *options, "--quick-gen-key", name, "ed25519", "sign", expire)
        return self.export(name)

    def export(self, name):
        return base64.b64encode(subprocess.check_output(["gpg", "--export", name], env=self.environment)).decode()

    def fingerprint(self, name):
        lines = self.run("gpg", "--list-keys", "--with-colons", name).stdout.splitlines()
        return next(line.split(":")[9] for line in lines if line.startswith("fpr"))

    def copy(self, source, target, *options, policy="accept.json", check=True):
        return self.inside("skopeo", "--registries.d=registries.d", f"--policy={policy}", "copy", "-q", "--src-tls-verify=false",
                           *(["--dest-tls-verify=false"] if target.startswith("docker:") else []), *options, source, target, check=check)

    def push(self, source, target, key=None):
        """An image of the registry under another name, signed by gpg."""
        options = [f"--sign-by={self.fingerprint(key)}"] if key else ["--remove-signatures"]
        self.copy(f"docker://localhost:5000/{source}", f"docker://localhost:5000/{target}", *options)
        return self.digest(target)

    def digest(self, name):
        return self.inside("skopeo", "inspect", "--tls-verify=false", "--format={{.Digest}}", f"docker://localhost:5000/{name}").stdout.strip()

    def storage(self, name, digest):
        return self.folder / "storage" / f"{name}@{digest.replace(':', '=')}"

    def sigstore_key(self, name):
        self.run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.pem")
        return base64.b64encode(self.run("openssl", "pkey", "-in", f"{name}.pem", "-pubout").stdout.encode()).decode()

    def attach(self, name, digest, key, reference):
        """A signature beside the image, as cosign leaves it there."""
        payload = json.dumps({"critical": {"type": "cosign container image signature", "image": {"docker-manifest-digest": digest},
                                           "identity": {"docker-reference": reference}}, "optional": None}).encode()
        (self.folder / "payload").write_bytes(payload)
        self.run("openssl", "dgst", "-sha256", "-sign", f"{key}.pem", "-out", "signature", "payload")
        signature = base64.b64encode((self.folder / "signature").read_bytes()).decode()
        layout = self.folder / "layout"
        shutil.rmtree(layout, ignore_errors=True)
        (layout / "blobs" / "sha256").mkdir(parents=True)

        def blob(data, media_type, **more):
            hexes = hashlib.sha256(data).hexdigest()
            (layout / "blobs" / "sha256" / hexes).write_bytes(data)
            return {"mediaType": media_type, "digest": f"sha256:{hexes}", "size": len(data), **more}

        manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                    "config": blob(b"{}", "application/vnd.oci.image.config.v1+json"),
                    "layers": [blob(payload, "application/vnd.dev.cosign.simplesigning.v1+json",
                                    annotations={"dev.cosignproject.cosign/signature": signature})]}
        index = {"schemaVersion": 2, "manifests": [blob(json.dumps(manifest).encode(), manifest["mediaType"],
                                                        annotations={"org.opencontainers.image.ref.name": "signature"})]}
        (layout / "index.json").write_text(json.dumps(index))
        self.inside(str(TESTS / "images" / "push"), str(layout), REGISTRY, f"signature={name}:{digest.replace(':', '-')}.sig")


def gpg_by(key, identity=None):
    return {"type": "signedBy", "keyType": "GPGKeys", "keyData": key, **({"signedIdentity": {"type": identity}} if identity else {})}


def sigstore_by(key, identity="matchRepository"):
    return {"type": "sigstoreSigned", "keyData": key, "signedIdentity": {"type": identity}}


@pytest.fixture(scope="module")
def signer(session_bed, tmp_path_factory):
    session_bed.push("hello:1", "hello:2", "hello:multi", "straight:1")
    signer = Signer(session_bed, tmp_path_factory.mktemp("trust"))
    server = subprocess.Popen([TESTBED, "net", session_bed.name, "python3", "-m", "http.server", "--bind", "127.0.0.1", str(PORT)],
                              cwd=signer.folder / "storage", stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: session_bed.run(["curl", "-s", f"http://127.0.0.1:{PORT}/"], check=False).returncode == 0)
    session_bed.run(f"test ! -e {POLICY} || mv {POLICY} {POLICY}.saved")  # a package may have brought one
    session_bed.write("/etc/containers/registries.d/test.yaml", (signer.folder / "registries.d" / "test.yaml").read_text())
    signer.server = server
    yield signer
    server.kill()
    server.wait()
    subprocess.run(["gpgconf", "--kill", "all"], env=signer.environment, check=False)
    session_bed.run(f"rm -rf /etc/containers/registries.d/test.yaml {POLICY} /etc/trust-test {CHECKOUT}/.storage; "
                    f"test ! -e {POLICY}.saved || mv {POLICY}.saved {POLICY}")


@pytest.fixture
def policed(bed, signer):
    yield bed
    bed.run(["rm", "-f", POLICY])


def set_policy(bed, policy):
    bed.write(POLICY, json.dumps(policy))


def by_scope(**scopes):
    return {"default": REJECT, "transports": {"docker": {f"localhost:5000/trust/{name}": rule for name, rule in scopes.items()}}}


def refs(bed):
    return bed.output(f"test ! -e {CHECKOUT}/.storage || ostree refs {REPO}")


@pytest.fixture(scope="module")
def signed(signer):
    """Images signed in all the ways that there are; the keys, by name."""
    keys = {name: signer.gpg_key(name) for name in ("good", "other", "revoked")}
    keys["expired"] = signer.gpg_key("expired", "--faked-system-time", "20200101T000000!", expire="1d")
    keys.update({name: signer.sigstore_key(name) for name in ("ec", "ec2")})

    signer.push("hello:1", "trust/signed:1", "good")
    signer.push("hello:1", "trust/signed:replayed")  # the same image, and its signature says :1
    signer.push("straight:1", "trust/signed:unsigned")
    altered = signer.push("hello:2", "trust/altered:1")
    genuine = signer.push("hello:1", "trust/altered:genuine", "good")
    shutil.copytree(signer.storage("trust/altered", genuine), signer.storage("trust/altered", altered))
    signer.push("hello:1", "trust/both:1", "good")
    signer.copy("docker://localhost:5000/trust/both:1", "docker://localhost:5000/trust/both:1", f"--sign-by={signer.fingerprint('other')}")

    # by the time that they are looked at, the one key has expired and the other is revoked
    digest = signer.push("hello:1", "trust/expired:1")
    (signer.folder / "payload").write_text(json.dumps({"critical": {
        "type": "atomic container signature", "image": {"docker-manifest-digest": digest},
        "identity": {"docker-reference": "localhost:5000/trust/expired:1"}}, "optional": {}}))
    signer.storage("trust/expired", digest).mkdir(parents=True)
    signer.run(*GPG, "--faked-system-time", "20200101T000000!", "-u", "expired", "--sign", "-o",
               str(signer.storage("trust/expired", digest) / "signature-1"), "payload")
    signer.push("hello:1", "trust/revoked:1", "revoked")
    path = signer.folder / "gnupg" / "openpgp-revocs.d" / f"{signer.fingerprint('revoked')}.rev"
    (signer.folder / "revocation").write_text(path.read_text().replace(":-----BEGIN", "-----BEGIN"))
    signer.run(*GPG, "--import", "revocation")
    keys["revoked"] = signer.export("revoked")

    # of an image for several machines, the one for this machine is what is signed
    signer.push("hello:multi", "trust/multi:1", "good")
    digest = signer.digest("hello:2")
    for name in ("sigstore:1", "exact:1", "exact:2"):
        signer.push("hello:2", f"trust/{name}")
    signer.attach("trust/sigstore", digest, "ec", "localhost:5000/trust/sigstore")
    signer.attach("trust/exact", digest, "ec", "localhost:5000/trust/exact:1")
    return keys


def test_decisions(policed, signer, signed):
    """Each image with the policy that is for it; what skopeo decides about signatures by gpg is what sysconsd decides."""
    good, other, ec = signed["good"], signed["other"], signed["ec"]
    cases = [
        # image, the rule of its repository, what the refusal says, whether Debian's skopeo knows it, too
        ("signed:1", [gpg_by(good)], None, True),
        (f"signed@{signer.digest('trust/signed:1')}", [gpg_by(good)], None, True),
        ("signed:1", REJECT, "reject", True),
        ("signed:1", [gpg_by(other)], "another key", True),
        ("signed:1", ACCEPT + [gpg_by(other)], "requirement 2, signedBy", True),
        ("signed:replayed", [gpg_by(good)], "names the image localhost:5000/trust/signed:1", True),
        ("signed:replayed", [gpg_by(good, "matchRepository")], None, True),
        ("signed:unsigned", [gpg_by(good)], "there is no such signature", True),
        ("altered:1", [gpg_by(good, "matchRepository")], "for another image", True),
        ("expired:1", [gpg_by(signed["expired"])], "the key has expired", True),
        ("revoked:1", [gpg_by(signed["revoked"])], "the key was revoked", True),
        ("multi:1", [gpg_by(good)], None, True),
        ("both:1", [gpg_by(good), gpg_by(other)], None, True),
        ("both:1", [gpg_by(good), gpg_by(signed["expired"])], "requirement 2", True),
        ("sigstore:1", [sigstore_by(ec)], None, False),
        ("sigstore:1", [sigstore_by(signed["ec2"])], "another key", False),
        ("sigstore:1", [sigstore_by(ec, "matchRepoDigestOrExact")], "names the image", False),
        ("sigstore:1", [{**sigstore_by(ec), "rekorPublicKeyPath": "/etc/rekor.pub"}], "rekorPublicKeyPath is not supported", False),
        ("exact:1", [sigstore_by(ec, "matchRepoDigestOrExact")], None, False),
        ("exact:2", [sigstore_by(ec, "matchRepoDigestOrExact")], "names the image", False),
    ]
    for image, rule, wrong, asks_skopeo in cases:
        repository = image.split(":")[0].split("@")[0]
        policy = by_scope(**{repository: rule})
        set_policy(policed, policy)
        before = refs(policed)
        result = policed.sysconsctl("pull", f"localhost:5000/trust/{image}", check=False)
        assert (result.returncode == 0) == (wrong is None), f"{image}, {rule}: {result.stdout}{result.stderr}"
        if wrong is not None:
            assert f"the rule for docker, localhost:5000/trust/{repository} in {POLICY}" in result.stderr and wrong in result.stderr
            assert "Pulling layer" not in result.stdout and refs(policed) == before
        if asks_skopeo:
            (signer.folder / "policy.json").write_text(json.dumps(policy))
            shutil.rmtree(signer.folder / "out", ignore_errors=True)
            theirs = signer.copy(f"docker://localhost:5000/trust/{image}", f"dir:{signer.folder}/out", policy="policy.json", check=False)
            assert (theirs.returncode == 0) == (wrong is None), f"{image}, {rule}: {theirs.stderr}"


def test_decided_again_when_it_is_installed(policed, signer, signed):
    """By the signatures that were pulled with the image, without a network."""
    image = "localhost:5000/trust/signed:1"
    policed.write("/etc/trust-test/good.asc", signer.run("gpg", "--export", "--armor", "good").stdout)
    by_path = [{"type": "signedBy", "keyType": "GPGKeys", "keyPath": "/etc/trust-test/good.asc"}]
    set_policy(policed, by_scope(signed=by_path))
    policed.sysconsctl("pull", image)
    policed.sysconsctl("tag", image, "localhost:5000/else/where:7")  # what counts is the name by which it came
    policed.systemctl("stop", "docker-registry")
    try:
        for rule, wrong in [(REJECT, "requirement 1, reject"), ([gpg_by(signed["other"])], "another key"),
                            ([sigstore_by(signed["ec"])], "there is no such signature")]:
            set_policy(policed, by_scope(signed=rule))
            for name in (image, "localhost:5000/else/where:7"):
                result = policed.sysconsctl("install", "--pull=never", "--name=trusty", name, check=False)
                assert result.returncode != 0 and f"in {POLICY}" in result.stderr and wrong in result.stderr, result.stderr
                plan = json.loads(policed.sysconsctl("plan", "--json", "install", "--pull=never", "--name=trusty", name, check=False).stdout)
                assert plan["trust"] == {"accepted": False} and any(wrong in text for text in plan["conflicts"])
            result = policed.sysconsctl("run", "--pull=never", image, "true", check=False)
            assert result.returncode != 0 and wrong in result.stderr
        set_policy(policed, by_scope(signed=[gpg_by(signed["good"])]))
        policed.sysconsctl("install", "--pull=never", "--name=trusty", "localhost:5000/else/where:7")
        for void in ("echo '{}' >", "rm", "ln -s /nothing"):  # there is one, but it says nothing, and so nothing is let in
            policed.run(f"{void} {POLICY}")
            if void != "rm":
                result = policed.sysconsctl("install", "--pull=never", "--name=trusty2", image, check=False)
                assert result.returncode != 0 and "No image is let in" in result.stderr and POLICY in result.stderr
    finally:
        policed.start_registry()
    # an update of what is not accepted any more leaves the container as it is
    set_policy(policed, by_scope(signed=REJECT))
    result = policed.sysconsctl("update", "--pull=never", "--set=PORT=8099", "trusty", check=False)
    assert result.returncode != 0 and "reject" in result.stderr
    assert policed.containers() == ["trusty"]
    # signatures that were not asked for at the first pull come with the next
    policed.run(["rm", POLICY])
    policed.sysconsctl("delete-image", "localhost:5000/trust/both:1", check=False)
    policed.sysconsctl("pull", "localhost:5000/trust/both:1")
    set_policy(policed, by_scope(both=[gpg_by(signed["other"])]))
    result = policed.sysconsctl("install", "--pull=never", "--name=both", "localhost:5000/trust/both:1", check=False)
    assert result.returncode != 0 and "pull it again" in result.stderr
    policed.sysconsctl("install", "--pull=always", "--name=both", "localhost:5000/trust/both:1")


def test_no_policy_is_said(bed, signer):
    before = bed.cursor()
    bed.sysconsctl("pull", "localhost:5000/hello:1")
    lines = wait_until(lambda: [line for line in bed.journal(after=before).splitlines() if "there is no policy" in line])
    assert len(lines) == 1 and "localhost:5000/hello:1" in lines[0] and POLICY in lines[0]


def test_storage_in_files(policed, signer, signed):
    """And the old name of the setting, and one that cannot be reached."""
    digest = signer.digest("trust/signed:1")
    place = f"/srv/trust-test/trust/signed@{digest.replace(':', '=')}"
    data = base64.b64encode((signer.storage("trust/signed", digest) / "signature-1").read_bytes()).decode()
    policed.run(f"mkdir -p {place}; base64 -d >{place}/signature-1", stdin=data)
    set_policy(policed, by_scope(signed=[gpg_by(signed["good"])]))
    policed.write("/etc/sysconsd.conf.d/60-trust.conf", "[Pull]\nAttempts=1\n")
    path, text = "/etc/containers/registries.d/signed.yaml", "docker:\n  localhost:5000/trust/signed:\n    "
    try:
        for setting, wrong in [("sigstore: file:///srv/trust-test", None), ("lookaside: file:///srv/nothing", "there is no such signature"),
                               ("lookaside: http://127.0.0.1:1/", "Cannot fetch signatures from http://127.0.0.1:1/"),
                               ("lookaside: ftp://example.com", "no URL of http"), ("lookaside: [", "signed.yaml")]:
            policed.write(path, text + setting + "\n")
            result = policed.sysconsctl("pull", "localhost:5000/trust/signed:1", check=False, timeout=120)
            assert (result.returncode == 0) == (wrong is None) and (wrong or "") in result.stderr, f"{setting}: {result.stderr}"
    finally:
        policed.run(["rm", "-rf", path, "/srv/trust-test", "/etc/sysconsd.conf.d/60-trust.conf"])


def test_files_have_rules_of_their_own(policed, signer):
    """What an image in an archive calls itself is not where it comes from."""
    archive = signer.folder / "hello.tar"
    signer.copy("docker://localhost:5000/hello:1", f"docker-archive:{archive}:localhost:5000/trust/file:1")
    policed.run("base64 -d >/srv/hello.tar", stdin=base64.b64encode(archive.read_bytes()).decode())
    for policy, accepted in [(by_scope(file=ACCEPT), False), ({"default": ACCEPT, "transports": {"docker-archive": {"": REJECT}}}, False),
                             ({"default": REJECT, "transports": {"docker-archive": {"": ACCEPT}}}, True)]:
        set_policy(policed, policy)
        result = policed.sysconsctl("pull", "docker-archive:/srv/hello.tar", check=False)
        assert (result.returncode == 0) == accepted and (accepted or "requirement 1, reject" in result.stderr), result.stderr
    set_policy(policed, by_scope(file=ACCEPT))  # nor does it say so later
    result = policed.sysconsctl("install", "--pull=never", "localhost:5000/trust/file:1", check=False)
    assert result.returncode != 0 and "the default rule" in result.stderr
    policed.run(["rm", "/srv/hello.tar"])


def test_policy_of_a_user(policed, signer, signed):
    """His own stands in the place of the system's, for his own daemon; gpg works where a user's workers are."""
    set_policy(policed, {"default": REJECT})
    run = lambda *words: policed.run(["sysconsctl", "--user", *words], user="alice", check=False)  # noqa: E731
    policed.run(["loginctl", "enable-linger", "alice"])
    try:
        assert "the default rule in /etc/containers/policy.json" in run("pull", "localhost:5000/trust/signed:1").stderr
        assert run("trust", "default", "reject").returncode == 0
        key = signer.run("gpg", "--export", "--armor", "good").stdout
        policed.run("install -d -o alice /home/alice/keys; cat >/home/alice/keys/good.asc", stdin=key)
        assert run("trust", "add", "--key=/home/alice/keys/good.asc", "localhost:5000/trust").returncode == 0
        result = run("pull", "localhost:5000/trust/signed:1")
        assert result.returncode == 0, result.stderr
        result = run("pull", "localhost:5000/trust/signed:unsigned")
        assert "the rule for docker, localhost:5000/trust in /home/alice/.config/containers/policy.json" in result.stderr
        assert json.loads(policed.read(POLICY)) == {"default": REJECT}
    finally:
        policed.run("loginctl disable-linger alice; rm -rf /home/alice/keys /home/alice/.config/containers /home/alice/.local/share/containers")


def policy_call(bed, text, user=None, **options):
    return bus.call(bed, bus.ROOT, "Manager", "SetPolicy", "sa{sv}", text, *bus.options(options), user=user)[0]


def digest_of(text):
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def test_policy_over_the_bus(policed, signer):
    get = lambda: bus.call(policed, bus.ROOT, "Manager", "GetPolicy", user="alice")[0]  # noqa: E731
    assert get() == ""
    first, second = json.dumps(by_scope(a=ACCEPT)), json.dumps(by_scope(b=ACCEPT), indent=4)
    with pytest.raises(bus.Refused, match="InteractiveAuthorizationRequired"):
        policy_call(policed, first, user="alice")
    policed.polkit_rules('polkit.addRule(function(action, subject) { if (action.id == "org.sysconsd1.trust" && subject.user == "carol") '
                         'return polkit.Result.YES; });')
    bus.wait_done(policed, policy_call(policed, first, user="carol", **{"expected-digest": digest_of("")}))
    assert get() == first and policed.output(f"stat -c %a:%U {POLICY}") == "644:root"
    # who edits what another has changed meanwhile is told
    for text, options, code in [(second, {"expected-digest": digest_of("")}, "Busy"), ("{}", {}, "InvalidArgument"),
                                (second.replace("insecure", "in"), {}, "InvalidArgument")]:
        job = policy_call(policed, text, **options)
        assert bus.wait_over(policed, job) == "failed"
        assert bus.get(policed, job, "Job", "Error")[0] == f"org.sysconsd1.Error.{code}"
        assert get() == first
    # a worker that is killed before the last moment has changed nothing
    policed.write("/run/sysconsd/failpoint", "set-policy kill\n")
    assert bus.wait_over(policed, policy_call(policed, second)) == "failed" and get() == first
    bus.wait_done(policed, policy_call(policed, second, **{"expected-digest": digest_of(first)}))
    assert policed.output("ls -A /etc/containers | grep '^[.]' || true") == ""
    assert policed.read(POLICY) == second
    # what one that was killed in its write has left goes with the recovery behind the next that fails
    for name in (".policy.json.a1B2c3D4", ".policy.json.swp"):
        policed.write(f"/etc/containers/{name}", "half")
    assert bus.wait_over(policed, policy_call(policed, "{}")) == "failed"
    wait_until(lambda: policed.output("ls -A /etc/containers | grep '^[.]' || true") == ".policy.json.swp")
    policed.run(["rm", "/etc/containers/.policy.json.swp"])
    with pytest.raises(bus.Refused, match="sha256|digest"):
        policy_call(policed, first, **{"expected-digest": "md5:1"})


def test_command_line(policed, signer, signed):
    """sysconsctl and atomic edit the policy that sysconsd and skopeo go by."""
    policed.write("/etc/trust-test/good.gpg", signer.run("gpg", "--export", "--armor", "good").stdout)
    places = {"localhost:5000/trust": f"http://127.0.0.1:{PORT}"}
    assert json.loads(policed.sysconsctl("trust", "--json", "show").stdout) == {"default": ACCEPT, "lookaside": places}
    assert not policed.exists(POLICY)  # nobody has changed anything
    policed.sysconsctl("trust", "default", "reject")
    assert json.loads(policed.read(POLICY)) == {"default": REJECT}
    assert "the default rule" in policed.sysconsctl("pull", "localhost:5000/trust/signed:1", check=False).stderr
    # the key is the client's to read
    policed.sysconsctl("trust", "add", "--key=/etc/trust-test/good.gpg", "localhost:5000/trust")
    policed.sysconsctl("trust", "add", "--type=sigstoreSigned", "--identity=matchRepository", "--key=/etc/trust-test/good.gpg", "localhost:5000/x")
    policed.sysconsctl("trust", "add", "--transport=oci", "--type=insecureAcceptAnything", "")
    policy = json.loads(policed.read(POLICY))
    requirement = policy["transports"]["docker"]["localhost:5000/trust"][0]
    assert requirement["type"] == "signedBy" and base64.b64decode(requirement["keyData"]).startswith(b"-----BEGIN PGP PUBLIC")
    assert policy["transports"]["oci"] == {"": ACCEPT} and policy["default"] == REJECT
    policed.sysconsctl("pull", "localhost:5000/trust/signed:1")
    lines = [line.split() for line in policed.sysconsctl("trust", "show").stdout.splitlines()]
    assert ["docker", "localhost:5000/x", "sigstoreSigned", "matchRepository", "-"] in lines and ["*", "*", "reject", "-", "-"] in lines
    assert ["docker", "localhost:5000/trust", "signedBy", "-", f"http://127.0.0.1:{PORT}"] in lines

    for words, code, text in [(["add", "localhost:5000/y"], 2, "At least one public key must be defined for type 'signedBy': give --key"),
                              (["add", "--type=reject", "https://localhost:5000"], 2, "No image's name begins with"),
                              (["add", "--type=reject", "localhost:5000/"], 2, "No image's name begins with"),
                              *[(["add", "--type=reject", scope], 2, "No image's name begins with")
                                for scope in ("LOCALHOST:5000", "LOCALHOST:5000/hello", "not a scope", "etcd", "library/etcd", "*.", "localhost:5000/etcd@sha256:abc")],
                              (["add", "--key=/nothing", "localhost:5000/y"], 1, "The public key file /nothing was not found."),
                              (["add", "--type=other", "localhost:5000/y"], 2, "--type"), (["default", "maybe"], 2, "accept or reject"),
                              (["delete", "localhost:5000/y"], 3, "no rule for docker, localhost:5000/y"),
                              (["show", "localhost:5000/y"], 2, "no argument"), (["default", "--key=/a", "accept"], 2, "that option"),
                              (["add", "--transport=docker-archive", "--type=reject", "x"], 1, "docker-archive has no scopes")]:
        result = policed.sysconsctl("trust", *words, check=False)
        assert result.returncode == code and text in result.stderr, f"{words}: {result.returncode} {result.stderr}"
    assert json.loads(policed.read(POLICY)) == policy
    refused = policed.run(["sysconsctl", "--no-ask-password", "trust", "default", "accept"], user="alice", check=False)
    assert refused.returncode == 4 and "org.sysconsd1.trust" in refused.stderr
    policed.sysconsctl("trust", "delete", "localhost:5000/x")

    # as atomic said it, with the key's path, as it wrote it
    result = policed.run(["atomic", "trust", "add", "-k", "/etc/trust-test/good.gpg", "localhost:5000/trust"], stdin="n\n")
    assert result.stdout == ("Trust policy already defined for web:localhost:5000/trust\nDo you want to overwrite? (y/N) ")
    assert "keyData" in policed.read(POLICY)
    policed.run(["atomic", "-y", "trust", "add", "--pubkeys=/etc/trust-test/good.gpg", "localhost:5000/trust"])
    assert json.loads(policed.read(POLICY))["transports"]["docker"]["localhost:5000/trust"] == [
        {"type": "signedBy", "keyType": "GPGKeys", "keyPath": "/etc/trust-test/good.gpg"}]
    policed.sysconsctl("pull", "localhost:5000/trust/signed:1")
    assert [line.rstrip() for line in policed.output(["atomic", "trust", "show"]).splitlines()] == [
        f"{'localhost:5000/trust':<35} signed   http://127.0.0.1:{PORT}", f"{'* (default)':<35} reject"]
    result = policed.run(["atomic", "trust", "delete", "localhost:5000/z"], check=False)
    assert result.returncode == 1 and result.stderr.strip() == "Could not find trust policy defined for web transport localhost:5000/z"
    policed.run(["atomic", "trust", "delete", "localhost:5000/trust"])
    policed.run(["atomic", "trust", "default", "accept"])
    assert json.loads(policed.output(["atomic", "trust", "show", "-j"]))["default"] == ACCEPT


def test_where_signatures_lie(policed, signer, signed):
    """`trust add --sigstore` says it in a file of its own, `trust delete` takes it back; what else is there is nobody's to rewrite."""
    scope, folder = "localhost:5000/trust/signed", "/etc/containers/registries.d"
    own, key = f"{folder}/localhost:5000-trust-signed.yaml", "--key=/etc/trust-test/good.gpg"
    digest = signer.digest("trust/signed:1")
    place = f"/srv/trust-test/trust/signed@{digest.replace(':', '=')}"
    data = base64.b64encode((signer.storage("trust/signed", digest) / "signature-1").read_bytes()).decode()
    policed.run(f"mkdir -p {place}; base64 -d >{place}/signature-1", stdin=data)
    policed.write("/etc/trust-test/good.gpg", signer.run("gpg", "--export", "--armor", "good").stdout)
    pull = lambda: policed.sysconsctl("pull", "localhost:5000/trust/signed:1", check=False)  # noqa: E731
    rows = lambda: [line.split() for line in policed.sysconsctl("trust", "show").stdout.splitlines()]  # noqa: E731
    try:
        policed.sysconsctl("trust", "add", key, "--sigstore=file:///srv/nothing", scope)
        assert "there is no such signature" in pull().stderr
        assert policed.output(f"stat -c %a:%U {own}") == "644:root"
        assert ["docker", scope, "signedBy", "-", "file:///srv/nothing"] in rows()
        policed.sysconsctl("trust", "add", key, "--sigstore=file:///srv/trust-test", scope)
        assert pull().returncode == 0
        assert bus.call(policed, bus.ROOT, "Manager", "GetLookaside", user="alice")[0] == {
            "localhost:5000/trust": f"http://127.0.0.1:{PORT}", scope: "file:///srv/trust-test"}
        # other tools read the file, too
        signer.run("cp", "-r", "registries.d", "both.d")
        (signer.folder / "both.d" / "own.yaml").write_text(policed.read(own).replace("file:///srv/trust-test", f"file://{signer.folder}/storage"))
        (signer.folder / "policy.json").write_text(policed.read(POLICY))
        shutil.rmtree(signer.folder / "out", ignore_errors=True)
        signer.inside("skopeo", "--registries.d=both.d", "--policy=policy.json", "copy", "-q", "--src-tls-verify=false",
                      "docker://localhost:5000/trust/signed:1", f"dir:{signer.folder}/out")
        # without the option it stays, with it nothing else is said of other images
        policed.sysconsctl("trust", "add", key, scope)
        assert "srv/trust-test" in policed.read(own)

        before = policed.read(POLICY), policed.output(f"ls -A {folder}"), policed.read(f"{folder}/test.yaml"), policed.read(own)
        for words, code, text in [
                (["--sigstore=ftp://example.com", scope], 1, "no URL at which signatures can lie"),
                (["--sigstore=https://me:secret@example.com", scope], 1, "no URL"), (["--sigstore=file:relative", scope], 1, "no URL"),
                (["--sigstore=https://example.com/\"", scope], 1, "no URL"),
                (["--sigstore=https://example.com", "*.example.com"], 1, "no scope that registries.d knows"),
                (["--sigstore=https://example.com", "../../etc/shadow"], 2, "No image's name begins with"),
                (["--sigstore=https://example.com", "localhost:5000/trust"], 1, f"{folder}/test.yaml has more to say"),
                (["--sigstore=https://example.com", "localhost:5000/trust-signed"], 1, f"{own} is about other images"),
                (["--sigstore=https://example.com", "--transport=oci", ""], 2, "--sigstore is for images of registries")]:
            result = policed.sysconsctl("trust", "add", key, *words, check=False)
            assert result.returncode == code and text in result.stderr, f"{words}: {result.returncode} {result.stderr}"
            now = policed.read(POLICY), policed.output(f"ls -A {folder}"), policed.read(f"{folder}/test.yaml"), policed.read(own)
            assert now == before

        # who is killed between the two files has changed no rule, and says it again
        policed.write("/run/sysconsd/failpoint", "set-policy kill\n")
        assert policed.sysconsctl("trust", "add", "--type=reject", "--sigstore=https://example.com/a", "localhost:5000/z", check=False).returncode != 0
        assert policed.read(POLICY) == before[0] and ["docker", "localhost:5000/z", "-", "-", "https://example.com/a"] in rows()
        policed.sysconsctl("trust", "add", "--type=reject", "--sigstore=https://example.com/a", "localhost:5000/z")
        assert ["docker", "localhost:5000/z", "reject", "-", "https://example.com/a"] in rows()
        policed.sysconsctl("trust", "delete", "localhost:5000/z")
        policed.sysconsctl("trust", "delete", scope)
        assert policed.output(f"ls -A {folder}") == "test.yaml" and json.loads(policed.read(POLICY))["transports"]["docker"] == {}
        assert policed.sysconsctl("trust", "delete", scope, check=False).returncode == 3

        # as atomic said it, and over what that left
        policed.write(own, f"docker:\n  {scope}:\n    sigstore: file:///srv/nothing\n")
        policed.run(["atomic", "trust", "add", "-k", "/etc/trust-test/good.gpg", "-s", "file:///srv/trust-test", scope])
        assert f"{scope:<35} signed   file:///srv/trust-test" in policed.output(["atomic", "trust", "show"]).splitlines()
        assert pull().returncode == 0 and policed.output(f"ls -A {folder}").split() == [own.split("/")[-1], "test.yaml"]
        result = policed.run(["atomic", "trust", "add", "--sigstoretype=atomic", "--sigstore=https://a.com", "--type=reject", "x"], check=False)
        assert result.returncode != 0 and "--sigstore is for images of registries" in result.stderr
        policed.run(["atomic", "trust", "delete", scope])
        policed.sysconsctl("trust", "add", key, "localhost:5000/trust")
        result = policed.sysconsctl("trust", "delete", "localhost:5000/trust")
        assert f"{folder}/test.yaml still says where signatures of localhost:5000/trust lie" in result.stdout
        assert policed.output(f"ls -A {folder}") == "test.yaml" and policed.read(f"{folder}/test.yaml") == before[2]
    finally:
        policed.run(f"rm -rf /srv/trust-test {own} {folder}/localhost:5000-z.yaml")


def test_what_atomic_pulled(policed, signer, signed):
    """The signatures that were pulled with an image lie beside its manifest, and count as our own do. Without them the refusal says what to do."""
    bed, good = policed, signed["good"]
    digests = {name: signer.push("hello:1", f"trust/{name}:1", "good") for name in ("kept", "bare", "spoiled")}

    def signature(name):
        return base64.b64encode((signer.storage(f"trust/{name}", digests[name]) / "signature-1").read_bytes()).decode()

    other = base64.b64encode(b"not a signature").decode()
    calls = [["pull", {"image": f"trust/{name}:1", "name": f"localhost:5000/trust/{name}:1", "signatures": signatures}]
             for name, signatures in {"kept": [other, signature("kept")], "bare": [], "spoiled": [base64.b64encode(bytes(66_000)).decode()]}.items()]
    bed.write("/root/atomichost.py", (TESTS / "integration" / "atomichost.py").read_text(), "755")
    bed.systemctl("stop", "sysconsd")
    bed.run(f"rm -rf {CHECKOUT}/.storage && mkdir -p {CHECKOUT}/.storage && ostree init {REPO} --mode=bare")
    bed.run(["python3", "/root/atomichost.py", json.dumps(calls)], timeout=120)
    set_policy(bed, by_scope(kept=[gpg_by(good)], bare=[gpg_by(good)], spoiled=[gpg_by(good)]))
    bed.sysconsctl("install", "--pull=never", "--name=trusty", "localhost:5000/trust/kept:1")
    bed.sysconsctl("uninstall", "trusty")
    set_policy(bed, by_scope(kept=[gpg_by(signed["other"])], bare=[gpg_by(good)], spoiled=[gpg_by(good)]))
    refused = lambda name: bed.sysconsctl("install", "--pull=never", "--name=trusty", f"localhost:5000/trust/{name}:1", check=False)  # noqa: E731
    assert "another key" in refused("kept").stderr
    for name in ("bare", "spoiled"):
        image = f"localhost:5000/trust/{name}:1"
        result = refused(name)
        assert result.returncode != 0 and "It was pulled without signatures (pull it again if it has some)" in result.stderr
        assert "there is no such signature" in result.stderr and f"the rule for docker, localhost:5000/trust/{name} in {POLICY}" in result.stderr
        assert bed.containers() == []
        # no layer is fetched again, but its signatures are
        assert "Pulling layer" not in bed.sysconsctl("pull", image).stdout
        bed.sysconsctl("install", "--pull=never", "--name=trusty", image)
        bed.sysconsctl("uninstall", "trusty")


def test_what_is_not_asked(policed, signer, signed):
    """To look at an image, to bring back what it was, and to go back to what ran here: nothing new comes in by that."""
    bed, image = policed, "localhost:5000/trust/asked:1"
    for version in "12":
        signer.push(f"hello:{version}", "trust/asked:1", "good")
        set_policy(bed, by_scope(asked=[gpg_by(signed["good"])]))
        bed.sysconsctl("pull", image)
        if version == "1":
            bed.sysconsctl("install", "--name=asked", "--set=PORT=8091", image)
        else:
            bed.sysconsctl("update", "--pull=never", "asked")
    set_policy(bed, by_scope(asked=REJECT))
    try:
        refused = bed.sysconsctl("install", "--pull=never", "--name=refused", image, check=False)
        assert refused.returncode != 0 and "reject" in refused.stderr
        # mounted for root to look at: read-only, and no set-id bit or device works there
        bed.run(["mkdir", "-p", "/mnt/refused"])
        bed.sysconsctl("mount", image, "/mnt/refused")
        options = bed.output("grep ' /mnt/refused ' /proc/mounts | cut -d' ' -f4").split(",")
        assert bed.read("/mnt/refused/etc/hello-version").strip() == "2" and {"ro", "nosuid", "nodev"} <= set(options)
        bed.sysconsctl("umount", "/mnt/refused")
        bed.sysconsctl("mount", "asked", "/mnt/refused")
        bed.sysconsctl("umount", "/mnt/refused")
        # the bytes that the image has always meant
        layer = json.loads(bed.sysconsctl("show", "--type=image", "--json", image).stdout)["layers"][0].removeprefix("sha256:")
        bed.run(f"""set -e; sum=$(ostree ls -C {REPO} ociimage/{layer} /bin/busybox | awk '{{print $5}}')
            printf x | dd of={CHECKOUT}/.storage/ostree/objects/$(echo $sum | cut -c1-2)/$(echo $sum | cut -c3-).file conv=notrunc status=none""")
        assert bed.sysconsctl("verify", image, check=False).returncode != 0
        bed.sysconsctl("verify", "--repair", image)
        assert "is whole" in bed.sysconsctl("verify", image).stdout
        again = bed.sysconsctl("install", "--pull=never", "--name=refused", image, check=False)
        assert again.returncode != 0 and "reject" in again.stderr
        # what ran here before
        bed.sysconsctl("rollback", "asked")
        assert bed.read(f"{CHECKOUT}/asked/rootfs/etc/hello-version").strip() == "1"
    finally:
        bed.run("rmdir /mnt/refused")
        bed.sysconsctl("uninstall", "asked", check=False)
