"""Pacing at botocore's events: every attempt of a real client waits for its token, and every throttle is heard."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from faults.calls import Fault, Kind
from faults.fault_proxy import fault_proxy

from dr.aws.ec2 import Ec2Cloud
from dr.aws.pacing import Pacer
from dr.aws.session import Access, Keys, Session
from dr.errors import CloudError, Denied, Throttled
from dr.model import Protect

HOME = "eu-west-1"
NOW = datetime(2026, 3, 29, tzinfo=UTC)


@pytest.fixture
def paced(sandbox):
    """A cloud behind a proxy, and the seconds that it has waited; its clock stands still."""
    sandbox.reset()
    pauses = []
    with fault_proxy(sandbox.url) as proxy:
        access = Access(
            region=HOME,
            endpoint_url=proxy.url,
            keys=Keys(access_key="AKIASANDBOX", secret_key="sandbox"),
            attempts=2,
        )
        yield Ec2Cloud(Session(access, lambda: NOW, Pacer(lambda: 0.0, pauses.append)), "acme"), proxy, pauses


def test_the_first_hundred_listings_go_at_once_and_the_next_at_ec2s_pace(paced):
    cloud, proxy, pauses = paced
    for _ in range(102):
        cloud.sources(Protect.VOLUMES, HOME, {})

    assert len(proxy.of("DescribeVolumes")) == 102
    assert pauses == pytest.approx([1 / 19.8, 2 / 19.8])


def test_a_throttled_create_is_heard_and_the_next_one_waits(paced):
    cloud, proxy, pauses = paced
    proxy.set(Fault(action="CreateSnapshot", kind=Kind.THROTTLED))
    with pytest.raises(Throttled):
        cloud.create_snapshot(HOME, "vol-1", {})
    assert pauses == []

    with pytest.raises(CloudError, match="at least one tag"):
        cloud.create_snapshot(HOME, "vol-1", {})
    assert pauses == pytest.approx([1 / 2.475])


def test_the_clients_own_second_attempt_is_paced_too(paced):
    cloud, proxy, pauses = paced
    proxy.set(Fault(action="DeleteSnapshot", kind=Kind.THROTTLED))
    cloud.delete_snapshot(HOME, "snap-1")

    assert [call.fault for call in proxy.of("DeleteSnapshot")] == [Kind.THROTTLED, None]
    assert pauses == pytest.approx([1 / 2.475])


def test_an_error_of_another_kind_slows_nobody_down(paced):
    cloud, proxy, pauses = paced
    proxy.set(Fault(action="DeleteSnapshot", kind=Kind.DENIED))
    with pytest.raises(Denied):
        cloud.delete_snapshot(HOME, "snap-1")
    cloud.delete_snapshot(HOME, "snap-1")

    assert pauses == []


@pytest.mark.parametrize(
    "code",
    ["SnapshotCreationPerVolumeRateExceeded", "ConcurrentSnapshotLimitExceeded", "ConcurrentTagAccess"],
)
def test_the_limit_of_one_volume_slows_no_other(sandbox, code):
    """It is not the account's bucket that is empty: the executor waits for that volume alone."""
    pauses = []
    keys = Keys(access_key="AKIASANDBOX", secret_key="sandbox")
    access = Access(region=HOME, endpoint_url=sandbox.url, keys=keys)
    events = Session(access, lambda: NOW, Pacer(lambda: 0.0, pauses.append)).ec2(HOME).meta.events
    for _ in range(3):
        events.emit("response-received.ec2.CreateSnapshot", parsed_response={"Error": {"Code": code}})
        events.emit("before-send.ec2.CreateSnapshot", request=None)
    assert pauses == []

    events.emit(
        "response-received.ec2.CreateSnapshot", parsed_response={"Error": {"Code": "RequestLimitExceeded"}}
    )
    events.emit("before-send.ec2.CreateSnapshot", request=None)
    assert pauses == pytest.approx([1 / 2.475])
