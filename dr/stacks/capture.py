"""What AWS answers about a stack, as a `StoredStack`. Values in, values out; the calls are made elsewhere.

Two things here are judgements: which values are secret (what the template says, and what CloudFormation masks: see
sealing.py), and which exports the stack imports (what its `Fn::ImportValue`s come to, with its own parameters and conditions).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from dr.errors import UsageError
from dr.stacks.evaluate import Evaluator, Facts
from dr.stacks.sealing import MASK, sealed
from dr.stacks.template import Template, Tree, parse_template
from dr.stacks.transforms import has_macros
from dr.stored import StackOutput, StackParameter, StackResource, StoredStack

Row = Mapping[str, Any]

STABLE = frozenset(
    {
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
        "IMPORT_COMPLETE",
        "IMPORT_ROLLBACK_COMPLETE",
    }
)
"""States in which the template is what the resources are. ROLLBACK_COMPLETE is a stack that never came to be."""
NESTED = "AWS::CloudFormation::Stack"
VOLUME, INSTANCE = "AWS::EC2::Volume", "AWS::EC2::Instance"
GROUP = "AWS::AutoScaling::AutoScalingGroup"
_GONE = frozenset({"DELETE_COMPLETE", "DELETE_SKIPPED"})
"""Rows of the resource map that are no longer part of the stack."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Raw answers about one stack: DescribeStacks, GetTemplate twice, GetStackPolicy, ListStackResources.

    `live` holds the facts of resources by physical id, `children` the nested stacks by logical id.
    """

    account: str
    region: str
    stack: Row
    template: str
    processed: str | None = None
    policy: str | None = None
    resources: Sequence[Row] = ()
    live: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    children: Mapping[str, StoredStack] = field(default_factory=dict)


def stored_stack(answers: Answers) -> StoredStack:
    """Everything that DESIGN 8 lists. Policy and predecessor are empty; slot and time are the stack's last change.

    No secret value is in it: a parameter that is one has none, and an output made of one is `****` (sealing.py).
    """
    stack = answers.stack
    changed = _changed(stack)
    processed = answers.processed if answers.processed != answers.template else None
    captured = StoredStack(
        account=answers.account,
        region=answers.region,
        name=stack["StackName"],
        stack_id=stack["StackId"],
        status=stack["StackStatus"],
        policy="",
        slot=changed,
        time=changed,
        template=answers.template,
        processed=processed,
        parameters=parameters(stack.get("Parameters", ()), answers.template),
        capabilities=tuple(stack.get("Capabilities", ())),
        tags={tag["Key"]: tag["Value"] for tag in stack.get("Tags", ())},
        role_arn=stack.get("RoleARN"),
        notification_arns=tuple(stack.get("NotificationARNs", ())),
        stack_policy=answers.policy,
        termination_protection=bool(stack.get("EnableTerminationProtection")),
        description=stack.get("Description"),
        outputs=outputs(stack.get("Outputs", ())),
        imports=imports(processed or answers.template, _facts(answers)),
        resources=tuple(_resource(row, answers.live) for row in existing(answers.resources)),
        children=answers.children,
    )
    return sealed(captured)


def unready(status: str) -> str:
    """Why a stack in this state is not captured; empty when it is."""
    return "" if status in STABLE else f"the stack is {status}"


def existing(rows: Iterable[Row]) -> list[Row]:
    """The rows of the resource map that stand for something."""
    return [row for row in rows if row.get("PhysicalResourceId") and row["ResourceStatus"] not in _GONE]


def of_type(rows: Iterable[Row], kind: str) -> list[str]:
    """Physical ids of the resources of one type."""
    return [row["PhysicalResourceId"] for row in existing(rows) if row["ResourceType"] == kind]


def runs_macros(template: str) -> bool:
    """Whether a processed template exists that differs; also for one that we cannot read."""
    parsed = _parsed(template)
    return parsed is None or has_macros(parsed)


def parameters(rows: Iterable[Row], template: str) -> tuple[StackParameter, ...]:
    """Parameters with their resolved values. A secret one has none, neither given nor resolved."""
    parsed = _parsed(template)
    secret = {p.name for p in parsed.parameters() if p.no_echo} if parsed else set()
    return tuple(_parameter(row, secret) for row in rows)


def outputs(rows: Iterable[Row]) -> tuple[StackOutput, ...]:
    """Outputs and the names of their exports."""
    return tuple(
        StackOutput(key=row["OutputKey"], value=row.get("OutputValue", ""), export=row.get("ExportName"))
        for row in rows
    )


def imports(template: str, facts: Facts) -> tuple[str, ...]:
    """Names of the exports that the template imports, in order.

    The argument of `Fn::ImportValue` cannot rest on a resource (CloudFormation user guide, Fn::ImportValue), so that
    parameters and pseudo parameters decide it; the exception is one that holds a NoEcho value, which is left out.
    """
    parsed = _parsed(template)
    if parsed is None:
        return ()
    evaluator = Evaluator(parsed, facts)
    live = [body for name, body in parsed.resources().items() if evaluator.present(name)]
    names = (evaluator.value(tree) for tree in _imported([*live, *_outputs(parsed, evaluator)], evaluator))
    return tuple(dict.fromkeys(name for name in names if isinstance(name, str)))


def volume_facts(row: Row) -> dict[str, Any]:
    """What a restore needs of a volume."""
    keys = (
        "AvailabilityZone",
        "VolumeType",
        "Size",
        "Iops",
        "Throughput",
        "Encrypted",
        "KmsKeyId",
        "SnapshotId",
    )
    facts = {key: row[key] for key in keys if row.get(key) not in (None, "")}
    shown = ("InstanceId", "Device", "DeleteOnTermination")
    facts["Attachments"] = [{key: a[key] for key in shown if key in a} for a in row.get("Attachments", ())]
    return facts


def instance_facts(row: Row) -> dict[str, Any]:
    """What a restore needs of an instance."""
    facts = {
        key: row[key] for key in ("ImageId", "InstanceType", "SubnetId", "RootDeviceName") if row.get(key)
    }
    if zone := row.get("Placement", {}).get("AvailabilityZone"):
        facts["AvailabilityZone"] = zone
    disks = [(m["DeviceName"], m["Ebs"]) for m in row.get("BlockDeviceMappings", ()) if m.get("Ebs")]
    facts["Devices"] = [
        {
            "Device": device,
            "VolumeId": ebs.get("VolumeId"),
            "DeleteOnTermination": bool(ebs.get("DeleteOnTermination")),
        }
        for device, ebs in disks
    ]
    return facts


def group_facts(row: Row) -> dict[str, Any]:
    """What a restore needs of an Auto Scaling group."""
    return {"Instances": [instance["InstanceId"] for instance in row.get("Instances", ())]}


def _parsed(template: str) -> Template | None:
    """The template as a value; None for one that we cannot read, which is captured all the same."""
    try:
        return parse_template(template)
    except UsageError:
        return None


def _parameter(row: Row, secret: set[str]) -> StackParameter:
    name, value = row["ParameterKey"], row.get("ParameterValue")
    if name in secret or value == MASK:
        return StackParameter(name=name, value=None, no_echo=True)
    return StackParameter(name=name, value=value, resolved=row.get("ResolvedValue"))


def _resource(row: Row, live: Mapping[str, Mapping[str, Any]]) -> StackResource:
    return StackResource(
        logical_id=row["LogicalResourceId"],
        physical_id=row["PhysicalResourceId"],
        type=row["ResourceType"],
        status=row["ResourceStatus"],
        facts=live.get(row["PhysicalResourceId"], {}),
    )


def _facts(answers: Answers) -> Facts:
    known = parameters(answers.stack.get("Parameters", ()), answers.template)
    values = {p.name: p.resolved if p.resolved is not None else p.value for p in known}
    pseudo = {
        "AWS::AccountId": answers.account,
        "AWS::Region": answers.region,
        "AWS::Partition": answers.stack["StackId"].split(":")[1],
        "AWS::StackName": answers.stack["StackName"],
        "AWS::StackId": answers.stack["StackId"],
    }
    return Facts(parameters=values, pseudo=pseudo)


def _changed(stack: Row) -> datetime:
    time = stack.get("LastUpdatedTime") or stack["CreationTime"]
    return time.astimezone(UTC) if isinstance(time, datetime) else time


def _outputs(template: Template, evaluator: Evaluator) -> Iterator[Tree]:
    for output in template.section("Outputs").values():
        name = output.get("Condition") if isinstance(output, dict) else None
        if not isinstance(name, str) or evaluator.condition(name) is not False:
            yield output


def _imported(tree: Tree, evaluator: Evaluator) -> Iterator[Tree]:
    """The arguments of every `Fn::ImportValue` that is not on the dead side of an `Fn::If`."""
    if isinstance(tree, list):
        for item in tree:
            yield from _imported(item, evaluator)
    elif isinstance(tree, dict):
        for key, value in tree.items():
            if key == "Fn::ImportValue":
                yield value
            else:
                yield from _imported(_alive(key, value, evaluator), evaluator)


def _alive(key: str, value: Tree, evaluator: Evaluator) -> Tree:
    if key != "Fn::If" or not isinstance(value, list) or len(value) != 3:
        return value
    holds = evaluator.condition(str(value[0]))
    return value[1:] if holds is None else value[1] if holds else value[2]
