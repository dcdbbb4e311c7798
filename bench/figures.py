# SPDX-License-Identifier: Apache-2.0
"""The figures, each a function of a running home that gives rows of the table."""
import contextlib
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import time

import pymysql

import harness
from waiting import wait_until

CLUSTER = "bench"
TABLE_ROWS = 10_000
DB_USER = "app"  # logs in with tokens
PLAIN_USER = "plain"  # logs in with a password
PLAIN_PASSWORD = "plain-horse-battery-1"


class Row:
    """A line of the table. `met`: whether the target is; None where there is none."""

    def __init__(self, name, measured, baseline="", ratio="", target="", met=None):  # pylint: disable=R0913,R0917
        self.name, self.measured, self.baseline = name, measured, baseline
        self.ratio, self.target, self.met = ratio, target, met
        self.load = ""

    def verdict(self):
        return {None: "", True: "met", False: "MISSED"}[self.met]


def percentile(values, share):
    """The smallest value with `share` of all at or below it."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * share // 100) - 1)]


class Bench:
    """The home, its cluster (made when first needed) and what the programs in C++ need of it."""

    def __init__(self, home, quick):
        self.home, self.quick = home, quick
        self.described = None
        self.options = {}  # of the command line
        self.secrets = home.folder / "secrets"
        self.secrets.mkdir(mode=0o700)

    def cluster(self):
        if self.described is None:
            self.described = self.home.create_cluster(CLUSTER)
            self.home.wait_whole(CLUSTER)
            self.accounts()
        return self.described

    def writer(self):
        return self.home.writer(CLUSTER)

    def accounts(self):
        endpoint = self.described["Endpoint"]
        for statement in (
                "CREATE DATABASE bench",
                "CREATE TABLE bench.points (id INT PRIMARY KEY, v CHAR(120) NOT NULL)",
                "CREATE TABLE bench.writes (run INT, writer INT, n INT, PRIMARY KEY (run, writer, n))",
                f"CREATE USER {DB_USER} IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'",
                f"CREATE USER {PLAIN_USER} IDENTIFIED WITH caching_sha2_password BY '{PLAIN_PASSWORD}'",
                f"GRANT ALL PRIVILEGES ON bench.* TO {DB_USER}, {PLAIN_USER}"):
            self.home.sql(endpoint, statement)
        with contextlib.closing(self.home.connect(endpoint)) as connection, connection.cursor() as cursor:
            cursor.executemany("INSERT INTO bench.points VALUES (%s, %s)",
                               [(n, str(n).zfill(120)) for n in range(1, TABLE_ROWS + 1)])
        self.secret("plain", PLAIN_PASSWORD)
        self.role()

    def role(self):
        account = self.home.client("sts").get_caller_identity()["Account"]
        iam = self.home.client("iam")
        trust = {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "sts:AssumeRole"}]}
        policy = {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "rds-db:connect",
             "Resource": f"arn:aws:rds-db:{harness.REGION}:{account}:dbuser:"
                         f"{self.described['DbClusterResourceId']}/{DB_USER}"}]}
        iam.create_role(RoleName="bench", AssumeRolePolicyDocument=json.dumps(trust))
        iam.put_role_policy(RoleName="bench", PolicyName="connect", PolicyDocument=json.dumps(policy))
        iam.create_user(UserName="bench")
        iam.put_user_policy(UserName="bench", PolicyName="assume", PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": f"arn:aws:iam::{account}:role/bench"}]}))
        key = iam.create_access_key(UserName="bench")["AccessKey"]
        keys = key["AccessKeyId"], key["SecretAccessKey"], None
        given = self.home.client("sts", keys).assume_role(
            RoleArn=f"arn:aws:iam::{account}:role/bench", RoleSessionName="bench")["Credentials"]
        self.role_keys = given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]

    def token(self, host):
        return self.home.client("rds", self.role_keys).generate_db_auth_token(
            DBHostname=host, Port=3306, DBUsername=DB_USER, Region=harness.REGION)

    def secret(self, name, text):
        path = self.secrets / name
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def program(self, name, *arguments):
        """A running program of bench/; its answer is JSON."""
        ca = () if "--ca" in arguments else ("--ca", self.home.ca)
        if not (harness.BIN / name).exists():
            raise SystemExit(f"{harness.BIN / name} is not built: `tools/dev bench` builds it")
        words = [str(word) for word in (harness.BIN / name, *ca, *arguments)]
        return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                                text=True, env=harness.plain_environment())

    @staticmethod
    def answer(program, seconds):
        with program:
            try:
                out, errors = program.communicate(timeout=seconds)
            except BaseException:
                program.kill()
                raise
        if program.returncode:
            raise RuntimeError(f"{program.args[0]}: {errors.strip()}")
        return json.loads(out)



def create(bench):
    """CreateDBCluster → available, and what three bare servers take from the same template."""
    home, rds = bench.home, bench.home.client("rds")
    home.ensure_subnet_group()

    def once(identifier):
        begun = time.monotonic()
        rds.create_db_cluster(**home.cluster_parameters(identifier))

        def available():
            return rds.describe_db_clusters(DBClusterIdentifier=identifier)["DBClusters"][0]["Status"] == "available"
        wait_until(f"cluster {identifier}", available, 180, every=0.02)
        return time.monotonic() - begun

    cold = once("cold")
    print(f"    the first one, which makes the template if the engine has none: {cold:.2f} s", flush=True)
    pattern = Member(home, home.writer("cold"))
    rounds, bare = [], []
    home.delete_cluster("cold")
    for number in range(3 if bench.quick else 7):
        bare.append(three_bare_servers(home, pattern))
        rounds.append(once(f"warm-{number}"))
        home.delete_cluster(f"warm-{number}")
        print(f"    {rounds[-1]:.2f} s; three bare servers {bare[-1]:.2f} s", flush=True)
    middle, base = statistics.median(rounds), statistics.median(bare)
    return [Row(f"CreateDBCluster → available, median of {len(rounds)}", f"{middle:.2f} s", f"{base:.2f} s bare",
                f"{middle / base:.2f}", "≤ 5 s", middle <= 5)]


class Member:
    """How a member's mysqld is started, to start bare ones alike."""

    def __init__(self, home, status):
        with open(f"/proc/{status['pid']}/cmdline", encoding="utf-8") as file:
            words = file.read().rstrip("\0").split("\0")
        self.command = [word for word in words if not word.startswith("--defaults-file=")]
        self.my_cnf = pathlib.Path(next(word for word in words if word not in self.command).partition("=")[2])
        self.settings = self.my_cnf.read_text(encoding="utf-8").splitlines()
        self.template = next((home.path / "engines").glob("*/template/data"))
        self.user = os.stat(f"/proc/{status['pid']}").st_uid, os.stat(f"/proc/{status['pid']}").st_gid
        with open(f"/proc/{status['pid']}/environ", encoding="utf-8") as file:
            self.environment = dict(pair.split("=", 1) for pair in file.read().rstrip("\0").split("\0"))

    LEFT_OUT = ("datadir", "tmpdir", "socket", "pid_file", "log_error", "bind_address", "port", "report_", "ssl_",
                "plugin_load_add", "rpl_semi_sync", "require_secure_transport")

    def start_bare(self, folder):
        """The same settings on `folder`/data, without what needs the rest of Trivet."""
        (folder / "tmp").mkdir()
        lines = [line for line in self.settings if not line.startswith(self.LEFT_OUT)]
        lines += [f'datadir="{folder}/data"', f'tmpdir="{folder}/tmp"', f'socket="{folder}/s"',
                  f'pid_file="{folder}/pid"', f'log_error="{folder}/error.log"', "skip_networking=ON"]
        (folder / "my.cnf").write_text("\n".join(lines) + "\n", encoding="utf-8")
        for name in [folder, *folder.rglob("*")]:
            os.chown(name, *self.user)
        return subprocess.Popen([*self.command, f"--defaults-file={folder}/my.cnf"], env=self.environment,
                                user=self.user[0], group=self.user[1], stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def accepts(path):
    """Whether a server greets on that unix socket."""
    try:
        pymysql.connect(unix_socket=str(path), user="nobody", password="", connect_timeout=5).close()
        return True
    except pymysql.err.OperationalError as error:
        return error.args[0] == 1045
    except pymysql.err.MySQLError:
        return False


def three_bare_servers(home, pattern):
    folder = home.folder / "bare"
    shutil.rmtree(folder, ignore_errors=True)
    begun = time.monotonic()
    servers, folders = [], [folder / str(number) for number in range(3)]
    try:
        for one in folders:
            one.mkdir(parents=True)
        copies = [subprocess.Popen(["cp", "-a", pattern.template, one / "data"]) for one in folders]
        for one, copy in zip(folders, copies):
            if copy.wait(60):
                raise RuntimeError("the template was not copied")
            servers.append(pattern.start_bare(one))
        wait_until("three bare servers", lambda: all(accepts(one / "s") for one in folders), 60, every=0.01)
        return time.monotonic() - begun
    finally:
        for server in servers:
            server.kill()
            server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)



