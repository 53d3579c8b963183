"""cloudformation/store.yaml: the hardened bucket and key of a store (FAILURES 4.2)."""

from __future__ import annotations

import pytest
from cloudformation.reading import read

OTHERS_THAN_BREAK_GLASS = {"ArnNotEquals": {"aws:PrincipalArn": {"Ref": "BreakGlassRoleArn"}}}


@pytest.fixture(scope="module")
def template():
    return read("store.yaml")


def properties(template, name):
    return template["Resources"][name]["Properties"]


def statements(template, name="BucketPolicy"):
    return {row["Sid"]: row for row in properties(template, name)["PolicyDocument"]["Statement"]}


@pytest.mark.parametrize("bucket", ["Bucket", "LogBucket"])
def test_no_bucket_can_become_public(template, bucket):
    blocks = properties(template, bucket)["PublicAccessBlockConfiguration"]

    names = {"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"}
    assert dict.fromkeys(names, True) == blocks
    rules = properties(template, bucket)["OwnershipControls"]["Rules"]
    assert rules == [{"ObjectOwnership": "BucketOwnerEnforced"}]


@pytest.mark.parametrize("policy", ["BucketPolicy", "LogBucketPolicy"])
def test_plain_http_is_denied_to_everybody(template, policy):
    row = statements(template, policy)["OnlyOverTls"]

    assert (row["Effect"], row["Principal"], row["Action"]) == ("Deny", "*", "s3:*")
    assert row["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert len(row["Resource"]) == 2


def test_objects_are_encrypted_under_the_stores_own_key(template):
    (rule,) = properties(template, "Bucket")["BucketEncryption"]["ServerSideEncryptionConfiguration"]

    expected = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": {"Fn::GetAtt": ["Key", "Arn"]}}
    assert expected == rule["ServerSideEncryptionByDefault"]
    assert rule["BucketKeyEnabled"] is True
    assert properties(template, "Key")["EnableKeyRotation"] is True


def test_a_write_that_names_no_encryption_is_allowed_and_takes_the_buckets(template):
    """A negated condition holds where the key is absent: without Null it would refuse every write of dr."""
    for sid in ("OnlyUnderKms", "OnlyUnderThisKey"):
        condition = statements(template)[sid]["Condition"]
        negated = next(iter(condition.get("StringNotEquals") or condition["ArnNotEquals"]))
        assert {negated: "false"} == condition["Null"]


def test_versions_are_kept_and_locked(template):
    bucket = properties(template, "Bucket")

    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["ObjectLockEnabled"] is True
    retention = bucket["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
    assert retention == {"Mode": {"Ref": "ObjectLockMode"}, "Days": {"Ref": "ObjectLockDays"}}
    assert template["Parameters"]["ObjectLockMode"]["Default"] == "GOVERNANCE"


def test_versions_can_be_ended_by_break_glass_only(template):
    row = statements(template)["OnlyBreakGlassEndsVersions"]

    assert (row["Effect"], row["Principal"], row["Condition"]) == ("Deny", "*", OTHERS_THAN_BREAK_GLASS)
    assert {"s3:DeleteObjectVersion", "s3:BypassGovernanceRetention"} <= set(row["Action"])


def test_what_dr_does_with_the_bucket_is_denied_nowhere(template):
    """Manifests, templates and leases end by delete markers: s3:DeleteObject stays allowed."""
    used = {"s3:DeleteObject", "s3:GetObject", "s3:ListBucket"}
    for row in statements(template).values():
        if row["Sid"] not in {"OnlyOverTls", "OnlyOverCurrentTls"}:
            actions = {row["Action"]} if isinstance(row["Action"], str) else set(row["Action"])
            assert set() == actions & used
            assert not any("*" in action for action in actions)


def test_the_buckets_protection_can_be_changed_by_break_glass_only(template):
    row = statements(template)["OnlyBreakGlassChangesTheProtection"]

    assert (row["Effect"], row["Condition"]) == ("Deny", OTHERS_THAN_BREAK_GLASS)
    wanted = {"s3:PutBucketPolicy", "s3:DeleteBucketPolicy", "s3:PutBucketVersioning", "s3:DeleteBucket"}
    assert wanted <= set(row["Action"])
    assert "s3:PutBucketObjectLockConfiguration" in row["Action"]


def test_the_key_can_be_ended_by_break_glass_only(template):
    rows = {row["Sid"]: row for row in properties(template, "Key")["KeyPolicy"]["Statement"]}
    row = rows["OnlyBreakGlassEndsTheKey"]

    assert (row["Effect"], row["Condition"]) == ("Deny", OTHERS_THAN_BREAK_GLASS)
    assert {"kms:ScheduleKeyDeletion", "kms:DisableKey"} <= set(row["Action"])
    assert "kms:PutKeyPolicy" not in row["Action"]  # or the account could lock itself out


def test_break_glass_has_to_be_named(template):
    assert "Default" not in template["Parameters"]["BreakGlassRoleArn"]


@pytest.mark.parametrize("name", ["Bucket", "BucketPolicy", "Key", "LogBucket", "LogBucketPolicy"])
def test_what_holds_data_or_guards_it_outlives_the_stack(template, name):
    resource = template["Resources"][name]

    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_old_versions_and_incomplete_uploads_go_and_current_objects_never(template):
    rules = properties(template, "Bucket")["LifecycleConfiguration"]["Rules"]

    kinds = {key for rule in rules for key in rule} - {"Id", "Status"}
    assert {
        "NoncurrentVersionExpiration",
        "ExpiredObjectDeleteMarker",
        "AbortIncompleteMultipartUpload",
    } == kinds


def test_accesses_are_logged_into_another_bucket(template):
    logging = properties(template, "Bucket")["LoggingConfiguration"]

    expected = {"Fn::If": ["OwnLogs", {"Ref": "LogBucket"}, {"Ref": "LogBucketName"}]}
    assert expected == logging["DestinationBucketName"]
    row = statements(template, "LogBucketPolicy")["S3DeliversLogs"]
    assert row["Principal"] == {"Service": "logging.s3.amazonaws.com"}
    assert {"StringEquals", "ArnEquals"} == set(row["Condition"])


def test_a_deletion_is_not_replicated(template):
    switch, replication, _ = properties(template, "Bucket")["ReplicationConfiguration"]["Fn::If"]
    (rule,) = replication["Rules"]

    assert switch == "Replicates"
    assert rule["DeleteMarkerReplication"] == {"Status": "Disabled"}
    (policy,) = properties(template, "ReplicationRole")["Policies"]
    allowed = str(policy["PolicyDocument"])
    assert "s3:ReplicateObject" in allowed
    assert "s3:ReplicateDelete" not in allowed


def test_the_replication_role_trusts_s3_for_this_bucket_only(template):
    (row,) = properties(template, "ReplicationRole")["AssumeRolePolicyDocument"]["Statement"]

    assert row["Principal"] == {"Service": "s3.amazonaws.com"}
    assert row["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    assert {"aws:SourceArn"} == set(row["Condition"]["ArnEquals"])


def test_what_dr_yaml_needs_is_an_output(template):
    assert {"StoreUrl", "StoreRegion", "KeyArn", "BucketArn", "LogBucketName"} == set(template["Outputs"])
