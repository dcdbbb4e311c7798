# SPDX-License-Identifier: Apache-2.0
"""Secrets at rest and in memory: what a stolen disk, a core dump or a look into freed memory would give away, and
the replacement of the key that everything is sealed under, killed at each of its steps."""
import base64
import contextlib
import json
import mmap
import os
import pathlib
import resource
import signal
import sqlite3
import subprocess

import botocore.exceptions
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from harness import BIN, MASTER_PASSWORD, REGION, processes_of
from suite import Skip, Suite
from waiting import wait_until

suite = Suite(__file__)
ALLOW_ALL = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
STEPS = ("key-next", "key-identities", "key-clusters", "key-functions", "key-authority", "key-file", "key-end")


# What is known.

def store_values(home):
    """{key: value} of everything in the store."""
    with contextlib.closing(sqlite3.connect(f"file:{home.path}/state/trivet.db?mode=ro", uri=True)) as store:
        return {key.decode(): value for key, value in store.execute("SELECT CAST(key AS BLOB), CAST(value AS BLOB) "
                                                                    "FROM entries")}


def unseal(home, context, sealed):
    """A second implementation of the sealed form: key id, nonce, text and tag of AES-256-GCM."""
    key = (home.path / "sealing.key").read_bytes()
    return AESGCM(key).decrypt(sealed[4:16], sealed[16:], context.encode())


def key_ids(home):
    """The ids of the keys that what is stored says it is sealed under."""
    sealed = [(home.path / "tls/ca-key.sealed").read_bytes()]
    for key, value in store_values(home).items():
        if key.startswith("iam/access-keys/"):
            sealed.append(base64.b64decode(json.loads(value)["sealed_secret"]))
        if key.startswith("cluster-secrets/"):
            sealed.append(base64.b64decode(value))
    return {text[:4] for text in sealed}


def cluster_secrets(home):
    key, value = next((k, v) for k, v in store_values(home).items() if k.startswith("cluster-secrets/"))
    return json.loads(unseal(home, key, base64.b64decode(value)))


def forms_of(secret):
    """The secret's bytes in clear, hex and base64 at each of its three alignments."""
    forms = {secret, secret.hex().encode(), secret.hex().upper().encode()}
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + secret)
        whole = text[(shift * 8 + 5) // 6:]  # the first character mixes in what stands before
        forms.add(whole[:len(whole) // 4 * 4 - 4] if len(whole) > 8 else whole)
    return {form for form in forms if len(form) >= 8}


def places_of(home, secrets):
    """(file, name) of each secret that is in a file of the home, but the engine's own files."""
    forms = [(name, form) for name, secret in secrets.items() for form in forms_of(secret)]
    found, read = [], 0
    for folder, _, names in os.walk(home.path):
        for name in names:
            path = pathlib.Path(folder, name)
            if not path.is_file() or path.is_symlink() or "engines" in path.relative_to(home.path).parts[:1]:
                continue
            with contextlib.suppress(FileNotFoundError), open(path, "rb") as file:
                size = os.fstat(file.fileno()).st_size
                read += size
                if not size:
                    continue
                with mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as text:
                    found += [(str(path.relative_to(home.path)), which) for which, form in forms
                              if text.find(form) >= 0]
    return sorted(set(found)), read


def in_memory(pid, needle):
    """How often the process's writable memory holds the needle. Root may look, whatever the process allows."""
    count = 0
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            span, flags = line.split()[:2]
            if flags.startswith("rw"):
                begin, end = (int(x, 16) for x in span.split("-"))
                with contextlib.suppress(OSError, OverflowError):
                    memory.seek(begin)
                    count += memory.read(end - begin).count(needle)
    return count


def works(home, keys):
    try:
        home.client("sts", keys).get_caller_identity()
        return True
    except botocore.exceptions.ClientError:
        return False


@suite.setup
def a_whole_journey(home):
    """Every kind of secret is made and used."""
    home.environment["TRIVET_FAILPOINTS"] = str(home.folder / "failpoint")
    home.stop_daemon()
    home.start()
    iam = home.client("iam")
    iam.create_user(UserName="jane")
    iam.put_user_policy(UserName="jane", PolicyName="all", PolicyDocument=ALLOW_ALL)
    key = iam.create_access_key(UserName="jane")["AccessKey"]
    home.shared["jane"] = key["AccessKeyId"], key["SecretAccessKey"], None
    iam.create_role(RoleName="app", AssumeRolePolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {
            "AWS": f"arn:aws:iam::{home.facts['account_id']}:user/jane"}}]}))
    iam.put_role_policy(RoleName="app", PolicyName="all", PolicyDocument=ALLOW_ALL)
    home.shared["session"] = take_role(home)
    home.shared["cluster"] = home.create_cluster()
    home.wait_whole()
    home.shared["host"] = home.shared["cluster"]["Endpoint"]
    home.sql(home.shared["host"], "CREATE USER jane IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'")
    home.shared["token"] = token_login(home, home.shared["session"])


