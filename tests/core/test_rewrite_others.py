"""Launch templates, nested stacks, explicit names, what comes up empty, and the catalogue as a whole."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from rewriting import disk, errors, instance, rewritten, volume

sys.path.insert(0, str(Path(__file__).parents[1] / "templates"))

from template_catalogue import CASES

from dr.stacks.evaluate import Facts
from dr.stacks.names import explicit_names, rename
from dr.stacks.rewrite import set_template_url
from dr.stacks.stateful import comes_up_empty
from dr.stacks.template import parse_template, properties

FLEET = """
Resources:
  Shape:
    Type: AWS::EC2::LaunchTemplate
    Properties:
      LaunchTemplateData: {ImageId: !Ref X, InstanceType: t3.micro}
  Config:
    Type: AWS::AutoScaling::LaunchConfiguration
    Properties: {ImageId: ami-old}
  Child:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: !Ref Url, Parameters: {A: b}}
  Queue: {Type: AWS::SQS::Queue}
"""


def test_launch_templates_and_configurations_keep_their_image():
    assert rewritten(FLEET).template.text == FLEET


def test_image_for_gives_them_another():
    result = rewritten(FLEET, image_for={"Shape": "ami-a", "Config": "ami-b"})
    assert result.template.text == FLEET.replace("ImageId: !Ref X", "ImageId: ami-a").replace(
        "ami-old", "ami-b"
    )


def test_image_for_anything_else_is_an_error():
    assert len(errors(rewritten(FLEET, image_for={"Queue": "ami-a", "Gone": "ami-a"}))) == 2


def test_a_nested_stack_gets_another_template():
    template = set_template_url(parse_template(FLEET), "Child", "https://b.s3.amazonaws.com/k")
    assert template.text == FLEET.replace("!Ref Url", '"https://b.s3.amazonaws.com/k"')
    assert rewritten(FLEET, template_urls={"Child": "https://b.s3.amazonaws.com/k"}).template == template


def test_what_holds_data_comes_up_empty():
    text = """
Conditions: {Never: !Equals [a, b]}
Resources:
  Db: {Type: AWS::RDS::DBInstance}
  Bucket: {Type: AWS::S3::Bucket}
  Not: {Type: AWS::S3::Bucket, Condition: Never}
  Vol: {Type: AWS::EC2::Volume}
  Secret: {Type: AWS::SecretsManager::Secret}
"""
    assert comes_up_empty(parse_template(text), Facts()) == (
        ("Db", "AWS::RDS::DBInstance"),
        ("Bucket", "AWS::S3::Bucket"),
        ("Secret", "AWS::SecretsManager::Secret"),
    )


NAMED = """
Resources:
  Bucket: {Type: AWS::S3::Bucket, Properties: {BucketName: data}}
  Role: {Type: AWS::IAM::Role, Properties: {RoleName: !Sub "${AWS::StackName}-r", Path: /}}
  Topic: {Type: AWS::SNS::Topic, Properties: {TopicName: !Ref Name}}
  Queue: {Type: AWS::SQS::Queue, Properties: {QueueName: jobs.fifo}}
  Table: {Type: AWS::DynamoDB::Table, Properties: {TableName: !If [C, t, !Ref AWS::NoValue]}}
  Group: {Type: AWS::EC2::SecurityGroup, Properties: {GroupDescription: free}}
  Key: {Type: AWS::EC2::KeyPair, Properties: {KeyName: k}}
Outputs:
  A: {Value: 1, Export: {Name: shared}}
  B: {Value: 2}
