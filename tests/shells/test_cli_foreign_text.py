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
