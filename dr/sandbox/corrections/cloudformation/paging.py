"""Listings in pages. Source: CloudFormation API reference, NextToken of each Describe and List call."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from dr.sandbox.corrections.cloudformation.faults import Fault

SIZE = 100


def page(items: list[Any], token: str | None, size: int = SIZE) -> tuple[list[Any], str | None]:
    """One page, and the token of the next one, if there is one."""
    try:
        start = int(base64.urlsafe_b64decode(token)) if token else 0
    except (ValueError, binascii.Error) as error:
        raise Fault("Invalid NextToken") from error
    rest = start + size < len(items)
    following = base64.urlsafe_b64encode(str(start + size).encode()).decode() if rest else None
    return items[start : start + size], following
