# SPDX-License-Identifier: Apache-2.0
"""The daemon and its home in bad company: taken ports, missing engines, other versions, kills at bad moments."""
import concurrent.futures
import contextlib
import json
import os
import pathlib
import socket
import subprocess
import time

import botocore.exceptions

from harness import BIN, Home, is_alive, kill, processes_of
from suite import Suite
from waiting import wait_until

suite = Suite(__file__)
PAUSES = (0.0, 0.1, 0.3, 0.6, 1.0, 1.5)  # after which the daemon is killed; a creation takes about two seconds


@suite.setup
def subnet_group(home):
    home.ensure_subnet_group()


def ended(home, seconds=30):
    """A daemon that is to fail at once: its status and what it logged."""
    before = home.log_size() if home.log_path.exists() else 0
    child = home.spawn()
    try:
        status = child.wait(seconds)
    finally:
        kill(child.pid)
        child.wait()
    return status, home.log_path.read_bytes()[before:].decode()


def mysqlds(home):
    return [pid for pid, line in processes_of(home.folder).items() if "/mysqld " in line and "trivet-guard" not in line]


def only_the_daemon_is_left(home):
    wait_until("no process but the daemon", lambda: set(processes_of(home.folder)) <= {home.daemon.pid}, 20)
    clusters = home.path / "clusters"
    assert not clusters.is_dir() or not any(clusters.iterdir()), list(clusters.iterdir())


def unknown(home, identifier):
    rds = home.client("rds")
    try:
        return not rds.describe_db_clusters(DBClusterIdentifier=identifier)
    except rds.exceptions.DBClusterNotFoundFault:
        return True


@contextlib.contextmanager
def another_home(name, **options):
    home = Home(name, **options)
    try:
        yield home
    finally:
        home.destroy(keep_logs=False)


@suite.test
def a_second_daemon_on_the_same_home(home):
    status, said = ended(home)
    assert status == 1 and "another trivetd runs on this home" in said, (status, said)
    assert home.client("sts").get_caller_identity()["Account"] == home.facts["account_id"]


@suite.test
def a_home_cannot_be_made_twice(home):
    config = (home.path / "config.json").read_bytes()
    try:
        home.init()
        raise RuntimeError("a home was made over another")
    except AssertionError as error:
        assert "initialised already" in str(error), error
    assert (home.path / "config.json").read_bytes() == config


@suite.test
def a_home_of_a_newer_version(_):
    with another_home("newer", engine=False) as home:
        home.init()
        config = home.path / "config.json"
        text = json.loads(config.read_text(encoding="utf-8"))
        config.write_text(json.dumps({**text, "v": text["v"] + 1}), encoding="utf-8")
        before = {path: path.read_bytes() for path in home.path.rglob("*") if path.is_file()}
        status, said = ended(home)
        assert status == 1 and "newer" in said.lower(), (status, said)
        assert {path: path.read_bytes() for path in before} == before, "the home was changed"


@suite.test
def no_home_at_all(_):
    with another_home("none", engine=False) as home:
        status, said = ended(home)
        assert status == 1 and "trivet init" in said, (status, said)


@suite.test
def the_apis_port_is_taken(_):
    with another_home("taken", engine=False) as home, contextlib.closing(socket.socket()) as taken:
        home.init()
        address, port = home.api_address.split(":")
        taken.bind((address, int(port)))
        taken.listen()
        status, said = ended(home)
        assert status == 1 and home.api_address in said, (status, said)


@suite.test
def the_engine_is_missing(_):
    with another_home("empty", engine=False) as home:
        home.set_up()
        home.ensure_subnet_group()
        try:
            home.client("rds").create_db_cluster(**home.cluster_parameters("demo"))
            raise RuntimeError("created without an engine")
        except botocore.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] == "InsufficientDBInstanceCapacity", error
            assert "trivet engine install mysql" in str(error), error
        assert home.client("rds").describe_db_clusters()["DBClusters"] == []


