"""The rules of a restore where AWS's behaviour matters: real code on the sandbox, the sandbox is asked."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest

from dr.errors import Busy, Denied, NotFound, Refused, UsageError
from dr.recovery.asked import Asked
from dr.recovery.target import exists
from dr.stacks.rebirth import Finding

ZONE = "eu-west-1a"
SMALL = """\
Parameters:
  Zone: {Type: String, Default: eu-west-1a}
Resources:
  Data:
    Type: AWS::EC2::Volume
    Properties: {AvailabilityZone: !Ref Zone, Size: 8}
"""
SECRET = """\
Parameters:
  Password: {Type: String, NoEcho: true}
Resources:
  Data:
    Type: AWS::EC2::Volume
    Properties: {AvailabilityZone: eu-west-1a, Size: 8, Tags: [{Key: Hash, Value: !Ref Password}]}
"""
EXPORTING = """\
Resources:
  Data:
    Type: AWS::EC2::Volume
    Properties: {AvailabilityZone: eu-west-1a, Size: 8}
Outputs:
  Disk: {Value: !Ref Data, Export: {Name: shared-disk}}
"""
IMPORTING = """\
Resources:
  Data:
    Type: AWS::EC2::Volume
    Properties: {AvailabilityZone: eu-west-1a, Size: 8, Tags: [{Key: Beside, Value: !ImportValue shared-disk}]}
