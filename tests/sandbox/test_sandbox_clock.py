"""One clock governs every time stamp of the sandbox."""

from __future__ import annotations

import datetime as dt
from email.utils import parsedate_to_datetime

from ec2_helpers import launch, one_image, one_instance, one_snapshot, one_volume, snapshot, unique, volume

DAY = 86_400
CLOSE = dt.timedelta(minutes=2)


def about(moment, now):
    return abs(moment - now) < CLOSE


def test_the_clock_advances_and_keeps_running_from_there(sandbox):
    before = sandbox.now()
    after = sandbox.advance(DAY)
    assert dt.timedelta(days=1) <= after - before < dt.timedelta(days=1) + CLOSE
    assert about(sandbox.now(), after)


def test_the_clock_never_goes_back(sandbox):
    before = sandbox.now()
    status, document = sandbox.ask("POST", "clock", '{"advance": -1}')
    assert status == 400
    assert "never goes back" in document["error"]
    assert sandbox.now() >= before


def test_ec2_stamps_everything_by_the_sandboxs_clock(sandbox, ec2):
    now = sandbox.advance(DAY)
    volume_id, instance_id = volume(ec2), launch(ec2)
    snapshot_id = snapshot(ec2, volume_id)
    image_id = ec2.create_image(InstanceId=instance_id, Name=unique())["ImageId"]
    assert about(one_volume(ec2, volume_id)["CreateTime"], now)
    assert about(one_snapshot(ec2, snapshot_id)["StartTime"], now)
    assert about(one_instance(ec2, instance_id)["LaunchTime"], now)
    assert about(dt.datetime.fromisoformat(one_image(ec2, image_id)["CreationDate"]), now)


def test_s3_stamps_objects_and_buckets_by_the_sandboxs_clock(sandbox):
    now, s3, name = sandbox.advance(DAY), sandbox.client("s3", "us-east-1"), unique("bucket")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="k", Body=b"v")
    assert about(s3.head_object(Bucket=name, Key="k")["LastModified"], now)
    assert about(next(b["CreationDate"] for b in s3.list_buckets()["Buckets"] if b["Name"] == name), now)


def test_cloudformation_stamps_stacks_by_the_sandboxs_clock(sandbox):
    now, cloudformation, name = sandbox.advance(DAY), sandbox.client("cloudformation"), unique("stack")
    body = '{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}'
    cloudformation.create_stack(StackName=name, TemplateBody=body)
    assert about(cloudformation.describe_stacks(StackName=name)["Stacks"][0]["CreationTime"], now)


def test_every_service_answers_with_one_date_header_of_the_sandboxs_clock(sandbox):
    now = sandbox.advance(DAY)
    for service, call in (
        ("ec2", "describe_regions"),
        ("s3", "list_buckets"),
        ("ssm", "describe_parameters"),
        ("sts", "get_caller_identity"),
    ):
        answer = getattr(sandbox.client(service), call)()
        assert about(parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"]), now)
