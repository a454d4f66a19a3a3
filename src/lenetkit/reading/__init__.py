"""Reading of whole numbers in one image: lines, digits, touching ones parted, everything else left out.

In: one image, as people scan, photograph and draw them, and a fitted :class:`lenetkit.pipeline.Pipeline`.
Out: a :class:`Reading`: the text, and each digit with its box and its probability. Next: a person or a program.
"""

from lenetkit.reading._outcome import DigitReading, LeftOut, Reading
from lenetkit.reading._reading import read_number

__all__ = ["DigitReading", "LeftOut", "Reading", "read_number"]
