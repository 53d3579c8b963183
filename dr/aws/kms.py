"""`KmsSigner`: ports.Signer on KMS.

    Sign(DIGEST, ECDSA_SHA_256)     a manifest is longer than the 4,096 bytes that KMS takes as a message

A signature can be made again without harm, so that the client repeats the call. What KMS refuses fails the capture
that asked for it and no other (FAILURES 2, rows 14 and 39).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dr.aws.errors import field, translated
from dr.aws.session import Session
from dr.errors import CloudError, NotFound

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

_SIGN = "kms:Sign"
_KEY = "it has to be a key for signing (SIGN_VERIFY) of the spec ECC_NIST_P256"
_REMEDIES = {
    "DisabledException": "enable the key",
    "KMSInvalidStateException": "it is being deleted or is not ready: cancel that, or make a new key and pin its public key",
    "NotFoundException": "correct `signing.key` in dr.yaml: an alias or an id is looked up in the first Region of `regions`",
    "InvalidKeyUsageException": _KEY,
}
"""What to do about a key that cannot sign. Source: KMS API reference, Sign, Errors."""


class KmsSigner:
    """A key that signs; `region` is where it lies."""

    def __init__(self, session: Session, key: str, region: str) -> None:
        self._session = session
        self._key = key
        self._region = region

    @property
    def name(self) -> str:
        """The key as dr.yaml names it."""
        return self._key

    def sign(self, digest: bytes) -> bytes:
        """The signature over a SHA-256 digest. Raises `CloudError` that names the key; never `NotFound`."""
        try:
            return self._sign(digest)
        except CloudError as error:
            kind = CloudError if isinstance(error, NotFound) else type(error)
            remedy = _REMEDIES.get(error.code, error.remedy or _KEY)
            raise kind(
                f"the manifest could not be signed with {self._key}: {error.message}",
                remedy,
                code=error.code,
                action=_SIGN,
            ) from error

    def _sign(self, digest: bytes) -> bytes:
        client: KMSClient = self._session.client("kms", self._region)
        with translated(_SIGN, self._region):
            answer = client.sign(
                KeyId=self._key, Message=digest, MessageType="DIGEST", SigningAlgorithm="ECDSA_SHA_256"
            )
        return bytes(field(answer, "Signature", _SIGN, self._region))
