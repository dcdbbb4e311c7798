# SPDX-License-Identifier: Apache-2.0
"""What is killed comes back, writes go on through the same endpoint, and every acknowledged row is there."""
import contextlib
import select
import signal
import time

from harness import MASTER, end_processes, kill, wait_gone
from load import Writers
from suite import Suite
from waiting import wait_until

suite = Suite(__file__)
READ_ONLY = 1290
WRITERS = 4
# Access denied: to this database, to grant, to this table, for want of a privilege.
DENIED = (1044, 1045, 1142, 1143, 1227, 1410)


@suite.setup
def one_cluster(home):
    cluster = home.create_cluster("demo", DatabaseName="mydb")
    home.shared["host"], home.shared["reader"] = cluster["Endpoint"], cluster["ReaderEndpoint"]


def running(load, more=200):
    target = load.count() + more
    wait_until(f"{more} more acknowledged writes", lambda: load.count() >= target, 60)


def agree(home):
    """All three members end up with the same transactions."""
    def same():
        sets = {home.sql(member["address"], "SELECT @@GLOBAL.gtid_executed")[0][0].replace("\n", "")
                for member in home.members().values()}
        assert len(sets) == 1, sets
        return True
    wait_until("members with the same transactions", same, 60)


def nothing_lost(home, load):
    for host in (home.shared["host"], *(member["address"] for member in home.readers())):
        wait_until(f"every acknowledged row at {host}", lambda host=host: not load.lost(host), 60)


def shown(load, killed):
    return f"gap {load.gap_around(killed) * 1000:.0f} ms, {load.count()} acknowledged"


@suite.test
def topology_names_the_three_servers(home):
    rows = {row[0]: (row[1], row[2]) for row in home.sql(home.shared["host"], "SELECT * FROM mysql.rds_topology")}
    seen = {home.sql(member["address"], "SELECT @@server_id")[0][0]: (member["name"], member["port"])
            for member in home.members().values()}
    assert rows == seen, (rows, seen)


@suite.test
def the_initial_database_is_there(home):
    assert home.sql(home.shared["host"], "SHOW DATABASES LIKE 'mydb'") == (("mydb",),)


@suite.test
def the_master_cannot_change_roles_replication_or_the_plugin(home):
    host = home.shared["host"]
    ours = [row[0] for row in home.sql(host, "SELECT user FROM mysql.user WHERE user LIKE 'trivet%'")]
    assert len(ours) >= 5, ours
    statements = [
        "SET GLOBAL max_connections = 10", "SET GLOBAL super_read_only = OFF", "SET GLOBAL super_read_only = ON",
        "SET GLOBAL read_only = ON", "SET GLOBAL offline_mode = ON", "SET PERSIST max_connections = 10",
        "SET GLOBAL rpl_semi_sync_source_enabled = OFF", "SET SESSION sql_log_bin = OFF",
        "SET gtid_next = '11111111-1111-1111-1111-111111111111:1'", "STOP REPLICA", "START REPLICA",
        "RESET REPLICA ALL", "RESET BINARY LOGS AND GTIDS", "PURGE BINARY LOGS BEFORE NOW()",
        "CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1'", "UNINSTALL PLUGIN AWSAuthenticationPlugin",
        "INSTALL PLUGIN mysql_no_login SONAME 'mysql_no_login.so'", "UPDATE mysql.user SET plugin = 'mysql_no_login'",
        "DELETE FROM mysql.plugin", "INSERT INTO mysql.rds_topology VALUES (1, 'x', 1)", "DROP TABLE mysql.user",
        "GRANT SUPER ON *.* TO CURRENT_USER()", "GRANT SYSTEM_USER ON *.* TO CURRENT_USER()", "SHUTDOWN", "RESTART",
        "CLONE LOCAL DATA DIRECTORY = '/tmp/stolen'", "SELECT 1 INTO OUTFILE '/tmp/stolen'",
        *(f"ALTER USER '{user}'@'%' IDENTIFIED BY 'stolen-1'" for user in ours if user != "trivet_admin"),
        "ALTER USER 'trivet_admin'@'localhost' IDENTIFIED BY 'stolen-1'",
        *(f"DROP USER '{user}'@'%'" for user in ours if user != "trivet_admin"),
        *(f"GRANT '{user}'@'%' TO {MASTER}" for user in ours if user != "trivet_admin"),
        f"GRANT 'trivet_admin'@'localhost' TO {MASTER}", "RENAME USER trivet_clone TO mine",
        "CREATE DEFINER = 'trivet_admin'@'localhost' PROCEDURE mydb.borrow() SELECT 1",
    ]
    for statement in statements:
        error = home.sql_error(host, statement)
        assert error in DENIED, (statement, error)
    grants = " ".join(row[0] for row in home.sql(host, "SHOW GRANTS"))
    for word in ("SUPER", "SYSTEM_USER", "SYSTEM_VARIABLES_ADMIN", "REPLICATION_SLAVE_ADMIN", "CONNECTION_ADMIN",
                 "BINLOG_ADMIN", "PERSIST_RO", "CLONE_ADMIN", "RELOAD", "SHUTDOWN", "FILE,"):
        assert word not in grants, (word, grants)
    return f"{len(statements)} statements refused"


