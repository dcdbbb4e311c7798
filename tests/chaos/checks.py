# SPDX-License-Identifier: Apache-2.0
"""What must hold after each fault. Safety first: what they return are violations, one text each."""
import pymysql

import bank_workload
import set_workload
from waiting import wait_until
from world import COMPARED

FINGERPRINT = "COUNT(*), COALESCE(BIT_XOR(CRC32(CONCAT_WS(':', seq, writer, number, origin))), 0)"


class Checker:
    """Between two rounds, with all clients held. Knows what earlier rounds found."""

    def __init__(self, world):
        self.world = world
        self.watermark = 0
        self.old = (0, 0)  # count and fingerprint of the rows up to the watermark
        self.counts = {"rows": 0, "acknowledged": 0, "unknown": 0, "unknown_present": 0, "by_origin": 0,
                       "origin_unobserved": 0, "register_ops": 0, "histories_undecided": 0, "reads_seen_again": 0}

    def converge(self, seconds=60):
        """Until the three members have executed the same transactions: nothing is underway."""
        def same():
            sets = {}
            for name in self.world.known:
                try:
                    executed = self.world.admin_sql(name, "SELECT @@GLOBAL.gtid_executed")[0][0].replace("\n", "")
                except pymysql.err.OperationalError as error:  # what hung may have been ended only now
                    raise AssertionError(f"{name}: {error}") from error
                sets.setdefault(executed, []).append(name)
            assert len(sets) == 1, sets
            return True
        return wait_until("members with the same transactions", same, seconds, 0.1)

    def after_round(self):
        wrong = []
        wrong += self.compare_members()
        for name in self.world.known:
            wrong += [f"{name}: {text}" for text in self.rows_at(name)]
        wrong += self.histories()
        self.next_round()
        return wrong

    def compare_members(self):
        tables = ", ".join(f"chaos.{table}" for table in COMPARED)
        sums = {name: self.world.admin_sql(name, f"CHECKSUM TABLE {tables}") for name in self.world.known}
        if len(set(sums.values())) != 1:
            return [f"the members' checksums differ: {sums}"]
        return []

    def rows_at(self, name):
        """Of one member: nothing acknowledged is missing, nothing refused is there, nothing is there in part."""
        world = self.world

        def sql(statement):
            return world.admin_sql(name, statement)
        wrong = []
        rows = {(writer, number): (origin, seq) for writer, number, origin, seq in sql(
            f"SELECT writer, number, origin, seq FROM {set_workload.ROWS} WHERE seq > {self.watermark}")}
        old = sql(f"SELECT {FINGERPRINT} FROM {set_workload.ROWS} WHERE seq <= {self.watermark}")[0]
        if tuple(old) != tuple(self.old):
            wrong.append(f"rows that had been checked are different now: {self.old} then, {old} now")
        is_first = name == next(iter(world.known))
        for writer in [*world.writers, *world.direct]:
            wrong += self.compare(writer, rows, is_first)
        wrong += self.bulk_at(sql)
        wrong += bank_workload.check_books(sql, world.tellers)
        if is_first:
            wrong += self.origins(rows)
            for reader in world.readers:
                lost = {one for one in reader.seen if one not in rows}
                self.counts["reads_seen_again"] += len(reader.seen)
                if lost:
                    wrong.append(f"rows that were read are gone: {sorted(lost)[:10]}")
        return wrong

    def compare(self, writer, rows, is_first):
        ops = writer.all_ops()[writer.floor:]
        there = {op.number for op in ops if (op.writer, op.number) in rows}
        acknowledged = {op.number for op in ops if op.outcome == "ok"}
        unknown = {op.number for op in ops if op.outcome == "unknown"}
        if is_first:
            self.counts["acknowledged"] += len(acknowledged)
            self.counts["unknown"] += len(unknown)
            self.counts["unknown_present"] += len(unknown & there)
        wrong = []
        if acknowledged - there:
            wrong.append(f"acknowledged rows of writer {writer.writer} are missing: "
                         f"{sorted(acknowledged - there)[:20]}")
        refused = {op.number for op in ops if op.outcome == "refused"} & there
        if refused:
            wrong.append(f"refused rows of writer {writer.writer} are there: {sorted(refused)[:20]}")
        return wrong

    def bulk_at(self, sql):
        wrong = []
        rows = {(writer, number): count for writer, number, count in sql(
            f"SELECT writer, number, COUNT(*) FROM {set_workload.BULK} GROUP BY writer, number")}
        parts = {key: count for key, count in rows.items() if count != set_workload.BULK_PARTS}
        if parts:
            wrong.append(f"large transactions are there in part: {parts}")
        for writer in self.world.bulk:
            missing = [op.number for op in writer.all_ops()[writer.floor:]
                       if op.outcome == "ok" and (op.writer, op.number) not in rows]
            if missing:
                wrong.append(f"acknowledged large transactions are missing: {missing[:20]}")
        return wrong

    def origins(self, rows):
        """Each row was acknowledged by the server that was the writer then."""
        world, wrong, ops = self.world, [], []
        for event in ("failover.completed", "switchover.completed"):
            world.timeline.learn(world.home.events(event))
        names = {number: name for name, number in world.server_ids.items()}
        for writer in [*world.writers, *world.direct]:
            for op in writer.all_ops()[writer.floor:]:
                found = rows.get((op.writer, op.number))
                if op.outcome != "ok" or found is None:
                    continue
                ops.append(op)
                op.seq = op.seq or found[1]
                allowed = world.timeline.allowed(op.started, op.ended)
                origin = names.get(found[0])
                if allowed is None or (None in allowed and origin not in allowed):
                    self.counts["origin_unobserved"] += 1
                elif origin not in allowed:
                    wrong.append(f"row {op.writer}/{op.number} was acknowledged by {origin} while the writer was "
                                 f"{allowed}")
                else:
                    self.counts["by_origin"] += 1
        return wrong + set_workload.check_real_time_order(ops)

    def histories(self):
        wrong, count, undecided = self.world.registers.violations()
        self.counts["register_ops"] += count
        self.counts["histories_undecided"] += undecided
        for reader in [*self.world.readers, self.world.causal]:
            wrong += reader.wrong
        return wrong

    def next_round(self):
        world = self.world
        world.home.sql(world.host, f"DELETE FROM {set_workload.BULK}")
        world.home.sql(world.host, "DELETE FROM chaos.causal")
        self.watermark = int(world.home.sql(world.host, f"SELECT COALESCE(MAX(seq), 0) FROM {set_workload.ROWS}")[0][0])
        self.old = world.home.sql(world.host,
                                  f"SELECT {FINGERPRINT} FROM {set_workload.ROWS} WHERE seq <= {self.watermark}")[0]
        self.counts["rows"] = int(self.old[0])
        for writer in [*world.writers, *world.direct, *world.bulk]:
            writer.floor = len(writer.all_ops())
        for reader in world.readers:
            reader.take_seen(self.watermark)
        world.registers.begin(world.home, world.host)
