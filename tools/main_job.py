#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What ./run shows: a Multi-AZ DB cluster, a role that may connect, a login with a token. Each step says
what it did and when; what is there already is reused. Only clients that are not ours: boto3 and PyMySQL."""
import argparse
import io
import json
import os
import secrets
import subprocess
import sys
import time
import zipfile

import boto3
import botocore.exceptions
import pymysql

CLUSTER = "demo"
DB_USER = "app"
DATABASE = "mydb"
ROLE = "demo-app"
POLICY = "demo-connect"
MASTER = "admin"
FUNCTION = "demo-report"
FUNCTION_ROLE = "demo-function"
RUNTIME = "python3.13"
WAIT_S = 180
# The function of the journey: a token from its role's credentials, a login, a question.
FUNCTION_CODE = '''import os

import boto3
import pymysql

rds = boto3.client("rds")


def handler(event, context):
    host, user, region = os.environ["DB_HOST"], os.environ["DB_USER"], os.environ["AWS_REGION"]
    token = rds.generate_db_auth_token(DBHostname=host, Port=int(os.environ["DB_PORT"]), DBUsername=user, Region=region)
    connection = pymysql.connect(
        host=host, port=int(os.environ["DB_PORT"]), user=user, password=token, database=os.environ["DB_NAME"],
        connect_timeout=5, ssl={"ca": f"/var/task/{region}-bundle.pem"}, auth_plugin_map={"mysql_clear_password": None})
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT 1, @@report_host, @@external_user")
        one, answered_by, who = cursor.fetchone()
    return {"statusCode": 200, "body": [[one]], "answered_by": answered_by, "as": who}
'''


def zipped(files):
    """A zip archive of {name: bytes}, the same each time."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return out.getvalue()


