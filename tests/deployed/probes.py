"""One question a correction: whether an emulator does here as AWS does. Each asks under a name of its own."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import deploying
from botocore.exceptions import ClientError
from emulator import ACCOUNT, REGION, Emulator

from dr.deploy.package import package

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
_ROLE = f"arn:aws:iam::{ACCOUNT}:role/any"
_LONG, _SHORT = 30.0, 4.0
"""Seconds that something is given to happen: two are usual, a busy machine takes longer, and plain it never does."""


# --- schedules --------------------------------------------------------------------------------------------------------


def fills_the_placeholders_of_an_input(aws: Emulator) -> bool:
    at = _soon(UTC)
    queue = _scheduled(aws, at, Input='{"at": "<aws.scheduler.scheduled-time>"}')
    return [json.loads(each) for each in _messages(aws, queue)] == [{"at": f"{at:%Y-%m-%dT%H:%M:%SZ}"}]


def fires_in_the_zone_of_the_schedule(aws: Emulator) -> bool:
    """Nine hours from the same time in UTC."""
    return len(_messages(aws, _scheduled(aws, _soon(ZoneInfo("Asia/Tokyo")), zone="Asia/Tokyo"))) == 1


def buries_what_the_target_refused(aws: Emulator) -> bool:
    dead = _queue(aws)
    missing = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:missing"
    policy = {"MaximumRetryAttempts": 1, "MaximumEventAgeInSeconds": 60}
    target = {"Input": '{"a": 1}', "RetryPolicy": policy, "DeadLetterConfig": {"Arn": _arn(aws, dead)}}
    _scheduled(aws, _soon(UTC), missing, **target)
    return [
        (message["Body"], message["MessageAttributes"]["RETRY_ATTEMPTS"]["StringValue"])
        for message in _waited(aws, lambda: deploying.received(aws, dead))
    ] == [('{"a": 1}', "1")]


def repeats_a_function_that_failed_and_tells_its_destination(aws: Emulator) -> bool:
    name, dead = _function(aws, "def handler(event, context): raise ValueError(event)"), _queue(aws)
    functions = aws.client("lambda")
    functions.put_function_event_invoke_config(
        FunctionName=name,
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": _arn(aws, dead)}},
    )
    _scheduled(aws, _soon(UTC), f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}")
    return [json.loads(each)["requestPayload"] for each in _messages(aws, dead)] == [{}]


def refuses_an_expression_that_has_no_time(aws: Emulator) -> bool:
    refused = _unwalkable(aws)
    _forget(aws, refused)
    return refused == "ValidationException"


def fires_whatever_else_was_asked_for(aws: Emulator) -> bool:
    made = _unwalkable(aws)
    fired = _messages(aws, _scheduled(aws, _soon(UTC)))
    _forget(aws, made)
    return len(fired) == 1


def fires_again_when_the_time_was_changed(aws: Emulator) -> bool:
    queue = _queue(aws)
    name = _schedule(aws, f"at({_soon(UTC):%Y-%m-%dT%H:%M:%S})", _arn(aws, queue))
    first = _messages(aws, queue)
    _schedule(aws, f"at({_soon(UTC):%Y-%m-%dT%H:%M:%S})", _arn(aws, queue), name=name)
    return (len(first), len(_messages(aws, queue))) == (1, 1)


# --- functions --------------------------------------------------------------------------------------------------------


def runs_functions_with_the_packages_of_lambda_only(aws: Emulator) -> bool:
    """PyYAML is one of ministack's own."""
    answer = _answer(aws, _function(aws, "import boto3\n\ndef handler(event, context):\n    import yaml\n"))
    return "No module named 'yaml'" in answer


def runs_functions_in_var_task(aws: Emulator) -> bool:
    text = "import os\n\ndef handler(event, context): return os.path.isfile(os.environ['FILE'])\n"
    return _answer(aws, _function(aws, text)) == "true"


# --- stacks -----------------------------------------------------------------------------------------------------------


def keeps_the_zone_of_a_stacks_schedule(aws: Emulator) -> bool:
    name = _stack(aws, SMALL + SCHEDULE.format(group="!Ref Group", expression="rate(1 day)"))
    scheduler = aws.client("scheduler")
    found = scheduler.list_schedules(GroupName=name)["Schedules"][0]["Name"]
    zone = scheduler.get_schedule(GroupName=name, Name=found)["ScheduleExpressionTimezone"]
    return zone == "Europe/Vienna"


def fails_a_stack_whose_schedule_is_refused(aws: Emulator) -> bool:
    return _fails(aws, SMALL + SCHEDULE.format(group="missing", expression="rate(1 day)"), "missing")


def fails_a_stack_whose_code_is_missing(aws: Emulator) -> bool:
    return _fails(aws, SMALL, "NoSuchKey", Key="missing.zip")


def asks_for_the_capability_to_make_roles(aws: Emulator) -> bool:
    return _refuses(aws, "InsufficientCapabilitiesException", "CREATE", Capabilities=[])


