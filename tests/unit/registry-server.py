#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A registry for tests: honest, or broken in the way that the first part of the repository's path says.

    registry-server.py [--port N] [--root DIR] [--tls] [--half-handshake stall|close] [--log FILE] [--until-eof]

Prints its port on the first line. Images come from DIR/NAME, OCI layouts (oci-layout, index.json, blobs/), whose tags are their
annotations org.opencontainers.image.ref.name; without --root from a small image made up here. /v2/NAME/... serves it honestly,
/v2/FAULT/NAME/... (or /v2/FAULT/..., for the made-up image) with one of the faults in the table FAULTS below.
/counters tells how often each path was asked for, and how many bytes of blobs and manifests were sent: {PATH: [REQUESTS, BYTES]}.
--tls: speak TLS, with a new self-signed certificate (made by the openssl command).
--half-handshake: answer whoever begins to speak with the beginning of a TLS handshake, and then with silence or the end.
Who must log in there is "tester", with the password "pass:word" or the identity token "refresh-me".
--log: one line a request: "GET PATH range=R auth=A agent=U accept=T from=PORT", "POST PATH form=KEYS scope=S". --until-eof: end
when stdin ends.
"""

import argparse
import base64
import email.utils
import gzip
import hashlib
import io
import json
import os
import platform
import random
import socket
import socketserver
import ssl
import struct
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

OCI = 'application/vnd.oci.image.'
DOCKER = 'application/vnd.docker.'
ARCHITECTURES = {'x86_64': 'amd64', 'aarch64': 'arm64', 'i686': '386', 'armv7l': 'arm', 'armv6l': 'arm'}
ARCHITECTURE = ARCHITECTURES.get(platform.machine(), platform.machine())
BASIC = 'Basic ' + base64.b64encode(b'tester:pass:word').decode()
# What cut answers leave out: enough for several chunks before and behind.
CUT_AT = 700_000


def digest_of(data):
    return 'sha256:' + hashlib.sha256(data).hexdigest()


class Image:
    """One repository's content: tags, and everything by digest, with its media type."""

    def __init__(self):
        self.tags = {}
        self.blobs = {}
        self.types = {}

    def add(self, data, media_type):
        digest = digest_of(data)
        self.blobs[digest] = data
        self.types[digest] = media_type
        return {'mediaType': media_type, 'digest': digest, 'size': len(data)}

    def read(self, digest):
        data = self.blobs[digest]
        if isinstance(data, str):
            with open(data, 'rb') as file:
                return file.read()
        return data


def made_up_tar(name, size, seed):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode='w') as tar:
        entry = tarfile.TarInfo(name)
        entry.size = size
        tar.addfile(entry, io.BytesIO(random.Random(seed).randbytes(size)))
    return out.getvalue()


def made_up_image():
    image = Image()
    tars = [made_up_tar('usr/lib/big', 2_000_000, 1), made_up_tar('etc/small', 2_000, 2)]
    layers = [image.add(gzip.compress(tars[0], 1, mtime=0), OCI + 'layer.v1.tar+gzip'), image.add(tars[1], OCI + 'layer.v1.tar')]
    config = {
        'architecture': ARCHITECTURE, 'os': 'linux', 'created': '2024-05-01T10:00:00Z',
        'config': {'Cmd': ['/bin/true'], 'Labels': {'name': 'made-up'}},
        'rootfs': {'type': 'layers', 'diff_ids': [digest_of(tar) for tar in tars]},
    }
    manifest = {
        'schemaVersion': 2, 'mediaType': OCI + 'manifest.v1+json',
        'config': image.add(json.dumps(config).encode(), OCI + 'config.v1+json'),
        'layers': layers,
    }
    entry = image.add(json.dumps(manifest).encode(), OCI + 'manifest.v1+json')
    image.tags['latest'] = entry['digest']
    other = {**entry, 'digest': 'sha256:' + '0' * 64, 'platform': {'os': 'linux', 'architecture': 'pdp11'}}
    index = {
        'schemaVersion': 2, 'mediaType': OCI + 'index.v1+json',
        'manifests': [other, {**entry, 'platform': {'os': 'linux', 'architecture': ARCHITECTURE}}],
    }
    image.tags['index'] = image.add(json.dumps(index).encode(), OCI + 'index.v1+json')['digest']
    return image


