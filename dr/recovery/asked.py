"""What a restore is asked for, by a person, an event or dr.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # an event is read without what plans a restore
    from dr.config import SsmParameter
    from dr.stacks.names import Mode
    from dr.stacks.rebirth import UserData


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a person asks for. `at` None is now; `region` None is wherever the one stored stack of the name is, as is `account`."""

    stack: str
    at: datetime | None = None
    as_name: str | None = None
    region: str | None = None
    account: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    names: Mode | None = None
    user_data: UserData = "keep"

    @property
    def moment(self) -> datetime | None:
        """`at` in whole seconds, as it is shown: who types what was shown asks for the same restore."""
        return None if self.at is None else self.at.replace(microsecond=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured:
    """What dr.yaml says of restores."""

    parameters: Mapping[str, str | SsmParameter] = field(default_factory=dict)
    image_for: Mapping[str, str] = field(default_factory=dict)
