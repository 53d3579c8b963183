"""Carrying out a plan, on a StackMaker of values and a real store: order, resuming, failing, verifying."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from fake_maker import FakeMaker, event
from restore_values import ACCOUNT, NOON, REGION, SECRET, hours, planned, point, resource, stored, version

from dr import layout
from dr.errors import Busy, CloudError, EnvironmentFailed, OutOfTime, Refused
from dr.recovery.carrying_out import Kit, carry_out, refuse_existing, rehearse, rpo
from dr.recovery.holding import held
from dr.recovery.preflight import preflight, taken_exports
from dr.recovery.target import taken_up
from dr.render.restores import restore_document, restore_text, restored_text
from dr.stacks.births import Birth
from dr.stacks.bodies import Choices
from dr.stacks.parameters import Given
from dr.stacks.rebirth import Change
from dr.stacks.restore import World, plan_restore
from dr.store.directory import DirectoryStore
from dr.store.leases import Owner, StoreLeases
from dr.store.records import StoreRecords
from dr.store.stacks import StoredStacks

CANARY = "canary-secret-7"
CREATED = ["create_change_set", "execute", "protect", "protect"]


class Clock:
    """Time that goes on when it is slept."""

    def __init__(self) -> None:
        self.at = NOON

    def now(self):
        return self.at

    def sleep(self, seconds):
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def store(tmp_path):
    return DirectoryStore(tmp_path / "store", Clock())


@pytest.fixture
def maker():
    return FakeMaker(born={"Data": ("vol-new", "snap-1")})


@pytest.fixture
def kit(store, maker):
    clock = Clock()
    stacks = StoredStacks(store, None, clock)
    stacks.write(A_STACK)
    return Kit(
        account=ACCOUNT,
        maker=maker,
        store=stacks,
        records=StoreRecords(store, clock),
        leases=StoreLeases(store, Owner(name="one"), clock),
        clock=clock,
        staging="bucket",
    )


@pytest.fixture
def plan():
    return a_plan()


A_STACK = stored(resource("Data", "vol-1"), parameters=SECRET, stack_policy="{}", termination_protection=True)


def a_plan(snapshot="snap-1", age=2, **asked):
    given = {"Password": Given(value=CANARY, origin="--parameter")}
    return planned(A_STACK, point(snapshot, "vol-1", hours(age)), **{"asked": given, **asked})


def quiet(event):
    """Nobody watches."""


def did(maker):
    return [call for call, _ in maker.calls]


def test_a_restore_creates_executes_protects_and_verifies(plan, kit, maker):
    restored = carry_out(plan, kit, quiet)
    assert restored.ok
    assert did(maker) == CREATED
    assert maker.calls[-2:] == [("protect", "{} False"), ("protect", "None True")]
    assert [row.physical_id for row in restored.data] == ["vol-new"]


def test_rpo_is_the_age_of_the_oldest_chosen_data_and_rto_the_time_since_confirmation(plan, kit):
    restored = carry_out(plan, kit, quiet)
    assert restored.rpo == 2 * 3600
    assert restored.rto == 2  # one wait between two looks


def test_rpo_of_a_restore_without_data_is_unknown():
    assert rpo(planned(stored(template="Resources: {Q: {Type: 'AWS::SQS::Queue'}}"))) is None


def test_events_are_shown_once_each_in_order(plan, kit, maker):
    maker.happened = (event("Data", "CREATE_IN_PROGRESS"), event("Data", "CREATE_COMPLETE"))
    seen = []
    carry_out(plan, kit, lambda one: seen.append(one.status))
    assert seen == ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"]


@pytest.mark.parametrize(
    "status", ["CREATE_COMPLETE", "UPDATE_COMPLETE", "ROLLBACK_COMPLETE", "DELETE_FAILED"]
)
def test_i13_a_stack_of_somebody_else_is_refused_and_untouched(plan, kit, maker, status):
    maker.add("prod", status, starter="console-1")
    with pytest.raises(Refused, match="never touches a stack that exists"):
        carry_out(plan, kit, quiet)
    assert maker.calls == []
    assert kit.records.pins() == frozenset()


def test_i13_a_change_set_of_somebody_else_in_review_is_refused(plan, kit, maker):
    maker.add("prod", "REVIEW_IN_PROGRESS")
    with pytest.raises(Refused):
        refuse_existing(plan, kit)


def test_i13_a_stack_that_a_finished_restore_made_is_refused_like_any_other(plan, kit, maker):
    carry_out(plan, kit, quiet)
    with pytest.raises(Refused, match="is there: the restore of"):
        carry_out(plan, kit, quiet)
    assert did(maker) == CREATED


@pytest.mark.parametrize("call", ["create_change_set", "execute", "events", "protect"])
def test_i5_a_restore_killed_after_any_call_goes_on_and_ends_verified_with_one_stack(plan, kit, maker, call):
    maker.dies_after = call
    with pytest.raises(KeyboardInterrupt):
        carry_out(plan, kit, quiet)
    restored = carry_out(plan, kit, quiet)
    assert restored.ok
    assert (did(maker).count("create_change_set"), did(maker).count("execute")) == (1, 1)
    assert len(maker.starters) == 1


def test_the_rto_of_a_restore_that_goes_on_counts_from_its_first_confirmation(plan, kit, maker):
    maker.dies_after = "events"
    with pytest.raises(KeyboardInterrupt):
        carry_out(plan, kit, quiet)
    kit.clock.sleep(600)
    assert carry_out(plan, kit, quiet).rto >= 600


def test_pins_outlive_a_kill_and_end_with_the_restore(plan, kit, maker):
    maker.dies_after = "execute"
    with pytest.raises(KeyboardInterrupt):
        carry_out(plan, kit, quiet)
    assert kit.records.pins() == frozenset(plan.pins)
    carry_out(plan, kit, quiet)
    assert kit.records.pins() == frozenset()


def test_a_restore_that_was_executed_is_taken_up_with_its_own_points(plan, kit, maker):
    maker.dies_after = "execute"
    with pytest.raises(KeyboardInterrupt):
        carry_out(plan, kit, quiet)
    begun = taken_up("prod", None, kit.records.begun(ACCOUNT, REGION, "prod"), maker)
    assert begun is not None
    assert (begun.at, set(begun.points)) == (NOON, {"stack/prod", "snap-1"})


def test_a_restore_asked_for_with_another_at_is_not_taken_up(plan, kit, maker):
    maker.dies_after = "execute"
    with pytest.raises(KeyboardInterrupt):
        carry_out(plan, kit, quiet)
    journal = kit.records.begun(ACCOUNT, REGION, "prod")
    assert taken_up("prod", hours(5), journal, maker) is None


def test_a_change_set_that_was_not_executed_gives_way_to_newer_points(plan, kit, maker):
    maker.dies_after = "create_change_set"
    with pytest.raises(KeyboardInterrupt):
        carry_out(plan, kit, quiet)
    assert taken_up("prod", None, kit.records.begun(ACCOUNT, REGION, "prod"), maker) is None
    maker.born["Data"] = ("vol-new", "snap-2")
    restored = carry_out(a_plan("snap-2", age=1), kit, quiet)
    assert restored.ok
    assert len(maker.starters) == 1


def test_a_stack_that_an_unfinished_restore_with_other_choices_made_is_refused(plan, kit, maker):
    maker.dies_after = "execute"
    with pytest.raises(KeyboardInterrupt):
        carry_out(plan, kit, quiet)
    with pytest.raises(Refused, match="other choices"):
        carry_out(a_plan("snap-2", age=1), kit, quiet)


def test_a_change_set_that_cloudformation_refuses_is_told_with_its_reason(plan, kit, maker):
    maker.change_set_fails = "Parameter Size must be a number"
    with pytest.raises(CloudError, match="Parameter Size must be a number"):
        carry_out(plan, kit, quiet)
    assert did(maker) == ["create_change_set"]


@pytest.mark.parametrize("left", ["OBSOLETE", "gone"])
def test_i13_a_change_set_that_another_one_overtook_is_not_waited_for(plan, kit, maker, left):
    """CloudFormation ends a stack's other change sets when one of them is executed: obsolete, or gone."""
    maker.overtaken = left
    with pytest.raises(Refused, match="CREATE_IN_PROGRESS"):
        carry_out(plan, kit, quiet)
    assert did(maker) == ["create_change_set"]


