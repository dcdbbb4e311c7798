# SPDX-License-Identifier: Apache-2.0
"""Every login and every API call leaves one record that says who, to what, and why; RDS's error log and metrics count
the same; `trivet token explain` agrees with the login. None of them ever shows a secret."""
import datetime
import json
import os
import pathlib
import re
import stat
import subprocess
import urllib.error
import urllib.request

import botocore.exceptions
import pymysql

from harness import BIN, REGION, plain_environment
from sigv4 import database_token, utc_now
from suite import Suite
from waiting import wait_until

VECTORS = pathlib.Path(__file__).resolve().parent.parent / "vectors/rds-auth-tokens.json"
suite = Suite(__file__)


@suite.setup
def a_cluster(home):
    home.shared["cluster"] = home.create_cluster()
    home.shared["host"] = home.shared["cluster"]["Endpoint"]
    home.sql(home.shared["host"], "CREATE USER jane IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'")
    iam = home.client("iam")
    iam.create_user(UserName="jane")
    resource = (f"arn:aws:rds-db:{REGION}:{home.facts['account_id']}:dbuser:"
                f"{home.shared['cluster']['DbClusterResourceId']}/jane")
    iam.put_user_policy(UserName="jane", PolicyName="may-connect", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [
            {"Sid": "Look", "Effect": "Allow", "Action": "rds:DescribeDBClusters", "Resource": "*"},
            {"Sid": "Connect", "Effect": "Allow", "Action": "rds-db:connect", "Resource": resource}]}))
    key = iam.create_access_key(UserName="jane")["AccessKey"]
    home.shared["jane"] = key["AccessKeyId"], key["SecretAccessKey"], None


def make(home, **more):
    return database_token(**{"keys": home.shared["jane"], "host": home.shared["host"], "port": 3306, "user": "jane",
                             "region": REGION, **more})


def next_record(home, before, **fields):
    """The one record of what was just done."""
    found = wait_until(f"a record {fields}", lambda: home.audit_records(**fields)[before:], 10)
    assert len(found) == 1, found
    return found[0]


def try_login(home, token):
    try:
        home.connect(home.shared["host"], user="jane", password=token).close()
        return True
    except pymysql.err.OperationalError:
        return False


def metrics(home, name, **labels):
    """The value of a metric, 0 where it has none yet."""
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{home.endpoint_url}/metrics",
                                                                           timeout=10) as answer:
        text = answer.read().decode()
    for line in text.splitlines():
        found = re.fullmatch(rf"{name}(?:\{{(.*)\}})? (\S+)", line)
        if found and dict(re.findall(r'(\w+)="([^"]*)"', found[1] or "")) == labels:
            return float(found[2])
    return 0


def explain(home, token, *words):
    done = subprocess.run([BIN / "trivet", "--home", home.path, "token", "explain", "--json", *words], input=token,
                          capture_output=True, text=True, check=False, timeout=30, env=plain_environment())
    assert done.returncode in (0, 1), done.stderr
    answer = json.loads(done.stdout)
    assert done.returncode == (0 if answer["verdict"] == "accept" else 1)
    assert token.partition("X-Amz-Signature=")[2] not in done.stdout or "Signature" not in token
    return answer


@suite.test
def a_login_says_who_and_which_statement(home):
    assert try_login(home, make(home))
    record = next_record(home, 0, kind="login", user="jane", verdict="accepted")
    assert record["principal"].endswith(":user/jane"), record
    assert record["access_key_id"] == home.shared["jane"][0]
    assert record["cluster"] == "demo" and record["member"] == home.writer()["identifier"], record
    assert record["statement"] == 1 and record["sid"] == "Connect" and "may-connect" in record["policy"], record
    assert record["ms"] >= 0 and record["source"].startswith("127."), record
    return f"{record['ms']} ms"


