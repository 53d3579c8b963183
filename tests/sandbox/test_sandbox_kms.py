"""Signing with KMS as AWS documents it: a digest is signed as it is, and the public key verifies it anywhere."""

from __future__ import annotations

import hashlib

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

BODY = b"a manifest" * 1000
DIGEST = hashlib.sha256(BODY).digest()
HOW = {"SigningAlgorithm": "ECDSA_SHA_256", "MessageType": "DIGEST"}


@pytest.fixture
def kms(sandbox):
    return sandbox.client("kms")


@pytest.fixture
def key(kms):
    return kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]


def test_the_signature_of_a_digest_is_that_of_the_message(kms, key):
    kms.create_alias(AliasName=f"alias/{key}", TargetKeyId=key)
    signature = kms.sign(KeyId=f"alias/{key}", Message=DIGEST, **HOW)["Signature"]
    public = load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])

    public.verify(signature, BODY, ec.ECDSA(SHA256()))
    assert kms.verify(KeyId=key, Message=DIGEST, Signature=signature, **HOW)["SignatureValid"]


def test_a_message_that_is_no_digest_is_hashed_as_ever(kms, key):
    signature = kms.sign(KeyId=key, Message=BODY[:4096], SigningAlgorithm="ECDSA_SHA_256")["Signature"]
    public = load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])

    public.verify(signature, BODY[:4096], ec.ECDSA(SHA256()))


def test_another_digest_does_not_hold(kms, key):
    signature = kms.sign(KeyId=key, Message=DIGEST, **HOW)["Signature"]

    other = hashlib.sha256(b"another").digest()
    assert not kms.verify(KeyId=key, Message=other, Signature=signature, **HOW)["SignatureValid"]


def test_a_digest_of_another_length_is_refused(kms, key):
    with pytest.raises(ClientError) as caught:
        kms.sign(KeyId=key, Message=DIGEST[:31], **HOW)
    assert caught.value.response["Error"]["Code"] == "ValidationException"
