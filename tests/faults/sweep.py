"""The sweeps: each fault and kill -9 at each call of each operation, then one clean run (FAILURES, I5, I6, I8, I24).

    python -m faults.sweep [--write FILE]     all of it: operation x fault x calls tried x survived

A case has survived when
    the first run ended as the contract says, told no lie, and said 0 only if all was done,
    a throttle or a lost connection alone changed nothing of the end (I6),
    and after the clean run the end state is that of a run that nobody disturbed, ids and times masked.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faults.calls import KILLS, Kind
from faults.honesty import lies
from faults.operations import OPERATIONS, Operation
from faults.pages import between, put_between
from faults.servers import Server, server
from permissions import recorder

ALONE = (Kind.THROTTLED, Kind.RESET_BEFORE, Kind.RESET_AFTER)
"""What a single run survives by itself (I6)."""
UNSEEN = (Kind.DUPLICATED, Kind.HIDDEN, Kind.BROKEN, Kind.HANGING, Kind.TOKEN_LOST, None)
"""What no caller can notice when it happens: the run may end with 0, and a later one mends it."""
OF_PAGES = (Kind.TOKEN_LOST, Kind.TOKEN_REPEATED)
OF_CREATES = (Kind.HIDDEN, Kind.BROKEN, Kind.HANGING)
STORMS = 25
"""Runs of each operation in which every call may fail."""
CHANGING = ("Create", "Delete", "Deregister", "Execute", "Put", "Set", "Update")
LOOKS = re.compile("(Create|Delete)ChangeSet |(Put|Delete)Object .*/dr-staging/")
"""How a deployment looks: by a change set, and the template that it is of."""
ONCE = (10,)
"""Minutes after which a clean run follows."""
MENDING = {Kind.BROKEN: (10, 20, 30), None: (10, 20, 30)}
"""A point that failed is taken again, and goes when the new one is good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One fault at one call, numbered from 1; without a kind a storm, whose seed is the number."""

    operation: str
    kind: Kind | None
    nth: int
    action: str

    @property
    def name(self) -> str:
        """It in words."""
        return f"{self.kind.value} at call {self.nth} ({self.action})" if self.kind else f"storm {self.nth}"

    @property
    def faults(self) -> Any:
        """It as the world's server takes it."""
        return [(self.kind.name, None, self.nth)] if self.kind else self.nth


class Copies:
    """The process that copies one operation's world for every case."""

    def __init__(self, asked: Server) -> None:
        self._server = asked
        self._undisturbed: dict[tuple[int, ...], list[dict[str, Any]]] = {}

    def undisturbed(self, again: tuple[int, ...] = ONCE) -> list[dict[str, Any]]:
        """The same runs when nothing fails."""
        if again not in self._undisturbed:
            self._undisturbed[again] = self.run([], again)
        return self._undisturbed[again]

    def run(self, faults: Any, again: Sequence[int] = ONCE) -> list[dict[str, Any]]:
        """One run with these faults, and one without after so many minutes each: code, out, err, calls and state."""
        return self._server.ask({"faults": faults, "again": again})["runs"]


@contextmanager
def copies(operation: str, off: str | None = None) -> Iterator[Copies]:
    """The world of an operation, ready; `off` names a guard that is switched off in it."""
    switched = [off] if off else []
    recorded = {} if off else recorder.environ()
    with server("faults.world_server", operation, *switched, environ=recorded) as ready:
        yield Copies(ready)


# --- which cases there are ------------------------------------------------------------------------------------------


def every_case(operation: str, undisturbed: dict[str, Any]) -> list[Case]:
    """Each fault that can befall each call, and the storms."""
    single = [
        Case(operation=operation, kind=kind, nth=number, action=call["action"])
        for number, call in enumerate(undisturbed["calls"], 1)
        for kind in Kind
        if _befalls(kind, call)
    ]
    return [*single, *(Case(operation=operation, kind=None, nth=seed, action="") for seed in range(STORMS))]


def _befalls(kind: Kind, call: dict[str, Any]) -> bool:
    if kind in OF_PAGES:
        return call["paged"]
    if kind in OF_CREATES:
        return call["action"] in ("CreateSnapshot", "CreateImage")
    return True


