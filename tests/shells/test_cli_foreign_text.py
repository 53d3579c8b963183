"""Text of others never steers a terminal and never changes the JSON, wherever dr writes it (FAILURES 4.3)."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import unicodedata

import pytest

from dr.cli.frame import Shared, complain
from dr.cli.plans import _load, _save
from dr.errors import UsageError

FOREIGN = "a\x1b[2J\x07\x9b\x7f\u202e\u2066\u200b\U000e0041z"
SHOWN = "a?[2J???????z"


def steering(text):
    """What of it a terminal would obey; line ends are the answer's own."""
    return {c for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")}


def test_an_answer_in_text_is_shown_without_what_a_terminal_obeys(capsys):
    Shared().emit(dict, lambda: f"first {FOREIGN}\nsecond\r\n")
    assert capsys.readouterr().out == f"first {SHOWN}\nsecond?\n\n"


def test_progress_in_text_is_shown_without_what_a_terminal_obeys(capsys):
    Shared().say(f"{FOREIGN}\nmore")
    assert capsys.readouterr().out == f"{SHOWN}\nmore\n"


def test_an_answer_in_json_holds_the_text_as_it_is_and_steers_no_terminal(capsys):
    Shared(json=True).emit(lambda: {"ä": FOREIGN, "lone": "\ud800"}, str)
    out = capsys.readouterr().out
    assert json.loads(out) == {"ä": FOREIGN, "lone": "\ud800"}
    assert (steering(out), '"ä"' in out) == (set(), True)


@pytest.mark.parametrize("as_json", [False, True])
def test_an_error_steers_no_terminal(capsys, as_json):
    complain(UsageError(f"what {FOREIGN}\nwhere\u2028", f"do {FOREIGN}\nthen"), as_json=as_json)
    told = capsys.readouterr()
    assert steering(told.out + told.err) == set()
    if as_json:
        error = json.loads(told.out)["error"]
        assert (error["message"], error["remedy"]) == (f"what {FOREIGN}\nwhere\u2028", f"do {FOREIGN}\nthen")
    else:
        assert told.err == f"error: what {SHOWN}\nwhere?\n  what to do: do {SHOWN}?then\n"


def test_a_warning_steers_no_terminal(capsys):
    Shared(json=True).warn(f"what {FOREIGN}\nmore", FOREIGN)
    assert capsys.readouterr().err == f"warning: what {SHOWN}\nmore\n  what to do: {SHOWN}\n"


def test_a_saved_plan_steers_no_terminal_that_shows_it(tmp_path):
    _save(tmp_path / "plan.json", {"reason": FOREIGN})
    text = (tmp_path / "plan.json").read_text()
    assert (steering(text), json.loads(text)) == (set(), {"reason": FOREIGN})


PROGRESS = """
from dr.cli.progress import working
with working("[red]deleting[/red] :smile: \\x1b[2J\\u202e one") as tell:
    tell("[b]two[/b] :smile: \\x1b[2J\\u202e three")
    import time; time.sleep(0.3)
"""


def test_progress_on_a_terminal_is_neither_markup_nor_obeyed():
    ours, theirs = pty.openpty()
    environ = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120"}
    with subprocess.Popen([sys.executable, "-c", PROGRESS], stderr=theirs, env=environ) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                more = os.read(ours, 65536)
            except OSError:  # the other side is closed
                break
            if not more:
                break
            shown += more
    os.close(ours)
    text = shown.decode()
    assert process.returncode == 0
    assert "[b]two[/b] :smile: ?[2J? three" in text
    assert ("\x1b[2J" in text, "\u202e" in text) == (False, False)


def test_a_pipe_in_the_place_of_a_plan_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    for name in ("pipe", "link"):
        with pytest.raises(UsageError, match="is not a file"):
            _load(tmp_path / name)


def test_a_device_without_end_in_the_place_of_a_plan_is_read_up_to_the_largest_plan(installation):
    done = installation("apply", "/dev/zero", "--json")
    assert (done.code, "larger than 64 MiB" in done.error["message"]) == (2, True)


@pytest.fixture
def odd(tmp_path):
    """What may lie in the place of a file."""
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "null").symlink_to("/dev/null")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    return tmp_path


@pytest.mark.parametrize("name", ["folder", "pipe", "null"])
def test_a_plan_is_not_put_in_the_place_of_what_is_no_file(installation, odd, name):
    done = installation("plan", "-o", odd / name, "--json")
    assert (done.code, done.error["message"]) == (1, f"{odd / name}: is not a file")
    assert not (odd / name).is_file()
    assert sorted(path.name for path in odd.iterdir()) == ["folder", "here", "loop", "null", "pipe"]


def test_a_plan_is_put_in_the_place_of_a_link_and_never_through_it(installation, odd):
    (odd / "precious").write_text("precious")
    (odd / "link").symlink_to(odd / "precious")
    for name in ("link", "loop"):
        assert installation("plan", "-o", odd / name).code == 0
        assert json.loads((odd / name).read_text())["format"] == 1
        assert not (odd / name).is_symlink()
    assert (odd / "precious").read_text() == "precious"


