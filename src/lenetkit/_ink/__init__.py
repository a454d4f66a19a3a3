"""Ink in a picture of handwriting: the ground floor of normalising, reading and diagnosing pictures.

In: uint8 pictures (n, height, width[, 3]) of one size, in any light and of either polarity.
Out, one step after the other, each (n, height, width): a grey picture, dark on light; an ink map, uint8, in which the
paper is 0 and even; a mask of what may be ink; the mask of one digit; its ink alone, uint8; MNIST's 28x28 pixels of it.
:func:`stages` yields them in this order.
Next: :class:`lenetkit.transforms.MnistNormalize` goes all the way; :mod:`lenetkit.reading` starts from the mask, before
one digit is chosen.

Every function treats each picture of a batch by itself, to the bit, and leaves its input alone. A picture without ink
gives an empty mask. Images whose longer side is below 64 pixels count as drawings or thumbnails; others may be
photographs: they are smoothed against noise, freed of shadows, and of ruled lines and frames.

Examples
--------
>>> import numpy as np
>>> from lenetkit._ink import stages
>>> page = np.full((1, 40, 40), 200, np.uint8)
>>> page[0, 10:30, 18:22] = 30
>>> [(name, images.shape) for name, images in stages(page)][2:]
[('possible ink', (1, 40, 40)), ('digit', (1, 40, 40)), ('stroke', (1, 46, 46)), ('result', (1, 28, 28))]
"""

from typing import Any

from lenetkit._ink.bands import has_bands
from lenetkit._ink.digit import (
    SIDE,
    centre,
    cut_out,
    even_ink,
    even_stroke,
    fit_box,
    is_like_mnist,
    raw_stages,
    stages,
    without_rulings,
)
from lenetkit._ink.edges import has_edge_lines
from lenetkit._ink.grey import (
    WORKING_SIDE,
    get_reduction,
    mix_channels,
    shrink,
    to_bytes,
    to_grey,
    weigh_channels,
    working_grey,
)
from lenetkit._ink.paper import LARGE, Contrast, close, dark_on_light, ink_map, slope
from lenetkit._ink.pieces import dark_enough
from lenetkit._ink.second_looks import FILLED, SURE, doubts, fill_images, is_thin, look_again

__all__ = [
    "FILLED",
    "LARGE",
    "SIDE",
    "SURE",
    "WORKING_SIDE",
    "Contrast",
    "centre",
    "close",
    "cut_out",
    "dark_enough",
    "dark_on_light",
    "describe_stages",
    "doubts",
    "even_ink",
    "even_stroke",
    "fill_images",
    "fit_box",
    "get_reduction",
    "has_bands",
    "has_edge_lines",
    "ink_map",
    "is_like_mnist",
    "is_thin",
    "look_again",
    "mix_channels",
    "raw_stages",
    "shrink",
    "slope",
    "stages",
    "to_bytes",
    "to_grey",
    "weigh_channels",
    "without_rulings",
    "working_grey",
]


def describe_stages(*, stroke: bool) -> list[dict[str, Any]]:
    """Return the :func:`stages` with their formulae and constants, as plain values."""
    from lenetkit._ink.formulae import describe_stages  # not needed to answer

    return describe_stages(stroke=stroke)
