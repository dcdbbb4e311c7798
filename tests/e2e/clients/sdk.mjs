// SPDX-License-Identifier: Apache-2.0
// AWS's SDK for JavaScript, unmodified. Usage: node sdk.mjs NODE_MODULES, on standard input {"do", …}:
// token: a login token by @aws-sdk/rds-signer for {"host","port","user"}; apis: calls of @aws-sdk/client-iam and
// client-sts at {"endpoint"}. Credentials and region come from the environment. Prints JSON.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const job = JSON.parse(readFileSync(0, "utf8"));
const load = createRequire(`${process.argv[2]}/`);

async function token() {
  const { Signer } = load("@aws-sdk/rds-signer");
  const signer = new Signer({ hostname: job.host, port: job.port, username: job.user });
  return { token: await signer.getAuthToken() };
}

async function apis() {
  const iamOf = load("@aws-sdk/client-iam");
  const stsOf = load("@aws-sdk/client-sts");
  const iam = new iamOf.IAMClient({ endpoint: job.endpoint, maxAttempts: 1 });
  const sts = new stsOf.STSClient({ endpoint: job.endpoint, maxAttempts: 1 });
  const out = {};
  out.identity = await sts.send(new stsOf.GetCallerIdentityCommand({}));
  const made = await iam.send(new iamOf.CreateUserCommand({ UserName: "of-js", Path: "/js/", Tags: [{ Key: "a", Value: "ä" }] }));
  out.user = made.User;
  out.tags = (await iam.send(new iamOf.ListUserTagsCommand({ UserName: "of-js" }))).Tags;
  const key = (await iam.send(new iamOf.CreateAccessKeyCommand({ UserName: "of-js" }))).AccessKey;
  out.names = [];
  for await (const page of iamOf.paginateListUsers({ client: iam, pageSize: 1 }, {})) {
    out.names.push(...page.Users.map((user) => user.UserName));
  }
  const account = out.identity.Account;
  const trust = { Version: "2012-10-17", Statement: [
    { Effect: "Allow", Principal: { AWS: `arn:aws:iam::${account}:user/js/of-js` }, Action: "sts:AssumeRole" }] };
  const role = (await iam.send(new iamOf.CreateRoleCommand(
    { RoleName: "of-js", AssumeRolePolicyDocument: JSON.stringify(trust) }))).Role;
  const theirs = new stsOf.STSClient({ endpoint: job.endpoint, maxAttempts: 1,
    credentials: { accessKeyId: key.AccessKeyId, secretAccessKey: key.SecretAccessKey } });
  const session = await theirs.send(new stsOf.AssumeRoleCommand({ RoleArn: role.Arn, RoleSessionName: "js" }));
  const c = session.Credentials;
  out.lives = c.Expiration.getTime() - Date.now();
  const inside = new stsOf.STSClient({ endpoint: job.endpoint, maxAttempts: 1, credentials: {
    accessKeyId: c.AccessKeyId, secretAccessKey: c.SecretAccessKey, sessionToken: c.SessionToken } });
  out.session = (await inside.send(new stsOf.GetCallerIdentityCommand({}))).Arn;
  try {
    await iam.send(new iamOf.GetUserCommand({ UserName: "nobody" }));
  } catch (error) {
    out.missing = [error.name, error instanceof iamOf.NoSuchEntityException, error.$metadata.httpStatusCode];
  }
  try {
    await theirs.send(new stsOf.AssumeRoleCommand({ RoleArn: `${role.Arn}-not`, RoleSessionName: "js" }));
  } catch (error) {
    out.denied = [error.name, error.$metadata.httpStatusCode];
  }
  return out;
}

console.log(JSON.stringify(await (job.do === "token" ? token() : apis())));
