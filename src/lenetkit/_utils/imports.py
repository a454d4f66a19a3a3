"""Imports of libraries that would move the process' random generators or its filters of warnings. No library needed.

Importing rich draws from ``random``, importing SciPy and scikit-learn adds filters, and some libraries' code does not
survive warnings that are errors. The settings of the program around must not depend on whether it was imported.
"""

import importlib
import random
import sys
import warnings
from types import ModuleType

from lenetkit._utils.fork_lock import ForkLock

__all__ = ["import_quietly"]

# The filters of warnings belong to the process: two threads would put them back in the wrong order.
_lock = ForkLock()


def import_quietly(name: str) -> ModuleType:
    """Import a module, and leave ``random``, NumPy's global generator and the filters of warnings as they were."""
    if (module := sys.modules.get(name)) is not None:
        return module
    with _lock.inner, warnings.catch_warnings():
        numpy = sys.modules.get("numpy.random")
        states = random.getstate(), numpy.get_state() if numpy else None
        warnings.simplefilter("ignore")
        try:
            return importlib.import_module(name)
        finally:
            random.setstate(states[0])
            if numpy:
                numpy.set_state(states[1])
