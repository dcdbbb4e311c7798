# SPDX-License-Identifier: Apache-2.0
"""The faults. One function each: it does its harm, ends it, and says in a few words what it did.

To add one: `@fault(weight, "what it covers")` above a function of (world, rng). Whoever it stops or kills it also
continues or starts again before it returns; from then on the cluster has to heal by itself. `needs_disk`: the
members have file systems of their own. T numbers are those of the incidents in docs/testing.md.
"""
import contextlib
import math
import signal
import subprocess
import threading
import time

import botocore.exceptions
import pymysql

import harness
from waiting import TimedOut, wait_until
from world import Process

FAULTS = {}
STOP, CONT, KILL = signal.SIGSTOP, signal.SIGCONT, signal.SIGKILL


class Fault:
    def __init__(self, function, weight, covers, needs_disk):
        self.name, self.function, self.weight = function.__name__, function, weight
        self.covers, self.needs_disk = covers.split(), needs_disk


def fault(weight, covers="", needs_disk=False):
    def known(function):
        FAULTS[function.__name__] = Fault(function, weight, covers, needs_disk)
        return function
    return known


def wait(seconds):
    threading.Event().wait(seconds)


def some_time(rng, shortest, longest):
    """Short ones more often than long ones."""
    return math.exp(rng.uniform(math.log(shortest), math.log(longest)))


@contextlib.contextmanager
def stopped(*pids):
    """SIGSTOP now, SIGCONT at the end: for those that were not killed in between."""
    processes = [Process(pid) for pid in pids if pid > 0]
    try:
        for process in processes:
            process.signal(STOP)
        yield
    finally:
        for process in processes:
            process.signal(CONT)
            process.close()


def kill(*pids):
    for pid in pids:
        if pid > 0:
            process = Process(pid)
            process.signal(KILL)
            process.close()


def run_daemon(world):
    """A new daemon, for one that was killed."""
    if world.home.daemon.poll() is not None:
        world.home.start()


# One process dies.

@fault(4, "T9 T12 T30 T51")
def kill_writer(world, _):
    writer = world.writer()
    kill(writer["pid"])
    return writer["identifier"]


@fault(2, "T34")
def kill_reader(world, rng):
    reader = rng.choice(world.readers_of_it())
    kill(reader["pid"])
    return reader["identifier"]


@fault(1)
def kill_writers_guard(world, _):
    writer = world.writer()
    kill(writer["guard_pid"])
    return writer["identifier"]


@fault(1)
def kill_readers_guard(world, rng):
    reader = rng.choice(world.readers_of_it())
    kill(reader["guard_pid"])
    return reader["identifier"]


@fault(2, "T16")
def kill_daemon(world, rng):
    world.home.kill_daemon()
    away = some_time(rng, 0.05, 3)
    wait(away)
    run_daemon(world)
    return f"away for {away:.2f} s"


# Several die.

@fault(2, "T33 T45")
def kill_writer_twice(world, rng):
    """The second one as soon as it is named, or a little later."""
    first = world.writer()
    kill(first["pid"])
    second = wait_until("a new writer", lambda: next(
        (m for m in world.refresh().values()
         if m["role"] == "writer" and m["identifier"] != first["identifier"] and m["pid"] > 0), None), 30, 0.01)
    later = some_time(rng, 0.01, 2)
    wait(later)
    kill(second["pid"])
    return f"{first['identifier']}, {later:.2f} s after it {second['identifier']}"


@fault(2, "T9")
def kill_writer_and_reader(world, rng):
    writer, reader = world.writer(), rng.choice(world.readers_of_it())
    between = some_time(rng, 0.001, 0.5)
    first, second = rng.sample([writer, reader], 2)
    kill(first["pid"])
    wait(between)
    kill(second["pid"])
    return f"{first['identifier']}, {between * 1000:.0f} ms after it {second['identifier']}"


@fault(1, "T7")
def kill_both_readers(world, _):
    readers = world.readers_of_it()
    kill(*[reader["pid"] for reader in readers])


@fault(1, "T49")
def kill_all_members(world, _):
    kill(*[member["pid"] for member in world.refresh().values()])


