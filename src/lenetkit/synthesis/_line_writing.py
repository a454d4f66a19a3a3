"""The writing of a line: digits of the pen or of images, and signs, side by side as one hand sets them.

In: a text, what one hand has drawn from the settings, and a source of images or none. Out: :class:`Writing`, ink with
boxes. Next: marks, paper and camera.
"""

import functools
import itertools

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit._utils.rng import Floats, RandomStreams
from lenetkit.synthesis._digit_images import FormTable, form_table
from lenetkit.synthesis._digit_source import DigitSource
from lenetkit.synthesis._line_hand import LineHand, set_sizes
from lenetkit.synthesis._line_settings import LineSettings
from lenetkit.synthesis._line_signs import write_signs
from lenetkit.synthesis._line_texts import SEPARATORS
from lenetkit.synthesis._one_hand import join_strokes, write_digits
from lenetkit.synthesis._pen import Trace, lay_steps

__all__ = ["Writing", "write_line"]

Ink = npt.NDArray[np.float32]
Masks = npt.NDArray[np.bool_]

# All set by eye; tests/synthesis/test_lines.py holds what follows from them, and any change draws other pixels for
# every seed. Positions of the pen in a glyph; a pixel of a box is covered by this part of the darkest one.
_SAMPLES, _INKED = 48, 0.35
# In digit heights: spread of gaps, width of a space, width of a cell of joined boxes, its spread.
_GAP_SPREAD, _SPACE, _CELL, _CELL_SPREAD = 0.05, (0.5, 1.1), (1.0, 1.5), 0.05
# Separators keep this part of the gap, and so much at least, in digit heights and in pixels, or they are not seen; the
# middles of neighbours are at least so far apart, in digit heights.
_NEARER, _CLEAR, _CLEAR_PIXELS, _APART = 0.5, 0.08, 1.3, 0.1
# Rows beside the own that count for the distance of neighbours, of digits and of separators, in digit heights.
_BESIDE, _BESIDE_SIGN = 0.06, 0.14
# Zeros in a row: how far they overlap, room above for strokes over their tops, and how steep these begin, in their way.
_LINKED_OVERLAP, _HEADROOM, _ARCH = (-0.1, 0.2), 0.25, (-0.9, 0.5)
# Where the strokes begin below the top, and the last one's length, in digit heights.
_LINK_DEPTH, _LINK_END = (0.0, 0.15), (0.2, 0.6)
# How often a hand that joins does so between two digits, and the bands of a digit's box where images are joined.
_JOINS, _BANDS = 0.6, ((0.0, 0.35), (0.65, 1.0))


@attrs.frozen(kw_only=True, eq=False)
class Writing:
    """Ink of a line, cut tight, and where its digits are."""

    ink: Ink  # (rows, columns)
    boxes: npt.NDArray[np.int64]  # (k, 4)
    baseline: float  # row of the line at the left edge
    cells: Floats  # columns between the cells of joined boxes, empty where there are none
    signed: bool = False  # separators, which must not be cut off or covered


@attrs.frozen(kw_only=True, eq=False)
class _Glyphs:
    """Ink of k characters, each in a frame of the same size, and where the pen begins and ends."""

    ink: Ink  # (k, rows, columns)
    foot: float  # row of the line in the frames
    ends: Floats  # (k, 2, 2), first and last point
    ways: Floats  # (k, 2, 2), direction in which the pen begins and ends


@functools.lru_cache(maxsize=16)
def _forms(style: str) -> FormTable:
    return form_table(style, None, None)


def write_line(
    text: str, hand: LineHand, settings: LineSettings, source: DigitSource | None, seed: int, index: int
) -> Writing:
    """Write digits, signs and gaps; where there is a source the digits come from it."""
    rng = RandomStreams("line writing", seed, index, n=1).generator()
    characters = text.replace(" ", "")
    pauses = np.zeros(len(characters))
    for at in itertools.accumulate(len(part) for part in text.split(" ")[:-1]):
        pauses[at] = rng.uniform(*_SPACE)
    is_digit = np.array([character.isdigit() for character in characters])
    labels = [int(character) for character in characters if character.isdigit()]
    signs = [character for character in characters if not character.isdigit()]
    written = write_signs(signs, hand.slant, hand.radius, hand.size, _SAMPLES, rng)
    sizes, rises = set_sizes(text, hand, rng)
    if source is None:
        glyphs = _pen_glyphs(_merged(_written(labels, hand, seed, index), written, is_digit), hand, rises, sizes)
    else:
        glyphs = _image_glyphs(labels, source, written, is_digit, hand, rises, sizes, rng)
    zeros = np.array([character == "0" for character in characters])
    linked = zeros[:-1] & zeros[1:] & (pauses[1:] == 0) & (hand.linked_zeros and not hand.boxed)
    writing = _set_out(glyphs, is_digit, pauses, linked, hand, settings, rng)
    return attrs.evolve(writing, signed=not set(SEPARATORS).isdisjoint(text))


