#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The checkers themselves: what is right passes, seeded violations are caught."""
import random
import unittest

from linear import OK, UNDECIDED, VIOLATION, RegisterOp, check
from set_workload import Op, check_real_time_order


def read(started, ended, value):
    return RegisterOp("read", started, ended, value)


def write(started, ended, value):
    return RegisterOp("write", started, ended, value)


def cas(started, ended, expected, value, success):
    return RegisterOp("cas", started, ended, value, expected, success)


def random_history(seed, clients=3, count=400, lost=0.02):
    """What clients of a register that is right would note, with answers lost here and there."""
    rng = random.Random(seed)
    free, state, value, ops = [0.0] * clients, 0, 0, []
    moments = []
    for _ in range(count):
        who = min(range(clients), key=lambda c: free[c])
        started = free[who]
        effect = started + rng.uniform(0.1, 1)
        ended = effect + rng.uniform(0.1, 1)
        free[who] = ended + rng.uniform(0, 0.5)
        moments.append((effect, started, ended, rng.choice(("read", "read", "write", "cas"))))
    for effect, started, ended, kind in sorted(moments):
        is_lost = rng.random() < lost
        end = None if is_lost else ended
        if kind == "read":
            ops.append(read(started, end, state))
            continue
        value += 1
        happens = not is_lost or rng.random() < 0.5
        if kind == "write":
            ops.append(write(started, end, value))
            state = value if happens else state
        else:
            expected = state if rng.random() < 0.5 else rng.randrange(value)
            success = expected == state
            ops.append(cas(started, end, expected, value, None if is_lost else success))
            state = value if success and happens else state
    return ops


class Linear(unittest.TestCase):
    def test_reads_see_what_was_written(self):
        self.assertEqual(check([write(0, 1, 5), read(2, 3, 5)], 0), OK)
        self.assertEqual(check([write(0, 1, 5), read(2, 3, 0)], 0), VIOLATION)

    def test_while_a_write_is_underway_both_values_may_be_seen_but_never_back(self):
        overlapping = write(0, 10, 1)
        self.assertEqual(check([overlapping, read(1, 2, 0), read(3, 4, 1)], 0), OK)
        self.assertEqual(check([overlapping, read(1, 2, 1), read(3, 4, 0)], 0), VIOLATION)

    def test_a_lost_write_may_take_effect_late_or_never(self):
        lost = write(0, None, 1)
        self.assertEqual(check([lost, read(1, 2, 0), read(50, 51, 1)], 0), OK)
        self.assertEqual(check([lost, read(1, 2, 0), read(50, 51, 0)], 0), OK)
        self.assertEqual(check([lost, read(1, 2, 1), read(50, 51, 0)], 0), VIOLATION)

    def test_compare_and_set(self):
        self.assertEqual(check([cas(0, 1, 0, 1, True), cas(2, 3, 0, 2, False), read(4, 5, 1)], 0), OK)
        self.assertEqual(check([cas(0, 1, 0, 1, True), cas(2, 3, 0, 2, True)], 0), VIOLATION)
        self.assertEqual(check([cas(0, None, 0, 1, None), cas(2, 3, 0, 2, False)], 0), OK)

    def test_two_writers_at_once(self):
        """A deposed writer still answers: its client reads its own value after the new writer took another."""
        self.assertEqual(check([write(0, 1, 1), write(2, 3, 2), read(4, 5, 1), read(4, 5, 2)], 0), VIOLATION)

    def test_random_histories_pass(self):
        for seed in range(30):
            self.assertEqual(check(random_history(seed), 0), OK, seed)

    def test_a_seeded_violation_in_a_random_history_is_caught(self):
        caught = 0
        for seed in range(30):
            rng = random.Random(seed)
            ops = random_history(seed, lost=0)
            written = [op for op in ops if op.kind == "write"]
            victim = rng.choice([op for op in ops if op.kind == "read" and op.started > written[3].ended])
            victim.value = written[0].value if victim.value != written[0].value else 0
            later = [op for op in written[1:] if op.started > written[0].ended and op.ended < victim.started]
            self.assertTrue(later)  # overwritten since, for certain
            caught += check(ops, 0) == VIOLATION
        self.assertEqual(caught, 30)

    def test_it_ends(self):
        many = [write(0, None, n) for n in range(40)] + [cas(1, 2, 100, 101, False), read(3, 4, 99)]
        self.assertEqual(check(many, 0, steps=2000), UNDECIDED)


def row(writer, number, started, ended, seq):
    op = Op(writer, number)
    op.started, op.ended, op.outcome, op.seq = started, ended, "ok", seq
    return op


class RealTimeOrder(unittest.TestCase):
    def test_later_rows_have_higher_numbers(self):
        self.assertEqual(check_real_time_order([row(0, 0, 0, 1, 1), row(1, 0, 0.5, 2, 3), row(0, 1, 1.5, 3, 2)]), [])

    def test_a_deposed_writer_that_counts_on_is_caught(self):
        new = row(0, 7, 10, 11, 500)
        old = row(1, 7, 12, 13, 431)
        self.assertEqual(len(check_real_time_order([row(0, 0, 0, 1, 430), new, old])), 1)


if __name__ == "__main__":
    unittest.main()
