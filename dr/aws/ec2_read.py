"""EC2's listings: pages of 1,000, filtered on the server, no call per resource."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dr.aws import filters
from dr.aws.ec2_points import Listing, inside, is_ours, snapshot_state
from dr.aws.ec2_sources import LIVING
from dr.aws.filters import Filter
from dr.aws.pages import BATCH, Row, batches, pages
from dr.aws.session import Session
from dr.model import State

PAGE = 1000
"""Items of a page, the most that EC2 gives. Source: EC2 API reference, MaxResults of each Describe call."""


class Ec2Reader:
    """Raw listings of EC2 in one account; `page` is smaller in tests only."""

    def __init__(self, session: Session, page: int = PAGE) -> None:
        self._session = session
        self._page = page

    def volumes(self, region: str, wanted: Sequence[Filter] = ()) -> tuple[Row, ...]:
        """DescribeVolumes."""
        where = ("ec2:DescribeVolumes", region)
        request = {"Filters": list(wanted), "MaxResults": self._page}
        return tuple(pages(self._session.ec2(region).describe_volumes, "Volumes", where, request))

    def volumes_by_id(self, region: str, ids: Iterable[str]) -> dict[str, Row]:
        """DescribeVolumes; an id that is not there is absent."""
        found = (
            row for batch in batches(ids) for row in self.volumes(region, filters.one_of("volume-id", batch))
        )
        return {row["VolumeId"]: row for row in found}

    def instances(self, region: str, wanted: Sequence[Filter] = ()) -> tuple[Row, ...]:
        """DescribeInstances, those that are not on their way out."""
        where = ("ec2:DescribeInstances", region)
        living: list[Filter] = [{"Name": "instance-state-name", "Values": list(LIVING)}]
        request = {"Filters": [*living, *wanted], "MaxResults": self._page}
        reservations = pages(self._session.ec2(region).describe_instances, "Reservations", where, request)
        return tuple(row for reservation in reservations for row in reservation["Instances"])

    def instances_by_id(self, region: str, ids: Iterable[str]) -> dict[str, Row]:
        """DescribeInstances; an id that is not there is absent."""
        found = (
            row
            for batch in batches(ids)
            for row in self.instances(region, filters.one_of("instance-id", batch))
        )
        return {row["InstanceId"]: row for row in found}

    def hosts(self, region: str, ids: frozenset[str]) -> dict[str, Row]:
        """The instances of these ids: by id while one call is enough, else the one listing of the Region."""
        if len(ids) <= BATCH:
            return self.instances_by_id(region, sorted(ids))
        return {row["InstanceId"]: row for row in self.instances(region)}

    def snapshots(self, region: str, wanted: Sequence[Filter]) -> tuple[Row, ...]:
        """DescribeSnapshots, our own account's."""
        where = ("ec2:DescribeSnapshots", region)
        request = {"OwnerIds": ["self"], "Filters": list(wanted), "MaxResults": self._page}
        return tuple(pages(self._session.ec2(region).describe_snapshots, "Snapshots", where, request))

    def snapshots_by_id(self, region: str, ids: Iterable[str]) -> tuple[Row, ...]:
        """DescribeSnapshots by filter: an id that is not there is absent and loses no other."""
        return tuple(
            row
            for batch in batches(ids)
            for row in self.snapshots(region, filters.one_of("snapshot-id", batch))
        )

    def images(self, region: str, wanted: Sequence[Filter] = ()) -> tuple[Row, ...]:
        """DescribeImages, our own account's, disabled and deprecated ones too."""
        where = ("ec2:DescribeImages", region)
        request = {
            "Owners": ["self"],
            "Filters": list(wanted),
            "IncludeDeprecated": True,
            "IncludeDisabled": True,
            "MaxResults": self._page,
        }
        return tuple(pages(self._session.ec2(region).describe_images, "Images", where, request))

    def images_by_id(self, region: str, ids: Iterable[str]) -> tuple[Row, ...]:
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
            rows = pages(client.describe_images, "Images", ("ec2:DescribeImages", region), request)
            found |= {row["ImageId"] for row in rows}
        for batch in batches([one for one in wanted if one.startswith("snap-")]):
            where = [*filters.one_of("snapshot-id", batch), *filters.one_of("status", ["completed"])]
            request = {"Filters": where, "MaxResults": self._page}
            rows = pages(client.describe_snapshots, "Snapshots", ("ec2:DescribeSnapshots", region), request)
            found |= {row["SnapshotId"] for row in rows}
        return frozenset(found)

    def images_on(self, region: str, snapshots: Iterable[str]) -> tuple[Row, ...]:
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
        rows = pages(self._session.ec2(region).describe_locked_snapshots, "Snapshots", where, request)
        return frozenset(row["SnapshotId"] for row in rows if row.get("LockState") != "expired")

    def untagged_parts(self, listing: Listing) -> dict[str, State]:
        """States of snapshots inside images of ours that the listing by tag lacks; normally there are none."""
        known = {row["SnapshotId"] for row in listing.snapshots}
        needed = [part for image in listing.images if is_ours(image, listing) for part in inside(image)]
        missing = [part for part in needed if part not in known]
        return {
            row["SnapshotId"]: snapshot_state(row) for row in self.snapshots_by_id(listing.region, missing)
        }
