# SPDX-License-Identifier: Apache-2.0
"""The figures of bench/failover: what writers see when their server is lost, hangs or hands over, and what a commit
costs, each with MySQL's group replication beside it where its packages are at hand."""
import contextlib
import itertools
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import time

import group
import harness
from figures import CLUSTER, PLAIN_PASSWORD, PLAIN_USER, Row, percentile
from waiting import wait_until

RUNS = itertools.count(1)
WARM = 1.5  # seconds of writes before something happens


def write(bench, address, threads, seconds, *more):
    """(its run's number, a running write_load)"""
    run = next(RUNS)
    return run, bench.program("write_load", "--address", address, "--write-user", PLAIN_USER, "--write-secret-file",
                              bench.secrets / "plain", "--threads", threads, "--seconds", seconds, "--run", run, *more)


def rows_missing(bench, run, answer):
    """How many acknowledged rows the writer does not have."""
    missing = 0
    for number, writer in enumerate(answer["writers"]):
        unsure = set(writer["unacknowledged"])
        there = {row[0] for row in bench.home.sql(
            bench.described["Endpoint"], f"SELECT n FROM bench.writes WHERE run={run} AND writer={number}",
            user=PLAIN_USER, password=PLAIN_PASSWORD)}
        missing += sum(1 for n in range(1, writer["tried"] + 1) if n not in unsure and n not in there)
    return missing


def longest_pause(answer, moment):
    """ms. What lasts until the writers stop counts with what was seen of it."""
    if answer["last"] <= moment:
        raise RuntimeError("no write succeeded afterwards")
    return max(end - begin for begin, end in [*answer["pauses"], [answer["last"], answer["ended"]], [0, 0]]
               if end > moment or end == 0)


def gap_row(name, gaps, target="", middle=None, worst=None):
    p50, p99 = percentile(gaps, 50), percentile(gaps, 99)
    met = None if not target else (middle is None or p50 < middle) and (worst is None or p99 < worst)
    measured = f"p50 {p50:.0f}, p99 {p99:.0f}, max {max(gaps):.0f} ms"
    return Row(f"{name}, n={len(gaps)}", measured, target=target, met=met)


class Rounds:
    """The same fault again and again: gaps, missing rows, and how long the former writer was no healthy voter."""

    def __init__(self, bench, name, seconds=5, threads=8, more=()):
        self.bench, self.name, self.seconds, self.threads, self.more = bench, name, seconds, threads, more
        self.gaps, self.back, self.missing = [], [], 0

    def run(self, count, fault):
        for number in range(1, count + 1):
            self.bench.home.wait_whole(CLUSTER, 180)
            wait_until("three voters' worth of health", lambda: len(self.voters()) == 2, 60, every=0.1)
            time.sleep(1)
            run, program = write(self.bench, self.bench.described["Endpoint"], self.threads, self.seconds, *self.more)
            time.sleep(WARM)
            former = self.bench.writer()
            moment = time.monotonic()
            fault(former)
            back = self.wait_back(former["identifier"], moment)
            answer = self.bench.answer(program, self.seconds + 60)
            gap, lost = longest_pause(answer, moment * 1000), rows_missing(self.bench, run, answer)
            self.gaps.append(gap)
            self.back.append(back)
            self.missing += lost
            print(f"    {self.name} {number}: gap {gap:.0f} ms, {answer['acknowledged']} rows, {lost} missing, "
                  f"former writer a voter again after {back:.1f} s", flush=True)
        return self

    def voters(self):
        return [m for m in self.bench.home.members(CLUSTER).values()
                if m["is_voter"] and m["status"] == "available" and m["state"] == "available"]

    def wait_back(self, identifier, moment):
        wait_until(f"{identifier} a voter again",
                   lambda: identifier in [m["identifier"] for m in self.voters()], 120, every=0.02)
        return time.monotonic() - moment

    def missing_row(self):
        return Row("  acknowledged rows missing", str(self.missing), target="0", met=self.missing == 0)


def kill(bench):
    """SIGKILL of the writer's mysqld under eight writers."""
    bench.cluster()
    rounds = Rounds(bench, "kill").run(4 if bench.quick else 20, lambda former: harness.kill(former["pid"]))
    back = sorted(rounds.back)
    return [gap_row("writer killed, 8 writers, gap", rounds.gaps, "p50 < 180, p99 < 500 ms", 180, 500),
            rounds.missing_row(),
            Row("  former writer a healthy voter again", f"p50 {percentile(back, 50):.1f}, max {back[-1]:.1f} s",
                target="< 10 s", met=back[-1] < 10)]


def hang(bench):
    """SIGSTOP of the writer's mysqld."""
    bench.cluster()
    rounds = Rounds(bench, "hang", 7).run(3 if bench.quick else 10,
                                          lambda former: harness.kill(former["pid"], signal.SIGSTOP))
    return [gap_row("writer stopped (SIGSTOP), 8 writers, gap", rounds.gaps, "p99 < 2 s", worst=2000),
            rounds.missing_row()]


