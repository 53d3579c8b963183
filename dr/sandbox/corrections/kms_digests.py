"""Sign and Verify of a digest: it is signed as it is, not hashed once more.

Source: KMS API reference, Sign, MessageType: with DIGEST the hashing step is left out, and the length has to be that of
the algorithm's digests.
"""

from __future__ import annotations

import json
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from moto.kms.exceptions import ValidationException
from moto.kms.responses import KmsResponse
from moto.kms.utils import ECDSAPrivateKey

from dr.sandbox.corrections import replace

_HASHES = {
    "ECDSA_SHA_256": hashes.SHA256(),
    "ECDSA_SHA_384": hashes.SHA384(),
    "ECDSA_SHA_512": hashes.SHA512(),
}
_original: dict[str, Any] = {}


class _Digest(bytes):
    """A message that is a digest already."""


def install() -> None:
    """Honour MessageType for elliptic curves, which are all that dr signs with."""
    _original["_get_param"] = replace.method(KmsResponse, "_get_param", _get_param)
    _original["sign"] = replace.method(ECDSAPrivateKey, "sign", _sign)
    _original["verify"] = replace.method(ECDSAPrivateKey, "verify", _verify)


def _get_param(self: Any, name: str, if_none: Any = None) -> Any:
    found = _original["_get_param"](self, name, if_none)
    if name == "Message" and json.loads(self.body).get("MessageType") == "DIGEST":
        return _Digest(found)
    return found


def _sign(self: Any, message: bytes, signing_algorithm: str) -> bytes:
    if not isinstance(message, _Digest):
        return _original["sign"](self, message, signing_algorithm)
    return self.private_key.sign(bytes(message), ec.ECDSA(_prehashed(message, signing_algorithm)))


def _verify(self: Any, message: bytes, signature: bytes, signing_algorithm: str) -> bool:
    if not isinstance(message, _Digest):
        return _original["verify"](self, message, signature, signing_algorithm)
    try:
        how = ec.ECDSA(_prehashed(message, signing_algorithm))
        self.private_key.public_key().verify(signature, bytes(message), how)
    except InvalidSignature:
        return False
    return True


def _prehashed(digest: bytes, algorithm: str) -> Prehashed:
    kind = _HASHES[algorithm]
    if len(digest) != kind.digest_size:
        raise ValidationException(f"Digest is invalid length for algorithm {algorithm}")
    return Prehashed(kind)
