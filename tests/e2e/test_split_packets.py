# SPDX-License-Identifier: Apache-2.0
"""Acknowledgements arrive in pieces (T41, MySQL bug 99628): in a network namespace of this file's own, whose loopback
carries 96 bytes at a time, slowly."""
import ctypes
import os
import socket
import subprocess

from load import Writers
from suite import Skip, Suite
from waiting import wait_until

CLONE_NEWNET = 0x40000000
# An acknowledgement under TLS is a record of 48 bytes, and a segment carries 44 of them.
ACKNOWLEDGEMENT_BYTES, PACKET_BYTES = 48, 96
RATE = "1mbit"
STALL_MAX = 2.0  # seconds

suite = Suite(__file__)


def tool(*words):
    return subprocess.run(words, check=False, capture_output=True, text=True, timeout=20)


def enter_namespace():
    """Why not; "" when this process, and what it starts from now on, has a network of its own."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        return f"no network namespace: {os.strerror(ctypes.get_errno())}"
    done = tool("ip", "link", "set", "lo", "up")
    return "" if done.returncode == 0 else f"ip: {done.stderr.strip()}"


def pieces_of_a_record():
    """The bytes that each read has of a record that was written at once."""
    with socket.create_server(("127.0.0.1", 0)) as server, \
            socket.create_connection(server.getsockname()) as near:
        far, _ = server.accept()
        with far:
            near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            far.settimeout(5)
            near.sendall(b"x" * ACKNOWLEDGEMENT_BYTES)
            found = []
            while sum(found) < ACKNOWLEDGEMENT_BYTES:
                found.append(len(far.recv(1 << 16)))
    return found


@suite.setup
def one_cluster(home):
    home.shared["host"] = home.create_cluster("demo", DatabaseName="mydb")["Endpoint"]
    home.wait_whole()


@suite.test
def acknowledgements_in_pieces_are_acknowledgements(home):
    if WHY_NOT:
        raise Skip(WHY_NOT)
    for words in (("ip", "link", "set", "lo", "mtu", str(PACKET_BYTES), "gso_max_segs", "1"),
                  ("tc", "qdisc", "add", "dev", "lo", "root", "tbf", "rate", RATE, "burst", "200", "limit", "200000")):
        done = tool(*words)
        if done.returncode:
            raise Skip(f"{' '.join(words)}: {done.stderr.strip()}")
    pieces = pieces_of_a_record()
    assert len(pieces) > 1, f"nothing is split here: {pieces}"
    before, begun = home.members(), home.log_size()
    with Writers(home, home.shared["host"], 2, pause=0.02) as load:
        wait_until("acknowledged writes", lambda: load.count() > 300, 120)
    with load.lock:
        times = list(load.times)
    longest = max(later - earlier for earlier, later in zip(times, times[1:]))
    assert not load.errors, load.errors
    assert longest < STALL_MAX, longest
    assert not home.events("failover.started", begun) and not home.events("member.hung", begun)
    assert {name: member["pid"] for name, member in home.members().items()} == {
        name: member["pid"] for name, member in before.items()}
    for host in (home.shared["host"], *(member["address"] for member in home.readers())):
        wait_until(f"every acknowledged row at {host}", lambda host=host: not load.lost(host), 60)
    tool("tc", "qdisc", "del", "dev", "lo", "root")
    return f"{load.count()} commits, records in {len(pieces)} pieces, longest pause {longest * 1000:.0f} ms"


if __name__ == "__main__":
    WHY_NOT = enter_namespace()
    suite.main()
