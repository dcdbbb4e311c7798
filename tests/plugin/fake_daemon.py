#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A stand-in for the daemon behind AWSAuthenticationPlugin: speaks the frames of src/core/wire/token_frame.h and
answers by what the token starts with. A second implementation on purpose: it is written from the layout, not
from the C++ code. Alone: fake_daemon.py SOCKET [--uid N]."""

import os
import socket
import struct
import sys
import threading

VERSION = 3
ALLOW, DENY, ERROR = 1, 2, 3
ARN = "arn:aws:iam::123456789012:user/jane"
LONG_ARN = ("arn:aws:sts::123456789012:assumed-role/" + "r" * 600)[:511]


def response(verdict, principal="", reason="", account=""):
    payload = struct.pack(">BBBB", VERSION, 2, verdict, 0)
    payload += struct.pack(">H", len(principal)) + principal.encode()
    payload += struct.pack(">H", len(reason)) + reason.encode()
    payload += struct.pack(">H", len(account)) + account.encode()
    return struct.pack(">I", len(payload)) + payload


def versions_answer(lowest, highest):
    return struct.pack(">IBBBB", 4, 0, 4, lowest, highest)


def parse_request(payload):
    version, kind, transport, flags, connection_id, port = struct.unpack_from(">BBBBQH", payload)
    at = 14
    texts = []
    for _ in range(5):
        (size,) = struct.unpack_from(">H", payload, at)
        texts.append(payload[at + 2:at + 2 + size])
        at += 2 + size
    (size,) = struct.unpack_from(">I", payload, at)
    token = payload[at + 4:at + 4 + size]
    if (version, kind) != (VERSION, 1) or flags > 1 or at + 4 + size != len(payload) or len(token) != size:
        raise ValueError("not a request")
    return {"transport": transport, "tls": flags == 1, "connection_id": connection_id, "peer_port": port,
            "tls_version": texts[3].decode(), "tls_cipher": texts[4].decode(),
            "user": texts[0].decode(), "host": texts[1].decode(), "peer_address": texts[2].decode(),
            "token": token}


# What each token prefix is answered with. None: no answer until `released`; b"": the connection is closed.
ANSWERS = {
    b"": response(DENY, "", "empty"),
    b"allow": response(ALLOW, ARN),
    b"long-arn": response(ALLOW, LONG_ARN),
    b"deny": response(DENY, ARN, "expired"),
    b"error": response(ERROR, "", "internal"),
    b"garbage": b"\x00\x00\x00\x10HTTP/1.1 400 Bad",
    b"oversize": b"\x7f\xff\xff\xff",
    b"zeros": struct.pack(">I", 12) + bytes(12),
    b"allow-no-arn": struct.pack(">IBBBBHHH", 10, VERSION, 2, ALLOW, 0, 0, 0, 0),
    b"version-1": struct.pack(">IBBBBHH", 8, 1, 2, DENY, 0, 0, 0),
    b"as-reporting": response(ALLOW, ARN, account="reporting"),
    b"as-nobody": response(ALLOW, ARN, account="nobody"),
    b"as-too-long": response(ALLOW, ARN, account="a" * 97),
    b"half": response(ALLOW, ARN)[:20],
    b"throttled": response(DENY, ARN, "throttled"),
    b"odd": response(DENY, "", "A Reason, " + "x" * 54),
    b"silent-deny": response(DENY, ARN, ""),
    b"slow": None,
    b"hang": None,
}


class FakeDaemon:
    """Listens from start() to stop(); `requests` keeps what came in."""

    def __init__(self, path):
        self.path = path
        self.requests = []
        self.released = threading.Event()
        # Of the protocol; when the plugin's is not among them, nothing else is answered.
        self.versions = (1, VERSION)
        self.version_questions = 0
        self.drop_first = 0  # so many connections are closed without an answer
        self.accepted = 0
        self._listener = None
        self._open = set()
        self._lock = threading.Lock()

    def start(self):
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.released.clear()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(self.path)
        os.chmod(self.path, 0o777)
        self._listener.listen(64)
        threading.Thread(target=self._serve, args=(self._listener,), daemon=True).start()
        return self

    def stop(self, unlink=True):
        self.released.set()
        # close() alone leaves the accepting thread, and with it the listener, alive.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._open:
                connection.shutdown(socket.SHUT_RDWR)
        if unlink and os.path.exists(self.path):
            os.unlink(self.path)

    def _serve(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                self.accepted += 1
                self._open.add(connection)
            threading.Thread(target=self._serve_one, args=(connection,), daemon=True).start()

    def _serve_one(self, connection):
        try:
            with connection.makefile("rb") as stream:
                while self._answer(connection, stream):
                    pass
        except OSError:
            pass  # the other side went away
        finally:
            with self._lock:
                self._open.discard(connection)
                connection.close()

    def _answer(self, connection, stream):
        """Whether the connection is good for another request."""
        prefix = stream.read(4)
        if len(prefix) < 4:
            return False
        (size,) = struct.unpack(">I", prefix)
        payload = stream.read(size)
        if payload[:2] == b"\0\3":
            self.version_questions += 1
        if payload[:2] == b"\0\3" or not self.versions[0] <= VERSION <= self.versions[1]:
            connection.sendall(versions_answer(*self.versions))
            return True
        request = parse_request(payload)
        self.requests.append(request)
        if self.drop_first > 0:
            self.drop_first -= 1
            return False
        prefix = request["token"].split(b":")[0]
        answer = response(DENY, ARN, prefix.decode()) if prefix.startswith(b"reason-") else ANSWERS[prefix]
        if prefix == b"slow":
            self.released.wait(1.0)
            answer = response(ALLOW, ARN)
        elif answer is None:
            self.released.wait(20.0)
            return False
        connection.sendall(answer)
        if prefix == b"half":
            self.released.wait(20.0)
            return False
        return True


if __name__ == "__main__":
    if len(sys.argv) == 4 and sys.argv[2] == "--uid":
        os.setgroups([])
        os.setgid(int(sys.argv[3]))
        os.setuid(int(sys.argv[3]))
    FakeDaemon(sys.argv[1]).start()
    print("ready", flush=True)
    sys.stdin.read()