def take_role(home):
    made = home.client("sts", home.shared["jane"]).assume_role(
        RoleArn=f"arn:aws:iam::{home.facts['account_id']}:role/app", RoleSessionName="test")["Credentials"]
    return made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"]


def token_login(home, keys):
    """Logs in with a token of these keys; the token."""
    host = home.shared["host"]
    token = home.client("rds", keys).generate_db_auth_token(home.shared["cluster"]["Endpoint"], 3306, "jane", REGION)
    assert home.sql(host, "SELECT 1", user="jane", password=token) == ((1,),)
    return token


@suite.test
def no_byte_of_the_home_gives_a_secret_away(home):
    made = cluster_secrets(home)
    authority = unseal(home, "/tls/ca-key.sealed", (home.path / "tls/ca-key.sealed").read_bytes())
    assert b"PRIVATE KEY" in authority, "the sealed form is not what this test takes it for"
    lines = [line for line in authority.splitlines() if len(line) == 64 and b"-" not in line]
    secrets = {"root's secret access key": home.root_keys[1], "jane's secret access key": home.shared["jane"][1],
               "the session's secret access key": home.shared["session"][1],
               "the session token": home.shared["session"][2][-40:],
               "the signature of a login token": home.shared["token"].rsplit("=", 1)[1],
               "the master password": MASTER_PASSWORD, "the probe's password": made["probe"],
               "the password for clones": made["clone"],
               **{f"the replication password of {member}": text for member, text in made["replication"].items()}}
    secrets = {name: text.encode() for name, text in secrets.items()}
    secrets["the authority's key"] = lines[0]
    secrets["the authority's key, its bytes"] = base64.b64decode(b"".join(
        line for line in authority.splitlines() if b"-" not in line))[36:64]
    assert len(made["replication"]) == 3 and all(len(text) >= 12 for text in secrets.values()), made.keys()
    found, read = places_of(home, secrets)
    assert not found, found
    control, _ = places_of(home, {"an access key's id": home.shared["jane"][0].encode(),
                                  "an account": b"AWSAuthenticationPlugin"})
    assert {which for _, which in control} == {"an access key's id", "an account"}, control
    modes = {path.name: path.stat().st_mode & 0o777 for path in
             (home.path / "sealing.key", home.path / "state/trivet.db", home.path / "tls/ca-key.sealed")}
    assert all(mode == 0o600 for name, mode in modes.items() if name != "trivet.db"), modes
    return f"{read >> 20} MiB read, {len(secrets)} secrets in 6 forms each"


