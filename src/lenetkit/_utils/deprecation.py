"""Forwarders for public names that moved: they work for one minor release and say where the name is now."""

import functools
import importlib
import warnings
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

__all__ = ["accept_old_names", "forward", "warn_renamed"]

AnyFunction = TypeVar("AnyFunction", bound=Callable[..., Any])


def accept_old_names(**names: str) -> Callable[[AnyFunction], AnyFunction]:
    """Let a function take keywords by their old names, too: ``old="new"``; a decorator.

    Examples
    --------
    >>> import warnings
    >>> from lenetkit._utils.deprecation import accept_old_names
    >>> @accept_old_names(number="count")
    ... def double(count):
    ...     return 2 * count
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     double(number=4)
    8
    >>> print(caught[0].message)
    double(number=...) is deprecated and will be removed in lenetkit 0.3; use count=....
    """

    def decorate(function: AnyFunction) -> AnyFunction:
        @functools.wraps(function)
        def call(*arguments: Any, **options: Any) -> Any:
            for old in names.keys() & options.keys():
                warn_renamed(f"{function.__name__}({old}=...)", f"{names[old]}=...")
                if names[old] not in options:
                    options[names[old]] = options.pop(old)
            return function(*arguments, **options)

        return call  # type: ignore[return-value]

    return decorate


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
