"""What stands at the place that a restore is to fill, and whether a restore of ours has begun it.

    nothing there                                     -> begin
    REVIEW_IN_PROGRESS with a change set of ours      -> begin in it: nothing was created yet
    a stack that an unfinished restore of ours began  -> go on with it, with the points that were chosen then
    anything else                                     -> refused, untouched (FAILURES I13)

Whose it is, is told by tokens, which AWS keeps in the stack's events: `dr-<digest of the plan>`. The journal in the
store says which plan that was, because a plan that is made a minute later may choose newer points and so be another.
"""

from __future__ import annotations

from datetime import datetime

from dr.errors import Refused
from dr.layout import change_set_name
from dr.model import Begun
from dr.ports import LiveStack, StackMaker
from dr.stacks.restore import RestorePlan
from dr.words import instant

REVIEW = "REVIEW_IN_PROGRESS"
EXECUTED = ("EXECUTE_IN_PROGRESS", "EXECUTE_COMPLETE", "EXECUTE_FAILED")
_OF_A_CREATION = ("CREATE_", "ROLLBACK_")


def token(begun: Begun) -> str:
    """The name of its change set, and the token of its calls."""
    return change_set_name(begun.plan, begun.attempt)


def taken_up(name: str, asked_at: datetime | None, begun: Begun | None, maker: StackMaker) -> Begun | None:
    """The unfinished restore of ours that has begun to create this stack; None when there is none.

    Before its change set is executed nothing has been created, and a fresh plan may choose newer points.
    """
    if begun is None or begun.ended or begun.asked_at != asked_at:
        return None
    live = maker.live(name)
    if live is None:
        return None
    if live.status == REVIEW:
        return begun if _is_executed(name, begun, maker) else None
    return begun if maker.started_by(live.stack_id) == token(begun) else None


def _is_executed(name: str, begun: Begun, maker: StackMaker) -> bool:
    found = maker.change_set(name, token(begun))
    return found is not None and found.execution_status in EXECUTED


def to_go_on_with(plan: RestorePlan, begun: Begun | None, maker: StackMaker) -> LiveStack | None:
    """The target as it is now when this plan may go on with it, None when there is nothing.

    Raises `Refused` for a stack that this plan has not begun.
    """
    live = maker.live(plan.name)
    if live is None:
        return None
    if live.status == REVIEW:
        if any(maker.change_set(plan.name, one) is not None for one in _tokens(plan, begun)):
            return live
        raise exists(plan, live)
    starter = maker.started_by(live.stack_id)
    ended = begun is not None and begun.ended
    if live.status.startswith(_OF_A_CREATION) and starter in _tokens(plan, begun) and not ended:
        if begun is not None and starter == token(begun) and begun.plan != plan.id:
            raise _failed_before(plan, live, begun) if _failed(live) else _by_other_choices(plan, begun)
        return live
    if begun is not None and ended and starter == token(begun):
        raise _finished(plan, begun)
    raise exists(plan, live)


def _tokens(plan: RestorePlan, begun: Begun | None) -> set[str]:
    """What may have begun it: this plan, and the restore of the journal."""
    attempts = begun.attempt if begun is not None and begun.plan == plan.id else 1
    mine = {change_set_name(plan.id, number) for number in range(1, attempts + 1)}
    return mine | ({token(begun)} if begun is not None else set())


def exists(plan: RestorePlan, live: LiveStack) -> Refused:
    """What is said of a stack that this plan has not begun; where a store is away, who has begun it may stand there."""
    there = f"stack {plan.name} exists in {plan.region} ({live.status}): dr never touches a stack that exists"
    if away := next((finding.message for finding in plan.findings if finding.about == "store"), ""):
        return Refused(
            f"{there}. {away}: there may be the journal of a restore that began it",
            "bring that store back and run the same command again, which goes on with such a restore; or restore beside it "
            f"with --as {plan.name[:119]}-restored",
        )
    return Refused(
        there,
        f"restore beside it with --as {plan.name[:119]}-restored, or delete it first if it is really lost",
    )


def _failed(live: LiveStack) -> bool:
    """Whether its creation has come to an end that it does not come back from (FAILURES 2, row 35)."""
    return not live.status.endswith(("_IN_PROGRESS", "CREATE_COMPLETE"))


def _failed_before(plan: RestorePlan, live: LiveStack, begun: Begun) -> Refused:
    return Refused(
        f"the restore of {instant(begun.began)} ended: stack {plan.name} is {live.status}",
        f"look at its events, delete the stack {plan.name} that this restore began, and restore again",
    )


def _finished(plan: RestorePlan, begun: Begun) -> Refused:
    """Somebody asks again, perhaps because the answer was lost: the stack is the good one, and is not to be deleted."""
    return Refused(
        f"stack {plan.name} is there: the restore of {instant(begun.began)} made it, and has ended",
        f"nothing is left to do; once more, beside it: {_command(plan.stack, plan)} --as {plan.name[:119]}-restored",
    )


def _by_other_choices(plan: RestorePlan, begun: Begun) -> Refused:
    _, *where, slot = begun.stored.split("/")
    stack = where[-1] if where else slot  # stack/<account>/<region>/<name>/<slot> (DESIGN 8)
    under = "" if stack == plan.name else f" --as {plan.name}"
    at = "" if begun.asked_at is None else f" --at {instant(begun.asked_at)}"
    return Refused(
        f"an unfinished restore of {instant(begun.began)} made stack {plan.name} with other choices",
        f"to go on with it: `{_command(stack, plan)}{under}{at}`, and the --parameter, --names and --user-data "
        f"that it was given; or delete the stack {plan.name} that it began, and restore anew",
    )


def _command(stack: str, plan: RestorePlan) -> str:
    return f"dr restore --stack {stack} --region {plan.region}"
