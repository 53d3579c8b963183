"""Take one point, and say only what AWS confirmed.

AWS has no client token for CreateSnapshot and CreateImage, so each call is one attempt, and what follows depends on
the answer (FAILURES 2 and 2b):

- a success is believed;
- a throttle, and a call that was never sent, had no effect: wait, try again;
- a lost answer may have had its effect: wait longer than EC2's visibility lag, look for the slot, then decide;
- an image name that is taken is the idempotency signal: ours and of this slot means done. Ours but failed means the
  next attempt's name; nothing is deleted here: a failed image expires under the rules (DESIGN 7).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import assert_never

from dr import layout
from dr.actions import Capture, Outcome, Result, failed
from dr.errors import Ambiguous, CloudError, NotFound, Taken, Throttled, Unreachable
from dr.executor.hands import Hands
from dr.model import Kind, RecoveryPoint, State
from dr.ports import ImageTags

_TRIES = 4
_VISIBILITY_LAG = 15.0
"""Seconds after which a describe shows what an ambiguous create has made (K: EC2's consistency is eventual; usually
well below; FAILURES 1.1)."""
_LONG_WAITS = {"SnapshotCreationPerVolumeRateExceeded": 15.0}
"""Seconds. Source: EC2 API reference, error codes: wait 15 seconds between snapshots of one volume."""
_ALIVE = (State.GOOD, State.PENDING, State.ARCHIVED)


def capture(action: Capture, hands: Hands) -> Outcome:
    """Take the point that the action asks for; a `CloudError` becomes a failed outcome.

    Raises `Unreachable` when AWS could not be asked at all in spite of several tries.
    """
    try:
        return _dispatch(action, hands)
    except NotFound as error:
        gone = f"{action.source.id} is gone: {error.message}"
        return Outcome(action=action, result=Result.SKIPPED, error=gone)
    except CloudError as error:
        return failed(action, error)


def _dispatch(action: Capture, hands: Hands) -> Outcome:
    match action.kind:
        case Kind.SNAPSHOT:
            return _patiently(action, hands, _create_snapshot)
        case Kind.IMAGE:
            return _patiently(action, hands, _create_image)
        case Kind.STACK:
            return _store_stack(action, hands)
        case _:
            assert_never(action.kind)


def _store_stack(action: Capture, hands: Hands) -> Outcome:
    """Read the stack and keep it; the store's key derives from the slot, so that doing it again is harmless."""
    lineage = action.lineage
    stack = hands.stacks.read(lineage.region, lineage.source)
    stored = replace(stack, policy=lineage.policy, slot=action.slot, time=hands.clock.now())
    return _done(action, hands.store.write(stored))


Create = Callable[[Capture, Hands], Outcome]


def _patiently(action: Capture, hands: Hands, create: Create) -> Outcome:
    """Try until there is an answer to believe, at most `_TRIES` times, and not again when the run may begin nothing more."""
    if action.look_first and (found := _look(action, hands)):
        return _done(action, found.id)
    for turn in range(1, _TRIES):
        try:
            return create(action, hands)
        except (Throttled, Unreachable) as error:
            hands.clock.sleep(_backoff(error, turn, hands))
            if hands.out_of_time:
                raise
        except Ambiguous:
            hands.clock.sleep(_VISIBILITY_LAG)
            if found := _look(action, hands):
                return _done(action, found.id)
            if hands.out_of_time:
                raise
    return _last_try(action, hands, create)


def _last_try(action: Capture, hands: Hands, create: Create) -> Outcome:
    """The final attempt: a lost answer is looked after once more, a refusal ends as failed."""
    try:
        return create(action, hands)
    except Ambiguous:
        hands.clock.sleep(_VISIBILITY_LAG)
        if found := _look(action, hands):
            return _done(action, found.id)
        raise


def _backoff(error: Throttled | Unreachable, turn: int, hands: Hands) -> float:
    least = _LONG_WAITS.get(error.code, 0.0) if isinstance(error, Throttled) else 0.0
    return max(least, 2.0**turn * hands.jitter())


def _look(action: Capture, hands: Hands) -> RecoveryPoint | None:
    """A point of this slot that is alive; the oldest, as merging would decide."""
    found = hands.cloud.find(action.lineage, action.slot, action.kind)
    alive = sorted((p for p in found if p.state in _ALIVE), key=lambda p: (p.time, p.id))
    return alive[0] if alive else None


def _create_snapshot(action: Capture, hands: Hands) -> Outcome:
    tags = _tags(action, hands, Kind.SNAPSHOT)
    return _done(action, hands.cloud.create_snapshot(action.lineage.region, action.lineage.source, tags))


def _create_image(action: Capture, hands: Hands) -> Outcome:
    """Create under the slot's own name; the next attempt's name after a failed one (FAILURES 2, row 15)."""
    for attempt in range(action.attempt, action.attempt + _TRIES):
        name = layout.image_name(hands.installation, action.lineage, action.slot, attempt)
        try:
            return _done(action, _image(action, hands, name))
        except Taken as error:
            if (mine := _claimant(action, hands, name, error)) is not None:
                return _done(action, mine.id)
    raise Taken(f"{action.lineage.source}: the names of {_TRIES} attempts at this slot are all in use")


def _image(action: Capture, hands: Hands, name: str) -> str:
    tags = ImageTags(
        image=_tags(action, hands, Kind.IMAGE), parts=_tags(action, hands, layout.KIND_IMAGE_PART)
    )
    region, instance = action.lineage.region, action.lineage.source
    return hands.cloud.create_image(region, instance, name, tags, reboot=action.reboot)


def _claimant(action: Capture, hands: Hands, name: str, error: Taken) -> RecoveryPoint | None:
    """Our living image of this slot under a taken name; None to go on with the next name; raises for a stranger.

    A failed image of ours keeps its name, and the next attempt takes the next one.
    """
    point = hands.cloud.image_named(action.lineage.region, name)
    if point is None:
        raise error
    if (point.lineage, point.slot) != (action.lineage, action.slot):
        raise error
    return point if point.state in _ALIVE else None


def _tags(action: Capture, hands: Hands, kind: str) -> dict[str, str]:
    return layout.point_tags(hands.installation, action.lineage, action.slot, kind, action.source).tags


def _done(action: Capture, point: str) -> Outcome:
    return Outcome(action=action, result=Result.DONE, created=(point,))
