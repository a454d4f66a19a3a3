"""Inverted bands: parts along the border, cut off by straight lines, where black and white have changed places.

In: grey pictures, uint8 (n, height, width), of either polarity.
Out: the same; where one side, two, three or all four hold a band of the other polarity, it is turned back.
Next: :func:`lenetkit._ink.paper.dark_on_light`, whose vote by the border the bands would decide.

A band is everything outside a rectangle. Along the rectangle's sides nearly every pixel differs from its neighbour
across the line; once the band is turned, it does not. Which of the two is turned does not matter: the polarity is
chosen afterwards. A plain bar or a wide frame of another level is painted with the level of the paper in this way.
"""

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from lenetkit._ink.edges import LARGEST_CELL, paper_around_digit, without_edge_lines
from lenetkit._ink.grey import Array, shrink, to_grey

__all__ = ["LARGEST_BANDED", "has_bands", "without_bands"]

# Set on MNIST's training digits and the pen's, 28 to 200 pixels; benchmarks/bands.py measures all of these.

# On smaller pictures a digit's own bar cannot be told from a band; in larger ones it may be a table beside the paper.
_LEAST_SIDE, LARGEST_BANDED = 20, 256
# An edge is blurred over no more than the 28th part of the picture, which may have been enlarged from as many pixels.
_SIDE = 28
# Levels differ by this fraction of the picture's range where a band ends, and by at least so many levels.
_JUMP, _LEAST_JUMP = 0.35, 24
# The quick test looks at so many rows and columns, of which so many must show an edge; the search looks at all, and at
# this many of the clearest edges each way, if they run along this fraction of the picture.
_SAMPLES, _SEEN, _EDGES, _LONG = 9, 4, 4, 0.3
# An edge counts as sharp if two neighbouring pixels have this fraction of its depth, and as well placed with this.
_SHARP, _ALIKE = 0.8, 0.97
# The rectangle is at least this fraction of the picture's side, and a band at least that; narrower ones are lines.
_NARROWEST, _NARROWEST_BAND = 0.12, 0.06
# Turning the band leaves at most this fraction of the differences across the line, less if the line has corners, and
# along each of its sides the last.
_LEFT, _LEFT_AROUND, _LEFT_ALONG = 0.45, 0.3, 0.7
# Afterwards this fraction of the border is paper. Ink differs from the paper by this fraction of the range; so much of
# the picture is ink clear of the line, where a straight edge of the digit's own would leave crumbs.
_PAPER_AROUND, _INK, _LEAST_INK = 0.72, 0.4, 0.01
# A band with fewer pixels of ink, as a fraction of the picture's, is plain. Ink of a digit that reaches the border and
# ends at a plain band, on more than this fraction of the line, shows that the band is a stroke; otherwise strokes may
# run along the line.
_PLAIN, _ENDING, _ALONG = 0.003, 0.02, 0.45
# A frame leaves this fraction of each side of the picture free, or it is a ring. Ink within it that fills more of its
# own box is the hole of a square 0, if the frame is plain or the box is that much of the rectangle. Ink in all four of
# the rectangle's corners is outside a round 0. Of 6,000 inverted frames none shows either of the last two.
_WITHIN, _HOLE, _WHOLE = 0.45, 0.65, 0.75


class _Edge(NamedTuple):
    """An edge across the picture: the last row or column before it, and the first behind it."""

    before: int
    behind: int


def without_bands(grey: Array) -> Array:
    """Turn inverted bands along the border back, if a digit on paper is left."""
    if min(grey.shape[1:]) < _LEAST_SIDE:
        return grey
    out = grey
    for index in np.flatnonzero(_may_have_bands(grey)):
        turned = _turn_back(grey[index])
        if turned is not None:
            out = grey.copy() if out is grey else out
            out[index] = turned
    return out


def has_bands(batch: Array) -> Array:
    """Tell which pictures, uint8 (n, height, width[, 3]) of any size, have inverted bands: bool (n,)."""
    grey = shrink(to_grey(batch), LARGEST_BANDED - 1)
    if max(grey.shape[1:]) < LARGEST_CELL:
        grey = without_edge_lines(grey)
    return np.asarray((without_bands(grey) != grey).any(axis=(1, 2)))


def _blur(shape: tuple[int, ...]) -> int:
    """Return how far apart two pixels must be to lie on both sides of a blurred edge."""
    return max(shape) // _SIDE + 1


def _threshold(batch: Array) -> Array:
    """Return the least difference across the end of a band: int16 (n, 1, 1)."""
    flat = batch.reshape(len(batch), -1)
    span = flat.max(axis=1).astype(np.int16) - flat.min(axis=1)
    return np.asarray(np.maximum(_JUMP * span, _LEAST_JUMP).astype(np.int16))[:, np.newaxis, np.newaxis]


