"""The hand that writes a line: its traits, its proportions, and the sizes and heights of its digits.

In: settings and random numbers. Out: :class:`LineHand`. Next: the writing of lines.
"""

import re

import attrs
import numpy as np

from lenetkit._utils.rng import Floats
from lenetkit.synthesis._line_settings import LineSettings
from lenetkit.synthesis._pen import Trace

__all__ = ["LineHand", "Proportions", "set_sizes"]

# All set by eye. Radius of the thinnest pen in pixels; spread of sizes within a hand, as a logarithm; spread of the
# height above the line in digit heights; how small small zeros are.
_THINNEST, _SIZE_SPREAD, _RISE_SPREAD, _SMALL = 0.45, 0.06, 0.025, (0.5, 0.8)
# Uncommon hands: spread of the width as a logarithm and its bounds, how much more the tops lean to the right, and how
# far the middle of the digits is moved up or down, which makes one bowl small and the other large.
_STRETCH, _MOST_STRETCH, _LEAN, _WAIST = 0.26, 0.42, (-0.45, 0.2), (-0.12, 0.12)
_MIDDLE = 0.35  # about here a digit is stretched
# A raised end: its size, in pixels at least, and how far its top comes towards that of the digits; how far a dash is
# raised.
_RAISED_SIZE, _LEAST_PIXELS, _RAISED, _DASH_RAISED = (0.5, 0.75), 9.0, (0.6, 1.1), (0.25, 0.45)
_DASHES = 4  # times as often as digits
# What may be raised: two digits behind a separator or a gap, the last two or three of a number, a dash or a double one.
_ENDS = re.compile(r"(?<=[ .,:\-])\d\d$|(?<=\d)(?:\d\d|000)$|[-=]$")


@attrs.frozen(kw_only=True)
class Proportions:
    """Differences of a hand from the forms as they are designed."""

    stretch: float = 0.0  # logarithm of the width
    lean: float = 0.0
    waist: float = 0.0

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> "Proportions":
        """Draw those of an uncommon hand."""
        stretch = np.clip(_STRETCH * rng.standard_normal(), -_MOST_STRETCH, _MOST_STRETCH)
        return cls(stretch=float(stretch), lean=float(rng.uniform(*_LEAN)), waist=float(rng.uniform(*_WAIST)))

    def given_to(self, trace: Trace) -> Trace:
        """Return digits, in digit heights, with these proportions."""
        x, y = trace.points[..., 0], trace.points[..., 1]
        inside = np.clip(y, 0, 1)
        moved = y + 4 * self.waist * inside * (1 - inside)
        x = _MIDDLE + (x - _MIDDLE) * np.exp(self.stretch) - self.lean * (y - 1)
        return attrs.evolve(trace, points=np.stack([x, moved], axis=-1))


@attrs.frozen(kw_only=True)
class LineHand:
    """Traits that are the same in a whole line, drawn from the settings."""

    size: float  # height of the digits in pixels
    pen_width: float  # in digit heights
    spacing: float  # likewise
    slant: float
    slope: float
    bend: float
    joins: bool
    small_zeros: bool
    linked_zeros: bool
    raises: bool
    raises_dashes: bool
    boxed: bool
    style: str
    proportions: Proportions | None

    @classmethod
    def drawn(cls, settings: LineSettings, rng: np.random.Generator) -> "LineHand":
        """Draw a hand."""
        lowest, most = settings.digit_height
        return cls(
            size=float(lowest * (most / lowest) ** rng.random()),
            pen_width=float(rng.uniform(*settings.pen_width)),
            spacing=float(rng.uniform(*settings.spacing)),
            slant=float(rng.uniform(*settings.slant)),
            slope=float(rng.uniform(*settings.slope)),
            bend=float(rng.uniform(*settings.bend)),
            joins=bool(rng.random() < settings.joined),
            small_zeros=bool(rng.random() < settings.small_zeros),
            linked_zeros=bool(rng.random() < settings.linked_zeros),
            raises=bool(rng.random() < settings.raised),
            raises_dashes=bool(rng.random() < _DASHES * settings.raised),
            boxed=bool(rng.random() < settings.boxed),
            style=settings.styles[int(rng.integers(len(settings.styles)))],
            proportions=Proportions.drawn(rng) if rng.random() < settings.uncommon else None,
        )

    @property
    def radius(self) -> float:
        """Half the width of the pen's line in pixels."""
        return max(_THINNEST, self.pen_width * self.size / 2)


def set_sizes(text: str, hand: LineHand, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return the size of each character in pixels, and how far below the line it stands."""
    characters = text.replace(" ", "")
    rises = _RISE_SPREAD * hand.size * rng.standard_normal(len(characters))
    sizes = hand.size * np.exp(_SIZE_SPREAD * rng.standard_normal(len(characters)))
    if hand.small_zeros:
        sizes[[index > 0 and character == "0" for index, character in enumerate(characters)]] *= rng.uniform(*_SMALL)
    end = None if hand.boxed else _ENDS.search(text)
    if end and (hand.raises if end.group().isdigit() else hand.raises_dashes):
        part = slice(len(characters) - len(end.group()), None)
        scale = max(rng.uniform(*_RAISED_SIZE), min(1.0, _LEAST_PIXELS / hand.size))
        sizes[part] *= scale
        digits = end.group().isdigit()
        rises[part] -= hand.size * ((1 - scale) * rng.uniform(*_RAISED) if digits else rng.uniform(*_DASH_RAISED))
    return sizes, rises