def image_from_layout(folder):
    image = Image()
    with open(os.path.join(folder, 'index.json'), 'rb') as file:
        index = json.load(file)
    blobs = os.path.join(folder, 'blobs', 'sha256')
    for name in os.listdir(blobs):
        image.blobs['sha256:' + name] = os.path.join(blobs, name)
        image.types['sha256:' + name] = 'application/octet-stream'

    def learn(entry):
        image.types[entry['digest']] = entry['mediaType']
        if entry['mediaType'] in (OCI + 'index.v1+json', DOCKER + 'distribution.manifest.list.v2+json'):
            for inner in json.loads(image.read(entry['digest']))['manifests']:
                if inner['digest'] in image.blobs:
                    learn(inner)

    for entry in index['manifests']:
        learn(entry)
        tag = entry.get('annotations', {}).get('org.opencontainers.image.ref.name')
        image.tags[tag or 'latest'] = entry['digest']
    return image


class State:
    """What the threads of the server share."""

    def __init__(self, root, log):
        self.root = root
        self.log = log
        self.lock = threading.Lock()
        self.counts = {}
        self.served = {}
        self.tokens = {}
        self.made_up = made_up_image()
        self.stopping = threading.Event()

    def count(self, key):
        """How often this was asked before."""
        with self.lock:
            self.counts[key] = self.counts.get(key, 0) + 1
            return self.counts[key] - 1

    def serve(self, path, requests, size):
        with self.lock:
            served = self.served.setdefault(path, [0, 0])
            served[0] += requests
            served[1] += size

    def image(self, repository):
        if self.root is None:
            return self.made_up
        folder = os.path.normpath(os.path.join(self.root, repository))
        inside = folder.startswith(os.path.normpath(self.root) + os.sep)
        return image_from_layout(folder) if inside and os.path.isfile(os.path.join(folder, 'index.json')) else None


# Each fault is a function of the handler that answers by itself (then it returns True), or leaves the honest answer to be given, after
# changing how (self.answer) that is done.

def only(kind):
    """The fault concerns manifests or blobs alone."""
    def decorate(fault):
        return lambda handler, request: fault(handler, request) if request.kind == kind else False
    return decorate


def fault_status(status, headers=None, once=False):
    def fault(handler, request):
        if once and handler.state.count(request.repository) > 0:
            return False
        handler.reply(status, b'{"errors":[]}', headers or {})
        return True
    return fault


@only('blobs')
def wrong_digest(handler, request):
    request.data = request.data[:-1] + bytes([request.data[-1] ^ 1])


def damage_layer(request):
    """In its first part, and only one that is large enough to be cut."""
    if len(request.data) > CUT_AT:
        middle = CUT_AT // 2
        request.data = request.data[:middle] + bytes([request.data[middle] ^ 1]) + request.data[middle + 1:]


@only('blobs')
def wrong_layer(handler, request):
    damage_layer(request)


@only('blobs')
def wrong_layer_cut_always(handler, request):
    damage_layer(request)
    request.stop_at = CUT_AT


@only('manifests')
def wrong_manifest(handler, request):
    request.data = request.data + b'\n'


@only('manifests')
def other_manifest(handler, request):
    """And the registry says so."""
    wrong_manifest(handler, request)
    request.headers['Docker-Content-Digest'] = 'sha256:' + hashlib.sha256(request.data).hexdigest()


@only('manifests')
def wrong_digest_header(handler, request):
    request.headers['Docker-Content-Digest'] = 'sha256:' + '1' * 64


@only('blobs')
def cut_once(handler, request):
    if handler.state.count(handler.path) == 0:
        request.stop_at = CUT_AT


@only('blobs')
def cut_always(handler, request):
    request.stop_at = CUT_AT


