# SPDX-License-Identifier: LGPL-2.1-or-later
"""A D-Bus connection that sends whatever it is told to, also what no library would: for attackers. Nothing but the standard library.

Format: D-Bus Specification, "Type System", "Message Protocol", "Authentication Protocol". A variant is a pair (signature, value), a dictionary
a list of pairs or a dict, an h the index of a descriptor.
"""

import os
import select
import socket
import struct
import time

CALL, REPLY, ERROR, SIGNAL = 1, 2, 3, 4
INTERACTIVE = 4
FIXED = {"y": "B", "b": "I", "n": "h", "q": "H", "i": "i", "u": "I", "x": "q", "t": "Q", "d": "d", "h": "I"}
ALIGNED = {**{code: struct.calcsize(form) for code, form in FIXED.items()}, "s": 4, "o": 4, "g": 1, "v": 1, "a": 4, "(": 8, "{": 8}
FIELDS = {"path": (1, "o"), "interface": (2, "s"), "member": (3, "s"), "error": (4, "s"), "reply_to": (5, "u"), "destination": (6, "s"),
          "sender": (7, "s"), "signature": (8, "g"), "fds": (9, "u")}
NAMES = {code: name for name, (code, _) in FIELDS.items()}


class Refused(Exception):
    def __init__(self, error, message):
        super().__init__(f"{error}: {message}")
        self.error, self.message = error, message


class Gone(Exception):
    """The bus has closed the connection."""


def first(signature):
    """The first complete type of a signature."""
    if signature[0] == "a":
        return "a" + first(signature[1:])
    if signature[0] not in "({":
        return signature[0]
    depth = 0
    for at, code in enumerate(signature):
        depth += (code in "({") - (code in ")}")
        if depth == 0:
            return signature[:at + 1]
    raise ValueError(signature)


def types(signature):
    found = []
    while signature:
        found.append(first(signature))
        signature = signature[len(found[-1]):]
    return found


class Writer:
    def __init__(self, order="<"):
        self.order, self.data = order, bytearray()

    def align(self, size):
        self.data += bytes(-len(self.data) % size)

    def put(self, kind, value):
        code = kind[0]
        self.align(ALIGNED[code])
        if code in FIXED:
            self.data += struct.pack(self.order + FIXED[code], value)
        elif code in "sog":
            text = value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")
            self.data += struct.pack(self.order + ("B" if code == "g" else "I"), len(text)) + text + b"\0"
        elif code == "v":
            self.put("g", value[0])
            self.put(value[0], value[1])
        elif code == "a":
            at = len(self.data)
            self.data += bytes(4)
            self.align(ALIGNED[kind[1]])
            start = len(self.data)
            for item in value.items() if isinstance(value, dict) else value:
                self.put(kind[1:], item)
            struct.pack_into(self.order + "I", self.data, at, len(self.data) - start)
        else:
            for part, item in zip(types(kind[1:-1]), value):
                self.put(part, item)


class Reader:
    def __init__(self, data, order):
        self.data, self.order, self.at = data, order, 0

    def get(self, kind):
        code = kind[0]
        self.at += -self.at % ALIGNED[code]
        if code in FIXED:
            value, = struct.unpack_from(self.order + FIXED[code], self.data, self.at)
            self.at += struct.calcsize(FIXED[code])
            return value
        if code in "sog":
            size = self.get("y" if code == "g" else "u")
            text = bytes(self.data[self.at:self.at + size]).decode("utf-8", "replace")
            self.at += size + 1
            return text
        if code == "v":
            return self.get(self.get("g"))
        if code == "a":
            size = self.get("u")
            self.at += -self.at % ALIGNED[kind[1]]
            end, items = self.at + size, []
            while self.at < end:
                items.append(self.get(kind[1:]))
            return dict(items) if kind[1] == "{" else items
        return tuple(self.get(part) for part in types(kind[1:-1]))


class Message:
    def __init__(self, kind, order, fields, body, n_fds):
        self.kind, self.n_fds = kind, n_fds
        for name in FIELDS:
            setattr(self, name, fields.get(name))
        reader = Reader(body, order)
        self.body = [reader.get(part) for part in types(self.signature or "")]


