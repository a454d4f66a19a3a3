"""Strips of a picture, each with one line of writing, straight and at the size that the line reader takes.

In: a picture, uint8 (height, width[, 3]), as :func:`lenetkit.datasets.read_image` gives it. Out: :class:`Strip` s.
Next: the line reader.
"""

import math
from typing import Literal

import attrs
import numpy as np
import numpy.typing as npt
from PIL import Image

from lenetkit._utils.lazy import lazy
from lenetkit._utils.ndimage import ndimage
from lenetkit.reading._segmentation import Array
from lenetkit.reading._strip_ink import Sheet, find_ink, reduced
from lenetkit.reading._strip_lines import Group, find_groups
from lenetkit.reading._strip_rules import EIGHT

__all__ = ["HEIGHT", "Strip", "find_strips", "whole_strip"]

# Rows of a strip; of these the digits take so many, and all ink of the line at most so many. Paper at both ends, in
# digit heights. Set on the composed scenes of benchmarks/_scenes.py.
HEIGHT = 40
_DIGIT, _MOST, _MARGIN = 26, 34, 0.3
# Digits higher than this on the sheet are looked for on a smaller one, on which they are at most half as high.
_LARGEST = 110
# Where nothing is found strokes may be broad: the sheet is made so many times smaller while it has so many rows and
# columns.
_SMALLER, _SMALLEST = 3, 100
# Groups with less than this score beside the best are specks and bits.
_LEAST_SCORE = 0.06
# A pixel of the strip is ink where so much of it is, of 255. Paper darker than this fraction of the strip's is that.
_PART, _DARKEST = 128, 0.35
# A slope below this is left as it is.
_LEVEL = 0.02
# Pieces of ink of so many rows or columns of a strip may be a digit or half of one. Upright rules cover this fraction
# of the height of digits, and so many of them make boxes.
_PIECE, _UPRIGHT, _BOXES = 10, 0.5, 3
# Pieces that have so much of the narrower one's columns in common lie above each other.
_ABOVE = 0.5


@attrs.frozen(kw_only=True, eq=False, slots=False)
class Strip:
    """One line of writing cut from a picture, or a part of one.

    Parameters
    ----------
    image : ndarray of shape (40, width)
        uint8, dark on light, on even paper.
    pieces : ndarray of shape (40, width)
        int32, the connected pieces of its ink, from 1 on; 0 is paper.
    matrix : ndarray of shape (2, 3)
        float64: a point (x, y, 1) of the strip to one (x, y) of the picture, in pixels.
    line : int
        Number of the line, from top to bottom; strips of one line stand beside each other, in order.
    score : float
        How much of the picture's writing it is, from 0 to 1: the largest and darkest line has 1.
    shape : tuple of two int
        Rows and columns of the picture.
    is_all : bool
        True if all ink of the picture that may be a digit is on its strips, and no boxes part these.
    """

    image: npt.NDArray[np.uint8]
    pieces: npt.NDArray[np.int32]
    matrix: npt.NDArray[np.float64]
    line: int
    score: float
    shape: tuple[int, int]
    is_all: bool = False

    @lazy
    def _areas(self) -> npt.NDArray[np.int64]:
        """Pixels of each piece, the first is paper: int64 (n_pieces + 1,)."""
        return np.bincount(self.pieces.ravel())

    @property
    def places(self) -> list[tuple[int, int]]:
        """First and end column of the ink that may be a digit by its size, pieces above each other taken together."""
        found: list[tuple[int, int]] = []
        for rows, columns in sorted(ndimage.find_objects(self.pieces), key=lambda piece: piece[1].start):
            left, right = columns.start, columns.stop
            if max(rows.stop - rows.start, right - left) < _PIECE:
                continue
            if found and found[-1][1] - left > _ABOVE * min(right - left, found[-1][1] - found[-1][0]):
                left, right = found[-1][0], max(found.pop()[1], right)
            found.append((left, right))
        return found

    def box(self, left: float, right: float) -> tuple[int, int, int, int]:
        """Return the box (left, top, right, bottom) in the picture of what is written between two columns of the strip.

        Right and bottom are just outside. Pieces that lie mostly beside the columns are left out if others are there;
        without any ink it is the box of all rows.
        """
        first = int(np.clip(np.floor(left), 0, self.image.shape[1] - 1))
        last = int(np.clip(np.ceil(right), first + 1, self.image.shape[1]))
        here = self.pieces[:, first:last]
        own = 2 * np.bincount(here.ravel(), minlength=len(self._areas)) >= self._areas
        own[0] = False
        rows, columns = np.nonzero(own[here] if own[here].any() else here)
        if len(rows) == 0:
            rows, columns = np.array([0, HEIGHT - 1]), np.array([0, last - first - 1])
        x = np.concatenate([columns, columns + 1, columns, columns + 1]) + first
        y = np.concatenate([rows, rows, rows + 1, rows + 1])
        x, y = self.matrix[:, :2] @ np.stack([x, y]) + self.matrix[:, 2:]
        height, width = self.shape
        start = min(max(0, round(float(x.min()))), width - 1), min(max(0, round(float(y.min()))), height - 1)
        end = min(round(float(x.max())), width), min(round(float(y.max())), height)
        return *start, max(end[0], start[0] + 1), max(end[1], start[1] + 1)


