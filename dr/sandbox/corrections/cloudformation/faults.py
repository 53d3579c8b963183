"""What CloudFormation refuses, in its own codes and words.

`Fault` and its kind go back to the caller; `Stuck` makes one resource fail while its stack is being worked on.
"""

from __future__ import annotations

from moto.core.exceptions import ServiceException


class Fault(ServiceException):
    """ValidationError: most of what CloudFormation refuses. Source: CloudFormation API reference, Common Errors."""

    code = "ValidationError"


class AlreadyExists(Fault):
    """A stack or change set of that name exists. Source: CreateStack and CreateChangeSet, Errors."""

    code = "AlreadyExistsException"


class InsufficientCapabilities(Fault):
    """The template needs a capability that the request does not name. Source: CreateStack, Errors."""

    code = "InsufficientCapabilitiesException"


class ChangeSetNotFound(Fault):
    """No change set of that name or ARN. Source: DescribeChangeSet, Errors."""

    code = "ChangeSetNotFound"


class InvalidChangeSetStatus(Fault):
    """The change set cannot be executed or deleted as it stands. Source: ExecuteChangeSet, Errors."""

    code = "InvalidChangeSetStatus"


class Stuck(Exception):
    """One resource cannot be made, changed or deleted; the text is its status reason."""
