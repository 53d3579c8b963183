"""A fleet as EC2 tells it: pages of XML, rendered once, so that the endpoint costs next to nothing.

Half of the snapshots are dr's, with eight tags each, of hourly slots that end with the last full hour; the others are a
stranger's, with none. Volumes lie evenly in ten groups, one for each policy, and in instances.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import NamedTuple

INSTALLATION, GROUPS = "bench", 10
XMLNS = "http://ec2.amazonaws.com/doc/2016-11-15/"


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """How many of each; `now` is the moment that slots are counted back from."""

    now: datetime
    snapshots: int = 12_000
    volumes: int = 800
    instances: int = 400
    images: int = 200
    page: int = 1000

    @cached_property
    def pages(self) -> dict[str, list[bytes]]:
        """The pages of each listing; `DescribeSnapshots ours` are those with dr's tag."""
        return {
            "DescribeSnapshots": self._pages(
                "DescribeSnapshots", "snapshotSet", [*self._ours, *self._theirs()]
            ),
            "DescribeSnapshots ours": self._pages("DescribeSnapshots", "snapshotSet", self._ours),
            "DescribeVolumes": self._pages("DescribeVolumes", "volumeSet", list(self._volumes())),
            "DescribeInstances": self._pages("DescribeInstances", "reservationSet", list(self._instances())),
            "DescribeImages": self._pages("DescribeImages", "imagesSet", list(self._images())),
            "DescribeLockedSnapshots": self._pages("DescribeLockedSnapshots", "snapshotSet", []),
        }

    def group(self, number: int) -> list[bytes]:
        """The volumes of one group."""
        rows = [row for n, row in enumerate(self._volumes()) if n % GROUPS == number]
        return self._pages("DescribeVolumes", "volumeSet", rows)

    def of_ours(self, ids: Iterable[str]) -> bytes:
        """These snapshots of dr's, on one page."""
        rows = (self._ours[int(identity.removeprefix("snap-"), 16)] for identity in ids)
        return listing("DescribeSnapshots", "snapshotSet", rows)

    def _pages(self, action: str, tag: str, rows: list[str]) -> list[bytes]:
        parts = [rows[start : start + self.page] for start in range(0, len(rows), self.page)] or [[]]
        return [
            listing(action, tag, part, number + 1 if number + 1 < len(parts) else None)
            for number, part in enumerate(parts)
        ]

    @cached_property
    def _ours(self) -> list[str]:
        return list(self._ours_in_turn())

    def _ours_in_turn(self) -> Iterator[str]:
        last = self.now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
        for number in range(self.snapshots // 2):
            volume = number % self.volumes
            slot = last - timedelta(hours=number // self.volumes)
            tags = {
                "dr:managed": INSTALLATION,
                "dr:policy": f"group-{volume % GROUPS}",
                "dr:slot": f"{slot:%Y%m%dT%H%M%SZ}",
                "dr:kind": "snapshot",
                "dr:source": _id("vol", volume),
                "dr:version": "0.1.0",
                "Name": f"data-{volume}",
                "Group": f"g{volume % GROUPS}",
            }
            yield snapshot(Snapshot(number, _id("vol", volume), slot + timedelta(seconds=40), tags))

    def _theirs(self) -> Iterator[str]:
        for number in range(self.snapshots // 2, self.snapshots):
            began = self.now - timedelta(days=number % 900)
            yield snapshot(Snapshot(number, _id("vol", number % self.volumes), began, {}))

    def _volumes(self) -> Iterator[str]:
        for number in range(self.volumes):
            host = number % self.instances
            yield _item(
                f"<volumeId>{_id('vol', number)}</volumeId><size>8</size><snapshotId/>"
                f"<availabilityZone>eu-west-1a</availabilityZone><status>in-use</status>"
                f"<createTime>{_time(self.now - timedelta(days=400))}</createTime><attachmentSet><item>"
                f"<volumeId>{_id('vol', number)}</volumeId><instanceId>{_id('i', host)}</instanceId>"
                f"<device>/dev/sd{chr(97 + number // self.instances % 20)}</device><status>attached</status>"
                f"<attachTime>{_time(self.now - timedelta(days=400))}</attachTime>"
                f"<deleteOnTermination>false</deleteOnTermination></item></attachmentSet>"
                f"{_tags({'Name': f'data-{number}', 'Group': f'g{number % GROUPS}'})}"
                f"<volumeType>gp3</volumeType><iops>3000</iops><encrypted>true</encrypted>"
            )

    def _instances(self) -> Iterator[str]:
        for number in range(self.instances):
            disks = "".join(
                f"<item><deviceName>/dev/sd{chr(97 + place % 20)}</deviceName><ebs><volumeId>{_id('vol', volume)}</volumeId>"
                f"<status>attached</status><attachTime>{_time(self.now - timedelta(days=400))}</attachTime></ebs></item>"
                for place, volume in enumerate(range(number, self.volumes, self.instances))
            )
            yield _item(
                f"<reservationId>{_id('r', number)}</reservationId><ownerId>123456789012</ownerId><instancesSet><item>"
                f"<instanceId>{_id('i', number)}</instanceId><imageId>{_id('ami', 0)}</imageId>"
                f"<instanceState><code>16</code><name>running</name></instanceState><instanceType>m5.large</instanceType>"
                f"<launchTime>{_time(self.now - timedelta(days=9))}</launchTime><rootDeviceType>ebs</rootDeviceType>"
                f"<rootDeviceName>/dev/sda</rootDeviceName><blockDeviceMapping>{disks}</blockDeviceMapping>"
                f"{_tags({'Name': f'host-{number}'})}</item></instancesSet>"
            )

    def _images(self) -> Iterator[str]:
        for number in range(self.images):
            yield _item(
                f"<imageId>{_id('ami', number)}</imageId><imageState>available</imageState>"
                f"<imageOwnerId>123456789012</imageOwnerId><creationDate>{_time(self.now - timedelta(days=30))}</creationDate>"
                f"<name>golden-{number}</name><rootDeviceName>/dev/sda1</rootDeviceName><blockDeviceMapping><item>"
                f"<deviceName>/dev/sda1</deviceName><ebs><snapshotId>{_id('snap', self.snapshots + number)}</snapshotId>"
                f"<volumeSize>8</volumeSize><volumeType>gp3</volumeType><encrypted>false</encrypted></ebs></item>"
                f"</blockDeviceMapping>{_tags({'Name': f'golden-{number}'})}"
            )


class Snapshot(NamedTuple):
    """One snapshot: its number, the id of its volume, when it began, its tags."""

    number: int
    volume: str
    began: datetime
    tags: dict[str, str]


def snapshot(one: Snapshot) -> str:
    """A row of DescribeSnapshots."""
    return _item(
        f"<snapshotId>{_id('snap', one.number)}</snapshotId><volumeId>{one.volume}</volumeId><status>completed</status>"
        f"<startTime>{_time(one.began)}</startTime><progress>100%</progress><ownerId>123456789012</ownerId>"
        f"<volumeSize>8</volumeSize><description>of {one.volume}</description><encrypted>true</encrypted>"
        f"<kmsKeyId>arn:aws:kms:eu-west-1:123456789012:key/0</kmsKeyId><storageTier>standard</storageTier>{_tags(one.tags)}"
    )


def listing(action: str, tag: str, rows: Iterable[str], following: int | None = None) -> bytes:
    """One page of an answer; `following` is the number of the next."""
    token = "" if following is None else f"    <nextToken>{following}</nextToken>\n"
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return (
        f'{head}<{action}Response xmlns="{XMLNS}">\n    <requestId>bench</requestId>\n'
        f"    <{tag}>\n{''.join(rows)}    </{tag}>\n{token}</{action}Response>"
    ).encode()


def _item(inner: str) -> str:
    return f"        <item>\n            {inner}\n        </item>\n"


def _tags(tags: dict[str, str]) -> str:
    rows = "".join(f"<item><key>{key}</key><value>{value}</value></item>" for key, value in tags.items())
    return f"<tagSet>{rows}</tagSet>" if rows else ""


def _id(prefix: str, number: int) -> str:
    return f"{prefix}-{number:017x}"


def _time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
