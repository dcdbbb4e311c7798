# SPDX-License-Identifier: Apache-2.0
"""Database sessions that tokens let in end with what let them in, where a cluster's rules ask for it."""
import contextlib
import datetime
import json
import socket
import subprocess
import time

import pymysql
from harness import BIN, MASTER, MASTER_PASSWORD, REGION
from suite import Suite
from waiting import wait_until

suite = Suite(__file__)
WITHIN = 5.0  # seconds from the change to the end of the session
KILLED = (2006, 2013, 1927, 3169, 0)


def document(effect, action="*", resource="*", **more):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": effect, "Action": action,
                                                               "Resource": resource, **more}]})


def rules(home, *words):
    done = subprocess.run([BIN / "trivet", "--home", home.path, "login-rules", "demo", *words], check=False,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def keys_of_new_user(home, name):
    iam = home.client("iam")
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=document("Allow"))
    return new_key(home, name)


def new_key(home, name):
    key = home.client("iam").create_access_key(UserName=name)["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"], None


def open_session(home, keys, user="jane", reader=False):
    host = home.shared["cluster"]["ReaderEndpoint" if reader else "Endpoint"]
    token = home.client("rds", keys).generate_db_auth_token(home.shared["cluster"]["Endpoint"], 3306, user, REGION)
    return home.connect(host, user=user, password=token)


def is_open(connection):
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return cursor.fetchall() == ((1,),)
    except pymysql.err.MySQLError as error:
        assert error.args[0] in KILLED, error
        return False


def ends(connection, since):
    """Seconds since `since` until the session was found ended."""
    wait_until("the session's end", lambda: not is_open(connection), WITHIN + 5, every=0.1)
    took = time.monotonic() - since
    assert took < WITHIN, f"ended only after {took:.1f} s"
    return took


def stays(connections, seconds=2.5):
    """More than two looks of the daemon."""
    until = time.monotonic() + seconds

    def over():
        if not all(is_open(connection) for connection in connections):
            raise RuntimeError("a session ended without a reason")
        return time.monotonic() > until
    wait_until("nothing to happen", over, seconds + 10, every=0.1)


def wait_for_the_next_second():
    """Times of issue have whole seconds."""
    begun = int(time.time())
    wait_until("the next second", lambda: time.time() >= begun + 1, 3)


@suite.setup
def one_cluster(home):
    home.shared["cluster"] = home.create_cluster()
    home.wait_whole()
    for user in ("jane", "joe"):
        home.sql(home.shared["cluster"]["Endpoint"],
                 f"CREATE USER {user} IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'")
    home.shared["ana"] = keys_of_new_user(home, "ana")


def asked(path, frame):
    """What the daemon answers to a frame of the plugin's."""
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as connection:
        connection.settimeout(5)
        connection.connect(str(path))
        connection.sendall(len(frame).to_bytes(4, "big") + frame)
        return connection.recv(1024)


@suite.test
def plugin_and_daemon_agree_on_a_version(home):
    path = next(path for path in (home.path / "run").glob("*/*") if "auth" in path.name and path.is_socket())
    spoken = b"\0\0\0\4" + b"\0\4\1\3"  # versions 1 and 2, of a mysqld that runs since before an upgrade, and 3
    for mine in (b"\1\1", b"\1\2", b"\1\3"):
        assert asked(path, b"\0\3" + mine) == spoken
    before = home.log_size()
    assert asked(path, b"\x09\x01 of a version that nobody knows") == spoken
    assert home.wait_event("login.other_protocol", after=before, seconds=5)["plugin"] == 9
    assert asked(path, b"\1\1 nonsense") == b""
    logs = list((home.path / "clusters").rglob("error.log"))
    assert len(logs) == 3, logs
    assert not [log for log in logs if "[AWSAuthenticationPlugin]" in log.read_text(errors="replace")]
    counted = dict(home.sql(home.shared["cluster"]["Endpoint"],
                            "SHOW GLOBAL STATUS LIKE 'AWSAuthenticationPlugin%'"))
    assert counted["AWSAuthenticationPlugin_requests"] == "0", counted
    open_session(home, home.shared["ana"]).close()
    nobody = "AKIAIOSFODNN7EXAMPLE", "x" * 40, None
    try:
        open_session(home, nobody)
        raise RuntimeError("let in")
    except pymysql.err.OperationalError:
        pass
    counted = dict(home.sql(home.shared["cluster"]["Endpoint"],
                            "SHOW GLOBAL STATUS LIKE 'AWSAuthenticationPlugin%'"))
    more = {name.removeprefix("AWSAuthenticationPlugin_"): count for name, count in counted.items() if count != "0"}
    assert more == {"requests": "2", "successes": "1", "failures": "1", "failures_unknown_key": "1"}, more