@only('blobs')
def end_early(handler, request):
    """As if that were all of it."""
    request.stop_at = CUT_AT
    request.chunked = True


@only('blobs')
def stall(handler, request):
    request.stop_at = CUT_AT
    request.hang = True


@only('blobs')
def stall_once(handler, request):
    if handler.state.count(handler.path) == 0:
        request.stop_at = CUT_AT
        request.hang = True


def stall_headers(handler, request):
    handler.hang()
    return True


@only('blobs')
def refuse_range(handler, request):
    request.ranges = False
    cut_once(handler, request)


@only('blobs')
def refuse_range_cut_always(handler, request):
    request.ranges = False
    request.stop_at = CUT_AT


@only('blobs')
def wrong_range(handler, request):
    if handler.state.count(handler.path) == 0:
        request.stop_at = CUT_AT
    else:
        request.range_shift = 7


@only('blobs')
def unsatisfiable_range(handler, request):
    if handler.headers.get('Range') is None:
        return cut_once(handler, request)
    handler.reply(416, b'', {'Content-Range': f'bytes */{len(request.data)}'})
    return True


@only('blobs')
def wrong_total(handler, request):
    cut_once(handler, request)
    request.total_shift = 7


@only('blobs')
def changed(handler, request):
    """Another blob stands under the name when the rest is asked for."""
    count = handler.state.count(handler.path)
    request.headers['ETag'] = f'"{count}"'
    if count == 0:
        request.stop_at = CUT_AT
    else:
        request.data = bytes(len(request.data))


@only('blobs')
def reset(handler, request):
    request.stop_at = CUT_AT
    request.reset = True


@only('blobs')
def reset_once(handler, request):
    if handler.state.count(handler.path) == 0:
        reset(handler, request)


@only('blobs')
def trickle(handler, request):
    request.trickle = True


@only('manifests')
def trickle_manifest(handler, request):
    request.trickle = True


def every_third(handler, request):
    if handler.state.count('every-third') % 3 != 2:
        return False
    handler.reply(500, b'', {})
    return True


def close_silently(handler, request):
    handler.close_connection = True
    return True


def garbage(handler, request):
    handler.wfile.write(b'\x00\xffSSH-2.0-OpenSSH_9.2\r\n\r\n')
    handler.close_connection = True
    return True


def endless(first, line):
    """Headers, or answers before the answer, until nobody listens."""
    def fault(handler, request):
        handler.wfile.write(first)
        while not handler.state.stopping.is_set():
            handler.wfile.write(line * 100)
            handler.wfile.flush()
        return True
    return fault


# What the token's server answers, the first time or always.
TOKEN_TROUBLES = {
    '429': (429, {'Retry-After': '2'}, b'', True),
    '503': (503, {'Retry-After': '2'}, b'', True),
    'html': (200, {}, b'<html><body>Please log in to the hotel.</body></html>', False),
}


def greedy(handler, request):
    return need_token(handler, request, scope='repository:secret/other:pull,push registry:catalog:*')


@only('blobs')
def lying_length(handler, request):
    request.data = request.data.ljust(7_654_321, b'x')


@only('blobs')
def extra_bytes(handler, request):
    request.data = request.data + b'more'
    request.chunked = True


@only('blobs')
def said_gzip(handler, request):
    request.headers['Content-Encoding'] = 'gzip'


@only('manifests')
def html(handler, request):
    request.data = b'<html><body>Please log in to the hotel.</body></html>'
    request.headers['Content-Type'] = 'text/html; charset=utf-8'
    request.headers.pop('Docker-Content-Digest')


@only('manifests')
def manifest_of_100_mb(handler, request):
    request.data = b'{' + b' ' * 100_000_000 + b'}'


@only('manifests')
def deep_manifest(handler, request):
    request.data = b'{"schemaVersion": 2, "layers": ' + b'[' * 10_000 + b']' * 10_000 + b'}'
    request.headers.pop('Docker-Content-Digest')


@only('manifests')
def huge_manifest(handler, request):
    request.data = b'{' + b' ' * (16 * 1024 * 1024)
    request.chunked = True


