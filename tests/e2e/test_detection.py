# SPDX-License-Identifier: Apache-2.0
"""Members that hang without dying are found and dealt with; members that are only slow are left alone."""
import contextlib
import ctypes
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time

import pymysql

from harness import kill
from load import Writers
from suite import Suite
from waiting import wait_until

suite = Suite(__file__)
WRITERS = 4
TOO_MANY_CONNECTIONS = 1040
PIDFD_GETFD = 438


@suite.setup
def one_cluster(home):
    cluster = home.create_cluster("demo", DatabaseName="mydb")
    home.shared["host"], home.shared["reader"] = cluster["Endpoint"], cluster["ReaderEndpoint"]
    home.sql(home.shared["host"], "CREATE TABLE mydb.one (id INT PRIMARY KEY, n INT)")
    home.sql(home.shared["host"], "INSERT INTO mydb.one VALUES (1, 0)")


def running(load, more=100):
    target = load.count() + more
    wait_until(f"{more} more acknowledged writes", lambda: load.count() >= target, 60)


def nothing_lost(home, load):
    for host in (home.shared["host"], *(member["address"] for member in home.readers())):
        wait_until(f"every acknowledged row at {host}", lambda host=host: not load.lost(host), 60)


def as_they_were(home, before):
    """No failover, no restart."""
    for name, member in home.members().items():
        assert (member["pid"], member["role"]) == (before[name]["pid"], before[name]["role"]), (member, before[name])


@contextlib.contextmanager
def stopped(pid):
    kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def full_cpu():
    """Twice as many busy processes as there are processors."""
    hogs = [subprocess.Popen([sys.executable, "-c", "while True: pass"], stdin=subprocess.DEVNULL)
            for _ in range(2 * (os.cpu_count() or 1))]
    try:
        yield
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait(10)


def paused(seconds):
    threading.Event().wait(seconds)


@suite.test
def stalls_of_half_a_second_at_full_cpu_are_no_hang(home):
    home.wait_whole()
    before, begun = home.members(), home.log_size()
    with Writers(home, home.shared["host"], WRITERS) as load, full_cpu():
        for _ in range(3):
            for member in before.values():
                running(load, 20)
                with stopped(member["pid"]):
                    paused(0.5)
    assert not home.events("member.hung", begun)
    assert not home.events("failover.started", begun)
    as_they_were(home, before)
    nothing_lost(home, load)
    return f"9 stalls, {load.count()} acknowledged"


@suite.test
def the_daemons_own_stall_is_no_hang(home):
    home.wait_whole()
    before, begun = home.members(), home.log_size()
    for _ in range(3):
        with stopped(home.daemon.pid), stopped(home.writer()["pid"]):
            paused(2)
        paused(0.5)
    home.wait_whole()
    assert not home.events("member.hung", begun)
    as_they_were(home, before)


@suite.test
def the_writer_is_stopped_under_load(home):
    gaps = []
    for _ in range(3):
        home.wait_whole()
        former, begun = home.writer(), home.log_size()
        with Writers(home, home.shared["host"], WRITERS, pause=0.01) as load:
            running(load)
            at = time.monotonic()
            kill(former["pid"], signal.SIGSTOP)
            running(load)
            gaps.append(load.gap_around(at) * 1000)
        said = home.wait_event("member.hung", begun, member=former["identifier"])
        assert "no answer to" in said["reason"], said
        assert home.writer()["identifier"] != former["identifier"]
        home.wait_whole()
        assert home.members()[former["identifier"]]["role"] == "reader"
        nothing_lost(home, load)
    assert max(gaps) < 2000, gaps
    return f"gaps {', '.join(f'{gap:.0f}' for gap in gaps)} ms; {said['reason']}"


@suite.test
def a_reader_is_stopped_under_load(home):
    home.wait_whole()
    writer, victim, begun = home.writer(), home.readers()[0], home.log_size()
    with Writers(home, home.shared["host"], WRITERS, pause=0.01) as load:
        running(load)
        at = time.monotonic()
        kill(victim["pid"], signal.SIGSTOP)
        home.wait_event("member.hung", begun, 10, member=victim["identifier"])
        home.wait_whole()
        running(load)
    assert load.gap_around(at) < 1.5, load.gap_around(at)
    assert not home.events("failover.started", begun)
    assert home.writer()["pid"] == writer["pid"]
    back = home.members()[victim["identifier"]]
    assert back["role"] == "reader" and back["pid"] != victim["pid"]
    nothing_lost(home, load)
    return f"gap {load.gap_around(at) * 1000:.0f} ms, {load.count()} acknowledged"


