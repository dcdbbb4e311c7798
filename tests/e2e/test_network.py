# SPDX-License-Identifier: Apache-2.0
"""Networks as AWS has them, with the AWS CLI, boto3 and PyMySQL standing where a function would stand (`trivet
network exec`): who reaches a cluster, who reaches the outside, what names mean; and afterwards nothing is left."""
import hashlib
import json
import os
import pathlib
import re
import socket
import subprocess
import time

import botocore.exceptions

from harness import BIN, MASTER, MASTER_PASSWORD, REGION, plain_environment
from outside import outside_host, run
from suite import Suite
from waiting import wait_until

suite = Suite(__file__, in_order=True, hosts="yes")
ZONES = "abc"
TIMED_OUT = 75  # what LOGIN and REACH exit with

LOGIN = """
import sys, pymysql
host, ca, password = sys.argv[1:4]
try:
    connection = pymysql.connect(host=host, user="admin", password=password, ssl={"ca": ca}, connect_timeout=2)
except pymysql.err.OperationalError as error:
    print(error, file=sys.stderr)
    sys.exit(75 if "timed out" in str(error) else 1)
with connection.cursor() as cursor:
    cursor.execute("SELECT @@server_id, @@super_read_only")
    print(*cursor.fetchone())
"""
REACH = """
import socket, sys
try:
    with socket.create_connection((sys.argv[1], int(sys.argv[2])), 2) as connection:
        print(connection.recv(100).decode())
except TimeoutError:
    sys.exit(75)
"""


def inside(home, subnet, groups, *command, check=True):
    """What a command says that stands in this subnet with these groups."""
    words = [BIN / "trivet", "--home", home.path, "network", "exec"]
    words += ["--subnet", subnet] if subnet else []
    for group in groups:
        words += ["--security-group", group]
    key, secret, _ = home.root_keys
    environment = plain_environment(AWS_ACCESS_KEY_ID=key, AWS_SECRET_ACCESS_KEY=secret, AWS_DEFAULT_REGION=REGION)
    return run(*words, "--", *command, check=check, env=environment)


def login(home, host, subnet=None, groups=None, check=True):
    shared = home.shared
    return inside(home, subnet or shared["subnets"][0], groups or [shared["app"]], "/usr/bin/python3", "-c", LOGIN,
                  host, home.ca, MASTER_PASSWORD, check=check)


def network(home):
    return home.admin("GET", "/network")[1]


def names_of(home):
    """What of this installation the kernel has: (namespaces, interfaces, tables)."""
    home_id = json.loads((home.path / "config.json").read_text(encoding="utf-8"))["id"]
    prefix = "tv" + hashlib.sha256(home_id.encode()).hexdigest()[:6]
    folder = pathlib.Path("/run/netns")
    spaces = [path.name for path in folder.glob(prefix + "*")] if folder.exists() else []
    links = [name for name in os.listdir("/sys/class/net") if name.startswith(prefix)]
    tables = [line for line in run("nft", "list", "tables").stdout.splitlines() if prefix in line]
    return spaces, links, tables


def reach(home, subnet, host, port=80, groups=None, check=True):
    return inside(home, subnet, groups or [home.shared["app"]], "/usr/bin/python3", "-c", REACH, host, port,
                  check=check)


@suite.test
def networks_are_enforced(home):
    home.shared["forwarding"] = pathlib.Path("/proc/sys/net/ipv4/ip_forward").read_text(encoding="ascii")
    found = wait_until("the default VPC in the kernel", lambda: network(home)["vpcs"] and network(home), 20)
    assert found["enforced"] is True and found["host_access"] == "open" and not found["trouble"], found


@suite.test
def a_private_network(home):
    ec2 = home.client("ec2")
    vpc = home.aws("ec2", "create-vpc", "--cidr-block", "10.20.0.0/16")["Vpc"]["VpcId"]
    home.aws("ec2", "modify-vpc-attribute", "--vpc-id", vpc, "--enable-dns-hostnames")
    table = home.aws("ec2", "create-route-table", "--vpc-id", vpc)["RouteTable"]["RouteTableId"]
    subnets = []
    for number, zone in enumerate(ZONES):
        made = ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.20.{number}.0/24",
                                 AvailabilityZone=REGION + zone)["Subnet"]["SubnetId"]
        ec2.associate_route_table(RouteTableId=table, SubnetId=made)
        subnets.append(made)
    app = ec2.create_security_group(GroupName="app", Description="functions", VpcId=vpc)["GroupId"]
    database = ec2.create_security_group(GroupName="database", Description="3306", VpcId=vpc)["GroupId"]
    home.aws("ec2", "authorize-security-group-ingress", "--group-id", database, "--protocol", "tcp", "--port", "3306",
             "--source-group", app)
    home.aws("rds", "create-db-subnet-group", "--db-subnet-group-name", "private", "--db-subnet-group-description",
             "three zones", "--subnet-ids", *subnets)
    home.shared.update(vpc=vpc, table=table, subnets=subnets, app=app, database=database)