def test_a_change_set_that_is_gone_with_its_stack_is_waited_for_a_minute(plan, kit, maker):
    maker.overtaken = "deleted"
    with pytest.raises(CloudError, match="is gone"):
        carry_out(plan, kit, quiet)
    assert timedelta(seconds=60) <= kit.clock.now() - NOON < timedelta(seconds=90)


def test_after_a_failed_change_set_the_same_restore_makes_another_one(plan, kit, maker):
    maker.change_set_fails = "the SSM parameter is missing"
    with pytest.raises(CloudError):
        carry_out(plan, kit, quiet)
    assert carry_out(plan, kit, quiet).ok
    names = [new.token for new in maker.asked_for]
    assert names == [layout.change_set_name(plan.id), layout.change_set_name(plan.id) + "-a2"]


def failed(maker):
    maker.ends_as = "CREATE_FAILED"
    maker.happened = (
        event("Web", "CREATE_FAILED", "Resource creation cancelled"),
        event("Data", "CREATE_FAILED", "The volume quota is used up"),
        event("prod", "CREATE_FAILED", "The following resource(s) failed", kind="AWS::CloudFormation::Stack"),
    )


def test_a_stack_that_failed_is_told_with_the_first_cause_and_nothing_is_measured(plan, kit, maker):
    failed(maker)
    restored = carry_out(plan, kit, quiet)
    assert (restored.ok, restored.status, restored.rpo, restored.rto) == (False, "CREATE_FAILED", None, None)
    assert restored.reason == "Data (AWS::EC2::Volume): The volume quota is used up"
    assert "protect" not in did(maker)


