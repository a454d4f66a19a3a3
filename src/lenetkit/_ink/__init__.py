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
>>> from lenetkit import _ink as ink
>>> page = np.full((1, 40, 40), 200, np.uint8)
>>> page[0, 10:30, 18:22] = 30
>>> darkness = ink.ink_map(ink.dark_on_light(page))
>>> contrast = ink.measure_contrast(darkness)
>>> mask = ink.digit_mask(ink.possible_ink(darkness, contrast), darkness, contrast)
>>> [int(bound[0]) for bound in ink.bounding_boxes(mask)]
[10, 30, 18, 22]
"""

from lenetkit._ink.digit import (
    bounding_boxes,
    centre,
    cut_out,
    digit_mask,
    even_ink,
    even_stroke,
    fit_box,
    normalise,
    possible_ink,
    spread,
    stages,
)
from lenetkit._ink.paper import (
    Contrast,
    close,
    dark_on_light,
    ink_map,
    inner,
    measure_contrast,
    measure_noise,
    shrink,
    slope,
    smooth,
    to_grey,
)
from lenetkit._ink.pieces import without_frames, without_lines

__all__ = [
    "Contrast",
    "bounding_boxes",
    "centre",
    "close",
    "cut_out",
    "dark_on_light",
    "digit_mask",
    "even_ink",
    "even_stroke",
    "fit_box",
    "ink_map",
    "inner",
    "measure_contrast",
    "measure_noise",
    "normalise",
    "possible_ink",
    "shrink",
    "slope",
    "smooth",
    "spread",
    "stages",
    "to_grey",
    "without_frames",
    "without_lines",
]