@fault(2, "T16 T21 T27")
def kill_writer_and_daemon(world, rng):
    """The daemon somewhere in the failover."""
    writer = world.writer()
    kill(writer["pid"])
    after, away = some_time(rng, 0.002, 0.4), some_time(rng, 0.05, 2)
    wait(after)
    world.home.kill_daemon()
    wait(away)
    run_daemon(world)
    return f"{writer['identifier']}, the daemon {after * 1000:.0f} ms after it and for {away:.2f} s"


@fault(2, "T49 T55")
def kill_everything(world, rng):
    world.home.kill_daemon()
    harness.end_processes(world.home.folder)
    wait(some_time(rng, 0.01, 1))
    run_daemon(world)


# Somebody hangs.

@fault(3, "T2 T10")
def stop_writer(world, rng):
    writer, duration = world.writer(), some_time(rng, 0.5, 30)
    with stopped(writer["pid"]):
        wait(duration)
    return f"{writer['identifier']} for {duration:.1f} s"


@fault(2)
def stop_reader(world, rng):
    reader, duration = rng.choice(world.readers_of_it()), some_time(rng, 0.5, 30)
    with stopped(reader["pid"]):
        wait(duration)
    return f"{reader['identifier']} for {duration:.1f} s"


@fault(1)
def stop_both_readers(world, rng):
    duration = some_time(rng, 0.5, 10)
    with stopped(*[reader["pid"] for reader in world.readers_of_it()]):
        wait(duration)
    return f"for {duration:.1f} s"


@fault(1)
def stop_daemon(world, rng):
    duration = some_time(rng, 0.5, 15)
    with stopped(world.home.daemon.pid):
        wait(duration)
    return f"for {duration:.1f} s"


@fault(2, "T19 T21")
def stop_daemon_in_a_failover(world, rng):
    """It goes on where it was, with commands and answers that have become old."""
    writer, after, duration = world.writer(), some_time(rng, 0.002, 0.3), some_time(rng, 0.5, 12)
    kill(writer["pid"])
    wait(after)
    with stopped(world.home.daemon.pid):
        wait(duration)
    return f"{writer['identifier']}, the daemon {after * 1000:.0f} ms after it for {duration:.1f} s"


@fault(1, "T3")
def stop_writer_and_daemon(world, rng):
    """Nobody finds out; then the daemon does, or the writer goes on."""
    writer, duration = world.writer(), some_time(rng, 0.5, 12)
    first, second = rng.sample([writer["pid"], world.home.daemon.pid], 2)
    with stopped(first):
        with stopped(second):
            wait(duration)
        wait(some_time(rng, 0.01, 2))
    return f"{writer['identifier']} for {duration:.1f} s"


@fault(3, "T9 T12 T37")
def kill_writer_while_a_reader_hangs(world, rng):
    """One of the two whose promises are needed gives none for a while."""
    writer, reader, duration = world.writer(), rng.choice(world.readers_of_it()), some_time(rng, 0.3, 10)
    with stopped(reader["pid"]):
        wait(rng.choice((0, some_time(rng, 0.01, 0.8))))
        kill(writer["pid"])
        wait(duration)
    return f"{writer['identifier']}, {reader['identifier']} hangs for {duration:.1f} s"


# What only the writer has.

@fault(3, "T2 T6 T32")
def tail_behind_stopped_readers(world, rng):
    """Commits wait for readers that are stopped; then the writer dies with them."""
    writer, readers = world.writer(), world.readers_of_it()
    waited, later = rng.uniform(0.1, 0.7), some_time(rng, 0.01, 1)
    with stopped(*[reader["pid"] for reader in readers]):
        wait(waited)
        kill(writer["pid"])
        wait(later)
    return f"{writer['identifier']} with {waited:.2f} s of writes"


def stop_receivers(world, readers):
    for reader in readers:
        with contextlib.suppress(pymysql.err.MySQLError):
            world.admin_sql(reader["identifier"], "STOP REPLICA IO_THREAD")


@fault(3, "T17 T40")
def tail_without_receivers(world, rng):
    """Both receivers end, the writer goes on alone for a while, unacknowledged, and dies."""
    writer, readers = world.writer(), world.readers_of_it()
    stop_receivers(world, readers)
    waited = rng.uniform(0.05, 1.5)
    wait(waited)
    kill(writer["pid"])
    return f"{writer['identifier']} with {waited:.2f} s of writes"


