// SPDX-License-Identifier: Apache-2.0
//
// Asks two implementations the same random questions: the policy core (the program evaluate_cases) and
// @cloud-copilot/iam-simulate. Usage: node differential.mjs PROGRAM PACKAGES [COUNT] [SEED]
// PACKAGES is a node_modules folder that has the package; tests/policy/run makes one. Prints each disagreement that
// `rewritings` below does not explain and ends with 1 when there is one.
//
// A case: principal (ARN), action, resource, resourceAccount, context {key: value or [values]}, and lists of policies
// identity, boundary, session, guardrails, resourcePolicies.
import { spawnSync } from "node:child_process";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [program, packages, countText = "100000", seedText = "1"] = process.argv.slice(2);
const load = (name, file) => import(pathToFileURL(path.join(packages, "@cloud-copilot", name, "dist/esm", file)));
const { loadPolicy } = await load("iam-policy", "index.js");
const { authorize } = await load("iam-simulate", "core_engine/CoreSimulatorEngine.js");
const { AwsRequestImpl } = await load("iam-simulate", "request/request.js");
const { RequestContextImpl } = await load("iam-simulate", "requestContext.js");
const { DiscoveryContextKeyConstraints } = await load("iam-simulate", "context_keys/discoveryContextKeyConstraints.js");

