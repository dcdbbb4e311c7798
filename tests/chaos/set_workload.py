# SPDX-License-Identifier: Apache-2.0
"""The set workload: unique rows, each with the server that took it, and a memory of what was acknowledged.

Writers go through the writer endpoint; one more for each member knocks at the member's own door, so that a server
which still acknowledges after it was deposed is caught in the act.
"""
import threading

from clients import Client, is_refusal, now

ROWS = "chaos.entries"
BULK = "chaos.bulk"
BULK_PARTS = 400
TABLES = (
    f"CREATE TABLE {ROWS} (seq BIGINT AUTO_INCREMENT PRIMARY KEY, writer INT, number INT, origin INT UNSIGNED, "
    "UNIQUE KEY one (writer, number))",
    f"CREATE TABLE {BULK} (writer INT, number INT, part INT, filler CHAR(250) CHARACTER SET utf32, "
    "PRIMARY KEY (writer, number, part))",
)


class Op:
    __slots__ = ("writer", "number", "started", "ended", "outcome", "seq")

    def __init__(self, writer, number):
        self.writer, self.number = writer, number
        self.started, self.ended, self.outcome, self.seq = now(), None, "unknown", None

    def done(self, outcome):
        self.outcome, self.ended = outcome, now()

    def as_list(self):
        return [getattr(self, name) for name in self.__slots__]


class SetWriter(Client):
    """Inserts rows `(writer, 0), (writer, 1), …`, one after the other, each at most once."""

    def __init__(self, home, gate, host, seed, pause, writer):
        super().__init__(home, gate, host, seed, pause)
        self.writer = writer
        self.lock = threading.Lock()
        self.ops = []
        self.number = 0
        self.acknowledged = 0
        self.last = None
        self.floor = 0  # operations below it were looked at in earlier rounds

    def operate(self, cursor):
        op = Op(self.writer, self.number)
        self.number += 1
        with self.lock:
            self.ops.append(op)
        self.last = op
        self.insert(cursor, op)
        op.done("ok")
        self.last = None
        self.acknowledged += 1

    def insert(self, cursor, op):
        cursor.execute(f"INSERT INTO {ROWS} (writer, number, origin) VALUES ({op.writer}, {op.number}, @@server_id)")
        op.seq = cursor.lastrowid

    def unsettled(self, error):
        if self.last is not None:
            self.last.done("refused" if is_refusal(error) else "unknown")
            self.last = None

    def all_ops(self):
        with self.lock:
            return list(self.ops)

    def acknowledged_below(self, number, above):
        """Numbers of acknowledged operations n with above ≤ n < number."""
        with self.lock:
            return {op.number for op in self.ops[above:number] if op.outcome == "ok"}


class DirectWriter(SetWriter):
    """At a member's own address: a reader refuses it, slowly asked."""

    def unsettled(self, error):
        super().unsettled(error)
        self.nap.wait(0.1)


class BulkWriter(SetWriter):
    """Transactions big enough to be received in part."""

    def insert(self, cursor, op):
        values = ", ".join(f"({op.writer}, {op.number}, {part}, REPEAT('x', 250))" for part in range(BULK_PARTS))
        cursor.execute(f"INSERT INTO {BULK} VALUES {values}")
        op.seq = 0


def check_real_time_order(ops):
    """Rows get growing numbers from whoever is the writer. So one that was begun after another was acknowledged has
    a higher one: a deposed writer, which counts on from where it was, breaks that. Violations as text."""
    acked = [op for op in ops if op.outcome == "ok" and op.seq]
    by_end = sorted(acked, key=lambda op: op.ended)
    wrong, highest, at = [], None, 0
    for op in sorted(acked, key=lambda op: op.started):
        while at < len(by_end) and by_end[at].ended < op.started:
            if highest is None or by_end[at].seq > highest.seq:
                highest = by_end[at]
            at += 1
        if highest is not None and op.seq < highest.seq:
            wrong.append(f"row {op.writer}/{op.number} got {op.seq}, below {highest.seq} of {highest.writer}/"
                         f"{highest.number}, which had been acknowledged {op.started - highest.ended:.3f} s before")
    return wrong
