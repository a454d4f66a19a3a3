"""Results of reading: digits with their boxes, what was left out, and how sure the whole is.

In: what :func:`lenetkit.reading.read_number` found. Out: text, plain values, pictures. Next: a person or a program.
"""

import math
import re
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit._utils.html import card, png_uri, text
from lenetkit._utils.validation import check_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from lenetkit.plotting import ReadingDisplay
    from lenetkit.reading._knowledge import Knowledge

__all__ = ["Box", "DigitReading", "LeftOut", "Reading"]

# Pixels of the longer side of the picture that a notebook shows.
_LARGEST_PICTURE = 480
# Colours of Okabe and Ito (2008), told apart by colour-blind people, too: what was read, and what is in doubt.
_READ, _DOUBTFUL = "#0072B2", "#D55E00"

# Lines that have room above a diagram.
_FEW_LINES = 3
# Separators but for gaps.
_SIGNS = re.compile("[-.,:/]")

Box: TypeAlias = tuple[int, int, int, int]


@attrs.frozen(kw_only=True)
class DigitReading:
    """One digit in an image.

    Parameters
    ----------
    label : int or str
        One of the pipeline's labels.
    probability : float
        Of that label, 0 to 1.
    box : tuple of int
        Left, top, right and bottom in pixels of the image; right and bottom are just outside, as Pillow has it.
    line : int
        Index of its line, 0 for the topmost.

    Examples
    --------
    >>> from lenetkit.reading import DigitReading
    >>> DigitReading(label=4, probability=0.99, box=(10, 5, 30, 40), line=0)
    DigitReading(label=4, probability=0.99, box=(10, 5, 30, 40), line=0)
    """

    label: Any
    probability: float
    box: Box
    line: int


@attrs.frozen(kw_only=True)
class LeftOut:
    """A place in an image that may hold a digit that was not read.

    Parameters
    ----------
    box : tuple of int
        Left, top, right and bottom in pixels of the image; right and bottom are just outside.
    reason : str
        In words: the ink there is unlike a digit, is a blot or pale, or belongs to no line; or the box of a form is
        empty while others on both of its sides are not.
    probability : float
        That it is one digit, 0 to 1; without a gate that of its most probable label, and 0 in an empty box.
    line : int, optional
        Index of the line that it stands on; None where it stands on none that has digits.

    Examples
    --------
    >>> from lenetkit.reading import LeftOut
    >>> LeftOut(box=(10, 5, 30, 40), reason="unlike a digit", probability=0.21, line=0)
    LeftOut(box=(10, 5, 30, 40), reason='unlike a digit', probability=0.21, line=0)
    """

    box: Box
    reason: str
    probability: float
    line: int | None = None


