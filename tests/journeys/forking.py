"""Programs, each in a process of its own, of a Python that has imported TensorFlow already.

In, on standard input: a line of JSON for each program, with its command line, folder, module path and environment, and
the files for its output. Out, on standard output: its exit code. The fixture ``python`` in ``conftest.py`` asks for
them: many programs need TensorFlow, which takes seconds to import. lenetkit itself each of them imports anew.
"""

import json
import os
import runpy
import sys
import traceback
from typing import Any

import keras  # noqa: F401 -- this and what follows is what the programs find imported
import matplotlib.pyplot  # noqa: F401, ICN001
import pandas  # noqa: F401, ICN001
import sklearn.model_selection  # noqa: F401


def run(arguments: list[str]) -> None:
    """Run what stands behind ``python`` on a command line: ``-m module``, ``-c code`` or a script."""
    first, *rest = arguments
    if first == "-m":
        sys.argv = rest
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    elif first == "-c":
        sys.argv = ["-c", *rest[1:]]
        exec(compile(rest[0], "<string>", "exec"), {"__name__": "__main__"})
    else:
        sys.argv = arguments
        sys.path.insert(0, os.path.dirname(first))
        runpy.run_path(first, run_name="__main__")


def run_and_leave(job: dict[str, Any]) -> None:
    """Turn this process into the one that was asked for, and end it."""
    code: Any = 0
    for number, name, flags in ((0, os.devnull, os.O_RDONLY), (1, "stdout", os.O_WRONLY), (2, "stderr", os.O_WRONLY)):
        os.dup2(os.open(job.get(name, name), flags | (number and os.O_CREAT | os.O_TRUNC)), number)
    os.environ.update(job["environment"])
    os.chdir(job["folder"])
    sys.path[:1] = job["path"]  # in place of this script's folder
    try:
        run(job["arguments"])
    except SystemExit as ended:
        code = ended.code
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


for line in sys.stdin:
    child = os.fork()
    if child == 0:
        run_and_leave(json.loads(line))
    sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
    sys.stdout.flush()
