"""`accounts` in dr.yaml: a list of them, or what the AWS Organization is asked for."""

from __future__ import annotations

import pytest

from dr.config import Account, Organization, check_config, parse_config

HEAD = "name: acme\nstore: {primary: {url: store}}\n"
ONE, TWO = "111111111111", "222222222222"


def parsed(text):
    return parse_config(HEAD + text, "/etc/dr/dr.yaml").accounts


def faults(text):
    return [str(problem) for problem in check_config((HEAD + text).encode(), "dr.yaml").problems]


def test_without_accounts_only_that_of_the_credentials_is_protected():
    assert parsed("") == ()


def test_a_list_names_each_account_with_its_role_and_its_external_id():
    text = f'accounts:\n  - {{id: "{ONE}"}}\n  - {{id: "{TWO}", role: dr-member, external_id: acme/dr}}\n'

    assert parsed(text) == (Account(id=ONE), Account(id=TWO, role="dr-member", external_id="acme/dr"))


def test_an_organization_is_taken_whole_or_by_units_and_tags():
    assert parsed("accounts: {organization: all, role: dr-member}") == Organization(role="dr-member")
    text = (
        "accounts:\n  role: dr-member\n  external_id: acme\n  organization:\n"
        "    units: [ou-abcd-11111111, r-abcd]\n    tags: {Tier: [prod, 'stag*'], Owner: ops}\n"
        f'    exclude: ["{ONE}"]\n'
    )
    assert parsed(text) == Organization(
        role="dr-member",
        external_id="acme",
        units=("ou-abcd-11111111", "r-abcd"),
        tags={"Tier": ("prod", "stag*"), "Owner": ("ops",)},
        exclude=(ONE,),
    )