def _written(labels: list[int], hand: LineHand, seed: int, index: int) -> Trace:
    streams = (
        RandomStreams("line hand", seed, index, n=10),
        RandomStreams("line digits", seed, index, n=len(labels)),
    )
    width = 2 * hand.radius / hand.size
    trace = write_digits(
        labels, _forms(hand.style), streams, pen_width=(width, width), variation=1.0, n_samples=_SAMPLES
    )
    return trace if hand.proportions is None else hand.proportions.given_to(trace)


def _merged(digits: Trace, signs: Trace, is_digit: Masks) -> Trace:
    """Return the glyphs of a line in their order."""
    order = np.argsort(np.concatenate([np.flatnonzero(is_digit), np.flatnonzero(~is_digit)]))
    return Trace(
        points=np.concatenate([digits.points, signs.points])[order],
        radii=np.concatenate([digits.radii, signs.radii])[order],
        down=np.concatenate([digits.down, signs.down])[order],
    )


def _on_slope(rises: Floats, widths: Floats, hand: LineHand) -> Floats:
    """Return how far below the line at its left end each glyph stands."""
    advance = np.cumsum(widths + hand.spacing * hand.size)
    return np.asarray(rises + hand.slope * (advance - widths[0]))


def _inclined(trace: Trace, hand: LineHand, rises: Floats, sizes: Floats) -> Trace:
    """Return traces in pixels, from their left edge and the line on, each on a slope."""
    points = (trace.points - (0, 1)) * sizes[:, None, None]
    points[..., 0] -= points[..., 0].min(axis=1, keepdims=True)
    points[..., 1] += hand.slope * points[..., 0] + rises[:, None]
    return attrs.evolve(trace, points=points, radii=trace.radii * hand.size)


def _pen_glyphs(trace: Trace, hand: LineHand, rises: Floats, sizes: Floats) -> _Glyphs:
    rises = _on_slope(rises, np.ptp(trace.points[..., 0], axis=1) * sizes, hand)
    return _drawn(_inclined(trace, hand, rises, sizes), 0, _headroom(hand))


def _headroom(hand: LineHand) -> float:
    """Return how many pixels strokes reach above the digits."""
    return _HEADROOM * hand.size if hand.linked_zeros else 0.0


def _drawn(trace: Trace, columns: int, headroom: float, top: float = np.inf, bottom: float = -np.inf) -> _Glyphs:
    """Draw traces in frames that hold them all, and rows from `top` to `bottom` beside the line."""
    edge = float(trace.radii.max(initial=0)) + 1
    top = min(top, float(trace.points[..., 1].min(initial=np.inf)) - edge) - headroom
    bottom = max(bottom, float(trace.points[..., 1].max(initial=-np.inf)) + edge)
    columns = max(columns, int(trace.points[..., 0].max(initial=0) + 2 * edge) + 1)
    points = trace.points + np.array([edge, -np.floor(top)])
    return _Glyphs(
        ink=lay_steps(attrs.evolve(trace, points=points), int(np.ceil(bottom) - np.floor(top)), columns),
        foot=float(-np.floor(top)),
        ends=points[:, [0, -1]],
        ways=np.stack([points[:, 2] - points[:, 0], points[:, -1] - points[:, -3]], axis=1),
    )


def _image_glyphs(
    labels: list[int],
    source: DigitSource,
    signs: Trace,
    is_digit: Masks,
    hand: LineHand,
    rises: Floats,
    sizes: Floats,
    rng: np.random.Generator,
) -> _Glyphs:
    placed = source.place(labels, sizes[is_digit], hand.slant, hand.bend, rng)
    widths = np.empty(len(is_digit))
    widths[is_digit] = placed.width
    widths[~is_digit] = np.ptp(signs.points[..., 0], axis=1) * sizes[~is_digit]
    rises = _on_slope(rises, widths, hand)
    room = 3 + (0.1 + 2 * hand.bend) * hand.size + abs(hand.slope) * placed.width
    top = float((rises[is_digit] - placed.height - room).min())
    bottom = float((rises[is_digit] + room).max())
    drawn = _drawn(
        _inclined(signs, hand, rises[~is_digit], sizes[~is_digit]),
        int(placed.width.max() + 6 + (0.2 + 4 * hand.bend) * hand.size),
        _headroom(hand),
        top,
        bottom,
    )
    count, (rows, columns) = len(is_digit), drawn.ink.shape[1:]
    ink = np.empty((count, rows, columns), np.float32)
    ink[~is_digit] = drawn.ink
    ink[is_digit] = placed.draw(rises[is_digit], hand.slope, (rows, columns, drawn.foot), rng)
    ends = _outermost(ink, rng) if hand.joins else np.zeros((count, 2, 2))
    return _Glyphs(ink=ink, foot=drawn.foot, ends=ends, ways=np.tile([1.0, 0.0], (count, 2, 1)))


