"""`dr verify` over stacks of one name in two accounts: each is one of its own."""

from __future__ import annotations

from dataclasses import replace

from test_verify import Recording, live, not_stored, stored, stores, version

from dr.render.verified import verify_text
from dr.verify import Planner, verified


def together(found, accounts, missing=()):
    return verified(found, Planner(accounts=lambda: accounts, plan=Recording()), (), missing, deep=False)


def test_a_stack_of_which_only_another_account_has_its_namesake_stored_is_told():
    found = stores(stored(version(account="1")))
    (row,) = not_stored(found, lambda _region: [live("prod"), replace(live("prod"), account="2")])

    assert row.fault.message == (
        "nothing is stored of the stack prod in eu-west-1 of 2, which policy nightly selects"
    )


def test_stacks_of_every_account_of_the_installation_are_planned_and_no_other_s():
    found = stores(*(stored(version(account=account)) for account in ("1", "2", "3")))
    verdicts = {stack.account: stack.verdict for stack in together(found, ["1", "2"]).stacks}

    assert (verdicts["1"], verdicts["2"], verdicts["3"]) == ("restorable", "restorable", None)


def test_the_text_names_the_account_where_there_are_several():
    several = together(stores(*(stored(version(account=account)) for account in ("1", "2"))), ["1", "2"])
    alone = together(stores(stored(version(account="1"))), ["1"])

    assert "Stack prod in 1/eu-west-1: " in verify_text(several)
    assert "Stack prod in 2/eu-west-1: " in verify_text(several)
    assert "Stack prod in eu-west-1: " in verify_text(alone)