def test_the_points_of_a_failed_restore_stay_pinned_for_the_next_try(plan, kit, maker):
    failed(maker)
    carry_out(plan, kit, quiet)
    assert kit.records.pins() == frozenset(plan.pins)


def test_after_the_failed_stack_is_deleted_the_same_restore_begins_anew_with_another_token(plan, kit, maker):
    failed(maker)
    carry_out(plan, kit, quiet)
    maker.stacks.clear()
    maker.change_sets.clear()
    maker.ends_as, maker.happened = "CREATE_COMPLETE", ()
    assert carry_out(plan, kit, quiet).ok
    assert len({token for call, token in maker.calls if call == "execute"}) == 2


def test_a_volume_that_was_not_born_from_the_chosen_point_fails_the_restore(plan, kit, maker):
    maker.born["Data"] = ("vol-new", "snap-other")
    restored = carry_out(plan, kit, quiet)
    assert (restored.status, restored.ok) == ("CREATE_COMPLETE", False)
    assert [(row.verified, row.found) for row in restored.data] == [(False, "snap-other")]


def test_a_resource_that_the_new_stack_lacks_fails_the_restore(plan, kit, maker):
    maker.born.clear()
    restored = carry_out(plan, kit, quiet)
    assert [(row.physical_id, row.verified) for row in restored.data] == [(None, False)]


def test_two_restores_to_one_name_do_not_run_at_once(plan, kit, store):
    other = StoreLeases(store, Owner(name="two"), kit.clock)
    other.acquire(layout.restore_lease_key(ACCOUNT, REGION, "prod"))
    with pytest.raises(Busy, match="two"):
        carry_out(plan, kit, quiet)


def test_i21_when_the_time_is_up_it_stops_waiting_and_the_next_call_goes_on(plan, kit, maker):
    with pytest.raises(OutOfTime):
        carry_out(plan, replace(kit, stop_at=NOON + timedelta(seconds=1)), quiet)
    assert carry_out(plan, kit, quiet).ok
    assert did(maker).count("execute") == 1


def test_i23_a_secret_is_masked_in_events_reasons_and_errors(plan, kit, maker):
    maker.ends_as = "CREATE_FAILED"
    maker.happened = (event("Data", "CREATE_FAILED", f"{CANARY} is too short"),)
    seen = []
    restored = carry_out(plan, kit, lambda one: seen.append(one.reason))
    assert seen == ["**** is too short"]
    assert restored.reason == "Data (AWS::EC2::Volume): **** is too short"


def test_i23_a_secret_is_masked_in_the_refusal_of_a_change_set(plan, kit, maker):
    maker.change_set_fails = f"{CANARY} is too short"
    with pytest.raises(CloudError) as caught:
        carry_out(plan, kit, quiet)
    assert CANARY not in f"{caught.value} {caught.value.message} {caught.value.remedy}"
    assert "****" in caught.value.message


