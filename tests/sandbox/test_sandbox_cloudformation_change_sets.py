"""Change sets: what AWS documents of making, looking at, executing and deleting them."""

from __future__ import annotations

import pytest
from cfn_helpers import (
    VOLUME,
    as_parameters,
    body,
    change_set,
    changed,
    create,
    delete,
    events,
    parameter,
    physical,
    refused,
    resources,
    settled,
    tags,
)


def make(cfn, name="c", template=None, stack="s", **options):
    return change_set(
        cfn,
        stack,
        name,
        TemplateBody=template or resources(V=VOLUME),
        **{"ChangeSetType": "CREATE", **options},
    )


def execute(cfn, made, **options):
    cfn.execute_change_set(ChangeSetName=made["ChangeSetId"], **options)
    return settled(cfn, made["StackId"])


def test_a_change_set_of_type_create_makes_a_stack_in_review_with_nothing_in_it(sandbox, cfn):
    made = make(cfn)
    stack = cfn.describe_stacks(StackName="s")["Stacks"][0]
    assert [stack["StackStatus"], stack["StackId"]] == ["REVIEW_IN_PROGRESS", made["StackId"]]
    assert cfn.describe_stack_resources(StackName="s")["StackResources"] == []
    assert sandbox.client("ec2").describe_volumes()["Volumes"] == []


def test_a_change_set_is_pending_before_it_is_complete(sandbox, cfn):
    sandbox.step(0.3)
    made = cfn.create_change_set(
        StackName="s", ChangeSetName="c", ChangeSetType="CREATE", TemplateBody=resources(V=VOLUME)
    )
    early = cfn.describe_change_set(ChangeSetName=made["Id"])
    late = changed(cfn, made["Id"], "Status", {"CREATE_COMPLETE"})
    assert early["Status"] in ("CREATE_PENDING", "CREATE_IN_PROGRESS")
    assert [early["ExecutionStatus"], late["ExecutionStatus"]] == ["UNAVAILABLE", "AVAILABLE"]


def test_a_change_set_lists_what_it_would_add(cfn):
    template = body(
        Conditions={"No": {"Fn::Equals": ["a", "b"]}},
        Resources={"V": VOLUME, "P": parameter("/p"), "Off": parameter("/off", Condition="No")},
    )
    changes = [one["ResourceChange"] for one in make(cfn, template=template)["Changes"]]
    assert [(one["Action"], one["LogicalResourceId"], one["ResourceType"]) for one in changes] == [
        ("Add", "V", "AWS::EC2::Volume"),
        ("Add", "P", "AWS::SSM::Parameter"),
    ]


def test_an_executed_change_set_makes_the_stack_as_create_stack_does(sandbox, cfn):
    made = make(cfn, Tags=[{"Key": "team", "Value": "x"}], Description="why")
    stack = execute(cfn, made, ClientRequestToken="tok")
    volume = sandbox.client("ec2").describe_volumes(VolumeIds=[physical(cfn, "s")["V"]])["Volumes"][0]
    assert [stack["StackStatus"], stack["ChangeSetId"], tags(stack)] == [
        "CREATE_COMPLETE",
        made["ChangeSetId"],
        {"team": "x"},
    ]
    assert tags(volume)["team"] == "x"
    assert [(logical, status) for logical, status, _ in events(cfn, "s")] == [
        ("s", "REVIEW_IN_PROGRESS"),
        ("s", "CREATE_IN_PROGRESS"),
        ("V", "CREATE_IN_PROGRESS"),
        ("V", "CREATE_IN_PROGRESS"),
        ("V", "CREATE_COMPLETE"),
        ("s", "CREATE_COMPLETE"),
    ]
    assert cfn.describe_stack_events(StackName="s")["StackEvents"][0]["ClientRequestToken"] == "tok"


