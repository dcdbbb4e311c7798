# SPDX-License-Identifier: Apache-2.0
"""What the API is sent that it must not take: each gets an error of AWS's shape, nothing changes, nothing breaks."""
import contextlib
import datetime
import http.client
import json
import re
import socket
import urllib.parse

import botocore.exceptions

from harness import MASTER_PASSWORD, REGION
from sigv4 import signed_headers, utc_now
from suite import Suite

suite = Suite(__file__)
FORM = "application/x-www-form-urlencoded; charset=utf-8"
VERSION = "2014-10-31"


@suite.setup
def subnet_group(home):
    home.ensure_subnet_group()


def send(home, body, keys=None, service="rds", when=None, content_type=FORM, region=REGION, method="POST", path="/",
         headers=None):
    """(status, code, text) of a signed call; its answer names the request once, in header and body alike."""
    body = body if isinstance(body, bytes) else body.encode()
    signed = signed_headers(keys or home.root_keys, home.api_address, body, service, region, when, content_type)
    signed.update(headers or {})
    signed = {name: value for name, value in signed.items() if value is not None}
    connection = http.client.HTTPConnection(*home.api_address.split(":"), timeout=30)
    with contextlib.closing(connection):
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in signed.items():
            connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        text = answer.read().decode()
        ids = [value for name, value in answer.getheaders() if name.lower() == "x-amzn-requestid"]
    assert len(ids) == 1 and ids[0] in text, (ids, text)
    code = re.search(r"<Code>([^<]*)</Code>", text)
    return answer.status, code and code[1], text


def form(action, version=VERSION, **more):
    return urllib.parse.urlencode({"Action": action, "Version": version, **more})


def expect(answer, status, *codes):
    assert answer[0] == status and answer[1] in codes, answer
    return answer[2]


@suite.test
def a_good_call_first(home):
    status, code, text = send(home, form("DescribeDBClusters"))
    assert (status, code) == (200, None) and "<DescribeDBClustersResult>" in text, text


@suite.test
def unknown_actions(home):
    expect(send(home, form("InventDBCluster")), 400, "InvalidAction")
    expect(send(home, form("DescribeDBClusters", version="1999-01-01")), 400, "InvalidAction")
    expect(send(home, form("ListUsers")), 400, "InvalidAction")  # IAM's, signed for RDS
    expect(send(home, urllib.parse.urlencode({"Version": VERSION})), 400, "MissingAction")
    expect(send(home, ""), 400, "MissingAction", "InvalidQueryParameter")


@suite.test
def actions_not_built_yet(home):
    text = expect(send(home, form("CreateDBProxy")), 501, "NotImplemented")
    assert "CreateDBProxy" in text, text
    try:
        home.client("rds").describe_db_proxies()
        raise RuntimeError("there are proxies")
    except botocore.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == "NotImplemented", error
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 501, error
        assert "DescribeDBProxies" in str(error), error
    try:
        home.client("s3").list_buckets()
        raise RuntimeError("there are buckets")
    except botocore.exceptions.ClientError as error:
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 501, error


@suite.test
def who_signed_it_is_checked(home):
    key, secret, _ = home.root_keys
    good = form("DescribeDBClusters")
    expect(send(home, good, keys=(key, secret[::-1], None)), 403, "SignatureDoesNotMatch")
    expect(send(home, good, keys=("AKIAIOSFODNN7EXAMPLE", secret, None)), 403, "InvalidClientTokenId")
    expect(send(home, good, keys=(key, secret, "a session token")), 403, "InvalidClientTokenId",
           "UnrecognizedClientException")
    expect(send(home, good, region="eu-west-1"), 403, "SignatureDoesNotMatch")
    expect(send(home, good, headers={"authorization": "AWS4-HMAC-SHA256 nonsense"}), 400, "IncompleteSignature")
    expect(send(home, good, headers={"authorization": None}), 403, "MissingAuthenticationToken")
    # Another body than the signed one.
    signed = signed_headers(home.root_keys, home.api_address, good.encode(), "rds", REGION, None, FORM)
    expect(send(home, form("DescribeDBInstances"), headers=signed), 403, "SignatureDoesNotMatch")


@suite.test
def clock_skew(home):
    good = form("DescribeDBClusters")
    for minutes, words in ((-20, "expired"), (20, "not yet current")):
        when = utc_now() + datetime.timedelta(minutes=minutes)
        text = expect(send(home, good, when=when), 403, "SignatureDoesNotMatch", "RequestExpired")
        assert words in text.lower(), text
    assert send(home, good, when=utc_now() - datetime.timedelta(minutes=3))[0] == 200


