"""Everything that dr raises on purpose.

    DrError                      what went wrong, what to do, and the exit code (DESIGN 9)
    +-- UsageError         2     what the user typed or wrote
    |   +-- InvalidDocuments 2   every problem of every policy file and of dr.yaml, each with its position
    |   +-- MissingValues    2   parameters of a stack that nobody gave a value for
    +-- Refused            4     a stale plan, an existing stack, tampering: a person has to look
    +-- Busy               5     somebody else holds the lease
    +-- Interrupted      130     a person ended it
    +-- EnvironmentFailed  1     this machine or this account: no credentials, no Region, an unreachable endpoint
    |   +-- OutOfTime      1     this process has to end before the work does: asked for again, it goes on
    |   +-- Unreachable          an endpoint, for one call that was never sent
    |   +-- NotEnabled           a Region that the account has not enabled; beside others it is only warned of
    +-- CloudError         1     AWS said no to one call
        +-- Denied               no permission; names the IAM action
        +-- NotFound             the thing is not there (on a delete: success)
        +-- Taken                the name is in use
        +-- InUse                something else needs it
        +-- Ambiguous            the call may have had its effect: look before doing it again
        +-- Throttled            AWS asked to slow down, and kept asking

A message says where and what; a remedy says what to do. The executor turns CloudError and Unreachable into failed
items; any other EnvironmentFailed ends its run, and what is none of these is a bug and must be seen.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_ACTIONS = 3
EXIT_REFUSED = 4
EXIT_BUSY = 5
EXIT_INTERRUPTED = 130
_WEIGHTIEST_FIRST = (
    EXIT_INTERRUPTED,
    EXIT_USAGE,
    EXIT_BUSY,
    EXIT_REFUSED,
    EXIT_FAILED,
    EXIT_ACTIONS,
    EXIT_DONE,
)


def weightiest(codes: Iterable[int]) -> int:
    """The exit code when several apply: 130, 2, 5, 4, 1, 3 (DESIGN 9)."""
    seen = set(codes)
    return next((code for code in _WEIGHTIEST_FIRST if code in seen), EXIT_DONE)


class DrError(Exception):
    """Base of the tree; `exit_code` is the contract's (DESIGN 9)."""

    exit_code = EXIT_FAILED

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


def precede(error: DrError, what: str, remedy: str) -> None:
    """Make it the reason of something larger, with what to do about that too; for who raises it again."""
    error.message = f"{what}: {error.message}"
    error.remedy = "; ".join(part for part in (error.remedy, remedy) if part)
    error.args = (error.message,)


class UsageError(DrError):
    """What the user typed or wrote cannot be carried out."""

    exit_code = EXIT_USAGE


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """One fault in a file the user wrote; line and column count from 1."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that was found and is not as it should be; `exit` is the contract's code for it (DESIGN 9)."""

    message: str
    remedy: str
    exit: int


def fault_of(error: DrError) -> Fault:
    """The fault that an error tells."""
    return Fault(message=error.message, remedy=error.remedy, exit=error.exit_code)


class InvalidDocuments(UsageError):  # noqa: N818 - the name says what they are
    """Policy files or dr.yaml with faults: all of them at once, in the order of files and lines."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(p) for p in problems), "mend the files, then run `dr validate`")
        self.problems = problems


class MissingValues(UsageError):  # noqa: N818
    """Parameters of a stack that have no value; `names` are all of them."""

    def __init__(self, message: str, remedy: str, names: tuple[str, ...]) -> None:
        super().__init__(message, remedy)
        self.names = names


class Refused(DrError):  # noqa: N818
    """Something that dr could do and will not do without a person."""

    exit_code = EXIT_REFUSED


class Busy(DrError):  # noqa: N818
    """Another dr works on this right now."""

    exit_code = EXIT_BUSY


class Interrupted(DrError):  # noqa: N818
    """A person ended the command."""

    exit_code = EXIT_INTERRUPTED

    def __init__(
        self,
        message: str = "interrupted",
        remedy: str = "run the same command again: it goes on from what is there",
    ) -> None:
        super().__init__(message, remedy)


class EnvironmentFailed(DrError):  # noqa: N818
    """This machine or account cannot reach AWS: credentials, Region, endpoint, bucket."""


class OutOfTime(EnvironmentFailed):
    """The work is under way and this process may not wait for its end. Doing the same again goes on with it."""


class Unreachable(EnvironmentFailed):
    """An endpoint could not be reached: the call was never sent, and had no effect."""


class NotEnabled(EnvironmentFailed):
    """The account has not enabled a Region: nothing can be there."""


class CloudError(DrError):
    """AWS refused one call. `code` is AWS's own error code, `action` the IAM action (`ec2:CreateSnapshot`)."""

    def __init__(self, message: str, remedy: str = "", *, code: str = "", action: str = "") -> None:
        super().__init__(message, remedy)
        self.code = code
        self.action = action


class Denied(CloudError):  # noqa: N818
    """No permission for the action."""


class NotFound(CloudError):  # noqa: N818
    """The resource does not exist (any more)."""


class Taken(CloudError):  # noqa: N818
    """The name is in use."""


class InUse(CloudError):  # noqa: N818
    """Something else needs the resource."""


class Ambiguous(CloudError):  # noqa: N818
    """The answer was lost: the call may or may not have had its effect (FAILURES 2, row 3)."""


class Throttled(CloudError):  # noqa: N818
    """AWS kept asking to slow down until the retries were used up. The call had no effect (FAILURES 2, row 1)."""
