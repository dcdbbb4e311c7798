# SPDX-License-Identifier: Apache-2.0
"""Bare servers beside the cluster, from the same engine and with a member's settings: one alone, and three as a
group of MySQL's own group replication. Only what these need is set differently."""
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import uuid

import pymysql

import figures
import harness
from waiting import wait_until

PLUGIN = "usr/lib/mysql/plugin/group_replication.so"
CLOSED = ("read_only", "super_read_only", "offline_mode", "skip_replica_start", "skip_networking", "replicate_same")


class Certificates:
    """An authority and one certificate for all addresses, so that clients check TLS as they do at the cluster."""

    def __init__(self, folder, addresses):
        folder.mkdir()
        self.ca, self.key, self.certificate = folder / "ca.pem", folder / "key.pem", folder / "certificate.pem"
        names = ",".join(f"IP:{address}" for address in addresses)
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        self._openssl("req", "-x509", *curve, "-keyout", folder / "ca.key", "-out", self.ca, "-days", "2",
                      "-subj", "/CN=bench")
        self._openssl("req", *curve, "-keyout", self.key, "-out", folder / "request.pem", "-subj", "/CN=group")
        (folder / "names").write_text(f"subjectAltName={names}\n", encoding="utf-8")
        self._openssl("x509", "-req", "-in", folder / "request.pem", "-CA", self.ca, "-CAkey", folder / "ca.key",
                      "-CAcreateserial", "-days", "2", "-extfile", folder / "names", "-out", self.certificate)

    @staticmethod
    def _openssl(*words):
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, timeout=30)


class Server:
    """A bare server with a member's settings. `more`: lines for its my.cnf."""

    def __init__(self, pattern, folder, address, certificates, more=()):
        self.pattern, self.folder, self.address = pattern, folder, address
        folder.mkdir(parents=True)
        subprocess.run(["cp", "-a", pattern.template, folder / "data"], check=True, timeout=60)
        (folder / "tmp").mkdir()
        for name in ("key", "certificate", "ca"):
            shutil.copy(getattr(certificates, name), folder / f"{name}.pem")
        lines = [line for line in pattern.settings if not line.startswith((*pattern.LEFT_OUT, *CLOSED, "server_id"))]
        lines += [f'datadir="{folder}/data"', f'tmpdir="{folder}/tmp"', f'socket="{folder}/s"',
                  f'pid_file="{folder}/pid"', f'log_error="{folder}/error.log"', f"bind_address={address}",
                  "port=3306", f"report_host={address}", f'ssl_ca="{folder}/ca.pem"',
                  f'ssl_cert="{folder}/certificate.pem"', f'ssl_key="{folder}/key.pem"',
                  f"server_id={int(address.rpartition('.')[2]) + 7000}", "require_secure_transport=ON", *more]
        (folder / "my.cnf").write_text("\n".join(lines) + "\n", encoding="utf-8")
        for name in [folder, *folder.rglob("*")]:
            os.chown(name, *pattern.user)
        self.process = None

    def start(self):
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            [*self.pattern.command, f"--defaults-file={self.folder}/my.cnf"], env=self.pattern.environment,
            user=self.pattern.user[0], group=self.pattern.user[1], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(f"a server at {self.address}", lambda: figures.accepts(self.folder / "s"), 60, every=0.05)

    def sql(self, *statements):
        """As the administrator of the template; rows of the last one."""
        connection = pymysql.connect(unix_socket=str(self.folder / "s"), user="trivet_admin", autocommit=True,
                                     read_timeout=60)
        with contextlib.closing(connection), connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall()

    def kill(self):
        harness.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(60)


def make_accounts(server):
    """What write_load needs."""
    server.sql("CREATE DATABASE bench",
               "CREATE TABLE bench.writes (run INT, writer INT, n INT, PRIMARY KEY (run, writer, n))",
               f"CREATE USER {figures.PLAIN_USER} IDENTIFIED WITH caching_sha2_password BY "
               f"'{figures.PLAIN_PASSWORD}'",
               f"GRANT ALL PRIVILEGES ON bench.* TO {figures.PLAIN_USER}")


