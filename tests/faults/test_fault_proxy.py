"""The proxy itself: it fails the call that it is told to, it says what had an effect, and it leaves the rest alone."""

from __future__ import annotations

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError
from botocore.parsers import ResponseParserError
from faults.calls import Fault, Kind
from faults.fault_proxy import Call, fault_proxy

HOME, AWAY = "eu-west-1", "eu-central-1"


@pytest.fixture(scope="module")
def shared(sandbox):
    with fault_proxy(sandbox.url) as running:
        yield running


@pytest.fixture
def proxy(shared, sandbox):
    sandbox.reset()
    shared.set()
    return shared


def client(proxy, service, region=HOME):
    config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
    keys = {"aws_access_key_id": "sandbox", "aws_secret_access_key": "sandbox"}
    return boto3.client(service, region_name=region, endpoint_url=proxy.url, config=config, **keys)


def volumes(sandbox):
    return len(sandbox.client("ec2").describe_volumes()["Volumes"])


def make(proxy, region=HOME):
    client(proxy, "ec2", region).create_volume(AvailabilityZone=f"{region}a", Size=1)


def code(caught):
    return caught.value.response["Error"]["Code"]


def test_without_a_fault_every_protocol_passes_and_is_logged(proxy):
    make(proxy)
    client(proxy, "ssm").put_parameter(Name="a", Value="b", Type="String")
    s3 = client(proxy, "s3")
    s3.create_bucket(Bucket="box", CreateBucketConfiguration={"LocationConstraint": HOME})
    s3.put_object(Bucket="box", Key="k", Body=b"body")
    assert s3.get_object(Bucket="box", Key="k")["Body"].read() == b"body"
    assert s3.head_object(Bucket="box", Key="k")["ContentLength"] == 4
    actions = ["CreateVolume", "PutParameter", "PUT /box", "PUT /box/k", "GET /box/k", "HEAD /box/k"]
    assert [Call(action=a, region=HOME, effect=True, fault=None) for a in actions] == proxy.calls


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Kind.THROTTLED, "RequestLimitExceeded"),
        (Kind.DENIED, "UnauthorizedOperation"),
        (Kind.INTERNAL, "InternalError"),
        (Kind.UNAVAILABLE, "Unavailable"),
    ],
)
def test_an_error_answer_has_its_code_and_no_effect(proxy, sandbox, kind, expected):
    proxy.set(Fault(action="CreateVolume", kind=kind))
    with pytest.raises(ClientError) as caught:
        make(proxy)
    assert (expected, 0) == (code(caught), volumes(sandbox))
    assert [Call(action="CreateVolume", region=HOME, effect=False, fault=kind)] == proxy.calls


@pytest.mark.parametrize(
    ("kind", "made"), [(Kind.RESET_BEFORE, 0), (Kind.RESET_AFTER, 1), (Kind.TRUNCATED, 1)]
)
def test_a_lost_answer_has_the_effect_that_the_log_says(proxy, sandbox, kind, made):
    proxy.set(Fault(action="CreateVolume", kind=kind))
    with pytest.raises((ConnectionClosedError, ResponseParserError)):
        make(proxy)
    assert made == volumes(sandbox)
    assert [Call(action="CreateVolume", region=HOME, effect=bool(made), fault=kind)] == proxy.calls


def test_only_the_nth_call_of_that_region_fails(proxy):
    proxy.set(Fault(action="CreateVolume", kind=Kind.DENIED, nth=2, region=HOME))
    make(proxy)
    make(proxy, AWAY)
    with pytest.raises(ClientError):
        make(proxy)
    make(proxy)
    assert [call.fault for call in proxy.of("CreateVolume")] == [None, None, Kind.DENIED, None]


def test_a_fault_for_good_fails_every_call_from_the_nth_on(proxy):
    proxy.set(Fault(action="CreateVolume", kind=Kind.DENIED, nth=2, times=None))
    make(proxy)
    for _ in range(3):
        with pytest.raises(ClientError):
            make(proxy)


def test_s3_is_matched_by_method_and_path_and_json_by_target(proxy):
    s3 = client(proxy, "s3")
    s3.create_bucket(Bucket="box", CreateBucketConfiguration={"LocationConstraint": HOME})
    proxy.set(
        Fault(action="PUT /box/a/", kind=Kind.THROTTLED), Fault(action="GetParameter", kind=Kind.DENIED)
    )
    s3.put_object(Bucket="box", Key="b", Body=b"")
    with pytest.raises(ClientError) as slowed:
        s3.put_object(Bucket="box", Key="a/b", Body=b"")
    with pytest.raises(ClientError) as denied:
        client(proxy, "ssm").get_parameter(Name="a")
    assert (code(slowed), code(denied)) == ("SlowDown", "AccessDenied")


def test_pages_can_be_small_and_a_lost_token_ends_the_listing_early(proxy):
    for _ in range(6):
        make(proxy)
    ec2 = client(proxy, "ec2")
    proxy.set(page_size=5)
    first = ec2.describe_volumes(MaxResults=1000)
    ec2.describe_volumes(MaxResults=1000, NextToken=first["NextToken"])
    assert [call.later_page for call in proxy.calls] == [False, True]
    proxy.set(Fault(action="DescribeVolumes", kind=Kind.TOKEN_LOST), page_size=5)
    short = ec2.describe_volumes(MaxResults=1000)
    assert (len(short["Volumes"]), "NextToken" in short) == (5, False)
