"""The worlds that the contract suite runs in."""

from __future__ import annotations

import pytest
from aws_world import AwsWorld

WORLDS = {"dr.aws on the sandbox": AwsWorld}


@pytest.fixture(params=WORLDS.values(), ids=WORLDS.keys())
def world(request, sandbox):
    sandbox.reset()
    sandbox.pending(60)
    return request.param(sandbox)


@pytest.fixture
def aws(sandbox):
    """dr.aws alone, for what only the real calls can show."""
    sandbox.reset()
    sandbox.pending(60)
    return AwsWorld(sandbox)
