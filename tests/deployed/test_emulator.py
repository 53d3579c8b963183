"""The emulator leaves nothing behind: not when its block ends, and not when the tests are killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import deploying
import pytest
from emulator import ACCOUNT, HOST, REGION, SANDBOXED, emulate, until

from dr.deploy.package import package

HOLD = """
import json, os, sys, time
from pathlib import Path
import test_emulator
from emulator import emulate
with emulate(Path(sys.argv[1])) as aws:
    print(json.dumps(test_emulator.processes(aws)), flush=True)
    time.sleep(60)
"""
CODE = b"import os\n\ndef handler(event, context): return [os.getpid(), os.getppid(), dict(os.environ)]\n"


def told(aws):
    """What a function sees: its process, its parent's, its environment."""
    made = package({"index.py": CODE})
    key = deploying.upload(aws, "index.zip", made.data)
    functions = aws.client("lambda")
    functions.create_function(
        FunctionName="told",
        Runtime="python3.13",
        Handler="index.handler",
        Role=f"arn:aws:iam::{ACCOUNT}:role/any",
        Code={"S3Bucket": deploying.PACKAGES, "S3Key": key},
    )
    return json.loads(functions.invoke(FunctionName="told", Payload=b"{}")["Payload"].read())


def processes(aws):
    """The ids of ministack and of a function's worker."""
    worker, server, _environ = told(aws)
    return [server, worker]


def alive(pids):
    return [pid for pid in pids if Path(f"/proc/{pid}").exists() and "Z" not in _state(pid)]


def _state(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "Z"


def test_the_server_and_its_workers_end_with_the_block(tmp_path):
    with emulate(tmp_path / "here") as aws:
        pids = processes(aws)
        assert alive(pids) == pids

    assert until(lambda: not alive(pids), 10, "the end of both")


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_they_end_with_the_tests_however_those_end(tmp_path, sent):
    here = Path(__file__).parent
    paths = [str(here), str(here.parent), str(here.parents[1])]
    tests = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "here")],
        env={"PATH": os.defpath, "HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(paths)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        pids = json.loads(tests.stdout.readline())
        tests.send_signal(sent)
        tests.wait(30)
    finally:
        tests.kill()
        tests.wait()
        tests.stdout.close()

    assert until(lambda: not alive(pids), 10, "the end of both")


def test_functions_see_the_sandbox_and_nothing_of_this_machines_aws(tmp_path):
    with emulate(tmp_path / "here", sandbox="http://127.0.0.1:1") as aws:
        _worker, _server, environ = told(aws)

    assert {environ.pop(f"AWS_ENDPOINT_URL_{service}") for service in SANDBOXED} == {"http://127.0.0.1:1"}
    mine = {name for name in environ if name.startswith("AWS_") and not name.startswith("AWS_LAMBDA_")}
    assert mine == {
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_DISABLE_HOST_PREFIX_INJECTION",
        "AWS_ENDPOINT_URL",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
    }
    assert environ["AWS_REGION"] == REGION
    assert environ["AWS_ENDPOINT_URL"].startswith(f"http://{HOST}:")
