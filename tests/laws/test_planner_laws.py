"""What holds for every plan, whatever the world looks like."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from plan_values import HOUR, NOW, SLOT, expired, expiries, policy, unread, volume

from dr.actions import Capture, Cause, Expire
from dr.durations import Duration
from dr.limits import allow_expire, decide, next_applied
from dr.model import Applied, Inventory, Kind, Lineage, RecoveryPoint, RetentionRule, Selector, State
from dr.planner.cases import cases
from dr.planner.shelf import shelve

ACCOUNT, REGION = "111111111111", "eu-west-1"
SOURCES = ("vol-1", "vol-2", "vol-3")
POLICIES = ("db", "other")
STATES = [State.GOOD] * 5 + [State.PENDING, State.FAILED, State.ARCHIVED]
SAMPLED = settings(deadline=None, max_examples=120)


def some_keep(chance: random.Random) -> RetentionRule:
    names = ("last", "hourly", "daily", "weekly", "monthly", "yearly")
    counts = {name: chance.randint(1, 6) for name in names if chance.random() < 0.4}
    if not counts or chance.random() < 0.3:
        counts["within"] = Duration(seconds=chance.randint(1, 100) * 3600)
    return RetentionRule(**counts)


def some_point(chance: random.Random, number: int) -> RecoveryPoint:
    """Slots repeat; data comes minutes or days after its slot."""
    slot = SLOT - chance.randint(0, chance.choice((12, 24 * 500))) * HOUR
    late = timedelta(minutes=chance.randint(0, chance.choice((50, 5000))))
    lineage = Lineage(
        policy=chance.choice((*POLICIES, "gone")),
        account=ACCOUNT,
        region=REGION,
        source=chance.choice((*SOURCES, "vol-gone")),
    )
    return RecoveryPoint(
        id=f"snap-{number:03}",
        kind=Kind.SNAPSHOT,
        lineage=lineage,
        slot=slot,
        time=min(slot + late, NOW),
        state=chance.choice(STATES),
        set=chance.choice([None] * 5 + ["i-1", "i-2"]),
        hold=chance.random() < 0.1,
        locked=chance.random() < 0.1,
        in_use="ami-1" if chance.random() < 0.1 else "",
        copy_of="snap-elsewhere" if chance.random() < 0.1 else None,
    )


def some_record(chance: random.Random, keep: RetentionRule) -> Applied | None:
    before = chance.choice((keep, some_keep(chance)))
    return chance.choice((None, Applied(keep=before), Applied(keep=before, trimmed=(keep,))))


def some_world(seed: int, size: int):
    """Two policies over the same sources, some of which are missing or busy, and up to `size` points."""
    chance = random.Random(seed)
    policies = tuple(
        policy(name, keep=some_keep(chance), zone="Europe/Vienna", expire_percent=chance.randint(1, 100))
        for name in POLICIES
    )
    points = tuple(some_point(chance, number) for number in range(size))
    records = {(p.name, r): some_record(chance, p.keep) for p in policies for r in p.regions}
    inventory = Inventory(
        account=ACCOUNT,
        sources=tuple(
            volume(name, unready="busy" if chance.random() < 0.2 else "")
            for name in SOURCES
            if chance.random() < 0.9
        ),
        points=points,
        pins=frozenset(p.id for p in points if chance.random() < 0.1),
        applied={name: record for name, record in records.items() if record},
        unread=chance.choice([()] * 9 + [(unread("points"),)]),
    )
    return policies, inventory


def worlds():
    """A seed for the world's facts; the number of points shrinks."""
    return st.builds(some_world, st.integers(0, 2**32), st.integers(0, 60))


KEEPS = st.integers(0, 2**32).map(lambda seed: some_keep(random.Random(seed)))


def gone(plan) -> set[str]:
    """Everything that the plan would delete if a person allowed it, too."""
    return {expire.point_id for expire in expiries(plan)}


def good_by_lineage(rows):
    found: dict[Lineage, list[RecoveryPoint]] = {}
    for p in rows:
        if p.state is State.GOOD and p.copy_of is None:
            found.setdefault(p.lineage, []).append(p)
    return found


@SAMPLED
@given(worlds())
def test_i1_rule_7_1_the_newest_good_slot_of_a_lineage_always_keeps_a_good_point(world):
    policies, inventory = world
    lost = gone(decide(policies, inventory, NOW))

    for rows in good_by_lineage(inventory.points).values():
        newest = max(p.slot for p in rows)
        assert any(p.id not in lost for p in rows if p.slot == newest)