def encode(kind, serial, signature="", body=(), order="<", flags=0, raw_body=None, **fields):
    """A message; raw_body: these bytes, whatever the signature says."""
    content = Writer(order)
    for part, value in zip(types(signature), body):
        content.put(part, value)
    data = bytes(content.data) if raw_body is None else raw_body
    if signature:
        fields["signature"] = signature
    head = Writer(order)
    for value in (ord("l" if order == "<" else "B"), kind, flags, 1):
        head.put("y", value)
    head.put("u", len(data))
    head.put("u", serial)
    head.put("a(yv)", [(FIELDS[name][0], (FIELDS[name][1], value)) for name, value in fields.items() if value is not None])
    head.align(8)
    return bytes(head.data) + data


class Bus:
    """A connection to the system bus. What was not asked for (signals) is kept in `signals`, at most the last thousand."""

    def __init__(self, hello=True):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect("/run/dbus/system_bus_socket")
        self.serial, self.buffer, self.signals, self.replies = 0, bytearray(), [], {}
        identity = str(os.geteuid()).encode().hex().encode()
        self._say(b"\0AUTH EXTERNAL " + identity + b"\r\n", b"OK")
        self._say(b"NEGOTIATE_UNIX_FD\r\n", b"AGREE_UNIX_FD")
        self.socket.sendall(b"BEGIN\r\n")
        self.name = self.call("/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello", destination="org.freedesktop.DBus")[0] if hello else None

    def _say(self, line, expected):
        self.socket.sendall(line)
        answer = b""
        while not answer.endswith(b"\r\n"):
            piece = self.socket.recv(1)
            if not piece:
                raise Gone
            answer += piece
        assert answer.startswith(expected), answer

    def close(self):
        self.socket.close()

    def next_serial(self):
        self.serial += 1
        return self.serial

    def send_raw(self, data, fds=()):
        try:
            while data:
                sent = socket.send_fds(self.socket, [data], list(fds)) if fds else self.socket.send(data)
                data, fds = data[sent:], ()
        except (BrokenPipeError, ConnectionResetError) as error:
            raise Gone from error

    def send(self, path, interface, member, signature="", body=(), fds=(), destination="org.sysconsd1", kind=CALL, **more):
        serial = self.next_serial()
        if fds:
            more["fds"] = len(fds)
        self.send_raw(encode(kind, serial, signature, body, path=path, interface=interface, member=member, destination=destination, **more), fds)
        return serial

    def _take(self):
        """One message out of the buffer, or None."""
        if len(self.buffer) < 16:
            return None
        order = "<" if self.buffer[0] == ord("l") else ">"
        size, _, fields_size = struct.unpack_from(order + "III", self.buffer, 4)
        start = 16 + fields_size + -fields_size % 8
        if len(self.buffer) < start + size:
            return None
        reader = Reader(bytes(self.buffer[:start]), order)
        reader.at = 12
        fields = {NAMES[code]: value for code, value in reader.get("a(yv)") if code in NAMES}
        message = Message(self.buffer[1], order, fields, bytes(self.buffer[start:start + size]), fields.get("fds", 0))
        del self.buffer[:start + size]
        return message

    def receive(self, timeout=30):
        """The next message, or None after so many seconds."""
        until = time.monotonic() + timeout
        while True:
            message = self._take()
            if message is not None:
                return message
            if not select.select([self.socket], [], [], max(0, until - time.monotonic()))[0]:
                return None
            try:
                data, fds, _, _ = socket.recv_fds(self.socket, 1 << 16, 16)
            except ConnectionResetError as error:
                raise Gone from error
            for fd in fds:
                os.close(fd)
            if not data:
                raise Gone
            self.buffer += data

    def sort(self, message):
        """Keeps a message where it is looked for."""
        if message.kind in (REPLY, ERROR):
            self.replies[message.reply_to] = message
        else:
            self.signals = [*self.signals[-1000:], message]

    def answer(self, serial, timeout=30):
        """The reply's arguments; Refused; TimeoutError."""
        until = time.monotonic() + timeout
        while serial not in self.replies:
            message = self.receive(max(0, until - time.monotonic()))
            if message is None:
                raise TimeoutError(f"no answer within {timeout} s")
            self.sort(message)
        message = self.replies.pop(serial)
        if message.kind == ERROR:
            raise Refused(message.error, message.body[0] if message.body else "")
        return message.body

    def call(self, path, interface, member, signature="", body=(), timeout=30, **more):
        return self.answer(self.send(path, interface, member, signature, body, **more), timeout)
