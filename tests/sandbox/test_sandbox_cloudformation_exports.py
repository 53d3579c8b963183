"""Exports and imports: what AWS documents, asked over boto3."""

from __future__ import annotations

from cfn_helpers import (
    VOLUME,
    body,
    create,
    delete,
    events,
    parameter,
    refused,
    resources,
    value,
)

EXPORTER = body(
    Resources={"P": parameter("/exp", "v1")},
    Outputs={
        "O": {
            "Value": {"Fn::GetAtt": ["P", "Value"]},
            "Export": {"Name": {"Fn::Sub": "${AWS::StackName}-v"}},
            "Description": "d",
        }
    },
)


IMPORTER = resources(P=parameter("/imp", {"Fn::ImportValue": "exp-v"}))


def test_an_export_is_imported_listed_and_cannot_be_deleted_while_in_use(cfn, ssm):
    exporter = create(cfn, "exp", EXPORTER)
    importer = create(cfn, "imp", IMPORTER)["StackId"]
    assert value(ssm, "/imp") == "v1"
    assert exporter["Outputs"] == [
        {"OutputKey": "O", "OutputValue": "v1", "Description": "d", "ExportName": "exp-v"}
    ]
    assert cfn.list_exports()["Exports"] == [
        {"ExportingStackId": exporter["StackId"], "Name": "exp-v", "Value": "v1"}
    ]
    assert cfn.list_imports(ExportName="exp-v")["Imports"] == ["imp"]
    refusal = delete(cfn, exporter["StackId"])
    assert [refusal["StackStatus"], refusal["StackStatusReason"]] == [
        "DELETE_FAILED",
        "Cannot delete export exp-v as it is in use by imp.",
    ]
    delete(cfn, importer)
    assert delete(cfn, exporter["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert cfn.list_exports()["Exports"] == []


def test_an_export_that_nobody_imports_has_no_imports(cfn):
    create(cfn, "exp", EXPORTER)
    assert refused(cfn.list_imports, ExportName="exp-v") == (
        "ValidationError",
        "Export 'exp-v' is not imported by any stack.",
    )


def test_importing_what_is_not_exported_fails(cfn):
    create(cfn, "imp", IMPORTER)
    assert ("P", "CREATE_FAILED", "No export named exp-v found.") in events(cfn, "imp")


def test_a_taken_export_name_rolls_the_second_stack_back(cfn):
    create(cfn, "exp", EXPORTER)
    second = body(Resources={"V": VOLUME}, Outputs={"O": {"Value": "x", "Export": {"Name": "exp-v"}}})
    assert create(cfn, "other", second)["StackStatus"] == "ROLLBACK_COMPLETE"
