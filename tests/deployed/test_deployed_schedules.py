"""The deployed function, woken by its schedule: the package from its bucket, EC2 and the store in the sandbox."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import deploying
import ticking
from emulator import until

VIENNA = "Europe/Vienna"


def soon():
    """The local time in Vienna, a few seconds ahead."""
    return datetime.now(ZoneInfo(VIENNA)).replace(microsecond=0) + timedelta(seconds=3)


def scheduled(aws, parameters, instant):
    """Deploy with a schedule for this instant; what the tick says that it wakes."""
    expression = {"Expression": f"at({instant:%Y-%m-%dT%H:%M:%S})", "Zone": VIENNA}
    outputs = deploying.deploy(aws, "dr-acme", ticking.TEMPLATE, parameters | expression)
    utc = f"{instant.astimezone(ZoneInfo('UTC')):%Y-%m-%dT%H:%M:%SZ}"

    def woken():
        started = deploying.logged(aws, "/aws/lambda/acme-tick", "tick.started")
        return [row for row in started if row["scheduled"] == utc]

    assert len(until(woken, 30, f"a tick for {utc}: {aws.log()[-3000:]}")) == 1
    assert deploying.received(aws, outputs["DeadLetters"]) == []


def test_a_schedule_fires_by_itself_and_a_second_time_makes_no_second_snapshot(aws, sandbox, tmp_path):
    volume = ticking.furnish(sandbox)
    parameters = ticking.parameters(aws, "acme", ticking.installed(tmp_path / "here"))

    scheduled(aws, parameters, soon())
    first = ticking.snapshots(sandbox)
    scheduled(aws, parameters, soon())

    assert [row["SnapshotId"] for row in ticking.snapshots(sandbox)] == [first[0]["SnapshotId"]]
    assert [row["VolumeId"] for row in first] == [volume]
    tags = {tag["Key"]: tag["Value"] for tag in first[0]["Tags"]}
    assert (tags["dr:policy"], tags["dr:source"], tags["Tier"]) == ("volumes", volume, "db")
    finished = deploying.logged(aws, "/aws/lambda/acme-tick", "tick.finished")
    assert [row["captured"] for row in finished] == [1, 0]
    deploying.remove(aws, "dr-acme")
    assert aws.client("scheduler").list_schedules(GroupName="dr-acme")["Schedules"] == []
