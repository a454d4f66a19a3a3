"""Lines along the border of a small picture: the remains of a grid, a box or a frame around a digit.

In: grey pictures, uint8 (n, height, width), of either polarity.
Out: the same, the lines painted over with the level of the paper.
Next: :func:`lenetkit._ink.paper.dark_on_light`, whose vote by the border the lines would decide.

A cell cut from a grid has a straight line of one level at one or more of its edges, at the border or a pixel or two
inside. It is told from a digit that touches the border by what lies within it: paper nearly all around, and some ink.
"""

import numpy as np

from lenetkit._ink.grey import Array, shrink, to_grey

__all__ = ["LARGEST_CELL", "has_edge_lines", "paper_around_digit", "without_edge_lines"]

# benchmarks/cells.py measures all of these: 0.3 to 1 % of the digits in cells are wrong with them and 22 % without, up
# to 98 % for some combinations of size, edges and width. Wrong: lines stay, or bars of tightly cut digits go.

# On smaller pictures a digit's own bar cannot be told from a line; on larger ones `without_lines` finds them.
_LEAST_SIDE, LARGEST_CELL = 20, 160
# A line begins at most so many pixels inside, and is at most so thick: pixels, or a fraction of the longer side.
_INSET, _THICKNESS, _THICKNESS_FRACTION = 2, 3, 0.06
# A line keeps to one level, within this fraction of the picture's range or these levels, on the first fraction of its
# length, and on the second if ink that crosses it counts. It differs from the paper by this fraction of the range.
_SAME, _LEAST_SAME, _STRAIGHT, _CROSSED, _DIFFERENT = 0.12, 10, 0.75, 0.92, 0.15
# The blurred inner side of a line differs from the paper by between these fractions of what the line does.
_BLURRED = (0.05, 0.6)
# The row behind a line differs from the paper by at most this fraction of what the line does: fog fades slowly.
_SHARP = 0.4
# Within the lines this fraction of the border is paper, which is within that fraction of the picture's range.
_PAPER_AROUND, _PAPER_RANGE = 0.72, 0.2
# Ink differs from the paper by this fraction of the range; a digit has so many pixels of it, and this fraction at most.
_INK, _LEAST_INK, _MOST_INK = 0.4, 12, 0.5
# A digit that fills a box, lines on all four sides: so much less of the border is paper, and so much is ink at most.
_FILLED, _MOST_FILLED = 0.2, 0.65
_LEAST_INNER_SIDE = 8