@only('manifests')
def stall_behind_huge_manifest(handler, request):
    """Larger than any may be, and without an end."""
    request.data = b'{' + b' ' * (16 * 1024 * 1024)
    request.stop_at = len(request.data) - 1
    request.hang = True


def retry_at(handler, request):
    if handler.state.count(request.repository) > 0:
        return False
    handler.reply(503, b'', {'Retry-After': email.utils.formatdate(time.time() + 4, usegmt=True)})
    return True


def redirect_loop(handler, request):
    handler.reply(307, b'', {'Location': handler.path})
    return True


def redirect(location):
    def fault(handler, request):
        handler.reply(307, b'', {'Location': location} if location else {})
        return True
    return fault


def redirect_to(place):
    """Blobs are elsewhere; the token must not come along. The registry itself wants one, so that there is one."""
    def fault(handler, request):
        if need_token(handler, request):
            return True
        if request.kind != 'blobs':
            return False
        handler.reply(307, b'see there', {'Location': place(handler)})
        return True
    return fault


def other_host(handler):
    return f'{handler.scheme()}://localhost:{handler.server.server_port}/elsewhere{handler.path}'


def wish_for_login_elsewhere(handler, request):
    if request.kind != 'manifests':
        return False
    if handler.headers['Host'].startswith('localhost'):
        return need_token(handler, request)
    handler.reply(307, b'', {'Location': other_host(handler).replace('/elsewhere', '')})
    return True


def plain_http(handler):
    return f'http://localhost:{handler.server.server_port}/elsewhere{handler.path}'


def need_password(handler, request):
    if handler.headers.get('Authorization', '') == BASIC:
        return False
    handler.reply(401, b'{"errors":[{"code":"UNAUTHORIZED"}]}', {'WWW-Authenticate': 'Basic realm="here"'})
    return True


def need_login(query=''):
    """A token, which is given to who says his name and password (or his identity token)."""
    return lambda handler, request: need_token(
        handler, request, realm=f'{handler.scheme()}://{handler.headers["Host"]}/token?login=1{query}')


def need_login_and_stall(handler, request):
    return need_login()(handler, request) or stall(handler, request)


def need_login_elsewhere(place):
    return lambda handler, request: need_token(handler, request, realm=place(handler).replace('/elsewhere' + handler.path, '/token?login=1'))


def two_challenges(handler, request):
    return need_token(handler, request, before='Negotiate, Basic realm="here", ')


def need_token(handler, request, realm=None, uses=None, scope=None, before=''):
    authorization = handler.headers.get('Authorization', '')
    with handler.state.lock:
        left = handler.state.tokens.get(authorization.removeprefix('Bearer '), 0)
        if left > 0 and authorization.startswith('Bearer '):
            handler.state.tokens[authorization.removeprefix('Bearer ')] = left - 1
            return False
    realm = realm or f'{handler.scheme()}://{handler.headers["Host"]}/token' + (f'?uses={uses}' if uses else '')
    scope = scope or f'repository:{request.repository}:pull'
    handler.reply(401, b'{"errors":[{"code":"UNAUTHORIZED"}]}',
                  {'WWW-Authenticate': f'{before}Bearer realm="{realm}",service="test registry",scope="{scope}"'})
    return True


def token_from(path):
    def fault(handler, request):
        return need_token(handler, request, realm=f'{handler.scheme()}://{handler.headers["Host"]}{path}')
    return fault


