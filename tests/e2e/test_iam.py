# SPDX-License-Identifier: Apache-2.0
"""IAM and STS as boto3 and the AWS CLI see them: identities, policies, sessions, simulation, refusals."""
import csv
import datetime
import io
import json
import subprocess
import time

import botocore.exceptions

from harness import BIN, REGION
from issuer import Issuer
from suite import Suite

suite = Suite(__file__, engine=False)


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action, resource="*", **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def trust(principal, action="sts:AssumeRole", **more):
    return document({"Effect": "Allow", "Principal": principal, "Action": action, **more})


def arn_of(home, rest, service="iam", region=""):
    return f"arn:aws:{service}:{region}:{home.facts['account_id']}:{rest}"


def refusal(call, **parameters):
    """The code and the text of the error that the call ends with."""
    try:
        answer = call(**parameters)
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"], error.response["Error"]["Message"]
    raise AssertionError(f"was not refused: {answer}")


def keys_of(home, user, *statements):
    """The keys of a new user."""
    iam = home.client("iam")
    iam.create_user(UserName=user)
    if statements:
        iam.put_user_policy(UserName=user, PolicyName="own", PolicyDocument=document(*statements))
    key = iam.create_access_key(UserName=user)["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"], None


def session_keys(answer):
    made = answer["Credentials"]
    return made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"]


@suite.test
def groups_give_their_policies(home):
    iam = home.client("iam")
    group = iam.create_group(GroupName="readers", Path="/team/")["Group"]
    assert group["GroupId"].startswith("AGPA") and group["Arn"] == arn_of(home, "group/team/readers"), group
    assert refusal(iam.create_group, GroupName="READERS")[0] == "EntityAlreadyExists"
    iam.put_group_policy(GroupName="readers", PolicyName="see", PolicyDocument=document(allow("rds:Describe*")))
    iam.attach_group_policy(GroupName="readers", PolicyArn="arn:aws:iam::aws:policy/IAMFullAccess")
    keys = keys_of(home, "gus")
    rds = home.client("rds", keys)
    assert refusal(rds.describe_db_clusters)[0] == "AccessDenied"
    iam.add_user_to_group(GroupName="readers", UserName="gus")
    rds.describe_db_clusters()
    home.client("iam", keys).list_users()
    assert [u["UserName"] for u in iam.get_group(GroupName="readers")["Users"]] == ["gus"]
    assert [g["GroupName"] for g in iam.list_groups_for_user(UserName="gus")["Groups"]] == ["readers"]
    assert refusal(iam.delete_group, GroupName="readers")[0] == "DeleteConflict"
    assert refusal(iam.delete_user, UserName="gus")[0] == "DeleteConflict"
    iam.update_group(GroupName="readers", NewGroupName="viewers", NewPath="/")
    assert iam.list_attached_group_policies(GroupName="viewers")["AttachedPolicies"][0]["PolicyName"] == "IAMFullAccess"
    assert "rds:Describe*" in str(iam.get_group_policy(GroupName="viewers", PolicyName="see")["PolicyDocument"])
    iam.remove_user_from_group(GroupName="viewers", UserName="gus")
    assert refusal(rds.describe_db_clusters)[0] == "AccessDenied"
    iam.delete_group_policy(GroupName="viewers", PolicyName="see")
    iam.detach_group_policy(GroupName="viewers", PolicyArn="arn:aws:iam::aws:policy/IAMFullAccess")
    iam.delete_group(GroupName="viewers")
    code, text = refusal(iam.get_group, GroupName="viewers")
    assert (code, text) == ("NoSuchEntity", "The group with name viewers cannot be found."), text


