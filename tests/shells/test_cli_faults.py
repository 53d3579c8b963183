"""What `dr`, as a process of its own, does when calls of AWS fail: the reactions and invariants of FAILURES at the prompt."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import Ended, Installation, a_shell
from faults.calls import Fault, Kind
from faults.fault_proxy import FaultProxy, fault_proxy

HOME, AWAY = "eu-west-1", "eu-central-1"
TWO_VOLUMES = """\
policy: pair
protect: volumes
regions: [eu-west-1]
select: {tags: {Name: [ledger, fault-twin]}}
schedule: "0 * * * *"
keep: {last: 2}
objectives: {rpo: 2h}
"""
PAGES = TWO_VOLUMES.replace("ledger, fault-twin", "wiki-pages")
WIKI = """\
policy: stacks
protect: stacks
regions: [eu-west-1]
select: {names: [wiki]}
schedule: "0 * * * *"
keep: {last: 5}
"""
FOLLOWED_WITHIN = 60  # seconds


@dataclass(frozen=True, kw_only=True)
class Faulty:
    """An installation whose `dr` reaches the sandbox through the proxy; `direct` reaches it past the proxy."""

    direct: Installation
    proxy: FaultProxy
    directory: Path

    def __call__(self, *arguments: str | Path) -> Ended:
        """Run `dr` through the proxy, in a process of its own."""
        return self.direct.outside(*arguments, environ=self.environ)

    @property
    def environ(self) -> dict[str, str]:
        return {"DR_SANDBOX_DIR": str(self.directory)}

    def begun(self, *arguments: str) -> subprocess.Popen[str]:
        """The same, not waited for."""
        shell = self.direct.shell
        given = ["--sandbox", "--config", self.direct.folder / "dr.yaml", *arguments]
        return subprocess.Popen(
            shell.command(*given),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=shell.folder,
            env={**shell.environ, **self.environ},
        )


@pytest.fixture(scope="module")
def beside(tmp_path_factory):
    """A prompt beside this module's own sandbox, the proxy before it, and the folder that leads through the proxy."""
    folder = tmp_path_factory.mktemp("faulty")
    shell = a_shell(folder)
    shell.begin()
    name = {"ResourceType": "volume", "Tags": [{"Key": "Name", "Value": "fault-twin"}]}
    shell.client("ec2").create_volume(AvailabilityZone=f"{HOME}a", Size=1, TagSpecifications=[name])
    state = json.loads((folder / "sandbox" / "sandbox.json").read_text())
    with fault_proxy(state["url"]) as proxy:
        led = folder / "proxied"
        led.mkdir()
        (led / "sandbox.json").write_text(json.dumps({**state, "url": proxy.url, "port": proxy.port}))
        yield shell, proxy, led
    assert shell("sandbox", "stop").code == 0


@pytest.fixture
def faulty(beside, tmp_path):
    """An installation of one's own for two volumes of the fleet, early in an hour, without faults yet."""
    shell, proxy, led = beside
    proxy.set()
    shell.early()
    direct = Installation(name=f"f-{abs(hash(tmp_path)) % 10**9}", folder=tmp_path / "here", shell=shell)
    direct.folder.mkdir()
    store = "store: {primary: {url: store/}}"
    direct.write("dr.yaml", f"name: {direct.name}\nregions: [{HOME}]\n{store}\n")
    direct.write("policies/pair.yaml", TWO_VOLUMES)
    return Faulty(direct=direct, proxy=proxy, directory=led)


def grown(faulty, points):
    """That many slots, each captured; the snapshots that are there."""
    for _ in range(points):
        faulty.direct.applied()
        faulty.direct.shell.advance("1h")
    return faulty.direct.snapshots()


def changing(faulty):
    """The calls that had an effect on snapshots."""
    return [
        c.action for c in faulty.proxy.calls if c.effect and c.action in {"CreateSnapshot", "DeleteSnapshot"}
    ]


