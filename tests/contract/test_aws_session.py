"""How dr.aws meets a network and an account that do not answer as they should: real sockets, no stand-ins."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from botocore.exceptions import ClientError

from dr import __version__
from dr.aws.ec2 import Ec2Cloud
from dr.aws.session import Access, Keys, Session
from dr.errors import Ambiguous, CloudError, Denied, EnvironmentFailed, Throttled
from dr.model import Protect

REGION = "eu-west-1"
KEYS = Keys(access_key="AKIACANARY", secret_key="canary-secret")
NOW = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
CREATED = b'<R xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId><snapshotId>snap-1</snapshotId></R>'
VOLUMES = b'<R xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId><volumeSet/></R>'
IDENTITY = (
    b'<R xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
    b"<Account>123456789012</Account></GetCallerIdentityResult></R>"
)
SHORT = b"short"
"""Sent with a Content-Length that it does not reach."""
CUT = b"cut"
"""Not sent: the connection ends instead."""


def refusal(code, message="no"):
    return f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors></Response>".encode()


@contextmanager
def endpoint(*answers, date=NOW):
    """A server that gives these (status, body) answers in turn, the last one again and again."""
    seen = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            asked = self.rfile.read(int(self.headers["Content-Length"])).decode()
            seen.append((asked, dict(self.headers)))
            action = asked.split("Action=")[1].split("&")[0]
            rest = [pair for pair in answers if action != "GetCallerIdentity"]
            calls = [one for one, _ in seen if "GetCallerIdentity" not in one]
            status, body = rest[min(len(calls), len(rest)) - 1] if rest else (200, IDENTITY)
            if body == CUT:
                self.close_connection = True
                return
            self.send_response_only(status)
            self.send_header("Date", date.strftime("%a, %d %b %Y %H:%M:%S GMT"))
            self.send_header("Content-Length", str(len(body) + (100 if body == SHORT else 0)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = True

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def session(url, **options):
    return Session(Access(region=REGION, endpoint_url=url, keys=KEYS, **options), now=lambda: NOW)


def cloud(url, **options):
    return Ec2Cloud(session(url, **options), "acme")


def calls(seen, action):
    return [body for body, _ in seen if f"Action={action}" in body]


def list_volumes(url, **options):
    return cloud(url, **options).sources(Protect.VOLUMES, REGION, {})


@contextmanager
def unused_port():
    """A port that is bound but does not listen, so that nobody else takes it."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def test_a_refused_endpoint_is_named_with_what_to_do():
    with unused_port() as port, pytest.raises(EnvironmentFailed) as caught:
        list_volumes(f"http://127.0.0.1:{port}", attempts=1)

    assert f"http://127.0.0.1:{port} cannot be reached: the connection was refused" in caught.value.message
    assert "AWS_ENDPOINT_URL" in caught.value.remedy


def test_a_create_that_could_not_leave_is_no_unknown_outcome():
    with unused_port() as port, pytest.raises(EnvironmentFailed):
        cloud(f"http://127.0.0.1:{port}").create_snapshot(REGION, "vol-1", {"a": "b"})


def test_a_name_that_dns_does_not_know_is_said_so():
    with pytest.raises(EnvironmentFailed) as caught:
        list_volumes("http://no-such-host.invalid", attempts=1)

    assert "its name is not known to DNS" in caught.value.message


def test_i23_what_an_endpoint_url_hides_is_in_no_message():
    with unused_port() as port, pytest.raises(EnvironmentFailed) as caught:
        list_volumes(f"http://user:canary-pw@127.0.0.1:{port}/?token=canary-token", attempts=1)

    said = caught.value.message + caught.value.remedy
    assert ("canary" in said, "user" in said.replace("users", "")) == (False, False)


def test_i23_a_url_that_is_none_is_not_repeated():
    with pytest.raises(EnvironmentFailed) as caught:
        list_volumes("ftp//user:canary-pw@host", attempts=1)

    assert "canary" not in caught.value.message


def test_i23_keys_show_no_secret():
    access = Access(keys=KEYS, endpoint_url="http://user:canary-pw@host")

    assert "canary-" not in repr(access)


def test_a_server_without_a_trusted_certificate_is_not_spoken_to():
    with endpoint((200, VOLUMES)) as (url, _), pytest.raises(EnvironmentFailed) as caught:
        list_volumes(url.replace("http:", "https:"), attempts=1)

    assert "(TLS)" in caught.value.message


@pytest.mark.parametrize(
    "answer", [(503, refusal("Unavailable")), (500, refusal("InternalError")), (503, b"busy"), (200, CUT)]
)
def test_a_create_is_one_attempt_and_its_lost_answer_is_ambiguous(answer):
    with endpoint(answer) as (url, seen), pytest.raises(Ambiguous):
        cloud(url).create_snapshot(REGION, "vol-1", {"a": "b"})

    assert len(calls(seen, "CreateSnapshot")) == 1


