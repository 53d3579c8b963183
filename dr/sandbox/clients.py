"""Plain boto3 at a sandbox, for what is no part of dr itself: seeding it, losing of it, asking it."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config


def client(url: str, service: str, region: str) -> Any:
    """A client of the sandbox at this URL."""
    make: Any = boto3.client  # the service is a variable here
    return make(
        service,
        region_name=region,
        endpoint_url=url,
        aws_access_key_id="sandbox",
        aws_secret_access_key="sandbox",  # noqa: S106 - any credentials will do here
        config=Config(retries={"total_max_attempts": 2}),
    )
