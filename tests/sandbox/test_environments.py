# SPDX-License-Identifier: Apache-2.0
"""How environments come, are used again and go; what a function sees and what is written of it."""
import json
import os
import re
import signal
import time

from bed import BIN, Bed, test, wait_until

HELLO = """
    import os
    count = 0
    def handler(event, context):
        global count
        count += 1
        print("event", event)
        return {"count": count, "name": context.function_name, "arn": context.invoked_function_arn,
                "memory": context.memory_limit_in_mb, "left": context.get_remaining_time_in_millis(),
                "environment": dict(os.environ), "id": context.aws_request_id}
    """


@test
def an_environment_is_used_again_and_keeps_its_state(bed):
    function = bed.function(HELLO)
    first, second = bed.value(function, {"a": 1}), bed.value(function)
    assert (first["count"], second["count"]) == (1, 2)
    assert first["name"] == function["name"] and first["memory"] == "128" and 2000 < first["left"] <= 3000, first
    environment = first["environment"]
    assert environment["AWS_ACCESS_KEY_ID"] == "ASIA" + function["name"]
    assert environment["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.13"
    assert environment["_HANDLER"] == "app.handler" and environment["TZ"] == ":UTC"
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", environment["AWS_LAMBDA_LOG_STREAM_NAME"])
    allowed = set("""AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_REGION AWS_DEFAULT_REGION
        AWS_EXECUTION_ENV AWS_LAMBDA_FUNCTION_NAME AWS_LAMBDA_FUNCTION_VERSION AWS_LAMBDA_FUNCTION_MEMORY_SIZE
        AWS_LAMBDA_INITIALIZATION_TYPE AWS_LAMBDA_LOG_GROUP_NAME AWS_LAMBDA_LOG_STREAM_NAME AWS_LAMBDA_RUNTIME_API
        AWS_XRAY_CONTEXT_MISSING LAMBDA_TASK_ROOT LAMBDA_RUNTIME_DIR LANG LC_CTYPE LD_LIBRARY_PATH PATH PWD SHLVL TZ
        _HANDLER PYTHONPATH _X_AMZN_TRACE_ID""".split())
    assert set(environment) <= allowed, set(environment) - allowed


@test
def the_log_is_what_aws_writes(bed):
    function = bed.function("""
        import logging
        def handler(event, context):
            print("printed")
            logging.getLogger().warning("two\\nlines")
            return None
        """)
    answer = bed.invoke(function)
    assert answer["payload"] is None
    lines = bed.logs(function)
    request = re.fullmatch(r"START RequestId: (\S+) Version: \$LATEST", lines[1])[1]
    assert lines[0].startswith("INIT_START Runtime Version: python"), lines
    assert lines[2] == "printed"
    time_of = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
    assert re.fullmatch(rf"\[WARNING\]\t{time_of}\t{request}\ttwo\rlines", lines[3]), lines
    assert lines[4] == f"END RequestId: {request}"
    assert re.fullmatch(rf"REPORT RequestId: {request}\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\t"
                        r"Memory Size: 128 MB\tMax Memory Used: \d+ MB\tInit Duration: [\d.]+ ms\t", lines[5]), lines
    assert answer["log_tail"] == "\n".join(lines[1:]) + "\n"
    assert "Init Duration" not in bed.invoke(function)["log_tail"]


@test
def output_may_be_opened_again(bed):
    function = bed.function("""
        def handler(event, context):
            for name in ("/dev/stdout", "/dev/stderr", "/proc/self/fd/1"):
                with open(name, "a") as file:
                    file.write(f"by {name}\\n")
        """)
    bed.value(function)
    assert [line for line in bed.logs(function) if line.startswith("by ")] == [
        "by /dev/stdout", "by /dev/stderr", "by /proc/self/fd/1"]


@test
def events_at_once_get_environments_of_their_own(bed):
    function = bed.function("""
        import select, uuid
        me = str(uuid.uuid4())
        def handler(event, context):
            select.select([], [], [], 2)
            return me
        """, timeout_ms=10000)
    answers = [bed.begin(function) for _ in range(4)]
    assert len({answer.result(30)["payload"] for answer in answers}) == 4


@test
def another_revision_gets_another_environment_and_the_old_one_ends(bed):
    function = bed.function(HELLO)
    assert bed.value(function)["count"] == 1
    newer = {**function, "revision": "2"}
    assert bed.value(newer)["count"] == 1
    bed.ask("retire", arn=f"arn:aws:lambda:us-east-1:123456789012:function:{function['name']}", **{"except": "2"}).result(10)
    wait_until("its idleness", lambda: bed.stats()["busy"] == 0, 10)  # one that has just answered is not idle yet
    before = bed.stats()["idle"]
    bed.ask("retire", arn=f"arn:aws:lambda:us-east-1:123456789012:function:{function['name']}").result(10)
    wait_until("the end of both", lambda: bed.stats()["idle"] == before - 1, 10)
    assert bed.value(newer)["count"] == 1


@test
def layers_are_stacked_and_the_later_one_wins(bed):
    function = bed.function("""
        import shared, only_first, only_second
        def handler(event, context):
            return [shared.who, only_first.who, only_second.who]
        """)
    function["layers"] = [bed.code({"python/shared.py": "who = 1", "python/only_first.py": "who = 'first'"}),
                          bed.code({"python/shared.py": "who = 2", "python/only_second.py": "who = 'second'"})]
    assert bed.value(function) == [2, "first", "second"]
    function = {**function, "name": function["name"] + "x", "layers": function["layers"][:1]}
    assert bed.invoke(function)["payload"]["errorType"] == "Runtime.ImportModuleError"


@test
def boto3_is_there_and_makes_tokens_without_a_network(bed):
    function = bed.function("""
        import boto3
        def handler(event, context):
            rds = boto3.client("rds")
            return rds.generate_db_auth_token(DBHostname="db.example", Port=3306, DBUsername="app")
        """, memory_mb=512, timeout_ms=15000)
    token = bed.value(function)
    assert token.startswith("db.example:3306/?Action=connect&DBUser=app&") and "X-Amz-Security-Token=token" in token


@test
def a_node_function_answers(bed):
    function = bed.function("""
        export const handler = async (event, context) => {
          console.log("got", event.a);
          if (event.fail) throw new TypeError("no good");
          return { twice: event.a * 2, name: context.functionName };
        };
        """, runtime="nodejs20.x", memory_mb=256, timeout_ms=10000)
    assert bed.value(function, {"a": 21}) == {"twice": 42, "name": function["name"]}
    answer = bed.invoke(function, {"fail": True})
    assert answer["function_error"] == "Unhandled"
    assert answer["payload"]["errorType"] == "TypeError" and answer["payload"]["errorMessage"] == "no good", answer
    assert any(line.endswith("INFO\tgot 21") for line in bed.logs(function))
    common = bed.function(runtime="nodejs20.x", memory_mb=256, timeout_ms=10000, files={"index.js": """
        exports.handler = (event, context, callback) => {
          context.callbackWaitsForEmptyEventLoop = false;
          setTimeout(() => callback(null, "called back"), 5);
        };
        """}, handler="index.handler")
    assert bed.value(common) == "called back"


@test
def a_program_of_the_functions_own_answers(bed):
    function = bed.function(runtime="provided.al2023", handler="", mode=0o755, files={"bootstrap": """\
        #!/bin/sh
        base=http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation
        while true; do
          event=$(curl -sS -D /tmp/headers "$base/next")
          id=$(grep -i lambda-runtime-aws-request-id /tmp/headers | tr -d '\\r' | cut -d' ' -f2)
          echo "event $event" >&2
          curl -sS -X POST "$base/$id/response" -d "{\\"got\\": $event}" > /dev/null
        done
        """}, timeout_ms=10000)
    assert bed.value(function, {"a": 1}) == {"got": {"a": 1}}
    assert 'event {"a": 1}' in bed.logs(function)


@test
def an_environment_that_is_idle_ends(bed):
    own = Bed("idle", idle_ms=1500)
    try:
        function = own.function(HELLO)
        assert own.value(function)["count"] == 1
        wait_until("the end of the environment", lambda: own.stats()["idle"] == 0 and not own.processes(), 15)
        assert own.value(function)["count"] == 1
    finally:
        own.destroy()


@test
def environments_end_before_their_credentials(bed):
    own = Bed("expiry", session_ms=62_000)  # two seconds beyond the margin
    try:
        function = own.function(HELLO, timeout_ms=1000)
        assert own.value(function)["count"] == 1
        wait_until("the end of the environment", lambda: own.stats()["idle"] == 0 and not own.processes(), 15)
        assert own.value(function)["count"] == 1
    finally:
        own.destroy()


@test
def at_the_limit_the_longest_idle_one_makes_room_and_the_busy_are_kept(bed):
    own = Bed("limit", environments_max=2)
    try:
        slow = own.function("""
            import select
            def handler(event, context):
                select.select([], [], [], event["s"])
                return 1
            """, timeout_ms=20000)
        assert own.value(own.function(HELLO))["count"] == 1  # the idle one that goes
        wait_until("its idleness", lambda: own.stats()["idle"] == 1, 10)
        busy = [own.begin(slow, {"s": 3}), own.begin(slow, {"s": 3})]
        refused = own.invoke(slow, {"s": 0})
        assert refused.get("error") == "conflict", refused
        assert all(answer.result(20)["payload"] == "1" for answer in busy)
    finally:
        own.destroy()


@test
def nothing_is_left_after_an_orderly_end(bed):
    own = Bed("end")
    try:
        slow = own.function("""
            import select
            def handler(event, context):
                select.select([], [], [], 30)
            """, timeout_ms=60000)
        own.value(own.function(HELLO))
        answer = own.begin(slow)
        wait_until("two environments", lambda: len(own.cgroups()) == 2, 15)
        pids = list(own.processes())
        own.driver.stdin.close()
        assert answer.result(20).get("error") == "unavailable"
        assert own.driver.wait(20) == 0
        assert not own.cgroups()
        wait_until("the end of its processes", lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids), 5)
        assert [name for name in os.listdir(own.home / "sandbox") if not name.startswith(".")] == []
    finally:
        own.destroy()


