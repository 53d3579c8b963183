"""Bad input and bad surroundings: one clear line with what to do, the contract's exit code, never a traceback."""

from __future__ import annotations

import socket

import pytest
from conftest import POLICY

READERS = ["plan", "apply", "status", "points", "stacks"]


@pytest.fixture
def told(dr):
    """Run `dr` for people and for programs; the exit code and the error, which are the same."""
    (dr.folder / "policies").mkdir()
    (dr.folder / "policies" / "files.yaml").write_text(POLICY)
    (dr.folder / "dr.yaml").write_text("name: x\nregions: [eu-west-1]\nstore: {primary: {url: store/}}\n")

    def ask(*arguments, environ=None):
        done = dr(*arguments, environ=environ)
        assert done.out == ""
        assert done.err.startswith("error: ")
        assert "\n  what to do: " in done.err
        program = dr(*arguments, "--json", environ=environ)
        assert (program.code, program.err) == (done.code, "")
        return done.code, program.error["message"]

    ask.folder, ask.dr = dr.folder, dr
    return ask


KEYS = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}


@pytest.mark.parametrize("command", READERS)
def test_no_credentials_is_exit_1(told, command):
    code, message = told(command)
    assert (code, "no usable AWS credentials" in message) == (1, True)


@pytest.mark.parametrize("command", [["apply"], ["restore", "--stack", "prod", "--plan-only"]], ids=" ".join)
def test_an_endpoint_that_refuses_is_exit_1(told, command):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        code, message = told(*command, environ={**KEYS, "AWS_ENDPOINT_URL": url})
    assert (code, "the connection was refused" in message) == (1, True)


@pytest.mark.parametrize("command", [["plan"], ["sandbox", "env"], ["sandbox", "reset"]], ids=" ".join)
def test_no_sandbox_is_exit_1_and_names_how_to_start_one(dr, command):
    done = dr(*command, "--sandbox", "--json")
    assert (done.code, "`dr sandbox start`" in done.error["remedy"]) == (1, True)


def test_no_region_is_told(told):
    (told.folder / "dr.yaml").write_text("name: x\nstore: {primary: {url: store/}}\n")
    (told.folder / "policies/files.yaml").write_text(POLICY.replace("regions: [eu-west-1]\n", ""))
    code, message = told("plan", environ=KEYS)
    assert (code, "region" in message.lower()) == (2, True)


def test_a_bucket_that_is_missing_is_told_and_stops_no_capture(installation):
    installation.write(
        "dr.yaml",
        f"name: {installation.name}\nregions: [eu-west-1]\n"
        f"store: {{primary: {{url: 's3://not-there-{installation.name}', region: eu-west-1}}}}\n",
    )
    assert installation.outside("stacks", "--json").error["exit"] == 1
    done = installation("apply", "--json")
    assert (done.code, done.document["summary"]["done"]) == (1, 1)


def _missing(path):
    path.unlink()


def _folder(path):
    path.unlink()
    path.mkdir()


def _binary(path):
    path.write_bytes(b"\xff\xfe\x00name")


def _empty(path):
    path.write_bytes(b"")


def _huge(path):
    path.write_bytes(b"# \n" * 600_000)


def _loop(path):
    path.unlink()
    path.symlink_to(path)


def _list(path):
    path.write_text("- name\n")


@pytest.mark.parametrize("harm", [_missing, _folder, _binary, _empty, _huge, _loop, _list])
@pytest.mark.parametrize("file", ["dr.yaml", "policies/files.yaml"])
def test_a_file_that_cannot_be_used_is_exit_2(here, harm, file):
    assert here("init", ".").code == 0
    for name in ("daily-volumes.yaml", "stacks.yaml"):
        (here.folder / "policies" / name).unlink()
    (here.folder / "policies/files.yaml").write_text(POLICY)
    harm(here.folder / file)
    assert here("plan", "--json").error["exit"] == 2
    assert here("plan").code == 2
    assert here("validate").code == 2


@pytest.mark.parametrize("out", ["/nowhere/at/all/plan", "/", "/dev/null/plan"])
def test_a_plan_that_cannot_be_saved_is_exit_1(installation, out):
    done = installation("plan", "-o", out, "--json")
    assert (done.code, done.error["remedy"]) == (1, "choose a file that can be written")


@pytest.mark.parametrize("plan", ["/nowhere", "/", "/dev/null"])
def test_a_plan_that_cannot_be_read_is_exit_2(installation, plan):
    assert installation("apply", plan, "--json").error["exit"] == 2