def test_i23_a_secret_reaches_cloudformation_and_neither_the_store_nor_any_text_of_the_plan(
    plan, kit, maker, tmp_path
):
    maker.dies_after = "execute"
    with pytest.raises(KeyboardInterrupt):
        carry_out(plan, kit, quiet)
    assert maker.asked_for[0].parameters == {"Password": CANARY}
    written = b"".join(path.read_bytes() for path in (tmp_path / "store").rglob("*") if path.is_file())
    assert b"snap-1" in written
    assert CANARY.encode() not in written
    assert CANARY not in repr(plan)


def test_a_large_or_nested_template_without_a_bucket_is_refused_before_any_call(plan, kit, maker):
    with pytest.raises(Refused, match="no staging bucket"):
        carry_out(replace(plan, staged=("Resources: {}",)), replace(kit, staging=None), quiet)
    assert maker.calls == []


def test_nested_templates_are_staged_before_the_change_set(plan, kit, maker):
    carry_out(replace(plan, staged=("Resources: {}",)), kit, quiet)
    assert did(maker) == ["stage", *CREATED]


def test_the_journal_says_what_was_begun(plan, kit, maker, tmp_path):
    carry_out(plan, kit, quiet)
    journal = json.loads((tmp_path / "store" / layout.journal_key(ACCOUNT, REGION, "prod")).read_text())
    assert (journal["plan"], journal["ended"], journal["points"]) == (plan.id, True, list(plan.pins))


@pytest.mark.parametrize("what", ["stack policy", "termination protection"])
def test_a_protection_that_is_denied_is_a_finding_of_a_verified_restore(plan, kit, maker, what):
    maker.denied = {what}
    restored = carry_out(plan, kit, quiet)
    assert (restored.ok, restored.holds, restored.rpo, restored.rto) == (False, True, 7200, 2)
    assert [row.verified for row in restored.data] == [True]
    assert [f.message for f in restored.findings] == [
        f"the {what} of prod could not be set: no permission for {what}"
    ]
    assert did(maker).count("protect") == 1  # the other one was set


def test_a_restore_whose_protection_was_denied_sets_it_when_it_is_run_again(plan, kit, maker):
    maker.denied = {"stack policy"}
    first = carry_out(plan, kit, quiet)
    assert first.findings[0].remedy.startswith("allow it; run the same restore again")
    journal = kit.records.begun(ACCOUNT, REGION, "prod")
    assert (journal.ended, kit.records.pins()) == (False, frozenset(plan.pins))
    maker.denied = set()
    assert carry_out(plan, kit, quiet).ok
    assert ("protect", "{} False") in maker.calls
    assert did(maker).count("execute") == 1
    journal = kit.records.begun(ACCOUNT, REGION, "prod")
    assert (journal.ended, kit.records.pins()) == (True, frozenset())


def test_a_denied_protection_is_in_the_document_and_in_the_text(plan, kit, maker):
    maker.denied = {"stack policy"}
    restored = carry_out(plan, kit, quiet)
    document = restore_document(plan, restored)
    assert (document["result"], document["rpo"]) == ("failed", 7200)
    assert document["findings"][-1]["level"] == "error"
    assert document["stacks"][0]["data"][0]["verified"] is True
    text = restored_text(restored)
    assert "Stack prod is back, verified." in text
    assert "no permission for stack policy" in text


def test_data_that_does_not_hold_and_a_denied_protection_are_both_told(plan, kit, maker):
    maker.born["Data"], maker.denied = ("vol-new", "snap-other"), {"stack policy"}
    restored = carry_out(plan, kit, quiet)
    told = [finding["message"] for finding in restore_document(plan, restored)["findings"]]
    assert told == [
        "EC2 does not show the chosen points behind Data",
        "the stack policy of prod could not be set: no permission for stack policy",
    ]


def test_a_point_that_a_tick_expired_since_the_plan_is_refused_before_any_call(plan, kit, maker):
    maker.expired = {"snap-1"}
    with pytest.raises(Refused, match="since the plan was made: snap-1"):
        carry_out(plan, kit, quiet)
    assert maker.calls == []
    assert kit.records.pins() == frozenset()
    assert kit.records.begun(ACCOUNT, REGION, "prod") is None


def test_a_stack_that_was_begun_is_followed_whatever_became_of_its_points(plan, kit, maker):
    maker.dies_after = "execute"
    with pytest.raises(KeyboardInterrupt):
        carry_out(plan, kit, quiet)
    maker.expired = {"snap-1"}
    assert carry_out(plan, kit, quiet).ok


