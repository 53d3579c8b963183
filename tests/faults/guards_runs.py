"""Guards of plans, runs, restores and the store."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from typing import Any

from faults.hooks import Guard, answers, around, value


def _always_reboots(create: Any) -> Any:
    return lambda *given, reboot, **more: create(*given, reboot=True, **more)


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


def _of_those_seen(nothing: Any) -> Any:
    return lambda empty, policies, _shards: nothing(empty, policies, [shard for _, shard in empty])


GUARDS = (
    Guard(
        name="an instance is not restarted",
        source="FAILURES 1.4",
        off=around("dr.aws.ec2_write:create_image", _always_reboots),
        test="tests/contract/test_aws_requests.py::test_an_instance_restarts_only_when_the_policy_says_so",
    ),
    Guard(
        name="a lineage that moved makes a plan stale",
        source="DESIGN 9; I16",
        off=answers("dr.planfile.revival:_World.moved", answer=False),
        test="tests/core/test_planfile_revival.py::test_i16_a_plan_is_stale_when_the_lineage_of_an_expiry_moved",
    ),
    Guard(
        name="changed policies make a plan stale",
        source="DESIGN 9; I16",
        off=answers("dr.planfile.revival:_same_ground", None),
        test="tests/core/test_planfile_revival.py::test_i16_a_plan_is_stale_when_its_ground_changed",
    ),
    Guard(
        name="a shard that hears nothing is given up",
        source="I25; docs/decisions/0011",
        off=answers("dr.tick.shards:_Watch.hears_nothing", answer=False),
        test="tests/tick/test_shards_each.py::test_i25_a_shard_that_hears_nothing_for_sixty_seconds_is_given_up_while_others_end",
    ),
    Guard(
        name="a word on a plan is held against every shard before any begins",
        source="DESIGN 9; I16; docs/decisions/0011",
        off=value("dr.tick.everywhere:with_the_word", lambda _scope, deciding, _saved, _allowed: deciding),
        test="tests/tick/test_everywhere.py::test_i16_a_saved_plan_is_refused_whole_before_any_change_where_one_region_s_expiry_moved",
    ),
    Guard(
        name="an interrupted look at many shards is no answer",
        source="docs/decisions/0011",
        off=answers("dr.tick.shards:Ran.heed", None),
        test="tests/tick/test_everywhere.py::test_who_interrupts_while_everything_is_read_gets_no_answer_of_a_part",
    ),
    Guard(
        name="a policy of which a shard was not seen may select something",
        source="DESIGN 7, rule 3; I10",
        off=around("dr.tick.merging:_nothing", _of_those_seen),
        test="tests/tick/test_merging_shards.py::test_a_policy_of_which_a_shard_was_not_seen_may_select_something_there",
    ),
    Guard(
        name="nothing begins after the deadline",
        source="FAILURES 2, row 45; I21",
        off=value("dr.executor.hands:Hands.out_of_time", property(lambda _: False)),
        test="tests/tick/test_executor.py::test_i21_a_run_without_time_leaves_the_rest_and_the_next_finishes",
    ),
    Guard(
        name="a function stops a minute before its end",
        source="FAILURES 2, row 45",
        off=value("dr.functions:_MARGIN", timedelta(0)),
        test="tests/shells/test_handlers.py::test_i21_nothing_begins_in_the_last_minute",
    ),
    Guard(
        name="a store has one installation",
        source="DESIGN 4",
        off=answers("dr.store.records:StoreRecords.claim", None),
        test="tests/store/test_store_records.py::test_a_second_claimant_is_refused_with_both_names",
    ),
    Guard(
        name="a template is what its digest says",
        source="FAILURES 2, row 42; I15",
        off=around("dr.store.vault:Vault._blob", lambda _: _any_blob),
        test="tests/store/test_store_tampering.py::test_i15_every_flipped_byte_of_a_template_is_noticed",
    ),
    Guard(
        name="a manifest stands in its own place",
        source="I15",
        off=around("dr.store.vault:Vault._identified", lambda _: _any_manifest),
        test="tests/store/test_store_tampering.py::test_i15_a_manifest_in_anothers_place_is_refused",
    ),
    Guard(
        name="a broken chain stops a restore",
        source="DESIGN 8; I15",
        off=answers("dr.store.vault:Vault._check_chain", None),
        test="tests/store/test_store_tampering.py::test_i15_a_version_that_claims_another_past_is_noticed",
    ),
    Guard(
        name="two stores that disagree stop a restore",
        source="DESIGN 8; I15",
        off=answers("dr.store.stacks:StoredStacks._agree", None),
        test="tests/store/test_store_tampering.py::test_i15_two_stores_that_disagree_about_an_older_version_stop_its_read",
    ),
    Guard(
        name="two stores agree about the newest version",
        source="DESIGN 8; I15",
        off=answers("dr.store.stacks:StoredStacks._agree_about_newest", None),
        test="tests/store/test_store_newest.py::test_i15_newest_versions_that_differ_stop_their_restore_and_are_told_at_that_of_an_older_one",
    ),
    Guard(
        name="a signature is verified",
        source="FAILURES 4.2; I15",
        off=answers("dr.store.signing:verifier", lambda body, signature: True),
        test="tests/store/test_store_signatures.py::test_i15_what_an_older_key_signed_does_not_pass_under_a_newer_one",
    ),
    Guard(
        name="what nobody signed is not believed",
        source="FAILURES 2, row 42; I15",
        off=answers("dr.store.signing:Signing.check", None),
        test="tests/store/test_store_signatures.py::test_i15_a_forged_manifest_with_a_digest_that_holds_is_refused",
    ),
    Guard(
        name="a signature is verified before the manifest is parsed",
        source="FAILURES 4.2; I15",
        off=around("dr.store.vault:Vault.opened", lambda _: _parsed_first),
        test="tests/store/test_store_signatures.py::test_i15_what_nobody_signed_is_not_parsed",
    ),
    Guard(
        name="a signed manifest stands in its own place",
        source="I15",
        off=around("dr.store.vault:Vault._identified", lambda _: _any_manifest),
        test="tests/store/test_store_signatures.py::test_i15_a_signed_manifest_that_was_moved_is_refused_by_its_identity",
    ),
    Guard(
        name="a capture verifies its own signature",
        source="docs/decisions/0008",
        off=around(
            "dr.store.signing:Signing.sign",
            lambda _: lambda self, body: self._signer.sign(sha256(body).digest()),
        ),
        test="tests/store/test_store_signatures.py::test_a_key_that_is_not_the_pinned_ones_pair_stores_nothing",
    ),
    Guard(
        name="a key that is not there is no source that is gone",
        source="FAILURES 2, row 14",
        off=around("dr.aws.kms:KmsSigner.sign", lambda _: lambda self, digest: self._sign(digest)),
        test="tests/contract/test_aws_signing.py::test_a_key_that_is_not_there_is_no_source_that_is_gone",
    ),
    Guard(
        name="the signature of an expired manifest goes with it",
        source="docs/decisions/0008",
        off=answers("dr.store.vault:Vault._sweep_signatures", None),
        test="tests/store/test_store_signatures.py::test_an_expiry_takes_the_signature_with_it",
    ),
    Guard(
        name="a signature that may yet get its manifest is not garbage",
        source="docs/decisions/0008",
        off=value("dr.store.vault:_GARBAGE_AFTER", timedelta(0)),
        test="tests/store/test_store_signatures.py::test_a_signature_without_its_manifest_goes_with_a_later_expiry_after_a_day",
    ),
    Guard(
        name="a slot that holds what nobody signed is not captured",
        source="I15",
        off=answers("dr.store.stacks:_believed", None),
        test="tests/store/test_store_signatures.py::test_a_capture_whose_slot_holds_what_nobody_signed_fails",
    ),
    Guard(
        name="verify follows every chain",
        source="I15",
        off=answers("dr.store.looking:_chain", None),
        test="tests/store/test_store_checking.py::test_i15_a_forged_version_breaks_the_chain_of_the_one_after_it",
    ),
    Guard(
        name="verify hashes templates",
        source="I15",
        off=answers("dr.store.looking:_read_templates", None),
        test="tests/store/test_store_checking.py::test_i15_the_newest_versions_templates_are_hashed_and_deep_all_of_them",
    ),
    Guard(
        name="verify holds the stores against each other",
        source="DESIGN 8; I15",
        off=answers("dr.store.checking:_compare", None),
        test="tests/store/test_store_checking.py::test_i15_a_primary_that_was_put_back_is_told",
    ),
    Guard(
        name="verify looks again before it tells a loss",
        source="I15",
        off=answers("dr.store.checking:_gone", True),
        test="tests/store/test_store_checking.py::test_a_capture_at_any_moment_is_no_tampering",
    ),
    Guard(
        name="verify plans what it calls restorable",
        source="DESIGN 9",
        off=answers("dr.verify.trying:_findings", ()),
        test="tests/restore/test_verify_stacks.py::test_an_image_that_the_template_names_and_that_is_gone_stops_it",
    ),
    Guard(
        name="a stack that exists is never touched",
        source="FAILURES 2, row 32; I13",
        off=around(
            "dr.recovery.target:to_go_on_with", lambda _: lambda plan, begun, maker: maker.live(plan.name)
        ),
        test="tests/restore/test_restore_carrying_out.py::test_i13_a_stack_of_somebody_else_is_refused_and_untouched",
    ),
    Guard(
        name="a change set that another one overtook is not waited for",
        source="FAILURES 2, row 36",
        off=answers("dr.recovery.carrying_out:_refuse_gone", None),
        test="tests/restore/test_restore_carrying_out.py::test_i13_a_change_set_that_another_one_overtook_is_not_waited_for",
    ),
    Guard(
        name="the points of a restore are pinned",
        source="DESIGN 7, rule 1",
        off=answers("dr.store.records:StoreRecords.pin", None),
        test="tests/store/test_store_records.py::test_pins_are_those_of_all_restores",
    ),
    Guard(
        name="a restore looks whether its points are still there",
        source="I14",
        off=answers("dr.recovery.carrying_out:_expired", []),
        test="tests/restore/test_restore_carrying_out.py::test_a_point_that_a_tick_expired_since_the_plan_is_refused_before_any_call",
    ),
    Guard(
        name="a restore looks twice for its points",
        source="FAILURES 1.5; I14",
        off=around(
            "dr.recovery.preparing:Looks.of_stack",
            lambda _: lambda self, stack: self.points(stack.region).points,
        ),
        test="tests/restore/test_restore_rules.py::test_i14_a_listing_that_ends_early_brings_back_no_older_data",
    ),
    Guard(
        name="expired credentials are read anew",
        source="FAILURES 2, row 6",
        off=answers("dr.aws.session:Session._forget", None),
        test="tests/contract/test_aws_session.py::test_expired_credentials_are_read_anew_for_the_next_call",
    ),
    Guard(
        name="a secret that AWS repeats is shown to nobody",
        source="I23",
        off=around("dr.stacks.restore:RestorePlan.without_secrets", lambda _: lambda self, text: text),
        test="tests/restore/test_restore_carrying_out.py::test_i23_a_secret_is_masked_in_events_reasons_and_errors",
    ),
)