@pytest.mark.parametrize("body", [SHORT, b"<html>not aws", b"", b'{"json": true}'])
def test_an_unreadable_answer_to_a_create_is_ambiguous(body):
    with endpoint((200, body)) as (url, _), pytest.raises(Ambiguous):
        cloud(url).create_snapshot(REGION, "vol-1", {"a": "b"})


def test_a_create_that_answers_is_believed():
    with endpoint((200, CREATED)) as (url, _):
        assert cloud(url).create_snapshot(REGION, "vol-1", {"a": "b"}) == "snap-1"


def test_a_read_is_tried_again():
    with endpoint((200, IDENTITY), (503, b""), (200, VOLUMES)) as (url, seen):
        session(url).ec2(REGION).describe_volumes(MaxResults=5)
        session(url).ec2(REGION).describe_volumes(MaxResults=5)

    assert len(calls(seen, "DescribeVolumes")) == 3


def test_attempts_end_and_a_throttle_is_told_apart():
    with endpoint((503, refusal("RequestLimitExceeded"))) as (url, seen), pytest.raises(Throttled):
        list_volumes(url, attempts=2)

    assert len(calls(seen, "DescribeVolumes")) == 2


def test_a_listing_without_its_rows_is_broken_and_not_empty():
    empty = b'<R xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId></R>'
    with endpoint((200, empty)) as (url, _), pytest.raises(CloudError) as caught:
        list_volumes(url, attempts=1)

    assert caught.value.code == "BrokenListing"


def test_a_page_token_that_comes_twice_ends_the_listing():
    page = VOLUMES.replace(b"</R>", b"<nextToken>again</nextToken></R>")
    with endpoint((200, page)) as (url, seen), pytest.raises(CloudError) as caught:
        list_volumes(url, attempts=1)

    assert (caught.value.code, len(calls(seen, "DescribeVolumes"))) == ("BrokenListing", 2)


def test_a_refusal_names_the_action_and_hides_the_encoded_part():
    body = refusal("UnauthorizedOperation", "You may not. Encoded authorization failure message: abcdef")
    with endpoint((403, body)) as (url, _), pytest.raises(Denied) as caught:
        list_volumes(url, attempts=1)

    assert caught.value.action == "ec2:DescribeVolumes"
    assert "allow ec2:DescribeVolumes" in caught.value.remedy
    assert "abcdef" not in caught.value.message


@pytest.mark.parametrize(("ahead", "expected"), [(0, 0), (400, 400), (-400, -400)])
def test_the_clock_is_compared_with_every_answer(ahead, expected):
    with endpoint((200, VOLUMES), date=NOW - timedelta(seconds=ahead)) as (url, _):
        one = session(url)
        before = one.skew()
        one.ec2(REGION).describe_volumes(MaxResults=5)

    assert (None, expected) == (before, one.skew())


def test_a_refusal_tells_the_time_too():
    with endpoint((403, refusal("AuthFailure")), date=NOW - timedelta(hours=1)) as (url, _):
        one = session(url)
        with pytest.raises(Denied):
            Ec2Cloud(one, "acme").sources(Protect.VOLUMES, REGION, {})

    assert one.skew() == 3600


def test_expired_credentials_are_read_anew_for_the_next_call():
    with endpoint((400, refusal("RequestExpired")), (200, VOLUMES)) as (url, _):
        one = session(url, attempts=1)
        before = one.ec2(REGION)
        with pytest.raises(EnvironmentFailed) as caught:
            Ec2Cloud(one, "acme").sources(Protect.VOLUMES, REGION, {})

    assert "log in again" in caught.value.remedy
    assert before is not one.ec2(REGION)


def test_clients_are_kept():
    one = session("http://127.0.0.1:9")

    assert one.ec2(REGION) is one.ec2(REGION)
    assert one.ec2(REGION) is not one.ec2("eu-central-1")


