"""What a command loads before it answers: `dr --help` is typed in the middle of an incident too."""

from __future__ import annotations

import json
import subprocess
import sys

import click
import pytest

from dr.cli import dr, run
from dr.cli.commands import COMMANDS

HEAVY = {
    "boto3",
    "botocore",
    "yaml",
    "structlog",
    "rich",
    "croniter",
    "moto",
    "flask",
    "cryptography",
    "zoneinfo",
}
TELL = "import json, sys\n{}\nprint(json.dumps(sorted(sys.modules)), file=sys.__stderr__)"


def loaded(code):
    """The modules that a process of its own has loaded after this code."""
    done = subprocess.run(
        [sys.executable, "-c", TELL.format(code)], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], [], ["plann"], ["--nonsense", "plan"]])
def test_help_and_misspelt_commands_load_nothing_but_click(arguments):
    ours = loaded(f"from dr.cli import run\ntry:\n    run({arguments})\nexcept SystemExit:\n    pass")

    assert HEAVY & {name.partition(".")[0] for name in ours} == set()
    assert {name for name in ours if name.startswith("dr.")} == {
        *(
            "dr.collector",
            "dr.cli",
            "dr.cli.commands",
            "dr.cli.frame",
            "dr.cli.hints",
            "dr.errors",
            "dr.words",
        )
    }
    assert len(ours - loaded("import click, traceback")) <= 22


@pytest.mark.parametrize(
    "arguments",
    [
        ["init", "other"],
        ["validate"],
        ["schedule", "next", "0 * * * *"],
        ["retention", "--keep", "last=1", "--points", "points"],
        ["sandbox", "status"],
    ],
)
def test_a_command_that_asks_nothing_of_aws_loads_no_sdk(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DR_SANDBOX_DIR", str(tmp_path / "sandbox"))
    run(["init", "."])
    (tmp_path / "points").write_text("2026-03-29T01:00:00Z\n")
    ours = loaded(f"from dr.cli import run\nassert run({arguments}) == {int('sandbox' in arguments)}")

    assert {"boto3", "botocore", "moto"} & ours == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_the_short_help_in_the_list_is_the_commands_own(name):
    command = dr.get_command(click.Context(dr), name)

    assert command.name == name
    assert COMMANDS[name][1] == command.get_short_help_str(1000)


def test_a_function_loads_what_it_works_with_and_no_more():
    ours = {name.partition(".")[0] for name in loaded("import handlers.tick")}

    assert ours & {"boto3", "s3transfer", "click", "moto", "flask", "cryptography", "croniter"} == set()


def test_a_tick_loads_nothing_that_only_restores_need():
    ours = loaded("import handlers.tick")
    of_restores = ("dr.app.restoring", "dr.functions.restoring", "dr.recovery.", "dr.verify", "dr.render")

    assert {name for name in ours if name.startswith(of_restores)} == {"dr.recovery.asked"}


def test_functions_do_without_rich_which_their_package_need_not_have():
    ours = loaded("import sys\nsys.modules['rich'] = None\nimport handlers.tick, handlers.restore")

    assert {"pygments", "attr"} & ours == set()
