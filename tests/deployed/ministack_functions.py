"""Functions as Lambda runs them: on a Python that the test names, with their code at /var/task.

- ministack runs every Python function on the Python that it runs on itself, and with its packages: what is missing in a
  ZIP file could be found there. On Lambda a function has the runtime's packages and its own.
  Source: Lambda developer guide, Working with .zip file archives for Python Lambda functions, Runtime dependencies.
- ministack unpacks the code into a temporary folder. On Lambda it lies at /var/task (LAMBDA_TASK_ROOT); a variable of the
  function that names a file below it means the file in that folder.
  Source: Lambda developer guide, Working with Lambda environment variables, Defined runtime environment variables.
"""

from __future__ import annotations

import os

import ministack_replace as replace
from ministack.core import lambda_runtime

_TAKES = "os.environ.update(env)"
_FINDS = """os.environ.update(
        {name: code_dir + value[9:] if value.startswith("/var/task/") else value for name, value in env.items()}
    )"""


def install() -> None:
    script = replace.text(lambda_runtime._PYTHON_WORKER_SCRIPT, _TAKES, _FINDS)
    python = os.environ["EMULATOR_FUNCTIONS_PYTHON"]
    detect = lambda_runtime._detect_runtime_binary

    def detected(runtime: str) -> tuple[str, str]:
        return (python, script) if runtime.startswith("python") else detect(runtime)

    replace.name(lambda_runtime, "_detect_runtime_binary", detected)
