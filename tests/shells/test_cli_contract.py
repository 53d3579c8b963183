"""The contract of the command line (DESIGN 9): commands, options, JSON, exit codes."""

from __future__ import annotations

import json
import re

import pytest

COMMANDS = [
    ["init"],
    ["validate"],
    ["plan"],
    ["apply"],
    ["status"],
    ["points"],
    ["stacks"],
    ["restore"],
    ["freeze"],
    ["thaw"],
    ["verify"],
    ["daemon"],
    ["notify"],
    ["notify", "test"],
    ["deploy"],
    ["undeploy"],
    ["schedule"],
    ["schedule", "next"],
    ["retention"],
    ["iam"],
    ["sandbox"],
    *(["sandbox", name] for name in ("start", "stop", "status", "reset", "env", "clock")),
    ["demo"],
]
POINT = {
    *("id", "kind", "policy", "source", "account", "region"),
    *("slot", "time", "state", "copy_of", "set", "hold"),
}
ACTION = {"do", "policy", "source", "account", "region", "slot", "point", "blocked", "reason"}
PROTECTED = {
    *("source", "kind", "policy", "account", "region", "newest", "age"),
    *("rpo", "within_rpo", "next_slot", "copies"),
}
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def times(value, key=""):
    """Every value under a key that the contract says is a time."""
    if isinstance(value, dict):
        return [time for name, each in value.items() for time in times(each, name)]
    if isinstance(value, list):
        return [time for each in value for time in times(each, key)]
    return [value] if key in {"now", "slot", "time", "next_slot", "next"} and value is not None else []


def assert_times_in_utc(document):
    assert times(document)
    assert [time for time in times(document) if not _TIME.fullmatch(time)] == []


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_a_help_that_names_the_shared_options(here, command):
    done = here(*command, "--help")
    assert (done.code, done.err) == (0, "")
    assert all(option in done.out for option in ("--config", "--json", "--sandbox", "Usage: dr "))
    assert done.out == here(*command, "-h").out


def test_the_help_lists_the_commands_in_the_order_of_their_use(here):
    listed = re.findall(r"^  ([a-z]+)  ", here("--help").out.partition("Commands:")[2], re.MULTILINE)
    assert list(dict.fromkeys(command[0] for command in COMMANDS)) == listed


@pytest.mark.parametrize("command", [[], ["sandbox"], ["schedule"]], ids=["dr", "sandbox", "schedule"])
def test_a_group_without_a_command_shows_its_help(here, command):
    done = here(*command)
    assert (0, "", here(*command, "--help").out) == (done.code, done.err, done.out)


def test_a_group_without_a_command_is_an_error_where_json_was_asked_for(here):
    assert [here("--json").error["exit"], here("sandbox", "--json").error["exit"]] == [2, 2]