@suite.test
def without_the_rule_nothing_ends_as_on_aws(home):
    keys = keys_of_new_user(home, "old")
    with contextlib.closing(open_session(home, keys)) as connection:
        home.client("iam").update_access_key(UserName="old", AccessKeyId=keys[0], Status="Inactive")
        stays([connection])
        rules(home, "--end-sessions", "on")
        stays([connection])  # opened before the rule: not known


@suite.test
def a_deactivated_key_ends_its_sessions_and_no_others(home):
    first, second = home.shared["ana"], new_key(home, "ana")
    iam = home.client("iam")
    with contextlib.closing(open_session(home, first)) as one, \
            contextlib.closing(open_session(home, first, reader=True)) as of_a_reader, \
            contextlib.closing(open_session(home, second)) as other_key, \
            contextlib.closing(open_session(home, home.root_keys)) as root, \
            contextlib.closing(home.connect(home.shared["cluster"]["Endpoint"], user=MASTER,
                                            password=MASTER_PASSWORD)) as password:
        stays([one, of_a_reader, other_key, root, password], 1.5)
        with one.cursor() as cursor:
            cursor.execute("SELECT CONNECTION_ID()")
            number = cursor.fetchone()[0]
        before = home.log_size()
        begun = time.monotonic()
        iam.update_access_key(UserName="ana", AccessKeyId=first[0], Status="Inactive")
        took = ends(one, begun)
        took = max(took, ends(of_a_reader, begun))
        stays([other_key, root, password])
        said = home.wait_event("session.ended", after=before, connection=number, seconds=5)
        assert said["reason"] == "key-inactive" and said["user"] == "jane" and said["access_key"] == first[0], said
        iam.update_access_key(UserName="ana", AccessKeyId=first[0], Status="Active")
        begun = time.monotonic()
        iam.delete_access_key(UserName="ana", AccessKeyId=second[0])
        took = max(took, ends(other_key, begun))
    return f"within {took:.1f} s"


@suite.test
def a_denied_permission_ends_sessions_of_that_database_user_only(home):
    resource = (f"arn:aws:rds-db:{REGION}:{home.facts['account_id']}:dbuser:"
                f"{home.shared['cluster']['DbClusterResourceId']}/jane")
    iam = home.client("iam")
    with contextlib.closing(open_session(home, home.shared["ana"])) as jane, \
            contextlib.closing(open_session(home, home.shared["ana"], user="joe")) as joe:
        begun = time.monotonic()
        iam.put_user_policy(UserName="ana", PolicyName="stop",
                            PolicyDocument=document("Deny", "rds-db:connect", resource))
        took = ends(jane, begun)
        stays([joe])
        iam.delete_user_policy(UserName="ana", PolicyName="stop")
        with contextlib.closing(open_session(home, home.shared["ana"])) as again:
            stays([again, joe])
    return f"within {took:.1f} s"


def role_session(home, name):
    made = home.client("sts", home.shared["ana"]).assume_role(
        RoleArn=f"arn:aws:iam::{home.facts['account_id']}:role/{name}", RoleSessionName="test")["Credentials"]
    return made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"]


