"""Messages for people, as plain text: of changes, of a day, and one to try the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from dr.notices.changes import Changes
from dr.notices.conditions import Condition, Key, Seen, Trouble
from dr.status import Protected
from dr.words import count, duration, instant, one_line, short, without_credentials

_LINES = 20
"""Of one kind that a message has: `dr status` shows all of them."""
_TITLES = {
    Trouble.FAILURE: ("failure", "failures"),
    Trouble.RPO: ("objective missed", "objectives missed"),
    Trouble.BLOCKED: ("expiry blocked", "expiries blocked"),
    Trouble.FROZEN: ("freeze for more than a day", "freezes for more than a day"),
}
_HEADS = {
    Trouble.FAILURE: "Failed",
    Trouble.RPO: "Older than the objective",
    Trouble.BLOCKED: "Blocked",
    Trouble.FROZEN: "Frozen",
}
_DAY = timedelta(days=1)


class Severity(StrEnum):
    """How urgent it is, in apprise's words: pagers and chats tell by it."""

    FAILURE = "failure"
    WARNING = "warning"
    SUCCESS = "success"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A title of one line, and the text."""

    title: str
    body: str
    severity: Severity = Severity.INFO


def of_changes(installation: str, found: Changes, now: datetime) -> Message:
    """What began, with what to do about it; what has recovered, and what nobody looks after any more."""
    numbers = Counter(one.key.trouble for one in found.began)
    parts = [count(numbers[trouble], *_TITLES[trouble]) for trouble in Trouble if numbers[trouble]]
    parts += [f"{len(found.recovered)} recovered"] if found.recovered else []
    parts += [f"{len(found.gone)} protected no more"] if found.gone else []
    sections = [
        *(
            _section(_HEADS[trouble], [_began(one) for one in found.began if one.key.trouble is trouble])
            for trouble in Trouble
        ),
        _section("Recovered", [_over(key, at, now) for key, at in found.recovered.items()]),
        _section("Protected no more", [_over(key, at, now) for key, at in found.gone.items()]),
    ]
    still = len(found.still)
    more = [f"{count(still, 'other trouble goes', 'other troubles go')} on as told before."] if still else []
    return _message(installation, ", ".join(parts), now, [*sections, *more], _severity(found))


def _severity(found: Changes) -> Severity:
    """Of the worst that began; an end alone is good news, and what nobody looks after any more is none."""
    if found.began:
        urgent = {Trouble.FAILURE, Trouble.RPO}
        return Severity.FAILURE if urgent & {one.key.trouble for one in found.began} else Severity.WARNING
    return Severity.SUCCESS if found.recovered else Severity.INFO


def of_day(installation: str, seen: Seen, since: Mapping[Key, datetime], now: datetime) -> Message:
    """How everything is: each policy, and what is wrong since when."""
    late = sum(row.within_rpo is False for row in seen.sources)
    how = f"{count(len(since), 'trouble goes', 'troubles go')} on" if since else "all is well"
    if late:
        how = f"{count(late, 'source')} beyond the objective"
    taken = Counter(point.lineage.policy for point in seen.points if now - _DAY < point.time <= now)
    rows = [_policy(name, list(of), taken[name]) for name, of in _by_policy(seen)]
    open_ = [
        f"- {_what(key)}, since {instant(at)}" for key, at in sorted(since.items(), key=lambda one: one[1])
    ]
    return _message(
        installation, f"digest: {how}", now, [_section("Policies", rows), _section("Troubles", open_)]
    )


def of_test(installation: str, now: datetime) -> Message:
    """That this way works."""
    return _message(
        installation, "test", now, ["`dr notify test` sent this: what dr has to say arrives here."]
    )


def _message(
    installation: str, what: str, now: datetime, parts: Iterable[str], severity: Severity = Severity.INFO
) -> Message:
    body = "\n\n".join(part for part in (f"dr {installation} at {instant(now)}", *parts) if part)
    return Message(title=f"dr {installation}: {what}", body=body + "\n", severity=severity)


def _section(head: str, lines: Sequence[str]) -> str:
    if not lines:
        return ""
    more = [f"- and {len(lines) - _LINES} more: see `dr status`"] if len(lines) > _LINES else []
    return "\n".join([f"{head}:", *lines[:_LINES], *more])


def _began(one: Condition) -> str:
    remedy = f"\n  {_text(one.remedy)}" if one.remedy else ""
    return f"- {_where(one.key)}: {_text(one.message)}{remedy}"


def _over(key: Key, since: datetime, now: datetime) -> str:
    return f"- {_what(key)}, after {duration(max(0, int((now - since).total_seconds())))}"


def _what(key: Key) -> str:
    return f"{_where(key)}: {key.what} ({_TITLES[key.trouble][0]})"


def _where(key: Key) -> str:
    place = "/".join(part for part in (key.account, key.region) if part)
    named = " ".join(part for part in (key.policy, key.source) if part)
    if not named:
        return place or "dr"
    return f"{named} ({place})" if place else named


def _text(foreign: str) -> str:
    return short(one_line(without_credentials(foreign)))


def _by_policy(seen: Seen) -> Iterator[tuple[str, Iterator[Protected]]]:
    for policy in sorted(seen.policies, key=lambda policy: policy.name):
        yield policy.name, (row for row in seen.sources if row.policy == policy.name)


def _policy(name: str, rows: Sequence[Protected], taken: int) -> str:
    ages = [row.age for row in rows if row.age is not None]
    bare = sum(row.newest is None for row in rows)
    worst = f", newest points up to {duration(max(ages))} old" if ages else ""
    without = f", {bare} without a good point" if bare else ""
    return f"- {name}: {count(len(rows), 'source')}{worst}{without}; {count(taken, 'point')} taken in a day"
