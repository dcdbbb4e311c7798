# SPDX-License-Identifier: Apache-2.0
"""What happened is recorded as AWS's events; reboots, a stop and a start lose nothing."""
import datetime
import json
import subprocess

import botocore.exceptions

from harness import BIN, kill, processes_of
from load import Writers
from suite import Suite
from waiting import wait_until

suite = Suite(__file__)
WRITERS = 3
CANNOT_CONNECT = 2003


@suite.setup
def one_cluster(home):
    cluster = home.create_cluster("demo", DatabaseName="mydb", Tags=[{"Key": "env", "Value": "test"}])
    home.shared["host"], home.shared["reader"] = cluster["Endpoint"], cluster["ReaderEndpoint"]
    home.wait_whole()


def code_of(function, **parameters):
    try:
        function(**parameters)
        return None
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"]


def events(home, source=None, kind="db-cluster", **more):
    named = {"SourceIdentifier": source, "SourceType": kind} if source else {}
    return home.client("rds").describe_events(**named, **more)["Events"]


def messages(home, source, kind="db-cluster", **more):
    return [event["Message"] for event in events(home, source, kind, **more)]


def running(load, more=100):
    target = load.count() + more
    wait_until(f"{more} more acknowledged writes", lambda: load.count() >= target, 60)


def nothing_lost(home, load):
    for host in (home.shared["host"], *(member["address"] for member in home.readers())):
        wait_until(f"every acknowledged row at {host}", lambda host=host: not load.lost(host), 60)


def settled(home):
    """Whole, and no reboot is underway."""
    home.wait_whole()
    status = home.client("rds").describe_db_clusters(DBClusterIdentifier="demo")["DBClusters"][0]["Status"]
    assert status == "available", status


def trivet(home, *words):
    done = subprocess.run([BIN / "trivet", "--home", home.path, *words], check=False, capture_output=True, text=True,
                          timeout=200)
    assert done.returncode == 0, (words, done.returncode, done.stderr)
    return done.stdout


@suite.test
def a_creation_is_recorded(home):
    event, = events(home, "demo")
    assert event["Message"] == "DB cluster created.", event
    assert event["EventCategories"] == ["creation"] and event["SourceType"] == "db-cluster", event
    assert event["SourceArn"].endswith(":cluster:demo"), event
    age = datetime.datetime.now(datetime.timezone.utc) - event["Date"]
    assert datetime.timedelta() <= age < datetime.timedelta(minutes=5), event
    assert messages(home, "demo-instance-2", "db-instance") == ["DB instance created."]
    assert len(events(home)) == 4, events(home)
    shown = home.aws("rds", "describe-events", "--source-type", "db-instance", "--duration", "20160")
    assert len(shown["Events"]) == 3, shown


@suite.test
def describe_events_checks_what_it_is_asked(home):
    describe = home.client("rds").describe_events
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    assert code_of(describe, SourceIdentifier="demo") == "InvalidParameterCombination"
    assert code_of(describe, SourceType="db-table") == "InvalidParameterValue"
    assert code_of(describe, SourceIdentifier="demo-", SourceType="db-cluster") == "InvalidParameterValue"
    assert code_of(describe, Duration=20161) == "InvalidParameterValue"
    assert code_of(describe, MaxRecords=10) == "InvalidParameterValue"
    assert code_of(describe, StartTime=now - 15 * day) == "InvalidParameterValue"
    assert code_of(describe, StartTime=now - day, EndTime=now - 2 * day) == "InvalidParameterCombination"
    assert code_of(describe, Filters=[{"Name": "x", "Values": ["y"]}]) == "InvalidParameterValue"
    assert describe(EventCategories=["failover"])["Events"] == []
    assert describe(StartTime=now - 2 * day, EndTime=now - day)["Events"] == []
    assert len(describe(StartTime=now - 13 * day)["Events"]) == 4


@suite.test
def who_may_see_events(home):
    iam = home.client("iam")
    iam.create_user(UserName="viewer")
    made = iam.create_access_key(UserName="viewer")["AccessKey"]
    rds = home.client("rds", (made["AccessKeyId"], made["SecretAccessKey"], None))
    denied = ("AccessDenied", "AccessDeniedException")
    assert code_of(rds.describe_events) in denied
    allowed = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "rds:DescribeEvents", "Resource": "*"}]}
    iam.put_user_policy(UserName="viewer", PolicyName="see", PolicyDocument=json.dumps(allowed))
    assert code_of(rds.describe_events) is None
    assert code_of(rds.stop_db_cluster, DBClusterIdentifier="demo") in denied
    assert code_of(rds.reboot_db_instance, DBInstanceIdentifier="demo-instance-1") in denied