@suite.test
def policies_have_five_versions(home):
    iam = home.client("iam")
    made = iam.create_policy(PolicyName="door", PolicyDocument=document(allow("rds:DescribeDBClusters")),
                             Tags=[{"Key": "a", "Value": "1"}])["Policy"]
    keys = keys_of(home, "vera")
    rds = home.client("rds", keys)
    iam.attach_user_policy(UserName="vera", PolicyArn=made["Arn"])
    rds.describe_db_clusters()
    second = iam.create_policy_version(PolicyArn=made["Arn"], PolicyDocument=document(allow("iam:GetUser")),
                                       SetAsDefault=True)["PolicyVersion"]
    assert second["VersionId"] == "v2" and second["IsDefaultVersion"], second
    assert refusal(rds.describe_db_clusters)[0] == "AccessDenied"
    iam.set_default_policy_version(PolicyArn=made["Arn"], VersionId="v1")
    rds.describe_db_clusters()
    assert refusal(iam.delete_policy_version, PolicyArn=made["Arn"], VersionId="v1")[0] == "DeleteConflict"
    for _ in range(3):
        iam.create_policy_version(PolicyArn=made["Arn"], PolicyDocument=document(allow("iam:GetUser")))
    assert refusal(iam.create_policy_version, PolicyArn=made["Arn"],
                   PolicyDocument=document(allow("iam:GetUser")))[0] == "LimitExceeded"
    iam.delete_policy_version(PolicyArn=made["Arn"], VersionId="v2")
    sixth = iam.create_policy_version(PolicyArn=made["Arn"], PolicyDocument=document(allow("iam:GetUser")))
    assert sixth["PolicyVersion"]["VersionId"] == "v6", sixth
    listed = iam.list_policy_versions(PolicyArn=made["Arn"])["Versions"]
    assert [v["VersionId"] for v in listed] == ["v6", "v5", "v4", "v3", "v1"], listed
    shown = iam.get_policy_version(PolicyArn=made["Arn"], VersionId="v1")["PolicyVersion"]
    assert shown["Document"]["Statement"][0]["Action"] == "rds:DescribeDBClusters", shown
    assert refusal(iam.get_policy_version, PolicyArn=made["Arn"], VersionId="v2")[0] == "NoSuchEntity"
    iam.tag_policy(PolicyArn=made["Arn"], Tags=[{"Key": "A", "Value": "2"}, {"Key": "b", "Value": ""}])
    iam.untag_policy(PolicyArn=made["Arn"], TagKeys=["b"])
    assert iam.list_policy_tags(PolicyArn=made["Arn"])["Tags"] == [{"Key": "A", "Value": "2"}]
    assert refusal(iam.delete_policy, PolicyArn=made["Arn"])[0] == "DeleteConflict"
    iam.detach_user_policy(UserName="vera", PolicyArn=made["Arn"])
    assert refusal(iam.delete_policy, PolicyArn=made["Arn"])[0] == "DeleteConflict"
    for version in ("v3", "v4", "v5", "v6"):
        iam.delete_policy_version(PolicyArn=made["Arn"], VersionId=version)
    iam.delete_policy(PolicyArn=made["Arn"])
    pages = iam.get_paginator("list_policies").paginate(Scope="AWS", PaginationConfig={"PageSize": 2})
    names = [policy["PolicyName"] for page in pages for policy in page["Policies"]]
    assert len(names) == len(set(names)) and "AmazonRDSFullAccess" in names, names