@pytest.mark.parametrize(
    "arguments",
    [
        ["plan", "--bad"],
        ["plan", "excess"],
        ["apply", "--allow-expire", "0"],
        ["apply", "--allow-expire", "-1"],
        ["apply", "--allow-expire", "many"],
        ["apply", "a", "b"],
        ["restore"],
        ["schedule", "next"],
        ["schedule", "last"],
        ["retention"],
        ["plan", "--policy", "a", "--policy", "b"],
        ["freeze", "--policy=a", "--why", "x", "--policy", "b"],
        ["sandbox", "start", "--port", "0"],
        ["sandbox", "start", "--port", "65536"],
        ["sandbox", "start", "--pending", "nan"],
        ["sandbox", "start", "--pending", "-1"],
        ["nosuch"],
        ["--nosuch"],
        [""],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_what_was_typed_wrong_is_the_error_document_and_exit_2(here, arguments, before):
    done = here(*(["--json", *arguments] if before else [*arguments, "--json"]))
    assert (done.code, done.err) == (2, "")
    assert "--help" in done.error["remedy"]


def test_what_was_typed_wrong_is_told_to_people_on_stderr(dr):
    done = dr("plan", "--bad")
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines() == ["error: No such option '--bad'", "  what to do: see dr plan --help"]


def test_a_region_that_aws_does_not_have_is_told_with_those_spelt_most_like_it(here):
    error = here("init", "x", "--region", "eu-wset-1", "--json").error
    assert (error["exit"], 'unknown Region "eu-wset-1"' in error["message"]) == (2, True)
    assert "eu-west-1" in error["remedy"]


def test_the_shared_options_stand_before_or_after_the_command(installation):
    file = installation.folder / "dr.yaml"
    dr = installation.shell
    before = dr("--json", "--sandbox", "--config", file, "plan")
    after = dr("plan", "--config", file, "--sandbox", "--json")
    assert (before.code, after.code, before.err, after.err) == (0, 0, "", "")
    assert before.document["fingerprint"] == after.document["fingerprint"]


def test_the_later_config_wins(installation):
    done = installation("validate", "--json", "--config", "/nowhere/dr.yaml")
    assert "/nowhere/dr.yaml" in done.error["message"]


def test_a_config_without_a_name_is_not_the_usual_one(installation):
    """`--config "$CFG"` of a variable that is not set must not undeploy what lies in this folder."""
    done = installation.shell("validate", "--config", "", "--json")
    assert (done.code, done.error["message"]) == (2, "--config: the name is empty")


def test_dr_sandbox_is_yes_or_no_and_nothing_that_may_mean_aws(installation):
    for said, code in (("true", 0), ("YES", 0), ("0", 2), ("", 2)):
        done = installation.shell("validate", "--json", environ={"DR_SANDBOX": said})
        assert done.code == code, (
            "in the sandbox, and with its dr.yaml" if code == 0 else "there is none here"
        )
    done = installation.shell("plan", "--json", environ={"DR_SANDBOX": "perhaps"})
    assert (done.code, done.error["remedy"]) == (2, "set it to 1, or unset it")


def test_dr_config_names_the_file_and_dr_sandbox_the_sandbox(installation):
    environ = {"DR_CONFIG": str(installation.folder / "dr.yaml")}
    done = installation.shell("validate", "--json", environ=environ)
    assert (done.code, done.document["policies"]) == (0, ["files"])
    done = installation.shell("validate", "--json", environ={"DR_SANDBOX": "1"})
    assert (done.code, done.document["policies"]) == (0, ["data-volumes", "machines", "stacks"])


def test_dr_config_is_named_where_its_file_cannot_be_read(installation):
    environ = {"DR_CONFIG": "gone.yaml"}
    error = installation.shell("plan", "--json", environ=environ).error
    assert (error["exit"], "gone.yaml" in error["message"], "DR_CONFIG" in error["remedy"]) == (2, True, True)
    error = installation.shell("plan", "--config", "away.yaml", "--json", environ=environ).error
    assert ("away.yaml" in error["message"], "DR_CONFIG" in error["remedy"]) == (True, False)


def test_init_then_validate_then_nothing_is_overwritten(here):
    done = here("init", "x", "--name", "acme", "--json")
    assert (done.code, len(done.document["written"])) == (0, 3)
    assert (here("validate", "--config", "x/dr.yaml").code, here("validate", "--config", "x/dr.yaml", "--json").document["problems"]) == (0, [])  # fmt: skip
    assert "exists already" in here("init", "x", "--json").error["message"]


def test_validate_tells_each_problem_with_its_place_and_exits_2(installation):
    installation.write("policies/files.yaml", "policy: files\nprotect: volume\nkeep: {dayly: 1}\n")
    done = installation("validate", "--json")
    problems = done.document["problems"]
    assert (done.code, done.err) == (2, "")
    assert all({"file", "line", "column", "message"} <= problem.keys() for problem in problems)
    assert (2, 10) in [(problem["line"], problem["column"]) for problem in problems]
    text = installation("validate")
    assert (text.code, text.err) == (2, "")
    assert "policies/files.yaml:2:10: " in text.out


def test_other_commands_tell_the_same_problems_as_an_error(installation):
    installation.write("policies/files.yaml", "policy: files\nprotect: volume\n")
    error = installation("plan", "--json").error
    assert (error["exit"], "policies/files.yaml:2:10: " in error["message"]) == (2, True)


def test_plan_and_apply_have_the_keys_of_the_contract(installation):
    plan = installation.outside("plan", "--json")
    assert (plan.code, plan.err) == (0, "")
    assert plan.document.keys() >= {"format", "now", "fingerprint", "actions", "warnings", "summary"}
    assert (plan.document["format"], plan.document["summary"]) == (1, {"capture": 1, "copy": 0, "expire": 0, "blocked": 0})  # fmt: skip
    assert all(action.keys() >= ACTION for action in plan.document["actions"])
    assert_times_in_utc(plan.document)
    done = installation.outside("apply", "--json")
    assert (done.code, done.err) == (0, "")
    assert done.document.keys() >= {"fingerprint", "outcomes", "warnings", "summary"}
    assert done.document["summary"] == {"done": 1, "skipped": 0, "failed": 0, "left": 0}
    (outcome,) = done.document["outcomes"]
    assert outcome.keys() >= ACTION | {"result", "created", "error"}
    assert ("done", None, installation.snapshots()) == (outcome["result"], outcome["error"], outcome["created"])  # fmt: skip
    assert_times_in_utc(done.document)


def test_status_points_and_stacks_have_the_keys_of_the_contract(installation):
    installation.write("policies/stacks.yaml", STACKS)
    installation.applied()
    status = installation("status", "--json")
    assert (status.code, status.err, status.document["ok"], status.document["frozen"]) == (0, "", True, [])
    assert status.document.keys() >= {"now", "ok", "frozen", "sources", "unprotected", "stacks", "orphans"}
    assert all(row.keys() >= PROTECTED for row in status.document["sources"])
    assert all(row["newest"].keys() >= POINT for row in status.document["sources"])
    assert all(
        {"source", "kind", "account", "region"} <= row.keys() for row in status.document["unprotected"]
    )
    assert {"name": "wiki", "verdict": None, "reasons": []} in status.document["stacks"]
    assert_times_in_utc(status.document)
    points = installation("points", "--json")
    assert (points.code, points.err, sorted(p["kind"] for p in points.document["points"])) == (0, "", ["snapshot", "stack"])  # fmt: skip
    assert all(point.keys() >= POINT for point in points.document["points"])
    assert_times_in_utc(points.document)
    stacks = installation("stacks", "--json")
    (stack,) = stacks.document["stacks"]
    assert (stacks.code, stacks.err, stack["name"], stack["versions"]) == (0, "", "wiki", 1)
    assert stack.keys() >= {"name", "account", "region", "versions", "newest"}
    versions = installation("stacks", "wiki", "--json")
    assert (versions.code, versions.err, versions.document["name"]) == (0, "", "wiki")
    (version,) = versions.document["versions"]
    assert version.keys() >= {"id", "slot", "time", "template_sha256"}
    assert re.fullmatch("[0-9a-f]{64}", version["template_sha256"])
    assert_times_in_utc(versions.document)


def test_points_are_chosen_by_stack_policy_and_kind(installation):
    installation.write("policies/stacks.yaml", STACKS)
    installation.applied()

    def ids(*options):
        return [
            (p["policy"], p["kind"]) for p in installation("points", *options, "--json").document["points"]
        ]

    assert ids("--policy", "files") == [("files", "snapshot")]
    assert ids("--stack", "wiki") == ids("--kind", "stack") == [("stacks", "stack")]
    assert ids("--policy", "files", "--kind", "stack") == []
    unknown = installation("points", "--policy", "flies", "--json").error
    assert (unknown["exit"], "did you mean files?" in unknown["remedy"]) == (2, True)


STACKS = """\
policy: stacks
protect: stacks
select: {names: [wiki]}
schedule: "0 * * * *"
keep: {last: 5}
"""


def test_logs_go_to_stderr_and_leave_the_document_alone(installation):
    done = installation.outside("apply", "--json", environ={"DR_LOG": "debug"})
    assert (done.code, done.document["summary"]["done"]) == (0, 1)
    assert '"event": "point.captured"' in done.err


def test_a_plan_logs_what_it_read_and_what_it_came_to(installation):
    done = installation.outside("plan", "--json", environ={"DR_LOG": "info"})
    read, made = [json.loads(line) for line in done.err.splitlines()]
    assert (read["event"], read["regions"], read["points"]) == ("inventory.read", ["eu-west-1"], 0)
    assert (made["event"], made["capture"], made["expire"]) == ("plan.made", 1, 0)


def test_without_a_terminal_nothing_moves_and_nothing_is_coloured(installation):
    done = installation.outside("apply")
    assert (done.code, done.err) == (0, "")
    assert "\x1b" not in done.out
