"""The events of the Lambda functions, checked: every problem of an event at once, and no value of it repeated.

A value may be a secret (a restore's parameters), so a problem names the key and what is wrong with it, never what
was found there.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from dr.errors import UsageError
from dr.model import Policy
from dr.planner.changes import Change
from dr.recovery.asked import Asked
from dr.words import instant, names, one_line, short

_LONGEST_KEY = 40
"""Characters of an unknown key that a message repeats."""
_MOST_TOLD = 20
"""Problems of one event."""


_AHEAD = timedelta(minutes=5)
"""By which a sender's clock may be ahead: as much as DESIGN 7.3 allows this machine's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TickEvent:
    """What a tick is asked for; None is everything. `account` is where the sender believes that it runs.

    `scheduled` is the sender's time: it is logged and never trusted, slots come from the schedules and now alone
    (FAILURES 2, row 43). `run` names a run of many shards, of which this is one.
    """

    policies: tuple[str, ...] | None = None
    account: str | None = None
    region: str | None = None
    scheduled: str | None = None
    run: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardsEvent:
    """Which shards are asked for: those of these policies, None for all."""

    policies: tuple[str, ...] | None = None
    scheduled: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryEvent:
    """The end of a run: its name, its shards, each an account and a Region, and why they may not be all."""

    run: str
    shards: tuple[tuple[str, str], ...]
    unheard: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreEvent:
    """What a restore is asked for; with `plan_only` nothing is changed."""

    asked: Asked
    plan_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeEvent:
    """A stack whose status has changed. `settled`: it was created, updated or imported, and that is over."""

    account: str
    change: Change
    settled: bool


def read_tick(event: object) -> TickEvent:
    """Check the event of `handlers.tick`. Raises `UsageError`."""
    return TickEvent(**_read(event, _TICK))


def read_shards(event: object) -> ShardsEvent:
    """Check the event of `handlers.shards`. Raises `UsageError`."""
    return ShardsEvent(**_read(event, _SHARDS))


def read_summary(event: object) -> SummaryEvent:
    """Check the event of `handlers.summary`. Raises `UsageError`."""
    return SummaryEvent(**_read(event, _SUMMARY, required=("run", "shards")))


def read_restore(event: object) -> RestoreEvent:
    """Check the event of `handlers.restore`. Raises `UsageError`."""
    values = _read(event, _RESTORE, required=("stack",))
    plan_only = values.pop("plan_only", False)
    if "as" in values:
        values["as_name"] = values.pop("as")
    return RestoreEvent(asked=Asked(**values), plan_only=plan_only)


def read_change(event: object) -> ChangeEvent:
    """Check an event of CloudFormation as EventBridge sends it. Raises `UsageError`; what AWS may add is no matter.

    Source: CloudFormation user guide, Stack Status Change event detail.
    """
    if isinstance(event, Mapping):
        event = {path: value for path in _CHANGE if (value := _inside(event, path)) is not None}
    values = _read(event, _CHANGE, required=tuple(_CHANGE))
    return ChangeEvent(
        account=values["account"],
        change=Change(
            stack=values["detail.stack-id"],
            region=values["region"],
            at=values["time"].astimezone(UTC).replace(microsecond=0),
        ),
        settled=values["detail.status-details.status"] in _SETTLED,
    )


def _inside(event: Mapping[Any, Any], path: str) -> Any:
    """What stands at the path `a.b.c`; None where there is nothing."""
    found: Any = event
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def narrowed(policies: Sequence[Policy], region: str | None) -> tuple[Policy, ...]:
    """The policies in one Region only. Raises `UsageError` when none of them works there."""
    if region is None:
        return tuple(policies)
    here = tuple(replace(policy, regions=(region,)) for policy in policies if region in policy.regions)
    if not here:
        regions = sorted({one for policy in policies for one in policy.regions})
        raise UsageError(
            f"event: region: none of its policies works in {short(one_line(region))}",
            f"their Regions: {', '.join(regions) or 'none'}",
        )
    return here


def require_account(asked: str | None, accounts: Collection[str]) -> None:
    """Raise `UsageError` for an event that is meant for an account that this installation does not protect."""
    if asked is not None and asked not in accounts:
        raise UsageError(
            f"event: account: it is for {short(one_line(asked))}, and this function runs in {names(accounts)}",
            "send it to the function of that account, or leave `account` out",
        )


def require_shard(asked: TickEvent) -> None:
    """Raise `UsageError` for a part of a run of many that is not one account and one Region."""
    if asked.run is not None and (asked.account is None or asked.region is None):
        raise UsageError(
            "event: run: is for one shard, and no account or no Region is named",
            "name both, as the state machine does, or leave `run` out",
        )


def require_past(at: datetime, now: datetime) -> None:
    """Raise `UsageError` for an event of a time to come: a slot there would stand before every later one."""
    if at > now + _AHEAD:
        raise UsageError(
            f"event: time: {instant(at)} is yet to come, it is {instant(now)}",
            "correct the clock of whoever sends it",
        )


class _Wrong(Exception):  # noqa: N818 - never leaves this module
    """What is wrong with a value, without the value."""


