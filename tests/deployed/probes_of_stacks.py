"""One question a correction: whether an emulator does here as CloudFormation does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asking
import deploying
from botocore.exceptions import ClientError
from emulator import REGION, Emulator

SMALL = (Path(__file__).parent / "small.yaml").read_text()
SCHEDULE = """\
  Schedule:
    Type: AWS::Scheduler::Schedule
    Properties:
      GroupName: {group}
      ScheduleExpression: {expression}
      ScheduleExpressionTimezone: Europe/Vienna
      FlexibleTimeWindow: {{Mode: "OFF"}}
      Target: {{Arn: !GetAtt Function.Arn, RoleArn: !GetAtt Role.Arn}}
"""
POLICY = """\
  Policy:
    Type: AWS::Events::EventBusPolicy
    Properties:
      EventBusName: !Ref Bus
      StatementId: organization
      Statement:
        Effect: Allow
        Principal: "*"
        Action: events:PutEvents
        Resource: !GetAtt Bus.Arn
        Condition: {StringEquals: {"aws:PrincipalOrgID": o-1}}
"""
CONDITIONAL = """\
  Queue:
    Type: AWS::SQS::Queue
    Condition: Met
"""
ALARM = """\
  Alarm:
    Type: AWS::CloudWatch::Alarm
    Properties:
      AlarmName: !Ref Name
      Metrics:
        - Id: seen
          ReturnData: false
          MetricStat:
            Metric: {Namespace: dr, MetricName: Seen, Dimensions: [{Name: installation, Value: acme}]}
            Stat: Sum
            Period: 900
        - {Id: filled, Expression: "FILL(seen, 0)"}
      EvaluationPeriods: 1
      ComparisonOperator: LessThanThreshold
      Threshold: 1
      TreatMissingData: breaching