def sample(cases: Sequence[Case]) -> list[Case]:
    """Every fault of the calls that change AWS's own things, a storm, and of every tenth call one fault, each in its turn."""
    ours = (
        "CreateSnapshot",
        "CreateImage",
        "DeleteSnapshot",
        "DeregisterImage",
        "CreateChangeSet",
        "ExecuteChangeSet",
        "DeleteStack",
    )
    seen: Counter[str] = Counter()
    chosen = [case for case in cases if case.kind is None][:1]
    for nth in sorted({case.nth for case in cases if case.kind}):
        here = [case for case in cases if case.nth == nth and case.kind]
        first = here[0].action in ours and seen[here[0].action] == 0
        seen[here[0].action] += 1
        if first:
            chosen += here
        elif nth % 10 == 0:
            chosen.append(here[(nth * 5) % len(here)])
    return chosen


def few(cases: Sequence[Case]) -> list[Case]:
    """Every sixth case of the sample, the first among them: a storm."""
    return sample(cases)[::6]


# --- what became of one ---------------------------------------------------------------------------------------------


def judge(case: Case, runs: Sequence[dict[str, Any]], wanted: Sequence[dict[str, Any]]) -> list[str]:
    """Everything that is wrong with how a case ended, beside as many undisturbed runs; empty when it has survived."""
    operation, first, last = OPERATIONS[case.operation], runs[0], runs[-1]
    return [
        *_ended(case, operation, first),
        *_unfinished(case, first, wanted[0]["state"]),
        *(f"run {n}: {lie}" for n, run in enumerate(runs, 1) if run["out"] for lie in _lies(run)),
        *(
            []
            if last["code"] in (0, *operation.refused)
            else [f"the clean run ended with {last['code']}: {_said(last)}"]
        ),
        *differences(_left(last), wanted[-1]["state"], "after the clean run"),
    ]


def _ended(case: Case, operation: Operation, first: dict[str, Any]) -> Iterator[str]:
    if case.kind in KILLS:
        if first["code"] != -9:
            yield f"was to be killed, and ended with {first['code']}"
        return
    allowed = {0, 1, *operation.refused, *([] if case.kind else [-9])}
    if first["code"] not in allowed:
        yield f"ended with {first['code']}: {_said(first)}"
    for sign in ("Traceback", "fault of its own"):
        if sign in first["err"] + first["out"]:
            yield f"{sign}: {_said(first)}"


def _unfinished(case: Case, first: dict[str, Any], wanted: dict[str, Any]) -> Iterator[str]:
    """A run that says 0 has done all; one that a throttle or a reset has met is to say 0."""
    if case.kind in ALONE and first["code"] != 0:
        yield f"did not get over it alone: {_said(first)}"
    if first["code"] == 0 and case.kind not in UNSEEN:
        yield from differences(_without_leases(first["state"]), wanted, "and yet the run ended with 0")


def _left(last: dict[str, Any]) -> dict[str, list[str]]:
    """What was left; a run that found all done took no lease, and so took none over from the dead."""
    return last["state"] if last["code"] == 0 else _without_leases(last["state"])


def _without_leases(state: dict[str, list[str]]) -> dict[str, list[str]]:
    """A lease that could not be given back ends by itself, and is no error."""
    return state | {"store": [row for row in state["store"] if "/leases/" not in row]}


def _lies(run: dict[str, Any]) -> Iterator[str]:
    try:
        document = json.loads(run["out"])
    except ValueError:
        yield f"stdout is not one JSON document: {run['out'][:200]!r}"
        return
    yield from lies(document, run["calls"])


def differences(state: dict[str, list[str]], wanted: dict[str, list[str]], when: str) -> Iterator[str]:
    """What is missing and what is too much, by sort."""
    for sort, rows in wanted.items():
        missing, more = Counter(rows) - Counter(state[sort]), Counter(state[sort]) - Counter(rows)
        yield from (f"{when}: {sort} lack {one}" for one in missing.elements())
        yield from (f"{when}: {sort} have too much: {one}" for one in more.elements())


def _said(run: dict[str, Any]) -> str:
    return (run["out"] + run["err"])[-600:]


# --- all of it ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """A case and what is wrong with how it ended."""

    case: Case
    wrong: tuple[str, ...]