class Lease:
    """Counts its renewals; `fails` is raised by each."""

    def __init__(self, fails=None):
        self.renewals, self.fails, self.released = 0, fails, False

    def acquire(self, key):
        return self

    def renew(self):
        self.renewals += 1
        if self.fails:
            raise self.fails

    def release(self):
        self.released = True


def kept_for(lease, seconds):
    """Renew every two seconds for so long."""
    clock = Clock()
    with held(lease, "key", clock) as renew:
        while clock.now() < NOON + timedelta(seconds=seconds):
            clock.sleep(2)
            renew()


def test_a_lease_is_renewed_once_a_minute_however_often_the_stack_is_looked_at():
    lease = Lease()
    kept_for(lease, 180)
    assert (lease.renewals, lease.released) == (3, True)


@pytest.mark.parametrize("error", [CloudError("the store is slow"), EnvironmentFailed("no route")])
def test_a_store_that_fails_for_a_while_does_not_stop_the_following(error):
    lease = Lease(error)
    kept_for(lease, 180)
    assert lease.renewals == 3


def test_somebody_else_who_took_the_lease_stops_the_following():
    lease = Lease(Busy("taken"))
    with pytest.raises(Busy):
        kept_for(lease, 180)
    assert (lease.renewals, lease.released) == (1, True)


def test_capabilities_that_the_stored_stack_was_not_given_are_an_error(plan, maker):
    maker.needs = ("CAPABILITY_NAMED_IAM",)
    (found,) = preflight(replace(plan, capabilities=("CAPABILITY_IAM",)), maker)
    assert (found.level, "needs CAPABILITY_NAMED_IAM" in found.message) == ("error", True)


