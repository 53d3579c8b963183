"""`dr deploy` and `dr undeploy` as a person meets them, with the sandbox's account taken for AWS itself."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from conftest import a_shell, inside

from dr.app import App, Settings

NAME, STORE, REGION = "dr-acme", "acme-store", "eu-west-1"
POLICY = (
    'policy: hourly\nprotect: volumes\nselect: {tags: {Tier: db}}\nschedule: "0 * * * *"\nkeep: {last: 3}\n'
)
CONFIG = f"""\
name: acme
regions: [{REGION}]
store: {{primary: {{url: "s3://{STORE}", region: {REGION}}}}}
deploy: {{region: {REGION}}}
"""
NOWHERE = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
COMMANDS = (("deploy",), ("undeploy",))


class Acme:
    """An installation, and the account that it is in."""

    def __init__(self, shell, sandbox):
        self.shell, self.sandbox = shell, sandbox
        self.cloudformation, self.s3 = sandbox.client("cloudformation"), sandbox.client("s3")

    def __call__(self, *arguments, **environ):
        return inside(arguments, {**self.shell.environ, **environ}, self.shell.folder)

    def write(self, config=CONFIG, policy=POLICY):
        (self.shell.folder / "dr.yaml").write_text(config)
        (self.shell.folder / "policies").mkdir(exist_ok=True)
        (self.shell.folder / "policies" / "hourly.yaml").write_text(policy)

    def status(self):
        """Of its stack, None when there is none."""
        rows = self.cloudformation.describe_stacks()["Stacks"]
        return next((row["StackStatus"] for row in rows if row["StackName"] == NAME), None)

    def objects(self):
        return [row["Key"] for row in self.s3.list_objects_v2(Bucket=STORE).get("Contents", ())]

    def asks(self, tags, name="theirs"):
        """Somebody asks for a change set that would create the stack."""
        self.cloudformation.create_change_set(
            StackName=NAME,
            ChangeSetName=name,
            ChangeSetType="CREATE",
            TemplateBody='{"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}',
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        )


@pytest.fixture
def acme(sandbox, tmp_path):
    sandbox.reset()
    shell = a_shell(
        tmp_path, AWS_ENDPOINT_URL=sandbox.url, AWS_ACCESS_KEY_ID="any", AWS_SECRET_ACCESS_KEY="any"
    )
    made = Acme(shell, sandbox)
    made.s3.create_bucket(Bucket=STORE, CreateBucketConfiguration={"LocationConstraint": REGION})
    made.write()
    yield made
    sandbox.control("settings", {"step_seconds": 0})


# --- before AWS is asked ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_who_can_be_asked_nothing_and_says_no_yes_is_refused_before_aws_is_asked(acme, command):
    done = acme(*command, "--json", **NOWHERE)
    assert (done.code, done.error["message"]) == (2, "no terminal to ask on")


@pytest.mark.parametrize("command", COMMANDS)
def test_the_sandbox_runs_no_functions(acme, command):
    done = acme("--sandbox", *command, "--yes", "--json", **NOWHERE)
    assert (done.code, done.error["message"]) == (2, "the sandbox runs no functions")


def test_what_is_wrong_with_the_files_is_told_before_aws_is_asked(acme):
    acme.write(config=CONFIG.replace(STORE, f"{STORE}/a*b"))
    star = acme("deploy", "--yes", "--json", **NOWHERE)
    assert (star.code, "store.primary.url: 'a*b'" in star.error["message"]) == (2, True)

    acme.write(policy=POLICY.replace("keep", "kept"))
    broken = acme("deploy", "--yes", "--json", **NOWHERE)
    assert (broken.code, "kept: unknown key" in broken.error["message"]) == (2, True)


def test_what_a_person_should_know_first_is_told_before_aws_is_asked(acme):
    """A secret in the package, and roles that will refuse every tick."""
    doubtful = 'notify: [{apprise: "slack://a/b/c"}]\naccounts: [{id: "222222222222", role: dr-member}]\n'
    acme.write(config=CONFIG + doubtful)
    told = acme("deploy", "--yes", "--json", **NOWHERE)
    assert "notify[0] apprise slack://: its address lies in the package" in told.err
    assert "accounts without external_id: the roles of cloudformation/member.yaml refuse" in told.err

    sound = 'notify: [{apprise: {env: CHAT}}]\naccounts: [{id: "222222222222", role: dr-member, external_id: x1}]\n'
    acme.write(config=CONFIG + sound)
    assert "warning" not in acme("deploy", "--yes", "--json", **NOWHERE).err


def test_sts_is_asked_in_the_functions_region_too_which_may_outlive_the_protected_ones(acme):
    acme.write(config=CONFIG.replace("deploy: {region: eu-west-1}", "deploy: {region: eu-central-1}"))
    app = App(Settings(config=str(acme.shell.folder / "dr.yaml"), environ={}))

    assert app.session.asked_of_sts == (REGION, "eu-central-1")


# --- what is only looked at -------------------------------------------------------------------------------------------


def test_a_plan_is_one_document_and_leaves_nothing(acme):
    done = acme("deploy", "--plan-only", "--json")
    assert (done.code, done.document["result"], done.document["stack_id"]) == (0, "planned", None)
    assert {row["action"] for row in done.document["changes"]} == {"Add"}
    assert (acme.status(), acme.objects()) == (None, [])


def test_a_template_too_long_for_a_call_is_staged_and_taken_back(acme):
    many = json.dumps([f"{minute} * * * *" for minute in range(40)])
    acme.write(policy=POLICY.replace('"0 * * * *"', many))
    done = acme("deploy", "--plan-only", "--json")
    assert done.code == 0, done
    assert len([row for row in done.document["changes"] if row["logical_id"].startswith("WakeUp")]) == 40
    assert (acme.status(), acme.objects()) == (None, [])


@contextmanager
def asked(acme, *command):
    """A process at its prompt, and its terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        acme.shell.command(*command),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=acme.shell.folder,
        env={**acme.shell.environ, "TERM": "xterm-256color"},
    )
    os.close(theirs)
    shown = b""
    while b"[y/N]" not in shown:
        shown += os.read(ours, 65536)
    yield process, ours
    assert process.poll() is not None
    os.close(ours)


