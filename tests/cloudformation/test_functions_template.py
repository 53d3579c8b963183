"""cloudformation/functions.yaml: what wakes the functions, where the lost goes, and when somebody is told."""

from __future__ import annotations

import json

import pytest
import yaml
from cloudformation.deployments import EVERYTHING, LEAST
from cloudformation.reading import FOLDER, Deployment, read

from dr.deploy.package import CONFIG
from dr.events import _SETTLED, read_change, read_tick
from dr.functions.metrics import DIMENSION, NAMESPACE

TEMPLATE = read("functions.yaml")
WHOLE = Deployment(template=TEMPLATE, given=EVERYTHING)
ALONE = Deployment(template=TEMPLATE, given=LEAST)
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:dr-acme-dead-letters"


def of_type(deployment, kind):
    rows = deployment.resources.items()
    return {name: row["Properties"] for name, row in rows if row["Type"] == f"AWS::{kind}"}


# --- the functions --------------------------------------------------------------------------------------------------


def test_five_functions_have_the_names_handlers_and_roles_of_their_kind():
    functions = of_type(WHOLE, "Lambda::Function")

    assert set(functions) == {
        f"{kind}Function" for kind in ("Tick", "Changed", "Restore", "Shards", "Summary")
    }
    for name, row in functions.items():
        kind = name.removesuffix("Function").lower()
        assert (row["FunctionName"], row["Handler"]) == (f"dr-acme-{kind}", f"handlers.{kind}.handler")
        assert row["Role"] == f"arn:aws:iam::123456789012:role/dr/acme/dr-acme-{kind}-eu-west-1"


def test_functions_find_dr_yaml_in_their_package_and_run_as_long_as_lambda_lets_them():
    for row in of_type(WHOLE, "Lambda::Function").values():
        assert row["Environment"]["Variables"] == {"DR_CONFIG": f"/var/task/{CONFIG}"}
        assert (row["Timeout"], row["MemorySize"], row["Runtime"]) == (900, 512, "python3.13")
        assert row["Code"] == {"S3Bucket": "acme-packages", "S3Key": "acme/0123.zip"}
        assert "0" * 64 in row["Description"]
        assert "ReservedConcurrentExecutions" not in row


def test_what_fans_out_is_there_when_it_does():
    fanning = {
        "ShardsFunction",
        "SummaryFunction",
        "StateMachine",
        "StateMachineRole",
        "ShardsFailed",
        "RunLogs",
    }

    assert fanning <= WHOLE.resources.keys()
    assert {*fanning, "ShardsRole", "SummaryRole"} & ALONE.resources.keys() == set()


