"""Stored stacks over a primary store and an optional replica (DESIGN 8).

    write    one whole store is success; what the first holds is copied to the second, never written twice
    points   the union of both listings, from keys alone
    read     one store only, the primary first; where both can be read they must agree, about the newest version too
    expire   both stores must answer, then the manifest goes from both, then garbage
    repair   what one store lacks is copied from the other, checked on its way

Expiry and listings: a listing that succeeds is complete for its store, so one readable store can only show too few
points, never a point that is not there. What is not listed is not expired; and a removal asks both stores first, so
that nothing goes while one of them is out of reach (DESIGN 7.3).

What went wrong beside a success is remembered, and `lag` says it once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TypeVar

from dr import layout
from dr.errors import CloudError, DrError, EnvironmentFailed, NotFound, Refused
from dr.model import Lineage, RecoveryPoint
from dr.ports import Clock, ObjectStore
from dr.store.checking import StoresFound, check_stores
from dr.store.documents import Packed, pack
from dr.store.newest import Held, compare_newest, disagree
from dr.store.signing import Signing
from dr.store.vault import Vault
from dr.store.versions import stored_point
from dr.stored import StoredStack

_UNREACHABLE = (CloudError, EnvironmentFailed)
_Answer = TypeVar("_Answer")


class StoredStacks:
    """`ports.StackStore` over one or two object stores."""

    def __init__(
        self, primary: ObjectStore, replica: ObjectStore | None, clock: Clock, signing: Signing | None = None
    ) -> None:
        stores = [store for store in (primary, replica) if store is not None]
        self._vaults = [Vault(store, self._note, signing) for store in stores]
        self._signing = signing
        self._clock = clock
        self._troubles: dict[str, None] = {}

    def points(self, account: str, region: str) -> tuple[RecoveryPoint, ...]:
        """All stored stacks of a Region, as `everything`."""
        return self._below(layout.manifests_prefix(account, region))

    def everything(self) -> tuple[RecoveryPoint, ...]:
        """All stored stacks; raises only when no store can be listed.

        A point's time is when its manifest was first written, never before its slot. Where only a copy can be listed
        that is when it was copied: at the latest then, and maybe long before. When it was captured, `read` tells.
        """
        return self._below(layout.MANIFESTS)

    def _below(self, prefix: str) -> tuple[RecoveryPoint, ...]:
        found: dict[str, datetime] = {}
        listings = self._ask(lambda vault: vault.manifests(prefix))
        for _, listing in listings:
            for key, written in listing.items():
                found[key] = min(written, found.get(key, written))
        return tuple(stored_point(key, found[key]) for key in sorted(found))

    def write(self, stack: StoredStack) -> str:
        """Keep it. Raises `CloudError` when no store took it: a store that is away fails this capture, not the run."""
        lineage = Lineage(policy=stack.policy, account=stack.account, region=stack.region, source=stack.name)
        reachable, holder = _said(partial(self._write_one, stack, lineage))
        for vault in reachable:
            if vault is not holder:
                self._beside(vault, partial(self._copy, holder, vault, lineage, stack.slot))
        return layout.stack_point_id(stack.account, stack.region, stack.name, stack.slot)

    def read(self, point: RecoveryPoint) -> StoredStack:
        """Bring one back from the first store that has it; a digest that does not hold stops, whatever the other has.

        Raises `Refused` too when the stores disagree about it, or about the newest version of its lineage.
        """
        lineage, slot = point.lineage, point.slot
        standing = self._ask(lambda vault: vault.manifest(lineage, slot))
        holders = [(vault, body) for vault, body in standing if body is not None]
        if not holders:
            raise NotFound(
                f"{point.id} of policy {lineage.policy} is in no store that can be read", "see `dr points`"
            )
        self._agree(point, [Held(vault=vault, body=body) for vault, body in holders])
        self._agree_about_newest([vault for vault, _ in standing], lineage, slot)
        for vault, body in holders[:-1]:
            try:
                return vault.read(lineage, slot, body)
            except _UNREACHABLE as error:
                self._remember(vault, error)
        vault, body = holders[-1]
        return vault.read(lineage, slot, body)

    def expire(self, point: RecoveryPoint) -> bool:
        """Remove the manifest from both stores, then garbage; False when neither had it any more.

        Raises `CloudError` when either store does not answer.
        """
        lineage, slot = point.lineage, point.slot
        standing = [(vault, _said(partial(vault.manifest, lineage, slot))) for vault in self._vaults]
        for vault, body in standing:
            if body is not None:
                _said(partial(vault.remove, lineage, slot))
        now = self._clock.now()
        for vault, body in standing:
            if body is not None:
                self._beside(vault, partial(vault.sweep, body, lineage, slot, now))
        return any(body is not None for _, body in standing)

    def lag(self) -> tuple[str, ...]:
        """Say what went wrong since it was last asked, and what one store lacks of the other."""
        missing = self._differences(layout.MANIFESTS) if len(self._vaults) > 1 else []
        unsigned = self._unsigned() if self._signing is not None else []
        said = [_lacks(to.name, of.name, keys, signed=self._signing is not None) for of, to, keys in missing]
        troubles, self._troubles = tuple(self._troubles), {}
        return (*troubles, *unsigned, *said)

    def _unsigned(self) -> list[str]:
        """The lineages whose newest version nobody has signed: no restore takes it."""
        try:
            listings = self._ask(
                lambda vault: (vault.manifests(layout.MANIFESTS), vault.whole(layout.MANIFESTS))
            )
        except _UNREACHABLE:
            return []
        return [
            f"{vault.name}/{key} has no signature, and is the newest of its stack: a restore refuses it until it is "
            "signed by hand (docs/runbook.md) or the next capture signs its own"
            for vault, (manifests, whole) in listings
            for key in _newest_of_each(manifests)
            if key not in whole
        ]

    def repair(self, account: str, region: str, at_most: int = 200) -> tuple[str, ...]:
        """Copy what one store lacks from the other, newest first; the keys copied. Failures are left to `lag`."""
        missing = self._differences(layout.manifests_prefix(account, region))
        return tuple(
            key for of, to, keys in missing for key in keys[:at_most] if self._repair_one(of, to, key)
        )

    def check(self, stack: str | None, *, deep: bool) -> StoresFound:
        """Hold everything in each store against its digests, its chain and the other store; changes nothing."""
        return check_stores(self._vaults, stack, deep=deep, signed=self._signing is not None)

    def _write_one(self, stack: StoredStack, lineage: Lineage) -> tuple[list[Vault], Vault]:
        """Give the stores that answer, and the one that has the slot now: whole, signed, and first."""
        asked = self._ask(
            lambda vault: (vault.manifest(lineage, stack.slot), vault.before(lineage, stack.slot))
        )
        reachable = [vault for vault, _ in asked]
        for vault, (standing, _) in asked:
            if standing is not None:
                _believed(partial(vault.signed, standing, lineage, stack.slot))
                return reachable, vault
        found = (before for _, (_, before) in asked if before)
        before = max(found, key=lambda each: each.slot, default=None)
        packed = pack(stack, before)
        if self._signing is not None:
            packed = replace(packed, signature=self._signing.sign(packed.manifest))
        return reachable, self._write_first(packed, lineage, stack.slot, reachable)

    def _write_first(
        self, packed: Packed, lineage: Lineage, slot: datetime, vaults: Sequence[Vault]
    ) -> Vault:
        """Write it into the first store that takes it whole."""
        errors: list[DrError] = []
        for vault in vaults:
            try:
                standing = vault.keep(packed, lineage, slot)
            except _UNREACHABLE as error:
                self._remember(vault, error)
                errors.append(error)
            else:
                if standing != packed.manifest:  # another run was first
                    _believed(partial(vault.signed, standing, lineage, slot))
                return vault
        raise errors[0]

    def _copy(self, of: Vault, to: Vault, lineage: Lineage, slot: datetime) -> None:
        """Copy a checked manifest with its templates; what stands there already must be the same."""
        packed = of.packed(lineage, slot)
        if packed is not None and to.keep(packed, lineage, slot) != packed.manifest:
            key = layout.manifest_key(lineage, slot)
            raise CloudError(
                f"{to.name} and {of.name} disagree about {key}", "compare the two: one was changed"
            )

    def _repair_one(self, of: Vault, to: Vault, key: str) -> bool:
        parsed = layout.parse_manifest_key(key)
        return parsed is not None and self._beside(to, partial(self._copy, of, to, *parsed))

    def _differences(self, prefix: str) -> list[tuple[Vault, Vault, list[str]]]:
        """Which store lacks what of which other, newest slot first; nothing where one cannot be listed."""
        try:
            listings = self._ask(lambda vault: vault.whole(prefix))
        except _UNREACHABLE:
            return []
        return [
            (of, to, sorted(had - has, key=_slot_of, reverse=True))
            for of, had in listings
            for to, has in listings
            if had - has
        ]

    def _agree(self, point: RecoveryPoint, held: Sequence[Held]) -> None:
        if len({each.body for each in held}) > 1:
            primary, replica = held
            raise disagree(primary, replica, point.lineage, point.slot)

    def _agree_about_newest(self, reachable: Sequence[Vault], lineage: Lineage, slot: datetime) -> None:
        """Hold both stores against each other; where one is away there is nothing to hold, and `lag` tells that.

        Whoever asks for an older version than both know has chosen it: there it is told only.
        """
        if len(reachable) < 2:
            return
        primary, replica = reachable
        try:
            behind = compare_newest(primary, replica, lineage)
        except _UNREACHABLE as error:
            self._note(error.message)
        except Refused as error:
            if not all(_has_newer(vault, lineage, slot) for vault in reachable):
                raise
            self._note(error.message)
        else:
            if behind:
                self._note(behind)

    def _ask(self, question: Callable[[Vault], _Answer]) -> list[tuple[Vault, _Answer]]:
        """Ask every store; the answers of those that can be reached. Raises the first one's words when none can."""
        answers: list[tuple[Vault, _Answer]] = []
        errors: list[DrError] = []
        for vault in self._vaults:
            try:
                answers.append((vault, question(vault)))
            except _UNREACHABLE as error:
                self._remember(vault, error)
                errors.append(error)
        if not answers:
            raise errors[0]
        return answers

    def _beside(self, vault: Vault, work: Callable[[], None]) -> bool:
        """Do what may fail without failing the whole: a later tick makes it good, and `lag` says so."""
        try:
            work()
        except (*_UNREACHABLE, Refused) as error:
            self._remember(vault, error)
            return False
        return True

    def _remember(self, vault: Vault, error: DrError) -> None:
        self._note(error.message if vault.name in error.message else f"{vault.name}: {error.message}")

    def _note(self, trouble: str) -> None:
        self._troubles[trouble] = None


