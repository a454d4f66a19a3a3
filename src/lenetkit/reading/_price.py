"""Price of a reading: the most work that one picture may take.

In: a function that reads one picture. Out: the same within a budget, which :func:`lenetkit._utils.budget.spend` counts.
"""

import functools
import os
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from lenetkit._utils.budget import open_budget

__all__ = ["CANDIDATES", "CELLS", "PAGE", "PIECES", "priced"]

PAGE = "pixels once small writing is enlarged"
PIECES = "pieces of ink"
CANDIDATES = "candidates for digits"
CELLS = "pixels in candidates for digits"
# Per megapixel of the page, which has at most four; benchmarks/price.py measures what they cost, and how far ordinary
# pages stay below them: a page of 1000 digits takes half.
_LIMITS = {PAGE: 10_000_000, PIECES: 30_000, CANDIDATES: 2_500, CELLS: 25_000_000}

P = ParamSpec("P")
T = TypeVar("T")


def priced(read: Callable[P, T]) -> Callable[P, T]:
    """Bound the work of a function that reads one picture, its first argument."""

    @functools.wraps(read)
    def read_within_budget(*args: P.args, **options: P.kwargs) -> T:
        with open_budget(_get_name(args[0] if args else options.get("image")), _LIMITS):
            return read(*args, **options)

    return read_within_budget


def _get_name(image: Any) -> str:
    """Return the picture's path, the name that its file has, or "the picture"."""
    if isinstance(image, (list, tuple)) and len(image) == 1:
        return _get_name(image[0])
    if isinstance(image, (str, os.PathLike)):
        return os.fspath(image)
    return str(getattr(image, "filename", None) or getattr(image, "name", None) or "the picture")
