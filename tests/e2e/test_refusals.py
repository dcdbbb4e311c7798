# SPDX-License-Identifier: Apache-2.0
"""Logins with tokens that must not work: each is refused, and the daemon's log has its own reason for the
operator, which the client is not told."""
import contextlib
import datetime
import json
import pathlib
import sys

import pymysql

from harness import REGION
from sigv4 import database_token, utc_now
from suite import Suite
from waiting import wait_until

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "plugin"))
from engine import RawClient  # noqa: E402

ACCESS_DENIED, TLS_REQUIRED = 1045, 3159
suite = Suite(__file__)


def policy(effect, *resources):
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": effect, "Action": "rds-db:connect", "Resource": list(resources)}]})


def dbuser(home, user, cluster="demo"):
    resource_id = home.shared[cluster]["DbClusterResourceId"]
    return f"arn:aws:rds-db:{REGION}:{home.facts['account_id']}:dbuser:{resource_id}/{user}"


def new_user(home, name, *policies):
    """An IAM user's keys."""
    iam = home.client("iam")
    iam.create_user(UserName=name)
    for number, document in enumerate(policies):
        iam.put_user_policy(UserName=name, PolicyName=f"p{number}", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"], None


def role_keys(home, name, *policies):
    """The keys of a session of a new role, taken by a user."""
    iam, account = home.client("iam"), home.facts["account_id"]
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "sts:AssumeRole"}]}
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    for number, document in enumerate(policies):
        iam.put_role_policy(RoleName=name, PolicyName=f"p{number}", PolicyDocument=document)
    taken = home.client("sts", home.shared["jane"]).assume_role(RoleArn=f"arn:aws:iam::{account}:role/{name}",
                                                                RoleSessionName="test")["Credentials"]
    return taken["AccessKeyId"], taken["SecretAccessKey"], taken["SessionToken"]


@suite.setup
def two_clusters(home):
    """`demo` takes tokens, `plain` does not."""
    home.ensure_subnet_group()
    rds = home.client("rds")
    for name in ("demo", "plain"):
        rds.create_db_cluster(**home.cluster_parameters(name, EnableIAMDatabaseAuthentication=name == "demo"))
    for name in ("demo", "plain"):
        home.shared[name] = home.wait_available(name)
        for user in ("jane", "tom"):
            home.sql(home.shared[name]["Endpoint"],
                     f"CREATE USER {user} IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'")
    assume = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}]})
    home.shared["host"] = home.shared["demo"]["Endpoint"]
    home.shared["jane"] = new_user(home, "jane", policy("Allow", dbuser(home, "jane"), dbuser(home, "jane", "plain")),
                                   assume)


def make(home, **more):
    """A good token of jane's, except for what `more` says."""
    given = {"keys": home.shared["jane"], "host": home.shared["host"], "port": 3306, "user": "jane", "region": REGION,
             **more}
    return database_token(**given)


def refused(home, reason, token, user="jane", host=None):
    """The login fails as an access denied, and its one line in the log has this reason and no token."""
    before = home.log_size()
    try:
        home.connect(host or home.shared["host"], user=user, password=token).close()
        raise RuntimeError(f"logged in; expected a refusal for {reason}")
    except pymysql.err.OperationalError as error:
        assert error.args[0] == ACCESS_DENIED, error
        assert reason not in error.args[1], "the client is told too much"
    event = home.wait_event("login.refused", before, 10)
    assert event["reason"] == reason, event
    assert len(home.events("login.refused", before)) == 1, home.events("login.refused", before)
    assert "Signature=" not in json.dumps(event), event
    return event["detail"]


def good_login(home):
    assert home.sql(home.shared["host"], "SELECT 1", user="jane", password=make(home)) == ((1,),)


@suite.test
def a_good_token_first(home):
    good_login(home)
    ours = make(home, when=utc_now())
    theirs = home.client("rds", home.shared["jane"]).generate_db_auth_token(home.shared["host"], 3306, "jane", REGION)
    assert sorted(ours.partition("?")[0]) == sorted(theirs.partition("?")[0])
    assert len(ours) == len(theirs), (ours, theirs)


@suite.test
def expired(home):
    return refused(home, "expired", make(home, when=utc_now() - datetime.timedelta(seconds=903)))


@suite.test
def not_yet_valid(home):
    return refused(home, "not-yet-valid", make(home, when=utc_now() + datetime.timedelta(seconds=400)))


@suite.test
def asks_to_live_too_long(home):
    return refused(home, "expires-too-long", make(home, expires=901))


@suite.test
def made_for_another_user(home):
    return refused(home, "user-mismatch", make(home, user="tom"))


@suite.test
def made_for_another_cluster(home):
    return refused(home, "host-mismatch", make(home, host=home.shared["plain"]["Endpoint"]))


@suite.test
def made_for_another_port(home):
    return refused(home, "host-mismatch", make(home, port=3307))


@suite.test
def made_for_another_region(home):
    return refused(home, "region-mismatch", make(home, region="eu-west-1"))


@suite.test
def tampered_with(home):
    good = make(home)
    last = "0" if good[-1] != "0" else "1"
    refused(home, "bad-signature", good[:-1] + last)
    refused(home, "bad-signature", good.replace("DBUser=jane", "DBUser=tom"), user="tom")
    return refused(home, "bad-signature", good.replace("X-Amz-Expires=900", "X-Amz-Expires=899"))


@suite.test
def not_a_token(home):
    return refused(home, "malformed", "correct-horse-1")


@suite.test
def no_token_at_all(home):
    return refused(home, "empty", "")


@suite.test
def of_an_unknown_key(home):
    return refused(home, "unknown-key", make(home, keys=("AKIAIOSFODNN7EXAMPLE", "secret", None)))


