"""Rules of our own over functions.yaml and member.yaml: both pass, and each rule fails when a template is broken."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cloudformation.guarding import guarded
from cloudformation.reading import FOLDER

RULES = Path(__file__).with_name("functions.guard").read_text()
NAMES = re.findall(r"^rule (\w+)", RULES, flags=re.MULTILINE)
TEMPLATES = {name: (FOLDER / name).read_text() for name in ("functions.yaml", "member.yaml")}

# rule -> what is written in a template, and what would break the rule
BREAKS = {
    "every_role_is_trusted_for_this_account_or_by_an_external_id": (
        "functions.yaml",
        "Condition: {StringEquals: {aws:SourceAccount: !Ref AWS::AccountId}}",
        'Condition: {Bool: {aws:SecureTransport: "true"}}',
    ),
    "the_scheduler_the_machine_and_the_rules_are_trusted_for_one_source": (
        "functions.yaml",
        "                aws:SourceArn: !GetAtt ScheduleGroup.Arn\n",
        "",
    ),
    "nothing_is_allowed_by_a_pattern": (
        "functions.yaml",
        "Action: lambda:InvokeFunction\n",
        'Action: "lambda:*"\n',
    ),
    "only_what_knows_no_resource_is_allowed_on_all": (
        "member.yaml",
        "Resource: !Ref EventBusArn",
        'Resource: "*"',
    ),
    "no_policy_is_aws_own": (
        "member.yaml",
        "[!Ref NeverPolicy,",
        "[arn:aws:iam::aws:policy/AdministratorAccess,",
    ),
    "nothing_wakes_the_restore_function": (
        "functions.yaml",
        "function:dr-${Installation}-tick",
        "function:dr-${Installation}-restore",
    ),
    "only_a_rule_of_this_account_invokes": (
        "functions.yaml",
        "      SourceArn: !GetAtt ChangeRule.Arn\n",
        "",
    ),
    "what_is_sent_and_lost_is_kept": ("member.yaml", "DeadLetterConfig:", "Deadletters:"),
    "the_silent_stop_is_told": ("functions.yaml", "TreatMissingData: breaching", "TreatMissingData: missing"),
    "every_alarm_is_told_and_taken_back": ("functions.yaml", "OKActions: [!Ref AlarmTopic]", "OKActions: []"),
    "logs_are_encrypted_and_end": ("functions.yaml", "      RetentionInDays: !Ref LogDays\n", ""),
    "queues_are_encrypted_and_speak_tls": (
        "member.yaml",
        "SqsManagedSseEnabled: true",
        "SqsManagedSseEnabled: false",
    ),
    "alarms_are_encrypted_and_of_this_account": ("functions.yaml", "      KmsMasterKeyId: !Ref Key\n", ""),
    "the_key_rotates_and_serves_this_account": (
        "functions.yaml",
        "EnableKeyRotation: true",
        "EnableKeyRotation: false",
    ),
}
MORE = {
    "a rule that wakes a restore": (
        "nothing_wakes_the_restore_function",
        "          Arn: !GetAtt ChangedFunction.Arn",
        "          Arn: !GetAtt RestoreFunction.Arn",
    ),
    "a permission to restore": (
        "nothing_wakes_the_restore_function",
        "FunctionName: !GetAtt ChangedFunction.Arn",
        "FunctionName: !GetAtt RestoreFunction.Arn",
    ),
    "a state machine that restores": (
        "nothing_wakes_the_restore_function",
        "${SummaryFunction.Arn}",
        "${RestoreFunction.Arn}",
    ),
    "a function whose lost events are lost": (
        "what_is_sent_and_lost_is_kept",
        "      DestinationConfig: {OnFailure: {Destination: !GetAtt DeadLetters.Arn}}\n",
        "",
    ),
    "a schedule that is tried for a day": (
        "what_is_sent_and_lost_is_kept",
        "RetryPolicy: {MaximumRetryAttempts: 2,",
        "RetryPolicy: {MaximumRetryAttempts: 185,",
    ),
    "a schedule whose lost events are lost": (
        "what_is_sent_and_lost_is_kept",
        "MaximumEventAgeInSeconds: 900}\n        DeadLetterConfig:",
        "MaximumEventAgeInSeconds: 900}\n        DeadLetters:",
    ),
    "no alarm about ticks": ("the_silent_stop_is_told", "MetricName: TickSucceeded", "MetricName: Captured"),
}
"""Further ways to break some, in functions.yaml."""


def broken(name: str, before: str, after: str) -> str:
    text = TEMPLATES[name].replace(before, after)
    assert text != TEMPLATES[name], before
    return text


@pytest.fixture(scope="module")
def verdicts():
    """Of the templates as they are, and broken in each way."""
    texts = {
        **TEMPLATES,
        **{rule: broken(*how) for rule, how in BREAKS.items()},
        **{what: broken("functions.yaml", *how[1:]) for what, how in MORE.items()},
    }
    return dict(zip(texts, guarded(RULES, texts.values()), strict=True))


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_passes_every_rule(verdicts, name):
    status, rules = verdicts[name]

    assert status == "PASS"
    assert set(rules.values()) <= {"PASS", "SKIP"}


def test_every_rule_is_about_something_in_functions_yaml(verdicts):
    assert verdicts["functions.yaml"] == ["PASS", dict.fromkeys(NAMES, "PASS")]


def test_every_rule_has_a_break():
    assert set(BREAKS) == set(NAMES)


@pytest.mark.parametrize("rule", NAMES)
def test_a_rule_fails_when_what_it_asks_for_is_broken(verdicts, rule):
    status, rules = verdicts[rule]

    assert (status, rules[rule]) == ("FAIL", "FAIL")


@pytest.mark.parametrize("what", MORE)
def test_a_rule_finds_it_in_each_place(verdicts, what):
    status, rules = verdicts[what]

    assert (status, rules[MORE[what][0]]) == ("FAIL", "FAIL")
