"""`dr validate` and `dr init`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from dr.cli.frame import Once, Shared, shared_options
from dr.cli.values import region_name
from dr.errors import EXIT_DONE, EXIT_USAGE, EnvironmentFailed, UsageError
from dr.files import read_policy_files
from dr.installation import Installation
from dr.settings import Settings
from dr.starter import CONFIG_FILE, starter_files
from dr.words import clean, count


@click.command(cls=Once)
@shared_options
def validate(shared: Shared) -> int:
    """Check dr.yaml and every policy; AWS is not touched."""
    installation = Installation(Settings(config=shared.config, sandbox=shared.sandbox))
    checked, problems = installation.check()
    names = [policy.name for policy in checked.policies]
    shared.emit(
        lambda: {
            "problems": [
                {"file": p.file, "line": p.line, "column": p.column, "message": p.message} for p in problems
            ],
            "policies": names,
        },
        lambda: "\n".join([*(clean(str(p)) for p in problems), _verdict(len(problems), names)]),
    )
    return EXIT_USAGE if problems else EXIT_DONE


def _verdict(problems: int, names: list[str]) -> str:
    sound = f"{count(len(names), 'policy is', 'policies are')} sound"
    return f"{count(problems, 'problem')}; {sound}" if problems else f"{sound}: {', '.join(names)}"


@click.command(cls=Once)
@click.argument("folder", default=".", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--name", default="my-installation", show_default=True, help="What this installation is called."
)
@click.option(
    "--region",
    default="eu-west-1",
    show_default=True,
    callback=region_name,
    help="The Region that is protected.",
)
@shared_options
def init(shared: Shared, folder: Path, name: str, region: str) -> int:
    """Write a commented dr.yaml and first policies into FOLDER.

    Nothing that is there is overwritten.
    """
    files = _missing(folder, starter_files(name, region))
    if not files:
        raise UsageError(
            f"{folder / CONFIG_FILE}: exists already, and policies beside it",
            "choose another folder, or edit what is there",
        )
    for path, text in files.items():
        _write(path, text)
    written = [str(path) for path in files]
    shared.emit(
        lambda: {"written": written},
        lambda: "\n".join(
            [*(f"wrote {path}" for path in written), "next: edit them, then `dr validate` and `dr plan`"]
        ),
    )
    return EXIT_DONE


def _missing(folder: Path, texts: Mapping[str, str]) -> dict[Path, str]:
    """What is not there yet: dr.yaml, and first policies where the folder has none at all."""
    has_policies = bool(read_policy_files(folder / "policies").files)
    wanted = {folder / path: text for path, text in texts.items() if path == CONFIG_FILE or not has_policies}
    return {path: text for path, text in wanted.items() if not path.exists()}


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise EnvironmentFailed(f"{path}: {error.strerror}", "choose a folder that can be written") from error
