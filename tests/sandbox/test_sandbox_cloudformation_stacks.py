"""CreateStack, events, rollback, DeleteStack: what AWS documents, asked over boto3."""

from __future__ import annotations

import pytest
from cfn_helpers import VOLUME, create, delete, events, parameter, physical, refused, resources, settled, tags


@pytest.fixture
def ec2(sandbox):
    return sandbox.client("ec2")


def test_a_stack_is_created_over_time_not_in_the_call(sandbox, cfn):
    sandbox.step(0.3)
    stack = cfn.create_stack(StackName="s", TemplateBody=resources(V=VOLUME))["StackId"]
    at_once = cfn.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
    assert [at_once, settled(cfn, stack)["StackStatus"]] == ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"]


def test_time_that_is_advanced_passes_for_a_stack_too(sandbox, cfn):
    sandbox.step(3600)
    stack = cfn.create_stack(StackName="s", TemplateBody=resources(V=VOLUME))["StackId"]
    sandbox.advance(3700)
    assert settled(cfn, stack)["StackStatus"] == "CREATE_COMPLETE"


def test_every_resource_has_its_events_in_order(cfn):
    create(cfn, "s", resources(V=VOLUME))
    assert [(logical, status, reason) for logical, status, reason in events(cfn, "s")] == [
        ("s", "CREATE_IN_PROGRESS", "User Initiated"),
        ("V", "CREATE_IN_PROGRESS", ""),
        ("V", "CREATE_IN_PROGRESS", "Resource creation Initiated"),
        ("V", "CREATE_COMPLETE", ""),
        ("s", "CREATE_COMPLETE", ""),
    ]


def test_events_come_newest_first_with_unique_ids_and_the_callers_token(cfn):
    create(cfn, "s", resources(V=VOLUME), ClientRequestToken="tok")
    found = cfn.describe_stack_events(StackName="s")["StackEvents"]
    times = [event["Timestamp"] for event in found]
    assert times == sorted(times, reverse=True)
    assert len({event["EventId"] for event in found}) == len(found)
    assert {event["ClientRequestToken"] for event in found} == {"tok"}


def test_events_and_resources_are_paged_by_a_hundred(sandbox, cfn):
    sandbox.step(0)
    many = {f"R{n:03d}": {"Type": "AWS::CloudFormation::WaitConditionHandle"} for n in range(150)}
    create(cfn, "s", resources(**many))
    first = cfn.describe_stack_events(StackName="s")
    assert [len(first["StackEvents"]), "NextToken" in first, len(events(cfn, "s"))] == [100, True, 452]
    pages = list(cfn.get_paginator("list_stack_resources").paginate(StackName="s"))
    assert [len(page["StackResourceSummaries"]) for page in pages] == [100, 50]


def test_resources_are_made_after_what_they_refer_to(cfn):
    template = resources(
        A=parameter("/a", {"Fn::Sub": "${B}"}),
        B=parameter("/b", {"Fn::GetAtt": ["C", "Value"]}),
        C=parameter("/c", "deep", DependsOn="D"),
        D=parameter("/d", {"Ref": "E"}),
        E=parameter("/e"),
    )
    create(cfn, "s", template)
    assert [logical for logical, status, _ in events(cfn, "s") if status == "CREATE_COMPLETE"] == [
        "E",
        "D",
        "C",
        "B",
        "A",
        "s",
    ]


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (
            resources(A=parameter("/a", {"Ref": "B"}), B=parameter("/b", {"Ref": "A"})),
            "Circular dependency between resources: [A, B]",
        ),
        (
            resources(A=parameter("/a", {"Ref": "Nope"})),
            "Template format error: Unresolved resource dependencies [Nope] in the Resources block of the template",
        ),
        (resources(), "Template format error: At least one Resources member must be defined."),
        ("a: [", "Template format error: YAML not well-formed. (line 1, column 5)"),
        ("just text", "Template format error: unsupported structure."),
        (
            resources(A={"Type": "AWS::EC2::VPC", "Propertys": {}}),
            "Invalid template resource property 'Propertys'",
        ),
    ],
)
def test_a_malformed_template_is_refused_in_the_call_and_leaves_no_stack(cfn, template, message):
    assert refused(cfn.create_stack, StackName="s", TemplateBody=template) == ("ValidationError", message)
    assert cfn.describe_stacks()["Stacks"] == []


def test_a_second_stack_of_a_name_is_refused_unless_it_is_the_same_request(cfn):
    first = cfn.create_stack(StackName="s", TemplateBody=resources(V=VOLUME), ClientRequestToken="tok")[
        "StackId"
    ]
    assert (
        cfn.create_stack(StackName="s", TemplateBody=resources(V=VOLUME), ClientRequestToken="tok")["StackId"]
        == first
    )
    assert refused(cfn.create_stack, StackName="s", TemplateBody=resources(V=VOLUME)) == (
        "AlreadyExistsException",
        "Stack [s] already exists",
    )


