#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that need no compiler: sizes, leftovers, sleeping tests, co_await, licences, host names.

Usage: tools/tidy.py [--update-ratchet]

Files and functions that are longer than the rule stand in tools/tidy_ratchet.toml with their
length. They may shrink, not grow; new ones fail. --update-ratchet writes the file anew from the tree:
lower numbers need no reason, a higher one needs one in the commit message.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tomllib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from sources import ROOT, code_only, is_test_code, project_files  # noqa: E402

FILE_LINES, TEST_FILE_LINES, FUNCTION_LINES = 500, 900, 70
# clang-format keeps C++ at 100; nothing wraps Python.
COLUMNS = {".cc": 100, ".h": 100}
COLUMNS_ELSE = 120
RATCHET = "tools/tidy_ratchet.toml"
LEFTOVER = re.compile(r"\b(" + "|".join(("TO" "DO", "FIX" "ME", "XX" "X", "HA" "CK")) + r")\b")
MACHINE_PATH = re.compile(r"(?:^|[^A-Za-z0-9_.])/(?:work|root|home)/[A-Za-z]")
SLEEP = re.compile(r"\b(?:sleep_for|sleep_until|usleep|nanosleep|sleep)\s*\(|^\s*sleep +[0-9.]+")
WAIT_HELPER = re.compile(r"wait|poll|until|retry")


def is_script(path):
    return (ROOT / path).read_bytes()[:2] == b"#!"


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


_SCOPE = re.compile(r"\b(?:namespace|extern|class|struct|union|enum)\b")
_TRAILER = re.compile(r"(?:\s|\b(?:const|noexcept|override|final|mutable|try)\b|&|->[\w:<>,*&\s]+$)+$")


def _is_function(header):
    header = header.strip()
    if "(" not in header or header.endswith("="):
        return False
    if _SCOPE.search(header.split("(")[0]) and not re.search(r"\)\s*(?:const)?$", header):
        return False
    header = _TRAILER.sub("", header)
    has_initializers = re.search(r"\)\s*(?:noexcept)?\s*:", header)
    return header.endswith(")") or (header.endswith("}") and has_initializers is not None)


def _name(header):
    names = re.findall(r"([\w:~]+|operator\s*\S+)\s*\(", header)
    if names and names[0].startswith("TEST"):
        inside = re.search(r"\(([^)]*)\)", header)
        return ".".join(part.strip() for part in inside.group(1).split(","))
    return names[0] if names else "(lambda)"


def functions(code):
    """(name, first line, lines) of each function body in C++ `code` without comments and strings."""
    header_start, stack, found = 0, [], []
    for offset in (hit.start() for hit in re.finditer(r"[{};]", code)):
        char = code[offset]
        if any(kind == "function" for kind, _, _ in stack):
            if char == "{":
                stack.append(("inner", offset, ""))
            elif char == "}":
                kind, start, header = stack.pop()
                if kind == "function":
                    first = line_of(code, start)
                    found.append((_name(header), first, line_of(code, offset) - first + 1))
                    header_start = offset + 1
            continue
        header = code[header_start:offset]
        if char == ";":
            if not stack or stack[-1][0] != "value":
                header_start = offset + 1
        elif char == "{":
            if stack and stack[-1][0] == "value":
                stack.append(("value", offset, ""))
            elif _is_function(header):
                stack.append(("function", offset, header))
            elif _SCOPE.search(header):
                stack.append(("scope", offset, ""))
                header_start = offset + 1
            else:
                stack.append(("value", offset, ""))  # an initializer: the header goes on after it
        elif stack and stack.pop()[0] == "scope":
            header_start = offset + 1
    return found


def waits_with_deadline(lines, number):
    """Does line `number` (from 1) stand in a loop that a deadline ends, or in a Python helper that waits?"""
    indent = len(lines[number - 1]) - len(lines[number - 1].lstrip())
    for line in reversed(lines[:number - 1]):
        depth = len(line) - len(line.lstrip())
        if not line.strip() or depth >= indent:
            continue
        indent = depth
        if re.search(r"\b(?:while|for)\b", line) and re.search(r"deadline|attempt", line):
            return True
        named = re.match(r"\s*(?:async )?def (\w+)", line)
        if named:
            return bool(WAIT_HELPER.search(named.group(1)))
    return False


def await_problems(code):
    """What g++ 12.2 miscompiles or rejects around co_await (docs/style.md, coroutines)."""
    for hit in re.finditer(r"\bco_await\b", code):
        before = re.split(r"[;{}]", code[:hit.start()])[-1]
        depth, end = 0, hit.end()
        while end < len(code):
            char = code[end]
            if char in "([":
                depth += 1
            elif char in ")]":
                depth -= 1
            if depth < 0 or (depth == 0 and char in ";{"):
                break
            end += 1
        rest = code[hit.end():end]
        braced_temporary = end < len(code) and code[end] == "{" and depth == 0
        if "{" in rest or braced_temporary:
            yield hit.start(), "a brace inside an awaited expression: name the value first"
        if "?" in before or "?" in rest:
            yield hit.start(), "?: with co_await: use if"
        for capture in re.findall(r"\[([^\[\]]*)\]\s*[({]", rest):
            if any(not re.match(r"&|this$|\*?$", part.strip()) for part in capture.split(",")):
                yield hit.start(), "a by-value capture in an awaited expression: name the lambda first"


