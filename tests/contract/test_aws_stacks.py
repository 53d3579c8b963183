"""dr.aws reads and makes CloudFormation stacks, on the sandbox."""

from __future__ import annotations

import hashlib
import json
import time

import pytest
from botocore.awsrequest import AWSResponse
from making import REGION

from dr.aws.maker import CloudFormationMaker
from dr.aws.session import Access, Keys, Session
from dr.aws.stacks import CloudFormationStacks
from dr.errors import CloudError, NotFound
from dr.ports import NewStack

MACHINE = """\
# a comment that has to survive
Parameters:
  Password: {Type: String, NoEcho: true}
  Size: {Type: Number, Default: 5}
Resources:
  Data:
    Type: AWS::EC2::Volume
    Properties: {AvailabilityZone: eu-west-1a, Size: !Ref Size, VolumeType: gp3}
  Machine:
    Type: AWS::EC2::Instance
    Properties:
      ImageId: IMAGE
      InstanceType: t3.micro
      Tags: [{Key: Secret, Value: !Ref Password}]
Outputs:
  Disk: {Value: !Ref Data, Export: {Name: shared-disk}}
"""
JSON = '{\r\n  "Resources" : { "Disk": {"Type": "AWS::EC2::Volume",\n "Properties": {"AvailabilityZone": "eu-west-1a", "Size": 01}}}}'
VOLUME = """\
Resources:
  Disk: {Type: AWS::EC2::Volume, Properties: {AvailabilityZone: eu-west-1a, Size: 3}}
"""
BROKEN = """\
Resources:
  Good: {Type: AWS::EC2::Volume, Properties: {AvailabilityZone: eu-west-1a, Size: 3}}
  Bad:
    Type: AWS::EC2::Volume
    DependsOn: Good
    Properties: {AvailabilityZone: eu-west-1a, SnapshotId: snap-0123456789abcdef0}
"""
IMPORTER = """\
Resources:
  Disk: {Type: AWS::EC2::Volume, Properties: {AvailabilityZone: eu-west-1a, Size: 3, Tags: [{Key: a, Value: !ImportValue shared-disk}]}}
"""


@pytest.fixture
def stacks(aws):
    return CloudFormationStacks(aws.session)


@pytest.fixture
def maker(aws):
    return CloudFormationMaker(aws.session, REGION)


@pytest.fixture
def cfn(aws):
    return aws.sandbox.client("cloudformation")


def settled(cfn, name):
    """Wait until the stack has come to rest; its status."""
    for _ in range(400):
        status = cfn.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
        if not status.endswith("IN_PROGRESS"):
            return status
        time.sleep(0.02)
    raise AssertionError(f"{name} is still {status}")


def create(cfn, name, template, **options):
    stack_id = cfn.create_stack(StackName=name, TemplateBody=template, **options)["StackId"]
    assert settled(cfn, stack_id) == "CREATE_COMPLETE"
    return stack_id


def machine(aws):
    names = [{"Name": "name", "Values": ["al2023-ami-*-x86_64"]}]
    image = aws.ec2.describe_images(Owners=["amazon"], Filters=names)["Images"][0]["ImageId"]
    return MACHINE.replace("IMAGE", image)


def with_secret(value):
    return [{"ParameterKey": "Password", "ParameterValue": value}]


def new_stack(name="copy", template=VOLUME, **options):
    given = {"url": None, "parameters": {}, "capabilities": (), "tags": {"dr:restore": "r1"}} | options
    return NewStack(name=name, token=f"dr-{name}", body=template, **given)


def ready(maker, new):
    for _ in range(200):
        found = maker.change_set(new.name, new.token)
        if found is not None and found.status in ("CREATE_COMPLETE", "FAILED"):
            return found
        time.sleep(0.02)
    raise AssertionError(f"the change set is still {found}")


def made(maker, cfn, new):
    maker.create_change_set(new)
    ready(maker, new)
    maker.execute(new.name, new.token)
    settled(cfn, new.name)
    return maker.live(new.name)


