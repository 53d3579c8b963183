"""The small world of the sweeps: an installation, what it protects, and what of all that can be told apart.

Built with boto3 and dr itself, in a sandbox inside this process; `end_state` asks AWS and masks ids and times.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from faults import deployments

from dr.cli import run
from dr.sandbox.clock import clock
from dr.sandbox.corrections import ec2_states

REGION, BUCKET = "eu-west-1", "acme-store"
BEGIN = datetime(2030, 5, 6, 9, 5, tzinfo=UTC)
CONFIG = f"""\
name: acme
regions: [{REGION}]
store: {{primary: {{url: "s3://{BUCKET}/dr", region: {REGION}}}}}
"""
POLICY = """\
policy: %s
protect: %s
select: %s
schedule: "0 * * * *"
keep: {last: 2}
"""
NOTHING_ORPHANED = '{"format": 1, "orphans": {}}'
"""A record that says what no record says."""
SELECT = {"volumes": "{tags: {Tier: data}}", "instances": "{tags: {Tier: data}}", "stacks": "{names: [app]}"}
TEMPLATE = """\
Parameters:
  Image: {Type: "AWS::EC2::Image::Id"}
Resources:
  Data:
    Type: AWS::EC2::Volume
    Properties: {AvailabilityZone: eu-west-1a, Size: 8, Tags: [{Key: Tier, Value: data}]}
  Server:
    Type: AWS::EC2::Instance
    Properties: {ImageId: !Ref Image, InstanceType: t3.micro, Tags: [{Key: Tier, Value: data}]}
"""


@dataclass(kw_only=True)
class World:
    """An account behind `url`, and an installation in `folder`; one that `deploys` takes the account for AWS itself."""

    url: str
    folder: Path
    deploys: bool = False
    _clients: dict[str, Any] = field(default_factory=dict)

    @property
    def environ(self) -> dict[str, str]:
        sandboxed = {"DR_SANDBOX_DIR": str(self.folder), "DR_SANDBOX": "1"}
        keys = {"AWS_ACCESS_KEY_ID": "world", "AWS_SECRET_ACCESS_KEY": "world"}
        return {
            "PATH": os.defpath,
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "AWS_EC2_METADATA_DISABLED": "true",
            **({"AWS_ENDPOINT_URL": self.url, **keys} if self.deploys else sandboxed),
        }

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = boto3.client(
                service,
                region_name=REGION,
                endpoint_url=self.url,
                aws_access_key_id="world",
                aws_secret_access_key="world",
                config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
            )
        return self._clients[service]

    def announce(self) -> None:
        """Let dr find the sandbox, which is this process."""
        running = {"pid": os.getpid(), "url": self.url, "port": int(self.url.rpartition(":")[2])}
        (self.folder / "sandbox.json").write_text(json.dumps({**running, "started": BEGIN.isoformat()}))

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def protect(self, *what: str) -> None:
        for protect in what:
            self.write(f"policies/{protect}.yaml", POLICY % (f"p-{protect}", protect, SELECT[protect]))

    def dr(self, *arguments: str) -> str:
        """Run dr in this process; its stdout."""
        before, out = dict(os.environ), io.StringIO()
        os.environ.clear()
        os.environ.update(self.environ)
        try:
            with contextlib.redirect_stdout(out):
                code = run(["--config", str(self.folder / "dr.yaml"), *arguments])
        finally:
            os.environ.clear()
            os.environ.update(before)
        assert code == 0, (arguments, code, out.getvalue())
        return out.getvalue()

    def sign(self) -> None:
        """Have manifests signed from now on."""
        kms = self.client("kms")
        key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
        kms.create_alias(AliasName="alias/dr-signing", TargetKeyId=key)
        body = base64.encodebytes(kms.get_public_key(KeyId=key)["PublicKey"]).decode()
        self.write("pinned.pem", f"-----BEGIN PUBLIC KEY-----\n{body}-----END PUBLIC KEY-----\n")
        self.write("dr.yaml", f"{CONFIG}signing: {{key: alias/dr-signing, public_key: pinned.pem}}\n")

    # --- what stands in it ----------------------------------------------------------------------------------------

    def build(self) -> None:
        """A store, a volume that stands alone, a stack with a volume and an instance, and a stranger's snapshot."""
        self.write("dr.yaml", CONFIG)
        set_clock(BEGIN)
        s3, ec2, cfn = self.client("s3"), self.client("ec2"), self.client("cloudformation")
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        tags = [{"ResourceType": "volume", "Tags": [{"Key": "Tier", "Value": "data"}]}]
        alone = ec2.create_volume(Size=4, AvailabilityZone="eu-west-1a", TagSpecifications=tags)["VolumeId"]
        ec2.create_snapshot(VolumeId=alone, Description="a stranger's")
        image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
        given = [{"ParameterKey": "Image", "ParameterValue": image}]
        cfn.create_stack(StackName="app", TemplateBody=TEMPLATE, Parameters=given)
        self.settled("app", "CREATE_COMPLETE")

    def settled(self, stack: str, status: str) -> None:
        """Wait for a stack, by its events."""
        cfn = self.client("cloudformation")
        for _ in range(2000):
            found = [s for s in cfn.list_stacks()["StackSummaries"] if s["StackName"] == stack]
            if found and all(not s["StackStatus"].endswith("_IN_PROGRESS") for s in found):
                assert status in [s["StackStatus"] for s in found], found
                return
        raise AssertionError(f"stack {stack} does not settle")

    def delete(self, stack: str) -> None:
        self.client("cloudformation").delete_stack(StackName=stack)
        self.settled(stack, "DELETE_COMPLETE")

    def settle(self) -> None:
        """What hangs becomes good, and stacks come to their end."""
        if self.deploys:
            deployments.settle(self)
        ec2 = self.client("ec2")
        for one in ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]:
            if one["State"] == "pending":
                ec2_states.change(one["SnapshotId"], "completed")
        for one in ec2.describe_images(Owners=["self"])["Images"]:
            if one["State"] == "pending":
                ec2_states.change(one["ImageId"], "available")

    # --- what of it can be told apart -----------------------------------------------------------------------------

    def end_state(self) -> dict[str, list[str]]:
        """Everything that an undisturbed run and a disturbed one must have in common."""
        if self.deploys:
            return deployments.state(self)
        ec2, cfn = self.client("ec2"), self.client("cloudformation")
        snapshots = ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]
        images = [i for i in ec2.describe_images(Owners=["self"])["Images"] if _tags(i).get("dr:managed")]
        born = {p["SnapshotId"]: _snapshot(p) for p in snapshots} | {i["ImageId"]: _image(i) for i in images}
        machines = [m for r in ec2.describe_instances()["Reservations"] for m in r["Instances"]]
        return {
            "snapshots": sorted(born[p["SnapshotId"]] for p in snapshots),
            "images": sorted(map(_image, images)),
            "volumes": sorted(_volume(v, born) for v in ec2.describe_volumes()["Volumes"]),
            "instances": sorted(_instance(m, born) for m in machines),
            "stacks": sorted(self._stack(s) for s in cfn.list_stacks()["StackSummaries"]),
            "store": self._store(),
        }

    def _stack(self, summary: Mapping[str, Any]) -> str:
        rows = self.client("cloudformation").list_stack_resources(StackName=summary["StackId"])
        parts = [f"{r['LogicalResourceId']} {r['ResourceStatus']}" for r in rows["StackResourceSummaries"]]
        return f"{summary['StackName']} {summary['StackStatus']} {sorted(parts)}"

    def _store(self) -> list[str]:
        """Every object's key; of the small facts their content too."""
        s3, found = self.client("s3"), []
        for row in s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
            key = row["Key"]
            said = ""
            if not re.search("/(stacks|blobs|templates|manifests)/", key):
                said = _masked(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode())
            if said != NOTHING_ORPHANED:
                found.append(f"{_masked(key)} {said}")
        return sorted(found)