def _may_have_bands(grey: Array) -> Array:
    """Tell quickly which pictures have an edge that reaches the border, or edges around the middle."""
    threshold, blur = _threshold(grey), _blur(grey.shape[1:])
    found, around = np.zeros(len(grey), bool), np.zeros((2, len(grey)), int)
    for view in (grey, grey.transpose(0, 2, 1)):
        lines = view[:, np.arange(_SAMPLES) * (view.shape[1] - 1) // (_SAMPLES - 1)].astype(np.int16)
        step = lines[:, :, blur:] - lines[:, :, :-blur]
        jumps = np.abs(step) >= threshold
        reaches = jumps[:, 0] | jumps[:, -1]
        found |= (reaches & (jumps.sum(axis=1) >= _SEEN)).any(axis=1)
        half = step.shape[2] // 2
        for index, brighter in enumerate((step >= threshold, step <= -threshold)):
            long = brighter.sum(axis=1) >= _SEEN
            around[index] += long[:, :half].any(axis=1)
            long = (jumps & ~brighter).sum(axis=1) >= _SEEN
            around[index] += long[:, half:].any(axis=1)
    return np.asarray(found | (around == 4).any(axis=0))


def _find_edges(picture: Array, threshold: int) -> list[_Edge]:
    """Return the clearest upright edges of a picture, int16 (height, width), sharp ones before blurred ones."""
    blur = _blur(picture.shape)
    near, wide = (np.abs(picture[:, apart:] - picture[:, :-apart]) for apart in (1, blur))
    depth = wide.mean(axis=0)
    # The deepest of the wider steps over the same place.
    over = np.array([depth[max(place - blur + 1, 0) : place + 1].max() for place in range(near.shape[1])])
    is_sharp = ((near >= threshold).mean(axis=0) >= _LONG) & (near.mean(axis=0) >= _SHARP * over)
    found = _choose(near.mean(axis=0), is_sharp, 1)
    clear = (wide >= threshold).mean(axis=0) >= _LONG
    for edge in found:
        clear[max(edge.behind - 2 * blur + 1, 0) : edge.behind + blur - 1] = False
    return (found + _choose(depth, clear, blur))[:_EDGES]


def _choose(depth: Array, candidates: Array, apart: int) -> list[_Edge]:
    """Return the deepest steps between pixels so far apart, each in the middle of where it is as deep."""
    found: list[_Edge] = []
    left = candidates.copy()
    while left.any() and len(found) < _EDGES:
        best = int(np.where(left, depth, -1).argmax())
        alike = np.flatnonzero(depth[best : best + apart] >= _ALIKE * depth[best])
        middle = best + int(alike[len(alike) // 2])
        found.append(_Edge(middle, middle + apart))
        left[max(middle - apart, 0) : middle + apart + 1] = False
        left[best] = False
    return found


def _intervals(edges: list[_Edge], length: int) -> Iterator[tuple[_Edge, _Edge]]:
    """Yield all pairs of edges, or of one edge and the border, that are far enough apart."""
    margin = _NARROWEST_BAND * length
    inner = [edge for edge in sorted(edges) if edge.before + 1 >= margin and length - edge.behind >= margin]
    ordered = [_Edge(-1, 0), *inner, _Edge(length - 1, length)]
    for first, last in itertools.combinations(ordered, 2):
        if last.before + 1 - first.behind >= _NARROWEST * length:
            yield first, last


class _Rectangle(NamedTuple):
    """A rectangle, the band being what is outside, and the levels along its sides that are not the picture's."""

    rows: tuple[_Edge, _Edge]
    columns: tuple[_Edge, _Edge]
    sides: list[tuple[Array, Array]]  # outside and inside
    beyond: list[tuple[Array, Array]]  # the same where the sides are prolonged
    has_corners: bool

    @property
    def total(self) -> float:
        """The sum of a level and the level that it was turned to."""
        ordered = np.sort(np.concatenate([outside + inside for outside, inside in self.sides]))
        return float(ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2

    @property
    def gain(self) -> float:
        """The sum of differences across the sides that is gone once the band is turned; 0 if too much is left."""
        total = self.total
        outside, inside = map(np.concatenate, zip(*self.sides, strict=True))
        before, after = np.abs(outside - inside).astype(np.int64), np.abs(total - outside - inside)
        if after.sum() > (_LEFT_AROUND if self.has_corners else _LEFT) * before.sum():
            return 0.0
        starts = np.cumsum([0, *(len(side) for side, _ in self.sides[:-1])])
        if (np.add.reduceat(after, starts) > _LEFT_ALONG * np.add.reduceat(before, starts)).any():
            return 0.0
        # The line of a larger rectangle goes on beyond this one's corners.
        missed = [(np.abs(one - other) - np.abs(total - one - other)).clip(0).sum() for one, other in self.beyond]
        return float(before.sum() - after.sum() - sum(missed))


def _rectangle(picture: Array, rows: tuple[_Edge, _Edge], columns: tuple[_Edge, _Edge]) -> _Rectangle:
    """Look along the sides of a rectangle that are not the border of the picture."""
    sides, beyond, ways = [], [], set()
    for view, (first, last), across in ((picture, rows, columns), (picture.T, columns, rows)):
        for outer, inner, is_border in (
            (first.before, first.behind, first.before < 0),
            (last.behind, last.before, last.behind == len(view)),
        ):
            if not is_border:
                along = slice(across[0].behind, across[1].before + 1)
                sides.append((view[outer, along], view[inner, along]))
                rest = slice(across[0].behind), slice(across[1].before + 1, None)
                beyond += [(view[outer, part], view[inner, part]) for part in rest]
        ways.add(len(sides))
    return _Rectangle(rows, columns, sides, beyond, has_corners=len(ways) == 2 and 0 not in ways)


def _turn_back(picture: Array) -> Array | None:
    """Return the picture with its band turned; None without a band."""
    levels = picture.astype(np.int16)
    threshold = int(_threshold(picture[np.newaxis])[0, 0, 0])
    height, width = picture.shape
    best, most = None, 0.0
    upright, level = _find_edges(levels, threshold), _find_edges(levels.T, threshold)
    for rows, columns in itertools.product(_intervals(level, height), _intervals(upright, width)):
        rectangle = _rectangle(levels, rows, columns)
        gain = rectangle.gain if rectangle.sides else 0.0
        if gain > most:
            best, most = rectangle, gain
    if best is None:
        return None
    turned = _turned(levels, best)
    return turned.astype(np.uint8) if _is_digit(turned, best) else None


def _turned(levels: Array, rectangle: _Rectangle) -> Array:
    """Return the levels with the outside of a rectangle turned, and the edges between filled evenly."""
    (top, bottom), (left, right) = rectangle.rows, rectangle.columns
    out = np.rint(rectangle.total - levels).clip(0, 255)
    rows, columns = slice(top.behind, bottom.before + 1), slice(left.behind, right.before + 1)
    out[rows, columns] = levels[rows, columns]
    for view, edges, across in ((out, (top, bottom), columns), (out.T, (left, right), rows)):
        for before, behind in edges:
            if before >= 0 and behind < len(view) and behind - before > 1:
                weights = np.arange(1, behind - before)[:, np.newaxis] / (behind - before)
                view[before + 1 : behind, across] = np.rint(
                    (1 - weights) * view[before, across] + weights * view[behind, across]
                )
    return out


def _is_digit(turned: Array, rectangle: _Rectangle) -> bool:
    """Tell whether the turned picture is a digit on paper, which the band did not end."""
    span = float(np.ptp(turned))
    border = np.concatenate([turned[0], turned[-1], turned[1:-1, 0], turned[1:-1, -1]])
    paper = float(np.median(border))
    if paper_around_digit(np.abs(turned - paper), span) < _PAPER_AROUND:
        return False
    ink = np.abs(turned - paper) >= _INK * span
    (top, bottom), (left, right) = rectangle.rows, rectangle.columns
    within = ink[top.behind : bottom.before + 1, left.behind : right.before + 1]
    # Either side may have been taken for the band.
    plain = min(within.sum(), ink.sum() - within.sum()) < _PLAIN * ink.size
    height, width = turned.shape
    sides = top.before >= 0, bottom.behind < height, left.before >= 0, right.behind < width
    reaches = (np.abs(border - paper) >= _INK * span).any()
    allowed = _ENDING if plain and reaches else _ALONG
    left_over = np.concatenate([rectangle.total - outside - inside for outside, inside in rectangle.sides])
    if (np.abs(left_over) >= _INK * span).mean() > allowed:
        return False
    blur, clear = _blur(turned.shape), ink.copy()
    for view, edges in ((clear, rectangle.rows), (clear.T, rectangle.columns)):
        for before, behind in edges:
            if before >= 0 and behind < len(view):
                view[max(before + 1 - blur, 0) : behind + blur] = False
    if clear.sum() < _LEAST_INK * ink.size:
        return False
    if not all(sides):
        return True
    if min(within.shape[0] / height, within.shape[1] / width) < _WITHIN or not within.any():
        return False
    if within[[0, 0, -1, -1], [0, -1, 0, -1]].all():
        return False
    used_rows, used_columns = np.flatnonzero(within.any(axis=1)), np.flatnonzero(within.any(axis=0))
    box = (used_rows[-1] - used_rows[0] + 1) * (used_columns[-1] - used_columns[0] + 1)
    return bool(within.sum() <= _HOLE * box or not (plain or box >= _WHOLE * within.size))