def test_root_stacks_are_sources_with_their_tags(stacks, cfn):
    create(cfn, "one", VOLUME, Tags=[{"Key": "Env", "Value": "prod"}])
    create(cfn, "two", VOLUME)

    found = {source.id: (source.tags, source.unready) for source in stacks.sources(REGION)}

    assert found == {"one": ({"Env": "prod"}, ""), "two": ({}, "")}


def test_a_stack_that_is_not_stable_says_why(stacks, cfn):
    cfn.create_stack(StackName="bad", TemplateBody=BROKEN)
    settled(cfn, "bad")

    assert [source.unready for source in stacks.sources(REGION)] == ["the stack is ROLLBACK_COMPLETE"]
    with pytest.raises(CloudError) as caught:
        stacks.read(REGION, "bad")
    assert caught.value.code == "NotStable"


def test_a_change_set_without_a_stack_is_no_source(stacks, maker):
    maker.create_change_set(new_stack())

    assert stacks.sources(REGION) == ()


def test_a_deleted_stack_is_no_source_and_not_found(stacks, cfn):
    stack_id = create(cfn, "one", VOLUME)
    cfn.delete_stack(StackName="one")
    settled(cfn, stack_id)

    assert stacks.sources(REGION) == ()
    for name in ("one", stack_id, "never-was", "no name at all!"):
        with pytest.raises(NotFound):
            stacks.read(REGION, name)


@pytest.mark.parametrize(
    "template", [VOLUME, "\n# begins with a comment\n" + VOLUME, JSON.replace("01", "1")]
)
def test_the_template_is_kept_byte_for_byte(stacks, cfn, template):
    create(cfn, "one", template)

    stored = stacks.read(REGION, "one")

    assert (stored.template, stored.processed) == (template, None)


def test_a_stack_is_read_with_everything_a_restore_needs(stacks, aws, cfn):
    topic = aws.sandbox.client("sns").create_topic(Name="events")["TopicArn"]
    stack_id = create(
        cfn,
        "prod",
        machine(aws),
        Parameters=with_secret("canary-password"),
        Tags=[{"Key": "Env", "Value": "prod"}],
        NotificationARNs=[topic],
        EnableTerminationProtection=True,
        StackPolicyBody='{"Statement": []}',
    )

    stored = stacks.read(REGION, "prod")

    assert (stored.stack_id, stored.status, stored.tags) == (stack_id, "CREATE_COMPLETE", {"Env": "prod"})
    assert (stored.notification_arns, stored.termination_protection) == ((topic,), True)
    assert json.loads(stored.stack_policy) == {"Statement": []}
    assert [(o.key, o.export) for o in stored.outputs] == [("Disk", "shared-disk")]


def test_the_resource_map_has_the_live_facts(stacks, aws, cfn):
    create(cfn, "prod", machine(aws), Parameters=with_secret("x"))

    found = {resource.logical_id: resource for resource in stacks.read(REGION, "prod").resources}

    assert {name: r.type for name, r in found.items()} == {
        "Data": "AWS::EC2::Volume",
        "Machine": "AWS::EC2::Instance",
    }
    disk, host = found["Data"].facts, found["Machine"].facts
    assert (disk["Size"], disk["VolumeType"], disk["AvailabilityZone"]) == (5, "gp3", "eu-west-1a")
    assert (host["InstanceType"], [d["Device"] for d in host["Devices"]]) == (
        "t3.micro",
        [host["RootDeviceName"]],
    )
    assert (
        aws.ec2.describe_volumes(VolumeIds=[host["Devices"][0]["VolumeId"]])["Volumes"][0]["State"]
        == "in-use"
    )


def test_i23_a_noecho_value_is_not_stored(stacks, aws, cfn):
    create(cfn, "prod", machine(aws), Parameters=with_secret("canary-password"))

    stored = stacks.read(REGION, "prod")

    assert [(p.name, p.value, p.no_echo) for p in stored.parameters] == [
        ("Password", None, True),
        ("Size", "5", False),
    ]
    assert "canary-password" not in repr(stored)


