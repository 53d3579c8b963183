"""Fuzz one target with atheris, guided by which lines of dr an input reaches: `python atheris_run.py TARGET [--seconds N]`.

A process of its own, because libFuzzer owns it: it ends with 0 when the time is up, and with another code at the
first fault, whose input it writes as `crash-...` into the folder of `--found`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import atheris

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS.parent), str(TESTS), str(TESTS / "fuzz")]

with atheris.instrument_imports(include=["dr", "fuzz_targets"]):
    import fuzz_targets

_LONGEST = 65_536
"""Bytes of an input."""


def main() -> None:
    asked = _asked()
    target = fuzz_targets.BY_NAME[asked.target]
    with tempfile.TemporaryDirectory() as made:
        corpus, words = Path(made, "corpus"), Path(made, "words")
        corpus.mkdir()
        for number, seed in enumerate(target.seeds):
            (corpus / str(number)).write_bytes(seed)
        words.write_text("".join(f'"{_escaped(token)}"\n' for token in target.tokens if len(token) < 64))
        options = {
            "dict": words,
            "max_len": _LONGEST,
            "max_total_time": asked.seconds,
            "runs": asked.runs,
            "seed": asked.seed,
            "artifact_prefix": f"{asked.found}/",
        }
        given = [f"-{name}={value}" for name, value in options.items()]
        atheris.Setup(
            [sys.argv[0], *given, str(corpus)],
            lambda data: fuzz_targets.run(target, data),
            internal_libfuzzer=True,
        )
        atheris.Fuzz()


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("target", choices=sorted(fuzz_targets.BY_NAME))
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--runs", type=int, default=-1, help="inputs; -1 is as many as the time allows")
    parser.add_argument(
        "--seed", type=int, default=0, help="of libFuzzer's chance; 0 is another one each time"
    )
    parser.add_argument("--found", default=".", help="folder for the inputs that show a fault")
    return parser.parse_args()


def _escaped(token: bytes) -> str:
    """A word of libFuzzer's dictionary."""
    return "".join(f"\\x{byte:02x}" for byte in token)


if __name__ == "__main__":
    main()
