# SPDX-License-Identifier: Apache-2.0
"""AWS's SDK for JavaScript, version 3, unmodified: identities, networks, functions, with its waiters, paginators and
classes of errors."""
import base64
import io
import json
import zipfile

from harness import REGION, give_runtime
from javascript import sdk_call
from suite import Suite

suite = Suite(__file__, engine=False)
TRUST = json.dumps({"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
CODE = """
import os

def handler(event, context):
    print("asked", event)
    if event.get("fail"):
        raise ValueError(event["fail"])
    return {"event": event, "who": os.environ["WHO"], "arn": context.invoked_function_arn}
"""


@suite.setup
def a_runtime(home):
    give_runtime(home.path)
    home.kill_daemon()
    home.start()


def call(home, what, **more):
    return sdk_call(home.root_keys, {"do": what, "endpoint": home.endpoint_url, **more})


@suite.test
def it_calls_iam_and_sts(home):
    said = call(home, "identities")
    account = home.facts["account_id"]
    assert said["identity"]["Arn"] == f"arn:aws:iam::{account}:root", said
    assert said["user"]["Arn"] == f"arn:aws:iam::{account}:user/js/of-js", said
    assert said["user"]["UserId"].startswith("AIDA") and said["user"]["CreateDate"], said
    assert said["tags"] == [{"Key": "a", "Value": "ä"}], said
    assert said["names"] == ["of-js"], said
    assert 3590_000 < said["lives"] <= 3600_000, said
    assert said["session"] == f"arn:aws:sts::{account}:assumed-role/of-js/js", said
    assert said["missing"] == ["NoSuchEntityException", True, 404], said
    assert said["denied"] == ["AccessDenied", 403], said


@suite.test
def it_calls_ec2(home):
    said = call(home, "networks")
    assert said["vpc"]["Tags"] == [{"Key": "Name", "Value": "ä"}] and said["vpc"]["CidrBlock"] == "10.30.0.0/16", said
    assert sorted(said["zones"]) == [REGION + zone for zone in "abc"], said
    assert said["rule"]["own"] and said["rule"]["FromPort"] == 3306 and not said["rule"]["IpRanges"], said
    assert said["gateways"] == 1, said  # the default VPC's
    assert said["overlap"] == ["InvalidSubnet.Conflict", None, 400], said
    assert said["used"] == ["DependencyViolation", None, 400], said
    assert said["dry"] == ["DryRunOperation", None, 412], said
    assert said["gone"] == ["InvalidVpcID.NotFound", None, 400], said


@suite.test
def it_calls_lambda(home):
    role = home.client("iam").create_role(RoleName="run", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("app.py", CODE)
    said = call(home, "functions", role=role, zip=base64.b64encode(archive.getvalue()).decode())
    arn = f"arn:aws:lambda:{REGION}:{home.facts['account_id']}:function:of-js"
    assert said["made"]["FunctionArn"] == arn and said["made"]["State"] == "Pending", said
    assert said["active"] == said["updated"] == "SUCCESS", said
    assert said["answer"]["payload"] == {"event": {"a": 1}, "who": "js", "arn": arn}, said
    assert (said["answer"]["status"], said["answer"]["version"]) == (200, "$LATEST"), said
    assert "asked {'a': 1}" in said["answer"]["log"] and "REPORT RequestId: " in said["answer"]["log"], said
    assert said["failed"]["error"] == "Unhandled" and said["failed"]["status"] == 200, said
    assert said["failed"]["payload"]["errorType"] == "ValueError", said
    assert said["version"] == "1" and said["live"]["version"] == "1", said
    assert said["live"]["payload"]["arn"] == f"{arn}:live", said
    assert said["event"] == {"status": 202, "payload": None, "log": None}, said
    assert said["names"] == ["of-js"] and said["shown"]["Tags"] == {"team": "ä"}, said
    assert said["shown"]["Configuration"]["MemorySize"] == 256, said
    assert said["again"] == ["ResourceConflictException", True, 409], said
    assert said["gone"] == ["ResourceNotFoundException", True, 404], said


if __name__ == "__main__":
    suite.main()
