"""detect-secrets over every file that git knows, against a reviewed list: `python tools/secrets.py` in .venv-lint.

tools/secrets.reviewed holds a line for each finding that is no secret: path, SHA-1 of the text, and why. Anything else
is an error, and so is a line that nothing answers to any more. What was found in a file is kept until the file changes.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

from detect_secrets import SecretsCollection
from detect_secrets.__version__ import VERSION
from detect_secrets.settings import default_settings

REVIEWED = Path("tools/secrets.reviewed")
CACHE = Path(".venv-lint") / "secrets.json"
"""In the environment of the linters: whoever makes that anew begins anew."""
_ALLOWS = "detect_secrets.filters.allowlist.is_line_allowlisted"
"""A remark in the line itself would go around the list."""
_DIGESTS = (".lock", str(REVIEWED))
"""Files of digests, which look like secrets by the thousand."""


def main() -> int:
    """Print what is new, and what is no longer there; 1 when there is any."""
    found = _found()
    rows = (line.split(maxsplit=2) for line in REVIEWED.read_text().splitlines() if line and line[0] != "#")
    reviewed = {(path, digest) for path, digest, _why in rows}
    unknown = [
        f"{path}:{found[path, digest]}: is it a secret? If not, say why: {path} {digest} WHY"
        for path, digest in sorted(found.keys() - reviewed)
    ]
    gone = [
        f"{REVIEWED}: {path} {digest} is found no more: remove it" for path, digest in reviewed - found.keys()
    ]
    sys.stderr.writelines(f"{line}\n" for line in (*unknown, *gone))
    return 1 if unknown or gone else 0


def _found() -> dict[tuple[str, str], int]:
    """Path and SHA-1 of each finding -> its line."""
    before: dict[str, dict[str, int]] = json.loads(CACHE.read_text()) if CACHE.exists() else {}
    names = {file: _name(file) for file in _files()}
    now = {name: before[name] if name in before else _scanned(file) for file, name in names.items()}
    if CACHE.parent.is_dir():
        CACHE.write_text(json.dumps(now))
    return {(file, digest): line for file, name in names.items() for digest, line in now[name].items()}


def _files() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], capture_output=True, text=True, check=True)  # noqa: S607 - git is on the path of whoever builds
    files = listed.stdout.split("\0")
    return [file for file in files if not file.endswith(_DIGESTS) and Path(file).is_file()]


def _name(file: str) -> str:
    return f"{file} {hashlib.sha256(Path(file).read_bytes()).hexdigest()} {VERSION}"


def _scanned(file: str) -> dict[str, int]:
    with default_settings() as settings:
        settings.disable_filters(_ALLOWS)
        secrets = SecretsCollection()
        secrets.scan_file(file)
    return {secret.secret_hash: secret.line_number for _, secret in secrets}


if __name__ == "__main__":
    sys.exit(main())
