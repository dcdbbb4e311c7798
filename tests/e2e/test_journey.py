# SPDX-License-Identifier: Apache-2.0
"""What an engineer does on AWS to log in to a Multi-AZ DB cluster without a password, step by step, with the AWS
CLI, boto3 and PyMySQL, and what is left after the cluster was deleted: nothing."""
import contextlib
import json
import pathlib
import socket

import pymysql

from harness import MASTER, MASTER_PASSWORD, REGION, processes_of
from suite import Suite
from waiting import wait_until

suite = Suite(__file__, in_order=True, hosts="yes")
CIDRS = {"a": "172.31.101.0/24", "b": "172.31.102.0/24", "c": "172.31.103.0/24"}
DB_USER = "lambda_user"
READ_ONLY = 1290


def endpoints(home):
    cluster = home.shared["cluster"]
    return {"writer": cluster["Endpoint"], "reader": cluster["ReaderEndpoint"],
            **{name: member["Endpoint"]["Address"] for name, member in home.shared["instances"].items()}}


def role_session(home):
    credentials = home.shared["session"]
    return credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"]


def token(home, host):
    return home.client("rds", role_session(home)).generate_db_auth_token(host, 3306, DB_USER, REGION)


def login(home, host, **more):
    return home.connect(host, user=DB_USER, password=token(home, host), database="mydb", **more)


@suite.test
def an_engineer_has_a_key_of_his_own(home):
    home.aws("iam", "create-user", "--user-name", "engineer")
    home.aws("iam", "attach-user-policy", "--user-name", "engineer", "--policy-arn",
             "arn:aws:iam::aws:policy/AdministratorAccess")
    key = home.aws("iam", "create-access-key", "--user-name", "engineer")["AccessKey"]
    home.shared["engineer"] = key["AccessKeyId"], key["SecretAccessKey"], None
    caller = home.aws("sts", "get-caller-identity", keys=home.shared["engineer"])
    assert caller["Arn"].endswith(":user/engineer"), caller
    home.shared["account"] = caller["Account"]


@suite.test
def three_subnets_and_a_security_group(home):
    keys = home.shared["engineer"]
    vpc = home.aws("ec2", "describe-vpcs", "--filters", "Name=is-default,Values=true", keys=keys)["Vpcs"][0]["VpcId"]
    home.shared["subnets"] = [
        home.aws("ec2", "create-subnet", "--vpc-id", vpc, "--availability-zone", REGION + letter, "--cidr-block", cidr,
                 keys=keys)["Subnet"]["SubnetId"]
        for letter, cidr in CIDRS.items()]
    group = home.aws("ec2", "create-security-group", "--group-name", "database", "--description", "3306 from itself",
                     "--vpc-id", vpc, keys=keys)["GroupId"]
    home.aws("ec2", "authorize-security-group-ingress", "--group-id", group, "--protocol", "tcp", "--port", "3306",
             "--source-group", group, keys=keys)
    home.shared["security_group"] = group
    tables = home.aws("ec2", "describe-route-tables", keys=keys)["RouteTables"]
    assert tables and all(table["VpcId"] == vpc for table in tables), tables


@suite.test
def a_db_subnet_group_over_them(home):
    keys = home.shared["engineer"]
    home.aws("rds", "create-db-subnet-group", "--db-subnet-group-name", "Private", "--db-subnet-group-description",
             "three zones", "--subnet-ids", *home.shared["subnets"], keys=keys)
    group = home.aws("rds", "describe-db-subnet-groups", "--db-subnet-group-name", "private",
                     keys=keys)["DBSubnetGroups"][0]
    zones = {subnet["SubnetAvailabilityZone"]["Name"] for subnet in group["Subnets"]}
    assert group["DBSubnetGroupName"] == "private", group
    assert zones == {REGION + letter for letter in CIDRS}, group
    assert group["SubnetGroupStatus"] == "Complete", group


@suite.test
def a_cluster_becomes_available(home):
    created = home.aws(
        "rds", "create-db-cluster", "--db-cluster-identifier", "demo", "--engine", "mysql",
        "--db-cluster-instance-class", "db.t3.micro", "--allocated-storage", "20", "--storage-type", "gp3",
        "--master-username", MASTER, "--master-user-password", MASTER_PASSWORD, "--db-subnet-group-name", "private",
        "--vpc-security-group-ids", home.shared["security_group"], "--enable-iam-database-authentication",
        "--tags", "Key=team,Value=blue", keys=home.shared["engineer"])["DBCluster"]
    assert created["Status"] == "creating", created
    assert created["IAMDatabaseAuthenticationEnabled"] is True, created
    home.shared["cluster"] = home.wait_available()
    home.aws("rds", "wait", "db-cluster-available", "--db-cluster-identifier", "demo", keys=home.shared["engineer"])
    took = home.wait_event("cluster.available")["ms"]
    return f"available {int(took) / 1000:.2f} s after it was asked for"


