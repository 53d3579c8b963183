"""Fuzzing what is made of a template: read, stored without its secrets, planned, rewritten, shown."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from restore_values import NOON, planned, point

from dr.cli.frame import json_text
from dr.model import ImageDevice
from dr.render.restores import restore_document, restore_text
from dr.stacks.capture import Answers, stored_stack
from dr.stacks.evaluate import Evaluator, Facts
from dr.stacks.parameters import Given
from dr.stacks.template import Template, parse_template
from dr.stored import StoredStack
from dr.words import lines

SECRET = "hunter2-canary"
CHILD = "Parameters: {Pw: {Type: String}}\nResources: {V: {Type: AWS::EC2::Volume}}\nOutputs: {O: {Value: !Ref Pw}}\n"
_IDS = {"AWS::EC2::Volume": "vol", "AWS::EC2::Instance": "i"}


def read_template(data: bytes) -> None:
    """Everything that dr does with a template before it speaks to AWS."""
    text = data.decode("utf-8", "replace")
    template = parse_template(text, "prod.yaml")
    evaluator = Evaluator(template, Facts(parameters={"Size": "5"}, pseudo={"AWS::Region": "eu-west-1"}))
    for tree in (template.tree.get(section) for section in ("Resources", "Outputs", "Mappings")):
        evaluator.value(tree)
        evaluator.unfold(tree)
    stack = captured(template, text)
    assert all(p.value is None for p in stack.parameters if p.no_echo)
    for number, mode in enumerate(("keep", "suffix", "drop")):
        restored(template, stack, mode, images=bool(number % 2))


def captured(template: Template, text: str) -> StoredStack:
    answers = Answers(
        account="111111111111",
        region="eu-west-1",
        stack={
            "StackName": "prod",
            "StackId": "arn:aws:cloudformation:eu-west-1:111111111111:stack/prod/1",
            "StackStatus": "CREATE_COMPLETE",
            "CreationTime": datetime(2026, 1, 1, tzinfo=UTC),
            "Parameters": [
                {"ParameterKey": p.name, "ParameterValue": "****" if p.no_echo else p.default or "x"}
                for p in template.parameters()
            ],
            "Outputs": [{"OutputKey": key, "OutputValue": "shown"} for key in template.section("Outputs")],
        },
        template=text,
        resources=[
            {"LogicalResourceId": name, "PhysicalResourceId": physical, "ResourceType": kind, "ResourceStatus": "CREATE_COMPLETE"}
            for name, physical, kind in machines(template)
        ],
        live={physical: live(kind) for _, physical, kind in machines(template)},
        children={name: child() for name in template.of_type("AWS::CloudFormation::Stack")},
    )  # fmt: skip
    return stored_stack(answers)


def machines(template: Template) -> Iterator[tuple[str, str, str]]:
    """Logical id, physical id and type of the volumes and instances."""
    for number, (name, body) in enumerate(template.of_type(*_IDS).items()):
        yield name, f"{_IDS[body['Type']]}-{number}", body["Type"]


def live(kind: str) -> Mapping[str, Any]:
    if kind == "AWS::EC2::Volume":
        return {
            "Size": 8,
            "Attachments": [{"InstanceId": "i-0", "Device": "/dev/sdf", "DeleteOnTermination": False}],
        }
    disks = [{"Device": "/dev/xvda", "VolumeId": "vol-root", "DeleteOnTermination": True}]
    return {"ImageId": "ami-old", "RootDeviceName": "/dev/xvda", "Devices": disks}


def child() -> StoredStack:
    return captured(parse_template(CHILD), CHILD)


def restored(template: Template, stack: StoredStack, mode: Any, *, images: bool) -> None:
    points = [
        point(f"snap-{physical}", physical, NOON) if kind == "AWS::EC2::Volume" else image(physical)
        for _, physical, kind in machines(template)
        if kind == "AWS::EC2::Volume" or images
    ]
    given = {p.name: Given(value=SECRET, origin="--parameter") for p in template.parameters() if p.no_echo}
    rest = {p.name: Given(value="1", origin="dr.yaml") for p in template.parameters() if not p.no_echo}
    plan = planned(
        stack,
        *points,
        asked=given,
        configured=rest,
        names=mode,
        as_name=None if mode == "keep" else "copy",
        user_data="drop" if images else "keep",
        stage_url=lambda digest: f"https://bucket.s3.amazonaws.com/{digest}",
    )
    parse_template(plan.template)
    assert SECRET not in lines(restore_text(plan))
    assert SECRET not in json_text(restore_document(plan, None))


def image(physical: str) -> Any:
    root = ImageDevice(device="/dev/xvda", snapshot="snap-root", size=8, encrypted=True, root=True)
    data = ImageDevice(device="/dev/sdf", snapshot="snap-data", size=9, encrypted=False)
    return point(f"ami-{physical}", physical, NOON, devices=(root, data))


SEEDS = tuple(
    json.dumps(document).encode()
    for document in (
        {
            "Parameters": {"Pw": {"Type": "String", "NoEcho": True}, "Size": {"Type": "Number", "Default": 5}},
            "Conditions": {"C": {"Fn::Not": [{"Condition": "D"}]}, "D": {"Fn::Equals": [{"Ref": "Size"}, 5]}},
            "Resources": {
                "V": {"Type": "AWS::EC2::Volume", "Condition": "C", "Properties": {"Size": {"Fn::If": ["C", {"Ref": "Size"}, 1]}}},
                "I": {"Type": "AWS::EC2::Instance", "Properties": {"UserData": {"Fn::Base64": {"Fn::Sub": ["${P}", {"P": {"Ref": "Pw"}}]}}}},
                "A": {"Type": "AWS::EC2::VolumeAttachment", "Properties": {"VolumeId": {"Ref": "V"}, "InstanceId": {"Ref": "I"}, "Device": "/dev/sdf"}},
                "N": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "u", "Parameters": {"Pw": {"Ref": "Pw"}}}},
                "B": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": {"Fn::Sub": "b-${AWS::Region}"}}},
            },
            "Outputs": {"O": {"Value": {"Fn::GetAtt": ["N", "Outputs.O"]}, "Export": {"Name": {"Fn::Join": ["-", ["a", {"Ref": "Size"}]]}}}},
        },
    )
)  # fmt: skip
TOKENS = tuple(
    text.encode()
    for text in (
        *("Resources", "Parameters", "Conditions", "Mappings", "Outputs", "Transform", "Metadata", "Properties", "Type"),
        *("Ref", "Fn::If", "Fn::Sub", "Fn::GetAtt", "Fn::Join", "Fn::Select", "Fn::Split", "Fn::FindInMap", "Fn::ForEach::x"),
        *("Fn::Base64", "Fn::ImportValue", "Condition", "AWS::NoValue", "AWS::EC2::Volume", "AWS::EC2::Instance"),
        *("AWS::EC2::LaunchTemplate", "AWS::CloudFormation::Stack", "BlockDeviceMappings", "Ebs", "SnapshotId", "NoEcho"),
        *("!Ref ", "!Sub ", "!GetAtt ", "!If ", "${", "${!", "}", "{{resolve:ssm:/a:1}}", "BucketName", "Export", "Name"),
    )
)  # fmt: skip
