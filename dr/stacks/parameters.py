"""Which value each parameter of the new stack gets, and from where.

    --parameter  over  restore.parameters of dr.yaml  over  what the stack had  over  the template's default

A NoEcho value is never stored, so that it has to come from the first two: the template's default is no answer for
it, because the stack may well have had another. A value read from SSM was decrypted for us, and is as secret.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dr.errors import MissingValues, UsageError
from dr.stacks.template import Parameter
from dr.stored import StackParameter


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A value that a person or dr.yaml gives; `origin` is "--parameter", "dr.yaml" or "ssm:/path"."""

    value: str = field(repr=False)
    origin: str

    @property
    def decrypted(self) -> bool:
        """Whether it was read from SSM, where it may be a SecureString."""
        return self.origin.startswith("ssm:")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterChoice:
    """A parameter's value and where it is from. A secret one is shown to nobody (`shown` is None)."""

    name: str
    value: str = field(repr=False)
    origin: str
    secret: bool = False

    @property
    def shown(self) -> str | None:
        """The value for plans and reports."""
        return None if self.secret else self.value


def choose_parameters(
    declared: Sequence[Parameter],
    stored: Sequence[StackParameter],
    asked: Mapping[str, Given],
    configured: Mapping[str, Given],
) -> tuple[ParameterChoice, ...]:
    """A value for every declared parameter. Raises `UsageError` for unknown names and for values that are missing."""
    names = [parameter.name for parameter in declared]
    _refuse_unknown(asked, names)
    had = {parameter.name: parameter for parameter in stored}
    choices = [_choice(p, had.get(p.name), asked.get(p.name) or configured.get(p.name)) for p in declared]
    missing = [p.name for p, choice in zip(declared, choices, strict=True) if choice is None]
    if missing:
        _refuse_missing(missing)
    return tuple(choice for choice in choices if choice is not None)


def _choice(declared: Parameter, had: StackParameter | None, given: Given | None) -> ParameterChoice | None:
    secret = declared.no_echo or (had is not None and had.no_echo)
    if given is not None:
        return ParameterChoice(
            name=declared.name,
            value=given.value,
            origin=given.origin,
            secret=secret or given.decrypted,
        )
    if secret:
        return None
    if had is not None and had.value is not None:
        return ParameterChoice(name=declared.name, value=had.value, origin="stored")
    if declared.default is not None:
        return ParameterChoice(name=declared.name, value=declared.default, origin="default")
    return None


def _refuse_unknown(asked: Mapping[str, Given], names: Sequence[str]) -> None:
    for name in asked:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise UsageError(
                f"--parameter {name}: the stored template has no parameter of this name",
                f"{hint}it has: {', '.join(names) or 'none'}",
            )


def _refuse_missing(names: Sequence[str]) -> None:
    first = names[0]
    raise MissingValues(
        f"no value for {', '.join(names)}: NoEcho values are never stored",
        f"give it with --parameter {first}=VALUE, or in dr.yaml: restore: {{parameters: {{{first}: {{ssm: /path}}}}}}",
        tuple(names),
    )
