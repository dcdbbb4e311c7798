#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What tools that keep infrastructure as code ask for and change beside what people call: Terraform's AWS provider
makes these calls to refresh, to update and to destroy."""
import botocore.exceptions

from suite import Suite
from waiting import wait_until

suite = Suite(__file__)


def refusal(call, **parameters):
    try:
        answer = call(**parameters)
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
    raise AssertionError(f"was not refused: {answer}")


def rules_of(ec2, group):
    found = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])["SecurityGroupRules"]
    return {rule["SecurityGroupRuleId"]: rule for rule in found}


@suite.test
def rules_change_in_place(home):
    ec2 = home.client("ec2")
    group = ec2.create_security_group(GroupName="db", Description="for databases")["GroupId"]
    port = {"IpProtocol": "tcp", "FromPort": 3306, "ToPort": 3306}
    tags = [{"ResourceType": "security-group-rule", "Tags": [{"Key": "team", "Value": "db"}]}]
    first, second = (ec2.authorize_security_group_ingress(
        GroupId=group, IpPermissions=[{**port, "IpRanges": [{"CidrIp": cidr, "Description": "a"}]}],
        TagSpecifications=tags)["SecurityGroupRules"][0]["SecurityGroupRuleId"]
        for cidr in ("10.0.0.0/8", "10.1.0.0/16"))
    wish = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5433, "CidrIpv4": "192.168.0.0/16", "Description": "b"}
    assert ec2.modify_security_group_rules(GroupId=group, SecurityGroupRules=[
        {"SecurityGroupRuleId": first, "SecurityGroupRule": wish}])["Return"]
    now = rules_of(ec2, group)[first]
    assert {key: now[key] for key in wish} == wish and now["Tags"] == tags[0]["Tags"] and not now["IsEgress"], now
    same = {**port, "CidrIpv4": "10.1.0.0/16"}
    assert refusal(ec2.modify_security_group_rules, GroupId=group, SecurityGroupRules=[
        {"SecurityGroupRuleId": first, "SecurityGroupRule": same}]) == "InvalidPermission.Duplicate"
    assert refusal(ec2.modify_security_group_rules, GroupId=group, SecurityGroupRules=[
        {"SecurityGroupRuleId": "sgr-0123456789abcdef0", "SecurityGroupRule": same}]) == \
        "InvalidSecurityGroupRuleId.NotFound"
    wrong = {**wish, "CidrIpv4": "nowhere"}
    assert refusal(ec2.modify_security_group_rules, GroupId=group, SecurityGroupRules=[
        {"SecurityGroupRuleId": first, "SecurityGroupRule": wrong}]) == "InvalidParameterValue"
    assert rules_of(ec2, group)[first] == now, "half done"
    # Each other's place.
    ec2.modify_security_group_rules(GroupId=group, SecurityGroupRules=[
        {"SecurityGroupRuleId": first, "SecurityGroupRule": same},
        {"SecurityGroupRuleId": second, "SecurityGroupRule": wish}])
    ec2.update_security_group_rule_descriptions_ingress(GroupId=group, IpPermissions=[
        {**port, "IpRanges": [{"CidrIp": "10.1.0.0/16", "Description": "by what it says"}]}])
    ec2.update_security_group_rule_descriptions_ingress(GroupId=group, SecurityGroupRuleDescriptions=[
        {"SecurityGroupRuleId": second, "Description": "by its id"}])
    now = rules_of(ec2, group)
    assert [now[rule]["Description"] for rule in (first, second)] == ["by what it says", "by its id"], now
    assert refusal(ec2.update_security_group_rule_descriptions_egress, GroupId=group, SecurityGroupRuleDescriptions=[
        {"SecurityGroupRuleId": second, "Description": "other way"}]) == "InvalidSecurityGroupRuleId.NotFound"
    assert refusal(ec2.update_security_group_rule_descriptions_ingress, GroupId=group) == "MissingParameter"
    ec2.delete_security_group(GroupId=group)


@suite.test
def what_a_network_is_asked_beside(home):
    ec2 = home.client("ec2")
    assert ec2.describe_prefix_lists(Filters=[
        {"Name": "prefix-list-name", "Values": ["com.amazonaws.us-east-1.rds"]}])["PrefixLists"] == []
    assert refusal(ec2.describe_prefix_lists, PrefixListIds=["pl-0123"]) == "InvalidPrefixListId.NotFound"
    assert [region["RegionName"] for region in ec2.describe_regions()["Regions"]] == ["us-east-1"]
    assert refusal(ec2.describe_regions, RegionNames=["mars-1"]) == "InvalidParameterValue"
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    for attribute in ("AssignIpv6AddressOnCreation", "EnableDns64"):
        ec2.modify_subnet_attribute(SubnetId=subnet, **{attribute: {"Value": False}})
    assert refusal(ec2.modify_subnet_attribute, SubnetId="subnet-0123456789abcdef0",
                   EnableDns64={"Value": False}) == "InvalidSubnetID.NotFound"
    assert refusal(ec2.modify_subnet_attribute, SubnetId=subnet) == "MissingParameter"


@suite.test
def a_user_is_taken_apart(home):
    iam = home.client("iam")
    iam.create_user(UserName="ida")
    lists = {"list_mfa_devices": "MFADevices", "list_ssh_public_keys": "SSHPublicKeys",
             "list_signing_certificates": "Certificates",
             "list_service_specific_credentials": "ServiceSpecificCredentials"}
    for call, key in lists.items():
        assert getattr(iam, call)(UserName="ida")[key] == [], call
        assert refusal(getattr(iam, call), UserName="nobody") == "NoSuchEntity", call
    assert iam.list_virtual_mfa_devices(AssignmentStatus="Assigned")["VirtualMFADevices"] == []
    for call in (iam.get_login_profile, iam.delete_login_profile):
        assert refusal(call, UserName="ida") == "NoSuchEntity"
    iam.delete_user(UserName="ida")


@suite.test
def tags_of_an_instance_profile(home):
    iam = home.client("iam")
    iam.create_instance_profile(InstanceProfileName="web", Tags=[{"Key": "a", "Value": "1"}])
    iam.tag_instance_profile(InstanceProfileName="web", Tags=[{"Key": "b", "Value": "2"}])
    iam.untag_instance_profile(InstanceProfileName="web", TagKeys=["a"])
    assert iam.list_instance_profile_tags(InstanceProfileName="web")["Tags"] == [{"Key": "b", "Value": "2"}]
    iam.delete_instance_profile(InstanceProfileName="web")


@suite.test
def a_cluster_is_refreshed_and_changed(home):
    rds, ec2 = home.client("rds"), home.client("ec2")
    home.create_cluster("demo", StorageType="gp3", AllocatedStorage=20)
    cluster = rds.describe_db_clusters(DBClusterIdentifier="demo")["DBClusters"][0]
    assert rds.describe_global_clusters(Filters=[
        {"Name": "db-cluster-id", "Values": [cluster["DBClusterArn"]]}])["GlobalClusters"] == []
    # The provider sends what it was shown, or 0 where its configuration has none.
    for iops in (0, cluster["Iops"]):
        changed = rds.modify_db_cluster(DBClusterIdentifier="demo", Iops=iops, BackupRetentionPeriod=7,
                                        CloudwatchLogsExportConfiguration={"EnableLogTypes": [], "DisableLogTypes": []})
        assert changed["DBCluster"]["Iops"] == cluster["Iops"], changed
    assert refusal(rds.modify_db_cluster, DBClusterIdentifier="demo", Iops=12000) == "NotImplemented"
    assert refusal(rds.create_db_cluster, **home.cluster_parameters(
        "logs", EnableCloudwatchLogsExports=["error"])) == "NotImplemented"
    options = rds.describe_orderable_db_instance_options(Engine="mysql", MaxRecords=1000)
    assert options["OrderableDBInstanceOptions"] and "Marker" not in options
    held = ec2.describe_network_interfaces(Filters=[{"Name": "requester-id", "Values": ["amazon-rds"]}])[
        "NetworkInterfaces"]
    assert held and all(each["Attachment"]["InstanceOwnerId"] == "amazon-rds" and each["Status"] == "in-use"
                        for each in held), held
    home.delete_cluster("demo")
    wait_until("no interface", lambda: not ec2.describe_network_interfaces(Filters=[
        {"Name": "attachment.instance-owner-id", "Values": ["amazon-rds"]}])["NetworkInterfaces"], 30)


if __name__ == "__main__":
    suite.main()
