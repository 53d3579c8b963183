"""Credentials of a role in another account: our own session asks STS for them, and again before they run out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from botocore.credentials import DeferredRefreshableCredentials

from dr.aws.errors import field as answered
from dr.aws.errors import translated
from dr.errors import Ambiguous, Denied, Unreachable

T = TypeVar("T")
_ACTION = "sts:AssumeRole"


def first_answer(regions: Sequence[str], ask: Callable[[str], T]) -> T:
    """What STS says in the first of these Regions that answers: any of them will do, and one may be down.

    Raises what the first one said where none does.
    """
    silent: list[Ambiguous | Unreachable] = []
    for region in regions:
        try:
            return ask(region)
        except (Ambiguous, Unreachable) as error:
            silent.append(error)
    raise silent[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumed:
    """A role of another account. `session_name` is what CloudTrail shows there, 2 to 64 of letters, digits and +=,.@-_."""

    account: str
    arn: str
    session_name: str
    external_id: str | None = field(default=None, repr=False)


class AssumedRole:
    """A provider of credentials, as botocore's sessions ask theirs. `sts` makes the client of a Region."""

    def __init__(self, role: Assumed, sts: Callable[[str], Any], regions: Sequence[str]) -> None:
        self._role = role
        self._sts = sts
        self._regions = regions

    def load_credentials(self) -> DeferredRefreshableCredentials:
        """Credentials that are asked for with the first call that needs them."""
        return DeferredRefreshableCredentials(refresh_using=self._fetch, method="assume-role")

    def _fetch(self) -> dict[str, str]:
        """Take it on. Raises `Denied`, saying what has to be there."""
        role = self._role
        try:
            keys = first_answer(self._regions, self._keys)
        except Denied as error:
            raise Denied(
                f"{role.arn} cannot be taken on: {error.message}",
                f"deploy cloudformation/member.yaml in {role.account}, allow {_ACTION} on it to whoever runs dr, and compare its "
                "external id with dr.yaml's",
                code=error.code,
                action=_ACTION,
            ) from error
        return {
            "access_key": keys["AccessKeyId"],
            "secret_key": keys["SecretAccessKey"],
            "token": keys["SessionToken"],
            "expiry_time": keys["Expiration"].isoformat(),
        }

    def _keys(self, region: str) -> Any:
        role = self._role
        external = {"ExternalId": role.external_id} if role.external_id else {}
        with translated(_ACTION, region):
            answer = self._sts(region).assume_role(
                RoleArn=role.arn, RoleSessionName=role.session_name, **external
            )
        return answered(answer, "Credentials", _ACTION, region)
