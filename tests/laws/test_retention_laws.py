"""Laws of retention (I12), and its answer beside a plain second reading of DESIGN 7."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from dr.durations import Duration
from dr.model import RetentionRule
from dr.retention import REASONS, Candidate, retain

SAMPLED = settings(deadline=None, max_examples=300)
PERIODS = ("hourly", "daily", "weekly", "monthly", "yearly")

counts = st.one_of(st.none(), st.integers(1, 6))
durations = st.builds(Duration, months=st.integers(0, 14), seconds=st.integers(1, 40 * 86_400))
rules = st.builds(
    RetentionRule,
    last=counts,
    hourly=counts,
    daily=counts,
    weekly=counts,
    monthly=counts,
    yearly=counts,
    within=st.one_of(st.none(), durations),
).filter(lambda rule: any(getattr(rule, name) for name in ("last", *PERIODS, "within")))
zones = st.sampled_from(
    ["UTC", "Europe/Vienna", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Tokyo"]
).map(ZoneInfo)

# Steps of half an hour around changes of clocks and of years, so that periods are shared and doubled.
ANCHORS = [
    datetime(2026, 10, 25, tzinfo=UTC),
    datetime(2025, 12, 31, tzinfo=UTC),
    datetime(2011, 12, 30, tzinfo=UTC),
    datetime(2024, 2, 28, tzinfo=UTC),
]


@st.composite
def histories(draw, *, archived=True, late=True):
    """Points with different slots, in any order; some late, some archived."""
    anchor = draw(st.sampled_from(ANCHORS))
    scale = draw(st.sampled_from([30, 60, 6 * 60, 24 * 60, 9 * 24 * 60, 100 * 24 * 60]))
    steps = draw(st.lists(st.integers(-40, 40), min_size=1, max_size=30, unique=True))
    slots = [anchor + timedelta(minutes=scale * step) for step in steps]
    return [
        Candidate(
            id=f"p{n}",
            slot=slot,
            time=slot + timedelta(minutes=draw(st.integers(0, 90)) if late else 0),
            archived=archived and draw(st.booleans()),
        )
        for n, slot in enumerate(slots)
    ]


def survivors(points, rule, zone):
    return [point for point in points if retain(points, rule, zone)[point.id]]


def newest(points):
    """The point of safety rule 1."""
    good = [point for point in points if not point.archived]
    return max(good, key=lambda point: (point.time, point.slot, point.id), default=None)


@given(points=histories(), rule=rules, zone=zones)
@SAMPLED
def test_i12_the_result_is_the_input_with_reasons_and_holds_the_newest(points, rule, zone):
    found = retain(points, rule, zone)
    assert list(found) == [point.id for point in points]
    assert all(set(reasons) <= set(REASONS) for reasons in found.values())
    good = newest(points)
    assert good is None or found[good.id] != ()


@given(points=histories(), rule=rules, zone=zones, random=st.randoms())
@SAMPLED
def test_i12_the_order_of_the_input_makes_no_difference(points, rule, zone, random):
    shuffled = random.sample(points, len(points))
    assert retain(shuffled, rule, zone) == retain(points, rule, zone)


@given(points=histories(), rule=rules, zone=zones)
@SAMPLED
def test_i12_what_was_kept_is_kept_again_for_the_same_reasons(points, rule, zone):
    found = retain(points, rule, zone)
    again = retain(survivors(points, rule, zone), rule, zone)
    assert again == {id_: reasons for id_, reasons in found.items() if reasons}


@given(points=histories(archived=False, late=False), rule=rules, zone=zones, data=st.data())
@SAMPLED
def test_i12_an_older_point_takes_nothing_from_a_newer_one_but_the_place_of_the_oldest(
    points, rule, zone, data
):
    ordered = sorted(points, key=lambda point: point.slot)
    cut = data.draw(st.integers(0, len(ordered) - 1))
    newer = ordered[cut:]
    alone, together = retain(newer, rule, zone), retain(ordered, rule, zone)
    for point in newer:
        assert set(alone[point.id]) - {"oldest"} == set(together[point.id]) - {"oldest"}


@given(points=histories(archived=False, late=False), rule=rules, zone=zones)
@SAMPLED
def test_i12_a_point_that_was_dropped_is_not_wanted_back_when_newer_ones_come(points, rule, zone):
    """Time goes on and nothing is lost that a plan over the whole history would have kept, `oldest` aside.

    So deleting at each tick what no rule claims ends where deleting once, at the end, would.
    """
    ordered = sorted(points, key=lambda point: point.slot)
    held = []
    for point in ordered:
        held = survivors([*held, point], rule, zone)
    ids = {point.id for point in held}
    for id_, reasons in retain(ordered, rule, zone).items():
        assert id_ in ids or set(reasons) <= {"oldest"}


@given(points=histories(), rule=rules, zone=zones, name=st.sampled_from(("last", *PERIODS)))
@SAMPLED
def test_i12_a_larger_count_keeps_no_less(points, rule, zone, name):
    larger = {field: getattr(rule, field) for field in ("last", *PERIODS, "within")}
    larger[name] = (larger[name] or 0) + 1
    fewer, more = retain(points, rule, zone), retain(points, RetentionRule(**larger), zone)
    lost = [
        id_ for id_, reasons in fewer.items() if not set(reasons) <= set(more[id_]) | {"oldest", "newest"}
    ]
    assert lost == []


def local_period(name, slot, zone):
    local = slot.astimezone(zone)
    formats = {
        "hourly": "%Y-%m-%d %H %z",
        "daily": "%Y-%m-%d",
        "weekly": "%G %V",
        "monthly": "%Y-%m",
        "yearly": "%Y",
    }
    return local.strftime(formats[name])


def claimed(point, points, rule, zone):
    """DESIGN 7, sentence by sentence, for one point."""
    good = [other for other in points if not other.archived]
    if rule.last and point in good and sum(other.slot > point.slot for other in good) < rule.last:
        yield "last"
    oldest = False
    for name in PERIODS:
        count = getattr(rule, name)
        if not count:
            continue
        mine = local_period(name, point.slot, zone)
        newer = {local_period(name, other.slot, zone) for other in points if other.slot > point.slot}
        if mine not in newer and len(newer) < count:
            yield name
        oldest = oldest or len({local_period(name, other.slot, zone) for other in points}) < count
    if oldest and point.slot == min(other.slot for other in points):
        yield "oldest"
    if rule.within:
        end = max(other.time for other in good or points)
        if point.time > rule.within.before(end, zone):
            yield "within"


@given(points=histories(), rule=rules, zone=zones)
@SAMPLED
def test_i12_the_reasons_are_those_of_a_plain_reading_of_the_rules(points, rule, zone):
    found = retain(points, rule, zone)
    plain = {point.id: tuple(claimed(point, points, rule, zone)) for point in points}
    good = newest(points)
    if good is not None and not plain[good.id]:
        plain[good.id] = ("newest",)
    assert found == plain
