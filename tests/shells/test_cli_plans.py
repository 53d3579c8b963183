"""`dr plan`, `dr apply`: saved plans, what makes them stale, blocked expiries, leases, stores (DESIGN 7 and 9)."""

from __future__ import annotations

import json

import pytest
from conftest import POLICY

from dr.sandbox import process
from dr.store.directory import DirectoryStore
from dr.store.leases import Owner, StoreLeases

ACCOUNT = "123456789012"


class SandboxClock:
    """The sandbox's time, as another process on this machine would have it."""

    def __init__(self, directory):
        self._running = process.status(directory)

    def now(self):
        return process.now(self._running)

    def sleep(self, seconds):
        raise AssertionError("nobody waits here")


@pytest.fixture
def clock(seeded, tmp_path_factory):
    return SandboxClock(tmp_path_factory.getbasetemp().joinpath(seeded.environ["DR_SANDBOX_DIR"]))


def grown(installation, points):
    """That many points, one an hour, oldest first."""
    for _ in range(points):
        installation.shell.advance("1h")
        installation.applied()
    return installation.snapshots()


def test_i8_a_second_apply_changes_nothing_from_another_home_and_another_folder(installation, tmp_path):
    installation.applied()
    made = installation.snapshots()
    home = tmp_path / "another"
    home.mkdir()
    done = installation.outside("apply", cwd=home, environ={"HOME": str(home)})
    assert (done.code, done.out) == (0, "No changes: everything that the policies ask for is there.\n")
    assert installation.snapshots() == made
    assert list(home.iterdir()) == []


def test_i17_a_plan_changes_nothing_in_aws_or_in_the_store(installation):
    assert installation("plan", "--json").document["summary"]["capture"] == 1
    assert installation.snapshots() == []
    assert not (installation.folder / "store").exists()


def test_two_plans_of_one_slot_have_one_fingerprint_while_the_clock_moves(installation):
    first = installation("plan", "--json").document
    installation.shell.advance("20min")
    second = installation("plan", "--json").document
    assert second["fingerprint"] == first["fingerprint"]
    assert second["now"] > first["now"]
    installation.shell.advance("1h")
    assert installation("plan", "--json").document["fingerprint"] != first["fingerprint"]


def test_detailed_exitcode_is_3_when_there_are_actions_and_0_when_there_are_none(installation):
    assert installation("plan", "--detailed-exitcode").code == 3
    assert installation("plan").code == 0
    installation.applied()
    assert installation("plan", "--detailed-exitcode").code == 0


def test_a_plan_says_what_and_why(installation):
    line = next(line for line in installation("plan").out.splitlines() if line.startswith("  + "))
    assert line.startswith("  + capture vol-")
    assert line.endswith(": has no good point yet")


def test_a_saved_plan_is_private_and_is_what_json_shows(installation):
    file = installation.folder / "plan.json"
    shown = installation("plan", "-o", file, "--json").document
    assert json.loads(file.read_text()) == shown
    assert file.stat().st_mode & 0o777 == 0o600


def test_i16_a_saved_plan_is_applied_once_and_then_stale(installation):
    file = installation.folder / "plan.json"
    planned = installation("plan", "-o", file, "--json").document
    done = installation("apply", file, "--json")
    assert (done.code, done.document["fingerprint"]) == (0, planned["fingerprint"])
    assert len(installation.snapshots()) == 1
    again = installation("apply", file, "--json")
    assert (again.code, "stale" in again.error["message"]) == (4, True)
    assert len(installation.snapshots()) == 1


def test_i16_time_alone_does_not_make_a_plan_stale(installation):
    file = installation.folder / "plan.json"
    installation("plan", "-o", file)
    installation.shell.advance("3h")
    assert installation("apply", file).code == 0


def _edit_actions(document):
    document["actions"][0]["source"] = "vol-00000000000000000"


def _edit_reason(document):
    document["actions"][0]["reason"] = "because"


def _edit_policies(document):
    document["asked"] = []


