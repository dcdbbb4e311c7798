# SPDX-License-Identifier: Apache-2.0
"""An acknowledgement that a voter sent and that gets lost with its connection, while nobody writes (T4, T5)."""
import contextlib
import ctypes
import os
import pathlib
import select
import signal
import socket
import threading
import time

from harness import kill
from waiting import wait_until

PIDFD_GETFD = 438


def paused(seconds):
    threading.Event().wait(seconds)


def stands_still(pid):
    """Whether each of its threads is stopped: on a busy machine they go on for some time after the signal."""
    try:
        return all(path.read_text(encoding="utf-8").rpartition(") ")[2][0] in "Tt"
                   for path in pathlib.Path(f"/proc/{pid}/task").glob("*/stat"))
    except OSError:  # a thread ended meanwhile
        return False


@contextlib.contextmanager
def stopped(pid):
    kill(pid, signal.SIGSTOP)
    try:
        wait_until(f"process {pid} stands still", lambda: stands_still(pid), 10, every=0.005)
        yield
    finally:
        kill(pid, signal.SIGCONT)


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


class LostAcknowledgement:
    """`client`, a connection to the writer, runs `statement`: it was received and acknowledged by one voter, the
    acknowledgement is gone, and the other reader does not receive. The daemon stood still meanwhile and goes on when
    this has been made: from then on the commit is answered by whoever finds it."""

    def __init__(self, home, client, statement):
        self.client, self.statement, self.answered = client, statement, []
        self.writer, (self.voter, self.other) = home.writer(), home.readers()
        # A reader that is back is open before it votes, and connects once more for that.
        wait_until("two voters", lambda: home.sql(
            self.writer["address"], "SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync_source_clients'")[0][1] == "2", 30)
        with stopped(home.daemon.pid):  # or it lets the other reader receive again
            home.admin_sql(self.other, "STOP REPLICA IO_THREAD")
            self._lose()
            paused(3)  # the voter is back, and nothing that MySQL does by itself helps
            assert not self.answered
        self.begun_to_look = time.monotonic()

    def _commit(self):
        with self.client.cursor() as cursor:
            cursor.execute(self.statement)
        self.answered.append(time.monotonic())

    def _lose(self):
        source = wait_until("a voter that receives",
                            lambda: socket_of(self.writer["pid"], 3306, self.voter["pid"]), 30)
        with contextlib.closing(source), contextlib.ExitStack() as stops:
            self.committing = threading.Thread(target=self._commit, daemon=True)
            with stopped(self.voter["pid"]):
                self.committing.start()
                paused(0.3)  # the commit is sent to the voter
                assert not self.answered
                stops.enter_context(stopped(self.writer["pid"]))
            # The voter acknowledges to a source that does not read.
            readable, _, _ = select.select([source], [], [], 10)
            assert readable and source.recv(1 << 16), "nothing was acknowledged"
            source.shutdown(socket.SHUT_RDWR)

    def wait_answered(self, seconds):
        """For so long the commit waited since somebody looked."""
        self.committing.join(seconds)
        assert self.answered, "the commit still waits"
        return self.answered[0] - self.begun_to_look
