// SPDX-License-Identifier: Apache-2.0
//
// Prints the schemas of an unpacked @aws-sdk/client-* package as JSON, for fetch_models.py.
// Usage: node dump_schemas.mjs <package folder>
// The package writes its schemas as nested arrays with numbers for types; here they get names.
import fs from "node:fs";
import path from "node:path";

const folder = path.join(process.argv[2], "dist-es");
const source = fs.readFileSync(path.join(folder, "schemas", "schemas_0.js"), "utf8")
  .replace(/^import .*$/gm, "")
  .replace(/^export /gm, "")
  .replace(/^[\w$]+\.registerError\(.*$/gm, "")
  .replace(/^const [\w$]+ = (new )?TypeRegistry.*$/gm, "")
  .replace(/^const errorTypeRegistries = \[[^\]]*\];?$/gm, "");
const names = [...source.matchAll(/^var ([\w$]+) = /gm)].map((match) => match[1]);
const class_of = "class TypeRegistry { static for() { return new TypeRegistry(); } registerError() {} }\n";
const schemas = new Function(
  `${class_of}${source}\nreturn {${names.map((name) => `${name}: ${name}`).join(", ")}};`)();

// Traits come as an object or, where none has a value, as a number of bits.
const traits_of = (traits) => {
  if (typeof traits === "number") {
    return {
      ...(traits & 1 ? { httpLabel: 1 } : {}), ...(traits & 8 ? { sensitive: 1 } : {}),
      ...(traits & 16 ? { httpPayload: 1 } : {}), ...(traits & 32 ? { httpResponseCode: 1 } : {}),
    };
  }
  return traits && typeof traits === "object" ? traits : {};
};

// Where a JSON protocol over REST puts a member, when not into the body.
const place_of = (traits) =>
  traits.httpLabel ? { in: "label" }
    : traits.httpPayload ? { in: "payload" }
      : traits.httpResponseCode ? { in: "status" }
        : traits.httpHeader ? { in: "header", wire: traits.httpHeader }
          : traits.httpQuery ? { in: "query", wire: traits.httpQuery } : {};

// A member's schema: a number, an array, a function to one of them, or [schema, traits].
function describe(schema, traits = {}) {
  if (typeof schema === "function") {
    return describe(schema(), traits);
  }
  if (Array.isArray(schema) && typeof schema[0] !== "number") {
    return describe(schema[0], { ...traits_of(schema[1]), ...traits });
  }
  if (Array.isArray(schema) && schema.length === 2) {
    return describe(schema[0], { ...traits_of(schema[1]), ...traits });
  }
  const out = place_of(traits);
  if (traits.xmlName !== undefined) {
    out.xml = traits.xmlName;
  }
  if (traits.ec2QueryName !== undefined) {
    out.query = traits.ec2QueryName;
  }
  if (traits.xmlFlattened) {
    out.flat = true;
  }
  if (typeof schema === "number") {
    if (schema >= 64 && schema < 128) {
      return { ...out, type: "list", of: describe(schema - 64) };
    }
    if (schema >= 128) {
      return { ...out, type: "map", of: describe(schema - 128) };
    }
    const types = {
      0: "string", 1: "number", 2: "boolean", 4: "timestamp", 5: "timestamp", 7: "timestamp", 21: "blob",
    };
    if (!(schema in types)) {
      throw new Error(`a schema of number ${schema}`);
    }
    return { ...out, type: types[schema] };
  }
  const [kind, , name] = schema;
  switch (kind) {
    case 0: {
      const simple = describe(schema[4] ?? 0);
      const sensitive = traits_of(schema[3]).sensitive === 1;
      return { ...out, ...simple, ...(sensitive ? { sensitive: true } : {}) };
    }
    case 1:
      return { ...out, type: "list", name, of: describe(schema[4]) };
    case 2:
      return { ...out, type: "map", of: describe(schema[5]) };
    case 3:
    case 4:  // a union: a structure of which one member is set
      return { ...out, type: "structure", shape: name };
    default:
      throw new Error(`${name} is of kind ${kind}`);
  }
}

const operations = {};
const structures = {};
const errors = {};
for (const schema of Object.values(schemas)) {
  if (!Array.isArray(schema)) {
    continue;
  }
  const [kind, , name, traits] = schema;
  if (kind === 9) {
    const shape_of = (get) => (typeof get() === "object" ? get()[2] : null);
    operations[name] = { input: shape_of(schema[4]), output: shape_of(schema[5]), http: traits_of(traits).http };
  } else if (kind === 3 || kind === 4) {
    const members = {};
    const failed = [];
    schema[4].forEach((member, i) => {
      try {
        members[member] = describe(schema[5][i]);
      } catch (error) {
        failed.push(`${member}: ${error.message}`);
      }
    });
    structures[name] = { required: schema[4].slice(0, schema[6] ?? 0), members, failed };
  } else if (kind === -3) {
    const query = traits_of(traits).awsQueryError;
    const http = traits_of(traits).httpError;
    errors[name] = {
      code: query ? query[0] : name, status: query ? query[1] : http ?? 400,
      message: schema[4].find((member) => member.toLowerCase() === "message"),
    };
  }
}

const enums = {};
const enums_file = path.join(folder, "models", "enums.js");
if (fs.existsSync(enums_file)) {
  const text = fs.readFileSync(enums_file, "utf8").replace(/^export /gm, "");
  const enum_names = [...text.matchAll(/^const (\w+) = /gm)].map((match) => match[1]);
  const values = new Function(`${text}\nreturn {${enum_names.join(", ")}};`)();
  for (const [name, value] of Object.entries(values)) {
    enums[name] = Object.values(value);
  }
}
process.stdout.write(JSON.stringify({ operations, structures, errors, enums }));
