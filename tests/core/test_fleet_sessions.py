"""The fleet gives one session to all shards of an account, whichever of their threads asks first."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest

from dr.app.fleet import Fleet, Ways
from dr.aws.session import Access, Keys, Session
from dr.config import Account
from dr.errors import UsageError
from dr.store.accounts import KnownAccounts

ONE, TWO = "111111111111", "222222222222"
REGION = "eu-west-1"


class Slow:
    """A pacer whose making takes until everybody has asked, or a moment."""

    def __init__(self, asking: int) -> None:
        self.meet = threading.Barrier(asking)
        self.made = 0

    def __call__(self) -> None:
        self.made += 1
        try:
            self.meet.wait(0.3)
        except threading.BrokenBarrierError:
            return


def a_fleet(pacer):
    accounts = (Account(id=ONE, role="dr-member"), Account(id=TWO, role="dr-member"))
    session = Session(
        Access(region=REGION, keys=Keys(access_key="sandbox", secret_key="sandbox")),
        lambda: datetime.now(UTC),
    )
    ways = Ways(
        desk=lambda _session: None,
        pacer=pacer,
        known=lambda: KnownAccounts("acme", []),
        session_name="dr-acme",
    )
    return Fleet(accounts, session, ways)


def test_threads_that_ask_at_once_for_the_session_of_an_account_get_the_same_one():
    """Else the calls of one of them are counted where nobody looks, and a shard that hangs is not given up."""
    slow = Slow(8)
    fleet = a_fleet(slow)
    found = []
    threads = [threading.Thread(target=lambda: found.append(fleet.session(ONE))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert (len(found), len(set(map(id, found))), slow.made) == (8, 1, 1)


def test_each_account_has_a_session_of_its_own_and_a_shard_counts_the_calls_of_its_account_and_region():
    fleet = a_fleet(lambda: None)
    one, two = fleet.session(ONE), fleet.session(TWO)
    one.calls(REGION).begun += 3
    two.calls("eu-central-1").begun += 1
    counted = {shard.name: shard.calls().begun for shard in fleet.shards((), {REGION, "eu-central-1"})}

    assert one is not two
    assert counted == {
        f"{ONE}/eu-central-1": 0,
        f"{ONE}/{REGION}": 3,
        f"{TWO}/eu-central-1": 1,
        f"{TWO}/{REGION}": 0,
    }


def test_an_account_that_dr_yaml_does_not_name_has_no_session():
    with pytest.raises(UsageError, match="333333333333 is none of this installation's accounts"):
        a_fleet(lambda: None).session("333333333333")
