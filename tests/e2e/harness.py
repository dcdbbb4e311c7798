# SPDX-License-Identifier: Apache-2.0
"""A home of Trivet for one test file: real daemon, real members, addresses of its own, gone afterwards."""
import contextlib
import fcntl
import hashlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile

import boto3
import botocore.config
import pymysql

from waiting import TimedOut, wait_until

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BIN = pathlib.Path(os.environ.get("TRIVET_BIN", ROOT / "build/release/bin")).resolve()
PROGRAMS = ("trivetd", "trivet-guard", "trivet", "AWSAuthenticationPlugin.so")
LOGS = ROOT / "build/logs/e2e"
REGION = "us-east-1"
MASTER, MASTER_PASSWORD = "admin", "correct-horse-1"
NETWORKS = range(60, 100)  # the 127.N that homes of tests take
KEPT_LOGS = ("trivetd.log", "config.json", "error.log", "error.log.1", "mysqld.out", "guard.log", "my.cnf",
             "promise.json")


def plain_environment(**more):
    """What a person's shell would have: nothing of ours, no proxy between loopback addresses."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TERM") if name in os.environ}
    return {**kept, "AWS_EC2_METADATA_DISABLED": "true", "AWS_PAGER": "", **more}


# Networks and engines.

def take_network():
    """A number N, so that 127.N is ours until the returned socket is closed, in whichever way we end."""
    for number in NETWORKS:
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        probe = socket.socket()
        try:
            claim.bind(f"\0trivet-e2e-127.{number}")
            probe.bind((f"127.{number}.255.1", 4566))
            return number, claim
        except OSError:
            claim.close()
        finally:
            probe.close()
    raise RuntimeError("no 127.N is free for this test's home")


def everybody_enters(folder):
    return all(part.stat().st_mode & 0o001 for part in [folder, *folder.parents])


def engine_cache():
    if "TRIVET_E2E_CACHE" in os.environ:
        return pathlib.Path(os.environ["TRIVET_E2E_CACHE"])
    # mysqld's user must be able to pass through.
    (ROOT / "build").mkdir(exist_ok=True)
    return ROOT / "build/e2e-engine" if everybody_enters(ROOT / "build") else pathlib.Path("/var/cache/trivet-e2e")


def install_engine():
    """Installs MySQL once for all homes; says where."""
    cache = engine_cache()
    cache.mkdir(parents=True, exist_ok=True)
    cache.chmod(0o711)
    with open(cache / ".e2e-lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not list(cache.glob("engines/mysql-*/manifest.json")):
            subprocess.run([BIN / "trivet", "--home", cache, "engine", "install", "mysql"], check=True, timeout=900,
                           stdout=subprocess.DEVNULL)
    return cache


def give_engine(home):
    """The installed engine as hard links, where the file system allows: a home may add to it and remove it."""
    source, target = install_engine() / "engines", home / "engines"
    linked = subprocess.run(["cp", "-al", source, target], check=False, capture_output=True)
    if linked.returncode:
        shutil.rmtree(target, ignore_errors=True)
        subprocess.run(["cp", "-a", source, target], check=True)


def give_runtime(home, name="python3.13"):
    """A function runtime that is installed once for all homes, and no other."""
    cache = engine_cache()
    cache.mkdir(parents=True, exist_ok=True)
    cache.chmod(0o711)
    with open(cache / ".runtimes-lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run([BIN / "trivet", "--home", cache, "runtime", "install", name], check=True, timeout=900,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    (home / "runtimes").mkdir(mode=0o755, exist_ok=True)
    (home / "runtimes" / name).symlink_to(cache / "runtimes" / name)


# Processes.

def processes_of(folder):
    """{pid: command line} of what names `folder` in its command line, but not ourselves."""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            with open(f"/proc/{entry}/cmdline", "rb") as file:
                words = file.read().decode(errors="replace").split("\0")
            with open(f"/proc/{entry}/stat", encoding="ascii", errors="replace") as file:
                state = file.read().rpartition(")")[2].split()[0]
            if state != "Z" and any(str(folder) + "/" in word for word in words):
                found[int(entry)] = " ".join(words)
    return found


def kill(pid, number=signal.SIGKILL):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_gone(pids, seconds=20):
    wait_until(f"the end of processes {pids}", lambda: not any(is_alive(pid) for pid in pids), seconds)


def end_processes(folder):
    """Everything of `folder`, again and again, since guards and daemons start others."""
    def none_left():
        found = processes_of(folder)
        for pid in found:
            kill(pid)
        return not found
    wait_until(f"the end of all processes of {folder}", none_left, 20)


def group_name(installation_id):
    return "trivet-" + hashlib.sha256(installation_id.encode()).hexdigest()[:12]


def sweep_groups(installation_id):
    """What a daemon that was killed for good left of its cgroups, of every controller."""
    def none_left():
        name, top = group_name(installation_id), pathlib.Path("/sys/fs/cgroup")
        folders = [*top.glob(name), *top.glob(f"*/{name}")]
        for folder in folders:
            with contextlib.suppress(OSError):  # a process in it is not gone yet
                for group in (*filter(pathlib.Path.is_dir, folder.iterdir()), folder):
                    group.rmdir()
        return not folders
    with contextlib.suppress(TimedOut):
        wait_until("an end without cgroups", none_left, 5)


def environment_groups(installation_id):
    """The folders of the cgroups that functions' environments have, of one controller."""
    name = group_name(installation_id)
    for root in ("/sys/fs/cgroup/memory", "/sys/fs/cgroup", "/sys/fs/cgroup/unified"):
        folder = pathlib.Path(root) / name
        if folder.is_dir():
            return [path for path in folder.iterdir() if path.is_dir()]
    return []


