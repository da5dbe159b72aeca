# SPDX-License-Identifier: LGPL-2.1-or-later
"""What answers at an engine's socket in a test bed, and is no engine."""

from contextlib import contextmanager

from bed import wait_until

SOCKET, PROGRAM = "/run/docker.sock", "/srv/engine.py"
SERVER = """
class Handler(http.server.BaseHTTPRequestHandler):
    def address_string(self):
        return "local"
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        answer(self)
class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
Server("%s", Handler).serve_forever()
""" % SOCKET


@contextmanager
def engine(bed, answer):
    """answer: Python with a function answer(handler), which writes the body of an answer to a GET of handler.path."""
    bed.write(PROGRAM, f"import http.server, os, socketserver, threading\n{answer}\n{SERVER}")
    bed.run(["systemd-run", "-q", "--unit=engine", "--collect", "python3", PROGRAM])
    try:
        wait_until(lambda: bed.exists(SOCKET))
        yield
    finally:
        bed.run(f"systemctl stop engine; rm -f {SOCKET} {PROGRAM}")