def without_edge_lines(grey: Array) -> Array:
    """Paint over straight lines along the border with the level of the paper, if a digit on paper is left within.

    No side may have more than `LARGEST_CELL` pixels.
    """
    height, width = grey.shape[1:]
    if min(height, width) < _LEAST_SIDE:
        return grey
    thickest = max(_THICKNESS, round(_THICKNESS_FRACTION * max(height, width)))
    suspects = np.flatnonzero(_may_have_lines(grey, thickest))
    if len(suspects) == 0:
        return grey
    out, some = grey.copy(), grey[suspects]
    span = np.ptp(some.reshape(len(some), -1), axis=1).astype(np.float32)
    best = np.full(len(some), _PAPER_AROUND)
    middles = [_middle_pair(side[:, : _INSET + thickest + 2]) for side in _sides(some)]
    # The paper may be the dark or the bright one of the two levels within: a digit drawn thickly covers more than it.
    for paper in _paper_levels(some, min(thickest + 3, min(height, width) // 5)):
        difference = some - paper[:, np.newaxis, np.newaxis]
        sides = zip(_sides(difference), middles, strict=True)
        ends = np.stack([_line_ends(side, pair - paper[:, np.newaxis], span) for side, pair in sides], axis=1)
        for index in np.flatnonzero((ends > 0).any(axis=1)):
            # A bar of the digit that runs into a line makes it look thick: it ends as those of the other sides do.
            usual = np.median(ends[index][ends[index] > 0])
            top, bottom, left, right = np.where(ends[index] < 0, usual, ends[index]).astype(int)
            within = np.abs(difference[index, top : height - bottom, left : width - right])
            in_box = bool((ends[index] != 0).all())
            around = paper_around_digit(within, span[index], _MOST_FILLED if in_box else _MOST_INK)
            if around > best[index] - _FILLED * in_box:
                best[index] = around
                painted = np.full((height, width), np.rint(paper[index]), np.uint8)
                inner = slice(top, height - bottom), slice(left, width - right)
                painted[inner] = some[index][inner]
                out[suspects[index]] = painted
    return out


def has_edge_lines(batch: Array) -> Array:
    """Tell which pictures, uint8 (n, height, width[, 3]) of any size, have lines along the border: bool (n,)."""
    grey = shrink(to_grey(batch), LARGEST_CELL - 1)
    return np.asarray((without_edge_lines(grey) != grey).any(axis=(1, 2)))


def _sides(batch: Array) -> tuple[Array, Array, Array, Array]:
    """Return views of the batch with its top, bottom, left and right side on top."""
    across = batch.transpose(0, 2, 1)
    return batch, batch[:, ::-1], across, across[:, ::-1]


def _may_have_lines(grey: Array, thickest: int) -> Array:
    """Tell quickly which pictures have a row or column near the border that differs from one further inside."""
    found = np.zeros(len(grey), bool)
    for side in _sides(grey):
        middle = side[:, : _INSET + thickest + 2, side.shape[2] // 4 : -(side.shape[2] // 4) : 3].astype(np.int16)
        levels = np.sort(middle, axis=2)[:, :, middle.shape[2] // 2]
        found |= np.ptp(levels, axis=1) >= _LEAST_SAME
    return found


def _paper_levels(grey: Array, margin: int) -> Array:
    """Return the most frequent dark and the most frequent bright level inside the margin: float32 (2, n)."""
    n = len(grey)
    inner = grey[:, margin:-margin, margin:-margin].reshape(n, -1) >> 3
    counts = np.bincount((inner + 32 * np.arange(n)[:, np.newaxis]).ravel(), minlength=32 * n).reshape(n, 32)
    smooth = counts.copy()
    smooth[:, 1:] += counts[:, :-1]
    smooth[:, :-1] += counts[:, 1:]
    levels = grey[:, margin:-margin, margin:-margin].reshape(n, -1).astype(np.int64)
    dark = np.arange(32) * 16 + 8 < (levels.min(axis=1) + levels.max(axis=1))[:, np.newaxis]
    found = []
    for candidates in (dark, ~dark):
        mode = np.where(candidates, smooth, -1).argmax(axis=1)
        near = np.abs(inner.astype(np.int64) - mode[:, np.newaxis]) <= 1
        found.append((levels * near).sum(axis=1) / np.maximum(near.sum(axis=1), 1))
    return np.array(found, np.float32)


def _middle_pair(strip: Array) -> Array:
    """Return the two levels in the middle of each row's order, one twice if there is one: uint8 (2, n, rows)."""
    ordered, length = np.sort(strip, axis=2), strip.shape[2]
    return np.stack([ordered[:, :, (length - 1) // 2], ordered[:, :, length // 2]])


def _line_ends(difference: Array, middle_pair: Array, span: Array) -> Array:
    """Return the first row behind a line along the top: 0 without a line, -1 if it has no clear end: int (n,)."""
    middle = (middle_pair[0] + middle_pair[1]) / 2
    different = np.abs(middle) >= np.maximum(_DIFFERENT * span, _LEAST_SAME)[:, np.newaxis]
    ends = np.zeros(len(middle), int)
    # The rest has none: nothing near the border differs from the paper.
    some = np.flatnonzero(different[:, : _INSET + 1].any(axis=1))
    if len(some):
        strip = difference[some, : middle.shape[1]]
        ends[some] = _clear_ends(_straight_rows(strip, middle[some], span[some]), different[some], np.abs(middle[some]))
    return ends


def _straight_rows(strip: Array, middle: Array, span: Array) -> Array:
    """Tell which rows keep to the level in their middle but for ink that crosses them."""
    # Positive: further from the paper than the row's middle.
    beyond = (strip - middle[:, :, np.newaxis]) * np.sign(middle)[:, :, np.newaxis]
    tolerance = np.maximum(_SAME * span, _LEAST_SAME)[:, np.newaxis, np.newaxis]
    no_nearer = beyond >= -tolerance
    straight = _fraction(no_nearer & (beyond <= tolerance)) >= _STRAIGHT
    return straight & (_fraction(no_nearer) >= _CROSSED)


def _clear_ends(straight: Array, different: Array, far: Array) -> Array:
    """Return what :func:`_line_ends` does, of rows that are straight, different from the paper, and so far from it."""
    line = straight & different
    depth = line.shape[1] - 2
    rows, images = np.arange(depth + 2), np.arange(len(line))
    first = line.argmax(axis=1)
    end = np.where(~line & (rows > first[:, np.newaxis]), rows, depth + 2).min(axis=1)
    behind = np.minimum(end, depth + 1)
    low, high = (fraction * far[images, first] for fraction in _BLURRED)
    blurred = straight[images, behind] & (far[images, behind] >= low) & (far[images, behind] < high)
    begins = line.any(axis=1) & (first <= _INSET)
    inner = np.minimum(end + blurred, depth + 1)
    thin = (end - first <= depth - _INSET) & (end <= depth) & (far[images, inner] <= _SHARP * far[images, first])
    return np.where(begins, np.where(thin, end + blurred, -1), 0)


def _fraction(mask: Array) -> Array:
    """Return the fraction of each row that is True; the sums of up to 160 fit a byte."""
    return np.asarray(mask.view(np.uint8).sum(axis=2, dtype=np.uint8) / mask.shape[2])


def paper_around_digit(within: Array, span: float, most_ink: float = _MOST_INK) -> float:
    """Return the fraction of the border that is paper, 0 if there is too little or too much ink to be a digit."""
    if min(within.shape) < _LEAST_INNER_SIDE:
        return 0.0
    ink = int((within >= _INK * span).sum())
    if not _LEAST_INK <= ink <= most_ink * within.size:
        return 0.0
    border = np.concatenate([within[0], within[-1], within[1:-1, 0], within[1:-1, -1]])
    return float((border < _PAPER_RANGE * span).mean())
