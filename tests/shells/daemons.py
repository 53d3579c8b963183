"""An installation at the sandbox, and its daemons as processes."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from contextlib import contextmanager

from conftest import a_shell, inside

REGION = "eu-west-1"
CONFIG = f"name: acme\nregions: [{REGION}]\nstore: {{primary: {{url: store/}}}}\n"
POLICY = 'policy: {name}\nprotect: volumes\nselect: {{tags: {{Tier: {name}}}}}\nschedule: "0 * * * *"\nkeep: {{last: 3}}\n'
STACKS = (
    'policy: stacks\nprotect: stacks\nselect: {{names: ["*"]}}\nschedule: "0 * * * *"\nkeep: {{last: 3}}\n'
)
_STACK = '{"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}'


class Acme:
    """An installation with a volume of each tier, and its daemons."""

    def __init__(self, shell, sandbox):
        self.shell, self.ec2 = shell, sandbox.client("ec2")
        self.cloudformation = sandbox.client("cloudformation")

    def __call__(self, *arguments):
        return inside(arguments, self.shell.environ, self.shell.folder)

    def protect(self, name, text=POLICY):
        (self.shell.folder / "policies").mkdir(exist_ok=True)
        (self.shell.folder / "policies" / f"{name}.yaml").write_text(text.format(name=name))

    def volume(self, tier):
        tags = [{"ResourceType": "volume", "Tags": [{"Key": "Tier", "Value": tier}]}]
        return self.ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=1, TagSpecifications=tags)[
            "VolumeId"
        ]

    def stack(self, name):
        self.cloudformation.create_stack(StackName=name, TemplateBody=_STACK)

    def captured(self):
        """The volumes of which there is a point, each as often as there is one."""
        return sorted(volume for volume, _ in self.slots())

    def slots(self):
        """The volume and the slot of every point."""
        rows = self.ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]
        tags = [(row["VolumeId"], {tag["Key"]: tag["Value"] for tag in row.get("Tags", ())}) for row in rows]
        return sorted((volume, own["dr:slot"]) for volume, own in tags if "dr:slot" in own)

    @contextmanager
    def daemon(self, name="one", *options, **environ):
        log = self.shell.folder.parent / f"{name}.log"
        with log.open("w") as err:
            process = subprocess.Popen(
                self.shell.command("daemon", "--json", "--port", "0", *options),
                cwd=self.shell.folder,
                env={**self.shell.environ, **environ},
                stdout=subprocess.PIPE,
                stderr=err,
                text=True,
            )
        try:
            yield Daemon(process, log)
        finally:
            process.kill()
            process.communicate()


class Daemon:
    def __init__(self, process, log):
        self.process, self._log = process, log

    def said(self, event):
        """Its lines of this event: each is one JSON object."""
        lines = [json.loads(line) for line in self._log.read_text().splitlines() if line.endswith("}")]
        return [line for line in lines if line["event"] == event]

    def asked(self, path):
        """What it answers over HTTP."""
        (told,) = self.until(lambda: self.said("health.answers"))
        with urllib.request.urlopen(f"http://127.0.0.1:{told['port']}{path}", timeout=10) as answer:
            return answer.read().decode()

    def until(self, find):
        end = time.monotonic() + 60
        while not (found := find()):
            assert self.process.poll() is None, self._log.read_text()
            assert time.monotonic() < end, self._log.read_text()
            time.sleep(0.1)
        return found

    def ended(self, number):
        """Its exit code and answer, and the seconds that it took to end."""
        began = time.monotonic()
        self.process.send_signal(number)
        out, _ = self.process.communicate(timeout=30)
        return self.process.returncode, out, time.monotonic() - began


def an_acme(sandbox, folder):
    """Acme with a policy of a tier, and no volume yet."""
    sandbox.reset()
    sandbox.pending(0)
    shell = a_shell(
        folder, AWS_ENDPOINT_URL=sandbox.url, AWS_ACCESS_KEY_ID="any", AWS_SECRET_ACCESS_KEY="any"
    )
    (shell.folder / "dr.yaml").write_text(CONFIG)
    made = Acme(shell, sandbox)
    made.protect("db")
    return made


def leading(one, two):
    """Of two daemons the one that works, and the one that stands by."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for leader, other in ((one, two), (two, one)):
            if leader.said("tick.finished") and other.said("daemon.standing-by"):
                return leader, other
        time.sleep(0.1)
    raise AssertionError((one._log.read_text(), two._log.read_text()))
