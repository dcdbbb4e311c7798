# SPDX-License-Identifier: Apache-2.0
"""Members that hang without dying are found and dealt with; members that are only slow are left alone."""
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import pymysql

from harness import kill, wait_gone
from load import Writers
from lost_ack import LostAcknowledgement, paused, stopped
from suite import Skip, Suite
from waiting import wait_until

suite = Suite(__file__)
WRITERS = 4
TOO_MANY_CONNECTIONS = 1040


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


@suite.test
def stalls_of_half_a_second_at_full_cpu_are_no_hang(home):
    """T59."""
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
        writer = home.writer()["pid"]
        with stopped(writer), stopped(home.daemon.pid):
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
        home.wait_event("member.restarted", begun, 30, member=victim["identifier"])
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


@suite.test
def a_lost_acknowledgement_is_made_up_for(home):
    home.wait_whole()
    before, begun = home.members(), home.log_size()
    with contextlib.closing(home.connect(home.writer()["address"])) as client:
        lost = LostAcknowledgement(home, client, "UPDATE mydb.one SET n = n + 1 WHERE id = 1")
        took = lost.wait_answered(20)
    assert took < 2, took
    assert home.sql(home.shared["host"], "SELECT n FROM mydb.one") == ((1,),)
    assert not home.events("failover.started", begun)
    as_they_were(home, before)
    reported = home.events("acknowledgement.lost", begun)
    kill(lost.other["pid"])  # so that it receives again
    home.wait_event("member.restarted", begun, 30, member=lost.other["identifier"])
    home.wait_whole()
    return f"answered {took * 1000:.0f} ms after somebody looked; {len(reported)} found"


@contextlib.contextmanager
def flooded(path):
    """Somebody appends to this error log without end, as a thread of mysqld that spins does."""
    enough = threading.Event()

    def flood():
        with open(path, "ab", buffering=0) as log:
            for _ in range(2000):  # 8 GB
                log.write(b"A message intended for a client cannot be sent there\n" * 80_000)
                if enough.wait(0.05):
                    return

    thread = threading.Thread(target=flood, daemon=True)
    thread.start()
    try:
        yield
    finally:
        enough.set()
        thread.join(30)


def error_log(home, member):
    return next(home.path.glob(f"clusters/*/{member['identifier']}/error.log"))


@suite.test
def a_flood_in_the_error_log_is_no_hang_and_fills_no_disk(home):
    home.wait_whole()
    before, begun, writer = home.members(), home.log_size(), home.writer()
    log = error_log(home, writer)
    with flooded(log):
        home.wait_event("member.error_log_flood", begun, 20, member=writer["identifier"])
        wait_until("a log that is cut", lambda: [
            event for event in home.events("member.error_log_shortened", begun) if event["cut_bytes"] > 20 << 20], 60)
        home.sql(home.shared["host"], "UPDATE mydb.one SET n = n + 1 WHERE id = 1")
    # What was said before the flood is kept.
    assert "ready for connections" in log.with_name("error.log.1").read_text(encoding="utf-8", errors="replace")
    files = home.client("rds").describe_db_log_files(DBInstanceIdentifier=writer["identifier"])["DescribeDBLogFiles"]
    assert {"error/mysql-error.log", "error/mysql-error.log.1"} <= {file["LogFileName"] for file in files}, files
    assert not home.events("member.hung", begun)
    as_they_were(home, before)
    cut = sum(event["cut_bytes"] for event in home.events("member.error_log_shortened", begun))
    return f"{cut >> 20} MiB cut"


@suite.test
def a_writer_that_spins_is_found_sooner_than_one_that_waits(home):
    home.wait_whole()
    begun, writer = home.log_size(), home.writer()
    home.admin_sql(writer, "SET GLOBAL rpl_semi_sync_source_wait_for_replica_count = 5")  # no write helps
    with flooded(error_log(home, writer)), contextlib.closing(home.connect(writer["address"])) as client:
        with contextlib.suppress(pymysql.err.OperationalError), client.cursor() as cursor:
            cursor.execute("UPDATE mydb.one SET n = n + 1 WHERE id = 1")
        hung = home.wait_event("member.hung", begun, 10, member=writer["identifier"])
    assert "it spins" in hung["reason"] and hung["ms"] < 3000, hung
    home.wait_event("failover.completed", begun, 10)
    home.wait_whole()
    return f"found after {hung['ms']} ms"


def disk_image(home):
    """An empty file system in a file; None where this machine mounts none."""
    image, at = home.folder / "disk.img", home.folder / "disk"
    with open(image, "wb") as file:
        file.truncate(600 << 20)
    at.mkdir()
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True, timeout=60)
    if subprocess.run(["mount", "-o", "loop", image, at], check=False, capture_output=True, timeout=60).returncode:
        return None
    (at / "lost+found").rmdir()
    subprocess.run(["umount", at], check=True, timeout=60)
    return image


def put_data_on_a_disk_of_its_own(home, member, image, stack):
    """A file system of the member's own, made while nothing runs; where it is mounted."""
    home.tear_down()
    data = next(home.path.glob(f"clusters/*/{member['identifier']}/data"))
    before, owner = data.with_name("data.before"), data.stat()
    data.rename(before)
    data.mkdir()
    subprocess.run(["mount", "-o", "loop", image, data], check=True, timeout=60)
    stack.callback(subprocess.run, ["umount", "--lazy", data], check=False, timeout=60)
    subprocess.run(["cp", "-a", f"{before}/.", data], check=True, timeout=60)
    os.chown(data, owner.st_uid, owner.st_gid)
    data.chmod(owner.st_mode & 0o7777)
    shutil.rmtree(before)
    home.start()
    home.wait_whole()
    return data


@suite.test
def the_writers_disk_stalls_under_load(home):
    home.wait_whole()
    former, image = home.writer(), disk_image(home)
    if image is None:
        raise Skip("no loop device can be mounted here")
    with contextlib.ExitStack() as stack:
        data = put_data_on_a_disk_of_its_own(home, former, image, stack)
        former, begun = home.writer(), home.log_size()
        assert former["identifier"] == data.parent.name
        with Writers(home, home.shared["host"], WRITERS, pause=0.01) as load:
            running(load)
            at = time.monotonic()
            subprocess.run(["fsfreeze", "--freeze", data], check=True, timeout=20)
            with contextlib.ExitStack() as frozen:
                frozen.callback(subprocess.run, ["fsfreeze", "--unfreeze", data], check=True, timeout=20)
                running(load)
                said = home.wait_event("member.hung", begun, member=former["identifier"])
                assert home.writer()["identifier"] != former["identifier"]
        wait_gone([former["pid"]])
    home.wait_whole()
    nothing_lost(home, load)
    gap = load.gap_around(at) * 1000
    assert gap < 3000, gap
    return f"gap {gap:.0f} ms; {said['reason']}"


if __name__ == "__main__":
    suite.main()
