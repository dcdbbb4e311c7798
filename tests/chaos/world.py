# SPDX-License-Identifier: Apache-2.0
"""The cluster under test, its clients, and what was observed of its terms."""
import bisect
import contextlib
import os
import random
import shutil
import signal
import subprocess
import threading
import time

import pymysql

import bank_workload
import harness
import reader_workload
import register_workload
import set_workload
from bank_workload import Teller
from clients import Gate
from reader_workload import CausalReader, Reader, Ticker
from register_workload import RegisterClient, Registers
from set_workload import BulkWriter, DirectWriter, SetWriter

SET_WRITERS, REGISTER_CLIENTS, TELLERS = 3, 3, 2
DISK_BYTES = 2 << 30
COMPARED = ("entries", "bulk", "registers", "accounts", "ledger", "ticks", "causal")


class Process:
    """A process that is signalled only if it still is the one we meant."""

    def __init__(self, pid):
        self.pid = pid
        self.descriptor = None
        with contextlib.suppress(OSError):
            self.descriptor = os.pidfd_open(pid)

    def signal(self, number):
        if self.descriptor is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.descriptor, number)

    def close(self):
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None


class Timeline:
    """Which term had which writer when, as the daemon's status said it."""

    def __init__(self, home):
        self.home = home
        self.stopping = threading.Event()
        self.asked, self.terms = [], []  # of each answer: before it was asked, its term
        self.answered, self.served = [], []  # of each answer that names a writer: after it came, its term
        self.writers = {}
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def start(self):
        self.thread.start()

    def stop(self):
        self.stopping.set()
        self.thread.join(40)

    def _watch(self):
        while not self.stopping.wait(0.04):
            with contextlib.suppress(Exception):  # there may be no daemon just now
                before = time.monotonic()
                cluster = self.home.admin("GET", "/status", seconds=5)[1]["clusters"][0]
                self.note(before, time.monotonic(), cluster["term"], cluster["writer"])

    def note(self, asked, answered, term, writer):
        self.asked.append(asked)
        self.terms.append(term)
        if writer is not None:
            self.writers[term] = writer
            self.answered.append(answered)
            self.served.append(term)

    def learn(self, events):
        for event in events:
            self.writers[int(event["term"])] = event["writer"]

    def allowed(self, started, ended):
        """Who may have acknowledged what ran from `started` to `ended`; None where that was not observed."""
        before = bisect.bisect_left(self.answered, started) - 1
        after = bisect.bisect_right(self.asked, ended)
        if before < 0 or after >= len(self.asked):
            return None
        terms = range(self.served[before], self.terms[after] + 1)
        writers = {self.writers.get(term) for term in terms}
        return None if not terms else writers


