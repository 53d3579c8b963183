"""Tables that a run writes into docs/reliability.md, each between two marks of its name."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
RELIABILITY = ROOT / "docs" / "reliability.md"


def put_between(page: Path, name: str, text: str) -> None:
    """Replace what stands between the page's two marks."""
    before, mark, rest = page.read_text().partition(f"<!-- {name} -->\n")
    _, end, after = rest.partition(f"<!-- /{name} -->")
    assert mark, f"{page} has no place for {name}"
    assert end, f"{page} has no end for {name}"
    page.write_text(f"{before}{mark}\n{text}\n\n{end}{after}")


def between(page: Path, name: str) -> str:
    """What stands there."""
    _, _, rest = page.read_text().partition(f"<!-- {name} -->\n")
    return rest.partition(f"<!-- /{name} -->")[0].strip()
