"""Inputs with the shape of the real thing, which get past the first checks of their readers."""

from __future__ import annotations

import hashlib
import json

from fuzz_targets import BY_NAME
from hypothesis import strategies as st
from mutations import Input

TEXTS = st.sampled_from(
    ["", "a", "${A}", "${A}${ A}", "${!A}", "${V.VolumeId}", "{{resolve:ssm:/a}}", "AWS::NoValue", "/dev/sdf", "snap-1", "0755"]
) | st.text(max_size=8)  # fmt: skip
NAMES = st.sampled_from(["A", "B", "V", "I", "N", "AWS::Region", "AWS::NoValue", "Outputs.O", "C", "D"])
LEAVES = st.none() | st.booleans() | st.integers(-2, 10**12) | st.floats() | TEXTS
CALLS = ("Ref", "Condition", "Fn::If", "Fn::GetAtt", "Fn::FindInMap", "Fn::Sub", "Fn::Join", "Fn::Split", "Fn::Select",
         "Fn::Equals", "Fn::And", "Fn::Or", "Fn::Not", "Fn::Base64", "Fn::ImportValue", "Fn::Transform", "Fn::ForEach::L")  # fmt: skip
KEYS = ("Type", "Properties", "Condition", "SnapshotId", "ImageId", "Ebs", "DeviceName", "BlockDeviceMappings", "Volumes",
        "VolumeId", "InstanceId", "Device", "TemplateURL", "Parameters", "UserData", "Tags", "BucketName", "NoDevice",
        "LaunchTemplate", "LaunchTemplateData", "Encrypted", "VolumeSize", "Size", "DependsOn", "DeletionPolicy")  # fmt: skip


def trees(leaves, keys):
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(keys) | st.text(max_size=3), inner, max_size=4),
        max_leaves=12,
    )  # fmt: skip


def calls(inner):
    return st.tuples(st.sampled_from(CALLS), NAMES | st.lists(inner, max_size=3) | inner).map(
        lambda call: dict([call])
    )


VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        calls(inner)
        | st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS) | NAMES, inner, max_size=4)
    ),
    max_leaves=15,
)
KINDS = st.sampled_from(
    ["AWS::EC2::Volume", "AWS::EC2::Instance", "AWS::EC2::VolumeAttachment", "AWS::EC2::LaunchTemplate", "AWS::S3::Bucket",
     "AWS::CloudFormation::Stack", "AWS::AutoScaling::LaunchConfiguration", "AWS::RDS::DBInstance"]
)  # fmt: skip
RESOURCES = (
    st.fixed_dictionaries(
        {"Type": KINDS},
        optional={
            "Properties": st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=6) | VALUES,
            "Condition": NAMES,
        },
    )
    | VALUES
)


def as_json(found):
    return Input(json.dumps(found, allow_nan=True).encode())


templates = st.fixed_dictionaries(
    {"Resources": st.dictionaries(NAMES, RESOURCES, min_size=1, max_size=4) | VALUES},
    optional={
        "Parameters": st.dictionaries(
            NAMES, st.fixed_dictionaries({"Type": TEXTS}, optional={"NoEcho": LEAVES, "Default": LEAVES}) | VALUES
        ),
        "Conditions": st.dictionaries(NAMES, calls(VALUES) | VALUES, max_size=4) | VALUES,
        "Mappings": VALUES,
        "Outputs": st.dictionaries(
            NAMES, st.fixed_dictionaries({"Value": VALUES}, optional={"Export": VALUES, "Condition": NAMES}) | VALUES
        ),
        "Transform": TEXTS | st.lists(TEXTS),
        "Metadata": VALUES,
    },
).map(as_json)  # fmt: skip

JSON_LEAVES = LEAVES | st.sampled_from(
    ["2026-03-29T01:00:00Z", "0" * 64, "capture", "expire", "snapshot", "db", "x" * 20_000]
)


@st.composite
def changed(draw, document, *, times=3):
    """A document with some of its values, at any depth, replaced, removed or doubled."""
    found = json.loads(document)
    for _ in range(draw(st.integers(1, times))):
        inner, key = found, None
        while isinstance(inner, dict | list) and inner and (key is None or draw(st.booleans())):
            outer, key = (
                inner,
                draw(st.sampled_from(sorted(inner) if isinstance(inner, dict) else range(len(inner)))),
            )
            inner = outer[key]
        if key is not None:
            outer[key] = draw(trees(JSON_LEAVES, ("format", "actions", "stack", "children", "a")))
    return found