@pytest.mark.parametrize(
    "made",
    [Account(id=ONE, role="r", external_id="canary"), Organization(role="r", external_id="canary")],
)
def test_i23_an_external_id_is_not_shown(made):
    assert "canary" not in repr(made)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "accounts: []",
            '3:11: accounts: the list is empty; name an account, such as {id: "222222222222", role: dr-member}',
        ),
        ("accounts: all", '3:11: accounts: expected a mapping (keys and values), found the text "all"'),
        ("accounts: 12", "3:11: accounts: expected a mapping (keys and values), found the number 12"),
        (
            "accounts: [x]",
            '3:12: accounts[0]: expected a mapping (keys and values), found the text "x"',
        ),
        (
            "accounts: [{role: dr}]",
            (
                "3:12: accounts[0].id: missing; write the account's 12 digits in quotes: "
                '{id: "222222222222", role: dr-member}'
            ),
        ),
        (
            "accounts: [{id: 222222222222}]",
            '3:17: accounts[0].id: expected text, found the number 222222222222; quote it: "222222222222"',
        ),
        (
            'accounts: [{id: "22222222222"}]',
            '3:17: accounts[0].id: "22222222222" is not an account: 12 digits, in quotes',
        ),
        (
            f'accounts: [{{id: "{TWO}", role: "arn:aws:iam::{TWO}:role/dr"}}]',
            (
                f'3:39: accounts[0].role: "arn:aws:iam::{TWO}:role/dr" is not the name of a role: not its ARN, '
                "the account is known"
            ),
        ),
        (
            f'accounts: [{{id: "{TWO}", role: dr, external_id: x}}]',
            '3:56: accounts[0].external_id: "x" is not an external id: 2 to 1224 of letters, digits and +=,.@:/-',
        ),
        (
            f'accounts: [{{id: "{TWO}", external_id: xy}}]',
            "3:33: accounts[0].external_id: belongs to a role; name the role too, or remove it",
        ),
        (
            f'accounts: [{{id: "{TWO}", rol: dr}}]',
            "3:33: accounts[0].rol: unknown key; did you mean role? (id, role, external_id)",
        ),
        (
            f'accounts: [{{id: "{TWO}"}}, {{id: "{TWO}", role: dr}}]',
            f"3:34: accounts[1]: {TWO} is there twice; remove one",
        ),
    ],
)
def test_what_is_wrong_in_the_list_is_named_with_its_place(line, expected):
    assert faults(line) == [f"dr.yaml:{expected}"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "accounts: {role: dr}",
            (
                "3:11: accounts.organization: missing; write organization: all, or {units: [ou-...], tags: {...}, "
                "exclude: [...]}"
            ),
        ),
        (
            "accounts: {organization: all}",
            "3:11: accounts.role: missing; name the role that each account has for dr, such as dr-member",
        ),
        (
            "accounts: {organization: every, role: dr}",
            '3:26: accounts.organization: expected a mapping (keys and values), found the text "every"',
        ),
        (
            "accounts: {organization: {}, role: dr}",
            "3:26: accounts.organization: names nothing; write organization: all for every active account",
        ),
        (
            "accounts: {organization: all, role: a/b}",
            '3:37: accounts.role: "a/b" is not the name of a role: not its ARN, the account is known',
        ),
        (
            "accounts: {organization: {units: ou-abcd-11111111}, role: dr}",
            (
                '3:34: accounts.organization.units: expected a list, found the text "ou-abcd-11111111"; '
                "write [ou-abcd-11111111]"
            ),
        ),
        (
            "accounts: {organization: {units: []}, role: dr}",
            "3:34: accounts.organization.units: the list is empty; write [ou-abcd-11111111]",
        ),
        (
            "accounts: {organization: {units: [prod]}, role: dr}",
            '3:35: accounts.organization.units[0]: "prod" is not an organizational unit (ou-...) or root (r-...)',
        ),
        (
            "accounts: {organization: {tags: {}}, role: dr}",
            "3:33: accounts.organization.tags: names no tag; write {Environment: prod}, or remove it",
        ),
        (
            "accounts: {organization: {tags: {Tier: []}}, role: dr}",
            "3:40: accounts.organization.tags.Tier: the list is empty; write [prod, staging]",
        ),
        (
            "accounts: {organization: {tags: {Tier: 1}}, role: dr}",
            '3:40: accounts.organization.tags.Tier: expected text, found the number 1; quote it: "1"',
        ),
        (
            "accounts: {organization: {tags: {'': x}}, role: dr}",
            '3:34: accounts.organization.tags."": "" is no key of a tag',
        ),
        (
            f"accounts: {{organization: {{exclude: [{ONE}]}}, role: dr}}",
            f'3:37: accounts.organization.exclude[0]: expected text, found the number {ONE}; quote it: "{ONE}"',
        ),
        (
            f'accounts: {{organization: {{exclude: ["{ONE}", "{ONE}"]}}, role: dr}}',
            f'3:53: accounts.organization.exclude[1]: "{ONE}" is there twice; remove one',
        ),
        (
            "accounts: {organization: {unit: [r-abcd]}, role: dr}",
            "3:27: accounts.organization.unit: unknown key; did you mean units? (units, tags, exclude)",
        ),
    ],
)
def test_what_is_wrong_in_an_organization_is_named_with_its_place(line, expected):
    assert faults(line) == [f"dr.yaml:{expected}"]


def test_all_faults_of_a_list_come_at_once():
    text = f'accounts:\n  - {{id: "1"}}\n  - x\n  - {{id: "{ONE}", role: a b}}\n'

    assert [fault.split(": ")[:2] for fault in faults(text)] == [
        ["dr.yaml:4:10", "accounts[0].id"],
        ["dr.yaml:5:5", "accounts[1]"],
        ["dr.yaml:6:32", "accounts[2].role"],
    ]


@pytest.mark.parametrize(
    "hostile",
    [
        '"' + "\uff11" * 12 + '"',
        '"111111111111\\n"',
        '"111111111111\\e[2J"',
        '"' + "1" * 100_000 + '"',
        "[[[[]]]]",
        "{a: {b: c}}",
        "null",
    ],
)
def test_a_hostile_id_is_no_account_and_steers_no_terminal(hostile):
    (fault,) = faults(f"accounts: [{{id: {hostile}, role: dr}}]")

    assert "accounts[0].id: " in fault
    assert len(fault) < 400
    assert fault.isprintable()


@pytest.mark.parametrize("external", ["a\\\\b", "a b", "x" * 1225, "ü" * 3])
def test_an_external_id_is_of_the_characters_that_sts_takes(external):
    assert (
        "is not an external id"
        in faults(f'accounts: [{{id: "{ONE}", role: dr, external_id: "{external}"}}]')[0]
    )


def test_the_longest_external_id_is_taken():
    (one,) = parsed(f'accounts: [{{id: "{ONE}", role: dr, external_id: "{"x" * 1224}"}}]')

    assert len(one.external_id) == 1224
