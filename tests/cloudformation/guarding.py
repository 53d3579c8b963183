"""CloudFormation Guard over templates: it has no command line, and runs in the environment of the linters."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path

LINTERS = Path(__file__).parents[2] / ".venv-lint" / "bin"
_GUARD = """\
import json, sys, guardpycfn
rules, templates = json.load(sys.stdin)
def statuses(template):
    # `success` is true even when a rule fails: only the status says it (FAILURES 4.5)
    result = guardpycfn.validate_with_guard(template, rules=rules, verbose=True)["result"]
    checks = [child["container"]["RuleCheck"] for child in result["children"]]
    return result["container"]["FileCheck"]["status"], {check["name"]: check["status"] for check in checks}
print(json.dumps([statuses(template) for template in templates]))
"""


def guarded(rules: str, templates: Iterable[str]) -> list[list]:
    """For each template its status, and that of each rule."""
    done = subprocess.run(
        [LINTERS / "python", "-c", _GUARD],
        input=json.dumps([rules, list(templates)]),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return json.loads(done.stdout)
