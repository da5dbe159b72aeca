#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""An HTTP proxy for tests: CONNECT, and GET of whole URLs.

    proxy-server.py [--port N] [--to HOST:PORT] [--user USER:PASSWORD] [--log FILE] [--until-eof]

Prints its port on the first line. --to: wherever one wants to go, one gets there. --user: a login is wanted. --log: one line a request,
"METHOD TARGET", or "407". --until-eof: end when stdin ends.
"""

import argparse
import base64
import contextlib
import select
import socket
import sys
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *args):
        pass

    def write_log(self, line):
        if self.server.log is not None:
            with self.server.lock:
                self.server.log.write(line + '\n')
                self.server.log.flush()

    def is_known(self):
        if self.server.user is None:
            return True
        wanted = 'Basic ' + base64.b64encode(self.server.user.encode()).decode()
        if self.headers.get('Proxy-Authorization') == wanted:
            return True
        self.write_log('407')
        self.send_response(407)
        self.send_header('Proxy-Authenticate', 'Basic realm="proxy"')
        self.send_header('Content-Length', '0')
        self.end_headers()
        return False

    def connect(self, target):
        self.write_log(f'{self.command} {self.path}')
        host, port = (self.server.to or target).rsplit(':', 1)
        return socket.create_connection((host.strip('[]'), int(port)), 20)

    def do_CONNECT(self):
        if not self.is_known():
            return
        try:
            there = self.connect(self.path)
        except OSError:
            self.send_error(502)
            return
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        ends = [self.connection, there]
        with there, contextlib.suppress(OSError):
            while True:
                for end in select.select(ends, [], [])[0]:
                    data = end.recv(65536)
                    if not data:
                        return
                    ends[1 - ends.index(end)].sendall(data)

    def do_GET(self):
        if not self.is_known():
            return
        url = urllib.parse.urlsplit(self.path)
        path = urllib.parse.urlunsplit(('', '', url.path, url.query, ''))
        with self.connect(url.netloc if ':' in url.netloc else url.netloc + ':80') as there:
            lines = [f'GET {path} HTTP/1.1', 'Connection: close']
            lines += [f'{key}: {value}' for key, value in self.headers.items()
                      if key.lower() not in ('connection', 'proxy-connection', 'proxy-authorization')]
            there.sendall(('\r\n'.join(lines) + '\r\n\r\n').encode())
            while data := there.recv(65536):
                self.wfile.write(data)
        self.close_connection = True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--port', type=int, default=0)
    parser.add_argument('--to')
    parser.add_argument('--user')
    parser.add_argument('--log')
    parser.add_argument('--until-eof', action='store_true')
    options = parser.parse_args()
    server = ThreadingHTTPServer(('127.0.0.1', options.port), Handler)
    server.daemon_threads = True
    server.to, server.user, server.lock = options.to, options.user, threading.Lock()
    server.log = open(options.log, 'w', encoding='utf-8') if options.log else None
    print(server.server_port, flush=True)
    if options.until_eof:
        threading.Thread(target=lambda: (sys.stdin.read(), server.shutdown()), daemon=True).start()
    server.serve_forever()


if __name__ == '__main__':
    main()