def test_a_failing_resource_rolls_everything_back_in_reverse_order(cfn, ec2, ssm):
    bad = {
        **VOLUME,
        "Properties": {**VOLUME["Properties"], "SnapshotId": "snap-00000000000000000"},
        "DependsOn": "P",
    }
    stack = create(cfn, "s", resources(V=VOLUME, P=parameter("/p", DependsOn="V"), Bad=bad))
    deleted = [logical for logical, status, _ in events(cfn, "s") if status == "DELETE_COMPLETE"]
    assert [stack["StackStatus"], deleted] == ["ROLLBACK_COMPLETE", ["Bad", "P", "V"]]
    assert ec2.describe_volumes()["Volumes"] == []
    assert refused(ssm.get_parameter, Name="/p")[0] == "ParameterNotFound"


def test_the_reason_of_a_failure_is_what_the_service_said(cfn):
    bad = {**VOLUME, "Properties": {**VOLUME["Properties"], "SnapshotId": "snap-00000000000000000"}}
    create(cfn, "s", resources(Bad=bad))
    failed = [(logical, reason) for logical, status, reason in events(cfn, "s") if status == "CREATE_FAILED"]
    rolled = [reason for _, status, reason in events(cfn, "s") if status == "ROLLBACK_IN_PROGRESS"]
    assert failed[0][0] == "Bad"
    assert "InvalidSnapshot.NotFound" in failed[0][1]
    assert rolled == ["The following resource(s) failed to create: [Bad]. Rollback requested by user."]


@pytest.mark.parametrize(
    ("choice", "status"),
    [("DO_NOTHING", "CREATE_FAILED"), ("DELETE", "DELETE_COMPLETE"), ("ROLLBACK", "ROLLBACK_COMPLETE")],
)
def test_on_failure_decides_what_becomes_of_the_rest(cfn, ec2, choice, status):
    stack = create(
        cfn, "s", resources(V=VOLUME, X={"Type": "AWS::Unknown::Thing", "DependsOn": "V"}), OnFailure=choice
    )
    left = len(ec2.describe_volumes()["Volumes"])
    assert [stack["StackStatus"], left] == [status, 1 if choice == "DO_NOTHING" else 0]


def test_an_unknown_type_fails_and_says_so(cfn):
    create(cfn, "s", resources(X={"Type": "AWS::Unknown::Thing"}))
    assert (
        "X",
        "CREATE_FAILED",
        "the sandbox does not know the resource type AWS::Unknown::Thing",
    ) in events(cfn, "s")


def test_a_type_without_behaviour_here_is_recorded_under_the_naming_rule(cfn):
    create(cfn, "s", resources(A={"Type": "AWS::CloudWatch::Alarm", "Properties": {"MetricName": "m"}}))
    assert physical(cfn, "s")["A"].startswith("s-A-")


def test_a_stack_gets_its_own_and_its_resources_tags(cfn, ec2):
    own = {
        **VOLUME,
        "Properties": {
            **VOLUME["Properties"],
            "Tags": [{"Key": "own", "Value": "1"}, {"Key": "both", "Value": "own"}],
        },
    }
    stack = create(
        cfn, "s", resources(V=own), Tags=[{"Key": "team", "Value": "x"}, {"Key": "both", "Value": "stack"}]
    )
    volume = ec2.describe_volumes(VolumeIds=[physical(cfn, "s")["V"]])["Volumes"][0]
    assert tags(volume) == {
        "own": "1",
        "both": "own",
        "team": "x",
        "aws:cloudformation:stack-name": "s",
        "aws:cloudformation:stack-id": stack["StackId"],
        "aws:cloudformation:logical-id": "V",
    }


def test_a_deleted_stack_is_known_by_its_id_only_and_nothing_is_left(cfn, ec2):
    stack = create(cfn, "s", resources(V=VOLUME))["StackId"]
    gone = delete(cfn, stack)
    assert [gone["StackStatus"], "DeletionTime" in gone, ec2.describe_volumes()["Volumes"]] == [
        "DELETE_COMPLETE",
        True,
        [],
    ]
    assert refused(cfn.describe_stacks, StackName="s") == (
        "ValidationError",
        "Stack with id s does not exist",
    )
    assert refused(cfn.describe_stack_events, StackName="s") == (
        "ValidationError",
        "Stack [s] does not exist",
    )
    assert cfn.describe_stacks()["Stacks"] == []


def test_looking_at_a_deleted_stack_makes_nothing(cfn, ec2):
    stack = create(cfn, "s", resources(V=VOLUME))["StackId"]
    delete(cfn, stack)
    shown = cfn.describe_stack_resources(StackName=stack)["StackResources"]
    assert [one["ResourceStatus"] for one in shown] == ["DELETE_COMPLETE"]
    assert ec2.describe_volumes()["Volumes"] == []


