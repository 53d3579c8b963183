"""The fake cloud in the contract suite: what keeps it honest. It may know nothing that EC2 lacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

from fake_clock import FakeClock
from fakes import FakeCloud, FakeImage, FakeSnapshot
from making import REGION

from dr.model import Protect


class FakeWorld:
    """Values instead of EC2; the same arrangements as `AwsWorld`."""

    def __init__(self) -> None:
        self._clock = FakeClock(at=datetime(2026, 3, 29, 2, 0, tzinfo=UTC))
        self._numbers = count(1)
        self.cloud = FakeCloud(self._clock, delay=timedelta(seconds=60))

    def another(self, installation: str) -> FakeCloud:
        return replace(self.cloud, installation=installation)

    def add_volume(self, tags: Mapping[str, str]) -> str:
        return self.cloud.add_volume(f"vol-{next(self._numbers):017x}", REGION, tags=dict(tags)).id

    def add_instance(self, tags: Mapping[str, str]) -> str:
        volumes = [f"vol-{next(self._numbers):017x}" for _ in range(2)]
        instance = f"i-{next(self._numbers):017x}"
        return self.cloud.add_instance(instance, *volumes, region=REGION, tags=dict(tags)).id

    def terminate(self, instance: str) -> None:
        self.cloud.remove(self.cloud.fleet[Protect.INSTANCES, REGION, instance])

    def register_image_on(self, snapshot: str) -> str:
        return self._strangers(f"somebody's of {snapshot}", "", {"/dev/sda": snapshot})

    def name_image(self, instance: str, name: str) -> str:
        return self._strangers(name, instance, {})

    def _strangers(self, name: str, instance: str, parts: dict[str, str]) -> str:
        image = FakeImage(
            id=f"ami-{next(self._numbers):017x}",
            region=REGION,
            instance=instance,
            name=name,
            time=self._clock.now(),
            tags={},
            parts=parts,
        )
        self.cloud.images[image.id] = image
        return image.id

    def mark(self, resource: str, tags: Mapping[str, str]) -> None:
        for key, value in tags.items():
            self.cloud.tag(resource, key, value)

    def fail(self, point: str) -> None:
        self._thing(point).failed = True

    def hang(self, point: str) -> None:
        self._thing(point).stuck = True

    def archive(self, snapshot: str) -> None:
        self.cloud.snapshots[snapshot].archived = True

    def lock(self, snapshot: str) -> None:
        self.cloud.snapshots[snapshot].locked = True

    def _thing(self, point: str) -> FakeImage | FakeSnapshot:
        return self.cloud.snapshots.get(point) or self.cloud.images[point]

    def complete(self) -> None:
        self._clock.advance(seconds=120)