def assert_harmless(done):
    assert steering(done.out + done.err) == set(), ascii(done.out + done.err)


TYPED = [
    ["points", "--source", FOREIGN],
    ["points", "--policy", FOREIGN],
    ["points", "--stack", FOREIGN],
    ["stacks", FOREIGN],
    ["plan", "--policy", FOREIGN],
    ["plan", "-o", f"{FOREIGN}/plan.json"],
    ["apply", FOREIGN],
    ["restore", "--stack", FOREIGN],
    ["restore", "--stack", "wiki", "--as", FOREIGN],
    ["restore", "--stack", "wiki", "--region", FOREIGN],
    ["restore", "--stack", "wiki", "--at", FOREIGN],
    ["restore", "--stack", "wiki", "--parameter", f"{FOREIGN}=x"],
    ["restore", "--stack", "wiki", "--parameter", FOREIGN],
    ["restore", FOREIGN],
    ["retention", "--keep", FOREIGN, "--points", "/dev/null"],
    ["retention", "--keep", "last=1", "--points", f"/{FOREIGN}"],
    ["retention", "--keep", "last=1", "--points", "/dev/null", "--timezone", FOREIGN],
    ["schedule", "next", FOREIGN],
    ["schedule", "next", "0 * * * *", "--from", FOREIGN],
    ["sandbox", "lose", FOREIGN],
    ["sandbox", "clock", "--advance", FOREIGN],
    ["--config", FOREIGN, "plan"],
    ["init", f"/dev/null/{FOREIGN}"],
    [FOREIGN],
    [f"--{FOREIGN}"],
]


@pytest.mark.parametrize("typed", TYPED, ids=lambda typed: ascii(" ".join(typed)))
def test_what_was_typed_is_told_without_steering_a_terminal(installation, typed):
    for arguments in (typed, [*typed, "--json"]):
        done = installation(*arguments)
        assert done.code in (1, 2)
        assert_harmless(done)


def test_names_of_files_and_what_stands_in_them_steer_no_terminal(here):
    """A file's name may hold whatever the file system takes; in a file such characters may stand as escapes."""
    (here.folder / "policies").mkdir()
    (here.folder / "policies" / f"{FOREIGN}.yaml").write_text('policy: "\\u202e\\x1b[2J"\n"\\x9bkey": 1\n')
    (here.folder / "dr.yaml").write_text(
        "name: x\nregions: ['\u2066']\nstore: {primary: {url: \"\\e[2J\"}}\n"
    )
    for arguments in (["validate"], ["validate", "--json"], ["plan"], ["apply", "--json"]):
        done = here(*arguments)
        assert done.code == 2
        assert_harmless(done)


SHOWN_BY_AWS = "a\u202e\x9b2J\u2066\u2028z"
STACK = """\
Parameters: {Label: {Type: String}}
Resources:
  Data:
    Type: AWS::EC2::Volume
    Properties: {AvailabilityZone: eu-west-1a, Size: 8, Tags: [{Key: Label, Value: !Ref Label}]}
"""


def test_what_aws_tells_steers_no_terminal_in_any_command(installation):
    """A parameter's value and a tag of a stack, in every command that reads it and in its failing restore."""
    name = f"foreign-{installation.name}"
    cloudformation = installation.shell.client("cloudformation")
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=STACK,
        Parameters=[{"ParameterKey": "Label", "ParameterValue": SHOWN_BY_AWS}],
        Tags=[{"Key": "Label", "Value": SHOWN_BY_AWS}],
    )
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    for protect, select in (("volumes", "{tags: {Label: '*'}}"), ("stacks", f"{{names: [{name}]}}")):
        text = f"policy: {protect}\nprotect: {protect}\nselect: {select}\nschedule: '0 * * * *'\nkeep: {{last: 5}}\n"
        installation.write(f"policies/{protect}.yaml", text)
    copy = ("restore", "--stack", name, "--as", f"{name}-copy")
    commands = [
        ["plan"],
        ["apply"],
        ["status"],
        ["points"],
        ["stacks"],
        ["stacks", name],
        [*copy, "--plan-only"],
    ]
    for command in [*commands, [*copy, "--yes"]]:
        for arguments in (command, [*command, "--json"]):
            assert_harmless(installation(*arguments))
    assert "Label = a??2J??z" in installation(*copy, "--plan-only").out
    assert installation("stacks", name, "--json").document["versions"]


@pytest.mark.parametrize("typed", ["Password=hunter2", "Password=hunter2 more) 'and more"])
def test_a_value_that_was_typed_without_its_option_is_not_repeated(here, typed):
    done = here("restore", typed)
    assert (done.code, "hunter2" in done.err, "and more" in done.err) == (2, False, False)
    assert "Password=***" in done.err
    assert "what to do: a parameter's value: `dr restore --stack NAME --parameter NAME=VALUE`" in done.err