class World:
    def __init__(self, home, seed, with_disks):
        self.home, self.seed = home, seed
        self.rng = random.Random(seed)
        self.with_disks = with_disks
        self.gate = Gate()
        self.registers = Registers()
        self.timeline = Timeline(home)
        self.known = {}  # members as last heard
        self.server_ids = {}
        self.mounts = {}  # where each member's own file system is
        self.why_no_disks = "not asked for"
        self.failpoint = home.folder / "failpoint"  # written to arm one, removed when it is reached
        home.environment["TRIVET_FAILPOINTS"] = str(self.failpoint)

    # Set-up.

    def set_up(self):
        cluster = self.home.create_cluster("demo")
        self.host, self.reader_host = cluster["Endpoint"], cluster["ReaderEndpoint"]
        self.home.wait_whole()
        if self.with_disks:
            self.give_disks()
        self.home.sql(self.host, "CREATE DATABASE chaos")
        for module in (set_workload, register_workload, bank_workload, reader_workload):
            for statement in module.TABLES:
                self.home.sql(self.host, statement)
        for statement in reader_workload.CAUSAL_TABLES:
            self.home.sql(self.host, statement)
        self.refresh()
        for name, member in self.known.items():
            self.server_ids[name] = self.home.sql(member["address"], "SELECT @@server_id")[0][0]
        self.registers.begin(self.home, self.host)
        self.make_clients()
        self.timeline.start()

    def make_clients(self):
        def seeded():
            return self.rng.random()
        common = (self.home, self.gate)
        self.writers = [SetWriter(*common, self.host, seeded(), 0.03, number) for number in range(SET_WRITERS)]
        self.direct = [DirectWriter(*common, member["address"], seeded(), 0.08, 100 + number)
                       for number, member in enumerate(self.known.values())]
        self.bulk = [BulkWriter(*common, self.host, seeded(), 0.4, 200)]
        self.tellers = [Teller(*common, self.host, seeded(), 0.05, number) for number in range(TELLERS)]
        self.register_clients = [RegisterClient(*common, self.host, seeded(), 0.03, self.registers)
                                 for _ in range(REGISTER_CLIENTS)]
        self.ticker = Ticker(*common, self.host, seeded(), 0.05)
        rows = [*self.writers, *self.direct]
        self.readers = [Reader(*common, self.reader_host, seeded(), 0.08, self.ticker, rows, False) for _ in range(2)]
        self.readers.append(Reader(*common, self.host, seeded(), 0.08, self.ticker, rows, True))
        self.causal = CausalReader(*common, self.reader_host, seeded(), 0.3, self.host)
        self.clients = [*rows, *self.bulk, *self.tellers, *self.register_clients, self.ticker, *self.readers,
                        self.causal]

    def start_clients(self):
        for client in self.clients:
            client.start()

    def end_clients(self):
        self.gate.end()
        for client in self.clients:
            client.join(40)

    def acknowledged(self):
        return sum(writer.acknowledged for writer in self.writers)

    def tidy_up(self):
        """What rebuilt members kept of before: an operator removes it too."""
        for kept in self.home.path.glob("clusters/*/*/lost+found"):
            shutil.rmtree(kept, ignore_errors=True)

    # File systems of the members' own, small enough to be filled.

    def give_disks(self):
        self.home.tear_down()
        folders = sorted(self.home.path.glob("clusters/*/*/data"))
        for folder in (data.parent for data in folders):
            self.why_no_disks = self.give_disk(folder)
            if self.why_no_disks:
                break
        self.home.start()
        self.home.wait_whole()

    def give_disk(self, folder):
        """Why not; "" when it is done."""
        image = self.home.folder / f"{folder.name}.img"
        with open(image, "wb") as file:
            file.truncate(DISK_BYTES)
        before, owner = folder.with_name(folder.name + ".before"), folder.stat()
        made = subprocess.run(["mkfs.ext4", "-q", "-F", image], check=False, capture_output=True, timeout=60)
        folder.rename(before)
        folder.mkdir()
        mounted = made.returncode == 0 and subprocess.run(["mount", "-o", "loop", image, folder], check=False,
                                                          capture_output=True, timeout=60).returncode == 0
        if not mounted:
            folder.rmdir()
            before.rename(folder)
            return "no loop device can be mounted here"
        self.mounts[folder.name] = folder
        (folder / "lost+found").rmdir()
        subprocess.run(["cp", "-a", f"{before}/.", folder], check=True, timeout=60)
        os.chown(folder, owner.st_uid, owner.st_gid)
        folder.chmod(owner.st_mode & 0o7777)
        shutil.rmtree(before)
        return ""

    def take_disks_away(self):
        for folder in self.mounts.values():
            subprocess.run(["umount", "--lazy", folder], check=False, timeout=60)
        self.mounts = {}

    # What is there now.

    def refresh(self):
        """The members by name, from the daemon if one answers, else as last heard."""
        with contextlib.suppress(Exception):
            cluster = self.home.admin("GET", "/status", seconds=3)[1]["clusters"][0]
            self.known = {member["identifier"]: member for member in cluster["members"]}
        return self.known

    def writer(self):
        """The writer, or whoever it was when none was named."""
        members = self.refresh()
        return next((m for m in members.values() if m["role"] == "writer"), None) or self.rng.choice(
            list(members.values()))

    def readers_of_it(self):
        members = self.refresh()
        writer = self.writer()
        return [m for m in members.values() if m["identifier"] != writer["identifier"]]

    def admin_connection(self, name):
        """As Trivet itself, over the member's own socket."""
        return pymysql.connect(unix_socket=f"{self.home.path}/run/{self.server_ids[name]}/mysqld.sock",
                               user="trivet_admin", connect_timeout=5, read_timeout=40, autocommit=True)

    def admin_sql(self, name, *statements):
        rows = ()
        with contextlib.closing(self.admin_connection(name)) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
                rows = cursor.fetchall()
        return rows

    def write_states(self, folder):
        """What each server says of itself, for whoever looks into a violation."""
        for name in self.server_ids:
            lines = []
            for statement in ("SELECT @@GLOBAL.gtid_executed, @@super_read_only, @@offline_mode", "SHOW REPLICA STATUS",
                              "SHOW FULL PROCESSLIST", "SHOW GLOBAL STATUS LIKE 'Rpl_semi%'", "XA RECOVER"):
                lines.append(f"== {statement}")
                try:
                    with contextlib.closing(self.admin_connection(name)) as connection, \
                            connection.cursor(pymysql.cursors.DictCursor) as cursor:
                        cursor.execute(statement)
                        lines += [str(row) for row in cursor.fetchall()]
                except (pymysql.err.MySQLError, OSError) as error:
                    lines.append(str(error))
            (folder / f"{name}.sql").write_text("\n".join(lines) + "\n", encoding="utf-8")
