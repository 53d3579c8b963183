"""Collects what the rewriting of one template decides: changes with their reasons, and findings."""

from __future__ import annotations

from typing import Any

from dr.stacks.disks import Adjustment
from dr.stacks.edit import Drop, Edit, Path, Prepend, Put, source_text
from dr.stacks.evaluate import Evaluator
from dr.stacks.rebirth import About, Change, Finding
from dr.stacks.template import Template


class Pen:
    """Writes changes of one template down; nothing is changed before `edits` are carried out."""

    def __init__(self, template: Template, evaluator: Evaluator) -> None:
        self.template = template
        self.evaluator = evaluator
        self.changes: list[Change] = []
        self.findings: list[Finding] = []

    def put(self, logical_id: str, steps: Path, value: Any, why: str) -> None:
        """Set a property; nothing when it has that value already."""
        path = _path(logical_id, steps)
        if self._tree(path) != value:
            self._note(logical_id, path, value, why)

    def drop(self, logical_id: str, steps: Path, why: str) -> None:
        """Remove a property, if it is there."""
        path = _path(logical_id, steps)
        if source_text(self.template, path) is not None:
            self._note(logical_id, path, None, why)

    def adjust(self, logical_id: str, steps: Path, change: Adjustment) -> None:
        """Set or drop one key of a disk."""
        if change.value is None:
            self.drop(logical_id, (*steps, change.key), change.why)
        else:
            self.put(logical_id, (*steps, change.key), change.value, change.why)

    def front(self, logical_id: str, steps: Path, value: Any, why: str) -> None:
        """Put an item in front of a property that is a list."""
        path = _path(logical_id, steps)
        change = Change(logical_id=logical_id, path=path, old=None, new=value, why=why, front=True)
        self.changes.append(change)

    def warn(self, message: str, remedy: str, about: About = "") -> None:
        """Tell something that a person should know."""
        self.findings.append(Finding(level="warning", message=message, remedy=remedy, about=about))

    def fail(self, message: str, remedy: str) -> None:
        """Tell something that stops the restore."""
        self.findings.append(Finding(level="error", message=message, remedy=remedy))

    def edits(self) -> list[Edit]:
        """The changes as edits of the template."""
        return [_edit(change) for change in self.changes]

    def _note(self, logical_id: str, path: Path, new: Any, why: str) -> None:
        old = source_text(self.template, path)
        self.changes.append(Change(logical_id=logical_id, path=path, old=old, new=new, why=why))

    def _tree(self, path: Path) -> Any:
        tree: Any = self.template.tree
        for step in path:
            if isinstance(tree, dict):
                tree = tree.get(str(step))
            elif isinstance(tree, list) and isinstance(step, int) and step < len(tree):
                tree = tree[step]
            else:
                return None
        return tree


def _path(logical_id: str, steps: Path) -> Path:
    return ("Resources", logical_id, "Properties", *steps)


def _edit(change: Change) -> Edit:
    if change.front:
        return Prepend(path=change.path, value=change.new)
    if change.new is None:
        return Drop(path=change.path)
    return Put(path=change.path, value=change.new)