def test_clients_are_made_once_by_many_threads():
    one, made = session("http://127.0.0.1:9"), []
    threads = [threading.Thread(target=lambda: made.append(one.ec2(REGION))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({id(client) for client in made}) == 1


def test_the_user_agent_names_dr():
    with endpoint((200, VOLUMES)) as (url, seen):
        session(url).ec2(REGION).describe_volumes(MaxResults=5)

    assert f"dr/{__version__}" in seen[0][1]["User-Agent"]


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """A machine without any AWS configuration."""
    for name in (
        "AWS_PROFILE",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


def test_no_credentials_are_said_so(bare):
    with pytest.raises(EnvironmentFailed) as caught:
        Session(Access(region=REGION, endpoint_url="http://127.0.0.1:9"), now=lambda: NOW).account()

    assert "no usable AWS credentials" in caught.value.message
    assert "AWS_PROFILE" in caught.value.remedy


def test_no_region_is_said_so(bare):
    with pytest.raises(EnvironmentFailed) as caught:
        Session(Access(keys=KEYS), now=lambda: NOW).account()

    assert caught.value.message == "no AWS Region is set"
    assert "AWS_REGION" in caught.value.remedy


@pytest.mark.parametrize("named", ["profile", "environment"])
@pytest.mark.parametrize("ask", [lambda aws: aws.ec2(REGION), Session.account], ids=["client", "account"])
def test_an_unknown_profile_is_named(bare, monkeypatch, named, ask):
    if named == "environment":
        monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(EnvironmentFailed) as caught:
        ask(Session(Access(profile="nobody" if named == "profile" else None), now=lambda: NOW))

    assert "'nobody'" in caught.value.message


def test_a_damaged_configuration_is_told_with_its_file(bare, tmp_path):
    (tmp_path / "config").write_text("[profile\nnot = closed")
    with pytest.raises(EnvironmentFailed) as caught:
        Session(Access(), now=lambda: NOW).account()

    assert str(tmp_path / "config") in caught.value.message


def test_the_late_answers_of_expired_credentials_leave_the_new_ones_alone():
    with endpoint((400, refusal("ExpiredToken")), (400, refusal("ExpiredToken")), (200, VOLUMES)) as (url, _):
        aws = session(url)
        old = aws.ec2(REGION)
        with pytest.raises(ClientError):
            old.describe_volumes(MaxResults=5)
        fresh = aws.ec2(REGION)
        with pytest.raises(ClientError):
            old.describe_volumes(MaxResults=5)

        assert fresh is not old
        assert aws.ec2(REGION) is fresh


def test_a_region_that_is_no_name_is_said_so():
    with pytest.raises(EnvironmentFailed) as caught:
        Session(Access(keys=KEYS), now=lambda: NOW).ec2("not a region!")

    assert "no such Region" in caught.value.message


@pytest.mark.parametrize(
    "url", ["http://user:canary@127.0.0.1:notaport", "http://user:canary@[::1", "//user:canary@h"]
)
def test_i23_an_endpoint_that_is_no_url_is_told_without_what_it_hides(url, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    for access in (Access(region=REGION, keys=KEYS), Access(region=REGION, keys=KEYS, endpoint_url=url)):
        with pytest.raises(EnvironmentFailed) as caught:
            Session(access, now=lambda: NOW).account()

        assert "AWS_ENDPOINT_URL" in caught.value.remedy
        assert "canary" not in caught.value.message + caught.value.remedy


# --- answers that nobody can read -------------------------------------------------------------------------------------

SET = b"<volumeSet><item><volumeId>vol-1</volumeId></item></volumeSet>"


@pytest.mark.parametrize(
    "body",
    [
        b"<html><body>Please log in</body></html>",
        b"not even that",
        b"",
        CREATED.replace(b"<snapshotId>", b"<startTime>yesterday</startTime><snapshotId>"),
        CREATED.replace(b"<snapshotId>", b"<volumeSize>many</volumeSize><snapshotId>"),
    ],
)
def test_a_create_whose_answer_cannot_be_read_has_an_unknown_outcome(body):
    with endpoint((200, body)) as (url, seen), pytest.raises(Ambiguous) as caught:
        cloud(url).create_snapshot(REGION, "vol-1", {"a": "b"})

    assert len(calls(seen, "CreateSnapshot")) == 1
    assert caught.value.message.startswith("ec2:CreateSnapshot in eu-west-1: the answer ")
    assert "fault" not in caught.value.message


@pytest.mark.parametrize(
    "inner",
    [
        SET + SET,
        SET + b"<volumeSet/>",
        SET.replace(b"<volumeId>vol-1</volumeId>", b""),
        SET.replace(b"</volumeId>", b"</volumeId><createTime>soon</createTime>"),
    ],
)
def test_a_listing_of_another_form_is_broken_and_no_fault_of_dr(inner):
    with (
        endpoint((200, VOLUMES.replace(b"<volumeSet/>", inner))) as (url, _),
        pytest.raises(CloudError) as caught,
    ):
        list_volumes(url, attempts=1)

    assert caught.value.message.startswith("ec2:DescribeVolumes in eu-west-1: ")


def test_a_proxys_refusal_has_a_message_and_a_remedy():
    with endpoint((403, b"<html>blocked</html>")) as (url, _), pytest.raises(CloudError) as caught:
        list_volumes(url, attempts=1)

    assert caught.value.message == "ec2:DescribeVolumes in eu-west-1: HTTP 403 without a word of AWS"
    assert "proxies" in caught.value.remedy


def test_an_organization_that_hangs_is_waited_for_for_seconds_and_ec2_as_long_as_its_listings_take():
    """Each command asks it first; five attempts of 25 seconds would cost a restore two minutes."""
    session = Session(Access(region=REGION, keys=KEYS), lambda: NOW)
    seconds = {
        name: session.client(name, REGION).meta.config.read_timeout for name in ("organizations", "ec2")
    }

    assert seconds == {"organizations": 5, "ec2": 25}
