# SPDX-License-Identifier: Apache-2.0
"""The writer hands over to a chosen reader: nobody is killed, nothing is lost; what is in the way ends it."""
import contextlib
import json
import subprocess
import time

import harness
from botocore.exceptions import ClientError
from harness import MASTER, kill
from load import Writers
from lost_ack import LostAcknowledgement
from suite import Suite
from waiting import wait_until

suite = Suite(__file__)
# What a client without a server says: it comes back by itself when the client connects again.
LOST = {2006, 2013, 0}


@suite.setup
def one_cluster(home):
    cluster = home.create_cluster("demo", DatabaseName="mydb")
    home.shared["host"], home.shared["reader"] = cluster["Endpoint"], cluster["ReaderEndpoint"]
    home.sql(cluster["Endpoint"], "CREATE TABLE mydb.t (id INT PRIMARY KEY)")


def other_reader(home):
    home.wait_whole()
    return sorted(member["identifier"] for member in home.readers())[-1]


def hand_over(home, target):
    home.client("rds").failover_db_cluster(DBClusterIdentifier="demo", TargetDBInstanceIdentifier=target)


def settled(home):
    wait_until("an available cluster", lambda: home.cluster_status()["status"] == "available", 60, every=0.005)


def given_up(home, before):
    settled(home)
    return home.wait_event("switchover.given_up", before, 10)["reason"]


def nothing_lost(home, load):
    for host in (home.shared["host"], *(member["address"] for member in home.readers())):
        wait_until(f"every acknowledged row at {host}", lambda host=host: not load.lost(host), 60)


@suite.test
def the_chosen_reader_writes_and_nobody_was_killed(home):
    target = other_reader(home)
    before = home.members()
    pids = {name: member["pid"] for name, member in before.items()}
    home.aws("rds", "failover-db-cluster", "--db-cluster-identifier", "demo", "--target-db-instance-identifier", target)
    home.aws("rds", "wait", "db-cluster-available", "--db-cluster-identifier", "demo")
    assert home.writer()["identifier"] == target
    home.wait_whole()
    assert {name: member["pid"] for name, member in home.members().items()} == pids, "somebody was restarted"
    members = home.client("rds").describe_db_clusters(DBClusterIdentifier="demo")["DBClusters"][0]["DBClusterMembers"]
    assert {m["DBInstanceIdentifier"] for m in members if m["IsClusterWriter"]} == {target}, members
    home.sql(home.shared["host"], "INSERT INTO mydb.t VALUES (1)")
    for member in home.readers():
        wait_until("the row", lambda member=member: home.sql(member["address"], "SELECT id FROM mydb.t") == ((1,),), 10)
    said = [event["Message"] for event in home.client("rds").describe_events(
        SourceIdentifier="demo", SourceType="db-cluster")["Events"]]
    assert any(f"Completed failover to DB instance: {target}. Writes waited for" in text for text in said), said


@suite.test
def clients_see_nothing_but_a_lost_connection(home):
    """Eight that write in short transactions; the pause in front of each new one is when they are between two."""
    gaps = []
    with Writers(home, home.shared["host"], 8, pause=0.02) as load:
        for _ in range(6):
            target = other_reader(home)
            count = load.count()
            wait_until("acknowledged writes", lambda count=count: load.count() > count + 100, 30)
            asked, before = time.monotonic(), home.log_size()
            hand_over(home, target)
            settled(home)
            assert home.writer()["identifier"] == target, home.events("switchover.given_up", before)
            count = load.count()
            wait_until("writes that go on", lambda count=count: load.count() > count + 100, 30)
            gaps.append(load.gap_around(asked) * 1000)
    home.wait_whole()  # who handed over serves a second later
    nothing_lost(home, load)
    assert set(load.errors) <= LOST, sorted(set(load.errors))
    return f"gaps {', '.join(f'{gap:.0f}' for gap in sorted(gaps))} ms, {len(load.errors)} connections lost"


