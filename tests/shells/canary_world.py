"""A stack full of secrets, and everything that dr says and keeps while it is protected, lost and brought back."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from traceback import format_exc
from typing import Any

from canaries import Canary
from conftest import Ended, Shell, called, inside

from dr.errors import DrError

REGION, BUCKET, STORE = "eu-west-1", "canary-staging", "canary-store"
TEMPLATES = (f"s3://{STORE}/dr/blobs/", f"s3://{BUCKET}/", "folder/blobs/")
"""Where templates are kept byte for byte: what their author wrote into them is there, and nowhere else."""

GIVEN = Canary(what="a NoEcho value of --parameter", value='canary-Given "1"/+&%=\\\'é')
SSM = Canary(what="a NoEcho value from SSM", value="canary-SecureString/2+x=")
PLAIN_SSM = Canary(what="a SecureString for a parameter that is not NoEcho", value="canary-plain-ssm-3")
NAME = Canary(what="a NoEcho value that names a bucket", value="canary-bucket-4-name")
TYPED = Canary(what="a value that was typed in the wrong place", value="canary-typed-5-wrong")
DEFAULT = Canary(what="the default of a NoEcho parameter", value="canary-default-6", kept_in=TEMPLATES)
SCRIPT = Canary(what="a password in user data", value="canary-user-data-7", kept_in=TEMPLATES)
SIGNATURE = Canary(what="a presigned URL's signature", value="canaryc0ffee8c0ffee8", kept_in=TEMPLATES)
TOKEN = Canary(what="a presigned URL's token", value="canaryTOKEN9canaryTOKEN9", kept_in=TEMPLATES)
SECRET_KEY = Canary(what="AWS_SECRET_ACCESS_KEY", value="canarySecretAccessKey10")
SESSION = Canary(what="AWS_SESSION_TOKEN", value="canarySessionToken11")
ENDPOINT = Canary(what="the password of the endpoint's URL", value="canary-endpoint-12")
PROXY = Canary(what="the password of the proxy's URL", value="canary-proxy-13")
CANARIES = (
    *(GIVEN, SSM, PLAIN_SSM, NAME, TYPED, DEFAULT, SCRIPT, SIGNATURE, TOKEN),
    *(SECRET_KEY, SESSION, ENDPOINT, PROXY),
)

TEMPLATE = """\
Description: a stack full of secrets
Parameters:
  Password: {Type: String, NoEcho: true}
  ApiKey: {Type: String, NoEcho: true}
  BucketName: {Type: String, NoEcho: true}
  Pin: {Type: String, NoEcho: true, Default: %(default)s}
  Label: {Type: String}
  Image: {Type: "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>", Default: %(image)s}
Resources:
  Web:
    Type: AWS::EC2::Instance
    Properties:
      ImageId: !Ref Image
      InstanceType: t3.micro
      UserData:
        Fn::Base64: !Sub |
          #!/bin/sh
          setup --password '${Password}' --key '${ApiKey}' --pin '${Pin}' --old '%(script)s'
  Data:
    Type: AWS::EC2::Volume
    Properties: {AvailabilityZone: eu-west-1a, Size: 8}
  Value:
    Type: AWS::SSM::Parameter
    Properties: {Type: String, Value: !Sub "${ApiKey}:${Password}"}
  Files:
    Type: AWS::S3::Bucket
    Properties: {BucketName: !Sub "${BucketName}-files"}
  Child:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: %(child)s
      Parameters: {Pw: !Ref Password, Pin: !Ref Pin}
Outputs:
  Url: {Value: !Sub "postgres://admin:${Password}@db"}
  Key: {Value: !GetAtt Value.Value}
  Below: {Value: !GetAtt Child.Outputs.Url}
  Pin: {Value: !Join ["-", [pin, !Ref Pin]]}
  Bucket: {Value: !Ref Files}
"""
CHILD = """\
Parameters: {Pw: {Type: String}, Pin: {Type: String, NoEcho: true}}
Resources:
  Data:
    Type: AWS::EC2::Volume
    Properties: {AvailabilityZone: eu-west-1a, Size: 7}
Outputs:
  Url: {Value: !Sub "https://${Pw}:${Pin}@child"}
"""
IMAGE = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
CONFIG = f"""\
name: canary
regions: [{REGION}]
store:
  primary: {{url: 's3://{STORE}/dr', region: {REGION}}}
  replica: {{url: folder}}
