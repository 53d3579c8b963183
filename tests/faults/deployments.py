"""The stack of dr's own functions in the small world: what is deployed there, and what of it can be told apart."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from faults.hooks import put

from dr.deploy.package import code_files
from dr.sandbox.corrections.cloudformation.resources import OWN, models
from dr.stacks.template import parse_template

if TYPE_CHECKING:
    from faults.world import World

DEPLOY = ("deploy", "--yes", "--json")
UNDEPLOY = ("undeploy", "--yes", "--json")
_MANY = 40
"""Schedules with which the template is longer than a call may be."""
_ENDS_WITHIN = 30  # seconds


def ready(world: World) -> None:
    """An installation that was never deployed, and what no deployment may touch.

    The sandbox runs no functions: here the properties of one are all that changes with it. And here CloudFormation is
    done when it answers, so that a call has the same number in every run. Dr's own files are read once for all cases.
    """
    put("dr.sandbox.corrections.cloudformation.lifecycle:background", lambda work, stack: work(stack))
    put("dr.deploy.package:code_files", cache(code_files))
    put("dr.deploy.stack:parse_template", cache(parse_template))
    OWN["AWS::Lambda::Function"] = replace(models.KIND, change=lambda _job, made, _changed: made)
    world.write("dr.yaml", (world.folder / "dr.yaml").read_text() + "deploy: {region: eu-west-1}\n")
    world.protect("volumes")
    world.client("s3").put_object(Bucket="acme-store", Key="dr/kept", Body=b"of the store")


def stands(world: World) -> None:
    """One that is deployed."""
    ready(world)
    world.dr(*DEPLOY)


def grows(world: World) -> None:
    """One that is deployed, and is to be woken so often that its template has to be staged."""
    stands(world)
    text = (world.folder / "policies" / "volumes.yaml").read_text()
    many = json.dumps([f"{minute} * * * *" for minute in range(_MANY)])
    world.write("policies/volumes.yaml", text.replace('"0 * * * *"', many))


def settle(world: World) -> None:
    """Wait until CloudFormation is done; a stack under review waits for a person."""
    end = time.monotonic() + _ENDS_WITHIN
    while any(row["StackStatus"].endswith("_IN_PROGRESS") for row in _stacks(world) if not _is_empty(row)):
        assert time.monotonic() < end, _stacks(world)


def state(world: World) -> dict[str, list[str]]:
    """Every stack with its template and parameters, every change set, every object by its key, every point."""
    cfn, s3 = world.client("cloudformation"), world.client("s3")
    settle(world)
    rows = _stacks(world)
    sets = [
        f"{row['StackName']} {one['ChangeSetName']}"
        for row in rows
        for one in cfn.list_change_sets(StackName=row["StackId"])["Summaries"]
    ]
    points = world.client("ec2").describe_snapshots(OwnerIds=["self"])["Snapshots"]
    keys = [row["Key"] for row in s3.list_objects_v2(Bucket="acme-store")["Contents"]]
    return {
        "stacks": sorted(_told(world, row) for row in rows),
        "change sets": sets,
        "store": sorted(keys),
        "points": sorted(point["SnapshotId"] for point in points),
    }


def _stacks(world: World) -> list[dict[str, Any]]:
    return world.client("cloudformation").describe_stacks()["Stacks"]


def _is_empty(row: dict[str, Any]) -> bool:
    return row["StackStatus"] == "REVIEW_IN_PROGRESS"


def _told(world: World, row: dict[str, Any]) -> str:
    cfn, name = world.client("cloudformation"), row["StackId"]
    template = "" if _is_empty(row) else json.dumps(cfn.get_template(StackName=name)["TemplateBody"])
    parts = cfn.get_paginator("list_stack_resources").paginate(StackName=name)
    parts = [
        f"{p['LogicalResourceId']} {p['ResourceStatus']}"
        for page in parts
        for p in page["StackResourceSummaries"]
    ]
    given = {
        p["ParameterKey"]: p["ParameterValue"]
        for p in row.get("Parameters", ())
        if p["ParameterKey"] != "Image"
    }
    tags = {tag["Key"]: tag["Value"] for tag in row.get("Tags", ())}
    digest = hashlib.sha256(template.encode()).hexdigest()[:12]
    return f"{row['StackName']} {row['StackStatus'].partition('_')[2]} {digest} {sorted(given.items())} {tags} {sorted(parts)}"
