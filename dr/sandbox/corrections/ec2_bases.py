"""Public images of Amazon to launch from, one set a Region, and the public parameters that name them.

moto ships 1,301 images whose snapshots would all be listed; the fleet needs a few, with root snapshots that are Amazon's.
Source: EC2 User Guide, "Reference AMIs using Systems Manager parameters"; AL2023 User Guide, names of AMIs and parameters.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

from moto.ec2.models import amis
from moto.ssm import models as ssm

from dr.sandbox.corrections import ec2_images, ec2_snapshots, replace

OWNER = "137112412989"  # Amazon's account for Amazon Linux
ROOT = "/dev/xvda"
SIZE = 8  # GiB
BORN = dt.datetime(2024, 11, 21, 20, 0, 0)  # noqa: DTZ001 - moto's times are naive UTC
PARAMETERS = "/aws/service/ami-amazon-linux-latest/"

# name of the image -> architecture, and the parameters that name it
BASES = {
    "al2023-ami-2023.6.20241121.0-kernel-6.1-x86_64": (
        "x86_64",
        ("al2023-ami-kernel-default-x86_64", "al2023-ami-kernel-6.1-x86_64"),
    ),
    "al2023-ami-2023.6.20241121.0-kernel-6.1-arm64": (
        "arm64",
        ("al2023-ami-kernel-default-arm64", "al2023-ami-kernel-6.1-arm64"),
    ),
    "amzn2-ami-hvm-2.0.20241113.1-x86_64-gp2": ("x86_64", ("amzn2-ami-hvm-x86_64-gp2",)),
}


def install() -> None:
    """Seed the images with every backend, and the parameters where they are asked for."""
    replace.method(amis.AmiBackend, "_load_amis", _load)
    replace.method(ssm.ParameterDict, "_load_latest_amis", _load_parameters)


def _load(self: Any) -> None:
    for name, (architecture, _) in BASES.items():
        image_id = _identifier("ami", name, self.region_name)
        image = ec2_images.Image(
            self,
            [_root(self, name, image_id)],
            ami_id=image_id,
            name=name,
            description=f"Amazon Linux, {architecture}",
            owner_id=OWNER,
            owner_alias=ec2_snapshots.AMAZON,
            public=True,
            architecture=architecture,
            virtualization_type="hvm",
            creation_date=BORN,
            root_device_name=ROOT,
            image_location=f"{ec2_snapshots.AMAZON}/{name}",
        )
        self.amis[image_id] = image


def _root(backend: Any, name: str, image_id: str) -> dict[str, Any]:
    volume = backend.create_volume(size=SIZE, zone_name=f"{backend.region_name}a")
    snapshot = backend.create_snapshot(
        volume.id, f"Created by CreateImage for {image_id}", OWNER, from_ami=image_id
    )
    backend.delete_volume(volume.id)
    del backend.snapshots[snapshot.id]
    snapshot.id = _identifier("snap", name, backend.region_name)
    snapshot.owner_alias = ec2_snapshots.AMAZON
    snapshot.start_time = snapshot.ready_at = BORN
    snapshot.create_volume_permission_groups.add("all")
    backend.snapshots[snapshot.id] = snapshot
    ebs = {
        "SnapshotId": snapshot.id,
        "VolumeSize": SIZE,
        "VolumeType": "gp3",
        "Encrypted": False,
        "DeleteOnTermination": True,
    }
    return {"DeviceName": ROOT, "Ebs": ebs}


def _identifier(kind: str, name: str, region: str) -> str:
    """The same in every run, another one in every Region."""
    return f"{kind}-{hashlib.sha256(f'{kind} {name} {region}'.encode()).hexdigest()[:17]}"


def _load_parameters(self: Any) -> None:
    for name, (_, parameters) in BASES.items():
        for parameter in parameters:
            self.setdefault(PARAMETERS + parameter, []).append(
                _parameter(self, PARAMETERS + parameter, _identifier("ami", name, self.region_name))
            )


def _parameter(store: Any, name: str, image_id: str) -> Any:
    return ssm.Parameter(
        account_id=store.account_id,
        name=name,
        value=image_id,
        parameter_type="String",
        description=None,
        allowed_pattern=None,
        keyid=None,
        last_modified_date=BORN.timestamp(),
        version=1,
        data_type="aws:ec2:image",
    )