@fault(2, "T43")
def shut_down_writer(world, rng):
    """SIGTERM from elsewhere, while commits wait: MySQL answers them with OK on its way down, which SIGKILL may cut
    short. Then the daemon dies, or the writer once more, before anybody else has what was answered."""
    writer, readers = world.writer(), world.readers_of_it()
    without_daemon, waited, then = rng.random() < 0.5, rng.uniform(0.1, 0.6), rng.choice(("", "daemon", "writer"))
    cut_after = rng.choice((None, rng.uniform(0, 1), rng.uniform(0, 0.1)))
    if without_daemon:
        world.home.kill_daemon()
    stop_receivers(world, readers)
    wait(waited)
    process = Process(writer["pid"])
    process.signal(signal.SIGTERM)
    if cut_after is not None:
        wait(cut_after)
        process.signal(signal.SIGKILL)
    process.close()
    harness.wait_gone([writer["pid"]], 30)
    run_daemon(world)
    wait(rng.uniform(0, 0.3))
    if then == "daemon":
        world.home.kill_daemon()
        run_daemon(world)
    elif then == "writer":
        def restarted():
            pid = world.refresh()[writer["identifier"]]["pid"]
            return pid if pid != writer["pid"] else 0
        with contextlib.suppress(TimedOut):
            kill(wait_until("the writer to start", restarted, 3, 0.01))
    return (f"{writer['identifier']} with {waited:.2f} s of writes{', without a daemon' if without_daemon else ''}"
            f"{'' if cut_after is None else f', killed after {cut_after:.2f} s of it'}"
            f"{f', then the {then} is killed' if then else ''}")


@fault(2, "T40 T44 T52")
def tail_and_restart_of_everything(world, rng):
    """The tail is in the last writer's binlog when all start: nobody may read it before a voter has it."""
    stop_receivers(world, world.readers_of_it())
    wait(rng.uniform(0.05, 1))
    world.home.kill_daemon()
    harness.end_processes(world.home.folder)
    run_daemon(world)


@fault(2, "T6 T32")
def kill_writer_with_many_waiting(world, rng):
    """A hundred sessions wait for an acknowledgement when it dies."""
    writer, readers = world.writer(), world.readers_of_it()
    crowd, threads = [], []

    def wait_there(connection, number):
        with contextlib.suppress(pymysql.err.MySQLError, OSError), connection.cursor() as cursor:
            cursor.execute(f"INSERT INTO chaos.causal VALUES ({-1 - number - 1000 * rng_base})")
    rng_base = rng.randrange(1 << 40)
    with contextlib.ExitStack() as stack:
        for number in range(100):
            with contextlib.suppress(pymysql.err.MySQLError, OSError):
                connection = world.home.connect(writer["address"], read_timeout=20)
                stack.callback(connection.close)
                crowd.append(connection)
        with stopped(*[reader["pid"] for reader in readers]):
            for number, connection in enumerate(crowd):
                thread = threading.Thread(target=wait_there, args=(connection, number), daemon=True)
                threads.append(thread)
                thread.start()
            wait(0.5)
            kill(writer["pid"])
        for thread in threads:
            thread.join(25)
    return f"{writer['identifier']} with {len(crowd)} sessions"


# Received is not executed.

@fault(3, "T14 T24 T25")
def received_but_not_executed(world, rng):
    """One reader receives and cannot execute, the other executes and does not receive: the first one must win."""
    writer, (lagging, cut) = world.writer(), rng.sample(world.readers_of_it(), 2)
    also_kill = rng.random() < 0.4
    connection = None
    with contextlib.suppress(pymysql.err.MySQLError):
        connection = world.admin_connection(lagging["identifier"])
        with connection.cursor() as cursor:
            cursor.execute("FLUSH TABLES chaos.entries, chaos.accounts WITH READ LOCK")
        stop_receivers(world, [cut])
        wait(rng.uniform(0.3, 1.5))
        if also_kill:
            kill(lagging["pid"])
        kill(writer["pid"])
        wait(some_time(rng, 0.01, 1))
    if connection is not None:
        with contextlib.suppress(Exception):
            connection.close()
    return f"{lagging['identifier']} lags{' and dies' if also_kill else ''}, {cut['identifier']} is cut off"


