"""The accounts of an AWS Organization, as dr.yaml chooses them: on moto, and on doubles for what moto does not do."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from dr.aws.organizations import account_of, accounts_of
from dr.aws.session import Access, Keys, Session
from dr.config import Account, Organization
from dr.errors import CloudError, Denied

OWN = "123456789012"
REGION = "eu-west-1"


class Tree:
    """An organization on moto: a root, `workloads` below it, `prod` below that, and three accounts besides the own."""

    def __init__(self, client) -> None:
        self.client = client
        client.create_organization(FeatureSet="ALL")
        self.root = client.list_roots()["Roots"][0]["Id"]
        self.workloads = self.unit(self.root, "workloads")
        self.prod = self.unit(self.workloads, "prod")
        self.free, self.shop, self.deep = self.account("free"), self.account("shop"), self.account("deep")
        self.move(self.shop, self.workloads)
        self.move(self.deep, self.prod)

    def unit(self, parent, name):
        return self.client.create_organizational_unit(ParentId=parent, Name=name)["OrganizationalUnit"]["Id"]

    def account(self, name):
        made = self.client.create_account(AccountName=name, Email=f"{name}@example.com")
        return made["CreateAccountStatus"]["AccountId"]

    def move(self, account, unit):
        self.client.move_account(AccountId=account, SourceParentId=self.root, DestinationParentId=unit)

    def tag(self, account, **tags):
        rows = [{"Key": key, "Value": value} for key, value in tags.items()]
        self.client.tag_resource(ResourceId=account, Tags=rows)


@pytest.fixture
def tree(sandbox):
    sandbox.reset()
    return Tree(sandbox.client("organizations", "us-east-1"))


def a_session(url):
    keys = Keys(access_key="sandbox", secret_key="sandbox")
    return Session(Access(region=REGION, endpoint_url=url, keys=keys), lambda: datetime.now(UTC))


@pytest.fixture
def chosen(sandbox, tree):
    """The ids that an organization with these choices comes to."""
    return lambda **choices: {
        one.id for one in accounts_of(Organization(role="dr-member", **choices), a_session(sandbox.url))
    }


def test_all_are_the_active_accounts_and_the_own_one_needs_no_role(sandbox, tree):
    wanted = Organization(role="dr-member", external_id="acme")
    found = accounts_of(wanted, a_session(sandbox.url))

    others = [
        Account(id=id_, role="dr-member", external_id="acme") for id_ in (tree.free, tree.shop, tree.deep)
    ]
    assert found == tuple(sorted([Account(id=OWN), *others], key=lambda one: one.id))


def test_who_joins_is_chosen_the_next_time(chosen, tree):
    before = chosen()
    joined = tree.account("joined")

    assert chosen() - before == {joined}


def test_a_unit_holds_its_accounts_and_those_of_the_units_below_it(chosen, tree):
    assert chosen(units=(tree.workloads,)) == {tree.shop, tree.deep}
    assert chosen(units=(tree.prod,)) == {tree.deep}
    assert chosen(units=(tree.root,)) == {OWN, tree.free, tree.shop, tree.deep}
    assert chosen(units=(tree.prod, tree.workloads)) == {tree.shop, tree.deep}


def test_the_deepest_unit_that_aws_allows_is_reached(chosen, tree):
    unit = tree.prod
    for number in range(3):
        unit = tree.unit(unit, f"level-{number}")
    buried = tree.account("buried")
    tree.move(buried, unit)

    assert chosen(units=(tree.root,)) >= {buried}


def test_all_tags_have_to_match_and_a_value_is_any_of_some_globs(chosen, tree):
    tree.tag(tree.free, Tier="production", Owner="ops")
    tree.tag(tree.shop, Tier="staging", Owner="ops")
    tree.tag(tree.deep, Tier="Production")

    assert chosen(tags={"Tier": ("prod*",)}) == {tree.free}
    assert chosen(tags={"Tier": ("prod*", "staging")}) == {tree.free, tree.shop}
    assert chosen(tags={"Tier": ("*",), "Owner": ("ops",)}) == {tree.free, tree.shop}
    assert chosen(tags={"Tier": ("*",)}, units=(tree.workloads,)) == {tree.shop, tree.deep}
    assert chosen(tags={"Nowhere": ("*",)}) == set()


def test_an_excluded_account_is_left_out(chosen, tree):
    assert chosen(exclude=(OWN, tree.shop)) == {tree.free, tree.deep}


def test_a_suspended_account_is_left_out(chosen, tree):
    tree.client.close_account(AccountId=tree.shop)

    assert chosen() == {OWN, tree.free, tree.deep}
    assert chosen(units=(tree.workloads,)) == {tree.deep}


def test_a_unit_that_does_not_exist_is_an_error_and_no_empty_choice(chosen):
    with pytest.raises(CloudError, match="organizations:ListAccountsForParent"):
        chosen(units=("ou-abcd-11111111",))


# --- one account ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "choose",
    [
        lambda _tree: {},
        lambda tree: {"units": (tree.workloads,)},
        lambda tree: {"units": (tree.prod,)},
        lambda tree: {"units": (tree.root,), "tags": {"Tier": ("prod*",)}},
        lambda tree: {"tags": {"Tier": ("prod*", "staging")}},
        lambda tree: {"exclude": (OWN, tree.shop)},
    ],
)
def test_an_account_that_is_asked_about_alone_is_what_it_is_among_all(sandbox, tree, choose):
    tree.tag(tree.free, Tier="production")
    tree.tag(tree.deep, Tier="staging")
    closed = tree.account("closed")
    tree.client.close_account(AccountId=closed)
    wanted = Organization(role="dr-member", external_id="acme", **choose(tree))
    session = a_session(sandbox.url)

    every = {one.id: one for one in accounts_of(wanted, session)}
    asked = [OWN, tree.free, tree.shop, tree.deep, closed, "999999999999", "no account"]
    assert {id_: one for id_ in asked if (one := account_of(wanted, session, id_))} == every


def test_who_asks_about_one_account_lists_no_other():
    answers = {
        "DescribeAccount": {"Account": row(7)},
        "ListParents": {"Parents": [{"Id": "r-abcd", "Type": "ROOT"}]},
        "ListTagsForResource": {"Tags": [{"Key": "Tier", "Value": "prod"}]},
        "": IDENTITY,
    }
    wanted = Organization(role="dr", units=("r-abcd",), tags={"Tier": ("prod",)})
    with organizations(lambda operation, _: (200, answers[operation])) as (session, asked):
        found = account_of(wanted, session, "000000000007")

    assert found == Account(id="000000000007", role="dr")
    assert [operation for operation, _ in asked if operation] == [
        "DescribeAccount",
        "ListParents",
        "ListTagsForResource",
    ]


def test_an_account_that_may_not_be_asked_about_is_an_error_and_not_left_out():
    refusal = {"__type": "AccessDeniedException", "Message": "no"}
    with organizations(lambda *_: (400, refusal)) as (session, _), pytest.raises(Denied) as caught:
        account_of(Organization(role="dr"), session, "000000000007")

    assert caught.value.action == "organizations:DescribeAccount"


# --- what moto does not do --------------------------------------------------------------------------------------------


@contextmanager
def organizations(answer):
    """An endpoint of Organizations: `answer` makes (status, document) of an operation and its request."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
            request = json.loads(body) if operation else {}
            asked.append((operation, request))
            status, document = answer(operation, request)
            self.send_response(status)
            sent = document if isinstance(document, bytes) else json.dumps(document).encode()
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *_):
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.block_on_close = True, False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield a_session(f"http://127.0.0.1:{server.server_port}"), asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