@suite.test
def what_depends_is_not_deleted(home):
    ec2, shared = home.client("ec2"), home.shared
    for call, arguments, code in (
            (ec2.delete_vpc, {"VpcId": shared["vpc"]}, "DependencyViolation"),
            (ec2.delete_route_table, {"RouteTableId": shared["table"]}, "DependencyViolation"),
            (ec2.delete_subnet, {"SubnetId": shared["subnets"][0]}, "DependencyViolation"),
            (ec2.delete_security_group, {"GroupId": shared["app"]}, "DependencyViolation"),
            (ec2.create_subnet, {"VpcId": shared["vpc"], "CidrBlock": "10.20.0.128/25"}, "InvalidSubnet.Conflict"),
            (ec2.create_subnet, {"VpcId": shared["vpc"], "CidrBlock": "10.21.0.0/24"}, "InvalidSubnet.Range"),
            (ec2.create_vpc, {"CidrBlock": "10.0.0.0/8"}, "InvalidVpc.Range")):
        try:
            call(**arguments)
            raise RuntimeError(f"{call} {arguments} worked")
        except botocore.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] == code, (arguments, error)


@suite.test
def a_cluster_has_five_addresses_in_its_subnets(home):
    command = ["rds", "create-db-cluster", "--db-cluster-identifier", "demo", "--engine", "mysql",
               "--db-cluster-instance-class", "db.t3.micro", "--allocated-storage", "20", "--storage-type", "gp3",
               "--master-username", MASTER, "--master-user-password", MASTER_PASSWORD, "--db-subnet-group-name",
               "private", "--vpc-security-group-ids", home.shared["database"]]
    ec2, rds = home.client("ec2"), home.client("rds")
    try:
        rds.create_db_cluster(**home.cluster_parameters("demo", DBSubnetGroupName="private", PubliclyAccessible=True))
        raise RuntimeError("a public cluster in a VPC without a gateway")
    except rds.exceptions.InvalidVPCNetworkStateFault:
        pass
    home.shared["gateway"] = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=home.shared["gateway"], VpcId=home.shared["vpc"])
    made = home.aws(*command)["DBCluster"]
    assert made["PubliclyAccessible"] is True, "its VPC has a gateway"
    home.shared["cluster"] = home.wait_available()
    found = home.aws("ec2", "describe-network-interfaces", "--filters", "Name=requester-id,Values=amazon-rds",
                     "Name=vpc-id,Values=" + home.shared["vpc"])["NetworkInterfaces"]
    assert len(found) == 5, found
    assert {interface["Groups"][0]["GroupId"] for interface in found} == {home.shared["database"]}, found
    assert len({interface["SubnetId"] for interface in found}) == 3, found
    home.shared["addresses"] = {interface["PrivateIpAddress"] for interface in found}
    assert all(address.startswith("10.20.") for address in home.shared["addresses"]), found


def endpoints(home):
    instances = home.client("rds").describe_db_instances()["DBInstances"]
    cluster = home.shared["cluster"]
    return [cluster["Endpoint"], cluster["ReaderEndpoint"], *(i["Endpoint"]["Address"] for i in instances)]


@suite.test
def names_mean_addresses_of_the_vpc_inside_and_of_the_host_outside(home):
    names = endpoints(home)
    said = inside(home, home.shared["subnets"][1], [home.shared["app"]], "getent", "ahostsv4", *names).stdout
    found = set(re.findall(r"^(\S+) +STREAM", said, re.M))
    assert found == home.shared["addresses"], (said, home.shared["addresses"])
    assert all(socket.gethostbyname(name).startswith(home.prefix + ".") for name in names)


