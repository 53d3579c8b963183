"""Whether the stores hold what they say, for `dr verify`. Reads only; each store by itself, then both together.

    listed      every manifest of every stack; templates by their keys; evidence that a capture has set aside
    read        every manifest: signature, digest, canonical form, format, identity against its key
    chained     each against its neighbours in its lineage, as they lie there
    templates   of the newest version of each lineage, deep: of every version, read and hashed; of all others their keys
    together    the same bytes in both, none of the newest missing from the primary, what one lacks of the other

What is not as it should be carries the exit code that it is worth: 4 for what a restore would refuse, 1 for what could
not be asked, 3 for what is less than it should be but stops nothing. A tick may work meanwhile: what seems to be
missing is looked for again before it is told, because an expiry removes a manifest before its templates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from dr import layout
from dr.errors import EXIT_ACTIONS, EXIT_REFUSED, CloudError, DrError, EnvironmentFailed, Refused
from dr.model import Lineage, RecoveryPoint
from dr.store.documents import Predecessor, sha256
from dr.store.newest import disagree, put_back
from dr.store.vault import Vault
from dr.store.versions import stored_point


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that is not as it should be; `exit` is the contract's code for it (DESIGN 9)."""

    message: str
    remedy: str
    exit: int


def fault_of(error: DrError) -> Fault:
    """The fault that an error tells."""
    return Fault(message=error.message, remedy=error.remedy, exit=error.exit_code)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreFound:
    """One store: how many manifests and templates of it were read, and what is wrong with it as a whole."""

    name: str
    reachable: bool
    manifests: int
    templates: int
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionFound:
    """One version of a stack, and what is wrong with it in either store."""

    point: RecoveryPoint
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoresFound:
    """Everything. `stacks` are the names of all that is stored, whatever was asked for."""

    stores: tuple[StoreFound, ...]
    versions: tuple[VersionFound, ...]
    stacks: frozenset[str]