def registry_hosts():
    """The hosts in this machine's apt, pip and npm configuration. None is written in this file."""
    etc, home, text = pathlib.Path("/etc"), pathlib.Path.home(), []
    for place in [*etc.glob("apt/sources.list"), *etc.glob("apt/sources.list.d/*"),
                  *etc.glob("apt/apt.conf.d/*"), etc / "pip.conf", etc / "npmrc", home / ".npmrc",
                  home / ".config/pip/pip.conf", home / ".pip/pip.conf"]:
        try:
            text.append(place.read_text(errors="replace"))
        except OSError:
            continue
    text += [value for name, value in os.environ.items()
             if name.lower() in ("npm_config_registry", "pip_index_url", "goproxy")]
    if shutil.which("npm"):
        asked = subprocess.run(["npm", "config", "get", "registry"], capture_output=True, text=True,
                               cwd="/", check=False)
        text.append(asked.stdout)
    hosts = set(re.findall(r"https?://(?:[^/@\s]+@)?([A-Za-z0-9.-]+)", "\n".join(text)))
    return sorted(host for host in hosts if "." in host and not host.startswith("127."))


class Tidy:
    def __init__(self):
        self.problems = []
        self.long = {"file": {}, "function": {}}

    def add(self, path, line, message):
        self.problems.append((path, line, message))

    def check_any(self, path, lines, hosts):
        for number, line in enumerate(lines, 1):
            if MACHINE_PATH.search(line):
                self.add(path, number, "an absolute path of somebody's machine")
            if hosts and hosts.search(line):
                self.add(path, number, "a package mirror's name: take it from the configuration")

    def check_source(self, path, text, lines):
        if path.startswith("plugin/"):
            licences = ("GPL-2.0-only",)
        else:
            licences = ("Apache-2.0", "Apache-2.0 OR GPL-2.0-only")
        found = [line.split("SPDX-License-Identifier:")[1].strip(" */")
                 for line in lines[:3] if "SPDX-License-Identifier:" in line]
        if not found or found[0] not in licences:
            self.add(path, 1, f"the first lines must say SPDX-License-Identifier: {licences[0]}")
        limit = TEST_FILE_LINES if is_test_code(path) else FILE_LINES
        if len(lines) > limit:
            self.long["file"][path] = len(lines)
        columns = COLUMNS.get(pathlib.Path(path).suffix, COLUMNS_ELSE)
        for number, line in enumerate(lines, 1):
            # A word that cannot be broken (a token in a test vector) may be as long as it is.
            if len(line) > columns and max(map(len, line.split())) < 60:
                self.add(path, number, f"{len(line)} columns, {columns} are allowed")
            if LEFTOVER.search(line):
                self.add(path, number, "left for later: do it or file it")
            if re.match(r"\s*(?://|#) ?[-=*]{4,}|\s*(?://|#) ?-{3} ", line):
                self.add(path, number, "a divider: names and files divide")
            if line != line.rstrip():
                self.add(path, number, "trailing blanks")
        self.check_sleep(path, text, lines)

    def check_sleep(self, path, text, lines):
        if not is_test_code(path):
            return
        bodies = functions(code_only(text)) if path.endswith((".cc", ".h")) else []
        for number, line in enumerate(lines, 1):
            if not SLEEP.search(line.split("//")[0].split(" #")[0]):
                continue
            name = next((name for name, first, size in bodies if first <= number < first + size), "")
            if not WAIT_HELPER.search(name) and not waits_with_deadline(lines, number):
                self.add(path, number, "a test sleeps: wait for a condition with a deadline")

    def check_cpp(self, path, text):
        code = code_only(text)
        for name, _, size in functions(code):
            if size > FUNCTION_LINES:
                self.long["function"][f"{path}: {name}"] = size
        if "co_await" in code and not path.startswith("src/net/"):
            self.add(path, line_of(code, code.index("co_await")), "coroutines live in src/net only")
        for offset, message in await_problems(code):
            self.add(path, line_of(code, offset), message)

    def check_ratchet(self):
        place = ROOT / RATCHET
        known = tomllib.loads(place.read_text(encoding="utf-8")) if place.exists() else {}
        limits = {"file": FILE_LINES, "function": FUNCTION_LINES}
        for kind, found in self.long.items():
            allowed = known.get(kind, {})
            for name, size in sorted(found.items()):
                if size > allowed.get(name, 0):
                    was = f", {allowed[name]} before" if name in allowed else ""
                    message = f"{kind} {name}: {size} lines{was}, the rule is {limits[kind]}"
                    self.add(name.split(":")[0], 1, message)
            for name in sorted(set(allowed) - set(found)):
                self.add(RATCHET, 1, f"{name} keeps the rule now or is gone: --update-ratchet")

    def write_ratchet(self):
        out = ["# What is longer than docs/style.md allows. It may shrink, not grow.",
               "# Written by tools/tidy.py --update-ratchet."]
        for kind, found in self.long.items():
            out += ["", f"[{kind}]"]
            out += [f'"{name}" = {size}' for name, size in sorted(found.items())]
        (ROOT / RATCHET).write_text("\n".join(out) + "\n", encoding="utf-8")


def main(arguments):
    if arguments not in ([], ["--update-ratchet"]):
        sys.exit(__doc__)
    tidy = Tidy()
    names = registry_hosts()
    hosts = re.compile("|".join(map(re.escape, names)), re.I) if names else None
    files = project_files()
    for path in files:
        try:
            text = (ROOT / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        lines = text.splitlines()
        tidy.check_any(path, lines, hosts)
        cpp = path.endswith((".cc", ".h"))
        if cpp or path.endswith((".py", ".sh", ".sql")) or is_script(path):
            tidy.check_source(path, text, lines)
        if cpp:
            tidy.check_cpp(path, text)
    if arguments:
        tidy.write_ratchet()
    tidy.check_ratchet()
    for path, line, message in tidy.problems:
        print(f"{path}:{line}: {message}")
    print(f"tidy: {len(files)} files, {len(tidy.problems)} problems")
    return 1 if tidy.problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
