# SPDX-License-Identifier: Apache-2.0
"""Waiting for a condition, always with a deadline."""
import time


class TimedOut(AssertionError):
    pass


def wait_until(what, condition, seconds, every=0.05):
    """The first true answer of `condition()`. An AssertionError that it raises counts as "not yet"."""
    deadline = time.monotonic() + seconds
    last = ""
    while True:
        try:
            answer = condition()
            if answer:
                return answer
            last = f"the last answer was {answer!r}"
        except AssertionError as error:
            last = str(error)
        if time.monotonic() > deadline:
            raise TimedOut(f"waited {seconds} s for {what}: {last}")
        time.sleep(every)
