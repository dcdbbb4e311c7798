#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Breaks each rule of sim/mutants.toml in turn and lets trivet-sim find it.

Usage: tools/mutate.py [--check] [--count N] [--seed S] [--jobs J] [name …]

Each mutant is built in build/mutants, a copy of the tree, and runs up to N schedules (100000); one that no
schedule finds is given to the unit tests of the failover core and of its driver. Prints what found it; ends
with 1 when a mutant survives that is not listed as equivalent, or when its text no longer stands in the source.
--check: only whether all of them stand there.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import tomllib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from sources import ROOT, project_files  # noqa: E402

WORK = ROOT / "build/mutants"
TREE = WORK / "tree"
BUILD = WORK / "build"
UNIT_TESTS = ["core_failover_test", "service_cluster_test"]
CODES = {127: "crash", 128: "safety", 129: "liveness"}


def copy_if_changed(path):
    source, target = ROOT / path, TREE / path
    if target.exists() and target.read_bytes() == source.read_bytes():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def build(environment, *targets):
    command = ["cmake", "--build", str(BUILD), "-j", str(os.cpu_count() or 1), "--target", *(targets or ["trivet-sim"])]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    return done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


def prepare(environment):
    wanted = [path for path in project_files() if not path.startswith((".", "docs/"))]
    for path in wanted:
        copy_if_changed(path)
    if not (BUILD / "build.ninja").exists():
        subprocess.run(["cmake", "-S", str(TREE), "-B", str(BUILD), "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
                        "-DCMAKE_CXX_COMPILER=g++", "-DCMAKE_CXX_FLAGS_RELEASE=-O2 -g1",
                        "-DCMAKE_POSITION_INDEPENDENT_CODE=ON"],
                       check=True, capture_output=True, env=environment)
    good, output = build(environment)
    if not good:
        sys.exit(output)


def mutated(mutant):
    text = (ROOT / mutant["file"]).read_text()
    for old, new in mutant["changes"]:
        if text.count(old) != 1:
            return None
        text = text.replace(old, new)
    return text


def run_simulator(options):
    done = subprocess.run([str(BUILD / "bin/trivet-sim"), "--json", "--count", str(options.count), "--seed",
                           str(options.seed), "--jobs", str(options.jobs)],
                          capture_output=True, text=True, check=False, timeout=3600)
    figures = json.loads(done.stdout) if done.stdout.startswith("{") else {}
    return done.returncode, figures


def failed_unit_test(environment):
    """The first one that fails; None: all hold."""
    good, output = build(environment, *UNIT_TESTS)
    if not good:
        sys.exit(output)
    for program in UNIT_TESTS:
        done = subprocess.run([str(BUILD / "bin" / program)], capture_output=True, text=True, check=False, timeout=300)
        if done.returncode != 0:
            failed = re.search(r"\[  FAILED  \] ([\w.]+)", done.stdout)
            return failed[1] if failed else f"exit status {done.returncode} of {program}"
    return None


def try_mutant(mutant, options, environment):
    """(verdict, detail): verdict is caught, survived, equivalent, or stale."""
    text = mutated(mutant)
    if text is None:
        return "stale", f"not once in {mutant['file']}"
    target = TREE / mutant["file"]
    target.write_text(text)
    try:
        good, output = build(environment)
        if not good:
            return "stale", "does not compile: " + output[-400:]
        code, figures = run_simulator(options)
        unit_test = failed_unit_test(environment) if code == 0 else None
    finally:
        shutil.copyfile(ROOT / mutant["file"], target)
    if unit_test:
        return "caught", f"unit test {unit_test}"
    if code == 0:
        return ("equivalent" if "equivalent" in mutant else "survived"), f"{options.count} schedules"
    seed = figures.get("seed", "?")
    return "caught", f"{CODES.get(code, code)} {figures.get('rule', '')} seed {seed}"


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    environment = {**os.environ, "CCACHE_BASEDIR": str(TREE), "CCACHE_NOHASHDIR": "1"}
    mutants = tomllib.loads((ROOT / "sim/mutants.toml").read_text())["mutant"]
    if options.names:
        mutants = [m for m in mutants if m["name"] in options.names]
    if options.check:
        stale = [m["name"] for m in mutants if mutated(m) is None]
        print(f"mutants: {len(mutants)}" + "".join(f"\n{name}: what it changes is not in the source" for name in stale))
        sys.exit(1 if stale else 0)
    prepare(environment)
    code, figures = run_simulator(argparse.Namespace(count=500, seed=options.seed, jobs=options.jobs))
    if code != 0:
        sys.exit(f"the unchanged tree fails already: {figures}")
    counts = {}
    for mutant in mutants:
        began = time.monotonic()
        verdict, detail = try_mutant(mutant, options, environment)
        counts[verdict] = counts.get(verdict, 0) + 1
        print(f"{verdict:10} {mutant['name']:38} {mutant['rule']:10} {detail}  "
              f"({time.monotonic() - began:.0f} s)", flush=True)
    print(", ".join(f"{number} {verdict}" for verdict, number in sorted(counts.items())))
    sys.exit(1 if counts.get("survived") or counts.get("stale") else 0)


if __name__ == "__main__":
    main()