def test_imports_are_named(stacks, aws, cfn):
    create(cfn, "prod", machine(aws), Parameters=with_secret("x"))
    create(cfn, "user", IMPORTER)

    assert stacks.read(REGION, "user").imports == ("shared-disk",)


def test_nested_stacks_are_read_with_their_root_and_are_no_sources(stacks, maker, aws, cfn):
    bucket = "templates"
    aws.sandbox.client("s3").create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    url = maker.stage(bucket, VOLUME)
    parent = (
        f"Resources:\n  Child: {{Type: AWS::CloudFormation::Stack, Properties: {{TemplateURL: '{url}'}}}}\n"
    )
    root = create(cfn, "root", parent)

    stored = stacks.read(REGION, "root")

    assert [source.id for source in stacks.sources(REGION)] == ["root"]
    assert {name: child.template for name, child in stored.children.items()} == {"Child": VOLUME}
    assert [r.logical_id for r in stored.children["Child"].resources] == ["Disk"]
    assert set(maker.resources(root)) == {"Child", "Child/Disk"}
    names = [event.stack for event in maker.events(root) if event.logical_id == "Disk"]
    assert set(names) == {stored.children["Child"].name}


def test_a_new_stack_is_made_through_a_change_set(maker, cfn):
    new = new_stack()
    maker.create_change_set(new)
    found = ready(maker, new)
    assert (found.status, found.execution_status) == ("CREATE_COMPLETE", "AVAILABLE")

    maker.execute(new.name, new.token)

    assert settled(cfn, new.name) == "CREATE_COMPLETE"
    live = maker.live(new.name)
    assert (live.name, live.tags) == ("copy", {"dr:restore": "r1"})
    assert {name: kind for name, (_, kind) in maker.resources(live.stack_id).items()} == {
        "Disk": "AWS::EC2::Volume"
    }


def test_asking_again_for_the_same_change_set_is_success(maker):
    maker.create_change_set(new_stack())
    maker.create_change_set(new_stack())

    assert ready(maker, new_stack()).status == "CREATE_COMPLETE"


def test_executing_again_is_success(maker, cfn):
    new = new_stack()
    made(maker, cfn, new)

    maker.execute(new.name, new.token)

    assert maker.live(new.name).status == "CREATE_COMPLETE"


EXECUTED_BEFORE = ["TokenAlreadyExistsException", "InvalidChangeSetStatus", "ChangeSetNotFound"]


def refuse_execution(aws, code):
    """AWS's word for an execution that it has seen before; which of them it says depends on how long ago that was."""
    error = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": 400}}
    answer = (AWSResponse("", 400, {}, None), error)
    events = aws.session.cloudformation(REGION).meta.events
    events.register("before-call.cloudformation.ExecuteChangeSet", lambda **_: answer)


@pytest.mark.parametrize("code", EXECUTED_BEFORE)
def test_an_execution_whose_answer_was_lost_is_followed(maker, aws, cfn, code):
    new = new_stack()
    made(maker, cfn, new)
    refuse_execution(aws, code)

    maker.execute(new.name, new.token)

    assert maker.live(new.name).status == "CREATE_COMPLETE"


@pytest.mark.parametrize("code", EXECUTED_BEFORE[1:])
def test_a_refused_execution_that_nobody_began_is_an_error(maker, aws, code):
    new = new_stack()
    maker.create_change_set(new)
    ready(maker, new)
    refuse_execution(aws, code)

    with pytest.raises(CloudError) as refused:
        maker.execute(new.name, new.token)

    assert refused.value.code == code


def test_i13_a_change_set_for_a_stack_that_exists_is_refused(maker, cfn):
    create(cfn, "copy", VOLUME)

    with pytest.raises(CloudError):
        maker.create_change_set(new_stack())


def test_executing_what_is_not_there_is_not_found(maker, cfn):
    create(cfn, "copy", VOLUME)

    with pytest.raises(NotFound):
        maker.execute("copy", "dr-never")


def test_a_stack_says_which_token_began_it(maker, cfn):
    live = made(maker, cfn, new_stack())

    assert maker.started_by(live.stack_id) == "dr-copy"


