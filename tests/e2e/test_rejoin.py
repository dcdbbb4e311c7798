# SPDX-License-Identifier: Apache-2.0
"""A writer that was killed comes back without its data being copied, whatever it held that nobody acknowledged."""
import contextlib
import pathlib
import signal
import subprocess
import threading
import time

import pymysql

from harness import MASTER, kill, plain_environment
from load import Writers
from suite import Suite
from waiting import wait_until

suite = Suite(__file__)
WRITERS = 4
TAIL = 5
BACK_SECONDS = 10
GROWING_GAP = 2.0  # seconds, on a machine that also copies the data


@suite.setup
def one_cluster(home):
    cluster = home.create_cluster("demo", DatabaseName="mydb")
    home.shared["host"] = cluster["Endpoint"]
    home.wait_whole()
    command = pathlib.Path(f"/proc/{home.writer()['pid']}/cmdline").read_text(encoding="utf-8")
    home.shared["command"] = command.split("\0")
    home.sql(home.shared["host"], "CREATE TABLE mydb.t (id VARCHAR(40) PRIMARY KEY, n INT)")


def client(home, name, *words):
    """One of the engine's own programs, with its own libraries: started as mysqld is."""
    command = home.shared["command"]
    loader, libraries = command[0], command[command.index("--library-path") + 1]
    program = pathlib.Path(libraries).parents[1] / "bin" / name
    done = subprocess.run([loader, "--library-path", libraries, program, "--no-defaults", *words], check=False,
                          capture_output=True, text=True, timeout=30, env=plain_environment())
    assert done.returncode == 0, done.stderr
    return done.stdout


def admin(home, member, statement):
    """As the node's own account, on the member's socket."""
    socket = next(path for path in (home.path / "run").glob("*/mysqld.sock")
                  if f'socket="{path}"' in (member_folder(home, member) / "my.cnf").read_text(encoding="utf-8"))
    return client(home, "mysql", f"--socket={socket}", "--user=trivet_admin", "--batch", "--skip-column-names",
                  "--execute", statement).strip()


def member_folder(home, member):
    return next((home.path / "clusters").glob(f"*/{member['identifier']}"))


def server_uuid(home, member):
    return admin(home, member, "SELECT @@server_uuid")


def agree(home):
    """The same transactions and the same rows everywhere."""
    def same():
        seen = {(admin(home, member, "SELECT @@GLOBAL.gtid_executed").replace("\\n", ""),
                 admin(home, member, "CHECKSUM TABLE mydb.t, load_test.rows"))
                for member in home.members().values()}
        assert len(seen) == 1, seen
        return True
    wait_until("members with the same data", same, 60)


def running(load, more=100):
    target = load.count() + more
    wait_until(f"{more} more acknowledged writes", lambda: load.count() >= target, 60)


def message(home, member, after):
    """The recovery's event of that member."""
    def told():
        events = home.client("rds").describe_events(SourceIdentifier=member["identifier"], SourceType="db-instance")
        texts = [event["Message"] for event in events["Events"] if event["Message"].startswith("Recovery")]
        return texts[after:] and texts[-1]
    return wait_until("an event of the recovery", told, 20)


def recoveries(home, member):
    events = home.client("rds").describe_events(SourceIdentifier=member["identifier"], SourceType="db-instance")
    return len([event for event in events["Events"] if event["Message"].startswith("Recovery")])