def test_a_store_that_cannot_be_written_is_told(installation):
    (installation.folder / "store").write_text("a file")
    done = installation("apply", "--json")
    assert done.code == 1
    assert installation("stacks", "--json").error["exit"] == 1


@pytest.mark.parametrize(
    ("arguments", "code", "hint"),
    [
        (["points", "--source", "vol-1"], 2, "`dr points` lists"),
        (["stacks", "nosuch"], 2, "`dr stacks` lists"),
        (["restore", "--stack", "nosuch", "--yes"], 1, "is it mounted"),
        (["restore", "--stack", "nosuch", "--at", "yesterday"], 2, "2026-03-29T01:00:00Z"),
        (["restore", "--stack", "nosuch", "--at", "2026-01-01T00:00:00"], 2, "+02:00"),
        (["restore", "--stack", "nosuch", "--parameter", "x"], 2, "--parameter DbName=main"),
        (["restore", "--stack", "nosuch", "--names", "x"], 2, "--help"),
        (["restore"], 2, "dr restore --stack NAME"),
        (["backup"], 2, "`dr apply`"),
        (["apply", "--dry-run"], 2, "`dr plan` is the dry run"),
        (["plan", "-o", "no/such/folder/plan.json"], 1, "can be written"),
        (["sandbox", "lose", ""], 2, "prod, wiki"),
        (["sandbox", "clock", "--advance", "-1h"], 2, "90min"),
        (["sandbox", "clock", "--advance", "1mo"], 2, "30d"),
        (["sandbox", "clock", "--advance", "99999d"], 2, "36500d"),
        (["sandbox", "start", "--pending", "3"], 1, "dr sandbox stop"),
        (["sandbox", "start", "--port", "1"], 1, "dr sandbox stop"),
        (["apply", "--allow-expire", "3"], 4, "leave it out"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_not_there_or_cannot_be_is_told_with_what_to_do(installation, arguments, code, hint):
    done = installation(*arguments, "--json")
    assert (done.code, done.error["exit"]) == (code, code)
    assert hint in done.error["remedy"]
    assert (installation(*arguments).code, installation(*arguments).out) == (code, "")


@pytest.mark.parametrize("place", ["/proc/nothing", "/dev/null", "/dev/null/below"])
@pytest.mark.parametrize("command", ["start", "status", "stop"])
def test_a_sandbox_directory_that_cannot_be_used_is_told(dr, place, command):
    done = dr("sandbox", command, environ={"DR_SANDBOX_DIR": place})
    assert done.code == {"start": 1, "status": 1, "stop": 0}[command]
    assert ("DR_SANDBOX_DIR" in done.err) == (command == "start")


def test_a_sandbox_is_not_begun_in_the_folder_of_an_installation(told):
    """`store/` is what `dr init` names: a sandbox that begins empties its own."""
    kept = told.folder / "store" / "stacks" / "prod.json"
    kept.parent.mkdir(parents=True)
    kept.write_text("precious")
    code, message = told("sandbox", "start", environ={"DR_SANDBOX_DIR": str(told.folder)})

    assert (code, "is no sandbox's folder: it holds dr.yaml, " in message) == (2, True)
    assert kept.read_text() == "precious"
    assert sorted(path.name for path in (told.folder / "policies").iterdir()) == ["files.yaml"]


@pytest.mark.parametrize("out", ["", "dr.yaml"])
def test_a_plan_is_not_saved_over_what_is_no_plan(told, out):
    before = (told.folder / "dr.yaml").read_bytes()
    assert told("plan", "-o", out)[0] == 2
    assert (told.folder / "dr.yaml").read_bytes() == before


def test_a_plan_is_saved_over_an_earlier_one(installation):
    for _ in range(2):
        assert installation("plan", "-o", installation.folder / "again.json").code == 0


def test_the_account_that_is_not_known_is_told_with_why(told):
    done = told.dr("iam", "reader", environ={"AWS_PROFILE": "nope"})
    assert (done.code, "the account is not known" in done.err, "nope" in done.err) == (0, True, True)


@pytest.mark.parametrize("duration", ["-1h", "1 hour", "0h", "1mo", "99999d"])
def test_a_duration_that_is_none_is_told_with_its_option(installation, duration):
    done = installation.shell("sandbox", "clock", "--advance", duration, "--json")
    assert (done.code, done.error["message"].startswith("--advance")) == (2, True)


def test_foreign_text_cannot_steer_the_terminal(here):
    assert "\x1b" not in here("stacks\x1b[2J").err
    (here.folder / "policies").mkdir()
    (here.folder / "dr.yaml").write_text('name: "a\x1b[2J"\n')
    assert "\x1b" not in here("validate").out
