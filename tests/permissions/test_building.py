"""What CloudFormation may do for `dr deploy`, held against the schemas of the template's resource types and its names."""

from __future__ import annotations

import json
from pathlib import Path

import cfnlint
import pytest
from cloudformation.deployments import EVERYTHING
from cloudformation.reading import ACCOUNT, Deployment, read
from permissions.evaluator import Request, decide
from permissions.places import DEPLOYED, place

from dr.iam.building import AROUND, BUILT
from dr.iam.deploying import CLOUDFORMATION
from dr.iam.documents import policy
from dr.iam.place import Role

TEMPLATE = Deployment(
    template=read("functions.yaml"), given={**EVERYTHING, "Installation": "acme"}, region="eu-central-1"
)
TYPES = sorted({row["Type"] for row in TEMPLATE.resources.values()})
DOCUMENTS = [policy(role, place(DEPLOYED)) for role in (Role.DEPLOYER, Role.BUILDER, Role.WAKER)]
ALLOWED = {action for table in (BUILT, AROUND) for actions in table.values() for action in actions}
LEFT_OUT = {
    "a function has neither a network nor a file system, nor a layer": (
        *("ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets"),
        *("ec2:DescribeVpcs", "elasticfilesystem:DescribeMountTargets", "s3files:ListMountTargets"),
        "lambda:GetLayerVersion",
    ),
    "a function has no concurrency, signing, runtime, version or scaling of its own": (
        *("lambda:AssociateRuntimeAlias", "lambda:DeleteFunctionCodeSigningConfig"),
        *(
            "lambda:DeleteFunctionConcurrency",
            "lambda:GetCodeSigningConfig",
            "lambda:GetFunctionScalingConfig",
        ),
        *("lambda:PassCapacityProvider", "lambda:PublishVersion", "lambda:PutFunctionCodeSigningConfig"),
        *("lambda:PutFunctionConcurrency", "lambda:PutFunctionRecursionConfig"),
        *("lambda:PutFunctionScalingConfig", "lambda:PutRuntimeManagementConfig"),
    ),
    "functions, bus and run are encrypted under keys of AWS": (
        *("kms:CreateGrant", "kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"),
        *("kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo"),
    ),
    "the package has no version, and is the deployer's": ("s3:GetObject", "s3:GetObjectVersion"),
    "policies are attached to roles": (
        *("iam:AttachGroupPolicy", "iam:AttachUserPolicy", "iam:DetachGroupPolicy", "iam:DetachUserPolicy"),
    ),
    "no role has a boundary": ("iam:DeleteRolePermissionsBoundary", "iam:PutRolePermissionsBoundary"),
    "roles are tagged by TagRole, and ListRoleTags is in GetRole": ("iam:ListRoleTags",),
    "the key is there as long as the stack, and rotates": (
        *("kms:DisableKey", "kms:DisableKeyRotation", "kms:EnableKey"),
    ),
    "a log group has days, a key and tags, and nothing else": (
        *("firehose:TagDeliveryStream", "logs:CreateLogDelivery", "logs:DeleteDataProtectionPolicy"),
        *("logs:DeleteIndexPolicy", "logs:DeleteResourcePolicy", "logs:DeleteRetentionPolicy"),
        *("logs:DisassociateKmsKey", "logs:PutBearerTokenAuthentication", "logs:PutDataProtectionPolicy"),
        *("logs:PutIndexPolicy", "logs:PutLogGroupDeletionProtection", "logs:PutResourcePolicy"),
        "s3:REST.PUT.OBJECT",
    ),
    "the topic masks nothing, and another address is another subscription": (
        *("sns:PutDataProtectionPolicy", "sns:SetSubscriptionAttributes"),
    ),
}
"""What a schema names for what the template does not have: reason -> actions."""


