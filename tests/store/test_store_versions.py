"""What `dr stacks NAME` tells: every version, also those that no restore would take."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from store_kit import ACCOUNT, NOON, REGION, Pair, StillClock, point_of, stored

from dr import layout
from dr.errors import EnvironmentFailed, Refused
from dr.store.documents import pack
from dr.store.versions import read_versions

HOURS = [NOON + timedelta(hours=hours) for hours in range(3)]


@pytest.fixture
def pair(tmp_path):
    """Three versions in the primary, each of another template."""
    made = Pair(tmp_path, StillClock(HOURS[-1] + timedelta(hours=1)))
    for number, slot in enumerate(HOURS):
        made.alone.write(stored(slot, template=str(number)))
    return made


def told(stacks):
    """By slot: the template's digest, or the kind of the fault."""
    versions = read_versions(stacks.points(ACCOUNT, REGION), stacks)
    return [version.template_sha256 or type(version.fault) for version in versions]


def digest(number):
    return hashlib.sha256(str(number).encode()).hexdigest()


def test_every_version_is_listed_with_the_digest_of_its_template(pair):
    assert told(pair.alone) == [digest(0), digest(1), digest(2)]


def test_i15_an_altered_template_is_the_fault_of_its_version_alone(pair):
    pair.file(pair.primary, layout.blob_key(digest(1))).write_bytes(b"forged")

    assert told(pair.alone) == [digest(0), Refused, digest(2)]


def test_i15_another_sound_manifest_also_breaks_the_chain_of_the_one_after_it(pair):
    point = point_of(stored(HOURS[0]))
    forged = pack(stored(HOURS[0], template="forged"), None).manifest
    pair.file(pair.primary, layout.manifest_key(point.lineage, point.slot)).write_bytes(forged)

    assert told(pair.alone) == [Refused, Refused, digest(2)]


@pytest.mark.parametrize("place", ["bytes", "link", "folder"])
def test_a_damaged_manifest_is_the_fault_of_its_version_alone(pair, place):
    """It vouches against nobody: its deletion would not either, and the newest version is what is needed."""
    point = point_of(stored(HOURS[1]))
    file = pair.file(pair.primary, layout.manifest_key(point.lineage, point.slot))
    file.unlink()
    match place:
        case "bytes":
            file.write_bytes(b"{}")
        case "link":
            file.symlink_to("/etc/hostname")
        case _:
            file.mkdir()

    assert told(pair.alone) == [digest(0), Refused, digest(2)]


def test_versions_of_a_store_that_goes_away_are_listed_as_out_of_reach(pair):
    stacks = pair.alone
    points = stacks.points(ACCOUNT, REGION)
    pair.primary.away = True

    assert [type(version.fault) for version in read_versions(points, stacks)] == [EnvironmentFailed] * 3
