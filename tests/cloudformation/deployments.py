"""Deployments of the templates that the tests look at, and the places that they are in the words of `dr.iam`."""

from __future__ import annotations

import json
import sys
from typing import Any

from cloudformation.reading import ACCOUNT, Deployment, read

from dr.config import StoreLocation
from dr.iam.place import Place, Rebuilt

_NEEDED = {
    "Installation": "acme",
    "PackageBucket": "acme-packages",
    "PackageKey": "acme/0123.zip",
    "PackageSha256": "0" * 64,
}
EVERYTHING = {
    **_NEEDED,
    "Regions": "eu-west-1,eu-central-1",
    "StoreBucket": "acme-store",
    "StorePrefix": "dr",
    "ReplicaBucket": "acme-replica",
    "ReplicaPrefix": "a/b",
    "FanOut": "true",
    "MemberRole": "dr-member",
    "OrganizationId": "o-abcdefghij",
    "ListsOrganization": "true",
    "RestorableStacks": f"arn:aws:cloudformation:*:{ACCOUNT}:stack/app/*,arn:aws:cloudformation:*:{ACCOUNT}:stack/prod-*/*",
    "StackRoles": f"arn:aws:iam::{ACCOUNT}:role/cfn",
    "ParameterArns": f"arn:aws:ssm:*:{ACCOUNT}:parameter/app/password",
    "AlarmEmail": "oncall@example.com",
}
LEAST = {**_NEEDED, "Regions": "eu-west-1", "StoreBucket": "acme-store"}
IN_CHINA = {
    **_NEEDED,
    "Regions": "cn-north-1,cn-northwest-1",
    "StoreBucket": "acme-store",
    "ReplicaBucket": "acme-replica",
    "ParameterArns": f"arn:aws-cn:ssm:*:{ACCOUNT}:parameter/app/password",
}
MEMBER = {
    "Installation": "acme",
    "HubAccount": "999999999999",
    "HubRoleArns": "arn:aws:iam::999999999999:role/dr-acme-tick,arn:aws:iam::999999999999:role/dr-acme-changed",
    "ExternalId": "not-a-secret-of-anybody",
    "Regions": "eu-west-1,eu-central-1",
    "HomeRegion": "eu-west-1",
    "EventBusArn": "arn:aws:events:eu-west-1:999999999999:event-bus/dr-acme",
}
_STORE = StoreLocation(url="s3://acme-store", region="eu-west-1")
PLACES = {
    "everything": Place(
        installation="acme",
        account=ACCOUNT,
        regions=("eu-west-1", "eu-central-1"),
        stores=(
            StoreLocation(url="s3://acme-store/dr", region="eu-west-1"),
            StoreLocation(url="s3://acme-replica/a/b", region="eu-central-1"),
        ),
        staging={"eu-west-1": "acme-store", "eu-central-1": "acme-replica"},
        parameters=("/app/password",),
        asks=("accounts", "units", "tags"),
        rebuilt=Rebuilt(stacks=("app", "prod-*"), roles=(f"arn:aws:iam::{ACCOUNT}:role/cfn",)),
    ),
    "least": Place(
        installation="acme",
        account=ACCOUNT,
        regions=("eu-west-1",),
        stores=(_STORE,),
        staging={"eu-west-1": "acme-store"},
    ),
    "in China": Place(
        installation="acme",
        account=ACCOUNT,
        regions=("cn-north-1", "cn-northwest-1"),
        stores=(
            StoreLocation(url="s3://acme-store", region="cn-north-1"),
            StoreLocation(url="s3://acme-replica", region="cn-northwest-1"),
        ),
        staging={"cn-north-1": "acme-store", "cn-northwest-1": "acme-replica"},
        parameters=("/app/password",),
    ),
    "member": Place(installation="acme", account=ACCOUNT, regions=("eu-west-1", "eu-central-1"), staging={}),
}


def deployments() -> dict[str, Deployment]:
    """By the names of their places."""
    functions = read("functions.yaml")
    return {
        "everything": Deployment(template=functions, given=EVERYTHING),
        "least": Deployment(template=functions, given=LEAST),
        "in China": Deployment(template=functions, given=IN_CHINA, region="cn-north-1"),
        "member": Deployment(template=read("member.yaml"), given=MEMBER),
    }


def documents() -> dict[str, dict[str, Any]]:
    """Every policy document of every role in them."""
    return {
        f"{name}, {resource}": policy
        for name, deployment in deployments().items()
        for resource, row in deployment.resources.items()
        for policy in _of(row)
    }


def _of(row: dict[str, Any]) -> list[dict[str, Any]]:
    if row["Type"] == "AWS::IAM::ManagedPolicy":
        return [row["Properties"]["PolicyDocument"]]
    return [
        policy["PolicyDocument"]
        for policy in row["Properties"].get("Policies", ())
        if "PolicyDocument" in policy
    ]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(documents()))
