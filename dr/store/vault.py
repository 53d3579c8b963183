"""One store's manifests and templates: written so that a kill leaves only garbage, read with every digest checked.

    keep     templates first, then the signature, the manifest last and only where none is: a manifest never names
             what is not there, and is never there unsigned
    read     its signature -> manifest -> its digest -> its identity against its key -> its neighbours in the lineage
             -> its templates
    remove   the manifest alone; `sweep` then deletes its signature, and templates and signatures that no manifest
             needs and that are older than a day

A template that is there already is compared, and written again unless this store's newest manifest of the lineage
names it: a sweep that runs at the same time then sees it as fresh. Where other bytes lie in its place, they are set
aside as evidence and the right ones take the place: nobody could store this template again otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from dr import layout
from dr.errors import CloudError, Refused
from dr.model import Lineage
from dr.ports import ObjectStore, StoredObject
from dr.store.documents import Manifest, Packed, Predecessor, open_manifest, sha256, unpack
from dr.store.signing import Signing
from dr.stored import StoredStack

_GARBAGE_AFTER = timedelta(days=1)
"""No capture takes this long between its first template and its manifest (DESIGN 8)."""


class Vault:
    """Stored stacks in one object store. `tell` hears what a person should look at, though nothing failed.

    With `signing` a manifest that is not signed is refused, whatever else it is.
    """

    def __init__(
        self, store: ObjectStore, tell: Callable[[str], None], signing: Signing | None = None
    ) -> None:
        self._store = store
        self._tell = tell
        self._signing = signing
        self._named: dict[
            str, frozenset[str]
        ] = {}  # manifests never change: each is read once for all sweeps

    @property
    def name(self) -> str:
        """The store's URL or path."""
        return self._store.name

    def manifests(self, prefix: str) -> dict[str, datetime]:
        """Keys of manifests below a prefix, and when each was written: a complete listing. What is none is told."""
        listing = self.listing(prefix)
        for stray in strays(listing):
            self._tell(
                f"{self.name}/{stray} is nothing that dr wrote, and hides what may lie below: {_STRAY}"
            )
        return {key: at for key, at in listing.items() if layout.parse_manifest_key(key)}

    def listing(self, prefix: str) -> dict[str, datetime]:
        """Every key below a prefix, and when each was written: a complete listing."""
        return dict(self._store.keys(prefix))

    def templates(self) -> frozenset[str]:
        """Digests of all templates, as a listing tells them."""
        return frozenset(key.rpartition("/")[2] for key, _ in self._store.keys(layout.BLOBS))

    def evidence(self) -> tuple[str, ...]:
        """Keys of what lay in a template's place and was set aside, for a person to look at."""
        return tuple(key for key, _ in self._store.keys(layout.ALTERED))

    def whole(self, prefix: str) -> frozenset[str]:
        """Keys of the manifests that are complete as far as a listing tells: with a signature where one is wanted."""
        listing = [key for key, _ in self._store.keys(prefix)]
        manifests = frozenset(key for key in listing if layout.parse_manifest_key(key))
        if self._signing is None:
            return manifests
        return manifests & {signed for key in listing if (signed := layout.signed_manifest(key))}

    def manifest(self, lineage: Lineage, slot: datetime) -> bytes | None:
        """Give the manifest's bytes as they lie there, unchecked; None when there is none."""
        found = self._store.get(layout.manifest_key(lineage, slot))
        return None if found is None else found.body

    def newest(self, lineage: Lineage) -> tuple[datetime, bytes] | None:
        """Find the newest manifest of a lineage: its slot, and its bytes unchecked; None when there is none."""
        slots = self._slots(lineage)
        body = self.manifest(lineage, slots[-1]) if slots else None
        return None if body is None else (slots[-1], body)

    def before(self, lineage: Lineage, slot: datetime) -> Predecessor | None:
        """Find the newest manifest of the lineage that is older than a slot; one that does not hold is told."""
        older = [each for each in self._slots(lineage) if each < slot]
        body = None
        try:
            body = self.manifest(lineage, older[-1]) if older else None
            if body is not None:
                self.opened(body, lineage, older[-1])
        except Refused as error:  # a capture goes on after a damaged one, and vouches for nothing but itself
            self._tell(error.message)
        return None if body is None else Predecessor(slot=older[-1], sha256=sha256(body))

    def keep(self, packed: Packed, lineage: Lineage, slot: datetime) -> bytes:
        """Write a stack whole; the manifest that stands there now, which is another's where another was first."""
        named = self._named_before(lineage, slot)
        for digest, body in packed.blobs.items():
            self._keep_blob(digest, body, fresh=digest not in named)
        if packed.signature is not None:
            self._store.put(layout.signature_key(lineage, slot, sha256(packed.manifest)), packed.signature)
        key = layout.manifest_key(lineage, slot)
        if self._store.put(key, packed.manifest, if_absent=True):
            return packed.manifest
        standing = self._store.get(key)
        if standing is None:
            raise CloudError(f"{self.name}: {key} came and went while it was written", "run it again")
        return standing.body

    def packed(self, lineage: Lineage, slot: datetime) -> Packed | None:
        """Read a manifest, its templates and signature as bytes, all of it checked, to copy them elsewhere."""
        body = self.manifest(lineage, slot)
        if body is None:
            return None
        signature = self.signed(body, lineage, slot)
        manifest = self._identified(body, lineage, slot)
        return Packed(manifest=body, blobs=self._blobs(manifest), signature=signature)

    def read(self, lineage: Lineage, slot: datetime, body: bytes) -> StoredStack:
        """Bring a stack back from its manifest's bytes. Raises `Refused` for whatever does not hold (I15)."""
        manifest = self.opened(body, lineage, slot)
        self._check_chain(manifest)
        blobs = self._blobs(manifest)
        return unpack(manifest, lambda digest: blobs[digest].decode(), self._where(lineage, slot))

    def remove(self, lineage: Lineage, slot: datetime) -> None:
        """Delete the manifest; one that is not there is success."""
        self._store.delete(layout.manifest_key(lineage, slot))

    def sweep(self, removed: bytes, lineage: Lineage, slot: datetime, now: datetime) -> None:
        """Delete garbage, after the manifest of a slot has gone.

        Most often the lineage's newest manifest still names the same templates: then nothing is looked for. A
        manifest that cannot be read could name anything: nothing is deleted, and `Refused` or `CloudError` says so.
        What a manifest that nobody signed names is kept too: it is only ever kept, never believed.
        """
        listing = self._folder(lineage)
        self._sweep_signatures(listing, lineage, slot, now)
        gone = open_manifest(removed, self.name).blobs
        slots = _slots_of(lineage, listing)
        if slots and gone <= self._names(layout.manifest_key(lineage, slots[-1])):
            return
        old = {key for key, at in self._store.keys(layout.BLOBS) if now - at > _GARBAGE_AFTER}
        if not old:
            return
        named = {
            layout.blob_key(each) for key in self.manifests(layout.MANIFESTS) for each in self._names(key)
        }
        for key in sorted(old - named):
            if all(now - at > _GARBAGE_AFTER for each, at in self._store.keys(key) if each == key):
                self._store.delete(key)

    def _sweep_signatures(
        self, listing: Mapping[str, datetime], lineage: Lineage, slot: datetime, now: datetime
    ) -> None:
        """Delete the signatures of the slot that has gone, and old ones of manifests that never came or went before."""
        for key, at in listing.items():
            manifest = layout.signed_manifest(key)
            found = layout.parse_manifest_key(manifest) if manifest else None
            if (
                found is None
                or manifest is None
                or found[0] != lineage
                or self._needs(manifest, key, listing)
            ):
                continue
            if now - at > _GARBAGE_AFTER or (found[1] == slot and self._store.get(manifest) is None):
                self._store.delete(key)

    def _needs(self, manifest: str, signature: str, listing: Mapping[str, datetime]) -> bool:
        """Whether it is the signature of a manifest that is there; of two of one slot the manifest itself tells."""
        if manifest not in listing:
            return False
        if sum(layout.signed_manifest(key) == manifest for key in listing) < 2:
            return True
        standing = self._store.get(manifest)
        return standing is not None and sha256(standing.body) in signature

    def _folder(self, lineage: Lineage) -> dict[str, datetime]:
        """Everything that is kept of a stack, whatever the policy, and when each was written."""
        return dict(
            self._store.keys(f"{layout.manifests_prefix(lineage.account, lineage.region)}{lineage.source}/")
        )

    def _slots(self, lineage: Lineage) -> list[datetime]:
        return _slots_of(lineage, self._folder(lineage))

    def _names(self, key: str) -> frozenset[str]:
        """Digests that a manifest names; one that has just been expired names nothing."""
        if key not in self._named:
            found = self._store.get(key)
            if found is None:
                return frozenset()
            self._named[key] = open_manifest(found.body, f"{self.name}/{key}").blobs
        return self._named[key]

    def _named_before(self, lineage: Lineage, slot: datetime) -> frozenset[str]:
        older = [each for each in self._slots(lineage) if each < slot]
        try:
            body = self.manifest(lineage, older[-1]) if older else None
            return frozenset() if body is None else self.opened(body, lineage, older[-1]).blobs
        except Refused:  # damaged: it vouches for nothing, and `read` is where it is refused
            return frozenset()

    def _keep_blob(self, digest: str, body: bytes, *, fresh: bool) -> None:
        key = layout.blob_key(digest)
        found = self._store.get(key)
        if found is None or (fresh and found.body == body):
            self._store.put(key, body)
        elif found.body != body:
            self._mend_blob(digest, body, found)

    def _mend_blob(self, digest: str, body: bytes, altered: StoredObject) -> None:
        """Keep the altered bytes beside, then write the right ones over exactly those: nothing unseen is lost."""
        key = layout.blob_key(digest)
        evidence = layout.altered_key(digest, sha256(altered.body))
        self._store.put(evidence, altered.body)
        if self._store.put(key, body, if_match=altered.etag) is not None:
            self._tell(
                f"{self.name}/{key} was not what its digest says: it was changed or damaged. It is mended; "
                f"what lay there is kept as {evidence}: find out who wrote it, then remove it"
            )
            return
        standing = self._store.get(key)
        if standing is None or standing.body != body:
            raise CloudError(f"{self.name}/{key} changes while it is mended", "run it again")

    def opened(self, body: bytes, lineage: Lineage, slot: datetime) -> Manifest:
        """Verify, then parse, then hold it against its key. Raises `Refused`: what nobody signed is not looked into."""
        self.signed(body, lineage, slot)
        return self._identified(body, lineage, slot)

    def signed(self, body: bytes, lineage: Lineage, slot: datetime) -> bytes | None:
        """Give the signature of exactly these bytes; None where none is wanted. Raises `Refused` where it is missing."""
        if self._signing is None:
            return None
        found = self._store.get(layout.signature_key(lineage, slot, sha256(body)))
        signature = None if found is None else found.body
        self._signing.check(body, signature, self._where(lineage, slot))
        return signature

    def _identified(self, body: bytes, lineage: Lineage, slot: datetime) -> Manifest:
        where = self._where(lineage, slot)
        manifest = open_manifest(body, where)
        if (manifest.lineage, manifest.slot) != (lineage, slot):
            raise Refused(
                f"{where}: this is the manifest of another capture, moved here", "do not restore from it"
            )
        return manifest

    def _check_chain(self, manifest: Manifest) -> None:
        """Hold it against its neighbours: an older one that is there, and a newer one that names it."""
        lineage, slot, before = manifest.lineage, manifest.slot, manifest.predecessor
        if before and self._is_another(lineage, before):
            raise self.broken(lineage, before.slot, slot)
        newer = [each for each in self._slots(lineage) if each > slot]
        after = self._next(lineage, newer[0]) if newer else None
        if after and after.slot == slot and after.sha256 != manifest.sha256:
            raise self.broken(lineage, slot, newer[0])

    def _is_another(self, lineage: Lineage, before: Predecessor) -> bool:
        """Whether another sound manifest lies where this one was named; a damaged one is told, and says nothing."""
        try:
            older = self.manifest(lineage, before.slot)
            if older is None or sha256(older) == before.sha256:
                return False
            self.opened(older, lineage, before.slot)
        except Refused as error:
            self._tell(error.message)
            return False
        return True

    def _next(self, lineage: Lineage, slot: datetime) -> Predecessor | None:
        """What a newer manifest says of the one before it; a damaged one says nothing about its neighbours."""
        try:
            body = self.manifest(lineage, slot)
            return None if body is None else self.opened(body, lineage, slot).predecessor
        except Refused:
            return None

    def _blobs(self, manifest: Manifest) -> Mapping[str, bytes]:
        return {digest: self._blob(digest, manifest) for digest in sorted(manifest.blobs)}

    def _blob(self, digest: str, manifest: Manifest) -> bytes:
        body, fault = self.template(digest)
        if fault:
            raise self.unsound(manifest.lineage, manifest.slot, digest, fault)
        return body

    def template(self, digest: str) -> tuple[bytes, str]:
        """Read the template of a digest: its bytes, and what is wrong with them; "" where they are what it says."""
        try:
            found = self._store.get(layout.blob_key(digest))
        except Refused as error:
            return b"", f"is not to be read: {error.message}"
        if found is None:
            return b"", "is missing"
        return found.body, "" if sha256(found.body) == digest else "is not what its digest says"

    def unsound(self, lineage: Lineage, slot: datetime, digest: str, fault: str) -> Refused:
        """Make the refusal of a manifest one of whose templates is not to be had."""
        return Refused(
            f"{self._where(lineage, slot)}: its template {layout.blob_key(digest)} {fault}",
            "do not restore from it: compare it with the other store and with the bucket's older versions",
        )

    def _where(self, lineage: Lineage, slot: datetime) -> str:
        return f"{self.name}/{layout.manifest_key(lineage, slot)}"

    def broken(self, lineage: Lineage, older: datetime, newer: datetime) -> Refused:
        """Make the refusal of two neighbours of which the newer one names another predecessor."""
        return Refused(
            f"{self._where(lineage, older)} is not what {layout.slot_text(newer)} says was before it: "
            "one of the two was put in the other's place",
            "do not restore from either before you know which: compare them with the other store and with the bucket's "
            "older versions. Where the older one was damaged at the time of the newer and mended since, move it out of "
            "the store: the newer one stands alone",
        )


def strays(listing: Iterable[str]) -> list[str]:
    """Keys among the manifests that are neither a manifest nor a signature."""
    return [key for key in listing if not (layout.parse_manifest_key(key) or layout.signed_manifest(key))]


_STRAY = "find out who put it there, and remove it"


def _slots_of(lineage: Lineage, listing: Mapping[str, datetime]) -> list[datetime]:
    parsed = (layout.parse_manifest_key(key) for key in listing)
    return sorted(slot for found in parsed if found for whose, slot in [found] if whose == lineage)
