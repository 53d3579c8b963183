"""The accounts and Regions that one installation protects, each with the desk at which its tick works."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, partial

from dr.aws.assuming import Assumed
from dr.aws.pacing import Pacer
from dr.aws.session import Session
from dr.config import Account, Accounts, Organization
from dr.errors import Ambiguous, CloudError, DrError, EnvironmentFailed, Throttled, Unreachable, UsageError
from dr.iam.place import role_arn
from dr.model import ACCOUNTS, Policy, Unread
from dr.regions import partition
from dr.store.accounts import KnownAccounts
from dr.tick.desk import Desk
from dr.tick.shards import Calls, Shard, only_here
from dr.words import names, one_line, short

_AWAY = (Ambiguous, Throttled, Unreachable)
"""How an Organization does not answer; one that refuses has answered."""
_UNHEARD = "the Organization does not say which accounts it has ({}); dr works in those that it had"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """How an installation works in its accounts.

    `desk` makes the desk for a session, `pacer` the pace of one account: EC2 counts the calls of each by themselves.
    `known` are the accounts that an Organization had when it was last heard; opening its stores may raise `DrError`.
    """

    desk: Callable[[Session], Desk]
    pacer: Callable[[], Pacer]
    known: Callable[[], KnownAccounts]
    session_name: str


class Fleet:
    """The accounts of dr.yaml; only that of dr's own credentials where it names none.

    `unheard` is that the Organization did not answer, once it was asked.
    """

    def __init__(self, accounts: Accounts, session: Session, ways: Ways) -> None:
        self._configured = accounts
        self._session = session
        self._ways = ways
        self._sessions: dict[str, Session] = {}
        self._known: dict[str, Account | None] = {}
        self.unheard: Unread | None = None
        self._lock = threading.Lock()

    @cached_property
    def accounts(self) -> tuple[Account, ...]:
        """Each account once. Raises `DrError` where AWS has to be asked and does not tell, `UsageError` when there is none."""
        if not isinstance(self._configured, Organization):
            return self._configured or (Account(id=self._session.account()),)
        from dr.aws.organizations import accounts_of  # noqa: PLC0415 - few installations have one

        found = accounts_of(self._configured, self._session)
        if not found:
            raise UsageError(
                "accounts.organization: no active account is chosen", "compare its units and tags with AWS's"
            )
        return found

    @cached_property
    def at_work(self) -> tuple[Account, ...]:
        """The accounts that ticks work in: while the Organization does not answer, those that it had.

        Nothing expires then: an account may not be chosen any more. Raises as `accounts`.
        """
        try:
            return self.accounts
        except _AWAY as error:
            return self._remembered(error)

    def _remembered(self, error: CloudError | EnvironmentFailed) -> tuple[Account, ...]:
        """The accounts that the stores know; raises the error itself where they know of none."""
        organization, ids = self._configured, frozenset[str]()
        if not isinstance(organization, Organization):
            raise error
        with suppress(DrError):  # it is the Organization that has to be told of
            ids = self._ways.known().read(organization.choice) - set(organization.exclude)
        refused = {id_ for id_, found in self._known.items() if found is None}
        if not ids - refused:
            raise error
        message = _UNHEARD.format(one_line(error.message))
        self.unheard = Unread(what=ACCOUNTS, region="", message=message, remedy=error.remedy)
        own = self._session.account()
        return tuple(organization.account(id_, own) for id_ in sorted(ids - refused))

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the accounts that ticks work in. Raises as `accounts`."""
        return _ids(self.at_work)

    @property
    def was_heard(self) -> bool:
        """Whether there is an Organization that has said which accounts it has."""
        return isinstance(self._configured, Organization) and "accounts" in self.__dict__

    def remember(self) -> None:
        """Let the stores know the accounts, where the Organization was heard. Raises `DrError` for a store that did not take it."""
        if isinstance(self._configured, Organization) and self.was_heard:
            self._ways.known().write(self._configured.choice, _ids(self.accounts))

    def ids_near(self, id_: str | None) -> tuple[str, ...]:
        """The ids, for who asks about one: AWS is asked for that one alone, and for all only where it is none of them."""
        return (id_,) if id_ is not None and self._one(id_) else self.ids

    def has(self, id_: str) -> bool:
        """Whether it is one of them; AWS is asked for that one alone."""
        return self._one(id_) is not None if self._unasked else id_ in self.ids

    @property
    def _unasked(self) -> bool:
        """Whether there is an Organization that was not asked for all of its accounts."""
        asked = {"accounts", "at_work"} & self.__dict__.keys()
        return isinstance(self._configured, Organization) and not asked

    def _one(self, id_: str) -> Account | None:
        """An account of an Organization that was not asked for all of its accounts."""
        if not isinstance(self._configured, Organization) or not self._unasked:
            return None
        if id_ not in self._known:
            from dr.aws.organizations import account_of  # noqa: PLC0415 - few installations have one

            try:
                found = account_of(self._configured, self._session, id_)
            except _AWAY as error:
                found = _by_id(id_, self._remembered(error))
                if found is None:
                    raise
            self._known[id_] = found
        return self._known[id_]

    def account(self, id_: str) -> Account:
        """One of them by its id. Raises `UsageError` for an account that dr.yaml does not name."""
        return self._one(id_) or _among(id_, self.at_work)

    def session(self, id_: str) -> Session:
        """The clients of an account; nothing is asked yet but whose credentials dr's own are. Raises as `account`."""
        return self._of(self.account(id_))

    def session_of_stored(self, id_: str) -> Session:
        """The same, of an account that something is stored of: the store is believed while the Organization does not answer.

        Who restores may list the accounts, and not ask about one.
        """
        organization = self._configured
        if not isinstance(organization, Organization) or id_ in organization.exclude:
            return self.session(id_)
        own = self._session.account()
        if id_ not in self._sessions and id_ != own:
            with suppress(*_AWAY):
                accounts = self.at_work
                if not self.unheard:
                    return self._of(_among(id_, accounts))
        return self._of(organization.account(id_, own))

    def _of(self, account: Account) -> Session:
        id_ = account.id
        if account.role is None:
            own = self._session.account()
            if own != id_:
                raise EnvironmentFailed(
                    f"{id_} has no role in dr.yaml, and these credentials are those of {own}",
                    "name the role that dr takes on there: {id: ..., role: dr-member}",
                )
            return self._session
        with self._lock:  # one for all threads: who counts the calls of an account looks at this one
            if id_ not in self._sessions:
                self._sessions[id_] = self._assuming(id_, account.role, account.external_id)
            return self._sessions[id_]

    def _assuming(self, id_: str, role: str, external_id: str | None) -> Session:
        arn = role_arn(partition(self._session.region), id_, role)
        assumed = Assumed(account=id_, arn=arn, session_name=self._ways.session_name, external_id=external_id)
        return self._session.assuming(assumed, self._ways.pacer())

    def shards(
        self,
        policies: Sequence[Policy],
        regions: Collection[str],
        accounts: Sequence[str] | None = None,
        stop_at: datetime | None = None,
    ) -> tuple[Shard, ...]:
        """A shard for each of these Regions in each account, or in those of these ids, with the policies as they work there.

        From `stop_at` on no action begins.
        """
        return tuple(
            self._shard(id_, region, only_here(policies, region), stop_at)
            for id_ in (self.ids if accounts is None else accounts)
            for region in sorted(regions)
        )

    def asked(self) -> tuple[int, int]:
        """Calls of AWS in the accounts other than dr's own, and how many attempts were throttled."""
        with self._lock:  # a shard that was given up may still be on its way to a session
            sessions = tuple(self._sessions.values())
        counted = [session.counted() for session in sessions]
        return sum(one.begun for one in counted), sum(one.throttled for one in counted)

    def desk(self, id_: str, stop_at: datetime | None = None) -> Desk:
        """What works in one account. Its credentials come first: who has none is told so once, and not of every listing."""
        session = self.session(id_)
        if session is not self._session:
            session.credentials()
        desk = self._ways.desk(session)
        return replace(desk, hands=replace(desk.hands, stop_at=stop_at), unheard=self.unheard)

    def _shard(self, id_: str, region: str, policies: tuple[Policy, ...], stop_at: datetime | None) -> Shard:
        def calls() -> Calls:
            found = self._sessions.get(id_, self._session).calls(region)
            return Calls(begun=found.begun, ended=found.ended)

        return Shard(
            account=id_,
            region=region,
            policies=policies,
            desk=partial(self.desk, id_, stop_at),
            calls=calls,
        )


def _ids(accounts: Sequence[Account]) -> tuple[str, ...]:
    return tuple(account.id for account in accounts)


def _by_id(id_: str, accounts: Sequence[Account]) -> Account | None:
    return next((account for account in accounts if account.id == id_), None)


def _among(id_: str, accounts: Sequence[Account]) -> Account:
    if found := _by_id(id_, accounts):
        return found
    raise UsageError(
        f"{short(one_line(id_))} is none of this installation's accounts: {names(_ids(accounts))}",
        "see `accounts` in dr.yaml, and whose credentials these are",
    )
