"""What each key of a policy may hold (DESIGN 4)."""

from zoneinfo import ZoneInfo

import pytest
from policy_texts import NOW, check, faults, policy, text

from dr.durations import Duration
from dr.model import Policy, Protect, RetentionRule, Selector
from dr.slots import parse_schedule

UTC = ZoneInfo("UTC")
VIENNA = ZoneInfo("Europe/Vienna")


def test_a_minimal_policy_has_the_documented_defaults():
    expected = Policy(
        name="db",
        protect=Protect.VOLUMES,
        regions=("eu-west-1",),
        select=Selector(tags={"Backup": ("yes",)}),
        schedules=(parse_schedule("0 * * * *", UTC),),
        zone=UTC,
        keep=RetentionRule(daily=7),
        expire_percent=30,
        file="a.yaml",
    )
    assert expected == policy()


def test_every_key_arrives_in_the_policy():
    found = policy(
        regions="[eu-central-1, us-east-1]",
        select="{tags: {A: x, B: [y, z]}, exclude_tags: {C: '*'}, instance_tags: {D: w}, volumes: boot}",
        schedule="['0 * * * *', rate(6 hours)]",
        timezone="Europe/Vienna",
        keep="{last: 3, hourly: 24, daily: 7, weekly: 5, monthly: 12, yearly: 3, within: 1y2d}",
        objectives="{rpo: 26h, rto: 90min}",
        limits="{expire_percent: 50}",
    )
    expected = Policy(
        name="db",
        protect=Protect.VOLUMES,
        regions=("eu-central-1", "us-east-1"),
        select=Selector(
            tags={"A": ("x",), "B": ("y", "z")},
            exclude_tags={"C": ("*",)},
            instance_tags={"D": ("w",)},
            volumes="boot",
        ),
        schedules=(parse_schedule("0 * * * *", VIENNA), parse_schedule("rate(6 hours)", VIENNA)),
        zone=VIENNA,
        keep=RetentionRule(
            last=3,
            hourly=24,
            daily=7,
            weekly=5,
            monthly=12,
            yearly=3,
            within=Duration(months=12, seconds=2 * 86_400),
        ),
        expire_percent=50,
        rpo=26 * 3600,
        rto=90 * 60,
        file="a.yaml",
    )
    assert expected == found


def test_instances_may_be_rebooted():
    assert policy(protect="instances", reboot="true").reboot is True
    assert policy(protect="instances", reboot="false").reboot is False


def test_stacks_are_selected_by_name_or_tag():
    assert policy(protect="stacks", select="{names: ['prod-*', web]}").select == Selector(
        names=("prod-*", "web")
    )
    assert policy(protect="stacks", select="{tags: {A: b}}").select == Selector(tags={"A": ("b",)})


def test_a_tag_may_be_empty():
    assert policy(select="{tags: {A: '', B: ['', x]}}").select.tags == {"A": ("",), "B": ("", "x")}


def test_months_in_an_objective_have_thirty_days_and_years_365():
    assert policy(objectives="{rpo: 1y2mo, rto: 1w}").rpo == (365 + 60) * 86_400


@pytest.mark.parametrize("key", ["policy", "protect", "select", "schedule", "keep"])
def test_i10_a_missing_key_is_placed_at_the_mapping_that_lacks_it(key):
    (problem,) = check("# a comment\n" + text(**{key: None})).problems
    assert (problem.line, problem.column) == (2, 1)
    assert problem.message.startswith(f"{key}: missing; ")