@suite.test
def malformed_bodies(home):
    for body in (b"Action=Describe%ZZ", b"Action=%", b"Action=\xff\xfe&Version=2014-10-31", b"\x00\x01\x02"):
        status, code, text = send(home, body)
        assert 400 <= status < 500 and code, (body, status, text)
    expect(send(home, form("DescribeDBClusters") + "&Action=DeleteDBCluster"), 400, "InvalidQueryParameter",
           "MalformedInput")
    many = form("DescribeDBClusters") + "".join(f"&X{number}=1" for number in range(20_000))
    status, code, text = send(home, many)
    assert 400 <= status < 500 and code, (status, text[:200])
    for filters in ("Filters.Filter.0.Name=x", "Filters.Filter.x.Name=x", "Filters.Filter.99999999999.Name=x",
                    "MaxRecords=many", "MaxRecords=99999999999999999999", "MaxRecords=1", "Marker=%00"):
        status, code, text = send(home, form("DescribeDBClusters") + "&" + filters)
        assert status == 400 and code, (filters, status, text)


@suite.test
def wrong_content_types(home):
    for content_type in ("application/json", "text/xml", "multipart/form-data; boundary=x",
                         "application/x-www-form-urlencoded; charset=latin-1"):
        status, code, text = send(home, form("DescribeDBClusters"), content_type=content_type)
        assert (status, code) == (415, "UnsupportedMediaType"), (content_type, text)


@suite.test
def oversized_bodies(home):
    connection = http.client.HTTPConnection(*home.api_address.split(":"), timeout=30)
    with contextlib.closing(connection):
        connection.putrequest("POST", "/")
        connection.putheader("Content-Length", str(1 << 40))
        connection.endheaders()
        answer = connection.getresponse()
        text = answer.read().decode()
        assert answer.status == 413 and "<Code>RequestEntityTooLarge</Code>" in text, text
        assert answer.getheader("x-amzn-requestid") in text, answer.headers
    body = form("DescribeDBClusters", Marker="x" * (3 << 20)).encode()
    try:
        assert send(home, body)[0] == 413
    except (BrokenPipeError, ConnectionResetError):
        pass  # it need not read to the end what it does not take


@suite.test
def other_methods_and_paths(home):
    good = form("DescribeDBClusters")
    assert send(home, good, method="PUT")[0] == 405
    assert send(home, good, path="/elsewhere")[0] == 404


@suite.test
def what_is_not_http(home):
    address, port = home.api_address.split(":")
    for data in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET\r\n\r\n", b"\r\n" * 2000,
                 b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: " + b"x" * 100_000 + b"\r\n\r\n",
                 b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\n\r\n"):
        with contextlib.closing(socket.create_connection((address, int(port)), 10)) as connection:
            connection.settimeout(15)
            with contextlib.suppress(ConnectionError):
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
                answer = b"".join(iter(lambda c=connection: c.recv(4096), b""))
                assert not answer or answer.startswith(b"HTTP/1.1 4"), (data[:30], answer[:100])
    assert home.client("sts").get_caller_identity()["Account"] == home.facts["account_id"]


def refused(call, status, code, **parameters):
    try:
        call(**parameters)
    except botocore.exceptions.ClientError as error:
        got = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        assert got == (code, status), error
        return error.response["Error"]["Message"]
    raise RuntimeError(f"taken: {parameters}")


@suite.test
def who_has_no_permission(home):
    iam = home.client("iam")
    iam.create_user(UserName="visitor")
    key = iam.create_access_key(UserName="visitor")["AccessKey"]
    keys = key["AccessKeyId"], key["SecretAccessKey"], None
    rds = home.client("rds", keys)
    refused(rds.describe_db_clusters, 403, "AccessDenied")
    message = refused(rds.create_db_cluster, 403, "AccessDenied", **home.cluster_parameters("theirs"))
    assert "user/visitor" in message and "rds:CreateDBCluster" in message, message
    refused(home.client("iam", keys).create_user, 403, "AccessDenied", UserName="friend")
    refused(home.client("ec2", keys).describe_vpcs, 403, "UnauthorizedOperation")
    only_reading = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "rds:Describe*", "Resource": "*"}]}
    iam.put_user_policy(UserName="visitor", PolicyName="read", PolicyDocument=json.dumps(only_reading))
    assert rds.describe_db_clusters()["DBClusters"] == []
    refused(rds.create_db_cluster, 403, "AccessDenied", **home.cluster_parameters("theirs"))