@suite.test
def the_master_can_do_a_masters_work(home):
    host = home.shared["host"]
    for statement in ("CREATE USER worker IDENTIFIED BY 'worker-horse-1'", "GRANT SELECT ON mydb.* TO worker",
                      "CREATE ROLE reporting", "GRANT reporting TO worker", "FLUSH TABLES", "SHOW PROCESSLIST",
                      "CREATE TABLE mydb.t (id INT PRIMARY KEY)", "DROP TABLE mydb.t", "DROP USER worker",
                      "DROP ROLE reporting"):
        error = home.sql_error(host, statement)
        assert error is None, (statement, error)


@suite.test
def the_writers_mysqld_is_killed_under_load(home):
    before = home.log_size()
    former = home.writer()
    with Writers(home, home.shared["host"], WRITERS) as load:
        running(load)
        killed = time.monotonic()
        kill(former["pid"])
        running(load)
        assert home.sql(home.shared["reader"], "SELECT @@super_read_only") == ((1,),)
    assert home.writer()["identifier"] != former["identifier"], "the same writer"
    home.wait_event("failover.completed", before, 10)
    home.wait_whole()
    assert home.members()[former["identifier"]]["role"] == "reader"
    nothing_lost(home, load)
    agree(home)
    assert home.sql_error(former["address"], "CREATE DATABASE nowhere") == READ_ONLY
    said = home.wait_event("failover.completed", before)["ms"]
    return f"{shown(load, killed)}, the daemon says {said} ms"


@suite.test
def a_writer_that_is_killed_while_it_shuts_down_keeps_what_it_answered(home):
    """T43: told to end, MySQL answers waiting commits with OK. Nobody who lacks them takes over, whatever ends it."""
    home.wait_whole()
    before, former, readers = home.log_size(), home.writer(), home.readers()
    with Writers(home, home.shared["host"], 1) as load:
        running(load)
        kill(home.daemon.pid, signal.SIGSTOP)  # or it would let the readers receive again
        try:
            for reader in readers:
                home.admin_sql(reader, "STOP REPLICA IO_THREAD")
            wait_until("a commit that waits", lambda: home.admin_sql(
                former, "SHOW STATUS LIKE 'Rpl_semi_sync_source_wait_sessions'")[0][1] == "1", 30)
            acknowledged = load.count()
            kill(former["pid"], signal.SIGTERM)
            wait_until("its answer", lambda: load.count() > acknowledged, 10, 0.001)
            kill(former["pid"])
        finally:
            kill(home.daemon.pid, signal.SIGCONT)
        home.wait_event("member.ended", before, 20, pid=former["pid"], how="killed by signal 9 while it shut down")
        running(load)
    assert home.writer()["identifier"] == former["identifier"], "another writer"
    home.wait_whole()
    nothing_lost(home, load)
    agree(home)


@suite.test
def a_silent_reader_loses_its_vote_and_another_death_does_not_stop_writes(home):
    """Two deaths one after the other, the second before the first is whole again: the reader that is left goes on."""
    home.wait_whole()
    silent = home.readers()[0]
    left = home.readers()[1]["identifier"]
    with Writers(home, home.shared["host"], 2, pause=0.005) as load:
        running(load)
        before, killed = home.log_size(), time.monotonic()
        kill(silent["pid"], signal.SIGSTOP)
        home.wait_event("cluster.voters", before, 10, voters=left)
        dropped = time.monotonic() - killed
        kill(home.writer()["pid"])
        running(load)
    assert home.writer()["identifier"] == left
    home.wait_whole()
    nothing_lost(home, load)
    agree(home)
    return f"out of the voters after {dropped * 1000:.0f} ms"