FAULTS = {
    'wrong-digest': wrong_digest,
    'wrong-layer': wrong_layer,
    'wrong-layer-truncated': wrong_layer_cut_always,
    'wrong-manifest': wrong_manifest,
    'other-manifest': other_manifest,
    'wrong-digest-header': wrong_digest_header,
    'cut-once': cut_once,
    'truncated': cut_always,
    'ends-early': end_early,
    'stall': stall,
    'stall-once': stall_once,
    'stall-headers': stall_headers,
    'refuse-range': refuse_range,
    'refuse-range-truncated': refuse_range_cut_always,
    'wrong-range': wrong_range,
    'wrong-total': wrong_total,
    'unsatisfiable-range': unsatisfiable_range,
    'changed': changed,
    'reset': reset,
    'reset-once': reset_once,
    'trickle': trickle,
    'trickle-manifest': trickle_manifest,
    'closed': close_silently,
    'garbage': garbage,
    'endless-headers': endless(b'HTTP/1.1 200 OK\r\n', b'X-More: and more\r\n'),
    'endless-continue': endless(b'', b'HTTP/1.1 100 Continue\r\n\r\n'),
    'lying-length': lying_length,
    'extra-bytes': extra_bytes,
    'said-gzip': said_gzip,
    'html-for-json': html,
    'huge-manifest': huge_manifest,
    'manifest-of-100-mb': manifest_of_100_mb,
    'deep-manifest': deep_manifest,
    'stall-behind-huge-manifest': stall_behind_huge_manifest,
    '403': fault_status(403),
    '404': fault_status(404),
    'missing-blob': only('blobs')(fault_status(404)),
    '500': fault_status(500),
    '500-then-ok': fault_status(500, once=True),
    '500-every-third': every_third,
    '429-blob': only('blobs')(fault_status(429, {'Retry-After': '2'}, once=True)),
    '429-token': token_from('/token?trouble=429'),
    '503-token': token_from('/token?trouble=503'),
    '429-in-an-hour': fault_status(429, {'Retry-After': '3600'}),
    'html-token': token_from('/token?trouble=html'),
    '429-retry-after': fault_status(429, {'Retry-After': '2'}, once=True),
    '401-basic': fault_status(401, {'WWW-Authenticate': 'Basic realm="here"'}),
    '401-token': need_token,
    '401-token-once': lambda handler, request: need_token(handler, request, uses=1),
    '401-always': token_from('/token?uses=-1'),
    '401-huge-token': token_from('/token?size=100000'),
    '401-stall-behind-huge-token': token_from('/token?size=100000&stall=1'),
    '401-bad-token': token_from('/token?bad=1'),
    '401-greedy': greedy,
    'basic': need_password,
    'login': need_login(),
    'login-stall': need_login_and_stall,
    'login-once': need_login('&uses=1'),
    'login-redirect': need_login('&redirect=1'),
    'login-elsewhere': need_login_elsewhere(lambda handler: other_host(handler)),
    'login-plain': need_login_elsewhere(lambda handler: plain_http(handler)),
    'two-challenges': two_challenges,
    '401-plain-realm': lambda handler, request: need_token(handler, request, realm='http://registry.invalid/token'),
    '503-retry-date': retry_at,
    'redirect-loop': redirect_loop,
    'redirect-nowhere': redirect(None),
    'redirect-file': redirect('file:///etc/passwd'),
    'redirect-file-host': redirect('file://localhost/etc/passwd'),
    'redirect-login': redirect('http://user:password@localhost/'),
    'redirect-other-host': redirect_to(other_host),
    'redirect-plain-http': redirect_to(plain_http),
    'redirect-401': wish_for_login_elsewhere,
}