@SAMPLED
@given(worlds())
def test_i1_rule_7_1_the_newest_data_of_a_lineage_stays_or_is_the_duplicate_of_what_stays(world):
    policies, inventory = world
    lost = gone(decide(policies, inventory, NOW))

    for rows in good_by_lineage(inventory.points).values():
        newest = max(rows, key=lambda p: (p.time, p.slot, p.id))
        assert any(p.id not in lost for p in rows if p.slot == newest.slot)


@SAMPLED
@given(worlds())
def test_rule_7_1_what_is_pending_guarded_or_a_copy_never_expires(world):
    policies, inventory = world
    safe = {
        p.id
        for p in inventory.points
        if p.state is State.PENDING or p.hold or p.locked or p.in_use or p.copy_of or p.id in inventory.pins
    }

    assert set() == safe & gone(decide(policies, inventory, NOW))


@SAMPLED
@given(worlds())
def test_i3_i10_only_points_of_todays_policies_and_selected_sources_expire(world):
    policies, inventory = world
    there = {source.id for source in inventory.sources}

    for expire in expiries(decide(policies, inventory, NOW)):
        assert expire.lineage.policy in {"db", "other"}
        assert expire.lineage.source in there


@SAMPLED
@given(worlds(), st.sampled_from(["points", "sources", "pins", "freezes", "applied", "clock"]))
def test_i4_rule_7_3_what_could_not_be_read_closes_all_expiry(world, what):
    policies, inventory = world

    assert set() == gone(decide(policies, replace(inventory, unread=(unread(what),)), NOW))


