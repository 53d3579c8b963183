"""What the tests of the store share: a clock that stands still, and a store that can be broken at any call."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from dr.errors import EnvironmentFailed
from dr.model import Kind, Lineage, RecoveryPoint, State
from dr.store.directory import DirectoryStore
from dr.store.signing import Signing
from dr.store.stacks import StoredStacks
from dr.stored import StackOutput, StackParameter, StackResource, StoredStack

ACCOUNT, REGION = "111111111111", "eu-west-1"
NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)


class StillClock:
    """Stands still until it is moved."""

    def __init__(self, at=NOON):
        self.at = at
        self.slept = []

    def now(self):
        return self.at

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.at += timedelta(seconds=seconds)

    def advance(self, **lengths):
        self.at += timedelta(**lengths)


class Killed(BaseException):
    """The process ended here."""


@dataclass
class Breakable:
    """A real store behind a switch: away altogether, or killed before its n-th call (counting from 0).

    `meanwhile` is told each call before it is made: what other processes do at that moment.
    """

    inner: DirectoryStore
    away: bool = False
    kill_at: int | None = None
    calls: list = field(default_factory=list)
    meanwhile: object = None

    @property
    def name(self):
        return self.inner.name

    def get(self, key):
        return self._call("get", key).get(key)

    def put(self, key, body, *, if_absent=False, if_match=None):
        return self._call("put", key).put(key, body, if_absent=if_absent, if_match=if_match)

    def delete(self, key, *, if_match=None):
        return self._call("delete", key).delete(key, if_match=if_match)

    def keys(self, prefix):
        return self._call("keys", prefix).keys(prefix)

    def _call(self, what, key):
        if self.meanwhile is not None:
            self.meanwhile(what, key)
        if self.away:
            raise EnvironmentFailed(f"{self.name} is away", "wait")
        if self.kill_at is not None and len(self.calls) >= self.kill_at:
            raise Killed
        self.calls.append((what, key))
        return self.inner


class LocalKey:
    """A signing key as KMS has them, here; `fault` is raised by the next signatures."""

    name = "alias/test"

    def __init__(self):
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.fault = None

    @property
    def public(self):
        """The public key in DER."""
        return self.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, digest):
        if self.fault is not None:
            raise self.fault
        return self.private.sign(digest, ec.ECDSA(Prehashed(SHA256())))

    @property
    def signing(self):
        """It signs, and its own public key is pinned."""
        return Signing(self, self.public, "pinned.pem")


@dataclass
class Pair:
    """Two breakable stores in folders, and the stored stacks over them; with `signing` manifests are signed."""

    folder: Path
    clock: StillClock
    signing: Signing | None = None

    def __post_init__(self):
        self.primary = Breakable(DirectoryStore(self.folder / "primary", self.clock))
        self.replica = Breakable(DirectoryStore(self.folder / "replica", self.clock))
        self.both = (self.primary, self.replica)

    @property
    def stacks(self):
        """A new process over the same stores."""
        return StoredStacks(self.primary, self.replica, self.clock, self.signing)

    @property
    def alone(self):
        """A new process that knows the primary only."""
        return StoredStacks(self.primary, None, self.clock, self.signing)

    def file(self, store, key):
        return Path(store.name) / key


def stored(slot=NOON, *, template="Resources: {}\n", name="prod", policy="nightly", **rest):
    """A small stack, stored."""
    values = {
        "account": ACCOUNT,
        "region": REGION,
        "name": name,
        "stack_id": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{name}/1",
        "status": "CREATE_COMPLETE",
        "policy": policy,
        "slot": slot,
        "time": slot + timedelta(minutes=1, microseconds=5),
        "template": template,
    }
    return StoredStack(**values | rest)


def rich(slot=NOON, **rest):
    """A stack with something in every field."""
    child = stored(slot, name="prod-Net-1", template="Child: ä\r\n", processed="{}", policy="")
    values = {
        "processed": '{"Resources": {}}',
        "parameters": (
            StackParameter(name="Ami", value="/aws/ami", resolved="ami-1"),
            StackParameter(name="DbPassword", value=None, no_echo=True),
        ),
        "capabilities": ("CAPABILITY_IAM",),
        "tags": {"Environment": "prod", "ü": ""},
        "role_arn": "arn:aws:iam::111111111111:role/cfn",
        "notification_arns": ("arn:aws:sns:eu-west-1:111111111111:topic",),
        "stack_policy": '{"Statement": []}',
        "termination_protection": True,
        "description": "all of it",
        "outputs": (StackOutput(key="Url", value="https://x", export="prod-url"),),
        "imports": ("base-vpc",),
        "resources": (
            StackResource(
                logical_id="Data",
                physical_id="vol-1",
                type="AWS::EC2::Volume",
                status="CREATE_COMPLETE",
                facts={"Size": 10, "Attachments": [{"InstanceId": "i-1", "DeleteOnTermination": False}]},
            ),
        ),
        "children": {"Net": child},
    }
    return stored(slot, **values | rest)


def point_of(stack):
    """The recovery point that `write` made of it."""
    lineage = Lineage(policy=stack.policy, account=stack.account, region=stack.region, source=stack.name)
    return RecoveryPoint(
        id="of a test", kind=Kind.STACK, lineage=lineage, slot=stack.slot, time=stack.time, state=State.GOOD
    )
