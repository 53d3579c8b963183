"""A whole life under the roles of `dr iam`: every call is allowed to the role that makes it, every action is needed.

The same judgement falls on the calls of the whole suite when it ends (tests/permissions/plugin.py); this one stands
alone, and is the same wherever it is run.
"""

from __future__ import annotations

import base64
import contextlib
import io

import pytest
from permissions import recorder
from permissions.judging import UNUSED, judge, recorded

from dr.cli import run

AWAY = "eu-central-1"
ROLE = "arn:aws:iam::123456789012:role/cfn"
TEMPLATE = f"""\
Metadata: {{Padding: {"x" * 52_000}}}
Parameters:
  Image: {{Type: "AWS::EC2::Image::Id"}}
  Password: {{Type: String, NoEcho: true}}
Resources:
  Data:
    Type: AWS::EC2::Volume
    Properties: {{AvailabilityZone: eu-west-1a, Size: 8}}
  Server:
    Type: AWS::EC2::Instance
    Properties: {{ImageId: !Ref Image, InstanceType: t3.micro}}
  Template:
    Type: AWS::EC2::LaunchTemplate
    Properties: {{LaunchTemplateData: {{ImageId: !Ref Image, InstanceType: t3.micro}}}}
  Group:
    Type: AWS::AutoScaling::AutoScalingGroup
    Properties:
      MinSize: "0"
      MaxSize: "0"
      AvailabilityZones: [eu-west-1a]
      LaunchTemplate: {{LaunchTemplateId: !Ref Template, Version: !GetAtt Template.LatestVersionNumber}}
"""
SMALL = """\
Resources:
  Logs: {Type: "AWS::S3::Bucket"}
"""
CONFIG = """\
name: acme
regions: [eu-west-1]
store:
  primary: {url: "s3://acme-store/dr", region: eu-west-1}
  replica: {url: "s3://acme-replica/dr", region: eu-central-1}
staging_bucket: {eu-west-1: restore-tests-staging}
restore: {parameters: {Password: {ssm: /app/password}}}
signing: {key: alias/dr-signing, public_key: pinned.pem}
"""
POLICY = """\
policy: %s
protect: %s
select: %s
schedule: "0 * * * *"
keep: {last: 2}
"""
OTHERS = (
    " sts:AssumeRole ",
    " organizations:",
    " ec2:DescribeRegions ",
    " in shards ",
    "deployer: ",
    " sns:Publish ",
    " in notices ",
)
"""What a life in one account and its own Regions, at a prompt, never asks for. tests/shells does, and the judgement of the whole
suite looks for it there: test_cli_organization.py, test_handlers_accounts.py, test_handlers_organization.py, test_cli_deploying.py,
test_cli_notify.py."""


@pytest.fixture
def life(world, monkeypatch):
    """A stack with everything that a restore brings back, two stores, and policies for all of it."""
    for bucket, region in (("acme-store", "eu-west-1"), ("acme-replica", AWAY)):
        place = {"LocationConstraint": region}
        world.sandbox.client("s3", region).create_bucket(Bucket=bucket, CreateBucketConfiguration=place)
    world.sandbox.pending(0)
    world.ssm.put_parameter(Name="/app/password", Value="canary", Type="SecureString")
    (world.folder / "dr.yaml").write_text(CONFIG)
    (world.folder / "pinned.pem").write_text(public_key(world.sandbox.client("kms")))
    tags = '{tags: {"aws:cloudformation:stack-name": app}}'
    for protect, select in (("volumes", tags), ("instances", tags), ("stacks", "{names: [app, small]}")):
        text = POLICY % (f"p-{protect}", protect, select)
        (world.folder / "policies" / f"{protect}.yaml").write_text(text)
    world.create(
        "app",
        TEMPLATE,
        {"Image": world.image(), "Password": "canary"},
        Tags=[{"Key": "Team", "Value": "red"}],
        RoleARN=ROLE,
        StackPolicyBody='{"Statement": []}',
        EnableTerminationProtection=True,
    )
    world.create("small", SMALL)
    for name, value in world.environ.items():
        monkeypatch.setenv(name, value)
    return world


def public_key(kms) -> str:
    """Make a key that signs, under its alias; its public key as PEM."""
    key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/dr-signing", TargetKeyId=key)
    body = base64.encodebytes(kms.get_public_key(KeyId=key)["PublicKey"]).decode()
    return f"-----BEGIN PUBLIC KEY-----\n{body}-----END PUBLIC KEY-----\n"


def dr(*arguments: str, ends: tuple[int, ...] = (0,)) -> None:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        code = run([*arguments, "--json"])
    assert code in ends, (arguments, out.getvalue())


def disturb(life) -> None:
    """A part without its image is noted as an orphan; a template that changes leaves garbage behind after a day."""
    mine = [{"Name": "tag:dr:kind", "Values": ["image"]}]
    image = life.ec2.describe_images(Owners=["self"], Filters=mine)["Images"][0]["ImageId"]
    life.ec2.deregister_image(ImageId=image)
    life.cfn.update_stack(StackName="small", TemplateBody=f"Description: changed\n{SMALL}")
    assert life.settled("small") == "UPDATE_COMPLETE"


def test_every_call_is_allowed_to_its_role_and_every_action_is_needed(life, tmp_path):
    calls = tmp_path / "calls"
    calls.mkdir()
    with recorder.into(calls):
        for _ in range(2):
            dr("plan")
            dr("apply")
            life.sandbox.advance(3600)
        disturb(life)
        for hours in (26, 1, 1):
            life.sandbox.advance(3600 * hours)
            dr("apply")
        dr("freeze", "--why", "a test")
        dr("status")
        dr("thaw")
        dr("points")
        dr("stacks", "app")
        dr("verify", "--deep", ends=(0, 3))
        life.cfn.update_termination_protection(StackName="app", EnableTerminationProtection=False)
        life.delete("app")
        dr("restore", "--stack", "app", "--yes")
        dr("restore", "--stack", "small", "--as", "small-again", "--yes")

    verdict = judge(recorded(calls), whole=True)

    unused = [line for line in verdict.unused if not any(of in line for of in OTHERS)]
    assert (verdict.refused, unused) == ((), [])
    assert verdict.calls > 40


def test_what_no_call_needs_has_a_reason():
    assert all(len(reason) > 10 for reason in UNUSED.values())