@suite.test
def what_is_not_needed_is_not_in_memory(home):
    pid = home.daemon.pid
    assert in_memory(pid, home.shared["jane"][0].encode()) > 0, "control: an access key's id is there"
    kept = in_memory(pid, home.shared["jane"][1].encode())
    assert 1 <= kept <= 2, f"{kept} copies of a secret access key"
    left = in_memory(pid, MASTER_PASSWORD.encode())
    assert left == 0, f"{left} copies of the master password, which is of no use any more"
    iam = home.client("iam")
    gone = iam.create_access_key(UserName="jane")["AccessKey"]
    secret = gone["SecretAccessKey"].encode()
    assert works(home, (gone["AccessKeyId"], gone["SecretAccessKey"], None))
    assert in_memory(pid, secret) >= 1
    iam.delete_access_key(UserName="jane", AccessKeyId=gone["AccessKeyId"])
    for _ in range(20):  # so that no later answer stands in the same place by chance alone
        iam.list_users()
    wait_until("no copy of a deleted key's secret", lambda: in_memory(pid, secret) == 0, 5)
    # Signing keys are remembered with their secrets until the identities change and the next login comes.
    session = home.shared["session"][1].encode()
    assert in_memory(pid, session) <= 1
    token_login(home, home.shared["jane"])
    wait_until("no copy of a session's secret", lambda: in_memory(pid, session) == 0, 5)
    return f"{kept} copies of a key in use, none of others"


@suite.test
def the_daemon_leaves_no_core_dump_and_members_are_as_without_it(home):
    def limit(pid):
        with open(f"/proc/{pid}/limits", encoding="ascii") as limits:
            return next(line.split()[4] for line in limits if line.startswith("Max core file size"))

    running = processes_of(home.folder)
    guard = next(pid for pid, line in running.items() if "trivet-guard" in line)
    mysqld = next(pid for pid, line in running.items() if "/mysqld " in line and "trivet-guard" not in line)
    assert limit(home.daemon.pid) == "0", limit(home.daemon.pid)
    assert limit(guard) == limit(mysqld) == limit(os.getpid()), (limit(guard), limit(mysqld), limit(os.getpid()))

    def unlimited():
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        os.chdir(home.folder)

    home.stop_daemon()
    # The same limits as a process that does leave one, as far as this machine lets any.
    for dumps, command in ((True, ["/bin/sleep", "60"]),
                           (False, [BIN / "trivetd", "--home", home.path, "run"])):
        with open(home.log_path, "ab") as log:
            child = subprocess.Popen(command, preexec_fn=unlimited, stdout=log, stderr=log)
        if not dumps:
            def answers(child=child):
                assert child.poll() is None, home.log_tail()
                with contextlib.suppress(OSError):
                    return home.admin("GET", "/status")[0] == 200
                return False
            wait_until("trivetd", answers, 30)
        os.kill(child.pid, signal.SIGSEGV)
        _, status = os.waitpid(child.pid, 0)
        child.returncode = -1
        if dumps and not os.WCOREDUMP(status):
            home.start()
            raise Skip("this machine lets no process leave a core dump")
        assert os.WIFSIGNALED(status) and os.WCOREDUMP(status) == dumps, (command, status)
    home.start()


def rotate(home, check=True):
    return subprocess.run([BIN / "trivet", "--home", home.path, "rotate-key"], check=check, capture_output=True,
                          text=True, timeout=60)


@suite.test
def the_key_is_replaced_while_the_daemon_runs(home):
    old = (home.path / "sealing.key").read_bytes()
    before = key_ids(home)
    session = take_role(home)
    assert works(home, session)
    said = rotate(home).stdout
    assert "new key" in said, said
    assert (home.path / "sealing.key").read_bytes() != old
    assert len(before) == 1 and len(key_ids(home)) == 1 and not before & key_ids(home), (before, key_ids(home))
    assert not places_of(home, {"the old key": old})[0]
    assert not (home.path / "sealing.key.next").exists()
    assert works(home, home.shared["jane"]) and works(home, home.root_keys)
    assert not works(home, session), "whoever had the old key could have made this session"
    token_login(home, take_role(home))
    wait_until("no copy of the old key", lambda: in_memory(home.daemon.pid, old) == 0, 5)
    home.kill_daemon()
    home.start()
    assert works(home, home.shared["jane"])
    home.wait_whole()
    token_login(home, home.shared["jane"])


