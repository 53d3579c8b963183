"""AWS's codes and botocore's errors, one row of FAILURES 2 after another."""

from __future__ import annotations

import socket
import ssl

import pytest
from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from dr.aws.errors import field, safe_url, translate, translated, without_user
from dr.errors import (
    Ambiguous,
    CloudError,
    Denied,
    EnvironmentFailed,
    InUse,
    NotFound,
    Taken,
    Throttled,
)

URL = "https://user:canary-pw@ec2.example.com:8443/path?token=canary-token"


def refused(code, status=400, message="because"):
    return boto.ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Op"
    )


def kind_of(code, action="ec2:CreateSnapshot", status=400):
    return type(translate(refused(code, status), action, "eu-west-1"))


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("RequestLimitExceeded", 503, Throttled),
        ("EC2ThrottledException", 400, Throttled),
        ("Throttling", 400, Throttled),
        ("ThrottlingException", 400, Throttled),
        ("TooManyRequestsException", 429, Throttled),
        ("SlowDown", 503, Throttled),
        ("SnapshotCreationPerVolumeRateExceeded", 400, Throttled),
        ("ConcurrentSnapshotLimitExceeded", 400, Throttled),
        ("ConcurrentCreateImageNoRebootLimitExceeded", 400, Throttled),
        ("ConcurrentTagAccess", 400, Throttled),
        ("TooManyUpdates", 400, Throttled),
        ("InternalError", 500, Ambiguous),
        ("InternalFailure", 500, Ambiguous),
        ("ServiceUnavailable", 503, Ambiguous),
        ("Unavailable", 503, Ambiguous),
        ("500", 500, Ambiguous),
        ("SomethingNew", 502, Ambiguous),
        ("IncorrectState", 400, Ambiguous),
        ("InvalidState", 400, Ambiguous),
        ("UnauthorizedOperation", 403, Denied),
        ("AccessDenied", 403, Denied),
        ("AccessDeniedException", 400, Denied),
        ("AuthFailure", 401, Denied),
        ("OptInRequired", 401, Denied),
        ("ExpiredToken", 400, EnvironmentFailed),
        ("RequestExpired", 400, EnvironmentFailed),
        ("InvalidClientTokenId", 403, EnvironmentFailed),
        ("SignatureDoesNotMatch", 403, EnvironmentFailed),
        ("InvalidVolume.NotFound", 400, NotFound),
        ("InvalidSnapshot.NotFound", 400, NotFound),
        ("InvalidAMIID.NotFound", 400, NotFound),
        ("InvalidAMIID.Unavailable", 400, NotFound),
        ("InvalidInstanceID.NotFound", 400, NotFound),
        ("ParameterNotFound", 400, NotFound),
        ("ChangeSetNotFound", 404, NotFound),
        ("NoSuchKey", 404, NotFound),
        ("NoSuchBucket", 404, NotFound),
        ("InvalidAMIName.Duplicate", 400, Taken),
        ("AlreadyExistsException", 400, Taken),
        ("InvalidSnapshot.InUse", 400, InUse),
        ("SnapshotLimitExceeded", 400, CloudError),
        ("ResourceLimitExceeded", 400, CloudError),
        ("InvalidPaginationToken", 400, CloudError),
        ("TagLimitExceeded", 400, CloudError),
        ("ValidationError", 400, CloudError),
        ("InsufficientCapabilitiesException", 400, CloudError),
        ("OperationNotPermitted", 400, CloudError),
        ("PreconditionFailed", 412, CloudError),
        ("ConditionalRequestConflict", 409, CloudError),
        ("CustomerKeyHasBeenRevoked", 400, CloudError),
    ],
)
def test_each_code_has_its_row(code, status, expected):
    assert kind_of(code, status=status) is expected


def test_a_throttle_is_no_unknown_outcome_though_its_status_is_503():
    assert kind_of("RequestLimitExceeded", status=503) is Throttled


def test_a_state_that_does_not_fit_is_ambiguous_for_snapshots_only():
    assert kind_of("IncorrectState", action="ec2:DeregisterImage") is CloudError


def test_messages_are_never_compared():
    error = refused("SomethingNew", message="Throttling: InvalidSnapshot.NotFound, access denied")

    assert type(translate(error, "ec2:DeleteSnapshot", "eu-west-1")) is CloudError


def test_an_error_keeps_its_code_and_its_action():
    error = translate(refused("UnauthorizedOperation", 403), "ec2:DescribeSnapshots", "eu-west-1")

    assert (error.code, error.action) == ("UnauthorizedOperation", "ec2:DescribeSnapshots")
    assert error.message == "ec2:DescribeSnapshots in eu-west-1: because (UnauthorizedOperation)"
    assert error.remedy == "allow ec2:DescribeSnapshots to the role or user that runs dr"


def test_a_region_that_is_not_enabled_is_told_so():
    assert "enable the Region" in translate(refused("OptInRequired", 401), "ec2:X", "me-south-1").remedy


def test_aws_words_stay_on_one_short_line():
    error = translate(refused("Other", message="a\n b" + "c" * 1000), "ec2:X", "eu-west-1")

    assert (len(error.message.splitlines()), len(error.message) < 400) == (1, True)


def test_an_answer_without_an_error_body_is_translated_too():
    assert type(translate(boto.ClientError({}, "Op"), "ec2:X", "eu-west-1")) is CloudError


