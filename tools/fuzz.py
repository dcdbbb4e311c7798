#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds and runs libFuzzer targets of fuzz/: clang 19 with AddressSanitizer and UBSan.

  tools/fuzz.py SECONDS [NAME…]   each target for so long, one after the other; without a name all of them

What was learnt is kept in build/fuzz/corpus; a new corpus begins with what tests/vectors has. A finding ends it with 1
and lies in build/fuzz/NAME-….
"""
import hashlib
import json
import pathlib
import re
import shlex
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from sources import ROOT  # noqa: E402

TARGETS = ("token", "query", "policy", "arn", "sigv4", "jwt")
FOLDER = ROOT / "build/fuzz"
VECTORS = ROOT / "tests/vectors"


def call(*command):
    print(f"+ {shlex.join(map(str, command))}", flush=True)
    subprocess.run(list(map(str, command)), cwd=ROOT, check=True)


def tokens():
    read = json.loads((VECTORS / "rds-auth-tokens.json").read_text(encoding="utf-8"))
    return [vector["token"] for kind in ("sdk_vectors", "accept_reject_vectors") for vector in read[kind]]


def policies():
    """Every policy document in the vectors, wherever it stands."""
    def found(value):
        if isinstance(value, dict):
            if "Statement" in value:
                yield json.dumps(value)
            value = list(value.values())
        if isinstance(value, list):
            for each in value:
                yield from found(each)
    return list(found(json.loads((VECTORS / "rds-db-connect-policies.json").read_text(encoding="utf-8"))))


def seeds(name):
    if name == "token":
        return tokens()
    if name == "query":
        return [token.partition("?")[2] for token in tokens()]
    if name == "policy":
        return policies()
    if name == "arn":
        return re.findall(r'"(arn:[^"]+)"', "\n".join(policies()))
    return []  # the dictionaries know what a header and a web token are made of


def corpus_of(name):
    folder = FOLDER / "corpus" / name
    folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds(name):
        data = seed.encode()
        (folder / hashlib.sha1(data).hexdigest()).write_bytes(data)
    return folder


def run(name, seconds):
    words = [f"-dict=fuzz/{name}.dict"] if (ROOT / f"fuzz/{name}.dict").exists() else []
    call(FOLDER / "bin" / f"{name}_fuzz", *words, f"-max_total_time={seconds}", "-timeout=5", "-max_len=8192",
         "-print_final_stats=1", "-verbosity=0" if seconds < 60 else "-verbosity=1",
         f"-artifact_prefix={FOLDER}/{name}-", corpus_of(name))


def main(arguments):
    names = arguments[1:] or TARGETS
    if not arguments or not arguments[0].isdigit() or any(name not in TARGETS for name in names):
        sys.exit(__doc__)
    try:
        call("cmake", "-S", ".", "-B", FOLDER, "-G", "Ninja", "-DCMAKE_CXX_COMPILER=clang++-19",
             "-DCMAKE_C_COMPILER=clang-19", "-DTRIVET_FUZZ=ON")
        call("ninja", "-C", FOLDER, *[f"{name}_fuzz" for name in names])
        for name in names:
            run(name, int(arguments[0]))
    except subprocess.CalledProcessError as error:
        sys.exit(1 if error.returncode < 0 else error.returncode)
    print(f"fuzz: {len(names)} targets, {arguments[0]} s each, nothing found")


if __name__ == "__main__":
    main(sys.argv[1:])
