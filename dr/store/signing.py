"""Manifests that are signed: by a key in KMS when they are written, verified with a pinned public key when read.

The signature is over the manifest's bytes as they lie in the store, so that `openssl dgst -verify` checks it too, and
it is verified before a single byte of them is parsed. What is signed names account, Region, stack, policy and slot: a
manifest that was moved elsewhere is signed and refused all the same, by its identity.

Verifying needs nothing of AWS: the key's Region may be dead in a restore. The library is imported when it is needed,
because whoever does not sign need not install it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from dr.errors import CloudError, EnvironmentFailed, Refused, UsageError
from dr.ports import Signer

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

_REMEDY = (
    "do not restore from it: compare it with the other store and with the bucket's older versions. One from before "
    "signing was set up is signed by hand once you trust it (docs/runbook.md)"
)


class Signing:
    """Who signs, and whose signatures are believed. `where` names the public key's place, for people.

    Whatever it is asked raises `EnvironmentFailed` without the library, `UsageError` for a public key that is none: what
    needs no manifest goes on without them.
    """

    def __init__(self, signer: Signer, public_key: bytes, where: str) -> None:
        self._signer = signer
        self._public_key = public_key
        self._where = where

    @cached_property
    def _holds(self) -> Callable[[bytes, bytes], bool]:
        return verifier(self._public_key, self._where)

    def sign(self, body: bytes) -> bytes:
        """Sign a manifest. Raises `CloudError` for what KMS refuses, and for a key that is not the pinned one's."""
        signature = self._signer.sign(hashlib.sha256(body).digest())
        if not self._holds(body, signature):
            raise CloudError(
                f"what {self._signer.name} signs does not hold with the public key in {self._where}",
                "they are not of one pair: correct `signing` in dr.yaml; nothing was stored",
            )
        return signature

    def check(self, body: bytes, signature: bytes | None, where: str) -> None:
        """Raise `Refused` unless the pinned key's owner has signed exactly these bytes."""
        if signature is None:
            raise Refused(f"{where}: it has no signature of the key that is pinned in {self._where}", _REMEDY)
        if not self._holds(body, signature):
            raise Refused(
                f"{where}: its signature does not hold with the public key in {self._where}: "
                "it was changed, or another key has signed it",
                _REMEDY,
            )


def verifier(public_key: bytes, where: str) -> Callable[[bytes, bytes], bool]:
    """What tells whether a signature over a body holds. Raises `EnvironmentFailed` without the library, `UsageError`."""
    try:
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - only whoever signs needs the library
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA  # noqa: PLC0415 - as above
        from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415 - as above
    except ImportError as error:
        raise EnvironmentFailed(
            "signed manifests need the library `cryptography`, which is not installed",
            "install dr with its extra: pip install 'dr[signing]'",
        ) from error
    key = _loaded(public_key, where)

    def holds(body: bytes, signature: bytes) -> bool:
        try:
            key.verify(signature, body, ECDSA(SHA256()))
        except InvalidSignature:
            return False
        return True

    return holds


def _loaded(public_key: bytes, where: str) -> EllipticCurvePublicKey:
    from cryptography.hazmat.primitives.asymmetric.ec import (  # noqa: PLC0415 - as in verifier
        SECP256R1,
        EllipticCurvePublicKey,
    )
    from cryptography.hazmat.primitives.serialization import load_der_public_key  # noqa: PLC0415 - as above

    try:
        key = load_der_public_key(public_key)
    except ValueError as error:
        raise _no_key(where) from error
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise _no_key(where)
    return key


def _no_key(where: str) -> UsageError:
    return UsageError(
        f"{where}: it is no public key of the curve P-256",
        "fetch it again: aws kms get-public-key, written as PEM",
    )