// Random, from a seed: mulberry32.
let state = Number(seedText) >>> 0;
function random() {
  state = (state + 0x6d2b79f5) >>> 0;
  let t = state;
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
const chance = (share) => random() < share;
const pick = (list) => list[Math.floor(random() * list.length)];
const some = (list, most) => Array.from({ length: 1 + Math.floor(random() * most) }, () => pick(list));
const one_or_list = (values) => (values.length === 1 && chance(0.7) ? values[0] : values);

const ACCOUNT = "123456789012";
const PRINCIPALS = [
  `arn:aws:iam::${ACCOUNT}:user/jane`, `arn:aws:iam::${ACCOUNT}:user/dev/ann`,
  `arn:aws:sts::${ACCOUNT}:assumed-role/app/s1`, `arn:aws:sts::${ACCOUNT}:assumed-role/ops/s2`,
  "arn:aws:iam::999988887777:user/eve",
];
const ACTIONS = ["rds-db:connect", "rds:CreateDBCluster", "rds:DescribeDBClusters", "iam:GetUser", "sts:AssumeRole"];
const ACTION_PATTERNS = [...ACTIONS, "*", "rds:*", "rds:Describe*", "RDS:createdbcluster", "rds-db:con?ect", "iam:*User",
  "iam:Get????", "rds:*DB*", "sts:?ssume*", "rds-db:*"];
const RESOURCES = [
  `arn:aws:rds-db:us-east-1:${ACCOUNT}:dbuser:cluster-ABC/jane`, `arn:aws:rds-db:us-east-1:${ACCOUNT}:dbuser:cluster-ABC/ann`,
  `arn:aws:rds-db:eu-west-1:${ACCOUNT}:dbuser:cluster-DEF/jane`, `arn:aws:rds:us-east-1:${ACCOUNT}:cluster:prod-1`,
  `arn:aws:rds:us-east-1:${ACCOUNT}:cluster:dev-1`, `arn:aws:iam::${ACCOUNT}:user/jane`, `arn:aws:iam::${ACCOUNT}:role/app`,
];
const RESOURCE_PATTERNS = [...RESOURCES, "*", `arn:aws:rds-db:*:${ACCOUNT}:dbuser:*/*`, `arn:aws:rds-db:*:*:dbuser:*/jane`,
  "arn:aws:rds-db:us-east-1:*:dbuser:cluster-ABC/*", `arn:aws:rds:*:${ACCOUNT}:cluster:prod-*`, "arn:aws:rds:*:*:*",
  `arn:aws:iam::${ACCOUNT}:*`, `arn:aws:iam::*:user/j?ne`, `arn:*:rds:*:*:cluster:*-1`, "arn:aws:rds:*",
  `arn:aws:rds-db:us-east-1:${ACCOUNT}`, "arn:aws:rds-db:us-east-?:*:dbuser:cluster-???/j*n*e"];
const VARIABLE_RESOURCES = [`arn:aws:rds-db:*:${ACCOUNT}:dbuser:*/\${aws:username}`,
  `arn:aws:iam::${ACCOUNT}:user/\${aws:PrincipalTag/who}`, `arn:aws:iam::${ACCOUNT}:user/\${aws:PrincipalTag/none, 'jane'}`,
  `arn:aws:rds:us-east-1:${ACCOUNT}:cluster:\${aws:PrincipalTag/team}-1`];
const STRINGS = ["jane", "ann", "Jane", "prod", "dev", "a*", "j?ne", "", "us-east-1", "prod-1"];
const KEYS = {  // context key → values that a request may have
  "aws:username": ["jane", "ann"], "aws:PrincipalTag/team": ["prod", "dev", "Prod"], "aws:PrincipalTag/who": ["jane", "*"],
  "aws:RequestedRegion": ["us-east-1", "eu-west-1"], "aws:SourceIp": ["10.1.2.3", "192.0.2.7", "2001:db8::1"],
  "aws:CurrentTime": ["2024-05-06T07:08:09Z", "2026-01-02T03:04:05Z"], "aws:EpochTime": ["1714979289", "1767323045"],
  "aws:MultiFactorAuthAge": ["10", "3600", "1e2"], "aws:SecureTransport": ["true", "false"],
  "aws:PrincipalArn": [`arn:aws:iam::${ACCOUNT}:user/jane`, `arn:aws:iam::${ACCOUNT}:role/app`],
  "aws:TagKeys": [["team"], ["team", "who"], ["a", "b", "c"], []], "rds:DatabaseEngine": ["mysql", "MySQL"],
};
const OPERATORS = {  // base operator → values that a policy may have
  StringEquals: STRINGS, StringNotEquals: STRINGS, StringEqualsIgnoreCase: STRINGS, StringNotEqualsIgnoreCase: STRINGS,
  StringLike: [...STRINGS, "*", "?*", "us-*", "*-1"], StringNotLike: [...STRINGS, "*", "us-*"],
  NumericEquals: ["10", "100"], NumericNotEquals: ["10", "3600"], NumericLessThan: ["100", "4000"],
  NumericLessThanEquals: ["10", "3599"], NumericGreaterThan: ["9", "10"], NumericGreaterThanEquals: ["3600", "1"],
  DateEquals: ["2024-05-06T07:08:09Z", "1714979289"], DateNotEquals: ["2024-05-06T07:08:09Z"],
  DateLessThan: ["2025-01-01T00:00:00Z", "1735689600"], DateLessThanEquals: ["2024-05-06T07:08:09Z"],
  DateGreaterThan: ["2025-01-01T00:00:00Z"], DateGreaterThanEquals: ["2026-01-02T03:04:05Z"], Bool: ["true", "false", "TRUE"],
  IpAddress: ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32", "0.0.0.0/0"], NotIpAddress: ["10.0.0.0/8", "2001:db8::/32"],
  ArnEquals: [`arn:aws:iam::${ACCOUNT}:user/jane`, `arn:aws:iam::${ACCOUNT}:role/*`], ArnNotEquals: [`arn:aws:iam::*:user/*`],
  ArnLike: ["arn:aws:iam::*:user/j*", `arn:*:iam::${ACCOUNT}:role/a?p`], ArnNotLike: ["arn:aws:iam::*:role/*"], Null: ["true", "false"],
};
// Which keys an operator is mostly asked about: others are tried too, rarely.
const FITTING = {
  String: ["aws:username", "aws:PrincipalTag/team", "aws:RequestedRegion", "rds:DatabaseEngine", "aws:PrincipalTag/who"],
  Numeric: ["aws:MultiFactorAuthAge"], Date: ["aws:CurrentTime", "aws:EpochTime"], Bool: ["aws:SecureTransport"],
  Ip: ["aws:SourceIp"], NotIp: ["aws:SourceIp"], Arn: ["aws:PrincipalArn"], Null: Object.keys(KEYS),
};

function condition() {
  const out = {};
  for (let i = 0; i < 1 + Math.floor(random() * 2); ++i) {
    const base = pick(Object.keys(OPERATORS));
    const fitting = FITTING[Object.keys(FITTING).find((start) => base.startsWith(start))];
    let operator = base;
    let key = pick(fitting);
    if (base.startsWith("String") && chance(0.4)) {
      key = "aws:TagKeys";
    }
    if (base !== "Null") {
      if (key === "aws:TagKeys" || chance(0.1)) {
        operator = pick(["ForAllValues:", "ForAnyValue:"]) + base;
      }
      if (chance(0.2)) {
        operator += "IfExists";
      }
    }
    let values = some(OPERATORS[base], base === "Null" ? 1 : 3);
    if (base.startsWith("String") && key === "aws:TagKeys") {
      values = some(["team", "who", "a", "*", "t*"], 3);
    } else if (base.startsWith("String") && chance(0.15)) {
      values.push(pick(["${aws:username}", "${aws:PrincipalTag/team}", "${aws:PrincipalTag/none, 'dev'}", "${*}"]));
    }
    out[operator] = { ...out[operator], [key]: one_or_list([...new Set(values)]) };
  }
  return out;
}

function statement(principals) {
  const out = { Effect: chance(0.75) ? "Allow" : "Deny" };
  out[chance(0.9) ? "Action" : "NotAction"] = one_or_list(some(ACTION_PATTERNS, 3));
  const resources = chance(0.15) ? some(VARIABLE_RESOURCES, 2) : some(RESOURCE_PATTERNS, 3);
  out[chance(0.88) ? "Resource" : "NotResource"] = one_or_list(resources);
  if (principals) {
    const named = [...PRINCIPALS, "999988887777", `arn:aws:iam::${ACCOUNT}:root`, ACCOUNT, "*", `arn:aws:iam::${ACCOUNT}:role/app`];
    out[out.Effect === "Deny" && chance(0.2) ? "NotPrincipal" : "Principal"] = { AWS: one_or_list(some(named, 2)) };
  }
  if (chance(0.4)) {
    out.Condition = condition();
  }
  return out;
}

const policy = (principals = false) => ({
  Version: chance(0.95) ? "2012-10-17" : "2008-10-17",
  Statement: Array.from({ length: 1 + Math.floor(random() * 3) }, () => statement(principals)),
});
const policies = (share, principals) => (chance(share) ? Array.from({ length: chance(0.3) ? 2 : 1 }, () => policy(principals)) : []);

function make_case() {
  const principal = pick(PRINCIPALS);
  const context = {};
  for (const [key, values] of Object.entries(KEYS)) {
    if (chance(0.6)) {
      context[key] = pick(values);
    }
  }
  const is_session = principal.includes(":assumed-role/");
  return {
    principal, context, action: pick(ACTIONS), resource: pick(RESOURCES), resourceAccount: ACCOUNT,
    identity: policies(0.95), boundary: chance(0.25) ? [policy()] : [], session: is_session && chance(0.3) ? [policy()] : [],
    guardrails: chance(0.2) ? [policy()] : [], resourcePolicies: chance(0.25) ? [policy(true)] : [],
  };
}

function simulate(test) {
  const named = (list) => list.map((document, i) => loadPolicy(document, { name: `p${i}` }));
  const request = new AwsRequestImpl(test.principal, { resource: test.resource, accountId: test.resourceAccount },
    test.action, new RequestContextImpl(test.context));
  const analysis = authorize({
    request, sessionPolicy: named(test.session)[0], identityPolicies: named(test.identity),
    serviceControlPolicies: test.guardrails.length ? [{ orgIdentifier: "o", policies: named(test.guardrails) }] : [],
    resourceControlPolicies: [], resourcePolicy: named(test.resourcePolicies)[0],
    permissionBoundaries: test.boundary.length ? named(test.boundary) : undefined, vpcEndpointPolicies: undefined,
    simulationParameters: { simulationMode: "Strict", discoveryContextKeyConstraints: new DiscoveryContextKeyConstraints([]) },
  });
  return { Allowed: "allowed", ImplicitlyDenied: "implicitDeny", ExplicitlyDenied: "explicitDeny" }[analysis.result];
}

// Where the two may differ: each entry makes of a case one that says the same in words which both understand alike.
// A disagreement is explained when iam-simulate's verdict on that case is ours on the first.
const over_statements = (test, change) => {
  const copy = structuredClone(test);
  for (const kind of ["identity", "boundary", "session", "guardrails", "resourcePolicies"]) {
    for (const document of copy[kind]) {
      document.Statement = document.Statement.map((each) => change(each, document, copy)).filter((each) => each !== null);
    }
    copy[kind] = copy[kind].filter((document) => document.Statement.length > 0 || kind === "boundary" || kind === "session"
      || kind === "guardrails" || kind === "resourcePolicies");
  }
  return copy;
};
const listed = (value) => (Array.isArray(value) ? value : [value]);
const has_value = (text, document, context) => document.Version !== "2012-10-17" ||
  [...text.matchAll(/\$\{([^},]+)(,[^}]*)?\}/g)].every(([, key, fallback]) =>
    fallback || "*?$".includes(key) || Object.keys(context).some((name) => name.toLowerCase() === key.toLowerCase()));
