"""`dr verify` on real stacks of the sandbox: what it says is what a restore would do."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dr.errors import DrError

TEMPLATE = """\
Resources:
  Data:
    Type: AWS::EC2::Volume
    Properties: {AvailabilityZone: eu-west-1a, Size: 8}
"""
WITH_SECRET = f"""\
Parameters:
  Password: {{Type: String, NoEcho: true}}
{TEMPLATE}"""
WITH_IMAGE = f"""\
Parameters:
  Image: {{Type: String}}
{TEMPLATE}  Web:
    Type: AWS::EC2::LaunchTemplate
    Properties: {{LaunchTemplateData: {{ImageId: !Ref Image}}}}
"""


def verified(world, *, deep=False):
    found = world.app().verify(None, deep=deep)
    return found, {stack.name: stack for stack in found.stacks}


def messages(stack):
    return [fault.message for fault in stack.reasons]


def test_a_protected_stack_is_restorable_while_it_stands_and_when_it_is_lost(world):
    world.create("app", TEMPLATE)
    world.protect("app", times=2)
    for _ in range(2):
        for deep in (False, True):
            found, stacks = verified(world, deep=deep)
            assert (found.exit_code, stacks["app"].verdict, stacks["app"].reasons) == (0, "restorable", ())
        if "app" in world.names():
            world.delete("app")
    assert world.restore("app").ok


def test_data_that_no_policy_protects_comes_up_empty(world):
    world.create("app", TEMPLATE)
    world.protect("app", ("stacks",))
    found, stacks = verified(world)

    assert (found.exit_code, stacks["app"].verdict) == (3, "data-loss")
    assert messages(stacks["app"]) == [
        "Data (AWS::EC2::Volume) comes up empty: there is no recovery point of its data"
    ]


def test_a_snapshot_that_somebody_deleted_is_missed(world):
    made = world.create("app", TEMPLATE)
    world.protect("app")
    volume = world.tree(made)["Data"][1]
    world.ec2.delete_snapshot(SnapshotId=world.newest("AWS::EC2::Volume", volume))

    assert verified(world)[1]["app"].verdict == "data-loss"


def test_data_whose_only_point_is_not_good_stops_it(world):
    world.create("app", TEMPLATE)
    world.protect("app", ("stacks",))
    (world.folder / "policies" / "stacks.yaml").unlink()
    world.protect("app", ("volumes",), times=0)
    world.tick(wait=False)
    found, stacks = verified(world)

    assert (found.exit_code, stacks["app"].verdict) == (4, "no")
    assert "none is good (1 pending)" in messages(stacks["app"])[0]


def test_a_secret_without_a_source_stops_it_and_one_in_ssm_does_not(world):
    world.create("app", WITH_SECRET, {"Password": "canary-secret"})
    world.protect("app")
    found, stacks = verified(world)
    assert (found.exit_code, stacks["app"].verdict) == (4, "no")
    assert messages(stacks["app"]) == ["no value for Password: NoEcho values are never stored"]
    assert "{ssm: /path}" in stacks["app"].reasons[0].remedy

    world.configure(restore="{parameters: {Password: {ssm: /app/password}}}")
    assert "/app/password" in messages(verified(world)[1]["app"])[0]
    world.ssm.put_parameter(Name="/app/password", Value="canary-secret", Type="SecureString")
    assert verified(world)[1]["app"].verdict == "restorable"


def test_an_image_that_the_template_names_and_that_is_gone_stops_it(world):
    machine = world.ec2.run_instances(ImageId=world.image(), MinCount=1, MaxCount=1)["Instances"][0]
    image = world.ec2.create_image(InstanceId=machine["InstanceId"], Name="by hand")["ImageId"]
    world.sandbox.advance(61)
    world.create("app", WITH_IMAGE, {"Image": image})
    world.protect("app")
    assert verified(world)[1]["app"].verdict == "restorable"

    world.ec2.deregister_image(ImageId=image)
    found, stacks = verified(world)
    assert (found.exit_code, stacks["app"].verdict) == (4, "no")
    assert f"{image} is not there any more" in messages(stacks["app"])[0]


def test_deep_finds_the_older_version_whose_data_has_expired(world):
    made = world.create("app", TEMPLATE)
    world.protect("app", ("stacks", "volumes"))
    first = world.newest("AWS::EC2::Volume", world.tree(made)["Data"][1])
    for policy in ("volumes", "stacks"):  # a later version of the stack, and later still its data
        kept = (world.folder / "policies" / f"{policy}.yaml").rename(world.folder / policy)
        world.sandbox.advance(3600)
        world.tick()
        kept.rename(world.folder / "policies" / f"{policy}.yaml")
    world.ec2.delete_snapshot(SnapshotId=first)

    assert verified(world)[0].exit_code == 0
    found, stacks = verified(world, deep=True)
    newest, older = stacks["app"].versions
    assert (found.exit_code, stacks["app"].verdict) == (3, "restorable")
    assert (newest.ok, older.ok) == (True, False)
    assert "no good point in time for Data" in older.faults[0].message
    with pytest.raises(DrError) as caught:
        world.plan("app", at=newest.point.slot - timedelta(seconds=1), as_name="copy")
    assert caught.value.message.startswith("no good point in time for Data")
