"""Room around images."""

from typing import Any

import attrs

from lenetkit.transforms._base import register_transform
from lenetkit.transforms._canvas import (
    as_background,
    as_lengths,
    describe_background,
    get_background,
    lay_on_background,
)
from lenetkit.transforms._pixels import Array, BatchTransform

__all__ = ["Pad"]


def _as_margin(value: Any) -> tuple[int, int, int, int]:
    top, bottom, left, right = as_lengths("Pad: margin", value, "top, bottom, left, right", least=0)
    return top, bottom, left, right


@register_transform("pad")
@attrs.frozen
class Pad(BatchTransform):
    """Lay images on a larger background.

    Parameters
    ----------
    margin : tuple of int
        (top, bottom, left, right) in pixels, each 0 to 4096. One number stands for all four. The default of 2 brings
        MNIST's 28x28 to the 32x32 of LeCun et al. (1998), section II.B.
    background : float or None
        Grey level of the margin from 0 (black) to 1 (white). None takes the median of each image's outermost pixels.

    Raises
    ------
    SettingError
        If the margin or the background is invalid.

    Examples
    --------
    >>> import numpy as np
    >>> from lenetkit.transforms import Pad
    >>> Pad(2)(np.zeros((10, 28, 28), np.uint8)).shape
    (10, 32, 32)
    >>> Pad((0, 0, 1, 0), background=1)(np.zeros((1, 1, 2), np.uint8))
    array([[[255,   0,   0]]], dtype=uint8)
    """

    margin: tuple[int, int, int, int] = attrs.field(default=(2, 2, 2, 2), converter=_as_margin)
    background: float | None = attrs.field(default=None, converter=as_background, kw_only=True)

    def _passes(self, *_: Any) -> bool:
        return not any(self.margin)

    def _apply(self, batch: Array) -> Array:
        top, bottom, left, right = self.margin
        size = (top + batch.shape[1] + bottom, left + batch.shape[2] + right)
        return lay_on_background(batch, size, (top, left), get_background(batch, self.background))

    def describe_steps(self) -> list[str]:
        """Return its steps; see :func:`lenetkit.transforms.describe_transform`."""
        top, bottom, left, right = self.margin
        return [
            f"{top} rows above, {bottom} below, {left} columns on the left and {right} on the right, of the level "
            f"{describe_background(self.background)}"
        ]
