"""Documentation and code are equal: every command, every option, every link, and the examples that can be run."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from dr.cli import dr
from dr.policy import parse_policies

ROOT = Path(__file__).parent.parent
COMMANDS = (ROOT / "docs" / "commands.md").read_text()
PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md"))]
SHARED = {"--config", "--json", "--sandbox"}


def leaves(command, path=()):
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from leaves(command.get_command(context, name), (*path, name))
    else:
        yield path, command


LEAVES = dict(leaves(dr))


def sections():
    """Heading words -> text, of docs/commands.md."""
    parts = re.split(r"^## `dr ([^`]+)`$", COMMANDS, flags=re.MULTILINE)[1:]
    return {
        tuple(w for w in head.split() if w == w.lower()): text
        for head, text in zip(parts[::2], parts[1::2], strict=True)
    }


def test_every_command_has_a_section_and_every_section_a_command():
    assert set(LEAVES) == set(sections())


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_every_option_is_documented_and_none_besides(path):
    options = {o for p in LEAVES[path].params if isinstance(p, click.Option) for o in p.opts} - SHARED
    documented = set(re.findall(r"^- `(-[-a-z]+)`", sections()[path], flags=re.MULTILINE))

    assert documented == options


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_every_command_knows_the_shared_options_and_has_help(path):
    command = LEAVES[path]

    assert {o for p in command.params for o in p.opts} >= SHARED
    assert command.help
    assert all(p.help for p in command.params if isinstance(p, click.Option))


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


def examples():
    """Lines that begin with `$ dr` and what is shown to follow, of the commands that need no AWS."""
    for page in PAGES:
        for block in re.findall(r"(?:^    .*\n)+", page.read_text(), flags=re.MULTILINE):
            lines = [line[4:] for line in block.splitlines()]
            if lines[0].startswith(("$ dr schedule", "$ dr retention", "$ dr validate")):
                yield lines[0][2:], lines[1:]


EXAMPLES = list(examples())


def test_there_are_examples_to_run():
    assert EXAMPLES


@pytest.mark.parametrize(("line", "shown"), EXAMPLES)
def test_an_example_prints_what_the_page_shows(line, shown):
    arguments = shlex.split(line)[1:]
    ran = subprocess.run(
        [sys.executable, "-m", "dr", *arguments], capture_output=True, text=True, timeout=60, check=True
    )

    assert ran.stdout.splitlines() == shown


def test_the_policy_of_the_readme_is_sound():
    (text,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)

    (policy,) = parse_policies([("README.md", text.encode())], ["eu-west-1"])
    assert policy.name == "data-volumes"


def test_the_commands_that_readme_and_runbook_name_exist():
    named = {
        tuple(found.split())
        for page in PAGES
        for found in re.findall(
            r"(?:^    |`)dr ((?:sandbox|schedule) [a-z]+|[a-z]+)", page.read_text(), flags=re.MULTILINE
        )
    }
    known = set(LEAVES) | {path[:1] for path in LEAVES}

    assert named - known == set()
