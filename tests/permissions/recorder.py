"""Every call that dr makes while the suite runs, noted once for each kind of call.

    initialise(session) -> before-parameter-build of every botocore client that dr made (its user agent says so)
                        -> who asked for it: the command and the installation, found on the stack
                        -> DIRECTORY/<digest>.json, unless a call of that kind is there already

The directory's name comes by the environment, so that workers, `dr` processes and functions write to the same one;
a file that is created exclusively needs no lock.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import sys
import threading
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import botocore
from permissions.calls import ACCOUNT, Call

from dr.aws.rows import tags_of

VARIABLE = "DR_TEST_CALLS"
HERE = Path(__file__).parent
ROOT = HERE.parents[1]
_KEPT = {
    *("VolumeId", "InstanceId", "SnapshotId", "ImageId", "TagSpecifications"),
    *("StackName", "ChangeSetName", "RoleARN", "RoleArn", "TemplateURL", "Tags"),
    *("Bucket", "Key", "Prefix", "Name", "KeyId", "TopicArn"),
    *("ParentId", "ResourceId", "AccountId", "ChildId"),
}
"""Parameters that IAM's decision depends on; bodies and values stay out."""
FOLDERS = {
    *("installation.json", "stacks", "blobs", "altered", "leases"),
    *("applied", "orphans", "pins", "words", "restores", "shards", "notices", "dr-packages", "dr-staging"),
}
_directories: list[Path] = []
_tags: dict[str, Mapping[str, str]] = {}
_places: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()
_Who = tuple[str | None, tuple[str, ...], Any]
_began: weakref.WeakKeyDictionary[threading.Thread, _Who] = weakref.WeakKeyDictionary()
_start = threading.Thread.start


def environ() -> dict[str, str]:
    """What a `dr` process of a test needs in its environment to be recorded."""
    if VARIABLE not in os.environ and not _directories:
        return {}
    directory = str(_directories[0]) if _directories else os.environ[VARIABLE]
    return {VARIABLE: directory, "PYTHONPATH": os.pathsep.join(map(str, (HERE / "site", HERE.parent, ROOT)))}


def install(directory: Path) -> None:
    """Note every call of dr from now on, in sessions that are made from now on."""
    if not _directories:
        botocore.register_initializer(_initialise)
        threading.Thread.start = _begin
    _directories.append(directory)


@contextmanager
def into(directory: Path) -> Iterator[None]:
    """Note them in this directory too."""
    _directories.append(directory)
    try:
        yield
    finally:
        _directories.remove(directory)


def _initialise(session: Any) -> None:
    session.register("before-parameter-build", _asked)
    session.register("after-call", _answered)


def _is_ours(context: Mapping[str, Any]) -> bool:
    config = context.get("client_config")
    return (getattr(config, "user_agent_extra", None) or "").startswith("dr/")


