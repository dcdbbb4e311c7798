# SPDX-License-Identifier: Apache-2.0
"""A Python function in private subnets logs in to a cluster with its role; take one thing away, and it gets the failure
that it would get on AWS, within the time that changes have."""
import io
import json
import pathlib
import subprocess
import zipfile

import botocore.exceptions
import pymysql

from harness import BIN, REGION, give_runtime
from outside import outside_host
from suite import Suite
from waiting import wait_until

suite = Suite(__file__, in_order=True, hosts="yes")
CODE = """
import os, socket, boto3, botocore.config, pymysql

def handler(event, context):
    try:
        if "reach" in event:
            with socket.create_connection((event["reach"], 80), 2) as connection:
                return {"statusCode": 200, "body": connection.recv(100).decode()}
        if "api" in event:
            config = botocore.config.Config(connect_timeout=2, retries={"total_max_attempts": 1})
            return {"statusCode": 200, "body": boto3.client("sts", config=config).get_caller_identity()["Arn"]}
        host, user = os.environ["DB_HOST"], event.get("user", "app")
        token = boto3.client("rds").generate_db_auth_token(DBHostname=host, Port=3306, DBUsername=user)
        connection = pymysql.connect(host=host, user=user, password=token, connect_timeout=2,
                                     ssl={"ca": os.environ["TRIVET_CA_BUNDLE"]},
                                     auth_plugin_map={"mysql_clear_password": None})
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return {"statusCode": 200, "body": cursor.fetchall()}
    except Exception as error:
        return {"statusCode": 500, "error": type(error).__name__, "body": str(error)}
"""


def trust(service="lambda.amazonaws.com"):
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]})


def archive(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, text in files.items():
            zipped.writestr(name, text)
    return out.getvalue()


def allow(home, resource_id, user="app"):
    """The role may log in as `user` at the cluster of that resource id, and nothing else."""
    resource = f"arn:aws:rds-db:{REGION}:{home.facts['account_id']}:dbuser:{resource_id}/{user}"
    home.client("iam").put_role_policy(RoleName="fn", PolicyName="connect", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "rds-db:connect", "Resource": resource}]}))


def invoke(home, name="report", **event):
    answer = home.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
    payload = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, payload
    return payload


def logs_in(home, **event):
    return invoke(home, **event) == {"statusCode": 200, "body": [[1]]}


def is_denied(home, user="app"):
    said = invoke(home, user=user)
    return said["statusCode"] == 500 and said["body"].startswith(f"(1045, \"Access denied for user '{user}'@")


def refused(code, call, **arguments):
    """The message of a call that must be refused with this code."""
    try:
        call(**arguments)
    except botocore.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        return error.response["Error"]["Message"]
    raise AssertionError(f"{code} was expected")


@suite.setup
def a_private_network_with_a_cluster(home):
    give_runtime(home.path)
    home.kill_daemon()
    home.start()
    ec2, rds = home.client("ec2"), home.client("rds")
    vpc = ec2.create_vpc(CidrBlock="10.40.0.0/16")["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.40.{number}.0/24",
                                 AvailabilityZone=REGION + zone)["Subnet"]["SubnetId"]
               for number, zone in enumerate("abc")]
    app = ec2.create_security_group(GroupName="app", Description="functions", VpcId=vpc)["GroupId"]
    database = ec2.create_security_group(GroupName="database", Description="3306", VpcId=vpc)["GroupId"]
    rule = {"GroupId": database, "IpPermissions": [
        {"IpProtocol": "tcp", "FromPort": 3306, "ToPort": 3306, "UserIdGroupPairs": [{"GroupId": app}]}]}
    ec2.authorize_security_group_ingress(**rule)
    rds.create_db_subnet_group(DBSubnetGroupName="private", DBSubnetGroupDescription="d", SubnetIds=subnets)
    rds.create_db_cluster(**home.cluster_parameters("demo", DBSubnetGroupName="private",
                                                    VpcSecurityGroupIds=[database]))
    cluster = home.wait_available()
    for statement in ("CREATE USER app IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'",
                      "CREATE USER plain IDENTIFIED BY 'a-password-1'"):
        home.sql(cluster["Endpoint"], statement)
    home.shared.update(vpc=vpc, subnets=subnets, app=app, rule=rule, cluster=cluster)


def function_parameters(home, name, **more):
    shared = home.shared
    return {"FunctionName": name, "Runtime": "python3.13", "Handler": "app.handler", "Role": shared["role"],
            "Code": {"ZipFile": archive({"app.py": CODE})}, "Timeout": 20, "MemorySize": 1769,
            "Layers": [shared["layer"]], "Environment": {"Variables": {"DB_HOST": shared["cluster"]["Endpoint"]}},
            "VpcConfig": {"SubnetIds": shared["subnets"], "SecurityGroupIds": [shared["app"]]}, **more}


@suite.test
def a_role_without_network_permissions_is_refused(home):
    iam, client = home.client("iam"), home.client("lambda")
    folder = pathlib.Path(pymysql.__file__).parent
    home.shared["layer"] = client.publish_layer_version(LayerName="pymysql", Content={"ZipFile": archive(
        {f"python/pymysql/{path.relative_to(folder)}": path.read_text(encoding="utf-8")
         for path in folder.rglob("*.py")})})["LayerVersionArn"]
    home.shared["role"] = iam.create_role(RoleName="fn", AssumeRolePolicyDocument=trust())["Role"]["Arn"]
    why = refused("InvalidParameterValueException", client.create_function, **function_parameters(home, "report"))
    assert why == ("The provided execution role does not have permissions to call CreateNetworkInterface on EC2"), why
    iam.attach_role_policy(RoleName="fn",
                           PolicyArn="arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole")


