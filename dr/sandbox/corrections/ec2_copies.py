"""Copies of snapshots and images into another Region: new snapshots, pending first, without the source's tags."""

from __future__ import annotations

import copy
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import ec2_backends
from moto.ec2.models import elastic_block_store as ebs
from moto.ec2.responses.amis import AmisResponse
from moto.ec2.responses.elastic_block_store import ElasticBlockStore
from moto.ec2.utils import random_ami_id, random_snapshot_id

from dr.sandbox.corrections import ec2_images, ec2_tags, replace
from dr.sandbox.corrections.values import truthy

NO_VOLUME = "vol-ffffffff"  # a copy's volume id is arbitrary. Source: EC2 API Reference, CopySnapshot


def install() -> None:
    """Apply the corrections of copies."""
    replace.method(ebs.EBSBackend, "copy_snapshot", _copy)
    replace.method(ElasticBlockStore, "copy_snapshot", _copy_snapshot)
    replace.method(AmisResponse, "copy_image", _copy_image)


def _copy(
    self: Any,
    source_snapshot_id: str,
    source_region: str,
    description: str,
    kms_key_id: str | None,
    encrypted: bool = False,
) -> Any:
    """A new snapshot of the source's data; encrypted if the source is, or on request. Source: EC2 API Reference, CopySnapshot."""
    source = ec2_backends[self.account_id][source_region].get_snapshot(source_snapshot_id)
    if source.status != "completed":
        raise EC2ClientError("IncorrectState", f"Snapshot is in invalid state - {source.status}")
    encrypted = bool(encrypted or source.encrypted or kms_key_id)
    key = kms_key_id or (self._create_default_encryption_key() if encrypted else None)
    made = ebs.Snapshot(
        self, random_snapshot_id(), source.volume, description or "", encrypted=encrypted, kms_key_id=key
    )
    made.volume.id = NO_VOLUME
    self.snapshots[made.id] = made
    return made


def _copy_snapshot(self: Any) -> ActionResult:
    """Source: EC2 API Reference, CopySnapshot, Encrypted and KmsKeyId; tags come from TagSpecification alone."""
    tags = ec2_tags.of_specification(self, "snapshot")
    self.error_on_dryrun()
    made = self.ec2_backend.copy_snapshot(
        source_snapshot_id=self._get_param("SourceSnapshotId"),
        source_region=self._get_param("SourceRegion"),
        description=self._get_param("Description"),
        kms_key_id=self._get_param("KmsKeyId"),
        encrypted=truthy(self._get_param("Encrypted", False)),
    )
    made.add_tags(tags)
    return ActionResult({"SnapshotId": made.id, "Tags": made.tag_set})


def _copy_image(self: Any) -> ActionResult:
    """Source: EC2 API Reference, CopyImage: each snapshot is copied; tags only with CopyImageTags or TagSpecification."""
    backend = self.ec2_backend
    tags, parts = ec2_tags.of_specification(self, "image"), ec2_tags.of_specification(self, "snapshot")
    self.error_on_dryrun()
    source = _source(self)
    ec2_images.check_name(backend, self._get_param("Name"))
    image_id = random_ami_id()
    image = ec2_images.Image(
        backend,
        [_copied(self, source, mapping, image_id, parts) for mapping in source.block_device_mappings],
        ami_id=image_id,
        source_ami=source,
        name=self._get_param("Name"),
        description=self._get_param("Description") or source.description,
        root_device_name=source.root_device_name,
    )
    if truthy(self._get_param("CopyImageTags", False)):
        image.add_tags(
            {tag["key"]: tag["value"] for tag in source.get_tags() if not tag["key"].startswith("aws:")}
        )
    image.add_tags(tags)
    backend.amis[image_id] = image
    return ActionResult({"ImageId": image_id})


def _source(response: Any) -> Any:
    """Source: EC2 error codes, InvalidAMIID.Unavailable: a pending or deregistered image cannot be copied."""
    asked = response._get_param("SourceImageId")
    found = ec2_backends[response.current_account][response._get_param("SourceRegion")].describe_images(
        ami_ids=[asked]
    )
    if not found or found[0].state != "available":
        raise EC2ClientError("InvalidAMIID.Unavailable", f"The image id '[{asked}]' is not available")
    return found[0]


def _copied(
    response: Any, source: Any, mapping: dict[str, Any], image_id: str, tags: dict[str, str]
) -> dict[str, Any]:
    mapping = copy.deepcopy(mapping)
    original = mapping.get("Ebs", {}).get("SnapshotId")
    if original:
        made = response.ec2_backend.copy_snapshot(
            source_snapshot_id=original,
            source_region=response._get_param("SourceRegion"),
            description=f"Copied for DestinationAmi {image_id} from SourceAmi {source.id} for SourceSnapshot {original}.",
            kms_key_id=response._get_param("KmsKeyId"),
            encrypted=truthy(response._get_param("Encrypted", False)),
        )
        made.from_ami = image_id
        made.add_tags(tags)
        mapping["Ebs"] |= {"SnapshotId": made.id, "Encrypted": bool(made.encrypted)}
    return mapping
