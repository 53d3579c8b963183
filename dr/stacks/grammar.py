"""What every reader of a template shares: limits, tags, the fault with its place, and the rule about keys.

Source: CloudFormation user guide, template formats (YAML 1.1 without aliases, hash merges and the binary, omap,
pairs, set and timestamp tags) and quotas (a template body is at most 1 MB).
"""

from __future__ import annotations

import yaml

from dr.words import short

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 100
MAX_NODES = 100_000
"""Keys and values. A template of 1 MB has about half of that when its texts are as short as people write them."""

TOO_MANY = f"more than {MAX_NODES:,} keys and values"

FUNCTIONS = frozenset(
    {
        *(
            "And",
            "Base64",
            "Cidr",
            "Condition",
            "Equals",
            "FindInMap",
            "GetAZs",
            "GetAtt",
            "If",
            "ImportValue",
            "Join",
        ),
        *("Length", "Not", "Or", "Ref", "Select", "Split", "Sub", "ToJsonString", "Transform"),
        *("Contains", "EachMemberEquals", "EachMemberIn", "RefAll", "ValueOf", "ValueOfAll"),
    }
)
"""The short-form tags of CloudFormation. Source: user guide, intrinsic function reference and rule functions."""

_CORE = "tag:yaml.org,2002:"
STR, INT, FLOAT, BOOL, NULL = (_CORE + name for name in ("str", "int", "float", "bool", "null"))
SEQ, MAP, MERGE, TIMESTAMP = (_CORE + name for name in ("seq", "map", "merge", "timestamp"))
SCALAR_TAGS = frozenset({STR, INT, FLOAT, BOOL, NULL, TIMESTAMP, _CORE + "value"})


class Malformed(Exception):  # noqa: N818 - internal to the reading of one template, becomes a UsageError
    """A fault at a character offset of the text."""

    def __init__(self, message: str, index: int) -> None:
        super().__init__(message)
        self.message = message
        self.index = index


def start(node: yaml.Node) -> int:
    """Where the node begins, its tag included, as an offset in characters."""
    return int(node.start_mark.index)


def end(node: yaml.Node) -> int:
    """Where the parser says that the node ends; of a block collection that is where the next token begins."""
    return int(node.end_mark.index)


def refuse_bad_keys(node: yaml.MappingNode) -> None:
    """Raise Malformed for a key that is no plain text, a hash merge, or a key that stands twice."""
    seen: set[str] = set()
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.tag not in (*SCALAR_TAGS, MERGE):
            raise Malformed("a key has to be plain text", start(key))
        if key.tag == MERGE:
            raise Malformed("<<: CloudFormation does not support hash merges", start(key))
        if key.value in seen:
            raise Malformed(f"{short(key.value)}: this key is here twice", start(key))
        seen.add(key.value)