def rest(process, terminal):
    """How it ended, and what it still showed."""
    shown = b""
    with suppress(OSError):  # the other side is closed
        while more := os.read(terminal, 65536):
            shown += more
    assert b"Traceback" not in shown
    return process.wait(60), shown.decode()


@pytest.mark.parametrize("answer", ["n", "\n", "SIGINT"])
def test_what_is_not_confirmed_is_withdrawn(acme, answer):
    with asked(acme, "deploy") as (process, terminal):
        assert acme.status() == "REVIEW_IN_PROGRESS"
        if answer == "SIGINT":
            process.send_signal(signal.SIGINT)
        else:
            os.write(terminal, f"{answer}\n".encode())
        code, shown = rest(process, terminal)

    expected = (130, "interrupted") if answer == "SIGINT" else (4, "not confirmed: nothing was changed")
    assert (code, expected[1] in shown) == (expected[0], True), shown
    assert (acme.status(), acme.objects()) == (None, [])


# --- whose stack it is ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [("deploy", "--plan-only"), ("deploy", "--yes"), ("undeploy", "--yes")])
@pytest.mark.parametrize("tags", [{}, {"dr:managed": "other"}])
def test_a_stack_under_review_of_somebody_else_is_left_alone(acme, command, tags):
    acme.asks(tags)
    done = acme(*command, "--json")
    assert (done.code, "not of the installation 'acme'" in done.error["message"]) == (4, True)
    (left,) = acme.cloudformation.list_change_sets(StackName=NAME)["Summaries"]
    assert (acme.status(), left["ChangeSetName"]) == ("REVIEW_IN_PROGRESS", "theirs")


def test_what_a_killed_run_has_left_under_review_is_taken_over(acme):
    acme.asks({"dr:managed": "acme"}, name="dr-of-a-killed-run")
    assert acme("deploy", "--plan-only").code == 0
    assert acme.status() is None

    acme.asks({"dr:managed": "acme"}, name="dr-of-a-killed-run")
    assert acme("undeploy", "--yes").code == 0
    assert acme.status() is None


