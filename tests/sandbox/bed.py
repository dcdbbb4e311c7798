# SPDX-License-Identifier: Apache-2.0
"""A runner of functions in a home of its own, spoken to through sandbox-driver; and the few words its tests are in."""
import concurrent.futures
import contextlib
import fcntl
import itertools
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import textwrap
import threading

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "e2e"))
import harness  # noqa: E402
from waiting import wait_until  # noqa: E402,F401

BIN = pathlib.Path(os.environ.get("TRIVET_BIN", harness.ROOT / "build/release/bin")).resolve()
RUNTIMES = ("python3.13", "nodejs20.x", "provided.al2023")
tests = []


def test(function):
    """Marks a test. It gets a Bed that all tests of its file share."""
    tests.append(function)
    return function


class Skip(Exception):
    """Raised by a test that needs what the machine has not got; says what."""


def install_runtimes():
    """Installs the runtimes once for all homes; says where."""
    cache = harness.engine_cache()
    cache.mkdir(parents=True, exist_ok=True)
    cache.chmod(0o711)
    with open(cache / ".runtimes-lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name in RUNTIMES:
            subprocess.run([BIN / "trivet", "--home", cache, "runtime", "install", name], check=True, timeout=900,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return cache / "runtimes"


class Bed:
    """A folder with code, and a driver on it. `user`: whom it runs as, not root. `settings` are the driver's."""

    def __init__(self, name, user=None, **settings):
        self.user = user
        self.home = pathlib.Path(tempfile.mkdtemp(prefix=f"trivet-sandbox-{name}-", dir="/tmp"))
        self.home.chmod(0o711)
        (self.home / "runtimes").symlink_to(install_runtimes())
        self.settings = {"home": str(self.home), "program": str(BIN / "trivet-sandbox"),
                         "installation_id": str(self.home), **settings}
        if user:
            os.chown(self.home, user, user)
        self.numbers = itertools.count(1)
        self.names = itertools.count(1)
        self.driver = None
        self.start()

    def start(self):
        self.answers = {}
        become = ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups"] if self.user else []
        command = [*become, BIN / "sandbox-driver", json.dumps(self.settings)]
        self.driver = subprocess.Popen(command, stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, stderr=open(self.home / "driver.log", "ab"), text=True)
        self.answers[0] = first = concurrent.futures.Future()
        self.reader = threading.Thread(target=self._read, args=(self.driver, self.answers), daemon=True)
        self.reader.start()
        why = first.result(20)["message"]
        assert not why, why

    @staticmethod
    def _read(driver, answers):
        for line in driver.stdout:
            answer = json.loads(line)
            answers.pop(answer["id"]).set_result(answer)
        for left in list(answers.values()):
            left.set_exception(RuntimeError("the driver has ended"))

    def ask(self, op, **more):
        """A future of the answer."""
        number = next(self.numbers)
        self.answers[number] = answer = concurrent.futures.Future()
        self.driver.stdin.write(json.dumps({"id": number, "op": op, **more}) + "\n")
        self.driver.stdin.flush()
        return answer

    def code(self, files, mode=0o644):
        """A folder with these files, {name: text}; as the daemon keeps code: others may read what they can name."""
        folder = self.home / "code" / f"c{next(self.names)}"
        folder.mkdir(parents=True)
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), encoding="utf-8")
            path.chmod(mode)
        return str(folder)

    def function(self, text="", runtime="python3.13", handler="app.handler", files=None, mode=0o644, **more):
        suffix = "mjs" if runtime.startswith("node") else "py"
        return {"name": f"f{next(self.names)}", "runtime": runtime, "handler": handler,
                "code": self.code({f"app.{suffix}": text, **(files or {})}, mode), **more}

    def begin(self, function, event=None):
        return self.ask("invoke", image=function, payload=json.dumps({} if event is None else event))

    def invoke(self, function, event=None, seconds=40):
        """The answer: payload (decoded), function_error, log_tail, ms; or error and message."""
        answer = self.begin(function, event).result(seconds)
        if "payload" in answer:
            with contextlib.suppress(ValueError):
                answer["payload"] = json.loads(answer["payload"])
        return answer

    def value(self, function, event=None, seconds=40):
        answer = self.invoke(function, event, seconds)
        assert answer.get("function_error") == "", answer
        return answer["payload"]

    def stats(self):
        return self.ask("stats").result(20)

    def logs(self, function):
        return [event["message"] for event in
                self.ask("logs", group=f"/aws/lambda/{function['name']}").result(20)["events"]]

    def processes(self):
        """{pid: command line} of everything in our environments."""
        return harness.environment_processes(self.settings["installation_id"])

    def cgroups(self):
        return harness.environment_groups(self.settings["installation_id"])

    def stop(self, seconds=30):
        if self.driver.poll() is None:
            self.driver.stdin.close()
            self.driver.wait(seconds)
        return self.driver.returncode

    def destroy(self):
        with contextlib.suppress(Exception):
            self.stop()
        if self.driver.poll() is None:
            self.driver.kill()
            self.driver.wait(20)
        harness.sweep_groups(self.settings["installation_id"])
        shutil.rmtree(self.home, ignore_errors=True)