def test_i10_a_key_without_a_value_is_placed_at_the_key():
    (problem,) = check(text(select="")).problems
    assert str(problem) == "a.yaml:3:1: select: expected a mapping (keys and values), found nothing"


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"keep": "{}"}, "keep: is empty: say how many, such as {daily: 7, weekly: 5}"),
        ({"keep": "7"}, "keep: expected a mapping (keys and values), found the number 7"),
        ({"keep": "{daily: 0}"}, "keep.daily: expected a whole number from 1, found the number 0"),
        ({"keep": "{daily: -1}"}, "keep.daily: expected a whole number from 1, found the number -1"),
        ({"keep": "{daily: 1.0}"}, "keep.daily: expected a whole number from 1, found the number 1.0"),
        ({"keep": "{daily: yes}"}, "keep.daily: expected a whole number from 1, found the boolean yes"),
        (
            {"keep": "{daily: '7'}"},
            'keep.daily: expected a whole number from 1, found the text "7"; remove the quotes',
        ),
        ({"keep": "{daily: 7d}"}, 'keep.daily: expected a whole number from 1, found the text "7d"'),
        (
            {"keep": "{daily: 012}"},
            "keep.daily: expected a whole number from 1, found the number 012; YAML reads it as 10; write that",
        ),
        (
            {"keep": "{daily: 1:30}"},
            "keep.daily: expected a whole number from 1, found the number 1:30; YAML reads it as 90; write that",
        ),
        ({"keep": "{daily: }"}, "keep.daily: expected a whole number from 1, found nothing"),
        (
            {"keep": "{dayly: 7}"},
            "keep.dayly: unknown period; did you mean daily? (last, hourly, daily, weekly, monthly, yearly, within)",
        ),
        (
            {"keep": "{within: 2}"},
            "keep.within: expected a duration such as 26h, found the number 2; add its unit: min, h, d, w, mo or y",
        ),
        ({"select": "{}"}, "select: is empty and so would select nothing; write tags: {Backup: 'yes'}"),
        ({"select": "{tags: {}}"}, "select.tags: is empty; write {Backup: 'yes'}, or remove it"),
        ({"select": "{tags: {A: []}}"}, "select.tags.A: the list is empty; write ['*'] for any value"),
        (
            {"select": "{tags: {A: }}"},
            'select.tags.A: expected text, found nothing; write "*" for any value',
        ),
        (
            {"select": "{tags: {A: yes}}"},
            'select.tags.A: expected text, found the boolean yes; quote it: "yes"',
        ),
        (
            {"select": "{tags: {A: [b, 012345670123]}}"},
            'select.tags.A[1]: expected text, found the number 012345670123; quote it: "012345670123"',
        ),
        (
            {"select": "{tags: {A: 2026-12-01}}"},
            'select.tags.A: expected text, found the date 2026-12-01; quote it: "2026-12-01"',
        ),
        ({"select": "{tags: {A: {b: c}}}"}, "select.tags.A: expected text, found a mapping"),
        ({"select": "{tags: {A: [b, b]}}"}, 'select.tags.A[1]: "b" is there twice; remove one'),
        ({"select": "{tags: {'': b}}"}, 'select.tags."": a tag\'s key has 1 to 128 characters'),
        (
            {"select": "{tags: {A: b}, volumes: boots}"},
            'select.volumes: unknown value "boots"; did you mean boot? (all, boot, data)',
        ),
        (
            {"select": "{tgas: {A: b}}"},
            "select.tgas: unknown key; did you mean tags? (tags, exclude_tags, instance_tags, volumes, names)",
        ),
        ({"select": "{names: [a]}"}, "select.names: only for protect: stacks; remove it"),
        (
            {"protect": "instances", "select": "{instance_tags: {A: b}}"},
            "select.instance_tags: only for protect: volumes; remove it",
        ),
        (
            {"protect": "instances", "select": "{tags: {A: b}, volumes: all}"},
            "select.volumes: only for protect: volumes; remove it",
        ),
        (
            {"protect": "stacks", "select": "{}"},
            "select: is empty and so would select nothing; write names: ['prod-*']",
        ),
        (
            {"protect": "stacks", "select": "{names: [prod_web]}"},
            'select.names[0]: no stack can match "prod_web": a stack\'s name has no "_"; write letters, digits, -, * and ?',
        ),
        (
            {"protect": "stacks", "select": "{names: prod}"},
            "select.names: expected a list, found the text \"prod\"; write ['prod-*']",
        ),
        (
            {"protect": "volume"},
            'protect: unknown value "volume"; did you mean volumes? (volumes, instances, stacks)',
        ),
        ({"reboot": "false"}, "reboot: only for protect: instances; remove it"),
        (
            {"protect": "instances", "reboot": "'false'"},
            'reboot: expected true or false, found the text "false"; remove the quotes',
        ),
        ({"protect": "instances", "reboot": "0"}, "reboot: expected true or false, found the number 0"),
        ({"policy": "''"}, "policy: is empty"),
        ({"policy": "a b"}, 'policy: "a b" is not a name: letters, digits, - and _, at most 40'),
        (
            {"policy": "x" * 41},
            f'policy: "{"x" * 41}" is not a name: letters, digits, - and _, at most 40',
        ),
        ({"policy": "2026"}, 'policy: expected text, found the number 2026; quote it: "2026"'),
        ({"regions": "[]"}, "regions: the list is empty; write [eu-west-1]"),
        (
            {"regions": "eu-west-1"},
            'regions: expected a list, found the text "eu-west-1"; write [eu-west-1]',
        ),
        ({"regions": "[eu-wst-1]"}, 'regions[0]: unknown Region "eu-wst-1"; did you mean eu-west-1?'),
        (
            {"regions": "[eu-west-1a]"},
            'regions[0]: "eu-west-1a" is an Availability Zone; write its Region, eu-west-1',
        ),
        ({"regions": "[no]"}, 'regions[0]: expected text, found the boolean no; quote it: "no"'),
        ({"regions": "[eu-west-1, eu-west-1]"}, 'regions[1]: "eu-west-1" is there twice; remove one'),
        (
            {"timezone": "europe/viena"},
            'timezone: unknown time zone "europe/viena"; did you mean Europe/Vienna?',
        ),
        (
            {"timezone": "qqqq"},
            'timezone: unknown time zone "qqqq"; write a name such as UTC or Europe/Vienna',
        ),
        (
            {"limits": "{expire_percent: 0}"},
            "limits.expire_percent: expected a whole number from 1 to 100, found the number 0",
        ),
        (
            {"limits": "{expire_percent: 101}"},
            "limits.expire_percent: expected a whole number from 1 to 100, found the number 101",
        ),
        (
            {"limits": "{expire: 10}"},
            "limits.expire: unknown key; did you mean expire_percent? (expire_percent)",
        ),
        (
            {"objectives": "{rpo: 5}"},
            "objectives.rpo: expected a duration such as 26h, found the number 5; add its unit: min, h, d, w, mo or y",
        ),
        (
            {"objectives": "{rpo: 1:30}"},
            "objectives.rpo: expected a duration such as 26h, found the number 1:30; add its unit: min, h, d, w, mo or y",
        ),
        ({"schedule": "12:30"}, 'schedule: expected text, found the number 12:30; quote it: "12:30"'),
        ({"schedule": "[]"}, "schedule: the list is empty; write ['0 * * * *']"),
        ({"schedule": "{every: 1}"}, "schedule: expected text, found a mapping"),
        ({"schedule": "['0 * * * *', '0 * * * *']"}, 'schedule[1]: "0 * * * *" is there twice; remove one'),
        ({"gone": "{keep: 90d}"}, "gone: not supported yet; remove it"),
        ({"copies": "[]"}, "copies: not supported yet; remove it"),
        ({"consistency": "crash"}, "consistency: not supported yet; remove it"),
        (
            {"interval": "1h"},
            "interval: unknown key (policy, protect, regions, select, schedule, timezone, keep, objectives, reboot, limits)",
        ),
    ],
)
def test_i10_a_fault_is_named_with_its_repair(changed, expected):
    assert faults(**changed) == [expected]


