# SPDX-License-Identifier: Apache-2.0
"""The tests of one file: run in the order they are written, one line each, in a home of their own."""
import os
import pathlib
import signal
import sys
import time
import traceback

import harness


class Skip(Exception):
    """Raised by a test that needs what the machine has not got; says what."""


class Suite:
    """`in_order`: each test stands on those before it, so after a failure the rest are not tried."""

    def __init__(self, file, in_order=False, **home_options):
        self.name = pathlib.Path(file).stem
        self.in_order = in_order
        self.home_options = home_options
        self.tests = []
        self.before = None

    def test(self, function):
        self.tests.append(function)
        return function

    def setup(self, function):
        self.before = function
        return function

    def _chosen(self, wanted):
        """The tests that one of `wanted` names, as part of "file.test"; with `in_order` those before them too."""
        if not wanted:
            return self.tests
        hits = [at for at, function in enumerate(self.tests)
                if any(word in f"{self.name}.{function.__name__}" for word in wanted)]
        if self.in_order and hits:
            return self.tests[:hits[-1] + 1]
        return [self.tests[at] for at in hits]

    def _say(self, outcome, name, seconds, why=""):
        print(f"{outcome:<7} {self.name}.{name:<52} {seconds:6.1f} s{why}", flush=True)

    def _try(self, name, function, home):
        begun = time.monotonic()
        try:
            note = function(home)
            self._say("ok", name, time.monotonic() - begun, f"  {note}" if isinstance(note, str) else "")
            return True
        except KeyboardInterrupt:
            raise
        except Skip as why:
            self._say("skipped", name, time.monotonic() - begun, f"  {why}")
            return True
        except Exception:  # pylint: disable=broad-exception-caught
            self._say("FAILED", name, time.monotonic() - begun)
            print("\n".join("  | " + line for line in traceback.format_exc().splitlines()), flush=True)
            if home.daemon is not None and home.daemon.poll() is not None:
                print(f"  | trivetd ended with {home.daemon.returncode}", flush=True)
            return False

    def run(self, wanted):
        chosen = self._chosen(wanted)
        if not chosen:
            return 0
        failed = 0
        home = harness.Home(self.name, **self.home_options)
        try:
            ready = self._try("set_up", lambda home: home.set_up(self.before), home)
            broken = not ready
            failed += broken
            for function in chosen:
                if broken:
                    self._say("FAILED", function.__name__, 0.0, "  not tried")
                    failed += 1
                elif not self._try(function.__name__, function, home):
                    failed += 1
                    broken = self.in_order
            failed += not self._try("tear_down", lambda home: home.tear_down(), home)
        finally:
            home.destroy(keep_logs=failed > 0)
            if failed:
                print(f"  | logs: {harness.LOGS / self.name}\n  | to repeat: TRIVET_BIN={harness.BIN} tests/e2e/run "
                      f"{self.name}", flush=True)
        return failed

    def main(self):
        if os.geteuid() != 0:
            sys.exit(f"{self.name}: needs root, because mysqld gets a user of its own")

        def stop(*_):
            raise KeyboardInterrupt  # so that what was started is ended
        signal.signal(signal.SIGTERM, stop)
        sys.exit(1 if self.run(sys.argv[1:]) else 0)
