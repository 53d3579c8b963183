"""Where moto differs from AWS's documentation and the mission rests on it, one subject a module.

Each module has `install()`, which replaces methods of moto's classes before the server takes requests. Every name that
is replaced has to exist (`replace.method` checks it): another moto is refused at start instead of behaving half corrected.
"""

from __future__ import annotations

from dr.sandbox.corrections import (
    autoscaling,
    cloudformation,
    ec2_attachments,
    ec2_bases,
    ec2_copies,
    ec2_filters,
    ec2_images,
    ec2_instances,
    ec2_locks,
    ec2_paging,
    ec2_snapshots,
    ec2_tags,
    ec2_tokens,
    ec2_volumes,
    kms_digests,
    times,
)

_ALL = (
    times,
    ec2_tags,
    ec2_filters,
    ec2_snapshots,
    ec2_volumes,
    ec2_attachments,
    ec2_images,
    ec2_copies,
    ec2_bases,
    ec2_instances,
    ec2_locks,
    ec2_tokens,
    ec2_paging,  # after the others: it wraps what they replaced
    autoscaling,
    kms_digests,
    cloudformation,
)


def install() -> None:
    """Apply every correction, once in a process; raise RuntimeError when they do not fit this moto."""
    for module in _ALL:
        module.install()
