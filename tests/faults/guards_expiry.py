"""Guards of what may go, and when."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from importlib import import_module
from typing import Any

from faults.hooks import Guard, answers, around, here, value

_E = "dr.executor.expiries"
_P = "dr.planner.expiries"


def _pages_that_stop(call: Any, key: str, where: Any, request: Any) -> Any:
    """A listing that takes whatever ends as its end."""
    seen: set[str] = set()
    token = None
    while True:
        answer = call(**request, **({"NextToken": token} if token else {}))
        yield from answer.get(key, [])
        token = answer.get("NextToken")
        if not token or token in seen:
            return
        seen.add(token)


def _parts_first(row: Any, hands: Any, found: Any) -> Any:
    from dr.executor import expiries  # noqa: PLC0415 - as late as every hook

    for part in row.parts:
        if expiries._is_part(row, found.get(part)):
            hands.cloud.delete_snapshot(row.lineage.region, part)
    hands.cloud.deregister_image(row.lineage.region, row.point_id)
    return expiries._done(row)


def _without_captures(free: Any) -> Any:
    return lambda actions, captured, *rest: free(actions, (), *rest)


def _without_pins(look: Any) -> Any:
    return lambda *given: replace(look(*given), pins=frozenset())


def _first_error_ends_it(_: Any) -> Any:
    @contextlib.contextmanager
    def listing(self: Any, what: str, region: str, protect: Any = None) -> Any:
        yield
        self._succeeded += 1

    return listing


def _allow_any(plan: Any, number: int) -> Any:
    from dr.actions import Expire  # noqa: PLC0415 - as late as every hook

    return replace(
        plan, actions=tuple(replace(a, blocked=False) if isinstance(a, Expire) else a for a in plan.actions)
    )


GUARDS = (
    Guard(
        name="the newest good point stays",
        source="DESIGN 7, rule 1; I1",
        off=answers(f"{_P}:_staying", ()),
        test="tests/core/test_planner_expiries.py::test_i1_rule_7_1_the_newest_slot_that_is_good_stays_where_the_data_of_another_is_newer",
    ),
    Guard(
        name="held, locked, pinned and used points stay",
        source="DESIGN 7, rule 1",
        off=answers("dr.planner.shelf:Shelf.untouchable", ""),
        test="tests/core/test_planner_expiries.py::test_rule_7_1_a_point_that_is_held_locked_in_use_pending_or_a_copy_stays",
    ),
    Guard(
        name="another installation's points are foreign",
        source="DESIGN 5; I3",
        off=around(
            "dr.layout:identity",
            lambda read: lambda tags, _, *rest: read(tags, tags.get("dr:managed"), *rest),
        ),
        test="tests/contract/test_cloud_contract.py::test_i3_points_of_another_installation_are_never_returned",
    ),
    Guard(
        name="ownership is read again before a delete",
        source="FAILURES 2b, DeleteSnapshot",
        off=answers(f"{_E}:_kept", None),
        test="tests/tick/test_executor.py::test_i3_what_lost_our_tags_since_the_plan_is_not_deleted",
    ),
    Guard(
        name="pins are read again before a delete",
        source="DESIGN 7, rule 1",
        off=around(f"{_E}:_look", _without_pins),
        test="tests/tick/test_executor.py::test_rule_7_1_what_a_restore_has_pinned_since_the_plan_stays",
    ),
    Guard(
        name="what is frozen closes expiry",
        source="DESIGN 7, rule 6",
        off=answers("dr.planner:freeze_of", None),
        test="tests/core/test_planner_expiries.py::test_rule_7_6_nothing_of_a_policy_that_is_frozen_expires_whatever_the_cause",
    ),
    Guard(
        name="what is frozen is read again while a run deletes",
        source="DESIGN 7, rule 6",
        off=answers(f"{_E}:_Word.on", None),
        test="tests/tick/test_executor.py::test_rule_7_6_what_somebody_has_frozen_since_the_plan_stays",
    ),
    Guard(
        name="a store that went away in mid-run closes expiry",
        source="DESIGN 7, rules 3 and 6",
        off=around("dr.tick.applying:_frozen_now", lambda _: lambda desk: desk.records.freezes()),
        test="tests/tick/test_executor.py::test_rule_7_6_a_store_that_went_away_in_mid_run_does_not_say_that_nothing_is_frozen",
    ),
    Guard(
        name="a freeze of the replica holds too",
        source="DESIGN 7, rule 6",
        off=around("dr.store.freezing:_joined", lambda _: lambda own, _others: tuple(own)),
        test="tests/store/test_store_freezes.py::test_rule_7_6_a_freeze_holds_when_the_stores_are_swapped_and_swapped_back",
    ),
    Guard(
        name="a keep is not agreed on while it is frozen",
        source="DESIGN 7, rules 4 and 6",
        off=answers("dr.planner:unagreed_warnings", ()),
        test="tests/core/test_planner_expiries.py::test_rule_7_6_what_keep_lost_while_it_was_frozen_is_a_change_still_when_it_thaws",
    ),
    Guard(
        name="only an image's own parts go with it",
        source="FAILURES 2, row 26; I3",
        off=answers(f"{_E}:_is_part", answer=True),
        test="tests/tick/test_executor.py::test_i3_an_image_that_is_built_on_a_point_does_not_take_the_point_with_it",
    ),
    Guard(
        name="an image goes before its parts",
        source="I22",
        off=value(f"{_E}:_image", _parts_first),
        test="tests/tick/test_executor.py::test_i22_an_image_is_deregistered_before_its_own_snapshots_go",
    ),
    Guard(
        name="a failed capture closes its lineage's expiry",
        source="DESIGN 7, rule 2",
        off=around("dr.executor.run:_free", _without_captures),
        test="tests/tick/test_executor.py::test_rule_7_2_nothing_expires_in_a_lineage_whose_own_capture_fails",
    ),
    Guard(
        name="what could not be read closes expiry",
        source="DESIGN 7, rule 3; I4",
        off=answers(f"{_P}:_closed", ""),
        test="tests/core/test_planner_expiries.py::test_i4_rule_7_3_nothing_expires_where_something_could_not_be_read",
    ),
    Guard(
        name="a listing with a broken page is no listing",
        source="FAILURES 1.5, row 4",
        off=value("dr.aws.pages:pages", _pages_that_stop),
        test="tests/contract/test_aws_session.py::test_a_page_token_that_comes_twice_ends_the_listing",
    ),
    Guard(
        name="one listing that fails leaves the others",
        source="I25",
        off=around("dr.tick.inventory:_Reading._listing", _first_error_ends_it),
        test="tests/tick/test_tick.py::test_i25_a_region_that_is_denied_stops_no_other",
    ),
    Guard(
        name="a clock 5 minutes off closes expiry",
        source="DESIGN 7, rule 3; FAILURES 2, row 48",
        off=value("dr.tick.inventory:_MAX_SKEW", float("inf")),
        test="tests/tick/test_tick.py::test_rule_7_3_a_clock_that_is_off_closes_expiry",
    ),
    Guard(
        name="AWS's Date is compared with the clock",
        source="FAILURES 2, row 48",
        off=answers("dr.aws.session:Session._compare", None),
        test="tests/contract/test_aws_session.py::test_the_clock_is_compared_with_every_answer",
    ),
    Guard(
        name="a policy that selects nothing is told and fails the apply",
        source="FAILURES 2, row 49; I10",
        off=answers("dr.planner.warnings:selection_warnings", ()),
        test="tests/core/test_planner_expiries.py::test_i10_rule_7_3_a_policy_that_selects_nothing_deletes_nothing",
    ),
    Guard(
        name="a lineage loses no more than its ration",
        source="DESIGN 7, rule 4; I11",
        off=value("dr.limits:_LEAST", 10**9),
        test="tests/core/test_limits.py::test_i11_rule_7_4_the_oldest_go_first_and_the_rest_waits_for_later_ticks",
    ),
    Guard(
        name="a changed keep waits for a person's word",
        source="DESIGN 7, rule 4; I10",
        off=around(
            f"{_P}:_why_dropped",
            lambda _: lambda *__: (import_module("dr.actions").Cause.RETENTION, "switched off"),
        ),
        test="tests/core/test_limits.py::test_i11_rule_7_4_what_the_last_keep_would_have_kept_is_blocked_beyond_the_ration",
    ),
    Guard(
        name="a person's word is for an exact number",
        source="DESIGN 7, rule 4",
        off=around("dr.limits:allow_expire", lambda _: _allow_any),
        test="tests/core/test_limits.py::test_another_number_is_refused",
    ),
    Guard(
        name="what was applied is remembered",
        source="DESIGN 7, rule 4",
        off=answers("dr.tick.applying:_remember", {}),
        test="tests/tick/test_tick.py::test_the_keep_of_an_apply_is_remembered",
    ),
    Guard(
        name="a change of keep that cannot be recorded waits",
        source="DESIGN 7, rule 4; I11",
        off=answers("dr.executor.run:_unrecorded", None),
        test="tests/tick/test_tick.py::test_i11_nothing_of_a_change_goes_that_could_not_be_recorded",
    ),
    Guard(
        name="a store is not claimed by a wrong clock",
        source="DESIGN 7, rule 3; I9",
        off=answers("dr.tick.claiming:_clock_is_wrong", False),
        test="tests/tick/test_tick.py::test_i9_a_store_is_not_claimed_by_a_clock_that_is_wrong",
    ),
    Guard(
        name="pins are not cleared away by a wrong clock",
        source="DESIGN 7, rule 1; I9",
        off=here("dr.store.records:min", lambda now, _theirs: now),
        test="tests/store/test_store_records.py::test_i9_a_restore_on_a_machine_whose_clock_is_wrong_frees_nothing_of_others",
    ),
    Guard(
        name="a store younger than the points closes expiry",
        source="DESIGN 7, rule 3",
        off=answers("dr.tick.lost:lost_store", None),
        test="tests/tick/test_tick_lost_store.py::test_rule_3_nothing_expires_by_a_store_that_was_lost_and_captures_go_on",
    ),
    Guard(
        name="an Organization that does not answer closes expiry",
        source="DESIGN 7, rule 3",
        off=answers("dr.tick.inventory:_unheard", ()),
        test="tests/tick/test_tick.py::test_rule_7_3_accounts_that_nobody_tells_of_close_expiry",
    ),
    Guard(
        name="a part without its image has a day of grace",
        source="DESIGN 5",
        off=answers("dr.planner.orphans:graced", answer=False),
        test="tests/core/test_planner_expiries.py::test_a_part_of_old_data_whose_image_was_just_now_seen_to_be_gone_stays",
    ),
    Guard(
        name="pending is not good",
        source="DESIGN 7; I2",
        off=lambda: import_module("dr.aws.ec2_points")._SNAPSHOT_STATES.update(
            pending=import_module("dr.model").State.GOOD
        ),
        test="tests/core/test_aws_points.py::test_i2_only_a_completed_snapshot_is_good",
    ),
    Guard(
        name="an image is as good as its parts",
        source="FAILURES 2, row 17; I2",
        off=value("dr.aws.ec2_points:_WORST_FIRST", ()),
        test="tests/core/test_aws_points.py::test_i2_an_image_is_as_good_as_its_worst_part",
    ),
)