const rewritings = {
  // reference_policies_elements_condition_operators, "Date condition operators": a date or "epoch (UNIX) time", which is
  // seconds since 1970; iam-simulate reads milliseconds in places.
  "epoch times are seconds": (test) => {
    const iso = (text) => (/^\d+$/.test(text) ? new Date(Number(text) * 1000).toISOString().replace(".000", "") : text);
    const out = over_statements(test, (each) => {
      for (const [operator, keys] of Object.entries(each.Condition ?? {})) {
        if (/^(For\w+:)?Date/.test(operator)) {
          for (const key of Object.keys(keys)) {
            keys[key] = Array.isArray(keys[key]) ? keys[key].map(iso) : iso(keys[key]);
          }
        }
      }
      return each;
    });
    if (out.context["aws:EpochTime"]) {
      out.context["aws:EpochTime"] = iso(out.context["aws:EpochTime"]);
    }
    return out;
  },
  // The same page, "Numeric condition operators": "an integer or decimal value"; 1e2 is a decimal in another notation.
  "numbers with exponents": (test) => {
    const out = structuredClone(test);
    if (out.context["aws:MultiFactorAuthAge"] === "1e2") {
      out.context["aws:MultiFactorAuthAge"] = "100";
    }
    return out;
  },
  // reference_policies_elements_resource: a trailing "*" expands "beyond the colon boundaries". A Deny is taken in its
  // widest reading, for NotResource too; iam-simulate lets an ARN that is cut short deny nothing there.
  "short ARNs in Deny": (test) => over_statements(test, (each) => {
    const whole = (text) => (text === "*" ? text : text + ":*".repeat(Math.max(0, 6 - text.split(":").length)));
    for (const element of each.Effect === "Deny" ? ["Resource", "NotResource"] : []) {
      if (each[element]) {
        each[element] = listed(each[element]).map(whole);
      }
    }
    return each;
  }),
  // reference_policies_variables: a variable without a value makes the resource match nothing. What the complement then
  // is, the page leaves open: we allow less and deny more.
  "NotResource with a variable that has no value": (test) => over_statements(test, (each, document, copy) => {
    if (!each.NotResource) {
      return each;
    }
    const known = listed(each.NotResource).filter((text) => has_value(text, document, copy.context));
    if (known.length === listed(each.NotResource).length) {
      return each;
    }
    if (each.Effect === "Allow") {
      return null;
    }
    const { NotResource: dropped, ...rest } = each;
    return known.length ? { ...rest, NotResource: known } : { ...rest, Resource: "*" };
  }),
  // access_policies_boundaries, "role sessions": only a grant to the session's own ARN escapes an implicit deny of a
  // boundary or session policy. "*" names no session, so we treat it as the role's ARN.
  "everyone, asked by a role session": (test) => {
    const role = test.principal.match(/^arn:aws:sts::(\d+):assumed-role\/([^/]+)/);
    return over_statements(test, (each) => {
      if (role && each.Effect === "Allow" && each.Principal) {
        each.Principal.AWS = listed(each.Principal.AWS).map((one) => (one === "*" ? `arn:aws:iam::${role[1]}:role/${role[2]}` : one));
      }
      return each;
    });
  },
  // access_policies_boundaries and "Session policies": what a resource-based policy grants to the session's own ARN is
  // not limited by an implicit deny of the session policy; iam-simulate limits it.
  "a session that is named itself": (test) => {
    const allow_all = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };
    const names_it = (document) => document.Statement.some((each) => each.Effect === "Allow" && each.Principal &&
      listed(each.Principal.AWS).includes(test.principal));
    const is_denied = ask([{ ...test, identity: [], boundary: [], guardrails: [], session: [allow_all] }])[0] !== "allowed";
    if (!test.session.length || !test.resourcePolicies.some(names_it) || is_denied) {
      return test;
    }
    const out = structuredClone(test);
    out.session[0].Statement.push(allow_all.Statement[0]);
    return out;
  },
  // reference_policies_variables: "Version 2012-10-17 or later"; in older ones ${…} is text.
  "variables in version 2008-10-17": (test) => over_statements(test, (each, document) =>
    (document.Version === "2008-10-17" ? JSON.parse(JSON.stringify(each).replace(/\$\{[^}]*\}/g, "no-such-text")) : each)),
  // reference_policies_elements_condition_operators, "…IfExists": "to the end of any condition operator name except the
  // Null condition"; a key that is absent makes it true.
  "ForAnyValue with IfExists": (test) => over_statements(test, (each, document, copy) => {
    for (const [operator, keys] of Object.entries(each.Condition ?? {})) {
      for (const key of operator.startsWith("ForAnyValue:") && operator.endsWith("IfExists") ? Object.keys(keys) : []) {
        if (copy.context[key] === undefined || copy.context[key].length === 0) {
          delete keys[key];
        }
      }
      if (Object.keys(keys).length === 0) {
        delete each.Condition[operator];
      }
    }
    return each;
  }),
  // reference_policies_variables: a variable without a value matches nothing. That a value differs from nothing, the page
  // does not say: we allow less and deny more.
  "a negated condition with a variable that has no value": (test) => over_statements(test, (each, document, copy) => {
    for (const [operator, keys] of Object.entries(each.Effect === "Deny" ? each.Condition ?? {} : {})) {
      for (const key of /Not/.test(operator) ? Object.keys(keys) : []) {
        keys[key] = listed(keys[key]).map((text) => (has_value(text, document, copy.context) ? text : "no-such-text"));
      }
    }
    return each;
  }),
  // The same page: "${*} - use where you need an asterisk"; in StringEquals, a star is one anyway.
  "a star written as a variable": (test) => over_statements(test, (each, document) => {
    for (const [operator, keys] of Object.entries(document.Version === "2012-10-17" ? each.Condition ?? {} : {})) {
      for (const key of /String(Not)?Equals/.test(operator) ? Object.keys(keys) : []) {
        keys[key] = listed(keys[key]).map((text) => (text === "${*}" ? "*" : text));
      }
    }
    return each;
  }),
  // The same page, "Null": the key exists "and its value is not null". A list of no values has none.
  "a key without values": (test) => ({ ...test,
    context: Object.fromEntries(Object.entries(test.context).filter(([, value]) => value.length > 0)) }),
  // 0.0.0.0/0 is every IPv4 address.
  "all of IPv4": (test) => JSON.parse(JSON.stringify(test).replace(/\["0\.0\.0\.0\/0"/g, '["0.0.0.0/1","128.0.0.0/1"')
    .replace(/,"0\.0\.0\.0\/0"/g, ',"0.0.0.0/1","128.0.0.0/1"').replace(/:"0\.0\.0\.0\/0"/g, ':["0.0.0.0/1","128.0.0.0/1"]')),
  // As "short ARNs in Deny": an Allow is taken in its narrowest reading.
  "short ARNs in NotResource of Allow": (test) => over_statements(test, (each) =>
    (each.Effect === "Allow" && each.NotResource && listed(each.NotResource).some((text) => text !== "*" &&
      text.split(":").length < 6) ? null : each)),
};