@suite.test
def a_refused_login_says_why(home):
    cases = {"expired": make(home, when=utc_now() - datetime.timedelta(seconds=1000)),
             "bad-signature": make(home)[:-4] + "0000", "unknown-key": make(home, keys=("AKIANOBODY", "x" * 40, None)),
             "malformed": "correct-horse-1"}
    for reason, token in cases.items():
        assert not try_login(home, token)
        record = next_record(home, 0, kind="login", reason=reason)
        assert record["verdict"] == "refused" and record["detail"], record
        answer = explain(home, token, "--cluster", "demo", "--user", "jane")
        assert (answer["verdict"], answer["reason"]) == ("reject", reason), answer
    nothing = subprocess.run([BIN / "trivet", "--home", home.path, "token", "explain"], input="", capture_output=True,
                             text=True, check=False, timeout=30, env=plain_environment())
    assert nothing.returncode == 2 and "no token on standard input" in nothing.stderr, nothing


@suite.test
def a_policy_that_denies_is_named(home):
    iam = home.client("iam")
    iam.put_user_policy(UserName="jane", PolicyName="no", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [
            {"Sid": "Never", "Effect": "Deny", "Action": "rds-db:connect", "Resource": "*"}]}))
    try:
        assert not try_login(home, make(home))
        record = next_record(home, 0, kind="login", reason="explicit-deny")
        assert record["statement"] == 0 and record["sid"] == "Never" and "no" in record["policy"], record
        answer = explain(home, make(home), "--cluster", "demo")
        assert answer["reason"] == "explicit-deny" and "Never" in answer["checks"][-1]["detail"], answer
    finally:
        iam.delete_user_policy(UserName="jane", PolicyName="no")


@suite.test
def a_good_token_is_explained(home):
    answer = explain(home, make(home) + "\n")
    assert answer["verdict"] == "accept" and all(check["ok"] for check in answer["checks"]), answer
    assert answer["checks"][-1]["name"] == "policy" and "Connect" in answer["checks"][-1]["detail"], answer
    other = explain(home, make(home), "--user", "tom")
    assert other["reason"] == "user-mismatch", other
    for text in ("correct-horse-1", "https://" + make(home)):
        assert explain(home, text)["reason"] == "malformed"


@suite.test
def every_vector_is_explained_without_a_daemon(home):
    vectors = json.loads(VECTORS.read_text(encoding="utf-8"))["accept_reject_vectors"]
    context = home.folder / "context.json"
    for vector in vectors:
        context.write_text(json.dumps(vector["server"]), encoding="utf-8")
        answer = explain(home, vector["token"], "--context", str(context))
        said = "accept" if answer["verdict"] == "accept" else f"reject:{answer['reason']}"
        assert said == vector["expect"], (vector["id"], answer)
    return f"{len(vectors)} vectors"


@suite.test
def api_calls_say_who_what_and_which_statement(home):
    home.client("rds", home.shared["jane"]).describe_db_clusters()
    done = next_record(home, 0, kind="api", action="DescribeDBClusters", access_key_id=home.shared["jane"][0])
    assert done["verdict"] == "done" and done["sid"] == "Look" and done["statement"] == 0, done
    assert done["permission"] == "rds:DescribeDBClusters" and done["principal"].endswith(":user/jane"), done
    try:
        home.client("rds", home.shared["jane"]).delete_db_cluster(DBClusterIdentifier="demo", SkipFinalSnapshot=True)
        raise RuntimeError("jane may delete")
    except botocore.exceptions.ClientError as error:
        request_id = error.response["ResponseMetadata"]["RequestId"]
    denied = next_record(home, 0, kind="api", request_id=request_id)
    assert denied["verdict"] == "denied" and denied["status"] == 403, denied
    assert denied["resource"].endswith(":cluster:demo") and denied["permission"] == "rds:DeleteDBCluster", denied
    made, = home.audit_records(kind="api", action="CreateDBCluster")
    assert made["resource"].endswith(":cluster:demo"), made
    key, _, _ = home.shared["jane"]
    try:
        home.client("rds", (key, "wrong", None)).describe_db_clusters()
        raise RuntimeError("a wrong secret was taken")
    except botocore.exceptions.ClientError as error:
        request_id = error.response["ResponseMetadata"]["RequestId"]
    refused = next_record(home, 0, kind="api", request_id=request_id)
    assert refused["verdict"] == "refused" and "principal" not in refused, refused


