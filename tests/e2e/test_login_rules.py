# SPDX-License-Identifier: Apache-2.0
"""What an administrator asks of logins with tokens to one cluster, beyond what AWS has: `trivet login-rules`."""
import contextlib
import datetime
import json
import socket
import ssl
import struct
import subprocess
import threading
import time

import pymysql

from harness import BIN, REGION, plain_environment
from sigv4 import database_token, utc_now
from suite import Suite
from waiting import wait_until

ACCESS_DENIED = 1045
DEFAULTS = {"host_aliases": [], "one_time_tokens": False, "token_max_age_s": 0, "end_sessions": False,
            "session_max_age_s": 0, "principal_logins_per_minute": 0,
            "address_logins_per_minute": 0, "connect_conditions": False, "role_tag": "", "roles": []}
suite = Suite(__file__, in_order=True)


def trivet(home, *words):
    return subprocess.run([BIN / "trivet", "--home", home.path, *words], check=False, capture_output=True, text=True,
                          timeout=60, env=plain_environment())


def rules(home, *options, cluster="demo"):
    """Changes them; returns all of them."""
    done = trivet(home, "login-rules", cluster, "--json", *options)
    assert done.returncode == 0, (options, done.stdout, done.stderr)
    return json.loads(done.stdout)


@contextlib.contextmanager
def under(home, options, afterwards):
    try:
        yield rules(home, *options)
    finally:
        rules(home, *afterwards)


def allow(home, name, condition=None):
    statement = {"Effect": "Allow", "Action": "rds-db:connect", "Resource": "*"}
    if condition:
        statement["Condition"] = condition
    home.client("iam").put_user_policy(UserName=name, PolicyName="connect", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [statement]}))