def take_all_connections(home, host, stack):
    """Holds connections until the server has none left, over and over, as clients with a pool do."""
    held = 0
    for _ in range(1000):
        try:
            stack.enter_context(contextlib.closing(home.connect(host)))
            held += 1
        except pymysql.err.OperationalError as error:
            assert error.args[0] == TOO_MANY_CONNECTIONS, error
            return held
    raise AssertionError("the server has no bound for connections")


@suite.test
def no_connections_left_is_no_hang_and_a_hang_is_still_found(home):
    home.wait_whole()
    before, begun = home.members(), home.log_size()
    address = home.writer()["address"]
    with contextlib.ExitStack() as stack:
        held = take_all_connections(home, address, stack)
        paused(4)
        assert home.sql_error(address, "SELECT 1") == TOO_MANY_CONNECTIONS
        as_they_were(home, before)
        # A new daemon finds no connection left either.
        home.kill_daemon()
        home.start()
        home.wait_whole()
        paused(4)
        assert home.sql_error(address, "SELECT 1") == TOO_MANY_CONNECTIONS
        as_they_were(home, before)
        assert not home.events("member.hung", begun)
        assert not home.events("failover.started", begun)
        kill(home.writer()["pid"], signal.SIGSTOP)
        home.wait_event("member.hung", begun, 10)
        home.wait_event("failover.completed", begun, 10)
    home.wait_whole()
    return f"{held} connections"


# An acknowledgement that gets lost with its connection.

def socket_of(pid, local, peer_pid):
    """Our copy of the socket of process `pid` that is bound to `local` and leads to process `peer_pid`."""
    def tcp_sockets(process):
        inodes = {}
        for entry in pathlib.Path(f"/proc/{process}/fd").iterdir():
            with contextlib.suppress(OSError):
                link = os.readlink(entry)
                if link.startswith("socket:["):
                    inodes[link[8:-1]] = int(entry.name)
        found = {}
        for line in pathlib.Path(f"/proc/{process}/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
            words = line.split()
            if words[3] == "01" and words[9] in inodes:
                found[(words[1], words[2])] = inodes[words[9]]
        return found
    theirs = tcp_sockets(peer_pid)
    ours = [number for (near, far), number in tcp_sockets(pid).items()
            if (far, near) in theirs and near.endswith(f":{local:04X}")]
    assert len(ours) == 1, ours
    pidfd = os.pidfd_open(pid)
    try:
        copy = ctypes.CDLL(None, use_errno=True).syscall(PIDFD_GETFD, pidfd, ours[0], 0)
        assert copy >= 0, os.strerror(ctypes.get_errno())
        return socket.socket(fileno=copy)
    finally:
        os.close(pidfd)


def admin_sql(home, member, statement):
    """As Trivet itself, over the member's own socket."""
    client = next(home.path.glob("engines/mysql-*/**/bin/mysql"))
    number = home.sql(member["address"], "SELECT @@server_id")[0][0]
    done = subprocess.run([client, "--no-defaults", f"--socket={home.path}/run/{number}/mysqld.sock",
                           "--user=trivet_admin", "--batch", "--skip-column-names", "--execute", statement],
                          check=False, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout


@suite.test
def a_lost_acknowledgement_is_made_up_for(home):
    home.wait_whole()
    before, begun = home.members(), home.log_size()
    writer, (voter, other) = home.writer(), home.readers()
    answered = []
    with contextlib.closing(home.connect(home.shared["host"])) as client:
        def commit():
            with client.cursor() as cursor:
                cursor.execute("UPDATE mydb.one SET n = n + 1 WHERE id = 1")
            answered.append(time.monotonic())
        admin_sql(home, other, "STOP REPLICA IO_THREAD")
        source = socket_of(writer["pid"], 3306, voter["pid"])
        with contextlib.closing(source):
            committing = threading.Thread(target=commit)
            with contextlib.ExitStack() as stops:
                with stopped(voter["pid"]):
                    committing.start()
                    paused(0.15)
                    stops.enter_context(stopped(writer["pid"]))
                paused(0.15)  # the voter acknowledges to a source that does not read
                taken = source.recv(1 << 16, socket.MSG_DONTWAIT)
                source.shutdown(socket.SHUT_RDWR)
            lost = time.monotonic()
        committing.join(20)
        assert answered, "the commit still waits"
    took = answered[0] - lost
    assert taken, "nothing was acknowledged"
    assert home.sql(home.shared["host"], "SELECT n FROM mydb.one") == ((1,),)
    assert not home.events("failover.started", begun)
    as_they_were(home, before)
    reported = home.events("acknowledgement.lost", begun)
    return f"answered {took * 1000:.0f} ms after the loss of {len(taken)} bytes; {len(reported)} found"


if __name__ == "__main__":
    suite.main()