@suite.test
def with_everything_it_logs_in(home):
    client = home.client("lambda")
    allow(home, home.shared["cluster"]["DbClusterResourceId"])
    client.create_function(**function_parameters(home, "report"))
    client.get_waiter("function_active_v2").wait(FunctionName="report", WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    said = invoke(home)
    assert said == {"statusCode": 200, "body": [[1]]}, said


@suite.test
def after_the_sealing_key_was_rotated(home):
    """A warm environment's credentials are over then: it is replaced."""
    rotated = subprocess.run([BIN / "trivet", "--home", home.path, "rotate-key"], check=True, capture_output=True,
                             text=True, timeout=60)
    assert rotated.stdout, rotated
    said = invoke(home)
    assert said == {"statusCode": 200, "body": [[1]]}, said


@suite.test
def without_the_policy(home):
    home.client("iam").delete_role_policy(RoleName="fn", PolicyName="connect")
    before = home.log_size()
    wait_until("the end of the permission", lambda: is_denied(home), 1.5, every=0.1)
    refusal = home.wait_event("login.refused", before, 5)
    assert refusal["reason"] == "implicit-deny", refusal


@suite.test
def with_another_clusters_resource_id_in_the_policy(home):
    allow(home, "cluster-AAAAAAAAAAAAAAAAAAAAAAAAAA")
    allow(home, home.shared["cluster"]["DbClusterResourceId"].lower(), user="app")
    assert is_denied(home)
    allow(home, home.shared["cluster"]["DbClusterResourceId"], user="another")
    assert is_denied(home)
    allow(home, home.shared["cluster"]["DbClusterResourceId"])
    wait_until("the right policy to count", lambda: logs_in(home), 1.5, every=0.1)


@suite.test
def as_a_user_without_the_plugin(home):
    allow(home, home.shared["cluster"]["DbClusterResourceId"], user="*")
    assert is_denied(home, user="plain")
    assert is_denied(home, user="nobody")
    assert home.sql(home.shared["cluster"]["Endpoint"], "SELECT 1", user="plain", password="a-password-1") == ((1,),)


@suite.test
def without_the_security_groups_rule(home):
    ec2, rule = home.client("ec2"), home.shared["rule"]
    ec2.revoke_security_group_ingress(**rule)

    def times_out():
        said = invoke(home)
        return said["statusCode"] == 500 and "(2003, \"Can't connect to MySQL" in said["body"] and \
            "timed out" in said["body"]
    wait_until("the end of the rule", times_out, 4, every=0.1)
    ec2.authorize_security_group_ingress(**rule)
    wait_until("the rule", lambda: logs_in(home), 4, every=0.1)


@suite.test
def from_a_private_subnet_to_the_outside(home):
    with outside_host() as outside:
        said = invoke(home, reach=outside.address)
        assert (said["statusCode"], said["error"]) == (500, "TimeoutError"), said
        said = invoke(home, api=True)
        assert said["statusCode"] == 500 and said["error"] in ("ConnectTimeoutError", "EndpointConnectionError"), said
        # The control: with a route, the same function gets there.
        ec2, vpc = home.client("ec2"), home.shared["vpc"]
        gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        table = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"][0]
        ec2.create_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
        said = wait_until("a way out", lambda: next((answer for answer in [invoke(home, reach=outside.address)]
                                                     if answer["statusCode"] == 200), None), 5, every=0.1)
        assert said["body"] == outside.gateway, said
        said = invoke(home, api=True)
        assert said["body"].endswith(":assumed-role/fn/report"), said
        ec2.delete_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock="0.0.0.0/0")


@suite.test
def with_a_role_that_lambda_may_not_assume(home):
    iam, client = home.client("iam"), home.client("lambda")
    cannot = "The role defined for the function cannot be assumed by Lambda."
    iam.update_assume_role_policy(RoleName="fn", PolicyDocument=trust("ec2.amazonaws.com"))
    why = refused("InvalidParameterValueException", client.create_function, **function_parameters(home, "another"))
    assert why == cannot, why
    # The function that is there: a new environment gets no keys.
    iam.update_assume_role_policy(RoleName="fn", PolicyDocument=trust())
    client.update_function_configuration(FunctionName="report", Description="so that its environments are new")
    client.get_waiter("function_updated_v2").wait(FunctionName="report", WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    iam.update_assume_role_policy(RoleName="fn", PolicyDocument=trust("ec2.amazonaws.com"))
    why = refused("InvalidParameterValueException", client.invoke, FunctionName="report", Payload=b"{}")
    assert why == cannot, why
    iam.update_assume_role_policy(RoleName="fn", PolicyDocument=trust())
    assert logs_in(home)


@suite.test
def nothing_is_left_of_it(home):
    home.client("lambda").delete_function(FunctionName="report")
    wait_until("the end of its interfaces", lambda: not home.client("ec2").describe_network_interfaces(
        Filters=[{"Name": "interface-type", "Values": ["lambda"]}])["NetworkInterfaces"], 20)


if __name__ == "__main__":
    suite.main()
