"""Credentials of a role in another account: our own session asks STS for them, and again before they run out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.credentials import DeferredRefreshableCredentials

from dr.aws.errors import field as answered
from dr.aws.errors import translated
from dr.errors import Denied

_ACTION = "sts:AssumeRole"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumed:
    """A role of another account. `session_name` is what CloudTrail shows there, 2 to 64 of letters, digits and +=,.@-_."""

    account: str
    arn: str
    session_name: str
    external_id: str | None = field(default=None, repr=False)


class AssumedRole:
    """A provider of credentials, as botocore's sessions ask theirs. `sts` makes the client that is asked, in the Region `region`."""

    def __init__(self, role: Assumed, sts: Callable[[], Any], region: str) -> None:
        self._role = role
        self._sts = sts
        self._region = region

    def load_credentials(self) -> DeferredRefreshableCredentials:
        """Credentials that are asked for with the first call that needs them."""
        return DeferredRefreshableCredentials(refresh_using=self._fetch, method="assume-role")

    def _fetch(self) -> dict[str, str]:
        """Take it on. Raises `Denied`, saying what has to be there."""
        role = self._role
        external = {"ExternalId": role.external_id} if role.external_id else {}
        try:
            with translated(_ACTION, self._region):
                answer = self._sts().assume_role(
                    RoleArn=role.arn, RoleSessionName=role.session_name, **external
                )
        except Denied as error:
            raise Denied(
                f"{role.arn} cannot be taken on: {error.message}",
                f"deploy cloudformation/member.yaml in {role.account}, allow {_ACTION} on it to whoever runs dr, and compare its "
                "external id with dr.yaml's",
                code=error.code,
                action=_ACTION,
            ) from error
        keys = answered(answer, "Credentials", _ACTION, self._region)
        return {
            "access_key": keys["AccessKeyId"],
            "secret_key": keys["SecretAccessKey"],
            "token": keys["SessionToken"],
            "expiry_time": keys["Expiration"].isoformat(),
        }
