"""The sandbox as a background process: found, kept apart, and ended by its id."""

from __future__ import annotations

import datetime as dt
import json
import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest

from dr.errors import EnvironmentFailed
from dr.sandbox import process

KEYS = {"aws_access_key_id": "AKIASANDBOX", "aws_secret_access_key": "sandbox"}


@pytest.fixture
def directory(tmp_path):
    yield tmp_path
    process.stop(tmp_path)


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """One sandbox for the tests that leave it running."""
    directory = tmp_path_factory.mktemp("shared")
    yield directory, process.start(directory, None, 1.0)
    process.stop(directory)


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def record(directory, **changes):
    known = {
        "pid": 1,
        "port": 1,
        "url": "http://127.0.0.1:1",
        "started": "2026-01-01T00:00:00+00:00",
        **changes,
    }
    (directory / process.STATE).write_text(json.dumps(known))


def test_it_answers_when_start_returns_and_is_gone_when_stop_returns(directory):
    started = process.start(directory, None, 1.0)
    ec2 = boto3.client("ec2", region_name="eu-west-1", endpoint_url=started.url, **KEYS)
    assert ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"] == []
    assert process.status(directory) == started
    assert process.stop(directory)
    assert not alive(started.pid)
    assert process.status(directory) is None
    assert not process.stop(directory)


def test_starting_again_finds_the_one_that_runs(running):
    directory, started = running
    assert process.start(directory, None, 1.0) == started
    assert process.start(directory, started.port, 1.0) == started


def test_another_port_than_the_running_ones_is_refused(running):
    directory, started = running
    with pytest.raises(EnvironmentFailed) as caught:
        process.start(directory, started.port + 1, 1.0)
    assert "dr sandbox stop" in caught.value.remedy


def test_two_starts_at_once_end_with_one_sandbox(directory):
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: process.start(directory, None, 1.0), range(2))
    assert first == second


def test_a_port_in_use_is_told_with_what_to_do(directory):
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(EnvironmentFailed) as caught:
        process.start(directory, taken.getsockname()[1], 1.0)
    assert "--port" in caught.value.remedy
    assert process.status(directory) is None


def test_a_state_file_of_a_process_that_is_gone_is_stale(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    record(tmp_path, pid=2**22 + 1, port=port)
    assert process.status(tmp_path) is None
    assert not (tmp_path / process.STATE).exists()


def test_a_state_file_that_names_another_process_is_stale_and_that_process_lives(running, tmp_path):
    _, started = running
    record(tmp_path, pid=os.getpid(), port=started.port)
    assert not process.stop(tmp_path)
    assert alive(os.getpid())
    assert process.now(started)


def test_a_broken_state_file_is_stale(tmp_path):
    for text in ("", "{", "[]", '{"pid": "x"}'):
        (tmp_path / process.STATE).write_text(text)
        assert process.status(tmp_path) is None


def test_the_clock_is_read_and_advanced(running):
    _, started = running
    before = process.now(started)
    after = process.advance(started, 3600)
    assert dt.timedelta(hours=1) <= after - before < dt.timedelta(hours=1, minutes=1)
    with pytest.raises(EnvironmentFailed, match="never goes back"):
        process.advance(started, -1)


def test_reset_empties_it_and_keeps_the_clock(running):
    _, started = running
    ec2 = boto3.client("ec2", region_name="eu-west-1", endpoint_url=started.url, **KEYS)
    ec2.create_volume(Size=1, AvailabilityZone="eu-west-1a")
    before = process.advance(started, 3600)
    process.reset(started)
    assert ec2.describe_volumes()["Volumes"] == []
    assert process.now(started) >= before
    assert len(ec2.describe_images(Owners=["amazon"])["Images"]) == 3


def test_a_sandbox_that_does_not_answer_is_told_with_what_to_do(directory):
    started = process.start(directory, None, 1.0)
    process.stop(directory)
    with pytest.raises(EnvironmentFailed) as caught:
        process.now(started)
    assert "dr sandbox start" in caught.value.remedy


def test_it_outlives_the_process_that_started_it(directory):
    code = "import pathlib, sys; from dr.sandbox import process; print(process.start(pathlib.Path(sys.argv[1]), None, 1.0).pid)"
    done = subprocess.run(
        [sys.executable, "-c", code, str(directory)], capture_output=True, text=True, check=True, timeout=60
    )
    found = process.status(directory)
    assert found is not None
    assert found.pid == int(done.stdout)
    assert os.getsid(found.pid) == found.pid
    assert process.stop(directory)
    assert not alive(found.pid)


def test_the_servers_environment_is_free_of_aws_settings(directory, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    monkeypatch.setenv("MOTO_ACCOUNT_ID", "999999999999")
    started = process.start(directory, None, 1.0)
    monkeypatch.delenv("AWS_PROFILE")
    sts = boto3.client("sts", region_name="eu-west-1", endpoint_url=started.url, **KEYS)
    assert sts.get_caller_identity()["Account"] == "123456789012"