def free_ports(count):
    """Of 127.0.0.1, the only loopback address that group replication takes for one of this machine's."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


class Bare:
    """A folder of bare servers, gone at the end of the block."""

    def __init__(self, bench, name, addresses):
        self.folder = bench.home.folder / name
        self.folder.mkdir()
        self.addresses = addresses
        self.pattern = figures.Member(bench.home, bench.writer())
        self.certificates = Certificates(self.folder / "tls", addresses)
        self.servers = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for server in self.servers:
            if server.process is not None:
                server.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class Single(Bare):
    """One server that waits for nobody."""

    def __init__(self, bench, address):
        super().__init__(bench, "single", [address])
        self.servers = [Server(self.pattern, self.folder / "0", address, self.certificates)]

    def __enter__(self):
        self.servers[0].start()
        make_accounts(self.servers[0])
        return self


class Group(Bare):
    """Three servers, one of which writes. `packages`: the engine's packages, unpacked whole."""

    def __init__(self, bench, packages, addresses):
        super().__init__(bench, "group", addresses)
        plugins = self.folder / "plugins"
        plugins.mkdir()
        for plugin in (packages / PLUGIN).parent.glob("*.so"):
            os.symlink(plugin, plugins / plugin.name)
        ports = free_ports(len(addresses))
        seeds = ",".join(f"127.0.0.1:{port}" for port in ports)
        name = uuid.uuid4()
        libraries = sorted({str(path.parent) for path in packages.rglob("lib*.so.*")})
        self.pattern.environment = {**self.pattern.environment, "LD_LIBRARY_PATH": ":".join(libraries)}
        self.pattern.settings = [line for line in self.pattern.settings
                                 if not line.startswith(("plugin", "auth_socket", "rpl_semi", "clone=", "aws"))]
        for number, address in enumerate(addresses):
            self.servers.append(Server(self.pattern, self.folder / str(number), address, self.certificates, (
                f'plugin_dir="{plugins}"', "plugin_load_add=auth_socket.so", "plugin_load_add=group_replication.so",
                f"loose_group_replication_group_name={name}", "loose_group_replication_start_on_boot=OFF",
                f"loose_group_replication_local_address=127.0.0.1:{ports[number]}",
                f"loose_group_replication_group_seeds={seeds}", "loose_group_replication_ip_allowlist=127.0.0.0/8",
                "loose_group_replication_recovery_use_ssl=ON")))

    def __enter__(self):
        first, *others = self.servers
        for server in self.servers:
            server.start()
        for server in self.servers:
            server.sql("SET SESSION sql_log_bin=0",
                       "CREATE USER recovery IDENTIFIED BY 'recovery-horse-1' REQUIRE SSL",
                       "GRANT REPLICATION SLAVE, CONNECTION_ADMIN, BACKUP_ADMIN, GROUP_REPLICATION_STREAM ON *.* "
                       "TO recovery", "SET SESSION sql_log_bin=1",
                       "CHANGE REPLICATION SOURCE TO SOURCE_USER='recovery', SOURCE_PASSWORD='recovery-horse-1' "
                       "FOR CHANNEL 'group_replication_recovery'")
        first.sql("SET GLOBAL group_replication_bootstrap_group=ON", "START GROUP_REPLICATION",
                  "SET GLOBAL group_replication_bootstrap_group=OFF")
        wait_until("a group's writer", lambda: self.primary() is first, 60, every=0.1)
        make_accounts(first)
        for server in others:
            server.sql("START GROUP_REPLICATION")
        self.wait_whole()
        return self

    @staticmethod
    def online(server):
        return server.sql("SELECT MEMBER_HOST, MEMBER_ROLE FROM performance_schema.replication_group_members "
                          "WHERE MEMBER_STATE='ONLINE'")

    def wait_whole(self):
        def whole():
            for server in self.servers:
                found = self.online(server)
                assert len(found) == len(self.servers), found
            return True
        wait_until("a whole group", whole, 120, every=0.1)

    def primary(self):
        for server in self.servers:
            if server.process.poll() is None:
                found = [host for host, role in self.online(server) if role == "PRIMARY"]
                if found:
                    return next(one for one in self.servers if one.address == found[0])
        return None

    def expel_after(self, seconds):
        for server in self.servers:
            server.sql(f"SET GLOBAL group_replication_member_expel_timeout={seconds}")

    def bring_back(self, server):
        server.start()
        server.sql("START GROUP_REPLICATION")
        self.wait_whole()
