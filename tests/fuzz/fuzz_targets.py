"""What is fuzzed: every reader of bytes that others wrote, as one table for hypothesis and for atheris.

A target takes any bytes. It may refuse them with the errors that it names, which have to be fit to be shown; anything
else that it raises is a fault of dr, and so is needing more than `SECONDS` of the processor.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import fuzz_answers
import fuzz_stacks
import fuzz_stores
from plan_values import NOW, SLOT, hourly, plan, point

from dr.cli.frame import json_text
from dr.config import check_config
from dr.documents.zones import parse_zone
from dr.durations import parse_duration
from dr.errors import CloudError, DrError, Problem, Refused, UsageError
from dr.events import read_change, read_restore, read_shards, read_summary, read_tick
from dr.planfile import Context, parse, to_document
from dr.policy import check_policies
from dr.retention import parse_keep, parse_times, retention_answer
from dr.slots import next_slots, parse_schedule
from dr.starter import starter_files
from dr.words import clean, one_line, short

ROOT = Path(__file__).parents[2]
SECONDS = 2.0
"""Of the processor, for one input of at most some hundred kilobytes. A sum that grows with the input stays far below."""
VIENNA = ZoneInfo("Europe/Vienna")


class HungError(AssertionError):
    """It did not end in time."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """One reader. `tokens` are what its inputs are made of, for whoever mutates them."""

    name: str
    read: Callable[[bytes], object]
    seeds: tuple[bytes, ...]
    allowed: tuple[type[DrError], ...] = ()
    tokens: tuple[bytes, ...] = ()


def run(target: Target, data: bytes) -> None:
    """Read once. Raises for whatever is a fault of dr."""
    with within(SECONDS):
        try:
            target.read(data)
        except target.allowed as error:
            assert_shown(error)


def assert_shown(error: DrError) -> None:
    """An error has a message, and one that a person can read."""
    assert error.message
    assert len(error.message) <= 2_000, "a message that repeats all of its input"


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raise `HungError` in the middle of what needs more of the processor than that; a busy machine is no reason."""

    def hung(_signal: int, _frame: object) -> None:
        raise HungError(f"not done after {seconds} seconds of the processor")

    before = signal.signal(signal.SIGVTALRM, hung)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def text_of(data: bytes) -> str:
    """Bytes as the text that a program may be handed: what is not UTF-8 comes as lone surrogates, as from Python."""
    return data.decode("utf-8", "surrogateescape")


# --- the readers ---------------------------------------------------------------------------------------------------------


def read_policy(data: bytes) -> None:
    for now in (NOW, None):
        checked = check_policies([("a.yaml", data)], ("eu-west-1",), now)
        assert len(checked.policies) == (0 if checked.problems else 1)
        assert_told(checked.problems)


def read_config(data: bytes) -> None:
    checked = check_config(data, "dr.yaml")
    assert (checked.config is None) == bool(checked.problems)
    assert_told(checked.problems)


def assert_told(problems: Sequence[Problem]) -> None:
    for problem in problems:
        assert problem.line >= 1
        assert problem.column >= 1
        assert problem.message.isprintable()
        assert 0 < len(problem.message) <= 600


def read_schedule(data: bytes) -> None:
    schedule = parse_schedule(text_of(data), VIENNA)
    latest = schedule.latest(NOW)
    found = next_slots([schedule], NOW, 3)
    assert latest is None or latest <= NOW
    assert list(found) == sorted(set(found))
    assert all(slot > NOW for slot in found)


def read_duration(data: bytes) -> None:
    found = parse_duration(text_of(data))
    assert found.before(NOW, VIENNA) <= NOW


def read_plan(data: bytes) -> None:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = text_of(data)
    saved = parse(text)
    assert clean(saved.fingerprint) == saved.fingerprint


def read_times(data: bytes) -> None:
    """`dr retention`: the first line is --keep, the second --timezone, the rest is the file of --points."""
    keep, zone, points = [*text_of(data).split("\n", 2), "", ""][:3]
    answer = retention_answer(parse_times(points), parse_keep(keep), parse_zone(zone))
    json.loads(json_text(answer))