@test
def environments_end_with_a_daemon_that_is_killed_and_the_next_one_sweeps(bed):
    own = Bed("kill")
    try:
        function = own.function(HELLO)
        for _ in range(3):
            own.value(function)
        own.begin(own.function("while True: pass\n", timeout_ms=60000))
        wait_until("two environments", lambda: len(own.cgroups()) == 2 and len(own.processes()) >= 6, 15)
        pids = list(own.processes())
        own.driver.send_signal(signal.SIGKILL)
        own.driver.wait(10)
        wait_until("the end of its environments", lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids), 10)
        assert own.cgroups(), "the groups stay until somebody sweeps"
        own.start()
        assert not own.cgroups()
        assert [name for name in os.listdir(own.home / "sandbox") if not name.startswith(".")] == []
        assert own.value(function)["count"] == 1
    finally:
        own.destroy()


@test
def a_vpc_function_is_refused_where_networks_are_not_enforced(bed):
    answer = bed.invoke(bed.function(HELLO, vpc=True))
    assert answer["error"] == "unavailable" and "networks are not enforced" in answer["message"], answer
    own = Bed("vpc", vpc_without_network=True)
    try:
        assert own.value(own.function(HELLO, vpc=True))["count"] == 1
    finally:
        own.destroy()


@test
def a_role_that_cannot_be_assumed_is_said(bed):
    own = Bed("role", deny_role=True)
    try:
        answer = own.invoke(own.function(HELLO))
        assert answer["error"] == "denied" and "cannot be assumed" in answer["message"], answer
    finally:
        own.destroy()


@test
def the_processor_share_follows_the_memory(bed):
    text = """
        import time
        def handler(event, context):
            begun, used = time.monotonic(), time.process_time()
            while time.monotonic() - begun < 1.0:
                pass
            return (time.process_time() - used) / (time.monotonic() - begun)
        """
    share = bed.value(bed.function(text, memory_mb=256, timeout_ms=10000))
    assert share < 256 / 1769 * 1.35, share
    return f"{share:.3f} of a processor with 256 MB"
