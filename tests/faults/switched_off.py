"""Guards and idempotency rules, each with the hook that takes it out of one process: of the suite, never of the product.

    python -m pytest --switch-off NAME ...      run tests without one guard: those that hold it must fail
    faults.proof                                does that for every row, and says which test failed

A hook replaces a function or a constant of the product in every module that holds it, before any test is collected.
"""

from __future__ import annotations

import contextlib
import itertools
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from importlib import import_module
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """A rule, where it is written down, how it is switched off, and the test that fails without it."""

    name: str
    source: str
    off: Callable[[], None]
    test: str


def switch_off(name: str) -> None:
    """Take one guard out of this process."""
    GUARDS[name].off()


def put(path: str, new: Any) -> None:
    """Replace `module:name` or `module:Class.name`, also where other modules have imported it by name."""
    module, _, rest = path.partition(":")
    *holders, name = rest.split(".")
    owner = import_module(module)
    for holder in holders:
        owner = getattr(owner, holder)
    old = getattr(owner, name)
    setattr(owner, name, new)
    if not holders and not isinstance(old, int | float | timedelta):
        for other in [m for n, m in sys.modules.items() if n.startswith("dr.") and m is not owner]:
            if vars(other).get(name) is old:
                setattr(other, name, new)


def _value(path: str, new: Any) -> Callable[[], None]:
    return lambda: put(path, new)


def _here(path: str, new: Any) -> Callable[[], None]:
    """Replace what this one module has imported; the others keep it."""
    module, _, name = path.partition(":")
    return lambda: setattr(import_module(module), name, new)


def _answers(path: str, answer: Any) -> Callable[[], None]:
    """Whatever it is asked, this is the answer."""
    return lambda: put(path, lambda *_, **__: answer)


def _around(path: str, change: Callable[[Any], Any]) -> Callable[[], None]:
    """Replace it by something that is made of it."""

    def off() -> None:
        module, _, rest = path.partition(":")
        found: Any = import_module(module)
        for part in rest.split("."):
            found = getattr(found, part)
        put(path, change(found))

    return off


class Never(Exception):  # noqa: N818 - it stands in the place of an error that is to be missed
    """Raised by nobody: in the place of an error that is to be missed."""


# --- hooks that need more than a line ---------------------------------------------------------------------------------


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


def _any_claimant(action: Any, hands: Any, name: str, error: Any) -> Any:
    """Whatever bears the name is taken for ours, of this slot."""
    return hands.cloud.image_named(action.lineage.region, name)


def _no_condition(put_object: Any) -> Any:
    return lambda self, key, body, condition: put_object(self, key, body, {})


def _always_reboots(create: Any) -> Any:
    return lambda *given, reboot, **more: create(*given, reboot=True, **more)


def _numbered(name: Any) -> Any:
    """A name that is another one each time."""
    count = itertools.count()
    return lambda *given, **more: f"{name(*given, **more)}-{next(count)}"


def _without_captures(expire_all: Any) -> Any:
    return lambda actions, captured, hands, note: expire_all(actions, [], hands, note)


def _without_pins(look: Any) -> Any:
    return lambda *given: replace(look(*given), pins=frozenset())


def _first_error_ends_it(_: Any) -> Any:
    @contextlib.contextmanager
    def listing(self: Any, what: str, region: str, protect: Any = None) -> Any:
        yield
        self._succeeded += 1

    return listing


def _no_lease_is_respected(acquire: Any) -> Any:
    """Whoever holds it, it is taken."""

    def take(self: Any, key: str) -> Any:
        self._store.delete(key)
        return acquire(self, key)

    return take


_E = "dr.executor.expiries"
_C = "dr.executor.captures"
_P = "dr.planner.expiries"

