# SPDX-License-Identifier: Apache-2.0
"""What all workloads share: threads that can be held between two operations, and what an error says about one.

An operation ends in one of three ways: acknowledged, refused (it surely did nothing) or unknown. Only an OK is an
acknowledgement; a connection that ended before it says nothing (failover.md I15), and is never tried again.
"""
import contextlib
import random
import threading
import time

import pymysql

# The server's word that the statement did nothing: too many connections, access, lock wait, deadlock, read-only.
REFUSALS = {1040, 1044, 1045, 1142, 1205, 1213, 1290, 1792, 1836}


class Gate:
    """Clients pass it before each operation. Closed, it holds them; who closed it can wait until all are held."""

    def __init__(self):
        self.condition = threading.Condition()
        self.open = True
        self.ended = False
        self.clients = 0
        self.held = 0

    def join(self):
        with self.condition:
            self.clients += 1

    def leave(self):
        with self.condition:
            self.clients -= 1
            self.condition.notify_all()

    def passed(self):
        """False: it is time to end."""
        with self.condition:
            if not self.open and not self.ended:
                self.held += 1
                self.condition.notify_all()
                self.condition.wait_for(lambda: self.open or self.ended)
                self.held -= 1
            return not self.ended

    def close(self, seconds):
        """True when every client is between two operations."""
        with self.condition:
            self.open = False
            return self.condition.wait_for(lambda: self.held == self.clients, seconds)

    def reopen(self):
        with self.condition:
            self.open = True
            self.condition.notify_all()

    def end(self):
        with self.condition:
            self.ended = True
            self.condition.notify_all()

    def is_ended(self):
        return self.ended


class Client(threading.Thread):
    """One connection at a time to `host`. Subclasses do one operation in `operate(cursor)`; what they raise is
    counted in `errors`, and `unsettled(error)` hears of it before the connection is given up."""

    def __init__(self, home, gate, host, seed, pause):
        super().__init__(daemon=True)
        self.home, self.gate, self.host, self.pause = home, gate, host, pause
        self.rng = random.Random(seed)
        self.connection = None
        self.connected = 0  # how often
        self.errors = {}
        self.broken = None
        self.nap = threading.Event()

    def run(self):
        self.gate.join()
        try:
            while self.gate.passed():
                self.once()
        except Exception as error:  # pylint: disable=broad-exception-caught
            self.broken = error
        finally:
            self.close()
            self.gate.leave()

    def once(self):
        try:
            if self.connection is None:
                self.connection = self.home.connect(self.host, connect_timeout=6, read_timeout=20)
                self.connected += 1
                self.greeted()
            with self.connection.cursor() as cursor:
                self.operate(cursor)
        except (pymysql.err.MySQLError, OSError) as error:
            code = error.args[0] if error.args else 0
            self.errors[code] = self.errors.get(code, 0) + 1
            self.unsettled(error)
            self.close()
            self.nap.wait(self.rng.uniform(0.005, 0.03))
        if self.pause:
            self.nap.wait(self.rng.uniform(0.5, 1.5) * self.pause)

    def close(self):
        if self.connection is not None:
            with contextlib.suppress(Exception):
                self.connection.close()
        self.connection = None

    def greeted(self):
        """After each new connection."""

    def operate(self, cursor):
        raise NotImplementedError

    def unsettled(self, error):
        """An operation, or the making of a connection, ended with `error`."""


def is_refusal(error):
    return isinstance(error, pymysql.err.MySQLError) and error.args and error.args[0] in REFUSALS


def now():
    return time.monotonic()
