# SPDX-License-Identifier: Apache-2.0
"""Clients that insert without pause through one address and remember what was acknowledged, and when."""
import contextlib
import itertools
import threading
import time

import pymysql

TABLE = "load_test.rows"


class Writers:
    """`with Writers(home, host, 4) as load:` the threads run until the end of the block. Each transaction has so
    many `rows` of one kibibyte. `pause`: seconds between two transactions of a thread; without one the writer
    can run ahead of readers that have fewer processors than they need."""

    def __init__(self, home, host, threads, rows=1, pause=0.0):
        self.home, self.host, self.rows, self.pause = home, host, rows, pause
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.acknowledged = []  # (writer, number)
        self.times = []  # when, in the order of acknowledgements
        self.errors = []  # MySQL's numbers of what ended a connection
        self.unexpected = []
        self.threads = [threading.Thread(target=self._write, args=(number,)) for number in range(threads)]

    def __enter__(self):
        self.home.sql(self.host, "CREATE DATABASE IF NOT EXISTS load_test")
        self.home.sql(self.host, f"CREATE TABLE IF NOT EXISTS {TABLE} (run CHAR(20), writer INT, number INT, part INT, "
                                 "filler CHAR(255) CHARACTER SET utf32, PRIMARY KEY (run, writer, number, part))")
        self.run = f"{time.time():.6f}"
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, kind, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in self.threads), "a client hangs"
        assert kind or not self.unexpected, self.unexpected[:3]

    def _write(self, writer):
        numbers = itertools.count()
        connection = None
        while not self.stopping.is_set():
            try:
                if connection is None:
                    connection = self.home.connect(self.host, connect_timeout=5)
                number = next(numbers)  # one whose answer was lost is never sent again (failover.md I15)
                with connection.cursor() as cursor:
                    values = ", ".join(f"('{self.run}', {writer}, {number}, {part}, REPEAT('x', 255))"
                                       for part in range(self.rows))
                    cursor.execute(f"INSERT INTO {TABLE} VALUES {values}")
                with self.lock:
                    self.acknowledged.append((writer, number))
                    self.times.append(time.monotonic())
                self.stopping.wait(self.pause)
            except (pymysql.err.OperationalError, pymysql.err.InterfaceError) as error:
                self.errors.append(error.args[0] if error.args else 0)
                if connection is not None:
                    with contextlib.suppress(Exception):
                        connection.close()
                connection = None
                self.stopping.wait(0.005)
            except Exception as error:  # pylint: disable=broad-exception-caught
                self.unexpected.append(error)
                return

    def count(self):
        if self.unexpected:
            raise RuntimeError("a client gave up") from self.unexpected[0]
        with self.lock:
            return len(self.acknowledged)

    def gap_around(self, moment):
        """Seconds between the last acknowledgement before the longest pause after `moment`, and the next one."""
        with self.lock:
            times = [when for when in self.times if when >= moment - 1]
        return max(later - earlier for earlier, later in zip(times, times[1:]))

    def lost(self, host):
        """Acknowledged transactions of which not all is at `host`. None may be there in part."""
        there = {(writer, number): rows for writer, number, rows in self.home.sql(
            host, f"SELECT writer, number, COUNT(*) FROM {TABLE} WHERE run = '{self.run}' GROUP BY writer, number",
            read_timeout=300)}
        assert set(there.values()) <= {self.rows}, "a transaction is there in part"
        with self.lock:
            return [one for one in self.acknowledged if one not in there]
