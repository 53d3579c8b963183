"""An installation whose package is deployed, with its volume and its store in the sandbox."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import deploying
from emulator import REGION, Emulator

from dr.config import parse_config
from dr.deploy.package import Package, code_files, installation_files, package

TEMPLATE = Path(__file__).with_name("tick.yaml").read_text()
_CONFIG = "name: acme\nregions: [eu-west-1]\nstore: {primary: {url: 's3://acme-store', region: eu-west-1}}\n"


def installed(folder: Path) -> Package:
    """The package of an installation with a policy for volumes and one for stacks.

    Their slots are half a day from now: none goes by in a test.
    """
    noon = (datetime.now(UTC) + timedelta(hours=12)).hour
    policy = f'policy: volumes\nprotect: volumes\nselect: {{tags: {{Tier: db}}}}\nschedule: "0 {noon} * * *"\nkeep: {{last: 3}}\n'
    folder.mkdir()
    (folder / "dr.yaml").write_text(_CONFIG)
    config = parse_config(_CONFIG, str(folder / "dr.yaml"))
    stacks = policy.replace("volumes", "stacks").replace("{tags: {Tier: db}}", '{names: ["*-web"]}')
    policies = {"a.yaml": policy.encode(), "b.yaml": stacks.encode()}
    return package(code_files() | installation_files(config, policies))


def furnish(sandbox: Any) -> str:
    """Empty the sandbox, put the store's bucket and one volume of the policy into it, and return the volume."""
    sandbox.reset()
    constraint = {"LocationConstraint": REGION}
    sandbox.client("s3").create_bucket(Bucket="acme-store", CreateBucketConfiguration=constraint)
    tags = [{"Key": "Tier", "Value": "db"}]
    made = sandbox.client("ec2").create_volume(
        AvailabilityZone=f"{REGION}a",
        Size=1,
        TagSpecifications=[{"ResourceType": "volume", "Tags": tags}],
    )
    return made["VolumeId"]


def snapshots(sandbox: Any) -> list[dict[str, Any]]:
    """Those of the installation."""
    mine = [{"Name": "tag:dr:managed", "Values": ["acme"]}]
    return sandbox.client("ec2").describe_snapshots(OwnerIds=["self"], Filters=mine)["Snapshots"]


def parameters(aws: Emulator, name: str, made: Package) -> dict[str, str]:
    """Those of the template, without a schedule."""
    key = deploying.upload(aws, f"{made.sha256}.zip", made.data)
    return {"Name": name, "Bucket": deploying.PACKAGES, "Key": key}
