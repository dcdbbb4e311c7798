# SPDX-License-Identifier: Apache-2.0
"""A host of the test's own outside every VPC, in a network namespace, so that no test sends anything to a real one."""
import contextlib
import os
import socket
import subprocess


def run(*words, check=True, **options):
    done = subprocess.run(list(map(str, words)), check=False, capture_output=True, text=True, timeout=60, **options)
    assert not check or done.returncode == 0, (words, done.returncode, done.stdout, done.stderr)
    return done


class Outside:
    """`address` of the other host, and `gateway`, this host's beside it. Of 198.51.100.0/24 (RFC 5737, for
    documentation) four addresses that no other test has."""

    def __init__(self):
        for number in range(0, 256, 4):
            self.claim = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            with contextlib.suppress(OSError):
                self.claim.bind(f"\0trivet-e2e-outside-{number}")
                break
            self.claim.close()
        else:
            raise RuntimeError("no addresses outside are free")
        self.gateway, self.address = (f"198.51.100.{number + one}" for one in (1, 2))


@contextlib.contextmanager
def outside_host():
    """A host that the host reaches and that greets at port 80 with the address it sees."""
    outside = Outside()
    space, link = f"te-out-{os.getpid()}", f"teo{os.getpid() % 100000}"
    run("ip", "netns", "add", space)
    try:
        run("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", space)
        run("ip", "addr", "add", f"{outside.gateway}/30", "dev", link)
        run("ip", "link", "set", link, "up")
        run("ip", "-n", space, "addr", "add", f"{outside.address}/30", "dev", "eth0")
        run("ip", "-n", space, "link", "set", "eth0", "up")
        greeter = subprocess.Popen(["ip", "netns", "exec", space, "/usr/bin/python3", "-c", """
import socket
door = socket.create_server(("0.0.0.0", 80))
print("ready", flush=True)
while True:
    client, address = door.accept()
    client.sendall(address[0].encode())
    client.close()
"""], stdout=subprocess.PIPE, text=True)
        try:
            assert greeter.stdout.readline() == "ready\n"
            yield outside
        finally:
            greeter.kill()
            greeter.wait(10)
    finally:
        run("ip", "netns", "del", space, check=False)
        run("ip", "link", "del", link, check=False)
        outside.claim.close()
