# SPDX-License-Identifier: Apache-2.0
"""Functions through Lambda's API, on a home with a daemon: what bench/lambda measures beside the runner alone."""
import base64
import http.client
import io
import json
import multiprocessing
import pathlib
import statistics
import time
import zipfile

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pymysql

import harness

TRUST = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
NETWORK = [f"ec2:{action}" for action in (
    "CreateNetworkInterface", "DescribeNetworkInterfaces", "DeleteNetworkInterface", "DescribeSubnets",
    "DescribeSecurityGroups", "DescribeVpcs")]
LOGIN = """
import os
import boto3
import pymysql


def handler(event, context):
    host = os.environ["DB_HOST"]
    token = boto3.client("rds").generate_db_auth_token(DBHostname=host, Port=3306, DBUsername="app")
    connection = pymysql.connect(host=host, user="app", password=token, ssl={"ca": os.environ["TRIVET_CA_BUNDLE"]},
                                 auth_plugin_map={"mysql_clear_password": None})
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return {"statusCode": 200, "body": cursor.fetchall()}
"""


def zipped(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return out.getvalue()


def pymysql_files():
    folder = pathlib.Path(pymysql.__file__).parent
    return {f"python/pymysql/{path.relative_to(folder)}": path.read_text(encoding="utf-8")
            for path in folder.rglob("*.py") if "tests" not in path.parts}


class ApiHome:
    """A home with a role for functions. `with_cluster`: a DB cluster `bench` and its user `app` too."""

    def __init__(self, runtimes, with_cluster):
        self.home = harness.Home("lambda", hosts="yes" if with_cluster else "no", engine=with_cluster)
        self.home.set_up()
        (self.home.path / "runtimes").symlink_to(runtimes)
        self.client = self.home.client("lambda")
        iam = self.home.client("iam")
        self.role = iam.create_role(RoleName="fn", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        iam.put_role_policy(RoleName="fn", PolicyName="fn", PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": [*NETWORK, "logs:*", "rds-db:connect"], "Resource": "*"}]}))
        self.cluster = self.home.create_cluster("bench") if with_cluster else None
        if with_cluster:
            host = self.cluster["Endpoint"]
            self.home.sql(host, "CREATE USER app IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'")

    def function(self, name, text, **more):
        self.client.create_function(FunctionName=name, Runtime="python3.13", Role=self.role, Handler="app.handler",
                                    Code={"ZipFile": zipped({"app.py": text})}, Timeout=20, **more)
        self.client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
        return name

    def renew(self, name, number):
        """So that the next event starts a new environment."""
        self.client.update_function_configuration(FunctionName=name, Description=f"round {number}")
        self.client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})

    def invoke(self, name):
        """Milliseconds and the answer."""
        begun = time.monotonic()
        answer = self.client.invoke(FunctionName=name, LogType="Tail")
        payload = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, (payload, base64.b64decode(answer["LogResult"]).decode())
        return (time.monotonic() - begun) * 1000, payload

    def login_function(self):
        layer = self.client.publish_layer_version(LayerName="pymysql", Content={"ZipFile": zipped(pymysql_files())})
        ec2 = self.home.client("ec2")
        subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]]
        groups = [group["VpcSecurityGroupId"] for group in self.cluster["VpcSecurityGroups"]]
        return self.function("login", LOGIN, Layers=[layer["LayerVersionArn"]], MemorySize=1769,
                             Environment={"Variables": {"DB_HOST": self.cluster["Endpoint"]}},
                             VpcConfig={"SubnetIds": subnets, "SecurityGroupIds": groups})

    def close(self):
        try:
            self.home.tear_down()
        finally:
            self.home.destroy(keep_logs=True)


def signed(url, keys, region):
    """The headers of an Invoke, good for minutes: the server checks them each time."""
    request = botocore.awsrequest.AWSRequest("POST", url, data=b"{}")
    credentials = botocore.credentials.Credentials(keys[0], keys[1], keys[2])
    botocore.auth.SigV4Auth(credentials, "lambda", region).add_auth(request)
    return dict(request.headers)


def client_of(address, path, headers, count, took):
    """One client over one kept connection; a process of its own, since Python has one thread at a time."""
    connection = http.client.HTTPConnection(address, timeout=60)
    out = []
    for _ in range(count):
        begun = time.monotonic()
        connection.request("POST", path, b"{}", headers)
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200 and not answer.getheader("x-amz-function-error"), (answer.status, body)
        out.append((time.monotonic() - begun) * 1000)
    took.put(out)


def invokes(api, name, clients, count):
    """Invokes a second of so many clients, and the milliseconds of each invoke."""
    path = f"/2015-03-31/functions/{name}/invocations"
    headers = signed(api.home.endpoint_url + path, api.home.root_keys, harness.REGION)
    took = multiprocessing.Queue()
    each = count // clients
    workers = [multiprocessing.Process(target=client_of, args=(api.home.api_address, path, headers, each, took))
               for _ in range(clients)]
    begun = time.monotonic()
    for worker in workers:
        worker.start()
    times = [one for _ in workers for one in took.get(timeout=300)]
    seconds = time.monotonic() - begun
    for worker in workers:
        worker.join()
    assert all(worker.exitcode == 0 for worker in workers)
    return len(times) / seconds, sorted(times)


def warm_figures(runtimes, quick):
    """For 128 and 1769 MB: (memory, median of one client, a second with 8, median with 8, 99 % with 8)."""
    api = ApiHome(runtimes, with_cluster=False)
    try:
        for memory in (128, 1769):
            name = api.function(f"empty{memory}", "def handler(event, context):\n    return None\n", MemorySize=memory)
            invokes(api, name, 8, 80)
            _, one = invokes(api, name, 1, 300 if quick else 3000)
            rate, eight = invokes(api, name, 8, 800 if quick else 8000)
            yield memory, statistics.median(one), rate, statistics.median(eight), eight[len(eight) * 99 // 100]
    finally:
        api.close()


def login_figures(runtimes, quick):
    """Milliseconds of cold starts that log in, and of warm invokes of the same function."""
    api = ApiHome(runtimes, with_cluster=True)
    try:
        name = api.login_function()
        cold, warm = [], []
        for number in range(3 if quick else 10):
            api.renew(name, number)
            ms, payload = api.invoke(name)
            assert payload == {"statusCode": 200, "body": [[1]]}, payload
            cold.append(ms)
            warm.append(api.invoke(name)[0])
        return statistics.median(cold), max(cold), statistics.median(warm)
    finally:
        api.close()
