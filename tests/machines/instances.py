"""Instances: images with their parts, and parts that outlive their images; beside them the volumes of the instances."""

from __future__ import annotations

from fakes import FakeImage, FakeSnapshot
from hypothesis import strategies as st
from hypothesis.stateful import rule
from machines.happenings import PICK, picked
from machines.machine import Machine

from dr.model import Protect


class InstancesMachine(Machine):
    """Two instances, one of them with two volumes."""

    names = ("machines", "db")

    def _fleet(self) -> None:
        self.world.cloud.add_instance("i-1", "vol-1", "vol-2", tags={"Backup": "yes"})
        self.world.cloud.add_instance("i-2", "vol-3", tags={"Backup": "yes"})

    @rule(number=st.integers(1, 2))
    def an_instance_comes(self, number: int) -> None:
        self.world.cloud.add_instance(f"i-{number}", f"vol-{number}", tags={"Backup": "yes"})

    @rule(pick=PICK)
    def somebody_deregisters_an_image(self, pick: int) -> None:
        """Its parts are left: for a day they can be registered again."""
        images = list(self.world.cloud.images)
        if images:
            del self.world.cloud.images[picked(images, pick)]
            self.world.oracle.note_orphans()

    @rule(pick=PICK, held=st.booleans())
    def the_newest_image_is_deregistered_while_points_fail(self, pick: int, held: bool) -> None:
        """What is left of it is the newest data of its source, however long that lasts."""
        ours = [image for image in self.world.cloud.images.values() if "dr:policy" in image.tags]
        sources = sorted({image.instance for image in ours})
        if sources:
            source = picked(sources, pick)
            newest = max((i for i in ours if i.instance == source), key=lambda image: (image.time, image.id))
            if held:
                next(iter(self._parts(newest)), newest).tags["dr:hold"] = ""
            del self.world.cloud.images[newest.id]
            self.world.cloud.doomed.add(source)
            self.two_days_of_runs()

    def _parts(self, image: FakeImage) -> list[FakeSnapshot]:
        found = self.world.cloud.snapshots
        return [found[part] for part in image.parts.values() if part in found]

    @rule(pick=PICK)
    def the_volumes_of_an_instance_change(self, pick: int) -> None:
        instances = [s for s in self.world.cloud.fleet.values() if s.protect is Protect.INSTANCES]
        if instances:
            self.world.cloud.change(picked(instances, pick), volumes=(f"vol-{1 + pick % 3}",))

    @rule()
    def two_days_of_runs(self) -> None:
        """Orphans outlive their day of grace."""
        for hours in (1, 25, 1):
            self.world.oracle.note_orphans()
            self.world.aws.advance(hours=hours)
            self.world.run()
