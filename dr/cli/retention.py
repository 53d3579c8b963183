"""`dr retention`: try a retention rule on a list of times."""

from __future__ import annotations

from typing import IO, Any

import click

from dr.cli.frame import Once, Shared, shared_options
from dr.documents.zones import parse_zone
from dr.errors import EXIT_DONE, UsageError
from dr.retention import parse_keep, parse_times, retention_answer
from dr.words import clean


@click.command(cls=Once)
@click.option("--keep", metavar="RULES", required=True, help="For example last=3,daily=7,within=2d.")
@click.option(
    "--points",
    type=click.File("rb", lazy=True),
    metavar="FILE",
    required=True,
    help="ISO times with offsets, one a line or a JSON list; - is standard input.",
)
@click.option("--timezone", metavar="TZ", default="UTC", show_default=True, help="Zone of days, weeks ...")
@shared_options
def retention(shared: Shared, keep: str, points: IO[bytes], timezone: str) -> int:
    """Try a retention rule on a list of times: kept, why, expired."""
    rule, zone = parse_keep(keep), parse_zone(timezone)
    answer = retention_answer(parse_times(_read(points)), rule, zone)
    shared.emit(lambda: answer, lambda: _text(answer))
    return EXIT_DONE


def _read(points: IO[bytes]) -> str:
    try:
        return points.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"--points: {error}", "write the file in UTF-8") from None
    except OSError as error:
        raise UsageError(
            f"--points: {error.strerror}", "name a readable file, or - for standard input"
        ) from None


def _text(answer: dict[str, Any]) -> str:
    kept = [f"keep    {clean(point['time'])}  {', '.join(point['reasons'])}" for point in answer["keep"]]
    expired = [f"expire  {clean(time)}" for time in answer["expire"]]
    return "\n".join([*kept, *expired]) or "no times"
