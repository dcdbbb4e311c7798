#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that what the documents name exists: `file: function`, `path/to/file` and links.

Paths are written from the root or from src/. A name after the colon must stand in that file.
"""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from sources import ROOT, project_files  # noqa: E402

SUFFIX = r"\.(?:h|cc|py|md|toml|cmake|json|txt|sql|test)"
REFERENCE = re.compile(r"`((?:[\w.-]+/)+[\w.-]+" + SUFFIX + r")(?::\s*([\w:~]+)(?:\(\))?)?`")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.M | re.S)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def find(name):
    for base in (ROOT, ROOT / "src"):
        if (base / name).exists():
            return base / name
    return None


def references(path, text):
    for hit in REFERENCE.finditer(text):
        name, symbol = hit.groups()
        place = find(name)
        if place is None:
            yield path, line_of(text, hit.start()), f"{name} does not exist"
        elif symbol:
            last = symbol.split("::")[-1]
            if not re.search(r"(?<!\w)" + re.escape(last) + r"(?!\w)", place.read_text(encoding="utf-8")):
                yield path, line_of(text, hit.start()), f"{name} has no {symbol}"


def anchors(text):
    """GitHub's names for the headings of a document."""
    heads = re.findall(r"^#+\s+(.*)$", FENCE.sub("", text), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


def links(path, text):
    for hit in LINK.finditer(FENCE.sub(lambda fence: re.sub(r"[^\n]", " ", fence.group()), text)):
        target, _, anchor = hit.group(1).partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        place = (ROOT / path).parent / target if target else ROOT / path
        if not place.exists():
            yield path, line_of(text, hit.start()), f"link to {target}, which does not exist"
        elif anchor and place.suffix == ".md":
            inside = place.read_text(encoding="utf-8") if target else text
            if anchor not in anchors(inside):
                yield path, line_of(text, hit.start()), f"{hit.group(1)} has no such heading"


def main():
    documents = [path for path in project_files() if path.endswith(".md")]
    problems = []
    for path in documents:
        text = (ROOT / path).read_text(encoding="utf-8")
        problems += [*references(path, text), *links(path, text)]
    for path, line, message in problems:
        print(f"{path}:{line}: {message}")
    print(f"check_docs: {len(documents)} documents, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
