"""Whole numbers in one picture: lines found, digits found, touching ones parted, everything else left out.

In: one picture, as people scan, photograph and draw them, and a fitted :class:`lenetkit.pipeline.Pipeline`.
Out: a :class:`Reading`: the text, and each digit with its place and its probability.
"""

from lenetkit.reading._reading import DigitReading, Reading, read_number

__all__ = ["DigitReading", "Reading", "read_number"]
