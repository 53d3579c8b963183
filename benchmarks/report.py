"""What was measured, as a table beside its targets."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median


@dataclass(frozen=True, kw_only=True)
class Row:
    """One target. `values` are of one round each, and their median counts; or each counts by itself (`each`)."""

    what: str
    most: float
    values: Sequence[float]
    unit: str = ""
    each: bool = False

    @property
    def met(self) -> bool:
        """Whether the target is."""
        return (max(self.values) if self.each else median(self.values)) <= self.most

    def text(self) -> str:
        """A line of the table."""
        measured = f"{median(self.values):.3g}{self.unit}"
        if len(self.values) > 1:
            measured += f" ({min(self.values):.3g} to {max(self.values):.3g})"
        return (
            f"| {self.what} | <= {self.most:g}{self.unit} | {measured} | {'yes' if self.met else '**no**'} |"
        )


HEAD = "| what | target | measured: median (least to largest) | met |\n|---|---|---|---|"


def page(rows: Iterable[Row], notes: Iterable[str]) -> str:
    """RESULTS.md."""
    lines = [
        "# What dr costs",
        "",
        f"`make bench` of {datetime.now(UTC):%Y-%m-%d}, on {machine()}.",
        "Ratios of CPU time are those of programs that ran in turn, in the same round. A median meets its target; of doublings,",
        "each does.",
        "",
        HEAD,
        *(row.text() for row in rows),
        "",
        *notes,
    ]
    return "\n".join(lines) + "\n"


def machine() -> str:
    """The processor, and what runs on it."""
    cpuinfo = Path("/proc/cpuinfo")
    names = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    name = next((line.partition(": ")[2] for line in names if line.startswith("model name")), "")
    return (
        f"{os.cpu_count()} x {name or platform.machine()}, Python {platform.python_version()}, botocore "
        f"{version('botocore')}"
    )
