"""What a trial of a version comes to, and what everything together is worth (DESIGN 9)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from policy_texts import policy

from dr.errors import CloudError, EnvironmentFailed, Fault, MissingValues, NotFound, Refused, UsageError
from dr.model import Claim, Holdings, Kind, Lineage, Protect, RecoveryPoint, Source, State
from dr.stacks.masking import without
from dr.stacks.rebirth import Finding
from dr.stacks.restore import EmptyRow
from dr.store.checking import StoresFound, VersionFound
from dr.store.looking import StoreFound
from dr.verify import Planner, faults_of_store, remembered, unstored, verified
from dr.verify.trying import as_of_an_older_version, try_version

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def version(slot=NOON, name="prod", account="1", policy="nightly"):
    return RecoveryPoint(
        id=f"stack/{account}/eu-west-1/{name}/{slot:%H}",
        kind=Kind.STACK,
        lineage=Lineage(policy=policy, account=account, region="eu-west-1", source=name),
        slot=slot,
        time=slot,
        state=State.GOOD,
    )


def plan(findings=(), empty=(), time=NOON):
    """As much of a restore's plan as a trial looks at."""
    return SimpleNamespace(findings=findings, empty=empty, stored=SimpleNamespace(time=time))


def found(level, about="", message="m"):
    return Finding(level=level, message=message, remedy="r", about=about)


def raising(error):
    def make(version, asked):
        raise error

    return make


@pytest.mark.parametrize(
    ("made", "verdict", "exits"),
    [
        (plan(), "restorable", []),
        (plan([found("warning")]), "restorable", []),
        (plan([found("error")]), "no", [4]),
        (plan([found("warning", "data")]), "data-loss", [3]),
        (plan([found("warning", "unchecked")]), None, [1]),
        (plan([found("warning", "unchecked"), found("error")]), "no", [1, 4]),
        (plan([found("warning", "unchecked"), found("warning", "data")]), None, [1, 3]),
        (plan(empty=[EmptyRow(logical_id="D", type="AWS::EC2::Volume")]), "data-loss", [3]),
    ],
)
def test_the_verdict_follows_from_the_plan(made, verdict, exits):
    trial = try_version(version(), None, lambda version, asked: made)
    assert (trial.verdict, [fault.exit for fault in trial.faults], trial.made) == (verdict, exits, True)


@pytest.mark.parametrize(
    ("error", "verdict", "code"),
    [
        (Refused("no good point"), "no", 4),
        (UsageError("restore.parameters.X: not found"), "no", 4),
        (CloudError("denied"), None, 1),
        (NotFound("in no store"), None, 1),
        (EnvironmentFailed("no network"), None, 1),
    ],
)
def test_what_stops_the_planning_is_told_with_its_words(error, verdict, code):
    trial = try_version(version(), None, raising(error))
    assert (trial.verdict, trial.made) == (verdict, False)
    assert [(fault.message, fault.exit) for fault in trial.faults] == [(error.message, code)]


def test_a_missing_value_stops_it_and_what_else_would_is_found_too():
    def make(version, asked):
        if set(asked.parameters) != {"Password", "Token"}:
            raise MissingValues("no value for Password, Token", "give it", ("Password", "Token"))
        return plan([found("error", message="an image is gone")])

    trial = try_version(version(), None, make)
    assert [(fault.message, fault.exit) for fault in trial.faults] == [
        ("no value for Password, Token", 4),
        ("an image is gone", 4),
    ]
    assert trial.verdict == "no"


def test_what_stands_in_for_a_missing_value_is_part_of_no_message():
    given = []

    def make(version, asked):
        if not asked.parameters:
            raise MissingValues("no value for Password", "give it", ("Password",))
        given.extend(asked.parameters.values())
        return plan([found("error", message=without("the next export of the index", given))])

    trial = try_version(version(), None, make)
    assert trial.faults[1].message == "the next export of the index"


def test_a_value_that_is_missing_whatever_is_given_ends_the_trial():
    trial = try_version(version(), None, raising(MissingValues("no value for X", "give it", ("X",))))
    assert (trial.verdict, [fault.message for fault in trial.faults]) == ("no", ["no value for X"])


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("AWS::EC2::Volume", "protect: volumes"),
        ("AWS::EC2::Instance", "protect: instances"),
        ("AWS::RDS::DBInstance", "dr keeps no data of this type"),
    ],
)
def test_what_comes_up_empty_says_what_would_protect_it(kind, said):
    made = plan(empty=[EmptyRow(logical_id="Net/Data", type=kind)])
    (fault,) = try_version(version(), None, lambda version, asked: made).faults
    assert fault.message == f"Net/Data ({kind}) comes up empty: there is no recovery point of its data"
    assert said in fault.remedy


