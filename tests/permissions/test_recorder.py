"""The recorder notes the product's calls, with who asked for them, and none of the tests' own."""

from __future__ import annotations

import pytest
from permissions import recorder
from permissions.judging import judge, recorded

from dr.aws import ec2_write
from dr.aws.ec2 import Ec2Cloud
from dr.aws.session import Access, Keys, Session

IDENTITY = {"dr:managed": "acme", "dr:policy": "p", "dr:slot": "20260329T010000Z", "dr:source": "vol-1"}


@pytest.fixture
def session(sandbox):
    sandbox.reset()
    keys = Keys(access_key="AKIASANDBOX", secret_key="sandbox")
    return Session(
        Access(region="eu-west-1", endpoint_url=sandbox.url, keys=keys, attempts=1), now=sandbox.now
    )


@pytest.fixture
def notes(tmp_path):
    with recorder.into(tmp_path):
        yield lambda: [(call.service, call.operation) for call in recorded(tmp_path)]


def test_what_a_test_arranges_is_nobodys_call(sandbox, session, notes):
    sandbox.client("ec2").describe_volumes()
    session.ec2("eu-west-1").describe_volumes()

    assert notes() == []


def test_a_call_of_the_product_is_noted_once_for_its_kind_with_what_iam_looks_at(
    sandbox, session, notes, tmp_path
):
    volume = sandbox.client("ec2").create_volume(Size=1, AvailabilityZone="eu-west-1a")["VolumeId"]
    for _ in range(3):
        ec2_write.create_snapshot(session, "eu-west-1", volume, IDENTITY)

    assert notes() == [("ec2", "CreateSnapshot")]
    (call,) = recorded(tmp_path)
    assert (call.region, call.command, call.params["VolumeId"]) == ("eu-west-1", None, volume)
    assert "Description" not in call.params
    assert judge([call]).refused == ()


def test_the_tags_that_were_read_before_a_delete_go_with_it(sandbox, session, notes, tmp_path):
    volume = sandbox.client("ec2").create_volume(Size=1, AvailabilityZone="eu-west-1a")["VolumeId"]
    snapshot = ec2_write.create_snapshot(session, "eu-west-1", volume, IDENTITY)
    Ec2Cloud(session, "acme").points("eu-west-1")
    ec2_write.delete_snapshot(session, "eu-west-1", snapshot)

    (deleted,) = [call for call in recorded(tmp_path) if call.operation == "DeleteSnapshot"]
    assert deleted.tags == IDENTITY