@suite.test
def boundaries_limit(home):
    iam = home.client("iam")
    boundary = iam.create_policy(PolicyName="fence", PolicyDocument=document(allow("rds:*")))["Policy"]["Arn"]
    keys = keys_of(home, "bea", allow("*"))
    bea = home.client("iam", keys)
    bea.list_users()
    iam.put_user_permissions_boundary(UserName="bea", PermissionsBoundary=boundary)
    code, text = refusal(bea.list_users)
    assert code == "AccessDenied" and text.endswith(
        "because no permissions boundary allows the iam:ListUsers action"), text
    home.client("rds", keys).describe_db_clusters()
    assert iam.get_user(UserName="bea")["User"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == boundary
    assert iam.get_policy(PolicyArn=boundary)["Policy"]["PermissionsBoundaryUsageCount"] == 1
    assert refusal(iam.delete_policy, PolicyArn=boundary)[0] == "DeleteConflict"
    used = iam.list_entities_for_policy(PolicyArn=boundary, PolicyUsageFilter="PermissionsBoundary")
    assert [u["UserName"] for u in used["PolicyUsers"]] == ["bea"], used
    iam.delete_user_permissions_boundary(UserName="bea")
    bea.list_users()
    # A delegate may make users, but only behind the fence.
    delegate = keys_of(home, "dora", allow("iam:CreateUser", Condition={
        "StringEquals": {"iam:PermissionsBoundary": boundary}}))
    maker = home.client("iam", delegate)
    assert refusal(maker.create_user, UserName="free")[0] == "AccessDenied"
    maker.create_user(UserName="fenced", PermissionsBoundary=boundary)
    iam.delete_user(UserName="fenced")
    iam.delete_policy(PolicyArn=boundary)
    assert refusal(iam.put_user_permissions_boundary, UserName="bea",
                   PermissionsBoundary=boundary)[0] == "NoSuchEntity"


@suite.test
def a_trust_names_who_was_meant(home):
    iam = home.client("iam")
    keys = keys_of(home, "tess", allow("sts:AssumeRole"))
    tess = arn_of(home, "user/tess")
    iam.create_role(RoleName="vault", AssumeRolePolicyDocument=trust({"AWS": tess}), MaxSessionDuration=7200)
    role = arn_of(home, "role/vault")
    sts = home.client("sts", keys)
    sts.assume_role(RoleArn=role, RoleSessionName="one")
    code, text = refusal(sts.assume_role, RoleArn=role, RoleSessionName="two", DurationSeconds=7201)
    assert code == "ValidationError" and "MaxSessionDuration" in text, text
    old_id = iam.get_user(UserName="tess")["User"]["UserId"]
    iam.delete_access_key(UserName="tess", AccessKeyId=keys[0])
    iam.delete_user_policy(UserName="tess", PolicyName="own")
    iam.delete_user(UserName="tess")
    again = keys_of(home, "tess", allow("sts:AssumeRole"))
    assert refusal(home.client("sts", again).assume_role, RoleArn=role, RoleSessionName="three")[0] == "AccessDenied"
    assert old_id in json.dumps(iam.get_role(RoleName="vault")["Role"]["AssumeRolePolicyDocument"])
    code, text = refusal(iam.create_role, RoleName="x", AssumeRolePolicyDocument=trust({"AWS": tess + "x"}))
    assert (code, text) == ("MalformedPolicyDocument", f'Invalid principal in policy: "AWS":"{tess}x"'), text
    iam.update_role(RoleName="vault", Description="of gold", MaxSessionDuration=3600)
    assert iam.get_role(RoleName="vault")["Role"]["Description"] == "of gold"


@suite.test
def sessions_are_limited(home):
    iam = home.client("iam")
    keys = keys_of(home, "sam", allow(["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]))
    iam.create_role(RoleName="work", AssumeRolePolicyDocument=trust(
        {"AWS": arn_of(home, "root")}, ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]))
    iam.put_role_policy(RoleName="work", PolicyName="p", PolicyDocument=document(
        allow("rds:Describe*"), allow("iam:GetUser", arn_of(home, "user/${aws:PrincipalTag/who}")), allow("sts:*")))
    sts, role = home.client("sts", keys), arn_of(home, "role/work")
    taken = sts.assume_role(RoleArn=role, RoleSessionName="s1", SourceIdentity="sam1", TransitiveTagKeys=["who"],
                            Tags=[{"Key": "who", "Value": "sam"}])
    assert len(taken["Credentials"]["SessionToken"]) <= 700 and taken["SourceIdentity"] == "sam1", taken
    session = session_keys(taken)
    home.client("iam", session).get_user(UserName="sam")
    assert refusal(home.client("iam", session).get_user, UserName="bea")[0] == "AccessDenied"
    chained = home.client("sts", session).assume_role(RoleArn=role, RoleSessionName="s2")
    home.client("iam", session_keys(chained)).get_user(UserName="sam")  # the tag went along
    assert chained["SourceIdentity"] == "sam1", chained
    assert refusal(home.client("sts", session).assume_role, RoleArn=role, RoleSessionName="s3",
                   DurationSeconds=3601)[0] == "ValidationError"
    narrow = sts.assume_role(RoleArn=role, RoleSessionName="s4", Policy=document(allow("rds:DescribeDBInstances")))
    assert narrow["PackedPolicySize"] > 0, narrow
    rds = home.client("rds", session_keys(narrow))
    rds.describe_db_instances()
    code, text = refusal(rds.describe_db_clusters)
    assert code == "AccessDenied" and text.endswith(
        "because no session policy allows the rds:DescribeDBClusters action"), text
    # Revoked as AWS's console does it: by the time of issue.
    now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=1)
    iam.put_role_policy(RoleName="work", PolicyName="AWSRevokeOlderSessions", PolicyDocument=document(
        {"Effect": "Deny", "Action": "*", "Resource": "*",
         "Condition": {"DateLessThan": {"aws:TokenIssueTime": now.strftime("%Y-%m-%dT%H:%M:%SZ")}}}))
    code, text = refusal(rds.describe_db_instances)
    assert code == "AccessDenied" and text.endswith("with an explicit deny in an identity-based policy"), text


@suite.test
def tokens_of_sts(home):
    sts = home.client("sts")
    made = sts.get_session_token(DurationSeconds=900)
    inner = home.client("sts", session_keys(made))
    assert inner.get_caller_identity()["Arn"] == arn_of(home, "root")
    keys = keys_of(home, "fay", allow(["sts:GetFederationToken", "sts:GetAccessKeyInfo", "rds:*"]))
    assert home.client("sts", keys).get_access_key_info(AccessKeyId=keys[0])["Account"] == home.facts["account_id"]
    federated = home.client("sts", keys).get_federation_token(Name="guest", DurationSeconds=900,
                                                              Policy=document(allow("rds:DescribeDBInstances")))
    assert federated["FederatedUser"]["Arn"] == arn_of(home, "federated-user/guest", "sts"), federated
    guest = session_keys(federated)
    assert home.client("sts", guest).get_caller_identity()["UserId"].endswith(":guest")
    home.client("rds", guest).describe_db_instances()
    assert refusal(home.client("rds", guest).describe_db_clusters)[0] == "AccessDenied"
    assert refusal(home.client("iam", guest).list_users)[0] == "AccessDenied"
    wide = home.client("sts", keys).get_federation_token(Name="wide", Policy=document(allow("*")))
    assert refusal(home.client("sts", session_keys(wide)).assume_role, RoleArn=arn_of(home, "role/work"),
                   RoleSessionName="s1")[0] == "AccessDenied"
    bare = session_keys(home.client("sts", keys).get_federation_token(Name="guest"))
    assert refusal(home.client("rds", bare).describe_db_instances)[0] == "AccessDenied"


@suite.test
def a_role_trusts_a_providers_word(home):
    iam, issuer = home.client("iam"), Issuer("https://token.example.com/ci")
    arn = iam.create_open_id_connect_provider(Url=issuer.url, ClientIDList=["sts.amazonaws.com"],
                                              ThumbprintList=["a" * 40])["OpenIDConnectProviderArn"]
    assert arn == arn_of(home, "oidc-provider/token.example.com/ci"), arn
    condition = {"StringEquals": {"token.example.com/ci:aud": "sts.amazonaws.com"},
                 "StringLike": {"token.example.com/ci:sub": "repo:us/*"}}
    iam.create_role(RoleName="ci", AssumeRolePolicyDocument=trust({"Federated": arn}, "sts:AssumeRoleWithWebIdentity",
                                                                  Condition=condition))
    iam.put_role_policy(RoleName="ci", PolicyName="p", PolicyDocument=document(allow("rds:Describe*")))
    nobody = home.client("sts")
    wish = {"RoleArn": arn_of(home, "role/ci"), "RoleSessionName": "run1"}
    call = nobody.assume_role_with_web_identity
    status, answer = home.admin("POST", "/iam/oidc-keys", {"arn": arn, "jwks": issuer.jwks()})
    assert (status, answer) == (200, {"keys": 1}), answer
    taken = call(WebIdentityToken=issuer.token(), **wish)
    assert taken["SubjectFromWebIdentityToken"] == "repo:us/app:main" and taken["Provider"] == arn, taken
    session = session_keys(taken)
    assert home.client("sts", session).get_caller_identity()["Arn"] == arn_of(home, "assumed-role/ci/run1", "sts")
    home.client("rds", session).describe_db_clusters()
    stranger = Issuer(issuer.url)
    for code, token in (("InvalidIdentityToken", stranger.token()), ("AccessDenied", issuer.token(sub="repo:them/app")),
                        ("InvalidIdentityToken", issuer.token(aud="other")), ("InvalidIdentityToken", "no.token"),
                        ("ExpiredTokenException", issuer.token(exp=int(time.time()) - 1)),
                        ("InvalidIdentityToken", issuer.token(iss="https://else.example.com"))):
        assert refusal(call, WebIdentityToken=token, **wish)[0] == code, (code, token)
    iam.update_assume_role_policy(RoleName="ci", PolicyDocument=trust("*", "sts:AssumeRoleWithWebIdentity"))
    assert refusal(call, WebIdentityToken=issuer.token(), **wish)[0] == "AccessDenied"
    iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="other")
    assert iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)["ClientIDList"] == ["sts.amazonaws.com", "other"]
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert refusal(call, WebIdentityToken=issuer.token(), **wish)[0] == "InvalidIdentityToken"