def test_what_was_made_stays_when_something_fails(maker, cfn):
    live = made(maker, cfn, new_stack(template=BROKEN))

    assert live.status == "CREATE_FAILED"
    assert "Good" in maker.resources(live.stack_id)
    assert next(e.logical_id for e in maker.events(live.stack_id) if e.status == "CREATE_FAILED") == "Bad"


def test_events_come_oldest_first(maker, cfn):
    live = made(maker, cfn, new_stack())

    events = maker.events(live.stack_id)

    assert [e.time for e in events] == sorted(e.time for e in events)
    assert (events[-1].logical_id, events[-1].status) == ("copy", "CREATE_COMPLETE")
    assert len({e.id for e in events}) == len(events)


@pytest.mark.parametrize(
    "name", ["never-was", "not a name!", "arn:aws:cloudformation:eu-west-1:123456789012:stack/x/y"]
)
def test_a_stack_that_is_not_there_is_none(maker, name):
    assert maker.live(name) is None
    assert maker.change_set("never-was", "dr-x") is None


def test_a_deleted_stack_is_not_live_by_its_id_either(maker, cfn):
    stack_id = create(cfn, "one", VOLUME)
    cfn.delete_stack(StackName="one")
    settled(cfn, stack_id)

    assert (maker.live("one"), maker.live(stack_id)) == (None, None)


def test_policy_and_protection_come_back(maker, cfn):
    stack_id = create(cfn, "one", VOLUME)

    maker.protect(stack_id, stack_policy='{"Statement": []}', termination=True)

    assert cfn.describe_stacks(StackName="one")["Stacks"][0]["EnableTerminationProtection"]
    assert json.loads(cfn.get_stack_policy(StackName="one")["StackPolicyBody"]) == {"Statement": []}


def test_a_stack_without_policy_and_protection_is_left_alone(maker, cfn):
    stack_id = create(cfn, "one", VOLUME)

    maker.protect(stack_id, stack_policy=None, termination=False)

    assert not cfn.describe_stacks(StackName="one")["Stacks"][0]["EnableTerminationProtection"]


def test_exports_name_their_stacks(maker, aws, cfn):
    stack_id = create(cfn, "prod", machine(aws), Parameters=with_secret("x"))

    assert maker.exports() == {"shared-disk": stack_id}


def test_a_secure_parameter_is_read_in_the_clear(maker, aws):
    aws.sandbox.client("ssm").put_parameter(Name="/prod/db", Value="canary", Type="SecureString")

    assert maker.ssm_parameter("/prod/db") == "canary"
    with pytest.raises(NotFound):
        maker.ssm_parameter("/prod/none")


def test_new_resources_are_described_by_id(maker, aws):
    volume, instance = aws.add_volume({}), aws.add_instance({})

    assert set(maker.volumes([volume, "vol-0123456789abcdef0"])) == {volume}
    assert set(maker.instances([instance])) == {instance}
    assert maker.volumes([]) == {}


def test_the_capabilities_of_a_template_are_known_beforehand(maker):
    role = "Resources:\n  R:\n    Type: AWS::IAM::Role\n    Properties: {RoleName: x, AssumeRolePolicyDocument: {Statement: []}}\n"

    assert maker.validate(role, None) == ("CAPABILITY_NAMED_IAM",)
    assert maker.validate(VOLUME, None) == ()


def test_a_malformed_template_is_refused_in_one_line(maker):
    with pytest.raises(CloudError) as caught:
        maker.validate("Resources: [", None)

    assert len(caught.value.message.splitlines()) == 1