@suite.test
def it_describes_itself_as_rds_does(home):
    cluster = home.aws("rds", "describe-db-clusters", keys=home.shared["engineer"])["DBClusters"][0]
    assert cluster["Status"] == "available" and cluster["Engine"] == "mysql", cluster
    assert cluster["MultiAZ"] is True and cluster["Port"] == 3306, cluster
    assert cluster["DbClusterResourceId"].startswith("cluster-"), cluster
    assert cluster["DBSubnetGroup"] == "private", cluster
    assert ".cluster-" in cluster["Endpoint"] and ".cluster-ro-" in cluster["ReaderEndpoint"], cluster
    roles = [member["IsClusterWriter"] for member in cluster["DBClusterMembers"]]
    assert sorted(roles) == [False, False, True], cluster
    described = home.client("rds").describe_db_instances(
        Filters=[{"Name": "db-cluster-id", "Values": ["demo"]}])["DBInstances"]
    home.shared["instances"] = {instance["DBInstanceIdentifier"]: instance for instance in described}
    assert len(described) == 3, described
    assert {i["AvailabilityZone"] for i in described} == {REGION + letter for letter in CIDRS}, described
    home.client("rds").get_waiter("db_instance_available").wait(
        DBInstanceIdentifier=cluster["DBClusterMembers"][0]["DBInstanceIdentifier"],
        WaiterConfig={"Delay": 1, "MaxAttempts": 30})


@suite.test
def names_resolve(home):
    names = endpoints(home)
    for name in names.values():
        assert socket.gethostbyname(name).startswith(home.prefix + "."), name
    assert len({socket.gethostbyname(name) for name in names.values()}) == 5, names


@suite.test
def engine_versions_and_classes_are_offered(home):
    keys = home.shared["engineer"]
    versions = home.aws("rds", "describe-db-engine-versions", "--engine", "mysql", keys=keys)["DBEngineVersions"]
    assert [v["EngineVersion"] for v in versions] == [home.shared["cluster"]["EngineVersion"]], versions
    options = home.aws("rds", "describe-orderable-db-instance-options", "--engine", "mysql", "--db-instance-class",
                       "db.t3.micro", keys=keys)["OrderableDBInstanceOptions"]
    assert options and all(option["SupportsClusters"] for option in options), options


@suite.test
def tags_come_and_go(home):
    arn, keys = home.shared["cluster"]["DBClusterArn"], home.shared["engineer"]

    def tags():
        listed = home.aws("rds", "list-tags-for-resource", "--resource-name", arn, keys=keys)["TagList"]
        return {tag["Key"]: tag["Value"] for tag in listed}
    assert tags() == {"team": "blue"}, tags()
    home.aws("rds", "add-tags-to-resource", "--resource-name", arn, "--tags", "Key=stage,Value=test",
             "Key=team,Value=red", keys=keys)
    assert tags() == {"team": "red", "stage": "test"}, tags()
    home.aws("rds", "remove-tags-from-resource", "--resource-name", arn, "--tag-keys", "stage", keys=keys)
    assert tags() == {"team": "red"}, tags()


@suite.test
def the_master_makes_database_and_user(home):
    host = home.shared["cluster"]["Endpoint"]
    with contextlib.closing(home.connect(host)) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE mydb")
        cursor.execute(f"CREATE USER {DB_USER} IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'")
        cursor.execute(f"GRANT ALL PRIVILEGES ON mydb.* TO '{DB_USER}'@'%'")
        cursor.execute("CREATE TABLE mydb.notes (id INT PRIMARY KEY AUTO_INCREMENT, text VARCHAR(40))")
        cursor.execute("SELECT VERSION()")
        assert cursor.fetchone()[0].startswith("9.7."), "the engine's version"


@suite.test
def a_role_may_connect_as_that_user(home):
    keys, account = home.shared["engineer"], home.shared["account"]
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "sts:AssumeRole"}]}
    home.aws("iam", "create-role", "--role-name", "function", "--assume-role-policy-document", json.dumps(trust),
             keys=keys)
    resource = f"arn:aws:rds-db:{REGION}:{account}:dbuser:{home.shared['cluster']['DbClusterResourceId']}/{DB_USER}"
    policy = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "rds-db:connect", "Resource": resource}]}
    made = home.aws("iam", "create-policy", "--policy-name", "connect", "--policy-document", json.dumps(policy),
                    keys=keys)["Policy"]
    for arn in (made["Arn"], "arn:aws:iam::aws:policy/AmazonRDSDataFullAccess",
                "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
                "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"):
        home.aws("iam", "attach-role-policy", "--role-name", "function", "--policy-arn", arn, keys=keys)
    session = home.aws("sts", "assume-role", "--role-arn", f"arn:aws:iam::{account}:role/function",
                       "--role-session-name", "invocation-1", keys=keys)
    home.shared["session"] = session["Credentials"]
    home.shared["principal"] = session["AssumedRoleUser"]["Arn"]
    assert home.shared["principal"] == f"arn:aws:sts::{account}:assumed-role/function/invocation-1", session