@suite.test
def the_writer_is_killed_in_the_middle_of_large_transactions(home):
    """A reader that received half of one must not wait for the rest."""
    home.wait_whole()
    former = home.writer()
    with Writers(home, home.shared["host"], 2, rows=4000) as load:
        running(load, 6)
        killed = time.monotonic()
        kill(former["pid"])
        running(load, 6)
    home.wait_whole()
    nothing_lost(home, load)
    agree(home)
    return shown(load, killed)


@suite.test
def the_writer_is_killed_again_and_again(home):
    """Each time the reader that was rebuilt last counts again as one that acknowledges."""
    gaps = []
    with Writers(home, home.shared["host"], WRITERS, pause=0.02) as load:
        for _ in range(4):
            home.wait_whole()
            running(load)
            killed = time.monotonic()
            kill(home.writer()["pid"])
            running(load)
            gaps.append(load.gap_around(killed) * 1000)
    home.wait_whole()
    nothing_lost(home, load)
    agree(home)
    return f"gaps {', '.join(f'{gap:.0f}' for gap in gaps)} ms, {load.count()} acknowledged"


@suite.test
def the_writers_guard_is_killed_under_load(home):
    home.wait_whole()
    former = home.writer()
    with Writers(home, home.shared["host"], WRITERS) as load:
        running(load)
        killed = time.monotonic()
        kill(former["guard_pid"])
        running(load)
    home.wait_whole()
    assert home.members()[former["identifier"]]["guard_pid"] != former["guard_pid"]
    nothing_lost(home, load)
    agree(home)
    return shown(load, killed)


@suite.test
def a_readers_mysqld_is_killed_under_load(home):
    home.wait_whole()
    victim, writer = home.readers()[0], home.writer()
    with Writers(home, home.shared["host"], WRITERS) as load:
        running(load)
        killed = time.monotonic()
        kill(victim["pid"])
        running(load)
        for _ in range(20):  # the other reader has all of them
            assert home.sql(home.shared["reader"], "SELECT @@super_read_only") == ((1,),)
        home.wait_whole()
    assert home.writer() == {**writer, "apply_lag_ms": home.writer()["apply_lag_ms"]}, "a needless failover"
    nothing_lost(home, load)
    agree(home)
    return shown(load, killed)


@suite.test
def both_readers_are_killed_and_no_write_is_acknowledged_alone(home):
    """With no voter left a commit waits; it is answered when one is back."""
    home.wait_whole()
    readers = home.readers()
    with Writers(home, home.shared["host"], WRITERS) as load:
        running(load)
        killed = time.monotonic()
        for reader in readers:
            kill(reader["pid"])
        running(load)
    home.wait_whole()
    nothing_lost(home, load)
    agree(home)
    return shown(load, killed)


@suite.test
def the_daemon_is_killed_and_a_new_one_adopts_the_members(home):
    home.wait_whole()
    before = home.members()
    writer = home.writer()
    home.kill_daemon()
    # Each member still serves at its own endpoint, to who is connected and to who comes, and commits.
    with contextlib.closing(home.connect(writer["address"])) as connection, connection.cursor() as cursor:
        for member in before.values():
            assert home.sql(member["address"], "SELECT 1") == ((1,),)
        cursor.execute("CREATE TABLE IF NOT EXISTS mydb.orphan (id INT PRIMARY KEY AUTO_INCREMENT)")
        cursor.execute("INSERT INTO mydb.orphan VALUES ()")
        home.start()
        home.wait_whole()
        cursor.execute("INSERT INTO mydb.orphan VALUES ()")  # on the connection from before
    after = home.members()
    for name, member in before.items():
        assert (member["pid"], member["guard_pid"], member["role"]) == \
            (after[name]["pid"], after[name]["guard_pid"], after[name]["role"]), (member, after[name])
    assert home.sql(home.shared["host"], "SELECT COUNT(*) >= 2 FROM mydb.orphan") == ((1,),)
    agree(home)


def wait_steered(home):
    """Until the kernel hands clients of the writer endpoint to the writer. Otherwise: why it does not here."""
    why = home.status()["why_not_steered"]
    if not why:
        wait_until("the kernel to steer", lambda: home.cluster_status()["endpoint"]["steered"], 10)
    return why