def test_what_stops_an_older_version_is_worth_less_and_what_was_not_asked_stays():
    made = plan([found("error"), found("warning", "unchecked")])
    trial = as_of_an_older_version(try_version(version(), None, lambda version, asked: made))
    assert sorted(fault.exit for fault in trial.faults) == [1, 3]


# --- everything together --------------------------------------------------------------------------------------------


def stores(*versions, reachable=True, faults=()):
    store = StoreFound(name="/store", reachable=reachable, manifests=1, templates=1, faults=faults)
    names = frozenset((one.point.lineage.account, "eu-west-1", one.point.lineage.source) for one in versions)
    return StoresFound(stores=(store,), versions=versions, stacks=names)


def stored(point, *faults):
    return VersionFound(point=point, faults=faults)


class Recording:
    """Plans every version without a finding; remembers what it was asked for."""

    def __init__(self):
        self.asked = []

    def __call__(self, version, asked):
        self.asked.append((version.id, asked.at))
        return plan(time=version.slot + timedelta(minutes=1))


def together(found, make, *, deep=False, account=lambda: "1", whole=()):
    return verified(found, Planner(accounts=account, plan=make), whole, deep=deep)


VERSIONS = [version(NOON + hours * HOUR) for hours in range(3)]


def test_by_default_only_the_newest_version_is_planned_as_of_now():
    make = Recording()
    (stack,) = together(stores(*map(stored, VERSIONS)), make).stacks

    assert make.asked == [(VERSIONS[2].id, None)]
    assert [(one.point, one.planned) for one in stack.versions] == [
        (VERSIONS[2], True),
        (VERSIONS[1], False),
        (VERSIONS[0], False),
    ]


def test_deep_plans_each_version_with_the_newest_data_that_a_restore_of_it_would_take():
    make = Recording()
    together(stores(*map(stored, VERSIONS)), make, deep=True)

    before = timedelta(seconds=59)
    assert make.asked == [
        (VERSIONS[2].id, None),
        (VERSIONS[1].id, VERSIONS[2].slot + before),
        (VERSIONS[0].id, VERSIONS[1].slot + before),
    ]


def test_of_two_policies_the_newest_slot_is_the_one_that_a_restore_takes():
    make = Recording()
    rows = [version(NOON, policy="a"), version(NOON, policy="b"), version(NOON - HOUR, policy="c")]
    (stack,) = together(stores(*map(stored, rows)), make).stacks

    assert [one.point.lineage.policy for one in stack.versions] == ["b", "a", "c"]
    assert len(make.asked) == 1


def test_stacks_of_another_account_are_not_planned():
    make = Recording()
    (stack,) = together(stores(stored(version(account="2"))), make, deep=True).stacks
    assert (stack.verdict, make.asked, stack.versions[0].planned) == (None, [], False)


def test_where_aws_does_not_tell_the_account_nothing_is_planned_and_it_is_1():
    def account():
        raise EnvironmentFailed("no credentials", "log in")

    make = Recording()
    answer = together(stores(*map(stored, VERSIONS)), make, account=account)
    assert (answer.exit_code, make.asked, answer.stacks[0].verdict) == (1, [], None)
    assert answer.stacks[0].reasons[0].message == "no credentials"


@pytest.mark.parametrize(
    ("codes", "expected"), [((), 0), ((3,), 3), ((1, 3), 1), ((4, 1, 3), 4), ((3, 4), 4)]
)
@pytest.mark.parametrize("where", ["whole", "store", "version"])
def test_the_exit_code_is_the_weightiest_of_all_faults_wherever_they_are(codes, expected, where):
    faults = tuple(Fault(message=str(code), remedy="", exit=code) for code in codes)
    rows = stores(
        stored(VERSIONS[0], *(faults if where == "version" else ())),
        faults=faults if where == "store" else (),
    )
    answer = together(rows, Recording(), whole=faults if where == "whole" else ())
    assert answer.exit_code == expected


