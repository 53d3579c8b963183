"""Installations that documents are generated for."""

from __future__ import annotations

from dr.config import parse_config
from dr.iam.place import Place, Rebuilt, place_of

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/cfn"
FULL = """\
name: acme
regions: [eu-west-1, eu-central-1]
store:
  primary: {url: "s3://acme-store/dr", region: eu-west-1}
  replica: {url: "s3://acme-replica/dr", region: eu-central-1}
staging_bucket: {eu-west-1: acme-staging}
restore: {parameters: {Password: {ssm: "/app/password:3"}}}
signing: {key: alias/dr-signing, public_key: pinned.pem}
"""
BARE = "name: acme\nregions: [eu-west-1]\nstore: {primary: {url: store/}}\n"
TOLD = f"""{FULL}notify: [{{sns: "arn:aws:sns:eu-west-1:{ACCOUNT}:people"}}, {{apprise: {{env: CHAT}}}}]
"""
DEPLOYED = f"{FULL}deploy: {{region: eu-central-1}}\n"
LISTED = f"""{DEPLOYED}accounts: [{{id: "222222222222", role: dr-member}}, {{id: "333333333333", role: dr-other}}]
"""
EVERYBODY = f"{DEPLOYED}accounts: {{organization: all, role: dr-member}}\n"
CHOSEN = f"""{DEPLOYED}\
accounts: {{organization: {{units: [ou-abcd-11111111], tags: {{Environment: prod}}}}, role: dr-member}}
"""
WHOLE_BUCKET = """\
name: acme
regions: [us-gov-west-1]
store: {primary: {url: "s3://acme-store", region: us-gov-west-1}}
"""
MEMBERS = """\
name: acme
regions: [eu-west-1]
store: {primary: {url: store/}}
accounts:
  - {id: "123456789012"}
  - {id: "222222222222", role: dr-member, external_id: acme}
  - {id: "333333333333", role: other-name}
"""
ORGANIZATION = """\
name: acme
regions: [us-gov-west-1]
store: {primary: {url: "s3://acme-store", region: us-gov-west-1}}
accounts: {organization: {tags: {Tier: prod}}, role: dr-member}
"""


def place(
    text: str = FULL, stacks: tuple[str, ...] = ("app", "prod-*"), roles: tuple[str, ...] = (ROLE,)
) -> Place:
    config = parse_config(text, "/dr.yaml")
    return place_of(config, ACCOUNT, frozenset(config.regions), Rebuilt(stacks=stacks, roles=roles))


PLACES = {
    "two Regions, replica and staging": place(),
    "people are told": place(TOLD),
    "functions": place(DEPLOYED),
    "accounts by a list": place(LISTED),
    "accounts of an organization": place(EVERYBODY),
    "accounts of units, by tags": place(CHOSEN),
    "a directory": place(BARE, roles=()),
    "a whole bucket in GovCloud": place(WHOLE_BUCKET, roles=()),
    "some accounts": place(MEMBERS, roles=()),
    "an organization in GovCloud": place(ORGANIZATION, roles=()),
    "any account": place_of(
        parse_config(FULL, "/dr.yaml"), "*", frozenset({"eu-west-1"}), Rebuilt(stacks=("*",))
    ),
}
