"""Rules of our own over cloudformation/store.yaml: each passes, and each fails when the template is broken (FAILURES 4.2)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cloudformation.guarding import guarded

ROOT = Path(__file__).parent.parent
TEMPLATE = (ROOT / "cloudformation" / "store.yaml").read_text()
RULES = Path(__file__).with_name("store.guard").read_text()
NAMES = re.findall(r"^rule (\w+)", RULES, flags=re.MULTILINE)
# rule -> what is written in the template, and what would break the rule
BREAKS = {
    "no_bucket_can_become_public": ("BlockPublicPolicy: true", "BlockPublicPolicy: false"),
    "no_bucket_knows_acls": ("ObjectOwnership: BucketOwnerEnforced", "ObjectOwnership: ObjectWriter"),
    "every_bucket_keeps_versions": ("{Status: Enabled}", "{Status: Suspended}"),
    "every_bucket_is_encrypted": ("SSEAlgorithm: AES256", "SSEAlgorithm: none"),
    "the_store_is_encrypted_under_its_own_key": ("BucketKeyEnabled: true", "BucketKeyEnabled: false"),
    "the_store_is_locked": ("ObjectLockEnabled: true", "ObjectLockEnabled: false"),
    "every_bucket_policy_denies_plain_http": (
        '"false"}\n          - Sid: S3Del',
        '"true"}\n          - Sid: S3Del',
    ),
    "no_bucket_policy_opens_to_everybody": (
        "Principal: {Service: logging.s3.amazonaws.com}",
        'Principal: "*"',
    ),
    "versions_of_the_store_are_not_deleted": ("s3:BypassGovernanceRetention", "s3:GetObjectRetention"),
    "the_protection_of_the_store_is_not_lifted": ("s3:PutBucketVersioning", "s3:GetBucketVersioning"),
    "writes_under_another_encryption_are_refused": (
        "{s3:x-amz-server-side-encryption: aws:kms}",
        "{s3:x-amz-server-side-encryption: AES256}",
    ),
    "keys_rotate_and_are_not_ended": ("EnableKeyRotation: true", "EnableKeyRotation: false"),
    "what_holds_data_outlives_the_stack": ("DeletionPolicy: Retain", "DeletionPolicy: Delete"),
    "services_are_trusted_for_this_account_and_resource_only": (
        'ArnEquals: {aws:SourceArn: !Sub "arn:${AWS::Partition}:s3:::${BucketName}"}\n      Policies',
        'Bool: {aws:SecureTransport: "true"}\n      Policies',
    ),
    "accesses_are_logged": ("DestinationBucketName:", "DestinationName:"),
}


@pytest.fixture(scope="module")
def verdicts():
    """Of the template as it is (under None), and broken in each way."""
    broken = {rule: TEMPLATE.replace(*change) for rule, change in BREAKS.items()}
    assert all(text != TEMPLATE for text in broken.values())
    return dict(zip([None, *broken], guarded(RULES, [TEMPLATE, *broken.values()]), strict=True))


def test_the_template_passes_every_rule(verdicts):
    assert verdicts[None] == ["PASS", dict.fromkeys(NAMES, "PASS")]


def test_every_rule_has_a_break():
    assert set(BREAKS) == set(NAMES)


@pytest.mark.parametrize("rule", NAMES)
def test_a_rule_fails_when_what_it_asks_for_is_broken(verdicts, rule):
    status, rules = verdicts[rule]

    assert (status, rules[rule]) == ("FAIL", "FAIL")