def test_an_older_version_that_would_not_restore_is_3_and_the_newest_is_4():
    def make(point, asked):
        if point is VERSIONS[0]:
            raise Refused("no good point in time")
        return plan()

    assert together(stores(*map(stored, VERSIONS)), make, deep=True).exit_code == 3
    assert together(stores(stored(VERSIONS[0])), make).exit_code == 4


# --- the installation's store ---------------------------------------------------------------------------------------


def whole(found, *, nothing=None, holder=lambda: Claim(installation="acme")):
    return [(f.exit, f.message) for f in faults_of_store(found, lambda: nothing, holder, "acme")]


def test_a_store_that_is_ours_is_no_fault():
    assert whole(stores(stored(version()))) == []


def test_a_store_that_holds_stacks_and_no_claim_is_3():
    ((code, message),) = whole(stores(stored(version())), holder=lambda: None)
    assert (code, "installation.json is missing" in message) == (3, True)


def test_a_store_that_holds_nothing_at_all_is_1():
    assert whole(stores(), nothing=EnvironmentFailed("holds nothing")) == [(1, "holds nothing")]
    assert whole(stores()) == []


def test_a_store_of_another_installation_is_4():
    ((code, message),) = whole(stores(stored(version())), holder=lambda: Claim(installation="other"))
    assert (code, "belongs to the installation 'other'" in message) == (4, True)


def test_a_claim_that_cannot_be_read_is_1():
    def holder():
        raise CloudError("cannot be read")

    assert whole(stores(stored(version())), holder=holder) == [(1, "cannot be read")]


@pytest.mark.parametrize(("error", "code"), [(CloudError("damaged"), 1), (Refused("a link"), 4)])
def test_a_pin_or_a_record_that_cannot_be_read_is_told(error, code):
    def read():
        raise error

    rows = faults_of_store(
        stores(stored(version())), raising, lambda: Claim(installation="acme"), "acme", [read]
    )
    assert [(row.exit, row.message) for row in rows] == [(code, error.message)]


def test_a_store_that_is_away_is_not_asked_again():
    assert whole(stores(reachable=False), holder=raising(AssertionError)) == []


# --- what is not stored ---------------------------------------------------------------------------------------------


def live(name, unready=""):
    return Source(id=name, protect=Protect.STACKS, account="1", region="eu-west-1", unready=unready)


def not_stored(found, sources, stack=None, names=("p*",)):
    chosen = policy(policy="nightly", protect="stacks", select=f"{{names: {list(names)}}}", keep="{last: 3}")
    return list(unstored([chosen], found, sources, stack))


def test_a_stack_that_a_policy_selects_and_of_which_nothing_is_stored_is_3_and_known_by_name():
    found = stores(stored(version()))
    rows = not_stored(found, lambda region: [live("prod"), live("pay"), live("other")])
    answer = verified(found, Planner(accounts=lambda: ["1"], plan=Recording()), (), rows, deep=False)

    assert [fault.message for fault in answer.faults] == [
        "nothing is stored of the stack pay in eu-west-1 of 1, which policy nightly selects"
    ]
    assert (answer.exit_code, answer.misses("pay"), answer.misses("other")) == (3, False, True)


def test_one_that_cannot_be_captured_now_says_why():
    (row,) = not_stored(stores(), lambda region: [live("pay", unready="the stack is UPDATE_IN_PROGRESS")])
    assert row.fault.remedy.endswith("; now the stack is UPDATE_IN_PROGRESS")


def test_one_name_narrows_what_is_not_stored():
    rows = not_stored(stores(), lambda region: [live("pay"), live("prod")], stack="pay")
    assert [row.name for row in rows] == ["pay"]


def test_a_store_that_is_away_may_hold_it():
    assert not_stored(stores(reachable=False), raising(AssertionError)) == []


def test_stacks_that_cannot_be_listed_are_1():
    def denied(region):
        raise CloudError("denied")

    assert [row.fault.exit for row in not_stored(stores(), denied)] == [1]


@pytest.mark.parametrize("error", [None, CloudError("denied"), EnvironmentFailed("away")])
def test_the_points_of_a_region_are_asked_for_once_also_when_they_are_refused(error):
    asked = []

    def ask(region):
        asked.append(region)
        if error:
            raise error
        return Holdings()

    points = remembered(ask)
    for _ in range(3):
        if error:
            with pytest.raises(type(error)):
                points("eu-west-1")
        else:
            assert points("eu-west-1") == Holdings()
    assert asked == ["eu-west-1"]
