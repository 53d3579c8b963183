"""parliament and cloudsplaining over policy documents: `python tools/policies.py < documents.json` in .venv-lint.

Standard input is one JSON object, name -> document. What they find is an error unless it is expected: each that is has
its reason here, and one that is not found any more is an error too.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Iterator
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # parliament imports pkg_resources
    import parliament
    from cloudsplaining.scan.policy_document import PolicyDocument

EXPECTED = {
    "RESOURCE_MISMATCH": "a create has its sources in one statement and its results in another, each with conditions of its "
    "own: to parliament either one lacks the resources of the other",
}
"""What they find of the correct form, each with its reason."""


def main() -> int:
    """Print what is found and not expected, or expected and not found; 1 when there is any."""
    documents: dict[str, dict[str, Any]] = json.load(sys.stdin)
    found = {name: set(_found(document)) for name, document in documents.items()}
    new = [f"{name}: {what}" for name, each in found.items() for what in sorted(each - EXPECTED.keys())]
    gone = [f"{what} is found no more: remove it" for what in EXPECTED.keys() - set().union(*found.values())]
    sys.stderr.writelines(f"{line}\n" for line in (*new, *gone))
    return 1 if new or gone or not documents else 0


def _found(document: dict[str, Any]) -> Iterator[str]:
    for finding in parliament.analyze_policy_string(json.dumps(document)).findings:
        yield finding.issue if finding.issue in EXPECTED else f"{finding.issue} {finding.detail}"
    scanned = PolicyDocument(document)
    risks = {
        "ResourceExposure": scanned.permissions_management_without_constraints,
        "InfrastructureModification": scanned.infrastructure_modification,
        "PrivilegeEscalation": [each["type"] for each in scanned.allows_privilege_escalation],
        "DataExfiltration": scanned.allows_data_exfiltration_actions,
        "CredentialsExposure": scanned.credentials_exposure,
        "ServiceWildcard": scanned.service_wildcard,
    }
    yield from (f"{risk} {action}" for risk, actions in risks.items() for action in actions)


if __name__ == "__main__":
    sys.exit(main())