@suite.test
def the_error_log_has_rdss_lines(home):
    path = home.path / "log/iam-db-auth-error/demo.log"
    lines = path.read_text(encoding="utf-8").splitlines()
    prefix = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d,\d{3} \[ERROR\] "
    invalid = ("Failed to authenticate the connection request for user 'jane' because the provided token is malformed "
               "or otherwise invalid. (Status Code: 400, Error Code: InvalidToken)")
    expired = ("Failed to authenticate the connection request for user 'jane' because the token age is longer than 15 "
               "minutes. (Status Code: 400, Error Code: ExpiredToken)")
    arn = f"arn:aws:iam::{home.facts['account_id']}:user/jane"
    denied = ("Failed to authorize the connection request for user 'jane' because the IAM policy assumed by the "
              f"caller '{arn}' is not authorized to perform `rds-db:connect` on the DB instance. (Status Code: 403, "
              "Error Code: NotAuthorized)")
    for text, reason in ((invalid, "bad-signature"), (expired, "expired"), (denied, "explicit-deny")):
        pattern = prefix + re.escape(text) + rf" \[{reason}[:;].*\]"
        assert any(re.fullmatch(pattern, line) for line in lines), (pattern, lines)
    assert len(lines) == len(home.audit_records(kind="login", verdict="refused")), lines


def audit(home, *words):
    done = subprocess.run([BIN / "trivet", "--home", home.path, "audit", *words], capture_output=True, text=True,
                          check=True, timeout=30, env=plain_environment())
    return done.stdout.splitlines()


@suite.test
def trivet_audit_reads_the_trail(home):
    refused = [json.loads(line) for line in audit(home, "demo", "--json", "--kind", "login", "--verdict", "refused",
                                                  "--user", "jane", "--last", "0")]
    assert refused == home.audit_records(kind="login", verdict="refused"), refused
    (expired,) = audit(home, "--reason", "expired", "--minutes", "60")
    assert "login  expired  jane@" in expired and "because" in expired, expired
    calls = audit(home, "demo", "--principal", ":user/jane", "--action", "DeleteDBCluster")
    assert len(calls) == 1 and "denied  rds:DeleteDBCluster" in calls[0], calls
    assert len(audit(home, "--last", "3")) == 3
    assert not audit(home, "nowhere") and not audit(home, "--source", "192.0.2.1")
    with subprocess.Popen([BIN / "trivet", "--home", home.path, "audit", "--user", "jane", "--verdict", "accepted",
                           "--last", "1", "--json", "--follow"], stdout=subprocess.PIPE, text=True,
                          env=plain_environment()) as following:
        try:
            before = json.loads(following.stdout.readline())
            assert try_login(home, make(home))
            after = json.loads(following.stdout.readline())
            assert after["time"] > before["time"] and after["connection_id"] != before["connection_id"], (before, after)
            # As when it is full: the reader goes on with the next one.
            log = home.path / "log/audit.log"
            written = log.read_bytes()
            log.unlink()
            assert try_login(home, make(home))
            assert json.loads(following.stdout.readline())["time"] > after["time"]
            log.write_bytes(written + log.read_bytes())
        finally:
            following.kill()


