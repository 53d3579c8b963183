"""One installation on the sandbox: stacks made with boto3, protected by real ticks, restored by the real code."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from dr.app.restoring import RestoringApp, Settings
from dr.recovery.asked import Asked
from dr.recovery.carrying_out import Kit, Restored, carry_out
from dr.stacks.restore import RestorePlan
from dr.tick.applying import apply_now

REGION = "eu-west-1"
BUCKET = "restore-tests-staging"
CONFIG = """\
name: acme
policies: policies/
regions: [eu-west-1]
store: {primary: {url: store/}}
"""
_POLICY = """\
policy: %s
protect: %s
select: %s
schedule: "0 * * * *"
keep: {last: 9}
"""


class QuickClock:
    """The application's time; waits are short, because the sandbox has no steps here."""

    def __init__(self, clock) -> None:
        self._clock = clock

    def now(self):
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        time.sleep(min(seconds, 0.02))


class RestoreWorld:
    """`staging` False leaves dr.yaml without a bucket, `restore` is its restore section."""

    def __init__(self, sandbox, folder: Path) -> None:
        self.sandbox, self.folder = sandbox, folder
        sandbox.reset()
        sandbox.pending(60)
        self.cfn, self.ec2 = sandbox.client("cloudformation"), sandbox.client("ec2")
        self.s3, self.ssm = sandbox.client("s3"), sandbox.client("ssm")
        self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        (folder / "policies").mkdir()
        running = {
            "pid": sandbox.control("health")["pid"],
            "url": sandbox.url,
            "started": "2026-01-01T00:00Z",
        }
        port = int(sandbox.url.rpartition(":")[2])
        (folder / "sandbox.json").write_text(json.dumps({**running, "port": port}))
        self.configure()

    def configure(self, *, staging: bool = True, restore: str = "{}") -> None:
        bucket = f"staging_bucket: {{{REGION}: {BUCKET}}}\n" if staging else ""
        (self.folder / "dr.yaml").write_text(f"{CONFIG}{bucket}restore: {restore}\n")

    @property
    def environ(self) -> dict[str, str]:
        return {"DR_SANDBOX_DIR": str(self.folder), "DR_SANDBOX": "1"}

    def app(self) -> RestoringApp:
        """A new one, as another process would build it."""
        return RestoringApp(Settings(environ=self.environ))

    # --- what stands before the incident --------------------------------------------------------------------------

    def image(self) -> str:
        names = [{"Name": "name", "Values": ["al2023-ami-*-x86_64"]}]
        return self.ec2.describe_images(Owners=["amazon"], Filters=names)["Images"][0]["ImageId"]

    def upload(self, name: str, text: str) -> str:
        self.s3.put_object(Bucket=BUCKET, Key=name, Body=text.encode())
        return f"{self.sandbox.url}/{BUCKET}/{name}"

    def create(
        self, name: str, template: str, parameters: Mapping[str, str] | None = None, **options: Any
    ) -> str:
        given = [{"ParameterKey": key, "ParameterValue": value} for key, value in (parameters or {}).items()]
        body = (
            {"TemplateBody": template}
            if len(template.encode()) <= 51_200
            else {"TemplateURL": self.upload(f"{name}.yaml", template)}
        )
        made = self.cfn.create_stack(StackName=name, Parameters=given, **body, **options)["StackId"]
        assert self.settled(made) == "CREATE_COMPLETE", self.reasons(made)
        return made

    def settled(self, name: str) -> str:
        for _ in range(1000):
            status = self.cfn.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
            if not status.endswith("_IN_PROGRESS"):
                return status
            time.sleep(0.01)
        raise AssertionError(f"{name} is still {status}")

    def reasons(self, name: str) -> list[str]:
        rows = self.cfn.describe_stack_events(StackName=name)["StackEvents"]
        return [row.get("ResourceStatusReason", "") for row in rows if "FAILED" in row["ResourceStatus"]]

    def delete(self, name: str) -> None:
        stack = self.cfn.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
        self.cfn.delete_stack(StackName=stack)
        assert self.settled(stack) == "DELETE_COMPLETE"

    def names(self) -> set[str]:
        """Every stack that is there, of any state."""
        return {stack["StackName"] for stack in self.cfn.describe_stacks()["Stacks"]}

    def protect(
        self, name: str, what: tuple[str, ...] = ("volumes", "instances", "stacks"), times: int = 1
    ) -> None:
        """Hourly policies for all that the stack has, and as many ticks, each an hour after the one before."""
        tags = json.dumps({"tags": {"aws:cloudformation:stack-name": [name, f"{name}-*"]}})
        for protect in what:
            select = json.dumps({"names": [name]}) if protect == "stacks" else tags
            (self.folder / "policies" / f"{protect}.yaml").write_text(
                _POLICY % (f"p-{protect}", protect, select)
            )
        for number in range(times):
            if number:
                self.sandbox.advance(3600)
            self.tick()

    def tick(self, *, wait: bool = True) -> None:
        app = self.app()
        done = apply_now(app.policies, app.desk, app.decide(), lambda outcome: None)
        failed = [outcome.error for outcome in done.outcomes if outcome.error]
        assert not failed, failed
        if wait:
            self.sandbox.advance(61)

    # --- the restore ----------------------------------------------------------------------------------------------

    def plan(self, stack: str, **asked: Any) -> RestorePlan:
        return self.app().plan_restore(Asked(stack=stack, **asked))

    def kit(self) -> Kit:
        kit = self.app().kit(REGION)
        return replace(kit, clock=QuickClock(kit.clock))

    def carry_out(self, plan: RestorePlan, watch=lambda event: None, **kit: Any) -> Restored:
        return carry_out(plan, replace(self.kit(), **kit), watch)

    def restore(self, stack: str, **asked: Any) -> Restored:
        plan = self.plan(stack, **asked)
        errors = [finding for finding in plan.findings if finding.level == "error"]
        assert not errors, errors
        return self.carry_out(plan)

    # --- what AWS says --------------------------------------------------------------------------------------------

    def tree(self, stack: str, prefix: str = "") -> dict[str, tuple[str, str]]:
        """Path -> (type, physical id) of every resource, nested ones as Child/Logical."""
        found: dict[str, tuple[str, str]] = {}
        for page in self.cfn.get_paginator("list_stack_resources").paginate(StackName=stack):
            for row in page["StackResourceSummaries"]:
                path = prefix + row["LogicalResourceId"]
                found[path] = (row["ResourceType"], row["PhysicalResourceId"])
                if row["ResourceType"] == "AWS::CloudFormation::Stack":
                    found |= self.tree(row["PhysicalResourceId"], f"{path}/")
        return found

    def parameters(self, stack: str) -> dict[str, str]:
        rows = self.cfn.describe_stacks(StackName=stack)["Stacks"][0].get("Parameters", [])
        return {row["ParameterKey"]: row["ParameterValue"] for row in rows}

    def born_from(self, kind: str, physical: str) -> str:
        """The snapshot of a volume, the image of an instance."""
        if kind == "AWS::EC2::Volume":
            return self.ec2.describe_volumes(VolumeIds=[physical])["Volumes"][0]["SnapshotId"]
        found = self.ec2.describe_instances(InstanceIds=[physical])["Reservations"][0]["Instances"][0]
        return found["ImageId"]

    def newest(self, kind: str, source: str) -> str:
        """The newest good point of a source, asked of EC2 by its tags."""
        mine = [
            {"Name": "tag:dr:managed", "Values": ["acme"]},
            {"Name": "tag:dr:source", "Values": [source]},
        ]
        if kind == "AWS::EC2::Volume":
            mine.append({"Name": "tag:dr:kind", "Values": ["snapshot"]})
            rows = self.ec2.describe_snapshots(OwnerIds=["self"], Filters=mine)["Snapshots"]
            good = [(row["StartTime"], row["SnapshotId"]) for row in rows if row["State"] == "completed"]
        else:
            rows = self.ec2.describe_images(Owners=["self"], Filters=mine)["Images"]
            good = [(row["CreationDate"], row["ImageId"]) for row in rows if row["State"] == "available"]
        return max(good)[1]

    def described(self, stack: str) -> Any:
        """All that AWS tells of a stack and its machines and disks."""
        tree = self.tree(stack)
        ids = {
            k: [i for kind, i in tree.values() if kind == k]
            for k in ("AWS::EC2::Volume", "AWS::EC2::Instance")
        }
        return (
            self.cfn.describe_stacks(StackName=stack)["Stacks"],
            self.cfn.get_template(StackName=stack)["TemplateBody"],
            self.cfn.describe_stack_events(StackName=stack)["StackEvents"],
            tree,
            [self.ec2.describe_volumes(VolumeIds=[i])["Volumes"] for i in ids["AWS::EC2::Volume"]],
            [
                self.ec2.describe_instances(InstanceIds=[i])["Reservations"][0]["Instances"]
                for i in ids["AWS::EC2::Instance"]
            ],
        )
