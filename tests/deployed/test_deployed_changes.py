"""How a deployment goes on, at the emulator: a change set, what it says, its events, an update, no changes, the end."""

from __future__ import annotations

import asking
import deploying
import probes_of_stacks
import pytest
from botocore.exceptions import WaiterError

SCHEDULE = probes_of_stacks.SCHEDULE.format(group="!Ref Group", expression="rate(1 hour)")
FIRST = probes_of_stacks.SMALL + SCHEDULE


@pytest.fixture
def code(aws):
    """Two packages, under keys of their own."""
    return [asking.code(aws, f"def handler(event, context): return {number}\n") for number in (1, 2)]


def answer(aws, name):
    return aws.client("lambda").invoke(FunctionName=name, Payload=b"{}")["Payload"].read()


def test_a_stack_is_reviewed_made_changed_left_alone_and_removed(aws, code):
    cloudformation, name = aws.client("cloudformation"), "cycle"
    parameters = {"Name": name, "Key": code[0]}
    logical = ("Role", "Function", "Bus", "Group", "Schedule")

    made = deploying.change(aws, name, FIRST, parameters)
    assert deploying.changes(made) == {("Add", each) for each in logical}
    assert cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"] == "REVIEW_IN_PROGRESS"
    deploying.deploy(aws, name, FIRST, parameters)
    told = deploying.events(aws, name)
    assert told[-1] == (name, "CREATE_COMPLETE")
    assert {(each, "CREATE_COMPLETE") for each in logical} < set(told)
    assert answer(aws, name) == b"1"

    second = FIRST.replace("rate(1 hour)", "rate(2 hours)")
    described = deploying.change(aws, name, second, {"Name": name, "Key": code[1]})
    assert {("Modify", "Function"), ("Modify", "Schedule")} <= deploying.changes(described)
    cloudformation.delete_change_set(ChangeSetName=described["ChangeSetId"])
    deploying.deploy(aws, name, second, {"Name": name, "Key": code[1]})
    assert answer(aws, name) == b"2"
    scheduler = aws.client("scheduler")
    found = scheduler.list_schedules(GroupName=name)["Schedules"][0]["Name"]
    assert scheduler.get_schedule(GroupName=name, Name=found)["ScheduleExpression"] == "rate(2 hours)"

    same = deploying.change(aws, name, second, {"Name": name, "Key": code[1]})
    assert (same["Status"], same["ExecutionStatus"], same["Changes"]) == ("FAILED", "UNAVAILABLE", [])
    assert "didn't contain changes" in same["StatusReason"]
    waiter = cloudformation.get_waiter("change_set_create_complete")
    with pytest.raises(WaiterError, match="FAILED"):
        waiter.wait(ChangeSetName=same["ChangeSetId"], WaiterConfig={"Delay": 1, "MaxAttempts": 2})

    fewer = deploying.change(aws, name, probes_of_stacks.SMALL, {"Name": name, "Key": code[1]})
    assert deploying.changes(fewer) == {("Remove", "Schedule")}
    deploying.deploy(aws, name, probes_of_stacks.SMALL, {"Name": name, "Key": code[1]})
    assert scheduler.list_schedules(GroupName=name)["Schedules"] == []

    deploying.remove(aws, name)
    assert not deploying.exists(aws, name)
    roles = aws.client("iam").list_roles()["Roles"]
    assert [role["RoleName"] for role in roles if role["RoleName"].startswith(f"{name}-")] == []


def test_an_update_that_fails_leaves_the_stack_as_it_was(aws, code):
    name = "rolled-back"
    deploying.deploy(aws, name, FIRST, {"Name": name, "Key": code[0]})
    broken = FIRST + SCHEDULE.replace("Schedule:", "Second:", 1).replace("rate(1 hour)", "cron(0 25 * * ? *)")

    with pytest.raises(AssertionError, match="Invalid Schedule Expression"):
        deploying.deploy(aws, name, broken, {"Name": name, "Key": code[1]})

    stack = aws.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert answer(aws, name) == b"1"
    assert len(aws.client("scheduler").list_schedules(GroupName=name)["Schedules"]) == 1
    deploying.remove(aws, name)


def test_an_update_to_a_package_that_is_not_there_fails(aws, code):
    name = "no-package"
    deploying.deploy(aws, name, FIRST, {"Name": name, "Key": code[0]})

    with pytest.raises(AssertionError):
        deploying.deploy(aws, name, FIRST, {"Name": name, "Key": "missing.zip"})

    assert answer(aws, name) == b"1"
    deploying.remove(aws, name)


def test_a_protected_stack_is_not_deleted(aws, code):
    name, cloudformation = "protected", aws.client("cloudformation")
    deploying.deploy(aws, name, probes_of_stacks.SMALL, {"Name": name, "Key": code[0]})
    cloudformation.update_termination_protection(StackName=name, EnableTerminationProtection=True)

    with pytest.raises(cloudformation.exceptions.ClientError, match="TerminationProtection is enabled"):
        cloudformation.delete_stack(StackName=name)

    cloudformation.update_termination_protection(StackName=name, EnableTerminationProtection=False)
    deploying.remove(aws, name)