@attrs.frozen(kw_only=True, eq=False)
class Reading:
    """The digits in an image in reading order; made by :func:`read_number`.

    Parameters
    ----------
    digits : tuple of DigitReading
        From left to right, line by line.
    image : ndarray of shape (height, width) or (height, width, 3)
        uint8.
    left_out : tuple of LeftOut, optional
        Places that may hold digits but were not read, from left to right, line by line.
    probability : float, optional
        That the text is right as a whole, 0 to 1; by default the product of the digits' probabilities.
    raw : str, optional
        The text as it stands there, with separators and a space for each gap, as ``12.50``, ``27/11/2026`` or
        ``1 153 25``; by default the text.
    rejected : bool, optional
        True if the reading is less sure than was asked for: `text` is the best guess and should not be used.
    reason : str, optional
        The reason for that, in a sentence; empty without one.
    answers : tuple of ndarray, optional
        The answers of the network to each line, for :meth:`alternatives`: float, (columns, 17).
    knowledge : Knowledge, optional
        The rules for the number that were given.

    Examples
    --------
    >>> import numpy as np
    >>> from lenetkit.reading import DigitReading, LeftOut, Reading
    >>> four = DigitReading(label=4, probability=0.99, box=(10, 5, 30, 40), line=0)
    >>> two = DigitReading(label=2, probability=0.98, box=(36, 6, 58, 41), line=0)
    >>> blot = LeftOut(box=(60, 8, 84, 40), reason="a blot", probability=0.6, line=0)
    >>> reading = Reading(digits=(four, two), left_out=(blot,), image=np.zeros((50, 90), np.uint8), probability=0.4)
    >>> reading.text, reading.text_with_doubts
    ('42', '42?')
    >>> reading.to_dict()["digits"][0]
    {'label': 4, 'probability': 0.99, 'box': [10, 5, 30, 40], 'line': 0}
    """

    digits: tuple[DigitReading, ...]
    image: npt.NDArray[np.uint8] = attrs.field(repr=False)
    left_out: tuple[LeftOut, ...] = ()
    probability: float = attrs.field()
    raw: str = attrs.field()
    rejected: bool = False
    reason: str = ""
    answers: tuple[npt.NDArray[Any], ...] = attrs.field(default=(), repr=False)
    knowledge: "Knowledge | None" = attrs.field(default=None, repr=False)

    @probability.default
    def _independent(self) -> float:
        return math.prod(digit.probability for digit in self.digits)

    @raw.default
    def _without_signs(self) -> str:
        return self.text

    @property
    def groups(self) -> tuple[str, ...]:
        """The parts of `raw` between separators, gaps and line breaks, each of digits alone.

        Examples
        --------
        >>> import numpy as np
        >>> from lenetkit.reading import Reading
        >>> Reading(digits=(), image=np.zeros((50, 90), np.uint8), raw="27/11/2026").groups
        ('27', '11', '2026')
        """
        return tuple(part for part in re.split("[-., :/\n]+", self.raw) if part)

    def alternatives(self, k: int = 5) -> list[tuple[str, float]]:
        """Return the most probable texts with their probabilities, best first: this one and what else it may be.

        Parameters
        ----------
        k : int, default 5
            How many at most, from 1 on.

        Returns
        -------
        list of (str, float)
            Fewer where there are no more; the probabilities sum to 1 at most.

        Raises
        ------
        SettingError
            If `k` is not a positive integer.

        Examples
        --------
        >>> from lenetkit import Pipeline
        >>> from lenetkit.synthesis import draw_number
        >>> reading = Pipeline.pretrained().read_number(draw_number("1947", seed=4).image)
        >>> [text for text, _ in reading.alternatives(1)]
        ['1947']
        """
        from lenetkit.reading._line_decoding import find_alternatives

        check_whole("k", k, 1)
        others = find_alternatives(self.answers, self.knowledge, self.text, k - 1)
        rest = 1 - self.probability
        total = sum(probability for _, probability in others)
        scale = rest / max(total, rest) if total else 0.0
        return [(self.text, self.probability), *((other, scale * probability) for other, probability in others)]

    @property
    def lines(self) -> tuple[str, ...]:
        """The text of each line, from top to bottom; empty where there is no digit."""
        count = max((digit.line for digit in self.digits), default=-1) + 1
        return tuple("".join(str(digit.label) for digit in self.digits if digit.line == line) for line in range(count))

    @property
    def text(self) -> str:
        r"""The lines, joined by ``"\n"``."""
        return "\n".join(self.lines)

    @property
    def text_with_doubts(self) -> str:
        """The text with ``?`` at each place that was left out; on a line of its own where it stands on none."""
        places: list[DigitReading | LeftOut] = [*self.digits, *self.left_out]
        rows: list[list[DigitReading | LeftOut]] = []
        for place in sorted(places, key=lambda place: place.box[1] + place.box[3]):
            row = next((row for row in rows if _is_in_row(place, row[0])), None)
            if row is None:
                rows.append([place])
            else:
                row.append(place)
        marks = [[_mark(place) for place in sorted(row, key=lambda place: place.box[0])] for row in rows]
        return "\n".join(map("".join, marks))

    @property
    def raw_with_doubts(self) -> str:
        """Text to show a person: `raw` where it has signs, such as ``12.50``, otherwise `text_with_doubts`.

        Examples
        --------
        >>> import numpy as np
        >>> from lenetkit.reading import Reading
        >>> Reading(digits=(), image=np.zeros((50, 90), np.uint8), raw="12.50").raw_with_doubts
        '12.50'
        """
        return self.raw if _SIGNS.search(self.raw) else self.text_with_doubts

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON.

        They are ``text``, ``text_with_doubts``, ``raw``, ``raw_with_doubts``, ``groups``, ``lines``, ``rejected``,
        ``reason``, ``probability``, ``digits``, each a :class:`DigitReading` as a dict, and ``left_out``, each a
        :class:`LeftOut` as a dict.

        Examples
        --------
        >>> from lenetkit import Pipeline
        >>> from lenetkit.synthesis import draw_number
        >>> Pipeline.pretrained().read_number(draw_number("1947", seed=4).image).to_dict()["text"]
        '1947'
        """
        digits, left_out = (
            [{**attrs.asdict(place), "box": list(place.box)} for place in places]
            for places in (self.digits, self.left_out)
        )
        return {
            "text": self.text,
            "text_with_doubts": self.text_with_doubts,
            "raw": self.raw,
            "raw_with_doubts": self.raw_with_doubts,
            "groups": list(self.groups),
            "rejected": self.rejected,
            "reason": self.reason,
            "lines": list(self.lines),
            "probability": self.probability,
            "digits": digits,
            "left_out": left_out,
        }

    def _repr_html_(self) -> str:
        height, width = self.image.shape[:2]
        scale = min(1.0, _LARGEST_PICTURE / max(height, width))
        size = max(height, width) / 22
        places = [(digit.box, digit.label, _READ) for digit in self.digits]
        places += [(place.box, "?", _DOUBTFUL) for place in self.left_out]
        marks = "".join(
            f"<rect x='{left}' y='{top}' width='{right - left}' height='{bottom - top}' fill='none' stroke='{colour}' "
            f"stroke-width='{size / 9:.2f}'/><text x='{(left + right) / 2}' y='{max(top - size / 6, size):.1f}' "
            f"fill='{colour}' font-size='{size:.1f}' font-weight='bold' text-anchor='middle'>{text(label)}</text>"
            for (left, top, right, bottom), label, colour in places
        )
        picture = (
            f"<svg viewBox='0 0 {width} {height}' width='{width * scale:.0f}' style='max-width:100%;height:auto'>"
            f"<image href='{png_uri(self.image, _LARGEST_PICTURE)}' width='{width}' height='{height}'/>{marks}</svg>"
        )
        lines = "<br>".join(map(text, self.raw_with_doubts.splitlines())) or "<i>no number</i>"
        sure = f"<div>right as a whole with a probability of {self.probability:.2f}</div>"
        if self.rejected:
            sure += f"<div style='color:{_DOUBTFUL};font-weight:600'>rejected: {text(self.reason)}</div>"
        return card(f"<div style='font-size:140%;font-weight:600'>{lines}</div>{sure}{picture}")

    def _remarks(self) -> list[str]:
        """Return what the boxes do not show: signs and gaps, and the reason of a rejection."""
        raw = self.raw if self.raw != self.text and self.raw.count("\n") < _FEW_LINES else ""
        return [remark for remark in (raw, f"rejected: {self.reason}" if self.rejected else "") if remark]

    def plot(self, *, ax: "Axes | None" = None) -> "ReadingDisplay":
        """Draw the image with a box around each digit and its label; see :func:`lenetkit.plotting.plot_reading`.

        Each place that was left out has an orange box and a question mark. Above stands what was read where signs are
        in it, and the reason if the reading is rejected.

        Examples
        --------
        >>> from lenetkit import Pipeline
        >>> from lenetkit.synthesis import draw_number
        >>> display = Pipeline.pretrained().read_number(draw_number("1947", seed=4).image).plot()
        >>> [text.get_text() for text in display.ax_.texts]
        ['1', '9', '4', '7']
        """
        from lenetkit.plotting import plot_reading

        return plot_reading(
            self.image,
            [*(digit.box for digit in self.digits), *(place.box for place in self.left_out)],
            [*(digit.label for digit in self.digits), *("?" for _ in self.left_out)],
            [*(digit.probability for digit in self.digits), *(0.0 for _ in self.left_out)],
            title="\n".join(self._remarks()),
            ax=ax,
        )


def _mark(place: DigitReading | LeftOut) -> str:
    return str(place.label) if isinstance(place, DigitReading) else "?"


def _is_in_row(place: DigitReading | LeftOut, first: DigitReading | LeftOut) -> bool:
    """Return True where two places stand on one line, or, if on none, the middle of one beside the other."""
    middle = (place.box[1] + place.box[3]) / 2
    return place.line == first.line and (place.line is not None or first.box[1] <= middle <= first.box[3])