# --- what wakes them ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("deployment", "woken"), [(ALONE, "lambda:eu-west-1:123456789012:function:dr-acme-tick"),
                              (WHOLE, "states:eu-west-1:123456789012:stateMachine:dr-acme")]
)  # fmt: skip
def test_the_sweep_wakes_the_tick_or_the_run_over_all_every_quarter_of_an_hour(deployment, woken):
    sweep = deployment.properties("SweepSchedule")

    assert sweep["ScheduleExpression"] == "rate(15 minutes)"
    assert sweep["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert sweep["Target"]["Arn"] == f"arn:aws:{woken}"
    assert sweep["Target"]["DeadLetterConfig"] == {"Arn": QUEUE}
    assert sweep["Target"]["RetryPolicy"] == {"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 900}


def test_what_a_schedule_says_is_an_event_that_the_tick_takes():
    sent = json.loads(WHOLE.properties("SweepSchedule")["Target"]["Input"])

    assert sent == {"scheduled": "<aws.scheduler.scheduled-time>"}
    assert read_tick(sent).scheduled == sent["scheduled"]


@pytest.mark.parametrize("deployment", [ALONE, WHOLE])
def test_the_scheduler_may_wake_its_target_and_keep_the_lost_and_nothing_else(deployment):
    rows = [row for document in deployment.policies("SchedulerRole") for row in document["Statement"]]

    woken = deployment.properties("SweepSchedule")["Target"]["Arn"]
    verb = "states:StartExecution" if "states" in woken else "lambda:InvokeFunction"
    assert {row["Action"]: row["Resource"] for row in rows} == {verb: woken, "sqs:SendMessage": QUEUE}


def test_the_scheduler_is_trusted_for_the_groups_schedules_only():
    (row,) = WHOLE.properties("SchedulerRole")["AssumeRolePolicyDocument"]["Statement"]

    group = "arn:aws:scheduler:eu-west-1:123456789012:schedule-group/dr-acme"
    assert row["Condition"]["StringEquals"] == {"aws:SourceAccount": "123456789012", "aws:SourceArn": group}
    assert WHOLE.properties("SweepSchedule")["GroupName"] == "ScheduleGroup"


@pytest.mark.parametrize("rule", ["ChangeRule", "MemberChangeRule"])
def test_a_rule_sends_the_changes_that_the_function_captures(rule):
    pattern = WHOLE.properties(rule)["EventPattern"]
    event = {
        "source": pattern["source"][0],
        "detail-type": pattern["detail-type"][0],
        "account": "123456789012",
        "region": "eu-west-1",
        "time": "2026-11-29T10:00:00Z",
        "detail": {
            "stack-id": "arn:aws:cloudformation:eu-west-1:123456789012:stack/app/1",
            "status-details": {"status": pattern["detail"]["status-details"]["status"][0]},
        },
    }

    assert read_change(event).settled
    assert tuple(pattern["detail"]["status-details"]["status"]) == _SETTLED


@pytest.mark.parametrize("rule", ["ChangeRule", "MemberChangeRule"])
def test_a_rule_tries_again_for_an_hour_and_keeps_what_it_could_not_send(rule):
    (target,) = WHOLE.properties(rule)["Targets"]

    assert target["Arn"].endswith(":function:dr-acme-changed")
    assert target["RetryPolicy"] == {"MaximumRetryAttempts": 8, "MaximumEventAgeInSeconds": 3600}
    assert target["DeadLetterConfig"] == {"Arn": QUEUE}


def test_the_queue_takes_the_lost_of_the_two_rules_only():
    rows = ALONE.properties("DeadLettersPolicy")["PolicyDocument"]["Statement"]
    (row,) = [row for row in rows if row["Effect"] == "Allow"]
    rules = "arn:aws:events:eu-west-1:123456789012:rule"

    assert row["Condition"]["ArnEquals"]["aws:SourceArn"] == [
        f"{rules}/dr-acme-changed",
        f"{rules}/dr-acme/dr-acme-changed",
    ]


def test_an_event_that_failed_twice_ends_in_the_queue_and_a_restore_is_never_tried_again():
    configs = of_type(WHOLE, "Lambda::EventInvokeConfig")

    for name in ("TickInvoked", "ChangedInvoked"):
        assert configs[name]["MaximumRetryAttempts"] == 1
        assert configs[name]["DestinationConfig"] == {"OnFailure": {"Destination": QUEUE}}
    assert configs["RestoreInvoked"] == {
        "FunctionName": "RestoreFunction",
        "Qualifier": "$LATEST",
        "MaximumRetryAttempts": 0,
    }


# --- from other accounts --------------------------------------------------------------------------------------------


def put(deployment):
    return deployment.properties("MembersMayTell")["Statement"]


def test_an_organization_puts_events_of_cloudformation_and_no_others():
    statement = put(WHOLE)

    assert (statement["Principal"], statement["Action"]) == ("*", "events:PutEvents")
    assert statement["Condition"] == {
        "StringEquals": {
            "aws:PrincipalOrgID": "o-abcdefghij",
            "events:detail-type": "CloudFormation Stack Status Change",
        },
        "ForAllValues:StringEquals": {"events:source": "aws.cloudformation"},
    }


def test_without_an_organization_the_accounts_are_named_and_without_either_nobody_puts():
    given = {**EVERYTHING, "OrganizationId": ""}
    named = Deployment(template=TEMPLATE, given={**given, "MemberAccounts": "222222222222,333333333333"})

    assert put(named)["Principal"] == {"AWS": ["222222222222", "333333333333"]}
    assert "aws:PrincipalOrgID" not in put(named)["Condition"]["StringEquals"]
    assert "MembersMayTell" not in Deployment(template=TEMPLATE, given=given).resources
    assert "EventBus" in ALONE.resources, "its own account's other Regions tell it, without anybody's leave"


# --- being told -----------------------------------------------------------------------------------------------------


def test_the_silent_stop_is_told_after_the_quiet_seconds_whatever_they_are():
    """Source: CloudWatch API reference, PutMetricAlarm: a multiple of 60, and not over a day in all."""
    asked = TEMPLATE["Parameters"]["QuietSeconds"]
    for seconds in range(asked["MinValue"], asked["MaxValue"] + 1, 60):
        alarm = TEMPLATE["Resources"]["NoTick"]["Properties"]
        (period,) = (row["MetricStat"]["Period"] for row in alarm["Metrics"] if "MetricStat" in row)
        assert period == {"Ref": "QuietSeconds"}
        assert seconds * alarm["EvaluationPeriods"] == seconds <= 86_400
    assert asked["Default"] == 1800


def quiet(ticks: list[int | None]) -> bool:
    """Whether NoTick is in alarm when these are the sums of the last periods, None where there was no line at all."""
    alarm = WHOLE.properties("NoTick")
    succeeded, filled = alarm["Metrics"]
    assert (succeeded["ReturnData"], filled["Expression"]) == (False, "FILL(succeeded, 0)")
    assert (succeeded["MetricStat"]["Stat"], alarm["ComparisonOperator"]) == ("Sum", "LessThanThreshold")
    recent = [0 if tick is None else tick for tick in ticks][-alarm["EvaluationPeriods"] :]
    return all(tick < alarm["Threshold"] for tick in recent)


@pytest.mark.parametrize(
    ("ticks", "told"),
    [([2, 2], False), ([2, 1], False), ([2, 0], True), ([2, None], True), ([None, None], True)],
    ids=["as always", "half as often", "all failed", "stopped just now", "never came"],
)
def test_with_ticks_stopped_the_alarm_fires_in_one_period(ticks, told):
    """Without FILL the evaluation range goes back to the last data that there is, and the alarm comes hours later."""
    assert quiet(ticks) is told
    assert WHOLE.properties("NoTick")["TreatMissingData"] == "breaching"


def metric_of(alarm):
    stat = next(
        (row["MetricStat"]["Metric"] for row in alarm.get("Metrics", ()) if "MetricStat" in row), alarm
    )
    return stat["Namespace"], stat["MetricName"], [(row["Name"], row["Value"]) for row in stat["Dimensions"]]


def test_every_alarm_is_about_a_metric_that_somebody_writes():
    found = {name: metric_of(alarm) for name, alarm in of_type(WHOLE, "CloudWatch::Alarm").items()}

    ours = [(DIMENSION, "acme")]
    machine = "arn:aws:states:eu-west-1:123456789012:stateMachine:dr-acme"
    assert found == {
        "NoTick": (NAMESPACE, "TickSucceeded", ours),
        "CapturesFailed": (NAMESPACE, "CapturesFailed", ours),
        "RpoBreached": (NAMESPACE, "RpoBreaches", ours),
        "DeadLettersFound": (
            "AWS/SQS",
            "ApproximateNumberOfMessagesVisible",
            [("QueueName", "dr-acme-dead-letters")],
        ),
        "ShardsFailed": ("AWS/States", "ExecutionsFailed", [("StateMachineArn", machine)]),
    }


def test_every_alarm_is_told_to_the_topic_when_it_comes_and_when_it_goes():
    topic = ["arn:aws:sns:eu-west-1:123456789012:dr-acme-alarms"]
    for name, alarm in of_type(WHOLE, "CloudWatch::Alarm").items():
        assert (alarm["AlarmActions"], alarm["OKActions"]) == (topic, topic), name
        assert alarm["AlarmName"].startswith("dr-acme-"), name


def test_cloudwatch_may_use_the_topic_and_its_key_for_this_account():
    (row,) = WHOLE.properties("AlarmTopicPolicy")["PolicyDocument"]["Statement"]
    keys = {row["Sid"]: row for row in WHOLE.properties("Key")["KeyPolicy"]["Statement"]}

    account = {"aws:SourceAccount": "123456789012"}
    assert (row["Condition"]["StringEquals"], keys["AlarmsAreTold"]["Condition"]["StringEquals"]) == (
        account,
        account,
    )
    assert set(keys["AlarmsAreTold"]["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey*"}


def test_the_key_keeps_the_log_groups_of_this_installation():
    keys = {row["Sid"]: row for row in WHOLE.properties("Key")["KeyPolicy"]["Statement"]}
    named = keys["LogsAreKept"]["Condition"]["ArnEquals"]["kms:EncryptionContext:aws:logs:arn"]

    groups = {row["LogGroupName"] for row in of_type(WHOLE, "Logs::LogGroup").values()}
    assert {arn.split(":log-group:")[1] for arn in named} == groups
    assert all(row["RetentionInDays"] == "90" for row in of_type(WHOLE, "Logs::LogGroup").values())


def test_who_is_to_be_told_by_mail_is():
    assert WHOLE.properties("AlarmMail")["Endpoint"] == "oncall@example.com"
    assert "AlarmMail" not in ALONE.resources


# --- the file -------------------------------------------------------------------------------------------------------


def test_the_template_can_be_sent_as_it_is():
    """With room for the schedules of policies. Source: CloudFormation user guide, quotas: 51,200 bytes in a request."""
    assert (FOLDER / "functions.yaml").stat().st_size < 50_000


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("StorePrefix", "a*"),
        ("StorePrefix", "a/"),
        ("StoreBucket", "a*b"),
        ("Installation", "a:b"),
        ("MemberRole", "*"),
    ],
)
def test_what_would_be_a_pattern_of_iam_is_no_parameter(parameter, value):
    with pytest.raises(AssertionError, match=f"{parameter} may not be"):
        assert Deployment(template=TEMPLATE, given={**EVERYTHING, parameter: value}).resources


def test_no_alias_stands_in_a_template():
    """CloudFormation reads none. Source: CloudFormation user guide, template formats."""
    for path in FOLDER.glob("*.yaml"):
        assert not any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(path.read_text())), path
