"""Pieces of ink: those of a digit, and the frames, paper edges and specks that are none.

In: an ink map, of which :func:`dark_enough` makes the mask of what may be ink. :func:`without_frames` maps one mask
(height, width) to the same without frames, if a digit is left. :func:`digit_mask` maps a batch (n, height, width) to
the masks of the digits.
Next: :mod:`lenetkit._ink.digit`.
"""

from typing import Any, NamedTuple

import numpy as np

from lenetkit._ink.grey import Array
from lenetkit._ink.paper import LARGE, Contrast, InkMap, above, inner, slope_at

__all__ = [
    "COARSE",
    "CROSSING",
    "dark_enough",
    "digit_mask",
    "reaches_across",
    "without_frames",
]

_EIGHT = np.ones((3, 3))  # neighbours that make one piece
_EIGHT_OF_ONE_IMAGE = np.stack([np.zeros((3, 3)), _EIGHT, np.zeros((3, 3))])

# Where no source is given, the number was set by eye on the development pictures, as in lenetkit._ink.paper.

# Ink stands out by so many grey levels at least, and by so many noises. Wrong: ink in up to 3 blank pictures fewer.
_FAINTEST, _NOISES = 8, 6
# Pictures from so many pixels on are searched one by one, each only where it has ink at all.
_APART = 2**15
# No digit can be told on fewer pixels.
_NARROWEST = 4
# Fractions of the ink's contrast: what surely is ink, and what is ink if it hangs together with that.
# Wrong: 28 results change and 24 fewer are read; 162 change.
_SURE, _POSSIBLE = 0.5, 0.35
# Lines are looked for on at most so many pixels. They reach both sides up to this fraction of the width.
COARSE, _SIDE_MARGIN = 128, 0.03
# What crosses a line is longer, across it, than so many times the line's own thickness (a frame's side likewise).
# Wrong: 17 results change, 5 fewer are read.
CROSSING = 1.6

# A frame has sides of at least 16 pixels; each covers this fraction of its side within this depth; at most half of its
# box is ink. It is around the whole picture from this fraction on.
_SHORTEST_SIDE, _SIDE_COVERED, _SIDE_DEPTH, _WHOLE_PICTURE = 16, 0.85, 0.06, 0.85
# What it holds is a digit from this fraction of its height and area on.
_TALL, _HAIR = 0.3, 0.006

# Ink that stands out by so many noises cannot be noise. Wrong: one more blank picture has ink.
_CLEAR = 12
# The largest piece of a digit has this fraction of the longer side, and 4 pixels: less is a speck.
_SPECK = 0.025
# Shade covers this fraction of a border and rises by less than this part of the contrast over its width.
# Wrong (shade, falling light, and the reach of a stroke below): ink in one blank picture more, or in up to 3 fewer.
_SHADE_COVERS, _SHADE_RISE = 0.9, 1.5
# Falling light has this fraction of its outline on the border and needs this fraction of the side to reach the ink.
_LIGHT_ALONG, _LIGHT_REACH = 0.42, 0.015
# A piece is blurred whose outline is less steep than this fraction of the clearest one's.
_BLURRED = 0.4
# A paper edge touches the border for so many strokes of the digit, which has at least this fraction of its area.
_EDGE_CONTACT, _EDGE_AREA = 3, 0.03
# A stroke reaches the ink's level within this part of its width (small images: the second), within this fraction of the
# picture; a piece with less than this fraction of its outline on the border need not.
_STROKE_WIDTHS, _STROKE_REACH, _FREE = (0.9, 0.8), 0.12, 0.05
# A piece belongs to a digit: as a stroke by its length (in strokes), area and gap; as a part by area and gap; or as
# another digit, by area and size. All but the first are fractions of the main piece's. Wrong: up to 3 results change.
_STROKE_LENGTH, _STROKE_AREA, _STROKE_GAP = 2, 0.02, 0.15
_PART_AREA, _PART_GAP = 0.12, 0.4
_TWIN_AREA, _TWIN_SIZE = 0.35, 0.5


def dark_enough(ink: Array, contrast: Contrast) -> Array:
    """Return the mask of everything dark enough to be ink."""
    mask = above(ink, contrast.level(_POSSIBLE))
    span = contrast.ink - contrast.paper
    clear = (span >= np.maximum(_FAINTEST, _NOISES * contrast.noise)) & (min(ink.shape[1:]) >= _NARROWEST)
    mask[~clear] = False
    return mask


