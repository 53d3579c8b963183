"""A plan as a file: saved, read back, and carried out only where the world is still the one it was made for (DESIGN 9).

    Plan --to_document--> JSON --parse--> SavedPlan --revive, with a fresh inventory--> Plan

The `fingerprint` names what the plan rests on: installation, account, policies, dr.yaml and, per action, the state of
its lineage; not `now`, so that time passing alone changes nothing. The `digest` covers the whole document and finds
edits. Neither is a signature: what a plan file asks for is decided again before any of it is done (revival).
"""

from __future__ import annotations

from dr.planfile.document import Context, SavedAction, SavedPlan, from_document, parse, stamp, to_document
from dr.planfile.revival import part, require_places, require_something, revive

__all__ = [
    "Context",
    "SavedAction",
    "SavedPlan",
    "from_document",
    "parse",
    "part",
    "require_places",
    "require_something",
    "revive",
    "stamp",
    "to_document",
]
