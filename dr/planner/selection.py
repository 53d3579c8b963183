"""Which sources a policy protects (DESIGN 4).

Everything that a selector gives must match, tags by their globs; what it excludes never does. Letters' case counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from dr.model import Policy, Protect, Selector, Source, TagPatterns, Tags


def selected(policy: Policy, sources: Iterable[Source]) -> tuple[Source, ...]:
    """The sources of the policy, each once, in the order of account, Region and id: a stack's id is its name."""
    found: Mapping[tuple[str, str, str], Source] = {
        (source.account, source.region, source.id): source for source in sources if matches(policy, source)
    }
    return tuple(found[key] for key in sorted(found))


def matches(policy: Policy, source: Source) -> bool:
    """Tell whether the policy protects the source."""
    return (
        source.protect is policy.protect
        and source.region in policy.regions
        and _has_tags(policy.select.tags, source.tags)
        and not _has_any_tag(policy.select.exclude_tags, source.tags)
        and _MATCHES_OWN[policy.protect](policy.select, source)
    )


def _has_tags(patterns: TagPatterns, tags: Tags) -> bool:
    return all(_has_tag(key, globs, tags) for key, globs in patterns.items())


def _has_any_tag(patterns: TagPatterns, tags: Tags) -> bool:
    return any(_has_tag(key, globs, tags) for key, globs in patterns.items())


def _has_tag(key: str, globs: tuple[str, ...], tags: Tags) -> bool:
    return key in tags and (tags[key] in globs or any(_glob(tags[key], glob) for glob in globs))


def _glob(value: str, glob: str) -> bool:
    """`*` and `?` are wild, as in a filter of EC2; a bracket is a bracket."""
    return fnmatchcase(value, glob.replace("[", "[[]"))


def _matches_volume(select: Selector, source: Source) -> bool:
    sort = "boot" if source.boot else "data"
    return select.volumes in {"all", sort} and _has_tags(select.instance_tags, source.instance_tags)


def _matches_instance(_: Selector, __: Source) -> bool:
    return True


def _matches_stack(select: Selector, source: Source) -> bool:
    return not select.names or any(_glob(source.id, glob) for glob in select.names)


_MATCHES_OWN = {
    Protect.VOLUMES: _matches_volume,
    Protect.INSTANCES: _matches_instance,
    Protect.STACKS: _matches_stack,
}
"""What a selector says beyond tags, for each sort of source."""
