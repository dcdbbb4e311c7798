# SPDX-License-Identifier: Apache-2.0
"""Every client that people use logs in with a token over verified TLS, with long-lived and with temporary keys, and
without TLS the token never leaves it. Tokens come from AWS's own tools."""
import contextlib
import json
import socket
import subprocess
import sys
import threading

from harness import REGION, plain_environment
from javascript import CLIENTS as CLIENTS_FOLDER, node_modules, program, sdk_call
from suite import Suite

QUESTION = "SELECT CONCAT(CURRENT_USER(), ' ', @@external_user)"
suite = Suite(__file__, hosts="yes")  # so that clients check names, as everywhere


# The clients. Each: a login as a dictionary {host, port, user, password, ca}; `ca` None is without TLS. Returns who it
# is, or raises Refused.

class Refused(Exception):
    """The client said so."""


def run(words, environment=None, job=None):
    done = subprocess.run(words, input=job, capture_output=True, text=True, check=False, timeout=60,
                          env=plain_environment(**(environment or {})))
    if done.returncode:
        raise Refused(done.stderr.strip() or done.stdout.strip())
    return done.stdout.strip()


def answer(text):
    said = json.loads(text)
    if "error" in said:
        raise Refused(said["error"])
    return said["who"]


def command_line(words, tls, no_tls, login):
    return run([*words, *([*tls, f"--ssl-ca={login['ca']}"] if login["ca"] else no_tls), "-N", "-s",
                f"--host={login['host']}", f"--port={login['port']}", f"--user={login['user']}", "-e", QUESTION],
               {"MYSQL_PWD": login["password"]})


def mysql(home, login):
    """The engine's own, through the engine's own loader."""
    usr = next((home.path / "engines").glob("mysql-*/root")) / "usr"
    libraries = usr / "lib/x86_64-linux-gnu"
    words = [libraries / "ld-linux-x86-64.so.2", "--library-path", f"{libraries}:{usr}/lib/mysql/private",
             usr / "bin/mysql", "--no-defaults", "--enable-cleartext-plugin",
             f"--character-sets-dir={usr}/share/mysql/charsets"]
    return command_line(words, ["--ssl-mode=VERIFY_IDENTITY"], ["--ssl-mode=DISABLED"], login)


def mariadb(_home, login):
    return command_line([program("mariadb"), "--no-defaults"], ["--ssl", "--ssl-verify-server-cert"], ["--skip-ssl"],
                        login)


def python(module):
    """In a process of its own, as MySQLdb brings a library of C."""
    code = ("import json,sys\njob=json.load(sys.stdin)\nimport MODULE as m\n"
            "more={'ssl':{'ca':job['ca']}} if job['ca'] else MODE\n"
            "try:\n c=m.connect(host=job['host'],port=job['port'],user=job['user'],passwd=job['password'],"
            "connect_timeout=10,**more)\n q=c.cursor()\n q.execute(job['question'])\n"
            " print(json.dumps({'who':q.fetchone()[0]}))\n"
            "except m.Error as e:\n print(json.dumps({'error':str(e)}))\n")
    off = {"pymysql": "{'ssl_disabled':True}", "MySQLdb": "{}"}[module]
    code = code.replace("MODULE", module).replace("MODE", off)

    def client(_home, login):
        return answer(run([sys.executable, "-c", code], job=json.dumps({**login, "question": QUESTION})))
    return client


def node(client):
    def by_node(_home, login):
        job = {**{name: value for name, value in login.items() if value}, "client": client}
        return answer(run([program("node"), CLIENTS_FOLDER / "client.mjs", node_modules()], job=json.dumps(job)))
    return by_node


def php(_home, login):
    return answer(run([program("php"), CLIENTS_FOLDER / "client.php"],
                      job=json.dumps({name: value for name, value in login.items() if value})))


CLIENTS = {"mysql": mysql, "mariadb": mariadb, "PyMySQL": python("pymysql"), "MySQLdb": python("MySQLdb"),
           "mysql2": node("mysql2"), "mariadb_of_npm": node("mariadb"), "php_mysqlnd": php}


# The cluster, its user, and two kinds of keys.

