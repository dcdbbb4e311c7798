# SPDX-License-Identifier: Apache-2.0
"""The half of generate_shapes.py for services that speak JSON (Lambda over REST, CloudWatch Logs): requests come
as a path, a query, headers and a body, and answers are a status, headers and a body."""
from shape_text import HEAD, quoted

PLACES = {"label": "kLabel", "query": "kQuery", "header": "kHeader", "payload": "kPayload"}
# Operations whose answers have their empty lists and maps too: clients walk over them.
LISTING = ("List", "Describe", "Filter", "GetLogEvents")


class JsonShapes:
    """Mixed into Generator: replaces what differs from the query protocols."""

    INCLUDES = ('#include "api/json_answer.h"\n#include "api/json_request.h"\n#include "api/json_writer.h"\n'
                '#include "api/operation.h"\n#include "api/service_info.h"\n#include "base/result.h"\n'
                '#include "base/secret.h"\n#include "base/time.h"\n')

    def cpp_type(self, member):
        # What a caller sends as a blob is no secret to be wiped: a function's code, an event.
        return "std::string" if member["type"] == "blob" else super().cpp_type(member)

    def shared_outputs(self):
        """The shapes that several operations answer with, or one that is also inside of another answer."""
        used = [sides.get("output") for sides in self.model["operations"].values() if sides.get("output")]
        return {shape for shape in used
                if (used.count(shape) > 1 or shape in self.outputs) and shape not in self.responses}

    def field(self, shape, name, member):
        is_update = shape.startswith("Update") and shape.endswith("Request")
        if is_update and member["type"] in ("list", "map") and name not in self.shapes[shape]["required"]:
            # Nothing sent leaves it as it is, an empty list takes all away.
            return f"  std::optional<{self.cpp_type(member)}> {name};\n"
        return super().field(shape, name, member)

    def struct(self, name, shape):
        if name in self.responses and shape in self.shared_outputs():
            return f"struct {name} : {shape} {{}};\n\n"
        return super().struct(name, shape)

    def nested(self):
        # In the order of the operations: what they answer with holds only what was collected before.
        out = super().nested()
        return out + sorted(shape for shape in self.shared_outputs() if shape not in out)

    def declarations(self):
        out = [f"Result<{name}> parse_{name}(const JsonRequest& request);\n" for name in self.requests]
        out.append("\n// Each writes the members into the object that is open.\n")
        out += [f"void write(JsonWriter& json, const {name}& value);\n" for name in self.outputs]
        out.append("\n")
        out += [f"JsonAnswer answer(const {name}& value);\n" for name in self.responses]
        return "".join(out)

    def operation(self, operation, sides):
        request = f"{self.service}::{operation}Request"
        return (f"template <>\nstruct Operation<{request}> {{\n"
                f"  using Response = {self.service}::{operation}Response;\n"
                f"  static constexpr std::string_view kAction = \"{operation}\";\n"
                f"  static const ServiceInfo& service() {{ return {self.service}::service_info(); }}\n"
                f"  static Result<{request}> parse(const JsonRequest& call) {{\n"
                f"    return {self.service}::parse_{operation}Request(call);\n  }}\n"
                f"  static JsonAnswer answer(const Response& value) {{ return {self.service}::answer(value); }}\n}};\n")

    # Parsers

    def json_member(self, shape, name, member):
        parts = [f'.name = "{name}"']
        if "in" in member:
            parts.append(f'.wire = "{member.get("wire", name)}"')
            parts.append(f".place = Place::{PLACES[member['in']]}")
        if name in self.shapes[shape]["required"]:
            parts.append(".required = true")
        if limits := self.limits(member):
            parts.append(f".limits = {limits}")
        if member["type"] in ("list", "map"):
            if member["of"]["type"] in ("list", "map"):
                raise SystemExit(f"{self.service}: {shape}.{name} is nested too deep")
            if limits := self.limits(member["of"]):
                parts.append(f".item_limits = {limits}")
        if member["type"] == "map" and (limits := self.limits(member["key"])):
            parts.append(f".key_limits = {limits}")
        if member["type"] == "blob":
            parts.append(".is_blob = true")
        return f"{{{', '.join(parts)}}}"

    def reader(self, name, shape):
        members = self.shapes[shape]["members"] if shape else {}
        unused = "" if members else "[[maybe_unused]] "
        body = "".join(f"  reader.read({self.json_member(shape, member, schema)}, out.{member});\n"
                       for member, schema in members.items())
        return f"static void read_members({unused}JsonReader& reader, {unused}{name}& out) {{\n{body}}}\n\n"

    def parsers(self):
        self.enums = {}
        readers = [self.reader(shape, shape) for shape in self.inputs]
        readers += [self.reader(name, shape) for name, shape in self.requests.items()]
        public = []
        for name, shape in self.requests.items():
            members = self.shapes[shape]["members"] if shape else {}
            is_raw = any(member.get("in") == "payload" for member in members.values())
            public.append(
                f"Result<{name}> parse_{name}(const JsonRequest& request) {{\n"
                f"  JsonReader reader(request, service_info(), JsonReader::Body::{'kRaw' if is_raw else 'kJson'});\n"
                f"  {name} out;\n  read_members(reader, out);\n  TRIVET_CHECK_OK(reader.finish());\n"
                "  return out;\n}\n\n")
        enums = "".join(
            f"constexpr std::string_view kValues{number}[] = {{{', '.join(quoted(v) for v in values)}}};\n"
            for values, number in self.enums.items())
        declared = "".join(f"static void read_members(JsonReader& reader, {name}& out);\n"
                           for name in self.inputs + list(self.requests))
        return (f'{HEAD}#include "api/json_reader.h"\n#include "api/shapes/patterns.h"\n'
                f'#include "api/shapes/{self.service}.h"\n\nnamespace trivet::api::{self.service} {{\n'
                f"namespace {{\n\n{enums}\n}}  // namespace\n\n{declared}\n" + "".join(readers) + "".join(public) +
                f"}}  // namespace trivet::api::{self.service}\n")

    # Answers

    def write_member(self, name, member, keep_empty):
        if member["type"] == "blob":
            return f'  put_blob(json, "{name}", value.{name});\n'
        if member["type"] in ("list", "map"):
            keep = "Empty::kKept" if keep_empty else "Empty::kLeftOut"
            return f'  put(json, "{name}", value.{name}, {keep});\n'
        return f'  put(json, "{name}", value.{name});\n'

    def answer(self, name, shape, operation):
        members = self.shapes[shape]["members"] if shape else {}
        status = self.model.get("routes", {}).get(operation, [None, None, 200])[2]
        lines = [f"  JsonAnswer out{{.status = {status}, .headers = {{}}, .body = {{}}}};\n"]
        in_body = {}
        for member, schema in members.items():
            place = schema.get("in")
            if place == "status":
                lines.append(f"  set_status(out, value.{member});\n")
            elif place == "header":
                lines.append(f'  set_header(out, "{schema["wire"]}", value.{member});\n')
            elif place == "payload":
                lines.append(f"  set_payload(out, value.{member});\n")
            elif place is None:
                in_body[member] = schema
        if in_body:
            keep_empty = operation.startswith(LISTING)
            lines.append("  JsonWriter json;\n  json.open_object();\n")
            lines += [self.write_member(member, schema, keep_empty) for member, schema in in_body.items()]
            lines.append("  json.close();\n  out.body = json.take();\n")
        unused = "" if members else "[[maybe_unused]] "
        return f"JsonAnswer answer({unused}const {name}& value) {{\n{''.join(lines)}  return out;\n}}\n\n"

    def writers(self):
        out = [f'{HEAD}#include "api/json_writer.h"\n#include "api/shapes/{self.service}.h"\n\n'
               f"namespace trivet::api::{self.service} {{\n\n"]
        for shape in self.outputs:
            members = self.shapes[shape]["members"]
            unused = "" if members else "[[maybe_unused]] "
            body = "".join(self.write_member(member, schema, False) for member, schema in members.items())
            out.append(f"void write({unused}JsonWriter& json, {unused}const {shape}& value) {{\n{body}}}\n\n")
        for name, shape in self.responses.items():
            out.append(self.answer(name, shape, name.removesuffix("Response")))
        out.append(f"}}  // namespace trivet::api::{self.service}\n")
        return "".join(out)

    # The service

    def more_info(self):
        """(what stands before the ServiceInfo, what stands behind its first members)"""
        routes = "".join(f"    {{{quoted(method)}, {quoted(path)}, {quoted(name)}}},\n"
                         for name, (method, path, _) in self.model.get("routes", {}).items())
        table = f"constexpr Route kRoutes[] = {{\n{routes}}};\n" if routes else \
            "constexpr std::span<const Route> kRoutes;\n"
        return table, f", kRoutes, {quoted(self.model.get('targetPrefix', ''))}"

    def message_member(self, error):
        return f", {quoted(error['message'])}" if error.get("message") else ""
