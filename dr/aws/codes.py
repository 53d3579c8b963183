"""AWS's error codes, and what each means to us (FAILURES 2). Codes are compared, never messages.

Source: EC2 API reference, Error codes; CloudFormation, S3, STS, KMS and Systems Manager API references, Errors.
"""

from __future__ import annotations

from dr.errors import Ambiguous, CloudError, Denied, InUse, NotFound, Taken, Throttled

BUCKET_EMPTY = frozenset(
    {
        "RequestLimitExceeded",
        "EC2ThrottledException",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "TooManyRequestsException",
    }
)
"""The account asks too fast, whatever for."""

THROTTLED = BUCKET_EMPTY | frozenset(
    {
        "TooManyUpdates",
        "PriorRequestNotComplete",
        "BandwidthLimitExceeded",
        "SlowDown",
        # no effect, and gone by itself a little later (rows 7, 8, 16, 27)
        "SnapshotCreationPerVolumeRateExceeded",
        "ConcurrentSnapshotLimitExceeded",
        "ConcurrentCreateImageNoRebootLimitExceeded",
        "ConcurrentTagAccess",
        "429",
    }
)
"""The call had no effect and may be done again."""

CREDENTIALS = frozenset(
    {
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "InvalidSignatureException",
        "IncompleteSignature",
        "MissingAuthenticationToken",
        "InvalidSecurity",
        "InvalidToken",
    }
)
"""AWS does not know who asks."""

EXPIRED = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
        "TokenRefreshRequired",
        "RequestTimeTooSkewed",
        "RequestInTheFuture",
    }
)
"""Credentials that ran out, or a clock more than 15 minutes off (row 6)."""

_DENIED = frozenset(
    {
        "UnauthorizedOperation",
        "AccessDenied",
        "AccessDeniedException",
        "AuthFailure",
        "OptInRequired",
        "Blocked",
        "PendingVerification",
        "AllAccessDisabled",
        "AccountProblem",
        "NotAuthorized",
        "Forbidden",
        "403",
    }
)
_NOT_FOUND = frozenset(
    {
        "InvalidAMIID.Unavailable",  # deregistered before (row 21)
        "NoSuchKey",
        "NoSuchBucket",
        "NoSuchVersion",
        "ParameterNotFound",
        "ParameterVersionNotFound",
        "ChangeSetNotFound",
        "StackNotFoundException",
        "NotFoundException",
        "ResourceNotFoundException",
        "404",
    }
)
_TAKEN = frozenset(
    {
        "InvalidAMIName.Duplicate",
        "AlreadyExistsException",
        "TokenAlreadyExistsException",
        "BucketAlreadyExists",
        "BucketAlreadyOwnedByYou",
        "EntityAlreadyExists",
        "ConflictException",
    }
)
_IN_USE = frozenset(
    {"InvalidSnapshot.InUse", "InvalidAMIID.InUse", "VolumeInUse", "DependencyViolation", "ResourceInUse"}
)
_AMBIGUOUS = frozenset(
    {
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "Unavailable",
        "RequestTimeout",
        "RequestTimeoutException",
        "DependencyTimeoutException",
        "KMSInternalException",
    }
)
_TABLE: tuple[tuple[frozenset[str], type[CloudError]], ...] = (
    (THROTTLED, Throttled),
    (_DENIED, Denied),
    (_NOT_FOUND, NotFound),
    (_TAKEN, Taken),
    (_IN_USE, InUse),
    (_AMBIGUOUS, Ambiguous),
)
_SUFFIXES: tuple[tuple[str, type[CloudError]], ...] = (
    (".NotFound", NotFound),
    (".Duplicate", Taken),
    (".InUse", InUse),
)
_IDENTICAL_REQUEST_RUNS = frozenset(
    (f"ec2:{action}", code)
    for action in ("CreateSnapshot", "CreateSnapshots", "CopySnapshot")
    for code in ("IncorrectState", "InvalidState")
)
"""An identical request may be under way: look for the slot before doing it again (row 10)."""


def leaf(action: str, code: str, status: int) -> type[CloudError]:
    """The error of ours for AWS's code and HTTP status; a server error that no row names is an unknown outcome."""
    for codes, kind in _TABLE:
        if code in codes:
            return kind
    for suffix, kind in _SUFFIXES:
        if code.endswith(suffix):
            return kind
    if status >= 500 or (action, code) in _IDENTICAL_REQUEST_RUNS:
        return Ambiguous
    return CloudError