def environment_processes(installation_id):
    """{pid: command line} of everything in functions' environments."""
    found = {}
    for group in environment_groups(installation_id):
        members = []
        with contextlib.suppress(OSError):  # it may go in this moment
            members = (group / "cgroup.procs").read_text(encoding="ascii").split()
        for line in members:
            with contextlib.suppress(OSError):
                found[int(line)] = pathlib.Path(f"/proc/{line}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    return found


def sweep_kernel(home):
    """What a daemon that was killed for good left of a home's networks and cgroups in the kernel."""
    with contextlib.suppress(OSError, ValueError):
        installation = json.loads((home / "config.json").read_text(encoding="utf-8"))["id"]
        prefix = "tv" + hashlib.sha256(installation.encode()).hexdigest()[:6]
        for link in os.listdir("/sys/class/net"):
            if link.startswith(prefix + "u"):
                subprocess.run(["ip", "link", "del", link], check=False, capture_output=True)
        for space in os.listdir("/run/netns") if os.path.isdir("/run/netns") else []:
            if space.startswith(prefix + "-"):
                subprocess.run(["ip", "netns", "del", space], check=False, capture_output=True)
        subprocess.run(["nft", "delete", "table", "inet", prefix], check=False, capture_output=True)
        sweep_groups(installation)


def sweep_up():
    """Ends and removes what tests left that were themselves killed: nobody holds their lock."""
    for lock_path in pathlib.Path("/tmp").glob("te-*/.lock"):
        with contextlib.suppress(OSError), open(lock_path, "r+", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            end_processes(lock_path.parent)
            sweep_kernel(lock_path.parent / "h")
            shutil.rmtree(lock_path.parent, ignore_errors=True)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Home:
    """`hosts`: whether endpoints get names in /etc/hosts. Not started before set_up or start."""

    def __init__(self, name, hosts="no", engine=True):
        self.name = name
        self.hosts = hosts
        self.with_engine = engine
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="te-", dir="/tmp"))
        self.folder.chmod(0o711)  # mysqld's user passes through
        self.lock = open(self.folder / ".lock", "w", encoding="utf-8")  # pylint: disable=consider-using-with
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.path = self.folder / "h"
        self.log_path = self.folder / "trivetd.log"
        self.network, self.claim = take_network()
        self.prefix = f"127.{self.network}"
        self.api_address = f"{self.prefix}.255.1:4566"
        self.daemon = None
        self.facts = None  # what init said
        self.environment = {}  # of daemons, beside what a person's shell has
        self.shared = {}  # what tests of one file hand on

    # Life.

    def set_up(self, more=None):
        if self.with_engine:
            install_engine()
        self.init()
        if self.with_engine:
            give_engine(self.path)
        self.start()
        if more:
            more(self)

    def init(self):
        made = subprocess.run([BIN / "trivetd", "--home", self.path, "init", "--json", "--address-prefix", self.prefix,
                               "--api-address", self.api_address, "--region", REGION, "--hosts", self.hosts],
                              check=False, capture_output=True, text=True, timeout=60)
        assert made.returncode == 0, made.stderr
        self.facts = json.loads(made.stdout)

    def spawn(self):
        """A daemon on this home, as a child."""
        with open(self.log_path, "ab") as log:
            return subprocess.Popen([BIN / "trivetd", "--home", self.path, "run", "--log-json", "--log-debug"],
                                    stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                    env=plain_environment(**self.environment))

    def start(self, seconds=60):
        self.daemon = self.spawn()
        daemon = self.daemon

        def answers():
            if daemon.poll() is not None:
                raise RuntimeError(f"trivetd ended with {daemon.returncode}: {self.log_tail()}")
            address, port = self.api_address.split(":")
            with contextlib.suppress(OSError), socket.create_connection((address, int(port)), 1):
                return self.admin("GET", "/status")[0] == 200
            return False
        wait_until("trivetd", answers, seconds)

    def kill_daemon(self):
        kill(self.daemon.pid)
        self.daemon.wait(20)

    def stop_daemon(self):
        """As a service manager would: SIGTERM. The members go on."""
        self.daemon.terminate()
        assert self.daemon.wait(60) == 0, self.log_tail()

    def tear_down(self):
        """Stops the members through the daemon. Nothing may be left running."""
        if self.daemon is not None and self.daemon.poll() is None:
            status, answer = self.admin("POST", "/stop", {"members": True}, seconds=200)
            assert status == 200, answer
            assert self.daemon.wait(60) == 0, self.log_tail()
        wait_until("an end without processes", lambda: not processes_of(self.folder), 10)
        if self.hosts != "no":
            assert self.prefix + "." not in pathlib.Path("/etc/hosts").read_text(encoding="utf-8")

    def destroy(self, keep_logs):
        if keep_logs:
            self.keep_logs()
        if self.daemon is not None and self.daemon.poll() is None:
            with contextlib.suppress(Exception):  # so that it takes its block out of /etc/hosts
                self.admin("POST", "/stop", {"members": True}, seconds=30)
        end_processes(self.folder)
        if self.daemon is not None:
            self.daemon.wait(20)
        sweep_kernel(self.path)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.lock.close()
        self.claim.close()

    def keep_logs(self):
        kept = LOGS / self.name
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir(parents=True)
        for folder, _, names in os.walk(self.folder):
            for name in set(names) & set(KEPT_LOGS):
                path = pathlib.Path(folder, name)
                flat = "-".join(path.relative_to(self.folder).parts)
                with contextlib.suppress(OSError):
                    shutil.copyfile(path, kept / flat)
        with contextlib.suppress(Exception):
            (kept / "status.json").write_text(json.dumps(self.status(), indent=1), encoding="utf-8")
        listed = "\n".join(f"{pid} {line}" for pid, line in processes_of(self.folder).items())
        (kept / "processes").write_text(listed + "\n", encoding="utf-8")

    # What the daemon says.

    def environment_processes(self):
        settings = json.loads((self.path / "config.json").read_text(encoding="utf-8"))
        return environment_processes(settings["id"])

    def log_tail(self, lines=15):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return "\n".join(file.read().splitlines()[-lines:])

    def log_size(self):
        return self.log_path.stat().st_size

    def events(self, name=None, after=0):
        """The log's events of that name from byte `after` on."""
        with open(self.log_path, "rb") as file:
            file.seek(after)
            lines = [line for line in file.read().decode(errors="replace").splitlines() if line.startswith("{")]
        events = []
        for line in lines:
            with contextlib.suppress(json.JSONDecodeError):  # the last one may not be whole yet
                events.append(json.loads(line))
        return [event for event in events if name is None or event["event"] == name]

    def wait_event(self, name, after=0, seconds=60, **fields):
        def there():
            return next((event for event in self.events(name, after)
                         if all(str(event.get(key)) == str(value) for key, value in fields.items())), None)
        return wait_until(f"event {name} {fields or ''}", there, seconds)

    def wait_events(self, name, count, after=0, seconds=10, **fields):
        """At least so many of them: a login's line is written behind the login's back."""
        def there():
            found = [event for event in self.events(name, after)
                     if all(str(event.get(key)) == str(value) for key, value in fields.items())]
            return found if len(found) >= count else None
        return wait_until(f"{count} events {name} {fields or ''}", there, seconds)

    def audit_records(self, **fields):
        """The audit log's; each is written within 20 ms of its login or call."""
        path = self.path / "log/audit.log"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        found = [json.loads(line) for line in lines]
        return [record for record in found if all(record.get(name) == value for name, value in fields.items())]

    def admin(self, method, target, body=None, seconds=30):
        connection = UnixConnection(self.path / "run/trivetd.sock", seconds)
        try:
            connection.request(method, target, json.dumps(body) if body is not None else None)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def status(self):
        return self.admin("GET", "/status")[1]

    def cluster_status(self, identifier="demo"):
        return next((c for c in self.status()["clusters"] if c["identifier"] == identifier), None)

    def members(self, identifier="demo"):
        return {member["identifier"]: member for member in self.cluster_status(identifier)["members"]}

    def writer(self, identifier="demo"):
        return next(m for m in self.members(identifier).values() if m["role"] == "writer")

    def readers(self, identifier="demo"):
        return [m for m in self.members(identifier).values() if m["role"] == "reader"]

    def wait_whole(self, identifier="demo", seconds=120):
        """Until the cluster has a writer and two open readers."""
        def whole():
            seen = self.cluster_status(identifier)
            states = {m["identifier"]: m["status"] for m in seen["members"]} if seen else {}
            assert seen and seen["status"] == "available" and seen["writer"], seen and seen.get("waiting_for")
            assert list(states.values()) == ["available"] * 3, states
            assert all(m["pid"] > 0 for m in seen["members"]), seen
            return seen
        return wait_until(f"a whole cluster {identifier}", whole, seconds)

    # AWS's clients.

    @property
    def endpoint_url(self):
        return f"http://{self.api_address}"

    @property
    def ca(self):
        return self.facts["ca_bundle"]

    @property
    def root_keys(self):
        return self.facts["access_key_id"], self.facts["secret_access_key"], None

    def client(self, service, keys=None, region=REGION):
        key, secret, token = keys or self.root_keys
        config = botocore.config.Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=30,
                                        proxies={})
        return boto3.session.Session(key, secret, token, region).client(service, endpoint_url=self.endpoint_url,
                                                                        config=config)

    def aws(self, *words, keys=None, seconds=120):
        """The AWS CLI: its answer as JSON, or as text where it is none."""
        key, secret, token = keys or self.root_keys
        environment = plain_environment(AWS_ACCESS_KEY_ID=key, AWS_SECRET_ACCESS_KEY=secret, HOME=str(self.folder),
                                        AWS_DEFAULT_REGION=REGION, AWS_DEFAULT_OUTPUT="json",
                                        **({"AWS_SESSION_TOKEN": token} if token else {}))
        done = subprocess.run(["/usr/bin/aws", "--endpoint-url", self.endpoint_url, *words], check=False,
                              capture_output=True, text=True, env=environment, timeout=seconds)
        assert done.returncode == 0, f"aws {' '.join(words)}: {done.returncode}: {done.stderr.strip()}"
        try:
            return json.loads(done.stdout) if done.stdout.strip() else None
        except json.JSONDecodeError:
            return done.stdout.strip()

    # Clusters.

    def ensure_subnet_group(self, name="trivet"):
        """A DB subnet group over the default VPC's subnets."""
        rds = self.client("rds")
        try:
            rds.describe_db_subnet_groups(DBSubnetGroupName=name)
        except rds.exceptions.DBSubnetGroupNotFoundFault:
            subnets = self.client("ec2").describe_subnets()["Subnets"]
            rds.create_db_subnet_group(DBSubnetGroupName=name, DBSubnetGroupDescription="of the tests",
                                       SubnetIds=[subnet["SubnetId"] for subnet in subnets])
        return name

    def cluster_parameters(self, identifier, **more):
        return {"DBClusterIdentifier": identifier, "Engine": "mysql", "DBClusterInstanceClass": "db.t3.micro",
                "AllocatedStorage": 20, "StorageType": "gp3", "MasterUsername": MASTER,
                "MasterUserPassword": MASTER_PASSWORD, "DBSubnetGroupName": "trivet",
                "EnableIAMDatabaseAuthentication": True, **more}

    def create_cluster(self, identifier="demo", **more):
        """As the API describes it once it is available."""
        self.ensure_subnet_group()
        rds = self.client("rds")
        rds.create_db_cluster(**self.cluster_parameters(identifier, **more))
        return self.wait_available(identifier)

    def wait_available(self, identifier="demo", seconds=180):
        rds = self.client("rds")
        rds.get_waiter("db_cluster_available").wait(DBClusterIdentifier=identifier,
                                                    WaiterConfig={"Delay": 1, "MaxAttempts": seconds})
        return rds.describe_db_clusters(DBClusterIdentifier=identifier)["DBClusters"][0]

    def delete_cluster(self, identifier="demo", seconds=120):
        rds = self.client("rds")
        rds.delete_db_cluster(DBClusterIdentifier=identifier, SkipFinalSnapshot=True)
        rds.get_waiter("db_cluster_deleted").wait(DBClusterIdentifier=identifier,
                                                  WaiterConfig={"Delay": 1, "MaxAttempts": seconds})

    def connect(self, host, user=MASTER, password=MASTER_PASSWORD, port=3306, **more):
        """As the journey's function does it: TLS checked against our bundle, clear text for tokens."""
        options = {"ssl": {"ca": self.ca}, "auth_plugin_map": {"mysql_clear_password": None}, "autocommit": True,
                   "connect_timeout": 10, "read_timeout": 30, "write_timeout": 30, **more}
        return pymysql.connect(host=host, user=user, password=password, port=port, **options)

    def sql(self, host, statement, **login):
        with contextlib.closing(self.connect(host, **login)) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()

    def sql_error(self, host, statement, **login):
        """The error's number; None when it did what it was told."""
        try:
            self.sql(host, statement, **login)
            return None
        except pymysql.err.MySQLError as error:
            return error.args[0]

    def admin_sql(self, member, statement):
        """As Trivet itself, over the member's own socket."""
        number = self.sql(member["address"], "SELECT @@server_id")[0][0]
        with contextlib.closing(pymysql.connect(unix_socket=f"{self.path}/run/{number}/mysqld.sock",
                                                user="trivet_admin", connect_timeout=5, read_timeout=10)) as connection:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall()