@suite.test
def the_command_says_what_it_did(home):
    target = other_reader(home)
    done = subprocess.run([harness.BIN / "trivet", "--home", home.path, "switchover", "demo", "--to", target, "--json"],
                          capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["writer"] == target and "Writes waited for" in said["message"], said
    again = subprocess.run([harness.BIN / "trivet", "--home", home.path, "switchover", "demo", "--to", target],
                           capture_output=True, text=True, timeout=120, check=False)
    assert again.returncode == 1 and "is the writer already" in again.stderr, again.stderr


@suite.test
def a_long_transaction_ends_the_attempt(home):
    target = other_reader(home)
    writer = home.writer()["identifier"]
    with contextlib.closing(home.connect(home.shared["host"], autocommit=False)) as client, client.cursor() as cursor:
        cursor.execute("INSERT INTO mydb.t VALUES (100)")
        cursor.execute("SELECT CONNECTION_ID()")
        number = cursor.fetchone()[0]
        wait_until("a transaction that is old", lambda: home.sql(
            home.shared["host"], "SELECT COUNT(*) FROM information_schema.innodb_trx "
            "WHERE trx_started < NOW() - INTERVAL 3 SECOND")[0][0] > 0, 20)
        before = home.log_size()
        hand_over(home, target)
        reason = given_up(home, before)
        assert f"session {number} ({MASTER}@" in reason, reason
        assert home.writer()["identifier"] == writer
        client.commit()
    assert home.sql(home.shared["host"], "SELECT id FROM mydb.t WHERE id = 100") == ((100,),)


@suite.test
def a_locked_table_ends_the_attempt_and_writes_only_waited(home):
    target = other_reader(home)
    home.sql(home.shared["host"], "CREATE TABLE mydb.locked (id INT)")
    with contextlib.closing(home.connect(home.shared["host"])) as client, client.cursor() as cursor:
        cursor.execute("LOCK TABLES mydb.locked WRITE")
        with Writers(home, home.shared["host"], 2, pause=0.005) as load:
            wait_until("writes", lambda: load.count() > 50, 30)
            before = home.log_size()
            hand_over(home, target)
            reason = given_up(home, before)
            count = load.count()
            wait_until("writes that go on", lambda: load.count() > count + 50, 30)
        assert not load.errors, load.errors
        cursor.execute("UNLOCK TABLES")
    assert "deadline" in reason, reason


@suite.test
def a_lost_acknowledgement_holds_up_no_switchover(home):
    """T5: asked for while a commit waits for an acknowledgement that is lost: it finishes or rolls back."""
    home.wait_whole()
    home.sql(home.shared["host"], "CREATE TABLE mydb.lost (id INT PRIMARY KEY)")
    said = []
    for number in range(4):
        home.wait_whole()
        before = home.log_size()
        with contextlib.closing(home.connect(home.writer()["address"])) as client:
            lost = LostAcknowledgement(home, client, f"INSERT INTO mydb.lost VALUES ({number})")
            target = (lost.voter, lost.other)[number % 2]["identifier"]
            hand_over(home, target)
            settled(home)
            took = time.monotonic() - lost.begun_to_look
            answered = lost.wait_answered(20)
        ended = home.events("switchover.completed", before) + home.events("switchover.given_up", before)
        assert ended and took < 5 and answered < 2, (ended, took, answered)
        assert not home.events("failover.started", before)
        said.append(f"{ended[0]['event'].split('.')[1]} in {took:.1f} s, answered in {answered:.1f} s")
        home.wait_whole()
        # Whoever was stopped by hand receives again.
        wait_until("the row everywhere", lambda number=number: all(
            (number,) in home.sql(member["address"], "SELECT id FROM mydb.lost")
            for member in home.members().values()), 60)
    return "; ".join(said)


@suite.test
def those_who_cannot_write_are_refused(home):
    home.wait_whole()
    rds = home.client("rds")
    for target, code in ((home.writer()["identifier"], "InvalidDBInstanceState"), ("nobody", "InvalidDBInstanceState")):
        try:
            rds.failover_db_cluster(DBClusterIdentifier="demo", TargetDBInstanceIdentifier=target)
            raise AssertionError(f"{target} was accepted")
        except ClientError as error:
            assert error.response["Error"]["Code"] == code, error


def begin_to_hand_over(home, target):
    """A member that has only just come back may not be taken for well yet: then it is asked for again."""
    for _ in range(5):
        before = home.log_size()
        hand_over(home, target)
        wait_until("what becomes of it", lambda before=before: home.events("switchover.started", before) or home.events(
            "switchover.given_up", before), 10)
        if home.events("switchover.started", before):
            return
    raise AssertionError("no switchover begins")


@suite.test
def a_kill_at_any_moment_of_it_loses_nothing(home):
    """The writer, the target, the third and the daemon, while it is under way."""
    with Writers(home, home.shared["host"], 4, pause=0.005) as load:
        for victim in ("writer", "target", "third", "daemon"):
            target = other_reader(home)
            roles = {"writer": home.writer()["pid"], "target": home.members()[target]["pid"],
                     "third": next(m["pid"] for m in home.readers() if m["identifier"] != target)}
            begin_to_hand_over(home, target)
            if victim == "daemon":
                home.kill_daemon()
                home.start()
            else:
                kill(roles[victim])
            count = load.count()
            wait_until(f"writes after the {victim}'s end", lambda count=count: load.count() > count + 50, 60)
            home.wait_whole()
    nothing_lost(home, load)


if __name__ == "__main__":
    suite.main()