@suite.test
def a_member_of_the_group_logs_in_everywhere(home):
    seen = {}
    for name in endpoints(home):
        for subnet in (home.shared["subnets"][0], home.shared["subnets"][2]):
            seen[name] = login(home, name, subnet=subnet).stdout.split()
    writer, reader, *instances = (seen[name] for name in endpoints(home))
    assert writer[1] == "0" and reader[1] == "1", seen
    assert len({server for server, _ in instances}) == 3, seen


@suite.test
def somebody_else_does_not(home):
    ec2, shared = home.client("ec2"), home.shared
    other = ec2.create_security_group(GroupName="other", Description="nobody", VpcId=shared["vpc"])["GroupId"]
    shared["other"] = other
    assert login(home, shared["cluster"]["Endpoint"], groups=[other], check=False).returncode == TIMED_OUT
    default = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    subnet = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [default]}])["Subnets"][0]["SubnetId"]
    group = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [default]}])["SecurityGroups"][0]
    shared["default_subnet"], shared["default_group"] = subnet, group["GroupId"]
    from_elsewhere = login(home, shared["cluster"]["Endpoint"], subnet=subnet, groups=[group["GroupId"]], check=False)
    assert from_elsewhere.returncode == TIMED_OUT, from_elsewhere


@suite.test
def a_rule_counts_within_a_second(home):
    ec2, shared = home.client("ec2"), home.shared
    rule = {"GroupId": shared["database"], "IpPermissions": [
        {"IpProtocol": "tcp", "FromPort": 3306, "ToPort": 3306, "UserIdGroupPairs": [{"GroupId": shared["app"]}]}]}
    writer = shared["cluster"]["Endpoint"]
    ec2.revoke_security_group_ingress(**rule)
    begun = time.monotonic()
    wait_until("the end of the rule in the kernel",
               lambda: f"@group_{shared['app'].replace('-', '_')} tcp dport 3306" not in rules_of(home), 1, every=0.02)
    away = time.monotonic() - begun
    assert login(home, writer, check=False).returncode == TIMED_OUT
    ec2.authorize_security_group_ingress(**rule)
    begun = time.monotonic()
    wait_until("the rule in the kernel",
               lambda: f"@group_{shared['app'].replace('-', '_')} tcp dport 3306" in rules_of(home), 1, every=0.02)
    back = time.monotonic() - begun
    login(home, writer)
    return f"gone after {away * 1000:.0f} ms, there after {back * 1000:.0f} ms"


def rules_of(home):
    space = next(name for name in names_of(home)[0] if name.endswith(home.shared["vpc"]))
    return run("ip", "netns", "exec", space, "nft", "list", "table", "inet", "trivet").stdout


@suite.test
def a_private_subnet_reaches_nothing_outside(home):
    subnet = home.shared["subnets"][0]
    with outside_host() as outside:
        assert reach(home, subnet, outside.address, check=False).returncode == TIMED_OUT
    api_host, api_port = home.api_address.split(":")
    assert reach(home, subnet, "169.254.171.2", api_port, check=False).returncode == TIMED_OUT
    assert reach(home, subnet, api_host, api_port, check=False).returncode not in (0, TIMED_OUT)  # its own lo
    unknown = inside(home, subnet, [home.shared["app"]], "getent", "hosts", "api.rds.trivet.internal", check=False)
    assert unknown.returncode == 2, unknown


def open_the_subnet(home, number=0):
    """Gives the subnet a table of its own with a route to the gateway; says which."""
    ec2, vpc, subnet = home.client("ec2"), home.shared["vpc"], home.shared["subnets"][number]
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    tables = ec2.describe_route_tables(
        Filters=[{"Name": "association.subnet-id", "Values": [subnet]}])["RouteTables"]
    association = next(a["RouteTableAssociationId"] for a in tables[0]["Associations"] if a["SubnetId"] == subnet)
    ec2.replace_route_table_association(AssociationId=association, RouteTableId=table)
    home.aws("ec2", "create-route", "--route-table-id", table, "--destination-cidr-block", "0.0.0.0/0",
             "--gateway-id", home.shared["gateway"])
    home.shared.update(open_table=table)
    return subnet