@pytest.mark.parametrize("needed", ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"])
def test_the_capability_for_named_roles_holds_the_plain_one(plan, maker, needed):
    maker.needs = (needed,)
    assert preflight(replace(plan, capabilities=("CAPABILITY_NAMED_IAM",)), maker) == ()


def test_a_template_too_large_to_be_sent_is_not_asked_about(plan, maker):
    maker.needs = ("CAPABILITY_IAM",)
    assert preflight(replace(plan, template="#" * 51_201), maker) == ()


def test_a_check_beforehand_that_is_denied_is_a_warning(plan, maker):
    maker.denied = {"template summary"}
    assert [found.level for found in preflight(plan, maker)] == ["warning"]


def test_ids_that_could_not_be_asked_for_are_a_warning(plan, maker):
    maker.denied = {"images"}
    assert [found.level for found in preflight(plan, maker)] == ["warning"]


def test_an_image_for_a_launch_template_that_is_gone_since_the_plan_is_refused_before_any_call(kit, maker):
    maker.expired = {"ami-donor"}
    with pytest.raises(Refused, match="no longer to be had since the plan was made: ami-donor"):
        carry_out(replace(a_plan(), donors=("ami-donor",)), kit, quiet)
    assert did(maker) == []


def test_who_loses_sight_of_the_stack_learns_that_cloudformation_goes_on(plan, kit, maker):
    maker.denied = {"events"}
    with pytest.raises(CloudError, match="stack prod, which CloudFormation goes on creating") as caught:
        carry_out(plan, kit, quiet)
    assert caught.value.remedy.endswith("run the same restore again: it follows on")
    maker.denied = set()
    assert carry_out(plan, kit, quiet).ok


def test_a_restore_that_is_asked_for_with_another_at_is_told_how_the_first_one_was_asked(plan, kit, maker):
    maker.dies_after = "execute"
    with pytest.raises(KeyboardInterrupt):
        carry_out(plan, kit, quiet)
    with pytest.raises(Refused, match=r"unfinished restore of .* made stack prod") as caught:
        carry_out(a_plan("snap-2", age=1, asked_at=NOON), kit, quiet)
    assert "go on with it: `dr restore --stack prod --region eu-west-1`, and the" in caught.value.remedy


def test_a_rehearsal_shows_what_stands_in_its_way(plan, kit, maker):
    maker.add("prod", "CREATE_COMPLETE")
    (found,) = rehearse(plan, kit).findings[len(plan.findings) :]
    assert (found.level, "stack prod exists" in found.message) == ("error", True)
    assert did(maker) == []


def test_a_changed_value_is_shown_as_json(plan):
    change = Change(
        logical_id="Web",
        path=("Resources", "Web", "Properties", "Disks"),
        old=None,
        new=[{"Ebs": {"Encrypted": True, "Iops": None}}],
        why="born from its image",
    )
    text = restore_text(replace(plan, changes=(change,)))
    assert 'Web.Disks: [{"Ebs":{"Encrypted":true,"Iops":null}}]  (born from its image)' in text


def test_i23_a_changed_value_that_holds_a_secret_is_masked(plan):
    change = Change(
        logical_id="Web", path=("Resources", "Web", "Properties", "X"), old=None, new=CANARY, why="y"
    )
    assert CANARY not in restore_text(replace(plan, changes=(change,)))


def test_the_command_that_goes_on_names_another_stack_and_the_moment_of_the_first_restore(plan, kit, maker):
    maker.dies_after = "execute"
    with pytest.raises(KeyboardInterrupt):
        carry_out(replace(a_plan(asked_at=hours(1)), name="copy"), kit, quiet)
    with pytest.raises(Refused) as caught:
        carry_out(replace(a_plan("snap-2", age=1), name="copy"), kit, quiet)
    assert "--stack prod --region eu-west-1 --as copy --at 2026-03-29T11:00:00Z`" in caught.value.remedy


class Repeats(FakeMaker):
    """AWS in an incident: each check fails, and repeats a value that it was given."""

    def validate(self, body, url):
        raise EnvironmentFailed(f"no answer about {CANARY}", f"try {CANARY}")

    def gone(self, ids):
        raise EnvironmentFailed(f"no answer about {CANARY}", f"try {CANARY}")

    def exports(self):
        raise EnvironmentFailed("no answer")


def test_i23_a_check_beforehand_repeats_no_secret_and_its_failure_is_a_warning(plan):
    found = preflight(plan, Repeats())
    assert [(one.level, one.message[-20:], one.remedy) for one in found] == [
        ("warning", "no answer about ****", "try ****")
    ] * 2


def test_i23_an_id_that_a_secret_parameter_gives_is_masked_where_it_is_gone(plan, maker):
    maker.expired = {CANARY}
    birth = Birth(logical_id="Data", type="AWS::EC2::Volume", property="SnapshotId", id=CANARY)
    (found,) = preflight(replace(plan, births=(birth,)), maker)
    assert found.message.startswith("Data: its SnapshotId **** is not there")
    assert CANARY not in found.remedy


def test_i23_a_refusal_before_the_restore_repeats_no_secret(plan, kit, maker):
    maker.add(CANARY, "CREATE_COMPLETE")
    (found,) = rehearse(replace(plan, name=CANARY), kit).findings[len(plan.findings) :]
    assert CANARY not in f"{found.message} {found.remedy}"


def test_exports_that_cannot_be_read_are_a_warning_and_no_missing_import():
    exports, (warning,) = taken_exports(Repeats())
    assert (exports, warning.level) == (None, "warning")
    stack = stored(resource("Data", "vol-1"), imports=("shared",), parameters=SECRET)
    given = {"Password": Given(value=CANARY, origin="--parameter")}
    choices = Choices(at=NOON, asked=given)
    made = plan_restore((version(stack), stack), (), choices, World(exports=exports))
    assert [one for one in made.findings if one.level == "error"] == []


def test_a_fresh_look_that_fails_does_not_stop_a_restore(plan, kit):
    deaf = Repeats(born={"Data": ("vol-new", "snap-1")})
    assert carry_out(plan, replace(kit, maker=deaf), quiet).ok


def test_a_chosen_point_that_is_gone_is_told_to_be_planned_again(plan, maker):
    maker.expired = {"snap-1"}
    (found,) = preflight(plan, maker)
    assert found.remedy.startswith("plan again")


def test_a_stored_stack_that_a_tick_expired_since_the_plan_is_refused_before_any_call(plan, kit, maker):
    kit.store.expire(plan.stored)
    with pytest.raises(Refused, match="since the plan was made: stack/prod"):
        carry_out(plan, kit, quiet)
    assert (maker.calls, kit.records.pins()) == ([], frozenset())


def test_the_reason_of_a_point_has_a_line_of_its_own(plan):
    lines = restore_text(plan).splitlines()
    at = next(number for number, line in enumerate(lines) if "<- snap-1" in line)
    assert lines[at + 1].strip() == plan.data[0].reason
    assert max(map(len, lines[at : at + 2])) <= 100
