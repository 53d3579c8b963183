"""Twenty accounts in three Regions through the deployed state machine, one of which refuses its role: 57 done, 3 named."""

from __future__ import annotations

import json

import pytest
from deploying import PACKAGES, received
from emulator import ACCOUNT, REGION, emulate, until
from many_accounts import ACCOUNTS, REGIONS, a_volume, door, installation, snapshots
from person import person

FEW = ACCOUNTS[:3]
DENIED = ACCOUNTS[1]
_WITHIN = 420  # seconds: sixty functions start on two cores


@pytest.fixture
def many(tmp_path, sandbox):
    """An emulator whose functions reach the sandbox through the door, and the environment of a person beside it."""
    sandbox.reset()
    constraint = {"LocationConstraint": REGION}
    sandbox.client("s3").create_bucket(Bucket="many-store", CreateBucketConfiguration=constraint)
    with door(sandbox.url) as opened, emulate(tmp_path / "aws", sandbox=opened.url) as aws:
        aws.client("s3").create_bucket(Bucket=PACKAGES, CreateBucketConfiguration=constraint)
        opened.denied = {DENIED}
        environ = {
            "HOME": str(tmp_path),
            "AWS_ENDPOINT_URL": aws.url,
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": ACCOUNT,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        yield aws, environ


def deployed(aws, environ, folder, accounts):
    """The ARN of the state machine of an installation over these accounts."""
    files = installation(accounts)
    files["dr.yaml"] = files["dr.yaml"].replace(
        "{primary: {url: store/}}", f'{{primary: {{url: "s3://many-store", region: {REGION}}}}}'
    )
    files["dr.yaml"] += f"deploy: {{region: {REGION}}}\nstaging_bucket: {{{REGION}: {PACKAGES}}}\n"
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    done = person(["deploy", "--yes", "--json"], environ, folder)
    assert done.code == 0, done
    outputs = aws.client("cloudformation").describe_stacks(StackName="dr-many")["Stacks"][0]["Outputs"]
    return next(row["OutputValue"] for row in outputs if row["OutputKey"] == "StateMachineArn")


def ended(aws, machine, event):
    """One execution to its end."""
    states = aws.client("stepfunctions")
    execution = states.start_execution(stateMachineArn=machine, input=json.dumps(event))["executionArn"]

    def found():
        described = states.describe_execution(executionArn=execution)
        return described if described["status"] != "RUNNING" else None

    return until(found, _WITHIN, f"the end of the run: {aws.log()[-3000:]}")


def run(aws, machine):
    """One execution: how it ended, why, and how its map's children ended."""
    states = aws.client("stepfunctions")
    found = ended(aws, machine, {"scheduled": "now"})
    (of_map,) = states.list_map_runs(executionArn=found["executionArn"])["mapRuns"]
    counts = states.describe_map_run(mapRunArn=of_map["mapRunArn"])["executionCounts"]
    return found, counts


def check(aws, environ, sandbox, folder, accounts):
    shards = [(account, region) for account in accounts for region in REGIONS]
    volumes = {shard: a_volume(sandbox.url, *shard) for shard in shards}
    machine = deployed(aws, environ, folder, accounts)
    found, counts = run(aws, machine)

    refused = [f"{DENIED}/{region}" for region in REGIONS]
    assert found["status"] == "FAILED"
    assert f"3 of {len(shards)} shards failed" in found["cause"], found
    assert all(name in found["cause"] for name in refused), found
    assert "sts:AssumeRole" in found["cause"]
    assert (counts["total"], counts["succeeded"], counts["failed"]) == (len(shards), len(shards) - 3, 3)
    for shard, volume in volumes.items():
        assert snapshots(sandbox.url, *shard) == ([] if shard[0] == DENIED else [volume])
    records = sandbox.client("s3").list_objects_v2(Bucket="many-store", Prefix="shards/")["Contents"]
    assert len(records) == len(shards)
    return machine


def a_malformed_event_is_refused_once_and_kept(aws, machine):
    found = ended(aws, machine, {"polices": ["volumes"]})
    history = aws.client("stepfunctions").get_execution_history(executionArn=found["executionArn"])
    kinds = [event["type"] for event in history["events"]]
    assert found["status"] == "FAILED"
    assert "did you mean policies?" in found["cause"], found
    assert kinds.count("TaskFailed") == 1, "it is not tried again"
    queue = aws.client("sqs").get_queue_url(QueueName="dr-many-dead-letters")["QueueUrl"]
    (kept,) = until(lambda: received(aws, queue), 30, f"the dead letter {kinds}")
    assert json.loads(kept["Body"])["asked"] == {"polices": ["volumes"]}


def test_a_run_over_a_few_accounts_does_what_it_can_and_names_what_failed(many, sandbox, tmp_path):
    aws, environ = many
    machine = check(aws, environ, sandbox, tmp_path, FEW)
    a_malformed_event_is_refused_once_and_kept(aws, machine)


@pytest.mark.long
def test_sixty_shards_of_which_three_fail(many, sandbox, tmp_path):
    aws, environ = many
    check(aws, environ, sandbox, tmp_path, ACCOUNTS)