def switchover(bench):
    """FailoverDBCluster with a target, with readers that keep up and with eight writers that never wait."""
    bench.cluster()
    rds = bench.home.client("rds")

    def hand_over(former):
        target = next(m["identifier"] for m in bench.home.readers(CLUSTER) if m != former)
        rds.failover_db_cluster(DBClusterIdentifier=CLUSTER, TargetDBInstanceIdentifier=target)
    paced = Rounds(bench, "switchover, paced", 4, more=("--think-ms", 25, "--pause-ms", 5)).run(
        4 if bench.quick else 20, hand_over)
    full = Rounds(bench, "switchover, saturated", 6, more=("--pause-ms", 5)).run(3 if bench.quick else 10, hand_over)
    return [gap_row("switchover, members caught up, gap", paced.gaps, "p50 < 40, p99 < 150 ms", 40, 150),
            paced.missing_row(),
            gap_row("switchover, 8 writers without pause, gap", full.gaps), full.missing_row()]


def packages(bench):
    folder = bench.options.get("group-replication")
    if folder is None:
        print("    group replication is left out: --group-replication DIR says where its plugin is", flush=True)
        return None
    folder = pathlib.Path(folder)
    if not (folder / group.PLUGIN).is_file():
        sys.exit(f"{folder / group.PLUGIN} is not there: unpack mysql-server-core of the engine's version with dpkg -x")
    return folder


def addresses(bench, last):
    return [f"{bench.home.prefix}.8.{number}" for number in last]


def group_round(bench, group_of, seconds):
    _, program = write(bench, ",".join(group_of.addresses), 8, seconds, "--ca", group_of.certificates.ca)
    time.sleep(WARM)
    former, moment = group_of.primary(), time.monotonic() * 1000
    former.kill()
    gap = longest_pause(bench.answer(program, seconds + 60), moment)
    group_of.bring_back(former)
    return gap


def group_replication(bench):
    """The same SIGKILL of the writer of a group, whose clients try its three members in turn."""
    folder = packages(bench)
    bench.cluster()
    if folder is None:
        return []
    rows = []
    with group.Group(bench, folder, addresses(bench, (1, 2, 3))) as of:
        for name, expel, seconds, count in (("member_expel_timeout=0", 0, 20, 4), ("default", 5, 45, 3)):
            gaps = []
            for _ in range(1 if bench.quick else count):
                of.expel_after(expel)
                gaps.append(group_round(bench, of, seconds))
                print(f"    group replication, {name}: gap {gaps[-1]:.0f} ms", flush=True)
            rows.append(gap_row(f"group replication, {name}, the same kill", gaps))
    return rows


def commit(bench):
    """Inserts of one row, each a transaction: the cluster, one server alone, and a group, in turns."""
    folder = packages(bench)
    bench.cluster()
    slice_s, rounds = (2, 2) if bench.quick else (4, 4)
    rows = []
    with contextlib.ExitStack() as stack:
        alone = stack.enter_context(group.Single(bench, addresses(bench, (4,))[0]))
        systems = {"one server alone": (alone.addresses[0], alone.certificates.ca),
                   "cluster": (bench.described["Endpoint"], bench.home.ca)}
        if folder is not None:
            of = stack.enter_context(group.Group(bench, folder, addresses(bench, (1, 2, 3))))
            systems["group replication"] = of.primary().address, of.certificates.ca
        for threads in (1, 8, 32):
            found = {name: [] for name in systems}
            for _ in range(rounds):
                for name, (address, ca) in systems.items():
                    _, program = write(bench, address, threads, slice_s, "--ca", ca)
                    answer = bench.answer(program, slice_s + 60)
                    found[name].append((answer["acknowledged"] / slice_s, answer["took_us"]))
                    time.sleep(0.5)  # what readers still apply is not the next one's
            rows += commit_rows(threads, found)
    return rows


def commit_rows(threads, found):
    def middle(name, pick):
        return statistics.median(pick(one) for one in found[name])
    rows = []
    for name in found:
        if name == "one server alone":
            continue
        ratio = statistics.median(mine[0] / base[0] for mine, base in zip(found[name], found["one server alone"]))
        rows.append(Row(f"commits, {threads} client{'s' * (threads > 1)}, {name}",
                        f"{middle(name, lambda o: o[0]):.0f}/s, p50 {middle(name, lambda o: o[1]['p50']) / 1000:.1f}, "
                        f"p99 {middle(name, lambda o: o[1]['p99']) / 1000:.1f} ms",
                        f"{middle('one server alone', lambda o: o[0]):.0f}/s, "
                        f"p50 {middle('one server alone', lambda o: o[1]['p50']) / 1000:.1f} ms alone",
                        f"{ratio:.2f}"))
        print(f"    {rows[-1].name}: {rows[-1].measured}; {rows[-1].baseline}", flush=True)
    return rows


def simulator(bench):
    """Schedules a second on one processor."""
    done = subprocess.run([harness.BIN / "trivet-sim", "--count", "1000" if bench.quick else "5000"], check=False,
                          capture_output=True, text=True, timeout=600)
    found = re.search(r"(\d+) schedules in [\d.]+ s \((\d+) a second\)", done.stdout)
    if done.returncode or not found:
        raise RuntimeError(f"trivet-sim: {done.returncode}: {done.stdout[-500:]}{done.stderr[-500:]}")
    return [Row(f"trivet-sim, {found[1]} schedules", f"{found[2]}/s")]


ALL = {"kill": kill, "hang": hang, "switchover": switchover, "group": group_replication, "commit": commit,
       "simulator": simulator}
