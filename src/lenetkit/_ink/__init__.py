"""Where the ink is in a picture of handwriting: the ground floor of normalising, reading and diagnosing pictures.

In: uint8 pictures (n, height, width[, 3]) of one size, in any light and of either polarity.
Out, one step after the other, each (n, height, width): a grey picture, dark on light; an ink map, uint8, in which the
paper is 0 and even; a mask of what may be ink; the mask of one digit; its ink alone, uint8.
Next: :class:`lenetkit.transforms.MnistNormalize` makes MNIST's 28x28 pixels of one digit; a reader of whole numbers
takes the mask before one digit is chosen.

Every function treats each picture of a batch by itself, to the bit, and leaves its input alone. A picture without ink
gives an empty mask. Images whose longer side is below :data:`LARGE` are taken for drawings or thumbnails; others may
be photographs: they are smoothed against noise, freed of shadows, and of ruled lines and frames.

Examples
--------
>>> import numpy as np
>>> from lenetkit import _ink as ink
>>> page = np.full((1, 40, 40), 200, np.uint8)
>>> page[0, 10:30, 18:22] = 30
>>> darkness = ink.ink_map(ink.dark_on_light(page))
>>> contrast = ink.contrast_of(darkness)
>>> mask = ink.digit_mask(ink.possible_ink(darkness, contrast), darkness, contrast)
>>> [int(bound[0]) for bound in ink.bounds_of(mask)]
[10, 30, 18, 22]
"""

from lenetkit._ink.arrays import Array
from lenetkit._ink.digit_box import centre, cut_out, even_stroke, fit_box
from lenetkit._ink.lines import without_frames, without_lines
from lenetkit._ink.mask import bounds_of, digit_mask, even_ink, possible_ink
from lenetkit._ink.neighbours import close, inner, slope, smooth, spread
from lenetkit._ink.paper import LARGE, Contrast, contrast_of, dark_on_light, ink_map, noise_of, shrink, to_grey
from lenetkit._ink.pieces import choose_pieces

__all__ = [
    "LARGE",
    "Array",
    "Contrast",
    "bounds_of",
    "centre",
    "choose_pieces",
    "close",
    "contrast_of",
    "cut_out",
    "dark_on_light",
    "digit_mask",
    "even_ink",
    "even_stroke",
    "fit_box",
    "ink_map",
    "inner",
    "noise_of",
    "possible_ink",
    "shrink",
    "slope",
    "smooth",
    "spread",
    "to_grey",
    "without_frames",
    "without_lines",
]