def test_deleting_a_stack_that_is_not_there_is_no_error(cfn):
    assert cfn.delete_stack(StackName="nobody")["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_a_protected_stack_is_not_deleted(cfn):
    create(cfn, "s", resources(V=VOLUME), EnableTerminationProtection=True)
    code, message = refused(cfn.delete_stack, StackName="s")
    assert (code, message) == (
        "ValidationError",
        "Stack [s] cannot be deleted while TerminationProtection is enabled",
    )
    cfn.update_termination_protection(StackName="s", EnableTerminationProtection=False)
    assert (
        delete(cfn, cfn.describe_stacks(StackName="s")["Stacks"][0]["StackId"])["StackStatus"]
        == "DELETE_COMPLETE"
    )


@pytest.mark.parametrize(
    ("policy", "volumes", "snapshots"),
    [("Delete", 0, 0), ("Retain", 1, 0), ("RetainExceptOnCreate", 1, 0), ("Snapshot", 0, 1)],
)
def test_the_deletion_policy_decides_what_stays(cfn, ec2, policy, volumes, snapshots):
    stack = create(cfn, "s", resources(V={**VOLUME, "DeletionPolicy": policy}))["StackId"]
    delete(cfn, stack)
    assert [
        len(ec2.describe_volumes()["Volumes"]),
        len(ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]),
    ] == [volumes, snapshots]


def test_a_bucket_with_objects_stops_the_deletion(sandbox, cfn):
    s3 = sandbox.client("s3")
    stack = create(cfn, "s", resources(B={"Type": "AWS::S3::Bucket"}))["StackId"]
    bucket = physical(cfn, "s")["B"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert delete(cfn, stack)["StackStatus"] == "DELETE_FAILED"
    s3.delete_object(Bucket=bucket, Key="k")
    assert delete(cfn, stack)["StackStatus"] == "DELETE_COMPLETE"


def test_a_failed_deletion_can_leave_a_resource_behind(sandbox, cfn):
    stack = create(cfn, "s", resources(B={"Type": "AWS::S3::Bucket"}))["StackId"]
    sandbox.client("s3").put_object(Bucket=physical(cfn, "s")["B"], Key="k", Body=b"x")
    assert refused(cfn.delete_stack, StackName="s", RetainResources=["B"])[0] == "ValidationError"
    delete(cfn, stack)
    cfn.delete_stack(StackName="s", RetainResources=["B"])
    assert settled(cfn, stack)["StackStatus"] == "DELETE_COMPLETE"


def test_lists_hold_deleted_stacks_and_filter_by_status(cfn):
    delete(cfn, create(cfn, "old", resources(V=VOLUME))["StackId"])
    create(cfn, "new", resources(V=VOLUME))
    every = cfn.list_stacks()["StackSummaries"]
    assert [(one["StackName"], one["StackStatus"]) for one in every] == [
        ("new", "CREATE_COMPLETE"),
        ("old", "DELETE_COMPLETE"),
    ]
    assert [
        one["StackName"] for one in cfn.list_stacks(StackStatusFilter=["DELETE_COMPLETE"])["StackSummaries"]
    ] == ["old"]


def test_the_stack_policy_is_kept(cfn):
    create(cfn, "s", resources(V=VOLUME), StackPolicyBody='{"Statement": []}')
    assert cfn.get_stack_policy(StackName="s")["StackPolicyBody"] == '{"Statement": []}'
    cfn.set_stack_policy(StackName="s", StackPolicyBody="{}")
    assert cfn.get_stack_policy(StackName="s")["StackPolicyBody"] == "{}"


def test_a_stack_is_found_by_one_of_its_physical_ids(cfn):
    create(cfn, "s", resources(V=VOLUME))
    found = cfn.describe_stack_resources(PhysicalResourceId=physical(cfn, "s")["V"])["StackResources"]
    assert [one["StackName"] for one in found] == ["s"]


def test_notifications_reach_the_topics_of_the_stack(sandbox, cfn):
    sns, sqs = sandbox.client("sns"), sandbox.client("sqs")
    topic = sns.create_topic(Name="t")["TopicArn"]
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ],
    )
    create(cfn, "s", resources(V=VOLUME), NotificationARNs=[topic])
    got = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    assert len(got) == 5


def test_accounts_and_regions_have_stacks_of_their_own(sandbox, cfn):
    create(cfn, "s", resources(V=VOLUME))
    assert sandbox.client("cloudformation", "us-east-1").describe_stacks()["Stacks"] == []


def test_a_reset_ends_what_is_being_made(sandbox, cfn, ec2):
    sandbox.step(0.2)
    cfn.create_stack(StackName="s", TemplateBody=resources(V=VOLUME, W={**VOLUME, "DependsOn": "V"}))
    sandbox.reset()
    sandbox.step(0.01)
    create(cfn, "s", resources(P=parameter("/p")))
    sandbox.advance(10)
    assert [physical(cfn, "s"), ec2.describe_volumes()["Volumes"]] == [{"P": "/p"}, []]
