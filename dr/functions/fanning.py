"""A run of many shards: which there are, and, once each had its tick, what came of them (cloudformation/functions.yaml).

shards --> Map: a tick for each --> summary
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dr.errors import CloudError, DrError, UsageError
from dr.functions import Document
from dr.functions.metrics import embedded
from dr.model import ShardRun, Unread
from dr.store.shards import ShardRuns
from dr.telling import tell_metrics, tell_run
from dr.tick.shards import Shard
from dr.words import one_line

_STATE = 250_000
"""Bytes of the 262,144 that Step Functions takes between two states, some of which are the event's: about 4,300 shards.
Source: Step Functions developer guide, Quotas related to task executions."""
_TOLD = 20
"""Shards that an error names: Step Functions shows some thousand characters of it; the answer and the log have all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run, its shards, each an account and a Region, and why they may not be all, empty where they are."""

    name: str
    shards: Sequence[tuple[str, str]]
    unheard: str = ""


def shards_document(shards: Sequence[Shard], unheard: Unread | None) -> Document:
    """`{"shards": [{"account", "region"}], "unheard"}`: why they may not be all, empty where they are.

    Raises `UsageError` for more than a run can hold: it would end without a word of what is too much.
    """
    found = {
        "shards": [{"account": shard.account, "region": shard.region} for shard in shards],
        "unheard": unheard.message if unheard else "",
    }
    if len(json.dumps(found)) > _STATE:
        raise UsageError(
            f"{len(shards)} accounts and Regions are more than one run of a state machine can hold",
            "deploy two installations, each for some of the accounts, or run `dr daemon`",
        )
    return found


def run_summary(installation: str, run: Run, runs: ShardRuns, now: datetime) -> Document:
    """`{"done", "failed": [{"account", "region", "error"}]}`. Raises `CloudError` where any shard has failed, by name, or may lack.

    A shard that recorded nothing of this run ended without a word: it was stopped, or ran out of time. A run of which anything was
    done is a tick that succeeded: one account that fails for weeks must not hide that one day nothing runs any more.
    """
    ended = [(place, _ended(run.name, runs, *place)) for place in run.shards]
    failed = [
        {"account": account, "region": region, "error": why}
        for (account, region), one in ended
        if (why := _why(one))
    ]
    done = len(run.shards) - len(failed)
    tell_run(run.name, done, failed)
    metrics = {"TickSucceeded": int(done > 0 or not failed), "ShardsFailed": len(failed)}
    tell_metrics(embedded(installation, metrics, now))
    unheard = run.unheard or next((one.unheard for _, one in ended if one and one.unheard), "")
    if told := [*([_failures(failed, of=len(run.shards))] if failed else []), *filter(None, [unheard])]:
        raise CloudError(
            one_line("; ".join(told)),
            "see their lines in the log of the tick's function; the next run tries again",
        )
    return {"done": done, "failed": failed}


def _failures(failed: Sequence[Mapping[str, str]], *, of: int) -> str:
    told = "; ".join(one_line(f"{row['account']}/{row['region']}: {row['error']}") for row in failed[:_TOLD])
    more = f"; and {len(failed) - _TOLD} more" if len(failed) > _TOLD else ""
    return f"{len(failed)} of {of} shards failed: {told}{more}"


def _ended(run: str, runs: ShardRuns, account: str, region: str) -> ShardRun | None:
    """How a shard ended in this run; None where it has not said so."""
    try:
        return runs.of(run, account, region)
    except DrError as error:
        return ShardRun(run=run, error=error.message)


def _why(found: ShardRun | None) -> str:
    """Why a shard failed; empty where it did not."""
    if found is None:
        return "it ended without a word"
    if found.error:
        return one_line(found.error)
    if found.failed:
        return f"{found.failed} of its actions failed"
    return f"{found.left} of its actions are left" if found.left else ""
