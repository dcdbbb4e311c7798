# SPDX-License-Identifier: Apache-2.0
"""ModifyDBCluster: what it changes takes effect, on the members too; what it cannot change is refused by name."""
import botocore.exceptions

from harness import MASTER, MASTER_PASSWORD, REGION
from sigv4 import database_token
from suite import Suite
from waiting import wait_until

suite = Suite(__file__, in_order=True)
ACCESS_DENIED = 1045
NEW_PASSWORD = "Other-Secret-456"


@suite.setup
def one_cluster(home):
    cluster = home.create_cluster("demo", EnableIAMDatabaseAuthentication=False, DeletionProtection=True)
    home.shared["host"], home.shared["reader"] = cluster["Endpoint"], cluster["ReaderEndpoint"]
    home.wait_whole()


def modify(home, **more):
    return home.client("rds").modify_db_cluster(DBClusterIdentifier="demo", **more)["DBCluster"]


def refusal(home, **more):
    try:
        modify(home, **more)
        return None
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"]


def described(home):
    return home.client("rds").describe_db_clusters(DBClusterIdentifier="demo")["DBClusters"][0]


@suite.test
def the_master_password_is_another_everywhere(home):
    home.aws("rds", "modify-db-cluster", "--db-cluster-identifier", "demo", "--master-user-password", NEW_PASSWORD,
             "--apply-immediately")
    host = home.shared["host"]
    assert home.sql(host, "SELECT 1", password=NEW_PASSWORD) == ((1,),)
    assert home.sql_error(host, "SELECT 1", password=MASTER_PASSWORD) == ACCESS_DENIED
    wait_until("the readers to have it",
               lambda: home.sql(home.shared["reader"], "SELECT 1", password=NEW_PASSWORD) == ((1,),), 20)
    assert "Reset master credentials." in [
        event["Message"] for event in home.client("rds").describe_events(
            SourceIdentifier="demo", SourceType="db-cluster")["Events"]]


@suite.test
def a_master_user_that_locked_itself_out_comes_back_with_its_grants(home):
    host = home.shared["host"]
    before = home.sql(host, "SHOW GRANTS", password=NEW_PASSWORD)
    home.sql(host, f"REVOKE SELECT, INSERT ON *.* FROM '{MASTER}'@'%'", password=NEW_PASSWORD)
    home.sql(host, f"ALTER USER '{MASTER}'@'%' ACCOUNT LOCK", password=NEW_PASSWORD)
    assert home.sql_error(host, "SELECT 1", password=NEW_PASSWORD) is not None
    modify(home, MasterUserPassword=MASTER_PASSWORD)
    assert home.sql(host, "SHOW GRANTS") == before
    home.sql(host, f"DROP USER '{MASTER}'@'%'")
    modify(home, MasterUserPassword=MASTER_PASSWORD)
    assert home.sql(host, "SHOW GRANTS") == before


@suite.test
def iam_authentication_goes_on_and_off(home):
    host = home.shared["host"]
    home.sql(host, "CREATE USER app IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'")

    def error():
        token = database_token(home.root_keys, host, 3306, "app", REGION)
        return home.sql_error(host, "SELECT 1", user="app", password=token)

    assert error() == ACCESS_DENIED
    wait_until("the reason in the audit log", lambda: home.audit_records(user="app", reason="iam-disabled"), 5)
    assert modify(home, EnableIAMDatabaseAuthentication=True)["IAMDatabaseAuthenticationEnabled"]
    wait_until("tokens to let in", lambda: error() is None, 5)
    modify(home, EnableIAMDatabaseAuthentication=False)
    wait_until("tokens to let nobody in", lambda: error() == ACCESS_DENIED, 5)


@suite.test
def what_cannot_be_changed_changes_nothing(home):
    before = described(home)
    assert refusal(home, DBClusterInstanceClass="db.m5d.large", BackupRetentionPeriod=9) == "NotImplemented"
    assert refusal(home, MasterUserPassword="short", BackupRetentionPeriod=9) == "InvalidParameterValue"
    assert refusal(home, VpcSecurityGroupIds=["sg-00000000000000000"]) == "InvalidParameterValue"
    assert refusal(home, Port=3307) == "InvalidParameterCombination"
    assert described(home) == before


@suite.test
def it_outlives_the_daemon(home):
    # Both windows: the maintenance window that a cluster is given is another one each time.
    modify(home, BackupRetentionPeriod=7, CopyTagsToSnapshot=True, PreferredBackupWindow="05:00-05:30",
           PreferredMaintenanceWindow="mon:07:00-mon:07:30")
    home.kill_daemon()
    home.start()
    home.wait_whole()
    cluster = described(home)
    assert (cluster["BackupRetentionPeriod"], cluster["CopyTagsToSnapshot"], cluster["PreferredBackupWindow"]) == (
        7, True, "05:00-05:30"), cluster


@suite.test
def deletion_protection_is_taken_away(home):
    rds = home.client("rds")
    try:
        rds.delete_db_cluster(DBClusterIdentifier="demo", SkipFinalSnapshot=True)
        raise AssertionError("it was protected")
    except botocore.exceptions.ClientError as error:
        assert "disable deletion protection" in error.response["Error"]["Message"], error
    assert not modify(home, DeletionProtection=False)["DeletionProtection"]
    home.delete_cluster("demo")


if __name__ == "__main__":
    suite.main()
