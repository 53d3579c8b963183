"""The store in an incident: what is damaged is listed beside what is not, and a store that vanished is told."""

from __future__ import annotations

import json
import shutil

import pytest

_POLICY = """\
policy: {name}
protect: stacks
select: {{names: [wiki]}}
schedule: "0 * * * *"
keep: {{last: 5}}
"""


@pytest.fixture
def damaged(installation):
    """One stack under two policies, and somebody changed the version of the first."""
    for name in ("first", "second"):
        installation.write(f"policies/{name}.yaml", _POLICY.format(name=name))
    installation.applied()
    (manifest,) = (installation.folder / "store").rglob("*.first.json")
    manifest.write_text(manifest.read_text().replace("wiki", "evil", 1))
    return installation


def test_i15_an_altered_version_is_listed_without_a_digest_and_the_exit_is_4(damaged):
    done = damaged("stacks", "wiki", "--json")
    rows = {row["policy"]: row for row in json.loads(done.out)["versions"]}

    assert (done.code, rows.keys()) == (4, {"first", "second"})
    assert (rows["first"]["template_sha256"], rows["second"]["error"]) == (None, None)
    assert "its digest does not hold" in rows["first"]["error"]
    assert len(rows["second"]["template_sha256"]) == 64
    assert done.err.startswith("warning: ")
    assert "what to do: do not restore from it" in done.err


def test_i15_an_altered_version_is_marked_for_people_and_the_others_are_as_ever(damaged):
    done = damaged("stacks", "wiki")
    marked = [("cannot be read: " in line) for line in done.out.splitlines()[2:]]

    assert (done.code, sorted(marked)) == (4, [False, True])
    assert done.err.count("warning: ") == 1


def test_i15_a_restore_that_an_altered_version_stops_names_the_sound_one_before_it(installation):
    installation.write("policies/first.yaml", _POLICY.format(name="first"))
    for _ in range(3):
        installation.applied()
        installation.shell.advance("1h")
    *_, sound, altered = sorted((installation.folder / "store").rglob("*.first.json"))
    altered.write_text(altered.read_text().replace("wiki", "evil", 1))
    asked = ("restore", "--stack", "wiki", "--as", f"w-{installation.name}", "--plan-only", "--json")
    done = installation(*asked)

    assert (done.code, "digest does not hold" in done.error["message"]) == (4, True)
    at = done.error["remedy"].rpartition("--at ")[2].split()[0]
    again = installation(*asked, "--at", at)
    slot = again.document["stacks"][0]["stored"]["slot"]
    assert (again.code, slot.replace("-", "").replace(":", "")) == (0, sound.name.split(".")[0])


@pytest.mark.parametrize("command", [["stacks"], ["points"]], ids=" ".join)
def test_a_listing_of_a_store_that_holds_nothing_warns_and_makes_none(installation, command):
    done = installation(*command, "--json")

    assert (done.code, done.document) == (0, {command[0]: []})
    assert f"warning: {installation.folder / 'store'} holds nothing of any installation" in done.err
    assert "is it mounted" in done.err
    assert not (installation.folder / "store").exists()


def test_a_restore_from_a_store_that_holds_nothing_asks_about_the_store_and_not_the_stack(installation):
    done = installation("restore", "--stack", "wiki", "--yes", "--json")

    assert (done.code, done.error["exit"]) == (1, 1)
    assert "holds nothing of any installation" in done.error["message"]
    assert "is it mounted" in done.error["remedy"]


def test_a_stack_that_a_claimed_store_lacks_is_still_what_was_typed(installation):
    installation.applied()
    done = installation("restore", "--stack", "wiki", "--yes", "--json")

    assert (done.code, "no stack named 'wiki'" in done.error["message"]) == (2, True)


def test_a_plan_and_an_apply_after_the_store_vanished_say_so(installation):
    installation.applied()
    installation.shell.advance("10min")
    shutil.rmtree(installation.folder / "store")
    plan, first, second = (installation(command, "--json") for command in ("plan", "apply", "apply"))

    assert [done.code for done in (plan, first, second)] == [1, 1, 1]
    said = [warn["message"] for done in (plan, first, second) for warn in done.document["warnings"]]
    nobodys = ["is claimed by nobody" in line for line in said]
    assert (nobodys, "was claimed only at" in said[-1]) == ([True, True, False], True), (
        "the first apply claims it"
    )
    assert installation("status").code == 1