@suite.test
def of_a_deactivated_key(home):
    keys = new_user(home, "idle", policy("Allow", dbuser(home, "jane")))
    token = make(home, keys=keys)
    assert home.sql(home.shared["host"], "SELECT 1", user="jane", password=token) == ((1,),)
    home.client("iam").update_access_key(UserName="idle", AccessKeyId=keys[0], Status="Inactive")
    detail = refused(home, "inactive-key", token)
    home.client("iam").update_access_key(UserName="idle", AccessKeyId=keys[0], Status="Active")
    assert home.sql(home.shared["host"], "SELECT 1", user="jane", password=token) == ((1,),)
    return detail


@suite.test
def of_a_deleted_role(home):
    keys = role_keys(home, "short-lived", policy("Allow", dbuser(home, "jane")))
    token = make(home, keys=keys)
    assert home.sql(home.shared["host"], "SELECT 1", user="jane", password=token) == ((1,),)
    iam = home.client("iam")
    iam.delete_role_policy(RoleName="short-lived", PolicyName="p0")
    refused(home, "implicit-deny", token)
    iam.delete_role(RoleName="short-lived")
    return refused(home, "principal-deleted", token)


@suite.test
def a_session_without_its_token(home):
    access_key_id, secret, session_token = role_keys(home, "session", policy("Allow", dbuser(home, "jane")))
    good = access_key_id, secret, session_token
    assert home.sql(home.shared["host"], "SELECT 1", user="jane", password=make(home, keys=good)) == ((1,),)
    return refused(home, "session-token", make(home, keys=(access_key_id, secret, None)))


@suite.test
def explicitly_denied(home):
    keys = new_user(home, "denied", policy("Allow", "arn:aws:rds-db:*:*:dbuser:*/*"),
                    policy("Deny", dbuser(home, "jane")))
    assert home.sql(home.shared["host"], "SELECT 1", user="tom",
                    password=make(home, keys=keys, user="tom")) == ((1,),)
    return refused(home, "explicit-deny", make(home, keys=keys))


@suite.test
def without_permission(home):
    nobody = new_user(home, "nobody")
    refused(home, "implicit-deny", make(home, keys=nobody))
    elsewhere = new_user(home, "elsewhere", policy("Allow", dbuser(home, "jane", "plain")))
    refused(home, "implicit-deny", make(home, keys=elsewhere))
    return refused(home, "implicit-deny", make(home, user="tom"), user="tom")


@suite.test
def permission_taken_away_and_given_back(home):
    keys = new_user(home, "fickle", policy("Allow", dbuser(home, "jane")))
    token, iam = make(home, keys=keys), home.client("iam")
    assert home.sql(home.shared["host"], "SELECT 1", user="jane", password=token) == ((1,),)
    iam.delete_user_policy(UserName="fickle", PolicyName="p0")
    refused(home, "implicit-deny", token)
    iam.put_user_policy(UserName="fickle", PolicyName="p0", PolicyDocument=policy("Allow", dbuser(home, "jane")))
    assert home.sql(home.shared["host"], "SELECT 1", user="jane", password=token) == ((1,),)


@suite.test
def where_iam_authentication_is_disabled(home):
    host = home.shared["plain"]["Endpoint"]
    return refused(home, "iam-disabled", make(home, host=host), host=host)


@suite.test
def without_tls_the_password_is_never_asked_for(home):
    """By a client that shows each packet: PyMySQL would send the token in clear, and nobody may ask it to."""
    def logins_until_now():
        """The accepted ones, up to one that it makes."""
        number = home.sql(home.shared["host"], "SELECT CONNECTION_ID()", user="jane", password=make(home))[0][0]

        def last():
            records = home.audit_records(kind="login", verdict="accepted")
            return records if records and records[-1]["connection_id"] == number else None
        return len(wait_until("its record", last, 10))
    before = logins_until_now()
    instances = home.client("rds").describe_db_instances(
        Filters=[{"Name": "db-cluster-id", "Values": ["demo"]}])["DBInstances"]
    hosts = [home.shared["host"], home.shared["demo"]["ReaderEndpoint"],
             *(instance["Endpoint"]["Address"] for instance in instances)]
    for host in hosts:
        class Server:  # what RawClient wants to know of one
            address, port = host, 3306
        client = RawClient(Server, source=f"{home.prefix}.200.9")
        with contextlib.closing(client):
            client.respond(b"jane")
            packet = client.read()
            assert packet[0] == 0xFF, f"{host} answered with {packet!r}"
            assert int.from_bytes(packet[1:3], "little") in (TLS_REQUIRED, ACCESS_DENIED), packet
            assert b"mysql_clear_password" not in packet, packet
            assert client.read() is None, "the connection goes on"
    size = home.log_size()
    try:
        home.connect(home.shared["host"], user="jane", password=make(home), ssl=None).close()
        raise RuntimeError("logged in without TLS")
    except pymysql.err.OperationalError as error:
        assert error.args[0] == TLS_REQUIRED, error
    event = home.wait_event("login.refused", size, 10)
    assert (event["reason"], event["user"]) == ("no-tls", "'jane'"), event
    refusals = home.audit_records(kind="login", verdict="refused", reason="no-tls")
    assert refusals and refusals[-1]["cluster"] == "demo" and not refusals[-1].get("tls"), refusals
    assert logins_until_now() == before + 1


@suite.test
def a_wrong_password_of_the_master(home):
    error = home.sql_error(home.shared["host"], "SELECT 1", password="wrong-horse-1")
    assert error == ACCESS_DENIED, error


@suite.test
def a_good_token_still_works_at_the_end(home):
    good_login(home)


if __name__ == "__main__":
    suite.main()