VALUE, COMBINATION = "InvalidParameterValue", "InvalidParameterCombination"
BAD_CLUSTERS = [
    (VALUE, {"DBClusterIdentifier": "1st"}),
    (VALUE, {"DBClusterIdentifier": "two--hyphens"}),
    (VALUE, {"DBClusterIdentifier": "ends-"}),
    (VALUE, {"DBClusterIdentifier": "under_score"}),
    (VALUE, {"DBClusterIdentifier": "x" * 53}),
    (VALUE, {"Engine": "oracle"}),
    ("NotImplemented", {"Engine": "postgres"}),
    (COMBINATION, {"EngineVersion": "5.7.44"}),
    (VALUE, {"DBClusterInstanceClass": None}),
    (VALUE, {"DBClusterInstanceClass": "db.t3.nano"}),
    (VALUE, {"AllocatedStorage": None}),
    (VALUE, {"AllocatedStorage": 1}),
    (VALUE, {"AllocatedStorage": 70_000}),
    ("StorageTypeNotSupported", {"StorageType": "magnetic"}),
    (COMBINATION, {"StorageType": "io1", "AllocatedStorage": 100}),
    (COMBINATION, {"StorageType": "io1", "AllocatedStorage": 100, "Iops": 60_000}),
    (VALUE, {"MasterUsername": None}),
    (VALUE, {"MasterUsername": "rdsadmin"}),
    (VALUE, {"MasterUsername": "trivet_admin"}),
    (VALUE, {"MasterUsername": "0admin"}),
    (VALUE, {"MasterUsername": "a" * 17}),
    (VALUE, {"MasterUserPassword": None}),
    (VALUE, {"MasterUserPassword": "short"}),
    (VALUE, {"MasterUserPassword": "x" * 42}),
    (VALUE, {"MasterUserPassword": "with@sign1"}),
    (VALUE, {"MasterUserPassword": 'with"quote1'}),
    (VALUE, {"MasterUserPassword": "with blank1"}),
    (VALUE, {"DatabaseName": "drop table"}),
    (VALUE, {"DatabaseName": "mysql"}),
    (VALUE, {"Port": 80}),
    (VALUE, {"Port": 65_536}),
    (VALUE, {"BackupRetentionPeriod": 0}),
    (VALUE, {"BackupRetentionPeriod": 36}),
    (VALUE, {"PreferredBackupWindow": "25:00-26:00"}),
    (VALUE, {"MonitoringInterval": 7}),
    (COMBINATION, {"MonitoringInterval": 5}),
    (COMBINATION, {"EnableCloudwatchLogsExports": ["audit"]}),
    (COMBINATION, {"EngineMode": "serverless"}),
    (COMBINATION, {"BacktrackWindow": 60}),
    ("NotImplemented", {"KmsKeyId": "alias/mine"}),
    (VALUE, {"VpcSecurityGroupIds": ["sg-0123456789abcdef0"]}),
    ("InvalidVPCNetworkStateFault", {"AvailabilityZones": ["eu-west-1a", "eu-west-1b", "eu-west-1c"]}),
    (VALUE, {"Tags": [{"Key": "aws:mine", "Value": "x"}]}),
    (VALUE, {"Tags": [{"Key": "k" * 129, "Value": "x"}]}),
]


@suite.test
def clusters_that_cannot_be(home):
    rds = home.client("rds")
    for code, change in BAD_CLUSTERS:
        parameters = {**home.cluster_parameters("wrong"), **change}
        parameters = {name: value for name, value in parameters.items() if value is not None}
        status = 501 if code == "NotImplemented" else 400
        message = refused(rds.create_db_cluster, status, code, **parameters)
        assert message and MASTER_PASSWORD not in message, message
    # A parameter that Debian's boto3 does not know yet.
    newer = {**home.cluster_parameters("wrong"), "EnableIAMDatabaseAuthentication": "true",
             "ManageMasterUserPassword": "true"}
    expect(send(home, form("CreateDBCluster", **newer)), 400, COMBINATION)
    del newer["MasterUserPassword"]
    expect(send(home, form("CreateDBCluster", **newer)), 501, "NotImplemented")
    refused(rds.create_db_cluster, 404, "DBSubnetGroupNotFoundFault",
            **home.cluster_parameters("wrong", DBSubnetGroupName="nowhere"))
    assert rds.describe_db_clusters()["DBClusters"] == []
    assert home.status()["clusters"] == []
    return f"{len(BAD_CLUSTERS) + 1} refused"