def _inked(ink: Ink) -> Masks:
    return np.asarray(ink > _INKED * ink.max(axis=(1, 2), keepdims=True))


def _outermost(ink: Ink, rng: np.random.Generator) -> Floats:
    """Return of each image a point at its left and one at its right edge, in the upper or the lower part."""
    ends = np.empty((len(ink), 2, 2))
    for own, mask in zip(ends, _inked(ink), strict=True):
        rows, columns = np.nonzero(mask)
        where = (rows - rows.min()) / max(1, np.ptp(rows))
        low, high = _BANDS[int(rng.integers(2))]
        within = (where >= low) & (where <= high)
        band = np.flatnonzero(within if within.any() else ~within)  # a dash has one part only
        first, last = band[columns[band].argmin()], band[columns[band].argmax()]
        own[:] = [(columns[at] + 0.5, rows[at] + 0.5) for at in (first, last)]
    return ends


def _set_out(
    glyphs: _Glyphs,
    is_digit: Masks,
    pauses: Floats,
    linked: Masks,
    hand: LineHand,
    settings: LineSettings,
    rng: np.random.Generator,
) -> Writing:
    """Put glyphs side by side, join some, and cut the ink tight."""
    masks = _inked(glyphs.ink)
    count, rows, columns = masks.shape
    touched = np.asarray(masks.any(axis=1))
    left, right = touched.argmax(axis=1), columns - touched[:, ::-1].argmax(axis=1)
    if hand.boxed:
        cell = max(hand.size * rng.uniform(*_CELL), float((right - left).max()))
        middles = (np.arange(count) + 0.5 + _CELL_SPREAD * rng.standard_normal(count)) * cell
        at = np.rint(middles - (left + right) / 2).astype(int)
        cells = np.arange(count + 1) * cell
    else:
        gaps = _gaps(is_digit, hand, settings, rng) + pauses * hand.size
        if linked.any():
            gaps[1:][linked] = -rng.uniform(*_LINKED_OVERLAP) * hand.size
        at, cells = _places(masks, gaps, hand.size, is_digit), np.empty(0)
    shift = min(0, int(at.min()))
    at = at - shift
    ink = np.zeros((rows, int(at.max()) + columns), np.float32)
    for start, glyph in zip(at.tolist(), glyphs.ink, strict=True):
        part = ink[:, start : start + columns]
        np.maximum(part, glyph, out=part)
    if hand.joins and not hand.boxed:
        _join(ink, glyphs, at, is_digit[:-1] & is_digit[1:] & (pauses[1:] == 0), hand.radius, rng)
    across = np.asarray(masks.any(axis=2))
    top, bottom = across.argmax(axis=1), rows - across[:, ::-1].argmax(axis=1)
    if linked.any():
        _link(ink, linked, (left + right) / 2 + at, top, hand, rng)
    boxes = np.stack([left + at, top, right + at, bottom], axis=1)
    low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    if linked.any() or hand.joins:  # strokes between digits may reach farther
        reached = np.argwhere(ink.T > _INKED)
        low, high = np.minimum(low, reached.min(axis=0)), np.maximum(high, reached.max(axis=0) + 1)
    return Writing(
        ink=ink[low[1] : high[1], low[0] : high[0]],
        boxes=(boxes - np.tile(low, 2))[is_digit].astype(np.int64),
        baseline=glyphs.foot - low[1],
        cells=cells - shift - low[0] if len(cells) else cells,
    )


def _gaps(is_digit: Masks, hand: LineHand, settings: LineSettings, rng: np.random.Generator) -> Floats:
    """Return the distance of each glyph from the one before, in pixels."""
    count = len(is_digit)
    gaps = hand.spacing + _GAP_SPREAD * rng.standard_normal(count)
    touching, overlaps = rng.random(count) < settings.touching, rng.uniform(*settings.overlap, count)
    gaps = np.where(touching, -overlaps, gaps)
    beside_sign = ~is_digit | ~np.roll(is_digit, 1)
    signs = ~is_digit & ~np.roll(is_digit, 1)
    clear = _clear(hand.size) * np.where(signs, 2, 1)  # two dashes would be one
    return np.asarray(np.where(beside_sign, np.maximum(_NEARER * gaps * hand.size, clear), gaps * hand.size))


