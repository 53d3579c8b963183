"""No NoEcho value reaches the store, through whatever output or nested stack it is shown."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from dr.stacks import capture

CANARY = "canary-secret-7"
HEAD = "Parameters: {Password: {Type: String, NoEcho: true}, Env: {Type: String}}\n"
TOPIC = "Resources: {T: {Type: AWS::SNS::Topic}}\n"


def captured(template, outputs=(), children=None, parameters=None, processed=None, resources=()):
    given = {"Password": "****", "Env": "prod"} if parameters is None else parameters
    stack = {
        "StackName": "prod",
        "StackId": "arn:aws:cloudformation:eu-west-1:111111111111:stack/prod/1",
        "StackStatus": "CREATE_COMPLETE",
        "CreationTime": datetime(2026, 1, 1, tzinfo=UTC),
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
        "Outputs": [{"OutputKey": key, "OutputValue": f"shows {CANARY}"} for key in outputs],
    }
    answers = capture.Answers(
        account="111111111111",
        region="eu-west-1",
        stack=stack,
        template=template,
        processed=processed,
        resources=resources,
        children=children or {},
    )
    return capture.stored_stack(answers)


def outputs(stack):
    return {output.key: output.value for output in stack.outputs}


@pytest.mark.parametrize(
    "value",
    [
        "!Ref Password",
        "!Sub 'postgres://${Password}@db'",
        "!Sub ['x ${P}', {P: !Ref Password}]",
        "!Sub ['x ${Password} ${P}', {P: 1}]",
        "!Join ['', [a, !Ref Password]]",
        "!If [C, a, !Join ['', [!Select [0, !Split [',', !Ref Password]]]]]",
        "{'Fn::Base64': {'Fn::Sub': '${ Password }'}}",
        "!GetAtt Made.Value",
        "!Sub '${Made.Value}'",
    ],
)
def test_i23_an_output_made_of_a_noecho_parameter_is_masked(value):
    made = (
        "Resources: {Made: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: !Ref Password}}}\n"
    )
    found = captured(f"{HEAD}{made}Outputs: {{O: {{Value: {value}, Export: {{Name: e}}}}}}\n", ["O"])
    assert outputs(found) == {"O": "****"}
    assert CANARY not in repr(found)


@pytest.mark.parametrize(
    "value",
    ["!Ref Env", "!Sub '${Env} ${!Password}'", "Password", "!GetAtt T.TopicArn", "!GetAtt T.DisplayName"],
)
def test_any_other_output_is_kept(value):
    found = captured(f"{HEAD}{TOPIC}Outputs: {{O: {{Value: {value}}}}}\n", ["O"])
    assert outputs(found) == {"O": f"shows {CANARY}"}


def test_i23_where_a_template_cannot_be_read_no_output_beside_a_secret_is_kept():
    assert outputs(captured("Resources: [", ["O"])) == {"O": "****"}


def test_an_unreadable_template_without_a_secret_keeps_its_outputs():
    found = captured("Resources: [", ["O"], parameters={"Env": "prod"})
    assert outputs(found) == {"O": f"shows {CANARY}"}


def test_i23_the_processed_template_says_which_outputs_show_a_secret():
    processed = f"{HEAD}{TOPIC}Outputs: {{O: {{Value: !Ref Password}}}}\n"
    assert outputs(captured(f"Transform: M\n{HEAD}{TOPIC}", ["O"], processed=processed)) == {"O": "****"}


CHILD = f"Parameters: {{Pw: {{Type: String}}}}\n{TOPIC}Outputs: {{Url: {{Value: !Sub 'x${{Pw}}'}}}}\n"


def child(children=None, template=CHILD):
    return captured(template, ["Url"], children, {"Pw": CANARY})


def nested(**filled):
    rows = [
        f"  {name}: {{Type: AWS::CloudFormation::Stack, Properties: {{TemplateURL: u, Parameters: {given}}}}}\n"
        for name, given in filled.items()
    ]
    return f"Resources:\n{''.join(rows)}"


def test_i23_what_a_parent_fills_from_a_secret_is_secret_in_the_nested_stack_too():
    found = captured(HEAD + nested(Db="{Pw: !Ref Password}"), children={"Db": child()})
    (parameter,) = found.children["Db"].parameters
    assert (parameter.value, parameter.no_echo, outputs(found.children["Db"])) == (
        None,
        True,
        {"Url": "****"},
    )
    assert CANARY not in repr(found)


def test_i23_a_secret_is_followed_through_every_level():
    middle = f"Parameters: {{Pw: {{Type: String}}}}\n{nested(Low='{Pw: !Ref Pw}')}"
    found = captured(
        HEAD + nested(Mid="{Pw: !Ref Password}"), children={"Mid": child({"Low": child()}, middle)}
    )
    assert CANARY not in repr(found.children["Mid"].children)
    assert found.children["Mid"].children["Low"].parameters[0].no_echo


def test_i23_a_secret_that_one_nested_stack_puts_out_is_secret_in_its_sibling_and_its_parent():
    template = HEAD + nested(Second="{Pw: !GetAtt First.Outputs.Url}", First="{Pw: !Ref Password}")
    template += "Outputs: {O: {Value: !GetAtt Second.Outputs.Url}}\n"
    found = captured(template, ["O"], {"First": child(), "Second": child()})
    assert CANARY not in repr(found)


def test_a_nested_stack_that_is_filled_from_no_secret_is_kept_as_it_is():
    found = captured(HEAD + nested(Db="{Pw: !Ref Env}"), children={"Db": child()})
    assert found.children["Db"] == child()


def linked(length, end):
    """Resources whose Value is each the Value of the next one, the last one made of `end`."""
    rows = [f"  R{n}: {{Type: T, Properties: {{Value: !GetAtt R{n + 1}.Value}}}}\n" for n in range(length)]
    last = f"  R{length}: {{Type: T, Properties: {{Value: {end}}}}}\n"
    return f"{HEAD}Resources:\n{''.join(rows)}{last}Outputs: {{O: {{Value: !GetAtt R0.Value}}}}\n"


@pytest.mark.parametrize(("end", "shown"), [("!Ref Password", "****"), ("!Ref Env", f"shows {CANARY}")])
def test_i23_a_secret_is_followed_through_all_attributes_that_a_template_may_have(end, shown):
    assert outputs(captured(linked(1_900, end), ["O"])) == {"O": shown}


def test_i23_attributes_that_all_refer_to_each_other_are_each_looked_at_once():
    names = [f"R{n}" for n in range(120)]
    value = "!Join ['', [" + ", ".join(f"!GetAtt {name}.Value" for name in names) + "]]"
    rows = "".join(f"  {name}: {{Type: T, Properties: {{Value: {value}}}}}\n" for name in names)
    begin = time.process_time()
    found = captured(f"{HEAD}Resources:\n{rows}Outputs: {{O: {{Value: !GetAtt R0.Value}}}}\n", ["O"])
    assert outputs(found) == {"O": f"shows {CANARY}"}
    assert time.process_time() - begin < 10


@pytest.mark.parametrize("resource", ["text", "[a]", "{Type: T, Properties: [a]}", "{Type: T}"])
def test_an_attribute_of_what_is_no_resource_hides_nothing_and_stops_nothing(resource):
    template = (
        f"{HEAD}Resources: {{A: {{Type: T}}, B: {resource}}}\nOutputs: {{O: {{Value: !GetAtt B.Value}}}}\n"
    )
    assert outputs(captured(template, ["O"])) == {"O": f"shows {CANARY}"}


@pytest.mark.parametrize(
    ("kind", "attribute"),
    [("AWS::IAM::AccessKey", "SecretAccessKey"), ("AWS::Cognito::UserPoolClient", "ClientSecret")],
)
def test_i23_an_output_that_shows_what_aws_made_up_as_a_secret_is_masked(kind, attribute):
    template = f"Resources: {{R: {{Type: {kind}}}}}\nOutputs: {{O: {{Value: !GetAtt R.%s}}}}\n"
    assert outputs(captured(template % attribute, ["O"], parameters={})) == {"O": "****"}
    assert outputs(captured(template % "Name", ["O"], parameters={})) == {"O": f"shows {CANARY}"}


def named(template, kind="AWS::S3::Bucket"):
    """The physical id that is stored of a resource R."""
    row = {"LogicalResourceId": "R", "PhysicalResourceId": CANARY, "ResourceType": kind}
    found = captured(template, resources=[{**row, "ResourceStatus": "CREATE_COMPLETE"}])
    return found.resources[0].physical_id


BUCKET = "Resources: {R: {Type: AWS::S3::Bucket, Properties: {BucketName: %s}}}\n"


@pytest.mark.parametrize(
    "name", ["!Ref Password", "!Sub '${Password}-files'", "!Join ['-', [!Ref Password]]"]
)
def test_i23_a_name_made_of_a_secret_is_no_physical_id_that_is_stored(name):
    assert named(HEAD + BUCKET % name) == "****"


def test_i23_where_a_template_cannot_be_read_no_explicit_name_beside_a_secret_is_kept():
    assert (named("Resources: ["), named("Resources: [", "AWS::EC2::Volume")) == ("****", CANARY)


@pytest.mark.parametrize("name", ["!Ref Env", "plain", "!Ref AWS::NoValue"])
def test_any_other_physical_id_is_kept(name):
    assert named(HEAD + BUCKET % name) == CANARY
    tags = "Tags: [{Key: a, Value: !Ref Password}]"
    assert named(f"{HEAD}Resources: {{R: {{Type: AWS::S3::Bucket, Properties: {{{tags}}}}}}}\n") == CANARY


@pytest.mark.parametrize("value", ["!Ref R", "!GetAtt R.Arn", "!Sub 'https://${R.DomainName}/x'"])
def test_i23_an_output_that_shows_a_resource_with_a_secret_name_is_masked(value):
    def shown(name):
        template = HEAD + BUCKET % name + f"Outputs: {{O: {{Value: {value}}}}}\n"
        return outputs(captured(template, ["O"]))

    assert shown("!Sub '${Password}-files'") == {"O": "****"}
    assert shown("!Sub '${Env}-files'") == {"O": f"shows {CANARY}"}