@suite.test
def addresses_that_are_taken_are_left_alone(home):
    with contextlib.closing(socket.socket()) as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((f"{home.prefix}.0.4", 3306))
        taken.listen()
        cluster = home.create_cluster("spare")
        addresses = {cluster["Endpoint"], cluster["ReaderEndpoint"],
                     *(member["address"] for member in home.members("spare").values())}
        assert f"{home.prefix}.0.4" not in addresses and len(addresses) == 5, addresses
        assert home.sql(cluster["Endpoint"], "SELECT 1") == ((1,),)
    home.delete_cluster("spare")
    only_the_daemon_is_left(home)


@suite.test
def another_port_than_3306(home):
    cluster = home.create_cluster("port", Port=13306)
    assert cluster["Port"] == 13306, cluster
    assert home.sql(cluster["Endpoint"], "SELECT @@port", port=13306) == ((13306,),)
    home.delete_cluster("port")


@contextlib.contextmanager
def small_disk(folder, size):
    """A file system of that size in place of `folder`."""
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0711", "trivet-e2e", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@suite.test
def a_full_disk_fails_a_creation_which_is_seen_until_it_is_deleted(home):
    errors = []
    for size in ("1m", "60m"):  # before any member runs, and while another one starts
        with small_disk(home.path / "clusters", size):
            before = home.log_size()
            home.client("rds").create_db_cluster(**home.cluster_parameters("full"))
            waiter = home.client("rds").get_waiter("db_cluster_available")
            try:
                waiter.wait(DBClusterIdentifier="full", WaiterConfig={"Delay": 1, "MaxAttempts": 120})
                raise AssertionError("it was created")
            except botocore.exceptions.WaiterError as error:  # of AWS's own client
                assert error.last_response["DBClusters"][0]["Status"] == "failed", error.last_response
            errors.append(home.wait_event("cluster.creation_failed", before)["error"])
            assert home.cluster_status("full")["trouble"] == errors[-1], home.cluster_status("full")
            only_the_daemon_is_left(home)
            home.delete_cluster("full")
            assert unknown(home, "full")
    home.create_cluster("full")
    home.delete_cluster("full")
    assert "No space left" in errors[0], errors
    return "; ".join(errors)


@suite.test
def a_member_that_dies_while_it_is_created(home):
    before = home.log_size()
    home.client("rds").create_db_cluster(**home.cluster_parameters("frail"))

    kill(wait_until("a mysqld", lambda: mysqlds(home), 20, every=0.01)[0])

    def settled():  # given up, or mended: never in between for ever
        return home.cluster_status("frail")["status"] in ("failed", "available")
    wait_until("an end of the creation", settled, 120)
    if home.cluster_status("frail")["status"] == "failed":
        assert home.events("cluster.creation_failed", before)
        only_the_daemon_is_left(home)
        home.delete_cluster("frail")
        home.create_cluster("frail")
    home.wait_whole("frail")
    home.delete_cluster("frail")


@suite.test
def killed_in_the_middle_of_creations(home):
    took = []
    for pause in PAUSES:
        home.client("rds").create_db_cluster(**home.cluster_parameters("cut"))
        begun = time.monotonic()
        wait_until("the bad moment", lambda: time.monotonic() - begun >= pause, 5, every=0.01)
        home.kill_daemon()
        begun = time.monotonic()
        home.start()
        cluster = home.wait_available("cut")
        took.append(f"{time.monotonic() - begun:.1f}")
        assert home.sql(cluster["Endpoint"], "SELECT 1") == ((1,),)
        home.wait_whole("cut")
        assert len(mysqlds(home)) == 3, processes_of(home.folder)
        home.delete_cluster("cut")
        only_the_daemon_is_left(home)
    return f"available {', '.join(took)} s after the restart"