class Request:
    """One honest answer to be, which a fault may spoil."""

    def __init__(self, repository, kind, data, headers):
        self.repository = repository
        self.kind = kind
        self.data = data
        self.headers = headers
        self.ranges = True       # honour Range
        self.range_shift = 0     # what Content-Range says too much
        self.total_shift = 0     # ... of the whole
        self.stop_at = None      # break off before this byte of the blob
        self.hang = False        # ... and keep the connection open
        self.reset = False       # ... or have it end without a word
        self.trickle = False     # byte by byte
        self.chunked = False


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    # Many small writes would wait for each other's acknowledgement.
    wbufsize = 256 * 1024

    def log_message(self, *args):
        pass

    @property
    def state(self):
        return self.server.state

    def scheme(self):
        return 'https' if self.server.tls else 'http'

    def reply(self, status, body, headers):
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def hang(self):
        self.wfile.flush()
        self.state.stopping.wait()
        self.close_connection = True

    def write_log(self):
        if self.state.log is None:
            return
        line = 'GET {} range={} auth={} agent={} accept={} from={}\n'.format(
            self.path, self.headers.get('Range', '-'), self.headers.get('Authorization', '-').split()[0],
            self.headers.get('User-Agent', '-'), self.headers.get('Accept', '-'), self.client_address[1])
        with self.state.lock:
            self.state.log.write(line)
            self.state.log.flush()

    def do_GET(self):
        if self.path != '/counters':
            self.write_log()
            self.state.serve(self.path, 1, 0)
        try:
            self.dispatch()
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self.close_connection = True

    def do_POST(self):
        path = urllib.parse.urlsplit(self.path)
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers.get('Content-Length', '0'))).decode())
        if self.state.log is not None:
            with self.state.lock:
                self.state.log.write(f'POST {self.path} form={",".join(sorted(form))} scope={form.get("scope")}\n')
                self.state.log.flush()
        query = urllib.parse.parse_qs(path.query)
        if 'redirect' in query:
            self.reply(307, b'', {'Location': other_host(self).replace('/elsewhere', '')})
        elif path.path != '/token' or form.get('grant_type') != ['refresh_token'] or form.get('refresh_token') != ['refresh-me']:
            self.reply(400, b'{"error":"invalid_grant"}', {})
        else:
            self.give_token({**query, **form, 'login': []})

    def dispatch(self):
        path = urllib.parse.urlsplit(self.path)
        if path.path == '/counters':
            with self.state.lock:
                served = json.dumps(self.state.served)
            self.reply(200, served.encode(), {})
        elif path.path == '/token':
            self.give_token(urllib.parse.parse_qs(path.query))
        elif path.path == '/v2/':
            self.reply(200, b'{}', {})
        elif path.path.startswith('/elsewhere/v2/'):
            if 'Authorization' in self.headers:
                self.reply(400, b'the token came along', {})
            else:
                self.give(path.path.removeprefix('/elsewhere'), honest=True)
        elif path.path.startswith('/v2/'):
            self.give(path.path, honest=False)
        else:
            self.reply(404, b'', {})

    def give_token(self, query):
        if query.get('service') != ['test registry'] or not query.get('scope', [''])[0].startswith('repository:'):
            self.reply(400, b'service or scope is wrong', {})
            return
        status, headers, body, once = TOKEN_TROUBLES.get(query.get('trouble', [''])[0], (None, None, None, None))
        if status is not None and not (once and self.state.count(self.path) > 0):
            self.reply(status, body, headers)
            return
        if 'redirect' in query and self.headers['Host'].startswith('127'):
            self.reply(307, b'', {'Location': other_host(self).replace('/elsewhere', '')})
            return
        if query.get('login') == ['1'] and self.headers.get('Authorization', '') != BASIC:
            self.reply(401, b'{"errors":[{"code":"UNAUTHORIZED"}]}', {})
            return
        token = f'token-{self.state.count("token")}=='
        if 'size' in query:
            token = 'x' * int(query['size'][0])
        if 'stall' in query:
            self.send_response(200)
            self.send_header('Content-Length', str(10 * len(token)))
            self.end_headers()
            self.wfile.write(token.encode())
            self.hang()
            return
        if 'bad' in query:
            token = 'two\r\nlines'
        with self.state.lock:
            self.state.tokens[token] = int(query.get('uses', ['1000000'])[0])
        self.reply(200, json.dumps({'access_token': token, 'expires_in': 300}).encode(), {'Content-Type': 'application/json'})

    def give(self, path, honest):
        parts = path.split('/')
        repository, kind, reference = '/'.join(parts[2:-2]), parts[-2], parts[-1]
        fault = FAULTS.get(parts[2])
        name = '/'.join(parts[3:-2]) if fault is not None else repository
        image = self.state.image(name)
        digest = image.tags.get(reference, reference) if image is not None else None
        if kind not in ('manifests', 'blobs') or image is None or digest not in image.blobs:
            self.reply(404, b'{"errors":[{"code":"UNKNOWN"}]}', {})
            return
        media_type = image.types[digest] if kind == 'manifests' else 'application/octet-stream'
        request = Request(repository, kind, image.read(digest), {'Content-Type': media_type, 'Docker-Content-Digest': digest})
        if not honest and fault is not None and fault(self, request):
            return
        self.send_request(request)

    def start_of_range(self, request):
        text = self.headers.get('Range', '')
        if not request.ranges or not text.startswith('bytes=') or not text.endswith('-'):
            return 0
        return int(text.removeprefix('bytes=').removesuffix('-'))

    def send_request(self, request):
        start = self.start_of_range(request)
        total = len(request.data)
        if start >= total and start > 0:
            self.reply(416, b'', {'Content-Range': f'bytes */{total}'})
            return
        self.send_response(206 if start > 0 else 200)
        for key, value in request.headers.items():
            self.send_header(key, value)
        if start > 0:
            self.send_header('Content-Range',
                             f'bytes {start + request.range_shift}-{total - 1}/{total + request.total_shift}')
        if request.chunked:
            self.send_header('Transfer-Encoding', 'chunked')
        else:
            self.send_header('Content-Length', str(total - start))
        self.end_headers()
        self.send_body(request, start)

    def send_body(self, request, start):
        cut = request.stop_at is not None and request.stop_at < len(request.data)
        body = request.data[start:request.stop_at if cut else None]
        self.state.serve(self.path, 0, len(body))
        for i in range(0, len(body) if request.trickle else 0):
            self.wfile.write(body[i:i + 1])
            self.wfile.flush()
            if self.state.stopping.wait(0.2):
                return
        if not request.chunked and not request.trickle:
            self.wfile.write(body)
        for i in range(0, len(body) if request.chunked else 0, 100_000):
            piece = body[i:i + 100_000]
            self.wfile.write(b'%x\r\n' % len(piece) + piece + b'\r\n')
        if request.chunked:
            self.wfile.write(b'0\r\n\r\n')
        if cut and request.hang:
            self.hang()
        elif cut and request.reset:
            self.wfile.flush()
            # what has been sent arrives, and then a reset
            time.sleep(0.2)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            self.connection.close()
            self.close_connection = True
        elif cut:
            self.close_connection = True


