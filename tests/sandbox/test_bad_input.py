# SPDX-License-Identifier: Apache-2.0
"""Functions that are wrong, die, run for ever or want too much: AWS's answer, and no harm to anybody else."""
import os
import re
import time

from bed import Bed, test, wait_until

WELL = "def handler(event, context):\n    return 'well'\n"


def failure(bed, function, event=None, seconds=60):
    answer = bed.invoke(function, event, seconds)
    assert answer.get("function_error") == "Unhandled", answer
    return answer["payload"]


def neighbour(bed):
    """A warm function of somebody else."""
    if "neighbour" not in bed.__dict__:
        bed.neighbour = bed.function(WELL, timeout_ms=10000)
    return bed.neighbour


def a_neighbour_is_well(bed, seconds=10):
    begun = time.monotonic()
    assert bed.value(neighbour(bed), seconds=seconds) == "well"
    return time.monotonic() - begun


@test
def a_handler_that_is_no_name(bed):
    payload = failure(bed, bed.function(WELL, handler="nodot"))
    assert payload["errorType"] == "Runtime.MalformedHandlerName", payload
    assert payload["errorMessage"].startswith("Bad handler 'nodot': ") and payload["requestId"] == "", payload


@test
def a_module_that_is_not_there(bed):
    payload = failure(bed, bed.function(WELL, handler="missing.handler"))
    assert payload == {"errorType": "Runtime.ImportModuleError", "requestId": "", "stackTrace": [],
                       "errorMessage": "Unable to import module 'missing': No module named 'missing'"}, payload
    payload = failure(bed, bed.function("import pymysql_is_not_here\n" + WELL))
    assert payload["errorMessage"] == "Unable to import module 'app': No module named 'pymysql_is_not_here'", payload


@test
def a_handler_that_is_not_in_its_module(bed):
    payload = failure(bed, bed.function(WELL, handler="app.other"))
    assert payload["errorType"] == "Runtime.HandlerNotFound", payload
    assert payload["errorMessage"] == "Handler 'other' missing on module 'app'", payload


@test
def a_syntax_error(bed):
    payload = failure(bed, bed.function("def handler(event, context)\n    return 1\n"))
    assert payload["errorType"] == "Runtime.UserCodeSyntaxError", payload
    assert payload["errorMessage"].startswith("Syntax error in module 'app': "), payload
    assert payload["stackTrace"][0].startswith('  File "/var/task/app.py" Line 1'), payload


@test
def a_builtin_module_as_handler(bed):
    assert failure(bed, bed.function(WELL, handler="sys.exit"))["errorType"] == "Runtime.BuiltInModuleConflict"


@test
def an_exception_while_the_module_is_loaded(bed):
    function = bed.function("raise ValueError('not today')\n" + WELL)
    payload = failure(bed, function)
    assert payload["errorType"] == "ValueError" and payload["errorMessage"] == "not today", payload
    assert payload["requestId"] == "", payload
    assert payload["stackTrace"][-1].startswith('  File "/var/task/app.py", line 1, in <module>'), payload
    assert any(line.startswith("[ERROR] ValueError: not today\rTraceback") for line in bed.logs(function))


@test
def an_exception_in_the_handler(bed):
    function = bed.function("""
        def inner():
            raise KeyError("k")
        def handler(event, context):
            inner()
        """)
    answer = bed.invoke(function)
    payload = answer["payload"]
    assert set(payload) == {"errorMessage", "errorType", "requestId", "stackTrace"}, payload
    assert payload["errorType"] == "KeyError" and payload["errorMessage"] == "'k'", payload
    assert f"START RequestId: {payload['requestId']} " in answer["log_tail"], answer
    assert [re.search(r"line (\d+), in (\w+)", frame).groups() for frame in payload["stackTrace"]] == \
        [("5", "handler"), ("3", "inner")], payload
    # The environment goes on.
    assert "Init Duration" not in bed.invoke(function)["log_tail"]


@test
def what_is_no_json_cannot_be_returned(bed):
    payload = failure(bed, bed.function("def handler(event, context):\n    return {1, 2}\n"))
    assert payload["errorType"] == "Runtime.MarshalError", payload
    assert payload["errorMessage"] == "Unable to marshal response: Object of type set is not JSON serializable", payload