@fault(1, "T46")
def receivers_stopped_by_hand(world, rng):
    """Of one reader or of both; nobody starts them again but the cluster itself."""
    readers = rng.sample(world.readers_of_it(), rng.choice((1, 2)))
    stop_receivers(world, readers)
    return ", ".join(reader["identifier"] for reader in readers)


@fault(1, "T35")
def purged_before_received(world, rng):
    """A reader lacks what nobody has in a log any more: it must be found and given other data."""
    writer, (behind, other) = world.writer(), rng.sample(world.readers_of_it(), 2)
    begun, dies = world.home.log_size(), rng.random() < 0.3
    wait_until("two that acknowledge", lambda: world.admin_sql(
        writer["identifier"], "SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync_source_clients'")[0][1] == "2", 30)
    world.home.kill_daemon()
    stop_receivers(world, [behind])
    world.admin_sql(writer["identifier"], f"INSERT INTO chaos.causal VALUES ({-1 - rng.randrange(1 << 40)})")
    target = world.admin_sql(writer["identifier"], "SELECT @@GLOBAL.gtid_executed")[0][0]
    world.admin_sql(other["identifier"], f"SELECT WAIT_FOR_EXECUTED_GTID_SET('{target}', 20)")
    for member in (writer, other):
        world.admin_sql(member["identifier"], "FLUSH LOCAL BINARY LOGS")
        last = world.admin_sql(member["identifier"], "SHOW BINARY LOGS")[-1][0]
        world.admin_sql(member["identifier"], f"PURGE BINARY LOGS TO '{last}'")
    if dies:
        kill(writer["pid"])
    run_daemon(world)
    world.home.wait_event("member.rebuilt", begun, 120, member=behind["identifier"])
    return f"{behind['identifier']}{', and ' + writer['identifier'] + ' dies' if dies else ''}"


@fault(1, "T36 T46")
def reader_written_by_hand(world, rng):
    """Somebody with Trivet's own powers writes on a reader: it holds what the writer lacks."""
    reader = rng.choice(world.readers_of_it())["identifier"]
    write_by_hand(world, reader, f"stray_{rng.randrange(1 << 30)}")
    wait_until("the reader to be found", lambda: any(
        m["identifier"] == reader and m["status"] != "available" for m in world.refresh().values()), 20)
    return reader


@fault(1, "T29 T46")
def opened_by_its_configuration(world, _):
    """The writer's next start would let everybody write, if what somebody persisted on it counted."""
    writer = world.writer()
    names = ("super_read_only", "read_only", "offline_mode")
    world.admin_sql(writer["identifier"], *[f"SET PERSIST_ONLY {name} = OFF" for name in names])
    kill(writer["pid"])
    wait_until("it as a reader", lambda: any(
        m["identifier"] == writer["identifier"] and m["role"] == "reader" and m["status"] == "available"
        and m["pid"] not in (0, writer["pid"]) for m in world.refresh().values()), 60)
    world.admin_sql(writer["identifier"], "RESET PERSIST")
    return writer["identifier"]


@fault(1, "T15")
def torn_relay_log(world, rng):
    """A reader dies with half an event at the end of its relay log."""
    reader = rng.choice(world.readers_of_it())
    world.home.kill_daemon()
    kill(reader["pid"])
    harness.wait_gone([reader["pid"]])
    torn = 0
    for folder in world.home.path.glob(f"clusters/*/{reader['identifier']}/data"):
        logs = sorted(path for path in folder.glob("*relay*.[0-9]*"))
        if logs and logs[-1].stat().st_size > 300:
            torn = rng.randint(1, 60)
            with open(logs[-1], "r+b") as file:
                file.truncate(logs[-1].stat().st_size - torn)
    run_daemon(world)
    return f"{reader['identifier']} less {torn} bytes"


# At a chosen step.

STEPS = ("commit", "kill", "promise", "drain", "follow", "guard", "look", "prove", "open", "start", "rejoin", "rebuild")
SWITCHOVER_STEPS = ("commit", "catch_up", "hold", "release", "step_down", "promise", "drain", "follow", "guard", "look",
                    "open")


