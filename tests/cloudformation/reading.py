"""The templates of cloudformation/ as CloudFormation reads them: their text, and what becomes of it for given parameters."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parents[2] / "cloudformation"
ACCOUNT = "123456789012"
_NOTHING = object()
"""AWS::NoValue."""


class _Loader(yaml.SafeLoader):
    """Reads short-form intrinsics as their long forms."""


def _intrinsic(loader, suffix, node):
    name = suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        return {name: value.split(".") if suffix == "GetAtt" else value}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _intrinsic)


def parsed(text: str) -> dict[str, Any]:
    return yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader with the intrinsics added


def read(name: str) -> dict[str, Any]:
    """A template by the name of its file."""
    return parsed((FOLDER / name).read_text())


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A template with parameters, in a Region. What CloudFormation would refuse, and what is not known here, raises."""

    template: Mapping[str, Any]
    given: Mapping[str, str]
    region: str = "eu-west-1"

    @property
    def resources(self) -> dict[str, Any]:
        """Logical id -> type and properties, of the resources that would be there."""
        return {
            name: {"Type": row["Type"], "Properties": self._value(row.get("Properties", {}))}
            for name, row in self.template["Resources"].items()
            if self._there(row)
        }

    def properties(self, name: str) -> dict[str, Any]:
        return self.resources[name]["Properties"]

    def policies(self, role: str) -> list[dict[str, Any]]:
        """The policy documents of a role, whichever way it has them."""
        properties = self.properties(role)
        own = [policy["PolicyDocument"] for policy in properties.get("Policies", ())]
        managed = [
            self.properties(name)["PolicyDocument"] for name in properties.get("ManagedPolicyArns", ())
        ]
        return [*own, *managed]

    def _there(self, row: Mapping[str, Any]) -> bool:
        return "Condition" not in row or self._holds({"Condition": row["Condition"]})

    def _holds(self, condition: Any) -> bool:
        ((name, of),) = condition.items()
        match name:
            case "Condition":
                return self._holds(self.template["Conditions"][of])
            case "Fn::Equals":
                left, right = (self._value(each) for each in of)
                return left == right
            case "Fn::Not":
                return not self._holds(of[0])
            case "Fn::And" | "Fn::Or":
                return (all if name == "Fn::And" else any)([self._holds(each) for each in of])
        raise AssertionError(f"{name} is not known here")

    def _value(self, value: Any) -> Any:
        if isinstance(value, list):
            return [made for each in value if (made := self._value(each)) is not _NOTHING]
        if not isinstance(value, dict):
            return value
        if len(value) == 1 and (call := self._calls.get(next(iter(value)))):
            return call(next(iter(value.values())))
        made = {key: self._value(each) for key, each in value.items()}
        return {key: each for key, each in made.items() if each is not _NOTHING}

    @property
    def _calls(self) -> dict[str, Callable[[Any], Any]]:
        return {
            "Ref": self._ref,
            "Fn::GetAtt": lambda of: self._attribute(*of),
            "Fn::If": lambda of: self._value(of[1 if self._holds({"Condition": of[0]}) else 2]),
            "Fn::Join": lambda of: of[0].join(self._value(of[1])),
            "Fn::Split": lambda of: self._value(of[1]).split(of[0]),
            "Fn::Sub": self._sub,
        }

    def _sub(self, of: Any) -> str:
        text, names = (of, {}) if isinstance(of, str) else of
        own = {name: self._value(value) for name, value in names.items()}

        def found(match: re.Match[str]) -> str:
            name = match[1]
            value = own.get(name) or ("" if name in own else self._named(name))
            assert isinstance(value, str), f"{name} is no text"
            return value

        return re.sub(r"\$\{([A-Za-z0-9:.]+)\}", found, text)

    def _named(self, name: str) -> Any:
        return self._attribute(*name.split(".")) if "." in name else self._ref(name)

    def _ref(self, name: str) -> Any:
        china = self.region.startswith("cn-")
        pseudo = {
            "AWS::NoValue": _NOTHING,
            "AWS::Region": self.region,
            "AWS::AccountId": ACCOUNT,
            "AWS::URLSuffix": "amazonaws.com.cn" if china else "amazonaws.com",
            "AWS::Partition": "aws-cn" if china else "aws-us-gov" if "-gov-" in self.region else "aws",
        }
        if name in pseudo:
            return pseudo[name]
        if name in self.template["Parameters"]:
            parameter = self.template["Parameters"][name]
            text = str(self.given[name] if name in self.given else parameter["Default"])
            assert re.fullmatch(parameter.get("AllowedPattern", ".*"), text), f"{name} may not be {text}"
            return text.split(",") if parameter["Type"] == "CommaDelimitedList" else text
        kind = self.template["Resources"][name]["Type"]
        return self._attribute(name, "Arn") if kind in _REFERRED_TO_BY_ARN else name

    def _attribute(self, name: str, attribute: str) -> Any:
        row = self.template["Resources"][name]
        assert self._there(row), f"{name} is not there"
        if (row["Type"], attribute) == ("AWS::SSM::Parameter", "Value"):
            return self._value(row["Properties"]["Value"])
        if (row["Type"], attribute) == ("AWS::SQS::Queue", "QueueName"):
            return self._value(row["Properties"]["QueueName"])
        assert attribute == "Arn", f"{name}.{attribute} is not known here"
        key, form = _ARNS[row["Type"]]
        own = self._value(row["Properties"].get(key, name))
        if row["Type"] == "AWS::IAM::Role" and "Path" in row["Properties"]:
            own = self._value(row["Properties"]["Path"]).removeprefix("/") + own
        if "EventBusName" in row["Properties"]:
            own = f"dr-{self.given['Installation']}/{own}"
        return self._sub(form).replace("NAME", own)