@suite.test
def a_subnet_group_in_two_zones(home):
    subnets = [subnet["SubnetId"] for subnet in home.client("ec2").describe_subnets()["Subnets"]]
    rds = home.client("rds")
    rds.create_db_subnet_group(DBSubnetGroupName="narrow", DBSubnetGroupDescription="two", SubnetIds=subnets[:2])
    refused(rds.create_db_cluster, 400, "DBSubnetGroupDoesNotCoverEnoughAZs",
            **home.cluster_parameters("wrong", DBSubnetGroupName="narrow"))
    refused(rds.create_db_subnet_group, 400, "DBSubnetGroupDoesNotCoverEnoughAZs", DBSubnetGroupName="one",
            DBSubnetGroupDescription="one", SubnetIds=subnets[:1])
    refused(rds.create_db_subnet_group, 400, "DBSubnetGroupAlreadyExists", DBSubnetGroupName="narrow",
            DBSubnetGroupDescription="two", SubnetIds=subnets)
    refused(rds.create_db_subnet_group, 400, "InvalidSubnet", DBSubnetGroupName="ghost",
            DBSubnetGroupDescription="ghost", SubnetIds=[*subnets[:2], "subnet-0123456789abcdef0"])
    wide = rds.modify_db_subnet_group(DBSubnetGroupName="narrow", SubnetIds=subnets)["DBSubnetGroup"]
    assert {entry["SubnetIdentifier"] for entry in wide["Subnets"]} == set(subnets), wide
    refused(rds.modify_db_subnet_group, 404, "DBSubnetGroupNotFoundFault", DBSubnetGroupName="ghost", SubnetIds=subnets)
    rds.delete_db_subnet_group(DBSubnetGroupName="narrow")
    refused(rds.delete_db_subnet_group, 404, "DBSubnetGroupNotFoundFault", DBSubnetGroupName="narrow")


@suite.test
def what_a_cluster_that_exists_forbids(home):
    home.create_cluster("demo", DeletionProtection=False)
    rds = home.client("rds")
    refused(rds.create_db_cluster, 400, "DBClusterAlreadyExistsFault", **home.cluster_parameters("DEMO"))
    refused(rds.delete_db_subnet_group, 400, "InvalidDBSubnetGroupStateFault", DBSubnetGroupName="trivet")
    refused(rds.delete_db_cluster, 400, COMBINATION, DBClusterIdentifier="demo")
    assert rds.describe_global_clusters(Filters=[{"Name": "db-cluster-id", "Values": ["demo"]}])["GlobalClusters"] == []
    used = rds.describe_db_subnet_groups(DBSubnetGroupName="trivet")["DBSubnetGroups"][0]["Subnets"]
    ids = [entry["SubnetIdentifier"] for entry in used]
    refused(rds.modify_db_subnet_group, 400, "InvalidParameterValue", DBSubnetGroupName="trivet", SubnetIds=ids[:2])
    refused(home.client("ec2").delete_subnet, 400, "DependencyViolation", SubnetId=used[0]["SubnetIdentifier"])
    message = refused(rds.create_db_instance, 501, "NotImplemented", DBInstanceIdentifier="one", Engine="mysql",
                      DBInstanceClass="db.t3.micro")
    assert "CreateDBInstance" in message, message
    assert home.sql(home.cluster_status()["endpoint"]["address"], "SELECT 1") == ((1,),)
    home.delete_cluster("demo")
    refused(rds.describe_db_clusters, 404, "DBClusterNotFoundFault", DBClusterIdentifier="demo")


@suite.test
def a_protected_cluster_stays(home):
    home.create_cluster("safe", DeletionProtection=True)
    refused(home.client("rds").delete_db_cluster, 400, COMBINATION, DBClusterIdentifier="safe", SkipFinalSnapshot=True)
    home.wait_whole("safe", 10)


@suite.test
def nothing_of_it_was_our_failure(home):
    assert not home.events("api.failure"), home.events("api.failure")


if __name__ == "__main__":
    suite.main()
