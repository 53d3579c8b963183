"""How a run was asked for: what stands on its command line and in its environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dr.errors import UsageError

_YES, _NO = {"1", "true", "yes", "on"}, {"", "0", "false", "no", "off"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How this run was asked for. `config` is the --config option."""

    config: str | None = None
    sandbox: bool = False
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    @property
    def in_sandbox(self) -> bool:
        """--sandbox, or DR_SANDBOX. Raises `UsageError` for a word that is neither yes nor no: AWS itself may be meant or not."""
        said = self.environ.get("DR_SANDBOX", "").strip().lower()
        if said not in _YES | _NO:
            raise UsageError(f"DR_SANDBOX={said!r} is neither yes nor no", "set it to 1, or unset it")
        return self.sandbox or said in _YES

    @property
    def function_region(self) -> str | None:
        """Where this function runs; None where this is no function. A protected Region that is down takes nothing from it.

        Source: Lambda developer guide, Defined runtime environment variables.
        """
        return self.environ.get("AWS_REGION") if "AWS_LAMBDA_FUNCTION_NAME" in self.environ else None


def sandbox_directory(environ: Mapping[str, str]) -> Path:
    """Where the sandbox keeps its files: DR_SANDBOX_DIR, else under XDG_STATE_HOME."""
    if chosen := environ.get("DR_SANDBOX_DIR"):
        return Path(chosen)
    state = environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(state) / "dr" / "sandbox"