# --- the bucket -------------------------------------------------------------------------------------------------------


class Elsewhere(BaseHTTPRequestHandler):
    """S3 of one Region, asked for a bucket of another: a HEAD has no body to say so."""

    def do_HEAD(self):
        self.send_response(301)
        self.send_header("x-amz-bucket-region", "us-east-1")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def test_a_bucket_that_s3_says_is_elsewhere_is_refused_before_anything_is_made(acme):
    with ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        done = acme("deploy", "--yes", "--json", AWS_ENDPOINT_URL_S3=url)
        server.shutdown()

    assert (done.code, "is in another Region" in done.error["message"]) == (4, True), done
    assert f"staging_bucket: {{{REGION}: ...}}" in done.error["remedy"]
    assert acme.status() is None


def test_a_bucket_of_another_region_is_refused_with_its_name(acme):
    acme.sandbox.client("s3", "eu-central-1").create_bucket(
        Bucket="far", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    acme.write(config=f"{CONFIG}staging_bucket: {{{REGION}: far}}\n")
    done = acme("deploy", "--yes", "--json")
    assert (done.code, "the bucket far is in eu-central-1" in done.error["message"]) == (4, True), done
    assert acme.status() is None


# --- while CloudFormation works, and after ----------------------------------------------------------------------------


def test_who_interrupts_is_told_that_cloudformation_goes_on_and_who_comes_meanwhile_is_busy(acme):
    acme.sandbox.control("settings", {"step_seconds": 600})
    command = acme.shell.command("deploy", "--yes", "--json")
    process = subprocess.Popen(
        command, cwd=acme.shell.folder, env=acme.shell.environ, stdout=subprocess.PIPE, text=True
    )
    try:
        until(lambda: acme.status() == "REVIEW_IN_PROGRESS")
        acme.sandbox.advance(600)  # the change set is there
        until(lambda: acme.status() == "CREATE_IN_PROGRESS")
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    error = json.loads(out)["error"]
    assert (process.returncode, error["exit"]) == (130, 130)
    assert f"CloudFormation goes on with {NAME} by itself" in error["message"]

    for busy in (("deploy", "--yes"), ("undeploy", "--yes"), ("deploy", "--plan-only")):
        done = acme(*busy, "--json")
        assert (done.code, f"{NAME} is CREATE_IN_PROGRESS" in done.error["message"]) == (5, True)


def until(find):
    end = time.monotonic() + 30
    while not find():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_protected_stack_is_left_and_one_whose_bucket_and_policies_are_gone_is_removed(acme):
    done = acme("deploy", "--yes", "--json")
    assert (done.code, acme.status()) == (0, "CREATE_COMPLETE"), done
    acme.cloudformation.update_termination_protection(StackName=NAME, EnableTerminationProtection=True)
    done = acme("undeploy", "--yes", "--json")
    assert (done.code, "has termination protection" in done.error["message"]) == (4, True)
    assert "--no-enable-termination-protection" in done.error["remedy"]
    assert acme.status() == "CREATE_COMPLETE"
    acme.cloudformation.update_termination_protection(StackName=NAME, EnableTerminationProtection=False)

    acme.write(policy="keep: nothing")
    for key in acme.objects():
        acme.s3.delete_object(Bucket=STORE, Key=key)
    acme.s3.delete_bucket(Bucket=STORE)
    gone = acme("undeploy", "--yes", "--json")
    assert (gone.code, gone.document["result"], gone.document["packages"]) == (0, "removed", []), gone
    assert acme.status() is None


def test_packages_that_a_killed_run_has_left_go_with_the_next(acme):
    acme.s3.put_object(Bucket=STORE, Key="dr-packages/acme/left.zip", Body=b"")
    acme.s3.put_object(Bucket=STORE, Key="dr-packages/other/theirs.zip", Body=b"")
    done = acme("undeploy", "--yes", "--json")
    assert (done.document["result"], done.document["packages"]) == ("removed", ["dr-packages/acme/left.zip"])
    assert acme.objects() == ["dr-packages/other/theirs.zip"]
    assert acme("undeploy", "--yes", "--json").document["result"] == "absent"