"""
CANARY = "canary-secret-7"
READING = ("Describe", "Get", "List", "Head", "Batch")


def listen(app):
    """The changing calls that an application makes, as they are made."""
    made = []

    def note(model, **_):
        if not model.name.startswith(READING):
            made.append(f"{model.service_model.service_name}:{model.name}")

    app.session._session().register("before-call", note)
    return made


def snapshot_of(world, stack, logical_id="Data"):
    kind, physical = world.tree(stack)[logical_id]
    return world.born_from(kind, physical)


@pytest.fixture
def small(world):
    """A protected stack, two hours of points."""
    world.create("prod", SMALL)
    world.protect("prod", times=2)
    return world


def test_i2_i14_a_point_that_is_still_pending_is_not_chosen(small):
    good = small.newest("AWS::EC2::Volume", small.tree("prod")["Data"][1])
    small.sandbox.advance(3600)
    small.tick(wait=False)
    assert small.plan("prod", as_name="copy").data[0].point.id == good


def test_i14_at_chooses_the_newest_point_at_or_before_the_moment(small):
    volume = small.tree("prod")["Data"][1]
    rows = small.ec2.describe_snapshots(
        OwnerIds=["self"], Filters=[{"Name": "volume-id", "Values": [volume]}]
    )
    older, _ = sorted(rows["Snapshots"], key=lambda row: row["StartTime"])
    moment = older["StartTime"] + timedelta(minutes=30)
    restored = small.restore("prod", as_name="copy", at=moment)
    assert restored.ok
    assert snapshot_of(small, "copy") == older["SnapshotId"]
    assert restored.rpo == int((moment - older["StartTime"]).total_seconds())


def test_i14_a_listing_that_ends_early_brings_back_no_older_data(small):
    newest = small.newest("AWS::EC2::Volume", small.tree("prod")["Data"][1])
    app, listings = small.app(), []

    def cut_off(parsed, **_):
        listings.append([row["SnapshotId"] for row in parsed["Snapshots"]])
        if len(listings) == 1:
            parsed["Snapshots"] = [row for row in parsed["Snapshots"] if row["SnapshotId"] != newest]

    app.session.ec2("eu-west-1").meta.events.register("after-call.ec2.DescribeSnapshots", cut_off)
    plan = app.plan_restore(Asked(stack="prod", as_name="copy"))

    assert newest in listings[0]
    assert [row.point.id for row in plan.data] == [newest]


def test_a_moment_before_every_version_is_refused(small):
    with pytest.raises(Refused, match="no version of prod was stored at or before"):
        small.plan("prod", at=small.sandbox.now() - timedelta(days=9))


def test_a_moment_to_come_is_no_moment(small):
    with pytest.raises(UsageError, match="is yet to come"):
        small.plan("prod", at=small.sandbox.now() + timedelta(hours=1))


def test_a_stack_that_was_never_stored_is_named_with_the_one_that_is_near(small):
    with pytest.raises(UsageError, match="no stack named 'prd'") as caught:
        small.plan("prd")
    assert "did you mean prod?" in caught.value.remedy


def test_a_target_that_is_there_while_a_store_is_away_may_be_that_of_a_restore(small):
    """Its journal may lie in that store: the advice to delete it would be that of deleting what dr is making."""
    plan = small.plan("prod", as_name="copy")
    live = SimpleNamespace(status="REVIEW_IN_PROGRESS")
    away = Finding(level="warning", message="s3://store does not answer", remedy="", about="store")
    said = exists(replace(plan, findings=(*plan.findings, away)), live)

    assert "delete it" in exists(plan, live).remedy
    assert "s3://store does not answer: there may be the journal of a restore that began it" in said.message
    assert ("delete" in said.remedy, "run the same command again" in said.remedy) == (False, True)


@pytest.mark.parametrize("name", ["1copy", "a_b", "a b", "", "x" * 129, "prod/x"])
def test_a_name_that_no_stack_can_have_is_refused(small, name):
    with pytest.raises(UsageError, match="cannot be a stack's name"):
        small.plan("prod", as_name=name)


def test_a_volume_that_was_made_again_comes_back_from_the_points_of_its_former_generation(world):
    world.create("prod", SMALL)
    world.protect("prod", ("volumes", "stacks"))
    before = world.tree("prod")["Data"][1]
    newest = world.newest("AWS::EC2::Volume", before)
    world.delete("prod")
    world.create("prod", SMALL)
    assert world.tree("prod")["Data"][1] != before
    (world.folder / "policies" / "volumes.yaml").unlink()
    world.sandbox.advance(3600)
    world.tick()
    restored = world.restore("prod", as_name="copy")
    assert snapshot_of(world, "copy") == newest
    assert before in restored.data[0].row.reason


def test_a_volume_that_was_never_protected_comes_up_empty_and_the_plan_says_so(world):
    world.create("prod", SMALL)
    world.protect("prod", ("stacks",))
    plan = world.plan("prod", as_name="copy")
    assert [(row.logical_id, row.type) for row in plan.empty] == [("Data", "AWS::EC2::Volume")]
    restored = world.carry_out(plan)
    assert (restored.ok, restored.rpo) == (True, None)


def test_i13_a_stack_that_exists_is_refused_and_untouched(small):
    before = small.described("prod")
    plan = small.plan("prod")
    with pytest.raises(Refused, match="stack prod exists"):
        small.carry_out(plan)
    assert before == small.described("prod")


def test_a_missing_secret_stops_the_restore_before_any_changing_call(world):
    world.create("prod", SECRET, {"Password": CANARY})
    world.protect("prod")
    app = world.app()
    made = listen(app)
    with pytest.raises(UsageError, match="no value for Password"):
        app.plan_restore(Asked(stack="prod", as_name="copy"))
    assert made == []
    assert world.names() == {"prod"}


def test_a_secret_of_dr_yaml_is_read_from_ssm_and_not_from_the_store(world):
    world.create("prod", SECRET, {"Password": CANARY})
    world.protect("prod")
    world.ssm.put_parameter(Name="/prod/password", Value="from-ssm-9", Type="SecureString")
    world.configure(restore="{parameters: {Password: {ssm: /prod/password}}}")
    restored = world.restore("prod", as_name="copy")
    assert [(p.shown, p.origin) for p in restored.plan.parameters] == [(None, "ssm:/prod/password")]
    volume = world.ec2.describe_volumes(VolumeIds=[world.tree("copy")["Data"][1]])["Volumes"][0]
    assert {"Key": "Hash", "Value": "from-ssm-9"} in volume["Tags"]
    assert not leaks(world, "from-ssm-9")


def test_a_reference_to_an_ssm_parameter_that_is_not_there_is_told(world):
    world.create("prod", SECRET, {"Password": CANARY})
    world.protect("prod")
    world.configure(restore="{parameters: {Password: {ssm: /nowhere}}}")
    with pytest.raises(UsageError, match=r"restore\.parameters\.Password") as caught:
        world.plan("prod", as_name="copy")
    assert isinstance(caught.value.__cause__, NotFound)


def leaks(world, secret):
    files = [path for path in world.folder.rglob("*") if path.is_file()]
    assert files
    return [path for path in files if secret.encode() in path.read_bytes()]


def test_i23_a_secret_is_never_written_by_capture_or_restore(world):
    world.create("prod", SECRET, {"Password": CANARY})
    world.protect("prod")
    assert world.restore("prod", as_name="copy", parameters={"Password": CANARY}).ok
    assert leaks(world, CANARY) == []


def test_an_export_that_is_taken_is_an_error_of_the_plan(world):
    world.create("prod", EXPORTING)
    world.protect("prod")
    plan = world.plan("prod", as_name="copy", names="keep")
    taken = [finding.message for finding in plan.findings if finding.level == "error"]
    assert len(taken) == 1
    assert taken[0].startswith("export shared-disk is taken by arn:")


def test_an_import_that_is_gone_is_an_error_until_its_exporter_is_back(world):
    world.create("base", EXPORTING)
    world.create("prod", IMPORTING)
    world.protect("base")
    world.protect("prod")
    (world.folder / "policies" / "bases.yaml").write_text(
        (world.folder / "policies" / "stacks.yaml")
        .read_text()
        .replace("p-stacks", "p-bases")
        .replace("prod", "base")
    )
    world.sandbox.advance(3600)
    world.tick()
    world.delete("prod")
    world.delete("base")
    plan = world.plan("prod")
    assert "the stack imports shared-disk, which nothing exports now" in [f.message for f in plan.findings]
    assert world.restore("base").ok
    assert world.restore("prod").ok


def test_i15_a_template_that_was_changed_in_the_store_stops_the_restore(small):
    (blob,) = [path for path in (small.folder / "store" / "blobs").rglob("*") if path.is_file()]
    blob.write_bytes(blob.read_bytes().replace(b"8", b"9"))
    app = small.app()
    made = listen(app)
    with pytest.raises(Refused):
        app.plan_restore(Asked(stack="prod", as_name="copy"))
    assert made == []


def test_i15_a_manifest_that_was_changed_in_the_store_stops_the_restore(small):
    newest = max(path for path in (small.folder / "store" / "stacks").rglob("*.json"))
    newest.write_bytes(newest.read_bytes().replace(b"eu-west-1a", b"eu-west-1b"))
    app = small.app()
    made = listen(app)
    with pytest.raises(Refused):
        app.plan_restore(Asked(stack="prod", as_name="copy"))
    assert made == []


def test_i17_a_plan_makes_no_changing_call(small):
    app = small.app()
    made = listen(app)
    before = sorted(path for path in small.folder.rglob("*"))
    app.plan_restore(Asked(stack="prod", as_name="copy"))
    assert made == []
    assert before == sorted(path for path in small.folder.rglob("*"))
    assert small.names() == {"prod"}


def test_what_listens_for_changing_calls_hears_a_restore(small):
    app = small.app()
    made = listen(app)
    plan = app.plan_restore(Asked(stack="prod", as_name="copy"))
    small.carry_out(plan, maker=app.kit(plan.region).maker)
    assert {"cloudformation:CreateChangeSet", "cloudformation:ExecuteChangeSet"} <= set(made)


def test_stack_policy_and_termination_protection_are_set_afterwards(world):
    allow = '{"Statement": [{"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}]}'
    world.create("prod", SMALL, StackPolicyBody=allow, EnableTerminationProtection=True)
    world.protect("prod")
    assert world.restore("prod", as_name="copy").ok
    assert world.cfn.get_stack_policy(StackName="copy")["StackPolicyBody"] == allow
    assert world.cfn.describe_stacks(StackName="copy")["Stacks"][0]["EnableTerminationProtection"] is True


def test_tags_of_the_stack_come_back(world):
    world.create("prod", SMALL, Tags=[{"Key": "Team", "Value": "db"}])
    world.protect("prod")
    world.restore("prod", as_name="copy")
    assert world.cfn.describe_stacks(StackName="copy")["Stacks"][0]["Tags"] == [
        {"Key": "Team", "Value": "db"}
    ]


def kill(_event):
    raise KeyboardInterrupt


def test_i5_a_restore_killed_while_following_goes_on_with_its_points_though_newer_ones_came(small):
    first = small.plan("prod", as_name="copy")
    with pytest.raises(KeyboardInterrupt):
        small.carry_out(first, watch=kill)
    small.sandbox.advance(3600)
    small.tick()

    again = small.plan("prod", as_name="copy")
    assert again.id == first.id
    assert again.findings[0].message.startswith("goes on with the restore of")
    restored = small.carry_out(again)

    assert restored.ok
    assert restored.rto > 3600
    assert snapshot_of(small, "copy") == first.data[0].point.id
    assert small.names() == {"prod", "copy"}


class DiesBeforeExecuting:
    """A maker whose process is killed between the change set and its execution."""

    def __init__(self, maker) -> None:
        self._maker = maker

    def __getattr__(self, name):
        return getattr(self._maker, name)

    def execute(self, stack, name):
        raise KeyboardInterrupt


def test_i5_a_restore_killed_before_it_created_anything_takes_the_newer_points(small):
    first = small.plan("prod", as_name="copy")
    with pytest.raises(KeyboardInterrupt):
        small.carry_out(first, maker=DiesBeforeExecuting(small.kit().maker))
    small.sandbox.advance(3600)
    small.tick()
    restored = small.restore("prod", as_name="copy")
    assert restored.ok
    assert restored.plan.id != first.id
    newest = small.newest("AWS::EC2::Volume", small.tree("prod")["Data"][1])
    assert snapshot_of(small, "copy") == newest


def test_i5_the_exports_of_a_stack_under_way_do_not_stop_its_own_restore(world):
    world.create("prod", EXPORTING)
    world.protect("prod")
    world.delete("prod")
    with pytest.raises(KeyboardInterrupt):
        world.carry_out(world.plan("prod"), watch=kill)
    assert world.settled("prod") == "CREATE_COMPLETE"
    assert world.restore("prod").ok


def test_i13_once_it_has_ended_the_restored_stack_is_refused_like_any_other(small):
    assert small.restore("prod", as_name="copy").ok
    before = small.described("copy")
    with pytest.raises(Refused, match="stack copy is there: the restore of"):
        small.carry_out(small.plan("prod", as_name="copy"))
    assert before == small.described("copy")


ATTACHED = """\
Parameters:
  Machine: {Type: String}