class Waiting:
    """Statements that nobody acknowledges: readers receive nothing. Ends by the writer's death."""

    def __init__(self, home, statements):
        self.home, self.statements = home, statements
        self.former = home.writer()
        self.answered = []
        self.threads = []

    def _run(self, connection, statement):
        with contextlib.suppress(pymysql.err.MySQLError, OSError), connection.cursor() as cursor:
            cursor.execute(statement)
            self.answered.append(statement)

    def kill(self, before=None):
        connections = [self.home.connect(self.former["address"]) for _ in self.statements]
        readers = self.home.readers()
        kill(self.home.daemon.pid, signal.SIGSTOP)  # or it lets them receive again
        try:
            return self._kill(readers, connections, before)
        finally:
            kill(self.home.daemon.pid, signal.SIGCONT)

    def _kill(self, readers, connections, before):
        for reader in readers:
            admin(self.home, reader, "STOP REPLICA IO_THREAD")
        for connection, statement in zip(connections, self.statements):
            thread = threading.Thread(target=self._run, args=(connection, statement))
            thread.start()
            self.threads.append(thread)
        wait_until("commits that wait", lambda: int(admin(
            self.home, self.former, "SELECT COUNT(*) FROM performance_schema.threads WHERE PROCESSLIST_COMMAND='Query'"
            f" AND PROCESSLIST_USER='{MASTER}'")) == len(self.statements), 5)
        sizes, data = [0, 1], member_folder(self.home, self.former) / "data"

        def is_written():
            sizes[:] = [sum(log.stat().st_size for log in data.glob("binlog.*")), sizes[0]]
            return sizes[0] == sizes[1]
        wait_until("all of them in the log", is_written, 5)
        if before:
            before()
        at = time.monotonic()
        kill(self.former["pid"])
        kill(self.home.daemon.pid, signal.SIGCONT)
        for thread in self.threads:
            thread.join(30)
        return at


def inserts(mark, count=TAIL):
    return [f"INSERT INTO mydb.t VALUES ('{mark}-{n}', {n})" for n in range(count)]


def rows(home, mark):
    return home.sql(home.shared["host"], f"SELECT COUNT(*) FROM mydb.t WHERE id LIKE '{mark}-%'")[0][0]


def back(home, former, since, at):
    event = home.wait_event("member.rejoined", since, 30, member=former["identifier"])
    home.wait_whole(seconds=30)
    wait_until("three that vote", lambda: all(
        m["role"] == "writer" or m["is_voter"] for m in home.members().values()), 30)
    seconds = time.monotonic() - at
    assert seconds < BACK_SECONDS, f"{seconds:.1f} s"
    return event, seconds


@suite.test
def a_killed_writer_is_back_without_a_copy(home):
    ways = []
    with Writers(home, home.shared["host"], WRITERS) as load:
        for _ in range(3):
            running(load)
            since, former = home.log_size(), home.writer()
            uuid = server_uuid(home, former)
            at = time.monotonic()
            kill(former["pid"])
            event, seconds = back(home, former, since, at)
            assert server_uuid(home, former) == uuid, "its data was replaced"
            ways.append(f"{event['way']} of {event['discarded']} {seconds:.1f} s")
    agree(home)
    return ", ".join(ways)


@suite.test
def what_nobody_acknowledged_is_cut_off_and_kept(home):
    home.wait_whole()
    since = home.log_size()
    waiting = Waiting(home, inserts("cut"))
    told = recoveries(home, waiting.former)
    at = waiting.kill()
    event, seconds = back(home, waiting.former, since, at)
    assert not waiting.answered, waiting.answered
    assert (event["way"], event["discarded"]) == ("rewind", TAIL), event
    assert rows(home, "cut") == 0
    text = message(home, waiting.former, told)
    assert f"{TAIL} transactions" in text and event["kept"] in text, text
    kept = client(home, "mysqlbinlog", "--base64-output=decode-rows", "--verbose", event["kept"])
    assert kept.count("### INSERT INTO `mydb`.`t`") == TAIL, kept
    agree(home)
    return f"{seconds:.1f} s"


