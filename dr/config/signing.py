"""`signing`: the KMS key that signs manifests, and the public key that is pinned to verify them without AWS."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from pathlib import PurePath

from dr.config.stores import path
from dr.documents.fields import Field, Shape, matching, text
from dr.documents.fields import mapping as fields_of

_SIGNING = Shape(
    keys=("key", "public_key"),
    required={
        "key": "name the KMS key that signs: alias/dr-signing, or its ARN",
        "public_key": "name the PEM file of its public key, or write the PEM here",
    },
)
_ID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32}"
_ALIAS = r"alias/[A-Za-z0-9/_-]{1,250}"
_KEY = rf"{_ALIAS}|{_ID}|arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{{12}}:(key/({_ID})|{_ALIAS})"
"""Source: KMS API reference, Sign, KeyId; Key identifiers."""
_PEM = re.compile(r"\s*-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----\s*")
_BEGIN = "-----BEGIN"
_P256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")
"""How every SubjectPublicKeyInfo of a P-256 key begins, its point written whole (RFC 5480, 2)."""
_P256_LENGTH = 91


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKeys:
    """`key` is the KMS key; the public key is the text `pem`, or in the `file`, the other being empty."""

    key: str
    pem: str = ""
    file: str = ""

    @property
    def region(self) -> str | None:
        """The Region that an ARN names; an alias or an id names none."""
        return self.key.split(":")[3] if self.key.startswith("arn:") else None


def signing(value: Field, base: PurePath) -> SigningKeys | None:
    """Read `signing`."""
    fields = fields_of(value, _SIGNING)
    if fields is None or not {"key", "public_key"} <= fields.keys():
        return None
    key = matching(fields["key"], _KEY, "a KMS key: alias/NAME, its id, or an ARN of one of them")
    pem, file = _public_key(fields["public_key"], base)
    return SigningKeys(key=key, pem=pem, file=file) if key is not None and (pem or file) else None


def public_key(pem: str) -> bytes:
    """The DER of a PEM with one public key of the curve P-256. Raises `ValueError`, saying what it is instead."""
    match = _PEM.fullmatch(pem)
    if match is None:
        raise ValueError("is no PEM of one public key (-----BEGIN PUBLIC KEY----- ...)")
    try:
        der = base64.b64decode("".join(match[1].split()), validate=True)
    except binascii.Error:
        raise ValueError("is no PEM of a public key: what stands between its lines is not base64") from None
    if len(der) != _P256_LENGTH or not der.startswith(_P256):
        raise ValueError(
            "is no public key of the curve P-256: the KMS key has to be of the spec ECC_NIST_P256"
        )
    return der


def _public_key(value: Field, base: PurePath) -> tuple[str, str]:
    """The PEM itself and the file that holds it: one of the two is empty, both where neither is right."""
    found = text(value)
    if found is None:
        return "", ""
    if not found.lstrip().startswith(_BEGIN):
        return "", path(value, base) or ""
    try:
        public_key(found)
    except ValueError as error:
        value.fault(str(error))
        return "", ""
    return found, ""
