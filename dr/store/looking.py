"""One store by itself, for `dr verify`: whether it holds what it says. Reads only.

    listed      every manifest of every stack; templates by their keys; evidence that a capture has set aside
    read        every manifest: signature, digest, canonical form, format, identity against its key
    chained     each against its neighbours in its lineage, as they lie there
    templates   of the newest version of each lineage, deep: of every version, read and hashed; of all others their keys

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
from dr.errors import (
    EXIT_ACTIONS,
    EXIT_REFUSED,
    CloudError,
    DrError,
    EnvironmentFailed,
    Fault,
    Refused,
    fault_of,
)
from dr.model import Lineage
from dr.store.documents import Predecessor, sha256
from dr.store.vault import Vault, strays


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreFound:
    """One store: how many manifests and templates of it were read, and what is wrong with it as a whole."""

    name: str
    reachable: bool
    manifests: int
    templates: int
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is kept of a manifest that was read: a store may hold thousands. `blobs` None: it could not be read."""

    sha256: str
    predecessor: Predecessor | None = None
    blobs: frozenset[str] | None = None


@dataclass(slots=True, kw_only=True)
class Look:
    """What one store shows, as it is being looked at."""

    vault: Vault
    reachable: bool = True
    ended: bool = False
    stacks: set[tuple[str, str, str]] = field(default_factory=set)
    listed: dict[str, tuple[Lineage, datetime]] = field(default_factory=dict)
    written: dict[str, datetime] = field(default_factory=dict)
    facts: dict[str, Facts] = field(default_factory=dict)
    own: list[Fault] = field(default_factory=list)
    faults: dict[str, dict[Fault, None]] = field(default_factory=dict)
    templates: int = 0

    def tell(self, key: str, error: DrError) -> None:
        """Note what is wrong with a version; once."""
        self.faults.setdefault(key, {})[fault_of(error)] = None

    def found(self) -> StoreFound:
        """What becomes of it in the answer."""
        return StoreFound(
            name=self.vault.name,
            reachable=self.reachable,
            manifests=len(self.facts),
            templates=self.templates,
            faults=tuple(self.own),
        )

    def lacks(self, lineage: Lineage, slot: datetime) -> bool:
        """Whether a manifest is not there now; what may not even be read is there."""
        try:
            return self.vault.manifest(lineage, slot) is None
        except Refused:
            return False

    def lineages(self) -> dict[Lineage, list[str]]:
        """Keys of the manifests that were read, by lineage, oldest first."""
        rows: dict[Lineage, list[str]] = {}
        for key in sorted(self.facts, key=lambda one: self.listed[one][1]):
            rows.setdefault(self.listed[key][0], []).append(key)
        return rows


def look_at(vault: Vault, stack: str | None, *, deep: bool, signed: bool) -> Look:
    """Look at all of it, or at one stack's part. Never raises for what it holds, nor when it is away."""
    look = Look(vault=vault)
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
        for key in look.listed.keys() - look.facts.keys():
            look.tell(key, error)
    return look


def _list(look: Look, stack: str | None) -> None:
    listing = look.vault.listing(layout.MANIFESTS)
    for key, written in listing.items():
        parsed = layout.parse_manifest_key(key)
        if parsed is not None:
            look.stacks.add((parsed[0].account, parsed[0].region, parsed[0].source))
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
    look.own += [
        Fault(
            message=f"{look.vault.name}/{key} is nothing that dr wrote, and hides what may lie below",
            remedy="find out who put it there, and remove it",
            exit=EXIT_REFUSED,
        )
        for key in strays(listing)
    ]


def _read(look: Look, key: str) -> None:
    """One manifest; one that has expired since it was listed is no fault."""
    lineage, slot = look.listed[key]
    try:
        body = look.vault.manifest(lineage, slot)
        if body is None:
            return
        look.facts[key] = Facts(sha256=sha256(body))
        manifest = look.vault.opened(body, lineage, slot)
        look.facts[key] = Facts(
            sha256=manifest.sha256, predecessor=manifest.predecessor, blobs=manifest.blobs
        )
    except Refused as error:
        if look.lacks(*look.listed[key]):  # and its signature after it
            look.facts.pop(key, None)
        else:
            look.tell(key, error)
    except CloudError as error:
        look.tell(key, error)


# --- chains ---------------------------------------------------------------------------------------------------------


def _chain(look: Look, keys: Sequence[str], *, signed: bool) -> None:
    """Hold each manifest of a lineage against the one that it names, and against the one that lies before it.

    One that is damaged is told as such, and vouches against nobody.
    """
    lineage = look.listed[keys[0]][0]
    there = {look.listed[key][1]: key for key in keys}
    for key in keys:
        slot, before = look.listed[key][1], look.facts[key].predecessor
        if before is None:
            continue
        older = there.get(before.slot)
        if before.slot >= slot or (older is not None and _is_another(look.facts[older], before)):
            for one in (key, older):
                if one is not None:
                    look.tell(one, look.vault.broken(lineage, before.slot, slot))
    if not signed:
        _inserted(look, keys)


def _is_another(facts: Facts, named: Predecessor) -> bool:
    """Whether a sound manifest lies where another one was named."""
    return facts.blobs is not None and facts.sha256 != named.sha256


def _inserted(look: Look, keys: Sequence[str]) -> None:
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


def _read_templates(look: Look, *, deep: bool) -> None:
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
        if wrong[digest] != "is missing" or not look.lacks(*look.listed[key]):
            look.tell(key, look.vault.unsound(lineage, slot, digest, wrong[digest]))


def _wanted(look: Look, key: str, whole: set[str], there: frozenset[str]) -> frozenset[str]:
    named = look.facts[key].blobs or frozenset()
    return named if key in whole else named - there


def _naming(look: Look, wrong: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The manifests that name a template with which something is wrong."""
    for key, facts in look.facts.items():
        yield from ((key, digest) for digest in sorted(facts.blobs or ()) if digest in wrong)