def reaches_across(mask: Array) -> bool:
    """Tell quickly whether there is ink at both sides, as of a line."""
    scale = -(-max(mask.shape) // COARSE)
    width = -(-mask.shape[1] // scale)
    margin = max(1, round(_SIDE_MARGIN * width))
    return bool(mask[:, : margin * scale].any() and mask[:, (width - margin) * scale :].any())


def without_frames(mask: Array) -> Array:
    """Remove closed rectangles around something that is a digit by its height, or around the whole picture."""
    from lenetkit._utils.ndimage import ndimage

    used = _find_used(mask)
    labels, _ = ndimage.label(mask[used], _EIGHT)
    out = mask
    for label, box in enumerate(ndimage.find_objects(labels), start=1):
        if min(part.stop - part.start for part in box) < _SHORTEST_SIDE:
            continue
        inside = _without_sides(labels[box] == label, out[used][box])
        fills = all(
            part.stop - part.start >= _WHOLE_PICTURE * length for part, length in zip(box, mask.shape, strict=True)
        )
        if inside is not None and (fills or _is_tall(inside)):
            out = mask.copy() if out is mask else out
            out[used][box] = inside
    return out


def _find_used(mask: Array) -> tuple[Any, ...]:
    """Return rows and columns of a mask (..., height, width) that hold all of it: pieces are sought in them only."""
    flat = mask.reshape(-1, *mask.shape[-2:])
    found = (np.flatnonzero(flat.any(axis=axes)) for axes in ((0, 2), (0, 1)))
    return (Ellipsis, *(slice(used[0], used[-1] + 1) if len(used) else slice(0) for used in found))


def _without_sides(piece: Array, mask: Array) -> Array | None:
    """Return the part of the mask within a piece's four sides; None if it is no rectangle."""
    depth = max(2, round(_SIDE_DEPTH * min(piece.shape)))
    if piece.mean() > 0.5:
        return None
    sides = piece[:depth].any(0), piece[-depth:].any(0), piece[:, :depth].any(1), piece[:, -depth:].any(1)
    if min(side.mean() for side in sides) < _SIDE_COVERED:
        return None
    left = mask.copy()
    for side in (left, left[::-1], left.T, left.T[::-1]):
        _erase_side(side, depth)
    return left


def _erase_side(mask: Array, depth: int) -> None:
    strip = mask[: 3 * depth]
    rows = np.arange(len(strip))[:, np.newaxis]
    first = strip.argmax(axis=0)
    last = np.where(~strip & (rows > first), rows, len(strip)).min(axis=0)
    there = strip.any(axis=0) & (first < depth)
    lengths = last - first
    thin = there & (lengths <= CROSSING * np.median(lengths[there]) + 1) if there.any() else there
    strip[thin & (rows >= first) & (rows < last)] = False


def _is_tall(mask: Array) -> bool:
    """Tell whether the largest piece takes 30 % of the height, and more than a hair's width."""
    from lenetkit._utils.ndimage import ndimage

    labels, count = ndimage.label(mask, _EIGHT)
    if count == 0:
        return False
    largest = labels == np.bincount(labels.ravel())[1:].argmax() + 1
    rows = np.nonzero(largest.any(axis=1))[0]
    return bool(rows[-1] - rows[0] + 1 >= _TALL * len(mask) and largest.sum() >= _HAIR * mask.size)


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
    covered: Array  # largest fraction of a border that it covers
    border: Array  # pixels on any border
    steepness: Array  # mean along its outline, in levels per pixel

    @property
    def size(self) -> Array:
        """The longer side of the box around it."""
        return np.asarray(np.maximum(self.bottom - self.top, self.right - self.left))

    @property
    def stroke(self) -> Array:
        """Width of its strokes, in pixels."""
        return 2 * self.area / np.maximum(self.outline, 1)


def digit_mask(mask: Array, found: InkMap) -> Array:
    """Return the mask of the digit in each image, all False where there is none, of a mask of what may be ink."""
    from lenetkit._utils.ndimage import ndimage

    ink_map, contrast = found
    if len(mask) > 1 and mask[0].size >= _APART:
        ones = [slice(index, index + 1) for index in range(len(mask))]
        levels = (Contrast(*(level[one] for level in contrast)) for one in ones)
        parts = zip(ones, levels, strict=True)
        return np.concatenate([digit_mask(mask[one], InkMap(ink_map[one], level)) for one, level in parts])
    labels, used = np.zeros(mask.shape, np.int32), _find_used(mask)
    # One alone takes less time without the axis of the images.
    each, neighbours = (0, _EIGHT) if len(mask) == 1 else (slice(None), _EIGHT_OF_ONE_IMAGE)
    count = ndimage.label(mask[each][used], neighbours, output=labels[each][used])
    if count == 0:
        return mask
    # A piece without any pixel that is dark enough is no ink.
    sure = mask & above(ink_map, contrast.level(_SURE))
    pieces, ink = _measure(labels, count, used, sure, ink_map)
    side = max(mask.shape[1:])
    large, span = side >= LARGE, contrast.ink - contrast.paper
    # Where strokes are few pixels wide they cannot be steep.
    ink &= ~_is_shade(pieces, span * (_SHADE_RISE if large else 1)) & ~_is_falling_light(pieces, span, side)
    if large:
        ink &= ~_is_blurred(pieces, ink, len(mask))
    ink &= ~_is_edge(pieces, ink, len(mask))
    eligible = ink & _is_stroke(pieces, span, contrast.noise, side) & (pieces.size >= max(4, _SPECK * side))
    main = _largest(pieces, eligible, pieces.area, len(mask))
    chosen = _belonging(pieces, ink, main, len(mask))
    out = np.zeros(mask.shape, bool)
    out[used] = np.append(False, chosen)[labels[used]]
    return out


def _measure(labels: Array, count: int, used: tuple[Any, ...], sure: Array, ink_map: Array) -> tuple[_Pieces, Array]:
    """Return what is known of each piece, and whether any of it surely is ink; all are in the `used` part."""
    part = labels[used]
    mask = part > 0
    pixels = np.flatnonzero(mask)
    numbers = part.reshape(-1)[pixels]
    n = count + 1
    bounds = _find_bounds(pixels, numbers, count, part.shape)
    bounds[1:3] += used[1].start
    bounds[3:] += used[2].start
    at_edge = ~inner(mask).reshape(-1)[pixels]
    outline = np.bincount(numbers[at_edge], minlength=n)[1:]
    rows, columns = np.divmod(pixels[at_edge], part.shape[2])
    image, rows = np.divmod(rows, part.shape[1])
    steepness = np.sqrt(slope_at(ink_map, image, rows + used[1].start, columns + used[2].start)) / 2
    steepness = np.bincount(numbers[at_edge], steepness, minlength=n)[1:] / np.maximum(outline, 1)
    sides = (labels[:, 0], labels[:, -1], labels[:, :, 0], labels[:, :, -1])
    contacts = np.array([np.bincount(side.ravel(), minlength=n)[1:] for side in sides])
    covered = (contacts / np.array([[side[0].size] for side in sides])).max(axis=0)
    area = np.bincount(numbers, minlength=n)[1:]
    ink = np.bincount(numbers[sure[used].reshape(-1)[pixels]], minlength=n)[1:] > 0
    contact, border = contacts.max(axis=0), contacts.sum(axis=0)
    image, top, bottom, left, right = bounds
    return _Pieces(image, area, top, bottom, left, right, outline, contact, covered, border, steepness), ink


def _find_bounds(pixels: Array, numbers: Array, count: int, shape: tuple[int, ...]) -> Array:
    """Return image, first row, end row, first column and end column of pieces: int64 (5, count).

    `pixels` are places among all pixels (n, height, width), ascending, `numbers` those of their pieces, from 1 on.
    With little ink that takes less time than ``ndimage.find_objects``.
    """
    bounds = np.empty((5, count + 1), np.int64)
    image, top, bottom, left, right = bounds
    rows, columns = np.divmod(pixels, shape[2])
    top[numbers[::-1]] = rows[::-1]  # the first one remains
    bottom[numbers] = rows
    np.floor_divide(top, shape[1], out=image)
    top -= image * shape[1]
    bottom += 1 - image * shape[1]
    left[:], right[:] = shape[2], 0
    np.minimum.at(left, numbers, columns)
    np.maximum.at(right, numbers, columns + 1)
    return bounds[:, 1:]


def _largest(pieces: _Pieces, eligible: Array, values: Array, n: int) -> Array:
    """Return for each piece the index of the eligible piece of its image with the largest value, or -1."""
    best = np.full(n, -1)
    order = np.flatnonzero(eligible)
    order = order[np.argsort(values[order], kind="stable")]
    best[pieces.image[order]] = order
    return np.asarray(best[pieces.image])


def _is_shade(pieces: _Pieces, rise: Array) -> Array:
    """Tell which pieces cover a border and rise by too little over their width: light that falls off leaves that."""
    fades = pieces.steepness * pieces.stroke < rise[pieces.image]
    return np.asarray((pieces.covered >= _SHADE_COVERS) & fades)


def _is_falling_light(pieces: _Pieces, span: Array, side: int) -> Array:
    """Tell which pieces lie along the border for a good part of their outline and begin slowly."""
    slow = pieces.steepness * max(3.0, _LIGHT_REACH * side) < span[pieces.image]
    return np.asarray(slow & (pieces.border > _LIGHT_ALONG * pieces.outline))


def _is_blurred(pieces: _Pieces, ink: Array, n: int) -> Array:
    """Tell which pieces have a much softer outline than the image's best one."""
    best = _largest(pieces, ink, pieces.area * pieces.steepness**2, n)
    return np.asarray((best >= 0) & (pieces.steepness < _BLURRED * pieces.steepness[best]))


def _is_edge(pieces: _Pieces, ink: Array, n: int) -> Array:
    """Tell which pieces lie along the border, while there is a digit clear of it."""
    clear = ink & (pieces.contact == 0)
    digit = _largest(pieces, clear, pieces.area, n)
    along = pieces.contact > _EDGE_CONTACT * pieces.stroke[digit]
    return np.asarray((digit >= 0) & along & (pieces.area[digit] > _EDGE_AREA * pieces.area))


def _is_stroke(pieces: _Pieces, span: Array, noise: Array, side: int) -> Array:
    """Tell which pieces reach the ink's level within their own width, and within a part of the picture.

    Remains of noise and of falling light do not; other pieces that are clear of the border need not.
    """
    reach = np.minimum(pieces.stroke / _STROKE_WIDTHS[side < LARGE], max(5.0, _STROKE_REACH * side))
    steep = pieces.steepness * reach >= span[pieces.image]
    clear = (span >= _CLEAR * noise)[pieces.image] & (pieces.border <= _FREE * pieces.outline)
    return np.asarray(steep | clear)


def _belonging(pieces: _Pieces, ink: Array, main: Array, n: int) -> Array:
    """Choose the main piece, and then those near to what is chosen already, or as large as another digit."""
    chosen: Array = np.arange(len(main)) == main
    near_enough = ink & (main >= 0)
    area = pieces.area / pieces.area[main]
    size = pieces.size[main]
    bounds = [lines[main].copy() for lines in (pieces.top, pieces.bottom, pieces.left, pieces.right)]
    for _ in range(3):
        top, bottom, left, right = bounds
        gap = np.hypot(
            np.maximum(np.maximum(top - pieces.bottom, pieces.top - bottom), 0),
            np.maximum(np.maximum(left - pieces.right, pieces.left - right), 0),
        )
        stroke = (
            (pieces.size >= _STROKE_LENGTH * pieces.stroke[main]) & (area >= _STROKE_AREA) & (gap <= _STROKE_GAP * size)
        )
        part = (area >= _PART_AREA) & (gap <= _PART_GAP * size)
        # Two digits are not to be read as one, so neither is left out.
        twin = (area >= _TWIN_AREA) & (pieces.size >= _TWIN_SIZE * size)
        more = near_enough & (stroke | part | twin) & ~chosen
        if not more.any():
            break
        chosen |= more
        bounds = _bounds(pieces, chosen, n)
    return chosen


def _bounds(pieces: _Pieces, chosen: Array, n: int) -> list[Array]:
    """Return, for each piece, the box around all chosen pieces of its image."""
    edges = np.stack([-pieces.top, pieces.bottom, -pieces.left, pieces.right])
    furthest = np.full((4, n), np.iinfo(np.int32).min)
    of_image: Any = (slice(None), pieces.image[chosen])
    np.maximum.at(furthest, of_image, edges[:, chosen])
    top, bottom, left, right = furthest[:, pieces.image]
    return [-top, bottom, -left, right]
