# SPDX-License-Identifier: Apache-2.0
"""The JavaScript clients of tests/e2e/clients: their packages from npm, and AWS's SDK as a call."""
import fcntl
import json
import pathlib
import shutil
import subprocess

from harness import REGION, ROOT, plain_environment

CLIENTS = pathlib.Path(__file__).resolve().parent / "clients"


def program(name):
    found = shutil.which(name, path="/usr/local/bin:/usr/bin:/bin")
    assert found, f"there is no {name}: tools/dev deps"
    return found


def node_modules():
    """The packages of clients/package-lock.json, fetched once for all runs from the registry that npm is configured
    for; the lock file says how each must hash."""
    folder = ROOT / "build/e2e-npm"
    folder.mkdir(parents=True, exist_ok=True)
    wanted = (CLIENTS / "package-lock.json").read_bytes()
    with open(folder / ".lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = folder / ".packages"
        if not stamp.exists() or stamp.read_bytes() != wanted:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(CLIENTS / name, folder)
            done = subprocess.run([program("npm"), "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"],
                                  cwd=folder, check=False, capture_output=True, text=True, timeout=240)
            assert done.returncode == 0, f"npm could not fetch the packages: {(done.stderr or done.stdout)[-500:]}"
            stamp.write_bytes(wanted)
    return folder / "node_modules"


def sdk_call(keys, job):
    """What clients/sdk.mjs answers to the job, with these keys in its environment."""
    environment = {"AWS_ACCESS_KEY_ID": keys[0], "AWS_SECRET_ACCESS_KEY": keys[1], "AWS_REGION": REGION,
                   **({"AWS_SESSION_TOKEN": keys[2]} if keys[2] else {})}
    done = subprocess.run([program("node"), CLIENTS / "sdk.mjs", node_modules()], input=json.dumps(job), check=False,
                          capture_output=True, text=True, timeout=120, env=plain_environment(**environment))
    assert done.returncode == 0, done.stderr.strip() or done.stdout.strip()
    return json.loads(done.stdout)