def read_event(data: bytes) -> None:
    try:
        event = json.loads(data)
    except (ValueError, RecursionError):
        return  # Lambda gives a handler nothing but JSON
    for read in (read_tick, read_restore, read_change, read_shards, read_summary):
        try:
            read(event)
        except UsageError as error:
            assert_shown(error)


def read_words(data: bytes) -> None:
    text = text_of(data)
    for shown in (clean(text), one_line(text), clean(short(text))):
        assert clean(shown) == shown
    assert json.loads(json_text([text])) == [text]


# --- seeds ---------------------------------------------------------------------------------------------------------------


def files(folder: str, *patterns: str) -> tuple[bytes, ...]:
    found = sorted(path for pattern in patterns for path in (ROOT / folder).glob(pattern))
    return tuple(path.read_bytes() for path in found if path.stat().st_size)


def plan_files() -> tuple[bytes, ...]:
    context = Context(
        installation="acme", account="111111111111", policies={"db": "p1"}, config="c1", asked=("db",)
    )
    plans = (plan(), plan(*hourly(5), point(SLOT, policy="gone")))
    return tuple(json.dumps(to_document(one, context)).encode() for one in plans)


def words(*texts: str) -> tuple[bytes, ...]:
    return tuple(text.encode() for text in texts)


YAML = words(
    *(": ", "- ", "\n", "\n  ", "{", "}", "[", "]", ", ", "? ", "&a ", "*a", "!x ", "!!int ", "<<: ", "'", '"', "#"),
    *("|\n", ">-\n ", "---\n", "...\n", "%TAG ! x\n", "\t", "~", "0x_", "1:30", ".inf", ".nan", "2026-13-45", "=", "\ufeff"),
)  # fmt: skip
JSON = words(
    *("{", "}", "[", "]", '"', ":", ",", "null", "true", "1e999", "-0", "NaN", "\\u0000", "\\ud800", "\\u202e"),
    *("9" * 400, '""', "{}", "[]", "[" * 60, '{"a":' * 60, "1.0", "\x1b", "\x00"),
)  # fmt: skip
POLICY = words(
    *("policy: ", "protect: ", "select: ", "tags: ", "names: ", "schedule: ", "keep: ", "within: ", "2d", "volumes"),
    *("timezone: ", "Europe/Vienna", "objectives: ", "limits: ", "copies: ", "0 * * * *", "rate(1 hour)", "../x"),
)  # fmt: skip
CRON = words(
    *("cron(", "rate(", "at(", ")", " ", "*", "?", "/", "-", ",", "L", "W", "#", "0", "59", "31", "2199", "SUN", "jan"),
    *("@daily", "@", "1970", "2 days", "2026-03-29T02:30:00", "29 2", "*/7", "999999999", "²", "٣", "\n"),
)  # fmt: skip
SCHEDULES = words(
    "0 * * * *", "*/5 0-6,22 1,15 jan-mar mon", "0 0 29 2 */7", "@daily", "rate(5 minutes)", "cron(0 10 ? * 6L 2026)",
    "cron(0/5 8-17 15W * ? *)", "cron(0 0 ? 2 7#5 *)", "* 2 29 3 */8", "at(2026-12-01T02:00:00)",
)  # fmt: skip
DURATIONS = words("90min", "1y6mo", "2d", "1y2mo3w4d5h6min", "999999999y")
TIMES = words(
    "last=3,daily=7,within=2d\nEurope/Vienna\n2026-03-29T01:00:00Z\n2026-03-29T02:00:00+02:00\n",
    'weekly=2,yearly=9\nUTC\n["2026-03-29T01:00:00Z", "0002-01-01T00:00:00+14:00"]',
    "hourly=1\nAmerica/New_York\n9998-12-31T23:59:59-12:00\n",
)
TIME = words(
    *("last=", "hourly=", "within=", "=", ",", "\n", "UTC", "../UTC", "Z", "+14:00", "-23:59", "T", "2026-W01-1", "00:00:00.999999999"),
)  # fmt: skip
EVENTS = words(
    '{"policies": ["db"], "account": "111111111111", "region": "eu-west-1", "scheduled": "x"}',
    '{"stack": "prod", "at": "2026-03-29T01:00:00Z", "as": "b", "parameters": {"A": "1"}, "names": "drop", "plan_only": true}',
    '{"run": "r-1", "shards": [{"account": "111111111111", "region": "eu-west-1"}], "unheard": ""}',
    "[]",
)
OF_ACCOUNTS = words(
    'name: a\nstore: {primary: {url: s}}\naccounts: [{id: "111111111111", role: dr, external_id: acme/dr}]\n',
    "name: a\nstore: {primary: {url: s}}\naccounts:\n  role: dr\n  organization:\n    units: [ou-abcd-11111111]\n"
    '    tags: {Tier: [prod, "s*"]}\n    exclude: ["222222222222"]\n',
)
ACCOUNTS = words(
    "accounts: ", "organization: ", "units: ", "tags: ", "exclude: ", "role: ", "external_id: ", "id: "
)
FOREIGN = words("\x1b", "\u202e", "\u2028", "\x85", "ä", "😀", "\ufeff")

