"""The worlds that the contract suite runs in."""

from __future__ import annotations

import pytest
from aws_world import AwsWorld
from fake_world import FakeWorld


def _aws(request):
    sandbox = request.getfixturevalue("sandbox")
    sandbox.reset()
    sandbox.pending(60)
    return AwsWorld(sandbox)


def _fake(request):
    return FakeWorld()


@pytest.fixture(params=[_aws, _fake], ids=["dr.aws on the sandbox", "the fake cloud"])
def world(request):
    return request.param(request)


@pytest.fixture
def aws(request):
    """dr.aws alone, for what only the real calls can show."""
    return _aws(request)