Resources:
  Data:
    Type: AWS::EC2::Volume
    Properties: {AvailabilityZone: eu-west-1a, Size: 1}
  Attached:
    Type: AWS::EC2::VolumeAttachment
    Properties: {Device: /dev/sdf, InstanceId: !Ref Machine, VolumeId: !Ref Data}
"""


def test_a_stack_that_fails_says_why_stays_and_can_be_restored_after_it_is_deleted(world):
    run = world.ec2.run_instances(
        ImageId=world.image(), MinCount=2, MaxCount=2, Placement={"AvailabilityZone": ZONE}
    )
    first, second = (machine["InstanceId"] for machine in run["Instances"])
    world.create("prod", ATTACHED, {"Machine": first})
    world.protect("prod", ("stacks",))
    wrong = {"parameters": {"Machine": "i-0123456789abcdef0"}}
    restored = world.restore("prod", as_name="copy", **wrong)
    assert (restored.ok, restored.status) == (False, "CREATE_FAILED")
    assert restored.reason.startswith("Attached (AWS::EC2::VolumeAttachment): ")
    assert "i-0123456789abcdef0" in restored.reason

    again = world.carry_out(world.plan("prod", as_name="copy", **wrong))
    assert (again.status, again.reason) == (restored.status, restored.reason)
    with pytest.raises(Refused, match="ended: stack copy is CREATE_FAILED"):
        world.carry_out(world.plan("prod", as_name="copy", parameters={"Machine": second}))

    world.delete("copy")
    assert world.restore("prod", as_name="copy", parameters={"Machine": second}).ok


def test_two_restores_to_one_name_do_not_run_at_once(small):
    plan = small.plan("prod", as_name="copy")
    seen = []

    def meanwhile(_event):
        with suppress(Busy):
            small.carry_out(plan)
            seen.append("both ran")

    assert small.carry_out(plan, watch=meanwhile).ok
    assert seen == []


def test_a_large_template_without_a_bucket_is_refused_before_any_call(world):
    notes = "".join(f"  Note{i}: {'reason ' * 12}\n" for i in range(600))
    world.create("prod", f"Metadata:\n{notes}{SMALL}")
    world.protect("prod")
    world.configure(staging=False)
    with pytest.raises(UsageError, match="it has to go through S3"):
        world.plan("prod", as_name="copy")
    world.configure()
    assert world.restore("prod", as_name="copy").ok


MACHINES = """\
Parameters:
  ImageId: {Type: String}