def _sha256(document):
    return hashlib.sha256(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def resealed(document):
    """A plan whose digests hold, whatever it says: as whoever knows how they are made would write it."""
    if not isinstance(document, dict):
        return document
    ground = {key: document.get(key) for key in ("installation", "account", "policies", "config", "asked")}
    rows = document.get("actions")
    if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
        rest = [{key: row[key] for key in row if key != "reason"} for row in rows]
        document = document | {"fingerprint": _sha256([ground, rest])}
    rest = {key: value for key, value in document.items() if key != "digest"}
    return rest | {"digest": _sha256(rest)}


def documents(name, seal=lambda document: document):
    seeds = BY_NAME[name].seeds
    return st.sampled_from(seeds).flatmap(changed).map(seal).map(as_json)


def flow(node):
    """YAML in flow style, with whatever text there is."""
    match node:
        case dict():
            return "{" + ", ".join(f"{key}: {flow(inner)}" for key, inner in node.items()) + "}"
        case list():
            return "[" + ", ".join(map(flow, node)) + "]"
        case _:
            return str(node)


POLICY_KEYS = ("policy", "protect", "regions", "select", "schedule", "timezone", "keep", "gone", "copies", "objectives",
               "reboot", "consistency", "limits", "tags", "exclude_tags", "names", "volumes", "last", "daily", "within", "rpo")  # fmt: skip
CONFIG_KEYS = ("name", "policies", "regions", "store", "primary", "replica", "url", "region", "staging_bucket", "restore",
               "parameters", "ssm", "image_for", "accounts", "notify", "sns", "apprise", "ping",
               "env", "about", "digest", "timezone")  # fmt: skip
YAML_LEAVES = LEAVES | st.sampled_from(
    ["volumes", "instances", "stacks", "'0 * * * *'", "rate(1 hour)", "2d", "Europe/Vienna", "eu-west-1", "s3://b/p", "'*'", "~/x"]
)  # fmt: skip


def yaml(keys):
    return st.dictionaries(st.sampled_from(keys), trees(YAML_LEAVES, keys), max_size=8).map(
        lambda node: Input(flow(node).encode("utf-8", "surrogatepass"))
    )


PLACES = st.sampled_from(
    [
        "*",
        "?",
        "L",
        "W",
        "1",
        "15W",
        "6L",
        "3#2",
        "5#5",
        "*/7",
        "1-5",
        "0,30",
        "59/2",
        "FRI-SUN",
        "jan",
        "2199",
        "1970-2030",
    ]
)
schedules = (
    st.lists(PLACES, min_size=4, max_size=7).map(" ".join)
    | st.lists(PLACES, min_size=5, max_size=7).map(lambda parts: f"cron({' '.join(parts)})")
    | st.tuples(st.integers(0, 10**10), st.sampled_from(["minute", "minutes", "hour", "hours", "day", "days", "weeks"])).map(
        lambda pair: f"rate({pair[0]} {pair[1]})"
    )
    | st.datetimes().map(lambda moment: f"at({moment.isoformat()})")
).map(lambda text: Input(text.encode()))  # fmt: skip
durations = st.lists(
    st.tuples(st.integers(0, 10**10), st.sampled_from(["y", "mo", "w", "d", "h", "min", "m", "s"])),
    max_size=8,
).map(lambda parts: Input("".join(f"{count}{unit}" for count, unit in parts).encode()))
times = st.lists(
    st.datetimes(timezones=st.timezones()).map(lambda moment: moment.isoformat()) | TEXTS, max_size=12
).map(lambda found: Input(f"last=2,weekly=3,within=9d\nEurope/Vienna\n{json.dumps(found)}".encode()))
events = st.dictionaries(
    st.sampled_from(["policies", "account", "region", "scheduled", "stack", "at", "as", "parameters", "names", "user_data", "plan_only"]),
    trees(JSON_LEAVES, ("A", "db")),
    max_size=6,
).map(as_json)  # fmt: skip

STRUCTURED = {
    "policy": yaml(POLICY_KEYS),
    "config": yaml(CONFIG_KEYS),
    "schedule": schedules,
    "duration": durations,
    "template": templates,
    "plan": documents("plan", resealed),
    "retention": times,
    "event": events,
    "manifest": documents("manifest"),
    "record": documents("record"),
}
