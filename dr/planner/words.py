"""How reasons name a retention rule."""

from __future__ import annotations

from dataclasses import fields
from functools import lru_cache

from dr.model import RetentionRule


@lru_cache
def keep_text(rule: RetentionRule) -> str:
    """`last 3, daily 7, within 2d`."""
    values = ((f.name, getattr(rule, f.name)) for f in fields(rule))
    return ", ".join(f"{name} {value}" for name, value in values if value is not None) or "no rule"