"""


def keeps_the_zone_and_the_start_of_a_stacks_schedule(aws: Emulator) -> bool:
    schedule = SCHEDULE.format(group="!Ref Group", expression="rate(1 day)")
    name = _stack(aws, f"{SMALL}{schedule}      StartDate: '2030-01-01T00:00:00Z'\n")
    scheduler = aws.client("scheduler")
    made = scheduler.list_schedules(GroupName=name)["Schedules"][0]["Name"]
    found = scheduler.get_schedule(GroupName=name, Name=made)
    return found["ScheduleExpressionTimezone"] == "Europe/Vienna" and found["StartDate"].year == 2030


def fails_a_stack_whose_schedule_is_refused(aws: Emulator) -> bool:
    return _fails(aws, SMALL + SCHEDULE.format(group="missing", expression="rate(1 day)"), "missing")


def fails_a_stack_whose_code_is_missing(aws: Emulator) -> bool:
    return _fails(aws, SMALL, "NoSuchKey", Key="missing.zip")


def asks_for_the_capability_to_make_roles(aws: Emulator) -> bool:
    return _refuses(aws, "InsufficientCapabilitiesException", "CREATE", Capabilities=[])


def updates_no_stack_that_is_only_under_review(aws: Emulator) -> bool:
    name = asking.fresh()
    deploying.change(aws, name, SMALL, _parameters(aws, name))
    return _refuses(aws, "ValidationError", "UPDATE", StackName=name)


def creates_no_stack_where_one_was_rolled_back(aws: Emulator) -> bool:
    """It is rolled back for an output that nothing has: what else would, ministack alone makes all the same."""
    name = asking.fresh()
    template = f"{SMALL}Outputs: {{Lost: {{Value: !GetAtt Group.Nothing}}}}\n"
    try:
        deploying.deploy(aws, name, template, _parameters(aws, name))
    except AssertionError:
        return all(
            _refuses(aws, code, kind, StackName=name)
            for code, kind in (("AlreadyExistsException", "CREATE"), ("ValidationError", "UPDATE"))
        )
    raise AssertionError("the stack that was to be rolled back was made")


def lists_only_what_the_conditions_let_be_made(aws: Emulator) -> bool:
    """Nothing of the resource, then that it comes, then that it goes."""
    name = asking.fresh()
    for met, listed in (("false", None), ("true", "Add"), ("false", "Remove")):
        condition = f'Conditions: {{Met: !Equals ["{met}", "true"]}}\n'
        template = SMALL.replace("Resources:", f"{condition}Resources:") + CONDITIONAL
        described = deploying.change(aws, name, template, _parameters(aws, name))
        found = {resource: action for action, resource in deploying.changes(described)}
        if found.get("Queue") != listed:
            return False
        deploying.deploy(aws, name, template, _parameters(aws, name))
    return True


def reads_a_template_from_the_host_of_its_bucket(aws: Emulator) -> bool:
    name = asking.fresh()
    key = deploying.upload(aws, "templates/small one.yaml", SMALL.encode())
    url = f"https://{deploying.PACKAGES}.s3.{REGION}.amazonaws.com/{key.replace(' ', '%20')}"
    return not _refuses(aws, "ValidationError", "CREATE", StackName=name, TemplateBody=None, TemplateURL=url)


def has_policies_of_event_buses(aws: Emulator) -> bool:
    try:
        name = _stack(aws, SMALL + POLICY)
    except ClientError as error:
        if "Unrecognized resource types" in str(error):
            return False
        raise
    policy = aws.client("events").describe_event_bus(Name=name)["Policy"]
    deploying.deploy(aws, name, SMALL, _parameters(aws, name))
    left = aws.client("events").describe_event_bus(Name=name)
    return "aws:PrincipalOrgID" in policy and "Policy" not in left


def makes_alarms_of_metric_math(aws: Emulator) -> bool:
    name = asking.fresh()
    try:
        deploying.deploy(aws, name, SMALL + ALARM, _parameters(aws, name))
    except AssertionError as error:
        if "metric math" in str(error):
            return False
        raise
    found = aws.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return [(each["MetricName"], each["Period"], each["TreatMissingData"]) for each in found] == [
        ("Seen", 900, "breaching")
    ]


def knows_that_a_schedule_is_changed_in_place(aws: Emulator) -> bool:
    hourly, daily = (
        SMALL + SCHEDULE.format(group="!Ref Group", expression=f"rate(1 {unit})") for unit in ("hour", "day")
    )
    name = _stack(aws, hourly)
    described = deploying.change(aws, name, daily, _parameters(aws, name))
    return [each["ResourceChange"]["Replacement"] for each in described["Changes"]] == ["False"]


def says_nothing_of_what_an_update_leaves_alone(aws: Emulator) -> bool:
    name = _stack(aws, SMALL)
    before = len(deploying.events(aws, name))
    parameters = _parameters(aws, name) | {"Key": asking.code(aws, "def handler(event, context): return 2\n")}
    deploying.deploy(aws, name, SMALL, parameters)
    told = {resource for resource, _status in deploying.events(aws, name)[before:]}
    return told == {name, "Function"}


def says_of_what_an_update_adds_that_it_is_created(aws: Emulator) -> bool:
    name = _stack(aws, SMALL)
    before = len(deploying.events(aws, name))
    schedule = SCHEDULE.format(group="!Ref Group", expression="rate(1 day)")
    deploying.deploy(aws, name, SMALL + schedule, _parameters(aws, name))
    told = [status for resource, status in deploying.events(aws, name)[before:] if resource == "Schedule"]
    return told == ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"]


# --- how it is asked ---------------------------------------------------------------------------------------------------


def _parameters(aws: Emulator, name: str) -> dict[str, str]:
    return {"Name": name, "Key": asking.code(aws, "def handler(event, context): return 1\n")}


def _stack(aws: Emulator, template: str) -> str:
    name = asking.fresh()
    deploying.deploy(aws, name, template, _parameters(aws, name))
    return name


def _fails(aws: Emulator, template: str, why: str, **parameters: str) -> bool:
    name = asking.fresh()
    try:
        deploying.deploy(aws, name, template, _parameters(aws, name) | parameters)
    except AssertionError as error:
        return why in str(error)
    return False


def _refuses(aws: Emulator, code: str, kind: str, **given: Any) -> bool:
    """Whether a change set of this kind is refused with this code."""
    name = given.get("StackName") or asking.fresh()
    parameters: Mapping[str, str] = _parameters(aws, name)
    asked = {
        "StackName": name,
        "ChangeSetName": asking.fresh(),
        "ChangeSetType": kind,
        "TemplateBody": SMALL,
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        "Capabilities": deploying.CAPABILITIES,
    }
    wanted = {key: value for key, value in (asked | given).items() if value is not None}
    try:
        aws.client("cloudformation").create_change_set(**wanted)
    except ClientError as error:
        return error.response["Error"]["Code"] == code
    return False