staging_bucket: {{{REGION}: {BUCKET}}}
restore: {{parameters: {{ApiKey: {{ssm: /canary/key}}, Label: {{ssm: /canary/label}}}}}}
"""
POLICY = """\
policy: p-%s
protect: %s
select: %s
schedule: "0 * * * *"
keep: {last: 5}
"""
OF_STACK = '{tags: {"aws:cloudformation:stack-name": ["vault*", "copy*"]}}'


class Context:
    """What Lambda gives a handler."""

    aws_request_id = "canary"

    def get_remaining_time_in_millis(self) -> int:
        return 600_000


@dataclass(kw_only=True)
class CanaryWorld:
    """One shell at its own sandbox, reached by an endpoint with a password. `said` is all that was written, by command."""

    shell: Shell
    url: str
    said: dict[str, bytes] = field(default_factory=dict)
    ended: dict[str, Ended] = field(default_factory=dict)

    @property
    def environ(self) -> dict[str, str]:
        return {
            **self.shell.environ,
            "AWS_ENDPOINT_URL": self.url.replace("//", f"//admin:{ENDPOINT.value}@"),
            "AWS_ACCESS_KEY_ID": "AKIACANARY",
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY.value,
            "AWS_SESSION_TOKEN": SESSION.value,
            "DR_LOG": "debug",
        }

    # --- before the incident ---------------------------------------------------------------------------------------------

    def build(self) -> None:
        """The stack, its secrets, and the installation that protects it."""
        s3, ssm = self.shell.client("s3"), self.shell.client("ssm")
        for bucket in (BUCKET, STORE):
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_object(Bucket=BUCKET, Key="child.yaml", Body=CHILD.encode())
        ssm.put_parameter(Name="/canary/key", Value=SSM.value, Type="SecureString")
        ssm.put_parameter(Name="/canary/label", Value=PLAIN_SSM.value, Type="SecureString")
        self.create("vault")
        (self.shell.folder / "policies").mkdir()
        (self.shell.folder / "dr.yaml").write_text(CONFIG)
        for protect in ("volumes", "instances", "stacks"):
            select = "{names: [vault]}" if protect == "stacks" else OF_STACK
            file = self.shell.folder / "policies" / f"{protect}.yaml"
            file.write_text(POLICY % (protect, protect, select))

    def create(self, name: str) -> None:
        query = f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Security-Token={TOKEN.value}&X-Amz-Signature={SIGNATURE.value}"
        child = json.dumps(f"{self.url}/{BUCKET}/child.yaml?{query}")
        text = TEMPLATE % {"default": DEFAULT.value, "image": IMAGE, "child": child, "script": SCRIPT.value}
        given = {"Password": GIVEN.value, "ApiKey": SSM.value, "BucketName": NAME.value, "Label": "a label"}
        rows = [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()]
        self.shell.client("cloudformation").create_stack(StackName=name, TemplateBody=text, Parameters=rows)
        assert self.settled(name) == "CREATE_COMPLETE", self.reasons(name)

    def settled(self, name: str) -> str:
        for _ in range(600):
            rows = self.shell.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
            if not rows[0]["StackStatus"].endswith("_IN_PROGRESS"):
                return rows[0]["StackStatus"]
            time.sleep(0.05)
        raise AssertionError(f"{name} is still {rows[0]['StackStatus']}")

    def reasons(self, name: str) -> list[str]:
        rows = self.shell.client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
        return [row.get("ResourceStatusReason", "") for row in rows]

    # --- what is said ----------------------------------------------------------------------------------------------------

    def dr(self, *arguments: str, code: int = 0, **environ: str) -> Ended:
        """A command for people, and the same one for programs where it changes nothing twice."""
        done = inside(arguments, {**self.environ, **environ}, self.shell.folder)
        return self._heard("dr " + " ".join(arguments), done, code)

    def handler(self, module: str, event: dict[str, Any]) -> Any:
        """What a function answers or raises, as Lambda shows it, and what it logs."""

        def invoked() -> int:
            try:
                answer = import_module(module).handler(event, Context())
            except DrError as error:
                answer = {
                    "errorType": type(error).__name__,
                    "errorMessage": str(error),
                    "trace": format_exc(),
                }
            sys.stdout.write(json.dumps(answer))
            return 0

        done = self._heard(f"{module} {len(self.said)}", called(invoked, self.environ, self.shell.folder), 0)
        return json.loads(done.out)

    def _heard(self, what: str, done: Ended, code: int) -> Ended:
        assert done.code == code, (what, done)
        number = len(self.said)
        self.said[f"stdout of {number} {_unvalued(what)}"] = done.out.encode()
        self.said[f"stderr of {number} {_unvalued(what)}"] = done.err.encode()
        self.ended[what] = done
        return done

    # --- what is kept ----------------------------------------------------------------------------------------------------

    def kept(self) -> dict[str, bytes]:
        """Every object of the stores and the staging bucket, every file of the folder, every tag that dr has written."""
        found = {}
        s3 = self.shell.client("s3")
        for bucket in (BUCKET, STORE):
            for row in s3.list_objects_v2(Bucket=bucket).get("Contents", []):
                name = f"s3://{bucket}/{row['Key']}"
                found[name] = s3.get_object(Bucket=bucket, Key=row["Key"])["Body"].read() + name.encode()
        for path in sorted(self.shell.folder.rglob("*")):
            if path.is_file():
                name = str(path.relative_to(self.shell.folder))
                found[name] = path.read_bytes() + name.encode()
        return found | self._in_ec2()

    def _in_ec2(self) -> dict[str, bytes]:
        ec2 = self.shell.client("ec2")
        snapshots = ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]
        images = ec2.describe_images(Owners=["self"])["Images"]
        rows: Sequence[tuple[str, Any]] = [("snapshots", snapshots), ("images", images)]
        return {name: json.dumps(found, default=str).encode() for name, found in rows}


def _unvalued(what: str) -> str:
    """The command without values: a leak is reported by it."""
    return " ".join(part.partition("=")[0] for part in what.split())[:80]