@suite.test
def select_1_with_a_token_through_every_endpoint(home):
    for kind, host in endpoints(home).items():
        with contextlib.closing(login(home, host)) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            assert cursor.fetchall() == ((1,),), kind
            cursor.execute("SELECT @@external_user, CURRENT_USER(), DATABASE()")
            assert cursor.fetchone() == (home.shared["principal"], f"{DB_USER}@%", "mydb"), kind
            cursor.execute("SHOW STATUS LIKE 'Ssl_version'")
            assert cursor.fetchone()[1].startswith("TLSv1."), kind


@suite.test
def the_cli_makes_tokens_too(home):
    host = home.shared["cluster"]["Endpoint"]
    text = home.aws("rds", "generate-db-auth-token", "--hostname", host, "--port", "3306", "--username", DB_USER,
                    keys=role_session(home))
    assert home.sql(host, "SELECT 1", user=DB_USER, password=text) == ((1,),)


@suite.test
def the_writer_writes_and_readers_refuse(home):
    cluster = home.shared["cluster"]
    writer = next(m["DBInstanceIdentifier"] for m in cluster["DBClusterMembers"] if m["IsClusterWriter"])
    insert = "INSERT INTO mydb.notes (text) VALUES ('by token')"
    hosts = endpoints(home)
    for kind in ("writer", writer):
        home.sql(hosts.pop(kind), insert, user=DB_USER, password=token(home, endpoints(home)[kind]))
    for kind, host in hosts.items():
        with contextlib.closing(login(home, host)) as connection, connection.cursor() as cursor:
            try:
                cursor.execute(insert)
                raise RuntimeError(f"{kind} took a write")
            except pymysql.err.MySQLError as error:
                assert error.args[0] == READ_ONLY, error
            wait_until("both rows at the reader", lambda cursor=cursor: count(cursor) == 2, 10)


def count(cursor):
    cursor.execute("SELECT COUNT(*) FROM mydb.notes")
    return cursor.fetchone()[0]


@suite.test
def the_reader_endpoint_uses_both_readers(home):
    seen = set()
    with contextlib.ExitStack() as stack:
        for _ in range(6):  # held open, so that the fewest connections count
            connection = stack.enter_context(contextlib.closing(login(home, home.shared["cluster"]["ReaderEndpoint"])))
            with connection.cursor() as cursor:
                cursor.execute("SELECT @@server_id, @@super_read_only")
                server, read_only = cursor.fetchone()
                assert read_only == 1
                seen.add(server)
    assert len(seen) == 2, seen


@suite.test
def the_certificate_is_checked(home):
    """A client with another CA does not connect, and one that wants the name gets the right one."""
    host = home.shared["cluster"]["Endpoint"]
    try:
        home.connect(host, ssl={"ca": "/etc/ssl/certs/ca-certificates.crt"}).close()
        raise RuntimeError("another authority's bundle was enough")
    except pymysql.err.OperationalError as error:
        assert "CERTIFICATE_VERIFY_FAILED" in str(error), error
    assert home.sql(socket.gethostbyname(host), "SELECT 1") == ((1,),)  # the address is in the certificate too


@suite.test
def logins_are_in_the_log_with_principal(home):
    accepted = wait_until("a login", lambda: home.audit_records(kind="login", verdict="accepted"), 10)
    assert all(record["principal"] == home.shared["principal"] for record in accepted), accepted[-1:]
    assert "X-Amz-Signature" not in pathlib.Path(home.log_path).read_text(encoding="utf-8"), "a token is in the log"


@suite.test
def deleting_an_unknown_cluster_is_refused(home):
    rds = home.client("rds")
    try:
        rds.delete_db_cluster(DBClusterIdentifier="nobody", SkipFinalSnapshot=True)
        raise RuntimeError("an unknown cluster was deleted")
    except rds.exceptions.DBClusterNotFoundFault:
        pass


@suite.test
def deleting_leaves_nothing(home):
    home.aws("rds", "delete-db-cluster", "--db-cluster-identifier", "demo", "--skip-final-snapshot",
             keys=home.shared["engineer"])
    home.client("rds").get_waiter("db_cluster_deleted").wait(
        DBClusterIdentifier="demo", WaiterConfig={"Delay": 1, "MaxAttempts": 90})
    left = {pid: line for pid, line in processes_of(home.folder).items() if pid != home.daemon.pid}
    assert not left, left
    for last in range(1, 6):
        for port in (3306, 33060):
            with contextlib.closing(socket.socket()) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that ended may linger
                probe.bind((f"{home.prefix}.0.{last}", port))
                probe.listen()
    assert not any((home.path / "clusters").iterdir()), list((home.path / "clusters").iterdir())
    assert sorted(path.name for path in (home.path / "run").iterdir()) == ["trivetd.lock", "trivetd.sock"], \
        list((home.path / "run").iterdir())
    wait_until("/etc/hosts without our names",
               lambda: home.prefix + "." not in pathlib.Path("/etc/hosts").read_text(encoding="utf-8"), 10)
    home.aws("rds", "delete-db-subnet-group", "--db-subnet-group-name", "private", keys=home.shared["engineer"])


if __name__ == "__main__":
    suite.main()