def needed() -> dict[str, set[str]]:
    """Type -> what CloudFormation calls to create, read, update and delete one, with its tags."""
    folder = Path(cfnlint.__file__).parent / "data" / "schemas" / "resources"
    found = {}
    for path in folder.glob("*.json"):
        schema = json.loads(path.read_text())
        if schema["typeName"] in TYPES:
            asked = [row["permissions"] for name, row in schema["handlers"].items() if name != "list"]
            tags = schema.get("tagging", {})
            if tags.get("taggable"):
                asked.append(tags.get("permissions", []))
            found[schema["typeName"]] = {action for actions in asked for action in actions}
    return found


NEEDED = needed()


def test_every_type_of_the_template_has_a_schema():
    assert sorted(NEEDED) == TYPES


def test_what_is_allowed_is_what_the_schemas_name_for_what_the_template_has():
    left_out = {action for actions in LEFT_OUT.values() for action in actions}

    assert set().union(*NEEDED.values()) - left_out == ALLOWED


def test_nothing_is_left_out_that_no_schema_names():
    left_out = [action for actions in LEFT_OUT.values() for action in actions]

    assert set(left_out) <= set().union(*NEEDED.values())
    assert len(left_out) == len(set(left_out))


CREATES = {
    "AWS::CloudWatch::Alarm": ("cloudwatch:PutMetricAlarm", "cloudwatch:{}:alarm:{AlarmName}"),
    "AWS::Events::EventBus": ("events:CreateEventBus", "events:{}:event-bus/{Name}"),
    "AWS::Events::Rule": ("events:PutRule", "events:{}:rule/{Name}"),
    "AWS::IAM::ManagedPolicy": ("iam:CreatePolicy", "iam::{account}:policy{Path}made-up"),
    "AWS::IAM::Role": ("iam:CreateRole", "iam::{account}:role{Path}{RoleName}"),
    "AWS::Lambda::Function": ("lambda:CreateFunction", "lambda:{}:function:{FunctionName}"),
    "AWS::Logs::LogGroup": ("logs:CreateLogGroup", "logs:{}:log-group:{LogGroupName}:*"),
    "AWS::SNS::Topic": ("sns:CreateTopic", "sns:{}:{TopicName}"),
    "AWS::SQS::Queue": ("sqs:CreateQueue", "sqs:{}:{QueueName}"),
    "AWS::SSM::Parameter": ("ssm:PutParameter", "ssm:{}:parameter{Name}"),
    "AWS::Scheduler::Schedule": ("scheduler:CreateSchedule", "scheduler:{}:schedule/dr-acme/{Name}"),
    "AWS::Scheduler::ScheduleGroup": ("scheduler:CreateScheduleGroup", "scheduler:{}:schedule-group/{Name}"),
    "AWS::StepFunctions::StateMachine": (
        "states:CreateStateMachine",
        "states:{}:stateMachine:{StateMachineName}",
    ),
}
"""Types of resources that have a name of ours -> the action that makes one, and its ARN."""


def made(region: str = "eu-central-1", installation: str = "acme") -> list[tuple[str, str, str]]:
    """Logical id, action and ARN of everything that a deployment with everything makes."""
    found = []
    for name, row in TEMPLATE.resources.items():
        if row["Type"] in CREATES:
            action, form = CREATES[row["Type"]]
            said = {**row["Properties"], "account": ACCOUNT}
            if "EventBusName" in said:
                said["Name"] = f"dr-acme/{said['Name']}"
            arn = f"arn:aws:{form.format(f'{region}:{ACCOUNT}', **said)}"
            found.append((name, action, arn.replace("acme", installation)))
    return found


def is_allowed(action: str, arn: str, **context: str) -> bool:
    return decide(DOCUMENTS, Request(action=action, resource=arn, context=context)).allowed


VIA = {"aws:CalledViaFirst": CLOUDFORMATION, "aws:RequestedRegion": "eu-central-1"}


@pytest.mark.parametrize(("name", "action", "arn"), made(), ids=lambda one: one.split(":")[-1])
def test_everything_that_has_a_name_is_made_through_cloudformation_and_in_no_other_way(name, action, arn):
    assert is_allowed(action, arn, **VIA), name
    assert not is_allowed(action, arn, **{"aws:RequestedRegion": "eu-central-1"}), name
    assert not is_allowed(action, arn, **{**VIA, "aws:CalledViaFirst": "athena.amazonaws.com"}), name


