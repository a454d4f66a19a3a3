"""Synthesis: digits, numbers, lines, paper, non-digits and corruptions drawn by the library itself.

In: settings and a seed; for :func:`corrupt`, images uint8 (n, height, width[, channels]) in [0, 255].
Out: a :class:`~lenetkit.datasets.Dataset` (:func:`draw_digits`, :func:`draw_nondigits`), a :class:`DrawnNumber`, a
:class:`DrawnLine`, or uint8 arrays. The same seed gives the same pixels, and more images only add to them.
Next: :mod:`lenetkit.transforms`.

Examples
--------
>>> from lenetkit.synthesis import corrupt, draw_digits
>>> drawn = draw_digits(1000, styles=["american", "continental"], seed=0)
>>> spoilt = corrupt(drawn.images, "spatter", severity=4)
>>> spoilt.shape, spoilt.dtype
((1000, 28, 28), dtype('uint8'))
"""

from lenetkit._utils.corruptions import CORRUPTIONS, corrupt
from lenetkit.synthesis._backgrounds import draw_paper
from lenetkit.synthesis._digit_images import draw_digits, list_allographs
from lenetkit.synthesis._line_settings import LineSettings
from lenetkit.synthesis._lines import DrawnLine, draw_line, draw_lines
from lenetkit.synthesis._nondigits import draw_nondigits, draw_printed
from lenetkit.synthesis._numbers import DrawnNumber, draw_number

__all__ = [
    "CORRUPTIONS",
    "DrawnLine",
    "DrawnNumber",
    "LineSettings",
    "corrupt",
    "draw_digits",
    "draw_line",
    "draw_lines",
    "draw_nondigits",
    "draw_number",
    "draw_paper",
    "draw_printed",
    "list_allographs",
]
