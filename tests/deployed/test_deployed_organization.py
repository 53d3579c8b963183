"""`dr deploy` where an Organization says which accounts there are: it is asked for them, and for its own id."""

from __future__ import annotations

import json

import pytest
from test_deployed_by_dr import CONFIG, HOURLY, acme

__all__ = ["acme"]


@pytest.fixture
def organization(sandbox, acme):
    """One with a unit, whose id this is, and an account in it that bears a tag."""
    client = sandbox.client("organizations")
    client.create_organization(FeatureSet="ALL")
    root = client.list_roots()["Roots"][0]["Id"]
    unit = client.create_organizational_unit(ParentId=root, Name="prod")["OrganizationalUnit"]["Id"]
    status = client.create_account(AccountName="shop", Email="shop@example.com")["CreateAccountStatus"]
    client.move_account(AccountId=status["AccountId"], SourceParentId=root, DestinationParentId=unit)
    client.tag_resource(ResourceId=status["AccountId"], Tags=[{"Key": "Tier", "Value": "prod"}])
    acme.environ["AWS_ENDPOINT_URL_ORGANIZATIONS"] = sandbox.url
    return unit


def test_an_organization_is_asked_for_its_accounts_and_for_its_id(acme, organization):
    for chosen in ("all", f"{{units: [{organization}], tags: {{Tier: prod}}}}"):
        acme.write(hourly=HOURLY)
        accounts = f"accounts: {{organization: {chosen}, role: dr-member}}\n"
        (acme.folder / "dr.yaml").write_text(CONFIG + accounts)

        done = acme("deploy", "--plan-only", "--json")

        assert done.code == 0, done
        types = {row["type"] for row in json.loads(done.out)["changes"]}
        assert "AWS::Events::EventBus" in types, "the members tell of their stacks"