@suite.test
def a_subnet_with_a_route_goes_out_with_the_hosts_address(home):
    subnet = open_the_subnet(home)
    with outside_host() as outside:
        wait_until("a way out", lambda: reach(home, subnet, outside.address, check=False).returncode == 0, 5)
        assert reach(home, subnet, outside.address).stdout.strip() == outside.gateway
        assert reach(home, home.shared["subnets"][1], outside.address, check=False).returncode == TIMED_OUT
        without_vpc = reach(home, None, outside.address, groups=[])
        assert without_vpc.stdout.strip() == outside.gateway, "a function without a VPC goes out too"
        # Not in again, and not to the host itself.
        assert reach(home, subnet, outside.gateway, 22, check=False).returncode == TIMED_OUT
    identity = inside(home, subnet, [home.shared["app"]], "/usr/bin/python3", "-c", """
import boto3, os
print(boto3.client("sts", endpoint_url=os.environ["AWS_ENDPOINT_URL"]).get_caller_identity()["Arn"])
""")
    assert identity.stdout.strip().endswith(":root"), identity
    home.aws("ec2", "delete-route", "--route-table-id", home.shared["open_table"], "--destination-cidr-block",
             "0.0.0.0/0")
    with outside_host() as outside:
        assert reach(home, subnet, outside.address, check=False).returncode == TIMED_OUT


@suite.test
def an_endpoint_brings_the_api_into_a_private_subnet(home):
    vpc, subnet = home.shared["vpc"], home.shared["subnets"][1]
    endpoint = home.aws("ec2", "create-vpc-endpoint", "--vpc-id", vpc, "--vpc-endpoint-type", "Interface",
                        "--service-name", f"com.amazonaws.{REGION}.sts", "--subnet-ids", subnet,
                        "--security-group-ids", home.shared["other"])["VpcEndpoint"]["VpcEndpointId"]
    who = ("aws", "--cli-connect-timeout", "2", "sts", "get-caller-identity", "--output", "text", "--query", "Arn")
    ask = ("sh", "-c", "AWS_MAX_ATTEMPTS=1 exec " + " ".join(who) + ' --endpoint-url "$AWS_ENDPOINT_URL"')
    assert inside(home, subnet, [home.shared["app"]], *ask, check=False).returncode != 0, "no rule lets it in"
    port = home.api_address.split(":")[1]
    home.aws("ec2", "authorize-security-group-ingress", "--group-id", home.shared["other"], "--protocol", "tcp",
             "--port", port, "--source-group", home.shared["app"])
    said = wait_until("the API", lambda: inside(home, subnet, [home.shared["app"]], *ask, check=False).stdout, 20)
    assert said.strip().endswith(":root"), said
    home.aws("ec2", "delete-vpc-endpoints", "--vpc-endpoint-ids", endpoint)


@suite.test
def the_host_obeys_the_groups_when_it_is_told(home):
    host, group = home.shared["cluster"]["Endpoint"], home.shared["database"]
    assert home.sql(host, "SELECT 1") == ((1,),)
    said = run(BIN / "trivet", "--home", home.path, "network", "--host-access", "security-groups")
    assert "demo will time out" in said.stderr and "security-groups" in said.stdout, said
    assert home.sql_error(host, "SELECT 1") is not None, "in force when the command ends"
    login(home, host)
    home.aws("ec2", "authorize-security-group-ingress", "--group-id", group, "--protocol", "tcp", "--port", "3306",
             "--cidr", "127.0.0.0/8")
    for name in endpoints(home):
        wait_until(f"a login to {name}", lambda name=name: home.sql_error(name, "SELECT 1") is None, 10)
    home.aws("ec2", "revoke-security-group-ingress", "--group-id", group, "--protocol", "tcp", "--port", "3306",
             "--cidr", "127.0.0.0/8")
    home.wait_whole()  # replication and the daemon's own logins go on
    run(BIN / "trivet", "--home", home.path, "network", "--host-access", "open")
    wait_until("open doors", lambda: home.sql_error(host, "SELECT 1") is None, 10)


@suite.test
def what_somebody_deleted_is_made_again(home):
    space = next(name for name in names_of(home)[0] if name.endswith(home.shared["vpc"]))
    after = home.log_size()
    run("ip", "netns", "del", space)
    home.wait_event("network.made_again", after, seconds=20)
    wait_until("a login", lambda: login(home, home.shared["cluster"]["Endpoint"], check=False).returncode == 0, 30)


