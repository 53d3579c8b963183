"""`dr` where an AWS Organization says which accounts there are: all of them, or those of units that bear tags."""

from __future__ import annotations

import pytest
from conftest import Ended, a_shell, inside
from many_accounts import ROLE, a_volume, member

POLICY = """\
policy: volumes
protect: volumes
select: {tags: {Backup: "yes"}}
schedule: "0 * * * *"
keep: {last: 3}
"""
STACKS = """\
policy: stacks
protect: stacks
select: {names: [app]}
schedule: "0 * * * *"
keep: {last: 3}
"""
TEMPLATE = "Resources: {Topic: {Type: 'AWS::SNS::Topic'}}"


class World:
    """A prompt beside a sandbox that is an Organization: an account in a unit below a unit, and one beside them."""

    def __init__(self, shell) -> None:
        self.shell = shell
        asked = shell.client("organizations")
        asked.create_organization(FeatureSet="ALL")
        root = asked.list_roots()["Roots"][0]["Id"]
        self.unit = asked.create_organizational_unit(ParentId=root, Name="prod")["OrganizationalUnit"]["Id"]
        below = asked.create_organizational_unit(ParentId=self.unit, Name="web")["OrganizationalUnit"]["Id"]
        made = [
            asked.create_account(Email=f"{name}@example.com", AccountName=name)["CreateAccountStatus"]
            for name in ("tagged", "plain", "beside")
        ]
        self.tagged, self.plain, self.beside = (row["AccountId"] for row in made)
        for account in (self.tagged, self.plain):
            asked.move_account(AccountId=account, SourceParentId=root, DestinationParentId=below)
        asked.tag_resource(ResourceId=self.tagged, Tags=[{"Key": "Stage", "Value": "production"}])

    def install(self, accounts: str, name: str) -> None:
        folder = self.shell.folder / name
        (folder / "policies").mkdir(parents=True)
        (folder / "policies" / "volumes.yaml").write_text(POLICY)
        (folder / "policies" / "stacks.yaml").write_text(STACKS)
        text = f"name: {name}\nregions: [eu-west-1]\nstore: {{primary: {{url: store/}}}}\n"
        (folder / "dr.yaml").write_text(f"{text}accounts: {{{accounts}, role: {ROLE}}}\n")

    def __call__(self, name: str, *arguments: str) -> Ended:
        config = self.shell.folder / name / "dr.yaml"
        return inside(["--sandbox", "--config", config, *arguments], self.shell.environ, self.shell.folder)

    @property
    def url(self) -> str:
        return self.shell.client("sts").meta.endpoint_url


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    shell = a_shell(tmp_path_factory.mktemp("organization"))
    shell.begin()
    made = World(shell)
    made.install("organization: all", "all")
    chosen = f'organization: {{units: [{made.unit}], tags: {{Stage: "prod*"}}}}'
    made.install(chosen, "chosen")
    for account in (made.tagged, made.plain, made.beside):
        a_volume(made.url, account, "eu-west-1")
    stacks = member(made.url, made.tagged, "eu-west-1", "cloudformation")
    stacks.create_stack(StackName="app", TemplateBody=TEMPLATE)
    yield made
    assert shell("sandbox", "stop").code == 0


def accounts(rows) -> set[str]:
    return {row["account"] for row in rows if row["policy"] == "volumes"}


def test_every_active_account_is_planned_and_applied(world):
    world.shell.early()
    everybody = {world.tagged, world.plain, world.beside}

    planned = world("all", "plan", "--json")
    assert accounts(planned.document["actions"]) == everybody
    applied = world("all", "apply", "--wait", "--json")
    assert (applied.code, accounts(applied.document["outcomes"])) == (0, everybody)


def test_units_and_tags_choose_accounts_and_units_below_are_looked_into(world):
    world.shell.early()

    assert accounts(world("chosen", "plan", "--json").document["actions"]) == {world.tagged}
    applied = world("chosen", "apply", "--wait", "--json")
    assert (applied.code, accounts(applied.document["outcomes"])) == (0, {world.tagged})


@pytest.mark.parametrize("name", ["all", "chosen"])
def test_what_is_stored_of_an_account_is_verified_with_the_role_there(world, name):
    assert world(name, "apply", "--json").code == 0

    done = world(name, "verify", "--json")
    assert (done.code, [row["name"] for row in done.document["stacks"]]) == (0, ["app"])