@pytest.mark.parametrize(
    "zone", ["localtime", "Europe", "../etc/passwd", "/etc/localtime", "posix/UTC", "a\\0b"]
)
def test_a_zone_is_a_name_that_is_the_same_on_every_machine(zone):
    (fault,) = faults(timezone=f"'{zone}'")
    assert fault.startswith("timezone: unknown time zone ")


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        ("61 * * * *", "minute"),
        ("0 0 31 2 *", "can never fire"),
        ("* * * *", "fields"),
        ("rate(1 hours)", "hour"),
        ("cron(0 0 * * * *)", "?"),
        ("hourly", "fields"),
    ],
)
def test_an_impossible_schedule_is_refused_in_the_words_of_the_schedules(schedule, said):
    (problem,) = check(text(schedule=f'"{schedule}"')).problems
    assert (problem.line, problem.column) == (4, 11)
    assert problem.message.startswith(f'schedule: "{schedule}"')
    assert said in problem.message


@pytest.mark.parametrize(
    ("schedule", "last"),
    [
        ("at(2025-12-01T02:00:00)", "2025-12-01T01:00:00Z"),
        ("cron(0 2 1 12 ? 2025)", "2025-12-01T01:00:00Z"),
    ],
)
def test_a_schedule_that_is_over_is_refused_when_validating_and_not_in_a_tick(schedule, last):
    over = text(schedule=schedule, timezone="Europe/Vienna")
    expected = f'schedule: "{schedule}" is over: its last slot was {last}; mend the year, or remove it'
    assert [problem.message for problem in check(over, now=NOW).problems] == [expected]
    assert check(over, now=None).problems == ()