def test_i4_a_listing_whose_second_page_fails_for_good_deletes_nothing_and_says_which(faulty):
    before = grown(faulty, 3)
    faulty.direct.write("policies/pair.yaml", TWO_VOLUMES.replace("last: 2", "last: 1"))
    faulty.proxy.set(Fault(action="DescribeSnapshots", kind=Kind.DENIED, nth=2, times=None), page_size=5)
    done = faulty("apply", "--json")

    pages = [(call.later_page, call.fault) for call in faulty.proxy.of("DescribeSnapshots")]
    assert pages[:2] == [(False, None), (True, Kind.DENIED)]
    assert (done.code, faulty.proxy.of("DeleteSnapshot")) == (1, [])
    assert set(before) <= set(faulty.direct.snapshots())
    assert "ec2:DescribeSnapshots" in done.out + done.err
    assert HOME in done.out + done.err
    faulty.proxy.set(page_size=5)
    assert faulty("apply").code == 0
    assert faulty.proxy.of("DeleteSnapshot") != []


def test_points_that_could_not_be_listed_are_told_and_never_called_none(faulty):
    grown(faulty, 1)
    faulty.proxy.set(Fault(action="DescribeSnapshots", kind=Kind.DENIED, times=None))
    done, document = faulty("points"), faulty("points", "--json")

    assert (done.code, done.out) == (1, "No recovery points could be read.\n")
    assert f"{HOME}: not every point is shown: ec2:DescribeSnapshots" in done.err
    assert "what to do: allow ec2:DescribeSnapshots" in done.err
    assert (document.code, document.document, "not every point is shown" in document.err) == (
        1,
        {"points": []},
        True,
    )


def test_a_plan_that_could_not_read_its_sources_does_not_say_that_all_is_there(faulty):
    faulty.proxy.set(Fault(action="DescribeVolumes", kind=Kind.DENIED, times=None))
    done = faulty("plan")

    assert (done.code, done.out.splitlines()[-1]) == (
        1,
        "Nothing to do as far as it could be read: see the warnings.",
    )


def rows(done, result):
    """The outcomes of an apply that ended so."""
    return [row for row in done.document["outcomes"] if row["result"] == result]


def test_i18_one_denied_capture_leaves_the_other_and_the_report_lists_what_was_confirmed(faulty):
    faulty.proxy.set(Fault(action="CreateSnapshot", kind=Kind.DENIED))
    done = faulty("apply", "--json")
    (failed,), (made,) = rows(done, "failed"), rows(done, "done")

    assert [call.effect for call in faulty.proxy.of("CreateSnapshot")] == [False, True]
    assert (1, faulty.direct.snapshots()) == (done.code, made["created"])
    assert (failed["created"], "ec2:CreateSnapshot" in failed["error"]) == ([], True)
    assert failed["source"] != made["source"]


def test_a_status_out_of_objective_is_exit_3_and_says_which_sources(faulty):
    grown(faulty, 1)
    assert faulty("status").code == 0
    faulty.direct.shell.advance("3h")
    done = faulty("status", "--json")

    mine = [{"Name": "tag:Name", "Values": ["ledger", "fault-twin"]}]
    expected = {
        v["VolumeId"] for v in faulty.direct.shell.client("ec2").describe_volumes(Filters=mine)["Volumes"]
    }
    late = {row["source"] for row in done.document["sources"] if row["within_rpo"] is False}
    assert (3, expected) == (done.code, late)


def test_i6_a_throttled_apply_says_what_is_left_and_the_next_run_completes(faulty):
    faulty.proxy.set(Fault(action="CreateSnapshot", kind=Kind.THROTTLED, nth=2, times=None))
    first = faulty("apply", "--json")
    (left,), (made,) = rows(first, "failed"), rows(first, "done")
    assert (1, made["created"]) == (first.code, faulty.direct.snapshots())
    assert "RequestLimitExceeded" in left["error"]

    faulty.proxy.set()
    second = faulty("apply", "--json")
    (caught_up,) = rows(second, "done")
    assert (0, left["source"], ["CreateSnapshot"]) == (second.code, caught_up["source"], changing(faulty))
    assert sorted(made["created"] + caught_up["created"]) == faulty.direct.snapshots()


