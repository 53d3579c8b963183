"""Stored stacks: reading and rewriting templates, what of a template would not travel, and the plan of a restore.

The template half is `template` (text to tree), `edit` (tree changes back into the text), `evaluate` (what a value
comes to), `rewrite` (a template whose resources are born with their data), `names`, `stateful` and `transforms`.
"""
