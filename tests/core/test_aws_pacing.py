"""Pacing against EC2's own bucket, under a simulated clock: nothing is throttled, and no time is lost."""

from __future__ import annotations

import pytest

from dr.aws.pacing import Pacer

BEGIN = 1000.0
"""Of a clock that is never set."""
HOME, AWAY = "eu-west-1", "eu-central-1"


class Ec2:
    """An account's bucket as EC2 keeps it, and the clock; `others` calls a second come from somebody else."""

    def __init__(self, size=100, refill=5.0, others=0.0, latency=0.08):
        self.size, self.refill, self.others, self.latency = size, refill, others, latency
        self.tokens, self.now, self.throttled, self.made = float(size), BEGIN, 0, 0

    def pause(self, seconds):
        self.now += seconds
        self.tokens = min(self.size, self.tokens + seconds * self.refill)
        self.tokens = max(0.0, self.tokens - seconds * self.others)

    def call(self):
        """One attempt; whether it was let in."""
        admitted = self.tokens >= 1
        self.tokens -= admitted
        self.throttled += not admitted
        self.made += admitted
        self.pause(self.latency)
        return admitted


def written(ec2, number, action="CreateSnapshot"):
    """So many writes by one who is paced; each is tried until it is let in. The seconds that it took."""
    pacer = Pacer(lambda: ec2.now, ec2.pause)
    while ec2.made < number:
        pacer.wait(HOME, action)
        if not ec2.call():
            pacer.throttled(HOME, action)
    return ec2.now - BEGIN


@pytest.mark.parametrize(
    ("action", "size", "refill"),
    [
        ("CreateSnapshot", 100, 5),
        ("DeleteSnapshot", 100, 5),
        ("CreateImage", 50, 5),
        ("DeregisterImage", 100, 5),
        ("DescribeSnapshots", 100, 20),
    ],
)
def test_alone_nothing_is_throttled_and_no_time_is_lost(action, size, refill):
    ec2 = Ec2(size, refill, latency=0.02)
    took = written(ec2, 3000, action)

    assert ec2.throttled == 0
    assert took <= 1.02 * (3000 - size) / refill


@pytest.mark.parametrize(("others", "share"), [(0.5, 0.01), (1.0, 0.02), (2.5, 0.05), (4.0, 0.07)])
def test_who_shares_the_account_is_throttled_seldom(others, share):
    ec2 = Ec2(others=others)
    took = written(ec2, 3000)

    assert ec2.throttled <= share * (ec2.made + ec2.throttled)
    assert took <= 2 * 3000 / (5 - others)


def test_a_rate_that_was_halved_grows_back_when_the_other_has_gone():
    ec2 = Ec2(others=4.0)
    written(ec2, 500)
    ec2.others, ec2.made, ec2.throttled = 0.0, 0, 0
    begin = ec2.now
    written(ec2, 1000)

    assert ec2.throttled <= 10
    assert ec2.now - begin <= 1.1 * 1000 / 5


def test_an_account_that_refuses_everything_is_asked_ever_less():
    ec2 = Ec2(size=0, refill=0.0)
    pacer = Pacer(lambda: ec2.now, ec2.pause)
    while ec2.now < BEGIN + 600:
        pacer.wait(HOME, "CreateSnapshot")
        ec2.call()
        pacer.throttled(HOME, "CreateSnapshot")

    assert ec2.throttled < 600


def test_a_region_and_an_action_have_a_bucket_of_their_own():
    ec2 = Ec2()
    pacer = Pacer(lambda: ec2.now, ec2.pause)
    for _ in range(100):
        pacer.wait(HOME, "CreateSnapshot")
    for region, action in [(AWAY, "CreateSnapshot"), (HOME, "DeleteSnapshot"), (HOME, "RunInstances")]:
        pacer.wait(region, action)
    assert ec2.now == BEGIN

    pacer.wait(HOME, "CreateSnapshot")
    assert ec2.now > BEGIN
