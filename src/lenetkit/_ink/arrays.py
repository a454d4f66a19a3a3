"""The type that all parts of this package pass on."""

from typing import Any, TypeAlias

import numpy.typing as npt

__all__ = ["Array"]

Array: TypeAlias = npt.NDArray[Any]
