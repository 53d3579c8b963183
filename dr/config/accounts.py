"""`accounts` in dr.yaml: whose sources are protected beside, or instead of, those of one's own account.

A list names them; a mapping takes them from the AWS Organization, each time anew: who joins it is protected by the next
tick. Exactly what is named is protected: one's own account by its id alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from dr.documents.fields import (
    Field,
    Shape,
    entries,
    given,
    items,
    mapping,
    matching,
    text_or_texts,
    texts,
    written,
)
from dr.documents.nodes import Items
from dr.documents.wording import quoted

T = TypeVar("T")

_ID = r"[0-9]{12}"
_ID_WORDS = "an account: 12 digits, in quotes"
_UNIT = r"ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}|r-[0-9a-z]{4,32}"
"""Source: Organizations API reference, ListAccountsForParent, ParentId."""
_ROLE = r"[A-Za-z0-9+=,.@_-]{1,64}"
"""Source: IAM API reference, CreateRole, RoleName; a path is not asked for."""
_EXTERNAL_ID = r"[A-Za-z0-9+=,.@:/-]{2,1224}"
"""Source: STS API reference, AssumeRole, ExternalId; without the backslash."""

_ACCOUNT = Shape(
    keys=("id", "role", "external_id"),
    required={"id": 'write the account\'s 12 digits in quotes: {id: "222222222222", role: dr-member}'},
)
_EVERY = Shape(
    keys=("organization", "role", "external_id"),
    required={
        "organization": "write organization: all, or {units: [ou-...], tags: {...}, exclude: [...]}",
        "role": "name the role that each account has for dr, such as dr-member",
    },
)
_ORGANIZATION = Shape(keys=("units", "tags", "exclude"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account, and the role in it that dr takes on; none for the account of dr's own credentials."""

    id: str
    role: str | None = None
    external_id: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """All active accounts of the organization, in these units and below where any are named, that bear all of these tags.

    A tag's values are any-of. `exclude` are ids.
    """

    role: str
    external_id: str | None = field(default=None, repr=False)
    units: tuple[str, ...] = ()
    tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    exclude: tuple[str, ...] = ()

    @property
    def choice(self) -> str:
        """What chooses among the accounts, as one text: the same for the same units and tags, in whatever order."""
        tags = {key: sorted(values) for key, values in self.tags.items()}
        return json.dumps({"units": sorted(self.units), "tags": tags}, sort_keys=True)

    def account(self, id_: str, own: str) -> Account:
        """How one of its accounts is worked in: by its role, and by none in `own`, that of dr's credentials."""
        return (
            Account(id=id_) if id_ == own else Account(id=id_, role=self.role, external_id=self.external_id)
        )


Accounts = tuple[Account, ...] | Organization


def accounts(value: Field) -> Accounts | None:
    """Read `accounts`."""
    if not isinstance(value.node, Items):
        return _organization(value)
    if not value.node.items:
        value.fault('the list is empty; name an account, such as {id: "222222222222", role: dr-member}')
        return None
    found: dict[str, Account] = {}
    for item in items(value, value.node):
        one = _account(item)
        if one and one.id in found:
            item.fault(f"{one.id} is there twice; remove one")
        elif one:
            found[one.id] = one
    return tuple(found.values())


def _account(value: Field) -> Account | None:
    fields = mapping(value, _ACCOUNT)
    if fields is None or "id" not in fields:
        return None
    if "external_id" in fields and "role" not in fields:
        fields["external_id"].key_fault("belongs to a role; name the role too, or remove it")
    id_ = matching(fields["id"], _ID, _ID_WORDS)
    role, external = _role(fields)
    return Account(id=id_, role=role, external_id=external) if id_ else None


def _role(fields: Mapping[str, Field]) -> tuple[str | None, str | None]:
    return (
        _maybe(fields, "role", _ROLE, "the name of a role: not its ARN, the account is known"),
        _maybe(
            fields, "external_id", _EXTERNAL_ID, "an external id: 2 to 1224 of letters, digits and +=,.@:/-"
        ),
    )


def _maybe(fields: Mapping[str, Field], key: str, pattern: str, what: str) -> str | None:
    return matching(fields[key], pattern, what) if key in fields else None


def _organization(value: Field) -> Organization | None:
    fields = mapping(value, _EVERY)
    if fields is None or not _EVERY.required.keys() <= fields.keys():
        return None
    role, external = _role(fields)
    chosen = _chosen(fields["organization"])
    return replace(chosen, role=role, external_id=external) if chosen and role else None


def _chosen(value: Field) -> Organization | None:
    if written(value) == "all":
        return Organization(role="")
    fields = mapping(value, _ORGANIZATION)
    if fields is None:
        return None
    if not fields:
        value.fault("names nothing; write organization: all for every active account")
    no_tags: Mapping[str, tuple[str, ...]] = {}
    return Organization(
        role="",
        units=given(
            fields,
            "units",
            _each(_UNIT, "an organizational unit (ou-...) or root (r-...)", "[ou-abcd-11111111]"),
            (),
        ),
        tags=given(fields, "tags", _tags, no_tags),
        exclude=given(fields, "exclude", _each(_ID, _ID_WORDS, '["111111111111"]'), ()),
    )


def _each(pattern: str, what: str, example: str) -> Callable[[Field], tuple[str, ...] | None]:
    """Read a list of which every item has this form."""

    def read(value: Field) -> tuple[str, ...] | None:
        found = texts(value, example, lambda one: matching(one, pattern, what))
        return None if found is None else tuple(written(one) for one in found)

    return read


def _tags(value: Field) -> Mapping[str, tuple[str, ...]] | None:
    found = entries(value)
    if found is not None and not found:
        value.fault("names no tag; write {Environment: prod}, or remove it")
    for key, one in (found or {}).items():
        if not re.fullmatch(r".{1,128}", key):
            one.key_fault(f"{quoted(key)} is no key of a tag")
    values = {key: text_or_texts(one, "[prod, staging]") for key, one in (found or {}).items()}
    return {key: tuple(written(one) for one in several) for key, several in values.items() if several}