@suite.test
def the_death_of_the_writer_is_told(home):
    home.wait_whole()
    former = home.writer()["identifier"]
    before = len(events(home, "demo"))
    kill(home.writer()["pid"])
    wait_until("another writer", lambda: home.cluster_status()["writer"] not in (None, former), 60)
    home.wait_whole()
    now = home.writer()["identifier"]
    started, completed = events(home, "demo")[before:]
    assert started["Message"].startswith(f"Started cross AZ failover to DB instance: {now}."), started
    assert "killed by signal 9" in started["Message"], started
    assert completed["Message"].startswith(f"Completed failover to DB instance: {now}."), completed
    assert started["EventCategories"] == completed["EventCategories"] == ["failover"]
    assert started["Date"] <= completed["Date"]
    told = messages(home, former, "db-instance")
    assert any(text.startswith("DB instance shutdown.") for text in told), told
    recovered = wait_until("the recovery's event", lambda: [
        text for text in messages(home, former, "db-instance") if text.startswith("Recovery of the DB instance")], 20)
    assert "without its data being copied" in recovered[-1], recovered  # or what of it was cut off is kept
    kept = recovered[-1].rpartition(" kept in ")[2].rstrip(".") if " kept in " in recovered[-1] else None
    assert kept is None or ("/lost+found/" in kept and (home.path / kept).exists()), recovered
    listed = json.loads(trivet(home, "events", "demo", "--json"))["events"]
    ids = [event["event_id"] for event in listed]
    for wanted in ("0005", "0170", "0004", "0073", "0071", "0021"):
        assert f"RDS-EVENT-{wanted}" in ids, ids
    assert f"Completed failover to DB instance: {now}" in trivet(home, "events")
    return completed["Message"].partition(". ")[2]


@suite.test
def events_outlive_the_daemon(home):
    home.wait_whole()
    before = events(home)
    assert len(before) >= 8, before
    home.stop_daemon()
    home.start()
    assert events(home)[:len(before)] == before
    home.wait_whole()


@suite.test
def a_reader_is_rebooted_under_load(home):
    settled(home)
    rds = home.client("rds")
    before, reader = home.members(), home.readers()[0]
    with Writers(home, home.shared["host"], WRITERS, pause=0.005) as load:
        running(load)
        instance = rds.reboot_db_instance(DBInstanceIdentifier=reader["identifier"])["DBInstance"]
        assert instance["DBInstanceStatus"] == "rebooting", instance["DBInstanceStatus"]
        assert code_of(rds.reboot_db_instance, DBInstanceIdentifier=reader["identifier"]) == "InvalidDBInstanceState"
        wait_until("another process", lambda: home.members()[reader["identifier"]]["pid"] not in (0, reader["pid"]), 60)
        settled(home)
        running(load)
    after = home.members()
    for name, member in before.items():
        assert member["role"] == after[name]["role"], (member, after[name])
        assert (member["pid"] == after[name]["pid"]) == (name != reader["identifier"]), (member, after[name])
    told = messages(home, reader["identifier"], "db-instance")
    assert told[-1] == "DB instance restarted.", told
    nothing_lost(home, load)


@suite.test
def the_writer_is_rebooted_under_load_and_stays_the_writer(home):
    settled(home)
    before, writer = home.members(), home.writer()
    with Writers(home, home.shared["host"], WRITERS, pause=0.005) as load:
        running(load)
        home.client("rds").reboot_db_instance(DBInstanceIdentifier=writer["identifier"])
        wait_until("another process", lambda: home.members()[writer["identifier"]]["pid"] not in (0, writer["pid"]), 60)
        settled(home)
        running(load)
    after = home.members()
    assert home.writer()["identifier"] == writer["identifier"], after
    for name in before:
        assert (before[name]["pid"] == after[name]["pid"]) == (name != writer["identifier"]), (before, after)
    told = messages(home, writer["identifier"], "db-instance")
    assert told[-1].startswith("DB instance restarted."), told
    nothing_lost(home, load)
    return told[-1].partition(". ")[2]


@suite.test
def the_cluster_is_rebooted_under_load(home):
    settled(home)
    rds = home.client("rds")
    before, writer = home.members(), home.writer()
    with Writers(home, home.shared["host"], WRITERS, pause=0.005) as load:
        running(load)
        assert rds.reboot_db_cluster(DBClusterIdentifier="demo")["DBCluster"]["Status"] == "rebooting"
        assert code_of(rds.reboot_db_cluster, DBClusterIdentifier="demo") == "InvalidDBClusterStateFault"
        home.wait_available("demo")
        running(load)
    after = home.members()
    assert home.writer()["identifier"] == writer["identifier"], after
    assert not {m["pid"] for m in before.values()} & {m["pid"] for m in after.values()}, (before, after)
    nothing_lost(home, load)