function explanation(test, ours) {
  for (const [name, rewrite] of Object.entries(rewritings)) {
    if (simulate_or_say(rewrite(test)) === ours) {
      return name;
    }
  }
  const all = Object.values(rewritings).reduce((copy, rewrite) => rewrite(copy), test);
  return simulate_or_say(all) === ours ? "several of these" : null;
}

// Asks ours about some cases at once.
function ask(cases) {
  const ours = spawnSync(program, { input: cases.map((test) => JSON.stringify(test) + "\n").join(""), encoding: "utf8",
    maxBuffer: 1 << 26 });
  if (ours.status !== 0) {
    throw new Error(`${program} ended with ${ours.status}: ${ours.stderr}`);
  }
  return ours.stdout.trimEnd().split("\n");
}

function simulate_or_say(test) {
  try {
    return simulate(test);
  } catch (error) {
    return `threw: ${error.message}`;
  }
}

// All cases that have one thing less.
function* smaller(value, rebuild) {
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; ++i) {
      yield rebuild([...value.slice(0, i), ...value.slice(i + 1)]);
      yield* smaller(value[i], (inner) => rebuild([...value.slice(0, i), inner, ...value.slice(i + 1)]));
    }
  } else if (value && typeof value === "object") {
    for (const key of Object.keys(value)) {
      const { [key]: dropped, ...rest } = value;
      if (!["principal", "action", "resource", "resourceAccount", "Version", "Effect", "identity", "boundary", "session",
        "guardrails", "resourcePolicies", "context", "Action", "NotAction", "Resource", "NotResource", "Principal",
        "NotPrincipal", "Statement"].includes(key)) {
        yield rebuild(rest);
      }
      yield* smaller(dropped, (inner) => rebuild({ ...value, [key]: inner }));
    }
  }
}