@pytest.mark.parametrize("edit", [_edit_actions, _edit_reason, _edit_policies])
def test_i16_an_edited_plan_is_refused(installation, edit):
    file = installation.folder / "plan.json"
    installation("plan", "-o", file)
    document = json.loads(file.read_text())
    edit(document)
    file.write_text(json.dumps(document))
    error = installation("apply", file, "--json").error
    assert (error["exit"], str(file) in error["message"]) == (4, True)
    assert installation.snapshots() == []


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ("policies/files.yaml", POLICY + "# a word\n"),
        ("policies/more.yaml", POLICY.replace("policy: files", "policy: more")),
        ("dr.yaml", "name: other-name\nregions: [eu-west-1]\nstore: {primary: {url: store/}}\n"),
    ],
)
def test_i16_a_plan_is_stale_when_a_policy_or_the_configuration_changed(installation, changed, text):
    file = installation.folder / "plan.json"
    installation("plan", "-o", file)
    installation.write(changed, text)
    error = installation("apply", file, "--json").error
    assert (error["exit"], "stale" in error["message"]) == (4, True)
    assert installation.snapshots() == []


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"\xff\xfe", b'{"format": 2}', b"[" * 100_000, b"null"])
def test_what_is_no_plan_is_exit_2(installation, body):
    file = installation.folder / "plan.json"
    file.write_bytes(body)
    done = installation("apply", file, "--json")
    assert (done.code, "dr plan -o FILE" in done.error["remedy"]) == (2, True)
    assert str(file) in done.error["message"]


def test_a_saved_plan_takes_no_policy(installation):
    file = installation.folder / "plan.json"
    installation("plan", "-o", file)
    assert installation("apply", file, "--policy", "files", "--json").error["exit"] == 2


def test_an_unknown_policy_is_exit_2_with_the_one_that_was_meant(installation):
    for command in ("plan", "apply"):
        error = installation(command, "--policy", "fils", "--json").error
        assert (error["exit"], error["remedy"]) == (2, "did you mean files? there are: files")


def test_one_policy_can_be_planned_and_applied_alone(installation):
    installation.write("policies/more.yaml", POLICY.replace("policy: files", "policy: more"))
    plan = installation("plan", "--policy", "more", "--json").document
    assert [action["policy"] for action in plan["actions"]] == ["more"]
    done = installation("apply", "--policy", "more", "--json").document
    assert [outcome["policy"] for outcome in done["outcomes"]] == ["more"]
    assert len(installation.snapshots()) == 1


def test_i11_rule_4_what_a_changed_keep_drops_is_blocked_beyond_the_limit_until_a_person_says_so(
    installation,
):
    before = set(grown(installation, 6))
    installation.write("policies/files.yaml", POLICY.replace("last: 9", "last: 1"))
    done = installation("apply", "--json")
    blocked = [outcome for outcome in done.document["outcomes"] if outcome["blocked"]]
    assert (done.code, len(blocked), {outcome["result"] for outcome in blocked}) == (4, 3, {"left"})
    assert done.document["summary"] == {"done": 2, "skipped": 0, "failed": 0, "left": 3}
    assert len(before & set(installation.snapshots())) == 4
    told = installation("apply")
    assert told.code == 4
    number = installation("plan", "--json").document["summary"]["blocked"]
    assert f"dr apply --allow-expire {number}" in told.out
    left = installation.snapshots()
    for other in (number - 1, number + 1):
        assert installation("apply", "--allow-expire", other, "--json").error["exit"] == 4
    assert installation.snapshots() == left
    assert installation("apply", "--allow-expire", number, "--json").code == 0
    assert len(installation.snapshots()) == 1


def test_i10_rule_3_a_policy_that_selects_nothing_fails_and_deletes_nothing(installation):
    made = grown(installation, 3)
    typo = POLICY.replace("Name: ledger", "Name: leger").replace("last: 9", "last: 1")
    installation.write("policies/files.yaml", typo)
    done = installation("apply", "--json")
    assert (done.code, done.document["outcomes"]) == (1, [])
    assert "selects-nothing" in [warning["code"].replace("_", "-") for warning in done.document["warnings"]]
    assert installation.snapshots() == made


