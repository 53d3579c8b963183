"""Credentials of a role in another account: what STS is asked, what is made of its answers, and what is counted."""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest
from faults.calls import Fault, Kind
from faults.fault_proxy import fault_proxy

from dr.aws.assuming import Assumed
from dr.aws.maker import CloudFormationMaker
from dr.aws.session import Access, Keys, Session
from dr.errors import CloudError, Denied, EnvironmentFailed

KEYS = Keys(access_key="sandbox", secret_key="sandbox")
REGION, MEMBER = "eu-west-1", "222222222222"
ROLE = Assumed(
    account=MEMBER,
    arn=f"arn:aws:iam::{MEMBER}:role/dr-member",
    session_name="dr-acme",
    external_id="acme/dr",
)
VOLUMES = b'<R xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId><volumeSet/></R>'
REFUSED = (
    b"<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User is not authorized</Message>"
    b"</Error><RequestId>1</RequestId></ErrorResponse>"
)
EXPIRED = (
    b"<Response><Errors><Error><Code>RequestExpired</Code><Message>over</Message></Error></Errors></Response>"
)


def keys(number, seconds):
    over = (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return (
        '<R xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>'
        f"<AccessKeyId>KEY{number}</AccessKeyId><SecretAccessKey>canary</SecretAccessKey>"
        f"<SessionToken>token</SessionToken><Expiration>{over}</Expiration>"
        "</Credentials></AssumeRoleResult></R>"
    ).encode()


class Aws:
    """What it was asked, by action, each with the key that signed it; `answers` are by action, in turn, the last for ever."""

    def __init__(self, **answers) -> None:
        self.answers = {"AssumeRole": [(200, keys(1, 3600))], "DescribeVolumes": [(200, VOLUMES)], **answers}
        self.asked: list[tuple[str, str, dict[str, list[str]]]] = []
        self.url = ""

    def named(self, action):
        return [request for name, _, request in self.asked if name == action]

    def signers(self, action):
        return [key for name, key, _ in self.asked if name == action]

    def answer(self, body, authorization):
        request = parse_qs(body)
        action = request["Action"][0]
        self.asked.append((action, authorization.partition("Credential=")[2].partition("/")[0], request))
        waiting = self.answers[action]
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]


