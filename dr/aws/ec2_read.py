"""EC2's listings: pages of 1,000, filtered on the server, no call per resource."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from dr.aws import filters
from dr.aws.ec2_points import snapshot_state
from dr.aws.ec2_sources import LIVING
from dr.aws.errors import field, translated
from dr.aws.filters import Filter
from dr.aws.pages import BATCH, Row, batches, pages, rows
from dr.aws.rows import (
    IMAGES,
    LOCKS,
    RESERVATIONS,
    SNAPSHOTS,
    VOLUMES,
    ImageRow,
    InstanceRow,
    SnapshotRow,
    VolumeRow,
)
from dr.aws.session import Session
from dr.model import State

PAGE = 1000
"""Items of a page, the most that EC2 gives. Source: EC2 API reference, MaxResults of each Describe call."""
_Asked = tuple[tuple[str, str], Mapping[str, Any]]
"""The IAM action and the Region of a listing, and its request."""


class Ec2Reader:
    """Raw listings of EC2 in one account; `page` is smaller in tests only."""

    def __init__(self, session: Session, page: int = PAGE) -> None:
        self._session = session
        self._page = page

    def enabled(self, home: str, region: str) -> bool:
        """DescribeRegions, asked in the Region `home`: whether the account has enabled the other. Raises our errors."""
        action = "ec2:DescribeRegions"
        with translated(action, home):
            answer = self._session.ec2(home).describe_regions(RegionNames=[region], AllRegions=True)
        rows = field(answer, "Regions", action, home)
        return all(row.get("OptInStatus") != "not-opted-in" for row in rows)

    def volumes(self, region: str, wanted: Sequence[Filter] = ()) -> Iterator[VolumeRow]:
        """DescribeVolumes."""
        where, request = self._volumes(region, wanted)
        return rows(self._session.ec2(region).describe_volumes, VOLUMES, where, request)

    def volumes_by_id(self, region: str, ids: Iterable[str]) -> dict[str, Row]:
        """DescribeVolumes with every field; an id that is not there is absent."""
        call = self._session.ec2(region).describe_volumes
        asked = (self._volumes(region, filters.one_of("volume-id", batch)) for batch in batches(ids))
        found = (row for where, request in asked for row in pages(call, VOLUMES.key, where, request))
        return {row["VolumeId"]: row for row in found}

    def _volumes(self, region: str, wanted: Sequence[Filter]) -> _Asked:
        return ("ec2:DescribeVolumes", region), {"Filters": list(wanted), "MaxResults": self._page}

    def instances(self, region: str, wanted: Sequence[Filter] = ()) -> Iterator[InstanceRow]:
        """DescribeInstances, those that are not on their way out."""
        where, request = self._instances(region, wanted)
        reservations = rows(self._session.ec2(region).describe_instances, RESERVATIONS, where, request)
        return (row for reservation in reservations for row in reservation["Instances"])

    def instances_by_id(self, region: str, ids: Iterable[str]) -> dict[str, Row]:
        """DescribeInstances with every field; an id that is not there is absent."""
        call = self._session.ec2(region).describe_instances
        asked = (self._instances(region, filters.one_of("instance-id", batch)) for batch in batches(ids))
        found = (row for where, request in asked for row in pages(call, RESERVATIONS.key, where, request))
        return {row["InstanceId"]: row for reservation in found for row in reservation["Instances"]}

    def _instances(self, region: str, wanted: Sequence[Filter]) -> _Asked:
        living: list[Filter] = [{"Name": "instance-state-name", "Values": list(LIVING)}]
        return ("ec2:DescribeInstances", region), {"Filters": [*living, *wanted], "MaxResults": self._page}

    def hosts(self, region: str, ids: frozenset[str]) -> dict[str, InstanceRow]:
        """The instances of these ids: by id while one call is enough, else the one listing of the Region."""
        wanted = filters.one_of("instance-id", sorted(ids)) if len(ids) <= BATCH else ()
        return {row["InstanceId"]: row for row in self.instances(region, wanted)} if ids else {}

    def snapshots(self, region: str, wanted: Sequence[Filter]) -> Iterator[SnapshotRow]:
        """DescribeSnapshots, our own account's."""
        where = ("ec2:DescribeSnapshots", region)
        request = {"OwnerIds": ["self"], "Filters": list(wanted), "MaxResults": self._page}
        return rows(self._session.ec2(region).describe_snapshots, SNAPSHOTS, where, request)

    def snapshots_by_id(self, region: str, ids: Iterable[str]) -> Iterator[SnapshotRow]:
        """DescribeSnapshots by filter: an id that is not there is absent and loses no other."""
        for batch in batches(ids):
            yield from self.snapshots(region, filters.one_of("snapshot-id", batch))

    def images(self, region: str, wanted: Sequence[Filter] = ()) -> tuple[ImageRow, ...]:
        """DescribeImages, our own account's, disabled and deprecated ones too."""
        where = ("ec2:DescribeImages", region)
        request = {
            "Owners": ["self"],
            "Filters": list(wanted),
            "IncludeDeprecated": True,
            "IncludeDisabled": True,
            "MaxResults": self._page,
        }
        return tuple(rows(self._session.ec2(region).describe_images, IMAGES, where, request))

    def images_by_id(self, region: str, ids: Iterable[str]) -> tuple[ImageRow, ...]:
        """DescribeImages by filter."""
        return tuple(
            row for batch in batches(ids) for row in self.images(region, filters.one_of("image-id", batch))
        )

    def usable(self, region: str, ids: Iterable[str]) -> frozenset[str]:
        """Which of these images and snapshots something can be born from now: ours, shared and public ones.

        Without an owner, EC2 answers with all that this account may use. Source: EC2 API reference, DescribeImages,
        DescribeSnapshots. A deprecated image can still be used.
        """
        wanted = tuple(ids)
        client = self._session.ec2(region)
        found: set[str] = set()
        for batch in batches([one for one in wanted if one.startswith("ami-")]):
            where = [*filters.one_of("image-id", batch), *filters.one_of("state", ["available"])]
            request = {"Filters": where, "IncludeDeprecated": True, "MaxResults": self._page}
            images = rows(client.describe_images, IMAGES, ("ec2:DescribeImages", region), request)
            found |= {row["ImageId"] for row in images}
        for batch in batches([one for one in wanted if one.startswith("snap-")]):
            where = [*filters.one_of("snapshot-id", batch), *filters.one_of("status", ["completed"])]
            request = {"Filters": where, "MaxResults": self._page}
            snapshots = rows(client.describe_snapshots, SNAPSHOTS, ("ec2:DescribeSnapshots", region), request)
            found |= {row["SnapshotId"] for row in snapshots}
        return frozenset(found)

    def images_on(self, region: str, snapshots: Iterable[str]) -> tuple[ImageRow, ...]:
        """The images that are built on these snapshots."""
        name = "block-device-mapping.snapshot-id"
        return tuple(
            row for batch in batches(snapshots) for row in self.images(region, filters.one_of(name, batch))
        )

    def locked(self, region: str) -> frozenset[str]:
        """Ids of snapshots under a lock that still holds.

        One listing: asking by id would fail as a whole for one snapshot that is gone.
        """
        where = ("ec2:DescribeLockedSnapshots", region)
        request = {"MaxResults": self._page}
        locks = rows(self._session.ec2(region).describe_locked_snapshots, LOCKS, where, request)
        return frozenset(row["SnapshotId"] for row in locks if row.get("LockState") != "expired")

    def states(self, region: str, ids: Iterable[str]) -> dict[str, State]:
        """What these snapshots are worth; one that is not there is absent."""
        return {row["SnapshotId"]: snapshot_state(row) for row in self.snapshots_by_id(region, ids)}
