# SPDX-License-Identifier: Apache-2.0
"""A home, figures made on it, the table, and everything taken down: what bench/run and bench/failover share."""
import contextlib
import json
import os
import pathlib
import signal
import sys
import time

import figures
import harness
from waiting import wait_until

NETWORK = int(os.environ.get("TRIVET_BENCH_NETWORK", "55"))  # addresses in 127.55
NETWORK_SECONDS = 90  # a run that just ended leaves its API's port in TIME-WAIT


def machine():
    with open("/proc/meminfo", encoding="ascii") as file:
        memory = int(file.readline().split()[1]) // 1024
    return f"{os.cpu_count()} processors, {memory} MB"


def print_table(rows):
    heads = ("figure", "measured", "baseline", "ratio", "target", "", "load")
    cells = [heads] + [(r.name, r.measured, r.baseline, r.ratio, r.target, r.verdict(), r.load) for r in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(heads))]
    print()
    for row in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def new_home():
    harness.NETWORKS = range(NETWORK, NETWORK + 1)

    def made():
        with contextlib.suppress(RuntimeError):
            return harness.Home("bench")
    return wait_until(f"127.{NETWORK} to be free", made, NETWORK_SECONDS, every=1)


def run(of, names, quick, options):
    rows = []
    home = new_home()
    failed = True
    try:
        print(f"{machine()}, load {os.getloadavg()[0]:.1f}; home {home.path}", flush=True)
        home.set_up()
        bench = figures.Bench(home, quick)
        bench.options = options
        for name in names:
            begun, load = time.monotonic(), os.getloadavg()[0]
            print(f"\n--- {name}", flush=True)
            found = of[name](bench)
            for row in found:
                row.load = f"{load:.1f}"
            rows += found
            print(f"    {time.monotonic() - begun:.0f} s", flush=True)
        home.tear_down()
        failed = False
    finally:
        home.destroy(keep_logs=failed)
        if failed:
            print(f"trivetd: {home.daemon and home.daemon.returncode}, logs: {harness.LOGS / home.name}", flush=True)
    return rows


def stop(*_):
    raise KeyboardInterrupt  # so that what was started is ended


def main(doc, of, arguments):
    """`of`: the figures by name. `arguments`: [--quick] [--json FILE] [--NAME VALUE…] [NAME…]."""
    quick = "--quick" in arguments
    arguments = [word for word in arguments if word != "--quick"]
    options = {}
    while len(arguments) > 1 and arguments[0].startswith("--"):
        options[arguments[0][2:]] = arguments[1]
        arguments = arguments[2:]
    if any(word not in of for word in arguments) or any(f"--{name} " not in doc for name in options):
        sys.exit(doc)
    if os.geteuid() != 0:
        sys.exit("needs root, because mysqld gets a user of its own")
    signal.signal(signal.SIGTERM, stop)
    rows = run(of, [name for name in of if name in arguments or not arguments], quick, options)
    print_table(rows)
    if "json" in options:
        text = json.dumps([vars(row) for row in rows], indent=1)
        pathlib.Path(options["json"]).write_text(text + "\n", encoding="utf-8")
    sys.exit(any(row.met is False for row in rows))