@suite.test
def a_refusal_of_ec2_can_be_decoded(home):
    keys = keys_of(home, "eddy", allow("sts:DecodeAuthorizationMessage"))
    code, text = refusal(home.client("ec2", keys).delete_security_group, GroupId="sg-12345678")
    assert code == "UnauthorizedOperation" and "Encoded authorization failure message: " in text, text
    encoded = text.rpartition(" ")[2]
    decoded = json.loads(home.client("sts", keys).decode_authorization_message(EncodedMessage=encoded)["DecodedMessage"])
    assert decoded["allowed"] is False and decoded["context"]["action"] == "ec2:DeleteSecurityGroup", decoded
    assert refusal(home.client("sts", keys).decode_authorization_message,
                   EncodedMessage=encoded[:-8])[0] == "InvalidAuthorizationMessageException"


@suite.test
def simulation_says_what_would_be(home):
    iam = home.client("iam")
    custom = iam.simulate_custom_policy(
        PolicyInputList=[document(allow("rds:*", Condition={"StringEquals": {"aws:PrincipalTag/team": "ops"}}))],
        ActionNames=["rds:CreateDBCluster", "iam:GetUser"])["EvaluationResults"]
    assert [r["EvalDecision"] for r in custom] == ["implicitDeny", "implicitDeny"], custom
    assert custom[0]["MissingContextValues"] == ["aws:PrincipalTag/team"], custom
    custom = iam.simulate_custom_policy(
        PolicyInputList=[document(allow("rds:*"))], ActionNames=["rds:CreateDBCluster"],
        PermissionsBoundaryPolicyInputList=[document(allow("iam:*"))])["EvaluationResults"][0]
    assert custom["EvalDecision"] == "implicitDeny", custom
    assert custom["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}, custom
    results = home.aws("iam", "simulate-principal-policy", "--policy-source-arn", arn_of(home, "user/sam"),
                       "--action-names", "sts:AssumeRole", "rds:CreateDBCluster")["EvaluationResults"]
    assert [r["EvalDecision"] for r in results] == ["allowed", "implicitDeny"], results
    assert results[0]["MatchedStatements"][0]["SourcePolicyId"] == "user_sam_own", results
    assert results[0]["MatchedStatements"][0]["StartPosition"]["Line"] == 1, results
    keys = iam.get_context_keys_for_principal_policy(PolicySourceArn=arn_of(home, "role/work"))["ContextKeyNames"]
    assert keys == ["aws:TokenIssueTime", "aws:PrincipalTag/who"], keys
    assert refusal(iam.simulate_principal_policy, PolicySourceArn=arn_of(home, "user/nobody"),
                   ActionNames=["iam:GetUser"])[0] == "NoSuchEntity"


@suite.test
def the_account_is_described(home):
    iam = home.client("iam")
    pages = iam.get_paginator("get_account_authorization_details").paginate(PaginationConfig={"PageSize": 3})
    whole = {}
    for page in pages:
        for part in ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"):
            whole.setdefault(part, []).extend(page[part])
    assert {"sam", "bea"} <= {user["UserName"] for user in whole["UserDetailList"]}, whole["UserDetailList"]
    work = next(role for role in whole["RoleDetailList"] if role["RoleName"] == "work")
    assert work["RolePolicyList"][0]["PolicyDocument"]["Version"] == "2012-10-17", work
    summary = iam.get_account_summary()["SummaryMap"]
    assert summary["Users"] == len(whole["UserDetailList"]) and summary["UsersQuota"] == 5000, summary
    iam.create_account_alias(AccountAlias="our-house")
    assert iam.list_account_aliases()["AccountAliases"] == ["our-house"]
    assert refusal(iam.create_account_alias, AccountAlias="a--b")[0] == "ValidationError"
    iam.delete_account_alias(AccountAlias="our-house")
    assert refusal(iam.get_credential_report)[0] == "ReportNotPresent"
    assert iam.generate_credential_report()["State"] == "COMPLETE"
    report = iam.get_credential_report()["Content"].decode()
    rows = {row["user"]: row for row in csv.DictReader(io.StringIO(report))}
    assert rows["sam"]["access_key_1_active"] == "true" and rows["<root_account>"]["arn"].endswith(":root"), rows


@suite.test
def guardrails_bind_all_but_root(home):
    keys = keys_of(home, "greg", allow("*"))
    greg = home.client("iam", keys)
    greg.list_users()
    rail = document(allow("rds:*"))
    status, answer = home.admin("POST", "/iam/guardrail", {"document": rail})
    assert status == 200, answer
    code, text = refusal(greg.list_users)
    assert code == "AccessDenied" and "service control policy" in text, text
    home.client("iam").list_users()
    assert home.admin("GET", "/iam/guardrail")[1]["document"] == rail
    assert home.admin("POST", "/iam/guardrail", {"document": "{"})[0] == 400
    assert home.admin("POST", "/iam/guardrail", {"document": ""})[0] == 200
    greg.list_users()
    file = home.folder / "rail.json"
    file.write_text(document({**allow("rds:*"), "Effect": "Deny"}), encoding="utf-8")
    for words, said, warned in (([file], "guardrail set\n", True), (["--clear"], "guardrail cleared\n", False)):
        done = subprocess.run([BIN / "trivet", "--home", home.path, "iam", "guardrail", *words], capture_output=True,
                              text=True, timeout=60, check=False)
        assert (done.returncode, done.stdout, "nobody but root" in done.stderr) == (0, said, warned), done


@suite.test
def an_account_is_imported(home):
    """From the JSON that the AWS CLI prints of another account."""
    other = "arn:aws:iam::111122223333"
    open_door = json.loads(document(allow("rds:Describe*", other + ":user/*")))
    details = {
        "UserDetailList": [{"UserName": "ida", "Path": "/x/", "Arn": other + ":user/x/ida", "GroupList": ["imported"],
                            "PermissionsBoundary": {"PermissionsBoundaryArn": other + ":policy/imported"},
                            "UserPolicyList": [{"PolicyName": "own", "PolicyDocument": open_door}]}],
        "GroupDetailList": [{"GroupName": "imported", "Path": "/", "Arn": other + ":group/imported",
                             "AttachedManagedPolicies": [{"PolicyArn": other + ":policy/imported"}]}],
        "RoleDetailList": [
            {"RoleName": name, "Path": "/", "Arn": f"{other}:role/{name}",
             "AssumeRolePolicyDocument": json.loads(trust({"AWS": f"{other}:{trusted}"}))}
            for name, trusted in (("third", "role/second"), ("second", "role/first"), ("first", "user/x/ida"))],
        "Policies": [{"PolicyName": "imported", "Path": "/", "Arn": other + ":policy/imported", "PolicyVersionList": [
            {"VersionId": "v1", "IsDefaultVersion": True, "Document": open_door}]}]}
    file = home.folder / "details.json"
    file.write_text(json.dumps(details), encoding="utf-8")
    done = subprocess.run([BIN / "trivet", "--home", home.path, "iam", "import", file], capture_output=True, text=True,
                          timeout=60, check=False)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "9 imported, 0 refused, 0 skipped"), done
    assert "imported role third" in done.stdout, done
    iam = home.client("iam")
    third = iam.get_role(RoleName="third")["Role"]["AssumeRolePolicyDocument"]["Statement"][0]
    assert third["Principal"]["AWS"] == arn_of(home, "role/second"), third
    ida = iam.get_user(UserName="ida")["User"]
    assert ida["PermissionsBoundary"]["PermissionsBoundaryArn"] == arn_of(home, "policy/imported"), ida
    assert iam.list_groups_for_user(UserName="ida")["Groups"][0]["GroupName"] == "imported"
    shown = iam.get_user_policy(UserName="ida", PolicyName="own")["PolicyDocument"]
    assert shown["Statement"][0]["Resource"] == arn_of(home, "user/*"), shown
    details["UserDetailList"][0]["UserPolicyList"][0]["PolicyDocument"] = json.loads(document(allow("*")))
    file.write_text(json.dumps(details), encoding="utf-8")
    again = subprocess.run([BIN / "trivet", "--home", home.path, "iam", "import", file], capture_output=True, text=True,
                           timeout=60, check=False)
    assert again.returncode == 1 and "EntityAlreadyExists" in again.stderr, again
    assert again.stdout == "0 imported, 6 refused, 3 skipped\n", again
    assert iam.get_user_policy(UserName="ida", PolicyName="own")["PolicyDocument"] == shown


