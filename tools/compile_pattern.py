# SPDX-License-Identifier: Apache-2.0
"""Compiles the regular expressions of the AWS models to the steps of src/api/pattern.h.

What they use: characters, escapes, classes, groups, |, *, +, ?, {n}, {n,m}, and ^ and $ at the ends of an
alternative, where they say nothing: all of the text is matched. Anything else is an error of the build, so that
a newer model cannot be checked wrongly in silence.
"""
import re
import unicodedata

LAST = 0x10FFFF


def merged(ranges):
    """Sorted, joined ranges of code points."""
    out = []
    for first, last in sorted(ranges):
        if out and first <= out[-1][1] + 1:
            out[-1] = (out[-1][0], max(out[-1][1], last))
        else:
            out.append((first, last))
    return tuple(out)


def category(letter):
    """The code points of a Unicode category such as L."""
    found, first = [], None
    for code in range(LAST + 2):
        inside = code <= LAST and unicodedata.category(chr(code))[0] == letter
        if inside and first is None:
            first = code
        elif not inside and first is not None:
            found.append((first, code - 1))
            first = None
    return found


def inverted(ranges):
    out, at = [], 0
    for first, last in merged(ranges):
        if at < first:
            out.append((at, first - 1))
        at = last + 1
    if at <= LAST:
        out.append((at, LAST))
    return out


DIGIT = [(0x30, 0x39)]
WORD = [(0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)]
SPACE = [(0x09, 0x0D), (0x20, 0x20)]
CLASSES = {"d": DIGIT, "w": WORD, "s": SPACE, "D": inverted(DIGIT), "W": inverted(WORD), "S": inverted(SPACE)}


def shifted(step, by):
    return (step[0],) + tuple(to + by for to in step[1:]) if step[0] in ("split", "jump") else step


class Compiler:
    def __init__(self, text):
        # The models mean the planes above the first, which a four-digit escape cannot say.
        self.text = text.replace("\\u10000-\\u10FFFF", "\U00010000-\U0010FFFF")
        self.at = 0
        self.steps = []  # ("class", ranges) ("split", a, b) ("jump", a) ("match",)

    def compile(self):
        self.alternatives()
        if self.at != len(self.text):
            raise ValueError(f"pattern {self.text!r}: cannot read {self.text[self.at:]!r}")
        self.steps.append(("match",))
        return self.steps

    def peek(self):
        return self.text[self.at] if self.at < len(self.text) else ""

    def alternatives(self):
        start = len(self.steps)
        self.sequence()
        if self.peek() == "|":
            self.at += 1
            # split(first, second) first… jump(end) second…, which may have alternatives of its own
            self.insert(start, ("split", start + 1, len(self.steps) + 2))
            jump = len(self.steps)
            self.steps.append(None)
            self.alternatives()
            self.steps[jump] = ("jump", len(self.steps))

    def insert(self, where, step):
        """Puts a step in front of those from `where` on, whose targets move by one."""
        self.steps[where:] = [step] + [shifted(old, 1) for old in self.steps[where:]]

    def sequence(self):
        if self.peek() == "^":
            self.at += 1
        while self.peek() not in ("", "|", ")"):
            if self.peek() == "$" and self.text[self.at + 1:self.at + 2] in ("", "|", ")"):
                self.at += 1
                return
            start = len(self.steps)
            self.atom()
            quantifier = self.peek()
            if quantifier == "{":
                self.repeat(start)
            elif quantifier and quantifier in "*+?":
                self.at += 1
                self.quantify(start, quantifier)

    def quantify(self, start, quantifier):
        if quantifier == "+":
            self.steps.append(("split", start, len(self.steps) + 1))
        elif quantifier == "?":
            self.insert(start, ("split", start + 1, len(self.steps) + 1))
        else:
            self.insert(start, ("split", start + 1, len(self.steps) + 2))
            self.steps.append(("jump", start))

    def repeat(self, start):
        """x{n} is x n times, x{n,m} has m-n more that may be left out."""
        found = re.match(r"\{(\d+)(?:,(\d+))?\}", self.text[self.at:])
        if not found or int(found[2] or found[1]) < max(int(found[1]), 1):
            raise ValueError(f"pattern {self.text!r}: repetition")
        self.at += found.end()
        once = [shifted(step, -start) for step in self.steps[start:]]
        del self.steps[start:]
        for number in range(int(found[2] or found[1])):
            begin = len(self.steps)
            self.steps += [shifted(step, begin) for step in once]
            if number >= int(found[1]):
                self.quantify(begin, "?")

    def atom(self):
        c = self.peek()
        if c == "(":
            self.at += 1
            self.alternatives()
            if self.peek() != ")":
                raise ValueError(f"pattern {self.text!r}: open group")
            self.at += 1
        elif c == "[":
            self.steps.append(("class", merged(self.bracket())))
        elif c == ".":
            self.at += 1
            self.steps.append(("class", merged(inverted([(0x0A, 0x0A)]))))
        else:
            self.steps.append(("class", merged(self.character())))

    def character(self):
        """One character or class escape, as ranges."""
        c = self.peek()
        self.at += 1
        if c != "\\":
            if c in "*+?{^$":
                raise ValueError(f"pattern {self.text!r}: {c!r} is not understood here")
            return [(ord(c), ord(c))]
        c = self.peek()
        self.at += 1
        if c == "u":
            code = int(self.text[self.at:self.at + 4], 16)
            self.at += 4
            return [(code, code)]
        if c == "p":
            letter = self.text[self.at + 1]
            if self.text[self.at:self.at + 3] != "{" + letter + "}":
                raise ValueError(f"pattern {self.text!r}: category")
            self.at += 3
            return category(letter)
        if c in CLASSES:
            return CLASSES[c]
        if c.isalnum():
            raise ValueError(f"pattern {self.text!r}: escape {c!r}")
        return [(ord(c), ord(c))]

    def bracket(self):
        self.at += 1
        is_inverted = self.peek() == "^"
        if is_inverted:
            self.at += 1
        ranges = []
        while self.peek() != "]":
            if self.peek() == "":
                raise ValueError(f"pattern {self.text!r}: class")
            if self.peek() in "*+?{^$":  # plain characters inside a class
                first = [(ord(self.peek()), ord(self.peek()))]
                self.at += 1
            else:
                first = self.character()
            if self.peek() == "-" and self.text[self.at + 1] != "]" and len(first) == 1:
                self.at += 1
                last = self.character()
                ranges.append((first[0][0], last[0][1]))
            else:
                ranges.extend(first)
        self.at += 1
        return inverted(ranges) if is_inverted else ranges


def compile_pattern(text):
    return Compiler(text).compile()