def seconds_until_ended(connection, begun):
    """Since `begun`, until an idle connection is told that it is over."""
    there, _, _ = select.select([connection._sock], [], [], 10)  # pylint: disable=protected-access
    took = time.monotonic() - begun
    assert there, "the connection is still open"
    with contextlib.suppress(OSError):
        assert connection._sock.recv(1) == b""  # pylint: disable=protected-access
    return took


@suite.test
def connections_through_the_writer_endpoint_outlive_the_daemon(home):
    """The kernel's work, so they need nobody in between; but they end with their writer's term, as all do."""
    home.wait_whole()
    why = wait_steered(home)
    if why:
        return f"not tried: {why}"
    host = home.shared["host"]
    with contextlib.closing(home.connect(host)) as kept, kept.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS mydb.kept (id INT PRIMARY KEY AUTO_INCREMENT)")
        home.kill_daemon()
        cursor.execute("INSERT INTO mydb.kept VALUES ()")
        home.start()
        home.wait_whole()
        wait_steered(home)
        cursor.execute("INSERT INTO mydb.kept VALUES ()")
        home.stop_daemon()
        cursor.execute("INSERT INTO mydb.kept VALUES ()")
        home.start()
        home.wait_whole()
        wait_steered(home)
        cursor.execute("INSERT INTO mydb.kept VALUES ()")
        former, before = home.writer(), home.log_size()
        begun = time.monotonic()
        home.client("rds").failover_db_cluster(DBClusterIdentifier="demo")
        ended = seconds_until_ended(kept, begun)
    assert ended < 1, ended
    home.wait_event("failover.completed", before, 10)
    home.wait_whole()
    wait_steered(home)
    assert home.writer()["identifier"] != former["identifier"], "the same writer"
    assert home.sql(host, "SELECT COUNT(*) >= 4 FROM mydb.kept") == ((1,),)
    agree(home)
    return f"ended {ended * 1000:.0f} ms after the failover was asked for"


@suite.test
def an_idle_connection_to_a_dead_writer_ends_at_once(home):
    home.wait_whole()
    with contextlib.closing(home.connect(home.shared["host"])) as idle:
        before, begun = home.log_size(), time.monotonic()
        kill(home.writer()["pid"])
        ended = seconds_until_ended(idle, begun)
    assert ended < 1, ended
    home.wait_event("failover.completed", before, 10)
    home.wait_whole()
    assert home.sql(home.shared["host"], "SELECT @@super_read_only") == ((0,),)
    return f"after {ended * 1000:.0f} ms"


@suite.test
def the_daemon_stops_in_order_and_a_new_one_adopts_the_members(home):
    before = home.members()
    home.stop_daemon()
    home.start()
    home.wait_whole()
    assert {m["pid"] for m in before.values()} == {m["pid"] for m in home.members().values()}


@suite.test
def the_writer_dies_while_no_daemon_runs(home):
    home.wait_whole()
    former = home.writer()
    home.kill_daemon()
    kill(former["pid"])
    wait_gone([former["pid"]])
    home.start()
    home.wait_whole()
    assert home.sql_error(home.shared["host"], "CREATE TABLE IF NOT EXISTS mydb.after_all (id INT PRIMARY KEY)") is None
    agree(home)


@suite.test
def everything_is_killed_under_load_and_starts_cold(home):
    home.wait_whole()
    with Writers(home, home.shared["host"], WRITERS) as load:
        running(load)
        home.kill_daemon()
        end_processes(home.folder)
        begun = time.monotonic()
        home.start()
        home.wait_whole()
        running(load)
    took = time.monotonic() - begun
    nothing_lost(home, load)
    agree(home)
    return f"all served again {took:.1f} s after the start, {load.count()} acknowledged"


@suite.test
def stopped_with_members_and_started_again(home):
    home.wait_whole()
    rows = home.sql(home.shared["host"], "SELECT COUNT(*) FROM load_test.rows")
    home.tear_down()
    home.start()
    home.wait_whole()
    assert home.sql(home.shared["host"], "SELECT COUNT(*) FROM load_test.rows") == rows


@suite.test
def after_all_that_the_login_still_works(home):
    assert home.sql(home.shared["reader"], "SELECT CURRENT_USER()") == ((f"{MASTER}@%",),)
    home.delete_cluster()


if __name__ == "__main__":
    suite.main()