def test_the_execution_can_be_followed_on_the_change_set(sandbox, cfn):
    made = make(cfn)
    sandbox.step(0.3)
    cfn.execute_change_set(ChangeSetName=made["ChangeSetId"])
    during = cfn.describe_change_set(ChangeSetName=made["ChangeSetId"])["ExecutionStatus"]
    settled(cfn, "s")
    after = changed(cfn, made["ChangeSetId"], "ExecutionStatus", {"EXECUTE_COMPLETE"})["ExecutionStatus"]
    assert [during, after] == ["EXECUTE_IN_PROGRESS", "EXECUTE_COMPLETE"]


def test_executing_again_is_refused_but_the_same_request_again_is_not(cfn):
    made = make(cfn)
    execute(cfn, made, ClientRequestToken="tok")
    cfn.execute_change_set(ChangeSetName=made["ChangeSetId"], ClientRequestToken="tok")
    assert refused(cfn.execute_change_set, ChangeSetName=made["ChangeSetId"])[0] == "InvalidChangeSetStatus"
    assert [status for _, status, _ in events(cfn, "s")].count("REVIEW_IN_PROGRESS") == 1
    assert [logical for logical, status, _ in events(cfn, "s") if status == "CREATE_COMPLETE"] == ["V", "s"]


def test_a_change_set_that_is_not_complete_cannot_be_executed(sandbox, cfn):
    sandbox.step(0.5)
    made = cfn.create_change_set(
        StackName="s", ChangeSetName="c", ChangeSetType="CREATE", TemplateBody=resources(V=VOLUME)
    )["Id"]
    code, message = refused(cfn.execute_change_set, ChangeSetName=made)
    assert code == "InvalidChangeSetStatus"
    assert message.startswith(f"ChangeSet [{made}] cannot be executed in its current status of [CREATE_")


def test_a_change_set_of_that_name_is_refused_unless_it_is_the_same_request(cfn):
    first = make(cfn, ClientToken="tok")
    again = cfn.create_change_set(
        StackName="s",
        ChangeSetName="c",
        ChangeSetType="CREATE",
        TemplateBody=resources(V=VOLUME),
        ClientToken="tok",
    )
    assert again["Id"] == first["ChangeSetId"]
    other = refused(
        cfn.create_change_set,
        StackName="s",
        ChangeSetName="c",
        ChangeSetType="CREATE",
        TemplateBody=resources(V=VOLUME),
    )
    assert other == ("AlreadyExistsException", "ChangeSet [c] already exists")


def test_a_stack_in_review_can_get_another_change_set_and_the_first_becomes_obsolete(cfn):
    first = make(cfn, "first")
    second = make(cfn, "second", resources(P=parameter("/p")))
    execute(cfn, second)
    assert second["StackId"] == first["StackId"]
    assert [one["ExecutionStatus"] for one in cfn.list_change_sets(StackName="s")["Summaries"]] == [
        "OBSOLETE"
    ]
    assert list(physical(cfn, "s")) == ["P"]


def test_a_deleted_change_set_is_gone_and_its_name_is_free(cfn):
    make(cfn)
    cfn.delete_change_set(StackName="s", ChangeSetName="c")
    assert refused(cfn.describe_change_set, StackName="s", ChangeSetName="c") == (
        "ChangeSetNotFound",
        "ChangeSet [c] does not exist",
    )
    assert cfn.list_change_sets(StackName="s")["Summaries"] == []
    assert make(cfn)["Status"] == "CREATE_COMPLETE"
    assert (
        cfn.delete_change_set(StackName="s", ChangeSetName="never")["ResponseMetadata"]["HTTPStatusCode"]
        == 200
    )


