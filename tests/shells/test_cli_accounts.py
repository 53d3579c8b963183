"""`dr` over many accounts and Regions: each by itself, whatever becomes of the others."""

from __future__ import annotations

import json

import pytest
from led_accounts import led_through
from many_accounts import ACCOUNTS, REGIONS, a_volume, installation, snapshots

FEW = ACCOUNTS[:3]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with led_through(tmp_path_factory.mktemp("accounts")) as led:
        yield led


@pytest.fixture(scope="module")
def volumes(world):
    """A volume in each Region of each of a few accounts, by the shard's name."""
    return {f"{a}/{r}": a_volume(world.direct, a, r) for a in FEW for r in REGIONS}


def shards(rows) -> set[str]:
    return {f"{row['account']}/{row['region']}" for row in rows}


def test_every_account_and_region_is_planned_and_applied(world, volumes):
    world.door.denied, world.door.hanging = set(), set()
    world.install(installation(FEW))
    planned = world("plan", "--json")
    assert (planned.code, shards(planned.document["actions"])) == (0, set(volumes))
    applied = world("apply", "--json")
    assert applied.code == 0, applied
    assert {f"{o['account']}/{o['region']}": o["source"] for o in applied.document["outcomes"]} == volumes
    for name, volume in volumes.items():
        account, region = name.split("/")
        assert snapshots(world.direct, account, region) == [volume]
    again = world("apply", "--json")
    assert (again.code, again.document["outcomes"]) == (0, [])


def test_an_account_that_refuses_its_role_is_named_and_stops_no_other(world, volumes):
    world.door.denied = {FEW[1]}
    world.install(installation(FEW))
    status = world("status", "--json")
    told = [warn["message"] for warn in status.document["warnings"] if warn["code"] == "shard-failed"]
    assert status.code == 1
    assert [message.split(":")[0] for message in told] == [f"{FEW[1]}/{region}" for region in REGIONS]
    assert all("sts:AssumeRole" in message and "member.yaml" in message for message in told)
    assert shards(status.document["sources"]) == {name for name in volumes if not name.startswith(FEW[1])}


def test_text_names_the_account_of_every_line(world, volumes):
    world.door.denied = {FEW[1]}
    world.install(installation(FEW))
    points = world("points")
    assert points.code == 1
    for name in volumes:
        assert (name in points.out) == (not name.startswith(FEW[1]))
    assert points.err.count(f"warning: {FEW[1]}/") == len(REGIONS)


def test_a_saved_plan_is_carried_out_in_every_account_or_in_none(world, volumes):
    world.door.denied = set()
    world.install(installation(FEW))
    world.shell.advance("1h")
    assert world("plan", "-o", "saved.json").code == 0
    world.door.denied = {FEW[2]}
    refused = world("apply", "saved.json", "--json")
    assert (refused.code, refused.error["message"].split(":")[0]) == (4, f"{FEW[2]}/{REGIONS[0]}")
    world.door.denied = set()
    applied = world("apply", "saved.json", "--json")
    assert (applied.code, shards(applied.document["outcomes"])) == (0, set(volumes))
    saved = json.loads((world.shell.folder / "saved.json").read_text())
    assert applied.document["fingerprint"] == saved["fingerprint"]
    assert world("apply", "saved.json").code == 4


def test_credentials_of_an_account_that_dr_yaml_does_not_name_are_told(world):
    world.install(installation([]))
    text = (world.shell.folder / "dr.yaml").read_text() + '  - {id: "999999999999"}\n'
    world.install({"dr.yaml": text})
    planned = world("plan", "--json")
    assert planned.code == 1
    assert (
        "999999999999 has no role in dr.yaml, and these credentials are those of" in planned.error["message"]
    )


def test_a_region_that_an_account_has_not_enabled_is_a_warning(world, volumes):
    far = "ap-east-1"
    world.door.closed = {(account, far) for account in FEW}
    world.install(installation(FEW, (*REGIONS, far)))
    planned = world("plan", "--json")
    told = [w["message"] for w in planned.document["warnings"] if w["code"] == "region-not-enabled"]
    assert planned.code == 0, planned
    assert [message.split(":")[0] for message in told] == [f"{account}/{far}" for account in FEW]
    assert world("apply", "--json").code == 0
    world.door.closed = set()


def test_a_region_that_is_enabled_and_refuses_is_a_failure(world, volumes):
    world.door.closed = {(FEW[0], REGIONS[1])}
    world.install(installation(FEW))
    planned = world("plan", "--json")
    codes = {w["code"] for w in planned.document["warnings"]}
    assert (planned.code, "region-not-enabled" in codes, "listing-incomplete" in codes) == (1, False, True)
    world.door.closed = set()


@pytest.mark.long
def test_twenty_accounts_in_three_regions_with_one_denied_and_one_shard_that_hangs(world, volumes):
    """56 are done, 4 are named, exit 1."""
    every = {f"{a}/{r}" for a in ACCOUNTS for r in REGIONS}
    made = volumes | {name: a_volume(world.direct, *name.split("/")) for name in sorted(every - set(volumes))}
    denied, (hangs, where) = ACCOUNTS[4], (ACCOUNTS[7], REGIONS[1])
    world.door.denied, world.door.hanging = {denied}, {(hangs, where)}
    world.install(installation(ACCOUNTS))
    world.shell.advance("1h")
    applied = world("apply", "--json")
    failed = {f"{denied}/{region}" for region in REGIONS} | {f"{hangs}/{where}"}
    told = [w["message"] for w in applied.document["warnings"] if w["code"] == "shard-failed"]
    assert applied.code == 1
    assert {message.split(":")[0] for message in told} == failed
    done = [o for o in applied.document["outcomes"] if o["result"] == "done"]
    assert shards(done) == every - failed
    assert len(done) == 56
    assert "has not answered for 60 seconds" in next(m for m in told if m.startswith(f"{hangs}/{where}"))
    for name in sorted(every - failed):
        account, region = name.split("/")
        assert made[name] in snapshots(world.direct, account, region)