def make_certificate(folder):
    certificate, key = os.path.join(folder, 'cert.pem'), os.path.join(folder, 'key.pem')
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=localhost',
                    '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-out', certificate, '-keyout', key],
                   check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return certificate, key


class Server(ThreadingHTTPServer):
    daemon_threads = True
    # A handshake that fails is the client's matter.
    def handle_error(self, request, client_address):
        pass


class HalfHandshake(socketserver.BaseRequestHandler):
    """The record header of a ServerHello and its first bytes."""

    def handle(self):
        self.request.recv(4096)
        self.request.sendall(bytes.fromhex('160303007a0200007603'))
        if self.server.half_handshake == 'stall':
            self.server.state.stopping.wait()


class HalfServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    server_port = property(lambda self: self.server_address[1])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--port', type=int, default=0)
    parser.add_argument('--root')
    parser.add_argument('--tls', action='store_true')
    parser.add_argument('--half-handshake', choices=['stall', 'close'])
    parser.add_argument('--log')
    parser.add_argument('--until-eof', action='store_true')
    options = parser.parse_args()

    if options.half_handshake:
        server = HalfServer(('127.0.0.1', options.port), HalfHandshake)
        server.half_handshake = options.half_handshake
    else:
        server = Server(('127.0.0.1', options.port), Handler)
    server.tls = options.tls
    server.state = State(options.root, open(options.log, 'a', encoding='utf-8') if options.log else None)
    if options.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as folder:
            context.load_cert_chain(*make_certificate(folder))
        # HTTP/2 would win, if a client offered it, and could not be spoken.
        context.set_alpn_protocols(['h2', 'http/1.1'])
        # The handshake is made by the thread of the connection, at its first read.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    print(server.server_port, flush=True)
    if options.until_eof:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdin.read()
    else:
        server.serve_forever()


if __name__ == '__main__':
    main()
