"""The pen: digits, whole numbers and paper, drawn by lenetkit itself.

In: how many digits, or the text of a number; a style of handwriting, a seed.
Out: pictures that look like MNIST's or like photographs of paper, with labels and boxes.

``skeletons`` holds the forms, ``pen`` bends them and lays the ink, ``digits``, ``numbers`` and ``paper`` compose.
"""

from lenetkit.datasets._drawing.digits import draw_digits, list_allographs
from lenetkit.datasets._drawing.numbers import DrawnNumber, draw_number
from lenetkit.datasets._drawing.others import draw_others, draw_printed
from lenetkit.datasets._drawing.paper import draw_paper

__all__ = ["DrawnNumber", "draw_digits", "draw_number", "draw_others", "draw_paper", "draw_printed", "list_allographs"]
