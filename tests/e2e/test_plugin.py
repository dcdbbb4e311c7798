# SPDX-License-Identifier: Apache-2.0
"""The plugin in a mysqld of its own, against a daemon that answers what no good daemon would."""
import pathlib
import re
import subprocess
import sys

import harness
from suite import Suite

PROGRAM = pathlib.Path(__file__).resolve().parent.parent / "plugin/plugin_test.py"
suite = Suite(__file__)


@suite.test
def plugin_and_fake_daemon(_home):
    """tests/plugin/plugin_test.py, which prints a line for each of its checks."""
    root = next((harness.install_engine() / "engines").glob("mysql-*/root"))
    done = subprocess.run([sys.executable, PROGRAM, "--engine-root", root, "--plugin",
                           harness.BIN / "AWSAuthenticationPlugin.so"], capture_output=True, text=True, timeout=400,
                          check=False)
    failed = [line for line in done.stdout.splitlines() if line.startswith("  FAILED")]
    assert done.returncode == 0 and not failed, (failed, done.stdout[-1000:], done.stderr[-1000:])
    return re.search(r"\d+ passed", done.stdout)[0]


if __name__ == "__main__":
    suite.main()
