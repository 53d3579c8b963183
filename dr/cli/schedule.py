"""`dr schedule next`: when an expression fires."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import click

from dr.cli.frame import InOrder, Shared, shared_options
from dr.cli.values import parse_time
from dr.documents.zones import parse_zone
from dr.errors import EXIT_DONE
from dr.installation import Installation
from dr.settings import Settings
from dr.slots import next_slots, parse_schedule
from dr.words import instant


@click.group(cls=InOrder)
@shared_options
def schedule(_shared: Shared) -> int:
    """Look at schedule expressions.

    Unix cron, cron(...), rate(...), at(...).
    """
    return EXIT_DONE


@schedule.command("next")
@click.argument("expression", metavar="EXPR")
@click.option("--timezone", metavar="TZ", default="UTC", show_default=True, help="Zone of the expression.")
@click.option("--from", "start", metavar="TIME", help="Look strictly after this time.  [default: now]")
@click.option(
    "--count", type=click.IntRange(1, 100_000), default=5, show_default=True, help="How many, at most."
)
@shared_options
def next_(shared: Shared, expression: str, timezone: str, start: str | None, count: int) -> int:
    """Show the next slots of EXPR; fewer than --count when it ends."""
    zone = parse_zone(timezone)
    schedules = [parse_schedule(expression, zone)]
    slots = next_slots(schedules, _start(shared, start), count)
    shared.emit(lambda: {"next": [instant(slot) for slot in slots]}, lambda: _text(slots, zone))
    return EXIT_DONE


def _start(shared: Shared, text: str | None) -> datetime:
    if text is not None:
        return parse_time(text, "--from")
    return Installation(Settings(config=shared.config, sandbox=shared.sandbox)).clock.now()


def _text(slots: tuple[datetime, ...], zone: ZoneInfo) -> str:
    lines = [f"{instant(slot)}  {slot.astimezone(zone):%a %Y-%m-%d %H:%M:%S %z}" for slot in slots]
    return "\n".join(lines) or "no slot is left"
