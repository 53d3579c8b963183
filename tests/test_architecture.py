"""The rooms of docs/architecture.md, read from the code: who may import whom, and what the core may not touch."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PRODUCT = sorted(p for folder in ("dr", "handlers") for p in (ROOT / folder).rglob("*.py"))

# From the foundation up; a module imports only rooms that stand above it in this list (DESIGN 2).
ROOMS = [
    "errors",
    "words",
    "durations",
    "collector",
    "slots",
    "model",
    "actions",
    "retention",
    "layout",
    "planner",
    "limits",
    "wire",
    "planfile",
    "status",
    "notices",
    "regions",
    "documents",
    "policy",
    "config",
    "starter",
    "iam",
    "stored",
    "stacks",
    "ports",
    "threads",
    "clock",
    "interrupts",
    "executor",
    "tick",
    "recovery",
    "events",
    "aws",
    "store",
    "verify",
    "render",
    "logs",
    "telling",
    "notify",
    "functions",
    "sandbox",
    "files",
    "deploy",
    "settings",
    "installation",
    "app",
    "daemon",
    "demo",
    "cli",
]
CORE = set(ROOMS[: ROOMS.index("ports")])
# What would make a decision depend on the machine, the moment or the network.
BANNED_IN_CORE = {
    "boto3",
    "botocore",
    "click",
    "structlog",
    "os",
    "random",
    "time",
    "rich",
    "socket",
    "subprocess",
}
CLOCK_OWNERS = ("dr/clock.py", "dr/sandbox/")
MAX_MODULE = 350
MAX_FUNCTION = 60


def room(path: Path) -> str | None:
    """The room of a module; None for the package itself and its entry points."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    if parts[0] == "handlers":
        return "handlers"
    return None if parts[1] in {"__init__", "__main__"} else parts[1]


def imports(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, (
                f"{path}:{node.lineno}: import with the full name, so that the room is seen"
            )
            base = node.module or ""
            yield from (
                (node.lineno, f"{base}.{alias.name}" if base == "dr" else base) for alias in node.names
            )


def rooms_of_dr() -> set[str]:
    return {r for path in PRODUCT if (r := room(path)) not in {None, "handlers"}}


def test_every_module_stands_in_a_known_room():
    assert rooms_of_dr() - set(ROOMS) == set()


@pytest.mark.parametrize("path", PRODUCT, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_imports_only_rooms_above_its_own(path):
    here = room(path)
    allowed = set(ROOMS) if here in {None, "handlers"} else set(ROOMS[: ROOMS.index(here) + 1])
    for line, name in imports(path):
        parts = name.split(".")
        if parts[0] != "dr" or len(parts) == 1 or parts[1] not in ROOMS:
            continue
        assert parts[1] in allowed, f"{path}:{line}: {here} may not import {parts[1]}: it stands below it"


def test_handlers_import_the_composition_root_only():
    for path in (ROOT / "handlers").glob("*.py"):
        seen = {name for _, name in imports(path) if name.split(".")[0] == "dr"}
        assert {n for n in seen if n.split(".")[1] not in {"app", "collector", "errors"}} == set(), path


@pytest.mark.parametrize(
    "path", [p for p in PRODUCT if room(p) in CORE], ids=lambda p: str(p.relative_to(ROOT))
)
def test_the_core_touches_no_cloud_no_machine_and_no_chance(path):
    for line, name in imports(path):
        assert name.split(".")[0] not in BANNED_IN_CORE, f"{path}:{line}: the core may not import {name}"


@pytest.mark.parametrize("path", PRODUCT, ids=lambda p: str(p.relative_to(ROOT)))
def test_only_the_clock_and_the_sandbox_read_the_clock(path):
    name = str(path.relative_to(ROOT))
    if name.startswith(CLOCK_OWNERS):
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        owner = ast.unparse(node.func.value)
        reads = node.func.attr in {"now", "utcnow", "today"} and owner.split(".")[-1] in {"datetime", "date"}
        reads = reads or (owner, node.func.attr) == ("time", "time")
        assert not reads, f"{name}:{node.lineno}: pass `now` in"


@pytest.mark.parametrize("path", PRODUCT, ids=lambda p: str(p.relative_to(ROOT)))
def test_only_dr_aws_imports_botocore(path):
    if room(path) in {"aws", "sandbox"}:
        return
    for line, name in imports(path):
        assert name.split(".")[0] not in {"boto3", "botocore"}, (
            f"{path}:{line}: only dr/aws speaks to botocore"
        )


@pytest.mark.parametrize("path", PRODUCT, ids=lambda p: str(p.relative_to(ROOT)))
def test_modules_and_functions_stay_short_enough_to_read(path):
    text = path.read_text()
    assert text.count("\n") <= MAX_MODULE, f"{path}: two subjects in one room?"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            size = (node.end_lineno or node.lineno) - node.lineno + 1
            assert size <= MAX_FUNCTION, f"{path}:{node.lineno} {node.name}: {size} lines"


def test_only_the_sandbox_the_roots_and_the_command_line_know_that_there_is_a_sandbox():
    knowing = {
        str(path.relative_to(ROOT))
        for path in PRODUCT
        for _, name in imports(path)
        if name.startswith("dr.sandbox") and not str(path.relative_to(ROOT)).startswith("dr/sandbox/")
    }
    assert {
        name
        for name in knowing
        if not name.startswith(("dr/installation.py", "dr/app/", "dr/cli/", "dr/demo.py"))
    } == set()


def test_tests_inject_instead_of_patching():
    for path in (ROOT / "tests").rglob("*.py"):
        if path == Path(__file__):
            continue
        text = path.read_text()
        for banned in ("mock.patch", "monkeypatch.setattr", "MagicMock", "mark.xfail", "mark.skip"):
            assert banned not in text, f"{path}: {banned}: if it is hard to test, inject it"