def find_strips(picture: Array, sheet: Sheet | None = None) -> list[Strip]:
    """Return the lines of writing in a picture, from top to bottom; none where nothing is written.

    Parameters
    ----------
    picture : ndarray of shape (height, width) or (height, width, 3)
        uint8, of any size and polarity.
    sheet : Sheet, optional
        Its ink, where that is known.

    Returns
    -------
    list of Strip
        Groups of digits that are far apart on a line are strips of their own with the same `line`.
    """
    if sheet is None:
        sheet = find_ink(picture)
    groups = find_groups(sheet)
    while not groups and min(picture.shape[:2]) > _SMALLEST * sheet.factor:
        sheet, groups = _look(picture, _SMALLER * sheet.factor)
    highest = max(groups, key=lambda group: group.score).digit_height if groups else 0
    if highest > _LARGEST:
        # Strokes of so large digits fall into parts.
        smaller, fewer = _look(picture, sheet.factor * math.ceil(2 * highest / _LARGEST))
        sheet, groups = (smaller, fewer) if fewer else (sheet, groups)
    groups = [group for group in groups if group.score >= _LEAST_SCORE]
    lines = sorted({group.line for group in groups})
    owners = np.zeros(sheet.count + 1, np.int32)
    for index, group in enumerate(groups, start=1):
        owners[group.members] = index
    is_all = not (_has_loose_ink(sheet, groups, owners) or any(_has_boxes(sheet, group) for group in groups))
    return [
        attrs.evolve(_cut(picture, sheet, group, owners, index), line=lines.index(group.line), is_all=is_all)
        for index, group in enumerate(groups, start=1)
    ]


def whole_strip(picture: Array, sheet: Sheet | None = None) -> Strip:
    """Return a whole picture as one strip, for pictures that hold little but their one line.

    A second view of a line that :func:`find_strips` has found, or the only one where it finds none, as on patterns that
    are as dark as the writing. Its pieces are unknown, so that its boxes have all rows.

    Parameters
    ----------
    picture : ndarray of shape (height, width) or (height, width, 3)
        uint8.
    sheet : Sheet, optional
        Its ink, where that is known.

    Returns
    -------
    Strip
        With a score of 0; it holds all ink.
    """
    rows, columns = picture.shape[:2]
    if sheet is None:
        sheet = find_ink(picture)
    size = max(1, round(columns * HEIGHT / rows)), HEIGHT
    levels = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR))
    return Strip(
        image=np.array(sheet.to_grey(levels)),
        pieces=np.zeros(size[::-1], np.int32),
        matrix=np.array([(columns / size[0], 0, 0), (0, rows / HEIGHT, 0)]),
        line=0,
        score=0.0,
        shape=(rows, columns),
        is_all=True,
    )


def _has_loose_ink(sheet: Sheet, groups: list[Group], owners: Array) -> bool:
    """Tell whether ink in no group is as large as a piece of a digit."""
    least = min((group.digit_height for group in groups), default=0.0) * _PIECE / _DIGIT
    top, bottom, left, right = sheet.boxes
    return bool(((owners[1:] == 0) & (np.maximum(bottom - top, right - left) >= least)).any())


