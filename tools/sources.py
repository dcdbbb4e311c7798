# SPDX-License-Identifier: Apache-2.0
"""What the checks share: which files are ours, and C++ text without comments and strings."""
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent


def project_files():
    """Tracked files and new ones that git does not ignore, written from the root, sorted."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True).stdout.decode().split("\0")
    return sorted(path for path in set(listed) if path and (ROOT / path).is_file())


def is_test_code(path):
    """Tests and what only they use: a bed, a suite, helpers."""
    return path.startswith("tests/") or bool(re.search(r"[_/](?:test|testing|test_bed|suite)\.(?:h|cc)$", path))


_TOKEN = re.compile(
    r'//[^\n]*'
    r'|/\*.*?\*/'
    r'|R"(?P<tag>[^()\\\s]{0,16})\(.*?\)(?P=tag)"'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'",
    re.S)
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[^\n]*', re.M)
_DIRECTIVE = re.compile(r'^[ \t]*#(?:[^\n]*\\\n)*[^\n]*', re.M)


def _blank(text):
    return re.sub(r"[^\n]", " ", text)


def code_only(text, keep_includes=False):
    """`text` with comments and literals blanked; every character keeps its line. Preprocessor lines
    go too, but #include lines stay where `keep_includes` is set."""
    includes = [(hit.start(), hit.group()) for hit in _INCLUDE.finditer(text)]

    def replace(hit):
        token = hit.group()
        if token.startswith("/"):
            return _blank(token)
        return token[0] + _blank(token[1:-1]) + token[-1]

    code = _TOKEN.sub(replace, text)
    if not keep_includes:
        return _DIRECTIVE.sub(lambda hit: _blank(hit.group()), code)
    for start, line in includes:
        code = code[:start] + line.split("//")[0].ljust(len(line)) + code[start + len(line):]
    return code
