"""Forwarders for public names that moved: they work for one minor release and say where the name is now."""

import importlib
import warnings
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["forward", "warn_renamed"]


def forward(module: str, targets: Mapping[str, str]) -> Callable[[str], Any]:
    """Return a module's ``__getattr__`` that forwards its old names.

    Parameters
    ----------
    module : str
        The module's ``__name__``.
    targets : mapping of str to str
        For each old name the dotted path of the new one.
    """

    def __getattr__(name: str) -> Any:  # noqa: N807
        if name not in targets:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        warn_renamed(f"{module}.{name}", targets[name], stacklevel=3)
        home, _, new_name = targets[name].rpartition(".")
        return getattr(importlib.import_module(home), new_name)

    return __getattr__


def warn_renamed(old: str, new: str, *, stacklevel: int = 2) -> None:
    """Warn that a public name is deprecated."""
    message = f"{old} is deprecated and will be removed in lenetkit 0.3; use {new}."
    warnings.warn(message, DeprecationWarning, stacklevel=stacklevel + 1)
