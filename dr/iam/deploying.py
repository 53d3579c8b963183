"""What `dr deploy` reaches: the stack of the functions, their packages, and what CloudFormation makes of the template.

CloudFormation acts with the rights of whoever has asked it: what it makes may be made through it alone
(`aws:CalledViaFirst`), and so by a change set of the one stack, which stays to be read in its events.
Source: IAM user guide, Global condition keys, aws:CalledViaFirst; Forward access sessions.

Everything has the name that cloudformation/functions.yaml gives it, or lies under the path of the installation: a pattern such
as dr-acme-* would be that of an installation acme-2 too.
"""

from __future__ import annotations

from dr import layout
from dr.iam.place import Place
from dr.iam.reach import Condition, Reach, key_of_buckets

CLOUDFORMATION = "cloudformation.amazonaws.com"
FUNCTIONS = ("changed", "restore", "shards", "summary", "tick")
PASSED = ("lambda.amazonaws.com", "scheduler.amazonaws.com", "states.amazonaws.com")
_ALARMS = ("captures-failed", "dead-letters", "no-tick", "rpo-breached", "shards-failed")
_LOGS = ("lambda", "vendedlogs/states")
_PARAMETERS = ("replica", "store")


# --- the stack and its packages -------------------------------------------------------------------------------------


def own_stack(place: Place) -> Reach:
    """The stack of the functions."""
    name = layout.functions_stack(place.installation)
    return Reach(sid="DeployOwnStack", resources=_here(place, "cloudformation", f"stack/{name}/*"))


def packages(place: Place) -> Reach:
    """The packages of this installation, and templates above CloudFormation's limit."""
    return Reach(sid="KeepPackages", resources=_kept(place))


def packages_listed(place: Place) -> Reach:
    """Their bucket; whose it is, and where, is asked without a prefix (s3:ListBucket for HeadBucket)."""
    own = f"{layout.packages_prefix(place.installation)}*"
    condition: Condition = {"StringLikeIfExists": {"s3:prefix": own}}
    return Reach(sid="ListPackages", resources=_bucket(place), condition=condition)


def packages_key(place: Place) -> Reach:
    """The key of their bucket."""
    return key_of_buckets(place, (*_bucket(place), *_kept(place)))


def _kept(place: Place) -> tuple[str, ...]:
    prefixes = (layout.packages_prefix(place.installation), layout.STAGING)
    return tuple(f"{bucket}/{prefix}*" for bucket in _bucket(place) for prefix in prefixes)


def _bucket(place: Place) -> tuple[str, ...]:
    name = place.staging.get(place.home)
    return (f"arn:{place.partition}:s3:::{name}",) if name else ()


# --- rights of the functions ----------------------------------------------------------------------------------------


def rights(place: Place) -> Reach:
    """The roles of the functions and of what wakes them, and policies under the path of the installation."""
    return _through("BuildRights", *_role_arns(place), *_policy_arns(place))


def attached(place: Place) -> Reach:
    """Which policies the roles may have: none of AWS's, or of anybody else."""
    own: Condition = {**_VIA, "ArnLike": {"iam:PolicyARN": list(_policy_arns(place))}}
    return Reach(sid="AttachOwnPolicies", resources=_role_arns(place), condition=own)


def passed(place: Place) -> Reach:
    """Its roles, to the services that work under them. Which role takes which service, its trust says."""
    condition: Condition = {"StringEquals": {"iam:PassedToService": list(PASSED)}}
    return Reach(sid="PassOwnRoles", resources=_role_arns(place), condition=condition)


def _role_arns(place: Place) -> tuple[str, ...]:
    return _of_iam(place, f"role/dr/{place.installation}/*")


def _policy_arns(place: Place) -> tuple[str, ...]:
    return _of_iam(place, f"policy/dr/{place.installation}/*")


def _of_iam(place: Place, *names: str) -> tuple[str, ...]:
    return tuple(place.arn("iam", name, region="") for name in names) if place.home else ()


# --- the functions and what is around them --------------------------------------------------------------------------


def functions(place: Place) -> Reach:
    """The functions, and the run over many accounts."""
    own = f"dr-{place.installation}"
    return _through(
        "BuildFunctions",
        *_here(place, "lambda", *(f"function:{own}-{name}" for name in FUNCTIONS)),
        *_here(place, "states", f"stateMachine:{own}"),
    )


def around(place: Place) -> Reach:
    """Schedules, rules and the bus; queue, topic, alarms, logs, and what says where the store is.

    KMS names the key of logs and alarms; through CloudFormation it is a key of the one stack, as none is imported. A log
    group's ARN ends in `:*` but where its tags are concerned.
    Source: CloudWatch Logs user guide, Overview of managing access permissions, Resource ARNs.
    """
    own = f"dr-{place.installation}"
    groups = (f"log-group:/aws/{kind}/{own}{end}" for kind in _LOGS for end in ("", ":*"))
    return _through(
        "BuildAround",
        *_here(place, "cloudwatch", *(f"alarm:{own}-{name}" for name in _ALARMS)),
        *_here(place, "events", f"event-bus/{own}", f"rule/{own}-changed", f"rule/{own}/{own}-changed"),
        *_here(place, "kms", "key/*"),
        *_here(place, "logs", *groups),
        *_here(place, "scheduler", f"schedule-group/{own}", f"schedule/{own}/*"),
        *_here(place, "sns", f"{own}-alarms"),
        *_here(place, "sqs", f"{own}-dead-letters"),
        *_here(place, "ssm", *(f"parameter/dr/{place.installation}/{name}" for name in _PARAMETERS)),
    )


def nameless(place: Place) -> Reach:
    """What knows no resource. Source: Service Authorization Reference, EventBridge, KMS, CloudWatch Logs, SNS."""
    condition: Condition = {
        "StringEquals": {"aws:CalledViaFirst": CLOUDFORMATION, "aws:RequestedRegion": place.home}
    }
    return Reach(sid="BuildNameless", resources=("*",) if place.home else (), condition=condition)


_VIA: Condition = {"StringEquals": {"aws:CalledViaFirst": CLOUDFORMATION}}


def _through(sid: str, *arns: str) -> Reach:
    return Reach(sid=sid, resources=arns, condition=_VIA)


def _here(place: Place, service: str, *resources: str) -> tuple[str, ...]:
    """ARNs in the Region of the functions; none without one."""
    return tuple(place.arn(service, one, region=place.home) for one in resources) if place.home else ()