@suite.setup
def a_cluster(home):
    cluster = home.create_cluster()
    home.shared["host"] = cluster["Endpoint"]
    home.sql(cluster["Endpoint"], "CREATE USER jane IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'")
    iam, account = home.client("iam"), home.facts["account_id"]
    connect = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "rds-db:connect",
         "Resource": f"arn:aws:rds-db:{REGION}:{account}:dbuser:{cluster['DbClusterResourceId']}/jane"}]})
    iam.create_user(UserName="jane")
    iam.put_user_policy(UserName="jane", PolicyName="connect", PolicyDocument=connect)
    key = iam.create_access_key(UserName="jane")["AccessKey"]
    home.shared["static"] = key["AccessKeyId"], key["SecretAccessKey"], None
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:user/jane"}, "Action": "sts:AssumeRole"}]}
    iam.create_role(RoleName="app", AssumeRolePolicyDocument=json.dumps(trust))
    iam.put_role_policy(RoleName="app", PolicyName="connect", PolicyDocument=connect)
    taken = home.client("sts", home.shared["static"]).assume_role(
        RoleArn=f"arn:aws:iam::{account}:role/app", RoleSessionName="test")["Credentials"]
    home.shared["session"] = taken["AccessKeyId"], taken["SecretAccessKey"], taken["SessionToken"]
    home.shared["who"] = {"static": f"jane@% arn:aws:iam::{account}:user/jane",
                          "session": f"jane@% arn:aws:sts::{account}:assumed-role/app/test"}


def by_botocore(home, keys):
    return home.client("rds", keys).generate_db_auth_token(home.shared["host"], 3306, "jane", REGION)


def by_cli(home, keys):
    return home.aws("rds", "generate-db-auth-token", "--hostname", home.shared["host"], "--port", "3306", "--username",
                    "jane", "--region", REGION, keys=keys)


def by_node(home, keys):
    return sdk_call(keys, {"do": "token", "host": home.shared["host"], "port": 3306, "user": "jane"})["token"]


class Recorder:
    """Between a client and the server: passes everything on and keeps what the client sent."""

    def __init__(self, target):
        self.target = target
        self.sent = bytearray()
        self.listener = socket.create_server((socket.gethostbyname(target).rsplit(".", 1)[0] + ".200", 0))
        self.host, self.port = self.listener.getsockname()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection((self.target, 3306), 10)
                for source, sink, kept in ((client, server, self.sent), (server, client, bytearray())):
                    threading.Thread(target=self._copy, args=(source, sink, kept), daemon=True).start()

    @staticmethod
    def _copy(source, sink, kept):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                kept += data
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def close(self):
        self.listener.close()


def try_client(home, name):
    for kind in ("static", "session"):
        token = by_botocore(home, home.shared[kind])
        login = {"host": home.shared["host"], "port": 3306, "user": "jane", "password": token, "ca": home.ca}
        who = CLIENTS[name](home, login)
        assert who == home.shared["who"][kind], (kind, who)
        recorder = Recorder(home.shared["host"])
        with contextlib.closing(recorder):
            try:
                CLIENTS[name](home, {**login, "host": recorder.host, "port": recorder.port, "ca": None})
                raise RuntimeError("logged in without TLS")
            except Refused as refusal:
                said = str(refusal)
        assert b"jane" in recorder.sent, f"it never asked the server: {said}"
        signature = token.partition("X-Amz-Signature=")[2]
        assert token.encode() not in recorder.sent, "the token left in clear"
        assert signature.encode() not in recorder.sent, "the signature left in clear"
        assert signature not in said, said
    return said[:90]


for each in CLIENTS:
    def test(home, name=each):
        return try_client(home, name)
    test.__name__ = f"logs_in_by_{each}"
    suite.test(test)


@suite.test
def tokens_of_awss_tools_log_in(home):
    for make in (by_botocore, by_cli, by_node):
        for kind in ("static", "session"):
            token = make(home, home.shared[kind])
            who = home.sql(home.shared["host"], QUESTION, user="jane", password=token)[0][0]
            assert who == home.shared["who"][kind], (make.__name__, kind, who)


if __name__ == "__main__":
    suite.main()
