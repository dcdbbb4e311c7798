#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""AWSAuthenticationPlugin in a real mysqld, against a fake daemon.

  plugin_test.py --engine-root DIR --plugin build/dev/bin/AWSAuthenticationPlugin.so [--address 127.42.0.1] [--keep]

Needs python3-pymysql. Everything is under a temporary directory; traffic stays on loopback."""

import argparse
import contextlib
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

import pymysql

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import fake_daemon  # noqa: E402
from engine import Engine, RawClient  # noqa: E402
from fake_daemon import ARN, LONG_ARN, FakeDaemon  # noqa: E402

PATIENCE = 3.0  # seconds a login waits for the daemon
SLACK = 1.5     # more than that on a busy machine


class Report:
    def __init__(self):
        self.passed = 0
        self.failed = 0

    def check(self, name, good, detail=""):
        if good:
            self.passed += 1
            print(f"  ok      {name}", flush=True)
        else:
            self.failed += 1
            print(f"  FAILED  {name}: {detail!r}", flush=True)


def token_of(kind, size):
    """A token of `size` bytes the fake daemon answers as `kind`; looks like one made by an SDK."""
    text = kind + ":host.example:3306/?Action=connect&DBUser=jane&X-Amz-Signature="
    return text + "f" * max(0, size - len(text))


def wait_until(condition, seconds):
    """Whether `condition` became true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def test_account_statements(engine, report):
    print("accounts")
    error = engine.sql_error("CREATE USER early IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'")
    report.check("before INSTALL PLUGIN: error 1524", error is not None and error[0] == 1524, error)
    error = engine.sql_error("INSTALL PLUGIN AWSAuthenticationPlugin SONAME 'AWSAuthenticationPlugin.so'")
    report.check("INSTALL PLUGIN", error is None, error)
    rows = engine.sql("SELECT PLUGIN_STATUS, PLUGIN_TYPE, PLUGIN_LICENSE, PLUGIN_TYPE_VERSION FROM "
                      "information_schema.PLUGINS WHERE PLUGIN_NAME = 'AWSAuthenticationPlugin'")
    report.check("plugin is ACTIVE, AUTHENTICATION, GPL, 2.1",
                 rows == (("ACTIVE", "AUTHENTICATION", "GPL", "2.1"),), rows)

    error = engine.sql_error("CREATE USER jane IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'")
    report.check("CREATE USER … AS 'RDS', verbatim", error is None, error)
    for clause in ("AS 'x'", "AS 'rds'", "AS 'RDS '", "AS ''", "", "BY 'secret'"):
        error = engine.sql_error(f"CREATE USER other IDENTIFIED WITH AWSAuthenticationPlugin {clause}")
        report.check(f"CREATE USER … {clause or 'without a text'} is refused clearly",
                     error is not None and error[0] == 1827 and "AS 'RDS'" in error[1], error)
    rows = engine.sql("SELECT COUNT(*) FROM mysql.user WHERE user = 'other'")
    report.check("none of the refused accounts exists", rows == ((0,),), rows)

    for statement in ("SET PASSWORD FOR jane = 'secret'", "ALTER USER jane IDENTIFIED BY 'secret'"):
        error = engine.sql_error(statement)
        report.check(f"{statement} is refused", error is not None, error)
        print("            ", error)
    rows = engine.sql("SELECT plugin, authentication_string, password_expired FROM mysql.user WHERE user = 'jane'")
    report.check("mysql.user keeps plugin and 'RDS'", rows == (("AWSAuthenticationPlugin", "RDS", "N"),), rows)

    created = engine.sql("SHOW CREATE USER jane")[0][0]
    report.check("SHOW CREATE USER names the plugin AS 'RDS'",
                 "IDENTIFIED WITH 'AWSAuthenticationPlugin' AS 'RDS'" in created, created)
    engine.sql("DROP USER jane")
    error = engine.sql_error(created)
    again = engine.sql("SHOW CREATE USER jane")[0][0]
    report.check("SHOW CREATE USER round-trips", error is None and again == created, (error, created, again))
    error = engine.sql_error("ALTER USER jane REQUIRE SSL") or engine.sql_error("GRANT SELECT ON mysql.* TO jane")
    report.check("ALTER USER … REQUIRE SSL and GRANT", error is None, error)


