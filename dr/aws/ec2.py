"""`Ec2Cloud`: ports.Cloud on EC2.

What a listing costs: points = DescribeSnapshots by tag + DescribeImages + DescribeLockedSnapshots, each in pages of
1,000. Images are listed without a tag filter, because a snapshot of ours that somebody else's image of this account
is built on must not be deleted; an account has far fewer images than snapshots. Volumes cost one DescribeInstances
besides, when any of them is attached: selectors by instance tags and boot or data need it, and the port cannot tell.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial

from dr import layout
from dr.aws import ec2_write, filters
from dr.aws.ec2_points import Listing, holdings, owned_images, owned_snapshots
from dr.aws.ec2_read import PAGE, Ec2Reader
from dr.aws.ec2_sources import attached_to, instance_sources, volume_sources
from dr.aws.filters import Filter
from dr.aws.pages import batches
from dr.aws.session import Session
from dr.errors import CloudError, EnvironmentFailed, UsageError
from dr.model import Holdings, Kind, Lineage, Protect, RecoveryPoint, Source, TagPatterns
from dr.ports import ImageTags, Owned


class Ec2Cloud:
    """EC2 of one account, for one installation."""

    def __init__(self, session: Session, installation: str, page: int = PAGE) -> None:
        self._session = session
        self._installation = installation
        self._read = Ec2Reader(session, page)

    @property
    def account(self) -> str:
        """The account's id, asked of STS once."""
        return self._session.account()

    def skew(self) -> float | None:
        """Seconds by which this machine's clock is ahead of AWS's `Date`; None before the first answer."""
        return self._session.skew()

    def enabled(self, region: str) -> bool:
        """Whether the account has enabled this Region, as another knows; True where none tells."""
        for home in self._session.asked_of_sts:
            with suppress(CloudError, EnvironmentFailed):
                return self._read.enabled(home, region)
        return True

    def sources(self, protect: Protect, region: str, tags: TagPatterns) -> tuple[Source, ...]:
        """Volumes or instances whose tags match."""
        wanted = filters.matching(tags)
        match protect:
            case Protect.VOLUMES:
                return self._volumes(region, wanted)
            case Protect.INSTANCES:
                return instance_sources(self._read.instances(region, wanted), self.account, region)
            case Protect.STACKS:
                raise UsageError("stacks are sources of CloudFormation, not of EC2")

    def _volumes(self, region: str, wanted: list[Filter]) -> tuple[Source, ...]:
        volumes = tuple(self._read.volumes(region, wanted))
        attachments = [attachment for row in volumes if (attachment := attached_to(row)) is not None]
        hosts = self._read.hosts(region, frozenset(a["InstanceId"] for a in attachments))
        return volume_sources(volumes, hosts, self.account, region)

    def points(self, region: str) -> Holdings:
        """Every snapshot and image of this installation, with their states, and the parts of images."""
        listing = replace(
            self._listing(region),
            snapshots=self._read.snapshots(region, filters.ours(self._installation)),
            images=self._read.images(region),
            locked=self._read.locked(region),
        )
        return self._holdings(listing)

    def points_of(self, region: str, sources: Collection[str]) -> Holdings:
        """The points of these sources alone, of every policy; what is locked or in use is not asked for."""
        looks = [self._points_of(region, batch) for batch in batches(sorted(sources))]
        return Holdings(
            points=tuple(point for look in looks for point in look.points),
            parts=tuple(part for look in looks for part in look.parts),
        )

    def _points_of(self, region: str, sources: Sequence[str]) -> Holdings:
        wanted = [*filters.ours(self._installation), *filters.one_of(f"tag:{layout.SOURCE}", sources)]
        listing = replace(
            self._listing(region),
            snapshots=self._read.snapshots(region, wanted),
            images=self._read.images(region, wanted),
        )
        return self._holdings(listing)

    def find(self, lineage: Lineage, slot: datetime, kind: Kind) -> tuple[RecoveryPoint, ...]:
        """Points of one slot, by their identity tags."""
        region = lineage.region
        wanted = filters.tagged(
            {
                layout.MANAGED: self._installation,
                layout.POLICY: lineage.policy,
                layout.SLOT: layout.slot_text(slot),
                layout.SOURCE: lineage.source,
            }
        )
        listing = self._listing(region)
        if kind is Kind.SNAPSHOT:
            listing = replace(listing, snapshots=self._read.snapshots(region, wanted))
        elif kind is Kind.IMAGE:
            listing = replace(listing, images=self._read.images(region, wanted))
        found = self._holdings(listing).points
        return tuple(point for point in found if (point.lineage, point.slot) == (lineage, slot))

    def image_named(self, region: str, name: str) -> RecoveryPoint | None:
        """Our image of that name; None when there is none or it is not ours."""
        images = self._read.images(region, filters.one_of("name", [name]))
        points = self._holdings(replace(self._listing(region), images=images)).points
        return points[0] if points else None

    def owned(self, region: str, kind: Kind, ids: Sequence[str]) -> Mapping[str, Owned]:
        """Read again which of these ids are ours; what is gone or foreign is absent."""
        if not ids:
            return {}
        listing = replace(self._listing(region), locked=self._read.locked(region))
        if kind is Kind.IMAGE:
            return owned_images(replace(listing, images=self._read.images_by_id(region, ids)))
        return owned_snapshots(
            replace(
                listing,
                snapshots=self._read.snapshots_by_id(region, ids),
                images=self._read.images_on(region, ids),
            )
        )

    def create_snapshot(self, region: str, volume: str, tags: Mapping[str, str]) -> str:
        """One attempt at CreateSnapshot; the id."""
        return ec2_write.create_snapshot(self._session, region, volume, tags)

    def create_image(self, region: str, instance: str, name: str, tags: ImageTags, *, reboot: bool) -> str:
        """One attempt at CreateImage; the id. Raises `Taken` when the name is in use."""
        return ec2_write.create_image(self._session, region, instance, name, tags, reboot=reboot)

    def delete_snapshot(self, region: str, snapshot: str) -> None:
        """Delete; a snapshot that is not there is success. Raises `InUse` when an image needs it."""
        ec2_write.delete_snapshot(self._session, region, snapshot)

    def deregister_image(self, region: str, image: str) -> None:
        """Deregister; an image that is not there is success. Its snapshots stay."""
        ec2_write.deregister_image(self._session, region, image)

    def _listing(self, region: str) -> Listing:
        return Listing(installation=self._installation, account=self.account, region=region)

    def _holdings(self, listing: Listing) -> Holdings:
        return holdings(listing, partial(self._read.states, listing.region))
