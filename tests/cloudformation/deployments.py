"""Deployments of the templates that the tests look at, and the places that they are in the words of `dr.iam`."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import Any

from cloudformation.reading import ACCOUNT, Deployment, read

from dr.config import parse_config
from dr.iam.place import Place, Rebuilt, place_of

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
    "HubRoleArns": "arn:aws:iam::999999999999:role/dr/acme/dr-acme-tick-*,arn:aws:iam::999999999999:role/dr/acme/dr-acme-changed-*",
    "ExternalId": "not-a-secret-of-anybody",
    "Regions": "eu-west-1,eu-central-1",
    "HomeRegion": "eu-west-1",
    "EventBusArn": "arn:aws:events:eu-west-1:999999999999:event-bus/dr-acme",
}
STORE = {
    "BucketName": "acme-store",
    "BreakGlassRoleArn": f"arn:aws:iam::{ACCOUNT}:role/break-glass",
    "ReplicaBucketArn": "arn:aws:s3:::acme-replica",
    "ReplicaKeyArn": f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab",
}
_DR_YAML = {
    "everything": """\
name: acme
regions: [eu-west-1, eu-central-1]
store:
  primary: {url: "s3://acme-store/dr", region: eu-west-1}
  replica: {url: "s3://acme-replica/a/b", region: eu-central-1}
restore: {parameters: {Password: {ssm: /app/password}}}
""",
    "least": """\
name: acme
regions: [eu-west-1]
store: {primary: {url: "s3://acme-store", region: eu-west-1}}
""",
    "in China": """\
name: acme
regions: [cn-north-1, cn-northwest-1]
store:
  primary: {url: "s3://acme-store", region: cn-north-1}
  replica: {url: "s3://acme-replica", region: cn-northwest-1}
restore: {parameters: {Password: {ssm: /app/password}}}
""",
}
_REBUILT = Rebuilt(stacks=("app", "prod-*"), roles=(f"arn:aws:iam::{ACCOUNT}:role/cfn",))


def _place(name: str, rebuilt: Rebuilt) -> Place:
    config = parse_config(_DR_YAML[name], "/dr.yaml")
    return place_of(config, ACCOUNT, frozenset(config.regions), rebuilt)


PLACES = {
    "everything": replace(_place("everything", _REBUILT), asks=("accounts", "units", "tags")),
    "least": _place("least", Rebuilt()),
    "in China": _place("in China", Rebuilt()),
    "member": replace(_place("everything", Rebuilt()), stores=(), staging={}, parameters=()),
}
"""What `dr iam` makes of the dr.yaml of each deployment; a member has none of the hub's buckets and parameters.

The roles that the hub takes on are no part of it: the template knows the Organization that they are in.
"""


def deployments() -> dict[str, Deployment]:
    """By the names of their places; the store has no role of dr's."""
    functions = read("functions.yaml")
    return {
        "everything": Deployment(template=functions, given=EVERYTHING),
        "least": Deployment(template=functions, given=LEAST),
        "in China": Deployment(template=functions, given=IN_CHINA, region="cn-north-1"),
        "member": Deployment(template=read("member.yaml"), given=MEMBER),
        "store": Deployment(template=read("store.yaml"), given=STORE),
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