def test_a_stack_in_review_can_be_deleted_with_its_change_sets(cfn):
    made = make(cfn)
    assert delete(cfn, made["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert refused(cfn.describe_change_set, ChangeSetName=made["ChangeSetId"])[0] == "ChangeSetNotFound"


def test_type_create_is_refused_for_a_stack_that_exists_and_update_for_one_that_does_not(cfn):
    create(cfn, "s", resources(V=VOLUME))
    exists = refused(
        cfn.create_change_set,
        StackName="s",
        ChangeSetName="c",
        ChangeSetType="CREATE",
        TemplateBody=resources(V=VOLUME),
    )
    missing = refused(
        cfn.create_change_set, StackName="t", ChangeSetName="c", TemplateBody=resources(V=VOLUME)
    )
    assert exists == (
        "ValidationError",
        "Stack [s] already exists and cannot be created again with the changeSet [c].",
    )
    assert missing == ("ValidationError", "Stack [t] does not exist")


@pytest.mark.parametrize(
    ("choice", "status", "volumes"),
    [
        ("ROLLBACK", "ROLLBACK_COMPLETE", 0),
        ("DO_NOTHING", "CREATE_FAILED", 1),
        ("DELETE", "DELETE_COMPLETE", 0),
    ],
)
def test_on_stack_failure_decides_what_becomes_of_a_failed_stack(sandbox, cfn, choice, status, volumes):
    template = resources(V=VOLUME, X={"Type": "AWS::Unknown::Thing", "DependsOn": "V"})
    made = make(cfn, template=template, OnStackFailure=choice)
    stack = execute(cfn, made)
    left = sandbox.client("ec2").describe_volumes()["Volumes"]
    assert [stack["StackStatus"], len(left)] == [status, volumes]


def test_disable_rollback_at_the_execution_leaves_what_was_made(sandbox, cfn):
    made = make(cfn, template=resources(V=VOLUME, X={"Type": "AWS::Unknown::Thing", "DependsOn": "V"}))
    assert execute(cfn, made, DisableRollback=True)["StackStatus"] == "CREATE_FAILED"
    assert len(sandbox.client("ec2").describe_volumes()["Volumes"]) == 1


def test_secrets_and_capabilities_are_those_of_the_request(cfn):
    template = body(
        Parameters={"Pw": {"Type": "String", "NoEcho": True}},
        Resources={
            "R": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": []}}}
        },
    )
    arguments = {
        "StackName": "s",
        "ChangeSetName": "c",
        "ChangeSetType": "CREATE",
        "TemplateBody": template,
        "Parameters": as_parameters(Pw="hush"),
    }
    assert refused(cfn.create_change_set, **arguments) == (
        "InsufficientCapabilitiesException",
        "Requires capabilities : [CAPABILITY_IAM]",
    )
    made = make(cfn, template=template, Parameters=as_parameters(Pw="hush"), Capabilities=["CAPABILITY_IAM"])
    assert [made["Capabilities"], made["Parameters"]] == [
        ["CAPABILITY_IAM"],
        [{"ParameterKey": "Pw", "ParameterValue": "****"}],
    ]


def test_a_refused_change_set_leaves_no_stack(cfn):
    assert (
        refused(
            cfn.create_change_set, StackName="s", ChangeSetName="c", ChangeSetType="CREATE", TemplateBody="{}"
        )[0]
        == "ValidationError"
    )
    assert cfn.describe_stacks()["Stacks"] == []


def test_the_template_of_a_change_set_can_be_had(cfn):
    make(
        cfn,
        template="Resources:\n  V: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: x}} # why\n",
    )
    text = cfn.get_template(StackName="s", ChangeSetName="c")["TemplateBody"]
    assert (
        text == "Resources:\n  V: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: x}} # why\n"
    )


def test_an_update_change_set_adds_changes_and_removes(sandbox, cfn):
    create(cfn, "s", resources(Old=VOLUME, P=parameter("/p", "1")))
    made = make(cfn, template=resources(P=parameter("/p", "2"), New=VOLUME), ChangeSetType="UPDATE")
    changes = [
        (one["ResourceChange"]["Action"], one["ResourceChange"]["LogicalResourceId"])
        for one in made["Changes"]
    ]
    stack = execute(cfn, made)
    assert changes == [("Add", "New"), ("Modify", "P"), ("Remove", "Old")]
    assert [stack["StackStatus"], sorted(physical(cfn, "s"))] == ["UPDATE_COMPLETE", ["New", "P"]]
    assert sandbox.client("ssm").get_parameter(Name="/p")["Parameter"]["Value"] == "2"
    assert len(sandbox.client("ec2").describe_volumes()["Volumes"]) == 1


def test_an_update_change_set_without_changes_fails(cfn):
    create(cfn, "s", resources(V=VOLUME))
    made = make(cfn, ChangeSetType="UPDATE")
    assert [made["Status"], made["ExecutionStatus"]] == ["FAILED", "UNAVAILABLE"]
    assert (
        made["StatusReason"]
        == "The submitted information didn't contain changes. Submit different information to create a change set."
    )


def test_update_stack_keeps_previous_template_and_values_and_changes_tags(sandbox, cfn):
    template = body(
        Parameters={"A": {"Type": "String"}, "B": {"Type": "String"}},
        Resources={"V": VOLUME, "P": parameter("/p", {"Fn::Sub": "${A}${B}"})},
        Outputs={"O": {"Value": {"Fn::GetAtt": ["P", "Value"]}}},
    )
    create(cfn, "s", template, Parameters=as_parameters(A="a", B="b"))
    given = [{"ParameterKey": "A", "UsePreviousValue": True}, *as_parameters(B="c")]
    cfn.update_stack(StackName="s", UsePreviousTemplate=True, Parameters=given)
    stack = settled(cfn, "s")
    assert [stack["StackStatus"], stack["Outputs"][0]["OutputValue"]] == ["UPDATE_COMPLETE", "ac"]


def test_new_tags_of_the_stack_reach_its_resources(sandbox, cfn):
    create(cfn, "s", resources(V=VOLUME), Tags=[{"Key": "old", "Value": "1"}])
    cfn.update_stack(StackName="s", UsePreviousTemplate=True, Tags=[{"Key": "new", "Value": "1"}])
    stack = settled(cfn, "s")
    volume = sandbox.client("ec2").describe_volumes()["Volumes"][0]
    assert [stack["StackStatus"], tags(stack)] == ["UPDATE_COMPLETE", {"new": "1"}]
    assert [key for key in tags(volume) if not key.startswith("aws:")] == ["new"]


def test_an_update_that_changes_nothing_is_refused(cfn):
    create(cfn, "s", resources(V=VOLUME))
    assert refused(cfn.update_stack, StackName="s", TemplateBody=resources(V=VOLUME)) == (
        "ValidationError",
        "No updates are to be performed.",
    )


def test_an_update_that_the_sandbox_cannot_make_fails_and_goes_back(sandbox, cfn):
    create(cfn, "s", resources(V=VOLUME, P=parameter("/p", "1")))
    moved = {**VOLUME, "Properties": {"AvailabilityZone": "eu-west-1b", "Size": 1}}
    cfn.update_stack(StackName="s", TemplateBody=resources(P=parameter("/p", "2"), N=VOLUME, V=moved))
    stack = settled(cfn, "s")
    failed = [
        reason for logical, status, reason in events(cfn, "s") if (logical, status) == ("V", "UPDATE_FAILED")
    ]
    assert [stack["StackStatus"], sorted(physical(cfn, "s"))] == ["UPDATE_ROLLBACK_COMPLETE", ["P", "V"]]
    assert failed == [
        "the sandbox cannot update AvailabilityZone of AWS::EC2::Volume; replace the resource under a new logical id"
    ]
    assert sandbox.client("ssm").get_parameter(Name="/p")["Parameter"]["Value"] == "1"


def test_use_previous_value_is_refused_where_nothing_is_previous(cfn):
    template = body(Parameters={"A": {"Type": "String"}}, Resources={"V": VOLUME})
    given = [{"ParameterKey": "A", "UsePreviousValue": True}]
    code, _ = refused(
        cfn.create_change_set,
        StackName="s",
        ChangeSetName="c",
        ChangeSetType="CREATE",
        TemplateBody=template,
        Parameters=given,
    )
    assert code == "ValidationError"
