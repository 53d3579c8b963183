"""The files of an installation, read: dr.yaml, the policies and the public key, whatever lies in their place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dr.config import Config, SigningKeys, public_key
from dr.errors import EnvironmentFailed, Problem, UsageError
from dr.policy import is_policy_file
from dr.store.signing import verifier

_LARGEST = 1 << 20
"""Bytes of a file that dr reads at all; a larger one is refused by the reader, which sees one byte more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyFiles:
    """Name and bytes of each policy file, and a problem for each entry that is none."""

    files: tuple[tuple[str, bytes], ...] = ()
    problems: tuple[Problem, ...] = ()


def read_file(path: Path, remedy: str) -> bytes:
    """A file, at most one byte more than is allowed. Raises `UsageError`; a pipe or a device is not waited for."""
    if path.exists() and not path.is_file():
        raise UsageError(f"{path}: is not a file", remedy)
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST + 1)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}", remedy) from error


def read_policy_files(folder: Path) -> PolicyFiles:
    """Everything in the folder that is named like a policy; a folder that is not there holds none.

    Raises `UsageError` for a folder that cannot be listed.
    """
    try:
        found = sorted(path for path in folder.iterdir() if is_policy_file(path.name))
    except FileNotFoundError:
        return PolicyFiles()
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror}", "make it a readable folder of policies") from error
    files, problems = [], []
    for path in found:
        try:
            files.append((shown(path), read_file(path, "")))
        except UsageError as error:
            why = error.message.removeprefix(f"{path}: ")
            problems.append(Problem(file=shown(path), line=1, column=1, message=f"cannot be read: {why}"))
    return PolicyFiles(files=tuple(files), problems=tuple(problems))


def looks_like(config: Path, folder: Path) -> tuple[object, ...]:
    """What a change of dr.yaml or of a policy changes, without reading them: names, sizes, times of writing, what cannot be seen."""
    try:
        policies = sorted(path for path in folder.iterdir() if is_policy_file(path.name))
    except OSError as error:
        return (_look(config), error.errno)
    return tuple(_look(path) for path in (config, *policies))


def _look(path: Path) -> tuple[object, ...]:
    try:
        found = path.stat()
    except OSError as error:
        return (path.name, error.errno)
    return (path.name, found.st_size, found.st_mtime_ns, found.st_ino)


def read_public_key(keys: SigningKeys) -> bytes:
    """The pinned public key, in DER. Raises `UsageError` for a file that holds none."""
    if keys.pem:
        return public_key(keys.pem)
    remedy = (
        "write the key's public half there as PEM (aws kms get-public-key), or correct `signing.public_key`"
    )
    data = read_file(Path(keys.file), remedy)
    try:
        return public_key(data.decode("ascii", "replace"))
    except ValueError as error:
        raise UsageError(f"{keys.file}: {error}", remedy) from None


def public_key_problems(config: Config | None) -> tuple[Problem, ...]:
    """What is wrong with the public key of dr.yaml, and what this machine lacks to verify with it."""
    if config is None or config.signing is None:
        return ()
    keys = config.signing
    try:
        verifier(read_public_key(keys), keys.file or config.file)
    except UsageError as error:
        return (_problem(keys.file or config.file, error.message),)
    except EnvironmentFailed as error:
        return (_problem(config.file, f"{error.message}: {error.remedy}"),)
    return ()


def _problem(file: str, message: str) -> Problem:
    return Problem(file=shown(Path(file)), line=1, column=1, message=message.removeprefix(f"{file}: "))


def shown(path: Path) -> str:
    """A path as the user would type it: relative to here where it is below."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except (ValueError, RuntimeError, OSError):
        return str(
            path
        )  # elsewhere; or a link to itself, or no folder here any more, which reading will tell
