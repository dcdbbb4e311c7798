# SPDX-License-Identifier: Apache-2.0
"""A real mysqld with the plugin in a private directory, and a MySQL client by hand, for plugin_test.py."""

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import time

import pymysql


class Engine:
    """A mysqld of an unpacked engine, run through the engine's own loader."""

    def __init__(self, root, plugin, home, address):
        self.root = root
        self.home = home
        self.address = address
        self.port = 3306
        self.data = os.path.join(home, "data")
        self.socket_path = os.path.join(home, "mysql.sock")
        self.log_path = os.path.join(home, "error.log")
        self.auth_socket = os.path.join(home, "run", "auth.sock")
        self.general_log = os.path.join(home, "general.log")
        self.process = None
        os.mkdir(os.path.dirname(self.auth_socket), 0o777)
        os.chmod(os.path.dirname(self.auth_socket), 0o777)
        self.plugins = os.path.join(home, "plugins")
        os.mkdir(self.plugins)
        theirs = os.path.join(root, "usr/lib/mysql/plugin")
        for name in os.listdir(theirs):
            os.symlink(os.path.join(theirs, name), os.path.join(self.plugins, name))
        shutil.copy(plugin, os.path.join(self.plugins, "AWSAuthenticationPlugin.so"))

    def command(self, binary, *arguments):
        lib = os.path.join(self.root, "usr/lib")
        return [os.path.join(lib, "x86_64-linux-gnu/ld-linux-x86-64.so.2"), "--library-path",
                f"{lib}/x86_64-linux-gnu:{lib}/mysql/private", os.path.join(self.root, "usr", binary), *arguments]

    def _mysqld(self, *arguments):
        usr = os.path.join(self.root, "usr")
        user = ["--user=root"] if os.getuid() == 0 else []
        return self.command("sbin/mysqld", "--no-defaults", f"--basedir={usr}", f"--datadir={self.data}",
                            f"--plugin-dir={self.plugins}", f"--lc-messages-dir={usr}/share/mysql", *user,
                            *arguments)

    def initialize(self):
        subprocess.run(self._mysqld("--initialize-insecure"), check=True, stderr=subprocess.DEVNULL)

    def start(self, environment=None):
        def die_with_parent():
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)

        env = {k: v for k, v in os.environ.items() if k != "TRIVET_AUTH_SOCKET"}
        env.update(environment if environment is not None else {"TRIVET_AUTH_SOCKET": self.auth_socket})
        # max_connect_errors at 5: a failed login that counted as a handshake error would soon block the host.
        self.process = subprocess.Popen(
            self._mysqld(f"--bind-address={self.address}", f"--port={self.port}", f"--socket={self.socket_path}",
                         "--mysqlx=OFF", "--secure-file-priv=NULL", "--innodb-buffer-pool-size=32M", "--skip-log-bin",
                         "--max-connect-errors=5", "--general-log=ON", f"--general-log-file={self.general_log}",
                         f"--log-error={self.log_path}", "--log-error-verbosity=3"),
            env=env, preexec_fn=die_with_parent)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            with contextlib.suppress(pymysql.err.MySQLError):
                self.root_connection().close()
                return
            time.sleep(0.1)
        raise RuntimeError("mysqld did not start; see " + self.log_path)

    def stop(self):
        """Seconds mysqld took to end."""
        begin = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        return time.monotonic() - begin

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def root_connection(self):
        return pymysql.connect(unix_socket=self.socket_path, user="root", autocommit=True)

    def sql(self, statement):
        with contextlib.closing(self.root_connection()) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()

    def sql_error(self, statement):
        try:
            self.sql(statement)
        except pymysql.err.MySQLError as error:
            return error.args
        return None

    def login(self, token, user="jane", source="127.42.0.9", tls=True, tls_versions=None, **more):
        """`tls_versions`: the least and the most, "TLSv1.2" or "TLSv1.3"."""
        options = {"ssl": {"ca": os.path.join(self.data, "ca.pem"), "check_hostname": False}} if tls else {}
        if tls_versions:
            context = ssl.create_default_context(cafile=options["ssl"]["ca"])
            context.check_hostname = False
            context.minimum_version, context.maximum_version = (
                ssl.TLSVersion[version.replace(".", "_")] for version in tls_versions)
            options = {"ssl": context}
        return pymysql.connect(host=self.address, port=self.port, user=user, password=token, bind_address=source,
                               **options, **more)

    def login_error(self, token, **more):
        """The error of a login and the seconds it took; the error is None when the login worked."""
        begin = time.monotonic()
        try:
            self.login(token, **more).close()
            error = None
        except pymysql.err.MySQLError as failure:
            error = failure.args
        return error, time.monotonic() - begin

    def log_text(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def counters(self):
        """What SHOW GLOBAL STATUS says of the plugin, without its prefix."""
        rows = self.sql("SHOW GLOBAL STATUS LIKE 'AWSAuthenticationPlugin%'")
        return {name.removeprefix("AWSAuthenticationPlugin_"): int(count) for name, count in rows}

    def own_log_lines(self):
        return [line for line in self.log_text().splitlines() if "[AWSAuthenticationPlugin]" in line]


class RawClient:
    """A MySQL client by hand, to see each packet the server sends before it has the password."""
    CLIENT_FLAGS = 0x00000001 | 0x00000200 | 0x00008000 | 0x00080000 | 0x00200000  # PLUGIN_AUTH, LENENC data
    CLIENT_SSL = 0x00000800

    def __init__(self, engine, source="127.42.0.9"):
        self.socket = socket.create_connection((engine.address, engine.port), 10, (source, 0))
        self.sequence = 0
        self.greeting = self.read()

    def read(self):
        """The next packet's payload; None when the server closed the connection."""
        header = self._exactly(4)
        if header is None:
            return None
        self.sequence = header[3] + 1
        return self._exactly(header[0] | header[1] << 8 | header[2] << 16)

    def _exactly(self, count):
        data = b""
        while len(data) < count:
            try:
                part = self.socket.recv(count - len(data))
            except ConnectionResetError:
                return None
            if not part:
                return None
            data += part
        return data

    def send(self, payload):
        self.socket.sendall(struct.pack("<I", len(payload))[:3] + bytes([self.sequence % 256]) + payload)
        self.sequence += 1

    def start_tls(self):
        self.send(struct.pack("<IIB23x", self.CLIENT_FLAGS | self.CLIENT_SSL, 1 << 24, 45))
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.socket = context.wrap_socket(self.socket)

    def respond(self, user, plugin=b"caching_sha2_password", data=b"\x11" * 32, tls=False):
        flags = self.CLIENT_FLAGS | (self.CLIENT_SSL if tls else 0)
        self.send(struct.pack("<IIB23x", flags, 1 << 24, 45) + user + b"\0" +
                  bytes([len(data)]) + data + plugin + b"\0")

    def close(self):
        self.socket.close()