@suite.test
def log_files_are_read_through_rdss_api(home):
    rds, member = home.client("rds"), home.writer()["identifier"]
    files = {file["LogFileName"]: file for file in rds.describe_db_log_files(DBInstanceIdentifier=member)[
        "DescribeDBLogFiles"]}
    ours = "iam-db-auth-error/iam-db-auth-error.log"
    assert set(files) == {"error/mysql-error.log", ours}, files
    path = home.path / "log/iam-db-auth-error/demo.log"
    assert files[ours]["Size"] == path.stat().st_size and files[ours]["LastWritten"] > 1.7e12, files
    whole = rds.download_db_log_file_portion(DBInstanceIdentifier=member, LogFileName=ours)
    assert whole["LogFileData"] == path.read_text(encoding="utf-8") and not whole["AdditionalDataPending"], whole
    first = rds.download_db_log_file_portion(DBInstanceIdentifier=member, LogFileName=ours, Marker="0", NumberOfLines=1)
    assert first["AdditionalDataPending"] and first["LogFileData"].count("\n") == 1, first
    # As people download one: the CLI follows the markers to the end.
    text = home.aws("rds", "download-db-log-file-portion", "--db-instance-identifier", member, "--log-file-name",
                    "error/mysql-error.log", "--starting-token", "0", "--output", "text")
    assert "ready for connections" in text, text[:500]
    try:
        home.client("rds", home.shared["jane"]).describe_db_log_files(DBInstanceIdentifier=member)
        raise RuntimeError("jane may read logs")
    except botocore.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == "AccessDenied", error


@suite.test
def metrics_count_what_happened(home):
    before = {name: metrics(home, name, cluster="demo") for name in (
        "IamDbAuthConnectionRequests", "IamDbAuthConnectionSuccess", "IamDbAuthConnectionFailure",
        "IamDbAuthConnectionFailureInvalidToken", "IamDbAuthConnectionFailureInsufficientPermissions",
        "IamDbAuthConnectionFailureThrottling", "IamDbAuthConnectionFailureServerError")}
    logins = home.audit_records(kind="login")
    accepted = [record for record in logins if record["verdict"] == "accepted"]
    assert before["IamDbAuthConnectionRequests"] == len(logins), before
    assert before["IamDbAuthConnectionSuccess"] == len(accepted), before
    assert before["IamDbAuthConnectionFailure"] == len(logins) - len(accepted), before
    assert before["IamDbAuthConnectionFailureInsufficientPermissions"] == 1, before
    assert metrics(home, "trivet_login_refusals_total", cluster="demo", reason="expired") == 1
    assert try_login(home, make(home))
    assert metrics(home, "IamDbAuthConnectionSuccess", cluster="demo") == before["IamDbAuthConnectionSuccess"] + 1
    assert metrics(home, "trivet_api_calls_total", service="rds", action="DeleteDBCluster", verdict="denied") == 1
    assert metrics(home, "trivet_cluster_has_writer", cluster="demo") == 1
    assert metrics(home, "trivet_member_is_writer", cluster="demo", member=home.writer()["identifier"]) == 1
    said = subprocess.run([BIN / "trivet", "--home", home.path, "metrics"], capture_output=True, text=True, check=True,
                          timeout=30, env=plain_environment()).stdout
    assert "IamDbAuthConnectionRequests{" in said and "# TYPE" in said, said


@suite.test
def logs_are_the_owners_and_show_no_secret(home):
    role_secret = home.client("sts", home.shared["jane"]).get_session_token()["Credentials"]
    session = role_secret["AccessKeyId"], role_secret["SecretAccessKey"], role_secret["SessionToken"]
    token = make(home, keys=session)
    assert try_login(home, token)
    wait_until("the record", lambda: home.audit_records(kind="login", access_key_id=session[0]), 10)
    shown = explain(home, token)
    texts = [json.dumps(shown), home.log_path.read_text(encoding="utf-8", errors="replace")]
    for path in (home.path / "log").rglob("*.log"):
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600, path
        texts.append(path.read_text(encoding="utf-8"))
    signature = token.partition("X-Amz-Signature=")[2]
    for secret in (home.shared["jane"][1], session[1], session[2], session[2][:40], signature, "X-Amz-Signature="):
        assert not any(secret in text for text in texts), secret[:6]


if __name__ == "__main__":
    suite.main()