def test_account_dump(engine, daemon, report):
    print("accounts in a dump")
    engine.sql("CREATE USER dumped@'127.%' IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS' REQUIRE SSL")
    engine.sql("GRANT SELECT ON mysql.* TO dumped@'127.%'")
    accounts = ("SELECT user, host, plugin, authentication_string, ssl_type, account_locked, password_expired "
                "FROM mysql.user WHERE plugin = 'AWSAuthenticationPlugin' ORDER BY user, host")
    before = engine.sql(accounts)
    dump = subprocess.run(
        engine.command("bin/mysqldump", "--no-defaults", f"--socket={engine.socket_path}", "--user=root",
                       "--flush-privileges", "mysql", "user", "db"), capture_output=True, check=True, timeout=60)
    for user in ("dumped@'127.%'", "jane"):
        engine.sql(f"DROP USER {user}")
    report.check("control: the accounts are gone", len(engine.sql(accounts)) == len(before) - 2, engine.sql(accounts))
    done = subprocess.run(
        engine.command("bin/mysql", "--no-defaults", f"--socket={engine.socket_path}", "--user=root",
                       "--database=mysql"), input=dump.stdout, capture_output=True, check=False, timeout=60)
    engine.sql("FLUSH PRIVILEGES")
    report.check("mysqldump and mysql bring them back as they were",
                 done.returncode == 0 and engine.sql(accounts) == before, (done.stderr, engine.sql(accounts)))
    error, _ = engine.login_error("allow:x", user="dumped")
    report.check("and they log in", error is None and daemon.requests[-1]["user"] == "dumped", error)
    engine.sql("DROP USER dumped@'127.%'")


def test_counters(engine, daemon, report):
    print("status variables")
    before = engine.counters()
    names = {"requests", "successes", "failures", "failures_other", "failures_no_tls",
             "failures_too_long", "failures_client_gone", "failures_not_configured", "failures_daemon_absent",
             "failures_daemon_silent", "failures_daemon_error", "failures_daemon_not_understood",
             "failures_other_protocol", "failures_socket_of_a_stranger", "failures_local_fault"}
    report.check("all are there from the start", names <= set(before), names - set(before))
    for token, user, tls in (("allow:x", "jane", True), ("allow:x", "jane", True), ("deny:x", "jane", True),
                             ("deny:x", "jane", True), ("throttled:x", "jane", True), ("error:x", "jane", True),
                             ("odd:x", "jane", True), ("silent-deny:x", "jane", True), ("garbage:x", "jane", True),
                             ("", "jane", True), ("allow:" + "x" * 70_000, "jane", True), ("allow:x", "plain", False)):
        engine.login_error(token, user=user, tls=tls)
    more = {name: count - before.get(name, 0) for name, count in engine.counters().items()}
    odd = "failures_a_reason__"
    odd += "x" * (63 - len("AWSAuthenticationPlugin_") - len(odd))
    expected = {"requests": 12, "successes": 2, "failures": 10, "failures_expired": 2, "failures_throttled": 1,
                "failures_daemon_error": 1, odd: 1, "failures_other": 1, "failures_daemon_not_understood": 1,
                "failures_empty": 1, "failures_too_long": 1, "failures_no_tls": 1}
    found = {name: count for name, count in more.items() if count}
    report.check("each login is counted once, each refusal under its reason", found == expected, found)
    rows = engine.sql("SELECT VARIABLE_VALUE FROM performance_schema.global_status WHERE VARIABLE_NAME = "
                      "'AWSAuthenticationPlugin_failures_expired'")
    report.check("performance_schema.global_status says the same",
                 rows == ((str(engine.counters()["failures_expired"]),),), rows)
    counters = engine.counters()
    parts = sum(count for name, count in counters.items() if name.startswith("failures_"))
    report.check("requests are successes and failures, failures the sum of their reasons",
                 counters["requests"] == counters["successes"] + counters["failures"] and
                 counters["failures"] == parts, counters)