def resident(pid):
    """(Rss, Pss) of a process in MB."""
    found = {}
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        for line in file:
            name, _, value = line.partition(":")
            if name in ("Rss", "Pss"):
                found[name] = int(value.split()[0]) / 1024
    return found["Rss"], found["Pss"]


def memory(bench):
    """Three members, idle, after logins and writes."""
    cluster = bench.cluster()
    home = bench.home
    endpoints = [cluster["Endpoint"], cluster["ReaderEndpoint"], *(m["name"] for m in home.members(CLUSTER).values())]
    for number in range(50):
        for host in endpoints:
            home.sql(host, "SELECT COUNT(*) FROM bench.points", user=DB_USER, password=bench.token(host))
        home.sql(cluster["Endpoint"], f"INSERT INTO bench.writes VALUES (0, 0, {number})", user=PLAIN_USER,
                 password=PLAIN_PASSWORD)
    time.sleep(3 if bench.quick else 10)  # what idle means: nobody connected, nothing to apply
    members = home.members(CLUSTER).values()
    of_members = [resident(m["pid"]) for m in members]
    assert len(of_members) == 3, members
    of_guards = [resident(m["guard_pid"]) for m in members]
    daemon = resident(home.daemon.pid)
    for m, (rss, pss), (guard, _) in zip(members, of_members, of_guards):
        print(f"    {m['identifier']} ({m['role']}): {rss:.1f} MB resident, {pss:.1f} MB its share; "
              f"guard {guard:.1f} MB", flush=True)
    print(f"    trivetd: {daemon[0]:.1f} MB resident", flush=True)
    rss, pss = sum(r for r, _ in of_members), sum(p for _, p in of_members)
    guards = sum(r for r, _ in of_guards)
    return [Row("three members, idle, resident (RSS)", f"{rss:.0f} MB", target="≤ 750 MB", met=rss <= 750),
            Row("  their share of memory (PSS)", f"{pss:.0f} MB"),
            Row("  their guards / trivetd (RSS)", f"{guards:.0f} / {daemon[0]:.0f} MB")]



