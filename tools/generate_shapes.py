#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns src/api/models/*.json into C++: request structs with their parsers, response structs with their
writers, and what is known of each service.

Usage: tools/generate_shapes.py OUT_DIR MODEL.json...

Writes OUT_DIR/<service>.h, <service>_parse.cc, <service>_write.cc, <service>_info.cc, and patterns.h/.cc for all.
A file is left alone when its text is the same, so that nothing is compiled for nothing.
"""
import json
import pathlib
import sys

from compile_pattern import compile_pattern
from json_shapes import JsonShapes
from shape_text import HEAD, quoted

SCALARS = {
    "string": "std::string", "integer": "std::int32_t", "long": "std::int64_t", "double": "double",
    "boolean": "bool", "timestamp": "WallTime", "blob": "std::string",  # a blob: the handler writes it in base64
}
# What compile_pattern has no words for, said otherwise; lengths are checked apart from patterns.
SAME_LANGUAGE = {
    "^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$": "[a-z0-9](-?[a-z0-9])*",
    "(?!^[0-9]+$)([a-zA-Z0-9-_]+)": "[0-9]*[a-zA-Z_-][a-zA-Z0-9_-]*",
    "[0-9A-Za-z\\.\\-_]*(?<!\\.)": "([0-9A-Za-z.\\-_]*[0-9A-Za-z\\-_])?",
}


class Patterns:
    """All patterns of all services, each once."""

    def __init__(self):
        self.numbers = {}

    def name(self, text):
        return f"kPattern{self.numbers.setdefault(text, len(self.numbers))}"

    def header(self):
        names = "".join(f"extern const Pattern kPattern{n};  // {text}\n" for text, n in self.numbers.items())
        return (f'{HEAD}#pragma once\n\n#include "api/pattern.h"\n\nnamespace trivet::api::patterns {{\n\n'
                f"{names}\n}}  // namespace trivet::api::patterns\n")

    def source(self):
        out = [HEAD, '#include "api/shapes/patterns.h"\n\nnamespace trivet::api::patterns {\nnamespace {\n\n']
        classes, programs = {}, []
        for text, number in self.numbers.items():
            used, steps = [], []
            for step in compile_pattern(SAME_LANGUAGE.get(text, text)):
                if step[0] == "class":
                    index = classes.setdefault(step[1], len(classes))
                    if index not in used:
                        used.append(index)
                    steps.append(f"{{PatternStep::Kind::kClass, {used.index(index)}}}")
                elif step[0] == "split":
                    steps.append(f"{{PatternStep::Kind::kSplit, {step[1]}, {step[2]}}}")
                elif step[0] == "jump":
                    steps.append(f"{{PatternStep::Kind::kJump, {step[1]}}}")
                else:
                    steps.append("{PatternStep::Kind::kMatch}")
            programs.append((number, text, used, steps))
        for ranges, index in classes.items():
            pairs = ", ".join(f"{{0x{first:X}, 0x{last:X}}}" for first, last in ranges)
            out.append(f"constexpr CodeRange kRanges{index}[] = {{{pairs}}};\n")
        for number, _, used, steps in programs:
            out.append(f"constexpr std::span<const CodeRange> kClasses{number}[] = "
                       f"{{{', '.join(f'kRanges{index}' for index in used)}}};\n")
            out.append(f"constexpr PatternStep kSteps{number}[] = {{{', '.join(steps)}}};\n")
        out.append("\n}  // namespace\n\n")
        for number, text, _, _ in programs:
            out.append(f"const Pattern kPattern{number} = {{{quoted(text)}, kSteps{number}, kClasses{number}}};\n")
        out.append("\n}  // namespace trivet::api::patterns\n")
        return "".join(out)


class Generator:
    INCLUDES = ('#include "api/operation.h"\n#include "api/query_params.h"\n'
                '#include "api/service_info.h"\n#include "base/result.h"\n#include "base/secret.h"\n'
                '#include "base/time.h"\n#include "base/xml_writer.h"\n')

    def __init__(self, model, patterns):
        self.model = model
        self.patterns = patterns
        self.service = model["service"]
        self.is_ec2 = model["protocol"] == "ec2"
        self.shapes = model["shapes"]
        self.requests, self.responses = {}, {}  # C++ name → shape of the model
        self.inputs, self.outputs = [], []      # nested structures, in an order in which they can be declared
        for operation, sides in model["operations"].items():
            self.requests[operation + "Request"] = sides.get("input")
            self.responses[operation + "Response"] = sides.get("output")
            if sides.get("input"):
                self.collect(sides["input"], self.inputs, ())
            if sides.get("output"):
                self.collect(sides["output"], self.outputs, ())
        nested = set(self.inputs) | set(self.outputs)
        clash = nested & (set(self.requests) | set(self.responses))
        if clash:
            raise SystemExit(f"{self.service}: names used twice: {clash}")

    def collect(self, shape, into, path):
        """Adds the structures that `shape` holds, innermost first."""
        if shape in path:
            raise SystemExit(f"{self.service}: {shape} holds itself")
        for member in self.shapes[shape]["members"].values():
            inner = member
            while inner["type"] in ("list", "map"):
                inner = inner["of"]
            if inner["type"] == "structure" and inner["shape"] not in into:
                self.collect(inner["shape"], into, path + (shape,))
                into.append(inner["shape"])

    # Names and types

    def cpp_type(self, member):
        if member["type"] == "list":
            return f"std::vector<{self.cpp_type(member['of'])}>"
        if member["type"] == "map":
            return f"std::map<std::string, {self.cpp_type(member['of'])}>"
        if member["type"] == "structure":
            return f"{self.service}::{member['shape']}"
        return "SecretString" if member.get("sensitive") else SCALARS[member["type"]]

    def field(self, shape, name, member):
        kind = self.cpp_type(member)
        if member["type"] in ("list", "map"):
            return f"  {kind} {name};\n"
        if name in self.shapes[shape]["required"]:
            needs_value = member["type"] in ("integer", "long", "double", "boolean")
            zero = " = false" if member["type"] == "boolean" else " = 0"
            return f"  {kind} {name}{zero if needs_value else ''};\n"
        return f"  std::optional<{kind}> {name};\n"

    def query_name(self, name, member):
        if not self.is_ec2:
            return member.get("xml", name)
        xml = member.get("xml", name)
        return member.get("query", xml[0].upper() + xml[1:])

    def item_name(self, member):
        """Of a list in a response, and in a request of the query protocol."""
        return member["of"].get("xml", "item" if self.is_ec2 else "member")

    # The header

    def nested(self):
        return list(self.inputs) + [shape for shape in self.outputs if shape not in self.inputs]

    def header(self):
        out = [HEAD, f"//\n// The shapes of {self.service.upper()} {self.model['apiVersion']}, with AWS's names.\n"
               "#pragma once\n\n#include <cstdint>\n#include <map>\n#include <optional>\n#include <string>\n"
               "#include <string_view>\n"
               f"#include <vector>\n\n{self.INCLUDES}\nnamespace trivet::api::{self.service} {{\n\n",
               "const ServiceInfo& service_info();\n\n"]
        for shape in self.nested():
            out.append(self.struct(shape, shape))
        for name, shape in list(self.requests.items()) + list(self.responses.items()):
            out.append(self.struct(name, shape))
        out.append(self.declarations())
        out.append(f"\n}}  // namespace trivet::api::{self.service}\n\nnamespace trivet::api {{\n\n")
        out += [self.operation(name, sides) for name, sides in self.model["operations"].items()]
        out.append("\n}  // namespace trivet::api\n")
        return "".join(out)

    def declarations(self):
        out = [f"Result<{name}> parse_{name}(const QueryParams& params);\n" for name in self.requests]
        out.append("\n// Each writes the members, without an element of its own.\n")
        out += [f"void write(XmlWriter& xml, const {name}& value);\n" for name in self.outputs + list(self.responses)]
        return "".join(out)

    def operation(self, operation, sides):
        request = f"{self.service}::{operation}Request"
        has_result = "true" if sides.get("output") or sides.get("emptyResult") else "false"
        return (f"template <>\nstruct Operation<{request}> {{\n"
                f"  using Response = {self.service}::{operation}Response;\n"
                f"  static constexpr std::string_view kAction = \"{operation}\";\n"
                f"  static constexpr bool kHasResult = {has_result};\n"
                f"  static const ServiceInfo& service() {{ return {self.service}::service_info(); }}\n"
                f"  static Result<{request}> parse(const QueryParams& params) {{\n"
                f"    return {self.service}::parse_{operation}Request(params);\n  }}\n}};\n")

    def struct(self, name, shape):
        members = self.shapes[shape]["members"] if shape else {}
        fields = "".join(self.field(shape, member, schema) for member, schema in members.items())
        return f"struct {name} {{\n{fields}}};\n\n"

    # Parsers

    def limits(self, member):
        parts = []
        if member["type"] in ("string", "integer", "long", "double", "list", "map"):
            parts += [f".{key} = {int(member[key])}" for key in ("min", "max") if key in member]
        if member.get("sensitive") and "pattern" in member:
            raise SystemExit(f"{self.service}: a pattern for a secret")
        if "pattern" in member:
            parts.append(f".pattern = &patterns::{self.patterns.name(member['pattern'])}")
        if "enum" in member:
            parts.append(f".values = kValues{self.values(member['enum'])}")
        return f"{{{', '.join(parts)}}}" if parts else ""

    def values(self, values):
        return self.enums.setdefault(tuple(values), len(self.enums))

    def read(self, shape, name, member):
        if member["type"] == "map":
            raise SystemExit(f"{self.service}: {shape}.{name} is a map that cannot be read")
        parts = [f'.name = "{name}"', f'.wire = "{self.query_name(name, member)}"']
        if name in self.shapes[shape]["required"]:
            parts.append(".required = true")
        if limits := self.limits(member):
            parts.append(f".limits = {limits}")
        if member["type"] == "list":
            if member["of"]["type"] == "list":
                raise SystemExit(f"{self.service}: {shape}.{name} is a list of lists")
            if not self.is_ec2 and not member.get("flat"):
                parts.append(f'.item = "{self.item_name(member)}"')
            if limits := self.limits(member["of"]):
                parts.append(f".item_limits = {limits}")
        return f"  reader.read({{{', '.join(parts)}}}, out.{name});\n"

    def reader(self, name, shape):
        members = self.shapes[shape]["members"] if shape else {}
        unused = "" if members else "[[maybe_unused]] "
        body = "".join(self.read(shape, member, schema) for member, schema in members.items())
        return f"void read_members({unused}ShapeReader& reader, {unused}{name}& out) {{\n{body}}}\n\n"

    def parsers(self):
        self.enums = {}
        out = [self.reader(shape, shape) for shape in self.inputs]
        for name, shape in self.requests.items():
            out.append(self.reader(name, shape))
        public = "".join(
            f"Result<{name}> parse_{name}(const QueryParams& params) {{\n"
            f"  ShapeReader reader(params, service_info());\n  {name} out;\n  read_members(reader, out);\n"
            "  reader.refuse_unknown();\n  TRIVET_CHECK_OK(reader.finish());\n  return out;\n}\n\n"
            for name in self.requests)
        enums = "".join(
            f"constexpr std::string_view kValues{number}[] = {{{', '.join(quoted(v) for v in values)}}};\n"
            for values, number in self.enums.items())
        # Declared in the shapes' own namespace, so that ShapeReader finds them by their arguments.
        declared = "".join(f"static void read_members(ShapeReader& reader, {name}& out);\n"
                           for name in self.inputs + list(self.requests))
        return (f'{HEAD}#include "api/shape_reader.h"\n#include "api/shapes/patterns.h"\n'
                f'#include "api/shapes/{self.service}.h"\n\nnamespace trivet::api::{self.service} {{\n'
                f"namespace {{\n\n{enums}\n}}  // namespace\n\n{declared}\n" + "".join(out).replace(
                    "void read_members", "static void read_members") + public +
                f"}}  // namespace trivet::api::{self.service}\n")

    # Writers

    def write(self, name, member):
        element = member.get("xml", name)
        if member["type"] == "map":
            return f'  put_map(xml, "{element}", value.{name});\n'
        if member["type"] == "list":
            if member.get("flat") or member["of"]["type"] in ("list", "timestamp"):
                raise SystemExit(f"{self.service}: {name} is a list that cannot be written")
            return f'  put_list(xml, "{element}", "{self.item_name(member)}", value.{name});\n'
        seconds = member["type"] == "timestamp" and self.service in ("iam", "sts")
        return f'  {"put_seconds" if seconds else "put"}(xml, "{element}", value.{name});\n'

    def writers(self):
        out = [f'{HEAD}#include "api/shape_writer.h"\n#include "api/shapes/{self.service}.h"\n\n'
               f"namespace trivet::api::{self.service} {{\n\n"]
        shapes = [(shape, shape) for shape in self.outputs] + list(self.responses.items())
        for name, shape in shapes:
            members = self.shapes[shape]["members"] if shape else {}
            unused = "" if members else "[[maybe_unused]] "
            body = "".join(self.write(member, schema) for member, schema in members.items())
            out.append(f"void write({unused}XmlWriter& xml, {unused}const {name}& value) {{\n{body}}}\n\n")
        out.append(f"}}  // namespace trivet::api::{self.service}\n")
        return "".join(out)

    # The service

    def info(self):
        model = self.model
        actions = ", ".join(quoted(name) for name in sorted(model["allOperations"]))
        faults = ", ".join(
            f"{{{quoted(name)}, {quoted(error['code'])}, {error['status']}{self.message_member(error)}}}"
            for name, error in sorted(model["errors"].items()))
        table = f"constexpr FaultInfo kFaults[] = {{{faults}}};\n" if faults else \
            "constexpr std::span<const FaultInfo> kFaults;\n"
        kind = "k" + self.service.capitalize()
        more_tables, more = self.more_info()
        return (f'{HEAD}#include "api/shapes/{self.service}.h"\n\nnamespace trivet::api::{self.service} {{\n'
                f"namespace {{\n\nconstexpr std::string_view kActions[] = {{{actions}}};\n{table}{more_tables}\n"
                "constexpr ServiceInfo kInfo = {\n"
                f"    ServiceKind::{kind}, {quoted(self.service)}, {quoted(model['apiVersion'])},\n"
                f"    {quoted(model['xmlNamespace'])}, kActions, kFaults{more}}};\n\n}}  // namespace\n\n"
                f"const ServiceInfo& service_info() {{ return kInfo; }}\n\n"
                f"}}  // namespace trivet::api::{self.service}\n")

    def more_info(self):
        return "", ""

    def message_member(self, _error):
        return ""


class JsonGenerator(JsonShapes, Generator):
    pass


def write_if_changed(path, text):
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    patterns = Patterns()
    for model_path in sys.argv[2:]:
        model = json.loads(pathlib.Path(model_path).read_text())
        kind = JsonGenerator if model["protocol"] in ("json", "rest-json") else Generator
        generator = kind(model, patterns)
        write_if_changed(out / f"{generator.service}.h", generator.header())
        write_if_changed(out / f"{generator.service}_parse.cc", generator.parsers())
        write_if_changed(out / f"{generator.service}_write.cc", generator.writers())
        write_if_changed(out / f"{generator.service}_info.cc", generator.info())
    write_if_changed(out / "patterns.h", patterns.header())
    write_if_changed(out / "patterns.cc", patterns.source())


if __name__ == "__main__":
    main()