@suite.test
def tags_of_requests_and_resources_decide(home):
    keys = keys_of(home, "rob", allow(["rds:CreateDBSubnetGroup"], Condition={
        "StringEquals": {"rds:req-tag/team": "ops", "aws:RequestTag/team": "ops"},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}), allow(["ec2:Describe*", "rds:AddTagsToResource"]),
        allow("rds:DeleteDBSubnetGroup", Condition={"StringEquals": {"rds:subgrp-tag/team": "ops"}}))
    rds = home.client("rds", keys)
    subnets = [subnet["SubnetId"] for subnet in home.client("ec2").describe_subnets()["Subnets"]]
    wish = {"DBSubnetGroupName": "rob", "DBSubnetGroupDescription": "x", "SubnetIds": subnets}
    assert refusal(rds.create_db_subnet_group, **wish)[0] == "AccessDenied"
    ops, other = {"Key": "team", "Value": "ops"}, {"Key": "cost", "Value": "1"}
    assert refusal(rds.create_db_subnet_group, **wish, Tags=[ops, other])[0] == "AccessDenied"
    rds.create_db_subnet_group(**wish, Tags=[ops])
    home.client("rds").create_db_subnet_group(**{**wish, "DBSubnetGroupName": "else"})
    code, text = refusal(rds.delete_db_subnet_group, DBSubnetGroupName="else")
    assert code == "AccessDenied" and arn_of(home, "subgrp:else", "rds", REGION) in text, text
    rds.delete_db_subnet_group(DBSubnetGroupName="rob")