@suite.test
def a_revoked_role_session_ends_and_a_later_one_does_not(home):
    iam = home.client("iam")
    iam.create_role(RoleName="app", AssumeRolePolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {
            "AWS": f"arn:aws:iam::{home.facts['account_id']}:user/ana"}}]}))
    iam.put_role_policy(RoleName="app", PolicyName="all", PolicyDocument=document("Allow"))
    with contextlib.closing(open_session(home, role_session(home, "app"))) as old:
        wait_for_the_next_second()
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        begun = time.monotonic()
        iam.put_role_policy(RoleName="app", PolicyName="AWSRevokeOlderSessions", PolicyDocument=document(
            "Deny", Condition={"DateLessThan": {"aws:TokenIssueTime": now}}))
        took = ends(old, begun)
        wait_for_the_next_second()
        with contextlib.closing(open_session(home, role_session(home, "app"))) as new:
            stays([new])
            begun = time.monotonic()
            for policy in ("all", "AWSRevokeOlderSessions"):
                iam.delete_role_policy(RoleName="app", PolicyName=policy)
            iam.delete_role(RoleName="app")
            took = max(took, ends(new, begun))
    return f"within {took:.1f} s"


@suite.test
def a_daemon_that_comes_later_goes_on_with_it(home):
    key = keys_of_new_user(home, "kim")
    # Through the member itself: connections that the daemon copies end with it.
    address = home.writer()["address"]
    token = home.client("rds", key).generate_db_auth_token(home.shared["cluster"]["Endpoint"], 3306, "jane", REGION)
    with contextlib.closing(home.connect(address, user="jane", password=token)) as connection:
        wait_until("the sessions' file", lambda: key[0] in (home.path / "state/sessions.json").read_text(), 5)
        home.kill_daemon()
        home.start()
        home.wait_whole()
        stays([connection])
        begun = time.monotonic()
        home.client("iam").delete_access_key(UserName="kim", AccessKeyId=key[0])
        took = ends(connection, begun)
    return f"within {took:.1f} s"


@suite.test
def a_number_that_is_given_again_kills_nobody_else(home):
    """A member that starts again counts from the beginning: what was known of it is about other sessions."""
    key = keys_of_new_user(home, "lee")
    address = home.writer()["address"]
    token = home.client("rds", key).generate_db_auth_token(home.shared["cluster"]["Endpoint"], 3306, "jane", REGION)
    with contextlib.closing(home.connect(address, user="jane", password=token)) as gone, gone.cursor() as cursor:
        cursor.execute("SELECT CONNECTION_ID()")
        number = cursor.fetchone()[0]
    file = home.path / "state/sessions.json"
    wait_until("the session in its file", lambda: key[0] in file.read_text(), 5)
    # Somebody else's session of that number, as the file would have it after a restart of mysqld.
    with contextlib.closing(home.connect(address)) as master, master.cursor() as cursor:
        cursor.execute("SELECT CONNECTION_ID()")
        number = cursor.fetchone()[0]
        home.kill_daemon()
        known = json.loads(file.read_text())
        ours = next(s for s in known["sessions"] if s["principal"]["access_key_id"] == key[0])
        ours["connection"] = number
        file.write_text(json.dumps(known))
        home.start()
        home.client("iam").delete_access_key(UserName="lee", AccessKeyId=key[0])
        stays([master], 4)
    wait_until("the session to be forgotten", lambda: key[0] not in file.read_text(), 45, every=0.5)


@suite.test
def sessions_have_a_greatest_age(home):
    rules(home, "--end-sessions", "off", "--session-max-age", "4")
    keys = keys_of_new_user(home, "max")
    begun = time.monotonic()
    with contextlib.closing(open_session(home, keys)) as connection:
        stays([connection], 2)
        wait_until("the session's end", lambda: not is_open(connection), 10, every=0.1)
        took = time.monotonic() - begun
        assert 3.5 < took < 4 + WITHIN, took
    rules(home, "--session-max-age", "0")
    with contextlib.closing(open_session(home, keys)) as connection:
        stays([connection], 6)
    return f"after {took:.1f} s"


if __name__ == "__main__":
    suite.main()
