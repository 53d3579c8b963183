"""Where each parameter of a restored stack gets its value from."""

from __future__ import annotations

import pytest

from dr.errors import UsageError
from dr.stacks.parameters import Given, choose_parameters
from dr.stacks.template import parse_template
from dr.stored import StackParameter

TEMPLATE = parse_template("""\
Parameters:
  Size: {Type: Number, Default: 5}
  Zone: {Type: String}
  Password: {Type: String, NoEcho: true, Default: changeme}
Resources: {Topic: {Type: "AWS::SNS::Topic"}}
""")
STORED = (StackParameter(name="Size", value="9"), StackParameter(name="Zone", value="eu-west-1a"))
SECRET = {"Password": Given(value="canary", origin="--parameter")}


def values(asked=None, configured=None, stored=STORED):
    asked = SECRET if asked is None else asked
    choices = choose_parameters(TEMPLATE.parameters(), stored, asked, configured or {})
    return {choice.name: (choice.value, choice.origin) for choice in choices}


def given(origin="dr.yaml", **values):
    return {name: Given(value=value, origin=origin) for name, value in values.items()}


def test_a_stored_value_comes_before_the_default():
    assert values()["Size"] == ("9", "stored")


def test_a_default_is_taken_where_nothing_was_stored():
    assert values(stored=STORED[1:])["Size"] == ("5", "default")


def test_dr_yaml_comes_before_what_was_stored():
    assert values(configured=given(Size="7"))["Size"] == ("7", "dr.yaml")


def test_the_command_line_comes_before_dr_yaml():
    found = values(asked={**SECRET, **given("--parameter", Size="8")}, configured=given(Size="7"))
    assert found["Size"] == ("8", "--parameter")


def test_an_empty_value_is_a_value():
    assert values(stored=(StackParameter(name="Zone", value=""), STORED[0]))["Zone"] == ("", "stored")


def test_a_reference_keeps_its_path_as_origin():
    found = values(asked={}, configured=given("ssm:/prod/password", Password="canary"))
    assert found["Password"] == ("canary", "ssm:/prod/password")


def test_a_no_echo_value_that_nobody_gives_is_missing_whatever_its_default():
    with pytest.raises(UsageError, match="no value for Password: NoEcho values are never stored") as caught:
        values(asked={})
    assert "--parameter Password=VALUE" in caught.value.remedy


def test_a_value_that_was_masked_when_stored_is_secret_even_where_the_template_does_not_say_so():
    masked = (StackParameter(name="Zone", value=None, no_echo=True), STORED[0])
    with pytest.raises(UsageError, match="no value for Zone"):
        values(stored=masked)


def test_every_missing_value_is_named_at_once():
    with pytest.raises(UsageError, match="no value for Zone, Password"):
        values(asked={}, stored=())


def test_an_unknown_name_is_refused_with_the_one_that_is_near():
    with pytest.raises(UsageError, match="--parameter Pasword") as caught:
        values(asked=given("--parameter", Pasword="canary"))
    assert caught.value.remedy.startswith("did you mean Password?")
    assert "Size, Zone, Password" in caught.value.remedy


def test_a_name_in_dr_yaml_that_this_stack_lacks_is_for_another_stack():
    assert "Other" not in values(configured=given(Other="1"))


def test_i23_a_secret_is_shown_to_nobody():
    choices = choose_parameters(TEMPLATE.parameters(), STORED, SECRET, {})
    secret = next(choice for choice in choices if choice.name == "Password")
    assert (secret.secret, secret.shown) == (True, None)
    assert "canary" not in f"{choices} {SECRET}"


def test_i23_a_value_read_from_ssm_is_secret_whatever_the_template_says():
    configured = given("ssm:/prod/token", Zone="canary-token")
    choices = choose_parameters(TEMPLATE.parameters(), STORED, SECRET, configured)
    zone = next(choice for choice in choices if choice.name == "Zone")
    assert (zone.value, zone.secret, zone.shown) == ("canary-token", True, None)


def test_a_plain_value_is_shown():
    choices = choose_parameters(TEMPLATE.parameters(), STORED, SECRET, {})
    assert [choice.shown for choice in choices] == ["9", "eu-west-1a", None]
