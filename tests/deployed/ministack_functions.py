"""Functions as Lambda runs them: on a Python that the test names, with their code at /var/task.

- ministack runs every Python function on the Python that it runs on itself, and with its packages: what is missing in a
  ZIP file could be found there. On Lambda a function has the runtime's packages and its own.
  Source: Lambda developer guide, Working with .zip file archives for Python Lambda functions, Runtime dependencies.
- ministack unpacks the code into a temporary folder. On Lambda it lies at /var/task (LAMBDA_TASK_ROOT); a variable of the
  function that names a file below it means the file in that folder.
  Source: Lambda developer guide, Working with Lambda environment variables, Defined runtime environment variables.
- ministack calls each error of a function "Runtime.HandlerError". On Lambda it has the name of its class, which a state
  machine's Retry and Catch go by. Source: Lambda developer guide, Python function errors.
"""

from __future__ import annotations

import os
from typing import Any

import ministack_replace as replace
from ministack.core import lambda_runtime
from ministack.services import lambda_svc

_TAKES = "os.environ.update(env)"
_FINDS = """os.environ.update(
        {name: code_dir + value[9:] if value.startswith("/var/task/") else value for name, value in env.items()}
    )"""

_ENDS = '"error": str(e), "trace"'
_MARK = "\0class of the error\0"
_NAMES = f'"error": type(e).__name__ + {_MARK!r} + str(e), "trace"'


def install() -> None:
    script = replace.text(lambda_runtime._PYTHON_WORKER_SCRIPT, _TAKES, _FINDS)
    script = replace.text(script, _ENDS, _NAMES)
    python = os.environ["EMULATOR_FUNCTIONS_PYTHON"]
    detect = lambda_runtime._detect_runtime_binary

    def detected(runtime: str) -> tuple[str, str]:
        return (python, script) if runtime.startswith("python") else detect(runtime)

    replace.name(lambda_runtime, "_detect_runtime_binary", detected)

    def executed(func: dict[str, Any], event: dict[str, Any], request_id: str) -> dict[str, Any]:
        answer = execute(func, event, request_id)
        if answer.get("error"):
            name, mark, message = str(answer["body"]["errorMessage"]).partition(_MARK)
            if mark:
                answer["body"] |= {"errorType": name, "errorMessage": message}
        return answer

    execute = replace.name(lambda_svc, "_execute_function_warm", executed)
