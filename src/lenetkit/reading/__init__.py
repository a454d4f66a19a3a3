"""Reading of whole numbers in one image: lines, digits, touching ones parted, everything else left out.

In: one image, as people scan, photograph and draw them, and a fitted :class:`lenetkit.pipeline.Pipeline`.
Out: a :class:`Reading`: the text, and each digit with its box and its probability. Next: a person or a program.
"""

from lenetkit.reading._line_answers import LineReader
from lenetkit.reading._outcome import DigitReading, LeftOut, Reading
from lenetkit.reading._reading import iter_numbers, read_number, read_numbers

__all__ = ["DigitReading", "LeftOut", "LineReader", "Reading", "iter_numbers", "read_number", "read_numbers"]
