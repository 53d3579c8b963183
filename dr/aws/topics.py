"""SNS: a message to whoever has subscribed a topic.

Publish has no token (FAILURES 2b): one that is sent again arrives twice, which is better than not at all.
"""

from __future__ import annotations

from dr.aws.errors import translated
from dr.aws.session import Session

_SUBJECT = 99
"""Characters. Source: SNS API reference, Publish, Subject: ASCII, no line break, fewer than 100, its first no space."""
_MESSAGE = 250_000
"""Bytes. Source: SNS API reference, Publish, Message: at most 256 KB."""


def publish(session: Session, topic: str, subject: str, message: str) -> None:
    """Send it. Raises as AWS's calls."""
    region = topic.split(":")[3]
    plain = subject.encode("ascii", "replace").decode()[:_SUBJECT]
    body = message.encode()[:_MESSAGE].decode(errors="ignore")
    client = session.client("sns", region)
    with translated("Publish", region):
        client.publish(TopicArn=topic, Subject=plain, Message=body)