@suite.test
def a_reboot_goes_on_with_the_next_daemon(home):
    """Killed as soon as the answer came, then again in the middle."""
    settled(home)
    rds = home.client("rds")
    before, writer = home.members(), home.writer()
    with Writers(home, home.shared["host"], WRITERS, pause=0.005) as load:
        running(load)
        assert rds.reboot_db_cluster(DBClusterIdentifier="demo")["DBCluster"]["Status"] == "rebooting"
        home.kill_daemon()
        home.start()
        log = home.log_size()
        wait_until("the first one to be back", lambda: home.cluster_status() and any(
            m["pid"] not in (0, before[name]["pid"]) for name, m in home.members().items()), 60, every=0.01)
        home.kill_daemon()
        home.start()
        home.wait_event("reboot.completed", log, 120)
        home.wait_available("demo")
        running(load)
    after = home.members()
    assert home.writer()["identifier"] == writer["identifier"], after
    assert not {m["pid"] for m in before.values()} & {m["pid"] for m in after.values()}, (before, after)
    nothing_lost(home, load)


@suite.test
def trivet_fails_over_and_waits(home):
    settled(home)
    former = home.writer()["identifier"]
    told = json.loads(trivet(home, "failover", "demo", "--json"))
    assert told["former_writer"] == former and told["writer"] == home.writer()["identifier"] != former, told
    assert told["message"].startswith(f"Completed failover to DB instance: {told['writer']}."), told
    failed = subprocess.run([BIN / "trivet", "--home", home.path, "failover", "none"], check=False,
                            capture_output=True, text=True, timeout=60)
    assert failed.returncode == 1 and "none" in failed.stderr, failed
    settled(home)
    return f"{told['elapsed_ms']} ms"


@suite.test
def a_stopped_cluster_stays_stopped_and_keeps_its_data(home):
    settled(home)
    rds = home.client("rds")
    arn = rds.describe_db_clusters(DBClusterIdentifier="demo")["DBClusters"][0]["DBClusterArn"]
    assert code_of(rds.start_db_cluster, DBClusterIdentifier="demo") == "InvalidDBClusterStateFault"
    with Writers(home, home.shared["host"], WRITERS, pause=0.005) as load:
        running(load)
        assert rds.stop_db_cluster(DBClusterIdentifier="demo")["DBCluster"]["Status"] == "stopping"
        wait_until("a stopped cluster", lambda: home.cluster_status()["status"] == "stopped", 60)
    only_the_daemon = {home.daemon.pid}
    assert set(processes_of(home.folder)) <= only_the_daemon, processes_of(home.folder)
    assert code_of(rds.stop_db_cluster, DBClusterIdentifier="demo") == "InvalidDBClusterStateFault"
    assert code_of(rds.failover_db_cluster, DBClusterIdentifier="demo") == "InvalidDBClusterStateFault"
    assert code_of(rds.reboot_db_instance, DBInstanceIdentifier="demo-instance-1") == "InvalidDBInstanceState"
    for host in (home.shared["host"], home.shared["reader"]):
        assert home.sql_error(host, "SELECT 1", connect_timeout=2) == CANNOT_CONNECT

    home.kill_daemon()
    home.start()
    assert home.cluster_status()["status"] == "stopped"
    assert set(processes_of(home.folder)) <= {home.daemon.pid}, processes_of(home.folder)
    rds.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "asleep", "Value": "yes"}])
    tags = {tag["Key"] for tag in rds.list_tags_for_resource(ResourceName=arn)["TagList"]}
    assert tags == {"env", "asleep"}, tags
    assert {i["DBInstanceStatus"] for i in rds.describe_db_instances()["DBInstances"]} == {"stopped"}

    assert rds.start_db_cluster(DBClusterIdentifier="demo")["DBCluster"]["Status"] == "starting"
    assert code_of(rds.start_db_cluster, DBClusterIdentifier="demo") == "InvalidDBClusterStateFault"
    home.wait_available("demo")
    settled(home)
    nothing_lost(home, load)
    assert home.sql_error(home.shared["host"], "CREATE TABLE mydb.after_start (id INT PRIMARY KEY)") is None
    told = messages(home, "demo")
    assert "DB cluster stopped." in told and told[-1].startswith("DB cluster started."), told
    return f"{load.count()} acknowledged; {told[-1].partition('. ')[2]}"


@suite.test
def killed_in_the_middle_of_a_stop_and_of_a_start(home):
    settled(home)
    rds = home.client("rds")
    rds.stop_db_cluster(DBClusterIdentifier="demo")
    home.kill_daemon()
    home.start()
    wait_until("a stopped cluster", lambda: home.cluster_status()["status"] == "stopped", 60)
    assert set(processes_of(home.folder)) <= {home.daemon.pid}, processes_of(home.folder)
    rds.start_db_cluster(DBClusterIdentifier="demo")
    home.kill_daemon()
    home.start()
    home.wait_available("demo")
    settled(home)


@suite.test
def a_stopped_cluster_can_be_deleted(home):
    settled(home)
    assert trivet(home, "stop", "demo") == "demo is stopped\n"
    home.delete_cluster("demo")
    assert set(processes_of(home.folder)) <= {home.daemon.pid}, processes_of(home.folder)
    assert messages(home, "demo")[-1] == "DB cluster deleted."
    clusters = home.path / "clusters"
    assert not any(clusters.iterdir()), list(clusters.iterdir())


if __name__ == "__main__":
    suite.main()
