"""The claim, what was applied, and pins."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_kit import NOON, Breakable, Killed, StillClock

from dr import layout
from dr.durations import Duration
from dr.errors import CloudError, EnvironmentFailed, Refused
from dr.model import Applied, Claim, RetentionRule
from dr.store.directory import DirectoryStore
from dr.store.records import StoreRecords

counts = st.none() | st.integers(1, 10_000)
rules = st.builds(
    RetentionRule,
    last=counts,
    hourly=counts,
    daily=counts,
    weekly=counts,
    monthly=counts,
    yearly=counts,
    within=st.none() | st.builds(Duration, months=st.integers(0, 99), seconds=st.integers(0, 10**9)),
)


@pytest.fixture
def clock():
    return StillClock()


@pytest.fixture
def store(tmp_path, clock):
    return Breakable(DirectoryStore(tmp_path / "store", clock))


@pytest.fixture
def records(store, clock):
    return StoreRecords(store, clock)


def test_a_store_is_claimed_once_and_by_its_own_again(records):
    records.claim("acme")

    assert records.claim("acme") is None


def test_a_claim_keeps_the_day_on_which_it_was_first_made(records, clock):
    assert records.holder() is None
    records.claim("acme")
    clock.advance(days=3)
    records.claim("acme")

    assert records.holder() == Claim(installation="acme", since=NOON)


def test_a_claim_from_before_claims_had_a_date_has_none(records, store):
    store.put(layout.CLAIM, b'{"format": 1, "installation": "acme"}')
    records.claim("acme")

    assert records.holder() == Claim(installation="acme", since=None)


def test_a_second_claimant_is_refused_with_both_names(records):
    records.claim("acme")

    with pytest.raises(Refused, match=r"'acme'.*'globex'") as caught:
        records.claim("globex")
    assert caught.value.exit_code == 4


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b'{"format": 9}',
        b'{"format": 1, "installation": 5}',
        b'{"format": 1, "installation": "acme", "since": "once"}',
    ],
)
def test_a_claim_that_cannot_be_read_is_nobodys_leave_to_go_on(records, store, body):
    store.put(layout.CLAIM, body)

    with pytest.raises(CloudError, match=r"installation.json cannot be read"):
        records.claim("acme")
    assert body == store.get(layout.CLAIM).body


def test_what_was_never_applied_is_none(records):
    assert records.applied("1", "eu-west-1", "nightly") is None


def test_what_was_applied_is_remembered_by_account_and_policy(records):
    first = Applied(keep=RetentionRule(last=3, within=Duration(months=6)), trimmed=(RetentionRule(daily=1),))
    second = Applied(keep=RetentionRule(yearly=1))
    records.record_applied("1", "eu-west-1", "nightly", first)
    records.record_applied("1", "eu-west-1", "hourly", second)
    records.record_applied("2", "eu-west-1", "nightly", second)

    assert [first, second, second] == [
        records.applied("1", "eu-west-1", "nightly"),
        records.applied("1", "eu-west-1", "hourly"),
        records.applied("2", "eu-west-1", "nightly"),
    ]


@pytest.mark.parametrize(
    ("written", "read"), [(None, ()), ({"last": 1}, (RetentionRule(last=1),)), ([], ())], ids=str
)
def test_a_record_of_the_first_writers_is_read(records, store, written, read):
    document = {"format": 1, "keep": {"last": 3}, "trimmed": written}
    store.put(layout.applied_key("1", "eu-west-1", "nightly"), json.dumps(document).encode())

    assert Applied(keep=RetentionRule(last=3), trimmed=read) == records.applied("1", "eu-west-1", "nightly")


def test_the_last_apply_counts(records):
    for last in (5, 3):
        records.record_applied("1", "eu-west-1", "nightly", Applied(keep=RetentionRule(last=last)))

    assert Applied(keep=RetentionRule(last=3)) == records.applied("1", "eu-west-1", "nightly")


@settings(max_examples=40, deadline=None)
@given(rules, st.lists(rules, max_size=3).map(tuple))
def test_every_rule_comes_back_as_it_was(tmp_path_factory, keep, trimmed):
    root: Path = tmp_path_factory.mktemp("rules")
    records = StoreRecords(DirectoryStore(root, StillClock()), StillClock())
    records.record_applied("1", "eu-west-1", "p", Applied(keep=keep, trimmed=trimmed))

    assert Applied(keep=keep, trimmed=trimmed) == records.applied("1", "eu-west-1", "p")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"{}",
        b'{"format": 1}',
        b'{"format": 1, "keep": {"last": "3"}}',
        b'{"format": 1, "keep": {"last": true}}',
        b'{"format": 1, "keep": {"within": 5}}',
        b'{"format": 2, "keep": {}}',
    ],
)
def test_rule_3_what_was_applied_and_cannot_be_read_raises(records, store, body):
    store.put(layout.applied_key("1", "eu-west-1", "nightly"), body)

    with pytest.raises(CloudError, match="cannot be read"):
        records.applied("1", "eu-west-1", "nightly")


def test_pins_are_those_of_all_restores(records):
    records.pin("r1", ["snap-1", "snap-2"])
    records.pin("r2", ["snap-2", "ami-1"])

    assert {"snap-1", "snap-2", "ami-1"} == records.pins()


def test_unpinning_releases_one_restore_and_is_repeatable(records):
    records.pin("r1", ["snap-1"])
    records.pin("r2", ["snap-2"])
    records.unpin("r1")
    records.unpin("r1")

    assert {"snap-2"} == records.pins()


def test_a_pin_of_a_crashed_restore_ends_after_a_week_and_not_before(records, clock):
    records.pin("r1", ["snap-1"])
    clock.advance(days=7, seconds=-1)
    assert {"snap-1"} == records.pins()

    clock.advance(seconds=1)
    assert frozenset() == records.pins()


def test_pinning_again_starts_the_week_anew(records, clock):
    records.pin("r1", ["snap-1"])
    clock.advance(days=6)
    records.pin("r1", ["snap-1"])
    clock.advance(days=6)

    assert {"snap-1"} == records.pins()


def test_i17_asking_for_pins_writes_nothing(records, store, clock):
    records.pin("r1", ["snap-1"])
    clock.advance(days=8)
    store.calls.clear()
    records.pins()

    assert {"keys", "get"} == {what for what, _ in store.calls}


def test_a_new_pin_clears_away_what_ran_out(records, store, clock):
    records.pin("r1", ["snap-1"])
    clock.advance(days=8)
    records.pin("r2", ["snap-2"])

    assert [layout.pin_key("r2")] == [key for key, _ in store.keys(layout.PINS)]


@pytest.mark.parametrize("off", [timedelta(days=3650), timedelta(days=-3650)], ids=["ahead", "behind"])
def test_i9_a_restore_on_a_machine_whose_clock_is_wrong_frees_nothing_of_others(records, store, clock, off):
    wrong = StoreRecords(store, StillClock(clock.now() + off))
    records.pin("r1", ["snap-1"])
    wrong.pin("r2", ["snap-2"])

    assert {"snap-1", "snap-2"} == records.pins()


def test_a_pin_that_is_written_anew_while_it_is_cleared_away_stays(records, store, clock):
    records.pin("r1", ["snap-1"])
    clock.advance(days=8)
    again = [lambda: records.pin("r1", ["snap-3"])]
    store.meanwhile = lambda what, key: what == "delete" and again and again.pop()()
    records.pin("r2", ["snap-2"])

    assert {"snap-2", "snap-3"} == records.pins()


def test_anothers_pin_that_cannot_be_read_stops_no_restore(records, store):
    store.put(layout.pin_key("damaged"), b"{}")
    records.pin("r1", ["snap-1"])

    assert store.get(layout.pin_key("r1")) is not None
    assert store.get(layout.pin_key("damaged")) is not None
    with pytest.raises(CloudError):
        records.pins()


def test_a_pin_that_is_released_while_it_is_read_pins_nothing(records, store):
    records.pin("r1", ["snap-1"])
    store.meanwhile = lambda what, key: what == "get" and store.inner.delete(key)

    assert frozenset() == records.pins()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'{"format": 1, "points": ["a"]}',
        b'{"format": 1, "points": ["a"], "until": "soon"}',
        b'{"format": 1, "points": ["a"], "until": "2026-03-29T12:00:00"}',
        b'{"format": 1, "points": "a", "until": "2026-03-29T12:00:00Z"}',
    ],
)
def test_rule_3_a_pin_that_cannot_be_read_raises_and_so_closes_expiry(records, store, body):
    records.pin("r1", ["snap-1"])
    store.put(layout.pin_key("broken"), body)

    with pytest.raises(CloudError, match=r"pins/broken.json cannot be read"):
        records.pins()


def test_rule_3_a_store_that_is_away_raises_and_so_closes_expiry(records, store):
    store.away = True

    with pytest.raises(EnvironmentFailed):
        records.pins()
    with pytest.raises(EnvironmentFailed):
        records.applied("1", "eu-west-1", "nightly")


def test_i5_a_pin_that_was_killed_can_be_made_again(records, store):
    for at in range(2):
        store.kill_at = len(store.calls) + at
        with pytest.raises(Killed):
            records.pin("r1", ["snap-1"])
        store.kill_at = None
        records.pin("r1", ["snap-1"])
        assert {"snap-1"} == records.pins()
