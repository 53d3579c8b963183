"""A StackMaker of values: change sets become available, stacks complete, unless a test says otherwise."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from dr.errors import Denied, NotFound
from dr.ports import ChangeSet, LiveStack, NewStack, StackEvent

TIME = datetime(2026, 3, 29, 12, tzinfo=UTC)


def event(logical_id: str, status: str, reason: str = "", kind: str = "AWS::EC2::Volume") -> StackEvent:
    return StackEvent(
        id=f"{logical_id}-{status}",
        time=TIME,
        stack="prod",
        logical_id=logical_id,
        type=kind,
        status=status,
        reason=reason,
    )


@dataclass(slots=True)
class FakeMaker:
    """`born` are (physical id, SnapshotId or ImageId) by logical id; `ends_as` what an executed stack comes to.

    `change_set_fails` is the reason of the next change set's failure; `overtaken` what becomes of it when another one
    is executed right after its creation: "OBSOLETE", "gone", or "deleted" with its stack. `dies_after` raises KeyboardInterrupt right
    after the call of that name has had its effect, once; `calls` are the changing calls. `expired` are points that
    are gone, `denied` what `protect` is refused for: "stack policy", "termination protection";
    "template summary" is `validate`, whose answer is `needs`; "images" is `gone`, and "events" itself.
    """

    born: dict[str, tuple[str, str]] = field(default_factory=dict)
    ends_as: str = "CREATE_COMPLETE"
    happened: tuple[StackEvent, ...] = ()
    change_set_fails: str = ""
    overtaken: str = ""
    dies_after: str = ""
    expired: set[str] = field(default_factory=set)
    denied: set[str] = field(default_factory=set)
    needs: tuple[str, ...] = ()
    stacks: dict[str, LiveStack] = field(default_factory=dict)
    starters: dict[str, str] = field(default_factory=dict)
    change_sets: dict[tuple[str, str], ChangeSet] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    asked_for: list[NewStack] = field(default_factory=list)

    def add(self, name: str, status: str, starter: str = "") -> LiveStack:
        live = LiveStack(stack_id=f"arn:{name}/{len(self.starters)}", name=name, status=status, tags={})
        self.stacks[name] = live
        self.starters[live.stack_id] = starter
        return live

    def _done(self, call: str, what: str) -> None:
        self.calls.append((call, what))
        self._die(call)

    def _die(self, call: str) -> None:
        if self.dies_after == call:
            self.dies_after = ""
            raise KeyboardInterrupt

    def live(self, name: str) -> LiveStack | None:
        return next((one for one in self.stacks.values() if name in (one.name, one.stack_id)), None)

    def started_by(self, stack_id: str) -> str | None:
        return self.starters.get(stack_id) or None

    def create_change_set(self, new: NewStack) -> None:
        self.asked_for.append(new)
        if new.name not in self.stacks:
            self.add(new.name, "REVIEW_IN_PROGRESS")
        status = ("FAILED", "UNAVAILABLE") if self.change_set_fails else ("CREATE_COMPLETE", "AVAILABLE")
        self.change_sets[new.name, new.token] = ChangeSet(
            name=new.token, status=status[0], execution_status=status[1], reason=self.change_set_fails
        )
        self.change_set_fails = ""
        self._overtake(new)
        self._done("create_change_set", new.token)

    def _overtake(self, new: NewStack) -> None:
        if self.overtaken:
            self.add(new.name, "CREATE_IN_PROGRESS", "dr-another")
            mine = self.change_sets.pop((new.name, new.token))
            if self.overtaken == "deleted":
                del self.stacks[new.name]
            elif self.overtaken == "OBSOLETE":
                self.change_sets[new.name, new.token] = replace(mine, execution_status=self.overtaken)

    def change_set(self, stack: str, name: str) -> ChangeSet | None:
        return self.change_sets.get((stack, name))

    def execute(self, stack: str, name: str) -> None:
        found = self.change_sets[stack, name]
        self.change_sets[stack, name] = replace(found, execution_status="EXECUTE_IN_PROGRESS")
        live = self.stacks[stack]
        self.starters[live.stack_id] = name
        self.stacks[stack] = replace(live, status="CREATE_IN_PROGRESS")
        self._done("execute", name)

    def events(self, stack_id: str) -> tuple[StackEvent, ...]:
        live = self.live(stack_id)
        assert live is not None
        self._die("events")
        if "events" in self.denied:
            raise Denied("no permission for cloudformation:DescribeStackEvents")
        if live.status == "CREATE_IN_PROGRESS":
            self.stacks[live.name] = replace(live, status=self.ends_as, reason="The following failed")
        return self.happened

    def resources(self, stack_id: str) -> Mapping[str, tuple[str, str]]:
        return {name: (physical, "") for name, (physical, _) in self.born.items()}

    def volumes(self, ids: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        found = dict(self.born.values())
        return {one: {"SnapshotId": found[one]} for one in ids if one in found}

    def instances(self, ids: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        found = dict(self.born.values())
        return {one: {"ImageId": found[one]} for one in ids if one in found}

    def gone(self, ids: Sequence[str]) -> tuple[str, ...]:
        if "images" in self.denied:
            raise Denied("no permission for ec2:DescribeImages")
        return tuple(one for one in ids if one in self.expired)

    def protect(self, stack_id: str, *, stack_policy: str | None, termination: bool) -> None:
        what = "termination protection" if termination else "stack policy"
        if what in self.denied:
            raise Denied(f"no permission for {what}", "allow it")
        self._done("protect", f"{stack_policy} {termination}")

    def exports(self) -> Mapping[str, str]:
        return {}

    def ssm_parameter(self, name: str) -> str:
        raise NotFound(f"no parameter {name}")

    def stage(self, bucket: str, body: str) -> str:
        self._done("stage", bucket)
        return self.staged_url(bucket, hashlib.sha256(body.encode()).hexdigest())

    def staged_url(self, bucket: str, digest: str) -> str:
        return f"https://{bucket}/{digest}"

    def validate(self, body: str | None, url: str | None) -> tuple[str, ...]:
        if "template summary" in self.denied:
            raise Denied("no permission for cloudformation:GetTemplateSummary")
        return self.needs