def set_clock(moment: datetime) -> None:
    """The sandbox in this process has this time from now on; earlier ones too, since each world is a fresh copy."""
    clock._offset = moment - datetime.now(UTC)


def later(hours: int, minutes: int = 0) -> datetime:
    return BEGIN + timedelta(hours=hours, minutes=minutes)


def _tags(thing: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in thing.get("Tags", [])}


def _point(thing: Mapping[str, Any]) -> str:
    tags = _tags(thing)
    facts = ("dr:managed", "dr:policy", "dr:kind", "dr:slot", "dr:source", "dr:version")
    return " ".join(tags.get(key, "-") for key in facts)


def _snapshot(snapshot: Mapping[str, Any]) -> str:
    return f"{_point(snapshot)} {snapshot['VolumeId']} {snapshot['State']}"


def _image(image: Mapping[str, Any]) -> str:
    """The attempt's number at the name's end is masked: a failed attempt may have come before."""
    name = re.sub(r"-a\d+$", "", image["Name"])
    return f"{_point(image)} {name} {image['State']} {len(image.get('BlockDeviceMappings', []))}"


def _volume(volume: Mapping[str, Any], born: Mapping[str, str]) -> str:
    tags = {k: v for k, v in _tags(volume).items() if not k.startswith("aws:cloudformation:stack-id")}
    return _masked(f"{tags} {volume['Size']} from {born.get(volume.get('SnapshotId'), '-')}")


def _instance(machine: Mapping[str, Any], born: Mapping[str, str]) -> str:
    tags = {k: v for k, v in _tags(machine).items() if not k.startswith("aws:cloudformation:stack-id")}
    return _masked(f"{tags} {machine['State']['Name']} from {born.get(machine['ImageId'], '-')}")


def _masked(text: str) -> str:
    """Without ids and times, which differ from run to run."""
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)", "TIME", text)
    text = re.sub(r"\b(snap|ami|vol|i)-[0-9a-f]{8,17}\b", r"\1-ID", text)
    text = re.sub(r'"attempt": \d+', '"attempt": N', text)
    return re.sub(r"\b[0-9a-f]{16,64}\b", "DIGEST", text)