def test_counters_are_exact(engine, report):
    """First sights of many reasons at once, from many threads."""
    before = engine.counters()

    def work(number):
        for i in range(6):
            engine.login_error(f"reason-{(number + i) % 8}:x")

    threads = [threading.Thread(target=work, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    after = engine.counters()
    counts = [after.get(f"failures_reason_{n}", 0) for n in range(8)]
    report.check("96 refusals for eight new reasons at once are all counted, each name once",
                 counts == [12] * 8 and after["failures"] - before["failures"] == 96, counts)


def test_protocol(engine, daemon, report):
    print("another version of the protocol")
    daemon.stop()
    daemon.versions = (4, 5)
    daemon.start()
    asked = len(daemon.requests)
    before = engine.counters()["failures_other_protocol"]
    error, seconds = engine.login_error("allow:x")
    report.check("a daemon that has left version 3 behind: refused at once", error is not None and
                 error[0] == 1045 and seconds < 1 and len(daemon.requests) == asked, (error, seconds))
    report.check("  with a line that says what to do", engine.own_log_lines()[-1].endswith(
        "login of user 'jane' failed: the Trivet daemon speaks protocol 4 to 5, this plugin 3: restart mysqld, which "
        "then loads the daemon's plugin"), engine.own_log_lines()[-1])
    report.check("  and is counted", engine.counters()["failures_other_protocol"] == before + 1, engine.counters())
    engine.stop()
    lines = len(engine.own_log_lines())
    engine.start()
    new = engine.own_log_lines()[lines:]
    report.check("loading the plugin asks, and says so before any login",
                 len(new) == 1 and "[ERROR]" in new[0] and "protocol 4 to 5" in new[0], new)
    daemon.stop()
    daemon.versions = (1, 4)
    daemon.start()
    report.check("a daemon that knows more is used", engine.login_error("allow:x")[0] is None, "refused")
    engine.stop()
    questions, lines = daemon.version_questions, len(engine.own_log_lines())
    engine.start()
    report.check("loading asks once, and has nothing to say when it fits",
                 daemon.version_questions == questions + 1 and len(engine.own_log_lines()) == lines,
                 engine.own_log_lines()[lines:])
    daemon.stop()
    engine.stop()
    lines = len(engine.own_log_lines())
    engine.start()
    new = engine.own_log_lines()[lines:]
    report.check("loading without a daemon warns and goes on",
                 len(new) == 1 and "[Warning]" in new[0] and "the Trivet daemon is not there" in new[0], new)
    daemon.versions = (1, 1)
    daemon.start()
    error, _ = engine.login_error("allow:x")
    report.check("an older daemon: refused, and the log says to upgrade it", error is not None and
                 engine.own_log_lines()[-1].endswith("speaks protocol 1 to 1, this plugin 3: upgrade the daemon"),
                 (error, engine.own_log_lines()[-1]))
    daemon.stop()
    daemon.versions = (1, 3)
    daemon.start()
    report.check("and logins work once it is there", engine.login_error("allow:x")[0] is None, "refused")


def test_tls_names(engine, daemon, report):
    print("the names of TLS version and cipher")
    for least, most in (("TLSv1.2", "TLSv1.2"), ("TLSv1.3", "TLSv1.3"), ("TLSv1.2", "TLSv1.3")):
        asked = len(daemon.requests)
        session = engine.login("allow:x", tls_versions=(least, most))
        with contextlib.closing(session), session.cursor() as cursor:
            cursor.execute("SHOW SESSION STATUS LIKE 'Ssl\\_%'")
            status = dict(cursor.fetchall())
        (request,) = daemon.requests[asked:]
        report.check(f"{least} to {most}: those of the session",
                     (request["tls_version"], request["tls_cipher"]) == (status["Ssl_version"], status["Ssl_cipher"])
                     and request["tls_version"] == most and request["tls_cipher"], (request, status))
    engine.sql("UNINSTALL PLUGIN AWSAuthenticationPlugin")
    engine.sql("INSTALL PLUGIN AWSAuthenticationPlugin SONAME 'AWSAuthenticationPlugin.so'")
    asked = len(daemon.requests)
    engine.login("allow:x").close()
    report.check("and after UNINSTALL and INSTALL PLUGIN", daemon.requests[asked]["tls_version"].startswith("TLSv1."),
                 daemon.requests[asked])
    asked = len(daemon.requests)
    pymysql.connect(unix_socket=engine.socket_path, user="plain", password="allow:x").close()
    report.check("none without TLS", not daemon.requests[asked]["tls"] and not daemon.requests[asked]["tls_version"]
                 and not daemon.requests[asked]["tls_cipher"], daemon.requests[asked])


def test_accounts_of_others(engine, daemon, report):
    print("an account other than the login's")
    for statement in ("CREATE ROLE reporting, writing", "GRANT SELECT ON performance_schema.* TO reporting",
                      "GRANT INSERT ON mysql.* TO writing", "GRANT writing TO reporting",
                      "SET DEFAULT ROLE ALL TO reporting"):
        engine.sql(statement)
    error, _ = engine.login_error("as-reporting:x")
    report.check("without PROXY: refused", error is not None and error[0] == 6126, error)
    engine.sql("GRANT PROXY ON reporting TO jane")
    session = engine.login("as-reporting:x")
    with contextlib.closing(session), session.cursor() as cursor:
        cursor.execute("SELECT USER(), CURRENT_USER(), @@proxy_user, @@external_user, CURRENT_ROLE()")
        seen = cursor.fetchone()
    report.check("with it: its privileges and its default roles, although it is locked", seen[0].startswith("jane@") and
                 seen[1:] == ("reporting@%", "'jane'@'%'", ARN, "`writing`@`%`"), seen)
    for kind in ("as-nobody", "as-too-long"):
        error, _ = engine.login_error(kind + ":x")
        report.check(f"{kind}: refused", error is not None and error[0] in (1045, 6126), error)
    report.check("jane's own account is as it was", engine.login_error("allow:x")[0] is None, "refused")
    engine.sql("DROP ROLE reporting, writing")


def test_stuck_daemon(engine, daemon, report):
    """Its kernel queue takes connections, and nobody ever reads them."""
    print("a stuck daemon")
    daemon.stop()
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as stuck:
        stuck.bind(engine.auth_socket)
        os.chmod(engine.auth_socket, 0o777)
        stuck.listen(2)  # so that some logins find the queue full
        results = []
        threads = [threading.Thread(target=lambda: results.append(engine.login_error("allow:x"))) for _ in range(12)]
        begin = time.monotonic()
        for thread in threads:
            thread.start()
        wait_until(lambda: engine.sql("SELECT 1") == ((1,),), 1)
        answered = time.monotonic() - begin
        for thread in threads:
            thread.join()
        report.check("twelve logins at once: each has its 1045 after 3 s",
                     len(results) == 12 and all(error is not None and error[0] == 1045 and
                                                PATIENCE - 0.1 < seconds < PATIENCE + SLACK
                                                for error, seconds in results), results)
        report.check("others are served meanwhile", answered < 1, answered)
        counters = engine.counters()
        report.check("silent and full are told apart",
                     counters["failures_daemon_silent"] > 0 and counters["failures_daemon_absent"] > 0, counters)
        engine.stop()
        stuck.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:  # makes room for one that is then not read
                stuck.accept()[0].close()
        engine.start()
        report.check("loading the plugin gives it half a second",
                     "did not answer in time" in engine.own_log_lines()[-1], engine.own_log_lines()[-1])
    daemon.start()
    report.check("and logins work once it is there", engine.login_error("allow:x")[0] is None, "refused")


def test_verdicts(engine, daemon, report):
    print("logins over TLS")
    for size in (60, 1500, 15_000, 65_536):
        token = token_of("allow", size)
        before = len(daemon.requests)
        try:
            with contextlib.closing(engine.login(token)) as connection, connection.cursor() as cursor:
                cursor.execute("SELECT @@external_user, USER(), CURRENT_USER(), CONNECTION_ID()")
                row = cursor.fetchone()
                local = connection._sock.getsockname()
            request = daemon.requests[-1]
            report.check(f"allowed with {len(token)} bytes; @@external_user is the ARN",
                         row[0] == ARN and row[1].startswith("jane@") and row[2] == "jane@%", row)
            report.check("  the daemon was asked once, with the token byte for byte",
                         len(daemon.requests) == before + 1 and request["token"] == token.encode(), request)
            report.check("  user, TLS, peer and connection id are right",
                         (request["user"], request["tls"], request["transport"], request["peer_address"],
                          request["peer_port"], request["connection_id"]) ==
                         ("jane", True, 1, *local, row[3]), request)
        except pymysql.err.MySQLError as error:
            report.check(f"allowed with {len(token)} bytes", False, error)

    with contextlib.closing(engine.login("long-arn:x")) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT @@external_user")
        row = cursor.fetchone()
        report.check("an ARN of 511 bytes arrives whole", row == (LONG_ARN,), row)

    denied = (1045, "Access denied for user 'jane'@'127.42.0.9' (using password: YES)")
    for kind, size in (("deny", 1500), ("deny", 15_000), ("error", 60), ("garbage", 60), ("oversize", 60),
                       ("zeros", 60), ("allow-no-arn", 60), ("version-1", 60)):
        error, seconds = engine.login_error(token_of(kind, size))
        report.check(f"{kind} with {size} bytes: 1045, at once", error == denied and seconds < 1, (error, seconds))

    asked = len(daemon.requests)
    error, _ = engine.login_error("allow:" + "x" * 70_000)
    report.check("70 KB of token: refused without asking the daemon",
                 error is not None and error[0] == 1045 and len(daemon.requests) == asked, error)
    error, _ = engine.login_error("")
    report.check("empty token: refused as the daemon says, 'using password: NO'",
                 error is not None and error[0] == 1045 and "NO" in error[1] and len(daemon.requests) == asked + 1
                 and (daemon.requests[asked]["tls"], daemon.requests[asked]["token"]) == (True, b""), error)
    asked = len(daemon.requests)
    error, _ = engine.login_error("allow:x", user="nobody")
    report.check("unknown user: the daemon is not asked",
                 error is not None and error[0] == 1045 and len(daemon.requests) == asked, error)

    error, seconds = engine.login_error("slow:x")
    report.check("an answer after 1 s is waited for", error is None and 0.9 < seconds < 2.9, (error, seconds))
    daemon.drop_first = 3
    error, seconds = engine.login_error("allow:x")
    report.check("a daemon that drops three requests is asked again", error is None and seconds < PATIENCE,
                 (error, seconds))
    for kind in ("hang", "half"):
        error, seconds = engine.login_error(kind + ":x")
        report.check(f"{kind}: 1045 after 3 s",
                     error == denied and PATIENCE - 0.1 < seconds < PATIENCE + SLACK, (error, seconds))


def test_transport(engine, daemon, report):
    print("without TLS")
    engine.sql("CREATE USER plain IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'")
    asked = len(daemon.requests)
    for user in ("jane", "plain"):  # with and without REQUIRE SSL
        for plugin, data in ((b"caching_sha2_password", b"\x11" * 32), (b"mysql_clear_password", b"allow:x\0")):
            client = RawClient(engine)
            client.respond(user.encode(), plugin, data)
            packets = []
            while (packet := client.read()) is not None:
                packets.append(packet)
                if packet[:1] == b"\xfe":
                    break
            client.close()
            report.check(f"{user}, {plugin.decode()}: the first and only packet is an error",
                         len(packets) == 1 and packets[0][:1] == b"\xff" and
                         struct.unpack_from("<H", packets[0], 1)[0] == 3159 and
                         b"only with SSL connections" in packets[0], packets)
    error, _ = engine.login_error("allow:x", user="plain", tls=False)
    report.check("PyMySQL without TLS: error 3159", error is not None and error[0] == 3159, error)
    told = daemon.requests[asked:]
    report.check("the daemon was told of each, without a token",
                 [(r["user"], r["tls"], r["token"]) for r in told] ==
                 [(user, False, b"") for user in ("jane", "jane", "plain", "plain", "plain")], told)
    daemon.stop()
    error, seconds = engine.login_error("allow:x", user="plain", tls=False)
    report.check("and is not waited for", error is not None and error[0] == 3159 and seconds < 1, (error, seconds))
    daemon.start()

    client = RawClient(engine)
    client.start_tls()
    client.respond(b"plain", tls=True)
    packet = client.read()
    report.check("the same client over TLS is asked: AuthSwitchRequest mysql_clear_password, no data",
                 packet is not None and packet.rstrip(b"\0") == b"\xfemysql_clear_password", packet)
    client.send(b"allow:no-nul")  # some clients send no terminator
    packet = client.read()
    report.check("a token without a terminating NUL is taken whole",
                 packet[:1] == b"\0" and daemon.requests[-1]["token"] == b"allow:no-nul", packet)
    client.close()

    client = RawClient(engine)
    client.start_tls()
    client.respond(b"plain", b"mysql_clear_password", b"allow:early\0", tls=True)
    packet = client.read()
    report.check("a client that starts with mysql_clear_password over TLS gets in without a switch",
                 packet is not None and packet[:1] == b"\0" and daemon.requests[-1]["token"] == b"allow:early",
                 packet)
    # COM_CHANGE_USER on that connection, to jane.
    client.sequence = 0
    client.send(b"\x11jane\0" + b"\0" + b"\0" + struct.pack("<H", 45) + b"caching_sha2_password\0")
    packet = client.read()
    if packet is not None and packet[:1] == b"\xfe":
        client.send(b"deny:x\0")
        packet = client.read()
    report.check("COM_CHANGE_USER asks for a token of its own", packet is not None and packet[:1] == b"\xff" and
                 daemon.requests[-1]["user"] == "jane" and daemon.requests[-1]["token"] == b"deny:x", packet)
    client.close()

    connection = pymysql.connect(unix_socket=engine.socket_path, user="plain", password="allow:x")
    connection.close()
    request = daemon.requests[-1]
    report.check("mysqld's unix socket needs no TLS and is reported as such",
                 (request["transport"], request["tls"], request["peer_address"]) == (2, False, ""), request)


def test_command_line_client(engine, report):
    print("mysql command line client")
    if not os.path.exists(os.path.join(engine.root, "usr/bin/mysql")):
        print("  skipped: the engine has no client")
        return

    def run(*options):
        return subprocess.run(
            engine.command("bin/mysql", "--no-defaults", f"--host={engine.address}", f"--port={engine.port}",
                           "--user=jane", f"--plugin-dir={engine.plugins}", "--batch", "--skip-column-names",
                           "--execute=SELECT @@external_user", *options),
            env={**os.environ, "MYSQL_PWD": token_of("allow", 15_000)}, capture_output=True, text=True, timeout=30)

    done = run("--enable-cleartext-plugin", "--ssl-mode=REQUIRED")
    report.check("with --enable-cleartext-plugin and TLS", done.stdout.strip() == ARN, (done.stdout, done.stderr))
    done = run("--ssl-mode=REQUIRED")
    report.check("without the option the client itself refuses: 2059", "ERROR 2059" in done.stderr, done.stderr)
    done = run("--enable-cleartext-plugin", "--ssl-mode=DISABLED")
    report.check("without TLS: 3159", "ERROR 3159" in done.stderr, done.stderr)


def test_host_is_not_blocked(engine, report):
    print("many failures")
    for token in ["deny:x", "error:x", "garbage:x", ""] * 5:
        engine.login_error(token, source="127.42.0.11")
        engine.login_error(token, source="127.42.0.11", user="plain", tls=False)
    for _ in range(8):  # clients that leave when asked for the password
        client = RawClient(engine, source="127.42.0.11")
        client.start_tls()
        client.respond(b"jane", tls=True)
        client.read()
        client.close()
    error, _ = engine.login_error("allow:x", source="127.42.0.11")
    report.check("48 failed logins do not block the host (max_connect_errors = 5)", error is None, error)
    rows = engine.sql("SELECT SUM_CONNECT_ERRORS, COUNT_HANDSHAKE_ERRORS, COUNT_AUTH_PLUGIN_ERRORS > 0, "
                      "COUNT_AUTHENTICATION_ERRORS > 0 FROM performance_schema.host_cache WHERE IP = '127.42.0.11'")
    report.check("host_cache: no handshake errors, both other kinds counted", rows == ((0, 0, 1, 1),), rows)

    for _ in range(8):  # the control: real handshake errors do block
        client = RawClient(engine, source="127.42.0.12")
        client.send(b"garbage")
        client.read()
        client.close()
    error, _ = engine.login_error("allow:x", source="127.42.0.12")
    report.check("control: eight broken handshakes do block their host (1129)",
                 error is not None and error[0] == 1129, error)


def test_many_at_once(engine, daemon, report):
    failures = []

    def work(number):
        for i in range(10):
            kind = "allow" if (number + i) % 2 else "deny"
            error, _ = engine.login_error(token_of(f"{kind}", 1500 + number))
            if (error is None) != (kind == "allow"):
                failures.append((kind, error))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report.check("160 logins from 16 threads each get their own verdict", not failures, failures[:3])


def test_kept_connections(engine, daemon, report):
    before = daemon.accepted
    errors = [engine.login_error("allow:x")[0] for _ in range(20)]
    report.check("20 logins one after the other share a connection to the daemon",
                 errors == [None] * 20 and daemon.accepted - before <= 1, (errors, daemon.accepted - before))
    daemon.stop()
    daemon.start()
    error, seconds = engine.login_error("allow:x")
    report.check("one that a restart of the daemon has broken is replaced at once", error is None and seconds < 0.5,
                 (error, seconds))
    engine.login_error("garbage:x")
    error, _ = engine.login_error("deny:x")
    report.check("one that answered nonsense is not used again", error is not None and error[0] == 1045 and
                 engine.login_error("allow:x")[0] is None, error)


def test_daemon_absent(engine, daemon, report):
    print("daemon absent and back")
    lines = len(engine.own_log_lines())
    for left_behind in (False, True):  # without and with a dead socket file
        daemon.stop(unlink=not left_behind)
        error, seconds = engine.login_error("allow:x")
        name = "dead socket file" if left_behind else "no socket file"
        report.check(f"{name}: 1045 after 3 s", error is not None and error[0] == 1045 and
                     PATIENCE - 0.1 < seconds < PATIENCE + SLACK, (error, seconds))
        daemon.start()
    new = engine.own_log_lines()[lines:]
    report.check("one line each in mysqld's error log", len(new) == 2 and
                 all("login of user 'jane' failed: the Trivet daemon is not there" in line for line in new), new)
    error, seconds = engine.login_error("allow:x")
    report.check("the daemon is back: logins work", error is None and seconds < 1, (error, seconds))

    daemon.stop()
    timer = threading.Timer(1.0, daemon.start)
    timer.start()
    error, seconds = engine.login_error("allow:x")
    report.check("a daemon that comes back within a second is waited for", error is None and 0.9 < seconds < 2,
                 (error, seconds))

    if os.getuid() == 0:
        daemon.stop()
        stranger = subprocess.Popen([sys.executable, fake_daemon.__file__, engine.auth_socket, "--uid", "65534"],
                                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        stranger.stdout.readline()
        error, seconds = engine.login_error("allow:x")
        stranger.stdin.close()
        stranger.wait(10)
        report.check("a socket held by another user is not trusted",
                     error is not None and error[0] == 1045 and seconds < 1 and
                     "held by a process of another user" in engine.own_log_lines()[-1], (error, seconds))
        daemon.start()
    else:
        print("  skipped: the check of the socket's owner needs root")


def test_client_that_leaves(engine, daemon, report):
    client = RawClient(engine)
    client.start_tls()
    client.respond(b"plain", tls=True)
    client.read()
    lines = len(engine.own_log_lines())
    client.send(b"hang:x\0")
    wait_until(lambda: daemon.requests[-1]["token"].startswith(b"hang"), 5)
    begin = time.monotonic()
    client.close()
    deadline = begin + 5
    while time.monotonic() < deadline and engine.sql("SELECT COUNT(*) FROM performance_schema.threads WHERE "
                                                     "PROCESSLIST_STATE = 'login' OR "
                                                     "PROCESSLIST_USER = 'unauthenticated user'") != ((0,),):
        time.sleep(0.02)
    seconds = time.monotonic() - begin
    report.check("a client that leaves gives its thread back at once, without a line", seconds < 1 and
                 len(engine.own_log_lines()) == lines, (seconds, engine.own_log_lines()[lines:]))


def test_hostile_user_name(engine, report):
    engine.sql("CREATE USER `e\nvil'` IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'")
    engine.login_error("error:x", user="e\nvil'")
    last = engine.own_log_lines()[-1]
    report.check("a user name cannot forge a log line",
                 last.endswith("login of user 'e?vil?' failed: the daemon reports an internal error"), last)


def test_shutdown(engine, daemon, report):
    print("shutdown")
    # mysqld itself gives connections two seconds; the measure is an idle one that uses no plugin.
    with contextlib.closing(engine.root_connection()):
        idle = engine.stop()
    print(f"             with an idle connection: {idle:.2f} s")
    engine.start()
    for kind in ("absent", "hang"):
        if kind == "absent":
            daemon.stop()
        ended = []

        def login(ended=ended):
            engine.login_error("hang:x")
            ended.append(time.monotonic())

        threads = [threading.Thread(target=login) for _ in range(4)]
        for thread in threads:
            thread.start()
        waiting = ("SELECT COUNT(*) FROM performance_schema.threads WHERE PROCESSLIST_STATE = 'login'"
                   " OR PROCESSLIST_USER = 'unauthenticated user'")
        wait_until(lambda: engine.sql(waiting)[0][0] >= 4, 2)
        begin = time.monotonic()
        seconds = engine.stop()
        for thread in threads:
            thread.join()
        report.check(f"daemon {kind}: four waiting logins end at once", max(ended) - begin < 0.5, max(ended) - begin)
        # mysqld's own end varies by a second.
        report.check("  and mysqld ends as soon as without them, and well",
                     seconds < idle + 2 and engine.process.returncode == 0, (seconds, engine.process.returncode))
        if kind == "absent":
            daemon.start()
        engine.start()
    error, _ = engine.login_error("allow:x")
    report.check("after a restart the plugin is loaded and logins work", error is None, error)


def test_without_address(engine, report):
    print("TRIVET_AUTH_SOCKET unset or too long")
    for environment in ({}, {"TRIVET_AUTH_SOCKET": "/tmp/" + "x" * 108}):
        engine.stop()
        engine.start(environment)
        error, seconds = engine.login_error("allow:x")
        report.check("login fails at once and the log says why",
                     error is not None and error[0] == 1045 and seconds < 1 and
                     "TRIVET_AUTH_SOCKET is not set" in engine.own_log_lines()[-1], (error, seconds))
    error = engine.sql_error("UNINSTALL PLUGIN AWSAuthenticationPlugin")
    report.check("UNINSTALL PLUGIN", error is None, error)


def occurrences_in_memory(pid, needle):
    """How often mysqld's writable memory holds the needle; None where it may not be read."""
    count = 0
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            span, flags = line.split()[:2]
            if not flags.startswith("rw"):
                continue
            begin, end = (int(x, 16) for x in span.split("-"))
            with contextlib.suppress(OSError, OverflowError):
                memory.seek(begin)
                count += memory.read(end - begin).count(needle)
    return count


def test_memory(engine, report):
    print("the token in mysqld's memory")
    # Over the unix socket: OpenSSL keeps the last record it decrypted, which no plugin can reach.
    secret = os.urandom(16).hex()
    # At the end of a long token, where no later packet of the session overwrites it by chance.
    connection = pymysql.connect(unix_socket=engine.socket_path, user="plain",
                                 password="allow:" + "x" * 6000 + secret)
    with contextlib.closing(connection), connection.cursor() as cursor:
        count = occurrences_in_memory(engine.process.pid, secret.encode())
        report.check("gone once the login is over", count == 0, count)
        cursor.execute("SET @marker = %s", (secret[::-1],))
        count = occurrences_in_memory(engine.process.pid, secret[::-1].encode())
        report.check("control: what a session holds is found", count > 0, count)
    secret = os.urandom(16).hex()
    with contextlib.closing(engine.login("allow:" + "x" * 6000 + secret)):
        print("             copies left while a TLS session is open:",
              occurrences_in_memory(engine.process.pid, secret.encode()))
    wait_until(lambda: occurrences_in_memory(engine.process.pid, secret.encode()) <= 1, 2)
    print("             and after it:", occurrences_in_memory(engine.process.pid, secret.encode()))


def test_secrecy(engine, report):
    print("secrecy")
    found = []
    for path in (engine.log_path, engine.general_log):
        with open(path, "rb") as file:
            text = file.read()
        found += [(path, needle) for needle in (b"X-Amz-Signature=ffff", b"allow:x", b"deny:x") if needle in text]
    with open(engine.general_log, "rb") as file:
        report.check("control: the general log has the logins", b"Connect" in file.read(), "empty")
    report.check("no token in the error log or the general log", not found, found)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine-root", required=True)
    parser.add_argument("--plugin", required=True)
    parser.add_argument("--address", default="127.42.0.1")
    parser.add_argument("--keep", action="store_true", help="leave the temporary directory")
    parser.add_argument("--bench", action="store_true", help="also time 1000 logins")
    arguments = parser.parse_args()

    report = Report()
    home = tempfile.mkdtemp(prefix="trivet-plugin-")
    os.chmod(home, 0o711)
    engine = Engine(os.path.abspath(arguments.engine_root), arguments.plugin, home, arguments.address)
    try:
        engine.initialize()
        engine.start()
        daemon = FakeDaemon(engine.auth_socket).start()
        test_account_statements(engine, report)
        test_verdicts(engine, daemon, report)
        test_transport(engine, daemon, report)
        test_command_line_client(engine, report)
        test_host_is_not_blocked(engine, report)
        test_many_at_once(engine, daemon, report)
        test_kept_connections(engine, daemon, report)
        test_daemon_absent(engine, daemon, report)
        test_account_dump(engine, daemon, report)
        test_counters(engine, daemon, report)
        test_counters_are_exact(engine, report)
        test_protocol(engine, daemon, report)
        test_tls_names(engine, daemon, report)
        test_accounts_of_others(engine, daemon, report)
        test_stuck_daemon(engine, daemon, report)
        test_client_that_leaves(engine, daemon, report)
        test_hostile_user_name(engine, report)
        test_memory(engine, report)
        if arguments.bench:
            bench(engine)
        test_shutdown(engine, daemon, report)
        test_without_address(engine, report)
        seconds = engine.stop()
        report.check("mysqld ended well", engine.process.returncode == 0, (engine.process.returncode, seconds))
        test_secrecy(engine, report)
        daemon.stop()
    finally:
        engine.kill()
        if arguments.keep:
            print("kept", home)
        else:
            shutil.rmtree(home, ignore_errors=True)
    print(f"{report.passed} passed, {report.failed} failed")
    return 1 if report.failed else 0


def bench(engine):
    print("bench: logins in a row, one client, PyMySQL and the Python daemon included")
    engine.sql("CREATE USER pw IDENTIFIED WITH caching_sha2_password BY 'secret'")
    for name, user, secret in (("token of 1.5 KB", "jane", token_of("allow", 1500)),
                               ("caching_sha2_password", "pw", "secret")):
        times = []
        for _ in range(500):
            begin = time.perf_counter()
            engine.login(secret, user=user).close()
            times.append(time.perf_counter() - begin)
        times.sort()
        print(f"  {name}: median {times[250] * 1000:.2f} ms, 99 % {times[495] * 1000:.2f} ms")


if __name__ == "__main__":
    sys.exit(main())
