"""Keep NoEcho values out of what is stored of a stack and its nested stacks (FAILURES I23).

CloudFormation masks a NoEcho value among the parameters only. An output that the template makes of one shows it in
clear, and so does the parameter of a nested stack that its parent fills from one. Source: CloudFormation user guide,
Parameters, NoEcho. Both are told from the templates, by what they refer to:

    Ref, Fn::Sub, or any function around them, to a secret parameter
    Fn::GetAtt (or Fn::Sub) to an output of a nested stack that is secret there
    Fn::GetAtt to an attribute whose property of the same name is made of a secret
    Ref or Fn::GetAtt to a resource whose explicit name is made of a secret
    Fn::GetAtt to an attribute that is a secret whatever the template says, such as an access key's

A resource that takes its name from a secret has that name as its physical id, which is masked as well: nothing is
brought back by such an id, for machines and disks get theirs from EC2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from dr.errors import UsageError
from dr.stacks.names import NAMES
from dr.stacks.template import Template, Tree, parse_template, properties
from dr.stored import StackOutput, StackParameter, StackResource, StoredStack

MASK = "****"
"""Stands for a secret value of an output; what CloudFormation shows in the place of a NoEcho parameter."""
_SECRET_ATTRIBUTES = frozenset(
    {
        ("AWS::IAM::AccessKey", "SecretAccessKey"),
        ("AWS::Cognito::UserPoolClient", "ClientSecret"),
    }
)
"""Source: CloudFormation template reference, return values of these types."""
_VARIABLE = re.compile(r"\$\{([^!${}][^${}]*)\}")


def sealed(stack: StoredStack, given: frozenset[str] = frozenset()) -> StoredStack:
    """The stack without secret values; `given` are the parameters that its parent fills from a secret.

    In a stack whose template cannot be read, every output and every explicit name is masked where there is any secret.
    """
    names = given | {p.name for p in stack.parameters if p.no_echo}
    template = _parsed(stack)
    children = stack.children if template is None else _sealed_children(template, names, stack.children)
    secrets = _Secrets(template=template, names=names, children=children)
    return replace(
        stack,
        parameters=tuple(_parameter(p, names) for p in stack.parameters),
        outputs=tuple(_output(o, secrets) for o in stack.outputs),
        resources=tuple(_resource(r, secrets) for r in stack.resources),
        children=children,
    )


def _parsed(stack: StoredStack) -> Template | None:
    try:
        return parse_template(stack.processed or stack.template)
    except UsageError:
        return None


def _sealed_children(
    template: Template, names: frozenset[str], children: Mapping[str, StoredStack]
) -> Mapping[str, StoredStack]:
    """Again until nothing changes, because one nested stack takes in what another puts out."""
    while True:
        secrets = _Secrets(template=template, names=names, children=children)
        given = {name: secrets.given_to(name) for name in children}
        fresh = {name for name, child in children.items() if given[name] - _secret_in(child)}
        if not fresh:
            return children
        children = {
            name: sealed(child, given[name]) if name in fresh else child for name, child in children.items()
        }


def _secret_in(child: StoredStack) -> frozenset[str]:
    return frozenset(p.name for p in child.parameters if p.no_echo)


def _parameter(parameter: StackParameter, names: frozenset[str]) -> StackParameter:
    if parameter.name not in names:
        return parameter
    return StackParameter(name=parameter.name, value=None, no_echo=True)


def _output(output: StackOutput, secrets: _Secrets) -> StackOutput:
    return replace(output, value=MASK) if secrets.puts_out(output.key) else output


def _resource(resource: StackResource, secrets: _Secrets) -> StackResource:
    return replace(resource, physical_id=MASK) if secrets.names_resource(resource) else resource


@dataclass(frozen=True, slots=True, kw_only=True)
class _Secrets:
    """What is secret in one template: parameters by name, and outputs of nested stacks that are masked."""

    template: Template | None
    names: frozenset[str]
    children: Mapping[str, StoredStack]

    def given_to(self, child: str) -> frozenset[str]:
        """The parameters of a nested stack that are filled from a secret."""
        resource = self.template.resources().get(child, {}) if self.template else {}
        filled = properties(resource).get("Parameters")
        known = {p.name for p in self.children[child].parameters}
        if not isinstance(filled, dict) or "Fn::If" in filled:
            return frozenset(known) if self._secret(filled) else frozenset()
        return frozenset(name for name, tree in filled.items() if name in known and self._secret(tree))

    def puts_out(self, key: str) -> bool:
        """Whether an output is made of a secret."""
        if self.template is None:
            return bool(self.names)
        output = self.template.section("Outputs").get(key)
        return isinstance(output, dict) and self._secret(output.get("Value"))

    def names_resource(self, resource: StackResource) -> bool:
        """Whether the name that the template gives a resource is made of a secret."""
        naming = NAMES.get(resource.type)
        if naming is None or self.template is None:
            return naming is not None and bool(self.names)
        return self._secret(self._properties(resource.logical_id).get(naming.property))

    def _secret(self, tree: Tree) -> bool:
        """Whether a value refers to a secret, through however many attributes: each is looked at once."""
        left, seen = list(_references(tree)), set[tuple[str, str]]()
        while left:
            one = left.pop()
            if self._is_secret(*one):
                return True
            if one not in seen:
                seen.add(one)
                left += _references(self._behind(*one))
        return False

    def _is_secret(self, name: str, attribute: str) -> bool:
        if not attribute:
            return name in self.names
        if name not in self.children:
            return (self._type(name), attribute) in _SECRET_ATTRIBUTES
        outputs = self.children[name].outputs
        return any(f"Outputs.{o.key}" == attribute and o.value == MASK for o in outputs)

    def _behind(self, name: str, attribute: str) -> Tree:
        """What the template says of a reference to its own resource: the property of the same name, and its name."""
        named = NAMES.get(self._type(name))
        known = self._properties(name)
        return [known.get(attribute), known.get(named.property) if named else None]

    def _properties(self, name: str) -> Mapping[str, Tree]:
        return properties(self._body(name))

    def _type(self, name: str) -> str:
        return str(self._body(name).get("Type"))

    def _body(self, name: str) -> Mapping[str, Tree]:
        found = self.template.section("Resources").get(name) if self.template else None
        return found if isinstance(found, dict) else {}


def _references(tree: Tree) -> Iterator[tuple[str, str]]:
    """Every (name, attribute) that a value refers to; the attribute of a `Ref` is ""."""
    if isinstance(tree, list):
        for item in tree:
            yield from _references(item)
    elif isinstance(tree, dict):
        for key, value in tree.items():
            yield from _called(key, value)
            yield from _references(value)


def _called(key: str, value: Tree) -> Iterator[tuple[str, str]]:
    match key, value:
        case "Ref", str():
            yield value, ""
        case "Fn::GetAtt", [str() as name, str() as attribute]:
            yield name, attribute
        case "Fn::GetAtt", str():
            yield _split(value)
        case "Fn::Sub", str() | [str(), *_]:
            text = value if isinstance(value, str) else value[0]
            yield from (_split(name) for name in _VARIABLE.findall(text))


def _split(name: str) -> tuple[str, str]:
    first, _, rest = name.strip().partition(".")
    return first, rest