"""


def named(mode):
    tree = rename(parse_template(NAMED), mode, "-copy").tree
    found = {key: properties(resource) for key, resource in tree["Resources"].items()}
    return found, tree["Outputs"]


def test_keep_leaves_every_name():
    assert rename(parse_template(NAMED), "keep", "-copy").text == NAMED


def test_drop_leaves_naming_to_cloudformation_except_where_a_name_is_needed():
    found, outputs = named("drop")
    assert found == {
        "Bucket": {},
        "Role": {"Path": "/"},
        "Topic": {},
        "Queue": {},
        "Table": {},
        "Group": {"GroupDescription": "free"},
        "Key": {"KeyName": "k-copy"},
    }
    assert outputs == {"A": {"Value": 1}, "B": {"Value": 2}}


def test_suffix_appends_to_texts_and_to_functions():
    found, outputs = named("suffix")
    assert found == {
        "Bucket": {"BucketName": "data-copy"},
        "Role": {"RoleName": {"Fn::Sub": "${AWS::StackName}-r-copy"}, "Path": "/"},
        "Topic": {"TopicName": {"Fn::Join": ["", [{"Ref": "Name"}, "-copy"]]}},
        "Queue": {"QueueName": "jobs-copy.fifo"},
        "Table": {"TableName": {"Fn::If": ["C", "t-copy", {"Ref": "AWS::NoValue"}]}},
        "Group": {"GroupDescription": "free"},
        "Key": {"KeyName": "k-copy"},
    }
    assert outputs["A"]["Export"] == {"Name": "shared-copy"}


def test_a_suffixed_name_stays_within_what_aws_allows():
    text = "Resources:\n  B: {Type: AWS::S3::Bucket, Properties: {BucketName: " + "b" * 63 + "}}\n"
    (name,) = explicit_names(rename(parse_template(text), "suffix", "-copy"))
    assert name.value == "b" * 58 + "-copy"


DEVICES = (
    disk("/dev/xvda", "snap-r", 13, root=True),
    disk("/dev/sdf", "snap-f", 13),
    disk("/dev/sdh", "snap-h", 13),
)


def everything(case):
    template = parse_template(case.text, case.file)
    volumes = {key: volume("snap-v", 13, encrypted=True) for key in template.of_type("AWS::EC2::Volume")}
    instances = {key: instance(*DEVICES) for key in template.of_type("AWS::EC2::Instance")}
    return template, rewritten(case.text, parameters=case.parameters, volumes=volumes, instances=instances)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_only_images_disks_and_mappings_change_in_the_shapes_of_real_stacks(case):
    before, after = everything(case)
    touched = {"ImageId", "BlockDeviceMappings", "SnapshotId", "Size", "Encrypted"}
    assert {change.path[3] for change in after.changes} <= touched

    def others(template):
        kinds = ("AWS::EC2::Volume", "AWS::EC2::Instance")
        resources = {k: dict(v) for k, v in template.resources().items()}
        for resource in resources.values():
            if resource["Type"] in kinds:
                resource["Properties"] = {k: v for k, v in properties(resource).items() if k not in touched}
        return {**template.tree, "Resources": resources}

    assert others(after.template) == others(before)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_comments_and_untouched_lines_survive_in_the_shapes_of_real_stacks(case):
    before, after = everything(case)
    comments = [line.strip().split(" #")[-1] for line in before.text.splitlines() if " #" in line]
    assert [c for c in comments if c not in after.template.text] == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_rewriting_a_rewritten_template_changes_nothing(case):
    _, once = everything(case)
    volumes = {key: volume("snap-v", 13, encrypted=True) for key in once.template.of_type("AWS::EC2::Volume")}
    instances = {key: instance(*DEVICES) for key in once.template.of_type("AWS::EC2::Instance")}
    twice = rewritten(once.template.text, parameters=case.parameters, volumes=volumes, instances=instances)
    assert (twice.changes, twice.template.text) == ((), once.template.text)


@pytest.mark.parametrize("mode", ["drop", "suffix"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_renaming_leaves_resources_and_their_types(case, mode):
    before = parse_template(case.text, case.file)
    after = rename(before, mode, "-copy")
    kinds = [(k, v["Type"]) for k, v in before.resources().items()]
    assert [(k, v["Type"]) for k, v in after.resources().items()] == kinds
