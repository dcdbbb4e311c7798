# SPDX-License-Identifier: Apache-2.0
"""docs/tutorial.md, run as it stands: every block of it, in one shell, with the AWS CLI."""
import json
import os
import pathlib
import re
import subprocess

from harness import BIN, ROOT, give_runtime, plain_environment
from suite import Suite
from waiting import wait_until

suite = Suite(__file__, in_order=True, hosts="yes")
BLOCKS = re.findall(r"^```bash\n(.*?)^```$", (ROOT / "docs/tutorial.md").read_text(encoding="utf-8"), re.S | re.M)


def namespaces():
    listed = subprocess.run(["ip", "netns", "list"], check=True, capture_output=True, text=True).stdout
    return {line.split()[0] for line in listed.splitlines() if line.strip()}


@suite.setup
def a_folder_like_a_clone(home):
    give_runtime(home.path)
    (home.folder / "bin").symlink_to(BIN)
    home.shared["namespaces"] = namespaces()


@suite.test
def every_block_works_as_written(home):
    """Ends at the first command that fails; the files that blocks write are read afterwards."""
    kept = pathlib.Path(home.folder) / "kept"
    kept.mkdir()
    script = ["set -euo pipefail"]
    for number, block in enumerate(BLOCKS):
        if block.rstrip().endswith('rm -r "$work"'):
            script.append(f'cp "$work"/*.json "{kept}/"')
        script += [f"echo '=== block {number}'", block]
    run = subprocess.run(["bash", "-c", "\n".join(script)], cwd=home.folder, check=False, text=True, timeout=420,
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         env=plain_environment(TRIVET_HOME=str(home.path), HOME=os.environ.get("HOME", "/root")))
    assert run.returncode == 0, run.stdout[-4000:]
    home.shared["output"] = run.stdout
    home.shared["kept"] = kept
    return f"{len(BLOCKS)} blocks"


def answer(home, name):
    return json.loads((home.shared["kept"] / name).read_text(encoding="utf-8"))


@suite.test
def the_function_logs_in_before_and_after_a_failover(home):
    for name in ("answer.json", "answer-2.json"):
        assert answer(home, name) == {"statusCode": 200, "body": [[1]]}, answer(home, name)
    output = home.shared["output"]
    for line in ("START RequestId: ", "END RequestId: ", "REPORT RequestId: "):
        assert line in output, output[-4000:]


@suite.test
def without_the_permission_it_is_refused_with_a_reason(home):
    denied = answer(home, "denied.json")
    assert denied["statusCode"] == 500 and "Access denied for user 'reporter'" in denied["body"], denied
    refused = home.events("login.refused", 0)
    assert refused and "reporter" in refused[-1]["user"] and refused[-1]["reason"] == "implicit-deny", refused


@suite.test
def without_the_rule_it_times_out(home):
    timeout = answer(home, "timeout.json")
    assert timeout["statusCode"] == 500 and "timed out" in timeout["body"], timeout


@suite.test
def nothing_is_left(home):
    assert not home.client("rds").describe_db_clusters()["DBClusters"]
    assert not home.client("lambda").list_functions()["Functions"]
    wait_until("the namespaces of environments to be gone", lambda: len(namespaces() - home.shared["namespaces"]) <= 1,
               20)


if __name__ == "__main__":
    suite.main()