class Job:
    def __init__(self, arguments):
        self.trivet = [arguments.trivet, "--home", arguments.home]
        self.home = arguments.home
        self.began = time.monotonic() - arguments.began
        self.password_file = os.path.join(arguments.home, "demo-master-password")
        env = json.loads(self.run_trivet("env", "--format", "json"))
        self.region = env["AWS_REGION"]
        self.endpoint_url = env["AWS_ENDPOINT_URL"]
        self.ca = env["TRIVET_CA_BUNDLE"]
        self.session = boto3.Session(
            env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], env["AWS_SESSION_TOKEN"], self.region)

    def run_trivet(self, *arguments):
        return subprocess.run([*self.trivet, *arguments], check=True, capture_output=True, text=True).stdout

    def client(self, service, session=None):
        return (session or self.session).client(service, endpoint_url=self.endpoint_url)

    def say(self, text):
        print(f"[{time.monotonic() - self.began:5.1f}s] {text}", flush=True)


    def cluster(self):
        rds = self.client("rds")
        try:
            found = rds.describe_db_clusters(DBClusterIdentifier=CLUSTER)["DBClusters"][0]
            self.say(f"DB cluster {CLUSTER} is there: {found['Status']}")
        except rds.exceptions.DBClusterNotFoundFault:
            found = self.create_cluster(rds)
        deadline = time.monotonic() + WAIT_S
        while found["Status"] != "available":
            if found["Status"] in ("deleting", "failed") or time.monotonic() > deadline:
                sys.exit(f"the cluster is {found['Status']}; see {self.home}/log/trivetd.log")
            time.sleep(0.1)
            found = rds.describe_db_clusters(DBClusterIdentifier=CLUSTER)["DBClusters"][0]
        writer = next(m["DBInstanceIdentifier"] for m in found["DBClusterMembers"] if m["IsClusterWriter"])
        self.say(f"available: writer {writer}, {len(found['DBClusterMembers'])} members in "
                 + ", ".join(sorted(found["AvailabilityZones"])))
        return found

    def create_cluster(self, rds):
        subnets = self.client("ec2").describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])
        ids = [s["SubnetId"] for s in subnets["Subnets"]]
        try:
            rds.create_db_subnet_group(DBSubnetGroupName=CLUSTER, DBSubnetGroupDescription="demo", SubnetIds=ids)
            self.say(f"DB subnet group {CLUSTER} over {len(ids)} Availability Zones")
        except rds.exceptions.DBSubnetGroupAlreadyExistsFault:
            pass
        password = secrets.token_urlsafe(16)
        # Kept only until the database user exists: then nothing here needs it any more.
        with open(os.open(self.password_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(password)
        created = rds.create_db_cluster(
            DBClusterIdentifier=CLUSTER, Engine="mysql", DBClusterInstanceClass="db.t3.micro",
            AllocatedStorage=20, StorageType="gp3", DBSubnetGroupName=CLUSTER,
            MasterUsername=MASTER, MasterUserPassword=password, EnableIAMDatabaseAuthentication=True)
        self.say(f"CreateDBCluster {CLUSTER}: MySQL {created['DBCluster']['EngineVersion']}, Multi-AZ, "
                 f"{created['DBCluster']['DBClusterInstanceClass']}")
        return created["DBCluster"]

    def role(self, cluster):
        iam = self.client("iam")
        account = self.client("sts").get_caller_identity()["Account"]
        resource = f"arn:aws:rds-db:{self.region}:{account}:dbuser:{cluster['DbClusterResourceId']}/{DB_USER}"
        trust = {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "sts:AssumeRole"}]}
        policy = {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "rds-db:connect", "Resource": resource}]}
        try:
            iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(trust))
            self.say(f"role {ROLE}")
        except iam.exceptions.EntityAlreadyExistsException:
            self.say(f"role {ROLE} is there")
        iam.put_role_policy(RoleName=ROLE, PolicyName=POLICY, PolicyDocument=json.dumps(policy))
        self.say(f"policy {POLICY}: rds-db:connect on {resource}")
        return f"arn:aws:iam::{account}:role/{ROLE}"

    def database_user(self, cluster):
        if not os.path.exists(self.password_file):
            return
        with open(self.password_file, encoding="utf-8") as file:
            password = file.read()
        connection = pymysql.connect(host=cluster["Endpoint"], port=cluster["Port"], user=MASTER,
                                     password=password, ssl={"ca": self.ca})
        with connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE IF NOT EXISTS {DATABASE}")
            cursor.execute(f"CREATE USER IF NOT EXISTS {DB_USER} IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'")
            cursor.execute(f"GRANT ALL PRIVILEGES ON {DATABASE}.* TO '{DB_USER}'@'%'")
        os.unlink(self.password_file)
        self.say(f"database {DATABASE}, user {DB_USER} IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'")
        print(f"         master user {MASTER}, password {password}   (shown this once)")

    def assumed_session(self, role_arn):
        assumed = self.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="run")
        keys = assumed["Credentials"]
        self.say(f"AssumeRole: {assumed['AssumedRoleUser']['Arn']}")
        return boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], self.region)

    def login(self, session, what, host, port):
        token = self.client("rds", session).generate_db_auth_token(
            DBHostname=host, Port=port, DBUsername=DB_USER, Region=self.region)
        deadline = time.monotonic() + 15
        while True:
            began = time.monotonic()
            try:
                connection = pymysql.connect(
                    host=host, port=port, user=DB_USER, password=token, database=DATABASE, ssl={"ca": self.ca},
                    auth_plugin_map={"mysql_clear_password": None})
                break
            except pymysql.err.OperationalError as error:
                # The account reaches the readers a moment after the writer has it.
                if error.args[0] != 1045 or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1, @@report_host, @@external_user, @@read_only")
            one, host_name, who, read_only = cursor.fetchone()
            cursor.execute("SHOW STATUS LIKE 'Ssl_version'")
            tls = cursor.fetchone()[1]
        self.say(f"login through the {what} endpoint {host}:{port}: {tls}, "
                 f"{(time.monotonic() - began) * 1000:.0f} ms")
        print(f"         SELECT 1 → {one}   answered by {host_name} ({'reader' if read_only else 'writer'})\n"
              f"                        as {who}", flush=True)
        return one

    # The same login, made by a function in a private subnet.

    def why_no_networks(self):
        return json.loads(self.run_trivet("status", "--json"))["network"]["why_not"]

    def private_subnets(self):
        """One in each zone of the default VPC, behind a route table without a way out; made once."""
        ec2 = self.client("ec2")
        mine = [{"Name": "tag:Name", "Values": ["demo-private"]}]
        found = ec2.describe_subnets(Filters=mine)["Subnets"]
        if not found:
            vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
            table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
            zones = [zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]]
            for at, zone in enumerate(zones):
                subnet = ec2.create_subnet(
                    VpcId=vpc, AvailabilityZone=zone, CidrBlock=f"172.31.{240 + at}.0/24")["Subnet"]
                ec2.associate_route_table(RouteTableId=table, SubnetId=subnet["SubnetId"])
                ec2.create_tags(Resources=[subnet["SubnetId"], table],
                                Tags=[{"Key": "Name", "Value": "demo-private"}])
            found = ec2.describe_subnets(Filters=mine)["Subnets"]
            self.say(f"{len(found)} private subnets: no route leads out of the VPC")
        return [subnet["SubnetId"] for subnet in found]

    def function_role(self, connect_policy):
        iam = self.client("iam")
        trust = {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
        try:
            iam.create_role(RoleName=FUNCTION_ROLE, AssumeRolePolicyDocument=json.dumps(trust))
        except iam.exceptions.EntityAlreadyExistsException:
            pass
        for name in ("service-role/AWSLambdaBasicExecutionRole", "service-role/AWSLambdaVPCAccessExecutionRole"):
            iam.attach_role_policy(RoleName=FUNCTION_ROLE, PolicyArn=f"arn:aws:iam::aws:policy/{name}")
        iam.put_role_policy(RoleName=FUNCTION_ROLE, PolicyName=POLICY, PolicyDocument=connect_policy)
        return iam.get_role(RoleName=FUNCTION_ROLE)["Role"]["Arn"]

    def layer(self):
        """PyMySQL, from Debian's package."""
        folder = os.path.dirname(pymysql.__file__)
        files = {}
        for place, _, names in os.walk(folder):
            for name in names:
                if name.endswith(".py"):
                    path = os.path.join(place, name)
                    with open(path, "rb") as file:
                        files["python/pymysql/" + os.path.relpath(path, folder)] = file.read()
        return self.client("lambda").publish_layer_version(
            LayerName="pymysql", Content={"ZipFile": zipped(files)}, CompatibleRuntimes=[RUNTIME])["LayerVersionArn"]

    def function(self, cluster):
        functions = self.client("lambda")
        variables = {"DB_HOST": cluster["Endpoint"], "DB_PORT": str(cluster["Port"]), "DB_USER": DB_USER,
                     "DB_NAME": DATABASE}
        try:
            found = functions.get_function_configuration(FunctionName=FUNCTION)
            if found["Environment"]["Variables"] == variables:
                self.say(f"function {FUNCTION} is there")
                return
            functions.delete_function(FunctionName=FUNCTION)  # of a cluster that was deleted
        except functions.exceptions.ResourceNotFoundException:
            pass
        with open(self.ca, "rb") as file:
            bundle = file.read()
        policy = self.client("iam").get_role_policy(RoleName=ROLE, PolicyName=POLICY)["PolicyDocument"]
        functions.create_function(
            FunctionName=FUNCTION, Runtime=RUNTIME, Handler="app.handler", Timeout=15, MemorySize=512,
            Role=self.function_role(json.dumps(policy)), Layers=[self.layer()],
            Code={"ZipFile": zipped({"app.py": FUNCTION_CODE, f"{self.region}-bundle.pem": bundle})},
            VpcConfig={"SubnetIds": self.private_subnets(),
                       "SecurityGroupIds": [group["VpcSecurityGroupId"] for group in cluster["VpcSecurityGroups"]]},
            Environment={"Variables": variables})
        functions.get_waiter("function_active_v2").wait(FunctionName=FUNCTION, WaiterConfig={"Delay": 1})
        self.say(f"function {FUNCTION}: {RUNTIME} with a PyMySQL layer, in the private subnets, role {FUNCTION_ROLE}")

    def invoke(self):
        began = time.monotonic()
        answer = self.client("lambda").invoke(FunctionName=FUNCTION, Payload=b"{}")
        payload = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            sys.exit(f"the function failed: {payload}\n  its log: bin/trivet logs {FUNCTION}")
        self.say(f"Invoke {FUNCTION}: {(time.monotonic() - began) * 1000:.0f} ms")
        print(f"         SELECT 1 → {payload['body'][0][0]}   answered by {payload['answered_by']}\n"
              f"                        as {payload['as']}", flush=True)
        return payload["body"][0][0]

    def explain(self, cluster):
        trivet = "bin/trivet" + ("" if "TRIVET_HOME" not in os.environ else f" --home {self.home}")
        print(f"""
The cluster is running. To use it:

  eval "$({trivet} env)"
  aws --endpoint-url $AWS_ENDPOINT_URL rds describe-db-clusters
  {trivet} connect {CLUSTER} --user {DB_USER}                  # mysql, with a token
  /usr/bin/python3 - <<'PY'
  import boto3, os, pymysql
  token = boto3.client('rds', endpoint_url=os.environ['AWS_ENDPOINT_URL']).generate_db_auth_token(
      '{cluster["Endpoint"]}', {cluster["Port"]}, '{DB_USER}')
  cursor = pymysql.connect(host='{cluster["Endpoint"]}', user='{DB_USER}', password=token,
      ssl={{'ca': os.environ['TRIVET_CA_BUNDLE']}}, auth_plugin_map={{'mysql_clear_password': None}}).cursor()
  cursor.execute('SELECT 1, @@external_user')
  print(cursor.fetchall())
  PY
  {trivet} status
  {trivet} down                                          # stop it; `{trivet} up` brings it back""")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--trivet", required=True)
    parser.add_argument("--home", required=True)
    parser.add_argument("--began", type=float, default=0)
    job = Job(parser.parse_args())
    os.environ["LIBMYSQL_ENABLE_CLEARTEXT_PLUGIN"] = "1"
    print()
    cluster = job.cluster()
    role_arn = job.role(cluster)
    job.database_user(cluster)
    session = job.assumed_session(role_arn)
    answers = [job.login(session, "writer", cluster["Endpoint"], cluster["Port"]),
               job.login(session, "reader", cluster["ReaderEndpoint"], cluster["Port"])]
    why_not = job.why_no_networks()
    if why_not:
        job.say(f"no function is shown: networks are not enforced here: {why_not}")
        where = ""
    else:
        job.function(cluster)
        where = f", {job.invoke()} (a function in a private subnet)"
    job.explain(cluster)
    print(f"\nSELECT 1 with a token: {answers[0]} (writer), {answers[1]} (reader){where}, "
          f"{time.monotonic() - job.began:.1f} s in all")


if __name__ == "__main__":
    try:
        main()
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError, pymysql.err.MySQLError,
            subprocess.CalledProcessError) as error:
        detail = getattr(error, "stderr", None) or error
        sys.exit(f"run: {detail}")