GUARDS = {
    guard.name: guard
    for guard in (
        # --- doing it again is harmless -----------------------------------------------------------------------------
        Guard(
            name="a create is one attempt",
            source="FAILURES 1.1, 2b",
            off=_around(
                "dr.aws.session:_config", lambda make: lambda attempts, **more: make(max(attempts, 3), **more)
            ),
            test="tests/contract/test_aws_session.py::test_a_create_is_one_attempt_and_its_lost_answer_is_ambiguous",
        ),
        Guard(
            name="tags go into the create",
            source="FAILURES 1.2, 2b",
            off=_around(
                "dr.aws.ec2_write:_specification", lambda make: lambda kind, tags: make(kind, {"Name": "dr"})
            ),
            test="tests/contract/test_aws_requests.py::test_tags_go_into_the_create_call_itself",
        ),
        Guard(
            name="after a lost answer the slot is looked for",
            source="FAILURES 2, row 3",
            off=_answers(f"{_C}:_look", None),
            test="tests/tick/test_executor.py::test_a_lost_answer_is_looked_after_and_makes_no_second_snapshot",
        ),
        Guard(
            name="the look waits for EC2's visibility lag",
            source="FAILURES 1.1, I19",
            off=_value(f"{_C}:_VISIBILITY_LAG", 0.0),
            test="tests/tick/test_executor.py::test_i19_the_look_after_a_lost_answer_waits_for_what_ec2_shows_late",
        ),
        Guard(
            name="a throttled create is tried again",
            source="FAILURES 2, rows 1, 2",
            off=_value(f"{_C}:_TRIES", 1),
            test="tests/tick/test_executor.py::test_a_capture_that_is_throttled_is_tried_again_and_made_once",
        ),
        Guard(
            name="15 seconds between two snapshots of a volume",
            source="FAILURES 2, row 7",
            off=_value(f"{_C}:_LONG_WAITS", {}),
            test="tests/tick/test_executor.py::test_the_rate_of_one_volume_is_waited_for_fifteen_seconds",
        ),
        Guard(
            name="an image's name derives from its slot",
            source="FAILURES 2b, CreateImage",
            off=_around("dr.layout:image_name", _numbered),
            test="tests/tick/test_tick.py::test_i7_of_two_runs_that_race_to_one_image_the_second_finds_the_first_ones",
        ),
        Guard(
            name="a taken name is success only if it is ours, of this slot",
            source="FAILURES 2, row 15",
            off=_value(f"{_C}:_claimant", _any_claimant),
            test="tests/tick/test_executor.py::test_a_taken_name_is_no_success_when_what_bears_it_is_not_ours_of_this_slot",
        ),
        Guard(
            name="a delete that finds nothing is success",
            source="FAILURES 1.6, rows 21, 22",
            off=_here("dr.aws.ec2_write:NotFound", Never),
            test="tests/contract/test_cloud_contract.py::test_a_deleted_snapshot_is_gone_and_deleting_it_again_is_success",
        ),
        Guard(
            name="duplicates of a slot are merged",
            source="FAILURES 1.3, I7",
            off=_answers("dr.planner.merging:merged", {}),
            test="tests/core/test_planner_merging.py::test_of_two_good_points_of_a_slot_the_older_stays",
        ),
        Guard(
            name="a change set's name derives from the plan",
            source="FAILURES 2b, CreateChangeSet",
            off=_around("dr.layout:change_set_name", _numbered),
            test="tests/restore/test_restore_carrying_out.py::test_i5_a_restore_killed_after_any_call_goes_on_and_ends_verified_with_one_stack",
        ),
        Guard(
            name="a change set that is there already is success",
            source="FAILURES 2, row 33",
            off=_here("dr.aws.maker:Taken", Never),
            test="tests/contract/test_aws_stacks.py::test_a_change_set_that_is_there_already_under_our_name_is_used",
        ),
        Guard(
            name="one that was executed already is followed",
            source="FAILURES 2, rows 33, 36",
            off=_answers("dr.aws.maker:CloudFormationMaker._already", answer=False),
            test="tests/contract/test_aws_stacks.py::test_an_execution_whose_answer_was_lost_is_followed",
        ),
        Guard(
            name="a restore is in the journal before its first call",
            source="DESIGN 8",
            off=_answers("dr.store.records:StoreRecords.record_begun", None),
            test="tests/restore/test_restore_carrying_out.py::test_a_restore_that_was_executed_is_taken_up_with_its_own_points",
        ),
        Guard(
            name="conditional writes to S3",
            source="FAILURES 2b, S3",
            off=_around("dr.store.s3:S3Store._put", _no_condition),
            test="tests/store/test_store_s3.py::test_a_conflict_that_another_won_is_no_success",
        ),
        Guard(
            name="conditional writes to a directory",
            source="FAILURES 2b, S3",
            off=_answers("dr.store.directory:_holds", answer=True),
            test="tests/contract/test_store_contract.py::test_a_put_if_absent_leaves_what_is_there",
        ),
        Guard(
            name="a conditional write whose answer was lost is read back",
            source="FAILURES 2, row 40",
            off=_answers("dr.store.s3:S3Store._settled", None),
            test="tests/store/test_store_s3.py::test_i6_a_write_whose_answer_was_lost_is_read_back",
        ),
        Guard(
            name="a lease that holds is respected",
            source="FAILURES 2b, 2c",
            off=_around("dr.store.leases:StoreLeases.acquire", _no_lease_is_respected),
            test="tests/store/test_store_leases.py::test_a_held_lease_is_busy_and_names_its_owner_and_its_end",
        ),
        Guard(
            name="a lease that ran out is taken over",
            source="FAILURES 2c",
            off=_answers("dr.store.leases:StoreLeases._take_over", None),
            test="tests/store/test_store_leases.py::test_a_lease_is_held_for_five_minutes_and_no_longer",
        ),
        Guard(
            name="the next attempt after a failed image has the next name",
            source="FAILURES 2, row 15; DESIGN 5",
            off=_around("dr.layout:_attempt_suffix", lambda _: lambda attempt: ""),
            test="tests/tick/test_executor.py::test_a_taken_name_of_our_failed_image_leads_to_the_next_attempt",
        ),
        # --- what may go --------------------------------------------------------------------------------------------
        Guard(
            name="the newest good point stays",
            source="DESIGN 7, rule 1; I1",
            off=_answers(f"{_P}:_newest", ()),
            test="tests/core/test_planner_expiries.py::test_i1_rule_7_1_the_newest_slot_that_is_good_stays_where_the_data_of_another_is_newer",
        ),
        Guard(
            name="held, locked, pinned and used points stay",
            source="DESIGN 7, rule 1",
            off=_answers("dr.planner.shelf:Shelf.untouchable", ""),
            test="tests/core/test_planner_expiries.py::test_rule_7_1_a_point_that_is_held_locked_in_use_pending_or_a_copy_stays",
        ),
        Guard(
            name="another installation's points are foreign",
            source="DESIGN 5; I3",
            off=_around(
                "dr.layout:identity",
                lambda read: lambda tags, _, *rest: read(tags, tags.get("dr:managed"), *rest),
            ),
            test="tests/contract/test_cloud_contract.py::test_i3_points_of_another_installation_are_never_returned",
        ),
        Guard(
            name="ownership is read again before a delete",
            source="FAILURES 2b, DeleteSnapshot",
            off=_answers(f"{_E}:_kept", None),
            test="tests/tick/test_executor.py::test_i3_what_lost_our_tags_since_the_plan_is_not_deleted",
        ),
        Guard(
            name="pins are read again before a delete",
            source="DESIGN 7, rule 1",
            off=_around(f"{_E}:_look", _without_pins),
            test="tests/tick/test_executor.py::test_rule_7_1_what_a_restore_has_pinned_since_the_plan_stays",
        ),
        Guard(
            name="only an image's own parts go with it",
            source="FAILURES 2, row 26; I3",
            off=_answers(f"{_E}:_is_part", answer=True),
            test="tests/tick/test_executor.py::test_i3_an_image_that_is_built_on_a_point_does_not_take_the_point_with_it",
        ),
        Guard(
            name="an image goes before its parts",
            source="I22",
            off=_value(f"{_E}:_image", _parts_first),
            test="tests/tick/test_executor.py::test_i22_an_image_is_deregistered_before_its_own_snapshots_go",
        ),
        Guard(
            name="a failed capture closes its lineage's expiry",
            source="DESIGN 7, rule 2",
            off=_around("dr.executor.run:_expire_all", _without_captures),
            test="tests/tick/test_executor.py::test_rule_7_2_nothing_expires_in_a_lineage_whose_own_capture_fails",
        ),
        Guard(
            name="what could not be read closes expiry",
            source="DESIGN 7, rule 3; I4",
            off=_answers(f"{_P}:_closed", ""),
            test="tests/core/test_planner_expiries.py::test_i4_rule_7_3_nothing_expires_where_something_could_not_be_read",
        ),
        Guard(
            name="a listing with a broken page is no listing",
            source="FAILURES 1.5, row 4",
            off=_value("dr.aws.pages:pages", _pages_that_stop),
            test="tests/contract/test_aws_session.py::test_a_page_token_that_comes_twice_ends_the_listing",
        ),
        Guard(
            name="one listing that fails leaves the others",
            source="I25",
            off=_around("dr.tick.inventory:_Reading._listing", _first_error_ends_it),
            test="tests/tick/test_tick.py::test_i25_a_region_that_is_denied_stops_no_other",
        ),
        Guard(
            name="a clock 5 minutes off closes expiry",
            source="DESIGN 7, rule 3; FAILURES 2, row 48",
            off=_value("dr.tick.inventory:_MAX_SKEW", float("inf")),
            test="tests/tick/test_tick.py::test_rule_7_3_a_clock_that_is_off_closes_expiry",
        ),
        Guard(
            name="AWS's Date is compared with the clock",
            source="FAILURES 2, row 48",
            off=_answers("dr.aws.session:Session._compare", None),
            test="tests/contract/test_aws_session.py::test_the_clock_is_compared_with_every_answer",
        ),
        Guard(
            name="a policy that selects nothing is told and fails the apply",
            source="FAILURES 2, row 49; I10",
            off=_answers("dr.planner.warnings:selection_warnings", ()),
            test="tests/core/test_planner_expiries.py::test_i10_rule_7_3_a_policy_that_selects_nothing_deletes_nothing",
        ),
        Guard(
            name="a lineage loses no more than its ration",
            source="DESIGN 7, rule 4; I11",
            off=_value("dr.limits:_LEAST", 10**9),
            test="tests/core/test_limits.py::test_i11_rule_7_4_the_oldest_go_first_and_the_rest_waits_for_later_ticks",
        ),
        Guard(
            name="a changed keep waits for a person's word",
            source="DESIGN 7, rule 4; I10",
            off=_around(
                f"{_P}:_why_dropped",
                lambda _: lambda *__: (import_module("dr.actions").Cause.RETENTION, "switched off"),
            ),
            test="tests/core/test_limits.py::test_i11_rule_7_4_what_the_last_keep_would_have_kept_is_blocked_beyond_the_ration",
        ),
        Guard(
            name="a person's word is for an exact number",
            source="DESIGN 7, rule 4",
            off=_around("dr.limits:allow_expire", lambda _: _allow_any),
            test="tests/core/test_limits.py::test_another_number_is_refused",
        ),
        Guard(
            name="what was applied is remembered",
            source="DESIGN 7, rule 4",
            off=_answers("dr.tick.applying:_remember", ()),
            test="tests/tick/test_tick.py::test_the_keep_of_an_apply_is_remembered",
        ),
        Guard(
            name="a store younger than the points closes expiry",
            source="DESIGN 7, rule 3",
            off=_answers("dr.tick.lost:lost_store", None),
            test="tests/tick/test_tick_lost_store.py::test_rule_3_nothing_expires_by_a_store_that_was_lost_and_captures_go_on",
        ),
        Guard(
            name="a part without its image has a day of grace",
            source="DESIGN 5",
            off=_answers("dr.planner.orphans:graced", answer=False),
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
            off=_value("dr.aws.ec2_points:_WORST_FIRST", ()),
            test="tests/core/test_aws_points.py::test_i2_an_image_is_as_good_as_its_worst_part",
        ),
        # --- plans, runs and restores -------------------------------------------------------------------------------
        Guard(
            name="an instance is not restarted",
            source="FAILURES 1.4",
            off=_around("dr.aws.ec2_write:create_image", _always_reboots),
            test="tests/contract/test_aws_requests.py::test_an_instance_restarts_only_when_the_policy_says_so",
        ),
        Guard(
            name="a lineage that moved makes a plan stale",
            source="DESIGN 9; I16",
            off=_answers("dr.planfile.revival:_World.moved", answer=False),
            test="tests/core/test_planfile_revival.py::test_i16_a_plan_is_stale_when_the_lineage_of_an_expiry_moved",
        ),
        Guard(
            name="changed policies make a plan stale",
            source="DESIGN 9; I16",
            off=_answers("dr.planfile.revival:_same_ground", None),
            test="tests/core/test_planfile_revival.py::test_i16_a_plan_is_stale_when_its_ground_changed",
        ),
        Guard(
            name="nothing begins after the deadline",
            source="FAILURES 2, row 45; I21",
            off=_value("dr.executor.hands:Hands.out_of_time", property(lambda _: False)),
            test="tests/tick/test_executor.py::test_i21_a_run_without_time_leaves_the_rest_and_the_next_finishes",
        ),
        Guard(
            name="a function stops a minute before its end",
            source="FAILURES 2, row 45",
            off=_value("dr.functions:_MARGIN", timedelta(0)),
            test="tests/shells/test_handlers.py::test_i21_nothing_begins_in_the_last_minute",
        ),
        Guard(
            name="a store has one installation",
            source="DESIGN 4",
            off=_answers("dr.store.records:StoreRecords.claim", None),
            test="tests/store/test_store_records.py::test_a_second_claimant_is_refused_with_both_names",
        ),
        Guard(
            name="a template is what its digest says",
            source="FAILURES 2, row 42; I15",
            off=_around("dr.store.vault:Vault._blob", lambda _: _any_blob),
            test="tests/store/test_store_tampering.py::test_i15_every_flipped_byte_of_a_template_is_noticed",
        ),
        Guard(
            name="a manifest stands in its own place",
            source="I15",
            off=_around("dr.store.vault:Vault._identified", lambda _: _any_manifest),
            test="tests/store/test_store_tampering.py::test_i15_a_manifest_in_anothers_place_is_refused",
        ),
        Guard(
            name="a broken chain stops a restore",
            source="DESIGN 8; I15",
            off=_answers("dr.store.vault:Vault._check_chain", None),
            test="tests/store/test_store_tampering.py::test_i15_a_version_that_claims_another_past_is_noticed",
        ),
        Guard(
            name="two stores that disagree stop a restore",
            source="DESIGN 8; I15",
            off=_answers("dr.store.stacks:StoredStacks._agree", None),
            test="tests/store/test_store_tampering.py::test_i15_two_stores_that_disagree_about_an_older_version_stop_its_read",
        ),
        Guard(
            name="two stores agree about the newest version",
            source="DESIGN 8; I15",
            off=_answers("dr.store.stacks:StoredStacks._agree_about_newest", None),
            test="tests/store/test_store_newest.py::test_i15_newest_versions_that_differ_stop_the_restore_of_an_older_one",
        ),
        Guard(
            name="a signature is verified",
            source="FAILURES 4.2; I15",
            off=_answers("dr.store.signing:verifier", lambda body, signature: True),
            test="tests/store/test_store_signatures.py::test_i15_what_an_older_key_signed_does_not_pass_under_a_newer_one",
        ),
        Guard(
            name="what nobody signed is not believed",
            source="FAILURES 2, row 42; I15",
            off=_answers("dr.store.signing:Signing.check", None),
            test="tests/store/test_store_signatures.py::test_i15_a_forged_manifest_with_a_digest_that_holds_is_refused",
        ),
        Guard(
            name="a signature is verified before the manifest is parsed",
            source="FAILURES 4.2; I15",
            off=_around("dr.store.vault:Vault.opened", lambda _: _parsed_first),
            test="tests/store/test_store_signatures.py::test_i15_what_nobody_signed_is_not_parsed",
        ),
        Guard(
            name="a signed manifest stands in its own place",
            source="I15",
            off=_around("dr.store.vault:Vault._identified", lambda _: _any_manifest),
            test="tests/store/test_store_signatures.py::test_i15_a_signed_manifest_that_was_moved_is_refused_by_its_identity",
        ),
        Guard(
            name="a capture verifies its own signature",
            source="docs/decisions/0008",
            off=_around(
                "dr.store.signing:Signing.sign",
                lambda _: lambda self, body: self._signer.sign(sha256(body).digest()),
            ),
            test="tests/store/test_store_signatures.py::test_a_key_that_is_not_the_pinned_ones_pair_stores_nothing",
        ),
        Guard(
            name="a key that is not there is no source that is gone",
            source="FAILURES 2, row 14",
            off=_around("dr.aws.kms:KmsSigner.sign", lambda _: lambda self, digest: self._sign(digest)),
            test="tests/contract/test_aws_signing.py::test_a_key_that_is_not_there_is_no_source_that_is_gone",
        ),
        Guard(
            name="the signature of an expired manifest goes with it",
            source="docs/decisions/0008",
            off=_answers("dr.store.vault:Vault._sweep_signatures", None),
            test="tests/store/test_store_signatures.py::test_an_expiry_takes_the_signature_with_it",
        ),
        Guard(
            name="a signature that may yet get its manifest is not garbage",
            source="docs/decisions/0008",
            off=_value("dr.store.vault:_GARBAGE_AFTER", timedelta(0)),
            test="tests/store/test_store_signatures.py::test_a_signature_without_its_manifest_goes_with_a_later_expiry_after_a_day",
        ),
        Guard(
            name="a slot that holds what nobody signed is not captured",
            source="I15",
            off=_answers("dr.store.stacks:_believed", None),
            test="tests/store/test_store_signatures.py::test_a_capture_whose_slot_holds_what_nobody_signed_fails",
        ),
        Guard(
            name="verify follows every chain",
            source="I15",
            off=_answers("dr.store.looking:_chain", None),
            test="tests/store/test_store_checking.py::test_i15_a_forged_version_breaks_the_chain_of_the_one_after_it",
        ),
        Guard(
            name="verify hashes templates",
            source="I15",
            off=_answers("dr.store.looking:_read_templates", None),
            test="tests/store/test_store_checking.py::test_i15_the_newest_versions_templates_are_hashed_and_deep_all_of_them",
        ),
        Guard(
            name="verify holds the stores against each other",
            source="DESIGN 8; I15",
            off=_answers("dr.store.checking:_compare", None),
            test="tests/store/test_store_checking.py::test_i15_a_primary_that_was_put_back_is_told",
        ),
        Guard(
            name="verify looks again before it tells a loss",
            source="I15",
            off=_answers("dr.store.checking:_gone", True),
            test="tests/store/test_store_checking.py::test_a_capture_at_any_moment_is_no_tampering",
        ),
        Guard(
            name="verify plans what it calls restorable",
            source="DESIGN 9",
            off=_answers("dr.verify.trying:_findings", ()),
            test="tests/restore/test_verify_stacks.py::test_an_image_that_the_template_names_and_that_is_gone_stops_it",
        ),
        Guard(
            name="a stack that exists is never touched",
            source="FAILURES 2, row 32; I13",
            off=_around(
                "dr.recovery.target:to_go_on_with", lambda _: lambda plan, begun, maker: maker.live(plan.name)
            ),
            test="tests/restore/test_restore_carrying_out.py::test_i13_a_stack_of_somebody_else_is_refused_and_untouched",
        ),
        Guard(
            name="the points of a restore are pinned",
            source="DESIGN 7, rule 1",
            off=_answers("dr.store.records:StoreRecords.pin", None),
            test="tests/store/test_store_records.py::test_pins_are_those_of_all_restores",
        ),
        Guard(
            name="a restore looks whether its points are still there",
            source="I14",
            off=_answers("dr.recovery.carrying_out:_expired", []),
            test="tests/restore/test_restore_carrying_out.py::test_a_point_that_a_tick_expired_since_the_plan_is_refused_before_any_call",
        ),
        Guard(
            name="a restore looks twice for its points",
            source="FAILURES 1.5; I14",
            off=_around(
                "dr.recovery.preparing:Looks.of_stack",
                lambda _: lambda self, stack: self.points(stack.region).points,
            ),
            test="tests/restore/test_restore_rules.py::test_i14_a_listing_that_ends_early_brings_back_no_older_data",
        ),
        Guard(
            name="expired credentials are read anew",
            source="FAILURES 2, row 6",
            off=_answers("dr.aws.session:Session._forget", None),
            test="tests/contract/test_aws_session.py::test_expired_credentials_are_read_anew_for_the_next_call",
        ),
        Guard(
            name="a secret that AWS repeats is shown to nobody",
            source="I23",
            off=_around("dr.stacks.restore:RestorePlan.without_secrets", lambda _: lambda self, text: text),
            test="tests/restore/test_restore_carrying_out.py::test_i23_a_secret_is_masked_in_events_reasons_and_errors",
        ),
    )
}


def _allow_any(plan: Any, number: int) -> Any:
    from dr.actions import Expire  # noqa: PLC0415 - as late as every hook

    return replace(
        plan, actions=tuple(replace(a, blocked=False) if isinstance(a, Expire) else a for a in plan.actions)
    )


def _any_blob(self: Any, digest: str, _: Any) -> bytes:
    from dr.layout import blob_key  # noqa: PLC0415 - as late as every hook

    return self._store.get(blob_key(digest)).body


def _any_manifest(self: Any, body: bytes, lineage: Any, slot: Any) -> Any:
    from dr.store.vault import open_manifest  # noqa: PLC0415 - as late as every hook

    return open_manifest(body, self._where(lineage, slot))


def _parsed_first(self: Any, body: bytes, lineage: Any, slot: Any) -> Any:
    found = self._identified(body, lineage, slot)
    self.signed(body, lineage, slot)
    return found
