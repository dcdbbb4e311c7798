# SPDX-License-Identifier: Apache-2.0
"""Is a history of one register linearizable? Wing and Gong's search with Lowe's memory of what was tried.

An operation is a `RegisterOp`. One whose answer was lost (`ended` is None) may take effect at any time after its
begin, or never. The search walks the calls and returns in the order of time, keeps the set of operations that have
taken effect and the register's value, and never looks at the same pair twice. It is bounded: `UNDECIDED` after so
many steps.
"""
import dataclasses
import typing

OK, VIOLATION, UNDECIDED = "ok", "violation", "undecided"
STEPS = 400_000


@dataclasses.dataclass
class RegisterOp:
    """`kind`: read, write or cas. read: `value` is what was seen. write: `value` is what was written. cas:
    `expected` was to be replaced by `value`, and `success` says whether it was (None: not known)."""
    kind: str
    started: float
    ended: typing.Optional[float]
    value: typing.Optional[int]
    expected: typing.Optional[int] = None
    success: typing.Optional[bool] = None

    def apply(self, state):
        """(possible, the value afterwards), as far as what the client was told goes."""
        if self.kind == "read":
            return state == self.value, state
        if self.kind == "write":
            return True, self.value
        if self.ended is None or self.success is None:
            return True, self.value if state == self.expected else state
        return (state == self.expected) == self.success, self.value if self.success else state


class _Entry:
    """A call or a return, in a doubly linked list, so that lifting an operation out of it and putting it back
    costs nothing."""
    __slots__ = ("op", "number", "match", "next", "previous")

    def __init__(self, op, number):
        self.op, self.number, self.match, self.next, self.previous = op, number, None, None, None


def _listed(ops):
    """The head of the list of events."""
    events = []
    for number, op in enumerate(ops):
        call, back = _Entry(op, number), _Entry(None, number)
        call.match = back
        events.append((op.started, 0, number, call))
        events.append((float("inf") if op.ended is None else op.ended, 1, number, back))
    events.sort(key=lambda event: event[:3])  # calls before returns of the same moment: the weaker order
    head = _Entry(None, -1)
    last = head
    for _, _, _, entry in events:
        last.next, entry.previous = entry, last
        last = entry
    return head


def _lift(call):
    for entry in (call, call.match):
        entry.previous.next = entry.next
        if entry.next is not None:
            entry.next.previous = entry.previous


def _put_back(call):
    for entry in (call.match, call):
        entry.previous.next = entry
        if entry.next is not None:
            entry.next.previous = entry


def _useful(ops):
    """Lost reads say nothing. A lost write that nobody saw and no comparison could have met may be left out."""
    seen = {op.value for op in ops if op.kind == "read" and op.ended is not None}
    seen |= {op.expected for op in ops if op.kind == "cas"}
    failed = any(op.kind == "cas" and op.success is False for op in ops)
    return [op for op in ops
            if op.ended is not None or (op.kind != "read" and (failed or op.value in seen))]


def check(ops, initial, steps=STEPS):
    """OK, VIOLATION or UNDECIDED."""
    ops = _useful(ops)
    known = sum(op.ended is not None for op in ops)
    head = _listed(ops)
    entry, state, done = head.next, initial, 0
    stack, tried, left = [], set(), known
    for _ in range(steps):
        if left == 0:
            return OK
        if entry is not None and entry.match is not None:  # a call
            possible, after = entry.op.apply(state)
            key = (done | 1 << entry.number, after)
            if possible and key not in tried:
                tried.add(key)
                stack.append((entry, state))
                state, done = key[1], key[0]
                left -= entry.op.ended is not None
                _lift(entry)
                entry = head.next
            else:
                entry = entry.next
            continue
        if not stack:  # a return of what has not taken effect, and nothing to take back
            return VIOLATION
        entry, state = stack.pop()
        done &= ~(1 << entry.number)
        left += entry.op.ended is not None
        _put_back(entry)
        entry = entry.next
    return UNDECIDED
