"""A tick as a whole: reads, leases, records, and what it does when some of them fail."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fake_store import FakeLeases
from fakes import INSTALLATION
from tick_world import World, policy

from dr.actions import Capture, Cause, Expire, Result, WarningCode
from dr.errors import (
    EXIT_FAILED,
    EXIT_REFUSED,
    Ambiguous,
    Busy,
    CloudError,
    EnvironmentFailed,
    Refused,
    weightiest,
)
from dr.model import Applied, Policy, Protect, RetentionRule, Selector, State, Unread
from dr.tick.inventory import read_for_plan, read_inventory
from dr.tick.waiting import wait_for_captures

STACKS = policy("stacks", Protect.STACKS)
MACHINES = policy("machines", Protect.INSTANCES)
ALL = (policy(), MACHINES, STACKS)


@pytest.fixture
def world():
    made = World()
    made.cloud.add_volume("vol-1", tags={"Backup": "yes"})
    made.cloud.add_instance("i-1", "vol-root", tags={"Backup": "yes"})
    made.stacks.add("prod")
    return made


def test_i8_a_second_apply_in_a_slot_makes_no_changing_call(world):
    world.apply(*ALL)
    calls = list(world.cloud.calls)

    done = world.apply(*ALL)

    assert done.outcomes == ()
    assert world.cloud.calls == calls


def test_a_stack_is_kept_with_its_policy_slot_and_time(world):
    done = world.apply(STACKS)

    (point,) = world.store.points(world.cloud.account, "eu-west-1")
    assert done.outcomes[0].created == (point.id,)
    assert point.lineage.policy == "stacks"


METHODS = ("create_snapshot", "create_image", "delete_snapshot", "deregister_image", "owned", "find")


def busy_world() -> World:
    """Six hours of work behind it, so that the next apply captures and expires of every kind."""
    made = World()
    made.cloud.add_volume("vol-1", tags={"Backup": "yes"})
    made.cloud.add_instance("i-1", "vol-root", tags={"Backup": "yes"})
    made.stacks.add("prod")
    made.hours(6, *ALL)
    return made


def settled(world: World):
    """The state after one clean run a day later: an orphaned part of an image waits a day (DESIGN 5)."""
    world.leases.held.clear()
    world.apply(*ALL)
    world.clock.advance(hours=25)
    world.apply(*ALL)
    return world.state()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("method", METHODS)
def test_i6_a_fault_at_a_call_is_made_good_by_the_next_run(method, after):
    whole, faulty = busy_world(), busy_world()
    faulty.cloud.failures.add(method, Ambiguous("the answer was lost"), after=after)

    whole.apply(*ALL)
    faulty.apply(*ALL)

    assert settled(faulty) == settled(whole)


def test_i5_a_run_that_dies_at_any_call_is_made_good_by_the_next():
    whole = busy_world()
    whole.apply(*ALL)
    wanted = settled(whole)
    calls = 0
    while True:
        killed = busy_world()
        if not dies_after(killed, calls):
            break
        assert settled(killed) == wanted, calls
        calls += 1
    assert calls >= 5


class Killed(BaseException):
    """kill -9: nothing of dr catches it."""


def dies_after(world: World, calls: int, *policies: Policy) -> bool:
    """One apply that dies right after its n-th changing call had its effect; False when it ends before that."""
    start = len(world.cloud.calls)
    original = world.cloud

    class Mortal:
        def __getattr__(self, name):
            found = getattr(original, name)
            if name not in METHODS[:4]:
                return found

            def call(*args, **kwargs):
                answer = found(*args, **kwargs)
                if len(original.calls) - start > calls:
                    raise Killed
                return answer

            return call

    world.cloud = Mortal()
    try:
        world.apply(*(policies or ALL))
    except Killed:
        return True
    finally:
        world.cloud = original
    return False


def test_i4_a_listing_that_fails_deletes_nothing_and_captures_go_on(world):
    world.hours(6)
    before = set(world.cloud.snapshots)
    world.cloud.failures.add("points", CloudError("page 2 is missing"))

    done = world.apply()

    assert before < set(world.cloud.snapshots)
    assert done.exit_code == 1
    assert [u.what for u in done.unread] == ["points"]


def test_rule_7_3_pins_that_cannot_be_read_close_expiry(world):
    world.hours(6)
    before = set(world.cloud.snapshots)
    world.records.failures.add("pins", CloudError("denied"))

    world.apply()

    assert before < set(world.cloud.snapshots)


@pytest.mark.parametrize("ahead", [400.0, -400.0, None])
def test_rule_7_3_a_clock_that_is_off_closes_expiry(world, ahead):
    world.hours(6)
    before = set(world.cloud.snapshots)
    world.cloud.ahead = ahead

    done = world.apply()

    assert before < set(world.cloud.snapshots)
    assert any(w.code is WarningCode.CLOCK_SKEW for w in done.warnings)


def test_rule_7_3_accounts_that_nobody_tells_of_close_expiry(world):
    """The account at work may have been taken out of what dr.yaml chooses of the Organization."""
    world.hours(6)
    before = set(world.cloud.snapshots)
    world.unheard = Unread(what="accounts", region="", message="the Organization does not answer")

    done = world.apply()

    assert before < set(world.cloud.snapshots)
    assert (done.exit_code, [u.what for u in done.unread]) == (1, ["accounts"])


def test_i25_a_region_that_is_denied_stops_no_other(world):
    both = policy(regions=("eu-west-1", "eu-central-1"))
    world.cloud.failures.add("points", CloudError("denied"))

    done = world.apply(both)

    assert [o.result for o in done.outcomes] == [Result.DONE]
    assert done.exit_code == 1


def test_nothing_to_be_read_at_all_is_an_error(world):
    for method in ("points", "sources"):
        world.cloud.failures.for_ever[method] = EnvironmentFailed("no route")
    for method in ("holder", "pins", "freezes", "applied", "orphans"):
        world.records.failures.for_ever[method] = EnvironmentFailed("no route")

    with pytest.raises(EnvironmentFailed):
        read_inventory((policy(),), world.desk)


def test_a_lease_that_another_holds_leaves_its_policy_alone(world):
    rival = FakeLeases(world.clock, "rival", world.leases.held)
    rival.acquire(f"leases/{world.cloud.account}/eu-west-1/db")

    done = world.apply(*ALL)

    assert {o.action.lineage.policy for o in done.outcomes} == {"machines", "stacks"}
    assert done.exit_code == 5


def test_when_every_lease_is_held_the_run_is_busy(world):
    rival = FakeLeases(world.clock, "rival", world.leases.held)
    rival.acquire(f"leases/{world.cloud.account}/eu-west-1/db")

    with pytest.raises(Busy, match="rival"):
        world.apply()


def test_leases_are_given_back_also_when_the_run_fails(world):
    world.cloud.failures.for_ever["points"] = RuntimeError("a bug")

    with pytest.raises(RuntimeError):
        world.apply()

    assert world.leases.held == {}


def test_i7_two_runs_that_race_and_one_more_equal_one_run(world):
    alone = World()
    alone.cloud.add_volume("vol-1", tags={"Backup": "yes"})
    alone.apply()
    original = world.cloud
    raced = []

    class Racing:
        """Between our look and our create a second run, without leases, takes the same slot."""

        def __getattr__(self, name):
            return getattr(original, name)

        def create_snapshot(self, *args):
            if not raced:
                raced.append(True)
                original.create_snapshot(*args)
            return original.create_snapshot(*args)

    world.cloud = Racing()
    world.apply()
    world.cloud = original
    assert len(original.snapshots) == 2
    world.clock.advance(minutes=10)
    world.apply()

    assert world.state()[0] == alone.state()[0]


def test_i7_of_two_runs_that_race_to_one_image_the_second_finds_the_first_ones(world):
    world.cloud.add_instance("i-1", "vol-root", tags={"Backup": "yes"})
    original, raced = world.cloud, []

    class Racing:
        """Between our look and our create a second run makes the image of the same slot."""

        def __getattr__(self, name):
            return getattr(original, name)

        def create_image(self, *args, reboot):
            if not raced:
                raced.append(True)
                world.cloud = original
                world.leases.held.clear()
                world.apply(MACHINES)
            return original.create_image(*args, reboot=reboot)

    world.cloud = Racing()
    done = world.apply(MACHINES)

    assert [(o.result.value, list(o.created)) for o in done.outcomes] == [("done", list(original.images))]
    assert len(original.images) == 1


def test_the_keep_of_an_apply_is_remembered(world):
    world.apply()

    assert world.records.keeps == {
        (world.cloud.account, "eu-west-1", "db"): Applied(keep=RetentionRule(last=3), trimmed=())
    }


def edited_world() -> tuple[World, Policy]:
    """Fourteen points under a long keep, and the policy as it is edited now: 30 % of them may go, two are more."""
    made = World()
    made.cloud.add_volume("vol-1", tags={"Backup": "yes"})
    made.hours(14, policy(keep=RetentionRule(last=20)))
    return made, policy(keep=RetentionRule(last=2))


def test_i11_a_change_has_one_ration_also_when_its_run_dies_between_two_deletions():
    made, short = edited_world()
    before = set(made.cloud.snapshots)

    assert dies_after(made, 2, short)
    assert len(before - set(made.cloud.snapshots)) == 2
    made.clock.advance(minutes=6)
    done = made.apply(short)

    assert len(before - set(made.cloud.snapshots)) == 2
    assert [o.action.blocked for o in done.outcomes] == [True] * 11


def test_i11_nothing_of_a_change_goes_that_could_not_be_recorded():
    made, short = edited_world()
    before = dict(made.cloud.snapshots)
    made.records.failures.add("record_applied", CloudError("no space", remedy="make room"))

    done = made.apply(short)

    waits = [o for o in done.outcomes if isinstance(o.action, Expire) and not o.action.blocked]
    assert [(o.result, o.error, o.remedy) for o in waits] == [
        (Result.LEFT, "the change of `keep` could not be recorded: no space", "make room")
    ] * 4
    assert set(before) <= set(made.cloud.snapshots)
    assert (WarningCode.STORE_LAG, "db") in [(warn.code, warn.policy) for warn in done.warnings]
    assert done.exit_code == weightiest((EXIT_FAILED, EXIT_REFUSED))
    assert [o.result for o in made.apply(short).outcomes].count(Result.DONE) == 4


def test_what_the_last_keep_drops_goes_also_where_a_change_cannot_be_recorded():
    made = World()
    made.cloud.add_volume("vol-1", tags={"Backup": "yes"})
    made.hours(5, policy(keep=RetentionRule(last=4)))
    made.records.failures.add("record_applied", CloudError("no space"))

    done = made.apply(policy(keep=RetentionRule(last=3)))

    expiries = [o for o in done.outcomes if isinstance(o.action, Expire)]
    assert {o.action.cause: o.result for o in expiries} == {
        Cause.RETENTION: Result.DONE,
        Cause.POLICY_CHANGE: Result.LEFT,
    }


@pytest.mark.parametrize("error", [CloudError("denied"), EnvironmentFailed("the store is away")])
def test_captures_do_not_wait_for_the_record_of_a_changed_keep(error):
    """What could not be recorded was tried when the captures were made; a store that is away is asked once."""
    made = World()
    made.cloud.add_volume("vol-1", tags={"Backup": "yes"})
    several = [policy(f"p{n}") for n in range(3)]
    made.hours(6, *several)
    edited = [replace(each, keep=RetentionRule(last=2)) for each in several]
    asked, original = [], made.records

    class Unwritable:
        def __getattr__(self, name):
            return getattr(original, name)

        def record_applied(self, *_):
            asked.append(made.cloud.calls[-3:])
            raise error

    made.records = Unwritable()
    done = made.apply(*edited)

    captures = [o.result for o in done.outcomes if isinstance(o.action, Capture)]
    assert captures == [Result.DONE] * 3
    assert len(asked) == (1 if isinstance(error, EnvironmentFailed) else 3)
    assert {call[0] for calls in asked for call in calls} == {"create_snapshot"}
    expiries = [o for o in done.outcomes if isinstance(o.action, Expire)]
    changes = {o.result for o in expiries if o.action.cause is Cause.POLICY_CHANGE}
    assert changes == {Result.LEFT}


def test_a_run_that_loses_its_lease_before_its_deletions_uses_nothing_of_a_change():
    made, short = edited_world()
    before, original = dict(made.records.keeps), made.cloud

    class Slow:
        """While its snapshot is made, somebody else takes the lease over."""

        def __getattr__(self, name):
            return getattr(original, name)

        def create_snapshot(self, *args):
            made.clock.advance(minutes=2)
            for key, (_, ends) in made.leases.held.items():
                made.leases.held[key] = ("somebody else", ends)
            return original.create_snapshot(*args)

    made.cloud = Slow()
    done = made.apply(short)

    assert made.records.keeps == before
    assert {o.result for o in done.outcomes if isinstance(o.action, Expire)} == {Result.LEFT}


def test_i11_rule_7_4_what_one_region_did_says_nothing_of_another():
    made = World()
    made.cloud.add_volume("vol-1", tags={"Backup": "yes"})
    long = policy(keep=RetentionRule(last=20), regions=("eu-west-1", "us-east-1"))
    made.hours(12, long)
    made.cloud.add_volume("vol-9", region="us-east-1", tags={"Backup": "yes"})
    short = policy(keep=RetentionRule(last=2), regions=("eu-west-1", "us-east-1"))

    for region in ("us-east-1", "eu-west-1", "us-east-1", "eu-west-1", "eu-west-1"):
        made.apply(replace(short, regions=(region,)))

    left = [s for s in made.cloud.snapshots.values() if s.region == "eu-west-1"]
    assert len(left) == 13 - 3  # its own capture, and the one ration of the change: 30 % of 12


def test_a_store_of_another_installation_is_refused_before_any_change(world):
    world.records.claimed = "somebody-else"

    with pytest.raises(Refused):
        world.apply()

    assert world.cloud.calls == []


@pytest.mark.parametrize("ahead", [-86400.0, 86400.0, None])
def test_i9_a_store_is_not_claimed_by_a_clock_that_is_wrong(world, ahead):
    world.cloud.ahead = ahead
    world.apply()
    assert world.records.claimed == ""

    world.cloud.ahead = 0.0
    world.apply()
    assert world.records.claimed == INSTALLATION


def test_a_store_of_another_installation_is_refused_also_by_a_clock_that_is_wrong(world):
    world.records.claimed = "somebody-else"
    world.cloud.ahead = 86400.0

    with pytest.raises(Refused):
        world.apply()


def test_waiting_ends_when_the_captures_are_good(world):
    done = world.apply()
    heard = []

    waited = wait_for_captures(done.outcomes, (), world.desk, heard.append)

    assert [o.result for o in waited.outcomes] == [Result.DONE]
    assert heard[0] == 1
    assert heard[-1] == 0


def test_waiting_tells_a_capture_that_failed(world):
    world.cloud.doomed.add("vol-1")
    done = world.apply()

    waited = wait_for_captures(done.outcomes, (), world.desk, lambda _n: None)

    assert [o.result for o in waited.outcomes] == [Result.FAILED]


@pytest.mark.parametrize("fails", [False, True])
def test_waiting_is_for_the_points_of_another_run_too(world, fails):
    world.apply()
    again = world.apply()
    (point,) = again.inventory.points
    heard = []
    if fails:
        world.cloud.snapshots[point.id] = replace(world.cloud.snapshots[point.id], failed=True)

    waited = wait_for_captures(again.outcomes, again.inventory.points, world.desk, heard.append)

    assert (again.outcomes, point.state) == ((), State.PENDING)
    assert heard[-1] == 0
    assert waited.not_good == ((point.id,) if fails else ())


ELSEWHERE = ("eu-west-1", "eu-central-1")


class Watched:
    """A cloud that remembers which Regions were listed, and refuses the dark one."""

    def __init__(self, cloud, dark=None):
        self._cloud, self._dark, self.listed = cloud, dark, []

    def __getattr__(self, name):
        return getattr(self._cloud, name)

    def points(self, region):
        self.listed.append(region)
        if region == self._dark:
            raise CloudError("no answer")
        return self._cloud.points(region)


def watching(world, cloud):
    return replace(world.desk, hands=replace(world.desk.hands, cloud=cloud))


@pytest.fixture
def moved(world):
    """A point in a Region that no policy names any more."""
    world.cloud.add_volume("vol-away", region="eu-central-1", tags={"Backup": "yes"})
    world.apply(policy(regions=ELSEWHERE))
    return world


def test_rule_7_5_a_plan_sees_points_in_a_region_that_no_policy_names(moved):
    inventory, warnings = read_for_plan((policy(),), moved.desk, ELSEWHERE)

    assert {"eu-west-1", "eu-central-1"} == {point.lineage.region for point in inventory.points}
    assert warnings == ()


def test_a_dark_region_that_no_policy_names_is_a_warning_and_closes_nothing(moved):
    desk = watching(moved, Watched(moved.cloud, dark="eu-central-1"))

    inventory, warnings = read_for_plan((policy(),), desk, ELSEWHERE)

    assert ((), {"eu-west-1"}) == (inventory.unread, {point.lineage.region for point in inventory.points})
    assert [(warn.code, warn.policy) for warn in warnings] == [(WarningCode.LISTING_INCOMPLETE, None)]
    assert warnings[0].message.startswith("eu-central-1: ")


def test_where_the_regions_coincide_a_plan_makes_no_more_calls(moved):
    cloud = Watched(moved.cloud)

    read_for_plan((policy(regions=ELSEWHERE),), watching(moved, cloud), ELSEWHERE)

    assert cloud.listed == ["eu-central-1", "eu-west-1"]


class Asked:
    """A cloud that remembers which sources it was asked for."""

    def __init__(self, cloud):
        self._cloud, self.asked = cloud, []

    def __getattr__(self, name):
        return getattr(self._cloud, name)

    def sources(self, protect, region, tags):
        self.asked.append((protect.value, region, dict(tags)))
        return self._cloud.sources(protect, region, tags)


@pytest.mark.parametrize(
    ("selects", "question"),
    [
        ([{"Backup": ("yes",)}], {"Backup": ("yes",)}),
        ([{"Tier": ("db",)}, {"Tier": ("web", "db")}], {"Tier": ("db", "web")}),
        ([{"Tier": ("db",), "Env": ("prod",)}, {"Env": ("*",)}], {"Env": ("prod", "*")}),
        ([{"Tier": ("db",)}, {"Env": ("prod",)}], {}),
        ([{"Tier": ("db",)}, {}], {}),
    ],
)
def test_sources_of_a_sort_are_listed_once_whatever_the_number_of_policies(world, selects, question):
    world.cloud = Asked(world.cloud)
    several = [policy(f"p{n}", select=Selector(tags=tags)) for n, tags in enumerate(selects)]

    read_inventory([*several, MACHINES], world.desk)

    assert world.cloud.asked == [
        ("volumes", "eu-west-1", question),
        ("instances", "eu-west-1", {"Backup": ("*",)}),
    ]