def at_step(world, step, harm):
    """Arms `step`, "KIND SIDE N ACTION", does `harm()` and waits until the step is reached, if it is."""
    draft = world.failpoint.with_suffix(".new")
    draft.write_text(step + "\n", encoding="ascii")
    draft.rename(world.failpoint)
    harm()
    deadline = time.monotonic() + (60 if step.startswith("rebuild ") else 15)  # a copy of all data
    while world.failpoint.exists() and time.monotonic() < deadline and world.home.daemon.poll() is None:
        wait(0.02)
    reached = not world.failpoint.exists()
    world.failpoint.unlink(missing_ok=True)
    if reached and step.endswith(" kill"):
        world.home.daemon.wait(20)
    run_daemon(world)
    return reached


def every_step(steps=STEPS):
    """Each once: the daemon dies, the member that the step is for dies, the step takes long."""
    for number in (1, 2):
        for kind in steps:
            for side in ("before", "after"):
                for action in ("kill", "kill-member", "wait 3000"):
                    if not (kind == "commit" and action == "kill-member") and (number == 1 or kind in REPEATED):
                        yield f"{kind} {side} {number} {action}"


REPEATED = ("commit", "promise", "follow", "look", "open")


def ask_for_a_failover(world):
    with contextlib.suppress(botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
        world.home.client("rds").failover_db_cluster(DBClusterIdentifier="demo")


def write_by_hand(world, name, database):
    """Offline meanwhile: a client that wrote to the member's own address just then would have an OK for nothing."""
    with contextlib.suppress(pymysql.err.MySQLError):  # it may be found, and killed, before the last of it
        world.admin_sql(name, "SET GLOBAL offline_mode=ON", "SET GLOBAL super_read_only=OFF",
                        "SET GLOBAL read_only=OFF", f"CREATE DATABASE {database}", "SET GLOBAL super_read_only=ON",
                        "SET GLOBAL offline_mode=OFF")


def harm_for(world, rng, kind):
    """What makes the cluster take a step of that kind."""
    reader = rng.choice(world.readers_of_it())
    if kind == "kill":  # of a writer that lives
        return lambda: ask_for_a_failover(world)
    if kind in ("start", "prove"):
        return lambda: kill(reader["pid"])
    if kind == "rebuild":
        return lambda: write_by_hand(world, reader["identifier"], f"stray_{rng.randrange(1 << 30)}")
    return lambda: kill(world.writer()["pid"])


@fault(6, "T3 T13 T16 T21 T27 T50")
def step_of_a_failover(world, rng, step=None):
    """From the first promise to the rebuilt member's vote: somebody dies and something happens on the way."""
    step = step or rng.choice(list(every_step()))
    reached = at_step(world, step, harm_for(world, rng, step.split(" ")[0]))
    return step + ("" if reached else ", not reached")


def hand_over(world, target):
    with contextlib.suppress(botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
        world.home.client("rds").failover_db_cluster(DBClusterIdentifier="demo", TargetDBInstanceIdentifier=target)


@fault(6, "T5 T26 T27 T28")
def step_of_a_switchover(world, rng, step=None):
    """A reader is to take over in order, and something happens on the way."""
    step = step or rng.choice(list(every_step(SWITCHOVER_STEPS)))
    target = rng.choice(world.readers_of_it())["identifier"]
    with contextlib.ExitStack() as stack:
        if step.startswith("release "):  # taken when something is in the way
            connection = world.admin_connection(world.writer()["identifier"])
            stack.callback(connection._force_close)  # pylint: disable=protected-access
            with connection.cursor() as cursor:
                cursor.execute("LOCK TABLES chaos.causal WRITE")
        reached = at_step(world, step, lambda: hand_over(world, target))
    return f"to {target}, {step}" + ("" if reached else ", not reached")


@fault(3, "T5 T26")
def switchover(world, rng):
    """Once or several times; sometimes somebody is killed meanwhile."""
    said = []
    for _ in range(rng.choice((1, 1, 2, 4))):
        target = rng.choice(world.readers_of_it())["identifier"]
        hand_over(world, target)
        wait(some_time(rng, 0.01, 1))
        said.append(target)
    if rng.random() < 0.3:
        victim = rng.choice(list(world.refresh().values()))
        kill(victim["pid"])
        said.append(f"and {victim['identifier']} dies")
    return ", ".join(said)


@fault(2, "T13 T50")
def kill_in_a_rejoin(world, rng):
    """The member that rejoins, its donor or the daemon, while a tail is cut off or data are copied."""
    first, begun = world.writer(), world.home.log_size()
    kill(first["pid"])
    elected = wait_until("an election", lambda: world.home.events("failover.completed", begun), 20)[-1]["writer"]
    after = some_time(rng, 0.05, 6)
    wait(after)
    whom = rng.choice(("member", "member's guard", "writer", "other", "daemon"))
    members = world.refresh()
    others = [m for name, m in members.items() if name != first["identifier"]]
    writer = next((m for m in others if m["identifier"] == elected), others[0])
    if whom == "daemon":
        world.home.kill_daemon()
        run_daemon(world)
    elif whom.startswith("member"):
        found = harness.processes_of(world.home.path)
        kill(*[pid for pid, line in found.items() if f"/{first['identifier']}/" in line
               and ("guard" in line.split(" ")[0]) == whom.endswith("guard")])
    else:
        kill(next(m["pid"] for m in others if (m is writer) == (whom == "writer")))
    return f"{first['identifier']}, {after:.1f} s later the {whom}"


# By its own API.

def patiently(request, seconds=30):
    """Until the cluster's state allows it."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return request()
        except Exception as error:  # pylint: disable=broad-exception-caught
            if "InvalidDB" not in str(error) or time.monotonic() > deadline:
                raise
        wait(0.2)


@fault(3, "T26")
def failover_by_api(world, rng):
    before, times = world.writer()["identifier"], rng.choice((1, 1, 2))
    for _ in range(times):
        patiently(lambda: world.home.client("rds").failover_db_cluster(DBClusterIdentifier="demo"))
        wait(some_time(rng, 0.05, 2))
    return f"from {before}, {times} times"


@fault(1)
def reboot_by_api(world, rng):
    if rng.random() < 0.5:
        patiently(lambda: world.home.client("rds").reboot_db_cluster(DBClusterIdentifier="demo"))
        what = "the cluster"
    else:
        what = rng.choice(list(world.refresh()))
        patiently(lambda: world.home.client("rds").reboot_db_instance(DBInstanceIdentifier=what))
    wait_until("the end of the reboot", lambda: not rebooting(world), 90, 0.2)
    return what


def rebooting(world):
    cluster = world.home.cluster_status()
    return not cluster or {cluster["status"], *[m["status"] for m in cluster["members"]]} != {"available"}


# Disks.

@fault(1, "T8 T11", needs_disk=True)
def fill_disk(world, rng):
    """Of one member or of two; freed again after a while."""
    names = rng.sample(sorted(world.mounts), rng.choice((1, 1, 2)))
    duration = some_time(rng, 1, 12)
    ballast = [world.mounts[name] / "ballast" for name in names]
    try:
        for path in ballast:
            subprocess.run(["dd", "if=/dev/zero", f"of={path}", "bs=1M"], check=False, capture_output=True,
                           timeout=120)
        wait(duration)
    finally:
        for path in ballast:
            path.unlink(missing_ok=True)
    return f"{', '.join(names)} for {duration:.1f} s"


@fault(1, "T2 T10", needs_disk=True)
def freeze_disk(world, rng):
    name, duration = rng.choice(sorted(world.mounts)), some_time(rng, 0.5, 12)
    folder = world.mounts[name]
    subprocess.run(["fsfreeze", "--freeze", folder], check=True, timeout=60)
    try:
        wait(duration)
    finally:
        subprocess.run(["fsfreeze", "--unfreeze", folder], check=True, timeout=60)
    return f"{name} for {duration:.1f} s"


@fault(1, "T58")
def forbid_data(world, rng):
    """A member dies and its data cannot be read for a while."""
    member, duration = rng.choice(list(world.refresh().values())), some_time(rng, 0.5, 6)
    folder = next(world.home.path.glob(f"clusters/*/{member['identifier']}/data"))
    mode = folder.stat().st_mode & 0o7777
    folder.chmod(0)
    try:
        kill(member["pid"])
        wait(duration)
    finally:
        folder.chmod(mode)
    return f"{member['identifier']} for {duration:.1f} s"
