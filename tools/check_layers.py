#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks every #include and every banned word against layers.toml.

Usage: tools/check_layers.py [file ...]        without files: all of src, plugin, sim, bench and tests
"""
import fnmatch
import pathlib
import re
import sys
import tomllib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from sources import ROOT, code_only, is_test_code, project_files  # noqa: E402

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)
STANDARD = set("""
algorithm any array atomic barrier bit bitset cassert cctype cerrno cfenv cfloat charconv chrono
cinttypes climits clocale cmath compare complex concepts condition_variable coroutine csetjmp
csignal cstdarg cstddef cstdint cstdio cstdlib cstring ctime cuchar cwchar cwctype deque
exception execution filesystem forward_list fstream functional future initializer_list iomanip
ios iosfwd iostream istream iterator latch limits list locale map memory memory_resource mutex
new numbers numeric optional ostream queue random ranges ratio regex scoped_allocator semaphore
set shared_mutex source_location span sstream stack stdexcept stop_token streambuf string
string_view syncstream system_error thread tuple type_traits typeindex typeinfo unordered_map
unordered_set utility valarray variant vector version
""".split())
# What the C library and the kernel bring: allowed wherever `std_only` is not set.
SYSTEM = re.compile(r"^(sys|linux|arpa|net|netinet)/|^[a-z0-9_]+\.h$")


class Rules:
    def __init__(self, text):
        table = tomllib.loads(text)
        self.layers = table["layer"]
        self.tests = table["tests"]
        self.external = table["external"]

    def layer_of(self, path):
        """The folder that `path` (written from src/) belongs to, and its rules."""
        parts = path.split("/")[:-1]
        for length in range(len(parts), 0, -1):
            folder = "/".join(parts[:length])
            if folder in self.layers:
                return folder, self.layers[folder]
            wildcard = "/".join(parts[:length - 1] + ["*"])
            if wildcard in self.layers:
                return folder, self.layers[wildcard]
        return None, None

    def tests_of(self, folder):
        return [*self.tests["may_include"], *self.tests["folder"].get(folder, [])]

    def library_of(self, header):
        hits = [(len(prefix), name) for name, entry in self.external.items()
                for prefix in entry["headers"] if header.startswith(prefix)]
        return max(hits)[1] if hits else None


def within(header, allowed):
    return any(header == entry or header.startswith(entry + "/") for entry in allowed)


def check_include(rules, path, name, angled, layer):
    folder, entry = layer
    library = rules.library_of(name)
    is_test = is_test_code(path)
    if library:
        place = rules.external[library]
        allowed = is_test and place.get("tests", False)
        if not allowed and not any(fnmatch.fnmatch(path, pattern) for pattern in place["files"]):
            return f"{library} may not be named here"
        return None
    if angled:
        if entry and entry.get("std_only") and name not in STANDARD and not is_test:
            return f"<{name}>: {folder} uses only the C++ standard library"
        if name in STANDARD or SYSTEM.match(name):
            return None
        return f"<{name}> is of no library that layers.toml knows"
    if "/" not in name:
        # The plugin is a project of its own, and tests are: headers stand beside their sources.
        beside = folder == "plugin" or path.startswith("tests/")
        return None if beside else f'"{name}": write includes from src/'
    if folder is None:
        return None  # tests/ and tools of other kinds may include anything of ours
    allowed = [folder, *entry["may_include"], *(rules.tests_of(folder) if is_test else [])]
    if not within(name, allowed):
        return f'"{name}": {folder} may not include it'
    return None


def banned_words(code, words):
    for word in words:
        before = r"(?<![\w.])" if word[0].isalnum() else ""
        after = r"(?!\w)" if word[-1].isalnum() else ""
        for hit in re.finditer(before + re.escape(word) + after, code):
            yield code.count("\n", 0, hit.start()) + 1, word


def check_file(rules, path):
    text = (ROOT / path).read_text(encoding="utf-8")
    inside = path.removeprefix("src/")
    layer = rules.layer_of(inside)
    if path.startswith("src/") and layer[0] is None:
        yield path, 1, "this folder has no entry in layers.toml"
        return
    for hit in INCLUDE.finditer(text):
        line = text.count("\n", 0, hit.start(1)) + 1
        problem = check_include(rules, path, hit.group(2), hit.group(1) == "<", layer)
        if problem:
            yield path, line, problem
    words = (layer[1] or {}).get("ban", [])
    if words and not is_test_code(path):
        for line, word in banned_words(code_only(text, keep_includes=True), words):
            yield path, line, f"`{word}` is banned in {layer[0]}"


def main(arguments):
    rules = Rules((ROOT / "layers.toml").read_text(encoding="utf-8"))
    files = arguments or [path for path in project_files()
                          if path.startswith(("src/", "plugin/", "sim/", "bench/", "tests/"))]
    files = [path for path in files if path.endswith((".h", ".cc"))]
    problems = [problem for path in files for problem in check_file(rules, path)]
    for path, line, message in problems:
        print(f"{path}:{line}: {message}")
    print(f"check_layers: {len(files)} files, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
