// SPDX-License-Identifier: Apache-2.0
// AWS's SDK for JavaScript, unmodified. Usage: node sdk.mjs NODE_MODULES, on standard input {"do", …}:
// token: a login token by @aws-sdk/rds-signer for {"host","port","user"}; and calls at {"endpoint"}: identities by
// @aws-sdk/client-iam and client-sts, networks by client-ec2, functions by client-lambda with {"role","zip"}, the zip in
// base64. Credentials and region come from the environment. Prints JSON.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const job = JSON.parse(readFileSync(0, "utf8"));
const load = createRequire(`${process.argv[2]}/`);

async function token() {
  const { Signer } = load("@aws-sdk/rds-signer");
  const signer = new Signer({ hostname: job.host, port: job.port, username: job.user });
  return { token: await signer.getAuthToken() };
}

async function identities() {
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

// What a refused call is, as a program would tell: its name, whether it is of the SDK's class, its status.
async function refusal(call, kind) {
  try {
    await call;
  } catch (error) {
    return [error.name, kind ? error instanceof kind : null, error.$metadata?.httpStatusCode];
  }
  return ["it worked"];
}

async function networks() {
  const of = load("@aws-sdk/client-ec2");
  const ec2 = new of.EC2Client({ endpoint: job.endpoint, maxAttempts: 1 });
  const tags = [{ ResourceType: "vpc", Tags: [{ Key: "Name", Value: "ä" }] }];
  const out = {};
  out.vpc = (await ec2.send(new of.CreateVpcCommand({ CidrBlock: "10.30.0.0/16", TagSpecifications: tags }))).Vpc;
  const VpcId = out.vpc.VpcId;
  await of.waitUntilVpcAvailable({ client: ec2, maxWaitTime: 10, minDelay: 1, maxDelay: 1 }, { VpcIds: [VpcId] });
  const made = [];
  for (const zone of ["a", "b", "c"]) {
    made.push((await ec2.send(new of.CreateSubnetCommand({ VpcId, CidrBlock: `10.30.${made.length}.0/24`,
      AvailabilityZone: `us-east-1${zone}` }))).Subnet.SubnetId);
  }
  const Filters = [{ Name: "vpc-id", Values: [VpcId] }];
  out.zones = [];
  for await (const page of of.paginateDescribeSubnets({ client: ec2, pageSize: 5 }, { Filters })) {
    out.zones.push(...page.Subnets.map((subnet) => subnet.AvailabilityZone));
  }
  const GroupId = (await ec2.send(new of.CreateSecurityGroupCommand(
    { VpcId, GroupName: "db", Description: "3306" }))).GroupId;
  await ec2.send(new of.AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions: [
    { IpProtocol: "tcp", FromPort: 3306, ToPort: 3306, UserIdGroupPairs: [{ GroupId, Description: "each other" }] }] }));
  const found = (await ec2.send(new of.DescribeSecurityGroupsCommand({ GroupIds: [GroupId] }))).SecurityGroups[0];
  out.rule = { ...found.IpPermissions[0], own: found.IpPermissions[0].UserIdGroupPairs[0].GroupId === GroupId };
  out.gateways = (await ec2.send(new of.DescribeInternetGatewaysCommand({}))).InternetGateways.length;
  out.overlap = await refusal(ec2.send(new of.CreateSubnetCommand({ VpcId, CidrBlock: "10.30.0.128/25" })));
  out.used = await refusal(ec2.send(new of.DeleteVpcCommand({ VpcId })));
  out.dry = await refusal(ec2.send(new of.CreateVpcCommand({ CidrBlock: "10.31.0.0/16", DryRun: true })));
  for (const SubnetId of made) {
    await ec2.send(new of.DeleteSubnetCommand({ SubnetId }));
  }
  await ec2.send(new of.DeleteSecurityGroupCommand({ GroupId }));
  await ec2.send(new of.DeleteVpcCommand({ VpcId }));
  out.gone = await refusal(ec2.send(new of.DescribeVpcsCommand({ VpcIds: [VpcId] })));
  return out;
}

async function functions() {
  const of = load("@aws-sdk/client-lambda");
  const lambda = new of.LambdaClient({ endpoint: job.endpoint, maxAttempts: 1 });
  const patience = { client: lambda, maxWaitTime: 30, minDelay: 1, maxDelay: 1 };
  const FunctionName = "of-js";
  const invoke = async (event, more) => {
    const answer = await lambda.send(new of.InvokeCommand({ FunctionName, Payload: JSON.stringify(event), ...more }));
    return { status: answer.StatusCode, version: answer.ExecutedVersion, error: answer.FunctionError,
      payload: answer.Payload?.length ? JSON.parse(answer.Payload.transformToString()) : null,
      log: answer.LogResult ? Buffer.from(answer.LogResult, "base64").toString() : null };
  };
  const out = {};
  out.made = await lambda.send(new of.CreateFunctionCommand({ FunctionName, Runtime: "python3.13", Handler: "app.handler",
    Role: job.role, Code: { ZipFile: Buffer.from(job.zip, "base64") }, Timeout: 30, Tags: { team: "ä" },
    Environment: { Variables: { WHO: "js" } } }));
  out.active = (await of.waitUntilFunctionActiveV2(patience, { FunctionName })).state;
  out.answer = await invoke({ a: 1 }, { LogType: "Tail" });
  out.failed = await invoke({ fail: "alas" });
  await lambda.send(new of.UpdateFunctionConfigurationCommand({ FunctionName, MemorySize: 256 }));
  out.updated = (await of.waitUntilFunctionUpdatedV2(patience, { FunctionName })).state;
  out.version = (await lambda.send(new of.PublishVersionCommand({ FunctionName }))).Version;
  await lambda.send(new of.CreateAliasCommand({ FunctionName, Name: "live", FunctionVersion: out.version }));
  out.live = await invoke({}, { Qualifier: "live" });
  out.event = await invoke({}, { InvocationType: "Event" });
  out.names = [];
  for await (const page of of.paginateListFunctions({ client: lambda, pageSize: 1 }, {})) {
    out.names.push(...page.Functions.map((one) => one.FunctionName));
  }
  out.shown = await lambda.send(new of.GetFunctionCommand({ FunctionName }));
  out.again = await refusal(lambda.send(new of.CreateFunctionCommand({ FunctionName, Runtime: "python3.13",
    Handler: "a.b", Role: job.role, Code: { ZipFile: Buffer.from(job.zip, "base64") } })), of.ResourceConflictException);
  await lambda.send(new of.DeleteFunctionCommand({ FunctionName }));
  out.gone = await refusal(lambda.send(new of.GetFunctionCommand({ FunctionName })), of.ResourceNotFoundException);
  return out;
}

console.log(JSON.stringify(await { token, identities, networks, functions }[job.do]()));