@pytest.mark.parametrize("other", ["acme-2", "acme-tick", "acm", "other"])
def test_another_installations_resources_are_out_of_reach(other):
    reached = [
        (name, arn) for name, action, arn in made(installation=other) if is_allowed(action, arn, **VIA)
    ]

    assert reached == []


def test_another_region_is_out_of_reach():
    reached = {name for name, action, arn in made(region="us-east-1") if is_allowed(action, arn, **VIA)}

    assert {TEMPLATE.resources[name]["Type"] for name in reached} == {
        "AWS::IAM::ManagedPolicy",
        "AWS::IAM::Role",
    }


def role(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


@pytest.mark.parametrize(
    ("policy_arn", "expected"),
    [
        (f"arn:aws:iam::{ACCOUNT}:policy/dr/acme/capturer-1A", True),
        (f"arn:aws:iam::{ACCOUNT}:policy/dr/acme-2/capturer-1A", False),
        (f"arn:aws:iam::{ACCOUNT}:policy/administrators", False),
        ("arn:aws:iam::aws:policy/AdministratorAccess", False),
    ],
)
def test_a_role_is_given_policies_of_the_installation_and_no_others(policy_arn, expected):
    context = {**VIA, "iam:PolicyARN": policy_arn}

    assert (
        is_allowed("iam:AttachRolePolicy", role("dr/acme/dr-acme-tick-eu-central-1"), **context) is expected
    )


@pytest.mark.parametrize(
    ("name", "service", "expected"),
    [
        ("dr/acme/dr-acme-tick-eu-central-1", "lambda.amazonaws.com", True),
        ("dr/acme/dr-acme-scheduler-eu-central-1", "scheduler.amazonaws.com", True),
        ("dr/acme/dr-acme-runs-eu-central-1", "states.amazonaws.com", True),
        ("dr/acme/dr-acme-tick-eu-central-1", "ec2.amazonaws.com", False),
        ("dr/acme-2/dr-acme-2-tick-eu-central-1", "lambda.amazonaws.com", False),
        ("admin", "lambda.amazonaws.com", False),
    ],
)
def test_a_role_of_the_installation_is_passed_to_the_service_that_works_under_it(name, service, expected):
    assert is_allowed("iam:PassRole", role(name), **{"iam:PassedToService": service}) is expected


@pytest.mark.parametrize("action", ["kms:ScheduleKeyDeletion", "kms:PutKeyPolicy"])
def test_a_key_ends_through_cloudformation_alone_and_only_where_the_functions_are(action):
    def key(region: str) -> str:
        return f"arn:aws:kms:{region}:{ACCOUNT}:key/k"

    waker = [policy(Role.WAKER, place(DEPLOYED))]
    admin = {"Statement": [{"Sid": "Admin", "Effect": "Allow", "Action": "*", "Resource": "*"}]}

    def may(region: str, documents, **context) -> bool:
        return decide(documents, Request(action=action, resource=key(region), context=context)).allowed

    assert may("eu-central-1", waker, **VIA)
    assert not may("eu-west-1", waker, **VIA)
    assert not may("eu-central-1", [*waker, admin])


def test_nothing_that_is_there_already_comes_into_the_stack():
    admin = {"Statement": [{"Sid": "Admin", "Effect": "Allow", "Action": "*", "Resource": "*"}]}
    stack = f"arn:aws:cloudformation:eu-central-1:{ACCOUNT}:stack/dr-acme/1"

    def may(**context) -> bool:
        asked = Request(
            action="cloudformation:CreateChangeSet",
            resource=stack,
            context={"cloudformation:ChangeSetName": "dr-1", **context},
        )
        return decide([*DOCUMENTS, admin], asked).allowed

    assert may()
    assert not may(**{"cloudformation:ImportResourceTypes": "AWS::KMS::Key"})