@suite.test
def instance_profiles_and_the_role_of_rds(home):
    iam = home.client("iam")
    iam.create_role(RoleName="worn", AssumeRolePolicyDocument=document(
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}))
    iam.create_instance_profile(InstanceProfileName="web")
    keys = keys_of(home, "pat", allow("iam:AddRoleToInstanceProfile"))
    code, text = refusal(home.client("iam", keys).add_role_to_instance_profile, InstanceProfileName="web",
                         RoleName="worn")
    assert code == "AccessDenied" and "iam:PassRole" in text, text
    home.aws("iam", "add-role-to-instance-profile", "--instance-profile-name", "web", "--role-name", "worn")
    shown = home.aws("iam", "list-instance-profiles-for-role", "--role-name", "worn")["InstanceProfiles"]
    assert [profile["Roles"][0]["RoleName"] for profile in shown] == ["worn"], shown
    assert refusal(iam.delete_role, RoleName="worn")[0] == "DeleteConflict"
    details = iam.get_account_authorization_details(Filter=["Role"])["RoleDetailList"]
    assert {"worn": ["web"]} == {role["RoleName"]: [each["InstanceProfileName"] for each in role["InstanceProfileList"]]
                                 for role in details if role["InstanceProfileList"]}, details
    iam.remove_role_from_instance_profile(InstanceProfileName="web", RoleName="worn")
    iam.delete_instance_profile(InstanceProfileName="web")
    iam.delete_role(RoleName="worn")
    made = home.aws("iam", "create-service-linked-role", "--aws-service-name", "rds.amazonaws.com")["Role"]
    assert made["Arn"] == arn_of(home, "role/aws-service-role/rds.amazonaws.com/AWSServiceRoleForRDS"), made
    assert refusal(iam.delete_role, RoleName=made["RoleName"])[0] == "UnmodifiableEntity"
    task = iam.delete_service_linked_role(RoleName=made["RoleName"])["DeletionTaskId"]
    assert iam.get_service_linked_role_deletion_status(DeletionTaskId=task)["Status"] == "SUCCEEDED"


@suite.test
def roots_key_can_be_rotated_and_switched_off(home):
    iam = home.client("iam")
    second = iam.create_access_key()["AccessKey"]
    keys = second["AccessKeyId"], second["SecretAccessKey"], None
    assert refusal(iam.create_access_key)[0] == "LimitExceeded"
    new = home.client("iam", keys)
    new.update_access_key(AccessKeyId=home.root_keys[0], Status="Inactive")
    assert refusal(iam.list_users)[0] == "InvalidClientTokenId"
    new.update_access_key(AccessKeyId=home.root_keys[0], Status="Active")
    iam.delete_access_key(AccessKeyId=keys[0])
    assert refusal(new.list_users)[0] == "InvalidClientTokenId"


if __name__ == "__main__":
    suite.main()