def new_user(home, name):
    iam = home.client("iam")
    iam.create_user(UserName=name)
    allow(home, name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"], None


@suite.setup
def cluster(home):
    home.ensure_subnet_group()
    home.client("rds").create_db_cluster(**home.cluster_parameters("demo", EnableIAMDatabaseAuthentication=True))
    home.shared["demo"] = home.wait_available("demo")
    home.shared["host"] = home.shared["demo"]["Endpoint"]
    home.sql(home.shared["host"], "CREATE USER jane IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'")
    home.shared["jane"] = new_user(home, "jane")
    home.shared["anna"] = new_user(home, "anna")


def make(home, **more):
    return database_token(**{"keys": home.shared["jane"], "host": home.shared["host"], "port": 3306, "user": "jane",
                             "region": REGION, **more})


def login(home, token, host=None, **more):
    """The reason in the log for which it was refused; None: it worked."""
    before = home.log_size()
    try:
        home.connect(host or home.shared["host"], user="jane", password=token, **more).close()
        return None
    except pymysql.err.OperationalError as error:
        assert error.args[0] == ACCESS_DENIED, error
    event = home.wait_event("login.refused", before, 10)
    assert "Signature=" not in json.dumps(event), event
    home.shared["refused"] = event
    return event["reason"]


@suite.test
def shown_and_changed_on_the_command_line(home):
    assert rules(home) == DEFAULTS
    before = home.log_size()
    changed = rules(home, "--alias", "DB.example.com:3306", "--alias", "*.tunnel.lan", "--rate-address", "500",
                    "--end-sessions", "on", "--session-max-age", "3600")
    assert changed == {**DEFAULTS, "host_aliases": ["db.example.com:3306", "*.tunnel.lan:*"],
                       "address_logins_per_minute": 500, "end_sessions": True, "session_max_age_s": 3600}, changed
    assert home.wait_event("login_rules.changed", before)["cluster"] == "demo"
    text = trivet(home, "login-rules", "demo").stdout
    assert "db.example.com:3306, *.tunnel.lan:*" in text and "end-sessions         on" in text, text
    back = rules(home, "--remove-alias", "db.example.com:3306", "--remove-alias", "*.tunnel.lan", "--rate-address", "0",
                 "--end-sessions", "off", "--session-max-age", "off")
    assert back == DEFAULTS, back


@suite.test
def bad_input_changes_nothing(home):
    for cluster_name, options, status, what in (
            ("demo", ["--one-time-tokens", "on", "--alias", "a b"], 2, "is no alias"),
            ("demo", ["--token-max-age", "901", "--alias", "good.example.com"], 2, "token_max_age_s is 901"),
            ("demo", ["--remove-alias", "never.example.com"], 2, "not among the aliases"),
            ("demo", ["--rate-principal", "-1"], 2, "principal_logins_per_minute is -1"),
            ("demo", ["--one-time-tokens", "maybe"], 2, "--one-time-tokens"),
            ("demo", ["--token-max-age", "x"], 2, "--token-max-age"),
            ("demo", ["--role", "jane"], 2, "is not USER=ROLE"),
            ("demo", ["--role", "jane=trivet_probe"], 2, "is not a role of yours"),
            ("demo", ["--role", "jane=nobody"], 2, "there is no role 'nobody'@'%'"),
            ("demo", ["--role", "jane=admin"], 2, "can log in itself"),
            ("demo", ["--remove-role", "jane=reporting"], 2, "is not among the roles"),
            ("nowhere", [], 1, "no DB cluster nowhere")):
        done = trivet(home, "login-rules", cluster_name, *options)
        assert done.returncode == status and what in done.stdout + done.stderr, (options, done)
    assert rules(home) == DEFAULTS
    status, answer = home.admin("POST", "/login-rules", {"cluster": "demo", "changes": {"one_time_tokens": 1}})
    assert status == 400 and "another type" in json.dumps(answer), (status, answer)
    status, answer = home.admin("POST", "/login-rules", {"cluster": "demo", "changes": {"no_such": 1}})
    assert status == 400 and "no_such" in json.dumps(answer), (status, answer)


@suite.test
def a_plugin_of_the_version_before_is_answered_in_it(home):
    """A mysqld keeps the plugin that it has loaded while the daemon is upgraded under it."""
    def text(value):
        return struct.pack(">H", len(value)) + value

    path = min(home.path.glob("run/*/auth.sock"))
    token = make(home).encode()
    payload = struct.pack(">BBBBQH", 1, 1, 1, 1, 0, 0) + text(b"jane") + text(b"h") + text(b"127.0.0.1")
    payload += struct.pack(">I", len(token)) + token
    with socket.socket(socket.AF_UNIX) as daemon:
        daemon.settimeout(10)
        daemon.connect(str(path))
        daemon.sendall(struct.pack(">I", len(payload)) + payload)
        answer = daemon.makefile("rb")
        (size,) = struct.unpack(">I", answer.read(4))
        version, kind, verdict, _ = struct.unpack_from(">BBBB", body := answer.read(size))
    assert (version, kind, verdict) == (1, 2, 1), body
    assert body[4:].endswith(text(f"arn:aws:iam::{home.facts['account_id']}:user/jane".encode()) + text(b"")), body


@suite.test
def an_alias_is_a_name_of_the_cluster(home):
    token = make(home, host="db.example.com", port=13306)
    assert login(home, token) == "host-mismatch"
    with under(home, ["--alias", "db.example.com"], ["--remove-alias", "db.example.com"]):
        assert login(home, token) is None
        assert login(home, make(home, host="db.example.org")) == "host-mismatch"
    assert login(home, token) == "host-mismatch"


@suite.test
def a_token_for_another_endpoint_of_the_cluster(home):
    assert login(home, make(home, host=home.shared["demo"]["ReaderEndpoint"])) is None


@suite.test
def an_administrators_lifetime(home):
    token = make(home, when=utc_now() - datetime.timedelta(seconds=100))
    assert login(home, token) is None
    with under(home, ["--token-max-age", "60"], ["--token-max-age", "0"]):
        assert login(home, token) == "too-old"
        assert home.shared["refused"]["detail"].endswith("the cluster accepts tokens for 60 s")
        assert login(home, make(home)) is None
    assert login(home, token) is None


@suite.test
def reuse_is_seen(home):
    token = make(home, when=utc_now() - datetime.timedelta(seconds=7))
    for _ in range(3):
        assert login(home, token) is None

    def last_three():
        return [record.get("token_uses") for record in home.audit_records(kind="login", user="jane")[-3:]]
    wait_until("uses 1, 2 and 3", lambda: last_three() == [1, 2, 3], 10)


@suite.test
def one_time_tokens(home):
    def a_fresh_one():
        """The daemon has begun long enough ago when a new token is good."""
        token = make(home)
        return token if login(home, token) is None else None

    with under(home, ["--one-time-tokens", "on"], ["--one-time-tokens", "off"]):
        token = wait_until("a token for one use", a_fresh_one, 20)
        assert login(home, token) == "token-used"
        assert login(home, token, home.shared["demo"]["ReaderEndpoint"]) == "token-used"
        assert login(home, make(home, when=utc_now() + datetime.timedelta(seconds=60))) == "not-yet-valid"
        unused = make(home, when=utc_now() + datetime.timedelta(seconds=2))
        home.stop_daemon()
        home.start()
        home.wait_whole()
        assert login(home, token) == "signed-before-memory"
        assert login(home, unused) == "signed-before-memory"
        fresh = wait_until("a token for one use", a_fresh_one, 20)
        assert login(home, fresh) == "token-used"
    assert login(home, fresh) is None


@suite.test
def a_cut_token_is_named(home):
    token = make(home)
    for length in (80, 255, len(token) - 1, len(token) - 64):
        assert login(home, token[:length]) == "truncated", length
        assert f"cut after {length} bytes" in home.shared["refused"]["detail"], home.shared["refused"]


@suite.test
def rates_of_principals_and_addresses(home):
    with under(home, ["--rate-principal", "3"], ["--rate-principal", "0"]):
        outcomes = [login(home, make(home)) for _ in range(4)]
        assert outcomes == [None] * 3 + ["principal-rate"], outcomes
        assert home.shared["refused"]["principal"].endswith(":user/jane")
        assert "ThrottlingException" in home.shared["refused"]["iam-db-auth-error"]
        assert login(home, make(home, keys=home.shared["anna"])) is None
    here, there = (f"{home.prefix}.254.{n}" for n in (1, 2))
    with under(home, ["--rate-address", "2"], ["--rate-address", "0"]):
        outcomes = [login(home, make(home), bind_address=here) for _ in range(3)]
        assert outcomes == [None] * 2 + ["address-rate"], outcomes
        assert home.shared["refused"]["peer"] == here
        assert login(home, make(home), bind_address=there) is None
    assert login(home, make(home)) is None


@suite.test
def guessing_is_slow_and_holds_up_nobody_else(home):
    guesser, other = (f"{home.prefix}.254.{n}" for n in (7, 8))
    before = home.log_size()
    for _ in range(12):
        login(home, "guess", bind_address=guesser)

    def guess():
        for _ in range(8):
            with contextlib.suppress(pymysql.err.OperationalError):
                home.connect(home.shared["host"], user="jane", password="guess", bind_address=guesser).close()
    threads = [threading.Thread(target=guess) for _ in range(4)]
    for thread in threads:
        thread.start()
    slowest = 0.0
    while any(thread.is_alive() for thread in threads):
        begun = time.monotonic()
        assert login(home, make(home), bind_address=other) is None
        slowest = max(slowest, time.monotonic() - begun)
    delays = [event["answer_after_ms"] for event in home.wait_events("login.refused", 44, before, peer=guesser)]
    assert len(delays) == 44 and delays[9] == 0 and max(delays) == 1000, delays
    assert slowest < 1.0, slowest
    assert login(home, make(home), bind_address=guesser) is None  # the host is not blocked
    return f"another address's slowest login took {slowest * 1000:.0f} ms"


@suite.test
def policies_see_the_source_address_when_they_may(home):
    inside, outside = f"{home.prefix}.253.1", f"{home.prefix}.254.1"
    allow(home, "jane", {"IpAddress": {"aws:SourceIp": f"{home.prefix}.253.0/24"}})
    assert login(home, make(home), bind_address=inside) == "implicit-deny"  # as on AWS
    with under(home, ["--connect-conditions", "on"], ["--connect-conditions", "off"]):
        assert login(home, make(home), bind_address=inside) is None
        assert login(home, make(home), bind_address=outside) == "implicit-deny"
        reader = home.shared["demo"]["ReaderEndpoint"]  # bytes are copied there, addresses are kept
        assert login(home, make(home), reader, bind_address=inside) is None
        assert login(home, make(home), reader, bind_address=outside) == "implicit-deny"
        hour_ago = utc_now() - datetime.timedelta(hours=1)
        allow(home, "jane", {"DateLessThan": {"aws:CurrentTime": hour_ago.strftime("%Y-%m-%dT%H:%M:%SZ")}})
        assert login(home, make(home)) == "implicit-deny"
    allow(home, "jane")
    assert login(home, make(home), bind_address=outside) is None


def with_tls(home, version):
    context = ssl.create_default_context(cafile=home.ca)
    context.check_hostname = False
    context.minimum_version = context.maximum_version = version
    return {"ssl": context}


@suite.test
def policies_see_the_tls_when_they_may(home):
    allow(home, "jane", {"NumericGreaterThanEquals": {"rds-db:TlsVersion": "1.3"}})
    new, old = (with_tls(home, version) for version in (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2))
    assert login(home, make(home), **new) == "implicit-deny"  # as on AWS, which has no such key
    with under(home, ["--connect-conditions", "on"], ["--connect-conditions", "off"]):
        for host in (home.shared["host"], home.shared["demo"]["ReaderEndpoint"]):
            assert login(home, make(home), host, **new) is None
            assert login(home, make(home), host, **old) == "implicit-deny"
        allow(home, "jane", {"StringLike": {"rds-db:TlsCipher": "TLS_*"}})  # the names of TLS 1.3
        assert login(home, make(home), **new) is None
        assert login(home, make(home), **old) == "implicit-deny"
    allow(home, "jane")

    def recorded():
        return [(record["tls"], record["cipher"]) for record in home.audit_records(kind="login", user="jane")[-2:]]
    wait_until("what the audit log says of TLS", lambda: len(recorded()) == 2 and recorded()[0][0] == "TLSv1.3" and
               recorded()[0][1].startswith("TLS_") and recorded()[1][0] == "TLSv1.2" and recorded()[1][1], 10)


def whoami(home, token, host=None):
    return home.sql(host or home.shared["host"], "SELECT CURRENT_USER(), SUBSTRING_INDEX(USER(), '@', 1), "
                    "@@proxy_user, CURRENT_ROLE()", user="jane", password=token)[0]


@suite.test
def a_tag_of_the_principal_chooses_the_mysql_role(home):
    host, reader = home.shared["host"], home.shared["demo"]["ReaderEndpoint"]
    for statement in ("CREATE ROLE reporting, writing", "CREATE DATABASE shop",
                      "CREATE TABLE shop.t (a INT PRIMARY KEY)",
                      "GRANT SELECT ON shop.* TO reporting", "GRANT INSERT ON shop.* TO writing"):
        home.sql(host, statement)
    iam, account = home.client("iam"), home.facts["account_id"]
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": account},
                                                     "Action": ["sts:AssumeRole", "sts:TagSession"]}]}
    connect = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "rds-db:connect", "Resource": "*"}]}
    arn = iam.create_role(RoleName="analyst", AssumeRolePolicyDocument=json.dumps(trust),
                          Tags=[{"Key": "MySQLRole", "Value": "reporting"}])["Role"]["Arn"]
    iam.put_role_policy(RoleName="analyst", PolicyName="connect", PolicyDocument=json.dumps(connect))
    iam.put_user_policy(UserName="jane", PolicyName="assume", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:*", "Resource": "*"}]}))

    def as_analyst(**more):
        taken = home.client("sts", home.shared["jane"]).assume_role(
            RoleArn=arn, RoleSessionName="s1", **more)["Credentials"]
        return make(home, keys=(taken["AccessKeyId"], taken["SecretAccessKey"], taken["SessionToken"]))

    own = ("jane@%", "jane", None, "NONE")
    assert whoami(home, as_analyst()) == own  # tags are not looked at
    rules(home, "--role-tag", "mysqlrole")
    assert login(home, as_analyst()) == "role-not-allowed"
    assert "'reporting'" in home.shared["refused"]["detail"] and "NotAuthorized" in home.shared["refused"][
        "iam-db-auth-error"], home.shared["refused"]
    assert whoami(home, make(home)) == own  # a principal without the tag
    assert rules(home, "--role", "jane=reporting")["roles"] == ["jane=reporting"]
    reporting = ("reporting@%", "jane", "'jane'@'%'", "NONE")
    token = as_analyst()
    assert whoami(home, token) == reporting
    wait_until("the reader's grant", lambda: home.sql_error(reader, "SELECT * FROM shop.t", user="jane", password=token)
               is None, 10)
    assert whoami(home, token, reader) == reporting
    assert home.sql_error(host, "INSERT INTO shop.t VALUES (1)", user="jane", password=token) == 1142
    assert home.sql_error(host, "SELECT * FROM shop.t", user="jane", password=make(home)) == 1142
    wait_until("the role in the audit log", lambda: home.audit_records(kind="login", role="reporting"), 10)
    writing = as_analyst(Tags=[{"Key": "MySQLRole", "Value": "writing"}])
    assert login(home, writing) == "role-not-allowed"  # the session's tag counts before the role's
    rules(home, "--role", "jane=writing")
    assert home.sql_error(host, "INSERT INTO shop.t VALUES (1)", user="jane", password=writing) is None
    explained = subprocess.run([BIN / "trivet", "--home", home.path, "token", "explain", "--json"], input=writing,
                               capture_output=True, text=True, check=True, timeout=30, env=plain_environment())
    assert json.loads(explained.stdout)["checks"][-1] == {"name": "role", "ok": True, "detail": "writing"}, explained
    # The master user can give nobody a proxy, and a role with privileges of the server's is none.
    assert home.sql_error(host, "GRANT PROXY ON trivet_probe TO jane") is not None
    assert home.sql_error(host, "GRANT PROXY ON reporting TO admin") is not None


@suite.test
def a_session_with_a_role_ends_with_its_permission(home):
    arn = home.client("iam").get_role(RoleName="analyst")["Role"]["Arn"]
    with under(home, ["--end-sessions", "on"], ["--end-sessions", "off"]):
        taken = home.client("sts", home.shared["jane"]).assume_role(RoleArn=arn, RoleSessionName="s1")["Credentials"]
        session = home.connect(home.shared["host"], user="jane", password=make(
            home, keys=(taken["AccessKeyId"], taken["SecretAccessKey"], taken["SessionToken"])))
        home.client("iam").delete_role_policy(RoleName="analyst", PolicyName="connect")

        def is_over():
            try:
                session.ping(reconnect=False)
                return False
            except pymysql.err.MySQLError:
                return True
        wait_until("the end of the session", is_over, 5)
    back = rules(home, "--remove-role", "jane=reporting", "--remove-role", "jane=writing", "--role-tag", "off")
    assert back == DEFAULTS, back
    assert not home.sql(home.shared["host"], "SELECT * FROM mysql.proxies_priv WHERE User = 'jane'")


@suite.test
def rules_go_with_their_cluster(home):
    rules(home, "--one-time-tokens", "on", "--alias", "db.example.com")
    home.delete_cluster("demo")
    assert trivet(home, "login-rules", "demo").returncode == 1
    home.client("rds").create_db_cluster(**home.cluster_parameters("demo", EnableIAMDatabaseAuthentication=True))
    assert rules(home) == DEFAULTS
    home.wait_available("demo")


if __name__ == "__main__":
    suite.main()