IDENTITY = (
    b'<R xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
    b"<Account>123456789012</Account></GetCallerIdentityResult></R>"
)


def row(number):
    return {"Id": f"{number:012d}", "State": "ACTIVE"}


def paged(operation, request):
    """Three pages of ten, of which the second is empty: AWS says that this happens."""
    if not operation:
        return 200, IDENTITY
    page = int(request.get("NextToken", "0"))
    rows = [] if page == 1 else [row(100 * page + number) for number in range(10)]
    return 200, {"Accounts": rows} | ({"NextToken": str(page + 1)} if page < 2 else {})


def test_every_page_is_read_also_after_one_that_is_empty():
    with organizations(paged) as (session, asked):
        found = accounts_of(Organization(role="dr-member"), session)

    assert [one.id for one in found] == [f"{100 * page + n:012d}" for page in (0, 2) for n in range(10)]
    assert [request for operation, request in asked if operation] == [
        {},
        {"NextToken": "1"},
        {"NextToken": "2"},
    ]


def test_who_may_not_ask_is_told_which_permission_is_missing():
    refusal = {"__type": "AccessDeniedException", "Message": "You don't have permissions"}
    with organizations(lambda *_: (400, refusal)) as (session, asked), pytest.raises(Denied) as caught:
        accounts_of(Organization(role="dr-member"), session)

    assert (caught.value.action, len(asked)) == ("organizations:ListAccounts", 1)


def test_an_answer_without_accounts_is_an_error_and_no_empty_organization():
    with organizations(lambda *_: (200, {})) as (session, _), pytest.raises(CloudError):
        accounts_of(Organization(role="dr-member"), session)


def test_the_state_counts_where_aws_gives_both_and_the_status_where_it_gives_that_alone():
    rows = [
        {"Id": "000000000001", "Status": "ACTIVE", "State": "PENDING_CLOSURE"},
        {"Id": "000000000002", "Status": "ACTIVE"},
        {"Id": "000000000003", "Status": "SUSPENDED"},
        {"Id": "000000000004"},
    ]
    answer = lambda operation, _request: (200, {"Accounts": rows} if operation else IDENTITY)  # noqa: E731
    with organizations(answer) as (session, _):
        assert [one.id for one in accounts_of(Organization(role="dr"), session)] == ["000000000002"]