Resources:
  Server:
    Type: AWS::EC2::Instance
    Properties: {ImageId: !Ref ImageId, InstanceType: t3.micro}
  Shape:
    Type: AWS::EC2::LaunchTemplate
    Properties:
      LaunchTemplateData: {ImageId: !Ref ImageId, InstanceType: t3.micro}
"""


@pytest.mark.parametrize("donor", ["newest", "instance", "image", "none"])
def test_a_launch_template_keeps_its_image_unless_dr_yaml_names_a_donor(world, donor):
    base = world.image()
    world.create("prod", MACHINES, {"ImageId": base})
    world.protect("prod", times=2)
    server = world.tree("prod")["Server"][1]
    newest = world.newest("AWS::EC2::Instance", server)
    said = {"newest": "newest", "instance": server, "image": base}.get(donor)
    world.configure(restore=f"{{image_for: {{Shape: {said}, Elsewhere: newest}}}}" if said else "{}")
    assert world.restore("prod", as_name="copy").ok
    shape = world.tree("copy")["Shape"][1]
    found = world.ec2.describe_launch_template_versions(LaunchTemplateId=shape, Versions=["$Latest"])
    image = found["LaunchTemplateVersions"][0]["LaunchTemplateData"]["ImageId"]
    assert image == (newest if donor in ("newest", "instance") else base)


def test_an_instance_with_volume_snapshots_only_comes_back_from_them(world):
    text = MACHINES.replace(
        "InstanceType: t3.micro}\n  Shape",
        "InstanceType: t3.micro, BlockDeviceMappings: [{DeviceName: /dev/sdf, Ebs: {VolumeSize: 4}}]}\n  Shape",
    )
    world.create("prod", text, {"ImageId": world.image()})
    disk = disk_of(world, "prod")
    world.ec2.create_tags(Resources=[disk], Tags=[{"Key": "Protect", "Value": "yes"}])
    world.protect("prod", ("stacks",))
    (world.folder / "policies" / "disks.yaml").write_text(
        'policy: disks\nprotect: volumes\nselect: {tags: {Protect: "yes"}}\nschedule: "0 * * * *"\nkeep: {last: 2}\n'
    )
    world.sandbox.advance(3600)
    world.tick()
    restored = world.restore("prod", as_name="copy")
    assert restored.ok
    born = world.born_from("AWS::EC2::Volume", disk_of(world, "copy"))
    assert born == world.newest("AWS::EC2::Volume", disk)


def disk_of(world, stack):
    """The volume at /dev/sdf of the stack's instance."""
    found = world.ec2.describe_instances(InstanceIds=[world.tree(stack)["Server"][1]])
    mappings = found["Reservations"][0]["Instances"][0]["BlockDeviceMappings"]
    return next(one["Ebs"]["VolumeId"] for one in mappings if one["DeviceName"] == "/dev/sdf")


