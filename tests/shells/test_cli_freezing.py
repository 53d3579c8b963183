"""`dr freeze` and `dr thaw`: nothing expires in between, whoever ticks."""

from __future__ import annotations

import json

import pytest

TIGHT = """\
policy: files
protect: volumes
regions: [eu-west-1]
select: {tags: {Name: ledger}}
schedule: "0 * * * *"
keep: {last: 1}
"""


@pytest.fixture
def full(installation):
    """An installation whose next tick captures a point and expires one."""
    installation.write("policies/files.yaml", TIGHT)
    for _ in range(2):
        installation.applied()
        installation.shell.advance("1h")
    return installation


def frozen(installation):
    return installation("status", "--json").document["frozen"]


def test_rule_7_6_while_it_is_frozen_points_come_and_none_goes(full):
    before = full.snapshots()
    done = full("freeze", "--why", "we look into it")

    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("FROZEN: nothing of any policy expires: frozen since ")
    assert "Until `dr thaw`." in done.out
    made = full.applied()
    assert [row["do"] for row in made["outcomes"]] == ["capture"]
    assert [(warn["code"], warn["policy"]) for warn in made["warnings"]] == [("frozen", None)]
    assert set(before) < set(full.snapshots())
    assert full("daemon", "--once").code == 0
    assert set(before) < set(full.snapshots())

    assert full("thaw").out.startswith("Nothing is frozen: the next tick expires again what no rule claims.")
    assert {row["do"] for row in full.applied()["outcomes"]} == {"expire"}


def test_rule_7_6_status_shows_first_what_is_frozen_and_is_ok_with_it(full):
    full.applied()
    assert frozen(full) == []
    full("freeze", "--policy", "files", "--why", "ticket 17")

    told = full("status")
    assert told.code == 0
    assert told.out.splitlines()[0].startswith("FROZEN: nothing of policy files expires: frozen since ")
    (row,) = frozen(full)
    assert (row["policy"], row["why"]) == ("files", "ticket 17")
    assert "@" in row["by"]


def test_rule_7_6_a_saved_plan_that_expires_something_is_refused(full):
    full.applied()  # what it has captured lets another one go
    assert full("plan", "-o", full.folder / "plan.json").code == 0
    before = full.snapshots()
    full("freeze", "--why", "stop")

    error = full("apply", full.folder / "plan.json", "--json").error

    assert (error["exit"], "frozen since" in error["message"]) == (4, True)
    assert full.snapshots() == before


def test_the_freeze_of_all_and_of_one_policy_end_one_by_one(full):
    full("freeze", "--why", "all of it")
    both = full("freeze", "--policy", "files", "--why", "this one", "--json").document["frozen"]
    assert [(row["policy"], row["why"]) for row in both] == [(None, "all of it"), ("files", "this one")]

    told = full("thaw")
    assert told.code == 0
    assert "This is frozen still, until `dr thaw --policy files`." in told.out
    assert full("thaw", "--policy", "files", "--json").document == {"frozen": []}
    assert full("thaw", "--policy", "files", "--json").document == {"frozen": []}


def test_freezing_again_keeps_since_when_and_takes_the_new_reason(full):
    (first,) = full("freeze", "--why", "one", "--json").document["frozen"]
    full.shell.advance("1h")
    (second,) = full("freeze", "--why", "two", "--json").document["frozen"]

    assert (second["since"], second["why"]) == (first["since"], "two")


def test_policies_that_are_broken_stop_no_freeze(full):
    full.write("policies/broken.yaml", "keep: nothing\n")

    assert full("freeze", "--why", "stop").code == 0
    assert full("freeze", "--policy", "files", "--why", "stop").code == 0


def test_a_policy_that_was_removed_while_it_was_frozen_can_thaw(full):
    full("freeze", "--policy", "files", "--why", "stop")
    full.write("policies/files.yaml", TIGHT.replace("policy: files", "policy: other"))

    assert full("thaw", "--policy", "files", "--json").document == {"frozen": []}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("freeze",), "Missing option '--why'"),
        (("freeze", "--why", " \n"), "--why is empty"),
        (("freeze", "--why", "x" * 501), "--why has 501 characters"),
        (("freeze", "--why", "x", "--policy", "fles"), "no policy is named 'fles'"),
        (("thaw", "--policy", "fles"), "no policy is named 'fles'"),
        (("thaw", "--why", "x"), "No such option"),
    ],
)
def test_what_was_typed_wrong_is_exit_2_and_freezes_nothing(full, arguments, said):
    error = full(*arguments, "--json").error

    assert (error["exit"], said in error["message"]) == (2, True), error
    assert error["remedy"]
    assert frozen(full) == []


def test_an_empty_policy_is_none_and_not_all(full):
    """As a script's variable is that was never set."""
    full("freeze", "--why", "stop")

    for arguments in (("thaw",), ("freeze", "--why", "x")):
        assert full(*arguments, "--policy", "", "--json").error["exit"] == 2
    assert [row["why"] for row in frozen(full)] == ["stop"]


def test_a_store_where_no_tick_looks_is_not_frozen(installation):
    """Who mistyped the store's path would believe that nothing expires."""
    error = installation("freeze", "--why", "stop", "--json").error

    assert (error["exit"], "the store of no installation" in error["message"]) == (1, True)
    assert not (installation.folder / "store" / "words").exists()