@test
def a_process_that_exits(bed):
    function = bed.function("""
        import os, signal
        def handler(event, context):
            if "signal" in event:
                os.kill(os.getpid(), event["signal"])
            os._exit(event.get("status", 0)) if "status" in event else None
            return os.getpid()
        """)
    for event, reason in (({"status": 0}, "Runtime exited without providing a reason"),
                          ({"status": 127}, "Runtime exited with error: exit status 127"),
                          ({"signal": 9}, "Runtime exited with error: signal: killed"),
                          ({"signal": 11}, "Runtime exited with error: signal: segmentation fault"),
                          ({"signal": 6}, "Runtime exited with error: signal: aborted")):
        answer = bed.invoke(function, event)
        payload = answer["payload"]
        assert payload["errorType"] == "Runtime.ExitError", (event, payload)
        assert re.fullmatch(rf"RequestId: [0-9a-f-]{{36}} Error: {reason}", payload["errorMessage"]), payload
        assert "Status: error" in answer["log_tail"] and "Runtime.ExitError" in answer["log_tail"], answer
    assert isinstance(bed.value(function), int)


@test
def an_endless_loop_ends_with_its_timeout(bed):
    function = bed.function("""
        def handler(event, context):
            while True:
                pass
        """, timeout_ms=1500)
    answer = bed.invoke(function)
    payload = answer["payload"]
    assert payload["errorType"] == "Sandbox.Timedout", payload
    assert payload["errorMessage"].endswith("Error: Task timed out after 1.50 seconds"), payload
    duration = float(re.search(r"\tDuration: ([\d.]+) ms", answer["log_tail"])[1])
    assert 1500 <= duration < 2000, duration
    assert "Status: timeout" in answer["log_tail"] and "Task timed out after 1.50 seconds" in answer["log_tail"]
    wait_until("the end of the environment", lambda: not [line for line in bed.processes().values()
                                                          if function["code"] in line], 10)


@test
def an_endless_loop_while_the_module_is_loaded(bed):
    begun = time.monotonic()
    payload = failure(bed, bed.function("while True: pass\n", timeout_ms=1000))
    assert payload["errorType"] == "Sandbox.Timedout", payload
    assert 10.5 < time.monotonic() - begun < 15


@test
def a_fork_bomb_hurts_only_itself(bed):
    a_neighbour_is_well(bed)
    before = len(os.listdir("/proc"))
    function = bed.function("""
        import os
        def handler(event, context):
            while True:
                try:
                    os.fork()
                except OSError:
                    pass
        """, timeout_ms=3000, memory_mb=512)
    bomb = bed.begin(function)
    slowest = max(a_neighbour_is_well(bed) for _ in range(10))
    assert bomb.result(60)["payload"].find("Sandbox.Timedout") > 0
    wait_until("the end of its processes", lambda: len(os.listdir("/proc")) < before + 200, 30)
    a_neighbour_is_well(bed)
    return f"a neighbour waited at most {slowest * 1000:.0f} ms"


@test
def a_bomb_of_threads_hurts_only_itself(bed):
    payload = failure(bed, bed.function("""
        import threading, time
        def handler(event, context):
            while True:
                threading.Thread(target=time.sleep, args=(60,)).start()
        """, timeout_ms=5000, memory_mb=512))
    assert payload["errorType"] in ("RuntimeError", "Sandbox.Timedout", "Runtime.ExitError"), payload
    a_neighbour_is_well(bed)


@test
def who_wants_too_much_memory_is_killed(bed):
    function = bed.function("""
        def handler(event, context):
            kept = []
            while True:
                kept.append(bytearray(8 << 20))
        """, timeout_ms=100000)
    answer = bed.invoke(function, seconds=120)
    payload = answer["payload"]
    assert payload["errorType"] == "Runtime.ExitError" and payload["errorMessage"].endswith("signal: killed"), payload
    assert "Max Memory Used: 128 MB" in answer["log_tail"], answer["log_tail"]
    a_neighbour_is_well(bed)
    # In children it counts too.
    answer = bed.invoke(bed.function("""
        import subprocess, sys
        def handler(event, context):
            text = "import select; x = b'x' * (200 << 20); select.select([], [], [], 3)"
            hogs = [subprocess.Popen([sys.executable, "-c", text]) for _ in range(4)]
            return [hog.wait() for hog in hogs]
        """, timeout_ms=100000, memory_mb=512), seconds=120)
    killed = answer["payload"]["errorMessage"] if answer["function_error"] else answer["payload"]
    assert -9 in killed if isinstance(killed, list) else killed.endswith("signal: killed"), answer