def sweep(
    operation: str, choose: Any = list, share: tuple[int, int] = (0, 1), off: str | None = None
) -> list[Swept]:
    """Try the chosen cases of an operation, of which this is one of so many shares."""
    with copies(operation, off) as world:
        undisturbed, again = world.undisturbed()
        assert undisturbed["code"] == 0, _said(undisturbed)
        assert list(differences(again["state"], undisturbed["state"], "a second run")) == []
        deploys = OPERATIONS[operation].deploys
        made = [one for one in changes(again["calls"]) if not (deploys and LOOKS.match(one))]
        assert made == [], "I8: a second run changes nothing"
        number, of = share
        cases = choose(every_case(operation, undisturbed))[number::of]
        return [_tried(case, world) for case in cases]


def _tried(case: Case, world: Copies) -> Swept:
    wrong = _wrong(case, world, MENDING.get(case.kind, ONCE))
    if wrong and (mended := OPERATIONS[case.operation].mended):
        wrong = _wrong(case, world, mended)
    return Swept(case=case, wrong=tuple(wrong))


def _wrong(case: Case, world: Copies, again: tuple[int, ...]) -> list[str]:
    wanted = world.undisturbed(again)
    return judge(case, world.run(case.faults, again), wanted)


def changes(calls: Iterable[dict[str, Any]]) -> list[str]:
    """The changing calls that had an effect, without those of leases and of the claim."""
    return [
        f"{call['action']} {call['path']}"
        for call in calls
        if call["effect"] and call["action"].startswith(CHANGING) and not _of_leases(call)
    ]


def _of_leases(call: dict[str, Any]) -> bool:
    return "/leases/" in call["path"]


Row = tuple[str, str, int, int]
"""Operation, fault, calls tried and survived."""


def rows(swept: Sequence[Swept]) -> list[Row]:
    """What was tried, by operation and fault."""
    tried = Counter((one.case.operation, one.case.kind) for one in swept)
    well = Counter((one.case.operation, one.case.kind) for one in swept if not one.wrong)
    order = [(o, kind) for o in OPERATIONS for kind in (*Kind, None) if tried[o, kind]]
    return [(o, kind.value if kind else "storm", tried[o, kind], well[o, kind]) for o, kind in order]


def kept(page: str, swept: Sequence[Row]) -> list[Row]:
    """These rows, and those that a page has of the operations that were not swept now."""
    anew = {operation for operation, *_ in swept}
    found = re.findall(r"^\| ([a-z' ]+) \| (.+) \| (\d+) \| (\d+) % \|$", page, re.MULTILINE)
    before = [(o, fault, int(n), round(int(n) * int(share) / 100)) for o, fault, n, share in found]
    order = list(OPERATIONS)
    both = [*(row for row in before if row[0] in order and row[0] not in anew), *swept]
    return sorted(both, key=lambda row: order.index(row[0]))


def table(measured: Sequence[Row]) -> str:
    """operation x fault x calls tried x survived, in Markdown."""
    head = ["| operation | fault | calls tried | survived |", "|---|---|---:|---:|"]
    told = [f"| {o} | {fault} | {tried} | {100 * well / tried:.0f} % |" for o, fault, tried, well in measured]
    whole, well = sum(row[2] for row in measured), sum(row[3] for row in measured)
    return "\n".join([*head, *told, f"| **all** |  | **{whole}** | **{100 * well / whole:.4g} %** |"])


def main() -> int:
    """Sweep every operation whole; 1 when a case has not survived."""
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--write", type=Path, help="put the table into this page")
    parser.add_argument("--operation", choices=list(OPERATIONS), action="append")
    options = parser.parse_args()
    workers = os.cpu_count() or 1
    shares = [(o, (n, workers)) for o in options.operation or OPERATIONS for n in range(workers)]
    with ThreadPoolExecutor(workers) as pool:
        swept = [one for part in pool.map(lambda each: _told(*each), shares) for one in part]
    sys.stdout.write(table(rows(swept)) + "\n")
    if options.write:
        put_between(options.write, "sweep", table(kept(between(options.write, "sweep"), rows(swept))))
    return 1 if any(one.wrong for one in swept) else 0


def _told(operation: str, share: tuple[int, int]) -> list[Swept]:
    """One share of an operation; what was lost is told at once."""
    swept = sweep(operation, share=share)
    for one in swept:
        if one.wrong:
            sys.stdout.write("\n    ".join([f"{operation}: {one.case.name}", *one.wrong]) + "\n")
    sys.stdout.write(f"{operation}, share {share[0] + 1} of {share[1]}: {len(swept)} tried\n")
    sys.stdout.flush()
    return swept


if __name__ == "__main__":
    sys.exit(main())