def _by_dr() -> bool:
    """Whether the product makes the call: a test may arrange something with a client of dr's session."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_filename.startswith((f"{ROOT}/dr/aws/", f"{ROOT}/dr/store/")):
            return True
        frame = frame.f_back
    return False


def _asked(params: Mapping[str, Any], model: Any, context: Mapping[str, Any], **_: Any) -> None:
    if not _is_ours(context) or not _by_dr():
        return
    kept = {name: value for name, value in params.items() if name in _KEPT}
    named = kept.get("SnapshotId") or kept.get("ImageId")
    command, targets, place = _who()
    call = Call(
        service=model.service_model.service_name,
        operation=model.name,
        region=context["client_region"],
        params=kept,
        tags=_tags.get(named) if named else None,
        command=command,
        targets=targets,
        place=place,
    )
    name = f"{hashlib.sha256(repr(_kind(call)).encode()).hexdigest()[:24]}.json"
    for directory in _directories:
        if not (directory / name).exists():
            with suppress(FileExistsError, FileNotFoundError), (directory / name).open("x") as file:
                file.write(call.text())


def _kind(call: Call) -> tuple[Any, ...]:
    """What calls that IAM would decide alike have in common, as far as can be told beforehand."""
    params = call.params
    place = call.place
    return (
        *(call.service, call.operation, call.command, sorted(params)),
        place is not None and (place.regions, len(place.stores), [bool(s.prefix) for s in place.stores]),
        place is not None and _within(call),
        folder(params.get("Key", params.get("Prefix", ""))),
        str(params.get("StackName", "")).startswith("arn:"),
        [sorted(tag["Key"] for tag in row["Tags"]) for row in params.get("TagSpecifications", [])],
        None if call.tags is None else sorted(key for key in call.tags if key.startswith("dr:")),
    )


def _within(call: Call) -> tuple[bool, ...]:
    """Whether it stays with its own Regions, buckets, stacks and installation."""
    place = call.place
    assert place is not None
    buckets = {store.bucket for store in place.stores} | set(place.staging.values())
    tags = [
        t["Value"]
        for row in call.params.get("TagSpecifications", [])
        for t in row["Tags"]
        if t["Key"] == "dr:managed"
    ]
    return (
        call.region in place.regions,
        call.params.get("Bucket") in {None, *buckets},
        call.params.get("StackName") in {None, *call.targets},
        {*tags, (call.tags or {}).get("dr:managed", place.installation)} == {place.installation},
    )


def folder(key: str) -> str:
    """The folder of the store that a key lies in, below whatever prefix; empty for none of ours."""
    return next((part for part in key.split("/") if part in FOLDERS), "")


def _answered(parsed: Mapping[str, Any], context: Mapping[str, Any], **_: Any) -> None:
    """Remember the tags of the points that dr reads: by them IAM decides about their end."""
    if not _is_ours(context) or not isinstance(parsed, dict):
        return
    for row in [*_rows(parsed.get("Snapshots")), *_rows(parsed.get("Images"))]:
        if identity := row.get("ImageId") or row.get("SnapshotId"):
            _tags[identity] = tags_of(row)


def _rows(value: Any) -> list[Mapping[str, Any]]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _who() -> _Who:
    """Who asked for a call: the command (or function), the stacks that it may make, and the installation.

    A thread that dr has begun does not know, and then it is who began it.
    """
    mine = _asking(sys._getframe(1))
    return mine if mine[0] is not None else _began.get(threading.current_thread(), mine)


def _begin(thread: threading.Thread) -> None:
    """Note who begins a thread, where it is begun: Python 3.11 may fall over the frames of another thread."""
    _began[thread] = _who()
    _start(thread)


def _asking(frame: FrameType | None) -> _Who:
    command, targets, app = None, (), None
    while frame is not None:
        file, name = frame.f_code.co_filename, frame.f_code.co_name
        if "/dr/cli/" in file or "/dr/app/" in file or file.endswith("/dr/demo.py"):
            app = app or next(filter(None, map(_app_of, list(frame.f_locals.values()))), None)
            if file.endswith("/dr/cli/__init__.py") and name == "run":
                command, targets = _typed([str(a) for a in frame.f_locals["arguments"]])
            elif "/dr/app/" in file and name in _FUNCTIONS:
                command, targets = name, _named(frame.f_locals.get("event"))
        frame = frame.f_back
    return command, targets, None if app is None else _place_of(app)


def _app_of(value: Any) -> Any:
    """The composition root that a value is, or has been given; None for another value."""
    kind = type(value)
    if not kind.__module__.startswith("dr.app"):
        return None
    if kind.__name__ == "Deployment":
        return value._app
    return value if kind.__name__ in {"App", "RestoringApp"} else None


_COMMANDS = (
    *("plan", "apply", "status", "points", "stacks", "restore", "verify", "demo", "iam", "sandbox"),
    *("deploy", "undeploy", "freeze", "thaw", "daemon", "notify"),
)
_FUNCTIONS = ("tick", "changed", "list_shards", "sum_up", "restore")


def _typed(arguments: list[str]) -> tuple[str | None, tuple[str, ...]]:
    command = next((one for one in arguments if one in _COMMANDS), None)
    pairs = dict(itertools.pairwise(arguments))
    found = (pairs.get("--as"), pairs.get("--stack"))
    return command, tuple(name for name in found if name) if command == "restore" else ()


def _named(event: Any) -> tuple[str, ...]:
    found = (event.get("as"), event.get("stack")) if isinstance(event, dict) else ()
    return tuple(name for name in found if isinstance(name, str))


def _place_of(app: Any) -> Any:
    """The installation that IAM would be told of; None for one whose files cannot be read."""
    if app not in _places:
        _places[app] = _read_place(app)
    return _places[app]


def _read_place(app: Any) -> Any:
    from dr.errors import DrError  # noqa: PLC0415 - a process that makes no call never gets here
    from dr.iam.place import Rebuilt, place_of  # noqa: PLC0415

    with suppress(DrError):
        return place_of(app.config, ACCOUNT, app.regions, Rebuilt())
    return None
