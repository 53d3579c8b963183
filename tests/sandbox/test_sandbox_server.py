"""The server itself: S3 on 127.0.0.1, failures of moto, concurrency, reset and settings."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from botocore.exceptions import ClientError
from ec2_helpers import base_image, launch, refused, snapshot, unique, volume


def test_conditional_writes_have_one_winner(sandbox):
    s3, name = sandbox.client("s3", "us-east-1"), unique("bucket")
    s3.create_bucket(Bucket=name)

    def write(number):
        try:
            s3.put_object(Bucket=name, Key="lease", Body=str(number).encode(), IfNoneMatch="*")
        except ClientError as error:
            return error.response["Error"]["Code"]
        return "won"

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(write, range(16)))
    assert sorted(results) == ["PreconditionFailed"] * 15 + ["won"]


def test_a_write_on_an_etag_that_changed_is_refused(sandbox):
    s3, name = sandbox.client("s3", "us-east-1"), unique("bucket")
    s3.create_bucket(Bucket=name)
    etag = s3.put_object(Bucket=name, Key="k", Body=b"1")["ETag"]
    s3.put_object(Bucket=name, Key="k", Body=b"2", IfMatch=etag)
    with refused("PreconditionFailed"):
        s3.put_object(Bucket=name, Key="k", Body=b"3", IfMatch=etag)
    assert s3.get_object(Bucket=name, Key="k")["Body"].read() == b"2"


def test_a_large_object_comes_back_byte_for_byte(sandbox):
    s3, name, body = sandbox.client("s3", "us-east-1"), unique("bucket"), bytes(range(256)) * 8192
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="a/b c/ü.json", Body=body)
    assert s3.get_object(Bucket=name, Key="a/b c/ü.json")["Body"].read() == body


def test_an_action_that_the_sandbox_lacks_is_an_error_document(sandbox):
    with refused("UnsupportedOperation") as caught:
        sandbox.client("ec2").describe_fast_snapshot_restores()
    assert "not been implemented" in caught.value.response["Error"]["Message"]
    with refused("UnsupportedOperation"):
        sandbox.client("cloudformation").list_types()
    with refused("UnsupportedOperation"):
        sandbox.client("ssm").list_nodes()


def test_a_service_that_the_sandbox_lacks_is_an_error_document(sandbox):
    with refused("UnsupportedOperation") as caught:
        sandbox.client("dlm").get_lifecycle_policies()
    assert "does not have this service" in caught.value.response["Error"]["Message"]


def test_a_fault_inside_is_an_internal_error(ec2):
    name = unique()
    ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData={"ImageId": base_image(ec2)})
    with refused("InternalError") as caught:
        launch(ec2, LaunchTemplate={"LaunchTemplateName": name, "Version": "two"})
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert "ValueError" in caught.value.response["Error"]["Message"]


def test_concurrent_calls_all_take_effect(ec2):
    source = volume(ec2)
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: snapshot(ec2, source), range(24)))
    by = [{"Name": "volume-id", "Values": [source]}]
    assert {s["SnapshotId"] for s in ec2.describe_snapshots(Filters=by)["Snapshots"]} == set(made)


def test_accounts_see_their_own_only(sandbox):
    mine, other = (
        sandbox.client("ec2"),
        sandbox.client("ec2", aws_access_key_id=_member(sandbox), aws_secret_access_key="x"),
    )
    made = snapshot(mine)
    with refused("InvalidSnapshot.NotFound"):
        other.describe_snapshots(SnapshotIds=[made])


def _member(sandbox):
    role = sandbox.client("sts").assume_role(
        RoleArn="arn:aws:iam::222222222222:role/dr", RoleSessionName="test"
    )
    return role["Credentials"]["AccessKeyId"]


def test_control_refuses_what_it_does_not_know(sandbox):
    assert sandbox.ask("GET", "nothing")[0] == 404
    for path, body in (
        ("settings", '{"speed": 1}'),
        ("settings", '{"pending_seconds": -1}'),
        ("clock", "{}"),
        ("clock", "["),
        ("clock", '{"advance": "nan"}'),
    ):
        assert sandbox.ask("POST", path, body)[0] == 400


def test_another_moto_is_refused_at_start_in_one_line(tmp_path):
    other = tmp_path / "moto-9.9.9.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: moto\nVersion: 9.9.9\n")
    paths = os.pathsep.join([str(tmp_path), str(Path.cwd())])
    done = subprocess.run(
        [sys.executable, "-m", "dr.sandbox.server"],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert (
        done.stderr
        == "dr sandbox: the corrections are made for moto 5.2.5, not 9.9.9: install the extra `sandbox` of dr\n"
    )


def test_it_serves_this_machine_only():
    done = subprocess.run(
        [sys.executable, "-m", "dr.sandbox.server", "--host", "0.0.0.0"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "127.0.0.1" in done.stderr