def updates_no_stack_that_is_only_under_review(aws: Emulator) -> bool:
    name = _name()
    deploying.change(aws, name, SMALL, _parameters(aws, name))
    return _refuses(aws, "ValidationError", "UPDATE", StackName=name)


def creates_no_stack_where_one_was_rolled_back(aws: Emulator) -> bool:
    name = _name()
    template = SMALL.replace("BusName", "Name") + "Outputs: {Lost: {Value: !GetAtt Group.Nothing}}\n"
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
    name = _name()
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
    name = _name()
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
    name = _name()
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


def says_of_what_an_update_adds_that_it_is_created(aws: Emulator) -> bool:
    name = _stack(aws, SMALL)
    before = len(deploying.events(aws, name))
    schedule = SCHEDULE.format(group="!Ref Group", expression="rate(1 day)")
    deploying.deploy(aws, name, SMALL + schedule, _parameters(aws, name))
    told = [status for resource, status in deploying.events(aws, name)[before:] if resource == "Schedule"]
    return told == ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"]


# --- how it is asked --------------------------------------------------------------------------------------------------


def _name() -> str:
    return f"probe-{uuid.uuid4().hex[:12]}"


def _soon(zone: Any) -> datetime:
    return datetime.now(zone).replace(microsecond=0) + timedelta(seconds=2)


def _waited(aws: Emulator, find: Callable[[], Any]) -> Any:
    """What is found; or what is not, when the time is over."""
    end = time.monotonic() + (_LONG if aws.corrected else _SHORT)
    while not (found := find()) and time.monotonic() < end:
        time.sleep(0.1)
    return found


def _queue(aws: Emulator) -> str:
    return aws.client("sqs").create_queue(QueueName=_name())["QueueUrl"]


def _arn(aws: Emulator, queue: str) -> str:
    found = aws.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    return found["Attributes"]["QueueArn"]


def _messages(aws: Emulator, queue: str) -> list[str]:
    return [message["Body"] for message in _waited(aws, lambda: deploying.received(aws, queue))]


def _schedule(
    aws: Emulator, expression: str, arn: str, *, name: str = "", zone: str = "UTC", **target: Any
) -> str:
    """Make a schedule, or with a name change it."""
    call = aws.client("scheduler").update_schedule if name else aws.client("scheduler").create_schedule
    made = name or _name()
    call(
        Name=made,
        ScheduleExpression=expression,
        ScheduleExpressionTimezone=zone,
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": arn, "RoleArn": _ROLE, "Input": "{}", **target},
    )
    return made


def _unwalkable(aws: Emulator) -> str:
    """Make a schedule for an hour that there is not; its name, or the code with which it is refused."""
    try:
        return _schedule(aws, "cron(0 25 * * ? *)", _arn(aws, _queue(aws)))
    except ClientError as error:
        return error.response["Error"]["Code"]


def _forget(aws: Emulator, name: str) -> None:
    """Of a schedule that may never have been made."""
    if not name.endswith("Exception"):
        aws.client("scheduler").delete_schedule(Name=name)


def _scheduled(aws: Emulator, at: datetime, arn: str = "", *, zone: str = "UTC", **target: Any) -> str:
    """A queue of its own, which a schedule fills at a time unless it has another target."""
    queue = _queue(aws)
    _schedule(aws, f"at({at:%Y-%m-%dT%H:%M:%S})", arn or _arn(aws, queue), zone=zone, **target)
    return queue


def code(aws: Emulator, text: str) -> str:
    made = package({"index.py": text.encode()})
    return deploying.upload(aws, f"{made.sha256}.zip", made.data)


def _function(aws: Emulator, text: str) -> str:
    name = _name()
    aws.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="index.handler",
        Role=_ROLE,
        Code={"S3Bucket": deploying.PACKAGES, "S3Key": code(aws, text)},
        Environment={"Variables": {"FILE": "/var/task/index.py"}},
    )
    return name


def _answer(aws: Emulator, function: str) -> str:
    return aws.client("lambda").invoke(FunctionName=function, Payload=b"{}")["Payload"].read().decode()


def _parameters(aws: Emulator, name: str) -> dict[str, str]:
    return {"Name": name, "Key": code(aws, "def handler(event, context): return 1\n")}


def _stack(aws: Emulator, template: str) -> str:
    name = _name()
    deploying.deploy(aws, name, template, _parameters(aws, name))
    return name


def _fails(aws: Emulator, template: str, why: str, **parameters: str) -> bool:
    name = _name()
    try:
        deploying.deploy(aws, name, template, _parameters(aws, name) | parameters)
    except AssertionError as error:
        return why in str(error)
    return False


def _refuses(aws: Emulator, code: str, kind: str, **given: Any) -> bool:
    """Whether a change set of this kind is refused with this code."""
    name = given.get("StackName") or _name()
    parameters: Mapping[str, str] = _parameters(aws, name)
    asked = {
        "StackName": name,
        "ChangeSetName": _name(),
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
