"""Macros: CloudFormation runs them once and stores what they made; a restore builds from that.

The processed template holds the resources that the stack really has. Its Transform is taken out, or the macros would
run over their own result. AWS::Include and inline `Fn::Transform` are gone from it as well.
"""

from __future__ import annotations

from dr.stacks.edit import Drop, edit
from dr.stacks.template import Template, Tree


def has_macros(template: Template) -> bool:
    """Whether CloudFormation runs macros over the template."""
    return "Transform" in template.tree or _calls_macro(dict(template.tree))


def without_transform(template: Template) -> Template:
    """A processed template without its Transform section."""
    return edit(template, [Drop(path=("Transform",))]) if "Transform" in template.tree else template


def _calls_macro(tree: Tree) -> bool:
    if isinstance(tree, list):
        return any(map(_calls_macro, tree))
    return isinstance(tree, dict) and ("Fn::Transform" in tree or any(map(_calls_macro, tree.values())))