@suite.test
def what_is_no_change_of_rows_is_cloned(home):
    home.wait_whole()
    since = home.log_size()
    waiting = Waiting(home, ["CREATE TABLE mydb.never (id INT)"])
    told = recoveries(home, waiting.former)
    waiting.kill()
    event = home.wait_event("member.rebuilt", since, 120, member=waiting.former["identifier"])
    assert "a statement that is no change of rows" in event["reason"] and event["discarded"] == 1, event
    assert "1 transaction" in message(home, waiting.former, told)
    home.wait_whole()
    assert home.sql(home.shared["host"], "SHOW TABLES FROM mydb LIKE 'never'") == ()
    agree(home)


@suite.test
def what_was_committed_behind_our_back_is_found_and_cloned(home):
    home.wait_whole()
    since = home.log_size()
    waiting = Waiting(home, inserts("released"))

    def release():
        admin(home, waiting.former, "SET GLOBAL rpl_semi_sync_source_enabled=OFF")
    waiting.kill(release)
    event = home.wait_event("member.rebuilt", since, 120, member=waiting.former["identifier"])
    assert "committed or received what the writer lacks" in event["reason"], event
    assert event["discarded"] == TAIL, event
    home.wait_whole()
    assert rows(home, "released") == 0
    agree(home)


@suite.test
def a_prepared_transaction_in_the_way_is_cloned(home):
    home.wait_whole()
    since = home.log_size()
    former = home.writer()
    connection = home.connect(former["address"])
    with connection.cursor() as cursor:
        cursor.execute("XA START 'left'")
        cursor.execute("INSERT INTO mydb.t VALUES ('xa', 1)")
        cursor.execute("XA END 'left'")
        cursor.execute("XA PREPARE 'left'")
    kill(former["pid"])
    event = home.wait_event("member.rebuilt", since, 120, member=former["identifier"])
    assert "prepared XA transactions" in event["reason"], event
    home.wait_whole()
    writer = home.writer()
    assert "left" in admin(home, writer, "XA RECOVER")
    home.sql(writer["address"], "XA ROLLBACK 'left'")


@suite.test
def the_daemon_dies_while_a_member_rejoins(home):
    """Whatever the step, the next daemon goes on and nothing is lost or left over."""
    home.wait_whole()
    for delay in (0.2, 0.5, 0.8, 1.2):
        mark = f"daemon{delay}"
        waiting = Waiting(home, inserts(mark))
        waiting.kill()
        threading.Event().wait(delay)  # at any step
        home.kill_daemon()
        home.start()
        home.wait_whole()
        assert rows(home, mark) == 0
        agree(home)


@suite.test
def a_reader_that_cannot_go_on_is_cloned(home):
    """What it needs is gone from the writer's log (T35): it loses its vote, gets other data and votes again, and no
    write waits for any of it (T39)."""
    home.wait_whole()
    since, (reader, _) = home.log_size(), home.readers()
    with Writers(home, home.shared["host"], 2, pause=0.02) as load:
        running(load)
        at = time.monotonic()
        admin(home, reader, "STOP REPLICA IO_THREAD")
        home.sql(home.shared["host"], "INSERT INTO mydb.t VALUES ('gone', 1)")
        admin(home, home.writer(), "FLUSH BINARY LOGS; PURGE BINARY LOGS BEFORE NOW() + INTERVAL 1 DAY")
        home.wait_event("member.rebuilt", since, 120, member=reader["identifier"])
        home.wait_whole()
        wait_until("three that vote", lambda: all(
            m["role"] == "writer" or m["is_voter"] for m in home.members().values()), 30)
        running(load, 20)
    gap = load.gap_around(at)
    assert not load.errors and gap < GROWING_GAP, (load.errors, gap)
    agree(home)
    return f"longest pause of writes {gap * 1000:.0f} ms"


@suite.test
def a_reader_that_was_stopped_by_hand_follows_again(home):
    home.wait_whole()
    since = home.log_size()
    admin(home, home.readers()[0], "STOP REPLICA")
    home.sql(home.shared["host"], "INSERT INTO mydb.t VALUES ('by hand', 1)")
    agree(home)
    assert not home.events("member.rebuilt", since)


if __name__ == "__main__":
    suite.main()
