"""Every correction of ministack is needed, and holds: with it the emulator does as AWS, without it it does not.

A test here that fails for `plain` is good news: ministack learned it, and the correction can go.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import probes
import probes_of_stacks
import pytest

PROBES = [
    probes.fills_the_placeholders_of_an_input,
    probes.fires_in_the_zone_of_the_schedule,
    probes.buries_what_the_target_refused,
    probes.repeats_a_function_that_failed_and_tells_its_destination,
    probes.repeats_a_function_that_a_rule_invoked_and_tells_its_destination,
    probes.refuses_an_expression_that_has_no_time,
    probes.fires_whatever_else_was_asked_for,
    probes.fires_again_when_the_time_was_changed,
    probes.runs_functions_with_the_packages_of_lambda_only,
    probes.runs_functions_in_var_task,
    probes.names_the_error_of_a_function_by_its_class,
    probes_of_stacks.keeps_the_zone_and_the_start_of_a_stacks_schedule,
    probes_of_stacks.fails_a_stack_whose_schedule_is_refused,
    probes_of_stacks.fails_a_stack_whose_code_is_missing,
    probes_of_stacks.asks_for_the_capability_to_make_roles,
    probes_of_stacks.updates_no_stack_that_is_only_under_review,
    probes_of_stacks.creates_no_stack_where_one_was_rolled_back,
    probes_of_stacks.lists_only_what_the_conditions_let_be_made,
    probes_of_stacks.reads_a_template_from_the_host_of_its_bucket,
    probes_of_stacks.has_policies_of_event_buses,
    probes_of_stacks.makes_alarms_of_metric_math,
    probes_of_stacks.knows_that_a_schedule_is_changed_in_place,
    probes_of_stacks.says_nothing_of_what_an_update_leaves_alone,
    probes_of_stacks.says_of_what_an_update_adds_that_it_is_created,
]


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.__name__)
def test_the_emulator_does_as_aws_because_it_is_corrected(aws, plain, probe):
    with ThreadPoolExecutor(2) as both:
        assert list(both.map(probe, (aws, plain))) == [True, False]
