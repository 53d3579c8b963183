"""Client tokens: the same token with the same request makes nothing new.

Source: EC2 API Reference, "Ensuring idempotency in Amazon EC2 API requests": the answer is that of the first call;
other parameters with the same token are an IdempotentParameterMismatch.
"""

from __future__ import annotations

import json
from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.responses.amis import AmisResponse
from moto.ec2.responses.elastic_block_store import ElasticBlockStore
from moto.ec2.responses.instances import InstanceResponse

from dr.sandbox.corrections import replace


def install() -> None:
    """Honour ClientToken where dr and CloudFormation send it."""
    for owner, name in (
        (InstanceResponse, "run_instances"),
        (ElasticBlockStore, "create_volume"),
        (AmisResponse, "copy_image"),
    ):
        _honour(owner, name)


def _honour(owner: Any, name: str) -> None:
    original = getattr(owner, name)

    def act(self: Any) -> Any:
        token = self._get_param("ClientToken")
        if not token:
            return original(self)
        # kept on the backend, so that a reset forgets them with everything else
        seen = self.ec2_backend.__dict__.setdefault("client_tokens", {})
        asked = json.dumps(self.params, sort_keys=True, default=str)
        if (name, token) not in seen:
            seen[name, token] = asked, original(self)
        before, answer = seen[name, token]
        if before != asked:
            raise EC2ClientError(
                "IdempotentParameterMismatch", "The client token was used before with other parameters"
            )
        return answer

    act.__name__ = name
    replace.method(owner, name, act)