def _has_boxes(sheet: Sheet, group: Group) -> bool:
    """Tell whether upright rules stand in a row beside the digits of a group."""
    middle = group.middle + group.slope * (group.left + group.right) / 2
    half = group.digit_height / 2
    band = sheet.rules[max(0, round(middle - half)) : max(1, round(middle + half))]
    upright = np.count_nonzero(band, axis=0) >= _UPRIGHT * len(band)
    return bool(np.count_nonzero(np.diff(upright, prepend=False, append=False)) >= 2 * _BOXES)


def _look(picture: Array, factor: int) -> tuple[Sheet, list[Group]]:
    sheet = find_ink(picture, factor)
    return sheet, find_groups(sheet)


def _cut(picture: Array, sheet: Sheet, group: Group, owners: Array, index: int) -> Strip:
    """Cut out a group: `owners` says which of the groups, from 1 on, each piece of the sheet belongs to."""
    scale = min(_DIGIT / group.digit_height, _MOST / group.height)
    slope = group.slope if abs(group.slope) >= _LEVEL else 0.0
    stretch = float(np.hypot(1, slope))
    margin = _MARGIN * group.digit_height
    width = max(1, round((group.right - group.left + 2 * margin) * stretch * scale))
    column = (group.left + group.right) / 2
    centre = np.array([column, group.middle + group.slope * column])
    axes = np.array([(1, -slope), (slope, 1)]) / (stretch * scale)
    matrix = np.column_stack([axes, centre - axes @ (width / 2, HEIGHT / 2)])
    labels, local = _part(sheet.labels, matrix, width)
    owner = owners[labels]
    ink = _sampled((owner == index).astype(np.uint8) * 255, local, width) >= _PART
    foreign = _sampled(((owner > 0) & (owner != index)).astype(np.uint8) * 255, local, width) >= _PART
    paper = _sampled(*_part(sheet.paper, matrix, width, beyond="edge"), width)
    levels = _sampled_picture(picture, sheet, matrix, width)
    even = max(1.0, float(np.median(paper)))
    shade = np.clip(paper.astype(np.float32) - levels, 0, None) * (even / np.maximum(paper, _DARKEST * even))
    shade[ndimage.maximum_filter(foreign, 3) & ~ndimage.maximum_filter(ink, 3)] = 0
    return Strip(
        image=np.rint(np.clip(even - shade, 0, 255)).astype(np.uint8),
        pieces=np.asarray(ndimage.label(ink, EIGHT)[0], np.int32),
        matrix=matrix * sheet.factor,
        line=group.line,
        score=group.score,
        shape=(picture.shape[0], picture.shape[1]),
    )


def _part(
    page: Array, matrix: Array, width: int, around: float = 2, beyond: Literal["constant", "edge"] = "constant"
) -> tuple[Array, Array]:
    """Return the part of a page that a strip lies on, and the matrix that leads from the strip to the part.

    Beyond the page lies nothing, or it goes on as at its edge.
    """
    corners = matrix[:, :2] @ np.array([(0, width, 0, width), (0, 0, HEIGHT, HEIGHT)]) + matrix[:, 2:]
    left, top = np.floor(corners.min(axis=1) - around).astype(int).tolist()
    right, bottom = np.ceil(corners.max(axis=1) + around).astype(int).tolist()
    rows, columns = page.shape[:2]
    part = page[max(0, top) : max(1, bottom), max(0, left) : max(1, right)]
    missing = [(max(0, -top), max(0, bottom - rows)), (max(0, -left), max(0, right - columns)), (0, 0)][: page.ndim]
    part = np.pad(part, missing, mode=beyond)
    return np.ascontiguousarray(part), matrix - np.array([(0, 0, left), (0, 0, top)])


def _sampled(part: Array, matrix: Array, width: int) -> Array:
    """Return the strip (40, width[, 3]) of a part of a page."""
    data = tuple(matrix.ravel().tolist())
    method, resampling = Image.Transform.AFFINE, Image.Resampling.BILINEAR
    return np.asarray(Image.fromarray(part).transform((width, HEIGHT), method, data, resampling))


def _sampled_picture(picture: Array, sheet: Sheet, matrix: Array, width: int) -> Array:
    """Return the strip (40, width) of the picture itself, grey and dark on light."""
    matrix = matrix * sheet.factor
    step = float(np.hypot(*matrix[:, 0]))
    part, matrix = _part(picture, matrix, width, 2 + step, "edge")
    factor = max(1, int(step))
    return sheet.to_grey(_sampled(reduced(part, factor), matrix / factor, width))