@suite.test
def the_key_is_replaced_without_a_daemon(home):
    home.stop_daemon()
    before = key_ids(home)
    rotate(home)
    assert len(key_ids(home)) == 1 and not before & key_ids(home)
    home.start()
    refused = subprocess.run([BIN / "trivetd", "--home", home.path, "rotate-key"], check=False, capture_output=True,
                             text=True, timeout=60)
    assert refused.returncode == 1 and "another trivetd" in refused.stderr, refused
    assert works(home, home.shared["jane"])
    token_login(home, home.shared["jane"])


@suite.test
def a_kill_at_any_step_leaves_nothing_half_sealed(home):
    armed = pathlib.Path(home.environment["TRIVET_FAILPOINTS"])
    for step in STEPS:
        for side in ("before", "after"):
            old = (home.path / "sealing.key").read_bytes()
            before = key_ids(home)
            armed.write_text(f"{step} {side} 1 kill\n", encoding="ascii")
            failed = rotate(home, check=False)
            assert failed.returncode != 0 and home.daemon.wait(20) == -signal.SIGKILL, (step, side, failed)
            assert not armed.exists(), (step, side)
            home.start()
            began = (step, side) != ("key-next", "before")
            key = (home.path / "sealing.key").read_bytes()
            assert (key != old) == began, (step, side)
            assert len(key_ids(home)) == 1 and (key_ids(home) != before) == began, (step, side)
            assert not (home.path / "sealing.key.next").exists(), (step, side)
            assert works(home, home.shared["jane"]) and works(home, home.root_keys), (step, side)
    home.wait_whole()
    token_login(home, home.shared["jane"])
    home.sql(home.shared["host"], "SELECT 1")


@suite.test
def a_cut_off_replacement_is_ended_by_the_next_one_without_a_daemon(home):
    pathlib.Path(home.environment["TRIVET_FAILPOINTS"]).write_text("key-clusters before 1 kill\n", encoding="ascii")
    rotate(home, check=False)
    home.daemon.wait(20)
    assert len(key_ids(home)) == 2, "some is under the old key, some under the new one"
    rotate(home)
    assert len(key_ids(home)) == 1 and not (home.path / "sealing.key.next").exists()
    home.start()
    assert works(home, home.shared["jane"])


@suite.test
def roots_key_is_rotated_and_deactivated(home):
    old, iam = home.root_keys, home.client("iam")
    made = iam.create_access_key()["AccessKey"]
    assert "UserName" not in made or not made["UserName"], made
    new = made["AccessKeyId"], made["SecretAccessKey"], None
    ids = {key["AccessKeyId"]: key["Status"] for key in iam.list_access_keys()["AccessKeyMetadata"]}
    assert ids == {old[0]: "Active", new[0]: "Active"}, ids
    try:
        iam.create_access_key()
        raise RuntimeError("a third key")
    except iam.exceptions.LimitExceededException:
        pass
    home.client("iam", new).update_access_key(AccessKeyId=old[0], Status="Inactive")
    assert not works(home, old) and works(home, new)
    home.client("iam", new).update_access_key(AccessKeyId=old[0], Status="Active")
    assert works(home, old)
    home.client("iam", new).delete_access_key(AccessKeyId=old[0])
    assert not works(home, old) and works(home, new)
    home.facts["access_key_id"], home.facts["secret_access_key"] = new[:2]
    home.client("rds").describe_db_clusters()
    # Root without any key: who may enter the machine still can, and gives root a key again.
    home.client("iam", new).update_access_key(AccessKeyId=new[0], Status="Inactive")
    assert not works(home, new)
    local = json.loads(subprocess.run([BIN / "trivet", "--home", home.path, "env", "--format", "json"], check=True,
                                      capture_output=True, text=True, timeout=30).stdout)
    keys = tuple(local[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"))
    home.client("iam", keys).update_access_key(AccessKeyId=new[0], Status="Active")
    assert works(home, new)
    home.kill_daemon()
    home.start()
    assert works(home, new) and not works(home, old)


if __name__ == "__main__":
    suite.main()