def test_the_store_of_another_installation_is_refused(full):
    config = full.folder / "dr.yaml"
    config.write_text(config.read_text().replace(f"name: {full.name}", "name: another"))

    assert full("freeze", "--why", "stop", "--json").error["exit"] == 4
    assert full("thaw", "--json").error["exit"] == 4


def test_a_mark_that_cannot_be_read_expires_nothing_and_is_told(full):
    full("freeze", "--why", "stop")
    (full.folder / "store" / "words" / "freezes.json").write_text("{")
    before = full.snapshots()

    assert full("apply", "--json").code == 1
    assert set(before) < set(full.snapshots())
    told = full("status")
    assert told.out.startswith("FROZEN? Whether anything is frozen cannot be told: nothing expires.")
    assert full("status", "--json").document["frozen"] is None
    assert full("thaw", "--json").error["exit"] == 1
    assert full("freeze", "--policy", "files", "--why", "stop", "--json").error["exit"] == 1
    assert "`dr freeze --why ...` takes its place" in full("thaw", "--json").error["remedy"]

    assert full("freeze", "--why", "stop again").code == 0
    assert [row["why"] for row in frozen(full)] == ["stop again"]
    assert set(before) < set(full.snapshots())


def test_in_a_bucket_too_it_holds_for_whoever_ticks(installation):
    bucket = f"{installation.name}-store"
    installation.shell.client("s3").create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    installation.write(
        "dr.yaml",
        f"name: {installation.name}\nregions: [eu-west-1]\n"
        f"store: {{primary: {{url: 's3://{bucket}/dr', region: eu-west-1}}}}\n",
    )
    installation.write("policies/files.yaml", TIGHT)
    for _ in range(2):
        installation.applied()
        installation.shell.advance("1h")
    before = installation.snapshots()
    assert installation("freeze", "--why", "stop").code == 0

    assert installation.applied()["summary"] == {"done": 1, "skipped": 0, "failed": 0, "left": 0}
    assert set(before) < set(installation.snapshots())
    assert installation("thaw", "--json").document == {"frozen": []}
    assert {row["do"] for row in installation.applied()["outcomes"]} == {"expire"}


def test_foreign_text_in_the_mark_does_nothing_to_a_terminal(full):
    full("freeze", "--why", "stop")
    mark = full.folder / "store" / "words" / "freezes.json"
    document = json.loads(mark.read_text())
    document["freezes"][0]["why"] = "\x1b[2Jgone\nFROZEN: no"
    mark.write_text(json.dumps(document))

    told = full("status").out

    assert "\x1b" not in told
    assert told.splitlines()[0].endswith("?[2Jgone FROZEN: no")


def test_rule_7_6_a_freeze_holds_when_the_stores_are_swapped_in_an_incident(full):
    """docs/daemon.md swaps them where the primary's Region is away; the mark that somebody set then holds afterwards too."""
    there = full.folder / "dr.yaml"
    plain = f"name: {full.name}\nregions: [eu-west-1]\nstore: "
    there.write_text(plain + "{primary: {url: store/}, replica: {url: other/}}\n")
    swapped = full.write("swapped.yaml", plain + "{primary: {url: other/}, replica: {url: store/}}\n")
    full.applied()
    full.shell.advance("1h")
    away = (full.folder / "store").rename(full.folder / "away")
    (full.folder / "store").write_text("no folder")
    assert full("apply", "--config", swapped).code == 1, "by a new store nothing expires for a week"
    done = full("freeze", "--config", swapped, "--why", "ransomware")
    assert (done.code, "the replica does not know of it" in done.err) == (0, True)
    assert full("status", "--config", swapped).out.startswith("FROZEN: nothing of any policy expires")

    (full.folder / "store").unlink()
    away.rename(full.folder / "store")
    full.shell.advance("1h")
    before = full.snapshots()
    assert [row["why"] for row in frozen(full)] == ["ransomware"]
    assert full("apply").code == 0
    assert set(before) < set(full.snapshots())
    assert full("thaw", "--json").document == {"frozen": []}
    full.applied()
    assert not set(before) <= set(full.snapshots())


def test_a_thaw_that_the_replica_does_not_hear_of_is_exit_1(full):
    (full.folder / "dr.yaml").write_text(
        f"name: {full.name}\nregions: [eu-west-1]\nstore: {{primary: {{url: store/}}, replica: {{url: other/}}}}\n"
    )
    full("freeze", "--why", "stop")
    kept = (full.folder / "other").rename(full.folder / "kept")
    (full.folder / "other").write_text("no folder")
    done = full("thaw")
    assert (done.code, "the replica may hold it still" in done.err) == (1, True)
    assert done.out == "It is over in the primary alone.\n"

    (full.folder / "other").unlink()
    kept.rename(full.folder / "other")
    assert [row["why"] for row in frozen(full)] == ["stop"]
    assert full("thaw").code == 0


def test_a_policy_whose_own_file_is_broken_is_refused_with_the_way_that_needs_none(full):
    full.write("policies/files.yaml", TIGHT + "kep: 1\n")

    error = full("freeze", "--policy", "files", "--why", "stop", "--json").error

    assert (error["exit"], "without --policy it needs none that can be read" in error["remedy"]) == (2, True)