@pytest.mark.parametrize(
    "error",
    [
        boto.ReadTimeoutError(endpoint_url=URL),
        boto.ConnectionClosedError(endpoint_url=URL),
        boto.HTTPClientError(error=OSError("reset by peer")),
        boto.ResponseStreamingError(error=OSError()),
        boto.IncompleteReadError(actual_bytes=1, expected_bytes=2),
        boto.ChecksumError(checksum_type="crc32", expected_checksum="a", actual_checksum="b"),
        boto.FlexibleChecksumError(error_msg="x"),
        ResponseParserError("not XML"),
        boto.SSLError(endpoint_url=URL, error=ssl.SSLEOFError("ends in the middle")),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_lost_answer_is_an_unknown_outcome(error):
    assert type(translate(error, "ec2:CreateImage", "eu-west-1")) is Ambiguous


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (boto.EndpointConnectionError(endpoint_url=URL, error=ConnectionRefusedError()), "refused"),
        (boto.EndpointConnectionError(endpoint_url=URL, error=socket.gaierror()), "DNS"),
        (boto.EndpointConnectionError(endpoint_url=URL, error=OSError()), "no connection"),
        (boto.ConnectTimeoutError(endpoint_url=URL), "no answer"),
        (boto.ProxyConnectionError(proxy_url=URL, error=OSError()), "proxy"),
        (boto.SSLError(endpoint_url=URL, error=ssl.SSLCertVerificationError("bad")), "TLS"),
        (boto.NoCredentialsError(), "credentials"),
        (boto.PartialCredentialsError(provider="env", cred_var="x"), "credentials"),
        (boto.CredentialRetrievalError(provider="x", error_msg="y"), "credentials"),
        (boto.TokenRetrievalError(provider="sso", error_msg="expired"), "credentials"),
        (boto.SSOTokenLoadError(profile_name="x", error_msg="y"), "credentials"),
        (boto.ProfileNotFound(profile="nobody"), "nobody"),
        (boto.NoRegionError(), "Region"),
        (boto.InvalidRegionError(region_name="x y"), "Region"),
        (boto.ConfigParseError(path="/x"), "/x cannot be read"),
        (boto.UnknownServiceError(service_name="x", known_service_names=[]), "UnknownServiceError"),
    ],
    ids=lambda one: type(one).__name__ if isinstance(one, Exception) else "",
)
def test_what_never_left_this_machine_is_its_own_fault(error, words):
    found = translate(error, "ec2:CreateSnapshot", "eu-west-1")

    assert isinstance(found, EnvironmentFailed)
    assert words in found.message
    assert found.remedy


@pytest.mark.parametrize(
    "error",
    [
        boto.EndpointConnectionError(endpoint_url=URL, error=f"cannot open {URL}"),
        boto.ConnectTimeoutError(endpoint_url=URL),
        boto.ProxyConnectionError(proxy_url=URL, error=f"cannot open {URL}"),
        boto.SSLError(endpoint_url=URL, error=f"bad {URL}"),
        boto.ReadTimeoutError(endpoint_url=URL),
        boto.ConnectionClosedError(endpoint_url=URL),
        boto.HTTPClientError(error=f"cannot open {URL}"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_i23_no_message_holds_what_a_url_hides(error):
    found = translate(error, "ec2:X", "eu-west-1")

    assert "canary" not in found.message + found.remedy


def test_i23_a_malformed_request_shows_no_value_of_a_stack():
    error = boto.ParamValidationError(report="Invalid type for ParameterValue, value: canary")

    found = translate(error, "cloudformation:CreateChangeSet", "eu-west-1")

    assert (type(found), "canary" in found.message) == (CloudError, False)


def test_a_malformed_request_of_s3_says_what_is_wrong():
    error = boto.ParamValidationError(report='Invalid bucket name "No_Bucket"')

    assert "No_Bucket" in translate(error, "s3:PutObject", "eu-west-1").message


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (URL, "https://ec2.example.com:8443"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("https://host:notaport/", "the endpoint"),
        ("", "the endpoint"),
        ("canary-pw@host", "the endpoint"),
    ],
)
def test_an_endpoint_is_shown_by_host_and_port_only(url, expected):
    assert safe_url(url) == expected


def test_translated_raises_ours_from_theirs():
    theirs = refused("InvalidSnapshot.NotFound")

    with pytest.raises(NotFound) as caught, translated("ec2:DeleteSnapshot", "eu-west-1"):
        raise theirs

    assert caught.value.__cause__ is theirs


def test_a_bug_is_not_translated():
    with pytest.raises(KeyError), translated("ec2:DeleteSnapshot", "eu-west-1"):
        raise KeyError("a bug")


def test_an_answer_without_its_id_is_an_unknown_outcome():
    with pytest.raises(Ambiguous):
        field({"ResponseMetadata": {}}, "SnapshotId", "ec2:CreateSnapshot", "eu-west-1")


@pytest.mark.parametrize("before", ["", "x" * 200])
def test_i23_aws_words_hold_no_credentials_of_a_url(before):
    said = f"{before} S3 error: http://admin:canary@b.s3/k?X-Amz-Signature=canary&X-Amz-Security-Token=canary"
    error = translate(refused("ValidationError", message=said), "cloudformation:CreateChangeSet", "eu-west-1")
    assert "canary" not in error.message
    assert "http://***@b.s3/k?X-Amz-Signature=***&X-Amz-Security-Token=***" in error.message


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://s3.eu-west-1.amazonaws.com", "https://s3.eu-west-1.amazonaws.com"),
        ("http://admin:canary@127.0.0.1:5000/path", "http://127.0.0.1:5000/path"),
        ("http://canary@[::1]:5000", "http://[::1]:5000"),
    ],
)
def test_i23_a_url_that_is_kept_has_no_user(url, expected):
    assert without_user(url) == expected


def test_an_endpoint_with_an_ipv6_address_is_shown_as_it_is_written():
    assert safe_url("http://admin:canary@[::1]:5000/x") == "http://[::1]:5000"