Check = Callable[[Any], Any]
"""The value as dr uses it. Raises `_Wrong`."""


def _read(event: object, checks: Mapping[str, Check], required: Collection[str] = ()) -> dict[str, Any]:
    if not isinstance(event, Mapping):
        raise _refused([f"expected an object, found {_kind(event)}"], checks)
    problems = [_unknown(key, checks) for key in event if key not in checks]
    problems += [f"{key}: is required" for key in required if key not in event]
    values = {}
    for key in (key for key in checks if key in event):
        try:
            values[key] = checks[key](event[key])
        except _Wrong as error:
            problems.append(f"{key}: {error}")
    if problems:
        raise _refused(problems, checks)
    return values


def _refused(problems: Sequence[str], known: Collection[str]) -> UsageError:
    told = [
        *problems[:_MOST_TOLD],
        *([f"and {rest} more"] if (rest := len(problems) - _MOST_TOLD) > 0 else []),
    ]
    return UsageError(f"event: {'; '.join(told)}", f"its keys: {', '.join(known)}")


def _unknown(key: object, known: Collection[str]) -> str:
    text = one_line(str(key))[:_LONGEST_KEY]
    near = difflib.get_close_matches(text.lower(), known, n=1)
    return f"{text!r}: unknown key" + (f", did you mean {near[0]}?" if near else "")


_KINDS: Mapping[type, str] = {
    type(None): "null",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "an object",
}


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "something else")


def _text(value: Any) -> str:
    if not _words(value).strip():
        raise _Wrong("expected text, found nothing in it")
    return str(value)


def _words(value: Any) -> str:
    """A text that may be empty."""
    if not isinstance(value, str):
        raise _Wrong(f"expected text, found {_kind(value)}")
    return value


def _stack_name(value: Any) -> str:
    """The name in the ARN of a stack."""
    found = re.fullmatch(
        r"arn:[a-z-]+:cloudformation:[a-z0-9-]+:[0-9]{12}:stack/([A-Za-z][A-Za-z0-9-]{0,127})/[^/]+",
        _text(value),
    )
    if not found:
        raise _Wrong("expected the ARN of a stack")
    return found[1]


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _Wrong(f"expected a list of names, found {_kind(value)}")
    if not value:
        raise _Wrong("expected a list of names, found none in it; leave it out for all of them")
    return tuple(dict.fromkeys(_text(item) for item in value))


def _places(value: Any) -> tuple[tuple[str, str], ...]:
    """Accounts and Regions, as `handlers.shards` answers them."""
    if not isinstance(value, list):
        raise _Wrong(f"expected a list of shards, found {_kind(value)}")
    rows = [row for row in value if isinstance(row, dict)]
    found = [(row.get("account"), row.get("region")) for row in rows]
    if len(rows) != len(value) or not all(isinstance(name, str) and name for row in found for name in row):
        raise _Wrong("expected shards such as {account: ..., region: ...}")
    return tuple((str(account), str(region)) for account, region in found)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _Wrong(f"expected true or false, found {_kind(value)}")
    return value


def _moment(value: Any) -> datetime:
    text = _text(value)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _Wrong("expected a time such as 2026-03-29T01:00:00Z") from None
    if moment.tzinfo is None:
        raise _Wrong("the time has no offset: end it in Z for UTC, or in +02:00")
    return moment


def _parameters(value: Any) -> dict[str, str]:
    """Values may be empty, as CloudFormation's may; a number has to be written as the text that the template gets."""
    if not isinstance(value, dict):
        raise _Wrong(f"expected an object of names and texts, found {_kind(value)}")
    wrong = [one_line(str(name))[:_LONGEST_KEY] for name, text in value.items() if not isinstance(text, str)]
    if wrong:
        raise _Wrong(f"the value of {names(wrong)} is not text: put it in quotes")
    return value


def _one_of(allowed: Sequence[str], value: Any) -> str:
    if value not in allowed:
        raise _Wrong(f"expected one of {', '.join(allowed)}")
    return str(value)


_TICK: Mapping[str, Check] = {
    "policies": _texts,
    "account": _text,
    "region": _text,
    "scheduled": _text,
    "run": _text,
}
_SHARDS: Mapping[str, Check] = {"policies": _texts, "scheduled": _text}
_SUMMARY: Mapping[str, Check] = {"run": _text, "shards": _places, "unheard": _words}
_RESTORE: Mapping[str, Check] = {
    "stack": _text,
    "at": _moment,
    "as": _text,
    "region": _text,
    "account": _text,
    "parameters": _parameters,
    "names": partial(_one_of, ("keep", "drop", "suffix")),
    "user_data": partial(_one_of, ("keep", "drop")),
    "plan_only": _flag,
}
_SETTLED = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE")
_CHANGE: Mapping[str, Check] = {
    "source": partial(_one_of, ("aws.cloudformation",)),
    "detail-type": partial(_one_of, ("CloudFormation Stack Status Change",)),
    "account": _text,
    "region": _text,
    "time": _moment,
    "detail.stack-id": _stack_name,
    "detail.status-details.status": _text,
}
