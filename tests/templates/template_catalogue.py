"""The templates of this folder and what it takes to deploy each: shapes of real stacks, made for the tests.

`{image}` in a value stands for an AMI id, `{child:FILE}` for the URL of an uploaded template.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parent
IMAGE = {"ImageId": "{image}"}
SSM = {"/dr/tests/image": "{image}", "/dr/tests/disk-size": "14"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One template; `ssm` are SSM parameters that have to exist, `after` the case to deploy before it."""

    file: str
    parameters: dict[str, str] = field(default_factory=dict)
    capabilities: tuple[str, ...] = ()
    ssm: dict[str, str] = field(default_factory=dict)
    after: str = ""
    newline: str = "\n"

    @property
    def id(self) -> str:
        return self.file if self.newline == "\n" else f"{self.file}-crlf"

    @property
    def text(self) -> str:
        if self.file == "big.yaml":
            return big_template()
        return (FOLDER / self.file).read_bytes().decode().replace("\n", self.newline)


CASES = (
    Case(file="app.json", parameters=IMAGE),
    Case(file="big.yaml", parameters=IMAGE),
    Case(file="block-devices.yaml", parameters=IMAGE),
    Case(file="conditions.yaml", parameters={**IMAGE, "WithArchive": "yes"}),
    Case(file="deletion-policies.yaml"),
    Case(file="dynamic-reference.yaml", parameters=IMAGE, ssm=SSM),
    Case(file="flow.yaml", parameters=IMAGE),
    Case(file="from-launch-template.yaml", parameters=IMAGE),
    Case(file="iam.yaml", parameters=IMAGE, capabilities=("CAPABILITY_NAMED_IAM",)),
    Case(file="importer.yaml", parameters=IMAGE, after="network.yaml"),
    Case(file="launch-template.yaml", parameters=IMAGE),
    Case(file="lists.yaml", parameters={**IMAGE, "Sizes": "5,10,20"}),
    Case(file="long-form.yaml", parameters=IMAGE),
    Case(file="mappings.yaml", parameters=IMAGE),
    Case(file="metadata.json", parameters=IMAGE),
    Case(file="minified.json"),
    Case(file="names.yaml"),
    Case(file="nested-child.yaml", parameters={"Size": "15", "Zone": "eu-west-1a"}),
    Case(file="nested-parent.yaml", parameters={**IMAGE, "ChildUrl": "{child:nested-child.yaml}"}),
    Case(file="network.yaml"),
    Case(file="no-echo.yaml", parameters={**IMAGE, "DbPassword": "canary-password"}),
    Case(file="odd-scalars.yaml", parameters=IMAGE),
    Case(file="ssm-parameters.yaml", ssm=SSM),
    Case(file="user-data.yaml", parameters=IMAGE),
    Case(file="volumes-property.yaml", parameters=IMAGE),
    Case(file="web-and-data.yaml", parameters=IMAGE),
    Case(file="web-and-data.yaml", parameters=IMAGE, newline="\r\n"),
)


def big_template() -> str:
    """A template above 51,200 bytes, the most that a call takes in its body, by its Metadata; few resources."""
    notes = "\n".join(f"  Note{i}: {json.dumps('reason ' * 12)}" for i in range(600))
    return (
        (FOLDER / "web-and-data.yaml").read_text().replace("Resources:", f"Metadata:\n{notes}\nResources:", 1)
    )