def check_stores(vaults: Sequence[Vault], stack: str | None, *, deep: bool, signed: bool) -> StoresFound:
    """Check every store; `stack` narrows it to one name. Never raises for what a store holds, nor for one away."""
    looks = [_look(vault, stack, deep=deep, signed=signed) for vault in vaults]
    if len(looks) > 1 and all(look.ended for look in looks):
        _together(*looks)
    keys = sorted({key for look in looks for key in look.listed})
    return StoresFound(
        stores=tuple(look.found() for look in looks),
        versions=tuple(_version(key, looks) for key in keys),
        stacks=frozenset(name for look in looks for name in look.names),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    """What is kept of a manifest that was read: a store may hold thousands. `blobs` None: it could not be read."""

    sha256: str
    predecessor: Predecessor | None = None
    blobs: frozenset[str] | None = None


@dataclass(slots=True, kw_only=True)
class _Look:
    """What one store shows, as it is being looked at."""

    vault: Vault
    reachable: bool = True
    ended: bool = False
    names: set[str] = field(default_factory=set)
    listed: dict[str, tuple[Lineage, datetime]] = field(default_factory=dict)
    written: dict[str, datetime] = field(default_factory=dict)
    facts: dict[str, _Facts] = field(default_factory=dict)
    own: list[Fault] = field(default_factory=list)
    faults: dict[str, dict[Fault, None]] = field(default_factory=dict)
    templates: int = 0

    def tell(self, key: str, error: DrError) -> None:
        """Note what is wrong with a version; once."""
        self.faults.setdefault(key, {})[fault_of(error)] = None

    def found(self) -> StoreFound:
        return StoreFound(
            name=self.vault.name,
            reachable=self.reachable,
            manifests=len(self.facts),
            templates=self.templates,
            faults=tuple(self.own),
        )

    def lineages(self) -> dict[Lineage, list[str]]:
        """Keys of the manifests that were read, by lineage, oldest first."""
        rows: dict[Lineage, list[str]] = {}
        for key in sorted(self.facts, key=lambda one: self.listed[one][1]):
            rows.setdefault(self.listed[key][0], []).append(key)
        return rows


def _look(vault: Vault, stack: str | None, *, deep: bool, signed: bool) -> _Look:
    look = _Look(vault=vault)
    try:
        _list(look, stack)
        for key in look.listed:
            _read(look, key)
        for keys in look.lineages().values():
            _chain(look, keys, signed=signed)
        _read_templates(look, deep=deep)
        look.ended = True
    except (CloudError, EnvironmentFailed) as error:
        look.reachable = not isinstance(error, EnvironmentFailed)
        look.own.append(fault_of(error))
    return look


def _list(look: _Look, stack: str | None) -> None:
    for key, written in look.vault.manifests(layout.MANIFESTS).items():
        parsed = layout.parse_manifest_key(key)
        if parsed is not None:
            look.names.add(parsed[0].source)
            if stack in (None, parsed[0].source):
                look.listed[key] = parsed
                look.written[key] = written
    look.own += [
        Fault(
            message=f"{look.vault.name}/{key} lay in the place of a template: somebody changed or damaged it",
            remedy="find out who wrote it, then remove it: the template itself was mended",
            exit=EXIT_REFUSED,
        )
        for key in look.vault.evidence()
    ]


def _read(look: _Look, key: str) -> None:
    """One manifest; one that has expired since it was listed is no fault."""
    lineage, slot = look.listed[key]
    try:
        body = look.vault.manifest(lineage, slot)
        if body is None:
            return
        look.facts[key] = _Facts(sha256=sha256(body))
        manifest = look.vault.opened(body, lineage, slot)
        look.facts[key] = _Facts(
            sha256=manifest.sha256, predecessor=manifest.predecessor, blobs=manifest.blobs
        )
    except Refused as error:
        if look.vault.manifest(lineage, slot) is None:  # its signature went after it
            del look.facts[key]
        else:
            look.tell(key, error)
    except CloudError as error:
        look.tell(key, error)


# --- chains ---------------------------------------------------------------------------------------------------------


def _chain(look: _Look, keys: Sequence[str], *, signed: bool) -> None:
    """Hold each manifest of a lineage against the one that it names, and against the one that lies before it."""
    lineage = look.listed[keys[0]][0]
    there = {look.listed[key][1]: key for key in keys}
    for key in keys:
        slot, before = look.listed[key][1], look.facts[key].predecessor
        if before is None:
            continue
        older = there.get(before.slot)
        if before.slot >= slot or (older is not None and look.facts[older].sha256 != before.sha256):
            for one in (key, older):
                if one is not None:
                    look.tell(one, look.vault.broken(lineage, before.slot, slot))
    if not signed:
        _inserted(look, keys)


def _inserted(look: _Look, keys: Sequence[str]) -> None:
    """Find what was not there when its successor was written. A signature tells better: then this is not asked.

    It may be honest: a store that was away for one of the two captures, or a schedule whose slots were moved.
    """
    for older, newer in pairwise(keys):
        facts, slot = look.facts[newer], look.listed[older][1]
        if facts.blobs is None or (facts.predecessor is not None and facts.predecessor.slot >= slot):
            continue
        fault = Fault(
            message=f"{look.vault.name}/{older} was not there when {layout.slot_text(look.listed[newer][1])} was written",
            remedy="harmless where a store was away at that time or the schedule was changed; if neither was so, "
            "somebody put it there: compare it with the bucket's older versions before you restore it with --at",
            exit=EXIT_ACTIONS,
        )
        look.faults.setdefault(older, {})[fault] = None


# --- templates ------------------------------------------------------------------------------------------------------


def _read_templates(look: _Look, *, deep: bool) -> None:
    """Read and hash what is asked for, and whatever a listing lacks."""
    there = look.vault.templates()
    whole = set(look.facts) if deep else {keys[-1] for keys in look.lineages().values()}
    wrong: dict[str, str] = {}
    for digest in sorted({digest for key in look.facts for digest in _wanted(look, key, whole, there)}):
        body, fault = look.vault.template(digest)
        look.templates += bool(body)
        if fault:
            wrong[digest] = fault
    for key, digest in _naming(look, wrong):
        lineage, slot = look.listed[key]
        if wrong[digest] != "is missing" or look.vault.manifest(lineage, slot) is not None:
            look.tell(key, look.vault.unsound(lineage, slot, digest, wrong[digest]))


def _wanted(look: _Look, key: str, whole: set[str], there: frozenset[str]) -> frozenset[str]:
    named = look.facts[key].blobs or frozenset()
    return named if key in whole else named - there


def _naming(look: _Look, wrong: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The manifests that name a template with which something is wrong."""
    for key, facts in look.facts.items():
        yield from ((key, digest) for digest in sorted(facts.blobs or ()) if digest in wrong)


# --- both together --------------------------------------------------------------------------------------------------


def _together(primary: _Look, replica: _Look) -> None:
    """Hold the stores against each other, as a restore does, and tell what one lacks of the other."""
    try:
        _compare(primary, replica)
    except (CloudError, EnvironmentFailed) as error:
        primary.own.append(fault_of(error))


def _compare(primary: _Look, replica: _Look) -> None:
    names = primary.vault.name, replica.vault.name
    for key in primary.facts.keys() & replica.facts.keys():
        if primary.facts[key].sha256 != replica.facts[key].sha256:
            primary.tell(key, disagree(*names, key))
    told = set()
    for keys in replica.lineages().values():
        newest = keys[-1]
        if newest not in primary.facts and _gone(primary, replica, newest):
            replica.tell(newest, put_back(*names, newest))
            told.add(newest)
    for of, to in ((primary, replica), (replica, primary)):
        lacking = {key for key in of.facts if key not in told and _complete(of, key)} - _wholes(to)
        to.own += [_behind(of, to, sorted(lacking, key=lambda key: of.listed[key][1]))] if lacking else []


def _gone(primary: _Look, replica: _Look, key: str) -> bool:
    """Whether the one still lacks it and the other still has it: a capture or an expiry may have been under way."""
    place = replica.listed[key]
    return primary.vault.manifest(*place) is None and replica.vault.manifest(*place) is not None


def _complete(look: _Look, key: str) -> bool:
    """Whether it is worth copying: whole, as far as its manifest goes."""
    return look.facts[key].blobs is not None


def _wholes(look: _Look) -> frozenset[str]:
    return look.vault.whole(layout.MANIFESTS)


def _behind(of: _Look, to: _Look, keys: Sequence[str]) -> Fault:
    count = f"{len(keys)} stored stack{'s' if len(keys) > 1 else ''}"
    return Fault(
        message=f"{to.vault.name} lacks {count} that {of.vault.name} has, the newest {keys[-1]}",
        remedy="`dr apply` copies what a store lacks; if it stays so, see what the apply warns of",
        exit=EXIT_ACTIONS,
    )


def _version(key: str, looks: Sequence[_Look]) -> VersionFound:
    written = min(look.written[key] for look in looks if key in look.written)
    faults = {fault: None for look in looks for fault in look.faults.get(key, ())}
    return VersionFound(point=stored_point(key, written), faults=tuple(faults))
