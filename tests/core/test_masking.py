"""I23: secrets and credentials are masked in every spelling in which others' words bring them back."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dr.stacks.masking import without
from dr.words import without_credentials

SECRET = 'canary "a/b"\n\té+&='


@pytest.mark.parametrize(
    "spelt",
    [
        SECRET,
        " ".join(SECRET.split()),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        quote(SECRET),
        quote(SECRET, safe=""),
        base64.b64encode(SECRET.encode()).decode(),
    ],
    ids=["raw", "one line", "JSON", "JSON in UTF-8", "path", "query", "base64"],
)
def test_a_secret_is_masked_in_every_spelling(spelt):
    assert without(f"the value <{spelt}> is bad: {spelt}", {SECRET}) == "the value <****> is bad: ****"


@pytest.mark.parametrize("length", [3, 7, len("canary-secret-7") - 1])
def test_the_beginning_of_a_secret_before_a_cut_is_masked(length):
    assert without(f"the value {'canary-secret-7'[:length]}...", {"canary-secret-7"}) == "the value ****..."


def test_what_only_looks_like_a_cut_is_kept():
    assert without("and so on ca...", {"canary"}) == "and so on ca..."
    assert without("a canary sings...", {"canary-secret"}) == "a canary sings..."
    assert without("canary-secret sings...", {"canary-secret"}) == "**** sings..."
    assert without("...", {"canary-secret"}) == "..."


def test_of_secrets_that_hold_one_another_the_longer_one_is_masked_whole():
    assert without("abc abcdef", {"abc", "abcdef"}) == "**** ****"


def test_no_secret_masks_nothing():
    assert without("text", set()) == "text"
    assert without("text", {""}) == "text"


@given(st.text(), st.text(min_size=1), st.text())
def test_no_secret_is_left_whatever_stands_around_it(before, secret, after):
    masked = without(before + secret + after, {secret})
    assert secret in "****" or secret not in masked or secret in before + after


@pytest.mark.parametrize("secret", ["canary", "ca nary", " ", "\x00", "\ud800"], ids=ascii)
def test_any_secret_is_masked(secret):
    assert without(f"<{secret}>", {secret}) == "<****>"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "S3 error at https://b.s3.amazonaws.com/k?X-Amz-Date=1&X-Amz-Signature=c0ffee&X-Amz-Expires=9 (x)",
            "S3 error at https://b.s3.amazonaws.com/k?X-Amz-Date=1&X-Amz-Signature=***&X-Amz-Expires=9 (x)",
        ),
        ("?x-amz-security-token=c0ffee", "?x-amz-security-token=***"),
        ("?X-Amz-Credential=AKIA%2F2026", "?X-Amz-Credential=***"),
        ("url%3FX-Amz-Signature%3Dc0ffee", "url%3FX-Amz-Signature%3D***"),
        ("https://b/k?AWSAccessKeyId=AKIA&Signature=c0ffee&Expires=1", "https://b/k?AWSAccessKeyId=***&Signature=***&Expires=1"),
        ('<a href="https://b/k?X-Amz-Signature=c0ffee">', '<a href="https://b/k?X-Amz-Signature=***">'),
        ("cannot open http://user:canary@host:1/x", "cannot open http://***@host:1/x"),
        ("postgres://canary@db and redis://:canary@r", "postgres://***@db and redis://***@r"),
        ("mail someone@example.org, see https://example.org/@a", "mail someone@example.org, see https://example.org/@a"),
        ("arn:aws:iam::1:user/a@b", "arn:aws:iam::1:user/a@b"),
        ("a signature=kept and Signature: kept", "a signature=kept and Signature: kept"),
    ],
)  # fmt: skip
def test_credentials_of_a_url_are_masked_and_nothing_else(text, expected):
    assert without_credentials(text) == expected
