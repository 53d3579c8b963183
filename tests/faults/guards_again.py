"""Idempotency rules: doing it again is harmless."""

from __future__ import annotations

import itertools
from typing import Any

from faults.hooks import Guard, Never, answers, around, here, value

_C = "dr.executor.captures"


def _any_claimant(action: Any, hands: Any, name: str, error: Any) -> Any:
    """Whatever bears the name is taken for ours, of this slot."""
    return hands.cloud.image_named(action.lineage.region, name)


def _no_condition(put_object: Any) -> Any:
    return lambda self, key, body, condition: put_object(self, key, body, {})


def _numbered(name: Any) -> Any:
    """A name that is another one each time."""
    count = itertools.count()
    return lambda *given, **more: f"{name(*given, **more)}-{next(count)}"


def _no_lease_is_respected(acquire: Any) -> Any:
    """Whoever holds it, it is taken."""

    def take(self: Any, key: str) -> Any:
        self._store.delete(key)
        return acquire(self, key)

    return take


GUARDS = (
    Guard(
        name="a create is one attempt",
        source="FAILURES 1.1, 2b",
        off=around(
            "dr.aws.session:_config", lambda make: lambda attempts, **more: make(max(attempts, 3), **more)
        ),
        test="tests/contract/test_aws_session.py::test_a_create_is_one_attempt_and_its_lost_answer_is_ambiguous",
    ),
    Guard(
        name="tags go into the create",
        source="FAILURES 1.2, 2b",
        off=around(
            "dr.aws.ec2_write:_specification", lambda make: lambda kind, tags: make(kind, {"Name": "dr"})
        ),
        test="tests/contract/test_aws_requests.py::test_tags_go_into_the_create_call_itself",
    ),
    Guard(
        name="after a lost answer the slot is looked for",
        source="FAILURES 2, row 3",
        off=answers(f"{_C}:_look", None),
        test="tests/tick/test_executor.py::test_a_lost_answer_is_looked_after_and_makes_no_second_snapshot",
    ),
    Guard(
        name="the look waits for EC2's visibility lag",
        source="FAILURES 1.1, I19",
        off=value(f"{_C}:_VISIBILITY_LAG", 0.0),
        test="tests/tick/test_executor.py::test_i19_the_look_after_a_lost_answer_waits_for_what_ec2_shows_late",
    ),
    Guard(
        name="a throttled create is tried again",
        source="FAILURES 2, rows 1, 2",
        off=value(f"{_C}:_TRIES", 1),
        test="tests/tick/test_executor.py::test_a_capture_that_is_throttled_is_tried_again_and_made_once",
    ),
    Guard(
        name="15 seconds between two snapshots of a volume",
        source="FAILURES 2, row 7",
        off=value(f"{_C}:_LONG_WAITS", {}),
        test="tests/tick/test_executor.py::test_the_rate_of_one_volume_is_waited_for_fifteen_seconds",
    ),
    Guard(
        name="an image's name derives from its slot",
        source="FAILURES 2b, CreateImage",
        off=around("dr.layout:image_name", _numbered),
        test="tests/tick/test_tick.py::test_i7_of_two_runs_that_race_to_one_image_the_second_finds_the_first_ones",
    ),
    Guard(
        name="a taken name is success only if it is ours, of this slot",
        source="FAILURES 2, row 15",
        off=value(f"{_C}:_claimant", _any_claimant),
        test="tests/tick/test_executor.py::test_a_taken_name_is_no_success_when_what_bears_it_is_not_ours_of_this_slot",
    ),
    Guard(
        name="a delete that finds nothing is success",
        source="FAILURES 1.6, rows 21, 22",
        off=here("dr.aws.ec2_write:NotFound", Never),
        test="tests/contract/test_cloud_contract.py::test_a_deleted_snapshot_is_gone_and_deleting_it_again_is_success",
    ),
    Guard(
        name="duplicates of a slot are merged",
        source="FAILURES 1.3, I7",
        off=answers("dr.planner.merging:merged", {}),
        test="tests/core/test_planner_merging.py::test_of_two_good_points_of_a_slot_the_older_stays",
    ),
    Guard(
        name="a change set's name derives from the plan",
        source="FAILURES 2b, CreateChangeSet",
        off=around("dr.layout:change_set_name", _numbered),
        test="tests/restore/test_restore_carrying_out.py::test_i5_a_restore_killed_after_any_call_goes_on_and_ends_verified_with_one_stack",
    ),
    Guard(
        name="a change set that is there already is success",
        source="FAILURES 2, row 33",
        off=here("dr.aws.maker:Taken", Never),
        test="tests/contract/test_aws_stacks.py::test_a_change_set_that_is_there_already_under_our_name_is_used",
    ),
    Guard(
        name="one that was executed already is followed",
        source="FAILURES 2, rows 33, 36",
        off=answers("dr.aws.maker:CloudFormationMaker._already", answer=False),
        test="tests/contract/test_aws_stacks.py::test_an_execution_whose_answer_was_lost_is_followed",
    ),
    Guard(
        name="a restore is in the journal before its first call",
        source="DESIGN 8",
        off=answers("dr.store.records:StoreRecords.record_begun", None),
        test="tests/restore/test_restore_carrying_out.py::test_a_restore_that_was_executed_is_taken_up_with_its_own_points",
    ),
    Guard(
        name="conditional writes to S3",
        source="FAILURES 2b, S3",
        off=around("dr.store.s3:S3Store._put", _no_condition),
        test="tests/store/test_store_s3.py::test_a_conflict_that_another_won_is_no_success",
    ),
    Guard(
        name="conditional writes to a directory",
        source="FAILURES 2b, S3",
        off=answers("dr.store.directory:_holds", answer=True),
        test="tests/contract/test_store_contract.py::test_a_put_if_absent_leaves_what_is_there",
    ),
    Guard(
        name="a conditional write whose answer was lost is read back",
        source="FAILURES 2, row 40",
        off=answers("dr.store.s3:S3Store._settled", None),
        test="tests/store/test_store_s3.py::test_i6_a_write_whose_answer_was_lost_is_read_back",
    ),
    Guard(
        name="a lease that holds is respected",
        source="FAILURES 2b, 2c",
        off=around("dr.store.leases:StoreLeases.acquire", _no_lease_is_respected),
        test="tests/store/test_store_leases.py::test_a_held_lease_is_busy_and_names_its_owner_and_its_end",
    ),
    Guard(
        name="a lease that ran out is taken over",
        source="FAILURES 2c",
        off=answers("dr.store.leases:StoreLeases._take_over", None),
        test="tests/store/test_store_leases.py::test_a_lease_is_held_for_five_minutes_and_no_longer",
    ),
    Guard(
        name="the next attempt after a failed image has the next name",
        source="FAILURES 2, row 15; DESIGN 5",
        off=around("dr.layout:_attempt_suffix", lambda _: lambda attempt: ""),
        test="tests/tick/test_executor.py::test_a_taken_name_of_our_failed_image_leads_to_the_next_attempt",
    ),
)
