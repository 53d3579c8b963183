"""The page of reliability says what there is; apart from the proofs, of which `make test` runs some only."""

from __future__ import annotations

from faults.pages import RELIABILITY, between
from faults.proof import table


def test_the_page_lists_every_guard_with_its_test():
    assert between(RELIABILITY, "guards") == table()
