"""One sandbox for every suite that talks to AWS: a process of its own, on a free port of 127.0.0.1."""

from __future__ import annotations

import zlib
from collections import defaultdict
from math import ceil

import pytest
from hypothesis import settings
from sandbox_server import sandbox_server

# The same examples on every machine, so that nobody's change fails by another's luck; the long suites look further
# (make test-long: --hypothesis-profile=searching) and print how to see an example again that failed.
# No deadline by the clock on the wall: machines that run tests are busy.
settings.register_profile("steady", derandomize=True, database=None, deadline=None, print_blob=True)
settings.register_profile("searching", derandomize=False, deadline=None, print_blob=True)
settings.load_profile("steady")

pytest_plugins = ("permissions.plugin",)

_SHARE = 10
_SAMPLED = {
    *("test_restore_rules", "test_restore_templates", "test_restore_command", "test_restore_births"),
    *("test_verify_stacks", "test_year", "test_races", "test_races_lambda", "test_handlers", "test_proof"),
    *("test_handlers_accounts", "test_handler_changed", "test_package", "test_cli_races", "test_cli_verify"),
    *("test_cli_faults", "test_cli_accounts", "test_cli_plans", "test_cli_organization", "test_cli_hostile"),
    *("test_cli_deploying", "test_cli_terminal", "test_cli_foreign_text", "test_ministack_corrections"),
    *("test_templates_linted", "test_cli_daemon", "test_sandbox_process", "test_deployed_by_dr"),
    *("test_canaries", "test_cli_freezing", "test_cli_notify", "test_takeover", "test_restore_permissions"),
}
"""Of these, whose tests wait for processes, `make test` runs one in `_SHARE`, the same ones each time; `make test-long` all."""


def pytest_addoption(parser):
    parser.addoption(
        "--update", action="store_true", help="write the golden texts anew, to be read in the diff"
    )
    parser.addoption(
        "--sample", action="store_true", help="of files with many slow tests some, as `make test` does"
    )
    parser.addoption(
        "--switch-off", metavar="GUARD", help="take a guard away: see tests/faults/switched_off.py"
    )


def pytest_configure(config):
    if guard := config.getoption("--switch-off"):
        from faults.switched_off import switch_off  # noqa: PLC0415 - of the suite, and only when it is asked for

        switch_off(guard)


def pytest_collection_modifyitems(config, items):
    """Files with long tests begin first: no worker waits at the end for another's longest."""
    if config.getoption("--sample"):
        left_out = set(items) - set(_sample(items))
        config.hook.pytest_deselected(items=[item for item in items if item in left_out])
        items[:] = [item for item in items if item not in left_out]
    long = {item.path for item in items if item.get_closest_marker("long")}
    items.sort(key=lambda item: item.path not in long)


def _sample(items):
    """All tests but those of the sampled files, of each of which one in `_SHARE` stays, and never none."""
    files = defaultdict(list)
    for item in items:
        files[item.path].append(item)
    for path, its in files.items():
        if path.stem in _SAMPLED:
            its.sort(key=lambda item: zlib.crc32(item.nodeid.encode()))
            yield from its[: ceil(len(its) / _SHARE)]
        else:
            yield from its


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory):
    """The server of this session, whatever its clock shows; each test that uses it begins with a `reset` of its own."""
    with sandbox_server(tmp_path_factory.mktemp("sandbox")) as server:
        yield server