def compare(answer, first, second):
    """Medians of both and of the rounds' ratios."""
    ratios = [a / b for a, b in zip(answer[first]["rates"], answer[second]["rates"])]
    return (statistics.median(answer[first]["rates"]), statistics.median(answer[second]["rates"]),
            statistics.median(ratios))


def print_cpu(answer, watched):
    for name, found in answer.items():
        rates = sorted(found["rates"])
        print(f"    {name}: {rates[0]:.0f} to {rates[-1]:.0f} a second; processor µs each: "
              + ", ".join(f"{who} {us:.0f}" for who, us in zip([*watched, "client"], found["cpu_us"])), flush=True)


def login(bench):
    """Token logins against password logins on the writer, whose instance endpoint mysqld itself has."""
    bench.cluster()
    writer = bench.writer()
    watched = {"mysqld": writer["pid"], "trivetd": bench.home.daemon.pid}
    rows = []
    for threads, begins_clear in ((1, True), (4, True), (8, True), (16, True), (8, False)):
        token = bench.secret("token", bench.token(writer["address"]))  # good for 15 minutes
        answer = bench.answer(bench.program(
            "login_bench", "--address", writer["address"], "--threads", threads,
            "--token-user", DB_USER, "--token-secret-file", token,
            "--password-user", PLAIN_USER, "--password-secret-file", bench.secrets / "plain",
            # A turn's ratio is good to 4 %: so many make the median good to half a percent.
            "--rounds", 8 if bench.quick else 160, "--slice-ms", 250,
            "--begin-clear", int(begins_clear), "--watch", ",".join(map(str, watched.values()))), 300)
        print_cpu(answer, watched)
        fast, base, ratio = compare(answer, "token", "password")
        is_target = begins_clear  # like the password's client: with its account's method
        rows.append(Row(f"token logins, {threads} at once" + (", asked for" if not begins_clear else ""),
                        f"{fast:.0f}/s", f"{base:.0f}/s password", f"{ratio:.3f}",
                        "≥ 0.95" if is_target else "", ratio >= 0.95 if is_target else None))
    return rows


def router(bench):
    """Point selects through the writer endpoint against the writer's own endpoint."""
    cluster = bench.cluster()
    writer = bench.writer()
    watched = {"mysqld": writer["pid"], "trivetd": bench.home.daemon.pid}
    rows = []
    for threads in (1, 16):
        answer = bench.answer(bench.program(
            "select_bench", "--endpoint", cluster["Endpoint"], "--direct", writer["address"], "--threads", threads,
            "--select-user", PLAIN_USER, "--select-secret-file", bench.secrets / "plain", "--rows", TABLE_ROWS,
            "--rounds", 4 if bench.quick else 20, "--slice-ms", 500 if bench.quick else 1000,
            "--watch", ",".join(map(str, watched.values()))), 300)
        print_cpu(answer, watched)
        through, base, ratio = compare(answer, "endpoint", "direct")
        is_target = threads == 16
        rows.append(Row(f"point selects, writer endpoint, {threads} connection{'s' * (threads > 1)}",
                        f"{through:.0f}/s", f"{base:.0f}/s direct", f"{ratio:.3f}",
                        "≥ 0.9" if is_target else "", ratio >= 0.9 if is_target else None))
    return rows


ALL = {"create": create, "memory": memory, "login": login, "router": router}