@suite.test
def a_folder_that_was_left_shut_is_opened(home):
    """As a daemon leaves it that is killed between making it and setting its mode."""
    home.create_cluster("shut")
    home.wait_whole("shut")
    folder = pathlib.Path(home.path) / "clusters" / home.cluster_status("shut")["resource_id"]
    folder.chmod(0o700)
    reader = next(m for m in home.members("shut").values() if m["role"] == "reader")
    kill(reader["pid"])
    wait_until("the reader to be seen dead", lambda: not is_alive(reader["pid"]), 20, every=0.01)
    wait_until("another process of the reader",
               lambda: home.members("shut")[reader["identifier"]]["pid"] not in (None, 0, reader["pid"]), 60)
    home.wait_whole("shut")
    assert folder.stat().st_mode & 0o777 == 0o711
    home.delete_cluster("shut")


@suite.test
def killed_in_the_middle_of_deletions(home):
    for pause in (0.0, 0.05, 0.2):
        home.create_cluster("gone")
        home.client("rds").delete_db_cluster(DBClusterIdentifier="gone", SkipFinalSnapshot=True)
        begun = time.monotonic()
        wait_until("the bad moment", lambda: time.monotonic() - begun >= pause, 5, every=0.01)
        home.kill_daemon()
        home.start()
        wait_until("the cluster to be gone", lambda: unknown(home, "gone"), 60)
        only_the_daemon_is_left(home)


@suite.test
def two_clusters_of_one_name_at_once(home):
    """Of callers that race for a name one wins; the others are told."""
    def attempt(_):
        try:
            home.client("rds").create_db_cluster(**home.cluster_parameters("race"))
            return "created"
        except botocore.exceptions.ClientError as error:
            return error.response["Error"]["Code"]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        outcomes = sorted(pool.map(attempt, range(4)))
    assert outcomes == ["DBClusterAlreadyExistsFault"] * 3 + ["created"], outcomes
    home.wait_available("race")
    home.delete_cluster("race")


@suite.test
def the_cli_shows_what_runs(home):
    """trivet status and trivet env, as a person and a script use them."""
    home.create_cluster("shown")
    home.wait_whole("shown")

    def trivet(*words):
        done = subprocess.run([BIN / "trivet", "--home", home.path, *words], check=False, capture_output=True,
                              text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout
    status = json.loads(trivet("status", "--json"))
    cluster = status["clusters"][0]
    assert set(cluster) >= {"identifier", "resource_id", "status", "term", "writer", "endpoint", "reader_endpoint",
                            "members"}, cluster
    for member in cluster["members"]:
        assert set(member) >= {"identifier", "availability_zone", "role", "status", "address", "port", "pid",
                               "guard_pid", "apply_lag_ms"}, member
    assert "shown" in trivet("status") and cluster["writer"] in trivet("status")
    exported = subprocess.run(["bash", "-c", trivet("env") + "\nenv -0"], check=True, capture_output=True, text=True,
                              env={"PATH": os.environ["PATH"]}).stdout
    variables = dict(line.split("=", 1) for line in exported.split("\0") if "=" in line)
    assert variables["AWS_ENDPOINT_URL"] == home.endpoint_url, variables
    keys = variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"], variables["AWS_SESSION_TOKEN"]
    assert home.client("rds", keys).describe_db_clusters()["DBClusters"][0]["DBClusterIdentifier"] == "shown"
    assert pathlib.Path(variables["TRIVET_CA_BUNDLE"]).read_text(encoding="utf-8").startswith("-----BEGIN CERT")
    home.delete_cluster("shown")


@suite.test
def the_home_keeps_its_secrets(home):
    """Nobody but root reads keys, state and sockets; the log has no password and no secret key."""
    for path in (home.path / "sealing.key", home.path / "state/trivet.db", home.path / "tls/ca-key.sealed"):
        assert path.stat().st_mode & 0o077 == 0 or path.parent.stat().st_mode & 0o077 == 0, path
    secret = home.facts["secret_access_key"]
    log = home.log_path.read_text(encoding="utf-8")
    assert secret not in log and "correct-horse-1" not in log, "a secret is in the log"
    for path in (home.path / "state").iterdir():
        assert secret.encode() not in path.read_bytes(), f"a secret is in clear in {path}"


if __name__ == "__main__":
    suite.main()
