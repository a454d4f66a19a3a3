"""Which of the connected pieces of ink make the digit.

In: masks (n, height, width) of what may be ink, and of what surely is.
Out: the mask of the digit: its largest piece and those that belong to it. Paper edges, specks and dots are left out.
Next: :mod:`lenetkit._ink.digit_box`.
"""

from typing import NamedTuple

import numpy as np

from lenetkit._ink.arrays import Array
from lenetkit._ink.neighbours import inner
from lenetkit._ink.paper import LARGE, Contrast

__all__ = ["choose_pieces"]

# Ink that stands out by so many noises cannot be noise.
_CLEAR = 12

_EIGHT_NEIGHBOURS = np.stack([np.zeros((3, 3)), np.ones((3, 3)), np.zeros((3, 3))])


class _Pieces(NamedTuple):
    """One entry for each piece of a batch; lengths in pixels."""

    image: Array
    area: Array
    top: Array
    bottom: Array
    left: Array
    right: Array
    outline: Array
    contact: Array  # with that border of the image that it touches most
    covered: Array  # largest share of a border that it covers
    border: Array  # pixels on any border
    steepness: Array  # mean along its outline, in levels per pixel

    @property
    def size(self) -> Array:
        """The longer side of the box around it."""
        return np.asarray(np.maximum(self.bottom - self.top, self.right - self.left))

    @property
    def stroke(self) -> Array:
        """How wide its strokes are."""
        return 2 * self.area / np.maximum(self.outline, 1)


def choose_pieces(mask: Array, sure: Array, steep: Array, contrast: Contrast) -> Array:
    """Return the mask of the digit in each image; all False where there is none.

    Parameters
    ----------
    mask : ndarray of shape (n, height, width)
        bool, what may be ink.
    sure : ndarray of shape (n, height, width)
        bool, what is dark enough to be ink; a piece without any of it is none.
    steep : ndarray of shape (n, height, width)
        int32, what :func:`slope` makes of the ink map.
    contrast : Contrast
        Of the ink map.
    """
    from scipy import ndimage

    labels, count = ndimage.label(mask, _EIGHT_NEIGHBOURS)
    if count == 0:
        return mask
    pieces, ink = _measure(labels, ndimage.find_objects(labels), mask, sure, steep)
    large, span = max(mask.shape[1:]) >= LARGE, contrast.span
    # Where strokes are few pixels wide they cannot be steep.
    ink &= ~_is_shade(pieces, span * (1.5 if large else 1)) & ~_is_falling_light(pieces, span, max(mask.shape[1:]))
    if large:
        ink &= ~_is_blurred(pieces, ink, len(mask))
    ink &= ~_is_edge(pieces, ink, len(mask))
    eligible = ink & _is_stroke(pieces, contrast, mask) & (pieces.size >= _smallest(mask))
    main = _largest(pieces, eligible, pieces.area, len(mask))
    chosen = _belonging(pieces, ink, main, len(mask))
    return np.asarray(np.append(False, chosen)[labels])


def _measure(
    labels: Array, places: list[tuple[slice, ...]], mask: Array, sure: Array, steep: Array
) -> tuple[_Pieces, Array]:
    """Return what is known of each piece, and whether any of it surely is ink."""
    n = len(places) + 1
    boxes = np.array([[image.start, y.start, y.stop, x.start, x.stop] for image, y, x in places])
    pixels = np.flatnonzero(labels)
    numbers = labels.reshape(-1)[pixels]
    at_edge = ~inner(mask).reshape(-1)[pixels]
    outline = np.bincount(numbers[at_edge], minlength=n)[1:]
    steepness = np.sqrt(steep.reshape(-1)[pixels[at_edge]]) / 2
    steepness = np.bincount(numbers[at_edge], steepness, minlength=n)[1:] / np.maximum(outline, 1)
    sides = (labels[:, 0], labels[:, -1], labels[:, :, 0], labels[:, :, -1])
    contacts = np.array([np.bincount(side.ravel(), minlength=n)[1:] for side in sides])
    covered = (contacts / np.array([[side[0].size] for side in sides])).max(axis=0)
    area = np.bincount(numbers, minlength=n)[1:]
    ink = np.bincount(numbers[sure.reshape(-1)[pixels]], minlength=n)[1:] > 0
    image, top, bottom, left, right = boxes.T
    contact, border = contacts.max(axis=0), contacts.sum(axis=0)
    return _Pieces(image, area, top, bottom, left, right, outline, contact, covered, border, steepness), ink


