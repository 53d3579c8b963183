"""Whether an account has enabled a Region: only a plain no counts."""

from __future__ import annotations

import pytest
from test_aws_session import REGION, cloud, endpoint, refusal, unused_port

from dr.aws.ec2 import Ec2Cloud
from dr.aws.session import Access, Keys, Session


def regions(*states):
    rows = "".join(
        f"<item><regionName>x</regionName><optInStatus>{state}</optInStatus></item>" for state in states
    )
    return (
        '<R xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId>'
        f"<regionInfo>{rows}</regionInfo></R>"
    ).encode()


@pytest.mark.parametrize(("region", "enabled"), [(REGION, True), ("us-east-1", True), ("ap-east-1", False)])
def test_a_region_that_needs_opting_in_is_not_enabled_before_that(sandbox, region, enabled):
    keys = Keys(access_key="sandbox", secret_key="sandbox")
    session = Session(Access(region=REGION, endpoint_url=sandbox.url, keys=keys), sandbox.now)

    assert Ec2Cloud(session, "acme").enabled(region) is enabled


@pytest.mark.parametrize(
    ("answer", "enabled"),
    [
        ((200, regions("not-opted-in")), False),
        ((200, regions("opted-in")), True),
        ((200, regions("opt-in-not-required")), True),
        ((200, regions("a new word")), True),
        ((200, regions()), True),
        ((200, b"<R/>"), True),
        ((403, refusal("UnauthorizedOperation")), True),
        ((400, refusal("InvalidParameterValue")), True),
        ((500, refusal("InternalError")), True),
    ],
)
def test_anything_but_a_plain_no_is_enabled(answer, enabled):
    with endpoint(answer) as (url, seen):
        assert cloud(url, attempts=1).enabled("ap-east-1") is enabled

    asked = next(body for body, _ in seen if "DescribeRegions" in body)
    assert ("RegionName.1=ap-east-1" in asked, "AllRegions=true" in asked) == (True, True)


def test_an_endpoint_out_of_reach_tells_nothing_of_a_region():
    with unused_port() as port:
        assert cloud(f"http://127.0.0.1:{port}", attempts=1).enabled("ap-east-1")