@test
def a_flood_of_output_is_bounded_and_hurts_nobody(bed):
    a_neighbour_is_well(bed)
    function = bed.function("""
        import os
        def handler(event, context):
            block = (b"x" * 1000 + b"\\n") * 64
            while True:
                os.write(1, block)
        """, timeout_ms=3000, memory_mb=1769)
    flood = bed.begin(function)
    slowest = max(a_neighbour_is_well(bed) for _ in range(20))
    answer = flood.result(30)
    assert "Sandbox.Timedout" in answer["payload"] and len(answer["log_tail"]) <= 4096, answer
    bytes_kept = sum(len(line) for line in bed.logs(function))
    assert bytes_kept < 4 * 4.5e6 + 5e6, bytes_kept
    assert slowest < 2, slowest
    return f"{bytes_kept >> 20} MiB in 3 s; a neighbour waited at most {slowest * 1000:.0f} ms"


@test
def output_that_is_no_text_and_has_no_end(bed):
    function = bed.function("""
        import os
        def handler(event, context):
            os.write(1, b"\\xff\\xfe caf\\xc3\\xa9 \\xe2\\x82\\n" + b"y" * 300000 + b"\\x00\\x1b[31m\\n" + b"no end")
            return 1
        """)
    assert bed.value(function) == 1
    lines = bed.logs(function)
    assert any(line.startswith("\ufffd\ufffd café \ufffd") for line in lines), lines[:3]
    assert max(len(line) for line in lines) == 256 * 1024


@test
def a_response_of_more_than_six_megabytes(bed):
    function = bed.function("""
        def handler(event, context):
            return "x" * event["size"]
        """, memory_mb=512, timeout_ms=20000)
    assert len(bed.value(function, {"size": 6 * 1024 * 1024 - 10})) == 6 * 1024 * 1024 - 10
    for size in (6 * 1024 * 1024 + 200, 30_000_000):
        payload = failure(bed, function, {"size": size})
        assert payload["errorType"] == "Function.ResponseSizeTooLarge", payload
        assert payload["errorMessage"] == \
            "Response payload size exceeded maximum allowed payload size (6291556 bytes).", payload
    assert bed.value(function, {"size": 1}) == "x"


@test
def events_of_six_megabytes_arrive(bed):
    function = bed.function("def handler(event, context):\n    return len(event['x'])\n", memory_mb=512,
        timeout_ms=10000)
    assert bed.value(function, {"x": "y" * 6_000_000}) == 6_000_000


@test
def a_program_that_dies_at_its_start(bed):
    def provided(text, mode=0o755):
        return bed.function(runtime="provided.al2023", handler="", files={"bootstrap": text}, mode=mode)
    payload = failure(bed, provided("#!/bin/sh\nexit 3\n"))
    assert payload["errorType"] == "Runtime.ExitError" and payload["errorMessage"].endswith("exit status 3"), payload
    for text, why in (("#!/no/such/interpreter\n", "no such file or directory"),):
        payload = failure(bed, provided(text))
        assert payload["errorType"] == "Runtime.InvalidEntrypoint", payload
        assert payload["errorMessage"].endswith(f"Error: fork/exec /var/task/bootstrap: {why}"), payload
    for function in (provided("#!/bin/sh\nexit 0\n", 0o644), bed.function(WELL, runtime="provided.al2023", handler="")):
        payload = failure(bed, function)
        assert payload["errorType"] == "Runtime.InvalidEntrypoint", payload
        assert payload["errorMessage"].endswith(
            "Error: Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"), payload