TARGETS: tuple[Target, ...] = (
    Target(name="policy", read=read_policy, seeds=files("policies", "*.yaml"), tokens=(*YAML, *POLICY)),
    Target(
        name="config",
        read=read_config,
        seeds=(starter_files("acme", "eu-west-1")["dr.yaml"].encode(), *fuzz_stores.CONFIGS, *OF_ACCOUNTS),
        tokens=(*YAML, b"s3://b/../x", b"replica: ", b"ssm: ", b"image_for: ", b"~", b"/", *ACCOUNTS),
    ),
    Target(name="schedule", read=read_schedule, seeds=SCHEDULES, allowed=(UsageError,), tokens=CRON),
    Target(
        name="duration",
        read=read_duration,
        seeds=DURATIONS,
        allowed=(UsageError,),
        tokens=words("y", "mo", "w", "d", "h", "min", "0", "999999999"),
    ),
    Target(
        name="template",
        read=fuzz_stacks.read_template,
        seeds=(*files("tests/templates", "*.yaml", "*.json"), *fuzz_stacks.SEEDS),
        allowed=(UsageError, Refused),
        tokens=(*YAML, *JSON, *fuzz_stacks.TOKENS),
    ),
    Target(name="plan", read=read_plan, seeds=plan_files(), allowed=(UsageError, Refused), tokens=JSON),
    Target(name="retention", read=read_times, seeds=TIMES, allowed=(UsageError,), tokens=(*TIME, *JSON)),
    Target(name="event", read=read_event, seeds=EVENTS, tokens=JSON),
    Target(
        name="manifest",
        read=fuzz_stores.read_manifest,
        seeds=fuzz_stores.manifests(),
        allowed=(Refused,),
        tokens=JSON,
    ),
    Target(
        name="record",
        read=fuzz_stores.read_records,
        seeds=fuzz_stores.records(),
        allowed=(CloudError,),
        tokens=JSON,
    ),
    Target(name="key", read=fuzz_stores.read_key, seeds=fuzz_stores.KEYS, allowed=(UsageError,), tokens=fuzz_stores.PARTS),
    Target(name="answer", read=fuzz_answers.read_answer, seeds=fuzz_answers.SEEDS, tokens=fuzz_answers.TOKENS),
    Target(name="words", read=read_words, seeds=words("plain", "a\x1b[2J\u202eb"), tokens=FOREIGN),
)  # fmt: skip


def read_planted(data: bytes) -> None:
    """A fault that a fuzzer has to find: three bytes, one after the other, so that chance alone does not."""
    if data[:1] == b"d" and data[1:2] == b"r" and data[2:3] == b"!":
        raise ZeroDivisionError("planted")


PLANTED = Target(name="planted", read=read_planted, seeds=(b"nothing of it",), tokens=(b"no", b"thing"))
"""Shows that the fuzzers find faults; dr has nothing to do with it."""
BY_NAME = {target.name: target for target in (*TARGETS, PLANTED)}
