"""The accounts of an AWS Organization, as dr.yaml chooses them.

ListAccounts, or ListAccountsForParent for each unit and, by ListOrganizationalUnitsForParent, those below it;
ListTagsForResource for each account where tags choose. Who asks about one account asks about that one alone: of a run of
many shards each would list everything, and Organizations takes few calls a second. AWS allows them in the management
account and to a delegated administrator. Source: Organizations API reference.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import Any

from dr.aws.errors import field, translated
from dr.aws.session import Session
from dr.config import Account, Organization
from dr.errors import CloudError, precede

_DEEPEST = 6
"""Levels of units below a root, and the root. Source: Organizations user guide, Quotas: 5 levels of nesting."""

_NONE = "AccountNotFoundException"
"""Of an id that is no account's, or none of this organization's. Source: API reference, DescribeAccount."""
_REMEDIES = {
    "ParentNotFoundException": "correct `accounts.organization.units` in dr.yaml: ids of units, or of the root, of this organization",
    "AWSOrganizationsNotInUseException": "run it in the organization's management account, or name the `accounts` in dr.yaml one by one",
}
"""What to do about an answer that stands for a fault of dr.yaml or of whose credentials these are. Source: API reference, Errors."""


def accounts_of(organization: Organization, session: Session) -> tuple[Account, ...]:
    """The active accounts that it chooses, by id. Raises as AWS's calls: `Denied` where only others may ask."""
    asker = _Asker(session)
    if organization.units:
        rows = [row for unit in organization.units for row in asker.below(unit, _DEEPEST)]
    else:
        rows = list(asker.pages("list_accounts", "ListAccounts", "Accounts"))
    own = session.account()
    chosen = sorted({row["Id"] for row in rows if _active(row)} - set(organization.exclude))
    return tuple(
        organization.account(id_, own)
        for id_ in chosen
        if not organization.tags or _bears(asker.tags(id_), organization.tags)
    )


def account_of(organization: Organization, session: Session, id_: str) -> Account | None:
    """One account, asked about alone; None where it is not active, or not chosen. Raises as `accounts_of`."""
    asker = _Asker(session)
    if not re.fullmatch(r"[0-9]{12}", id_) or id_ in organization.exclude or not asker.is_active(id_):
        return None
    if organization.units and not any(unit in organization.units for unit in asker.above(id_)):
        return None
    if organization.tags and not _bears(asker.tags(id_), organization.tags):
        return None
    return organization.account(id_, session.account())


def _active(row: Mapping[str, Any]) -> bool:
    """`State` is what AWS asks for since 2025, `Status` what there was before. Source: API reference, Account."""
    return bool(row.get("State", row.get("Status")) == "ACTIVE")


def _bears(tags: Mapping[str, str], wanted: Mapping[str, tuple[str, ...]]) -> bool:
    return all(
        key in tags and any(fnmatchcase(tags[key], glob) for glob in globs) for key, globs in wanted.items()
    )


class _Asker:
    """Organizations, a page after the other."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def below(self, unit: str, levels: int) -> Iterator[Mapping[str, Any]]:
        """The accounts of a unit and of those below it."""
        yield from self.pages("list_accounts_for_parent", "ListAccountsForParent", "Accounts", ParentId=unit)
        if levels:
            key = "OrganizationalUnits"
            name = "ListOrganizationalUnitsForParent"
            for row in self.pages("list_organizational_units_for_parent", name, key, ParentId=unit):
                yield from self.below(row["Id"], levels - 1)

    def above(self, child: str) -> Iterator[str]:
        """The units that hold an account, the nearest first, and the root. A child has one parent."""
        for _ in range(_DEEPEST + 1):
            (parent,) = self.pages("list_parents", "ListParents", "Parents", ChildId=child)
            yield parent["Id"]
            if parent["Type"] == "ROOT":
                return
            child = parent["Id"]

    def is_active(self, account: str) -> bool:
        """Whether the organization has it, and it is active."""
        action, region = "organizations:DescribeAccount", self._session.region
        client = self._session.client("organizations", region)
        try:
            with translated(action, region):
                answer = client.describe_account(AccountId=account)
        except CloudError as error:
            if error.code == _NONE:
                return False
            raise
        return _active(field(answer, "Account", action, region))

    def tags(self, account: str) -> dict[str, str]:
        """The tags of an account."""
        rows = self.pages("list_tags_for_resource", "ListTagsForResource", "Tags", ResourceId=account)
        return {row["Key"]: row["Value"] for row in rows}

    def pages(self, method: str, name: str, key: str, **request: str) -> Iterator[Mapping[str, Any]]:
        """Every row of a listing. Organizations has one endpoint a partition, whichever Region asks."""
        action, region = f"organizations:{name}", self._session.region
        call = getattr(self._session.client("organizations", region), method)
        token: dict[str, str] = {}
        while True:
            with _remedied(request.get("ParentId", "")), translated(action, region):
                answer = call(**request, **token)
            yield from field(answer, key, action, region)
            if not answer.get("NextToken"):
                return
            token = {"NextToken": answer["NextToken"]}


@contextmanager
def _remedied(unit: str = "") -> Iterator[None]:
    """Say what to do, and about which unit."""
    try:
        yield
    except CloudError as error:
        if remedy := _REMEDIES.get(error.code):
            precede(error, unit or "accounts.organization", remedy)
        raise


def organization_id(session: Session) -> str:
    """The id of the organization that the session's account is in. Raises as AWS's call."""
    action, region = "organizations:DescribeOrganization", session.region
    with _remedied(), translated(action, region):
        answer = session.client("organizations", region).describe_organization()
    return str(field(answer, "Organization", action, region)["Id"])
