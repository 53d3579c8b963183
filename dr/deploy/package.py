"""The functions' code as one ZIP file: the same bytes wherever and whenever one zlib makes it of the same files.

    dr, handlers             --their folders------+
    structlog, PyYAML, tzdata --what pip installed--+--> name -> bytes --zipped--> Package
    dr.yaml, policies        --this installation--+

Lambda's runtime brings boto3. What only people at a terminal use stays out (click, rich, the sandbox), and so does compiled
code, which would tie the package to one processor: PyYAML does without its own. What goes in is named by what it is, so that
nothing that happens to lie beside it does; and no secret: the value of a parameter has its place in SSM.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

from dr.config import Config, StoreLocation, parse_config
from dr.errors import EnvironmentFailed, UsageError
from dr.files import read_file
from dr.words import names

INSTALLATION = "installation"
"""The folder of dr.yaml inside the package."""
CONFIG = f"{INSTALLATION}/dr.yaml"
_TASK = "/var/task"
"""Where Lambda unpacks it."""

_NEEDED = ("PyYAML", "structlog", "tzdata")
"""Distributions that the functions need and Lambda's runtime has not; none of them needs another."""
_OURS = ("dr", "handlers")
_AT_A_TERMINAL = (
    "dr/__main__.py",
    "dr/app/deploying.py",
    "dr/aws/deployer.py",
    "dr/cli/",
    "dr/daemon/",
    "dr/demo.py",
    "dr/deploy/",
    "dr/sandbox/",
)
_LOADED = ("dr/sandbox/__init__.py", "dr/sandbox/process.py")
"""Of the sandbox, what an installation asks whether it is in one."""
_SHIPPED = (".py", ".json", ".yaml", ".typed")
"""Of our own packages: as `pyproject.toml` ships them."""
_BUILT = (".pyc", ".pyo", ".so", ".pyd", ".dylib")
_EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The first instant that a ZIP file can tell."""
_REGULAR_READABLE = 0o100644 << 16
"""Mode of every file in the upper half of its attributes, as ZIP files of Unix have it; Lambda's user only reads."""
_UNIX = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A ZIP file and its SHA-256 in hexadecimal."""

    data: bytes
    sha256: str


def package(files: Mapping[str, bytes]) -> Package:
    """Zip these files. Neither their order nor this machine's time, user or umask is in the bytes."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EARLIEST)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system, entry.external_attr = _UNIX, _REGULAR_READABLE
            archive.writestr(entry, files[name])
    data = made.getvalue()
    return Package(data=data, sha256=hashlib.sha256(data).hexdigest())


# --- code -------------------------------------------------------------------------------------------------------------


def code_files() -> dict[str, bytes]:
    """Dr and what it needs, as this Python has it installed. Raises `EnvironmentFailed` where something is missing."""
    ours = {name: path.read_bytes() for root in _OURS for name, path in _module(root)}
    needed = {name: path.read_bytes() for each in _NEEDED for name, path in _installed(each)}
    return ours | needed


def _module(root: str) -> Iterator[tuple[str, Path]]:
    """The files of a package of ours."""
    spec = find_spec(root)
    if spec is None or spec.origin is None:
        raise EnvironmentFailed(
            f"{root} is not installed as files", "install dr with pip, and deploy from there"
        )
    folder = Path(spec.origin).parent
    for path in folder.rglob("*"):
        name = f"{root}/{path.relative_to(folder).as_posix()}"
        needed = name in _LOADED or not name.startswith(_AT_A_TERMINAL)
        if needed and path.suffix in _SHIPPED and path.is_file() and not path.is_symlink():
            yield name, path


def _installed(name: str) -> Iterator[tuple[str, Path]]:
    """The files of a distribution, without what pip notes of it."""
    found = _distribution(name)
    files = found.files
    if not files:
        raise EnvironmentFailed(
            f"{name} {found.version} was installed without a list of its files",
            f"run `pip install --force-reinstall {name}`",
        )
    for file in files:
        path = PurePosixPath(file)
        if ".." not in path.parts and not path.parts[0].endswith(".dist-info") and not _is_built(str(path)):
            yield str(path), Path(str(file.locate()))


def _distribution(name: str) -> Distribution:
    try:
        return distribution(name)
    except PackageNotFoundError:
        raise EnvironmentFailed(
            f"{name} is not installed", "install dr with pip, and deploy from there"
        ) from None


def _is_built(name: str) -> bool:
    return name.endswith(_BUILT)


# --- the installation -------------------------------------------------------------------------------------------------


def installation_files(config: Config, policies: Mapping[str, bytes]) -> dict[str, bytes]:
    """dr.yaml and what it names, as they lie beside it; `policies` are the bytes of each policy file by its name.

    Raises `UsageError` for an installation that works on one machine only.
    """
    file = Path(config.file)
    _require_bucket("store.primary", config.primary)
    if config.replica:
        _require_bucket("store.replica", config.replica)
    folder = _beside(file, Path(config.policies_dir), "policies")
    _require_no_secret(config)
    data = read_file(file, "name it with --config")
    there = parse_config(data.decode(), CONFIG, f"{_TASK}/{INSTALLATION}")
    if there.policies_dir != f"{_TASK}/{INSTALLATION}/{folder}":
        raise UsageError(
            f"policies: {there.policies_dir} would not be there in a function", "name it by a relative path"
        )
    return {CONFIG: data} | {
        f"{INSTALLATION}/{folder / Path(name).name}": body for name, body in policies.items()
    }


def _require_bucket(what: str, location: StoreLocation) -> None:
    if location.bucket is None:
        raise UsageError(
            f"{what}: {location.url} is a folder of this machine, and functions have none that stays",
            "deploy cloudformation/store.yaml, and name its bucket: {url: 's3://bucket', region: ...}",
        )


def _require_no_secret(config: Config) -> None:
    """A package lies in a bucket for as long as the functions do. And a signature cannot be checked there yet."""
    if literal := sorted(name for name, value in config.parameters.items() if isinstance(value, str)):
        raise UsageError(
            f"restore.parameters: the values of {names(literal)} stand in dr.yaml, and would lie in the package",
            "put them into SSM, and name them there: {ssm: /path/of/it}",
        )
    if config.signing:
        raise UsageError(
            "signing: the functions' package has no library that checks signatures",
            "run dr apply where it is installed with dr[signing], or take `signing` out",
        )


def _beside(config: Path, path: Path, what: str) -> PurePosixPath:
    """Where something lies as seen from dr.yaml's folder: nothing between the two may lead elsewhere."""
    try:
        found = path.absolute().relative_to(config.absolute().parent)
        if ".." in found.parts or path.resolve() != config.resolve().parent / found:
            raise ValueError(path)
        return PurePosixPath(found.as_posix())
    except ValueError:
        raise UsageError(
            f"{what}: {path} is not below the folder of {config}, and would not find its place in the package",
            "move it there, without symbolic links",
        ) from None