def test_a_volume_without_snapshots_takes_the_disk_of_its_instances_image_and_is_shown_as_data(world):
    text = MACHINES + (
        "  Data: {Type: AWS::EC2::Volume, Properties: {AvailabilityZone: !GetAtt Server.AvailabilityZone, Size: 8}}\n"
        "  Bond:\n    Type: AWS::EC2::VolumeAttachment\n"
        "    Properties: {VolumeId: !Ref Data, InstanceId: !Ref Server, Device: /dev/sdf}\n"
    )
    world.create("prod", text, {"ImageId": world.image()})
    world.protect("prod", ("instances", "stacks"))
    image = world.newest("AWS::EC2::Instance", world.tree("prod")["Server"][1])
    mappings = world.ec2.describe_images(ImageIds=[image])["Images"][0]["BlockDeviceMappings"]
    part = {row["DeviceName"]: row["Ebs"]["SnapshotId"] for row in mappings}["/dev/sdf"]
    restored = world.restore("prod", as_name="copy")
    assert restored.ok
    assert snapshot_of(world, "copy") == part
    assert {row.row.logical_id for row in restored.data} == {"Server", "Data"}
    assert restored.plan.empty == ()


def test_the_plan_of_a_kit_that_has_no_time_left_is_taken_up_by_the_next_call(small):
    plan = small.plan("prod", as_name="copy")
    small.sandbox.control("settings", {"step_seconds": 0.5})
    try:
        kit = small.kit()
        with pytest.raises(Exception, match="is not ready yet"):
            small.carry_out(plan, stop_at=kit.clock.now())
        assert small.restore("prod", as_name="copy").ok
    finally:
        small.sandbox.control("settings", {"step_seconds": 0})
    assert replace(plan, findings=()).id == plan.id


