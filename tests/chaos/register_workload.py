# SPDX-License-Identifier: Apache-2.0
"""The register workload: reads, writes and compare-and-sets of single rows through the writer endpoint.

Each round of the run has keys of its own, so histories stay short. What the checker says of them is in linear.py.
"""
import threading

from clients import Client, is_refusal, now
from linear import OK, VIOLATION, RegisterOp, check

REGISTERS = "chaos.registers"
TABLES = (f"CREATE TABLE {REGISTERS} (k INT PRIMARY KEY, v BIGINT NOT NULL)",)
KEYS = 4


class Registers:
    """The keys of the present round and what was done to each."""

    def __init__(self):
        self.lock = threading.Lock()
        self.round = 0
        self.value = 0
        self.histories = {}

    def begin(self, home, host):
        """New keys, all zero."""
        with self.lock:
            self.round += 1
            self.histories = {self.round * KEYS + at: [] for at in range(KEYS)}
        values = ", ".join(f"({key}, 0)" for key in self.histories)
        home.sql(host, f"INSERT INTO {REGISTERS} VALUES {values}")

    def next_value(self):
        with self.lock:
            self.value += 1
            return self.value

    def violations(self):
        """(texts, operations looked at, histories that were too large to decide)."""
        wrong, count, undecided = [], 0, 0
        for key, ops in self.histories.items():
            count += len(ops)
            verdict = check(ops, 0)
            if verdict == VIOLATION:
                wrong.append(f"register {key}: its {len(ops)} operations have no order that explains them")
            undecided += verdict not in (OK, VIOLATION)
        return wrong, count, undecided


class RegisterClient(Client):
    def __init__(self, home, gate, host, seed, pause, registers):
        super().__init__(home, gate, host, seed, pause)
        self.registers = registers
        self.last = None

    def operate(self, cursor):
        key = self.rng.choice(list(self.registers.histories))
        kind = self.rng.choice(("read", "read", "write", "cas"))
        op = RegisterOp(kind, now(), None, None)
        self.last = op
        if kind == "read":
            self.read(cursor, key, op)
        elif kind == "write":
            op.value = self.registers.next_value()
            self.registers.histories[key].append(op)
            cursor.execute(f"UPDATE {REGISTERS} SET v = {op.value} WHERE k = {key}")
        else:
            cursor.execute(f"SELECT v FROM {REGISTERS} WHERE k = {key}")
            op.expected = cursor.fetchone()[0]
            op.value = self.registers.next_value()
            op.started = now()
            self.registers.histories[key].append(op)
            changed = cursor.execute(f"UPDATE {REGISTERS} SET v = {op.value} WHERE k = {key} AND v = {op.expected}")
            op.success = changed == 1
        op.ended = now()
        self.last = None

    def read(self, cursor, key, op):
        cursor.execute(f"SELECT v FROM {REGISTERS} WHERE k = {key}")
        op.value = cursor.fetchone()[0]
        self.registers.histories[key].append(op)

    def unsettled(self, error):
        if self.last is not None and is_refusal(error) and self.last.kind != "read":
            for history in self.registers.histories.values():
                if self.last in history:
                    history.remove(self.last)
        self.last = None