def test_i6_a_create_whose_answer_is_lost_makes_exactly_one_snapshot(faulty):
    faulty.proxy.set(Fault(action="CreateSnapshot", kind=Kind.RESET_AFTER))
    done = faulty("apply", "--json")
    calls = faulty.proxy.of("CreateSnapshot")

    (lost,) = [
        call for call in calls if call.fault is not None
    ]  # two are under way at once: the log has them as they end
    assert (lost.fault, lost.effect) == (Kind.RESET_AFTER, True)
    assert (done.code, len(calls)) == (0, 2)
    created = sorted(point for row in rows(done, "done") for point in row["created"])
    assert (2, created) == (len(created), faulty.direct.snapshots())
    assert faulty("apply").code == 0
    assert created == faulty.direct.snapshots()


def restored_volumes(faulty, stack):
    """The volumes of a stack, asked past the proxy, and whether each came from a snapshot."""
    named = [{"Name": "tag:aws:cloudformation:stack-name", "Values": [stack]}]
    rows = faulty.direct.shell.client("ec2").describe_volumes(Filters=named)["Volumes"]
    return [row for row in rows if row.get("SnapshotId")]


def test_ctrl_c_while_a_restore_follows_leaves_the_stack_going_and_the_same_command_ends_it(faulty):
    faulty.direct.write("policies/pair.yaml", PAGES)
    faulty.direct.write("policies/stacks.yaml", WIKI)
    faulty.direct.applied()
    again = ("restore", "--stack", "wiki", "--as", "wiki-cut", "--yes")
    faulty.proxy.set(Fault(action="DescribeStackEvents", kind=Kind.THROTTLED, nth=2, times=None))
    running = faulty.begun(*again)
    wait_for_throttle(faulty, running)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=FOLLOWED_WITHIN)

    assert running.returncode == 130
    assert "Traceback" not in out + err
    assert "stack wiki-cut is in CloudFormation's hands" in err
    assert "run the same command again" in err
    stacks = faulty.direct.shell.client("cloudformation").describe_stacks(StackName="wiki-cut")["Stacks"]
    assert stacks[0]["StackStatus"].startswith("CREATE_")
    faulty.proxy.set()
    assert faulty(*again).code == 0
    assert faulty.proxy.of("ExecuteChangeSet") == []
    assert len(restored_volumes(faulty, "wiki-cut")) > 0


def wait_for_throttle(faulty, running):
    """Until the restore follows the stack's events and is held up there; the process must live until then."""
    end = time.monotonic() + FOLLOWED_WITHIN
    while time.monotonic() < end:
        if any(call.fault for call in faulty.proxy.of("DescribeStackEvents")):
            return
        assert running.poll() is None, running.communicate()
        time.sleep(0.01)
    running.kill()
    raise AssertionError(f"no events were followed within {FOLLOWED_WITHIN} s")


def test_a_restore_while_the_primary_store_is_denied_has_its_data_through_the_replica(faulty):
    primary, replica = f"{faulty.direct.name}-primary", f"{faulty.direct.name}-replica"
    for bucket, region in ((primary, HOME), (replica, AWAY)):
        s3 = faulty.direct.shell.client("s3", region)
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region})
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    stores = (
        f"store:\n  primary: {{url: 's3://{primary}', region: {HOME}}}\n"
        f"  replica: {{url: 's3://{replica}', region: {AWAY}}}\n"
    )
    faulty.direct.write("dr.yaml", f"name: {faulty.direct.name}\nregions: [{HOME}]\n{stores}")
    faulty.direct.write("policies/pair.yaml", PAGES)
    faulty.direct.write("policies/stacks.yaml", WIKI)
    faulty.direct.applied()
    verbs = ("GET", "PUT", "HEAD", "POST", "DELETE")
    faulty.proxy.set(*(Fault(action=f"{verb} /{primary}", kind=Kind.DENIED, times=None) for verb in verbs))
    done = faulty("restore", "--stack", "wiki", "--as", "wiki-away", "--yes")

    assert done.code == 0
    assert any(call.fault is Kind.DENIED for call in faulty.proxy.calls)
    assert not any(call.effect and f"/{primary}" in call.action for call in faulty.proxy.calls)
    assert len(restored_volumes(faulty, "wiki-away")) > 0
