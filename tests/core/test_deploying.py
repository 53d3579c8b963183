"""What a deployment asks of AWS, and takes back: against a stand-in that answers as it is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from dr import layout
from dr.aws.deployer import ChangeRow
from dr.deploy.deploying import (
    Deployer,
    Proposed,
    carry_out,
    left_packages,
    propose,
    removable,
    undeploy,
    withdraw,
)
from dr.deploy.shown import proposed_text
from dr.deploy.stack import Stack
from dr.errors import Ambiguous, Busy, CloudError, Denied, Interrupted, NotFound, Refused, Unreachable
from dr.ports import LiveStack, StackEvent

SHORT = Stack(
    name="dr-acme", region="eu-west-1", template="{}", parameters={"PackageKey": "dr-packages/acme/1.zip"}
)
LONG = Stack(name="dr-acme", region="eu-west-1", template=" " * 51_201, parameters=SHORT.parameters)
ROWS = (ChangeRow(action="Add", logical_id="Q", type="AWS::SQS::Queue", replaced=""),)
REASON = "The submitted information didn't contain changes."


def live(status, **facts):
    return LiveStack(
        stack_id="id", name="dr-acme", status=status, **{"tags": {layout.MANAGED: "acme"}, **facts}
    )


def event(number, status, reason=""):
    now = datetime(2026, 3, 10, tzinfo=UTC)
    return StackEvent(
        id=str(number), time=now, stack="dr-acme", logical_id="Q", type="T", status=status, reason=reason
    )


class Aws:
    """Answers by name: a value, an exception to raise, or a list of one of these for each call."""

    def __init__(self, **answers):
        self.calls, self._answers = [], {"live": None, "events": (), "packages": (), **answers}

    def __getattr__(self, name):
        def call(*arguments):
            self.calls.append((name, *arguments))
            answer = self._answers.get(name)
            if isinstance(answer, list):
                answer = answer.pop(0) if len(answer) > 1 else answer[0]
            if isinstance(answer, BaseException):
                raise answer
            return answer

        return call

    def made(self):
        """The names of the calls that change something."""
        changing = ("stage", "ask", "withdraw", "remove", "put_package", "execute", "delete")
        return [name for name, *_ in self.calls if name in changing]


class Clock:
    def sleep(self, seconds):
        pass


def deployer(aws):
    return Deployer(aws=aws, region="eu-west-1", installation="acme", bucket="packages", clock=Clock())


def proposed(stack=SHORT, **answers):
    aws = Aws(**{"asked": ("CREATE_COMPLETE", "", ROWS), "staged_url": "https://url", **answers})
    return aws, propose(stack, deployer(aws))


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        ("ROLLBACK_COMPLETE", "dr undeploy"),
        ("CREATE_FAILED", "dr undeploy"),
        ("ROLLBACK_FAILED", "dr undeploy"),
        ("DELETE_FAILED", "run `dr undeploy` again"),
        (
            "UPDATE_ROLLBACK_FAILED",
            "continue-update-rollback --stack-name dr-acme --region eu-west-1; or remove it",
        ),
    ],
)
def test_a_stack_that_cannot_be_changed_is_refused_with_what_to_do_and_may_be_removed(status, remedy):
    aws = Aws(live=live(status, reason="because"))
    with pytest.raises(Refused, match=f"is {status} and cannot be changed: because") as caught:
        propose(SHORT, deployer(aws))
    assert remedy in caught.value.remedy
    assert aws.made() == []
    assert removable(deployer(aws), "dr-acme") is not None


@pytest.mark.parametrize(
    "status", ["CREATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "DELETE_IN_PROGRESS"]
)
def test_a_stack_that_is_being_changed_is_busy(status):
    with pytest.raises(Busy, match=status):
        propose(SHORT, deployer(Aws(live=live(status))))


def test_a_foreign_stack_is_refused_whatever_it_is_doing():
    for status in ("CREATE_COMPLETE", "UPDATE_IN_PROGRESS", "ROLLBACK_FAILED"):
        aws = Aws(live=live(status, tags={layout.MANAGED: "other"}))
        with pytest.raises(Refused, match="not of the installation 'acme'"):
            removable(deployer(aws), "dr-acme")


@pytest.mark.parametrize("call", ["require_bucket", "stage", "ask", "asked"])
def test_who_may_not_is_refused_and_leaves_nothing(call):
    aws = Aws(
        **{
            "asked": ("CREATE_COMPLETE", "", ROWS),
            "staged_url": "https://url",
            call: Denied("no", "allow it"),
        }
    )
    with pytest.raises(Refused, match="nothing was deployed: no"):
        propose(LONG, deployer(aws))
    assert aws.made()[-2:] == ([] if call == "require_bucket" else ["withdraw", "remove"])


@pytest.mark.parametrize("ends", [KeyboardInterrupt(), CloudError("x"), NotFound("x")])
def test_whatever_ends_the_asking_what_was_asked_is_taken_back(ends):
    aws = Aws(asked=ends, staged_url="https://url")
    with pytest.raises(type(ends)):
        propose(LONG, deployer(aws))
    assert aws.made() == ["stage", "ask", "withdraw", "remove"]


def test_what_cannot_be_taken_back_hides_no_fault():
    aws = Aws(asked=CloudError("the fault"), withdraw=CloudError("another"), staged_url="https://url")
    with pytest.raises(CloudError, match="the fault"):
        propose(LONG, deployer(aws))
    assert aws.made()[-1] == "remove"


def test_a_change_set_that_fails_is_told_and_taken_back():
    aws = Aws(asked=("FAILED", "Parameters: [X] must exist", ()))
    with pytest.raises(CloudError, match="cannot change dr-acme: Parameters"):
        propose(SHORT, deployer(aws))
    assert aws.made() == ["ask", "withdraw"]


def test_nothing_to_change_is_what_cloudformation_says_of_it():
    aws, found = proposed(live=live("UPDATE_COMPLETE"), asked=("FAILED", REASON, ()))
    assert (found.unchanged, found.creates, aws.made()) == (True, False, ["ask", "withdraw"])
    withdraw(found, deployer(aws))
    assert aws.made() == ["ask", "withdraw"]


def test_tags_and_outputs_are_a_change_without_a_resource():
    aws, found = proposed(live=live("UPDATE_COMPLETE"), asked=("CREATE_COMPLETE", "", ()))
    assert not found.unchanged
    assert "tags or outputs, and no resource" in proposed_text(found)
    withdraw(found, deployer(aws))
    assert aws.made() == ["ask", "withdraw"]


def test_a_long_template_is_staged_until_its_change_set_is_there():
    aws, found = proposed(
        LONG,
        live=[None, live("REVIEW_IN_PROGRESS"), live("CREATE_IN_PROGRESS")],
        status=("CREATE_COMPLETE", ""),
    )
    assert (found.asking.body, found.asking.url) == (None, "https://url")
    carry_out(found, b"zip", deployer(aws), lambda _: None)
    assert aws.made() == ["stage", "ask", "remove", "put_package", "execute"]


def carried(**answers):
    aws, found = proposed(**{"live": live("UPDATE_COMPLETE"), "status": ("UPDATE_COMPLETE", ""), **answers})
    assert isinstance(found, Proposed)
    return aws, lambda: carry_out(found, b"zip", deployer(aws), lambda _: None)


@pytest.mark.parametrize(
    ("call", "ends", "told"),
    [
        ("put_package", Denied("no"), Refused),
        ("put_package", KeyboardInterrupt(), KeyboardInterrupt),
        ("execute", Denied("no"), Refused),
    ],
)
def test_what_cannot_begin_is_taken_back(call, ends, told):
    aws, carry = carried(**{call: ends})
    with pytest.raises(told):
        carry()
    assert aws.made()[-1] == "withdraw"


@pytest.mark.parametrize(
    ("ends", "told", "said"),
    [
        (Ambiguous("lost"), Ambiguous, "lost"),
        (KeyboardInterrupt(), Interrupted, "CloudFormation may have begun with dr-acme"),
    ],
)
def test_what_may_have_begun_is_left(ends, told, said):
    aws, carry = carried(execute=ends)
    with pytest.raises(told, match=said):
        carry()
    assert aws.made()[-1] == "execute"


def test_the_first_failure_is_the_reason():
    failed = (event(1, "CREATE_FAILED", "no room"), event(2, "CREATE_FAILED", "Resource creation cancelled"))
    _, carry = carried(events=[(), failed], status=("UPDATE_ROLLBACK_COMPLETE", ""))
    with pytest.raises(CloudError, match=r"it is UPDATE_ROLLBACK_COMPLETE \(Q: no room\)"):
        carry()


def test_who_interrupts_what_has_begun_is_told_that_it_goes_on():
    aws, carry = carried(status=[("UPDATE_IN_PROGRESS", ""), KeyboardInterrupt()])
    with pytest.raises(Interrupted, match="goes on with dr-acme by itself"):
        carry()
    assert aws.made()[-1] == "execute"


def of_stack(number, status):
    return replace(event(number, status), logical_id="dr-acme", type="AWS::CloudFormation::Stack")


def test_a_status_of_the_change_before_is_no_end():
    begun, ended = of_stack(1, "UPDATE_IN_PROGRESS"), of_stack(2, "UPDATE_ROLLBACK_COMPLETE")
    before, statuses = ("UPDATE_COMPLETE", ""), ["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"]
    _, carry = carried(
        events=[(), (), (begun,), (begun,), (begun, ended)],
        status=[before, before, *((status, "") for status in statuses)],
    )
    with pytest.raises(CloudError, match="it is UPDATE_ROLLBACK_COMPLETE"):
        carry()


def test_the_same_change_set_again_is_another_operation():
    tokens = []
    for events in ((), (of_stack(1, "UPDATE_COMPLETE"),)):
        aws, carry = carried(events=events)
        carry()
        tokens += [token for name, *_, token in aws.calls if name == "execute"]
    assert len(set(tokens)) == 2


@pytest.mark.parametrize("call", ["live", "status", "events"])
def test_who_loses_sight_is_told_that_it_goes_on(call):
    away = Unreachable("no answer", "check the network")
    answers = {
        "live": [live("UPDATE_COMPLETE"), live("UPDATE_COMPLETE"), away],
        "status": away,
        "events": [(), away],
    }
    _, carry = carried(**{call: answers[call]})
    with pytest.raises(
        Unreachable, match="lost sight of dr-acme, with which CloudFormation goes on"
    ) as caught:
        carry()
    assert caught.value.remedy == "check the network; run the same command again to see how it ended"


def test_who_interrupts_a_removal_is_told_that_it_may_have_begun():
    aws = Aws(delete=KeyboardInterrupt())
    with pytest.raises(Interrupted, match="may have begun to remove dr-acme"):
        undeploy(live("CREATE_COMPLETE"), deployer(aws), lambda _: None)


def test_without_a_bucket_there_are_no_packages():
    assert left_packages(replace(deployer(Aws(packages=("a",))), bucket="")) == ()


def test_packages_go_after_the_stack_and_only_then():
    keys = ("dr-packages/acme/1.zip",)
    aws = Aws(packages=keys, status=[("DELETE_IN_PROGRESS", ""), ("DELETE_COMPLETE", "")])
    assert undeploy(live("CREATE_COMPLETE"), deployer(aws), lambda _: None) == keys
    assert aws.calls[-1] == ("remove", "packages", keys)

    aws = Aws(packages=keys, status=("DELETE_FAILED", "in use"))
    with pytest.raises(CloudError, match=r"it is DELETE_FAILED \(in use\)"):
        undeploy(live("CREATE_COMPLETE"), deployer(aws), lambda _: None)
    assert aws.made() == ["delete"]


@pytest.mark.parametrize("was", [None, live("CREATE_COMPLETE")], ids=["nothing", "a stack"])
def test_the_packages_of_a_stack_that_was_deployed_meanwhile_stay(was):
    """Somebody deploys while another one is asked whether it is to go, or while it goes."""
    aws = Aws(packages=("k",), status=("DELETE_COMPLETE", ""), live=live("CREATE_COMPLETE"))

    with pytest.raises(Refused, match="was deployed meanwhile: it stands, and so do its packages"):
        undeploy(was, deployer(aws), lambda _: None)

    assert "remove" not in aws.made()


def test_a_change_set_that_another_deployment_took_away_is_told_as_that():
    _, carry = carried(execute=NotFound("ChangeSet does not exist"))

    with pytest.raises(CloudError, match="another deployment of the same has taken it away") as caught:
        carry()

    assert caught.value.remedy == "nothing was changed: deploy again"