def test_each_of_several_schedules_is_checked():
    found = check(text(schedule="['0 * * * *', '61 * * * *', at(2025-01-01T00:00:00)]")).problems
    assert [(p.line, p.column) for p in found] == [(4, 25), (4, 39)]


def test_schedules_are_checked_where_the_zone_is_unknown():
    found = [message.split(":")[0] for message in faults(timezone="Nowhere", schedule="'61 * * * *'")]
    assert found == ["schedule", "timezone"]


def test_nothing_is_said_of_keys_that_depend_on_what_is_protected_while_that_is_unknown():
    (fault,) = faults(protect="x", reboot="true", select="{names: [a], volumes: boot}")
    assert fault.startswith("protect: ")


def test_a_misspelt_key_is_one_fault_and_its_value_is_checked_all_the_same():
    found = [p.message.split(";")[0] for p in check(text(keep=None, kep="{daily: 0}")).problems]
    assert found == ["kep: unknown key", "kep.daily: expected a whole number from 1, found the number 0"]


def test_without_regions_a_policy_needs_those_of_dr_yaml():
    (problem,) = check(text(), regions=()).problems
    assert (problem.line, problem.column) == (1, 1)
    assert problem.message.startswith("regions: missing, and dr.yaml has none")
    assert check(text(regions="[us-east-1]"), regions=()).policies[0].regions == ("us-east-1",)


def test_nothing_is_said_of_missing_regions_while_dr_yaml_is_unsound():
    assert check(text(), regions=None).problems == ()


def test_control_characters_and_long_texts_do_not_reach_a_terminal():
    (fault,) = faults(policy='"a\\nb\\u202e' + "x" * 1000 + '"')
    assert fault.isprintable()
    assert len(fault) < 200


@pytest.mark.parametrize(
    "changed", [{"keep": "{1: 2}"}, {"keep": "*x"}, {"select": "{yes: 2}"}, {"schedule": "&x y"}]
)
def test_a_value_that_reading_refused_is_one_fault_and_no_more(changed):
    assert len(faults(**changed)) == 1


@pytest.mark.parametrize("changed", [{"schedule": '"0 *\\nx"'}, {"objectives": '{rpo: "1\\nd"}'}])
def test_a_fault_is_one_line_whatever_stands_in_the_text(changed):
    (fault,) = faults(**changed)
    assert fault.isprintable()