@test
def calls_out_of_order_are_refused_and_harm_nobody(bed):
    function = bed.function("""
        import http.client, json, os
        def call(method, path, body=None, headers={}):
            connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
            connection.request(method, "/2018-06-01/runtime/" + path, body, headers)
            answer = connection.getresponse()
            return [answer.status, json.loads(answer.read() or "{}").get("errorType")]
        def handler(event, context):
            return {"next": call("GET", "invocation/next"), "wrong": call("POST", "invocation/no-such-id/response",
                "1"),
                    "init": call("POST", "init/error", "{}"), "none": call("GET", "else"),
                    "post": call("POST", "invocation/next", "")}
        """, timeout_ms=10000)
    assert bed.value(function) == {"next": [403, "InvalidStateTransition"], "wrong": [400, "InvalidRequestID"],
                                   "init": [403, "InvalidStateTransition"], "none": [404, "NotFound"],
                                   "post": [404, "NotFound"]}
    assert bed.value(function)["wrong"][0] == 400


@test
def many_connections_to_the_runtime_api_are_bounded(bed):
    function = bed.function("""
        import os, socket
        def handler(event, context):
            host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
            kept = []
            for _ in range(150):
                s = socket.create_connection((host, int(port)), 5)
                s.sendall(b"POST /2018-06-01/runtime/invocation/x/response HTTP/1.1\\r\\n"
                          b"Content-Length: 6000000\\r\\n\\r\\n")
                kept.append(s)
            return len(kept)
        """, timeout_ms=20000, memory_mb=512)
    bed.invoke(function)
    a_neighbour_is_well(bed)
    assert bed.driver.poll() is None


@test
def garbage_to_the_runtime_api_is_refused(bed):
    function = bed.function("""
        import os, socket
        def handler(event, context):
            host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
            out = []
            for text in (b"\\x00\\xff\\r\\n\\r\\n", b"GET /" + b"a" * 100000 + b" HTTP/1.1\\r\\n\\r\\n",
                         b"POST / HTTP/1.1\\r\\nContent-Length: -5\\r\\n\\r\\n",
                         b"POST / HTTP/1.1\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\nzz\\r\\n"):
                s = socket.create_connection((host, int(port)), 5)
                s.settimeout(5)
                try:
                    s.sendall(text)
                    out.append(int(s.recv(4096).split()[1]))
                except OSError:
                    out.append(0)
            return out
        """, timeout_ms=20000)
    assert all(status in (0, 400, 413, 431) for status in bed.value(function))
    a_neighbour_is_well(bed)


@test
def a_runtime_that_is_not_there_is_said_with_its_cure(bed):
    answer = bed.invoke(bed.function(WELL, runtime="python3.8"))
    assert answer["error"] == "invalid argument" and "there is no runtime python3.8" in answer["message"], answer
    own = Bed("none")
    try:
        (own.home / "runtimes").unlink()
        answer = own.invoke(own.function(WELL))
        assert answer["error"] == "unavailable", answer
        assert "run `trivet runtime install python3.13`" in answer["message"], answer
        assert "trivet runtime install" in own.ask("check", runtime="python3.13").result(10)["message"]
    finally:
        own.destroy()


@test
def variables_with_a_nul_are_no_options_of_bubblewrap(bed):
    answer = bed.invoke(bed.function(WELL, environment={"A": "x\0--bind\0/\0/opt"}))
    assert answer["error"] == "unavailable" and "NUL" in answer["message"], answer


@test
def code_that_is_not_there(bed):
    answer = bed.invoke({**bed.function(WELL), "code": str(bed.home / "nothing")})
    assert answer["error"] == "unavailable" and "bwrap: " in answer["message"], answer


@test
def an_interpreter_that_dies_in_node(bed):
    function = bed.function("export const handler = async (e) => { process.exit(e.status); };\n", runtime="nodejs20.x",
                            memory_mb=256, timeout_ms=10000)
    assert failure(bed, function, {"status": 5})["errorMessage"].endswith("exit status 5")
    payload = failure(bed, bed.function("export const other = 1;\n", runtime="nodejs20.x", memory_mb=256))
    assert payload["errorType"] == "Runtime.HandlerNotFound", payload
    payload = failure(bed, bed.function("export const handler = (\n", runtime="nodejs20.x", memory_mb=256))
    assert payload["errorType"] == "Runtime.UserCodeSyntaxError", payload
    payload = failure(bed, bed.function("import 'not-there';\n", runtime="nodejs20.x", memory_mb=256))
    assert payload["errorType"] == "Runtime.ImportModuleError", payload


@test
def nothing_of_all_that_is_left(bed):
    wait_until("idle environments", lambda: bed.stats()["busy"] == 0, 20)
    a_neighbour_is_well(bed)
