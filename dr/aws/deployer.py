"""`StackDeployer`: the stack of dr's own functions, and the bucket that its package lies in.

Every changing call may be repeated: a change set, its execution and a deletion carry the digest of what they ask for, an
object lies under its own digest, and what is deleted twice is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dr.aws import stacks_read
from dr.aws.errors import field, translated
from dr.aws.maker import CloudFormationMaker
from dr.aws.pages import pages
from dr.aws.session import Session
from dr.errors import CloudError, NotFound, Refused, Taken
from dr.ports import LiveStack, StackEvent
from dr.words import without_credentials

_ELSEWHERE = ("301", "PermanentRedirect", "AuthorizationHeaderMalformed")
"""What S3 answers about a bucket of another Region where botocore is not told which. Source: S3 user guide, error responses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """A change set to be made: exactly one of `body` and `url` is set; `token` is its name."""

    stack: str
    token: str
    create: bool
    body: str | None
    url: str | None
    parameters: Mapping[str, str]
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """One resource that a change set changes. `replaced` is True, False or Conditional, as CloudFormation has it."""

    action: str
    logical_id: str
    type: str
    replaced: str


class StackDeployer:
    """CloudFormation and S3 of the Region that functions run in."""

    def __init__(self, session: Session, region: str) -> None:
        self._session = session
        self._region = region
        self._maker = CloudFormationMaker(session, region)

    def live(self, name: str) -> LiveStack | None:
        """The stack, None when there is none."""
        return self._maker.live(name)

    def template(self, name: str) -> str | None:
        """What is deployed; None where there is only a change set, or no stack."""
        try:
            return stacks_read.template(self._session, self._region, name) or None
        except CloudError as error:
            if error.code == stacks_read.VALIDATION:
                return None
            raise

    def events(self, stack_id: str) -> tuple[StackEvent, ...]:
        """All events of the stack, oldest first."""
        return self._maker.events(stack_id)

    def staged_url(self, bucket: str, digest: str) -> str:
        """The URL that the text of this SHA-256 has once it is staged."""
        return self._maker.staged_url(bucket, digest)

    def stage(self, bucket: str, body: str) -> str:
        """Put a template where CloudFormation can read it; its URL."""
        return self._maker.stage(bucket, body)

    def ask(self, asking: Asking) -> None:
        """Ask for a change set. One of the same name is left of a run that was interrupted, and may be out of date."""
        try:
            self._ask(asking)
        except Taken:
            self._delete(asking)
            self._ask(asking)

    def _ask(self, asking: Asking) -> None:
        with translated("cloudformation:CreateChangeSet", self._region):
            self._client.create_change_set(**_request(asking))

    def _delete(self, asking: Asking) -> None:
        """Delete the change set; one that is not there, or whose stack is not, is success."""
        try:
            with translated("cloudformation:DeleteChangeSet", self._region):
                self._client.delete_change_set(StackName=asking.stack, ChangeSetName=asking.token)
        except CloudError as error:
            if not isinstance(error, NotFound) and not self._is_gone(error, asking.stack):
                raise

    def _is_gone(self, error: CloudError, stack: str) -> bool:
        """Whether an answer that many faults have means that there is no such stack."""
        return error.code == stacks_read.VALIDATION and self.live(stack) is None

    def asked_with(self, stack: str) -> tuple[Mapping[str, str], ...]:
        """The tags that each change set of a stack would set: under review that is all that tells whose it is."""
        action = "cloudformation:ListChangeSets"
        where, name = (action, self._region), {"StackName": stack}
        names = [
            row["ChangeSetName"] for row in pages(self._client.list_change_sets, "Summaries", where, name)
        ]
        return tuple(tags for each in names if (tags := self._tags(stack, each)) is not None)

    def _tags(self, stack: str, change_set: str) -> Mapping[str, str] | None:
        try:
            with translated("cloudformation:DescribeChangeSet", self._region):
                found = self._client.describe_change_set(StackName=stack, ChangeSetName=change_set)
        except NotFound:
            return None
        return {tag["Key"]: tag["Value"] for tag in found.get("Tags", ())}

    def asked(self, asking: Asking) -> tuple[str, str, tuple[ChangeRow, ...]] | None:
        """The status of the change set, why, and what it changes; None when there is none."""
        action = "cloudformation:DescribeChangeSet"
        request = {"StackName": asking.stack, "ChangeSetName": asking.token}
        try:
            with translated(action, self._region):
                answer = self._client.describe_change_set(**request)
            status = str(field(answer, "Status", action, self._region))
            rows = list(pages(self._client.describe_change_set, "Changes", (action, self._region), request))
        except NotFound:
            return None
        except CloudError as error:
            if self._is_gone(error, asking.stack):
                return None
            raise
        return status, without_credentials(answer.get("StatusReason", "")), tuple(map(_row, rows))

    def withdraw(self, asking: Asking) -> None:
        """Delete the change set, and the empty stack that it was to create."""
        self._delete(asking)
        found = self.live(asking.stack)
        if found is not None and found.status == "REVIEW_IN_PROGRESS":
            self.delete(found.stack_id, asking.token)

    def execute(self, asking: Asking, token: str) -> None:
        """Execute it, as the operation of this token; one that runs already is followed."""
        self._maker.execute(asking.stack, asking.token, token)

    def delete(self, stack_id: str, token: str) -> None:
        """Delete the stack; one that is not there is success. Its events bear the token."""
        with translated("cloudformation:DeleteStack", self._region):
            self._client.delete_stack(StackName=stack_id, ClientRequestToken=token)

    def status(self, stack_id: str) -> tuple[str, str]:
        """The status of a stack by its id, and why; DELETE_COMPLETE for one that is gone."""
        found = stacks_read.describe(self._session, self._region, stack_id)
        if found is None:
            return "DELETE_COMPLETE", ""
        return str(found["StackStatus"]), without_credentials(found.get("StackStatusReason", ""))

    # --- the bucket ---------------------------------------------------------------------------------------------

    def require_bucket(self, bucket: str) -> None:
        """Raise `NotFound` or `Denied` for a bucket that is not there or not ours, `Refused` for one that is not in this Region."""
        try:
            with translated("s3:ListBucket", self._region):
                answer = self._s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=self._session.account())
        except NotFound as error:
            raise NotFound(
                f"there is no bucket {bucket}, in which the functions' package is to lie",
                "make it, or name another: staging_bucket in dr.yaml",
            ) from error
        except CloudError as error:
            if error.code not in _ELSEWHERE:
                raise
            raise self._elsewhere(bucket, "another Region") from error
        where = answer.get("BucketRegion") or self._region
        if where != self._region:
            raise self._elsewhere(bucket, where)

    def _elsewhere(self, bucket: str, where: str) -> Refused:
        return Refused(
            f"the bucket {bucket} is in {where}, and functions in {self._region} take their code from there only",
            f"name a bucket of that Region: staging_bucket: {{{self._region}: ...}}",
        )

    def put_package(self, bucket: str, key: str, data: bytes) -> None:
        """Put it there, over whatever lies under its key: only what was sent now is known to be the package."""
        with translated("s3:PutObject", self._region):
            self._s3.put_object(
                Bucket=bucket, Key=key, Body=data, ExpectedBucketOwner=self._session.account()
            )

    def packages(self, bucket: str, prefix: str) -> tuple[str, ...]:
        """The keys below a prefix."""
        call: Callable[..., Any] = self._s3.list_objects_v2
        found: list[str] = []
        token: dict[str, str] = {}
        while True:
            with translated("s3:ListBucket", self._region):
                answer = call(
                    Bucket=bucket, Prefix=prefix, ExpectedBucketOwner=self._session.account(), **token
                )
            found += [row["Key"] for row in answer.get("Contents", ())]
            if not answer.get("IsTruncated"):
                return tuple(found)
            token = {"ContinuationToken": answer["NextContinuationToken"]}

    def remove(self, bucket: str, keys: Sequence[str]) -> None:
        """Delete objects, one by one; what is not there is success."""
        for key in keys:
            with translated("s3:DeleteObject", self._region):
                self._s3.delete_object(Bucket=bucket, Key=key, ExpectedBucketOwner=self._session.account())

    @property
    def _client(self) -> Any:
        return self._session.cloudformation(self._region)

    @property
    def _s3(self) -> Any:
        return self._session.client("s3", self._region)


def _request(asking: Asking) -> dict[str, Any]:
    """A stack that cannot be made leaves nothing (OnStackFailure DELETE); one that cannot be changed goes back by itself."""
    request: dict[str, Any] = {
        "StackName": asking.stack,
        "ChangeSetName": asking.token,
        "ChangeSetType": "CREATE" if asking.create else "UPDATE",
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value} for key, value in asking.parameters.items()
        ],
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "Tags": [{"Key": key, "Value": value} for key, value in asking.tags.items()],
    }
    if asking.create:
        request["OnStackFailure"] = "DELETE"
    if asking.url is not None:
        request["TemplateURL"] = asking.url
    else:
        request["TemplateBody"] = asking.body or ""
    return request


def _row(change: Mapping[str, Any]) -> ChangeRow:
    row = change.get("ResourceChange", {})
    return ChangeRow(
        action=str(row.get("Action", "")),
        logical_id=str(row.get("LogicalResourceId", "")),
        type=str(row.get("ResourceType", "")),
        replaced=str(row.get("Replacement", "")),
    )