_HERE = "${AWS::Region}:${AWS::AccountId}"
_ARNS = {
    "AWS::Events::EventBus": ("Name", f"arn:${{AWS::Partition}}:events:{_HERE}:event-bus/NAME"),
    "AWS::Events::Rule": ("Name", f"arn:${{AWS::Partition}}:events:{_HERE}:rule/NAME"),
    "AWS::IAM::Role": ("RoleName", "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/NAME"),
    "AWS::KMS::Key": (None, f"arn:${{AWS::Partition}}:kms:{_HERE}:key/NAME"),
    "AWS::Lambda::Function": ("FunctionName", f"arn:${{AWS::Partition}}:lambda:{_HERE}:function:NAME"),
    "AWS::Logs::LogGroup": ("LogGroupName", f"arn:${{AWS::Partition}}:logs:{_HERE}:log-group:NAME:*"),
    "AWS::Scheduler::ScheduleGroup": (
        "Name",
        f"arn:${{AWS::Partition}}:scheduler:{_HERE}:schedule-group/NAME",
    ),
    "AWS::S3::Bucket": ("BucketName", "arn:${AWS::Partition}:s3:::NAME"),
    "AWS::SNS::Topic": ("TopicName", f"arn:${{AWS::Partition}}:sns:{_HERE}:NAME"),
    "AWS::SQS::Queue": ("QueueName", f"arn:${{AWS::Partition}}:sqs:{_HERE}:NAME"),
    "AWS::StepFunctions::StateMachine": (
        "StateMachineName",
        f"arn:${{AWS::Partition}}:states:{_HERE}:stateMachine:NAME",
    ),
}
"""Type -> the property that its ARN ends in, else its logical id, and the ARN."""
_REFERRED_TO_BY_ARN = {"AWS::SNS::Topic", "AWS::StepFunctions::StateMachine"}


def characters(document: Mapping[str, Any]) -> int:
    """As IAM counts them: without white space."""
    return len(json.dumps(document, separators=(",", ":")))
