"""The functions of a run over an AWS Organization: each asks about its own account alone."""

from __future__ import annotations

import pytest
from many_accounts import ROLE, a_volume, door
from runtime_api import Function

HOME = "eu-west-1"
STORE = "dr-organization-store"
KEYS = {"AWS_ACCESS_KEY_ID": "sandbox", "AWS_SECRET_ACCESS_KEY": "sandbox", "AWS_REGION": HOME}
CONFIG = f"""\
name: org
regions: [{HOME}]
store: {{primary: {{url: 's3://{STORE}', region: {HOME}}}}}
accounts: {{organization: {{units: [UNIT], tags: {{Tier: prod}}}}, role: {ROLE}}}
"""
POLICY = 'policy: volumes\nprotect: volumes\nselect: {tags: {Backup: "yes"}}\nschedule: "0 * * * *"\nkeep: {last: 3}\n'


class World:
    """A unit with three accounts, two of them tagged, and one function after the other behind a door."""

    def __init__(self, folder, door, sandbox) -> None:
        self.door = door
        client = sandbox.client("organizations", "us-east-1")
        client.create_organization(FeatureSet="ALL")
        self.root = client.list_roots()["Roots"][0]["Id"]
        unit = client.create_organizational_unit(ParentId=self.root, Name="prod")["OrganizationalUnit"]["Id"]
        self.accounts = {name: self.account(client, name, unit) for name in ("shop", "blog", "other")}
        for name in ("shop", "blog"):
            tags = [{"Key": "Tier", "Value": "prod"}]
            client.tag_resource(ResourceId=self.accounts[name], Tags=tags)
        (folder / "dr.yaml").write_text(CONFIG.replace("UNIT", unit))
        (folder / "policies").mkdir()
        (folder / "policies" / "volumes.yaml").write_text(POLICY)
        environ = {**KEYS, "AWS_ENDPOINT_URL": door.url, "DR_CONFIG": str(folder / "dr.yaml")}
        self.shards, self.tick = (
            Function(f"handlers.{name}.handler", environ, folder / name) for name in ("shards", "tick")
        )

    def account(self, client, name, unit):
        made = client.create_account(AccountName=name, Email=f"{name}@example.com")["CreateAccountStatus"]
        client.move_account(AccountId=made["AccountId"], SourceParentId=self.root, DestinationParentId=unit)
        return made["AccountId"]

    def close(self):
        for function in (self.shards, self.tick):
            function.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory, sandbox):
    sandbox.reset()
    sandbox.pending(0)
    where = {"LocationConstraint": HOME}
    sandbox.client("s3").create_bucket(Bucket=STORE, CreateBucketConfiguration=where)
    with door(sandbox.url) as opened:
        made = World(tmp_path_factory.mktemp("functions"), opened, sandbox)
        yield made
        made.close()


def test_the_shards_are_those_of_the_accounts_that_are_chosen(world):
    chosen = sorted((world.accounts["shop"], world.accounts["blog"]))

    shards = [{"account": one, "region": HOME} for one in chosen]
    assert world.shards.invoke({}).payload == {"shards": shards, "unheard": ""}


def test_the_tick_of_a_shard_asks_about_its_account_alone(world, sandbox):
    account = world.accounts["shop"]
    a_volume(sandbox.url, account, HOME)
    before = len(world.door.asked)
    answer = world.tick.invoke({"account": account, "region": HOME, "run": "r-1"})
    asked = [service for _, _, service in world.door.asked[before:] if service == "organizations"]

    assert (answer.failed, answer.payload["summary"]["done"]) == (False, 1), answer.payload
    assert len(asked) == 3, "DescribeAccount, ListParents, ListTagsForResource"


@pytest.mark.parametrize("name", ["other", "nobody"])
def test_a_shard_of_an_account_that_is_not_chosen_is_refused_with_those_that_are(world, name):
    account = world.accounts.get(name, "999999999999")
    answer = world.tick.invoke({"account": account, "region": HOME, "run": "r-1"})

    assert (answer.failed, answer.payload["errorType"]) == (True, "UsageError")
    assert f"event: account: it is for {account}" in answer.payload["errorMessage"]
    assert world.accounts["shop"] in answer.payload["errorMessage"]


def test_while_the_organization_does_not_answer_the_functions_work_in_the_accounts_that_it_had(
    world, sandbox
):
    shop, blog = world.accounts["shop"], world.accounts["blog"]
    chosen = world.shards.invoke({}).payload["shards"]
    a_volume(sandbox.url, blog, HOME)
    world.door.away = {"organizations"}
    shards = world.shards.invoke({})
    known = world.tick.invoke({"account": blog, "region": HOME, "run": "r-2"})
    unknown = world.tick.invoke({"account": world.accounts["other"], "region": HOME, "run": "r-2"})
    world.door.away = set()

    assert {shard["account"] for shard in chosen} == {shop, blog}
    assert shards.payload["shards"] == chosen
    assert "the Organization does not say which accounts it has" in shards.payload["unheard"]
    assert (known.failed, known.payload["summary"]["done"]) == (False, 1), known.payload
    assert (unknown.failed, unknown.payload["errorType"]) == (True, "Ambiguous"), unknown.payload
