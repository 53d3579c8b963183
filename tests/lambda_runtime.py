"""What Lambda's Python runtime brings, as a folder: the SDK, the runtime's client, and nothing else of this Python's."""

from __future__ import annotations

from importlib.metadata import distribution
from pathlib import Path

RUNTIME = ("awslambdaric", "simplejson", "snapshot-restore-py", "boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3")  # fmt: skip
"""What Lambda's runtime brings: the client of its API, and the SDK."""


def make(folder: Path) -> Path:
    """Fill the folder: on the path of a Python without its site packages (-S) it makes Lambda's."""
    for name in RUNTIME:
        tops = {file.parts[0] for file in distribution(name).files or () if ".." not in file.parts}
        for top in tops - {"__pycache__"}:
            (folder / top).symlink_to(Path(str(distribution(name).locate_file(top))))
    return folder
