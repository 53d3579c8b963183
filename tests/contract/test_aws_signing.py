"""dr.aws.kms on the sandbox: a digest is signed, and what KMS refuses names the key and what to do (FAILURES 2, row 14)."""

from __future__ import annotations

import hashlib
import io
import json

import pytest
from botocore.awsrequest import AWSResponse
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key
from making import REGION

from dr.aws.kms import KmsSigner
from dr.errors import Ambiguous, CloudError, Denied, NotFound, Throttled

BODY = b"manifest " * 1000
DIGEST = hashlib.sha256(BODY).digest()


@pytest.fixture
def kms(aws):
    """A key under an alias, and what asks for its signatures."""
    client = aws.sandbox.client("kms")
    key = client.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    client.create_alias(AliasName="alias/dr-signing", TargetKeyId=key)
    return client


class Raw(io.BytesIO):
    """A body as urllib3 hands it on."""

    def stream(self, **_):
        yield self.read()


def answering(aws, code, status):
    """Let KMS answer with this error."""
    body = json.dumps({"__type": code, "message": "as told"}).encode()

    def answer(request, **_):
        return AWSResponse(request.url, status, {"Content-Type": "application/x-amz-json-1.1"}, Raw(body))

    aws.session.client("kms", REGION).meta.events.register("before-send", answer)


def test_a_digest_is_signed_and_the_public_key_verifies_the_whole(aws, kms):
    signature = KmsSigner(aws.session, "alias/dr-signing", REGION).sign(DIGEST)

    public = load_der_public_key(kms.get_public_key(KeyId="alias/dr-signing")["PublicKey"])
    public.verify(signature, BODY, ec.ECDSA(SHA256()))


def test_a_key_that_is_not_there_is_no_source_that_is_gone(aws):
    """`NotFound` from a capture means that its source is gone, which would end as skipped and not as failed."""
    with pytest.raises(CloudError, match="could not be signed with alias/none") as caught:
        KmsSigner(aws.session, "alias/none", REGION).sign(DIGEST)
    assert not isinstance(caught.value, NotFound)
    assert "correct `signing.key` in dr.yaml" in caught.value.remedy


@pytest.mark.parametrize(
    ("code", "status", "kind", "remedy"),
    [
        ("AccessDeniedException", 400, Denied, "allow kms:Sign"),
        ("ThrottlingException", 400, Throttled, "run it again later"),
        ("DisabledException", 409, CloudError, "enable the key"),
        ("KMSInvalidStateException", 409, CloudError, "it is being deleted"),
        ("InvalidKeyUsageException", 400, CloudError, "ECC_NIST_P256"),
        ("NotFoundException", 400, CloudError, "signing.key"),
        ("DependencyTimeoutException", 503, Ambiguous, "run it again"),
        ("KMSInternalException", 500, Ambiguous, "run it again"),
    ],
)
def test_what_kms_refuses_names_the_key_and_what_to_do(aws, code, status, kind, remedy):
    answering(aws, code, status)
    with pytest.raises(CloudError, match="could not be signed with alias/dr-signing") as caught:
        KmsSigner(aws.session, "alias/dr-signing", REGION).sign(DIGEST)
    assert (type(caught.value), caught.value.code, caught.value.action) == (kind, code, "kms:Sign")
    assert remedy in caught.value.remedy


def test_an_answer_without_a_signature_is_no_signature(aws, kms):
    client = aws.session.client("kms", REGION)
    client.meta.events.register("after-call.kms.Sign", lambda parsed, **_: parsed.pop("Signature"))

    with pytest.raises(Ambiguous, match="the answer lacks Signature"):
        KmsSigner(aws.session, "alias/dr-signing", REGION).sign(DIGEST)
