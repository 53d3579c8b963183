"""The evaluator decides as IAM's user guide says."""

from __future__ import annotations

import pytest
from permissions.evaluator import Request, decide, holds, like

HOLDS = [
    ("StringEquals", ["a"], "a", True),
    ("StringEquals", ["a"], "b", False),
    ("StringEquals", ["a"], None, False),
    ("StringNotEquals", ["a"], "b", True),
    ("StringNotEquals", ["a"], "a", False),
    ("StringNotEquals", ["a"], None, True),
    ("StringLike", ["dr-*"], "dr-1", True),
    ("StringLike", ["dr-*"], "x", False),
    ("StringLikeIfExists", ["dr-*"], None, True),
    ("StringLikeIfExists", ["dr-*"], "x", False),
    ("ArnNotEquals", ["arn:a"], None, True),
    ("ArnNotEquals", ["arn:a"], "arn:a", False),
    ("Null", ["true"], None, True),
    ("Null", ["true"], "x", False),
    ("Null", ["false"], "", True),
    ("Null", ["false"], None, False),
    ("ForAllValues:StringEquals", ["a", "b"], ("a", "b"), True),
    ("ForAllValues:StringEquals", ["a"], ("a", "b"), False),
    ("ForAllValues:StringEquals", ["a"], None, True),
    ("ForAnyValue:StringLike", ["dr:*"], ("x", "dr:hold"), True),
    ("ForAnyValue:StringLike", ["dr:*"], ("x",), False),
    ("ForAnyValue:StringNotEquals", ["a"], None, False),
    ("ForAnyValue:StringNotEquals", ["a"], ("a", "b"), True),
]


@pytest.mark.parametrize(("operator", "wanted", "value", "expected"), HOLDS)
def test_a_condition(operator, wanted, value, expected):
    assert holds(operator, "k", wanted, {} if value is None else {"K": value}) is expected


def test_an_operator_that_is_not_known_is_no_pass():
    with pytest.raises(KeyError):
        holds("NumericLessThan", "k", ["1"], {"k": "0"})


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("a*", "abc", True),
        ("a?c", "abc", True),
        ("a.c", "abc", False),
        ("[a]", "a", False),
        ("a*", "b", False),
        ("a${*}", "a*", True),
        ("a${*}", "ab", False),
        ("${a}", "${a}", True),
    ],
)
def test_a_wildcard(pattern, text, expected):
    assert like(pattern, text) is expected


def row(effect, **rest):
    return {"Sid": effect, "Effect": effect, "Action": "s3:Get*", "Resource": "arn:x/*", **rest}


def test_nothing_is_allowed_that_no_statement_allows_and_a_denial_wins():
    request = Request(action="S3:getobject", resource="arn:x/1")

    assert not decide([], request).allowed
    assert decide([{"Statement": [row("Allow")]}], request).allowed
    assert not decide([{"Statement": [row("Allow")]}, {"Statement": [row("Deny")]}], request).allowed
    conditional = row("Deny", Condition={"StringEquals": {"a": "b"}})
    assert decide([{"Statement": [row("Allow"), conditional]}], request).allowed
