"""Settings of drawn lines of writing: the ranges and fractions from which each line is drawn.

Out: :class:`LineSettings`. Next: the writing, the paper and the camera of a line.
"""

from collections.abc import Callable
from typing import Any

import attrs

from lenetkit._utils.validation import check_interval, check_whole, chosen, is_number
from lenetkit.exceptions import SettingError
from lenetkit.synthesis._allographs import STYLES

__all__ = ["LineSettings"]

Pair = tuple[float, float]


def _pair(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _within(lowest: float, highest: float) -> Callable[[Any, Any, Any], None]:
    """Return a validator for two numbers in ascending order."""
    return lambda _, attribute, value: check_interval(attribute.name, value, lowest, highest)


def _check_fraction(_: Any, attribute: Any, value: Any) -> None:
    if not is_number(value, 0, 1):
        raise SettingError(f"{attribute.name} must be a fraction from 0 to 1; got {value!r}.")


def _check_digits(_: Any, attribute: Any, value: Any) -> None:
    check_interval(attribute.name, value, 1, 40)
    for end in value:
        check_whole(f"each of the two numbers of {attribute.name}", end, 1, 40)


def _check_height(_: Any, attribute: Any, value: Any) -> None:
    if value is not None:
        check_whole(attribute.name, value, 16, 512)


def _style_names(value: Any) -> Any:
    return chosen("styles", value, STYLES)


@attrs.frozen(kw_only=True)
class LineSettings:
    """Variety of drawn lines: each line draws its own setting from every range, and the fractions say how often.

    Lengths are in digit heights where no unit is given. All ranges are pairs, the least and the most.

    Parameters
    ----------
    height : int or None, default 40
        Height of the images in pixels, 16 to 512; the width follows. None leaves each as large as it was drawn.
    styles : str or iterable of str, default ("varied", "american", "continental")
        Styles of the pen, as in :func:`draw_digits`, equally often.
    drawn : float, default 0.5
        Fraction of lines whose digits the pen draws where images of digits are given.
    n_digits : tuple of two int, default (1, 8)
        How many digits a line has, 1 to 40.
    signs : float, default 0.5
        Fraction of texts with separators, gaps, a sign, or an ending such as ``.-``.
    empty : float, default 0.03
        Fraction of lines with no number at all: paper, and what else lies on it.
    foreign : float, default 0.5
        Fraction of these, where no text is given, with writing that is no number: words, marks, scribbles, digits that
        were struck out.
    digit_height : tuple of two float, default (11, 40)
        Height of the digits in pixels, 8 to 200, before the image is brought to `height`: small ones come out blurred.
    pen_width : tuple of two float, default (0.05, 0.15)
        Thickness of the pen's lines, 0.01 to 0.3.
    spacing : tuple of two float, default (-0.02, 0.32)
        Mean distance between the ink of neighbours, -0.5 to 3.
    touching : float, default 0.15
        Fraction of neighbours that are pushed onto each other.
    overlap : tuple of two float, default (0.0, 0.16)
        How far those overlap, 0 to 0.5.
    joined : float, default 0.15
        Fraction of hands that keep the pen down between digits, now and then.
    small_zeros, linked_zeros : float, default 0.1 and 0.12
        Fractions of hands that write zeros smaller than the digits before them, and that join or interlock zeros in a
        row by strokes over or through their tops.
    uncommon : float, default 0.35
        Fraction of the pen's hands that are far narrower, wider, more slanted to either side or with larger or smaller
        bowls than others.
    raised : float, default 0.08
        Fraction of numbers whose end is small and raised, as cents are; of dashes at the end four times as many.
    bend : tuple of two float, default (0.0, 0.05)
        How much digits that are given as images are bent, 0 to 0.3.
    slant : tuple of two float, default (-0.15, 0.4)
        How far the tops of digits that are given as images lean to the right, -1 to 1; the pen's have their style's.
    slope : tuple of two float, default (-0.09, 0.09)
        How much the line of writing falls along its length, -0.3 to 0.3.
    margin, side_margin : tuple of two float, default (-0.05, 0.7) and (0.0, 1.2)
        Paper above and below the writing, -0.2 to 5, and on both sides, 0 to 5. Below 0 the writing is cut off,
        but for points and commas.
    boxed : float, default 0.06
        Fraction of lines written into joined boxes or onto a comb, one digit in each.
    framed, ruled, underlined : float, default 0.06, 0.25 and 0.15
        Fractions with a printed frame, with printed lines, and with one or two strokes of the pen below.
    starred : float, default 0.08
        Fraction of texts between ``#``, ``*``, ``$`` or ``=``, as on cheques; these are no part of the text.
    lettered, printed, crossed : float, default 0.06, 0.05 and 0.03
        Fractions of texts with a written letter, part of a word or a struck-out digit beside them, with a printed word
        beside them, and with a stroke of a pen through them; none of it is part of the text.
    patterned : float, default 0.45
        Fraction of papers with a security pattern: waves, guilloche, hatching, dots or grains, fainter than the ink.
    stained, bordered, neighboured : float, default 0.25, 0.12 and 0.3
        Fractions of stained or shaded papers, of black scanner borders, and of images with bits of other writing.
    paper, ink : tuple of two float, default (0.5, 1.0) and (0.05, 0.6)
        Level of the paper, 0.2 to 1, and of the ink as a fraction of it, 0 to 0.85.
    blur : tuple of two float, default (0.0, 1.0)
        Standard deviation of the blur in pixels before the image is brought to `height`, 0 to 3; never so much that
        small digits are lost.
    noise : tuple of two float, default (0, 10)
        Standard deviation of the noise in grey levels, 0 to 64.
    compressed : float, default 0.5
        Fraction of images that were JPEG files once.
    quality : tuple of two float, default (25, 95)
        Their quality, 1 to 100.
    bleached : float, default 0.2
        Fraction of images whose paper was made white, as scanners do.

    Raises
    ------
    SettingError
        If a range or a fraction is out of its bounds, or a style is unknown.

    Examples
    --------
    >>> from lenetkit.synthesis import LineSettings, draw_line
    >>> plain = LineSettings(patterned=0, neighboured=0, bordered=0, signs=0, empty=0)
    >>> draw_line(settings=plain, seed=5).image.shape[0]
    40
    """

    height: int | None = attrs.field(default=40, validator=_check_height)
    styles: tuple[str, ...] = attrs.field(default=("varied", "american", "continental"), converter=_style_names)
    drawn: float = attrs.field(default=0.5, validator=_check_fraction)
    n_digits: tuple[int, int] = attrs.field(default=(1, 8), converter=_pair, validator=_check_digits)
    signs: float = attrs.field(default=0.5, validator=_check_fraction)
    empty: float = attrs.field(default=0.03, validator=_check_fraction)
    foreign: float = attrs.field(default=0.5, validator=_check_fraction)
    digit_height: Pair = attrs.field(default=(11, 40), converter=_pair, validator=_within(8, 200))
    pen_width: Pair = attrs.field(default=(0.05, 0.15), converter=_pair, validator=_within(0.01, 0.3))
    spacing: Pair = attrs.field(default=(-0.02, 0.32), converter=_pair, validator=_within(-0.5, 3))
    touching: float = attrs.field(default=0.15, validator=_check_fraction)
    overlap: Pair = attrs.field(default=(0.0, 0.16), converter=_pair, validator=_within(0, 0.5))
    joined: float = attrs.field(default=0.15, validator=_check_fraction)
    small_zeros: float = attrs.field(default=0.1, validator=_check_fraction)
    linked_zeros: float = attrs.field(default=0.12, validator=_check_fraction)
    uncommon: float = attrs.field(default=0.35, validator=_check_fraction)
    raised: float = attrs.field(default=0.08, validator=_check_fraction)
    bend: Pair = attrs.field(default=(0.0, 0.05), converter=_pair, validator=_within(0, 0.3))
    slant: Pair = attrs.field(default=(-0.15, 0.4), converter=_pair, validator=_within(-1, 1))
    slope: Pair = attrs.field(default=(-0.09, 0.09), converter=_pair, validator=_within(-0.3, 0.3))
    margin: Pair = attrs.field(default=(-0.05, 0.7), converter=_pair, validator=_within(-0.2, 5))
    side_margin: Pair = attrs.field(default=(0.0, 1.2), converter=_pair, validator=_within(0, 5))
    boxed: float = attrs.field(default=0.06, validator=_check_fraction)
    framed: float = attrs.field(default=0.06, validator=_check_fraction)
    ruled: float = attrs.field(default=0.25, validator=_check_fraction)
    underlined: float = attrs.field(default=0.15, validator=_check_fraction)
    starred: float = attrs.field(default=0.08, validator=_check_fraction)
    lettered: float = attrs.field(default=0.06, validator=_check_fraction)
    printed: float = attrs.field(default=0.05, validator=_check_fraction)
    crossed: float = attrs.field(default=0.03, validator=_check_fraction)
    patterned: float = attrs.field(default=0.45, validator=_check_fraction)
    stained: float = attrs.field(default=0.25, validator=_check_fraction)
    bordered: float = attrs.field(default=0.12, validator=_check_fraction)
    neighboured: float = attrs.field(default=0.3, validator=_check_fraction)
    paper: Pair = attrs.field(default=(0.5, 1.0), converter=_pair, validator=_within(0.2, 1))
    ink: Pair = attrs.field(default=(0.05, 0.6), converter=_pair, validator=_within(0, 0.85))
    blur: Pair = attrs.field(default=(0.0, 1.0), converter=_pair, validator=_within(0, 3))
    noise: Pair = attrs.field(default=(0, 10), converter=_pair, validator=_within(0, 64))
    compressed: float = attrs.field(default=0.5, validator=_check_fraction)
    quality: Pair = attrs.field(default=(25, 95), converter=_pair, validator=_within(1, 100))
    bleached: float = attrs.field(default=0.2, validator=_check_fraction)
