#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes src/api/models/<service>.json: the facts of the AWS APIs that the build needs, without prose.

Usage: tools/fetch_models.py [--packages DIR] [SERVICE...]     (needs npm, node and Python's botocore)

Sources: the npm packages @aws-sdk/client-{rds,iam,sts,ec2,lambda,cloudwatch-logs} say which operations, members,
wire names, list item names, paths and error codes there are; the models of botocore (the one that this Python
imports, of Debian's python3-botocore or newer) add what those leave out: the widths of numbers, lengths, ranges,
patterns, and which members are enumerations.
Only the operations in OPERATIONS get shapes; of the others only the names are kept, so that the daemon can
tell a real action that is not built from one that does not exist. Nothing of a model's text is copied.
"""
import argparse
import gzip
import importlib.util
import json
import pathlib
import subprocess
import tarfile
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
BOTOCORE = pathlib.Path(importlib.util.find_spec("botocore").origin).parent / "data"

SERVICES = {
    "rds": ("2014-10-31", "query", "http://rds.amazonaws.com/doc/2014-10-31/"),
    "iam": ("2010-05-08", "query", "https://iam.amazonaws.com/doc/2010-05-08/"),
    "sts": ("2011-06-15", "query", "https://sts.amazonaws.com/doc/2011-06-15/"),
    "ec2": ("2016-11-15", "ec2", "http://ec2.amazonaws.com/doc/2016-11-15/"),
    "lambda": ("2015-03-31", "rest-json", ""),
    "logs": ("2014-03-28", "json", ""),
}
PACKAGES = {"logs": "cloudwatch-logs"}  # where the npm package has another name
TARGET_PREFIXES = {"logs": "Logs_20140328"}

OPERATIONS = {
    "rds": """CreateDBSubnetGroup DescribeDBSubnetGroups DeleteDBSubnetGroup CreateDBCluster
        DescribeDBClusters DeleteDBCluster DescribeDBInstances DescribeDBEngineVersions
        DescribeOrderableDBInstanceOptions AddTagsToResource RemoveTagsFromResource ListTagsForResource
        FailoverDBCluster DescribeEvents RebootDBCluster RebootDBInstance StartDBCluster StopDBCluster
        DescribeDBLogFiles DownloadDBLogFilePortion ModifyDBCluster ModifyDBSubnetGroup DescribeGlobalClusters""",
    "iam": """CreateUser GetUser ListUsers DeleteUser UpdateUser CreateAccessKey ListAccessKeys
        DeleteAccessKey UpdateAccessKey GetAccessKeyLastUsed CreateRole GetRole ListRoles DeleteRole
        UpdateRole UpdateRoleDescription UpdateAssumeRolePolicy PutUserPolicy GetUserPolicy ListUserPolicies
        DeleteUserPolicy PutRolePolicy GetRolePolicy ListRolePolicies DeleteRolePolicy PutGroupPolicy
        GetGroupPolicy ListGroupPolicies DeleteGroupPolicy CreatePolicy GetPolicy ListPolicies DeletePolicy
        CreatePolicyVersion GetPolicyVersion ListPolicyVersions DeletePolicyVersion SetDefaultPolicyVersion
        AttachUserPolicy DetachUserPolicy AttachRolePolicy DetachRolePolicy AttachGroupPolicy
        DetachGroupPolicy ListAttachedUserPolicies ListAttachedRolePolicies ListAttachedGroupPolicies
        ListEntitiesForPolicy TagUser UntagUser ListUserTags TagRole UntagRole ListRoleTags TagPolicy
        UntagPolicy ListPolicyTags CreateGroup GetGroup ListGroups UpdateGroup DeleteGroup AddUserToGroup
        RemoveUserFromGroup ListGroupsForUser PutUserPermissionsBoundary DeleteUserPermissionsBoundary
        PutRolePermissionsBoundary DeleteRolePermissionsBoundary CreateInstanceProfile GetInstanceProfile
        ListInstanceProfiles ListInstanceProfilesForRole DeleteInstanceProfile AddRoleToInstanceProfile
        RemoveRoleFromInstanceProfile CreateServiceLinkedRole DeleteServiceLinkedRole
        GetServiceLinkedRoleDeletionStatus SimulatePrincipalPolicy SimulateCustomPolicy
        GetContextKeysForPrincipalPolicy GetContextKeysForCustomPolicy GetAccountSummary
        GetAccountAuthorizationDetails CreateAccountAlias DeleteAccountAlias ListAccountAliases
        GenerateCredentialReport GetCredentialReport CreateOpenIDConnectProvider GetOpenIDConnectProvider
        ListOpenIDConnectProviders DeleteOpenIDConnectProvider UpdateOpenIDConnectProviderThumbprint
        AddClientIDToOpenIDConnectProvider RemoveClientIDFromOpenIDConnectProvider
        TagOpenIDConnectProvider UntagOpenIDConnectProvider ListOpenIDConnectProviderTags
        TagInstanceProfile UntagInstanceProfile ListInstanceProfileTags ListSSHPublicKeys ListMFADevices
        ListVirtualMFADevices ListSigningCertificates ListServiceSpecificCredentials GetLoginProfile
        DeleteLoginProfile""",
    "sts": """GetCallerIdentity AssumeRole GetSessionToken GetFederationToken GetAccessKeyInfo
        DecodeAuthorizationMessage AssumeRoleWithWebIdentity""",
    "ec2": """DescribeVpcs CreateVpc DeleteVpc ModifyVpcAttribute DescribeVpcAttribute DescribeSubnets
        CreateSubnet DeleteSubnet ModifySubnetAttribute DescribeSecurityGroups CreateSecurityGroup
        DeleteSecurityGroup AuthorizeSecurityGroupIngress AuthorizeSecurityGroupEgress
        RevokeSecurityGroupIngress RevokeSecurityGroupEgress DescribeSecurityGroupRules
        DescribeAvailabilityZones DescribeAccountAttributes CreateTags DeleteTags DescribeTags
        DescribeRouteTables CreateRouteTable DeleteRouteTable AssociateRouteTable DisassociateRouteTable
        ReplaceRouteTableAssociation CreateRoute ReplaceRoute DeleteRoute CreateInternetGateway
        AttachInternetGateway DetachInternetGateway DeleteInternetGateway DescribeInternetGateways
        CreateNetworkInterface DescribeNetworkInterfaces DeleteNetworkInterface
        ModifyNetworkInterfaceAttribute CreateVpcEndpoint DescribeVpcEndpoints DeleteVpcEndpoints
        ModifySecurityGroupRules UpdateSecurityGroupRuleDescriptionsIngress
        UpdateSecurityGroupRuleDescriptionsEgress DescribePrefixLists DescribeRegions""",
    "lambda": """CreateFunction GetFunction GetFunctionConfiguration ListFunctions UpdateFunctionCode
        UpdateFunctionConfiguration DeleteFunction PublishVersion ListVersionsByFunction CreateAlias GetAlias
        UpdateAlias DeleteAlias ListAliases PublishLayerVersion GetLayerVersion GetLayerVersionByArn ListLayers
        ListLayerVersions DeleteLayerVersion AddPermission RemovePermission GetPolicy PutFunctionConcurrency
        GetFunctionConcurrency DeleteFunctionConcurrency TagResource UntagResource ListTags
        PutFunctionEventInvokeConfig UpdateFunctionEventInvokeConfig GetFunctionEventInvokeConfig
        DeleteFunctionEventInvokeConfig ListFunctionEventInvokeConfigs Invoke GetAccountSettings
        GetFunctionCodeSigningConfig""",
    "logs": """CreateLogGroup DeleteLogGroup DescribeLogGroups CreateLogStream DeleteLogStream DescribeLogStreams
        PutLogEvents GetLogEvents FilterLogEvents PutRetentionPolicy DeleteRetentionPolicy TagResource
        UntagResource ListTagsForResource""",
}

CONSTRAINTS = ("min", "max", "pattern")
# Enumerations that the service itself checks, with an error of its own.
UNCHECKED = {("lambda", "Runtime")}


def unpack(service, packages):
    """The folder of the unpacked npm package of one service."""
    folder = packages / service
    if not folder.exists():
        folder.mkdir(parents=True)
        package = f"@aws-sdk/client-{PACKAGES.get(service, service)}"
        subprocess.run(["npm", "pack", "--silent", package], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        with tarfile.open(next(folder.glob("*.tgz"))) as archive:
            archive.extractall(folder, filter="data")
    return folder / "package"


def read_botocore(service, version):
    path = BOTOCORE / service / version / "service-2.json"
    if path.exists():
        return json.loads(path.read_text())
    return json.loads(gzip.decompress(pathlib.Path(f"{path}.gz").read_bytes()))


class Compactor:
    """Turns the dump of one service into its compact description."""

    def __init__(self, service, dump, botocore):
        self.version, self.protocol, self.namespace = SERVICES[service]
        self.service = service
        self.dump = dump
        self.botocore = botocore
        self.shapes = {}
        self.is_input = True
        self.is_json = self.protocol in ("json", "rest-json")

    def make(self):
        operations = {name: {} for name in sorted(OPERATIONS[self.service].split())}
        # Inputs first: a shape that occurs in both directions keeps its constraints.
        for side in ("input", "output"):
            self.is_input = side == "input"
            for name, entry in operations.items():
                shape = self.dump["operations"][name][side]
                if shape and (self.is_input or self.dump["structures"][shape]["members"]):
                    entry[side] = shape
                    self.add_structure(shape)
                elif not self.is_input and "resultWrapper" in self.botocore["operations"][name].get("output", {}):
                    entry["emptyResult"] = True  # botocore looks for the element, though nothing is in it
        errors = {name: error for name, error in sorted(self.dump["errors"].items()) if not self.is_base(name)}
        if not self.is_json:
            for error in errors.values():
                error.pop("message", None)  # their errors have a form of their own
        routes = {name: entry["http"] for name, entry in sorted(self.dump["operations"].items())
                  if self.protocol == "rest-json"}
        target = {"targetPrefix": TARGET_PREFIXES[self.service]} if self.protocol == "json" else {}
        return {
            "service": self.service, "apiVersion": self.version, "protocol": self.protocol,
            "xmlNamespace": self.namespace, "allOperations": sorted(self.dump["operations"]),
            "operations": operations, "shapes": dict(sorted(self.shapes.items())), "errors": errors,
            **({"routes": routes} if routes else {}), **target,
        }

    def is_base(self, name):
        """The SDK's own class over all errors of a service, which no answer names."""
        return name.endswith("ServiceException") and (not self.is_json or name not in self.botocore["shapes"])

    def add_structure(self, name):
        if name in self.shapes:
            return
        structure = self.dump["structures"][name]
        if structure["failed"]:
            raise SystemExit(f"{self.service}: {name}: {structure['failed']}")
        old = self.botocore["shapes"].get(name, {})
        old_members = old.get("members", {})
        members = {}
        self.shapes[name] = {"required": structure["required"], "members": members}
        for member, schema in structure["members"].items():
            old_shape = old_members.get(member, {}).get("shape")
            members[member] = self.member(schema, old_shape)

    def member(self, schema, old_name):
        """`old_name`: the botocore shape of the same thing, or None."""
        old = self.botocore["shapes"].get(old_name, {}) if old_name else {}
        kind = schema["type"]
        out = {"type": kind}
        for key in ("xml", "query", "flat", "sensitive", "in", "wire"):
            if key in schema and (self.is_json or key not in ("in", "wire")):
                out[key] = schema[key]
        if "xml" in out and out.get("query") == out["xml"][0].upper() + out["xml"][1:]:
            del out["query"]  # EC2's rule gives the same
        if kind == "structure":
            out["shape"] = schema["shape"]
            self.add_structure(schema["shape"])
            return out
        if kind == "map":
            old_item = old.get("value", {}).get("shape")
            out["of"] = self.member(schema["of"], old_item)
            if self.is_json and self.is_input:
                out["key"] = self.member({"type": "string"}, old.get("key", {}).get("shape"))
            return out
        if kind == "list":
            old_item = old.get("member", {}).get("shape")
            if not old and "name" in schema:
                old = self.botocore["shapes"].get(schema["name"], {})
                old_item = old.get("member", {}).get("shape")
            out["of"] = self.member(schema["of"], old_item)
            out.update({key: old[key] for key in ("min", "max") if key in old and self.is_input})
            return out
        if kind == "number":
            out["type"] = {"long": "long", "double": "double", "float": "double"}.get(old.get("type"), "integer")
        if not self.is_input:
            return out
        out.update({key: old[key] for key in CONSTRAINTS if key in old})
        if "enum" in old and (self.service, old_name) not in UNCHECKED:
            newest = self.dump["enums"].get(old_name[0].upper() + old_name[1:], [])
            out["enum"] = sorted(set(newest) | set(old["enum"]))
        return out


def one_line_each(value, depth):
    """JSON with one line for each entry down to `depth`, so that a diff shows what changed."""
    if depth == 0 or not isinstance(value, dict) or not value:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=True)
    inner = ",\n".join(f"{json.dumps(key)}:{one_line_each(item, depth - 1)}" for key, item in value.items())
    return "{\n" + inner + "\n}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--packages", type=pathlib.Path, help="keep the unpacked packages here")
    parser.add_argument("services", nargs="*", metavar="SERVICE", help="only these", default=list(SERVICES))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        packages = options.packages or pathlib.Path(temporary)
        for service in options.services:
            version = SERVICES[service][0]
            folder = unpack(service, packages)
            dump = subprocess.run(["node", str(ROOT / "tools/dump_schemas.mjs"), str(folder)], check=True,
                                  capture_output=True).stdout
            compact = Compactor(service, json.loads(dump), read_botocore(service, version)).make()
            target = ROOT / "src/api/models" / f"{service}.json"
            target.write_text(one_line_each(compact, 2) + "\n")
            print(f"{target.relative_to(ROOT)}: {len(compact['operations'])} operations with shapes, "
                  f"{len(compact['allOperations'])} names, {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