@suite.test
def a_failover_is_followed_inside(home):
    before = login(home, home.shared["cluster"]["Endpoint"]).stdout.split()
    home.aws("rds", "failover-db-cluster", "--db-cluster-identifier", "demo")
    wait_until("another writer", lambda: login(home, home.shared["cluster"]["Endpoint"],
                                               check=False).stdout.split()[:1] not in ([], before[:1]), 60)
    home.wait_whole()


@suite.test
def a_killed_daemon_leaves_nothing_that_the_next_one_does_not_repair(home):
    home.kill_daemon()
    assert names_of(home)[0], "the kernel has them still"
    home.start()
    wait_until("a login", lambda: login(home, home.shared["cluster"]["Endpoint"], check=False).returncode == 0, 60)
    environments = [name for name in names_of(home)[0] if "-vpc-" not in name and not name.endswith("outside")]
    assert not environments, environments


@suite.test
def a_place_is_given_back(home):
    found = home.client("ec2").describe_network_interfaces(
        Filters=[{"Name": "interface-type", "Values": ["lambda"]}])["NetworkInterfaces"]
    assert not found and network(home)["environments"] == 0, found
    holder = subprocess.Popen(["sleep", "60"])
    try:
        status, place = home.admin("POST", "/network/lease", {
            "subnet_ids": home.shared["subnets"], "security_group_ids": [home.shared["app"]], "pid": holder.pid})
        assert status == 200 and os.path.exists(place["netns_path"]), place
        shown = home.aws("ec2", "describe-network-interfaces", "--network-interface-ids",
                         place["id"])["NetworkInterfaces"][0]
        assert shown["InterfaceType"] == "lambda" and shown["PrivateIpAddress"] == place["address"], shown
    finally:
        holder.kill()
        holder.wait(10)
    assert network(home)["environments"] == 0, "its process is gone"
    assert not os.path.exists(place["netns_path"])
    begun = time.monotonic()
    for _ in range(10):
        status, place = home.admin("POST", "/network/lease", {
            "subnet_ids": home.shared["subnets"], "security_group_ids": [home.shared["app"]], "pid": os.getpid()})
        assert status == 200, place
        home.admin("POST", "/network/release", {"id": place["id"]})
    return f"a place comes and goes in {(time.monotonic() - begun) * 100:.0f} ms"


@suite.test
def everything_goes(home):
    ec2, shared = home.client("ec2"), home.shared
    home.aws("rds", "delete-db-cluster", "--db-cluster-identifier", "demo", "--skip-final-snapshot")
    wait_until("the end of the cluster", lambda: home.cluster_status() is None, 60)
    wait_until("the end of its interfaces", lambda: not ec2.describe_network_interfaces()["NetworkInterfaces"], 10)
    home.aws("rds", "delete-db-subnet-group", "--db-subnet-group-name", "private")
    for subnet in shared["subnets"]:
        ec2.delete_subnet(SubnetId=subnet)
    ec2.detach_internet_gateway(InternetGatewayId=shared["gateway"], VpcId=shared["vpc"])
    ec2.delete_internet_gateway(InternetGatewayId=shared["gateway"])
    for table in (shared["table"], shared["open_table"]):
        ec2.delete_route_table(RouteTableId=table)
    # The groups name each other: rules go before groups.
    for group in (shared["database"], shared["other"]):
        rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
        ids = [rule["SecurityGroupRuleId"] for rule in rules["SecurityGroupRules"] if not rule["IsEgress"]]
        if ids:
            ec2.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=ids)
    for group in (shared["database"], shared["other"], shared["app"]):
        ec2.delete_security_group(GroupId=group)
    ec2.delete_vpc(VpcId=shared["vpc"])
    wait_until("the end of the namespace",
               lambda: not any(name.endswith(shared["vpc"]) for name in names_of(home)[0]), 10)


@suite.test
def after_down_nothing_is_left(home):
    status, answer = home.admin("POST", "/stop", {"members": True}, seconds=200)
    assert status == 200, answer
    assert home.daemon.wait(60) == 0, home.log_tail()
    assert names_of(home) == ([], [], []), names_of(home)
    # Another test's home may have a way out just now.
    if not any(name.startswith("tv") for name in os.listdir("/sys/class/net")):
        now = pathlib.Path("/proc/sys/net/ipv4/ip_forward").read_text(encoding="ascii")
        assert now == home.shared["forwarding"] or now == "0\n", now


if __name__ == "__main__":
    suite.main()