def test_i10_rule_5_a_policy_that_was_removed_leaves_its_points_as_orphans(installation):
    made = grown(installation, 2)
    (installation.folder / "policies/files.yaml").unlink()
    installation.write("policies/more.yaml", POLICY.replace("policy: files", "policy: more"))
    assert installation("apply").code == 0
    assert set(made) < set(installation.snapshots())
    orphans = installation("status", "--json").document["orphans"]
    assert sorted(point["id"] for point in orphans) == made


def test_the_lease_of_another_is_exit_5_and_nothing_is_done(installation, clock):
    store = DirectoryStore(installation.folder / "store", clock)
    lease = StoreLeases(store, Owner(name="somebody else"), clock).acquire(
        f"leases/{ACCOUNT}/eu-west-1/files"
    )
    done = installation("apply", "--json")
    assert (done.code, "somebody else" in done.error["message"]) == (5, True)
    assert installation.snapshots() == []
    lease.release()
    assert installation("apply").code == 0


def test_a_lease_that_nobody_renews_ends_after_five_minutes(installation, clock):
    store = DirectoryStore(installation.folder / "store", clock)
    StoreLeases(store, Owner(name="somebody else"), clock).acquire(f"leases/{ACCOUNT}/eu-west-1/files")
    installation.shell.advance("6min")
    assert installation("apply").code == 0


def test_where_one_policy_is_busy_the_others_go_on(installation, clock):
    installation.write("policies/more.yaml", POLICY.replace("policy: files", "policy: more"))
    store = DirectoryStore(installation.folder / "store", clock)
    StoreLeases(store, Owner(name="somebody else"), clock).acquire(f"leases/{ACCOUNT}/eu-west-1/files")
    done = installation("apply", "--json")
    assert (done.code, [outcome["policy"] for outcome in done.document["outcomes"]]) == (5, ["more"])


def test_a_store_of_another_installation_is_refused(installation):
    installation.applied()
    installation.write("dr.yaml", "name: somebody\nregions: [eu-west-1]\nstore: {primary: {url: store/}}\n")
    error = installation("apply", "--json").error
    assert (error["exit"], installation.name in error["message"]) == (4, True)


def test_the_store_may_be_a_bucket(installation):
    bucket = f"store-of-{installation.name}"
    where = {"LocationConstraint": "eu-west-1"}
    installation.shell.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration=where)
    installation.write(
        "dr.yaml",
        f"name: {installation.name}\nregions: [eu-west-1]\n"
        f"store: {{primary: {{url: 's3://{bucket}/dr', region: eu-west-1}}}}\n",
    )
    installation.write(
        "policies/stacks.yaml",
        "policy: stacks\nprotect: stacks\nselect: {names: [wiki]}\nschedule: '0 * * * *'\nkeep: {last: 5}\n",
    )
    assert installation.applied()["summary"]["done"] == 2
    assert installation("apply", "--json").document["outcomes"] == []
    assert [s["name"] for s in installation("stacks", "--json").document["stacks"]] == ["wiki"]
    keys = installation.shell.client("s3").list_objects_v2(Bucket=bucket)["Contents"]
    assert all(row["Key"].startswith("dr/") for row in keys)


def test_rule_7_5_points_of_a_moved_and_of_a_removed_policy_are_reported_by_a_plan(installation):
    installation.write(
        "dr.yaml",
        f"name: {installation.name}\nregions: [eu-west-1, eu-central-1]\nstore: {{primary: {{url: store/}}}}\n",
    )
    away = POLICY.replace("eu-west-1", "eu-central-1").replace("ledger", "archive")
    installation.write("policies/moved.yaml", away.replace("files", "moved"))
    removed = installation.write("policies/removed.yaml", away.replace("files", "removed"))
    installation.applied()
    removed.unlink()
    installation.write("policies/moved.yaml", POLICY.replace("files", "moved"))
    told = {(warn["code"], warn["policy"]) for warn in installation("plan", "--json").document["warnings"]}
    assert told >= {("source-missing", "moved"), ("policy-missing", "removed")}
