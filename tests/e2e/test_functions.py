# SPDX-License-Identifier: Apache-2.0
"""Lambda's and CloudWatch Logs' APIs with the AWS CLI and boto3: functions from their archive to what they wrote, the
refusals in AWS's words, events that outlive the daemon, and archives that want to do harm."""
import base64
import concurrent.futures
import io
import json
import os
import stat
import subprocess
import urllib.error
import urllib.request
import zipfile

import botocore.exceptions

from harness import BIN, REGION, give_runtime, plain_environment
from suite import Suite
from waiting import wait_until

suite = Suite(__file__, in_order=True, engine=False)
TRUST = json.dumps({"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
CODE = """
import json, os, threading

def handler(event, context):
    if event.get("fail"):
        print("fails with", event["fail"])
        raise ValueError(event["fail"])
    if "print" in event:
        print(event["print"], flush=True)
        threading.Event().wait(0.1)
    if "sleep" in event:
        threading.Event().wait(event["sleep"])
    if event.get("layer"):
        import of_a_layer
        return of_a_layer.WHO
    return {"event": event, "who": os.environ.get("WHO"), "arn": context.invoked_function_arn,
            "version": context.function_version, "id": context.aws_request_id}
"""


def archive(files):
    """A zip of {name: text or (text, mode)}."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in files.items():
            text, mode = content if isinstance(content, tuple) else (content, stat.S_IFREG | 0o644)
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            zipped.writestr(info, text)
    return out.getvalue()


@suite.setup
def a_role(home):
    give_runtime(home.path)
    home.kill_daemon()
    home.environment["TRIVET_FUNCTION_RETRY_MS"] = "300,600"
    home.start()
    iam = home.client("iam")
    home.shared["role"] = iam.create_role(RoleName="run", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]


def make(home, name, code=CODE, **more):
    client = home.client("lambda")
    client.create_function(**{"FunctionName": name, "Runtime": "python3.13", "Handler": "app.handler",
                              "Role": home.shared["role"], "Timeout": 60,
                              "Code": {"ZipFile": archive({"app.py": code})}, **more})
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    return client


def updated(client, name):
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20})


def invoke(client, name, event=None, **more):
    answer = client.invoke(FunctionName=name, Payload=json.dumps({} if event is None else event), **more)
    answer["Payload"] = json.loads(answer["Payload"].read() or b"null")
    return answer


def refused(code, call, *args, **more):
    """The error of a call that must be refused with this code."""
    try:
        call(*args, **more)
    except botocore.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        return error.response
    raise AssertionError(f"{code} was expected")


def messages(home, name, pattern=""):
    pages = home.client("logs").get_paginator("filter_log_events").paginate(
        logGroupName=f"/aws/lambda/{name}", filterPattern=pattern)
    return [event["message"] for page in pages for event in page["events"]]


@suite.test
def the_cli_creates_waits_and_invokes(home):
    path = home.folder / "app.zip"
    path.write_bytes(archive({"app.py": CODE}))
    made = home.aws("lambda", "create-function", "--function-name", "hello", "--runtime", "python3.13", "--handler",
                    "app.handler", "--role", home.shared["role"], "--zip-file", f"fileb://{path}",
                    "--environment", "Variables={WHO=cli}", "--tags", "team=blue", "--timeout", "60")
    assert made["State"] == "Pending" and made["StateReasonCode"] == "Creating", made
    assert made["FunctionArn"] == f"arn:aws:lambda:{REGION}:{home.facts['account_id']}:function:hello", made
    home.aws("lambda", "wait", "function-active-v2", "--function-name", "hello")
    out = home.folder / "out.json"
    answer = home.aws("lambda", "invoke", "--function-name", "hello", "--cli-binary-format", "raw-in-base64-out",
                      "--payload", '{"a": 1}', "--log-type", "Tail", str(out))
    assert answer["StatusCode"] == 200 and answer["ExecutedVersion"] == "$LATEST", answer
    got = json.loads(out.read_text(encoding="utf-8"))
    assert got.get("event") == {"a": 1} and got["who"] == "cli", got
    tail = base64.b64decode(answer["LogResult"]).decode()
    assert f"START RequestId: {got['id']} Version: $LATEST" in tail and "REPORT RequestId" in tail, tail
    shown = home.aws("lambda", "get-function", "--function-name", "hello")
    assert shown["Configuration"]["LastUpdateStatus"] == "Successful" and shown["Tags"] == {"team": "blue"}, shown
    with urllib.request.urlopen(shown["Code"]["Location"], timeout=10) as response:
        assert response.read() == path.read_bytes()
    try:
        urllib.request.urlopen(shown["Code"]["Location"].replace("signature=", "signature=0"), timeout=10)
        raise AssertionError("an altered address was good")
    except urllib.error.HTTPError as error:
        assert error.code == 403


@suite.test
def errors_of_functions_are_results(home):
    client = home.client("lambda")
    answer = invoke(client, "hello", {"fail": "no"})
    assert answer["FunctionError"] == "Unhandled" and answer["StatusCode"] == 200, answer
    assert answer["Payload"]["errorType"] == "ValueError" and answer["Payload"]["errorMessage"] == "no", answer
    client.update_function_configuration(FunctionName="hello", Timeout=1)
    updated(client, "hello")
    answer = invoke(client, "hello", {"sleep": 5})
    assert answer["Payload"]["errorType"] == "Sandbox.Timedout", answer
    assert answer["Payload"]["errorMessage"].endswith("Error: Task timed out after 1.00 seconds"), answer
    broken = make(home, "broken", code="def handler(event, context:\n")
    answer = invoke(broken, "broken", LogType="Tail")
    assert answer["Payload"]["errorType"] == "Runtime.UserCodeSyntaxError", answer
    kinds = [line.split(" ")[0] for line in base64.b64decode(answer["LogResult"]).decode().splitlines()]
    assert kinds[0] == "INIT_START" and kinds[-3:] == ["START", "END", "REPORT"], kinds
    wait_until("the same in the log group", lambda: [line.split(" ")[0] for line in messages(home, "broken")][-3:]
               == kinds[-3:], 5)


@suite.test
def refusals_are_awss(home):
    client = home.client("lambda")
    arn = f"arn:aws:lambda:{REGION}:{home.facts['account_id']}:function:none"
    answer = refused("ResourceNotFoundException", client.invoke, FunctionName="none")
    assert answer["Error"]["Message"] == f"Function not found: {arn}:$LATEST", answer
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 404, answer
    answer = refused("ResourceConflictException", make, home, "hello")
    assert answer["Error"]["Message"] == "Function already exist: hello", answer
    refused("InvalidRequestContentException", client.invoke, FunctionName="hello", Payload=b"{")
    refused("RequestTooLargeException", client.invoke, FunctionName="hello", Payload=b'"' + b"x" * 6_291_556 + b'"')
    answer = refused("InvalidParameterValueException", make, home, "x", Runtime="python2.7")
    assert answer["Error"]["Message"].startswith("Value python2.7 at 'runtime' failed"), answer
    answer = refused("InvalidParameterValueException", make, home, "x", Runtime="nodejs20.x")
    assert "trivet runtime install nodejs20.x" in answer["Error"]["Message"], answer
    answer = refused("InvalidParameterValueException", make, home, "x", Environment={"Variables": {"AWS_REGION": "x"}})
    assert "reserved keys" in answer["Error"]["Message"], answer
    answer = refused("ValidationException", client.create_function, FunctionName="a b", Runtime="python3.13",
                     Role="nobody", Handler="x", Code={})
    assert answer["Error"]["Message"].startswith("2 validation errors detected: "), answer
    home.client("iam").create_role(RoleName="other", AssumeRolePolicyDocument=TRUST.replace("lambda", "ec2"))
    answer = refused("InvalidParameterValueException", make, home, "x", Role=home.shared["role"][:-3] + "other")
    assert answer["Error"]["Message"] == "The role defined for the function cannot be assumed by Lambda.", answer
    for call in (client.update_function_configuration, client.publish_version):
        answer = refused("InvalidParameterValueException", call, FunctionName="hello:$LATEST")
        assert answer["Error"]["Message"].startswith("This operation is permitted on Lambda functions only."), answer
    refused("NotImplemented", client.create_function_url_config, FunctionName="hello", AuthType="NONE")


@suite.test
def archives_that_want_to_do_harm_are_refused(home):
    outside = home.folder / "escaped"
    for files in ({"../../../../escaped": "x"}, {"link": ("/etc/passwd", stat.S_IFLNK | 0o777)},
                  {"pipe": ("", stat.S_IFIFO | 0o666)}):
        refused("InvalidParameterValueException", make, home, "x", Code={"ZipFile": archive(files)})
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as zipped:
        for number in range(3):
            with zipped.open(f"zeros{number}", "w") as entry:
                for _ in range(100):
                    entry.write(bytes(1 << 20))
    answer = refused("InvalidParameterValueException", make, home, "x", Code={"ZipFile": bomb.getvalue()})
    assert answer["Error"]["Message"] == "Unzipped size must be smaller than 262144000 bytes", answer
    refused("InvalidParameterValueException", make, home, "x", Code={"ZipFile": b"no zip"})
    assert not outside.exists()
    left = [entry for entry in os.listdir(home.path / "functions/code") if entry.endswith(".part")]
    assert not left, left


@suite.test
def versions_aliases_and_layers(home):
    client = make(home, "many", Publish=True)
    layer = client.publish_layer_version(LayerName="extra", Content={
        "ZipFile": archive({"python/of_a_layer.py": "WHO = 'layer 1'"})}, CompatibleRuntimes=["python3.13"])
    second = client.publish_layer_version(LayerName="extra", Content={
        "ZipFile": archive({"python/of_a_layer.py": "WHO = 'layer 2'"})})
    assert (layer["Version"], second["Version"]) == (1, 2)
    client.update_function_configuration(FunctionName="many", Layers=[layer["LayerVersionArn"]])
    updated(client, "many")
    assert invoke(client, "many", {"layer": True})["Payload"] == "layer 1"
    client.update_function_configuration(FunctionName="many", Layers=[second["LayerVersionArn"]])
    updated(client, "many")
    assert invoke(client, "many", {"layer": True})["Payload"] == "layer 2"
    assert client.publish_version(FunctionName="many")["Version"] == "2"
    alias = client.create_alias(FunctionName="many", Name="live", FunctionVersion="1")
    answer = invoke(client, "many:live")
    assert answer["ExecutedVersion"] == "1" and answer["Payload"]["arn"] == alias["AliasArn"], answer
    client.update_alias(FunctionName="many", Name="live", FunctionVersion="2")
    assert invoke(client, alias["AliasArn"], {"layer": True})["Payload"] == "layer 2"
    client.delete_layer_version(LayerName="extra", VersionNumber=2)
    assert invoke(client, "many", {"layer": True}, Qualifier="2")["Payload"] == "layer 2"
    client.update_function_configuration(FunctionName="many", Layers=[])
    updated(client, "many")
    assert "Layers" not in client.get_function_configuration(FunctionName="many")
    assert [item["Version"] for item in client.list_layer_versions(LayerName="extra")["LayerVersions"]] == [1]
    listed = home.aws("lambda", "list-versions-by-function", "--function-name", "many")["Versions"]
    assert [item["Version"] for item in listed] == ["$LATEST", "1", "2"], listed


@suite.test
def a_runtime_stays_while_functions_name_it(home):
    done = subprocess.run([BIN / "trivet", "--home", home.path, "runtime", "remove", "python3.13"], check=False,
                          capture_output=True, text=True, env=plain_environment())
    assert done.returncode == 1 and "run on python3.13: " in done.stderr, done
    assert invoke(home.client("lambda"), "many:live", {"layer": True})["Payload"] == "layer 2"


@suite.test
def who_may_invoke(home):
    iam = home.client("iam")
    iam.create_user(UserName="jane")
    key = iam.create_access_key(UserName="jane")["AccessKey"]
    jane = home.client("lambda", (key["AccessKeyId"], key["SecretAccessKey"], None))
    answer = refused("AccessDeniedException", jane.invoke, FunctionName="hello")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 403, answer
    assert "is not authorized to perform: lambda:InvokeFunction on resource: " in answer["Error"]["Message"], answer
    client = home.client("lambda")
    arn = iam.get_user(UserName="jane")["User"]["Arn"]
    client.add_permission(FunctionName="hello", StatementId="jane", Action="lambda:InvokeFunction", Principal=arn)
    assert invoke(jane, "hello")["StatusCode"] == 200
    refused("AccessDeniedException", jane.get_function, FunctionName="hello")
    client.remove_permission(FunctionName="hello", StatementId="jane")
    refused("AccessDeniedException", jane.invoke, FunctionName="hello")
    # Whoever makes a function must be allowed to give it its role.
    iam.put_user_policy(UserName="jane", PolicyName="p", PolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "lambda:*", "Resource": "*"}]}))
    answer = refused("AccessDeniedException", jane.create_function, FunctionName="y", Runtime="python3.13",
                     Handler="app.handler", Role=home.shared["role"], Code={"ZipFile": archive({"app.py": CODE})})
    assert "iam:PassRole" in answer["Error"]["Message"], answer
    assert client.invoke(FunctionName="hello", InvocationType="DryRun")["StatusCode"] == 204


@suite.test
def reserved_concurrency_throttles(home):
    client = make(home, "one")
    client.put_function_concurrency(FunctionName="one", ReservedConcurrentExecutions=1)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        first = pool.submit(invoke, client, "one", {"print": "busy now", "sleep": 4})
        wait_until("the first event", lambda: any("busy now" in line for line in messages(home, "one"))
                   if home.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/one")["logGroups"]
                   else False, 20)
        answer = refused("TooManyRequestsException", client.invoke, FunctionName="one", Payload=b"{}")
        assert answer["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded", answer
        assert first.result(30)["StatusCode"] == 200
    client.delete_function_concurrency(FunctionName="one")


@suite.test
def events_are_tried_again_and_their_failure_is_told(home):
    client = make(home, "told", """
def handler(event, context):
    context_of = event["requestContext"]
    error = event["responsePayload"]["errorMessage"]
    print("told", context_of["condition"], context_of["approximateInvokeCount"], error)
""")
    make(home, "fails")
    arn = client.get_function(FunctionName="told")["Configuration"]["FunctionArn"]
    client.put_function_event_invoke_config(FunctionName="fails", MaximumRetryAttempts=2,
                                            DestinationConfig={"OnFailure": {"Destination": arn}})
    answer = client.invoke(FunctionName="fails", InvocationType="Event", Payload=json.dumps({"fail": "alas"}))
    assert answer["StatusCode"] == 202 and not answer["Payload"].read()
    wait_until("the destination", lambda: any("told RetriesExhausted 3 alas" in line for line in messages(
        home, "told")) if home.client("logs").describe_log_groups(
            logGroupNamePrefix="/aws/lambda/told")["logGroups"] else False, 60)
    assert len(messages(home, "fails", '"fails with alas"')) == 3
    refused("InvalidParameterValueException", client.put_function_event_invoke_config, FunctionName="fails",
            DestinationConfig={"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:123456789012:q"}})


@suite.test
def logs_are_described_tailed_and_followed(home):
    logs = home.client("logs")
    groups = logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/hello")["logGroups"]
    assert groups[0]["logGroupName"] == "/aws/lambda/hello", groups
    stream = logs.describe_log_streams(logGroupName="/aws/lambda/hello", orderBy="LastEventTime",
                                       descending=True)["logStreams"][0]
    events = logs.get_log_events(logGroupName="/aws/lambda/hello", logStreamName=stream["logStreamName"],
                                 startFromHead=True)["events"]
    assert events and any(event["message"].startswith("START RequestId") for event in events), events
    tail = home.aws("logs", "tail", "/aws/lambda/hello", "--since", "1h", "--format", "short")
    assert "START RequestId" in tail and "REPORT RequestId" in tail, tail
    logs.put_retention_policy(logGroupName="/aws/lambda/hello", retentionInDays=7)
    follower = subprocess.Popen([BIN / "trivet", "--home", home.path, "logs", "hello", "--follow", "--since", "1s"],
                                stdout=subprocess.PIPE, text=True, env=plain_environment())
    try:
        invoke(home.client("lambda"), "hello", {"print": "seen by the follower"})
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            def find():
                return next(line for line in follower.stdout if "seen by the follower" in line)
            assert pool.submit(find).result(30)
    finally:
        follower.kill()
        follower.wait(20)
    done = subprocess.run([BIN / "trivet", "--home", home.path, "logs", "hello", "--filter", "REPORT"], check=True,
                          capture_output=True, text=True, timeout=30, env=plain_environment())
    assert done.stdout and all("REPORT RequestId" in line for line in done.stdout.splitlines()), done.stdout


@suite.test
def every_accepted_event_runs_although_the_daemon_is_killed(home):
    client = make(home, "counted")
    accepted = []

    def hand_in(number):
        try:
            client.invoke(FunctionName="counted", InvocationType="Event",
                          Payload=json.dumps({"print": f"number {number:04} ran"}))
            return number
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
            return None  # not accepted: it may run or not
    for start in (0, 60, 120):
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            handed = [pool.submit(hand_in, number) for number in range(start, start + 60)]
            concurrent.futures.wait(handed[:40])
            home.kill_daemon()
            accepted += [future.result(60) for future in handed]
        home.start()
    accepted = {f"number {number:04} ran" for number in accepted if number is not None}
    assert len(accepted) >= 100, len(accepted)
    wait_until("every accepted event", lambda: accepted <= {line.strip() for line in messages(home, "counted")}, 120)
    wait_until("an empty spool", lambda: not os.listdir(home.path / "functions/events"), 60)
    return f"{len(accepted)} events over 3 kills"


@suite.test
def what_a_function_uses_in_a_vpc_stays(home):
    ec2, client = home.client("ec2"), home.client("lambda")
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    group = ec2.create_security_group(GroupName="fn", Description="d",
                                      VpcId=ec2.describe_vpcs()["Vpcs"][0]["VpcId"])["GroupId"]
    place = {"SubnetIds": [subnet], "SecurityGroupIds": [group]}
    answer = refused("InvalidParameterValueException", make, home, "inside", VpcConfig=place)
    assert answer["Error"]["Message"] == ("The provided execution role does not have permissions to call "
                                          "CreateNetworkInterface on EC2"), answer
    home.client("iam").attach_role_policy(
        RoleName="run", PolicyArn="arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole")
    answer = refused("InvalidParameterValueException", make, home, "inside",
                     VpcConfig={"SubnetIds": ["subnet-0"], "SecurityGroupIds": [group]})
    assert "The subnet ID 'subnet-0' does not exist" in answer["Error"]["Message"], answer
    make(home, "inside", VpcConfig=place)
    refused("DependencyViolation", ec2.delete_security_group, GroupId=group)
    refused("DependencyViolation", ec2.delete_subnet, SubnetId=subnet)
    client.delete_function(FunctionName="inside")
    refused("ResourceNotFoundException", client.get_function, FunctionName="inside")

    def delete_group():
        try:
            ec2.delete_security_group(GroupId=group)
            return True
        except botocore.exceptions.ClientError:
            return False  # an environment is still on its way out
    wait_until("the group without its function", delete_group, 30)


if __name__ == "__main__":
    suite.main()