def _clear(size: float) -> float:
    """Return the paper beside a sign in pixels."""
    return max(_CLEAR * size, _CLEAR_PIXELS)


def _places(masks: Masks, gaps: Floats, size: float, is_digit: Masks) -> npt.NDArray[np.int64]:
    """Return the column of each frame: neighbours are a gap apart in the row where they are nearest."""
    columns = masks.shape[2]
    rows = masks.any(axis=2)
    reach = np.stack(
        [
            np.where(rows, -masks.argmax(axis=2), -np.inf),
            np.where(rows, columns - masks[:, :, ::-1].argmax(axis=2), -np.inf),
        ]
    )
    middle = (reach[1].max(axis=1) - reach[0].max(axis=1)) / 2
    tight, reach = reach, _widened(reach, max(1, round(_BESIDE * size)))
    if not is_digit.all():
        reach[:, ~is_digit] = _widened(tight[:, ~is_digit], max(1, round(_BESIDE_SIGN * size)))
    left, right = np.minimum(-reach[0], middle[:, None]), np.maximum(reach[1], middle[:, None])
    nearest = (right[:-1] - left[1:]).max(axis=1) + gaps[1:]
    # Nothing slips behind the middle of the one before: the boxes stay in reading order.
    steps = np.rint(np.maximum(nearest, middle[:-1] - middle[1:] + _APART * size))
    at = np.concatenate([[0.0], np.cumsum(steps)])
    # The digit behind a sign does not reach over it to the one before.
    for sign in np.flatnonzero(~is_digit[1:-1]) + 1:
        missing = at[sign - 1] + (right[sign - 1] - left[sign + 1]).max() + _clear(size) - at[sign + 1]
        at[sign + 1 :] += max(0.0, np.ceil(missing))
    return at.astype(np.int64)


def _widened(reach: Floats, rows: int) -> Floats:
    """Return how far ink reaches in so many rows above and below, too."""
    wide = reach.copy()
    for step in range(1, rows + 1):
        for near, far in ((np.s_[..., step:], np.s_[..., :-step]), (np.s_[..., :-step], np.s_[..., step:])):
            np.maximum(wide[near], reach[far], out=wide[near])
    return wide


def _link(
    ink: Ink, linked: Masks, middles: Floats, top: npt.NDArray[np.int64], hand: LineHand, rng: np.random.Generator
) -> None:
    """Draw strokes over or through the tops of zeros in a row, and behind the last one."""
    chosen = np.flatnonzero(linked)
    rows = top + rng.uniform(*_LINK_DEPTH) * hand.size + hand.radius
    tops = np.stack([middles, rows], axis=1)
    ends = np.stack([tops[chosen], tops[chosen + 1]], axis=1)
    last = chosen[-1] + 1
    behind = tops[last] + hand.size * rng.uniform(*_LINK_END) * np.array([1.0, rng.uniform(-0.3, 0.1)])
    ends = np.concatenate([ends, np.stack([tops[last], behind])[None]])
    steep = rng.uniform(*_ARCH)
    ways = np.tile([(1.0, steep), (1.0, -steep)], (len(ends), 1, 1))
    strokes = join_strokes(ends, ways, np.full(len(ends), hand.radius), _SAMPLES)
    np.maximum(ink, lay_steps(strokes, *ink.shape).max(axis=0), out=ink)


def _join(
    ink: Ink, glyphs: _Glyphs, at: npt.NDArray[np.int64], joinable: Masks, radius: float, rng: np.random.Generator
) -> None:
    """Draw strokes from some of the glyphs to the next, where that is possible."""
    chosen = np.flatnonzero(joinable & (rng.random(len(joinable)) < _JOINS))
    if not len(chosen):
        return
    shifts = np.stack([at, np.zeros(len(at))], axis=1)
    ends = np.stack([glyphs.ends[chosen, 1] + shifts[chosen], glyphs.ends[chosen + 1, 0] + shifts[chosen + 1]], axis=1)
    ways = np.stack([glyphs.ways[chosen, 1], glyphs.ways[chosen + 1, 0]], axis=1)
    strokes = join_strokes(ends, ways, np.full(len(chosen), radius), _SAMPLES)
    np.maximum(ink, lay_steps(strokes, *ink.shape).max(axis=0), out=ink)
