# SPDX-License-Identifier: Apache-2.0
"""Clients that read through either endpoint and check what docs/consistency.md promises of it.

A *tick* is a number that one client raises through the writer endpoint, remembering when each was acknowledged.
"""
import bisect
import collections
import threading

import bank_workload
import set_workload
from clients import Client, now

TICKS = "chaos.ticks"
TABLES = (f"CREATE TABLE {TICKS} (id INT PRIMARY KEY, n BIGINT NOT NULL)", f"INSERT INTO {TICKS} VALUES (1, 0)")
STALE_MAX = 30.0  # seconds: what the reader endpoint offers at most (failover.md I14)
STALE_SLACK = 5.0  # how often lag is looked at, and a processor that others have too


class Ticker(Client):
    def __init__(self, home, gate, host, seed, pause):
        super().__init__(home, gate, host, seed, pause)
        self.lock = threading.Lock()
        self.numbers, self.moments = [], []  # acknowledged ticks and when
        self.number = 0

    def operate(self, cursor):
        self.number += 1
        number = self.number
        cursor.execute(f"UPDATE {TICKS} SET n = GREATEST(n, {number}) WHERE id = 1")
        with self.lock:
            self.numbers.append(number)
            self.moments.append(now())

    def missed(self, seen, started):
        """Seconds, at `started`, since the first tick above `seen` was acknowledged; 0: none was."""
        with self.lock:
            at = bisect.bisect_right(self.numbers, seen)
            return max(0.0, started - self.moments[at]) if at < len(self.numbers) else 0.0


class Reader(Client):
    """`is_writer`: reads through the writer endpoint. `writers`: SetWriters by their number."""

    def __init__(self, home, gate, host, seed, pause, ticker, writers, is_writer):
        super().__init__(home, gate, host, seed, pause)
        self.ticker, self.writers, self.is_writer = ticker, writers, is_writer
        self.wrong = []
        self.counts = collections.Counter()
        self.staleness = []
        self.lock = threading.Lock()
        self.seen = set()  # (writer, number) of this round
        self.watermark = 0  # rows up to this number belong to earlier rounds
        self.last_tick, self.last_of_all, self.left, self.server = 0, 0, 0, None

    def greeted(self):
        self.last_tick, self.left = 0, self.rng.randint(3, 60)
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT @@server_id, @@super_read_only")
            self.server, read_only = cursor.fetchone()
        self.counts["connections"] += 1
        if not self.is_writer and not read_only:
            self.counts["reader endpoint led to a server that writes"] += 1

    def operate(self, cursor):
        self.left -= 1
        if self.left < 0:
            self.close()
            return
        self.rng.choice((self.tick, self.tick, self.bank, self.bank_slowly, self.prefix))(cursor)

    def blame(self, what):
        place = "writer" if self.is_writer else "reader"
        self.wrong.append(f"{place} endpoint, server {self.server}: {what}")

    def tick(self, cursor):
        started = now()
        cursor.execute(f"SELECT n FROM {TICKS} WHERE id = 1")
        row = cursor.fetchone()
        if row is None:
            self.blame(f"a row that is always there is not: {self.circumstances(cursor)}")
            return
        seen = row[0]
        stale = self.ticker.missed(seen, started)
        self.counts["ticks"] += 1
        if seen < self.last_tick:
            self.blame(f"time went back within a connection: tick {seen} after {self.last_tick}")
        if self.is_writer and stale > 0:
            self.blame(f"a stale read: tick {seen}, although a later one was acknowledged {stale:.3f} s before")
        if not self.is_writer:
            self.staleness.append(stale)
            if stale > STALE_MAX + STALE_SLACK:
                self.blame(f"tick {seen} is {stale:.1f} s old")
            self.counts["back in time across connections"] += seen < self.last_of_all
        self.last_tick, self.last_of_all = seen, max(seen, self.last_of_all)

    def circumstances(self, cursor):
        """Of a server whose answer cannot be."""
        cursor.execute("SELECT @@server_id, @@super_read_only, @@GLOBAL.gtid_executed, "
                       f"(SELECT COUNT(*) FROM {TICKS}), "
                       "(SELECT VARIABLE_VALUE FROM performance_schema.global_status WHERE VARIABLE_NAME = 'Uptime')")
        return cursor.fetchall(), self.host, self.last_tick, self.last_of_all

    def bank(self, cursor):
        self.money(bank_workload.read_at_once(cursor))

    def bank_slowly(self, cursor):
        self.money(bank_workload.read_one_by_one(cursor))

    def money(self, rows):
        self.counts["bank snapshots"] += 1
        problem = bank_workload.snapshot_wrong(rows)
        if problem:
            self.blame(problem)

    def prefix(self, cursor):
        """Of each writer's acknowledged rows: with one, all before it."""
        floor = {writer.writer: writer.floor for writer in self.writers}
        cursor.execute(f"SELECT writer, number FROM {set_workload.ROWS} WHERE seq > {self.watermark}")
        rows = cursor.fetchall()
        there = collections.defaultdict(set)
        for writer, number in rows:
            there[writer].add(number)
        for writer in self.writers:
            numbers = there.get(writer.writer)
            if not numbers:
                continue
            holes = writer.acknowledged_below(max(numbers), floor[writer.writer]) - numbers
            if holes:
                self.blame(f"row {writer.writer}/{max(numbers)} was there and {sorted(holes)[:5]}, acknowledged "
                           "before it was begun, were not")
        self.counts["prefixes"] += 1
        with self.lock:
            self.seen.update(rows)

    def take_seen(self, watermark):
        with self.lock:
            seen, self.seen, self.watermark = self.seen, set(), watermark
        return seen


class CausalReader(Client):
    """Reads its own write at the reader endpoint, as docs/consistency.md says how: it asks the writer endpoint for
    what is executed there and waits for it."""

    def __init__(self, home, gate, host, seed, pause, writer_host):
        super().__init__(home, gate, host, seed, pause)
        self.writer_host = writer_host
        self.number = 0
        self.writer = None
        self.wrong = []
        self.counts = collections.Counter()

    def operate(self, cursor):
        if self.writer is None:
            self.writer = self.home.connect(self.writer_host, connect_timeout=6, read_timeout=20)
        self.number += 1
        with self.writer.cursor() as writing:
            writing.execute("INSERT INTO chaos.causal VALUES (%s)", self.number)
            writing.execute("SELECT @@GLOBAL.gtid_executed")
            executed = writing.fetchone()[0].replace("\n", "")
        cursor.execute("SELECT WAIT_FOR_EXECUTED_GTID_SET(%s, 5)", executed)
        if cursor.fetchone()[0] != 0:
            self.counts["causal reads that did not get so far in 5 s"] += 1
            return
        cursor.execute("SELECT COUNT(*) FROM chaos.causal WHERE n = %s", self.number)
        self.counts["causal reads"] += 1
        if cursor.fetchone()[0] != 1:
            self.wrong.append(f"reader endpoint: a client waited for its own write {self.number} and did not see it")

    def unsettled(self, error):
        if self.writer is not None:
            self.writer.close()
        self.writer = None


CAUSAL_TABLES = ("CREATE TABLE chaos.causal (n BIGINT PRIMARY KEY)",)