def _largest(pieces: _Pieces, eligible: Array, values: Array, n: int) -> Array:
    """Return for each piece the index of the eligible piece of its image with the largest value, or -1."""
    best = np.full(n, -1)
    order = np.flatnonzero(eligible)
    order = order[np.argsort(values[order], kind="stable")]
    best[pieces.image[order]] = order
    return np.asarray(best[pieces.image])


def _smallest(mask: Array) -> float:
    """Return how large the largest piece of a digit must be: less is a speck."""
    return max(4.0, 0.025 * float(max(mask.shape[1:])))


def _is_shade(pieces: _Pieces, rise: Array) -> Array:
    """Tell which pieces cover a border and rise by too little over their width: light that falls off leaves that."""
    fades = pieces.steepness * pieces.stroke < rise[pieces.image]
    return np.asarray((pieces.covered >= 0.9) & fades)


def _is_falling_light(pieces: _Pieces, span: Array, side: int) -> Array:
    """Tell which pieces lie along the border for a good part of their outline and begin slowly."""
    slow = pieces.steepness * max(3.0, 0.015 * side) < span[pieces.image]
    return np.asarray(slow & (pieces.border > 0.42 * pieces.outline))


def _is_blurred(pieces: _Pieces, ink: Array, n: int) -> Array:
    """Tell which pieces have a much softer outline than the image's best one."""
    best = _largest(pieces, ink, pieces.area * pieces.steepness**2, n)
    return np.asarray((best >= 0) & (pieces.steepness < 0.4 * pieces.steepness[best]))


def _is_edge(pieces: _Pieces, ink: Array, n: int) -> Array:
    """Tell which pieces lie along the border, while there is a digit clear of it."""
    clear = ink & (pieces.contact == 0)
    digit = _largest(pieces, clear, pieces.area, n)
    along = pieces.contact > 3 * pieces.stroke[digit]
    return np.asarray((digit >= 0) & along & (pieces.area[digit] > 0.03 * pieces.area))


def _is_stroke(pieces: _Pieces, contrast: Contrast, mask: Array) -> Array:
    """Tell which pieces reach the ink's level within their own width, and within a part of the picture.

    What noise and falling light leave does not; other pieces that are clear of the border need not.
    """
    side = max(mask.shape[1:])
    reach = np.minimum(pieces.stroke / (0.9 if side >= LARGE else 0.8), max(5.0, 0.12 * side))
    steep = pieces.steepness * reach >= contrast.span[pieces.image]
    clear = (contrast.span >= _CLEAR * contrast.noise)[pieces.image] & (pieces.border <= 0.05 * pieces.outline)
    return np.asarray(steep | clear)


def _belonging(pieces: _Pieces, ink: Array, main: Array, n: int) -> Array:
    """Choose the main piece, and then those near to what is chosen already, or as large as another digit."""
    chosen: Array = np.arange(len(main)) == main
    near_enough = ink & (main >= 0)
    share = pieces.area / pieces.area[main]
    size = pieces.size[main]
    bounds = [lines[main].copy() for lines in (pieces.top, pieces.bottom, pieces.left, pieces.right)]
    for _ in range(3):
        top, bottom, left, right = bounds
        gap = np.hypot(
            np.maximum(np.maximum(top - pieces.bottom, pieces.top - bottom), 0),
            np.maximum(np.maximum(left - pieces.right, pieces.left - right), 0),
        )
        stroke = (pieces.size >= 2 * pieces.stroke[main]) & (share >= 0.02) & (gap <= 0.15 * size)
        part = (share >= 0.12) & (gap <= 0.4 * size)
        # Two digits are not to be taken for one, so neither is left out.
        twin = (share >= 0.35) & (pieces.size >= 0.5 * size)
        chosen |= near_enough & (stroke | part | twin)
        bounds = _bounds(pieces, chosen, n)
    return chosen


def _bounds(pieces: _Pieces, chosen: Array, n: int) -> list[Array]:
    """Return, for each piece, the box around all chosen pieces of its image."""
    out = []
    for extreme, lines, start in (
        (np.minimum, pieces.top, np.iinfo(int).max),
        (np.maximum, pieces.bottom, -1),
        (np.minimum, pieces.left, np.iinfo(int).max),
        (np.maximum, pieces.right, -1),
    ):
        bound = np.full(n, start)
        extreme.at(bound, pieces.image[chosen], lines[chosen])
        out.append(bound[pieces.image])
    return out