def test_a_staged_template_makes_a_stack(maker, aws, cfn):
    aws.sandbox.client("s3").create_bucket(
        Bucket="staging", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    url = maker.stage("staging", VOLUME)

    live = made(maker, cfn, new_stack(template=None, url=url))

    assert live.status == "CREATE_COMPLETE"


@pytest.mark.parametrize("bucket", ["no-such-bucket", "Not_A_Bucket!"])
def test_staging_into_no_bucket_is_refused_in_one_line(maker, bucket):
    with pytest.raises(CloudError) as caught:
        maker.stage(bucket, VOLUME)

    assert len(caught.value.message.splitlines()) == 1


def test_a_password_is_in_no_error(maker):
    new = new_stack(
        template=MACHINE.replace("IMAGE", "ami-1"), parameters={"Password": "canary", "Other": "x"}
    )

    with pytest.raises(CloudError) as caught:
        maker.create_change_set(new)

    assert "canary" not in caught.value.message


def test_templates_as_large_as_cloudformation_takes_inline_come_back_whole(stacks, cfn):
    padding = "# " + "x" * 50_000 + "\n"
    create(cfn, "large", padding + VOLUME)

    assert stacks.read(REGION, "large").template == padding + VOLUME


def test_a_staged_template_has_the_url_that_was_foretold(maker, aws):
    aws.sandbox.client("s3").create_bucket(
        Bucket="staging", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    digest = hashlib.sha256(VOLUME.encode()).hexdigest()

    assert maker.stage("staging", VOLUME) == maker.staged_url("staging", digest)


def test_a_change_set_that_is_there_already_under_our_name_is_used(maker, cfn):
    cfn.create_change_set(
        StackName="copy",
        ChangeSetName="dr-copy",
        ChangeSetType="CREATE",
        TemplateBody=VOLUME,
        ClientToken="x",
    )

    maker.create_change_set(new_stack())

    assert ready(maker, new_stack()).status == "CREATE_COMPLETE"


def test_a_stack_that_changes_while_it_is_read_is_not_stored(stacks, aws, cfn):
    create(cfn, "prod", VOLUME)
    changed = []

    def change(**_):
        if not changed:
            changed.append(True)
            cfn.update_stack(StackName="prod", TemplateBody=VOLUME.replace("Size: 3", "Size: 4"))
            settled(cfn, "prod")

    aws.session.cloudformation(REGION).meta.events.register(
        "provide-client-params.cloudformation.ListStackResources", change
    )

    with pytest.raises(CloudError) as caught:
        stacks.read(REGION, "prod")

    assert caught.value.code == "Changed"


SIGNED = "see http://admin:canary@b.s3/t.yaml?X-Amz-Signature=canary&a=1"


def test_i23_what_cloudformation_gives_as_a_reason_holds_no_credentials_of_a_url(maker, aws, cfn):
    cfn.create_change_set(
        StackName="copy",
        ChangeSetName="dr-copy",
        ChangeSetType="CREATE",
        TemplateBody=VOLUME,
        ClientToken="x",
    )
    ready(maker, new_stack())
    events = aws.session.cloudformation(REGION).meta.events
    said = {
        "DescribeStacks": lambda answer: answer["Stacks"][0].update(StackStatusReason=SIGNED),
        "DescribeChangeSet": lambda answer: answer.update(StatusReason=SIGNED),
        "DescribeStackEvents": lambda answer: answer["StackEvents"][0].update(ResourceStatusReason=SIGNED),
    }
    for action, say in said.items():
        events.register(f"after-call.cloudformation.{action}", lambda parsed, say=say, **_: say(parsed))

    live = maker.live("copy")
    reasons = [
        live.reason,
        maker.change_set("copy", "dr-copy").reason,
        maker.events(live.stack_id)[-1].reason,
    ]

    assert reasons == ["see http://***@b.s3/t.yaml?X-Amz-Signature=***&a=1"] * 3


def test_i23_the_url_of_a_staged_template_has_no_user_of_the_endpoint(aws):
    url = aws.sandbox.url.replace("//", "//admin:canary@")
    keys = Keys(access_key="AKIASANDBOX", secret_key="sandbox")
    session = Session(Access(region=REGION, endpoint_url=url, keys=keys), now=aws.sandbox.now)

    found = CloudFormationMaker(session, REGION).staged_url("staging", "0" * 64)

    assert found == f"{aws.sandbox.url}/staging/dr-staging/{'0' * 64}.template"
