"""Files that people write: read strictly, and checked with the place of every fault.

    bytes --reader--> Document (values with places) --fields, domain--> typed values + Faults --> Policy, Config

Nothing here raises for what a file holds. Faults are collected, so that one run of `dr validate` shows all of them:
a fault takes its value out of the reading, and the rest is checked as if it stood alone. What is known of policies
and dr.yaml stands in `dr.policy` and `dr.config`; here is what any document needs.
"""

from __future__ import annotations

from dr.documents.nodes import Document
from dr.documents.reader import read, read_bytes

__all__ = ["Document", "read", "read_bytes"]