def test_a_snapshot_that_is_gone_since_the_plan_is_refused_and_nothing_is_created(small):
    plan = small.plan("prod", as_name="copy")
    (chosen,) = (row.point.id for row in plan.data)
    small.ec2.delete_snapshot(SnapshotId=chosen)
    with pytest.raises(Refused, match=f"since the plan was made: {chosen}"):
        small.carry_out(plan)
    assert "copy" not in small.names()


class RefusesProtection:
    """The real maker, without the permission to protect."""

    def __init__(self, maker):
        self._maker = maker

    def __getattr__(self, name):
        return getattr(self._maker, name)

    def protect(self, stack_id, *, stack_policy, termination):
        raise Denied("no permission for cloudformation:UpdateTerminationProtection", "allow it")


def test_a_protection_that_was_denied_is_set_by_the_same_restore_run_again(world):
    stack = world.create("prod", SMALL, EnableTerminationProtection=True)
    world.protect("prod")
    assert world.cfn.describe_stacks(StackName=stack)["Stacks"][0]["EnableTerminationProtection"]
    first = world.carry_out(world.plan("prod", as_name="copy"), maker=RefusesProtection(world.kit().maker))
    assert (first.holds, first.ok, "run the same restore again" in first.findings[0].remedy) == (
        True,
        False,
        True,
    )
    second = world.restore("prod", as_name="copy")
    assert (second.ok, second.stack_id) == (True, first.stack_id)
    assert world.cfn.describe_stacks(StackName="copy")["Stacks"][0]["EnableTerminationProtection"]


def test_fractions_of_a_second_are_no_other_moment_than_the_one_that_is_shown(small):
    moment = small.sandbox.now().replace(microsecond=0) - timedelta(seconds=5)
    fractional = moment + timedelta(microseconds=700_000)
    plans = [small.plan("prod", as_name="copy", at=at) for at in (moment, fractional)]
    assert [(plan.at, plan.asked_at) for plan in plans] == [(moment, moment)] * 2
    with pytest.raises(KeyboardInterrupt):
        small.carry_out(plans[1], watch=kill)
    assert small.restore("prod", as_name="copy", at=moment).plan.id == plans[1].id


@pytest.mark.parametrize("way", ["apply", "replica alone"])
def test_a_primary_store_that_vanished_beside_a_full_replica_is_refused_and_both_ways_on_work(world, way):
    config = world.folder / "dr.yaml"
    alone = config.read_text()
    config.write_text(alone.replace("{url: store/}}", "{url: store/}, replica: {url: second/}}"))
    world.create("prod", SMALL)
    world.protect("prod")
    world.delete("prod")
    shutil.rmtree(world.folder / "store")
    with pytest.raises(Refused, match="the newest version that") as caught:
        world.plan("prod")
    assert "run `dr apply`, which copies it back" in caught.value.remedy
    if way == "apply":
        world.tick()
    else:
        config.write_text(alone.replace("{url: store/}", "{url: second/}"))
    assert world.restore("prod").ok
