"""Which stored stack is meant where several accounts have one of its name."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from plan_values import NOW, SLOT, point

from dr.errors import UsageError
from dr.model import Kind
from dr.recovery.asked import Asked
from dr.recovery.preparing import choose_version

ONE, TWO = "111111111111", "222222222222"
HOME, AWAY = "eu-west-1", "eu-central-1"


def version(account, region=HOME, hours=0):
    made = point(SLOT - timedelta(hours=hours), source="shop", kind=Kind.STACK)
    lineage = made.lineage._replace(account=account, region=region)
    return replace(made, lineage=lineage, id=f"{account}/{region}/{hours}")


def chosen(stored, **asked):
    return choose_version(stored, Asked(stack="shop", **asked), NOW, None).lineage


def test_the_only_account_that_has_it_need_not_be_named():
    assert chosen([version(TWO)]).account == TWO


def test_a_name_that_is_stored_of_two_accounts_needs_the_account():
    with pytest.raises(UsageError) as caught:
        chosen([version(TWO), version(ONE), version(ONE, hours=1)])

    assert (caught.value.message, caught.value.remedy) == (
        f"shop is stored of {ONE}, {TWO}",
        f"add --account {ONE}",
    )


def test_the_account_that_is_named_has_the_newest_of_its_own_versions():
    stored = [version(ONE), version(TWO, hours=2), version(TWO, hours=1)]

    assert chosen(stored, account=TWO).account == TWO


def test_a_region_may_tell_two_accounts_apart_too():
    stored = [version(ONE, HOME), version(TWO, AWAY)]

    assert (chosen(stored, region=AWAY).account, chosen(stored, region=HOME).account) == (TWO, ONE)


def test_within_an_account_the_region_has_to_be_told_where_two_have_it():
    stored = [version(ONE, HOME), version(ONE, AWAY), version(TWO, HOME)]
    with pytest.raises(UsageError, match=f"shop is stored from {AWAY}, {HOME}"):
        chosen(stored, account=ONE)

    assert chosen(stored, account=ONE, region=HOME)[1:3] == (ONE, HOME)


def test_an_account_that_has_none_of_this_name_is_named_and_where_it_is_stored():
    with pytest.raises(
        UsageError, match=f"no stack named 'shop' is stored in {HOME} of 333333333333"
    ) as caught:
        chosen([version(ONE), version(ONE, AWAY)], account="333333333333", region=HOME)

    assert caught.value.remedy == (
        f"it is stored in {AWAY} of {ONE}, {HOME} of {ONE}: correct --region or --account, or leave it out"
    )