@SAMPLED
@given(worlds())
def test_i11_rule_7_4_a_lineage_never_loses_more_than_its_ration(world):
    policies, inventory = world
    percent = {p.name: p.expire_percent for p in policies}
    limited = {Cause.RETENTION, Cause.POLICY_CHANGE}
    taken = Counter(
        e.lineage for e in expiries(decide(policies, inventory, NOW)) if e.cause in limited and not e.blocked
    )

    for lineage, number in taken.items():
        counting = [
            p for p in inventory.points if p.lineage == lineage and p.state in {State.GOOD, State.ARCHIVED}
        ]
        assert number <= max(2, len(counting) * percent[lineage.policy] // 100)


@SAMPLED
@given(worlds(), st.randoms(use_true_random=False))
def test_a_plan_does_not_depend_on_the_order_of_the_listings(world, shuffler: random.Random):
    policies, inventory = world

    def mixed(rows):
        return tuple(shuffler.sample(list(rows), len(rows)))

    other = replace(inventory, points=mixed(inventory.points), sources=mixed(inventory.sources))

    assert decide(policies, inventory, NOW) == decide(mixed(policies), other, NOW)


@SAMPLED
@given(worlds())
def test_a_plan_names_each_thing_once(world):
    policies, inventory = world
    plan = decide(policies, inventory, NOW)
    things = [a.point_id if isinstance(a, Expire) else (a.lineage, a.slot) for a in plan.actions]

    assert len(things) == len(set(things))


def carried_out(plan, inventory: Inventory, policies) -> Inventory:
    """The world after the plan: what was asked for is gone, what was taken is pending."""
    lost = expired(plan)
    taken = [
        RecoveryPoint(
            id=f"new {a.lineage.policy} {a.lineage.source} {a.slot}",
            kind=a.kind,
            lineage=a.lineage,
            slot=a.slot,
            time=NOW,
            state=State.PENDING,
        )
        for a in plan.actions
        if isinstance(a, Capture)
    ]
    applied = {
        (p.name, r): next_applied(replace(p, regions=(r,)), inventory.applied.get((p.name, r)), plan)
        for p in policies
        for r in p.regions
    }
    return replace(
        inventory,
        points=(*(p for p in inventory.points if p.id not in lost), *taken),
        applied={name: record for name, record in applied.items() if record},
    )


def until_quiet(policies, inventory: Inventory, allowing: bool = False) -> tuple[Inventory, int]:
    """Tick until nothing is left to do; at most fifty times."""
    for turn in range(50):
        plan = decide(policies, inventory, NOW)
        if allowing:
            plan = allow_expire(plan, sum(e.blocked for e in expiries(plan)))
        if not expired(plan) and not any(isinstance(a, Capture) for a in plan.actions):
            return inventory, turn
        inventory = carried_out(plan, inventory, policies)
    raise AssertionError("the ticks never come to rest")


@SAMPLED
@given(worlds())
def test_i8_a_slot_is_captured_once(world):
    policies, inventory = world
    inventory = replace(inventory, unread=())
    after = carried_out(decide(policies, inventory, NOW), inventory, policies)

    assert [a for a in decide(policies, after, NOW).actions if isinstance(a, Capture)] == []


@SAMPLED
@given(worlds())
def test_i8_ticks_come_to_rest(world):
    """Only what the limits put off is left for a second apply; it ends, also where everything is allowed."""
    policies, inventory = world
    inventory = replace(inventory, unread=())

    until_quiet(policies, inventory)
    until_quiet(policies, inventory, allowing=True)


@SAMPLED
@given(worlds())
def test_i8_an_apply_that_put_nothing_off_leaves_nothing_to_do(world):
    policies, inventory = world
    policies = tuple(replace(p, expire_percent=100) for p in policies)
    inventory = replace(
        inventory, unread=(), applied={(p.name, r): Applied(keep=p.keep) for p in policies for r in p.regions}
    )
    plan = decide(policies, inventory, NOW)
    after = carried_out(plan, inventory, policies)
    deferred = [warn for warn in plan.warnings if warn.code == "expiry-deferred"]

    assert deferred or decide(policies, after, NOW).actions == ()


JUMPS = st.sampled_from([timedelta(days=d) for d in (1, -1, 3652, -3652)]) | st.timedeltas(
    min_value=timedelta(days=-3652), max_value=timedelta(days=3652)
)


@SAMPLED
@given(worlds(), JUMPS)
def test_i9_a_clock_that_jumped_lets_nothing_go_that_the_right_one_keeps(world, jump):
    """Retention is measured on the points alone: a wrong `now` can only make a tick more careful."""
    policies, inventory = world
    inventory = replace(inventory, sources=tuple(replace(s, unready="") for s in inventory.sources))
    policies = tuple(replace(p, expire_percent=100) for p in policies)
    right, wrong = (decide(policies, inventory, at) for at in (NOW, NOW + jump))
    wanted = {(c.policy.name, c.lineage.source, c.wanted) for c in _cases(policies, inventory)}
    slots = {p.id: (p.lineage.policy, p.lineage.source, p.slot) for p in inventory.points}
    now_kept = {p.id for p in inventory.points} - gone(right)
    surplus = {name for name in now_kept & gone(wrong) if slots[name] not in wanted}

    for lineage, rows in good_by_lineage(inventory.points).items():
        keep = next((p.keep.last for p in policies if p.name == lineage.policy), None)
        left = {p.slot for p in rows if p.id not in gone(wrong)}
        assert len(left) >= min(keep or 1, len({p.slot for p in rows}))
    assert surplus == set()


def _cases(policies, inventory):
    shelf = shelve(inventory)
    return [case for p in policies for case in cases(p, inventory, shelf, NOW)]


TYPO = Selector(tags={"Teir": ("db",)})


@SAMPLED
@given(worlds(), st.sampled_from(["typo", "renamed", "removed"]))
def test_i10_a_typo_a_new_name_or_a_removed_file_deletes_nothing(world, mistake):
    policies, inventory = world
    broken = {
        "typo": tuple(replace(p, select=TYPO) for p in policies),
        "renamed": tuple(replace(p, name=f"{p.name}-2") for p in policies),
        "removed": (),
    }

    assert set() == gone(decide(broken[mistake], inventory, NOW))


@SAMPLED
@given(worlds(), KEEPS)
def test_i10_i11_another_keep_costs_one_ration_and_no_more(world, keep):
    """A wrong number, a wrong unit: however many ticks go by, a person has to say so before the rest goes."""
    policies, inventory = world
    inventory = replace(
        inventory, unread=(), applied={(p.name, r): Applied(keep=p.keep) for p in policies for r in p.regions}
    )
    settled, _ = until_quiet(policies, inventory)
    edited = tuple(replace(p, keep=keep) for p in policies)
    end, _ = until_quiet(edited, settled)

    left = {p.id for p in end.points}
    for lineage, rows in good_by_lineage(settled.points).items():
        percent = next((p.expire_percent for p in policies if p.name == lineage.policy), 0)
        standing = sum(
            p.lineage == lineage and p.state in {State.GOOD, State.ARCHIVED} for p in settled.points
        )
        lost = sum(p.id not in left for p in rows)
        assert lost <= max(2, standing * percent // 100)
