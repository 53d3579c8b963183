"""Where atheris has no wheel (see pyproject.toml), hypothesis fuzzes alone."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore = [] if find_spec("atheris") else ["test_fuzz_atheris.py"]