def _said(work: Callable[[], _Answer]) -> _Answer:
    """Do what fails this point alone: a store that is out of reach or altered is no reason to end the whole run."""
    try:
        return work()
    except (EnvironmentFailed, Refused) as error:
        raise CloudError(error.message, error.remedy) from error


def _believed(check: Callable[[], object]) -> None:
    """Fail this capture alone where its slot is taken by what nobody signed: it is no point of ours."""
    try:
        check()
    except Refused as error:
        raise CloudError(error.message, error.remedy) from error


def _newest_of_each(keys: Iterable[str]) -> list[str]:
    """The key of the newest manifest of each lineage."""
    newest: dict[Lineage, tuple[datetime, str]] = {}
    for key in keys:
        parsed = layout.parse_manifest_key(key)
        if parsed is not None:
            lineage, slot = parsed
            newest[lineage] = max(newest.get(lineage, (slot, key)), (slot, key))
    return sorted(key for _, key in newest.values())


def _has_newer(vault: Vault, lineage: Lineage, slot: datetime) -> bool:
    return any(
        parsed is not None and parsed[0] == lineage and parsed[1] > slot
        for parsed in map(
            layout.parse_manifest_key, vault.listing(layout.manifests_prefix(lineage.account, lineage.region))
        )
    )


def _lacks(store: str, other: str, keys: Sequence[str], *, signed: bool) -> str:
    what = f"{len(keys)} version{'s' if len(keys) > 1 else ''} of stored stacks{', or the signature,' if signed else ''}"
    return f"{store} lacks {what} that {other} has, the newest {keys[0]}"


def _slot_of(key: str) -> str:
    return key.rpartition("/")[2]
