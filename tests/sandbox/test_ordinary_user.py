# SPDX-License-Identifier: Apache-2.0
"""A daemon that is not root: functions run in user namespaces, with loopback alone, and it is said what is weaker."""
import os
import signal

from bed import Skip, test, wait_until

USER = 54321
SETTINGS = {"user": USER}


def needs_user_namespaces():
    for path in ("/proc/sys/kernel/unprivileged_userns_clone", "/proc/sys/user/max_user_namespaces"):
        if os.path.exists(path) and open(path, encoding="ascii").read().strip() == "0":
            raise Skip("ordinary users may make no user namespaces here")


def children(pid):
    """All that descends from a process."""
    found, todo = [], [pid]
    while todo:
        one = todo.pop()
        try:
            for task in os.listdir(f"/proc/{one}/task"):
                with open(f"/proc/{one}/task/{task}/children", encoding="ascii") as file:
                    todo += [int(word) for word in file.read().split()]
        except OSError:
            continue
        found.append(one)
    return found[1:]


@test
def a_function_runs_and_what_is_weaker_is_said(bed):
    needs_user_namespaces()
    function = bed.function("""
        import os, socket
        def handler(event, context):
            def try_to(connect):
                s = socket.socket()
                s.settimeout(2)
                try:
                    s.connect(connect)
                    return "connected"
                except OSError as error:
                    return type(error).__name__
            return {"uid": os.getuid(), "names": [name for _, name in socket.if_nameindex()],
                    "home": os.path.exists(event["home"]), "out": try_to(("192.0.2.1", 80)),
                    "capabilities": [line.split()[1] for line in open("/proc/self/status")
                                     if line.startswith("CapEff")]}
        """)
    found = bed.value(function, {"home": str(bed.home)})
    assert found == {"uid": 993, "names": ["lo"], "home": False, "out": "OSError", "capabilities": ["0" * 16]}, found
    weaknesses = bed.stats()["weaknesses"]
    assert any("not root" in text for text in weaknesses) and any("memory limits are watched" in text
                                                                  for text in weaknesses), weaknesses


@test
def layers_and_tmp_work(bed):
    needs_user_namespaces()
    function = bed.function("""
        import one, two
        def handler(event, context):
            open("/tmp/x", "w").write("x")
            return [one.x, two.x]
        """, layers=[bed.code({"python/one.py": "x = 1"}), bed.code({"python/two.py": "x = 2"})])
    assert bed.value(function) == [1, 2]


@test
def the_memory_limit_is_watched(bed):
    needs_user_namespaces()
    function = bed.function("""
        import select, subprocess, sys
        def handler(event, context):
            text = "import select; x = b'x' * (60 << 20); select.select([], [], [], 20)"
            hogs = [subprocess.Popen([sys.executable, "-c", text]) for _ in range(4)]
            return [hog.wait() for hog in hogs]
        """, timeout_ms=30000)
    answer = bed.invoke(function)
    assert answer["function_error"] == "Unhandled", answer
    assert answer["payload"]["errorMessage"].endswith("signal: killed"), answer
    # And what one process may have is limited by the kernel.
    payload = bed.invoke(bed.function("def handler(event, context):\n    return len(bytearray(1 << 30))\n"))["payload"]
    assert payload["errorType"] in ("MemoryError", "Runtime.ExitError"), payload


@test
def an_endless_loop_ends_with_its_timeout(bed):
    needs_user_namespaces()
    function = bed.function("def handler(event, context):\n    while True:\n        pass\n", timeout_ms=1000)
    assert bed.invoke(function)["payload"]["errorType"] == "Sandbox.Timedout"


@test
def functions_of_a_vpc_are_refused(bed):
    answer = bed.invoke(bed.function("", vpc=True))
    assert answer["error"] == "unavailable" and "networks are not enforced" in answer["message"], answer


@test
def environments_end_with_a_daemon_that_is_killed(bed):
    needs_user_namespaces()
    bed.value(bed.function("def handler(event, context):\n    return 1\n"))
    pids = children(bed.driver.pid)
    assert len(pids) >= 3, pids
    bed.driver.send_signal(signal.SIGKILL)
    bed.driver.wait(10)
    wait_until("the end of its environments", lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids), 10)
    bed.start()
    assert bed.value(bed.function("def handler(event, context):\n    return 2\n")) == 2
