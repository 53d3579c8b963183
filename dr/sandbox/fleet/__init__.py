"""What a new sandbox holds: stacks, loose volumes and instances, tagged and untagged, in two Regions.

Everything is made through the same AWS calls that a person would make, so that nothing in it is out of the ordinary.
"""

from __future__ import annotations

import time
from importlib.resources import files
from typing import Any

from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from dr.sandbox.clients import client
from dr.sandbox.setting import AWAY, HOME, SECRET, STAGING

_PASSWORD = "correct-horse-battery"  # noqa: S105 - a made-up value of a made-up database
_IMAGE = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
_STACK_WITHIN = 60.0
"""Seconds; about two are usual."""


def seed(url: str) -> None:
    """Fill the sandbox at this URL. Raises `RuntimeError` when a stack of it does not come up."""
    seeder = _Seeder(url)
    seeder.home()
    seeder.away()


def lose(url: str, stack: str) -> bool:
    """Delete a stack of the home Region and wait until it is gone; False when there is none, or it stays."""
    cloudformation = client(url, "cloudformation", HOME)
    try:
        (found,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    except (ClientError, ResponseParserError):  # a name that XML cannot repeat is not one of a stack
        return False
    cloudformation.delete_stack(StackName=stack)
    end = time.monotonic() + _STACK_WITHIN
    while time.monotonic() < end:
        (row,) = cloudformation.describe_stacks(StackName=found["StackId"])["Stacks"]
        if not row["StackStatus"].endswith("_IN_PROGRESS"):
            return bool(row["StackStatus"] == "DELETE_COMPLETE")
        time.sleep(0.05)
    return False


class _Seeder:
    """Clients of one sandbox."""

    def __init__(self, url: str) -> None:
        self._url = url

    def client(self, service: str, region: str) -> Any:
        """A client of this sandbox."""
        return client(self._url, service, region)

    def home(self) -> None:
        """The Region with production."""
        self.client("ssm", HOME).put_parameter(Name=SECRET, Value=_PASSWORD, Type="SecureString")
        s3 = self.client("s3", HOME)
        s3.create_bucket(Bucket=STAGING, CreateBucketConfiguration={"LocationConstraint": HOME})
        self._stack(HOME, "prod", {"DbPassword": _PASSWORD})
        self._stack(HOME, "wiki", {})
        ec2 = self.client("ec2", HOME)
        self._volume(ec2, f"{HOME}a", {"Name": "ledger", "Environment": "prod", "Tier": "db"})
        self._volume(ec2, f"{HOME}a", {"Name": "scratch", "Environment": "prod", "Backup": "skip"})
        self._volume(ec2, f"{HOME}b", {})
        self._instance(HOME, {"Name": "bastion"})

    def away(self) -> None:
        """A second Region with a little of its own."""
        ec2 = self.client("ec2", AWAY)
        self._volume(ec2, f"{AWAY}a", {"Name": "archive", "Environment": "prod", "Tier": "files"})
        self._volume(ec2, f"{AWAY}b", {})
        self._instance(AWAY, {"Name": "relay", "Environment": "prod", "Backup": "nightly"})

    def _stack(self, region: str, name: str, parameters: dict[str, str]) -> None:
        cloudformation = self.client("cloudformation", region)
        body = files(__name__).joinpath(f"{name}.yaml").read_text(encoding="utf-8")
        given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
        cloudformation.create_stack(StackName=name, TemplateBody=body, Parameters=given)
        end = time.monotonic() + _STACK_WITHIN
        while time.monotonic() < end:
            (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
            if stack["StackStatus"] == "CREATE_COMPLETE":
                return
            if not stack["StackStatus"].endswith("_IN_PROGRESS"):
                break
            time.sleep(0.05)
        raise RuntimeError(f"stack {name}: {stack['StackStatus']}: {stack.get('StackStatusReason')}")

    def _volume(self, ec2: Any, zone: str, tags: dict[str, str]) -> None:
        ec2.create_volume(AvailabilityZone=zone, Size=10, VolumeType="gp3", **_tags("volume", tags))

    def _instance(self, region: str, tags: dict[str, str]) -> None:
        image = self.client("ssm", region).get_parameter(Name=_IMAGE)["Parameter"]["Value"]
        ec2 = self.client("ec2", region)
        ec2.run_instances(
            ImageId=image, InstanceType="t3.micro", MinCount=1, MaxCount=1, **_tags("instance", tags)
        )


def _tags(kind: str, tags: dict[str, str]) -> dict[str, Any]:
    if not tags:
        return {}
    return {
        "TagSpecifications": [
            {"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
        ]
    }