@contextmanager
def served(aws):
    """The account behind a port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            status, answer = aws.answer(body, self.headers.get("Authorization", ""))
            if answer is None:
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.block_on_close = True, False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    aws.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield aws
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def hub(url):
    own = Keys(access_key="HUB", secret_key="hub")
    return Session(Access(region=REGION, endpoint_url=url, keys=own, attempts=1), lambda: datetime.now(UTC))


def member(aws, role=ROLE):
    return hub(aws.url).assuming(role)


def look(session):
    return session.ec2(REGION).describe_volumes()


def test_the_role_the_session_name_and_the_external_id_arrive():
    with served(Aws()) as aws:
        look(member(aws))

    (asked,) = aws.named("AssumeRole")
    assert (asked["RoleArn"], asked["RoleSessionName"], asked["ExternalId"]) == (
        [ROLE.arn],
        ["dr-acme"],
        ["acme/dr"],
    )
    assert (aws.signers("AssumeRole"), aws.signers("DescribeVolumes")) == (["HUB"], ["KEY1"])


def test_sts_is_asked_elsewhere_where_a_region_does_not_answer(sandbox):
    with fault_proxy(sandbox.url) as proxy:
        proxy.set(Fault(kind=Kind.RESET_BEFORE, region=REGION, times=None))
        access = Access(region=REGION, also=("eu-central-1",), endpoint_url=proxy.url, keys=KEYS, attempts=1)
        hub = Session(access, lambda: datetime.now(UTC))

        assert hub.account() == "123456789012"
        hub.assuming(ROLE).credentials()

        asked = [(call.action, call.region, call.effect) for call in proxy.calls]
    first, second = (REGION, False), ("eu-central-1", True)
    assert asked == [
        (name, *where) for name in ("GetCallerIdentity", "AssumeRole") for where in (first, second)
    ]


def test_where_sts_answers_nowhere_the_first_region_is_named(sandbox):
    with fault_proxy(sandbox.url) as proxy:
        proxy.set(Fault(kind=Kind.RESET_BEFORE, times=None))
        access = Access(region=REGION, also=("eu-central-1",), endpoint_url=proxy.url, keys=KEYS, attempts=1)

        with pytest.raises(CloudError, match=f"sts:GetCallerIdentity in {REGION}"):
            Session(access, lambda: datetime.now(UTC)).account()


def test_without_an_external_id_none_is_sent():
    with served(Aws()) as aws:
        look(member(aws, Assumed(account=MEMBER, arn=ROLE.arn, session_name="dr-acme")))

    assert "ExternalId" not in aws.named("AssumeRole")[0]


def test_nothing_is_asked_before_the_first_call_and_the_account_is_known_without_one():
    with served(Aws()) as aws:
        assert member(aws).account() == MEMBER

    assert aws.asked == []


def test_moto_gives_the_role_s_account_as_the_caller(sandbox):
    sandbox.reset()
    own = Keys(access_key="sandbox", secret_key="sandbox")
    access = Access(region=REGION, endpoint_url=sandbox.url, keys=own)
    made = Session(access, sandbox.now).assuming(ROLE)

    assert made.client("sts", REGION).get_caller_identity()["Account"] == MEMBER


def test_a_role_that_cannot_be_taken_on_says_what_has_to_be_there():
    with served(Aws(AssumeRole=[(403, REFUSED)])) as aws, pytest.raises(Denied) as caught:
        member(aws).credentials()

    assert caught.value.message.startswith(f"{ROLE.arn} cannot be taken on: ")
    assert (caught.value.code, caught.value.action) == ("AccessDenied", "sts:AssumeRole")
    for part in (f"deploy cloudformation/member.yaml in {MEMBER}", "allow sts:AssumeRole", "external id"):
        assert part in caught.value.remedy
    assert "acme/dr" not in f"{caught.value.message}{caught.value.remedy}", "it is not for the log"


@pytest.mark.parametrize("answer", [(500, REFUSED), (200, b"<R/>"), (200, None)])
def test_sts_that_fails_is_an_error_of_this_account_and_no_bug(answer):
    with served(Aws(AssumeRole=[answer])) as aws, pytest.raises((CloudError, EnvironmentFailed)):
        member(aws).credentials()


def test_credentials_that_are_over_as_they_come_point_at_the_clock():
    with served(Aws(AssumeRole=[(200, keys(1, -60))])) as aws, pytest.raises(EnvironmentFailed) as caught:
        member(aws).credentials()

    assert (f"of {MEMBER} are over" in caught.value.message, caught.value.remedy) == (True, "check the clock")


def test_a_role_is_taken_on_again_before_its_credentials_run_out():
    """Botocore asks again in the last minutes; in the last ten it has to."""
    with served(Aws(AssumeRole=[(200, keys(1, 300)), (200, keys(2, 3600))])) as aws:
        session = member(aws)
        for _ in range(3):
            look(session)

    assert (len(aws.named("AssumeRole")), aws.signers("DescribeVolumes")[-1]) == (2, "KEY2")


def test_a_role_is_taken_on_again_where_aws_says_that_its_credentials_ran_out():
    answers = {
        "AssumeRole": [(200, keys(1, 3600)), (200, keys(2, 3600))],
        "DescribeVolumes": [(400, EXPIRED), (200, VOLUMES)],
    }
    with served(Aws(**answers)) as aws:
        session = member(aws)
        with pytest.raises(Exception, match="RequestExpired"):
            look(session)
        look(session)

    assert aws.signers("DescribeVolumes") == ["KEY1", "KEY2"]


def test_threads_that_ask_at_once_take_on_the_role_once():
    with served(Aws()) as aws:
        session = member(aws)
        threads = [threading.Thread(target=session.credentials) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)

    assert len(aws.named("AssumeRole")) == 1


def test_what_botocore_reads_of_its_services_is_read_once_for_all_accounts():
    with served(Aws()) as aws:
        own = hub(aws.url)
        loaders = {
            id(one._session().get_component("data_loader")) for one in (own, *map(own.assuming, [ROLE] * 3))
        }

    assert len(loaders) == 1


# --- what was begun, and what has ended -------------------------------------------------------------------------------


def counted(session, region=REGION):
    calls = session.calls(region)
    return calls.begun, calls.ended


@pytest.mark.parametrize(
    "answer", [(200, VOLUMES), (400, REFUSED), (503, EXPIRED), (200, b"no xml"), (200, None)]
)
def test_a_call_that_was_answered_or_failed_has_begun_and_ended(answer):
    with served(Aws(DescribeVolumes=[answer])) as aws:
        session = member(aws)
        for _ in range(2):
            with suppress(Exception):  # whatever it is, it has ended
                look(session)
    assert counted(session) == (2, 2)


def test_calls_are_counted_by_region_and_those_of_sts_not_at_all():
    with served(Aws()) as aws:
        session = member(aws)
        look(session)
        session.ec2("eu-central-1").describe_volumes()

    assert (counted(session), counted(session, "eu-central-1"), counted(session, "us-east-1")) == (
        (1, 1),
        (1, 1),
        (0, 0),
    )


def test_who_looked_before_the_first_call_sees_it_counted():
    with served(Aws()) as aws:
        session = member(aws)
        watched = session.calls(REGION)
        look(session)

    assert (watched.begun, watched.ended) == (1, 1)


def test_a_count_is_the_same_for_all_threads_that_ask_for_it_first():
    session = hub("http://127.0.0.1:9")
    regions = [f"region-{number}" for number in range(200)]
    found = [[] for _ in range(8)]
    meet = threading.Barrier(8)

    def ask(mine):
        for region in regions:
            meet.wait(30)
            mine.append(id(session.calls(region)))

    threads = [threading.Thread(target=ask, args=(mine,)) for mine in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert [mine == found[0] for mine in found] == [True] * 8


def test_a_call_that_waits_for_its_answer_has_begun_and_not_ended():
    gate, arrived = threading.Event(), threading.Event()

    class Waiting(Aws):
        def answer(self, body, authorization):
            if "DescribeVolumes" in body:
                arrived.set()
                gate.wait(30)
            return super().answer(body, authorization)

    with served(Waiting()) as aws:
        session = member(aws)
        thread = threading.Thread(target=look, args=(session,))
        thread.start()
        assert arrived.wait(30)
        before = counted(session)
        gate.set()
        thread.join(30)

    assert (before, counted(session)) == ((1, 0), (1, 1))


# --- what stays with the own account ----------------------------------------------------------------------------------


def test_a_template_for_another_account_is_staged_by_the_own_one_in_whose_bucket_it_is(sandbox):
    """The bucket belongs to the installation: as the member's it would be refused."""
    sandbox.reset()
    keys = Keys(access_key="sandbox", secret_key="sandbox")
    own = Session(Access(region=REGION, endpoint_url=sandbox.url, keys=keys), sandbox.now)
    where = {"LocationConstraint": REGION}
    sandbox.client("s3").create_bucket(Bucket="dr-staging-own", CreateBucketConfiguration=where)
    sent = []
    own.client("s3", REGION).meta.events.register("before-call.s3", lambda params, **_: sent.append(params))
    url = CloudFormationMaker(own.assuming(ROLE), REGION, own).stage("dr-staging-own", "Resources: {}\n")

    (put,) = sent
    assert put["headers"]["x-amz-expected-bucket-owner"] == own.account() != MEMBER
    key = url.split("/dr-staging-own/")[1]
    assert (
        sandbox.client("s3").get_object(Bucket="dr-staging-own", Key=key)["Body"].read() == b"Resources: {}\n"
    )