const is_whole = (test) => !/(Action|Resource|Statement|AWS)":\[\]/.test(JSON.stringify(test)) &&
  !/"(Condition|[A-Za-z:]+)":\{\}/.test(JSON.stringify({ ...test, context: 0 }));

// The smallest case that can be reached by dropping things while the two give the same two different answers.
function shrunk(test, ours, theirs) {
  for (;;) {
    const candidates = [...smaller(test, (inner) => inner)].filter(is_whole);
    const answers = candidates.length ? ask(candidates) : [];
    const at = candidates.findIndex((one, i) => answers[i] === ours && simulate_or_say(one) === theirs && !explanation(one, ours));
    if (at < 0) {
      return test;
    }
    test = candidates[at];
  }
}

const kBatch = 5000;
const count = Number(countText);
const verdicts = {};
const classes = {};
let unexplained = 0;
for (let done = 0; done < count; done += kBatch) {
  const cases = Array.from({ length: Math.min(kBatch, count - done) }, make_case);
  const lines = ask(cases);
  cases.forEach((test, i) => {
    const theirs = simulate_or_say(test);
    verdicts[lines[i]] = (verdicts[lines[i]] ?? 0) + 1;
    if (lines[i] === theirs) {
      return;
    }
    const why = explanation(test, lines[i]);
    if (why) {
      classes[why] = (classes[why] ?? 0) + 1;
      return;
    }
    ++unexplained;
    if (unexplained <= 20) {
      const small = shrunk(test, lines[i], theirs);
      console.log(`case ${done + i} of seed ${seedText}: ours ${lines[i]}, theirs ${theirs}\n${JSON.stringify(small)}`);
    }
  });
}
console.log(`${count} cases; ours: ${JSON.stringify(verdicts)}`);
console.log(`explained disagreements: ${JSON.stringify(classes)}`);
console.log(`${unexplained} disagreements without an explanation`);
process.exit(unexplained ? 1 : 0);
