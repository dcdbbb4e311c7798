# SPDX-License-Identifier: Apache-2.0
"""Sessions that Trivet did not make: one that acknowledges is ended, all others are left alone (T22, T38)."""
import contextlib
import threading
import time

import pymysql

from binlog_client import BinlogClient
from harness import MASTER, MASTER_PASSWORD, kill
from load import Writers
from suite import Suite
from waiting import wait_until

suite = Suite(__file__)
# What MySQL says when a KILL meets no such thread, another one's, or one of the system's.
WRONG_KILLS = ("1094", "1095", "Unknown thread", "not owner of thread")


@suite.setup
def one_cluster(home):
    cluster = home.create_cluster("demo", DatabaseName="mydb")
    home.shared["host"] = cluster["Endpoint"]
    home.sql(cluster["Endpoint"], "CREATE TABLE mydb.t (id INT PRIMARY KEY, n INT)")
    home.sql(cluster["Endpoint"], "INSERT INTO mydb.t VALUES (1, 0), (2, 0), (3, 0)")


def processes(home, member):
    """{number: (user, command)} of a member's threads, the system's too."""
    return {row[0]: (row[1], row[4]) for row in home.admin_sql(member, "SHOW PROCESSLIST")}


def kinds(home, member):
    return sorted((user, command) for user, command in processes(home, member).values()
                  if user in ("system user", "event_scheduler") or user.startswith("trivet_repl_"))


@contextlib.contextmanager
def crowd(home, address):
    """Sessions in every state that a kill filter could meet. Some wait; their threads end with their connections."""
    opened, threads = [], []

    def session(*statements, autocommit=True):
        connection = home.connect(address, autocommit=autocommit)
        opened.append(connection)
        with connection.cursor() as cursor:
            for statement in statements[:-1]:
                cursor.execute(statement)

        def last():
            with contextlib.suppress(pymysql.err.MySQLError, OSError, ValueError, AttributeError), \
                    connection.cursor() as cursor:
                cursor.execute(statements[-1])
        threads.append(threading.Thread(target=last, daemon=True))
        threads[-1].start()
        return connection
    try:
        for _ in range(5):
            session("SELECT 1")
        session("SELECT SLEEP(100)")
        session("BEGIN", "SELECT * FROM mydb.t", "SELECT SLEEP(100)", autocommit=False)
        session("BEGIN", "UPDATE mydb.t SET n = 1 WHERE id = 1", autocommit=False)
        session("BEGIN", "UPDATE mydb.t SET n = 2 WHERE id = 1", autocommit=False)
        session("SELECT GET_LOCK('one', 10)")
        session("SELECT GET_LOCK('one', 100)")
        session("CREATE TEMPORARY TABLE mydb.mine (id INT)", "INSERT INTO mydb.mine VALUES (1)")
        session("HANDLER mydb.t OPEN", "HANDLER mydb.t READ FIRST")
        session("PREPARE p FROM 'SELECT SLEEP(?)'", "SET @a = 100", "EXECUTE p USING @a")
        session(f"XA START 'x{time.monotonic_ns()}'", "UPDATE mydb.t SET n = 3 WHERE id = 3")
        opened.append(BinlogClient(home, address, MASTER, MASTER_PASSWORD, 4_000_000_001, False))
        yield opened
    finally:
        for connection in opened:
            with contextlib.suppress(Exception):
                connection.close()
        for thread in threads:
            thread.join(10)


@suite.test
def a_foreign_acknowledger_is_ended_and_nobody_else(home):
    home.wait_whole()
    writer = home.writer()
    said = []
    with crowd(home, writer["address"]) as opened, Writers(home, home.shared["host"], 2, pause=0.005) as load:
        reader = BinlogClient(home, writer["address"], MASTER, MASTER_PASSWORD, 4_000_000_002, False)
        # Other sessions of the master user's end by themselves: those that the harness asked questions with.
        stay = {one.id if isinstance(one, BinlogClient) else one.thread_id() for one in (*opened, reader)}
        for _ in range(5):
            before, begun = home.log_size(), time.monotonic()
            others = processes(home, writer)
            rogue = BinlogClient(home, writer["address"], MASTER, MASTER_PASSWORD, 4_000_000_003, True)
            try:
                wait_until("its end", rogue.is_ended, 10, every=0.005)
                said.append(time.monotonic() - begun)
                home.wait_event("member.unknown_acknowledger", before, 10, member=writer["identifier"])
            finally:
                rogue.close()
            left = processes(home, writer)
            assert rogue.id not in left or left[rogue.id][1] == "Killed", left[rogue.id]
            gone = {number: what for number, what in others.items()
                    if number not in left and (number in stay or what[0] in ("system user", "event_scheduler"))}
            assert not gone, gone
            voters = [what for what in left.values() if what[0].startswith("trivet_repl_")]
            assert len(voters) == 2, voters
        count = reader.events
        wait_until("the log at a client that only reads it", lambda: reader.events > count, 10)
        assert not reader.is_ended()
        reader.close()
    assert not load.lost(home.shared["host"])
    assert not home.events("failover.started")
    assert max(said) < 3, said
    return f"ended after {', '.join(f'{seconds * 1000:.0f}' for seconds in said)} ms"


@suite.test
def whatever_sessions_there_are_an_election_meets_only_its_own(home):
    """The writer dies with a crowd on each member; then it is asked for, then handed over."""
    for way in ("killed", "failover", "switchover"):
        home.wait_whole()
        writer, readers = home.writer(), home.readers()
        before = home.log_size()
        threads = {member["identifier"]: kinds(home, member) for member in readers}
        assert all(("system user", "Connect") in found or ("system user", "Query") in found
                   for found in threads.values()), threads
        with contextlib.ExitStack() as stack:
            if way != "switchover":  # which waits for nobody's old transaction
                stack.enter_context(crowd(home, writer["address"]))
            clients = [stack.enter_context(contextlib.closing(home.connect(member["address"])))
                       for member in (*readers, writer) for _ in range(3)]
            stack.enter_context(contextlib.closing(
                BinlogClient(home, readers[0]["address"], MASTER, MASTER_PASSWORD, 4_000_000_004, False)))
            assert all(client.open for client in clients)
            if way == "killed":
                kill(writer["pid"])
            else:
                more = {"TargetDBInstanceIdentifier": readers[1]["identifier"]} if way == "switchover" else {}
                home.client("rds").failover_db_cluster(DBClusterIdentifier="demo", **more)
            event = "switchover.completed" if way == "switchover" else "failover.completed"
            home.wait_event(event, before, 20)
            home.wait_whole()
        troubles = [found["error"] for found in home.events("member.trouble", before)]
        assert not any(wrong in trouble for trouble in troubles for wrong in WRONG_KILLS), troubles
        home.sql(home.shared["host"], "UPDATE mydb.t SET n = n + 1 WHERE id = 2")


if __name__ == "__main__":
    suite.main()
