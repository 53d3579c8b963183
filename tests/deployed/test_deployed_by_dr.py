"""`dr deploy` and `dr undeploy` as a person types them: the stack of cloudformation/functions.yaml on the emulator."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import ticking
from deploying import PACKAGES, logged
from emulator import ACCOUNT, REGION, until
from person import Ended, person

NAME = "dr-acme"
HOURLY = (
    'policy: hourly\nprotect: volumes\nselect: {tags: {Tier: db}}\nschedule: "0 * * * *"\nkeep: {last: 3}\n'
)
MINUTELY = HOURLY.replace("hourly", "minutely").replace('"0 * * * *"', '"* * * * *"')
NIGHTLY = HOURLY.replace("hourly", "nightly").replace('"0 * * * *"', '"30 2 * * *"')
CONFIG = f"""\
name: acme
regions: [{REGION}]
store: {{primary: {{url: "s3://acme-store", region: {REGION}}}}}
staging_bucket: {{{REGION}: {PACKAGES}}}
deploy: {{region: {REGION}}}
"""


@dataclass(frozen=True, kw_only=True)
class Person:
    """At a prompt, in the folder of an installation."""

    folder: Path
    environ: Mapping[str, str]

    def __call__(self, *arguments: str) -> Ended:
        return person(arguments, self.environ, self.folder)

    def write(self, **policies: str) -> None:
        """Have these policies and no others."""
        (self.folder / "dr.yaml").write_text(CONFIG)
        folder = self.folder / "policies"
        folder.mkdir(exist_ok=True)
        for file in folder.iterdir():
            file.unlink()
        for name, text in policies.items():
            (folder / f"{name}.yaml").write_text(text)

    def changes(self) -> set[tuple[str, str]]:
        """What a deployment would change."""
        done = self("deploy", "--plan-only", "--json")
        assert done.code == 0, done
        return {(row["action"], row["type"]) for row in json.loads(done.out)["changes"]}


@pytest.fixture
def acme(aws, sandbox, tmp_path):
    """An installation whose functions' Region is the emulator, and whose EC2 and store are the sandbox."""
    ticking.furnish(sandbox)
    s3 = aws.client("s3")
    if PACKAGES not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]:
        s3.create_bucket(Bucket=PACKAGES, CreateBucketConfiguration={"LocationConstraint": REGION})
    environ = {
        "HOME": str(tmp_path),
        "AWS_ENDPOINT_URL": aws.url,
        "AWS_ENDPOINT_URL_EC2": sandbox.url,
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": ACCOUNT,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    made = Person(folder=tmp_path, environ=environ)
    yield made
    made("undeploy", "--yes")


def stacks(aws) -> dict[str, str]:
    rows = aws.client("cloudformation").describe_stacks()["Stacks"]
    return {row["StackName"]: row["StackStatus"] for row in rows}


def packages(aws) -> list[str]:
    found = aws.client("s3").list_objects_v2(Bucket=PACKAGES, Prefix="dr-packages/acme/")
    return [row["Key"] for row in found.get("Contents", ())]


def schedules(aws) -> dict[str, str]:
    client = aws.client("scheduler")
    names = [row["Name"] for row in client.list_schedules(GroupName=NAME)["Schedules"]]
    return {name: client.get_schedule(GroupName=NAME, Name=name)["ScheduleExpression"] for name in names}


def test_it_is_shown_made_woken_by_itself_left_alone_changed_and_removed(aws, sandbox, acme):
    acme.write(minutely=MINUTELY)
    assert ("Add", "AWS::Scheduler::Schedule") in acme.changes()
    assert NAME not in stacks(aws)
    assert packages(aws) == []

    deployed = acme("deploy", "--yes", "--json")
    assert (deployed.code, stacks(aws)[NAME]) == (0, "CREATE_COMPLETE"), deployed
    assert json.loads(deployed.out)["result"] == "done"
    assert sorted(schedules(aws).values()) == ["cron(* * * * ? *)", "rate(15 minutes)"]
    taken = until(lambda: ticking.snapshots(sandbox), 90, f"a snapshot: {aws.log()[-3000:]}")
    tags = {tag["Key"]: tag["Value"] for tag in taken[0]["Tags"]}
    assert (tags["dr:managed"], tags["dr:policy"]) == ("acme", "minutely")
    assert logged(aws, "/aws/lambda/dr-acme", "tick.metrics") or logged(aws, "/dr/acme", "tick.metrics")

    again = acme("deploy", "--yes", "--json")
    assert (again.code, json.loads(again.out)["result"]) == (0, "unchanged"), again

    acme.write(minutely=MINUTELY, nightly=NIGHTLY)
    planned = json.loads(acme("deploy", "--plan-only", "--json").out)["changes"]
    of_schedules = [row for row in planned if row["type"] == "AWS::Scheduler::Schedule"]
    assert [row["action"] for row in of_schedules] == ["Add"]
    acme.write(nightly=NIGHTLY)
    assert acme("deploy", "--yes").code == 0
    assert sorted(schedules(aws).values()) == ["cron(30 2 * * ? *)", "rate(15 minutes)"]
    assert len(packages(aws)) == 2

    kept = {row["SnapshotId"] for row in ticking.snapshots(sandbox)}
    removed = acme("undeploy", "--yes", "--json")
    assert (removed.code, json.loads(removed.out)["result"]) == (0, "removed"), removed
    assert NAME not in stacks(aws)
    assert packages(aws) == []
    assert kept <= {row["SnapshotId"] for row in ticking.snapshots(sandbox)}
    store = sandbox.client("s3").list_objects_v2(Bucket="acme-store")["Contents"]
    assert "installation.json" in {row["Key"] for row in store}
    absent = acme("undeploy", "--yes", "--json")
    assert (absent.code, json.loads(absent.out)["result"]) == (0, "absent")


def test_a_stack_of_that_name_that_is_somebody_elses_is_left_alone(aws, acme):
    acme.write(hourly=HOURLY)
    theirs = '{"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}'
    aws.client("cloudformation").create_stack(StackName=NAME, TemplateBody=theirs)
    until(lambda: stacks(aws).get(NAME) == "CREATE_COMPLETE", 30, "their stack")

    for command in (("deploy", "--yes"), ("deploy", "--plan-only"), ("undeploy", "--yes")):
        done = acme(*command, "--json")
        error = json.loads(done.out)["error"]
        assert (done.code, "not of the installation 'acme'" in error["message"]) == (4, True), done
    assert stacks(aws)[NAME] == "CREATE_COMPLETE"
    assert packages(aws) == []
    aws.client("cloudformation").delete_stack(StackName=NAME)
    until(lambda: NAME not in stacks(aws), 30, "their stack gone")


@pytest.mark.parametrize(
    ("config", "policy", "code", "told"),
    [
        (CONFIG, HOURLY.replace("keep", "kept"), 2, "kept: unknown key"),
        (CONFIG.replace("deploy: ", "# "), HOURLY, 2, "does not say where the functions run"),
        (CONFIG.replace(PACKAGES, "nowhere-to-be-found"), HOURLY, 1, "nowhere-to-be-found"),
        (CONFIG.replace("staging_bucket: ", "# ").replace(f"deploy: {{region: {REGION}", "deploy: {region: us-east-1"), HOURLY, 2, "no bucket is named in us-east-1"),
        (CONFIG.replace('"s3://acme-store"', "store/").replace(f", region: {REGION}}}}}\nstaging", "}}\nstaging"), HOURLY, 2, "is a folder of this machine"),
    ],
    ids=["a broken policy", "no place", "a bucket that is not there", "no bucket there", "a folder as store"],
)  # fmt: skip
def test_what_cannot_be_deployed_is_refused_before_anything_is_made(aws, acme, config, policy, code, told):
    acme.write(hourly=policy)
    (acme.folder / "dr.yaml").write_text(config)

    done = acme("deploy", "--yes")

    assert (done.code, told in done.err) == (code, True), done
    assert NAME not in stacks(aws)
    assert packages(aws) == []
