# SPDX-License-Identifier: Apache-2.0
"""What an administrator asks of logins with tokens to one cluster, beyond what AWS has: `trivet login-rules`."""
import contextlib
import datetime
import json
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
            "address_logins_per_minute": 0, "connect_conditions": False}
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
                 "--end-sessions", "off", "--session-max-age", "0")
    assert back == DEFAULTS, back


@suite.test
def bad_input_changes_nothing(home):
    for cluster_name, options, status, what in (
            ("demo", ["--one-time-tokens", "on", "--alias", "a b"], 1, "is no alias"),
            ("demo", ["--token-max-age", "901", "--alias", "good.example.com"], 1, "token_max_age_s is 901"),
            ("demo", ["--remove-alias", "never.example.com"], 1, "not among the aliases"),
            ("demo", ["--rate-principal", "-1"], 1, "principal_logins_per_minute is -1"),
            ("demo", ["--one-time-tokens", "maybe"], 2, "--one-time-tokens"),
            ("demo", ["--token-max-age", "x"], 2, "--token-max-age"),
            ("nowhere", [], 1, "no DB cluster nowhere")):
        done = trivet(home, "login-rules", cluster_name, *options)
        assert done.returncode == status and what in done.stdout + done.stderr, (options, done)
    assert rules(home) == DEFAULTS
    status, answer = home.admin("POST", "/login-rules", {"cluster": "demo", "changes": {"one_time_tokens": 1}})
    assert status == 400 and "another type" in json.dumps(answer), (status, answer)
    status, answer = home.admin("POST", "/login-rules", {"cluster": "demo", "changes": {"no_such": 1}})
    assert status == 400 and "no_such" in json.dumps(answer), (status, answer)


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
