"""All faults of all files at once, and what holds between files."""

import pytest
from policy_texts import NOW, REGIONS, check, text

from dr.errors import InvalidDocuments
from dr.policy import check_policies, is_policy_file, parse_policies

TEN_FAULTS = """\
policy: prod data
protect: volums
regions: [eu-west-1, eu-wst-1]
select:
  tags: {Environment: prod, Tier: []}
  tags: {Environment: test}
schedule: "0 25 * * *"
timezone: Europe/Viena
keep:
  dayly: 7
  weekly: 0
  monthly: yes
"""


def test_i10_one_file_with_ten_faults_yields_ten_places():
    problems = check(TEN_FAULTS).problems
    places = [(problem.line, problem.column, problem.message.split(":")[0]) for problem in problems]
    assert places == [
        (1, 9, "policy"),
        (2, 10, "protect"),
        (3, 22, "regions[1]"),
        (5, 35, "select.tags.Tier"),
        (6, 3, "select.tags"),
        (7, 11, "schedule"),
        (8, 11, "timezone"),
        (10, 3, "keep.dayly"),
        (11, 11, "keep.weekly"),
        (12, 12, "keep.monthly"),
    ]


def test_faults_come_in_the_order_of_files_and_then_of_places():
    files = [
        ("b.yaml", text(policy="b", keep="{daily: 0}", protect="x").encode()),
        ("a.yaml", b"["),
        ("c.yaml", b""),
    ]
    problems = check_policies(files, REGIONS, NOW).problems
    assert [(p.file, p.line) for p in problems] == [
        ("a.yaml", 1),
        ("b.yaml", 2),
        ("b.yaml", 5),
        ("c.yaml", 1),
    ]


def test_i10_a_name_that_is_taken_is_refused_at_the_second_file_and_names_the_first():
    problems = check(text(), text(protect="instances")).problems
    assert [str(problem) for problem in problems] == [
        'b.yaml:1:9: policy: the name "db" is taken by a.yaml:1:9; choose another'
    ]


def test_i10_a_name_is_taken_by_a_file_with_faults_too():
    problems = check(text(keep="{}"), text()).problems
    assert [problem.file for problem in problems] == ["a.yaml", "b.yaml"]


def test_sound_policies_are_told_beside_the_faults_of_others():
    checked = check(text(policy="a"), text(policy="b", keep="{}"), text(policy="c"))
    assert [policy.name for policy in checked.policies] == ["a", "c"]


def test_i10_one_unsound_file_leaves_no_policy_to_act_on():
    files = [("a.yaml", text().encode()), ("b.yaml", b"policy: x")]
    with pytest.raises(InvalidDocuments) as caught:
        parse_policies(files, REGIONS)
    assert caught.value.exit_code == 2
    assert {problem.file for problem in caught.value.problems} == {"b.yaml"}
    assert caught.value.message.startswith("b.yaml:1:1: ")


def test_i10_an_empty_file_is_a_fault():
    assert [str(problem) for problem in check("").problems] == [
        "a.yaml:1:1: empty file; write it, or delete it"
    ]


def test_i10_a_folder_without_policies_is_a_fault():
    (problem,) = check_policies([], REGIONS, NOW, folder="/etc/dr/policies").problems
    assert str(problem) == (
        "/etc/dr/policies:1:1: no policies here (*.yaml, *.yml); write one, or let `dr init` write a first one"
    )
    with pytest.raises(InvalidDocuments):
        parse_policies([], REGIONS)


def test_a_file_that_is_not_utf_8_does_not_hide_the_others():
    files = [("a.yaml", b"policy: \xff"), ("b.yaml", text().encode())]
    checked = check_policies(files, REGIONS, NOW)
    assert [problem.file for problem in checked.problems] == ["a.yaml"]
    assert [policy.file for policy in checked.policies] == ["b.yaml"]


def test_policies_come_in_the_order_of_their_files():
    files = [("z.yaml", text(policy="a").encode()), ("a.yaml", text(policy="z").encode())]
    assert [policy.name for policy in parse_policies(iter(files), REGIONS)] == ["z", "a"]


def test_one_file_is_one_policy():
    (policy,) = parse_policies([("policies/db.yaml", text().encode())], REGIONS)
    assert policy.file == "policies/db.yaml"
    with pytest.raises(InvalidDocuments):
        parse_policies([("policies/db.yaml", b"")], REGIONS)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("db.yaml", True), ("db.yml", True), (".db.yaml", False), ("db.yaml~", False), ("README.md", False)],
)
def test_policy_files_are_told_by_their_names(name, expected):
    assert is_policy_file(name) is expected
